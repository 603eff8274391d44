/* From a wished number of pods to the one that is set: bounds, initial scale, and the way to zero, which takes a stable window of being
 * active, an activator that answers, and a grace period. With the state (activating, active, inactive) that it depends on.
 * Source: knative/serving 98e5ef90, pkg/reconciler/autoscaling/kpa/scaler.go and kpa.go (computeActiveCondition). */
#ifndef MODELS_POLICY_KPA_SCALER_H
#define MODELS_POLICY_KPA_SCALER_H

#include <stdbool.h>
#include <stdint.h>

enum { KPA_UNKNOWN = -1 }; /* a scale that is not known (yet) */

typedef enum KpaActivity { KPA_ACTIVATING, KPA_ACTIVE, KPA_INACTIVE } KpaActivity;

typedef struct KpaScalerSpec {
  int64_t min_scale, max_scale, initial_scale; /* max 0: no bound */
  bool unreachable;      /* no route leads to it: min_scale and retention do not count */
  bool enable_scale_to_zero;
  bool always_proxied;   /* target-burst-capacity -1: the activator is in the path, no probe is needed */
  int64_t stable_window_ns, grace_ns, retention_ns;
  int64_t activation_timeout_ns; /* progress deadline + 30 s */
} KpaScalerSpec;

typedef struct KpaStatus {
  KpaActivity activity;
  int64_t activity_for_ns; /* in this state */
  bool initialised;        /* initial scale was reached once */
  bool proxied;            /* the activator is in the path, */
  int64_t proxied_for_ns;  /* and has been for so long */
  bool probe_answers;      /* the activator answers a probe */
} KpaStatus;

typedef struct KpaScaling {
  int64_t scale;     /* KPA_UNKNOWN when there is nothing to go by; 0 without `apply`: to be marked inactive */
  bool apply;        /* set it, where it differs */
  bool as_wished;    /* neither bounds nor zero changed the wish */
  int requeues;      /* how often a later look was asked for */
  int probes;        /* asynchronous probes started */
  const char *reason;
} KpaScaling;

KpaScaling kpa_scaler(const KpaScalerSpec *spec, const KpaStatus *status, int64_t desired);
/* Whether the activator belongs in the path then. */
bool kpa_proxied(int64_t want, int64_t excess_burst_capacity, KpaActivity activity);
/* The ready pods from which a revision counts as active. */
int64_t kpa_active_threshold(const KpaScalerSpec *spec, bool initialised);
/* The state after a look that wanted so many. */
KpaActivity kpa_activity(KpaActivity activity, int64_t want, int64_t ready, int64_t threshold);

#endif
