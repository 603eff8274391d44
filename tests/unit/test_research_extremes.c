/* Predictive and keep-alive policies at their limits: random parameters from the ends of what the tables admit, and observations of any size. A
 * wish stays within the bounds, and the sanitizers have nothing to say. */
#include <math.h>
#include <string.h>

#include "sim/core/rng.h"
#include "sim/core/time.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

typedef struct Dice {
  Stream stream;
  uint64_t draw;
} Dice;

static double roll(Dice *dice) { return stream_uniform(&dice->stream, dice->draw++); }
static int64_t pick(Dice *dice, int64_t n) { return (int64_t)(roll(dice) * (double)n); }

/* An end of low..high, or something between them on either scale. */
static double between(Dice *dice, double low, double high) {
  switch (pick(dice, 4)) {
  case 0: return low;
  case 1: return high;
  case 2: return low + (high - low) * roll(dice);
  default: return low + (high - low) * pow(roll(dice), 12);
  }
}

static void set(Dice *dice, const Field *field, void *to) {
  double value = between(dice, field->min, field->max);
  switch (field->kind) {
  case FIELD_DURATION: *(int64_t *)to = ns_from_double(value * 1e9); break;
  case FIELD_INTEGER: *(int64_t *)to = (int64_t)value; break;
  case FIELD_RATIO:
  case FIELD_RATE:
  case FIELD_NUMBER: *(double *)to = value; break;
  case FIELD_FLAG: *(bool *)to = roll(dice) < 0.5; break;
  case FIELD_CHOICE: {
    int n = 0;
    while (field->choices[n]) n++;
    *(int *)to = (int)pick(dice, n);
    break;
  }
  default: fail_msg("%s: a kind this test does not know", field->name);
  }
}

static double any_rate(Dice *dice) {
  static const double some[] = {0, 1e-300, 1e-9, 1, 1e9, 1e15, 1e300, (double)INFINITY, (double)NAN};
  return roll(dice) < 0.6 ? 1000 * roll(dice) : some[pick(dice, (int64_t)(sizeof(some) / sizeof(some[0])))];
}

static void observe(Dice *dice, Observation *seen) {
  seen->has_metrics = roll(dice) < 0.9;
  seen->window_ns = roll(dice) < 0.1 ? 0 : pick(dice, 1000 * NS_PER_S);
  seen->offered_rps = any_rate(dice);
  seen->finished_rps = any_rate(dice);
  seen->utilisation_ratio = any_rate(dice);
  seen->in_flight_jobs = any_rate(dice);
  seen->waiting_jobs_now = pick(dice, 3) ? 0 : pick(dice, INT64_C(1) << 40);
  seen->in_service_jobs_now = pick(dice, 2) ? 0 : pick(dice, 1000);
  seen->replicas_ready = pick(dice, 5) ? seen->replicas : 0;
  seen->ask = seen->replicas == 0 && roll(dice) < 0.5 ? ASK_AT_ZERO : ASK_NONE;
  seen->concurrency = pick(dice, 2) ? 1 : 1 + pick(dice, 1000000);
}

static void one_run(Dice *dice, const char *name) {
  PolicyBench bench = policy_bench(name);
  const Type *type = bench.policy->model.params;
  Err err = {0};
  for (size_t k = 0; k < type->n_fields; k++)
    if (roll(dice) < 0.7) set(dice, &type->field[k], (char *)bench.params + type->field[k].offset);
  if (!type->check || type->check(bench.params, &err)) {
    bench.seen.min_replicas = pick(dice, 3);
    bench.seen.max_replicas = bench.seen.min_replicas + (pick(dice, 2) ? pick(dice, 10) : 1000000);
    double at_s = 0, step_s = pow(10, 7 * roll(dice) - 2);
    for (int k = 0; k < 40; k++, at_s += roll(dice) < 0.1 ? 50 * step_s : step_s) {
      observe(dice, &bench.seen);
      int64_t wish = look_and_grant(&bench, at_s)->replicas;
      assert_true(wish >= bench.seen.min_replicas && wish <= bench.seen.max_replicas);
      assert_true(bench.wished.keep_alive_ns >= 0 && bench.wished.n_steps > 0 && bench.wished.reason[0]);
      assert_true(bench.wished.variant >= 0 && bench.wished.variant < bench.seen.variants);
    }
  }
  bench_end(&bench);
}

static void at_the_limits(void **unused) {
  (void)unused;
  static const char *const names[] = {"holt-winters", "seasonal-naive", "fixed-keep-alive", "hybrid-histogram-like", "mark-like", "sageserve-like"};
  Dice dice = {stream_make(5, 9, PURPOSE_LOAD, 0), 0};
  for (int k = 0; k < repetitions(1200, 30000); k++) one_run(&dice, names[k % 6]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(at_the_limits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
