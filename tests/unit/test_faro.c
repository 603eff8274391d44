/* The baselines of Faro by hand, over several deployments with a common quota. Looks are 10 s apart; the target is 720 ms. */
#include <string.h>

#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/testing.h"

#include "sim/contract/policy.h"

enum { JOBS = 12, ANSWERS = 3 };

typedef struct Bench {
  Arena arena;
  const Policy *policy;
  void *params, *state;
  size_t jobs;
  int64_t look; /* number of the next one; at 10 s times this */
  Observation seen[JOBS];
  MetricValue answer[JOBS][ANSWERS]; /* mean latency, finished, dropped */
  Decision wished[JOBS];
} Bench;

static void set(Bench *bench, const char *path, const char *text) { param_set(bench->policy->model.params, bench->params, path, text); }

static void begin(Bench *bench, const char *name, size_t jobs, int64_t replicas) {
  memset(bench, 0, sizeof *bench);
  bench->policy = (const Policy *)model_find(MODEL_POLICY, name);
  assert_non_null(bench->policy);
  bench->params = param_new(&bench->arena, bench->policy->model.params);
  bench->state = arena_alloc(&bench->arena, 1, bench->policy->state_bytes);
  bench->jobs = jobs;
  bench->look = 1;
  for (size_t k = 0; k < jobs; k++) {
    bench->seen[k] = (Observation){.period_ns = 10 * NS_PER_S, .has_metrics = true, .replicas = replicas, .replicas_ready = replicas, .min_replicas = 1,
                                   .max_replicas = 100, .request_millicores = 1000, .placeable_replicas = 1000, .objective_latency_ns = 720000000,
                                   .metric = bench->answer[k]};
    for (int a = 0; a < ANSWERS; a++) bench->answer[k][a] = (MetricValue){.has = true};
  }
}

/* Mean latency of one request a second in the window; 0: no request ended. */
static void latency(Bench *bench, size_t k, double mean_s) {
  bench->answer[k][0] = (MetricValue){.has = mean_s > 0, .value = mean_s};
  bench->answer[k][1].value = mean_s > 0 ? 1 : 0;
}

/* Looks once and grants. */
static void look(Bench *bench) {
  for (size_t k = 0; k < bench->jobs; k++) {
    bench->seen[k].now_ns = bench->look * bench->seen[k].period_ns;
    decision_begin(&bench->wished[k], &bench->seen[k]);
  }
  bench->policy->decide_all(bench->params, bench->state, bench->seen, bench->wished, bench->jobs);
  for (size_t k = 0; k < bench->jobs; k++) bench->seen[k].replicas = bench->seen[k].replicas_ready = bench->wished[k].replicas;
  bench->look++;
}

static int64_t looks(Bench *bench, int n) {
  for (int k = 1; k < n; k++) {
    int64_t before = bench->seen[0].replicas;
    look(bench);
    assert_int_equal(bench->seen[0].replicas, before); /* only the last of them acts */
  }
  look(bench);
  return bench->seen[0].replicas;
}

static void end(Bench *bench) { arena_free(&bench->arena); }

/* ---- oneshot ---- */

static void oneshot_up_after_three(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 4);
  latency(&bench, 0, 1.08);
  assert_int_equal(looks(&bench, 3), 6); /* 4 x 1.5, at 30 s */
  assert_string_equal(bench.wished[0].reason, "latency above target");
  assert_true(bench.wished[0].raw_replicas == 6 && bench.wished[0].after_tolerance == 6 && bench.wished[0].rate_limited == 6);
  assert_int_equal(looks(&bench, 3), 9); /* counting has begun anew */
  assert_int_equal(looks(&bench, 3), 14); /* 13.5 */
  end(&bench);
}

static void oneshot_at_the_target(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 4);
  latency(&bench, 0, 0.72);
  assert_int_equal(looks(&bench, 60), 4); /* not above: a scale-down to 4 x 1 */
  assert_string_equal(bench.wished[0].reason, "at a bound");
  latency(&bench, 0, 0.7201);
  assert_int_equal(looks(&bench, 3), 5); /* 4.0006 */
  end(&bench);
}

static void oneshot_row_that_is_broken(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 4);
  latency(&bench, 0, 1.08);
  assert_int_equal(looks(&bench, 2), 4);
  latency(&bench, 0, 0.5);
  assert_int_equal(looks(&bench, 1), 4);
  latency(&bench, 0, 1.08);
  assert_int_equal(looks(&bench, 3), 6);
  end(&bench);
}

static void oneshot_down_after_sixty(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 5);
  latency(&bench, 0, 0.36);
  assert_int_equal(looks(&bench, 60), 3); /* 2.5 */
  assert_string_equal(bench.wished[0].reason, "latency not above target");
  assert_int_equal(looks(&bench, 60), 2); /* 1.5 */
  assert_int_equal(looks(&bench, 60), 1);
  end(&bench);
}

static void oneshot_down_row_broken_by_one(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 6);
  latency(&bench, 0, 0.36);
  assert_int_equal(looks(&bench, 59), 6);
  latency(&bench, 0, 0.8);
  assert_int_equal(looks(&bench, 1), 6);
  latency(&bench, 0, 0.36);
  assert_int_equal(looks(&bench, 60), 3);
  end(&bench);
}

static void oneshot_quiet_goes_to_the_minimum(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 9);
  latency(&bench, 0, 0);
  assert_int_equal(looks(&bench, 60), 1); /* 9 x 0, at least 1 */
  assert_true(bench.wished[0].metric == 0);
  end(&bench);
}

static void oneshot_bounds(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 4);
  set(&bench, "max_replicas", "7");
  set(&bench, "min_replicas", "3");
  latency(&bench, 0, 7.2);
  assert_int_equal(looks(&bench, 3), 7);
  latency(&bench, 0, 0.072);
  assert_int_equal(looks(&bench, 60), 3);
  end(&bench);
}

static void oneshot_drops(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 4);
  latency(&bench, 0, 2);
  bench.answer[0][2].value = 3;
  assert_int_equal(looks(&bench, 3), 4); /* (2 + 3 x 0) / 4 = 0.5: below, though three of four are dropped */
  assert_true(bench.wished[0].metric == 0.5);
  set(&bench, "dropped_latency", "480ms");
  assert_int_equal(looks(&bench, 3), 5); /* (2 + 3 x 0.48) / 4 = 0.86; 4.78 */
  set(&bench, "drops", "left_out");
  assert_int_equal(looks(&bench, 3), 14); /* 2 / 0.72 = 2.78; 13.9 */
  end(&bench);
}

static void oneshot_skips_while_starting(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 4);
  latency(&bench, 0, 1.08);
  bench.seen[0].replicas_starting = 1;
  assert_int_equal(looks(&bench, 3), 4);
  assert_string_equal(bench.wished[0].reason, "skipped: replicas are starting");
  bench.seen[0].replicas_starting = 0;
  assert_int_equal(looks(&bench, 2), 4); /* the row was used up by what was skipped */
  assert_int_equal(looks(&bench, 1), 6);
  end(&bench);
}

static void oneshot_pauses_or_acts_while_starting(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 4);
  set(&bench, "while_scaling", "pause");
  latency(&bench, 0, 1.08);
  assert_int_equal(looks(&bench, 2), 4);
  bench.seen[0].replicas_pending = 1;
  assert_int_equal(looks(&bench, 10), 4); /* not counted */
  bench.seen[0].replicas_pending = 0;
  assert_int_equal(looks(&bench, 1), 6);
  set(&bench, "while_scaling", "act");
  bench.seen[0].replicas_pending = 1;
  assert_int_equal(looks(&bench, 3), 9);
  end(&bench);
}

static void oneshot_quota_cuts(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 3, 4);
  set(&bench, "quota", "15");
  for (size_t k = 0; k < 3; k++) latency(&bench, k, 1.08);
  assert_int_equal(looks(&bench, 3), 6); /* 12 in use: +2, then 1 of +2, then none */
  assert_int_equal(bench.seen[1].replicas, 5);
  assert_int_equal(bench.seen[2].replicas, 4);
  assert_string_equal(bench.wished[2].reason, "cut to the quota");
  assert_int_equal(looks(&bench, 3), 6);
  end(&bench);
}

static void oneshot_downs_before_ups(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 2, 4);
  set(&bench, "quota", "8");
  latency(&bench, 0, 0.5);
  latency(&bench, 1, 0.36);
  look(&bench); /* 1 of 60 */
  for (int k = 0; k < 56; k++) look(&bench);
  latency(&bench, 0, 1.08);
  assert_int_equal(looks(&bench, 3), 6); /* the second gives 4 x 0.5 at the same look, and stands behind it in the list */
  assert_int_equal(bench.seen[1].replicas, 2);
  end(&bench);
}

static void oneshot_placeable_where_no_quota(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 2, 4);
  for (size_t k = 0; k < 2; k++) {
    latency(&bench, k, 1.08);
    bench.seen[k].placeable_replicas = 3;
  }
  assert_int_equal(looks(&bench, 3), 6);
  assert_int_equal(bench.seen[1].replicas, 5); /* one is left */
  end(&bench);
}

static void oneshot_other_targets_and_looks(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 4);
  latency(&bench, 0, 1.08);
  bench.seen[0].has_metrics = false;
  assert_int_equal(looks(&bench, 5), 4); /* not counted */
  bench.seen[0].has_metrics = true;
  bench.seen[0].period_ns = 5 * NS_PER_S;
  assert_int_equal(looks(&bench, 6), 6); /* 30 s are six looks */
  set(&bench, "target_metric", "2s");
  assert_int_equal(looks(&bench, 120), 4); /* 6 x 0.54 = 3.24 */
  set(&bench, "target_metric", "0");
  bench.seen[0].objective_latency_ns = 0;
  assert_int_equal(looks(&bench, 200), 4);
  assert_string_equal(bench.wished[0].reason, "no objective");
  end(&bench);
}

static void oneshot_queries(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "oneshot", 1, 4);
  MetricQuery query[POLICY_METRICS];
  PolicyTiming timing = {0};
  assert_int_equal(bench.policy->metrics(bench.params, query), 3);
  bench.policy->timing(bench.params, &timing);
  assert_int_equal(query[0].meter, METER_LATENCY_MEAN_S);
  assert_int_equal(query[2].meter, METER_DROPPED_RPS);
  assert_true(query[0].window_ns == 30 * NS_PER_S && timing.period_ns == 10 * NS_PER_S && timing.scrape_ns == 10 * NS_PER_S && timing.lag_ns == 0);
  end(&bench);
}

/* ---- aiad ---- */

static void aiad_up_by_one(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 1, 4);
  latency(&bench, 0, 72);
  assert_int_equal(looks(&bench, 3), 5);
  assert_int_equal(looks(&bench, 3), 6);
  assert_int_equal(looks(&bench, 3), 7);
  end(&bench);
}

static void aiad_down_by_one(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 1, 3);
  latency(&bench, 0, 0.01);
  assert_int_equal(looks(&bench, 60), 2);
  assert_int_equal(looks(&bench, 60), 1);
  assert_int_equal(looks(&bench, 60), 1);
  assert_string_equal(bench.wished[0].reason, "at a bound");
  end(&bench);
}

static void aiad_at_the_maximum(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 1, 4);
  bench.seen[0].max_replicas = 5;
  latency(&bench, 0, 1);
  assert_int_equal(looks(&bench, 3), 5);
  assert_int_equal(looks(&bench, 3), 5);
  bench.seen[0].max_replicas = 6;
  assert_int_equal(looks(&bench, 3), 6);
  end(&bench);
}

static void aiad_row_turns(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 1, 4);
  for (int k = 0; k < 40; k++) { /* two above, one below, for ever: no row */
    latency(&bench, 0, 1);
    assert_int_equal(looks(&bench, 2), 4);
    latency(&bench, 0, 0.1);
    assert_int_equal(looks(&bench, 1), 4);
  }
  end(&bench);
}

static void aiad_up_then_down(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 1, 4);
  latency(&bench, 0, 1);
  assert_int_equal(looks(&bench, 3), 5);
  latency(&bench, 0, 0.7);
  assert_int_equal(looks(&bench, 60), 4);
  latency(&bench, 0, 0.73);
  assert_int_equal(looks(&bench, 3), 5);
  end(&bench);
}

static void aiad_skips_while_starting(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 1, 4);
  latency(&bench, 0, 1);
  assert_int_equal(looks(&bench, 3), 5); /* at 30 s; a cold start takes 35 s */
  bench.seen[0].replicas_starting = 1;
  assert_int_equal(looks(&bench, 3), 5); /* at 60 s: skipped */
  bench.seen[0].replicas_starting = 0;
  assert_int_equal(looks(&bench, 3), 6); /* at 90 s */
  end(&bench);
}

static void aiad_quota_in_the_order_of_the_list(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 4, 4);
  set(&bench, "quota", "18");
  for (size_t k = 0; k < 4; k++) latency(&bench, k, 1);
  assert_int_equal(looks(&bench, 3), 5); /* two are free */
  assert_int_equal(bench.seen[1].replicas, 5);
  assert_int_equal(bench.seen[2].replicas, 4);
  assert_int_equal(bench.seen[3].replicas, 4);
  assert_int_equal(looks(&bench, 3), 5);
  assert_string_equal(bench.wished[0].reason, "cut to the quota");
  end(&bench);
}

static void aiad_quota_handed_on(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 3, 4);
  set(&bench, "quota", "12");
  latency(&bench, 0, 0.1);
  latency(&bench, 1, 0.1);
  latency(&bench, 2, 0.1);
  for (int k = 0; k < 57; k++) look(&bench);
  latency(&bench, 0, 1);
  latency(&bench, 1, 1);
  assert_int_equal(looks(&bench, 3), 5); /* one is given back: the first takes it */
  assert_int_equal(bench.seen[1].replicas, 4);
  assert_int_equal(bench.seen[2].replicas, 3);
  end(&bench);
}

static void aiad_quota_by_request(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 2, 4);
  set(&bench, "quota", "13");
  bench.seen[0].request_millicores = 2000; /* 8 and 4 CPUs in use, one free: not enough for the first */
  latency(&bench, 0, 1);
  latency(&bench, 1, 1);
  assert_int_equal(looks(&bench, 3), 4);
  assert_int_equal(bench.seen[1].replicas, 5);
  end(&bench);
}

static void aiad_over_the_quota(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 2, 8);
  set(&bench, "quota", "10"); /* 16 in use from the start */
  latency(&bench, 0, 1);
  latency(&bench, 1, 0.1);
  assert_int_equal(looks(&bench, 3), 8); /* nothing is taken away for it */
  for (int k = 0; k < 57; k++) look(&bench);
  assert_int_equal(bench.seen[0].replicas, 8);
  assert_int_equal(bench.seen[1].replicas, 7);
  end(&bench);
}

static void aiad_each_counts_for_itself(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 3, 4);
  latency(&bench, 0, 0.1);
  latency(&bench, 1, 1);
  look(&bench);
  latency(&bench, 2, 1);
  look(&bench);
  look(&bench);
  assert_int_equal(bench.seen[1].replicas, 5);
  assert_int_equal(bench.seen[2].replicas, 4);
  look(&bench);
  assert_int_equal(bench.seen[1].replicas, 5);
  assert_int_equal(bench.seen[2].replicas, 5);
  assert_int_equal(bench.seen[0].replicas, 4);
  end(&bench);
}

static void aiad_other_delays(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "aiad", 1, 4);
  set(&bench, "upscale_delay", "0");
  set(&bench, "downscale_delay", "25s"); /* two looks: 25 // 10 */
  latency(&bench, 0, 1);
  assert_int_equal(looks(&bench, 1), 5);
  assert_int_equal(looks(&bench, 1), 6);
  latency(&bench, 0, 0.1);
  assert_int_equal(looks(&bench, 2), 5);
  assert_int_equal(looks(&bench, 2), 4);
  end(&bench);
}

/* ---- fairshare ---- */

static int64_t share(size_t jobs, const char *quota, int64_t replicas) {
  Bench bench;
  begin(&bench, "fairshare", jobs, replicas);
  set(&bench, "quota", quota);
  look(&bench);
  look(&bench);
  for (size_t k = 1; k < jobs; k++) assert_int_equal(bench.seen[k].replicas, bench.seen[0].replicas);
  end(&bench);
  return bench.seen[0].replicas;
}

static void fairshare_divides(void **unused) {
  (void)unused;
  assert_int_equal(share(10, "32", 1), 3); /* 3.2 */
  assert_int_equal(share(10, "16", 1), 1);
  assert_int_equal(share(10, "40", 9), 4);
  assert_int_equal(share(10, "39999m", 9), 3);
  assert_int_equal(share(1, "7", 2), 7);
  assert_int_equal(share(3, "7", 2), 2);
}

static void fairshare_bounds(void **unused) {
  (void)unused;
  assert_int_equal(share(10, "9", 4), 1);    /* 0.9: at least one */
  assert_int_equal(share(2, "1000", 4), 100); /* the deployment's maximum */
  Bench bench;
  begin(&bench, "fairshare", 10, 4);
  set(&bench, "quota", "9");
  set(&bench, "min_replicas", "0");
  look(&bench);
  assert_int_equal(bench.seen[3].replicas, 0);
  end(&bench);
}

static void fairshare_of_what_is_there(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "fairshare", 4, 2);
  for (size_t k = 0; k < 4; k++) bench.seen[k].placeable_replicas = 9;
  look(&bench); /* 8 in use and 9 free: 4.25 */
  assert_int_equal(bench.seen[0].replicas, 4);
  assert_true(bench.wished[0].raw_replicas == 4);
  for (size_t k = 0; k < 4; k++) bench.seen[k].placeable_replicas = 1;
  look(&bench); /* 16 and 1, but the share is fixed */
  assert_int_equal(bench.seen[0].replicas, 4);
  bench.seen[2].replicas = 1; /* somebody else changed it */
  look(&bench);
  assert_int_equal(bench.seen[2].replicas, 4);
  end(&bench);
}

static void fairshare_pending_ones_use_nothing(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "fairshare", 2, 6);
  for (size_t k = 0; k < 2; k++) {
    bench.seen[k].replicas_pending = 4;
    bench.seen[k].placeable_replicas = 3;
  }
  look(&bench); /* 2 + 2 placed, 3 free: 3.5 */
  assert_int_equal(bench.seen[0].replicas, 3);
  end(&bench);
}

static void fairshare_by_request(void **unused) {
  (void)unused;
  Bench bench;
  begin(&bench, "fairshare", 3, 1);
  set(&bench, "quota", "25");
  bench.seen[1].request_millicores = 2000;
  bench.seen[2].request_millicores = 0; /* counts as one CPU */
  look(&bench); /* 8.33 CPUs each */
  assert_int_equal(bench.seen[0].replicas, 8);
  assert_int_equal(bench.seen[1].replicas, 4);
  assert_int_equal(bench.seen[2].replicas, 8);
  end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(oneshot_up_after_three),
      cmocka_unit_test(oneshot_at_the_target),
      cmocka_unit_test(oneshot_row_that_is_broken),
      cmocka_unit_test(oneshot_down_after_sixty),
      cmocka_unit_test(oneshot_down_row_broken_by_one),
      cmocka_unit_test(oneshot_quiet_goes_to_the_minimum),
      cmocka_unit_test(oneshot_bounds),
      cmocka_unit_test(oneshot_drops),
      cmocka_unit_test(oneshot_skips_while_starting),
      cmocka_unit_test(oneshot_pauses_or_acts_while_starting),
      cmocka_unit_test(oneshot_quota_cuts),
      cmocka_unit_test(oneshot_downs_before_ups),
      cmocka_unit_test(oneshot_placeable_where_no_quota),
      cmocka_unit_test(oneshot_other_targets_and_looks),
      cmocka_unit_test(oneshot_queries),
      cmocka_unit_test(aiad_up_by_one),
      cmocka_unit_test(aiad_down_by_one),
      cmocka_unit_test(aiad_at_the_maximum),
      cmocka_unit_test(aiad_row_turns),
      cmocka_unit_test(aiad_up_then_down),
      cmocka_unit_test(aiad_skips_while_starting),
      cmocka_unit_test(aiad_quota_in_the_order_of_the_list),
      cmocka_unit_test(aiad_quota_handed_on),
      cmocka_unit_test(aiad_quota_by_request),
      cmocka_unit_test(aiad_over_the_quota),
      cmocka_unit_test(aiad_each_counts_for_itself),
      cmocka_unit_test(aiad_other_delays),
      cmocka_unit_test(fairshare_divides),
      cmocka_unit_test(fairshare_bounds),
      cmocka_unit_test(fairshare_of_what_is_there),
      cmocka_unit_test(fairshare_pending_ones_use_nothing),
      cmocka_unit_test(fairshare_by_request),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
