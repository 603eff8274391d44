/* The other end of a regret interval: a plan that attains, found by search, so the cheapest attaining plan costs at most what this one does
 * ("achievable"), and at least the bound of bound.h. A plan says how many units there shall be in each period. The search knows all arrivals; it tries
 * plans on a plain first-come-first-served model and hands the best ones to `run`, the simulation whose word counts. Nothing is claimed of the
 * plan but what `run` says of it. */
#ifndef SIM_LAB_PLAN_H
#define SIM_LAB_PLAN_H

#include "sim/lab/bound.h"

typedef struct Plan {
  int64_t period_ns;
  int64_t n_periods;
  int64_t *units; /* ready in [k, k + 1) periods; they finish the jobs they have begun */
} Plan;

typedef struct PlanOutcome {
  bool ran;                  /* false: this plan could not be tried */
  double attainment_ratio;
  int64_t cost_nano_usd;
} PlanOutcome;
/* Simulates a plan. `context` is the caller's. */
typedef PlanOutcome PlanRun(void *context, const Plan *plan);

typedef struct PlanSearch {
  int64_t period_ns; /* >= 1 */
  int trials;        /* of the model, O(n log n) each */
  int runs;          /* of `run`, >= 1 */
} PlanSearch;

typedef struct Achieved {
  bool found;
  Plan plan;           /* on the arena */
  PlanOutcome outcome; /* as `run` said */
  int trials, runs;    /* spent */
} Achieved;

/* `run` NULL: the model is believed, which is exact for a central queue, no start-up of replicas and slots that can be had from any unit. The
 * problem must be one that bound_lower takes. */
void plan_search(Arena *arena, const BoundProblem *problem, const PlanSearch *search, PlanRun *run, void *context, Achieved *achieved);

/* What the model says of a plan; missed[k] (may be NULL) of the jobs that came in period k. */
PlanOutcome plan_model(Arena *arena, const BoundProblem *problem, const Plan *plan, int64_t *missed);

#endif
