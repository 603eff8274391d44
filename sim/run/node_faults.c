/* What goes wrong with nodes, as shared instants: failures and repairs, notices of spot nodes and their ends, orders that are refused.
 * There is one place that knows whose replicas are on a node (owner_of), and one that takes a node away (run_node_lost). */
#include "sim/base/check.h"
#include "sim/run/run_internal.h"

/* ---- owners ---- */

/* What the owner of a replica does about it. */
typedef struct Owner {
  void (*loses)(Run *run, uint32_t index, uint32_t replica);  /* its node is lost at this instant; the replica must be removed */
  void (*leaves)(Run *run, uint32_t index, uint32_t replica); /* its node drains: it moves by its own rules */
  bool (*serves)(const Run *run, uint32_t index, uint32_t replica); /* has it work in progress? */
} Owner;

static bool target_serves(const Run *run, uint32_t d, uint32_t replica) { return station_serves(&run->station[d], replica); }

static void worker_goes(Run *run, uint32_t index, uint32_t replica) {
  (void)index;
  training_worker_lost(run, replica, run->now_ns);
}

static bool worker_serves(const Run *run, uint32_t index, uint32_t replica) {
  (void)index;
  return run->cluster.replica[replica].state == REPLICA_READY;
}

/* By the index that the replica's `deployment` holds: training queues come behind the deployments. */
static const Owner *owner_of(const Run *run, uint32_t index) {
  static const Owner target = {target_lose_replica, target_evict_replica, target_serves}, queue = {worker_goes, worker_goes, worker_serves};
  CHECK(index < run->cluster.n_deployments);
  return index < run->n_targets ? &target : &queue;
}

/* Those on a node, oldest first, on the scratch arena. */
static uint32_t *replicas_on(Run *run, uint32_t n, uint32_t *count) {
  const Cluster *cluster = &run->cluster;
  uint32_t k = *count = cluster->node[n].n_replicas, *id = ARENA_ARRAY(&run->nodes.scratch, uint32_t, k + 1);
  for (uint32_t r = cluster->node[n].first_replica; r != REPLICA_NONE; r = cluster->replica[r].next_on_node) id[--k] = r;
  return id;
}

static bool node_serves(const Run *run, uint32_t n) {
  const Cluster *cluster = &run->cluster;
  for (uint32_t r = cluster->node[n].first_replica; r != REPLICA_NONE; r = cluster->replica[r].next_on_node) {
    uint32_t index = cluster->replica[r].deployment;
    if (owner_of(run, index)->serves(run, index, r)) return true;
  }
  return false;
}

void run_node_empties(Run *run, uint32_t n) {
  uint32_t count, *id = replicas_on(run, n, &count);
  for (uint32_t k = 0; k < count; k++) {
    const Replica *replica = &run->cluster.replica[id[k]];
    if (replica->node != n) continue; /* a worker has left with its gang */
    if (replica->state != REPLICA_DRAINING) owner_of(run, replica->deployment)->leaves(run, replica->deployment, id[k]);
  }
  run_node_left(run, n);
}

/* ---- afterwards ---- */

void run_node_opened(Run *run, uint32_t n) {
  const Node *node = &run->cluster.node[n];
  int64_t horizon_ns = run->scenario->horizon_ns;
  if (node->fails_ns < horizon_ns) run_push(run, node->fails_ns, CLASS_FAILURE, SHARED_NODE_DANGER, n);
  if (node->reclaimed_ns < horizon_ns) run_push(run, node->reclaimed_ns, CLASS_FAILURE, SHARED_NODE_DANGER, n);
}

void run_pool_closed(Run *run, uint32_t p) {
  int64_t until_ns = run->cluster.pool_state[p].closed_until_ns;
  if (until_ns < run->scenario->horizon_ns) run_push(run, until_ns, CLASS_CONTROL, SHARED_POOL_OPENS, p);
}

void run_pool_opens(Run *run, uint32_t p) {
  if (run->cluster.pool_state[p].closed_until_ns != run->now_ns) return;
  run_mark_ready(run);
  run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_PENDING);
}

/* Capacity has gone or is going, and replicas may wait. */
static void run_capacity_lost(Run *run) {
  run->speeds_changed = true;
  control_retry_resizes(run);
  run_place_pending(run);
  run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_PENDING);
  run_update_speeds(run);
}

/* ---- losing a node ---- */

void run_node_lost(Run *run, uint32_t n, NodeLoss loss) {
  Cluster *cluster = &run->cluster;
  run_mark_ready(run);
  node_cordon(cluster, n, true, run->now_ns); /* what is made anew goes elsewhere */
  uint32_t count, *id = replicas_on(run, n, &count);
  for (uint32_t k = 0; k < count; k++) {
    uint32_t index = cluster->replica[id[k]].deployment;
    if (cluster->replica[id[k]].node != n) continue; /* a worker has left with its gang */
    owner_of(run, index)->loses(run, index, id[k]);
  }
  switch (loss) {
    case NODE_LOSS_FAILED: node_fail(cluster, n, run->now_ns); break;
    case NODE_LOSS_TAKEN: node_taken(cluster, n, run->now_ns); break;
  }
  const Node *node = &cluster->node[n];
  if (node->state == NODE_DOWN && node->ready_ns < run->scenario->horizon_ns) run_push(run, node->ready_ns, CLASS_READY, SHARED_NODE_READY, n);
  run_capacity_lost(run);
}

/* Its end is known from now on: it is emptied, and lost then with what is still on it. */
static void node_is_reclaimed(Run *run, uint32_t n) {
  run_mark_ready(run);
  node_doom(&run->cluster, n, run->now_ns);
  int64_t lost_ns = run->cluster.node[n].lost_ns;
  if (lost_ns < run->scenario->horizon_ns) run_push(run, lost_ns, CLASS_FAILURE, SHARED_NODE_DANGER, n);
  run_node_empties(run, n);
}

void run_node_danger(Run *run, uint32_t n) {
  const Node *node = &run->cluster.node[n];
  int64_t now_ns = run->now_ns;
  if (node->state != NODE_READY) return;
  if (node->lost_ns == now_ns) {
    run_node_lost(run, n, NODE_LOSS_TAKEN);
  } else if (node->fails_ns == now_ns) {
    if (!run->cluster.pool[node->pool].failures.only_serving || node_serves(run, n)) {
      run_node_lost(run, n, NODE_LOSS_FAILED);
      return;
    }
    node_spare(&run->cluster, n, now_ns);
    if (node->fails_ns < run->scenario->horizon_ns) run_push(run, node->fails_ns, CLASS_FAILURE, SHARED_NODE_DANGER, n);
  } else if (node->reclaimed_ns == now_ns) {
    node_is_reclaimed(run, n);
    run_capacity_lost(run);
  }
}

/* ---- reclaims from a trace ---- */

static void push_next_reclaim(Run *run, uint32_t p) {
  const PoolSpot *spot = &run->cluster.pool[p].spot;
  size_t *next = &run->next_reclaim[p];
  while (*next < spot->n_instants && spot->count && spot->count[*next] == 0) ++*next;
  if (*next < spot->n_instants && spot->instant_ns[*next] < run->scenario->horizon_ns) run_push(run, spot->instant_ns[*next], CLASS_FAILURE, SHARED_POOL_RECLAIM, p);
}

/* One of the pool's ready nodes that are not doomed yet, by a draw of its own; NODE_NONE. */
static uint32_t reclaim_victim(const Run *run, uint32_t p, uint64_t index) {
  const Cluster *cluster = &run->cluster;
  uint32_t n_ready = 0;
  for (uint32_t n = 0; n < cluster->n_nodes; n++) n_ready += cluster->node[n].pool == p && cluster->node[n].state == NODE_READY && cluster->node[n].lost_ns == INSTANT_NEVER;
  if (!n_ready) return NODE_NONE;
  Stream stream = stream_make(cluster->seed, cluster->pool[p].entity, PURPOSE_RECLAIM, cluster->replication);
  uint32_t pick = (uint32_t)(stream_uniform(&stream, index) * n_ready), seen = 0;
  if (pick >= n_ready) pick = n_ready - 1;
  for (uint32_t n = 0; n < cluster->n_nodes; n++)
    if (cluster->node[n].pool == p && cluster->node[n].state == NODE_READY && cluster->node[n].lost_ns == INSTANT_NEVER && seen++ == pick) return n;
  CHECK(false);
}

void run_pool_reclaim(Run *run, uint32_t p) {
  const PoolSpot *spot = &run->cluster.pool[p].spot;
  size_t k = run->next_reclaim[p]++;
  int64_t count = spot->count ? spot->count[k] : 1;
  for (int64_t j = 0; j < count; j++) {
    uint32_t n = reclaim_victim(run, p, (uint64_t)k << 20 | ((uint64_t)j & 0xfffffu));
    if (n == NODE_NONE) break;
    node_is_reclaimed(run, n);
  }
  run_capacity_lost(run);
  push_next_reclaim(run, p);
}

/* ---- replicas that are seen to be lost ---- */

void run_replace_lost(Run *run, uint32_t d) {
  Target *target = &run->target[d];
  if (!target->n_unseen) return; /* fewer are wished by now */
  target->n_unseen--;
  run_mark_ready(run);
  target_add_replica(run, d, REPLICA_NONE, false);
  run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_PENDING);
  run_update_speeds(run);
}

/* ---- beginning ---- */

void node_faults_begin(Run *run) {
  run->next_reclaim = ARENA_ARRAY(run->arena, size_t, run->cluster.n_pools);
  for (uint32_t p = 0; p < run->cluster.n_pools; p++) push_next_reclaim(run, p);
  for (uint32_t n = 0; n < run->cluster.n_nodes; n++) run_node_opened(run, n);
}
