/* Which thresholds matter. Two designs of points in the unit cube, and what their values say; who evaluates the points is the caller's
 * business.
 *
 * Morris screening (Morris, "Factorial sampling plans for preliminary computational experiments", Technometrics 33, 1991; mu* by
 * Campolongo, Cariboni and Saltelli, Environmental Modelling & Software 22, 2007): r trajectories on a grid of p = 4 levels, each of which
 * moves every coordinate once by D = p / (2 (p - 1)). An elementary effect is (y after - y before) / (move): the change over the whole
 * range. mu is their mean, mu* the mean of their sizes, sigma their standard deviation (curvature or interaction). r (d + 1) points.
 *
 * Sobol indices: Saltelli's sampling, matrices A, B and A with column i of B (AB_i), n (d + 2) points of a Sobol sequence in 2 d
 * dimensions. First order: mean of f(B) (f(AB_i) - f(A)) / V (Saltelli et al., Computer Physics Communications 181, 2010, table 2 (b)),
 * total: mean of (f(A) - f(AB_i))^2 / 2 V (Jansen, 1999; ibid. (f)). V over A and B; f is centred first, which the estimator of the
 * first order profits from. Intervals: percentiles of 500 bootstrap samples of the rows (of the trajectories), at 95 %. */
#ifndef SIM_LAB_SENSITIVITY_H
#define SIM_LAB_SENSITIVITY_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/arena.h"

enum { MORRIS_LEVELS = 4, SENSITIVITY_DIMENSIONS = 16, BOOTSTRAP_SAMPLES = 500 };

typedef struct Estimate {
  double value, low, high; /* 95 % */
} Estimate;

typedef struct MorrisEffect {
  double mu, sigma;
  Estimate mu_star;
} MorrisEffect;

/* x[r (d + 1)][d] */
void morris_points(double *x, size_t trajectories, size_t dimensions, uint64_t seed, Arena *arena);
/* y[r (d + 1)] of the points x. */
void morris_effects(const double *x, const double *y, size_t trajectories, size_t dimensions, uint64_t seed, MorrisEffect *effect, Arena *arena);

typedef struct SobolIndex {
  Estimate first, total;
} SobolIndex;

/* x[n (d + 2)][d]: n rows of A, n of B, then n of each AB_i. */
void sobol_points(double *x, size_t n, size_t dimensions, Arena *arena);
/* NaN where the values do not vary. */
void sobol_indices(const double *y, size_t n, size_t dimensions, uint64_t seed, SobolIndex *index, double *mean, double *variance, Arena *arena);

#endif
