/* HorizontalPodAutoscaler, ScaledObject, ScaledJob and VerticalPodAutoscaler: their specs are the parameters of the policies hpa, keda,
 * keda-job and vpa, which judge what is in them; here stands what has no effect. Source: k8s.io/api/autoscaling v1, v2 and v2beta2
 * (Kubernetes 1.33), kedacore/keda apis/keda/v1alpha1 and pkg/scalers (2.17), kubernetes/autoscaler autoscaling.k8s.io/v1. */
#include <string.h>

#include "sim/lab/manifest_parts.h"

#define SERVER "written by the server"
#define SELECTS "the metric's name alone says what is measured here"
#define CONNECTS "where the figures come from is the meter's; see `metrics` of the scenario"

static const FieldFate reference_fields[] = {USED("apiVersion"), USED("kind"), USED("name"), IDLE("envSourceContainerName", CONNECTS), END_OF_FIELDS};

/* ---- HorizontalPodAutoscaler ---- */

static const FieldFate identifier_fields[] = {USED("name"), IDLE("selector", SELECTS), END_OF_FIELDS};
static const FieldFate hpa_pods_fields[] = {BELOW("metric", identifier_fields), USED("target"), END_OF_FIELDS};
static const FieldFate hpa_object_fields[] = {BELOW("metric", identifier_fields), USED("target"), IDLE("describedObject", SELECTS), END_OF_FIELDS};
static const FieldFate hpa_metric_fields[] = {USED("type"), USED("resource"), USED("containerResource"), BELOW("pods", hpa_pods_fields),
                                              BELOW("object", hpa_object_fields), BELOW("external", hpa_pods_fields), END_OF_FIELDS};
static const FieldFate hpa_spec_fields[] = {BELOW("scaleTargetRef", reference_fields), USED("minReplicas"), USED("maxReplicas"),
                                            BELOW("metrics", hpa_metric_fields), USED("behavior"), END_OF_FIELDS};
const FieldFate hpa_fields[] = {USED("apiVersion"), USED("kind"), BELOW("metadata", metadata_fields), BELOW("spec", hpa_spec_fields), IDLE("status", SERVER), END_OF_FIELDS};

static const FieldFate hpa_v1_spec_fields[] = {BELOW("scaleTargetRef", reference_fields), USED("minReplicas"), USED("maxReplicas"),
                                               USED("targetCPUUtilizationPercentage"), END_OF_FIELDS};
const FieldFate hpa_v1_fields[] = {USED("apiVersion"), USED("kind"), BELOW("metadata", metadata_fields), BELOW("spec", hpa_v1_spec_fields), IDLE("status", SERVER), END_OF_FIELDS};

/* An HPA in a namespace scales what its reference names; the reference must be there. */
static const char *referred(Expansion *x, const Manifest *manifest, const Yaml *spec, const char *key) {
  const YamlEntry *reference = key_needed(x, spec, entry_at(manifest->node, "spec")->mark, key, "what it scales");
  if (!reference) return NULL;
  const YamlEntry *name = entry_at(reference->value, "name");
  if (!name || name->value->kind != YAML_SCALAR) {
    yaml_error(x->err, ERR_SCENARIO, reference->mark, "`%s` has a `name`", key);
    return NULL;
  }
  return target_deployment(x, name->value->text, name->value->mark, manifest->kind);
}

static bool give_hpa(Expansion *x, const Manifest *manifest, const Yaml *spec, const YamlEntry *metrics) {
  const char *deployment = referred(x, manifest, spec, "scaleTargetRef");
  YamlMark mark = entry_at(manifest->node, "spec")->mark;
  const YamlEntry *max = key_needed(x, spec, mark, "maxReplicas", "replicas at most"), *min = entry_at(spec, "minReplicas");
  if (!deployment || !max) return false;
  MapMaker map = {.arena = x->arena, .mark = mark};
  const Yaml *least = min ? min->value : make_text(x->arena, mark, "1"); /* the API's default */
  map_put(&map, "minReplicas", min ? min->mark : mark, least);
  map_copy(&map, "maxReplicas", max);
  map_copy(&map, "metrics", metrics);
  map_copy(&map, "behavior", entry_at(spec, "behavior"));
  give_bounds(x, deployment, least, max->value);
  return give_scale(x, deployment, "hpa", map_made(&map), manifest->mark);
}

bool convert_hpa(Expansion *x, const Manifest *manifest) {
  const Yaml *spec = map_needed(x, manifest, "spec");
  return spec && give_hpa(x, manifest, spec, entry_at(spec, "metrics"));
}

/* v1 has one metric: CPU, 80 % where nothing is said, which is the policy's default, too. */
bool convert_hpa_v1(Expansion *x, const Manifest *manifest) {
  const Yaml *spec = map_needed(x, manifest, "spec");
  const YamlEntry *percent = entry_at(spec, "targetCPUUtilizationPercentage");
  if (!spec) return false;
  if (!percent) return give_hpa(x, manifest, spec, NULL);
  YamlMark mark = percent->mark;
  MapMaker target = {.arena = x->arena, .mark = mark}, resource = target, metric = target;
  map_put(&target, "type", mark, make_text(x->arena, mark, "Utilization"));
  map_put(&target, "averageUtilization", mark, percent->value);
  map_put(&resource, "name", mark, make_text(x->arena, mark, "cpu"));
  map_put(&resource, "target", mark, map_made(&target));
  map_put(&metric, "type", mark, make_text(x->arena, mark, "Resource"));
  map_put(&metric, "resource", mark, map_made(&resource));
  const Yaml *one = map_made(&metric);
  YamlEntry metrics = {"metrics", mark, make_list(x->arena, mark, &one, 1)};
  return give_hpa(x, manifest, spec, &metrics);
}

/* ---- KEDA ---- */

static const FieldFate trigger_metadata_fields[] = {
    IDLE("serverAddress", CONNECTS), IDLE("namespace", CONNECTS), IDLE("customHeaders", CONNECTS), IDLE("queryParameters", CONNECTS), IDLE("authModes", CONNECTS),
    IDLE("unsafeSsl", CONNECTS), IDLE("timeout", CONNECTS), IDLE("cortexOrgID", CONNECTS), IDLE("metricName", "an older name of the trigger"),
    IDLE("containerName", "a replica has one container here"), IDLE("protocol", CONNECTS), IDLE("host", CONNECTS), IDLE("hostFromEnv", CONNECTS), IDLE("port", CONNECTS),
    IDLE("queueName", CONNECTS), IDLE("vhostName", CONNECTS), IDLE("bootstrapServers", CONNECTS), IDLE("bootstrapServersFromEnv", CONNECTS), IDLE("consumerGroup", CONNECTS),
    IDLE("topic", CONNECTS), IDLE("offsetResetPolicy", CONNECTS), IDLE("allowIdleConsumers", "partitions are not simulated"), IDLE("version", CONNECTS),
    IDLE("sasl", CONNECTS), IDLE("tls", CONNECTS), IDLE("queueURL", CONNECTS), IDLE("queueURLFromEnv", CONNECTS), IDLE("awsRegion", CONNECTS),
    IDLE("awsEndpoint", CONNECTS), IDLE("identityOwner", CONNECTS), IDLE("address", CONNECTS), IDLE("addressFromEnv", CONNECTS), IDLE("passwordFromEnv", CONNECTS),
    IDLE("usernameFromEnv", CONNECTS), IDLE("listName", CONNECTS), IDLE("databaseIndex", CONNECTS), IDLE("enableTLS", CONNECTS), USED("*"), END_OF_FIELDS};
static const FieldFate trigger_fields[] = {USED("type"), USED("name"), USED("metricType"), USED("useCachedMetrics"), IDLE("authenticationRef", CONNECTS),
                                           BELOW("metadata", trigger_metadata_fields), END_OF_FIELDS};
static const FieldFate hpa_config_fields[] = {IDLE("name", "of the HPA that is made"), USED("behavior"), END_OF_FIELDS};
static const FieldFate advanced_fields[] = {IDLE("restoreToOriginalReplicaCount", "the object is not deleted"), BELOW("horizontalPodAutoscalerConfig", hpa_config_fields),
                                            USED("scalingModifiers"), END_OF_FIELDS};
static const FieldFate keda_annotation_fields[] = {USED("autoscaling.keda.sh/paused"), USED("autoscaling.keda.sh/paused-replicas"), USED("autoscaling.keda.sh/paused-scale-in"),
                                                   USED("autoscaling.keda.sh/paused-scale-out"), USED("autoscaling.keda.sh/force-activation"),
                                                   IDLE("*", "the autoscaler reads none of that name"), END_OF_FIELDS};
static const FieldFate scaled_object_spec_fields[] = {
    BELOW("scaleTargetRef", reference_fields), USED("pollingInterval"), USED("cooldownPeriod"), USED("initialCooldownPeriod"), USED("idleReplicaCount"),
    USED("minReplicaCount"), USED("maxReplicaCount"), USED("fallback"), BELOW("advanced", advanced_fields), BELOW("triggers", trigger_fields), END_OF_FIELDS};
const FieldFate scaled_object_fields[] = {USED("apiVersion"), USED("kind"), BELOW("metadata", metadata_annotated_fields), BELOW("spec", scaled_object_spec_fields),
                                          IDLE("status", SERVER), END_OF_FIELDS};

/* The annotations that KEDA reads, by the names of the policy's parameters. */
static bool give_annotations(Expansion *x, const Manifest *manifest, MapMaker *params) {
  static const char *const names[][2] = {{"autoscaling.keda.sh/paused", "paused"}, {"autoscaling.keda.sh/paused-replicas", "pausedReplicas"},
                                         {"autoscaling.keda.sh/paused-scale-in", "pausedScaleIn"}, {"autoscaling.keda.sh/paused-scale-out", "pausedScaleOut"},
                                         {"autoscaling.keda.sh/force-activation", "forceActivation"}};
  const YamlEntry *annotations = entry_at(manifest->node, "metadata.annotations");
  if (!annotations) return true;
  const Yaml *taken = fields_take(x, keda_annotation_fields, annotations->value, "metadata.annotations");
  MapMaker map = {.arena = x->arena, .mark = annotations->mark};
  for (size_t k = 0; taken && k < sizeof names / sizeof *names; k++) map_copy(&map, names[k][1], yaml_entry(taken, names[k][0]));
  if (map.count) map_put(params, "annotations", annotations->mark, map_made(&map));
  return taken != NULL;
}

static bool give_keda(Expansion *x, const Manifest *manifest, const Yaml *spec, const char *deployment, const char *model, const char *const *keys) {
  YamlMark mark = entry_at(manifest->node, "spec")->mark;
  MapMaker map = {.arena = x->arena, .mark = mark};
  if (!key_needed(x, spec, mark, "triggers", "the sources of events")) return false;
  for (size_t k = 0; keys[k]; k++) map_copy(&map, keys[k], entry_at(spec, keys[k]));
  if (text_equal(model, "keda") && !give_annotations(x, manifest, &map)) return false;
  const Yaml *min = value_at(spec, "idleReplicaCount"), *max = value_at(spec, "maxReplicaCount");
  if (!min) min = value_at(spec, "minReplicaCount");
  give_bounds(x, deployment, min ? min : make_text(x->arena, mark, "0"), max ? max : make_text(x->arena, mark, "100"));
  return give_scale(x, deployment, model, map_made(&map), manifest->mark);
}

bool convert_scaled_object(Expansion *x, const Manifest *manifest) {
  static const char *const keys[] = {"pollingInterval", "cooldownPeriod", "initialCooldownPeriod", "idleReplicaCount", "minReplicaCount",
                                     "maxReplicaCount", "fallback", "advanced", "triggers", NULL};
  const Yaml *spec = map_needed(x, manifest, "spec");
  const char *deployment = spec ? referred(x, manifest, spec, "scaleTargetRef") : NULL;
  return deployment && give_keda(x, manifest, spec, deployment, "keda", keys);
}

#define JOBS "a job is a replica, which ends when it has been without work for idleTimeout"
static const FieldFate job_fields[] = {BELOW("template", pod_template_fields), IDLE("parallelism", JOBS), IDLE("completions", JOBS), IDLE("backoffLimit", JOBS),
                                       IDLE("activeDeadlineSeconds", JOBS), IDLE("ttlSecondsAfterFinished", JOBS), IDLE("completionMode", JOBS), IDLE("selector", JOBS),
                                       IDLE("manualSelector", JOBS), IDLE("suspend", JOBS), IDLE("podFailurePolicy", JOBS), END_OF_FIELDS};
static const FieldFate scaled_job_spec_fields[] = {
    BELOW("jobTargetRef", job_fields), USED("pollingInterval"), USED("minReplicaCount"), USED("maxReplicaCount"), USED("scalingStrategy"), BELOW("triggers", trigger_fields),
    IDLE("successfulJobsHistoryLimit", JOBS), IDLE("failedJobsHistoryLimit", JOBS), IDLE("envSourceContainerName", CONNECTS), IDLE("rollout", JOBS),
    IDLE("rolloutStrategy", JOBS), END_OF_FIELDS};
const FieldFate scaled_job_fields[] = {USED("apiVersion"), USED("kind"), BELOW("metadata", metadata_fields), BELOW("spec", scaled_job_spec_fields), IDLE("status", SERVER), END_OF_FIELDS};

/* A ScaledJob has its pods in itself; the deployment is the one of its name. */
bool convert_scaled_job(Expansion *x, const Manifest *manifest) {
  static const char *const keys[] = {"pollingInterval", "minReplicaCount", "maxReplicaCount", "scalingStrategy", "triggers", NULL};
  const Yaml *spec = map_needed(x, manifest, "spec"), *pod = value_at(spec, "jobTargetRef.template.spec");
  const char *deployment = spec ? target_deployment(x, manifest->name, manifest->mark, manifest->kind) : NULL;
  if (!deployment || (pod && !give_pod(x, deployment, pod))) return false;
  return give_keda(x, manifest, spec, deployment, "keda-job", keys);
}

/* ---- VerticalPodAutoscaler ---- */

static const FieldFate vpa_spec_fields[] = {BELOW("targetRef", reference_fields), USED("updatePolicy"), USED("resourcePolicy"), USED("recommenders"), END_OF_FIELDS};
const FieldFate vpa_fields[] = {USED("apiVersion"), USED("kind"), BELOW("metadata", metadata_fields), BELOW("spec", vpa_spec_fields), IDLE("status", SERVER), END_OF_FIELDS};

static bool is_scaled(const Expansion *x, const char *deployment) {
  for (size_t k = 0; k < x->n_shares; k++)
    if (x->share[k].scale && text_equal(x->share[k].deployment, deployment)) return true;
  return false;
}

/* One that only recommends, beside another autoscaler, is how most are run: it changes nothing. Those are converted last (see
 * manifest_expand), so the other one is known. */
bool convert_vpa(Expansion *x, const Manifest *manifest) {
  const Yaml *spec = map_needed(x, manifest, "spec");
  const char *deployment = spec ? referred(x, manifest, spec, "targetRef") : NULL;
  if (!deployment) return false;
  const char *mode = scalar_at(spec, "updatePolicy.updateMode");
  const Yaml *recommender = value_at(spec, "recommenders");
  if (recommender && recommender->kind == YAML_LIST && recommender->count && !text_equal(scalar_at(recommender->entry[0].value, "name"), "default"))
    return yaml_error(x->err, ERR_SCENARIO, entry_at(spec, "recommenders")->mark, "another recommender than the default one is not modelled and would change the outcome");
  bool off = mode && text_equal(mode, "Off");
  if (off && is_scaled(x, deployment)) {
    manifest_warn(x, manifest->mark, "this VerticalPodAutoscaler has no effect: it only recommends (updateMode Off)");
    return true;
  }
  x->drains |= !off;
  MapMaker map = {.arena = x->arena, .mark = entry_at(manifest->node, "spec")->mark};
  map_copy(&map, "updatePolicy", entry_at(spec, "updatePolicy"));
  map_copy(&map, "resourcePolicy", entry_at(spec, "resourcePolicy"));
  return give_scale(x, deployment, "vpa", map_made(&map), manifest->mark);
}
