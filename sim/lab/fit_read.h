/* What can be read off a measured trace without trying; see fit.h. */
#ifndef SIM_LAB_FIT_READ_H
#define SIM_LAB_FIT_READ_H

#include "sim/lab/fit.h"

/* Everything but the variances of bursts. on_off says whether the trace looks as if its source switched on and off. */
void fit_read(FitModel *model, const TraceStatistics *statistics, const TraceFacts *facts, Arena *arena);
/* Quantiles of sizes that have weights: the least size that reaches each share, as `describe trace` has them. NaN where there are none. */
void fit_tokens_quantiles(const TokenWeight *pair, size_t n, double quantile[TRACE_QUANTILES]);
/* E[B^2] / E[B]: the dispersion of batches at Poisson instants; 1 where there are none. */
double fit_batch_dispersion(const FitSizes *batch);

#endif
