/* The Knative autoscaler by hand, tick by tick through decide: windows, panic, rate limits, delay, the way to zero and back. Unless a
 * test says otherwise a pod may hold 10 requests (target 10, utilization 100 %), deployments scale from 0 to 1000, and the burst
 * capacity is 0. A tick at t brings the means of (t - 2, t - 1] and (t - 1, t]. */
#include <math.h>

#include "tests/support/params.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

static PolicyBench kpa(int64_t ready) {
  PolicyBench bench = policy_bench("kpa");
  bench_set(&bench, "target", "10");
  bench_set(&bench, "target-utilization-percentage", "100");
  bench_set(&bench, "container-concurrency", "0");
  bench_set(&bench, "target-burst-capacity", "0");
  bench.seen.period_ns = 2000000000;
  bench.seen.min_replicas = 0;
  bench.seen.max_replicas = 1000;
  bench.seen.replicas = bench.seen.replicas_ready = ready;
  return bench;
}

static MetricValue second(double at_s, double value) {
  return (MetricValue){.has = true, .value = value, .sampled_ns = (int64_t)(at_s * 1e9), .window_ns = 1000000000};
}

/* A tick: means of the last second but one and of the last. The wish is granted, the ready pods are the test's. */
static const Decision *tick_two(PolicyBench *bench, double at_s, double older, double newer) {
  bench->metric[1] = second(at_s - 1, older);
  bench->metric[0] = second(at_s, newer);
  const Decision *decision = look(bench, at_s);
  bench->seen.replicas = decision->replicas;
  return decision;
}
static const Decision *tick(PolicyBench *bench, double at_s, double value) { return tick_two(bench, at_s, value, value); }

/* Ticks at from, from + 2 ... to with one value; the last decision. */
static const Decision *ticks(PolicyBench *bench, double from_s, double to_s, double value) {
  const Decision *decision = NULL;
  for (double at_s = from_s; at_s <= to_s; at_s += 2) decision = tick(bench, at_s, value);
  return decision;
}

static const Decision *first_request(PolicyBench *bench, double at_s) {
  bench->seen.ask = ASK_AT_ZERO;
  const Decision *decision = look(bench, at_s);
  bench->seen.ask = ASK_NONE;
  bench->seen.replicas = decision->replicas;
  return decision;
}

/* A young series is averaged over its own age: (10 + 30) / 2 = 20, 2 pods; 2 pods for 1 ready one is the threshold, inclusive. Then
 * (10 + 30 + 20 + 24) / 4 = 21, 3 pods: 3 / 2 = 1.5 is below it, but panic goes on. */
static void averages_over_its_age(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  const Decision *wish = tick_two(&bench, 2, 10, 30);
  assert_int_equal(wish->replicas, 2);
  assert_float_equal(wish->metric, 20, 0);
  assert_float_equal(wish->target, 10, 0);
  assert_float_equal(wish->raw_replicas, 2, 0);
  assert_int_equal(wish->step[0].result, 1);
  assert_string_equal(wish->reason, "panic");
  bench.seen.replicas_ready = 2;
  wish = tick_two(&bench, 4, 20, 24);
  assert_int_equal(wish->replicas, 3);
  assert_int_equal(wish->step[0].result, 0);
  assert_float_equal(wish->step[0].value, 1.5, 0);
  bench_end(&bench);
}

/* Created with 4 ready pods it starts in panic at 2 s: 10 requests wish 1 pod, but 4 stay until more than 60 s have passed; then 4 / 2
 * pods at least, then 2 / 2 = 1. */
static void restart_holds_for_a_window(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(4);
  const Decision *wish = tick(&bench, 2, 10);
  assert_int_equal(wish->replicas, 4);
  assert_string_equal(wish->reason, "panic, not scaled down");
  assert_int_equal(ticks(&bench, 4, 62, 10)->replicas, 4);
  wish = tick(&bench, 64, 10);
  assert_int_equal(wish->replicas, 2);
  assert_float_equal(wish->raw_replicas, 1, 0);
  assert_float_equal(wish->rate_limited, 2, 0);
  assert_string_equal(wish->reason, "rate limited");
  bench.seen.replicas_ready = 2;
  assert_int_equal(tick(&bench, 66, 10)->replicas, 1);
  bench_end(&bench);
}

/* 40 requests at one ready pod: panic at 2 s, 4 pods. Load 10 from then on. At 30 s two seconds of 200: panic value
 * (4 x 10 + 2 x 200) / 6 = 73.33, 8 pods, 8 / 4 = 2: extended, to 90 s inclusive. At 92 s it is over: the stable window holds the
 * seconds 33 ... 92, all 10: 1 pod, but 8 / 2 = 4 at least. */
static void panic_is_extended_and_left(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  assert_int_equal(tick(&bench, 2, 40)->replicas, 4);
  bench.seen.replicas_ready = 4;
  const Decision *wish = ticks(&bench, 4, 28, 10);
  assert_int_equal(wish->replicas, 4);
  assert_string_equal(wish->reason, "panic, not scaled down");
  wish = tick(&bench, 30, 200);
  assert_int_equal(wish->replicas, 8);
  assert_float_equal(wish->metric, 73.333333, 1e-9);
  assert_float_equal(wish->step[0].value, 2, 0);
  bench.seen.replicas_ready = 8;
  assert_int_equal(ticks(&bench, 32, 90, 10)->replicas, 8);
  wish = tick(&bench, 92, 10);
  assert_int_equal(wish->replicas, 4);
  assert_string_equal(wish->step[0].action, "stable");
  bench_end(&bench);
}

/* A threshold of 1000 % keeps it out of panic: 6 s of 100 after 54 s of 40 at 4 pods: panic 100, 10 / 4 = 2.5 < 10; stable
 * (54 x 40 + 6 x 100) / 60 = 46, 5 pods. */
static void stable_is_slow(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "panic-threshold-percentage", "1000");
  (void)tick(&bench, 2, 40);
  bench.seen.replicas_ready = 4;
  assert_int_equal(ticks(&bench, 4, 54, 40)->replicas, 4);
  const Decision *wish = ticks(&bench, 56, 60, 100);
  assert_int_equal(wish->replicas, 5);
  assert_float_equal(wish->metric, 46, 0);
  assert_string_equal(wish->reason, "as wished");
  bench_end(&bench);
}

/* 1000 requests wish 100 pods; at most twice the ready ones (not the wished ones) in a look. */
static void rate_limits_up(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "max-scale-up-rate", "2");
  const Decision *wish = tick(&bench, 2, 1000);
  assert_int_equal(wish->replicas, 2);
  assert_float_equal(wish->raw_replicas, 100, 0);
  assert_int_equal(tick(&bench, 4, 1000)->replicas, 2); /* still one ready */
  bench.seen.replicas_ready = 2;
  assert_int_equal(tick(&bench, 6, 1000)->replicas, 4);
  bench.seen.replicas_ready = 3;
  assert_int_equal(tick(&bench, 8, 1000)->replicas, 6);
  bench_set(&bench, "max-scale-up-rate", "1.1"); /* ceil(3.3) = 4, but panic never goes down */
  assert_int_equal(tick(&bench, 10, 1000)->replicas, 6);
  bench_end(&bench);
}

/* Delay 10 s = 5 slots of 2 s. 40 at 2 s: 4 pods in slot 1. Then nothing: 80 / 4 = 20 at 4 s (2 pods, also 4 / 2), 80 / 6 = 13.3, 80 / 8 = 10,
 * 80 / 10 = 8: at least 4 / 2 = 2. Slot 1 counts through slot 5 (10 s), at 12 s the highest is 2. */
static void delay_holds_the_highest(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "scale-down-delay", "10s");
  bench_set(&bench, "panic-threshold-percentage", "1000");
  assert_int_equal(tick(&bench, 2, 40)->replicas, 4);
  bench.seen.replicas_ready = 4;
  const Decision *wish = tick(&bench, 4, 0);
  assert_int_equal(wish->replicas, 4);
  assert_float_equal(wish->rate_limited, 2, 0);
  assert_float_equal(wish->stabilised, 4, 0);
  assert_string_equal(wish->reason, "held by the scale-down delay");
  assert_int_equal(ticks(&bench, 6, 10, 0)->replicas, 4);
  assert_int_equal(tick(&bench, 12, 0)->replicas, 2);
  bench_end(&bench);
}

/* 10 requests until 10 s. The window is all zeros when it begins after second 10: at 70 s. Active since 2 s, longer than a window:
 * marked inactive, not scaled; the activator comes into the path. 30 s later, at 100 s, the last pod goes. */
static void to_zero_after_window_and_grace(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  assert_int_equal(ticks(&bench, 2, 10, 10)->replicas, 1);
  const Decision *wish = ticks(&bench, 12, 68, 0);
  assert_int_equal(wish->replicas, 1);
  assert_float_equal(wish->raw_replicas, 1, 0);
  wish = tick(&bench, 70, 0);
  assert_int_equal(wish->replicas, 1);
  assert_float_equal(wish->raw_replicas, 0, 0);
  assert_string_equal(wish->reason, "idle, marked inactive");
  wish = ticks(&bench, 72, 98, 0);
  assert_int_equal(wish->replicas, 1);
  assert_string_equal(wish->reason, "grace period before zero");
  wish = tick(&bench, 100, 0);
  assert_int_equal(wish->replicas, 0);
  assert_string_equal(wish->reason, "idle, scaled to zero");
  bench_end(&bench);
}

/* With the default burst capacity one pod of 10 is never enough (10 - 211 < 0): the activator has been in the path since 2 s, so that the
 * grace period is over when the revision becomes inactive. */
static void to_zero_behind_the_activator(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "target-burst-capacity", "211");
  (void)ticks(&bench, 2, 10, 10);
  assert_int_equal(ticks(&bench, 12, 70, 0)->replicas, 1);
  assert_int_equal(tick(&bench, 72, 0)->replicas, 0);
  bench_end(&bench);
}

/* The same with a retention of 90 s: inactive since 70 s, so it stays through 158 s. */
static void last_pod_is_retained(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "target-burst-capacity", "211");
  bench_set(&bench, "scale-to-zero-pod-retention-period", "90s");
  (void)ticks(&bench, 2, 10, 10);
  const Decision *wish = ticks(&bench, 12, 158, 0);
  assert_int_equal(wish->replicas, 1);
  assert_string_equal(wish->reason, "last pod retained");
  assert_int_equal(tick(&bench, 160, 0)->replicas, 0);
  bench_end(&bench);
}

static void zero_is_off(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "enable-scale-to-zero", "false");
  (void)ticks(&bench, 2, 10, 10);
  const Decision *wish = ticks(&bench, 12, 300, 0);
  assert_int_equal(wish->replicas, 1);
  assert_string_equal(wish->reason, "scale to zero is off");
  bench_end(&bench);
}

/* From zero (at 100 s) a request comes at 130.4 s: the activator reports 1, the mean is 1 / 60 (no pod, no report since 100 s, the gap counts
 * as 0), 1 pod at once. It waits 0.6 of the next second, less the one that was reported: 0; then 1. So the panic window, begun anew
 * with the request, has (1 + 0 + 1) / 3 = 0.67 at 132 s. The pod is ready at 134 s. */
static void back_by_a_first_request(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  (void)ticks(&bench, 2, 10, 10);
  assert_int_equal(ticks(&bench, 12, 100, 0)->replicas, 0);
  bench.seen.replicas_ready = 0;
  (void)ticks(&bench, 102, 130, 0);
  const Decision *wish = first_request(&bench, 130.4);
  assert_int_equal(wish->replicas, 1);
  assert_float_equal(wish->metric, 0.016667, 1e-12);
  assert_string_equal(wish->reason, "a first request at zero");
  wish = tick_two(&bench, 132, 0.6, 1);
  assert_int_equal(wish->replicas, 1);
  assert_float_equal(wish->metric, 2. / 60, 1e-6);
  assert_float_equal(wish->step[0].value, 1, 0); /* ceil(0.67 / 10) pods for none, counted as one */
  bench.seen.replicas_ready = 1;
  assert_int_equal(tick(&bench, 134, 1)->replicas, 1);
  bench_end(&bench);
}

/* Idle for more than a window at zero the series is no data, the last wish stands; a request then has a window to itself: mean 1. The
 * activation scale makes 3 pods of it. A burst while they start: 50 at once, (1 + 49 + 50) / 3 = 33.3, 4 pods for none: panic. */
static void activation_scale_and_burst(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "activation-scale", "3");
  (void)ticks(&bench, 2, 10, 0);
  assert_int_equal(ticks(&bench, 12, 100, 0)->replicas, 0);
  bench.seen.replicas_ready = 0;
  const Decision *wish = ticks(&bench, 102, 200, 0);
  assert_int_equal(wish->replicas, 0);
  assert_true(isnan(wish->metric));
  wish = first_request(&bench, 200.5);
  assert_int_equal(wish->replicas, 3);
  assert_float_equal(wish->metric, 1, 0);
  assert_float_equal(wish->raw_replicas, 1, 0);
  wish = tick_two(&bench, 202, 50, 50);
  assert_int_equal(wish->replicas, 4);
  assert_float_equal(wish->metric, 33.333333, 1e-9);
  assert_string_equal(wish->reason, "panic");
  bench_end(&bench);
}

/* Unlimited burst capacity: pods are not scraped, so idle seconds are no data: after one last report of 0 at 11 s silence shortens the
 * window. At 68 s it holds the seconds 9, 10, 11: (10 + 10 + 0) / 3; at 70 s only the 0, and a window that is silent altogether is 0, too.
 * Marked inactive at 70 s; always behind the activator, so the last pod goes at the next look. */
static void unlimited_burst_capacity(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "target-burst-capacity", "-1");
  (void)ticks(&bench, 2, 10, 10);
  const Decision *wish = ticks(&bench, 12, 68, 0);
  assert_int_equal(wish->replicas, 1);
  assert_float_equal(wish->metric, 6.666667, 1e-9);
  wish = tick(&bench, 70, 0);
  assert_string_equal(wish->reason, "idle, marked inactive");
  assert_int_equal(wish->replicas, 1);
  assert_int_equal(tick(&bench, 72, 0)->replicas, 0);
  bench_end(&bench);
}

/* Three pods of 100 (the cluster's default): 300 - 211 - 50 = 39 to spare, 300 - 211 - 100 = -11 not. Activators: (300 + 211) / 100, so 6. */
static void burst_capacity_and_activators(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "target", "0");
  bench_set(&bench, "target-utilization-percentage", "0");
  bench_set(&bench, "target-burst-capacity", "211");
  (void)tick(&bench, 2, 50);
  bench.seen.replicas_ready = 3;
  const Decision *wish = tick(&bench, 4, 50);
  assert_float_equal(wish->target, 70, 1e-9); /* 100 x 70 % */
  assert_string_equal(wish->step[3].step, "Burst capacity");
  assert_float_equal(wish->step[3].value, 39, 0);
  assert_string_equal(wish->step[3].action, "directly");
  assert_float_equal(wish->step[4].value, 6, 0);
  wish = ticks(&bench, 6, 10, 100);
  assert_float_equal(wish->step[3].value, -11, 0);
  assert_string_equal(wish->step[3].action, "through the activator");
  bench_end(&bench);
}

/* Requests a second: 200 x 70 % = 140 a pod; 300 wish 3. The bounds of the deployment, then of the policy. */
static void requests_and_bounds(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "metric", "rps");
  bench_set(&bench, "target", "0");
  bench_set(&bench, "target-utilization-percentage", "0");
  assert_int_equal(tick(&bench, 2, 300)->replicas, 3);
  assert_int_equal(bench.query[0].meter, METER_OFFERED_RPS);
  bench.seen.max_replicas = 2;
  const Decision *wish = tick(&bench, 4, 300);
  assert_int_equal(wish->replicas, 2);
  assert_string_equal(wish->reason, "at the maximum scale");
  bench_set(&bench, "max-scale", "0");
  assert_int_equal(tick(&bench, 6, 300)->replicas, 3);
  bench_set(&bench, "min-scale", "5");
  wish = tick(&bench, 8, 300);
  assert_int_equal(wish->replicas, 5);
  assert_string_equal(wish->reason, "at the minimum scale");
  bench_end(&bench);
}

/* Container concurrency is the deployment's: 4 at once, 70 % of it is 2.8; 14 requests wish 5 pods. An annotation above it is cut to it. */
static void concurrency_of_the_deployment(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "container-concurrency", "-1");
  bench_set(&bench, "target-utilization-percentage", "0");
  bench.seen.concurrency = 4;
  const Decision *wish = tick(&bench, 2, 14);
  assert_float_equal(wish->target, 2.8, 1e-12);
  assert_int_equal(wish->replicas, 5);
  bench_set(&bench, "target", "2"); /* below it: 1.4 a pod */
  assert_float_equal(tick(&bench, 4, 14)->target, 1.4, 1e-12);
  bench_end(&bench);
}

/* No metrics: nothing changes, except that an initial scale is reached for; once it was, metrics rule: 10 requests, 1 pod, but created
 * with 1 ready pod there is no panic, 3 / 2 = 1 is the least. */
static void initial_scale(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "initial-scale", "3");
  bench.metric[0].has = bench.metric[1].has = false;
  const Decision *wish = look(&bench, 0);
  assert_int_equal(wish->replicas, 3);
  bench.seen.replicas = 3;
  assert_int_equal(tick(&bench, 2, 10)->replicas, 3); /* not reached yet */
  bench.seen.replicas_ready = 3;
  assert_int_equal(tick(&bench, 4, 10)->replicas, 3); /* is noted after this look */
  assert_int_equal(tick(&bench, 6, 10)->replicas, 1);
  bench_end(&bench);
}

static void without_metrics(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench.metric[0].has = bench.metric[1].has = false;
  const Decision *wish = look(&bench, 0);
  assert_int_equal(wish->replicas, 1);
  assert_true(isnan(wish->metric));
  assert_string_equal(wish->reason, "no metrics yet");
  bench_end(&bench);
}

/* A strategy that looks every 10 s: the seconds between take the next sample's value: 30 in second 1, 40 in 2 ... 9, 60 in 10:
 * (30 + 8 x 40 + 60) / 10 = 41. A sample seen twice counts once. */
static void seldom_looks(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "panic-threshold-percentage", "1000");
  bench.metric[0] = second(1, 30);
  bench.metric[1].has = false;
  assert_float_equal(look(&bench, 1)->metric, 30, 0);
  assert_float_equal(tick_two(&bench, 10, 40, 60)->metric, 41, 1e-9);
  assert_float_equal(look(&bench, 10.5)->metric, 41, 1e-9);
  bench_end(&bench);
}

/* Weights of 60 buckets: max(0.2, 1 - 0.0001^(1/60) = 0.142) = 0.2: after 10 and 30 it is 30 x 0.2 + 10 x 0.2 x 0.8 = 7.6: 1 pod. The panic window's
 * 6 buckets: c = 1 - 0.0001^(1/6) = 0.784556..., 30 c + 10 c (1 - c) = 25.2271: 3 pods, panic. */
static void weighted_windows(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "metric-aggregation-algorithm", "weighted-exponential");
  const Decision *wish = tick_two(&bench, 2, 10, 30);
  double c = 1 - pow(0.0001, 1. / 6);
  assert_float_equal(wish->metric, 30 * c + 10 * c * (1 - c), 1e-9);
  assert_int_equal(wish->replicas, 3);
  bench_end(&bench);
}

/* 8 s of window at 50 % is a panic window of 4 s; delay, windows and numbers at their ends do no harm. */
static void other_windows(void **unused) {
  (void)unused;
  PolicyBench bench = kpa(1);
  bench_set(&bench, "stable-window", "8s");
  bench_set(&bench, "panic-window-percentage", "50");
  (void)ticks(&bench, 2, 4, 0);
  const Decision *wish = ticks(&bench, 6, 8, 40); /* stable (4 x 0 + 4 x 40) / 8 = 20; panic 40: 4 pods */
  assert_float_equal(wish->metric, 40, 0);
  assert_int_equal(wish->replicas, 4);
  wish = tick(&bench, 10, 1e300); /* as many as there can be */
  assert_int_equal(wish->replicas, 1000);
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(averages_over_its_age), cmocka_unit_test(restart_holds_for_a_window), cmocka_unit_test(panic_is_extended_and_left),
      cmocka_unit_test(stable_is_slow), cmocka_unit_test(rate_limits_up), cmocka_unit_test(delay_holds_the_highest),
      cmocka_unit_test(to_zero_after_window_and_grace), cmocka_unit_test(to_zero_behind_the_activator), cmocka_unit_test(last_pod_is_retained),
      cmocka_unit_test(zero_is_off), cmocka_unit_test(back_by_a_first_request), cmocka_unit_test(activation_scale_and_burst),
      cmocka_unit_test(unlimited_burst_capacity), cmocka_unit_test(burst_capacity_and_activators), cmocka_unit_test(requests_and_bounds),
      cmocka_unit_test(concurrency_of_the_deployment), cmocka_unit_test(initial_scale), cmocka_unit_test(without_metrics),
      cmocka_unit_test(seldom_looks), cmocka_unit_test(weighted_windows), cmocka_unit_test(other_windows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
