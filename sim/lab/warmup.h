/* `warmup_rule: mser-5`: the warm-up of a point, found from pilot runs: one of every strategy on random numbers that no replication has. The
 * longest one holds for all strategies and replications of the point, so that their windows, and costs, can be compared. */
#ifndef SIM_LAB_WARMUP_H
#define SIM_LAB_WARMUP_H

#include "sim/run/scenario.h"

/* Sets scenario->warmup_ns where the rule asks for it (never below what is given). False with err where a run is too short to tell. */
bool warmup_find(Scenario *scenario, const volatile bool *interrupted, Err *err);
/* The same by the pilot of one strategy alone. */
bool warmup_find_one(Scenario *scenario, uint32_t strategy, const volatile bool *interrupted, Err *err);

#endif
