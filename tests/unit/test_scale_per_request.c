/* scale-per-request by hand: what is wished for the jobs that are there and come, what stays, and for how long. */
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

typedef struct Case {
  int64_t replicas, min, max, concurrency;
  int64_t waiting, in_service, arriving;
  int64_t wished;
} Case;

static const Case cases[] = {
    {0, 0, 9, 1, 0, 0, 1, 1},     /* the first request */
    {0, 0, 9, 1, 0, 0, 3, 3},     /* three at once */
    {2, 0, 9, 1, 0, 2, 1, 3},     /* both are at work */
    {3, 0, 9, 1, 1, 2, 1, 4},     /* one waits for the third, which starts */
    {2, 0, 9, 4, 0, 8, 1, 3},     /* 9 jobs, 4 to a replica */
    {2, 0, 9, 4, 0, 8, 4, 3},     /* 12 fill three */
    {2, 0, 9, 4, 0, 8, 5, 4},     /* 13 do not */
    {2, 0, 2, 1, 5, 2, 1, 2},     /* no more than the maximum */
    {5, 0, 9, 1, 0, 1, 0, 5},     /* a look at fewer jobs takes nothing away: idle ones go by themselves */
    {0, 0, 9, 1, 0, 0, 0, 0},     /* nothing is there and nothing comes */
    {1, 2, 9, 1, 0, 0, 0, 2},     /* the minimum */
    {3, 0, 9, 1, 4, 0, 0, 4},     /* replicas were lost: a look at those that wait for them */
    {9, 0, 9, 1000000, 0, 1, 1, 9},
};

static void test_wishes(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const Case *one = &cases[k];
    PolicyBench bench = policy_bench("scale-per-request");
    bench.seen.replicas = bench.seen.replicas_ready = one->replicas;
    bench.seen.min_replicas = one->min;
    bench.seen.max_replicas = one->max;
    bench.seen.concurrency = one->concurrency;
    bench.seen.waiting_jobs_now = one->waiting;
    bench.seen.in_service_jobs_now = one->in_service;
    bench.seen.arriving_jobs = one->arriving;
    bench.seen.ask = one->arriving ? ASK_EACH_REQUEST : ASK_NONE;
    const Decision *wish = look_and_grant(&bench, 60);
    if (wish->replicas != one->wished) fail_msg("case %zu: %lld replicas, by hand %lld", k, (long long)wish->replicas, (long long)one->wished);
    assert_int_equal(wish->keep_alive_ns, INT64_C(600000000000));
    assert_null(wish->keep_alive_law);
    assert_false(wish->cancels_starts);
    bench_end(&bench);
  }
}

static void test_what_stays(void **state) {
  (void)state;
  PolicyBench bench = policy_bench("scale-per-request");
  bench_set(&bench, "keep_alive", "0s");
  bench_set(&bench, "surplus", "cancel");
  const Decision *wish = look_and_grant(&bench, 60);
  assert_int_equal(wish->keep_alive_ns, 1); /* at once; 0 would be never */
  assert_true(wish->cancels_starts);
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_wishes), cmocka_unit_test(test_what_stays)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
