/* What the AWS policies share: a CloudWatch alarm over datapoints, scaling activities with their cooldowns, capacity bounds, and the metrics
 * with a predefined name. Sources: awsdocs/application-auto-scaling-user-guide @ 04798a9 (target tracking, step scaling),
 * TargetTrackingScalingPolicyConfiguration and StepScalingPolicyConfiguration of the API reference. */
#ifndef MODELS_POLICY_SCALABLE_TARGET_H
#define MODELS_POLICY_SCALABLE_TARGET_H

#include "sim/contract/policy.h"

/* M of the newest N datapoints breach. A missing datapoint makes the data insufficient: counting starts anew. (CloudWatch looks further back
 * for some of them; starting anew never scales where CloudWatch would not.) */
enum { ALARM_PERIODS = 64 };
typedef struct Alarm {
  uint64_t breaches; /* bit 0: the newest */
  int datapoints;    /* since the last missing one, at most ALARM_PERIODS */
} Alarm;
typedef enum AlarmState { ALARM_INSUFFICIENT_DATA, ALARM_OK, ALARM_ON } AlarmState;
void alarm_add(Alarm *alarm, bool breaching);
void alarm_clear(Alarm *alarm);
AlarmState alarm_state(const Alarm *alarm, int64_t periods, int64_t to_alarm);

/* x beyond the threshold by more than rounding. */
bool is_above(double x, double threshold);
bool is_below(double x, double threshold);

/* The metric of an alarm, taken once a datapoint. */
typedef struct Datapoint {
  bool begun, has;
  int64_t sampled_ns;
  double value;
} Datapoint;
typedef enum DatapointNews { DATAPOINT_OLD, DATAPOINT_NEW, DATAPOINT_MISSING } DatapointNews;
/* Takes the answer to the query (NULL: none). per_capacity: divided by the ready replicas, missing when there are none. */
DatapointNews datapoint_take(Datapoint *datapoint, const MetricValue *metric, bool per_capacity, const Observation *observation);
/* A parameter's query as the alarm reads it: one datapoint each period over that period; a ratio of each replica is averaged, not summed. */
MetricQuery datapoint_query(MetricQuery query, int64_t period_ns);

/* The last activities of a scalable target, for the cooldowns. A cooldown begins when the activity is completed: no replica is starting
 * (draining) any more, as seen at the looks. */
typedef struct Activities {
  bool out, in;
  int64_t out_ns, in_ns;
  int64_t base; /* capacity before the scale-out whose cooldown is running, and before those that topped it up */
} Activities;
void activities_look(Activities *activities, const Observation *observation);
/* The capacity to which a scale-out is applied: within a scale-out cooldown what was there before, so that what was added already counts. */
int64_t activities_base(const Activities *activities, const Observation *observation, int64_t cooldown_ns);
bool activities_block_in(const Activities *activities, int64_t now_ns, int64_t cooldown_ns);
/* Notes a change of capacity from observation->replicas to `capacity`; a scale-out ends the scale-in cooldown. */
void activities_note(Activities *activities, const Observation *observation, int64_t capacity, int64_t out_cooldown_ns);

typedef struct CapacityBounds {
  int64_t low, high;
} CapacityBounds;
/* MinCapacity and MaxCapacity, -1 for the deployment's own (then at least 1: from nothing a proportional rule never comes back). */
CapacityBounds capacity_bounds(int64_t min_capacity, int64_t max_capacity, const Observation *observation);

typedef enum PredefinedMetric {
  PREDEFINED_ECS_CPU,
  PREDEFINED_ASG_CPU,
  PREDEFINED_ALB_REQUESTS,
  PREDEFINED_VARIANT_INVOCATIONS,
  PREDEFINED_COMPONENT_INVOCATIONS,
  PREDEFINED_VARIANT_CONCURRENT,
  PREDEFINED_COMPONENT_CONCURRENT,
  PREDEFINED_LAMBDA_CONCURRENCY
} PredefinedMetric;
extern const char *const predefined_metric_names[];
/* The query, and whether its answer is divided by the capacity. */
MetricQuery predefined_query(PredefinedMetric metric);
bool predefined_per_capacity(PredefinedMetric metric);

#endif
