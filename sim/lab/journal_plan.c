/* See journal_plan.h. Numbers are little-endian, texts are their length and bytes; reading believes no length. */
#include "sim/lab/journal_plan.h"

#include <string.h>

#define PLAN_MAGIC "hrplan1"
enum { PLAN_ITEMS_MOST = 1 << 24 };

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static void put_u64(Text *plan, uint64_t value) { text_add(plan, (const char *)&value, sizeof value); }

static void put_double(Text *plan, double value) { text_add(plan, (const char *)&value, sizeof value); }

static void put_text(Text *plan, const char *text) {
  put_u64(plan, strlen(text));
  text_add(plan, text, strlen(text));
}

static void put_texts(Text *plan, const char *const *text, size_t count) {
  put_u64(plan, count);
  for (size_t k = 0; k < count; k++) put_text(plan, text[k]);
}

static void put_parameter(Text *plan, const Sweep *sweep, const SweepParameter *parameter) {
  uint64_t values = sweep->axis_count[parameter->axis];
  put_text(plan, parameter->name);
  put_text(plan, parameter->path);
  put_text(plan, parameter->unit ? parameter->unit : "1");
  put_u64(plan, parameter->axis);
  put_texts(plan, parameter->value, (size_t)values);
  put_u64(plan, parameter->number != NULL);
  for (uint64_t v = 0; parameter->number && v < values; v++) put_double(plan, parameter->number[v]);
}

static void put_precision(Text *plan, const PrecisionSpec *precision) {
  put_text(plan, precision->metric ? precision->metric : "");
  put_double(plan, precision->relative_ratio);
  put_double(plan, precision->absolute);
  put_u64(plan, (uint64_t)precision->max_replications);
}

Text plan_write(const Sweep *sweep, Arena *arena) {
  Text plan = {.arena = arena};
  const Scenario *first = sweep->first;
  put_text(&plan, PLAN_MAGIC);
  put_text(&plan, sweep->path);
  put_text(&plan, sweep->name);
  put_text(&plan, first->about ? first->about : "");
  put_u64(&plan, (uint64_t)first->seed);
  put_u64(&plan, (uint64_t)first->horizon_ns);
  put_u64(&plan, (uint64_t)first->warmup_ns);
  put_u64(&plan, sweep->n_replications);
  put_u64(&plan, (uint64_t)first->replications);
  put_u64(&plan, first->antithetic);
  put_u64(&plan, (uint64_t)first->batches);
  put_text(&plan, sweep->conditional_on ? sweep->conditional_on : "");
  put_precision(&plan, &first->precision);
  put_u64(&plan, sweep->n_axes);
  for (uint32_t a = 0; a < sweep->n_axes; a++) put_u64(&plan, sweep->axis_count[a]);
  put_u64(&plan, sweep->n_parameters);
  for (size_t k = 0; k < sweep->n_parameters; k++) put_parameter(&plan, sweep, &sweep->parameter[k]);
  put_texts(&plan, sweep->strategy, sweep->n_strategies);
  put_texts(&plan, sweep->pool, sweep->n_pools);
  put_texts(&plan, sweep->queue, sweep->n_queues);
  put_texts(&plan, sweep->deployment, sweep->n_deployments);
  for (size_t d = 0; d < sweep->n_deployments; d++) {
    put_u64(&plan, (uint64_t)scenario_deployment(first, d)->objective.latency_ns);
    put_double(&plan, scenario_deployment(first, d)->objective.attainment_ratio);
  }
  put_u64(&plan, sweep->n_inputs);
  for (size_t k = 0; k < sweep->n_inputs; k++) {
    put_text(&plan, sweep->input[k].path);
    put_text(&plan, sweep->input[k].sha256);
    put_u64(&plan, sweep->input[k].bytes);
  }
  return plan;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

/* After the first thing that does not fit all reads give nothing. */
typedef struct PlanReader {
  const unsigned char *at, *end;
  Arena *arena;
  bool failed;
} PlanReader;

static void take(PlanReader *r, void *into, size_t length) {
  memset(into, 0, length);
  r->failed = r->failed || (size_t)(r->end - r->at) < length;
  if (r->failed) return;
  memcpy(into, r->at, length);
  r->at += length;
}

static uint64_t take_u64(PlanReader *r) {
  uint64_t value;
  take(r, &value, sizeof value);
  return value;
}

static double take_double(PlanReader *r) {
  double value;
  take(r, &value, sizeof value);
  return value;
}

/* A count of things of which each takes a byte at least. */
static size_t take_count(PlanReader *r) {
  uint64_t count = take_u64(r);
  if (count > PLAN_ITEMS_MOST || count > (size_t)(r->end - r->at)) r->failed = true;
  return r->failed ? 0 : (size_t)count;
}

static const char *take_text(PlanReader *r) {
  size_t length = take_count(r);
  const char *text = arena_text(r->arena, (const char *)r->at, length);
  r->at += length;
  return text;
}

static const char *const *take_texts(PlanReader *r, size_t *count) {
  *count = take_count(r);
  const char **text = ARENA_ARRAY(r->arena, const char *, *count);
  for (size_t k = 0; k < *count; k++) text[k] = take_text(r);
  return text;
}

static void take_axes(PlanReader *r, Sweep *sweep) {
  sweep->n_axes = (uint32_t)take_count(r);
  sweep->axis_count = ARENA_ARRAY(r->arena, uint64_t, sweep->n_axes);
  sweep->n_points = 1;
  for (uint32_t a = 0; a < sweep->n_axes; a++) {
    sweep->axis_count[a] = take_u64(r);
    r->failed |= sweep->axis_count[a] == 0 || __builtin_mul_overflow(sweep->n_points, sweep->axis_count[a], &sweep->n_points);
  }
}

static void take_parameters(PlanReader *r, Sweep *sweep) {
  sweep->n_parameters = take_count(r);
  SweepParameter *parameter = ARENA_ARRAY(r->arena, SweepParameter, sweep->n_parameters);
  sweep->parameter = parameter;
  for (size_t k = 0; k < sweep->n_parameters && !r->failed; k++) {
    SweepParameter *p = &parameter[k];
    size_t values;
    p->name = take_text(r);
    p->path = take_text(r);
    p->unit = take_text(r);
    uint64_t axis = take_u64(r);
    p->value = take_texts(r, &values);
    r->failed |= axis >= sweep->n_axes || values != sweep->axis_count[axis];
    if (r->failed) return;
    p->axis = (uint32_t)axis;
    if (!take_u64(r)) continue;
    double *number = ARENA_ARRAY(r->arena, double, values);
    for (size_t v = 0; v < values; v++) number[v] = take_double(r);
    p->number = number;
  }
}

static void take_deployments(PlanReader *r, Sweep *sweep, Scenario *first) {
  sweep->deployment = take_texts(r, &sweep->n_deployments);
  DeploymentSpec *deployment = ARENA_ARRAY(r->arena, DeploymentSpec, sweep->n_deployments);
  for (size_t d = 0; d < sweep->n_deployments; d++) {
    deployment[d].name = sweep->deployment[d];
    deployment[d].objective.latency_ns = (int64_t)take_u64(r);
    deployment[d].objective.attainment_ratio = take_double(r);
  }
  first->deployments = (List){deployment, sweep->n_deployments};
}

static void take_inputs(PlanReader *r, Sweep *sweep) {
  sweep->n_inputs = take_count(r);
  SweepInput *input = ARENA_ARRAY(r->arena, SweepInput, sweep->n_inputs);
  sweep->input = input;
  for (size_t k = 0; k < sweep->n_inputs && !r->failed; k++) {
    input[k].path = take_text(r);
    const char *sha256 = take_text(r);
    r->failed |= strlen(sha256) + 1 > sizeof input[k].sha256;
    if (!r->failed) memcpy(input[k].sha256, sha256, strlen(sha256) + 1);
    input[k].bytes = take_u64(r);
  }
}

/* False where the numbers are none of a scenario. */
static bool take_statistics(PlanReader *r, Sweep *sweep, Scenario *first) {
  uint64_t most = take_u64(r), replications = take_u64(r);
  first->antithetic = take_u64(r) != 0;
  uint64_t batches = take_u64(r);
  sweep->conditional_on = take_text(r);
  const char *metric = take_text(r);
  first->precision.metric = *metric ? metric : NULL;
  first->precision.relative_ratio = take_double(r);
  first->precision.absolute = take_double(r);
  first->precision.max_replications = (__typeof__(first->precision.max_replications))take_u64(r);
  if (r->failed || replications == 0 || replications > most || most > UINT32_MAX || batches > PLAN_ITEMS_MOST) return false;
  sweep->n_replications = (uint32_t)most;
  first->replications = (__typeof__(first->replications))replications;
  first->batches = (__typeof__(first->batches))batches;
  return true;
}

bool plan_read(Sweep *sweep, const void *bytes, size_t length, const char *text, const char *sha256, Arena *arena) {
  PlanReader r = {(const unsigned char *)bytes, (const unsigned char *)bytes + length, arena, false};
  memset(sweep, 0, sizeof *sweep);
  if (strcmp(take_text(&r), PLAN_MAGIC) != 0 || strlen(sha256) + 1 > sizeof sweep->sha256) return false;
  Scenario *first = ARENA_NEW(arena, Scenario);
  sweep->arena = arena;
  sweep->first = first;
  sweep->text = text;
  memcpy(sweep->sha256, sha256, strlen(sha256) + 1);
  sweep->path = take_text(&r);
  first->name = sweep->name = take_text(&r);
  first->about = take_text(&r);
  first->seed = (__typeof__(first->seed))take_u64(&r);
  first->horizon_ns = (int64_t)take_u64(&r);
  first->warmup_ns = (int64_t)take_u64(&r);
  if (!take_statistics(&r, sweep, first)) return false;
  take_axes(&r, sweep);
  take_parameters(&r, sweep);
  size_t strategies;
  sweep->strategy = take_texts(&r, &strategies);
  sweep->pool = take_texts(&r, &sweep->n_pools);
  sweep->queue = take_texts(&r, &sweep->n_queues);
  take_deployments(&r, sweep, first);
  take_inputs(&r, sweep);
  if (r.failed || r.at != r.end || strategies == 0) return false;
  sweep->n_strategies = (uint32_t)strategies;
  return !__builtin_mul_overflow(sweep->n_points, (uint64_t)sweep->n_replications * strategies, &sweep->n_runs);
}
