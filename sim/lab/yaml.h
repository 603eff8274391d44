/* YAML as an immutable tree of ours on an arena: text, lists, maps, each with its place in the source. Read once (libfyaml, yaml_parse.c);
 * afterwards any number of threads may read it, and an edit is a new root that shares all it does not change. Anchors, aliases and merge
 * keys are already resolved: a node may be shared, but the whole, written out, has at most YAML_NODES_MOST nodes, YAML_DEPTH_MOST deep. */
#ifndef SIM_LAB_YAML_H
#define SIM_LAB_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/arena.h"
#include "sim/base/err.h"
#include "sim/base/text.h"

enum { YAML_NODES_MOST = 1000000, YAML_DEPTH_MOST = 100, YAML_ANCHORS_MOST = 1000 };

/* What is read: a file, or a value of the command line (line and column are then not shown). */
typedef struct YamlSource {
  const char *name; /* "chat.yaml", "--set a.b=3" */
  const char *text;
  size_t length;
  bool is_file;
  size_t lines_before; /* the text is a piece of the file that begins behind so many lines */
} YamlSource;

typedef struct YamlMark {
  const YamlSource *source;
  size_t offset; /* bytes from the start of its text */
} YamlMark;

typedef enum YamlKind { YAML_SCALAR, YAML_LIST, YAML_MAP } YamlKind;

typedef struct Yaml Yaml;

/* A list's item (key NULL) or a map's pair. */
typedef struct YamlEntry {
  const char *key;
  YamlMark mark; /* of the key */
  const Yaml *value;
} YamlEntry;

struct Yaml {
  YamlKind kind;
  bool plain; /* scalar without quotes */
  uint8_t height; /* 1 for a scalar */
  uint32_t weight; /* nodes below and with this one, written out */
  YamlMark mark;
  const char *text; /* scalar */
  size_t count;
  const YamlEntry *entry;
};

/* Parses one document. The source must outlive the tree. An empty document gives a null scalar. Errors are located. */
const Yaml *yaml_parse(const YamlSource *source, Arena *arena, Err *err);

/* All documents of a text, empty ones left out (a file of Kubernetes manifests). NULL with located errors; *count may be 0. */
const Yaml *const *yaml_parse_all(const YamlSource *source, size_t *count, Arena *arena, Err *err);

/* A plain, empty, ~ or null scalar; NULL itself. */
bool yaml_is_null(const Yaml *node);
/* The pair of a map, or NULL. */
const YamlEntry *yaml_entry(const Yaml *map, const char *key);
const char *yaml_kind_words(const Yaml *node); /* "text", "a list", "a map", "nothing" */
/* Appends flow style on one line: {a: 1, b: [x, y]}. */
void yaml_write(const Yaml *node, Text *text);

/* ---- paths: deployments.chat.variants."a.b".load, sweep[0].set ---- */

/* One step of a path: a key, or an index (key NULL). */
typedef struct YamlStep {
  const char *key;
  size_t index;
} YamlStep;
/* False with a constant *why if the text is no path. */
bool yaml_path(const char *path, Arena *arena, YamlStep **step, size_t *n_steps, const char **why);
/* Where a path leads: the node, or NULL; *mark is then the place of the nearest ancestor that exists. `mark` holds the place of the
 * root's key when called, if it has one. */
const Yaml *yaml_find(const Yaml *root, const char *path, YamlMark *mark);
/* A root in which the path holds `value`. Maps that are missing on the way are made; a list's item must exist. Where a model is named by
 * its bare name, setting one of its parameters makes the map. NULL with *why (on the arena) if the way is blocked. */
const Yaml *yaml_with(const Yaml *root, const YamlStep *step, size_t n_steps, const Yaml *value, Arena *arena, const char **why);
/* The map without the keys for which drop(key) holds. */
const Yaml *yaml_without(const Yaml *map, bool (*drop)(const char *key, const void *context), const void *context, Arena *arena);

/* ---- located errors ---- */

/* Adds "file:line:col: error: message", the line and a caret. Returns false. */
bool yaml_error(Err *err, ErrCode code, YamlMark mark, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Adds a warning in the same form. */
void yaml_warn(Err *err, YamlMark mark, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Gives an item that was added without a place its place. */
void yaml_locate(ErrItem *item, YamlMark mark);
/* 1-based line and column (in characters). */
void yaml_position(YamlMark mark, size_t *line, size_t *column);

#endif
