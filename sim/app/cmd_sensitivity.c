/* headroom sensitivity: which thresholds matter. Morris screening, or Sobol indices; every point is the mean over the same replications, so
 * that differences are those of the thresholds. */
#include <math.h>
#include <omp.h>
#include <string.h>
#include <unistd.h>

#include "sim/app/command.h"
#include "sim/app/machine_text.h"
#include "sim/lab/sensitivity.h"
#include "sim/lab/tune.h"

enum { OPT_OVER, OPT_METRIC, OPT_METHOD, OPT_STRATEGY, OPT_TRAJECTORIES, OPT_SAMPLES, OPT_REPLICATIONS, OPT_SET, OPT_SEED, OPT_THREADS, OPT_JOURNAL,
       OPT_RESUME, OPT_FORCE, OPT_PLAIN, OPT_QUIET, OPT_JSON, OPT_CSV, OPT_FILENAME };
enum { TRAJECTORIES = 10, SAMPLES = 128, REPLICATIONS = 3, METRICS_MOST = 16, POINTS_MOST = 1000000 };

typedef struct Study {
  Arena arena;
  Arguments arguments;
  Sweep sweep;
  TuneSpace space;
  TuneEngine engine;
  TuneWindow window;
  TuneMetric metric[METRICS_MOST];
  size_t n_metrics;
  bool sobol;
  long long size, replications; /* trajectories or rows; runs of a point */
  size_t n_points, n_designs;
  double *x;  /* [n_points][n_axes] */
  double **y; /* [n_metrics][n_points] */
  const char *journal_path;
} Study;

/* ---- what is asked ---- */

static bool read_numbers(Study *s) {
  const Arguments *a = &s->arguments;
  const char *method = a->value[OPT_METHOD] ? a->value[OPT_METHOD] : "morris";
  s->sobol = strcmp(method, "sobol") == 0;
  if (!s->sobol && strcmp(method, "morris") != 0) {
    fprintf(stderr, "headroom: --method %s: morris or sobol is wanted\n", method);
    return false;
  }
  long long threads = omp_get_max_threads();
  s->size = s->sobol ? SAMPLES : TRAJECTORIES;
  s->replications = REPLICATIONS;
  int size = s->sobol ? OPT_SAMPLES : OPT_TRAJECTORIES;
  if (a->value[s->sobol ? OPT_TRAJECTORIES : OPT_SAMPLES]) {
    fprintf(stderr, "headroom: --%s belongs to --method %s\n", s->sobol ? "trajectories" : "samples", s->sobol ? "morris" : "sobol");
    return false;
  }
  if (a->value[size] && !option_integer(s->sobol ? "--samples" : "--trajectories", a->value[size], 2, 100000, &s->size)) return false;
  if (a->value[OPT_REPLICATIONS] && !option_integer("--replications", a->value[OPT_REPLICATIONS], 1, 100000, &s->replications)) return false;
  if (a->value[OPT_THREADS] && !option_integer("--threads", a->value[OPT_THREADS], 1, 1024, &threads)) return false;
  s->engine.threads = (int)threads;
  return true;
}

static bool read_metrics(Study *s, Err *err) {
  const char *name[OPTION_VALUES];
  size_t n = arguments_all(&s->arguments, OPT_METRIC, name);
  if (n == 0) name[n++] = "cost_usd";
  if (n > METRICS_MOST) return err_add(err, ERR_USAGE, "more than %d --metric", METRICS_MOST);
  for (size_t k = 0; k < n; k++)
    if (!metric_read(&s->metric[k], name[k], &s->sweep, &s->arena, err)) return false;
  s->n_metrics = n;
  return true;
}

static bool check_axes(const Study *s, Err *err) {
  for (size_t a = 0; a < s->space.n_axes; a++)
    if (s->space.axis[a].count < 2) return err_add(err, ERR_USAGE, "%.150s: at least two values are needed", s->space.axis[a].path);
  return s->n_points < POINTS_MOST || err_add(err, ERR_USAGE, "that makes more than %d points", POINTS_MOST);
}

static bool open_engine(Study *s, Err *err) {
  const Arguments *a = &s->arguments;
  s->engine.sweep = &s->sweep;
  s->engine.space = &s->space;
  s->engine.plain = a->value[OPT_PLAIN] != NULL;
  s->engine.interrupted = interrupted_flag();
  s->window = (TuneWindow){&s->engine, tune_root(&s->sweep, &s->arena), "tune 0", s->metric, s->n_metrics};
  const char *base = strrchr(a->argument[0], '/');
  base = base ? base + 1 : a->argument[0];
  s->journal_path = a->value[OPT_JOURNAL] ? a->value[OPT_JOURNAL] : arena_format(&s->arena, "%.*s.sensitivity.journal", (int)strcspn(base, "."), base);
  bool resume = a->value[OPT_RESUME] != NULL || (a->value[OPT_JOURNAL] && !a->value[OPT_FORCE]);
  s->engine.journal = tune_journal_open(s->journal_path, &s->sweep, resume, a->value[OPT_FORCE] != NULL, &s->arena, err);
  return s->engine.journal != NULL;
}

/* ---- running ---- */

static void plan(Study *s) {
  size_t d = s->space.n_axes;
  s->n_points = (size_t)s->size * (s->sobol ? d + 2 : d + 1);
}

static bool evaluate(Study *s, Err *err) {
  size_t d = s->space.n_axes, *design = ARENA_ARRAY(&s->arena, size_t, s->n_points), *unique = ARENA_ARRAY(&s->arena, size_t, s->n_points);
  s->x = ARENA_ARRAY(&s->arena, double, s->n_points * d);
  if (s->sobol) sobol_points(s->x, (size_t)s->size, d, &s->arena);
  else morris_points(s->x, (size_t)s->size, d, s->sweep.first->seed > 0 ? (uint64_t)s->sweep.first->seed : 0, &s->arena);
  bool *listed = ARENA_ARRAY(&s->arena, bool, s->n_points + s->space.n_designs + 1);
  for (size_t k = 0; k < s->n_points; k++) {
    design[k] = s->sobol ? space_design_at(&s->space, s->x + k * d) : space_design_on_grid(&s->space, s->x + k * d);
    if (!listed[design[k]]) unique[s->n_designs++] = design[k];
    listed[design[k]] = true;
  }
  TuneProblem problem = {s->n_metrics - 1, NULL, engine_evaluate, &s->window};
  TuneSamples samples;
  samples_begin(&samples, &s->arena, &problem, 0);
  if (!samples_extend_all(&samples, unique, s->n_designs, (uint32_t)s->replications, err)) return false;
  s->y = ARENA_ARRAY(&s->arena, double *, s->n_metrics);
  for (size_t m = 0; m < s->n_metrics; m++) {
    s->y[m] = ARENA_ARRAY(&s->arena, double, s->n_points);
    for (size_t k = 0; k < s->n_points; k++) s->y[m][k] = samples_mean(&samples, design[k], m, 0.95).mean;
  }
  for (size_t k = 0; k < s->n_designs; k++)
    if (samples.design[unique[k]].failed)
      return err_add(err, ERR_RUN, "no figure at %s%s%s", space_name(&s->space, unique[k], &s->arena), s->engine.failed ? ": a run failed: " : ": it is undefined in a run",
                     s->engine.failed ? s->engine.message : "");
  return true;
}

/* ---- printing ---- */

static void print_estimate(Estimate e) {
  char text[80];
  snprintf(text, sizeof text, "%.3g [%.3g, %.3g]", e.value, e.low, e.high);
  printf("  %-26s", text);
}

static void json_estimate(const char *name, Estimate e) {
  printf("\"%s\": {\"value\": ", name);
  json_number(e.value);
  printf(", \"low\": ");
  json_number(e.low);
  printf(", \"high\": ");
  json_number(e.high);
  printf("}");
}

static void csv_estimate(Estimate e) {
  printf(",");
  csv_number(e.value);
  printf(",");
  csv_number(e.low);
  printf(",");
  csv_number(e.high);
}

/* One row a metric and threshold. */
static void print_csv(const Study *s) {
  Arena arena = {0};
  size_t d = s->space.n_axes;
  printf(s->sobol ? "metric,threshold,first,first_low,first_high,total,total_low,total_high\n" : "metric,threshold,mu_star,mu_star_low,mu_star_high,mu,sigma\n");
  for (size_t m = 0; m < s->n_metrics; m++) {
    MorrisEffect *effect = ARENA_ARRAY(&arena, MorrisEffect, d);
    SobolIndex *index = ARENA_ARRAY(&arena, SobolIndex, d);
    double mean, variance;
    if (s->sobol) sobol_indices(s->y[m], (size_t)s->size, d, 1, index, &mean, &variance, &arena);
    else morris_effects(s->x, s->y[m], (size_t)s->size, d, 1, effect, &arena);
    for (size_t a = 0; a < d; a++) {
      printf("%s,", s->metric[m].name);
      csv_string(s->space.axis[a].path);
      csv_estimate(s->sobol ? index[a].first : effect[a].mu_star);
      if (s->sobol) {
        csv_estimate(index[a].total);
      } else {
        printf(",");
        csv_number(effect[a].mu);
        printf(",");
        csv_number(effect[a].sigma);
      }
      printf("\n");
    }
  }
  arena_free(&arena);
}

static void print_morris(const Study *s, size_t m, bool json, Arena *arena) {
  size_t d = s->space.n_axes;
  MorrisEffect *effect = ARENA_ARRAY(arena, MorrisEffect, d);
  morris_effects(s->x, s->y[m], (size_t)s->size, d, 1, effect, arena);
  if (!json) printf("\n%s (%s)\n  %-24s  %-26s  %-12s  %s\n", s->metric[m].name, s->metric[m].unit, "threshold", "mu* [95 %]", "mu", "sigma");
  for (size_t a = 0; a < d; a++) {
    if (!json) {
      printf("  %-24s", s->space.axis[a].label);
      print_estimate(effect[a].mu_star);
      printf("  %-12.3g  %.3g\n", effect[a].mu, effect[a].sigma);
      continue;
    }
    printf("%s", a ? ", " : "");
    json_string(s->space.axis[a].path);
    printf(": {");
    json_estimate("mu_star", effect[a].mu_star);
    printf(", \"mu\": ");
    json_number(effect[a].mu);
    printf(", \"sigma\": ");
    json_number(effect[a].sigma);
    printf("}");
  }
}

static void print_sobol(const Study *s, size_t m, bool json, Arena *arena) {
  size_t d = s->space.n_axes;
  SobolIndex *index = ARENA_ARRAY(arena, SobolIndex, d);
  double mean, variance;
  sobol_indices(s->y[m], (size_t)s->size, d, 1, index, &mean, &variance, arena);
  if (!json) printf("\n%s (%s): mean %.4g, standard deviation over the thresholds %.3g\n  %-24s  %-26s  %s\n", s->metric[m].name, s->metric[m].unit, mean, sqrt(variance), "threshold",
                    "first order [95 %]", "total [95 %]");
  for (size_t a = 0; a < d; a++) {
    if (!json) {
      printf("  %-24s", s->space.axis[a].label);
      print_estimate(index[a].first);
      print_estimate(index[a].total);
      printf("\n");
      continue;
    }
    printf("%s", a ? ", " : "");
    json_string(s->space.axis[a].path);
    printf(": {");
    json_estimate("first", index[a].first);
    printf(", ");
    json_estimate("total", index[a].total);
    printf("}");
  }
}

static void print_study(const Study *s, bool json) {
  Arena arena = {0};
  const char *strategy = s->sweep.strategy[s->engine.strategy];
  if (json) {
    printf("{\"method\": \"%s\", \"strategy\": ", s->sobol ? "sobol" : "morris");
    json_string(strategy);
    printf(", \"%s\": %lld, \"replications\": %lld, \"designs\": %zu, \"metrics\": {", s->sobol ? "samples" : "trajectories", s->size, s->replications, s->n_designs);
  } else {
    printf("%s of strategy %s: %lld %s, %zu designs, %lld replications each\n", s->sobol ? "Sobol indices" : "Morris screening", strategy, s->size,
           s->sobol ? "rows" : "trajectories", s->n_designs, s->replications);
    printf("%s\n", s->sobol ? "Share of the variance that a threshold causes alone (first order), and with all its interactions (total)."
                            : "Change of a figure when a threshold moves over its whole range: mean size (mu*), mean (mu), spread (sigma: curvature or interaction).");
  }
  for (size_t m = 0; m < s->n_metrics; m++) {
    if (json) {
      printf("%s\n ", m ? "," : "");
      json_string(s->metric[m].name);
      printf(": {");
    }
    if (s->sobol) print_sobol(s, m, json, &arena);
    else print_morris(s, m, json, &arena);
    if (json) printf("}");
  }
  if (json) printf("}}\n");
  arena_free(&arena);
}

/* ---- all of it ---- */

static bool open_study(Study *s, Err *err) {
  const Arguments *a = &s->arguments;
  const char *set[OPTION_SETS + 1], *over[OPTION_VALUES];
  size_t n_set = a->n_set;
  long long seed;
  memcpy(set, a->set, n_set * sizeof *set);
  if (a->value[OPT_SEED]) {
    if (!option_integer("--seed", a->value[OPT_SEED], 0, (1LL << 53) - 1, &seed)) return err_add(err, ERR_USAGE, "no such seed");
    set[n_set++] = arena_format(&s->arena, "seed=%lld", seed);
  }
  SweepEdits edits = arguments_edits(a, NULL);
  edits.set = set;
  edits.n_set = n_set;
  if (!sweep_open_edited(&s->sweep, &s->arena, a->argument[0], &edits, err)) return false;
  TuneRequest request = {.over = over, .n_over = arguments_all(a, OPT_OVER, over)};
  TuneSpec spec = s->sweep.first->tune ? *s->sweep.first->tune : (TuneSpec){0};
  if (a->value[OPT_STRATEGY]) spec.strategy = a->value[OPT_STRATEGY];
  if (!tune_space_open(&s->space, &s->sweep, &request, &spec, &s->engine.strategy, &s->arena, err) || !read_metrics(s, err)) return false;
  plan(s);
  return check_axes(s, err) && open_engine(s, err);
}

static int study_run(Study *s) {
  Err err = {0};
  if (!read_numbers(s)) return ERR_USAGE;
  if (!open_study(s, &err)) return err_report(&err);
  warnings_report(&err);
  bool good = evaluate(s, &err);
  Err commit_err = {0};
  if (!tune_journal_commit(s->engine.journal, &commit_err)) return err_report(good ? &commit_err : &err);
  if (!good) return err_report(&err);
  if (s->arguments.value[OPT_CSV]) print_csv(s);
  else if (s->arguments.value[OPT_JSON] || !s->arguments.value[OPT_QUIET]) print_study(s, s->arguments.value[OPT_JSON] != NULL);
  tune_journal_close(s->engine.journal);
  s->engine.journal = NULL;
  if (!s->arguments.value[OPT_JOURNAL] && !tune_journal_delete(s->journal_path, &err)) return err_report(&err);
  return ERR_NONE;
}

int cmd_sensitivity(const Command *command, int argc, char **argv) {
  Study s = {.sobol = false};
  if (!arguments_read(command, argc, argv, &s.arguments)) return s.arguments.help ? ERR_NONE : ERR_USAGE;
  int code = study_run(&s);
  if (s.engine.journal) tune_journal_close(s.engine.journal);
  sweep_close(&s.sweep);
  arena_free(&s.arena);
  return code;
}
