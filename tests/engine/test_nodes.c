/* Whole runs with node policies that drain: the same bits every way, nothing lost on the way, and what they cost. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/lab/sweep.h"
#include "sim/run/run.h"
#include "tests/testing.h"

typedef struct Fixture {
  Arena arena;
  Sweep sweep;
  Scenario scenario;
} Fixture;

static void open_scenario(Fixture *x, const char *text) {
  char path[] = "/tmp/headroom-test-XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, text, strlen(text)), strlen(text));
  close(file);
  Err err = {0};
  bool ok = sweep_open(&x->sweep, &x->arena, path, NULL, 0, NULL, &err) && sweep_point(&x->sweep, 0, &x->arena, &x->scenario, &err);
  if (!ok) fail_msg("%s", err.item[0].message);
  unlink(path);
}

static void close_scenario(Fixture *x) {
  sweep_close(&x->sweep);
  arena_free(&x->arena);
}

/* ---- a cluster that breathes ---- */

/* Three kinds of machines; deployments that may use two, one or all of them; waves, failures, and node policies that add, empty and replace
 * nodes all the time. */
static const char waves_text[] =
    "name: waves\n"
    "horizon: 3h\n"
    "seed: 5\n"
    "cluster:\n"
    "  pools:\n"
    "    a: {machine: {cpu: 4, memory: 16Gi, price: $0.20/h}, nodes: {min: 0, max: 6}, startup: {lognormal: {median: 60s, p95: 120s}}}\n"
    "    b: {machine: {cpu: 16, memory: 64Gi, price: $0.70/h}, nodes: {min: 0, max: 3}, startup: 90s, placement: best-fit}\n"
    "    g: {machine: {cpu: 8, memory: 32Gi, gpu: 2, price: $1.2/h}, nodes: {min: 1, max: 3}, startup: 90s, placement: spread}\n"
    "deployments:\n"
    "  wide:\n"
    "    pool: [a, b]\n"
    "    requests: {cpu: 1, memory: 2Gi}\n"
    "    limits: {cpu: 2}\n"
    "    replicas: {initial: 3, min: 1, max: 20}\n"
    "    speed: linear\n"
    "    grace: 10m\n"
    "    variants: {v: {load: 5s, service: {distribution: {time: {lognormal: {mean: 150ms, cv: 0.7}}}}}}\n"
    "    objective: {latency: 500ms, attainment: 95%}\n"
    "    workload: {arrivals: {poisson: {rate: 30/s}}, rate: {diurnal: {period: 1h, peak: 1.8}}}\n"
    "  narrow:\n"
    "    pool: [b]\n"
    "    requests: {cpu: 3, memory: 4Gi}\n"
    "    concurrency: 2\n"
    "    dispatch: least-outstanding\n"
    "    grace: 10m\n"
    "    replicas: {initial: 1, min: 1, max: 8}\n"
    "    variants: {v: {load: 20s, service: {distribution: {time: {exponential: {mean: 200ms}}}}}}\n"
    "    objective: {latency: 1s, attainment: 95%}\n"
    "    workload: {arrivals: {mmpp: {rate_low: 4/s, rate_high: 30/s, mean_low: 10m, mean_high: 6m}}}\n"
    "  fraction:\n"
    "    pool: [g, b, a]\n"
    "    requests: {cpu: 1, memory: 4Gi, gpu: 500m}\n"
    "    grace: 10m\n"
    "    replicas: {initial: 2, min: 1, max: 10}\n"
    "    variants: {v: {load: 30s, service: {distribution: {time: {gamma: {mean: 300ms, cv: 0.8}}}}}}\n"
    "    objective: {latency: 2s, attainment: 95%}\n"
    "    workload: {arrivals: {mmpp: {rate_low: 1/s, rate_high: 14/s, mean_low: 8m, mean_high: 5m}}}\n"
    "strategies:\n"
    "  demand: {scale: {horizontal: {target: 60%, scale_down_window: 1m}}, nodes: {on-demand: {empty_for: 30s}}}\n"
    "  ca: {scale: {horizontal: {target: 60%, scale_down_window: 1m}},\n"
    "       nodes: {cluster-autoscaler: {expander: [priority, random], priorities: [{priority: 10, pools: [a, b]}, {priority: 5, pools: [g]}],\n"
    "               scale_down_unneeded_time: 1m, scale_down_delay_after_add: 30s, unremovable_node_recheck_timeout: 30s, max_drain_parallelism: 2}}}\n"
    "  karpenter: {scale: {horizontal: {target: 60%, scale_down_window: 1m}}, nodes: {karpenter: {nodePools: {all: {expireAfter: 50m, disruption: {budgets: [{nodes: 50%}]}}}}}}\n"
    "  patient: {scale: {horizontal: {target: 60%, scale_down_window: 1m}},\n"
    "            nodes: {karpenter: {nodePools: {plain: {pools: [a, b], limits: {cpu: 40}, disruption: {consolidateAfter: 2m, budgets: [{nodes: 1}]}}, gpu: {pools: g, disruption: {consolidationPolicy: WhenEmpty}}}}}}\n"
    "faults:\n"
    "  - {at: 40m, deployment: wide, replicas: 3}\n"
    "  - {at: 2h, deployment: fraction}\n";

static void assert_same(const RunResult *a, const RunResult *b, const char *what, const char *strategy) {
  size_t n = a->n_deployments;
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
}

/* The same way of life where machines fail, are taken back, run out, come up slowly or not at all. */
static const char troubles_text[] =
    "name: troubles\n"
    "horizon: 3h\n"
    "seed: 5\n"
    "cluster:\n"
    "  pools:\n"
    "    spot: {machine: {cpu: 4, memory: 16Gi, price: $0.20/h, idle_watts: 80, busy_watts: 190}, nodes: {min: 0, max: 6}, startup: {lognormal: {median: 60s, p95: 120s}},\n"
    "           spot: {reclaims: 3/h, price: $0.06/h, notice: 30s}, stockouts: {every: 25m, last: {exponential: {mean: 6m}}}, backoff: {first: 30s, most: 4m}}\n"
    "    b: {machine: {cpu: 16, memory: 64Gi, price: $0.70/h, idle_watts: 200, busy_watts: 500}, nodes: {min: 1, max: 3}, startup: 90s, placement: best-fit,\n"
    "        failures: {mtbf: 40m, repair: {exponential: {mean: 10m}}, crews: 1, start: 20%, start_detect: 3m, detect: 40s}, warm: {nodes: 1, load: 40%}, slow: {share: 30%},\n"
    "        reserved: {nodes: 1, price: $0.40/h}}\n"
    "    g: {machine: {cpu: 8, memory: 32Gi, gpu: 2, price: $1.2/h, idle_watts: 300, busy_watts: 900}, nodes: {min: 1, max: 3}, startup: 90s, placement: spread,\n"
    "        failures: {mtbf: 20m, repair: 5m, strikes: serving}, pulls: {pool: 2, node: 1}, committed: {nodes: 1, discount: 40%}}\n"
    "deployments:\n"
    "  wide:\n"
    "    pool: [spot, b]\n"
    "    requests: {cpu: 1, memory: 2Gi}\n"
    "    limits: {cpu: 2}\n"
    "    replicas: {initial: 3, min: 1, max: 20}\n"
    "    speed: linear\n"
    "    grace: 2m\n"
    "    failure: {jobs: requeue-tail, work: resume}\n"
    "    variants: {v: {load: 20s, service: {distribution: {time: {lognormal: {mean: 150ms, cv: 0.7}}}}}}\n"
    "    objective: {latency: 500ms, attainment: 95%, miss_cost: $0.001}\n"
    "    workload: {arrivals: {poisson: {rate: 30/s}}, rate: {diurnal: {period: 1h, peak: 1.8}}}\n"
    "  sharing:\n"
    "    pool: [b]\n"
    "    requests: {cpu: 3, memory: 4Gi}\n"
    "    concurrency: 6\n"
    "    dispatch: least-outstanding\n"
    "    retry: {attempts: 3}\n"
    "    failure: {jobs: fail}\n"
    "    replicas: {initial: 1, min: 1, max: 8}\n"
    "    variants: {v: {load: 20s, service: {processor-sharing: {time: {exponential: {mean: 200ms}}}}}}\n"
    "    objective: {latency: 1s, attainment: 95%}\n"
    "    workload: {arrivals: {mmpp: {rate_low: 4/s, rate_high: 20/s, mean_low: 10m, mean_high: 6m}}}\n"
    "  fraction:\n"
    "    pool: [g, b, spot]\n"
    "    requests: {cpu: 1, memory: 4Gi, gpu: 500m}\n"
    "    grace: 10m\n"
    "    replicas: {initial: 2, min: 1, max: 10}\n"
    "    variants: {v: {load: 60s, service: {distribution: {time: {gamma: {mean: 300ms, cv: 0.8}}}}}}\n"
    "    objective: {latency: 2s, attainment: 95%}\n"
    "    workload: {arrivals: {mmpp: {rate_low: 1/s, rate_high: 14/s, mean_low: 8m, mean_high: 5m}}}\n"
    "strategies:\n"
    "  demand: {scale: {horizontal: {target: 60%, scale_down_window: 1m}}, nodes: {on-demand: {empty_for: 30s}}}\n"
    "  ca: {scale: {horizontal: {target: 60%, scale_down_window: 1m}}, nodes: {cluster-autoscaler: {expander: price, scale_down_unneeded_time: 1m, scale_down_delay_after_add: 30s}}}\n"
    "  karpenter: {scale: {horizontal: {target: 60%, scale_down_window: 1m}}, nodes: {karpenter: {nodePools: {all: {expireAfter: 50m, disruption: {budgets: [{nodes: 50%}]}}}}}}\n"
    "  rule: {scale: {threshold: {data_size: {source: job}, resource_limit: {source: stock-out}, scale_down_after: 2m}}}\n"
    "faults:\n"
    "  - {at: 40m, deployment: wide, replicas: 3}\n";

static void same_bits(const char *text, bool troubled) {
  Fixture x = {0};
  open_scenario(&x, text);
  const struct { const char *name; RunOptions options; } ways[] = {
      {"plain", {.trace = true, .plain = true}},
      {"stops at notices", {.trace = true, .stop_at_notices = true}},
      {"three threads", {.trace = true, .threads = 3}},
  };
  for (uint32_t s = 0; s < x.sweep.n_strategies; s++) {
    RunResult usual, other;
    Arena arena = {0};
    run_simulate(&x.scenario, s, 0, &(RunOptions){.trace = true}, &arena, &usual);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
      Arena own = {0};
      run_simulate(&x.scenario, s, 0, &ways[w].options, &own, &other);
      assert_same(&usual, &other, ways[w].name, x.sweep.strategy[s]);
      arena_free(&own);
    }
    if (troubled) { /* it is not the same for want of troubles */
      static const int happens[] = {CLUSTER_nodes_failed, CLUSTER_nodes_reclaimed, CLUSTER_nodes_down, CLUSTER_stock_out_ratio, CLUSTER_energy_kwh};
      for (size_t k = 0; k < sizeof happens / sizeof *happens; k++) assert_true(usual.cluster[happens[k]] > 0);
    }
    arena_free(&arena);
  }
  close_scenario(&x);
}

static void same_bits_every_way(void **unused) {
  (void)unused;
  same_bits(waves_text, false);
}

static void same_bits_in_trouble(void **unused) {
  (void)unused;
  same_bits(troubles_text, true);
}

static double row_value(const RunResult *r, int column, size_t p, int row) { return r->pool_trace[((size_t)column * r->n_pools + p) * TRACE_ROWS + (size_t)row]; }

/* With a grace longer than any service nothing is lost by draining: only the scripted failures requeue. Money sums up over what is charged. */
static void nothing_is_lost(void **unused) {
  (void)unused;
  Fixture x = {0};
  open_scenario(&x, waves_text);
  for (uint32_t s = 0; s < x.sweep.n_strategies; s++) {
    Arena arena = {0};
    RunResult r;
    run_simulate(&x.scenario, s, 1, &(RunOptions){.trace = true}, &arena, &r);
    if (r.status) fail_msg("%s", r.message);
    double charged = 0;
    for (size_t d = 0; d < r.n_deployments; d++) {
      const double *own = r.summary + d * SUMMARY_COUNT;
      charged += own[SUMMARY_cost_usd];
      assert_true(own[SUMMARY_offered] == own[SUMMARY_finished] + own[SUMMARY_in_flight]);
      assert_true(own[SUMMARY_finished] > 0.9 * own[SUMMARY_offered]);
    }
    double cluster_usd = r.cluster[CLUSTER_cluster_cost_usd], pools_usd = 0;
    assert_true(fabs(cluster_usd - r.cluster[CLUSTER_idle_cost_usd] - charged) <= 1e-12 * cluster_usd);
    for (size_t p = 0; p < r.n_pools; p++) {
      pools_usd += r.pool_trace[((size_t)POOL_cost_cumulative_usd * r.n_pools + p) * TRACE_ROWS + TRACE_ROWS - 1];
      for (int row = 0; row < TRACE_ROWS; row++) {
        assert_false(row_value(&r, POOL_cpu_reserved_ratio, p, row) > 1); /* NaN without nodes */
        assert_true(row_value(&r, POOL_nodes_ready, p, row) <= (double)x.scenario.pool[p].max_nodes);
      }
    }
    assert_true(fabs(pools_usd - cluster_usd) <= 1e-9 * cluster_usd);
    arena_free(&arena);
  }
  close_scenario(&x);
}

/* ---- by hand ---- */

/* Rows are 10 s. Two replicas of a core each on two nodes of four (spread). Karpenter finds at 0 that one node will do and drains it at 15 s; the
 * replica's successor starts on the other node and is ready after 20 s; the old one, which serves a long job, drains until its job ends at 100
 * s. Then its node is released. */
static const char drain_text[] =
    "name: drain\n"
    "horizon: 2560s\n"
    "cluster:\n"
    "  pools:\n"
    "    a: {machine: {cpu: 4, memory: 16Gi, price: $3.6/h}, nodes: {min: 0, max: 4, initial: 2}, placement: spread, minimum_charge: 0s}\n"
    "deployments:\n"
    "  app:\n"
    "    requests: {cpu: 1, memory: 1Gi}\n"
    "    replicas: {initial: 2, min: 2, max: 2}\n"
    "    grace: 200s\n"
    "    variants: {v: {load: 20s, service: {distribution: {time: 90s}}}}\n"
    "    workload: {arrivals: {constant: {rate: 0.1/s}}, rate: {steps: {points: [{at: 0s, factor: 1}, {at: 25s, factor: 0}]}}}\n"
    "strategies:\n"
    "  karpenter: {scale: none, nodes: karpenter}\n";

static void drained_by_hand(void **unused) {
  (void)unused;
  Fixture x = {0};
  open_scenario(&x, drain_text);
  Arena arena = {0};
  RunResult r;
  run_simulate(&x.scenario, 0, 0, &(RunOptions){.trace = true}, &arena, &r);
  if (r.status) fail_msg("%s", r.message);
  const double *s = r.summary;
  assert_true(s[SUMMARY_offered] == s[SUMMARY_finished] && s[SUMMARY_failed] == 0 && s[SUMMARY_offered] == 2);
  const double *draining = r.trace + (size_t)TRACE_replicas_draining * TRACE_ROWS, *starting = r.trace + (size_t)TRACE_replicas_starting * TRACE_ROWS;
  /* a draining replica from 15 s on; its successor loads from 15 to 35 s */
  assert_true(fabs(draining[1] - 0.5) < 1e-9 && fabs(draining[2] - 1) < 1e-9);
  assert_true(fabs(starting[1] - 0.5) < 1e-9 && fabs(starting[2] - 1) < 1e-9 && fabs(starting[3] - 0.5) < 1e-9 && starting[4] == 0);
  /* jobs arrive at 10 and 20 s: the first is served by the slot idle longest, on the node that is drained or not; either way one node is left at
   * the end, and the other was ready at least until 15 s and at most until 100 s */
  double ready_s = 0;
  for (int row = 0; row < TRACE_ROWS; row++) ready_s += 10 * row_value(&r, POOL_nodes_ready, 0, row);
  assert_true(row_value(&r, POOL_nodes_ready, 0, 20) == 1);
  assert_true(fabs(ready_s - 2560 - 100) < 1e-6 || fabs(ready_s - 2560 - 15) < 1e-6);
  assert_true(fabs(row_value(&r, POOL_cost_cumulative_usd, 0, TRACE_ROWS - 1) - ready_s * 0.001) < 1e-6); /* $3.6/h is $0.001/s */
  arena_free(&arena);
  close_scenario(&x);
}

/* Twelve replicas wished from the start, room for four on the only node there may be: eight wait to the end, and nothing is ordered. With a second
 * pool on the list they spill over: two nodes more. */
static const char full_text[] =
    "name: full\n"
    "horizon: 2560s\n"
    "cluster:\n"
    "  pools:\n"
    "    a: {machine: {cpu: 4, memory: 16Gi, price: $0.2/h}, nodes: {min: 1, max: 1, initial: 1}}\n"
    "    b: {machine: {cpu: 4, memory: 16Gi, price: $0.2/h}, nodes: {min: 0, max: 5, initial: 0}, startup: 100s}\n"
    "deployments:\n"
    "  app:\n"
    "    pool: %s\n"
    "    requests: {cpu: 1, memory: 1Gi}\n"
    "    replicas: {initial: 12, min: 12, max: 12}\n"
    "    variants: {v: {service: {distribution: {time: 1s}}}}\n"
    "    workload: {arrivals: {constant: {rate: 1/s}}}\n"
    "strategies:\n"
    "  ca: {scale: none, nodes: cluster-autoscaler}\n"
    "  karpenter: {scale: none, nodes: karpenter}\n"
    "  demand: {scale: none, nodes: on-demand}\n";

static void full_pools_make_wait(void **unused) {
  (void)unused;
  static const char *const pools[] = {"a", "[a, b]"};
  for (int spill = 0; spill < 2; spill++) {
    char text[2000];
    snprintf(text, sizeof text, full_text, pools[spill]);
    Fixture x = {0};
    open_scenario(&x, text);
    for (uint32_t s = 0; s < 3; s++) {
      Arena arena = {0};
      RunResult r;
      run_simulate(&x.scenario, s, 0, &(RunOptions){.trace = true}, &arena, &r);
      if (r.status) fail_msg("%s", r.message);
      const double *pending = r.trace + (size_t)TRACE_replicas_pending * TRACE_ROWS;
      assert_true(fabs(pending[0] - 8) < 1e-9);
      assert_true(pending[TRACE_ROWS - 1] == (spill ? 0 : 8));
      assert_true(r.cluster[CLUSTER_nodes_ordered] == (spill ? 3 : 1));
      arena_free(&arena);
    }
    close_scenario(&x);
  }
}

/* One replica of a core on a machine of 16 for an hour, $0.80/h; a machine of 4 at $0.20/h would do. Karpenter looks at 0, decides at 15 s; the
 * small one is ready 85 s later, at 100 s. The large one, drained at once since the replica is idle, cost 100 s; the small one from 15 s on.
 * (100 x 0.80 + 3585 x 0.20) / 3600. on-demand keeps the large one: 0.80. */
static const char saving_text[] =
    "name: saving\n"
    "horizon: 3600s\n"
    "cluster:\n"
    "  pools:\n"
    "    small: {machine: {cpu: 4, memory: 16Gi, price: $0.20/h}, nodes: {max: 3, initial: 0}, startup: 85s}\n"
    "    large: {machine: {cpu: 16, memory: 64Gi, price: $0.80/h}, nodes: {max: 3, initial: 1}, startup: 85s}\n"
    "deployments:\n"
    "  app:\n"
    "    pool: [small, large]\n"
    "    requests: {cpu: 1, memory: 1Gi}\n"
    "    replicas: {initial: 1, min: 1, max: 1}\n"
    "    variants: {v: {load: 5s, service: {distribution: {time: 1ms}}}}\n"
    "    workload: {arrivals: {constant: {rate: 0.01/s}}}\n"
    "strategies:\n"
    "  demand: {scale: none, nodes: on-demand}\n"
    "  karpenter: {scale: none, nodes: karpenter}\n";

static void consolidation_lowers_cost(void **unused) {
  (void)unused;
  Fixture x = {0};
  open_scenario(&x, saving_text);
  double cost_usd[2];
  for (uint32_t s = 0; s < 2; s++) {
    Arena arena = {0};
    RunResult r;
    run_simulate(&x.scenario, s, 0, &(RunOptions){.trace = true}, &arena, &r);
    if (r.status) fail_msg("%s", r.message);
    cost_usd[s] = r.cluster[CLUSTER_cluster_cost_usd];
    arena_free(&arena);
  }
  assert_true(fabs(cost_usd[0] - 0.80) < 1e-9);
  assert_true(fabs(cost_usd[1] - (100 * 0.80 + 3585 * 0.20) / 3600) < 1e-6);
  close_scenario(&x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_bits_every_way),
      cmocka_unit_test(same_bits_in_trouble),
      cmocka_unit_test(nothing_is_lost),
      cmocka_unit_test(drained_by_hand),
      cmocka_unit_test(full_pools_make_wait),
      cmocka_unit_test(consolidation_lowers_cost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
