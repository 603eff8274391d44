/* Ray Serve: a config file (`applications:`) or a RayService that holds one as text. Source: ray-project/ray python/ray/serve/schema.py and
 * config.py (2.40), ray-project/kuberay ray.io/v1 RayService. */
#include <string.h>

#include "sim/base/units.h"
#include "sim/lab/manifest_parts.h"

#define CODE "what a replica does is the service law's"
#define PROXY "the proxy is not simulated"
#define CLUSTER "the scenario's pools are Ray's nodes"
#define HEALTH "replicas fail when `faults` says so"

static const FieldFate actor_fields[] = {USED("num_cpus"), USED("num_gpus"), USED("memory"), IDLE("runtime_env", CODE), IDLE("accelerator_type", "the scenario's `pool` says where replicas run"),
                                         REFUSED("resources", "custom resources"), IDLE("object_store_memory", CODE), END_OF_FIELDS};
static const FieldFate serve_deployment_fields[] = {
    USED("name"), USED("num_replicas"), USED("autoscaling_config"), USED("max_ongoing_requests"), USED("max_concurrent_queries"), BELOW("ray_actor_options", actor_fields),
    USED("graceful_shutdown_timeout_s"), IDLE("max_queued_requests", "the scenario's `queue.limit` holds"), IDLE("user_config", CODE), IDLE("graceful_shutdown_wait_loop_s", HEALTH),
    IDLE("health_check_period_s", HEALTH), IDLE("health_check_timeout_s", HEALTH), IDLE("logging_config", CODE), IDLE("request_router_config", "the scenario's `dispatch` chooses"),
    IDLE("max_replicas_per_node", "the pool's `placement` chooses nodes"), REFUSED("placement_group_bundles", "a replica would be several actors"),
    REFUSED("placement_group_strategy", "a replica would be several actors"), END_OF_FIELDS};
static const FieldFate application_fields[] = {IDLE("name", "the deployment's name counts"), IDLE("route_prefix", PROXY), IDLE("import_path", CODE), IDLE("runtime_env", CODE), IDLE("args", CODE),
                                               IDLE("host", PROXY), IDLE("port", PROXY), IDLE("logging_config", CODE), IDLE("external_scaler_enabled", CODE),
                                               BELOW("deployments", serve_deployment_fields), END_OF_FIELDS};
const FieldFate ray_fields[] = {BELOW("applications", application_fields), IDLE("proxy_location", PROXY), IDLE("http_options", PROXY), IDLE("grpc_options", PROXY),
                                IDLE("logging_config", CODE), IDLE("target_capacity", "for rolling out"), END_OF_FIELDS};
static const FieldFate ray_service_spec_fields[] = {USED("serveConfigV2"), IDLE("rayClusterConfig", CLUSTER), IDLE("serviceUnhealthySecondThreshold", HEALTH),
                                                    IDLE("deploymentUnhealthySecondThreshold", HEALTH), IDLE("serveService", PROXY), IDLE("upgradeStrategy", "nothing is rolled out during a run"),
                                                    IDLE("excludeHeadPodFromServeSvc", PROXY), IDLE("rayClusterDeletionDelaySeconds", "nothing is rolled out during a run"), END_OF_FIELDS};
const FieldFate ray_service_fields[] = {USED("apiVersion"), USED("kind"), BELOW("metadata", metadata_fields), BELOW("spec", ray_service_spec_fields), IDLE("status", "written by the server"), END_OF_FIELDS};

/* Older names of the same parameters. */
static const char *const renamed[][2] = {{"target_num_ongoing_requests_per_replica", "target_ongoing_requests"}};

static const Yaml *scaling_params(Expansion *x, const YamlEntry *config, bool is_auto, YamlMark mark) {
  MapMaker map = {.arena = x->arena, .mark = mark};
  const Yaml *given = config ? config->value : NULL;
  for (size_t k = 0; given && k < given->count; k++) {
    const YamlEntry *entry = &given->entry[k];
    if (yaml_is_null(entry->value)) continue;
    map_copy(&map, text_equal(entry->key, renamed[0][0]) ? renamed[0][1] : entry->key, entry);
  }
  /* num_replicas: auto means up to 100 replicas where the config says nothing else. */
  if (is_auto && !yaml_entry(given, "max_replicas")) map_put(&map, "max_replicas", mark, make_text(x->arena, mark, "100"));
  return map_made(&map);
}

static void give_actor(Expansion *x, const char *deployment, const Yaml *options) {
  static const char *const keys[][2] = {{"num_cpus", "requests.cpu"}, {"num_gpus", "requests.gpu"}, {"memory", "requests.memory"}};
  for (size_t k = 0; k < 3; k++) {
    const YamlEntry *entry = entry_at(options, keys[k][0]);
    if (entry) give_overlay(x, deployment, keys[k][1], entry->value);
  }
}

static bool convert_one(Expansion *x, const Yaml *one) {
  const YamlEntry *name = key_needed(x, one, one->mark, "name", "the deployment's name");
  if (!name || name->value->kind != YAML_SCALAR) return false;
  const YamlEntry *config = entry_at(one, "autoscaling_config"), *number = entry_at(one, "num_replicas"), *most = entry_at(one, "max_ongoing_requests");
  const YamlEntry *grace = entry_at(one, "graceful_shutdown_timeout_s");
  if (config && config->value->kind != YAML_MAP) return yaml_error(x->err, ERR_SCENARIO, place_of(config), "`autoscaling_config` is a map, there is %s", yaml_kind_words(config->value));
  const char *deployment = target_deployment(x, name->value->text, name->value->mark, "Ray Serve deployment");
  if (!deployment) return false;
  bool is_auto = number && number->value->kind == YAML_SCALAR && text_equal(number->value->text, "auto");
  if (config && number && !is_auto)
    return yaml_error(x->err, ERR_SCENARIO, number->mark, "`num_replicas` and `autoscaling_config` exclude each other");
  if (!most) most = entry_at(one, "max_concurrent_queries");
  if (most) give_concurrency(x, deployment, most->value);
  if (grace && grace->value->kind == YAML_SCALAR) give_overlay(x, deployment, "grace", make_text(x->arena, grace->value->mark, "%.40ss", grace->value->text));
  give_actor(x, deployment, value_at(one, "ray_actor_options"));
  if (!config && !is_auto) {
    if (number) give_overlay(x, deployment, "replicas.initial", number->value);
    return true;
  }
  const Yaml *params = scaling_params(x, config, is_auto, config ? config->mark : number->mark);
  const YamlEntry *min = yaml_entry(params, "min_replicas"), *max = yaml_entry(params, "max_replicas");
  give_bounds(x, deployment, min ? min->value : NULL, max ? max->value : NULL);
  return give_scale(x, deployment, "ray-serve", params, name->value->mark);
}

static bool convert_applications(Expansion *x, const Yaml *config) {
  const YamlEntry *applications = key_needed(x, config, config->mark, "applications", "the list of applications");
  if (!applications) return false;
  if (applications->value->kind != YAML_LIST) return yaml_error(x->err, ERR_SCENARIO, place_of(applications), "`applications` is a list, there is %s", yaml_kind_words(applications->value));
  bool good = true;
  for (size_t a = 0; a < applications->value->count; a++) {
    const Yaml *deployments = value_at(applications->value->entry[a].value, "deployments");
    for (size_t d = 0; deployments && deployments->kind == YAML_LIST && d < deployments->count; d++) good &= convert_one(x, deployments->entry[d].value);
  }
  return good;
}

bool convert_ray(Expansion *x, const Manifest *manifest) { return convert_applications(x, manifest->node); }

/* The config is a text inside the manifest: a source of its own, whose lines are counted from its first. */
bool convert_ray_service(Expansion *x, const Manifest *manifest) {
  const Yaml *spec = map_needed(x, manifest, "spec");
  const YamlEntry *text = spec ? key_needed(x, spec, entry_at(manifest->node, "spec")->mark, "serveConfigV2", "the Serve config") : NULL;
  if (!text) return false;
  const Yaml *config = text->value;
  if (config->kind == YAML_SCALAR) {
    YamlSource *source = ARENA_NEW(x->arena, YamlSource);
    *source = (YamlSource){.name = arena_format(x->arena, "%s (serveConfigV2)", text->mark.source->name), .text = config->text, .length = strlen(config->text), .is_file = true};
    config = yaml_parse(source, x->arena, x->err);
  }
  const Yaml *taken = config ? fields_take(x, ray_fields, config, "") : NULL;
  return taken && convert_applications(x, taken);
}
