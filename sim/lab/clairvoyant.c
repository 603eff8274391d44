/* The clairvoyant strategy's runs; see clairvoyant.h. The bound is one of nodes: a node holds so many replicas of the size the scenario
 * states, hence so many slots, and each is at best as fast as the largest replica a node can hold. */
#include "sim/lab/clairvoyant.h"

#include <math.h>
#include <setjmp.h>
#include <string.h>

#include "sim/contract/clairvoyant.h"
#include "sim/lab/plan.h"
#include "sim/run/arrivals.h"

/* ---- the problem ---- */

static int64_t replicas_by(int64_t room, int64_t request) { return request > 0 ? room / request : INT64_MAX; }

/* Replicas of the stated size on a node. */
static int64_t replicas_per_node(const MachineType *machine, const ResourcesSpec *request) {
  int64_t gpu = request->gpu_milligpus, by_gpu = INT64_MAX;
  if (gpu > 0) by_gpu = gpu <= 1000 ? machine->allocatable.milligpus / 1000 * (1000 / gpu) : machine->allocatable.milligpus / gpu;
  int64_t n = replicas_by(machine->allocatable.millicores, request->cpu_millicores), by_bytes = replicas_by(machine->allocatable.bytes, request->memory_bytes);
  n = by_bytes < n ? by_bytes : n;
  return by_gpu < n ? by_gpu : n;
}

/* The fastest a replica can be on the machine, as run/nodes.c computes speeds. */
static double fastest(const DeploymentSpec *spec, const MachineType *machine) {
  if (spec->requests.cpu_millicores <= 0) return machine->speed;
  const SpeedModel *model = (const SpeedModel *)spec->speed.model;
  double most = model->speed(spec->speed.params, (double)machine->allocatable.millicores, (double)spec->requests.cpu_millicores);
  double stated = model->speed(spec->speed.params, (double)spec->requests.cpu_millicores, (double)spec->requests.cpu_millicores);
  return machine->speed * (most > stated ? most : stated);
}

static bool applies(const Scenario *scenario, const char **why) {
  const DeploymentSpec *spec = scenario_deployment(scenario, 0);
  *why = NULL;
  if (scenario->deployments.count != 1) *why = "several deployments share the bill";
  else if (scenario->cluster.pools.count != 1) *why = "there are several pools";
  else if (!pool_is_plain(&scenario->pool[0])) *why = "nodes fail, are not always to be had, or are paid in other ways than by the hour";
  else if (scenario->training.count) *why = "training jobs share the nodes";
  else if (spec->route.count) *why = "jobs come back by routes";
  else if (spec->queue.order != ORDER_FIFO) *why = "its queue is not first come, first served";
  else if (spec->objective.latency_ns <= 0) *why = "there is no latency objective";
  else if (!spec->workload.arrivals.model) *why = "nothing arrives from outside";
  else if (((const Workload *)spec->workload.arrivals.model)->closed) *why = "when clients send depends on how they are served";
  else if (scenario->warmup_jobs > 0 || scenario->batches > 0) *why = "the window is not a span of time given in advance";
  else if (spec->failure.work == FAILED_WORK_RESUME) *why = "failed work is resumed elsewhere";
  return *why == NULL;
}

/* Appends a variant's jobs: the first makes the list, the others lower the work. */
static bool add_variant(const Scenario *scenario, uint32_t replication, int variant, double speed, int64_t max_jobs, Arena *arena, BoundProblem *p) {
  Arena scratch = {.exhausted = arena->exhausted};
  Arrivals *a = ARENA_NEW(&scratch, Arrivals);
  arrivals_begin(a, scenario, 0, replication, variant, &scratch);
  size_t n = 0, capacity = p->n_jobs;
  int64_t *arrival_ns = (int64_t *)p->arrival_ns, *work_ns = (int64_t *)p->work_ns;
  const double slowness = 1 / speed;
  for (; arrivals_peek(a) != INSTANT_NEVER && (int64_t)n <= max_jobs; a->cursor = a->block.count) {
    for (size_t k = a->cursor; k < a->block.count; k++, n++) {
      int64_t work = ns_from_double(a->work_ns[k] * slowness);
      if (variant > 0) {
        if (n < p->n_jobs && work < work_ns[n]) work_ns[n] = work;
        continue;
      }
      if (n == capacity) {
        size_t grown = capacity ? capacity * 2 : 4096;
        arrival_ns = arena_grow(arena, arrival_ns, n, grown, sizeof *arrival_ns);
        work_ns = arena_grow(arena, work_ns, n, grown, sizeof *work_ns);
        capacity = grown;
      }
      arrival_ns[n] = a->block.arrival_ns[k];
      work_ns[n] = work;
    }
  }
  arena_free(&scratch);
  p->arrival_ns = arrival_ns;
  p->work_ns = work_ns;
  p->n_jobs = n;
  return (int64_t)n <= max_jobs;
}

bool clairvoyant_problem(const Scenario *scenario, uint32_t replication, int64_t max_jobs, Arena *arena, BoundProblem *problem, const char **why) {
  if (!applies(scenario, why)) return false;
  const DeploymentSpec *spec = scenario_deployment(scenario, 0);
  const NodePool *pool = &scenario->pool[0];
  const bool server = ((const Service *)deployment_variant(spec, 0)->service.model)->server != NULL;
  int64_t replicas = replicas_per_node(&pool->machine, &spec->requests);
  if (replicas > spec->replicas.max) replicas = spec->replicas.max;
  *problem = (BoundProblem){
      .start_ns = row_start_ns(scenario->horizon_ns, scenario_first_row(scenario)),
      .horizon_ns = scenario->horizon_ns,
      .objective_latency_ns = spec->objective.latency_ns,
      .objective_attainment_ratio = spec->objective.attainment_ratio,
      .slots_per_unit = replicas * (server ? 1 : spec->concurrency),
      .min_units = pool->min_nodes, .max_units = pool->max_nodes, .initial_units = pool->initial_nodes,
      .nano_usd_per_h = pool->machine.nano_usd_per_h,
      .startup_ns = ns_from_double(distribution_quantile(&pool->startup_ns, 0x1p-53)),
      .bill_startup = pool->bill_startup,
      .minimum_charge_ns = pool->minimum_charge_ns,
      .granularity_ns = pool->granularity_ns,
  };
  double speed = fastest(spec, &pool->machine);
  for (size_t v = 0; v < spec->variants.count; v++)
    if (!add_variant(scenario, replication, (int)v, speed, max_jobs, arena, problem)) {
      *why = "there are more jobs than max_jobs";
      return false;
    }
  return true;
}

/* ---- a plan's run ---- */

typedef struct Future {
  const Scenario *scenario;
  uint32_t strategy, replication;
  RunOptions options;
  int64_t replicas_per_node, lead_ns;
} Future;

/* The most nodes the plan wants from now until those ordered now would serve. */
static int64_t units_soon(const Plan *plan, int64_t now_ns, int64_t lead_ns) {
  int64_t k = now_ns / plan->period_ns, last = (now_ns + lead_ns) / plan->period_ns, most = 0;
  for (; k <= last && k < plan->n_periods; k++)
    if (plan->units[k] > most) most = plan->units[k];
  return most;
}

static void simulate_plan(const Future *future, const Plan *plan, Arena *arena, RunResult *result) {
  Run *run = run_begin(future->scenario, future->strategy, future->replication, &future->options, arena);
  for (Turn turn; run_next(run, &turn);) {
    Decision decision = run_unchanged(run, 0);
    decision.replicas = units_soon(plan, turn.observation->now_ns, future->lead_ns) * future->replicas_per_node;
    decision.reason = "as planned";
    run_decide(run, &decision);
  }
  run_end(run, result);
}

static PlanOutcome try_plan(void *context, const Plan *plan) {
  Future quiet = *(const Future *)context;
  quiet.options.trace = false;
  Arena arena = {0};
  RunResult result;
  simulate_plan(&quiet, plan, &arena, &result);
  PlanOutcome outcome = {.ran = result.status == 0};
  if (outcome.ran) {
    outcome.attainment_ratio = result.summary[SUMMARY_attainment_ratio];
    outcome.cost_nano_usd = (int64_t)llrint(result.cluster[CLUSTER_cluster_cost_usd] * 1e9);
  }
  arena_free(&arena);
  return outcome;
}

static int64_t lead_of(const Scenario *scenario) {
  const DeploymentSpec *spec = scenario_deployment(scenario, 0);
  double ns = distribution_quantile(&scenario->pool[0].startup_ns, 0.9) + distribution_quantile(&deployment_variant(spec, (size_t)scenario->initial_variant[0])->load_ns, 0.9);
  return ns_from_double(ns);
}

static void clairvoyant_simulate(const Future *future, const Clairvoyant *params, Arena *arena, RunResult *result) {
  jmp_buf exhausted;
  Arena scratch = {0};
  if (setjmp(exhausted)) { /* of the scratch memory: the runs catch their own */
    arena_free(&scratch);
    *result = (RunResult){.status = 1, .message = "out of memory", .n_deployments = 1, .n_pools = 1};
    return;
  }
  scratch.exhausted = &exhausted;
  BoundProblem problem;
  Bound bound = {.status = BOUND_NONE};
  Achieved achieved = {.found = false};
  const char *why;
  if (clairvoyant_problem(future->scenario, future->replication, params->max_jobs, &scratch, &problem, &why)) {
    bound_lower(&scratch, &problem, &bound);
    PlanSearch search = {.period_ns = params->step_ns, .trials = (int)params->trials, .runs = (int)params->runs};
    if (bound.status == BOUND_PROVEN) plan_search(&scratch, &problem, &search, try_plan, (void *)(uintptr_t)future, &achieved);
  }
  if (achieved.found) simulate_plan(future, &achieved.plan, arena, result);
  else run_simulate(future->scenario, future->strategy, future->replication, &future->options, arena, result);
  if (result->status == 0 && bound.status == BOUND_PROVEN) result->cluster[CLUSTER_cost_lower_bound_usd] = (double)bound.lower_nano_usd / 1e9;
  arena_free(&scratch);
}

void strategy_simulate(const Scenario *scenario, uint32_t strategy, uint32_t replication, const RunOptions *options, Arena *arena, RunResult *result) {
  const ModelRef *scale = &scenario_strategy(scenario, strategy)->scale;
  if (!((const Policy *)scale->model)->clairvoyant) {
    run_simulate(scenario, strategy, replication, options, arena, result);
    return;
  }
  const NodePool *pool = &scenario->pool[0];
  const DeploymentSpec *spec = scenario_deployment(scenario, 0);
  Future future = {scenario, strategy, replication, *options, replicas_per_node(&pool->machine, &spec->requests), lead_of(scenario)};
  if (future.replicas_per_node > spec->replicas.max) future.replicas_per_node = spec->replicas.max;
  clairvoyant_simulate(&future, scale->params, arena, result);
}
