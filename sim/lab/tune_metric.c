/* Names of figures and constraints; see tune_metric.h. */
#include "sim/lab/tune_metric.h"

#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/base/text.h"

size_t run_figures(size_t n_deployments) { return n_deployments * SUMMARY_COUNT + CLUSTER_COUNT; }

void run_figures_copy(const RunResult *result, double *figure) {
  size_t summary = result->n_deployments * SUMMARY_COUNT;
  memcpy(figure, result->summary, summary * sizeof *figure);
  memcpy(figure + summary, result->cluster, CLUSTER_COUNT * sizeof *figure);
}

/* The cluster's figures stand after those of all deployments: `deployment` is then their number. */
double metric_figure(const TuneMetric *metric, const double *figure) { return figure[metric->deployment * SUMMARY_COUNT + metric->column]; }

double metric_value(const TuneMetric *metric, const double *figure) { return metric->sign * (metric_figure(metric, figure) - metric->bound); }

/* ---- names ---- */

static int column_named(const ColumnInfo *column, int n, const char *name) {
  for (int k = 0; k < n; k++)
    if (text_equal(column[k].name, name)) return k;
  return -1;
}

static bool no_such_column(const char *name, Arena *arena, Err *err) {
  const char *names[SUMMARY_COUNT + CLUSTER_COUNT];
  for (int k = 0; k < SUMMARY_COUNT; k++) names[k] = summary_column[k].name;
  for (int k = 0; k < CLUSTER_COUNT; k++) names[SUMMARY_COUNT + k] = cluster_column[k].name;
  const char *near = text_nearest(name, names, SUMMARY_COUNT + CLUSTER_COUNT);
  return err_add(err, ERR_USAGE, "no metric `%.60s`%s", name,
                 near ? arena_format(arena, "; did you mean `%s`?", near) : "; `headroom describe columns` lists those of the summary and the cluster");
}

static void of_cluster(TuneMetric *metric, const Sweep *sweep, int column, const char *name) {
  *metric = (TuneMetric){.name = name, .unit = cluster_column[column].unit, .cluster = true, .deployment = sweep->n_deployments, .column = (size_t)column, .sign = 1};
}

static void of_deployment(TuneMetric *metric, const Sweep *sweep, size_t deployment, int column, Arena *arena) {
  const char *name = summary_column[column].name;
  if (sweep->n_deployments > 1) name = arena_format(arena, "%s.%s", sweep->deployment[deployment], name);
  *metric = (TuneMetric){.name = name, .unit = summary_column[column].unit, .deployment = deployment, .column = (size_t)column, .sign = 1};
}

/* All metrics that a name stands for: one, or one of each deployment. 0 with an error. */
static size_t find_metrics(const char *name, const Sweep *sweep, TuneMetric *metric, Arena *arena, Err *err) {
  const char *dot = strrchr(name, '.');
  int column = column_named(cluster_column, CLUSTER_COUNT, name);
  if (text_equal(name, "cost_usd")) column = CLUSTER_cluster_cost_usd;
  if (column >= 0) {
    of_cluster(metric, sweep, column, arena_text(arena, name, strlen(name)));
    return 1;
  }
  column = column_named(summary_column, SUMMARY_COUNT, dot ? dot + 1 : name);
  if (column < 0) {
    no_such_column(dot ? dot + 1 : name, arena, err);
    return 0;
  }
  size_t n = 0;
  for (size_t d = 0; d < sweep->n_deployments; d++) {
    if (dot && (strlen(sweep->deployment[d]) != (size_t)(dot - name) || strncmp(sweep->deployment[d], name, (size_t)(dot - name)) != 0)) continue;
    of_deployment(&metric[n++], sweep, d, column, arena);
  }
  if (n == 0) err_add(err, ERR_USAGE, "%.100s: no deployment `%.*s`", name, (int)(dot - name), name);
  return n;
}

bool metric_read(TuneMetric *metric, const char *name, const Sweep *sweep, Arena *arena, Err *err) {
  TuneMetric *all = ARENA_ARRAY(arena, TuneMetric, sweep->n_deployments + 1);
  size_t n = find_metrics(name, sweep, all, arena, err);
  if (n > 1) return err_add(err, ERR_USAGE, "%s: of which deployment? Write %s.%s", name, sweep->deployment[0], name);
  *metric = all[0];
  return n == 1;
}

/* ---- constraints ---- */

/* 0.5, 500ms where the unit is seconds, 99% where it is a ratio. */
static bool read_bound(const char *text, const char *unit, double *bound) {
  const char *why;
  int64_t ns;
  if (parse_number(text, bound, &why)) return true;
  if (text_equal(unit, "s") && parse_duration_ns(text, &ns, &why)) {
    *bound = (double)ns / 1e9;
    return true;
  }
  return text_equal(unit, "1") && parse_ratio(text, bound, &why);
}

static char *trimmed(const char *text, size_t length, Arena *arena) {
  while (length > 0 && (text[0] == ' ' || text[0] == '\t')) text++, length--;
  while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) length--;
  return arena_text(arena, text, length);
}

bool constraint_read(const char *text, const Sweep *sweep, TuneMetric **metric, size_t *count, Arena *arena, Err *err) {
  const char *below = strstr(text, "<="), *above = strstr(text, ">="), *sign = below ? below : above;
  if (!sign) return err_add(err, ERR_USAGE, "`%.100s` is no constraint; write 'latency_p99_s <= 0.5' or 'attainment_ratio >= 0.99'", text);
  const char *name = trimmed(text, (size_t)(sign - text), arena), *after = sign + 2, *margin = strstr(after, "\xc2\xb1");
  size_t margin_bytes = 2;
  if (!margin) margin = strstr(after, "+-");
  const char *bound = trimmed(after, margin ? (size_t)(margin - after) : strlen(after), arena);
  *metric = ARENA_ARRAY(arena, TuneMetric, sweep->n_deployments + 1);
  *count = find_metrics(name, sweep, *metric, arena, err);
  for (size_t k = 0; k < *count; k++) {
    TuneMetric *m = &(*metric)[k];
    m->sign = below ? 1 : -1;
    if (!read_bound(bound, m->unit, &m->bound)) return err_add(err, ERR_USAGE, "`%.100s`: `%.40s` is no bound; write a number (in %s)", text, bound, m->unit);
    const char *tolerance = margin ? trimmed(margin + margin_bytes, strlen(margin + margin_bytes), arena) : NULL;
    if (tolerance && (!read_bound(tolerance, m->unit, &m->tolerance) || !(m->tolerance > 0)))
      return err_add(err, ERR_USAGE, "`%.100s`: `%.40s` is no tolerance; write a number above 0", text, tolerance);
    m->text = arena_format(arena, "%s %s %s", m->name, below ? "<=" : ">=", bound);
  }
  return *count > 0;
}
