/* `vertical`: target tracking on the CPU request of each replica, in place. It grows at once and shrinks to the highest wish of the last
 * minutes, between a minimum and what the nodes can give. */
#include "models/policy/tracking.h"

#define VERTICAL_FIELDS(F, C, O, L, M, R, P)                                                                               \
  C(metric, tracked_metric_names, "utilisation", "what is held at the target (latency: mean latency / objective)", "")  \
  F(ratio, target, "70%", 1e-6, 1e9, OPTIONAL, "value to hold: a share, jobs per replica, or a share of the objective", "") \
  F(ratio, tolerance, "0.1", 0, 10, OPTIONAL, "no change while metric / target is this close to 1, ends included", "")  \
  F(cpu, min, "0", 0, 1e6, OPTIONAL, "request at least; 0: what the deployment starts with", "")                        \
  F(cpu, max, "0", 0, 1e6, OPTIONAL, "request at most; 0: what the nodes can give", "")                                 \
  F(duration, cooldown, "60s", 0, 86400, OPTIONAL, "least time between two resizes", "")                                \
  F(duration, scale_down_window, "5m", 0, 86400, OPTIONAL, "shrinks to the highest wish of this long", "")              \
  F(flag, scale_memory, "false", 0, 1, OPTIONAL, "memory keeps its ratio to CPU, up to what the nodes can give", "")
typedef struct Vertical { FIELD_MEMBERS(VERTICAL_FIELDS) } Vertical;
#define ROW_STRUCT Vertical
static const Field vertical_fields[] = {FIELD_ROWS(VERTICAL_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Vertical *vertical = value;
  if (vertical->max_millicores > 0 && vertical->min_millicores > vertical->max_millicores) return err_at(err, "min", "is above max");
  return true;
}

static const Type vertical_type = FIELD_TYPE("vertical", "target tracking on the CPU request", Vertical, vertical_fields, check);

typedef struct VerticalState {
  Wishes wishes; /* millicores */
  bool resized;
  int64_t resized_ns;
} VerticalState;

static int64_t ratio_kept_bytes(const Observation *observation, int64_t millicores) {
  if (observation->initial_millicores <= 0) return observation->request_bytes;
  __int128 parts = (__int128)observation->initial_bytes * millicores + observation->initial_millicores - 1;
  int64_t bytes = (int64_t)(parts / observation->initial_millicores);
  return least(bytes, most(observation->cap_bytes, observation->request_bytes));
}

/* The request that the rule asks for, clamped; *reason says which word was last. */
static int64_t wished_request(const Vertical *vertical, VerticalState *state, const Observation *observation, double ratio,
                              const char **reason) {
  const int64_t current = observation->request_millicores;
  int64_t low = vertical->min_millicores > 0 ? vertical->min_millicores : observation->initial_millicores;
  int64_t high = most(observation->cap_millicores, current);
  if (vertical->max_millicores > 0) high = least(high, vertical->max_millicores);
  int64_t raw = ratio == 1 ? current : rounded_up((double)current * ratio);
  int64_t highest = wishes_add(&state->wishes, observation->now_ns, vertical->scale_down_window_ns, raw, current);
  int64_t wish = stabilised_down(raw, highest, current);
  *reason = ratio == 1 ? "within tolerance" : wish != raw ? "held by the scale-down window" : ratio > 1 ? "metric above target" : "metric below target";
  if (wish > high) *reason = "at the cap";
  if (wish < low) *reason = "at the minimum request";
  wish = most(low, least(wish, high));
  if (wish == current || !state->resized || observation->now_ns - state->resized_ns >= vertical->cooldown_ns) return wish;
  *reason = "cooling down";
  return current;
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const Vertical *vertical = params;
  VerticalState *vertical_state = state;
  decision->metric = tracked_metric((TrackedMetric)vertical->metric, observation);
  decision->target = vertical->target_ratio;
  if (observation->request_millicores <= 0) {
    decision->reason = "no CPU request to scale";
  } else if (decision->metric != decision->metric) {
    decision->reason = "no metrics";
  } else {
    double ratio = tolerated_ratio(decision->metric, decision->target, vertical->tolerance_ratio);
    decision->request_millicores = wished_request(vertical, vertical_state, observation, ratio, &decision->reason);
  }
  bool change = decision->request_millicores != observation->request_millicores;
  if (change) {
    vertical_state->resized = true;
    vertical_state->resized_ns = observation->now_ns;
    if (vertical->scale_memory) decision->request_bytes = ratio_kept_bytes(observation, decision->request_millicores);
  }
  decision_step(decision, "Compare metric with target", "request as wished", !change, change ? "scale_vertically()" : "keep",
                MODEL_STATE_NONE, decision->metric, decision->target);
}

extern const Policy policy_vertical;
const Policy policy_vertical = {
    .model = {.kind = MODEL_POLICY,
              .name = "vertical",
              .summary = "target tracking on the CPU request of each replica",
              .rule = "request = ceil(request x metric / target) millicores; unchanged while |metric / target - 1| <= tolerance. A lower wish\n"
                      "waits until it is the highest of `scale_down_window`. Between `min` (or the initial request) and what every replica\n"
                      "could be given in place (and `max`); not within `cooldown` of the last resize. Without metrics nothing changes.",
              .evidence = "12 hand-computed runs in tests/unit/test_policies.c",
              .params = &vertical_type},
    .state_bytes = sizeof(VerticalState),
    .resizes = true,
    .decide = decide,
};
