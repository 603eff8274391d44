/* E[X(k:n)] is the integral of Q(u) against the Beta(k, n - k + 1) density (David and Nagaraja, "Order Statistics", 3rd ed. 2003, 2.1).
 * With u = 1 - exp(-t) and t = exp(s) the integrand is smooth and falls off at both ends, so the trapezoidal rule in s converges
 * exponentially; sums are divided by that of the weights, which removes the constant of the density. */
#include "sim/core/order_statistics.h"

#include "sim/core/maths.h"

#define STEP 0.025
#define FIRST -40.0 /* log t */

/* 1 - exp(-t), also where t is small. */
static double one_minus_exp(double t) {
  if (t < 1e-4) return t * (1 - t / 2 * (1 - t / 3 * (1 - t / 4)));
  double u = 1 - maths_exp(-t);
  return u < 1 ? u : 1 - 0x1p-53;
}

void order_statistics_begin(OrderStatistics *order, const Distribution *distribution) {
  order->mean = distribution_mean(distribution);
  for (int k = 0; k < ORDER_POINTS; k++) {
    double t = maths_exp(FIRST + STEP * k), u = one_minus_exp(t);
    order->t[k] = t;
    order->log_u[k] = maths_log(u);
    order->value[k] = distribution_quantile(distribution, u > 0x1p-53 ? u : 0x1p-53); /* no draw is nearer to 0 */
  }
}

double order_statistics_slowdown(const OrderStatistics *order, int64_t n, int64_t dropped) {
  if (n <= 1 || !(order->mean > 0)) return 1;
  double below = (double)(n - dropped - 1), above = (double)(dropped + 1), most = -1e300, sum = 0, weights = 0;
  for (int k = 0; k < ORDER_POINTS; k++) {
    double exponent = below * order->log_u[k] - above * order->t[k] + FIRST + STEP * k;
    if (exponent > most) most = exponent;
  }
  for (int k = 0; k < ORDER_POINTS; k++) {
    double exponent = below * order->log_u[k] - above * order->t[k] + FIRST + STEP * k - most;
    if (exponent < -80) continue;
    double weight = maths_exp(exponent);
    weights += weight;
    sum += weight * order->value[k];
  }
  return sum / weights / order->mean;
}
