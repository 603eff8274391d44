/* KEDA's own decisions, without its manifests: the ScaledObject loop between zero and the HPA, fallback, and the ScaledJob loop.
 * Source: kedacore/keda, pkg/scaling/executor/scale_scaledobjects.go and scale_jobs.go, pkg/scaling/scaledjob/metrics.go,
 * pkg/fallback/fallback.go, at 8b4f083c (2026-08-20). */
#ifndef MODELS_POLICY_KEDA_RULE_H
#define MODELS_POLICY_KEDA_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- ScaledObject: 0 <-> 1, idle <-> min ---- */

enum { KEDA_NO_COUNT = -1 }; /* idleReplicaCount, pausedReplicas not given */

typedef struct KedaScale {
  int64_t min, idle;
  int64_t cooldown_ns, initial_cooldown_ns;
  bool pause_scale_in, pause_scale_out, paused, force_activation;
  bool has_fallback;
  int64_t fallback_replicas;
} KedaScale;

typedef struct KedaActivity {
  bool was_active;
  int64_t last_active_ns, created_ns;
} KedaActivity;

/* The replicas after one poll; the HPA owns what is not decided here. *reason is constant text. */
int64_t keda_scale(const KedaScale *scale, KedaActivity *activity, int64_t now_ns, int64_t current, bool active, bool error, const char **reason);

typedef enum KedaFallback { KEDA_STATIC, KEDA_CURRENT, KEDA_CURRENT_IF_HIGHER, KEDA_CURRENT_IF_LOWER } KedaFallback;
/* Replicas that a failing trigger stands for. */
int64_t keda_fallback_replicas(KedaFallback behavior, int64_t replicas, int64_t current);
/* The metric that makes the HPA come to them: target x replicas, over the ready ones for a target of type Value (NaN without any). */
double keda_fallback_metric(double target, int64_t replicas, bool value_type, int64_t ready);

/* ---- ScaledJob ---- */

typedef enum KedaCalculation { KEDA_MAX, KEDA_MIN, KEDA_AVG, KEDA_SUM } KedaCalculation;
typedef enum KedaStrategy { KEDA_DEFAULT, KEDA_CUSTOM, KEDA_ACCURATE, KEDA_EAGER } KedaStrategy;

typedef struct KedaQueue {
  double length, max_value; /* max_value: jobs it asks for */
  bool active;
} KedaQueue;
/* A trigger's queue and the jobs it asks for: length / target, at most max_replicas; none without a target. */
KedaQueue keda_queue(double length, double target_average, bool active, int64_t max_replicas);
/* The mean of a trigger's targets; 0 without any. */
double keda_target_average(const double *target, size_t n);

typedef struct KedaJobWish {
  bool active;
  int64_t queue_length, max_value; /* rounded up */
} KedaJobWish;
/* Over the active triggers; a minimum of replicas keeps it active. */
KedaJobWish keda_combine(KedaCalculation calculation, const KedaQueue *queue, size_t n, int64_t min_replicas, int64_t max_replicas);

typedef struct KedaJobRule {
  KedaStrategy strategy;
  int64_t min, max;
  bool has_percentage; /* without it `custom` is the default strategy */
  int64_t deduction;
  double percentage;
} KedaJobRule;
typedef struct KedaJobs {
  int64_t effective; /* jobs there is room for, may be below 0 */
  int64_t scale_to;  /* jobs asked for */
} KedaJobs;
/* running: jobs that have not ended, pending ones among them. */
KedaJobs keda_jobs(const KedaJobRule *rule, int64_t max_scale, int64_t scale_to, int64_t running, int64_t pending);
int64_t keda_jobs_created(KedaJobs jobs);

#endif
