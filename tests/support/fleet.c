/* Several deployments under one policy; see fleet.h. */
#include "tests/support/fleet.h"

#include <string.h>

#include "tests/support/params.h"
#include "tests/testing.h"

void fleet_begin(Fleet *fleet, const char *policy, size_t n, const char *const *name) {
  memset(fleet, 0, sizeof *fleet);
  fleet->bench = policy_bench(policy);
  fleet->n = n;
  for (size_t d = 0; d < n; d++) {
    fleet->seen[d] = fleet->bench.seen;
    fleet->seen[d].deployment = name[d];
    fleet->seen[d].replica = fleet->replica[d];
    fleet->seen[d].metric = fleet->metric[d];
    for (size_t q = 0; q < POLICY_METRICS; q++) {
      fleet->metric[d][q] = (MetricValue){.has = true, .value = (double)__builtin_nan(""), .window_ns = 60000000000, .replica = fleet->value[d][q]};
      for (size_t k = 0; k < FLEET_REPLICAS; k++) fleet->value[d][q][k] = (double)__builtin_nan("");
    }
    fleet_ready(fleet, d, 0);
  }
}

void fleet_set(Fleet *fleet, const char *path, const char *text) { bench_set(&fleet->bench, path, text); }

void fleet_ready(Fleet *fleet, size_t d, int64_t replicas) {
  Observation *seen = &fleet->seen[d];
  assert_true(replicas <= FLEET_REPLICAS);
  seen->replicas = seen->replicas_ready = seen->n_replicas = replicas;
  seen->replicas_starting = seen->replicas_pending = seen->replicas_draining = 0;
  for (int64_t k = 0; k < replicas; k++) fleet->replica[d][k] = (ReplicaView){.ordinal = (uint32_t)k, .phase = REPLICA_PHASE_READY, .has_sample = true};
}

void fleet_look(Fleet *fleet, double at_s) {
  PolicyBench *bench = &fleet->bench;
  const Policy *policy = bench->policy;
  if (!bench->state) {
    bench->state = arena_alloc(&bench->arena, 1, policy->state_bytes_of ? policy->state_bytes_of(bench->params) : policy->state_bytes);
    if (policy->metrics) bench->n_queries = policy->metrics(bench->params, bench->query);
  }
  for (size_t d = 0; d < fleet->n; d++) {
    Observation *seen = &fleet->seen[d];
    seen->now_ns = seen->sampled_ns = (int64_t)(at_s * 1e9);
    for (size_t q = 0; q < POLICY_METRICS; q++) fleet->metric[d][q].sampled_ns = seen->now_ns;
    decision_begin(&fleet->wish[d], seen);
  }
  policy->decide_all(bench->params, bench->state, fleet->seen, fleet->wish, fleet->n);
  for (size_t d = 0; d < fleet->n; d++) {
    assert_non_null(fleet->wish[d].reason);
    assert_true(fleet->wish[d].n_steps > 0);
    fleet->seen[d].tick++;
  }
}

void fleet_grant(Fleet *fleet) {
  for (size_t d = 0; d < fleet->n; d++) fleet_ready(fleet, d, fleet->wish[d].replicas);
}

void fleet_end(Fleet *fleet) { bench_end(&fleet->bench); }
