/* `backfill`: EASY backfilling. Source: Lifka, "The ANL/IBM SP scheduling system", JSSPP 1995; Mu'alem and Feitelson, IEEE TPDS 12 (2001).
 * The oldest waiting job gets a reservation at the instant (the shadow time) at which enough running jobs will have ended; a younger one
 * may start if it ends before that, or needs no more than what the reserved job will leave over. */
#include "models/training/jobs.h"
#include "sim/core/time.h"

#define BACKFILL_FIELDS(F, C, O, L, M, R, P) \
  F(number, estimate, "1", 1, 1000, OPTIONAL, "owners say their jobs take so many times as long as they do: limits, not predictions", "Mu'alem and Feitelson 2001")
typedef struct Backfill { FIELD_MEMBERS(BACKFILL_FIELDS) } Backfill;
#define ROW_STRUCT Backfill
static const Field backfill_fields[] = {FIELD_ROWS(BACKFILL_FIELDS)};
#undef ROW_STRUCT
static const Type backfill_type = FIELD_TYPE("backfill", "EASY backfilling", Backfill, backfill_fields, NULL);

typedef struct Shadow {
  int64_t at_ns, spare; /* when the reserved job starts, and what it will leave then */
} Shadow;

static int64_t estimated_end(const Backfill *backfill, const TrainingView *view, int64_t ends_ns) {
  if (ends_ns == INSTANT_NEVER) return ends_ns;
  return view->now_ns + ns_from_double((double)(ends_ns - view->now_ns) * backfill->estimate);
}

static int64_t end_of(const TrainingView *view, const Backfill *backfill, const TrainingJobView *job, int64_t gpus) {
  if (job->running) return estimated_end(backfill, view, job->ends_ns);
  return view->now_ns + ns_from_double(job->left_ns / training_speed(view, job, gpus) * backfill->estimate);
}

/* Jobs that hold GPUs now (decision->job[k].gpus > 0) end one after the other, until `needs` are free. */
static Shadow shadow_of(const TrainingView *view, const Backfill *backfill, const TrainingDecision *decision, int64_t left, int64_t needs) {
  double *key = ARENA_ARRAY(view->scratch, double, view->n_jobs);
  uint32_t *order = ARENA_ARRAY(view->scratch, uint32_t, view->n_jobs), n = 0;
  for (uint32_t k = 0; k < view->n_jobs; k++) {
    if (decision->job[k].gpus == 0) continue;
    key[k] = (double)end_of(view, backfill, &view->job[k], decision->job[k].gpus);
    order[n++] = k;
  }
  jobs_sort(order, n, key, view->scratch);
  for (uint32_t k = 0; k < n; k++) {
    left += training_milligpus(&view->job[order[k]], decision->job[order[k]].gpus);
    bool with_next = k + 1 < n && key[order[k + 1]] <= key[order[k]]; /* those that end together */
    if (left >= needs && !with_next) return (Shadow){end_of(view, backfill, &view->job[order[k]], decision->job[order[k]].gpus), left - needs};
  }
  return (Shadow){INSTANT_NEVER, 0};
}

static void decide(const void *params, const TrainingView *view, TrainingDecision *decision) {
  int64_t left = left_by_running(view);
  Shadow shadow = {0, 0};
  bool reserved = false;
  for (uint32_t k = 0; k < view->n_jobs; k++) {
    const TrainingJobView *job = &view->job[k];
    if (job->running) continue;
    int64_t gpus = wanted_gpus(view, job), needs = training_milligpus(job, gpus);
    if (needs <= left && (!reserved || needs <= shadow.spare || end_of(view, params, job, gpus) <= shadow.at_ns)) {
      bool beyond = reserved && end_of(view, params, job, gpus) > shadow.at_ns;
      if (beyond) shadow.spare -= needs;
      decision->job[k].gpus = gpus;
      left -= needs;
    } else if (!reserved) {
      shadow = shadow_of(view, params, decision, left, needs);
      reserved = true;
    }
  }
}

extern const TrainingPolicy training_backfill;
const TrainingPolicy training_backfill = {
    .model = {.kind = MODEL_TRAINING,
              .name = "backfill",
              .alias = "easy",
              .summary = "first come, first served, and younger jobs that do not delay the oldest waiting one (EASY)",
              .rule = "Jobs start in order of submission. The first that finds too few GPUs gets a reservation: the instant at which enough running jobs\n"
                      "will have ended (ends as known now, stretched by `estimate`). A younger job starts if it fits now and ends by then, or needs no\n"
                      "more than the reserved one will leave over.",
              .evidence = "Lifka 1995; Mu'alem and Feitelson 2001; hand-computed cases (tests/training)",
              .params = &backfill_type},
    .only_waiting = true,
    .decide = decide,
};
