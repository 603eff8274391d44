/* `small_model`: the first branch of the founding decision alone: use the smallest model, at the scale there is. */
#include "sim/contract/policy.h"

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const double none = __builtin_nan("");
  (void)params, (void)state;
  bool running = observation->variant == 0;
  decision->variant = 0;
  decision->model_state = MODEL_STATE_SMALL_MODEL_RUNNING;
  decision->reason = running ? "small model running" : "use the small model";
  decision_step(decision, "Use the small model", "small model running", running, running ? "keep" : "use_small_model()",
                MODEL_STATE_SMALL_MODEL_RUNNING, none, none);
}

extern const Policy policy_small_model;
const Policy policy_small_model = {
    .model = {.kind = MODEL_POLICY,
              .name = "small_model",
              .summary = "always the smallest variant, no scaling",
              .rule = "variant = the first (smallest) of the deployment. Replicas and requests stay.",
              .evidence = "the first branch of the founding decision, alone; tests/unit/test_policies.c",
              .params = &no_params_type},
    .decide = decide,
};
