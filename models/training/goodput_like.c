/* `goodput-like`: elastic jobs share the GPUs so that the sum of their speedups is largest. Source: Qiao et al., "Pollux: co-adaptive cluster
 * scheduling for goodput-optimized deep learning", OSDI 2021, the scheduler's side: periodic reallocation of all GPUs, speedups relative
 * to one GPU. From the paper: a greedy by best gain per GPU stands for its genetic search (exact where throughput is concave), batch sizes
 * are not adapted, and statistical efficiency is what the throughput law says it is. */
#include "models/training/jobs.h"

#define GOODPUT_FIELDS(F, C, O, L, M, R, P) \
  F(duration, period, "60s", 1e-3, 86400, OPTIONAL, "running jobs get other numbers of GPUs at multiples of this", "60 s, Qiao et al. 2021, 5.1")
typedef struct Goodput { FIELD_MEMBERS(GOODPUT_FIELDS) } Goodput;
#define ROW_STRUCT Goodput
static const Field goodput_fields[] = {FIELD_ROWS(GOODPUT_FIELDS)};
#undef ROW_STRUCT
static const Type goodput_type = FIELD_TYPE("goodput-like", "the largest sum of speedups", Goodput, goodput_fields, NULL);

static int64_t period_ns(const void *params) { return ((const Goodput *)params)->period_ns; }

static double speedup(const TrainingView *view, int64_t gpus) {
  int64_t g = gpus < view->gpus_most ? gpus : view->gpus_most;
  return view->throughput[g] / view->throughput[1];
}

/* The step from g GPUs that gains most for each of them: throughput may stand still at one more GPU and rise at the next. */
static double best_step(const TrainingView *view, const TrainingJobView *job, int64_t g, int64_t room, int64_t *step) {
  double best = 0;
  for (int64_t k = 1; k <= room && g + k <= job->most; k++) {
    double gain = (speedup(view, g + k) - speedup(view, g)) / (double)k;
    if (gain <= best) continue;
    best = gain;
    *step = k;
  }
  return best;
}

/* Waiting jobs start with their least, in order of submission, as far as that goes. */
static int64_t start_waiting(const TrainingView *view, TrainingDecision *decision, int64_t left) {
  for (uint32_t k = 0; k < view->n_jobs; k++) {
    const TrainingJobView *job = &view->job[k];
    if (job->running && !view->tick) continue;
    int64_t needs = training_milligpus(job, job->least);
    decision->job[k].gpus = needs <= left ? job->least : 0;
    left -= training_milligpus(job, decision->job[k].gpus);
  }
  return left;
}

/* Among equal gains: whoever has fewer so far; then who held more before, so that nobody restarts for nothing; then the older. */
static bool comes_first(const TrainingView *view, const TrainingDecision *decision, uint32_t a, uint32_t b) {
  int64_t x = decision->job[a].gpus, y = decision->job[b].gpus;
  if (x != y) return x < y;
  return view->job[a].gpus > x && view->job[b].gpus <= y;
}

static void share_out(const TrainingView *view, TrainingDecision *decision, int64_t left) {
  while (left > 0) {
    uint32_t best = view->n_jobs;
    double most = 0;
    int64_t step = 0, chosen = 0;
    for (uint32_t k = 0; k < view->n_jobs; k++) {
      const TrainingJobView *job = &view->job[k];
      int64_t g = decision->job[k].gpus;
      if (g == 0 || job->milligpus <= 0 || (job->running && !view->tick)) continue;
      double gain = best_step(view, job, g, left / job->milligpus, &step);
      if (gain <= 0 || gain < most || (gain <= most && !comes_first(view, decision, k, best))) continue;
      best = k, most = gain, chosen = step;
    }
    if (best == view->n_jobs) return;
    decision->job[best].gpus += chosen;
    left -= training_milligpus(&view->job[best], chosen);
  }
}

static void decide(const void *params, const TrainingView *view, TrainingDecision *decision) {
  (void)params;
  int64_t left = view->tick ? view->capacity_milligpus : left_by_running(view);
  left = start_waiting(view, decision, left);
  int64_t absent = view->capacity_milligpus - view->present_milligpus; /* nodes that are not there make nobody faster yet */
  share_out(view, decision, left - absent);
}

extern const TrainingPolicy training_goodput_like;
const TrainingPolicy training_goodput_like = {
    .model = {.kind = MODEL_TRAINING,
              .name = "goodput-like",
              .alias = "pollux-like",
              .summary = "elastic jobs get the GPUs that raise the sum of speedups most (like Pollux)",
              .rule = "Every `period` all GPUs are shared out anew: each job its least, in order of submission as far as that goes, then step by step to the\n"
                      "job whose speed, relative to one GPU, gains most for each further GPU. In between, jobs that are submitted start on what is free.\n"
                      "Another number of GPUs costs a restart.",
              .evidence = "after the paper (Qiao et al., OSDI 2021), not its code; hand-computed cases (tests/training)",
              .params = &goodput_type},
    .period_ns = period_ns,
    .decide = decide,
};
