/* See fit_model.h. */
#include "sim/lab/fit_model.h"

#include <math.h>
#include <string.h>

#include "sim/core/time.h"
#include "sim/lab/catalogue.h"
#include "sim/lab/decode.h"
#include "sim/lab/document.h"
#include "sim/run/arrivals.h"
#include "sim/run/training_draw.h"

#define MOST_CV 9.9 /* as `modulated` has it */

/* ---- as text ---- */

static void line(Text *out, int indent, const char *text) { text_addf(out, "%*s%s\n", indent, "", text); }

static void add_sizes(Text *out, const FitSizes *sizes, const char *unit) {
  text_addf(out, "{empirical: {points: [");
  for (size_t k = 0; k < sizes->count; k++) text_addf(out, "%s[%.10g%s, %.9g]", k ? ", " : "", sizes->point[k].value, unit, sizes->point[k].cumulative);
  text_addf(out, "]}}");
}

static void add_arrivals(Text *out, const FitModel *m) {
  double mean = 0, before = 0;
  if (m->sizes_alone) {
    text_addf(out, "{constant: {rate: 1/s}}");
    return;
  }
  for (size_t k = 0; k < m->batch.count; k++) {
    mean += m->batch.point[k].value * (m->batch.point[k].cumulative - before);
    before = m->batch.point[k].cumulative;
  }
  double rate_rps = m->batch.count ? m->rate_rps / mean : m->rate_rps;
  if (m->batch.count) text_addf(out, "{batches: {of: ");
  if (m->n_clients > 1) text_addf(out, "{clients: {rate: %.12g/s, count: %zu, zipf: %.4g, cv: %.4g}}", rate_rps, m->n_clients, m->zipf, m->client_cv);
  else text_addf(out, "{poisson: {rate: %.12g/s}}", rate_rps);
  if (!m->batch.count) return;
  text_addf(out, ", size: ");
  add_sizes(out, &m->batch, "");
  text_addf(out, "}}");
}

static void add_table(Text *out, int indent, const char *name, const double *value, size_t count) {
  text_addf(out, "%*s%s: [", indent, "", name);
  for (size_t k = 0; k < count; k++) text_addf(out, "%s%.5g", k ? ", " : "", value[k]);
  text_addf(out, "]\n");
}

static double burst_cv(double variance) {
  double cv = sqrt(variance);
  return cv < FIT_LEAST_CV ? 0 : cv < MOST_CV ? cv : MOST_CV;
}

static bool has_bursts(const FitModel *m) {
  for (size_t k = 0; k < FIT_SCALES; k++)
    if (burst_cv(m->burst_variance[k]) > 0) return true;
  return false;
}

static bool has_course(const FitModel *m) { return m->n_crowds > 0 || fabs(m->trend) > 0; }

static void course_lines(const FitModel *m, int indent, Text *out) {
  if (fabs(m->trend) > 0) text_addf(out, "%*strend: %.4g\n", indent, "", m->trend);
  if (m->n_crowds) line(out, indent, "crowds:");
  for (size_t k = 0; k < m->n_crowds; k++)
    text_addf(out, "%*s- {at: %.9gs, peak: %.4g, ramp: %.9gs, decay: %.9gs}\n", indent + 2, "", m->crowd[k].at_s, m->crowd[k].peak, m->crowd[k].ramp_s, m->crowd[k].decay_s);
}

static void rate_lines(const FitModel *m, int indent, Text *out) {
  if (m->sizes_alone) return;
  if (!m->has_day && !m->has_week && !m->on_off && !m->n_levels && !has_course(m) && !has_bursts(m)) return;
  line(out, indent, "rate:");
  line(out, indent + 2, "modulated:");
  if (m->has_day || m->has_week) text_addf(out, "%*sstarts: %.9gs\n", indent + 4, "", (double)m->starts_ns / 1e9);
  if (m->has_day) add_table(out, indent + 4, "day", m->day, TRACE_HOURS);
  if (m->has_week) add_table(out, indent + 4, "week", m->week, TRACE_WEEKDAYS);
  if (m->n_levels) {
    text_addf(out, "%*slevels:\n%*severy: 24h\n", indent + 4, "", indent + 6, "");
    add_table(out, indent + 6, "of", m->level, m->n_levels);
  }
  if (m->on_off)
    text_addf(out, "%*son_off: {on: {gamma: {mean: %.6gs, cv: %.4g}}, off: {lognormal: {mean: %.6gs, cv: %.4g}}}\n", indent + 4, "", m->on_mean_s, m->on_cv, m->off_mean_s, m->off_cv);
  course_lines(m, indent + 4, out);
  if (!has_bursts(m)) return;
  line(out, indent + 4, "bursts:");
  for (size_t k = 0; k < FIT_SCALES; k++)
    if (burst_cv(m->burst_variance[k]) > 0) text_addf(out, "%*s- {scale: %llds, cv: %.6g}\n", indent + 6, "", (long long)fit_scale_s[k], burst_cv(m->burst_variance[k]));
}

static void size_line(Text *out, int indent, const char *name, const FitSizes *sizes, const char *unit) {
  if (!sizes->count) return;
  text_addf(out, "%*s%s: ", indent, "", name);
  add_sizes(out, sizes, unit);
  text_addf(out, "\n");
}

static void size_lines(const FitModel *m, int indent, bool jobs, Text *out) {
  size_line(out, indent, jobs ? "gpus" : "input", &m->first, "");
  if (jobs && m->gpu_parts) line(out, indent, "gpu_parts: true");
  size_line(out, indent, jobs ? "duration" : "output", &m->second, jobs ? "s" : "");
  if (m->first.count && m->second.count && fabs(m->spearman) > 0.002) text_addf(out, "%*scorrelation: %.4g\n", indent, "", m->spearman);
  if (m->shuffle) text_addf(out, "%*sshuffle: %zu\n", indent, "", m->shuffle);
  if (m->shuffle && m->shuffle_groups > 1) text_addf(out, "%*sshuffle_groups: %zu\n", indent, "", m->shuffle_groups);
}

static void process_lines(const FitModel *m, int indent, Text *out) {
  text_addf(out, "%*sarrivals: ", indent, "");
  add_arrivals(out, m);
  text_addf(out, "\n");
  rate_lines(m, indent, out);
}

void fit_model_lines(const FitModel *m, int indent, bool jobs, Text *out) {
  process_lines(m, indent, out);
  size_lines(m, indent, jobs, out);
}

bool fit_model_scenario(const FitModel *m, int64_t span_ns, Arena *arena, Scenario *scenario, Err *err) {
  Text text = {.arena = arena};
  text_addf(&text, "name: fit\nhorizon: %lldns\ncluster: {pools: {p: {machine: {cpu: 1, gpu: 1}, nodes: {min: 1, max: 1}}}}\nstrategies: {none: {scale: none}}\n", (long long)span_ns);
  text_addf(&text, "deployments:\n  fit:\n    variants: {v: {service: {distribution: {time: 1s}}}}\n    workload:\n");
  process_lines(m, 6, &text);
  if (m->shape != SHAPE_JOBS) size_lines(m, 6, false, &text);
  else {
    text_addf(&text, "training:\n  fitted:\n    jobs:\n      arrivals: {constant: {rate: 1/s}}\n%s", m->second.count ? "" : "      duration: 1s\n");
    size_lines(m, 6, true, &text);
  }
  YamlSource *source = ARENA_NEW(arena, YamlSource);
  *source = (YamlSource){.name = "the fitted workload", .text = text.bytes, .length = text.length};
  Catalogue *catalogue = ARENA_NEW(arena, Catalogue);
  Inputs *inputs = ARENA_NEW(arena, Inputs);
  Decoder decoder = {.arena = arena, .err = err, .inputs = inputs};
  const Yaml *root = catalogue_load(catalogue, NULL, arena, err) ? yaml_parse(source, arena, err) : NULL;
  return root && decode_scenario(&decoder, root, catalogue, scenario);
}

/* ---- figures ---- */

static double variance_over_mean(double sum, double squares, double n) {
  double mean = sum / n, variance = squares / n - mean * mean;
  return mean > 0 ? (variance > 0 ? variance / mean : 0) : (double)NAN;
}

/* Windows wider than those of TraceStatistics, from its series. */
static void wide_figures(const TraceStatistics *s, size_t k, FitFigures *f, size_t n_windows[FIT_SCALES]) {
  int64_t width_ns = fit_scale_s[k] * NS_PER_S;
  size_t bins = s->bin.width_ns > 0 && width_ns % s->bin.width_ns == 0 ? (size_t)(width_ns / s->bin.width_ns) : 0, n = bins ? s->n_bins / bins : 0;
  double sum = 0, squares = 0, peak = 0;
  for (size_t w = 0; w < n; w++) {
    double count = 0;
    for (size_t b = 0; b < bins; b++) count += s->series[w * bins + b];
    sum += count;
    squares += count * count;
    peak = fmax(peak, count);
  }
  n_windows[k] = n;
  f->dispersion[k] = n >= 2 ? variance_over_mean(sum, squares, (double)n) : (double)NAN;
  f->peak[k] = n >= 2 && sum > 0 ? peak / (sum / (double)n) : (double)NAN;
}

void fit_figures_of(const TraceStatistics *s, FitFigures *f, size_t n_windows[FIT_SCALES]) {
  f->n = s->n;
  f->gap_cv = trace_gap_cv(s);
  f->zero_share = s->n_gaps ? (double)s->n_zero_gaps / (double)s->n_gaps : (double)NAN;
  for (size_t k = 0; k < FIT_SCALES; k++) {
    if (k >= TRACE_WINDOWS) {
      wide_figures(s, k, f, n_windows);
      continue;
    }
    const TraceWindow *window = &s->window[k];
    bool narrow = window->width_ns < s->interval_ns || (s->interval_ns > 0 && window->width_ns % s->interval_ns != 0);
    n_windows[k] = narrow ? 0 : window->n_windows;
    f->dispersion[k] = n_windows[k] >= 2 ? trace_dispersion(window) : (double)NAN;
    f->peak[k] = n_windows[k] >= 2 && window->sum > 0 ? window->peak / (window->sum / (double)window->n_windows) : (double)NAN;
  }
  for (size_t h = 0; h < TRACE_HOURS; h++) f->day[h] = s->timed ? s->hour_profile[h] : (double)NAN;
  for (size_t d = 0; d < TRACE_WEEKDAYS; d++) f->week[d] = s->timed ? s->weekday_profile[d] : (double)NAN;
  f->daily_correlation = s->timed ? s->daily_correlation : (double)NAN;
  f->weekly_correlation = s->timed ? s->weekly_correlation : (double)NAN;
  bool counts = s->shape == SHAPE_COUNTS;
  for (size_t q = 0; q < TRACE_QUANTILES; q++) {
    f->first[q] = s->first.count && !counts ? s->first.quantile[q] : (double)NAN;
    f->second[q] = s->second.count && !counts ? s->second.quantile[q] : (double)NAN;
  }
  f->spearman = s->spearman;
}

/* Whole intervals of a random rate, in the steps at which it changes. */
static void add_intervals(const Scenario *scenario, uint32_t replica, int64_t interval_ns, int64_t first_ns, int64_t span_ns, TraceStatistics *s, Arena *arena) {
  const WorkloadSpec *spec = &scenario_deployment(scenario, 0)->workload;
  const RateModel *rate = (const RateModel *)spec->rate.model;
  const WorkloadContext context = {(uint64_t)scenario->seed, scenario->deployment_entity[0], replica, span_ns};
  double per_ns = ((const Workload *)spec->arrivals.model)->mean_rps(spec->arrivals.params, span_ns) / 1e9, level = 1;
  void *state = rate ? arena_alloc(arena, 1, rate->state_bytes) : NULL;
  if (rate) rate->begin(spec->rate.params, state, &context, arena);
  int64_t end_ns = rate ? 0 : INT64_MAX;
  for (int64_t at_ns = 0; at_ns + interval_ns <= span_ns; at_ns += interval_ns) {
    double count = 0;
    for (int64_t from_ns = at_ns, to_ns = at_ns + interval_ns; from_ns < to_ns;) {
      if (from_ns >= end_ns) level = rate->level(spec->rate.params, state, &context, from_ns, &end_ns);
      int64_t until_ns = end_ns < to_ns ? end_ns : to_ns;
      count += level * per_ns * (double)(until_ns - from_ns);
      from_ns = until_ns;
    }
    trace_statistics_add(s, &(TraceRow){first_ns + at_ns, count, (double)NAN});
  }
}

static void add_arrivals_of(const Scenario *scenario, uint32_t replica, const TraceFacts *facts, int64_t first_ns, TraceStatistics *s, Arena *arena) {
  Arrivals *a = ARENA_NEW(arena, Arrivals);
  TrainingDraw draw;
  bool jobs = scenario->training.count > 0;
  arrivals_begin(a, scenario, 0, replica, scenario->initial_variant[0], arena);
  if (jobs) training_draw_begin(&draw, scenario, 0, replica);
  for (; arrivals_peek(a) != INSTANT_NEVER; a->cursor++) {
    TraceRow row = {first_ns + a->block.arrival_ns[a->cursor], (double)NAN, (double)NAN};
    uint64_t index = a->block.first_index + a->cursor;
    if (facts->has_first && !s->windows_only) row.first = jobs ? (double)training_draw_milligpus(&draw, index) / 1000 : (double)a->block.input[a->cursor];
    if (facts->has_second && !s->windows_only) row.second = jobs ? training_draw_duration_ns(&draw, index) / 1e9 : (double)a->block.output[a->cursor];
    trace_statistics_add(s, &row);
  }
}

void fit_model_figures(const Scenario *scenario, uint32_t replica, const TraceFacts *facts, int64_t first_ns, int64_t span_ns, bool windows_only, FitFigures *figures) {
  Arena arena = {0};
  TraceStatistics *s = ARENA_NEW(&arena, TraceStatistics);
  size_t n_windows[FIT_SCALES];
  trace_statistics_begin(s, facts, &arena);
  s->windows_only = windows_only;
  s->interval_ns = facts->interval_ns;
  if (facts->shape == SHAPE_COUNTS) add_intervals(scenario, replica, facts->interval_ns, first_ns, span_ns, s, &arena);
  else add_arrivals_of(scenario, replica, facts, first_ns, s, &arena);
  if (s->n_rows > 0) trace_statistics_end(s, facts);
  fit_figures_of(s, figures, n_windows);
  arena_free(&arena);
}
