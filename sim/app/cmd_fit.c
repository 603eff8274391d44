/* headroom fit: writes a generator that reproduces a trace, and prints trace against fit, line by line, with what is left between them. */
#include <errno.h>
#include <math.h>
#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/app/command.h"
#include "sim/app/machine_text.h"
#include "sim/lab/fit.h"

enum { OPT_OUTPUT, OPT_SET, OPT_REPAIR, OPT_REPLICAS, OPT_THREADS, OPT_FORCE, OPT_QUIET, OPT_JSON, OPT_CSV };

/* One line of the comparison. */
typedef struct FitLine {
  char name[48];
  double trace, fit;
  bool share; /* the difference counts, not the ratio */
} FitLine;

enum { LINES_MOST = 96 };
typedef struct FitTable {
  FitLine line[LINES_MOST];
  size_t count;
} FitTable;

static void add_line(FitTable *table, double trace, double fit, bool share, const char *format, ...) __attribute__((format(printf, 5, 6)));
static void add_line(FitTable *table, double trace, double fit, bool share, const char *format, ...) {
  if (trace != trace || table->count == LINES_MOST) return;
  FitLine *line = &table->line[table->count++];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line->name, sizeof line->name, format, arguments);
  va_end(arguments);
  line->trace = trace;
  line->fit = fit;
  line->share = share;
}

static void add_sizes(FitTable *table, const char *name, const double *trace, const double *fit) {
  for (size_t q = 0; q < TRACE_QUANTILES; q++) add_line(table, trace[q], fit[q], false, "%s p%.4g", name, trace_quantile_level[q] * 100);
}

static void table_of(const Fit *fit, FitTable *table) {
  const FitFigures *t = &fit->trace, *f = &fit->replicas;
  bool jobs = fit->model.shape == SHAPE_JOBS;
  double span_s = (double)fit->span_ns / 1e9;
  static const char *const weekday[] = {"day 1", "day 2", "day 3", "day 4", "day 5", "day 6", "day 7"};
  table->count = 0;
  if (!fit->model.sizes_alone) add_line(table, t->n / span_s, f->n / span_s, false, "rate (1/s)");
  if (!fit->model.sizes_alone && fit->model.shape != SHAPE_COUNTS) {
    add_line(table, t->gap_cv, f->gap_cv, false, "inter-arrival CV");
    add_line(table, t->zero_share, f->zero_share, true, "share of zero gaps");
  }
  for (size_t k = 0; k < FIT_SCALES; k++) add_line(table, t->dispersion[k], f->dispersion[k], false, "index of dispersion %lld s", (long long)fit_scale_s[k]);
  for (size_t k = 0; k < FIT_SCALES; k++) add_line(table, t->peak[k], f->peak[k], false, "peak/mean %lld s", (long long)fit_scale_s[k]);
  add_line(table, t->daily_correlation, f->daily_correlation, true, "autocorrelation 1 day");
  add_line(table, t->weekly_correlation, f->weekly_correlation, true, "autocorrelation 7 days");
  for (int h = 0; h < TRACE_HOURS; h++) add_line(table, t->day[h], f->day[h], false, "hour %d", h);
  for (int d = 0; d < TRACE_WEEKDAYS; d++) add_line(table, t->week[d], f->week[d], false, "%s", weekday[d]);
  add_sizes(table, jobs ? "GPUs" : "input", t->first, f->first);
  add_sizes(table, jobs ? "duration (s)" : "output", t->second, f->second);
  add_line(table, t->spearman, f->spearman, true, jobs ? "Spearman GPUs, duration" : "Spearman input, output");
}

static void print_words(const Fit *fit, const FitTable *table) {
  printf("%-30s %12s %12s  %s\n", "", "trace", "fit", "residual");
  for (size_t k = 0; k < table->count; k++) {
    const FitLine *line = &table->line[k];
    printf("%-30s %12.6g %12.6g", line->name, line->trace, line->fit);
    if (line->share || !(fabs(line->trace) > 0)) printf("  %+.3g\n", line->fit - line->trace);
    else printf("  %+.1f %%\n", 100 * (line->fit / line->trace - 1));
  }
  printf("fit: means over %u replicas of the trace's length, other ones than it was adjusted on (%zu rounds); antithetic pairs, but for dispersion, peaks and\n"
         "autocorrelation%s\n", fit->n_replicas, fit->rounds,
         fit->model.shape == SHAPE_COUNTS ? "; of counts the expected ones, and the dispersion that arrivals add; sizes, where clients bring them, of 20000 requests each" : "");
}

static void print_csv(const FitTable *table) {
  printf("figure,trace,fit\n");
  for (size_t k = 0; k < table->count; k++) {
    csv_string(table->line[k].name);
    printf(",");
    csv_number(table->line[k].trace);
    printf(",");
    csv_number(table->line[k].fit);
    printf("\n");
  }
}

static void print_json(const Fit *fit, const FitTable *table) {
  printf("{\"replicas\": %u, \"rounds\": %zu, \"span_s\": ", fit->n_replicas, fit->rounds);
  json_number((double)fit->span_ns / 1e9);
  printf(", \"windows\": {");
  for (size_t k = 0; k < FIT_SCALES; k++) printf("%s\"%lld\": %zu", k ? ", " : "", (long long)fit_scale_s[k], fit->n_windows[k]);
  printf("}, \"figures\": {");
  for (size_t k = 0; k < table->count; k++) {
    printf("%s\n ", k ? "," : "");
    json_string(table->line[k].name);
    printf(": {\"trace\": ");
    json_number(table->line[k].trace);
    printf(", \"fit\": ");
    json_number(table->line[k].fit);
    printf("}");
  }
  printf("}}\n");
}

static int write_text(const char *path, const char *text, bool force) {
  FILE *out = fopen(path, force ? "w" : "wx");
  if (!out && errno == EEXIST) {
    fprintf(stderr, "headroom: %s exists; --force replaces it\n", path);
    return ERR_USAGE;
  }
  bool ok = out && fputs(text, out) >= 0 && fflush(out) == 0;
  int error = errno;
  if (out) ok = fclose(out) == 0 && ok;
  if (ok) return ERR_NONE;
  fprintf(stderr, "headroom: %s: %s\n", path, strerror(error));
  return ERR_IO;
}

static int fit_run(const Arguments *a, Arena *arena) {
  long long replicas = 50, threads = omp_get_max_threads();
  Err err = {0};
  FitOptions options = {.replicas = 0};
  if (a->value[OPT_REPLICAS] && !option_integer("--replicas", a->value[OPT_REPLICAS], 2, 100000, &replicas)) return ERR_USAGE;
  if (a->value[OPT_THREADS] && !option_integer("--threads", a->value[OPT_THREADS], 1, 1024, &threads)) return ERR_USAGE;
  options.replicas = (uint32_t)replicas;
  options.threads = (int)threads;
  if (!trace_options_read(a, a->argument[0], a->value[OPT_REPAIR] != NULL, &options.trace, arena, &err)) return err_report(&err);
  Fit *fit = ARENA_NEW(arena, Fit);
  if (!fit_trace(fit, &options, arena, &err)) return err_report(&err);
  Text text = {.arena = arena};
  fit_text(fit, a->argument[0], &text);
  int code = a->value[OPT_OUTPUT] ? write_text(a->value[OPT_OUTPUT], text.bytes, a->value[OPT_FORCE] != NULL) : ERR_NONE;
  if (code) return code;
  FitTable table;
  table_of(fit, &table);
  if (a->value[OPT_JSON]) print_json(fit, &table);
  else if (a->value[OPT_CSV]) print_csv(&table);
  else if (!a->value[OPT_QUIET]) print_words(fit, &table);
  if (!a->value[OPT_OUTPUT] && !a->value[OPT_JSON] && !a->value[OPT_CSV]) printf("\n%s", text.bytes);
  return ERR_NONE;
}

int cmd_fit(const Command *command, int argc, char **argv) {
  Arguments a;
  if (!arguments_read(command, argc, argv, &a)) return a.help ? ERR_NONE : ERR_USAGE;
  Arena arena = {0};
  int code = fit_run(&a, &arena);
  arena_free(&arena);
  return code;
}
