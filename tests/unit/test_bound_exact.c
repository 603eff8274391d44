/* The clairvoyant bound against the truth on small instances of the problem that sim/lab/bound.h states. The truth knows nothing of the solver: it writes
 * down every set of units (each from one whole second to another) in order of their bill, and for each tries every unit and every second for every job, until
 * one attains. Nothing is inferred, apart from this: with no floor a unit that serves nobody is left out. */
#include "sim/lab/bound.h"

#include <stdio.h>
#include <string.h>

#include "sim/core/rng.h"
#include "sim/core/time.h"
#include "tests/testing.h"

enum { SECONDS = 10, JOBS = 5, UNITS = 64, KINDS = 2 * SECONDS * SECONDS };
static const int64_t dollar_an_hour = 3600000000000; /* of a unit: a nano-dollar for each nanosecond */

/* A small instance in seconds. */
typedef struct Small {
  int n, arrival[JOBS], work[JOBS];
  int latency, slots, least_units, most_units, initial, startup, minimum, granularity, start, end;
  int share, of; /* attainment */
  bool bill_startup, by_ns; /* by_ns: billed by the nanosecond, which at whole seconds is the same as by the second */
} Small;

/* ---- the truth ---- */

/* A unit: ready in [from, to). */
typedef struct Unit {
  int from, to, bill;
  bool initial;
} Unit;

typedef struct Truth {
  const Small *small;
  int n_kinds, n, covered[SECONDS], initial; /* units ready at each second; initial ones so far */
  Unit kind[KINDS], unit[UNITS];
  int load[UNITS][SECONDS]; /* jobs in service */
} Truth;

static bool counts(const Small *small, int j) { return small->arrival[j] >= small->start && small->arrival[j] < small->end; }
static bool is_young(const Small *small, int j) { return small->arrival[j] + small->latency > small->end; }

/* So many attain; a young job that does not is no miss. */
static bool attains(const Small *small, int attained, int attained_young) {
  int all = attained_young;
  for (int j = 0; j < small->n; j++) all += counts(small, j) && !is_young(small, j);
  return (attained + attained_young) * small->of >= small->share * all;
}

/* Even if all from job j on did. */
static bool may_attain(const Small *small, int j, int attained, int attained_young) {
  for (; j < small->n; j++) {
    if (!counts(small, j)) continue;
    if (is_young(small, j)) attained_young++;
    else attained++;
  }
  return attains(small, attained, attained_young);
}

static bool free_slot(const Truth *truth, int u, int from, int work) {
  for (int t = from; t < from + work; t++)
    if (truth->load[u][t] >= truth->small->slots) return false;
  return true;
}

static void take(Truth *truth, int u, int from, int work, int change) {
  for (int t = from; t < from + work; t++) truth->load[u][t] += change;
}

/* Job j and those behind it on any unit from any second, or missed. */
static bool can_serve(Truth *truth, int j, int attained, int attained_young) {
  const Small *small = truth->small;
  if (j >= small->n || j >= JOBS) return attains(small, attained, attained_young);
  if (!counts(small, j)) return can_serve(truth, j + 1, attained, attained_young);
  if (!may_attain(small, j, attained, attained_young)) return false;
  for (int u = 0; u < truth->n; u++) {
    int work = small->work[j], last = small->arrival[j] + small->latency - work;
    if (last > truth->unit[u].to - work) last = truth->unit[u].to - work;
    for (int from = small->arrival[j] > truth->unit[u].from ? small->arrival[j] : truth->unit[u].from; from <= last; from++) {
      if (!free_slot(truth, u, from, work)) continue;
      take(truth, u, from, work, 1);
      bool can = can_serve(truth, j + 1, attained + !is_young(small, j), attained_young + is_young(small, j));
      take(truth, u, from, work, -1);
      if (can) return true;
    }
  }
  return can_serve(truth, j + 1, attained, attained_young);
}

static int bill_of(const Small *small, int ready, bool initial) {
  if (small->start > 0) return ready; /* after a warm-up */
  int billed = ready + (small->bill_startup && !initial ? small->startup : 0);
  if (billed < small->minimum) billed = small->minimum;
  return (billed + small->granularity - 1) / small->granularity * small->granularity;
}

/* All units there can be, by their begin. */
static void list_kinds(Truth *truth) {
  const Small *small = truth->small;
  for (int from = small->start; from < small->end; from++)
    for (int to = from + 1; to <= small->end; to++)
      for (int initial = 0; initial <= (from == 0 && small->initial > 0); initial++)
        truth->kind[truth->n_kinds++] = (Unit){from, to, bill_of(small, to - from, initial), initial};
}

/* Seconds in [from, to) that lack units, each counted as often as it lacks one. */
static int lacking(const Truth *truth, int from, int to) {
  int sum = 0;
  for (int t = from; t < to; t++) sum += truth->covered[t] < truth->small->least_units ? truth->small->least_units - truth->covered[t] : 0;
  return sum;
}

static bool add(Truth *truth, const Unit *unit) {
  bool room = truth->n < UNITS;
  if (room) truth->unit[truth->n] = *unit;
  truth->n++, truth->initial += unit->initial;
  for (int t = unit->from; t < unit->to; t++) room &= ++truth->covered[t] <= truth->small->most_units;
  return room && truth->initial <= truth->small->initial;
}

static void drop(Truth *truth) {
  const Unit *unit = &truth->unit[--truth->n];
  truth->initial -= unit->initial;
  for (int t = unit->from; t < unit->to; t++) truth->covered[t]--;
}

/* Whether units of kind k and later that are billed just `left` can be added so that it attains. */
static bool with_units(Truth *truth, int k, int left) {
  const Small *small = truth->small;
  if (left == 0) return lacking(truth, small->start, small->end) == 0 && can_serve(truth, 0, 0, 0);
  if (small->least_units == 0 && truth->n == small->n) return false;
  for (; k < truth->n_kinds; k++) {
    const Unit *kind = &truth->kind[k];
    if (lacking(truth, small->start, kind->from) > 0) return false; /* whoever comes later begins later */
    if (kind->bill > left || lacking(truth, kind->from, small->end) > left) continue; /* a unit's bill is at least its time */
    bool can = add(truth, kind) && with_units(truth, k, left - kind->bill);
    drop(truth);
    if (can) return true;
  }
  return false;
}

/* As many units as may serve, all the time. */
static bool feasible(Truth *truth) {
  const Small *small = truth->small;
  int most = small->most_units < small->n + small->least_units ? small->most_units : small->n + small->least_units;
  const Unit always = {small->start, small->end, 0, false};
  for (int u = 0; u < most; u++) add(truth, &always);
  bool can = can_serve(truth, 0, 0, 0);
  while (truth->n > 0) drop(truth);
  return can;
}

/* The least bill in unit-seconds, -1 if none attains. */
static int least_bill(const Small *small) {
  Truth truth = {.small = small};
  if (!feasible(&truth)) return -1;
  list_kinds(&truth);
  int bill = small->least_units * (small->end - small->start);
  while (!with_units(&truth, 0, bill)) bill++;
  return bill;
}

/* ---- the bound ---- */

static Bound bound_of(const Small *small) {
  Arena arena = {0};
  int64_t arrival_ns[JOBS], work_ns[JOBS];
  for (int j = 0; j < small->n; j++) {
    arrival_ns[j] = small->arrival[j] * NS_PER_S;
    work_ns[j] = small->work[j] * NS_PER_S;
  }
  const BoundProblem problem = {.arrival_ns = arrival_ns, .work_ns = work_ns, .n_jobs = (size_t)small->n, .start_ns = small->start * NS_PER_S, .horizon_ns = small->end * NS_PER_S,
                                .objective_latency_ns = small->latency * NS_PER_S, .objective_attainment_ratio = (double)small->share / small->of,
                                .slots_per_unit = small->slots, .min_units = small->least_units, .max_units = small->most_units, .initial_units = small->initial,
                                .nano_usd_per_h = dollar_an_hour, .startup_ns = small->startup * NS_PER_S, .bill_startup = small->bill_startup,
                                .minimum_charge_ns = small->minimum * NS_PER_S, .granularity_ns = small->by_ns ? 1 : small->granularity * NS_PER_S};
  Bound bound;
  bound_lower(&arena, &problem, &bound);
  arena_free(&arena);
  return bound;
}

/* ---- random instances ---- */

typedef struct Draws {
  Stream stream;
  uint64_t n;
} Draws;

static int below(Draws *draws, int n) { return (int)(stream_uniform(&draws->stream, draws->n++) * n); }

typedef enum Class { ONE_SLOT, SLOTS, CHARGES, FLOOR, CEILING, LEFT_OUT, WARM_UP, YOUNG, HALVES, MIX, CLASSES } Class;
static const char *const class_name[CLASSES] = {"one slot", "several slots", "charges and initial units", "floor", "maximum", "jobs left out", "warm-up", "young jobs", "half steps", "mix"};
static bool among(Class class, unsigned set) { return class == MIX || (set >> class & 1) != 0; }

static void draw_jobs(Draws *draws, Class class, Small *small) {
  int latest = small->end - (among(class, 1 << YOUNG) && below(draws, 3) ? 1 : small->latency), at = 0;
  for (int j = 0; j < small->n; j++) {
    at += below(draws, 4) * below(draws, 2);
    small->arrival[j] = at < latest ? at : latest;
    small->work[j] = 1 + below(draws, small->latency + (below(draws, 8) == 0));
  }
}

static void draw_charges(Draws *draws, Small *small) {
  small->minimum = below(draws, 6);
  small->granularity = 1 + below(draws, 4) * below(draws, 2);
  small->startup = below(draws, 3);
  small->bill_startup = below(draws, 4) > 0;
  small->initial = below(draws, 3);
}

/* All in double seconds, as the truth has single ones. */
static void double_all(Small *small) {
  for (int j = 0; j < small->n; j++) small->arrival[j] *= 2, small->work[j] *= 2;
  small->latency *= 2, small->startup *= 2, small->minimum *= 2, small->granularity *= 2, small->end *= 2;
}

static Small random_small(Draws *draws, Class class) {
  const int most = class == HALVES ? 3 : below(draws, 3) ? JOBS - 1 : JOBS;
  Small small = {.n = 1 + below(draws, most), .slots = 1, .most_units = 20, .granularity = 1, .share = 1, .of = 1};
  small.end = class == HALVES ? 4 : class == FLOOR ? 6 : class == MIX ? 7 : 8;
  small.latency = 1 + below(draws, class == HALVES ? 3 : 4);
  draw_jobs(draws, class, &small);
  if (among(class, 1 << SLOTS | 1 << FLOOR | 1 << CEILING | 1 << HALVES | 1 << YOUNG)) small.slots = 1 + below(draws, 4);
  if (among(class, 1 << CHARGES | 1 << WARM_UP | 1 << HALVES) || (class == CEILING && below(draws, 2))) draw_charges(draws, &small);
  if (among(class, 1 << FLOOR) || (class == HALVES && below(draws, 2))) {
    small.least_units = below(draws, 3);
    small.initial = below(draws, 4);
  }
  if (among(class, 1 << CEILING)) {
    small.most_units = 1 + below(draws, 3);
    if (small.most_units < small.least_units) small.most_units = small.least_units;
  }
  if (among(class, 1 << LEFT_OUT | 1 << YOUNG | 1 << CEILING)) {
    small.of = 1 + below(draws, 6);
    small.share = small.of - below(draws, small.of > 2 ? 3 : small.of);
  }
  if (class == WARM_UP || (class == MIX && below(draws, 4) == 0)) small.start = below(draws, 4);
  small.by_ns = small.granularity == 1 && below(draws, 2);
  if (class == HALVES) double_all(&small);
  return small;
}

static void describe(const Small *small, int least, const Bound *bound) {
  print_message("n %d latency %d slots %d units %d..%d initial %d startup %d (%d) minimum %d granularity %d (%d) attainment %d/%d in %d..%d:", small->n, small->latency, small->slots,
                small->least_units, small->most_units, small->initial, small->startup, small->bill_startup, small->minimum, small->granularity, small->by_ns, small->share, small->of,
                small->start, small->end);
  for (int j = 0; j < small->n; j++) print_message(" %d+%d", small->arrival[j], small->work[j]);
  print_message(": truth %d, bound %g by %s (%s)\n", least, (double)bound->lower_nano_usd / 1e9, bound_by_words(bound->by), bound->why);
}

typedef struct Count {
  int n, infeasible, equal, alone; /* alone: the arguments of bound.c give as much */
} Count;

static void check_one(const Small *small, Count *count) {
  Bound bound = bound_of(small);
  int least = least_bill(small);
  bool none = least < 0, equal = none ? bound.status == BOUND_INFEASIBLE : bound.status == BOUND_PROVEN && bound.exact && bound.lower_nano_usd == least * NS_PER_S;
  count->n++, count->infeasible += none, count->equal += equal;
  count->alone += !none && bound.by != BOUND_BY_SEARCH;
  if (!equal) describe(small, least, &bound);
}

static void the_bound_is_the_truth(void **unused) {
  (void)unused;
  Count all = {0};
  for (Class class = 0; class < CLASSES; class++) {
    Draws draws = {.stream = stream_make(7, 4, PURPOSE_LOAD, (uint32_t)class)};
    Count count = {0};
    for (int n = repetitions(300, 20000); n > 0 && count.n - count.equal < 5; n--) {
      Small small = random_small(&draws, class);
      check_one(&small, &count);
    }
    print_message("%s: equal in %d of %d (%d of them infeasible; by the arguments alone %d)\n", class_name[class], count.equal, count.n, count.infeasible, count.alone);
    all.n += count.n, all.equal += count.equal, all.infeasible += count.infeasible, all.alone += count.alone;
  }
  print_message("in all: equal in %d of %d (%d of them infeasible; by the arguments alone %d)\n", all.equal, all.n, all.infeasible, all.alone);
  assert_int_equal(all.equal, all.n);
  assert_true(all.infeasible > 0 && all.alone < all.n - all.infeasible);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_bound_is_the_truth)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
