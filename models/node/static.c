/* `static`: nodes stay as they are; nothing is ordered beyond the pool's minimum, nothing released. */
#include "sim/contract/node_policy.h"
#include "sim/core/time.h"

static void decide(const void *params, void *state, const NodeObservation *observation, NodeDecision *decision) {
  (void)params;
  (void)state;
  for (uint32_t p = 0; p < observation->n_pools; p++) {
    const PoolView *pool = &observation->pool[p];
    int64_t missing = pool->min_nodes - pool->nodes_ready - pool->nodes_starting;
    decision->order[p] = missing > 0 ? missing : 0;
  }
}

extern const NodePolicy node_policy_static;
const NodePolicy node_policy_static = {
    .model = {.kind = MODEL_NODE_POLICY,
              .name = "static",
              .summary = "the nodes the pool starts with, no others",
              .rule = "order = what is missing to the pool's minimum; nothing is released.",
              .evidence = "definition; hand-computed cases in tests/unit/test_policies.c",
              .params = &no_params_type},
    .wakes = NODE_WAKE_CHANGE,
    .decide = decide,
};
