/* A trace as workloads read it: plain const arrays, filled once by the decoder (sim/lab) from a file that a TraceFile names. Either rows
 * (one job each: an instant and perhaps sizes) or counts (jobs per interval of one length). Instants start at 0. */
#ifndef SIM_CONTRACT_TRACE_DATA_H
#define SIM_CONTRACT_TRACE_DATA_H

#include "sim/contract/type.h"

typedef struct TraceData {
  const char *path;
  size_t count;                  /* rows, or intervals */
  const int64_t *arrival_ns;     /* rows: ascending, >= 0; NULL for counts */
  const uint32_t *input, *output; /* rows: sizes; NULL where the file has none */
  const int64_t *interval_count; /* counts: jobs in interval k, >= 0; NULL for rows */
  int64_t interval_ns;           /* counts: length of an interval */
  int64_t span_ns;               /* length of the trace: count * interval_ns, or beyond the last row */
} TraceData;

typedef enum TraceKind { TRACE_ROWS_OF_JOBS, TRACE_COUNTS } TraceKind;
typedef enum TraceUnit { TRACE_UNIT_S, TRACE_UNIT_MS, TRACE_UNIT_US, TRACE_UNIT_NS } TraceUnit;
typedef enum TraceGaps { TRACE_GAPS_ERROR, TRACE_GAPS_ZERO } TraceGaps;

/* A member of this Type is what the decoder recognises (by &trace_file_type): after the fields are read it sets `data`. */
#define TRACE_FILE_FIELDS(F, C, O, L, M, R, P)                                                                             \
  F(file, file, NULL, 0, 0, REQUIRED, "a CSV file; relative to the scenario's folder", "")                              \
  C(kind, trace_kind_names, "rows", "rows: a job a row; counts: jobs per interval", "")                                 \
  F(text, time, NULL, 0, 0, OPTIONAL, "column of the instant; the first if left out", "")                               \
  C(unit, trace_unit_names, "s", "unit of an instant that is a plain number; dates are read as they are, arrival_ns in ns", "") \
  F(text, input, NULL, 0, 0, OPTIONAL, "rows: column of the input size (ContextTokens)", "")                            \
  F(text, output, NULL, 0, 0, OPTIONAL, "rows: column of the output size (GeneratedTokens)", "")                        \
  F(text, count, NULL, 0, 0, OPTIONAL, "counts: column of the number of jobs; the second if left out", "")              \
  F(duration, interval, "0s", 0, 3.2e9, OPTIONAL, "counts: length of an interval; 0s: the step between the first two rows", "") \
  C(gaps, trace_gaps_names, "error", "counts: missing intervals are an error, or have no jobs (zero)", "")
typedef struct TraceFile {
  FIELD_MEMBERS(TRACE_FILE_FIELDS)
  const TraceData *data;
} TraceFile;

extern const char *const trace_kind_names[];
extern const char *const trace_gaps_names[];
extern const char *const trace_unit_names[];
extern const Type trace_file_type;

#endif
