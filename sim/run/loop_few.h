/* The planned central loop for few slots that are all alike; see loop_few.c. */
#ifndef SIM_RUN_LOOP_FEW_H
#define SIM_RUN_LOOP_FEW_H

#include "sim/run/station.h"

enum { FEW_SLOTS = 16 };

/* Does it apply to the station as it stands? False without AVX2: the heap of slots gives the same events. */
bool few_applies(const Station *station);
/* Plans arrivals (none may be waiting) as far as they can start by last_ns and come before end_ns. Slots are up to date afterwards; what
 * the caller derived from them is not. */
void few_plan(Station *station, int64_t last_ns, int64_t end_ns);

#endif
