/* `batches`: jobs are submitted several at one instant. The instants are another process's; how many come with arrival k is draw k of
 * PURPOSE_BATCH, rounded, at least one. */
#include <string.h>

#include "sim/contract/workload.h"

#define BATCHES_FIELDS(F, C, O, L, M, R, P)                                                                         \
  R(of, MODEL_WORKLOAD, NULL, REQUIRED, "the process of the instants")                                             \
  F(dist, size, NULL, 0, 1e6, REQUIRED, "jobs that come together, rounded; at least 1", "")
typedef struct Batches { FIELD_MEMBERS(BATCHES_FIELDS) } Batches;
#define ROW_STRUCT Batches
static const Field batches_fields[] = {FIELD_ROWS(BATCHES_FIELDS)};
#undef ROW_STRUCT

static const Workload *inner_of(const Batches *batches) { return (const Workload *)batches->of.model; }

static bool check(const void *value, Err *err) {
  const Workload *inner = inner_of(value);
  if (inner && (inner->brings_sizes || inner->brings_sizes_of || inner->closed || inner->varies))
    return err_at(err, "of", "`%s` cannot be multiplied; poisson, gamma, weibull, constant, mmpp and clients can", inner->model.name);
  return true;
}

static const Type batches_type = FIELD_TYPE("batches", "several jobs at one instant", Batches, batches_fields, check);

typedef struct BatchesState {
  Stream size;
  void *inner;
  JobBlock block;  /* of instants */
  size_t cursor;   /* in it */
  uint64_t left;   /* jobs of the present instant still to be given */
  uint64_t index;
} BatchesState;

static void begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  const Batches *batches = params;
  BatchesState *s = state;
  memset(s, 0, sizeof *s);
  s->size = stream_make(context->seed, context->entity, PURPOSE_BATCH, context->replication);
  s->inner = arena_alloc(arena, 1, inner_of(batches)->state_bytes);
  inner_of(batches)->begin(batches->of.params, s->inner, context, arena);
}

static uint64_t size_of(const Batches *batches, const BatchesState *s, uint64_t arrival) {
  double x = distribution_quantile(&batches->size, stream_uniform(&s->size, arrival));
  return x >= 1.5 ? (uint64_t)(x + 0.5) : 1;
}

static void next(const void *params, void *state, const WorkloadContext *context, JobBlock *block) {
  const Batches *batches = params;
  BatchesState *s = state;
  block->first_index = s->index;
  block->count = 0;
  while (block->count < JOB_BLOCK) {
    if (s->left == 0) {
      if (s->cursor == s->block.count) {
        s->cursor = 0;
        inner_of(batches)->next(batches->of.params, s->inner, context, &s->block);
        if (s->block.count == 0) break;
      }
      s->left = size_of(batches, s, s->block.first_index + s->cursor++);
    }
    block->arrival_ns[block->count++] = s->block.arrival_ns[s->cursor - 1];
    s->left--;
  }
  s->index += block->count;
}

static double mean_rps(const void *params, int64_t horizon_ns) {
  const Batches *batches = params;
  double mean = distribution_mean(&batches->size);
  return inner_of(batches)->mean_rps(batches->of.params, horizon_ns) * (mean > 1 ? mean : 1);
}

extern const Workload workload_batches;
const Workload workload_batches = {
    .model = {.kind = MODEL_WORKLOAD,
              .name = "batches",
              .summary = "several jobs at each instant of another process",
              .rule = "at each arrival of `of` come round(size) jobs, at least one.",
              .evidence = "mean rate and index of dispersion E[B^2]/E[B] against theory, tests/fit/test_generators.py",
              .params = &batches_type},
    .state_bytes = sizeof(BatchesState),
    .begin = begin,
    .next = next,
    .mean_rps = mean_rps,
};
