/* Opening a sweep: the document, point 0, and every value of every axis once, so that a run cannot meet a value that does not decode
 * (only combinations of several axes are left to chance). Decoding a point edits the shared tree by overlays, in any thread. */
#include "sim/lab/sweep.h"

#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/lab/catalogue.h"
#include "sim/lab/conditions.h"
#include "sim/lab/decode.h"
#include "sim/lab/document.h"
#include "sim/lab/manifest.h"
#include "sim/lab/sweep_parameters.h"

/* Numbers of runs stay exact as doubles, in progress and in results. */
#define RUNS_MOST (UINT64_C(1) << 53)

uint64_t sweep_axis_value(const Sweep *sweep, uint64_t point, uint32_t axis) {
  for (uint32_t a = sweep->n_axes; a-- > axis + 1;) point /= sweep->axis_count[a];
  return point % sweep->axis_count[axis];
}

void sweep_want_least(Sweep *sweep) {
  sweep->wanted = ARENA_ARRAY(sweep->arena, uint32_t, sweep->n_points);
  for (uint64_t p = 0; p < sweep->n_points; p++) sweep->wanted[p] = sweep_least_replications(sweep);
}

uint64_t sweep_next_wanted(const Sweep *sweep, uint64_t run) {
  while (run < sweep->n_runs && !sweep_run_wanted(sweep, run)) run += sweep->n_replications - sweep_run_replication(sweep, run);
  return run;
}

uint64_t sweep_wanted_runs(const Sweep *sweep) {
  uint64_t runs = 0;
  if (!sweep->wanted) return sweep->n_runs;
  for (uint64_t p = 0; p < sweep->n_points; p++) runs += (uint64_t)sweep->wanted[p] * sweep->n_strategies;
  return runs;
}

/* ---- decoding ---- */

static bool decode_root(const Sweep *sweep, const Yaml *root, const char *strategy, Arena *arena, Scenario *scenario, Err *err) {
  Decoder decoder = {.arena = arena, .err = err, .inputs = &sweep->document->inputs};
  root = manifest_expand(root, strategy, &sweep->document->catalogue, arena, err);
  return root && decode_scenario(&decoder, root, &sweep->document->catalogue, scenario);
}

/* Says at which values of the axes an error appeared; an error at a value itself says so already. */
static void note_point(const Sweep *sweep, uint64_t point, size_t first, Err *err) {
  if (point == 0) return; /* what is wrong there is most likely wrong everywhere */
  for (size_t k = first; k < err->count && k < ERR_ITEMS; k++) {
    ErrItem *item = &err->item[k];
    for (size_t p = 0; p < sweep->n_parameters; p++) {
      const SweepParameter *parameter = &sweep->parameter[p];
      if (sweep_axis_value(sweep, point, parameter->axis) == 0) continue;
      size_t length = strlen(item->message), room = sizeof item->message - length;
      char note[160];
      int n = snprintf(note, sizeof note, "\n      = where %.60s is %.60s", parameter->path,
                       parameter->value[sweep_axis_value(sweep, point, parameter->axis)]);
      if (n > 0 && (size_t)n < sizeof note && (size_t)n < room) memcpy(item->message + length, note, (size_t)n + 1);
    }
  }
}

static bool decode_point(const Sweep *sweep, uint64_t point, const char *strategy, Arena *arena, Scenario *scenario, Err *err) {
  const Yaml *root = sweep->document->root;
  size_t first = err->count;
  for (uint32_t a = 0; a < sweep->n_axes && root; a++)
    root = axis_apply(sweep->document, &sweep->document->axis[a], sweep_axis_value(sweep, point, a), root, arena, err);
  if (!root) return false;
  if (decode_root(sweep, root, strategy, arena, scenario, err)) return true;
  note_point(sweep, point, first, err);
  return false;
}

bool sweep_point(const Sweep *sweep, uint64_t point, Arena *arena, Scenario *scenario, Err *err) {
  return decode_point(sweep, point, NULL, arena, scenario, err);
}

bool sweep_point_of(const Sweep *sweep, uint64_t point, uint32_t strategy, Arena *arena, Scenario *scenario, Err *err) {
  return decode_point(sweep, point, sweep->has_manifests ? sweep->strategy[strategy] : NULL, arena, scenario, err);
}

/* A point as each strategy sees it, where they may differ. */
static bool check_strategies(const Sweep *sweep, uint64_t point, Err *err) {
  bool good = true;
  for (uint32_t k = 0; sweep->has_manifests && k < sweep->n_strategies && err->count < ERR_ITEMS; k++) {
    Arena arena = {.exhausted = sweep->arena->exhausted};
    Scenario scenario;
    good &= sweep_point_of(sweep, point, k, &arena, &scenario, err);
    arena_free(&arena);
  }
  return good;
}

/* ---- checks of the axes ---- */

typedef struct Names {
  const char *what;
  const char *const *name;
  size_t count;
} Names;

/* Every item of a map begins with its name. */
static const char *const *names_of(const List *list, size_t item_bytes, Arena *arena) {
  const char **names = ARENA_ARRAY(arena, const char *, list->count);
  for (size_t k = 0; k < list->count; k++) {
    const char *name = *(const char *const *)(const void *)((const char *)list->item + k * item_bytes);
    names[k] = arena_text(arena, name, strlen(name));
  }
  return names;
}

static bool same_names(const Names *first, const Names *now, YamlMark mark, Err *err) {
  bool same = first->count == now->count;
  for (size_t k = 0; same && k < first->count; k++) same = text_equal(first->name[k], now->name[k]);
  return same || yaml_error(err, ERR_SCENARIO, mark, "this value changes which %s there are; all points of a sweep share them", first->what);
}

static bool same_shape(const Sweep *sweep, const Scenario *now, YamlMark mark, Arena *arena, Err *err) {
  const Names first[4] = {{"deployments", sweep->deployment, sweep->n_deployments},
                          {"pools", sweep->pool, sweep->n_pools},
                          {"strategies", sweep->strategy, sweep->n_strategies},
                          {"training queues", sweep->queue, sweep->n_queues}};
  const Names other[4] = {{NULL, names_of(&now->deployments, sizeof(DeploymentSpec), arena), now->deployments.count},
                          {NULL, names_of(&now->cluster.pools, sizeof(PoolSpec), arena), now->cluster.pools.count},
                          {NULL, names_of(&now->strategies, sizeof(StrategySpec), arena), now->strategies.count},
                          {NULL, names_of(&now->training, sizeof(TrainingSpec), arena), now->training.count}};
  for (int k = 0; k < 4; k++)
    if (!same_names(&first[k], &other[k], mark, err)) return false;
  return true;
}

/* How runs become intervals is one matter for all points. */
static bool same_statistics(const Sweep *sweep, const Scenario *now, YamlMark mark, Err *err) {
  const Scenario *first = sweep->first;
  bool same = now->replications == first->replications && now->antithetic == first->antithetic && now->batches == first->batches &&
              now->precision.max_replications == first->precision.max_replications && text_equal(now->precision.metric ? now->precision.metric : "", first->precision.metric ? first->precision.metric : "") &&
              now->precision.relative_ratio == first->precision.relative_ratio && now->precision.absolute == first->precision.absolute;
  return same || yaml_error(err, ERR_SCENARIO, mark, "this value changes replications, antithetic, batches or precision; all points of a sweep share them");
}

static uint64_t point_of(const Sweep *sweep, uint32_t axis, uint64_t value) {
  for (uint32_t a = axis + 1; a < sweep->n_axes; a++) value *= sweep->axis_count[a];
  return value;
}

/* Each value of each axis, the others at their first. */
static bool check_values(const Sweep *sweep, Err *err) {
  bool good = true;
  for (uint32_t a = 0; a < sweep->n_axes; a++)
    for (uint64_t v = 1; v < sweep->axis_count[a] && err->count < ERR_ITEMS; v++) {
      Arena arena = {.exhausted = sweep->arena->exhausted};
      Scenario scenario;
      YamlMark mark = sweep->document->axis[a].values->entry[v].value->mark;
      bool decoded = sweep_point(sweep, point_of(sweep, a, v), &arena, &scenario, err);
      good &= decoded && same_shape(sweep, &scenario, mark, &arena, err) && same_statistics(sweep, &scenario, mark, err);
      if (good) good = check_strategies(sweep, point_of(sweep, a, v), err);
      arena_free(&arena);
    }
  return good;
}

/* ---- opening ---- */

static bool count_runs(Sweep *sweep, Err *err) {
  uint64_t runs = (uint64_t)sweep->n_strategies * sweep->n_replications;
  for (uint32_t a = 0; a < sweep->n_axes; a++)
    if (__builtin_mul_overflow(runs, sweep->axis_count[a], &runs) || runs > RUNS_MOST)
      return yaml_error(err, ERR_SCENARIO, sweep->document->axis[a].mark, "the axes make more than 2^53 runs");
  sweep->n_runs = runs;
  if (sweep->first->precision.metric) sweep_want_least(sweep);
  return true;
}

static void begin_axes(Sweep *sweep) {
  const Document *document = sweep->document;
  sweep->n_axes = (uint32_t)document->n_axes;
  sweep->axis_count = ARENA_ARRAY(sweep->arena, uint64_t, sweep->n_axes);
  sweep->n_points = 1;
  for (uint32_t a = 0; a < sweep->n_axes; a++) {
    sweep->axis_count[a] = document->axis[a].values->count;
    if (sweep->n_points < RUNS_MOST) sweep->n_points *= sweep->axis_count[a];
  }
}

static void describe_first(Sweep *sweep, const Scenario *first) {
  sweep->first = first;
  sweep->name = first->name;
  bool precise = first->precision.metric != NULL;
  sweep->n_replications = (uint32_t)(precise ? first->precision.max_replications : first->replications);
  sweep->deployment = names_of(&first->deployments, sizeof(DeploymentSpec), sweep->arena);
  sweep->n_deployments = first->deployments.count;
  sweep->pool = names_of(&first->cluster.pools, sizeof(PoolSpec), sweep->arena);
  sweep->n_pools = first->cluster.pools.count;
  sweep->queue = names_of(&first->training, sizeof(TrainingSpec), sweep->arena);
  sweep->n_queues = first->training.count;
  sweep->strategy = names_of(&first->strategies, sizeof(StrategySpec), sweep->arena);
  sweep->n_strategies = (uint32_t)first->strategies.count;
  sweep->conditional_on = conditions_text(sweep, sweep->arena);
}

static void add_comment(Text *text, const char *what, const char *value) {
  text_addf(text, "# %s ", what);
  for (const char *c = value; *c; c++) {
    if (*c == '\n') text_addf(text, "\n#   ");
    else text_add(text, c, 1);
  }
  text_addf(text, "\n");
}

/* The identity of a sweep: what the file says and how it was edited, not where it lies. Manifests are inputs. */
static void effective_text(Sweep *sweep, const SweepEdits *edits) {
  const YamlSource *source = &sweep->document->source;
  Text text = {.arena = sweep->arena};
  text_add(&text, source->text, source->length);
  bool any = edits->n_set > 0 || edits->n_manifests > 0 || edits->strategies_only;
  if (any && source->length > 0 && source->text[source->length - 1] != '\n') text_add(&text, "\n", 1);
  for (size_t k = 0; k < edits->n_manifests; k++) add_comment(&text, "-f", edits->manifest[k]);
  for (size_t k = 0; k < edits->n_set; k++) add_comment(&text, "--set", edits->set[k]);
  if (edits->strategies_only) text_addf(&text, "# --strategies %s\n", edits->strategies_only);
  sweep->text = text.bytes;
  sha256_hex(text.bytes, text.length, sweep->sha256);
}

/* Do strategies have manifests, at any point? */
static bool may_have_manifests(const Document *document) {
  for (size_t a = 0; a < document->n_axes; a++)
    for (size_t p = 0; p < document->axis[a].n_paths; p++) {
      const AxisPath *path = &document->axis[a].path[p];
      bool scalars = true;
      for (size_t v = 0; v < document->axis[a].values->count; v++) scalars &= axis_value(&document->axis[a], v, p)->kind == YAML_SCALAR;
      if (text_equal(path->step[0].key, "strategies") && (!scalars || manifest_path_names(path->step, path->n_steps))) return true;
    }
  return manifest_any(document->root);
}

bool sweep_open_edited(Sweep *sweep, Arena *arena, const char *path, const SweepEdits *edits, Err *err) {
  memset(sweep, 0, sizeof *sweep);
  Document *document = ARENA_NEW(arena, Document);
  sweep->arena = arena;
  sweep->document = document;
  sweep->path = path;
  if (!catalogue_load(&document->catalogue, NULL, arena, err)) return false;
  if (!document_open(document, path, edits, arena, err)) return false;
  begin_axes(sweep);
  Scenario *first = ARENA_NEW(arena, Scenario);
  if (!parameters_describe(sweep, err) || !sweep_point(sweep, 0, arena, first, err)) return false;
  describe_first(sweep, first);
  sweep->has_manifests = may_have_manifests(document);
  effective_text(sweep, edits);
  if (!count_runs(sweep, err) || !check_strategies(sweep, 0, err) || !check_values(sweep, err)) return false;
  document->inputs.closed = true;
  sweep->input = document->inputs.input;
  sweep->n_inputs = document->inputs.n_inputs;
  return true;
}

bool sweep_open(Sweep *sweep, Arena *arena, const char *path, const char *const *set, size_t n_set, const char *strategies_only, Err *err) {
  return sweep_open_edited(sweep, arena, path, &(SweepEdits){.set = set, .n_set = n_set, .strategies_only = strategies_only}, err);
}

/* All memory is the arena's, which the caller frees. */
void sweep_close(Sweep *sweep) { memset(sweep, 0, sizeof *sweep); }
