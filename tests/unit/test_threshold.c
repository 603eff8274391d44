/* The founding rule by hand, look by look: its gates in order, both ways blocked and unblocked, the way back, and the words of the table.
 * Needs to scale above 70 %, aims at 60 %, gives back below 30 % after 5 m, settles for 60 s; data are small below 10G. */
#include <math.h>
#include <string.h>

#include "models/policy/threshold.h"
#include "tests/support/params.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

enum { SMALL, LARGE };
#define G 1e9

static PolicyBench rule(void) {
  PolicyBench bench = policy_bench("threshold");
  bench.seen.offered_bytes = 20 * G;
  return bench;
}

static void see(PolicyBench *bench, double at_s, double utilisation) {
  bench->seen.utilisation_ratio = utilisation;
  look_and_grant(bench, at_s);
}

#define EXPECT(bench, state, replicas_, request, variant_)          \
  do {                                                              \
    assert_string_equal(model_state_name((bench).wished.model_state), state); \
    assert_int_equal((bench).wished.replicas, replicas_);           \
    assert_int_equal((bench).wished.request_millicores, request);   \
    assert_int_equal((bench).wished.variant, variant_);             \
  } while (0)

static void expect_step(const PolicyBench *bench, int k, const char *step, const char *condition, int result, const char *action,
                        const char *words) {
  assert_true(k < bench->wished.n_steps);
  const DecisionStep *is = &bench->wished.step[k];
  assert_string_equal(is->step, step);
  assert_string_equal(is->condition, condition);
  assert_int_equal(is->result, result);
  assert_string_equal(is->action, action);
  assert_string_equal(model_state_words(is->state), words);
}

/* Rows 1 to 5 of the founding table, in its words. */
static void founding_table(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench.seen.offered_bytes = 5 * G;
  see(&bench, 0, 0.9);
  EXPECT(bench, "small_model_running", 4, 1000, SMALL);
  expect_step(&bench, 0, "Evaluate performance", "need to scale", 1, "check data size", "Idle");
  expect_step(&bench, 1, "Check data size", "data_size < threshold", 1, "use_small_model()", "Small model running");
  bench.seen.offered_bytes = 20 * G;
  bench.seen.pool_nodes = 10; /* no more nodes */
  see(&bench, 60, 0.9);
  EXPECT(bench, "scaled_vertically", 4, 1500, LARGE);
  expect_step(&bench, 0, "Check data size", "data_size >= threshold", 1, "use_large_model()", "Preparing to scale");
  expect_step(&bench, 2, "Check data size", "data_size < threshold", 0, "check resource_limit", "Preparing to scale");
  expect_step(&bench, 3, "Check resource limit", "resource_limit", 1, "scale_vertically()", "Resources increased on single node");
  assert_int_equal(bench.wished.resource_limit, 1);
  bench.seen.pool_nodes = 3;
  see(&bench, 120, 0.9);
  EXPECT(bench, "scaled_horizontally", 6, 1500, LARGE);
  expect_step(&bench, 2, "Check resource limit", "resource_limit", 0, "scale_horizontally()", "Added more nodes to cluster");
  assert_int_equal(bench.wished.resource_limit, 0);
  for (int k = 1; k <= 3; k++) see(&bench, 120 + 15 * k, 0.5);
  EXPECT(bench, "scaled_horizontally", 6, 1500, LARGE);
  see(&bench, 180, 0.5);
  EXPECT(bench, "optimized", 6, 1500, LARGE);
  expect_step(&bench, 0, "Monitor & Optimize", "no action for N periods, objective met", 1, "Adjust strategy if needed",
              "System optimized for load");
  bench_end(&bench);
}

static void small_scale_goes_on(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench.seen.offered_bytes = 5 * G;
  for (int k = 0; k < 10; k++) see(&bench, 15 * k, 0.7); /* 70 % is not above 70 % */
  EXPECT(bench, "idle", 4, 1000, LARGE);
  expect_step(&bench, 0, "Evaluate performance", "need to scale", 0, "continue small scale", "Idle");
  bench_end(&bench);
}

static void small_model_first_then_on(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench.seen.offered_bytes = 5 * G;
  see(&bench, 0, 0.9);
  EXPECT(bench, "small_model_running", 4, 1000, SMALL);
  see(&bench, 45, 0.9); /* settles */
  EXPECT(bench, "small_model_running", 4, 1000, SMALL);
  expect_step(&bench, 0, "Evaluate performance", "last action settled", 0, "wait", "Small model running");
  see(&bench, 60, 0.9); /* small data, small model, still too much: go on */
  EXPECT(bench, "scaled_horizontally", 6, 1000, SMALL);
  expect_step(&bench, 1, "Check data size", "small model already running", 1, "check resource_limit", "Preparing to scale");
  bench_end(&bench);
}

static void missed_objective_is_a_need(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench.seen.objective_latency_ns = 500000000;
  bench.seen.attainment_ratio = 0.99; /* exactly met */
  see(&bench, 0, 0.4);
  EXPECT(bench, "idle", 4, 1000, LARGE);
  bench.seen.attainment_ratio = 0.98;
  see(&bench, 15, 0.4);
  EXPECT(bench, "scaled_horizontally", 5, 1000, LARGE); /* ready x 0.4 / 0.6 would be 3: one more at least */
  bench.seen.attainment_ratio = NAN; /* nothing ended: not missed */
  see(&bench, 75, 0.4);
  EXPECT(bench, "scaled_horizontally", 5, 1000, LARGE);
  bench_end(&bench);
}

static void rounding_and_bounds(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  see(&bench, 0, 0.75); /* exactly 5 */
  EXPECT(bench, "scaled_horizontally", 5, 1000, LARGE);
  see(&bench, 60, 0.73); /* 6.08 */
  EXPECT(bench, "scaled_horizontally", 7, 1000, LARGE);
  bench.seen.placeable_replicas = 1;
  see(&bench, 120, 1.2); /* 14, one can be placed */
  EXPECT(bench, "scaled_horizontally", 8, 1000, LARGE);
  bench.seen.placeable_replicas = 100;
  see(&bench, 180, 1.2); /* 16, at most 10 */
  EXPECT(bench, "scaled_horizontally", 10, 1000, LARGE);
  bench_end(&bench);
}

static void growth_and_cap(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench_set(&bench, "resource_limit.source", "always");
  bench.seen.objective_latency_ns = 500000000;
  bench.seen.attainment_ratio = 0.5;
  see(&bench, 0, 0.3); /* least_step */
  EXPECT(bench, "scaled_vertically", 4, 1100, LARGE);
  see(&bench, 60, 1.0); /* 1833.3 */
  EXPECT(bench, "scaled_vertically", 4, 1834, LARGE);
  bench_set(&bench, "max_cpu", "2");
  see(&bench, 120, 1.0);
  EXPECT(bench, "scaled_vertically", 4, 2000, LARGE);
  bench_set(&bench, "max_cpu", "0");
  see(&bench, 180, 6.0);
  EXPECT(bench, "scaled_vertically", 4, 4000, LARGE);
  bench_end(&bench);
}

static void blocked_ways(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench.seen.pool_nodes = 10;
  bench.seen.cap_millicores = 1000; /* no room on the node */
  see(&bench, 0, 0.9);
  EXPECT(bench, "scaled_horizontally", 6, 1000, LARGE);
  expect_step(&bench, 2, "Check resource limit", "resource_limit, but no room on the node", 1, "scale_horizontally()",
              "Added more nodes to cluster");
  bench.seen.pool_nodes = 2;
  bench.seen.placeable_replicas = 0;
  bench.seen.cap_millicores = 4000;
  see(&bench, 60, 0.9);
  EXPECT(bench, "scaled_vertically", 6, 1500, LARGE);
  expect_step(&bench, 2, "Check resource limit", "no resource_limit, but no replica can be added", 1, "scale_vertically()",
              "Resources increased on single node");
  bench_end(&bench);
}

static void exhausted_and_out_of_it(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench.seen.placeable_replicas = 0;
  bench.seen.cap_millicores = 1000;
  see(&bench, 0, 0.9);
  EXPECT(bench, "exhausted", 4, 1000, LARGE);
  expect_step(&bench, 2, "Check resource limit", "both ways blocked", 1, "report exhausted",
              "Both ways blocked: no node to be had, no room on the node");
  see(&bench, 15, 0.9);
  EXPECT(bench, "exhausted", 4, 1000, LARGE);
  see(&bench, 30, 0.6); /* the load goes by itself */
  EXPECT(bench, "idle", 4, 1000, LARGE);
  see(&bench, 45, 0.9);
  EXPECT(bench, "exhausted", 4, 1000, LARGE);
  bench.seen.placeable_replicas = 1; /* or a place comes free; nothing was done, so nothing has to settle */
  see(&bench, 60, 0.9);
  EXPECT(bench, "scaled_horizontally", 5, 1000, LARGE);
  bench_end(&bench);
}

static void settling(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  see(&bench, 0, 0.9);
  EXPECT(bench, "scaled_horizontally", 6, 1000, LARGE);
  see(&bench, 59.999, 0.9);
  EXPECT(bench, "scaled_horizontally", 6, 1000, LARGE);
  bench.seen.replicas_ready = 5;
  bench.seen.replicas_pending = 1; /* waits for its node */
  bench.seen.utilisation_ratio = 0.9;
  assert_int_equal(look(&bench, 60)->replicas, 6);
  assert_int_equal(look(&bench, 599)->replicas, 6);
  assert_int_equal(look(&bench, 600)->replicas, 8); /* start_patience is over: 5 x 1.5 = 7.5 */
  bench_end(&bench);
}

static void gives_back(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  see(&bench, 0, 1.2); /* 8 */
  bench.seen.pool_nodes = 10;
  see(&bench, 60, 1.2); /* 2 cores */
  EXPECT(bench, "scaled_vertically", 8, 2000, LARGE);
  see(&bench, 120, 0.29);
  see(&bench, 405, 0.3); /* 30 % is not below 30 %: starts again */
  see(&bench, 420, 0.15);
  see(&bench, 719.999, 0.15);
  EXPECT(bench, "optimized", 8, 2000, LARGE);
  see(&bench, 720, 0.15); /* 8 x 0.25 */
  EXPECT(bench, "scaled_vertically", 2, 2000, LARGE);
  expect_step(&bench, 0, "Evaluate performance", "utilisation < scale_down_below", 1, "scale_down()", "Resources increased on single node");
  see(&bench, 780, 0.06);
  see(&bench, 1080, 0.06); /* 0.2: one */
  EXPECT(bench, "scaled_vertically", 1, 2000, LARGE);
  see(&bench, 1140, 0.06);
  see(&bench, 1440, 0.06); /* then smaller: 200, but what it starts with */
  EXPECT(bench, "idle", 1, 1000, LARGE);
  see(&bench, 1500, 0.06);
  see(&bench, 1800, 0.06); /* nothing left to give */
  EXPECT(bench, "idle", 1, 1000, LARGE);
  bench_end(&bench);
}

static void keeps_what_the_objective_needs(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench.seen.objective_latency_ns = 500000000;
  bench.seen.attainment_ratio = 0.995;
  see(&bench, 0, 0.1);
  bench.seen.attainment_ratio = 0.9; /* low load, objective missed: scales out */
  see(&bench, 15, 0.1);
  EXPECT(bench, "scaled_horizontally", 5, 1000, LARGE);
  bench.seen.attainment_ratio = 0.995;
  see(&bench, 300, 0.1); /* low since 300 only */
  see(&bench, 599, 0.1);
  assert_int_equal(bench.wished.replicas, 5);
  see(&bench, 600, 0.1);
  assert_int_equal(bench.wished.replicas, 1); /* 0.83 */
  bench_end(&bench);
}

static void data_hysteresis(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench.seen.offered_bytes = 9.99 * G;
  see(&bench, 0, 0.9);
  EXPECT(bench, "small_model_running", 4, 1000, SMALL);
  bench.seen.offered_bytes = 10 * G; /* not below */
  see(&bench, 60, 0.5);
  EXPECT(bench, "preparing_to_scale", 4, 1000, LARGE);
  assert_true(bench.wished.data_size_bytes == 10 * G);
  bench.seen.offered_bytes = 9 * G; /* within the hysteresis: still large */
  see(&bench, 120, 0.5);
  EXPECT(bench, "preparing_to_scale", 4, 1000, LARGE);
  bench_end(&bench);
}

static void data_back_below(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  see(&bench, 0, 0.9);
  EXPECT(bench, "scaled_horizontally", 6, 1000, LARGE);
  bench.seen.offered_bytes = 9 * G;
  see(&bench, 60, 0.5);
  EXPECT(bench, "scaled_horizontally", 6, 1000, LARGE);
  bench.seen.offered_bytes = 8.99 * G; /* back to the small model, without a need */
  see(&bench, 75, 0.5);
  EXPECT(bench, "small_model_running", 6, 1000, SMALL);
  expect_step(&bench, 0, "Check data size", "data_size < threshold", 1, "use_small_model()", "Small model running");
  bench.seen.offered_bytes = 20 * G; /* while that settles: kept, and done then */
  see(&bench, 90, 0.5);
  EXPECT(bench, "small_model_running", 6, 1000, SMALL);
  see(&bench, 135, 0.5);
  EXPECT(bench, "preparing_to_scale", 6, 1000, LARGE);
  bench_end(&bench);
}

static void a_crossing_undone_is_forgotten(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench.seen.offered_bytes = 5 * G;
  see(&bench, 0, 0.9);
  bench.seen.offered_bytes = 20 * G;
  see(&bench, 15, 0.5);
  bench.seen.offered_bytes = 5 * G;
  see(&bench, 30, 0.5);
  see(&bench, 60, 0.5);
  EXPECT(bench, "small_model_running", 4, 1000, SMALL);
  see(&bench, 75, 0.5); /* the fourth quiet look */
  EXPECT(bench, "optimized", 4, 1000, SMALL);
  bench_end(&bench);
}

static void data_series(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  const Type *item_type;
  SizePoint *point = param_list(&bench.arena, bench.policy->model.params, bench.params, "data_size.series", 2, &item_type);
  point[0] = (SizePoint){.at_ns = 0, .size_bytes = 2000000000};
  point[1] = (SizePoint){.at_ns = 100000000000, .size_bytes = 50000000000};
  bench_set(&bench, "data_size.source", "series");
  see(&bench, 0, 0.9);
  EXPECT(bench, "small_model_running", 4, 1000, SMALL);
  see(&bench, 99.999, 0.6);
  assert_true(bench.wished.data_size_bytes == 2 * G);
  see(&bench, 100, 0.6);
  EXPECT(bench, "preparing_to_scale", 4, 1000, LARGE);
  assert_true(bench.wished.data_size_bytes == 50 * G);
  bench_end(&bench);
}

static void data_backlog(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench_set(&bench, "data_size.source", "backlog");
  bench_set(&bench, "data_size.below", "1G");
  bench.seen.backlog_bytes = 2 * G;
  see(&bench, 0, 0.9);
  EXPECT(bench, "scaled_horizontally", 6, 1000, LARGE);
  bench.seen.backlog_bytes = 0;
  see(&bench, 60, 0.6);
  EXPECT(bench, "small_model_running", 6, 1000, SMALL);
  bench_end(&bench);
}

static void quota(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench_set(&bench, "resource_limit.source", "quota");
  bench_set(&bench, "resource_limit.quota_replicas", "5");
  see(&bench, 0, 0.9); /* 6, the quota allows 5 */
  EXPECT(bench, "scaled_horizontally", 5, 1000, LARGE);
  see(&bench, 60, 0.9);
  EXPECT(bench, "scaled_vertically", 5, 1500, LARGE);
  bench_set(&bench, "resource_limit.quota_replicas", "0");
  bench_set(&bench, "resource_limit.quota_cpu", "9"); /* 5 x 1.5 = 7.5; six would be 9 */
  see(&bench, 120, 0.9);
  EXPECT(bench, "scaled_horizontally", 6, 1500, LARGE);
  see(&bench, 180, 0.9); /* full either way */
  EXPECT(bench, "exhausted", 6, 1500, LARGE);
  bench_end(&bench);
}

static void budget(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench_set(&bench, "resource_limit.source", "budget");
  bench_set(&bench, "resource_limit.budget", "$10/h");
  bench.seen.cluster_usd_per_h = 8; /* $2 a replica: five */
  see(&bench, 0, 0.9);
  EXPECT(bench, "scaled_horizontally", 5, 1000, LARGE);
  bench.seen.cluster_usd_per_h = 10;
  see(&bench, 60, 0.9);
  EXPECT(bench, "scaled_vertically", 5, 1500, LARGE);
  bench.seen.cluster_usd_per_h = 0;
  see(&bench, 120, 0.9); /* costs nothing */
  EXPECT(bench, "scaled_horizontally", 8, 1500, LARGE);
  bench_end(&bench);
}

static void limit_never(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench_set(&bench, "resource_limit.source", "never");
  bench.seen.pool_nodes = 10;
  see(&bench, 0, 0.9);
  EXPECT(bench, "scaled_horizontally", 6, 1000, LARGE);
  assert_int_equal(bench.wished.resource_limit, 0);
  bench_end(&bench);
}

static void optimized_is_left(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  see(&bench, 0, 0.9);
  for (int k = 1; k <= 4; k++) see(&bench, 15 * k, 0.5);
  EXPECT(bench, "optimized", 6, 1000, LARGE);
  see(&bench, 75, 0.65); /* met: stays */
  EXPECT(bench, "optimized", 6, 1000, LARGE);
  see(&bench, 90, 0.8);
  EXPECT(bench, "scaled_horizontally", 8, 1000, LARGE);
  see(&bench, 105, 0.8); /* a missed period among the quiet ones starts the count again */
  for (int k = 1; k <= 3; k++) see(&bench, 105 + 15 * k, 0.5);
  EXPECT(bench, "scaled_horizontally", 8, 1000, LARGE);
  see(&bench, 165, 0.5);
  EXPECT(bench, "optimized", 8, 1000, LARGE);
  bench.seen.replicas_ready = 6;
  bench.seen.replicas_starting = 2; /* two failed: a need, but replicas are on their way */
  bench.seen.utilisation_ratio = 0.8;
  assert_int_equal(look(&bench, 180)->replicas, 8);
  EXPECT(bench, "scaled_horizontally", 8, 1000, LARGE);
  bench_end(&bench);
}

static void without_metrics(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench.seen.has_metrics = false;
  see(&bench, 0, 0.9);
  EXPECT(bench, "idle", 4, 1000, LARGE);
  expect_step(&bench, 0, "Evaluate performance", "metrics visible", 0, "wait", "Idle");
  assert_string_equal(bench.wished.reason, "no metrics");
  bench_end(&bench);
}

static void one_variant(void **unused) {
  (void)unused;
  PolicyBench bench = rule();
  bench.seen.variants = 1;
  bench.seen.variant = 0;
  bench.seen.offered_bytes = 5 * G;
  see(&bench, 0, 0.9);
  EXPECT(bench, "scaled_horizontally", 6, 1000, 0);
  bench.seen.offered_bytes = 20 * G;
  see(&bench, 60, 0.5);
  EXPECT(bench, "scaled_horizontally", 6, 1000, 0);
  bench_end(&bench);
}

static void table_is_described(void **unused) {
  (void)unused;
  const Model *model = model_find(MODEL_POLICY, "threshold");
  assert_non_null(strstr(model->rule, "preparing_to_scale | resource_limit: yes | scale_vertically() | scaled_vertically\n"));
  assert_non_null(strstr(model->rule, "any | data_size < threshold: no | check resource_limit, go on | preparing_to_scale\n"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(founding_table), cmocka_unit_test(small_scale_goes_on), cmocka_unit_test(small_model_first_then_on),
      cmocka_unit_test(missed_objective_is_a_need), cmocka_unit_test(rounding_and_bounds), cmocka_unit_test(growth_and_cap),
      cmocka_unit_test(blocked_ways), cmocka_unit_test(exhausted_and_out_of_it), cmocka_unit_test(settling), cmocka_unit_test(gives_back),
      cmocka_unit_test(keeps_what_the_objective_needs), cmocka_unit_test(data_hysteresis), cmocka_unit_test(data_back_below),
      cmocka_unit_test(a_crossing_undone_is_forgotten), cmocka_unit_test(data_series), cmocka_unit_test(data_backlog),
      cmocka_unit_test(quota), cmocka_unit_test(budget), cmocka_unit_test(limit_never), cmocka_unit_test(optimized_is_left),
      cmocka_unit_test(without_metrics), cmocka_unit_test(one_variant), cmocka_unit_test(table_is_described),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
