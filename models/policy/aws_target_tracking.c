/* `aws-target-tracking`: target tracking as AWS Application Auto Scaling does it for ECS services, SageMaker variants and the like: alarms a
 * little above and well below the target, capacity proportional to the metric and rounded up, cooldowns, several policies. Source:
 * awsdocs/application-auto-scaling-user-guide @ 04798a9, application-auto-scaling-target-tracking.md; the alarms as AWS creates them for an
 * ECS service with target 70: > 70 for 3 x 60 s, < 63 for 15 x 60 s. How exactly the capacity is computed is not published: this is the
 * proportional rule of that page, to which the cooldown's base applies as in its step scaling example. */
#include "models/policy/aws_target_tracking.h"

#include "models/policy/tracking.h"

#define ROW_STRUCT Tracked
static const Field tracked_fields[] = {FIELD_ROWS(TRACKED_FIELDS)};
#undef ROW_STRUCT
const Type tracked_type = FIELD_TYPE("tracked", "one target tracking policy", Tracked, tracked_fields, NULL);

#define ROW_STRUCT TargetTracking
static const Field target_tracking_fields[] = {FIELD_ROWS(TARGET_TRACKING_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const TargetTracking *tracking = value;
  if (tracking->MinCapacity >= 0 && tracking->MaxCapacity >= 0 && tracking->MinCapacity > tracking->MaxCapacity)
    return err_at(err, "MinCapacity", "is above MaxCapacity (%lld > %lld)", (long long)tracking->MinCapacity, (long long)tracking->MaxCapacity);
  if (tracking->policies.count >= POLICY_METRICS - 1)
    return err_at(err, "policies", "are at most %d", POLICY_METRICS - 2); /* one for the first fields, one left to predictive scaling */
  return true;
}

const Type target_tracking_type = FIELD_TYPE("aws-target-tracking", "target tracking policies of one scalable target", TargetTracking,
                                             target_tracking_fields, check);

/* Policy k; 0 is that of the first fields. */
static Tracked tracked(const TargetTracking *tracking, size_t k) {
  if (k > 0) return *LIST_AT(tracking->policies, Tracked, k - 1);
  return (Tracked){.TargetValue = tracking->TargetValue,
                   .PredefinedMetricType = tracking->PredefinedMetricType,
                   .CustomizedMetric = tracking->CustomizedMetric,
                   .per_capacity = tracking->per_capacity,
                   .ScaleOutCooldown_ns = tracking->ScaleOutCooldown_ns,
                   .ScaleInCooldown_ns = tracking->ScaleInCooldown_ns,
                   .DisableScaleIn = tracking->DisableScaleIn};
}

static size_t count_of(const TargetTracking *tracking) { return 1 + tracking->policies.count; }

size_t target_tracking_metrics(const TargetTracking *tracking, MetricQuery *query) {
  for (size_t k = 0; k < count_of(tracking); k++) {
    Tracked policy = tracked(tracking, k);
    MetricQuery plain = policy.CustomizedMetric.name ? policy.CustomizedMetric : predefined_query((PredefinedMetric)policy.PredefinedMetricType);
    query[k] = datapoint_query(plain, tracking->alarm_period_ns);
  }
  return count_of(tracking);
}

/* What the policies of a target say together. */
typedef struct Verdict {
  bool news;                   /* a datapoint came or went missing: alarms act once a datapoint */
  bool data;                   /* some policy has data */
  bool high;                   /* some policy is ready to scale out ... */
  int64_t out, out_raw;        /* ... to this, and without cooldown */
  bool may_in, low, cools_in;  /* some scale-in is enabled; all of those have their alarm; one is cooling down */
  int64_t in;                  /* the largest capacity that one of them wants */
  size_t out_by, in_by;
  int64_t out_cooldown_ns;     /* of the policy out_by */
} Verdict;

static void hear_out(Verdict *verdict, const Tracked *policy, size_t k, double value, const TargetTrackingState *state, const Observation *observation) {
  int64_t base = activities_base(&state->activities, observation, policy->ScaleOutCooldown_ns);
  double ratio = value / policy->TargetValue;
  int64_t wish = most(rounded_up((double)base * ratio), observation->replicas);
  if (verdict->high && wish <= verdict->out) return;
  verdict->high = true;
  verdict->out = wish;
  verdict->out_raw = rounded_up((double)observation->replicas * ratio);
  verdict->out_by = k;
  verdict->out_cooldown_ns = policy->ScaleOutCooldown_ns;
}

static void hear_in(Verdict *verdict, const Tracked *policy, size_t k, double value, const TargetTrackingState *state, const Observation *observation) {
  verdict->cools_in |= activities_block_in(&state->activities, observation->now_ns, policy->ScaleInCooldown_ns);
  int64_t wish = least(rounded_up((double)observation->replicas * (value / policy->TargetValue)), observation->replicas);
  if (verdict->may_in && wish <= verdict->in) return;
  verdict->in = wish;
  verdict->in_by = k;
}

static void hear(Verdict *verdict, const TargetTracking *tracking, size_t k, TargetTrackingState *state, const Observation *observation,
                 const MetricValue *metric) {
  const Tracked policy = tracked(tracking, k);
  Datapoint *datapoint = &state->datapoint[k];
  bool per_capacity = policy.CustomizedMetric.name ? policy.per_capacity : predefined_per_capacity((PredefinedMetric)policy.PredefinedMetricType);
  DatapointNews news = datapoint_take(datapoint, metric, per_capacity, observation);
  if (news == DATAPOINT_NEW) {
    alarm_add(&state->high[k], is_above(datapoint->value, policy.TargetValue));
    alarm_add(&state->low[k], is_below(datapoint->value, policy.TargetValue * tracking->low_threshold_ratio));
  } else if (news == DATAPOINT_MISSING) {
    alarm_clear(&state->high[k]);
    alarm_clear(&state->low[k]);
  }
  verdict->news |= news != DATAPOINT_OLD;
  verdict->data |= datapoint->has;
  if (alarm_state(&state->high[k], tracking->high_periods, tracking->high_periods) == ALARM_ON)
    hear_out(verdict, &policy, k, datapoint->value, state, observation);
  if (policy.DisableScaleIn) return;
  bool low = alarm_state(&state->low[k], tracking->low_periods, tracking->low_periods) == ALARM_ON;
  verdict->low = low && (verdict->low || !verdict->may_in);
  if (low) hear_in(verdict, &policy, k, datapoint->value, state, observation);
  verdict->may_in = true;
}

static void answer(Decision *decision, double raw, int64_t alarmed, int64_t cooled, const char *reason) {
  decision->raw_replicas = raw;
  decision->after_tolerance = (double)alarmed;
  decision->stabilised = (double)cooled;
  decision->replicas = cooled;
  decision->reason = reason;
}

static void weigh(const Verdict *verdict, const Observation *observation, Decision *decision) {
  int64_t current = observation->replicas;
  if (!verdict->data) answer(decision, (double)__builtin_nan(""), current, current, "insufficient data");
  else if (!verdict->news) answer(decision, (double)__builtin_nan(""), current, current, "no new datapoint");
  else if (verdict->high)
    answer(decision, (double)verdict->out_raw, most(verdict->out_raw, current), verdict->out,
           verdict->out > current ? "above target" : "scale-out cooldown: the capacity added already counts");
  else if (!verdict->may_in || !verdict->low)
    answer(decision, (double)__builtin_nan(""), current, current, "no alarm, or not of every policy that may scale in");
  else if (verdict->cools_in) answer(decision, (double)verdict->in, verdict->in, current, "scale-in cooldown");
  else answer(decision, (double)verdict->in, verdict->in, verdict->in, verdict->in < current ? "below target" : "rounded up to what is there");
}

void target_tracking_decide(const TargetTracking *tracking, TargetTrackingState *state, const Observation *observation, const MetricValue *metric,
                            CapacityBounds bounds, Decision *decision) {
  activities_look(&state->activities, observation);
  Verdict verdict = {0};
  for (size_t k = 0; k < count_of(tracking); k++)
    hear(&verdict, tracking, k, state, observation, metric ? &metric[k] : NULL);
  weigh(&verdict, observation, decision);
  size_t by = verdict.high ? verdict.out_by : verdict.low ? verdict.in_by : 0;
  if (state->datapoint[by].has) decision->metric = state->datapoint[by].value;
  decision->target = tracked(tracking, by).TargetValue;
  int64_t bounded = most(bounds.low, least(decision->replicas, bounds.high));
  if (bounded != decision->replicas) decision->reason = bounded > decision->replicas ? "at the minimum capacity" : "at the maximum capacity";
  decision->replicas = bounded;
  activities_note(&state->activities, observation, bounded, verdict.out_cooldown_ns);
}

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) { return target_tracking_metrics(params, query); }

static void timing(const void *params, PolicyTiming *timing) {
  const TargetTracking *tracking = params;
  *timing = (PolicyTiming){.period_ns = tracking->alarm_period_ns, .scrape_ns = tracking->alarm_period_ns, .window_ns = tracking->alarm_period_ns};
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const TargetTracking *tracking = params;
  CapacityBounds bounds = capacity_bounds(tracking->MinCapacity, tracking->MaxCapacity, observation);
  target_tracking_decide(tracking, state, observation, observation->metric, bounds, decision);
  bool change = decision->replicas != observation->replicas;
  decision_step(decision, "Evaluate alarms", "metric within the alarms", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                decision->metric, decision->target);
}

extern const Policy policy_aws_target_tracking;
const Policy policy_aws_target_tracking = {
    .model = {.kind = MODEL_POLICY,
              .name = "aws-target-tracking",
              .summary = "target tracking of AWS Application Auto Scaling (ECS, SageMaker)",
              .rule = "One datapoint each alarm_period. Above TargetValue for high_periods in a row: out to ceil(capacity x metric / TargetValue).\n"
                      "Below low_threshold x TargetValue for low_periods in a row: in to the same, so that what is removed is rounded down.\n"
                      "Alarms act again at each datapoint while they last; a missing datapoint starts their count anew, so it never scales in.\n"
                      "Within ScaleOutCooldown of a completed scale-out the capacity before it is the base: only a larger wish adds more.\n"
                      "Within ScaleInCooldown of a completed scale-in there is no other; a scale-out is allowed at once and ends it.\n"
                      "Several policies: out when any wants, in when all that may scale in are ready; the largest capacity counts both times.",
              .evidence = "user guide and API reference read; AWS publishes no code: 21 hand-computed cases in tests/unit/test_aws_target_tracking.c",
              .params = &target_tracking_type},
    .state_bytes = sizeof(TargetTrackingState),
    .timing = timing,
    .metrics = metrics,
    .decide = decide,
};
