/* Names of figures and constraints; see tune_metric.h. */
#include "sim/lab/tune_metric.h"

#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/base/text.h"

static size_t cluster_at(const Sweep *sweep) { return sweep->n_deployments * SUMMARY_COUNT; }
static size_t training_at(const Sweep *sweep) { return cluster_at(sweep) + CLUSTER_COUNT; }

size_t run_figures(const Sweep *sweep) { return training_at(sweep) + sweep->n_queues * TRAINING_COUNT; }

void run_figures_copy(const RunResult *result, double *figure) {
  size_t summary = result->n_deployments * SUMMARY_COUNT, training = result->n_queues * TRAINING_COUNT;
  memcpy(figure, result->summary, summary * sizeof *figure);
  memcpy(figure + summary, result->cluster, CLUSTER_COUNT * sizeof *figure);
  if (training) memcpy(figure + summary + CLUSTER_COUNT, result->training, training * sizeof *figure);
}

double metric_figure(const TuneMetric *metric, const double *figure) { return figure[metric->figure]; }

double metric_value(const TuneMetric *metric, const double *figure) { return metric->sign * (metric_figure(metric, figure) - metric->bound); }

/* ---- names ---- */

static int column_named(const ColumnInfo *column, int n, const char *name) {
  for (int k = 0; k < n; k++)
    if (text_equal(column[k].name, name)) return k;
  return -1;
}

static bool no_such_column(const char *name, const Sweep *sweep, Arena *arena, Err *err) {
  const char *names[SUMMARY_COUNT + CLUSTER_COUNT + TRAINING_COUNT];
  size_t n = 0;
  for (int k = 0; k < SUMMARY_COUNT; k++) names[n++] = summary_column[k].name;
  for (int k = 0; k < CLUSTER_COUNT; k++) names[n++] = cluster_column[k].name;
  for (int k = 0; k < TRAINING_COUNT && sweep->n_queues; k++) names[n++] = training_column[k].name;
  const char *near = text_nearest(name, names, n);
  return err_add(err, ERR_USAGE, "no metric `%.60s`%s", name,
                 near ? arena_format(arena, "; did you mean `%s`?", near) : "; `headroom describe columns` lists those of the summary, the cluster and training");
}

/* Those who have a column of this name: deployments, or training queues. */
typedef struct Owners {
  const char *what;
  const char *const *name;
  size_t n, figure, columns; /* figure: of the first one's column */
  const ColumnInfo *column;
} Owners;

static bool owners_of(const Sweep *sweep, const char *column, Owners *owners) {
  int k = column_named(summary_column, SUMMARY_COUNT, column), t = column_named(training_column, TRAINING_COUNT, column);
  if (k >= 0) *owners = (Owners){"deployment", sweep->deployment, sweep->n_deployments, (size_t)k, SUMMARY_COUNT, &summary_column[k]};
  else if (t >= 0 && sweep->n_queues) *owners = (Owners){"training queue", sweep->queue, sweep->n_queues, training_at(sweep) + (size_t)t, TRAINING_COUNT, &training_column[t]};
  else return false;
  return true;
}

/* All metrics that a name stands for: one, or one of each deployment or queue; *owners says whose. 0 with an error. */
static size_t find_metrics(const char *name, const Sweep *sweep, TuneMetric *metric, Owners *owners, Arena *arena, Err *err) {
  const char *dot = strrchr(name, '.');
  int column = text_equal(name, "cost_usd") ? CLUSTER_cluster_cost_usd : column_named(cluster_column, CLUSTER_COUNT, name);
  if (column >= 0) {
    *metric = (TuneMetric){.name = arena_text(arena, name, strlen(name)), .unit = cluster_column[column].unit, .figure = cluster_at(sweep) + (size_t)column, .sign = 1};
    return 1;
  }
  if (!owners_of(sweep, dot ? dot + 1 : name, owners)) {
    no_such_column(dot ? dot + 1 : name, sweep, arena, err);
    return 0;
  }
  size_t n = 0;
  for (size_t d = 0; d < owners->n; d++) {
    if (dot && (strlen(owners->name[d]) != (size_t)(dot - name) || strncmp(owners->name[d], name, (size_t)(dot - name)) != 0)) continue;
    const char *shown = owners->n > 1 ? arena_format(arena, "%s.%s", owners->name[d], owners->column->name) : owners->column->name;
    metric[n++] = (TuneMetric){.name = shown, .unit = owners->column->unit, .figure = owners->figure + d * owners->columns, .sign = 1};
  }
  if (n == 0) err_add(err, ERR_USAGE, "%.100s: no %s `%.*s`", name, owners->what, (int)(dot - name), name);
  return n;
}

static TuneMetric *room_for_metrics(const Sweep *sweep, Arena *arena) { return ARENA_ARRAY(arena, TuneMetric, sweep->n_deployments + sweep->n_queues + 1); }

bool metric_read(TuneMetric *metric, const char *name, const Sweep *sweep, Arena *arena, Err *err) {
  TuneMetric *all = room_for_metrics(sweep, arena);
  Owners owners;
  size_t n = find_metrics(name, sweep, all, &owners, arena, err);
  if (n > 1) return err_add(err, ERR_USAGE, "%s: of which %s? Write %s.%s", name, owners.what, owners.name[0], name);
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
  Owners owners;
  *metric = room_for_metrics(sweep, arena);
  *count = find_metrics(name, sweep, *metric, &owners, arena, err);
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
