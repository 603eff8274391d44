/* Morris and Sobol; see sensitivity.h. */
#include "sim/lab/sensitivity.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/core/rng.h"
#include "sim/lab/tune_model.h"

static Stream stream_of(uint64_t seed, const char *what, size_t k) { return stream_make(seed, hash_name(what), PURPOSE_JITTER, (uint32_t)k & 0xffffff); }

static size_t pick(const Stream *stream, uint64_t index, size_t n) {
  size_t k = (size_t)(stream_uniform(stream, index) * (double)n);
  return k < n ? k : n - 1;
}

/* The 2.5 and 97.5 % points of bootstrap values; sorts them. */
static void percentiles(double *value, size_t n, Estimate *estimate) {
  gsl_sort(value, 1, n);
  estimate->low = gsl_stats_quantile_from_sorted_data(value, 1, n, 0.025);
  estimate->high = gsl_stats_quantile_from_sorted_data(value, 1, n, 0.975);
}

/* ---- Morris ---- */

void morris_points(double *x, size_t trajectories, size_t d, uint64_t seed, Arena *arena) {
  size_t *order = ARENA_ARRAY(arena, size_t, d);
  const double step = (double)MORRIS_LEVELS / (2.0 * (MORRIS_LEVELS - 1));
  for (size_t t = 0; t < trajectories; t++) {
    Stream stream = stream_of(seed, "morris", t);
    double *at = x + t * (d + 1) * d;
    for (size_t k = 0; k < d; k++) {
      at[k] = (double)pick(&stream, k, MORRIS_LEVELS) / (MORRIS_LEVELS - 1);
      size_t j = pick(&stream, d + k, k + 1); /* a random order, as one shuffles while dealing */
      order[k] = order[j];
      order[j] = k;
    }
    for (size_t k = 0; k < d; k++, at += d) {
      memcpy(at + d, at, d * sizeof *at);
      double *moved = at + d + order[k];
      *moved += *moved < 0.5 ? step : -step; /* of an even number of levels exactly one way stays inside */
    }
  }
}

void morris_effects(const double *x, const double *y, size_t trajectories, size_t d, uint64_t seed, MorrisEffect *effect, Arena *arena) {
  double *ee = ARENA_ARRAY(arena, double, d * trajectories), *boot = ARENA_ARRAY(arena, double, BOOTSTRAP_SAMPLES);
  for (size_t t = 0; t < trajectories; t++)
    for (size_t k = 0; k < d; k++) {
      size_t row = t * (d + 1) + k, i = 0;
      while (i + 1 < d && x[row * d + i] == x[(row + 1) * d + i]) i++;
      ee[i * trajectories + t] = (y[row + 1] - y[row]) / (x[(row + 1) * d + i] - x[row * d + i]);
    }
  for (size_t i = 0; i < d; i++) {
    const double *e = ee + i * trajectories;
    double sum = 0;
    for (size_t t = 0; t < trajectories; t++) sum += fabs(e[t]);
    effect[i] = (MorrisEffect){.mu = gsl_stats_mean(e, 1, trajectories), .mu_star.value = sum / (double)trajectories};
    effect[i].sigma = trajectories > 1 ? gsl_stats_sd(e, 1, trajectories) : 0;
    for (size_t b = 0; b < BOOTSTRAP_SAMPLES; b++) {
      Stream stream = stream_of(seed, "bootstrap", b);
      sum = 0;
      for (size_t t = 0; t < trajectories; t++) sum += fabs(e[pick(&stream, t, trajectories)]);
      boot[b] = sum / (double)trajectories;
    }
    percentiles(boot, BOOTSTRAP_SAMPLES, &effect[i].mu_star);
  }
}

/* ---- Sobol ---- */

void sobol_points(double *x, size_t n, size_t d, Arena *arena) {
  double *wide = ARENA_ARRAY(arena, double, n * 2 * d);
  cube_points(wide, n, 2 * d, arena);
  for (size_t k = 0; k < n; k++) {
    const double *a = wide + k * 2 * d, *b = a + d;
    memcpy(x + k * d, a, d * sizeof *x);
    memcpy(x + (n + k) * d, b, d * sizeof *x);
    for (size_t i = 0; i < d; i++) {
      double *mixed = x + ((2 + i) * n + k) * d;
      memcpy(mixed, a, d * sizeof *x);
      mixed[i] = b[i];
    }
  }
}

typedef struct Rows {
  const double *a, *b, *mixed; /* of one coordinate */
  size_t n;
} Rows;

/* The estimators over the rows that `row` names (NULL: all, each once). */
static void estimate(const Rows *rows, const size_t *row, double *first, double *total) {
  double mean = 0, variance = 0, up = 0, moved = 0, n = (double)rows->n;
  for (size_t k = 0; k < rows->n; k++) {
    size_t r = row ? row[k] : k;
    mean += (rows->a[r] + rows->b[r]) / (2 * n);
  }
  for (size_t k = 0; k < rows->n; k++) {
    size_t r = row ? row[k] : k;
    double a = rows->a[r] - mean, b = rows->b[r] - mean, m = rows->mixed[r] - mean;
    variance += (a * a + b * b) / (2 * n);
    up += b * (m - a) / n;
    moved += (a - m) * (a - m) / (2 * n);
  }
  *first = variance > 0 ? up / variance : (double)NAN;
  *total = variance > 0 ? moved / variance : (double)NAN;
}

void sobol_indices(const double *y, size_t n, size_t d, uint64_t seed, SobolIndex *index, double *mean, double *variance, Arena *arena) {
  double *first = ARENA_ARRAY(arena, double, BOOTSTRAP_SAMPLES), *total = ARENA_ARRAY(arena, double, BOOTSTRAP_SAMPLES);
  size_t *row = ARENA_ARRAY(arena, size_t, n);
  *mean = gsl_stats_mean(y, 1, 2 * n);
  *variance = gsl_stats_variance(y, 1, 2 * n);
  for (size_t i = 0; i < d; i++) {
    Rows rows = {y, y + n, y + (2 + i) * n, n};
    estimate(&rows, NULL, &index[i].first.value, &index[i].total.value);
    for (size_t b = 0; b < BOOTSTRAP_SAMPLES; b++) {
      Stream stream = stream_of(seed, "bootstrap", b);
      for (size_t k = 0; k < n; k++) row[k] = pick(&stream, k, n);
      estimate(&rows, row, &first[b], &total[b]);
    }
    percentiles(first, BOOTSTRAP_SAMPLES, &index[i].first);
    percentiles(total, BOOTSTRAP_SAMPLES, &index[i].total);
  }
}
