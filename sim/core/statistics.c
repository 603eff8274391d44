/* Tallies and Student intervals; see statistics.h. */
#include "sim/core/statistics.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

void tally_add(Tally *tally, double value) {
  tally->count++;
  double delta = value - tally->mean;
  tally->mean += delta / (double)tally->count;
  tally->m2 += delta * (value - tally->mean);
}

void tally_merge(Tally *into, const Tally *from) {
  if (from->count == 0) return;
  double a = (double)into->count, b = (double)from->count, delta = from->mean - into->mean;
  into->mean += delta * b / (a + b);
  into->m2 += from->m2 + delta * delta * a * b / (a + b);
  into->count += from->count;
}

double tally_variance(const Tally *tally) { return tally->count < 2 ? (double)NAN : tally->m2 / (double)(tally->count - 1); }

double student_quantile(double p, double nu) { return gsl_cdf_tdist_Pinv(p, nu); }

Interval interval_of_mean(const double *value, size_t count, double level) {
  Tally tally = {0};
  for (size_t k = 0; k < count; k++)
    if (!isnan(value[k])) tally_add(&tally, value[k]);
  Interval interval = {tally.count ? tally.mean : (double)NAN, (double)NAN, tally.count};
  if (tally.count < 2) return interval;
  double variance = tally_variance(&tally), n = (double)tally.count;
  interval.half_width = variance > 0 ? student_quantile(0.5 + level / 2, n - 1) * sqrt(variance / n) : 0;
  return interval;
}
