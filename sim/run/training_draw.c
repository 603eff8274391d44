/* See training_draw.h. */
#include "sim/run/training_draw.h"

#include "sim/core/copula.h"

void training_draw_begin(TrainingDraw *draw, const Scenario *scenario, size_t q, uint32_t replication) {
  const TrainingJobsSpec *jobs = &scenario_queue(scenario, q)->jobs;
  uint64_t seed = (uint64_t)scenario->seed;
  uint32_t entity = scenario->queue_entity[q], parts = (uint32_t)jobs->shuffle, groups = (uint32_t)jobs->shuffle_groups;
  draw->jobs = jobs;
  draw->gpus = stream_make(seed, entity, PURPOSE_TRAINING_GPUS, replication);
  draw->duration = stream_make(seed, entity, PURPOSE_WORK, replication);
  draw->gpus_shuffle = shuffle_make(parts, groups, seed, entity, PURPOSE_SHUFFLE, replication);
  draw->duration_shuffle = shuffle_make(parts, groups, seed, entity, PURPOSE_SHUFFLE_SECOND, replication);
  draw->correlation = copula_of_ranks(jobs->correlation);
}

static double uniform_of(const Stream *stream, const Shuffle *shuffle, uint64_t index) {
  double u = stream_uniform(stream, index);
  shuffle_uniforms(shuffle, index, 1, &u);
  return u;
}

int64_t training_draw_milligpus(const TrainingDraw *draw, uint64_t index) {
  double gpus = distribution_quantile(&draw->jobs->gpus, uniform_of(&draw->gpus, &draw->gpus_shuffle, index));
  if (draw->jobs->gpu_parts && gpus < 1) return (int64_t)(gpus * 1000 + 0.5);
  if (!(gpus > 1)) return 1000;
  return gpus >= TRAINING_GPUS_MOST ? INT64_C(1000) * TRAINING_GPUS_MOST : (int64_t)(gpus + 0.5) * 1000;
}

double training_draw_duration_ns(const TrainingDraw *draw, uint64_t index) {
  double u = uniform_of(&draw->duration, &draw->duration_shuffle, index);
  if (draw->correlation < 0 || draw->correlation > 0) {
    double first = uniform_of(&draw->gpus, &draw->gpus_shuffle, index);
    copula_turn(draw->correlation, &first, &u, 1);
  }
  return distribution_quantile(&draw->jobs->duration_ns, u);
}
