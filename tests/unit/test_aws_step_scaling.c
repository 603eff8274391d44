/* `aws-step-scaling` by hand: one datapoint a minute, steps given as (lower, upper, adjustment) rows. */
#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

typedef struct Row {
  const char *low, *high, *adjustment; /* NULL: no bound */
} Row;

static PolicyBench step_bench(int64_t replicas, size_t policies, void **policy, const Type **type) {
  PolicyBench bench = policy_bench("aws-step-scaling");
  bench.seen.replicas = bench.seen.replicas_ready = replicas;
  bench.seen.max_replicas = 100;
  *policy = param_list(&bench.arena, bench.policy->model.params, bench.params, "policies", policies, type);
  return bench;
}

static void give_steps(PolicyBench *bench, const Type *type, void *policy, const Row *row, size_t n) {
  const Type *step_type;
  char *step = param_list(&bench->arena, type, policy, "StepAdjustments", n, &step_type);
  for (size_t k = 0; k < n; k++, step += step_type->size) {
    if (row[k].low) param_set(step_type, step, "MetricIntervalLowerBound", row[k].low);
    if (row[k].high) param_set(step_type, step, "MetricIntervalUpperBound", row[k].high);
    param_set(step_type, step, "ScalingAdjustment", row[k].adjustment);
  }
}

static const Row out_rows[] = {{"0", "10", "0"}, {"10", "20", "10"}, {"20", NULL, "30"}};
static const Row in_rows[] = {{"-10", "0", "0"}, {"-20", "-10", "-10"}, {NULL, "-20", "-30"}};

/* The guide's pair of policies: threshold 50, percent of the capacity. */
static PolicyBench guide_bench(int64_t replicas, const char *cooldown) {
  void *policy;
  const Type *type;
  PolicyBench bench = step_bench(replicas, 2, &policy, &type);
  void *in = (char *)policy + type->size;
  param_set(type, in, "ComparisonOperator", "LessThanOrEqualToThreshold");
  for (int k = 0; k < 2; k++) {
    void *one = k ? in : policy;
    param_set(type, one, "Threshold", "50");
    param_set(type, one, "AdjustmentType", "PercentChangeInCapacity");
    param_set(type, one, "Cooldown", cooldown);
  }
  give_steps(&bench, type, policy, out_rows, 3);
  give_steps(&bench, type, in, in_rows, 3);
  return bench;
}

/* One policy with steps, threshold 50, alarm at once. */
static PolicyBench single(int64_t replicas, const char *adjustment_type, const Row *row, size_t n, void **policy, const Type **type) {
  PolicyBench bench = step_bench(replicas, 1, policy, type);
  param_set(*type, *policy, "Threshold", "50");
  param_set(*type, *policy, "AdjustmentType", adjustment_type);
  give_steps(&bench, *type, *policy, row, n);
  return bench;
}

static int64_t at(PolicyBench *bench, int minute, double value) {
  for (int k = 0; k < 2; k++)
    bench->metric[k] = (MetricValue){.has = value == value, .value = value, .sampled_ns = minute * 60 * NS_PER_S, .window_ns = 60 * NS_PER_S};
  return look_and_grant(bench, 60.0 * minute)->replicas;
}

static void the_guides_example(void **unused) {
  (void)unused;
  PolicyBench bench = guide_bench(10, "0s");
  assert_int_equal(at(&bench, 1, 59), 10);
  assert_string_equal(bench.wished.reason, "a step without change");
  assert_int_equal(at(&bench, 2, 60), 11); /* 10 % of 10 */
  assert_int_equal(at(&bench, 3, 70), 14); /* 30 % of 11 = 3.3: 3 */
  assert_int_equal(at(&bench, 4, 41), 14);
  assert_int_equal(at(&bench, 5, 40), 13); /* 10 % of 14 = 1.4: 1 */
  assert_int_equal(at(&bench, 6, 30), 10); /* 30 % of 13 = 3.9: 3 */
  bench_end(&bench);
}

static void edges_of_intervals(void **unused) {
  (void)unused;
  PolicyBench bench = guide_bench(10, "0s");
  assert_int_equal(at(&bench, 1, 59.999), 10); /* [0, 10) */
  assert_int_equal(at(&bench, 2, 69.999), 11); /* [10, 20) */
  bench.seen.replicas = 20;
  assert_int_equal(at(&bench, 3, 30.001), 18); /* (-20, -10] */
  assert_int_equal(at(&bench, 4, 40.001), 18); /* (-10, 0] */
  assert_int_equal(at(&bench, 5, 30), 13);     /* (-inf, -20]: 5.4 */
  assert_int_equal(at(&bench, 6, 50), 13);     /* the threshold: both, neither changes */
  bench_end(&bench);
}

static void percent_rounds_to_one_within_one(void **unused) {
  (void)unused;
  PolicyBench bench = guide_bench(2, "0s");
  assert_int_equal(at(&bench, 1, 60), 3); /* 0.2: 1 */
  assert_int_equal(at(&bench, 2, 40), 2); /* -0.3: -1 */
  assert_int_equal(at(&bench, 3, 90), 3); /* 0.6: 1 */
  bench_end(&bench);
}

static void percent_rounds_towards_zero_beyond_one(void **unused) {
  (void)unused;
  void *policy;
  const Type *type;
  const Row rows[] = {{"0", "10", "127"}, {"10", NULL, "-67"}};
  PolicyBench bench = single(10, "PercentChangeInCapacity", rows, 2, &policy, &type);
  param_set(type, policy, "Cooldown", "0s");
  assert_int_equal(at(&bench, 1, 55), 22); /* 12.7: 12 */
  assert_int_equal(at(&bench, 2, 65), 8);  /* 14.74: 14 */
  bench_end(&bench);
}

static void least_magnitude(void **unused) {
  (void)unused;
  void *policy;
  const Type *type;
  const Row rows[] = {{"0", "10", "25"}, {"10", "20", "-25"}, {"20", NULL, "0"}};
  PolicyBench bench = single(4, "PercentChangeInCapacity", rows, 3, &policy, &type);
  param_set(type, policy, "MinAdjustmentMagnitude", "2");
  param_set(type, policy, "Cooldown", "0s");
  assert_int_equal(at(&bench, 1, 50), 6);  /* 25 % of 4 is 1, at least 2 */
  assert_int_equal(at(&bench, 2, 60), 4);  /* -1.5: -1, at least 2 */
  assert_int_equal(at(&bench, 3, 70), 4);  /* nothing is nothing */
  bench.seen.replicas = 20;
  assert_int_equal(at(&bench, 4, 50), 25); /* 5 is more than 2 */
  bench_end(&bench);
}

static void change_in_capacity(void **unused) {
  (void)unused;
  void *policy;
  const Type *type;
  const Row rows[] = {{"0", "25", "2"}, {"25", NULL, "5"}};
  PolicyBench bench = single(3, "ChangeInCapacity", rows, 2, &policy, &type);
  param_set(type, policy, "Cooldown", "0s");
  assert_int_equal(at(&bench, 1, 80), 8);
  assert_int_equal(at(&bench, 2, 74.9), 10);
  assert_int_equal(at(&bench, 3, 49.9), 10);
  assert_string_equal(bench.wished.reason, "no alarm with a step for its metric");
  bench_end(&bench);
}

static void exact_capacity(void **unused) {
  (void)unused;
  void *policy;
  const Type *type;
  const Row rows[] = {{"0", "25", "5"}, {"25", NULL, "9"}};
  PolicyBench bench = single(3, "ExactCapacity", rows, 2, &policy, &type);
  assert_int_equal(at(&bench, 1, 50), 5);
  assert_int_equal(at(&bench, 2, 75), 9);
  assert_int_equal(at(&bench, 3, 50), 5); /* down: no scale-in was before */
  assert_int_equal(at(&bench, 4, 50), 5);
  bench_end(&bench);
}

/* The guide: an alarm adds 2; during the cooldown one at a step of 3 adds 1. */
static void cooldown_counts_what_was_added(void **unused) {
  (void)unused;
  void *policy;
  const Type *type;
  const Row rows[] = {{"0", "10", "2"}, {"10", "20", "3"}, {"20", NULL, "1"}};
  PolicyBench bench = single(10, "ChangeInCapacity", rows, 3, &policy, &type);
  assert_int_equal(at(&bench, 1, 55), 12);
  assert_int_equal(at(&bench, 2, 65), 13);
  assert_int_equal(at(&bench, 3, 65), 13);
  assert_string_equal(bench.wished.reason, "scale-out cooldown: the capacity added already counts");
  assert_true(bench.wished.raw_replicas == 16 && bench.wished.stabilised == 13);
  assert_int_equal(at(&bench, 6, 75), 13); /* base 10: 11 */
  assert_int_equal(at(&bench, 7, 75), 14); /* 300 s after the last one */
  bench_end(&bench);
}

static void cooldown_waits_for_the_replicas(void **unused) {
  (void)unused;
  PolicyBench bench = guide_bench(10, "120s");
  assert_int_equal(at(&bench, 1, 60), 11);
  bench.seen.replicas_starting = 1;
  assert_int_equal(at(&bench, 2, 60), 11);
  assert_int_equal(at(&bench, 3, 60), 11);
  assert_int_equal(at(&bench, 4, 70), 13); /* 30 % of 10, of which 1 is there */
  bench.seen.replicas_starting = 0;
  assert_int_equal(at(&bench, 5, 60), 13);
  assert_int_equal(at(&bench, 6, 60), 14); /* 120 s; 1.3 */
  bench_end(&bench);
}

static void cooldown_blocks_in(void **unused) {
  (void)unused;
  PolicyBench bench = guide_bench(20, "180s");
  assert_int_equal(at(&bench, 1, 30), 14);
  assert_int_equal(at(&bench, 2, 30), 14);
  assert_string_equal(bench.wished.reason, "scale-in cooldown");
  assert_int_equal(at(&bench, 3, 30), 14);
  assert_int_equal(at(&bench, 4, 30), 10); /* 4.2 */
  bench_end(&bench);
}

static void out_is_allowed_in_the_cooldown_of_in(void **unused) {
  (void)unused;
  PolicyBench bench = guide_bench(20, "600s");
  assert_int_equal(at(&bench, 1, 30), 14);
  assert_int_equal(at(&bench, 2, 70), 18); /* 4.2 */
  assert_int_equal(at(&bench, 3, 40), 17); /* its cooldown has ended; 1.8: 1 */
  assert_int_equal(at(&bench, 4, 40), 17); /* and begun again */
  bench_end(&bench);
}

static void evaluation_periods(void **unused) {
  (void)unused;
  void *policy;
  const Type *type;
  const Row rows[] = {{"0", NULL, "1"}};
  PolicyBench bench = single(4, "ChangeInCapacity", rows, 1, &policy, &type);
  param_set(type, policy, "EvaluationPeriods", "3");
  param_set(type, policy, "Cooldown", "0s");
  assert_int_equal(at(&bench, 1, 60), 4);
  assert_int_equal(at(&bench, 2, 60), 4);
  assert_int_equal(at(&bench, 3, 60), 5);
  assert_int_equal(at(&bench, 4, 60), 6); /* while it is on */
  assert_int_equal(at(&bench, 5, 40), 6);
  assert_int_equal(at(&bench, 6, 60), 6);
  bench_end(&bench);
}

static void two_of_three_datapoints(void **unused) {
  (void)unused;
  void *policy;
  const Type *type;
  const Row rows[] = {{NULL, "0", "7"}, {"0", NULL, "1"}};
  PolicyBench bench = single(4, "ChangeInCapacity", rows, 2, &policy, &type);
  param_set(type, policy, "EvaluationPeriods", "3");
  param_set(type, policy, "DatapointsToAlarm", "2");
  param_set(type, policy, "Cooldown", "0s");
  assert_int_equal(at(&bench, 1, 60), 4);
  assert_int_equal(at(&bench, 2, 40), 4);
  assert_int_equal(at(&bench, 3, 60), 5);  /* 60, 40, 60 */
  assert_int_equal(at(&bench, 4, 40), 5);  /* 40, 60, 40 */
  assert_int_equal(at(&bench, 5, 60), 6);
  assert_int_equal(at(&bench, 6, 60), 7);
  assert_int_equal(at(&bench, 7, 40), 14); /* still on by two of three; the newest lies in the lower interval */
  bench_end(&bench);
}

static void missing_data_start_anew(void **unused) {
  (void)unused;
  void *policy;
  const Type *type;
  const Row rows[] = {{"0", NULL, "1"}};
  PolicyBench bench = single(4, "ChangeInCapacity", rows, 1, &policy, &type);
  param_set(type, policy, "EvaluationPeriods", "2");
  assert_int_equal(at(&bench, 1, 60), 4);
  assert_int_equal(at(&bench, 2, (double)__builtin_nan("")), 4);
  assert_int_equal(at(&bench, 3, 60), 4);
  assert_int_equal(at(&bench, 4, 60), 5);
  bench.seen.metric = NULL;
  assert_int_equal(look(&bench, 300)->replicas, 5);
  bench_end(&bench);
}

static void comparisons(void **unused) {
  (void)unused;
  const char *const names[] = {"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"};
  const int64_t wishes[4][3] = {{4, 5, 5}, {4, 4, 5}, {3, 4, 4}, {3, 3, 4}}; /* at 49, 50, 51 */
  for (int k = 0; k < 4; k++)
    for (int v = 0; v < 3; v++) {
      void *policy;
      const Type *type;
      const Row rows[] = {{"0", NULL, "1"}, {NULL, "0", "-1"}};
      PolicyBench bench = single(4, "ChangeInCapacity", rows, 2, &policy, &type);
      param_set(type, policy, "ComparisonOperator", names[k]);
      assert_int_equal(at(&bench, 1, 49 + v), wishes[k][v]);
      bench_end(&bench);
    }
}

static void bounds(void **unused) {
  (void)unused;
  void *policy;
  const Type *type;
  const Row rows[] = {{"0", "10", "50"}, {"10", NULL, "-50"}};
  PolicyBench bench = single(4, "ChangeInCapacity", rows, 2, &policy, &type);
  bench_set(&bench, "MaxCapacity", "12");
  assert_int_equal(at(&bench, 1, 55), 12);
  assert_string_equal(bench.wished.reason, "at the maximum capacity");
  assert_int_equal(at(&bench, 2, 65), 1);
  assert_string_equal(bench.wished.reason, "at the minimum capacity");
  bench_set(&bench, "MinCapacity", "0");
  assert_int_equal(at(&bench, 9, 65), 0);
  assert_int_equal(at(&bench, 10, 55), 12); /* a step brings it back from nothing */
  bench_end(&bench);
}

static void without_policies(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("aws-step-scaling");
  assert_int_equal(look(&bench, 0)->replicas, 4);
  assert_int_equal(bench.n_queries, 0);
  bench_end(&bench);
}

/* Out and in at once (alarms on different meters): the larger capacity. */
static void the_largest_of_several(void **unused) {
  (void)unused;
  PolicyBench bench = guide_bench(10, "0s");
  (void)look(&bench, 0);
  bench.metric[0] = (MetricValue){.has = true, .value = 60, .sampled_ns = 60 * NS_PER_S};
  bench.metric[1] = (MetricValue){.has = true, .value = 20, .sampled_ns = 60 * NS_PER_S};
  assert_int_equal(look_and_grant(&bench, 60)->replicas, 11);
  bench.metric[0].sampled_ns = bench.metric[1].sampled_ns = 120 * NS_PER_S;
  bench.metric[0].value = 45; /* no alarm: the scale-in is not blocked */
  assert_int_equal(look_and_grant(&bench, 120)->replicas, 8); /* 3.3: 3 */
  assert_int_equal(look_and_grant(&bench, 130)->replicas, 8); /* no new datapoint */
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_guides_example),
      cmocka_unit_test(edges_of_intervals),
      cmocka_unit_test(percent_rounds_to_one_within_one),
      cmocka_unit_test(percent_rounds_towards_zero_beyond_one),
      cmocka_unit_test(least_magnitude),
      cmocka_unit_test(change_in_capacity),
      cmocka_unit_test(exact_capacity),
      cmocka_unit_test(cooldown_counts_what_was_added),
      cmocka_unit_test(cooldown_waits_for_the_replicas),
      cmocka_unit_test(cooldown_blocks_in),
      cmocka_unit_test(out_is_allowed_in_the_cooldown_of_in),
      cmocka_unit_test(evaluation_periods),
      cmocka_unit_test(two_of_three_datapoints),
      cmocka_unit_test(missing_data_start_anew),
      cmocka_unit_test(comparisons),
      cmocka_unit_test(bounds),
      cmocka_unit_test(without_policies),
      cmocka_unit_test(the_largest_of_several),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
