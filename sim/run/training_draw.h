/* What laws say of a training job, by its number: GPUs and duration, where a trace does not bring them. */
#ifndef SIM_RUN_TRAINING_DRAW_H
#define SIM_RUN_TRAINING_DRAW_H

#include "sim/core/shuffle.h"
#include "sim/run/scenario.h"

typedef struct TrainingDraw {
  const TrainingJobsSpec *jobs;
  Stream gpus, duration;
  Shuffle gpus_shuffle, duration_shuffle;
  double correlation; /* of the copula's normal scores */
} TrainingDraw;

void training_draw_begin(TrainingDraw *draw, const Scenario *scenario, size_t queue, uint32_t replication);
/* Milli-GPUs: whole GPUs up to TRAINING_GPUS_MOST, at least one; with gpu_parts also less than one, and none. */
int64_t training_draw_milligpus(const TrainingDraw *draw, uint64_t index);
double training_draw_duration_ns(const TrainingDraw *draw, uint64_t index);

#endif
