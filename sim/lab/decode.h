/* One decoder for all tables: walks a YAML tree by a Type and fills its struct on an arena. Errors are located; several come in one go.
 * The tree is only read: any number of threads may decode at once. */
#ifndef SIM_LAB_DECODE_H
#define SIM_LAB_DECODE_H

#include "sim/lab/inputs.h"

typedef struct Decoder {
  Arena *arena;
  Err *err;
  Inputs *inputs;
  List metrics; /* the scenario's `metrics`: MetricSpec, decoded before the rest */
} Decoder;

/* Decodes a node into a struct of the type (zeroed by the caller). `at` is the place to name when something is missing. */
bool decode_type(Decoder *decoder, const Type *type, const Yaml *node, YamlMark at, void *value);
/* A whole scenario (without `sweep:`), resolved. */
bool decode_scenario(Decoder *decoder, const Yaml *root, const Catalogue *catalogue, Scenario *scenario);

/* What a path of a Type leads to: the kind of the quantity there (distributions count as their quantity), or -1 if it is none that a
 * table knows. */
int decode_kind_at(const Type *type, const YamlStep *step, size_t n_steps);
/* Is the path of an edit one that the tables know, and do the names on it exist in the tree? False with *why (on the arena). */
bool decode_path_check(const Type *type, const Yaml *root, const YamlStep *step, size_t n_steps, Arena *arena, const char **why);
/* A text of a kind as a number in the edge unit (s, bytes, cores, USD, 1). False if the kind is no quantity or the text is none. */
bool decode_number(FieldKind kind, const char *text, double *number);

/* ---- laws of a distribution field, for the decoder and the reference pages ---- */

enum { LAW_KEYS = 3 };
typedef struct LawKey {
  const char *name;
  bool quantity;   /* in the unit of the field; else a plain number within [min, max] */
  double min, max;
} LawKey;

/* One way to write a law: {kind: {key: value, ...}} with exactly these keys. */
typedef struct LawForm {
  const char *kind;
  LawKey key[LAW_KEYS];
  size_t n_keys;
  Distribution (*make)(const double *value);
} LawForm;
const LawForm *law_forms(size_t *count);

#endif
