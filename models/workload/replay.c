/* `replay`: the arrivals of a trace, rows of jobs or counts per interval. As it stands a row is one job at its instant, with its sizes.
 * time_scale moves the instants, rate_scale copies or thins the jobs, repeat starts again at the end. Draws are addressed by row, interval
 * or job, so nothing depends on the block; memory does not grow with the trace.
 *
 * `resample` makes another trace of the same kind for every replication: blocks of it in a new order, with replacement (circular block
 * bootstrap: Politis and Romano, in "Exploring the Limits of Bootstrap", 1992); with `period`, each block comes from the same hour of
 * some day (seasonal block bootstrap: Politis 2001; Dudek et al., J. Time Series Analysis 35, 2014). Block b is draw b of
 * PURPOSE_RESAMPLE of entity 0: the same of all strategies and of all traces of a scenario, so that traces recorded together stay so. */
#include <string.h>

#include "sim/contract/trace_data.h"
#include "sim/contract/workload.h"
#include "sim/core/maths.h"
#include "sim/core/time.h"

typedef enum Spread { SPREAD_UNIFORM, SPREAD_EVEN } Spread;
static const char *const spread_names[] = {"uniform", "even", NULL};

#define RESAMPLE_FIELDS(F, C, O, L, M, R, P)                                                                               \
  F(duration, block, "0s", 0, 3.2e9, OPTIONAL, "length of a block in the trace's own time (counts: rounded up to whole intervals); 0s: the trace as it is", "") \
  F(duration, period, "0s", 0, 3.2e9, OPTIONAL, "blocks keep their place in this period (24h: the hour of the day); 0s: from anywhere", "")
typedef struct Resample { FIELD_MEMBERS(RESAMPLE_FIELDS) } Resample;
#define ROW_STRUCT Resample
static const Field resample_fields[] = {FIELD_ROWS(RESAMPLE_FIELDS)};
#undef ROW_STRUCT

static bool check_resample(const void *value, Err *err) {
  const Resample *resample = value;
  if (resample->block_ns > 0 && resample->block_ns < NS_PER_S) return err_at(err, "block", "at least 1s");
  if (resample->block_ns == 0) return resample->period_ns == 0 || err_at(err, "period", "is for resampling: give `block`, too");
  return resample->period_ns == 0 || resample->period_ns >= resample->block_ns || err_at(err, "block", "must not be longer than `period`");
}

static const Type resample_type = FIELD_TYPE("resample", "another trace of the same kind for every replication", Resample, resample_fields, check_resample);

#define REPLAY_FIELDS(F, C, O, L, M, R, P)                                                                                 \
  O(trace, TraceFile, &trace_file_type, REQUIRED, "the trace")                                                          \
  F(number, time_scale, "1", 1e-6, 1e6, OPTIONAL, "2: twice as fast, in half the time", "")                             \
  F(number, rate_scale, "1", 0, 1e6, OPTIONAL, "jobs for each job of the trace; 2.5: two, and a third one every other time", "") \
  F(flag, repeat, "false", 0, 1, OPTIONAL, "start again at the end of the trace", "")                                   \
  O(resample, Resample, &resample_type, OPTIONAL, "blocks of the trace in random order, new ones for every replication: workload uncertainty") \
  C(spread, spread_names, "uniform", "counts: jobs at random instants of their interval, or evenly over it", "")
typedef struct Replay { FIELD_MEMBERS(REPLAY_FIELDS) } Replay;
#define ROW_STRUCT Replay
static const Field replay_fields[] = {FIELD_ROWS(REPLAY_FIELDS)};
#undef ROW_STRUCT
static const Type replay_type = FIELD_TYPE("replay", "the arrivals of a trace", Replay, replay_fields, NULL);

#define LAST_NS (INT64_C(1) << 62) /* past every horizon: the stream ends */
#define OF_INTERVAL (UINT64_C(1) << 62) /* draws of intervals and rows, apart from those of jobs: whether one more, ... */
#define OF_CLOSING (UINT64_C(3) << 61)  /* ... and the spacing after an interval's last job */

enum { ROWS_A_CALL = 65536 };

typedef struct ReplayState {
  Stream jitter;
  uint64_t job;        /* number of the next job */
  size_t row;          /* row or interval being delivered, `begun` once its copies are known */
  size_t row_end;      /* the piece being delivered: rows up to here, and the trace's time up to there */
  int64_t piece_end_ns;
  int64_t shift_ns;    /* from the trace's time to the resampled one's */
  Stream choice;       /* of blocks */
  uint64_t block;      /* the next one */
  int64_t block_ns, period_ns, left_ns; /* lengths in the trace's time; of the block, what follows after the trace's end */
  int64_t until_ns;    /* no block from here on */
  uint64_t serial;     /* rows delivered before: addresses draws */
  int64_t cycle_ns;    /* start of this pass through the trace */
  int64_t start_ns, length_ns; /* where its jobs lie */
  int64_t copies, given;
  double spacing, sum; /* of exponential spacings: so far, and all of the interval */
  bool begun, ended;
} ReplayState;

static int64_t scaled(const Replay *replay, int64_t instant_ns) {
  return replay->time_scale == 1 ? instant_ns : ns_from_double((double)instant_ns / replay->time_scale);
}

static bool has_jobs(const TraceData *data) {
  if (!data->interval_count) return data->count > 0;
  for (size_t k = 0; k < data->count; k++)
    if (data->interval_count[k] > 0) return true;
  return false;
}

/* Counts can be cut between intervals only. */
static int64_t whole_intervals(const TraceData *data, int64_t ns) {
  if (!data->interval_count || data->interval_ns <= 0) return ns;
  return (ns + data->interval_ns - 1) / data->interval_ns * data->interval_ns;
}

/* The first row at or after an instant of the trace. */
static size_t row_at(const TraceData *data, int64_t at_ns) {
  if (data->interval_count) return (size_t)(at_ns / data->interval_ns);
  size_t low = 0, high = data->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (data->arrival_ns[middle] < at_ns) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* [from, from + length) of the trace comes next, at `at` of the resampled one's time; what lies beyond the end follows from the start. */
static void piece_begin(const TraceData *data, ReplayState *state, int64_t from_ns, int64_t length_ns, int64_t at_ns) {
  int64_t end_ns = from_ns + length_ns;
  state->left_ns = end_ns > data->span_ns ? end_ns - data->span_ns : 0;
  state->piece_end_ns = end_ns - state->left_ns;
  state->row = row_at(data, from_ns);
  state->row_end = row_at(data, state->piece_end_ns);
  state->shift_ns = at_ns - from_ns;
}

static void block_begin(const TraceData *data, ReplayState *state) {
  int64_t at_ns = (int64_t)state->block * state->block_ns, grain_ns = data->interval_count ? data->interval_ns : 1;
  int64_t places = data->span_ns / grain_ns, phase_ns = 0;
  int64_t periods = state->period_ns > 0 ? data->span_ns / state->period_ns : 0;
  if (periods > 0) { /* a trace shorter than its period has no other day to draw from: blocks from anywhere */
    grain_ns = state->period_ns;
    places = periods;
    phase_ns = at_ns % state->period_ns;
  }
  int64_t place = (int64_t)(stream_uniform(&state->choice, state->block) * (double)places);
  int64_t length_ns = state->block_ns < state->until_ns - at_ns ? state->block_ns : state->until_ns - at_ns;
  piece_begin(data, state, (place < places ? place : places - 1) * grain_ns + phase_ns, length_ns, at_ns);
  state->block++;
}

/* After a piece: the rest of its block, or the next block, to the next row there is; quiet hours have none. */
static void piece_next(const TraceData *data, ReplayState *state) {
  do {
    int64_t at_ns = (int64_t)state->block * state->block_ns;
    if (state->left_ns > 0) piece_begin(data, state, 0, state->left_ns, state->piece_end_ns + state->shift_ns);
    else if (at_ns >= state->until_ns) state->ended = true;
    else block_begin(data, state);
  } while (!state->ended && state->row >= state->row_end);
}

static void begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  const Replay *replay = params;
  ReplayState *replay_state = state;
  (void)arena;
  *replay_state = (ReplayState){.jitter = stream_make(context->seed, context->entity, PURPOSE_JITTER, context->replication),
                                .choice = stream_make(context->seed, 0, PURPOSE_RESAMPLE, context->replication),
                                .ended = !(replay->rate_scale > 0) || !has_jobs(replay->trace.data)};
  const TraceData *data = replay->trace.data;
  replay_state->row_end = data->count;
  replay_state->piece_end_ns = data->span_ns;
  replay_state->block_ns = whole_intervals(data, replay->resample.block_ns);
  replay_state->period_ns = whole_intervals(data, replay->resample.period_ns);
  if (replay_state->block_ns > data->span_ns) replay_state->block_ns = data->span_ns;
  replay_state->until_ns = replay->repeat ? LAST_NS / 2 : data->span_ns;
  if (replay_state->block_ns > 0 && !replay_state->ended) piece_next(data, replay_state);
}

/* floor(x) jobs, and one more with the probability of the rest. */
static int64_t copies(const ReplayState *state, double wanted) {
  int64_t whole = (int64_t)wanted;
  double rest = wanted - (double)whole;
  if (!(rest > 0)) return whole;
  uint64_t address = OF_INTERVAL + state->serial;
  return whole + (stream_uniform(&state->jitter, address) < rest);
}

/* The sum of n + 1 exponential spacings; job i of n then lies at (sum of the first i) / all, which are ordered uniforms.
 * Source: Devroye, "Non-Uniform Random Variate Generation" (1986), V.3.1. */
static double sum_of_spacings(const ReplayState *state) {
  double spacing[JOB_BLOCK], sum = 0;
  for (int64_t first = 0; first < state->copies; first += JOB_BLOCK) {
    size_t n = state->copies - first < JOB_BLOCK ? (size_t)(state->copies - first) : JOB_BLOCK;
    stream_uniforms(&state->jitter, state->job + (uint64_t)first, n, spacing);
    maths_exponential_quantiles(spacing, n, spacing);
    for (size_t k = 0; k < n; k++) sum += spacing[k];
  }
  double closing = stream_uniform(&state->jitter, OF_CLOSING + state->serial);
  return sum - maths_log(1 - closing);
}

static void row_begin(const Replay *replay, ReplayState *state) {
  const TraceData *data = replay->trace.data;
  int64_t from_ns, to_ns;
  if (data->interval_count) {
    from_ns = scaled(replay, state->shift_ns + (int64_t)state->row * data->interval_ns);
    to_ns = scaled(replay, state->shift_ns + (int64_t)(state->row + 1) * data->interval_ns);
    state->copies = copies(state, (double)data->interval_count[state->row] * replay->rate_scale);
    if (replay->spread == SPREAD_UNIFORM && state->copies > 0) state->sum = sum_of_spacings(state);
  } else {
    int64_t after_ns = state->row + 1 < state->row_end ? data->arrival_ns[state->row + 1] : state->piece_end_ns;
    from_ns = scaled(replay, state->shift_ns + data->arrival_ns[state->row]);
    to_ns = scaled(replay, state->shift_ns + after_ns);
    state->copies = copies(state, replay->rate_scale);
  }
  state->start_ns = state->cycle_ns + from_ns;
  state->length_ns = to_ns > from_ns ? to_ns - from_ns : 0;
  state->given = 0;
  state->spacing = 0;
  state->begun = true;
}

static void row_end(const Replay *replay, ReplayState *state) {
  const TraceData *data = replay->trace.data;
  state->begun = false;
  state->serial++;
  if (++state->row < state->row_end) return;
  if (state->block_ns > 0) {
    piece_next(data, state);
    return;
  }
  int64_t span_ns = scaled(replay, data->span_ns);
  state->row = 0;
  state->ended = !replay->repeat || span_ns <= 0 || state->cycle_ns >= LAST_NS - span_ns;
  if (!state->ended) state->cycle_ns += span_ns;
}

/* Where in its row's time the next job lies, 0..1. Copies of a row follow it at even distances. */
static double place(const ReplayState *state, bool counts, Spread spread, double exponential) {
  if (!counts) return (double)state->given / (double)state->copies;
  if (spread == SPREAD_EVEN) return ((double)state->given + 0.5) / (double)state->copies;
  return (state->spacing + exponential) / state->sum;
}

static void deliver(const Replay *replay, ReplayState *state, double exponential, JobBlock *block) {
  const TraceData *data = replay->trace.data;
  bool counts = data->interval_count != NULL;
  double share = place(state, counts, (Spread)replay->spread, exponential);
  int64_t after_ns = ns_from_double(share * (double)state->length_ns);
  if (counts && after_ns >= state->length_ns && after_ns > 0) after_ns = state->length_ns - 1; /* intervals are [start, end) */
  size_t k = block->count++;
  block->arrival_ns[k] = state->start_ns + (after_ns > 0 ? after_ns : 0);
  block->input[k] = data->input ? data->input[state->row] : 0;
  block->output[k] = data->output ? data->output[state->row] : 0;
  if (data->milligpus || data->duration_ns) {
    block->milligpus[k] = data->milligpus ? data->milligpus[state->row] : 1000;
    block->duration_ns[k] = data->duration_ns ? data->duration_ns[state->row] : -1;
  }
  state->spacing += exponential;
  state->given++;
  state->job++;
}

static void next(const void *params, void *state, const WorkloadContext *context, JobBlock *block) {
  const Replay *replay = params;
  ReplayState *replay_state = state;
  double exponential[JOB_BLOCK] = {0};
  (void)context;
  bool random = replay->trace.data->interval_count && replay->spread == SPREAD_UNIFORM;
  block->first_index = replay_state->job;
  block->count = 0;
  if (random && !replay_state->ended) {
    stream_uniforms(&replay_state->jitter, replay_state->job, JOB_BLOCK, exponential);
    maths_exponential_quantiles(exponential, JOB_BLOCK, exponential);
  }
  for (int rows = 0; !replay_state->ended && block->count < JOB_BLOCK; rows++) {
    if (rows > ROWS_A_CALL && block->count > 0) break; /* a thinned trace: deliver what there is */
    if (!replay_state->begun) row_begin(replay, replay_state);
    while (replay_state->given < replay_state->copies && block->count < JOB_BLOCK)
      deliver(replay, replay_state, exponential[block->count], block);
    if (replay_state->given == replay_state->copies) row_end(replay, replay_state);
  }
}

static bool brings_sizes(const void *params) {
  const TraceData *data = ((const Replay *)params)->trace.data;
  return data && (data->input || data->output);
}

static bool brings_jobs(const void *params) {
  const TraceData *data = ((const Replay *)params)->trace.data;
  return data && (data->milligpus || data->duration_ns);
}

static const char *given(const void *params, Arena *arena) {
  const Replay *replay = params;
  const char *path = replay->trace.data && replay->trace.data->path ? replay->trace.data->path : "a trace", *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  if (replay->resample.block_ns == 0) return arena_format(arena, "the trace %s as it was", name);
  return arena_format(arena, "traces like %s (blocks of %g s%s)", name, (double)replay->resample.block_ns / 1e9, replay->resample.period_ns ? " that keep their place in the period" : "");
}

static double mean_rps(const void *params, int64_t horizon_ns) {
  const Replay *replay = params;
  const TraceData *data = replay->trace.data;
  double jobs = data->interval_count ? 0 : (double)data->count;
  (void)horizon_ns;
  for (size_t k = 0; data->interval_count && k < data->count; k++) jobs += (double)data->interval_count[k];
  return data->span_ns > 0 ? jobs * replay->rate_scale * replay->time_scale * 1e9 / (double)data->span_ns : 0;
}

extern const Workload workload_replay;
const Workload workload_replay = {
    .model = {.kind = MODEL_WORKLOAD,
              .name = "replay",
              .alias = "trace",
              .summary = "the arrivals of a trace: rows of jobs, or counts per interval",
              .rule = "rows: a job at each row's instant / time_scale, with the row's sizes. rate_scale f: floor(f) jobs a row and one more with\n"
                      "the probability of the rest, at even distances up to the next row.\n"
                      "counts: count x f jobs in each interval (the rest of a whole number by chance), at random instants or evenly.\n"
                      "The trace ends, or repeats.\n"
                      "resample: every replication is another trace, blocks of this one drawn with replacement, each from anywhere (circularly) or,\n"
                      "with a period, from the same place in some other period.",
              .evidence = "a replayed trace equals its rows, tests/unit/test_workloads.c",
              .params = &replay_type},
    .varies = true,
    .brings_sizes = true,
    .brings_sizes_of = brings_sizes,
    .brings_jobs = brings_jobs,
    .state_bytes = sizeof(ReplayState),
    .begin = begin,
    .next = next,
    .given = given,
    .mean_rps = mean_rps,
};
