/* What a trace is like, in one pass over rows in order of time and with memory that does not grow with them: counts per window, gaps,
 * a series of counts for periods, and a sample of the rows for quantiles, ranks and tails (all rows up to TRACE_SAMPLE_ROWS, which makes
 * those exact; above that a uniform sample that is always the same). */
#ifndef SIM_LAB_TRACE_STATISTICS_H
#define SIM_LAB_TRACE_STATISTICS_H

#include "sim/lab/trace_reader.h"

enum { TRACE_WINDOWS = 5, TRACE_SAMPLE_ROWS = 1000000, TRACE_HOURS = 24, TRACE_WEEKDAYS = 7, TRACE_QUANTILES = 8 };

/* Counts in windows of one width that follow one another from the first row on; those that are not whole are left out. */
typedef struct TraceWindow {
  int64_t width_ns, end_ns;
  double count;          /* of the window that is open */
  size_t n_windows, n_empty;
  double sum, squares, peak;
} TraceWindow;

typedef struct SampledRow {
  double gap_s, first, second; /* NaN: none */
} SampledRow;

/* Of one column of numbers. */
typedef struct TraceColumnSummary {
  size_t count;
  double mean, sd, min, max;
  double quantile[TRACE_QUANTILES]; /* of trace_quantile_level, linear between order statistics */
  double hill;          /* tail index of the largest `tail` values; NaN: none */
  size_t tail;
  double at_cap_ratio;  /* share of values within 0.1 % of the largest */
  size_t at_max;        /* values that are the largest */
} TraceColumnSummary;
extern const double trace_quantile_level[TRACE_QUANTILES];
extern const int64_t trace_window_s[TRACE_WINDOWS];

typedef struct TraceStatistics {
  Arena *arena;
  TraceShape shape;
  int64_t interval_ns; /* counts */
  bool timed, dated;
  bool windows_only;   /* set after begin: no sample is kept, so no quantiles, ranks and tails */
  size_t n_rows;
  double n;            /* requests, jobs */
  int64_t first_ns, last_ns, span_ns;
  /* gaps between rows */
  size_t n_gaps, n_zero_gaps;
  double gap_mean_ns, gap_squares; /* Welford */
  int64_t gap_most_ns;
  int64_t step_ns;     /* all instants are whole multiples of it, counted from the first */
  size_t n_whole_s;    /* instants on a whole second */
  TraceWindow window[TRACE_WINDOWS], bin;
  double *series;      /* [n_bins] counts of the windows `bin` */
  size_t n_bins, bins_room;
  SampledRow *sample;
  size_t n_sample, sample_room;
  double keep, next_row; /* of the sample: state of Li's algorithm L */
  uint64_t draw;
  /* set at the end */
  TraceColumnSummary gaps, first, second, total; /* total: first + second */
  double spearman;
  double daily_correlation, weekly_correlation; /* of the series with itself, a day and a week later; NaN: too short */
  double hour_profile[TRACE_HOURS], weekday_profile[TRACE_WEEKDAYS]; /* rate of the hour over the mean rate; NaN: not in the trace */
} TraceStatistics;

void trace_statistics_begin(TraceStatistics *statistics, const TraceFacts *facts, Arena *arena);
/* Rows in order of time. */
void trace_statistics_add(TraceStatistics *statistics, const TraceRow *row);
void trace_statistics_end(TraceStatistics *statistics, const TraceFacts *facts);
/* Coefficient of variation of the gaps, NaN with fewer than two. */
double trace_gap_cv(const TraceStatistics *statistics);
/* Variance over mean of the counts; NaN with fewer than two whole windows. */
double trace_dispersion(const TraceWindow *window);

#endif
