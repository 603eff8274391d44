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
/* Ends a node's billing: granularity and minimum charge are added now. */
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
