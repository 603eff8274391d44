/* `aws-step-scaling`: step scaling policies of AWS Application Auto Scaling, each with the CloudWatch alarm that invokes it. Source:
 * awsdocs/application-auto-scaling-user-guide @ 04798a9, application-auto-scaling-step-scaling-policies.md (intervals, rounding, minimum
 * magnitude, cooldown; its worked example is a test); the same page of the EC2 guide @ 0987d76. */
#include "models/policy/scalable_target.h"
#include "models/policy/tracking.h"

/* No bound is given as a bound that nothing passes. */
#define STEP_ADJUSTMENT_FIELDS(F, C, O, L, M, R, P)                                                                        \
  F(number, MetricIntervalLowerBound, "-1e300", -1e300, 1e300, OPTIONAL, "above the threshold by this; absent: no bound", "StepAdjustment") \
  F(number, MetricIntervalUpperBound, "1e300", -1e300, 1e300, OPTIONAL, "and by less than this; absent: no bound", "StepAdjustment") \
  F(integer, ScalingAdjustment, NULL, -1e6, 1e6, REQUIRED, "capacity or percent to add, or the exact capacity", "StepAdjustment")
typedef struct StepAdjustment { FIELD_MEMBERS(STEP_ADJUSTMENT_FIELDS) } StepAdjustment;
#define ROW_STRUCT StepAdjustment
static const Field step_adjustment_fields[] = {FIELD_ROWS(STEP_ADJUSTMENT_FIELDS)};
#undef ROW_STRUCT
static const Type step_adjustment_type = FIELD_TYPE("step-adjustment", "what to do in one interval of the breach", StepAdjustment,
                                                    step_adjustment_fields, NULL);

typedef enum Comparison { COMPARISON_GREATER_OR_EQUAL, COMPARISON_GREATER, COMPARISON_LESS, COMPARISON_LESS_OR_EQUAL } Comparison;
static const char *const comparison_names[] = {"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold",
                                               "LessThanOrEqualToThreshold", NULL};
typedef enum Adjustment { ADJUSTMENT_CHANGE, ADJUSTMENT_EXACT, ADJUSTMENT_PERCENT } Adjustment;
static const char *const adjustment_names[] = {"ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity", NULL};

#define STEP_POLICY_FIELDS(F, C, O, L, M, R, P)                                                                            \
  F(metric, Metric, "cpu_utilisation_ratio", 0, 0, OPTIONAL, "meter of the alarm", "MetricAlarm")                           \
  F(flag, per_capacity, "false", 0, 0, OPTIONAL, "the metric is divided by the ready replicas, as metric math would", "")   \
  C(ComparisonOperator, comparison_names, "GreaterThanOrEqualToThreshold", "when a datapoint breaches", "MetricAlarm")      \
  F(number, Threshold, NULL, -1e12, 1e12, REQUIRED, "the alarm's threshold, in the meter's unit", "MetricAlarm")            \
  F(integer, EvaluationPeriods, "1", 1, 64, OPTIONAL, "datapoints that are looked at", "MetricAlarm")                       \
  F(integer, DatapointsToAlarm, "0", 0, 64, OPTIONAL, "how many of them must breach; 0: all", "MetricAlarm")                \
  C(AdjustmentType, adjustment_names, "ChangeInCapacity", "what ScalingAdjustment says", "StepScalingPolicyConfiguration")  \
  L(StepAdjustments, StepAdjustment, &step_adjustment_type, OPTIONAL, "intervals of metric - Threshold and what to do in them") \
  F(integer, MinAdjustmentMagnitude, "0", 0, 1e6, OPTIONAL, "a change in percent is at least so many", "StepScalingPolicyConfiguration") \
  F(duration, Cooldown, "300s", 0, 86400, OPTIONAL, "capacity added within this time counts towards the next scale-out; no scale-in after another", "StepScalingPolicyConfiguration 300")
typedef struct StepPolicy { FIELD_MEMBERS(STEP_POLICY_FIELDS) } StepPolicy;
#define ROW_STRUCT StepPolicy
static const Field step_policy_fields[] = {FIELD_ROWS(STEP_POLICY_FIELDS)};
#undef ROW_STRUCT

/* Is there an interval that begins (ends) where this one ends (begins)? */
static bool continues(const List *steps, double bound, bool above) {
  for (size_t k = 0; k < steps->count; k++) {
    const StepAdjustment *other = LIST_AT(*steps, StepAdjustment, k);
    if ((above ? other->MetricIntervalLowerBound : other->MetricIntervalUpperBound) == bound) return true;
  }
  return false;
}

static bool overlaps(const List *steps, size_t k) {
  const StepAdjustment *step = LIST_AT(*steps, StepAdjustment, k);
  for (size_t j = 0; j < k; j++) {
    const StepAdjustment *other = LIST_AT(*steps, StepAdjustment, j);
    if (step->MetricIntervalLowerBound < other->MetricIntervalUpperBound && other->MetricIntervalLowerBound < step->MetricIntervalUpperBound)
      return true;
  }
  return false;
}

static bool check_policy(const void *value, Err *err) {
  const StepPolicy *policy = value;
  if (policy->DatapointsToAlarm > policy->EvaluationPeriods) return err_at(err, "DatapointsToAlarm", "is above EvaluationPeriods");
  const List *steps = &policy->StepAdjustments;
  for (size_t k = 0; k < steps->count; k++) {
    const StepAdjustment *step = LIST_AT(*steps, StepAdjustment, k);
    double low = step->MetricIntervalLowerBound, high = step->MetricIntervalUpperBound;
    if (low >= high) return err_at(err, "StepAdjustments", "an interval's upper bound must be above its lower bound");
    if (low <= -1e300 && high >= 1e300) return err_at(err, "StepAdjustments", "an interval needs a bound");
    if (overlaps(steps, k)) return err_at(err, "StepAdjustments", "intervals overlap");
    if ((high > 0 && high < 1e300 && !continues(steps, high, true)) || (low < 0 && low > -1e300 && !continues(steps, low, false)))
      return err_at(err, "StepAdjustments", "intervals leave a gap: the outermost has no outer bound");
    if (policy->AdjustmentType == ADJUSTMENT_EXACT && step->ScalingAdjustment < 0) return err_at(err, "StepAdjustments", "an exact capacity is not negative");
  }
  return true;
}

static const Type step_policy_type = FIELD_TYPE("step-policy", "an alarm and its step scaling policy", StepPolicy, step_policy_fields, check_policy);

#define STEP_SCALING_FIELDS(F, C, O, L, M, R, P)                                                                           \
  L(policies, StepPolicy, &step_policy_type, OPTIONAL, "alarms with their policies, usually one to scale out and one to scale in") \
  F(integer, MinCapacity, "-1", -1, 1e6, OPTIONAL, "capacity at least; -1: the deployment's, and at least 1", "RegisterScalableTarget") \
  F(integer, MaxCapacity, "-1", -1, 1e6, OPTIONAL, "capacity at most; -1: the deployment's", "RegisterScalableTarget")      \
  F(duration, Period, "60s", 1, 86400, OPTIONAL, "one datapoint each", "MetricAlarm")
typedef struct StepScaling { FIELD_MEMBERS(STEP_SCALING_FIELDS) } StepScaling;
#define ROW_STRUCT StepScaling
static const Field step_scaling_fields[] = {FIELD_ROWS(STEP_SCALING_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const StepScaling *scaling = value;
  if (scaling->MinCapacity >= 0 && scaling->MaxCapacity >= 0 && scaling->MinCapacity > scaling->MaxCapacity)
    return err_at(err, "MinCapacity", "is above MaxCapacity (%lld > %lld)", (long long)scaling->MinCapacity, (long long)scaling->MaxCapacity);
  if (scaling->policies.count > POLICY_METRICS) return err_at(err, "policies", "are at most %d", POLICY_METRICS);
  return true;
}

static const Type step_scaling_type = FIELD_TYPE("aws-step-scaling", "step scaling policies of one scalable target", StepScaling, step_scaling_fields, check);

typedef struct StepScalingState {
  Datapoint datapoint[POLICY_METRICS];
  Alarm alarm[POLICY_METRICS];
  Activities activities;
} StepScalingState;

/* ---- one policy ---- */

static bool is_greater(const StepPolicy *policy) {
  return policy->ComparisonOperator == COMPARISON_GREATER || policy->ComparisonOperator == COMPARISON_GREATER_OR_EQUAL;
}

static bool breaches(const StepPolicy *policy, double value) {
  switch ((Comparison)policy->ComparisonOperator) {
  case COMPARISON_GREATER_OR_EQUAL: return !is_below(value, policy->Threshold);
  case COMPARISON_GREATER: return is_above(value, policy->Threshold);
  case COMPARISON_LESS: return is_below(value, policy->Threshold);
  case COMPARISON_LESS_OR_EQUAL: return !is_above(value, policy->Threshold);
  }
  return false;
}

/* Above the threshold an interval is [lower, upper), below it (lower, upper]. Bounds are compared as thresholds of the metric. */
static const StepAdjustment *step_for(const StepPolicy *policy, double value) {
  for (size_t k = 0; k < policy->StepAdjustments.count; k++) {
    const StepAdjustment *step = LIST_AT(policy->StepAdjustments, StepAdjustment, k);
    double low = policy->Threshold + step->MetricIntervalLowerBound, high = policy->Threshold + step->MetricIntervalUpperBound;
    if (is_greater(policy) ? !is_below(value, low) && is_below(value, high) : is_above(value, low) && !is_above(value, high)) return step;
  }
  return NULL;
}

/* Percent of a capacity: towards zero beyond 1, away from it within; and at least the minimum magnitude. In integers, hence exact. */
static int64_t percent_change(int64_t capacity, int64_t percent, int64_t least_change) {
  if (percent == 0) return 0;
  const int64_t most_capacity = INT64_C(1) << 40;
  int64_t change = least(capacity, most_capacity) * percent / 100;
  int64_t sign = percent < 0 ? -1 : 1;
  if (change == 0 && capacity > 0) change = sign;
  return change * sign < least_change ? sign * least_change : change;
}

static int64_t adjusted(const StepPolicy *policy, const StepAdjustment *step, int64_t capacity) {
  switch ((Adjustment)policy->AdjustmentType) {
  case ADJUSTMENT_CHANGE: return capacity + step->ScalingAdjustment;
  case ADJUSTMENT_EXACT: return step->ScalingAdjustment;
  case ADJUSTMENT_PERCENT: return capacity + percent_change(capacity, step->ScalingAdjustment, policy->MinAdjustmentMagnitude);
  }
  return capacity;
}

/* ---- all of them ---- */

typedef struct StepWish {
  bool acts;              /* an alarm is on, and has a step for its metric */
  int64_t raw, capacity;  /* the step applied to what is there; after cooldowns */
  const StepPolicy *by;
  double value;
} StepWish;

/* What one policy whose alarm is on wants. A step that would scale out is applied to the base of a running cooldown. */
static StepWish wish_of(const StepPolicy *policy, const StepAdjustment *step, double value, const StepScalingState *state, const Observation *observation) {
  int64_t current = observation->replicas;
  StepWish wish = {.acts = true, .raw = adjusted(policy, step, current), .by = policy, .value = value};
  wish.capacity = wish.raw;
  if (wish.raw > current)
    wish.capacity = most(adjusted(policy, step, activities_base(&state->activities, observation, policy->Cooldown_ns)), current);
  else if (activities_block_in(&state->activities, observation->now_ns, policy->Cooldown_ns)) wish.capacity = current;
  return wish;
}

/* Takes the datapoint; true if policy k is invoked, with what it wants. */
static bool invoked(const StepScaling *scaling, size_t k, StepScalingState *state, const Observation *observation, StepWish *wish) {
  const StepPolicy *policy = LIST_AT(scaling->policies, StepPolicy, k);
  Datapoint *datapoint = &state->datapoint[k];
  DatapointNews news = datapoint_take(datapoint, observation->metric ? &observation->metric[k] : NULL, policy->per_capacity, observation);
  if (news == DATAPOINT_MISSING) alarm_clear(&state->alarm[k]);
  if (news != DATAPOINT_NEW) return false;
  alarm_add(&state->alarm[k], breaches(policy, datapoint->value));
  int64_t to_alarm = policy->DatapointsToAlarm > 0 ? policy->DatapointsToAlarm : policy->EvaluationPeriods;
  if (alarm_state(&state->alarm[k], policy->EvaluationPeriods, to_alarm) != ALARM_ON) return false;
  const StepAdjustment *step = step_for(policy, datapoint->value);
  if (!step) return false;
  *wish = wish_of(policy, step, datapoint->value, state, observation);
  return true;
}

static StepWish largest_wish(const StepScaling *scaling, StepScalingState *state, const Observation *observation) {
  StepWish largest = {0}, wish;
  for (size_t k = 0; k < scaling->policies.count; k++)
    if (invoked(scaling, k, state, observation, &wish) && (!largest.acts || wish.capacity > largest.capacity)) largest = wish;
  return largest;
}

static const char *reason(const StepWish *wish, int64_t current, int64_t final) {
  if (!wish->acts) return "no alarm with a step for its metric";
  if (final != wish->capacity) return final > wish->capacity ? "at the minimum capacity" : "at the maximum capacity";
  if (wish->raw > current && wish->capacity == current) return "scale-out cooldown: the capacity added already counts";
  if (wish->raw < current && wish->capacity == current) return "scale-in cooldown";
  return final == current ? "a step without change" : final > current ? "a step out" : "a step in";
}

static void decide(const void *params, void *memory, const Observation *observation, Decision *decision) {
  const StepScaling *scaling = params;
  StepScalingState *state = memory;
  activities_look(&state->activities, observation);
  StepWish wish = largest_wish(scaling, state, observation);
  int64_t current = observation->replicas;
  if (!wish.acts) wish.raw = wish.capacity = current;
  CapacityBounds bounds = capacity_bounds(scaling->MinCapacity, scaling->MaxCapacity, observation);
  decision->replicas = most(bounds.low, least(wish.capacity, bounds.high));
  decision->reason = reason(&wish, current, decision->replicas);
  if (wish.acts) {
    decision->metric = wish.value;
    decision->target = wish.by->Threshold;
    decision->raw_replicas = (double)wish.raw;
    decision->stabilised = (double)wish.capacity;
  }
  activities_note(&state->activities, observation, decision->replicas, wish.by ? wish.by->Cooldown_ns : 0);
  bool change = decision->replicas != current;
  decision_step(decision, "Evaluate alarms", "no step to take", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE, decision->metric,
                decision->target);
}

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  const StepScaling *scaling = params;
  for (size_t k = 0; k < scaling->policies.count; k++)
    query[k] = datapoint_query(LIST_AT(scaling->policies, StepPolicy, k)->Metric, scaling->Period_ns);
  return scaling->policies.count;
}

static void timing(const void *params, PolicyTiming *timing) {
  const StepScaling *scaling = params;
  *timing = (PolicyTiming){.period_ns = scaling->Period_ns, .scrape_ns = scaling->Period_ns, .window_ns = scaling->Period_ns};
}

extern const Policy policy_aws_step_scaling;
const Policy policy_aws_step_scaling = {
    .model = {.kind = MODEL_POLICY,
              .name = "aws-step-scaling",
              .summary = "step scaling of AWS Application Auto Scaling",
              .rule = "Each policy has an alarm: DatapointsToAlarm of the newest EvaluationPeriods datapoints beyond Threshold. At every datapoint\n"
                      "while it is on, the step whose interval holds metric - Threshold is taken: above the threshold [lower, upper), below it\n"
                      "(lower, upper]. ChangeInCapacity adds, ExactCapacity sets, PercentChangeInCapacity adds a share: rounded towards zero\n"
                      "beyond one, to one (minus one) within, and at least MinAdjustmentMagnitude. Within Cooldown of a completed scale-out a step\n"
                      "is applied to the capacity before it, and only a larger step adds the rest; within Cooldown of a scale-in there is no other,\n"
                      "a scale-out is allowed at once and ends it. Of several policies the largest capacity counts. Missing data: no alarm.",
              .evidence = "user guide and API reference read; AWS publishes no code: 18 hand-computed cases (the guide's own among them) in tests/unit/test_aws_step_scaling.c",
              .params = &step_scaling_type},
    .state_bytes = sizeof(StepScalingState),
    .timing = timing,
    .metrics = metrics,
    .decide = decide,
};
