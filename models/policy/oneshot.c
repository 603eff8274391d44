/* `oneshot`: all the way in one action, the replicas times latency / target. Source: beomyeol/faro @ b595c4a, src/policy.py (OneshotPolicy). */
#include "models/policy/faro.h"
#include "models/policy/tracking.h"

static int64_t act(int64_t current, double factor, bool up) {
  (void)up;
  return rounded_up((double)current * factor);
}

static void decide_all(const void *params, void *state, const Observation *observation, Decision *decision, size_t n) {
  faro_decide_all(params, state, observation, decision, n, act);
}

extern const Policy policy_oneshot;
const Policy policy_oneshot = {
    .model = {.kind = MODEL_POLICY,
              .name = "oneshot",
              .summary = "Faro's Oneshot: replicas times latency / target, after some time above or below",
              .rule = "The signal is the mean latency of the requests that ended in look_back_period, 0 when none did. Above target_metric for upscale_delay\n"
                      "(in looks, in a row): replicas = ceil(replicas x signal / target). Not above it for\n"
                      "downscale_delay: the same. Then counting starts anew. An action while\n"
                      "replicas are starting is skipped. Scale-downs of all deployments are applied before scale-ups; a scale-up beyond the quota is\n"
                      "cut to what is left.",
              .evidence = "beomyeol/faro @ b595c4a read: 15 hand-computed cases in tests/unit/test_faro.c",
              .params = &faro_type},
    .state_bytes = sizeof(FaroState),
    .timing = faro_timing,
    .metrics = faro_metrics,
    .decide_all = decide_all,
};
