/* Halving with racing; see tune_halving.h. */
#include "sim/lab/tune_halving.h"

#include <math.h>
#include <stdlib.h>

enum { FIRST_REPLICATIONS = 4 };

typedef struct Ranked {
  size_t index; /* into the designs as given */
  TuneStanding standing;
} Ranked;

static int by_standing(const void *a, const void *b) {
  const Ranked *x = a, *y = b;
  int order = standing_compare(&x->standing, &y->standing);
  return order ? order : (x->index > y->index) - (x->index < y->index);
}

static uint32_t rounds_for(size_t n) {
  uint32_t rounds = 0;
  while (((size_t)1 << rounds) < n) rounds++;
  return rounds;
}

/* Leaves out whoever is shown to be worse than the best, or to violate: paired differences, Bonferroni over those left. */
static size_t race_out(const TuneSamples *samples, const size_t *design, Ranked *ranked, size_t n, double error, TuneFate *fate) {
  const Ranked best = ranked[0];
  double level = 1 - 2 * error / (double)n;
  size_t kept = 1;
  for (size_t k = 1; k < n; k++) {
    size_t index = ranked[k].index, m = samples->problem->n_constraints;
    if (ranked[k].standing.failed) fate[index] = FATE_FAILED;
    Interval worse = samples_difference(samples, design[index], design[best.index], 0, level);
    if (best.standing.feasible && worse.mean > worse.half_width) fate[index] = FATE_WORSE;
    for (size_t j = 0; j < m && best.standing.feasible; j++) {
      Interval g = samples_mean(samples, design[index], 1 + j, level);
      if (g.mean > g.half_width) fate[index] = FATE_INFEASIBLE;
    }
    if (fate[index] == FATE_LEFT) ranked[kept++] = ranked[k];
  }
  return kept;
}

static size_t keep_first(const Ranked *ranked, size_t n, size_t keep, TuneFate *fate) {
  for (size_t k = keep; k < n; k++) fate[ranked[k].index] = FATE_RANKED_OUT;
  return keep < n ? keep : n;
}

typedef struct Halving {
  TuneSamples *samples;
  const size_t *design;
  const HalvingOptions *options;
  Ranked *ranked;
  size_t *left;
  size_t n_left;
  uint32_t replications;
  uint64_t spent;
} Halving;

/* Replications that each design left gets in this round: an equal share of what is left of the budget. 0: it is spent. */
static uint32_t share_of(const Halving *h, bool first) {
  uint64_t budget = h->options->budget > h->spent ? h->options->budget - h->spent : 0;
  uint64_t share = budget / rounds_for(h->n_left) / h->n_left, most = budget / h->n_left;
  uint32_t least = h->options->first_replications ? h->options->first_replications : FIRST_REPLICATIONS;
  if (first && share < least) share = least < most ? least : most;
  if (share == 0 && (first || most > 0)) share = 1;
  return share < UINT32_MAX / 4 ? (uint32_t)share : UINT32_MAX / 4;
}

static bool one_round(Halving *h, uint32_t share, TuneFate *fate, Err *err) {
  h->replications += share;
  uint64_t before = h->samples->runs;
  for (size_t k = 0; k < h->n_left; k++) h->left[k] = h->design[h->ranked[k].index];
  if (!samples_extend_all(h->samples, h->left, h->n_left, h->replications, err)) return false;
  h->spent += h->samples->runs - before;
  for (size_t k = 0; k < h->n_left; k++) h->ranked[k].standing = samples_standing(h->samples, h->left[k]);
  qsort(h->ranked, h->n_left, sizeof *h->ranked, by_standing);
  double error = h->options->race_error > 0 ? h->options->race_error : 0.05;
  size_t half = (h->n_left + 1) / 2, kept = race_out(h->samples, h->design, h->ranked, h->n_left, error, fate);
  h->n_left = keep_first(h->ranked, kept, half, fate);
  return true;
}

bool tune_halving(TuneSamples *samples, const size_t *design, size_t n, const HalvingOptions *options, HalvingResult *result, Err *err) {
  Arena arena = {.exhausted = samples->arena->exhausted};
  *result = (HalvingResult){.fate = ARENA_ARRAY(samples->arena, TuneFate, n)};
  Halving h = {.samples = samples, .design = design, .options = options, .n_left = n};
  h.ranked = ARENA_ARRAY(&arena, Ranked, n);
  h.left = ARENA_ARRAY(&arena, size_t, n);
  for (size_t k = 0; k < n; k++) h.ranked[k].index = k;
  bool good = true;
  if (n == 1) good = one_round(&h, options->first_replications ? options->first_replications : FIRST_REPLICATIONS, result->fate, err);
  while (good && h.n_left > 1) {
    uint32_t share = share_of(&h, result->rounds == 0);
    if (share == 0) break;
    good = one_round(&h, share, result->fate, err);
    result->rounds++;
  }
  if (good) {
    result->best = design[h.ranked[0].index];
    result->feasible = h.ranked[0].standing.feasible && !h.ranked[0].standing.failed;
  }
  arena_free(&arena);
  return good;
}
