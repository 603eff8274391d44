/* Fitting and asking a Gaussian process; see tune_gp.h. */
#include "sim/lab/tune_gp.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <string.h>

static double distance(const Gp *gp, const double *a, const double *b) {
  double sum = 0;
  for (size_t k = 0; k < gp->data->dimensions; k++) {
    double d = gp->data->category[k] ? (double)(a[k] != b[k]) : a[k] - b[k];
    sum += d * d / (gp->length[k] * gp->length[k]);
  }
  return sqrt(sum);
}

/* Matern with nu = 5/2. Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), eq. (4.17). */
static double covariance(const Gp *gp, const double *a, const double *b) {
  double r = sqrt(5.0) * distance(gp, a, b);
  return gp->variance * (1 + r + r * r / 3) * exp(-r);
}

/* Solves K v = b in place by the factor. */
static void solve(const Gp *gp, double *b) {
  size_t n = gp->data->n;
  gsl_matrix_const_view factor = gsl_matrix_const_view_array(gp->factor, n, n);
  gsl_vector_view v = gsl_vector_view_array(b, n);
  gsl_linalg_cholesky_svx(&factor.matrix, &v.vector);
}

/* Factorises, finds mean, weights and likelihood for the present lengths and variance. */
static bool factorise(Gp *gp) {
  const GpData *data = gp->data;
  size_t n = data->n, d = data->dimensions;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j <= i; j++)
      gp->factor[i * n + j] = gp->factor[j * n + i] = covariance(gp, data->x + i * d, data->x + j * d);
  for (size_t i = 0; i < n; i++) gp->factor[i * n + i] += data->noise[i] + 1e-8 * gp->variance;
  gsl_matrix_view factor = gsl_matrix_view_array(gp->factor, n, n);
  if (gsl_linalg_cholesky_decomp1(&factor.matrix) != 0) return false;
  for (size_t i = 0; i < n; i++) gp->scratch[i] = 1;
  solve(gp, gp->scratch);
  double up = 0, down = 0, log_determinant = 0, square = 0;
  for (size_t i = 0; i < n; i++) {
    up += gp->scratch[i] * data->y[i];
    down += gp->scratch[i];
  }
  gp->mean = up / down;
  for (size_t i = 0; i < n; i++) gp->weight[i] = data->y[i] - gp->mean;
  solve(gp, gp->weight);
  for (size_t i = 0; i < n; i++) {
    square += gp->weight[i] * (data->y[i] - gp->mean);
    log_determinant += 2 * log(gp->factor[i * n + i]);
  }
  gp->likelihood = -0.5 * (square + log_determinant);
  return isfinite(gp->likelihood);
}

/* Tries a value of one parameter; keeps it if it is likelier. */
static void attempt(Gp *gp, double *parameter, double value, double *best) {
  double old = *parameter;
  *parameter = value;
  if (factorise(gp) && gp->likelihood > *best) *best = gp->likelihood;
  else *parameter = old;
}

static double spread_of(const GpData *data) {
  double mean = 0, square = 0;
  for (size_t i = 0; i < data->n; i++) mean += data->y[i] / (double)data->n;
  for (size_t i = 0; i < data->n; i++) square += (data->y[i] - mean) * (data->y[i] - mean);
  return square / (double)(data->n - 1);
}

void gp_fit(Gp *gp, const GpData *data, Arena *arena) {
  static const double lengths[] = {0.08, 0.15, 0.3, 0.6, 1.2, 2.5}, ratios[] = {0.25, 0.5, 1, 2, 5, 15};
  *gp = (Gp){.data = data, .factor = ARENA_ARRAY(arena, double, data->n * data->n), .weight = ARENA_ARRAY(arena, double, data->n)};
  gp->scratch = ARENA_ARRAY(arena, double, data->n);
  gsl_error_handler_t *handler = gsl_set_error_handler_off(); /* a matrix that is not positive definite is told by its code */
  double spread = spread_of(data), best = -INFINITY;
  if (!(spread > 0)) spread = 1e-12;
  for (size_t k = 0; k < data->dimensions; k++) gp->length[k] = 0.6;
  gp->variance = spread;
  if (factorise(gp)) best = gp->likelihood;
  for (int sweep = 0; sweep < 2; sweep++) {
    for (size_t k = 0; k < data->dimensions; k++)
      for (size_t v = 0; v < sizeof lengths / sizeof *lengths; v++) attempt(gp, &gp->length[k], lengths[v], &best);
    for (size_t v = 0; v < sizeof ratios / sizeof *ratios; v++) attempt(gp, &gp->variance, ratios[v] * spread, &best);
  }
  if (!factorise(gp)) { /* cannot happen with noise; a flat fit then */
    memset(gp->weight, 0, data->n * sizeof *gp->weight);
    gp->mean = data->y[0];
  }
  gsl_set_error_handler(handler);
}

void gp_predict(Gp *gp, const double *x, double *mean, double *deviation) {
  const GpData *data = gp->data;
  size_t n = data->n;
  *mean = gp->mean;
  for (size_t i = 0; i < n; i++) {
    gp->scratch[i] = covariance(gp, x, data->x + i * data->dimensions);
    *mean += gp->scratch[i] * gp->weight[i];
  }
  gsl_matrix_const_view factor = gsl_matrix_const_view_array(gp->factor, n, n);
  gsl_vector_view v = gsl_vector_view_array(gp->scratch, n);
  gsl_blas_dtrsv(CblasLower, CblasNoTrans, CblasNonUnit, &factor.matrix, &v.vector);
  double left = gp->variance;
  for (size_t i = 0; i < n; i++) left -= gp->scratch[i] * gp->scratch[i];
  *deviation = left > 0 ? sqrt(left) : 0;
}
