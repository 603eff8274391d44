/* The clairvoyant bound; see bound.h for the problem. Four arguments, each a lower bound on the billed unit-time by itself; the highest counts.
 * Everything is in integers, rounded down, so no rounding can lift the bound above the truth.
 *
 * Notation: m slots a unit, N(t) units ready, x(t) jobs in service that will attain ("kept"), window of job j [a_j, a_j + L], p_j its work, T
 * the length of the bill, K kept jobs at least, D = possible jobs - K that may be left out. Units ready are billed, so the bill is at least
 * the integral of N, and N(t) >= min_units, N(t) >= ceil(x(t) / m).
 *
 * Required. Let M jobs have a_j + L <= horizon (they end in time or miss) and Y be younger. A younger one counts only once ended. If f of M
 * and g <= Y attain, attainment >= q asks f + g >= q (M + g), so f >= q M - (1 - q) g >= q M - (1 - q) Y. Hence K = ceil(q M - (1 - q) Y); the
 * younger ones are served for nothing. Jobs with p_j > L cannot attain.
 *
 * FLOOR: min_units x T.
 *
 * WORK (a): charge N(t) evenly to the x(t) kept jobs in service. N/x >= 1/x if x <= m and >= 1/m if x >= m, so each pays at least
 * 1 / min(m, x(t)) while it is served; and x(t) <= D(t), the number of windows open at t. So job j pays at least p_j / min(m, max of D over its
 * window), and the bill is at least the sum of the K smallest of these.
 * WORK (b): the N - min_units units beyond the floor carry what the floor cannot. The floor's slots, as one fluid server of rate m min_units
 * that may split and preempt jobs, can do at most F of the work of all possible jobs within their windows; earliest deadline first, which is first
 * come first served as all windows are equally long, attains that maximum. So the bill is at least min_units x T + (sum of the K smallest p_j - F) / m.
 * To either, start-up time that is billed adds for each unit beyond the initial ones that there must be at the peak: it is no ready time.
 *
 * STARTS (min_units = 0): call a segment a longest stretch with N >= 1. A unit is ready within one segment; a kept job is served within one. A segment
 * that serves job i first and job k last by arrival is at least (a_k + p) - (a_i + L - p) long, p the least work of all, since i begins by a_i + L - p_i
 * and k ends no earlier than a_k + p_k. It is billed max(u, s + length) at least, with s the start-up that is billed and u the least bill of a
 * unit that serves one job. Within its range of arrivals leave jobs out for nothing (they are as good as served). The least cost over all ways to cut the
 * jobs into ranges and left-out jobs, at a price l for each left out, less l D, is a lower bound for every l >= 0 (Lagrange); the best l is found
 * by bisection, as the bound is concave in l. That ranges may be taken as disjoint: let segments come in order of time and let each take the jobs behind
 * the last job of those before it. A kept job j in between that is really served by a later segment begins after the end e of this one, so
 * a_k + p <= e <= a_j + L - p: beginning the range at j costs no more than what this segment is billed anyway.
 * Initial units have no start-up: one segment, that at 0 s, may be cheaper by max(s, u - u0), u0 the least bill without start-up.
 *
 * PEAK: jobs whose windows lie in an interval I put all their work there: at some instant of it kept jobs are in service on at least
 * (their work - D x the largest work) / (m |I|) units at once, each of which serves a whole job and is billed u0 at least. (Not on top of the
 * floor: one of these units may take another's place in it.) */
#include "sim/lab/bound.h"

#include <stdlib.h>

#include "sim/lab/bound_exact.h"

enum { FRACTION_BITS = 16 };
typedef __int128 UnitNs; /* unit-nanoseconds */

/* The jobs that count and can attain, and the prices of a unit, in the notation above. */
typedef struct Jobs {
  const BoundProblem *problem;
  int64_t *arrival_ns, *work_ns;
  int64_t n, left_out; /* possible jobs; D */
  int64_t least_ns, most_ns; /* work */
  int64_t startup_ns, unit_bill_ns, initial_bill_ns; /* s, u, u0 */
} Jobs;

static int64_t rounded_to(int64_t billed_ns, int64_t granularity_ns) {
  int64_t over = billed_ns % granularity_ns;
  return over ? billed_ns + (granularity_ns - over) : billed_ns;
}
static int64_t higher(int64_t a, int64_t b) { return a > b ? a : b; }
static UnitNs higher_of(UnitNs a, UnitNs b) { return a > b ? a : b; }

/* K of the comment above, less a hair where doubles might have lifted it. */
int64_t bound_required(const BoundProblem *problem, int64_t counted, int64_t younger) {
  double q = problem->objective_attainment_ratio;
  double least = q * (double)counted - (1 - q) * (double)younger;
  least -= 1e-9 * (1 + (double)counted);
  if (!(least > 0)) return 0;
  int64_t down = (int64_t)least;
  return (double)down < least ? down + 1 : down;
}

static Jobs jobs_of(Arena *arena, const BoundProblem *problem, Bound *bound) {
  Jobs jobs = {.problem = problem, .least_ns = INT64_MAX};
  int64_t younger = 0;
  jobs.arrival_ns = ARENA_ARRAY(arena, int64_t, problem->n_jobs);
  jobs.work_ns = ARENA_ARRAY(arena, int64_t, problem->n_jobs);
  for (size_t j = 0; j < problem->n_jobs; j++) {
    int64_t at_ns = problem->arrival_ns[j], work_ns = problem->work_ns[j];
    if (at_ns < problem->start_ns || at_ns >= problem->horizon_ns) continue;
    if (problem->horizon_ns - at_ns < problem->objective_latency_ns) {
      younger++;
      continue;
    }
    bound->jobs_counted++;
    if (work_ns > problem->objective_latency_ns) continue;
    jobs.arrival_ns[jobs.n] = at_ns;
    jobs.work_ns[jobs.n++] = work_ns;
    if (work_ns < jobs.least_ns) jobs.least_ns = work_ns;
    if (work_ns > jobs.most_ns) jobs.most_ns = work_ns;
  }
  bound->jobs_possible = jobs.n;
  bound->jobs_required = bound_required(problem, bound->jobs_counted, younger);
  jobs.left_out = jobs.n - bound->jobs_required;
  return jobs;
}

/* With a warm-up, what is billed beyond ready time may have been booked before it: then only ready time counts. */
static void unit_prices(Jobs *jobs) {
  const BoundProblem *problem = jobs->problem;
  bool all = problem->start_ns == 0;
  int64_t minimum_ns = all ? problem->minimum_charge_ns : 0, granularity_ns = all ? problem->granularity_ns : 1;
  jobs->startup_ns = all && problem->bill_startup ? problem->startup_ns : 0;
  jobs->unit_bill_ns = rounded_to(higher(minimum_ns, jobs->startup_ns + jobs->least_ns), granularity_ns);
  jobs->initial_bill_ns = rounded_to(higher(minimum_ns, jobs->least_ns), granularity_ns);
}

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static UnitNs sum_of_smallest(int64_t *value, int64_t n, int64_t k) {
  UnitNs sum = 0;
  qsort(value, (size_t)n, sizeof *value, compare);
  for (int64_t j = 0; j < k; j++) sum += value[j];
  return sum;
}

/* share[j] = p_j / min(m, most windows open at once within j's), in 2^-bits ns. The most of a sliding window is kept as a queue of falling values. */
static void least_shares(Arena *arena, const Jobs *jobs, int bits, int64_t *share) {
  const int64_t latency_ns = jobs->problem->objective_latency_ns, slots = jobs->problem->slots_per_unit;
  int64_t *open = ARENA_ARRAY(arena, int64_t, (size_t)jobs->n), *queue = ARENA_ARRAY(arena, int64_t, (size_t)jobs->n);
  for (int64_t k = 0, first = 0; k < jobs->n; k++) {
    while (jobs->arrival_ns[first] + latency_ns <= jobs->arrival_ns[k]) first++;
    open[k] = k - first + 1;
  }
  int64_t head = 0, tail = 0, next = 0;
  for (int64_t j = 0; j < jobs->n; j++) {
    for (; next < jobs->n && jobs->arrival_ns[next] < jobs->arrival_ns[j] + latency_ns; next++) {
      while (tail > head && open[queue[tail - 1]] <= open[next]) tail--;
      queue[tail++] = next;
    }
    while (queue[head] < j) head++;
    int64_t together = open[queue[head]] < slots ? open[queue[head]] : slots;
    share[j] = (int64_t)(((UnitNs)jobs->work_ns[j] << bits) / together);
  }
}

static UnitNs by_shares(Arena *arena, const Jobs *jobs) {
  int64_t *share = ARENA_ARRAY(arena, int64_t, (size_t)jobs->n);
  int bits = FRACTION_BITS; /* fewer where jobs take days */
  while (jobs->most_ns >> (62 - bits)) bits--;
  least_shares(arena, jobs, bits, share);
  return sum_of_smallest(share, jobs->n, jobs->n - jobs->left_out) >> bits;
}

/* F: the work that a fluid server of `slots` gets done within the windows. Its clock is kept in slot-nanoseconds, so nothing is rounded. */
static UnitNs work_of_floor(const Jobs *jobs, int64_t slots) {
  UnitNs done = 0, clock = 0;
  for (int64_t j = 0; j < jobs->n; j++) {
    UnitNs from = higher_of(clock, (UnitNs)jobs->arrival_ns[j] * slots);
    UnitNs room = (UnitNs)(jobs->arrival_ns[j] + jobs->problem->objective_latency_ns) * slots - from;
    if (room <= 0) continue;
    UnitNs work = room < jobs->work_ns[j] ? room : jobs->work_ns[j];
    done += work;
    clock = from + work;
  }
  return done;
}

static UnitNs beyond_floor(Arena *arena, const Jobs *jobs) {
  const BoundProblem *problem = jobs->problem;
  int64_t *work = ARENA_ARRAY(arena, int64_t, (size_t)jobs->n);
  for (int64_t j = 0; j < jobs->n; j++) work[j] = jobs->work_ns[j];
  UnitNs kept = sum_of_smallest(work, jobs->n, jobs->n - jobs->left_out);
  UnitNs done = problem->min_units > 0 ? work_of_floor(jobs, problem->min_units * problem->slots_per_unit) : 0;
  return kept > done ? (kept - done) / problem->slots_per_unit : 0;
}

/* The least cost of covering all jobs by segments at `price` for each job left out. best[k]: of the first k jobs, which never falls with k. */
static UnitNs segments_cost(const Jobs *jobs, int64_t price_ns, UnitNs *best) {
  const int64_t slack_ns = 2 * jobs->least_ns - jobs->problem->objective_latency_ns + jobs->startup_ns;
  UnitNs longest = 0; /* least best[i] - a_i over ranges that are billed by length */
  bool has_longest = false;
  best[0] = 0;
  for (int64_t k = 0, i = 0; k < jobs->n; k++) {
    for (; i < k && jobs->arrival_ns[k] - jobs->arrival_ns[i] + slack_ns > jobs->unit_bill_ns; i++) {
      UnitNs here = best[i] - jobs->arrival_ns[i];
      if (!has_longest || here < longest) longest = here;
      has_longest = true;
    }
    UnitNs cost = best[i] + jobs->unit_bill_ns; /* ranges that begin later cost no less */
    if (has_longest && longest + jobs->arrival_ns[k] + slack_ns < cost) cost = longest + jobs->arrival_ns[k] + slack_ns;
    best[k + 1] = best[k] + price_ns < cost ? best[k] + price_ns : cost;
  }
  return best[jobs->n];
}

/* One segment for all jobs: more than that the argument on starts cannot give. */
static UnitNs most_by_starts(const Jobs *jobs) {
  UnitNs length = (UnitNs)jobs->arrival_ns[jobs->n - 1] - jobs->arrival_ns[0] + 2 * jobs->least_ns - jobs->problem->objective_latency_ns + jobs->startup_ns;
  return higher_of(length, jobs->unit_bill_ns);
}

static UnitNs by_starts(Arena *arena, const Jobs *jobs) {
  UnitNs *best = ARENA_ARRAY(arena, UnitNs, (size_t)jobs->n + 1);
  int64_t low = 0, high = jobs->unit_bill_ns; /* above that nothing is left out */
  if (jobs->left_out == 0) low = high;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    UnitNs here = segments_cost(jobs, middle, best) - (UnitNs)middle * jobs->left_out;
    UnitNs next = segments_cost(jobs, middle + 1, best) - (UnitNs)(middle + 1) * jobs->left_out;
    if (next > here) low = middle + 1;
    else high = middle;
  }
  UnitNs cost = segments_cost(jobs, low, best) - (UnitNs)low * jobs->left_out;
  if (jobs->problem->initial_units > 0) cost -= higher(jobs->startup_ns, jobs->unit_bill_ns - jobs->initial_bill_ns);
  return cost;
}

/* Units that the work of jobs first..last, all within their common interval, needs at some instant. */
static int64_t units_for(const Jobs *jobs, UnitNs work, int64_t interval_ns) {
  UnitNs must = work - (UnitNs)jobs->left_out * jobs->most_ns, room = (UnitNs)jobs->problem->slots_per_unit * interval_ns;
  return must > 0 ? (int64_t)((must + room - 1) / room) : 0;
}

/* All pairs of a few jobs; else intervals of the objective times 1, 3/2, 2, 3, 4, 6 ... */
static int64_t peak_units(const Jobs *jobs) {
  enum { FEW = 256 };
  const int64_t latency_ns = jobs->problem->objective_latency_ns, span_ns = jobs->problem->horizon_ns - jobs->problem->start_ns;
  int64_t peak = jobs->n > jobs->left_out ? 1 : 0;
  for (int64_t i = 0; i < jobs->n && jobs->n <= FEW; i++) {
    UnitNs work = 0;
    for (int64_t k = i; k < jobs->n; k++) {
      work += jobs->work_ns[k];
      peak = higher(peak, units_for(jobs, work, jobs->arrival_ns[k] + latency_ns - jobs->arrival_ns[i]));
    }
  }
  for (int64_t base_ns = latency_ns; base_ns <= span_ns && jobs->n > FEW; base_ns *= 2) {
    for (int half = 0; half < 2; half++) {
      int64_t interval_ns = half ? base_ns + base_ns / 2 : base_ns;
      UnitNs work = 0;
      for (int64_t i = 0, next = 0; i < jobs->n; i++) {
        for (; next < jobs->n && jobs->arrival_ns[next] + latency_ns <= jobs->arrival_ns[i] + interval_ns; next++) work += jobs->work_ns[next];
        peak = higher(peak, units_for(jobs, work, interval_ns));
        work -= jobs->work_ns[i];
      }
    }
    if (base_ns > span_ns / 2) break;
  }
  return peak;
}

static void offer(Bound *bound, UnitNs *highest, UnitNs unit_ns, BoundBy by) {
  if (unit_ns <= *highest) return;
  *highest = unit_ns;
  bound->by = by;
}

static const char *unfit(const BoundProblem *problem) {
  const int64_t longest_ns = INT64_C(1) << 58; /* 9 years; sums of a few never overflow */
  if (problem->objective_latency_ns <= 0) return "there is no latency objective";
  if (problem->slots_per_unit < 1 || problem->slots_per_unit > 1000000000) return "a unit has no slots that can be counted";
  if (problem->min_units < 0 || problem->max_units < problem->min_units || problem->max_units > 1000000000) return "the bounds of units say nothing";
  if (problem->start_ns < 0 || problem->horizon_ns <= problem->start_ns || problem->horizon_ns > longest_ns) return "the horizon is empty or too far";
  if (problem->objective_latency_ns > longest_ns || problem->startup_ns < 0 || problem->startup_ns > longest_ns || problem->minimum_charge_ns < 0 ||
      problem->minimum_charge_ns > longest_ns || problem->granularity_ns < 1 || problem->granularity_ns > longest_ns)
    return "a time is out of range";
  if (problem->nano_usd_per_h < 0 || !(problem->objective_attainment_ratio >= 0 && problem->objective_attainment_ratio <= 1)) return "a price or a share is out of range";
  for (size_t j = 0; j < problem->n_jobs; j++)
    if (problem->work_ns[j] < 0 || problem->arrival_ns[j] < 0 || (j > 0 && problem->arrival_ns[j] < problem->arrival_ns[j - 1]))
      return "arrivals do not ascend, or work is negative";
  return NULL;
}

static UnitNs best_argument(Arena *arena, const Jobs *jobs, Bound *bound) {
  const BoundProblem *problem = jobs->problem;
  UnitNs floor = (UnitNs)problem->min_units * (problem->horizon_ns - problem->start_ns), highest = floor;
  bound->by = BOUND_BY_FLOOR;
  bound->peak_units = problem->min_units;
  if (bound->jobs_required == 0) return highest;
  int64_t peak = peak_units(jobs);
  bound->peak_units = higher(peak, problem->min_units);
  UnitNs started = (UnitNs)jobs->startup_ns * higher(peak - higher(problem->initial_units, problem->min_units), 0);
  offer(bound, &highest, by_shares(arena, jobs) + started, BOUND_BY_WORK);
  offer(bound, &highest, floor + beyond_floor(arena, jobs) + started, BOUND_BY_WORK);
  offer(bound, &highest, (UnitNs)jobs->initial_bill_ns * peak, BOUND_BY_PEAK);
  if (problem->min_units == 0 && highest < most_by_starts(jobs)) offer(bound, &highest, by_starts(arena, jobs), BOUND_BY_STARTS);
  return highest;
}

void bound_lower(Arena *arena, const BoundProblem *problem, Bound *bound) {
  const int64_t ns_per_h = INT64_C(3600000000000);
  *bound = (Bound){.status = BOUND_NONE, .why = unfit(problem)};
  if (bound->why) return;
  Jobs jobs = jobs_of(arena, problem, bound);
  if (bound->jobs_required > jobs.n) {
    *bound = (Bound){BOUND_INFEASIBLE, "too many jobs are longer than the objective", .jobs_counted = bound->jobs_counted, .jobs_possible = jobs.n, .jobs_required = bound->jobs_required};
    return;
  }
  if (jobs.n == 0) jobs.least_ns = 0;
  unit_prices(&jobs);
  UnitNs unit_ns = best_argument(arena, &jobs, bound);
  bound->status = BOUND_PROVEN;
  bound->why = "proven";
  if (bound->peak_units > problem->max_units) {
    bound->status = BOUND_INFEASIBLE;
    bound->why = "more units are needed at the peak than there may be";
    return;
  }
  UnitNs least_ns = 0;
  ExactStatus exact = bound_exact(arena, problem, &least_ns);
  if (exact == EXACT_INFEASIBLE) {
    bound->status = BOUND_INFEASIBLE;
    bound->why = "no plan reaches the objective: all were searched";
    return;
  }
  bound->exact = exact == EXACT_FOUND;
  if (bound->exact) offer(bound, &unit_ns, least_ns, BOUND_BY_SEARCH);
  UnitNs nano_usd = unit_ns / ns_per_h * problem->nano_usd_per_h + unit_ns % ns_per_h * problem->nano_usd_per_h / ns_per_h;
  bound->lower_nano_usd = nano_usd > INT64_MAX ? INT64_MAX : (int64_t)nano_usd;
}

const char *bound_by_words(BoundBy by) {
  switch (by) {
  case BOUND_BY_FLOOR: return "the minimum of units all the time";
  case BOUND_BY_WORK: return "the work of the shortest jobs, in units as full as they can be";
  case BOUND_BY_STARTS: return "units that must be started and are billed at least so long";
  case BOUND_BY_PEAK: return "units that must be there at the peak";
  case BOUND_BY_SEARCH: return "exact search";
  }
  return "";
}
