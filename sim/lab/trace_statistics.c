/* Statistics of a trace; see trace_statistics.h. Sources: Fano factor = variance over mean of counts (Cox & Lewis, "The Statistical Analysis
 * of Series of Events", 1966); Hill, "A simple general approach to inference about the tail of a distribution" (1975); Li, "Reservoir-sampling
 * algorithms of time complexity O(n(1+log(N/n)))" (1994), algorithm L; Welford (1962) for the variance. */
#include "sim/lab/trace_statistics.h"

#include <math.h>
#include <string.h>

#include "sim/core/rng.h"
#include "sim/core/time.h"
#include "sim/lab/trace_rows.h"

#define DAY_NS (86400 * NS_PER_S)
#define WEEK_NS (7 * DAY_NS)
#define HOUR_NS (3600 * NS_PER_S)
#define MINUTE_NS (60 * NS_PER_S)

enum { BINS_MOST = 20000000, TAIL_SHARE = 100, TAIL_LEAST = 25 };

const double trace_quantile_level[TRACE_QUANTILES] = {0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999};
const int64_t trace_window_s[TRACE_WINDOWS] = {1, 10, 60, 600, 3600};

/* ---- windows ---- */

static void series_push(TraceStatistics *s, double count, size_t times) {
  for (; times > 0 && s->n_bins < BINS_MOST; times--) {
    if (s->n_bins == s->bins_room) {
      size_t room = s->bins_room ? 2 * s->bins_room : 4096;
      s->series = arena_grow(s->arena, s->series, s->n_bins, room, sizeof *s->series);
      s->bins_room = room;
    }
    s->series[s->n_bins++] = count;
  }
}

/* Closes the open window and the empty ones up to the one that holds ns. */
static void window_close(TraceStatistics *s, TraceWindow *window, int64_t ns) {
  size_t empty = (size_t)((ns - window->end_ns) / window->width_ns);
  window->sum += window->count;
  window->squares += window->count * window->count;
  if (window->count > window->peak) window->peak = window->count;
  window->n_empty += empty + (window->count == 0);
  window->n_windows += empty + 1;
  if (window == &s->bin) {
    series_push(s, window->count, 1);
    series_push(s, 0, empty);
  }
  window->count = 0;
  window->end_ns += (int64_t)(empty + 1) * window->width_ns;
}

static void window_add(TraceStatistics *s, TraceWindow *window, int64_t ns, double count) {
  if (ns >= window->end_ns) window_close(s, window, ns);
  window->count += count;
}

double trace_dispersion(const TraceWindow *window) {
  double n = (double)window->n_windows, mean = window->sum / n;
  if (window->n_windows < 2 || !(mean > 0)) return NAN;
  double variance = window->squares / n - mean * mean;
  return variance > 0 ? variance / mean : 0;
}

/* ---- the sample ---- */

/* Draws 2i and 2i + 1 of one stream: always the same sample of the same rows. */
static double sample_draw(TraceStatistics *s) {
  Stream stream = stream_make(0x7261636574, 0, PURPOSE_GAP, 0);
  return stream_uniform(&stream, s->draw++);
}

static void sample_skip(TraceStatistics *s) {
  s->keep *= exp(log(sample_draw(s)) / TRACE_SAMPLE_ROWS);
  s->next_row += floor(log(sample_draw(s)) / log1p(-s->keep)) + 1;
}

static void sample_add(TraceStatistics *s, SampledRow row) {
  if (s->n_sample < TRACE_SAMPLE_ROWS) {
    if (s->n_sample == s->sample_room) {
      size_t room = s->sample_room ? 2 * s->sample_room : 16384;
      if (room > TRACE_SAMPLE_ROWS) room = TRACE_SAMPLE_ROWS;
      s->sample = arena_grow(s->arena, s->sample, s->n_sample, room, sizeof *s->sample);
      s->sample_room = room;
    }
    s->sample[s->n_sample++] = row;
    if (s->n_sample < TRACE_SAMPLE_ROWS) return;
    s->keep = 1;
    s->next_row = (double)s->n_rows;
    sample_skip(s);
  } else if ((double)s->n_rows >= s->next_row) {
    size_t place = (size_t)(sample_draw(s) * TRACE_SAMPLE_ROWS);
    s->sample[place] = row;
    sample_skip(s);
  }
}

/* ---- rows ---- */

void trace_statistics_begin(TraceStatistics *s, const TraceFacts *facts, Arena *arena) {
  memset(s, 0, sizeof *s);
  s->arena = arena;
  s->shape = facts->shape;
  s->timed = facts->shape != SHAPE_SIZES;
}

static void first_row(TraceStatistics *s, int64_t ns) {
  int64_t bin_ns = s->interval_ns > MINUTE_NS ? s->interval_ns : MINUTE_NS;
  if (s->interval_ns > 0 && bin_ns % s->interval_ns != 0) bin_ns = s->interval_ns;
  s->first_ns = s->last_ns = ns;
  s->bin = (TraceWindow){.width_ns = bin_ns, .end_ns = ns + bin_ns};
  for (size_t k = 0; k < TRACE_WINDOWS; k++) {
    int64_t width_ns = trace_window_s[k] * NS_PER_S;
    s->window[k] = (TraceWindow){.width_ns = width_ns, .end_ns = ns + width_ns};
  }
}

static int64_t common_step(int64_t a, int64_t b) {
  while (b != 0) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static double gap_add(TraceStatistics *s, int64_t gap_ns) {
  double gap = (double)gap_ns, apart = gap - s->gap_mean_ns;
  s->n_gaps++;
  s->n_zero_gaps += gap_ns == 0;
  s->gap_mean_ns += apart / (double)s->n_gaps;
  s->gap_squares += apart * (gap - s->gap_mean_ns);
  if (gap_ns > s->gap_most_ns) s->gap_most_ns = gap_ns;
  if (gap_ns > 0 && (s->step_ns == 0 || gap_ns % s->step_ns != 0)) s->step_ns = common_step(gap_ns, s->step_ns);
  return gap / 1e9;
}

void trace_statistics_add(TraceStatistics *s, const TraceRow *row) {
  bool counts = s->shape == SHAPE_COUNTS;
  double count = counts ? row->first : 1, gap_s = NAN;
  int64_t ns = row->instant_ns;
  if (s->timed && s->n_rows == 0) first_row(s, ns);
  if (s->timed && s->n_rows > 0) gap_s = gap_add(s, ns - s->last_ns);
  s->n_rows++;
  s->n += count;
  s->last_ns = ns;
  if (s->timed) {
    s->n_whole_s += ns % NS_PER_S == 0;
    window_add(s, &s->bin, ns, count);
    for (size_t k = 0; k < TRACE_WINDOWS; k++) window_add(s, &s->window[k], ns, count);
  }
  if (!s->windows_only) sample_add(s, (SampledRow){gap_s, row->first, row->second});
}

double trace_gap_cv(const TraceStatistics *s) {
  if (s->n_gaps < 2 || !(s->gap_mean_ns > 0)) return NAN;
  return sqrt(s->gap_squares / (double)s->n_gaps) / s->gap_mean_ns;
}

/* ---- columns ---- */

static double quantile_of(const double *sorted, size_t count, double level) {
  double at = level * (double)(count - 1);
  size_t below = (size_t)at;
  if (below + 1 >= count) return sorted[count - 1];
  return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

/* Tail index 1 / mean(ln(x_i / x_threshold)) of the largest hundredth, but of 25 values at least. */
static void hill(TraceColumnSummary *summary, const double *sorted) {
  size_t n = summary->count, tail = n / TAIL_SHARE > TAIL_LEAST ? n / TAIL_SHARE : TAIL_LEAST;
  summary->hill = NAN;
  if (n < 2 * TAIL_LEAST || !(sorted[n - tail - 1] > 0)) return;
  double threshold = sorted[n - tail - 1], sum = 0;
  for (size_t k = n - tail; k < n; k++) sum += log(sorted[k] / threshold);
  summary->tail = tail;
  if (sum > 0) summary->hill = (double)tail / sum;
}

static void summarise(TraceColumnSummary *summary, double *value, size_t count, jmp_buf *exhausted) {
  *summary = (TraceColumnSummary){.hill = NAN};
  sort_doubles(value, count, exhausted);
  while (count > 0 && value[count - 1] != value[count - 1]) count--; /* NaN stands behind all */
  summary->count = count;
  if (count == 0) return;
  double sum = 0, squares = 0;
  for (size_t k = 0; k < count; k++) sum += value[k];
  summary->mean = sum / (double)count;
  for (size_t k = 0; k < count; k++) squares += (value[k] - summary->mean) * (value[k] - summary->mean);
  summary->sd = sqrt(squares / (double)count);
  summary->min = value[0];
  summary->max = value[count - 1];
  for (size_t q = 0; q < TRACE_QUANTILES; q++) summary->quantile[q] = quantile_of(value, count, trace_quantile_level[q]);
  size_t at_cap = 0;
  while (at_cap < count && value[count - 1 - at_cap] >= 0.999 * summary->max) at_cap++;
  while (summary->at_max < count && value[count - 1 - summary->at_max] == summary->max) summary->at_max++;
  summary->at_cap_ratio = (double)at_cap / (double)count;
  hill(summary, value);
}

/* Ranks from 1; equal values share the mean of theirs. */
static void ranks(const double *value, size_t count, double *rank, Arena *arena) {
  SortKey *key = ARENA_ARRAY(arena, SortKey, count), *scratch = ARENA_ARRAY(arena, SortKey, count);
  for (size_t k = 0; k < count; k++) key[k] = (SortKey){sort_key_double(value[k]), k};
  sort_keys(key, scratch, count);
  for (size_t k = 0, end; k < count; k = end) {
    for (end = k + 1; end < count && key[end].key == key[k].key; end++) continue;
    for (size_t i = k; i < end; i++) rank[key[i].index] = ((double)k + (double)end + 1) / 2;
  }
}

/* Pearson's correlation; NaN if either does not vary. */
static double correlation(const double *x, const double *y, size_t count) {
  double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
  for (size_t k = 0; k < count; k++) {
    mean_x += x[k];
    mean_y += y[k];
  }
  mean_x /= (double)count;
  mean_y /= (double)count;
  for (size_t k = 0; k < count; k++) {
    xx += (x[k] - mean_x) * (x[k] - mean_x);
    yy += (y[k] - mean_y) * (y[k] - mean_y);
    xy += (x[k] - mean_x) * (y[k] - mean_y);
  }
  return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

static double spearman(const TraceStatistics *s, Arena *arena) {
  double *x = ARENA_ARRAY(arena, double, s->n_sample), *y = ARENA_ARRAY(arena, double, s->n_sample);
  double *rank_x = ARENA_ARRAY(arena, double, s->n_sample), *rank_y = ARENA_ARRAY(arena, double, s->n_sample);
  size_t count = 0;
  for (size_t k = 0; k < s->n_sample; k++) {
    if (s->sample[k].first != s->sample[k].first || s->sample[k].second != s->sample[k].second) continue;
    x[count] = s->sample[k].first;
    y[count++] = s->sample[k].second;
  }
  if (count < 3) return NAN;
  ranks(x, count, rank_x, arena);
  ranks(y, count, rank_y, arena);
  return correlation(rank_x, rank_y, count);
}

typedef enum SampledColumn { COLUMN_GAP, COLUMN_FIRST, COLUMN_SECOND, COLUMN_TOTAL } SampledColumn;

static double column_value(const SampledRow *row, SampledColumn column) {
  switch (column) {
  case COLUMN_GAP: return row->gap_s;
  case COLUMN_FIRST: return row->first;
  case COLUMN_SECOND: return row->second;
  case COLUMN_TOTAL: return row->first + row->second;
  }
  return NAN;
}

static void columns_end(TraceStatistics *s, const TraceFacts *facts) {
  TraceColumnSummary *summary[] = {&s->gaps, &s->first, &s->second, &s->total};
  bool both = facts->has_first && facts->has_second;
  const bool wanted[] = {s->timed && s->shape != SHAPE_COUNTS, facts->has_first, facts->has_second, both};
  Arena arena = {.exhausted = s->arena->exhausted};
  double *value = ARENA_ARRAY(&arena, double, s->n_sample);
  for (SampledColumn column = COLUMN_GAP; column <= COLUMN_TOTAL; column++) {
    summary[column]->hill = NAN;
    if (!wanted[column]) continue;
    for (size_t k = 0; k < s->n_sample; k++) value[k] = column_value(&s->sample[k], column);
    summarise(summary[column], value, s->n_sample, arena.exhausted);
  }
  arena_free(&arena);
  s->spearman = both ? spearman(s, &arena) : NAN;
  arena_free(&arena);
}

/* ---- periods ---- */

/* Of the series with itself a lag later, over all pairs; at least two lags must be there. */
static double lagged(const TraceStatistics *s, int64_t lag_ns) {
  size_t lag = (size_t)(lag_ns / s->bin.width_ns);
  if (lag_ns % s->bin.width_ns != 0 || lag == 0 || s->n_bins < 2 * lag) return NAN;
  return correlation(s->series, s->series + lag, s->n_bins - lag);
}

static int64_t part_of(int64_t ns, int64_t period_ns) {
  int64_t rest = ns % period_ns;
  return rest < 0 ? rest + period_ns : rest;
}

/* Rate of each part of a period over the mean rate. The clock's zero is Thursday, 1970-01-01, where instants are dates. */
static void profile(const TraceStatistics *s, int64_t period_ns, int64_t shift_ns, double *ratio, size_t parts) {
  double sum[TRACE_HOURS] = {0}, all = 0;
  size_t bins[TRACE_HOURS] = {0};
  for (size_t k = 0; k < s->n_bins; k++) {
    int64_t at_ns = part_of(s->first_ns + (int64_t)k * s->bin.width_ns + shift_ns, period_ns);
    size_t part = (size_t)(at_ns / (period_ns / (int64_t)parts));
    sum[part] += s->series[k];
    bins[part]++;
    all += s->series[k];
  }
  double mean = all / (double)s->n_bins;
  for (size_t p = 0; p < parts; p++) ratio[p] = bins[p] && mean > 0 ? sum[p] / (double)bins[p] / mean : NAN;
}

static void periods_end(TraceStatistics *s) {
  int64_t length_ns = (int64_t)s->n_bins * s->bin.width_ns;
  for (size_t k = 0; k < TRACE_HOURS; k++) s->hour_profile[k] = NAN;
  for (size_t k = 0; k < TRACE_WEEKDAYS; k++) s->weekday_profile[k] = NAN;
  if (length_ns >= DAY_NS && s->bin.width_ns <= HOUR_NS) profile(s, DAY_NS, 0, s->hour_profile, TRACE_HOURS);
  if (length_ns >= WEEK_NS && s->bin.width_ns <= DAY_NS) profile(s, WEEK_NS, s->dated ? 3 * DAY_NS : 0, s->weekday_profile, TRACE_WEEKDAYS);
  s->daily_correlation = lagged(s, DAY_NS);
  s->weekly_correlation = lagged(s, WEEK_NS);
}

void trace_statistics_end(TraceStatistics *s, const TraceFacts *facts) {
  s->dated = facts->dated;
  int64_t end_ns = s->last_ns + s->interval_ns;
  s->span_ns = end_ns - s->first_ns;
  if (s->timed && s->n_rows > 0) {
    if (s->bin.end_ns <= end_ns) window_close(s, &s->bin, s->bin.end_ns);
    for (size_t k = 0; k < TRACE_WINDOWS; k++)
      if (s->window[k].end_ns <= end_ns) window_close(s, &s->window[k], s->window[k].end_ns);
    periods_end(s);
  }
  if (s->windows_only) s->spearman = NAN;
  else columns_end(s, facts);
}
