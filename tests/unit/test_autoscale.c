/* `autoscale-like` by hand: packing 4, t_wait 120 s; jobs in the system are known at every look. */
#include "sim/core/time.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

static PolicyBench autoscale_bench(int64_t replicas, const char *turn_off) {
  PolicyBench bench = policy_bench("autoscale-like");
  bench.seen.replicas = bench.seen.replicas_ready = replicas;
  bench.seen.max_replicas = 100;
  bench_set(&bench, "packing", "4");
  bench_set(&bench, "turn_off", turn_off);
  return bench;
}

static int64_t at(PolicyBench *bench, double at_s, int64_t jobs) {
  bench->seen.in_service_jobs_now = jobs / 2;
  bench->seen.waiting_jobs_now = jobs - jobs / 2;
  return look_and_grant(bench, at_s)->replicas;
}

static void out_at_once(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(2, "idle_replica");
  assert_int_equal(at(&bench, 1, 8), 2);  /* just full */
  assert_string_equal(bench.wished.reason, "as needed");
  assert_int_equal(at(&bench, 2, 9), 3);  /* 2.25 */
  assert_string_equal(bench.wished.reason, "more jobs than the replicas carry");
  assert_int_equal(at(&bench, 3, 40), 10);
  assert_true(bench.wished.metric == 40 && bench.wished.target == 4 && bench.wished.raw_replicas == 10);
  bench_end(&bench);
}

static void idle_ones_go_by_themselves(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(10, "idle_replica");
  for (int s = 0; s < 1000; s++) assert_int_equal(at(&bench, s, 3), 10); /* never by a wish ... */
  assert_true(bench.wished.keep_alive_ns == 120 * NS_PER_S);             /* ... but by their timers */
  bench.seen.replicas = bench.seen.replicas_ready = 9;                   /* one has gone */
  assert_int_equal(at(&bench, 1000, 3), 9);
  assert_int_equal(at(&bench, 1001, 37), 10);
  bench_end(&bench);
}

static void no_wait_still_is_a_timer(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(3, "idle_replica");
  bench_set(&bench, "t_wait", "0s");
  assert_int_equal(at(&bench, 0, 0), 3);
  assert_true(bench.wished.keep_alive_ns == 1); /* 0 would mean never */
  bench_end(&bench);
}

static void timers_after_t_wait(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(5, "timers");
  assert_int_equal(at(&bench, 0, 20), 5);
  for (int s = 1; s < 120; s++) assert_int_equal(at(&bench, s, 8), 5);
  assert_string_equal(bench.wished.reason, "waiting for t_wait");
  assert_int_equal(at(&bench, 120, 8), 2); /* the fifth was last needed at 0 s */
  assert_string_equal(bench.wished.reason, "idle for t_wait");
  assert_true(bench.wished.keep_alive_ns == 0 && bench.wished.stabilised == 2);
  bench_end(&bench);
}

static void timers_one_by_one(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(5, "timers");
  (void)at(&bench, 0, 20);  /* 5 */
  (void)at(&bench, 50, 13); /* 4 */
  (void)at(&bench, 60, 12); /* 3 */
  assert_int_equal(at(&bench, 100, 1), 5);
  assert_int_equal(at(&bench, 119, 1), 5);
  assert_int_equal(at(&bench, 120, 1), 4);
  assert_int_equal(at(&bench, 170, 1), 3);
  assert_int_equal(at(&bench, 179, 1), 3);
  assert_int_equal(at(&bench, 180, 1), 1);
  bench_end(&bench);
}

static void timers_begin_anew_when_needed(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(3, "timers");
  (void)at(&bench, 0, 12);
  assert_int_equal(at(&bench, 100, 9), 3); /* the third is busy again */
  assert_int_equal(at(&bench, 219, 1), 3);
  assert_int_equal(at(&bench, 220, 1), 1);
  bench_end(&bench);
}

static void what_is_there_at_first_counts_as_used(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(7, "timers");
  assert_int_equal(at(&bench, 10, 4), 7);
  assert_int_equal(at(&bench, 129, 4), 7);
  assert_int_equal(at(&bench, 130, 4), 1);
  bench_end(&bench);
}

static void without_t_wait(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(7, "timers");
  bench_set(&bench, "t_wait", "0s");
  (void)at(&bench, 0, 28);
  assert_int_equal(at(&bench, 1, 9), 3);
  assert_int_equal(at(&bench, 2, 17), 5);
  assert_int_equal(at(&bench, 3, 4), 1);
  bench_end(&bench);
}

static void by_load(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(4, "timers");
  bench_set(&bench, "inference", "load");
  assert_int_equal(at(&bench, 0, 16), 4);  /* 4 x 16 x 5 / (20 x 4) = 4 */
  assert_int_equal(at(&bench, 1, 17), 5);  /* 340 / 84 = 4.05 */
  bench.seen.replicas = bench.seen.replicas_ready = 4;
  assert_int_equal(at(&bench, 2, 76), 5);  /* 1520 / 320 = 4.75, where the packing says 19 */
  assert_int_equal(at(&bench, 3, 200), 7); /* 5 x 200 x 5 / (205 x 4) = 6.1 */
  bench_end(&bench);
}

static void by_load_fewer(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(10, "timers");
  bench_set(&bench, "inference", "load");
  bench_set(&bench, "t_wait", "10s");
  (void)at(&bench, 0, 40);
  assert_int_equal(at(&bench, 10, 10), 7); /* 10 x 10 x 5 / (20 x 4) = 6.25, where the packing says 3 */
  bench_end(&bench);
}

static void by_load_with_none_ready(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(0, "timers");
  bench.seen.min_replicas = 0;
  bench_set(&bench, "inference", "load");
  assert_int_equal(at(&bench, 0, 9), 3); /* as by packing */
  bench_end(&bench);
}

static void packing_of_the_deployment(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(1, "timers");
  bench_set(&bench, "packing", "0");
  bench.seen.concurrency = 3;
  assert_int_equal(at(&bench, 0, 7), 3);
  bench.seen.concurrency = 0;
  assert_int_equal(at(&bench, 1, 7), 7);
  bench_end(&bench);
}

static void bounds(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(4, "timers");
  bench_set(&bench, "max", "6");
  bench_set(&bench, "min", "2");
  bench_set(&bench, "t_wait", "0s");
  assert_int_equal(at(&bench, 0, 100), 6);
  assert_string_equal(bench.wished.reason, "at the maximum of replicas");
  assert_int_equal(at(&bench, 1, 0), 2);
  assert_string_equal(bench.wished.reason, "at the minimum of replicas");
  bench_set(&bench, "min", "0");
  assert_int_equal(at(&bench, 2, 0), 0);
  assert_int_equal(at(&bench, 3, 1), 1);
  bench_end(&bench);
}

static void many_jobs(void **unused) {
  (void)unused;
  PolicyBench bench = autoscale_bench(4, "timers");
  assert_int_equal(at(&bench, 0, INT64_MAX), 100);
  bench_set(&bench, "inference", "load");
  assert_int_equal(at(&bench, 1, INT64_MAX), 100); /* 100 x 5 / 4 = 125, less a trifle */
  assert_true(bench.wished.raw_replicas == 125);
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(out_at_once),
      cmocka_unit_test(idle_ones_go_by_themselves),
      cmocka_unit_test(no_wait_still_is_a_timer),
      cmocka_unit_test(timers_after_t_wait),
      cmocka_unit_test(timers_one_by_one),
      cmocka_unit_test(timers_begin_anew_when_needed),
      cmocka_unit_test(what_is_there_at_first_counts_as_used),
      cmocka_unit_test(without_t_wait),
      cmocka_unit_test(by_load),
      cmocka_unit_test(by_load_fewer),
      cmocka_unit_test(by_load_with_none_ready),
      cmocka_unit_test(packing_of_the_deployment),
      cmocka_unit_test(bounds),
      cmocka_unit_test(many_jobs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
