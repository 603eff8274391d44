/* What a strategy is given by its manifests: policies, bounds, pools, and what is laid over deployments. */
#include <string.h>

#include "sim/base/units.h"
#include "sim/lab/manifest_parts.h"
#include "sim/run/scenario_graph.h"

static const Yaml *deployments_of(const Yaml *root) {
  const YamlEntry *entry = yaml_entry(root, "deployments");
  return entry && entry->value->kind == YAML_MAP ? entry->value : NULL;
}

static Share *share_of(Expansion *x, const char *deployment) {
  for (size_t k = 0; k < x->n_shares; k++)
    if (text_equal(x->share[k].deployment, deployment)) return &x->share[k];
  x->share = arena_grow(x->arena, x->share, x->n_shares, x->n_shares + 1, sizeof *x->share);
  x->share[x->n_shares] = (Share){.deployment = deployment};
  return &x->share[x->n_shares++];
}

const char *target_deployment(Expansion *x, const char *name, YamlMark mark, const char *kind) {
  const Yaml *all = deployments_of(x->root);
  if (x->deployment) {
    if (name && !text_equal(name, x->deployment)) manifest_warn(x, mark, "this %s is for `%.60s`; it stands under `%.60s`, which it scales here", kind, name, x->deployment);
    return x->deployment;
  }
  const YamlEntry *found = name ? yaml_entry(all, name) : NULL;
  if (found) return found->key;
  size_t n = all ? all->count : 0;
  if (n == 1) {
    if (name) manifest_warn(x, mark, "the scenario has no deployment `%.60s`: this %s is taken for `%.60s`, its only one", name, kind, all->entry[0].key);
    return all->entry[0].key;
  }
  const char **names = ARENA_ARRAY(x->arena, const char *, n);
  for (size_t k = 0; k < n; k++) names[k] = all->entry[k].key;
  if (!name) yaml_error(x->err, ERR_SCENARIO, mark, "this %s names no deployment%s", kind, names_hint("", names, n, x->arena));
  else yaml_error(x->err, ERR_SCENARIO, mark, "the scenario has no deployment `%.60s`%s", name, names_hint(name, names, n, x->arena));
  return NULL;
}

/* Parameters that no manifest has (flags of the controller) stand beside `manifest`. */
static const Yaml *with_beside(Expansion *x, const Yaml *params) {
  MapMaker map = {.arena = x->arena, .mark = params->mark};
  if (!x->beside || x->beside->count == 0) return params;
  for (size_t k = 0; k < params->count; k++)
    if (!yaml_entry(x->beside, params->entry[k].key)) map_copy(&map, params->entry[k].key, &params->entry[k]);
  for (size_t k = 0; k < x->beside->count; k++) map_copy(&map, x->beside->entry[k].key, &x->beside->entry[k]);
  return map_made(&map);
}

bool give_scale(Expansion *x, const char *deployment, const char *model, const Yaml *params, YamlMark mark) {
  Share *share = share_of(x, deployment);
  if (share->scale) {
    size_t line, column;
    yaml_position(share->scale_mark, &line, &column);
    return yaml_error(x->err, ERR_SCENARIO, mark, "`%.60s` has an autoscaler already (%.100s:%zu); one deployment has one", deployment,
                      share->scale_mark.source->name, line);
  }
  share->scale = make_pair(x->arena, mark, model, with_beside(x, params));
  share->scale_mark = mark;
  return true;
}

void give_bounds(Expansion *x, const char *deployment, const Yaml *min, const Yaml *max) {
  Share *share = share_of(x, deployment);
  share->min = min;
  share->max = max;
}

void give_overlay(Expansion *x, const char *deployment, const char *path, const Yaml *value) {
  Share *share = share_of(x, deployment);
  YamlStep *step;
  size_t n_steps;
  const char *why;
  if (!yaml_path(path, x->arena, &step, &n_steps, &why)) return;
  const Yaml *changed = yaml_with(share->overlay, step, n_steps, value, x->arena, &why);
  if (changed) share->overlay = changed;
}

void give_concurrency(Expansion *x, const char *deployment, const Yaml *limit) {
  int64_t now = 1, wish;
  const char *why, *text = scalar_at(yaml_entry(deployments_of(x->root), deployment)->value, "concurrency");
  if (text && !parse_integer(text, &now, &why)) return;
  if (limit->kind != YAML_SCALAR || !parse_integer(limit->text, &wish, &why) || wish <= 0) return;
  if (wish < now) give_overlay(x, deployment, "concurrency", limit);
}

bool give_node_pool(Expansion *x, const char *name, YamlMark mark, const Yaml *spec) {
  MapMaker map = {.arena = x->arena, .mark = mark};
  if (yaml_entry(x->node_pools, name)) return yaml_error(x->err, ERR_SCENARIO, mark, "a second NodePool `%.60s`", name);
  if (!x->node_pools) x->node_pools_mark = mark;
  for (size_t k = 0; x->node_pools && k < x->node_pools->count; k++) map_copy(&map, x->node_pools->entry[k].key, &x->node_pools->entry[k]);
  map_put(&map, name, mark, spec);
  x->node_pools = map_made(&map);
  x->drains = true;
  return true;
}
