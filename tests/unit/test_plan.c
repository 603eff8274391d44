/* The search for a plan that attains: by hand, and on random small problems, where it is never below the bound, and attains whatever it says. */
#include "sim/lab/plan.h"

#include "sim/core/rng.h"
#include "sim/core/time.h"
#include "tests/testing.h"

enum { MOST_JOBS = 40, MOST_PERIODS = 64 };
static const int64_t dollar_an_hour = 3600000000000; /* a nano-dollar for each nanosecond */

static BoundProblem problem_of(const int64_t *arrival_ns, const int64_t *work_ns, size_t n) {
  return (BoundProblem){.arrival_ns = arrival_ns, .work_ns = work_ns, .n_jobs = n, .horizon_ns = 10 * NS_PER_S, .objective_latency_ns = 2 * NS_PER_S,
                        .objective_attainment_ratio = 1, .slots_per_unit = 1, .max_units = 20, .nano_usd_per_h = dollar_an_hour, .granularity_ns = 1};
}

/* Jobs of 1 s at 0, 0, 1 s; objective 2 s. */
static void the_model_by_hand(void **unused) {
  (void)unused;
  Arena arena = {0};
  const int64_t arrival_ns[] = {0, 0, NS_PER_S}, work_ns[] = {NS_PER_S, NS_PER_S, NS_PER_S};
  BoundProblem problem = problem_of(arrival_ns, work_ns, 3);
  int64_t units[10] = {1, 1, 1}, missed[10];
  const Plan plan = {NS_PER_S, 10, units};
  PlanOutcome outcome = plan_model(&arena, &problem, &plan, missed);
  assert_true(outcome.attainment_ratio == 1); /* 0-1, 1-2, 2-3: the last takes exactly 2 s */
  assert_int_equal(outcome.cost_nano_usd, 3 * NS_PER_S);
  units[2] = 0; /* the third never begins */
  outcome = plan_model(&arena, &problem, &plan, missed);
  assert_true(outcome.attainment_ratio > 0.66 && outcome.attainment_ratio < 0.67);
  assert_int_equal(missed[1], 1);
  units[0] = 2, units[1] = 1; /* 0-1 twice, 1-2 */
  outcome = plan_model(&arena, &problem, &plan, missed);
  assert_true(outcome.attainment_ratio == 1);
  assert_int_equal(outcome.cost_nano_usd, 3 * NS_PER_S);
  problem.minimum_charge_ns = 5 * NS_PER_S; /* two levels of 5 s */
  assert_int_equal(plan_model(&arena, &problem, &plan, NULL).cost_nano_usd, 10 * NS_PER_S);
  problem.startup_ns = 4 * NS_PER_S;
  problem.bill_startup = true; /* 4 + 2 and 4 + 1 */
  assert_int_equal(plan_model(&arena, &problem, &plan, NULL).cost_nano_usd, 11 * NS_PER_S);
  problem.initial_units = 1; /* the lower level is there at 0 s */
  assert_int_equal(plan_model(&arena, &problem, &plan, NULL).cost_nano_usd, 10 * NS_PER_S);
  arena_free(&arena);
}

/* A unit that the plan takes away stays until its job ends: a job of 2 s from 0 s. */
static void a_job_holds_its_unit(void **unused) {
  (void)unused;
  Arena arena = {0};
  const int64_t arrival_ns[] = {0}, work_ns[] = {2 * NS_PER_S};
  BoundProblem problem = problem_of(arrival_ns, work_ns, 1);
  int64_t units[10] = {1};
  const Plan plan = {NS_PER_S, 10, units};
  PlanOutcome outcome = plan_model(&arena, &problem, &plan, NULL);
  assert_true(outcome.attainment_ratio == 1);
  assert_int_equal(outcome.cost_nano_usd, 2 * NS_PER_S);
  arena_free(&arena);
}

/* Ten jobs of 1 s at 0 s and one at 9 s is too young to count: ten units, or five for two seconds each. */
static void the_search_by_hand(void **unused) {
  (void)unused;
  Arena arena = {0};
  int64_t arrival_ns[11] = {0}, work_ns[11];
  for (int j = 0; j < 11; j++) work_ns[j] = NS_PER_S;
  arrival_ns[10] = 9 * NS_PER_S;
  BoundProblem problem = problem_of(arrival_ns, work_ns, 10);
  problem.max_units = 7;
  Achieved achieved;
  plan_search(&arena, &problem, &(PlanSearch){NS_PER_S, 500, 1}, NULL, NULL, &achieved);
  assert_true(achieved.found);
  assert_int_equal(achieved.outcome.cost_nano_usd, 10 * NS_PER_S);
  problem.max_units = 4; /* eight in time at most */
  plan_search(&arena, &problem, &(PlanSearch){NS_PER_S, 500, 1}, NULL, NULL, &achieved);
  assert_false(achieved.found);
  problem.objective_attainment_ratio = 0.8;
  plan_search(&arena, &problem, &(PlanSearch){NS_PER_S, 500, 1}, NULL, NULL, &achieved);
  assert_true(achieved.found && achieved.outcome.attainment_ratio >= 0.8);
  assert_int_equal(achieved.outcome.cost_nano_usd, 8 * NS_PER_S);
  arena_free(&arena);
}

/* A simulation with less attainment than the model: it needs a unit more in every period, and says so. */
static PlanOutcome stricter(void *context, const Plan *plan) {
  int *calls = context;
  int64_t units = 0;
  for (int64_t k = 0; k < plan->n_periods; k++) units += plan->units[k];
  ++*calls;
  return (PlanOutcome){true, units >= 20 ? 1 : 0.5, units * NS_PER_S};
}

static void the_simulation_has_the_last_word(void **unused) {
  (void)unused;
  Arena arena = {0};
  const int64_t arrival_ns[] = {0}, work_ns[] = {NS_PER_S};
  BoundProblem problem = problem_of(arrival_ns, work_ns, 1);
  Achieved achieved;
  int calls = 0;
  plan_search(&arena, &problem, &(PlanSearch){NS_PER_S, 400, 20}, stricter, &calls, &achieved);
  assert_true(achieved.found && achieved.outcome.attainment_ratio == 1);
  assert_int_equal(achieved.runs, calls);
  calls = 0;
  plan_search(&arena, &problem, &(PlanSearch){NS_PER_S, 400, 2}, stricter, &calls, &achieved);
  assert_false(achieved.found);
  assert_int_equal(calls, 2);
  arena_free(&arena);
}

static int below(Stream *stream, uint64_t *draw, int n) { return (int)(stream_uniform(stream, (*draw)++) * n); }

static void random_problem(Stream *stream, uint64_t *draw, BoundProblem *problem, int64_t *arrival_ns, int64_t *work_ns) {
  size_t n = (size_t)(1 + below(stream, draw, MOST_JOBS));
  int64_t at_ns = 0;
  for (size_t j = 0; j < n; j++) {
    at_ns += below(stream, draw, 3) ? below(stream, draw, 700) * INT64_C(1000000) : below(stream, draw, 3000) * INT64_C(1000000);
    arrival_ns[j] = at_ns;
    work_ns[j] = (1 + below(stream, draw, 2000)) * INT64_C(1000000);
  }
  *problem = problem_of(arrival_ns, work_ns, n);
  problem->horizon_ns = at_ns + (1 + below(stream, draw, 4)) * NS_PER_S;
  problem->objective_latency_ns = (500 + below(stream, draw, 3000)) * INT64_C(1000000);
  problem->objective_attainment_ratio = 0.5 + 0.1 * below(stream, draw, 6);
  problem->slots_per_unit = 1 + below(stream, draw, 3);
  problem->max_units = 50;
  problem->initial_units = below(stream, draw, 3);
  problem->min_units = below(stream, draw, (int)problem->initial_units + 1);
  problem->startup_ns = below(stream, draw, 3) * NS_PER_S;
  problem->bill_startup = below(stream, draw, 2);
  problem->minimum_charge_ns = below(stream, draw, 4) * NS_PER_S;
  problem->granularity_ns = 1 + below(stream, draw, 2) * NS_PER_S;
}

static void never_below_the_bound(void **unused) {
  (void)unused;
  Stream stream = stream_make(11, 5, PURPOSE_LOAD, 0);
  uint64_t draw = 0;
  int proven = 0, found = 0, close = 0;
  for (int k = 0; k < repetitions(1500, 30000); k++) {
    Arena arena = {0};
    int64_t arrival_ns[MOST_JOBS], work_ns[MOST_JOBS];
    BoundProblem problem;
    Bound bound;
    Achieved achieved;
    random_problem(&stream, &draw, &problem, arrival_ns, work_ns);
    bound_lower(&arena, &problem, &bound);
    plan_search(&arena, &problem, &(PlanSearch){NS_PER_S / 2, 400, 1}, NULL, NULL, &achieved);
    if (bound.status == BOUND_NONE) fail_msg("%s", bound.why);
    if (achieved.found) {
      assert_int_equal(bound.status, BOUND_PROVEN);
      assert_true(achieved.outcome.attainment_ratio >= problem.objective_attainment_ratio);
      assert_true(achieved.outcome.cost_nano_usd >= bound.lower_nano_usd);
      close += (double)bound.lower_nano_usd >= 0.6 * (double)achieved.outcome.cost_nano_usd;
    }
    proven += bound.status == BOUND_PROVEN;
    found += achieved.found;
    arena_free(&arena);
  }
  print_message("a plan in %d of %d, within 40 %% of the bound in %d\n", found, proven, close);
  assert_true(found * 10 > proven * 9 && close * 5 > found * 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_model_by_hand), cmocka_unit_test(a_job_holds_its_unit), cmocka_unit_test(the_search_by_hand),
      cmocka_unit_test(the_simulation_has_the_last_word), cmocka_unit_test(never_below_the_bound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
