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
  const uint32_t *milligpus;     /* training jobs: GPUs wanted */
  const int64_t *duration_ns;    /* training jobs: how long each ran, -1 where that is not known; NULL where the file does not say */
  const int64_t *interval_count; /* counts: jobs in interval k, >= 0; NULL for rows */
  int64_t interval_ns;           /* counts: length of an interval */
  int64_t span_ns;               /* length of the trace: count * interval_ns, or beyond the last row */
} TraceData;

typedef enum TraceKind { TRACE_AUTO, TRACE_ROWS_OF_JOBS, TRACE_COUNTS } TraceKind;
typedef enum TraceUnit { TRACE_UNIT_AUTO, TRACE_UNIT_S, TRACE_UNIT_MS, TRACE_UNIT_US, TRACE_UNIT_NS, TRACE_UNIT_MIN, TRACE_UNIT_H } TraceUnit;
typedef enum TraceGaps { TRACE_GAPS_ERROR, TRACE_GAPS_ZERO } TraceGaps;

/* A member of this Type is what the decoder recognises (by &trace_file_type): after the fields are read it sets `data`. */
#define TRACE_FILE_FIELDS(F, C, O, L, M, R, P)                                                                             \
  F(file, file, NULL, 0, 0, REQUIRED, "CSV or JSON Lines, as it is or in .gz, .tar, .tar.gz; relative to the scenario's folder", "") \
  F(text, format, NULL, 0, 0, OPTIONAL, "a format of `headroom describe trace`, or generic: columns as named below; told from the file if left out", "") \
  C(kind, trace_kind_names, "auto", "rows: a job a row; counts: jobs per interval; auto: as the format is, else rows", "") \
  F(text, time, NULL, 0, 0, OPTIONAL, "column (or JSON key) of the instant; the first if left out", "")                 \
  C(unit, trace_unit_names, "auto", "unit of an instant that is a plain number (auto: the format's, else s); dates are read as they are, arrival_ns in ns", "") \
  F(text, input, NULL, 0, 0, OPTIONAL, "rows: column of the input size (ContextTokens)", "")                            \
  F(text, output, NULL, 0, 0, OPTIONAL, "rows: column of the output size (GeneratedTokens)", "")                        \
  F(text, duration, NULL, 0, 0, OPTIONAL, "training jobs: column of the duration, in `unit`", "")                       \
  F(text, gpus, NULL, 0, 0, OPTIONAL, "training jobs: column of the number of GPUs", "")                                \
  F(text, count, NULL, 0, 0, OPTIONAL, "counts: column of the number of jobs; the second if left out", "")              \
  F(duration, interval, "0s", 0, 3.2e9, OPTIONAL, "counts: length of an interval; 0s: the format's, or the step between the first two rows", "") \
  C(gaps, trace_gaps_names, "error", "counts: missing intervals are an error, or have no jobs (zero)", "")              \
  F(flag, repair, "false", 0, 1, OPTIONAL, "sort rows, leave out those that cannot be read, read missing intervals as no jobs; a warning counts them", "")
typedef struct TraceFile {
  FIELD_MEMBERS(TRACE_FILE_FIELDS)
  const TraceData *data;
} TraceFile;

extern const char *const trace_kind_names[];
extern const char *const trace_gaps_names[];
extern const char *const trace_unit_names[];
extern const Type trace_file_type;
extern const Type trace_options_type; /* without the file */

#endif
