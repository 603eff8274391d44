/* MSER-5 on the jobs in the system, row by row of the trace, of every deployment; see warmup.h. A pilot that fails has no say: the runs
 * themselves will report it. */
#include "sim/lab/warmup.h"

#include "sim/core/statistics.h"
#include "sim/run/run.h"

enum { PILOT_REPLICATION = 0x7fffff, BATCH_ROWS = 5 };

/* Rows to leave out, or TRACE_ROWS where the series never settles. */
static int rows_of(const RunResult *result, size_t d) {
  double jobs[TRACE_ROWS];
  size_t n = result->n_deployments, batches;
  const double *queue = result->trace + ((size_t)TRACE_queue_jobs * n + d) * TRACE_ROWS;
  const double *service = result->trace + ((size_t)TRACE_in_service_jobs * n + d) * TRACE_ROWS;
  for (int r = 0; r < TRACE_ROWS; r++) jobs[r] = queue[r] + service[r];
  if (!mser_truncation(jobs, TRACE_ROWS, BATCH_ROWS, &batches)) return TRACE_ROWS;
  return batches ? TRACE_ROWS % BATCH_ROWS + (int)batches * BATCH_ROWS : 0;
}

/* The rows that a strategy's pilot leaves out, if they are more than `longest`. */
static bool pilot(const Scenario *scenario, uint32_t s, int *longest, const volatile bool *interrupted, Err *err) {
  Arena arena = {0};
  RunResult result;
  RunOptions options = {.trace = true, .interrupted = interrupted};
  run_simulate(scenario, s, scenario->antithetic ? 2 * PILOT_REPLICATION : PILOT_REPLICATION * 2 + 1, &options, &arena, &result);
  for (size_t d = 0; d < result.n_deployments && result.status == 0; d++) {
    int rows = rows_of(&result, d);
    if (rows > *longest) *longest = rows;
  }
  arena_free(&arena);
  if (*longest < TRACE_ROWS) return true;
  return err_add(err, ERR_SCENARIO, "warmup_rule: mser-5 finds no steady state: with strategy %s the second half of the horizon (%.9gs) still differs from the first; "
                 "a longer horizon, or a warmup of your own", scenario_strategy(scenario, s)->name, (double)scenario->horizon_ns / 1e9);
}

static void leave_out(Scenario *scenario, int rows) {
  int64_t found_ns = row_start_ns(scenario->horizon_ns, (rows + ROWS_PER_SLICE - 1) / ROWS_PER_SLICE * ROWS_PER_SLICE);
  if (found_ns > scenario->warmup_ns) scenario->warmup_ns = found_ns;
}

bool warmup_find_one(Scenario *scenario, uint32_t strategy, const volatile bool *interrupted, Err *err) {
  int longest = 0;
  if (scenario->warmup_rule != WARMUP_MSER5) return true;
  if (!pilot(scenario, strategy, &longest, interrupted, err)) return false;
  leave_out(scenario, longest);
  return true;
}

bool warmup_find(Scenario *scenario, const volatile bool *interrupted, Err *err) {
  int longest = 0;
  if (scenario->warmup_rule != WARMUP_MSER5) return true;
  for (uint32_t s = 0; s < scenario->strategies.count; s++)
    if (!pilot(scenario, s, &longest, interrupted, err)) return false;
  leave_out(scenario, longest);
  return true;
}
