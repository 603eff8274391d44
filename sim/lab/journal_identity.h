/* What makes a sweep the same sweep: named texts that a journal keeps, and that a resume and a merge compare. */
#ifndef SIM_LAB_JOURNAL_IDENTITY_H
#define SIM_LAB_JOURNAL_IDENTITY_H

#include "sim/lab/store.h"

enum { IDENTITY_VERSION, IDENTITY_SCENARIO_SHA256, IDENTITY_SCENARIO, IDENTITY_INPUTS, IDENTITY_TRACES, IDENTITY_RUNS, IDENTITY_COUNT };
extern const char *const identity_name[IDENTITY_COUNT];

typedef struct SweepIdentity {
  const char *value[IDENTITY_COUNT];
} SweepIdentity;

void identity_of(SweepIdentity *identity, const Sweep *sweep, TraceKeep keep, Arena *arena);
/* True when both are the same; else says every difference: that a sweep has changed since the journal `path` was begun, or, with `other`,
 * that the journals `path` and `other` belong to different sweeps. */
bool identity_compare(const char *path, const SweepIdentity *then, const char *other, const SweepIdentity *now, Err *err);
/* The TraceKeep an identity names. */
TraceKeep identity_keep(const SweepIdentity *identity);

#endif
