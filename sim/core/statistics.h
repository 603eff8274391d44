/* Tallies and intervals. Welford's update (Technometrics 4, 1962; merging: Chan, Golub, LeVeque 1983) and Student t intervals (GSL). */
#ifndef SIM_CORE_STATISTICS_H
#define SIM_CORE_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

typedef struct Tally {
  uint64_t count;
  double mean, m2;
} Tally;

void tally_add(Tally *tally, double value);
void tally_merge(Tally *into, const Tally *from);
double tally_variance(const Tally *tally); /* sample variance; NaN below two values */

/* mean ± half_width at the given two-sided level. half_width is NaN below two values, and 0 when all values are equal. */
typedef struct Interval {
  double mean, half_width;
  size_t count; /* values used: NaN values are left out */
} Interval;

/* t interval of the mean of independent values; level such as 0.95. NaNs are skipped. */
Interval interval_of_mean(const double *value, size_t count, double level);
/* The t quantile: P(T_nu <= t) = p. */
double student_quantile(double p, double nu);

#endif
