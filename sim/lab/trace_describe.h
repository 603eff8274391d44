/* The page of `headroom describe trace FILE`: what the file is, its statistics, and what to be wary of. Text only. */
#ifndef SIM_LAB_TRACE_DESCRIBE_H
#define SIM_LAB_TRACE_DESCRIBE_H

#include "sim/lab/trace_statistics.h"

/* Reads the file twice where its rows turn out to be unsorted; only then (and for their sort) are rows kept in memory. False with errors. */
bool trace_describe(Text *out, const TraceFile *options, Err *err);
/* The statistics alone. False with errors. */
bool trace_measure(TraceStatistics *statistics, TraceFacts *facts, const TraceFile *options, Arena *arena, Err *err);
/* Warnings of a measured trace, one a line, each behind "warning: ". Returns how many. */
size_t trace_warnings(Text *out, const TraceStatistics *statistics, const TraceFacts *facts);

#endif
