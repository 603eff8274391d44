/* `hybrid`: vertical up to the cap, then horizontal, and back: fewer replicas down to the minimum first, then smaller ones. One step a look.
 * Wishes are kept as the whole demand in millicores, which neither way of scaling changes. */
#include "models/policy/tracking.h"

#define HYBRID_FIELDS(F, C, O, L, M, R, P)                                                                                 \
  C(metric, tracked_metric_names, "utilisation", "what is held at the target (latency: mean latency / objective)", "")  \
  F(ratio, target, "70%", 1e-6, 1e9, OPTIONAL, "value to hold: a share, jobs per replica, or a share of the objective", "") \
  F(ratio, tolerance, "0.1", 0, 10, OPTIONAL, "no change while metric / target is this close to 1, ends included", "")  \
  F(cpu, min, "0", 0, 1e6, OPTIONAL, "request at least; 0: what the deployment starts with", "")                        \
  F(cpu, max, "0", 0, 1e6, OPTIONAL, "request at most, the point where replicas are added; 0: what the nodes can give", "") \
  F(duration, cooldown, "60s", 0, 86400, OPTIONAL, "no change within this time of a resize", "")                        \
  F(duration, scale_down_window, "5m", 0, 86400, OPTIONAL, "scales down to the highest demand of this long", "")
typedef struct Hybrid { FIELD_MEMBERS(HYBRID_FIELDS) } Hybrid;
#define ROW_STRUCT Hybrid
static const Field hybrid_fields[] = {FIELD_ROWS(HYBRID_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Hybrid *hybrid = value;
  if (hybrid->max_millicores > 0 && hybrid->min_millicores > hybrid->max_millicores) return err_at(err, "min", "is above max");
  return true;
}

static const Type hybrid_type = FIELD_TYPE("hybrid", "vertical, then horizontal", Hybrid, hybrid_fields, check);

typedef struct HybridState {
  Wishes wishes; /* whole demand, millicores */
  bool resized;
  int64_t resized_ns;
} HybridState;

static int64_t share_up(int64_t total, int64_t parts) { return (total + parts - 1) / parts; }

static void grow(const Hybrid *hybrid, const Observation *observation, int64_t demand, Decision *decision) {
  int64_t high = most(observation->cap_millicores, observation->request_millicores);
  if (hybrid->max_millicores > 0) high = least(high, hybrid->max_millicores);
  if (observation->request_millicores < high) {
    decision->request_millicores = least(share_up(demand, observation->replicas), high);
    decision->reason = "grow each replica";
    return;
  }
  decision->replicas = least(share_up(demand, observation->request_millicores), observation->max_replicas);
  decision->replicas = most(decision->replicas, observation->replicas);
  decision->reason = decision->replicas > observation->replicas ? "at the cap: add replicas" : "at the cap and at the maximum of replicas";
}

static void shrink(const Hybrid *hybrid, const Observation *observation, int64_t demand, Decision *decision) {
  int64_t fewest = most(observation->min_replicas, 1);
  if (observation->replicas > fewest) {
    int64_t wish = share_up(demand, observation->request_millicores);
    decision->replicas = least(most(wish, fewest), observation->replicas);
    decision->reason = decision->replicas < observation->replicas ? "fewer replicas" : "one replica less would not do";
    return;
  }
  int64_t low = hybrid->min_millicores > 0 ? hybrid->min_millicores : observation->initial_millicores;
  int64_t wish = share_up(demand, observation->replicas);
  decision->request_millicores = least(most(wish, low), observation->request_millicores);
  decision->reason = decision->request_millicores < observation->request_millicores ? "shrink each replica" : "at the smallest scale";
}

static void track(const Hybrid *hybrid, HybridState *state, const Observation *observation, Decision *decision) {
  const int64_t request = observation->request_millicores, current = observation->replicas * request;
  double ratio = tolerated_ratio(decision->metric, decision->target, hybrid->tolerance_ratio);
  double ready = (double)most(observation->replicas_ready, 1);
  int64_t raw = rounded_up(ready * (double)request * (decision->metric / decision->target));
  int64_t tolerated = ratio == 1 || (ratio > 1 && raw < current) || (ratio < 1 && raw > current) ? current : raw;
  int64_t highest = wishes_add(&state->wishes, observation->now_ns, hybrid->scale_down_window_ns, tolerated, current);
  int64_t stable = stabilised_down(tolerated, highest, current);
  decision->raw_replicas = (double)raw / (double)request;
  decision->after_tolerance = (double)tolerated / (double)request;
  decision->stabilised = (double)stable / (double)request;
  if (stable == current) decision->reason = tolerated < current ? "held by the scale-down window" : "within tolerance";
  else if (state->resized && observation->now_ns - state->resized_ns < hybrid->cooldown_ns) decision->reason = "cooling down";
  else if (stable > current) grow(hybrid, observation, stable, decision);
  else shrink(hybrid, observation, stable, decision);
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const Hybrid *hybrid = params;
  HybridState *hybrid_state = state;
  decision->metric = tracked_metric((TrackedMetric)hybrid->metric, observation);
  decision->target = hybrid->target_ratio;
  if (observation->request_millicores <= 0 || observation->replicas <= 0) decision->reason = "nothing to scale: no CPU request, or no replicas";
  else if (decision->metric != decision->metric) decision->reason = "no metrics";
  else track(hybrid, hybrid_state, observation, decision);
  bool resize = decision->request_millicores != observation->request_millicores;
  bool change = resize || decision->replicas != observation->replicas;
  if (resize) {
    hybrid_state->resized = true;
    hybrid_state->resized_ns = observation->now_ns;
  }
  decision_step(decision, "Compare metric with target", "demand met at this scale", !change,
                resize ? "scale_vertically()" : change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE, decision->metric,
                decision->target);
}

extern const Policy policy_hybrid;
const Policy policy_hybrid = {
    .model = {.kind = MODEL_POLICY,
              .name = "hybrid",
              .summary = "larger replicas up to the cap, then more of them; and back",
              .rule = "demand = ready x request x metric / target; the present total while |metric / target - 1| <= tolerance; a lower demand\n"
                      "waits until it is the highest of `scale_down_window`.\n"
                      "above the present total: request = demand / replicas up to the cap; at the cap, replicas = demand / request.\n"
                      "below it: replicas = demand / request down to the minimum; at the minimum, request = demand / replicas down to `min`.\n"
                      "One of the two in one look, none within `cooldown` of a resize. Everything is rounded up.",
              .evidence = "12 hand-computed runs in tests/unit/test_policies.c",
              .params = &hybrid_type},
    .state_bytes = sizeof(HybridState),
    .resizes = true,
    .decide = decide,
};
