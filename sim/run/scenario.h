/* The decoded, checked, constant Scenario: everything a run depends on. Its structs and their YAML tables are stated once, as field
 * lists (sim/contract/type.h); scenario.c holds the tables and the cross-field checks, sim/lab/decode.c fills the structs. */
#ifndef SIM_RUN_SCENARIO_H
#define SIM_RUN_SCENARIO_H

#include "sim/contract/node_policy.h"
#include "sim/contract/policy.h"
#include "sim/contract/service.h"
#include "sim/contract/workload.h"
#include "sim/run/scenario_pools.h"
#include "sim/run/scenario_training.h"
#include "sim/run/scenario_tune.h"
#include "sim/world/cluster.h"

#define HUGE_COUNT 9007199254740992.0 /* 2^53 */
#define YEARS_S 3.2e9                 /* about a hundred years */

#define RESOURCES_FIELDS(F, C, O, L, M, R, P)                                                            \
  F(cpu, cpu, "0", 0, 1e6, OPTIONAL, "CPU cores (500m = half a core)", "resources.requests.cpu, Kubernetes") \
  F(bytes, memory, "0", 0, 1e18, OPTIONAL, "memory", "resources.requests.memory, Kubernetes")         \
  F(gpu, gpu, "0", 0, 1e6, OPTIONAL, "GPUs; fractions below one share a GPU", "")
typedef struct ResourcesSpec { FIELD_MEMBERS(RESOURCES_FIELDS) } ResourcesSpec;

#define MACHINE_FIELDS(F, C, O, L, M, R, P)                                                               \
  F(text, name, NULL, 0, 0, OPTIONAL, "a name of the catalogue (headroom describe catalog), or your own", "")  \
  F(cpu, cpu, "0", 0, 1e6, OPTIONAL, "CPU cores of the machine", "")                                   \
  F(bytes, memory, "0", 0, 1e18, OPTIONAL, "memory of the machine", "")                               \
  F(gpu, gpu, "0", 0, 1e6, OPTIONAL, "GPUs of the machine", "")                                       \
  F(cpu, allocatable_cpu, "0", 0, 1e6, OPTIONAL, "CPU left for replicas; 0: all of it", "status.allocatable, Kubernetes") \
  F(bytes, allocatable_memory, "0", 0, 1e18, OPTIONAL, "memory left for replicas; 0: all of it", "status.allocatable, Kubernetes") \
  F(usd_per_h, price, "$0/h", 0, 1e6, OPTIONAL, "price of a running machine", "")                   \
  F(number, speed, "1", 1e-3, 1e3, OPTIONAL, "speed relative to the reference machine of the service laws", "") \
  F(number, idle_watts, "0", 0, 1e6, OPTIONAL, "power of a machine that does nothing", "")             \
  F(number, busy_watts, "0", 0, 1e6, OPTIONAL, "power with all of it in use; 0: as idle. Linear in between: a replica adds its share of the machine (that of the price) x its utilisation", "")
typedef struct MachineSpec { FIELD_MEMBERS(MACHINE_FIELDS) } MachineSpec;

#define NODES_FIELDS(F, C, O, L, M, R, P)                                                                 \
  F(integer, min, "0", 0, 1e6, OPTIONAL, "nodes kept at least", "")                                   \
  F(integer, max, "10", 0, 1e6, OPTIONAL, "nodes to be had at most", "")                              \
  F(integer, initial, "-1", -1, 1e6, OPTIONAL, "nodes ready at the start; -1: what the initial replicas need, at least min", "")
typedef struct NodesSpec { FIELD_MEMBERS(NODES_FIELDS) } NodesSpec;

#define POOL_FIELDS(F, C, O, L, M, R, P)                                                                  \
  O(machine, MachineSpec, &machine_type, REQUIRED, "the machine: a name of the catalogue, or its figures")                 \
  O(nodes, NodesSpec, &nodes_type, OPTIONAL, "how many machines there may be")                       \
  F(duration_dist, startup, "0s", 0, YEARS_S, OPTIONAL, "from order to ready", "")                    \
  C(placement, placement_names, "first-fit", "which node takes a replica", "")                         \
  F(duration, minimum_charge, "60s", 0, 86400, OPTIONAL, "each node is billed at least this long", "AWS EC2 on-demand Linux billing: per second, 60 s minimum") \
  F(duration, granularity, "1s", 1e-9, 86400, OPTIONAL, "billed time is rounded up to a multiple of this", "") \
  F(flag, bill_startup, "true", 0, 1, OPTIONAL, "billed from the order (true) or from ready (false)", "") \
  O(reserved, ReservedSpec, &reserved_type, OPTIONAL, "nodes paid whether used or not")                   \
  O(committed, CommittedSpec, &committed_type, OPTIONAL, "a spend paid whether used or not, at a discount") \
  O(warm, WarmSpec, &warm_type, OPTIONAL, "nodes kept prepared")                                          \
  O(failures, NodeFailuresSpec, &node_failures_type, OPTIONAL, "nodes that break, or never come up")      \
  O(spot, SpotSpec, &spot_type, OPTIONAL, "nodes that are taken back")                                    \
  O(stockouts, StockoutsSpec, &stockouts_type, OPTIONAL, "times in which no node is to be had")           \
  O(backoff, BackoffSpec, &backoff_type, OPTIONAL, "after a refused order, or a node that never came up") \
  O(slow, SlowSpec, &slow_type, OPTIONAL, "nodes slower than their like")                                 \
  O(pulls, PullsSpec, &pulls_type, OPTIONAL, "replicas that load at the same time share a bandwidth")
typedef struct PoolSpec { const char *name; FIELD_MEMBERS(POOL_FIELDS) } PoolSpec;

#define CLUSTER_FIELDS(F, C, O, L, M, R, P)                                                               \
  M(pools, PoolSpec, &pool_type, REQUIRED, "node pools by name")                                          \
  O(carbon, CarbonSpec, &carbon_type, OPTIONAL, "what the machines' energy emits")
typedef struct ClusterSpec { FIELD_MEMBERS(CLUSTER_FIELDS) } ClusterSpec;

typedef enum Dispatch {
  DISPATCH_CENTRAL_QUEUE,    /* one queue; the slot idle longest serves next */
  DISPATCH_RANDOM,           /* a queue per replica ... */
  DISPATCH_ROUND_ROBIN,
  DISPATCH_LEAST_OUTSTANDING, /* waiting + in service */
  DISPATCH_POWER_OF_TWO,
  DISPATCH_LEAST_WORK        /* work waiting and left in service, at the replica's speed */
} Dispatch;
typedef enum TieRule { TIE_FIRST, TIE_RANDOM } TieRule;
typedef enum Sampling { SAMPLING_WITHOUT_REPLACEMENT, SAMPLING_WITH_REPLACEMENT } Sampling;
typedef enum TimeoutOf { TIMEOUT_WAITING, TIMEOUT_TOTAL } TimeoutOf;
typedef enum TimeoutWork { TIMEOUT_CANCEL, TIMEOUT_WASTE } TimeoutWork;
typedef enum RouteCall { ROUTE_AFTER, ROUTE_SYNCHRONOUS } RouteCall;
typedef enum OnFailure { ON_FAILURE_REQUEUE_HEAD, ON_FAILURE_REQUEUE_TAIL, ON_FAILURE_FAIL } OnFailure;
typedef enum QueueOrder { ORDER_FIFO, ORDER_LIFO, ORDER_PRIORITY } QueueOrder;
typedef enum FailedWork { FAILED_WORK_RESTART, FAILED_WORK_RESUME } FailedWork;

#define TIMEOUT_FIELDS(F, C, O, L, M, R, P)                                                               \
  C(of, timeout_of_names, "waiting", "what must not last longer: waiting, or waiting and service (total)", "")             \
  F(duration_dist, after, "0s", 0, YEARS_S, OPTIONAL, "patience: fixed, or a distribution; 0s: no timeout", "")            \
  C(work, timeout_work_names, "cancel", "total only: cancel ends the service, waste lets it run on unseen", "")
typedef struct TimeoutSpec { FIELD_MEMBERS(TIMEOUT_FIELDS) } TimeoutSpec;

#define QUEUE_FIELDS(F, C, O, L, M, R, P)                                                                 \
  F(integer, limit, "-1", -1, HUGE_COUNT, OPTIONAL, "jobs that may wait (in each replica's queue, or the central one); -1: no limit", "") \
  O(timeout, TimeoutSpec, &timeout_type, OPTIONAL, "when clients give up")                            \
  F(integer, max_queue, "1000000", 1, HUGE_COUNT, OPTIONAL, "waiting jobs above which the run ends with an error", "") \
  C(order, queue_order_names, "fifo", "who is served next: fifo: the oldest; lifo: the newest; priority: of the highest priority (workload.priority), the oldest. Under priority a full queue drops the newest of the lowest priority, else whoever comes", "--scheduling-policy, vLLM; ModelQueuePolicy, Triton") \
  F(flag, preempt, "false", 0, 1, OPTIONAL, "under priority: who finds no slot takes that of the lowest priority below its own (the one started last); that job waits before the others of its priority, and goes on where it was", "")
typedef struct QueueSpec { FIELD_MEMBERS(QUEUE_FIELDS) } QueueSpec;

#define VARIANT_FIELDS(F, C, O, L, M, R, P)                                                               \
  F(ratio, accuracy, "1", 0, 1, OPTIONAL, "accuracy of this model size", "")                          \
  F(bytes, memory, "0", 0, 1e18, OPTIONAL, "memory the model takes; must fit the memory request", "") \
  F(duration_dist, load, "0s", 0, YEARS_S, OPTIONAL, "from placed to ready; also to swap a running replica to this variant; or {image: 8Gi, weights: 16Gi, bandwidth: 1Gi/s}", "") \
  R(service, MODEL_SERVICE, NULL, REQUIRED, "how long a job takes at the reference resources")
typedef struct VariantSpec { const char *name; FIELD_MEMBERS(VARIANT_FIELDS) } VariantSpec;

#define REPLICAS_FIELDS(F, C, O, L, M, R, P)                                                              \
  F(integer, initial, "-1", -1, 1e6, OPTIONAL, "replicas ready at the start; -1: min, at least 1", "spec.replicas, apps/v1") \
  F(integer, min, "1", 0, 1e6, OPTIONAL, "replicas kept at least", "minReplicas, autoscaling/v2")     \
  F(integer, max, "1000", 1, 1e6, OPTIONAL, "replicas at most", "maxReplicas, autoscaling/v2")        \
  F(integer, starting, "0", 0, 1e6, OPTIONAL, "replicas that start at a time, at most: the others are created when one is ready; 0: no limit", "podManagementPolicy OrderedReady is 1, apps/v1")
typedef struct ReplicasSpec { FIELD_MEMBERS(REPLICAS_FIELDS) } ReplicasSpec;

#define OBJECTIVE_FIELDS(F, C, O, L, M, R, P)                                                             \
  F(duration, latency, "0s", 0, YEARS_S, OPTIONAL, "a job within this latency attains the objective; 0s: none", "")        \
  F(ratio, attainment, "0.99", 0, 1, OPTIONAL, "share of jobs that must attain it", "")                   \
  F(usd, miss_cost, "$0", 0, 1e6, OPTIONAL, "what each job that misses it costs", "")
typedef struct ObjectiveSpec { FIELD_MEMBERS(OBJECTIVE_FIELDS) } ObjectiveSpec;

#define RETRY_FIELDS(F, C, O, L, M, R, P)                                                                 \
  F(integer, attempts, "1", 1, 100, OPTIONAL, "attempts at most, the first one counted", "")         \
  F(duration, backoff, "1s", 0, YEARS_S, OPTIONAL, "wait before the second attempt", "")             \
  F(number, factor, "2", 1, 100, OPTIONAL, "each further wait is this much longer", "")              \
  F(ratio, jitter, "0", 0, 1, OPTIONAL, "the wait is drawn from [1 - jitter, 1 + jitter] of itself", "")
typedef struct RetrySpec { FIELD_MEMBERS(RETRY_FIELDS) } RetrySpec;

#define ROUTE_FIELDS(F, C, O, L, M, R, P)                                                                 \
  F(text, to, NULL, 0, 0, REQUIRED, "the deployment a finished job goes to", "")                     \
  F(ratio, probability, "1", 0, 1, OPTIONAL, "with this probability; the rest leaves", "")          \
  C(call, route_call_names, "after", "after: the job moves on, its slot is free; synchronous: its slot is held until the called job has left for good, then the job ends; it fails where the call is lost", "")
typedef struct RouteSpec { FIELD_MEMBERS(ROUTE_FIELDS) } RouteSpec;

#define FAILURE_FIELDS(F, C, O, L, M, R, P)                                                               \
  C(jobs, on_failure_names, "requeue-head", "jobs in service when a replica fails", "")               \
  C(work, failed_work_names, "restart", "requeued jobs restart from the beginning, or resume", "")
typedef struct FailureSpec { FIELD_MEMBERS(FAILURE_FIELDS) } FailureSpec;

#define READINESS_FIELDS(F, C, O, L, M, R, P)                                                             \
  F(duration, delay, "0s", 0, YEARS_S, OPTIONAL, "the first probe, after it was placed", "readinessProbe.initialDelaySeconds, Kubernetes") \
  F(duration, period, "0s", 0, YEARS_S, OPTIONAL, "each further one; 0s: it is seen at once", "readinessProbe.periodSeconds, Kubernetes") \
  F(duration, settle, "0s", 0, YEARS_S, OPTIONAL, "from the first success to ready", "(successThreshold - 1) x periodSeconds, Kubernetes")
typedef struct ReadinessSpec { FIELD_MEMBERS(READINESS_FIELDS) } ReadinessSpec;
/* From placed to ready, for a replica that loads for so long: the first probe that finds it loaded. */
int64_t readiness_ns(const ReadinessSpec *readiness, int64_t load_ns);

#define WORKLOAD_FIELDS(F, C, O, L, M, R, P)                                                              \
  R(arrivals, MODEL_WORKLOAD, NULL, REQUIRED, "the process of arrivals")                              \
  R(rate, MODEL_RATE, NULL, OPTIONAL, "how the rate changes over time (a factor of mean 1)")          \
  F(dist, input, "0", 0, 4e9, OPTIONAL, "size of a job's input in units (tokens, or units of unit_bytes)", "")              \
  F(dist, output, "0", 0, 4e9, OPTIONAL, "size of a job's output in units", "")                       \
  F(number, correlation, "0", -0.999, 0.999, OPTIONAL, "rank correlation (Spearman's) of input and output, by a Gaussian copula", "Nelsen, An Introduction to Copulas, 2.3.8") \
  F(integer, shuffle, "0", 0, 1e9, OPTIONAL, "of every so many jobs in a row, sizes are spread over their laws, one for each equal part, in random order: runs differ less in them than by independent draws (the output, where it is correlated with the input, only as far as it follows it); 0: drawn alone", \
    "stratified sampling: McKay, Beckman, Conover, Technometrics 21 (1979)") \
  F(integer, shuffle_groups, "1", 1, 1e6, OPTIONAL, "a divisor of `shuffle`: also of every so many jobs in a row each takes another of as many equal parts; then neighbours are less alike", "") \
  F(bytes, unit_bytes, "1", 0, 1e15, OPTIONAL, "bytes of one unit of input (4 for a token of text)", "") \
  F(integer, priority, "0", -1e9, 1e9, OPTIONAL, "of its jobs in queues of order priority, also those of deployments they are routed to or call; higher ones first", "PriorityClass, Kubernetes")
typedef struct WorkloadSpec { FIELD_MEMBERS(WORKLOAD_FIELDS) } WorkloadSpec;
/* What may be divided into groups. */
bool check_shuffle(int64_t shuffle, int64_t groups, Err *err);

#define DEPLOYMENT_FIELDS(F, C, O, L, M, R, P)                                                            \
  L(pool, PoolName, &pool_name_type, OPTIONAL, "its node pool, or a list of those it may run on, the preferred one first; may be left out where there is one") \
  O(requests, ResourcesSpec, &resources_type, OPTIONAL, "reserved for each replica at the start")     \
  O(limits, ResourcesSpec, &resources_type, OPTIONAL, "what a replica may use at most; 0: its request")                    \
  F(integer, concurrency, "1", 1, 1e6, OPTIONAL, "jobs one replica serves at once", "")               \
  O(replicas, ReplicasSpec, &replicas_type, OPTIONAL, "how many replicas")                            \
  C(dispatch, dispatch_names, "central-queue", "which replica serves a job", "")                      \
  C(tie, tie_names, "first", "among equals: the lowest index, or at random", "")                      \
  C(sampling, sampling_names, "without-replacement", "power-of-two: how the two are drawn", "")       \
  O(queue, QueueSpec, &queue_type, OPTIONAL, "limits of waiting")                                      \
  M(variants, VariantSpec, &variant_type, REQUIRED, "model sizes, smallest first")                    \
  O(readiness, ReadinessSpec, &readiness_type, OPTIONAL, "when a replica that has loaded is seen to be ready")             \
  F(text, variant, NULL, 0, 0, OPTIONAL, "the variant at the start; the last (largest) if left out", "") \
  R(speed, MODEL_SPEED, "constant", OPTIONAL, "how speed depends on CPU; the requests above are the reference")             \
  O(objective, ObjectiveSpec, &objective_type, OPTIONAL, "the service level objective")               \
  O(retry, RetrySpec, &retry_type, OPTIONAL, "attempts after a drop, an expiry or a failure")         \
  L(route, RouteSpec, &route_type, OPTIONAL, "where finished jobs go")                                 \
  O(failure, FailureSpec, &failure_type, OPTIONAL, "what a failing replica does to its jobs")         \
  F(integer, priority, "100", -1e9, 1e9, OPTIONAL, "its replicas preempt training jobs of queues of lower priority", "PriorityClass, Kubernetes") \
  F(duration, grace, "30s", 0, YEARS_S, OPTIONAL, "a draining replica is killed after this; its jobs fail", "terminationGracePeriodSeconds, Kubernetes") \
  O(workload, WorkloadSpec, &workload_type, OPTIONAL, "what arrives here from outside")
typedef struct DeploymentSpec { const char *name; FIELD_MEMBERS(DEPLOYMENT_FIELDS) } DeploymentSpec;

#define METRICS_FIELDS(F, C, O, L, M, R, P)                                                               \
  F(duration, scrape, "0s", 0, 86400, OPTIONAL, "period of sampling; 0: the policies' own, usually 15s", "metrics-server --metric-resolution 15s")        \
  F(duration, window, "0s", 0, 86400, OPTIONAL, "rates and means are over this long before the newest visible sample; 0: the policy's own, usually 60s", "") \
  F(duration, lag, "0s", 0, 86400, OPTIONAL, "a sample is visible this long after it was taken, beyond the policy's own lag", "")
typedef struct MetricsSpec { FIELD_MEMBERS(METRICS_FIELDS) } MetricsSpec;

#define TARGET_FIELDS(F, C, O, L, M, R, P)                                                                \
  R(scale, MODEL_POLICY, NULL, REQUIRED, "this deployment's scaling policy")                          \
  L(pool, PoolName, &pool_name_type, OPTIONAL, "other node pools")
typedef struct TargetSpec { const char *name; FIELD_MEMBERS(TARGET_FIELDS) } TargetSpec;

#define STRATEGY_FIELDS(F, C, O, L, M, R, P)                                                              \
  R(scale, MODEL_POLICY, "none", OPTIONAL, "the scaling policy of every deployment")                  \
  M(deployments, TargetSpec, &target_type, OPTIONAL, "other policies for single deployments")         \
  F(text, manifest, NULL, 0, 0, OPTIONAL, "a file or folder of Kubernetes manifests that are the strategy; `scale` and `nodes` may be {manifest: FILE}, too", "") \
  R(nodes, MODEL_NODE_POLICY, "on-demand", OPTIONAL, "the node policy of every pool")                 \
  M(training, TrainingRuleSpec, &training_rule_type, OPTIONAL, "other rules for single training queues")                   \
  F(duration, period, "0s", 0, 86400, OPTIONAL, "the policy looks this often; 0: the policy's own, usually 15s", "--horizontal-pod-autoscaler-sync-period 15s") \
  O(metrics, MetricsSpec, &metrics_type, OPTIONAL, "how metrics reach the policy")
typedef struct StrategySpec { const char *name; FIELD_MEMBERS(STRATEGY_FIELDS) } StrategySpec;

#define FAULT_FIELDS(F, C, O, L, M, R, P)                                                                 \
  F(duration, at, NULL, 0, YEARS_S, REQUIRED, "when", "")                                               \
  F(text, deployment, NULL, 0, 0, REQUIRED, "whose replicas fail", "")                                \
  F(integer, replicas, "1", 1, 1e6, OPTIONAL, "how many, oldest first; they are replaced at the next look of the policy", "")
typedef struct FaultSpec { FIELD_MEMBERS(FAULT_FIELDS) } FaultSpec;

#define METRIC_FIELDS(F, C, O, L, M, R, P)                                                                \
  F(text, from, NULL, 0, 0, REQUIRED, "the metric's name in manifests, or a whole query", "")           \
  C(meter, meter_names, "queue_jobs", "what is measured (headroom describe meters)", "")               \
  C(per, metric_per_names, "replica", "a value of each replica, or one of the deployment", "")          \
  C(aggregate, metric_aggregate_names, "sum", "over replicas", "")                                      \
  F(duration, scrape, "0s", 0, 86400, OPTIONAL, "sampled at multiples of this; 0: at every scrape", "")  \
  F(duration, window, "-1ns", -1e-9, 86400, OPTIONAL, "mean or rate over this long before the sample; 0: the value at the sample; absent: the strategy's", "") \
  F(duration, lag, "-1ns", -1e-9, 86400, OPTIONAL, "visible this long after the sample; absent: the strategy's", "") \
  F(number, multiply, "1", 1e-9, 1e9, OPTIONAL, "times this: 100 where a manifest counts in percent", "")
typedef struct MetricSpec { FIELD_MEMBERS(METRIC_FIELDS) } MetricSpec;

#define PRECISION_FIELDS(F, C, O, L, M, R, P)                                                             \
  F(text, metric, NULL, 0, 0, OPTIONAL, "a column of summaries (headroom describe columns), for every deployment that has jobs; absent: none", "") \
  F(ratio, relative, "0", 0, 1, OPTIONAL, "half width of its 95 % interval, as a share of the mean", "")  \
  F(number, absolute, "0", 0, 1e15, OPTIONAL, "or as a number in the metric's unit; where both are given either will do", "") \
  F(integer, max_replications, "1000", 2, 1000000, OPTIONAL, "replications at most", "")
typedef struct PrecisionSpec { FIELD_MEMBERS(PRECISION_FIELDS) } PrecisionSpec;

typedef enum WarmupRule { WARMUP_GIVEN, WARMUP_MSER5 } WarmupRule;

#define SCENARIO_FIELDS(F, C, O, L, M, R, P)                                                              \
  F(text, name, "scenario", 0, 0, OPTIONAL, "what it is called in results", "")                       \
  F(text, about, "", 0, 0, OPTIONAL, "what it asks, where its data are from", "")                     \
  F(duration, horizon, NULL, 1e-6, YEARS_S, REQUIRED, "simulated time", "")                           \
  F(duration, warmup, "0s", 0, YEARS_S, OPTIONAL, "left out of summaries; rounded up to 1/64 of the horizon. Where load varies over time it only chooses the window that is reported", "")        \
  F(integer, warmup_jobs, "0", 0, HUGE_COUNT, OPTIONAL, "left out of summaries, too: the time in which so many jobs arrive from outside", "")  \
  C(warmup_rule, warmup_rule_names, "given", "given: the two above; mser-5: found from pilot runs, the same for all strategies of a point", "White, Cobb and Spratt, WSC 2000") \
  F(integer, replications, "1", 1, 16777215, OPTIONAL, "independent repetitions", "")                 \
  F(flag, antithetic, "false", 0, 1, OPTIONAL, "replications in pairs: the second has 1 - u for each random number u of the first", "")  \
  F(integer, batches, "0", 0, 32, OPTIONAL, "one long run cut into so many batches, intervals by batch means; 0: intervals over replications", "") \
  O(precision, PrecisionSpec, &precision_type, OPTIONAL, "add replications until intervals are this narrow") \
  F(integer, seed, "1", 0, 9007199254740991, OPTIONAL, "of all random numbers", "")                   \
  O(cluster, ClusterSpec, &cluster_type, REQUIRED, "the machines")                                    \
  M(deployments, DeploymentSpec, &deployment_type, REQUIRED, "what runs on them")                     \
  M(training, TrainingSpec, &training_type, OPTIONAL, "queues of training jobs that share the machines") \
  M(strategies, StrategySpec, &strategy_type, REQUIRED, "the competitors")                            \
  L(metrics, MetricSpec, &metric_spec_type, OPTIONAL, "what metrics of manifests mean")                 \
  L(faults, FaultSpec, &fault_type, OPTIONAL, "scripted failures of replicas")                        \
  P(tune, TuneSpec, &tune_type, "what `headroom tune` searches; a run ignores it")
/* `sweep:` is read by sim/lab before a scenario is decoded. */
typedef struct Scenario {
  FIELD_MEMBERS(SCENARIO_FIELDS)
  /* resolved by scenario_resolve */
  const NodePool *pool; /* [cluster.pools.count] */
  PoolList *deployment_pools;
  PoolList *queue_pools;     /* of training queues */
  uint32_t *deployment_entity, *queue_entity;
  int *initial_variant;
  double *route_probability; /* [from][to], rows sum to <= 1 */
  bool *route_holds;         /* [from][to]: a synchronous call */
  uint32_t *priority_rank;   /* of each deployment's workload among the distinct priorities; 0: the highest */
  uint32_t n_priority_ranks;
  uint32_t *flow_of;         /* flow index of each deployment, upstream first */
  uint32_t n_flows;
} Scenario;

extern const Type scenario_type;
extern const Type metric_spec_type;
extern const Type machine_type; /* one entry of the catalogue */

/* A machine of the catalogue by name, or NULL; `names` lists them for diagnostics. Given by sim/lab. */
typedef struct Catalogue {
  const MachineSpec *machine;
  const char *const *name;
  size_t count;
} Catalogue;

/* Checks what crosses structs (names, variants, capacities, loops of the call graph) and fills the resolved part. Called once by the
 * decoder after scenario_type is read. Errors carry paths. */
bool scenario_resolve(Scenario *scenario, const Catalogue *catalogue, Arena *arena, Err *err);

/* The number that a replication's random streams have. Antithetic replications come in pairs: 2k + 1 mirrors 2k. */
static inline uint32_t scenario_streams(const Scenario *s, uint32_t replication) {
  return s->antithetic ? replication / 2 | (replication & 1 ? REPLICATION_MIRRORED : 0) : replication;
}
static inline const DeploymentSpec *scenario_deployment(const Scenario *s, size_t d) { return LIST_AT(s->deployments, const DeploymentSpec, d); }
static inline const StrategySpec *scenario_strategy(const Scenario *s, size_t k) { return LIST_AT(s->strategies, const StrategySpec, k); }
static inline const TrainingSpec *scenario_queue(const Scenario *s, size_t q) { return LIST_AT(s->training, const TrainingSpec, q); }
static inline const VariantSpec *deployment_variant(const DeploymentSpec *d, size_t v) { return LIST_AT(d->variants, const VariantSpec, v); }
/* The policy a strategy gives to a deployment. */
const ModelRef *strategy_policy(const StrategySpec *strategy, const char *deployment);
/* What a strategy changes of a training queue; NULL: nothing. */
const TrainingRuleSpec *strategy_training(const StrategySpec *strategy, const char *queue);
/* The pools of every deployment, then of every training queue, under a strategy: on the arena. */
PoolList *strategy_pools(const Scenario *scenario, const StrategySpec *strategy, Arena *arena);
/* How often a policy looks and how metrics reach it under a strategy: what the strategy says, else the policy's own. The scrape is the
 * strategy's, or its policies' shortest. */
PolicyTiming strategy_timing(const Scenario *scenario, const StrategySpec *strategy, const char *deployment);

#endif
