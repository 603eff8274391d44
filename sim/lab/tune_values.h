/* The values of a threshold as users write them: {a, b, c} and [a, b] (any YAML in them), a..b..step, and a..b. The ends of a range are
 * numbers with the same unit around them (50%..90%, $1/h..$2/h), or two durations (30s..10m). */
#ifndef SIM_LAB_TUNE_VALUES_H
#define SIM_LAB_TUNE_VALUES_H

#include "sim/lab/tune_space.h"

/* Fills the axis; `kind` is the FieldKind at its path, or -1. False with an error at the axis's mark. */
bool values_read(TuneAxis *axis, const char *spec, int kind, Arena *arena, Err *err);
/* Whether a list's values are numbers in order. */
void values_order(TuneAxis *axis);
/* The text of a range's value. */
const char *values_text(const TuneAxis *axis, uint32_t value, Arena *arena);

#endif
