/* holt-winters and seasonal-naive by hand: seasons of four minutes, a replica serves 10 jobs a second, no headroom, no scale-down window
 * unless a case says otherwise. */
#include <math.h>

#include "models/policy/forecast.h"
#include "tests/support/rate_case.h"
#include "tests/testing.h"

static const char *const small_season[] = {"season", "4m", "interval", "1m", "headroom", "1", "replica_rate", "10/s", "scale_down_window", "0s", NULL};

/* The first season 10 20 30 40: level 25, trend 0, season -15 -5 5 15. At alpha 0.5, beta 0.2, gamma 0.5, if 20 follows (24 forecast 10):
 *   level = 0.5 (20 + 15) + 0.5 x 25 = 30, trend = 0.2 x 5 = 1, season[0] = 0.5 (20 - 25) + 0.5 x -15 = -10. */
#define RISE {60, 10, 1}, {120, 20, 2}, {180, 30, 3}
#define HALVES "alpha", "0.5", "beta", "0.2", "gamma", "0.5"
static const RateCase holt_winters_cases[] = {
    {"the rate of now until there is a season", {"horizon", "1m"}, LOOKS({60, 10, 1}, {120, 95, 10}, {180, 0, 0}, {190, 11, 2})},
    {"then the next interval: 25 - 15 = 10", {"horizon", "1m", HALVES}, LOOKS(RISE, {240, 40, 1})},
    {"level, trend and season move: 30 + 1 - 5 = 26", {"horizon", "1m", HALVES}, LOOKS(RISE, {240, 40, 1}, {300, 20, 3})},
    /* 31 was expected for 20's successor: level = 0.5 (31 + 5) + 0.5 x 31 = 33.5, trend = 0.2 x 3.5 + 0.8 = 1.5, season[1] = 0.5 (31 - 31) - 2.5;
       next: 33.5 + 1.5 + 5 = 40 -> 4 */
    {"two steps on: 40", {"horizon", "1m", HALVES}, LOOKS(RISE, {240, 40, 1}, {300, 20, 3}, {360, 31, 4})},
    /* 300 s, two intervals ahead: 30 + 2 + 5 = 37 > 26 */
    {"the highest up to the horizon", {"horizon", "2m", HALVES}, LOOKS(RISE, {240, 40, 2}, {300, 20, 4})},
    /* at 240 s the horizon of 61 s reaches into the second interval ahead (25 - 5 = 20), that of 60 s does not */
    {"the horizon's edge", {"horizon", "61s", HALVES}, LOOKS(RISE, {240, 40, 2})},
    {"a horizon of nothing is the interval begun", {"horizon", "0s", HALVES}, LOOKS(RISE, {240, 40, 1}, {241, 20, 1}, {300, 20, 3})},
    {"headroom 1.01: 10 x 1.01 is more than a replica", {"horizon", "1m", "headroom", "1.01"}, LOOKS({60, 10, 2}, {120, 20, 3}, {180, 30, 4}, {240, 40, 2})},
    /* alpha 1, gamma 0, beta 0: level = y - season; 300: y = 40, level 55, next 55 - 5 = 50 */
    {"all weight on the newest", {"horizon", "1m", "alpha", "1", "beta", "0", "gamma", "0"}, LOOKS(RISE, {240, 40, 1}, {300, 40, 5}, {360, 0, 1})},
    /* 360: level = 0 + 5 = 5, next 5 + 5 = 10 -> 1 */
    {"nothing learnt: the first season again and again", {"horizon", "1m", "alpha", "0", "beta", "0", "gamma", "0"},
     LOOKS(RISE, {240, 40, 1}, {300, 70, 2}, {360, 70, 3}, {420, 70, 4}, {480, 0, 1})},
    /* never below nothing: level = 0 (0 + 15 at alpha 1 -> 15 ...): 300: y = 0, level 15, next 15 - 5 = 10; 360: y = 0, level 5, next 10; 420: level -5, next 10;
       480: level -15, next -30 -> 0 */
    {"a forecast below nothing is nothing", {"horizon", "1m", "alpha", "1", "beta", "0", "gamma", "0"},
     LOOKS(RISE, {240, 40, 1}, {300, 0, 1}, {360, 0, 1}, {420, 0, 1}, {480, 0, 0})},
    {"bounds", {"horizon", "1m", HALVES}, 2, 3, LOOKS({60, 10, 2}, {120, 20, 2}, {180, 39, 3}, {240, 40, 2})},
    {"the scale-down window holds", {"horizon", "1m", HALVES, "scale_down_window", "2m"}, LOOKS(RISE, {240, 40, 3}, {299, 20, 3}, {300, 20, 3})},
    /* two samples in an interval: (10 + 30) / 2; the second season of constant 25s has no season: 25 -> 3 */
    {"the mean of an interval's samples", {"season", "1m", "horizon", "1m", HALVES}, LOOKS({30, 10, 1}, {60, 30, 2}, {60, 90, 2}, {90, 10, 2})},
    /* 300 is missing: level stays 25 (trend 0); 360: y = 20 as expected -> next 30 */
    {"a missing interval counts as met", {"horizon", "1m", HALVES}, LOOKS(RISE, {240, 40, 1}, {300, UNSEEN, 2}, {360, 20, 3})},
    /* more than a season missing: it starts anew, by the rate of now */
    {"a missing season starts anew", {"horizon", "1m", HALVES}, LOOKS(RISE, {240, 40, 1}, {600, 77, 8}, {660, 5, 1})},
    {"no metrics: as it is, within the bounds", {"horizon", "1m"}, 2, 9, LOOKS({60, UNSEEN, 2}, {120, UNSEEN, 2}, {180, 31, 4}, {190, UNSEEN, 4})},
};

static void holt_winters_by_hand(void **unused) {
  (void)unused;
  rate_cases("holt-winters", small_season, holt_winters_cases, sizeof(holt_winters_cases) / sizeof(holt_winters_cases[0]));
}

static const RateCase seasonal_naive_cases[] = {
    {"the rate of now until there is a season", {"look_ahead", "0s"}, LOOKS({60, 10, 1}, {120, 95, 10}, {180, 0, 0}, {190, 11, 2})},
    {"then as a season ago", {"look_ahead", "1m"}, LOOKS(RISE, {240, 40, 1}, {300, 99, 2}, {360, 99, 3}, {420, 99, 4}, {480, 0, 10})},
    {"the highest to look ahead", {"look_ahead", "2m"}, LOOKS(RISE, {240, 40, 2}, {300, 5, 3}, {360, 5, 4}, {420, 5, 4})},
    /* at 240 s: 10 and 20, their mean 15; at 300 s: 20 and 30; at 420 s: 40 and the 5 of 300 s: 22.5 */
    {"the mean to look ahead", {"look_ahead", "2m", "of", "mean"}, LOOKS(RISE, {240, 40, 2}, {300, 5, 3}, {360, 5, 4}, {420, 5, 3})},
    {"look-ahead's edge", {"look_ahead", "61s"}, LOOKS(RISE, {240, 40, 2}, {300, 5, 3})},
    {"between intervals: the one then begun", {"look_ahead", "0s"}, LOOKS(RISE, {240, 40, 1}, {299, 40, 1}, {301, 40, 2})},
    {"a whole season ahead is its peak", {"look_ahead", "4m"}, LOOKS(RISE, {240, 40, 4}, {300, 5, 4}, {420, 5, 4})},
    /* 480 s has 300 s .. 340 s: nothing was seen in (240, 300]'s season, so now counts */
    {"what was not seen is left out", {"look_ahead", "0s"}, LOOKS(RISE, {240, 40, 1}, {360, 77, 3}, {480, 12, 2}, {540, 12, 8})},
    {"headroom and rounding: 40 x 1.2 / 10 = 4.8", {"look_ahead", "4m", "headroom", "120%"}, LOOKS({60, 10, 2}, {120, 20, 3}, {180, 30, 4}, {240, 40, 5}, {300, 5, 5})},
    {"bounds", {"look_ahead", "1m"}, 2, 3, LOOKS({60, 10, 2}, {120, 20, 2}, {180, 50, 3}, {240, 40, 2}, {300, 0, 2}, {360, 0, 3})},
    {"the scale-down window holds", {"look_ahead", "1m", "scale_down_window", "61s"}, LOOKS(RISE, {240, 40, 3}, {241, 40, 2})}, /* 1 s + 1 m reaches into the 20 */
    {"the mean of an interval's samples", {"look_ahead", "1m"}, LOOKS({30, 10, 1}, {60, 30, 3}, {120, 0, 0}, {240, 0, 2}, {299, 0, 2}, {300, 0, 0})},
    {"no metrics: last season serves all the same", {"look_ahead", "1m"}, LOOKS(RISE, {240, 40, 1}, {300, UNSEEN, 2}, {560, UNSEEN, 2})},
};

static void seasonal_naive_by_hand(void **unused) {
  (void)unused;
  rate_cases("seasonal-naive", small_season, seasonal_naive_cases, sizeof(seasonal_naive_cases) / sizeof(seasonal_naive_cases[0]));
}

/* ---- the shared parts ---- */

static void a_replica_serves(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("holt-winters");
  bench.seen.concurrency = 3;
  assert_true(replica_serves_rps(7, &bench.seen) == 7);
  assert_true(fabs(replica_serves_rps(0, &bench.seen) - 10) < 1e-12); /* 3 / 0.3 s */
  bench.seen.variant_view = &(VariantView){"sized", 0.8, __builtin_nan("")};
  bench.seen.variant = 0;
  bench.seen.finished_rps = 28;
  bench.seen.utilisation_ratio = 0.7;
  assert_true(fabs(replica_serves_rps(0, &bench.seen) - 10) < 1e-12); /* 28 / (4 x 0.7) */
  bench.seen.utilisation_ratio = 0.04;
  assert_true(isnan(replica_serves_rps(0, &bench.seen)));
  assert_int_equal(look(&bench, 0)->replicas, 4);
  assert_string_equal(bench.wished.reason, "what a replica serves is not known");
  bench_end(&bench);
}

static void a_line_through_values(void **unused) {
  (void)unused;
  assert_true(isnan(line_at(NULL, 0, 3)));
  assert_true(line_at((double[]){5}, 1, 9) == 5);
  assert_true(fabs(line_at((double[]){1, 3}, 2, 3) - 7) < 1e-12);
  assert_true(fabs(line_at((double[]){1, 2, 6}, 3, 4) - 10.5) < 1e-12); /* mean 3, slope 5 / 2: 3 + 2.5 (4 - 1) */
}

static void parameters_are_checked(void **unused) {
  (void)unused;
  static const char *const names[] = {"holt-winters", "seasonal-naive"};
  static const char *const ahead[] = {"horizon", "look_ahead"};
  for (int k = 0; k < 2; k++) {
    PolicyBench bench = policy_bench(names[k]);
    TypeCheck *check = bench.policy->model.params->check;
    Err err = {0};
    assert_true(check(bench.params, &err));
    bench_set(&bench, "interval", "7m"); /* 1440 / 7 */
    assert_false(check(bench.params, &err));
    bench_set(&bench, "interval", "1s");
    assert_false(check(bench.params, &err)); /* 86,400 of them */
    bench_set(&bench, "interval", "30m");
    bench_set(&bench, "season", "1h");
    bench_set(&bench, ahead[k], "3601s");
    assert_false(check(bench.params, &err));
    bench_end(&bench);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holt_winters_by_hand), cmocka_unit_test(seasonal_naive_by_hand), cmocka_unit_test(a_replica_serves),
      cmocka_unit_test(a_line_through_values), cmocka_unit_test(parameters_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
