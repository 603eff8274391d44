/* Values of designs, replication by replication; see tune_samples.h. */
#include "sim/lab/tune_samples.h"

#include <math.h>
#include <string.h>

#include "sim/base/check.h"

void samples_begin(TuneSamples *samples, Arena *arena, const TuneProblem *problem, uint32_t first_replication) {
  *samples = (TuneSamples){.arena = arena, .problem = problem, .first_replication = first_replication, .n_metrics = 1 + problem->n_constraints};
}

/* ---- rounds ---- */

static void make_room(TuneSamples *samples, size_t design) {
  if (design < samples->n_designs) return;
  if (design >= samples->capacity) {
    size_t capacity = samples->capacity ? samples->capacity : 16;
    while (capacity <= design) capacity *= 2;
    samples->design = arena_grow(samples->arena, samples->design, samples->n_designs, capacity, sizeof *samples->design);
    samples->capacity = capacity;
  }
  samples->n_designs = design + 1;
}

static void append(TuneSamples *samples, const TuneJob *job, const double *value) {
  TuneDesign *design = &samples->design[job->design];
  uint32_t count = design->count + job->count;
  size_t row = samples->n_metrics;
  if (count > design->capacity) {
    uint32_t capacity = design->capacity ? design->capacity : 8;
    while (capacity < count) capacity *= 2;
    design->value = arena_grow(samples->arena, design->value, design->count * row, capacity * row, sizeof(double));
    design->capacity = capacity;
  }
  memcpy(design->value + design->count * row, value, job->count * row * sizeof(double));
  for (size_t k = 0; k < job->count * row; k++) design->failed |= !isfinite(value[k]);
  design->count = count;
}

bool samples_extend(TuneSamples *samples, const size_t *design, const uint32_t *target, size_t n, Err *err) {
  Arena arena = {.exhausted = samples->arena->exhausted};
  TuneJob *job = ARENA_ARRAY(&arena, TuneJob, n);
  size_t n_jobs = 0, rows = 0;
  for (size_t k = 0; k < n; k++) {
    make_room(samples, design[k]);
    uint32_t count = samples->design[design[k]].count;
    if (target[k] <= count) continue;
    job[n_jobs++] = (TuneJob){design[k], samples->first_replication + count, target[k] - count};
    rows += target[k] - count;
  }
  double *value = ARENA_ARRAY(&arena, double, rows * samples->n_metrics);
  bool good = n_jobs == 0 || samples->problem->evaluate(samples->problem->context, job, n_jobs, value, err);
  const double *at = value;
  for (size_t k = 0; good && k < n_jobs; k++) {
    append(samples, &job[k], at);
    at += job[k].count * samples->n_metrics;
  }
  if (good) samples->runs += rows;
  arena_free(&arena);
  return good;
}

bool samples_extend_all(TuneSamples *samples, const size_t *design, size_t n, uint32_t target, Err *err) {
  Arena arena = {.exhausted = samples->arena->exhausted};
  uint32_t *targets = ARENA_ARRAY(&arena, uint32_t, n);
  for (size_t k = 0; k < n; k++) targets[k] = target;
  bool good = samples_extend(samples, design, targets, n, err);
  arena_free(&arena);
  return good;
}

/* ---- looking ---- */

uint32_t samples_count(const TuneSamples *samples, size_t design) { return design < samples->n_designs ? samples->design[design].count : 0; }

double samples_value(const TuneSamples *samples, size_t design, uint32_t replication, size_t metric) {
  CHECK(replication < samples_count(samples, design));
  return samples->design[design].value[replication * samples->n_metrics + metric];
}

static Interval interval_of(const Tally *tally, double level) {
  Interval interval = {.mean = tally->count ? tally->mean : (double)NAN, .half_width = (double)NAN, .count = tally->count};
  if (tally->count < 2) return interval;
  double variance = tally_variance(tally), n = (double)tally->count;
  interval.half_width = variance > 0 ? student_quantile(0.5 + level / 2, n - 1) * sqrt(variance / n) : 0;
  return interval;
}

Interval samples_mean(const TuneSamples *samples, size_t design, size_t metric, double level) {
  Tally tally = {0};
  uint32_t n = samples_count(samples, design);
  for (uint32_t r = 0; r < n; r++) tally_add(&tally, samples_value(samples, design, r, metric));
  return interval_of(&tally, level);
}

Interval samples_difference(const TuneSamples *samples, size_t a, size_t b, size_t metric, double level) {
  Tally tally = {0};
  uint32_t n = samples_count(samples, a), m = samples_count(samples, b);
  if (m < n) n = m;
  for (uint32_t r = 0; r < n; r++) tally_add(&tally, samples_value(samples, a, r, metric) - samples_value(samples, b, r, metric));
  return interval_of(&tally, level);
}

TuneStanding samples_standing(const TuneSamples *samples, size_t design) {
  TuneStanding standing = {.failed = samples_count(samples, design) == 0 || samples->design[design].failed, .feasible = true};
  if (standing.failed) return (TuneStanding){.failed = true, .objective = INFINITY, .violation = INFINITY};
  standing.objective = samples_mean(samples, design, 0, 0.95).mean;
  for (size_t k = 0; k < samples->problem->n_constraints; k++) {
    double mean = samples_mean(samples, design, 1 + k, 0.95).mean, scale = samples->problem->scale ? samples->problem->scale[k] : 1;
    if (mean <= 0) continue;
    standing.feasible = false;
    standing.violation += mean / scale;
  }
  return standing;
}

int standing_compare(const TuneStanding *a, const TuneStanding *b) {
  if (a->failed || b->failed) return (int)a->failed - (int)b->failed;
  if (a->feasible != b->feasible) return a->feasible ? -1 : 1;
  if (!a->feasible && a->violation != b->violation) return a->violation < b->violation ? -1 : 1;
  return a->objective < b->objective ? -1 : a->objective > b->objective;
}

size_t samples_best(const TuneSamples *samples, const size_t *design, size_t n) {
  size_t best = design[0];
  TuneStanding of_best = samples_standing(samples, best);
  for (size_t k = 1; k < n; k++) {
    TuneStanding standing = samples_standing(samples, design[k]);
    if (standing_compare(&standing, &of_best) >= 0) continue;
    best = design[k];
    of_best = standing;
  }
  return best;
}

const char *fate_words(TuneFate fate) {
  switch (fate) {
  case FATE_LEFT: return "cannot be told apart";
  case FATE_WORSE: return "worse";
  case FATE_INFEASIBLE: return "violates a constraint";
  case FATE_RANKED_OUT: return "ranked out";
  case FATE_FAILED: return "a run failed";
  }
  return "";
}
