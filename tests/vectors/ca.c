/* Schemas ca_*: the expander's choice and the utilisation of a node. */
#include <string.h>

#include "models/node/expander.h"
#include "tests/vectors/vectors.h"

/* ---- ca_expander ---- */

static Expander kind_of(Case *c) {
  static const struct { const char *name; Expander expander; } kinds[] = {
      {"least_waste", EXPANDER_LEAST_WASTE}, {"price", EXPANDER_PRICE},           {"priority", EXPANDER_PRIORITY},
      {"most_pods", EXPANDER_MOST_PODS},     {"least_nodes", EXPANDER_LEAST_NODES}, {"random", EXPANDER_RANDOM}};
  const char *kind = text_of(c, c->json, "kind", "least_waste");
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
    if (strcmp(kinds[k].name, kind) == 0) return kinds[k].expander;
  case_fails(c, "unknown kind %s", kind);
  return EXPANDER_LEAST_WASTE;
}

static ExpanderOption option_of(Case *c, const json_t *json, uint32_t index) {
  ExpanderOption option = {.pool = index, .name = text_of(c, json, "group", ""), .n_nodes = integer_of(c, json, "node_count", 1)};
  option.capacity = (Resources){integer_of(c, json, "node_cpu_milli", 0), integer_of(c, json, "node_memory_bytes", 0), 1000 * integer_of(c, json, "node_gpus", 0)};
  option.nano_usd_per_h = (int64_t)(number_of(c, json, "node_usd_per_h", 0) * 1e9 + 0.5);
  const json_t *pods = member(json, "pods"), *pod;
  size_t k;
  json_array_foreach(pods, k, pod) {
    option.n_pods++;
    option.pods = resources_add(option.pods, (Resources){integer_of(c, pod, "cpu_milli", 0), integer_of(c, pod, "memory_bytes", 0), 1000 * integer_of(c, pod, "gpu", 0)});
  }
  return option;
}

static List tiers_of(Case *c) {
  const json_t *tiers = member(c->json, "priorities"), *tier, *name;
  List list = {ARENA_ARRAY(c->arena, PriorityTier, json_array_size(tiers)), json_array_size(tiers)};
  size_t t, k;
  json_array_foreach(tiers, t, tier) {
    const json_t *pools = member(tier, "groups");
    PriorityPool *pool = ARENA_ARRAY(c->arena, PriorityPool, json_array_size(pools));
    json_array_foreach(pools, k, name) pool[k].name = json_string_value(name);
    LIST_AT(list, PriorityTier, t)->priority = integer_of(c, tier, "priority", 0);
    LIST_AT(list, PriorityTier, t)->pools = (List){pool, json_array_size(pools)};
  }
  return list;
}

/* `expect`: the group chosen, or a list of those among which chance decides. */
static void run_expander(Case *c) {
  const json_t *options = member(c->json, "options"), *expect = member(c->json, "expect"), *json;
  uint32_t n = (uint32_t)json_array_size(options);
  ExpanderOption *option = ARENA_ARRAY(c->arena, ExpanderOption, n);
  size_t k;
  json_array_foreach(options, k, json) option[k] = option_of(c, json, (uint32_t)k);
  List tiers = tiers_of(c);
  ExpanderContext context = {integer_of(c, c->json, "cluster_nodes", 0), tiers.item, tiers.count};
  n = expander_filter(kind_of(c), &context, option, n);
  bool list = json_is_array(expect);
  expect_integer(c, "groups left", n, list ? (int64_t)json_array_size(expect) : 1);
  for (k = 0; k < n && !c->failures; k++) expect_text(c, "group", option[k].name, json_string_value(list ? json_array_get(expect, k) : expect));
}

/* ---- ca_utilization ---- */

static UtilisationPod pod_of(Case *c, const json_t *json) {
  const char *kind = text_of(c, json, "kind", "normal");
  return (UtilisationPod){.request = {integer_of(c, json, "cpu_milli", 0), integer_of(c, json, "memory_bytes", 0), 1000 * integer_of(c, json, "gpu", 0)},
                          .daemonset = strcmp(kind, "daemonset") == 0,
                          .mirror = strcmp(kind, "mirror") == 0,
                          .deleted_for_ns = ns_of(c, json, "deleted_age_s", -1),
                          .grace_ns = ns_of(c, json, "grace_s", INT64_C(30000000000))};
}

static void run_utilization(Case *c) {
  const json_t *node = member(c->json, "node"), *pods = member(c->json, "pods"), *expect = member(c->json, "expect"), *json;
  int64_t gpus = integer_of(c, node, "gpu_allocatable", 0);
  UtilisationNode machine = {{integer_of(c, node, "cpu_milli", 0), integer_of(c, node, "memory_bytes", 0), 1000 * gpus},
                             flag_of(c, node, "gpu_label", false) || gpus > 0};
  size_t n = json_array_size(pods), k;
  UtilisationPod *pod = ARENA_ARRAY(c->arena, UtilisationPod, n);
  json_array_foreach(pods, k, json) pod[k] = pod_of(c, json);
  Utilisation got;
  bool good = node_utilisation(&machine, pod, n, flag_of(c, c->json, "skip_daemonset", false), flag_of(c, c->json, "skip_mirror", false), &got);
  expect_flag(c, "error", !good, flag_of(c, expect, "error", false));
  if (!good) return;
  double wanted = number_of(c, expect, "utilization", 0), tolerance = number_of(c, expect, "relative_tolerance", 0);
  expect_close(c, "utilization", got.highest / (wanted > 0 ? wanted : 1), wanted > 0 ? 1 : 0, tolerance);
  if (member(expect, "cpu")) expect_close(c, "cpu", got.cpu_share, number_of(c, expect, "cpu", 0), 0);
}

const Schema ca_schemas[] = {{"ca_expander", run_expander}, {"ca_utilization", run_utilization}, {NULL, NULL}};
