/* Judging the keys of manifests by tables, and the small readers and makers of nodes that the converters share. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/lab/manifest_parts.h"
#include "sim/run/scenario_graph.h"

/* ---- messages ---- */

/* Manifests are long and most of their fields are of no effect here, so a warning is one line without an excerpt. */
void manifest_warn(Expansion *x, YamlMark mark, const char *format, ...) {
  va_list arguments;
  char message[ERR_WARNING_BYTES];
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  size_t line = 0, column = 0;
  if (mark.source->is_file) {
    yaml_position(mark, &line, &column);
    err_warn(x->err, "%.150s:%zu:%zu: warning: %.400s", mark.source->name, line, column, message);
  } else {
    err_warn(x->err, "%.150s: warning: %.400s", mark.source->name, message);
  }
}

/* ---- fates ---- */

static const FieldFate *fate_of(const FieldFate *table, const char *key) {
  for (; table->name; table++)
    if (text_equal(table->name, key) || text_equal(table->name, "*")) return table;
  return NULL;
}

static bool unknown_field(Expansion *x, const FieldFate *table, const YamlEntry *entry, const char *path) {
  size_t n = 0;
  while (table[n].name) n++;
  const char **names = ARENA_ARRAY(x->arena, const char *, n);
  for (size_t k = 0; k < n; k++) names[k] = table[k].name;
  return yaml_error(x->err, ERR_SCENARIO, entry->mark, "unknown field `%.100s%s%.60s`%s", path, *path ? "." : "", entry->key,
                    names_hint(entry->key, names, n, x->arena));
}

static const Yaml *take_map(Expansion *x, const FieldFate *table, const Yaml *map, const char *path);

static const Yaml *take_list(Expansion *x, const FieldFate *table, const Yaml *list, const char *path) {
  YamlEntry *entry = ARENA_ARRAY(x->arena, YamlEntry, list->count);
  bool good = true;
  for (size_t k = 0; k < list->count; k++) {
    entry[k] = list->entry[k];
    if (entry[k].value->kind == YAML_MAP) entry[k].value = take_map(x, table, entry[k].value, arena_format(x->arena, "%s[%zu]", path, k));
    good &= entry[k].value != NULL;
  }
  Yaml *taken = ARENA_NEW(x->arena, Yaml);
  *taken = *list;
  taken->entry = entry;
  return good ? taken : NULL;
}

/* The value of a pair that is used; false with an error. */
static bool take_entry(Expansion *x, const FieldFate *table, YamlEntry *entry, const char *path) {
  const FieldFate *field = fate_of(table, entry->key);
  if (!field) return unknown_field(x, table, entry, path);
  const char *here = arena_format(x->arena, "%s%s%s", path, *path ? "." : "", entry->key);
  if (field->fate == FATE_REFUSED)
    return yaml_error(x->err, ERR_SCENARIO, entry->mark, "`%.120s` is not modelled and would change the outcome: %s", here, field->why);
  if (field->fate == FATE_IDLE) {
    manifest_warn(x, entry->mark, "`%.120s` has no effect: %s", here, field->why);
    entry->value = NULL;
    return true;
  }
  if (!field->sub || entry->value->kind == YAML_SCALAR) return true;
  entry->value = fields_take(x, field->sub, entry->value, here);
  return entry->value != NULL;
}

static const Yaml *take_map(Expansion *x, const FieldFate *table, const Yaml *map, const char *path) {
  YamlEntry *entry = ARENA_ARRAY(x->arena, YamlEntry, map->count);
  Yaml *taken = ARENA_NEW(x->arena, Yaml);
  *taken = *map;
  taken->count = 0;
  taken->entry = entry;
  bool good = true;
  for (size_t k = 0; k < map->count && x->err->count < ERR_ITEMS; k++) {
    if (yaml_is_null(map->entry[k].value)) continue;
    YamlEntry one = map->entry[k];
    bool fine = take_entry(x, table, &one, path);
    good &= fine;
    if (fine && one.value) entry[taken->count++] = one;
  }
  return good ? taken : NULL;
}

const Yaml *fields_take(Expansion *x, const FieldFate *table, const Yaml *node, const char *path) {
  if (node->kind == YAML_SCALAR) return node;
  return node->kind == YAML_LIST ? take_list(x, table, node, path) : take_map(x, table, node, path);
}

/* ---- reading ---- */

const Yaml *value_at(const Yaml *node, const char *path) {
  YamlMark mark = {0};
  const Yaml *value = node ? yaml_find(node, path, &mark) : NULL;
  return yaml_is_null(value) ? NULL : value;
}

const YamlEntry *entry_at(const Yaml *node, const char *path) {
  char parent[120];
  const char *dot = strrchr(path, '.');
  size_t length = dot ? (size_t)(dot - path) : 0;
  if (length >= sizeof parent) return NULL;
  memcpy(parent, path, length);
  parent[length] = '\0';
  const YamlEntry *entry = yaml_entry(length ? value_at(node, parent) : node, dot ? dot + 1 : path);
  return entry && !yaml_is_null(entry->value) ? entry : NULL;
}

const char *scalar_at(const Yaml *node, const char *path) {
  const Yaml *value = value_at(node, path);
  return value && value->kind == YAML_SCALAR ? value->text : NULL;
}

YamlMark place_of(const YamlEntry *entry) { return entry->value->kind == YAML_SCALAR ? entry->value->mark : entry->mark; }

const Yaml *map_needed(Expansion *x, const Manifest *manifest, const char *path) {
  const YamlEntry *entry = entry_at(manifest->node, path);
  if (entry && entry->value->kind == YAML_MAP) return entry->value;
  if (entry) yaml_error(x->err, ERR_SCENARIO, place_of(entry), "`%s` of a %s is a map, there is %s", path, manifest->kind, yaml_kind_words(entry->value));
  else yaml_error(x->err, ERR_SCENARIO, manifest->mark, "a %s has a `%s`; there is none", manifest->kind, path);
  return NULL;
}

const YamlEntry *key_needed(Expansion *x, const Yaml *map, YamlMark at, const char *key, const char *help) {
  const YamlEntry *entry = entry_at(map, key);
  if (!entry) yaml_error(x->err, ERR_SCENARIO, at, "missing key `%s`: %s", key, help);
  return entry;
}

/* ---- making ---- */

void map_put(MapMaker *map, const char *key, YamlMark mark, const Yaml *value) {
  if (map->count == map->capacity) {
    size_t grown = map->capacity ? map->capacity * 2 : 8;
    map->entry = arena_grow(map->arena, map->entry, map->count, grown, sizeof *map->entry);
    map->capacity = grown;
  }
  map->entry[map->count++] = (YamlEntry){key, mark, value};
}

void map_copy(MapMaker *map, const char *key, const YamlEntry *entry) {
  if (entry) map_put(map, key, entry->mark, entry->value);
}

const Yaml *map_made(const MapMaker *map) {
  Yaml *node = ARENA_NEW(map->arena, Yaml);
  *node = (Yaml){.kind = YAML_MAP, .mark = map->mark, .count = map->count, .entry = map->entry};
  return node;
}

const Yaml *make_text(Arena *arena, YamlMark mark, const char *format, ...) {
  va_list arguments;
  char text[400];
  va_start(arguments, format);
  int n = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  Yaml *node = ARENA_NEW(arena, Yaml);
  *node = (Yaml){.kind = YAML_SCALAR, .plain = true, .mark = mark};
  node->text = arena_text(arena, text, n < 0 ? 0 : strlen(text));
  return node;
}

const Yaml *make_pair(Arena *arena, YamlMark mark, const char *key, const Yaml *value) {
  MapMaker map = {.arena = arena, .mark = mark};
  map_put(&map, key, mark, value);
  return map_made(&map);
}

const Yaml *make_list(Arena *arena, YamlMark mark, const Yaml *const *item, size_t count) {
  YamlEntry *entry = ARENA_ARRAY(arena, YamlEntry, count);
  for (size_t k = 0; k < count; k++) entry[k] = (YamlEntry){.mark = item[k]->mark, .value = item[k]};
  Yaml *node = ARENA_NEW(arena, Yaml);
  *node = (Yaml){.kind = YAML_LIST, .mark = mark, .count = count, .entry = entry};
  return node;
}
