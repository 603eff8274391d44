/* Search for a plan that attains at little cost; see plan.h. Greedy: units for the work that comes in each period, more where jobs miss until
 * enough attain, then fewer wherever they can be spared, in blocks of falling width. */
#include "sim/lab/plan.h"

#include <string.h>

typedef struct Model {
  const BoundProblem *problem;
  int64_t *ends_ns;  /* of jobs in service, a heap, least first */
  int64_t n_busy;
  int64_t *carried;  /* jobs in service at the start of each period, as differences */
  int64_t *peak;     /* most in service when one begins, in each period */
} Model;

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static void heap_put(Model *model, int64_t end_ns) {
  int64_t k = model->n_busy++;
  for (; k > 0 && model->ends_ns[(k - 1) / 2] > end_ns; k = (k - 1) / 2) model->ends_ns[k] = model->ends_ns[(k - 1) / 2];
  model->ends_ns[k] = end_ns;
}

static void heap_take(Model *model) {
  int64_t last = model->ends_ns[--model->n_busy], k = 0;
  for (;;) {
    int64_t child = 2 * k + 1;
    if (child >= model->n_busy) break;
    if (child + 1 < model->n_busy && model->ends_ns[child + 1] < model->ends_ns[child]) child++;
    if (model->ends_ns[child] >= last) break;
    model->ends_ns[k] = model->ends_ns[child];
    k = child;
  }
  model->ends_ns[k] = last;
}

static int64_t period_at(const Plan *plan, int64_t at_ns) { return smaller(at_ns / plan->period_ns, plan->n_periods - 1); }

/* When the next job in turn begins, not before `from_ns`; the horizon if it does not. */
static int64_t begin_at(Model *model, const Plan *plan, int64_t from_ns) {
  const int64_t horizon_ns = model->problem->horizon_ns;
  int64_t at_ns = from_ns;
  while (at_ns < horizon_ns) {
    while (model->n_busy > 0 && model->ends_ns[0] <= at_ns) heap_take(model);
    int64_t k = period_at(plan, at_ns);
    if (model->n_busy < plan->units[k] * model->problem->slots_per_unit) return at_ns;
    int64_t next_ns = k + 1 < plan->n_periods ? (k + 1) * plan->period_ns : horizon_ns;
    at_ns = model->n_busy > 0 ? smaller(next_ns, model->ends_ns[0]) : next_ns;
  }
  return horizon_ns;
}

static void note_service(Model *model, const Plan *plan, int64_t begin_ns, int64_t end_ns) {
  int64_t first = period_at(plan, begin_ns), last = end_ns > begin_ns ? period_at(plan, end_ns - 1) : first;
  heap_put(model, end_ns);
  model->peak[first] = larger(model->peak[first], model->n_busy);
  model->carried[first + 1]++; /* periods first + 1 .. last */
  model->carried[last + 1]--;
}

static int64_t rounded_bill(const BoundProblem *problem, int64_t ready_ns, bool initial) {
  int64_t billed_ns = larger(ready_ns + (problem->bill_startup && !initial ? problem->startup_ns : 0), problem->minimum_charge_ns);
  int64_t over = billed_ns % problem->granularity_ns;
  return over ? billed_ns + (problem->granularity_ns - over) : billed_ns;
}

/* Units really there in a period: what the plan says and what jobs still hold. Each level of units is billed from up to down. */
static int64_t bill_nano_usd(const Model *model, const Plan *plan) {
  const BoundProblem *problem = model->problem;
  int64_t *units = model->peak, in_service = 0, highest = problem->initial_units;
  for (int64_t k = 0; k < plan->n_periods; k++) {
    in_service += model->carried[k];
    int64_t jobs = larger(units[k], in_service);
    units[k] = larger(plan->units[k], (jobs + problem->slots_per_unit - 1) / problem->slots_per_unit);
    highest = larger(highest, units[k]);
  }
  __int128 sum_ns = 0;
  for (int64_t level = 0; level < highest; level++) {
    bool initial = level < problem->initial_units;
    int64_t since_ns = initial ? 0 : -1;
    for (int64_t k = 0; k <= plan->n_periods; k++) {
      int64_t at_ns = smaller(k * plan->period_ns, problem->horizon_ns);
      bool up = k < plan->n_periods && units[k] > level;
      if (up && since_ns < 0) since_ns = at_ns;
      if (up || since_ns < 0) continue;
      sum_ns += rounded_bill(problem, at_ns - since_ns, initial && since_ns == 0);
      since_ns = -1;
    }
  }
  __int128 nano_usd = sum_ns * problem->nano_usd_per_h / INT64_C(3600000000000);
  return nano_usd > INT64_MAX ? INT64_MAX : (int64_t)nano_usd;
}

static Model model_new(Arena *arena, const BoundProblem *problem, int64_t n_periods) {
  return (Model){.problem = problem, .ends_ns = ARENA_ARRAY(arena, int64_t, problem->n_jobs), .carried = ARENA_ARRAY(arena, int64_t, (size_t)n_periods + 2),
                 .peak = ARENA_ARRAY(arena, int64_t, (size_t)n_periods)};
}

/* First come, first served. Attainment as bound.h counts it: a job that neither ended nor had to counts neither way. */
static PlanOutcome model_run(Model *model, const Plan *plan, int64_t *missed) {
  const BoundProblem *problem = model->problem;
  int64_t attained = 0, counted = 0, turn_ns = 0;
  model->n_busy = 0;
  memset(model->carried, 0, ((size_t)plan->n_periods + 2) * sizeof(int64_t));
  memset(model->peak, 0, (size_t)plan->n_periods * sizeof(int64_t));
  if (missed) memset(missed, 0, (size_t)plan->n_periods * sizeof(int64_t));
  for (size_t j = 0; j < problem->n_jobs && problem->arrival_ns[j] < problem->horizon_ns; j++) {
    const int64_t came_ns = problem->arrival_ns[j];
    turn_ns = begin_at(model, plan, larger(turn_ns, came_ns));
    int64_t end_ns = turn_ns + problem->work_ns[j];
    if (turn_ns < problem->horizon_ns) note_service(model, plan, turn_ns, smaller(end_ns, problem->horizon_ns));
    bool ended = turn_ns < problem->horizon_ns && end_ns <= problem->horizon_ns;
    if (came_ns < problem->start_ns || (!ended && problem->horizon_ns - came_ns < problem->objective_latency_ns)) continue;
    bool in_time = ended && end_ns - came_ns <= problem->objective_latency_ns;
    counted++;
    attained += in_time;
    if (missed && !in_time) missed[period_at(plan, came_ns)]++;
  }
  double ratio = counted > 0 ? (double)attained / (double)counted : 1;
  return (PlanOutcome){true, ratio, bill_nano_usd(model, plan)};
}

PlanOutcome plan_model(Arena *arena, const BoundProblem *problem, const Plan *plan, int64_t *missed) {
  Model model = model_new(arena, problem, plan->n_periods);
  return model_run(&model, plan, missed);
}

/* ---- the search ---- */

typedef struct Search {
  Arena *arena;
  const BoundProblem *problem;
  Model model;
  Plan plan;
  int64_t *missed, *saved; /* [n_periods] */
  int trials, trials_most;
} Search;

static PlanOutcome try_plan(Search *search) {
  search->trials++;
  return model_run(&search->model, &search->plan, search->missed);
}

/* For each period the units that the work coming in it fills. */
static void first_plan(Search *search) {
  const BoundProblem *problem = search->problem;
  Plan *plan = &search->plan;
  __int128 room = (__int128)plan->period_ns * problem->slots_per_unit, work = 0;
  size_t j = 0;
  for (int64_t k = 0; k < plan->n_periods; k++, work = 0) {
    for (; j < problem->n_jobs && problem->arrival_ns[j] < problem->horizon_ns && period_at(plan, problem->arrival_ns[j]) == k; j++) work += problem->work_ns[j];
    __int128 units = (work + room - 1) / room;
    plan->units[k] = larger(problem->min_units, units > problem->max_units ? problem->max_units : (int64_t)units);
  }
}

/* The period with the fewest units in which a job that came in period k might still begin; an earlier one where these are full; -1: none. */
static int64_t period_to_raise(const Search *search, int64_t k) {
  const Plan *plan = &search->plan;
  const int64_t most = search->problem->max_units;
  int64_t last = period_at(plan, smaller((k + 1) * plan->period_ns, search->problem->horizon_ns) - 1 + search->problem->objective_latency_ns), at = k;
  for (int64_t p = k; p <= last; p++)
    if (plan->units[p] < plan->units[at]) at = p;
  while (at >= 0 && plan->units[at] >= most) at--;
  return at;
}

/* One more unit where at least half as many miss as in the worst period; false: nowhere. */
static bool raise(Search *search) {
  Plan *plan = &search->plan;
  int64_t worst = 0, raised = 0;
  for (int64_t k = 0; k < plan->n_periods; k++) worst = larger(worst, search->missed[k]);
  for (int64_t k = plan->n_periods - 1; k >= 0; k--) {
    if (search->missed[k] == 0 || search->missed[k] * 2 < worst) continue;
    int64_t at = period_to_raise(search, k);
    if (at < 0) continue;
    plan->units[at]++;
    raised++;
  }
  return raised > 0;
}

static bool raise_until(Search *search, double wanted) {
  for (;;) {
    if (try_plan(search).attainment_ratio >= wanted) return true;
    if (search->trials >= search->trials_most || !raise(search)) return false;
  }
}

/* Adds to the units of from..to - 1 within the bounds; keeps that if enough attain for less money. */
static void change_block(Search *search, int64_t from, int64_t to, int64_t by, double wanted, int64_t *cost) {
  const BoundProblem *problem = search->problem;
  int64_t *units = search->plan.units, changed = 0;
  memcpy(search->saved, units, (size_t)search->plan.n_periods * sizeof(int64_t));
  for (int64_t k = from; k < to; k++) {
    units[k] = smaller(larger(units[k] + by, problem->min_units), problem->max_units);
    changed += units[k] != search->saved[k];
  }
  if (changed == 0) return;
  PlanOutcome outcome = try_plan(search);
  if (outcome.attainment_ratio >= wanted && outcome.cost_nano_usd < *cost) *cost = outcome.cost_nano_usd;
  else memcpy(units, search->saved, (size_t)search->plan.n_periods * sizeof(int64_t));
}

/* Fewer in wide blocks first, then in narrow ones; one more where it joins what is billed anyway. */
static void spare(Search *search, double wanted) {
  const int64_t n = search->plan.n_periods;
  int64_t cost = try_plan(search).cost_nano_usd;
  for (int64_t width = n; width >= 1; width /= 2) {
    for (int64_t from = 0; from < n && search->trials < search->trials_most; from += width) {
      int64_t before;
      do {
        before = cost;
        change_block(search, from, smaller(from + width, n), -1, wanted, &cost);
      } while (cost < before && search->trials < search->trials_most);
      change_block(search, from, smaller(from + width, n), 1, wanted, &cost);
    }
  }
}

static void keep_if_better(Search *search, const PlanOutcome *outcome, Achieved *achieved) {
  if (!outcome->ran || outcome->attainment_ratio < search->problem->objective_attainment_ratio) return;
  if (achieved->found && outcome->cost_nano_usd >= achieved->outcome.cost_nano_usd) return;
  memcpy(achieved->plan.units, search->plan.units, (size_t)search->plan.n_periods * sizeof(int64_t));
  achieved->found = true;
  achieved->outcome = *outcome;
}

/* The model is asked for more than the objective as long as the simulation falls short, half way to all jobs each time, and every fourth time, or
 * when the model has no more to give, all periods get one unit more than it says. */
static void run_plans(Search *search, const PlanSearch *limits, PlanRun *run, void *context, Achieved *achieved) {
  const int64_t n = search->plan.n_periods;
  double wanted = search->problem->objective_attainment_ratio;
  int64_t extra = 0, *modelled = ARENA_ARRAY(search->arena, int64_t, (size_t)n);
  for (int k = 0; k < limits->runs; k++) {
    search->trials_most = search->trials + limits->trials / limits->runs;
    bool attains = raise_until(search, wanted);
    if (attains) spare(search, wanted);
    memcpy(modelled, search->plan.units, (size_t)n * sizeof(int64_t));
    for (int64_t p = 0; p < n; p++) search->plan.units[p] = smaller(modelled[p] + extra, search->problem->max_units);
    PlanOutcome outcome = run ? run(context, &search->plan) : try_plan(search);
    achieved->runs++;
    keep_if_better(search, &outcome, achieved);
    if (achieved->found || !run) return;
    memcpy(search->plan.units, modelled, (size_t)n * sizeof(int64_t));
    if (!attains || k % 4 == 3 || wanted >= 1) extra++;
    else wanted += (1 - wanted) / 2;
  }
}

void plan_search(Arena *arena, const BoundProblem *problem, const PlanSearch *limits, PlanRun *run, void *context, Achieved *achieved) {
  int64_t n = (problem->horizon_ns + limits->period_ns - 1) / limits->period_ns;
  Search search = {.arena = arena, .problem = problem, .model = model_new(arena, problem, n), .missed = ARENA_ARRAY(arena, int64_t, (size_t)n), .saved = ARENA_ARRAY(arena, int64_t, (size_t)n)};
  search.plan = (Plan){limits->period_ns, n, ARENA_ARRAY(arena, int64_t, (size_t)n)};
  *achieved = (Achieved){.plan = {limits->period_ns, n, ARENA_ARRAY(arena, int64_t, (size_t)n)}};
  first_plan(&search);
  run_plans(&search, limits, run, context, achieved);
  achieved->trials = search.trials;
}
