/* See fit_read.h. */
#include "sim/lab/fit_read.h"

#include <math.h>
#include <string.h>

#include "sim/core/time.h"
#include "sim/lab/trace_rows.h"

#define DAY_NS (86400 * NS_PER_S)
#define WEEK_NS (7 * DAY_NS)
#define HOUR_NS (3600 * NS_PER_S)
enum { ATOMS_MOST = 60, SPELLS_LEAST = 15 };

/* ---- sizes ---- */

static void point_add(FitSizes *sizes, double value, double cumulative) {
  if (sizes->count < FIT_POINTS) sizes->point[sizes->count++] = (DistributionPoint){value, cumulative};
}

/* Sizes that take few values, each with its share: a step of the distribution at each. */
static bool few_values(FitSizes *sizes, const double *sorted, size_t n) {
  size_t distinct = 1;
  for (size_t k = 1; k < n && distinct <= ATOMS_MOST; k++) distinct += sorted[k] > sorted[k - 1];
  if (distinct > ATOMS_MOST) return false;
  for (size_t k = 0, end; k < n; k = end) {
    for (end = k + 1; end < n && !(sorted[end] > sorted[k]);) end++;
    if (k > 0) point_add(sizes, sorted[k], (double)k / (double)n);
    point_add(sizes, sorted[k], end == n ? 1 : (double)end / (double)n);
  }
  return true;
}

/* Levels from 0.0005 to 0.9999, close together in the upper tail, which takes most of the work. */
static size_t levels(double *level) {
  static const double low[] = {0.0005, 0.002, 0.005, 0.01}, high[] = {0.9995, 0.9999};
  size_t n = 0;
  for (size_t k = 0; k < sizeof low / sizeof *low; k++) level[n++] = low[k];
  for (int k = 1; k < 50; k++) level[n++] = k / 50.0;
  for (int k = 981; k < 1000; k++) level[n++] = k / 1000.0;
  for (size_t k = 0; k < sizeof high / sizeof *high; k++) level[n++] = high[k];
  return n;
}

/* value ascending, weight of each; NULL: equal ones. The tail is cut at the largest value seen. */
static void sizes_fit(FitSizes *sizes, const double *value, const double *weight, size_t n) {
  double level[FIT_POINTS], all = 0, below = 0;
  sizes->count = 0;
  if (n == 0 || (!weight && few_values(sizes, value, n))) return;
  for (size_t k = 0; k < n; k++) all += weight ? weight[k] : 1;
  point_add(sizes, value[0], 0);
  size_t count = levels(level), at = 0;
  for (size_t q = 0; q < count; q++) {
    while (at + 1 < n && below + (weight ? weight[at] : 1) < level[q] * all) below += weight ? weight[at++] : (at++, 1.0);
    point_add(sizes, value[at], level[q]);
  }
  point_add(sizes, value[n - 1], 1);
}

/* Where the law is so steep at the median or the 99th percentile that those of a sample of n, three standard errors to either side, are more
 * than 2 % off: independent draws would not keep them. */
static bool is_steep(const double *sorted, size_t n) {
  static const double level[] = {0.5, 0.99};
  for (size_t k = 0; k < sizeof level / sizeof *level; k++) {
    double last = (double)(n - 1), at = level[k] * last, error = 3 * sqrt(level[k] * (1 - level[k]) * (double)n);
    double low = sorted[(size_t)fmax(0, floor(at - error))], high = sorted[(size_t)fmin(last, ceil(at + error))], here = sorted[(size_t)(at + 0.5)];
    if (low < 0.98 * here || high > 1.02 * here) return true;
  }
  return false;
}

/* True where the law is steep. */
static bool column_fit(FitSizes *sizes, const TraceStatistics *s, bool second, Arena *arena) {
  double *value = ARENA_ARRAY(arena, double, s->n_sample);
  size_t n = 0;
  for (size_t k = 0; k < s->n_sample; k++) {
    double x = second ? s->sample[k].second : s->sample[k].first;
    if (x == x && x >= 0) value[n++] = x;
  }
  sort_doubles(value, n, arena->exhausted);
  sizes_fit(sizes, value, NULL, n);
  return n > 1 && is_steep(value, n);
}

static void tokens_fit(FitSizes *sizes, const TokenWeight *pair, size_t n, Arena *arena) {
  double *value = ARENA_ARRAY(arena, double, n), *weight = ARENA_ARRAY(arena, double, n);
  for (size_t k = 0; k < n; k++) {
    value[k] = pair[k].tokens;
    weight[k] = pair[k].weight;
  }
  sizes_fit(sizes, value, weight, n);
}

void fit_tokens_quantiles(const TokenWeight *pair, size_t n, double quantile[TRACE_QUANTILES]) {
  double all = 0, below = 0;
  size_t k = 0;
  for (size_t p = 0; p < n; p++) all += pair[p].weight;
  for (size_t q = 0; q < TRACE_QUANTILES; q++) {
    while (k + 1 < n && below + pair[k].weight < trace_quantile_level[q] * all) below += pair[k++].weight;
    quantile[q] = all > 0 ? pair[k].tokens : (double)NAN;
  }
}

/* ---- batches ---- */

double fit_batch_dispersion(const FitSizes *batch) {
  double mean = 0, squares = 0, before = 0;
  for (size_t k = 0; k < batch->count; k++) {
    double share = batch->point[k].cumulative - before;
    mean += share * batch->point[k].value;
    squares += share * batch->point[k].value * batch->point[k].value;
    before = batch->point[k].cumulative;
  }
  return mean > 0 ? squares / mean : 1;
}

/* Runs of rows at one instant. With all rows at hand their own law, else the geometric one of their share. */
static void batches_fit(FitModel *model, const TraceStatistics *s, Arena *arena) {
  double zero = s->n_gaps ? (double)s->n_zero_gaps / (double)s->n_gaps : 0;
  if (zero < 0.002) return;
  double *size = ARENA_ARRAY(arena, double, s->n_sample + 1);
  size_t n = 0;
  if (s->n_rows == s->n_sample) {
    for (size_t k = 0; k < s->n_sample; k++) {
      if (n > 0 && k > 0 && !(s->sample[k].gap_s > 0)) size[n - 1]++;
      else size[n++] = 1;
    }
  } else {
    double left = 1, share = 1 - zero;
    for (int k = 1; k < ATOMS_MOST / 2 && left > 1e-6; k++, left *= zero)
      for (int copies = (int)(left * share * 1000000 / 20 + 0.5); copies > 0 && n < s->n_sample; copies--) size[n++] = k;
  }
  sort_doubles(size, n, arena->exhausted);
  if (few_values(&model->batch, size, n)) return;
  /* many different ones: rounded down to at most ATOMS_MOST of them */
  size_t kept = 0;
  FitSizes *batch = &model->batch;
  batch->count = 0;
  for (size_t part = 0; part < ATOMS_MOST && kept < n; part++) {
    size_t end = (part + 1) * n / ATOMS_MOST;
    if (end <= kept) continue;
    double sum = 0;
    for (size_t k = kept; k < end; k++) sum += size[k];
    double mean = floor(sum / (double)(end - kept) + 0.5);
    if (kept > 0) point_add(batch, mean, (double)kept / (double)n);
    point_add(batch, mean, end == n ? 1 : (double)end / (double)n);
    kept = end;
  }
}

/* ---- spells ---- */

typedef struct Moments {
  double n, sum, squares;
} Moments;

static void moments_add(Moments *m, double x) {
  m->n++;
  m->sum += x;
  m->squares += x * x;
}

static double moments_cv(const Moments *m) {
  double mean = m->sum / m->n, variance = m->squares / m->n - mean * mean;
  double cv = mean > 0 && variance > 0 ? sqrt(variance) / mean : 0.1;
  return cv < 0.1 ? 0.1 : cv > 5 ? 5 : cv;
}

/* Gaps far longer than the usual ones that take much of the time: the source is off meanwhile. */
static void spells_fit(FitModel *model, const TraceStatistics *s) {
  double median_s = s->gaps.count ? s->gaps.quantile[3] : 0, longest_s = fmax(1, 30 * median_s), busy_s = 0;
  Moments on = {0, 0, 0}, off = {0, 0, 0};
  if (s->shape != SHAPE_REQUESTS || s->n_rows != s->n_sample) return;
  for (size_t k = 1; k < s->n_sample; k++) {
    double gap_s = s->sample[k].gap_s;
    if (!(gap_s > longest_s)) {
      busy_s += gap_s;
      continue;
    }
    moments_add(&off, gap_s);
    moments_add(&on, busy_s);
    busy_s = 0;
  }
  if (off.n < SPELLS_LEAST || off.sum < 0.3 * (double)s->span_ns / 1e9 || !(on.sum > 0)) return;
  model->on_off = true;
  model->on_mean_s = on.sum / on.n;
  model->off_mean_s = off.sum / off.n;
  model->on_cv = moments_cv(&on);
  model->off_cv = moments_cv(&off);
}

/* ---- tables ---- */

static void table_fit(double *table, const double *profile, size_t n) {
  for (size_t k = 0; k < n; k++) table[k] = profile[k] == profile[k] ? profile[k] : 1;
}

/* The counts of whole days over those that the week's table expects; the rest of a day at the end goes on as the last one. */
static void levels_fit(FitModel *model, const TraceStatistics *s) {
  size_t bins = s->bin.width_ns > 0 && DAY_NS % s->bin.width_ns == 0 ? (size_t)(DAY_NS / s->bin.width_ns) : 0, n = bins ? s->n_bins / bins : 0;
  if (n < 7 || n > FIT_LEVELS) return;
  double mean = s->n / ((double)s->span_ns / (double)DAY_NS);
  for (size_t d = 0; d < n; d++) {
    double count = 0, week = 0;
    for (size_t b = 0; b < bins; b++) {
      int64_t at_ns = (model->starts_ns + (int64_t)(d * bins + b) * s->bin.width_ns) % WEEK_NS;
      count += s->series[d * bins + b];
      week += model->has_week ? model->week[at_ns / DAY_NS] : 1;
    }
    model->level[d] = week > 0 ? count / (mean * week / (double)bins) : 0;
  }
  model->n_levels = n;
  if (s->n_bins > n * bins && n < FIT_LEVELS) model->level[model->n_levels++] = model->level[n - 1];
}

/* ---- clients ---- */

/* Zipf's exponent by least squares of log share on log rank, over the clients that make 99 % of the requests. */
static void clients_fit(FitModel *model, const TraceFacts *facts, Arena *arena) {
  size_t n = facts->n_clients, top = 0;
  if (n < 2) return;
  double *total = ARENA_ARRAY(arena, double, n), all = 0, x = 0, y = 0, xx = 0, xy = 0, sum = 0;
  for (size_t k = 0; k < n; k++) all += total[k] = facts->client_total[k];
  sort_doubles(total, n, arena->exhausted);
  for (; top < n && sum < 0.99 * all && total[n - 1 - top] > 0; top++) {
    double log_rank = log((double)top + 1), log_total = log(total[n - 1 - top]);
    sum += total[n - 1 - top];
    x += log_rank, y += log_total, xx += log_rank * log_rank, xy += log_rank * log_total;
  }
  double m = (double)top, spread = xx - x * x / m, slope = spread > 0 ? (xy - x * y / m) / spread : 0;
  model->n_clients = n;
  model->zipf = slope < 0 ? fmin(-slope, 10) : 0;
  size_t windows = facts->n_windows;
  double *cv = ARENA_ARRAY(arena, double, windows);
  for (size_t k = 0; k < windows; k++) cv[k] = facts->window_cv[k];
  sort_doubles(cv, windows, arena->exhausted);
  double median = windows ? cv[windows / 2] : 1;
  model->client_cv = median < 0.05 ? 0.05 : median > 20 ? 20 : median;
}

static int64_t rest_of(int64_t ns, int64_t period_ns) {
  int64_t rest = ns % period_ns;
  return rest < 0 ? rest + period_ns : rest;
}

void fit_read(FitModel *model, const TraceStatistics *s, const TraceFacts *facts, Arena *arena) {
  Arena scratch = {.exhausted = arena->exhausted};
  *model = (FitModel){.shape = s->shape, .rate_rps = s->timed ? s->n / ((double)s->span_ns / 1e9) : 1, .sizes_alone = !s->timed};
  model->starts_ns = rest_of(s->first_ns + (s->dated ? 3 * DAY_NS : 0), WEEK_NS);
  model->has_day = s->span_ns >= 2 * DAY_NS && s->hour_profile[0] == s->hour_profile[0];
  model->has_week = s->span_ns >= 2 * WEEK_NS && s->weekday_profile[0] == s->weekday_profile[0];
  table_fit(model->day, s->hour_profile, TRACE_HOURS);
  table_fit(model->week, s->weekday_profile, TRACE_WEEKDAYS);
  levels_fit(model, s);
  for (size_t k = 0; k < s->n_sample && s->shape == SHAPE_JOBS; k++) model->gpu_parts |= s->sample[k].first < 1;
  if (s->shape != SHAPE_COUNTS) {
    if (s->timed) {
      batches_fit(model, s, &scratch);
      spells_fit(model, s);
    }
    bool first = facts->has_first && column_fit(&model->first, s, false, &scratch), second = facts->has_second && column_fit(&model->second, s, true, &scratch);
    if (first || second) model->shuffle = s->n_rows < TRACE_SAMPLE_ROWS ? s->n_rows : TRACE_SAMPLE_ROWS;
    model->spearman = s->spearman == s->spearman ? fmax(-0.999, fmin(0.999, s->spearman)) : 0;
  }
  clients_fit(model, facts, &scratch);
  if (facts->tokens.n_clients > 0) {
    tokens_fit(&model->first, facts->tokens.input, facts->tokens.n_input, &scratch);
    tokens_fit(&model->second, facts->tokens.output, facts->tokens.n_output, &scratch);
  }
  arena_free(&scratch);
}
