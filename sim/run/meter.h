/* What one deployment's data plane measured. All sums are integers, so the order of adding is irrelevant and the loops agree bit for bit.
 * Rates and integrals belong to the trace row of their instant. Per-job figures are booked when known and belong to the time slice of
 * the job's first arrival: a row counts them as they happen, folds into its own slice when it ends, and jobs that arrived in an
 * earlier slice are moved there one by one. */
#ifndef SIM_RUN_METER_H
#define SIM_RUN_METER_H

#include <stdbool.h>

#include "sim/core/histogram.h"
#include "sim/core/time.h"
#include "sim/run/tokens.h"

#define POWER_ONE (INT64_C(1) << 24) /* shares of a machine's power; coarser than those of its price, so that sums over years fit */
enum { METER_VARIANTS = 8 }; /* variants counted apart for accuracy; a scenario may not have more */

/* What happened to jobs. */
typedef struct JobCounts {
  uint64_t offered, attempts, finished, within, dropped, abandoned, failed, waited;
  uint64_t by_variant[METER_VARIANTS]; /* finished */
  __int128 latency_ns, latency_ns2, wait_ns; /* of finished jobs; ns2: sum of squares */
} JobCounts;

/* Time integrals of levels: level * ns. usage: millicores in use * slots of a replica (divide by concurrency); power: above the machines'
 * idle power, milliwatts * slots * POWER_ONE. Interrupted are services that lost their replica: a count. */
typedef struct Integrals {
  __int128 queue, in_service, usage, request, starting, ready, draining, power, interrupted;
} Integrals;

typedef struct MeterRow {
  JobCounts jobs;
  Integrals level;
  double latency_p50_ns, latency_p95_ns, latency_p99_ns; /* of jobs that finished in the row; NaN if none */
} MeterRow;

/* Cumulative sums at an instant. */
typedef struct Sample {
  int64_t at_ns;
  uint64_t offered, finished, within, ended, dropped, latency_count;
  __int128 latency_ns, queue, in_service, usage, request, offered_units, offered_output;
  TokenSums tokens;
} Sample;

typedef struct Meter {
  Arena *arena;
  int64_t horizon_ns, objective_ns; /* objective 0: none, every finished job attains it */
  int row, slice;                   /* current */
  int64_t slice_start_ns;
  JobCounts jobs;    /* of the current row */
  Integrals level;   /* of the current row */
  uint64_t units, output_units; /* input and output units offered in the current row */
  Histogram latency; /* of the current row */
  Sample past;       /* cumulative sums of ended rows */
  MeterRow *done;    /* [TRACE_ROWS] */
  JobCounts *slice_jobs;    /* [SLICES], by first arrival */
  Histogram *slice_latency; /* [SLICES] */
  TokenMeter *tokens; /* NULL where the service gives none */
  bool percentiles;  /* compute them for rows */
} Meter;

void meter_begin(Meter *meter, Arena *arena, int64_t horizon_ns, int64_t objective_ns, bool percentiles);
/* Closes the current row at its end and opens the next. */
void meter_end_row(Meter *meter);
/* Moves one finished job of an earlier slice out of the current one. */
void meter_move(Meter *meter, int64_t first_ns, int64_t latency_ns, int64_t wait_ns, int variant);
/* Books a job lost for good in the slice of its first arrival, and in the current row. */
typedef enum Loss { LOSS_DROPPED, LOSS_ABANDONED, LOSS_FAILED } Loss;
void meter_lose(Meter *meter, Loss loss, int64_t first_ns);
/* The cumulative sums now (at_ns is left to the caller). */
void meter_sums(const Meter *meter, Sample *sums);

void job_counts_add(JobCounts *into, const JobCounts *from);
void integrals_add(Integrals *into, const Integrals *from);

#endif
