/* The judgement of a tuning: the winner against the scenario as written on new replications, who cannot be told apart from it, and how far
 * each threshold may move before it is distinguishably worse. The flat region is found by going outwards in doubling steps and then by
 * bisection, all axes and directions in the same rounds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/tune.h"

enum { REGION_CUTS = 64, ROUNDS_MOST = 40, COMPARED_LEAST = 8 };
#define CONFIRM_FIRST (UINT32_C(1) << 22) /* replications of the judgement: beyond those of any search */
#define LEVEL 0.95

int constraint_side(const TuneMetric *constraint, Interval interval) {
  double miss = constraint->sign * (interval.mean - constraint->bound), half = isnan(interval.half_width) ? INFINITY : interval.half_width;
  if (!isfinite(miss)) return -1;
  return miss + half <= 0 ? 1 : miss - half > 0 ? -1 : 0;
}

/* ---- who is alike ---- */

static bool surely_violates(const TuneSamples *samples, size_t design, double level, size_t *which) {
  for (size_t j = 0; j < samples->problem->n_constraints; j++) {
    Interval g = samples_mean(samples, design, 1 + j, level);
    if (!(g.mean > g.half_width)) continue;
    *which = j;
    return true;
  }
  return false;
}

static int by_difference(const void *a, const void *b) {
  const TuneAlike *x = a, *y = b;
  if (x->difference.mean != y->difference.mean) return x->difference.mean < y->difference.mean ? -1 : 1;
  return (x->design > y->design) - (x->design < y->design);
}

/* Designs that were left behind after a few replications are not compared, unless they are very near: a wide interval says nothing. */
static bool comparable(const TuneSamples *search, const TuneOutcome *outcome, size_t design, TuneFate fate) {
  if (design == outcome->best || fate == FATE_FAILED || fate == FATE_INFEASIBLE) return false;
  if (fate == FATE_LEFT || fate == FATE_WORSE || samples_count(search, design) >= COMPARED_LEAST) return true;
  return samples_difference(search, design, outcome->best, 0, LEVEL).half_width <= 0.01 * fabs(samples_mean(search, outcome->best, 0, LEVEL).mean);
}

static void find_alike(const Tune *tune, const TuneSamples *search, const size_t *design, const TuneFate *fate, size_t n, TuneOutcome *outcome) {
  size_t which, compared = 0;
  for (size_t k = 0; k < n; k++) compared += comparable(search, outcome, design[k], fate[k]);
  double level = 1 - (1 - LEVEL) / (double)(compared > 1 ? compared : 1);
  outcome->alike = ARENA_ARRAY(tune->arena, TuneAlike, n);
  for (size_t k = 0; k < n; k++) {
    if (!comparable(search, outcome, design[k], fate[k]) || surely_violates(search, design[k], level, &which)) continue;
    Interval difference = samples_difference(search, design[k], outcome->best, 0, level);
    bool apart = fate[k] == FATE_WORSE || difference.mean > difference.half_width;
    if (!apart) outcome->alike[outcome->n_alike++] = (TuneAlike){design[k], difference};
  }
  qsort(outcome->alike, outcome->n_alike, sizeof *outcome->alike, by_difference);
}

/* ---- the flat region ---- */

/* One direction of one axis: values up to `good` are not worse, `bad` is (when found). */
typedef struct Walk {
  size_t axis;
  int64_t good, bad, next, stride, least, last;
  int direction;
  bool found_bad, done;
  size_t design;
  FlatEnd end;
  size_t constraint;
} Walk;

static void walk_plan(Walk *walk) {
  if (walk->done) return;
  if (walk->found_bad) {
    int64_t gap = llabs(walk->bad - walk->good);
    if (gap <= walk->least) {
      walk->done = true;
      return;
    }
    walk->next = walk->good + (walk->bad - walk->good) / 2;
    return;
  }
  if (walk->good == walk->last) {
    walk->done = true;
    walk->end = FLAT_EDGE;
    return;
  }
  walk->next = walk->good + walk->direction * walk->stride;
  if ((walk->next - walk->last) * walk->direction > 0) walk->next = walk->last;
  walk->stride *= 2;
}

static void walk_take(const Tune *tune, const TuneSamples *samples, size_t best, Walk *walk) {
  bool failed = samples->design[walk->design].failed, violates = failed || surely_violates(samples, walk->design, LEVEL, &walk->constraint);
  Interval worse = samples_difference(samples, walk->design, best, 0, LEVEL);
  (void)tune;
  if (!violates && !(worse.mean > worse.half_width)) {
    walk->good = walk->next;
    return;
  }
  walk->bad = walk->next;
  walk->found_bad = true;
  walk->end = violates && !failed ? FLAT_VIOLATES : FLAT_WORSE;
}

static size_t begin_walks(const Tune *tune, size_t best, Walk *walk) {
  const uint32_t *value = space_values(&tune->space, best);
  size_t n = 0;
  for (size_t a = 0; a < tune->space.n_axes; a++) {
    const TuneAxis *axis = &tune->space.axis[a];
    if (!axis->ordered || value[a] == VALUE_AS_WRITTEN) continue;
    int64_t least = axis->any_value && axis->count > REGION_CUTS ? axis->count / REGION_CUTS : 1;
    for (int direction = -1; direction <= 1; direction += 2)
      walk[n++] = (Walk){.axis = a, .good = value[a], .stride = least, .least = least, .last = direction < 0 ? 0 : (int64_t)axis->count - 1, .direction = direction, .end = FLAT_UNKNOWN};
  }
  return n;
}

static size_t list_walks(Tune *tune, size_t best, Walk *walk, size_t n, size_t *design) {
  uint32_t value[TUNE_AXES_MOST];
  size_t listed = 0;
  for (size_t k = 0; k < n; k++) {
    walk_plan(&walk[k]);
    if (walk[k].done) continue;
    memcpy(value, space_values(&tune->space, best), tune->space.n_axes * sizeof *value);
    value[walk[k].axis] = (uint32_t)walk[k].next;
    design[listed++] = walk[k].design = space_design(&tune->space, value);
  }
  return listed;
}

static void fill_flat(const Walk *walk, TuneFlat *flat) {
  flat->ordered = true;
  if (walk->direction < 0) {
    flat->low = (uint32_t)walk->good;
    flat->low_next = (uint32_t)walk->bad;
    flat->low_end = walk->end;
    flat->low_constraint = walk->constraint;
  } else {
    flat->high = (uint32_t)walk->good;
    flat->high_next = (uint32_t)walk->bad;
    flat->high_end = walk->end;
    flat->high_constraint = walk->constraint;
  }
}

static bool find_flat(Tune *tune, TuneSamples *samples, uint64_t budget, TuneOutcome *outcome, Err *err) {
  Walk walk[2 * TUNE_AXES_MOST];
  size_t design[2 * TUNE_AXES_MOST], n = begin_walks(tune, outcome->best, walk);
  for (int round = 0; round < ROUNDS_MOST; round++) {
    size_t listed = list_walks(tune, outcome->best, walk, n, design);
    if (listed == 0 || (budget > 0 && samples->runs + listed * outcome->confirmations > budget)) break;
    if (!samples_extend_all(samples, design, listed, outcome->confirmations, err)) return false;
    for (size_t k = 0; k < n; k++)
      if (!walk[k].done) walk_take(tune, samples, outcome->best, &walk[k]);
  }
  outcome->flat = ARENA_ARRAY(tune->arena, TuneFlat, tune->space.n_axes);
  for (size_t k = 0; k < n; k++) {
    if (!walk[k].done && !walk[k].found_bad) walk[k].end = FLAT_UNKNOWN;
    fill_flat(&walk[k], &outcome->flat[walk[k].axis]);
  }
  return true;
}

/* ---- the winner ---- */

/* Samples hold what the algorithms want; users want the figure itself. */
static Interval figure_of(const TuneMetric *metric, Interval interval, bool difference) {
  interval.mean = metric->sign * interval.mean + (difference ? 0 : metric->bound);
  return interval;
}

static void compare_written(const Tune *tune, const TuneSamples *samples, TuneOutcome *outcome) {
  size_t n = tune->n_metrics;
  outcome->winner = ARENA_ARRAY(tune->arena, Interval, n);
  outcome->written = ARENA_ARRAY(tune->arena, Interval, n);
  outcome->difference = ARENA_ARRAY(tune->arena, Interval, n);
  outcome->has_written = !samples->design[0].failed;
  for (size_t m = 0; m < n; m++) {
    outcome->winner[m] = figure_of(&tune->metric[m], samples_mean(samples, outcome->best, m, LEVEL), false);
    outcome->written[m] = figure_of(&tune->metric[m], samples_mean(samples, 0, m, LEVEL), false);
    outcome->difference[m] = figure_of(&tune->metric[m], samples_difference(samples, outcome->best, 0, m, LEVEL), true);
  }
}

bool tune_judge(Tune *tune, const TuneSamples *search, const size_t *design, const TuneFate *fate, size_t n, TuneOutcome *outcome, Err *err) {
  TuneSamples samples;
  uint64_t budget = tune->budget ? tune->for_judgement : 0, each = (uint64_t)tune->spec.confirm;
  if (budget > 0 && each > budget / 3) each = budget / 3 > 2 ? budget / 3 : 2;
  outcome->confirmations = (uint32_t)each;
  find_alike(tune, search, design, fate, n, outcome);
  samples_begin(&samples, tune->arena, &tune->judging_problem, CONFIRM_FIRST);
  const size_t both[2] = {0, outcome->best};
  bool good = samples_extend_all(&samples, both, 2, outcome->confirmations, err) && find_flat(tune, &samples, budget, outcome, err);
  if (good) compare_written(tune, &samples, outcome);
  outcome->runs_judgement = samples.runs;
  return good;
}
