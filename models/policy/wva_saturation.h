/* The arithmetic of llm-d's workload variant autoscaler: saturation analysis of the replicas of one model (V1), the targets that follow
 * from it, and the cost-aware optimiser of V2. Pure; sums run in the order given. Sources: llm-d/llm-d-workload-variant-autoscaler
 * b08b1c77 (2026-02-19), internal/saturation/analyzer.go and internal/engines/pipeline/cost_aware_optimizer.go. */
#ifndef MODELS_POLICY_WVA_SATURATION_H
#define MODELS_POLICY_WVA_SATURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WVA_VARIANTS = 64 }; /* of one model at most; functions that take more look at the first so many */

typedef struct WvaThresholds {
  double kv_cache_ratio, queue_jobs;           /* a replica at or above either is saturated */
  double kv_spare_ratio, spare_queue_jobs;     /* more replicas when the mean spare is below either */
} WvaThresholds;

/* What the replicas of one variant have to spare. */
typedef struct WvaSpare {
  int64_t replicas, non_saturated;
  double kv_ratio, queue_jobs; /* sums over the non-saturated */
} WvaSpare;

typedef struct WvaAnalysis {
  int64_t replicas, non_saturated;
  double spare_kv_ratio, spare_queue_jobs; /* means over the non-saturated, 0 if there are none */
  bool scale_up, scale_down_safe;
} WvaAnalysis;

/* Counts one replica; a missing (NaN) figure counts as saturated. */
void wva_spare_add(const WvaThresholds *thresholds, WvaSpare *spare, double kv_ratio, double queue_jobs);
WvaAnalysis wva_analyse(const WvaThresholds *thresholds, const WvaSpare *variant, size_t n);

typedef struct WvaVariant {
  const char *name;
  double cost_usd_per_h;
  int64_t reporting; /* replicas with metrics */
  int64_t current, desired, pending; /* desired 0: nothing was asked for yet */
  int64_t target;    /* out */
} WvaVariant;

typedef enum WvaMove { WVA_KEPT, WVA_FROZEN, WVA_UP, WVA_DOWN } WvaMove;
/* One replica more on the cheapest variant, or one fewer on the dearest, or none while any variant is on its way. */
WvaMove wva_targets(bool scale_up, bool scale_down_safe, WvaVariant *variant, size_t n);

typedef struct WvaCapacity {
  double cost_usd_per_h;
  double per_replica; /* in the unit of the capacity asked for; <= 0: unknown, left alone */
  int64_t replicas;   /* in: now; out: the target */
} WvaCapacity;
/* Adds replicas for what is required, by ascending cost for a unit of capacity; else takes away what is spare, dearest first. */
void wva_cost_aware(double required, double spare, WvaCapacity *variant, size_t n);

#endif
