/* From documents to native strategies: each document is judged by the table of its kind and converted; what they give is put together. */
#include <string.h>

#include "sim/base/units.h"
#include "sim/lab/manifest_parts.h"
#include "sim/run/scenario_graph.h"

/* ---- documents ---- */

static bool unknown_kind(Expansion *x, const Yaml *document) {
  const YamlEntry *api = entry_at(document, "apiVersion"), *kind = entry_at(document, "kind");
  if (!api || !kind || api->value->kind != YAML_SCALAR || kind->value->kind != YAML_SCALAR)
    return yaml_error(x->err, ERR_SCENARIO, document->mark, "a manifest has an `apiVersion` and a `kind`; there is no `%s`", !api ? "apiVersion" : "kind");
  const char *names[32], *versions = NULL, *group = NULL;
  size_t n = 0;
  for (const ManifestKind *k = manifest_kinds; k->kind && n < 32; k++) {
    if (text_equal(k->kind, kind->value->text)) {
      versions = versions ? versions : k->versions;
      group = k->group;
    }
    if (n == 0 || !text_equal(names[n - 1], k->kind)) names[n++] = k->kind;
  }
  if (versions)
    return yaml_error(x->err, ERR_SCENARIO, api->value->mark, "no %s in `%.80s`: headroom reads %s%s%.*s", kind->value->text, api->value->text, group, *group ? "/" : "",
                      (int)strcspn(versions, " "), versions);
  const char *nearest = text_nearest(kind->value->text, names, n);
  return yaml_error(x->err, ERR_SCENARIO, kind->value->mark, "the kind `%.60s` (%.80s) is not modelled, and nothing says that it cannot change the outcome%s%s%s", kind->value->text,
                    api->value->text, nearest ? "; did you mean `" : "", nearest ? nearest : "", nearest ? "`?" : "");
}

static bool is_budget(const Yaml *document) { return text_equal(scalar_at(document, "kind"), "PodDisruptionBudget"); }

static bool convert(Expansion *x, const Yaml *document, const ManifestKind *kind) {
  const YamlEntry *name = entry_at(document, "metadata.name"), *what = entry_at(document, "kind");
  Manifest manifest = {.kind = kind->kind, .name = name && name->value->kind == YAML_SCALAR ? name->value->text : NULL,
                       .mark = name ? name->value->mark : what ? what->value->mark : document->mark};
  manifest.node = fields_take(x, kind->field, document, "");
  return manifest.node && kind->convert(x, &manifest);
}

/* ConfigMaps first: they hold defaults; VerticalPodAutoscalers after other autoscalers, beside which they may only recommend. */
static int pass_of(const ManifestKind *kind) { return kind->convert == convert_config_map ? 0 : kind->convert == convert_vpa ? 2 : 1; }

static bool convert_documents(Expansion *x, const Yaml *list) {
  bool good = true;
  const Yaml **document = ARENA_ARRAY(x->arena, const Yaml *, list->count);
  for (size_t k = 0; k < list->count; k++) document[k] = list->entry[k].value;
  x->document = document;
  x->n_documents = list->count;
  for (int pass = 0; pass < 3; pass++)
    for (size_t k = 0; k < list->count && x->err->count < ERR_ITEMS; k++) {
      const ManifestKind *kind = manifest_kind_of(document[k]);
      if (kind && pass_of(kind) == pass) good &= convert(x, document[k], kind);
      if (kind || pass != 0) continue;
      const char *api = scalar_at(document[k], "apiVersion"), *name = scalar_at(document[k], "kind"), *why = api && name ? manifest_idle_kind(api, name) : NULL;
      if (document[k]->kind != YAML_MAP) good = yaml_error(x->err, ERR_SCENARIO, document[k]->mark, "a manifest is a map, here is %s", yaml_kind_words(document[k]));
      else if (why) manifest_warn(x, entry_at(document[k], "kind")->value->mark, "a %s has no effect: %s", name, why);
      else if (!is_budget(document[k])) good = unknown_kind(x, document[k]);
    }
  return good;
}

/* A budget limits evictions: it matters where something evicts. */
static bool check_budgets(Expansion *x, const Yaml *list, bool nodes_drain) {
  bool good = true;
  for (size_t k = 0; k < list->count; k++) {
    if (!is_budget(list->entry[k].value)) continue;
    YamlMark mark = entry_at(list->entry[k].value, "kind")->value->mark;
    if (x->drains || nodes_drain)
      good = yaml_error(x->err, ERR_SCENARIO, mark, "a PodDisruptionBudget is not modelled and would change the outcome: this strategy evicts replicas");
    else manifest_warn(x, mark, "a PodDisruptionBudget has no effect: this strategy evicts nothing");
  }
  return good;
}

/* ---- one strategy ---- */

static bool is_manifest_key(const char *key, const void *context) {
  (void)context;
  return strcmp(key, "manifest") == 0;
}

/* The documents that a value of a strategy holds: {manifest: [...]} or a document itself; NULL if it is native. */
static const Yaml *held(Expansion *x, const Yaml *node) {
  if (!node || node->kind != YAML_MAP) return NULL;
  const YamlEntry *manifest = yaml_entry(node, "manifest");
  if (manifest) return manifest->value->kind == YAML_LIST ? manifest->value : NULL;
  return yaml_entry(node, "apiVersion") && yaml_entry(node, "kind") ? make_list(x->arena, node->mark, &node, 1) : NULL;
}

static const Yaml *beside_of(Expansion *x, const Yaml *node) {
  return yaml_entry(node, "manifest") ? yaml_without(node, is_manifest_key, NULL, x->arena) : NULL;
}

typedef struct Made {
  bool scale, nodes;       /* were manifests */
  const Yaml *nodes_beside;
  const Yaml *deployments; /* native ones that are left */
} Made;

static bool convert_targets(Expansion *x, Made *made) {
  const YamlEntry *deployments = entry_at(x->strategy, "deployments");
  MapMaker left = {.arena = x->arena, .mark = deployments ? deployments->mark : x->strategy->mark};
  bool good = true;
  for (size_t d = 0; deployments && deployments->value->kind == YAML_MAP && d < deployments->value->count; d++) {
    const YamlEntry *target = &deployments->value->entry[d];
    const Yaml *scale = value_at(target->value, "scale"), *list = held(x, scale);
    if (!list) {
      map_copy(&left, target->key, target);
      continue;
    }
    x->deployment = target->key;
    x->beside = beside_of(x, scale);
    good &= convert_documents(x, list) && check_budgets(x, list, false);
    x->deployment = NULL;
  }
  made->deployments = map_made(&left);
  return good;
}

static bool convert_strategy(Expansion *x, Made *made) {
  const Yaml *scale = value_at(x->strategy, "scale"), *nodes = value_at(x->strategy, "nodes");
  const Yaml *whole = yaml_entry(x->strategy, "manifest") ? held(x, x->strategy) : NULL, *of_scale = held(x, scale), *of_nodes = held(x, nodes);
  bool good = true;
  made->scale = of_scale != NULL;
  made->nodes = of_nodes != NULL;
  if (of_nodes) {
    made->nodes_beside = beside_of(x, nodes);
    good &= convert_documents(x, of_nodes);
  }
  if (whole) good &= convert_documents(x, whole);
  if (of_scale) {
    x->beside = beside_of(x, scale);
    good &= convert_documents(x, of_scale);
    x->beside = NULL;
  }
  good &= convert_targets(x, made);
  const char *native = nodes && !of_nodes ? nodes->kind == YAML_SCALAR ? nodes->text : nodes->kind == YAML_MAP && nodes->count ? nodes->entry[0].key : NULL : NULL;
  bool drain = native && !text_equal(native, "static") && !text_equal(native, "on-demand");
  if (whole) good &= check_budgets(x, whole, drain);
  if (of_scale) good &= check_budgets(x, of_scale, drain);
  if (x->node_pools && native)
    good = yaml_error(x->err, ERR_SCENARIO, x->node_pools_mark, "this strategy has a node policy already (`nodes: %.40s`); a NodePool needs Karpenter's", native);
  return good;
}

/* ---- bounds ---- */

static bool whole_number(const Yaml *node, int64_t *value) {
  const char *why;
  return node && node->kind == YAML_SCALAR && parse_integer(node->text, value, &why);
}

/* Where the scenario states a bound it holds, and is named where it is the tighter one; else the autoscaler's own is the only one. */
static void merge_bounds(Expansion *x, Share *share) {
  const YamlEntry *spec = yaml_entry(value_at(x->root, "deployments"), share->deployment);
  const Yaml *own_min = spec ? value_at(spec->value, "replicas.min") : NULL, *own_max = spec ? value_at(spec->value, "replicas.max") : NULL;
  int64_t own, wish;
  const int64_t usual_min = 1, usual_max = 1000;
  if (whole_number(share->min, &wish)) {
    if (!own_min && wish < usual_min) give_overlay(x, share->deployment, "replicas.min", share->min);
    else if (whole_number(own_min, &own) && wish < own)
      manifest_warn(x, share->min->mark, "%lld replicas at least: the scenario's `deployments.%.60s.replicas.min` (%lld) is higher and holds", (long long)wish, share->deployment, (long long)own);
  }
  if (whole_number(share->max, &wish)) {
    if (!own_max && wish > usual_max) give_overlay(x, share->deployment, "replicas.max", share->max);
    else if (whole_number(own_max, &own) && wish > own)
      manifest_warn(x, share->max->mark, "%lld replicas at most: the scenario's `deployments.%.60s.replicas.max` (%lld) is lower and holds", (long long)wish, share->deployment, (long long)own);
  }
}

/* ---- putting together ---- */

static const Yaml *targets_made(Expansion *x, const Made *made, bool *good) {
  MapMaker map = {.arena = x->arena, .mark = x->strategy->mark};
  for (size_t d = 0; d < made->deployments->count; d++) {
    const YamlEntry *native = &made->deployments->entry[d];
    for (size_t k = 0; k < x->n_shares; k++)
      if (x->share[k].scale && text_equal(x->share[k].deployment, native->key))
        *good = yaml_error(x->err, ERR_SCENARIO, x->share[k].scale_mark, "the strategy gives `%.60s` another policy under `deployments` already", native->key);
    map_copy(&map, native->key, native);
  }
  for (size_t k = 0; k < x->n_shares; k++)
    if (x->share[k].scale) map_put(&map, x->share[k].deployment, x->share[k].scale_mark, make_pair(x->arena, x->share[k].scale_mark, "scale", x->share[k].scale));
  return map.count ? map_made(&map) : NULL;
}

static const Yaml *nodes_made(Expansion *x, const Made *made) {
  MapMaker map = {.arena = x->arena, .mark = x->node_pools_mark};
  map_put(&map, "nodePools", x->node_pools_mark, x->node_pools);
  for (size_t k = 0; made->nodes_beside && k < made->nodes_beside->count; k++) map_copy(&map, made->nodes_beside->entry[k].key, &made->nodes_beside->entry[k]);
  return make_pair(x->arena, x->node_pools_mark, "karpenter", map_made(&map));
}

static const Yaml *strategy_made(Expansion *x, const Made *made, bool *good) {
  MapMaker map = {.arena = x->arena, .mark = x->strategy->mark};
  for (size_t k = 0; k < x->strategy->count; k++) {
    const char *key = x->strategy->entry[k].key;
    bool gone = text_equal(key, "manifest") || text_equal(key, "deployments") || (text_equal(key, "scale") && made->scale) || (text_equal(key, "nodes") && made->nodes);
    if (!gone) map_copy(&map, key, &x->strategy->entry[k]);
  }
  const Yaml *targets = targets_made(x, made, good);
  if (targets) map_put(&map, "deployments", targets->mark, targets);
  if (x->node_pools) map_put(&map, "nodes", x->node_pools_mark, nodes_made(x, made));
  return map_made(&map);
}

static bool is_key(const char *key, const void *context) { return strcmp(key, context) == 0; }

/* A map with another laid over it, key by key; what is new has its own place, and so has the whole. */
static const Yaml *laid_over(const Yaml *below, const Yaml *above, YamlMark mark, Arena *arena) {
  MapMaker map = {.arena = arena, .mark = mark};
  for (size_t k = 0; below && below->kind == YAML_MAP && k < below->count; k++)
    if (!yaml_entry(above, below->entry[k].key)) map_copy(&map, below->entry[k].key, &below->entry[k]);
  for (size_t k = 0; k < above->count; k++) map_put(&map, above->entry[k].key, above->entry[k].value->mark, above->entry[k].value);
  return map_made(&map);
}

/* The root in which deployments.NAME has what the share lays over it: values, or maps of values. */
static const Yaml *with_overlay(const Yaml *root, const Share *share, Arena *arena, Err *err) {
  YamlStep step[3] = {{"deployments", 0}, {share->deployment, 0}, {NULL, 0}};
  for (size_t k = 0; root && share->overlay && k < share->overlay->count; k++) {
    const YamlEntry *entry = &share->overlay->entry[k], *spec = yaml_entry(value_at(root, "deployments"), share->deployment);
    const Yaml *value = entry->value;
    const char *why = "";
    YamlMark mark = value->kind == YAML_MAP && value->count ? value->entry[0].value->mark : value->mark;
    if (value->kind == YAML_MAP) value = laid_over(value_at(spec->value, entry->key), value, mark, arena);
    step[2].key = entry->key;
    root = yaml_with(root, step, 2, yaml_without(spec->value, is_key, entry->key, arena), arena, &why);
    if (root) root = yaml_with(root, step, 3, value, arena, &why);
    if (!root) yaml_error(err, ERR_SCENARIO, mark, "cannot be laid over `deployments.%.60s`: %s", share->deployment, why);
  }
  return root;
}

static bool has_manifests(const Yaml *strategy) {
  if (strategy->kind != YAML_MAP) return false;
  const Yaml *places[2] = {value_at(strategy, "scale"), value_at(strategy, "nodes")}, *targets = value_at(strategy, "deployments");
  bool found = yaml_entry(strategy, "manifest") != NULL;
  for (int k = 0; k < 2; k++) found |= yaml_entry(places[k], "manifest") || (yaml_entry(places[k], "apiVersion") && yaml_entry(places[k], "kind"));
  for (size_t d = 0; targets && targets->kind == YAML_MAP && d < targets->count; d++) {
    const Yaml *scale = value_at(targets->entry[d].value, "scale");
    found |= yaml_entry(scale, "manifest") || (yaml_entry(scale, "apiVersion") && yaml_entry(scale, "kind"));
  }
  return found;
}

bool manifest_any(const Yaml *root) {
  const YamlEntry *strategies = yaml_entry(root, "strategies");
  for (size_t k = 0; strategies && strategies->value->kind == YAML_MAP && k < strategies->value->count; k++)
    if (has_manifests(strategies->value->entry[k].value)) return true;
  return false;
}

const Yaml *manifest_expand(const Yaml *root, const char *strategy, const Catalogue *catalogue, Arena *arena, Err *err) {
  if (!manifest_any(root)) return root;
  const YamlEntry *strategies = yaml_entry(root, "strategies");
  const Yaml *made_root = root;
  bool good = true;
  for (size_t k = 0; k < strategies->value->count && err->count < ERR_ITEMS; k++) {
    const YamlEntry *entry = &strategies->value->entry[k];
    if (!has_manifests(entry->value)) continue;
    Expansion x = {.arena = arena, .err = err, .root = root, .catalogue = catalogue, .strategy = entry->value};
    Made made = {0};
    if (!convert_strategy(&x, &made)) {
      good = false;
      continue;
    }
    for (size_t j = 0; j < x.n_shares; j++) merge_bounds(&x, &x.share[j]);
    const Yaml *native = strategy_made(&x, &made, &good);
    const YamlStep step[2] = {{"strategies", 0}, {entry->key, 0}};
    const char *why;
    made_root = yaml_with(made_root, step, 2, native, arena, &why);
    for (size_t j = 0; j < x.n_shares && made_root && text_equal(entry->key, strategy); j++) made_root = with_overlay(made_root, &x.share[j], arena, err);
    if (!made_root) return NULL;
  }
  return good ? made_root : NULL;
}
