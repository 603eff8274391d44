/* `fifo`: first come, first served. The oldest waiting job keeps all behind it from starting until its whole gang finds a place. */
#include "models/training/jobs.h"

static void decide(const void *params, const TrainingView *view, TrainingDecision *decision) {
  (void)params;
  int64_t left = left_by_running(view);
  for (uint32_t k = 0; k < view->n_jobs; k++) {
    const TrainingJobView *job = &view->job[k];
    if (job->running) continue;
    int64_t gpus = wanted_gpus(view, job), needs = training_milligpus(job, gpus);
    if (needs > left) return;
    decision->job[k].gpus = gpus;
    left -= needs;
  }
}

extern const TrainingPolicy training_fifo;
const TrainingPolicy training_fifo = {
    .model = {.kind = MODEL_TRAINING,
              .name = "fifo",
              .summary = "first come, first served; the oldest waiting job blocks the others",
              .rule = "In order of submission a job starts when its whole gang finds a place; while the oldest waiting one finds none, no other starts.\n"
                      "A preempted job keeps its turn.",
              .evidence = "definition; M/M/c and priority queues against the exact results, hand-computed cases (tests/training)",
              .params = &no_params_type},
    .only_waiting = true,
    .strict = true,
    .decide = decide,
};
