/* Runs of a strategy, the clairvoyant one included: its arrivals are generated in advance, a bound on cost is proven, a plan is searched and
 * run. Every other strategy is simulated as usual. */
#ifndef SIM_LAB_CLAIRVOYANT_H
#define SIM_LAB_CLAIRVOYANT_H

#include "sim/lab/bound.h"
#include "sim/run/run.h"

/* As run_simulate; a clairvoyant run has the cluster column cost_lower_bound_usd where a bound is proven. */
void strategy_simulate(const Scenario *scenario, uint32_t strategy, uint32_t replication, const RunOptions *options, Arena *arena, RunResult *result);
/* The clairvoyant problem of a scenario's only deployment: false with a constant *why where the bound would not hold. Arrays are on the arena. */
bool clairvoyant_problem(const Scenario *scenario, uint32_t replication, int64_t max_jobs, Arena *arena, BoundProblem *problem, const char **why);

#endif
