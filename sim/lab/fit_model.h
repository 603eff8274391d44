/* A FitModel as YAML and as a scenario, and the figures of its replicas; see fit.h. */
#ifndef SIM_LAB_FIT_MODEL_H
#define SIM_LAB_FIT_MODEL_H

#include "sim/lab/fit.h"
#include "sim/run/scenario.h"

/* The lines of a workload block, each behind `indent` blanks. jobs: in the words of training queues. */
void fit_model_lines(const FitModel *model, int indent, bool jobs, Text *out);
/* A scenario with one deployment of this workload, through the text, and for jobs also a training queue of them; its memory is the arena's. */
bool fit_model_scenario(const FitModel *model, int64_t span_ns, Arena *arena, Scenario *scenario, Err *err);
/* Replica r of the scenario's workload, measured like a trace with these facts that begins at first_ns. Counts are those expected of the
 * intervals given the random rate; what arrivals add to that is not drawn. Jobs come as the deployment's requests do, and are what the queue's laws say. */
void fit_model_figures(const Scenario *scenario, uint32_t replica, const TraceFacts *facts, int64_t first_ns, int64_t span_ns, bool windows_only, FitFigures *figures);
void fit_figures_of(const TraceStatistics *statistics, FitFigures *figures, size_t n_windows[FIT_SCALES]);

#endif
