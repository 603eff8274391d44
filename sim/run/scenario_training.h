/* Training queues as the scenario states them: what is submitted, how jobs run, checkpoint and fail, and whose turn it is. Part of the
 * Scenario (scenario.h); the tables are in scenario_training.c. */
#ifndef SIM_RUN_SCENARIO_TRAINING_H
#define SIM_RUN_SCENARIO_TRAINING_H

#include "sim/contract/training.h"
#include "sim/contract/workload.h"

enum { TRAINING_GPUS_MOST = 16384 };

typedef struct PoolName { const char *name; } PoolName;
extern const Type pool_name_type;

typedef enum CheckpointRule { CHECKPOINT_GIVEN, CHECKPOINT_YOUNG, CHECKPOINT_DALY } CheckpointRule;
typedef enum PreemptedWork { PREEMPTED_LOSE, PREEMPTED_SAVE } PreemptedWork;

#define TRAINING_WORKER_FIELDS(F, C, O, L, M, R, P)                                                       \
  F(cpu, cpu, "0", 0, 1e6, OPTIONAL, "CPU cores reserved with each GPU", "")                         \
  F(bytes, memory, "0", 0, 1e18, OPTIONAL, "memory reserved with each GPU", "")
typedef struct TrainingWorkerSpec { FIELD_MEMBERS(TRAINING_WORKER_FIELDS) } TrainingWorkerSpec;

#define ELASTIC_FIELDS(F, C, O, L, M, R, P)                                                               \
  F(integer, min, "1", 1, 16384, OPTIONAL, "GPUs at least; a smaller gang lowers it", "")             \
  F(integer, max, NULL, 1, 16384, REQUIRED, "GPUs at most; a larger gang raises it", "")
typedef struct ElasticSpec { FIELD_MEMBERS(ELASTIC_FIELDS) } ElasticSpec;

#define CANCEL_FIELDS(F, C, O, L, M, R, P)                                                                \
  F(ratio, probability, NULL, 0, 1, REQUIRED, "share of jobs whose owner would cancel them", "")      \
  F(duration_dist, after, NULL, 0, 3.2e9, REQUIRED, "from submission to that, if the job has not finished", "")
typedef struct CancelSpec { FIELD_MEMBERS(CANCEL_FIELDS) } CancelSpec;

#define TRAINING_JOBS_FIELDS(F, C, O, L, M, R, P)                                                         \
  R(arrivals, MODEL_WORKLOAD, NULL, REQUIRED, "when jobs are submitted; a replayed trace of training jobs also brings their GPUs and durations") \
  R(rate, MODEL_RATE, NULL, OPTIONAL, "how that rate changes over time (a factor of mean 1)")         \
  F(dist, gpus, "1", 0, 16384, OPTIONAL, "GPUs of a job's gang, rounded to whole ones, at least 1 unless `gpu_parts`; a trace's own come first", "") \
  F(flag, gpu_parts, "false", 0, 1, OPTIONAL, "less than one GPU by `gpus` is a part of one (to 1/1000), or none: jobs share it", "gpu_milli, openb") \
  F(duration_dist, duration, "0s", 0, 3.2e9, OPTIONAL, "how long a job takes on its gang, without restarts and checkpoints; a trace's own come first", "") \
  F(number, correlation, "0", -0.999, 0.999, OPTIONAL, "rank correlation (Spearman's) of `gpus` and `duration`, by a Gaussian copula", "Nelsen, An Introduction to Copulas, 2.3.8") \
  F(integer, shuffle, "0", 0, 1e9, OPTIONAL, "of every so many jobs in a row, GPUs and durations are spread over their laws, one for each equal part, in random order; 0: drawn alone", \
    "stratified sampling: McKay, Beckman, Conover, Technometrics 21 (1979)") \
  F(integer, shuffle_groups, "1", 1, 1e6, OPTIONAL, "a divisor of `shuffle`: also of every so many jobs in a row each takes another of as many equal parts; then neighbours are less alike", "") \
  F(bytes_dist, data_size, "0", 0, 1e18, OPTIONAL, "training data of a job", "")                     \
  F(dist, epochs, "1", 0, 1e9, OPTIONAL, "how often a job goes through them", "")                     \
  F(bytes, sample, "0", 0, 1e15, OPTIONAL, "size of a sample: with it the work is data_size / sample x epochs samples, at the throughput's rate; without, `duration`", "") \
  P(elastic, ElasticSpec, &elastic_type, "jobs can use another number of GPUs than they ask for")     \
  P(cancel, CancelSpec, &cancel_type, "jobs that are given up")
typedef struct TrainingJobsSpec { FIELD_MEMBERS(TRAINING_JOBS_FIELDS) } TrainingJobsSpec;

#define TRAINING_VARIANT_FIELDS(F, C, O, L, M, R, P)                                                      \
  F(ratio, accuracy, "1", 0, 1, OPTIONAL, "accuracy the trained model reaches", "")                   \
  F(number, work, "1", 1e-9, 1e9, OPTIONAL, "its work, relative to a job's own", "")
typedef struct TrainingVariantSpec { const char *name; FIELD_MEMBERS(TRAINING_VARIANT_FIELDS) } TrainingVariantSpec;

#define CHECKPOINT_FIELDS(F, C, O, L, M, R, P)                                                            \
  C(rule, checkpoint_rule_names, "given", "given: `interval`; young, daly: from cost and mean time between failures", "Young, CACM 17 (1974); Daly, FGCS 22 (2006) eq. 37") \
  F(duration, interval, "0s", 0, 3.2e9, OPTIONAL, "computing between two checkpoints; 0s: none are made", "") \
  F(duration, cost, "0s", 0, 3.2e9, OPTIONAL, "a job stands still so long for each, the one at its end included", "") \
  F(duration, restart, "0s", 0, 3.2e9, OPTIONAL, "from a worker's start to the first step when a job goes on: after a failure, a preemption, another number of GPUs", "") \
  C(preempted, preempted_names, "lose", "a preempted job loses what came after its last checkpoint, or saves it at once", "")
typedef struct CheckpointSpec { FIELD_MEMBERS(CHECKPOINT_FIELDS) } CheckpointSpec;

#define STRAGGLER_FIELDS(F, C, O, L, M, R, P)                                                             \
  F(dist, step, "1", 0, 1e9, OPTIONAL, "time of one worker for one step, in any unit: a step waits for the slowest worker", "") \
  F(integer, backup, "0", 0, 16384, OPTIONAL, "of its workers, those a step does not wait for; fewer than there are", "Chen et al., arXiv:1604.00981")
typedef struct StragglerSpec { FIELD_MEMBERS(STRAGGLER_FIELDS) } StragglerSpec;

#define TRAINING_FAILURE_FIELDS(F, C, O, L, M, R, P)                                                      \
  F(duration, mtbf, "0s", 0, 3.2e9, OPTIONAL, "mean time between failures of one GPU's worker; any failing one stops its job; 0s: none fail", "") \
  F(duration, downtime, "0s", 0, 3.2e9, OPTIONAL, "from a failure to the restart, on the same GPUs; nothing fails meanwhile", "")
typedef struct TrainingFailureSpec { FIELD_MEMBERS(TRAINING_FAILURE_FIELDS) } TrainingFailureSpec;

#define QUOTA_FIELDS(F, C, O, L, M, R, P)                                                                 \
  F(gpu, gpu, "0", 0, 1e6, OPTIONAL, "GPUs that are the queue's own; 0: no quota", "nominalQuota, Kueue") \
  F(flag, borrow, "true", 0, 1, OPTIONAL, "may hold more while they are free", "borrowingLimit, Kueue") \
  F(flag, lend, "true", 0, 1, OPTIONAL, "others may hold those it does not use", "lendingLimit, Kueue") \
  F(flag, reclaim, "true", 0, 1, OPTIONAL, "takes its own back by preempting who borrowed them", "reclaimWithinCohort, Kueue")
typedef struct QuotaSpec { FIELD_MEMBERS(QUOTA_FIELDS) } QuotaSpec;

#define TRAINING_FIELDS(F, C, O, L, M, R, P)                                                              \
  L(pool, PoolName, &pool_name_type, OPTIONAL, "the node pool of its workers, or a list, the preferred one first; may be left out where there is one") \
  R(discipline, MODEL_TRAINING, "fifo", OPTIONAL, "which jobs run, and on how many GPUs")              \
  F(integer, priority, "0", -1e9, 1e9, OPTIONAL, "who comes first; deployments have 100", "PriorityClass, Kubernetes") \
  F(flag, preempt, "true", 0, 1, OPTIONAL, "takes GPUs from jobs of queues of lower priority", "withinClusterQueue, Kueue") \
  F(flag, evictable, "false", 0, 1, OPTIONAL, "a node policy may drain a node with workers", "safe-to-evict, Cluster Autoscaler; do-not-disrupt, Karpenter") \
  O(quota, QuotaSpec, &quota_type, OPTIONAL, "GPUs that are its own")                                 \
  O(worker, TrainingWorkerSpec, &training_worker_type, OPTIONAL, "what a worker takes beside its GPU") \
  R(throughput, MODEL_THROUGHPUT, "linear", OPTIONAL, "speed by GPUs and nodes")                       \
  O(jobs, TrainingJobsSpec, &training_jobs_type, REQUIRED, "what is submitted")                       \
  M(variants, TrainingVariantSpec, &training_variant_type, OPTIONAL, "model sizes, smallest first; jobs are of the last unless the discipline chooses") \
  F(duration_dist, startup, "0s", 0, 3.2e9, OPTIONAL, "from placed to ready, whenever a job is placed", "") \
  O(checkpoint, CheckpointSpec, &checkpoint_type, OPTIONAL, "when work is saved, and what that costs") \
  P(stragglers, StragglerSpec, &straggler_type, "workers whose steps take random times")              \
  O(failure, TrainingFailureSpec, &training_failure_type, OPTIONAL, "workers that fail")
typedef struct TrainingSpec { const char *name; FIELD_MEMBERS(TRAINING_FIELDS) } TrainingSpec;

/* What a strategy changes of a queue. */
#define TRAINING_RULE_FIELDS(F, C, O, L, M, R, P)                                                         \
  L(pool, PoolName, &pool_name_type, OPTIONAL, "other node pools")                                     \
  R(discipline, MODEL_TRAINING, NULL, OPTIONAL, "another discipline")                                   \
  P(quota, QuotaSpec, &quota_type, "another quota")
typedef struct TrainingRuleSpec { const char *name; FIELD_MEMBERS(TRAINING_RULE_FIELDS) } TrainingRuleSpec;

extern const Type training_type, training_rule_type;

#endif
