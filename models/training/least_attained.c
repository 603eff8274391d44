/* `least-attained-service`: who has had least runs first, in few classes so that jobs do not take turns all the time. Source: Gu et al.,
 * "Tiresias: a GPU cluster manager for distributed deep learning", NSDI 2019, discretised two-dimensional LAS (GPUs x time; within a class in
 * order of submission here, of first start there). No knowledge of how long jobs are. */
#include "models/training/jobs.h"
#include "sim/core/time.h"

typedef struct ServiceStep { int64_t at_ns; } ServiceStep;
static const Field step_fields[] = {{.name = "", .kind = FIELD_DURATION, .need = REQUIRED, .offset = offsetof(ServiceStep, at_ns), .min = 1e-9, .max = 3.2e9,
                                     .help = "GPU time a job has had", .source = ""}};
static const Type step_type = FIELD_TYPE("service step", "GPU time", ServiceStep, step_fields, NULL);

#define ATTAINED_FIELDS(F, C, O, L, M, R, P) \
  L(classes, ServiceStep, &step_type, OPTIONAL, "GPU time after which a job falls to the next class, ascending; 1h if left out")
typedef struct Attained { FIELD_MEMBERS(ATTAINED_FIELDS) } Attained;
#define ROW_STRUCT Attained
static const Field attained_fields[] = {FIELD_ROWS(ATTAINED_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const List *classes = &((const Attained *)value)->classes;
  for (size_t k = 1; k < classes->count; k++)
    if (LIST_AT(*classes, ServiceStep, k)->at_ns <= LIST_AT(*classes, ServiceStep, k - 1)->at_ns) return err_at(err, "classes", "must ascend");
  return true;
}

static const Type attained_type = FIELD_TYPE("least-attained-service", "who has had least first", Attained, attained_fields, check);

/* The class of a job, and what it may have had before it falls to the next; INFINITY in the last. */
static size_t class_of(const Attained *attained, double served_gpu_ns, double *until_gpu_ns) {
  static const ServiceStep hour = {3600 * NS_PER_S};
  const ServiceStep *step = attained->classes.count ? attained->classes.item : &hour;
  size_t n = attained->classes.count ? attained->classes.count : 1, class = 0;
  while (class < n && served_gpu_ns >= (double)step[class].at_ns) class++;
  *until_gpu_ns = class < n ? (double)step[class].at_ns : (double)__builtin_inf();
  return class;
}

static void decide(const void *params, const TrainingView *view, TrainingDecision *decision) {
  double *key = ARENA_ARRAY(view->scratch, double, view->n_jobs), *until = ARENA_ARRAY(view->scratch, double, view->n_jobs);
  for (uint32_t k = 0; k < view->n_jobs; k++) key[k] = (double)class_of(params, view->job[k].served_gpu_ns, &until[k]);
  jobs_sort(decision->order, view->n_jobs, key, view->scratch);
  jobs_take_in_order(view, decision);
  for (uint32_t k = 0; k < view->n_jobs; k++) {
    int64_t gpus = decision->job[k].gpus;
    if (gpus == 0 || !view->job[k].running || until[k] == (double)__builtin_inf()) continue;
    int64_t at_ns = view->now_ns + ns_from_double((until[k] - view->job[k].served_gpu_ns) / (double)gpus) + 1;
    if (at_ns < decision->look_again_ns) decision->look_again_ns = at_ns;
  }
}

extern const TrainingPolicy training_least_attained;
const TrainingPolicy training_least_attained = {
    .model = {.kind = MODEL_TRAINING,
              .name = "least-attained-service",
              .alias = "las",
              .summary = "who has had the least GPU time runs first, in classes (like Tiresias)",
              .rule = "A job's class is the number of `classes` that its GPU time (GPUs x time held) has reached. In order of class, then of submission,\n"
                      "jobs take their GPUs; one for which too few are left is passed over, and stops if it runs. Looked at again when a running job\n"
                      "falls to the next class.",
              .evidence = "after the paper (Gu et al., NSDI 2019), without promotion and without its profiler; hand-computed cases (tests/training)",
              .params = &attained_type},
    .follows_service = true,
    .decide = decide,
};
