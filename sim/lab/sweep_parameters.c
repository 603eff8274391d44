/* Names and values of swept parameters; see sweep_parameters.h. */
#include "sim/lab/sweep_parameters.h"

#include <string.h>

#include "sim/lab/decode.h"
#include "sim/lab/document.h"
#include "sim/lab/manifest.h"

/* The last words of a path, from step `first` on. */
static const char *last_words(const AxisPath *path, size_t first, Arena *arena) {
  Text text = {.arena = arena};
  while (first > 0 && !path->step[first].key) first--;
  for (size_t k = first; k < path->n_steps; k++) {
    if (path->step[k].key) text_addf(&text, "%s%s", k > first ? "." : "", path->step[k].key);
    else text_addf(&text, "[%zu]", path->step[k].index);
  }
  return text.bytes;
}

static const char *given_name(const Axis *axis, size_t k) {
  if (!axis->name) return NULL;
  return axis->name->kind == YAML_LIST ? axis->name->entry[k].value->text : axis->name->text;
}

static bool name_taken(const SweepParameter *parameter, size_t n, size_t self, const char *name) {
  for (size_t p = 0; p < n; p++)
    if (p != self && text_equal(parameter[p].name, name)) return true;
  return false;
}

/* As few last words as tell them all apart. A name given twice stays, and is an error. */
static void make_unique(SweepParameter *parameter, const AxisPath *const *path, const bool *given, size_t n, Arena *arena) {
  size_t *words = ARENA_ARRAY(arena, size_t, n);
  const char **longer = ARENA_ARRAY(arena, const char *, n);
  bool changed = true;
  while (changed) {
    changed = false;
    for (size_t p = 0; p < n; p++) {
      longer[p] = NULL;
      if (given[p] || words[p] + 1 >= path[p]->n_steps || !name_taken(parameter, n, p, parameter[p].name)) continue;
      words[p]++;
      longer[p] = last_words(path[p], path[p]->n_steps - 1 - words[p], arena);
      changed = true;
    }
    for (size_t p = 0; p < n; p++)
      if (longer[p]) parameter[p].name = longer[p];
  }
}

static const char *value_text(const Yaml *node, Arena *arena) {
  if (node->kind == YAML_SCALAR) return node->text;
  Text text = {.arena = arena};
  yaml_write(node, &text);
  return text.bytes;
}

static const char *base_unit(FieldKind kind) {
  switch (kind) {
    case FIELD_DURATION: case FIELD_DURATION_DISTRIBUTION: return "s";
    case FIELD_BYTES: case FIELD_BYTES_DISTRIBUTION: return "byte";
    case FIELD_RATE: return "1/s";
    case FIELD_USD_PER_H: return "USD/h";
    case FIELD_USD: return "USD";
    default: return "1";
  }
}

/* What kind of quantity an axis sets. */
static int axis_kind(const Yaml *root, const AxisPath *path, Arena *arena) {
  const YamlStep *step = path->step;
  size_t n_steps = path->n_steps;
  const char *why;
  int kind = manifest_path(root, &step, &n_steps, arena, &why) ? manifest_kind_at(root, step, n_steps) : -1;
  return kind >= 0 ? kind : decode_kind_at(&scenario_type, path->step, path->n_steps);
}

static void describe_values(SweepParameter *parameter, const Axis *axis, size_t k, const Yaml *root, Arena *arena) {
  size_t count = axis->values->count;
  const char **value = ARENA_ARRAY(arena, const char *, count);
  double *number = ARENA_ARRAY(arena, double, count);
  int kind = axis_kind(root, &axis->path[k], arena);
  bool numbers = kind >= 0;
  for (size_t v = 0; v < count; v++) {
    const Yaml *node = axis_value(axis, v, k);
    value[v] = value_text(node, arena);
    numbers = numbers && node->kind == YAML_SCALAR && decode_number((FieldKind)kind, node->text, &number[v]);
  }
  parameter->value = value;
  parameter->number = numbers ? number : NULL;
  parameter->unit = numbers ? base_unit((FieldKind)kind) : "1";
}

static bool check_unique(const Document *document, const SweepParameter *parameter, size_t n, Err *err) {
  bool good = true;
  for (size_t p = 1; p < n; p++) {
    const Axis *axis = &document->axis[parameter[p].axis];
    if (name_taken(parameter, p, p, parameter[p].name))
      good = yaml_error(err, ERR_SCENARIO, axis->mark, "two parameters are called `%.60s`; give this axis another `name`", parameter[p].name);
    for (size_t q = 0; q < p; q++)
      if (text_equal(parameter[p].path, parameter[q].path))
        good = yaml_error(err, ERR_SCENARIO, axis->mark, "%.150s is set twice", parameter[p].path);
  }
  return good;
}

bool parameters_describe(Sweep *sweep, Err *err) {
  const Document *document = sweep->document;
  Arena *arena = sweep->arena;
  size_t n = 0;
  for (size_t a = 0; a < document->n_axes; a++) n += document->axis[a].n_paths;
  SweepParameter *parameter = ARENA_ARRAY(arena, SweepParameter, n);
  const AxisPath **path = ARENA_ARRAY(arena, const AxisPath *, n);
  bool *given = ARENA_ARRAY(arena, bool, n);
  n = 0;
  for (size_t a = 0; a < document->n_axes; a++)
    for (size_t k = 0; k < document->axis[a].n_paths; k++, n++) {
      const Axis *axis = &document->axis[a];
      const char *name = given_name(axis, k);
      path[n] = &axis->path[k];
      given[n] = name != NULL;
      parameter[n] = (SweepParameter){.name = name ? name : last_words(path[n], path[n]->n_steps - 1, arena),
                                      .path = path[n]->path,
                                      .axis = (uint32_t)a};
      describe_values(&parameter[n], axis, k, document->root, arena);
    }
  make_unique(parameter, path, given, n, arena);
  sweep->parameter = parameter;
  sweep->n_parameters = n;
  return check_unique(document, parameter, n, err);
}
