/* The node policy's side of a run: what it is shown, when it is asked, and carrying out what it wishes. */
#include <string.h>

#include "sim/base/check.h"
#include "sim/core/event.h"
#include "sim/run/run_internal.h"

/* ---- what it is shown ---- */

/* Memory of a node begins anew with every node that takes the same place. */
static void *node_state(NodeControl *nodes, uint32_t n, uint32_t ordinal) {
  size_t bytes = nodes->policy->node_state_bytes;
  if (!bytes) return NULL;
  void *state = nodes->node_state + n * bytes;
  if (nodes->node_owner[n] != ordinal + 1) memset(state, 0, bytes);
  nodes->node_owner[n] = ordinal + 1;
  return state;
}

static void views_grow(Run *run) {
  NodeControl *nodes = &run->nodes;
  const Cluster *cluster = &run->cluster;
  if (!nodes->node || nodes->node_capacity < cluster->n_nodes) {
    uint32_t old = nodes->node_capacity, grown = cluster->n_nodes * 2 + 1;
    nodes->node = ARENA_ARRAY(run->arena, NodeView, grown);
    nodes->action = ARENA_ARRAY(run->arena, NodeAction, grown);
    if (nodes->policy->node_state_bytes) nodes->node_state = arena_grow(run->arena, nodes->node_state, old, grown, nodes->policy->node_state_bytes);
    nodes->node_owner = arena_grow(run->arena, nodes->node_owner, old, grown, sizeof *nodes->node_owner);
    nodes->node_capacity = grown;
  }
  if (nodes->policy->reads_replicas && nodes->placed_capacity < cluster->n_replicas) {
    nodes->placed_capacity = cluster->n_replicas * 2;
    nodes->placed = ARENA_ARRAY(run->arena, PlacedView, nodes->placed_capacity);
    nodes->pending = ARENA_ARRAY(run->arena, PendingView, nodes->placed_capacity);
  }
}

/* Oldest first: a node's own list has the newest first. */
static void view_placed(Run *run, NodeView *view, const Node *node, NodeObservation *o) {
  const Cluster *cluster = &run->cluster;
  view->first_placed = o->n_placed;
  view->n_placed = node->n_replicas;
  uint32_t k = o->n_placed += node->n_replicas;
  for (uint32_t r = node->first_replica; r != REPLICA_NONE; r = cluster->replica[r].next_on_node) {
    const Replica *replica = &cluster->replica[r];
    run->nodes.placed[--k] = (PlacedView){.deployment = replica->deployment, .ordinal = replica->ordinal, .request = replica->request,
                                          .gpu = replica->gpu, .ready = replica->state == REPLICA_READY,
                                          .draining = replica->state == REPLICA_DRAINING, .placed_ns = replica->placed_ns};
  }
}

static void view_nodes(Run *run, NodeObservation *o) {
  NodeControl *nodes = &run->nodes;
  const Cluster *cluster = &run->cluster;
  for (uint32_t n = 0; n < cluster->n_nodes; n++) {
    const Node *node = &cluster->node[n];
    if (node->state == NODE_GONE || node->state == NODE_DOWN) continue;
    bool ready = node->state == NODE_READY;
    NodeView *view = &nodes->node[o->n_nodes++];
    *view = (NodeView){.node = n, .pool = node->pool, .phase = ready ? NODE_PHASE_READY : NODE_PHASE_STARTING,
                       .cordoned = node->cordoned, .draining = node->draining, .ordered_ns = node->ordered_ns,
                       .ready_ns = ready ? node->ready_ns : INSTANT_NEVER, .empty_since_ns = node->empty_since_ns,
                       .changed_ns = ready ? node->changed_ns : INSTANT_NEVER, .requested = node->used, .gpu_free = node->gpu_free,
                       .state = node_state(nodes, n, node->ordinal)};
    if (nodes->policy->reads_replicas) view_placed(run, view, node, o);
  }
}

static void view_pending(Run *run, NodeObservation *o) {
  const Cluster *cluster = &run->cluster;
  for (uint32_t d = 0; d < run->n_targets; d++)
    for (uint32_t k = 0; k < run->target[d].n_replicas && cluster->deployment_pending[d]; k++) {
      const Replica *replica = &cluster->replica[run->target[d].replica[k]];
      if (replica->state == REPLICA_PENDING)
        run->nodes.pending[o->n_pending++] = (PendingView){d, replica->ordinal, replica->request, replica->created_ns};
    }
  for (uint32_t q = 0; q < run->training.n_queues; q++) {
    const TrainingQueue *queue = &run->training.queue[q];
    for (uint32_t k = 0; k < queue->n_active && cluster->deployment_pending[queue->tenant]; k++) {
      const TrainingJob *job = &run->training.job[queue->active[k]];
      for (uint32_t w = 0; !job->running && w < job->n_workers; w++) {
        const Replica *replica = &cluster->replica[job->worker[w]];
        run->nodes.pending[o->n_pending++] = (PendingView){queue->tenant, replica->ordinal, replica->request, replica->created_ns};
      }
    }
  }
}

static void view_pools(Run *run) {
  Cluster *cluster = &run->cluster;
  cluster_nodes_needed_all(cluster, cluster->needed);
  for (uint32_t p = 0; p < cluster->n_pools; p++) {
    PoolView *view = &run->nodes.pool[p];
    view->nodes_ready = cluster->pool_nodes_ready[p];
    view->nodes_starting = cluster->pool_nodes_starting[p];
    view->nodes_draining = cluster->pool_nodes_draining[p];
    view->nodes_needed = cluster->needed[p];
    int64_t there = view->nodes_ready + view->nodes_starting; /* a pool that gives no more nodes now has its maximum, as far as anybody can tell */
    view->max_nodes = pool_closed(cluster, p) ? there : there + pool_may_order(cluster, p);
  }
}

static void observe(Run *run, bool tick, NodeObservation *o) {
  NodeControl *nodes = &run->nodes;
  views_grow(run);
  view_pools(run);
  *o = (NodeObservation){.now_ns = run->now_ns, .look = nodes->look++, .tick = tick, .pool = nodes->pool, .node = nodes->node, .placed = nodes->placed,
                         .pending = nodes->pending, .deployment = nodes->deployment, .n_pools = run->cluster.n_pools,
                         .n_deployments = run->cluster.n_deployments, .scratch = &nodes->scratch,
                         .random = stream_make((uint64_t)run->scenario->seed, 0, PURPOSE_NODES, run->replication)};
  view_nodes(run, o);
  if (nodes->policy->reads_replicas) view_pending(run, o);
}

/* ---- what it wishes ---- */

static void push_node_events(Run *run, uint32_t pool) {
  for (uint32_t k = 0; k < run->cluster.n_nodes; k++) {
    const Node *node = &run->cluster.node[k];
    if (node->pool == pool && node->state == NODE_STARTING && node->ordered_ns == run->now_ns) run_push(run, node->ready_ns, CLASS_READY, SHARED_NODE_READY, k);
  }
}

void run_node_left(Run *run, uint32_t node) {
  if (node != NODE_NONE && run->cluster.node[node].draining && run->cluster.node[node].n_replicas == 0) node_release(&run->cluster, node, run->now_ns);
}

/* What a look did beyond orders and releases. */
typedef struct Moves {
  bool uncordoned, drained;
} Moves;

static Moves act(Run *run, const NodeObservation *o) {
  Cluster *cluster = &run->cluster;
  Moves moves = {false, false};
  bool may_move = !(run->nodes.policy->wakes & NODE_WAKE_CHANGE);
  for (uint32_t k = 0; k < o->n_nodes; k++) {
    uint32_t n = o->node[k].node;
    switch (run->nodes.action[k]) {
      case NODE_KEEP: break;
      case NODE_RELEASE:
        if (o->node[k].phase == NODE_PHASE_READY) node_release(cluster, n, run->now_ns);
        else node_cancel(cluster, n, run->now_ns);
        break;
      case NODE_CORDON:
      case NODE_UNCORDON:
        if (may_move) node_cordon(cluster, n, run->nodes.action[k] == NODE_CORDON, run->now_ns);
        moves.uncordoned |= may_move && run->nodes.action[k] == NODE_UNCORDON;
        break;
      case NODE_DRAIN:
        if (may_move && node_drain(cluster, n, run->now_ns)) moves.drained = true;
        else run->nodes.action[k] = NODE_KEEP;
        break;
    }
  }
  for (uint32_t k = 0; moves.drained && k < o->n_nodes; k++)
    if (run->nodes.action[k] == NODE_DRAIN) run_node_empties(run, o->node[k].node);
  return moves;
}

static void carry_out(Run *run, const NodeObservation *o, const NodeDecision *decision) {
  NodeControl *nodes = &run->nodes;
  bool refused = false;
  for (uint32_t p = 0; p < o->n_pools; p++) {
    int64_t count = decision->order[p] > UINT32_MAX ? UINT32_MAX : decision->order[p];
    int64_t closed_ns = run->cluster.pool_state[p].closed_until_ns;
    if (count > 0 && nodes_order(&run->cluster, p, (uint32_t)count, run->now_ns)) push_node_events(run, p);
    if (run->cluster.pool_state[p].closed_until_ns == closed_ns) continue;
    run_pool_closed(run, p);
    refused = true;
  }
  Moves moves = act(run, o);
  if (decision->look_again_ns < run->scenario->horizon_ns && decision->look_again_ns > run->now_ns && decision->look_again_ns != nodes->look_ns) {
    nodes->look_ns = decision->look_again_ns;
    run_push(run, decision->look_again_ns, CLASS_CONTROL, SHARED_NODE_LOOK, 0);
  }
  arena_free(&nodes->scratch);
  if (moves.uncordoned || moves.drained) {
    run_place_pending(run);
    run_update_speeds(run);
  }
  if (refused) run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_PENDING); /* elsewhere: each pool refuses once at an instant */
  else if (moves.drained) run_nodes_wake(run, NODE_WAKE_PENDING);
}

/* ---- when it is asked ---- */

static void look(Run *run, bool tick) {
  NodeControl *nodes = &run->nodes;
  NodeObservation observation;
  observe(run, tick, &observation);
  memset(nodes->order, 0, observation.n_pools * sizeof *nodes->order);
  memset(nodes->action, 0, observation.n_nodes * sizeof *nodes->action);
  NodeDecision decision = {.order = nodes->order, .action = nodes->action, .look_again_ns = INSTANT_NEVER};
  nodes->policy->decide(nodes->params, nodes->state, &observation, &decision);
  carry_out(run, &observation, &decision);
}

static bool anything_pending(const Run *run) {
  for (uint32_t d = 0; d < run->cluster.n_deployments; d++)
    if (run->cluster.deployment_pending[d]) return true;
  return false;
}

void run_nodes_wake(Run *run, unsigned wakes) {
  if (wakes & NODE_WAKE_PENDING && !anything_pending(run)) wakes &= ~(unsigned)NODE_WAKE_PENDING;
  if (wakes & run->nodes.policy->wakes) look(run, false);
}

void run_nodes_look(Run *run, int64_t at_ns) {
  if (run->nodes.look_ns != at_ns) return;
  run->nodes.look_ns = INSTANT_NEVER;
  run_mark_ready(run);
  look(run, true);
}

void run_nodes_tick(Run *run) {
  NodeControl *nodes = &run->nodes;
  int64_t next_ns = ++nodes->tick * nodes->period_ns;
  if (next_ns < run->scenario->horizon_ns) run_push(run, next_ns, CLASS_CONTROL, SHARED_NODE_TICK, 0);
  run_mark_ready(run);
  look(run, true);
}

void run_node_ready(Run *run, uint32_t node) {
  const Node *it = &run->cluster.node[node];
  bool repaired = it->state == NODE_DOWN;
  if ((!repaired && it->state != NODE_STARTING) || it->ready_ns != run->now_ns) return;
  if (it->fails_to_start && !repaired) {
    node_give_up(&run->cluster, node, run->now_ns);
    run_pool_closed(run, it->pool);
    run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_PENDING);
    return;
  }
  if (repaired) node_repaired(&run->cluster, node, run->now_ns);
  else node_ready(&run->cluster, node, run->now_ns);
  run_node_opened(run, node);
  run_place_pending(run);
  run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_READY);
}

/* ---- beginning ---- */

static void constant_views(Run *run) {
  NodeControl *nodes = &run->nodes;
  const Cluster *cluster = &run->cluster;
  char *state = arena_alloc(run->arena, cluster->n_pools, nodes->policy->pool_state_bytes);
  nodes->pool = ARENA_ARRAY(run->arena, PoolView, cluster->n_pools);
  nodes->order = ARENA_ARRAY(run->arena, int64_t, cluster->n_pools);
  for (uint32_t p = 0; p < cluster->n_pools; p++) {
    const NodePool *pool = &cluster->pool[p];
    nodes->pool[p] = (PoolView){.name = pool->name, .capacity = pool->machine.capacity, .allocatable = pool->machine.allocatable,
                                .nano_usd_per_h = pool->machine.nano_usd_per_h, .min_nodes = pool->min_nodes, .max_nodes = pool->max_nodes,
                                .startup_mean_ns = ns_from_double(distribution_mean(&pool->startup_ns)),
                                .state = state + p * nodes->policy->pool_state_bytes};
  }
  nodes->deployment = ARENA_ARRAY(run->arena, DeploymentView, cluster->n_deployments);
  for (uint32_t d = 0; d < run->n_targets; d++) {
    const PoolList *pools = &cluster->deployment_pools[d];
    nodes->deployment[d] = (DeploymentView){run->target[d].spec->name, pools->pool, pools->count, run->target[d].spec->grace_ns, false};
  }
  for (uint32_t d = run->n_targets; d < cluster->n_deployments; d++) {
    const TrainingSpec *spec = run->training.queue[d - run->n_targets].spec;
    const PoolList *pools = &cluster->deployment_pools[d];
    nodes->deployment[d] = (DeploymentView){spec->name, pools->pool, pools->count, 0, !spec->evictable};
  }
}

void node_control_begin(Run *run) {
  NodeControl *nodes = &run->nodes;
  nodes->policy = (const NodePolicy *)run->strategy->nodes.model;
  nodes->params = run->strategy->nodes.params;
  nodes->scratch.exhausted = run->arena->exhausted;
  nodes->look_ns = INSTANT_NEVER;
  size_t bytes = nodes->policy->state_bytes_of ? nodes->policy->state_bytes_of(nodes->params) : nodes->policy->state_bytes;
  nodes->state = arena_alloc(run->arena, 1, bytes);
  nodes->period_ns = nodes->policy->period_ns ? nodes->policy->period_ns(nodes->params) : 0;
  constant_views(run);
  if (nodes->period_ns > 0) run_push(run, 0, CLASS_CONTROL, SHARED_NODE_TICK, 0);
  run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_PENDING);
}
