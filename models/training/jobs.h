/* What the disciplines of training queues share: what a job wants, what is left, and sorting without looking at anything but the view. */
#ifndef MODELS_TRAINING_JOBS_H
#define MODELS_TRAINING_JOBS_H

#include "sim/contract/training.h"

/* Its gang; an elastic job whose gang is more than the queue can ever hold takes what there is, at least its least. */
static inline int64_t wanted_gpus(const TrainingView *view, const TrainingJobView *job) {
  if (job->least == job->most || job->milligpus <= 0) return job->gang;
  int64_t room = view->capacity_milligpus / job->milligpus;
  return job->gang <= room ? job->gang : room > job->least ? room : job->least;
}

/* Capacity that running jobs leave. */
static inline int64_t left_by_running(const TrainingView *view) {
  int64_t left = view->capacity_milligpus;
  for (uint32_t k = 0; k < view->n_jobs; k++)
    if (view->job[k].running) left -= training_milligpus(&view->job[k], view->job[k].gpus);
  return left;
}

/* order[] becomes ascending in key[], equal keys in order of submission. A merge sort: stable, and the same everywhere. */
void jobs_sort(uint32_t *order, uint32_t n, const double *key, Arena *scratch);

/* Whoever comes first takes what it wants; who finds too little left is passed over. Running jobs that are passed over stop. */
void jobs_take_in_order(const TrainingView *view, TrainingDecision *decision);

#endif
