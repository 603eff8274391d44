/* Opening a scenario file: edits of the command line, the choice of strategies, and the axes of `sweep:`. */
#include "sim/lab/document.h"

#include <string.h>

#include "sim/lab/decode.h"
#include "sim/lab/manifest.h"
#include "sim/run/scenario_graph.h"

enum { FILE_BYTES_MOST = 64 << 20, AXES_MOST = 64 };

static bool read_source(YamlSource *source, const char *path, Arena *arena, Err *err) {
  *source = (YamlSource){.name = path, .is_file = true};
  source->text = file_read(path, FILE_BYTES_MOST, &source->length, arena, err);
  return source->text != NULL;
}

/* ---- --set ---- */

static const YamlSource *edit_source(const char *set, Arena *arena) {
  YamlSource *source = ARENA_NEW(arena, YamlSource);
  const char *equals = strchr(set, '=');
  *source = (YamlSource){.name = arena_format(arena, "--set %s", set), .text = equals ? equals + 1 : ""};
  source->length = strlen(source->text);
  return source;
}

static const Yaml *apply_set(Document *document, const char *set, Arena *arena, Err *err) {
  const Yaml *root = document->root;
  const YamlSource *source = edit_source(set, arena);
  const char *equals = strchr(set, '='), *why = NULL;
  YamlMark mark = {source, 0};
  YamlStep *given;
  const YamlStep *step;
  size_t n_steps;
  if (!equals || equals == set) {
    yaml_error(err, ERR_USAGE, mark, "write --set path=value, as in --set deployments.chat.concurrency=8");
    return NULL;
  }
  const Yaml *value = yaml_parse(source, arena, err), *edited = NULL;
  if (!value) return NULL;
  bool good = yaml_path(arena_text(arena, set, (size_t)(equals - set)), arena, &given, &n_steps, &why);
  step = given;
  if (good) good = manifest_path(root, &step, &n_steps, arena, &why);
  if (good && !text_equal(step[0].key, "sweep")) good = decode_path_check(&scenario_type, root, step, n_steps, arena, &why);
  if (good) edited = yaml_with(root, step, n_steps, value, arena, &why);
  if (!edited) yaml_error(err, ERR_SCENARIO, mark, "%s", why);
  return edited ? manifest_load(edited, &document->inputs, arena, err) : NULL;
}

/* ---- --strategies ---- */

static bool list_holds(const char *names, const char *name) {
  size_t n = strlen(name);
  for (const char *at = names; *at;) {
    size_t length = strcspn(at, ",");
    if (length == n && strncmp(at, name, n) == 0) return true;
    at += length + (at[length] == ',');
  }
  return false;
}

static bool not_listed(const char *name, const void *names) { return !list_holds(names, name); }

static bool check_listed(const char *only, const Yaml *map, Arena *arena, Err *err) {
  const char **names = ARENA_ARRAY(arena, const char *, map->count);
  bool good = true;
  for (size_t k = 0; k < map->count; k++) names[k] = map->entry[k].key;
  for (const char *at = only; *at;) {
    size_t length = strcspn(at, ",");
    const char *name = arena_text(arena, at, length);
    if (!yaml_entry(map, name))
      good = err_add(err, ERR_USAGE, "--strategies: no strategy `%.60s`%s", name, names_hint(name, names, map->count, arena));
    at += length + (at[length] == ',');
  }
  return good && (only[0] || err_add(err, ERR_USAGE, "--strategies: name at least one"));
}

static bool keep_strategies(Document *document, const char *only, Arena *arena, Err *err) {
  const YamlEntry *entry = yaml_entry(document->root, "strategies");
  if (!only || !entry || entry->value->kind != YAML_MAP) return true;
  if (!check_listed(only, entry->value, arena, err)) return false;
  const YamlStep step = {"strategies", 0};
  const char *why;
  document->root = yaml_with(document->root, &step, 1, yaml_without(entry->value, not_listed, only, arena), arena, &why);
  return true;
}

/* ---- sweep: ---- */

static bool axis_path(AxisPath *path, const Yaml *text, const Yaml *root, Arena *arena, Err *err) {
  YamlStep *step = NULL;
  const char *why = "a path is wanted, as in deployments.chat.concurrency";
  bool good = text->kind == YAML_SCALAR && yaml_path(text->text, arena, &step, &path->n_steps, &why);
  const YamlStep *led = step;
  size_t n_led = path->n_steps;
  good = good && manifest_path(root, &led, &n_led, arena, &why) && decode_path_check(&scenario_type, root, led, n_led, arena, &why);
  if (!good) return yaml_error(err, ERR_SCENARIO, text->mark, "%s", why);
  path->path = text->text;
  path->step = step;
  if (!text_equal(step[0].key, "horizon") && !text_equal(step[0].key, "replications")) return true;
  return yaml_error(err, ERR_SCENARIO, text->mark, "`%s` cannot be swept: all runs of a sweep share it", step[0].key);
}

static bool axis_values(Axis *axis, YamlMark mark, Err *err) {
  if (!axis->values || axis->values->kind != YAML_LIST || axis->values->count == 0)
    return yaml_error(err, ERR_SCENARIO, mark, "`values` is a list of at least one value");
  bool good = true;
  for (size_t k = 0; k < axis->values->count && axis->n_paths > 1; k++) {
    const Yaml *value = axis->values->entry[k].value;
    if (value->kind != YAML_LIST || value->count != axis->n_paths)
      good = yaml_error(err, ERR_SCENARIO, value->mark, "%zu paths are set: each value is a list of %zu", axis->n_paths, axis->n_paths);
  }
  return good;
}

static bool axis_name(const Axis *axis, YamlMark mark, Err *err) {
  const Yaml *name = axis->name;
  if (!name) return true;
  bool good = axis->n_paths == 1 ? name->kind == YAML_SCALAR : name->kind == YAML_LIST && name->count == axis->n_paths;
  for (size_t k = 0; good && name->kind == YAML_LIST && k < name->count; k++) good = name->entry[k].value->kind == YAML_SCALAR;
  return good || yaml_error(err, ERR_SCENARIO, mark, "`name` is one text for each path that is set");
}

static bool axis_keys(const Yaml *node, Err *err) {
  static const char *const known[] = {"set", "values", "name"};
  bool good = true;
  for (size_t k = 0; k < node->count; k++) {
    const char *key = node->entry[k].key;
    if (text_equal(key, known[0]) || text_equal(key, known[1]) || text_equal(key, known[2])) continue;
    const char *nearest = text_nearest(key, known, 3);
    good = yaml_error(err, ERR_SCENARIO, node->entry[k].mark, "unknown key `%.60s`; %s%s%s", key, nearest ? "did you mean `" : "an axis has set, values and name",
                      nearest ? nearest : "", nearest ? "`?" : "");
  }
  return good;
}

static bool axis_open(Axis *axis, const Yaml *node, const Yaml *root, Arena *arena, Err *err) {
  axis->mark = node->mark;
  if (node->kind != YAML_MAP) return yaml_error(err, ERR_SCENARIO, node->mark, "an axis is {set: path, values: [...]}");
  bool good = axis_keys(node, err);
  const YamlEntry *set = yaml_entry(node, "set"), *values = yaml_entry(node, "values"), *name = yaml_entry(node, "name");
  if (!set || yaml_is_null(set->value)) return yaml_error(err, ERR_SCENARIO, node->mark, "missing key `set`: the path that this axis sets");
  bool several = set->value->kind == YAML_LIST;
  axis->n_paths = several ? set->value->count : 1;
  if (axis->n_paths == 0) return yaml_error(err, ERR_SCENARIO, set->mark, "`set` names no path");
  if (axis->n_paths > AXES_MOST) return yaml_error(err, ERR_SCENARIO, set->mark, "more than %d paths", AXES_MOST);
  axis->path = ARENA_ARRAY(arena, AxisPath, axis->n_paths);
  for (size_t k = 0; k < axis->n_paths; k++)
    good &= axis_path(&axis->path[k], several ? set->value->entry[k].value : set->value, root, arena, err);
  axis->values = values ? values->value : NULL;
  axis->name = name && !yaml_is_null(name->value) ? name->value : NULL;
  good &= axis_values(axis, values ? values->mark : node->mark, err);
  return axis_name(axis, name ? name->mark : node->mark, err) && good;
}

static bool is_sweep(const char *key, const void *context) {
  (void)context;
  return strcmp(key, "sweep") == 0;
}

static bool axes_open(Document *document, Arena *arena, Err *err) {
  const YamlEntry *entry = yaml_entry(document->root, "sweep");
  if (!entry) return true;
  const Yaml *list = entry->value;
  document->root = yaml_without(document->root, is_sweep, NULL, arena);
  if (yaml_is_null(list)) return true;
  if (list->kind != YAML_LIST) return yaml_error(err, ERR_SCENARIO, entry->mark, "`sweep` is a list of axes, there is %s", yaml_kind_words(list));
  if (list->count > AXES_MOST) return yaml_error(err, ERR_SCENARIO, entry->mark, "more than %d axes", AXES_MOST);
  document->axis = ARENA_ARRAY(arena, Axis, list->count);
  document->n_axes = list->count;
  bool good = true;
  for (size_t k = 0; k < list->count; k++) good &= axis_open(&document->axis[k], list->entry[k].value, document->root, arena, err);
  return good;
}

/* An edit below a path that an axis sets would be overwritten at every point: surely not what was meant. */
static bool set_survives(const Document *document, const char *set, Arena *arena, Err *err) {
  YamlStep *step;
  size_t n_steps;
  const char *why;
  if (!yaml_path(arena_text(arena, set, strcspn(set, "=")), arena, &step, &n_steps, &why)) return true;
  for (size_t a = 0; a < document->n_axes; a++)
    for (size_t p = 0; p < document->axis[a].n_paths; p++) {
      const AxisPath *path = &document->axis[a].path[p];
      size_t k = 0;
      while (k < path->n_steps && k < n_steps && text_equal(path->step[k].key, step[k].key) && path->step[k].index == step[k].index) k++;
      if (k == path->n_steps)
        return yaml_error(err, ERR_SCENARIO, (YamlMark){edit_source(set, arena), 0},
                          "the axis sweep[%zu] sets %.150s at every point; set sweep[%zu].values", a, path->path, a);
    }
  return true;
}

const Yaml *axis_value(const Axis *axis, uint64_t value, size_t k) {
  const Yaml *node = axis->values->entry[value].value;
  return axis->n_paths > 1 ? node->entry[k].value : node;
}

const Yaml *axis_apply(Document *document, const Axis *axis, uint64_t value, const Yaml *root, Arena *arena, Err *err) {
  for (size_t k = 0; k < axis->n_paths && root; k++) {
    const char *why;
    const YamlStep *step = axis->path[k].step;
    size_t n_steps = axis->path[k].n_steps;
    const Yaml *node = axis_value(axis, value, k), *edited = NULL;
    if (manifest_path(root, &step, &n_steps, arena, &why)) edited = yaml_with(root, step, n_steps, node, arena, &why);
    if (!edited) {
      yaml_error(err, ERR_SCENARIO, node->mark, "cannot set %.150s: %s", axis->path[k].path, why);
      return NULL;
    }
    bool may_name = text_equal(step[0].key, "strategies") && (node->kind != YAML_SCALAR || manifest_path_names(step, n_steps));
    root = may_name ? manifest_load(edited, &document->inputs, arena, err) : edited;
  }
  return root;
}

/* ---- -f ---- */

/* "k8s/prod/" and "k8s/prod.yaml" make the strategy `prod`. */
static const char *strategy_name(const char *path, Arena *arena) {
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  const char *name = arena_text(arena, path, length), *slash = strrchr(name, '/'), *base = slash && slash[1] ? slash + 1 : name, *dot = strrchr(base, '.');
  if (text_equal(base, ".") || text_equal(base, "..")) return "manifests";
  return dot && dot != base ? arena_text(arena, base, (size_t)(dot - base)) : base;
}

static bool add_strategy(Document *document, const char *path, Arena *arena, Err *err) {
  const char *name = strategy_name(path, arena), *why = "";
  const YamlEntry *strategies = yaml_entry(document->root, "strategies");
  if (strategies && yaml_entry(strategies->value, name))
    return err_add(err, ERR_USAGE, "-f %.150s: the scenario has a strategy `%.60s` already", path, name);
  const Yaml *list = manifest_read(path, &document->inputs, arena, err);
  if (!list) return false;
  const YamlStep step[3] = {{"strategies", 0}, {name, 0}, {"manifest", 0}};
  const Yaml *edited = yaml_with(document->root, step, 3, list, arena, &why);
  if (!edited) return err_add(err, ERR_SCENARIO, "-f %.150s: %s", path, why);
  document->root = edited;
  return true;
}

bool document_open(Document *document, const char *path, const SweepEdits *edits, Arena *arena, Err *err) {
  if (!read_source(&document->source, path, arena, err)) return false;
  document->inputs = (Inputs){.arena = arena, .folder = path_folder(path, arena)};
  document->root = yaml_parse(&document->source, arena, err);
  if (document->root) document->root = manifest_load(document->root, &document->inputs, arena, err);
  bool good = document->root != NULL;
  for (size_t k = 0; k < edits->n_manifests && document->root; k++) good &= add_strategy(document, edits->manifest[k], arena, err);
  for (size_t k = 0; k < edits->n_set && document->root; k++) {
    const Yaml *edited = apply_set(document, edits->set[k], arena, err);
    if (edited) document->root = edited;
    good &= edited != NULL;
  }
  if (!good || !keep_strategies(document, edits->strategies_only, arena, err)) return false;
  if (!axes_open(document, arena, err)) return false;
  for (size_t k = 0; k < edits->n_set; k++) good &= set_survives(document, edits->set[k], arena, err);
  return good;
}
