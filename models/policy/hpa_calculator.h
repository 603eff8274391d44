/* How many replicas one metric asks for. Pods are looked at one by one and leave only integer sums behind, so nothing is allocated and
 * the order of pods does not matter. All quantities are thousandths, all divisions of integers truncate, as in Go. Pure functions.
 * Source: pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go, Kubernetes 1.33; `HPA_1_20` as 1.20.2 was. */
#ifndef MODELS_POLICY_HPA_CALCULATOR_H
#define MODELS_POLICY_HPA_CALCULATOR_H

#include "models/policy/hpa.h"

enum { HPA_REPLICAS_MOST = 2147483647 }; /* int32 upstream: results stop here instead of wrapping */

typedef enum HpaPodPhase { HPA_POD_PENDING, HPA_POD_RUNNING, HPA_POD_SUCCEEDED, HPA_POD_FAILED } HpaPodPhase;
typedef struct HpaPod {
  HpaPodPhase phase;
  bool deleted;
  bool has_condition, ready; /* is there a Ready condition, and does it say so */
  bool has_start;
  int64_t start_ns, transition_ns; /* placed on a node; last change of the Ready condition */
  bool has_request;
  int64_t request_milli;
  bool has_metric;
  int64_t metric_milli, sampled_ns, window_ns;
} HpaPod;

/* What grouping asks beside the pod. `cpu`: it is the resource metric cpu; no other metric looks at readiness. */
typedef struct HpaReadiness {
  bool cpu;
  int64_t now_ns, cpu_initialization_ns, initial_readiness_ns;
} HpaReadiness;
typedef enum HpaGroup { HPA_POD_COUNTS, HPA_POD_UNREADY, HPA_POD_MISSING, HPA_POD_IGNORED } HpaGroup;
HpaGroup hpa_group(const HpaPod *pod, const HpaReadiness *readiness);

/* Sums over samples. Only samples of pods with a request enter a utilisation; every sample enters n and the average. */
typedef struct HpaUsage {
  __int128 all_milli;
  int64_t n;
  __int128 matched_milli, request_milli;
  int64_t n_matched;
} HpaUsage;
int64_t hpa_value_add(int64_t sum_milli, int64_t value_milli); /* stops at the ends of int64: the series of an external metric */
void hpa_usage_add(HpaUsage *usage, int64_t metric_milli, bool has_request, int64_t request_milli);

typedef struct HpaRatio {
  double ratio;
  int64_t current;       /* percent of the request, or the average */
  int64_t average_milli; /* mean sample */
} HpaRatio;
/* False: no sample belongs to a pod with a request. */
bool hpa_utilization_ratio(const HpaUsage *usage, int64_t target_percent, HpaRatio *ratio);
/* False: no sample. */
bool hpa_average_ratio(const HpaUsage *usage, int64_t target_milli, HpaRatio *ratio);

/* Pods sorted into groups. Missing and unready ones are summed apart, because whether they count depends on the ratio without them. */
typedef struct HpaGroups {
  int64_t pods, ready, unready, missing, ignored;
  int64_t running_ready;  /* phase Running and condition Ready: what Value targets multiply by */
  bool lacks_request;
  HpaUsage counted;
  __int128 unready_request_milli, missing_request_milli, missing_full_milli;
} HpaGroups;
/* target_percent: of a utilisation target, else 0; a missing pod is filled in with max(100, target) percent of its request. */
void hpa_groups_add(HpaGroups *groups, const HpaPod *pod, const HpaReadiness *readiness, HpaSemantics semantics, int64_t target_percent);
/* A sample whose pod is not listed (upstream: superfluous metrics). */
void hpa_groups_add_stray(HpaGroups *groups, int64_t metric_milli);

typedef struct HpaRule {
  HpaSemantics semantics;
  double tolerance_up, tolerance_down; /* ratios; 1.20 knows one of them, the one of the side the ratio is on */
} HpaRule;
bool hpa_within_tolerance(const HpaRule *rule, double ratio);

/* What one metric asks for. */
typedef struct HpaProposal {
  bool valid;
  const char *failure;     /* why not, in upstream's words; NULL when valid */
  const char *reason;      /* the reason of condition ScalingActive: FailedGetResourceMetric ..., ValidMetricFound */
  int64_t replicas, untolerated; /* the wish; the same had there been no tolerance and no rule against turning round */
  int64_t utilization_percent; /* -1: not a utilisation */
  int64_t usage_milli;     /* average of the samples, or the value */
  double ratio;            /* of usage and target */
  double target;           /* for the record: percent, or the value; set by who asks */
} HpaProposal;
HpaProposal hpa_proposal_failed(const char *reason, const char *failure);
/* Resource and Pods metrics. replicas: wished now (spec.replicas). */
HpaProposal hpa_propose_utilization(const HpaGroups *groups, int64_t target_percent, int64_t replicas, const HpaRule *rule);
HpaProposal hpa_propose_average(const HpaGroups *groups, int64_t target_milli, int64_t replicas, const HpaRule *rule);
/* Object and External metrics with a Value target. */
HpaProposal hpa_propose_value(int64_t value_milli, int64_t target_milli, int64_t replicas, const HpaGroups *groups, const HpaRule *rule);
/* ... and with an AverageValue target: the replicas that exist (status.replicas) count, ready or not. */
HpaProposal hpa_propose_value_each(int64_t value_milli, int64_t target_milli, int64_t existing, const HpaRule *rule);
/* The highest of the valid ones; with a failed one among them only if that is no scale-down (1.20: even then). */
HpaProposal hpa_propose_best(const HpaProposal *proposal, size_t n, int64_t replicas, HpaSemantics semantics);

#endif
