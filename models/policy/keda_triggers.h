/* Triggers of a ScaledObject or ScaledJob: their manifests' fields, the metric each reads, its target, and when it is active.
 * Source: kedacore/keda, apis/keda/v1alpha1/scaletriggers_types.go and pkg/scalers, at 8b4f083c. */
#ifndef MODELS_POLICY_KEDA_TRIGGERS_H
#define MODELS_POLICY_KEDA_TRIGGERS_H

#include "sim/contract/policy.h"

#define KEDA_API "keda.sh/v1alpha1"

/* Where it would connect to means nothing here; those keys are read so that a manifest can stay as it is. A value of 0 is not given. */
#define KEDA_METADATA_FIELDS(F, C, O, L, M, R, P)                                                                          \
  F(metric, meter, NULL, 0, 0, OPTIONAL, "what stands for the source: a meter, or a name of the scenario's `metrics`; queues have one of their own", "") \
  F(metric, query, NULL, 0, 0, OPTIONAL, "prometheus: the query; a meter, or a name of the scenario's `metrics`", "prometheus scaler") \
  F(quantity, threshold, NULL, 0, 9e12, OPTIONAL, "prometheus, meter and where the own key is not given: target", "prometheus scaler") \
  F(quantity, activationThreshold, "0", -9e12, 9e12, OPTIONAL, "active above this", "prometheus scaler, 0")              \
  F(quantity, value, NULL, 0, 9e12, OPTIONAL, "rabbitmq: target; cpu: percent of the request, or cores for AverageValue", "rabbitmq and cpu scalers") \
  F(quantity, activationValue, "0", -9e12, 9e12, OPTIONAL, "rabbitmq: active above this", "rabbitmq scaler, 0")         \
  C(mode, keda_rabbit_modes, "QueueLength", "rabbitmq: messages in the queue, or published a second", "rabbitmq scaler") \
  F(flag, excludeUnacknowledged, "false", 0, 0, OPTIONAL, "rabbitmq: without messages in work", "rabbitmq scaler, false") \
  F(quantity, lagThreshold, "10", 1e-3, 9e12, OPTIONAL, "kafka: target", "kafka scaler, 10")                            \
  F(quantity, activationLagThreshold, "0", -9e12, 9e12, OPTIONAL, "kafka: active above this", "kafka scaler, 0")        \
  F(quantity, queueLength, "5", 1e-3, 9e12, OPTIONAL, "aws-sqs-queue: target", "aws-sqs-queue scaler, 5")               \
  F(quantity, activationQueueLength, "0", -9e12, 9e12, OPTIONAL, "aws-sqs-queue: active above this", "aws-sqs-queue scaler, 0") \
  F(flag, scaleOnInFlight, "true", 0, 0, OPTIONAL, "aws-sqs-queue: with messages in work", "aws-sqs-queue scaler, true") \
  F(quantity, listLength, "5", 1e-3, 9e12, OPTIONAL, "redis: target", "redis scaler, 5")                                \
  F(quantity, activationListLength, "0", -9e12, 9e12, OPTIONAL, "redis: active above this", "redis scaler, 0")          \
  F(flag, ignoreNullValues, "true", 0, 0, OPTIONAL, "prometheus: no result counts as 0, not as a failure", "prometheus scaler, true") \
  F(text, serverAddress, NULL, 0, 0, OPTIONAL, "not used", "prometheus scaler")                                         \
  F(text, namespace, NULL, 0, 0, OPTIONAL, "not used", "prometheus scaler")                                             \
  F(text, customHeaders, NULL, 0, 0, OPTIONAL, "not used", "prometheus scaler")                                         \
  F(text, queryParameters, NULL, 0, 0, OPTIONAL, "not used", "prometheus scaler")                                       \
  F(text, authModes, NULL, 0, 0, OPTIONAL, "not used", "prometheus scaler")                                             \
  F(text, unsafeSsl, NULL, 0, 0, OPTIONAL, "not used", "prometheus and rabbitmq scalers")                               \
  F(text, timeout, NULL, 0, 0, OPTIONAL, "not used", "prometheus and rabbitmq scalers")                                 \
  F(text, metricName, NULL, 0, 0, OPTIONAL, "not used", "older scalers")                                                \
  F(text, type, NULL, 0, 0, OPTIONAL, "cpu: metricType in older manifests", "cpu scaler")                               \
  F(text, containerName, NULL, 0, 0, OPTIONAL, "not used: a replica has one container here", "cpu scaler")              \
  F(text, protocol, NULL, 0, 0, OPTIONAL, "not used", "rabbitmq scaler")                                                \
  F(text, host, NULL, 0, 0, OPTIONAL, "not used", "rabbitmq and redis scalers")                                         \
  F(text, hostFromEnv, NULL, 0, 0, OPTIONAL, "not used", "rabbitmq scaler")                                             \
  F(text, port, NULL, 0, 0, OPTIONAL, "not used", "redis scaler")                                                       \
  F(text, queueName, NULL, 0, 0, OPTIONAL, "not used", "rabbitmq scaler")                                               \
  F(text, vhostName, NULL, 0, 0, OPTIONAL, "not used", "rabbitmq scaler")                                               \
  F(text, bootstrapServers, NULL, 0, 0, OPTIONAL, "not used", "kafka scaler")                                           \
  F(text, consumerGroup, NULL, 0, 0, OPTIONAL, "not used", "kafka scaler")                                              \
  F(text, topic, NULL, 0, 0, OPTIONAL, "not used", "kafka scaler")                                                      \
  F(text, offsetResetPolicy, NULL, 0, 0, OPTIONAL, "not used", "kafka scaler")                                          \
  F(text, allowIdleConsumers, NULL, 0, 0, OPTIONAL, "not used: partitions are not simulated", "kafka scaler")           \
  F(text, version, NULL, 0, 0, OPTIONAL, "not used", "kafka scaler")                                                    \
  F(text, queueURL, NULL, 0, 0, OPTIONAL, "not used", "aws-sqs-queue scaler")                                           \
  F(text, queueURLFromEnv, NULL, 0, 0, OPTIONAL, "not used", "aws-sqs-queue scaler")                                    \
  F(text, awsRegion, NULL, 0, 0, OPTIONAL, "not used", "aws-sqs-queue scaler")                                          \
  F(text, identityOwner, NULL, 0, 0, OPTIONAL, "not used", "aws-sqs-queue scaler")                                      \
  F(text, address, NULL, 0, 0, OPTIONAL, "not used", "redis scaler")                                                    \
  F(text, addressFromEnv, NULL, 0, 0, OPTIONAL, "not used", "redis scaler")                                             \
  F(text, listName, NULL, 0, 0, OPTIONAL, "not used", "redis scaler")                                                   \
  F(text, databaseIndex, NULL, 0, 0, OPTIONAL, "not used", "redis scaler")                                              \
  F(text, enableTLS, NULL, 0, 0, OPTIONAL, "not used", "redis scaler")
typedef struct KedaMetadata { FIELD_MEMBERS(KEDA_METADATA_FIELDS) } KedaMetadata;

#define KEDA_REFERENCE_FIELDS(F, C, O, L, M, R, P)                                          \
  F(text, apiVersion, NULL, 0, 0, OPTIONAL, "API version", KEDA_API)                     \
  F(text, kind, NULL, 0, 0, OPTIONAL, "kind of the object", KEDA_API)                    \
  F(text, name, NULL, 0, 0, OPTIONAL, "its name", KEDA_API)                              \
  F(text, envSourceContainerName, NULL, 0, 0, OPTIONAL, "not used", KEDA_API)
typedef struct KedaReference { FIELD_MEMBERS(KEDA_REFERENCE_FIELDS) } KedaReference;

typedef enum KedaTriggerType { KEDA_METER, KEDA_PROMETHEUS, KEDA_CPU, KEDA_RABBITMQ, KEDA_KAFKA, KEDA_SQS, KEDA_REDIS } KedaTriggerType;
typedef enum KedaMetricType { KEDA_METRIC_AUTO, KEDA_AVERAGE_VALUE, KEDA_VALUE, KEDA_UTILIZATION } KedaMetricType;
#define KEDA_TRIGGER_FIELDS(F, C, O, L, M, R, P)                                                                           \
  C(type, keda_trigger_types, "meter", "the scaler; meter: any meter of the deployment", KEDA_API)                      \
  F(text, name, NULL, 0, 0, OPTIONAL, "its name in scalingModifiers.formula", KEDA_API)                                 \
  C(metricType, keda_metric_types, "auto", "type of the HPA's target; auto: AverageValue, Utilization for cpu", KEDA_API) \
  F(flag, useCachedMetrics, "false", 0, 0, OPTIONAL, "the HPA sees the value of the last poll", KEDA_API)               \
  P(authenticationRef, KedaReference, &keda_reference_type, "read and not used")                                        \
  O(metadata, KedaMetadata, &keda_metadata_type, OPTIONAL, "the scaler's own keys")
typedef struct KedaTrigger { FIELD_MEMBERS(KEDA_TRIGGER_FIELDS) } KedaTrigger;

extern const Type keda_reference_type, keda_metadata_type, keda_trigger_type;
extern const char *const keda_trigger_types[], *const keda_metric_types[], *const keda_rabbit_modes[];

/* The triggers, or, where none is given, the default one: jobs in flight, 5 a replica. */
List keda_triggers(const List *given);
/* At most POLICY_METRICS triggers, each with a target and something to read. Errors are at `triggers[k]...`. */
bool keda_triggers_check(const List *given, Err *err);

/* cpu is the HPA's own resource metric: KEDA neither polls it nor counts it as active. */
bool keda_trigger_external(const KedaTrigger *trigger);
MetricQuery keda_trigger_query(const KedaTrigger *trigger);
/* One query for each external trigger, in order. */
size_t keda_trigger_queries(const List *triggers, MetricQuery query[POLICY_METRICS]);
KedaMetricType keda_trigger_metric_type(const KedaTrigger *trigger);
int64_t keda_trigger_target_milli(const KedaTrigger *trigger);

typedef struct KedaReading {
  bool error, active;
  double value; /* to the thousandth, cut, as KEDA hands it to the HPA */
} KedaReading;
KedaReading keda_trigger_read(const KedaTrigger *trigger, const MetricValue *metric);
/* A number to the thousandth, cut. */
double keda_thousandths(double value);

#endif
