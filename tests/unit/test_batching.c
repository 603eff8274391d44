/* dynamic-batching, by hand: when batches start, how long they take, who ends when. */
#include <math.h>

#include "sim/contract/service.h"
#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/support/server_bench.h"
#include "tests/testing.h"

#define MS 1000000

/* Batches of up to 4 take max(20 ms, 10 ms + size x 5 ms). */
static Bench bench_new(void) {
  return bench_of("dynamic-batching", (const char *const[]){"max_size", "4", "floor", "20ms", "base", "10ms", "peak", "200/s", NULL});
}

static uint64_t takes_of(Bench *b, int64_t at_ms, uint64_t waiting, int64_t oldest_ms) {
  ServerQueue queue = {.count = waiting, .oldest_ns = oldest_ms * MS, .longest_ns = oldest_ms * MS};
  return b->model->take(b->params, b->state, at_ms * MS, &queue);
}

/* The server is offered `waiting` jobs, takes `taken`, and gets them: each with the work it has alone, and an input. */
static void offers(Bench *b, int64_t at_ms, uint64_t waiting, int64_t oldest_ms, uint64_t taken, uint32_t input) {
  assert_int_equal(takes_of(b, at_ms, waiting, oldest_ms), taken);
  for (uint64_t k = 0; k < taken; k++) {
    uint32_t size = input + (uint32_t)k;
    b->model->admit(b->params, b->state, at_ms * MS, (ServerJob){b->slot++, bench_alone_ns(b, size, 0), size, 0, 0});
  }
}

/* `count` jobs from `first` on end at that instant. */
static void ends(Bench *b, int64_t at_ns, uint32_t first, uint32_t count) {
  for (uint32_t k = 0; k < count; k++) {
    assert_int_equal(bench_next_ns(b), at_ns);
    assert_int_equal(b->model->complete(b->params, b->state, at_ns), first + k);
  }
}

static void at_once(void **unused) {
  (void)unused;
  Bench b = bench_new();
  bench_begin(&b, 4);
  assert_true(bench_next_ns(&b) == INSTANT_NEVER);
  offers(&b, 0, 1, 0, 1, 0); /* alone: max(20, 10 + 5) = 20 */
  assert_true(b.model->busy_ratio(b.state) == 1);
  assert_int_equal(takes_of(&b, 5, 6, 1), 0); /* busy */
  ends(&b, 20 * MS, 0, 1);
  offers(&b, 20, 6, 1, 4, 0); /* four of six: 10 + 20 = 30 */
  ends(&b, 50 * MS, 1, 4);
  offers(&b, 50, 2, 3, 2, 0); /* 10 + 10 = 20, the floor */
  ends(&b, 70 * MS, 5, 2);
  assert_int_equal(takes_of(&b, 70, 0, 0), 0);
  assert_true(bench_next_ns(&b) == INSTANT_NEVER && b.model->busy_ratio(b.state) == 0);
  arena_free(&b.arena);
}

static void waits_for_more(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "max_wait", "8ms");
  bench_begin(&b, 4);
  assert_int_equal(takes_of(&b, 100, 1, 100), 0); /* until 108 */
  assert_int_equal(bench_next_ns(&b), 108 * MS);
  assert_int_equal(takes_of(&b, 103, 2, 100), 0);
  assert_int_equal(bench_next_ns(&b), 108 * MS);
  assert_int_equal(b.model->complete(b.params, b.state, 108 * MS), SERVER_NONE);
  offers(&b, 108, 2, 100, 2, 0);
  ends(&b, 128 * MS, 0, 2);
  assert_int_equal(takes_of(&b, 128, 3, 125), 0); /* the first has waited 3 ms */
  assert_int_equal(bench_next_ns(&b), 133 * MS);
  offers(&b, 130, 4, 125, 4, 0); /* full: at once */
  ends(&b, 160 * MS, 2, 4);
  assert_int_equal(takes_of(&b, 160, 1, 158), 0);
  assert_int_equal(takes_of(&b, 161, 0, 0), 0); /* it gave up */
  assert_true(bench_next_ns(&b) == INSTANT_NEVER);
  arena_free(&b.arena);
}

static void side_by_side(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "instances", "2");
  bench_begin(&b, 8);
  assert_int_equal(b.model->least_concurrency(b.params), 8);
  offers(&b, 0, 4, 0, 4, 0); /* to 30 */
  assert_true(b.model->busy_ratio(b.state) == 0.5);
  offers(&b, 10, 1, 10, 1, 0); /* to 30, too */
  assert_false(b.model->has_room(b.state));
  ends(&b, 30 * MS, 0, 4);
  ends(&b, 30 * MS, 4, 1);
  arena_free(&b.arena);
}

static void size_from_concurrency(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "max_size", "0");
  param_set(b.type, b.params, "instances", "3");
  bench_begin(&b, 20); /* 20 / 3 = 6 */
  offers(&b, 0, 9, 0, 6, 0); /* 10 + 30 */
  ends(&b, 40 * MS, 0, 6);
  arena_free(&b.arena);
}

static void set_pair(Bench *b, void *items, const Type *type, size_t k, const char *size, const char *time) {
  (void)b;
  param_set(type, (char *)items + k * type->size, "size", size);
  param_set(type, (char *)items + k * type->size, "time", time);
}

static void measured(void **unused) {
  (void)unused;
  Bench b = bench_new();
  const Type *type, *size_type;
  for (const char *const *zero = (const char *const[]){"floor", "base", NULL}; *zero; zero++) param_set(b.type, b.params, *zero, "0s");
  param_set(b.type, b.params, "peak", "0/s");
  param_set(b.type, b.params, "max_size", "16");
  void *table = param_list(&b.arena, b.type, b.params, "table", 3, &type);
  set_pair(&b, table, type, 0, "2", "10ms");
  set_pair(&b, table, type, 1, "4", "14ms");
  set_pair(&b, table, type, 2, "8", "30ms");
  bench_begin(&b, 16);
  offers(&b, 0, 1, 0, 1, 0); /* below the first: 10 */
  ends(&b, 10 * MS, 0, 1);
  offers(&b, 10, 3, 0, 3, 0); /* between: 12 */
  ends(&b, 22 * MS, 1, 3);
  offers(&b, 22, 5, 0, 5, 0); /* 14 + 16 / 4 = 18 */
  ends(&b, 40 * MS, 4, 5);
  offers(&b, 40, 12, 0, 12, 0); /* beyond: 30 + 4 x 4 = 46 */
  ends(&b, 86 * MS, 9, 12);
  int64_t *pad = param_list(&b.arena, b.type, b.params, "pad_to", 2, &size_type);
  pad[0] = 1, pad[1] = 8;
  offers(&b, 100, 1, 0, 1, 0); /* 1: 10 */
  ends(&b, 110 * MS, 21, 1);
  offers(&b, 110, 2, 0, 2, 0); /* as 8: 30 */
  ends(&b, 140 * MS, 22, 2);
  offers(&b, 140, 9, 0, 9, 0); /* beyond the padded sizes: as it is, 34 */
  ends(&b, 174 * MS, 24, 9);
  arena_free(&b.arena);
}

static void padded_to_the_longest(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "per_input", "100us");
  bench_begin(&b, 4);
  assert_true(isnan(b.service->mean_ns(b.params)));
  offers(&b, 0, 3, 0, 3, 48); /* inputs 48, 49, 50: 10 + 15 + 3 x 50 x 0.1 = 40 */
  ends(&b, 40 * MS, 0, 3);
  arena_free(&b.arena);
}

static void noise_of_the_first(void **unused) {
  (void)unused;
  Bench b = bench_new();
  *(Distribution *)param_at(b.type, b.params, "noise") = distribution_exponential(1);
  assert_true(fabs(b.service->mean_ns(b.params) - 20.0 * MS) < 1e-6);
  bench_begin(&b, 4);
  assert_int_equal(takes_of(&b, 0, 2, 0), 2);
  b.model->admit(b.params, b.state, 0, (ServerJob){0, 30.0 * MS, 0, 0, 0}); /* 1.5 times what it takes alone */
  b.model->admit(b.params, b.state, 0, (ServerJob){1, 1.0 * MS, 0, 0, 0});
  ends(&b, 30 * MS, 0, 2); /* 20 x 1.5 */
  arena_free(&b.arena);
}

static void resized(void **unused) {
  (void)unused;
  Bench b = bench_new();
  bench_begin(&b, 4);
  offers(&b, 0, 4, 0, 4, 0); /* 30 */
  b.model->resize(b.params, b.state, 10 * MS, 2);
  ends(&b, 20 * MS, 0, 4); /* 20 left at twice the speed */
  offers(&b, 20, 4, 0, 4, 0);
  ends(&b, 35 * MS, 4, 4);
  arena_free(&b.arena);
}

static void evicted(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "instances", "2");
  bench_begin(&b, 8);
  offers(&b, 0, 4, 0, 4, 0);  /* to 30 */
  offers(&b, 5, 2, 5, 2, 0);  /* to 25 */
  ServerJob job[8];
  assert_int_equal(b.model->evict(b.params, b.state, 15 * MS, job), 6);
  for (uint32_t k = 0; k < 6; k++) {
    assert_int_equal(job[k].slot, k);
    assert_true(fabs(job[k].work_ns - 10.0 * MS) < 1); /* half of 20 is left, of either batch */
  }
  assert_true(bench_next_ns(&b) == INSTANT_NEVER && b.model->busy_ratio(b.state) == 0);
  arena_free(&b.arena);
}

static void cancelled(void **unused) {
  (void)unused;
  Bench b = bench_new();
  bench_begin(&b, 4);
  offers(&b, 0, 3, 0, 3, 0); /* 25 */
  b.model->cancel(b.params, b.state, 5 * MS, 1);
  assert_int_equal(bench_next_ns(&b), 25 * MS);
  assert_int_equal(b.model->complete(b.params, b.state, 25 * MS), 0);
  assert_int_equal(b.model->complete(b.params, b.state, 25 * MS), 2);
  offers(&b, 25, 1, 0, 1, 0);
  b.model->cancel(b.params, b.state, 30 * MS, 3); /* nobody is left: the instance is free */
  assert_true(bench_next_ns(&b) == INSTANT_NEVER);
  offers(&b, 30, 1, 0, 1, 0);
  ends(&b, 50 * MS, 4, 1);
  arena_free(&b.arena);
}

static void checks(void **unused) {
  (void)unused;
  Bench b = bench_new();
  Err err = {.count = 0};
  assert_true(b.type->check(b.params, &err));
  const Type *type;
  void *table = param_list(&b.arena, b.type, b.params, "table", 2, &type);
  set_pair(&b, table, type, 0, "2", "10ms");
  set_pair(&b, table, type, 1, "2", "14ms");
  assert_false(b.type->check(b.params, &err));
  assert_int_equal(err.count, 2); /* both ways at once; sizes that do not ascend */
  Bench none = bench_new();
  param_set(none.type, none.params, "floor", "0s");
  param_set(none.type, none.params, "base", "0s");
  param_set(none.type, none.params, "peak", "0/s");
  assert_false(none.type->check(none.params, &err));
  arena_free(&none.arena);
  arena_free(&b.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(at_once), cmocka_unit_test(waits_for_more), cmocka_unit_test(side_by_side), cmocka_unit_test(size_from_concurrency),
      cmocka_unit_test(measured), cmocka_unit_test(padded_to_the_longest), cmocka_unit_test(noise_of_the_first), cmocka_unit_test(resized),
      cmocka_unit_test(evicted), cmocka_unit_test(cancelled), cmocka_unit_test(checks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
