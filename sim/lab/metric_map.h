/* What a metric's name or query of a manifest means here: the scenario's own `metrics:`, a meter's bare name, or one of the presets for
 * what model servers, GPUs and gateways export. */
#ifndef SIM_LAB_METRIC_MAP_H
#define SIM_LAB_METRIC_MAP_H

#include "sim/lab/decode.h"

/* The query for a name or a PromQL query; false with a located error that lists the meters and the block to paste. */
bool metric_resolve(const List *metrics, const Yaml *node, const char *field, MetricQuery *query, Arena *arena, Err *err);
/* The page of `headroom describe meters`: meters, and presets. */
void metric_reference(Text *out);

#endif
