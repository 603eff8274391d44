/* A policy alone on the bench; see policy_bench.h. */
#include "tests/support/policy_bench.h"

#include "tests/support/params.h"
#include "tests/testing.h"

static const VariantView two_variants[] = {{"small", 0.7, 0.05}, {"large", 0.8, 0.3}};

PolicyBench policy_bench(const char *name) {
  PolicyBench bench = {.policy = (const Policy *)model_find(MODEL_POLICY, name)};
  assert_non_null(bench.policy);
  bench.params = param_new(&bench.arena, bench.policy->model.params);
  bench.state = arena_alloc(&bench.arena, 1, bench.policy->state_bytes);
  bench.seen = (Observation){
      .period_ns = 15000000000, .has_metrics = true, .window_ns = 60000000000,
      .replicas = 4, .replicas_ready = 4, .min_replicas = 1, .max_replicas = 10, .concurrency = 1,
      .request_millicores = 1000, .initial_millicores = 1000, .cap_millicores = 4000,
      .request_bytes = 1000000000, .initial_bytes = 1000000000, .cap_bytes = 3000000000,
      .placeable_replicas = 100, .pool_nodes = 2, .pool_max_nodes = 10,
      .variant = 1, .variants = 2, .variant_view = two_variants, .utilisation_ratio = 0.7,
      .latency_mean_s = __builtin_nan(""), .attainment_ratio = __builtin_nan(""), .objective_attainment_ratio = 0.99,
  };
  return bench;
}

void bench_set(PolicyBench *bench, const char *path, const char *text) { param_set(bench->policy->model.params, bench->params, path, text); }

const Decision *look(PolicyBench *bench, double at_s) {
  bench->seen.now_ns = bench->seen.sampled_ns = (int64_t)(at_s * 1e9);
  decision_begin(&bench->wished, &bench->seen);
  bench->policy->decide(bench->params, bench->state, &bench->seen, &bench->wished);
  bench->seen.tick++;
  return &bench->wished;
}

const Decision *look_and_grant(PolicyBench *bench, double at_s) {
  const Decision *decision = look(bench, at_s);
  bench->seen.replicas = bench->seen.replicas_ready = decision->replicas;
  bench->seen.request_millicores = decision->request_millicores;
  bench->seen.request_bytes = decision->request_bytes;
  bench->seen.variant = decision->variant;
  return decision;
}

void bench_end(PolicyBench *bench) { arena_free(&bench->arena); }
