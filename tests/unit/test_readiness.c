/* When probes find a replica that has loaded: by hand. */
#include "tests/testing.h"

#include "sim/run/scenario.h"

#define S 1000000000LL

static int64_t ready_s(int64_t delay_s, int64_t period_s, int64_t settle_s, int64_t load_ns) {
  ReadinessSpec readiness = {.delay_ns = delay_s * S, .period_ns = period_s * S, .settle_ns = settle_s * S};
  int64_t ns = readiness_ns(&readiness, load_ns);
  assert_int_equal(ns % S, 0);
  return ns / S;
}

static void test_by_hand(void **state) {
  (void)state;
  assert_int_equal(ready_s(0, 0, 0, 5 * S), 5);       /* no probe: at once */
  assert_int_equal(ready_s(7, 0, 0, 5 * S), 7);       /* not before the first look */
  assert_int_equal(ready_s(7, 0, 0, 9 * S), 9);
  assert_int_equal(ready_s(7, 4, 0, 5 * S), 7);
  assert_int_equal(ready_s(7, 4, 0, 7 * S), 7);       /* exactly at a probe */
  assert_int_equal(ready_s(7, 4, 0, 7 * S + 1), 11);  /* a nanosecond later: the next one */
  assert_int_equal(ready_s(7, 4, 0, 11 * S), 11);
  assert_int_equal(ready_s(0, 10, 0, 45 * S), 50);
  assert_int_equal(ready_s(0, 10, 10, 45 * S), 60);   /* successThreshold 2 */
  assert_int_equal(ready_s(0, 10, 0, 0), 0);
  assert_int_equal(ready_s(3200000000LL, 3200000000LL, 3200000000LL, 3200000000LL * S), 6400000000LL); /* the largest of all: no overflow */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_hand)};
  return cmocka_run_group_tests_name("readiness", tests, NULL, NULL);
}
