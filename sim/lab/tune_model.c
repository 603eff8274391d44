/* Bayesian optimisation with constraints; see tune_model.h. */
#include "sim/lab/tune_model.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_qrng.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <string.h>

#include "sim/base/check.h"
#include "sim/core/rng.h"
#include "sim/lab/tune_gp.h"

enum { REPLICATIONS = 4, A_ROUND = 4, CANDIDATES = 512, NEIGHBOURS = 128, DESIGNS_MOST = 160, FINALISTS = 8 };

typedef struct Search {
  TuneSamples *samples;
  const TuneCube *cube;
  Arena *arena;
  size_t n, capacity;
  size_t *design; /* [n] */
  double *x;      /* [n][dimensions] */
  double *y;      /* [n_metrics][capacity] means less those of the first design on the same replications */
  double *noise;  /* [n_metrics][capacity] */
  uint32_t replications;
} Search;

void cube_points(double *x, size_t n, size_t dimensions, Arena *arena) {
  (void)arena;
  gsl_qrng *sobol = gsl_qrng_alloc(gsl_qrng_sobol, (unsigned)dimensions);
  CHECK(sobol != NULL);
  for (size_t k = 0; k < n; k++) gsl_qrng_get(sobol, x + k * dimensions);
  gsl_qrng_free(sobol);
}

static bool known(const Search *s, size_t design) {
  for (size_t k = 0; k < s->n; k++)
    if (s->design[k] == design) return true;
  return false;
}

static bool add(Search *s, const double *at) {
  double x[GP_DIMENSIONS];
  memcpy(x, at, s->cube->dimensions * sizeof *x);
  size_t design = s->cube->design_at(s->cube->context, x);
  if (known(s, design) || s->n == s->capacity) return false;
  memcpy(s->x + s->n * s->cube->dimensions, x, s->cube->dimensions * sizeof *x);
  s->design[s->n++] = design;
  return true;
}

/* ---- what the models are fitted to ---- */

/* Common random numbers move all designs together: that part is no noise of a comparison. What is left is the variance around the
 * design's own mean and the replication's mean over designs. */
static void observe(Search *s, size_t metric) {
  uint32_t reps = s->replications;
  double *level = ARENA_ARRAY(s->arena, double, reps), *y = s->y + metric * s->capacity, *noise = s->noise + metric * s->capacity, all = 0, worst = 0;
  size_t n = 0;
  for (size_t k = 0; k < s->n; k++) {
    if (s->samples->design[s->design[k]].failed) continue;
    n++;
    for (uint32_t r = 0; r < reps; r++) level[r] += samples_value(s->samples, s->design[k], r, metric);
  }
  for (uint32_t r = 0; r < reps; r++) all += (level[r] /= (double)(n ? n : 1)) / (double)reps;
  double pooled = 0;
  for (size_t k = 0; k < s->n; k++) {
    y[k] = noise[k] = 0;
    if (s->samples->design[s->design[k]].failed) continue;
    for (uint32_t r = 0; r < reps; r++) y[k] += samples_value(s->samples, s->design[k], r, metric) / (double)reps;
    for (uint32_t r = 0; r < reps; r++) {
      double rest = samples_value(s->samples, s->design[k], r, metric) - y[k] - (level[r] - all);
      noise[k] += rest * rest / (double)(reps - 1) / (double)reps;
    }
    pooled += noise[k] / (double)n;
    if (y[k] > worst) worst = y[k];
  }
  for (size_t k = 0; k < s->n; k++) { /* few replications: a variance is drawn towards the pooled one */
    noise[k] = 0.5 * (noise[k] + pooled);
    if (s->samples->design[s->design[k]].failed) y[k] = worst; /* as bad as the worst known */
  }
}

typedef struct Models {
  GpData *data;
  Gp *gp;
  size_t n;
  double best; /* the least objective among designs that keep the constraints */
  bool any;
} Models;

static void fit(Search *s, Models *models, Arena *arena) {
  models->n = s->samples->n_metrics;
  models->data = ARENA_ARRAY(arena, GpData, models->n);
  models->gp = ARENA_ARRAY(arena, Gp, models->n);
  for (size_t m = 0; m < models->n; m++) {
    models->data[m] = (GpData){s->n, s->cube->dimensions, s->x, s->cube->category, s->y + m * s->capacity, s->noise + m * s->capacity};
    gp_fit(&models->gp[m], &models->data[m], arena);
  }
  models->any = false;
  for (size_t k = 0; k < s->n; k++) {
    bool feasible = true;
    double mean, deviation;
    for (size_t m = 0; m < models->n; m++) {
      gp_predict(&models->gp[m], s->x + k * s->cube->dimensions, &mean, &deviation);
      if (m > 0) feasible = feasible && mean <= 0;
      else if (models->any && mean >= models->best) feasible = false;
    }
    if (!feasible) continue;
    gp_predict(&models->gp[0], s->x + k * s->cube->dimensions, &models->best, &deviation);
    models->any = true;
  }
}

/* Expected improvement times the probability of keeping the constraints; while nothing keeps them, that probability alone. */
static double promise(Models *models, const double *x) {
  double mean, deviation, value = 1;
  for (size_t m = 1; m < models->n; m++) {
    gp_predict(&models->gp[m], x, &mean, &deviation);
    value *= deviation > 0 ? gsl_cdf_ugaussian_P(-mean / deviation) : (double)(mean <= 0);
  }
  if (!models->any) return value;
  gp_predict(&models->gp[0], x, &mean, &deviation);
  double gain = models->best - mean;
  if (!(deviation > 0)) return gain > 0 ? value * gain : 0;
  double z = gain / deviation;
  return value * (gain * gsl_cdf_ugaussian_P(z) + deviation * gsl_ran_ugaussian_pdf(z));
}

/* ---- choosing ---- */

static size_t most_promising_known(const Search *s, Models *models) {
  size_t best = 0;
  double least = INFINITY;
  for (size_t k = 0; k < s->n; k++) {
    double mean, deviation, violation = 0;
    for (size_t m = 1; m < models->n; m++) {
      gp_predict(&models->gp[m], s->x + k * s->cube->dimensions, &mean, &deviation);
      violation += mean > 0 ? mean : 0;
    }
    gp_predict(&models->gp[0], s->x + k * s->cube->dimensions, &mean, &deviation);
    double badness = violation > 0 ? 1e12 + violation : mean;
    if (badness < least) {
      least = badness;
      best = k;
    }
  }
  return best;
}

/* Candidate c: the first ones are the Sobol set, the others lie around the best, ever closer. */
static void candidate(const Search *s, const double *sobol, size_t c, size_t centre, uint32_t round, double *x) {
  size_t d = s->cube->dimensions;
  if (c < CANDIDATES) {
    memcpy(x, sobol + c * d, d * sizeof *x);
    return;
  }
  size_t k = c - CANDIDATES;
  Stream stream = stream_make(1, (uint32_t)(round + 1), PURPOSE_JITTER, (uint32_t)k);
  double reach = 0.2 * pow(0.5, (double)(k % 5));
  for (size_t j = 0; j < d; j++) {
    double u = stream_uniform(&stream, j);
    x[j] = s->x[centre * d + j] + (2 * u - 1) * reach;
    if (s->cube->category[j]) x[j] = u < 0.7 ? s->x[centre * d + j] : stream_uniform(&stream, d + j);
    x[j] = x[j] < 0 ? 0 : x[j] > 1 ? 1 : x[j];
  }
}

static bool choose_one(Search *s, const double *sobol, uint32_t round) {
  Arena arena = {.exhausted = s->arena->exhausted};
  Models models;
  fit(s, &models, &arena);
  size_t d = s->cube->dimensions, centre = most_promising_known(s, &models);
  double x[GP_DIMENSIONS], best_x[GP_DIMENSIONS], best = -INFINITY;
  for (size_t c = 0; c < CANDIDATES + NEIGHBOURS; c++) {
    candidate(s, sobol, c, centre, round, x);
    size_t design = s->cube->design_at(s->cube->context, x);
    if (known(s, design)) continue;
    double value = promise(&models, x);
    if (value <= best) continue;
    best = value;
    memcpy(best_x, x, d * sizeof *x);
  }
  bool found = best > -INFINITY && add(s, best_x);
  for (size_t m = 0; found && m < models.n; m++) { /* believe the models until the round is run */
    double deviation;
    gp_predict(&models.gp[m], best_x, &s->y[m * s->capacity + s->n - 1], &deviation);
    s->noise[m * s->capacity + s->n - 1] = models.data[m].noise[0];
  }
  arena_free(&arena);
  return found;
}

static bool evaluate(Search *s, Err *err) {
  if (!samples_extend_all(s->samples, s->design, s->n, s->replications, err)) return false;
  for (size_t m = 0; m < s->samples->n_metrics; m++) observe(s, m);
  return true;
}

/* The designs that the models think best go into a last halving. */
static bool finish(Search *s, uint64_t budget, ModelResult *result, Err *err) {
  Models models;
  fit(s, &models, s->arena);
  size_t n = s->n < FINALISTS ? s->n : FINALISTS, *finalist = ARENA_ARRAY(s->arena, size_t, n), *index = ARENA_ARRAY(s->arena, size_t, n);
  bool *taken = ARENA_ARRAY(s->arena, bool, s->n);
  for (size_t k = 0; k < n; k++) {
    double least = INFINITY;
    for (size_t i = 0; i < s->n; i++) {
      double badness = 0, mean = 0, deviation;
      for (size_t m = models.n; m-- > 0;) {
        gp_predict(&models.gp[m], s->x + i * s->cube->dimensions, &mean, &deviation);
        if (m > 0 && mean > deviation) badness += 1e9 + 1e9 * mean;
      }
      badness = s->samples->design[s->design[i]].failed ? 1e300 : badness > 0 ? badness : mean;
      if (taken[i] || badness >= least) continue;
      least = badness;
      index[k] = i;
    }
    taken[index[k]] = true;
    finalist[k] = s->design[index[k]];
  }
  HalvingResult halving;
  HalvingOptions options = {.budget = budget, .first_replications = 1};
  if (!tune_halving(s->samples, finalist, n, &options, &halving, err)) return false;
  for (size_t i = 0; i < s->n; i++) result->fate[i] = s->samples->design[s->design[i]].failed ? FATE_FAILED : FATE_RANKED_OUT;
  for (size_t k = 0; k < n; k++) result->fate[index[k]] = halving.fate[k];
  result->best = halving.best;
  result->feasible = halving.feasible;
  return true;
}

static bool run_search(Search *s, const ModelOptions *options, ModelResult *result, Err *err) {
  size_t d = s->cube->dimensions, first = 2 * (d + 1) > 6 ? 2 * (d + 1) : 6;
  uint64_t search = options->budget - options->budget / 4, before = s->samples->runs;
  size_t affordable = (size_t)(search / s->replications);
  if (affordable < 4) affordable = 4;
  if (first > (affordable + 1) / 2) first = (affordable + 1) / 2;
  double *sobol = ARENA_ARRAY(s->arena, double, CANDIDATES * d);
  cube_points(sobol, CANDIDATES, d, s->arena);
  for (size_t k = 0; k < CANDIDATES && s->n < first; k++) add(s, sobol + k * d);
  if (!evaluate(s, err)) return false;
  size_t most = affordable < s->capacity ? affordable : s->capacity;
  for (bool found = s->n >= 2; found && s->n < most;) {
    for (size_t k = 0; k < A_ROUND && s->n < most && found; k++) found = choose_one(s, sobol, result->rounds * A_ROUND + (uint32_t)k);
    if (!evaluate(s, err)) return false;
    result->rounds++;
  }
  uint64_t spent = s->samples->runs - before;
  result->n_designs = s->n;
  result->design = ARENA_ARRAY(s->samples->arena, size_t, s->n);
  result->fate = ARENA_ARRAY(s->samples->arena, TuneFate, s->n);
  memcpy(result->design, s->design, s->n * sizeof *s->design);
  return finish(s, options->budget > spent ? options->budget - spent : 0, result, err);
}

bool tune_model(TuneSamples *samples, const TuneCube *cube, const ModelOptions *options, ModelResult *result, Err *err) {
  Arena arena = {.exhausted = samples->arena->exhausted};
  *result = (ModelResult){0};
  Search s = {.samples = samples, .cube = cube, .arena = &arena, .capacity = DESIGNS_MOST};
  s.replications = options->replications ? options->replications : REPLICATIONS;
  s.design = ARENA_ARRAY(&arena, size_t, s.capacity);
  s.x = ARENA_ARRAY(&arena, double, s.capacity * cube->dimensions);
  s.y = ARENA_ARRAY(&arena, double, s.capacity * samples->n_metrics);
  s.noise = ARENA_ARRAY(&arena, double, s.capacity * samples->n_metrics);
  bool good = run_search(&s, options, result, err);
  arena_free(&arena);
  return good;
}
