/* Designs as indices of values; see tune_space.h. The syntax of values is in tune_values.c. */
#include "sim/lab/tune_space.h"

#include <math.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/lab/decode.h"
#include "sim/lab/manifest.h"
#include "sim/lab/tune_model.h"
#include "sim/lab/tune_values.h"

/* ---- axes ---- */

static TuneAxis *new_axis(TuneSpace *space, const char *path, YamlMark mark, Err *err) {
  const char *why = "a path is wanted, as in strategies.hpa.scale.horizontal.target";
  TuneAxis axis = {.path = path, .mark = mark};
  YamlStep *step = NULL;
  bool good = yaml_path(path, space->arena, &step, &axis.n_steps, &why);
  axis.step = step;
  if (good) good = manifest_path(space->root, &axis.step, &axis.n_steps, space->arena, &why);
  if (good) good = decode_path_check(&scenario_type, space->root, axis.step, axis.n_steps, space->arena, &why);
  for (size_t a = 0; good && a < space->n_axes; a++)
    if (text_equal(space->axis[a].path, path)) {
      why = "this path is tuned twice";
      good = false;
    }
  static const char *const fixed[] = {"horizon", "warmup", "replications", "seed", "sweep", "tune", "name"};
  for (size_t k = 0; good && k < sizeof fixed / sizeof *fixed; k++)
    if (text_equal(axis.step[0].key, fixed[k])) {
      why = arena_format(space->arena, "`%s` is no threshold", fixed[k]);
      good = false;
    }
  if (good && space->n_axes == TUNE_AXES_MOST) {
    why = "more than 16 thresholds";
    good = false;
  }
  if (!good) {
    yaml_error(err, mark.source && mark.source->is_file ? ERR_SCENARIO : ERR_USAGE, mark, "%.150s: %s", path, why);
    return NULL;
  }
  space->axis[space->n_axes] = axis;
  return &space->axis[space->n_axes];
}

bool space_add(TuneSpace *space, const char *path, const char *spec, YamlMark mark, Err *err) {
  TuneAxis *axis = new_axis(space, path, mark, err);
  if (!axis) return false;
  int kind = manifest_kind_at(space->root, axis->step, axis->n_steps);
  if (kind < 0) kind = decode_kind_at(&scenario_type, axis->step, axis->n_steps);
  if (!values_read(axis, spec, kind, space->arena, err)) return false;
  space->n_axes++;
  return true;
}

bool space_add_values(TuneSpace *space, const char *path, const Yaml *const *value, size_t n, YamlMark mark, Err *err) {
  TuneAxis *axis = new_axis(space, path, mark, err);
  if (!axis) return false;
  axis->value = ARENA_ARRAY(space->arena, const Yaml *, n);
  for (size_t k = 0; k < n; k++) axis->value[k] = value[k];
  axis->count = (uint32_t)n;
  values_order(axis);
  space->n_axes++;
  return true;
}

static const char *last_words(const TuneAxis *axis, size_t words, Arena *arena) {
  Text text = {.arena = arena};
  size_t first = axis->n_steps > words ? axis->n_steps - words : 0;
  while (first > 0 && !axis->step[first].key) first--;
  for (size_t k = first; k < axis->n_steps; k++) {
    if (axis->step[k].key) text_addf(&text, "%s%s", k > first ? "." : "", axis->step[k].key);
    else text_addf(&text, "[%zu]", axis->step[k].index);
  }
  return text.bytes;
}

static bool label_taken(const TuneSpace *space, size_t self) {
  for (size_t a = 0; a < space->n_axes; a++)
    if (a != self && text_equal(space->axis[a].label, space->axis[self].label)) return true;
  return false;
}

bool space_ready(TuneSpace *space, Err *err) {
  if (space->n_axes == 0) return err_add(err, ERR_USAGE, "nothing to tune: --over PATH=50%%..90%%, or `tune: {over: ...}` in the scenario");
  for (size_t words = 1; words <= YAML_DEPTH_MOST; words++) {
    bool unique = true;
    for (size_t a = 0; a < space->n_axes; a++)
      if (words == 1 || label_taken(space, a)) space->axis[a].label = last_words(&space->axis[a], words, space->arena);
    for (size_t a = 0; a < space->n_axes; a++) unique &= !label_taken(space, a);
    if (unique) break;
  }
  uint32_t as_written[TUNE_AXES_MOST];
  for (size_t a = 0; a < TUNE_AXES_MOST; a++) as_written[a] = VALUE_AS_WRITTEN;
  space_design(space, as_written);
  return true;
}

/* ---- designs ---- */

static size_t *bucket_of(TuneSpace *space, const uint32_t *value) {
  size_t at = (size_t)hash_bytes(0, value, space->n_axes * sizeof *value) % space->n_buckets;
  while (space->bucket[at] && memcmp(space_values(space, space->bucket[at] - 1), value, space->n_axes * sizeof *value) != 0) at = (at + 1) % space->n_buckets;
  return &space->bucket[at];
}

static void grow(TuneSpace *space) {
  size_t capacity = space->capacity ? 2 * space->capacity : 64;
  space->design = arena_grow(space->arena, space->design, space->n_designs * space->n_axes, capacity * space->n_axes, sizeof *space->design);
  space->capacity = capacity;
  space->n_buckets = 2 * capacity + 1;
  space->bucket = ARENA_ARRAY(space->arena, size_t, space->n_buckets);
  for (size_t k = 0; k < space->n_designs; k++) *bucket_of(space, space_values(space, k)) = k + 1;
}

size_t space_design(TuneSpace *space, const uint32_t *value) {
  if (space->n_designs == space->capacity) grow(space);
  size_t *bucket = bucket_of(space, value);
  if (*bucket) return *bucket - 1;
  memcpy(space->design + space->n_designs * space->n_axes, value, space->n_axes * sizeof *value);
  *bucket = ++space->n_designs;
  return space->n_designs - 1;
}

const uint32_t *space_values(const TuneSpace *space, size_t design) { return space->design + design * space->n_axes; }

size_t space_design_at(TuneSpace *space, double *x) {
  uint32_t value[TUNE_AXES_MOST];
  for (size_t a = 0; a < space->n_axes; a++) {
    double count = (double)space->axis[a].count, k = floor(x[a] * count);
    k = k < 0 ? 0 : k >= count ? count - 1 : k;
    value[a] = (uint32_t)k;
    x[a] = (k + 0.5) / count;
  }
  return space_design(space, value);
}

size_t space_design_on_grid(TuneSpace *space, double *x) {
  uint32_t value[TUNE_AXES_MOST];
  for (size_t a = 0; a < space->n_axes; a++) {
    uint32_t last = space->axis[a].count - 1;
    value[a] = (uint32_t)llround(x[a] * last);
    x[a] = last ? (double)value[a] / last : 0.5;
  }
  return space_design(space, value);
}

uint64_t space_grid_size(const TuneSpace *space, uint32_t of_range) {
  uint64_t size = 1;
  for (size_t a = 0; a < space->n_axes; a++) {
    const TuneAxis *axis = &space->axis[a];
    size *= axis->any_value && axis->count > of_range ? of_range : axis->count;
    if (size > UINT64_C(1) << 40) return UINT64_C(1) << 40;
  }
  return size;
}

size_t space_grid(TuneSpace *space, uint32_t of_range, size_t most, size_t **design, Arena *arena) {
  uint64_t size = space_grid_size(space, of_range);
  size_t n = size < most ? (size_t)size : most, found = 0;
  *design = ARENA_ARRAY(arena, size_t, n);
  if (size <= most) {
    for (size_t k = 0; k < n; k++) {
      uint32_t value[TUNE_AXES_MOST];
      size_t rest = k;
      for (size_t a = space->n_axes; a-- > 0;) {
        const TuneAxis *axis = &space->axis[a];
        uint32_t count = axis->any_value && axis->count > of_range ? of_range : axis->count, v = (uint32_t)(rest % count);
        rest /= count;
        value[a] = count == axis->count ? v : (uint32_t)((uint64_t)v * (axis->count - 1) / (count - 1));
      }
      (*design)[found++] = space_design(space, value);
    }
    return found;
  }
  size_t points = 4 * n;
  double *x = ARENA_ARRAY(arena, double, points * space->n_axes);
  bool *taken = ARENA_ARRAY(arena, bool, points + space->n_designs + 1);
  cube_points(x, points, space->n_axes, arena);
  for (size_t k = 0; k < points && found < n; k++) {
    size_t d = space_design_at(space, x + k * space->n_axes);
    if (!taken[d]) (*design)[found++] = d;
    taken[d] = true;
  }
  return found;
}

/* ---- words and trees ---- */

const Yaml *axis_yaml(const TuneAxis *axis, uint32_t value, Arena *arena) {
  if (axis->value) return axis->value[value];
  Yaml *node = ARENA_NEW(arena, Yaml);
  *node = (Yaml){.kind = YAML_SCALAR, .plain = true, .height = 1, .weight = 1, .mark = axis->mark, .text = values_text(axis, value, arena)};
  return node;
}

/* What the scenario says at the axis's path, or NULL. */
static const Yaml *as_written(const Yaml *node, const TuneAxis *axis) {
  for (size_t k = 0; node && k < axis->n_steps; k++) {
    const YamlStep *step = &axis->step[k];
    const YamlEntry *entry = step->key ? yaml_entry(node, step->key) : node->kind == YAML_LIST && step->index < node->count ? &node->entry[step->index] : NULL;
    node = entry ? entry->value : NULL;
  }
  return node;
}

const char *space_text(const TuneSpace *space, size_t a, uint32_t value, Arena *arena) {
  const TuneAxis *axis = &space->axis[a];
  const Yaml *node = value == VALUE_AS_WRITTEN ? as_written(space->root, axis) : axis_yaml(axis, value, arena);
  if (!node) return "default";
  if (node->kind == YAML_SCALAR) return node->text;
  Text text = {.arena = arena};
  yaml_write(node, &text);
  return text.bytes;
}

const Yaml *space_apply(const TuneSpace *space, const Yaml *root, const uint32_t *value, Arena *arena, Err *err) {
  for (size_t a = 0; a < space->n_axes; a++) {
    const TuneAxis *axis = &space->axis[a];
    const char *why;
    if (value[a] == VALUE_AS_WRITTEN) continue;
    const Yaml *edited = yaml_with(root, axis->step, axis->n_steps, axis_yaml(axis, value[a], arena), arena, &why);
    if (!edited) {
      yaml_error(err, ERR_SCENARIO, axis->mark, "cannot set %.150s: %s", axis->path, why);
      return NULL;
    }
    root = edited;
  }
  return root;
}

static const char *joined(const TuneSpace *space, size_t design, bool paths, Arena *arena) {
  Text text = {.arena = arena};
  const uint32_t *value = space_values(space, design);
  text_addf(&text, "%s", "");
  for (size_t a = 0; a < space->n_axes; a++) {
    if (value[a] == VALUE_AS_WRITTEN && paths) continue;
    const char *written = space_text(space, a, value[a], arena);
    if (paths) text_addf(&text, "%s=%s\n", space->axis[a].path, written);
    else text_addf(&text, "%s%s = %s", a ? ", " : "", space->axis[a].label, written);
  }
  return text.bytes;
}

const char *space_name(const TuneSpace *space, size_t design, Arena *arena) { return joined(space, design, false, arena); }
const char *space_key(const TuneSpace *space, size_t design, Arena *arena) { return joined(space, design, true, arena); }
