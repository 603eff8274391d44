/* What predictive policies share: the offered rate by intervals of equal length, two ways to carry a season forward, a straight line, and
 * the replicas that a rate needs. Intervals are numbered from the start of the run: number k is (k x interval, (k + 1) x interval]. */
#ifndef MODELS_POLICY_FORECAST_H
#define MODELS_POLICY_FORECAST_H

#include "models/policy/tracking.h"

enum { SEASON_INTERVALS = 20000 }; /* at most so many intervals in a season */

/* Samples of offered_rps gathered into the mean of each interval. A sample belongs to the interval its instant lies in; should the metric
 * window be longer than an interval, the means are smoothed accordingly. */
typedef struct RateIntervals {
  bool begun;
  int64_t index, sampled_ns, count;
  double sum_rps;
} RateIntervals;
typedef struct RateOf {
  int64_t index;
  double mean_rps;
} RateOf;
enum { CLOSED_AT_ONCE = 2 }; /* the one left behind, and the one that ends with this very sample */
/* Takes the newest sample (each counts once); returns how many intervals it closed, oldest first. */
int intervals_add(RateIntervals *intervals, int64_t interval_ns, const Observation *observation, RateOf closed[CLOSED_AT_ONCE]);
/* The interval that holds an instant; the first one also holds 0. */
int64_t interval_of(int64_t at_ns, int64_t interval_ns);

/* Additive triple exponential smoothing. Source: Winters 1960; the recursions and the start are those of Hyndman and Athanasopoulos,
 * Forecasting: Principles and Practice (2nd ed.), 7.3: the first season gives level = its mean, trend = 0, season = the differences from it;
 * then, for a rate y,
 *   level'  = alpha (y - season) + (1 - alpha) (level + trend)
 *   trend'  = beta (level' - level) + (1 - beta) trend
 *   season' = gamma (y - level - trend) + (1 - gamma) season
 * A missing interval counts as met exactly (level grows by the trend); a whole missing season starts anew. */
typedef struct Smoothing {
  double alpha, beta, gamma;
  int64_t season; /* intervals, >= 1 */
} Smoothing;
typedef struct HoltWinters {
  int64_t count; /* of rates taken */
  int64_t last;  /* interval of the newest */
  double level, trend;
  double season[]; /* by interval mod season; the rates themselves until there is a whole season */
} HoltWinters;
size_t holt_winters_bytes(int64_t season);
void holt_winters_add(HoltWinters *model, const Smoothing *smoothing, RateOf rate);
bool holt_winters_ready(const HoltWinters *model, const Smoothing *smoothing);
/* level + steps x trend + season, not below 0; `index` is after the last interval taken. */
double holt_winters_rps(const HoltWinters *model, const Smoothing *smoothing, int64_t index);
/* The highest forecast of the intervals from..to. */
double holt_winters_peak_rps(const HoltWinters *model, const Smoothing *smoothing, int64_t from, int64_t to);

/* The straight line of least squares through n values at 0, 1 .. n - 1, at x; the value itself for n = 1, NaN for none. */
double line_at(const double *value, int n, double x);

/* Jobs a second that one replica can serve: `given` unless 0; else concurrency / mean service time of the variant wished; where that is
 * unknown, finished / (ready x utilisation) while at least 5 % are in use; NaN otherwise. */
double replica_serves_rps(double given_rps, const Observation *observation);

/* Wishes what a rate needs: ceil(rate x headroom / served), a lower wish waits for the highest of the window, then the bounds. */
typedef struct RateWish {
  double rate_rps, served_rps, headroom_ratio;
  int64_t window_ns;
  const char *reason; /* when nothing else explains the outcome */
} RateWish;
void rate_wish(const RateWish *wish, Wishes *wishes, const Observation *observation, Decision *decision);

/* A season is a whole number of intervals, at most SEASON_INTERVALS. */
bool season_check(int64_t season_ns, int64_t interval_ns, Err *err);

#endif
