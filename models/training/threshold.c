/* `threshold`: the decision that headroom was founded on, for each training job: small data trains the small model; other jobs train the
 * large one and scale while they need to, vertically (more GPUs of the nodes they are on, up to the nodes' cap) when no more nodes can be
 * had, else horizontally (further nodes); a way that is blocked gives way to the other. */
#include "models/training/jobs.h"

typedef enum Way { WAY_RULE, WAY_VERTICAL, WAY_HORIZONTAL } Way;
static const char *const way_names[] = {"rule", "vertical", "horizontal", NULL};

#define THRESHOLD_FIELDS(F, C, O, L, M, R, P)                                                             \
  F(bytes, below, "10G", 0, 1e18, OPTIONAL, "a job with less training data trains the small model", "") \
  F(duration, within, "0s", 0, 3.2e9, OPTIONAL, "a job needs to scale while it would end later than this after its submission; 0s: always", "") \
  F(duration, period, "60s", 1e-3, 86400, OPTIONAL, "running jobs are looked at again at multiples of this", "") \
  C(way, way_names, "rule", "rule: as resource_limit says; or only one of the two ways", "")
typedef struct Threshold { FIELD_MEMBERS(THRESHOLD_FIELDS) } Threshold;
#define ROW_STRUCT Threshold
static const Field threshold_fields[] = {FIELD_ROWS(THRESHOLD_FIELDS)};
#undef ROW_STRUCT
static const Type threshold_type = FIELD_TYPE("training threshold", "the founding rule for each job", Threshold, threshold_fields, NULL);

static int64_t period_ns(const void *params) { return ((const Threshold *)params)->period_ns; }

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* Small scale at first: its least. */
static int64_t start_waiting(const Threshold *rule, const TrainingView *view, TrainingDecision *decision, int64_t left) {
  int large = view->n_variants ? (int)view->n_variants - 1 : 0;
  for (uint32_t k = 0; k < view->n_jobs; k++) {
    const TrainingJobView *job = &view->job[k];
    if (job->running) continue;
    int64_t needs = training_milligpus(job, job->least);
    if (needs > left) return left;
    decision->job[k].gpus = job->least;
    decision->job[k].variant = job->data_bytes < rule->below_bytes ? 0 : large;
    left -= needs;
  }
  return left;
}

static bool needs_to_scale(const Threshold *rule, const TrainingJobView *job) {
  return rule->within_ns == 0 || job->ends_ns - job->submitted_ns > rule->within_ns;
}

static void scale(const Threshold *rule, const TrainingView *view, const TrainingJobView *job, TrainingAllocation *to, int64_t *left, int64_t *nodes) {
  int64_t may = smaller(job->most - job->gpus, *left / job->milligpus);
  int64_t vertical = rule->way == WAY_HORIZONTAL ? 0 : smaller(may, job->room);
  int64_t horizontal = rule->way == WAY_VERTICAL || *nodes < 1 ? 0 : smaller(may, view->gpus_per_node);
  bool resource_limit = *nodes < 1;
  bool up = vertical > 0 && (resource_limit || horizontal <= 0);
  int64_t more = up ? vertical : horizontal;
  if (more <= 0 || training_speed(view, job, job->gpus + more) <= training_speed(view, job, job->gpus)) return;
  to->gpus = job->gpus + more;
  to->nodes_most = up ? job->nodes : job->nodes + 1;
  *left -= training_milligpus(job, more);
  *nodes -= !up;
}

static void decide(const void *params, const TrainingView *view, TrainingDecision *decision) {
  const Threshold *rule = params;
  int64_t left = start_waiting(rule, view, decision, left_by_running(view)), nodes = view->free_nodes;
  for (uint32_t k = 0; view->tick && k < view->n_jobs; k++) {
    const TrainingJobView *job = &view->job[k];
    if (job->running && job->milligpus > 0 && job->most > job->gpus && needs_to_scale(rule, job) &&
        !(view->n_variants && job->data_bytes < rule->below_bytes))
      scale(rule, view, job, &decision->job[k], &left, &nodes);
  }
}

extern const TrainingPolicy training_threshold;
const TrainingPolicy training_threshold = {
    .model = {.kind = MODEL_TRAINING,
              .name = "threshold",
              .summary = "the founding rule for each job: small model, or vertical where no more nodes are to be had, else horizontal",
              .rule = "A waiting job starts on its least number of GPUs, in order of submission. data_size < below -> the small model (the first variant),\n"
                      "else the large one (the last). Every period, a running job with the large model that needs to scale: resource_limit (no free node, none to be\n"
                      "ordered) -> vertical: GPUs of its own nodes, up to what they have; else horizontal: one node's GPUs more. That way blocked ->\n"
                      "the other. Never beyond its most, and never where more GPUs are no faster. Another number of GPUs costs a restart.",
              .evidence = "design of the founding decision; hand-computed cases (tests/training)",
              .params = &threshold_type},
    .strict = true,
    .reads_room = true,
    .period_ns = period_ns,
    .decide = decide,
};
