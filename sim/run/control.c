/* The controller: observe, decide (the policy's), clamp, actuate, record. */
#include <math.h>
#include <string.h>

#include "sim/base/check.h"
#include "sim/run/run_internal.h"

/* ---- beginning ---- */

static Resources resources_of(const ResourcesSpec *spec) { return (Resources){spec->cpu_millicores, spec->memory_bytes, spec->gpu_milligpus}; }

static int64_t at_least(int64_t value, int64_t least) { return value < least ? least : value; }
static int64_t at_most(int64_t value, int64_t most) { return value > most ? most : value; }

static void views_begin(Run *run, Target *target) {
  size_t n = target->spec->variants.count;
  target->view = ARENA_ARRAY(run->arena, VariantView, n);
  for (size_t v = 0; v < n; v++) {
    const VariantSpec *variant = deployment_variant(target->spec, v);
    const Service *service = (const Service *)variant->service.model;
    target->view[v] = (VariantView){variant->name, variant->accuracy_ratio, service->mean_ns(variant->service.params) / 1e9};
  }
}

void control_begin(Run *run) {
  const Scenario *scenario = run->scenario;
  run->target = ARENA_ARRAY(run->arena, Target, run->n_targets);
  for (uint32_t d = 0; d < run->n_targets; d++) {
    Target *target = &run->target[d];
    const DeploymentSpec *spec = scenario_deployment(scenario, d);
    const ModelRef *policy = strategy_policy(run->strategy, spec->name);
    target->spec = spec;
    target->policy = (const Policy *)policy->model;
    target->params = policy->params;
    target->state = arena_alloc(run->arena, 1, target->policy->state_bytes);
    target->replicas_wished = spec->replicas.initial;
    target->initial = target->request = resources_of(&spec->requests);
    Resources limit = resources_of(&spec->limits);
    limit = (Resources){at_least(limit.millicores, target->request.millicores), at_least(limit.bytes, target->request.bytes), target->request.milligpus};
    target->initial_limit = target->limit = limit;
    target->variant = scenario->initial_variant[d];
    target->load = stream_make((uint64_t)scenario->seed, scenario->deployment_entity[d], PURPOSE_LOAD, run->replication);
    target->last = (Decision){.data_size_bytes = (double)NAN, .resource_limit = -1};
    target->rows = ARENA_ARRAY(run->arena, TargetRows, 1);
    views_begin(run, target);
  }
}

/* ---- observing ---- */

static void observe_control_plane(Run *run, uint32_t d, Observation *o) {
  const Target *target = &run->target[d];
  const Station *station = &run->station[d];
  const Cluster *cluster = &run->cluster;
  o->replicas = target->replicas_wished;
  o->replicas_ready = station->n_ready;
  o->replicas_starting = station->n_starting;
  o->replicas_pending = cluster->deployment_pending[d];
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
  Resources cap = cluster_cap(cluster, d);
  o->cap_millicores = cap.millicores;
  o->cap_bytes = cap.bytes;
  o->placeable_replicas = deployment_placeable(cluster, d, target->request);
  const PoolList *pools = &cluster->deployment_pools[d];
  for (uint32_t k = 0; k < pools->count; k++) {
    uint32_t pool = pools->pool[k];
    o->pool_nodes += (int64_t)cluster->pool_nodes_ready[pool] + cluster->pool_nodes_starting[pool];
    o->pool_max_nodes += cluster->pool[pool].max_nodes;
  }
  o->cluster_usd_per_h = (double)cluster_nano_usd_per_h(cluster) / 1e9;
  o->spent_usd = (double)cluster_spent_nano_usd(cluster) / 1e9;
  o->variant = target->variant;
  o->variants = (int)target->spec->variants.count;
  o->variant_view = target->view;
  o->objective_latency_ns = target->spec->objective.latency_ns;
  o->objective_attainment_ratio = target->spec->objective.attainment_ratio;
}

static double per(double sum, double count) { return count > 0 ? sum / count : (double)NAN; }

static void observe_metrics(Run *run, uint32_t d, Observation *o) {
  const Station *station = &run->station[d];
  const MetricsSpec *metrics = &run->strategy->metrics;
  const Sample *to = meter_sample_at(&station->meter, run->now_ns - metrics->lag_ns);
  o->latency_mean_s = o->attainment_ratio = (double)NAN;
  if (!to) return;
  static const Sample start;
  const Sample *from = meter_sample_at(&station->meter, to->at_ns - metrics->window_ns);
  if (!from) from = &start;
  double ns = (double)(to->at_ns - from->at_ns), unit_bytes = (double)station->spec->workload.unit_bytes_bytes;
  o->has_metrics = true;
  o->sampled_ns = to->at_ns;
  o->window_ns = to->at_ns - from->at_ns;
  double usage = (double)(to->usage - from->usage) / (double)station->concurrency, request = (double)(to->request - from->request);
  o->utilisation_ratio = request > 0 ? usage / request : 0;
  o->offered_rps = (double)(to->offered - from->offered) * 1e9 / ns;
  o->finished_rps = (double)(to->finished - from->finished) * 1e9 / ns;
  o->dropped_rps = (double)(to->dropped - from->dropped) * 1e9 / ns;
  o->queue_jobs = (double)(to->queue - from->queue) / ns;
  o->in_flight_jobs = (double)(to->queue - from->queue + to->in_service - from->in_service) / ns;
  o->latency_mean_s = per((double)(to->latency_ns - from->latency_ns) / 1e9, (double)(to->latency_count - from->latency_count));
  o->attainment_ratio = per((double)(to->within - from->within), (double)(to->ended - from->ended));
  o->offered_bytes = (double)(to->offered_units - from->offered_units) * unit_bytes;
  o->backlog_bytes = (double)to->backlog_units * unit_bytes;
}

void control_observe(Run *run, uint32_t d, Observation *o) {
  memset(o, 0, sizeof *o);
  cluster_accrue(&run->cluster, run->now_ns);
  o->now_ns = run->now_ns;
  o->tick = run->target[d].tick;
  o->period_ns = run->strategy->period_ns;
  observe_control_plane(run, d, o);
  observe_metrics(run, d, o);
}

/* ---- actuating ---- */

static int64_t limit_for(int64_t request, int64_t initial, int64_t initial_limit, int64_t allocatable) {
  if (initial <= 0 || initial_limit <= initial) return request;
  return at_least(at_most((int64_t)((__int128)request * initial_limit / initial), allocatable), request);
}

/* In place where only CPU and memory change; shrinking first would need no order here, since all replicas get the same. */
static void resize_replicas(Run *run, uint32_t d) {
  Target *target = &run->target[d];
  for (uint32_t k = 0; k < target->n_replicas; k++) {
    const Replica *replica = &run->cluster.replica[target->replica[k]];
    if (replica->state == REPLICA_DRAINING || replica->request.milligpus != target->request.milligpus) continue;
    replica_resize(&run->cluster, target->replica[k], target->request, target->limit, run->now_ns);
  }
  run->speeds_changed = true;
}

/* Other GPUs mean other replicas: each is replaced by a new one, and drained when that one is ready. */
static void replace_replicas(Run *run, uint32_t d) {
  Target *target = &run->target[d];
  for (uint32_t k = 0, n = target->n_replicas; k < n; k++) {
    uint32_t id = target->replica[k];
    const Replica *replica = &run->cluster.replica[id];
    if (replica->state == REPLICA_DRAINING || replica->request.milligpus == target->request.milligpus) continue;
    target_add_replica(run, d, id, false);
  }
}

static bool is_being_replaced(const Run *run, const Target *target, uint32_t id) {
  for (uint32_t k = 0; k < target->n_replicas; k++)
    if (run->cluster.replica[target->replica[k]].replaces == id) return true;
  return false;
}

/* A model server loads the other variant while it serves, then switches. */
static void swap_replicas(Run *run, uint32_t d) {
  Target *target = &run->target[d];
  const Distribution *load = &deployment_variant(target->spec, (size_t)target->variant)->load_ns;
  for (uint32_t k = 0; k < target->n_replicas; k++) {
    Replica *replica = &run->cluster.replica[target->replica[k]];
    if (replica->state == REPLICA_DRAINING || replica->variant == target->variant) continue;
    replica->variant = target->variant;
    if (replica->state == REPLICA_PENDING) continue;
    int64_t at_ns = run->now_ns + ns_from_double(distribution_quantile(load, stream_uniform(&target->load, replica->ordinal)));
    station_swap(&run->station[d], target->replica[k], target->variant, at_least(at_ns, replica->ready_ns));
  }
}

static int64_t live_replicas(const Run *run, const Target *target) {
  int64_t n = 0;
  for (uint32_t k = 0; k < target->n_replicas; k++) {
    const Replica *replica = &run->cluster.replica[target->replica[k]];
    n += replica->state != REPLICA_DRAINING && replica->replaces == REPLICA_NONE;
  }
  return n;
}

/* Who goes first: pending before starting before ready, newest first. */
static uint32_t victim(const Run *run, const Target *target) {
  static const ReplicaState order[] = {REPLICA_PENDING, REPLICA_STARTING, REPLICA_READY};
  for (size_t s = 0; s < sizeof order / sizeof *order; s++)
    for (uint32_t k = target->n_replicas; k-- > 0;) {
      const Replica *replica = &run->cluster.replica[target->replica[k]];
      if (replica->state == order[s] && replica->replaces == REPLICA_NONE) return target->replica[k];
    }
  return REPLICA_NONE;
}

static void scale_replicas(Run *run, uint32_t d) {
  Target *target = &run->target[d];
  int64_t live = live_replicas(run, target);
  for (; live < target->replicas_wished; live++) target_add_replica(run, d, REPLICA_NONE, false);
  for (; live > target->replicas_wished; live--) {
    uint32_t id = victim(run, target);
    CHECK(id != REPLICA_NONE);
    if (is_being_replaced(run, target, id))
      for (uint32_t k = target->n_replicas; k-- > 0;)
        if (run->cluster.replica[target->replica[k]].replaces == id) target_drop_replica(run, d, target->replica[k]);
    target_drop_replica(run, d, id);
  }
}

/* ---- recording ---- */

void control_fill_rows(Run *run, uint32_t d, int64_t now_ns) {
  Target *target = &run->target[d];
  TargetRows *rows = target->rows;
  int row = row_of(run->scenario->horizon_ns, now_ns), last = now_ns >= run->scenario->horizon_ns ? TRACE_ROWS : row;
  for (; rows->filled < last; rows->filled++) {
    rows->replicas_wished[rows->filled] = (double)target->replicas_wished;
    rows->replica_cores[rows->filled] = (double)target->request.millicores / 1000;
    rows->variant[rows->filled] = target->variant;
    rows->data_size_bytes[rows->filled] = target->last.data_size_bytes;
    rows->resource_limit[rows->filled] = target->last.resource_limit < 0 ? (double)NAN : target->last.resource_limit;
    rows->model_state[rows->filled] = target->last.model_state == MODEL_STATE_NONE ? (double)NAN : (double)target->last.model_state;
  }
  if (target->last.model_state == MODEL_STATE_EXHAUSTED) {
    for (int64_t from = target->decided_ns; from < now_ns;) {
      int r = row_of(run->scenario->horizon_ns, from);
      int64_t to = at_most(row_start_ns(run->scenario->horizon_ns, r + 1), now_ns);
      rows->exhausted_ns[r] += to - from;
      from = to;
    }
  }
  target->decided_ns = now_ns;
}

static DecisionRow *row_new(Run *run) {
  if (run->n_rows == run->row_capacity) {
    size_t grown = run->row_capacity ? run->row_capacity * 2 : 64;
    run->row = arena_grow(run->arena, run->row, run->n_rows, grown, sizeof *run->row);
    run->row_capacity = grown;
  }
  return &run->row[run->n_rows++];
}

static void record(Run *run, uint32_t d, const Decision *decision, const Target *before) {
  Target *target = &run->target[d];
  bool changed = before->replicas_wished != target->replicas_wished || !resources_equal(before->request, target->request) || before->variant != target->variant;
  if (changed) target->rows->actions[row_of(run->scenario->horizon_ns, run->now_ns)]++;
  if (!changed && before->last.model_state == decision->model_state) {
    target->quiet++;
    return;
  }
  DecisionStep none = {"Look", "", -1, "", decision->model_state, (double)NAN, (double)NAN};
  int n = decision->n_steps ? decision->n_steps : 1;
  for (int k = 0; run->options.trace && k < n; k++) {
    const DecisionStep *step = decision->n_steps ? &decision->step[k] : &none;
    *row_new(run) = (DecisionRow){
        .at_ns = run->now_ns, .deployment = d, .decision = run->n_decisions, .quiet_before = target->quiet,
        .step = step->step, .condition = step->condition, .action = step->action, .reason = decision->reason ? decision->reason : "",
        .result = step->result, .model_state = (int)step->state, .value = step->value, .threshold = step->threshold,
        .metric = decision->metric, .target = decision->target, .raw_replicas = decision->raw_replicas,
        .after_tolerance = decision->after_tolerance, .stabilised = decision->stabilised, .rate_limited = decision->rate_limited,
        .data_size_bytes = decision->data_size_bytes, .resource_limit = decision->resource_limit,
        .replicas_before = before->replicas_wished, .replicas_wished = decision->replicas, .replicas_after = target->replicas_wished,
        .millicores_before = before->request.millicores, .millicores_after = target->request.millicores,
        .bytes_before = before->request.bytes, .bytes_after = target->request.bytes,
        .variant_before = before->variant, .variant_after = target->variant};
  }
  run->n_decisions++;
  target->quiet = 0;
}

void control_actuate(Run *run, uint32_t d, const Decision *decision) {
  Target *target = &run->target[d];
  control_fill_rows(run, d, run->now_ns);
  const Target before = *target;
  const Resources wished = {decision->request_millicores, decision->request_bytes, decision->request_milligpus};
  const Resources allocatable = run->cluster.pool[deployment_roomiest_pool(&run->cluster, d, wished)].machine.allocatable;
  Resources request = {at_most(at_least(decision->request_millicores, target->initial.millicores ? 1 : 0), allocatable.millicores),
                       at_most(at_least(decision->request_bytes, 0), allocatable.bytes),
                       at_most(at_least(decision->request_milligpus, 0), allocatable.milligpus)};
  target->request = request;
  target->limit = (Resources){limit_for(request.millicores, target->initial.millicores, target->initial_limit.millicores, allocatable.millicores),
                              limit_for(request.bytes, target->initial.bytes, target->initial_limit.bytes, allocatable.bytes), request.milligpus};
  target->replicas_wished = at_most(at_least(decision->replicas, target->spec->replicas.min), target->spec->replicas.max);
  if (decision->variant >= 0 && (size_t)decision->variant < target->spec->variants.count) target->variant = decision->variant;
  if (request.milligpus != before.request.milligpus) replace_replicas(run, d);
  if (!resources_equal(request, before.request)) resize_replicas(run, d);
  if (target->variant != before.variant) swap_replicas(run, d);
  scale_replicas(run, d);
  run_place_pending(run);
  run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_PENDING);
  record(run, d, decision, &before);
  target->last = *decision;
}
