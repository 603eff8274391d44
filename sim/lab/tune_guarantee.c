/* The sequential check of constraints, and KN; see tune_guarantee.h for the equations. */
#include "sim/lab/tune_guarantee.h"

#include <math.h>

typedef enum Verdict { VERDICT_OPEN, VERDICT_KEPT, VERDICT_VIOLATED } Verdict;

typedef struct Guarantee {
  TuneSamples *samples;
  const size_t *design;
  size_t n;
  const GuaranteeOptions *options;
  TuneFate *fate;
  Arena *arena;
} Guarantee;

/* h^2 of a one-sided error beta. Kim and Nelson (2001), eq. (3) with c = 1. */
static double h2_of(double beta, uint32_t n0) {
  double eta = 0.5 * (pow(2 * beta, -2.0 / (double)(n0 - 1)) - 1);
  return 2 * eta * (double)(n0 - 1);
}

/* Half the height of the triangle after r values. */
static double boundary(double h2, double variance, double step, double r) {
  double height = 0.5 * (h2 * variance / step - step * r);
  return height > 0 ? height : 0;
}

/* How many replications more in one round: few designs take several at once, long races some six per cent more than they have. It
 * depends on nothing but the state of the procedure. */
static uint32_t batch_of(size_t alive, uint32_t r) {
  uint32_t batch = alive < 8 ? (uint32_t)(8 / alive) : 1, share = r / 16;
  return batch > share ? batch : share;
}

static bool may_spend(const Guarantee *g, uint64_t runs) { return g->options->budget == 0 || g->samples->runs + runs <= g->options->budget; }

static void mark_failed(Guarantee *g) {
  for (size_t i = 0; i < g->n; i++)
    if (g->samples->design[g->design[i]].failed) g->fate[i] = FATE_FAILED;
}

/* ---- constraints ---- */

typedef struct Check {
  double variance, sum;
  uint32_t seen;
  Verdict verdict;
} Check;

static void check_advance(const Guarantee *g, size_t i, size_t j, double h2, Check *check) {
  uint32_t n0 = g->options->first_replications, count = samples_count(g->samples, g->design[i]);
  double epsilon = g->options->tolerance[j];
  while (check->verdict == VERDICT_OPEN && check->seen < count) {
    check->sum += samples_value(g->samples, g->design[i], check->seen, 1 + j);
    check->seen++;
    if (check->seen < n0) continue;
    if (check->seen == n0) {
      Tally tally = {0};
      for (uint32_t r = 0; r < n0; r++) tally_add(&tally, samples_value(g->samples, g->design[i], r, 1 + j));
      check->variance = tally_variance(&tally);
    }
    double height = boundary(h2, check->variance, epsilon, (double)check->seen);
    if (check->sum <= -height) check->verdict = VERDICT_KEPT;
    else if (check->sum >= height) check->verdict = VERDICT_VIOLATED;
  }
}

/* True while the design needs more values. */
static bool design_open(Guarantee *g, size_t i, double h2, Check *check) {
  size_t m = g->samples->problem->n_constraints;
  bool open = false;
  for (size_t j = 0; j < m; j++) {
    check_advance(g, i, j, h2, &check[i * m + j]);
    if (check[i * m + j].verdict == VERDICT_VIOLATED) {
      g->fate[i] = FATE_INFEASIBLE;
      return false;
    }
    open |= check[i * m + j].verdict == VERDICT_OPEN;
  }
  return open;
}

static bool check_constraints(Guarantee *g, bool *complete, Err *err) {
  size_t m = g->samples->problem->n_constraints, n_open = 0;
  Check *check = ARENA_ARRAY(g->arena, Check, g->n * m);
  size_t *open = ARENA_ARRAY(g->arena, size_t, g->n);
  uint32_t *target = ARENA_ARRAY(g->arena, uint32_t, g->n);
  double h2 = h2_of(g->options->alpha_check / (double)(g->n * (m ? m : 1)), g->options->first_replications);
  for (;;) {
    n_open = 0;
    mark_failed(g);
    for (size_t i = 0; i < g->n; i++)
      if (g->fate[i] == FATE_LEFT && design_open(g, i, h2, check)) open[n_open++] = g->design[i];
    if (n_open == 0) return true;
    uint64_t runs = 0;
    for (size_t k = 0; k < n_open; k++) {
      uint32_t have = samples_count(g->samples, open[k]);
      target[k] = have + batch_of(n_open, have);
      runs += target[k] - have;
    }
    if (!may_spend(g, runs)) {
      *complete = false;
      return true;
    }
    if (!samples_extend(g->samples, open, target, n_open, err)) return false;
  }
}

/* ---- the best of those left ---- */

typedef struct Race {
  double *variance; /* [n][n] of differences */
  double *sum;      /* [n] of the first r values */
  double h2;
} Race;

static void race_begin(const Guarantee *g, Race *race) {
  size_t n = g->n;
  uint32_t n0 = g->options->first_replications;
  race->variance = ARENA_ARRAY(g->arena, double, n * n);
  race->sum = ARENA_ARRAY(g->arena, double, n);
  race->h2 = h2_of(g->options->alpha_select / (double)(n > 1 ? n - 1 : 1), n0);
  for (size_t i = 0; i < n; i++)
    for (size_t l = 0; l < i; l++) {
      if (g->fate[i] != FATE_LEFT || g->fate[l] != FATE_LEFT) continue;
      Tally tally = {0};
      for (uint32_t r = 0; r < n0; r++) tally_add(&tally, samples_value(g->samples, g->design[i], r, 0) - samples_value(g->samples, g->design[l], r, 0));
      race->variance[i * n + l] = race->variance[l * n + i] = tally_variance(&tally);
    }
}

/* Compares all that are left after r values, as they stood before this comparison. */
static void race_compare(Guarantee *g, const Race *race, uint32_t r, bool *out) {
  double delta = g->options->indifference;
  for (size_t i = 0; i < g->n; i++) {
    out[i] = false;
    for (size_t l = 0; l < g->n && g->fate[i] == FATE_LEFT && !out[i]; l++) {
      if (l == i || g->fate[l] != FATE_LEFT) continue;
      double difference = race->sum[i] - race->sum[l], height = boundary(race->h2, race->variance[i * g->n + l], delta, (double)r);
      /* Both sums equal after the triangle's end: the first one stays. */
      out[i] = difference >= height && (difference > 0 || (height == 0 && l < i));
    }
  }
  for (size_t i = 0; i < g->n; i++)
    if (out[i]) g->fate[i] = FATE_WORSE;
}

static size_t list_left(const Guarantee *g, size_t *left) {
  size_t n = 0;
  for (size_t i = 0; i < g->n; i++)
    if (g->fate[i] == FATE_LEFT) left[n++] = g->design[i];
  return n;
}

/* Makes sure that all that are left have r values. */
static bool race_feed(Guarantee *g, uint32_t r, const size_t *left, size_t n_left, bool *complete, Err *err) {
  uint64_t runs = 0;
  uint32_t target = r - 1 + batch_of(n_left, r);
  bool short_of = false;
  for (size_t k = 0; k < n_left; k++) short_of |= samples_count(g->samples, left[k]) < r;
  if (!short_of) return true;
  for (size_t k = 0; k < n_left; k++) {
    uint32_t have = samples_count(g->samples, left[k]);
    runs += have < target ? target - have : 0;
  }
  *complete = may_spend(g, runs);
  return !*complete || samples_extend_all(g->samples, left, n_left, target, err);
}

static bool race(Guarantee *g, bool *complete, Err *err) {
  Race state;
  size_t *left = ARENA_ARRAY(g->arena, size_t, g->n);
  bool *out = ARENA_ARRAY(g->arena, bool, g->n);
  race_begin(g, &state);
  for (uint32_t r = 1;; r++) {
    size_t n_left = list_left(g, left);
    if (n_left <= 1) return true;
    if (!race_feed(g, r, left, n_left, complete, err)) return false;
    if (!*complete) return true;
    mark_failed(g);
    for (size_t i = 0; i < g->n; i++)
      if (g->fate[i] == FATE_LEFT) state.sum[i] += samples_value(g->samples, g->design[i], r - 1, 0);
    if (r >= g->options->first_replications) race_compare(g, &state, r, out);
  }
}

static void conclude(Guarantee *g, bool complete, GuaranteeResult *result) {
  size_t *left = ARENA_ARRAY(g->arena, size_t, g->n), n_left = list_left(g, left);
  result->guaranteed = complete;
  result->found = n_left > 0;
  if (n_left > 0) result->best = samples_best(g->samples, left, n_left);
}

bool tune_guarantee(TuneSamples *samples, const size_t *design, size_t n, const GuaranteeOptions *options, GuaranteeResult *result, Err *err) {
  Arena arena = {.exhausted = samples->arena->exhausted};
  *result = (GuaranteeResult){.fate = ARENA_ARRAY(samples->arena, TuneFate, n)};
  Guarantee g = {samples, design, n, options, result->fate, &arena};
  uint64_t before = samples->runs;
  bool complete = true, good = samples_extend_all(samples, design, n, options->first_replications, err);
  if (good) good = check_constraints(&g, &complete, err);
  result->runs_check = samples->runs - before;
  for (size_t i = 0; i < n; i++) result->n_feasible += result->fate[i] == FATE_LEFT;
  if (good && complete) good = race(&g, &complete, err);
  result->runs_select = samples->runs - before - result->runs_check;
  if (good) conclude(&g, complete, result);
  arena_free(&arena);
  return good;
}
