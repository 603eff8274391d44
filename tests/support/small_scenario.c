/* Filling a Scenario as the decoder would, with the values that the tables have as defaults. */
#include "tests/support/small_scenario.h"

#include <stdlib.h>

#include "sim/base/hash.h"
#include "sim/core/time.h"

/* One distribution is the first member of the parameters of `distribution`; one rate those of `poisson`. */
typedef struct TimeParams {
  Distribution time_ns;
} TimeParams;
typedef struct RateParams {
  double rate_rps;
} RateParams;

static void variant_begin(SmallScenario *x, int v, const char *name, double mean_service_ns) {
  TimeParams *time = ARENA_NEW(&x->arena, TimeParams);
  time->time_ns = distribution_exponential(mean_service_ns);
  x->variant[v] = (VariantSpec){.name = name, .accuracy_ratio = v ? 0.9 : 0.7, .load_ns = distribution_constant(0)};
  x->variant[v].service = (ModelRef){model_find(MODEL_SERVICE, "distribution"), time};
}

static void deployment_begin(SmallScenario *x, double rate_rps, int64_t replicas) {
  RateParams *rate = ARENA_NEW(&x->arena, RateParams);
  rate->rate_rps = rate_rps;
  DeploymentSpec *d = &x->deployment;
  *d = (DeploymentSpec){.name = "app", .concurrency = 1, .grace_ns = 30 * NS_PER_S};
  d->requests.cpu_millicores = 1000;
  d->replicas = (ReplicasSpec){.initial = replicas, .min = 0, .max = 100000};
  d->queue = (QueueSpec){.limit = -1, .max_queue = 10000000};
  d->queue.timeout.after_ns = distribution_constant(0);
  d->variants = (List){x->variant, 1};
  d->speed = (ModelRef){model_find(MODEL_SPEED, "constant"), arena_alloc(&x->arena, 1, 64)};
  d->objective.attainment_ratio = 0.99;
  d->retry = (RetrySpec){.attempts = 1, .backoff_ns = NS_PER_S, .factor = 2};
  d->workload.arrivals = (ModelRef){model_find(MODEL_WORKLOAD, "poisson"), rate};
  d->workload.input = d->workload.output = distribution_constant(0);
  d->workload.unit_bytes_bytes = 1;
}

SmallScenario *small_scenario(double rate_rps, double mean_service_ns, int64_t replicas, int64_t horizon_ns) {
  SmallScenario *x = calloc(1, sizeof *x);
  variant_begin(x, 0, "small", mean_service_ns);
  variant_begin(x, 1, "large", 2 * mean_service_ns);
  deployment_begin(x, rate_rps, replicas);
  x->pool_spec.name = "pool";
  x->pool = (NodePool){.name = "pool", .entity = hash_name("pool"), .min_nodes = 1, .max_nodes = 1, .initial_nodes = 1,
                       .startup_ns = distribution_constant(0), .granularity_ns = 1, .bill_startup = true};
  x->pool.machine = (MachineType){.name = "huge", .capacity = {1000000000, INT64_C(1) << 50, 0}, .allocatable = {1000000000, INT64_C(1) << 50, 0},
                                  .nano_usd_per_h = 1000000000, .speed = 1};
  StrategySpec *strategy = &x->strategy;
  strategy->name = "none";
  strategy->scale = (ModelRef){model_find(MODEL_POLICY, "none"), NULL};
  strategy->nodes = (ModelRef){model_find(MODEL_NODE_POLICY, "static"), arena_alloc(&x->arena, 1, 64)};
  strategy->period_ns = 15 * NS_PER_S;
  strategy->metrics = (MetricsSpec){.scrape_ns = 15 * NS_PER_S, .window_ns = 60 * NS_PER_S};
  int64_t *none = arena_alloc(&x->arena, 1, 64);
  none[0] = -1; /* replicas: keep */
  strategy->scale.params = none;
  Scenario *s = &x->scenario;
  s->name = "small";
  s->horizon_ns = horizon_ns;
  s->replications = 1;
  s->seed = 1;
  s->cluster.pools = (List){&x->pool_spec, 1};
  s->deployments = (List){&x->deployment, 1};
  s->strategies = (List){strategy, 1};
  s->pool = &x->pool;
  x->deployment_entity = hash_name("app");
  x->deployment_pools = (PoolList){&x->only_pool, 1};
  s->deployment_pools = &x->deployment_pools;
  s->deployment_entity = &x->deployment_entity;
  s->initial_variant = &x->initial_variant;
  s->route_probability = &x->route_probability;
  s->flow_of = &x->flow_of;
  s->n_flows = 1;
  return x;
}

void small_scenario_free(SmallScenario *x) {
  arena_free(&x->arena);
  free(x);
}
