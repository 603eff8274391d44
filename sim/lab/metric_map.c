/* Names of metrics into meters; see metric_map.h. Presets: vLLM 0.6 (docs/serving/metrics), Triton 2.50 (docs/user_guide/metrics), KServe
 * and Knative queue-proxy 1.15, DCGM exporter 3.3 (etc/default-counters.csv), ingress-nginx 1.11, Istio 1.23 standard metrics. */
#include "sim/lab/metric_map.h"

#include <math.h>
#include <string.h>

#include "sim/lab/promql.h"

typedef enum Exported { GAUGE, COUNTER, HISTOGRAM } Exported;

typedef struct Preset {
  const char *name, *from;
  Exported exported;
  MeterKind meter;
  double multiply;
} Preset;

static const Preset presets[] = {
    {"vllm:num_requests_waiting", "vLLM", GAUGE, METER_QUEUE_JOBS, 1},
    {"vllm:num_requests_running", "vLLM", GAUGE, METER_IN_SERVICE_JOBS, 1},
    {"vllm:kv_cache_usage_perc", "vLLM", GAUGE, METER_KV_CACHE_RATIO, 1},
    {"vllm:gpu_cache_usage_perc", "vLLM", GAUGE, METER_KV_CACHE_RATIO, 1},
    {"vllm:request_success_total", "vLLM", COUNTER, METER_FINISHED_RPS, 1},
    {"vllm:e2e_request_latency_seconds", "vLLM", HISTOGRAM, METER_LATENCY_MEAN_S, 1},
    {"nv_inference_pending_request_count", "Triton", GAUGE, METER_QUEUE_JOBS, 1},
    {"nv_inference_request_success", "Triton", COUNTER, METER_FINISHED_RPS, 1},
    {"nv_gpu_utilization", "Triton", GAUGE, METER_SLOT_UTILISATION_RATIO, 1},
    {"request_predict_seconds", "KServe", HISTOGRAM, METER_LATENCY_MEAN_S, 1},
    {"revision_app_request_latencies", "KServe, Knative", HISTOGRAM, METER_LATENCY_MEAN_S, 1000},
    {"revision_request_latencies", "KServe, Knative", HISTOGRAM, METER_LATENCY_MEAN_S, 1000},
    {"revision_request_count", "KServe, Knative", COUNTER, METER_FINISHED_RPS, 1},
    {"revision_queue_depth", "KServe, Knative", GAUGE, METER_IN_FLIGHT_JOBS, 1}, /* serving and waiting */
    {"queue_average_concurrent_requests", "KServe, Knative", GAUGE, METER_IN_FLIGHT_JOBS, 1},
    {"queue_requests_per_second", "KServe, Knative", GAUGE, METER_OFFERED_RPS, 1},
    {"DCGM_FI_DEV_GPU_UTIL", "DCGM", GAUGE, METER_SLOT_UTILISATION_RATIO, 100},
    {"DCGM_FI_PROF_GR_ENGINE_ACTIVE", "DCGM", GAUGE, METER_SLOT_UTILISATION_RATIO, 1},
    {"nginx_ingress_controller_requests", "nginx", COUNTER, METER_OFFERED_RPS, 1},
    {"nginx_ingress_controller_request_duration_seconds", "nginx", HISTOGRAM, METER_LATENCY_MEAN_S, 1},
    {"nginx_connections_active", "nginx", GAUGE, METER_IN_FLIGHT_JOBS, 1},
    {"istio_requests_total", "Istio", COUNTER, METER_OFFERED_RPS, 1},
    {"istio_request_duration_milliseconds", "Istio", HISTOGRAM, METER_LATENCY_MEAN_S, 1000},
};
enum { PRESETS = sizeof presets / sizeof *presets };

/* ---- the scenario's own ---- */

static const MetricSpec *spec_find(const List *metrics, const char *name, size_t length) {
  for (size_t k = 0; metrics && k < metrics->count; k++) {
    const MetricSpec *spec = LIST_AT(*metrics, const MetricSpec, k);
    if (strlen(spec->from) == length && strncmp(spec->from, name, length) == 0) return spec;
  }
  return NULL;
}

static MetricQuery spec_query(const MetricSpec *spec, const char *name) {
  MetricQuery query = metric_query((MeterKind)spec->meter);
  query.name = name;
  query.per = (MetricPer)spec->per;
  query.aggregate = (MetricAggregate)spec->aggregate;
  query.scrape_ns = spec->scrape_ns;
  query.window_ns = spec->window_ns;
  query.lag_ns = spec->lag_ns;
  query.multiply = spec->multiply;
  return query;
}

/* ---- presets ---- */

static const Preset *preset_find(const char *name, size_t length) {
  for (size_t k = 0; k < PRESETS; k++)
    if (strlen(presets[k].name) == length && strncmp(presets[k].name, name, length) == 0) return &presets[k];
  return NULL;
}

/* x_bucket, x_sum and x_count belong to the histogram x. */
static size_t without_suffix(const char *name, size_t length) {
  static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
  for (size_t k = 0; k < 3; k++) {
    size_t n = strlen(suffixes[k]);
    if (length > n && strncmp(name + length - n, suffixes[k], n) == 0) return length - n;
  }
  return length;
}

static bool quantile_meter(double q, MeterKind *meter) {
  if (fabs(q - 0.5) < 1e-9) *meter = METER_LATENCY_P50_S;
  else if (fabs(q - 0.95) < 1e-9) *meter = METER_LATENCY_P95_S;
  else if (fabs(q - 0.99) < 1e-9) *meter = METER_LATENCY_P99_S;
  else return false;
  return true;
}

static bool preset_query(const Preset *preset, const Promql *promql, MetricQuery *query, const char **why) {
  MeterKind meter = preset->meter;
  if (preset->exported == COUNTER && !promql->rate) *why = "a counter: rate() of it is wanted";
  else if (preset->exported == GAUGE && promql->rate) *why = "a gauge has no rate()";
  else if (preset->exported == HISTOGRAM && isnan(promql->quantile)) *why = "of a histogram, histogram_quantile() is wanted";
  else if (preset->exported == HISTOGRAM && !quantile_meter(promql->quantile, &meter)) *why = "the quantiles measured are 0.5, 0.95 and 0.99";
  else if (preset->exported != HISTOGRAM && !isnan(promql->quantile)) *why = "no histogram";
  if (*why) return false;
  *query = metric_query(meter);
  if (preset->exported == GAUGE) query->window_ns = promql->window_ns;
  else if (promql->window_ns > 0) query->window_ns = promql->window_ns;
  if (promql->aggregated) query->aggregate = promql->aggregate;
  query->multiply = preset->multiply * promql->multiply;
  return true;
}

/* ---- both ---- */

static bool unmapped(const Yaml *node, const char *field, const char *why, Arena *arena, Err *err) {
  Text names = {.arena = arena};
  for (int k = 0; k < METER_KINDS; k++) text_addf(&names, "%s%s", k ? " " : "", meter_name((MeterKind)k));
  bool quote = strchr(node->text, '\'') != NULL;
  return yaml_error(err, ERR_SCENARIO, node->mark, "`%s`: `%.60s`%s%s%s; say what it is:\nmetrics:\n  - {from: %s%.120s%s, meter: queue_jobs}\nmeters: %s",
                    field, node->text, why ? " cannot be read (" : " is no meter and no metric that is known", why ? why : "", why ? ")" : "",
                    quote ? "\"" : "'", node->text, quote ? "\"" : "'", names.bytes);
}

bool metric_resolve(const List *metrics, const Yaml *node, const char *field, MetricQuery *query, Arena *arena, Err *err) {
  const char *name = arena_text(arena, node->text, strlen(node->text)), *why = NULL;
  const MetricSpec *spec = spec_find(metrics, name, strlen(name));
  if (spec) {
    *query = spec_query(spec, name);
    return true;
  }
  MeterKind meter = meter_find(name);
  if (meter != METER_KINDS) {
    *query = metric_query(meter);
    query->name = name;
    return true;
  }
  Promql promql;
  if (!promql_read(name, &promql, &why)) return unmapped(node, field, why, arena, err);
  spec = spec_find(metrics, promql.metric, promql.metric_length);
  const Preset *preset = spec ? NULL : preset_find(promql.metric, promql.metric_length);
  if (!spec && !preset) preset = preset_find(promql.metric, without_suffix(promql.metric, promql.metric_length));
  if (spec) {
    *query = spec_query(spec, name);
    if (promql.aggregated) query->aggregate = promql.aggregate;
    if (promql.window_ns) query->window_ns = promql.window_ns;
    query->multiply *= promql.multiply;
    return true;
  }
  if (!preset) return unmapped(node, field, NULL, arena, err);
  if (!preset_query(preset, &promql, query, &why)) return unmapped(node, field, why, arena, err);
  query->name = name;
  return true;
}

void metric_reference(Text *out) {
  text_addf(out, "What policies can be told about a deployment, and what metrics of manifests mean.\n\nmeters:\n");
  for (int k = 0; k < METER_KINDS; k++)
    text_addf(out, "  %-22s %s%s\n", meter_name((MeterKind)k), meter_help((MeterKind)k), meter_by_replica((MeterKind)k) ? " (of each replica, too)" : "");
  text_addf(out, "\nnames known without a mapping, alone or in a query (sum, avg, max, min, rate, irate, increase, avg_over_time, histogram_quantile, * and / by a number):\n");
  for (size_t k = 0; k < PRESETS; k++)
    text_addf(out, "  %-50s %-16s %s%s\n", presets[k].name, presets[k].from, presets[k].exported == HISTOGRAM ? "latency quantiles" : meter_name(presets[k].meter),
              presets[k].exported == COUNTER ? " (rate of it)" : presets[k].multiply > 1 && presets[k].exported == GAUGE ? " x 100" : "");
  text_addf(out, "\nanything else is mapped in the scenario:\n"
                 "metrics:\n"
                 "  - {from: 'my_queue_depth', meter: queue_jobs, per: replica, aggregate: sum, scrape: 15s, window: 1m, lag: 10s}\n");
}
