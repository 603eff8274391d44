/* Karpenter's scheduling: replicas, largest first, onto nodes that are there or on their way, then onto claims. A claim is a node to be
 * bought whose type is still open: it keeps every instance type that would take all its replicas, and the cheapest of them is bought.
 * Read at kubernetes-sigs/karpenter, provisioning/scheduling (scheduler.go, queue.go, nodeclaim.go). */
#ifndef MODELS_NODE_CLAIMS_H
#define MODELS_NODE_CLAIMS_H

#include "models/node/bins.h"

/* A replica to be placed. `must`: it runs now, and the plan fails if it finds no place on a ready or a new node. */
typedef struct Pod {
  uint32_t deployment;
  Resources request;
  bool must;
} Pod;

typedef struct Claim {
  uint32_t group;     /* the NodePool it is bought from */
  uint32_t n_pods;
  uint32_t first_bin; /* one imagined machine for each pool of the cluster ... */
  bool *may;          /* ... that still may be it: [n_pools] */
} Claim;

/* What may be bought from a NodePool. */
typedef struct Group {
  const bool *has;  /* [n_pools]: its instance types */
  Resources left;   /* of its limits, as capacity; INT64_MAX: no limit */
  int64_t nodes_left;
} Group;

typedef struct Plan {
  Bins *bins;
  const Group *group; /* in order of preference */
  uint32_t n_groups;
  Resources *left;    /* [n_groups], of limits, as claims use them up */
  int64_t *nodes_left;
  Claim *claim;
  uint32_t n_claims, claim_capacity;
  bool must_failed;   /* a `must` found no place, or only on a node that is not ready */
} Plan;

/* Places all, largest first (CPU, then memory). What it takes from bins stays taken until rewound. */
void plan_pods(Plan *plan, const Pod *pod, uint32_t n);
/* The cheapest pool of a claim that costs less than `below` and of which there is one to be had (available[n_pools]); BIN_NONE. */
uint32_t claim_cheapest(const Plan *plan, const Claim *claim, __int128 below_nano_usd_per_h, const int64_t *available);

#endif
