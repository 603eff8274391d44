/* The policies by hand: what each wishes over several looks, with rounding, bounds, tolerance, windows and cooldowns at their edges.
 * The founding rule has a test of its own (test_threshold.c). */
#include <math.h>
#include <string.h>

#include "sim/contract/node_policy.h"
#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

/* ---- none, small_model ---- */

static void none_keeps_or_holds(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("fixed");
  bench.seen.utilisation_ratio = 3;
  assert_int_equal(look(&bench, 0)->replicas, 4);
  bench_set(&bench, "replicas", "12");
  assert_int_equal(look(&bench, 15)->replicas, 12);
  bench_set(&bench, "replicas", "0");
  assert_int_equal(look(&bench, 30)->replicas, 0);
  assert_int_equal(look(&bench, 30)->variant, 1);
  bench_end(&bench);
}

static void small_model_is_used(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("small_model");
  const Decision *wish = look_and_grant(&bench, 0);
  assert_int_equal(wish->variant, 0);
  assert_string_equal(wish->step[0].action, "use_small_model()");
  assert_int_equal(look(&bench, 15)->variant, 0);
  assert_string_equal(bench.wished.step[0].action, "keep");
  assert_int_equal(bench.wished.replicas, 4);
  bench_end(&bench);
}

/* ---- horizontal: target 70 %, tolerance 0.1, window 5 m ---- */

static int64_t replicas_at(PolicyBench *bench, double at_s, double utilisation) {
  bench->seen.utilisation_ratio = utilisation;
  return look_and_grant(bench, at_s)->replicas;
}

static void horizontal_rounds_up(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  assert_int_equal(replicas_at(&bench, 0, 0.7), 4);
  assert_int_equal(replicas_at(&bench, 15, 1.05), 6);  /* 4 x 1.5 */
  assert_int_equal(replicas_at(&bench, 30, 0.8401), 8); /* 6 x 1.2001.. = 7.2 */
  assert_true(bench.wished.raw_replicas == 8 && bench.wished.stabilised == 8);
  bench.seen.replicas = bench.seen.replicas_ready = 3;
  bench.seen.max_replicas = 100;
  assert_int_equal(replicas_at(&bench, 45, 1.4), 6);   /* exactly 2 */
  bench.seen.replicas = bench.seen.replicas_ready = 10;
  assert_int_equal(replicas_at(&bench, 60, 2.1), 30);  /* 2.1 / 0.7 is 3.0000000000000004 in doubles: not 31 */
  bench_end(&bench);
}

static void horizontal_tolerance_is_inclusive(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  assert_int_equal(replicas_at(&bench, 0, 0.77), 4);
  assert_string_equal(bench.wished.reason, "within tolerance");
  assert_true(bench.wished.raw_replicas == 5 && bench.wished.after_tolerance == 4);
  assert_int_equal(replicas_at(&bench, 15, 0.63), 4);
  assert_int_equal(replicas_at(&bench, 30, 0.7701), 5); /* 4.4006 */
  bench_set(&bench, "tolerance", "0");
  assert_int_equal(replicas_at(&bench, 45, 0.701), 6);  /* 5.007 */
  bench_end(&bench);
}

static void horizontal_waits_out_the_window(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  assert_int_equal(replicas_at(&bench, 0, 0.35), 4); /* wish 2, the 4 of now counts */
  assert_string_equal(bench.wished.reason, "held by the scale-down window");
  for (int k = 1; k < 20; k++) assert_int_equal(replicas_at(&bench, 15 * k, 0.35), 4);
  assert_int_equal(replicas_at(&bench, 300, 0.35), 2); /* (0, 300]: the 4 at 0 is out */
  assert_int_equal(replicas_at(&bench, 315, 0.7), 2);
  bench_end(&bench);
}

static void horizontal_scales_down_to_the_highest_wish(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  bench.seen.replicas = bench.seen.replicas_ready = 8;
  assert_int_equal(replicas_at(&bench, 0, 0.35), 8);   /* wish 4 */
  assert_int_equal(replicas_at(&bench, 100, 0.5), 8);  /* 5.714: wish 6 */
  assert_int_equal(replicas_at(&bench, 200, 0.175), 8); /* wish 2 */
  assert_int_equal(replicas_at(&bench, 300, 0.175), 6); /* of (0, 300]: 6, 2, 2 */
  assert_int_equal(replicas_at(&bench, 399, 0.175), 6); /* wish 1.5 = 2; the 6 is still in */
  assert_int_equal(replicas_at(&bench, 400, 0.175), 2);
  bench_end(&bench);
}

static void horizontal_never_moves_against_the_window(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  assert_int_equal(replicas_at(&bench, 0, 1.4), 8);
  bench.seen.replicas = bench.seen.replicas_ready = 5; /* somebody else scaled down */
  assert_int_equal(replicas_at(&bench, 15, 0.42), 5);  /* wish 3, highest 8: stays, does not go up to 8 */
  bench_end(&bench);
}

static void horizontal_bounds(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  bench_set(&bench, "scale_down_window", "0s");
  assert_int_equal(replicas_at(&bench, 0, 7), 10); /* 40 */
  assert_string_equal(bench.wished.reason, "at the maximum of replicas");
  assert_int_equal(replicas_at(&bench, 15, 0), 1); /* 0 */
  assert_string_equal(bench.wished.reason, "at the minimum of replicas");
  bench_set(&bench, "min", "3");
  bench_set(&bench, "max", "5");
  assert_int_equal(replicas_at(&bench, 30, 0.7), 3); /* within tolerance, below the minimum */
  assert_int_equal(replicas_at(&bench, 45, 1.4), 5); /* 6 */
  bench_end(&bench);
}

static void horizontal_pace(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  bench.seen.max_replicas = 100;
  bench_set(&bench, "scale_down_window", "0s");
  bench_set(&bench, "scale_up_factor", "1.5");
  assert_int_equal(replicas_at(&bench, 0, 7), 6);   /* 40, at most 4 x 1.5 */
  assert_string_equal(bench.wished.reason, "pace limited");
  bench_set(&bench, "scale_up_step", "4");
  assert_int_equal(replicas_at(&bench, 15, 7), 10); /* the higher of 9 and 10 */
  assert_int_equal(replicas_at(&bench, 30, 0.805), 12); /* 11.5: no limit reached */
  bench_set(&bench, "scale_down_step", "3");
  assert_int_equal(replicas_at(&bench, 45, 0.07), 9); /* wish 2 */
  assert_int_equal(replicas_at(&bench, 60, 0.07), 6);
  assert_true(bench.wished.rate_limited == 6 && bench.wished.stabilised == 1);
  bench_end(&bench);
}

static void horizontal_counts_only_ready_ones(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  bench.seen.replicas = 8;
  bench.seen.replicas_ready = 4;
  bench.seen.utilisation_ratio = 1.05;
  assert_int_equal(look(&bench, 0)->replicas, 8);  /* 6 < 8 while the metric is above target */
  assert_true(bench.wished.raw_replicas == 6);
  bench.seen.utilisation_ratio = 1.575;
  assert_int_equal(look(&bench, 15)->replicas, 9); /* 4 x 2.25 */
  bench_end(&bench);
}

static void horizontal_without_metrics(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  bench.seen.has_metrics = false;
  bench.seen.utilisation_ratio = 9;
  assert_int_equal(look(&bench, 0)->replicas, 4);
  assert_string_equal(bench.wished.reason, "no metrics");
  assert_true(isnan(bench.wished.metric));
  bench.seen.has_metrics = true;
  bench.seen.replicas_ready = 0;
  assert_int_equal(look(&bench, 15)->replicas, 4); /* no replica to measure */
  bench_set(&bench, "metric", "latency");
  bench.seen.replicas_ready = 4;
  assert_int_equal(look(&bench, 30)->replicas, 4); /* no objective */
  bench.seen.min_replicas = 6;
  assert_int_equal(look(&bench, 45)->replicas, 6);
  bench_end(&bench);
}

static void horizontal_other_metrics(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  bench_set(&bench, "metric", "queue_per_replica");
  bench_set(&bench, "target", "5");
  bench.seen.queue_jobs = 31;
  assert_int_equal(look(&bench, 0)->replicas, 7); /* 31 / 5 = 6.2 */
  bench.seen.replicas = bench.seen.replicas_ready = bench.seen.min_replicas = 0;
  assert_int_equal(look(&bench, 15)->replicas, 7); /* from zero */
  bench_set(&bench, "metric", "in_flight_per_replica");
  bench.seen.replicas = bench.seen.replicas_ready = 4;
  bench.seen.in_flight_jobs = 45;
  assert_int_equal(look(&bench, 30)->replicas, 9);
  bench_set(&bench, "metric", "latency");
  bench_set(&bench, "target", "50%");
  bench.seen.objective_latency_ns = 400000000;
  bench.seen.latency_mean_s = 0.3; /* 0.75 of the objective */
  assert_int_equal(look(&bench, 45)->replicas, 6);
  bench_end(&bench);
}

static void horizontal_wishes_are_few(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  bench.seen.replicas = bench.seen.replicas_ready = bench.seen.max_replicas = 1000;
  bench_set(&bench, "tolerance", "0");
  for (int k = 0; k < 200; k++) assert_int_equal(replicas_at(&bench, k, 0.6 - 0.002 * k), 1000); /* 200 falling wishes */
  assert_int_equal(replicas_at(&bench, 1000, 0.07), 100);
  bench_end(&bench);
}

static void horizontal_one_spike_holds_for_the_window(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("horizontal");
  assert_int_equal(replicas_at(&bench, 0, 0.7), 4);
  assert_int_equal(replicas_at(&bench, 15, 1.4), 8);
  assert_int_equal(replicas_at(&bench, 30, 0.35), 8);
  assert_int_equal(replicas_at(&bench, 314, 0.35), 8);
  assert_int_equal(replicas_at(&bench, 315, 0.35), 4);
  bench_end(&bench);
}

/* ---- vertical: one core, cap 4, target 70 % ---- */

static int64_t request_at(PolicyBench *bench, double at_s, double utilisation) {
  bench->seen.utilisation_ratio = utilisation;
  return look_and_grant(bench, at_s)->request_millicores;
}

static void vertical_rounds_up_to_millicores(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  assert_int_equal(request_at(&bench, 0, 0.7), 1000);
  assert_int_equal(request_at(&bench, 15, 1.0), 1429);   /* 1428.57 */
  assert_int_equal(request_at(&bench, 75, 1.4), 2858);
  assert_int_equal(bench.wished.replicas, 4);
  assert_int_equal(bench.wished.variant, 1);
  assert_string_equal(bench.wished.step[0].action, "scale_vertically()");
  bench_end(&bench);
}

static void vertical_cooldown(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  assert_int_equal(request_at(&bench, 0, 1.05), 1500); /* the first one needs no wait */
  assert_int_equal(request_at(&bench, 15, 1.05), 1500);
  assert_string_equal(bench.wished.reason, "cooling down");
  assert_int_equal(request_at(&bench, 59.999, 1.05), 1500);
  assert_int_equal(request_at(&bench, 60, 1.05), 2250);
  bench_set(&bench, "cooldown", "0s");
  assert_int_equal(request_at(&bench, 60, 1.05), 3375);
  bench_end(&bench);
}

static void vertical_cap(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  assert_int_equal(request_at(&bench, 0, 7), 4000);
  assert_string_equal(bench.wished.reason, "at the cap");
  bench.seen.cap_millicores = 3000; /* neighbours moved in: nothing is taken away */
  assert_int_equal(request_at(&bench, 60, 7), 4000);
  bench_end(&bench);
  bench = policy_bench("vertical");
  bench_set(&bench, "max", "2500m");
  assert_int_equal(request_at(&bench, 0, 7), 2500);
  bench_end(&bench);
}

static void vertical_shrinks_after_the_window(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  assert_int_equal(request_at(&bench, 0, 2.1), 3000);
  assert_int_equal(request_at(&bench, 60, 0.35), 3000);  /* wish 1500; 3000 is the highest of (-240, 60] */
  assert_int_equal(request_at(&bench, 299, 0.42), 3000); /* wish 1800 */
  assert_int_equal(request_at(&bench, 300, 0.35), 1800);
  assert_int_equal(request_at(&bench, 600, 0.07), 1000); /* wish 180: what it starts with. (300, 600] */
  assert_string_equal(bench.wished.reason, "at the minimum request");
  bench_end(&bench);
}

static void vertical_minimum(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  bench_set(&bench, "scale_down_window", "0s");
  bench_set(&bench, "min", "250m");
  assert_int_equal(request_at(&bench, 0, 0.35), 500);
  assert_int_equal(request_at(&bench, 60, 0.07), 250); /* 50 */
  bench_set(&bench, "min", "300m");
  assert_int_equal(request_at(&bench, 120, 0.7), 300);
  bench_end(&bench);
}

static void vertical_tolerance(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  bench_set(&bench, "min", "100m");
  bench_set(&bench, "scale_down_window", "0s");
  assert_int_equal(request_at(&bench, 0, 0.77), 1000);
  assert_int_equal(request_at(&bench, 15, 0.63), 1000);
  assert_int_equal(request_at(&bench, 30, 0.6299), 900);
  assert_int_equal(request_at(&bench, 90, 0.7707), 991); /* 990.9 */
  bench_end(&bench);
}

static void vertical_memory(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  assert_int_equal(request_at(&bench, 0, 1.4), 2000);
  assert_int_equal(bench.wished.request_bytes, 1000000000);
  bench_set(&bench, "scale_memory", "true");
  assert_int_equal(request_at(&bench, 60, 0.8757), 2502);
  assert_int_equal(bench.wished.request_bytes, 2502000000);
  assert_int_equal(request_at(&bench, 120, 1.4), 4000);
  assert_int_equal(bench.wished.request_bytes, 3000000000); /* the cap */
  bench_end(&bench);
}

static void vertical_without(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  bench.seen.has_metrics = false;
  assert_int_equal(request_at(&bench, 0, 5), 1000);
  bench.seen.has_metrics = true;
  bench.seen.request_millicores = bench.seen.initial_millicores = 0;
  assert_int_equal(request_at(&bench, 15, 5), 0);
  assert_string_equal(bench.wished.reason, "no CPU request to scale");
  bench_end(&bench);
}

static void vertical_up_at_once_after_a_lull(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  assert_int_equal(request_at(&bench, 0, 1.4), 2000);
  assert_int_equal(request_at(&bench, 60, 0.35), 2000); /* wish 1000, held */
  assert_int_equal(request_at(&bench, 75, 1.05), 3000); /* up without a window */
  assert_int_equal(request_at(&bench, 135, 0.7), 3000);
  bench_end(&bench);
}

static void vertical_by_latency(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  bench_set(&bench, "metric", "latency");
  bench_set(&bench, "target", "80%");
  bench.seen.objective_latency_ns = 500000000;
  assert_int_equal(request_at(&bench, 0, 9), 1000); /* nothing finished: NaN */
  assert_string_equal(bench.wished.reason, "no metrics");
  bench.seen.latency_mean_s = 0.5; /* 1 / 0.8 */
  assert_int_equal(request_at(&bench, 15, 9), 1250);
  bench.seen.latency_mean_s = 0.44; /* 0.88 / 0.8 = 1.1: the edge */
  assert_int_equal(request_at(&bench, 75, 9), 1250);
  bench.seen.latency_mean_s = 0.48;
  assert_int_equal(request_at(&bench, 90, 9), 1500);
  bench_end(&bench);
}

static void vertical_cap_that_grows(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  bench.seen.cap_millicores = 1000; /* neighbours fill the node */
  assert_int_equal(request_at(&bench, 0, 1.4), 1000);
  assert_string_equal(bench.wished.reason, "at the cap");
  bench.seen.cap_millicores = 1800; /* one has gone; nothing was resized, so nothing cools down */
  assert_int_equal(request_at(&bench, 15, 1.4), 1800);
  bench.seen.cap_millicores = 4000;
  assert_int_equal(request_at(&bench, 30, 1.4), 1800);
  assert_int_equal(request_at(&bench, 75, 1.4), 3600);
  bench_end(&bench);
}

static void vertical_cooldown_holds_down_too(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("vertical");
  bench_set(&bench, "scale_down_window", "0s");
  bench_set(&bench, "min", "100m");
  assert_int_equal(request_at(&bench, 0, 0.35), 500);
  assert_int_equal(request_at(&bench, 30, 0.35), 500);
  assert_string_equal(bench.wished.reason, "cooling down");
  assert_int_equal(request_at(&bench, 60, 0.35), 250);
  assert_int_equal(request_at(&bench, 119, 1.4), 250);
  assert_int_equal(request_at(&bench, 120, 1.4), 500);
  bench_end(&bench);
}

/* ---- hybrid ---- */

static void both_at(PolicyBench *bench, double at_s, double utilisation, int64_t replicas, int64_t request) {
  bench->seen.utilisation_ratio = utilisation;
  const Decision *wish = look_and_grant(bench, at_s);
  assert_int_equal(wish->replicas, replicas);
  assert_int_equal(wish->request_millicores, request);
}

static void hybrid_up_and_out(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  both_at(&bench, 0, 0.7, 4, 1000);
  both_at(&bench, 15, 1.05, 4, 1500);
  both_at(&bench, 30, 1.05, 4, 1500);    /* cooling down */
  both_at(&bench, 74.9, 1.05, 4, 1500);
  both_at(&bench, 75, 2.8, 4, 4000);     /* demand 24000: 6000 each, the cap */
  both_at(&bench, 135, 1.05, 6, 4000);   /* at the cap: 24000 / 4000 */
  both_at(&bench, 150, 0.84, 8, 4000);   /* no cooldown after replicas: 28800 / 4000 = 7.2 */
  both_at(&bench, 165, 1.4, 10, 4000);   /* the maximum */
  both_at(&bench, 180, 1.4, 10, 4000);
  assert_string_equal(bench.wished.reason, "at the cap and at the maximum of replicas");
  bench_end(&bench);
}

static void hybrid_in_and_down(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  bench_set(&bench, "scale_down_window", "0s");
  bench.seen.replicas = bench.seen.replicas_ready = 6;
  bench.seen.request_millicores = 4000;
  both_at(&bench, 0, 0.35, 3, 4000);    /* demand 12000 */
  both_at(&bench, 15, 0.6, 3, 4000);    /* 10285 / 4000 = 2.57: stays, and does not shrink either */
  assert_string_equal(bench.wished.reason, "one replica less would not do");
  both_at(&bench, 30, 0.07, 1, 4000);   /* 1200: the minimum */
  both_at(&bench, 45, 0.35, 1, 2000);   /* then smaller */
  both_at(&bench, 60, 0.35, 1, 2000);   /* cooling down */
  both_at(&bench, 105, 0.07, 1, 1000);  /* 200: what it starts with */
  both_at(&bench, 165, 0.07, 1, 1000);
  assert_string_equal(bench.wished.reason, "at the smallest scale");
  bench_end(&bench);
}

static void hybrid_window(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  bench.seen.request_millicores = 4000;
  both_at(&bench, 0, 0.35, 4, 4000);
  assert_string_equal(bench.wished.reason, "held by the scale-down window");
  both_at(&bench, 150, 0.525, 4, 4000); /* demand 12000 */
  both_at(&bench, 300, 0.35, 3, 4000);  /* highest of (0, 300]: 12000 */
  both_at(&bench, 449, 0.35, 3, 4000);  /* demand 6000 */
  both_at(&bench, 450, 0.35, 2, 4000);  /* of (150, 450]: 8000 at 300 */
  bench_end(&bench);
}

static void hybrid_bounds_of_its_own(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  bench_set(&bench, "scale_down_window", "0s");
  bench_set(&bench, "cooldown", "0s");
  bench_set(&bench, "max", "2");
  bench_set(&bench, "min", "500m");
  both_at(&bench, 0, 2.8, 4, 2000);
  both_at(&bench, 15, 1.05, 6, 2000);
  both_at(&bench, 30, 0.63, 6, 2000);   /* the edge of the tolerance */
  both_at(&bench, 45, 0.07, 1, 2000);
  both_at(&bench, 60, 0.14, 1, 500);    /* 400 */
  bench.seen.replicas_ready = 0;
  both_at(&bench, 75, 9, 1, 500);       /* nothing measured */
  bench_end(&bench);
}

static void hybrid_while_starting(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  bench.seen.request_millicores = 4000;
  bench.seen.replicas = 8;
  bench.seen.replicas_ready = 4;
  bench.seen.utilisation_ratio = 1.05;
  assert_int_equal(look(&bench, 0)->replicas, 8); /* 6 ready ones would do */
  bench.seen.utilisation_ratio = 1.575;
  assert_int_equal(look(&bench, 15)->replicas, 9);
  bench_end(&bench);
}

static void hybrid_tolerance(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  both_at(&bench, 0, 0.77, 4, 1000);
  assert_string_equal(bench.wished.reason, "within tolerance");
  both_at(&bench, 15, 0.7707, 4, 1101);
  both_at(&bench, 75, 0.77, 4, 1101);
  bench_set(&bench, "tolerance", "0");
  both_at(&bench, 90, 0.77, 4, 1212); /* 4844.4 = 4845; 1211.25 each */
  bench_end(&bench);
}

static void hybrid_shares_are_rounded_up(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  bench.seen.replicas = bench.seen.replicas_ready = 3;
  both_at(&bench, 0, 1.0, 3, 1429); /* 4285.7 = 4286; 1428.67 each */
  bench.seen.request_millicores = 4000;
  both_at(&bench, 60, 1.0, 5, 4000); /* 17143 / 4000 = 4.29 */
  bench_end(&bench);
}

static void hybrid_up_again_in_the_middle_of_the_way_back(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  bench_set(&bench, "scale_down_window", "0s");
  bench.seen.request_millicores = 4000;
  both_at(&bench, 0, 0.175, 1, 4000);
  both_at(&bench, 15, 0.35, 1, 2000);
  both_at(&bench, 75, 1.05, 1, 3000); /* grows first ... */
  both_at(&bench, 135, 1.4, 1, 4000);
  both_at(&bench, 195, 1.05, 2, 4000); /* ... then out */
  bench_end(&bench);
}

static void hybrid_cap_of_the_nodes(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  bench.seen.cap_millicores = 1000; /* no room on the nodes: out at once */
  both_at(&bench, 0, 1.05, 6, 1000);
  bench.seen.cap_millicores = 2000;
  both_at(&bench, 15, 1.05, 6, 1500);
  bench.seen.cap_millicores = 1200; /* less room than in use: nothing is taken away */
  both_at(&bench, 75, 1.05, 9, 1500);
  bench_end(&bench);
}

static void hybrid_without(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  bench.seen.has_metrics = false;
  both_at(&bench, 0, 5, 4, 1000);
  assert_string_equal(bench.wished.reason, "no metrics");
  bench.seen.has_metrics = true;
  bench.seen.request_millicores = 0;
  both_at(&bench, 15, 5, 4, 0);
  bench_end(&bench);
}

static void hybrid_by_queue(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  bench_set(&bench, "metric", "queue_per_replica");
  bench_set(&bench, "target", "2");
  bench.seen.queue_jobs = 12; /* 3 a replica: half as much again */
  both_at(&bench, 0, 0, 4, 1500);
  bench.seen.queue_jobs = 8;
  both_at(&bench, 60, 0, 4, 1500);
  bench.seen.queue_jobs = 80; /* 10 a replica */
  both_at(&bench, 75, 0, 4, 4000);
  both_at(&bench, 135, 0, 10, 4000);
  bench_end(&bench);
}

static void hybrid_minimum_of_replicas(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid");
  bench_set(&bench, "scale_down_window", "0s");
  bench.seen.min_replicas = 2;
  bench.seen.request_millicores = 3000;
  both_at(&bench, 0, 0.07, 2, 3000);
  both_at(&bench, 15, 0.35, 2, 1500);
  bench.seen.min_replicas = 0; /* never to zero */
  both_at(&bench, 75, 0.01, 1, 1500);
  both_at(&bench, 90, 0, 1, 1000);
  bench_end(&bench);
}

/* ---- node policies ---- */

typedef struct NodeWish {
  int64_t order;
  NodeAction action[4];
  int64_t look_again_ns;
} NodeWish;

static NodeWish node_look(const char *name, const char *empty_for, int64_t now_ns, const PoolView *pool, const NodeView *node, uint32_t n_nodes) {
  Arena arena = {0};
  const NodePolicy *policy = (const NodePolicy *)model_find(MODEL_NODE_POLICY, name);
  assert_non_null(policy);
  void *params = param_new(&arena, policy->model.params);
  if (empty_for) param_set(policy->model.params, params, "empty_for", empty_for);
  NodeObservation seen = {.now_ns = now_ns, .pool = pool, .node = node, .n_pools = 1, .n_nodes = n_nodes};
  NodeWish wish = {.order = 0};
  NodeDecision decision = {.order = &wish.order, .action = wish.action, .look_again_ns = INSTANT_NEVER};
  policy->decide(params, NULL, &seen, &decision);
  arena_free(&arena);
  wish.look_again_ns = decision.look_again_ns;
  return wish;
}

static NodeView ready_node(uint32_t id, int64_t empty_since_ns) {
  return (NodeView){.node = id, .phase = NODE_PHASE_READY, .empty_since_ns = empty_since_ns};
}

static void nodes_on_demand(void **unused) {
  (void)unused;
  const int64_t s = NS_PER_S;
  NodeView node[] = {ready_node(3, INSTANT_NEVER), ready_node(5, 40 * s), ready_node(6, 41 * s), ready_node(9, 10 * s)};
  PoolView pool = {.nodes_ready = 4, .nodes_starting = 1, .min_nodes = 1, .max_nodes = 7, .nodes_needed = 3};
  NodeWish wish = node_look("on-demand", NULL, 100 * s, &pool, node, 4);
  assert_int_equal(wish.order, 2); /* 5 + 3, at most 7 */
  assert_int_equal(wish.action[0], NODE_KEEP);
  assert_int_equal(wish.action[1], NODE_RELEASE); /* empty for 60 s, to the nanosecond */
  assert_int_equal(wish.action[2], NODE_KEEP);
  assert_int_equal(wish.action[3], NODE_RELEASE);
  assert_int_equal(wish.look_again_ns, 101 * s);
  pool.min_nodes = 4;
  pool.nodes_needed = 0;
  wish = node_look("on-demand", NULL, 100 * s, &pool, node, 4);
  assert_int_equal(wish.action[1], NODE_RELEASE);
  assert_int_equal(wish.action[3], NODE_KEEP);
  assert_int_equal(wish.order, 0);
  pool.min_nodes = 6;
  wish = node_look("on-demand", "0s", 100 * s, &pool, node, 4);
  for (int k = 0; k < 4; k++) assert_int_equal(wish.action[k], NODE_KEEP);
  assert_int_equal(wish.order, 1);
  assert_true(wish.look_again_ns == INSTANT_NEVER);
}

static void nodes_static(void **unused) {
  (void)unused;
  NodeView node[] = {ready_node(0, 0), ready_node(1, 0)};
  PoolView pool = {.nodes_ready = 2, .min_nodes = 2, .max_nodes = 7, .nodes_needed = 3};
  NodeWish wish = node_look("static", NULL, NS_PER_S, &pool, node, 2);
  assert_int_equal(wish.order, 0);
  assert_int_equal(wish.action[0], NODE_KEEP);
  pool.min_nodes = 4;
  assert_int_equal(node_look("static", NULL, NS_PER_S, &pool, node, 2).order, 2);
}

/* ---- every model of the registry ---- */

static void models_are_described(void **unused) {
  (void)unused;
  for (int kind = 0; kind < MODEL_KINDS; kind++) {
    const ModelTable *models = &model_registry[kind];
    assert_true(models->count > 0);
    for (size_t k = 0; k < models->count; k++) {
      const Model *model = models->model[k];
      assert_int_equal(model->kind, kind);
      assert_true(strlen(model->summary) > 0 && strlen(model->rule) > 0 && strlen(model->evidence) > 0);
      assert_non_null(model->params);
      assert_ptr_equal(model_find(model->kind, model->name), model);
      if (model->alias) assert_ptr_equal(model_find(model->kind, model->alias), model);
    }
  }
  assert_null(model_find(MODEL_POLICY, "horizontl"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(none_keeps_or_holds), cmocka_unit_test(small_model_is_used), cmocka_unit_test(horizontal_rounds_up),
      cmocka_unit_test(horizontal_tolerance_is_inclusive), cmocka_unit_test(horizontal_waits_out_the_window),
      cmocka_unit_test(horizontal_scales_down_to_the_highest_wish), cmocka_unit_test(horizontal_never_moves_against_the_window),
      cmocka_unit_test(horizontal_bounds), cmocka_unit_test(horizontal_pace), cmocka_unit_test(horizontal_counts_only_ready_ones),
      cmocka_unit_test(horizontal_without_metrics), cmocka_unit_test(horizontal_other_metrics),
      cmocka_unit_test(horizontal_wishes_are_few), cmocka_unit_test(horizontal_one_spike_holds_for_the_window),
      cmocka_unit_test(vertical_rounds_up_to_millicores), cmocka_unit_test(vertical_cooldown), cmocka_unit_test(vertical_cap),
      cmocka_unit_test(vertical_shrinks_after_the_window), cmocka_unit_test(vertical_minimum), cmocka_unit_test(vertical_tolerance),
      cmocka_unit_test(vertical_memory), cmocka_unit_test(vertical_without), cmocka_unit_test(vertical_up_at_once_after_a_lull),
      cmocka_unit_test(vertical_by_latency), cmocka_unit_test(vertical_cap_that_grows),
      cmocka_unit_test(vertical_cooldown_holds_down_too), cmocka_unit_test(hybrid_up_and_out), cmocka_unit_test(hybrid_in_and_down),
      cmocka_unit_test(hybrid_window), cmocka_unit_test(hybrid_bounds_of_its_own), cmocka_unit_test(hybrid_while_starting),
      cmocka_unit_test(hybrid_tolerance), cmocka_unit_test(hybrid_shares_are_rounded_up),
      cmocka_unit_test(hybrid_up_again_in_the_middle_of_the_way_back), cmocka_unit_test(hybrid_cap_of_the_nodes),
      cmocka_unit_test(hybrid_without), cmocka_unit_test(hybrid_by_queue), cmocka_unit_test(hybrid_minimum_of_replicas),
      cmocka_unit_test(nodes_on_demand), cmocka_unit_test(nodes_static), cmocka_unit_test(models_are_described),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
