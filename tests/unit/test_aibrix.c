/* AIBrix's two rules by hand: the upstream tables of algorithm/apa_test.go and algorithm/kpa_test.go (one look each; numbers of vllm-project/aibrix
 * e3e10f9e), then runs of several looks with windows, tolerances, limits, cooldowns and pending replicas at their edges. */
#include <math.h>

#include "tests/support/policy_bench.h"
#include "tests/testing.h"

/* Target 10 a pod, no cooldown, 0 to 100 replicas, all ready. */
static PolicyBench aibrix(const char *policy, int64_t replicas) {
  PolicyBench bench = policy_bench(policy);
  bench_set(&bench, "targetMetric", "in_flight_jobs");
  bench_set(&bench, "targetValue", "10");
  bench_set(&bench, "scale-down-cooldown-window", "0s");
  bench.seen.period_ns = 10000000000;
  bench.seen.min_replicas = 0;
  bench.seen.max_replicas = 100;
  bench.seen.replicas = bench.seen.replicas_ready = replicas;
  return bench;
}

static const Decision *see(PolicyBench *bench, double at_s, double value) {
  bench->metric[0] = (MetricValue){.has = true, .value = value, .sampled_ns = (int64_t)(at_s * 1e9)};
  return look(bench, at_s);
}

static const Decision *see_and_grant(PolicyBench *bench, double at_s, double value) {
  bench->metric[0] = (MetricValue){.has = true, .value = value, .sampled_ns = (int64_t)(at_s * 1e9)};
  return look_and_grant(bench, at_s);
}

/* ---- one look ---- */

static void apa_upstream_table(void **unused) {
  (void)unused;
  static const struct {
    int64_t replicas;
    double value;
    const char *up, *down;
    int64_t wish;
  } row[] = {{2, 45, "2", "2", 3}, {2, 35, "2", "2", 3}, {2, 90, "2", "2", 4}, {2, 90, "2.5", "2", 5}, {6, 20, "2", "2", 4},
             {6, 18, "2", "2", 4}, {6, 10, "2", "2", 3}, {6, 5, "2", "2.5", 2}, {2, 33, "2", "2", 2}, {2, 27, "2", "2", 2}};
  for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
    PolicyBench bench = aibrix("aibrix-apa", row[k].replicas);
    bench_set(&bench, "targetValue", "30");
    bench_set(&bench, "max-scale-up-rate", row[k].up);
    bench_set(&bench, "max-scale-down-rate", row[k].down);
    assert_int_equal(see(&bench, 10, row[k].value)->replicas, row[k].wish);
    bench_end(&bench);
  }
}

/* Those without a panic to inject: stable and panic value are one sample. */
static void kpa_upstream_table(void **unused) {
  (void)unused;
  static const struct {
    int64_t replicas;
    double value;
    const char *up;
    int64_t wish;
  } row[] = {{2, 20, "2", 2}, {1, 0, "2", 0}, {2, 100, "1.5", 3}, {4, 5, "2", 2}, {0, 15, "2", 1}};
  for (size_t k = 0; k < sizeof row / sizeof *row; k++) { /* the last without its activation scale: at most 1 from 0 */
    PolicyBench bench = aibrix("aibrix-kpa", row[k].replicas);
    bench_set(&bench, "max-scale-up-rate", row[k].up);
    assert_int_equal(see(&bench, 10, row[k].value)->replicas, row[k].wish);
    bench_end(&bench);
  }
}

/* ---- several looks ---- */

/* 3 replicas: 12, then (12 + 18) / 2 = 15 = 1.5 targets: ceil(4.5) = 5. Then (12 + 18 + 3) / 3 = 11, within 1.1 inclusive: 5. */
static void apa_averages_its_window(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 3);
  bench_set(&bench, "scale-up-tolerance", "0.2");
  const Decision *wish = see_and_grant(&bench, 10, 12);
  assert_int_equal(wish->replicas, 3);
  assert_float_equal(wish->raw_replicas, 4, 0);
  assert_float_equal(wish->after_tolerance, 3, 0);
  assert_string_equal(wish->reason, "stable");
  wish = see_and_grant(&bench, 20, 18);
  assert_int_equal(wish->replicas, 5);
  assert_float_equal(wish->metric, 15, 0);
  assert_string_equal(wish->reason, "metric above target");
  bench_set(&bench, "scale-up-tolerance", "0.1");
  assert_int_equal(see_and_grant(&bench, 30, 3)->replicas, 5);
  bench_end(&bench);
}

/* 20 s of window: the sample 20 s old still counts, that of 21 s does not. (40 + 10 + 10) / 3 = 20: 2 x 4, then (10 + 10 + 10) / 3. A second sample
 * of the same second replaces the first: (10 + 10 + 40) / 3 = 20, from 4 to 8. */
static void apa_window_has_both_ends(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 4);
  bench_set(&bench, "observeWindowSeconds", "20");
  bench_set(&bench, "max-scale-up-rate", "1");
  (void)see(&bench, 10, 40);
  (void)see(&bench, 20, 10);
  const Decision *wish = see(&bench, 30, 10);
  assert_float_equal(wish->metric, 20, 0);
  assert_int_equal(wish->replicas, 4); /* 8, but at most 4 x 1 */
  assert_float_equal(wish->raw_replicas, 8, 0);
  assert_float_equal(wish->rate_limited, 4, 0);
  assert_string_equal(wish->reason, "pace limited");
  assert_float_equal(see(&bench, 31, 10)->metric, 10, 0); /* 20 s, 30 s, 31 s */
  bench_set(&bench, "max-scale-up-rate", "2");
  wish = see(&bench, 31.5, 40);
  assert_float_equal(wish->metric, 20, 0);
  assert_int_equal(wish->replicas, 8);
  bench_end(&bench);
}

/* 5 replicas, rate 2: 2 at least (floor of 2.5), though 0.4 wishes 1; from 1 it is 0, that is the minimum of 1. */
static void apa_down_and_bounds(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 5);
  bench_set(&bench, "minReplicas", "1");
  const Decision *wish = see_and_grant(&bench, 10, 0.4);
  assert_int_equal(wish->replicas, 2);
  assert_float_equal(wish->raw_replicas, 1, 0); /* ceil(5 x 0.04) */
  assert_int_equal(see_and_grant(&bench, 20, 0)->replicas, 1);
  wish = see_and_grant(&bench, 30, 0);
  assert_int_equal(wish->replicas, 1); /* (0.4 + 0 + 0) / 3: ceil(0.013) = 1 */
  bench_set(&bench, "maxReplicas", "3");
  bench.seen.replicas = bench.seen.replicas_ready = 7;
  wish = see_and_grant(&bench, 40, 100);
  assert_int_equal(wish->replicas, 3);
  assert_string_equal(wish->reason, "above the maximum of replicas");
  bench.seen.replicas = 0; /* by hand */
  assert_int_equal(see(&bench, 50, 100)->replicas, 0);
  bench_set(&bench, "minReplicas", "2");
  bench.seen.replicas = 1;
  assert_int_equal(see(&bench, 60, 100)->replicas, 2);
  bench_end(&bench);
}

/* A window of 1 s makes each look's value its own. Scale-down cooldown of 30 s, lowest wish: at 10 s 5 -> 5 x 0.6 = 3 granted by nobody; at 20 s
 * 0.8: wish 4, but 3 is the lowest of (-10, 20]; at 40 s the wish of 10 s is out (30 s old): 4. */
static void apa_down_takes_the_lowest(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 5);
  bench_set(&bench, "observeWindowSeconds", "1");
  bench_set(&bench, "scale-down-cooldown-window", "30s");
  assert_int_equal(see(&bench, 10, 6)->replicas, 3);
  const Decision *wish = see(&bench, 20, 8);
  assert_int_equal(wish->replicas, 3);
  assert_float_equal(wish->rate_limited, 4, 0);
  assert_float_equal(wish->stabilised, 3, 0);
  assert_string_equal(wish->reason, "the lowest wish of the cooldown");
  assert_int_equal(see(&bench, 30, 10)->replicas, 5); /* on target: nothing to cool */
  assert_int_equal(see(&bench, 40, 8)->replicas, 4);
  bench_end(&bench);
}

/* Scale-up cooldown of 20 s, highest wish: 4 -> 8 (x 2) at 10 s; at 20 s 1.25 wishes 5, 8 is the highest; at 30 s 8 is 20 s old: 5. */
static void apa_up_takes_the_highest(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 4);
  bench_set(&bench, "observeWindowSeconds", "1");
  bench_set(&bench, "scale-up-cooldown-window", "20s");
  assert_int_equal(see(&bench, 10, 30)->replicas, 8);
  const Decision *wish = see(&bench, 20, 12.5);
  assert_int_equal(wish->replicas, 8);
  assert_string_equal(wish->reason, "the highest wish of the cooldown");
  assert_int_equal(see(&bench, 30, 12.5)->replicas, 5);
  bench_end(&bench);
}

/* 4 wished, 3 ready at 20: 8 wished. Pending counts as idle: 20 x 3 / 4 = 15, ceil(4 x 1.5) = 6. With 1 ready 20 x 1 / 4 = 5: 2, but never below the
 * present 4. Down: 8 replicas, 4 ready at 4: wish 8 x 0.4 = 4 (8 / 2); pending at the target: (4 x 4 + 10 x 4) / 8 = 7: ceil(5.6) = 6. An
 * external metric is not adjusted. */
static void apa_pending_replicas(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 4);
  bench_set(&bench, "observeWindowSeconds", "1");
  bench.seen.replicas_ready = 3;
  const Decision *wish = see(&bench, 10, 20);
  assert_int_equal(wish->replicas, 6);
  assert_string_equal(wish->reason, "replicas are starting");
  bench.seen.replicas_ready = 1;
  assert_int_equal(see(&bench, 20, 20)->replicas, 4);
  bench.seen.replicas = 8;
  bench.seen.replicas_ready = 4;
  assert_int_equal(see(&bench, 30, 4)->replicas, 6);
  bench_set(&bench, "metricSourceType", "external");
  assert_int_equal(see(&bench, 40, 4)->replicas, 4);
  bench_end(&bench);
}

static void apa_without_metrics(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 4);
  bench.metric[0].has = false;
  const Decision *wish = look(&bench, 10);
  assert_int_equal(wish->replicas, 4);
  assert_string_equal(wish->reason, "no metrics");
  assert_int_equal(bench.query[0].per, METRIC_PER_REPLICA);
  assert_int_equal(bench.query[0].aggregate, METRIC_MEAN);
  assert_int_equal(bench.query[0].window_ns, 0);
  bench_end(&bench);
}

/* A window of 1 s: 40 wishes 4 for 1, but 2; then 8 for 2, but 4; 20 wishes 8 for 4. 10 and 11 (the tolerance, inclusive) keep them, 11.01 wishes ceil(8.808). */
static void apa_doubles_up_to_the_target(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 1);
  bench_set(&bench, "observeWindowSeconds", "1");
  static const double value[] = {40, 40, 20, 10, 11, 11.01};
  static const int64_t wish[] = {2, 4, 8, 8, 8, 9};
  for (int k = 0; k < 6; k++) assert_int_equal(see_and_grant(&bench, 10 * k + 10, value[k])->replicas, wish[k]);
  bench_end(&bench);
}

/* 8 at 5: 4. 9 is the tolerance's end: 4. 8.9 is below it, but ceil(3.56) = 4. 7.4: ceil(2.96) = 3. 0.1: ceil(0.03) = 1, floor(3 / 2) = 1. */
static void apa_comes_down_rounding_up(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 8);
  bench_set(&bench, "observeWindowSeconds", "1");
  static const double value[] = {5, 9, 8.9, 7.4, 0.1};
  static const int64_t wish[] = {4, 4, 4, 3, 1};
  for (int k = 0; k < 5; k++) assert_int_equal(see_and_grant(&bench, 10 * k + 10, value[k])->replicas, wish[k]);
  bench_end(&bench);
}

/* Rates of parts: 3 x 1.5 = 4.5 up to 5, 5 x 1.5 = 7.5 up to 8; 8 / 3 = 2.67 down to 2, 2 / 3 down to 0. */
static void apa_rates_of_parts(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 3);
  bench_set(&bench, "observeWindowSeconds", "1");
  bench_set(&bench, "max-scale-up-rate", "1.5");
  bench_set(&bench, "max-scale-down-rate", "3");
  static const double value[] = {100, 100, 0, 0};
  static const int64_t wish[] = {5, 8, 2, 0};
  for (int k = 0; k < 4; k++) assert_int_equal(see_and_grant(&bench, 10 * k + 10, value[k])->replicas, wish[k]);
  bench_end(&bench);
}

/* A look without metrics keeps what is there and adds no sample: 20, nothing, 14: (20 + 14) / 2 = 17, ceil(4 x 1.7) = 7. */
static void apa_skips_a_gap(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 2);
  assert_int_equal(see_and_grant(&bench, 10, 20)->replicas, 4);
  bench.metric[0].has = false;
  assert_int_equal(look_and_grant(&bench, 20)->replicas, 4);
  assert_int_equal(see_and_grant(&bench, 30, 14)->replicas, 7);
  bench_end(&bench);
}

/* 180 s hold 19 samples of 10 s: 18 of 10 and one of 30 are 210 / 19 = 11.05: ceil(5 x 1.105) = 6; 17 and two: 230 / 19 = 12.1: ceil(7.26) = 8. */
static void apa_window_is_slow(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-apa", 5);
  for (int k = 1; k <= 18; k++) assert_int_equal(see_and_grant(&bench, 10 * k, 10)->replicas, 5);
  assert_int_equal(see_and_grant(&bench, 190, 30)->replicas, 6);
  assert_int_equal(see_and_grant(&bench, 200, 30)->replicas, 8);
  bench_end(&bench);
}

/* Panic window 20 s, window 180 s. 9 looks of 10 at 4 replicas: within tolerance, 4. At 100 s 90: stable (9 x 10 + 90) / 10 = 18, panic (10 + 10 + 90) / 3 =
 * 36.67, their ratio 2.04 > 2: ceil(3.67) = 4, panic wishes no more than is there. At 110 s 90: 270 / 11 = 24.5, 190 / 3 = 63.3: 2.58: 7. */
static void kpa_panics(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-kpa", 4);
  bench_set(&bench, "panicWindowSeconds", "20");
  for (int k = 1; k <= 9; k++) assert_int_equal(see(&bench, 10 * k, 10)->replicas, 4);
  const Decision *wish = see(&bench, 100, 90);
  assert_int_equal(wish->step[0].result, 1);
  assert_float_equal(wish->metric, 110. / 3, 1e-12);
  assert_int_equal(wish->replicas, 4);
  wish = see(&bench, 110, 90);
  assert_int_equal(wish->replicas, 7);
  assert_float_equal(wish->raw_replicas, 7, 0);
  bench_end(&bench);
}

/* The threshold is exclusive: stable (10 + 10 + 10 + 50) / 4 = 20, panic (window 1 s) 50: 2.5 > 2; threshold 2.5: stable, 2 replicas. */
static void kpa_threshold_is_exclusive(void **unused) {
  (void)unused;
  for (int panic = 0; panic < 2; panic++) {
    PolicyBench bench = aibrix("aibrix-kpa", 3);
    bench_set(&bench, "panicWindowSeconds", "1");
    bench_set(&bench, "panic-threshold", panic ? "2.49" : "2.5");
    for (int k = 1; k <= 3; k++) (void)see(&bench, 10 * k, 10);
    const Decision *wish = see(&bench, 40, 50);
    assert_int_equal(wish->replicas, panic ? 5 : 2);
    assert_float_equal(wish->metric, panic ? 50 : 20, 0);
    bench_end(&bench);
  }
}

/* Panic does not remember: 5 replicas at 50, granted; then the panic window says 20 (2 replicas), the stable one (0 x 8 + 50 + 20) / 10 = 7 (1): still
 * panic (20 / 7 = 2.86), but 2 = floor(5 / 2) is set. */
static void kpa_panic_may_scale_down(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-kpa", 3);
  bench_set(&bench, "panicWindowSeconds", "1");
  bench.seen.min_replicas = 3;
  for (int k = 1; k <= 8; k++) (void)see_and_grant(&bench, 10 * k, 0);
  bench.seen.min_replicas = 0;
  assert_int_equal(see_and_grant(&bench, 90, 50)->replicas, 5);
  const Decision *wish = see_and_grant(&bench, 100, 20);
  assert_int_equal(wish->step[0].result, 1);
  assert_int_equal(wish->replicas, 2);
  bench_end(&bench);
}

/* The tolerance is on the value: 11 and 9 keep 4 replicas, 11.1 wishes ceil(1.11) = 2, which is also 4 / 2. */
static void kpa_tolerance_is_on_the_value(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-kpa", 4);
  bench_set(&bench, "observeWindowSeconds", "1");
  bench_set(&bench, "panicWindowSeconds", "1");
  assert_int_equal(see(&bench, 10, 11)->replicas, 4);
  assert_int_equal(see(&bench, 20, 9)->replicas, 4);
  assert_int_equal(see(&bench, 30, 11.1)->replicas, 2);
  bench_end(&bench);
}

/* External metric at zero: panic as the stable value is 0 or by the value; from 0 at most 1, then doubling: 1 -> 2 -> 4. */
static void kpa_from_zero(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-kpa", 0);
  bench_set(&bench, "metricSourceType", "external");
  const Decision *wish = see_and_grant(&bench, 10, 0);
  assert_int_equal(wish->replicas, 0);
  assert_int_equal(wish->step[0].result, 1);
  assert_int_equal(see_and_grant(&bench, 20, 100)->replicas, 1);
  assert_int_equal(see_and_grant(&bench, 30, 100)->replicas, 2);
  assert_int_equal(see_and_grant(&bench, 40, 100)->replicas, 4);
  bench_end(&bench);
}

/* 4 wished, 2 ready at 60: 6. Idle pending: 60 x 2 / 4 = 30: 3, not below 4. Down: 8, 4 ready at 20: 2, at least 4; (20 x 4 + 10 x 4) / 10 = 12, at most
 * the present 8. */
static void kpa_pending_replicas(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-kpa", 4);
  bench_set(&bench, "observeWindowSeconds", "1");
  bench_set(&bench, "panicWindowSeconds", "1");
  bench.seen.replicas_ready = 2;
  assert_int_equal(see(&bench, 10, 60)->replicas, 4);
  bench.seen.replicas = 8;
  bench.seen.replicas_ready = 4;
  assert_int_equal(see(&bench, 20, 20)->replicas, 8);
  bench_end(&bench);
}

static void kpa_cooldown_and_huge_values(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-kpa", 4);
  bench_set(&bench, "observeWindowSeconds", "1");
  bench_set(&bench, "panicWindowSeconds", "1");
  bench_set(&bench, "scale-down-cooldown-window", "300s");
  assert_int_equal(see(&bench, 10, 25)->replicas, 3);
  assert_int_equal(see(&bench, 20, 1e300)->replicas, 8);
  assert_int_equal(see(&bench, 30, 35)->replicas, 4);
  bench.seen.replicas = bench.seen.replicas_ready = 5;
  assert_int_equal(see(&bench, 40, 35)->replicas, 3); /* 4, but 3 was wished 30 s ago */
  assert_int_equal(see(&bench, 310, 35)->replicas, 4); /* exactly 300 s later no more */
  bench_end(&bench);
}

/* A value of 100 wishes 10: from 3 by 1.5 at most 5 (4.5 up), then 8 (7.5 up), then 10 of 12. */
static void kpa_rates_of_parts(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-kpa", 3);
  bench_set(&bench, "max-scale-up-rate", "1.5");
  static const int64_t wish[] = {5, 8, 10, 10};
  for (int k = 0; k < 4; k++) assert_int_equal(see_and_grant(&bench, 10 * k + 10, 100)->replicas, wish[k]);
  bench_end(&bench);
}

/* As in kpa_panics, then 10 again. At 120 s 280 / 12 = 23.3 and 190 / 3 = 63.3: 2.71, 7 replicas; at 130 s 290 / 13 = 22.3 and 110 / 3 = 36.7: 1.64,
 * out of panic: 3, of 4. */
static void kpa_leaves_panic(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-kpa", 4);
  bench_set(&bench, "panicWindowSeconds", "20");
  for (int k = 1; k <= 9; k++) (void)see(&bench, 10 * k, 10);
  (void)see(&bench, 100, 90);
  (void)see(&bench, 110, 90);
  assert_int_equal(see(&bench, 120, 10)->replicas, 7);
  const Decision *wish = see(&bench, 130, 10);
  assert_int_equal(wish->step[0].result, 0);
  assert_float_equal(wish->metric, 290. / 13, 1e-12);
  assert_int_equal(wish->replicas, 3);
  bench_end(&bench);
}

/* At most 6: 100 wishes 8 of 4, 6 are set, and stay without metrics; 7 with a minimum of 7, which wins. */
static void kpa_bounds_and_gap(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-kpa", 4);
  bench_set(&bench, "maxReplicas", "6");
  const Decision *wish = see_and_grant(&bench, 10, 100);
  assert_int_equal(wish->replicas, 6);
  assert_float_equal(wish->rate_limited, 8, 0);
  bench.metric[0].has = false;
  assert_int_equal(look_and_grant(&bench, 20)->replicas, 6);
  bench_set(&bench, "minReplicas", "7");
  assert_int_equal(see_and_grant(&bench, 30, 100)->replicas, 7);
  bench_end(&bench);
}

/* Threshold 1, panic window 1 s. 9, then 12: stable 10.5 is within tolerance: 3 stay though panic (1.14) wishes 2. 30: stable 17: 2, panic 3. 60: stable
 * 27.75: 3, panic 6. */
static void kpa_higher_of_both(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-kpa", 3);
  bench_set(&bench, "panicWindowSeconds", "1");
  bench_set(&bench, "panic-threshold", "1");
  static const double value[] = {9, 12, 30, 60};
  static const int64_t wish[] = {3, 3, 3, 6};
  for (int k = 0; k < 4; k++) assert_int_equal(see_and_grant(&bench, 10 * k + 10, value[k])->replicas, wish[k]);
  bench_end(&bench);
}

/* Down by halves, rounded down: 9 at 1 wishes 1: 4, 2, 1, then 1 (floor of 0.5 is 0, but 1 is wished). Nothing at all: stable (4 x 1 + 0) / 5 = 0.8: 1. */
static void kpa_halves(void **unused) {
  (void)unused;
  PolicyBench bench = aibrix("aibrix-kpa", 9);
  static const double value[] = {1, 1, 1, 1, 0};
  static const int64_t wish[] = {4, 2, 1, 1, 1};
  for (int k = 0; k < 5; k++) assert_int_equal(see_and_grant(&bench, 10 * k + 10, value[k])->replicas, wish[k]);
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(apa_upstream_table), cmocka_unit_test(kpa_upstream_table), cmocka_unit_test(apa_averages_its_window),
      cmocka_unit_test(apa_window_has_both_ends), cmocka_unit_test(apa_down_and_bounds), cmocka_unit_test(apa_down_takes_the_lowest),
      cmocka_unit_test(apa_up_takes_the_highest), cmocka_unit_test(apa_pending_replicas), cmocka_unit_test(apa_without_metrics),
      cmocka_unit_test(kpa_panics), cmocka_unit_test(kpa_threshold_is_exclusive), cmocka_unit_test(kpa_panic_may_scale_down),
      cmocka_unit_test(kpa_tolerance_is_on_the_value), cmocka_unit_test(kpa_from_zero), cmocka_unit_test(kpa_pending_replicas),
      cmocka_unit_test(kpa_cooldown_and_huge_values), cmocka_unit_test(apa_doubles_up_to_the_target), cmocka_unit_test(apa_comes_down_rounding_up),
      cmocka_unit_test(apa_rates_of_parts), cmocka_unit_test(apa_skips_a_gap), cmocka_unit_test(apa_window_is_slow),
      cmocka_unit_test(kpa_rates_of_parts), cmocka_unit_test(kpa_leaves_panic), cmocka_unit_test(kpa_bounds_and_gap),
      cmocka_unit_test(kpa_higher_of_both), cmocka_unit_test(kpa_halves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
