/* mark-like by hand: intervals of a minute, a line through the last three, a replica serves 10 jobs a second, no margin, no scale-down window
 * unless a case says otherwise. */
#include <math.h>

#include "tests/support/rate_case.h"
#include "tests/testing.h"

static const char *const common[] = {"history", "3", "horizon", "1m", "over_provision", "0", "replica_rate", "10/s", "scale_down_window", "0s", NULL};

static const RateCase cases[] = {
    {"the rate of now until there is an interval", {0}, LOOKS({0, 0, 0}, {30, 15, 2}, {45, 31, 4})},
    {"one interval: level, or the higher rate of now", {0}, LOOKS({60, 10, 1}, {61, 25, 3}, {62, 5, 1})},
    /* 10 20: next 30. 10 20 30: next 40. 20 30 30: mean 26.7, slope 5, next 26.7 + 2 x 5 = 36.7. 30 30 30: 30 */
    {"up the line", {0}, LOOKS({60, 10, 1}, {120, 20, 3}, {180, 30, 4}, {240, 30, 4}, {300, 30, 3})},
    /* at 120 s up to 300 s, three intervals ahead: 50. at 180 s 10 20 20: mean 16.7, slope 5: 16.7 + 4 x 5 = 36.7 */
    {"a longer horizon", {"horizon", "3m"}, LOOKS({60, 10, 1}, {120, 20, 5}, {180, 20, 4})},
    {"the horizon's edge", {"horizon", "61s"}, LOOKS({60, 10, 1}, {120, 20, 4})},
    /* 30 20: next 10, now 20. 30 20 10: next 0, now 10. 20 10 0: next -10, now 0 */
    {"down the line, not below now", {0}, LOOKS({60, 30, 3}, {120, 20, 2}, {180, 10, 1}, {240, 0, 0})},
    {"the margin: 10 x 1.1", {"over_provision", "10%"}, LOOKS({60, 10, 2}, {120, 10, 2}, {180, 9, 1})},
    /* two samples in the first minute: 20; then 30: next 40 */
    {"the mean of an interval's samples", {0}, LOOKS({30, 10, 1}, {60, 30, 3}, {120, 30, 4})},
    /* 10 (10) 20: mean 13.3, slope 5, next 13.3 + 2 x 5 = 23.3 */
    {"a missing interval is like the one before", {0}, LOOKS({60, 10, 1}, {120, UNSEEN, 1}, {180, 20, 3})},
    /* 30 10 10: slope -10; the 3 of 60 s counts in (now - 2 min, now] */
    {"the scale-down window holds", {"scale_down_window", "2m"}, LOOKS({60, 30, 3}, {120, 10, 3}, {179, 10, 3}, {180, 10, 1})},
    {"bounds", {0}, 2, 4, LOOKS({60, 10, 2}, {120, 30, 4}, {180, 0, 2})},
    {"a history of one is level", {"history", "1"}, LOOKS({60, 10, 1}, {120, 20, 2}, {300, 40, 4}, {360, 30, 3})},
};

static void mark_by_hand(void **unused) {
  (void)unused;
  rate_cases("mark-like", common, cases, sizeof(cases) / sizeof(cases[0]));
}

/* small: 0.05 s, accuracy 0.7; large: 0.3 s, 0.8; one job at a time. */
static void the_variant_that_serves_most(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("mark-like");
  bench_set(&bench, "over_provision", "0");
  bench_set(&bench, "scale_down_window", "0s");
  bench.seen.max_replicas = 100;
  bench.seen.offered_rps = 30;
  assert_int_equal(look(&bench, 30)->replicas, 9); /* 30 x 0.3 */
  assert_int_equal(bench.wished.variant, 1);
  bench_set(&bench, "choose_variant", "true");
  assert_int_equal(look(&bench, 31)->replicas, 2); /* 30 x 0.05 = 1.5 */
  assert_int_equal(bench.wished.variant, 0);
  bench_set(&bench, "accuracy", "0.7");
  assert_int_equal(look(&bench, 32)->variant, 0);
  bench_set(&bench, "accuracy", "0.71");
  assert_int_equal(look(&bench, 33)->replicas, 9);
  assert_int_equal(bench.wished.variant, 1);
  bench_set(&bench, "accuracy", "0.9"); /* none: as it is */
  assert_int_equal(look(&bench, 34)->variant, 1);
  Err err = {0};
  assert_true(bench.policy->model.params->check(bench.params, &err));
  bench_set(&bench, "replica_rate", "10/s");
  assert_false(bench.policy->model.params->check(bench.params, &err));
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(mark_by_hand), cmocka_unit_test(the_variant_that_serves_most)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
