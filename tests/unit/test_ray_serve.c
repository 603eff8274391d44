/* `ray-serve` by hand, each look through decide: factors, delays, cold start, 1 to 0, aggregation, bounds. Requests are pushed as the mean
 * of the last 10 s unless a test says otherwise. */
#include <math.h>
#include <string.h>

#include "tests/support/params.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

/* 2 requests a replica, 0..20 replicas, no delays, and `replicas` of them run. */
static PolicyBench bench_of(int64_t replicas) {
  PolicyBench bench = policy_bench("ray-serve");
  bench_set(&bench, "min_replicas", "0");
  bench_set(&bench, "max_replicas", "20");
  bench_set(&bench, "upscale_delay_s", "0");
  bench_set(&bench, "downscale_delay_s", "0");
  bench.seen.replicas = bench.seen.replicas_ready = replicas;
  bench.metric[0].has = false;
  return bench;
}

/* A push of `requests` at the instant; the window is the last 10 s. */
static void push(PolicyBench *bench, double at_s, double requests) {
  bench->metric[0] = (MetricValue){.has = true, .value = requests, .sampled_ns = (int64_t)(at_s * 1e9), .window_ns = 10000000000};
}

static int64_t wish(PolicyBench *bench, double at_s) { return look(bench, at_s)->replicas; }

static int64_t granted(PolicyBench *bench, double at_s) { return look_and_grant(bench, at_s)->replicas; }

static void divides_and_rounds_up(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(4);
  push(&bench, 10, 8);
  assert_int_equal(granted(&bench, 10), 4); /* 8 / 2 */
  push(&bench, 40, 8.2);                    /* 30 s later: the push before is out of the window but for its 20 s of holding */
  assert_int_equal(granted(&bench, 40), 5); /* (8 x 20 s + 8.2 x 10 s) / 30 s = 8.067, / 2 = 4.03 */
  assert_true(fabs(bench.wished.metric - (8 * 20 + 8.2 * 10) / 30) < 1e-12);
  push(&bench, 70, 30);
  assert_int_equal(granted(&bench, 70), 8); /* (8.2 x 20 + 30 x 10) / 30 = 15.467, / 2 = 7.73 */
  assert_string_equal(bench.wished.reason, "more requests than target");
  bench_end(&bench);
}

static void mean_starts_with_the_first_push(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(1);
  push(&bench, 10, 6);
  assert_int_equal(granted(&bench, 10), 3); /* the window is 10 s long, not 30: 6 / 2 */
  push(&bench, 20, 12);
  assert_int_equal(granted(&bench, 20), 5); /* (6 + 12) / 2 = 9, / 2 = 4.5 */
  push(&bench, 30, 12);
  push(&bench, 30, 12);
  assert_int_equal(granted(&bench, 30), 5); /* (6 + 12 + 12) / 3 = 10, / 2 */
  push(&bench, 40, 12);
  assert_int_equal(granted(&bench, 40), 6); /* 12 / 2: the 6 of [0, 10) has left */
  bench_end(&bench);
}

static void maximum_and_minimum(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(3);
  bench_set(&bench, "aggregation_function", "max");
  push(&bench, 10, 10);
  assert_int_equal(granted(&bench, 10), 5);
  push(&bench, 20, 2);
  assert_int_equal(granted(&bench, 20), 5); /* max(10, 2) */
  push(&bench, 40, 2);
  assert_int_equal(granted(&bench, 40), 5); /* the gauge of 10 s is still in [10, 40] */
  push(&bench, 41, 2);
  assert_int_equal(granted(&bench, 41), 1);
  assert_int_equal(bench.query[0].window_ns, 0);
  bench_end(&bench);
  bench = bench_of(5);
  bench_set(&bench, "aggregation_function", "min");
  push(&bench, 10, 4);
  assert_int_equal(granted(&bench, 10), 2);
  push(&bench, 20, 12);
  assert_int_equal(granted(&bench, 20), 2); /* min(4, 12) */
  bench_end(&bench);
}

static void upscale_delay_runs_from_the_first_wish(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(1);
  bench_set(&bench, "upscale_delay_s", "30");
  push(&bench, 10, 6);
  assert_int_equal(wish(&bench, 10), 1);
  assert_string_equal(bench.wished.reason, "waiting for upscale_delay_s");
  assert_int_equal(wish(&bench, 39.9), 1);   /* 29.9 s */
  assert_int_equal(wish(&bench, 40), 3);     /* 30 s: at the delay, not a loop later */
  assert_int_equal(wish(&bench, 40.1), 1);   /* not granted: it has fired, and waits anew */
  assert_int_equal(wish(&bench, 70), 1);
  assert_int_equal(wish(&bench, 70.1), 3);
  bench_end(&bench);
}

static void a_break_resets_the_delay(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(2);
  bench_set(&bench, "upscale_delay_s", "30");
  bench_set(&bench, "look_back_period_s", "10");
  push(&bench, 10, 6);
  assert_int_equal(wish(&bench, 10), 2);
  push(&bench, 20, 4);                      /* as wished: 4 / 2 = 2 */
  assert_int_equal(wish(&bench, 20), 2);
  push(&bench, 30, 6);
  assert_int_equal(wish(&bench, 30), 2);    /* begins again */
  assert_int_equal(wish(&bench, 59.9), 2);
  assert_int_equal(wish(&bench, 60), 3);
  bench_end(&bench);
}

static void the_other_direction_resets_it(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(2);
  bench_set(&bench, "upscale_delay_s", "20");
  bench_set(&bench, "downscale_delay_s", "20");
  bench_set(&bench, "look_back_period_s", "10");
  push(&bench, 10, 6);
  assert_int_equal(wish(&bench, 10), 2);    /* up since 10 */
  push(&bench, 20, 1);
  assert_int_equal(wish(&bench, 20), 2);    /* down since 20 */
  push(&bench, 30, 6);
  assert_int_equal(wish(&bench, 30), 2);    /* up since 30 */
  assert_int_equal(wish(&bench, 49.9), 2);
  assert_int_equal(wish(&bench, 50), 3);
  bench_end(&bench);
}

static void the_latest_wish_takes_effect(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(1);
  bench_set(&bench, "upscale_delay_s", "20");
  bench_set(&bench, "look_back_period_s", "10");
  push(&bench, 10, 20);
  assert_int_equal(wish(&bench, 10), 1);    /* wishes 10 */
  push(&bench, 20, 5);
  assert_int_equal(wish(&bench, 20), 1);    /* wishes 3: still upwards */
  assert_int_equal(wish(&bench, 30), 3);
  bench_end(&bench);
}

static void zero_only_from_one(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(5);
  bench_set(&bench, "downscale_delay_s", "60");
  bench_set(&bench, "downscale_to_zero_delay_s", "20");
  push(&bench, 10, 0);
  assert_int_equal(granted(&bench, 10), 5);
  assert_int_equal(granted(&bench, 69.9), 5);
  assert_int_equal(granted(&bench, 70), 1);    /* wishes 0, gets 1 */
  assert_int_equal(granted(&bench, 70.1), 1);  /* 1 to 0: since 70.1 */
  assert_int_equal(granted(&bench, 90), 1);
  assert_int_equal(granted(&bench, 90.1), 0);
  bench_end(&bench);
}

static void without_its_own_delay_zero_takes_the_other(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(1);
  bench_set(&bench, "downscale_delay_s", "600");
  push(&bench, 10, 0);
  assert_int_equal(granted(&bench, 10), 1);
  assert_int_equal(granted(&bench, 609.9), 1);
  assert_int_equal(granted(&bench, 610), 0);
  bench_end(&bench);
}

static void cold_start_waits_for_nothing(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(0);
  bench_set(&bench, "upscale_delay_s", "30");
  bench_set(&bench, "upscaling_factor", "2.5");
  push(&bench, 10, 0);
  assert_int_equal(granted(&bench, 10), 0);
  bench.seen.ask = ASK_AT_ZERO;
  bench.seen.waiting_jobs_now = 1;
  assert_int_equal(wish(&bench, 12.3), 3); /* ceil(2.5) */
  assert_string_equal(bench.wished.reason, "cold start");
  bench.seen.ask = ASK_NONE;
  bench.seen.replicas = bench.seen.replicas_starting = 3;
  assert_int_equal(wish(&bench, 12.4), 3); /* the push still says 0: the target stays while none runs */
  push(&bench, 20, 8);
  assert_int_equal(wish(&bench, 20), 3);   /* max(3, 3) */
  bench_end(&bench);
}

static void starting_replicas_are_not_running(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(1);
  bench_set(&bench, "look_back_period_s", "10");
  push(&bench, 10, 20);
  assert_int_equal(wish(&bench, 10), 10);
  bench.seen.replicas = 10; /* one runs, nine start */
  assert_int_equal(wish(&bench, 10.1), 10);  /* 1 x 20 / 2, not 10 x ... */
  bench.seen.replicas_ready = 3;
  push(&bench, 20, 26);
  assert_int_equal(wish(&bench, 20), 13);    /* 3 x 26 / (2 x 3) */
  bench_end(&bench);
}

static void factors_shorten_the_step(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(4);
  bench_set(&bench, "smoothing_factor", "0.5");
  bench_set(&bench, "look_back_period_s", "10");
  push(&bench, 10, 20);
  assert_int_equal(granted(&bench, 10), 7);  /* 4 + 0.5 x (10 - 4) */
  push(&bench, 20, 12);
  assert_int_equal(granted(&bench, 20), 6);  /* 7 - 0.5 x 1 = 6.5 rounds up to 7: stuck, so 6 */
  bench_set(&bench, "downscale_smoothing_factor", "0.25");
  push(&bench, 30, 4);
  assert_int_equal(granted(&bench, 30), 5);  /* 6 - 0.25 x 4 */
  bench_set(&bench, "downscaling_factor", "2");
  push(&bench, 40, 8);
  assert_int_equal(granted(&bench, 40), 3);  /* 5 - 2 x 1 */
  bench_end(&bench);
}

static void a_fraction_less_is_no_step(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(4);
  push(&bench, 10, 7); /* 3.5: ceil is 4, which is not below 4 */
  assert_int_equal(granted(&bench, 10), 4);
  assert_string_equal(bench.wished.reason, "as wished");
  bench_end(&bench);
}

static void bounds_come_last(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(4);
  bench_set(&bench, "look_back_period_s", "10");
  bench_set(&bench, "min_replicas", "2");
  bench_set(&bench, "max_replicas", "6");
  push(&bench, 10, 100);
  assert_int_equal(granted(&bench, 10), 6);
  assert_true(bench.wished.stabilised == 50);
  assert_string_equal(bench.wished.reason, "at max_replicas");
  push(&bench, 20, 0);
  assert_int_equal(granted(&bench, 20), 2);
  assert_true(bench.wished.stabilised == 1); /* 0 is reached only from 1 */
  bench_end(&bench);
}

static void keeps_until_there_are_metrics(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(4);
  bench_set(&bench, "initial_replicas", "6");
  assert_int_equal(granted(&bench, 0), 6);
  assert_int_equal(granted(&bench, 0.1), 6);
  assert_string_equal(bench.wished.reason, "no metrics");
  push(&bench, 10, 4);
  assert_int_equal(granted(&bench, 10), 2);
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(divides_and_rounds_up), cmocka_unit_test(mean_starts_with_the_first_push), cmocka_unit_test(maximum_and_minimum),
      cmocka_unit_test(upscale_delay_runs_from_the_first_wish), cmocka_unit_test(a_break_resets_the_delay),
      cmocka_unit_test(the_other_direction_resets_it), cmocka_unit_test(the_latest_wish_takes_effect), cmocka_unit_test(zero_only_from_one),
      cmocka_unit_test(without_its_own_delay_zero_takes_the_other), cmocka_unit_test(cold_start_waits_for_nothing),
      cmocka_unit_test(starting_replicas_are_not_running), cmocka_unit_test(factors_shorten_the_step), cmocka_unit_test(a_fraction_less_is_no_step),
      cmocka_unit_test(bounds_come_last), cmocka_unit_test(keeps_until_there_are_metrics)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
