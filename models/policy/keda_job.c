/* `keda-job`: KEDA's ScaledJob, with the fields of its spec. Source: kedacore/keda, apis/keda/v1alpha1/scaledjob_types.go and
 * pkg/scaling, at 8b4f083c. The rule is in keda_rule.c.
 *
 * How it maps: a Kubernetes Job is one replica of the deployment, best with concurrency 1. Each poll creates jobs, none is ever taken
 * away: the wish is the jobs there are and the created ones. A job works off the queue and ends when it has been idle for idleTimeout,
 * as a consumer does that exits on an empty queue; while jobs wait, it takes the next one (in KEDA's one-message jobs a new Job would).
 * The deployment's `min` should be minReplicaCount, below which no replica goes by itself. */
#include <string.h>

#include "models/policy/keda_rule.h"
#include "models/policy/keda_triggers.h"
#include "models/policy/tracking.h"

static const char *const strategies[] = {"default", "custom", "accurate", "eager", NULL};
static const char *const calculations[] = {"max", "min", "avg", "sum", NULL};

typedef struct KedaWord { const char *text; } KedaWord;
static const Field word_fields[] = {{.name = "", .kind = FIELD_TEXT, .need = REQUIRED, .offset = offsetof(KedaWord, text), .help = "a word", .source = KEDA_API}};
static const Type word_type = FIELD_TYPE("word", "a word", KedaWord, word_fields, NULL);

#define STRATEGY_FIELDS(F, C, O, L, M, R, P)                                                                               \
  C(strategy, strategies, "default", "jobs for a queue: less the running ones; custom; less the pending ones; as many as may be", KEDA_API) \
  F(integer, customScalingQueueLengthDeduction, "0", -1e9, 1e9, OPTIONAL, "custom: taken from the jobs asked for", KEDA_API) \
  F(number, customScalingRunningJobPercentage, "-1", -1, 1e6, OPTIONAL, "custom: so many times the running jobs are taken from them; -1: the default strategy", KEDA_API) \
  L(pendingPodConditions, KedaWord, &word_type, OPTIONAL, "a job is pending until its pod has these: PodScheduled, Ready; none: until it runs") \
  C(multipleScalersCalculation, calculations, "max", "over the active triggers", KEDA_API)
typedef struct KedaStrategySpec { FIELD_MEMBERS(STRATEGY_FIELDS) } KedaStrategySpec;
#define ROW_STRUCT KedaStrategySpec
static const Field strategy_fields[] = {FIELD_ROWS(STRATEGY_FIELDS)};
#undef ROW_STRUCT
static const Type strategy_type = FIELD_TYPE("scalingStrategy", "how queues become jobs", KedaStrategySpec, strategy_fields, NULL);

#define KEDA_JOB_FIELDS(F, C, O, L, M, R, P)                                                                               \
  P(jobTargetRef, KedaReference, &keda_reference_type, "read and not used: a job is a replica of the strategy's deployment") \
  F(integer, pollingInterval, "30", 1, 86400, OPTIONAL, "seconds between polls", KEDA_API)                              \
  F(integer, successfulJobsHistoryLimit, "100", 0, 1e9, OPTIONAL, "not used: ended jobs take nothing", KEDA_API)        \
  F(integer, failedJobsHistoryLimit, "100", 0, 1e9, OPTIONAL, "not used", KEDA_API)                                     \
  F(text, envSourceContainerName, NULL, 0, 0, OPTIONAL, "not used", KEDA_API)                                           \
  F(integer, minReplicaCount, "0", 0, 1e6, OPTIONAL, "jobs at least", KEDA_API)                                         \
  F(integer, maxReplicaCount, "100", 1, 1e6, OPTIONAL, "jobs asked for at most", KEDA_API)                              \
  O(scalingStrategy, KedaStrategySpec, &strategy_type, OPTIONAL, "how queues become jobs")                              \
  L(triggers, KedaTrigger, &keda_trigger_type, OPTIONAL, "the queues; none: jobs in flight, 5 a replica")              \
  F(duration, idleTimeout, "1s", 1e-9, 86400, OPTIONAL, "a job without work ends after this long", "")
typedef struct KedaJob { FIELD_MEMBERS(KEDA_JOB_FIELDS) } KedaJob;
#define ROW_STRUCT KedaJob
static const Field keda_job_fields[] = {FIELD_ROWS(KEDA_JOB_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const KedaJob *job = value;
  bool good = keda_triggers_check(&job->triggers, err);
  if (job->minReplicaCount > job->maxReplicaCount) good = err_at(err, "minReplicaCount", "is above maxReplicaCount");
  for (size_t k = 0; k < job->triggers.count; k++)
    if (!keda_trigger_external(LIST_AT(job->triggers, const KedaTrigger, k))) good = err_at(err, "triggers", "cpu counts for nothing in a ScaledJob");
  return good;
}

static const Type keda_job_type = FIELD_TYPE("keda-job", "spec of a ScaledJob", KedaJob, keda_job_fields, check);

static void timing(const void *params, PolicyTiming *timing) {
  timing->period_ns = timing->scrape_ns = ((const KedaJob *)params)->pollingInterval * 1000000000;
  timing->window_ns = most(timing->window_ns, timing->scrape_ns);
  timing->lag_ns = 0;
}

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  List triggers = keda_triggers(&((const KedaJob *)params)->triggers);
  return keda_trigger_queries(&triggers, query);
}

/* A start-up is one state here (the pod is placed, its container starts), so a job is pending until it is ready, unless being placed is all
 * that is asked for. */
static int64_t pending_jobs(const KedaJob *job, const Observation *observation) {
  const List *conditions = &job->scalingStrategy.pendingPodConditions;
  bool scheduled_only = conditions->count > 0;
  for (size_t k = 0; k < conditions->count; k++) scheduled_only &= strcmp(LIST_AT(*conditions, const KedaWord, k)->text, "PodScheduled") == 0;
  return observation->replicas_pending + (scheduled_only ? 0 : observation->replicas_starting);
}

static KedaJobWish read_queues(const KedaJob *job, const Observation *observation, double *target) {
  List triggers = keda_triggers(&job->triggers);
  KedaQueue queue[POLICY_METRICS];
  size_t n = 0, answer = 0;
  for (size_t k = 0; k < triggers.count && answer < POLICY_METRICS; k++) {
    const KedaTrigger *trigger = LIST_AT(triggers, const KedaTrigger, k);
    if (!keda_trigger_external(trigger)) continue;
    KedaReading reading = keda_trigger_read(trigger, &observation->metric[answer++]);
    double each = (double)keda_trigger_target_milli(trigger) / 1000;
    if (n == 0) *target = each;
    if (!reading.error) queue[n++] = keda_queue(reading.value, keda_target_average(&each, 1), reading.active, job->maxReplicaCount);
  }
  return keda_combine((KedaCalculation)job->scalingStrategy.multipleScalersCalculation, queue, n, job->minReplicaCount, job->maxReplicaCount);
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  (void)state;
  const KedaJob *job = params;
  const KedaStrategySpec *spec = &job->scalingStrategy;
  KedaJobRule rule = {.strategy = (KedaStrategy)spec->strategy, .min = job->minReplicaCount, .max = job->maxReplicaCount,
                      .has_percentage = spec->customScalingRunningJobPercentage >= 0,
                      .deduction = spec->customScalingQueueLengthDeduction, .percentage = spec->customScalingRunningJobPercentage};
  const int64_t running = observation->replicas;
  double target = __builtin_nan("");
  KedaJobWish wish = read_queues(job, observation, &target);
  KedaJobs jobs = keda_jobs(&rule, wish.max_value, wish.queue_length, running, least(pending_jobs(job, observation), running));
  int64_t created = wish.active ? keda_jobs_created(jobs) : 0;
  decision->replicas = running + created;
  decision->keep_alive_ns = job->idleTimeout_ns;
  decision->metric = (double)wish.queue_length;
  decision->target = target;
  decision->raw_replicas = (double)wish.max_value;
  decision->after_tolerance = (double)jobs.effective;
  decision->rate_limited = (double)created;
  decision->reason = created > 0 ? "jobs created" : wish.active ? "enough jobs" : "no active trigger";
  decision_step(decision, "Poll the triggers", "jobs to create", created > 0, created > 0 ? "create_jobs()" : "keep", MODEL_STATE_NONE,
                (double)jobs.effective, 0);
}

extern const Policy policy_keda_job;
const Policy policy_keda_job = {
    .model = {.kind = MODEL_POLICY,
              .name = "keda-job",
              .alias = "ScaledJob",
              .summary = "KEDA's ScaledJob: jobs for queues, none is ever taken away",
              .rule = "Every pollingInterval: each active trigger asks for queue / target jobs, at most maxReplicaCount; max, min, avg or sum of\n"
                      "them. Then by strategy, running jobs being those that have not ended, above minReplicaCount:\n"
                      "  default   asked - running\n"
                      "  custom    min(asked - deduction - trunc(running x percentage), maxReplicaCount)\n"
                      "  accurate  asked - pending, but maxReplicaCount - running where asked + running - pending is above maxReplicaCount\n"
                      "  eager     min(maxReplicaCount - running - pending, asked)\n"
                      "so many are created, no more than there are messages (eager: no such bound); below minReplicaCount the missing ones.\n"
                      "A job is a replica; it ends when it has been without work for idleTimeout.",
              .evidence = "21 upstream cases (keda 8b4f083c scale_jobs_test.go, scale_handler_test.go, metrics_test.go) in make vectors; 6 hand-computed runs in tests/unit/test_keda.c",
              .params = &keda_job_type},
    .timing = timing,
    .metrics = metrics,
    .decide = decide,
};
