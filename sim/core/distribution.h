/* Distributions as values: a small struct, one quantile transform of one uniform (so common random numbers stay synchronised and
 * antithetics work). A value's unit is that of the field it was written in (ns for durations, bytes, tokens, 1).
 * Gamma and mixtures use a monotone interpolation table built once by distribution_prepare with our own functions only. */
#ifndef SIM_CORE_DISTRIBUTION_H
#define SIM_CORE_DISTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/arena.h"
#include "sim/base/err.h"

typedef enum DistributionKind {
  DISTRIBUTION_CONSTANT,         /* a = value */
  DISTRIBUTION_EXPONENTIAL,      /* a = mean */
  DISTRIBUTION_UNIFORM,          /* a = low, b = high */
  DISTRIBUTION_LOGNORMAL,        /* a = mean of ln, b = sd of ln */
  DISTRIBUTION_GAMMA,            /* a = shape, b = scale */
  DISTRIBUTION_WEIBULL,          /* a = shape, b = scale */
  DISTRIBUTION_PARETO,           /* truncated (bounded) Pareto: a = alpha, b = low, c = high */
  DISTRIBUTION_HYPEREXPONENTIAL, /* a = p1, b = mean1, c = mean2 */
  DISTRIBUTION_EMPIRICAL         /* points: piecewise linear inverse of a given cumulative distribution */
} DistributionKind;

/* One point of an empirical distribution: P(X <= value) = cumulative; cumulative ascends to 1. */
typedef struct DistributionPoint {
  double value, cumulative;
} DistributionPoint;

typedef struct QuantileTable QuantileTable;

typedef struct Distribution {
  DistributionKind kind;
  double a, b, c;
  const DistributionPoint *points; /* EMPIRICAL */
  size_t n_points;
  const QuantileTable *table; /* GAMMA, HYPEREXPONENTIAL: set by distribution_prepare */
} Distribution;

/* Makers by what users know. They only compute parameters; ranges are checked by distribution_prepare. */
Distribution distribution_constant(double value);
Distribution distribution_exponential(double mean);
Distribution distribution_lognormal_mean_cv(double mean, double cv);
Distribution distribution_lognormal_median_quantile(double median, double q, double value_at_q);
Distribution distribution_gamma_mean_cv(double mean, double cv);
Distribution distribution_weibull_mean_cv(double mean, double cv); /* shape solved by bisection */
Distribution distribution_hyperexponential_mean_cv(double mean, double cv); /* balanced means, cv >= 1 */

/* Checks the parameters (all values must be finite and >= 0) and builds what quantiles need, on the arena.
 * Errors: err_at with an empty path. The arena must outlive the distribution. */
bool distribution_prepare(Distribution *distribution, Arena *arena, Err *err);
double distribution_quantile(const Distribution *distribution, double u);
/* x[k] = distribution_quantile(d, u[k]); x may be u. Equal to the scalar form bit for bit. */
void distribution_quantiles(const Distribution *distribution, const double *u, size_t n, double *x);
double distribution_mean(const Distribution *distribution);
double distribution_cv(const Distribution *distribution); /* coefficient of variation; 0 if the mean is 0 */
/* Multiplies every value by factor (> 0). */
Distribution distribution_scaled(const Distribution *distribution, double factor, Arena *arena);

#endif
