/* Runs a sweep or a share of it: OpenMP over runs, each simulated and encoded in its own thread; one thread more only commits and reports, so that
 * all journal calls come from the caller. A run is done when it is committed. */
#ifndef SIM_LAB_RUNNER_H
#define SIM_LAB_RUNNER_H

#include "sim/lab/store.h"

typedef struct RunnerProgress {
  uint64_t done, total; /* runs committed (resumed ones counted); all runs of the share */
  uint64_t failed;      /* runs with status 1 in this call */
  uint64_t jobs;        /* arrivals simulated in this call */
  double elapsed_s;     /* wall time of this call */
  double simulating_s;  /* CPU time of its workers within runs; threads inside a run not counted */
} RunnerProgress;

typedef struct RunnerOptions {
  int threads; /* >= 1 */
  bool plain;
  TraceKeep keep;
  Shard shard; /* that of the journal */
  const volatile bool *interrupted; /* stop soon, keep what is committed; may be NULL */
  void (*progress)(void *context, const RunnerProgress *progress); /* at most ten times a second, and once at the end; may be NULL */
  void *context;
} RunnerOptions;

/* False with err: a scenario point that does not decode, the journal's disk, memory, an interruption (ERR_INTERRUPTED). Failed runs are stored
 * with their message and counted in *progress; they are no error here. What was committed is kept. */
bool runner_run(const Sweep *sweep, Journal *journal, const RunnerOptions *options, RunnerProgress *progress, Err *err);

#endif
