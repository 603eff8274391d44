/* Looking into YAML trees, and edits as new roots: the maps and lists on the way to the change are copied, the rest is shared, so any
 * number of threads can edit the same tree at once, each on its own arena. */
#include <string.h>

#include "sim/lab/yaml.h"

bool yaml_is_null(const Yaml *node) {
  if (!node) return true;
  if (node->kind != YAML_SCALAR || !node->plain) return false;
  return node->text[0] == '\0' || text_equal(node->text, "~") || text_equal(node->text, "null") || text_equal(node->text, "Null") ||
         text_equal(node->text, "NULL");
}

const YamlEntry *yaml_entry(const Yaml *map, const char *key) {
  if (!map || map->kind != YAML_MAP) return NULL;
  for (size_t k = 0; k < map->count; k++)
    if (text_equal(map->entry[k].key, key)) return &map->entry[k];
  return NULL;
}

const char *yaml_kind_words(const Yaml *node) {
  if (!node || yaml_is_null(node)) return "nothing";
  return node->kind == YAML_MAP ? "a map" : node->kind == YAML_LIST ? "a list" : "text";
}

/* Text that flow style would read as something else, or not at all, is quoted. */
static void write_scalar(const char *scalar, bool plain, Text *text) {
  if (plain && scalar[0] && !strpbrk(scalar, ",[]{}\n#:\"'")) {
    text_add(text, scalar, strlen(scalar));
    return;
  }
  text_add(text, "\"", 1);
  for (const char *c = scalar; *c; c++) {
    if (*c == '\n') text_add(text, "\\n", 2);
    else if (*c == '"' || *c == '\\') text_addf(text, "\\%c", *c);
    else text_add(text, c, 1);
  }
  text_add(text, "\"", 1);
}

void yaml_write(const Yaml *node, Text *text) {
  if (!node || node->kind == YAML_SCALAR) {
    write_scalar(node ? node->text : "null", !node || node->plain, text);
    return;
  }
  bool map = node->kind == YAML_MAP;
  text_add(text, map ? "{" : "[", 1);
  for (size_t k = 0; k < node->count; k++) {
    if (k > 0) text_add(text, ", ", 2);
    if (map) {
      write_scalar(node->entry[k].key, true, text);
      text_add(text, ": ", 2);
    }
    yaml_write(node->entry[k].value, text);
  }
  text_add(text, map ? "}" : "]", 1);
}

/* ---- paths ---- */

typedef struct PathPart {
  const char *key; /* NULL: an index */
  size_t length, index;
} PathPart;

/* Reads one part and moves *path behind it and its dot. False with *why if there is none. */
static bool path_part(const char **path, PathPart *part, const char **why) {
  const char *at = *path, *end;
  *part = (PathPart){.key = at};
  if (*at == '[') {
    part->key = NULL;
    for (at++; *at >= '0' && *at <= '9' && part->index < 1000000000; at++) part->index = part->index * 10 + (size_t)(*at - '0');
    *why = "an index is written [0]";
    if (*at != ']' || at[-1] == '[') return false;
    end = at + 1;
  } else if (*at == '"') {
    part->key = at + 1;
    end = strchr(at + 1, '"');
    *why = "a quote is not closed";
    if (!end) return false;
    part->length = (size_t)(end - part->key);
    end++;
  } else {
    part->length = strcspn(at, ".[");
    end = at + part->length;
  }
  *why = "a path is written a.b[0].c, names that hold a dot in quotes";
  if (part->key && part->length == 0) return false;
  if (*end && *end != '.' && *end != '[') return false;
  if (*end == '.' && (end[1] == '\0' || end[1] == '[')) return false;
  *path = *end == '.' ? end + 1 : end;
  return true;
}

bool yaml_path(const char *path, Arena *arena, YamlStep **step, size_t *n_steps, const char **why) {
  size_t capacity = strlen(path) + 1;
  *step = ARENA_ARRAY(arena, YamlStep, capacity);
  *n_steps = 0;
  do {
    PathPart part;
    if (!path_part(&path, &part, why)) return false;
    *why = "a path of more than 100 steps";
    if (*n_steps == YAML_DEPTH_MOST) return false;
    (*step)[(*n_steps)++] = (YamlStep){part.key ? arena_text(arena, part.key, part.length) : NULL, part.index};
  } while (*path);
  return true;
}

static const YamlEntry *part_entry(const Yaml *node, const PathPart *part) {
  if (!part->key) return node->kind == YAML_LIST && part->index < node->count ? &node->entry[part->index] : NULL;
  if (node->kind != YAML_MAP) return NULL;
  for (size_t k = 0; k < node->count; k++) {
    const char *key = node->entry[k].key;
    if (strncmp(key, part->key, part->length) == 0 && key[part->length] == '\0') return &node->entry[k];
  }
  return NULL;
}

const Yaml *yaml_find(const Yaml *root, const char *path, YamlMark *mark) {
  const Yaml *node = root;
  if (!mark->source) *mark = root->mark;
  while (*path) {
    PathPart part;
    const char *why;
    const YamlEntry *entry = path_part(&path, &part, &why) ? part_entry(node, &part) : NULL;
    if (!entry) return NULL;
    node = entry->value;
    /* A scalar is the place itself; a map or list begins with its first key, so its own key says better what is meant. */
    *mark = node->kind == YAML_SCALAR && !yaml_is_null(node) ? node->mark : entry->mark;
  }
  return node;
}

/* ---- edits ---- */

static const Yaml *map_with(const Yaml *map, const char *key, const Yaml *value, const YamlMark *mark, Arena *arena) {
  const YamlEntry *old = map ? yaml_entry(map, key) : NULL;
  size_t count = map ? map->count : 0, at = old ? (size_t)(old - map->entry) : count;
  YamlEntry *entry = ARENA_ARRAY(arena, YamlEntry, count + 1);
  if (count) memcpy(entry, map->entry, count * sizeof *entry);
  entry[at] = (YamlEntry){key, old ? old->mark : *mark, value};
  Yaml *node = ARENA_NEW(arena, Yaml);
  *node = (Yaml){.kind = YAML_MAP, .mark = map ? map->mark : *mark, .count = old ? count : count + 1, .entry = entry};
  return node;
}

static const Yaml *list_with(const Yaml *list, size_t index, const Yaml *value, Arena *arena) {
  YamlEntry *entry = ARENA_ARRAY(arena, YamlEntry, list->count);
  memcpy(entry, list->entry, list->count * sizeof *entry);
  entry[index].value = value;
  entry[index].mark = value->mark;
  Yaml *node = ARENA_NEW(arena, Yaml);
  *node = *list;
  node->entry = entry;
  return node;
}

static const char *blocked(const Yaml *node, const YamlStep *step, Arena *arena) {
  if (step->key) return arena_format(arena, "%s holds no key `%.60s`", yaml_kind_words(node), step->key);
  if (!node || node->kind != YAML_LIST) return arena_format(arena, "[%zu] needs a list, there is %s", step->index, yaml_kind_words(node));
  return arena_format(arena, "[%zu] is past the end of a list of %zu (the first is [0])", step->index, node->count);
}

const Yaml *yaml_with(const Yaml *root, const YamlStep *step, size_t n_steps, const Yaml *value, Arena *arena, const char **why) {
  if (n_steps == 0) return value;
  const Yaml *child = NULL, *map = yaml_is_null(root) ? NULL : root;
  if (!step->key) {
    if (!map || map->kind != YAML_LIST || step->index >= map->count) {
      *why = blocked(root, step, arena);
      return NULL;
    }
    child = yaml_with(map->entry[step->index].value, step + 1, n_steps - 1, value, arena, why);
    return child ? list_with(map, step->index, child, arena) : NULL;
  }
  /* scale: horizontal, and scale.horizontal.target is set: the same as {horizontal: {target: ...}}. */
  bool bare_name = map && map->kind == YAML_SCALAR && text_equal(map->text, step->key) && n_steps > 1;
  if (map && map->kind != YAML_MAP && !bare_name) {
    *why = blocked(root, step, arena);
    return NULL;
  }
  if (bare_name) map = NULL;
  const YamlEntry *entry = yaml_entry(map, step->key);
  child = yaml_with(entry ? entry->value : NULL, step + 1, n_steps - 1, value, arena, why);
  return child ? map_with(map, step->key, child, &value->mark, arena) : NULL;
}

const Yaml *yaml_without(const Yaml *map, bool (*drop)(const char *key, const void *context), const void *context, Arena *arena) {
  if (map->kind != YAML_MAP) return map;
  YamlEntry *entry = ARENA_ARRAY(arena, YamlEntry, map->count);
  Yaml *node = ARENA_NEW(arena, Yaml);
  *node = *map;
  node->count = 0;
  node->entry = entry;
  for (size_t k = 0; k < map->count; k++)
    if (!drop(map->entry[k].key, context)) entry[node->count++] = map->entry[k];
  return node;
}
