/* What the intervals of a sweep are conditional on, in words: "this trace as it was recorded and these service laws". */
#ifndef SIM_LAB_CONDITIONS_H
#define SIM_LAB_CONDITIONS_H

#include "sim/lab/sweep.h"

const char *conditions_text(const Sweep *sweep, Arena *arena);

#endif
