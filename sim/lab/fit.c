/* Fitting; see fit.h. First what can be read off the trace: rate, tables of the day and the week, the slow course, spells, batches, clients, sizes.
 * Then the factors of each time scale, in rounds: replicas are generated and measured, and what a scale adds to the relative variance of
 * counts (beyond the next wider one) is brought to what it adds in the trace. */
#include "sim/lab/fit.h"

#include <math.h>
#include <string.h>

#include "sim/base/version.h"
#include "sim/core/rng.h"
#include "sim/core/time.h"
#include "sim/lab/fit_course.h"
#include "sim/lab/fit_model.h"
#include "sim/lab/fit_read.h"
#include "sim/lab/trace_describe.h"

const int64_t fit_scale_s[FIT_SCALES] = {1, 10, 60, 600, 3600, 21600, 86400, 604800};

enum { ROUNDS = 10, COARSE_ROUNDS = 4, COARSE_REPLICAS = 12, WINDOWS_LEAST = 4, ROWS_LEAST = 20 };
/* Cells that hold fewer arrivals than this are left to batches: a factor for each would be drawn for nothing. */
#define ARRIVALS_LEAST 0.02
#define SPECIAL_CLOSE 0.2
/* Of the trace's variance, what bursts begin with where a course or spells explain a part. */
#define COURSE_SHARE 0.03
#define SPELLS_SHARE 0.3
enum { TABLE_ROUNDS = 8, RANK_ROUNDS = 4, RANK_REPLICAS = 12, RANK_REPLICAS_MOST = 200, RANK_ROWS = 20000, TOKEN_ROWS = 20000 };
#define SIZES_CLOSE 0.025
#define TABLE_STEP_NS (60 * NS_PER_S)

/* ---- the trace's relative variance of counts, scale by scale ---- */

/* Variance of the counts of a scale over their mean squared, less that of a process of batches (or of expected counts) alone. */
static double relative_variance(const FitFigures *f, size_t k, double floor, int64_t span_ns) {
  double mean = f->n * (double)fit_scale_s[k] * 1e9 / (double)span_ns;
  return mean > 0 ? (f->dispersion[k] - floor) / mean : (double)NAN;
}

typedef struct Scales {
  size_t scale[FIT_SCALES], count; /* those fitted, narrowest first */
  double own[FIT_SCALES];          /* what each adds beyond the next wider one */
} Scales;

static void scales_of(const Fit *fit, const FitFigures *f, double floor, Scales *s) {
  double variance[FIT_SCALES];
  for (size_t k = 0; k < s->count; k++) variance[k] = relative_variance(f, s->scale[k], floor, fit->span_ns);
  for (size_t k = 0; k < s->count; k++) s->own[k] = variance[k] - (k + 1 < s->count ? variance[k + 1] : 0);
}

static void scales_begin(const Fit *fit, Scales *s) {
  s->count = 0;
  for (size_t k = 0; k < FIT_SCALES; k++) {
    bool sparse = fit->trace.n * (double)fit_scale_s[k] * 1e9 < ARRIVALS_LEAST * (double)fit->span_ns;
    bool given = fit->model.n_levels && fit_scale_s[k] >= 86400; /* day by day */
    if (!sparse && !given && fit->n_windows[k] >= WINDOWS_LEAST && fit->trace.dispersion[k] >= 0) s->scale[s->count++] = k;
  }
}

/* ---- replicas ---- */

typedef struct Work {
  Fit *fit;
  const FitOptions *options;
  const TraceFacts *facts;
  int64_t first_ns;
} Work;

static void mean_of(FitFigures *mean, const FitFigures *figures, size_t n) {
  enum { VALUES = sizeof(FitFigures) / sizeof(double) };
  double *to = (double *)mean;
  for (size_t k = 0; k < VALUES; k++) {
    double sum = 0;
    size_t there = 0;
    for (size_t r = 0; r < n; r++) {
      double value = ((const double *)&figures[r])[k];
      if (value != value) continue;
      sum += value;
      there++;
    }
    to[k] = there ? sum / (double)there : (double)NAN;
  }
}

/* Where sizes are drawn, replicas come in antithetic pairs, as replications do with `antithetic`: a storm in one is a calm in the other, so means
 * of rates, numbers and sizes vary less. Dispersion does not care which way a rate goes: it is adjusted and checked on independent ones, of
 * other numbers. */
enum { PAIRS_FROM = 1 << 22 };
static uint32_t numbered(uint32_t replica, bool in_pairs) { return in_pairs ? (PAIRS_FROM + replica / 2) | (replica & 1 ? REPLICATION_MIRRORED : 0) : replica; }

/* Means over n replicas from `first` on; the same for any number of threads. */
static bool replicate(const Work *work, const FitModel *model, uint32_t first, uint32_t n, bool windows_only, FitFigures *mean, Err *err) {
  Arena arena = {0};
  Scenario scenario;
  FitModel drawn = *model;
  if (windows_only) drawn.first.count = drawn.second.count = drawn.shuffle = 0; /* sizes take most of the time, and are not looked at */
  bool good = fit_model_scenario(&drawn, work->fit->span_ns, &arena, &scenario, err);
  FitFigures *figures = ARENA_ARRAY(&arena, FitFigures, n);
  if (good) {
#pragma omp parallel for num_threads(work->options->threads) schedule(dynamic, 1)
    for (uint32_t r = 0; r < n; r++) fit_model_figures(&scenario, numbered(first + r, !windows_only), work->facts, work->first_ns, work->fit->span_ns, windows_only, &figures[r]);
    mean_of(mean, figures, n);
  }
  arena_free(&arena);
  return good;
}

/* ---- adjusting ---- */

static double towards(double value, double wanted, double found, double power) {
  double ratio = wanted > 0 && found > 0 ? wanted / found : found > 0 ? 0.2 : 4;
  return value * pow(ratio < 0.2 ? 0.2 : ratio > 5 ? 5 : ratio, power);
}

static void adjust_table(double *table, const double *wanted, const double *found, size_t n) {
  for (size_t k = 0; k < n; k++)
    if (wanted[k] == wanted[k] && found[k] > 0) table[k] *= wanted[k] / found[k];
}

/* Rate and tables act on each other and on the ends of the trace. All else has mean 1, so the expected counts of the model without it show,
 * without noise, what is to be put right. */
static bool adjust_tables(const Work *work, FitModel *model, Err *err) {
  TraceFacts facts = *work->facts;
  Work expected = {work->fit, work->options, &facts, work->first_ns};
  if (facts.shape != SHAPE_COUNTS) {
    facts.shape = SHAPE_COUNTS;
    facts.interval_ns = TABLE_STEP_NS;
  }
  for (int round = 0; round < TABLE_ROUNDS; round++) {
    FitModel calm = *model;
    FitFigures found;
    memset(calm.burst_variance, 0, sizeof calm.burst_variance);
    calm.on_off = false;
    if (!replicate(&expected, &calm, 0, 1, true, &found, err)) return false;
    double intervals = floor((double)work->fit->span_ns / (double)facts.interval_ns); /* whole ones */
    model->rate_rps *= work->fit->trace.n / found.n * intervals * (double)facts.interval_ns / (double)work->fit->span_ns;
    if (model->has_day) adjust_table(model->day, work->fit->trace.day, found.day, TRACE_HOURS);
    if (model->has_week) adjust_table(model->week, work->fit->trace.week, found.week, TRACE_WEEKDAYS);
  }
  return true;
}

/* The sizes of so many requests alone: they do not depend on when those come. */
static bool replicate_sizes(const Work *work, const FitModel *model, uint32_t first, uint32_t n, size_t rows, FitFigures *mean, Err *err) {
  FitModel sizes = *model;
  TraceFacts facts = *work->facts;
  Fit alone = {.span_ns = ((int64_t)rows + 1) * NS_PER_S}; /* one a second */
  Work of_sizes = {&alone, work->options, &facts, 0};
  sizes.sizes_alone = true;
  facts.shape = SHAPE_SIZES;
  facts.has_first = model->first.count > 0;
  facts.has_second = model->second.count > 0;
  return replicate(&of_sizes, &sizes, first, n, false, mean, err);
}

/* Ties, and what the copula does to them, bring the ranks of sizes off: the correlation is moved until replicas have the trace's. Of a short
 * trace more replicas, as each says less. */
static bool adjust_ranks(const Work *work, FitModel *model, Err *err) {
  double wanted = work->fit->trace.spearman;
  size_t rows = work->fit->trace.n < RANK_ROWS ? (size_t)fmax(1, work->fit->trace.n) : RANK_ROWS, replicas = RANK_REPLICAS * RANK_ROWS / rows;
  for (int round = 0; round < RANK_ROUNDS && wanted == wanted; round++) {
    FitFigures found;
    if (!replicate_sizes(work, model, 0, replicas < RANK_REPLICAS_MOST ? (uint32_t)replicas : RANK_REPLICAS_MOST, rows, &found, err)) return false;
    if (found.spearman == found.spearman) model->spearman = fmax(-0.999, fmin(0.999, model->spearman + wanted - found.spearman));
  }
  return true;
}

/* How far a scale is from the trace: ln(dispersion / dispersion); 0 where either is none. */
static double off(const Fit *fit, const FitFigures *found, size_t scale, double floor) {
  double wanted = fit->trace.dispersion[scale], got = found->dispersion[scale] + floor; /* of expected counts: what arrivals add */
  return wanted > 0 && got > 0 ? log(got / wanted) : 0;
}

static double weight_of(const Fit *fit, size_t scale) { return fit->n_windows[scale] >= 100 ? 1 : sqrt((double)fit->n_windows[scale] / 100); }

/* The worst of the scales; those with few windows count less. */
static double misfit(const Fit *fit, const Scales *s, const FitFigures *found, double floor) {
  double worst = 0;
  for (size_t k = 0; k < s->count; k++) worst = fmax(worst, weight_of(fit, s->scale[k]) * fabs(off(fit, found, s->scale[k], floor)));
  return worst;
}

/* Narrower scales that add nothing follow the next wider one, and may be too high when that is right: then its wish is lowered until both are as
 * far off. */
static double lean(const Fit *fit, const FitModel *model, const Scales *wanted, const FitFigures *found, double floor, size_t k) {
  double own = off(fit, found, wanted->scale[k], floor), less = 0;
  for (size_t j = k; j-- > 0 && model->burst_variance[wanted->scale[j]] < FIT_LEAST_CV * FIT_LEAST_CV;) {
    double above = off(fit, found, wanted->scale[j], floor) - own, weight = weight_of(fit, wanted->scale[j]);
    less = fmax(less, above * weight / (weight + weight_of(fit, wanted->scale[k])));
  }
  return exp(-less);
}

/* Adjusts the model in rounds and leaves the best of them in it. */
static bool adjust(const Work *work, FitModel *model, double *best_misfit, Err *err) {
  Fit *fit = work->fit;
  bool counts = model->shape == SHAPE_COUNTS;
  double own_floor = counts ? 0 : fit_batch_dispersion(&model->batch), trace_floor = counts ? 1 : own_floor;
  Scales wanted, found_scales;
  FitModel best = *model;
  scales_begin(fit, &wanted);
  scales_begin(fit, &found_scales);
  scales_of(fit, &fit->trace, trace_floor, &wanted);
  *best_misfit = INFINITY;
  for (int round = 0; round < ROUNDS; round++) {
    FitFigures found;
    bool coarse = round < COARSE_ROUNDS;
    double power = coarse ? 1 : 0.6;
    uint32_t replicas = work->options->replicas;
    if (!replicate(work, model, 0, coarse && replicas > COARSE_REPLICAS ? COARSE_REPLICAS : replicas, true, &found, err)) return false;
    double misfit_now = misfit(fit, &wanted, &found, counts ? 1 : 0);
    fit->rounds++;
    if (misfit_now < *best_misfit && !(coarse && replicas > COARSE_REPLICAS)) {
      *best_misfit = misfit_now;
      best = *model;
    }
    if (misfit_now < 0.02 && !coarse) break;
    scales_of(fit, &found, own_floor, &found_scales);
    for (size_t k = 0; k < wanted.count; k++) {
      double *variance = &model->burst_variance[wanted.scale[k]];
      if (wanted.own[k] <= 0) *variance *= 0.3;
      else if (*variance > 0) *variance = towards(*variance, wanted.own[k] * lean(fit, model, &wanted, &found, counts ? 1 : 0, k), found_scales.own[k], power);
    }
  }
  *model = best;
  return true;
}

/* From wide to narrow: a factor of variance v multiplies what the wider ones make. */
static void first_bursts(const Fit *fit, FitModel *model, double share) {
  Scales s;
  double wider = 1;
  scales_begin(fit, &s);
  scales_of(fit, &fit->trace, model->shape == SHAPE_COUNTS ? 1 : fit_batch_dispersion(&model->batch), &s);
  memset(model->burst_variance, 0, sizeof model->burst_variance);
  for (size_t k = s.count; k-- > 0;) {
    double variance = s.own[k] > 0 ? share * s.own[k] / wider : 0;
    model->burst_variance[s.scale[k]] = variance;
    wider *= 1 + variance;
  }
}

/* How far median and 99th percentile of sizes are off, the worst of them. */
static double size_misfit(const FitFigures *trace, const FitFigures *found) {
  double worst = 0;
  for (size_t q = 0; q < TRACE_QUANTILES; q++) {
    double level = trace_quantile_level[q];
    if (fabs(level - 0.5) > 1e-9 && fabs(level - 0.99) > 1e-9) continue;
    if (trace->first[q] > 0) worst = fmax(worst, fabs(found->first[q] / trace->first[q] - 1));
    if (trace->second[q] > 0) worst = fmax(worst, fabs(found->second[q] / trace->second[q] - 1));
  }
  return worst;
}

/* Replicas do not have just the trace's number of rows. Where a median or a tail hangs on single rows, the beginning of a round must follow the
 * law, too: groups, as large as suffice, since small ones make neighbours unlike each other. */
static bool settle_shuffle(const Work *work, FitModel *model, Err *err) {
  static const size_t groups[] = {1, 10, 4, 2};
  FitModel tried = *model;
  double least = INFINITY;
  for (size_t k = 0; k < sizeof groups / sizeof *groups && tried.shuffle && !(least < SIZES_CLOSE); k++) {
    FitFigures found;
    tried.shuffle_groups = groups[k];
    tried.shuffle -= tried.shuffle % groups[k];
    if (!replicate(work, &tried, 0, work->options->replicas, false, &found, err)) return false;
    double misfit_now = size_misfit(&work->fit->trace, &found);
    if (misfit_now < least) *model = tried;
    least = fmin(least, misfit_now);
  }
  return true;
}

/* On replicas that nothing was adjusted on: what is linear in the counts from pairs, what is not from independent ones. */
static bool check_replicas(const Work *work, Err *err) {
  uint32_t n = work->options->replicas;
  FitFigures *means = &work->fit->replicas, independent;
  if (!replicate(work, &work->fit->model, n, n, false, means, err) || !replicate(work, &work->fit->model, n, n, true, &independent, err)) return false;
  memcpy(means->dispersion, independent.dispersion, sizeof means->dispersion);
  memcpy(means->peak, independent.peak, sizeof means->peak);
  means->daily_correlation = independent.daily_correlation;
  means->weekly_correlation = independent.weekly_correlation;
  return true;
}

/* Of counts the rows have no sizes; those that clients bring along (ServeGen) are compared on requests drawn for it. */
static bool token_figures(const Work *work, Err *err) {
  Fit *fit = work->fit;
  const TokenSizes *tokens = &work->facts->tokens;
  FitFigures found;
  if (tokens->n_clients == 0) return true;
  fit_tokens_quantiles(tokens->input, tokens->n_input, fit->trace.first);
  fit_tokens_quantiles(tokens->output, tokens->n_output, fit->trace.second);
  if (!replicate_sizes(work, &fit->model, work->options->replicas, work->options->replicas, TOKEN_ROWS, &found, err)) return false;
  memcpy(fit->replicas.first, found.first, sizeof found.first);
  memcpy(fit->replicas.second, found.second, sizeof found.second);
  return true;
}

/* A trace without instants: its sizes, and nothing else. */
static bool fit_sizes_alone(const Work *work, size_t rows, Err *err) {
  Fit *fit = work->fit;
  uint32_t replicas = work->options->replicas;
  if (!fit->model.first.count && !fit->model.second.count)
    return err_add(err, ERR_SCENARIO, "%s: error: neither instants nor sizes: there is nothing to fit", work->options->trace.file);
  return adjust_ranks(work, &fit->model, err) && replicate_sizes(work, &fit->model, replicas, replicas, rows, &fit->replicas, err);
}

/* What is special about a trace (spells of silence, a course) must earn its place: it is kept where the dispersion is as close with it. */
static bool try_special(const Work *work, FitModel *special, double share, double *misfit_plain, Err *err) {
  double misfit_special;
  if (!adjust_tables(work, special, err)) return false;
  first_bursts(work->fit, special, share);
  if (!adjust(work, special, &misfit_special, err)) return false;
  if (misfit_special < SPECIAL_CLOSE || misfit_special < *misfit_plain) {
    work->fit->model = *special;
    *misfit_plain = misfit_special;
  }
  return true;
}

static bool fit_arrivals(const Work *work, const TraceStatistics *s, Arena *arena, Err *err) {
  FitModel *model = &work->fit->model, spells = *model, course = *model;
  double misfit_plain;
  model->on_off = course.on_off = false;
  bool has_course = fit_course(&course, s, arena);
  if (!adjust_tables(work, model, err)) return false;
  first_bursts(work->fit, model, 1);
  if (!adjust(work, model, &misfit_plain, err)) return false;
  if (has_course && !try_special(work, &course, COURSE_SHARE, &misfit_plain, err)) return false;
  return !spells.on_off || try_special(work, &spells, SPELLS_SHARE, &misfit_plain, err);
}

bool fit_trace(Fit *fit, const FitOptions *options, Arena *arena, Err *err) {
  TraceStatistics *s = ARENA_NEW(arena, TraceStatistics);
  TraceFacts *facts = ARENA_NEW(arena, TraceFacts);
  memset(fit, 0, sizeof *fit);
  if (!trace_measure(s, facts, &options->trace, arena, err)) return false;
  const char *file = options->trace.file;
  if (s->n_rows < ROWS_LEAST) return err_add(err, ERR_SCENARIO, "%s: error: %zu rows are too few to fit; %d at least", file, s->n_rows, ROWS_LEAST);
  if (s->timed && (s->span_ns < NS_PER_S || !(s->n > 0))) return err_add(err, ERR_SCENARIO, "%s: error: there is less than a second between its rows, or nothing in them", file);
  fit->span_ns = s->span_ns;
  fit->n_replicas = options->replicas;
  fit_figures_of(s, &fit->trace, fit->n_windows);
  fit_read(&fit->model, s, facts, arena);
  Work work = {fit, options, facts, s->first_ns};
  if (!s->timed) return fit_sizes_alone(&work, s->n_rows < TRACE_SAMPLE_ROWS ? s->n_rows : TRACE_SAMPLE_ROWS, err);
  if (!adjust_ranks(&work, &fit->model, err) || !fit_arrivals(&work, s, arena, err)) return false;
  if (!settle_shuffle(&work, &fit->model, err)) return false;
  if (!check_replicas(&work, err)) return false;
  for (size_t k = 0; k < FIT_SCALES && fit->model.shape == SHAPE_COUNTS; k++) fit->replicas.dispersion[k] += 1; /* what arrivals add to expected counts */
  return token_figures(&work, err);
}

void fit_text(const Fit *fit, const char *file, Text *out) {
  bool jobs = fit->model.shape == SHAPE_JOBS;
  if (fit->model.sizes_alone) {
    text_addf(out, "# Fitted by headroom %s to %s: the sizes of %.15g requests. It does not say when they came: put arrivals of your own in the\n", HEADROOM_VERSION, file, fit->trace.n);
    text_addf(out, "# place of these. To be put into a deployment (deployments.NAME.workload).\nworkload:\n");
    fit_model_lines(&fit->model, 2, false, out);
    return;
  }
  text_addf(out, "# Fitted by headroom %s to %s: %.15g %s in %.9g s. Where an instant of the run is one of the day or the week,\n", HEADROOM_VERSION, file, fit->trace.n,
            jobs ? "jobs" : "requests", (double)fit->span_ns / 1e9);
  text_addf(out, "# `starts` says which. To be put into a %s.\n", jobs ? "training queue (training.NAME.jobs)" : "deployment (deployments.NAME.workload)");
  text_addf(out, "%s:\n", jobs ? "jobs" : "workload");
  fit_model_lines(&fit->model, 2, jobs, out);
}
