/* A policy alone on the bench; see policy_bench.h. */
#include "tests/support/policy_bench.h"

#include "tests/support/params.h"
#include "tests/testing.h"

static const VariantView two_variants[] = {{"small", 0.7, 0.05}, {"large", 0.8, 0.3}};

PolicyBench policy_bench(const char *name) {
  PolicyBench bench = {.policy = (const Policy *)model_find(MODEL_POLICY, name)};
  assert_non_null(bench.policy);
  bench.params = param_new(&bench.arena, bench.policy->model.params);
  bench.replica = arena_alloc(&bench.arena, BENCH_REPLICAS, sizeof *bench.replica);
  bench.metric = arena_alloc(&bench.arena, POLICY_METRICS, sizeof *bench.metric);
  for (size_t k = 0; k < POLICY_METRICS; k++) bench.metric[k] = (MetricValue){.has = true, .value = (double)__builtin_nan(""), .window_ns = 60000000000};
  bench.seen = (Observation){
      .period_ns = 15000000000, .has_metrics = true, .window_ns = 60000000000,
      .replicas = 4, .replicas_ready = 4, .min_replicas = 1, .max_replicas = 10, .concurrency = 1,
      .request_millicores = 1000, .initial_millicores = 1000, .cap_millicores = 4000,
      .request_bytes = 1000000000, .initial_bytes = 1000000000, .cap_bytes = 3000000000,
      .placeable_replicas = 100, .pool_nodes = 2, .pool_max_nodes = 10,
      .variant = 1, .variants = 2, .variant_view = two_variants, .utilisation_ratio = 0.7,
      .latency_mean_s = __builtin_nan(""), .attainment_ratio = __builtin_nan(""), .objective_attainment_ratio = 0.99,
      .input_tokens_mean = __builtin_nan(""), .output_tokens_mean = __builtin_nan(""), .ttft_mean_s = __builtin_nan(""),
      .tpot_mean_s = __builtin_nan(""), .kv_cache_ratio = __builtin_nan(""), .deployment = "chat", .replica_usd_per_h = 1,
      .replica = bench.replica, .metric = bench.metric,
  };
  return bench;
}

void bench_set(PolicyBench *bench, const char *path, const char *text) { param_set(bench->policy->model.params, bench->params, path, text); }

ReplicaView *bench_replica(PolicyBench *bench, double ready_s, int64_t usage_millicores) {
  assert_true(bench->seen.n_replicas < BENCH_REPLICAS);
  ReplicaView *view = &bench->replica[bench->seen.n_replicas];
  int64_t at_ns = (int64_t)(ready_s * 1e9);
  *view = (ReplicaView){.ordinal = (uint32_t)bench->seen.n_replicas++, .phase = REPLICA_PHASE_READY, .created_ns = at_ns, .started_ns = at_ns, .ready_ns = at_ns,
                        .has_sample = true, .window_ns = 60000000000, .usage_millicores = (double)usage_millicores,
                        .request_millicores = bench->seen.request_millicores, .request_bytes = bench->seen.request_bytes,
                        .request_milligpus = bench->seen.request_milligpus, .variant = bench->seen.variant};
  return view;
}

static void first_look(PolicyBench *bench) {
  const Policy *policy = bench->policy;
  size_t bytes = policy->state_bytes_of ? policy->state_bytes_of(bench->params) : policy->state_bytes;
  bench->state = arena_alloc(&bench->arena, 1, bytes);
  if (policy->metrics) bench->n_queries = policy->metrics(bench->params, bench->query);
}

const Decision *look(PolicyBench *bench, double at_s) {
  if (!bench->state) first_look(bench);
  bench->seen.now_ns = bench->seen.sampled_ns = (int64_t)(at_s * 1e9);
  decision_begin(&bench->wished, &bench->seen);
  bench->wished.updated = arena_alloc(&bench->arena, BENCH_REPLICAS, sizeof(uint32_t));
  bench->wished.removed = arena_alloc(&bench->arena, BENCH_REPLICAS, sizeof(uint32_t));
  if (bench->policy->decide_all) bench->policy->decide_all(bench->params, bench->state, &bench->seen, &bench->wished, 1);
  else bench->policy->decide(bench->params, bench->state, &bench->seen, &bench->wished);
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
