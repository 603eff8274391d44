/* Karpenter's NodePools for the node policy `karpenter`. A pool of the scenario stands for an instance type, so requirements choose among
 * the pools by what is known of their machines: name, size, GPUs. Source: kubernetes-sigs/karpenter pkg/apis/v1 (nodepool.go,
 * nodeclaim.go, labels.go) and aws/karpenter-provider-aws pkg/apis/v1/labels.go (1.6). */
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/lab/manifest_parts.h"

#define SERVER "written by the server"
#define PLACE "the scenario's `pool` says where replicas run"

static const FieldFate requirement_fields[] = {USED("key"), USED("operator"), USED("values"), REFUSED("minValues", "it keeps several instance types in play"), END_OF_FIELDS};
static const FieldFate claim_fields[] = {BELOW("requirements", requirement_fields), USED("expireAfter"), IDLE("nodeClassRef", "images, networks and disks of nodes are not simulated"), IDLE("taints", PLACE),
                                         IDLE("startupTaints", "start-up is the pool's `startup`"), IDLE("terminationGracePeriod", "a draining replica is killed after its own grace"),
                                         REFUSED("kubelet", "it changes what a node has for replicas; give `allocatable_cpu` and `allocatable_memory` to the machine"), END_OF_FIELDS};
static const FieldFate template_fields[] = {IDLE("metadata", "labels choose nodes; the scenario's `pool` does that here"), BELOW("spec", claim_fields), END_OF_FIELDS};
static const FieldFate limits_fields[] = {USED("cpu"), USED("memory"), USED("nvidia.com/gpu"), USED("amd.com/gpu"), USED("nodes"),
                                          IDLE("ephemeral-storage", "disks are not simulated"), IDLE("pods", "it is more than replicas need"), END_OF_FIELDS};
static const FieldFate budget_fields[] = {USED("nodes"), USED("reasons"), REFUSED("schedule", "the budget would change with the hour"), REFUSED("duration", "the budget would change with the hour"), END_OF_FIELDS};
static const FieldFate disruption_fields[] = {USED("consolidationPolicy"), USED("consolidateAfter"), USED("expireAfter"), BELOW("budgets", budget_fields), END_OF_FIELDS};
static const FieldFate node_pool_spec_fields[] = {BELOW("template", template_fields), BELOW("disruption", disruption_fields), BELOW("limits", limits_fields), USED("weight"),
                                                  REFUSED("replicas", "a static NodePool"), END_OF_FIELDS};
const FieldFate node_pool_fields[] = {USED("apiVersion"), USED("kind"), BELOW("metadata", metadata_fields), BELOW("spec", node_pool_spec_fields), IDLE("status", SERVER), END_OF_FIELDS};

/* ---- what is known of a pool's machine ---- */

typedef struct Machine {
  const char *pool, *name; /* name without the provider: "g5.12xlarge" */
  int64_t millicores, bytes, milligpus;
} Machine;

static const MachineSpec *listed(const Expansion *x, const char *name) {
  for (size_t k = 0; name && k < x->catalogue->count; k++)
    if (text_equal(x->catalogue->name[k], name)) return &x->catalogue->machine[k];
  return NULL;
}

static Machine machine_of(const Expansion *x, const YamlEntry *pool) {
  const Yaml *node = value_at(pool->value, "machine");
  const char *name = node && node->kind == YAML_SCALAR ? node->text : scalar_at(node, "name"), *why, *slash = name ? strrchr(name, '/') : NULL;
  const MachineSpec *spec = listed(x, name);
  Machine m = {.pool = pool->key, .name = slash ? slash + 1 : name ? name : pool->key};
  if (spec) m = (Machine){m.pool, m.name, spec->cpu_millicores, spec->memory_bytes, spec->gpu_milligpus};
  const char *cpu = scalar_at(node, "cpu"), *memory = scalar_at(node, "memory"), *gpu = scalar_at(node, "gpu");
  if (cpu) (void)parse_milli(cpu, &m.millicores, &why);
  if (memory) (void)parse_bytes(memory, &m.bytes, &why);
  if (gpu) (void)parse_milli(gpu, &m.milligpus, &why);
  return m;
}

/* The value of a well-known label, from names like g5.12xlarge; "" if it has none. */
static const char *part_of(Arena *arena, const char *name, const char *label) {
  const char *dot = strchr(name, '.');
  size_t family = dot ? (size_t)(dot - name) : strlen(name), letters = strcspn(name, "0123456789");
  if (letters > family) letters = family;
  if (text_equal(label, "instance-type")) return name;
  if (text_equal(label, "instance-family")) return arena_text(arena, name, family);
  if (text_equal(label, "instance-size")) return dot ? dot + 1 : "";
  if (text_equal(label, "instance-category")) return arena_text(arena, name, letters);
  if (text_equal(label, "instance-generation")) return arena_text(arena, name + letters, strspn(name + letters, "0123456789"));
  if (text_equal(label, "arch")) { /* Graviton: a g behind the generation */
    size_t digits = strspn(name + letters, "0123456789");
    return memchr(name + letters + digits, 'g', family - letters - digits) && digits ? "arm64" : "amd64";
  }
  return NULL;
}

static const char *number_of(Arena *arena, const Machine *m, const char *label) {
  if (text_equal(label, "instance-cpu")) return arena_format(arena, "%lld", (long long)(m->millicores / 1000));
  if (text_equal(label, "instance-memory")) return arena_format(arena, "%lld", (long long)(m->bytes >> 20));
  if (text_equal(label, "instance-gpu-count")) return m->milligpus ? arena_format(arena, "%lld", (long long)(m->milligpus / 1000)) : "";
  return NULL;
}

static const char *label_value(Arena *arena, const Machine *m, const char *key) {
  static const char aws[] = "karpenter.k8s.aws/";
  if (text_equal(key, "node.kubernetes.io/instance-type")) return part_of(arena, m->name, "instance-type");
  if (text_equal(key, "kubernetes.io/arch")) return part_of(arena, m->name, "arch");
  if (strncmp(key, aws, sizeof aws - 1) != 0) return NULL;
  const char *label = key + sizeof aws - 1, *value = part_of(arena, m->name, label);
  return value ? value : number_of(arena, m, label);
}

/* ---- requirements ---- */

static const char *const labels[] = {"node.kubernetes.io/instance-type", "kubernetes.io/arch", "karpenter.k8s.aws/instance-family", "karpenter.k8s.aws/instance-size",
                                     "karpenter.k8s.aws/instance-category", "karpenter.k8s.aws/instance-generation", "karpenter.k8s.aws/instance-cpu",
                                     "karpenter.k8s.aws/instance-memory", "karpenter.k8s.aws/instance-gpu-count",
                                     /* known, the same for all pools */
                                     "kubernetes.io/os", "karpenter.sh/capacity-type", "topology.kubernetes.io/zone", "topology.kubernetes.io/region", "topology.k8s.aws/zone-id",
                                     "karpenter.k8s.aws/instance-gpu-name", "karpenter.k8s.aws/instance-gpu-manufacturer", "karpenter.k8s.aws/instance-gpu-memory",
                                     "karpenter.k8s.aws/instance-hypervisor", "karpenter.k8s.aws/instance-local-nvme", "karpenter.k8s.aws/instance-network-bandwidth",
                                     "karpenter.k8s.aws/instance-encryption-in-transit-supported", "karpenter.k8s.aws/instance-cpu-manufacturer"};
enum { LABELS = sizeof labels / sizeof *labels, LABELS_OF_MACHINES = 9 };
static const char *const operators[] = {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"};

static bool list_has(const Yaml *values, const char *text, const char *other) {
  for (size_t k = 0; values && k < values->count; k++) {
    const Yaml *value = values->entry[k].value;
    if (value->kind == YAML_SCALAR && (text_equal(value->text, text) || text_equal(value->text, other))) return true;
  }
  return false;
}

static bool holds(Arena *arena, const Machine *m, const char *key, const char *operator, const Yaml *values) {
  const char *value = label_value(arena, m, key);
  bool type = text_equal(key, labels[0]), present = value && value[0];
  if (text_equal(operator, "In")) return present && list_has(values, value, type ? m->pool : NULL);
  if (text_equal(operator, "NotIn")) return !present || !list_has(values, value, type ? m->pool : NULL);
  if (text_equal(operator, "Exists")) return present;
  if (text_equal(operator, "DoesNotExist")) return !present;
  const Yaml *bound = values && values->count ? values->entry[0].value : NULL;
  if (!present || !bound || bound->kind != YAML_SCALAR) return false;
  long long is = strtoll(value, NULL, 10), limit = strtoll(bound->text, NULL, 10);
  return text_equal(operator, "Gt") ? is > limit : is < limit;
}

static const char *hint_of(const char *name, const char *const *names, size_t n, Arena *arena) {
  const char *nearest = text_nearest(name, names, n);
  return nearest ? arena_format(arena, "; did you mean `%s`?", nearest) : "";
}

/* Is it one that chooses among machines? False with *good = false for what is unknown, with a warning for what all pools share. */
static bool chooses(Expansion *x, const YamlEntry *key, const char *operator, const Yaml *values, bool *good) {
  const char *name = key->value->text;
  for (size_t k = 0; k < LABELS; k++) {
    if (!text_equal(labels[k], name)) continue;
    if (k < LABELS_OF_MACHINES) return true;
    bool capacity = text_equal(name, "karpenter.sh/capacity-type");
    if (capacity && text_equal(operator, "In") && values && !list_has(values, "on-demand", NULL) && !list_has(values, "reserved", NULL))
      manifest_warn(x, key->mark, "spot machines are not reclaimed here; their price is the scenario's `machine.price`");
    else manifest_warn(x, key->mark, "the requirement on `%s` has no effect: the scenario's pools are what it admits", name);
    return false;
  }
  *good = yaml_error(x->err, ERR_SCENARIO, key->value->mark, "the requirement on `%.100s` is not modelled: nothing of that name is known of a pool%s", name, hint_of(name, labels, LABELS, x->arena));
  return false;
}

static bool apply_requirement(Expansion *x, const Yaml *one, const Machine *machine, bool *left, size_t n) {
  const YamlEntry *key = key_needed(x, one, one->mark, "key", "a label of nodes"), *operator = key_needed(x, one, one->mark, "operator", "In, NotIn, Exists, DoesNotExist, Gt or Lt");
  const Yaml *values = value_at(one, "values");
  bool good = true, known = false;
  if (!key || !operator || key->value->kind != YAML_SCALAR || operator->value->kind != YAML_SCALAR) return false;
  for (size_t k = 0; k < 6; k++) known |= text_equal(operators[k], operator->value->text);
  if (!known) return yaml_error(x->err, ERR_SCENARIO, operator->value->mark, "no operator `%.40s`%s", operator->value->text, hint_of(operator->value->text, operators, 6, x->arena));
  if (!chooses(x, key, operator->value->text, values, &good)) return good;
  for (size_t p = 0; p < n; p++) left[p] &= holds(x->arena, &machine[p], key->value->text, operator->value->text, values);
  return true;
}

static const Yaml *admitted_pools(Expansion *x, const Manifest *manifest, const YamlEntry *requirements) {
  const Yaml *pools = value_at(x->root, "cluster.pools");
  size_t n = pools && pools->kind == YAML_MAP ? pools->count : 0, count = 0;
  Machine *machine = ARENA_ARRAY(x->arena, Machine, n);
  bool *left = ARENA_ARRAY(x->arena, bool, n), good = true;
  for (size_t p = 0; p < n; p++) {
    machine[p] = machine_of(x, &pools->entry[p]);
    left[p] = true;
  }
  for (size_t k = 0; requirements && requirements->value->kind == YAML_LIST && k < requirements->value->count; k++)
    good &= apply_requirement(x, requirements->value->entry[k].value, machine, left, n);
  if (!good) return NULL;
  YamlMark mark = requirements ? requirements->mark : manifest->mark;
  const Yaml **names = ARENA_ARRAY(x->arena, const Yaml *, n);
  for (size_t p = 0; p < n; p++)
    if (left[p]) names[count++] = make_text(x->arena, mark, "%s", machine[p].pool);
  if (count) return make_list(x->arena, mark, names, count);
  Text list = {.arena = x->arena};
  for (size_t p = 0; p < n; p++) text_addf(&list, "%s%s (%s)", p ? ", " : "", machine[p].pool, machine[p].name);
  yaml_error(x->err, ERR_SCENARIO, mark, "no pool of the scenario meets these requirements; its pools: %.600s", n ? list.bytes : "none");
  return NULL;
}

/* ---- the spec ---- */

/* "Never" is longer than any run. */
static const Yaml *long_time(Expansion *x, const YamlEntry *entry) {
  bool never = entry->value->kind == YAML_SCALAR && text_equal(entry->value->text, "Never");
  return never ? make_text(x->arena, entry->value->mark, "800000h") : entry->value;
}

static const Yaml *disruption_of(Expansion *x, const Yaml *given, MapMaker *spec) {
  MapMaker map = {.arena = x->arena, .mark = given->mark};
  const YamlEntry *policy = entry_at(given, "consolidationPolicy"), *after = entry_at(given, "consolidateAfter"), *expire = entry_at(given, "expireAfter");
  if (policy) { /* v1beta1 called it otherwise */
    bool older = policy->value->kind == YAML_SCALAR && text_equal(policy->value->text, "WhenUnderutilized");
    map_put(&map, "consolidationPolicy", policy->mark, older ? make_text(x->arena, policy->value->mark, "WhenEmptyOrUnderutilized") : policy->value);
  }
  if (after) map_put(&map, "consolidateAfter", after->mark, long_time(x, after));
  if (expire) map_put(spec, "expireAfter", expire->mark, long_time(x, expire));
  map_copy(&map, "budgets", entry_at(given, "budgets"));
  return map_made(&map);
}

static const Yaml *limits_of(Expansion *x, const Yaml *given) {
  MapMaker map = {.arena = x->arena, .mark = given->mark};
  const YamlEntry *gpu = yaml_entry(given, "nvidia.com/gpu");
  map_copy(&map, "cpu", yaml_entry(given, "cpu"));
  map_copy(&map, "memory", yaml_entry(given, "memory"));
  map_copy(&map, "gpu", gpu ? gpu : yaml_entry(given, "amd.com/gpu"));
  map_copy(&map, "nodes", yaml_entry(given, "nodes"));
  return map_made(&map);
}

bool convert_node_pool(Expansion *x, const Manifest *manifest) {
  const Yaml *spec = map_needed(x, manifest, "spec");
  if (!spec) return false;
  if (!manifest->name) return yaml_error(x->err, ERR_SCENARIO, manifest->mark, "a NodePool has a `metadata.name`");
  MapMaker map = {.arena = x->arena, .mark = entry_at(manifest->node, "spec")->mark};
  const YamlEntry *requirements = entry_at(spec, "template.spec.requirements"), *disruption = entry_at(spec, "disruption"), *limits = entry_at(spec, "limits");
  const YamlEntry *expire = entry_at(spec, "template.spec.expireAfter");
  const Yaml *pools = admitted_pools(x, manifest, requirements);
  if (!pools) return false;
  map_put(&map, "pools", pools->mark, pools);
  map_copy(&map, "weight", entry_at(spec, "weight"));
  if (limits && limits->value->kind == YAML_MAP) map_put(&map, "limits", limits->mark, limits_of(x, limits->value));
  if (expire) map_put(&map, "expireAfter", expire->mark, long_time(x, expire));
  if (disruption && disruption->value->kind == YAML_MAP) map_put(&map, "disruption", disruption->mark, disruption_of(x, disruption->value, &map));
  return give_node_pool(x, manifest->name, manifest->mark, map_made(&map));
}
