/* See fit_course.h. Counts of bins over those that hours, days and levels expect; crowds are what stands out of a running median and out of
 * everything else that does: a trace whose peaks are all alike is bursty, and has none. */
#include "sim/lab/fit_course.h"

#include <math.h>
#include <stdlib.h>

#include "sim/core/time.h"
#include "sim/lab/trace_rows.h"

enum { BINS_LEAST = 40, MEDIAN_LEAST = 12, MEDIAN_MOST = 240, MEDIAN_STEP_SHARE = 8, BLOCKS = 12 };
/* Bins above OUT times the median belong to an excursion. A crowd rises to PEAK times it, brings ARRIVALS more jobs than usual, and more than
 * GAP times what the largest excursion does that is none. */
#define OUT 1.5
#define PEAK 4.0
#define ARRIVALS 100.0
#define GAP 5.0
/* A trend: worth a line, and so many standard errors of a regression on blocks. */
#define TREND_LEAST 0.1
#define TREND_MOST 1.9
#define TREND_ERRORS 4.0
#define DAY_NS (86400 * NS_PER_S)
#define WEEK_NS (7 * DAY_NS)

typedef struct Course {
  size_t n;
  double width_s;
  double *ratio;  /* [n] counts over those expected; NaN where hardly any are */
  double *usual;  /* [n] running median of the ratios */
  double mean;    /* jobs of a bin with ratio 1 */
} Course;

typedef struct Excursion {
  size_t first, end, top;
  double excess; /* in bins at the usual rate */
} Excursion;

static double factor_at(const FitModel *model, int64_t ns) {
  int64_t of_week = (model->starts_ns + ns) % WEEK_NS;
  double factor = model->has_week ? model->week[of_week / DAY_NS] : 1;
  if (model->has_day) factor *= model->day[of_week % DAY_NS / (3600 * NS_PER_S)];
  size_t day = (size_t)(ns / DAY_NS);
  if (model->n_levels) factor *= model->level[day < model->n_levels ? day : model->n_levels - 1];
  return factor;
}

static void ratios(Course *c, const FitModel *model, const TraceStatistics *s, Arena *arena) {
  double all = 0, factors = 0;
  c->n = s->n_bins;
  c->width_s = (double)s->bin.width_ns / 1e9;
  c->ratio = ARENA_ARRAY(arena, double, c->n);
  c->usual = ARENA_ARRAY(arena, double, c->n);
  for (size_t k = 0; k < c->n; k++) {
    all += s->series[k];
    factors += c->ratio[k] = factor_at(model, (int64_t)k * s->bin.width_ns);
  }
  c->mean = factors > 0 ? all / factors : 0;
  for (size_t k = 0; k < c->n; k++) c->ratio[k] = c->ratio[k] * c->mean >= 1 ? s->series[k] / (c->ratio[k] * c->mean) : (double)NAN;
}

/* At some bins in the middle of their windows, in between the same. */
static void running_median(Course *c, Arena *arena) {
  size_t half = c->n / 8 < MEDIAN_LEAST ? MEDIAN_LEAST : c->n / 8 > MEDIAN_MOST ? MEDIAN_MOST : c->n / 8, step = half / MEDIAN_STEP_SHARE + 1;
  double *window = ARENA_ARRAY(arena, double, 2 * half + 1);
  for (size_t at = 0; at < c->n; at += step) {
    size_t first = at > half ? at - half : 0, end = at + half + 1 < c->n ? at + half + 1 : c->n, n = 0;
    for (size_t k = first; k < end; k++)
      if (c->ratio[k] == c->ratio[k]) window[n++] = c->ratio[k];
    sort_doubles(window, n, arena->exhausted);
    for (size_t k = at; k < at + step && k < c->n; k++) c->usual[k] = n ? window[n / 2] : (double)NAN;
  }
}

static bool is_out(const Course *c, size_t k) { return c->usual[k] > 0 && c->ratio[k] > OUT * c->usual[k]; }

static int larger_first(const void *a, const void *b) {
  const Excursion *x = a, *y = b;
  return x->excess > y->excess ? -1 : x->excess < y->excess ? 1 : x->first < y->first ? -1 : 1;
}

/* The largest first. */
static size_t excursions(const Course *c, Excursion *found) {
  size_t n = 0;
  for (size_t k = 0, end; k < c->n; k = end) {
    end = k + 1;
    if (!is_out(c, k)) continue;
    Excursion x = {k, k, k, 0};
    for (; x.end < c->n && is_out(c, x.end); x.end++) {
      x.excess += c->ratio[x.end] / c->usual[x.end] - 1;
      if (c->ratio[x.end] / c->usual[x.end] > c->ratio[x.top] / c->usual[x.top]) x.top = x.end;
    }
    end = x.end;
    found[n++] = x;
  }
  qsort(found, n, sizeof *found, larger_first);
  return n;
}

static bool is_crowd(const Course *c, const Excursion *x) {
  return c->ratio[x->top] >= PEAK * c->usual[x->top] && x->excess * c->mean * c->usual[x->top] >= ARRIVALS && x->end - x->first < c->n / 8;
}

/* A triangle of the same area: up to the middle of the highest bin, and down. */
static FitCrowd crowd_of(const Course *c, const Excursion *x) {
  double ramp = (double)(x->top - x->first) + 0.5, decay = (double)(x->end - x->top) - 0.5;
  return (FitCrowd){.at_s = (double)x->first * c->width_s, .ramp_s = ramp * c->width_s, .decay_s = decay * c->width_s, .peak = 1 + 2 * x->excess / (ramp + decay)};
}

static void crowds_fit(FitModel *model, Course *c, Arena *arena) {
  Excursion *found = ARENA_ARRAY(arena, Excursion, c->n / 2 + 1);
  size_t n = excursions(c, found), crowds = 0;
  for (size_t k = 0; k < n && k < FIT_CROWDS && is_crowd(c, &found[k]); k++)
    if (found[k].excess > GAP * (k + 1 < n ? found[k + 1].excess : 0)) crowds = k + 1;
  for (size_t k = 0; k < crowds; k++) {
    model->crowd[model->n_crowds++] = crowd_of(c, &found[k]);
    for (size_t b = found[k].first; b < found[k].end; b++) c->ratio[b] = c->usual[b];
  }
}

static void trend_fit(FitModel *model, const Course *c) {
  double mean[BLOCKS], y = 0, xy = 0, xx = 0, rest = 0;
  for (size_t b = 0; b < BLOCKS; b++) {
    double sum = 0, n = 0;
    for (size_t k = b * c->n / BLOCKS; k < (b + 1) * c->n / BLOCKS; k++)
      if (c->ratio[k] == c->ratio[k]) sum += c->ratio[k], n++;
    if (!(n > 0)) return;
    mean[b] = sum / n;
    double x = ((double)b + 0.5) / BLOCKS - 0.5;
    y += mean[b] / BLOCKS;
    xy += x * mean[b];
    xx += x * x;
  }
  double slope = xy / xx; /* over the whole span */
  for (size_t b = 0; b < BLOCKS; b++) {
    double off = mean[b] - y - slope * (((double)b + 0.5) / BLOCKS - 0.5);
    rest += off * off;
  }
  double error = sqrt(rest / (BLOCKS - 2) / xx), trend = y > 0 ? slope / y : 0;
  if (fabs(slope) > TREND_ERRORS * error && fabs(trend) >= TREND_LEAST) model->trend = fmax(-TREND_MOST, fmin(TREND_MOST, trend));
}

bool fit_course(FitModel *model, const TraceStatistics *s, Arena *arena) {
  Course c;
  if (s->n_bins < BINS_LEAST) return false;
  ratios(&c, model, s, arena);
  running_median(&c, arena);
  crowds_fit(model, &c, arena);
  if (!model->n_levels) trend_fit(model, &c);
  return model->n_crowds > 0 || fabs(model->trend) > 0;
}
