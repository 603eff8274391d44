/* Stratified draws: each part once a round, orders as random as permutations should be, mirrors exact, no memory. */
#include <math.h>
#include <stdbool.h>

#include "sim/core/copula.h"
#include "sim/core/shuffle.h"
#include "tests/testing.h"

enum { MOST = 5000 };

/* The stream's draws first.. at their places. */
static void draws(uint32_t n, uint32_t groups, uint32_t entity, uint32_t replication, uint64_t first, size_t count, double *u) {
  Stream stream = stream_make(7, entity, PURPOSE_SIZE, replication);
  Shuffle shuffle = shuffle_make(n, groups, 7, entity, PURPOSE_SHUFFLE, replication);
  stream_uniforms(&stream, first, count, u);
  shuffle_uniforms(&shuffle, first, count, u);
}

static void once_each(const double *u, size_t n) {
  static bool taken[MOST];
  for (size_t k = 0; k < n; k++) taken[k] = false;
  for (size_t k = 0; k < n; k++) {
    assert_true(u[k] > 0 && u[k] < 1);
    size_t part = (size_t)(u[k] * (double)n);
    assert_false(taken[part]);
    taken[part] = true;
  }
}

/* n parts, n draws, whatever n and the round: a bijection. */
static void each_part_once(void **state) {
  (void)state;
  static double u[MOST];
  static const uint64_t rounds[] = {0, 1, 77, UINT64_C(1) << 40};
  for (uint32_t n = 1; n <= MOST; n = n < 70 ? n + 1 : n * 3 / 2)
    for (size_t r = 0; r < sizeof rounds / sizeof *rounds; r++) {
      draws(n, 1, 3, 2, rounds[r] * n, n, u);
      once_each(u, n);
    }
}

/* Both of every ten draws and of every n. */
static void groups_too(void **state) {
  (void)state;
  static double u[MOST];
  for (uint32_t n = 10; n <= MOST; n = n * 3 / 2 / 10 * 10 + 10) {
    draws(n, 10, 3, 2, 4 * n, n, u);
    once_each(u, n);
    for (size_t k = 0; k < n; k += 10) once_each(u + k, 10);
  }
}

/* Draws alone and in blocks are the same; 1 - u of the mirror, exactly; n = 0 changes nothing. */
static void addressed_and_mirrored(void **state) {
  (void)state;
  enum { N = 700 };
  static double u[N], v[N];
  static const uint32_t cases[][2] = {{1, 1}, {3, 1}, {256, 1}, {1000, 1}, {1000, 8}, {SHUFFLE_MOST, 1}, {SHUFFLE_MOST, 1000}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    draws(cases[c][0], cases[c][1], 5, 9, 123, N, u);
    draws(cases[c][0], cases[c][1], 5, 9 | REPLICATION_MIRRORED, 123, N, v);
    for (size_t k = 0; k < N; k++) {
      double alone;
      draws(cases[c][0], cases[c][1], 5, 9, 123 + k, 1, &alone);
      assert_true(alone == u[k]);
      assert_true(u[k] + v[k] == 1);
    }
  }
  Stream stream = stream_make(7, 5, PURPOSE_SIZE, 9);
  draws(0, 1, 5, 9, 123, N, u);
  stream_uniforms(&stream, 123, N, v);
  assert_memory_equal(u, v, sizeof u);
}

/* All 24 orders of 4 are equally frequent over rounds, and over entities and replications: chi-square with 23 degrees of freedom below 58 (p = 0.0001). */
static void orders_are_even(void **state) {
  (void)state;
  enum { ROUNDS = 24000 };
  for (int kind = 0; kind < 3; kind++) {
    double count[256] = {0}, chi = 0, u[4];
    for (uint32_t r = 0; r < ROUNDS; r++) {
      draws(4, 1, kind == 1 ? r : 3, kind == 2 ? r : 2, kind == 0 ? 4 * (uint64_t)r : 0, 4, u);
      size_t code = 0;
      for (size_t k = 0; k < 4; k++) code = 4 * code + (size_t)(u[k] * 4);
      count[code]++;
    }
    size_t seen = 0;
    for (size_t code = 0; code < 256; code++) {
      if (!(count[code] > 0)) continue;
      seen++;
      chi += (count[code] - ROUNDS / 24.0) * (count[code] - ROUNDS / 24.0) / (ROUNDS / 24.0);
    }
    assert_int_equal(seen, 24);
    assert_true(chi < 58000000000000);
  }
}

/* So are the n (n - 1) pairs that the first two and the last of n places hold: chi-square within five standard deviations of its mean. */
static void pairs_of_places_are_even(void **state) {
  (void)state;
  enum { ROUNDS = 24000 };
  static double count[64 * 64], u[64];
  for (uint32_t n = 16; n <= 64; n *= 2)
    for (size_t other = 1; other < n; other += n - 2) {
      double chi = 0, expected = ROUNDS / (double)(n * (n - 1)), freedom = (double)(n * (n - 1)) - 1;
      for (size_t k = 0; k < 64 * 64; k++) count[k] = 0;
      for (uint64_t r = 0; r < ROUNDS; r++) {
        draws(n, 1, 3, 2, r * n, n, u);
        count[(size_t)(u[0] * n) * n + (size_t)(u[other] * n)]++;
      }
      for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++)
          if (a != b) chi += (count[a * n + b] - expected) * (count[a * n + b] - expected) / expected;
      assert_true(fabs(chi - freedom) < 5 * sqrt(2 * freedom));
    }
}

/* Neighbours in a long round know nothing of each other: correlation -1 / (n - 1), within 5 / sqrt(draws); and the mean of a round is that of
 * the law to about 1 / (sqrt(12) n^1.5), while independent draws give 1 / sqrt(12 n). */
static void neighbours(void **state) {
  (void)state;
  static double u[MOST];
  double sum = 0, product = 0;
  draws(MOST, 1, 3, 2, 0, MOST, u);
  for (size_t k = 0; k < MOST; k++) sum += u[k] - 0.5;
  for (size_t k = 1; k < MOST; k++) product += 12 * (u[k] - 0.5) * (u[k - 1] - 0.5);
  assert_true(fabs(product / MOST) < 5 / sqrt(MOST));
  assert_true(fabs(sum / MOST) < 6 / (sqrt(12) * pow(MOST, 1.5)));
}

/* Two purposes have orders of their own; turned by the copula their ranks are correlated as asked. */
static void pairs(void **state) {
  (void)state;
  static double u[MOST], v[MOST];
  Stream stream = stream_make(7, 3, PURPOSE_SIZE_OUT, 2);
  Shuffle second = shuffle_make(MOST, 1, 7, 3, PURPOSE_SHUFFLE_SECOND, 2);
  static const double wanted[] = {0, 0.6, -0.4};
  for (size_t c = 0; c < 3; c++) {
    double product = 0;
    draws(MOST, 1, 3, 2, 0, MOST, u);
    stream_uniforms(&stream, 0, MOST, v);
    shuffle_uniforms(&second, 0, MOST, v);
    copula_turn(copula_of_ranks(wanted[c]), u, v, MOST);
    for (size_t k = 0; k < MOST; k++) product += 12 * (u[k] - 0.5) * (v[k] - 0.5);
    assert_true(fabs(product / MOST - wanted[c]) < 5 / sqrt(MOST));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_part_once), cmocka_unit_test(groups_too), cmocka_unit_test(addressed_and_mirrored),
      cmocka_unit_test(orders_are_even), cmocka_unit_test(pairs_of_places_are_even), cmocka_unit_test(neighbours), cmocka_unit_test(pairs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
