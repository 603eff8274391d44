/* What to be wary of in a trace: clocks, order, grids, outages and caps. Each rule says what it saw and what that means for the figures. */
#include <math.h>

#include "sim/base/units.h"
#include "sim/core/time.h"
#include "sim/lab/trace_describe.h"

#define DAY_NS (86400 * NS_PER_S)

/* Hours 1 to 12 of a day, and the others. */
#define HOURS_1_TO_12 UINT32_C(0x1ffe)
#define HOURS_OTHER (UINT32_C(0xffffff) & ~HOURS_1_TO_12)

static const double grid_share = 0.01;    /* a step of timestamps that is this much of the mean gap changes what gaps look like */
static const double whole_share = 0.99;   /* so many instants on whole seconds are no chance */
static const double busy_minute = 30;     /* a Poisson minute of this mean is empty once in 1e13 */
static const double cap_quantile = 0.98;  /* p99 this close to the largest value: cut off */
static const double cap_share = 0.002;
enum { CAP_VALUES = 10, CAP_LEAST = 100 }; /* so many equal values at the top of a wide range are no chance */

static void warn_order(Text *out, const TraceFacts *facts, size_t *count) {
  if (facts->n_backward == 0) return;
  text_addf(out, "warning: unsorted: %zu row%s earlier than the one before%s; sorted by time here, equal instants in the file's order\n",
            facts->n_backward, facts->n_backward == 1 ? " is" : "s are", facts->format->unsorted ? " (this format is unsorted as published)" : "");
  ++*count;
}

static void warn_half_day(Text *out, const TraceStatistics *s, const TraceFacts *facts, size_t *count) {
  bool steps = facts->n_half_day > 0 && facts->n_half_day * 2 > facts->n_backward;
  bool hours = facts->dated && s->span_ns >= DAY_NS && (facts->hours & HOURS_OTHER) == 0;
  if (hours) text_addf(out, "warning: 12-hour clock: no instant has an hour of 0 or of 13 to 23 in more than a day; afternoons lie on top of mornings\n");
  else if (steps) text_addf(out, "warning: 12-hour clock: %zu row%s step back by 11 to 12 hours, as where 1 pm is written as 1\n", facts->n_half_day, facts->n_half_day == 1 ? "" : "s");
  *count += hours || steps;
}

static void warn_grid(Text *out, const TraceStatistics *s, size_t *count) {
  if (s->shape == SHAPE_COUNTS || s->n_gaps < 10 || s->step_ns == 0) return;
  char step[48];
  double share = (double)s->n_whole_s / (double)s->n_rows;
  bool grid = s->step_ns >= NS_PER_S || (double)s->step_ns >= grid_share * s->gap_mean_ns;
  if (grid) {
    format_duration(step, s->step_ns);
    text_addf(out, "warning: quantised timestamps: all are whole multiples of %s; gaps, and dispersion at shorter times, are those of the grid\n", step);
  } else if (share >= whole_share) {
    text_addf(out, "warning: quantised timestamps: %.4g %% are whole seconds\n", share * 100);
  }
  *count += grid || share >= whole_share;
}

static void warn_missing(Text *out, const TraceStatistics *s, const TraceFacts *facts, size_t *count) {
  if (s->shape == SHAPE_COUNTS) {
    if (s->interval_ns == 0) return;
    int64_t missing = s->span_ns / s->interval_ns - (int64_t)s->n_rows;
    if (missing <= 0) return;
    text_addf(out, "warning: missing %s: %lld of %lld intervals have no row; read as no requests here", s->interval_ns == 60 * NS_PER_S ? "minutes" : "intervals",
              (long long)missing, (long long)(s->span_ns / s->interval_ns));
    if (facts->n_missing > 0) text_addf(out, ", the first %.9gs after the first row", (double)(facts->missing_ns - s->first_ns) / 1e9);
    text_addf(out, "\n");
    ++*count;
    return;
  }
  double mean = s->bin.n_windows > 0 ? s->bin.sum / (double)s->bin.n_windows : 0;
  if (s->bin.n_empty == 0 || mean < busy_minute) return;
  text_addf(out, "warning: missing minutes: %zu of %zu have no row, with %.4g a minute on average; an outage, or a source that switches on and off\n", s->bin.n_empty,
            s->bin.n_windows, mean);
  ++*count;
}

static bool is_capped(const TraceColumnSummary *column, double p99) {
  if (column->count < 100 || !(column->max > column->quantile[3])) return false;
  if (column->at_max >= CAP_VALUES && column->max >= CAP_LEAST) return true;
  return p99 >= cap_quantile * column->max || column->at_cap_ratio >= cap_share;
}

static void warn_cap(Text *out, const char *name, const TraceColumnSummary *column, size_t *count) {
  if (!is_capped(column, column->quantile[6])) return;
  text_addf(out, "warning: hard cap: %s end at %.15g, where %.3g %% of them lie (p99 %.6g); the tail is cut, not its end\n", name, column->max,
            column->at_cap_ratio * 100, column->quantile[6]);
  ++*count;
}

size_t trace_warnings(Text *out, const TraceStatistics *s, const TraceFacts *facts) {
  size_t count = 0;
  if (s->timed) {
    warn_order(out, facts, &count);
    warn_half_day(out, s, facts, &count);
    warn_grid(out, s, &count);
    warn_missing(out, s, facts, &count);
  }
  if (s->shape == SHAPE_REQUESTS || s->shape == SHAPE_SIZES) {
    if (facts->has_first) warn_cap(out, "input tokens", &s->first, &count);
    if (facts->has_second) warn_cap(out, "output tokens", &s->second, &count);
    if (facts->has_first && facts->has_second) warn_cap(out, "input and output together", &s->total, &count);
  }
  return count;
}
