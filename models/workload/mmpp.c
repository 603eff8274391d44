/* `mmpp`: a two-state Markov-modulated Poisson process, exactly. Job i needs a unit exponential of work (draw i of PURPOSE_GAP); work is
 * done at the present state's rate, over as many sojourns as it takes. Sojourn k is draw k of PURPOSE_MODULATION, draw 0 the stationary
 * initial state. Source: Fischer and Meier-Hellstern, "The MMPP cookbook", Performance Evaluation 18 (1993). */
#include "sim/contract/workload.h"
#include "sim/core/maths.h"
#include "sim/core/time.h"

#define MMPP_FIELDS(F, C, O, L, M, R, P)                                                          \
  F(rate, rate_low, NULL, 0, 1e9, REQUIRED, "rate in the quiet state", "")                      \
  F(rate, rate_high, NULL, 0, 1e9, REQUIRED, "rate in the busy state", "")                      \
  F(duration, mean_low, NULL, 1e-6, 3.2e9, REQUIRED, "mean length of a quiet spell (exponential)", "") \
  F(duration, mean_high, NULL, 1e-6, 3.2e9, REQUIRED, "mean length of a busy spell (exponential)", "")
typedef struct Mmpp { FIELD_MEMBERS(MMPP_FIELDS) } Mmpp;
#define ROW_STRUCT Mmpp
static const Field mmpp_fields[] = {FIELD_ROWS(MMPP_FIELDS)};
#undef ROW_STRUCT
static const Type mmpp_type = FIELD_TYPE("mmpp", "two rates in turn", Mmpp, mmpp_fields, NULL);

#define LAST_NS (INT64_C(1) << 62) /* past every horizon: the stream ends */

typedef struct MmppState {
  Stream gap, modulation;
  uint64_t index, sojourn;
  bool high;
  int64_t start_ns;  /* of the present sojourn; whole ns, as its length */
  double length_ns;
  double offset_ns;  /* the last arrival, or where the work of the next one stands, after start_ns */
} MmppState;

static void sojourn_begin(const Mmpp *mmpp, MmppState *mmpp_state) {
  double mean_ns = (double)(mmpp_state->high ? mmpp->mean_high_ns : mmpp->mean_low_ns);
  double u = stream_uniform(&mmpp_state->modulation, mmpp_state->sojourn++);
  mmpp_state->length_ns = (double)ns_from_double(-maths_log(1 - u) * mean_ns);
  mmpp_state->offset_ns = 0;
}

static void begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  const Mmpp *mmpp = params;
  MmppState *mmpp_state = state;
  (void)arena;
  *mmpp_state = (MmppState){.gap = stream_make(context->seed, context->entity, PURPOSE_GAP, context->replication),
                            .modulation = stream_make(context->seed, context->entity, PURPOSE_MODULATION, context->replication)};
  double high = (double)mmpp->mean_high_ns, both = high + (double)mmpp->mean_low_ns;
  mmpp_state->high = stream_uniform(&mmpp_state->modulation, mmpp_state->sojourn++) * both < high;
  sojourn_begin(mmpp, mmpp_state);
  if (!(mmpp->rate_low_rps > 0) && !(mmpp->rate_high_rps > 0)) mmpp_state->start_ns = LAST_NS;
}

/* Does `work` (mean 1) from where the process stands; false past the last instant. */
static bool work_through(const Mmpp *mmpp, MmppState *mmpp_state, double work) {
  while (mmpp_state->start_ns < LAST_NS) {
    double per_ns = (mmpp_state->high ? mmpp->rate_high_rps : mmpp->rate_low_rps) / 1e9;
    double left = (mmpp_state->length_ns - mmpp_state->offset_ns) * per_ns;
    if (work < left) {
      mmpp_state->offset_ns += work / per_ns;
      if (mmpp_state->offset_ns > mmpp_state->length_ns) mmpp_state->offset_ns = mmpp_state->length_ns;
      return true;
    }
    work -= left;
    mmpp_state->start_ns += (int64_t)mmpp_state->length_ns; /* both below 2^62 + 1: no overflow */
    mmpp_state->high = !mmpp_state->high;
    sojourn_begin(mmpp, mmpp_state);
  }
  return false;
}

static void next(const void *params, void *state, const WorkloadContext *context, JobBlock *block) {
  MmppState *mmpp_state = state;
  double work[JOB_BLOCK];
  (void)context;
  block->first_index = mmpp_state->index;
  block->count = 0;
  stream_uniforms(&mmpp_state->gap, mmpp_state->index, JOB_BLOCK, work);
  maths_exponential_quantiles(work, JOB_BLOCK, work);
  while (block->count < JOB_BLOCK && work_through(params, mmpp_state, work[block->count]))
    block->arrival_ns[block->count++] = mmpp_state->start_ns + ns_from_double(mmpp_state->offset_ns);
  mmpp_state->index += block->count;
}

static double mean_rps(const void *params, int64_t horizon_ns) {
  const Mmpp *mmpp = params;
  double low = (double)mmpp->mean_low_ns, high = (double)mmpp->mean_high_ns;
  (void)horizon_ns;
  return (mmpp->rate_low_rps * low + mmpp->rate_high_rps * high) / (low + high);
}

extern const Workload workload_mmpp;
const Workload workload_mmpp = {
    .model = {.kind = MODEL_WORKLOAD,
              .name = "mmpp",
              .summary = "Poisson at two rates in turn: quiet and busy spells of exponential length",
              .rule = "The state is drawn from its stationary law and lasts exponentially (mean_low or mean_high); in it, jobs are Poisson at\n"
                      "rate_low or rate_high. At a switch the rest of a gap is served at the new rate (the same as drawing it again).",
              .evidence = "mean rate and index of dispersion against theory, tests/unit/test_workloads.c",
              .params = &mmpp_type},
    .state_bytes = sizeof(MmppState),
    .begin = begin,
    .next = next,
    .mean_rps = mean_rps,
};
