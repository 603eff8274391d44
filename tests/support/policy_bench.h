/* A policy alone on the bench: an Observation that the test edits, one look after the other. */
#ifndef TESTS_SUPPORT_POLICY_BENCH_H
#define TESTS_SUPPORT_POLICY_BENCH_H

#include "sim/base/arena.h"
#include "sim/contract/policy.h"

typedef struct PolicyBench {
  Arena arena;
  const Policy *policy;
  void *params, *state;
  Observation seen;
  Decision wished;
} PolicyBench;

/* Four ready replicas of one core (cap 4 cores), 1..10 of them, variants small and large (large is wished), 2 of 10 nodes, utilisation at
 * 70 %, no objective. */
PolicyBench policy_bench(const char *policy);
void bench_set(PolicyBench *bench, const char *path, const char *text);
/* Looks at `at_s`. */
const Decision *look(PolicyBench *bench, double at_s);
/* Looks, and grants the wish at once: ready replicas, request, variant. */
const Decision *look_and_grant(PolicyBench *bench, double at_s);
void bench_end(PolicyBench *bench);

#endif
