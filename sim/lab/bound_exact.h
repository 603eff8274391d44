/* The clairvoyant problem of bound.h solved exactly where it is small: a search over all plans, cheapest first.
 *
 * Small means: at most 8 jobs that may attain (younger ones too), each with work > 0; a minimum of at most 4 units; all instants and times that matter
 * multiples of a common step, at most 10,000 of them in [start, horizon), and start-up, minimum charge and granule at most 2^40 of them. And the search must end
 * within 200,000 states and 2,000,000 moves: counted, never timed, so the answer is the same everywhere. Otherwise nothing is said. Jobs that all overlap
 * in hundreds of steps are too many moves: it gives up after some tenths of a second. Many jobs cost nothing: the ninth ends it.
 *
 * Against an enumeration of all plans in whole seconds (tests/unit/test_bound_exact.c): up to 5 jobs, 8 s, 4 slots, a minimum of 2 units.
 *
 * That whole steps suffice: fix which job is served when on which unit, up to shifts, and how many granules each unit is billed. What remains are
 * bounds on differences of two instants, all of them multiples of the step, and a bill that is linear in the instants: if there is a best
 * plan, there is one at multiples of the step. (The granularity may be finer than the step: the bill at whole steps is then what it is without rounding
 * the time, and elsewhere no less.)
 *
 * The search goes forward in steps. Units are paid ahead: one is begun for the least that a unit which serves for one step is billed, and once that time is over it is paid
 * for another granule or goes. It loses nothing by these rules: a unit that is begun serves at once, or fills the minimum of units, as a start takes effect when wanted
 * (it may be ordered before 0 s); and a paid unit stays until its time is over, as going on with it costs no more than beginning the next one. A state is the instant, the jobs
 * that may still begin, how many have attained, and of each unit the paid time and what its jobs have left to do. States are taken in order of what is
 * spent, so the first one that is through is cheapest. */
#ifndef SIM_LAB_BOUND_EXACT_H
#define SIM_LAB_BOUND_EXACT_H

#include "sim/lab/bound.h"

typedef enum ExactStatus {
  EXACT_NONE, /* not small */
  EXACT_FOUND,
  EXACT_INFEASIBLE /* no plan reaches the objective */
} ExactStatus;

/* The problem must be one that bound_lower takes. *unit_ns is the least billed time of all units. Uses at most some 60 MB of the arena, far less as a rule. */
ExactStatus bound_exact(Arena *arena, const BoundProblem *problem, __int128 *unit_ns);

#endif
