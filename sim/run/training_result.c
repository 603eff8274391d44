/* From what training queues counted to the columns of result.h. */
#include <math.h>
#include <stdlib.h>

#include "sim/base/check.h"
#include "sim/run/run_internal.h"

static double ratio(double a, double b) { return b > 0 ? a / b : (double)NAN; }
static double gpu_h(__int128 milligpu_ns) { return (double)milligpu_ns / 3.6e15; }
static double usd(__int128 nano_usd_per_h_ns) { return (double)nano_usd_per_h_ns / 3.6e12 / 1e9; }

static const TenantRow *tenant_row(const Run *run, const TrainingQueue *queue, int r) {
  return &run->cluster.tenant_row[(size_t)queue->tenant * TRACE_ROWS + (size_t)r];
}

/* All GPU time that the cluster says the queue's workers held is useful, lost or overhead, to the last milli-GPU nanosecond. */
static void check_gpu_time(const Run *run, const TrainingQueue *queue) {
  __int128 held = 0, accounted = 0;
  for (int r = 0; r < TRACE_ROWS; r++) {
    held += tenant_row(run, queue, r)->milligpus;
    accounted += queue->row[r].useful + queue->row[r].lost + queue->row[r].overhead;
  }
  CHECK(held == accounted);
}

/* ---- times of finished jobs ---- */

static int compare_ns(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Linear between order statistics, as numpy does it. */
static double quantile_s(const int64_t *sorted, size_t n, double p) {
  if (!n) return (double)NAN;
  double place = p * (double)(n - 1);
  size_t k = (size_t)place;
  double low = (double)sorted[k], high = (double)sorted[k + 1 < n ? k + 1 : k];
  return (low + (high - low) * (place - (double)k)) / 1e9;
}

static void job_columns(Run *run, const TrainingQueue *queue, int first_row, double *out) {
  int64_t *completion = ARENA_ARRAY(run->arena, int64_t, queue->n_finished), *waited = ARENA_ARRAY(run->arena, int64_t, queue->n_finished), last_ns = 0;
  int64_t from_ns = row_start_ns(run->scenario->horizon_ns, first_row), first_ns = INSTANT_NEVER;
  __int128 sum = 0, sum_waited = 0;
  double accuracy = 0;
  size_t n = 0;
  for (size_t k = 0; k < queue->n_finished; k++) {
    const FinishedTraining *job = &queue->finished[k];
    if (job->submitted_ns < from_ns) continue;
    sum += completion[n] = job->finished_ns - job->submitted_ns;
    sum_waited += waited[n++] = job->waited_ns;
    accuracy += queue->spec->variants.count ? queue->variant[job->variant].accuracy_ratio : 1;
    if (job->finished_ns > last_ns) last_ns = job->finished_ns;
    if (job->submitted_ns < first_ns) first_ns = job->submitted_ns;
  }
  qsort(completion, n, sizeof *completion, compare_ns);
  qsort(waited, n, sizeof *waited, compare_ns);
  out[TRAINING_completion_mean_s] = ratio((double)sum, (double)n) / 1e9;
  out[TRAINING_completion_p50_s] = quantile_s(completion, n, 0.5);
  out[TRAINING_completion_p95_s] = quantile_s(completion, n, 0.95);
  out[TRAINING_completion_p99_s] = quantile_s(completion, n, 0.99);
  out[TRAINING_queueing_mean_s] = ratio((double)sum_waited, (double)n) / 1e9;
  out[TRAINING_queueing_p95_s] = quantile_s(waited, n, 0.95);
  out[TRAINING_makespan_s] = n ? s_from_ns(last_ns - first_ns) : (double)NAN;
  out[TRAINING_trained_accuracy_ratio] = ratio(accuracy, (double)n);
}

/* ---- GPUs ---- */

static double pools_gpu_time(const Run *run, const PoolList *pools, int first_row, bool used) {
  double sum = 0;
  for (uint32_t k = 0; k < pools->count; k++)
    for (int r = first_row; r < TRACE_ROWS; r++) {
      const PoolRow *row = &run->cluster.pool_row[(size_t)pools->pool[k] * TRACE_ROWS + (size_t)r];
      sum += (double)(used ? row->used_milligpus : row->room_milligpus);
    }
  return sum;
}

static double cluster_gpu_ratio(Run *run, int first_row) {
  uint32_t *pool = ARENA_ARRAY(run->arena, uint32_t, run->cluster.n_pools);
  for (uint32_t p = 0; p < run->cluster.n_pools; p++) pool[p] = p;
  const PoolList all = {pool, run->cluster.n_pools};
  return ratio(pools_gpu_time(run, &all, first_row, true), pools_gpu_time(run, &all, first_row, false));
}

static void queue_columns(Run *run, const TrainingQueue *queue, int first_row, double *out) {
  TrainingRow sum = {0};
  __int128 cost = 0, held = 0;
  double ns = (double)(run->scenario->horizon_ns - row_start_ns(run->scenario->horizon_ns, first_row));
  for (int r = first_row; r < TRACE_ROWS; r++) {
    const TrainingRow *row = &queue->row[r];
    sum.useful += row->useful, sum.lost += row->lost, sum.overhead += row->overhead;
    sum.waiting += row->waiting, sum.running += row->running, sum.wanted += row->wanted;
    sum.preemptions += row->preemptions, sum.restarts += row->restarts, sum.rescales += row->rescales;
    sum.stayed_ns += row->stayed_ns;
    sum.submitted += row->submitted, sum.finished += row->finished, sum.cancelled += row->cancelled, sum.rejected += row->rejected;
    cost += tenant_row(run, queue, r)->cost;
    held += tenant_row(run, queue, r)->milligpus;
  }
  out[TRAINING_submitted] = (double)sum.submitted;
  out[TRAINING_completed] = (double)sum.finished;
  out[TRAINING_cancelled] = (double)sum.cancelled;
  out[TRAINING_rejected] = (double)sum.rejected;
  out[TRAINING_unfinished] = (double)(sum.submitted - sum.finished - sum.cancelled - sum.rejected);
  out[TRAINING_in_system_mean_s] = ratio((double)sum.stayed_ns, (double)(sum.submitted - sum.rejected)) / 1e9;
  out[TRAINING_waiting_jobs] = (double)sum.waiting / ns;
  out[TRAINING_running_jobs] = (double)sum.running / ns;
  out[TRAINING_gpus] = (double)held / 1000 / ns;
  out[TRAINING_gpus_wanted] = (double)sum.wanted / 1000 / ns;
  out[TRAINING_gpu_share_ratio] = ratio((double)held, pools_gpu_time(run, &run->cluster.deployment_pools[queue->tenant], first_row, false));
  out[TRAINING_cluster_gpu_ratio] = cluster_gpu_ratio(run, first_row);
  out[TRAINING_goodput_ratio] = ratio((double)sum.useful, (double)(sum.useful + sum.lost + sum.overhead));
  out[TRAINING_useful_gpu_h] = gpu_h(sum.useful);
  out[TRAINING_lost_gpu_h] = gpu_h(sum.lost);
  out[TRAINING_overhead_gpu_h] = gpu_h(sum.overhead);
  out[TRAINING_preemptions] = (double)sum.preemptions;
  out[TRAINING_restarts] = (double)sum.restarts;
  out[TRAINING_rescales] = (double)sum.rescales;
  out[TRAINING_training_cost_usd] = usd(cost);
}

static void trace_columns(Run *run, const TrainingQueue *queue, size_t q, double *trace) {
  __int128 spent = 0;
  double *column[TRAINING_TRACE_COUNT];
  for (size_t c = 0; c < TRAINING_TRACE_COUNT; c++) column[c] = trace + (c * run->training.n_queues + q) * TRACE_ROWS;
  for (int r = 0; r < TRACE_ROWS; r++) {
    const TrainingRow *row = &queue->row[r];
    const TenantRow *tenant = tenant_row(run, queue, r);
    double ns = (double)(row_start_ns(run->scenario->horizon_ns, r + 1) - row_start_ns(run->scenario->horizon_ns, r));
    spent += tenant->cost;
    column[TRAINING_TRACE_waiting_jobs][r] = (double)row->waiting / ns;
    column[TRAINING_TRACE_running_jobs][r] = (double)row->running / ns;
    column[TRAINING_TRACE_gpus][r] = (double)tenant->milligpus / 1000 / ns;
    column[TRAINING_TRACE_gpus_wanted][r] = (double)row->wanted / 1000 / ns;
    column[TRAINING_TRACE_workers_pending][r] = (double)tenant->pending / ns;
    column[TRAINING_TRACE_submitted][r] = (double)row->submitted;
    column[TRAINING_TRACE_ended][r] = (double)row->ended;
    column[TRAINING_TRACE_preemptions][r] = (double)row->preemptions;
    column[TRAINING_TRACE_restarts][r] = (double)row->restarts;
    column[TRAINING_TRACE_rescales][r] = (double)row->rescales;
    column[TRAINING_TRACE_cost_usd_per_h][r] = (double)tenant->cost / 1e9 / ns;
    column[TRAINING_TRACE_cost_cumulative_usd][r] = usd(spent);
  }
}

void training_results(Run *run, int first_row, RunResult *result) {
  size_t n = run->training.n_queues;
  if (!n) return;
  result->training = ARENA_ARRAY(run->arena, double, n * TRAINING_COUNT);
  if (run->options.trace) result->training_trace = ARENA_ARRAY(run->arena, double, TRAINING_TRACE_COUNT * n * TRACE_ROWS);
  for (size_t q = 0; q < n; q++) {
    const TrainingQueue *queue = &run->training.queue[q];
    check_gpu_time(run, queue);
    job_columns(run, queue, first_row, result->training + q * TRAINING_COUNT);
    queue_columns(run, queue, first_row, result->training + q * TRAINING_COUNT);
    if (run->options.trace) trace_columns(run, queue, q, result->training_trace);
  }
}
