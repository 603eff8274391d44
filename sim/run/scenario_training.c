/* The tables of training queues, and what crosses structs of them: names, pools, machines large enough. See scenario_training.h. */
#include "sim/base/hash.h"
#include "sim/base/text.h"
#include "sim/run/scenario.h"
#include "sim/run/scenario_graph.h"

static const char *const checkpoint_rule_names[] = {"given", "young", "daly", NULL};
static const char *const preempted_names[] = {"lose", "save", NULL};

/* ---- checks inside one struct ---- */

static bool check_elastic(const void *value, Err *err) {
  const ElasticSpec *elastic = value;
  return elastic->min <= elastic->max || err_at(err, "min", "min (%lld) is above max (%lld)", (long long)elastic->min, (long long)elastic->max);
}

static bool brings_jobs(const TrainingJobsSpec *jobs) {
  const Workload *workload = (const Workload *)jobs->arrivals.model;
  return workload && workload->brings_jobs && workload->brings_jobs(jobs->arrivals.params);
}

static bool check_jobs(const void *value, Err *err) {
  const TrainingJobsSpec *jobs = value;
  bool duration = distribution_mean(&jobs->duration_ns) > 0, data = distribution_mean(&jobs->data_size_bytes) > 0;
  if (jobs->sample_bytes > 0 && !data) return err_at(err, "data_size", "with `sample` the work is counted in samples of data_size: how much is there?");
  if (jobs->sample_bytes == 0 && !duration && !brings_jobs(jobs))
    return err_at(err, "duration", "how long do jobs take? Give `duration`, or `data_size` and `sample`, or replay a trace of training jobs");
  bool correlated = jobs->correlation < 0 || jobs->correlation > 0;
  if (correlated && (jobs->sample_bytes > 0 || brings_jobs(jobs)))
    return err_at(err, "correlation", "is that of the laws `gpus` and `duration`; %s", brings_jobs(jobs) ? "these jobs come from a trace" : "with `sample` a job's duration comes from its data");
  return check_shuffle(jobs->shuffle, jobs->shuffle_groups, err);
}

static bool check_checkpoint(const void *value, Err *err) {
  const CheckpointSpec *checkpoint = value;
  if (checkpoint->rule != CHECKPOINT_GIVEN && checkpoint->interval_ns > 0) return err_at(err, "interval", "is found by the rule `%s`", checkpoint_rule_names[checkpoint->rule]);
  if (checkpoint->rule != CHECKPOINT_GIVEN && checkpoint->cost_ns == 0) return err_at(err, "cost", "`%s` weighs it against failures: it must be above 0", checkpoint_rule_names[checkpoint->rule]);
  return true;
}

/* Failures are events: a second of life is short enough for any machine, and long enough for this one. */
static bool check_failure(const void *value, Err *err) {
  const TrainingFailureSpec *failure = value;
  return failure->mtbf_ns == 0 || failure->mtbf_ns >= INT64_C(1000000000) || err_at(err, "mtbf", "at least 1s, or 0s for no failures");
}

static bool check_queue(const void *value, Err *err) {
  const TrainingSpec *queue = value;
  if (queue->checkpoint.rule != CHECKPOINT_GIVEN && queue->failure.mtbf_ns == 0)
    return err_at(err, "checkpoint.rule", "`%s` needs failure.mtbf: without failures no checkpoint is worth its cost", checkpoint_rule_names[queue->checkpoint.rule]);
  return true;
}

/* ---- tables, leaves first ---- */

#define ROW_STRUCT TrainingWorkerSpec
static const Field training_worker_fields[] = {FIELD_ROWS(TRAINING_WORKER_FIELDS)};
#undef ROW_STRUCT
static const Type training_worker_type = FIELD_TYPE("worker", "what a worker takes beside its GPU", TrainingWorkerSpec, training_worker_fields, NULL);

#define ROW_STRUCT ElasticSpec
static const Field elastic_fields[] = {FIELD_ROWS(ELASTIC_FIELDS)};
#undef ROW_STRUCT
static const Type elastic_type = FIELD_TYPE("elastic", "numbers of GPUs a job can use", ElasticSpec, elastic_fields, check_elastic);

#define ROW_STRUCT CancelSpec
static const Field cancel_fields[] = {FIELD_ROWS(CANCEL_FIELDS)};
#undef ROW_STRUCT
static const Type cancel_type = FIELD_TYPE("cancel", "jobs that are given up", CancelSpec, cancel_fields, NULL);

#define ROW_STRUCT TrainingJobsSpec
static const Field training_jobs_fields[] = {FIELD_ROWS(TRAINING_JOBS_FIELDS)};
#undef ROW_STRUCT
static const Type training_jobs_type = FIELD_TYPE("training jobs", "what is submitted to a queue", TrainingJobsSpec, training_jobs_fields, check_jobs);

#define ROW_STRUCT TrainingVariantSpec
static const Field training_variant_fields[] = {FIELD_ROWS(TRAINING_VARIANT_FIELDS)};
#undef ROW_STRUCT
static const Type training_variant_type = FIELD_TYPE("training variant", "a model size to train", TrainingVariantSpec, training_variant_fields, NULL);

#define ROW_STRUCT CheckpointSpec
static const Field checkpoint_fields[] = {FIELD_ROWS(CHECKPOINT_FIELDS)};
#undef ROW_STRUCT
static const Type checkpoint_type = FIELD_TYPE("checkpoint", "when work is saved, and what that costs", CheckpointSpec, checkpoint_fields, check_checkpoint);

#define ROW_STRUCT StragglerSpec
static const Field straggler_fields[] = {FIELD_ROWS(STRAGGLER_FIELDS)};
#undef ROW_STRUCT
static const Type straggler_type = FIELD_TYPE("stragglers", "workers whose steps take random times", StragglerSpec, straggler_fields, NULL);

#define ROW_STRUCT TrainingFailureSpec
static const Field training_failure_fields[] = {FIELD_ROWS(TRAINING_FAILURE_FIELDS)};
#undef ROW_STRUCT
static const Type training_failure_type = FIELD_TYPE("training failure", "workers that fail", TrainingFailureSpec, training_failure_fields, check_failure);

#define ROW_STRUCT QuotaSpec
static const Field quota_fields[] = {FIELD_ROWS(QUOTA_FIELDS)};
#undef ROW_STRUCT
static const Type quota_type = FIELD_TYPE("quota", "GPUs that are a queue's own", QuotaSpec, quota_fields, NULL);

#define ROW_STRUCT TrainingSpec
static const Field training_fields[] = {FIELD_ROWS(TRAINING_FIELDS)};
#undef ROW_STRUCT
const Type training_type = FIELD_TYPE("training queue", "training jobs that wait for GPUs together", TrainingSpec, training_fields, check_queue);

#define ROW_STRUCT TrainingRuleSpec
static const Field training_rule_fields[] = {FIELD_ROWS(TRAINING_RULE_FIELDS)};
#undef ROW_STRUCT
const Type training_rule_type = FIELD_TYPE("training rule", "what a strategy changes of a training queue", TrainingRuleSpec, training_rule_fields, NULL);

/* ---- what crosses structs ---- */

static bool names_check(Scenario *scenario, Arena *arena, Err *err) {
  bool good = true;
  for (size_t q = 0; q < scenario->training.count; q++) {
    const char *name = scenario_queue(scenario, q)->name, *path = named_path(arena, "training", name, "");
    scenario->queue_entity[q] = hash_name(name);
    if (scenario_find_deployment(scenario, name) < scenario->deployments.count) good = err_at(err, path, "a deployment has this name, too; results tell them by name");
    for (size_t k = 0; k < q; k++)
      if (scenario->queue_entity[k] == scenario->queue_entity[q])
        good = err_at(err, path, "the names `%.60s` and `%.60s` have the same 32-bit hash, which addresses random numbers; rename one", name, scenario_queue(scenario, k)->name);
  }
  return good;
}

/* A worker with one whole GPU fits an empty machine of one of the pools. */
static bool worker_fits(const Scenario *scenario, const TrainingSpec *queue, const PoolList *pools, const char *path, Err *err) {
  const Resources worker = {queue->worker.cpu_millicores, queue->worker.memory_bytes, 1000};
  for (uint32_t k = 0; k < pools->count; k++)
    if (resources_fit(worker, scenario->pool[pools->pool[k]].machine.allocatable)) return true;
  const NodePool *pool = &scenario->pool[pools->pool[0]];
  return err_at(err, path, "no node has room for a worker (one GPU and what `worker` says): not pool `%.60s` (%.60s)%s", pool->name, pool->machine.name,
                pools->count > 1 ? ", and none of its others" : "");
}

static bool queue_resolve(Scenario *scenario, size_t q, Arena *arena, Err *err) {
  const TrainingSpec *queue = scenario_queue(scenario, q);
  const char *path = named_path(arena, "training", queue->name, "");
  const ThroughputModel *throughput = (const ThroughputModel *)queue->throughput.model;
  if (!scenario_find_pools(scenario, &queue->pool, path, &scenario->queue_pools[q], arena, err)) return false;
  double alone = throughput->rate(queue->throughput.params, 1, 1);
  if (!(alone > 0) || alone > 1e300) return err_at(err, arena_format(arena, "%s.throughput", path), "one GPU has no throughput that can be computed with");
  return worker_fits(scenario, queue, &scenario->queue_pools[q], path, err);
}

static bool rule_resolve(const Scenario *scenario, const StrategySpec *strategy, const TrainingRuleSpec *rule, Arena *arena, Err *err) {
  size_t n = scenario->training.count, q = 0;
  const char *path = named_path(arena, named_path(arena, "strategies", strategy->name, "training"), rule->name, "");
  const char **names = ARENA_ARRAY(arena, const char *, n);
  for (size_t k = 0; k < n; k++) names[k] = scenario_queue(scenario, k)->name;
  while (q < n && !text_equal(names[q], rule->name)) q++;
  if (q == n) return err_at(err, path, "no training queue `%.60s`%s", rule->name, names_hint(rule->name, names, n, arena));
  PoolList pools;
  if (!rule->pool.count) return true;
  return scenario_find_pools(scenario, &rule->pool, path, &pools, arena, err) && worker_fits(scenario, scenario_queue(scenario, q), &pools, path, err);
}

static bool target_resolve(const Scenario *scenario, const StrategySpec *strategy, const TargetSpec *target, Arena *arena, Err *err) {
  size_t d = scenario_find_deployment(scenario, target->name);
  if (!target->pool.count || d == scenario->deployments.count) return true;
  const char *path = named_path(arena, named_path(arena, "strategies", strategy->name, "deployments"), target->name, "");
  const ResourcesSpec *requests = &scenario_deployment(scenario, d)->requests;
  PoolList pools;
  if (!scenario_find_pools(scenario, &target->pool, path, &pools, arena, err)) return false;
  for (uint32_t k = 0; k < pools.count; k++)
    if (resources_fit((Resources){requests->cpu_millicores, requests->memory_bytes, requests->gpu_milligpus}, scenario->pool[pools.pool[k]].machine.allocatable)) return true;
  return err_at(err, path, "no node of these pools has room for a replica");
}

bool scenario_resolve_training(Scenario *scenario, Arena *arena, Err *err) {
  size_t n = scenario->training.count;
  scenario->queue_entity = ARENA_ARRAY(arena, uint32_t, n);
  scenario->queue_pools = ARENA_ARRAY(arena, PoolList, n);
  bool good = names_check(scenario, arena, err);
  for (size_t q = 0; q < n; q++) good &= queue_resolve(scenario, q, arena, err);
  for (size_t k = 0; k < scenario->strategies.count; k++) {
    const StrategySpec *strategy = scenario_strategy(scenario, k);
    for (size_t j = 0; j < strategy->training.count; j++) good &= rule_resolve(scenario, strategy, LIST_AT(strategy->training, const TrainingRuleSpec, j), arena, err);
    for (size_t j = 0; j < strategy->deployments.count; j++) good &= target_resolve(scenario, strategy, LIST_AT(strategy->deployments, const TargetSpec, j), arena, err);
  }
  return good;
}

/* Names were checked: what a strategy lists is found. */
PoolList *strategy_pools(const Scenario *scenario, const StrategySpec *strategy, Arena *arena) {
  size_t n = scenario->deployments.count, queues = scenario->training.count;
  PoolList *pools = ARENA_ARRAY(arena, PoolList, n + queues);
  Err *err = strategy->training.count + strategy->deployments.count ? ARENA_NEW(arena, Err) : NULL;
  for (size_t d = 0; d < n; d++) {
    const char *name = scenario_deployment(scenario, d)->name;
    pools[d] = scenario->deployment_pools[d];
    for (size_t k = 0; k < strategy->deployments.count; k++) {
      const TargetSpec *target = LIST_AT(strategy->deployments, const TargetSpec, k);
      if (target->pool.count && text_equal(target->name, name)) scenario_find_pools(scenario, &target->pool, "", &pools[d], arena, err);
    }
  }
  for (size_t q = 0; q < queues; q++) {
    const TrainingRuleSpec *rule = strategy_training(strategy, scenario_queue(scenario, q)->name);
    pools[n + q] = scenario->queue_pools[q];
    if (rule && rule->pool.count) scenario_find_pools(scenario, &rule->pool, "", &pools[n + q], arena, err);
  }
  return pools;
}
