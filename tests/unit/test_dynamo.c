/* The planners of NVIDIA Dynamo by hand, each through decide_all. */
#include <math.h>
#include <string.h>

#include "models/policy/dynamo.h"
#include "tests/support/fleet.h"
#include "tests/support/params.h"
#include "tests/testing.h"

static const char *const workers[] = {"prefill", "decode"};

/* ---- dynamo-load: queries KV, waiting, active of each replica, and the whole queue ---- */

enum { KV, WAITING, ACTIVE, QUEUE };

static void load_fleet(Fleet *fleet, int64_t prefill, int64_t decode) {
  fleet_begin(fleet, "dynamo-load", 2, workers);
  fleet_ready(fleet, 0, prefill);
  fleet_ready(fleet, 1, decode);
}

static void kv_of_decode(Fleet *fleet, size_t d, double kv, double waiting) {
  for (size_t k = 0; k < FLEET_REPLICAS; k++) {
    fleet->value[d][KV][k] = kv;
    fleet->value[d][WAITING][k] = waiting;
    fleet->value[d][ACTIVE][k] = 1;
  }
}

/* Ticks of 10 s up to `to_s`, the queue going from `first` by `step` a tick; wishes are left as they are. */
static void pull_until(Fleet *fleet, int from_s, int to_s, double first, double step) {
  for (int at_s = from_s; at_s <= to_s; at_s += 10) {
    fleet->metric[0][QUEUE].value = first;
    first += step;
    fleet_look(fleet, at_s);
  }
}

#define EXPECT(fleet, a, b)                         \
  do {                                              \
    assert_int_equal((fleet)->wish[0].replicas, a); \
    assert_int_equal((fleet)->wish[1].replicas, b); \
  } while (0)

/* Queue 6 > 5 and steady: a prefill worker at 180 s, not before. KV 0.7 is within. */
static void load_adds_prefill(void **unused) {
  (void)unused;
  Fleet fleet;
  load_fleet(&fleet, 2, 2);
  kv_of_decode(&fleet, 1, 0.7, 0);
  pull_until(&fleet, 0, 170, 6, 0);
  EXPECT(&fleet, 2, 2);
  assert_string_equal(fleet.wish[0].reason, "between adjustments");
  pull_until(&fleet, 180, 180, 6, 0);
  EXPECT(&fleet, 3, 2);
  assert_true(fleet.wish[0].metric == 6 && fleet.wish[0].target == 5 && fabs(fleet.wish[1].metric - 0.7) < 1e-12);
  fleet_end(&fleet);
}

/* Queue from 24 down by 1 a tick: mean of 19 looks 15 > 5, but 6 + 3 (6 - 24) < 0: it drains by itself. */
static void load_sees_the_trend(void **unused) {
  (void)unused;
  Fleet fleet;
  load_fleet(&fleet, 2, 2);
  kv_of_decode(&fleet, 1, 0.7, 0);
  pull_until(&fleet, 0, 180, 24, -1);
  EXPECT(&fleet, 2, 2);
  assert_true(fleet.wish[0].metric == 15);
  assert_string_equal(fleet.wish[0].reason, "prefill queue is draining by itself");
  fleet_end(&fleet);
}

/* KV 0.84 with 4 waiting: 0.84 + 0.08 = 0.92 > 0.9. Then three intervals of grace: the one it came in counts, so KV 0.1 takes a worker
 * away in the third interval after, not in the two before. Adjustments wait until the new worker is ready at 200 s: 380, 560, 740 s. */
static void load_grace_for_new_decode(void **unused) {
  (void)unused;
  Fleet fleet;
  load_fleet(&fleet, 1, 2);
  kv_of_decode(&fleet, 1, 0.84, 4);
  pull_until(&fleet, 0, 180, 1, 0);
  EXPECT(&fleet, 1, 3);
  fleet.seen[1].replicas = 3;
  fleet.seen[1].replicas_starting = 1;
  pull_until(&fleet, 190, 190, 1, 0);
  assert_string_equal(fleet.wish[1].reason, "waits for the workers of the last adjustment");
  fleet_ready(&fleet, 1, 3);
  kv_of_decode(&fleet, 1, 0.1, 0);
  pull_until(&fleet, 200, 380, 1, 0);
  EXPECT(&fleet, 1, 3);
  assert_string_equal(fleet.wish[1].reason, "KV use below its lower threshold, but a new worker is still filling up");
  pull_until(&fleet, 390, 560, 1, 0);
  EXPECT(&fleet, 1, 3);
  pull_until(&fleet, 570, 730, 1, 0);
  EXPECT(&fleet, 1, 3);
  pull_until(&fleet, 740, 740, 1, 0);
  EXPECT(&fleet, 1, 2);
  fleet_end(&fleet);
}

/* Queue 0.1 < 0.2 and KV 0.4 < 0.5: one of each goes, down to one. */
static void load_shrinks_to_min_endpoint(void **unused) {
  (void)unused;
  Fleet fleet;
  load_fleet(&fleet, 3, 2);
  fleet.seen[0].min_replicas = fleet.seen[1].min_replicas = 0;
  kv_of_decode(&fleet, 1, 0.4, 0);
  pull_until(&fleet, 0, 180, 0.1, 0);
  EXPECT(&fleet, 2, 1);
  fleet_grant(&fleet);
  pull_until(&fleet, 190, 370, 0.1, 0);
  EXPECT(&fleet, 1, 1);
  fleet_grant(&fleet);
  pull_until(&fleet, 380, 560, 0.1, 0);
  EXPECT(&fleet, 1, 1);
  fleet_end(&fleet);
}

/* 2 x 2 + 4 x 1 = 8 GPUs: none left. A budget of 10: the prefill worker comes first and takes both. 11: both come. */
static void load_budget(void **unused) {
  (void)unused;
  static const char *const budget[] = {"8", "10", "11"};
  static const int64_t prefill[] = {2, 3, 3}, decode[] = {4, 4, 5};
  for (int k = 0; k < 3; k++) {
    Fleet fleet;
    load_fleet(&fleet, 2, 4);
    fleet_set(&fleet, "prefill_engine_num_gpu", "2");
    fleet_set(&fleet, "max_gpu_budget", budget[k]);
    kv_of_decode(&fleet, 1, 0.95, 0);
    pull_until(&fleet, 0, 180, 9, 0);
    EXPECT(&fleet, prefill[k], decode[k]);
    if (k < 2) assert_string_equal(fleet.wish[1].reason, "no GPU left in the budget");
    fleet_end(&fleet);
  }
}

/* A worker lost at 90 s: no adjustment at 180 s; at 360 s there is one again (2 ready then as at 180 s). */
static void load_ignores_a_changed_interval(void **unused) {
  (void)unused;
  Fleet fleet;
  load_fleet(&fleet, 1, 3);
  kv_of_decode(&fleet, 1, 0.95, 0);
  pull_until(&fleet, 0, 80, 1, 0);
  fleet_ready(&fleet, 1, 2);
  pull_until(&fleet, 90, 180, 1, 0);
  EXPECT(&fleet, 1, 2);
  assert_string_equal(fleet.wish[1].reason, "workers came or went: no adjustment");
  pull_until(&fleet, 190, 360, 1, 0);
  EXPECT(&fleet, 1, 3);
  fleet_end(&fleet);
}

/* One deployment: decode workers that do both. At a threshold exactly nothing happens. */
static void load_aggregated(void **unused) {
  (void)unused;
  Fleet fleet;
  static const char *const one[] = {"chat"};
  fleet_begin(&fleet, "dynamo-load", 1, one);
  fleet_ready(&fleet, 0, 2);
  kv_of_decode(&fleet, 0, 0.9, 0);
  pull_until(&fleet, 0, 180, 50, 0);
  assert_int_equal(fleet.wish[0].replicas, 2);
  kv_of_decode(&fleet, 0, 1, 0);
  pull_until(&fleet, 190, 360, 50, 0);
  assert_int_equal(fleet.wish[0].replicas, 3);
  fleet_end(&fleet);
}

/* The 4 that wait at a worker without active requests do not count: 0.84. */
static void load_waiting_needs_active(void **unused) {
  (void)unused;
  Fleet fleet;
  load_fleet(&fleet, 1, 2);
  kv_of_decode(&fleet, 1, 0.84, 4);
  for (size_t k = 0; k < FLEET_REPLICAS; k++) fleet.value[1][ACTIVE][k] = 0;
  pull_until(&fleet, 0, 180, 1, 0);
  EXPECT(&fleet, 1, 2);
  assert_true(fabs(fleet.wish[1].metric - 0.84) < 1e-12);
  fleet_end(&fleet);
}

/* No figure of the KV cache or of the queue: nothing. Mean queue exactly 5: nothing. */
static void load_without_figures(void **unused) {
  (void)unused;
  Fleet fleet;
  load_fleet(&fleet, 3, 3);
  for (size_t q = 0; q < POLICY_METRICS; q++) fleet.metric[0][q].has = fleet.metric[1][q].has = false;
  pull_until(&fleet, 0, 180, 99, 0);
  EXPECT(&fleet, 3, 3);
  fleet.metric[0][QUEUE].has = true;
  pull_until(&fleet, 190, 360, 5, 0); /* the look at 180 s had no queue */
  EXPECT(&fleet, 3, 3);
  assert_true(fleet.wish[0].metric == 5);
  fleet_end(&fleet);
}

/* The third prefill worker never comes: the next interval begins 600 s later, at 780 s, and ends at 960 s; the queue is still long. */
static void load_is_patient_for_ten_minutes(void **unused) {
  (void)unused;
  Fleet fleet;
  load_fleet(&fleet, 2, 2);
  kv_of_decode(&fleet, 1, 0.7, 0);
  pull_until(&fleet, 0, 180, 6, 0);
  EXPECT(&fleet, 3, 2);
  fleet.seen[0].replicas = 3;
  fleet.seen[0].replicas_pending = 1;
  pull_until(&fleet, 190, 770, 6, 0);
  assert_string_equal(fleet.wish[0].reason, "waits for the workers of the last adjustment");
  pull_until(&fleet, 780, 950, 6, 0);
  assert_string_equal(fleet.wish[0].reason, "between adjustments");
  pull_until(&fleet, 960, 960, 6, 0);
  EXPECT(&fleet, 4, 2);
  fleet_end(&fleet);
}

/* At most 2: nothing changes, so that nothing is waited for: the next look is at 360 s. */
static void load_bounds(void **unused) {
  (void)unused;
  Fleet fleet;
  load_fleet(&fleet, 2, 2);
  fleet.seen[0].max_replicas = 2;
  kv_of_decode(&fleet, 1, 0.7, 0);
  pull_until(&fleet, 0, 180, 6, 0);
  EXPECT(&fleet, 2, 2);
  assert_string_equal(fleet.wish[0].reason, "at the maximum of replicas");
  fleet.seen[0].max_replicas = 3;
  pull_until(&fleet, 190, 360, 6, 0);
  EXPECT(&fleet, 3, 2);
  fleet_end(&fleet);
}

/* Workers by name, wherever they stand; a third deployment is left alone. Without `decode`, the first other one. */
static void load_workers_by_name(void **unused) {
  (void)unused;
  static const char *const names[] = {"router", "generate", "prefill"};
  for (int named = 0; named < 2; named++) {
    Fleet fleet;
    fleet_begin(&fleet, "dynamo-load", 3, names);
    if (named) fleet_set(&fleet, "decode", "generate");
    for (size_t d = 0; d < 3; d++) fleet_ready(&fleet, d, 2);
    for (int at_s = 0; at_s <= 180; at_s += 10) {
      fleet.metric[2][QUEUE].value = 9;
      kv_of_decode(&fleet, 0, 0.95, 0);
      kv_of_decode(&fleet, 1, 0.95, 0);
      fleet_look(&fleet, at_s);
    }
    assert_int_equal(fleet.wish[0].replicas, named ? 2 : 3);
    assert_int_equal(fleet.wish[1].replicas, named ? 3 : 2);
    assert_int_equal(fleet.wish[2].replicas, 3);
    assert_string_equal(fleet.wish[named ? 0 : 1].reason, "neither prefill nor decode");
    fleet_end(&fleet);
  }
}

/* ---- dynamo-sla: queries requests a second and mean latency over the interval ---- */

enum { REQUESTS, LATENCY };

/* Prefill: 100 ms and 10,000 tokens/s at 1000; 300 ms and 8,000 at 3000. Decode, contexts 1000 and 2000: (KV 0: 10 ms, 100/s) to
 * (KV 1: 109 ms, 1090/s), the same for both: node k of 100 has 10 + k ms and 100 + 10 k tokens/s. */
static void tables(Fleet *fleet) {
  static const char *const prefill[][3] = {{"1000", "100", "10000"}, {"3000", "300", "8000"}};
  static const char *const decode[][4] = {{"0", "1000", "10", "100"}, {"1", "1000", "109", "1090"}, {"0", "2000", "10", "100"}, {"1", "2000", "109", "1090"}};
  const Type *type, *params = fleet->bench.policy->model.params;
  char *item = param_list(&fleet->bench.arena, params, fleet->bench.params, "prefill_interpolation", 2, &type);
  for (int k = 0; k < 2; k++) {
    param_set(type, item + (size_t)k * type->size, "prefill_isl", prefill[k][0]);
    param_set(type, item + (size_t)k * type->size, "prefill_ttft", prefill[k][1]);
    param_set(type, item + (size_t)k * type->size, "prefill_thpt_per_gpu", prefill[k][2]);
  }
  item = param_list(&fleet->bench.arena, params, fleet->bench.params, "decode_interpolation", 4, &type);
  for (int k = 0; k < 4; k++) {
    param_set(type, item + (size_t)k * type->size, "x_kv_usage", decode[k][0]);
    param_set(type, item + (size_t)k * type->size, "y_context_length", decode[k][1]);
    param_set(type, item + (size_t)k * type->size, "z_itl", decode[k][2]);
    param_set(type, item + (size_t)k * type->size, "z_thpt_per_gpu", decode[k][3]);
  }
  fleet_set(fleet, "max_kv_tokens", "100000");
}

static void sla_fleet(Fleet *fleet, size_t n) {
  fleet_begin(fleet, "dynamo-sla", n, workers);
  tables(fleet);
  fleet_set(fleet, "load_predictor", "constant");
  fleet_set(fleet, "max_gpu_budget", "100");
  for (size_t d = 0; d < n; d++) {
    fleet_ready(fleet, d, 2);
    fleet->seen[d].max_replicas = 100;
  }
}

static void interval(Fleet *fleet, double request_rps, double isl, double osl, double ttft_s, double decode_s) {
  size_t last = fleet->n - 1;
  fleet->metric[last][REQUESTS].value = request_rps;
  fleet->metric[0][LATENCY].value = ttft_s;
  fleet->metric[last][LATENCY].value = decode_s;
  fleet->seen[0].input_tokens_mean = fleet->seen[last].input_tokens_mean = isl;
  fleet->seen[0].output_tokens_mean = fleet->seen[last].output_tokens_mean = osl;
}

/* 20/s x 1000 tokens at 10,000 = 2 prefill. Decode: itl 50 ms is node 40: 500 tokens/s; 20 x 100 / 500 = 4. */
static void sla_uncorrected(void **unused) {
  (void)unused;
  Fleet fleet;
  sla_fleet(&fleet, 2);
  fleet_set(&fleet, "no_correction", "true");
  interval(&fleet, 20, 1000, 100, 0.1, 3);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 2, 4);
  assert_true(fleet.wish[0].metric == 20000 && fabs(fleet.wish[0].target - 10000) < 1e-6 && fabs(fleet.wish[1].target - 500) < 1e-6);
  interval(&fleet, 20.1, 2000, 100, 0.1, 3); /* 40,200 / 9,000 = 4.5; 2,010 / 500 = 4.02 */
  fleet_look(&fleet, 180);
  EXPECT(&fleet, 5, 5);
  fleet_look(&fleet, 200);
  assert_string_equal(fleet.wish[0].reason, "between adjustments");
  fleet_end(&fleet);
}

/* TTFT seen 50 ms of 100: half the prefill. Concurrency 20/s x (0.05 + 4.95) s / 2 = 50, context 1050: KV 52,500 / 100,000 = 0.525,
 * node 52: 62 ms; ITL seen 4.95 / 100 = 49.5 ms: d = 0.798; itl 50 / d = 62.6 ms: node 52: 620 tokens/s: 2,000 / 620 = 3.2. */
static void sla_corrected(void **unused) {
  (void)unused;
  Fleet fleet;
  sla_fleet(&fleet, 2);
  interval(&fleet, 20, 1000, 100, 0.05, 4.95);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 1, 4);
  assert_true(fabs(fleet.wish[0].metric - 10000) < 1e-6 && fabs(fleet.wish[1].target - 620) < 1e-6);
  interval(&fleet, 20, 1000, 100, 9, 4.95); /* a slow first token does not ask for more than the load */
  fleet_look(&fleet, 180);
  assert_int_equal(fleet.wish[0].replicas, 2);
  fleet_end(&fleet);
}

/* No engine keeps 5 ms: throughput of an empty cache, 100 tokens/s: 2,000 / 100 = 20. */
static void sla_impossible_itl(void **unused) {
  (void)unused;
  Fleet fleet;
  sla_fleet(&fleet, 2);
  fleet_set(&fleet, "no_correction", "true");
  fleet_set(&fleet, "itl", "5ms");
  interval(&fleet, 20, 1000, 100, 0.1, 3);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 2, 20);
  fleet_end(&fleet);
}

/* Needs 2 and 4 engines of 1 GPU. Budget 3: round(2 x 3 / 6) = 1, then 2. Budget 5 with 2 GPUs a prefill engine (so 1 needed: 1 x 2 + 4 = 6):
 * round(5 / 6) = 1, round(3) = 3. min_endpoint 2 beats a budget of 1. */
static void sla_budget(void **unused) {
  (void)unused;
  Fleet fleet;
  sla_fleet(&fleet, 2);
  fleet_set(&fleet, "no_correction", "true");
  fleet_set(&fleet, "max_gpu_budget", "3");
  interval(&fleet, 20, 1000, 100, 0.1, 3);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 1, 2);
  assert_true(fleet.wish[1].raw_replicas == 4 && fleet.wish[1].rate_limited == 2);
  assert_string_equal(fleet.wish[1].reason, "fitted into the budget of GPUs");
  fleet_set(&fleet, "max_gpu_budget", "5");
  fleet_set(&fleet, "prefill_engine_num_gpu", "2");
  fleet_look(&fleet, 180);
  EXPECT(&fleet, 1, 3);
  fleet_set(&fleet, "max_gpu_budget", "1");
  fleet_set(&fleet, "min_endpoint", "2");
  fleet_look(&fleet, 360);
  EXPECT(&fleet, 2, 2);
  fleet_end(&fleet);
}

/* Halves go to the even number: 3 x 8 / 16 = 1.5 -> 2; 5 x 3 / 6 = 2.5 -> 2; a negative rest is below any minimum. */
static void budget_rounds_to_even(void **unused) {
  (void)unused;
  int64_t prefill = 3, decode = 13;
  dynamo_budget(&prefill, &decode, 1, 1, 0, 8);
  assert_true(prefill == 2 && decode == 6);
  prefill = 5, decode = 1;
  dynamo_budget(&prefill, &decode, 1, 1, 0, 3);
  assert_true(prefill == 2 && decode == 1);
  prefill = 1, decode = 9; /* 4 GPUs each: 40 into 6: round(0.15) = 0; round(6 / 4) = 2 */
  dynamo_budget(&prefill, &decode, 4, 4, 0, 6);
  assert_true(prefill == 0 && decode == 2);
  prefill = 1, decode = 9;
  dynamo_budget(&prefill, &decode, 4, 4, 1, 2); /* round(-2 / 4) = round(-0.5) = 0 */
  assert_true(prefill == 1 && decode == 1);
  prefill = 3, decode = 3;
  dynamo_budget(&prefill, &decode, 1, 1, 1, -1);
  assert_true(prefill == 3 && decode == 3);
}

/* Without requests, tables, ready decode workers or metrics nothing changes. */
static void sla_skips(void **unused) {
  (void)unused;
  Fleet fleet;
  sla_fleet(&fleet, 2);
  interval(&fleet, 0, NAN, NAN, NAN, NAN);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 2, 2);
  assert_string_equal(fleet.wish[0].reason, "no active requests");
  interval(&fleet, 20, 1000, 100, 0.1, 3);
  fleet.seen[1].replicas_ready = 0;
  fleet_look(&fleet, 180);
  assert_string_equal(fleet.wish[1].reason, "no decode worker is ready");
  fleet.seen[1].has_metrics = false;
  fleet_look(&fleet, 360);
  assert_string_equal(fleet.wish[1].reason, "no metrics");
  fleet_end(&fleet);
  fleet_begin(&fleet, "dynamo-sla", 2, workers);
  fleet_ready(&fleet, 1, 2);
  interval(&fleet, 20, 1000, 100, 0.1, 3);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 0, 2);
  assert_string_equal(fleet.wish[1].reason, "no profile to go by");
  fleet_end(&fleet);
}

/* One deployment without token sizes: osl 100 of the parameters; isl 1000: 15/s x 100 / 500 = 3. Budget 2 GPUs. */
static void sla_aggregated(void **unused) {
  (void)unused;
  Fleet fleet;
  sla_fleet(&fleet, 1);
  fleet_set(&fleet, "no_correction", "true");
  fleet_set(&fleet, "isl", "1000");
  fleet_set(&fleet, "osl", "100");
  interval(&fleet, 15, NAN, NAN, 3, 3);
  fleet_look(&fleet, 0);
  assert_int_equal(fleet.wish[0].replicas, 3);
  fleet_set(&fleet, "max_gpu_budget", "2");
  fleet_look(&fleet, 180);
  assert_int_equal(fleet.wish[0].replicas, 2);
  fleet_end(&fleet);
}

/* Requests 10, 12, 14, 16 /s: fewer than five, so the last; with 18 the line goes on to 20. 20 x 100 / 500 = 4 exactly; 16: 3.2 -> 4,
 * 18: without a look ahead 3.6 -> 4; lengths do not move and stay. */
static void sla_looks_ahead(void **unused) {
  (void)unused;
  Fleet fleet;
  sla_fleet(&fleet, 2);
  fleet_set(&fleet, "no_correction", "true");
  fleet_set(&fleet, "load_predictor", "ar1");
  for (int k = 0; k < 5; k++) {
    interval(&fleet, 10 + 2 * k, 1000, 100, 0.1, 3);
    fleet_look(&fleet, 180 * k);
    double expected_rps = k < 4 ? 10 + 2 * k : 20;
    assert_true(fabs(fleet.wish[1].metric - 100 * expected_rps) < 1e-6);
  }
  EXPECT(&fleet, 2, 4);
  fleet_end(&fleet);
}

/* 0.5 of the way back to 8 each step: 16, 12, 10, 9, 8.5 -> 8.25. Constant series stay; NaN is 0; a window forgets. */
static void predictors(void **unused) {
  (void)unused;
  const double halving[] = {16, 12, 10, 9, 8.5}, flat[] = {3, 3, 3, 3, 3, 3}, falling[] = {8, 6, 4, 2, 0};
  assert_true(fabs(dynamo_predict(DYNAMO_AR1, halving, 5) - 8.25) < 1e-12);
  assert_true(dynamo_predict(DYNAMO_AR1, flat, 6) == 3);
  assert_true(dynamo_predict(DYNAMO_AR1, falling, 5) == 0); /* -2 */
  assert_true(dynamo_predict(DYNAMO_MOVING_AVERAGE, falling, 5) == 4);
  assert_true(dynamo_predict(DYNAMO_CONSTANT, halving, 5) == 8.5 && dynamo_predict(DYNAMO_CONSTANT, halving, 0) == 0);
  double series[3];
  int64_t count = 0;
  for (int k = 1; k <= 5; k++) count = dynamo_series_add(series, count, 3, k == 4 ? NAN : k);
  assert_true(count == 3 && series[0] == 3 && series[1] == 0 && series[2] == 5);
}

/* Along straight lines: 200 ms and 9,000 at 2000, the ends beyond. Decode: node 50 of 100 is a KV use of 50 / 99 and, up to 990, a context of 500. */
static void tables_along_lines(void **unused) {
  (void)unused;
  DynamoPrefillPoint prefill[] = {{1000, 100, 10000}, {3000, 300, 8000}};
  DynamoDecodePoint decode[] = {{0, 0, 10, 1000}, {1, 0, 30, 2000}, {0, 990, 40, 500}, {1, 990, 80, 1500}};
  List prefills = {prefill, 2}, decodes = {decode, 4}, one = {decode, 1};
  double ttft_s, tokens_per_s;
  const double at[] = {0, 1000, 2000, 2500, 3000, 9000}, ttft_ms[] = {100, 100, 200, 250, 300, 300};
  for (int k = 0; k < 6; k++) {
    dynamo_prefill_at(&prefills, at[k], &ttft_s, &tokens_per_s);
    assert_true(fabs(ttft_s - ttft_ms[k] / 1000) < 1e-12 && fabs(tokens_per_s - (10000 - (ttft_ms[k] - 100) * 10)) < 1e-9);
  }
  double x = 50 / 99.0; /* 0.504 is nearest to node 50 */
  double low_ms = 10 + 20 * x, high_ms = 40 + 40 * x;
  assert_true(fabs(dynamo_itl_s(&decodes, 0.504, 499) * 1000 - (low_ms + (high_ms - low_ms) * 500 / 990)) < 1e-9);
  assert_true(fabs(dynamo_itl_s(&decodes, 7, 5000) - 0.08) < 1e-12 && fabs(dynamo_itl_s(&decodes, 0, 0) - 0.01) < 1e-12);
  assert_true(fabs(dynamo_best_tokens_per_s(&decodes, 0.02, 0) - (1000 + 1000 * 49 / 99.0)) < 1e-9); /* 10 + 20 x 49 / 99 = 19.9 ms */
  decode[0].y_context_length = 5;
  assert_true(dynamo_itl_s(&one, 1, 1) == 0.01);
}

/* Points out of order, no context, no size of the cache. */
static void sla_refuses_bad_tables(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("dynamo-sla");
  TypeCheck *check = bench.policy->model.params->check;
  List *prefill = param_at(bench.policy->model.params, bench.params, "prefill_interpolation");
  List *decode = param_at(bench.policy->model.params, bench.params, "decode_interpolation");
  Err err = {0};
  assert_true(check(bench.params, &err));
  DynamoPrefillPoint twice[] = {{1000, 100, 10000}, {1000, 300, 8000}};
  *prefill = (List){twice, 2};
  assert_false(check(bench.params, &err));
  prefill->count = 1;
  DynamoDecodePoint points[] = {{0, 1000, 10, 1000}, {1, 1000, 30, 2000}, {0.5, 900, 40, 500}};
  *decode = (List){points, 2};
  assert_false(check(bench.params, &err)); /* max_kv_tokens */
  bench_set(&bench, "max_kv_tokens", "100000");
  assert_true(check(bench.params, &err));
  decode->count = 3;
  assert_false(check(bench.params, &err));
  points[0].y_context_length = 0;
  decode->count = 1;
  assert_false(check(bench.params, &err));
  bench_end(&bench);
}

/* Requests are what finished at the decode workers, or what arrived there; over the adjustment interval. */
static void sla_asks_over_the_interval(void **unused) {
  (void)unused;
  for (int offered = 0; offered < 2; offered++) {
    Fleet fleet;
    sla_fleet(&fleet, 2);
    if (offered) fleet_set(&fleet, "num_req_from", "offered");
    fleet_set(&fleet, "adjustment_interval", "60s");
    fleet_look(&fleet, 0);
    assert_int_equal(fleet.bench.query[REQUESTS].meter, offered ? METER_OFFERED_RPS : METER_FINISHED_RPS);
    assert_int_equal(fleet.bench.query[LATENCY].meter, METER_LATENCY_MEAN_S);
    assert_int_equal(fleet.bench.query[REQUESTS].window_ns, 60000000000);
    PolicyTiming timing = {15000000000, 15000000000, 60000000000, 0};
    fleet_set(&fleet, "adjustment_interval", "90s");
    fleet.bench.policy->timing(fleet.bench.params, &timing);
    assert_true(timing.period_ns == 90000000000 && timing.window_ns == 90000000000 && timing.scrape_ns == 15000000000);
    fleet_end(&fleet);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(load_adds_prefill),
      cmocka_unit_test(load_sees_the_trend),
      cmocka_unit_test(load_grace_for_new_decode),
      cmocka_unit_test(load_shrinks_to_min_endpoint),
      cmocka_unit_test(load_budget),
      cmocka_unit_test(load_ignores_a_changed_interval),
      cmocka_unit_test(load_aggregated),
      cmocka_unit_test(load_waiting_needs_active),
      cmocka_unit_test(load_without_figures),
      cmocka_unit_test(load_is_patient_for_ten_minutes),
      cmocka_unit_test(load_bounds),
      cmocka_unit_test(load_workers_by_name),
      cmocka_unit_test(sla_uncorrected),
      cmocka_unit_test(sla_corrected),
      cmocka_unit_test(sla_impossible_itl),
      cmocka_unit_test(sla_budget),
      cmocka_unit_test(budget_rounds_to_even),
      cmocka_unit_test(sla_skips),
      cmocka_unit_test(sla_aggregated),
      cmocka_unit_test(sla_looks_ahead),
      cmocka_unit_test(predictors),
      cmocka_unit_test(tables_along_lines),
      cmocka_unit_test(sla_refuses_bad_tables),
      cmocka_unit_test(sla_asks_over_the_interval),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
