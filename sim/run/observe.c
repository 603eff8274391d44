/* What policies see: the control plane as it is, the data plane as scrapes showed it, answers to the policy's own metric queries, and,
 * where it asks, every replica by itself. */
#include <math.h>
#include <string.h>

#include "sim/base/check.h"
#include "sim/run/run_internal.h"

/* ---- beginning ---- */

static bool is_quantile(MeterKind meter) { return meter == METER_LATENCY_P50_S || meter == METER_LATENCY_P95_S || meter == METER_LATENCY_P99_S; }

/* Values of single replicas are needed for the extremes, and where the policy reads them itself. */
static bool needs_replicas(const Target *target) {
  bool needs = target->policy->reads_replicas;
  for (size_t k = 0; k < target->n_queries; k++) {
    const MetricQuery *query = &target->query[k];
    needs |= query->per == METRIC_PER_REPLICA && meter_by_replica(query->meter) && (query->aggregate == METRIC_MAX || query->aggregate == METRIC_MIN);
  }
  return needs;
}

static void queries_begin(Run *run, Target *target) {
  if (target->policy->metrics) target->n_queries = target->policy->metrics(target->params, target->query);
  CHECK(target->n_queries <= POLICY_METRICS);
  for (size_t k = 0; k < target->n_queries; k++) {
    MetricQuery *query = &target->query[k];
    if (query->window_ns == METRIC_AS_STRATEGY) query->window_ns = target->timing.window_ns;
    if (query->lag_ns == METRIC_AS_STRATEGY) query->lag_ns = target->timing.lag_ns;
    query->scrape_ns = (query->scrape_ns + run->scrape_ns - 1) / run->scrape_ns * run->scrape_ns;
    /* A rate or a mean over no time is a mean over one scrape. */
    if (query->window_ns == 0 && (query->meter == METER_OFFERED_RPS || query->meter == METER_FINISHED_RPS || query->meter == METER_DROPPED_RPS)) query->window_ns = run->scrape_ns;
    target->sees_latencies |= is_quantile(query->meter);
  }
  target->sees_replicas = needs_replicas(target);
  target->value = ARENA_ARRAY(run->arena, MetricValue, target->n_queries);
}

void observe_begin(Run *run, uint32_t d) {
  Target *target = &run->target[d];
  target->timing = strategy_timing(run->scenario, run->strategy, target->spec->name);
  queries_begin(run, target);
  int64_t longest_ns = target->timing.window_ns + target->timing.lag_ns;
  for (size_t k = 0; k < target->n_queries; k++) {
    const MetricQuery *query = &target->query[k];
    int64_t ns = query->window_ns + query->lag_ns + query->scrape_ns;
    if (ns > longest_ns) longest_ns = ns;
  }
  uint32_t capacity = (uint32_t)(longest_ns / run->scrape_ns) + 4;
  scrapes_begin(&run->station[d].scrapes, run->station[d].arena, capacity, target->sees_replicas, target->sees_latencies);
}

/* ---- control plane ---- */

static void observe_counts(Run *run, uint32_t d, Observation *o) {
  const Target *target = &run->target[d];
  const Station *station = &run->station[d];
  o->replicas = target->replicas_wished;
  o->replicas_ready = station->n_ready;
  o->replicas_starting = station->n_starting;
  o->replicas_pending = run->cluster.deployment_pending[d];
  o->replicas_draining = station->n_draining;
  o->min_replicas = target->spec->replicas.min;
  o->max_replicas = target->spec->replicas.max;
  o->concurrency = target->spec->concurrency;
  o->request_millicores = target->request.millicores;
  o->request_bytes = target->request.bytes;
  o->request_milligpus = target->request.milligpus;
  o->initial_millicores = target->initial.millicores;
  o->initial_bytes = target->initial.bytes;
  o->initial_milligpus = target->initial.milligpus;
  o->arriving_jobs = o->ask == ASK_NONE ? 0 : run_arriving(run, d);
  o->waiting_jobs_now = (int64_t)station->n_waiting;
  o->in_service_jobs_now = (int64_t)station->n_busy;
  o->variant = target->variant;
  o->variants = (int)target->spec->variants.count;
  o->variant_view = target->view;
  o->objective_latency_ns = target->spec->objective.latency_ns;
  o->objective_attainment_ratio = target->spec->objective.attainment_ratio;
}

/* What one of the replicas costs on a node full of them: its dominant share of the node's price. */
static double replica_usd_per_h(const MachineType *machine, Resources request) {
  const Resources room = machine->allocatable;
  double share = 0, of[3] = {room.millicores > 0 ? (double)request.millicores / (double)room.millicores : 0,
                             room.bytes > 0 ? (double)request.bytes / (double)room.bytes : 0,
                             room.milligpus > 0 ? (double)request.milligpus / (double)room.milligpus : 0};
  for (int k = 0; k < 3; k++) share = of[k] > share ? of[k] : share;
  return share * (double)machine->nano_usd_per_h / 1e9;
}

static void observe_cluster(const Run *run, uint32_t d, Observation *o) {
  const Cluster *cluster = &run->cluster;
  const PoolList *pools = &cluster->deployment_pools[d];
  Resources cap = cluster_cap(cluster, d), request = run->target[d].request;
  o->cap_millicores = cap.millicores;
  o->cap_bytes = cap.bytes;
  o->placeable_replicas = deployment_placeable(cluster, d, request);
  o->stock_out = true;
  for (uint32_t k = 0; k < pools->count; k++) {
    uint32_t pool = pools->pool[k];
    if (!pool_closed(cluster, pool) && pool_may_order(cluster, pool) > 0) o->stock_out = false;
    o->pool_nodes += (int64_t)cluster->pool_nodes_ready[pool] + cluster->pool_nodes_starting[pool] + cluster->pool_level[pool].down;
    o->pool_max_nodes += cluster->pool[pool].max_nodes;
  }
  o->replica_usd_per_h = replica_usd_per_h(&cluster->pool[pools->pool[0]].machine, request);
  o->cluster_usd_per_h = (double)cluster_nano_usd_per_h(cluster) / 1e9;
  o->spent_usd = (double)cluster_spent_nano_usd(cluster) / 1e9;
}

/* ---- data plane ---- */

static double per(double sum, double count) { return count > 0 ? sum / count : (double)NAN; }

/* The scrapes that a window ends and begins with; before the first scrape it begins at the start. */
typedef struct Window {
  const Scrape *to, *from;
  double ns;
} Window;

static bool window_find(const Run *run, const Station *station, int64_t window_ns, int64_t lag_ns, int64_t every_ns, Window *window) {
  static const Scrape start;
  window->to = scrapes_at(&station->scrapes, run->now_ns - lag_ns, every_ns);
  if (!window->to) return false;
  window->from = scrapes_at(&station->scrapes, window->to->sums.at_ns - window_ns, 0);
  if (!window->from) window->from = &start;
  window->ns = (double)(window->to->sums.at_ns - window->from->sums.at_ns);
  return true;
}

static double ttft_mean_s(const Sample *to, const Sample *from) {
  return per((double)(to->tokens.ttft_ns - from->tokens.ttft_ns) / 1e9, (double)(to->tokens.ttft_count - from->tokens.ttft_count));
}
static double tpot_mean_s(const Sample *to, const Sample *from) {
  return per((double)(to->tokens.tpot_ns - from->tokens.tpot_ns) / 1e9, (double)(to->tokens.tpot_count - from->tokens.tpot_count));
}

static double output_mean(const DeploymentSpec *spec, const Sample *to, const Sample *from, double offered) {
  return distribution_mean(&spec->workload.output) > 0 || to->offered_output > 0 ? per((double)(to->offered_output - from->offered_output), offered) : (double)NAN;
}

static void observe_metrics(Run *run, uint32_t d, Observation *o) {
  const Station *station = &run->station[d];
  const PolicyTiming *timing = &run->target[d].timing;
  Window window;
  o->ttft_mean_s = o->tpot_mean_s = o->kv_cache_ratio = (double)NAN;
  o->job_bytes = (double)NAN;
  o->latency_mean_s = o->attainment_ratio = o->input_tokens_mean = o->output_tokens_mean = (double)NAN;
  if (!window_find(run, station, timing->window_ns, timing->lag_ns, 0, &window)) return;
  const Sample *to = &window.to->sums, *from = &window.from->sums;
  double ns = window.ns, unit_bytes = (double)station->spec->workload.unit_bytes_bytes, offered = (double)(to->offered - from->offered);
  o->has_metrics = true;
  o->sampled_ns = to->at_ns;
  o->window_ns = to->at_ns - from->at_ns;
  double usage = (double)(to->usage - from->usage) / (double)station->concurrency, request = (double)(to->request - from->request);
  o->utilisation_ratio = request > 0 ? usage / request : 0;
  o->offered_rps = offered * 1e9 / ns;
  o->finished_rps = (double)(to->finished - from->finished) * 1e9 / ns;
  o->dropped_rps = (double)(to->dropped - from->dropped) * 1e9 / ns;
  o->queue_jobs = (double)(to->queue - from->queue) / ns;
  o->in_flight_jobs = (double)(to->queue - from->queue + to->in_service - from->in_service) / ns;
  o->latency_mean_s = per((double)(to->latency_ns - from->latency_ns) / 1e9, (double)(to->latency_count - from->latency_count));
  o->ttft_mean_s = ttft_mean_s(to, from);
  o->tpot_mean_s = tpot_mean_s(to, from);
  o->kv_cache_ratio = window.to->kv_ratio;
  o->attainment_ratio = per((double)(to->within - from->within), (double)(to->ended - from->ended));
  o->offered_bytes = (double)(to->offered_units - from->offered_units) * unit_bytes;
  o->job_bytes = per(o->offered_bytes, offered);
  o->backlog_bytes = (double)window.to->backlog_units * unit_bytes;
  if (!station->sized) return;
  o->input_tokens_mean = per((double)(to->offered_units - from->offered_units), offered);
  o->output_tokens_mean = output_mean(station->spec, to, from, offered);
}

/* ---- replicas ---- */

static ReplicaPhase phase_of(ReplicaState state) {
  switch (state) {
    case REPLICA_PENDING: return REPLICA_PHASE_PENDING;
    case REPLICA_STARTING: return REPLICA_PHASE_STARTING;
    case REPLICA_READY: return REPLICA_PHASE_READY;
    case REPLICA_DRAINING:
    case REPLICA_GONE: break;
  }
  return REPLICA_PHASE_DRAINING;
}

static void room_for_replicas(Run *run, Target *target) {
  if (target->view_capacity >= target->n_replicas && target->view_capacity > 0) return;
  target->view_capacity = target->replica_capacity ? target->replica_capacity : 8;
  uint32_t n = target->view_capacity;
  target->replica_view = ARENA_ARRAY(run->arena, ReplicaView, n);
  target->replica_entry = ARENA_ARRAY(run->arena, uint32_t, n);
  target->updated = ARENA_ARRAY(run->arena, uint32_t, n);
  target->removed = ARENA_ARRAY(run->arena, uint32_t, n);
  for (size_t k = 0; k < target->n_queries; k++) target->value[k].replica = NULL;
  target->replica_value = ARENA_ARRAY(run->arena, double, n * target->n_queries);
}

/* target->replica_entry[k]: the station's entry of the k-th replica; ENTRY_NONE while it is pending. */
static void find_entries(Run *run, uint32_t d) {
  Target *target = &run->target[d];
  const Station *station = &run->station[d];
  uint32_t most = run->cluster.n_replicas;
  if (run->entry_of_capacity < most) {
    run->entry_of_capacity = run->cluster.replica_capacity;
    run->entry_of = ARENA_ARRAY(run->arena, uint32_t, run->entry_of_capacity);
  }
  for (uint32_t k = 0; k < target->n_replicas; k++) run->entry_of[target->replica[k]] = ENTRY_NONE;
  for (uint32_t e = 0; e < station->n_entries; e++)
    if (station->entry[e].state != ENTRY_FREE && station->entry[e].id < most) run->entry_of[station->entry[e].id] = e;
  for (uint32_t k = 0; k < target->n_replicas; k++) target->replica_entry[k] = run->entry_of[target->replica[k]];
}

static const ReplicaSample *sample_of(const Station *station, const Scrape *scrape, uint32_t entry) {
  return entry == ENTRY_NONE ? NULL : scrape_replica(scrape, entry, station->entry[entry].generation);
}

static void view_usage(const Station *station, const Window *window, uint32_t entry, ReplicaView *view) {
  const ReplicaSample *to = sample_of(station, window->to, entry);
  if (!to) return;
  const ReplicaSample *from = sample_of(station, window->from, entry);
  int64_t begun_ns = from ? window->from->sums.at_ns : to->began_ns, ns = window->to->sums.at_ns - begun_ns;
  if (ns <= 0) return;
  view->has_sample = true;
  view->sampled_ns = window->to->sums.at_ns;
  view->window_ns = ns;
  view->usage_millicores = (double)(to->usage - (from ? from->usage : 0)) / (double)station->concurrency / (double)ns;
}

static void observe_replicas(Run *run, uint32_t d, Observation *o) {
  Target *target = &run->target[d];
  const Station *station = &run->station[d];
  const PolicyTiming *timing = &target->timing;
  room_for_replicas(run, target);
  find_entries(run, d);
  Window window;
  bool has = window_find(run, station, timing->window_ns, timing->lag_ns, 0, &window);
  for (uint32_t k = 0; k < target->n_replicas; k++) {
    const Replica *replica = &run->cluster.replica[target->replica[k]];
    ReplicaView *view = &target->replica_view[k];
    bool placed = replica->state != REPLICA_PENDING, ready = replica->state == REPLICA_READY || replica->state == REPLICA_DRAINING;
    *view = (ReplicaView){.ordinal = replica->ordinal, .phase = phase_of(replica->state), .created_ns = replica->created_ns,
                          .started_ns = placed ? replica->placed_ns : INSTANT_NEVER, .ready_ns = ready ? replica->ready_ns : INSTANT_NEVER,
                          .request_millicores = replica->request.millicores, .request_bytes = replica->request.bytes,
                          .request_milligpus = replica->request.milligpus, .variant = replica->variant};
    if (has) view_usage(station, &window, target->replica_entry[k], view);
  }
  o->replica = target->replica_view;
  o->n_replicas = target->n_replicas;
}

/* ---- queries ---- */

/* One replica's figure; NaN where it has no sample. */
static double replica_value(const Station *station, const MetricQuery *query, const Window *window, const ReplicaView *view, uint32_t entry) {
  const ReplicaSample *to = sample_of(station, window->to, entry), *from = sample_of(station, window->from, entry);
  if (!to) return (double)NAN;
  int64_t begun_ns = from ? window->from->sums.at_ns : to->began_ns;
  double ns = (double)(window->to->sums.at_ns - begun_ns), slots = (double)station->concurrency;
  bool gauge = query->window_ns == 0 || ns <= 0;
  double busy = gauge ? (double)to->busy : (double)(to->busy_ns - (from ? from->busy_ns : 0)) / ns;
  double usage = gauge ? (double)to->busy * (double)station->entry[entry].usage_millicores / slots : (double)(to->usage - (from ? from->usage : 0)) / slots / ns;
  double shared = window->to->ready > 0 ? (double)window->to->waiting / (double)window->to->ready : 0;
  double waiting = station->central ? shared : (double)to->waiting;
  switch (query->meter) {
    case METER_CPU_CORES: return usage / 1000;
    case METER_CPU_UTILISATION_RATIO: return view->request_millicores > 0 ? usage / (double)view->request_millicores : busy / slots;
    case METER_SLOT_UTILISATION_RATIO: return busy / slots;
    case METER_QUEUE_JOBS: return waiting;
    case METER_IN_SERVICE_JOBS: return busy;
    case METER_IN_FLIGHT_JOBS: return busy + waiting;
    case METER_KV_CACHE_RATIO: return to->kv_ratio;
    default: return (double)NAN;
  }
}

static double quantile_s(Station *station, const Window *window, double q) {
  double ns;
  scrapes_quantiles_ns(&station->scrapes, window->from->sums.at_ns, window->to->sums.at_ns, &q, 1, &ns);
  return ns / 1e9;
}

/* The deployment's figure: the sum over its replicas where there are figures of replicas (a ratio: of all of them). */
static double whole_value(Station *station, const MetricQuery *query, const Window *window) {
  const Sample *to = &window->to->sums, *from = &window->from->sums;
  const double ns = window->ns, slots = (double)station->concurrency, ready = (double)window->to->ready;
  const bool gauge = query->window_ns == 0 || ns <= 0;
  const double busy = gauge ? (double)window->to->busy : (double)(to->in_service - from->in_service) / ns;
  const double waiting = gauge ? (double)window->to->waiting : (double)(to->queue - from->queue) / ns;
  const double unit_bytes = (double)station->spec->workload.unit_bytes_bytes;
  switch (query->meter) {
    case METER_CPU_CORES: return ns > 0 ? (double)(to->usage - from->usage) / slots / ns / 1000 : (double)NAN;
    case METER_CPU_UTILISATION_RATIO: return per((double)(to->usage - from->usage) / slots, (double)(to->request - from->request));
    case METER_SLOT_UTILISATION_RATIO: return per(busy, ready * slots);
    case METER_QUEUE_JOBS: return waiting;
    case METER_IN_SERVICE_JOBS: return busy;
    case METER_IN_FLIGHT_JOBS: return waiting + busy;
    case METER_OFFERED_RPS: return per((double)(to->offered - from->offered) * 1e9, ns);
    case METER_FINISHED_RPS: return per((double)(to->finished - from->finished) * 1e9, ns);
    case METER_DROPPED_RPS: return per((double)(to->dropped - from->dropped) * 1e9, ns);
    case METER_LATENCY_MEAN_S: return per((double)(to->latency_ns - from->latency_ns) / 1e9, (double)(to->latency_count - from->latency_count));
    case METER_LATENCY_P50_S: return quantile_s(station, window, 0.50);
    case METER_LATENCY_P95_S: return quantile_s(station, window, 0.95);
    case METER_LATENCY_P99_S: return quantile_s(station, window, 0.99);
    case METER_ATTAINMENT_RATIO: return per((double)(to->within - from->within), (double)(to->ended - from->ended));
    case METER_OFFERED_BYTES_PER_S: return per((double)(to->offered_units - from->offered_units) * unit_bytes * 1e9, ns);
    case METER_BACKLOG_BYTES: return (double)window->to->backlog_units * unit_bytes;
    case METER_REPLICAS_READY: return ready;
    case METER_KV_CACHE_RATIO: return window->to->kv_ratio;
    case METER_TTFT_MEAN_S: return ttft_mean_s(to, from);
    case METER_TPOT_MEAN_S: return tpot_mean_s(to, from);
    case METER_KINDS: break;
  }
  return (double)NAN;
}

static bool is_ratio(MeterKind meter) { return meter == METER_CPU_UTILISATION_RATIO || meter == METER_SLOT_UTILISATION_RATIO || meter == METER_KV_CACHE_RATIO; }

/* From the whole where that is exact, else over the replicas' values. */
static double aggregate(Station *station, const MetricQuery *query, const Window *window, const double *value, size_t n) {
  bool by_replica = query->per == METRIC_PER_REPLICA && meter_by_replica(query->meter);
  bool extreme = query->aggregate == METRIC_MAX || query->aggregate == METRIC_MIN;
  if (!by_replica || !extreme) {
    double whole = whole_value(station, query, window), ready = (double)window->to->ready;
    if (!by_replica) return whole;
    if (query->aggregate == METRIC_MEAN) return is_ratio(query->meter) ? whole : per(whole, ready);
    return is_ratio(query->meter) ? whole * ready : whole;
  }
  double best = (double)NAN;
  for (size_t k = 0; k < n; k++) {
    if (isnan(value[k])) continue;
    if (isnan(best) || (query->aggregate == METRIC_MAX ? value[k] > best : value[k] < best)) best = value[k];
  }
  return best;
}

static void answer(Run *run, uint32_t d, size_t q, const Observation *o) {
  Target *target = &run->target[d];
  Station *station = &run->station[d];
  const MetricQuery *query = &target->query[q];
  MetricValue *value = &target->value[q];
  Window window;
  *value = (MetricValue){.value = (double)NAN};
  if (!window_find(run, station, query->window_ns, query->lag_ns, query->scrape_ns, &window)) return;
  double *each = NULL;
  if (target->sees_replicas && query->per == METRIC_PER_REPLICA && meter_by_replica(query->meter)) {
    each = target->replica_value + q * target->view_capacity;
    for (int64_t k = 0; k < o->n_replicas; k++) each[k] = replica_value(station, query, &window, &o->replica[k], target->replica_entry[k]) * query->multiply;
  }
  value->sampled_ns = window.to->sums.at_ns;
  value->window_ns = window.to->sums.at_ns - window.from->sums.at_ns;
  value->value = aggregate(station, query, &window, each, each ? (size_t)o->n_replicas : 0);
  if (!(each && (query->aggregate == METRIC_MAX || query->aggregate == METRIC_MIN))) value->value *= query->multiply;
  value->has = !isnan(value->value);
  value->replica = each;
}

void control_observe(Run *run, uint32_t d, AskKind ask, Observation *o) {
  Target *target = &run->target[d];
  memset(o, 0, sizeof *o);
  cluster_accrue(&run->cluster, run->now_ns);
  o->now_ns = run->now_ns;
  o->tick = target->tick;
  o->ask = ask;
  o->deployment = target->spec->name;
  o->period_ns = target->timing.period_ns;
  observe_counts(run, d, o);
  observe_cluster(run, d, o);
  observe_metrics(run, d, o);
  if (target->sees_replicas) observe_replicas(run, d, o);
  for (size_t k = 0; k < target->n_queries; k++) answer(run, d, k, o);
  o->metric = target->value;
}
