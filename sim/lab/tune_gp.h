/* A Gaussian process over the unit cube, fitted to noisy means: prior mean by generalised least squares, Matern 5/2 covariance with a length
 * of its own for each coordinate, the variance of each mean known (stochastic kriging: Ankenman, Nelson and Staum, "Stochastic kriging for
 * simulation metamodeling", Operations Research 58, 2010, eq. (3) and (4)). Lengths and variance by maximum likelihood on a fixed ladder
 * (coordinate ascent), so that the same points give the same fit. Linear algebra: GSL (Cholesky). */
#ifndef SIM_LAB_TUNE_GP_H
#define SIM_LAB_TUNE_GP_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/arena.h"

enum { GP_DIMENSIONS = 16 };

typedef struct GpData {
  size_t n, dimensions;
  const double *x;       /* [n][dimensions], in [0, 1] */
  const bool *category;  /* [dimensions] no order: equal or not */
  const double *y;       /* [n] means */
  const double *noise;   /* [n] variances of the means */
} GpData;

typedef struct Gp {
  const GpData *data;
  double length[GP_DIMENSIONS], variance, mean;
  double likelihood;     /* log, up to a constant */
  double *factor;        /* [n][n] Cholesky */
  double *weight;        /* [n] K^-1 (y - mean) */
  double *scratch;       /* [n] */
} Gp;

/* n >= 2. The data must outlive the fit. */
void gp_fit(Gp *gp, const GpData *data, Arena *arena);
/* Mean and standard deviation of the mean response (without the noise) at a point. */
void gp_predict(Gp *gp, const double *x, double *mean, double *deviation);

#endif
