/* The clairvoyant bound: what the cheapest plan must cost that sees every arrival in advance. A stated problem, and a proven lower bound on
 * its cost, so that no run of any policy whose attainment reaches the objective can be billed less.
 *
 * The problem. Jobs arrive at known instants; job j needs one slot for work_ns[j] without a break and attains when it ends within the latency
 * objective of its arrival. Slots come in units (nodes, or replicas where these are what is billed) of `slots_per_unit`; there are never fewer
 * than min_units, nor more than max_units. A unit is billed from its order (or from being ready) to its release, at least the minimum charge,
 * rounded up to the granularity; from order to ready it takes at least startup_ns, in which it serves nothing; the initial ones are ready
 * at once, and one that is let go at once is not billed. Orders may be made before 0 s. After a warm-up only ready time within [start, horizon) is
 * billed. A job stays on the unit it began on. Wanted: the least bill with attainment >= the objective.
 *
 * What is proven where. Four arguments give a lower bound for any number of jobs (bound.c); where a unit has one slot, there is no minimum of units and billing is
 * by the time, it is the least bill on all small instances tried, elsewhere it may lie below. A small problem (at most 8 jobs that may attain, a minimum of at most
 * 4 units, 10,000 steps: bound_exact.h) is searched in full, and the bound is the least bill, or that no plan attains (`exact`).
 *
 * The bound holds for whatever dispatches, queues, loads models, fails, retries or places replicas, as all that only takes slots away, as long as a
 * job is served on one unit from beginning to end (one that fails begins anew; resumed elsewhere it would not). It does not hold, and the caller must not ask for it, where work_ns is not the least a slot can spend on a job (other variants, larger replicas,
 * batches that share work), where a unit can have more slots than said, or where jobs of other deployments share the bill. Where
 * units themselves may be lost, min_units must be given as 0.
 * Processor sharing: one slot a replica, whatever its concurrency. */
#ifndef SIM_LAB_BOUND_H
#define SIM_LAB_BOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/arena.h"

typedef struct BoundProblem {
  const int64_t *arrival_ns; /* ascending */
  const int64_t *work_ns;    /* >= 0, the least in any slot */
  size_t n_jobs;
  int64_t start_ns, horizon_ns; /* both the bill and the attainment are of [start, horizon); a start > 0 is a warm-up */
  int64_t objective_latency_ns; /* > 0 */
  double objective_attainment_ratio;
  int64_t slots_per_unit;       /* >= 1 */
  int64_t min_units, max_units, initial_units;
  int64_t nano_usd_per_h;       /* of a unit */
  int64_t startup_ns;           /* the least there can be */
  bool bill_startup;
  int64_t minimum_charge_ns, granularity_ns; /* granularity >= 1 */
} BoundProblem;

typedef enum BoundStatus {
  BOUND_PROVEN,
  BOUND_INFEASIBLE, /* proven: no plan reaches the objective */
  BOUND_NONE        /* nothing is proven: the problem is not of this kind */
} BoundStatus;

/* Which argument gives the bound. */
typedef enum BoundBy { BOUND_BY_FLOOR, BOUND_BY_WORK, BOUND_BY_STARTS, BOUND_BY_PEAK, BOUND_BY_SEARCH } BoundBy;

typedef struct Bound {
  BoundStatus status;
  const char *why;        /* constant text */
  BoundBy by;
  bool exact;             /* some plan costs just this: all plans were searched; `by` stays if that lifts nothing */
  int64_t jobs_counted;   /* whose objective ends within the horizon: a younger job that is unfinished counts neither way */
  int64_t jobs_possible;  /* of those, with work <= the objective */
  int64_t jobs_required;  /* so many of those must attain */
  int64_t peak_units;     /* at some instant there are at least so many */
  int64_t lower_nano_usd; /* nobody who attains pays less */
} Bound;

/* Takes about 40 bytes a job from the arena, O(n log n); where the problem is small as bound_exact.h says, the search on top. */
void bound_lower(Arena *arena, const BoundProblem *problem, Bound *bound);
/* So many of the counted jobs must attain if `younger` ones do too; the proof is in bound.c. */
int64_t bound_required(const BoundProblem *problem, int64_t counted, int64_t younger);
const char *bound_by_words(BoundBy by);

#endif
