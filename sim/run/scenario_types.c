/* The tables of a scenario file: one Field row per YAML key, made from the field lists in scenario.h, and the checks that stay inside
 * one struct (they report paths relative to it). What crosses structs is in scenario.c. */
#include "sim/run/scenario.h"

#include "sim/base/text.h"
#include "sim/run/result.h"

static const char *const placement_names[] = {"first-fit", "best-fit", "spread", NULL};
static const char *const dispatch_names[] = {"central-queue",     "random",       "round-robin",
                                             "least-outstanding", "power-of-two", "least-work", NULL};
static const char *const tie_names[] = {"first", "random", NULL};
static const char *const sampling_names[] = {"without-replacement", "with-replacement", NULL};
static const char *const route_call_names[] = {"after", "synchronous", NULL};
static const char *const timeout_of_names[] = {"waiting", "total", NULL};
static const char *const timeout_work_names[] = {"cancel", "waste", NULL};
static const char *const on_failure_names[] = {"requeue-head", "requeue-tail", "fail", NULL};
static const char *const failed_work_names[] = {"restart", "resume", NULL};
static const char *const queue_order_names[] = {"fifo", "lifo", "priority", NULL};
static const char *const warmup_rule_names[] = {"given", "mser-5", NULL};

/* ---- checks ---- */

/* A fraction shares one GPU; more than one GPU is whole GPUs (see cluster.h). */
bool check_shuffle(int64_t shuffle, int64_t groups, Err *err) {
  if (shuffle % groups == 0 && (shuffle > 0 || groups == 1)) return true;
  return err_at(err, "shuffle_groups", "`shuffle` (%lld) is no multiple of it", (long long)shuffle);
}

static bool check_workload(const void *value, Err *err) { return check_shuffle(((const WorkloadSpec *)value)->shuffle, ((const WorkloadSpec *)value)->shuffle_groups, err); }

static bool check_gpus(int64_t milligpus, Err *err) {
  if (milligpus <= 1000 || milligpus % 1000 == 0) return true;
  return err_at(err, "gpu", "more than one GPU must be a whole number of GPUs");
}

static bool check_resources(const void *value, Err *err) { return check_gpus(((const ResourcesSpec *)value)->gpu_milligpus, err); }

static bool check_machine(const void *value, Err *err) {
  const MachineSpec *machine = value;
  bool good = machine->gpu_milligpus % 1000 == 0 || err_at(err, "gpu", "a machine has a whole number of GPUs");
  if (machine->cpu_millicores > 0 && machine->allocatable_cpu_millicores > machine->cpu_millicores)
    good = err_at(err, "allocatable_cpu", "more than the machine's cpu");
  if (machine->memory_bytes > 0 && machine->allocatable_memory_bytes > machine->memory_bytes)
    good = err_at(err, "allocatable_memory", "more than the machine's memory");
  if (machine->busy_watts > 0 && machine->busy_watts < machine->idle_watts) good = err_at(err, "busy_watts", "less than idle_watts");
  return good;
}

static bool check_nodes(const void *value, Err *err) {
  const NodesSpec *nodes = value;
  if (nodes->min > nodes->max)
    return err_at(err, "min", "min (%lld) is above max (%lld)", (long long)nodes->min, (long long)nodes->max);
  if (nodes->initial >= 0 && (nodes->initial < nodes->min || nodes->initial > nodes->max))
    return err_at(err, "initial", "initial (%lld) must be from min (%lld) to max (%lld), or -1", (long long)nodes->initial,
                  (long long)nodes->min, (long long)nodes->max);
  return true;
}

static bool check_replicas(const void *value, Err *err) {
  const ReplicasSpec *replicas = value;
  if (replicas->min > replicas->max)
    return err_at(err, "min", "min (%lld) is above max (%lld)", (long long)replicas->min, (long long)replicas->max);
  if (replicas->initial == -1) return true;
  if (replicas->initial < replicas->min || replicas->initial > replicas->max)
    return err_at(err, "initial", "initial (%lld) must be from min (%lld) to max (%lld)", (long long)replicas->initial,
                  (long long)replicas->min, (long long)replicas->max);
  return true;
}

static bool check_limit(int64_t limit, int64_t request, const char *path, Err *err) {
  return limit == 0 || limit >= request || err_at(err, path, "the limit is below the request");
}

static bool check_deployment(const void *value, Err *err) {
  const DeploymentSpec *d = value;
  bool good = check_limit(d->limits.cpu_millicores, d->requests.cpu_millicores, "limits.cpu", err);
  good &= check_limit(d->limits.memory_bytes, d->requests.memory_bytes, "limits.memory", err);
  /* GPUs are no overcommit resource. Source: Kubernetes, "Schedule GPUs": limits and requests of a GPU must be equal. */
  if (d->limits.gpu_milligpus != 0 && d->limits.gpu_milligpus != d->requests.gpu_milligpus)
    good = err_at(err, "limits.gpu", "the limit of gpu must equal its request");
  if (d->variants.count == 0) good = err_at(err, "variants", "at least one variant is needed");
  return good;
}

static bool check_queue(const void *value, Err *err) {
  const QueueSpec *queue = value;
  return !queue->preempt || queue->order == ORDER_PRIORITY || err_at(err, "preempt", "whose slot may be taken follows from priorities: it needs `order: priority`");
}

static bool is_of_training(const char *metric) {
  for (size_t k = 0; k < TRAINING_COUNT; k++)
    if (text_equal(training_column[k].name, metric)) return true;
  return false;
}

static bool check_precision(const void *value, Err *err) {
  const PrecisionSpec *precision = value;
  if (!precision->metric) {
    if (precision->relative_ratio > 0 || precision->absolute > 0) return err_at(err, "metric", "which metric is to be this precise?");
    return true;
  }
  const char *name[SUMMARY_COUNT + CLUSTER_COUNT + TRAINING_COUNT];
  size_t n = 0;
  for (size_t k = 0; k < SUMMARY_COUNT; k++) name[n++] = summary_column[k].name;
  for (size_t k = 0; k < CLUSTER_COUNT; k++) name[n++] = cluster_column[k].name;
  for (size_t k = 0; k < TRAINING_COUNT; k++) name[n++] = training_column[k].name;
  bool known = false;
  for (size_t k = 0; k < n; k++) known = known || text_equal(name[k], precision->metric);
  if (!known) {
    const char *near = text_nearest(precision->metric, name, n);
    return err_at(err, "metric", "`%.60s` is no column of summaries%s%s", precision->metric, near ? "; did you mean " : "", near ? near : "");
  }
  if (!(precision->relative_ratio > 0) && !(precision->absolute > 0)) return err_at(err, "metric", "give `relative` or `absolute`, the half width wanted");
  return true;
}

/* What makes the load vary over time, or NULL. Such a run is a terminating simulation. MMPP does not: its rate is random, but it is
 * stationary from the first instant. */
static const char *what_varies(const Scenario *scenario) {
  if (scenario->faults.count) return "faults happen at given instants";
  for (size_t p = 0; p < scenario->cluster.pools.count; p++)
    if (LIST_AT(scenario->cluster.pools, const PoolSpec, p)->spot.trace) return "nodes are taken back at given instants";
  for (size_t d = 0; d < scenario->deployments.count; d++) {
    const WorkloadSpec *workload = &scenario_deployment(scenario, d)->workload;
    if (workload->rate.model) return "a workload has a `rate` that changes with the hour";
    if (workload->arrivals.model && ((const Workload *)workload->arrivals.model)->varies) return "a workload follows a trace";
  }
  for (size_t q = 0; q < scenario->training.count; q++) {
    const TrainingJobsSpec *jobs = &scenario_queue(scenario, q)->jobs;
    if (jobs->rate.model || (jobs->arrivals.model && ((const Workload *)jobs->arrivals.model)->varies))
      return "training jobs follow a trace, or a `rate` that changes with the hour";
  }
  return NULL;
}

static bool check_statistics(const Scenario *scenario, Err *err) {
  const char *why = what_varies(scenario);
  const struct { const char *key; bool given; } steady[] = {
      {"warmup_jobs", scenario->warmup_jobs > 0}, {"warmup_rule", scenario->warmup_rule != WARMUP_GIVEN}, {"batches", scenario->batches > 0}};
  bool good = true;
  for (size_t k = 0; k < sizeof steady / sizeof *steady; k++)
    if (steady[k].given && why)
      good = err_at(err, steady[k].key, "needs load that does not vary over time, but %s: a run is then a terminating simulation, which has no steady state "
                    "to wait for or to cut into batches; use replications", why);
  if (scenario->batches == 1) good = err_at(err, "batches", "one batch gives no interval: 2 to 32, or 0");
  if (scenario->batches > 0 && scenario->replications > 1)
    good = err_at(err, "batches", "is for one long run: with replications (%lld) intervals are over those", (long long)scenario->replications);
  if (scenario->antithetic && scenario->replications % 2)
    good = err_at(err, "antithetic", "pairs replications: their number (%lld) must be even", (long long)scenario->replications);
  if (scenario->batches > 0 && scenario->training.count) good = err_at(err, "batches", "has no figures of training queues; use replications");
  if (!scenario->precision.metric) return good;
  if (scenario->batches > 0) good = err_at(err, "precision", "adds replications; `batches` has one");
  if (scenario->training.count == 0 && is_of_training(scenario->precision.metric))
    good = err_at(err, "precision.metric", "`%s` is of training queues, and there is none", scenario->precision.metric);
  if (scenario->replications < (scenario->antithetic ? 4 : 2))
    good = err_at(err, "replications", "precision begins with these: at least %d, better 20", scenario->antithetic ? 4 : 2);
  if (scenario->precision.max_replications < scenario->replications)
    good = err_at(err, "precision.max_replications", "is below replications (%lld)", (long long)scenario->replications);
  return good;
}

static bool check_scenario(const void *value, Err *err) {
  const Scenario *scenario = value;
  bool good = check_statistics(scenario, err);
  if ((__int128)scenario->warmup_ns * SLICES > (__int128)scenario->horizon_ns * (SLICES - 1))
    good = err_at(err, "warmup", "warmup must leave something: at most 63/64 of the horizon (%.9gs)", (double)scenario->horizon_ns / 1e9);
  if (scenario->cluster.pools.count == 0) good = err_at(err, "cluster.pools", "at least one pool is needed");
  if (scenario->deployments.count == 0) good = err_at(err, "deployments", "at least one deployment is needed");
  if (scenario->strategies.count == 0) good = err_at(err, "strategies", "at least one strategy is needed");
  return good;
}

/* ---- tables, leaves first ---- */

/* A Type that is used only in this file; ROW_STRUCT is defined around each. */
#define ROW_STRUCT ResourcesSpec
static const Field resources_fields[] = {FIELD_ROWS(RESOURCES_FIELDS)};
#undef ROW_STRUCT
static const Type resources_type = FIELD_TYPE("resources", "resources of one replica", ResourcesSpec, resources_fields, check_resources);

#define ROW_STRUCT MachineSpec
static const Field machine_fields[] = {FIELD_ROWS(MACHINE_FIELDS)};
#undef ROW_STRUCT
const Type machine_type = FIELD_TYPE("machine", "a machine type: a name of the catalogue, or its figures", MachineSpec, machine_fields,
                                     check_machine);

#define ROW_STRUCT NodesSpec
static const Field nodes_fields[] = {FIELD_ROWS(NODES_FIELDS)};
#undef ROW_STRUCT
static const Type nodes_type = FIELD_TYPE("nodes", "how many machines a pool may have", NodesSpec, nodes_fields, check_nodes);

#define ROW_STRUCT PoolSpec
static const Field pool_fields[] = {FIELD_ROWS(POOL_FIELDS)};
#undef ROW_STRUCT
static const Type pool_type = FIELD_TYPE("pool", "a pool of equal machines", PoolSpec, pool_fields, NULL);

#define ROW_STRUCT ClusterSpec
static const Field cluster_fields[] = {FIELD_ROWS(CLUSTER_FIELDS)};
#undef ROW_STRUCT
static const Type cluster_type = FIELD_TYPE("cluster", "the machines", ClusterSpec, cluster_fields, NULL);

#define ROW_STRUCT TimeoutSpec
static const Field timeout_fields[] = {FIELD_ROWS(TIMEOUT_FIELDS)};
#undef ROW_STRUCT
static const Type timeout_type = FIELD_TYPE("timeout", "when clients give up", TimeoutSpec, timeout_fields, NULL);

#define ROW_STRUCT QueueSpec
static const Field queue_fields[] = {FIELD_ROWS(QUEUE_FIELDS)};
#undef ROW_STRUCT
static const Type queue_type = FIELD_TYPE("queue", "limits of waiting", QueueSpec, queue_fields, check_queue);

#define ROW_STRUCT VariantSpec
static const Field variant_fields[] = {FIELD_ROWS(VARIANT_FIELDS)};
#undef ROW_STRUCT
static const Type variant_type = FIELD_TYPE("variant", "a model size", VariantSpec, variant_fields, NULL);

#define ROW_STRUCT ReplicasSpec
static const Field replicas_fields[] = {FIELD_ROWS(REPLICAS_FIELDS)};
#undef ROW_STRUCT
static const Type replicas_type = FIELD_TYPE("replicas", "how many replicas", ReplicasSpec, replicas_fields, check_replicas);

#define ROW_STRUCT ObjectiveSpec
static const Field objective_fields[] = {FIELD_ROWS(OBJECTIVE_FIELDS)};
#undef ROW_STRUCT
static const Type objective_type = FIELD_TYPE("objective", "the service level objective", ObjectiveSpec, objective_fields, NULL);

#define ROW_STRUCT RetrySpec
static const Field retry_fields[] = {FIELD_ROWS(RETRY_FIELDS)};
#undef ROW_STRUCT
static const Type retry_type = FIELD_TYPE("retry", "attempts after a drop, an expiry or a failure", RetrySpec, retry_fields, NULL);

#define ROW_STRUCT RouteSpec
static const Field route_fields[] = {FIELD_ROWS(ROUTE_FIELDS)};
#undef ROW_STRUCT
static const Type route_type = FIELD_TYPE("route", "where finished jobs go", RouteSpec, route_fields, NULL);

#define ROW_STRUCT FailureSpec
static const Field failure_fields[] = {FIELD_ROWS(FAILURE_FIELDS)};
#undef ROW_STRUCT
static const Type failure_type = FIELD_TYPE("failure", "what a failing replica does to its jobs", FailureSpec, failure_fields, NULL);

#define ROW_STRUCT ReadinessSpec
static const Field readiness_fields[] = {FIELD_ROWS(READINESS_FIELDS)};
#undef ROW_STRUCT
static const Type readiness_type = FIELD_TYPE("readiness", "when a replica that has loaded is seen to be ready", ReadinessSpec, readiness_fields, NULL);

#define ROW_STRUCT WorkloadSpec
static const Field workload_fields[] = {FIELD_ROWS(WORKLOAD_FIELDS)};
#undef ROW_STRUCT
static const Type workload_type = FIELD_TYPE("workload", "what arrives from outside", WorkloadSpec, workload_fields, check_workload);

static const Field pool_name_fields[] = {{.name = "", .kind = FIELD_TEXT, .need = REQUIRED, .offset = offsetof(PoolName, name),
                                          .help = "a pool of the cluster", .source = "nodeSelector, Kubernetes"}};
const Type pool_name_type = FIELD_TYPE("pool name", "a node pool", PoolName, pool_name_fields, NULL);

#define ROW_STRUCT DeploymentSpec
static const Field deployment_fields[] = {FIELD_ROWS(DEPLOYMENT_FIELDS)};
#undef ROW_STRUCT
static const Type deployment_type = FIELD_TYPE("deployment", "a scale target", DeploymentSpec, deployment_fields, check_deployment);

#define ROW_STRUCT MetricsSpec
static const Field metrics_fields[] = {FIELD_ROWS(METRICS_FIELDS)};
#undef ROW_STRUCT
static const Type metrics_type = FIELD_TYPE("metrics", "how metrics reach a policy", MetricsSpec, metrics_fields, NULL);

#define ROW_STRUCT TargetSpec
static const Field target_fields[] = {FIELD_ROWS(TARGET_FIELDS)};
#undef ROW_STRUCT
static const Type target_type = FIELD_TYPE("target", "a policy for a single deployment", TargetSpec, target_fields, NULL);

#define ROW_STRUCT StrategySpec
static const Field strategy_fields[] = {FIELD_ROWS(STRATEGY_FIELDS)};
#undef ROW_STRUCT
static const Type strategy_type = FIELD_TYPE("strategy", "a competitor", StrategySpec, strategy_fields, NULL);

#define ROW_STRUCT MetricSpec
static const Field metric_spec_fields[] = {FIELD_ROWS(METRIC_FIELDS)};
#undef ROW_STRUCT
const Type metric_spec_type = FIELD_TYPE("metric", "what a metric of a manifest means", MetricSpec, metric_spec_fields, NULL);

#define ROW_STRUCT FaultSpec
static const Field fault_fields[] = {FIELD_ROWS(FAULT_FIELDS)};
#undef ROW_STRUCT
static const Type fault_type = FIELD_TYPE("fault", "a scripted failure of replicas", FaultSpec, fault_fields, NULL);

#define ROW_STRUCT PrecisionSpec
static const Field precision_fields[] = {FIELD_ROWS(PRECISION_FIELDS)};
#undef ROW_STRUCT
static const Type precision_type = FIELD_TYPE("precision", "how narrow intervals must become", PrecisionSpec, precision_fields, check_precision);

#define ROW_STRUCT Scenario
static const Field scenario_fields[] = {FIELD_ROWS(SCENARIO_FIELDS)};
#undef ROW_STRUCT
const Type scenario_type = FIELD_TYPE("scenario", "everything a run depends on", Scenario, scenario_fields, check_scenario);
