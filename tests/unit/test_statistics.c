/* Intervals against numbers of SciPy and NumPy, and rules against their definitions. */
#include <math.h>

#include "sim/core/rng.h"
#include "sim/core/statistics.h"
#include "sim/lab/precision.h"
#include "tests/testing.h"

#define NEAR(a, b) assert_true(fabs((double)(a) - (double)(b)) <= 1e-9 * (1 + fabs((double)(b))))

/* scipy.stats.t.ppf(0.975, 4) * sqrt(sum((x - 3.05)^2) / 4 / 5) */
static void sections(void **state) {
  (void)state;
  const double x[] = {3.1, (double)NAN, 2.7, 3.9, 3.3, 2.5};
  Interval i = interval_by_sections(3.05, x, 6, 0.95);
  NEAR(i.mean, 3.05);
  NEAR(i.half_width, 0.6836203258896486);
  assert_int_equal(i.count, 5);
  assert_true(isnan(interval_by_sections(3.05, x, 1, 0.95).half_width));
  const double same[] = {2, 2, 2};
  assert_true(interval_by_sections(2, same, 3, 0.95).half_width == 0);
}

/* 1 - p^n - (1 - p)^n >= 0.95: the greatest values cover p = 0.99 from 299 values on. */
static void samples_of_quantiles(void **state) {
  (void)state;
  assert_int_equal(quantile_sample_least(0.5, 0.95), 6);
  assert_int_equal(quantile_sample_least(0.9, 0.95), 29);
  assert_int_equal(quantile_sample_least(0.95, 0.95), 59);
  assert_int_equal(quantile_sample_least(0.99, 0.95), 299);
  assert_int_equal(quantile_sample_least(0.999, 0.95), 2995);
}

/* numpy.linalg.lstsq of y on (1, x - 9.7): the intercept and its standard error. */
static void controls(void **state) {
  (void)state;
  const double y[] = {5.2, 4.1, 6.6, 5.9, 3.8, 5.0}, x[] = {10, 8, 13, 11, 7.5, 9.5}, flat[] = {1, 1, 1, 1, 1, 1};
  double factor;
  Interval i = interval_with_control(y, x, 6, 9.7, 0.95, &factor);
  NEAR(i.mean, 5.030491803278692);
  NEAR(i.half_width, 0.15467635378682762);
  NEAR(factor, 60.14466399967642);
  Interval plain = interval_with_control(y, flat, 6, 1, 0.95, &factor);
  NEAR(plain.mean, 5.1);
  assert_true(factor == 1);
  plain = interval_with_control(y, x, 6, (double)NAN, 0.95, &factor);
  assert_true(factor == 1 && plain.half_width == interval_of_mean(y, 6, 0.95).half_width);
}

static void correlation(void **state) {
  (void)state;
  const double z[] = {1, 3, 2, 5, 4, 6, 5}, flat[] = {2, 2, 2, 2};
  NEAR(lag1_correlation(z, 7), 0.25315126050420167);
  assert_true(isnan(lag1_correlation(flat, 4)));
  assert_true(isnan(lag1_correlation(z, 2)));
}

/* A ramp of 40 values, then noise about a level: the ramp goes, the rest stays; what never settles is refused. */
static void mser(void **state) {
  (void)state;
  enum { N = 256 };
  double x[N];
  Stream stream = stream_make(3, 4, PURPOSE_FAULT, 5);
  for (int k = 0; k < N; k++) x[k] = (k < 40 ? k * 0.5 : 20) + stream_uniform(&stream, (uint64_t)k);
  size_t batches = 0;
  assert_true(mser_truncation(x, N, 5, &batches));
  assert_in_range(1 + batches * 5, 36, 56);
  for (int k = 0; k < N; k++) x[k] = k;
  assert_false(mser_truncation(x, N, 5, &batches));
  for (int k = 0; k < N; k++) x[k] = 7;
  assert_true(mser_truncation(x, N, 5, &batches));
  assert_int_equal(batches, 0); /* nothing to leave out */
  assert_false(mser_truncation(x, 15, 5, &batches));
}

/* Means 10, 11, 14 and half widths 2: the third is worse for sure than the first (by 4 - 2), the second may be the best. */
static void best_of_three(void **state) {
  (void)state;
  const double mean[] = {10, 11, 14};
  double difference[9], half[9];
  BestComparison best[3];
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) difference[i * 3 + j] = mean[i] - mean[j], half[i * 3 + j] = 2;
  compare_with_best(difference, half, 3, best);
  assert_true(best[0].can_be_best && best[1].can_be_best && !best[2].can_be_best);
  NEAR(best[0].low, -3); /* 10 - 11 - 2 */
  NEAR(best[0].high, 1); /* 10 - 11 + 2 */
  NEAR(best[1].low, -1);
  NEAR(best[1].high, 3);
  NEAR(best[2].low, 0);
  NEAR(best[2].high, 6);
  for (int k = 0; k < 9; k++) half[k] = 0.5;
  compare_with_best(difference, half, 3, best);
  assert_true(best[0].can_be_best && !best[1].can_be_best && !best[2].can_be_best);
  NEAR(best[0].high, 0); /* the best for sure */
  compare_with_best(difference, half, 1, best);
  assert_true(best[0].can_be_best && best[0].low == 0 && best[0].high == 0);
}

/* C(1, a) = a; C(2, 1) = 1/3; C(10, 8): 0.409180 (Erlang's tables). */
static void erlang(void **state) {
  (void)state;
  NEAR(erlang_c(0.7, 1), 0.7);
  NEAR(erlang_c(1, 2), 1.0 / 3);
  assert_true(fabs(erlang_c(8, 10) - 0.409180) < 1e-6);
}

/* u and 1 - u: their sum is exactly 1, for single draws and blocks. */
static void mirrored(void **state) {
  (void)state;
  enum { N = 300 };
  Stream a = stream_make(9, 8, PURPOSE_GAP, 7), b = stream_make(9, 8, PURPOSE_GAP, 7 | REPLICATION_MIRRORED);
  double u[N], v[N];
  stream_uniforms(&a, 5, N, u);
  stream_uniforms(&b, 5, N, v);
  for (uint64_t k = 0; k < N; k++) {
    assert_true(u[k] + v[k] == 1);
    assert_true(v[k] == stream_uniform(&b, 5 + k));
  }
}

/* The square root law between a quarter more and twice as many. */
static void rounds(void **state) {
  (void)state;
  assert_int_equal(precision_next(10, 1.01, 1000), 13);  /* 10.2 wanted; 10 + 3 at least */
  assert_int_equal(precision_next(40, 1.2, 1000), 58);   /* 57.6 */
  assert_int_equal(precision_next(10, 3, 1000), 20);     /* 90 wanted; twice at most */
  assert_int_equal(precision_next(10, (double)INFINITY, 1000), 20);
  assert_int_equal(precision_next(600, 2, 1000), 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sections), cmocka_unit_test(samples_of_quantiles), cmocka_unit_test(controls), cmocka_unit_test(correlation),
      cmocka_unit_test(mser), cmocka_unit_test(best_of_three), cmocka_unit_test(erlang), cmocka_unit_test(mirrored), cmocka_unit_test(rounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
