/* Policy `autopilot-like` by hand: limits and numbers of tasks over several windows of five minutes.
 *
 * The buckets end at 0.2 x (1.05^n - 1) cores: a use of 100, 250, 500, 1000, 2000, 4000 millicores counts as 0.110266, 0.258404, 0.511135,
 * 1.016281, 2.093480, 4.124699 cores, and with 15 % the limit is 127, 298, 588, 1169, 2408, 4744 millicores, rounded up. */
#include <math.h>

#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

static PolicyBench autopilot_bench(int tasks, int64_t usage_millicores) {
  PolicyBench bench = policy_bench("autopilot-like");
  bench.seen.replicas = bench.seen.replicas_ready = tasks;
  bench.seen.max_replicas = 100;
  bench_set(&bench, "max", "8");
  for (int k = 0; k < tasks; k++) bench_replica(&bench, 0, usage_millicores);
  return bench;
}

/* The same with the horizontal part alone: limits stay at 1000 millicores. */
static PolicyBench horizontal_bench(int tasks, int64_t usage_millicores) {
  PolicyBench bench = autopilot_bench(tasks, usage_millicores);
  bench_set(&bench, "vertical", "false");
  param_point(&bench.arena, bench.policy->model.params, bench.params, "horizontal");
  bench_set(&bench, "horizontal.target", "50%");
  bench_set(&bench, "horizontal.history", "5m"); /* the newest window */
  bench_set(&bench, "horizontal.defer_downscaling", "0s");
  bench_set(&bench, "horizontal.slow_decay", "0s");
  return bench;
}

static void use(PolicyBench *bench, int64_t usage_millicores) {
  for (int64_t k = 0; k < bench->seen.n_replicas; k++) bench->replica[k].usage_millicores = (double)usage_millicores;
}

static void tasks(PolicyBench *bench, int n, int64_t usage_millicores) {
  bench->seen.n_replicas = 0;
  for (int k = 0; k < n; k++) bench_replica(bench, 0, usage_millicores);
  bench->seen.replicas = bench->seen.replicas_ready = n;
}

static const Decision *look_fresh(PolicyBench *bench, double at_s) {
  for (int64_t k = 0; k < bench->seen.n_replicas; k++) bench->replica[k].sampled_ns = (int64_t)(at_s * 1e9);
  return look_and_grant(bench, at_s);
}

/* The five looks of window w; then what is decided at its end (which takes the first sample of the next). */
static const Decision *window(PolicyBench *bench, int w) {
  for (int k = w > 0 ? 1 : 0; k < 5; k++) look_fresh(bench, 300 * w + 60 * k);
  return look_fresh(bench, 300 * (w + 1));
}

/* A window of one look each: decided at 300 w of what was sampled at 300 (w - 1). */
static const Decision *quick(PolicyBench *bench, int w) { return look_fresh(bench, 300 * w); }

/* ---- limits ---- */

static void nothing_within_a_window(void **unused) {
  (void)unused;
  PolicyBench bench = autopilot_bench(4, 1000);
  for (int k = 0; k < 5; k++) assert_int_equal(look_fresh(&bench, 60 * k)->request_millicores, 1000);
  assert_string_equal(bench.wished.reason, "no window of use yet");
  assert_int_equal(look_fresh(&bench, 299.999)->request_millicores, 1000);
  assert_int_equal(look_fresh(&bench, 300)->request_millicores, 1169); /* 1.016281 x 1150 = 1168.7 */
  assert_true(fabs(bench.wished.metric - 1.0162813885540918) < 1e-12 && bench.wished.target == 1.169);
  assert_string_equal(bench.wished.reason, "limit as recommended");
  assert_int_equal(look_fresh(&bench, 360)->request_millicores, 1169);
  assert_string_equal(bench.wished.reason, "within a window");
  assert_int_equal(bench.wished.update, UPDATE_ALL);
  assert_int_equal(bench.wished.replicas, 4);
  bench_end(&bench);
}

/* Half-life of a window: (0.511135 / 2 + 1.016281) / 1.5 = 0.847899 -> 975.08; then 1.016281 again: (0.511135 / 4 + 1.5 x 1.016281) / 1.75 =
 * 0.944117 -> 1085.7. */
static void average_decays(void **unused) {
  (void)unused;
  PolicyBench bench = autopilot_bench(2, 500);
  bench_set(&bench, "statistic", "S_avg");
  bench_set(&bench, "half_life", "5m");
  assert_int_equal(quick(&bench, 0)->request_millicores, 1000);
  use(&bench, 1000);
  assert_int_equal(quick(&bench, 1)->request_millicores, 588);
  assert_int_equal(quick(&bench, 2)->request_millicores, 976);
  assert_true(fabs(bench.wished.metric - 0.8478991048990190) < 1e-12);
  assert_int_equal(quick(&bench, 3)->request_millicores, 1086);
  bench_end(&bench);
}

/* Two samples of 500 and one of 2000 in a window: (2 x 0.511135 + 2.093480) / 3 = 1.038583. */
static void average_is_over_samples(void **unused) {
  (void)unused;
  PolicyBench bench = autopilot_bench(3, 500);
  bench_set(&bench, "statistic", "S_avg");
  bench.replica[1].usage_millicores = 2000;
  quick(&bench, 0);
  assert_int_equal(quick(&bench, 1)->request_millicores, 1195); /* 1194.4 */
  bench_end(&bench);
}

/* Decided at 300, 600, 900, 1200 of 1000, 4000, 1000, 1000; the peak of (now - 10 min, now]. */
static void peak_of_recent_windows(void **unused) {
  (void)unused;
  PolicyBench bench = autopilot_bench(2, 1000);
  bench_set(&bench, "statistic", "S_peak");
  bench_set(&bench, "peak_window", "10m");
  bench_set(&bench, "hold", "0s");
  quick(&bench, 0);
  bench.replica[0].usage_millicores = 4000;
  assert_int_equal(quick(&bench, 1)->request_millicores, 1169);
  use(&bench, 1000);
  assert_int_equal(quick(&bench, 2)->request_millicores, 4744);
  assert_int_equal(quick(&bench, 3)->request_millicores, 4744);
  assert_int_equal(quick(&bench, 4)->request_millicores, 1169);
  bench_end(&bench);
}

/* Nine samples of 100 and one of 1000: 9 x 0.110266 = 0.992391 of 2.008672 is 49.4 % of the load, though 90 % of the samples. */
static void percentile_is_by_load(void **unused) {
  (void)unused;
  PolicyBench bench = autopilot_bench(10, 100);
  bench_set(&bench, "percentile", "49%");
  bench_set(&bench, "hold", "0s");
  bench.replica[6].usage_millicores = 1000;
  quick(&bench, 0);
  assert_int_equal(quick(&bench, 1)->request_millicores, 127);
  bench_set(&bench, "percentile", "50%");
  assert_int_equal(quick(&bench, 2)->request_millicores, 1169);
  bench_end(&bench);
}

/* Five samples of 1000, then five of 100 that weigh twice: 5 x 0.110266 = 0.5513 of 0.5513 + 2.5407 is 17.8 %. */
static void percentile_decays(void **unused) {
  (void)unused;
  PolicyBench bench = autopilot_bench(1, 1000);
  bench_set(&bench, "half_life", "5m");
  bench_set(&bench, "hold", "0s");
  bench_set(&bench, "percentile", "17.8%");
  for (int k = 0; k < 5; k++) look_fresh(&bench, 60 * k);
  use(&bench, 100);
  assert_int_equal(look_fresh(&bench, 300)->request_millicores, 1169);
  assert_int_equal(window(&bench, 1)->request_millicores, 127);
  bench_end(&bench);
  bench = autopilot_bench(1, 1000);
  bench_set(&bench, "half_life", "5m");
  bench_set(&bench, "hold", "0s");
  bench_set(&bench, "percentile", "17.9%");
  for (int k = 0; k < 5; k++) look_fresh(&bench, 60 * k);
  use(&bench, 100);
  look_fresh(&bench, 300);
  assert_int_equal(window(&bench, 1)->request_millicores, 1169);
  bench_end(&bench);
}

/* The 1169 of 300 s is out of (300, 3900]. */
static void held_for_an_hour(void **unused) {
  (void)unused;
  PolicyBench bench = autopilot_bench(2, 1000);
  bench_set(&bench, "statistic", "S_peak");
  bench_set(&bench, "peak_window", "5m");
  quick(&bench, 0);
  use(&bench, 100);
  for (int w = 1; w < 13; w++) assert_int_equal(quick(&bench, w)->request_millicores, 1169);
  assert_string_equal(bench.wished.reason, "limit held by an earlier recommendation");
  assert_int_equal(quick(&bench, 13)->request_millicores, 127);
  use(&bench, 2000);
  assert_int_equal(quick(&bench, 14)->request_millicores, 127);
  assert_int_equal(quick(&bench, 15)->request_millicores, 2408); /* up at once */
  bench_end(&bench);
}

static void limits_of_the_limit(void **unused) {
  (void)unused;
  PolicyBench bench = autopilot_bench(2, 4000);
  bench_set(&bench, "max", "0"); /* the bench's nodes can give 4000 */
  bench_set(&bench, "hold", "0s");
  quick(&bench, 0);
  assert_int_equal(quick(&bench, 1)->request_millicores, 4000);
  assert_string_equal(bench.wished.reason, "limit at its maximum");
  bench_set(&bench, "max", "3");
  assert_int_equal(quick(&bench, 2)->request_millicores, 3000);
  bench_set(&bench, "min", "2900m");
  bench_set(&bench, "statistic", "S_peak");
  bench_set(&bench, "peak_window", "5m");
  bench_set(&bench, "margin", "10%");
  use(&bench, 2000);
  quick(&bench, 3);
  assert_int_equal(quick(&bench, 4)->request_millicores, 2900); /* 2303 */
  assert_string_equal(bench.wished.reason, "limit at its minimum");
  bench_end(&bench);
}

/* A window without samples says nothing: it neither counts nor takes the decay of its own length away. Half-life 10 min: after two empty
 * windows the first one's weight is 2^-1.5 = 0.353553: (0.353553 x 0.511135 + 1.016281) / 1.353553 = 0.884336 -> 1016.99. */
static void windows_without_samples(void **unused) {
  (void)unused;
  PolicyBench bench = autopilot_bench(1, 500);
  bench_set(&bench, "statistic", "S_avg");
  bench_set(&bench, "half_life", "10m");
  quick(&bench, 0);
  bench.replica[0].has_sample = false;
  assert_int_equal(quick(&bench, 1)->request_millicores, 588);
  assert_int_equal(quick(&bench, 2)->request_millicores, 588);
  assert_string_equal(bench.wished.reason, "within a window");
  bench.replica[0].has_sample = true;
  use(&bench, 1000);
  quick(&bench, 3);
  assert_int_equal(quick(&bench, 4)->request_millicores, 1017);
  bench_end(&bench);
}

static void a_sample_counts_once(void **unused) {
  (void)unused;
  PolicyBench bench = autopilot_bench(1, 500);
  bench_set(&bench, "statistic", "S_avg");
  look_fresh(&bench, 0);
  use(&bench, 4000);
  for (int k = 1; k < 5; k++) look(&bench, 60 * k); /* still the sample of 0 */
  assert_int_equal(look(&bench, 300)->request_millicores, 588);
  bench_end(&bench);
}

/* ---- the number of tasks: target 50 % of 1000 millicores ---- */

/* 4 x 1.1 cores / 0.5 = 8.8 -> 9. Use is not rounded to buckets here. */
static void tasks_of_use(void **unused) {
  (void)unused;
  PolicyBench bench = horizontal_bench(4, 1100);
  assert_int_equal(quick(&bench, 0)->replicas, 4);
  const Decision *wish = quick(&bench, 1);
  assert_int_equal(wish->replicas, 9);
  assert_true(wish->raw_replicas == 9 && wish->rate_limited == 9);
  assert_int_equal(wish->request_millicores, 1000);
  tasks(&bench, 9, 500); /* the sample at 300 was of 4 x 1.1 */
  assert_int_equal(quick(&bench, 2)->replicas, 9);
  assert_int_equal(quick(&bench, 3)->replicas, 9); /* 4.5 / 0.5 = 9 exactly */
  bench_end(&bench);
}

/* A window's use is the mean of its scrapes: 4, 4, 4, 8, 8 cores -> 5.6 / 0.5 = 11.2. */
static void use_is_averaged_over_the_window(void **unused) {
  (void)unused;
  PolicyBench bench = horizontal_bench(4, 1000);
  for (int k = 0; k < 3; k++) look_fresh(&bench, 60 * k);
  use(&bench, 2000);
  for (int k = 3; k < 5; k++) look_fresh(&bench, 60 * k);
  assert_int_equal(look_fresh(&bench, 300)->replicas, 12);
  bench_end(&bench);
}

/* 8 wished at 300; from then on 8 x 250 -> 4, which waits until 8 is out of (now - 20 min, now]: at 1500 s. */
static void downscaling_is_deferred(void **unused) {
  (void)unused;
  PolicyBench bench = horizontal_bench(4, 1000);
  bench_set(&bench, "horizontal.defer_downscaling", "20m");
  quick(&bench, 0);
  tasks(&bench, 4, 500);
  assert_int_equal(quick(&bench, 1)->replicas, 8);
  for (int w = 2; w < 5; w++) assert_int_equal(quick(&bench, w)->replicas, 8);
  assert_true(bench.wished.raw_replicas == 4 && bench.wished.stabilised == 8);
  assert_string_equal(bench.wished.reason, "downscaling deferred");
  assert_int_equal(quick(&bench, 5)->replicas, 4);
  bench_end(&bench);
}

/* Halved in 20 minutes: 1 - 2^(-1/4) = 15.9 % a window: of 10 1.6 -> 2, of 8 1.3 -> 2, of 6 0.95 -> 1, ... down to 2. */
static void slow_decay(void **unused) {
  (void)unused;
  static const int expected[] = {8, 6, 5, 4, 3, 2, 2};
  PolicyBench bench = horizontal_bench(10, 100); /* 1 core: 2 tasks */
  bench_set(&bench, "horizontal.slow_decay", "20m");
  quick(&bench, 0);
  for (int w = 1; w < 8; w++) {
    assert_int_equal(quick(&bench, w)->replicas, expected[w - 1]);
    if (w < 6) assert_string_equal(bench.wished.reason, "slow decay");
  }
  bench_end(&bench);
  bench = horizontal_bench(40, 25); /* by default halved in an hour: 5.6 % of 40 is 2.2 -> 3 */
  bench_set(&bench, "horizontal.slow_decay", "1h");
  quick(&bench, 0);
  assert_int_equal(quick(&bench, 1)->replicas, 37);
  bench_end(&bench);
}

static void small_changes_are_deferred(void **unused) {
  (void)unused;
  PolicyBench bench = horizontal_bench(10, 600); /* 12: 2 of 10 */
  bench_set(&bench, "horizontal.ignore_changes", "20%");
  quick(&bench, 0);
  use(&bench, 601); /* 12.02 -> 13 */
  assert_int_equal(quick(&bench, 1)->replicas, 10);
  assert_string_equal(bench.wished.reason, "small change deferred");
  assert_true(bench.wished.stabilised == 12 && bench.wished.after_tolerance == 10);
  tasks(&bench, 10, 350);
  assert_int_equal(quick(&bench, 2)->replicas, 13);
  assert_int_equal(quick(&bench, 3)->replicas, 7); /* 3.5 / 0.5; 6 of 13 */
  bench_end(&bench);
}

/* At most a fifth may be starting: 8 ready ones allow 8 / 0.8 = 10, 10 allow 12.5. */
static void growth_is_limited(void **unused) {
  (void)unused;
  PolicyBench bench = horizontal_bench(8, 1250); /* 20 */
  bench_set(&bench, "horizontal.initialising", "20%");
  quick(&bench, 0);
  assert_int_equal(quick(&bench, 1)->replicas, 10);
  assert_string_equal(bench.wished.reason, "growth limited");
  bench.seen.replicas_ready = 8;
  assert_int_equal(quick(&bench, 2)->replicas, 10);
  bench.seen.replicas_ready = 10;
  assert_int_equal(quick(&bench, 3)->replicas, 12);
  bench_end(&bench);
}

/* One window of 4 cores among those of 2: P95 of 19 windows is the highest, of 20 the second highest. */
static void statistic_over_the_history(void **unused) {
  (void)unused;
  PolicyBench bench = horizontal_bench(4, 500);
  bench_set(&bench, "horizontal.history", "24h");
  bench_set(&bench, "horizontal.statistic", "P95");
  for (int w = 0; w <= 20; w++) {
    use(&bench, w == 7 ? 1000 : 500);
    tasks(&bench, 4, w == 7 ? 1000 : 500);
    const Decision *wish = quick(&bench, w);
    if (w > 0) assert_int_equal(wish->replicas, w >= 8 && w < 20 ? 8 : 4);
  }
  bench_set(&bench, "horizontal.statistic", "max");
  tasks(&bench, 4, 500);
  assert_int_equal(quick(&bench, 21)->replicas, 8);
  bench_end(&bench);
}

/* Three windows of history: the 4 cores of 0 are forgotten at 1200, the 3 of 300 at 1500 and again those of 1200 at 2400. */
static void history_forgets(void **unused) {
  (void)unused;
  PolicyBench bench = horizontal_bench(4, 1000);
  bench_set(&bench, "horizontal.history", "15m");
  quick(&bench, 0);
  static const int use_millicores[] = {750, 250, 250, 750, 250, 250, 250, 250, 250}; /* sampled at 300, 600, ... */
  static const int wished[] = {8, 8, 8, 6, 6, 6, 6, 2};
  for (int w = 1; w < 9; w++) {
    tasks(&bench, 4, use_millicores[w - 1]);
    assert_int_equal(quick(&bench, w)->replicas, wished[w - 1]);
  }
  bench_end(&bench);
}

static void bounds_of_tasks(void **unused) {
  (void)unused;
  PolicyBench bench = horizontal_bench(4, 1000);
  bench.seen.max_replicas = 6;
  quick(&bench, 0);
  assert_int_equal(quick(&bench, 1)->replicas, 6);
  assert_string_equal(bench.wished.reason, "at the maximum of replicas");
  bench.seen.min_replicas = 3;
  tasks(&bench, 6, 0);
  quick(&bench, 2);
  assert_int_equal(quick(&bench, 3)->replicas, 3);
  assert_string_equal(bench.wished.reason, "at the minimum of replicas");
  bench.seen.min_replicas = 0;
  assert_int_equal(quick(&bench, 4)->replicas, 1); /* without a task there would be no use to come back by */
  bench_end(&bench);
}

/* Both ways: 4 x 2 cores; the limit becomes 2408, and 8 / (0.8 x 2.408) = 4.15. */
static void limit_and_tasks(void **unused) {
  (void)unused;
  PolicyBench bench = horizontal_bench(4, 2000);
  bench_set(&bench, "vertical", "true");
  bench_set(&bench, "horizontal.target", "80%");
  quick(&bench, 0);
  const Decision *wish = quick(&bench, 1);
  assert_int_equal(wish->request_millicores, 2408);
  assert_int_equal(wish->replicas, 5);
  assert_int_equal(wish->n_steps, 2);
  bench_end(&bench);
}

static void history_must_fit(void **unused) {
  (void)unused;
  PolicyBench bench = horizontal_bench(4, 1000);
  Err err = {.count = 0};
  assert_true(bench.policy->model.params->check(bench.params, &err));
  bench_set(&bench, "horizontal.history", "14d"); /* 4032 windows */
  assert_true(bench.policy->model.params->check(bench.params, &err));
  bench_set(&bench, "horizontal.history", "20161m");
  assert_true(bench.policy->model.params->check(bench.params, &err));
  bench_set(&bench, "horizontal.history", "20165m");
  assert_false(bench.policy->model.params->check(bench.params, &err));
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests_of_autopilot[] = {
      cmocka_unit_test(nothing_within_a_window), cmocka_unit_test(average_decays), cmocka_unit_test(average_is_over_samples),
      cmocka_unit_test(peak_of_recent_windows), cmocka_unit_test(percentile_is_by_load), cmocka_unit_test(percentile_decays),
      cmocka_unit_test(held_for_an_hour), cmocka_unit_test(limits_of_the_limit), cmocka_unit_test(windows_without_samples),
      cmocka_unit_test(a_sample_counts_once), cmocka_unit_test(tasks_of_use), cmocka_unit_test(use_is_averaged_over_the_window),
      cmocka_unit_test(downscaling_is_deferred), cmocka_unit_test(slow_decay), cmocka_unit_test(small_changes_are_deferred),
      cmocka_unit_test(growth_is_limited), cmocka_unit_test(statistic_over_the_history), cmocka_unit_test(history_forgets),
      cmocka_unit_test(bounds_of_tasks), cmocka_unit_test(limit_and_tasks), cmocka_unit_test(history_must_fit),
  };
  return cmocka_run_group_tests(tests_of_autopilot, NULL, NULL);
}
