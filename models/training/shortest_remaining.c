/* `shortest-remaining`: the job with the least work left runs first. It knows how long jobs are: a bound for what prediction can give. */
#include "models/training/jobs.h"

#define SHORTEST_FIELDS(F, C, O, L, M, R, P) F(flag, preemptive, "true", 0, 1, OPTIONAL, "a shorter job stops longer ones", "")
typedef struct Shortest { FIELD_MEMBERS(SHORTEST_FIELDS) } Shortest;
#define ROW_STRUCT Shortest
static const Field shortest_fields[] = {FIELD_ROWS(SHORTEST_FIELDS)};
#undef ROW_STRUCT
static const Type shortest_type = FIELD_TYPE("shortest-remaining", "the least work left first", Shortest, shortest_fields, NULL);

static void decide(const void *params, const TrainingView *view, TrainingDecision *decision) {
  bool preemptive = ((const Shortest *)params)->preemptive;
  double *key = ARENA_ARRAY(view->scratch, double, view->n_jobs);
  for (uint32_t k = 0; k < view->n_jobs; k++) key[k] = !preemptive && view->job[k].running ? -1 : view->job[k].left_ns;
  jobs_sort(decision->order, view->n_jobs, key, view->scratch);
  jobs_take_in_order(view, decision);
}

extern const TrainingPolicy training_shortest_remaining;
const TrainingPolicy training_shortest_remaining = {
    .model = {.kind = MODEL_TRAINING,
              .name = "shortest-remaining",
              .alias = "srtf",
              .summary = "the job with the least work left first; knows how long jobs are",
              .rule = "In order of the time each would still take on its gang, jobs take their GPUs; one for which too few are left is passed over.\n"
                      "preemptive: running jobs that are passed over stop.",
              .evidence = "hand-computed cases (tests/training)",
              .params = &shortest_type},
    .only_waiting = true,
    .decide = decide,
};
