/* The plan of a sweep as bytes: all that writing its result needs and its scenario's text does not say by itself, so that a journal can be
 * merged anywhere, without the scenario file and its inputs. What store.c begins to read of a Sweep must be added here. */
#ifndef SIM_LAB_JOURNAL_PLAN_H
#define SIM_LAB_JOURNAL_PLAN_H

#include "sim/base/text.h"
#include "sim/lab/sweep.h"

Text plan_write(const Sweep *sweep, Arena *arena);
/* A Sweep for store_write only: it cannot be run. `text` and `sha256` are the scenario's. False when the bytes are damaged. */
bool plan_read(Sweep *sweep, const void *bytes, size_t length, const char *text, const char *sha256, Arena *arena);

#endif
