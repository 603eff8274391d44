/* Karpenter's parameters, as NodePool.spec (karpenter.sh/v1) names them. A pool of the cluster stands for an instance type (in one zone, of
 * one capacity type); a NodePool lists those it may use. */
#ifndef MODELS_NODE_KARPENTER_H
#define MODELS_NODE_KARPENTER_H

#include "sim/contract/type.h"

typedef enum ConsolidationPolicy { CONSOLIDATE_UNDERUTILIZED, CONSOLIDATE_EMPTY } ConsolidationPolicy;
typedef enum DisruptionReason { REASON_EMPTY, REASON_UNDERUTILIZED } DisruptionReason;
extern const char *const consolidation_policy_names[];
extern const Type karpenter_type, requirement_type, limits_type, disruption_type, budget_type, reason_type, node_pool_spec_type;

typedef struct ReasonName { int reason; } ReasonName;
#define BUDGET_FIELDS(F, C, O, L, M, R, P)                                                                                        \
  F(text, nodes, "10%", 0, 0, OPTIONAL, "nodes that may be disrupted at once: a number, or a share of the NodePool's (rounded up)", "spec.disruption.budgets[].nodes 10%") \
  L(reasons, ReasonName, &reason_type, OPTIONAL, "for these reasons only; all if left out")
typedef struct BudgetSpec { FIELD_MEMBERS(BUDGET_FIELDS) } BudgetSpec;

#define DISRUPTION_FIELDS(F, C, O, L, M, R, P)                                                                                    \
  C(consolidationPolicy, consolidation_policy_names, "WhenEmptyOrUnderutilized", "which nodes may be consolidated", "spec.disruption.consolidationPolicy") \
  F(duration, consolidateAfter, "0s", 0, 3.2e9, OPTIONAL, "only nodes to which no replica came or from which none went for so long; a very long time stands for Never", "spec.disruption.consolidateAfter 0s") \
  L(budgets, BudgetSpec, &budget_type, OPTIONAL, "the smallest counts; {nodes: 10%} if left out")
typedef struct DisruptionSpec { FIELD_MEMBERS(DISRUPTION_FIELDS) } DisruptionSpec;

#define LIMITS_FIELDS(F, C, O, L, M, R, P)                                                                                        \
  F(cpu, cpu, "0", 0, 1e9, OPTIONAL, "CPU cores of all its nodes at most; 0: no limit", "spec.limits.cpu")                       \
  F(bytes, memory, "0", 0, 4e18, OPTIONAL, "memory of all its nodes at most; 0: no limit", "spec.limits.memory")                 \
  F(gpu, gpu, "0", 0, 1e9, OPTIONAL, "GPUs of all its nodes at most; 0: no limit", "spec.limits, nvidia.com/gpu")                \
  F(integer, nodes, "0", 0, 1e9, OPTIONAL, "its nodes at most; 0: no limit", "spec.limits.nodes")
typedef struct LimitsSpec { FIELD_MEMBERS(LIMITS_FIELDS) } LimitsSpec;

typedef struct Requirement { const char *name; } Requirement;
#define NODE_POOL_FIELDS(F, C, O, L, M, R, P)                                                                                     \
  L(pools, Requirement, &requirement_type, OPTIONAL, "pools of the cluster (instance types) it may use; all if left out")        \
  F(integer, weight, "0", 0, 100, OPTIONAL, "the highest is tried first", "spec.weight")                                        \
  O(limits, LimitsSpec, &limits_type, OPTIONAL, "what all its nodes may come to")                                               \
  F(duration, expireAfter, "720h", 1, 3.2e9, OPTIONAL, "older nodes are drained, whatever the budgets say; a very long time stands for Never", "spec.template.spec.expireAfter 720h") \
  O(disruption, DisruptionSpec, &disruption_type, OPTIONAL, "when its nodes may be removed or replaced")
typedef struct NodePoolSpec { const char *name; FIELD_MEMBERS(NODE_POOL_FIELDS) } NodePoolSpec;

#define KARPENTER_FIELDS(F, C, O, L, M, R, P)                                                                                     \
  M(nodePools, NodePoolSpec, &node_pool_spec_type, OPTIONAL, "NodePools by name; one of all pools with the defaults if left out") \
  F(duration, batch_idle_duration, "1s", 0, 3600, OPTIONAL, "provisions when no replica came for so long", "BATCH_IDLE_DURATION 1s") \
  F(duration, batch_max_duration, "10s", 0, 3600, OPTIONAL, "or so long after the first one", "BATCH_MAX_DURATION 10s")
typedef struct KarpenterParams { FIELD_MEMBERS(KARPENTER_FIELDS) } KarpenterParams;

/* Nodes that a budget allows of `nodes`: "3" or "10%", rounded up. -1 if the text says neither. */
int64_t budget_allows(const char *text, int64_t nodes);

#endif
