/* Metrics of manifests into meters: the part of PromQL that is read, presets, the scenario's own map, and what is refused. The meaning
 * of each preset is that of its exporter's documentation. */
#include "tests/testing.h"

#include <math.h>
#include <string.h>

#include "sim/lab/metric_map.h"
#include "sim/lab/promql.h"

/* ---- queries ---- */

typedef struct Query {
  const char *text, *metric; /* metric NULL: refused */
  MetricAggregate aggregate;
  bool rate;
  double quantile, multiply; /* quantile 0: none */
  int64_t window_s;
} Query;

static const Query queries[] = {
    {"up", "up", METRIC_SUM, false, 0, 1, 0},
    {"  sum( a:b_c )  ", "a:b_c", METRIC_SUM, false, 0, 1, 0},
    {"avg(x)", "x", METRIC_MEAN, false, 0, 1, 0},
    {"max by (pod) (x)", "x", METRIC_MAX, false, 0, 1, 0},
    {"min(x) by (pod, node)", "x", METRIC_MIN, false, 0, 1, 0},
    {"sum without(pod)(x{namespace=\"a,}b\", model=~'m.*'})", "x", METRIC_SUM, false, 0, 1, 0},
    {"sum(rate(x_total[5m]))", "x_total", METRIC_SUM, true, 0, 1, 300},
    {"sum(irate(x_total{a=\"b\"}[90s])) * 60", "x_total", METRIC_SUM, true, 0, 60, 90},
    {"sum(increase(x_total[2m]))", "x_total", METRIC_SUM, true, 0, 120, 120},
    {"avg_over_time(x[10m])", "x", METRIC_SUM, false, 0, 1, 600},
    {"avg(x) * 100 / 4", "x", METRIC_MEAN, false, 0, 25, 0},
    {"(sum(x)) or vector(0)", "x", METRIC_SUM, false, 0, 1, 0},
    {"histogram_quantile(0.95, sum(rate(x_bucket[1m])) by (le))", "x_bucket", METRIC_SUM, true, 0.95, 1, 60},
    {"histogram_quantile(0.5, sum by (le) (rate(x_bucket[1m]))) * 1e3", "x_bucket", METRIC_SUM, true, 0.5, 1000, 60},
    /* what is not read is not guessed */
    {"", NULL, METRIC_SUM, false, 0, 0, 0},
    {"sum(", NULL, METRIC_SUM, false, 0, 0, 0},
    {"sum(x", NULL, METRIC_SUM, false, 0, 0, 0},
    {"sum(x) + sum(y)", NULL, METRIC_SUM, false, 0, 0, 0},
    {"sum(x) / sum(y)", NULL, METRIC_SUM, false, 0, 0, 0},
    {"sum(avg(x))", NULL, METRIC_SUM, false, 0, 0, 0},
    {"rate(x)", NULL, METRIC_SUM, false, 0, 0, 0},
    {"rate(rate(x[1m])[1m])", NULL, METRIC_SUM, false, 0, 0, 0},
    {"x[5]", NULL, METRIC_SUM, false, 0, 0, 0},
    {"x[5m:1m]", NULL, METRIC_SUM, false, 0, 0, 0},
    {"x{a=\"b\"", NULL, METRIC_SUM, false, 0, 0, 0},
    {"x / 0", NULL, METRIC_SUM, false, 0, 0, 0},
    {"topk(3, x)", NULL, METRIC_SUM, false, 0, 0, 0},
    {"x > 3", NULL, METRIC_SUM, false, 0, 0, 0},
    {"x or y", NULL, METRIC_SUM, false, 0, 0, 0},
    {"((((((((((((((((((x))))))))))))))))))", NULL, METRIC_SUM, false, 0, 0, 0},
    {"sum(rate(requests{status=~\"5..\"}[1m]))", NULL, METRIC_SUM, false, 0, 0, 0},
    {"sum(requests{pod=\"a\", response_code!=\"200\"})", NULL, METRIC_SUM, false, 0, 0, 0},
    {"sum(requests{pod=\"code\", kind='status'})", "requests", METRIC_SUM, false, 0, 1, 0},
};

static void test_queries(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof queries / sizeof *queries; k++) {
    const Query *q = &queries[k];
    Promql found;
    const char *why = NULL;
    bool good = promql_read(q->text, &found, &why);
    if (good != (q->metric != NULL)) fail_msg("`%s`: %s", q->text, good ? "was read" : why);
    if (!good) {
      assert_non_null(why);
      continue;
    }
    assert_int_equal(found.metric_length, strlen(q->metric));
    assert_memory_equal(found.metric, q->metric, found.metric_length);
    if (found.rate != q->rate || found.aggregate != q->aggregate || found.window_ns != q->window_s * 1000000000) fail_msg("`%s`", q->text);
    if (fabs(found.multiply - q->multiply) > 1e-9 || (q->quantile > 0 ? found.quantile != q->quantile : !isnan(found.quantile))) fail_msg("`%s`", q->text);
  }
}

/* ---- meanings ---- */

typedef struct Meaning {
  const char *text;
  MeterKind meter;
  MetricAggregate aggregate;
  double multiply;
  int64_t window_ns;
} Meaning;

#define STRATEGYS METRIC_AS_STRATEGY
static const Meaning meanings[] = {
    {"queue_jobs", METER_QUEUE_JOBS, METRIC_SUM, 1, STRATEGYS},
    {"vllm:num_requests_waiting", METER_QUEUE_JOBS, METRIC_SUM, 1, 0},
    {"avg(vllm:num_requests_running{model_name=\"m\"})", METER_IN_SERVICE_JOBS, METRIC_MEAN, 1, 0},
    {"max(vllm:gpu_cache_usage_perc)", METER_KV_CACHE_RATIO, METRIC_MAX, 1, 0},
    {"avg(vllm:kv_cache_usage_perc) * 100", METER_KV_CACHE_RATIO, METRIC_MEAN, 100, 0},
    {"avg_over_time(vllm:num_requests_waiting[2m])", METER_QUEUE_JOBS, METRIC_SUM, 1, 120000000000},
    {"sum(rate(vllm:request_success_total[1m]))", METER_FINISHED_RPS, METRIC_SUM, 1, 60000000000},
    {"histogram_quantile(0.99, sum(rate(vllm:e2e_request_latency_seconds_bucket[5m])) by (le))", METER_LATENCY_P99_S, METRIC_SUM, 1, 300000000000},
    {"sum(nv_inference_pending_request_count)", METER_QUEUE_JOBS, METRIC_SUM, 1, 0},
    {"avg(nv_gpu_utilization)", METER_SLOT_UTILISATION_RATIO, METRIC_MEAN, 1, 0},
    {"avg(DCGM_FI_DEV_GPU_UTIL)", METER_SLOT_UTILISATION_RATIO, METRIC_MEAN, 100, 0},
    {"avg(DCGM_FI_PROF_GR_ENGINE_ACTIVE)", METER_SLOT_UTILISATION_RATIO, METRIC_MEAN, 1, 0},
    {"sum(revision_queue_depth)", METER_IN_FLIGHT_JOBS, METRIC_SUM, 1, 0},
    {"histogram_quantile(0.95, sum(rate(revision_app_request_latencies_bucket[1m])) by (le))", METER_LATENCY_P95_S, METRIC_SUM, 1000, 60000000000},
    {"histogram_quantile(0.5, sum(rate(request_predict_seconds_bucket[1m])) by (le))", METER_LATENCY_P50_S, METRIC_SUM, 1, 60000000000},
    {"sum(rate(nginx_ingress_controller_requests{ingress=\"chat\"}[2m]))", METER_OFFERED_RPS, METRIC_SUM, 1, 120000000000},
    {"sum(rate(istio_requests_total{destination_workload=\"chat\", reporter=\"destination\"}[1m])) * 60", METER_OFFERED_RPS, METRIC_SUM, 60, 60000000000},
    {"histogram_quantile(0.99, sum(rate(istio_request_duration_milliseconds_bucket[1m])) by (le))", METER_LATENCY_P99_S, METRIC_SUM, 1000, 60000000000},
};

typedef struct Resolved {
  Arena arena;
  Err err;
  MetricQuery query;
  bool good;
} Resolved;

static void resolve(Resolved *r, const List *metrics, const char *text) {
  YamlSource source = {.name = "m.yaml", .text = text, .length = strlen(text), .is_file = true};
  Yaml node = {.kind = YAML_SCALAR, .plain = true, .mark = {&source, 0}, .text = text};
  memset(r, 0, sizeof *r);
  r->good = metric_resolve(metrics, &node, "query", &r->query, &r->arena, &r->err);
}

static void test_meanings(void **state) {
  (void)state;
  Resolved r;
  for (size_t k = 0; k < sizeof meanings / sizeof *meanings; k++) {
    const Meaning *m = &meanings[k];
    resolve(&r, NULL, m->text);
    if (!r.good) fail_msg("%s", r.err.item[0].message);
    if (r.query.meter != m->meter || r.query.aggregate != m->aggregate || fabs(r.query.multiply - m->multiply) > 1e-9 || r.query.window_ns != m->window_ns)
      fail_msg("`%s`: meter %s, aggregate %d, times %g, window %lld", m->text, meter_name(r.query.meter), r.query.aggregate, r.query.multiply, (long long)r.query.window_ns);
    assert_string_equal(r.query.name, m->text);
    arena_free(&r.arena);
  }
}

static void test_the_scenarios_own(void **state) {
  (void)state;
  MetricSpec spec[2] = {{.from = "depth", .meter = METER_BACKLOG_BYTES, .per = METRIC_PER_DEPLOYMENT, .aggregate = METRIC_MEAN, .scrape_ns = 5, .window_ns = 6, .lag_ns = 7, .multiply = 2},
                        {.from = "sum(a) / sum(b)", .meter = METER_ATTAINMENT_RATIO, .per = METRIC_PER_REPLICA, .aggregate = METRIC_SUM, .window_ns = -1, .lag_ns = -1, .multiply = 1}};
  List metrics = {spec, 2};
  Resolved r;
  resolve(&r, &metrics, "depth");
  assert_true(r.good && r.query.meter == METER_BACKLOG_BYTES && r.query.per == METRIC_PER_DEPLOYMENT && r.query.aggregate == METRIC_MEAN);
  assert_true(r.query.scrape_ns == 5 && r.query.window_ns == 6 && r.query.lag_ns == 7 && r.query.multiply == 2);
  arena_free(&r.arena);
  resolve(&r, &metrics, "max(avg_over_time(depth{x=\"y\"}[1m])) / 4"); /* a query of a name that is mapped */
  assert_true(r.good && r.query.meter == METER_BACKLOG_BYTES && r.query.aggregate == METRIC_MAX && r.query.window_ns == 60000000000 && r.query.multiply == 0.5);
  arena_free(&r.arena);
  resolve(&r, &metrics, "sum(a) / sum(b)"); /* a whole query is a name, too */
  assert_true(r.good && r.query.meter == METER_ATTAINMENT_RATIO);
  arena_free(&r.arena);
}

static void test_refused(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"my_depth", "is no meter and no metric that is known"},
      {"sum(vllm:request_success_total)", "a counter: rate() of it is wanted"},
      {"sum(rate(vllm:num_requests_waiting[1m]))", "a gauge has no rate()"},
      {"sum(rate(request_predict_seconds_sum[1m]))", "of a histogram, histogram_quantile() is wanted"},
      {"histogram_quantile(0.9, sum(rate(request_predict_seconds_bucket[1m])) by (le))", "the quantiles measured are 0.5, 0.95 and 0.99"},
      {"sum(rate(istio_requests_total{response_code=~\"5..\"}[1m]))", "a label that chooses among jobs"},
      {"vllm:num_requests_waitin", "is no meter and no metric that is known"}};
  Resolved r;
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    resolve(&r, NULL, cases[k][0]);
    assert_false(r.good);
    const char *message = r.err.item[0].message;
    if (!strstr(message, cases[k][1])) fail_msg("%s", message);
    assert_non_null(strstr(message, "metrics:\n  - {from: "));
    assert_non_null(strstr(message, "meters: cpu_cores "));
    assert_true(r.err.item[0].located);
    arena_free(&r.arena);
  }
}

/* Whatever a text says, reading it ends, and no preset is without a line on the page. */
static void test_page(void **state) {
  (void)state;
  Arena arena = {0};
  Text text = {.arena = &arena};
  metric_reference(&text);
  for (size_t k = 0; k < sizeof meanings / sizeof *meanings; k++) assert_non_null(strstr(text.bytes, meter_name(meanings[k].meter)));
  assert_non_null(strstr(text.bytes, "DCGM_FI_DEV_GPU_UTIL"));
  char junk[200];
  uint32_t seed = 1;
  for (int round = 0; round < 20000; round++) {
    static const char letters[] = "sumrate(){}[]\"',0.9:5m*/ histogram_quantile x_bucket by or vector avg";
    size_t n = round % 60;
    for (size_t k = 0; k < n; k++) junk[k] = letters[(seed = seed * 1664525u + 1013904223u) >> 8 & 63];
    junk[n] = '\0';
    Promql query;
    const char *why;
    (void)promql_read(junk, &query, &why);
  }
  arena_free(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_queries), cmocka_unit_test(test_meanings), cmocka_unit_test(test_the_scenarios_own), cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_page)};
  return cmocka_run_group_tests_name("metric_map", tests, NULL, NULL);
}
