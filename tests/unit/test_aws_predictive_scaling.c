/* `aws-predictive-scaling-like` by hand: requests a minute, 100 of them a replica, one sample in the middle of each hour unless said. */
#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

static PolicyBench predictive_bench(const char *mode) {
  PolicyBench bench = policy_bench("aws-predictive-scaling-like");
  bench.seen.max_replicas = 100;
  bench.seen.replicas = bench.seen.replicas_ready = 1;
  bench_set(&bench, "Mode", mode);
  bench_set(&bench, "PredefinedMetricPairSpecification", "ALBRequestCount");
  bench_set(&bench, "TargetValue", "100");
  return bench;
}

static int64_t at(PolicyBench *bench, double hour, double load) {
  bench->metric[0] = (MetricValue){.has = load == load, .value = load, .sampled_ns = (int64_t)(hour * 3600e9)};
  return look_and_grant(bench, hour * 3600)->replicas;
}

/* A look between samples. */
static int64_t again(PolicyBench *bench, double hour) { return look_and_grant(bench, hour * 3600)->replicas; }

/* Hours from..to - 1 of a day shape: `peak` at 9 h, `base` else. */
static void days(PolicyBench *bench, int from, int to, double base, double peak) {
  for (int hour = from; hour < to; hour++) (void)at(bench, hour + 0.5, hour % 24 == 9 ? peak : base);
}

static void none_before_a_day(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  days(&bench, 0, 24, 500, 900);
  assert_int_equal(bench.seen.replicas, 1);
  assert_string_equal(bench.wished.reason, "no forecast: less than a day of data");
  assert_int_equal(at(&bench, 24.02, 500), 5); /* hour 23 is over: hour 0 of yesterday */
  assert_string_equal(bench.wished.reason, "forecast for the hour");
  assert_true(bench.wished.raw_replicas == 5 && bench.wished.metric == 500 && bench.wished.target == 100);
  bench_end(&bench);
}

static void forecast_only(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastOnly");
  days(&bench, 0, 33, 200, 900);
  assert_int_equal(at(&bench, 33.5, 200), 1);
  assert_true(bench.wished.raw_replicas == 9);
  assert_string_equal(bench.wished.reason, "forecast only");
  bench_end(&bench);
}

static void buffer_time(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  days(&bench, 0, 32, 200, 900);
  assert_int_equal(at(&bench, 32.5, 200), 2);
  assert_int_equal(look_and_grant(&bench, 32 * 3600 + 3299)->replicas, 2);
  assert_int_equal(look_and_grant(&bench, 32 * 3600 + 3300)->replicas, 9); /* 33 h less 300 s */
  bench_end(&bench);
}

static void without_buffer_time(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  bench_set(&bench, "SchedulingBufferTime", "0s");
  days(&bench, 0, 33, 200, 900);
  assert_int_equal(again(&bench, 32.999), 2);
  assert_int_equal(again(&bench, 33), 9);
  bench_end(&bench);
}

static void never_in_by_itself(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  days(&bench, 0, 34, 200, 900);
  assert_int_equal(bench.seen.replicas, 9);
  days(&bench, 34, 57, 200, 900);
  assert_int_equal(bench.seen.replicas, 9);
  assert_string_equal(bench.wished.reason, "the forecast is met, and never scales in");
  bench_end(&bench);
}

static void capacity_is_rounded_up(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  days(&bench, 0, 24, 201, 201);
  assert_int_equal(at(&bench, 24.5, 0), 3);
  bench_end(&bench);
}

static void hours_are_means_of_their_samples(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  for (int hour = 0; hour < 24; hour++) {
    (void)at(&bench, hour + 0.25, 100);
    (void)at(&bench, hour + 0.5, 400);
    (void)at(&bench, hour + 1.0, 700); /* at the full hour: of the hour that ends */
  }
  assert_int_equal(at(&bench, 24.5, 0), 4);
  assert_true(bench.wished.metric == 400);
  bench_end(&bench);
}

static void mean_of_days(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  days(&bench, 0, 24, 100, 300);
  days(&bench, 24, 48, 100, 500);
  days(&bench, 48, 57, 100, 0);
  (void)at(&bench, 57.5, 100);
  assert_int_equal(bench.seen.replicas, 4); /* 300 and 500 */
  bench_end(&bench);
}

static void same_hour_of_the_week(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  days(&bench, 0, 24, 100, 800); /* the first day of the week */
  days(&bench, 24, 168, 100, 200);
  bench.seen.replicas = 1;
  assert_int_equal(at(&bench, 168 + 9.5, 100), 8); /* of a week ago, not (800 + 6 x 200) / 7 */
  bench.seen.replicas = 1;
  days(&bench, 178, 192, 100, 200);
  bench.seen.replicas = 1;
  assert_int_equal(at(&bench, 192 + 9.5, 100), 2);
  bench_end(&bench);
}

static void same_hour_of_the_day(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  bench_set(&bench, "season", "hour_of_day");
  days(&bench, 0, 24, 100, 900);
  days(&bench, 24, 168, 100, 200);
  bench.seen.replicas = 1;
  assert_int_equal(at(&bench, 168 + 9.5, 100), 3); /* (900 + 6 x 200) / 7 = 300 */
  bench_end(&bench);
}

static void history_of_two_weeks(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  bench_set(&bench, "season", "hour_of_day");
  days(&bench, 0, 24, 100, 1e6);
  days(&bench, 24, 384, 100, 200);
  bench.seen.replicas = 1;
  assert_int_equal(at(&bench, 384 + 9.5, 100), 2); /* the first day is out of it */
  bench_end(&bench);
}

static void a_new_forecast_every_six_hours(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  bench_set(&bench, "season", "hour_of_day");
  (void)at(&bench, 0.5, 100);
  for (int hour = 1; hour < 24; hour++) (void)at(&bench, hour + 0.5, 100);
  (void)at(&bench, 24.5, 300); /* the first forecast, at 24.5 h, says 100 throughout */
  for (int hour = 25; hour < 30; hour++) (void)at(&bench, hour + 0.5, 100);
  assert_int_equal(again(&bench, 48.4), 2); /* made anew: (100 + 300) / 2 for hour 0 */
  bench_end(&bench);
  bench = predictive_bench("ForecastAndScale");
  days(&bench, 0, 24, 100, 100);
  (void)at(&bench, 24.5, 100);
  (void)at(&bench, 25.5, 700);
  (void)at(&bench, 30.4, 100); /* 5.9 h later: still the first */
  bench_set(&bench, "forecast_update", "30h");
  assert_int_equal(again(&bench, 49.5), 1); /* hour 1: 100 by it */
  bench_set(&bench, "forecast_update", "6h");
  assert_int_equal(again(&bench, 49.6), 4); /* (100 + 700) / 2 */
  bench_end(&bench);
}

static void hours_without_data(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  bench_set(&bench, "season", "hour_of_day");
  days(&bench, 0, 9, 100, 100); /* nothing from 9 h to 26 h */
  (void)at(&bench, 12.5, (double)__builtin_nan(""));
  assert_int_equal(at(&bench, 26.5, 100), 1);
  assert_int_equal(again(&bench, 33.5), 1); /* hour 9: nothing to go by */
  assert_int_equal(at(&bench, 1e5, 700), 1); /* years of nothing */
  bench_end(&bench);
}

static void maximum_honoured_or_raised(void **unused) {
  (void)unused;
  PolicyBench bench = predictive_bench("ForecastAndScale");
  bench_set(&bench, "MaxCapacity", "6");
  days(&bench, 0, 34, 200, 900);
  assert_int_equal(bench.seen.replicas, 6);
  bench_end(&bench);
  bench = predictive_bench("ForecastAndScale");
  bench_set(&bench, "MaxCapacity", "6");
  bench_set(&bench, "MaxCapacityBreachBehavior", "IncreaseMaxCapacity");
  days(&bench, 0, 34, 200, 900);
  assert_int_equal(bench.seen.replicas, 9);
  days(&bench, 34, 40, 200, 900);
  assert_int_equal(bench.seen.replicas, 9); /* the maximum stays raised */
  bench_end(&bench);
}

/* Target tracking on the CPU beside it: alarms after one datapoint, no cooldown. */
static PolicyBench with_tracking(void) {
  PolicyBench bench = predictive_bench("ForecastAndScale");
  (void)param_point(&bench.arena, bench.policy->model.params, bench.params, "target_tracking");
  bench_set(&bench, "target_tracking.high_periods", "1");
  bench_set(&bench, "target_tracking.low_periods", "1");
  bench_set(&bench, "target_tracking.ScaleInCooldown", "0s");
  bench_set(&bench, "target_tracking.ScaleOutCooldown", "0s");
  return bench;
}

static int64_t both_at(PolicyBench *bench, double hour, double load, double cpu) {
  bench->metric[1] = (MetricValue){.has = true, .value = cpu, .sampled_ns = (int64_t)(hour * 3600e9)};
  return at(bench, hour, load);
}

static void tracking_scales_in_down_to_the_forecast(void **unused) {
  (void)unused;
  PolicyBench bench = with_tracking();
  for (int hour = 0; hour < 33; hour++) (void)both_at(&bench, hour + 0.5, hour % 24 == 9 ? 900 : 200, 65);
  assert_int_equal(bench.n_queries, 2);
  assert_int_equal(both_at(&bench, 33.5, 900, 65), 9);
  assert_int_equal(both_at(&bench, 33.6, 900, 7), 9);  /* 0.9 of them would do, the forecast holds 9 for this hour */
  assert_int_equal(both_at(&bench, 34.5, 200, 7), 2);  /* 9 x 0.1 = 0.9; for this hour 2 */
  assert_string_equal(bench.wished.reason, "at the minimum capacity");
  bench_end(&bench);
}

static void tracking_scales_out_beyond_the_forecast(void **unused) {
  (void)unused;
  PolicyBench bench = with_tracking();
  bench_set(&bench, "MaxCapacity", "10");
  bench_set(&bench, "MaxCapacityBreachBehavior", "IncreaseMaxCapacity");
  bench_set(&bench, "MaxCapacityBuffer", "50");
  for (int hour = 0; hour < 33; hour++) (void)both_at(&bench, hour + 0.5, hour % 24 == 9 ? 900 : 200, 65);
  assert_int_equal(both_at(&bench, 33.5, 900, 65), 9);
  assert_int_equal(both_at(&bench, 33.6, 900, 140), 14); /* 18 wished; the maximum is 9 x 1.5 = 13.5, more than 10 */
  assert_string_equal(bench.wished.reason, "at the maximum capacity");
  bench_end(&bench);
}

static void cpu_as_the_load(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("aws-predictive-scaling-like");
  bench_set(&bench, "Mode", "ForecastAndScale");
  bench.seen.request_millicores = 500;
  for (int hour = 0; hour < 25; hour++) (void)at(&bench, hour + 0.5, 150); /* 1.5 cores, 3 replicas' requests: 300 % */
  assert_int_equal(bench.seen.replicas, 5); /* 300 / 70 = 4.3 */
  assert_int_equal(bench.query[0].meter, METER_CPU_CORES);
  assert_true(bench.query[0].multiply == 100);
  bench.seen.request_millicores = 0; /* no share to be had */
  assert_int_equal(at(&bench, 25.6, 1e6), 5);
  bench.seen.metric = NULL;
  assert_int_equal(again(&bench, 26), 5);
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(none_before_a_day),
      cmocka_unit_test(forecast_only),
      cmocka_unit_test(buffer_time),
      cmocka_unit_test(without_buffer_time),
      cmocka_unit_test(never_in_by_itself),
      cmocka_unit_test(capacity_is_rounded_up),
      cmocka_unit_test(hours_are_means_of_their_samples),
      cmocka_unit_test(mean_of_days),
      cmocka_unit_test(same_hour_of_the_week),
      cmocka_unit_test(same_hour_of_the_day),
      cmocka_unit_test(history_of_two_weeks),
      cmocka_unit_test(a_new_forecast_every_six_hours),
      cmocka_unit_test(hours_without_data),
      cmocka_unit_test(maximum_honoured_or_raised),
      cmocka_unit_test(tracking_scales_in_down_to_the_forecast),
      cmocka_unit_test(tracking_scales_out_beyond_the_forecast),
      cmocka_unit_test(cpu_as_the_load),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
