/* Pods of Deployments and their like, laid over the scenario's deployments: requests and limits as the scheduler sums them, probes, grace.
 * Source: Kubernetes 1.33, k8s.io/component-helpers/resource (sums over containers, sidecars, init containers, overhead), and
 * docs/concepts/workloads/pods/pod-lifecycle (probes). */
#include <string.h>

#include "sim/base/units.h"
#include "sim/lab/manifest_parts.h"

/* ---- resources ---- */

typedef enum PodResource { POD_CPU, POD_MEMORY, POD_GPU, POD_RESOURCES } PodResource;
static const char *const resource_keys[POD_RESOURCES] = {"cpu", "memory", "gpu"};

/* What was summed: base units, and the node if it is the only one. */
typedef struct Amount {
  int64_t value;
  bool given;
  const Yaml *node;
} Amount;
typedef struct Amounts { Amount of[POD_RESOURCES]; } Amounts;
typedef struct PodNeed { Amounts requests, limits; bool unlimited[POD_RESOURCES]; } PodNeed;

static bool is_gpu(const char *name) {
  return text_equal(name, "nvidia.com/gpu") || text_equal(name, "amd.com/gpu") || text_equal(name, "gpu.intel.com/i915") || text_equal(name, "gpu.intel.com/xe");
}

/* POD_RESOURCES: of no effect; false with an error for what cannot be modelled. */
static bool resource_of(Expansion *x, const YamlEntry *entry, PodResource *resource) {
  const char *name = entry->key;
  *resource = POD_RESOURCES;
  if (text_equal(name, "cpu")) *resource = POD_CPU;
  else if (text_equal(name, "memory")) *resource = POD_MEMORY;
  else if (is_gpu(name)) *resource = POD_GPU;
  else if (text_equal(name, "ephemeral-storage") || text_equal(name, "storage")) manifest_warn(x, entry->mark, "`%s` has no effect: disks are not simulated", name);
  else {
    static const char *const known[] = {"cpu", "memory", "nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915", "gpu.intel.com/xe", "ephemeral-storage"};
    const char *nearest = text_nearest(name, known, sizeof known / sizeof *known);
    return yaml_error(x->err, ERR_SCENARIO, entry->mark, "the resource `%.60s` is not modelled: cpu, memory and whole GPUs (nvidia.com/gpu) are%s%s%s", name,
                      nearest ? "; did you mean `" : "", nearest ? nearest : "", nearest ? "`?" : "");
  }
  return true;
}

static bool read_amount(Expansion *x, const YamlEntry *entry, PodResource resource, int64_t *value) {
  const char *why = "a quantity is wanted";
  const Yaml *node = entry->value;
  bool good = node->kind == YAML_SCALAR && (resource == POD_MEMORY ? parse_bytes(node->text, value, &why) : parse_milli(node->text, value, &why));
  if (good && *value >= 0) return true;
  return yaml_error(x->err, ERR_SCENARIO, place_of(entry), "`%s` is `%.60s`: %s", entry->key, node->kind == YAML_SCALAR ? node->text : yaml_kind_words(node),
                    good ? "a request is not negative" : why);
}

static bool read_amounts(Expansion *x, const YamlEntry *map, Amounts *amounts) {
  memset(amounts, 0, sizeof *amounts);
  if (!map) return true;
  if (map->value->kind != YAML_MAP) return yaml_error(x->err, ERR_SCENARIO, place_of(map), "`%s` is a map of resources, there is %s", map->key, yaml_kind_words(map->value));
  bool good = true;
  for (size_t k = 0; k < map->value->count; k++) {
    const YamlEntry *entry = &map->value->entry[k];
    PodResource resource;
    int64_t value;
    if (yaml_is_null(entry->value)) continue;
    if (!resource_of(x, entry, &resource)) good = false;
    else if (resource == POD_RESOURCES) continue;
    else if (!read_amount(x, entry, resource, &value)) good = false;
    else amounts->of[resource] = (Amount){value, true, entry->value};
  }
  return good;
}

/* A request that is not given is the limit. */
static bool container_need(Expansion *x, const Yaml *container, PodNeed *need) {
  memset(need, 0, sizeof *need);
  if (!read_amounts(x, entry_at(container, "resources.requests"), &need->requests) || !read_amounts(x, entry_at(container, "resources.limits"), &need->limits))
    return false;
  bool good = true;
  for (int r = 0; r < POD_RESOURCES; r++) {
    Amount *request = &need->requests.of[r], *limit = &need->limits.of[r];
    need->unlimited[r] = !limit->given;
    if (!request->given) *request = *limit;
    if (limit->given && limit->value < request->value) good = yaml_error(x->err, ERR_SCENARIO, limit->node->mark, "the limit is below the request");
    if (r == POD_GPU && request->given && limit->value != request->value)
      good = yaml_error(x->err, ERR_SCENARIO, request->node->mark, "GPUs are given whole: the limit must be there and equal the request");
  }
  return good;
}

static void amount_add(Amount *sum, const Amount *more) {
  if (!more->given) return;
  if (!sum->given || sum->value == 0) sum->node = more->node;
  else if (more->value > 0) sum->node = NULL;
  sum->given = true;
  if (__builtin_add_overflow(sum->value, more->value, &sum->value)) sum->value = INT64_MAX;
}

static void amount_max(Amount *sum, const Amount *other) {
  if (other->given && (!sum->given || other->value > sum->value)) *sum = *other;
}

static void need_add(PodNeed *sum, const PodNeed *more) {
  for (int r = 0; r < POD_RESOURCES; r++) {
    amount_add(&sum->requests.of[r], &more->requests.of[r]);
    amount_add(&sum->limits.of[r], &more->limits.of[r]);
    sum->unlimited[r] |= more->unlimited[r];
  }
}

/* Sidecars (init containers that are always restarted) run beside the others; other init containers run alone, before them. */
static bool pod_need(Expansion *x, const Yaml *pod, PodNeed *need) {
  const YamlEntry *lists[2] = {entry_at(pod, "initContainers"), entry_at(pod, "containers")};
  PodNeed sidecars = {0}, one;
  Amounts alone = {0};
  memset(need, 0, sizeof *need);
  bool good = true;
  for (int l = 0; l < 2; l++) {
    if (!lists[l]) continue;
    if (lists[l]->value->kind != YAML_LIST) return yaml_error(x->err, ERR_SCENARIO, place_of(lists[l]), "`%s` is a list, there is %s", lists[l]->key, yaml_kind_words(lists[l]->value));
    for (size_t k = 0; k < lists[l]->value->count; k++) {
      const Yaml *container = lists[l]->value->entry[k].value;
      const char *restart = scalar_at(container, "restartPolicy");
      if (!container_need(x, container, &one)) good = false;
      else if (l == 1) need_add(need, &one);
      else if (restart && text_equal(restart, "Always")) need_add(&sidecars, &one);
      else
        for (int r = 0; r < POD_RESOURCES; r++) {
          Amount with = one.requests.of[r];
          amount_add(&with, &sidecars.requests.of[r]);
          amount_max(&alone.of[r], &with);
        }
    }
  }
  need_add(need, &sidecars);
  Amounts whole, overhead;
  good &= read_amounts(x, entry_at(pod, "resources.requests"), &whole) && read_amounts(x, entry_at(pod, "overhead"), &overhead);
  for (int r = 0; good && r < POD_RESOURCES; r++) {
    amount_max(&need->requests.of[r], &alone.of[r]);
    if (whole.of[r].given) need->requests.of[r] = whole.of[r];
    amount_add(&need->requests.of[r], &overhead.of[r]);
    if (need->limits.of[r].given) amount_add(&need->limits.of[r], &overhead.of[r]);
  }
  return good;
}

static const Yaml *amount_node(Expansion *x, PodResource resource, const Amount *amount, YamlMark mark) {
  char text[48];
  if (amount->node) return amount->node;
  if (resource == POD_MEMORY) format_bytes(text, amount->value);
  else format_milli(text, amount->value);
  return make_text(x->arena, mark, "%s", text);
}

/* No limit of one container means that the pod has none; an init container may ask for more than the others' limits. Without a limit the
 * scenario's is the cap of a resize in place, unless it is below the request. */
static const Yaml *limit_node(Expansion *x, const char *deployment, PodResource resource, const PodNeed *need, YamlMark mark) {
  const Amount *request = &need->requests.of[resource], *limit = &need->limits.of[resource];
  if (limit->given && !need->unlimited[resource]) return amount_node(x, resource, limit->value < request->value ? request : limit, mark);
  const YamlEntry *spec = yaml_entry(value_at(x->root, "deployments"), deployment);
  const YamlEntry *own = spec ? entry_at(spec->value, arena_format(x->arena, "limits.%s", resource_keys[resource])) : NULL;
  const char *why;
  int64_t value;
  if (!own || own->value->kind != YAML_SCALAR) return NULL;
  bool read = resource == POD_MEMORY ? parse_bytes(own->value->text, &value, &why) : parse_milli(own->value->text, &value, &why);
  return read && (value < request->value || resource == POD_GPU) ? make_text(x->arena, mark, "0") : NULL;
}

static bool give_resources(Expansion *x, const char *deployment, const Yaml *pod) {
  PodNeed need;
  if (!pod_need(x, pod, &need)) return false;
  for (int r = 0; r < POD_RESOURCES; r++) {
    const Amount *request = &need.requests.of[r];
    if (!request->given) continue;
    give_overlay(x, deployment, arena_format(x->arena, "requests.%s", resource_keys[r]), amount_node(x, (PodResource)r, request, pod->mark));
    const Yaml *limit = limit_node(x, deployment, (PodResource)r, &need, pod->mark);
    if (limit) give_overlay(x, deployment, arena_format(x->arena, "limits.%s", resource_keys[r]), limit);
  }
  return true;
}

/* ---- probes ---- */

static bool whole_at(Expansion *x, const Yaml *map, const char *key, int64_t otherwise, int64_t *value) {
  const YamlEntry *entry = entry_at(map, key);
  const char *why = "a whole number is wanted";
  *value = otherwise;
  if (!entry) return true;
  if (entry->value->kind == YAML_SCALAR && parse_integer(entry->value->text, value, &why) && *value >= 0 && *value <= 100000000) return true;
  return yaml_error(x->err, ERR_SCENARIO, place_of(entry), "`%s` is `%.60s`: %s", key, entry->value->kind == YAML_SCALAR ? entry->value->text : yaml_kind_words(entry->value), why);
}

typedef struct Probe { int64_t delay_s, period_s, successes; } Probe;

/* Defaults as the API server sets them. */
static bool read_probe(Expansion *x, const YamlEntry *entry, Probe *probe) {
  if (!entry || entry->value->kind != YAML_MAP) return !entry || yaml_error(x->err, ERR_SCENARIO, place_of(entry), "`%s` is a map", entry->key);
  return whole_at(x, entry->value, "initialDelaySeconds", 0, &probe->delay_s) && whole_at(x, entry->value, "periodSeconds", 10, &probe->period_s) &&
         whole_at(x, entry->value, "successThreshold", 1, &probe->successes);
}

/* The first probe after the start-up probe has succeeded comes at once, so its own looks are what readiness waits for. */
static bool give_probes(Expansion *x, const char *deployment, const Yaml *container, bool *have) {
  const YamlEntry *readiness = entry_at(container, "readinessProbe"), *startup = entry_at(container, "startupProbe");
  if (!readiness && !startup) return true;
  YamlMark mark = readiness ? readiness->mark : startup->mark;
  if (*have) {
    manifest_warn(x, mark, "the probes of a second container have no effect: those of the first one that has any hold");
    return true;
  }
  *have = true;
  Probe ready = {0, 0, 1}, first = {0, 0, 1};
  if (!read_probe(x, readiness, &ready) || !read_probe(x, startup, &first)) return false;
  int64_t delay_s = first.delay_s > ready.delay_s ? first.delay_s : ready.delay_s, period_s = startup ? first.period_s : ready.period_s;
  MapMaker map = {.arena = x->arena, .mark = mark};
  map_put(&map, "delay", mark, make_text(x->arena, mark, "%llds", (long long)delay_s));
  map_put(&map, "period", mark, make_text(x->arena, mark, "%llds", (long long)period_s));
  map_put(&map, "settle", mark, make_text(x->arena, mark, "%llds", (long long)(ready.successes > 1 ? (ready.successes - 1) * ready.period_s : 0)));
  give_overlay(x, deployment, "readiness", map_made(&map));
  return true;
}

/* ---- what may keep replicas apart ---- */

static bool check_spread(Expansion *x, const Yaml *pod) {
  const YamlEntry *list = entry_at(pod, "topologySpreadConstraints"), *required = entry_at(pod, "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution");
  bool good = true;
  for (size_t k = 0; list && list->value->kind == YAML_LIST && k < list->value->count; k++) {
    const Yaml *one = list->value->entry[k].value;
    const char *when = scalar_at(one, "whenUnsatisfiable"), *key = scalar_at(one, "topologyKey");
    bool node = key && text_equal(key, "kubernetes.io/hostname");
    if (node && !(when && text_equal(when, "ScheduleAnyway")))
      good = yaml_error(x->err, ERR_SCENARIO, one->mark, "spreading over nodes that keeps replicas waiting is not modelled and would change the outcome; `placement: spread` of the pool is the nearest");
    else manifest_warn(x, one->mark, "`topologySpreadConstraints[%zu]` has no effect: %s", k, node ? "a preference; the pool's `placement` chooses nodes" : "a pool has no zones");
  }
  for (size_t k = 0; required && required->value->kind == YAML_LIST && k < required->value->count; k++) {
    const Yaml *one = required->value->entry[k].value;
    const char *key = scalar_at(one, "topologyKey");
    if (key && text_equal(key, "kubernetes.io/hostname"))
      good = yaml_error(x->err, ERR_SCENARIO, one->mark, "replicas that must not share a node are not modelled and would change the outcome; requests that fill a node do it");
    else manifest_warn(x, one->mark, "this anti-affinity has no effect: a pool has no zones");
  }
  return good;
}

bool give_pod(Expansion *x, const char *deployment, const Yaml *pod) {
  bool good = give_resources(x, deployment, pod), have = false;
  const YamlEntry *containers = entry_at(pod, "containers"), *grace = entry_at(pod, "terminationGracePeriodSeconds");
  for (size_t k = 0; good && containers && k < containers->value->count; k++) good = give_probes(x, deployment, containers->value->entry[k].value, &have);
  int64_t grace_s;
  if (good && grace && (good = whole_at(x, pod, "terminationGracePeriodSeconds", 30, &grace_s)))
    give_overlay(x, deployment, "grace", make_text(x->arena, grace->value->mark, "%llds", (long long)grace_s));
  return check_spread(x, pod) && good;
}

/* ---- Deployment, StatefulSet, ReplicaSet ---- */

/* Is it the only one that the manifests have, or one that an autoscaler among them scales? */
static bool is_meant(const Expansion *x, const char *name) {
  size_t workloads = 0;
  for (size_t k = 0; k < x->n_documents; k++) {
    const ManifestKind *kind = manifest_kind_of(x->document[k]);
    const char *target = scalar_at(x->document[k], "spec.scaleTargetRef.name");
    if (!target) target = scalar_at(x->document[k], "spec.targetRef.name");
    if (kind && kind->scales && target && text_equal(target, name)) return true;
    workloads += kind && kind->convert == convert_workload;
  }
  return workloads == 1;
}

/* OrderedReady, which is what holds without a word, starts a replica when the one before it is ready. It also takes them away one by one, the
 * newest first; here those that go drain side by side. */
static bool give_order(Expansion *x, const char *deployment, const Manifest *manifest) {
  const YamlEntry *policy = entry_at(manifest->node, "spec.podManagementPolicy");
  const char *word = policy ? scalar_at(manifest->node, "spec.podManagementPolicy") : "OrderedReady";
  bool ordered = word && text_equal(word, "OrderedReady");
  if (!ordered && !(word && text_equal(word, "Parallel"))) return yaml_error(x->err, ERR_SCENARIO, place_of(policy), "one of OrderedReady, Parallel");
  YamlMark mark = policy ? place_of(policy) : manifest->mark;
  if (ordered) give_overlay(x, deployment, "replicas.starting", make_text(x->arena, mark, "1"));
  return true;
}

bool convert_workload(Expansion *x, const Manifest *manifest) {
  const Yaml *pod = map_needed(x, manifest, "spec.template.spec");
  if (!pod) return false;
  if (!entry_at(pod, "containers")) return yaml_error(x->err, ERR_SCENARIO, entry_at(manifest->node, "spec.template.spec")->mark, "missing key `containers`: a pod has at least one");
  const Yaml *all = value_at(x->root, "deployments");
  if (manifest->name && !yaml_entry(all, manifest->name) && !is_meant(x, manifest->name))
    return yaml_error(x->err, ERR_SCENARIO, manifest->mark, "the scenario has no deployment `%.60s`, and no autoscaler here scales it", manifest->name);
  const char *deployment = target_deployment(x, manifest->name, manifest->mark, manifest->kind);
  if (!deployment) return false;
  if (text_equal(manifest->kind, "StatefulSet") && !give_order(x, deployment, manifest)) return false;
  const YamlEntry *replicas = entry_at(manifest->node, "spec.replicas");
  if (replicas) give_overlay(x, deployment, "replicas.initial", replicas->value);
  return give_pod(x, deployment, pod);
}
