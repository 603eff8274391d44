/* See fake_sweep.h. */
#include "tests/support/fake_sweep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *names(Arena *arena, const char *what, size_t k) { return arena_format(arena, "%s-%zu", what, k); }

static void fake_parameters(Sweep *sweep, Arena *arena, uint64_t points) {
  sweep->n_axes = 2;
  sweep->axis_count = ARENA_ARRAY(arena, uint64_t, 2);
  sweep->axis_count[0] = points / 2;
  sweep->axis_count[1] = 2;
  SweepParameter *parameter = ARENA_ARRAY(arena, SweepParameter, 2);
  const char **text = ARENA_ARRAY(arena, const char *, points / 2);
  double *number = ARENA_ARRAY(arena, double, points / 2);
  for (uint64_t k = 0; k < points / 2; k++) {
    number[k] = 0.5 + 0.25 * (double)k;
    text[k] = arena_format(arena, "%g", number[k]);
  }
  const char **word = ARENA_ARRAY(arena, const char *, 2);
  word[0] = "10Gi";
  word[1] = "größer"; /* UTF-8 */
  parameter[0] = (SweepParameter){"threshold", "strategies.rule.threshold", 0, text, number, "1"};
  parameter[1] = (SweepParameter){"size limit", "strategies.rule.limit", 1, word, NULL, "1"};
  sweep->parameter = parameter;
  sweep->n_parameters = 2;
  sweep->n_points = points;
}

void fake_sweep(FakeSweep *fake, Arena *arena, uint64_t points, uint32_t replications, size_t deployments, size_t pools) {
  memset(fake, 0, sizeof *fake);
  Sweep *sweep = &fake->sweep;
  Scenario *scenario = &fake->scenario;
  static const char *const strategy[] = {"none", "rule"};
  static const SweepInput input[] = {{"trace.csv", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 12}};
  scenario->name = "fake";
  scenario->about = "made by hand";
  scenario->horizon_ns = 3600 * NS_PER_S;
  scenario->warmup_ns = 60 * NS_PER_S;
  scenario->seed = 7;
  DeploymentSpec *deployment = ARENA_ARRAY(arena, DeploymentSpec, deployments);
  const char **deployment_name = ARENA_ARRAY(arena, const char *, deployments), **pool_name = ARENA_ARRAY(arena, const char *, pools);
  for (size_t d = 0; d < deployments; d++) {
    deployment[d].name = deployment_name[d] = names(arena, "deployment", d);
    deployment[d].objective = (ObjectiveSpec){.latency_ns = NS_PER_S / 2, .attainment_ratio = 0.99};
  }
  for (size_t p = 0; p < pools; p++) pool_name[p] = names(arena, "pool", p);
  scenario->deployments = (List){deployment, deployments};
  *sweep = (Sweep){.arena = arena, .path = "fake.yaml", .text = "name: fake\nhorizon: 1h\nseed: 7\n", .name = "fake", .strategy = strategy, .n_strategies = 2,
                   .n_replications = replications, .n_runs = points * 2 * replications, .deployment = deployment_name, .n_deployments = deployments,
                   .pool = pool_name, .n_pools = pools, .input = input, .n_inputs = 1, .first = scenario};
  sha256_hex(sweep->text, strlen(sweep->text), sweep->sha256);
  fake_parameters(sweep, arena, points);
}

/* A splitmix step: noise that looks like results. */
static double noise(uint64_t *state) {
  uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* Like real traces: some columns constant, some whole numbers, some rough, some with gaps. */
static double fake_cell(size_t column, size_t row, uint64_t *state) {
  switch (column % 4) {
    case 0: return 4.0;
    case 1: return floor(20 * noise(state)) * 256 / 3600;
    case 2: return noise(state) * (1 + 0.01 * (double)row);
    default: return row % 16 == 3 ? NAN : floor(noise(state) * 4);
  }
}

static const DecisionRow *fake_decisions(Arena *arena, size_t count, size_t deployments) {
  static const char *const step[] = {"Check data size", "Check resource limit", "Scale", "Monitor & Optimize"};
  static const char *const reason[] = {"within tolerance", "at the pool's maximum", "", NULL};
  DecisionRow *row = ARENA_ARRAY(arena, DecisionRow, count);
  for (size_t k = 0; k < count; k++) {
    row[k] = (DecisionRow){.at_ns = (int64_t)k * 15 * NS_PER_S + 1, .deployment = (uint32_t)(k % deployments), .decision = (uint32_t)(k / 2), .quiet_before = (uint32_t)(k % 5),
                           .step = step[k % 4], .condition = "data_size < threshold", .action = "use_small_model()", .reason = reason[k % 4],
                           .result = (int)(k % 3) - 1, .model_state = (int)(k % 8), .value = (double)k, .threshold = NAN, .metric = 0.7, .target = 0.5,
                           .raw_replicas = 3.5, .after_tolerance = NAN, .stabilised = 4, .rate_limited = 4, .data_size_bytes = 1e9, .resource_limit = (int)(k % 2),
                           .replicas_before = 3, .replicas_wished = 5, .replicas_after = 4, .millicores_before = 4000, .millicores_after = 8000,
                           .bytes_before = INT64_C(1) << 34, .bytes_after = INT64_C(1) << 35, .variant_before = 0, .variant_after = 1};
  }
  return row;
}

void fake_result(RunResult *result, Arena *arena, const Sweep *sweep, uint64_t run, size_t decisions, bool failing) {
  memset(result, 0, sizeof *result);
  size_t deployments = sweep->n_deployments, pools = sweep->n_pools;
  result->n_deployments = deployments;
  result->n_pools = pools;
  if (failing && run % 1000 == 3) {
    result->status = 1;
    snprintf(result->message, sizeof result->message, "run %llu: the queue exceeded max_queue", (unsigned long long)run);
    return;
  }
  uint64_t state = run * 1000003 + 17;
  result->summary = ARENA_ARRAY(arena, double, deployments * SUMMARY_COUNT);
  for (size_t k = 0; k < deployments * SUMMARY_COUNT; k++) result->summary[k] = k == 12 ? -NAN : 100 * noise(&state);
  result->cluster = ARENA_ARRAY(arena, double, CLUSTER_COUNT);
  for (size_t k = 0; k < CLUSTER_COUNT; k++) result->cluster[k] = noise(&state);
  result->latency_counts = ARENA_ARRAY(arena, uint64_t, deployments * HISTOGRAM_BINS);
  for (size_t d = 0; d < deployments; d++) {
    for (size_t k = 0; k < 600; k++) result->latency_counts[d * HISTOGRAM_BINS + 1700 + k] = (uint64_t)(30 * noise(&state) * exp(-(double)k / 150));
  }
  result->trace = ARENA_ARRAY(arena, double, TRACE_COUNT * deployments * TRACE_ROWS);
  for (size_t k = 0; k < TRACE_COUNT * deployments * TRACE_ROWS; k++) result->trace[k] = fake_cell(k / (deployments * TRACE_ROWS), k % TRACE_ROWS, &state);
  result->pool_trace = ARENA_ARRAY(arena, double, POOL_COUNT * pools * TRACE_ROWS);
  for (size_t k = 0; k < POOL_COUNT * pools * TRACE_ROWS; k++) result->pool_trace[k] = fake_cell(k / (pools * TRACE_ROWS), k % TRACE_ROWS, &state);
  result->decision = fake_decisions(arena, decisions, deployments);
  result->n_decisions = decisions;
}
