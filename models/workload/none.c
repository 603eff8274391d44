/* `none`: nothing arrives from outside; for deployments that only others call. */
#include "sim/contract/workload.h"

static void begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  (void)params, (void)state, (void)context, (void)arena;
}

static void next(const void *params, void *state, const WorkloadContext *context, JobBlock *block) {
  (void)params, (void)state, (void)context;
  block->first_index = 0;
  block->count = 0;
}

static double mean_rps(const void *params, int64_t horizon_ns) {
  (void)params, (void)horizon_ns;
  return 0;
}

extern const Workload workload_none;
const Workload workload_none = {
    .model = {.kind = MODEL_WORKLOAD,
              .name = "none",
              .summary = "no arrivals",
              .rule = "nothing arrives.",
              .evidence = "definition",
              .params = &no_params_type},
    .begin = begin,
    .next = next,
    .mean_rps = mean_rps,
};
