/* Which pods the Kubernetes VPA's updater changes, in which order and how many at once. Source: vertical-pod-autoscaler/pkg/updater
 * (priority/priority_processor.go, priority/update_priority_calculator.go, restriction/pods_restriction_factory.go),
 * kubernetes/autoscaler 55c37cd5. */
#ifndef MODELS_POLICY_VPA_UPDATER_H
#define MODELS_POLICY_VPA_UPDATER_H

#include "models/policy/vpa_estimator.h"

/* What a pod requests of one resource, and what is recommended for it. */
typedef struct VpaRequest {
  bool has; /* false: it requests none */
  int64_t request;
  VpaBounds bounds;
} VpaRequest;

typedef struct VpaPriority {
  bool is_outside;   /* a request is outside [lower, upper], or missing */
  bool grows;        /* a target is above its request */
  double difference; /* sum over resources of |request - target| / request */
} VpaPriority;
VpaPriority vpa_priority(const VpaRequest *resource, int n);
/* Those that grow before those that shrink; then the larger difference. */
bool vpa_goes_before(const VpaPriority *a, const VpaPriority *b);

typedef struct VpaUpdateRules {
  double threshold;    /* pod-update-threshold */
  int64_t lifetime_ns; /* in-recommendation-bounds-eviction-lifetime-threshold */
} VpaUpdateRules;
/* Outside the bounds, or killed for memory soon after its start (if something would change), or old enough and far enough from the target. */
bool vpa_wants_update(const VpaPriority *priority, const VpaUpdateRules *rules, bool has_started, int64_t age_ns, bool quick_oom);

/* How many of a group of replicas may be missing at once. */
typedef struct VpaGroup {
  int64_t configured; /* replicas wished */
  int64_t running;    /* there now, whether ready or not */
  int64_t tolerance;  /* so many may be missing */
  int64_t disrupted;  /* evicted or resized in this look */
} VpaGroup;
VpaGroup vpa_group(int64_t configured, int64_t running, double tolerance_ratio);
/* May one more go? Where the tolerance comes to nothing: one at a time, with all others running. */
bool vpa_group_is_disruptable(const VpaGroup *group);

#endif
