/* What one container's samples and OOM kills do to the histograms of all containers of its name, as the Kubernetes VPA's recommender
 * aggregates them: a CPU sample counts once, with weight 0.1; memory counts by its peak in each interval, stamped with the interval's end.
 * A container says what is to be done to the histograms; the aggregate does it. Source: vertical-pod-autoscaler/pkg/recommender/model
 * (container.go, aggregate_container_state.go, aggregations_config.go), kubernetes/autoscaler 55c37cd5. */
#ifndef MODELS_POLICY_VPA_CONTAINER_H
#define MODELS_POLICY_VPA_CONTAINER_H

#include "models/policy/vpa_estimator.h"

#define VPA_SAMPLE_WEIGHT 0.1

typedef struct VpaMemoryRules {
  int64_t interval_ns;    /* one peak each: memory-aggregation-interval */
  double oom_bump_ratio;  /* after an OOM kill the peak is taken to be this much higher ... */
  double oom_bump_bytes;  /* ... or so many bytes, whatever is more */
  int64_t max_bytes;      /* an OOM kill asks for no more; 0: no such limit */
} VpaMemoryRules;

/* Zeroed at first: no sample yet. */
typedef struct VpaContainer {
  bool has_cpu, has_memory; /* a sample was taken */
  int64_t cpu_ns, memory_ns; /* the newest one's instant */
  int64_t window_end_ns;    /* of the memory interval; valid once a memory sample or an OOM kill was taken */
  int64_t memory_peak_bytes, oom_peak_bytes; /* in that interval */
} VpaContainer;

/* One call of a histogram. */
typedef struct VpaCall {
  bool is_memory, is_subtract;
  double value, weight; /* cores or bytes */
  int64_t at_ns;
} VpaCall;
typedef struct VpaCalls {
  bool accepted;
  int n;
  VpaCall call[2];
} VpaCalls;

/* Dropped: negative use, and what is not newer (CPU) or is older (memory) than the newest. */
VpaCalls vpa_container_cpu(VpaContainer *container, int64_t at_ns, int64_t millicores);
VpaCalls vpa_container_memory(VpaContainer *container, const VpaMemoryRules *rules, int64_t at_ns, int64_t bytes);
/* Dropped where it is older than the interval's beginning. */
VpaCalls vpa_container_oom(VpaContainer *container, const VpaMemoryRules *rules, int64_t at_ns, int64_t requested_bytes);

/* All containers of one name; memory is not simulated, so there is no histogram of it here. */
typedef struct VpaAggregate {
  VpaHistogram cores;
  int64_t first_ns, last_ns; /* of the CPU samples */
  int64_t samples;
} VpaAggregate;

void vpa_aggregate_begin(VpaAggregate *aggregate, int64_t half_life_ns);
void vpa_aggregate_apply(VpaAggregate *aggregate, const VpaCalls *calls); /* CPU calls */
/* Nothing came for so long that it is forgotten. */
bool vpa_aggregate_is_expired(const VpaAggregate *aggregate, int64_t now_ns, int64_t window_ns);

#endif
