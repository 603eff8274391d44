/* The clairvoyant bound against the truth on small instances: every way to place a few jobs on whole seconds (there is a best plan among those, as all
 * data are whole seconds and the bill is piecewise linear in the starts), and for each the cheapest way to have the units it needs. */
#include "sim/lab/bound.h"

#include <stdio.h>
#include <string.h>

#include "sim/core/rng.h"
#include "sim/core/time.h"
#include "tests/testing.h"

enum { SECONDS = 14, JOBS = 6, UNITS = 8 };
static const int64_t dollar_an_hour = 3600000000000; /* of a unit: a nano-dollar for each nanosecond */

/* A small instance in seconds. */
typedef struct Small {
  int n, arrival[JOBS], work[JOBS];
  int latency, slots, least_units, initial, startup, minimum, granularity, seconds;
  bool bill_startup, stay; /* stay: the truth keeps a job on one unit; else it may move, which costs no more */
  double attainment;
} Small;

/* ---- the truth ---- */

/* Units on hand, by the paid seconds they have left; bills are paid ahead. */
typedef struct Fleet {
  int n, left[UNITS];
} Fleet;

static int bill_of(const Small *small, int used, bool initial) {
  int billed = used + (small->bill_startup && !initial ? small->startup : 0);
  if (billed < small->minimum) billed = small->minimum;
  return (billed + small->granularity - 1) / small->granularity * small->granularity;
}

static int serve(const Small *small, const int *need, int t, Fleet fleet, int spent, int best);

/* Second t with the units on hand and as many fresh ones as are lacking: as a start takes effect at once, none is worth making early. */
static int with_started(const Small *small, const int *need, int t, Fleet fleet, int spent, int best) {
  while (fleet.n < need[t]) {
    int bill = bill_of(small, 1, false);
    spent += bill;
    fleet.left[fleet.n++] = bill - (small->bill_startup ? small->startup : 0);
  }
  for (int k = 0; k < fleet.n; k++) fleet.left[k]--;
  return serve(small, need, t + 1, fleet, spent, best);
}

/* The least bill from second t on; starts are ordered ahead, also before 0 s. A unit whose paid time is over goes, or is paid for another granule,
 * which is never dearer than a start. */
static int serve(const Small *small, const int *need, int t, Fleet fleet, int spent, int best) {
  if (spent >= best) return best;
  if (t == small->seconds) return spent;
  Fleet kept = {0};
  int over = 0;
  for (int k = 0; k < fleet.n; k++) {
    if (fleet.left[k] > 0) kept.left[kept.n++] = fleet.left[k];
    else over++;
  }
  int lacking = need[t] > kept.n ? need[t] - kept.n : 0;
  int least = lacking < over ? lacking : over, most = bill_of(small, 1, false) > small->granularity ? over : least;
  for (int paid = least; paid <= most; paid++) {
    Fleet now = kept;
    for (int k = 0; k < paid; k++) now.left[now.n++] = small->granularity;
    best = with_started(small, need, t, now, spent + paid * small->granularity, best);
  }
  return best;
}

static int cheapest(const Small *small, const int *in_service, int best) {
  int need[SECONDS];
  for (int t = 0; t < small->seconds; t++) {
    need[t] = (in_service[t] + small->slots - 1) / small->slots;
    if (need[t] < small->least_units) need[t] = small->least_units;
    if (need[t] > UNITS) return best;
  }
  for (int kept = 0; kept <= small->initial; kept++) { /* initial units that go at once are billed, too */
    Fleet fleet = {0};
    int spent = 0;
    for (int k = 0; k < small->initial; k++) {
      int bill = k < kept ? bill_of(small, 1, true) : 0; /* the bound does not count one that never serves */
      spent += bill;
      if (k < kept) fleet.left[fleet.n++] = bill;
    }
    best = serve(small, need, 0, fleet, spent, best);
  }
  return best;
}

/* Jobs as placed: when each begins (-1: missed), and the unit that serves it. */
typedef struct Placed {
  int from[JOBS], unit[JOBS];
} Placed;

static bool fits(const Small *small, const Placed *placed, int j, int unit) {
  for (int t = placed->from[j]; t < placed->from[j] + small->work[j]; t++) {
    int together = 1;
    for (int i = 0; i < j; i++) together += placed->from[i] >= 0 && placed->unit[i] == unit && placed->from[i] <= t && t < placed->from[i] + small->work[i];
    if (together > small->slots) return false;
  }
  return true;
}

/* A unit is there from its first job to its last, or from 0 s if it is one of the initial ones: as many of them as there are, where most is saved. */
static int units_bill(const Small *small, const Placed *placed, int n, int units) {
  int sum = 0, saved[JOBS] = {0};
  for (int u = 0; u < units; u++) {
    int from = SECONDS, to = 0;
    for (int j = 0; j < n; j++) {
      if (placed->from[j] < 0 || placed->unit[j] != u) continue;
      if (placed->from[j] < from) from = placed->from[j];
      if (placed->from[j] + small->work[j] > to) to = placed->from[j] + small->work[j];
    }
    sum += bill_of(small, to - from, false);
    saved[u] = bill_of(small, to - from, false) - bill_of(small, to, true);
  }
  for (int k = 0; k < small->initial; k++) {
    int best = 0;
    for (int u = 1; u < units; u++) best = saved[u] > saved[best] ? u : best;
    if (units > 0 && saved[best] > 0) sum -= saved[best], saved[best] = 0;
  }
  return sum;
}

/* Each job on each unit there is, or on a new one: a job stays on its unit. */
static int on_units(const Small *small, Placed *placed, int j, int units, int best) {
  if (j >= small->n || j >= JOBS) {
    int bill = units_bill(small, placed, small->n, units);
    return bill < best ? bill : best;
  }
  if (placed->from[j] < 0) return on_units(small, placed, j + 1, units, best);
  for (int unit = 0; unit <= units; unit++) {
    if (!fits(small, placed, j, unit)) continue;
    placed->unit[j] = unit;
    best = on_units(small, placed, j + 1, units + (unit == units), best);
  }
  return best;
}

/* Job j missed, or begun at each second it may. */
static int place(const Small *small, int j, int missed, int may_miss, int *in_service, Placed *placed, int best) {
  if (j >= small->n || j >= JOBS) return small->stay ? on_units(small, placed, 0, 0, best) : cheapest(small, in_service, best);
  placed->from[j] = -1;
  if (missed < may_miss) best = place(small, j + 1, missed + 1, may_miss, in_service, placed, best);
  for (int from = small->arrival[j]; from + small->work[j] <= small->arrival[j] + small->latency; from++) {
    placed->from[j] = from;
    for (int t = from; t < from + small->work[j]; t++) in_service[t]++;
    best = place(small, j + 1, missed, may_miss, in_service, placed, best);
    for (int t = from; t < from + small->work[j]; t++) in_service[t]--;
  }
  return best;
}

/* The least bill in unit-seconds, INT32_MAX if none attains. */
static int truth(const Small *small) {
  int in_service[SECONDS] = {0}, may_miss = 0;
  while (may_miss < small->n && (double)(small->n - may_miss - 1) >= small->attainment * small->n - 1e-9) may_miss++;
  Placed placed = {0};
  return place(small, 0, 0, may_miss, in_service, &placed, INT32_MAX);
}

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

/* ---- random instances ---- */

static int below(Stream *stream, uint64_t *draw, int n) { return (int)(stream_uniform(stream, (*draw)++) * n); }

static Small random_small(Stream *stream, uint64_t *draw, int kind) {
  Small small = {.n = 1 + below(stream, draw, kind == 0 ? JOBS : 5), .latency = 1 + below(stream, draw, 4), .slots = 1 + below(stream, draw, 3), .granularity = 1, .bill_startup = true};
  int at = 0, longest = 10 - small.latency;
  for (int j = 0; j < small.n; j++) {
    at += below(stream, draw, 4) * below(stream, draw, 2);
    small.arrival[j] = at < longest ? at : longest;
    small.work[j] = 1 + below(stream, draw, small.latency + (below(stream, draw, 8) == 0));
  }
  small.seconds = 10;
  small.attainment = (double)below(stream, draw, small.n + 1) / small.n;
  if (below(stream, draw, 2)) small.attainment = 1;
  if (kind == 0) small.slots = 1;
  if (kind == 1) small.least_units = small.initial = below(stream, draw, 3);
  if (kind < 2) return small;
  small.minimum = below(stream, draw, 6);
  small.granularity = 1 + below(stream, draw, 4) * below(stream, draw, 2);
  small.startup = below(stream, draw, 3);
  small.bill_startup = below(stream, draw, 4) > 0;
  small.initial = below(stream, draw, 3);
  small.stay = kind == 2;
  if (kind == 2) return small;
  small.least_units = below(stream, draw, small.initial + 1);
  for (int j = 0; j < small.n; j++) small.work[j] = 1; /* so that moving jobs saves nothing on a unit's least bill */
  return small;
}

static void describe(const Small *small, int least, const Bound *bound) {
  print_message("n %d latency %d slots %d least %d initial %d startup %d (%d) minimum %d granularity %d attainment %g:", small->n, small->latency, small->slots, small->least_units,
                small->initial, small->startup, small->bill_startup, small->minimum, small->granularity, small->attainment);
  for (int j = 0; j < small->n; j++) print_message(" %d+%d", small->arrival[j], small->work[j]);
  print_message(": truth %d, bound %g by %s\n", least, (double)bound->lower_nano_usd / 1e9, bound_by_words(bound->by));
}

/* kind 0: a slot a unit, billed by the second: the bound is the truth. 1: more slots, a floor. 2: minimum
 * charges, granules, start-ups. 3: all that with a floor, for jobs of a second. */
static int random_instances(int kind, int n, int *equal) {
  Stream stream = stream_make(7, 3, PURPOSE_LOAD, (uint32_t)kind);
  uint64_t draw = 0;
  int proven = 0;
  *equal = 0;
  for (int k = 0; k < n; k++) {
    Small small = random_small(&stream, &draw, kind);
    Bound bound = bound_of(&small);
    int least = truth(&small);
    if (bound.status == BOUND_INFEASIBLE) {
      assert_int_equal(least, INT32_MAX);
      continue;
    }
    assert_int_equal(bound.status, BOUND_PROVEN);
    if (least == INT32_MAX) continue;
    bool above = bound.lower_nano_usd > (int64_t)least * NS_PER_S, below_truth = bound.lower_nano_usd < (int64_t)least * NS_PER_S;
    if (above || (kind == 0 && below_truth)) {
      describe(&small, least, &bound);
      fail_msg("instance %d of kind %d", k, kind);
    }
    proven++;
    *equal += !below_truth;
  }
  return proven;
}

static void never_above_the_truth(void **unused) {
  (void)unused;
  static const int many[] = {5000, 10000, 10000, 10000};
  for (int kind = 0; kind < 4; kind++) {
    int equal = 0, proven = random_instances(kind, repetitions(many[kind], 200000), &equal);
    print_message("kind %d: %d instances, the bound is the truth in %d\n", kind, proven, equal);
    assert_true(equal * 2 > proven);
    if (kind == 0) assert_int_equal(equal, proven);
  }
}

/* ---- by hand ---- */

static Small plain(int n, int latency, int slots) {
  Small small = {.n = n, .latency = latency, .slots = slots, .granularity = 1, .seconds = 10, .attainment = 1};
  for (int j = 0; j < n; j++) small.work[j] = 1;
  return small;
}
static void expect(const Small *small, double unit_s, BoundBy by) {
  Bound bound = bound_of(small);
  assert_int_equal(bound.status, BOUND_PROVEN);
  if (bound.lower_nano_usd != (int64_t)(unit_s * 1e9 + 0.5) || bound.by != by) {
    describe(small, truth(small), &bound);
    fail_msg("%g unit-seconds by %s expected", unit_s, bound_by_words(by));
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
  Small crowd = plain(JOBS, 1, 1);
  assert_int_equal(bound_of(&crowd).peak_units, JOBS);
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(work_by_hand), cmocka_unit_test(floor_by_hand), cmocka_unit_test(starts_by_hand), cmocka_unit_test(what_counts), cmocka_unit_test(after_a_warm_up),
      cmocka_unit_test(no_bound_where_none_is_proven), cmocka_unit_test(a_day_of_jobs), cmocka_unit_test(never_above_the_truth),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
