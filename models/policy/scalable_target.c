/* What the AWS policies share; see scalable_target.h. */
#include "models/policy/scalable_target.h"

#include "models/policy/share_query.h"
#include "models/policy/tracking.h"

/* ---- alarms ---- */

void alarm_add(Alarm *alarm, bool breaching) {
  alarm->breaches = alarm->breaches << 1 | (breaching ? 1 : 0);
  if (alarm->datapoints < ALARM_PERIODS) alarm->datapoints++;
}

void alarm_clear(Alarm *alarm) { *alarm = (Alarm){0}; }

AlarmState alarm_state(const Alarm *alarm, int64_t periods, int64_t to_alarm) {
  if (alarm->datapoints == 0) return ALARM_INSUFFICIENT_DATA;
  uint64_t newest = periods >= ALARM_PERIODS ? UINT64_MAX : (UINT64_C(1) << periods) - 1;
  return __builtin_popcountll(alarm->breaches & newest) >= to_alarm ? ALARM_ON : ALARM_OK;
}

static const double slack = 1e-9;
static double size_of(double x) { return x < 0 ? -x : x; }
bool is_above(double x, double threshold) { return x - threshold > slack * size_of(threshold); }
bool is_below(double x, double threshold) { return threshold - x > slack * size_of(threshold); }

/* ---- datapoints ---- */

DatapointNews datapoint_take(Datapoint *datapoint, const MetricValue *metric, bool per_capacity, const Observation *observation) {
  const double beyond = 1e300;
  double value = metric && metric->has ? metric->value : (double)__builtin_nan("");
  if (per_capacity) value = observation->replicas_ready > 0 ? value / (double)observation->replicas_ready : (double)__builtin_nan("");
  if (!(value > -beyond && value < beyond)) {
    datapoint->has = false;
    return DATAPOINT_MISSING;
  }
  bool fresh = !datapoint->begun || metric->sampled_ns > datapoint->sampled_ns;
  if (!fresh && datapoint->has) return DATAPOINT_OLD;
  *datapoint = (Datapoint){.begun = true, .has = true, .sampled_ns = metric->sampled_ns, .value = value};
  return fresh ? DATAPOINT_NEW : DATAPOINT_OLD;
}

MetricQuery datapoint_query(MetricQuery query, int64_t period_ns) {
  if (query.scrape_ns == 0) query.scrape_ns = period_ns;
  if (query.window_ns == METRIC_AS_STRATEGY) query.window_ns = period_ns;
  return mean_of_shares(query);
}

/* ---- activities ---- */

void activities_look(Activities *activities, const Observation *observation) {
  if (activities->out && observation->replicas_starting + observation->replicas_pending > 0) activities->out_ns = observation->now_ns;
  if (activities->in && observation->replicas_draining > 0) activities->in_ns = observation->now_ns;
}

static bool cools_out(const Activities *activities, int64_t now_ns, int64_t cooldown_ns) {
  return activities->out && now_ns - activities->out_ns < cooldown_ns;
}

int64_t activities_base(const Activities *activities, const Observation *observation, int64_t cooldown_ns) {
  if (!cools_out(activities, observation->now_ns, cooldown_ns)) return observation->replicas;
  return least(activities->base, observation->replicas);
}

bool activities_block_in(const Activities *activities, int64_t now_ns, int64_t cooldown_ns) {
  return activities->in && now_ns - activities->in_ns < cooldown_ns;
}

void activities_note(Activities *activities, const Observation *observation, int64_t capacity, int64_t out_cooldown_ns) {
  if (capacity > observation->replicas) {
    activities->base = activities_base(activities, observation, out_cooldown_ns);
    activities->out = true;
    activities->out_ns = observation->now_ns;
    activities->in = false;
  } else if (capacity < observation->replicas) {
    activities->in = true;
    activities->in_ns = observation->now_ns;
  }
}

CapacityBounds capacity_bounds(int64_t min_capacity, int64_t max_capacity, const Observation *observation) {
  CapacityBounds bounds = {.low = min_capacity >= 0 ? min_capacity : most(observation->min_replicas, 1),
                           .high = max_capacity >= 0 ? max_capacity : observation->max_replicas};
  bounds.high = most(bounds.high, bounds.low);
  return bounds;
}

/* ---- predefined metrics ---- */

typedef struct Predefined {
  MeterKind meter;
  double multiply;
  bool per_capacity;
} Predefined;

/* Utilisation in percent, requests a minute; concurrent requests are those waiting or in service. */
static const Predefined predefined[] = {
    [PREDEFINED_ECS_CPU] = {METER_CPU_UTILISATION_RATIO, 100, false},
    [PREDEFINED_ASG_CPU] = {METER_CPU_UTILISATION_RATIO, 100, false},
    [PREDEFINED_ALB_REQUESTS] = {METER_OFFERED_RPS, 60, true},
    [PREDEFINED_VARIANT_INVOCATIONS] = {METER_OFFERED_RPS, 60, true},
    [PREDEFINED_COMPONENT_INVOCATIONS] = {METER_OFFERED_RPS, 60, true},
    [PREDEFINED_VARIANT_CONCURRENT] = {METER_IN_FLIGHT_JOBS, 1, true},
    [PREDEFINED_COMPONENT_CONCURRENT] = {METER_IN_FLIGHT_JOBS, 1, true},
    [PREDEFINED_LAMBDA_CONCURRENCY] = {METER_SLOT_UTILISATION_RATIO, 1, false},
};
const char *const predefined_metric_names[] = {
    "ECSServiceAverageCPUUtilization",
    "ASGAverageCPUUtilization",
    "ALBRequestCountPerTarget",
    "SageMakerVariantInvocationsPerInstance",
    "SageMakerInferenceComponentInvocationsPerCopy",
    "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
    "LambdaProvisionedConcurrencyUtilization",
    NULL};

MetricQuery predefined_query(PredefinedMetric metric) {
  MetricQuery query = metric_query(predefined[metric].meter);
  query.name = predefined_metric_names[metric];
  query.per = METRIC_PER_DEPLOYMENT;
  query.multiply = predefined[metric].multiply;
  return query;
}

bool predefined_per_capacity(PredefinedMetric metric) { return predefined[metric].per_capacity; }
