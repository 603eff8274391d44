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
    target->state = arena_alloc(run->arena, 1, target->policy->state_bytes_of ? target->policy->state_bytes_of(target->params) : target->policy->state_bytes);
    target->leader = d;
    target->asked_ns = -1;
    for (uint32_t k = 0; k < d && target->policy->decide_all && target->leader == d; k++)
      if (run->target[k].params == target->params && run->target[k].policy == target->policy) target->leader = run->target[k].leader;
    target->replicas_wished = spec->replicas.initial;
    target->initial = target->request = resources_of(&spec->requests);
    Resources limit = resources_of(&spec->limits);
    limit = (Resources){at_least(limit.millicores, target->request.millicores), at_least(limit.bytes, target->request.bytes), target->request.milligpus};
    target->initial_limit = target->limit = limit;
    target->variant = scenario->initial_variant[d];
    target->load = stream_make((uint64_t)scenario->seed, scenario->deployment_entity[d], PURPOSE_LOAD, run->replication);
    target->idle = stream_make((uint64_t)scenario->seed, scenario->deployment_entity[d], PURPOSE_KEEP_ALIVE, run->replication);
    target->last = (Decision){.data_size_bytes = (double)NAN, .resource_limit = -1};
    target->rows = ARENA_ARRAY(run->arena, TargetRows, 1);
    views_begin(run, target);
    observe_begin(run, d);
  }
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

/* ---- single replicas ---- */

static uint32_t replica_of(const Run *run, const Target *target, uint32_t ordinal) {
  for (uint32_t k = 0; k < target->n_replicas; k++)
    if (run->cluster.replica[target->replica[k]].ordinal == ordinal) return target->replica[k];
  return REPLICA_NONE;
}

static void defer(Run *run, Target *target, uint32_t id) {
  if (target->n_deferred == target->deferred_capacity) {
    uint32_t grown = target->deferred_capacity ? target->deferred_capacity * 2 : 8;
    target->deferred = arena_grow(run->arena, target->deferred, target->n_deferred, grown, sizeof *target->deferred);
    target->deferred_capacity = grown;
  }
  target->deferred[target->n_deferred++] = (Deferred){id, target->request, target->limit};
}

void control_forget_resize(Target *target, uint32_t replica) {
  uint32_t kept = 0;
  for (uint32_t k = 0; k < target->n_deferred; k++)
    if (target->deferred[k].replica != replica) target->deferred[kept++] = target->deferred[k];
  target->n_deferred = kept;
}

/* Source of Deferred and Infeasible: KEP-1287, in-place update of pod resources. The controller has clamped the wish to allocatable, so
 * what cannot be given here can be given when neighbours leave. */
static void resize_listed(Run *run, uint32_t d, const Decision *decision) {
  Target *target = &run->target[d];
  for (int64_t k = 0; k < decision->n_updated; k++) {
    uint32_t id = replica_of(run, target, decision->updated[k]);
    if (id == REPLICA_NONE) continue;
    const Replica *replica = &run->cluster.replica[id];
    if (replica->state == REPLICA_DRAINING || replica->request.milligpus != target->request.milligpus) continue;
    control_forget_resize(target, id);
    if (!replica_resize(&run->cluster, id, target->request, target->limit, run->now_ns)) defer(run, target, id);
  }
  run->speeds_changed = true;
}

void control_retry_resizes(Run *run) {
  for (uint32_t d = 0; d < run->n_targets; d++) {
    Target *target = &run->target[d];
    uint32_t kept = 0;
    for (uint32_t k = 0; k < target->n_deferred; k++) {
      const Deferred *deferred = &target->deferred[k];
      if (run->cluster.replica[deferred->replica].state == REPLICA_DRAINING) continue;
      if (!replica_resize(&run->cluster, deferred->replica, deferred->request, deferred->limit, run->now_ns)) target->deferred[kept++] = *deferred;
      else run->speeds_changed = true;
    }
    target->n_deferred = kept;
  }
}

/* Evicted replicas leave as their state allows; the number of replicas wished brings others. */
static void evict_listed(Run *run, uint32_t d, const Decision *decision) {
  for (int64_t k = 0; k < decision->n_updated; k++) {
    uint32_t id = replica_of(run, &run->target[d], decision->updated[k]);
    if (id != REPLICA_NONE && run->cluster.replica[id].state != REPLICA_DRAINING) target_drop_replica(run, d, id);
  }
}

/* ---- all replicas ---- */

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

/* Who goes first: those the policy named, then pending before starting before ready, newest first. */
static uint32_t victim(const Run *run, const Target *target, const Decision *decision) {
  for (int64_t k = 0; decision && k < decision->n_removed; k++) {
    uint32_t id = replica_of(run, target, decision->removed[k]);
    if (id != REPLICA_NONE && run->cluster.replica[id].state != REPLICA_DRAINING && run->cluster.replica[id].replaces == REPLICA_NONE) return id;
  }
  static const ReplicaState order[] = {REPLICA_PENDING, REPLICA_STARTING, REPLICA_READY};
  for (size_t s = 0; s < sizeof order / sizeof *order; s++)
    for (uint32_t k = target->n_replicas; k-- > 0;) {
      const Replica *replica = &run->cluster.replica[target->replica[k]];
      if (replica->state == order[s] && replica->replaces == REPLICA_NONE) return target->replica[k];
    }
  return REPLICA_NONE;
}

static void scale_replicas(Run *run, uint32_t d, const Decision *decision) {
  Target *target = &run->target[d];
  int64_t live = live_replicas(run, target) + target->n_unseen + target->n_later;
  for (; live < target->replicas_wished; live++) target_add_replica(run, d, REPLICA_NONE, false);
  for (; live > target->replicas_wished && target->n_later && !decision->n_removed; live--) target->n_later--;
  for (; live > target->replicas_wished && target->n_unseen && !decision->n_removed; live--) target->n_unseen--; /* these do not answer */
  for (; live > target->replicas_wished; live--) {
    uint32_t id = victim(run, target, decision);
    if (id == REPLICA_NONE) {
      CHECK(target->n_unseen > 0 || target->n_later > 0);
      if (target->n_later > 0) target->n_later--;
      else target->n_unseen--;
      continue;
    }
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

Decision control_unchanged(const Run *run, uint32_t d) {
  const Target *target = &run->target[d];
  const Observation now = {.replicas = target->replicas_wished, .request_millicores = target->request.millicores, .request_bytes = target->request.bytes,
                           .request_milligpus = target->request.milligpus, .variant = target->variant};
  Decision decision;
  decision_begin(&decision, &now);
  decision.updated = target->updated;
  decision.removed = target->removed;
  decision.keep_alive_ns = target->keep_alive_ns;
  decision.keep_alive_law = target->keep_alive_law;
  decision.cancels_starts = target->cancels_starts;
  return decision;
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
  if (decision->update == UPDATE_ALL) {
    if (request.milligpus != before.request.milligpus) replace_replicas(run, d);
    if (!resources_equal(request, before.request)) resize_replicas(run, d);
  } else if (decision->update == UPDATE_IN_PLACE) {
    resize_listed(run, d, decision);
  } else if (decision->update == UPDATE_EVICT) {
    evict_listed(run, d, decision);
  }
  if (target->variant != before.variant) swap_replicas(run, d);
  target->keep_alive_ns = at_least(decision->keep_alive_ns, 0);
  target->keep_alive_law = decision->keep_alive_law;
  target->cancels_starts = decision->cancels_starts;
  scale_replicas(run, d, decision);
  control_retry_resizes(run);
  run_place_pending(run);
  run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_PENDING);
  record(run, d, decision, &before);
  target->last = *decision;
}
