/* Shared by the files of the cluster: what a node has room for, and telling that something changed. */
#ifndef SIM_WORLD_CLUSTER_INTERNAL_H
#define SIM_WORLD_CLUSTER_INTERNAL_H

#include "sim/world/cluster.h"

static inline int64_t machine_gpus(const NodePool *pool) { return pool->machine.allocatable.milligpus / 1000; }

/* Whether the node, as it is, has room; *gpu is the GPU a fraction would share. */
bool node_has_room(const NodePool *pool, const Node *node, Resources request, uint32_t *gpu);
void node_take(const NodePool *pool, Node *node, Resources request, uint32_t gpu);
void node_give_back(const NodePool *pool, Node *node, Resources request, uint32_t gpu);
/* How many replicas of a request fit on the node as it is. */
int64_t node_count_room(const NodePool *pool, const Node *node, Resources request);
/* ---- supply.c: orders, and what nodes draw ---- */
typedef struct Supply {
  int64_t startup_ns;
  bool warm, fails; /* fails: startup_ns is when that is seen */
} Supply;
void supply_begin(Cluster *cluster);
/* One more node is to be had, and how; false: refused, or nobody asks. */
bool pool_supplies(Cluster *cluster, uint32_t pool, int64_t now_ns, Supply *supply);
/* No orders for a while. */
void pool_close(Cluster *cluster, uint32_t pool, int64_t now_ns);
double node_speed(const Cluster *cluster, const Node *node);
/* When it will fail or be taken back, from an instant at which it is ready. */
void node_draws_dangers(Cluster *cluster, Node *node, int64_t now_ns);
int64_t node_repair_ends(Cluster *cluster, const Node *node, int64_t now_ns);
static inline PoolRow *pool_row_now(Cluster *cluster, uint32_t pool, int64_t now_ns) {
  return &cluster->pool_row[(size_t)pool * TRACE_ROWS + (size_t)row_of(cluster->horizon_ns, now_ns)];
}

/* Ends a node's billing (if it was billed): granularity and minimum charge are added now; a level less is billed. */
void node_bill_end(Cluster *cluster, Node *node, int64_t now_ns);
/* The deployment may run on pool p. */
static inline bool deployment_may_use(const Cluster *cluster, uint32_t d, uint32_t p) {
  const PoolList *pools = &cluster->deployment_pools[d];
  for (uint32_t k = 0; k < pools->count; k++)
    if (pools->pool[k] == p) return true;
  return false;
}
/* Room has grown: requests that found none may be tried again. */
static inline void pool_has_more_room(Cluster *cluster, uint32_t pool) { cluster->pool_level[pool].full = false; }
/* After every change: money is charged anew, and in debug builds everything is checked. */
void cluster_changed(Cluster *cluster);

#endif
