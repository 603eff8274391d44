/* `aws-target-tracking` by hand: one datapoint a minute, target 70, alarms above 70 (3 in a row) and below 63 (15 in a row), cooldowns 5 min. */
#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

static const double nothing = 1e301; /* stands for a missing datapoint */

static PolicyBench tracking_bench(int64_t replicas) {
  PolicyBench bench = policy_bench("aws-target-tracking");
  bench.seen.replicas = bench.seen.replicas_ready = replicas;
  bench.seen.max_replicas = 100;
  return bench;
}

static void datapoint(PolicyBench *bench, int k, int minute, double value) {
  bench->metric[k] = (MetricValue){.has = value < nothing, .value = value, .sampled_ns = minute * 60 * NS_PER_S, .window_ns = 60 * NS_PER_S};
}

static int64_t at(PolicyBench *bench, int minute, double value) {
  datapoint(bench, 0, minute, value);
  return look_and_grant(bench, 60.0 * minute)->replicas;
}

/* The same value from minute `from` to `to`; returns what is wished at the end, and fails if anything changes before. */
static int64_t through(PolicyBench *bench, int from, int to, double value) {
  int64_t before = bench->seen.replicas;
  for (int minute = from; minute < to; minute++) assert_int_equal(at(bench, minute, value), before);
  return at(bench, to, value);
}


static void out_after_three_datapoints(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(4);
  assert_int_equal(at(&bench, 1, 84), 4);
  assert_string_equal(bench.wished.reason, "no alarm, or not of every policy that may scale in");
  assert_int_equal(at(&bench, 2, 84), 4);
  assert_int_equal(at(&bench, 3, 84), 5); /* 4 x 84 / 70 = 4.8 */
  assert_string_equal(bench.wished.reason, "above target");
  assert_true(bench.wished.metric == 84 && bench.wished.target == 70 && bench.wished.raw_replicas == 5);
  bench_end(&bench);
}

static void the_target_itself_is_no_breach(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(4);
  assert_int_equal(through(&bench, 1, 20, 70), 4);
  assert_int_equal(through(&bench, 21, 40, 70.00000000001), 4); /* rounding */
  assert_int_equal(through(&bench, 41, 43, 70.1), 5);           /* 4.006 */
  bench_end(&bench);
}

static void a_row_that_is_broken(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(4);
  assert_int_equal(through(&bench, 1, 2, 84), 4);
  assert_int_equal(at(&bench, 3, 70), 4);
  assert_int_equal(through(&bench, 4, 5, 84), 4);
  assert_int_equal(at(&bench, 6, 84), 5);
  bench_end(&bench);
}

static void out_is_rounded_up(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(1);
  assert_int_equal(through(&bench, 1, 3, 71), 2); /* 1.014 */
  bench_end(&bench);
  bench = tracking_bench(4);
  assert_int_equal(through(&bench, 1, 3, 140), 8); /* exactly 2 */
  bench_end(&bench);
  bench = tracking_bench(3);
  assert_int_equal(through(&bench, 1, 3, 210), 9); /* exactly 3 */
  bench_end(&bench);
}

static void in_after_fifteen_datapoints(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(8);
  assert_int_equal(through(&bench, 1, 15, 42), 5); /* 8 x 42 / 70 = 4.8: three of 3.2 go */
  assert_string_equal(bench.wished.reason, "below target");
  assert_true(bench.wished.raw_replicas == 5 && bench.wished.after_tolerance == 5 && bench.wished.stabilised == 5);
  bench_end(&bench);
}

static void between_low_and_target(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(4);
  assert_int_equal(through(&bench, 1, 40, 63), 4);   /* not below 63 */
  assert_int_equal(through(&bench, 41, 55, 62.9), 4); /* an alarm, but 4 x 62.9 / 70 = 3.59 */
  assert_string_equal(bench.wished.reason, "rounded up to what is there");
  assert_int_equal(at(&bench, 56, 52), 3);            /* 2.97; the alarm acts again at each datapoint */
  bench_end(&bench);
}

static void out_cooldown_counts_what_was_added(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(4);
  assert_int_equal(through(&bench, 1, 3, 140), 8);
  assert_int_equal(at(&bench, 4, 140), 8);  /* base 4: 8 again, not 16 */
  assert_string_equal(bench.wished.reason, "scale-out cooldown: the capacity added already counts");
  assert_true(bench.wished.raw_replicas == 16 && bench.wished.stabilised == 8);
  assert_int_equal(at(&bench, 5, 175), 10); /* 4 x 2.5: two more; a cooldown of its own */
  assert_int_equal(through(&bench, 6, 9, 105), 10); /* 4 x 1.5 = 6; 240 s */
  assert_int_equal(at(&bench, 10, 77), 11); /* 300 s: over; 10 x 1.1 */
  bench_end(&bench);
}

static void out_cooldown_begins_when_replicas_are_ready(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(4);
  bench_set(&bench, "ScaleOutCooldown", "60s");
  assert_int_equal(through(&bench, 1, 3, 105), 6);
  bench.seen.replicas_ready = 4;
  bench.seen.replicas_starting = 2;
  for (int minute = 4; minute <= 6; minute++) { /* still starting at 6 min */
    datapoint(&bench, 0, minute, 105);
    assert_int_equal(look(&bench, 60.0 * minute)->replicas, 6);
  }
  bench.seen.replicas_ready = 6;
  bench.seen.replicas_starting = 0;
  assert_int_equal(at(&bench, 7, 105), 9); /* 60 s later; 6 x 1.5 */
  bench_end(&bench);
}

static void without_out_cooldown(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(4);
  bench_set(&bench, "ScaleOutCooldown", "0s");
  assert_int_equal(through(&bench, 1, 3, 105), 6);
  assert_int_equal(at(&bench, 4, 105), 9);
  assert_int_equal(at(&bench, 5, 105), 14); /* 13.5 */
  bench_end(&bench);
}

static void in_cooldown_blocks(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(10);
  assert_int_equal(through(&bench, 1, 15, 35), 5);
  assert_int_equal(through(&bench, 16, 19, 35), 5);
  assert_string_equal(bench.wished.reason, "scale-in cooldown");
  assert_true(bench.wished.after_tolerance == 3 && bench.wished.stabilised == 5);
  assert_int_equal(at(&bench, 20, 35), 3); /* 300 s; 2.5 */
  bench_end(&bench);
}

static void in_cooldown_begins_when_replicas_are_gone(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(10);
  assert_int_equal(through(&bench, 1, 15, 35), 5);
  bench.seen.replicas_draining = 5;
  assert_int_equal(through(&bench, 16, 17, 35), 5);
  bench.seen.replicas_draining = 0;
  assert_int_equal(through(&bench, 18, 21, 35), 5);
  assert_int_equal(at(&bench, 22, 35), 3);
  bench_end(&bench);
}

static void out_ends_the_in_cooldown(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(10);
  bench_set(&bench, "high_periods", "1");
  bench_set(&bench, "low_periods", "1");
  assert_int_equal(at(&bench, 1, 35), 5);
  assert_int_equal(at(&bench, 2, 35), 5);
  assert_int_equal(at(&bench, 3, 105), 8); /* 7.5, at once */
  assert_int_equal(at(&bench, 4, 35), 4);  /* 180 s after the first scale-in, whose cooldown has ended */
  bench_end(&bench);
}

static void no_data_never_scales_in(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(8);
  assert_int_equal(through(&bench, 1, 14, 42), 8);
  assert_int_equal(at(&bench, 15, nothing), 8);
  assert_string_equal(bench.wished.reason, "insufficient data");
  assert_int_equal(through(&bench, 16, 29, 42), 8);
  assert_int_equal(at(&bench, 30, 42), 5); /* 15 in a row again */
  assert_int_equal(at(&bench, 31, (double)__builtin_nan("")), 5);
  bench.seen.metric = NULL;
  assert_int_equal(look(&bench, 60 * 32)->replicas, 5);
  bench_end(&bench);
}

static void scale_in_disabled(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(8);
  bench_set(&bench, "DisableScaleIn", "true");
  assert_int_equal(through(&bench, 1, 60, 1), 8);
  assert_int_equal(through(&bench, 61, 63, 84), 10); /* 9.6 */
  bench_end(&bench);
}

static void bounds(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(4);
  bench_set(&bench, "MaxCapacity", "6");
  bench_set(&bench, "MinCapacity", "2");
  assert_int_equal(through(&bench, 1, 3, 700), 6);
  assert_string_equal(bench.wished.reason, "at the maximum capacity");
  assert_int_equal(through(&bench, 4, 18, 0), 2);
  assert_string_equal(bench.wished.reason, "at the minimum capacity");
  bench_set(&bench, "MinCapacity", "0");
  assert_int_equal(through(&bench, 19, 22, 0), 2);
  assert_int_equal(at(&bench, 23, 0), 0);
  assert_int_equal(through(&bench, 24, 40, 1e9), 0); /* nothing times anything */
  bench_set(&bench, "MinCapacity", "-1");
  bench.seen.min_replicas = 0;
  assert_int_equal(at(&bench, 41, 0), 1);
  bench_end(&bench);
}

static void two_datapoints_of_one_sample(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(4);
  datapoint(&bench, 0, 1, 84);
  for (int k = 0; k < 6; k++) assert_int_equal(look(&bench, 60 + 10 * k)->replicas, 4); /* one datapoint, six looks */
  assert_string_equal(bench.wished.reason, "no new datapoint");
  assert_int_equal(at(&bench, 2, 84), 4);
  assert_int_equal(at(&bench, 3, 84), 5);
  datapoint(&bench, 0, 3, 840);
  assert_int_equal(look(&bench, 190)->replicas, 5);
  bench_end(&bench);
}

static void per_target(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(4);
  bench_set(&bench, "PredefinedMetricType", "ALBRequestCountPerTarget");
  bench_set(&bench, "TargetValue", "600");
  assert_int_equal(through(&bench, 1, 3, 3000), 5); /* 3000 a minute, 750 a target: 4 x 1.25 */
  assert_true(bench.wished.metric == 750);
  bench.seen.replicas_ready = 0;
  datapoint(&bench, 0, 4, 3000);
  assert_int_equal(look(&bench, 240)->replicas, 5);
  assert_string_equal(bench.wished.reason, "insufficient data");
  assert_int_equal(bench.query[0].meter, METER_OFFERED_RPS);
  assert_true(bench.query[0].multiply == 60 && bench.query[0].scrape_ns == 60 * NS_PER_S && bench.query[0].window_ns == 60 * NS_PER_S);
  bench_end(&bench);
}

static void customized_metric(void **unused) {
  (void)unused;
  PolicyBench bench = tracking_bench(4);
  bench_set(&bench, "CustomizedMetric", "queue_jobs");
  bench_set(&bench, "per_capacity", "true");
  bench_set(&bench, "TargetValue", "5");
  assert_int_equal(through(&bench, 1, 3, 26), 6); /* 6.5 a replica; 4 x 1.3 = 5.2 */
  assert_int_equal(bench.query[0].meter, METER_QUEUE_JOBS);
  assert_int_equal(bench.query[0].aggregate, METRIC_SUM);
  bench_end(&bench);
  bench = tracking_bench(4);
  bench_set(&bench, "CustomizedMetric", "kv_cache_ratio");
  (void)look(&bench, 0);
  assert_int_equal(bench.query[0].aggregate, METRIC_MEAN);
  bench_end(&bench);
}

/* A second policy on requests per target, target 100, scale-in as told. */
static PolicyBench two_policies(int64_t replicas, const char *disable_scale_in) {
  PolicyBench bench = tracking_bench(replicas);
  const Type *type;
  void *second = param_list(&bench.arena, bench.policy->model.params, bench.params, "policies", 1, &type);
  param_set(type, second, "PredefinedMetricType", "ALBRequestCountPerTarget");
  param_set(type, second, "TargetValue", "100");
  param_set(type, second, "DisableScaleIn", disable_scale_in);
  return bench;
}

static int64_t both_at(PolicyBench *bench, int minute, double cpu, double requests) {
  datapoint(bench, 1, minute, requests);
  return at(bench, minute, cpu);
}

static void several_out_the_largest(void **unused) {
  (void)unused;
  PolicyBench bench = two_policies(4, "false");
  for (int minute = 1; minute < 3; minute++) assert_int_equal(both_at(&bench, minute, 84, 800), 4);
  assert_int_equal(both_at(&bench, 3, 84, 800), 8); /* 4.8, and 200 a target: 8 */
  assert_true(bench.wished.metric == 200 && bench.wished.target == 100);
  bench_end(&bench);
  bench = two_policies(4, "false");
  for (int minute = 1; minute < 3; minute++) assert_int_equal(both_at(&bench, minute, 84, 40), 4);
  assert_int_equal(both_at(&bench, 3, 84, 40), 5); /* one is enough */
  bench_end(&bench);
}

static void several_in_when_all_are_ready(void **unused) {
  (void)unused;
  PolicyBench bench = two_policies(10, "false");
  for (int minute = 1; minute <= 30; minute++) assert_int_equal(both_at(&bench, minute, 35, 950), 10); /* 95 a target */
  for (int minute = 31; minute < 45; minute++) assert_int_equal(both_at(&bench, minute, 35, 700), 10);
  assert_int_equal(both_at(&bench, 45, 35, 700), 7); /* 5 and 7: the larger */
  bench_end(&bench);
  bench = two_policies(10, "false");
  for (int minute = 1; minute <= 30; minute++) assert_int_equal(both_at(&bench, minute, 35, nothing), 10); /* one without data is not ready */
  bench_end(&bench);
}

static void one_that_may_not_scale_in_is_not_asked(void **unused) {
  (void)unused;
  PolicyBench bench = two_policies(10, "true");
  for (int minute = 1; minute < 15; minute++) assert_int_equal(both_at(&bench, minute, 35, 950), 10);
  assert_int_equal(both_at(&bench, 15, 35, 950), 5);
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(out_after_three_datapoints),
      cmocka_unit_test(the_target_itself_is_no_breach),
      cmocka_unit_test(a_row_that_is_broken),
      cmocka_unit_test(out_is_rounded_up),
      cmocka_unit_test(in_after_fifteen_datapoints),
      cmocka_unit_test(between_low_and_target),
      cmocka_unit_test(out_cooldown_counts_what_was_added),
      cmocka_unit_test(out_cooldown_begins_when_replicas_are_ready),
      cmocka_unit_test(without_out_cooldown),
      cmocka_unit_test(in_cooldown_blocks),
      cmocka_unit_test(in_cooldown_begins_when_replicas_are_gone),
      cmocka_unit_test(out_ends_the_in_cooldown),
      cmocka_unit_test(no_data_never_scales_in),
      cmocka_unit_test(scale_in_disabled),
      cmocka_unit_test(bounds),
      cmocka_unit_test(two_datapoints_of_one_sample),
      cmocka_unit_test(per_target),
      cmocka_unit_test(customized_metric),
      cmocka_unit_test(several_out_the_largest),
      cmocka_unit_test(several_in_when_all_are_ready),
      cmocka_unit_test(one_that_may_not_scale_in_is_not_asked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
