/* Whole runs from a scenario's text; see run_fixture.h. */
#include "tests/support/run_fixture.h"

#include <string.h>
#include <unistd.h>

#include "tests/testing.h"

void open_scenario(Fixture *x, const char *text) {
  char path[] = "/tmp/headroom-test-XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, text, strlen(text)), strlen(text));
  close(file);
  Err err = {0};
  bool ok = sweep_open(&x->sweep, &x->arena, path, NULL, 0, NULL, &err);
  if (!ok) fail_msg("%s", err.item[0].message);
  assert_true(sweep_point(&x->sweep, 0, &x->arena, &x->scenario, &err));
  unlink(path);
}

void close_scenario(Fixture *x) {
  sweep_close(&x->sweep);
  arena_free(&x->arena);
}

double summary_of(const RunResult *result, size_t deployment, const char *name) {
  for (size_t k = 0; k < SUMMARY_COUNT; k++)
    if (strcmp(summary_column[k].name, name) == 0) return result->summary[deployment * SUMMARY_COUNT + k];
  fail_msg("no column %s", name);
  return 0;
}

void assert_same(const RunResult *a, const RunResult *b, const char *what, const char *strategy) {
  size_t n = a->n_deployments;
  for (size_t k = 0; k < a->n_decisions && k < b->n_decisions; k++) {
    const DecisionRow *x = &a->decision[k], *y = &b->decision[k];
    if (x->at_ns != y->at_ns || x->deployment != y->deployment || x->replicas_after != y->replicas_after)
      fail_msg("%s, %s: decision %zu is %lld replicas of %u at %lld ns (%s), not %lld of %u at %lld ns (%s)", what, strategy, k, (long long)y->replicas_after, y->deployment,
               (long long)y->at_ns, y->reason, (long long)x->replicas_after, x->deployment, (long long)x->at_ns, x->reason);
  }
  if (a->status || b->status) fail_msg("%s, %s: %s%s", what, strategy, a->message, b->message);
  for (size_t d = 0; d < n; d++)
    for (size_t k = 0; k < SUMMARY_COUNT; k++)
      if (memcmp(&a->summary[d * SUMMARY_COUNT + k], &b->summary[d * SUMMARY_COUNT + k], sizeof(double)))
        fail_msg("%s, %s, deployment %zu: %s is %.17g, not %.17g", what, strategy, d, summary_column[k].name, b->summary[d * SUMMARY_COUNT + k],
                 a->summary[d * SUMMARY_COUNT + k]);
  assert_memory_equal(a->cluster, b->cluster, CLUSTER_COUNT * sizeof(double));
  assert_memory_equal(a->latency_counts, b->latency_counts, n * HISTOGRAM_BINS * sizeof(uint64_t));
  assert_memory_equal(a->trace, b->trace, TRACE_COUNT * n * TRACE_ROWS * sizeof(double));
  assert_memory_equal(a->pool_trace, b->pool_trace, POOL_COUNT * a->n_pools * TRACE_ROWS * sizeof(double));
  assert_int_equal(a->n_decisions, b->n_decisions);
}

void use_policy(Fixture *x, const Policy *policy) {
  for (size_t k = 0; k < x->scenario.strategies.count; k++) LIST_AT(x->scenario.strategies, StrategySpec, k)->scale = (ModelRef){&policy->model, policy};
}

void assert_same_every_way(const Fixture *x, uint32_t strategy) {
  static const struct { const char *name; RunOptions options; } ways[] = {
      {"as usual", {.trace = true}},
      {"plain", {.trace = true, .plain = true}},
      {"stops at notices", {.trace = true, .stop_at_notices = true}},
      {"plain, stops at notices", {.trace = true, .plain = true, .stop_at_notices = true}},
      {"three threads", {.trace = true, .threads = 3}},
  };
  Arena usual_arena = {0};
  RunResult usual, other;
  run_simulate(&x->scenario, strategy, 0, &ways[0].options, &usual_arena, &usual);
  for (size_t w = 1; w < sizeof ways / sizeof *ways; w++) {
    Arena arena = {0};
    run_simulate(&x->scenario, strategy, 0, &ways[w].options, &arena, &other);
    assert_same(&usual, &other, ways[w].name, scenario_strategy(&x->scenario, strategy)->name);
    arena_free(&arena);
  }
  arena_free(&usual_arena);
}
