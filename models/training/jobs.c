/* See jobs.h. */
#include "models/training/jobs.h"

#include <string.h>

void jobs_sort(uint32_t *order, uint32_t n, const double *key, Arena *scratch) {
  uint32_t *from = order, *to = ARENA_ARRAY(scratch, uint32_t, n), *other = to;
  for (uint32_t width = 1; width < n; width = width > n / 2 ? n : width * 2) {
    for (uint32_t low = 0; low < n; low += n - low > 2 * width ? 2 * width : n - low) {
      uint32_t middle = n - low > width ? low + width : n, high = n - middle > width ? middle + width : n, a = low, b = middle;
      for (uint32_t k = low; k < high; k++) to[k] = a < middle && (b >= high || key[from[a]] <= key[from[b]]) ? from[a++] : from[b++];
    }
    uint32_t *swap = from;
    from = to;
    to = swap;
  }
  if (from == other) memcpy(order, other, n * sizeof *order);
}

void jobs_take_in_order(const TrainingView *view, TrainingDecision *decision) {
  int64_t left = view->capacity_milligpus;
  for (uint32_t k = 0; k < view->n_jobs; k++) {
    const TrainingJobView *job = &view->job[decision->order[k]];
    TrainingAllocation *to = &decision->job[decision->order[k]];
    int64_t gpus = job->running ? job->gpus : wanted_gpus(view, job), needs = training_milligpus(job, gpus);
    to->gpus = needs <= left ? gpus : 0;
    left -= training_milligpus(job, to->gpus);
  }
}
