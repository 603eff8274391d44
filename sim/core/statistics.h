/* Tallies and intervals. Welford's update (Technometrics 4, 1962; merging: Chan, Golub, LeVeque 1983) and Student t intervals (GSL); for
 * quantiles sectioning, for controls regression, for many systems simultaneous intervals. Everything is over values that the caller
 * holds to be independent: replications, pairs of antithetic ones, or batches. NaN values are skipped. */
#ifndef SIM_CORE_STATISTICS_H
#define SIM_CORE_STATISTICS_H

#include <stdbool.h>
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

/* Sectioning: the estimate is `whole`, from all data at once, and each section gives its own value; the interval is whole ± t s / sqrt(n)
 * with the sections' spread about `whole`, so that their common bias widens it. Source: Asmussen and Glynn, "Stochastic Simulation"
 * (2007), III.5a; Nakayama, ACM TOMACS 24 (2014). */
Interval interval_by_sections(double whole, const double *section, size_t count, double level);
/* Below this many values no interval of the p-quantile exists at the level, whatever the law: even (least, greatest) covers it with
 * probability 1 - p^n - (1 - p)^n only. 299 for p = 0.99 at 95 %. */
uint64_t quantile_sample_least(double p, double level);

/* The mean of y with a control x of known mean, by regression: half width with n - 2 degrees of freedom (Lavenberg and Welch, Management
 * Science 27, 1981). *factor: variance of the plain mean / variance of this one. Values of y and x come in pairs. Falls back to
 * interval_of_mean (factor 1) below four pairs, or when x does not vary. */
Interval interval_with_control(const double *y, const double *x, size_t count, double mean_of_x, double level, double *factor);

/* Of batch means: their lag-1 autocorrelation (NaN below three values or when all are equal); about normal, of variance 1 / count, when
 * they are independent. */
double lag1_correlation(const double *value, size_t count);

/* MSER: how many leading batches of `batch` values to leave out, so that the standard error of the mean of the rest is least; batch 5 is
 * MSER-5. False when the least is in the second half: then the series is too short to tell. Sources: White, IIE Transactions 29 (1997);
 * White, Cobb and Spratt, Proc. WSC 2000. */
bool mser_truncation(const double *value, size_t count, size_t batch, size_t *truncated);

/* Multiple comparisons with the best, smaller being better. difference[i * n + j] is i - j, half[i * n + j] (symmetric) its half width,
 * one-sided at 1 - alpha / (n - 1), under any dependence. [low, high] holds mean_i - min over j != i of mean_j for all i at once with probability
 * 1 - alpha; can_be_best: low < 0, or alone. Source: Hsu, Annals of Statistics 12 (1984) 1136; with half widths of pairs: Chang and
 * Hsu, J. Statistical Planning and Inference 32 (1992). */
typedef struct BestComparison {
  double low, high;
  bool can_be_best;
} BestComparison;
void compare_with_best(const double *difference, const double *half, size_t n, BestComparison *out);

/* The Erlang C formula: share of arrivals that wait with `load` Erlangs at `servers` servers; 1 where they do not suffice, 0 without load.
 * O(servers); + - * / only. */
double erlang_c(double load, int64_t servers);

#endif
