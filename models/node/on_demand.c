/* `on-demand`: the node policy of strategies that name none. A node is ordered when a replica fits nowhere and released once it has been
 * empty for a while; start-up time and billing are the pool's. */
#include "sim/contract/node_policy.h"
#include "sim/core/time.h"

#define ON_DEMAND_FIELDS(F, C, O, L, M, R, P) \
  F(duration, empty_for, "60s", 0, 3.2e9, OPTIONAL, "a node that has been empty this long is released", "")
typedef struct OnDemand { FIELD_MEMBERS(ON_DEMAND_FIELDS) } OnDemand;
#define ROW_STRUCT OnDemand
static const Field on_demand_fields[] = {FIELD_ROWS(ON_DEMAND_FIELDS)};
#undef ROW_STRUCT
static const Type on_demand_type = FIELD_TYPE("on-demand", "nodes when they are needed", OnDemand, on_demand_fields, NULL);

/* Ready nodes empty long enough, in id order, as long as the minimum stays; the rest says when to look again. */
static void release_empty(const OnDemand *on_demand, const NodeObservation *seen, uint32_t p, NodeDecision *decision) {
  const PoolView *pool = &seen->pool[p];
  int64_t spare = pool->nodes_ready + pool->nodes_starting - pool->min_nodes, released = 0;
  for (uint32_t n = 0; n < seen->n_nodes; n++) {
    const NodeView *node = &seen->node[n];
    if (node->pool != p || node->phase != NODE_PHASE_READY || node->empty_since_ns == INSTANT_NEVER) continue;
    int64_t due_ns = node->empty_since_ns + on_demand->empty_for_ns;
    if (due_ns > seen->now_ns) {
      if (spare > 0 && due_ns < decision->look_again_ns) decision->look_again_ns = due_ns;
    } else if (released < spare) {
      decision->action[n] = NODE_RELEASE;
      released++;
    }
  }
}

static void decide(const void *params, void *state, const NodeObservation *seen, NodeDecision *decision) {
  (void)state;
  for (uint32_t p = 0; p < seen->n_pools; p++) {
    const PoolView *pool = &seen->pool[p];
    int64_t nodes = pool->nodes_ready + pool->nodes_starting, wanted = nodes + pool->nodes_needed;
    if (wanted < pool->min_nodes) wanted = pool->min_nodes;
    if (wanted > pool->max_nodes) wanted = pool->max_nodes;
    decision->order[p] = wanted > nodes ? wanted - nodes : 0;
    release_empty(params, seen, p, decision);
  }
}

extern const NodePolicy node_policy_on_demand;
const NodePolicy node_policy_on_demand = {
    .model = {.kind = MODEL_NODE_POLICY,
              .name = "on-demand",
              .alias = "on_demand",
              .summary = "a node when a replica fits nowhere; released when empty for a while",
              .rule = "order = nodes that would place all pending replicas, those starting taken into account, within the pool's bounds.\n"
                      "release = every ready node that has been empty for `empty_for` or longer, in id order, never below the minimum.",
              .evidence = "the simplest rule with real start-up and billing; hand-computed cases in tests/unit/test_policies.c",
              .params = &on_demand_type},
    .wakes = NODE_WAKE_CHANGE,
    .decide = decide,
};
