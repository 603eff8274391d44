/* What a tuning found, in words, as JSON and as CSV. */
#ifndef SIM_APP_TUNE_PRINT_H
#define SIM_APP_TUNE_PRINT_H

#include "sim/lab/tune.h"

void tune_print(const Tune *tune, const TuneOutcome *outcome);
void tune_print_json(const Tune *tune, const TuneOutcome *outcome);
void tune_print_csv(const Tune *tune, const TuneOutcome *outcome);

#endif
