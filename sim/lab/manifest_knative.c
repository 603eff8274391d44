/* Knative Services, KServe InferenceServices, and the ConfigMap that holds the defaults of Knative's autoscaler. Source: knative/serving
 * pkg/apis/autoscaling/register.go and pkg/reconciler/autoscaling/hpa/resources (1.15), kserve/kserve pkg/apis/serving/v1beta1/component.go
 * and reconcilers/{hpa,keda,knative} (0.15). */
#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/lab/manifest_parts.h"

#define SERVER "written by the server"
#define OTHER "no autoscaler reads an annotation of that name"
#define NETWORK "the network is not simulated"
#define MODEL "what a model does is the service law's"

/* ---- annotations ---- */

/* Annotation, its older spelling, the parameter of `kpa`. */
typedef struct Scaling {
  const char *name, *older, *parameter;
} Scaling;
#define PREFIX "autoscaling.knative.dev/"
static const Scaling scalings[] = {
    {PREFIX "metric", NULL, "metric"},
    {PREFIX "metric-aggregation-algorithm", PREFIX "metricAggregationAlgorithm", "metric-aggregation-algorithm"},
    {PREFIX "target", NULL, "target"},
    {PREFIX "target-utilization-percentage", PREFIX "targetUtilizationPercentage", "target-utilization-percentage"},
    {PREFIX "target-burst-capacity", PREFIX "targetBurstCapacity", "target-burst-capacity"},
    {PREFIX "window", NULL, "stable-window"},
    {PREFIX "panic-window-percentage", PREFIX "panicWindowPercentage", "panic-window-percentage"},
    {PREFIX "panic-threshold-percentage", PREFIX "panicThresholdPercentage", "panic-threshold-percentage"},
    {PREFIX "scale-down-delay", PREFIX "scaleDownDelay", "scale-down-delay"},
    {PREFIX "scale-to-zero-pod-retention-period", PREFIX "scaleToZeroPodRetentionPeriod", "scale-to-zero-pod-retention-period"},
    {PREFIX "min-scale", PREFIX "minScale", "min-scale"},
    {PREFIX "max-scale", PREFIX "maxScale", "max-scale"},
    {PREFIX "initial-scale", PREFIX "initialScale", "initial-scale"},
    {PREFIX "activation-scale", PREFIX "activationScale", "activation-scale"},
    {"serving.knative.dev/progress-deadline", "serving.knative.dev/progressDeadline", "progress-deadline"},
};
enum { SCALINGS = sizeof scalings / sizeof *scalings };

#define BOTH(name_, older_) USED(PREFIX name_), USED(PREFIX older_)
static const FieldFate annotation_fields[] = {
    USED(PREFIX "class"), USED(PREFIX "metric"), USED(PREFIX "target"), USED(PREFIX "window"),
    BOTH("metric-aggregation-algorithm", "metricAggregationAlgorithm"), BOTH("target-utilization-percentage", "targetUtilizationPercentage"),
    BOTH("target-burst-capacity", "targetBurstCapacity"), BOTH("panic-window-percentage", "panicWindowPercentage"),
    BOTH("panic-threshold-percentage", "panicThresholdPercentage"), BOTH("scale-down-delay", "scaleDownDelay"),
    BOTH("scale-to-zero-pod-retention-period", "scaleToZeroPodRetentionPeriod"), BOTH("min-scale", "minScale"), BOTH("max-scale", "maxScale"),
    BOTH("initial-scale", "initialScale"), BOTH("activation-scale", "activationScale"), USED("serving.knative.dev/progress-deadline"),
    USED("serving.knative.dev/progressDeadline"), USED("serving.kserve.io/autoscalerClass"), USED("serving.kserve.io/deploymentMode"),
    USED("serving.kserve.io/metric"), USED("serving.kserve.io/metrics"), USED("serving.kserve.io/targetUtilizationPercentage"), IDLE("*", OTHER), END_OF_FIELDS};

/* A misspelt annotation of the autoscaler is what the server would silently ignore: an error here. */
static bool check_annotations(Expansion *x, const Yaml *annotations) {
  size_t n = 0;
  const char *names[sizeof annotation_fields / sizeof *annotation_fields];
  for (; annotation_fields[n].fate == FATE_USED; n++) names[n] = annotation_fields[n].name;
  bool good = true;
  for (size_t k = 0; k < annotations->count; k++) {
    const char *key = annotations->entry[k].key, *nearest = text_nearest(key, names, n);
    if (strncmp(key, PREFIX, strlen(PREFIX)) != 0 || (nearest && text_equal(nearest, key))) continue;
    good = yaml_error(x->err, ERR_SCENARIO, annotations->entry[k].mark, "unknown annotation `%.80s`%s%s%s", key, nearest ? "; did you mean `" : "", nearest ? nearest : "",
                      nearest ? "`?" : "");
  }
  return good;
}

/* Annotations without what has no effect, NULL with an error; an empty map where there are none. */
static const Yaml *take_annotations(Expansion *x, const Yaml *holder, const char *path, YamlMark mark) {
  const YamlEntry *entry = entry_at(holder, path);
  MapMaker none = {.arena = x->arena, .mark = mark};
  if (!entry) return map_made(&none);
  if (entry->value->kind != YAML_MAP) {
    yaml_error(x->err, ERR_SCENARIO, place_of(entry), "`%s` is a map, there is %s", path, yaml_kind_words(entry->value));
    return NULL;
  }
  return check_annotations(x, entry->value) ? fields_take(x, annotation_fields, entry->value, path) : NULL;
}

static const YamlEntry *scaling_entry(const Yaml *annotations, const char *parameter) {
  for (int k = 0; k < SCALINGS; k++) {
    if (!text_equal(scalings[k].parameter, parameter)) continue;
    const YamlEntry *entry = yaml_entry(annotations, scalings[k].name);
    return entry || !scalings[k].older ? entry : yaml_entry(annotations, scalings[k].older);
  }
  return NULL;
}

/* ---- what an autoscaler is asked for, by either kind of object ---- */

typedef struct Wanted {
  const Yaml *annotations;
  const YamlEntry *metric, *target, *min, *max, *concurrency;
  YamlMark mark;
} Wanted;

static bool give_kpa(Expansion *x, const char *deployment, const Wanted *wanted) {
  MapMaker map = {.arena = x->arena, .mark = wanted->mark};
  const YamlEntry *own[] = {wanted->metric, wanted->target, wanted->min, wanted->max};
  static const char *const own_names[] = {"metric", "target", "min-scale", "max-scale"};
  for (int k = 0; k < 4; k++) map_copy(&map, own_names[k], own[k]);
  for (int k = 0; k < SCALINGS; k++) {
    const char *parameter = scalings[k].parameter;
    bool is_own = text_equal(parameter, "metric") || text_equal(parameter, "target") || text_equal(parameter, "min-scale") || text_equal(parameter, "max-scale");
    if (!is_own) map_copy(&map, parameter, scaling_entry(wanted->annotations, parameter));
  }
  const Yaml *zero = make_text(x->arena, wanted->mark, "0");
  if (wanted->concurrency) map_copy(&map, "container-concurrency", wanted->concurrency);
  else map_put(&map, "container-concurrency", wanted->mark, zero);
  const Yaml *given = map_made(&map);
  for (size_t k = 0; x->kpa_defaults && k < x->kpa_defaults->count; k++)
    if (!yaml_entry(given, x->kpa_defaults->entry[k].key)) map_copy(&map, x->kpa_defaults->entry[k].key, &x->kpa_defaults->entry[k]);
  given = map_made(&map);
  if (!yaml_entry(given, "min-scale")) map_put(&map, "min-scale", wanted->mark, zero);
  if (!yaml_entry(given, "max-scale")) map_put(&map, "max-scale", wanted->mark, zero);
  given = map_made(&map);
  const Yaml *max = yaml_entry(given, "max-scale")->value;
  give_bounds(x, deployment, yaml_entry(given, "min-scale")->value, text_equal(max->text, "0") ? NULL : max);
  if (wanted->concurrency) give_concurrency(x, deployment, wanted->concurrency->value);
  return give_scale(x, deployment, "kpa", given, wanted->mark);
}

/* An HPA on CPU, as Knative and KServe make it; 80 % where nothing is said. */
static bool give_cpu_hpa(Expansion *x, const char *deployment, const Wanted *wanted) {
  MapMaker target = {.arena = x->arena, .mark = wanted->mark}, resource = target, metric = target, map = target;
  const Yaml *percent = wanted->target ? wanted->target->value : make_text(x->arena, wanted->mark, "80");
  const Yaml *min = wanted->min ? wanted->min->value : NULL, *max = wanted->max ? wanted->max->value : NULL;
  const char *why;
  double number;
  if (percent->kind == YAML_SCALAR && parse_number(percent->text, &number, &why) && number > 0 && number < 1e9 && number != floor(number))
    percent = make_text(x->arena, percent->mark, "%.0f", ceil(number));
  if (!min || text_equal(min->text, "0")) min = make_text(x->arena, min ? min->mark : wanted->mark, "1"); /* an HPA on CPU cannot go to zero */
  if (max && text_equal(max->text, "0")) max = NULL;
  map_put(&target, "type", wanted->mark, make_text(x->arena, wanted->mark, "Utilization"));
  map_put(&target, "averageUtilization", percent->mark, percent);
  map_put(&resource, "name", wanted->mark, wanted->metric ? wanted->metric->value : make_text(x->arena, wanted->mark, "cpu"));
  map_put(&resource, "target", wanted->mark, map_made(&target));
  map_put(&metric, "type", wanted->mark, make_text(x->arena, wanted->mark, "Resource"));
  map_put(&metric, "resource", wanted->mark, map_made(&resource));
  const Yaml *one = map_made(&metric);
  map_put(&map, "minReplicas", min->mark, min);
  if (max) map_put(&map, "maxReplicas", max->mark, max);
  map_put(&map, "metrics", wanted->mark, make_list(x->arena, wanted->mark, &one, 1));
  give_bounds(x, deployment, min, max);
  return give_scale(x, deployment, "hpa", map_made(&map), wanted->mark);
}

static bool is_hpa_metric(const YamlEntry *metric) {
  return metric && metric->value->kind == YAML_SCALAR && (text_equal(metric->value->text, "cpu") || text_equal(metric->value->text, "memory"));
}

static bool give_class(Expansion *x, const char *deployment, const Wanted *wanted) {
  const YamlEntry *class = yaml_entry(wanted->annotations, PREFIX "class");
  bool hpa = class && text_equal(class->value->text, "hpa.autoscaling.knative.dev");
  if (class && !hpa && !text_equal(class->value->text, "kpa.autoscaling.knative.dev"))
    return yaml_error(x->err, ERR_SCENARIO, class->value->mark, "no autoscaler class `%.80s`; there are kpa.autoscaling.knative.dev and hpa.autoscaling.knative.dev",
                      class->value->kind == YAML_SCALAR ? class->value->text : "");
  return hpa ? give_cpu_hpa(x, deployment, wanted) : give_kpa(x, deployment, wanted);
}

/* ---- Knative Service ---- */

static const FieldFate revision_metadata_fields[] = {IDLE("name", "a revision's name"), IDLE("labels", "labels choose objects"), USED("annotations"), IDLE("creationTimestamp", SERVER), END_OF_FIELDS};
static const FieldFate knative_template_fields[] = {BELOW("metadata", revision_metadata_fields), USED("spec"), END_OF_FIELDS};
static const FieldFate knative_spec_fields[] = {BELOW("template", knative_template_fields), USED("traffic"), END_OF_FIELDS};
const FieldFate knative_fields[] = {USED("apiVersion"), USED("kind"), BELOW("metadata", metadata_fields), BELOW("spec", knative_spec_fields), IDLE("status", SERVER), END_OF_FIELDS};
static const FieldFate revision_fields[] = {USED("containerConcurrency"), IDLE("timeoutSeconds", "the scenario's `queue.timeout` says when clients give up"),
                                            IDLE("responseStartTimeoutSeconds", "the scenario's `queue.timeout` says when clients give up"),
                                            IDLE("idleTimeoutSeconds", "the scenario's `queue.timeout` says when clients give up"), END_OF_FIELDS};

static bool is_revision_key(const char *key, const void *context) {
  (void)context;
  for (const FieldFate *field = revision_fields; field->name; field++)
    if (text_equal(field->name, key)) return true;
  return false;
}
static bool is_pod_key(const char *key, const void *context) { return !is_revision_key(key, context); }

/* Splits a revision's spec into its own keys and those of a pod, each judged by its table. */
static const Yaml *take_revision(Expansion *x, const Yaml *spec, const char *path, const Yaml **own) {
  *own = fields_take(x, revision_fields, yaml_without(spec, is_pod_key, NULL, x->arena), path);
  const Yaml *pod = fields_take(x, pod_fields, yaml_without(spec, is_revision_key, NULL, x->arena), path);
  return *own ? pod : NULL;
}

static bool check_traffic(Expansion *x, const YamlEntry *traffic) {
  size_t parts = 0;
  for (size_t k = 0; traffic && traffic->value->kind == YAML_LIST && k < traffic->value->count; k++) {
    const char *percent = scalar_at(traffic->value->entry[k].value, "percent");
    parts += percent && !text_equal(percent, "0");
  }
  return parts < 2 || yaml_error(x->err, ERR_SCENARIO, traffic->mark, "traffic split between revisions is not modelled and would change the outcome");
}

bool convert_knative(Expansion *x, const Manifest *manifest) {
  const Yaml *spec = map_needed(x, manifest, "spec.template.spec"), *own;
  const char *deployment = spec ? target_deployment(x, manifest->name, manifest->mark, manifest->kind) : NULL;
  if (!deployment || !check_traffic(x, entry_at(manifest->node, "spec.traffic"))) return false;
  const Yaml *pod = take_revision(x, spec, "spec.template.spec", &own);
  const Yaml *annotations = take_annotations(x, value_at(manifest->node, "spec.template"), "metadata.annotations", manifest->mark);
  if (!pod || !annotations || !give_pod(x, deployment, pod)) return false;
  Wanted wanted = {.annotations = annotations, .concurrency = entry_at(own, "containerConcurrency"), .mark = manifest->mark};
  wanted.metric = scaling_entry(annotations, "metric");
  wanted.target = scaling_entry(annotations, "target");
  wanted.min = scaling_entry(annotations, "min-scale");
  wanted.max = scaling_entry(annotations, "max-scale");
  return give_class(x, deployment, &wanted);
}

/* ---- ConfigMap config-autoscaler ---- */

const FieldFate config_map_fields[] = {USED("*"), END_OF_FIELDS};

static const FieldFate autoscaler_data_fields[] = {IDLE("_example", "an example"), IDLE("pod-autoscaler-class", "the Service's own annotation counts"),
                                                   IDLE("allow-zero-initial-scale", "it is allowed"), IDLE("tick-interval", "2 s"), USED("*"), END_OF_FIELDS};

bool convert_config_map(Expansion *x, const Manifest *manifest) {
  if (!manifest->name || !text_equal(manifest->name, "config-autoscaler")) {
    manifest_warn(x, manifest->mark, "a ConfigMap has no effect: what a container reads is the service law's");
    return true;
  }
  const Yaml *data = map_needed(x, manifest, "data");
  if (data) x->kpa_defaults = fields_take(x, autoscaler_data_fields, data, "data");
  return data && x->kpa_defaults;
}

/* ---- KServe InferenceService ---- */

static const FieldFate model_fields[] = {
    BELOW("resources", NULL), IDLE("modelFormat", MODEL), IDLE("storageUri", MODEL), IDLE("storage", MODEL), IDLE("storageUris", MODEL), IDLE("runtime", MODEL), IDLE("runtimeVersion", MODEL),
    IDLE("protocolVersion", MODEL), USED("*"), END_OF_FIELDS};
#define MODEL_KEYS(X) X("model") X("sklearn") X("xgboost") X("tensorflow") X("pytorch") X("triton") X("onnx") X("huggingface") X("pmml") X("lightgbm") X("paddle")
#define MODEL_ROW(name_) BELOW(name_, model_fields),
static const FieldFate predictor_fields[] = {
    MODEL_KEYS(MODEL_ROW) USED("minReplicas"), USED("maxReplicas"), USED("scaleTarget"), USED("scaleMetric"), USED("scaleMetricType"), USED("containerConcurrency"), USED("autoScaling"),
    IDLE("timeout", "the scenario's `queue.timeout` says when clients give up"), IDLE("logger", "requests are not logged"), IDLE("labels", "labels choose objects"),
    IDLE("annotations", OTHER), IDLE("deploymentStrategy", "nothing is rolled out during a run"),
    REFUSED("canaryTrafficPercent", "traffic is split between revisions"), REFUSED("batcher", "requests wait for a batch"),
    REFUSED("workerSpec", "a replica would be several pods"), USED("*"), END_OF_FIELDS};
static const FieldFate service_spec_fields[] = {BELOW("predictor", predictor_fields), REFUSED("transformer", "requests pass another deployment before; give it to the scenario with a route"),
                                                REFUSED("explainer", "it is another deployment"), END_OF_FIELDS};
const FieldFate inference_service_fields[] = {USED("apiVersion"), USED("kind"), BELOW("metadata", metadata_annotated_fields), BELOW("spec", service_spec_fields), IDLE("status", SERVER), END_OF_FIELDS};

static bool is_predictor_key(const char *key, const void *context) {
  (void)context;
  for (const FieldFate *field = predictor_fields; field->name; field++)
    if (text_equal(field->name, key)) return true;
  return false;
}

/* The predictor's pod: its own keys of a pod, and the model as a container. */
static const Yaml *predictor_pod(Expansion *x, const Yaml *predictor) {
  const Yaml *rest = yaml_without(predictor, is_predictor_key, NULL, x->arena);
#define MODEL_NAME(name_) name_,
  static const char *const names[] = {MODEL_KEYS(MODEL_NAME)};
  MapMaker map = {.arena = x->arena, .mark = predictor->mark};
  for (size_t k = 0; k < rest->count; k++) map_copy(&map, rest->entry[k].key, &rest->entry[k]);
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    const YamlEntry *model = entry_at(predictor, names[k]);
    if (!model || model->value->kind != YAML_MAP || yaml_entry(rest, "containers")) continue;
    map_put(&map, "containers", model->mark, make_list(x->arena, model->mark, &model->value, 1));
    break;
  }
  return fields_take(x, pod_fields, map_made(&map), "spec.predictor");
}

/* autoScaling.metrics: External ones are queries of Prometheus, by KEDA; Resource ones are CPU. */
static bool give_keda_metrics(Expansion *x, const char *deployment, const Wanted *wanted, const YamlEntry *metrics) {
  const Yaml *trigger[64];
  size_t n = 0;
  if (metrics->value->kind != YAML_LIST) return yaml_error(x->err, ERR_SCENARIO, place_of(metrics), "`metrics` is a list, there is %s", yaml_kind_words(metrics->value));
  for (size_t k = 0; k < metrics->value->count && n < 64; k++) {
    const Yaml *one = metrics->value->entry[k].value;
    bool external = value_at(one, "external") != NULL;
    MapMaker map = {.arena = x->arena, .mark = one->mark}, metadata = map;
    const YamlEntry *type = entry_at(one, external ? "external.target.type" : "resource.target.type");
    if (external) {
      map_put(&map, "type", one->mark, make_text(x->arena, one->mark, "prometheus"));
      map_copy(&metadata, "query", entry_at(one, "external.metric.query"));
      const YamlEntry *value = entry_at(one, "external.target.value");
      map_copy(&metadata, "threshold", value ? value : entry_at(one, "external.target.averageValue"));
    } else {
      map_copy(&map, "type", entry_at(one, "resource.name"));
      const YamlEntry *value = entry_at(one, "resource.target.averageUtilization");
      map_copy(&metadata, "value", value ? value : entry_at(one, "resource.target.averageValue"));
    }
    map_copy(&map, "metricType", type);
    map_put(&map, "metadata", one->mark, map_made(&metadata));
    trigger[n++] = map_made(&map);
  }
  MapMaker map = {.arena = x->arena, .mark = metrics->mark};
  map_copy(&map, "minReplicaCount", wanted->min);
  if (!wanted->min) map_put(&map, "minReplicaCount", wanted->mark, make_text(x->arena, wanted->mark, "1"));
  map_copy(&map, "maxReplicaCount", wanted->max);
  map_put(&map, "triggers", metrics->mark, make_list(x->arena, metrics->mark, trigger, n));
  give_bounds(x, deployment, wanted->min ? wanted->min->value : NULL, wanted->max ? wanted->max->value : NULL);
  return give_scale(x, deployment, "keda", map_made(&map), wanted->mark);
}

static bool give_keda_cpu(Expansion *x, const char *deployment, const Wanted *wanted) {
  MapMaker target = {.arena = x->arena, .mark = wanted->mark}, resource = target, metric = target;
  map_put(&target, "averageUtilization", wanted->mark, wanted->target ? wanted->target->value : make_text(x->arena, wanted->mark, "80"));
  map_put(&resource, "name", wanted->mark, wanted->metric ? wanted->metric->value : make_text(x->arena, wanted->mark, "cpu"));
  map_put(&resource, "target", wanted->mark, map_made(&target));
  map_put(&metric, "resource", wanted->mark, map_made(&resource));
  const Yaml *one = map_made(&metric);
  YamlEntry metrics = {"metrics", wanted->mark, make_list(x->arena, wanted->mark, &one, 1)};
  return give_keda_metrics(x, deployment, wanted, &metrics);
}

/* Which autoscaler an InferenceService has: by annotation; HPA in the plain mode, Knative's otherwise. */
static bool give_service_scale(Expansion *x, const char *deployment, const Wanted *wanted, const Yaml *predictor) {
  const YamlEntry *class = yaml_entry(wanted->annotations, "serving.kserve.io/autoscalerClass"), *mode = yaml_entry(wanted->annotations, "serving.kserve.io/deploymentMode");
  const YamlEntry *metrics = entry_at(predictor, "autoScaling.metrics");
  const char *name = class && class->value->kind == YAML_SCALAR ? class->value->text : NULL, *mode_name = mode ? mode->value->text : NULL;
  bool raw = mode_name && (text_equal(mode_name, "RawDeployment") || text_equal(mode_name, "Standard"));
  if (mode_name && !raw && !text_equal(mode_name, "Serverless") && !text_equal(mode_name, "Knative"))
    return yaml_error(x->err, ERR_SCENARIO, mode->value->mark, "the deployment mode `%.60s` is not modelled; Serverless, Knative, RawDeployment and Standard are", mode_name);
  if (name && (text_equal(name, "external") || text_equal(name, "none"))) {
    manifest_warn(x, class->mark, "autoscalerClass %s: nothing of KServe scales `%.60s`", name, deployment);
    return true;
  }
  if (name && text_equal(name, "keda")) return metrics ? give_keda_metrics(x, deployment, wanted, metrics) : give_keda_cpu(x, deployment, wanted);
  if (name && !text_equal(name, "hpa"))
    return yaml_error(x->err, ERR_SCENARIO, class->value->mark, "no autoscalerClass `%.60s`; there are hpa, keda, external and none", name);
  if (metrics) return yaml_error(x->err, ERR_SCENARIO, metrics->mark, "`autoScaling.metrics` is read with the annotation serving.kserve.io/autoscalerClass: keda");
  if ((raw || name) && wanted->metric && !is_hpa_metric(wanted->metric))
    return yaml_error(x->err, ERR_SCENARIO, place_of(wanted->metric), "scaleMetric of an HPA is cpu (memory in use is not simulated), not `%.60s`",
                      wanted->metric->value->kind == YAML_SCALAR ? wanted->metric->value->text : "");
  if (raw || name || is_hpa_metric(wanted->metric)) return give_cpu_hpa(x, deployment, wanted);
  return give_class(x, deployment, wanted);
}

bool convert_inference_service(Expansion *x, const Manifest *manifest) {
  const Yaml *predictor = map_needed(x, manifest, "spec.predictor");
  const char *deployment = predictor ? target_deployment(x, manifest->name, manifest->mark, manifest->kind) : NULL;
  if (!deployment) return false;
  const Yaml *annotations = take_annotations(x, manifest->node, "metadata.annotations", manifest->mark), *pod = predictor_pod(x, predictor);
  if (!annotations || !pod || !give_pod(x, deployment, pod)) return false;
  Wanted wanted = {.annotations = annotations, .mark = manifest->mark};
  wanted.metric = entry_at(predictor, "scaleMetric");
  wanted.target = entry_at(predictor, "scaleTarget");
  wanted.min = entry_at(predictor, "minReplicas");
  wanted.max = entry_at(predictor, "maxReplicas");
  wanted.concurrency = entry_at(predictor, "containerConcurrency");
  if (!wanted.metric) wanted.metric = scaling_entry(annotations, "metric");
  if (!wanted.target) wanted.target = scaling_entry(annotations, "target");
  YamlEntry one = {"minReplicas", manifest->mark, make_text(x->arena, manifest->mark, "1")}; /* KServe's default */
  if (!wanted.min) wanted.min = &one;
  return give_service_scale(x, deployment, &wanted, predictor);
}
