/* Staffing against textbook values and GSL, and the policy by hand. Erlang C of the tables: (1, 0.5) 1/2, (2, 1) 1/3, (3, 2) 4/9,
 * (4, 2) 4/23, (5, 4) 0.5541, (10, 8) 0.4092. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_roots.h>
#include <math.h>

#include "models/policy/staffing.h"
#include "sim/core/statistics.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

static void assert_close(double got, double expected, double tolerance) {
  if (!(fabs(got - expected) <= tolerance)) fail_msg("%.17g, expected %.17g", got, expected);
}

static void erlang_c_of_the_tables(void **unused) {
  (void)unused;
  assert_close(erlang_c(0.5, 1), 0.5, 1e-15);
  assert_close(erlang_c(1, 2), 1 / 3.0, 1e-15);
  assert_close(erlang_c(2, 3), 4 / 9.0, 1e-15);
  assert_close(erlang_c(2, 4), 4 / 23.0, 1e-15);
  assert_close(erlang_c(4, 5), 0.5541, 5e-5);
  assert_close(erlang_c(8, 10), 0.4092, 5e-5);
  assert_true(erlang_c(0, 3) == 0 && erlang_c(3, 3) == 1 && erlang_c(1, 0) == 1);
}

/* M/M/1 at 0.5: P(response > t) = exp(-0.5 t). (2, 1): equal rates, exp(-t) (1 + t / 3); just beside it, the same within 1e-8. */
static void tails(void **unused) {
  (void)unused;
  assert_close(response_tail(0.5, 0.5, 1, 3), exp(-1.5), 1e-14);
  assert_close(response_tail(1 / 3.0, 1, 2, 2), exp(-2) * (1 + 2 / 3.0), 1e-15);
  assert_close(response_tail(1 / 3.0, 1 + 1e-8, 2, 2), response_tail(1 / 3.0, 1, 2, 2), 1e-8);
  assert_close(response_tail(1 / 3.0, 1 - 1e-6, 2, 2), response_tail(1 / 3.0, 1, 2, 2), 1e-6);
  assert_close(response_tail(0.999, 0.999, 1, 1000), exp(-1), 1e-12); /* an exponent of its own underflows, the sum does not */
  assert_close(wait_tail(1 / 3.0, 1, 2, 2), exp(-2) / 3, 1e-15);
  assert_close(mean_response(0.5, 0.5, 1), 2, 1e-15);
  assert_true(isinf(mean_response(1, 2, 2)) && response_tail(1, 2, 2, 1) == 1 && wait_tail(1, 2, 2, 1) == 1);
}

static double halfin_whitt_by_gsl(double beta, void *target) {
  return 1 / (1 + beta * gsl_cdf_ugaussian_P(beta) / gsl_ran_ugaussian_pdf(beta)) - *(double *)target;
}

/* Published: 0.2234 at beta 1, 0.5045 at 0.5. The inverse against Brent's method on GSL's normal distribution. */
static void halfin_whitt_and_back(void **unused) {
  (void)unused;
  assert_close(halfin_whitt(1), 0.2234, 5e-5);
  assert_close(halfin_whitt(0.5), 0.5045, 5e-5);
  assert_true(halfin_whitt(0) == 1 && halfin_whitt(100) == 0);
  gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
  for (double target = 1e-6; target < 1; target *= 1.7) {
    gsl_function function = {halfin_whitt_by_gsl, &target};
    gsl_root_fsolver_set(solver, &function, 0, 30);
    for (int k = 0; k < 200; k++) gsl_root_fsolver_iterate(solver);
    assert_close(halfin_whitt_beta(target), gsl_root_fsolver_root(solver), 1e-10);
  }
  gsl_root_fsolver_free(solver);
}

/* Fewest servers against trying them one by one. */
static void servers_are_the_fewest(void **unused) {
  (void)unused;
  const double loads[] = {0.01, 0.5, 1, 3.7, 12, 99.5, 400}, shares[] = {0.5, 0.05, 1e-3};
  for (size_t l = 0; l < 7; l++)
    for (size_t s = 0; s < 3; s++) {
      int64_t c = servers_for(STAFFING_DELAY_PROBABILITY, loads[l], 0, shares[s], 10000);
      assert_true(erlang_c(loads[l], c) <= shares[s] && (c == 1 || erlang_c(loads[l], c - 1) > shares[s]));
      c = servers_for(STAFFING_LATENCY, loads[l], 8, shares[s], 10000);
      assert_true(response_tail(erlang_c(loads[l], c), loads[l], c, 8) <= shares[s]);
      assert_true(c == 1 || response_tail(erlang_c(loads[l], c - 1), loads[l], c - 1, 8) > shares[s]);
    }
  assert_int_equal(servers_for(STAFFING_DELAY_PROBABILITY, 1, 0, 1 / 3.0, 100), 2); /* exactly: forgiven */
  assert_int_equal(servers_for(STAFFING_MEAN_LATENCY, 0.5, 2, 0, 100), 1);          /* exactly 2 services */
  assert_int_equal(servers_for(STAFFING_MEAN_LATENCY, 0.5, 1, 0, 100), 100);        /* beyond any number */
  assert_int_equal(servers_for(STAFFING_LATENCY, 0.5, 1, 0.3, 100), 100);           /* exp(-1) > 0.3 already */
  assert_int_equal(servers_for(STAFFING_DELAY_PROBABILITY, 200, 0, 0.5, 100), 100);
  assert_int_equal(servers_for(STAFFING_DELAY_PROBABILITY, 4e6, 0, 0.5, INT64_MAX), 4014000);
}

/* ---- the policy; service 300 ms ("large"), concurrency 1, 1..10 replicas ---- */

static PolicyBench bench_with(const char *goal, const char *within, const char *share) {
  PolicyBench bench = policy_bench("queueing-model");
  bench_set(&bench, "goal", goal);
  if (within) bench_set(&bench, "within", within);
  if (share) bench_set(&bench, "share", share);
  bench.seen.max_replicas = 100;
  return bench;
}

static int64_t at(PolicyBench *bench, double at_s, double offered_rps) {
  bench->seen.offered_rps = offered_rps;
  return look_and_grant(bench, at_s)->replicas;
}

/* a = 2: C is 4/9 at 3, 4/23 = 0.174 at 4, 0.0597 at 5. Half may wait: 3; a fifth: 4 (the first look's own count, 4, is higher: held). */
static void delay_probability(void **unused) {
  (void)unused;
  PolicyBench bench = bench_with("delay_probability", NULL, "50%");
  bench_set(&bench, "scale_down_window", "0s");
  assert_int_equal(at(&bench, 0, 2 / 0.3), 3);
  assert_close(bench.wished.metric, 2, 1e-12);
  bench_set(&bench, "share", "80%");
  assert_int_equal(at(&bench, 15, 2 / 0.3), 4);
  bench_set(&bench, "share", "90%");
  assert_int_equal(at(&bench, 30, 2 / 0.3), 5);
  bench_set(&bench, "share", "1"); /* nobody: beyond any number */
  assert_int_equal(at(&bench, 45, 2 / 0.3), 100);
  bench_end(&bench);
}

/* a = 4: at 5, C = 0.5541: P(wait > 1 service) = 0.5541 e^-1 = 0.204; at 6, 0.2848 e^-2 = 0.0385. */
static void wait(void **unused) {
  (void)unused;
  PolicyBench bench = bench_with("wait", "300ms", "75%");
  bench_set(&bench, "service_time", "300ms");
  bench_set(&bench, "scale_down_window", "0s");
  assert_int_equal(at(&bench, 0, 4 / 0.3), 5);
  bench_set(&bench, "share", "95%");
  assert_int_equal(at(&bench, 15, 4 / 0.3), 6);
  bench_set(&bench, "share", "97%");
  assert_int_equal(at(&bench, 30, 4 / 0.3), 7);
  bench_end(&bench);
}

/* a = 1: 1 + C / (c - a): 2 servers 1.333, 3 servers 1 + (1/11) / 2 = 1.045. */
static void mean_latency(void **unused) {
  (void)unused;
  PolicyBench bench = bench_with("mean_latency", "400ms", NULL);
  bench_set(&bench, "scale_down_window", "0s");
  assert_int_equal(at(&bench, 0, 1 / 0.3), 2); /* exactly 400 ms */
  bench_set(&bench, "within", "399ms");
  assert_int_equal(at(&bench, 15, 1 / 0.3), 3);
  bench_set(&bench, "within", "0s"); /* the objective's: there is none */
  assert_int_equal(at(&bench, 30, 1 / 0.3), 3);
  assert_string_equal(bench.wished.reason, "no latency to hold");
  bench.seen.objective_latency_ns = 314000000; /* 1.0467 services */
  assert_int_equal(at(&bench, 45, 1 / 0.3), 3);
  bench.seen.objective_latency_ns = 313000000; /* 1.0433: 4 servers, C 0.0204, 1.0068 */
  assert_int_equal(at(&bench, 60, 1 / 0.3), 4);
  bench_end(&bench);
}

/* a = 1, t = 3 services: e^-3 = 0.0498; at 2: e^-3 (1 + 1) = 0.0996; at 3: e^-3 (1 + (1 - e^-3) / 11) = 0.0541; at 4: 0.0503 (C 0.0204 / 2). */
static void latency_quantile(void **unused) {
  (void)unused;
  PolicyBench bench = bench_with("latency", "900ms", "90%");
  bench_set(&bench, "scale_down_window", "0s");
  assert_int_equal(at(&bench, 0, 1 / 0.3), 2);
  bench_set(&bench, "share", "94.5%");
  assert_int_equal(at(&bench, 15, 1 / 0.3), 3);
  bench_set(&bench, "share", "94.9%");
  assert_int_equal(at(&bench, 30, 1 / 0.3), 4);
  bench_set(&bench, "share", "96%");
  assert_int_equal(at(&bench, 45, 1 / 0.3), 100);
  bench_end(&bench);
}

/* Objective 600 ms at 99 %: what a service leaves is 300 ms, one service. a = 4: 0.0385 at 6; at 7 0.1351 e^-3 = 0.0067. */
static void wait_from_the_objective(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("queueing-model");
  bench.seen.objective_latency_ns = 600000000;
  assert_int_equal(at(&bench, 0, 4 / 0.3), 7);
  assert_close(bench.wished.target, 0.99, 0);
  bench.seen.objective_latency_ns = 200000000; /* less than a service: nobody shall wait, 99 %: C(4, 9) 0.0238, C(4, 10) 0.0088 */
  assert_int_equal(at(&bench, 15, 4 / 0.3), 10);
  bench.seen.max_replicas = 9;
  assert_int_equal(at(&bench, 30, 4 / 0.3), 9);
  bench_end(&bench);
}

/* beta of 22.34 % is 1: 9 + 3 = 12, 16 + 4 = 20, 0.25 + 0.5 -> 1. beta(0.5) = 0.506: 100 + 5.06 -> 106. */
static void square_root(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("queueing-model");
  bench_set(&bench, "rule", "square-root");
  bench_set(&bench, "delay_probability", "0.2233613");
  bench_set(&bench, "scale_down_window", "0s");
  bench.seen.max_replicas = 1000;
  assert_int_equal(at(&bench, 0, 9 / 0.3 * 0.99999), 12);
  assert_int_equal(at(&bench, 15, 16 / 0.3 * 0.99999), 20);
  assert_int_equal(at(&bench, 30, 0.25 / 0.3), 1);
  assert_close(bench.wished.target, 1, 1e-6);
  bench_set(&bench, "delay_probability", "50%");
  assert_int_equal(at(&bench, 45, 100 / 0.3), 106);
  bench_end(&bench);
}

/* beta of 50 % is 0.506: 64 + 4.05 -> 69 servers, against M/M/c's own count for the same share. */
static void square_root_is_close_to_erlang(void **unused) {
  (void)unused;
  for (int load = 10; load < 400; load += 30)
    for (int percent = 10; percent <= 60; percent += 25) {
      int64_t rule = square_root_servers(load, halfin_whitt_beta(percent / 100.0));
      int64_t exact = servers_for(STAFFING_DELAY_PROBABILITY, load, 0, percent / 100.0, 100000);
      assert_true(rule - exact <= 1 && exact - rule <= 1);
    }
  assert_int_equal(square_root_servers(64, halfin_whitt_beta(0.5)), 69);
}

/* Concurrency 4: a = 4 needs 6 slots for P(wait > 1 service) 5 %: ceil(6 / 4) = 2 replicas. Headroom 50 %: a = 6: 8 slots
 * (C(6, 8) 0.3570 e^-2 = 0.0483): 2; 100 %: a = 8: C(8, 10) 0.4092 e^-2 = 0.0554, C(8, 11) 0.2450 e^-3 = 0.0122: 11 slots: 3. */
static void slots_and_headroom(void **unused) {
  (void)unused;
  PolicyBench bench = bench_with("wait", "300ms", "95%");
  bench_set(&bench, "scale_down_window", "0s");
  bench.seen.concurrency = 4;
  assert_int_equal(at(&bench, 0, 4 / 0.3), 2);
  bench_set(&bench, "headroom", "50%");
  assert_int_equal(at(&bench, 15, 4 / 0.3), 2);
  bench_set(&bench, "headroom", "100%");
  assert_int_equal(at(&bench, 30, 4 / 0.3), 3);
  bench_end(&bench);
}

/* Wish 6 at 0 s, 3 from 15 s on: held until the 6 is 300 s old (at 300 s it no longer counts; the first look also adds what was there, 4). */
static void held_down(void **unused) {
  (void)unused;
  PolicyBench bench = bench_with("wait", "300ms", "95%");
  assert_int_equal(at(&bench, 0, 4 / 0.3), 6);
  for (int at_s = 15; at_s < 300; at_s += 15) {
    assert_int_equal(at(&bench, at_s, 1 / 0.3), 6);
    assert_string_equal(bench.wished.reason, "held by the scale-down window");
  }
  assert_true(bench.wished.raw_replicas == 3 && bench.wished.stabilised == 6); /* C(1, 2) e^-1 = 0.1226, C(1, 3) e^-2 = 0.0123 */
  assert_int_equal(at(&bench, 300, 1 / 0.3), 3);
  bench_end(&bench);
}

/* No arrivals: the minimum. No metrics, no service time: as it is, within bounds. */
static void nothing_to_go_by(void **unused) {
  (void)unused;
  PolicyBench bench = bench_with("wait", "300ms", "95%");
  bench_set(&bench, "scale_down_window", "0s");
  assert_int_equal(at(&bench, 0, 0), 1);
  assert_string_equal(bench.wished.reason, "at the minimum of replicas");
  bench_set(&bench, "min", "0");
  assert_int_equal(at(&bench, 15, 0), 0);
  bench.seen.has_metrics = false;
  bench.seen.replicas = 7;
  assert_int_equal(at(&bench, 30, 5), 7);
  assert_string_equal(bench.wished.reason, "no metrics");
  bench.seen.has_metrics = true;
  static const VariantView sized = {"sized", 1, NAN};
  bench.seen.variant_view = &sized;
  bench.seen.variant = 0;
  bench_set(&bench, "max", "5");
  assert_int_equal(at(&bench, 45, 5), 5);
  assert_string_equal(bench.wished.reason, "no service time");
  bench_set(&bench, "service_time", "1s");
  assert_int_equal(at(&bench, 60, 50), 5);
  bench_end(&bench);
}

/* 6 at 0 s, 3 wished at 15 s and held; a = 6 needs 8 (C(6, 8) e^-2 = 0.0483) at 60 s, at once; from then on that one holds, to 360 s. */
static void a_rise_while_held(void **unused) {
  (void)unused;
  PolicyBench bench = bench_with("wait", "300ms", "95%");
  assert_int_equal(at(&bench, 0, 4 / 0.3), 6);
  assert_int_equal(at(&bench, 15, 1 / 0.3), 6);
  assert_int_equal(at(&bench, 60, 6 / 0.3), 8);
  assert_int_equal(at(&bench, 75, 1 / 0.3), 8);
  assert_int_equal(at(&bench, 345, 1 / 0.3), 8);
  assert_int_equal(at(&bench, 360, 1 / 0.3), 3);
  bench_end(&bench);
}

/* Max 5: a = 4 wants 6 and gets 5; a = 2 needs 4 (C(2, 3) e^-1 = 0.1635, C(2, 4) e^-2 = 0.0235); min 4 keeps it there for a = 1 (3). */
static void bounds_on_the_way(void **unused) {
  (void)unused;
  PolicyBench bench = bench_with("wait", "300ms", "95%");
  bench_set(&bench, "scale_down_window", "0s");
  bench_set(&bench, "min", "4");
  bench_set(&bench, "max", "5");
  assert_int_equal(at(&bench, 0, 4 / 0.3), 5);
  assert_string_equal(bench.wished.reason, "at the maximum of replicas");
  assert_int_equal(at(&bench, 15, 2 / 0.3), 4);
  assert_int_equal(at(&bench, 30, 1 / 0.3), 4);
  assert_string_equal(bench.wished.reason, "at the minimum of replicas");
  assert_int_equal(at(&bench, 45, 4 / 0.3), 5);
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(erlang_c_of_the_tables), cmocka_unit_test(tails),
      cmocka_unit_test(halfin_whitt_and_back),  cmocka_unit_test(servers_are_the_fewest),
      cmocka_unit_test(delay_probability),      cmocka_unit_test(wait),
      cmocka_unit_test(mean_latency),           cmocka_unit_test(latency_quantile),
      cmocka_unit_test(wait_from_the_objective), cmocka_unit_test(square_root),
      cmocka_unit_test(square_root_is_close_to_erlang), cmocka_unit_test(slots_and_headroom),
      cmocka_unit_test(held_down),              cmocka_unit_test(nothing_to_go_by),
      cmocka_unit_test(a_rise_while_held),      cmocka_unit_test(bounds_on_the_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
