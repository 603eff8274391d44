/* From a histogram to a request, as the Kubernetes VPA's recommender goes: percentile, margin, confidence, minimum, in this order. Amounts
 * are whole millicores or bytes, cut off after every step, at most 1e14. Source: vertical-pod-autoscaler/pkg/recommender/logic
 * (estimator.go, recommender.go) and model/types.go, kubernetes/autoscaler 55c37cd5. */
#ifndef MODELS_POLICY_VPA_ESTIMATOR_H
#define MODELS_POLICY_VPA_ESTIMATOR_H

#include "models/policy/vpa_histogram.h"

#define VPA_AMOUNT_MOST INT64_C(100000000000000)

/* The whole part, between 0 and VPA_AMOUNT_MOST; NaN gives 0. */
int64_t vpa_amount(double amount);
int64_t vpa_millicores(double cores);
int64_t vpa_scaled(int64_t amount, double factor);

int64_t vpa_with_margin(int64_t amount, double fraction);
/* How many intervals of history there are, at one sample a minute: the lesser of the time from the first to the last sample / interval, and
 * samples / the interval's minutes. */
double vpa_confidence(int64_t lifespan_ns, int64_t samples, int64_t interval_ns);
/* amount x (1 + multiplier / confidence)^exponent: without history as much as there can be, or nothing, as the exponent's sign says. */
int64_t vpa_with_confidence(int64_t amount, double multiplier, double exponent, double confidence);
int64_t vpa_with_minimum(int64_t amount, int64_t minimum);
/* A container's equal share of the least that a pod is recommended. */
int64_t vpa_pod_minimum_millicores(double millicores, int containers);
int64_t vpa_pod_minimum_bytes(double megabytes, int containers);

typedef struct VpaBounds {
  int64_t target, lower, upper;
} VpaBounds;

/* What the recommender's flags say about one resource. */
typedef struct VpaEstimator {
  double target_percentile, lower_percentile, upper_percentile, margin;
  int64_t confidence_interval_ns;
  int64_t minimum;
} VpaEstimator;

/* The recommendation for CPU of a histogram in cores. */
VpaBounds vpa_recommend_millicores(const VpaEstimator *estimator, const VpaHistogram *cores, double confidence);

#endif
