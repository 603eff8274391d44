/* The clairvoyant bound by hand: each argument where it decides, what counts, what is small, times of years. Against the truth on small instances:
 * test_bound_exact.c. */
#include "sim/lab/bound.h"

#include <stdio.h>
#include <string.h>

#include "sim/core/rng.h"
#include "sim/core/time.h"
#include "tests/testing.h"

enum { JOBS = 9, UNITS = 9 };
static const int64_t dollar_an_hour = 3600000000000; /* of a unit: a nano-dollar for each nanosecond */

/* A small instance in seconds. */
typedef struct Small {
  int n, arrival[JOBS], work[JOBS];
  int latency, slots, least_units, initial, startup, minimum, granularity, seconds;
  bool bill_startup;
  double attainment;
} Small;

static Bound bound_of(const Small *small) {
  Arena arena = {0};
  int64_t arrival_ns[JOBS], work_ns[JOBS];
  for (int j = 0; j < small->n; j++) {
    arrival_ns[j] = small->arrival[j] * NS_PER_S;
    work_ns[j] = small->work[j] * NS_PER_S;
  }
  const BoundProblem problem = {.arrival_ns = arrival_ns, .work_ns = work_ns, .n_jobs = (size_t)small->n, .horizon_ns = small->seconds * NS_PER_S,
                                .objective_latency_ns = small->latency * NS_PER_S, .objective_attainment_ratio = small->attainment,
                                .slots_per_unit = small->slots, .min_units = small->least_units, .max_units = UNITS, .initial_units = small->initial,
                                .nano_usd_per_h = dollar_an_hour, .startup_ns = small->startup * NS_PER_S, .bill_startup = small->bill_startup,
                                .minimum_charge_ns = small->minimum * NS_PER_S, .granularity_ns = small->granularity * NS_PER_S};
  Bound bound;
  bound_lower(&arena, &problem, &bound);
  arena_free(&arena);
  return bound;
}

static Small plain(int n, int latency, int slots) {
  Small small = {.n = n, .latency = latency, .slots = slots, .granularity = 1, .seconds = 10, .attainment = 1};
  for (int j = 0; j < n; j++) small.work[j] = 1;
  return small;
}
static void expect(const Small *small, double unit_s, BoundBy by) {
  Bound bound = bound_of(small);
  assert_int_equal(bound.status, BOUND_PROVEN);
  if (bound.lower_nano_usd != (int64_t)(unit_s * 1e9 + 0.5) || bound.by != by) {
    fail_msg("%g unit-seconds by %s, not %g by %s", unit_s, bound_by_words(by), (double)bound.lower_nano_usd / 1e9, bound_by_words(bound.by));
  }
}

static void work_by_hand(void **unused) {
  (void)unused;
  Small two = plain(2, 1, 4);
  two.arrival[1] = 5;
  expect(&two, 2, BOUND_BY_WORK); /* apart: each alone on its unit, not a quarter of it */
  two.arrival[1] = 0;
  expect(&two, 1, BOUND_BY_WORK); /* together */
  two.attainment = 0.5;
  expect(&two, 1, BOUND_BY_PEAK); /* one of them: half a unit by work, but no unit is there for less than a second */
  Small long_and_short = plain(3, 3, 1);
  long_and_short.work[0] = 3, long_and_short.work[1] = 2;
  expect(&long_and_short, 6, BOUND_BY_WORK);
  long_and_short.attainment = 0.6; /* two of three */
  expect(&long_and_short, 3, BOUND_BY_WORK);
  long_and_short.attainment = 0;
  expect(&long_and_short, 0, BOUND_BY_FLOOR);
}

static void floor_by_hand(void **unused) {
  (void)unused;
  Small small = plain(5, 2, 1);
  small.least_units = small.initial = 1;
  for (int j = 0; j < 5; j++) small.work[j] = 1;
  expect(&small, 13, BOUND_BY_WORK); /* five at 0 s: the floor does two of them within 2 s, the other three need units */
  for (int j = 0; j < 5; j++) small.arrival[j] = j;
  expect(&small, 10, BOUND_BY_FLOOR);
}

static void starts_by_hand(void **unused) {
  (void)unused;
  Small small = plain(2, 1, 1);
  small.minimum = 4;
  expect(&small, 8, BOUND_BY_PEAK); /* both at 0 s in one second: two units of 4 s */
  small.arrival[1] = 9;
  expect(&small, 8, BOUND_BY_STARTS); /* one each, rather than one for ten seconds */
  small.arrival[1] = 3;
  expect(&small, 4, BOUND_BY_PEAK); /* one for both */
  small.arrival[1] = 5;
  expect(&small, 6, BOUND_BY_STARTS); /* 0 .. 6 */
  small.startup = 2, small.bill_startup = true;
  expect(&small, 8, BOUND_BY_STARTS); /* two of 4 or one of 2 + 6 */
  small.attainment = 0.5;
  expect(&small, 4, BOUND_BY_PEAK); /* one of the jobs */
  small.attainment = 1;
  small.bill_startup = false;
  expect(&small, 6, BOUND_BY_STARTS);
}

static void what_counts(void **unused) {
  (void)unused;
  Small small = plain(4, 3, 1);
  for (int j = 0; j < 4; j++) small.arrival[j] = 6 + j; /* 8 and 9 s are younger than the objective at 10 s */
  Bound bound = bound_of(&small);
  assert_int_equal(bound.jobs_counted, 2);
  assert_int_equal(bound.jobs_required, 2);
  small.attainment = 0.75; /* 0.75 x 2 - 0.25 x 2 = 1 */
  assert_int_equal(bound_of(&small).jobs_required, 1);
  small.arrival[0] = 0;
  small.work[0] = 4; /* longer than the objective */
  bound = bound_of(&small);
  assert_int_equal(bound.jobs_possible, 1);
  assert_int_equal(bound.status, BOUND_PROVEN);
  small.attainment = 1;
  assert_int_equal(bound_of(&small).status, BOUND_INFEASIBLE);
  Small crowd = plain(6, 1, 1);
  assert_int_equal(bound_of(&crowd).peak_units, 6);
}

static void no_bound_where_none_is_proven(void **unused) {
  (void)unused;
  Small small = plain(2, 0, 1);
  assert_int_equal(bound_of(&small).status, BOUND_NONE);
  small = plain(2, 1, 0);
  assert_int_equal(bound_of(&small).status, BOUND_NONE);
  small = plain(2, 1, 1);
  small.arrival[0] = 3;
  assert_int_equal(bound_of(&small).status, BOUND_NONE); /* arrivals do not ascend */
  small = plain(2, 1, 1);
  small.attainment = __builtin_nan("");
  assert_int_equal(bound_of(&small).status, BOUND_NONE);
}

/* From 3 s on, jobs of 1 s at 1, 4 and 8 s: those at 4 and 8 s count, the latter is not younger than 2 s at 10 s; what was charged at the start or
 * the end of a unit may be in another window, so only ready time counts. */
static void after_a_warm_up(void **unused) {
  (void)unused;
  Arena arena = {0};
  const int64_t arrival_ns[] = {NS_PER_S, 4 * NS_PER_S, 8 * NS_PER_S}, work_ns[] = {NS_PER_S, NS_PER_S, NS_PER_S};
  BoundProblem problem = {.arrival_ns = arrival_ns, .work_ns = work_ns, .n_jobs = 3, .start_ns = 3 * NS_PER_S, .horizon_ns = 10 * NS_PER_S, .objective_latency_ns = 2 * NS_PER_S,
                          .objective_attainment_ratio = 1, .slots_per_unit = 1, .max_units = 5, .nano_usd_per_h = dollar_an_hour, .startup_ns = NS_PER_S, .bill_startup = true,
                          .minimum_charge_ns = 60 * NS_PER_S, .granularity_ns = 3600 * NS_PER_S};
  Bound bound;
  bound_lower(&arena, &problem, &bound);
  assert_int_equal(bound.jobs_counted, 2);
  assert_int_equal(bound.lower_nano_usd, 2 * NS_PER_S);
  problem.min_units = problem.initial_units = 1;
  bound_lower(&arena, &problem, &bound);
  assert_int_equal(bound.lower_nano_usd, 7 * NS_PER_S);
  problem.start_ns = problem.min_units = problem.initial_units = 0;
  bound_lower(&arena, &problem, &bound);
  assert_int_equal(bound.lower_nano_usd, 3600 * NS_PER_S);
  arena_free(&arena);
}

/* A million jobs within a second or two, and a bound near the work: 20/s of 100 ms for a day is two slots. */
static void a_day_of_jobs(void **unused) {
  (void)unused;
  Arena arena = {0};
  size_t n = (size_t)repetitions(200000, 1700000);
  int64_t *arrival_ns = ARENA_ARRAY(&arena, int64_t, n), *work_ns = ARENA_ARRAY(&arena, int64_t, n);
  for (size_t j = 0; j < n; j++) {
    arrival_ns[j] = (int64_t)j * 50000000;
    work_ns[j] = 100000000;
  }
  const BoundProblem problem = {.arrival_ns = arrival_ns, .work_ns = work_ns, .n_jobs = n, .horizon_ns = (int64_t)n * 50000000, .objective_latency_ns = 500000000,
                                .objective_attainment_ratio = 0.99, .slots_per_unit = 1, .max_units = 100, .nano_usd_per_h = 1000000000, .granularity_ns = NS_PER_S};
  Bound bound;
  bound_lower(&arena, &problem, &bound);
  double hours = (double)problem.horizon_ns / 3.6e12;
  assert_int_equal(bound.status, BOUND_PROVEN);
  assert_true((double)bound.lower_nano_usd / 1e9 > 1.979 * hours && (double)bound.lower_nano_usd / 1e9 <= 1.98 * hours);
  arena_free(&arena);
}

/* 8 jobs that can attain, a minimum of 4 units, 10,000 steps: one more, and nothing is searched. */
static void what_is_small(void **unused) {
  (void)unused;
  Small small = plain(8, 1, 2);
  assert_true(bound_of(&small).exact);
  small.n = 9, small.work[8] = 1;
  assert_false(bound_of(&small).exact);
  small.work[8] = 2, small.attainment = 0.8; /* longer than the objective */
  assert_true(bound_of(&small).exact);
  small = plain(2, 1, 1);
  small.least_units = 4;
  assert_true(bound_of(&small).exact);
  small.least_units = 5;
  assert_false(bound_of(&small).exact);
  small = plain(2, 1, 1);
  small.seconds = 10000;
  assert_true(bound_of(&small).exact);
  small.seconds = 10001;
  assert_false(bound_of(&small).exact);
  small = plain(2, 1, 1);
  small.work[1] = 0;
  assert_false(bound_of(&small).exact);
}

/* Units of two slots, half empty at times whatever one does. */
static void searched_by_hand(void **unused) {
  (void)unused;
  Small small = plain(2, 3, 2);
  small.work[0] = 2, small.work[1] = 3;
  expect(&small, 3, BOUND_BY_SEARCH); /* 2 s beside 3 s */
  small = plain(3, 3, 2);
  small.arrival[1] = 1, small.work[1] = 3, small.arrival[2] = 3;
  expect(&small, 3, BOUND_BY_SEARCH); /* the short ones beside the long one: at 1..3 s and at 3 s */
  small.arrival[1] = 4, small.arrival[2] = 4;
  expect(&small, 4, BOUND_BY_SEARCH); /* the first one ends by 3 s */
}

/* n jobs as long as the horizon, the start-up, the minimum charge and the granularity: 2^58 ns, nine years. Each needs a unit, billed twice that. */
static void times_of_years(void **unused) {
  (void)unused;
  const int64_t long_ns = INT64_C(1) << 58;
  Arena arena = {0};
  const int64_t arrival_ns[8] = {0};
  int64_t work_ns[8];
  for (int j = 0; j < 8; j++) work_ns[j] = long_ns;
  BoundProblem problem = {.arrival_ns = arrival_ns, .work_ns = work_ns, .n_jobs = 8, .horizon_ns = long_ns, .objective_latency_ns = long_ns, .objective_attainment_ratio = 1,
                          .slots_per_unit = 1, .max_units = 1000000000, .nano_usd_per_h = dollar_an_hour, .startup_ns = long_ns, .bill_startup = true, .minimum_charge_ns = long_ns,
                          .granularity_ns = long_ns};
  Bound bound;
  bound_lower(&arena, &problem, &bound);
  assert_true(bound.exact);
  assert_int_equal(bound.lower_nano_usd, 16 * long_ns);
  problem.granularity_ns = 1;
  bound_lower(&arena, &problem, &bound);
  assert_int_equal(bound.lower_nano_usd, 16 * long_ns);
  problem.startup_ns = 0;
  bound_lower(&arena, &problem, &bound);
  assert_int_equal(bound.lower_nano_usd, 8 * long_ns);
  problem.nano_usd_per_h = INT64_MAX;
  bound_lower(&arena, &problem, &bound);
  assert_int_equal(bound.lower_nano_usd, INT64_MAX);
  problem.horizon_ns++;
  bound_lower(&arena, &problem, &bound);
  assert_int_equal(bound.status, BOUND_NONE);
  arena_free(&arena);
}

static int64_t any_time(Stream *stream, uint64_t *draw) {
  static const int64_t time_ns[] = {0, 1, 2, 1000, NS_PER_S, (INT64_C(1) << 57) + 1, (INT64_C(1) << 58) - 1, INT64_C(1) << 58};
  return time_ns[(int)(stream_uniform(stream, (*draw)++) * 8)];
}

/* Whatever the times, nothing overflows (the sanitizers look), and the bound is no less than the floor. */
static void any_times(void **unused) {
  (void)unused;
  Stream stream = stream_make(7, 5, PURPOSE_LOAD, 0);
  uint64_t draw = 0;
  int proven = 0, exact = 0;
  for (int k = repetitions(20000, 1000000); k > 0; k--) {
    Arena arena = {0};
    int64_t arrival_ns[4], work_ns[4];
    for (int j = 0; j < 4; j++) {
      arrival_ns[j] = any_time(&stream, &draw);
      if (j > 0 && arrival_ns[j] < arrival_ns[j - 1]) arrival_ns[j] = arrival_ns[j - 1];
      work_ns[j] = any_time(&stream, &draw);
    }
    int64_t few = (int64_t)(stream_uniform(&stream, draw++) * 4);
    BoundProblem problem = {.arrival_ns = arrival_ns, .work_ns = work_ns, .n_jobs = 4, .horizon_ns = any_time(&stream, &draw), .objective_latency_ns = any_time(&stream, &draw),
                            .objective_attainment_ratio = (double)few / 3, .slots_per_unit = few == 3 ? 1000000000 : 1 + few, .min_units = few == 2 ? 1000000000 : few, .max_units = 1000000000,
                            .initial_units = few, .nano_usd_per_h = few == 1 ? INT64_MAX : dollar_an_hour, .startup_ns = any_time(&stream, &draw), .bill_startup = few != 2,
                            .minimum_charge_ns = any_time(&stream, &draw), .granularity_ns = 1 + any_time(&stream, &draw) / 2};
    Bound bound;
    bound_lower(&arena, &problem, &bound);
    arena_free(&arena);
    proven += bound.status == BOUND_PROVEN, exact += bound.exact;
    if (bound.status == BOUND_PROVEN) assert_true(bound.lower_nano_usd == INT64_MAX || (double)bound.lower_nano_usd >= 0.999 * (double)problem.min_units * (double)problem.horizon_ns);
  }
  assert_true(proven > 100 && exact > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(work_by_hand), cmocka_unit_test(floor_by_hand), cmocka_unit_test(starts_by_hand), cmocka_unit_test(what_counts), cmocka_unit_test(after_a_warm_up),
      cmocka_unit_test(no_bound_where_none_is_proven), cmocka_unit_test(a_day_of_jobs), cmocka_unit_test(what_is_small), cmocka_unit_test(searched_by_hand),
      cmocka_unit_test(times_of_years), cmocka_unit_test(any_times),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
