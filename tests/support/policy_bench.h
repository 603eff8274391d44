/* A policy alone on the bench: an Observation that the test edits, one look after the other. */
#ifndef TESTS_SUPPORT_POLICY_BENCH_H
#define TESTS_SUPPORT_POLICY_BENCH_H

#include "sim/base/arena.h"
#include "sim/contract/policy.h"

enum { BENCH_REPLICAS = 64 };

typedef struct PolicyBench {
  Arena arena;
  const Policy *policy;
  void *params, *state;
  Observation seen;
  Decision wished;
  /* behind seen.replica, seen.metric and the lists of the decision; seen.n_replicas is 0 until the test sets it */
  ReplicaView *replica; /* [BENCH_REPLICAS] */
  MetricValue *metric;  /* [POLICY_METRICS], `has` true, value NaN */
  MetricQuery query[POLICY_METRICS];
  size_t n_queries;     /* known after the first look */
} PolicyBench;

/* Four ready replicas of one core (cap 4 cores), 1..10 of them, variants small and large (large is wished), 2 of 10 nodes, utilisation at
 * 70 %, no objective. */
PolicyBench policy_bench(const char *policy);
void bench_set(PolicyBench *bench, const char *path, const char *text);
/* A ready replica of the request wished, created, placed and ready at the given instants, with a sample of its use; appended to seen.replica. */
ReplicaView *bench_replica(PolicyBench *bench, double ready_s, int64_t usage_millicores);
/* Looks at `at_s`; a policy that weighs deployments against each other sees this one alone. */
const Decision *look(PolicyBench *bench, double at_s);
/* Looks, and grants the wish at once: ready replicas, request, variant. */
const Decision *look_and_grant(PolicyBench *bench, double at_s);
void bench_end(PolicyBench *bench);

#endif
