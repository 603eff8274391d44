/* What one run gives: summaries, traces, latency counts, decisions. Columns are stated once, here: name, unit, and help that goes into
 * the HDF5 file. All arrays are doubles (NaN: nothing to say) on the run's arena, laid out as their loops say. */
#ifndef SIM_RUN_RESULT_H
#define SIM_RUN_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/core/histogram.h"
#include "sim/core/time.h"

/* Per deployment, over the summary window [warm-up, horizon). X(name, unit, help). */
#define SUMMARY_COLUMNS(X)                                                                                           \
  X(offered, "1", "jobs that arrived, from outside or from other deployments, first attempts only")                                           \
  X(finished, "1", "jobs that finished, whatever the number of attempts")                                            \
  X(dropped, "1", "jobs lost for good because a queue was full")                                                    \
  X(abandoned, "1", "jobs lost for good because the client gave up")                                                 \
  X(failed, "1", "jobs lost for good because a replica failed or was killed")                                        \
  X(in_flight, "1", "jobs neither finished nor lost at the end")                                                     \
  X(attempts, "1", "attempts made, retries included")                                                                \
  X(interrupted, "1", "services ended because their replica was lost or killed; the jobs were requeued, tried again, or failed") \
  X(replicas_lost, "1", "replicas lost with their nodes")                                                            \
  X(throughput_rps, "1/s", "jobs finished in the window per second")                                                 \
  X(attainment_ratio, "1", "jobs finished within the objective / jobs offered; younger unfinished ones left out")    \
  X(unserved_ratio, "1", "dropped, abandoned and failed / offered")                                                  \
  X(latency_mean_s, "s", "mean latency of finished jobs, first arrival to last end")                                 \
  X(latency_p50_s, "s", "median latency of finished jobs")                                                           \
  X(latency_p90_s, "s", "90th percentile of latency of finished jobs")                                               \
  X(latency_p95_s, "s", "95th percentile of latency of finished jobs")                                               \
  X(latency_p99_s, "s", "99th percentile of latency of finished jobs")                                               \
  X(latency_p999_s, "s", "99.9th percentile of latency of finished jobs")                                            \
  X(latency_variance_s2, "s2", "variance of latency of finished jobs")                                               \
  X(ttft_mean_s, "s", "mean time from a job's first arrival to its first token; empty where the service gives no tokens") \
  X(ttft_p50_s, "s", "median time to the first token")                                                               \
  X(ttft_p95_s, "s", "95th percentile of the time to the first token")                                               \
  X(ttft_p99_s, "s", "99th percentile of the time to the first token")                                               \
  X(tpot_mean_s, "s", "mean time for each further token: from a job's first token to its last, over one less than its tokens") \
  X(tpot_p50_s, "s", "median, over jobs, of the time for each further token")                                         \
  X(tpot_p95_s, "s", "95th percentile of the time for each further token")                                            \
  X(tpot_p99_s, "s", "99th percentile of the time for each further token")                                            \
  X(queue_wait_mean_s, "s", "mean time in queues of finished jobs")                                                  \
  X(waited_ratio, "1", "share of finished jobs that waited at all")                                                  \
  X(queue_jobs, "1", "mean number of jobs waiting (time average)")                                                   \
  X(in_service_jobs, "1", "mean number of jobs in service (time average)")                                           \
  X(utilisation_ratio, "1", "CPU used / CPU requested by ready replicas (slots in use / slots where no CPU is requested)") \
  X(accuracy_ratio, "1", "mean accuracy of the variants that served the finished jobs")                              \
  X(replicas_ready, "1", "mean number of ready replicas")                                                            \
  X(replicas_starting, "1", "mean number of replicas placed but not ready")                                          \
  X(cost_usd, "USD", "cost charged to this deployment")                                                              \
  X(cost_per_1000_jobs_usd, "USD", "cost charged to this deployment / thousands of jobs finished")                    \
  X(cost_per_million_tokens_usd, "USD", "cost charged to this deployment / millions of output tokens; empty where the service gives none") \
  X(miss_cost_usd, "USD", "what jobs that missed the objective cost, by its miss_cost")                              \
  X(requested_cores, "1", "mean CPU cores reserved by placed replicas")                                              \
  X(scale_actions, "1", "decisions that changed replicas, resources or the variant")                                 \
  X(exhausted_ratio, "1", "share of time in the state exhausted: no way left to scale")                              \
  X(offered_expected, "1", "mean of `offered` by the workload's law; NaN where it varies over time or jobs come from other deployments") \
  X(latency_erlang_s, "s", "mean latency by the Erlang C formula where all in the run is as in an M/M/c queue; NaN elsewhere")

/* Whole cluster, over the same window. */
#define CLUSTER_COLUMNS(X)                                                                                           \
  X(cluster_cost_usd, "USD", "cost of all nodes")                                                                    \
  X(idle_cost_usd, "USD", "cost charged to no deployment, roundings and minimum charges included")                   \
  X(nodes_ready, "1", "mean number of ready nodes")                                                                  \
  X(unused_commitment_usd, "USD", "part of the idle cost: reserved nodes and committed spend that were not used")     \
  X(miss_cost_total_usd, "USD", "what jobs that missed their objectives cost, all deployments")                      \
  X(cluster_cost_per_1000_jobs_usd, "USD", "cost of all nodes / thousands of jobs finished, all deployments")        \
  X(energy_kwh, "kWh", "energy of starting and ready nodes; empty where no machine's watts are given")               \
  X(carbon_kg, "kg", "CO2 equivalent of that energy, with the building's share")                                     \
  X(nodes_down, "1", "mean number of nodes in repair")                                                               \
  X(nodes_failed, "1", "nodes that failed")                                                                          \
  X(nodes_reclaimed, "1", "spot nodes that were given notice")                                                       \
  X(starts_failed, "1", "nodes ordered that never became ready")                                                     \
  X(orders_refused, "1", "orders refused because a pool was out of stock")                                           \
  X(warm_starts, "1", "nodes that were prepared beforehand, of those ordered")                                       \
  X(stock_out_ratio, "1", "share of time without stock, mean over the pools that may run out")                       \
  X(nodes_ordered, "1", "nodes ordered during the whole run, initial ones counted")                                  \
  X(window_start_s, "s", "where the window begins: what is before is warm-up")                                       \
  X(resizes, "1", "1: a policy of the strategy may change the CPU or memory requests of replicas")                   \
  X(cost_lower_bound_usd, "USD", "of the clairvoyant strategy: nobody who attains with replicas of the stated size pays less; NaN where nothing is proven")

/* Per deployment and trace row. */
#define TRACE_COLUMNS(X)                                                                                             \
  X(offered_rps, "1/s", "jobs that arrived, per second")                                                             \
  X(throughput_rps, "1/s", "jobs that finished, per second")                                                         \
  X(dropped_rps, "1/s", "jobs dropped for good, per second")                                                         \
  X(abandoned_rps, "1/s", "jobs abandoned for good, per second")                                                     \
  X(failed_rps, "1/s", "jobs failed for good, per second")                                                           \
  X(attainment_ratio, "1", "jobs that finished within the objective / jobs that ended, in the row")                 \
  X(latency_mean_s, "s", "mean latency of jobs that finished in the row")                                            \
  X(latency_p50_s, "s", "median latency of jobs that finished in the row")                                           \
  X(latency_p95_s, "s", "95th percentile of latency of jobs that finished in the row")                               \
  X(latency_p99_s, "s", "99th percentile of latency of jobs that finished in the row")                               \
  X(ttft_mean_s, "s", "mean time from a job's first arrival to its first token; empty where the service gives no tokens") \
  X(ttft_p50_s, "s", "median time to the first token")                                                               \
  X(ttft_p95_s, "s", "95th percentile of the time to the first token")                                               \
  X(ttft_p99_s, "s", "99th percentile of the time to the first token")                                               \
  X(tpot_mean_s, "s", "mean time for each further token: from a job's first token to its last, over one less than its tokens") \
  X(tpot_p50_s, "s", "median, over jobs, of the time for each further token")                                         \
  X(tpot_p95_s, "s", "95th percentile of the time for each further token")                                            \
  X(tpot_p99_s, "s", "99th percentile of the time for each further token")                                            \
  X(queue_jobs, "1", "mean number of jobs waiting")                                                                  \
  X(in_service_jobs, "1", "mean number of jobs in service")                                                          \
  X(utilisation_ratio, "1", "CPU used / CPU requested by ready replicas")                                            \
  X(replicas_wished, "1", "replicas wished by the policy, at the end of the row")                                    \
  X(replicas_pending, "1", "mean number of replicas without a node")                                                 \
  X(replicas_starting, "1", "mean number of replicas placed but not ready")                                          \
  X(replicas_ready, "1", "mean number of ready replicas")                                                            \
  X(replicas_draining, "1", "mean number of draining replicas")                                                      \
  X(requested_cores, "1", "mean CPU cores reserved by placed replicas")                                              \
  X(requested_memory_bytes, "byte", "mean memory reserved by placed replicas")                                       \
  X(requested_gpus, "1", "mean GPUs reserved by placed replicas")                                                    \
  X(replica_cores, "1", "CPU cores requested by one replica, at the end of the row")                                 \
  X(variant, "1", "index of the wished variant, at the end of the row")                                              \
  X(accuracy_ratio, "1", "mean accuracy of the jobs that finished in the row")                                       \
  X(data_size_bytes, "byte", "data size the policy saw, at the end of the row")                                      \
  X(resource_limit, "1", "resource limit the policy saw, at the end of the row (1: no more nodes to be had)")        \
  X(model_state, "1", "state of the founding decision, at the end of the row")                                       \
  X(cost_usd_per_h, "USD/h", "spend charged to the deployment, mean over the row")                                   \
  X(cost_cumulative_usd, "USD", "spend charged to the deployment since the start")

/* Per pool and trace row. */
#define POOL_COLUMNS(X)                                                                                              \
  X(nodes_ready, "1", "mean number of ready nodes")                                                                  \
  X(nodes_starting, "1", "mean number of nodes ordered but not ready")                                               \
  X(nodes_down, "1", "mean number of nodes in repair")                                                               \
  X(nodes_lost, "1", "nodes that failed or were given notice")                                                       \
  X(stock_out_ratio, "1", "share of the row without stock")                                                          \
  X(cpu_reserved_ratio, "1", "CPU requested by replicas / allocatable of ready nodes")                               \
  X(memory_reserved_ratio, "1", "memory requested by replicas / allocatable of ready nodes")                         \
  X(gpu_reserved_ratio, "1", "GPUs requested by replicas / GPUs of ready nodes")                                     \
  X(cost_usd_per_h, "USD/h", "spend of the pool's nodes, mean over the row")                                         \
  X(cost_cumulative_usd, "USD", "spend of the pool's nodes since the start")

/* Per training queue, over the same window: jobs by their submission, GPU time by the instant it was held. */
#define TRAINING_COLUMNS(X)                                                                                          \
  X(submitted, "1", "training jobs submitted")                                                                       \
  X(completed, "1", "of these, jobs that finished")                                                                  \
  X(cancelled, "1", "of these, jobs their owners cancelled")                                                         \
  X(rejected, "1", "of these, jobs that ask for more than all nodes they might ever have, or their quota")           \
  X(unfinished, "1", "of these, jobs waiting or running at the end")                                                 \
  X(completion_mean_s, "s", "mean job completion time: from submission to end")                                      \
  X(completion_p50_s, "s", "median job completion time")                                                             \
  X(completion_p95_s, "s", "95th percentile of job completion time")                                                 \
  X(completion_p99_s, "s", "99th percentile of job completion time")                                                 \
  X(in_system_mean_s, "s", "mean time in the system of all jobs but rejected ones: to their end, cancellation, or the horizon") \
  X(queueing_mean_s, "s", "mean time of finished jobs without GPUs, after preemptions too")                          \
  X(queueing_p95_s, "s", "95th percentile of that time")                                                             \
  X(makespan_s, "s", "from the first submission in the window to the last end of those jobs")                        \
  X(waiting_jobs, "1", "mean number of jobs waiting")                                                                \
  X(running_jobs, "1", "mean number of jobs running")                                                                \
  X(gpus, "1", "mean GPUs held")                                                                                     \
  X(gpus_wanted, "1", "mean GPUs of the gangs of waiting jobs")                                                      \
  X(gpu_share_ratio, "1", "GPU time held / GPU time of ready nodes of its pools")                                    \
  X(cluster_gpu_ratio, "1", "GPU time held by anybody / GPU time of all ready nodes; the same for every queue")      \
  X(goodput_ratio, "1", "GPU time of work that was kept / GPU time held, booked when a job stops or ends")           \
  X(useful_gpu_h, "h", "GPU time of work that was kept")                                                             \
  X(lost_gpu_h, "h", "GPU time of work lost to failures and preemptions")                                            \
  X(overhead_gpu_h, "h", "GPU time of start-up, checkpoints, downtime and restarts")                                 \
  X(preemptions, "1", "jobs stopped to give their GPUs to others")                                                   \
  X(restarts, "1", "restarts after a worker failed, or lost its node")                                                                        \
  X(rescales, "1", "changes of a running job's number of GPUs")                                                      \
  X(trained_accuracy_ratio, "1", "mean accuracy of the variants that finished jobs trained")                         \
  X(training_cost_usd, "USD", "cost charged to its workers")

/* Per training queue and trace row. */
#define TRAINING_TRACE_COLUMNS(X)                                                                                    \
  X(waiting_jobs, "1", "mean number of jobs waiting")                                                                \
  X(running_jobs, "1", "mean number of jobs running")                                                                \
  X(gpus, "1", "mean GPUs held")                                                                                     \
  X(gpus_wanted, "1", "mean GPUs of the gangs of waiting jobs")                                                      \
  X(workers_pending, "1", "mean number of workers that wait for nodes to come")                                      \
  X(submitted, "1", "jobs submitted in the row")                                                                     \
  X(ended, "1", "jobs that finished in the row")                                                                     \
  X(preemptions, "1", "jobs stopped to give their GPUs to others")                                                   \
  X(restarts, "1", "restarts after a worker failed, or lost its node")                                                                        \
  X(rescales, "1", "changes of a running job's number of GPUs")                                                      \
  X(cost_usd_per_h, "USD/h", "spend charged to the queue's workers, mean over the row")                              \
  X(cost_cumulative_usd, "USD", "spend charged to the queue's workers since the start")

#define COLUMN_ENUM_SUMMARY(name, unit, help) SUMMARY_##name,
#define COLUMN_ENUM_CLUSTER(name, unit, help) CLUSTER_##name,
#define COLUMN_ENUM_TRACE(name, unit, help) TRACE_##name,
#define COLUMN_ENUM_POOL(name, unit, help) POOL_##name,
#define COLUMN_ENUM_TRAINING(name, unit, help) TRAINING_##name,
#define COLUMN_ENUM_TRAINING_TRACE(name, unit, help) TRAINING_TRACE_##name,
enum { TRAINING_COLUMNS(COLUMN_ENUM_TRAINING) TRAINING_COUNT };
enum { TRAINING_TRACE_COLUMNS(COLUMN_ENUM_TRAINING_TRACE) TRAINING_TRACE_COUNT };
enum { SUMMARY_COLUMNS(COLUMN_ENUM_SUMMARY) SUMMARY_COUNT };
enum { CLUSTER_COLUMNS(COLUMN_ENUM_CLUSTER) CLUSTER_COUNT };
enum { TRACE_COLUMNS(COLUMN_ENUM_TRACE) TRACE_COUNT };
enum { POOL_COLUMNS(COLUMN_ENUM_POOL) POOL_COUNT };

typedef struct ColumnInfo {
  const char *name, *unit, *help;
} ColumnInfo;
extern const ColumnInfo summary_column[SUMMARY_COUNT], cluster_column[CLUSTER_COUNT], trace_column[TRACE_COUNT], pool_column[POOL_COUNT];
extern const ColumnInfo training_column[TRAINING_COUNT], training_trace_column[TRAINING_TRACE_COUNT];

/* One line of the decision log: a step of a decision that changed something (or whose model state changed). Decisions that changed
 * nothing are counted in the line that follows. Texts are constant strings of the policy. */
typedef struct DecisionRow {
  int64_t at_ns;
  uint32_t deployment;
  uint32_t decision;     /* number of the decision in its run: rows with equal numbers are steps of one decision */
  uint32_t quiet_before; /* looks of this policy since its previous row that changed nothing */
  const char *step, *condition, *action, *reason;
  int result;            /* 1 true, 0 false, -1 nothing checked */
  int model_state;       /* after the step */
  double value, threshold;
  double metric, target, raw_replicas, after_tolerance, stabilised, rate_limited, data_size_bytes;
  int resource_limit;    /* -1 not looked at */
  int64_t replicas_before, replicas_wished, replicas_after; /* wished by the policy; after clamping */
  int64_t millicores_before, millicores_after, bytes_before, bytes_after;
  int variant_before, variant_after;
} DecisionRow;

enum { RUN_MESSAGE_BYTES = 400 };

typedef struct RunResult {
  int status; /* 0 ok, 1 failed: message says why, arrays are NULL */
  char message[RUN_MESSAGE_BYTES];
  size_t n_deployments, n_pools, n_queues;
  double *training;         /* [n_queues][TRAINING_COUNT] */
  double *training_trace;   /* [TRAINING_TRACE_COUNT][n_queues][TRACE_ROWS] */
  double *summary;          /* [n_deployments][SUMMARY_COUNT] */
  double *cluster;          /* [CLUSTER_COUNT] */
  size_t n_batches;         /* `batches` of the scenario; 0: the two below are NULL */
  double *batch;            /* [n_deployments][SUMMARY_COUNT][n_batches]: the summary of each batch, sums as if all batches were like it */
  double *batch_cluster;    /* [CLUSTER_COUNT][n_batches] */
  uint64_t *latency_counts; /* [n_deployments][HISTOGRAM_BINS], finished jobs of the summary window */
  double *trace;            /* [TRACE_COUNT][n_deployments][TRACE_ROWS] */
  double *pool_trace;       /* [POOL_COUNT][n_pools][TRACE_ROWS] */
  const DecisionRow *decision;
  size_t n_decisions;
  uint64_t jobs;            /* arrivals simulated: progress, never stored */
} RunResult;

#endif
