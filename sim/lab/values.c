/* From runs to independent values; see values.h. */
#include "sim/lab/values.h"

#include <math.h>

#include "sim/base/text.h"

void values_begin(Values *values, const ResultFile *file, Arena *arena) {
  *values = (Values){.file = file, .most = file->n_batches};
  for (uint64_t r = 0; r < file->n_runs; r++)
    if (file->run_point[r] >= values->n_points) values->n_points = (size_t)file->run_point[r] + 1;
  size_t cells = values->n_points * file->n_strategies;
  values->first = ARENA_ARRAY(arena, uint64_t, cells);
  values->runs = ARENA_ARRAY(arena, uint32_t, cells);
  for (uint64_t r = 0; r < file->n_runs; r++) {
    size_t cell = (size_t)file->run_point[r] * file->n_strategies + file->run_strategy[r];
    if (values->runs[cell]++ == 0) values->first[cell] = r;
    if (values->runs[cell] > values->most) values->most = values->runs[cell];
  }
}

static double gap(const ResultFile *file, uint64_t run, size_t batch) {
  double worst = -INFINITY;
  for (size_t d = 0; d < file->n_deployments; d++) {
    if (!(file->objective_latency_s[d] > 0)) continue;
    size_t cell = (SUMMARY_attainment_ratio * file->n_runs + run) * file->n_deployments + d;
    double attained = file->n_batches ? file->batch[cell * file->n_batches + batch] : file->summary[cell];
    if (file->objective_attainment_ratio[d] - attained > worst) worst = file->objective_attainment_ratio[d] - attained;
  }
  return worst;
}

static double value_of_run(const ResultFile *file, uint64_t run, size_t batch, Measure m) {
  size_t cell = (size_t)((m.column * file->n_runs + run) * file->n_deployments + m.deployment), total = (size_t)(m.column * file->n_runs + run);
  if (file->status[run] != 0) return (double)NAN;
  switch (m.kind) {
    case MEASURE_SUMMARY: return file->n_batches ? file->batch[cell * file->n_batches + batch] : file->summary[cell];
    case MEASURE_CLUSTER: return file->n_batches ? file->batch_cluster[total * file->n_batches + batch] : file->cluster[total];
    case MEASURE_GAP: return gap(file, run, batch);
    case MEASURE_TRAINING: return file->training[(size_t)(m.column * file->n_runs + run) * file->n_queues + m.deployment];
  }
  return (double)NAN;
}

size_t values_of(const Values *values, uint64_t point, size_t strategy, Measure measure, double *value) {
  const ResultFile *file = values->file;
  size_t cell = (size_t)point * file->n_strategies + strategy, runs = values->runs[cell], n = 0;
  uint64_t first = values->first[cell];
  if (file->n_batches) {
    for (; runs && n < file->n_batches; n++) value[n] = value_of_run(file, first, n, measure);
  } else if (file->antithetic) {
    for (size_t k = 0; k + 1 < runs; k += 2)
      value[n++] = (value_of_run(file, first + k, 0, measure) + value_of_run(file, first + k + 1, 0, measure)) / 2;
  } else {
    for (; n < runs; n++) value[n] = value_of_run(file, first + n, 0, measure);
  }
  return n;
}

const char *values_name(const ResultFile *file) {
  return file->n_batches ? "batches" : file->antithetic ? "pairs of antithetic replications" : "replications";
}

bool measure_find(const char *name, Measure *measure) {
  for (size_t k = 0; k < SUMMARY_COUNT; k++)
    if (text_equal(summary_column[k].name, name)) {
      *measure = (Measure){MEASURE_SUMMARY, k, 0};
      return true;
    }
  for (size_t k = 0; k < CLUSTER_COUNT; k++)
    if (text_equal(cluster_column[k].name, name)) {
      *measure = (Measure){MEASURE_CLUSTER, k, 0};
      return true;
    }
  for (size_t k = 0; k < TRAINING_COUNT; k++)
    if (text_equal(training_column[k].name, name)) {
      *measure = (Measure){MEASURE_TRAINING, k, 0};
      return true;
    }
  return false;
}

const char *measure_owner(const ResultFile *file, Measure measure) {
  if (measure.kind == MEASURE_TRAINING) return file->queue[measure.deployment];
  return measure.kind == MEASURE_SUMMARY ? file->deployment[measure.deployment] : NULL;
}

const ColumnInfo *measure_info(Measure measure) {
  if (measure.kind == MEASURE_TRAINING) return &training_column[measure.column];
  return measure.kind == MEASURE_CLUSTER ? &cluster_column[measure.column] : &summary_column[measure.column];
}

double measure_quantile(Measure measure) {
  if (measure.kind != MEASURE_SUMMARY) return 0;
  switch (measure.column) {
    case SUMMARY_latency_p50_s: return 0.5;
    case SUMMARY_latency_p90_s: return 0.9;
    case SUMMARY_latency_p95_s: return 0.95;
    case SUMMARY_latency_p99_s: return 0.99;
    case SUMMARY_latency_p999_s: return 0.999;
    default: return 0;
  }
}
