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

Interval interval_by_sections(double whole, const double *section, size_t count, double level) {
  double squares = 0;
  size_t used = 0;
  for (size_t k = 0; k < count; k++) {
    if (isnan(section[k])) continue;
    squares += (section[k] - whole) * (section[k] - whole);
    used++;
  }
  Interval interval = {whole, (double)NAN, used};
  if (used < 2 || isnan(whole)) return interval;
  double n = (double)used;
  interval.half_width = squares > 0 ? student_quantile(0.5 + level / 2, n - 1) * sqrt(squares / (n - 1) / n) : 0;
  return interval;
}

uint64_t quantile_sample_least(double p, double level) {
  if (!(p > 0) || !(p < 1)) return UINT64_MAX;
  uint64_t n = 1;
  double below = p, above = 1 - p;
  while (below + above > 1 - level && n < UINT64_C(100000000)) {
    below *= p;
    above *= 1 - p;
    n++;
  }
  return n;
}

/* Sums about the means of complete pairs. */
typedef struct Moments {
  double n, mean_x, mean_y, xx, xy, yy;
} Moments;

static Moments moments_of(const double *x, const double *y, size_t count) {
  Moments m = {0};
  for (size_t k = 0; k < count; k++) {
    if (isnan(x[k]) || isnan(y[k])) continue;
    m.n++;
    double dx = x[k] - m.mean_x, dy = y[k] - m.mean_y;
    m.mean_x += dx / m.n;
    m.mean_y += dy / m.n;
    m.xx += dx * (x[k] - m.mean_x);
    m.xy += dx * (y[k] - m.mean_y);
    m.yy += dy * (y[k] - m.mean_y);
  }
  return m;
}

Interval interval_with_control(const double *y, const double *x, size_t count, double mean_of_x, double level, double *factor) {
  Moments m = moments_of(x, y, count);
  *factor = 1;
  if (m.n < 4 || !(m.xx > 0) || !(m.yy > 0) || !isfinite(mean_of_x)) return interval_of_mean(y, count, level);
  double slope = m.xy / m.xx, off = m.mean_x - mean_of_x, left = m.yy - slope * m.xy;
  double variance = (left > 0 ? left : 0) / (m.n - 2) * (1 / m.n + off * off / m.xx), plain = m.yy / (m.n - 1) / m.n;
  Interval interval = {m.mean_y - slope * off, student_quantile(0.5 + level / 2, m.n - 2) * sqrt(variance), (size_t)m.n};
  *factor = variance > 0 ? plain / variance : (double)INFINITY;
  return interval;
}

double lag1_correlation(const double *value, size_t count) {
  Tally all = {0};
  for (size_t k = 0; k < count; k++) tally_add(&all, value[k]);
  if (count < 3 || !(all.m2 > 0)) return (double)NAN;
  double sum = 0;
  for (size_t k = 1; k < count; k++) sum += (value[k - 1] - all.mean) * (value[k] - all.mean);
  return sum / all.m2;
}

bool mser_truncation(const double *value, size_t count, size_t batch, size_t *truncated) {
  size_t n = batch ? count / batch : 0, best = 0;
  double least = (double)INFINITY;
  Tally rest = {0};
  *truncated = 0;
  if (n < 4) return false;
  /* From the last batch backwards, so that each step adds one; values in front of a whole number of batches belong to the first. */
  for (size_t d = n; d-- > 0;) {
    double mean = 0;
    size_t first = count - (n - d) * batch;
    for (size_t k = 0; k < batch; k++) mean += value[first + k];
    tally_add(&rest, mean / (double)batch);
    double left = (double)rest.count, error = rest.m2 / (left * left);
    if (n - d >= 2 && error <= least) {
      least = error;
      best = d;
    }
  }
  *truncated = best;
  return best <= n / 2;
}

void compare_with_best(const double *difference, const double *half, size_t n, BestComparison *out) {
  size_t candidates = 0;
  for (size_t i = 0; i < n; i++) {
    double least = (double)INFINITY; /* of mean_j - mean_i + half: below 0, some j is better for sure */
    for (size_t j = 0; j < n; j++) {
      if (j == i) continue;
      double lead = difference[j * n + i] + half[i * n + j];
      if (lead < least) least = lead;
    }
    out[i].can_be_best = n == 1 || least >= 0;
    out[i].low = n > 1 && least > 0 ? -least : 0;
    candidates += out[i].can_be_best;
  }
  for (size_t i = 0; i < n; i++) {
    double most = 0; /* how much worse than the best candidate it may be */
    for (size_t j = 0; j < n; j++) {
      if (j == i || !out[j].can_be_best) continue;
      double behind = difference[i * n + j] + half[i * n + j];
      if (behind > most) most = behind;
    }
    out[i].high = candidates == 1 && out[i].can_be_best ? 0 : most;
  }
}

double erlang_c(double load, int64_t servers) {
  if (!(load > 0)) return 0;
  if (!(load < (double)servers)) return 1;
  double loss = 1; /* Erlang B, then C = B / (1 - rho (1 - B)) */
  for (int64_t k = 1; k <= servers; k++) loss = load * loss / ((double)k + load * loss);
  return loss / (1 - load / (double)servers * (1 - loss));
}
