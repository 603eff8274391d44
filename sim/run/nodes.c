/* Replicas and nodes from the control plane's side: creating, placing, dropping, the node policy, and speeds. */
#include <string.h>

#include "sim/base/check.h"
#include "sim/core/event.h"
#include "sim/run/run_internal.h"

uint32_t target_pool(const Run *run, uint32_t target) { return run->scenario->deployment_pool[target]; }

/* ---- speeds ---- */

static const VariantSpec *target_variant(const Target *target, int variant) { return deployment_variant(target->spec, (size_t)variant); }

/* Slots of a deployment without CPU requests count as one core each replica, so that utilisation is slots in use. */
static int64_t counted_millicores(int64_t millicores) { return millicores > 0 ? millicores : 1000; }

static double replica_speed(const Run *run, const Target *target, uint32_t replica, int64_t effective) {
  const Cluster *cluster = &run->cluster;
  const NodePool *pool = &cluster->pool[cluster->node[cluster->replica[replica].node].pool];
  const SpeedModel *model = (const SpeedModel *)target->spec->speed.model;
  double speed = pool->machine.speed;
  if (target->initial.millicores > 0)
    speed *= model->speed(target->spec->speed.params, (double)effective, (double)target->initial.millicores);
  return speed > 1e-9 ? speed : 1e-9;
}

static bool placed(const Replica *replica) { return replica->node != NODE_NONE && replica->state != REPLICA_PENDING && replica->state != REPLICA_GONE; }

void run_update_speeds(Run *run) {
  if (!run->speeds_changed) return;
  run->speeds_changed = false;
  for (uint32_t d = 0; d < run->n_targets; d++) {
    Target *target = &run->target[d];
    for (uint32_t k = 0; k < target->n_replicas; k++) {
      uint32_t id = target->replica[k];
      const Replica *replica = &run->cluster.replica[id];
      if (!placed(replica) || (replica->state == REPLICA_DRAINING && !station_holds(&run->station[d], id))) continue;
      int64_t effective = replica_effective_millicores(&run->cluster, id);
      station_resize(&run->station[d], id, replica_speed(run, target, id, effective), counted_millicores(effective),
                     counted_millicores(replica->request.millicores), run->now_ns);
    }
  }
}

/* ---- replicas ---- */

/* Its id may be used again: whoever was to replace it becomes an ordinary replica. */
void target_forget_replica(Run *run, Target *target, uint32_t replica) {
  control_forget_resize(target, replica);
  for (uint32_t i = 0; i < target->n_replicas; i++)
    if (run->cluster.replica[target->replica[i]].replaces == replica) run->cluster.replica[target->replica[i]].replaces = REPLICA_NONE;
  uint32_t k = 0;
  while (k < target->n_replicas && target->replica[k] != replica) k++;
  CHECK(k < target->n_replicas);
  memmove(target->replica + k, target->replica + k + 1, (target->n_replicas - k - 1) * sizeof *target->replica);
  target->n_replicas--;
}

/* A replica that was just placed begins to load; its station learns when it will be ready. */
static void replica_load(Run *run, uint32_t id, bool ready_now) {
  Replica *replica = &run->cluster.replica[id];
  Target *target = &run->target[replica->deployment];
  int64_t load_ns = 0;
  if (!ready_now)
    load_ns = ns_from_double(distribution_quantile(&target_variant(target, replica->variant)->load_ns, stream_uniform(&target->load, replica->ordinal)));
  if (!ready_now) load_ns = readiness_ns(&target->spec->readiness, load_ns);
  replica->ready_ns = run->now_ns + load_ns;
  int64_t effective = replica_effective_millicores(&run->cluster, id);
  station_add(&run->station[replica->deployment], id, replica->variant, replica_speed(run, target, id, effective),
              counted_millicores(effective), counted_millicores(replica->request.millicores), replica->ready_ns, run->now_ns);
  if (replica->replaces != REPLICA_NONE) run_push(run, replica->ready_ns, CLASS_READY, SHARED_REPLACEMENT_READY, id);
  run->speeds_changed = true;
}

void target_add_replica(Run *run, uint32_t d, uint32_t replaces, bool ready_now) {
  Target *target = &run->target[d];
  uint32_t id = replica_create(&run->cluster, d, target->request, target->limit, target->variant, run->now_ns);
  run->cluster.replica[id].replaces = replaces;
  if (target->n_replicas == target->replica_capacity) {
    uint32_t grown = target->replica_capacity ? target->replica_capacity * 2 : 8;
    target->replica = arena_grow(run->arena, target->replica, target->n_replicas, grown, sizeof *target->replica);
    target->replica_capacity = grown;
  }
  target->replica[target->n_replicas++] = id;
  if (replica_place(&run->cluster, id, run->now_ns)) replica_load(run, id, ready_now);
}

bool run_has_pending(const Run *run) {
  for (uint32_t d = 0; d < run->n_targets; d++)
    if (run->cluster.deployment_pending[d]) return true;
  return false;
}

bool run_wants_capacity(const Run *run) {
  bool wants = run_has_pending(run);
  for (uint32_t d = 0; d < run->n_targets; d++) wants |= run->target[d].n_deferred > 0;
  return wants;
}

void run_place_pending(Run *run) {
  if (!run_has_pending(run)) return;
  for (uint32_t d = 0; d < run->n_targets; d++) {
    Target *target = &run->target[d];
    for (uint32_t k = 0; k < target->n_replicas && run->cluster.deployment_pending[d]; k++) {
      uint32_t id = target->replica[k];
      if (run->cluster.replica[id].state == REPLICA_PENDING && replica_place(&run->cluster, id, run->now_ns)) replica_load(run, id, false);
    }
  }
  run_update_speeds(run);
}

void run_mark_ready(Run *run) {
  for (uint32_t d = 0; d < run->n_targets; d++) {
    Target *target = &run->target[d];
    station_do_local(&run->station[d], run->now_ns); /* those that control made ready at this very instant */
    for (uint32_t k = 0; k < target->n_replicas; k++) {
      const Replica *replica = &run->cluster.replica[target->replica[k]];
      if (replica->state == REPLICA_STARTING && replica->ready_ns <= run->now_ns) replica_ready(&run->cluster, target->replica[k], run->now_ns);
    }
  }
}

void target_drop_replica(Run *run, uint32_t d, uint32_t id) {
  switch (run->cluster.replica[id].state) {
    case REPLICA_STARTING:
      station_remove(&run->station[d], id, run->now_ns);
      target_forget_replica(run, &run->target[d], id);
      replica_remove(&run->cluster, id, run->now_ns);
      run->speeds_changed = true;
      return;
    case REPLICA_PENDING:
      target_forget_replica(run, &run->target[d], id);
      replica_remove(&run->cluster, id, run->now_ns);
      return;
    case REPLICA_READY:
      replica_drain(&run->cluster, id, run->now_ns);
      station_drain(&run->station[d], id, run->now_ns);
      return;
    case REPLICA_DRAINING:
    case REPLICA_GONE: return;
  }
}

/* ---- nodes ---- */

static size_t view_ready_nodes(Run *run, uint32_t pool) {
  const Cluster *cluster = &run->cluster;
  if (run->node_view_capacity < cluster->n_nodes) {
    run->node_view_capacity = cluster->n_nodes * 2;
    run->node_view = ARENA_ARRAY(run->arena, NodeView, run->node_view_capacity);
    run->release = ARENA_ARRAY(run->arena, uint32_t, run->node_view_capacity);
  }
  size_t n = 0;
  for (uint32_t k = 0; k < cluster->n_nodes; k++)
    if (cluster->node[k].pool == pool && cluster->node[k].state == NODE_READY)
      run->node_view[n++] = (NodeView){k, cluster->node[k].empty_since_ns};
  return n;
}

static void push_node_events(Run *run, uint32_t pool) {
  for (uint32_t k = 0; k < run->cluster.n_nodes; k++) {
    const Node *node = &run->cluster.node[k];
    if (node->pool == pool && node->state == NODE_STARTING && node->ordered_ns == run->now_ns) run_push(run, node->ready_ns, CLASS_READY, SHARED_NODE_READY, k);
  }
}

void run_pool_look(Run *run, uint32_t pool) {
  const NodePool *spec = &run->cluster.pool[pool];
  const NodePolicy *policy = (const NodePolicy *)run->strategy->nodes.model;
  size_t ready = view_ready_nodes(run, pool);
  PoolObservation observation = {.now_ns = run->now_ns,
                                 .nodes_ready = (int64_t)ready,
                                 .nodes_starting = run->cluster.pool_nodes_starting[pool],
                                 .min_nodes = spec->min_nodes,
                                 .max_nodes = spec->max_nodes,
                                 .nodes_needed = run_has_pending(run) ? cluster_nodes_needed(&run->cluster, pool) : 0,
                                 .ready = run->node_view};
  PoolDecision decision = {.order = 0, .release = run->release, .n_release = 0, .look_again_ns = INSTANT_NEVER};
  policy->decide(run->strategy->nodes.params, &observation, &decision);
  if (decision.order > 0 && nodes_order(&run->cluster, pool, (uint32_t)decision.order, run->now_ns)) push_node_events(run, pool);
  for (size_t k = 0; k < decision.n_release; k++) node_release(&run->cluster, decision.release[k], run->now_ns);
  if (decision.look_again_ns < run->scenario->horizon_ns && decision.look_again_ns > run->now_ns && decision.look_again_ns != run->look_ns[pool]) {
    run->look_ns[pool] = decision.look_again_ns;
    run_push(run, decision.look_again_ns, CLASS_CONTROL, SHARED_POOL_LOOK, pool);
  }
}

void run_node_ready(Run *run, uint32_t node) {
  if (run->cluster.node[node].state != NODE_STARTING || run->cluster.node[node].ready_ns != run->now_ns) return;
  uint32_t pool = run->cluster.node[node].pool;
  node_ready(&run->cluster, node, run->now_ns);
  run_place_pending(run);
  run_pool_look(run, pool);
}

/* Initial replicas are ready at 0 on nodes that are ready at 0. */
void nodes_begin(Run *run) {
  run->look_ns = ARENA_ARRAY(run->arena, int64_t, run->cluster.n_pools);
  for (uint32_t p = 0; p < run->cluster.n_pools; p++) run->look_ns[p] = INSTANT_NEVER;
  for (uint32_t d = 0; d < run->n_targets; d++)
    for (int64_t k = 0; k < run->target[d].replicas_wished; k++) target_add_replica(run, d, REPLICA_NONE, true);
  run_update_speeds(run);
  for (uint32_t p = 0; p < run->cluster.n_pools; p++) run_pool_look(run, p);
}
