/* Describing a trace; see trace_describe.h. A line is a name and its value, so that scripts can read it, too. */
#include "sim/lab/trace_describe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sim/base/units.h"
#include "sim/core/time.h"
#include "sim/lab/trace_rows.h"

/* ---- measuring ---- */

/* Gives rows one behind, since the length of an interval is known only with the second row. */
typedef struct Feed {
  TraceStatistics *statistics;
  const TraceFacts *facts;
  TraceRow held;
  bool holds;
} Feed;

static void feed_flush(Feed *feed) {
  if (feed->holds) trace_statistics_add(feed->statistics, &feed->held);
  feed->holds = false;
}

static void feed_add(Feed *feed, const TraceRow *row) {
  if (feed->facts->shape == SHAPE_COUNTS) feed->statistics->interval_ns = feed->facts->interval_ns;
  feed_flush(feed);
  feed->held = *row;
  feed->holds = true;
}

/* In the file's order. False: it is not sorted (or errors). */
static bool measure_in_order(Feed *feed, TraceReader *reader) {
  TraceRow row;
  while (trace_reader_next(reader, &row)) {
    if (feed->facts->n_backward > 0) return false;
    feed_add(feed, &row);
  }
  return !trace_reader_failed(reader);
}

static bool measure_sorted(Feed *feed, TraceReader *reader, Arena *arena) {
  TraceRows rows = {.arena = arena};
  TraceRow row;
  while (trace_reader_next(reader, &row)) trace_rows_push(&rows, &row);
  if (trace_reader_failed(reader)) return false;
  trace_rows_sort(&rows);
  for (size_t k = 0; k < rows.count; k++) feed_add(feed, trace_rows_at(&rows, k));
  return true;
}

/* One pass over the file; *unsorted says that it must be another one. */
static bool measure_pass(TraceStatistics *statistics, TraceFacts *facts, const TraceFile *options, bool sort, bool *unsorted, Arena *arena,
                         Err *err) {
  Arena text_arena = {.exhausted = arena->exhausted};
  TraceReader *reader = trace_reader_open(options, true, arena, err);
  if (!reader) return false;
  Feed feed = {.statistics = statistics, .facts = trace_reader_facts(reader)};
  trace_statistics_begin(statistics, feed.facts, arena);
  bool good = sort ? measure_sorted(&feed, reader, &text_arena) : measure_in_order(&feed, reader);
  *unsorted = !good && !trace_reader_failed(reader);
  if (good) feed_flush(&feed);
  if (good && statistics->n_rows == 0) good = trace_reader_error(reader, "the trace has no rows");
  *facts = *feed.facts;
  if (good) trace_statistics_end(statistics, facts);
  trace_reader_close(reader);
  arena_free(&text_arena);
  return good;
}

bool trace_measure(TraceStatistics *statistics, TraceFacts *facts, const TraceFile *options, Arena *arena, Err *err) {
  bool unsorted = false;
  if (measure_pass(statistics, facts, options, false, &unsorted, arena, err)) return true;
  return unsorted && measure_pass(statistics, facts, options, true, &unsorted, arena, err);
}

/* ---- lines ---- */

static void line_number(Text *out, const char *name, double value, const char *unit, const char *otherwise) {
  if (value == value) text_addf(out, "%-32s %.6g%s\n", name, value, unit);
  else text_addf(out, "%-32s n/a: %s\n", name, otherwise);
}

static void instant_text(char *buffer, size_t room, int64_t ns) {
  int64_t whole = ns / NS_PER_S - (ns % NS_PER_S < 0), rest = ns - whole * NS_PER_S;
  time_t seconds = (time_t)whole;
  struct tm parts;
  size_t length = gmtime_r(&seconds, &parts) ? strftime(buffer, room, "%Y-%m-%d %H:%M:%S", &parts) : 0;
  snprintf(buffer + length, room - length, ".%09lld", (long long)rest);
}

static const char *shape_noun(TraceShape shape) { return shape == SHAPE_JOBS ? "jobs" : "requests"; }

static void head_lines(Text *out, const TraceStatistics *s, const TraceFacts *facts, const char *path) {
  text_addf(out, "%-32s %s\n", "file", path);
  text_addf(out, "%-32s %s%s\n", "format", facts->format->name, facts->json ? " (JSON Lines)" : "");
  if (facts->format->source[0]) text_addf(out, "%-32s %s\n", "is", facts->format->summary);
  text_addf(out, "%-32s %zu\n", "rows", facts->n_records);
  if (facts->n_members > 1 || facts->n_other > 0) text_addf(out, "%-32s %zu\n", "members read", facts->n_members);
  if (facts->n_other > 0) text_addf(out, "%-32s %zu, of no format that is read, the first %s\n", "members not read", facts->n_other, facts->other);
  if (facts->n_left_out > 0) text_addf(out, "%-32s %zu, the first because of: %s\n", "rows left out (repair)", facts->n_left_out, facts->left_out);
  text_addf(out, "%-32s %.15g %s\n", "n", s->n, shape_noun(s->shape));
}

static void time_lines(Text *out, const TraceStatistics *s, const TraceFacts *facts) {
  char from[64], to[64], length[64];
  bool counts = s->shape == SHAPE_COUNTS;
  format_duration(length, s->span_ns);
  text_addf(out, "%-32s %.9g s (%s)\n", "span", (double)s->span_ns / 1e9, length);
  if (facts->dated) {
    instant_text(from, sizeof from, s->first_ns);
    instant_text(to, sizeof to, s->last_ns);
    text_addf(out, "%-32s %s\n%-32s %s\n", counts ? "first interval" : "first", from, counts ? "last interval" : "last", to);
  }
  if (counts) line_number(out, "interval", (double)s->interval_ns / 1e9, " s", "");
  line_number(out, "rate", s->span_ns > 0 ? s->n / ((double)s->span_ns / 1e9) : NAN, "/s", "no span");
  if (counts) {
    text_addf(out, "%-32s n/a: counts have no gaps\n%-32s n/a: counts have no gaps\n", "inter-arrival CV", "share of zero gaps");
    return;
  }
  line_number(out, "inter-arrival mean", s->n_gaps ? s->gap_mean_ns / 1e9 : NAN, " s", "one row");
  line_number(out, "inter-arrival CV", trace_gap_cv(s), "", "fewer than two gaps, or all zero");
  line_number(out, "inter-arrival p50", s->gaps.count ? s->gaps.quantile[3] : NAN, " s", "one row");
  line_number(out, "longest gap", (double)s->gap_most_ns / 1e9, " s", "");
  line_number(out, "share of zero gaps", s->n_gaps ? (double)s->n_zero_gaps / (double)s->n_gaps : NAN, "", "one row");
  line_number(out, "step of timestamps", s->step_ns ? (double)s->step_ns / 1e9 : NAN, " s", "all instants are the same");
}

static void window_lines(Text *out, const TraceStatistics *s) {
  for (size_t k = 0; k < TRACE_WINDOWS; k++) {
    const TraceWindow *window = &s->window[k];
    char name[40];
    int width = (int)trace_window_s[k];
    bool narrow = window->width_ns < s->interval_ns || (s->interval_ns > 0 && window->width_ns % s->interval_ns != 0);
    double mean = window->sum / (double)window->n_windows;
    bool some = window->n_windows > 0 && mean > 0 && !narrow;
    const char *why = narrow ? "no multiple of the interval" : "fewer than two whole windows";
    snprintf(name, sizeof name, "index of dispersion %d s", width);
    if (window->n_windows >= 2 && some) text_addf(out, "%-32s %.6g (%zu windows)\n", name, trace_dispersion(window), window->n_windows);
    else text_addf(out, "%-32s n/a: %s\n", name, why);
    snprintf(name, sizeof name, "peak/mean %d s", width);
    line_number(out, name, some ? window->peak / mean : NAN, "", narrow ? why : "no whole window");
  }
}

static void profile_line(Text *out, const char *name, const double *ratio, size_t parts, const char *otherwise) {
  double low = INFINITY, high = -INFINITY;
  for (size_t k = 0; k < parts; k++) {
    low = fmin(low, ratio[k]);
    high = fmax(high, ratio[k]);
  }
  text_addf(out, "%-32s", name);
  if (high < low) {
    text_addf(out, " n/a: %s\n", otherwise);
    return;
  }
  for (size_t k = 0; k < parts; k++)
    if (ratio[k] == ratio[k]) text_addf(out, " %.4g", ratio[k]);
    else text_addf(out, " -");
  if (low > 0) text_addf(out, " (highest/lowest %.4g)", high / low);
  text_addf(out, "\n");
}

static void period_lines(Text *out, const TraceStatistics *s) {
  text_addf(out, "%-32s %.6g s\n", "periods are of counts per", (double)s->bin.width_ns / 1e9);
  line_number(out, "autocorrelation 1 day", s->daily_correlation, "", "shorter than two days");
  line_number(out, "autocorrelation 7 days", s->weekly_correlation, "", "shorter than two weeks");
  profile_line(out, "profile of the day", s->hour_profile, TRACE_HOURS, "shorter than a day");
  profile_line(out, "profile of the week", s->weekday_profile, TRACE_WEEKDAYS, "shorter than a week");
  if (s->n_bins > 0 && s->hour_profile[0] == s->hour_profile[0])
    text_addf(out, "%-32s rate of each hour (0 to 23) and day (%s) over the mean rate\n", "profiles are", s->dated ? "Monday to Sunday, UTC" : "1 to 7, from the trace's zero");
}

static void hill_line(Text *out, const char *name, const TraceColumnSummary *column) {
  if (column->hill == column->hill) text_addf(out, "%-32s %.6g (of the largest %zu)\n", name, column->hill, column->tail);
  else text_addf(out, "%-32s n/a: fewer than 50 values, or no tail\n", name);
}

static void column_lines(Text *out, const char *name, const TraceColumnSummary *column) {
  char label[60];
  text_addf(out, "%-32s", name);
  if (column->count == 0) {
    text_addf(out, " n/a: no values\n");
    return;
  }
  text_addf(out, " mean %.6g sd %.6g min %.6g", column->mean, column->sd, column->min);
  for (size_t q = 0; q < TRACE_QUANTILES; q++) text_addf(out, " p%.4g %.6g", trace_quantile_level[q] * 100, column->quantile[q]);
  text_addf(out, " max %.6g\n", column->max);
  snprintf(label, sizeof label, "Hill tail index %s", name);
  hill_line(out, label, column);
}

static void size_lines(Text *out, const TraceStatistics *s, const TraceFacts *facts) {
  bool jobs = s->shape == SHAPE_JOBS;
  if (s->n_rows > s->n_sample) text_addf(out, "%-32s a sample of %zu of the %zu rows\n", "quantiles, ranks and tails of", s->n_sample, s->n_rows);
  if (s->timed && s->shape != SHAPE_COUNTS) hill_line(out, "Hill tail index gaps", &s->gaps);
  if (s->shape == SHAPE_COUNTS) column_lines(out, "per interval", &s->first);
  else if (facts->has_first) column_lines(out, jobs ? "GPUs" : "input tokens", &s->first);
  if (facts->has_second) column_lines(out, jobs ? "duration (s)" : "output tokens", &s->second);
  if (jobs && facts->has_second && s->second.count < s->n_sample)
    text_addf(out, "%-32s %zu\n", "jobs without a duration", s->n_sample - s->second.count);
  if (facts->has_first && facts->has_second) line_number(out, jobs ? "Spearman GPUs, duration" : "Spearman input, output", s->spearman, "", "one of them does not vary");
}

/* Of sizes that have weights: the same words as column_lines, each quantile the least size that reaches its share. */
static void weighted_lines(Text *out, const char *name, const TokenWeight *pair, size_t count) {
  double all = 0, sum = 0, squares = 0, below = 0;
  for (size_t k = 0; k < count; k++) {
    all += pair[k].weight;
    sum += pair[k].weight * pair[k].tokens;
  }
  if (!(all > 0)) return;
  for (size_t k = 0; k < count; k++) squares += pair[k].weight * (pair[k].tokens - sum / all) * (pair[k].tokens - sum / all);
  text_addf(out, "%-32s mean %.6g sd %.6g min %.6g", name, sum / all, sqrt(squares / all), pair[0].tokens);
  size_t k = 0;
  for (size_t q = 0; q < TRACE_QUANTILES; q++) {
    while (k + 1 < count && below + pair[k].weight < trace_quantile_level[q] * all) below += pair[k++].weight;
    text_addf(out, " p%.4g %.6g", trace_quantile_level[q] * 100, pair[k].tokens);
  }
  text_addf(out, " max %.6g\n", pair[count - 1].tokens);
}

static void token_lines(Text *out, const TokenSizes *sizes, double all) {
  if (sizes->n_clients == 0) return;
  text_addf(out, "%-32s %zu of the clients, with %.4g of the requests\n", "tokens are known of", sizes->n_clients, all > 0 ? sizes->requests / all : 0);
  weighted_lines(out, "input tokens", sizes->input, sizes->n_input);
  weighted_lines(out, "output tokens", sizes->output, sizes->n_output);
}

static void client_lines(Text *out, const TraceFacts *facts) {
  Arena arena = {0};
  size_t clients = facts->n_clients, windows = facts->n_windows, top = clients < 10 ? clients : 10;
  double *total = ARENA_ARRAY(&arena, double, clients), *cv = ARENA_ARRAY(&arena, double, windows), all = 0, ten = 0;
  for (size_t k = 0; k < clients; k++) all += total[k] = facts->client_total[k];
  if (windows > 0) memcpy(cv, facts->window_cv, windows * sizeof *cv);
  sort_doubles(total, clients, arena.exhausted);
  sort_doubles(cv, windows, arena.exhausted);
  for (size_t k = 0; k < top; k++) ten += total[clients - 1 - k];
  text_addf(out, "%-32s %zu\n", "clients", clients);
  if (all > 0) {
    line_number(out, "share of the largest client", total[clients - 1] / all, "", "");
    line_number(out, "share of the largest 10", ten / all, "", "");
  }
  if (windows > 0)
    text_addf(out, "%-32s p50 %.6g p90 %.6g p99 %.6g (%zu windows with requests)\n", "inter-arrival CV of a client", cv[windows / 2], cv[windows * 9 / 10],
              cv[windows * 99 / 100], windows);
  token_lines(out, &facts->tokens, all);
  arena_free(&arena);
}

bool trace_describe(Text *out, const TraceFile *options, Err *err) {
  TraceStatistics *s = ARENA_NEW(out->arena, TraceStatistics);
  TraceFacts *facts = ARENA_NEW(out->arena, TraceFacts);
  if (!trace_measure(s, facts, options, out->arena, err)) return false;
  head_lines(out, s, facts, options->file);
  if (facts->n_clients > 0) client_lines(out, facts);
  if (s->timed) {
    time_lines(out, s, facts);
    window_lines(out, s);
    period_lines(out, s);
  }
  size_lines(out, s, facts);
  trace_warnings(out, s, facts);
  return true;
}
