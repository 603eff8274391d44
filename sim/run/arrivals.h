/* The jobs that come to a deployment from outside, in blocks: arrival instants (warped by the rate model), sizes, and the work under the
 * variant most replicas have. All draws are addressed by the job's number, so nothing depends on the block. */
#ifndef SIM_RUN_ARRIVALS_H
#define SIM_RUN_ARRIVALS_H

#include "sim/core/shuffle.h"
#include "sim/run/scenario.h"

typedef struct Arrivals {
  const DeploymentSpec *deployment;
  const Workload *workload; /* NULL: nothing comes from outside */
  const RateModel *rate;    /* NULL: constant */
  WorkloadContext context;
  void *workload_state, *rate_state;
  Stream work, input, output;
  Shuffle input_shuffle, output_shuffle;
  bool draws_input, draws_output;
  double correlation; /* of the copula's normal scores; 0: sizes are independent */
  int variant; /* the one work_ns is for */
  JobBlock block;
  double work_ns[JOB_BLOCK];
  size_t cursor;
  bool ended;
} Arrivals;

/* The sizes of a job by its number, where the workload does not bring them. */
void arrivals_sizes(const Arrivals *arrivals, uint64_t index, uint32_t *input, uint32_t *output);
void arrivals_begin(Arrivals *arrivals, const Scenario *scenario, size_t deployment, uint32_t replication, int variant, Arena *arena);
/* Fills the next block. Sets `ended` when no further block follows; this one may still hold jobs. */
void arrivals_refill(Arrivals *arrivals);
/* Work is computed for this variant from now on (the rest of the block included). */
void arrivals_set_variant(Arrivals *arrivals, int variant);

/* The instant of the next arrival; INSTANT_NEVER after the last one within the horizon. */
static inline int64_t arrivals_peek(Arrivals *a) {
  if (__builtin_expect(a->cursor == a->block.count, 0)) {
    if (!a->ended) arrivals_refill(a); /* may end the stream and still give a last block */
    if (a->cursor == a->block.count) return INSTANT_NEVER;
  }
  return a->block.arrival_ns[a->cursor];
}

#endif
