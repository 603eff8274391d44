/* Reads the part of PromQL that autoscalers' queries are mostly made of: aggregations, rates, quantiles of histograms, one metric, a
 * factor. Source: Prometheus 2.53, docs/querying. */
#ifndef SIM_LAB_PROMQL_H
#define SIM_LAB_PROMQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/contract/metric.h"

typedef struct Promql {
  const char *metric; /* inside the text */
  size_t metric_length;
  bool rate;          /* rate, irate or increase of a counter */
  bool aggregated;
  MetricAggregate aggregate;
  double quantile;    /* of histogram_quantile; NaN without */
  int64_t window_ns;  /* of [5m]; 0 without */
  double multiply;
} Promql;

/* False with a constant *why if the text has anything else in it. */
bool promql_read(const char *text, Promql *query, const char **why);

#endif
