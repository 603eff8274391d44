/* Whole runs: the same bits from the plain loop, from flows that stop at every notice, from flows side by side, and from a caller that
 * steps through the decisions itself; and what must hold at every end. */
#include <math.h>
#include <string.h>

#include "tests/support/run_fixture.h"
#include "tests/testing.h"

/* Two pools, four deployments: vertical bursts on shared nodes, a central queue with limit, replicas that come late and drain, GPUs by
 * replacement of nodes that must be ordered; tight enough that replicas are pending at times. */
static const char scenario_text[] =
    "name: everything\n"
    "horizon: 2h\n"
    "warmup: 5m\n"
    "seed: 3\n"
    "cluster:\n"
    "  pools:\n"
    "    a: {machine: {cpu: 16, memory: 64Gi, price: $0.68/h}, nodes: {min: 1, max: 4}, startup: {lognormal: {median: 60s, p95: 120s}}, placement: best-fit}\n"
    "    b: {machine: {cpu: 8, memory: 32Gi, gpu: 2, price: $1.2/h}, nodes: {min: 1, max: 3}, startup: 90s, placement: spread}\n"
    "deployments:\n"
    "  one:\n"
    "    pool: a\n"
    "    requests: {cpu: 2, memory: 2Gi}\n"
    "    limits: {cpu: 4}\n"
    "    replicas: {initial: 2, min: 1, max: 12}\n"
    "    variants:\n"
    "      s: {accuracy: 0.7, memory: 1Gi, load: 5s, service: {distribution: {time: {lognormal: {mean: 60ms, cv: 0.7}}}}}\n"
    "      l: {accuracy: 0.8, memory: 1Gi, load: 15s, service: {distribution: {time: {lognormal: {mean: 150ms, cv: 0.7}}}}}\n"
    "    speed: {amdahl: {parallel: 85%}}\n"
    "    objective: {latency: 500ms, attainment: 95%}\n"
    "    queue: {limit: 200}\n"
    "    workload: {arrivals: {mmpp: {rate_low: 8/s, rate_high: 45/s, mean_low: 6m, mean_high: 3m}}, input: {exponential: {mean: 1000}}, unit_bytes: 1k}\n"
    "  two:\n"
    "    pool: a\n"
    "    requests: {cpu: 3, memory: 4Gi}\n"
    "    concurrency: 2\n"
    "    dispatch: least-outstanding\n"
    "    replicas: {initial: 1, min: 1, max: 8}\n"
    "    variants: {v: {load: 20s, service: {distribution: {time: {exponential: {mean: 200ms}}}}}}\n"
    "    objective: {latency: 1s, attainment: 95%}\n"
    "    workload: {arrivals: {poisson: {rate: 12/s}}, rate: {diurnal: {period: 1h, peak: 1.9}}}\n"
    "  three:\n"
    "    pool: b\n"
    "    requests: {cpu: 2, memory: 8Gi, gpu: 1}\n"
    "    replicas: {initial: 1, min: 1, max: 6}\n"
    "    variants: {v: {load: 30s, service: {distribution: {time: {gamma: {mean: 300ms, cv: 0.8}}}}}}\n"
    "    objective: {latency: 2s, attainment: 95%}\n"
    "    queue: {timeout: {after: 5s}}\n"
    "    workload: {arrivals: {mmpp: {rate_low: 1/s, rate_high: 14/s, mean_low: 8m, mean_high: 5m}}}\n"
    "strategies:\n"
    "  none: {scale: none}\n"
    "  small_model: {scale: small_model}\n"
    "  vertical: {scale: {vertical: {target: 60%}}}\n"
    "  horizontal: {scale: {horizontal: {target: 60%, scale_down_window: 1m}}, nodes: {on-demand: {empty_for: 30s}}}\n"
    "  hybrid: {scale: {hybrid: {target: 60%}}}\n"
    "  rule: {scale: {threshold: {data_size: {source: offered, below: 1M}, resource_limit: {source: pool}}}}\n"
    "faults:\n"
    "  - {at: 40m, deployment: two, replicas: 2}\n"
    "  - {at: 41m, deployment: one}\n";

static void test_same_bits_every_way(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, scenario_text);
  const struct { const char *name; RunOptions options; } ways[] = {
      {"plain", {.trace = true, .plain = true}},
      {"stops at notices", {.trace = true, .stop_at_notices = true}},
      {"plain, stops at notices", {.trace = true, .plain = true, .stop_at_notices = true}},
      {"three threads", {.trace = true, .threads = 3}},
  };
  for (uint32_t s = 0; s < x.sweep.n_strategies; s++)
    for (uint32_t replication = 0; replication < 2; replication++) {
      RunResult usual, other;
      Arena arena = {0};
      run_simulate(&x.scenario, s, replication, &(RunOptions){.trace = true}, &arena, &usual);
      for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        Arena own = {0};
        run_simulate(&x.scenario, s, replication, &ways[w].options, &own, &other);
        assert_same(&usual, &other, ways[w].name, x.sweep.strategy[s]);
        arena_free(&own);
      }
      arena_free(&arena);
    }
  close_scenario(&x);
}

/* A caller that makes the decisions: here the strategy's own, so the result must be the ordinary one. */
static void test_steps(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, scenario_text);
  Arena a = {0}, b = {0};
  RunResult usual, stepped;
  RunOptions options = {.trace = true};
  run_simulate(&x.scenario, 3, 0, &options, &a, &usual);
  Run *run = run_begin(&x.scenario, 3, 0, &options, &b);
  Turn turn;
  int decisions = 0;
  int64_t before = 0;
  for (; run_next(run, &turn); decisions++) {
    assert_true(turn.observation->now_ns >= before);
    assert_true(turn.observation->replicas >= turn.observation->min_replicas && turn.observation->replicas <= turn.observation->max_replicas);
    assert_true(turn.observation->pool_nodes <= turn.observation->pool_max_nodes);
    before = turn.observation->now_ns;
    Decision decision;
    run_policy(run, &decision);
    run_decide(run, &decision);
  }
  run_end(run, &stepped);
  assert_int_equal(decisions, 3 * 480); /* every 15 s of 2 h, three deployments */
  assert_same(&usual, &stepped, "stepped", "horizontal");
  arena_free(&a);
  arena_free(&b);
  close_scenario(&x);
}

/* Ending early is a failed run with a reason, not a crash. */
static void test_ends_early(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, scenario_text);
  Arena arena = {0};
  Run *run = run_begin(&x.scenario, 0, 0, &(RunOptions){.trace = true}, &arena);
  Turn turn;
  assert_true(run_next(run, &turn));
  Decision decision = run_unchanged(run, 0);
  run_decide(run, &decision);
  RunResult result;
  run_end(run, &result);
  assert_int_equal(result.status, 1);
  assert_non_null(strstr(result.message, "before the horizon"));
  arena_free(&arena);
  close_scenario(&x);
}

static void check_identities(const RunResult *r, const char *strategy) {
  double charged = 0;
  for (size_t d = 0; d < r->n_deployments; d++) {
    const double *s = r->summary + d * SUMMARY_COUNT;
    charged += s[SUMMARY_cost_usd];
    if (s[SUMMARY_offered] != s[SUMMARY_finished] + s[SUMMARY_dropped] + s[SUMMARY_abandoned] + s[SUMMARY_failed] + s[SUMMARY_in_flight])
      fail_msg("%s: jobs are not conserved", strategy);
    assert_true(s[SUMMARY_attainment_ratio] >= 0 && s[SUMMARY_attainment_ratio] <= 1);
    assert_true(s[SUMMARY_latency_p50_s] <= s[SUMMARY_latency_p95_s] && s[SUMMARY_latency_p95_s] <= s[SUMMARY_latency_p99_s]);
  }
  double cluster = r->cluster[CLUSTER_cluster_cost_usd], idle = r->cluster[CLUSTER_idle_cost_usd];
  assert_true(idle >= 0 && fabs(cluster - idle - charged) <= 1e-12 * cluster);
}

static void test_identities(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, scenario_text);
  double costs[16];
  for (uint32_t s = 0; s < x.sweep.n_strategies; s++) {
    Arena arena = {0};
    RunResult result;
    run_simulate(&x.scenario, s, 0, &(RunOptions){.trace = false}, &arena, &result);
    assert_int_equal(result.status, 0);
    check_identities(&result, x.sweep.strategy[s]);
    costs[s] = result.summary[SUMMARY_latency_mean_s];
    for (uint32_t t = 0; t < s; t++) assert_true(costs[s] != costs[t]); /* no two strategies are the same */
    arena_free(&arena);
  }
  close_scenario(&x);
}

/* GPUs do not change in place: a caller asks for two a replica at 30 s. By hand: loading takes 30 s, so both replicas hold their GPUs from 30 to
 * 60 s (1 + 2 of 4), then the old one, idle, goes at once (2 of 4); a replica is ready all the time. */
static const char gpu_text[] =
    "name: gpus\n"
    "horizon: 256s\n"
    "cluster: {pools: {g: {machine: {cpu: 16, memory: 64Gi, gpu: 4, price: $3.6/h}, nodes: {min: 1, max: 1}}}}\n"
    "deployments:\n"
    "  app:\n"
    "    requests: {cpu: 2, gpu: 1}\n"
    "    variants: {v: {load: 30s, service: {distribution: {time: 1ms}}}}\n"
    "    workload: {arrivals: {constant: {rate: 0.3/s}}}\n"
    "strategies: {mine: {scale: {horizontal: {target: 70%}}}}\n";

static void test_gpus_by_replacement(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, gpu_text);
  Arena arena = {0};
  Run *run = run_begin(&x.scenario, 0, 0, &(RunOptions){.trace = true}, &arena);
  Turn turn;
  while (run_next(run, &turn)) {
    assert_true(turn.observation->replicas_ready >= 1);
    Decision decision = run_unchanged(run, 0);
    if (turn.observation->tick >= 2) decision.request_milligpus = 2000;
    run_decide(run, &decision);
  }
  RunResult result;
  run_end(run, &result);
  assert_int_equal(result.status, 0);
  const double *reserved = result.pool_trace + (size_t)POOL_gpu_reserved_ratio * TRACE_ROWS;
  for (int r = 0; r < TRACE_ROWS; r++) assert_true(reserved[r] == (r < 30 ? 0.25 : r < 60 ? 0.75 : 0.5));
  assert_true(result.summary[SUMMARY_finished] == 76 && result.summary[SUMMARY_failed] == 0); /* arrivals at 10/3, 20/3 ... below 256 s */
  arena_free(&arena);
  close_scenario(&x);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bits_every_way), cmocka_unit_test(test_steps),
                                     cmocka_unit_test(test_ends_early), cmocka_unit_test(test_identities),
                                     cmocka_unit_test(test_gpus_by_replacement)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
