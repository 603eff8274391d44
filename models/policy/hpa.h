/* The Kubernetes HorizontalPodAutoscaler, autoscaling/v2: its spec with the names of the manifest, the flags of its controller, what it
 * remembers, and the one function that decides. hpa_type.c holds the tables, hpa.c turns an observation into pods and metrics,
 * hpa_calculator.c, hpa_behavior.c and hpa_reconcile.c are the rule. Another policy (KEDA) may fill an Hpa in memory and call hpa_decide.
 * Source: k8s.io/api/autoscaling/v2 and pkg/controller/podautoscaler, Kubernetes 1.33 and 1.20.2. */
#ifndef MODELS_POLICY_HPA_H
#define MODELS_POLICY_HPA_H

#include "sim/contract/policy.h"

#define HPA_API "autoscaling/v2"

/* ---- metrics ---- */

typedef enum HpaTargetType { HPA_UTILIZATION, HPA_VALUE, HPA_AVERAGE_VALUE } HpaTargetType;
#define HPA_TARGET_FIELDS(F, C, O, L, M, R, P)                                                                             \
  C(type, hpa_target_types, "Utilization", "which of the values below counts", HPA_API)                                 \
  F(integer, averageUtilization, NULL, 0, 1e9, OPTIONAL, "percent of the request, over all pods; 0: none", HPA_API)     \
  F(quantity, averageValue, NULL, 0, 9e15, OPTIONAL, "a pod's value, or the value divided by the number of pods; 0: none", HPA_API) \
  F(quantity, value, NULL, 0, 9e15, OPTIONAL, "the value itself; 0: none", HPA_API)
typedef struct HpaTarget { FIELD_MEMBERS(HPA_TARGET_FIELDS) } HpaTarget;

/* Labels choose a series in Kubernetes. Here the metric's name does: they are read and mean nothing. */
#define HPA_LABEL_FIELDS(F, C, O, L, M, R, P) F(text, name, NULL, 0, 0, OPTIONAL, "a label", HPA_API)
typedef struct HpaLabel { FIELD_MEMBERS(HPA_LABEL_FIELDS) } HpaLabel;
typedef struct HpaWord { const char *text; } HpaWord;
#define HPA_EXPRESSION_FIELDS(F, C, O, L, M, R, P)                    \
  F(text, key, NULL, 0, 0, OPTIONAL, "a label", HPA_API)           \
  F(text, operator, NULL, 0, 0, OPTIONAL, "In, NotIn ...", HPA_API) \
  L(values, HpaWord, &hpa_word_type, OPTIONAL, "the label's values")
typedef struct HpaExpression { FIELD_MEMBERS(HPA_EXPRESSION_FIELDS) } HpaExpression;
#define HPA_SELECTOR_FIELDS(F, C, O, L, M, R, P)                                       \
  M(matchLabels, HpaLabel, &hpa_label_type, OPTIONAL, "labels, which mean nothing here") \
  L(matchExpressions, HpaExpression, &hpa_expression_type, OPTIONAL, "expressions, which mean nothing here")
typedef struct HpaSelector { FIELD_MEMBERS(HPA_SELECTOR_FIELDS) } HpaSelector;

#define HPA_IDENTIFIER_FIELDS(F, C, O, L, M, R, P)                                                                         \
  F(metric, name, NULL, 0, 0, REQUIRED, "the metric: a meter, or a name of the scenario's `metrics`", HPA_API)          \
  P(selector, HpaSelector, &hpa_selector_type, "labels; the name alone chooses the metric here")
typedef struct HpaIdentifier { FIELD_MEMBERS(HPA_IDENTIFIER_FIELDS) } HpaIdentifier;

#define HPA_REFERENCE_FIELDS(F, C, O, L, M, R, P)                          \
  F(text, apiVersion, NULL, 0, 0, OPTIONAL, "API version", HPA_API)     \
  F(text, kind, NULL, 0, 0, OPTIONAL, "kind of the object", HPA_API)    \
  F(text, name, NULL, 0, 0, OPTIONAL, "its name", HPA_API)
typedef struct HpaReference { FIELD_MEMBERS(HPA_REFERENCE_FIELDS) } HpaReference;

#define HPA_RESOURCE_FIELDS(F, C, O, L, M, R, P)                                                        \
  F(text, name, NULL, 0, 0, REQUIRED, "cpu (memory in use is not simulated)", HPA_API)                \
  O(target, HpaTarget, &hpa_target_type, REQUIRED, "Utilization or AverageValue")
typedef struct HpaResource { FIELD_MEMBERS(HPA_RESOURCE_FIELDS) } HpaResource;

#define HPA_CONTAINER_RESOURCE_FIELDS(F, C, O, L, M, R, P)                                              \
  F(text, name, NULL, 0, 0, REQUIRED, "cpu (memory in use is not simulated)", HPA_API)                \
  F(text, container, NULL, 0, 0, REQUIRED, "the container; a replica has one here, so any name is it", HPA_API) \
  O(target, HpaTarget, &hpa_target_type, REQUIRED, "Utilization or AverageValue")
typedef struct HpaContainerResource { FIELD_MEMBERS(HPA_CONTAINER_RESOURCE_FIELDS) } HpaContainerResource;

#define HPA_PODS_FIELDS(F, C, O, L, M, R, P)                                                            \
  O(metric, HpaIdentifier, &hpa_identifier_type, REQUIRED, "a meter that has a value for each replica") \
  O(target, HpaTarget, &hpa_target_type, REQUIRED, "AverageValue")
typedef struct HpaPods { FIELD_MEMBERS(HPA_PODS_FIELDS) } HpaPods;

#define HPA_OBJECT_FIELDS(F, C, O, L, M, R, P)                                                          \
  O(metric, HpaIdentifier, &hpa_identifier_type, REQUIRED, "a metric of the deployment")               \
  O(target, HpaTarget, &hpa_target_type, REQUIRED, "Value or AverageValue")                            \
  O(describedObject, HpaReference, &hpa_reference_type, OPTIONAL, "the object; the metric's name alone says whose it is here")
typedef struct HpaObject { FIELD_MEMBERS(HPA_OBJECT_FIELDS) } HpaObject;

#define HPA_EXTERNAL_FIELDS(F, C, O, L, M, R, P)                                                        \
  O(metric, HpaIdentifier, &hpa_identifier_type, REQUIRED, "a metric of the deployment")               \
  O(target, HpaTarget, &hpa_target_type, REQUIRED, "Value or AverageValue")
typedef struct HpaExternal { FIELD_MEMBERS(HPA_EXTERNAL_FIELDS) } HpaExternal;

typedef enum HpaSource { HPA_RESOURCE, HPA_CONTAINER_RESOURCE, HPA_PODS, HPA_OBJECT, HPA_EXTERNAL } HpaSource;
#define HPA_METRIC_FIELDS(F, C, O, L, M, R, P)                                                                             \
  C(type, hpa_sources, "Resource", "which of the sources below it is", HPA_API)                                         \
  P(resource, HpaResource, &hpa_resource_type, "CPU of the pods")                                                       \
  P(containerResource, HpaContainerResource, &hpa_container_resource_type, "CPU of one container of the pods")          \
  P(pods, HpaPods, &hpa_pods_type, "a metric of each pod")                                                              \
  P(object, HpaObject, &hpa_object_type, "a metric of one object")                                                      \
  P(external, HpaExternal, &hpa_external_type, "a metric from outside the cluster")
typedef struct HpaMetric { FIELD_MEMBERS(HPA_METRIC_FIELDS) } HpaMetric;

/* ---- behavior ---- */

typedef enum HpaPolicyType { HPA_POLICY_PODS, HPA_POLICY_PERCENT } HpaPolicyType;
#define HPA_SCALING_POLICY_FIELDS(F, C, O, L, M, R, P)                                                                     \
  C(type, hpa_policy_types, "Pods", "Pods: so many; Percent: so many of a hundred", HPA_API)                            \
  F(integer, value, NULL, 1, 1e9, REQUIRED, "largest change in a period", HPA_API)                                      \
  F(integer, periodSeconds, NULL, 1, 1800, REQUIRED, "the period", HPA_API)
typedef struct HpaScalingPolicy { FIELD_MEMBERS(HPA_SCALING_POLICY_FIELDS) } HpaScalingPolicy;

typedef enum HpaSelect { HPA_SELECT_MAX, HPA_SELECT_MIN, HPA_SELECT_DISABLED } HpaSelect;
#define HPA_RULES_FIELDS(F, C, O, L, M, R, P)                                                                              \
  F(integer, stabilizationWindowSeconds, "-1", -1, 3600, OPTIONAL, "window of wishes that a change must stand against; -1: 0 up, the controller's down", HPA_API) \
  C(selectPolicy, hpa_selects, "Max", "which policy counts: of the largest change, of the least, or no change at all", HPA_API) \
  L(policies, HpaScalingPolicy, &hpa_scaling_policy_type, OPTIONAL, "limits on the pace; none: up {4 Pods, 100 Percent} each 15 s, down 100 Percent each 15 s") \
  F(quantity, tolerance, "-1", -1, 1e6, OPTIONAL, "no change while |ratio - 1| is at most this, to the thousandth; -1: the controller's", "autoscaling/v2 (KEP-4951, 1.33)")
typedef struct HpaRules { FIELD_MEMBERS(HPA_RULES_FIELDS) } HpaRules;

#define HPA_BEHAVIOR_FIELDS(F, C, O, L, M, R, P)                                  \
  P(scaleUp, HpaRules, &hpa_rules_type, "how it may scale up; absent: defaults") \
  P(scaleDown, HpaRules, &hpa_rules_type, "how it may scale down; absent: defaults")
typedef struct HpaBehavior { FIELD_MEMBERS(HPA_BEHAVIOR_FIELDS) } HpaBehavior;

/* ---- controller flags, not part of a manifest ---- */

typedef enum HpaSemantics { HPA_CURRENT, HPA_1_20 } HpaSemantics;
#define HPA_CONTROLLER_FIELDS(F, C, O, L, M, R, P)                                                                         \
  C(semantics, hpa_semantics, "current", "the rule of 1.33 and later, or of 1.20 where it was another", "pkg/controller/podautoscaler") \
  F(duration, sync_period, "15s", 1, 86400, OPTIONAL, "it looks this often", "--horizontal-pod-autoscaler-sync-period 15s") \
  F(number, tolerance, "0.1", 0, 1e6, OPTIONAL, "no change while |ratio - 1| is at most this", "--horizontal-pod-autoscaler-tolerance 0.1") \
  F(duration, downscale_stabilization, "5m", 0, 86400, OPTIONAL, "scales down to the highest wish of this long", "--horizontal-pod-autoscaler-downscale-stabilization 5m0s") \
  F(duration, cpu_initialization_period, "5m", 0, 86400, OPTIONAL, "CPU samples of a pod younger than this may be skipped", "--horizontal-pod-autoscaler-cpu-initialization-period 5m0s") \
  F(duration, initial_readiness_delay, "30s", 0, 86400, OPTIONAL, "a pod that went unready this early never was ready", "--horizontal-pod-autoscaler-initial-readiness-delay 30s")
typedef struct HpaController { FIELD_MEMBERS(HPA_CONTROLLER_FIELDS) } HpaController;

/* ---- the whole ---- */

#define HPA_FIELDS(F, C, O, L, M, R, P)                                                                                    \
  P(scaleTargetRef, HpaReference, &hpa_reference_type, "read and not used: it scales the deployment of its strategy")   \
  F(integer, minReplicas, "-1", -1, 1e6, OPTIONAL, "replicas at least; -1: the deployment's", HPA_API)                  \
  F(integer, maxReplicas, "-1", -1, 1e6, OPTIONAL, "replicas at most; -1: the deployment's", HPA_API)                   \
  L(metrics, HpaMetric, &hpa_metric_type, OPTIONAL, "the highest wish of these; none: cpu at 80 % of its request")      \
  P(behavior, HpaBehavior, &hpa_behavior_type, "pace and windows of both directions; absent: the rules before it existed") \
  O(controller, HpaController, &hpa_controller_type, OPTIONAL, "flags of the kube-controller-manager")
typedef struct Hpa { FIELD_MEMBERS(HPA_FIELDS) } Hpa;

extern const Type hpa_type, hpa_behavior_type, hpa_controller_type; /* of Hpa, HpaBehavior, HpaController */
HpaController hpa_controller_defaults(void);      /* the flags' defaults, for an Hpa made in memory */
bool hpa_reaches_zero(const Hpa *params);         /* has it an Object or External metric? */

/* What it remembers: hpa_state_bytes(params) bytes, zero at the start. It may be the last member of another policy's state. */
typedef struct HpaState HpaState;
size_t hpa_state_bytes(const Hpa *params);

/* One query for each Pods, Object and External metric, in the order of `metrics`; Resource metrics come with the replicas. */
size_t hpa_metrics(const Hpa *params, MetricQuery query[POLICY_METRICS]);
void hpa_timing(const Hpa *params, PolicyTiming *timing);

/* One reconciliation. observation->metric[k] answers query k of hpa_metrics; observation->replica is needed for Resource, Pods and Value
 * targets. Sets decision->replicas, the values on the way and `reason`, and appends one step. */
void hpa_decide(const Hpa *params, HpaState *state, const Observation *observation, Decision *decision);

#endif
