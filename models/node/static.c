/* `static`: nodes stay as they are; nothing is ordered beyond the pool's minimum, nothing released. */
#include "sim/contract/node_policy.h"
#include "sim/core/time.h"

static void decide(const void *params, const PoolObservation *observation, PoolDecision *decision) {
  (void)params;
  int64_t missing = observation->min_nodes - observation->nodes_ready - observation->nodes_starting;
  decision->order = missing > 0 ? missing : 0;
  decision->n_release = 0;
  decision->look_again_ns = INSTANT_NEVER;
}

extern const NodePolicy node_policy_static;
const NodePolicy node_policy_static = {
    .model = {.kind = MODEL_NODE_POLICY,
              .name = "static",
              .summary = "the nodes the pool starts with, no others",
              .rule = "order = what is missing to the pool's minimum; nothing is released.",
              .evidence = "definition; hand-computed cases in tests/unit/test_policies.c",
              .params = &no_params_type},
    .decide = decide,
};
