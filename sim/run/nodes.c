/* Replicas from the control plane's side: creating, placing, dropping, and their speeds. Nodes are in node_control.c. */
#include <string.h>

#include "sim/base/check.h"
#include "sim/core/event.h"
#include "sim/run/run_internal.h"

/* ---- speeds ---- */

static const VariantSpec *target_variant(const Target *target, int variant) { return deployment_variant(target->spec, (size_t)variant); }

/* Slots of a deployment without CPU requests count as one core each replica, so that utilisation is slots in use. */
static int64_t counted_millicores(int64_t millicores) { return millicores > 0 ? millicores : 1000; }

static double replica_speed(const Run *run, const Target *target, uint32_t replica, int64_t effective) {
  const Cluster *cluster = &run->cluster;
  const NodePool *pool = &cluster->pool[cluster->node[cluster->replica[replica].node].pool];
  const SpeedModel *model = (const SpeedModel *)target->spec->speed.model;
  double speed = pool->machine.speed * cluster->node[cluster->replica[replica].node].speed;
  if (target->initial.millicores > 0)
    speed *= model->speed(target->spec->speed.params, (double)effective, (double)target->initial.millicores);
  return speed > 1e-9 ? speed : 1e-9;
}

/* Power of its machine above idle, for each millicore of `effective` that is in use: its share of the machine when all is. The share is
 * that of the machine's price: those of one node never add up to more than the node. */
static void replica_power(Run *run, uint32_t id, int64_t effective) {
  const Replica *replica = &run->cluster.replica[id];
  const Node *node = &run->cluster.node[replica->node];
  const MachineType *machine = &run->cluster.pool[node->pool].machine;
  if (machine->busy_milliwatts == machine->idle_milliwatts) return;
  __int128 whole = (__int128)(machine->busy_milliwatts - machine->idle_milliwatts) * replica->share / (SHARE_ONE / POWER_ONE);
  if (node->share_sum > SHARE_ONE) whole = whole * SHARE_ONE / node->share_sum;
  station_set_power(&run->station[replica->deployment], id, (int64_t)(whole / counted_millicores(effective)));
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
      replica_power(run, id, effective);
    }
  }
}

/* ---- replicas ---- */

/* Its id may be used again: whoever was to replace it becomes an ordinary replica. */
void target_forget_replica(Run *run, Target *target, uint32_t replica) {
  control_forget_resize(target, replica);
  pulls_forget(run, replica);
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
  const Node *node = &run->cluster.node[replica->node];
  if (node->warm) load_ns = ns_from_double((double)load_ns * run->cluster.pool[node->pool].warm.load_ratio);
  if (!ready_now) replica->ready_ns = run->now_ns + readiness_ns(&target->spec->readiness, load_ns);
  else replica->ready_ns = run->now_ns;
  int64_t effective = replica_effective_millicores(&run->cluster, id);
  station_add(&run->station[replica->deployment], id, replica->variant, replica_speed(run, target, id, effective),
              counted_millicores(effective), counted_millicores(replica->request.millicores), replica->ready_ns, run->now_ns);
  replica_power(run, id, effective);
  if (!ready_now) pulls_add(run, id, load_ns);
  if (target_waits_for(target, replica)) run_push(run, replica->ready_ns, CLASS_READY, SHARED_REPLICA_READY, id);
  run->speeds_changed = true;
}

bool target_waits_for(const Target *target, const Replica *replica) { return replica->replaces != REPLICA_NONE || target->spec->replicas.starting > 0; }

int64_t target_on_their_way(const Run *run, const Target *target, int64_t at_ns) {
  int64_t n = 0;
  for (uint32_t k = 0; k < target->n_replicas; k++) {
    const Replica *replica = &run->cluster.replica[target->replica[k]];
    bool comes = replica->state == REPLICA_PENDING || (replica->state == REPLICA_STARTING && replica->ready_ns > at_ns);
    n += comes && replica->replaces == REPLICA_NONE;
  }
  return n;
}

static bool may_start(const Run *run, const Target *target) {
  int64_t most = target->spec->replicas.starting;
  return most == 0 || target_on_their_way(run, target, run->now_ns) < most;
}

void target_add_later(Run *run, uint32_t d) {
  Target *target = &run->target[d];
  while (target->n_later > 0 && may_start(run, target)) {
    target->n_later--;
    target_add_replica(run, d, REPLICA_NONE, false);
  }
}

void target_add_replica(Run *run, uint32_t d, uint32_t replaces, bool ready_now) {
  Target *target = &run->target[d];
  if (!ready_now && replaces == REPLICA_NONE && !may_start(run, target)) {
    target->n_later++;
    return;
  }
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
  bool wants = run_has_pending(run) || training_wants_capacity(run);
  for (uint32_t d = 0; d < run->n_targets; d++) wants |= run->target[d].n_deferred > 0;
  return wants;
}

void run_place_pending(Run *run) {
  for (uint32_t d = 0; d < run->n_targets; d++) target_add_later(run, d);
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
  uint32_t node = run->cluster.replica[id].node;
  switch (run->cluster.replica[id].state) {
    case REPLICA_STARTING:
      station_remove(&run->station[d], id, run->now_ns);
      target_forget_replica(run, &run->target[d], id);
      replica_remove(&run->cluster, id, run->now_ns);
      run_node_left(run, node);
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

/* Is another one about to replace it? Then that one is an ordinary replica from now on. */
static bool replica_succeeded(Run *run, uint32_t d, uint32_t id) {
  const Target *target = &run->target[d];
  bool succeeded = false;
  for (uint32_t k = 0; k < target->n_replicas; k++) {
    Replica *other = &run->cluster.replica[target->replica[k]];
    if (other->replaces != id) continue;
    other->replaces = REPLICA_NONE;
    succeeded = true;
  }
  return succeeded;
}

/* A replica that replaces another goes on to do so through its successor; one that is being replaced just goes. */
void target_evict_replica(Run *run, uint32_t d, uint32_t id) {
  uint32_t replaces = run->cluster.replica[id].replaces;
  bool succeeded = replica_succeeded(run, d, id);
  run->cluster.replica[id].replaces = REPLICA_NONE;
  target_drop_replica(run, d, id);
  if (!succeeded) target_add_replica(run, d, replaces, false);
}

void target_lose_replica(Run *run, uint32_t d, uint32_t id) {
  const Replica *replica = &run->cluster.replica[id];
  Target *target = &run->target[d];
  int64_t seen_ns = run->now_ns + run->cluster.pool[run->cluster.node[replica->node].pool].failures.detect_ns;
  uint32_t replaces = replica->replaces;
  bool leaving = replica->state == REPLICA_DRAINING, succeeded = replica_succeeded(run, d, id);
  station_fail(&run->station[d], id, run->now_ns);
  target_forget_replica(run, target, id);
  replica_remove(&run->cluster, id, run->now_ns);
  target->rows->lost[row_of(run->scenario->horizon_ns, run->now_ns)]++;
  if (leaving || succeeded) return;
  if (replaces != REPLICA_NONE || seen_ns == run->now_ns) {
    target_add_replica(run, d, replaces, false);
    return;
  }
  target->n_unseen++;
  if (seen_ns < run->scenario->horizon_ns) run_push(run, seen_ns, CLASS_CONTROL, SHARED_REPLACE, d);
}

/* Initial replicas are ready at 0 on nodes that are ready at 0. */
void nodes_begin(Run *run) {
  for (uint32_t d = 0; d < run->n_targets; d++)
    for (int64_t k = 0; k < run->target[d].replicas_wished; k++) target_add_replica(run, d, REPLICA_NONE, true);
  run_update_speeds(run);
  node_control_begin(run);
}
