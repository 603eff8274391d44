/* Scenario files into structs, sweeps and traces through sweep_open: what is read is what was meant. Bad input is the subject of
 * tests/diagnostics. */
#include "tests/testing.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/contract/trace_data.h"
#include "sim/lab/catalogue.h"
#include "sim/lab/decode.h"
#include "sim/lab/reference.h"

typedef struct Fixture {
  Arena arena;
  char folder[64], scenario[80], trace[80];
  Err err;
  Sweep sweep;
} Fixture;

static int setup(void **state) {
  Fixture *f = calloc(1, sizeof *f);
  strcpy(f->folder, "/tmp/headroom-decode-XXXXXX");
  assert_non_null(mkdtemp(f->folder));
  snprintf(f->scenario, sizeof f->scenario, "%s/s.yaml", f->folder);
  snprintf(f->trace, sizeof f->trace, "%s/t.csv", f->folder);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  Fixture *f = *state;
  arena_free(&f->arena);
  unlink(f->scenario);
  unlink(f->trace);
  rmdir(f->folder);
  free(f);
  return 0;
}

static void write_file(const char *path, const char *text, size_t length) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, length, file), length);
  assert_int_equal(fclose(file), 0);
}

static bool try_open(Fixture *f, const char *text, const char *const *set, size_t n_set, const char *only) {
  write_file(f->scenario, text, strlen(text));
  err_clear(&f->err);
  return sweep_open(&f->sweep, &f->arena, f->scenario, set, n_set, only, &f->err);
}

static const Scenario *opened(Fixture *f, const char *text) {
  if (!try_open(f, text, NULL, 0, NULL)) fail_msg("%s", f->err.item[0].message);
  return f->sweep.first;
}

#define TAIL                                                                   \
  "strategies: {none: {}, up: {scale: {horizontal: {target: 60%}}}}\n"         \
  "horizon: 1h\n"
#define ARRIVALS "    workload: {arrivals: {poisson: {rate: 2/s}}}\n"
#define SMALL                                                                  \
  "cluster: {pools: {main: {machine: aws/m5.xlarge}}}\n"                       \
  "deployments:\n"                                                             \
  "  chat:\n"                                                                  \
  "    requests: {cpu: 1, memory: 1Gi}\n"                                      \
  "    replicas: {initial: 7}\n"                                               \
  "    variants: {v: {service: {distribution: {time: 40ms}}}}\n" ARRIVALS TAIL

static void test_fields_and_defaults(void **state) {
  const Scenario *s = opened(*state, SMALL);
  const DeploymentSpec *chat = scenario_deployment(s, 0);
  assert_int_equal(s->horizon_ns, INT64_C(3600000000000));
  assert_string_equal(s->name, "scenario");
  assert_int_equal(chat->requests.cpu_millicores, 1000);
  assert_int_equal(chat->requests.memory_bytes, INT64_C(1) << 30);
  assert_int_equal(chat->limits.cpu_millicores, 1000); /* absent: the request */
  assert_int_equal(chat->concurrency, 1);
  assert_int_equal(chat->queue.limit, -1);
  assert_int_equal(chat->dispatch, DISPATCH_CENTRAL_QUEUE);
  assert_int_equal(chat->grace_ns, 30 * NS_PER_S);
  assert_string_equal(chat->speed.model->name, "constant");
  assert_int_equal(chat->retry.attempts, 1);
  assert_true(chat->retry.factor == 2);
  const StrategySpec *none = scenario_strategy(s, 0), *up = scenario_strategy(s, 1);
  assert_string_equal(none->scale.model->name, "none");
  assert_string_equal(none->nodes.model->name, "on-demand");
  assert_string_equal(strategy_policy(up, "chat")->model->name, "horizontal");
  assert_int_equal(none->metrics.window_ns, 0); /* the policy's own: */
  PolicyTiming timing = strategy_timing(s, none, scenario_deployment(s, 0)->name);
  assert_int_equal(timing.window_ns, 60 * NS_PER_S);
  assert_int_equal(timing.period_ns, 15 * NS_PER_S);
}

static void test_catalogue_and_initial_nodes(void **state) {
  const Scenario *s = opened(*state, SMALL);
  assert_int_equal(s->pool[0].machine.allocatable.millicores, 3920);
  assert_int_equal(s->pool[0].machine.nano_usd_per_h, 192000000);
  assert_int_equal(s->pool[0].initial_nodes, 3); /* 7 replicas of 1 core, 3 a node */
  assert_int_equal(s->deployment_entity[0], hash_name("chat"));
}

static void test_own_figures_win(void **state) {
  const char *const set[] = {"cluster.pools.main.machine={name: aws/m5.xlarge, price: $1/h, cpu: 8}"};
  Fixture *f = *state;
  assert_true(try_open(f, SMALL, set, 1, NULL));
  const MachineType *machine = &f->sweep.first->pool[0].machine;
  assert_int_equal(machine->nano_usd_per_h, 1000000000);
  assert_int_equal(machine->allocatable.millicores, 8000);
  assert_int_equal(machine->allocatable.bytes, INT64_C(14162) << 20);
}

static void test_flows_upstream_first(void **state) {
  /* d -> c <-> b -> a; e alone. */
  const Scenario *s = opened(*state,
                             "cluster: {pools: {main: {machine: {cpu: 4}}}}\n"
                             "deployments:\n"
                             "  a: {variants: &v {v: {service: {distribution: {time: 1s}}}}}\n"
                             "  b: {variants: *v, route: [{to: c, probability: 0.5}, {to: a, probability: 0.5}]}\n"
                             "  c: {variants: *v, route: [{to: b}]}\n"
                             "  d: {variants: *v, route: [{to: c, probability: 1}], workload: &w {arrivals: {poisson: {rate: 1/s}}}}\n"
                             "  e: {variants: *v, workload: {<<: *w}}\n" TAIL);
  assert_int_equal(s->n_flows, 4);
  assert_int_equal(s->flow_of[1], s->flow_of[2]);
  assert_true(s->flow_of[3] < s->flow_of[2] && s->flow_of[2] < s->flow_of[0]);
  assert_true(s->route_probability[1 * 5 + 2] == 0.5);
}

static Distribution law(Fixture *f, const char *text) {
  char set[200];
  snprintf(set, sizeof set, "deployments.chat.variants.v.load=%s", text);
  const char *const sets[] = {set};
  if (!try_open(f, SMALL, sets, 1, NULL)) fail_msg("%s", f->err.item[0].message);
  return deployment_variant(scenario_deployment(f->sweep.first, 0), 0)->load_ns;
}

static void assert_near(double a, double b, double relative) {
  if (!(fabs(a - b) <= relative * fabs(b))) fail_msg("%.17g is not near %.17g", a, b);
}

static void test_laws(void **state) {
  static const struct {
    const char *text;
    double mean_s, cv;
  } rows[] = {
      {"2s", 2, 0},
      {"{constant: 2s}", 2, 0},
      {"{constant: {value: 2s}}", 2, 0},
      {"{exponential: {mean: 2s}}", 2, 1},
      {"{uniform: {low: 1s, high: 3s}}", 2, 0.28867513459481287},
      {"{lognormal: {mean: 2s, cv: 0.6}}", 2, 0.6},
      {"{lognormal: {median: 2s, cv: 0}}", 2, 0},
      {"{lognormal: {median: 1s, cv: 1}}", 1.4142135623730951, 1},
      {"{gamma: {mean: 2s, cv: 0.5}}", 2, 0.5},
      {"{erlang: {mean: 2s, stages: 4}}", 2, 0.5},
      {"{weibull: {mean: 2s, cv: 1}}", 2, 1},
      {"{hyperexponential: {mean: 2s, cv: 3}}", 2, 3},
      {"{empirical: {points: [[1s, 0], [3s, 1]]}}", 2, 0.28867513459481287},
  };
  for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
    Distribution d = law(*state, rows[k].text);
    assert_near(distribution_mean(&d), rows[k].mean_s * 1e9, 1e-6);
    if (rows[k].cv > 0) assert_near(distribution_cv(&d), rows[k].cv, 1e-5);
  }
  Distribution d = law(*state, "{lognormal: {median: 95s, p95: 180s}}");
  assert_near(distribution_quantile(&d, 0.5), 95e9, 1e-9);
  assert_near(distribution_quantile(&d, 0.95), 180e9, 1e-6);
}

static const char swept[] = SMALL
    "sweep:\n"
    "  - {set: deployments.chat.concurrency, values: [1, 2, 3]}\n"
    "  - {set: [strategies.up.scale.horizontal.target, cluster.pools.main.startup], values: [[50%, 5s], [0.7, 500ms]]}\n"
    "  - {set: deployments.chat.dispatch, values: [random], name: rule}\n"
    "replications: 5\n";

static void test_sweep_list(void **state) {
  Fixture *f = *state;
  opened(f, swept);
  const Sweep *sweep = &f->sweep;
  assert_int_equal(sweep->n_points, 6);
  assert_int_equal(sweep->n_runs, 6 * 2 * 5);
  assert_int_equal(sweep->n_parameters, 4);
  assert_string_equal(sweep->parameter[0].name, "concurrency");
  assert_string_equal(sweep->parameter[1].name, "target");
  assert_string_equal(sweep->parameter[3].name, "rule");
  assert_string_equal(sweep->parameter[2].value[1], "500ms");
  assert_true(sweep->parameter[1].number[0] == 0.5);
  assert_true(sweep->parameter[2].number[0] == 5 && sweep->parameter[2].number[1] == 0.5);
  assert_null(sweep->parameter[3].number);
  assert_int_equal(sweep_axis_value(sweep, 3, 0), 1); /* the last axis is fastest */
  assert_int_equal(sweep_axis_value(sweep, 3, 1), 1);
}

static void test_sweep_points_in_threads(void **state) {
  Fixture *f = *state;
  opened(f, swept);
  int wrong = 0;
#pragma omp parallel for num_threads(4) reduction(+ : wrong)
  for (int k = 0; k < 240; k++) {
    Arena arena = {0};
    Scenario s;
    Err err = {.count = 0};
    uint64_t point = (uint64_t)k % 6;
    bool good = sweep_point(&f->sweep, point, &arena, &s, &err);
    good = good && scenario_deployment(&s, 0)->concurrency == (int64_t)(point / 2 + 1);
    good = good && distribution_mean(&s.pool[0].startup_ns) == (point % 2 ? 5e8 : 5e9) && scenario_deployment(&s, 0)->dispatch == DISPATCH_RANDOM;
    wrong += !good;
    arena_free(&arena);
  }
  assert_int_equal(wrong, 0);
}

static void test_names_of_parameters_differ(void **state) {
  Fixture *f = *state;
  opened(f, SMALL "sweep:\n  - {set: deployments.chat.requests.cpu, values: [1]}\n  - {set: deployments.chat.limits.cpu, values: [2]}\n");
  assert_string_equal(f->sweep.parameter[0].name, "requests.cpu");
  assert_string_equal(f->sweep.parameter[1].name, "limits.cpu");
}

static void test_edits(void **state) {
  Fixture *f = *state;
  const char *const set[] = {"deployments.chat.queue.timeout.after=3s", "strategies.none.scale=horizontal", "strategies.none.scale.horizontal.target=50%",
                             "deployments.\"a.b\"={variants: {v: {service: {distribution: {time: 1s}}}}, workload: {arrivals: none}}"};
  assert_true(try_open(f, SMALL, set, 4, NULL));
  assert_true(distribution_mean(&scenario_deployment(f->sweep.first, 0)->queue.timeout.after_ns) == 3e9);
  assert_string_equal(scenario_strategy(f->sweep.first, 0)->scale.model->name, "horizontal");
  assert_string_equal(f->sweep.deployment[1], "a.b");
  assert_non_null(strstr(f->sweep.text, "# --set strategies.none.scale=horizontal\n"));
}

static void test_chosen_strategies(void **state) {
  Fixture *f = *state;
  assert_true(try_open(f, SMALL, NULL, 0, "up"));
  assert_int_equal(f->sweep.n_strategies, 1);
  assert_string_equal(f->sweep.strategy[0], "up");
  assert_string_equal(scenario_strategy(f->sweep.first, 0)->scale.model->name, "horizontal");
  assert_false(try_open(f, SMALL, NULL, 0, "up,nome"));
  assert_int_equal(err_code(&f->err), ERR_USAGE);
  assert_string_equal(f->err.item[0].message, "--strategies: no strategy `nome`; did you mean `none`?");
}

/* ---- traces ---- */

#define REPLAY(options)                                                        \
  "cluster: {pools: {main: {machine: aws/m5.xlarge}}}\n"                       \
  "deployments:\n"                                                             \
  "  chat:\n"                                                                  \
  "    variants: {v: {service: {distribution: {time: 40ms}}}}\n"               \
  "    workload: {arrivals: {replay: {trace: {file: t.csv" options "}}}}\n" TAIL

typedef struct ReplayHead { /* replay's parameters begin with its trace */
  TraceFile trace;
} ReplayHead;

static const TraceData *trace_of(Fixture *f, const char *scenario, const char *csv) {
  write_file(f->trace, csv, strlen(csv));
  const Scenario *s = opened(f, scenario);
  return ((const ReplayHead *)scenario_deployment(s, 0)->workload.arrivals.params)->trace.data;
}

static void test_rows_mean_the_same(void **state) {
  static const char *const files[] = {
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-17 00:00:00.000000001,3180,8\n",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-17 00:00:00.000000001,3180,8",
      "\xef\xbb\xbfTIMESTAMP,\"ContextTokens\",GeneratedTokens\r\n\"2023-11-16T18:17:03.97996Z\",\"4808\",10\r\n2023-11-17 01:00:00.000000001+01:00,3180,8\r\n\r\n\r\n",
      "GeneratedTokens,ContextTokens,TIMESTAMP\n10, 4808 ,2023-11-16 18:17:03.97996\n8,3180,2023-11-17 00:00:00.000000001\n\n  \n",
  };
  for (size_t k = 0; k < 4; k++) {
    const TraceData *data = trace_of(*state, REPLAY(", time: TIMESTAMP"), files[k]);
    assert_int_equal(data->count, 2);
    assert_int_equal(data->arrival_ns[0], 0);
    assert_int_equal(data->arrival_ns[1], INT64_C(20576020040001));
    assert_int_equal(data->input[0], 4808);
    assert_int_equal(data->output[1], 8);
    assert_int_equal(data->span_ns, 2 * data->arrival_ns[1]);
  }
}

static void test_own_traces_keep_their_offset(void **state) {
  const TraceData *data = trace_of(*state, REPLAY(""), "arrival_ns,input,output\n17,3,4\n1000000000000000001,5,6\n");
  assert_int_equal(data->arrival_ns[0], 17);
  assert_int_equal(data->arrival_ns[1], INT64_C(1000000000000000001));
  assert_int_equal(data->input[1], 5);
}

static void test_plain_numbers(void **state) {
  const TraceData *data = trace_of(*state, REPLAY(", unit: ms"), "5.5\n7.000001\n");
  assert_int_equal(data->count, 2);
  assert_int_equal(data->arrival_ns[1], 1500001);
  assert_null(data->input);
}

static void test_counts(void **state) {
  const TraceData *data = trace_of(*state, REPLAY(", kind: counts, gaps: zero"), "time,jobs\n60,3\n120,0\n300,5\n");
  assert_int_equal(data->count, 5);
  assert_int_equal(data->interval_ns, 60 * NS_PER_S);
  assert_int_equal(data->interval_count[0], 3);
  assert_int_equal(data->interval_count[3], 0);
  assert_int_equal(data->interval_count[4], 5);
  assert_int_equal(data->span_ns, 300 * NS_PER_S);
  data = trace_of(*state, REPLAY(", kind: counts, interval: 1m"), "3\n4\n");
  assert_int_equal(data->interval_count[1], 4);
}

static void test_inputs_are_listed_and_shared(void **state) {
  Fixture *f = *state;
  const TraceData *data = trace_of(f, REPLAY("") "sweep: [{set: seed, values: [1, 2]}]\n", "time\n1\n2\n");
  assert_int_equal(f->sweep.n_inputs, 1);
  assert_string_equal(f->sweep.input[0].path, "t.csv");
  assert_int_equal(f->sweep.input[0].bytes, 9);
  char hex[SHA256_HEX_BYTES];
  sha256_hex("time\n1\n2\n", 9, hex);
  assert_string_equal(f->sweep.input[0].sha256, hex);
  Arena arena = {0};
  Scenario s;
  assert_true(sweep_point(&f->sweep, 1, &arena, &s, &f->err));
  assert_ptr_equal(((const ReplayHead *)scenario_deployment(&s, 0)->workload.arrivals.params)->trace.data, data);
  arena_free(&arena);
}

static void test_published_trace(void **state) {
  Fixture *f = *state;
  real_data();
  const char *const set[] = {"deployments.chat.workload.arrivals.replay.trace.file=${HEADROOM_DATA}/traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv"};
  write_file(f->trace, "time\n1\n", 7);
  assert_true(try_open(f, REPLAY(""), set, 1, NULL));
  const TraceData *data = ((const ReplayHead *)scenario_deployment(f->sweep.first, 0)->workload.arrivals.params)->trace.data;
  assert_int_equal(data->count, 19366);
  assert_int_equal(data->arrival_ns[1], 4314579000);
  assert_int_equal(data->input[0], 374);
}

/* ---- reference ---- */

static void test_reference_pages(void **state) {
  Fixture *f = *state;
  static const char *const topics[] = {"scenario", "deployment", "policy", "distribution", "units", "catalog", "schema", "threshold", "workload"};
  for (size_t k = 0; k < sizeof topics / sizeof topics[0]; k++) {
    Text text = {.arena = &f->arena};
    assert_true(reference_page(&text, &topics[k], 1, &f->err));
    assert_true(text.length > 100);
  }
  const char *const wrong[] = {"polcy"};
  Text text = {.arena = &f->arena};
  assert_false(reference_page(&text, wrong, 1, &f->err));
  assert_string_equal(f->err.item[0].message, "no page `polcy`; did you mean `policy`?");
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
      TEST(test_fields_and_defaults), TEST(test_catalogue_and_initial_nodes), TEST(test_own_figures_win), TEST(test_flows_upstream_first),
      TEST(test_laws), TEST(test_sweep_list), TEST(test_sweep_points_in_threads), TEST(test_names_of_parameters_differ), TEST(test_edits),
      TEST(test_chosen_strategies), TEST(test_rows_mean_the_same), TEST(test_own_traces_keep_their_offset), TEST(test_plain_numbers),
      TEST(test_counts), TEST(test_inputs_are_listed_and_shared), TEST(test_published_trace), TEST(test_reference_pages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
