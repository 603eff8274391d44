/* `pid` by hand: setpoint 0.5, one sample a minute, gain_time a minute; gains and errors are powers of two, so the sums are exact. */
#include "sim/core/time.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

static PolicyBench pid_bench(const char *Kp, const char *Ki, const char *Kd) {
  PolicyBench bench = policy_bench("pid");
  bench.seen.max_replicas = 100;
  bench_set(&bench, "setpoint", "0.5");
  bench_set(&bench, "Kp", Kp);
  bench_set(&bench, "Ki", Ki);
  bench_set(&bench, "Kd", Kd);
  bench_set(&bench, "dead_band", "0");
  bench_set(&bench, "derivative_filter", "0s");
  return bench;
}

static int64_t at(PolicyBench *bench, double at_s, double value) {
  bench->metric[0] = (MetricValue){.has = true, .value = value, .sampled_ns = (int64_t)(at_s * 1e9)};
  return look_and_grant(bench, at_s)->replicas;
}

static void proportional(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("10", "0", "0");
  assert_int_equal(at(&bench, 60, 0.75), 7);  /* 4 + 2.5 = 6.5 */
  assert_true(bench.wished.raw_replicas == 6.5 && bench.wished.metric == 0.75 && bench.wished.target == 0.5);
  assert_int_equal(at(&bench, 120, 0.75), 7); /* the same output, not more */
  assert_int_equal(at(&bench, 180, 0.625), 5); /* 4 + 1.25 */
  assert_int_equal(at(&bench, 240, 0.25), 2);  /* 4 - 2.5 = 1.5 */
  bench_end(&bench);
}

static void integral(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("0", "8", "0");
  assert_int_equal(at(&bench, 60, 0.75), 4);  /* no time has passed */
  assert_int_equal(at(&bench, 120, 0.75), 6); /* 8 x 0.25 */
  assert_int_equal(at(&bench, 180, 0.75), 8);
  assert_int_equal(at(&bench, 240, 0.625), 9);
  assert_int_equal(at(&bench, 300, 0.375), 8);
  bench_end(&bench);
}

static void integral_by_time(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("0", "8", "0");
  assert_int_equal(at(&bench, 60, 0.75), 4);
  assert_int_equal(at(&bench, 90, 0.75), 5);  /* half a minute */
  assert_int_equal(at(&bench, 210, 0.75), 9); /* two minutes */
  bench_set(&bench, "gain_time", "30s");
  assert_int_equal(at(&bench, 240, 0.75), 11);
  bench_end(&bench);
}

static void derivative(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("0", "0", "8");
  assert_int_equal(at(&bench, 60, 0.625), 4);  /* no slope yet */
  assert_int_equal(at(&bench, 120, 0.875), 6); /* 8 x 0.25 */
  assert_int_equal(at(&bench, 180, 0.875), 4);
  assert_int_equal(at(&bench, 240, 0.625), 2);
  assert_int_equal(at(&bench, 270, 0.6875), 5); /* 0.0625 in half a minute: 8 x 0.125 */
  bench_end(&bench);
}

static void derivative_filter(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("0", "0", "8");
  bench_set(&bench, "derivative_filter", "60s"); /* weight 60 / (60 + 60) */
  assert_int_equal(at(&bench, 60, 0.625), 4);
  assert_int_equal(at(&bench, 120, 0.875), 5); /* 0.125: 1 */
  assert_int_equal(at(&bench, 180, 0.875), 5); /* 0.0625: 0.5 */
  assert_int_equal(at(&bench, 240, 0.875), 4); /* 0.25 */
  bench_end(&bench);
}

static void no_kick_by_the_setpoint(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("0", "0", "800");
  assert_int_equal(at(&bench, 60, 0.75), 4);
  bench_set(&bench, "setpoint", "0.25");
  assert_int_equal(at(&bench, 120, 0.75), 4);
  bench_end(&bench);
}

static void no_windup_of_the_integral(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("0", "8", "0");
  bench_set(&bench, "max", "6");
  (void)at(&bench, 60, 0.75);
  for (int minute = 2; minute < 30; minute++) assert_int_equal(at(&bench, 60 * minute, 0.75), 6);
  assert_int_equal(at(&bench, 1800, 0.25), 4); /* 6 - 2 at once */
  for (int minute = 31; minute < 60; minute++) (void)at(&bench, 60 * minute, 0.25);
  assert_int_equal(bench.seen.replicas, 1);
  assert_int_equal(at(&bench, 3600, 0.75), 3); /* 1 + 2 */
  bench_end(&bench);
}

static void no_windup_under_the_proportional_part(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("16", "8", "0");
  bench_set(&bench, "max", "6");
  for (int minute = 1; minute < 10; minute++) assert_int_equal(at(&bench, 60 * minute, 0.75), 6); /* 4 + 4 = 8: I stays 4 */
  assert_string_equal(bench.wished.reason, "at the maximum of replicas");
  assert_int_equal(at(&bench, 600, 0.5625), 6); /* 1 + 4 + 0.5 = 5.5 */
  assert_int_equal(at(&bench, 660, 0.4375), 3); /* -1 + 4.5 - 0.5 */
  bench_end(&bench);
}

static void dead_band_is_inclusive(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("16", "0", "0");
  bench_set(&bench, "dead_band", "0.125");
  assert_int_equal(at(&bench, 60, 0.625), 4);
  assert_string_equal(bench.wished.reason, "within the dead band");
  assert_int_equal(at(&bench, 120, 0.375), 4);
  assert_int_equal(at(&bench, 180, 0.626), 6); /* 4 + 2.016 */
  bench_end(&bench);
}

static void dead_band_is_left_without_a_step(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("8", "0", "0");
  bench_set(&bench, "dead_band", "0.125");
  assert_int_equal(at(&bench, 60, 1), 8);      /* 4 + 4 */
  assert_int_equal(at(&bench, 120, 0.5), 8);   /* held; the integral is 8 now */
  assert_int_equal(at(&bench, 180, 0.75), 10); /* 8 + 2, where 4 + 2 would have taken two away */
  bench_end(&bench);
}

static void without_metrics(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("8", "8", "8");
  assert_int_equal(look_and_grant(&bench, 0)->replicas, 4); /* NaN */
  assert_string_equal(bench.wished.reason, "no metrics");
  assert_int_equal(at(&bench, 60, 1e300), 4);
  bench.metric[0].has = false;
  assert_int_equal(look_and_grant(&bench, 120)->replicas, 4);
  bench.seen.metric = NULL;
  assert_int_equal(look_and_grant(&bench, 180)->replicas, 4);
  bench.seen.metric = bench.metric;
  assert_int_equal(at(&bench, 240, 1e14), 100);
  assert_int_equal(at(&bench, 300, -1e14), 1);
  bench_end(&bench);
}

static void without_a_new_sample(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("0", "8", "0");
  (void)at(&bench, 60, 0.75);
  assert_int_equal(at(&bench, 120, 0.75), 6);
  assert_int_equal(look_and_grant(&bench, 150)->replicas, 6);
  assert_string_equal(bench.wished.reason, "no new sample");
  assert_int_equal(at(&bench, 180, 0.75), 8);
  bench_end(&bench);
}

static void more_while_below(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("8", "0", "8");
  bench_set(&bench, "direction", "more_below");
  bench_set(&bench, "metric", "attainment_ratio");
  assert_int_equal(at(&bench, 60, 0.25), 6);  /* 8 x 0.25 */
  assert_int_equal(at(&bench, 120, 0.375), 4); /* 1, and it rises by 0.125: -1 */
  assert_int_equal(bench.query[0].meter, METER_ATTAINMENT_RATIO);
  bench_end(&bench);
}

static void bounds(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("8", "0", "0");
  bench_set(&bench, "min", "3");
  assert_int_equal(at(&bench, 60, 0), 3); /* 4 - 4 */
  assert_string_equal(bench.wished.reason, "at the minimum of replicas");
  bench_set(&bench, "min", "0");
  assert_int_equal(at(&bench, 120, 0), 0);
  bench.seen.replicas = 12;
  bench_set(&bench, "max", "9");
  bench.metric[0].has = false;
  assert_int_equal(look(&bench, 180)->replicas, 9); /* bounds hold without metrics */
  bench_end(&bench);
}

static void settles(void **unused) {
  (void)unused;
  PolicyBench bench = pid_bench("4", "4", "0");
  bench_set(&bench, "dead_band", "0.1");
  int64_t last = 0;
  for (int minute = 1; minute < 200; minute++) last = at(&bench, 60 * minute, 4.1 / (double)bench.seen.replicas); /* load 4.1 */
  assert_in_range(last, 7, 10); /* 0.59 ... 0.41 */
  for (int minute = 200; minute < 300; minute++) assert_int_equal(at(&bench, 60 * minute, 4.1 / (double)bench.seen.replicas), last);
  assert_int_equal(bench.query[0].aggregate, METRIC_MEAN);
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(proportional),
      cmocka_unit_test(integral),
      cmocka_unit_test(integral_by_time),
      cmocka_unit_test(derivative),
      cmocka_unit_test(derivative_filter),
      cmocka_unit_test(no_kick_by_the_setpoint),
      cmocka_unit_test(no_windup_of_the_integral),
      cmocka_unit_test(no_windup_under_the_proportional_part),
      cmocka_unit_test(dead_band_is_inclusive),
      cmocka_unit_test(dead_band_is_left_without_a_step),
      cmocka_unit_test(without_metrics),
      cmocka_unit_test(without_a_new_sample),
      cmocka_unit_test(more_while_below),
      cmocka_unit_test(bounds),
      cmocka_unit_test(settles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
