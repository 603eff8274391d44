/* `aiad`: additive increase, additive decrease, one replica an action. Source: beomyeol/faro @ b595c4a, src/policy.py (AIADPolicy). */
#include "models/policy/faro.h"
#include "models/policy/tracking.h"

static int64_t act(int64_t current, double factor, bool up) {
  (void)factor;
  return up ? current + 1 : most(current - 1, 0);
}

static void decide_all(const void *params, void *state, const Observation *observation, Decision *decision, size_t n) {
  faro_decide_all(params, state, observation, decision, n, act);
}

extern const Policy policy_aiad;
const Policy policy_aiad = {
    .model = {.kind = MODEL_POLICY,
              .name = "aiad",
              .summary = "Faro's AIAD: one replica more or less, after some time above or below",
              .rule = "The signal is the mean latency of the requests that ended in look_back_period, 0 when none did. Above target_metric for upscale_delay\n"
                      "(in looks, in a row): one replica more. Not above it for\n"
                      "downscale_delay: one replica less. Then counting starts anew. An action while\n"
                      "replicas are starting is skipped. Scale-downs of all deployments are applied before scale-ups; a scale-up beyond the quota is\n"
                      "cut to what is left.",
              .evidence = "beomyeol/faro @ b595c4a read: 12 hand-computed cases in tests/unit/test_faro.c",
              .params = &faro_type},
    .state_bytes = sizeof(FaroState),
    .timing = faro_timing,
    .metrics = faro_metrics,
    .decide_all = decide_all,
};
