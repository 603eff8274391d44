/* Names of meters; see metric.h. */
#include "sim/contract/metric.h"

#include <string.h>

typedef struct MeterFacts {
  const char *name, *help;
  bool by_replica;
} MeterFacts;
#define METER_FACTS(id, name, by_replica, help) {#name, help, by_replica},
static const MeterFacts facts[METER_KINDS] = {METERS(METER_FACTS)};

#define METER_NAME(id, name, by_replica, help) #name,
const char *const meter_names[] = {METERS(METER_NAME) NULL};
const char *const metric_per_names[] = {"deployment", "replica", NULL};
const char *const metric_aggregate_names[] = {"sum", "mean", "max", "min", NULL};

const char *meter_name(MeterKind meter) { return facts[meter].name; }
const char *meter_help(MeterKind meter) { return facts[meter].help; }
bool meter_by_replica(MeterKind meter) { return facts[meter].by_replica; }

MeterKind meter_find(const char *name) {
  int k = 0;
  while (k < METER_KINDS && strcmp(facts[k].name, name) != 0) k++;
  return (MeterKind)k;
}

MetricQuery metric_query(MeterKind meter) {
  return (MetricQuery){.name = facts[meter].name,
                       .meter = meter,
                       .per = facts[meter].by_replica ? METRIC_PER_REPLICA : METRIC_PER_DEPLOYMENT,
                       .aggregate = METRIC_SUM,
                       .window_ns = METRIC_AS_STRATEGY,
                       .lag_ns = METRIC_AS_STRATEGY,
                       .multiply = 1};
}
