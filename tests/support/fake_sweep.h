/* A sweep and its results made by hand, for tests of journal and store: every value is a pure function of its run, so any order and any
 * number of threads gives the same. */
#ifndef TESTS_SUPPORT_FAKE_SWEEP_H
#define TESTS_SUPPORT_FAKE_SWEEP_H

#include "sim/lab/store.h"

typedef struct FakeSweep {
  Sweep sweep;
  Scenario scenario;
} FakeSweep;

/* points x 2 strategies x replications; the first axis is a number, the second a text with 2 values (points must be even). */
void fake_sweep(FakeSweep *fake, Arena *arena, uint64_t points, uint32_t replications, size_t deployments, size_t pools);
/* Run 3 of every 1,000 fails, when `failing`. */
void fake_result(RunResult *result, Arena *arena, const Sweep *sweep, uint64_t run, size_t decisions, bool failing);

#endif
