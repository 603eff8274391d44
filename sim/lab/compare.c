/* Gathering runs by point and strategy, intervals, and who wins; see compare.h for the rule. */
#include "sim/lab/compare.h"

#include <math.h>
#include <string.h>

/* The finished run of (point, strategy, replication), or -1. Runs are stored in that order. */
static int64_t find_run(const ResultFile *file, uint64_t index) {
  return index < file->n_runs && file->status[index] == 0 ? (int64_t)index : -1;
}

static size_t replications(const ResultFile *file) {
  uint32_t most = 0;
  for (uint64_t r = 0; r < file->n_runs; r++) most = file->run_replication[r] > most ? file->run_replication[r] : most;
  return (size_t)most + 1;
}

static double summary_value(const ResultFile *file, int64_t run, size_t d, size_t metric) {
  return run < 0 ? (double)NAN : file->summary[(metric * file->n_runs + (uint64_t)run) * file->n_deployments + d];
}

static double cluster_value(const ResultFile *file, int64_t run, size_t metric) {
  return run < 0 ? (double)NAN : file->cluster[metric * file->n_runs + (uint64_t)run];
}

static bool has_objective(const ResultFile *file, size_t d) { return file->objective_latency_s[d] > 0; }

typedef struct Gather {
  const ResultFile *file;
  size_t reps;
  double *value; /* [reps] scratch */
} Gather;

static uint64_t first_run(const Gather *g, uint64_t point, size_t strategy) {
  return (point * g->file->n_strategies + strategy) * g->reps;
}

static void fill_row(const Gather *g, uint64_t point, size_t strategy, CompareRow *row, Arena *arena) {
  const ResultFile *file = g->file;
  uint64_t first = first_run(g, point, strategy);
  row->strategy = file->strategy[strategy];
  row->metric = ARENA_ARRAY(arena, Interval, file->n_deployments * SUMMARY_COUNT);
  for (size_t k = 0; k < g->reps; k++) {
    row->runs += find_run(file, first + k) >= 0;
    row->failed += first + k < file->n_runs && file->status[first + k] != 0;
  }
  for (size_t d = 0; d < file->n_deployments; d++)
    for (size_t m = 0; m < SUMMARY_COUNT; m++) {
      for (size_t k = 0; k < g->reps; k++) g->value[k] = summary_value(file, find_run(file, first + k), d, m);
      row->metric[d * SUMMARY_COUNT + m] = interval_of_mean(g->value, g->reps, COMPARE_LEVEL);
    }
  for (size_t m = 0; m < CLUSTER_COUNT; m++) {
    for (size_t k = 0; k < g->reps; k++) g->value[k] = cluster_value(file, find_run(file, first + k), m);
    row->cluster[m] = interval_of_mean(g->value, g->reps, COMPARE_LEVEL);
  }
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

/* What decided, of one run: cost, or the attainment furthest below its objective (negated, so that less is better). */
static double deciding_value(const ResultFile *file, int64_t run, bool by_cost) {
  if (by_cost || run < 0) return cluster_value(file, run, CLUSTER_cluster_cost_usd);
  double worst = -INFINITY;
  for (size_t d = 0; d < file->n_deployments; d++) {
    if (!has_objective(file, d)) continue;
    double gap = file->objective_attainment_ratio[d] - summary_value(file, run, d, SUMMARY_attainment_ratio);
    if (gap > worst) worst = gap;
  }
  return worst;
}

static double row_value(const CompareRow *row, bool by_cost) { return by_cost ? row->cluster[CLUSTER_cluster_cost_usd].mean : row->worst_gap; }

static size_t find_winner(const ComparePoint *point, size_t n) {
  size_t best = n;
  for (size_t s = 0; s < n; s++) {
    const CompareRow *row = &point->row[s];
    if (!row->runs || (point->by_cost && !row->reaches) || row->worst_gap == (double)INFINITY) continue;
    if (best != n && row->failed > point->row[best].failed) continue; /* those that never failed come first */
    if (best == n || row->failed < point->row[best].failed || row_value(row, point->by_cost) < row_value(&point->row[best], point->by_cost)) best = s;
  }
  return best;
}

/* Paired differences from the winner; simultaneous by Bonferroni over the strategies compared with it. */
static void tell_apart(const Gather *g, ComparePoint *point, size_t winner) {
  const ResultFile *file = g->file;
  size_t n = file->n_strategies;
  double level = 1 - (1 - COMPARE_LEVEL) / (double)(n > 2 ? n - 1 : 1);
  for (size_t s = 0; s < n; s++) {
    CompareRow *row = &point->row[s];
    if (!row->runs) continue;
    for (size_t k = 0; k < g->reps; k++) {
      int64_t own = find_run(file, first_run(g, point->point, s) + k), best = find_run(file, first_run(g, point->point, winner) + k);
      g->value[k] = own < 0 || best < 0 ? (double)NAN : deciding_value(file, own, point->by_cost) - deciding_value(file, best, point->by_cost);
    }
    row->difference = interval_of_mean(g->value, g->reps, level);
    bool comparable = s != winner && row->worst_gap != (double)INFINITY && row->failed <= point->row[winner].failed && (!point->by_cost || row->reaches);
    double half = row->difference.half_width;
    row->tied = comparable && (isnan(half) ? row->difference.mean == 0 : fabs(row->difference.mean) <= half);
  }
}

static const char *const *point_values(const ResultFile *file, uint64_t run, Arena *arena) {
  const char **value = ARENA_ARRAY(arena, const char *, file->n_parameters + 1);
  for (size_t p = 0; p < file->n_parameters; p++) value[p] = file->parameter_value[p * file->n_runs + run];
  return value;
}

void compare(Comparison *comparison, const ResultFile *file, Arena *arena) {
  Gather g = {.file = file, .reps = replications(file)};
  g.value = ARENA_ARRAY(arena, double, g.reps);
  comparison->file = file;
  size_t per_point = file->n_strategies * g.reps;
  comparison->n_points = (size_t)(file->n_runs / per_point);
  comparison->point = ARENA_ARRAY(arena, ComparePoint, comparison->n_points);
  for (size_t p = 0; p < comparison->n_points; p++) {
    ComparePoint *point = &comparison->point[p];
    point->point = p;
    point->value = point_values(file, p * per_point, arena);
    point->row = ARENA_ARRAY(arena, CompareRow, file->n_strategies);
    for (size_t s = 0; s < file->n_strategies; s++) {
      fill_row(&g, p, s, &point->row[s], arena);
      point->by_cost = point->by_cost || (point->row[s].reaches && point->row[s].runs);
    }
    size_t winner = find_winner(point, file->n_strategies);
    if (winner == file->n_strategies) continue;
    point->decided = true;
    point->row[winner].winner = true;
    tell_apart(&g, point, winner);
  }
}
