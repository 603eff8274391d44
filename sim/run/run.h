/* One run: a strategy on a scenario with one set of random numbers. It is steppable: run_next simulates to the next decision and gives
 * its Observation, run_decide hands in a Decision (the strategy's own comes from run_policy); the ordinary run is a loop over these.
 * Same scenario, strategy and replication give the same bits for any number of threads. */
#ifndef SIM_RUN_RUN_H
#define SIM_RUN_RUN_H

#include "sim/run/result.h"
#include "sim/run/scenario.h"
#include "sim/run/station.h"

typedef struct RunOptions {
  bool plain;           /* the plain event loop for every flow */
  bool stop_at_notices; /* stop every flow at every notice: slower, the same bits */
  bool trace;           /* keep traces and decisions */
  int threads;          /* for the flows of this run; 0 and 1: none besides the caller's */
  EventLog *log;        /* tests; NULL */
  const volatile bool *interrupted; /* ends the run early when it becomes true; NULL */
} RunOptions;

typedef struct Run Run;

/* The first trace row of the summary: behind the warm-up, which is rounded up to 1/64 of the horizon. */
int scenario_first_row(const Scenario *scenario);

/* The run lives on `arena`, the scenario must outlive it. */
Run *run_begin(const Scenario *scenario, uint32_t strategy, uint32_t replication, const RunOptions *options, Arena *arena);
/* Who is to decide: one deployment, or all that a policy weighs against each other. */
typedef struct Turn {
  uint32_t n;
  const uint32_t *deployment;     /* [n], ascending */
  const Observation *observation; /* [n] */
} Turn;

/* Simulates to the next decision. True: *turn says for whom, and run_decide must follow. False: the horizon is reached, or the run
 * failed (run_end tells). */
bool run_next(Run *run, Turn *turn);
/* What the strategy's own policy would decide now (its state moves on: call once a turn): turn.n decisions. */
void run_policy(Run *run, Decision *decision);
/* A Decision for the k-th of the turn that wishes what is there now. */
Decision run_unchanged(const Run *run, uint32_t k);
/* Clamps and carries out turn.n decisions, those that free replicas first. */
void run_decide(Run *run, const Decision *decision);
/* Ends the run (also before the horizon: the result then says status 1) and fills the result, on the run's arena. */
void run_end(Run *run, RunResult *result);

/* The loop over the above. Running out of memory gives status 1, not an abort. */
void run_simulate(const Scenario *scenario, uint32_t strategy, uint32_t replication, const RunOptions *options, Arena *arena,
                  RunResult *result);

#endif
