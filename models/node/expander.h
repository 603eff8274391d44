/* Cluster Autoscaler's choice among node groups, and its measure of how full a node is. Read at kubernetes/autoscaler: expander/waste,
 * expander/price (87198930), expander/mostpods, leastnodes, priority, factory/chain.go, simulator/utilization/info.go (1acc8c20). */
#ifndef MODELS_NODE_EXPANDER_H
#define MODELS_NODE_EXPANDER_H

#include <stdbool.h>

#include "sim/contract/type.h"
#include "sim/core/resources.h"

typedef enum Expander { EXPANDER_LEAST_WASTE, EXPANDER_PRICE, EXPANDER_PRIORITY, EXPANDER_MOST_PODS, EXPANDER_LEAST_NODES, EXPANDER_RANDOM } Expander;
extern const char *const expander_names[];

/* One group that could help: so many nodes of it would take these pods. */
typedef struct ExpanderOption {
  uint32_t pool;
  const char *name;
  Resources capacity; /* of one node */
  int64_t nano_usd_per_h; /* of one node */
  int64_t n_nodes, n_pods;
  Resources pods; /* sum of their requests */
} ExpanderOption;

/* A tier of the priority expander: pools by name, `*` at the end of a name stands for anything. */
typedef struct PriorityTier {
  int64_t priority;
  List pools; /* of PriorityPool */
} PriorityTier;
typedef struct PriorityPool { const char *name; } PriorityPool;

typedef struct ExpanderContext {
  int64_t cluster_nodes; /* price: the preferred size of a node grows with the cluster */
  const PriorityTier *tier;
  size_t n_tiers;
} ExpanderContext;

/* Keeps the best options, all of those that are equally good, in their order; how many. */
uint32_t expander_filter(Expander expander, const ExpanderContext *context, ExpanderOption *option, uint32_t n);

/* Does a name of a tier mean this pool? */
bool priority_names(const char *pattern, const char *pool);

/* ---- utilisation ---- */

typedef struct UtilisationPod {
  Resources request;
  bool daemonset, mirror;
  int64_t deleted_for_ns, grace_ns; /* -1: not deleted */
} UtilisationPod;

typedef struct UtilisationNode {
  Resources allocatable; /* 0: the node does not have it */
  bool gpu_node;         /* it has, or should have, GPUs: nothing else counts */
} UtilisationNode;

/* The largest share of a resource that pods request of what is allocatable; of a GPU node that of its GPUs, 0 while they are not ready.
 * False if CPU or memory is not known. Daemonset and mirror pods, when skipped, are taken from the allocatable, too. */
typedef struct Utilisation {
  double cpu_share, memory_share, gpu_share, highest;
} Utilisation;
bool node_utilisation(const UtilisationNode *node, const UtilisationPod *pod, size_t n, bool skip_daemonset, bool skip_mirror, Utilisation *out);

#endif
