/* The parameters of policy `vpa`: a VerticalPodAutoscaler's spec by its own names, and beside it the flags of the two programs that act on
 * it, `recommender` and `updater`. Source: vertical-pod-autoscaler/pkg/apis/autoscaling.k8s.io/v1/types.go,
 * pkg/recommender/config/config.go and pkg/updater/config/config.go, kubernetes/autoscaler 55c37cd5. */
#ifndef MODELS_POLICY_VPA_PARAMS_H
#define MODELS_POLICY_VPA_PARAMS_H

#include "sim/contract/type.h"

typedef enum VpaMode { VPA_OFF, VPA_INITIAL, VPA_RECREATE, VPA_AUTO, VPA_IN_PLACE_OR_RECREATE, VPA_IN_PLACE } VpaMode;
typedef enum VpaScaling { VPA_SCALING_AUTO, VPA_SCALING_OFF } VpaScaling;
typedef enum VpaResource { VPA_CPU, VPA_MEMORY } VpaResource;
typedef enum VpaChange { VPA_TARGET_HIGHER, VPA_TARGET_LOWER } VpaChange;
typedef enum VpaValues { VPA_REQUESTS_AND_LIMITS, VPA_REQUESTS_ONLY } VpaValues;

typedef struct VpaResourceName {
  int resource; /* VpaResource */
} VpaResourceName;

#define VPA_AMOUNTS_FIELDS(F, C, O, L, M, R, P)                                                \
  F(cpu, cpu, "0", 0, 1e6, OPTIONAL, "of CPU; 0: no such limit", "autoscaling.k8s.io/v1")      \
  F(bytes, memory, "0", 0, 1e18, OPTIONAL, "of memory; 0: no such limit; without effect, as memory use is not simulated", "autoscaling.k8s.io/v1")
typedef struct VpaAmounts { FIELD_MEMBERS(VPA_AMOUNTS_FIELDS) } VpaAmounts;

#define VPA_CONTAINER_POLICY_FIELDS(F, C, O, L, M, R, P)                                                                   \
  F(text, containerName, "*", 0, 0, OPTIONAL, "the deployment's name, or * for any; a pod has one container here, so a lone policy is always its", "autoscaling.k8s.io/v1") \
  C(mode, vpa_scaling_names, "Auto", "Off: nothing is recommended for this container", "autoscaling.k8s.io/v1")                  \
  O(minAllowed, VpaAmounts, &vpa_amounts_type, OPTIONAL, "recommendations are at least this")                                \
  O(maxAllowed, VpaAmounts, &vpa_amounts_type, OPTIONAL, "recommendations are at most this")                                 \
  L(controlledResources, VpaResourceName, &vpa_resource_type, OPTIONAL, "what is recommended: cpu, memory; both where there is no list") \
  C(controlledValues, vpa_values_names, "RequestsAndLimits", "limits keep their ratio to requests here, whatever is said", "autoscaling.k8s.io/v1")
typedef struct VpaContainerPolicy { FIELD_MEMBERS(VPA_CONTAINER_POLICY_FIELDS) } VpaContainerPolicy;

#define VPA_RESOURCE_POLICY_FIELDS(F, C, O, L, M, R, P) \
  L(containerPolicies, VpaContainerPolicy, &vpa_container_policy_type, OPTIONAL, "one for each container, or one for all")
typedef struct VpaResourcePolicy { FIELD_MEMBERS(VPA_RESOURCE_POLICY_FIELDS) } VpaResourcePolicy;

#define VPA_REQUIREMENT_FIELDS(F, C, O, L, M, R, P)                                                              \
  L(resources, VpaResourceName, &vpa_resource_type, OPTIONAL, "at least one of them changes so; a request that stays does not") \
  C(changeRequirement, vpa_change_names, "TargetHigherThanRequests", "how the target is to differ from the request", "autoscaling.k8s.io/v1")
typedef struct VpaRequirement { FIELD_MEMBERS(VPA_REQUIREMENT_FIELDS) } VpaRequirement;

#define VPA_UPDATE_POLICY_FIELDS(F, C, O, L, M, R, P)                                                                     \
  C(updateMode, vpa_mode_names, "Recreate", "how a recommendation reaches replicas; Auto is Recreate", "autoscaling.k8s.io/v1") \
  F(integer, minReplicas, "0", 0, 1e6, OPTIONAL, "replicas there must be before one is evicted or resized; 0: as min-replicas says", "autoscaling.k8s.io/v1") \
  L(evictionRequirements, VpaRequirement, &vpa_requirement_type, OPTIONAL, "all of them must hold before a replica is updated")
typedef struct VpaUpdatePolicy { FIELD_MEMBERS(VPA_UPDATE_POLICY_FIELDS) } VpaUpdatePolicy;

#define VPA_TARGET_FIELDS(F, C, O, L, M, R, P)                                                             \
  F(text, apiVersion, NULL, 0, 0, OPTIONAL, "not looked at", "autoscaling/v1 CrossVersionObjectReference") \
  F(text, kind, NULL, 0, 0, OPTIONAL, "not looked at", "autoscaling/v1 CrossVersionObjectReference")       \
  F(text, name, NULL, 0, 0, OPTIONAL, "not looked at: the strategy says what is scaled", "autoscaling/v1 CrossVersionObjectReference")
typedef struct VpaTarget { FIELD_MEMBERS(VPA_TARGET_FIELDS) } VpaTarget;

#define VPA_RECOMMENDER_NAME_FIELDS(F, C, O, L, M, R, P) F(text, name, NULL, 0, 0, OPTIONAL, "not looked at: there is one recommender", "autoscaling.k8s.io/v1")
typedef struct VpaRecommenderName { FIELD_MEMBERS(VPA_RECOMMENDER_NAME_FIELDS) } VpaRecommenderName;

/* Flags are named with dashes: kind, member, key, default, bounds, help. */
#define VPA_RECOMMENDER_FLAGS(X)                                                                                                       \
  X(duration, interval, "recommender-interval", "1m", 1, 86400, "how often metrics are read and a recommendation is made")             \
  X(ratio, margin, "recommendation-margin-fraction", "0.15", 0, 100, "added to what was used")                                       \
  X(number, pod_min_millicores, "pod-recommendation-min-cpu-millicores", "25", 0, 1e9, "the least a pod is recommended")               \
  X(ratio, target_percentile, "target-cpu-percentile", "0.9", 0, 1, "of use, for the target")                                          \
  X(ratio, lower_percentile, "recommendation-lower-bound-cpu-percentile", "0.5", 0, 1, "of use, for the lower bound")                 \
  X(ratio, upper_percentile, "recommendation-upper-bound-cpu-percentile", "0.95", 0, 1, "of use, for the upper bound")                \
  X(duration, confidence_interval, "confidence-interval-cpu", "24h", 1, 1e8, "history that makes the bounds trustworthy")              \
  X(duration, half_life, "cpu-histogram-decay-half-life", "24h", 1, 1e8, "a sample this old weighs half as much as a new one")         \
  X(duration, memory_interval, "memory-aggregation-interval", "24h", 1, 1e8, "times the count: history is forgotten when so long nothing came") \
  X(integer, memory_intervals, "memory-aggregation-interval-count", "8", 1, 1000, "see memory-aggregation-interval")                   \
  X(integer, round_millicores, "round-cpu-millicores", "1", 1, 1000000, "recommendations are multiples of this, rounded up")           \
  X(cpu, max_allowed, "container-recommendation-max-allowed-cpu", "0", 0, 1e6, "at most this where the container has no maxAllowed; 0: no such limit")

#define VPA_UPDATER_FLAGS(X)                                                                                                           \
  X(duration, interval, "updater-interval", "1m", 1, 86400, "how often replicas are looked at")                                        \
  X(integer, min_replicas, "min-replicas", "2", 0, 1e6, "replicas there must be before one is evicted or resized")                     \
  X(ratio, tolerance, "eviction-tolerance", "0.5", 0, 1, "share of the replicas that may be missing at once, rounded down")            \
  X(ratio, threshold, "pod-update-threshold", "0.1", 0, 1e6, "within the bounds: an update must change at least this share of the request") \
  X(duration, lifetime, "in-recommendation-bounds-eviction-lifetime-threshold", "12h", 0, 1e8, "within the bounds: only replicas at least this old are updated") \
  X(duration, after_oom, "evict-after-oom-threshold", "10m", 0, 1e8, "accepted without effect: kills for memory are not simulated")     \
  X(flag, skip_budget, "in-place-skip-disruption-budget", "false", 0, 1, "resizes in place are not counted against the tolerance")

#define VPA_FLAG_MEMBER(kind, name, key, dflt, lo, hi, help) FIELD_C_##kind(name);
typedef struct VpaRecommenderFlags { VPA_RECOMMENDER_FLAGS(VPA_FLAG_MEMBER) } VpaRecommenderFlags;
typedef struct VpaUpdaterFlags { VPA_UPDATER_FLAGS(VPA_FLAG_MEMBER) } VpaUpdaterFlags;

#define VPA_FIELDS(F, C, O, L, M, R, P)                                                                                                    \
  O(targetRef, VpaTarget, &vpa_target_type, OPTIONAL, "as in the manifest; not looked at")                                                   \
  O(updatePolicy, VpaUpdatePolicy, &vpa_update_policy_type, OPTIONAL, "how recommendations are applied")                                    \
  O(resourcePolicy, VpaResourcePolicy, &vpa_resource_policy_type, OPTIONAL, "limits to what is recommended")                                \
  L(recommenders, VpaRecommenderName, &vpa_recommender_name_type, OPTIONAL, "as in the manifest; not looked at")                            \
  O(recommender, VpaRecommenderFlags, &vpa_recommender_flags_type, OPTIONAL, "the recommender's flags")                                     \
  O(updater, VpaUpdaterFlags, &vpa_updater_flags_type, OPTIONAL, "the updater's flags")
typedef struct Vpa { FIELD_MEMBERS(VPA_FIELDS) } Vpa;

extern const Type vpa_type;

#endif
