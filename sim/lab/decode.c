/* Structure: objects, lists, maps and models, by their tables. A null is an absent key. An object that is absent has its defaults; its
 * required keys are then not asked for. */
#include "sim/lab/decode.h"

#include <string.h>

#include "sim/lab/decode_parts.h"
#include "sim/run/scenario_graph.h"

enum { NAME_BYTES_MOST = 63 };

static bool decode_field(Decoder *decoder, const Field *field, const Yaml *node, YamlMark at, void *member);

static bool enough(const Decoder *decoder) { return decoder->err->count >= ERR_ITEMS; }

/* ---- objects ---- */

static const Field *field_named(const Type *type, const char *name) {
  for (size_t k = 0; k < type->n_fields; k++)
    if (text_equal(type->field[k].name, name)) return &type->field[k];
  return NULL;
}

static bool unknown_key(Decoder *decoder, const Type *type, const YamlEntry *entry) {
  const char **names = ARENA_ARRAY(decoder->arena, const char *, type->n_fields);
  for (size_t k = 0; k < type->n_fields; k++) names[k] = type->field[k].name;
  return yaml_error(decoder->err, ERR_SCENARIO, entry->mark, "unknown key `%.60s`%s", entry->key,
                    names_hint(entry->key, names, type->n_fields, decoder->arena));
}

/* The place of a pair's value: its own for text, its key's for what begins with a key of its own. */
static YamlMark value_place(const YamlEntry *entry) {
  const Yaml *node = entry->value;
  return node->kind == YAML_SCALAR && !yaml_is_null(node) ? node->mark : entry->mark;
}

static void locate(Decoder *decoder, size_t first, const Yaml *node, YamlMark at) {
  for (size_t k = first; k < decoder->err->count && k < ERR_ITEMS; k++) {
    ErrItem *item = &decoder->err->item[k];
    YamlMark mark = at;
    if (item->located) continue;
    if (node) yaml_find(node, item->path, &mark);
    yaml_locate(item, mark);
  }
}

static bool decode_fields(Decoder *decoder, const Type *type, const Yaml *map, YamlMark at, bool present, char *value) {
  bool good = true;
  for (size_t k = 0; k < type->n_fields && !enough(decoder); k++) {
    const Field *field = &type->field[k];
    const YamlEntry *entry = yaml_entry(map, field->name);
    bool given = entry && !yaml_is_null(entry->value);
    if (!given && field->need == REQUIRED) {
      if (present)
        good = yaml_error(decoder->err, ERR_SCENARIO, entry ? entry->mark : at, "missing key `%s`: %s", field->name, field->help);
      continue;
    }
    good &= decode_field(decoder, field, given ? entry->value : NULL, given ? value_place(entry) : at, value + field->offset);
  }
  return good;
}

/* Is a bare text enough for this type? `machine: aws/m5.large` names it; an item of a list of scalars is its only field. */
static const char *bare_field(const Type *type) {
  if (type->n_fields == 0) return NULL;
  const Field *first = &type->field[0];
  if (type->n_fields == 1 && first->name[0] == '\0') return "";
  return first->kind == FIELD_TEXT && text_equal(first->name, "name") ? "name" : NULL;
}

static const Yaml *bare_map(const Yaml *node, const char *key, Arena *arena) {
  YamlEntry *entry = ARENA_NEW(arena, YamlEntry);
  Yaml *map = ARENA_NEW(arena, Yaml);
  *entry = (YamlEntry){key, node->mark, node};
  *map = (Yaml){.kind = YAML_MAP, .mark = node->mark, .count = 1, .entry = entry};
  return map;
}

/* `present`: the key is there, so required keys are asked for, even if nothing follows it. */
static bool decode_object(Decoder *decoder, const Type *type, const Yaml *node, YamlMark at, bool present, void *value) {
  size_t first = decoder->err->count;
  const char *bare = bare_field(type);
  if (yaml_is_null(node)) node = NULL;
  if (node && bare && (node->kind == YAML_SCALAR || !bare[0])) node = bare_map(node, bare, decoder->arena);
  if (node && node->kind != YAML_MAP)
    return yaml_error(decoder->err, ERR_SCENARIO, at, "a map of keys is wanted (%s), there is %s%s", type->help, yaml_kind_words(node),
                      node->kind == YAML_SCALAR && type->n_fields ? arena_format(decoder->arena, "; write {%s: %.40s}", type->field[0].name, node->text) : "");
  bool good = true;
  for (size_t k = 0; node && k < node->count && !enough(decoder); k++)
    if (!field_named(type, node->entry[k].key)) good = unknown_key(decoder, type, &node->entry[k]);
  good &= decode_fields(decoder, type, node, at, present, value);
  if (!good || !present) return good;
  if (type->check && !type->check(value, decoder->err)) {
    locate(decoder, first, node, at);
    return false;
  }
  if (type == &trace_file_type) return inputs_trace(decoder->inputs, value, at, decoder->arena, decoder->err);
  return true;
}

/* ---- lists and maps ---- */

static bool check_name(Decoder *decoder, const YamlEntry *entry) {
  size_t n = strlen(entry->key);
  bool good = n > 0 && n <= NAME_BYTES_MOST && entry->key[0] != ' ' && entry->key[n - 1] != ' ';
  for (size_t k = 0; k < n; k++) good &= (unsigned char)entry->key[k] >= 0x20 && !strchr(",\"=", entry->key[k]);
  if (good) return true;
  return yaml_error(decoder->err, ERR_SCENARIO, entry->mark, "`%.60s` is no name: 1 to %d bytes, without comma, quote or =", entry->key,
                    NAME_BYTES_MOST);
}

static bool is_list_of_scalars(const Field *field) {
  return field->kind == FIELD_LIST && field->sub->n_fields == 1 && field->sub->field[0].name[0] == '\0';
}

static bool decode_items(Decoder *decoder, const Field *field, const Yaml *node, YamlMark at, List *list) {
  bool map = field->kind == FIELD_MAP, good = true;
  if (!node) return true;
  Yaml alone = {.kind = YAML_LIST, .mark = node->mark, .count = 1, .entry = &(YamlEntry){NULL, node->mark, node}};
  if (!map && node->kind == YAML_SCALAR && !yaml_is_null(node) && is_list_of_scalars(field)) node = &alone; /* one item needs no brackets */
  if (node->kind != (map ? YAML_MAP : YAML_LIST))
    return yaml_error(decoder->err, ERR_SCENARIO, at, "`%s` is %s, there is %s", field->name, map ? "a map of names" : "a list",
                      yaml_kind_words(node));
  list->item = arena_alloc(decoder->arena, node->count, field->sub->size);
  list->count = node->count;
  for (size_t k = 0; k < node->count && !enough(decoder); k++) {
    const YamlEntry *entry = &node->entry[k];
    char *item = (char *)list->item + k * field->sub->size;
    if (map) {
      good &= check_name(decoder, entry);
      *(const char **)(void *)item = arena_text(decoder->arena, entry->key, strlen(entry->key));
    }
    good &= decode_object(decoder, field->sub, entry->value, map ? entry->mark : entry->value->mark, true, item);
  }
  return good;
}

/* ---- models ---- */

static bool unknown_model(Decoder *decoder, ModelKind kind, const char *name, YamlMark mark) {
  const ModelTable *table = &model_registry[kind];
  const char **names = ARENA_ARRAY(decoder->arena, const char *, table->count * 2);
  size_t n = table->count, all = n;
  for (size_t k = 0; k < n; k++) {
    names[k] = table->model[k]->name;
    if (table->model[k]->alias) names[all++] = table->model[k]->alias;
  }
  const char *hint = text_nearest(name, names, all) ? names_hint(name, names, all, decoder->arena) : names_hint(name, names, n, decoder->arena);
  return yaml_error(decoder->err, ERR_SCENARIO, mark, "no %s `%.60s`%s", model_kind_name(kind), name, hint);
}

static bool decode_model(Decoder *decoder, const Field *field, const Yaml *node, YamlMark at, ModelRef *ref) {
  const char *name, *kind = model_kind_name(field->model_kind);
  const Yaml *params = NULL;
  YamlMark mark = at;
  if (node->kind == YAML_SCALAR) {
    name = node->text;
  } else if (node->kind == YAML_MAP && node->count == 1) {
    name = node->entry[0].key;
    params = node->entry[0].value;
    mark = node->entry[0].mark;
  } else {
    return yaml_error(decoder->err, ERR_SCENARIO, at, "`%s` is one %s: its name, or {name: {parameters}}; there is %s", field->name, kind,
                      node->kind == YAML_MAP && node->count ? arena_format(decoder->arena, "a map of %zu keys", node->count)
                                                            : yaml_kind_words(node));
  }
  const Model *model = model_find(field->model_kind, name);
  if (!model) return unknown_model(decoder, field->model_kind, name, mark);
  void *value = arena_alloc(decoder->arena, 1, model->params->size);
  *ref = (ModelRef){model, value};
  return decode_object(decoder, model->params, params, mark, true, value);
}

/* ---- fields ---- */

static bool decode_pointer(Decoder *decoder, const Field *field, const Yaml *node, YamlMark at, void **member) {
  *member = arena_alloc(decoder->arena, 1, field->sub->size);
  return decode_object(decoder, field->sub, node, at, true, *member);
}

/* node NULL: absent. */
static bool decode_field(Decoder *decoder, const Field *field, const Yaml *node, YamlMark at, void *member) {
  Yaml written = {.kind = YAML_SCALAR, .plain = true, .text = field->default_text};
  bool absent = !node;
  if (absent && field->default_text) node = &written;
  switch (field->kind) {
  case FIELD_OBJECT: return decode_object(decoder, field->sub, node, at, !absent, member);
  case FIELD_POINTER: return absent || decode_pointer(decoder, field, node, at, member);
  case FIELD_LIST:
  case FIELD_MAP: return decode_items(decoder, field, node, at, member);
  case FIELD_MODEL: return !node || decode_model(decoder, field, node, at, member);
  case FIELD_DISTRIBUTION:
  case FIELD_DURATION_DISTRIBUTION:
  case FIELD_BYTES_DISTRIBUTION: return !node || decode_law(decoder, field, node, member);
  default: break;
  }
  if (!node) return true;
  if (node->kind != YAML_SCALAR)
    return yaml_error(decoder->err, ERR_SCENARIO, at, "`%s` is one value (%s), there is %s", field->name, field->help, yaml_kind_words(node));
  return decode_scalar(decoder, field, node, member);
}

bool decode_type(Decoder *decoder, const Type *type, const Yaml *node, YamlMark at, void *value) {
  return decode_object(decoder, type, node, at, true, value);
}

/* What metrics mean must be known before the strategies that name them are read. */
static bool decode_metrics(Decoder *decoder, const Yaml *root) {
  const YamlEntry *entry = yaml_entry(root, "metrics");
  if (!entry || yaml_is_null(entry->value)) return true;
  return decode_items(decoder, field_named(&scenario_type, "metrics"), entry->value, entry->mark, &decoder->metrics);
}

bool decode_scenario(Decoder *decoder, const Yaml *root, const Catalogue *catalogue, Scenario *scenario) {
  memset(scenario, 0, sizeof *scenario);
  size_t first = decoder->err->count;
  if (yaml_is_null(root)) return yaml_error(decoder->err, ERR_SCENARIO, root->mark, "the file is empty: it holds no scenario");
  if (root->kind != YAML_MAP) return yaml_error(decoder->err, ERR_SCENARIO, root->mark, "a scenario is a map of keys, here is %s", yaml_kind_words(root));
  if (!decode_metrics(decoder, root)) return false;
  if (!decode_object(decoder, &scenario_type, root, root->mark, true, scenario)) return false;
  if (scenario_resolve(scenario, catalogue, decoder->arena, decoder->err)) return true;
  locate(decoder, first, root, root->mark);
  return false;
}

/* ---- what a path leads to ---- */

static bool no_such_name(const Yaml *map, const char *name, Arena *arena, const char **why) {
  const char **names = ARENA_ARRAY(arena, const char *, map->count);
  for (size_t k = 0; k < map->count; k++) names[k] = map->entry[k].key;
  *why = arena_format(arena, "there is no `%.60s`%s", name, names_hint(name, names, map->count, arena));
  return false;
}

static bool no_such_field(const Type *type, const char *name, Arena *arena, const char **why) {
  const char **names = ARENA_ARRAY(arena, const char *, type->n_fields);
  for (size_t k = 0; k < type->n_fields; k++) names[k] = type->field[k].name;
  *why = arena_format(arena, "unknown key `%.60s`%s", name, names_hint(name, names, type->n_fields, arena));
  return false;
}

static const Yaml *child_of(const Yaml *node, const YamlStep *step) {
  if (!step->key) return node && node->kind == YAML_LIST && step->index < node->count ? node->entry[step->index].value : NULL;
  const YamlEntry *entry = yaml_entry(node, step->key);
  return entry ? entry->value : NULL;
}

bool decode_path_check(const Type *type, const Yaml *node, const YamlStep *step, size_t n_steps, Arena *arena, const char **why) {
  while (n_steps > 0) {
    const Field *field = step->key ? field_named(type, step->key) : NULL;
    if (step->key && !field) return no_such_field(type, step->key, arena, why);
    if (!field) return true; /* what is wrong with an index is said when it is used */
    node = child_of(node, step);
    step++, n_steps--;
    if (n_steps == 0) return true;
    if (field->kind == FIELD_MODEL) {
      const Model *model = step->key ? model_find(field->model_kind, step->key) : NULL;
      if (!model) return true;
      type = model->params;
    } else if (field->kind == FIELD_OBJECT || field->kind == FIELD_POINTER || field->kind == FIELD_LIST || field->kind == FIELD_MAP) {
      type = field->sub;
    } else {
      return true;
    }
    if (field->kind == FIELD_OBJECT || field->kind == FIELD_POINTER) continue;
    bool new_name = field->kind == FIELD_MAP && step->key && n_steps > 1 && node && node->kind == YAML_MAP && !yaml_entry(node, step->key);
    if (new_name) return no_such_name(node, step->key, arena, why);
    node = child_of(node, step);
    step++, n_steps--;
  }
  return true;
}

static int law_kind_at(FieldKind kind, const YamlStep *step, size_t n_steps) {
  size_t count;
  const LawForm *forms = law_forms(&count);
  if (n_steps == 0) return (int)quantity_kind(kind);
  if (n_steps != 2 || !step[0].key || !step[1].key) return -1;
  for (size_t f = 0; f < count; f++)
    for (size_t k = 0; text_equal(forms[f].kind, step[0].key) && k < forms[f].n_keys; k++)
      if (text_equal(forms[f].key[k].name, step[1].key)) return forms[f].key[k].quantity ? (int)quantity_kind(kind) : (int)FIELD_NUMBER;
  return -1;
}

int decode_kind_at(const Type *type, const YamlStep *step, size_t n_steps) {
  if (n_steps == 0 || !step->key) return -1;
  const Field *field = field_named(type, step->key);
  step++, n_steps--;
  if (!field) return -1;
  switch (field->kind) {
  case FIELD_OBJECT:
  case FIELD_POINTER: return n_steps ? decode_kind_at(field->sub, step, n_steps) : -1;
  case FIELD_LIST:
    if (n_steps <= 1 && is_list_of_scalars(field)) return (int)quantity_kind(field->sub->field[0].kind);
    return n_steps > 1 ? decode_kind_at(field->sub, step + 1, n_steps - 1) : -1;
  case FIELD_MAP: return n_steps > 1 ? decode_kind_at(field->sub, step + 1, n_steps - 1) : -1;
  case FIELD_MODEL: {
    const Model *model = n_steps > 1 && step->key ? model_find(field->model_kind, step->key) : NULL;
    return model ? decode_kind_at(model->params, step + 1, n_steps - 1) : -1;
  }
  case FIELD_DISTRIBUTION:
  case FIELD_DURATION_DISTRIBUTION:
  case FIELD_BYTES_DISTRIBUTION: return law_kind_at(field->kind, step, n_steps);
  default: return n_steps == 0 ? (int)field->kind : -1;
  }
}
