/* A scenario of one deployment built by hand, for tests of the engine that must not depend on the decoder. */
#ifndef TESTS_SUPPORT_SMALL_SCENARIO_H
#define TESTS_SUPPORT_SMALL_SCENARIO_H

#include "sim/run/scenario.h"

typedef struct SmallScenario {
  Arena arena;
  Scenario scenario;
  PoolSpec pool_spec;
  NodePool pool;
  DeploymentSpec deployment;
  VariantSpec variant[2];
  StrategySpec strategy;
  uint32_t only_pool, deployment_entity, flow_of;
  PoolList deployment_pools;
  int initial_variant;
  double route_probability;
} SmallScenario;

/* Poisson arrivals, exponential service of the given mean, `replicas` replicas of one core on one huge node that costs $1/h.
 * Policy none, node policy on-demand. Fields may be changed before use. */
SmallScenario *small_scenario(double rate_rps, double mean_service_ns, int64_t replicas, int64_t horizon_ns);
void small_scenario_free(SmallScenario *small);

#endif
