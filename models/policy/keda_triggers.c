/* Triggers; see keda_triggers.h. */
#include "models/policy/keda_triggers.h"

#include <stdio.h>
#include <string.h>

const char *const keda_trigger_types[] = {"meter", "prometheus", "cpu", "rabbitmq", "kafka", "aws-sqs-queue", "redis", NULL};
const char *const keda_metric_types[] = {"auto", "AverageValue", "Value", "Utilization", NULL};
const char *const keda_rabbit_modes[] = {"QueueLength", "MessageRate", NULL};

#define ROW_STRUCT KedaReference
static const Field reference_fields[] = {FIELD_ROWS(KEDA_REFERENCE_FIELDS)};
#undef ROW_STRUCT
const Type keda_reference_type = FIELD_TYPE("reference", "another object of the cluster", KedaReference, reference_fields, NULL);

#define ROW_STRUCT KedaMetadata
static const Field metadata_fields[] = {FIELD_ROWS(KEDA_METADATA_FIELDS)};
#undef ROW_STRUCT
const Type keda_metadata_type = FIELD_TYPE("metadata", "a trigger's own keys", KedaMetadata, metadata_fields, NULL);

#define ROW_STRUCT KedaTrigger
static const Field trigger_fields[] = {FIELD_ROWS(KEDA_TRIGGER_FIELDS)};
#undef ROW_STRUCT
const Type keda_trigger_type = FIELD_TYPE("trigger", "a source of events", KedaTrigger, trigger_fields, NULL);

static const KedaTrigger default_trigger = {
    .type = KEDA_METER,
    .metadata = {.meter = {.name = "in_flight_jobs", .meter = METER_IN_FLIGHT_JOBS, .window_ns = 0, .lag_ns = 0, .multiply = 1}, .threshold_milli = 5000}};

List keda_triggers(const List *given) {
  return given->count > 0 ? *given : (List){(void *)(uintptr_t)&default_trigger, 1};
}

bool keda_trigger_external(const KedaTrigger *trigger) { return trigger->type != KEDA_CPU; }

/* ---- what it reads ---- */

/* The meter that a broker's own count comes to: messages in work are still in a queue until they are acknowledged. */
static MeterKind broker_meter(const KedaTrigger *trigger) {
  const KedaMetadata *metadata = &trigger->metadata;
  switch ((KedaTriggerType)trigger->type) {
  case KEDA_RABBITMQ:
    if (metadata->mode == 1) return METER_OFFERED_RPS;
    return metadata->excludeUnacknowledged ? METER_QUEUE_JOBS : METER_IN_FLIGHT_JOBS;
  case KEDA_KAFKA: return METER_IN_FLIGHT_JOBS; /* lag: what is not committed */
  case KEDA_SQS: return metadata->scaleOnInFlight ? METER_IN_FLIGHT_JOBS : METER_QUEUE_JOBS;
  case KEDA_REDIS: return METER_QUEUE_JOBS;
  case KEDA_METER:
  case KEDA_PROMETHEUS:
  case KEDA_CPU: break;
  }
  return METER_KINDS;
}

MetricQuery keda_trigger_query(const KedaTrigger *trigger) {
  if (trigger->type == KEDA_PROMETHEUS && trigger->metadata.query.name) return trigger->metadata.query;
  if (trigger->metadata.meter.name) return trigger->metadata.meter;
  MeterKind meter = broker_meter(trigger);
  MetricQuery query = metric_query(meter < METER_KINDS ? meter : METER_IN_FLIGHT_JOBS);
  if (meter == METER_OFFERED_RPS) return query;
  query.window_ns = query.lag_ns = 0; /* a broker is asked what it holds now */
  return query;
}

size_t keda_trigger_queries(const List *triggers, MetricQuery query[POLICY_METRICS]) {
  size_t n = 0;
  for (size_t k = 0; k < triggers->count && n < POLICY_METRICS; k++) {
    const KedaTrigger *trigger = LIST_AT(*triggers, const KedaTrigger, k);
    if (keda_trigger_external(trigger)) query[n++] = keda_trigger_query(trigger);
  }
  return n;
}

/* ---- targets ---- */

KedaMetricType keda_trigger_metric_type(const KedaTrigger *trigger) {
  if (trigger->metricType != KEDA_METRIC_AUTO) return (KedaMetricType)trigger->metricType;
  if (trigger->type != KEDA_CPU) return KEDA_AVERAGE_VALUE;
  bool average = trigger->metadata.type && strcmp(trigger->metadata.type, "AverageValue") == 0;
  return average ? KEDA_AVERAGE_VALUE : KEDA_UTILIZATION;
}

static int64_t either(int64_t own, int64_t other) { return own != 0 ? own : other; }

int64_t keda_trigger_target_milli(const KedaTrigger *trigger) {
  const KedaMetadata *metadata = &trigger->metadata;
  switch ((KedaTriggerType)trigger->type) {
  case KEDA_METER:
  case KEDA_PROMETHEUS: return metadata->threshold_milli;
  case KEDA_CPU:
  case KEDA_RABBITMQ: return either(metadata->value_milli, metadata->threshold_milli);
  case KEDA_KAFKA: return either(metadata->threshold_milli, metadata->lagThreshold_milli);
  case KEDA_SQS: return either(metadata->threshold_milli, metadata->queueLength_milli);
  case KEDA_REDIS: return either(metadata->threshold_milli, metadata->listLength_milli);
  }
  return 0;
}

static int64_t activation_milli(const KedaTrigger *trigger) {
  const KedaMetadata *metadata = &trigger->metadata;
  switch ((KedaTriggerType)trigger->type) {
  case KEDA_METER:
  case KEDA_PROMETHEUS:
  case KEDA_CPU: break;
  case KEDA_RABBITMQ: return either(metadata->activationValue_milli, metadata->activationThreshold_milli);
  case KEDA_KAFKA: return either(metadata->activationLagThreshold_milli, metadata->activationThreshold_milli);
  case KEDA_SQS: return either(metadata->activationQueueLength_milli, metadata->activationThreshold_milli);
  case KEDA_REDIS: return either(metadata->activationListLength_milli, metadata->activationThreshold_milli);
  }
  return metadata->activationThreshold_milli;
}

/* ---- values ---- */

double keda_thousandths(double value) {
  double milli = value * 1000;
  if (!(milli > -9e18 && milli < 9e18)) return value != value ? 0 : value > 0 ? 9e15 : -9e15;
  return (double)(int64_t)milli / 1000;
}

KedaReading keda_trigger_read(const KedaTrigger *trigger, const MetricValue *metric) {
  bool has = metric->has && metric->value == metric->value;
  bool null_counts = trigger->type == KEDA_PROMETHEUS && trigger->metadata.ignoreNullValues;
  if (!has) return (KedaReading){.error = !null_counts};
  return (KedaReading){.active = metric->value > (double)activation_milli(trigger) / 1000, .value = keda_thousandths(metric->value)};
}

/* ---- checks ---- */

static bool trigger_check(const KedaTrigger *trigger, size_t k, Err *err) {
  char path[64];
  if (keda_trigger_target_milli(trigger) <= 0) {
    const char *key = trigger->type == KEDA_CPU || trigger->type == KEDA_RABBITMQ ? "value" : "threshold";
    snprintf(path, sizeof path, "triggers[%zu].metadata.%s", k, key);
    return err_at(err, path, "a trigger of type %s needs a target above 0", keda_trigger_types[trigger->type]);
  }
  bool readable = trigger->type == KEDA_CPU || broker_meter(trigger) < METER_KINDS || trigger->metadata.meter.name ||
                  (trigger->type == KEDA_PROMETHEUS && trigger->metadata.query.name);
  if (!readable) {
    snprintf(path, sizeof path, "triggers[%zu].metadata.%s", k, trigger->type == KEDA_PROMETHEUS ? "query" : "meter");
    return err_at(err, path, "is needed: a meter, or a name of `metrics`");
  }
  bool utilization = keda_trigger_metric_type(trigger) == KEDA_UTILIZATION, value = keda_trigger_metric_type(trigger) == KEDA_VALUE;
  if (trigger->type == KEDA_CPU ? value : utilization) {
    snprintf(path, sizeof path, "triggers[%zu].metricType", k);
    return err_at(err, path, trigger->type == KEDA_CPU ? "cpu has Utilization or AverageValue" : "Utilization is for cpu only");
  }
  return true;
}

bool keda_triggers_check(const List *given, Err *err) {
  bool good = true;
  if (given->count > POLICY_METRICS) return err_at(err, "triggers", "are more than %d", (int)POLICY_METRICS);
  for (size_t k = 0; k < given->count; k++) good &= trigger_check(LIST_AT(*given, const KedaTrigger, k), k, err);
  return good;
}
