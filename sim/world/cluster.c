/* Nodes and replicas come and go; see cluster.h for what always holds. Placement is in placement.c, money in billing.c, orders and what
 * goes wrong in supply.c, the invariants in cluster_check.c. */
#include "sim/world/cluster.h"

#include <string.h>

#include "sim/base/check.h"
#include "sim/world/cluster_internal.h"

void cluster_changed(Cluster *c) {
  c->rates_changed = true;
  c->changes++;
#ifndef NDEBUG
  cluster_check(c);
#endif
}

/* ---- nodes ---- */

static uint32_t node_slot(Cluster *c, uint32_t p) {
  for (uint32_t n = 0; n < c->n_nodes; n++)
    if (c->node[n].state == NODE_GONE && c->node[n].pool == p) return n;
  if (c->n_nodes == c->node_capacity) {
    uint32_t grown = c->node_capacity ? 2 * c->node_capacity : 8;
    c->node = arena_grow(c->arena, c->node, c->n_nodes, grown, sizeof *c->node);
    c->node_capacity = grown;
  }
  c->node[c->n_nodes].gpu_free = ARENA_ARRAY(c->arena, int64_t, (size_t)machine_gpus(&c->pool[p]));
  return c->n_nodes++;
}

static uint32_t node_new(Cluster *c, uint32_t p, int64_t now_ns, int64_t ready_ns) {
  const NodePool *pool = &c->pool[p];
  uint32_t n = node_slot(c, p);
  int64_t *gpu_free = c->node[n].gpu_free;
  for (int64_t g = 0; g < machine_gpus(pool); g++) gpu_free[g] = GPU_FREE;
  c->node[n] = (Node){.pool = p, .ordinal = c->pool_ordinal[p]++, .state = NODE_STARTING, .ordered_ns = now_ns, .ready_ns = ready_ns,
                      .gone_ns = INSTANT_NEVER, .gpu_free = gpu_free, .first_replica = REPLICA_NONE, .empty_since_ns = now_ns, .changed_ns = ready_ns,
                      .billed_since_ns = pool->bill_startup ? now_ns : INSTANT_NEVER,
                      .fails_ns = INSTANT_NEVER, .reclaimed_ns = INSTANT_NEVER, .lost_ns = INSTANT_NEVER};
  c->node[n].speed = node_speed(c, &c->node[n]);
  c->pool_nodes_starting[p]++;
  c->pool_level[p].starting++;
  c->pool_level[p].billed += pool->bill_startup;
  return n;
}

uint32_t nodes_order(Cluster *c, uint32_t p, uint32_t count, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  uint32_t ordered = 0;
  Supply supply;
  while (ordered < count && pool_may_order(c, p) > 0 && pool_supplies(c, p, now_ns, &supply)) {
    uint32_t n = node_new(c, p, now_ns, now_ns + supply.startup_ns);
    c->node[n].warm = supply.warm;
    c->node[n].fails_to_start = supply.fails;
    ordered++;
  }
  cluster_changed(c);
  return ordered;
}

/* Starting or repaired: empty and able to take replicas from now on. */
static void node_opens(Cluster *c, Node *node, int64_t now_ns) {
  PoolLevel *level = &c->pool_level[node->pool];
  node->state = NODE_READY;
  node->empty_since_ns = now_ns;
  c->pool_nodes_ready[node->pool]++;
  level->ready++;
  pool_has_more_room(c, node->pool);
  if (node->billed_since_ns == INSTANT_NEVER) {
    node->billed_since_ns = now_ns;
    level->billed++;
  }
  node_draws_dangers(c, node, now_ns);
  cluster_changed(c);
}

void node_ready(Cluster *c, uint32_t n, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Node *node = &c->node[n];
  CHECK(node->state == NODE_STARTING && !node->fails_to_start);
  c->pool_nodes_starting[node->pool]--;
  c->pool_level[node->pool].starting--;
  c->pool_state[node->pool].backoff_ns = 0;
  node_opens(c, node, now_ns);
}

void node_repaired(Cluster *c, uint32_t n, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Node *node = &c->node[n];
  CHECK(node->state == NODE_DOWN);
  c->pool_level[node->pool].down--;
  node->changed_ns = now_ns;
  node_opens(c, node, now_ns);
}

/* Ready or starting no more. */
static void node_closes(Cluster *c, Node *node, int64_t now_ns) {
  PoolLevel *level = &c->pool_level[node->pool];
  if (node->state == NODE_READY) c->pool_nodes_ready[node->pool]--, level->ready--;
  else c->pool_nodes_starting[node->pool]--, level->starting--;
  c->pool_nodes_draining[node->pool] -= node->draining;
  node->cordoned = node->draining = false;
  node->fails_ns = node->reclaimed_ns = node->lost_ns = INSTANT_NEVER;
  node_bill_end(c, node, now_ns);
}

static void node_gone(Cluster *c, Node *node, int64_t now_ns) {
  node_closes(c, node, now_ns);
  node->state = NODE_GONE;
  node->gone_ns = now_ns;
  cluster_changed(c);
}

/* The pool could do with one node less, as far as its minimum goes. */
static bool may_do_without(const Cluster *c, uint32_t p) {
  return (int64_t)c->pool_nodes_ready[p] - c->pool_nodes_draining[p] > c->pool[p].min_nodes;
}

bool node_release(Cluster *c, uint32_t n, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Node *node = &c->node[n];
  if (node->state != NODE_READY || node->n_replicas || (!node->draining && !may_do_without(c, node->pool))) return false;
  node_gone(c, node, now_ns);
  return true;
}

bool node_cancel(Cluster *c, uint32_t n, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Node *node = &c->node[n];
  uint32_t p = node->pool;
  int64_t staying = (int64_t)c->pool_nodes_ready[p] + c->pool_nodes_starting[p] - c->pool_nodes_draining[p];
  if (node->state != NODE_STARTING || staying <= c->pool[p].min_nodes) return false;
  node_gone(c, node, now_ns);
  return true;
}

void node_cordon(Cluster *c, uint32_t n, bool cordoned, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Node *node = &c->node[n];
  if (node->state != NODE_READY || node->draining || node->cordoned == cordoned) return;
  node->cordoned = cordoned;
  if (!cordoned) pool_has_more_room(c, node->pool);
  cluster_changed(c);
}

bool node_drain(Cluster *c, uint32_t n, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Node *node = &c->node[n];
  if (node->state != NODE_READY || node->draining || !may_do_without(c, node->pool)) return false;
  node->cordoned = node->draining = true;
  c->pool_nodes_draining[node->pool]++;
  cluster_changed(c);
  return true;
}

void node_doom(Cluster *c, uint32_t n, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Node *node = &c->node[n];
  CHECK(node->state == NODE_READY && node->lost_ns == INSTANT_NEVER);
  node->lost_ns = now_ns + c->pool[node->pool].spot.notice_ns;
  node->reclaimed_ns = INSTANT_NEVER;
  c->pool_nodes_draining[node->pool] += !node->draining;
  node->cordoned = node->draining = true;
  pool_row_now(c, node->pool, now_ns)->reclaimed++;
  cluster_changed(c);
}

void node_taken(Cluster *c, uint32_t n, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  CHECK(c->node[n].n_replicas == 0 && c->node[n].state == NODE_READY && c->node[n].lost_ns == now_ns);
  node_gone(c, &c->node[n], now_ns);
}

void node_give_up(Cluster *c, uint32_t n, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Node *node = &c->node[n];
  CHECK(node->state == NODE_STARTING && node->fails_to_start);
  pool_row_now(c, node->pool, now_ns)->starts_failed++;
  pool_close(c, node->pool, now_ns);
  node_gone(c, node, now_ns);
}

/* A starting node, and one that is being taken back anyway, are gone. */
void node_fail(Cluster *c, uint32_t n, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Node *node = &c->node[n];
  CHECK(node->n_replicas == 0 && (node->state == NODE_READY || node->state == NODE_STARTING));
  pool_row_now(c, node->pool, now_ns)->failed++;
  if (!c->pool[node->pool].failures.repairs || node->state == NODE_STARTING || node->lost_ns != INSTANT_NEVER) {
    node_gone(c, node, now_ns);
    return;
  }
  node_closes(c, node, now_ns);
  node->state = NODE_DOWN;
  node->ready_ns = node_repair_ends(c, node, now_ns);
  node->empty_since_ns = now_ns;
  c->pool_level[node->pool].down++;
  cluster_changed(c);
}

/* ---- replicas ---- */

static uint32_t replica_slot(Cluster *c) {
  for (uint32_t r = c->first_free_replica; r < c->n_replicas; r++)
    if (c->replica[r].state == REPLICA_GONE) {
      c->first_free_replica = r + 1;
      return r;
    }
  c->first_free_replica = c->n_replicas + 1;
  if (c->n_replicas == c->replica_capacity) {
    uint32_t grown = c->replica_capacity ? 2 * c->replica_capacity : 16;
    c->replica = arena_grow(c->arena, c->replica, c->n_replicas, grown, sizeof *c->replica);
    c->replica_capacity = grown;
  }
  return c->n_replicas++;
}

uint32_t replica_create(Cluster *c, uint32_t d, Resources request, Resources limit, int variant, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  uint32_t r = replica_slot(c);
  c->replica[r] = (Replica){.deployment = d, .ordinal = c->deployment_ordinal[d]++, .node = NODE_NONE, .next_on_node = REPLICA_NONE,
                            .replaces = REPLICA_NONE, .state = REPLICA_PENDING, .variant = variant, .request = request, .limit = limit,
                            .created_ns = now_ns, .placed_ns = INSTANT_NEVER, .ready_ns = INSTANT_NEVER};
  c->deployment_pending[d]++;
  c->tenant_level[d].pending++;
  cluster_changed(c);
  return r;
}

void replica_ready(Cluster *c, uint32_t r, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  CHECK(c->replica[r].state == REPLICA_STARTING);
  c->replica[r].state = REPLICA_READY;
}

void replica_drain(Cluster *c, uint32_t r, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  CHECK(c->replica[r].state == REPLICA_READY);
  c->replica[r].state = REPLICA_DRAINING;
  c->node[c->replica[r].node].changed_ns = now_ns;
}

/* ---- beginning ---- */

void cluster_begin(Cluster *c, Arena *arena, const NodePool *pool, uint32_t n_pools, const PoolList *deployment_pools,
                   uint32_t n_deployments, int64_t horizon_ns, uint64_t seed, uint32_t replication) {
  memset(c, 0, sizeof *c);
  c->arena = arena;
  c->pool = pool;
  c->n_pools = n_pools;
  c->n_deployments = c->n_single = n_deployments;
  c->horizon_ns = horizon_ns;
  c->seed = seed;
  c->replication = replication;
  c->pool_nodes_ready = ARENA_ARRAY(arena, uint32_t, n_pools);
  c->pool_nodes_starting = ARENA_ARRAY(arena, uint32_t, n_pools);
  c->pool_nodes_draining = ARENA_ARRAY(arena, uint32_t, n_pools);
  c->pool_ordinal = ARENA_ARRAY(arena, uint32_t, n_pools);
  c->pool_level = ARENA_ARRAY(arena, PoolLevel, n_pools);
  supply_begin(c);
  c->pool_row = ARENA_ARRAY(arena, PoolRow, (size_t)n_pools * TRACE_ROWS);
  c->imagined = ARENA_ARRAY(arena, Imagined, n_pools);
  c->needed = ARENA_ARRAY(arena, int64_t, n_pools);
  c->deployment_pools = arena_grow(arena, deployment_pools, n_deployments, n_deployments, sizeof *deployment_pools);
  c->deployment_ordinal = ARENA_ARRAY(arena, uint32_t, n_deployments);
  c->deployment_pending = ARENA_ARRAY(arena, uint32_t, n_deployments);
  c->tenant_level = ARENA_ARRAY(arena, TenantLevel, n_deployments);
  c->tenant_row = ARENA_ARRAY(arena, TenantRow, (size_t)n_deployments * TRACE_ROWS);
  for (uint32_t p = 0; p < n_pools; p++)
    for (int64_t k = 0; k < pool[p].initial_nodes; k++) node_ready(c, node_new(c, p, 0, 0), 0);
}
