/* The tables of the HPA's parameters and what the API server would refuse; see hpa.h. Names, defaults and bounds are autoscaling/v2's.
 * Source: k8s.io/api/autoscaling/v2/types.go, pkg/apis/autoscaling/validation and v2/defaults.go, Kubernetes 1.33. */
#include <string.h>

#include "models/policy/hpa.h"

static const char *const hpa_target_types[] = {"Utilization", "Value", "AverageValue", NULL};
static const char *const hpa_sources[] = {"Resource", "ContainerResource", "Pods", "Object", "External", NULL};
static const char *const hpa_policy_types[] = {"Pods", "Percent", NULL};
static const char *const hpa_selects[] = {"Max", "Min", "Disabled", NULL};
static const char *const hpa_semantics[] = {"current", "1.20", NULL};

/* ---- metrics ---- */

static bool check_target(const void *value, Err *err) {
  const HpaTarget *target = value;
  const int64_t given[] = {target->averageUtilization, target->value_milli, target->averageValue_milli};
  static const char *const names[] = {"averageUtilization", "value", "averageValue"};
  const char *type = hpa_target_types[target->type];
  for (int k = 0; k < 3; k++) {
    if (k == target->type && given[k] <= 0) return err_at(err, names[k], "a target of type %s wants `%s` above 0", type, names[k]);
    if (k != target->type && given[k] != 0) return err_at(err, names[k], "a target of type %s has no `%s`", type, names[k]);
  }
  return true;
}

#define ROW_STRUCT HpaTarget
static const Field target_fields[] = {FIELD_ROWS(HPA_TARGET_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_target_type = FIELD_TYPE("target", "{type, value}", HpaTarget, target_fields, check_target);

#define ROW_STRUCT HpaLabel
static const Field label_fields[] = {FIELD_ROWS(HPA_LABEL_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_label_type = FIELD_TYPE("label", "a label", HpaLabel, label_fields, NULL);

static const Field word_fields[] = {{.name = "", .kind = FIELD_TEXT, .help = "a label's value", .source = HPA_API}};
static const Type hpa_word_type = FIELD_TYPE("word", "a label's value", HpaWord, word_fields, NULL);

#define ROW_STRUCT HpaExpression
static const Field expression_fields[] = {FIELD_ROWS(HPA_EXPRESSION_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_expression_type = FIELD_TYPE("expression", "{key, operator, values}", HpaExpression, expression_fields, NULL);

#define ROW_STRUCT HpaSelector
static const Field selector_fields[] = {FIELD_ROWS(HPA_SELECTOR_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_selector_type = FIELD_TYPE("selector", "labels", HpaSelector, selector_fields, NULL);

#define ROW_STRUCT HpaIdentifier
static const Field identifier_fields[] = {FIELD_ROWS(HPA_IDENTIFIER_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_identifier_type = FIELD_TYPE("metric", "{name}", HpaIdentifier, identifier_fields, NULL);

#define ROW_STRUCT HpaReference
static const Field reference_fields[] = {FIELD_ROWS(HPA_REFERENCE_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_reference_type = FIELD_TYPE("reference", "{apiVersion, kind, name}", HpaReference, reference_fields, NULL);

static bool check_cpu(const char *name, int target_type, Err *err) {
  if (strcmp(name, "memory") == 0)
    return err_at(err, "name", "memory in use is not simulated, so an HPA cannot follow it; use cpu, or a meter as a Pods metric");
  if (strcmp(name, "cpu") != 0) return err_at(err, "name", "there is no resource `%.60s` to follow; it is cpu", name);
  if (target_type == HPA_VALUE) return err_at(err, "target.type", "a resource has a target of type Utilization or AverageValue");
  return true;
}

static bool check_resource(const void *value, Err *err) {
  const HpaResource *resource = value;
  return check_cpu(resource->name, resource->target.type, err);
}

#define ROW_STRUCT HpaResource
static const Field resource_fields[] = {FIELD_ROWS(HPA_RESOURCE_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_resource_type = FIELD_TYPE("resource", "{name, target}", HpaResource, resource_fields, check_resource);

static bool check_container_resource(const void *value, Err *err) {
  const HpaContainerResource *resource = value;
  return check_cpu(resource->name, resource->target.type, err);
}

#define ROW_STRUCT HpaContainerResource
static const Field container_resource_fields[] = {FIELD_ROWS(HPA_CONTAINER_RESOURCE_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_container_resource_type =
    FIELD_TYPE("containerResource", "{name, container, target}", HpaContainerResource, container_resource_fields, check_container_resource);

static bool check_pods(const void *value, Err *err) {
  const HpaPods *pods = value;
  if (pods->target.type != HPA_AVERAGE_VALUE) return err_at(err, "target.type", "a metric of pods has a target of type AverageValue");
  if (!meter_by_replica(pods->metric.name.meter))
    return err_at(err, "metric.name", "%s has no value for each replica; use it as an Object or External metric", meter_name(pods->metric.name.meter));
  return true;
}

#define ROW_STRUCT HpaPods
static const Field pods_fields[] = {FIELD_ROWS(HPA_PODS_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_pods_type = FIELD_TYPE("pods", "{metric, target}", HpaPods, pods_fields, check_pods);

static bool check_figure(int target_type, Err *err) {
  return target_type != HPA_UTILIZATION || err_at(err, "target.type", "this metric has a target of type Value or AverageValue");
}

static bool check_object(const void *value, Err *err) { return check_figure(((const HpaObject *)value)->target.type, err); }
static bool check_external(const void *value, Err *err) { return check_figure(((const HpaExternal *)value)->target.type, err); }

#define ROW_STRUCT HpaObject
static const Field object_fields[] = {FIELD_ROWS(HPA_OBJECT_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_object_type = FIELD_TYPE("object", "{metric, target, describedObject}", HpaObject, object_fields, check_object);

#define ROW_STRUCT HpaExternal
static const Field external_fields[] = {FIELD_ROWS(HPA_EXTERNAL_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_external_type = FIELD_TYPE("external", "{metric, target}", HpaExternal, external_fields, check_external);

static bool check_metric(const void *value, Err *err) {
  const HpaMetric *metric = value;
  const bool given[] = {metric->resource != NULL, metric->containerResource != NULL, metric->pods != NULL, metric->object != NULL, metric->external != NULL};
  static const char *const names[] = {"resource", "containerResource", "pods", "object", "external"};
  const char *type = hpa_sources[metric->type];
  for (int k = 0; k < 5; k++) {
    if (k == metric->type && !given[k]) return err_at(err, "type", "a metric of type %s wants `%s`", type, names[k]);
    if (k != metric->type && given[k]) return err_at(err, names[k], "a metric of type %s has no `%s`", type, names[k]);
  }
  return true;
}

#define ROW_STRUCT HpaMetric
static const Field metric_fields[] = {FIELD_ROWS(HPA_METRIC_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_metric_type = FIELD_TYPE("metric", "{type, and its source}", HpaMetric, metric_fields, check_metric);

/* ---- behavior and controller ---- */

#define ROW_STRUCT HpaScalingPolicy
static const Field scaling_policy_fields[] = {FIELD_ROWS(HPA_SCALING_POLICY_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_scaling_policy_type = FIELD_TYPE("policy", "{type, value, periodSeconds}", HpaScalingPolicy, scaling_policy_fields, NULL);

#define ROW_STRUCT HpaRules
static const Field rules_fields[] = {FIELD_ROWS(HPA_RULES_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_rules_type = FIELD_TYPE("rules", "pace and window of one direction", HpaRules, rules_fields, NULL);

#define ROW_STRUCT HpaBehavior
static const Field behavior_fields[] = {FIELD_ROWS(HPA_BEHAVIOR_FIELDS)};
#undef ROW_STRUCT
const Type hpa_behavior_type = FIELD_TYPE("behavior", "{scaleUp, scaleDown}", HpaBehavior, behavior_fields, NULL);

#define ROW_STRUCT HpaController
static const Field controller_fields[] = {FIELD_ROWS(HPA_CONTROLLER_FIELDS)};
#undef ROW_STRUCT
const Type hpa_controller_type = FIELD_TYPE("controller", "flags of the kube-controller-manager", HpaController, controller_fields, NULL);

/* ---- the whole ---- */

bool hpa_reaches_zero(const Hpa *params) {
  for (size_t k = 0; k < params->metrics.count; k++) {
    int type = LIST_AT(params->metrics, HpaMetric, k)->type;
    if (type == HPA_OBJECT || type == HPA_EXTERNAL) return true;
  }
  return false;
}

static bool check_hpa(const void *value, Err *err) {
  const Hpa *hpa = value;
  bool good = true;
  if (hpa->maxReplicas == 0) good = err_at(err, "maxReplicas", "must be above 0");
  if (hpa->maxReplicas > 0 && hpa->minReplicas > hpa->maxReplicas)
    good = err_at(err, "minReplicas", "is above maxReplicas (%lld > %lld)", (long long)hpa->minReplicas, (long long)hpa->maxReplicas);
  if (hpa->minReplicas == 0 && !hpa_reaches_zero(hpa))
    good = err_at(err, "minReplicas", "0 replicas want an Object or External metric to come back by");
  if (hpa->metrics.count > POLICY_METRICS) good = err_at(err, "metrics", "%zu metrics; an HPA here has at most %d", hpa->metrics.count, (int)POLICY_METRICS);
  return good;
}

#define ROW_STRUCT Hpa
static const Field hpa_fields[] = {FIELD_ROWS(HPA_FIELDS)};
#undef ROW_STRUCT
const Type hpa_type = FIELD_TYPE("hpa", "HorizontalPodAutoscaler", Hpa, hpa_fields, check_hpa);
