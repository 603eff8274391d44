/* A bare meter's name asks for the sum over replicas, which for a share of each replica (utilisation, KV cache) says nothing: their mean it is. */
#ifndef MODELS_POLICY_SHARE_QUERY_H
#define MODELS_POLICY_SHARE_QUERY_H

#include "sim/contract/metric.h"

static inline MetricQuery mean_of_shares(MetricQuery query) {
  bool share = query.meter == METER_CPU_UTILISATION_RATIO || query.meter == METER_SLOT_UTILISATION_RATIO || query.meter == METER_KV_CACHE_RATIO;
  if (share && query.per == METRIC_PER_REPLICA && query.aggregate == METRIC_SUM) query.aggregate = METRIC_MEAN;
  return query;
}

#endif
