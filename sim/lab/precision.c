/* See precision.h. One pass over the journal, one point at a time in memory. */
#include "sim/lab/precision.h"

#include <math.h>
#include <string.h>

#include "sim/core/statistics.h"
#include "sim/lab/encode.h"
#include "sim/lab/values.h"

#define PRECISION_LEVEL 0.95

uint32_t precision_next(uint32_t n, double excess, uint32_t most) {
  double wanted = (double)n * excess * excess, least = (double)n + ceil((double)n / 4), twice = 2.0 * (double)n;
  double next = ceil(wanted < least ? least : wanted < twice ? wanted : twice);
  return next < (double)most ? (uint32_t)next : most;
}

/* The values of one point: [strategy][owner][replication]; owners are the deployments, the training queues, or the cluster alone. */
typedef struct Round {
  Sweep *sweep;
  const PrecisionSpec *spec;
  Measure measure;
  size_t n_series, n_each;
  double *value, *scratch; /* scratch: [n_each] */
  bool *has_jobs;          /* [n_series] */
  uint32_t *strategies;    /* [n_each]: of how many the replication is there */
  uint64_t point;
  PrecisionRound found;
} Round;

static void point_begin(Round *round, uint64_t point) {
  round->point = point;
  for (size_t k = 0; k < round->n_series * round->n_each; k++) round->value[k] = (double)NAN;
  memset(round->has_jobs, 0, round->n_series * sizeof *round->has_jobs);
  memset(round->strategies, 0, round->n_each * sizeof *round->strategies);
}

static double number_at(const unsigned char *bytes, size_t k) {
  double value;
  memcpy(&value, bytes + k * sizeof value, sizeof value);
  return value;
}

/* Where a metric's values stand in a run. */
static SectionKind section_of(MeasureKind kind) { return kind == MEASURE_CLUSTER ? SECTION_CLUSTER : kind == MEASURE_TRAINING ? SECTION_TRAINING : SECTION_SUMMARY; }
static size_t columns_of(MeasureKind kind) { return kind == MEASURE_CLUSTER ? CLUSTER_COUNT : kind == MEASURE_TRAINING ? TRAINING_COUNT : SUMMARY_COUNT; }
static size_t owners_of(const Sweep *sweep, MeasureKind kind) { return kind == MEASURE_CLUSTER ? 1 : kind == MEASURE_TRAINING ? sweep->n_queues : sweep->n_deployments; }

/* Whether an owner has any jobs whose figure could be precise. */
static bool has_jobs(MeasureKind kind, const unsigned char *figures) {
  if (kind == MEASURE_CLUSTER) return true;
  return number_at(figures, kind == MEASURE_TRAINING ? (size_t)TRAINING_submitted : (size_t)SUMMARY_offered) > 0;
}

static bool take_run(Round *round, EncodedRun encoded) {
  const Sweep *sweep = round->sweep;
  MeasureKind kind = round->measure.kind;
  size_t k = sweep_run_replication(sweep, encoded.run), owners = owners_of(sweep, kind), row_bytes = columns_of(kind) * sizeof(double);
  size_t series = sweep_run_strategy(sweep, encoded.run) * owners;
  RunReader reader;
  RunSection section;
  if (!run_reader_open(&reader, encoded)) return false;
  round->strategies[k]++;
  while (reader.status == 0 && run_reader_next(&reader, &section)) {
    if (section.kind != section_of(kind) || section.length != owners * row_bytes) continue;
    for (size_t d = 0; d < owners; d++) {
      round->value[(series + d) * round->n_each + k] = number_at(section.bytes + d * row_bytes, round->measure.column);
      round->has_jobs[series + d] |= has_jobs(kind, section.bytes + d * row_bytes);
    }
  }
  return true;
}

/* Half width / wanted half width; 0 where there is nothing to be precise about. */
static double excess_of(const Round *round, const double *value, size_t n) {
  if (round->sweep->first->antithetic) {
    for (size_t k = 0; k + 1 < n; k += 2) round->scratch[k / 2] = (value[k] + value[k + 1]) / 2;
    value = round->scratch;
    n /= 2;
  }
  Interval i = interval_of_mean(value, n, PRECISION_LEVEL);
  double relative = round->spec->relative_ratio * fabs(i.mean), wanted = relative > round->spec->absolute ? relative : round->spec->absolute;
  if (isnan(i.half_width) || !(i.half_width > 0)) return 0; /* runs that failed, or a figure that does not vary */
  return wanted > 0 ? i.half_width / wanted : (double)INFINITY;
}

/* How many replications come after n of them, which are there: n where that is enough, or all there may be. */
static uint32_t next_of(const Round *round, uint32_t n, bool *precise) {
  uint32_t most = round->sweep->n_replications;
  double worst = 0;
  for (size_t k = 0; k < round->n_series; k++) {
    double excess = round->has_jobs[k] ? excess_of(round, round->value + k * round->n_each, n) : 0;
    if (excess > worst) worst = excess;
  }
  *precise = !(worst > 1);
  if (*precise) return n;
  uint32_t next = precision_next(n, worst, most);
  if (round->sweep->first->antithetic) next += next & 1;
  return next < most ? next : most;
}

static bool is_complete(const Round *round, uint32_t n) {
  for (uint32_t k = 0; k < n; k++)
    if (round->strategies[k] < round->sweep->n_strategies) return false;
  return true;
}

static void point_end(Round *round) {
  uint32_t *wanted = &round->sweep->wanted[round->point], next = *wanted;
  bool precise;
  do {
    *wanted = next;
    if (!is_complete(round, *wanted)) {
      round->found.more = true;
      return;
    }
    next = next_of(round, *wanted, &precise);
  } while (next > *wanted);
  round->found.short_points += !precise;
}

bool precision_round(Sweep *sweep, const RunSource *source, PrecisionRound *found, Err *err) {
  *found = (PrecisionRound){.more = false};
  if (!sweep->wanted) return true;
  Arena arena = {.exhausted = sweep->arena->exhausted};
  Round round = {.sweep = sweep, .spec = &sweep->first->precision, .n_each = sweep->n_replications, .point = UINT64_MAX};
  bool ok = measure_find(round.spec->metric, &round.measure);
  round.n_series = sweep->n_strategies * owners_of(sweep, round.measure.kind);
  round.value = ARENA_ARRAY(&arena, double, round.n_series * round.n_each);
  round.scratch = ARENA_ARRAY(&arena, double, round.n_each);
  round.has_jobs = ARENA_ARRAY(&arena, bool, round.n_series);
  round.strategies = ARENA_ARRAY(&arena, uint32_t, round.n_each);
  EncodedRun encoded;
  size_t before = err->count;
  while (ok && source->next(source->context, &encoded, err)) {
    uint64_t point = sweep_run_point(sweep, encoded.run);
    if (point != round.point) {
      if (round.point != UINT64_MAX) point_end(&round);
      point_begin(&round, point);
    }
    if (!take_run(&round, encoded)) ok = err_add(err, ERR_IO, "run %llu is damaged in the journal; --force starts the sweep anew", (unsigned long long)encoded.run);
  }
  if (ok && round.point != UINT64_MAX) point_end(&round);
  arena_free(&arena);
  *found = round.found;
  return ok && err->count == before;
}
