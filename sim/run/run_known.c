/* What theory knows of a run's means before it is run: the jobs expected from a stationary workload, and the mean latency where everything
 * is as in an M/M/c queue. They serve as controls of known mean (sim/lab/compare.c) and for checking. An Erlang queue is recognised by
 * the scenario's models and by what the run did: as many replicas as at the beginning, all the time. */
#include <math.h>
#include <string.h>

#include "sim/core/statistics.h"
#include "sim/run/run_internal.h"

static bool fed_by_others(const Scenario *scenario, size_t d) {
  size_t n = scenario->deployments.count;
  for (size_t from = 0; from < n; from++)
    if (scenario->route_probability[from * n + d] > 0) return true;
  return false;
}

/* Jobs a second from outside, all of the load there is; NaN where it varies or others add to it. */
static double steady_rps(const Run *run, size_t d) {
  const WorkloadSpec *spec = &run->target[d].spec->workload;
  const Workload *workload = (const Workload *)spec->arrivals.model;
  if (!workload || workload->varies || workload->closed || spec->rate.model || fed_by_others(run->scenario, d)) return (double)NAN;
  return workload->mean_rps(spec->arrivals.params, run->scenario->horizon_ns);
}

/* The mean of an exponential service law that does not depend on sizes, in ns; NaN for every other. */
static double exponential_mean_ns(const VariantSpec *variant) {
  const Model *model = variant->service.model;
  if (!model || strcmp(model->name, "distribution") != 0 || model->params->n_fields != 1 || model->params->field[0].kind != FIELD_DURATION_DISTRIBUTION)
    return (double)NAN;
  const char *params = variant->service.params;
  Distribution law;
  memcpy(&law, params + model->params->field[0].offset, sizeof law);
  return law.kind == DISTRIBUTION_EXPONENTIAL ? law.a : (double)NAN;
}

/* Replicas ready during the whole window, if they were the same all the time; else 0. */
static int64_t constant_replicas(const Run *run, uint32_t d, int first, int after) {
  const MeterRow *row = run->station[d].meter.done;
  int64_t horizon_ns = run->scenario->horizon_ns;
  int64_t replicas = (int64_t)(row[first].level.ready / (row_start_ns(horizon_ns, first + 1) - row_start_ns(horizon_ns, first)));
  for (int r = first; r < after; r++) {
    __int128 ns = row_start_ns(horizon_ns, r + 1) - row_start_ns(horizon_ns, r);
    if (row[r].level.ready != replicas * ns || row[r].level.draining != 0) return 0;
  }
  return replicas;
}

static bool plain_queue(const Run *run, uint32_t d) {
  const DeploymentSpec *spec = run->target[d].spec;
  const Model *arrivals = spec->workload.arrivals.model, *policy = strategy_policy(run->strategy, spec->name)->model;
  return arrivals && !strcmp(arrivals->name, "poisson") && policy && !strcmp(policy->name, "none") && spec->variants.count == 1 &&
         spec->dispatch == DISPATCH_CENTRAL_QUEUE && spec->queue.limit < 0 && !(distribution_mean(&spec->queue.timeout.after_ns) > 0) &&
         run->scenario->faults.count == 0 && pool_is_plain(&run->scenario->pool[run->cluster.deployment_pools[d].pool[0]]) && (!spec->speed.model || !strcmp(spec->speed.model->name, "constant"));
}

void known_means(const Run *run, uint32_t d, int first, int after, double *expected_jobs, double *erlang_s) {
  double rate_rps = steady_rps(run, d);
  int64_t horizon_ns = run->scenario->horizon_ns;
  *expected_jobs = rate_rps * s_from_ns(row_start_ns(horizon_ns, after) - row_start_ns(horizon_ns, first));
  *erlang_s = (double)NAN;
  if (!plain_queue(run, d) || !(rate_rps > 0)) return;
  double service_s = exponential_mean_ns(deployment_variant(run->target[d].spec, 0)) / run->scenario->pool[run->cluster.deployment_pools[d].pool[0]].machine.speed / 1e9;
  int64_t servers = constant_replicas(run, d, first, after) * run->target[d].spec->concurrency;
  double load = rate_rps * service_s;
  if (servers > 0 && load < (double)servers) *erlang_s = service_s + erlang_c(load, servers) * service_s / ((double)servers - load);
}
