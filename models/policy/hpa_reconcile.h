/* One reconciliation: from the proposals of the metrics to the replicas to be wished, and the conditions that kubectl would show.
 * Source: pkg/controller/podautoscaler/horizontal.go, reconcileAutoscaler, Kubernetes 1.33; `HPA_1_20` as 1.20.2 was. */
#ifndef MODELS_POLICY_HPA_RECONCILE_H
#define MODELS_POLICY_HPA_RECONCILE_H

#include "models/policy/hpa_behavior.h"
#include "models/policy/hpa_calculator.h"

typedef struct HpaTick {
  int64_t now_ns;
  HpaSemantics semantics;
  int64_t replicas; /* wished now: spec.replicas */
  int64_t min_replicas, max_replicas;
  const HpaProposal *proposal; /* of each metric */
  size_t n_proposals;
  bool has_behavior;
  HpaPace up, down;            /* with behavior */
  int64_t downscale_stabilization_ns, limit_least; /* without */
  double limit_factor;
} HpaTick;

enum { HPA_LIMIT_LEAST = 4 };
#define HPA_LIMIT_FACTOR 2.0

typedef struct HpaMemory {
  bool begun; /* the log of wishes exists; the first reconciliation begins it with the replicas of then */
  HpaLog wishes;
  HpaChanges changes;
} HpaMemory;

/* Reasons of the three conditions; NULL: the condition is not set. */
typedef struct HpaOutcome {
  int64_t replicas;
  bool rescale;
  const char *able_to_scale, *scaling_active, *scaling_limited;
  bool computed;        /* metrics were asked, and one answered */
  HpaProposal proposal; /* of the metric that decided, or of the first that failed */
  int64_t stabilised, limited;
  const char *held_by;  /* ScaleUpStabilized, ScaleDownStabilized; NULL: the wish passed the windows */
} HpaOutcome;
HpaOutcome hpa_reconcile(const HpaTick *tick, HpaMemory *memory);

#endif
