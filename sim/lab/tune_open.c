/* What is asked of a tuning: options of the command line before `tune:` of the scenario, then the defaults. */
#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/contract/trace_data.h"
#include "sim/core/time.h"
#include "sim/lab/decode.h"
#include "sim/lab/tune.h"

enum { HALVING_VALUES = 50, GUARANTEE_VALUES = 11, LEAST_BUDGET = 400, RUNS_A_DESIGN = 20, DESIGNS_MOST = 4096 };
#define TRACE_DAYS_NS (3 * INT64_C(86400) * NS_PER_S)

/* ---- options over the block ---- */

static const Yaml *scalar(const char *option, const char *text, Arena *arena) {
  YamlSource *source = ARENA_NEW(arena, YamlSource);
  *source = (YamlSource){.name = arena_format(arena, "--%s %s", option, text), .text = text, .length = strlen(text)};
  Yaml *node = ARENA_NEW(arena, Yaml);
  *node = (Yaml){.kind = YAML_SCALAR, .plain = true, .height = 1, .weight = 1, .mark = {source, 0}, .text = text};
  return node;
}

static const Yaml *put(const Yaml *map, const char *key, const Yaml *value, Arena *arena) {
  const YamlStep step = {key, 0};
  const char *why;
  return yaml_with(map, &step, 1, value, arena, &why);
}

static bool is_rival(const char *key, const void *context) {
  (void)context;
  return text_equal(key, "minimize") || text_equal(key, "maximize");
}

static const Yaml *with_options(const Yaml *map, const TuneRequest *r, Arena *arena) {
  const struct { const char *key, *option, *text; } given[] = {
      {"minimize", "minimize", r->minimize},         {"maximize", "maximize", r->maximize},    {"strategy", "strategy", r->strategy},
      {"method", "method", r->method},               {"budget", "budget", r->budget},          {"guarantee", "guarantee", r->guarantee},
      {"indifference", "indifference", r->indifference}, {"tolerance", "tolerance", r->tolerance}, {"holdout", "holdout", r->holdout},
      {"confirm", "confirm", r->confirm}};
  if (map && map->kind == YAML_MAP && (r->minimize || r->maximize)) map = yaml_without(map, is_rival, NULL, arena);
  for (size_t k = 0; k < sizeof given / sizeof *given; k++)
    if (given[k].text) map = put(map, given[k].key, scalar(given[k].option, given[k].text, arena), arena);
  return map;
}

static bool read_spec(Tune *tune, const TuneRequest *request, Err *err) {
  const YamlEntry *entry = yaml_entry(tune->sweep->document->root, "tune");
  const Yaml *map = with_options(entry && !yaml_is_null(entry->value) ? entry->value : NULL, request, tune->arena);
  Yaml *empty = ARENA_NEW(tune->arena, Yaml);
  *empty = (Yaml){.kind = YAML_MAP, .height = 1, .weight = 1, .mark = tune->sweep->document->root->mark};
  Decoder decoder = {.arena = tune->arena, .err = err, .inputs = &tune->sweep->document->inputs};
  return decode_type(&decoder, &tune_type, map ? map : empty, map ? map->mark : empty->mark, &tune->spec);
}

/* ---- thresholds ---- */

static bool add_over(TuneSpace *space, const char *over, Arena *arena, Err *err) {
  const char *equals = strchr(over, '=');
  YamlSource *source = ARENA_NEW(arena, YamlSource);
  *source = (YamlSource){.name = arena_format(arena, "--over %s", over), .text = over, .length = strlen(over)};
  if (!equals || equals == over) return err_add(err, ERR_USAGE, "--over %.100s: write --over PATH=50%%..90%%, or PATH={a,b,c}", over);
  return space_add(space, arena_text(arena, over, (size_t)(equals - over)), equals + 1, (YamlMark){source, 0}, err);
}

static bool add_spec(TuneSpace *space, const TuneAxisSpec *axis, YamlMark mark, Arena *arena, Err *err) {
  if (axis->range) return space_add(space, axis->set, axis->range, mark, err);
  const Yaml **value = ARENA_ARRAY(arena, const Yaml *, axis->values.count);
  for (size_t k = 0; k < axis->values.count; k++) {
    Yaml *node = ARENA_NEW(arena, Yaml);
    *node = (Yaml){.kind = YAML_SCALAR, .plain = true, .height = 1, .weight = 1, .mark = mark, .text = LIST_AT(axis->values, const TextItem, k)->text};
    value[k] = node;
  }
  return space_add_values(space, axis->set, value, axis->values.count, mark, err);
}

static bool add_axis(TuneSpace *space, const Axis *axis, Arena *arena, Err *err) {
  if (axis->n_paths > 1) return yaml_error(err, ERR_SCENARIO, axis->mark, "an axis that sets several paths cannot be tuned");
  const Yaml **value = ARENA_ARRAY(arena, const Yaml *, axis->values->count);
  for (size_t k = 0; k < axis->values->count; k++) value[k] = axis_value(axis, k, 0);
  return space_add_values(space, axis->path[0].path, value, axis->values->count, axis->mark, err);
}

static bool add_axes(TuneSpace *space, const Sweep *sweep, const TuneRequest *request, const TuneSpec *spec, Arena *arena, Err *err) {
  const Document *document = sweep->document;
  bool good = true;
  YamlMark mark = document->root->mark;
  (void)yaml_find(document->root, "tune.over", &mark);
  for (size_t k = 0; k < request->n_over; k++) good &= add_over(space, request->over[k], arena, err);
  for (size_t k = 0; k < spec->over.count && request->n_over == 0; k++) good &= add_spec(space, LIST_AT(spec->over, const TuneAxisSpec, k), mark, arena, err);
  for (size_t k = 0; k < document->n_axes && request->n_over + spec->over.count == 0; k++) good &= add_axis(space, &document->axis[k], arena, err);
  return good && space_ready(space, err);
}

/* The strategy that the paths name, if they name one. */
static const char *named_strategy(const TuneSpace *space) {
  const char *name = NULL;
  for (size_t a = 0; a < space->n_axes; a++) {
    const TuneAxis *axis = &space->axis[a];
    if (axis->n_steps < 2 || !text_equal(axis->step[0].key, "strategies") || !axis->step[1].key) continue;
    if (name && !text_equal(name, axis->step[1].key)) return NULL;
    name = axis->step[1].key;
  }
  return name;
}

static bool find_strategy(const TuneSpace *space, const Sweep *sweep, const char *name, uint32_t *strategy, Err *err) {
  if (!name) name = sweep->n_strategies == 1 ? sweep->strategy[0] : named_strategy(space);
  if (!name) return err_add(err, ERR_USAGE, "which strategy? Name it with --strategy");
  for (*strategy = 0; *strategy < sweep->n_strategies; ++*strategy)
    if (text_equal(sweep->strategy[*strategy], name)) return true;
  const char *near = text_nearest(name, sweep->strategy, sweep->n_strategies);
  return err_add(err, ERR_USAGE, "no strategy `%.60s`%s%s%s", name, near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
}

bool tune_space_open(TuneSpace *space, const Sweep *sweep, const TuneRequest *request, const TuneSpec *spec, uint32_t *strategy, Arena *arena, Err *err) {
  *space = (TuneSpace){.arena = arena, .root = sweep->document->root};
  return add_axes(space, sweep, request, spec, arena, err) && find_strategy(space, sweep, spec->strategy, strategy, err);
}

/* ---- metrics ---- */

static bool read_metrics(Tune *tune, const TuneRequest *request, Err *err) {
  const TuneSpec *spec = &tune->spec;
  const char *name = spec->minimize ? spec->minimize : spec->maximize;
  if (!name) return err_add(err, ERR_USAGE, "what is to be best? --minimize cost_usd, or --maximize METRIC");
  size_t n = request->n_subject_to ? request->n_subject_to : spec->subject_to.count, capacity = 1 + n * tune->sweep->n_deployments;
  tune->metric = ARENA_ARRAY(tune->arena, TuneMetric, capacity);
  if (!metric_read(&tune->metric[0], name, tune->sweep, tune->arena, err)) return false;
  tune->metric[0].sign = spec->minimize ? 1 : -1;
  tune->n_metrics = 1;
  for (size_t k = 0; k < n; k++) {
    const char *text = request->n_subject_to ? request->subject_to[k] : LIST_AT(spec->subject_to, const TextItem, k)->text;
    TuneMetric *found;
    size_t count;
    if (!constraint_read(text, tune->sweep, &found, &count, tune->arena, err)) return false;
    for (size_t j = 0; j < count; j++) tune->metric[tune->n_metrics++] = found[j];
  }
  return true;
}

/* "1%" of `whole`, or a plain figure. */
static bool read_margin(const char *option, const char *text, double whole, double *margin, Err *err) {
  const char *why;
  size_t n = strlen(text);
  bool share = n > 0 && text[n - 1] == '%';
  bool good = share ? parse_ratio(text, margin, &why) : parse_number(text, margin, &why);
  if (share) *margin *= fabs(whole);
  return (good && *margin > 0) || err_add(err, ERR_USAGE, "--%s %.40s: a share (1%%) or a number above 0 is wanted", option, text);
}

/* A share of a bound; of a ratio near 1 what is missing to 1 counts ten times as much: 0.1 % of 0.99. */
static bool read_tolerances(Tune *tune, Err *err) {
  for (size_t k = 1; k < tune->n_metrics; k++) {
    TuneMetric *m = &tune->metric[k];
    if (m->tolerance > 0) continue;
    bool ratio = m->unit[0] == '1' && m->bound > 0.5 && m->bound < 1;
    double whole = ratio && 10 * (1 - m->bound) < m->bound ? 10 * (1 - m->bound) : m->bound;
    if (!read_margin("tolerance", tune->spec.tolerance, whole, &m->tolerance, err)) return false;
  }
  return true;
}

/* ---- what is held out ---- */

/* Does a trace of more than three days drive the scenario? Its parameters hold a trace file, whatever the model is. */
static bool has_long_trace(const Scenario *scenario) {
  for (size_t d = 0; d < scenario->deployments.count; d++) {
    const ModelRef *arrivals = &scenario_deployment(scenario, d)->workload.arrivals;
    for (size_t f = 0; arrivals->model && f < arrivals->model->params->n_fields; f++) {
      const Field *field = &arrivals->model->params->field[f];
      if (field->sub != &trace_file_type) continue;
      const TraceFile *trace = (const TraceFile *)(const void *)((const char *)arrivals->params + field->offset);
      if (trace->data && trace->data->span_ns > TRACE_DAYS_NS && scenario->horizon_ns > TRACE_DAYS_NS) return true;
    }
  }
  return false;
}

static bool read_holdout(Tune *tune, Err *err) {
  const Scenario *scenario = tune->sweep->first;
  const char *text = tune->spec.holdout, *why;
  if (!text) tune->holdout_ns = has_long_trace(scenario) ? scenario->horizon_ns / 7 * 2 : 0;
  else if (!text_equal(text, "none") && !parse_duration_ns(text, &tune->holdout_ns, &why))
    return err_add(err, ERR_USAGE, "--holdout %.40s: a duration (2d) or none is wanted", text);
  if (tune->holdout_ns >= 0 && scenario->horizon_ns - tune->holdout_ns > scenario->warmup_ns) return true;
  return err_add(err, ERR_USAGE, "--holdout leaves nothing of the horizon to tune on");
}

static const Yaml *with_duration(const Yaml *root, const char *key, int64_t ns, Arena *arena) {
  char text[64];
  format_duration(text, ns);
  return put(root, key, scalar("holdout", arena_text(arena, text, strlen(text)), arena), arena);
}

const Yaml *tune_root(const Sweep *sweep, Arena *arena) {
  const Yaml *root = sweep->document->root;
  return sweep->first->antithetic ? put(root, "antithetic", scalar("antithetic", "false", arena), arena) : root;
}

static void open_windows(Tune *tune) {
  int64_t horizon_ns = tune->sweep->first->horizon_ns, split_ns = horizon_ns - tune->holdout_ns;
  const Yaml *root = tune_root(tune->sweep, tune->arena), *early = root, *late = root;
  if (tune->holdout_ns > 0) {
    early = with_duration(root, "horizon", split_ns, tune->arena);
    late = with_duration(root, "warmup", split_ns, tune->arena);
  }
  tune->tuning = (TuneWindow){&tune->engine, early, arena_format(tune->arena, "tune %lld", (long long)tune->holdout_ns), tune->metric, tune->n_metrics};
  tune->judging = (TuneWindow){&tune->engine, late, arena_format(tune->arena, tune->holdout_ns ? "judge %lld" : "tune %lld", (long long)tune->holdout_ns), tune->metric, tune->n_metrics};
  double *scale = ARENA_ARRAY(tune->arena, double, tune->n_metrics);
  for (size_t k = 1; k < tune->n_metrics; k++) scale[k - 1] = tune->metric[k].bound != 0 ? fabs(tune->metric[k].bound) : 1;
  tune->tuning_problem = (TuneProblem){tune->n_metrics - 1, scale, engine_evaluate, &tune->tuning};
  tune->judging_problem = (TuneProblem){tune->n_metrics - 1, scale, engine_evaluate, &tune->judging};
}

/* ---- budget ---- */

static bool any_range(const TuneSpace *space) {
  for (size_t a = 0; a < space->n_axes; a++)
    if (space->axis[a].any_value) return true;
  return false;
}

static void open_budget(Tune *tune) {
  const TuneSpec *spec = &tune->spec;
  TuneMethod method = (TuneMethod)spec->method;
  tune->search = spec->guarantee_ratio > 0 ? SEARCH_GUARANTEE : method == TUNE_MODEL || (method == TUNE_AUTO && any_range(&tune->space)) ? SEARCH_MODEL : SEARCH_HALVING;
  tune->for_judgement = (uint64_t)spec->confirm * (2 + 4 * tune->space.n_axes);
  uint64_t designs = space_grid_size(&tune->space, HALVING_VALUES);
  if (designs > DESIGNS_MOST) designs = DESIGNS_MOST;
  tune->budget = (uint64_t)spec->budget;
  if (tune->budget == 0 && tune->search != SEARCH_GUARANTEE) {
    uint64_t search = designs * RUNS_A_DESIGN;
    if (tune->search == SEARCH_MODEL || search < LEAST_BUDGET) search = LEAST_BUDGET;
    tune->budget = search + tune->for_judgement;
  }
  if (tune->budget > 0 && tune->for_judgement > tune->budget / 3) tune->for_judgement = tune->budget / 3;
}

/* Each value of a list (of a range: its ends), the others as written: what cannot be is said before anything runs. */
static bool check_values(Tune *tune, Err *err) {
  TuneSpace *space = &tune->space;
  bool good = engine_check(&tune->judging, 0, err);
  for (size_t a = 0; a < space->n_axes; a++)
    for (uint32_t v = 0, step = space->axis[a].value || space->axis[a].count < 2 ? 1 : space->axis[a].count - 1; v < space->axis[a].count && err->count < ERR_ITEMS; v += step) {
      uint32_t value[TUNE_AXES_MOST];
      memcpy(value, space_values(space, 0), sizeof *value * space->n_axes);
      value[a] = v;
      good &= engine_check(&tune->tuning, space_design(space, value), err);
    }
  return good;
}

bool tune_open(Tune *tune, const Sweep *sweep, const TuneRequest *request, Arena *arena, Err *err) {
  *tune = (Tune){.arena = arena, .sweep = sweep};
  if (!read_spec(tune, request, err)) return false;
  if (tune->spec.guarantee_ratio > 0 && tune->spec.method != TUNE_AUTO) return err_add(err, ERR_USAGE, "--guarantee has its own procedure: leave --method out");
  if (!read_metrics(tune, request, err) || !read_tolerances(tune, err) || !read_holdout(tune, err)) return false;
  if (!tune_space_open(&tune->space, sweep, request, &tune->spec, &tune->engine.strategy, arena, err)) return false;
  tune->engine.sweep = sweep;
  tune->engine.space = &tune->space;
  open_windows(tune);
  open_budget(tune);
  return check_values(tune, err);
}
