/* Write a node policy (cluster autoscaler): one file in models/node. It sees pools as counts and pending replicas, and wishes
 * orders and releases; the cluster clamps them to the pool's bounds. */
#ifndef SIM_CONTRACT_NODE_POLICY_H
#define SIM_CONTRACT_NODE_POLICY_H

#include "sim/contract/type.h"

typedef struct NodeView {
  uint32_t node;          /* id in the cluster */
  int64_t empty_since_ns; /* INSTANT_NEVER while it holds a replica */
} NodeView;

typedef struct PoolObservation {
  int64_t now_ns;
  int64_t nodes_ready, nodes_starting, min_nodes, max_nodes;
  int64_t nodes_needed; /* further nodes that would place all pending replicas of this pool, those starting taken into account */
  const NodeView *ready; /* ready nodes in id order */
} PoolObservation;

typedef struct PoolDecision {
  int64_t order;          /* nodes to order now */
  uint32_t *release;      /* room for nodes_ready ids */
  size_t n_release;
  int64_t look_again_ns;  /* the next instant to be asked even if nothing happens; INSTANT_NEVER */
} PoolDecision;

/* Called whenever a replica became pending, a node became empty, and at look_again_ns. */
typedef struct NodePolicy {
  Model model; /* first */
  void (*decide)(const void *params, const PoolObservation *observation, PoolDecision *decision);
} NodePolicy;

#endif
