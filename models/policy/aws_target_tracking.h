/* Target tracking of AWS Application Auto Scaling as a part: its parameters, its state and its wish. The policy of that name uses it alone,
 * predictive scaling beside its forecast. */
#ifndef MODELS_POLICY_AWS_TARGET_TRACKING_H
#define MODELS_POLICY_AWS_TARGET_TRACKING_H

#include "models/policy/scalable_target.h"

#define TRACKED_FIELDS(F, C, O, L, M, R, P)                                                                               \
  F(number, TargetValue, "70", 1e-9, 1e12, OPTIONAL, "value to hold, in the metric's unit: percent, requests a minute, requests", "TargetTrackingScalingPolicyConfiguration") \
  C(PredefinedMetricType, predefined_metric_names, "ECSServiceAverageCPUUtilization", "what is tracked, unless CustomizedMetric is set", "PredefinedMetricSpecification") \
  F(metric, CustomizedMetric, NULL, 0, 0, OPTIONAL, "a meter to track instead; it must fall as capacity grows", "CustomizedMetricSpecification") \
  F(flag, per_capacity, "false", 0, 0, OPTIONAL, "CustomizedMetric is divided by the ready replicas, as metric math would", "") \
  F(duration, ScaleOutCooldown, "300s", 0, 86400, OPTIONAL, "capacity added within this time counts towards the next scale-out", "300 s for ECS, SageMaker; 0 for DynamoDB, Lambda") \
  F(duration, ScaleInCooldown, "300s", 0, 86400, OPTIONAL, "no scale-in within this time of another", "300 s for ECS, SageMaker; 0 for DynamoDB, Lambda") \
  F(flag, DisableScaleIn, "false", 0, 0, OPTIONAL, "never removes capacity", "TargetTrackingScalingPolicyConfiguration")
typedef struct Tracked { FIELD_MEMBERS(TRACKED_FIELDS) } Tracked;
extern const Type tracked_type;

/* The policy of the first fields, and further ones. */
#define TARGET_TRACKING_FIELDS(F, C, O, L, M, R, P)                                                                        \
  TRACKED_FIELDS(F, C, O, L, M, R, P)                                                                                     \
  F(integer, MinCapacity, "-1", -1, 1e6, OPTIONAL, "capacity at least; -1: the deployment's, and at least 1", "RegisterScalableTarget") \
  F(integer, MaxCapacity, "-1", -1, 1e6, OPTIONAL, "capacity at most; -1: the deployment's", "RegisterScalableTarget")     \
  F(duration, alarm_period, "60s", 1, 86400, OPTIONAL, "one datapoint each; 10 s for the metrics called HighResolution", "period of the alarms AWS creates for ECS: 60 s") \
  F(integer, high_periods, "3", 1, 64, OPTIONAL, "datapoints in a row above the target until it scales out", "AlarmHigh of an ECS service: 3 of 3") \
  F(integer, low_periods, "15", 1, 64, OPTIONAL, "datapoints in a row below the low threshold until it scales in", "AlarmLow of an ECS service: 15 of 15") \
  F(ratio, low_threshold, "90%", 0, 1, OPTIONAL, "low threshold as a share of the target", "AlarmLow of an ECS service: 63 for a target of 70") \
  L(policies, Tracked, &tracked_type, OPTIONAL, "further target tracking policies of the same target")
typedef struct TargetTracking { FIELD_MEMBERS(TARGET_TRACKING_FIELDS) } TargetTracking;
extern const Type target_tracking_type;

typedef struct TargetTrackingState {
  Datapoint datapoint[POLICY_METRICS];
  Alarm high[POLICY_METRICS], low[POLICY_METRICS];
  Activities activities;
} TargetTrackingState;

/* The queries, from `query` on; at most POLICY_METRICS. */
size_t target_tracking_metrics(const TargetTracking *tracking, MetricQuery *query);
/* Wishes decision->replicas within the bounds from the answers `metric` (NULL: none), and says why. */
void target_tracking_decide(const TargetTracking *tracking, TargetTrackingState *state, const Observation *observation, const MetricValue *metric,
                            CapacityBounds bounds, Decision *decision);

#endif
