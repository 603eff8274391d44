/* What policies can do to a run besides wishing a number: be asked, keep alive, decide for several deployments, evict, resize in place,
 * name who goes; and what they see of single replicas. Every figure is computed by hand. */
#include <math.h>
#include <string.h>

#include "tests/support/run_fixture.h"
#include "tests/testing.h"

#define NS_PER_S INT64_C(1000000000)

/* ---- asks ---- */

/* A request every 20 s, 1 s of service, 2 s of load. From zero: asked at 20, 40 ... 980: 49 times; each job waits 2 s and is served 1 s; the
 * replica is idle from +3 s on and goes at +8 s. */
static const char zero_text[] =
    "horizon: 1000s\n"
    "cluster: {pools: {p: {machine: {cpu: 4, memory: 8Gi, price: $1/h}, nodes: {min: 1, max: 1}}}}\n"
    "deployments:\n"
    "  f:\n"
    "    requests: {cpu: 1}\n"
    "    replicas: {initial: 0, min: 0, max: 3}\n"
    "    variants: {v: {load: 2s, service: {distribution: {time: 1s}}}}\n"
    "    objective: {latency: 10s}\n"
    "    workload: {arrivals: {constant: {rate: 0.05/s}}}\n"
    "strategies: {s: {scale: none}}\n";

static void from_zero(const void *params, void *state, const Observation *o, Decision *decision) {
  (void)params;
  int *asked = state;
  if (o->ask == ASK_AT_ZERO) {
    assert_int_equal(o->replicas, 0);
    decision->replicas = 1;
    ++*asked;
    assert_int_equal(o->now_ns, *asked * 20 * NS_PER_S);
  }
  decision->keep_alive_ns = 5 * NS_PER_S;
}
static const Policy from_zero_policy = {.model = {.kind = MODEL_POLICY, .name = "from-zero", .params = &no_params_type}, .asks = ASK_AT_ZERO,
                                        .state_bytes = sizeof(int), .decide = from_zero};

static void test_asks_at_zero(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, zero_text);
  use_policy(&x, &from_zero_policy);
  Arena arena = {0};
  RunResult result;
  run_simulate(&x.scenario, 0, 0, &(RunOptions){.trace = true}, &arena, &result);
  assert_int_equal(result.status, 0);
  assert_true(summary_of(&result, 0, "finished") == 49);
  assert_true(fabs(summary_of(&result, 0, "latency_mean_s") - 3) < 1e-9);
  assert_true(fabs(summary_of(&result, 0, "scale_actions") - 98) < 1e-9); /* up and down, 49 times: the last goes at 988 s */
  assert_true(fabs(summary_of(&result, 0, "replicas_ready") - 49 * 6 / 1000.0) < 1e-12); /* ready from +2 s to +8 s */
  assert_same_every_way(&x, 0);
  arena_free(&arena);
  close_scenario(&x);
}

/* Nobody answers: a request at zero asks once, waits, and nothing hangs. */
static void refuse(const void *params, void *state, const Observation *o, Decision *decision) {
  (void)params;
  (void)decision;
  int *asked = state;
  *asked += o->ask == ASK_AT_ZERO;
  if (o->now_ns == 990 * NS_PER_S) assert_int_equal(*asked, 49);
}
static const Policy refuse_policy = {.model = {.kind = MODEL_POLICY, .name = "refuse", .params = &no_params_type}, .asks = ASK_AT_ZERO,
                                     .state_bytes = sizeof(int), .decide = refuse};

static void test_refused(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, zero_text);
  use_policy(&x, &refuse_policy);
  assert_same_every_way(&x, 0);
  close_scenario(&x);
}

/* A request a second, 2.5 s of service, no load: whoever finds no idle slot brings a replica along, so nobody ever waits. Three suffice
 * (Little: 2.5 busy), and the fourth is never wished. */
static const char each_text[] =
    "horizon: 1000s\n"
    "cluster: {pools: {p: {machine: {cpu: 16, memory: 8Gi, price: $1/h}, nodes: {min: 1, max: 1}}}}\n"
    "deployments:\n"
    "  f:\n"
    "    requests: {cpu: 1}\n"
    "    replicas: {initial: 0, min: 0, max: 10}\n"
    "    variants: {v: {load: 0s, service: {distribution: {time: 2500ms}}}}\n"
    "    workload: {arrivals: {constant: {rate: 1/s}}}\n"
    "  g:\n"
    "    requests: {cpu: 1}\n"
    "    replicas: {initial: 0, min: 0, max: 10}\n"
    "    variants: {v: {load: 500ms, service: {distribution: {time: {exponential: {mean: 300ms}}}}}}\n"
    "    workload: {arrivals: {poisson: {rate: 4/s}}}\n"
    "strategies: {s: {scale: none}}\n";

static void each_request(const void *params, void *state, const Observation *o, Decision *decision) {
  (void)params;
  (void)state;
  if (o->ask == ASK_EACH_REQUEST) decision->replicas = o->replicas + 1;
  decision->keep_alive_ns = 30 * NS_PER_S;
}
static const Policy each_policy = {.model = {.kind = MODEL_POLICY, .name = "each", .params = &no_params_type}, .asks = ASK_EACH_REQUEST, .state_bytes = 1,
                                   .decide = each_request};

static void test_asks_at_each_request(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, each_text);
  use_policy(&x, &each_policy);
  Arena arena = {0};
  RunResult result;
  run_simulate(&x.scenario, 0, 0, &(RunOptions){.trace = true}, &arena, &result);
  assert_int_equal(result.status, 0);
  assert_true(fabs(summary_of(&result, 0, "latency_mean_s") - 2.5) < 1e-9);
  assert_true(summary_of(&result, 0, "scale_actions") == 3);
  assert_true(summary_of(&result, 1, "queue_wait_mean_s") < 0.5); /* nobody waits longer than a start */
  assert_same_every_way(&x, 0);
  arena_free(&arena);
  close_scenario(&x);
}

/* a is busy from 40 to 46 s on its second replica, which is to go at 45 s: it is drained at 46 s. b's replica, asked for at 40 s, goes at
 * 48 s. Nobody is pending, so flows do not stop at 46 s: what was noticed on the way comes first all the same. */
static const char late_notice_text[] =
    "horizon: 100s\n"
    "cluster: {pools: {p: {machine: {cpu: 4, memory: 8Gi, price: $1/h}, nodes: {min: 1, max: 1}}}}\n"
    "deployments:\n"
    "  a:\n"
    "    requests: {cpu: 1}\n"
    "    replicas: {initial: 2, min: 1, max: 2}\n"
    "    variants: {v: {service: {distribution: {time: 6s}}}}\n"
    "    workload: {arrivals: {constant: {rate: 0.25/s}}}\n"
    "  b:\n"
    "    requests: {cpu: 1}\n"
    "    replicas: {initial: 0, min: 0, max: 3}\n"
    "    variants: {v: {load: 2s, service: {distribution: {time: 1s}}}}\n"
    "    workload: {arrivals: {constant: {rate: 0.05/s}}}\n"
    "strategies: {s: {scale: none}}\n";

static void late_notice(const void *params, void *state, const Observation *o, Decision *decision) {
  (void)params;
  (void)state;
  if (strcmp(o->deployment, "a") == 0) {
    if (o->now_ns == 45 * NS_PER_S) decision->replicas = 1;
    return;
  }
  if (o->ask == ASK_AT_ZERO) decision->replicas = 1;
  decision->keep_alive_ns = 5 * NS_PER_S;
}
static const Policy late_notice_policy = {.model = {.kind = MODEL_POLICY, .name = "late", .params = &no_params_type}, .asks = ASK_AT_ZERO, .state_bytes = 1,
                                          .decide = late_notice};

static void test_notices_before_expiries(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, late_notice_text);
  use_policy(&x, &late_notice_policy);
  Arena arena = {0};
  RunResult result;
  run_simulate(&x.scenario, 0, 0, &(RunOptions){.trace = true}, &arena, &result);
  assert_int_equal(result.status, 0);
  assert_true(fabs(summary_of(&result, 0, "replicas_ready") - (2 * 45 + 55) / 100.0) < 1e-12);
  assert_true(fabs(summary_of(&result, 0, "requested_cores") - (2 * 46 + 54) / 100.0) < 1e-12);
  assert_same_every_way(&x, 0);
  arena_free(&arena);
  close_scenario(&x);
}

/* Jobs that come by routes and retries ask, too: front sends everything on to back, which sleeps at zero. */
static const char routed_text[] =
    "horizon: 400s\n"
    "cluster: {pools: {p: {machine: {cpu: 16, memory: 8Gi, price: $1/h}, nodes: {min: 1, max: 1}}}}\n"
    "deployments:\n"
    "  front:\n"
    "    requests: {cpu: 1}\n"
    "    replicas: {initial: 1, min: 1, max: 1}\n"
    "    variants: {v: {service: {distribution: {time: 500ms}}}}\n"
    "    route: [{to: back}]\n"
    "    workload: {arrivals: {constant: {rate: 0.05/s}}}\n"
    "  back:\n"
    "    requests: {cpu: 1}\n"
    "    replicas: {initial: 0, min: 0, max: 3}\n"
    "    variants: {v: {load: 2s, service: {distribution: {time: 1s}}}}\n"
    "strategies: {s: {scale: none}}\n";

static void routed(const void *params, void *state, const Observation *o, Decision *decision) {
  (void)params;
  int *asked = state;
  if (strcmp(o->deployment, "back") == 0 && o->ask == ASK_AT_ZERO) {
    ++*asked;
    assert_int_equal(o->now_ns, *asked * 20 * NS_PER_S + NS_PER_S / 2);
    decision->replicas = 1;
  }
  decision->keep_alive_ns = 5 * NS_PER_S;
}
static const Policy routed_policy = {.model = {.kind = MODEL_POLICY, .name = "routed", .params = &no_params_type}, .asks = ASK_AT_ZERO,
                                     .state_bytes = sizeof(int), .decide = routed};

static void test_routed_jobs_ask(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, routed_text);
  use_policy(&x, &routed_policy);
  Arena arena = {0};
  RunResult result;
  run_simulate(&x.scenario, 0, 0, &(RunOptions){.trace = true}, &arena, &result);
  assert_int_equal(result.status, 0);
  assert_true(summary_of(&result, 1, "finished") == 19); /* from 20.5 s to 380.5 s */
  assert_true(fabs(summary_of(&result, 1, "latency_mean_s") - 3) < 1e-9);
  assert_same_every_way(&x, 0);
  arena_free(&arena);
  close_scenario(&x);
}

/* ---- several deployments, one decision ---- */

static const char pair_text[] =
    "horizon: 300s\n"
    "cluster: {pools: {p: {machine: {cpu: 4, memory: 8Gi, price: $1/h}, nodes: {min: 1, max: 1}}}}\n"
    "deployments:\n"
    "  a: {requests: {cpu: 1}, replicas: {initial: 1, min: 1, max: 4}, variants: {v: {service: {distribution: {time: 1ms}}}}, workload: {arrivals: none}}\n"
    "  b: {requests: {cpu: 1}, replicas: {initial: 3, min: 1, max: 4}, variants: {v: {service: {distribution: {time: 1ms}}}}, workload: {arrivals: none}}\n"
    "strategies: {s: {scale: none, period: 30s}}\n";

/* Swaps the two at 60 s: b's must go first, or a's would be pending. */
static void swap(const void *params, void *state, const Observation *o, Decision *decision, size_t n) {
  (void)params;
  (void)state;
  assert_int_equal(n, 2);
  assert_string_equal(o[0].deployment, "a");
  assert_string_equal(o[1].deployment, "b");
  assert_int_equal(o[0].tick, o[1].tick);
  assert_true(fabs(o[0].replica_usd_per_h - 0.25) < 1e-12);
  if (o->now_ns >= 60 * NS_PER_S) {
    decision[0].replicas = 3;
    decision[1].replicas = 1;
  }
  if (o->now_ns == 90 * NS_PER_S) {
    assert_int_equal(o[0].replicas_ready, 3);
    assert_int_equal(o[1].replicas_ready, 1);
  }
}
static const Policy swap_policy = {.model = {.kind = MODEL_POLICY, .name = "swap", .params = &no_params_type}, .state_bytes = 1, .decide_all = swap};

static void test_decides_for_all(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, pair_text);
  use_policy(&x, &swap_policy);
  Arena arena = {0};
  RunResult result;
  run_simulate(&x.scenario, 0, 0, &(RunOptions){.trace = true}, &arena, &result);
  assert_int_equal(result.status, 0);
  for (int r = 0; r < TRACE_ROWS; r++) assert_true(result.trace[(size_t)TRACE_replicas_pending * 2 * TRACE_ROWS + (size_t)r] == 0);
  arena_free(&arena);
  close_scenario(&x);
}

/* ---- single replicas ---- */

/* Node of 4 cores, two replicas of 1 core (ordinals 0, 1), one of b with 1 core. At 30 s ordinal 0 is to have 3 cores: there is room for
 * 2 only, so it waits; at 60 s b goes, and at that instant it has them. */
static const char resize_text[] =
    "horizon: 300s\n"
    "cluster: {pools: {p: {machine: {cpu: 4, memory: 8Gi, price: $1/h}, nodes: {min: 1, max: 1}}}}\n"
    "deployments:\n"
    "  a: {requests: {cpu: 1}, replicas: {initial: 2, min: 1, max: 4}, variants: {v: {service: {distribution: {time: 1ms}}}}, workload: {arrivals: none}}\n"
    "  b: {requests: {cpu: 1}, replicas: {initial: 1, min: 0, max: 4}, variants: {v: {service: {distribution: {time: 1ms}}}}, workload: {arrivals: none}}\n"
    "strategies: {s: {scale: none, period: 30s}}\n";

static void resize(const void *params, void *state, const Observation *o, Decision *decision) {
  (void)params;
  (void)state;
  if (strcmp(o->deployment, "b") == 0) {
    decision->replicas = o->now_ns >= 60 * NS_PER_S ? 0 : 1;
    return;
  }
  assert_int_equal(o->n_replicas, 2);
  assert_int_equal(o->replica[1].request_millicores, 1000);
  assert_int_equal(o->replica[0].request_millicores, o->now_ns >= 90 * NS_PER_S ? 3000 : 1000);
  if (o->now_ns != 30 * NS_PER_S) return;
  decision->request_millicores = 3000;
  decision->update = UPDATE_IN_PLACE;
  decision->updated[0] = 0;
  decision->n_updated = 1;
}
static const Policy resize_policy = {.model = {.kind = MODEL_POLICY, .name = "resize", .params = &no_params_type}, .reads_replicas = true, .state_bytes = 1,
                                     .decide = resize};

static void test_resize_waits_for_room(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, resize_text);
  use_policy(&x, &resize_policy);
  assert_same_every_way(&x, 0);
  close_scenario(&x);
}

/* At 30 s ordinal 1 of three is evicted with a new request for those to come; at 60 s one fewer is wished, and ordinal 0 is named. */
static void evict(const void *params, void *state, const Observation *o, Decision *decision) {
  (void)params;
  (void)state;
  if (strcmp(o->deployment, "b") == 0) return;
  if (o->now_ns == 30 * NS_PER_S) {
    decision->request_millicores = 500;
    decision->update = UPDATE_EVICT;
    decision->updated[decision->n_updated++] = 1;
  } else if (o->now_ns == 60 * NS_PER_S) {
    assert_int_equal(o->n_replicas, 2);
    assert_int_equal(o->replica[0].ordinal, 0);
    assert_int_equal(o->replica[1].ordinal, 2);
    assert_int_equal(o->replica[0].request_millicores, 1000);
    assert_int_equal(o->replica[1].request_millicores, 500);
    assert_int_equal(o->replica[1].created_ns, 30 * NS_PER_S);
    assert_int_equal(o->replica[1].ready_ns, 30 * NS_PER_S);
    decision->replicas = 1;
    decision->removed[decision->n_removed++] = 0;
  } else if (o->now_ns > 60 * NS_PER_S) {
    assert_int_equal(o->n_replicas, 1);
    assert_int_equal(o->replica[0].ordinal, 2);
  }
}
static const Policy evict_policy = {.model = {.kind = MODEL_POLICY, .name = "evict", .params = &no_params_type}, .reads_replicas = true, .state_bytes = 1,
                                    .decide = evict};

static void test_evicts_and_removes_the_named(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, resize_text);
  use_policy(&x, &evict_policy);
  assert_same_every_way(&x, 0);
  close_scenario(&x);
}

/* ---- what is seen ---- */

/* Round robin over two replicas, a request a second of 0.5 s at both: each is busy a quarter of the time, with 2 cores in use then.
 * Latencies are 0.5 s; the first arrival is at 1 s. */
static const char seen_text[] =
    "horizon: 400s\n"
    "cluster: {pools: {p: {machine: {cpu: 4, memory: 8Gi, price: $1/h}, nodes: {min: 1, max: 1}}}}\n"
    "deployments:\n"
    "  a:\n"
    "    requests: {cpu: 2}\n"
    "    dispatch: round-robin\n"
    "    replicas: {initial: 2, min: 1, max: 4}\n"
    "    variants: {v: {service: {distribution: {time: 500ms}}}}\n"
    "    workload: {arrivals: {constant: {rate: 1/s}}, input: 100, output: 7}\n"
    "strategies: {s: {scale: none, period: 30s, metrics: {scrape: 10s, window: 20s, lag: 5s}}}\n";

static size_t seen_queries(const void *params, MetricQuery query[POLICY_METRICS]) {
  (void)params;
  size_t n = 0;
  query[n++] = metric_query(METER_CPU_CORES);
  query[n] = metric_query(METER_SLOT_UTILISATION_RATIO);
  query[n++].aggregate = METRIC_MAX;
  query[n++] = metric_query(METER_LATENCY_P99_S);
  query[n] = metric_query(METER_OFFERED_RPS);
  query[n].window_ns = 60 * NS_PER_S;
  query[n].lag_ns = 0;
  query[n++].multiply = 100;
  query[n] = metric_query(METER_IN_SERVICE_JOBS);
  query[n++].window_ns = 0;
  return n;
}

static void see(const void *params, void *state, const Observation *o, Decision *decision) {
  (void)params;
  (void)state;
  (void)decision;
  if (o->now_ns < 90 * NS_PER_S) return;
  assert_int_equal(o->n_replicas, 2);
  for (int k = 0; k < 2; k++) {
    assert_true(o->replica[k].has_sample);
    assert_int_equal(o->replica[k].sampled_ns, (o->now_ns / NS_PER_S - 5) / 10 * 10 * NS_PER_S);
    assert_int_equal(o->replica[k].window_ns, 20 * NS_PER_S);
    assert_true(fabs(o->replica[k].usage_millicores - 500) < 1e-9);
    assert_true(fabs(o->metric[1].replica[k] - 0.25) < 1e-9);
  }
  assert_true(o->metric[0].has && fabs(o->metric[0].value - 1) < 1e-9);
  assert_true(fabs(o->metric[1].value - 0.25) < 1e-9);
  assert_true(fabs(o->metric[2].value - 0.5) < 1e-9);
  assert_true(fabs(o->metric[3].value - 100) < 1e-9);
  assert_int_equal(o->metric[3].sampled_ns, o->now_ns);
  assert_int_equal(o->metric[3].window_ns, 60 * NS_PER_S);
  assert_true(o->metric[4].value == 0); /* a job that arrives at the scrape's instant comes after it */
  assert_true(fabs(o->input_tokens_mean - 100) < 1e-9 && fabs(o->output_tokens_mean - 7) < 1e-9);
}
static const Policy see_policy = {.model = {.kind = MODEL_POLICY, .name = "see", .params = &no_params_type}, .reads_replicas = true, .state_bytes = 1,
                                  .metrics = seen_queries, .decide = see};

static void test_what_is_seen(void **state) {
  (void)state;
  Fixture x = {0};
  open_scenario(&x, seen_text);
  use_policy(&x, &see_policy);
  assert_same_every_way(&x, 0);
  close_scenario(&x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_asks_at_zero),          cmocka_unit_test(test_refused),
      cmocka_unit_test(test_asks_at_each_request),  cmocka_unit_test(test_routed_jobs_ask),
      cmocka_unit_test(test_notices_before_expiries),
      cmocka_unit_test(test_decides_for_all),       cmocka_unit_test(test_resize_waits_for_room),
      cmocka_unit_test(test_evicts_and_removes_the_named), cmocka_unit_test(test_what_is_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
