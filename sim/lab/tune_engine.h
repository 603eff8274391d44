/* The real engine behind a tuning: a design's replications are run by OpenMP threads, each run in its own, and kept in the journal. What a
 * run gives depends on nothing but (window, strategy, design, replication). */
#ifndef SIM_LAB_TUNE_ENGINE_H
#define SIM_LAB_TUNE_ENGINE_H

#include "sim/lab/tune_share.h"
#include "sim/lab/tune_metric.h"
#include "sim/lab/tune_samples.h"
#include "sim/lab/tune_space.h"

typedef struct TuneEngine {
  const Sweep *sweep;
  TuneSpace *space;
  uint32_t strategy;
  TuneJournal *journal; /* NULL: none */
  TuneShare share;      /* of every round's runs; needs a journal */
  int threads;
  bool plain;
  const volatile bool *interrupted; /* may be NULL */
  void (*progress)(void *context, uint64_t runs); /* after each round; may be NULL */
  void *context;
  uint64_t runs, reused, failed; /* made in this tuning, here or by other shares; found in the journal; failed among both */
  double committed_s; /* when the journal last was */
  char message[RUN_MESSAGE_BYTES]; /* of the first failure */
} TuneEngine;

/* A stretch of the scenario's time on which designs are evaluated, and what is asked of a run there. */
typedef struct TuneWindow {
  TuneEngine *engine;
  const Yaml *root;  /* the scenario with its horizon and warm-up */
  const char *name;  /* for the journal: "tune", "judge" */
  const TuneMetric *metric;
  size_t n_metrics;
} TuneWindow;

/* A TuneProblem's evaluate; context is the TuneWindow. */
bool engine_evaluate(void *window, const TuneJob *job, size_t n_jobs, double *value, Err *err);
/* Does a design decode? Errors are located. */
bool engine_check(const TuneWindow *window, size_t design, Err *err);

#endif
