/* sageserve-like by hand: a plan every two minutes for the highest rate of the next two, a replica serves 10 jobs a second and one at a time, no
 * headroom, a step a minute. The last figure of a look is the jobs in flight. Without a whole season (an hour) a plan is for the rate of now. */
#include "tests/support/rate_case.h"
#include "tests/testing.h"

static const char *const common[] = {"long_term_scaling_interval", "2m", "look_from", "0s", "look_to", "2m", "season", "1h", "interval", "1m",
                                     "headroom", "1", "replica_rate", "10/s", "spin_up", "60s", NULL};
#define DELAY "post_processing_strategy", "delay_changes"
#define SEASON "season", "4m" /* 10 20 30 40 again and again: level 25, season -15 -5 5 15 */

static const RateCase cases[] = {
    {"a plan each two minutes", {0}, LOOKS({0, 20, 2}, {60, 50, 2}, {119, 50, 2}, {120, 50, 5}, {180, 10, 5}, {240, 10, 1}, {250, 90, 1})},
    {"from a season on, the highest ahead", {SEASON}, LOOKS({60, 10, 1}, {120, 20, 2}, {180, 30, 2}, {240, 40, 2})},
    {"one interval ahead", {SEASON, "look_to", "1m"}, LOOKS({60, 10, 1}, {120, 20, 2}, {180, 30, 2}, {240, 40, 1})},
    {"three", {SEASON, "look_to", "3m"}, LOOKS({60, 10, 1}, {120, 20, 2}, {180, 30, 2}, {240, 40, 3})},
    /* the peak of 40 is in the fourth interval ahead, 30 in the third */
    {"not before look_from", {SEASON, "look_from", "2m", "look_to", "3m"}, LOOKS({60, 10, 1}, {120, 20, 2}, {180, 30, 2}, {240, 40, 3})},
    {"headroom: 20 x 1.1", {"headroom", "110%"}, LOOKS({0, 20, 3}, {120, 10, 2}, {240, 9, 1})},
    /* before the first plan: the 1 that is there */
    {"the higher of two plans", {"post_processing_strategy", "keep_maximum_instances"}, LOOKS({0, 20, 2}, {120, 50, 5}, {240, 10, 5}, {360, 10, 1})},
    {"the lower of two plans", {"post_processing_strategy", "keep_minimum_instances"}, LOOKS({0, 20, 1}, {120, 50, 2}, {240, 10, 1}, {360, 40, 1}, {480, 40, 4})},
    /* plan 4 at 1: a ledger of 3; half in use is not above half; one a minute. 120 s: plan 4 at 3. Then beyond it: 3.6 of 4 is not above 90 % */
    {"changes drawn as the load asks", {DELAY},
     LOOKS({0, 40, 1}, {15, 40, 1, 0.5}, {30, 40, 2, 1}, {60, 40, 2, 2}, {90, 40, 3, 2}, {120, 40, 3, 3}, {150, 40, 4, 2}, {210, 40, 4, 3.6}, {211, 40, 5, 3.7},
           {240, 40, 5, 1}, {271, 40, 5, 1.25}, {272, 40, 4, 1.2}, {333, 40, 4, 0})},
    /* 120 s: plan 1 at 4: one fewer each minute below a quarter, and no more than the three */
    {"fewer as the load allows", {DELAY},
     LOOKS({0, 40, 1}, {15, 40, 2, 1}, {75, 40, 3, 3}, {119, 40, 3, 3}, {120, 10, 3, 0}, {135, 10, 2, 0.7}, {194, 10, 2, 0}, {195, 10, 1, 0}, {239, 10, 1, 0})},
    {"beyond the plan and back, until the next one", {0},
     LOOKS({0, 20, 2}, {15, 20, 3, 2}, {74, 20, 3, 3}, {75, 20, 4, 3}, {119, 20, 4, 0}, {120, 20, 2, 4}, {135, 20, 3, 2}, {194, 20, 3, 0.7}, {195, 20, 2, 0.7}, {239, 20, 2, 0})},
    /* 10 was foreseen: 50 is not more than five times that, 51 is */
    {"more comes than was foreseen", {SEASON},
     LOOKS({60, 10, 1}, {120, 20, 2}, {180, 30, 2}, {240, 40, 2}, {250, 50, 2}, {251, 51, 3}, {270, 90, 3}, {299, 90, 3})},
    {"bounds", {0}, 2, 4, LOOKS({0, 10, 2}, {15, 10, 3, 2}, {120, 90, 4}, {135, 90, 4, 4}, {240, 90, 4})},
    {"no metrics: no plan until there are", {0}, LOOKS({0, UNSEEN, 1}, {15, UNSEEN, 1}, {30, 25, 3}, {120, UNSEEN, 3}, {130, 11, 2}, {140, UNSEEN, 2, 9})},
};

static void sageserve_by_hand(void **unused) {
  (void)unused;
  rate_cases("sageserve-like", common, cases, sizeof(cases) / sizeof(cases[0]));
}

static void parameters_are_checked(void **unused) {
  (void)unused;
  static const char *const wrong[][2] = {{"look_from", "61m"}, {"look_to", "25h"}, {"draw_down", "51%"}, {"interval", "7m"}};
  for (size_t k = 0; k < sizeof(wrong) / sizeof(wrong[0]); k++) {
    PolicyBench bench = policy_bench("sageserve-like");
    Err err = {0};
    assert_true(bench.policy->model.params->check(bench.params, &err));
    bench_set(&bench, wrong[k][0], wrong[k][1]);
    assert_false(bench.policy->model.params->check(bench.params, &err));
    bench_end(&bench);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(sageserve_by_hand), cmocka_unit_test(parameters_are_checked)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
