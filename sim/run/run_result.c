/* From integer sums to the columns of result.h. */
#include <math.h>
#include <string.h>

#include "sim/base/check.h"
#include "sim/core/event.h"
#include "sim/run/run_internal.h"

static const double MISSING = (double)NAN;

static double ratio(double a, double b) { return b > 0 ? a / b : MISSING; }

/* Rows [first, after) of the run, whole slices. */
typedef struct Window {
  int first, after;
  double ns;
} Window;

static Window window_of(int64_t horizon_ns, int first, int after) {
  return (Window){first, after, (double)(row_start_ns(horizon_ns, after) - row_start_ns(horizon_ns, first))};
}

/* Jobs neither finished nor lost at the end, by the slice of their first arrival; the young ones could still attain the objective. */
typedef struct Unfinished {
  uint64_t all[SLICES], young[SLICES];
} Unfinished;

static void unfinished_add(const Station *s, uint32_t id, Unfinished *u) {
  const Job *job = &s->job[id];
  if (job->abandoned) return;
  int64_t horizon = s->scenario->horizon_ns, objective = s->spec->objective.latency_ns;
  int slice = row_of(horizon, job->first_ns) / ROWS_PER_SLICE;
  u->all[slice]++;
  u->young[slice] += objective == 0 || horizon - job->first_ns <= objective;
}

static void unfinished_count(const Station *s, Unfinished *u) {
  memset(u, 0, sizeof *u);
  for (uint32_t id = s->waiting.head; id != JOB_NONE; id = s->job[id].next) unfinished_add(s, id, u);
  for (uint32_t e = 0; e < s->n_entries; e++)
    for (uint32_t id = s->entry[e].queue.head; s->entry[e].state != ENTRY_FREE && id != JOB_NONE; id = s->job[id].next) unfinished_add(s, id, u);
  for (uint32_t k = 0; k < s->n_entries * s->slots_per_entry; k++)
    if (s->slot[k].job != JOB_NONE) unfinished_add(s, s->slot[k].job, u);
  for (size_t k = 0; s->events && k < s->events->count; k++) {
    HeapItem item = s->events->item[k];
    if (event_class(item.rank) == CLASS_ARRIVAL && (item.rank >> 32 & 0xffffffu) == s->deployment) unfinished_add(s, (uint32_t)item.payload, u);
  }
}

static double mean_accuracy(const DeploymentSpec *spec, const JobCounts *jobs) {
  double sum = 0;
  for (size_t v = 0; v < spec->variants.count; v++) sum += (double)jobs->by_variant[v] * deployment_variant(spec, v)->accuracy_ratio;
  return ratio(sum, (double)jobs->finished);
}

static double usd(__int128 nano_usd_per_h_ns) { return (double)nano_usd_per_h_ns / 3.6e12 / 1e9; }

static void summary_jobs(const Run *run, uint32_t d, const JobCounts *jobs, const Unfinished *u, const Window *window, double *out) {
  const DeploymentSpec *spec = run->target[d].spec;
  uint64_t in_flight = 0, young = 0;
  for (int k = window->first / ROWS_PER_SLICE; k < window->after / ROWS_PER_SLICE; k++) in_flight += u->all[k], young += u->young[k];
  double offered = (double)jobs->offered, finished = (double)jobs->finished, mean = ratio((double)jobs->latency_ns, finished);
  double lost = (double)(jobs->dropped + jobs->abandoned + jobs->failed);
  CHECK(jobs->offered == jobs->finished + jobs->dropped + jobs->abandoned + jobs->failed + in_flight);
  out[SUMMARY_offered] = offered;
  out[SUMMARY_finished] = finished;
  out[SUMMARY_dropped] = (double)jobs->dropped;
  out[SUMMARY_abandoned] = (double)jobs->abandoned;
  out[SUMMARY_failed] = (double)jobs->failed;
  out[SUMMARY_in_flight] = (double)in_flight;
  out[SUMMARY_attempts] = (double)jobs->attempts;
  out[SUMMARY_attainment_ratio] = ratio((double)jobs->within, offered - (double)young);
  out[SUMMARY_unserved_ratio] = ratio(lost, offered);
  out[SUMMARY_latency_mean_s] = mean / 1e9;
  out[SUMMARY_latency_variance_s2] = ratio((double)jobs->latency_ns2, finished) / 1e18 - mean * mean / 1e18;
  out[SUMMARY_queue_wait_mean_s] = ratio((double)jobs->wait_ns, finished) / 1e9;
  out[SUMMARY_waited_ratio] = ratio((double)jobs->waited, finished);
  out[SUMMARY_accuracy_ratio] = mean_accuracy(spec, jobs);
  out[SUMMARY_miss_cost_usd] = (offered - (double)young - (double)jobs->within) * ((double)spec->objective.miss_cost_nano_usd / 1e9);
}

/* counts: where to export them, or NULL. */
static void summary_latency(const Meter *meter, const Window *rows, uint64_t *counts, double *out) {
  Histogram window = {.arena = meter->arena};
  for (int k = rows->first / ROWS_PER_SLICE; k < rows->after / ROWS_PER_SLICE; k++) histogram_merge(&window, &meter->slice_latency[k]);
  if (counts) histogram_export(&window, counts);
  static const struct { int column; double q; } quantile[] = {{SUMMARY_latency_p50_s, 0.5}, {SUMMARY_latency_p90_s, 0.9},
      {SUMMARY_latency_p95_s, 0.95}, {SUMMARY_latency_p99_s, 0.99}, {SUMMARY_latency_p999_s, 0.999}};
  for (size_t k = 0; k < sizeof quantile / sizeof *quantile; k++)
    out[quantile[k].column] = histogram_quantile_ns(&window, quantile[k].q) / 1e9;
}

/* Eight columns in a row: mean and quantiles of the first token, then of the further ones. NaN without tokens. */
static void token_columns(const TokenRow *row, double *out[8]) {
  static const TokenRow none;
  const TokenSums *sums = row ? &row->sums : &none.sums;
  *out[0] = ratio((double)sums->ttft_ns, (double)sums->ttft_count) / 1e9;
  *out[4] = ratio((double)sums->tpot_ns, (double)sums->tpot_count) / 1e9;
  for (int k = 0; k < TOKEN_QUANTILES; k++) {
    *out[1 + k] = row ? row->ttft_ns[k] / 1e9 : MISSING;
    *out[5 + k] = row ? row->tpot_ns[k] / 1e9 : MISSING;
  }
}

/* Of windows that reach to the end: a batch within a run has none. */
static void summary_tokens(const Meter *meter, const Window *window, double *out) {
  TokenRow row;
  double *column[8];
  bool known = meter->tokens && window->after == TRACE_ROWS;
  for (int k = 0; k < 8; k++) column[k] = &out[SUMMARY_ttft_mean_s + k];
  if (known) tokens_summary(meter->tokens, window->first / ROWS_PER_SLICE, meter->arena, &row);
  token_columns(known ? &row : NULL, column);
}

static void trace_tokens(const Meter *meter, int r, double *const *trace) {
  double *column[8];
  for (int k = 0; k < 8; k++) column[k] = &trace[TRACE_ttft_mean_s + k][r];
  token_columns(meter->tokens ? &meter->tokens->done[r] : NULL, column);
}

static void summary_rates(Run *run, uint32_t d, const Window *window, double *out) {
  const Station *s = &run->station[d];
  const Target *target = &run->target[d];
  Integrals level = {0};
  TenantRow tenant = {0};
  uint64_t finished = 0, actions = 0, lost = 0;
  int64_t exhausted = 0;
  double ns = window->ns;
  for (int r = window->first; r < window->after; r++) {
    const TenantRow *row = &run->cluster.tenant_row[(size_t)d * TRACE_ROWS + (size_t)r];
    integrals_add(&level, &s->meter.done[r].level);
    tenant.cost += row->cost;
    tenant.millicores += row->millicores;
    finished += s->meter.done[r].jobs.finished;
    actions += target->rows->actions[r];
    exhausted += target->rows->exhausted_ns[r];
    lost += target->rows->lost[r];
  }
  out[SUMMARY_throughput_rps] = (double)finished / (ns / 1e9);
  out[SUMMARY_queue_jobs] = (double)level.queue / ns;
  out[SUMMARY_in_service_jobs] = (double)level.in_service / ns;
  out[SUMMARY_utilisation_ratio] = ratio((double)level.usage / s->concurrency, (double)level.request);
  out[SUMMARY_replicas_ready] = (double)level.ready / ns;
  out[SUMMARY_replicas_starting] = (double)level.starting / ns;
  out[SUMMARY_cost_usd] = usd(tenant.cost);
  out[SUMMARY_interrupted] = (double)level.interrupted;
  out[SUMMARY_replicas_lost] = (double)lost;
  out[SUMMARY_requested_cores] = (double)tenant.millicores / 1000 / ns;
  out[SUMMARY_scale_actions] = (double)actions;
  out[SUMMARY_exhausted_ratio] = (double)exhausted / ns;
}

/* Costs of what was done: after the columns that they divide. */
static void summary_costs(const Meter *meter, const Window *window, double *out) {
  uint64_t tokens = 0;
  for (int k = window->first / ROWS_PER_SLICE; meter->tokens && k < window->after / ROWS_PER_SLICE; k++) tokens += meter->tokens->slice[k].output;
  out[SUMMARY_cost_per_1000_jobs_usd] = ratio(1000 * out[SUMMARY_cost_usd], out[SUMMARY_finished]);
  out[SUMMARY_cost_per_million_tokens_usd] = ratio(1e6 * out[SUMMARY_cost_usd], (double)tokens);
}

static void build_summary(Run *run, uint32_t d, const Window *window, const Unfinished *unfinished, uint64_t *counts, double *out) {
  const Meter *meter = &run->station[d].meter;
  JobCounts jobs = {0};
  for (int k = window->first / ROWS_PER_SLICE; k < window->after / ROWS_PER_SLICE; k++) job_counts_add(&jobs, &meter->slice_jobs[k]);
  summary_jobs(run, d, &jobs, unfinished, window, out);
  summary_latency(meter, window, counts, out);
  summary_tokens(meter, window, out);
  summary_rates(run, d, window, out);
  summary_costs(meter, window, out);
  known_means(run, d, window->first, window->after, &out[SUMMARY_offered_expected], &out[SUMMARY_latency_erlang_s]);
}

/* ---- energy ---- */

/* In a row: watt nanoseconds of all machines. Starting nodes take what idle ones do; those that are down, or prepared and stopped, nothing. */
static double row_watt_ns(const Run *run, int r) {
  double sum = 0;
  for (uint32_t p = 0; p < run->cluster.n_pools; p++) {
    const PoolRow *row = &run->cluster.pool_row[(size_t)p * TRACE_ROWS + (size_t)r];
    sum += (double)(row->nodes_ready + row->nodes_starting) * ((double)run->cluster.pool[p].machine.idle_milliwatts / 1000);
  }
  for (uint32_t d = 0; d < run->n_targets; d++)
    sum += (double)run->station[d].meter.done[r].level.power / ((double)run->station[d].concurrency * (double)POWER_ONE * 1000);
  for (uint32_t d = run->n_targets; d < run->cluster.n_deployments; d++) /* training workers use all that is theirs */
    sum += (double)run->cluster.tenant_row[(size_t)d * TRACE_ROWS + (size_t)r].milliwatts / 1000;
  return sum;
}

static void cluster_energy(const Run *run, const Window *window, double *out) {
  const CarbonSpec *carbon = &run->scenario->cluster.carbon;
  int64_t horizon_ns = run->scenario->horizon_ns;
  bool known = false;
  double kwh = 0, grams = 0;
  for (uint32_t p = 0; p < run->cluster.n_pools; p++) known = known || run->cluster.pool[p].machine.busy_milliwatts > 0;
  for (int r = window->first; known && r < window->after; r++) {
    double row_kwh = row_watt_ns(run, r) / 3.6e15;
    kwh += row_kwh;
    grams += row_kwh * carbon->pue * carbon_g_per_kwh(carbon, row_start_ns(horizon_ns, r), row_start_ns(horizon_ns, r + 1));
  }
  out[CLUSTER_energy_kwh] = known ? kwh : MISSING;
  out[CLUSTER_carbon_kg] = known ? grams / 1000 : MISSING;
}

/* ---- what went wrong ---- */

static void cluster_troubles(const Run *run, const Window *window, double *out) {
  PoolRow sum = {0};
  int64_t horizon_ns = run->scenario->horizon_ns, out_ns = 0;
  uint32_t may_run_out = 0;
  for (uint32_t p = 0; p < run->cluster.n_pools; p++) {
    for (int r = window->first; r < window->after; r++) {
      const PoolRow *row = &run->cluster.pool_row[(size_t)p * TRACE_ROWS + (size_t)r];
      sum.nodes_down += row->nodes_down;
      sum.unused += row->unused;
      sum.failed += row->failed;
      sum.reclaimed += row->reclaimed;
      sum.starts_failed += row->starts_failed;
      sum.refused += row->refused;
      sum.warm += row->warm;
    }
    may_run_out += run->cluster.pool[p].stock.runs_out;
    out_ns += pool_out_ns(&run->cluster, p, row_start_ns(horizon_ns, window->first), row_start_ns(horizon_ns, window->after));
  }
  out[CLUSTER_nodes_down] = (double)sum.nodes_down / window->ns;
  out[CLUSTER_unused_commitment_usd] = usd(sum.unused);
  out[CLUSTER_nodes_failed] = (double)sum.failed;
  out[CLUSTER_nodes_reclaimed] = (double)sum.reclaimed;
  out[CLUSTER_starts_failed] = (double)sum.starts_failed;
  out[CLUSTER_orders_refused] = (double)sum.refused;
  out[CLUSTER_warm_starts] = (double)sum.warm;
  out[CLUSTER_stock_out_ratio] = may_run_out ? (double)out_ns / window->ns / may_run_out : 0;
}

/* Of all deployments over the same window. */
typedef struct AllJobs {
  double finished, miss_cost_usd;
} AllJobs;

static void all_jobs_add(AllJobs *all, const double *summary) {
  all->finished += summary[SUMMARY_finished];
  all->miss_cost_usd += summary[SUMMARY_miss_cost_usd];
}

static void build_cluster(Run *run, const Window *window, const AllJobs *all, double *out) {
  __int128 cost = 0, charged = 0, ready = 0;
  uint64_t ordered = 0;
  for (uint32_t p = 0; p < run->cluster.n_pools; p++) {
    ordered += run->cluster.pool_ordinal[p];
    for (int r = window->first; r < window->after; r++) {
      const PoolRow *row = &run->cluster.pool_row[(size_t)p * TRACE_ROWS + (size_t)r];
      cost += row->cost;
      ready += row->nodes_ready;
    }
  }
  for (uint32_t d = 0; d < run->cluster.n_deployments; d++)
    for (int r = window->first; r < window->after; r++) charged += run->cluster.tenant_row[(size_t)d * TRACE_ROWS + (size_t)r].cost;
  out[CLUSTER_cluster_cost_usd] = usd(cost);
  out[CLUSTER_idle_cost_usd] = usd(cost - charged);
  out[CLUSTER_nodes_ready] = (double)ready / window->ns;
  out[CLUSTER_nodes_ordered] = (double)ordered;
  cluster_energy(run, window, out);
  cluster_troubles(run, window, out);
  out[CLUSTER_miss_cost_total_usd] = all->miss_cost_usd;
  out[CLUSTER_cluster_cost_per_1000_jobs_usd] = ratio(1000 * out[CLUSTER_cluster_cost_usd], all->finished);
  out[CLUSTER_window_start_s] = s_from_ns(row_start_ns(run->scenario->horizon_ns, window->first));
  out[CLUSTER_resizes] = 0;
  for (uint32_t d = 0; d < run->n_targets; d++)
    if (run->target[d].policy->resizes) out[CLUSTER_resizes] = 1;
  out[CLUSTER_cost_lower_bound_usd] = (double)NAN; /* sim/lab fills it in for the clairvoyant strategy */
}

/* ---- batches ---- */

/* Columns that add up over time: a batch's is multiplied, so that the mean over batches is the whole window's. */
static const int additive[] = {SUMMARY_offered, SUMMARY_finished, SUMMARY_dropped, SUMMARY_abandoned, SUMMARY_failed, SUMMARY_in_flight,
                               SUMMARY_attempts, SUMMARY_cost_usd, SUMMARY_scale_actions, SUMMARY_offered_expected,
                               SUMMARY_interrupted, SUMMARY_replicas_lost, SUMMARY_miss_cost_usd};
static const int additive_cluster[] = {CLUSTER_cluster_cost_usd, CLUSTER_idle_cost_usd, CLUSTER_unused_commitment_usd, CLUSTER_miss_cost_total_usd,
                                       CLUSTER_energy_kwh, CLUSTER_carbon_kg, CLUSTER_nodes_failed, CLUSTER_nodes_reclaimed, CLUSTER_starts_failed,
                                       CLUSTER_orders_refused, CLUSTER_warm_starts};

static void build_batch(Run *run, RunResult *result, size_t b, const Window *window, const Unfinished *unfinished, double *row) {
  size_t n = result->n_batches;
  double times = (double)n;
  AllJobs all = {0, 0};
  for (uint32_t d = 0; d < run->n_targets; d++) {
    build_summary(run, d, window, &unfinished[d], NULL, row);
    all_jobs_add(&all, row);
    for (size_t k = 0; k < sizeof additive / sizeof *additive; k++) row[additive[k]] *= times;
    for (size_t m = 0; m < SUMMARY_COUNT; m++) result->batch[((size_t)d * SUMMARY_COUNT + m) * n + b] = row[m];
  }
  build_cluster(run, window, &all, row);
  for (size_t k = 0; k < sizeof additive_cluster / sizeof *additive_cluster; k++) row[additive_cluster[k]] *= times;
  for (size_t m = 0; m < CLUSTER_COUNT; m++) result->batch_cluster[m * n + b] = row[m];
}

static void build_batches(Run *run, RunResult *result, int first_row, int rows_each, const Unfinished *unfinished) {
  size_t n = (size_t)run->scenario->batches;
  double row[SUMMARY_COUNT + CLUSTER_COUNT] = {0};
  result->n_batches = n;
  result->batch = ARENA_ARRAY(run->arena, double, run->n_targets * SUMMARY_COUNT * n);
  result->batch_cluster = ARENA_ARRAY(run->arena, double, CLUSTER_COUNT * n);
  for (size_t b = 0; b < n; b++) {
    int first = first_row + (int)b * rows_each;
    Window window = window_of(run->scenario->horizon_ns, first, first + rows_each);
    build_batch(run, result, b, &window, unfinished, row);
  }
}

static void trace_jobs(const Run *run, uint32_t d, int r, double ns, double *const *column) {
  const MeterRow *row = &run->station[d].meter.done[r];
  const JobCounts *jobs = &row->jobs;
  double seconds = ns / 1e9, ended = (double)(jobs->finished + jobs->dropped + jobs->abandoned + jobs->failed);
  column[TRACE_offered_rps][r] = (double)jobs->offered / seconds;
  column[TRACE_throughput_rps][r] = (double)jobs->finished / seconds;
  column[TRACE_dropped_rps][r] = (double)jobs->dropped / seconds;
  column[TRACE_abandoned_rps][r] = (double)jobs->abandoned / seconds;
  column[TRACE_failed_rps][r] = (double)jobs->failed / seconds;
  column[TRACE_attainment_ratio][r] = ratio((double)jobs->within, ended);
  column[TRACE_latency_mean_s][r] = ratio((double)jobs->latency_ns, (double)jobs->finished) / 1e9;
  column[TRACE_latency_p50_s][r] = row->latency_p50_ns / 1e9;
  column[TRACE_latency_p95_s][r] = row->latency_p95_ns / 1e9;
  column[TRACE_latency_p99_s][r] = row->latency_p99_ns / 1e9;
  column[TRACE_queue_jobs][r] = (double)row->level.queue / ns;
  column[TRACE_in_service_jobs][r] = (double)row->level.in_service / ns;
  column[TRACE_utilisation_ratio][r] = ratio((double)row->level.usage / run->station[d].concurrency, (double)row->level.request);
  column[TRACE_replicas_starting][r] = (double)row->level.starting / ns;
  column[TRACE_replicas_ready][r] = (double)row->level.ready / ns;
  column[TRACE_replicas_draining][r] = (double)row->level.draining / ns;
  column[TRACE_accuracy_ratio][r] = mean_accuracy(run->target[d].spec, jobs);
}

static void trace_control(const Run *run, uint32_t d, int r, double ns, __int128 *spent, double *const *column) {
  const TenantRow *row = &run->cluster.tenant_row[(size_t)d * TRACE_ROWS + (size_t)r];
  const TargetRows *rows = run->target[d].rows;
  *spent += row->cost;
  column[TRACE_replicas_wished][r] = rows->replicas_wished[r];
  column[TRACE_replicas_pending][r] = (double)row->pending / ns;
  column[TRACE_requested_cores][r] = (double)row->millicores / 1000 / ns;
  column[TRACE_requested_memory_bytes][r] = (double)row->bytes / ns;
  column[TRACE_requested_gpus][r] = (double)row->milligpus / 1000 / ns;
  column[TRACE_replica_cores][r] = rows->replica_cores[r];
  column[TRACE_variant][r] = rows->variant[r];
  column[TRACE_data_size_bytes][r] = rows->data_size_bytes[r];
  column[TRACE_resource_limit][r] = rows->resource_limit[r];
  column[TRACE_model_state][r] = rows->model_state[r];
  column[TRACE_cost_usd_per_h][r] = (double)row->cost / 1e9 / ns;
  column[TRACE_cost_cumulative_usd][r] = usd(*spent);
}

static double row_ns(const Run *run, int r) {
  return (double)(row_start_ns(run->scenario->horizon_ns, r + 1) - row_start_ns(run->scenario->horizon_ns, r));
}

static void build_trace(Run *run, RunResult *result) {
  for (uint32_t d = 0; d < run->n_targets; d++) {
    double *column[TRACE_COUNT];
    for (size_t c = 0; c < TRACE_COUNT; c++) column[c] = result->trace + (c * run->n_targets + d) * TRACE_ROWS;
    __int128 spent = 0;
    for (int r = 0; r < TRACE_ROWS; r++) {
      trace_jobs(run, d, r, row_ns(run, r), column);
      trace_tokens(&run->station[d].meter, r, column);
      trace_control(run, d, r, row_ns(run, r), &spent, column);
    }
  }
}

static void build_pool_trace(Run *run, RunResult *result) {
  uint32_t n = run->cluster.n_pools;
  for (uint32_t p = 0; p < n; p++) {
    __int128 spent = 0;
    for (int r = 0; r < TRACE_ROWS; r++) {
      const PoolRow *row = &run->cluster.pool_row[(size_t)p * TRACE_ROWS + (size_t)r];
      double ns = row_ns(run, r);
      double *out = result->pool_trace + (size_t)p * TRACE_ROWS + r;
      size_t stride = (size_t)n * TRACE_ROWS;
      spent += row->cost;
      out[POOL_nodes_ready * stride] = (double)row->nodes_ready / ns;
      out[POOL_nodes_starting * stride] = (double)row->nodes_starting / ns;
      out[POOL_nodes_down * stride] = (double)row->nodes_down / ns;
      out[POOL_nodes_lost * stride] = (double)(row->failed + row->reclaimed);
      out[POOL_stock_out_ratio * stride] = (double)pool_out_ns(&run->cluster, p, row_start_ns(run->scenario->horizon_ns, r), row_start_ns(run->scenario->horizon_ns, r + 1)) / ns;
      out[POOL_cpu_reserved_ratio * stride] = ratio((double)row->used_millicores, (double)row->room_millicores);
      out[POOL_memory_reserved_ratio * stride] = ratio((double)row->used_bytes, (double)row->room_bytes);
      out[POOL_gpu_reserved_ratio * stride] = ratio((double)row->used_milligpus, (double)row->room_milligpus);
      out[POOL_cost_usd_per_h * stride] = (double)row->cost / 1e9 / ns;
      out[POOL_cost_cumulative_usd * stride] = usd(spent);
    }
  }
}

/* ---- the window ---- */

/* The first slice before which every deployment that jobs come to from outside has had `wanted` of them; SLICES: none. */
static int slice_after_jobs(const Run *run, uint64_t wanted) {
  int last = 0;
  for (uint32_t d = 0; d < run->n_targets; d++) {
    const Arrivals *arrivals = &run->station[d].arrivals;
    if (!arrivals->workload || !(arrivals->workload->mean_rps(arrivals->deployment->workload.arrivals.params, run->scenario->horizon_ns) > 0)) continue;
    uint64_t offered = 0;
    int k = 0;
    while (k < SLICES && offered < wanted) offered += run->station[d].meter.slice_jobs[k++].offered;
    if (offered < wanted) return SLICES;
    last = k > last ? k : last;
  }
  return last;
}

int scenario_first_row(const Scenario *scenario) {
  __int128 scaled = (__int128)scenario->warmup_ns * SLICES;
  return (int)((scaled + scenario->horizon_ns - 1) / scenario->horizon_ns) * ROWS_PER_SLICE;
}

/* First row after the warm-up, rounded up to a whole slice; TRACE_ROWS where nothing is left. */
static int first_summary_row(const Run *run) {
  const Scenario *scenario = run->scenario;
  int slice = scenario_first_row(scenario) / ROWS_PER_SLICE;
  int after_jobs = scenario->warmup_jobs > 0 ? slice_after_jobs(run, (uint64_t)scenario->warmup_jobs) : 0;
  return (after_jobs > slice ? after_jobs : slice) * ROWS_PER_SLICE;
}

/* Batches are equal: what their number leaves over is counted to the warm-up. False after failing the run. */
static bool choose_window(Run *run, int *first_row, int *rows_each) {
  *first_row = first_summary_row(run);
  if (*first_row >= TRACE_ROWS) {
    run_fail(run, "warmup_jobs: fewer than %lld jobs arrived in 63/64 of the horizon", (long long)run->scenario->warmup_jobs);
    return false;
  }
  int batches = (int)run->scenario->batches;
  if (!batches) return true;
  *rows_each = (TRACE_ROWS - *first_row) / ROWS_PER_SLICE / batches * ROWS_PER_SLICE;
  if (!*rows_each) {
    run_fail(run, "batches: the warm-up leaves %d slices of 64, fewer than %d batches", (TRACE_ROWS - *first_row) / ROWS_PER_SLICE, batches);
    return false;
  }
  *first_row = TRACE_ROWS - batches * *rows_each;
  return true;
}

void result_build(Run *run, RunResult *result) {
  for (uint32_t f = 0; f < run->n_flows; f++) flow_end(&run->flow[f]);
  for (uint32_t d = 0; d < run->n_targets; d++) control_fill_rows(run, d, run->scenario->horizon_ns);
  training_end(run);
  cluster_end(&run->cluster);
  int first_row, rows_each = 0;
  if (!choose_window(run, &first_row, &rows_each)) return;
  size_t n = run->n_targets;
  Window window = window_of(run->scenario->horizon_ns, first_row, TRACE_ROWS);
  Unfinished *unfinished = ARENA_ARRAY(run->arena, Unfinished, n);
  result->summary = ARENA_ARRAY(run->arena, double, n * SUMMARY_COUNT);
  result->cluster = ARENA_ARRAY(run->arena, double, CLUSTER_COUNT);
  result->latency_counts = ARENA_ARRAY(run->arena, uint64_t, n * HISTOGRAM_BINS);
  AllJobs all = {0, 0};
  for (uint32_t d = 0; d < n; d++) {
    unfinished_count(&run->station[d], &unfinished[d]);
    double *own = result->summary + (size_t)d * SUMMARY_COUNT;
    build_summary(run, d, &window, &unfinished[d], result->latency_counts + (size_t)d * HISTOGRAM_BINS, own);
    all_jobs_add(&all, own);
  }
  build_cluster(run, &window, &all, result->cluster);
  training_results(run, first_row, result);
  if (rows_each) build_batches(run, result, first_row, rows_each, unfinished);
  if (!run->options.trace) return;
  result->trace = ARENA_ARRAY(run->arena, double, TRACE_COUNT * n * TRACE_ROWS);
  result->pool_trace = ARENA_ARRAY(run->arena, double, (size_t)POOL_COUNT * run->cluster.n_pools * TRACE_ROWS);
  build_trace(run, result);
  build_pool_trace(run, result);
  result->decision = run->row;
  result->n_decisions = run->n_rows;
}
