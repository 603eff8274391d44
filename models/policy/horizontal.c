/* `horizontal`: target tracking on the number of replicas, as the Kubernetes HPA does it: ceil(ready x metric / target), a tolerance,
 * stabilisation of scale-downs, limits on the pace, bounds. Source: pkg/controller/podautoscaler (replica_calculator.go,
 * horizontal.go), Kubernetes 1.33; the HPA itself, with its manifest and corner cases, is another policy. */
#include "models/policy/tracking.h"

#define HORIZONTAL_FIELDS(F, C, O, L, M, R, P)                                                                             \
  C(metric, tracked_metric_names, "utilisation", "what is held at the target (latency: mean latency / objective)", "")  \
  F(ratio, target, "70%", 1e-6, 1e9, OPTIONAL, "value to hold: a share, jobs per replica, or a share of the objective", "autoscaling/v2 metrics[].target") \
  F(ratio, tolerance, "0.1", 0, 10, OPTIONAL, "no change while metric / target is this close to 1, ends included", "--horizontal-pod-autoscaler-tolerance 0.1") \
  F(integer, min, "-1", -1, 1e6, OPTIONAL, "replicas at least; -1: the deployment's", "minReplicas, autoscaling/v2")    \
  F(integer, max, "-1", -1, 1e6, OPTIONAL, "replicas at most; -1: the deployment's", "maxReplicas, autoscaling/v2")     \
  F(duration, scale_down_window, "5m", 0, 86400, OPTIONAL, "scales down to the highest wish of this long", "behavior.scaleDown.stabilizationWindowSeconds 300") \
  F(number, scale_up_factor, "0", 0, 1e6, OPTIONAL, "at most so many times the present replicas in one look; 0: no such limit", "behavior.scaleUp.policies Percent") \
  F(integer, scale_up_step, "0", 0, 1e6, OPTIONAL, "at most so many more in one look; 0: no such limit; the higher of both counts", "behavior.scaleUp.policies Pods") \
  F(integer, scale_down_step, "0", 0, 1e6, OPTIONAL, "at most so many fewer in one look; 0: no limit", "behavior.scaleDown.policies Pods")
typedef struct Horizontal { FIELD_MEMBERS(HORIZONTAL_FIELDS) } Horizontal;
#define ROW_STRUCT Horizontal
static const Field horizontal_fields[] = {FIELD_ROWS(HORIZONTAL_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Horizontal *horizontal = value;
  if (horizontal->min >= 0 && horizontal->max >= 0 && horizontal->min > horizontal->max)
    return err_at(err, "min", "is above max (%lld > %lld)", (long long)horizontal->min, (long long)horizontal->max);
  return true;
}

static const Type horizontal_type = FIELD_TYPE("horizontal", "target tracking on replicas", Horizontal, horizontal_fields, check);

static int64_t limited_pace(const Horizontal *params, int64_t wish, int64_t current) {
  if (wish > current && (params->scale_up_factor > 0 || params->scale_up_step > 0)) {
    int64_t by_factor = params->scale_up_factor > 0 ? rounded_up((double)current * params->scale_up_factor) : current;
    int64_t by_step = params->scale_up_step > 0 ? current + params->scale_up_step : current;
    return least(wish, most(by_factor, by_step));
  }
  if (wish < current && params->scale_down_step > 0) return most(wish, current - params->scale_down_step);
  return wish;
}

static const char *reason(const Observation *observation, double ratio, int64_t raw, int64_t tolerated, int64_t stable, int64_t paced,
                          int64_t final) {
  if (final != paced) return final > paced ? "at the minimum of replicas" : "at the maximum of replicas";
  if (paced != stable) return "pace limited";
  if (stable != tolerated) return "held by the scale-down window";
  if (tolerated != raw) return ratio == 1 ? "within tolerance" : "replicas are starting or stopping";
  if (final == observation->replicas) return ratio == 1 ? "within tolerance" : "as wished";
  return final > observation->replicas ? "metric above target" : "metric below target";
}

static void step(Decision *decision, const Observation *observation) {
  bool change = decision->replicas != observation->replicas;
  decision_step(decision, "Compare metric with target", "replicas as wished", !change, change ? "scale_horizontally()" : "keep",
                MODEL_STATE_NONE, decision->metric, decision->target);
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const Horizontal *horizontal = params;
  const int64_t current = observation->replicas;
  decision->metric = tracked_metric((TrackedMetric)horizontal->metric, observation);
  decision->target = horizontal->target_ratio;
  int64_t low = horizontal->min >= 0 ? horizontal->min : observation->min_replicas;
  if (low < 1) low = 1; /* with no replica there is no metric to come back by (autoscaling/v2 wants an external metric for that, too) */
  int64_t high = horizontal->max >= 0 ? horizontal->max : observation->max_replicas;
  if (decision->metric != decision->metric) { /* nothing to go by; bounds hold all the same */
    decision->replicas = most(low, least(current, high));
    decision->reason = "no metrics";
    step(decision, observation);
    return;
  }
  double ready = (double)most(observation->replicas_ready, 1);
  double ratio = tolerated_ratio(decision->metric, decision->target, horizontal->tolerance_ratio);
  int64_t raw = rounded_up(ready * (decision->metric / decision->target));
  bool other_way = (ratio > 1 && raw < current) || (ratio < 1 && raw > current);
  int64_t tolerated = ratio == 1 || other_way ? current : raw;
  int64_t highest = wishes_add(state, observation->now_ns, horizontal->scale_down_window_ns, tolerated, current);
  int64_t stable = stabilised_down(tolerated, highest, current);
  int64_t paced = limited_pace(horizontal, stable, current);
  decision->replicas = most(low, least(paced, high));
  decision->raw_replicas = (double)raw;
  decision->after_tolerance = (double)tolerated;
  decision->stabilised = (double)stable;
  decision->rate_limited = (double)paced;
  decision->reason = reason(observation, ratio, raw, tolerated, stable, paced, decision->replicas);
  step(decision, observation);
}

extern const Policy policy_horizontal;
const Policy policy_horizontal = {
    .model = {.kind = MODEL_POLICY,
              .name = "horizontal",
              .summary = "target tracking on the number of replicas",
              .rule = "raw = ceil(ready x metric / target); the present number while |metric / target - 1| <= tolerance, and when the metric\n"
                      "is above target but raw is lower because replicas are starting. A lower wish waits until it is the highest of\n"
                      "`scale_down_window`. Then the limits on the pace, then min and max. Without metrics nothing changes.",
              .evidence = "the Kubernetes HPA's formula; 12 hand-computed runs in tests/unit/test_policies.c",
              .params = &horizontal_type},
    .state_bytes = sizeof(Wishes),
    .decide = decide,
};
