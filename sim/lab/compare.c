/* Gathering values by point and strategy, intervals, and who wins; see compare.h for the rule. */
#include "sim/lab/compare.h"

#include <math.h>
#include <string.h>

static bool has_objective(const ResultFile *file, size_t d) { return file->objective_latency_s[d] > 0; }

/* ---- intervals of one strategy ---- */

static Interval plain_interval(Comparison *c, uint64_t point, size_t strategy, Measure measure) {
  size_t n = values_of(&c->values, point, strategy, measure, c->value);
  return interval_of_mean(c->value, n, COMPARE_LEVEL);
}

/* A control of known mean for a deployment under a strategy, into c->other; false where there is none. */
static bool find_control(Comparison *c, uint64_t point, size_t strategy, size_t d, double *mean) {
  const ResultFile *file = c->file;
  for (size_t s = 0; s <= file->n_strategies; s++) {
    bool erlang = s < file->n_strategies;
    if (s == strategy) continue; /* its own mean would be the answer */
    size_t from = erlang ? s : strategy;
    size_t n = values_of(&c->values, point, from, (Measure){MEASURE_SUMMARY, erlang ? SUMMARY_latency_erlang_s : SUMMARY_offered_expected, d}, c->other);
    *mean = interval_of_mean(c->other, n, COMPARE_LEVEL).mean;
    if (!isfinite(*mean)) continue;
    values_of(&c->values, point, from, (Measure){MEASURE_SUMMARY, erlang ? SUMMARY_latency_mean_s : SUMMARY_offered, d}, c->other);
    return true;
  }
  return false;
}

static void controlled_intervals(Comparison *c, uint64_t point, size_t strategy, CompareRow *row) {
  for (size_t d = 0; d < c->file->n_deployments; d++) {
    double mean;
    if (!find_control(c, point, strategy, d, &mean)) continue;
    for (size_t m = 0; m < SUMMARY_COUNT; m++) {
      double factor;
      size_t n = values_of(&c->values, point, strategy, (Measure){MEASURE_SUMMARY, m, d}, c->value);
      Interval interval = interval_with_control(c->value, c->other, n, mean, COMPARE_LEVEL, &factor);
      bool is_count = m == SUMMARY_offered || m == SUMMARY_offered_expected || m == SUMMARY_latency_erlang_s; /* the control itself, or no sample */
      if (is_count) continue;
      row->metric[d * SUMMARY_COUNT + m] = interval; /* whether it helped or not: choosing the narrower one would cover less */
      if (m == SUMMARY_latency_mean_s && !(row->control_factor < factor)) row->control_factor = factor;
    }
  }
}

static void fill_batches(Comparison *c, uint64_t point, size_t strategy, CompareRow *row) {
  row->batch_correlation = (double)NAN;
  for (size_t d = 0; c->file->n_batches && d < c->file->n_deployments; d++) {
    size_t n = values_of(&c->values, point, strategy, (Measure){MEASURE_SUMMARY, SUMMARY_latency_mean_s, d}, c->value);
    double lag1 = lag1_correlation(c->value, n);
    if (!(row->batch_correlation > lag1)) row->batch_correlation = lag1;
  }
}

/* Does every deployment reach its objective, as far as its interval can tell? */
static void fill_objective(const ResultFile *file, CompareRow *row) {
  row->reaches = row->runs > 0 && !row->failed; /* a run that failed reached nothing */
  row->worst_gap = -INFINITY;
  for (size_t d = 0; d < file->n_deployments; d++) {
    const Interval *metric = &row->metric[d * SUMMARY_COUNT];
    if (metric[SUMMARY_offered].mean > 0 && metric[SUMMARY_finished].mean == 0) row->reaches = false;
    Interval a = metric[SUMMARY_attainment_ratio];
    if (isnan(a.mean) && metric[SUMMARY_offered].mean > 0) row->worst_gap = INFINITY; /* nothing is known of what it was asked to do */
    if (!has_objective(file, d) || isnan(a.mean)) continue;
    double gap = file->objective_attainment_ratio[d] - a.mean, half = isnan(a.half_width) ? 0 : a.half_width;
    if (gap > half) row->reaches = false;
    if (gap > row->worst_gap) row->worst_gap = gap;
  }
}

static void fill_row(Comparison *c, uint64_t point, size_t strategy, CompareRow *row) {
  const ResultFile *file = c->file;
  size_t cell = (size_t)point * file->n_strategies + strategy;
  row->strategy = file->strategy[strategy];
  row->metric = ARENA_ARRAY(c->arena, Interval, file->n_deployments * SUMMARY_COUNT);
  for (size_t k = 0; k < c->values.runs[cell]; k++) {
    bool failed = file->status[c->values.first[cell] + k] != 0;
    row->runs += !failed;
    row->failed += failed;
  }
  for (size_t d = 0; d < file->n_deployments; d++)
    for (size_t m = 0; m < SUMMARY_COUNT; m++) row->metric[d * SUMMARY_COUNT + m] = plain_interval(c, point, strategy, (Measure){MEASURE_SUMMARY, m, d});
  for (size_t m = 0; m < CLUSTER_COUNT; m++) row->cluster[m] = plain_interval(c, point, strategy, (Measure){MEASURE_CLUSTER, m, 0});
  row->training = ARENA_ARRAY(c->arena, Interval, file->n_queues * TRAINING_COUNT);
  for (size_t q = 0; q < file->n_queues; q++)
    for (size_t m = 0; m < TRAINING_COUNT; m++) row->training[q * TRAINING_COUNT + m] = plain_interval(c, point, strategy, (Measure){MEASURE_TRAINING, m, q});
  row->values = row->cluster[CLUSTER_cluster_cost_usd].count;
  row->control_factor = (double)NAN;
  if (c->control) controlled_intervals(c, point, strategy, row);
  fill_batches(c, point, strategy, row);
  fill_objective(file, row);
  row->clairvoyant = row->cluster[CLUSTER_cost_lower_bound_usd].count > 0;
}

Interval compare_interval(const CompareRow *row, Measure measure) {
  if (measure.kind == MEASURE_TRAINING) return row->training[measure.deployment * TRAINING_COUNT + measure.column];
  return measure.kind == MEASURE_CLUSTER ? row->cluster[measure.column] : row->metric[measure.deployment * SUMMARY_COUNT + measure.column];
}

/* ---- the winner ---- */

static Measure deciding(const ComparePoint *point) {
  return point->by_cost ? (Measure){MEASURE_CLUSTER, CLUSTER_cluster_cost_usd, 0} : (Measure){MEASURE_GAP, 0, 0};
}

static double row_value(const CompareRow *row, bool by_cost) { return by_cost ? row->cluster[CLUSTER_cluster_cost_usd].mean : row->worst_gap; }

static size_t find_winner(const ComparePoint *point, size_t n) {
  size_t best = n;
  for (size_t s = 0; s < n; s++) {
    const CompareRow *row = &point->row[s];
    if (!row->runs || row->clairvoyant || (point->by_cost && !row->reaches) || row->worst_gap == (double)INFINITY) continue;
    if (best != n && row->failed > point->row[best].failed) continue; /* those that never failed come first */
    if (best == n || row->failed < point->row[best].failed || row_value(row, point->by_cost) < row_value(&point->row[best], point->by_cost)) best = s;
  }
  return best;
}

static Interval paired(Comparison *c, uint64_t point, size_t a, size_t b, Measure measure, double level) {
  size_t n = values_of(&c->values, point, a, measure, c->value), other = values_of(&c->values, point, b, measure, c->other);
  if (other < n) n = other;
  for (size_t k = 0; k < n; k++) c->value[k] -= c->other[k];
  return interval_of_mean(c->value, n, level);
}

/* Who may be the best: multiple comparisons with the best among those that count. */
static void tell_apart(Comparison *c, ComparePoint *point, size_t winner) {
  size_t n = c->file->n_strategies, m = 0;
  size_t *who = ARENA_ARRAY(c->arena, size_t, n);
  for (size_t s = 0; s < n; s++) {
    const CompareRow *row = &point->row[s];
    bool counts = row->runs && !row->clairvoyant && row->worst_gap != (double)INFINITY && row->failed <= point->row[winner].failed && (!point->by_cost || row->reaches);
    if (counts) who[m++] = s;
  }
  double alpha = (1 - COMPARE_LEVEL) / (double)(m > 1 ? m - 1 : 1);
  double *difference = ARENA_ARRAY(c->arena, double, m * m), *half = ARENA_ARRAY(c->arena, double, m * m);
  BestComparison *best = ARENA_ARRAY(c->arena, BestComparison, m);
  for (size_t i = 0; i < m; i++)
    for (size_t j = i + 1; j < m; j++) {
      Interval d = paired(c, point->point, who[i], who[j], deciding(point), 1 - 2 * alpha);
      difference[i * m + j] = d.mean;
      difference[j * m + i] = -d.mean;
      half[i * m + j] = half[j * m + i] = isnan(d.half_width) ? 0 : d.half_width;
    }
  compare_with_best(difference, half, m, best);
  for (size_t i = 0; i < m; i++) {
    point->row[who[i]].best = best[i];
    point->row[who[i]].tied = who[i] != winner && best[i].can_be_best;
  }
  double level = 1 - (1 - COMPARE_LEVEL) / (double)(n > 2 ? n - 1 : 1);
  for (size_t s = 0; s < n; s++)
    if (point->row[s].runs) point->row[s].difference = paired(c, point->point, s, winner, deciding(point), level);
}

/* ---- regret ---- */

/* What a strategy pays beyond the cheapest plan lies between its cost minus the best plan found and its cost minus the bound: for those that
 * attain with replicas of the stated size. */
static void fill_regret(Comparison *c, ComparePoint *point) {
  const Measure cost = {MEASURE_CLUSTER, CLUSTER_cluster_cost_usd, 0}, bound = {MEASURE_CLUSTER, CLUSTER_cost_lower_bound_usd, 0};
  size_t n = c->file->n_strategies, k = 0;
  while (k < n && !point->row[k].clairvoyant) k++;
  point->clairvoyant = k;
  for (size_t s = 0; s < n; s++) {
    CompareRow *row = &point->row[s];
    row->regret_achievable = row->regret_bound = (Interval){.mean = (double)NAN, .half_width = (double)NAN};
    if (k == n || s == k || !row->runs || !row->reaches || row->cluster[CLUSTER_resizes].mean > 0) continue;
    size_t own = values_of(&c->values, point->point, s, cost, c->value), other = values_of(&c->values, point->point, k, bound, c->other);
    for (size_t j = 0; j < own && j < other; j++) c->value[j] -= c->other[j];
    row->regret_bound = interval_of_mean(c->value, own < other ? own : other, COMPARE_LEVEL);
    if (point->row[k].reaches) row->regret_achievable = paired(c, point->point, s, k, cost, COMPARE_LEVEL);
  }
}

/* ---- quantiles ---- */

/* Pooling whole runs lies between the least and the greatest of them; inside a bin of the histogram it may not, where all jobs are equal. */
static double pooled_s(const uint64_t *counts, double p, const double *value, size_t n) {
  double least = (double)INFINITY, most = -INFINITY, pooled = histogram_counts_quantile_ns(counts, p) / 1e9;
  for (size_t k = 0; k < n; k++) {
    if (value[k] < least) least = value[k];
    if (value[k] > most) most = value[k];
  }
  return pooled < least ? least : pooled > most ? most : pooled;
}

static void pool_deployment(Comparison *c, const ComparePoint *point, size_t s, size_t d, const uint64_t *counts) {
  const ResultFile *file = c->file;
  uint64_t total = 0;
  for (size_t k = 0; k < HISTOGRAM_BINS; k++) total += counts[k];
  for (size_t m = 0; m < SUMMARY_COUNT && total; m++) {
    Measure measure = {MEASURE_SUMMARY, m, d};
    double p = measure_quantile(measure);
    if (!(p > 0)) continue;
    size_t n = values_of(&c->values, point->point, s, measure, c->value);
    uint64_t first = c->values.first[(size_t)point->point * file->n_strategies + s];
    double whole = file->n_batches ? file->summary[(m * file->n_runs + first) * file->n_deployments + d] : pooled_s(counts, p, c->value, n);
    Interval *interval = &point->row[s].metric[d * SUMMARY_COUNT + m];
    *interval = interval_by_sections(whole, c->value, n, COMPARE_LEVEL);
    if (total < quantile_sample_least(p, COMPARE_LEVEL)) interval->half_width = (double)NAN;
  }
}

bool compare_quantiles(Comparison *c, ComparePoint *point, Err *err) {
  const ResultFile *file = c->file;
  Arena arena = {0};
  bool ok = true;
  uint64_t *counts = ARENA_ARRAY(&arena, uint64_t, HISTOGRAM_BINS);
  for (size_t s = 0; s < file->n_strategies && ok && !point->pooled; s++)
    for (size_t d = 0; d < file->n_deployments && ok && point->row[s].runs; d++) {
      size_t cell = (size_t)point->point * file->n_strategies + s;
      memset(counts, 0, HISTOGRAM_BINS * sizeof *counts);
      ok = result_file_latency_of(file->path, c->values.first[cell], c->values.runs[cell], d, counts, err);
      if (ok) pool_deployment(c, point, s, d, counts);
    }
  point->pooled = point->pooled || ok;
  arena_free(&arena);
  return ok;
}

/* ---- all points ---- */

static const char *const *point_values(const ResultFile *file, uint64_t run, Arena *arena) {
  const char **value = ARENA_ARRAY(arena, const char *, file->n_parameters + 1);
  for (size_t p = 0; p < file->n_parameters; p++) value[p] = file->parameter_value[p * file->n_runs + run];
  return value;
}

void compare(Comparison *c, const ResultFile *file, bool control, Arena *arena) {
  *c = (Comparison){.file = file, .arena = arena, .control = control};
  values_begin(&c->values, file, arena);
  c->value = ARENA_ARRAY(arena, double, c->values.most + 1);
  c->other = ARENA_ARRAY(arena, double, c->values.most + 1);
  c->n_points = c->values.n_points;
  c->point = ARENA_ARRAY(arena, ComparePoint, c->n_points);
  for (size_t p = 0; p < c->n_points; p++) {
    ComparePoint *point = &c->point[p];
    point->point = p;
    point->value = point_values(file, c->values.first[p * file->n_strategies], arena);
    point->row = ARENA_ARRAY(arena, CompareRow, file->n_strategies);
    for (size_t s = 0; s < file->n_strategies; s++) {
      fill_row(c, p, s, &point->row[s]);
      point->by_cost = point->by_cost || (point->row[s].reaches && point->row[s].runs && !point->row[s].clairvoyant);
    }
    fill_regret(c, point);
    size_t winner = find_winner(point, file->n_strategies);
    if (winner == file->n_strategies) continue;
    point->decided = true;
    point->row[winner].winner = true;
    tell_apart(c, point, winner);
  }
}
