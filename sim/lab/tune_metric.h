/* Figures of a run by name: a column of the summary (of one deployment), of the cluster, or of a training queue; and constraints on them. `cost_usd` alone is
 * the whole cluster's bill, idle nodes included. */
#ifndef SIM_LAB_TUNE_METRIC_H
#define SIM_LAB_TUNE_METRIC_H

#include "sim/lab/sweep.h"
#include "sim/run/result.h"

typedef struct TuneMetric {
  const char *name;      /* as it is shown: "latency_p99_s", "chat.latency_p99_s", "cost_usd" */
  const char *unit;
  size_t figure;         /* among those of a run */
  /* constraint: sign * (value - bound) <= 0; objective: sign * value is to be least */
  double sign, bound;
  double tolerance;      /* of a constraint, in the unit; 0: not given */
  const char *text;      /* the constraint as shown: "latency_p99_s <= 0.5" */
} TuneMetric;

/* What a run leaves of itself: [n_deployments][SUMMARY_COUNT], [CLUSTER_COUNT], [n_queues][TRAINING_COUNT]. */
size_t run_figures(const Sweep *sweep);
void run_figures_copy(const RunResult *result, double *figure);
double metric_figure(const TuneMetric *metric, const double *figure);
/* As the algorithms want it: the objective to be least, a constraint to be <= 0. */
double metric_value(const TuneMetric *metric, const double *figure);

/* A metric by name; several deployments or queues need DEPLOYMENT.COLUMN or QUEUE.COLUMN. False with an error. */
bool metric_read(TuneMetric *metric, const char *name, const Sweep *sweep, Arena *arena, Err *err);
/* NAME <= BOUND or >=, with ± TOLERANCE after it; without a deployment it holds for every one: *count constraints. */
bool constraint_read(const char *text, const Sweep *sweep, TuneMetric **metric, size_t *count, Arena *arena, Err *err);

#endif
