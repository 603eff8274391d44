/* Write a node policy (cluster autoscaler): one file in models/node, one line in models/registry.c. It sees the cluster as a scheduler does
 * (pools, nodes, what runs on them, what waits) and never the simulator; decide is a pure function of (params, states, observation).
 * The cluster clamps what it wishes to the pools' bounds. */
#ifndef SIM_CONTRACT_NODE_POLICY_H
#define SIM_CONTRACT_NODE_POLICY_H

#include "sim/base/arena.h"
#include "sim/contract/type.h"
#include "sim/core/resources.h"
#include "sim/core/rng.h"

typedef struct PoolView {
  const char *name;
  Resources capacity, allocatable; /* of one machine */
  int64_t nano_usd_per_h;
  int64_t min_nodes, max_nodes;
  int64_t nodes_ready, nodes_starting; /* draining ones are ready, too */
  int64_t nodes_draining;
  int64_t startup_mean_ns;
  int64_t nodes_needed; /* further nodes that would place all pending replicas, those starting taken into account; a replica that may use
                           several pools is counted in the first of its list that can take it */
  void *state;          /* pool_state_bytes of the policy's own */
} PoolView;

typedef enum NodePhase { NODE_PHASE_STARTING, NODE_PHASE_READY } NodePhase;
typedef struct NodeView {
  uint32_t node;       /* id in the cluster; used again when it is gone */
  uint32_t pool;       /* index into pool[] */
  NodePhase phase;
  bool cordoned, draining; /* takes no further replicas; is being emptied, and released when it is empty */
  int64_t ordered_ns;
  int64_t ready_ns;        /* INSTANT_NEVER while it starts */
  int64_t empty_since_ns;  /* INSTANT_NEVER while it holds a replica */
  int64_t changed_ns;      /* a replica came, began to drain or left; when it became ready if none ever did */
  Resources requested;     /* sum of its replicas */
  const int64_t *gpu_free; /* of each GPU of the machine: milli-GPUs free, GPU_WHOLE if given whole */
  uint32_t first_placed, n_placed; /* its replicas are placed[first_placed ...] */
  void *state;             /* node_state_bytes of the policy's own, zero when the node is ordered */
} NodeView;

/* A replica that holds room on a node. */
typedef struct PlacedView {
  uint32_t deployment, ordinal; /* n-th replica of its deployment */
  Resources request;
  uint32_t gpu;                 /* the GPU a fraction sits on */
  bool ready, draining;         /* neither: it is starting */
  int64_t placed_ns;
} PlacedView;

/* A replica without a node. */
typedef struct PendingView {
  uint32_t deployment, ordinal;
  Resources request;
  int64_t since_ns;
} PendingView;

typedef struct DeploymentView {
  const char *name;
  const uint32_t *pool; /* indices of the pools it may run on, the preferred one first */
  uint32_t n_pools;
  int64_t grace_ns;     /* a draining replica is killed after this */
  bool stays;           /* its replicas must not be evicted: training workers, whose work would be lost */
} DeploymentView;

typedef struct NodeObservation {
  int64_t now_ns;
  int64_t look;    /* 0, 1, 2 ... of this policy */
  bool tick;       /* its own period has come round, or the instant it wished to look again; else something has happened */
  const PoolView *pool;
  const NodeView *node;             /* those that are not gone, in id order */
  const PlacedView *placed;
  const PendingView *pending;       /* in order of deployment, then of creation */
  const DeploymentView *deployment;
  uint32_t n_pools, n_nodes, n_placed, n_pending, n_deployments;
  Stream random;   /* stream_uniform(&random, k); count k in the policy's state. The same for every strategy */
  Arena *scratch;  /* memory for this look */
} NodeObservation;

/* A node with a replica that must not be evicted. */
static inline bool node_must_stay(const NodeObservation *seen, const NodeView *node) {
  for (uint32_t k = 0; k < node->n_placed; k++)
    if (seen->deployment[seen->placed[node->first_placed + k].deployment].stays) return true;
  return false;
}

typedef enum NodeAction {
  NODE_KEEP,
  NODE_RELEASE,  /* an empty ready node, or a starting one; not below the pool's minimum */
  NODE_CORDON,   /* takes no further replicas */
  NODE_UNCORDON, /* takes them again; nothing for a draining one */
  NODE_DRAIN     /* cordoned for good; each replica drains by its deployment's rules and a new one is created at once (pending if it fits
                    nowhere); the node is released when it is empty. Not below the pool's minimum of nodes that are not draining */
} NodeAction;

typedef struct NodeDecision {
  int64_t *order;        /* [n_pools]: nodes to order now; zeros at first */
  NodeAction *action;    /* [n_nodes], as observation->node; NODE_KEEP at first. Orders are carried out before actions, actions in id order */
  int64_t look_again_ns; /* the next instant to be asked even if nothing happens; INSTANT_NEVER at first */
} NodeDecision;

/* What a policy is woken by, besides its period and look_again_ns. */
typedef enum NodeWake {
  NODE_WAKE_PENDING = 1, /* a replica waits for a node after a scaling decision, a failure or a drain */
  NODE_WAKE_READY = 2,   /* a node became ready */
  NODE_WAKE_CHANGE = 4   /* whatever a scaling decision, a failure, a ready node or a replica that left may have changed. Such a policy may
                            neither cordon nor drain: it is told of departures when flows have gone on */
} NodeWake;

/* Optional members are NULL or 0. */
typedef struct NodePolicy {
  Model model;         /* first */
  unsigned wakes;      /* of NodeWake */
  bool reads_replicas; /* wants observation->placed and ->pending */
  size_t state_bytes;  /* all states are zero at first */
  size_t (*state_bytes_of)(const void *params); /* instead, where it depends on the parameters */
  size_t node_state_bytes, pool_state_bytes;
  int64_t (*period_ns)(const void *params);     /* ticks at 0, period, 2 period ...; after the scaling policies of the same instant */
  /* A name in the parameters that is none of the scenario's pools, or NULL. */
  const char *(*unknown_pool)(const void *params, const char *const *pool, size_t n);
  void (*decide)(const void *params, void *state, const NodeObservation *observation, NodeDecision *decision);
} NodePolicy;

#endif
