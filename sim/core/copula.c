/* The Gaussian copula; see copula.h. */
#include "sim/core/copula.h"

#include "sim/core/maths.h"

double copula_of_ranks(double spearman) { return 2 * maths_sin(0x1.921fb54442d18p+1 / 6 * spearman); }

static double normal_cdf(double z) {
  double tail = maths_gamma_q(0.5, z * z / 2) / 2;
  return z < 0 ? tail : 1 - tail;
}

void copula_turn(double r, const double *first, double *second, size_t n) {
  if (!(r < 0) && !(r > 0)) return;
  double rest = __builtin_sqrt(1 - r * r);
  for (size_t k = 0; k < n; k++) {
    double u = normal_cdf(r * maths_normal_quantile(first[k]) + rest * maths_normal_quantile(second[k]));
    second[k] = u <= 0 ? 0x1p-53 : u >= 1 ? 1 - 0x1p-53 : u;
  }
}
