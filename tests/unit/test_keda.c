/* `keda` and `keda-job` by hand, each look through decide: activation, cooldowns, idling, pauses, fallback, formulas, the HPA above one;
 * strategies of jobs. Triggers are meters with a target of 5 a replica unless a test says otherwise; polls at 0, 30, 60 ... s, the HPA at
 * 0, 15, 30 ... s. */
#include <math.h>
#include <string.h>

#include "models/policy/formula.h"
#include "tests/support/params.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

static PolicyBench bench_named(const char *policy, int64_t replicas, size_t triggers) {
  PolicyBench bench = policy_bench(policy);
  const Type *type;
  char *item = param_list(&bench.arena, bench.policy->model.params, bench.params, "triggers", triggers, &type);
  for (size_t k = 0; k < triggers; k++) {
    param_set(type, item + k * type->size, "metadata.meter", "queue_jobs");
    param_set(type, item + k * type->size, "metadata.threshold", "5");
  }
  bench.seen.replicas = bench.seen.replicas_ready = replicas;
  bench.seen.min_replicas = 0;
  bench.seen.max_replicas = 100;
  for (size_t k = 0; k < triggers; k++) bench.metric[k].value = 0;
  return bench;
}

static PolicyBench bench_of(int64_t replicas, size_t triggers) { return bench_named("keda", replicas, triggers); }

static void trigger_set(PolicyBench *bench, size_t k, const char *path, const char *text) {
  const Type *params = bench->policy->model.params;
  const List *list = param_at(params, bench->params, "triggers");
  for (size_t f = 0; f < params->n_fields; f++)
    if (strcmp(params->field[f].name, "triggers") == 0) param_set(params->field[f].sub, (char *)list->item + k * params->field[f].sub->size, path, text);
}

static bool checks(PolicyBench *bench, const char *path) {
  Err err = {0};
  bool good = bench->policy->model.params->check(bench->params, &err);
  if (!good && path) assert_string_equal(err.item[0].path, path);
  return good;
}

static int64_t at(PolicyBench *bench, double at_s, double value) {
  bench->metric[0].value = value;
  return look_and_grant(bench, at_s)->replicas;
}

/* ---- between zero and one ---- */

static void wakes_then_the_hpa_scales(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(0, 1);
  assert_int_equal(at(&bench, 0, 0), 0);
  assert_int_equal(at(&bench, 15, 12), 0); /* only the HPA looks, and leaves zero alone */
  assert_int_equal(at(&bench, 30, 12), 1); /* the poll */
  assert_string_equal(bench.wished.reason, "activated");
  assert_int_equal(at(&bench, 45, 12), 3); /* ceil(12 / 5), within max(2 x 1, 4) */
  assert_int_equal(at(&bench, 60, 12), 3); /* 12 / 15 = 0.8 is out of tolerance, ceil is 3 all the same */
  assert_int_equal(at(&bench, 75, 90), 6); /* ceil(90 / 5) = 18, within max(2 x 3, 4) */
  bench_end(&bench);
}

static void active_is_above_the_threshold(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(0, 1);
  trigger_set(&bench, 0, "metadata.activationThreshold", "10");
  assert_int_equal(at(&bench, 0, 10), 0);
  assert_int_equal(at(&bench, 30, 10.001), 1);
  bench_end(&bench);
}

static void cooldown_is_passed_strictly(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(1, 1);
  bench_set(&bench, "cooldownPeriod", "60");
  assert_int_equal(at(&bench, 0, 1), 1);  /* active at 0 */
  assert_int_equal(at(&bench, 30, 0), 1);
  assert_string_equal(bench.wished.step[1].action, "keep");
  assert_int_equal(at(&bench, 60, 0), 1); /* 0 + 60 is not before 60 */
  assert_int_equal(at(&bench, 75, 0), 1); /* no poll */
  assert_int_equal(at(&bench, 90, 0), 0);
  assert_string_equal(bench.wished.reason, "inactive: deactivated");
  bench_end(&bench);
}

static void initial_cooldown_counts_from_the_start(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(2, 1);
  assert_int_equal(at(&bench, 100, 0), 2); /* created now */
  assert_int_equal(at(&bench, 130, 0), 0); /* never active: cooldownPeriod does not count */
  bench_end(&bench);
  bench = bench_of(2, 1);
  bench_set(&bench, "initialCooldownPeriod", "45");
  assert_int_equal(at(&bench, 100, 0), 2);
  assert_int_equal(at(&bench, 130, 0), 2);
  assert_int_equal(at(&bench, 160, 0), 0);
  bench_end(&bench);
}

static void idles_below_the_minimum(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(4, 1);
  bench_set(&bench, "minReplicaCount", "4");
  bench_set(&bench, "idleReplicaCount", "0");
  assert_true(checks(&bench, NULL));
  assert_int_equal(at(&bench, 0, 0), 4);
  assert_int_equal(at(&bench, 30, 0), 0);
  assert_int_equal(at(&bench, 45, 3), 0);
  assert_int_equal(at(&bench, 60, 3), 4);
  bench_set(&bench, "idleReplicaCount", "4");
  assert_false(checks(&bench, "idleReplicaCount"));
  bench_end(&bench);
}

static void a_minimum_above_zero_stays(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(3, 1);
  bench_set(&bench, "minReplicaCount", "3");
  assert_int_equal(at(&bench, 0, 0), 3);
  assert_int_equal(at(&bench, 30, 0), 3); /* no idleReplicaCount: KEDA has nothing to do */
  assert_int_equal(at(&bench, 600, 0), 3);
  bench_end(&bench);
}

static void annotations_pause(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(3, 1);
  bench_set(&bench, "annotations.pausedScaleIn", "true");
  assert_int_equal(at(&bench, 0, 0), 3);
  assert_int_equal(at(&bench, 330, 0), 3);  /* neither to 0 nor, past the HPA's window, to 1 */
  assert_int_equal(at(&bench, 345, 25), 5); /* up is free */
  bench_end(&bench);
  bench = bench_of(0, 1);
  bench_set(&bench, "annotations.pausedScaleOut", "true");
  assert_int_equal(at(&bench, 0, 50), 0);
  bench.seen.replicas = bench.seen.replicas_ready = 2;
  assert_int_equal(at(&bench, 15, 50), 2);  /* the HPA would want 4 */
  bench_end(&bench);
  bench = bench_of(3, 1);
  bench_set(&bench, "annotations.pausedReplicas", "6");
  assert_int_equal(at(&bench, 0, 0), 6);
  bench_end(&bench);
}

static void activation_can_be_forced(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(0, 1);
  bench_set(&bench, "annotations.forceActivation", "true");
  assert_int_equal(at(&bench, 0, 0), 1);
  assert_string_equal(bench.wished.reason, "activation is forced");
  assert_int_equal(at(&bench, 3000, 0), 1);
  bench_end(&bench);
}

/* ---- failures ---- */

static void failing_triggers_hold_everything(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(3, 1);
  bench.metric[0].has = false;
  for (double at_s = 0; at_s <= 900; at_s += 30) assert_int_equal(at(&bench, at_s, 0), 3);
  bench_end(&bench);
}

static void fallback_after_more_failures_than_the_threshold(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(2, 1);
  param_point(&bench.arena, bench.policy->model.params, bench.params, "fallback");
  bench_set(&bench, "fallback.failureThreshold", "3");
  bench_set(&bench, "fallback.replicas", "7");
  bench.metric[0].has = false;
  assert_int_equal(at(&bench, 0, 0), 2);  /* 1 failure */
  assert_int_equal(at(&bench, 15, 0), 2); /* 2 */
  assert_int_equal(at(&bench, 30, 0), 2); /* 3 is not more than 3 */
  assert_int_equal(at(&bench, 45, 0), 4); /* metric 5 x 7 = 35: 7 replicas, within max(2 x 2, 4) */
  assert_true(bench.wished.raw_replicas == 7);
  assert_int_equal(at(&bench, 60, 0), 7);
  bench.metric[0].has = true;
  assert_int_equal(at(&bench, 75, 10), 7); /* works again: 2 wished, held by the HPA's 300 s */
  assert_true(bench.wished.raw_replicas == 2);
  bench.metric[0].has = false;
  assert_int_equal(at(&bench, 90, 10), 7);
  assert_true(isnan(bench.wished.raw_replicas)); /* the count began again */
  bench_end(&bench);
}

static double fallback_wish(const char *behavior, const char *replicas, int64_t current) {
  PolicyBench bench = bench_of(current, 1);
  param_point(&bench.arena, bench.policy->model.params, bench.params, "fallback");
  bench_set(&bench, "fallback.failureThreshold", "0");
  bench_set(&bench, "fallback.replicas", replicas);
  bench_set(&bench, "fallback.behavior", behavior);
  bench.metric[0].has = false;
  double wish = look(&bench, 0)->raw_replicas;
  bench_end(&bench);
  return wish;
}

static void fallback_behaviors(void **unused) {
  (void)unused;
  assert_true(fallback_wish("static", "3", 8) == 3);
  assert_true(fallback_wish("currentReplicas", "3", 8) == 8);
  assert_true(fallback_wish("currentReplicasIfHigher", "3", 8) == 8);
  assert_true(fallback_wish("currentReplicasIfHigher", "9", 8) == 9);
  assert_true(fallback_wish("currentReplicasIfLower", "3", 8) == 3);
  assert_true(fallback_wish("currentReplicasIfLower", "9", 8) == 8);
}

static void no_result_is_zero_for_prometheus(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(2, 1);
  trigger_set(&bench, 0, "type", "prometheus");
  bench.metric[0].has = false;
  assert_int_equal(at(&bench, 0, 0), 2);
  assert_int_equal(at(&bench, 30, 0), 0); /* inactive, not failing */
  bench_end(&bench);
  bench = bench_of(2, 1);
  trigger_set(&bench, 0, "type", "prometheus");
  trigger_set(&bench, 0, "metadata.ignoreNullValues", "false");
  bench.metric[0].has = false;
  assert_int_equal(at(&bench, 0, 0), 2);
  assert_int_equal(at(&bench, 30, 0), 2);
  bench_end(&bench);
}

/* ---- metrics ---- */

static void the_highest_trigger_counts(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(3, 2);
  trigger_set(&bench, 1, "metadata.threshold", "10");
  bench.metric[1].value = 41;
  assert_int_equal(at(&bench, 0, 19), 5); /* max(ceil(19 / 5) = 4, ceil(41 / 10) = 5) */
  bench_end(&bench);
}

static void value_targets_multiply_ready_replicas(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(3, 1);
  trigger_set(&bench, 0, "metricType", "Value");
  assert_int_equal(at(&bench, 0, 7.5), 5);  /* 3 x 7.5 / 5 = 4.5 */
  assert_int_equal(at(&bench, 15, 5.4), 5); /* 1.08 is within 0.1 */
  bench_end(&bench);
}

static void a_formula_makes_one_metric(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(2, 2);
  trigger_set(&bench, 0, "name", "near");
  trigger_set(&bench, 1, "name", "far");
  bench_set(&bench, "advanced.scalingModifiers.formula", "(near + far) / 2");
  bench_set(&bench, "advanced.scalingModifiers.target", "10");
  bench_set(&bench, "advanced.scalingModifiers.activationTarget", "20");
  bench_set(&bench, "cooldownPeriod", "0");
  assert_true(checks(&bench, NULL));
  bench.metric[1].value = 50;
  assert_int_equal(at(&bench, 0, 20), 4);  /* 35 / 10 = 3.5 */
  bench.metric[1].value = 0;
  assert_int_equal(at(&bench, 30, 40), 0); /* 20 is not above 20, although both triggers would be active */
  bench.metric[1].value = 1;
  assert_int_equal(at(&bench, 60, 40), 1);
  bench_end(&bench);
}

static void a_wrong_formula_is_told_where(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(2, 2);
  Err err = {0};
  trigger_set(&bench, 0, "name", "near");
  bench_set(&bench, "advanced.scalingModifiers.formula", "near + fra");
  assert_false(checks(&bench, "advanced.scalingModifiers.target"));
  bench_set(&bench, "advanced.scalingModifiers.target", "10");
  assert_false(checks(&bench, "triggers[1].name"));
  trigger_set(&bench, 1, "name", "near");
  assert_false(checks(&bench, "triggers[1].name"));
  trigger_set(&bench, 1, "name", "far");
  assert_false(bench.policy->model.params->check(bench.params, &err));
  assert_string_equal(err.item[0].path, "advanced.scalingModifiers.formula");
  assert_string_equal(err.item[0].message, "column 8 of `near + fra`: no trigger has this name");
  bench_end(&bench);
}

static void cached_metrics_are_the_last_polls(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(3, 1);
  trigger_set(&bench, 0, "useCachedMetrics", "true");
  assert_int_equal(at(&bench, 0, 15), 3);
  assert_int_equal(at(&bench, 15, 30), 3); /* 15 is what the poll saw */
  assert_int_equal(at(&bench, 30, 30), 3); /* the HPA's turn is before the poll's */
  assert_int_equal(at(&bench, 45, 60), 6); /* 30 / 5 */
  bench_end(&bench);
}

static void cpu_alone_never_sleeps(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(4, 1);
  trigger_set(&bench, 0, "type", "cpu");
  trigger_set(&bench, 0, "metadata.value", "60");
  for (int k = 0; k < 4; k++) bench_replica(&bench, -1000, 900);
  assert_int_equal(look(&bench, 0)->replicas, 6); /* 4 x 90 / 60 */
  assert_int_equal(bench.n_queries, 0);
  for (int k = 0; k < 4; k++) bench.replica[k].usage_millicores = 0;
  assert_int_equal(look(&bench, 330)->replicas, 1);
  bench_end(&bench);
}

static void brokers_have_meters_and_targets(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("keda");
  assert_true(checks(&bench, NULL)); /* without triggers: jobs in flight, 5 each */
  bench.seen.min_replicas = 0;
  bench.metric[0].value = 31;
  assert_int_equal(look(&bench, 0)->replicas, 7);
  assert_int_equal(bench.query[0].meter, METER_IN_FLIGHT_JOBS);
  bench_end(&bench);
  bench = bench_of(1, 4);
  static const char *const types[] = {"rabbitmq", "kafka", "aws-sqs-queue", "redis"};
  for (size_t k = 0; k < 4; k++) {
    trigger_set(&bench, k, "type", types[k]);
    trigger_set(&bench, k, "metadata.threshold", "0");
  }
  assert_false(checks(&bench, "triggers[0].metadata.value")); /* rabbitmq has no default */
  trigger_set(&bench, 0, "metadata.value", "20");
  assert_true(checks(&bench, NULL));
  bench.metric[1].value = 31;
  assert_int_equal(look(&bench, 0)->replicas, 4); /* kafka: lagThreshold 10 */
  bench.metric[3].value = 19.5;
  assert_int_equal(look(&bench, 15)->replicas, 4); /* redis: listLength 5 */
  bench_end(&bench);
}

static void the_tick_is_a_common_divisor(void **unused) {
  (void)unused;
  PolicyBench bench = bench_of(0, 1);
  PolicyTiming timing = {15000000000, 15000000000, 60000000000, 0};
  bench.policy->timing(bench.params, &timing);
  assert_true(timing.period_ns == 15000000000);
  bench_set(&bench, "pollingInterval", "40");
  bench.policy->timing(bench.params, &timing);
  assert_true(timing.period_ns == 5000000000 && timing.scrape_ns == 5000000000);
  assert_int_equal(at(&bench, 0, 0), 0);
  assert_int_equal(at(&bench, 5, 9), 0);
  assert_string_equal(bench.wished.reason, "between two looks");
  assert_int_equal(at(&bench, 35, 9), 0);
  assert_int_equal(at(&bench, 40, 9), 1);
  assert_int_equal(at(&bench, 45, 9), 2);
  bench_end(&bench);
}

/* ---- formulas ---- */

static double value_of(const char *text) {
  static const FormulaName names[] = {{"a", 7}, {"trig_two", 2.5}};
  FormulaFault fault = {0, ""};
  double value = 0;
  if (!formula_value(text, names, 2, &value, &fault)) fail_msg("%s: column %zu: %s", text, fault.column, fault.why);
  return value;
}

static void formulas(void **unused) {
  (void)unused;
  assert_true(value_of("1 + 2 * 3 - 4 / 8") == 6.5);
  assert_true(value_of("(a + trig_two) % 4") == 1.5);
  assert_true(value_of("-2 ^ 2") == -4 && value_of("2 ** 3 ^ 2") == 512 && value_of("2 ^ -1") == 0.5);
  assert_true(value_of("a > 5 ? a + trig_two : 3") == 9.5 && value_of("a > 7 ? 1 : trig_two == 2.5 ? 2 : 3") == 2);
  assert_true(value_of("not (a < 5) and trig_two <= 2.5 || false ? 1 : 0") == 1);
  assert_true(value_of("max(a, trig_two, 9) + min([a, trig_two])") == 11.5 && value_of("mean([a, 1, 1])") == 3 && value_of("median(5, 1, 2)") == 2);
  assert_true(value_of("ceil(2.1) + floor(-2.1) + round(2.5) + abs(-1.5) + int(3.9)") == 3 - 3 + 3 + 1.5 + 3);
  assert_true(value_of("count([a, trig_two, 1], {# > 2}) > 1 ? sum([1, 2], {# * a}) : 0") == 21);
  assert_true(value_of("1e3 + 1_000 + 2.5e-1") == 2000.25);
}

static void faulty_formulas(void **unused) {
  (void)unused;
  static const struct {
    const char *text;
    size_t column;
  } faults[] = {{"", 1}, {"a +", 4}, {"a b", 3}, {"(a", 3}, {"a > 2", 1}, {"b + 1", 1}, {"1 + sqrt(a)", 5}, {"a ? 1 : 2", 3}, {"a > 1 ? 2", 10},
                {"max()", 5}, {"abs(1, 2)", 1}, {"2x", 2}, {"(a > 1) + 1", 9}, {"count([a], {#})", 13}, {"# + 1", 1}, {"a = 2", 3}};
  static const FormulaName names[] = {{"a", 7}};
  for (size_t k = 0; k < sizeof faults / sizeof *faults; k++) {
    FormulaFault fault = {0, ""};
    double value;
    if (formula_value(faults[k].text, names, 1, &value, &fault)) fail_msg("%s is read", faults[k].text);
    if (fault.column != faults[k].column) fail_msg("%s: column %zu (%s), expected %zu", faults[k].text, fault.column, fault.why, faults[k].column);
  }
  char deep[400];
  memset(deep, '(', sizeof deep - 1);
  deep[sizeof deep - 1] = 0;
  FormulaFault fault;
  double value;
  assert_false(formula_value(deep, names, 1, &value, &fault));
  for (size_t k = 0; k + 1 < sizeof deep; k++) deep[k] = k % 2 ? '^' : '1';
  assert_false(formula_value(deep, names, 1, &value, &fault));
}

/* ---- jobs ---- */

static PolicyBench jobs_of(int64_t running, int64_t pending, const char *strategy) {
  PolicyBench bench = bench_named("keda-job", running, 1);
  trigger_set(&bench, 0, "metadata.threshold", "1");
  bench.seen.replicas_ready = running - pending;
  bench.seen.replicas_starting = pending;
  bench_set(&bench, "scalingStrategy.strategy", strategy);
  return bench;
}

static void jobs_for_a_queue(void **unused) {
  (void)unused;
  PolicyBench bench = jobs_of(3, 0, "default");
  assert_int_equal(at(&bench, 0, 7), 7); /* 7 - 3 are created */
  assert_true(bench.wished.keep_alive_ns == 1000000000);
  assert_int_equal(at(&bench, 30, 7), 7); /* 7 - 7 */
  assert_int_equal(at(&bench, 60, 2), 7); /* none is taken away */
  assert_int_equal(at(&bench, 90, 0), 7);
  assert_string_equal(bench.wished.reason, "no active trigger");
  bench.seen.replicas = bench.seen.replicas_ready = 1; /* six have ended by themselves */
  assert_int_equal(at(&bench, 120, 4), 4);
  bench_end(&bench);
}

static void jobs_by_target(void **unused) {
  (void)unused;
  PolicyBench bench = jobs_of(0, 0, "default");
  trigger_set(&bench, 0, "metadata.threshold", "4");
  assert_int_equal(at(&bench, 0, 10), 3); /* ceil(10 / 4) */
  bench.seen.replicas = bench.seen.replicas_ready = 0;
  bench_set(&bench, "maxReplicaCount", "2");
  assert_int_equal(at(&bench, 30, 10), 2);
  bench_end(&bench);
}

static void jobs_accurately(void **unused) {
  (void)unused;
  PolicyBench bench = jobs_of(5, 2, "accurate");
  bench_set(&bench, "maxReplicaCount", "10");
  assert_int_equal(at(&bench, 0, 4), 7); /* 4 + 5 - 2 is not above 10: 4 - 2 */
  bench.seen.replicas_ready = 7, bench.seen.replicas_starting = 0;
  assert_int_equal(at(&bench, 30, 6), 10); /* 6 + 7 is: 10 - 7 */
  bench_end(&bench);
}

static void jobs_eagerly_and_by_custom(void **unused) {
  (void)unused;
  PolicyBench bench = jobs_of(3, 1, "eager");
  bench_set(&bench, "maxReplicaCount", "10");
  assert_int_equal(at(&bench, 0, 4), 7); /* min(10 - 3 - 1, 4) */
  bench_end(&bench);
  bench = jobs_of(5, 0, "custom");
  bench_set(&bench, "scalingStrategy.customScalingQueueLengthDeduction", "1");
  assert_int_equal(look(&bench, 0)->replicas, 5);
  bench.metric[0].value = 10;
  assert_int_equal(look(&bench, 30)->replicas, 10); /* no percentage: 10 - 5, as by default */
  bench_set(&bench, "scalingStrategy.customScalingRunningJobPercentage", "0.5");
  assert_int_equal(look(&bench, 60)->replicas, 12); /* 10 - 1 - trunc(2.5) = 7 */
  bench_end(&bench);
}

static void jobs_at_least(void **unused) {
  (void)unused;
  PolicyBench bench = jobs_of(1, 0, "default");
  bench_set(&bench, "minReplicaCount", "3");
  assert_int_equal(at(&bench, 0, 0), 3);
  assert_int_equal(at(&bench, 30, 4), 7); /* the three do not count: 4 - 0 */
  bench_end(&bench);
}

static void jobs_of_several_queues(void **unused) {
  (void)unused;
  PolicyBench bench = bench_named("keda-job", 0, 3);
  bench_set(&bench, "scalingStrategy.multipleScalersCalculation", "sum");
  bench.metric[1].value = 12; /* 12 / 5 = 2.4 */
  bench.metric[2].has = false;
  assert_int_equal(at(&bench, 0, 13), 5); /* 13 / 5 = 2.6; a failing one is left out */
  bench.seen.replicas = bench.seen.replicas_ready = 0;
  bench_set(&bench, "scalingStrategy.multipleScalersCalculation", "min");
  assert_int_equal(at(&bench, 30, 13), 3); /* ceil(2.4) */
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wakes_then_the_hpa_scales), cmocka_unit_test(active_is_above_the_threshold), cmocka_unit_test(cooldown_is_passed_strictly),
      cmocka_unit_test(initial_cooldown_counts_from_the_start), cmocka_unit_test(idles_below_the_minimum), cmocka_unit_test(a_minimum_above_zero_stays),
      cmocka_unit_test(annotations_pause), cmocka_unit_test(activation_can_be_forced), cmocka_unit_test(failing_triggers_hold_everything),
      cmocka_unit_test(fallback_after_more_failures_than_the_threshold), cmocka_unit_test(fallback_behaviors),
      cmocka_unit_test(no_result_is_zero_for_prometheus), cmocka_unit_test(the_highest_trigger_counts),
      cmocka_unit_test(value_targets_multiply_ready_replicas), cmocka_unit_test(a_formula_makes_one_metric),
      cmocka_unit_test(a_wrong_formula_is_told_where), cmocka_unit_test(cached_metrics_are_the_last_polls), cmocka_unit_test(cpu_alone_never_sleeps),
      cmocka_unit_test(brokers_have_meters_and_targets), cmocka_unit_test(the_tick_is_a_common_divisor), cmocka_unit_test(formulas),
      cmocka_unit_test(faulty_formulas), cmocka_unit_test(jobs_for_a_queue), cmocka_unit_test(jobs_by_target), cmocka_unit_test(jobs_accurately),
      cmocka_unit_test(jobs_eagerly_and_by_custom), cmocka_unit_test(jobs_at_least), cmocka_unit_test(jobs_of_several_queues)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
