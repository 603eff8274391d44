/* Several deployments under one policy with decide_all: Observations that the test edits, one look after the other. */
#ifndef TESTS_SUPPORT_FLEET_H
#define TESTS_SUPPORT_FLEET_H

#include "tests/support/policy_bench.h"

enum { FLEET_DEPLOYMENTS = 6, FLEET_REPLICAS = 24 };

typedef struct Fleet {
  PolicyBench bench; /* policy, parameters, state */
  size_t n;
  Observation seen[FLEET_DEPLOYMENTS];
  Decision wish[FLEET_DEPLOYMENTS];
  MetricValue metric[FLEET_DEPLOYMENTS][POLICY_METRICS]; /* `has` true, value NaN */
  ReplicaView replica[FLEET_DEPLOYMENTS][FLEET_REPLICAS];
  double value[FLEET_DEPLOYMENTS][POLICY_METRICS][FLEET_REPLICAS]; /* behind metric[].replica, NaN */
} Fleet;

/* Deployments of the given names (up to `n`), each as policy_bench has it, with no replicas. The Fleet must stay where it is. */
void fleet_begin(Fleet *fleet, const char *policy, size_t n, const char *const *name);
void fleet_set(Fleet *fleet, const char *path, const char *text);
/* All of a deployment's replicas are ready, and are that many; their figures stay. */
void fleet_ready(Fleet *fleet, size_t d, int64_t replicas);
/* Looks at `at_s`. */
void fleet_look(Fleet *fleet, double at_s);
/* Grants every wish at once. */
void fleet_grant(Fleet *fleet);
void fleet_end(Fleet *fleet);

#endif
