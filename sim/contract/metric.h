/* Metrics as a policy asks for them: which meter of a deployment, over which window, how old, from whom. A policy's parameters hold
 * MetricQuery values (the decoder makes them from a meter's name, or from a name that the scenario's `metrics:` maps); the controller
 * answers each with a MetricValue. Nothing here knows where the figures come from. */
#ifndef SIM_CONTRACT_METRIC_H
#define SIM_CONTRACT_METRIC_H

#include <stdbool.h>
#include <stdint.h>

/* What can be measured. Unit in the name; `true`: there is a value for each replica, too. */
#define METERS(X)                                                                                                        \
  X(CPU_CORES, cpu_cores, true, "CPU in use, cores")                                                                     \
  X(CPU_UTILISATION_RATIO, cpu_utilisation_ratio, true, "CPU in use / requested")                                        \
  X(SLOT_UTILISATION_RATIO, slot_utilisation_ratio, true, "jobs in service / concurrency: the duty cycle of a GPU")      \
  X(QUEUE_JOBS, queue_jobs, true, "jobs waiting; those of a common queue belong to no replica and are shared evenly")    \
  X(IN_SERVICE_JOBS, in_service_jobs, true, "jobs in service")                                                           \
  X(IN_FLIGHT_JOBS, in_flight_jobs, true, "jobs waiting or in service")                                                  \
  X(OFFERED_RPS, offered_rps, false, "arrivals a second")                                                                \
  X(FINISHED_RPS, finished_rps, false, "jobs finished a second")                                                         \
  X(DROPPED_RPS, dropped_rps, false, "jobs dropped a second")                                                            \
  X(LATENCY_MEAN_S, latency_mean_s, false, "mean latency of jobs that finished in the window")                           \
  X(LATENCY_P50_S, latency_p50_s, false, "median latency of jobs that finished in the window")                           \
  X(LATENCY_P95_S, latency_p95_s, false, "95th percentile")                                                              \
  X(LATENCY_P99_S, latency_p99_s, false, "99th percentile")                                                              \
  X(ATTAINMENT_RATIO, attainment_ratio, false, "jobs that ended within the objective / jobs that ended")                 \
  X(OFFERED_BYTES_PER_S, offered_bytes_per_s, false, "data that arrives")                                                \
  X(BACKLOG_BYTES, backlog_bytes, false, "data waiting or in service")                                                   \
  X(KV_CACHE_RATIO, kv_cache_ratio, true, "KV cache in use, where the service model has one")                            \
  X(TTFT_MEAN_S, ttft_mean_s, false, "mean time to the first token of jobs that finished in the window")                  \
  X(TPOT_MEAN_S, tpot_mean_s, false, "mean time of each further token of jobs that finished in the window")               \
  X(REPLICAS_READY, replicas_ready, false, "ready replicas")
#define METER_ENUM(id, name, by_replica, help) METER_##id,
typedef enum MeterKind { METERS(METER_ENUM) METER_KINDS } MeterKind;

typedef enum MetricPer { METRIC_PER_DEPLOYMENT, METRIC_PER_REPLICA } MetricPer;
typedef enum MetricAggregate { METRIC_SUM, METRIC_MEAN, METRIC_MAX, METRIC_MIN } MetricAggregate;

enum { METRIC_AS_STRATEGY = -1 }; /* window, lag: what the strategy's `metrics` say */

typedef struct MetricQuery {
  const char *name;      /* as the manifest or the scenario names it */
  MeterKind meter;
  MetricPer per;         /* per replica: one sample of each replica, aggregated; per deployment: one figure */
  MetricAggregate aggregate; /* over replicas */
  int64_t scrape_ns;     /* sampled at multiples of this; 0: at every scrape of the strategy */
  int64_t window_ns;     /* mean or rate over this long before the sample; 0: the gauge at the sample itself; METRIC_AS_STRATEGY */
  int64_t lag_ns;        /* visible this long after the sample; METRIC_AS_STRATEGY */
  double multiply;       /* the value is multiplied by this: 100 where a manifest counts in percent */
} MetricQuery;

/* The answer at a tick. */
typedef struct MetricValue {
  bool has;              /* false: no sample is visible yet, or the figure is undefined (no finished job, no ready replica) */
  double value;          /* the aggregate */
  int64_t sampled_ns, window_ns; /* when, and over how long really */
  const double *replica; /* a value for each of observation->replica, NaN where there is none; NULL unless per replica and the policy reads replicas */
} MetricValue;

extern const char *const meter_names[]; /* of all kinds, then NULL */
extern const char *const metric_per_names[];       /* "deployment", "replica" */
extern const char *const metric_aggregate_names[]; /* "sum", "mean", "max", "min" */
const char *meter_name(MeterKind meter);  /* "queue_jobs" */
const char *meter_help(MeterKind meter);
bool meter_by_replica(MeterKind meter);
/* The meter of a name; METER_KINDS if there is none. */
MeterKind meter_find(const char *name);
/* The meter as the strategy scrapes it: the plain query of a bare meter name. */
MetricQuery metric_query(MeterKind meter);

#endif
