/* Blocks of arrivals: workload, rate warp, sizes, work; see arrivals.h. */
#include "sim/run/arrivals.h"

#include "sim/core/copula.h"

void arrivals_begin(Arrivals *a, const Scenario *scenario, size_t deployment, uint32_t replication, int variant, Arena *arena) {
  const DeploymentSpec *spec = scenario_deployment(scenario, deployment);
  *a = (Arrivals){.deployment = spec, .variant = variant};
  a->workload = (const Workload *)spec->workload.arrivals.model;
  if (!a->workload) {
    a->ended = true;
    return;
  }
  uint64_t seed = (uint64_t)scenario->seed;
  uint32_t entity = scenario->deployment_entity[deployment];
  a->context = (WorkloadContext){seed, entity, replication, scenario->horizon_ns};
  a->work = stream_make(seed, entity, PURPOSE_WORK, replication);
  a->input = stream_make(seed, entity, PURPOSE_SIZE, replication);
  a->output = stream_make(seed, entity, PURPOSE_SIZE_OUT, replication);
  bool brings = a->workload->brings_sizes_of ? a->workload->brings_sizes_of(spec->workload.arrivals.params) : a->workload->brings_sizes;
  a->draws_input = !brings && distribution_mean(&spec->workload.input) > 0;
  a->draws_output = !brings && distribution_mean(&spec->workload.output) > 0;
  a->input_shuffle = shuffle_make((uint32_t)spec->workload.shuffle, (uint32_t)spec->workload.shuffle_groups, seed, entity, PURPOSE_SHUFFLE, replication);
  a->output_shuffle = shuffle_make((uint32_t)spec->workload.shuffle, (uint32_t)spec->workload.shuffle_groups, seed, entity, PURPOSE_SHUFFLE_SECOND, replication);
  a->correlation = copula_of_ranks(spec->workload.correlation);
  a->workload_state = arena_alloc(arena, 1, a->workload->state_bytes);
  a->workload->begin(spec->workload.arrivals.params, a->workload_state, &a->context, arena);
  a->rate = (const RateModel *)spec->workload.rate.model;
  if (a->rate) {
    a->rate_state = arena_alloc(arena, 1, a->rate->state_bytes);
    a->rate->begin(spec->workload.rate.params, a->rate_state, &a->context, arena);
  }
}

static void sizes_of(const Distribution *law, double *x, size_t n, uint32_t *size) {
  distribution_quantiles(law, x, n, x);
  for (size_t k = 0; k < n; k++) size[k] = x[k] >= 4294967295.0 ? UINT32_MAX : (uint32_t)(x[k] + 0.5);
}

static void draw_sizes(const Arrivals *a, uint64_t first, size_t n, uint32_t *input, uint32_t *output) {
  const WorkloadSpec *spec = &a->deployment->workload;
  double x[JOB_BLOCK], y[JOB_BLOCK];
  if (a->draws_input) {
    stream_uniforms(&a->input, first, n, x);
    shuffle_uniforms(&a->input_shuffle, first, n, x);
  }
  if (a->draws_output) {
    stream_uniforms(&a->output, first, n, y);
    shuffle_uniforms(&a->output_shuffle, first, n, y);
  }
  if (a->draws_input && a->draws_output) copula_turn(a->correlation, x, y, n);
  if (a->draws_input) sizes_of(&spec->input, x, n, input);
  if (a->draws_output) sizes_of(&spec->output, y, n, output);
}

void arrivals_sizes(const Arrivals *a, uint64_t index, uint32_t *input, uint32_t *output) {
  *input = *output = 0;
  draw_sizes(a, index, 1, input, output);
}

static void compute_work(Arrivals *a, size_t from) {
  const VariantSpec *variant = deployment_variant(a->deployment, (size_t)a->variant);
  const Service *service = (const Service *)variant->service.model;
  double u[JOB_BLOCK];
  size_t n = a->block.count - from;
  stream_uniforms(&a->work, a->block.first_index + from, n, u);
  WorkInput input = {n, u, a->block.input + from, a->block.output + from};
  service->work(variant->service.params, &input, a->work_ns + from);
}

/* Jobs at or past the horizon never arrive. */
static void cut_at_horizon(Arrivals *a) {
  JobBlock *block = &a->block;
  while (block->count && block->arrival_ns[block->count - 1] >= a->context.horizon_ns) block->count--, a->ended = true;
}

void arrivals_refill(Arrivals *a) {
  JobBlock *block = &a->block;
  const WorkloadSpec *spec = &a->deployment->workload;
  a->cursor = 0;
  block->count = 0;
  a->workload->next(spec->arrivals.params, a->workload_state, &a->context, block);
  if (a->rate && block->count)
    a->rate->warp(spec->rate.params, a->rate_state, &a->context, block->arrival_ns, block->count);
  if (block->count == 0) a->ended = true;
  cut_at_horizon(a);
  if (block->count == 0) return;
  draw_sizes(a, block->first_index, block->count, block->input, block->output);
  compute_work(a, 0);
}

void arrivals_set_variant(Arrivals *a, int variant) {
  if (a->variant == variant) return;
  a->variant = variant;
  if (a->workload && a->cursor < a->block.count) compute_work(a, a->cursor);
}
