/* Replicas that come with the jobs and go when idle (`scale-per-request`): starts one after the other, starts that are cancelled, and idle
 * times drawn from a law. Figures are computed by hand; the same bits every way. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/run_fixture.h"
#include "tests/testing.h"

typedef struct Expected {
  double latency_s, starting, ready, actions;
} Expected;

/* Nine batches at 100 s, 200 s ... 900 s of a run of 1000 s. */
static void check(const char *batch, const char *service, const char *replicas, const char *scale, Expected expected) {
  static const char text[] =
      "horizon: 1000s\n"
      "cluster: {pools: {p: {machine: {cpu: 8, memory: 8Gi, price: $1/h}, nodes: {min: 1, max: 1}}}}\n"
      "deployments:\n"
      "  f:\n"
      "    requests: {cpu: 1}\n"
      "    replicas: {%s}\n"
      "    variants: {v: {load: 10s, service: {distribution: {time: %s}}}}\n"
      "    workload: {arrivals: {batches: {of: {constant: {rate: 0.01/s}}, size: %s}}}\n"
      "strategies: {s: {scale: {scale-per-request: {%s}}}}\n";
  char filled[sizeof text + 256];
  snprintf(filled, sizeof filled, text, replicas, service, batch, scale);
  Fixture x = {0};
  Arena arena = {0};
  RunResult result;
  open_scenario(&x, filled);
  run_simulate(&x.scenario, 0, 0, &(RunOptions){.trace = true}, &arena, &result);
  assert_int_equal(result.status, 0);
  double batches = summary_of(&result, 0, "offered") / strtod(batch, NULL);
  const double found[] = {summary_of(&result, 0, "latency_mean_s"), summary_of(&result, 0, "replicas_starting") * 1000 / batches,
                          (summary_of(&result, 0, "replicas_ready") - (strstr(replicas, "min: 1") != NULL)) * 1000 / batches, summary_of(&result, 0, "scale_actions") / batches};
  const double wanted[] = {expected.latency_s, expected.starting, expected.ready, expected.actions};
  for (int k = 0; k < 4; k++)
    if (!(fabs(found[k] - wanted[k]) < 1e-6)) fail_msg("%s; %s: figure %d is %.9g, by hand %.9g", replicas, scale, k, found[k], wanted[k]);
  assert_same_every_way(&x, 0);
  arena_free(&arena);
  close_scenario(&x);
}

/* 10 s of load, 4 s of service, 5 s of keep-alive: 14 s of latency, ready for 9 s. */
static void test_one_request_one_start(void **state) {
  (void)state;
  check("1", "4s", "initial: 0, min: 0, max: 3", "keep_alive: 5s", (Expected){14, 10, 9, 2});
}

/* One stays. The first of two jobs ends at +4 s and its replica takes the second: the start that it had asked for is cancelled then, or
 * ends at +10 s, and the one that was there goes at +13 s, idle since +8 s: the other is the one that stays. */
static void test_a_start_that_nobody_waits_for(void **state) {
  (void)state;
  check("2", "4s", "initial: 1, min: 1, max: 3", "keep_alive: 5s, surplus: cancel", (Expected){6, 4, 0, 2});
  check("2", "4s", "initial: 1, min: 1, max: 3", "keep_alive: 5s, surplus: keep", (Expected){6, 10, 3, 2});
}

/* Three jobs of 15 s. One start at a time: ready at +10 s and +20 s; at +25 s the first replica is free again and takes the third job, and the
 * third start, half done, is cancelled; or it is ready at +30 s and idles for 5 s. The first is idle from +40 s to +45 s, the second from
 * +35 s to +40 s. Two at a time: the third replica is there from +20 s to +40 s. All at a time: three from +10 s to +30 s. */
static void test_one_start_at_a_time(void **state) {
  (void)state;
  check("3", "15s", "initial: 0, min: 0, max: 5, starting: 1", "keep_alive: 5s, surplus: cancel", (Expected){(25 + 35 + 40) / 3.0, 25, 35 + 20, 4});
  check("3", "15s", "initial: 0, min: 0, max: 5, starting: 1", "keep_alive: 5s", (Expected){(25 + 35 + 40) / 3.0, 30, 35 + 20 + 5, 4});
  check("3", "15s", "initial: 0, min: 0, max: 5, starting: 2", "keep_alive: 5s, surplus: cancel", (Expected){(25 + 25 + 35) / 3.0, 30, 20 + 20 + 20, 4});
  check("3", "15s", "initial: 0, min: 0, max: 5", "keep_alive: 5s, surplus: cancel", (Expected){25, 30, 60, 4});
}

/* At the maximum nobody is asked, and jobs wait for who is there: two of three jobs start at +10 s, the third at +25 s. */
static void test_at_the_maximum(void **state) {
  (void)state;
  check("3", "15s", "initial: 0, min: 0, max: 2", "keep_alive: 5s", (Expected){(25 + 25 + 40) / 3.0, 20, 35 + 20, 3});
}

/* Random everything, beside a deployment that grows by itself: limits, patience, failures, laws of idle times, replicas' own queues, room that
 * runs out. */
static void test_the_same_every_way(void **state) {
  (void)state;
  static const char text[] =
      "horizon: 30m\n"
      "seed: 5\n"
      "cluster: {pools: {p: {machine: {cpu: 4, memory: 8Gi, price: $1/h}, nodes: {min: 1, max: 4}, startup: {lognormal: {median: 20s, p95: 40s}}}}}\n"
      "deployments:\n"
      "  a:\n"
      "    requests: {cpu: 1}\n"
      "    concurrency: %s\n"
      "    dispatch: %s\n"
      "    replicas: {initial: 1, min: 0, max: 9, starting: %s}\n"
      "    queue: {%s}\n"
      "    failure: {jobs: requeue-%s}\n"
      "    variants: {v: {load: {lognormal: {median: 4s, p95: 9s}}, service: {%s: {time: {exponential: {mean: 700ms}}}}}}\n"
      "    workload: {arrivals: {gamma: {rate: 3/s, cv: 2}}, rate: {diurnal: {period: 10m, peak: 1.9}}}\n"
      "  b:\n"
      "    requests: {cpu: 1}\n"
      "    replicas: {initial: 1, min: 1, max: 9}\n"
      "    variants: {v: {load: 5s, service: {distribution: {time: {exponential: {mean: 200ms}}}}}}\n"
      "    workload: {arrivals: {poisson: {rate: 9/s}}, rate: {diurnal: {period: 9m, peak: 1.9}}}\n"
      "strategies:\n"
      "  law: {scale: {scale-per-request: {keep_alive: {exponential: {mean: 4s}}, surplus: cancel}}, deployments: {b: {scale: {horizontal: {scale_down_window: 30s}}}}}\n"
      "  fixed: {scale: {scale-per-request: {keep_alive: 2s, surplus: cancel}}, deployments: {b: {scale: {horizontal: {scale_down_window: 30s}}}}}\n"
      "  at_once: {scale: {scale-per-request: {keep_alive: 0s}}, deployments: {b: {scale: {horizontal: {scale_down_window: 30s}}}}}\n"
      "faults:\n"
      "  - {at: 4m, deployment: a, replicas: 2}\n"
      "  - {at: 11m, deployment: b, replicas: 1}\n";
  static const char *const way[][6] = {
      {"1", "central-queue", "0", "limit: -1", "head", "distribution"},
      {"1", "central-queue", "1", "timeout: {after: 3s}", "head", "distribution"},
      {"3", "central-queue", "2", "limit: 4, timeout: {after: {exponential: {mean: 3s}}}", "tail", "distribution"},
      {"2", "least-outstanding", "1", "limit: 2", "head", "distribution"},
      {"2", "power-of-two", "0", "timeout: {of: total, after: 4s}", "tail", "processor-sharing"},
      {"4", "central-queue", "1", "limit: 9", "head", "processor-sharing"},
  };
  for (size_t k = 0; k < sizeof way / sizeof *way; k++) {
    char filled[sizeof text + 256];
    snprintf(filled, sizeof filled, text, way[k][0], way[k][1], way[k][2], way[k][3], way[k][4], way[k][5]);
    Fixture x = {0};
    open_scenario(&x, filled);
    for (uint32_t s = 0; s < 3; s++) assert_same_every_way(&x, s);
    close_scenario(&x);
  }
}

/* A server that waits 5 s for a batch to fill is not idle meanwhile, whatever its keep-alive: 2 s of load, 5 s from the arrival on, 1 s of service. */
static void test_a_batch_in_the_making(void **state) {
  (void)state;
  Fixture x = {0};
  Arena arena = {0};
  RunResult result;
  open_scenario(&x,
                "horizon: 600s\n"
                "cluster: {pools: {p: {machine: {cpu: 8, memory: 8Gi, price: $1/h}, nodes: {min: 1, max: 1}}}}\n"
                "deployments:\n"
                "  f:\n"
                "    requests: {cpu: 1}\n"
                "    concurrency: 4\n"
                "    replicas: {initial: 0, min: 0, max: 3}\n"
                "    variants: {v: {load: 2s, service: {dynamic-batching: {max_size: 4, max_wait: 5s, base: 1s}}}}\n"
                "    workload: {arrivals: {constant: {rate: 0.05/s}}}\n"
                "strategies: {s: {scale: {scale-per-request: {keep_alive: 1s}}}}\n");
  run_simulate(&x.scenario, 0, 0, &(RunOptions){.trace = true}, &arena, &result);
  assert_int_equal(result.status, 0);
  assert_true(fabs(summary_of(&result, 0, "latency_mean_s") - 6) < 1e-9);
  assert_true(fabs(summary_of(&result, 0, "scale_actions") / summary_of(&result, 0, "offered") - 2) < 1e-9);
  assert_same_every_way(&x, 0);
  arena_free(&arena);
  close_scenario(&x);
}

/* The one that stays has been idle for longer than its keep-alive when two jobs come at once and another is there at once. Dispatch is at
 * random: where the other takes both, the first goes as soon as they have been given out, whatever else the run stops for. */
static void test_the_minimum_that_is_passed_over(void **state) {
  (void)state;
  static const char text[] =
      "horizon: 2000s\n"
      "seed: 3\n"
      "cluster: {pools: {p: {machine: {cpu: 8, memory: 8Gi, price: $1/h}, nodes: {min: 1, max: 1}}}}\n"
      "deployments:\n"
      "  f:\n"
      "    requests: {cpu: 1}\n"
      "    dispatch: random\n"
      "    replicas: {initial: 1, min: 1, max: 3}\n"
      "    variants: {v: {load: 0s, service: {distribution: {time: 1s}}}}\n"
      "    workload: {arrivals: {batches: {of: {constant: {rate: 0.05/s}}, size: 2}}}\n"
      "  g:\n"
      "    requests: {cpu: 1}\n"
      "    replicas: {initial: 1, min: 1, max: 4}\n"
      "    variants: {v: {load: 1s, service: {distribution: {time: {exponential: {mean: 300ms}}}}}}\n"
      "    workload: {arrivals: {poisson: {rate: 4/s}}}\n"
      "strategies: {s: {scale: {scale-per-request: {keep_alive: 5s}}, deployments: {g: {scale: {horizontal: {scale_down_window: 20s}}}}}}\n";
  Fixture x = {0};
  Arena arena = {0};
  RunResult result;
  open_scenario(&x, text);
  run_simulate(&x.scenario, 0, 0, &(RunOptions){.trace = true}, &arena, &result);
  assert_int_equal(result.status, 0);
  int passed_over = 0;
  for (size_t k = 0; k < result.n_decisions; k++) {
    const DecisionRow *row = &result.decision[k];
    passed_over += row->deployment == 0 && strcmp(row->reason, "idle for keep_alive") == 0 && row->at_ns % INT64_C(20000000000) == 1;
  }
  assert_in_range(passed_over, 5, 45); /* of 99, half of them where either may: both to one, and that one is the new one */
  assert_same_every_way(&x, 0);
  arena_free(&arena);
  close_scenario(&x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_request_one_start), cmocka_unit_test(test_a_start_that_nobody_waits_for), cmocka_unit_test(test_one_start_at_a_time),
      cmocka_unit_test(test_at_the_maximum),        cmocka_unit_test(test_the_same_every_way),
      cmocka_unit_test(test_the_minimum_that_is_passed_over), cmocka_unit_test(test_a_batch_in_the_making),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
