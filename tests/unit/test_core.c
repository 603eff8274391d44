/* sim/core from outside: Philox against Random123's known answers, our functions against long double libm, quantiles against GSL, heap
 * against sorting, histograms against their own promises, and every block form against its scalar form, bit for bit. */
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <string.h>

#include "sim/core/distribution.h"
#include "sim/core/heap.h"
#include "sim/core/histogram.h"
#include "sim/core/maths.h"
#include "sim/core/rng.h"
#include "sim/core/statistics.h"
#include "tests/testing.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static uint64_t shuffled(uint64_t *x) { /* splitmix64: Steele, Lea, Flood, OOPSLA 2014 */
  uint64_t z = *x += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}
static double between(uint64_t *x, double low, double high) { return low + (high - low) * ((double)(shuffled(x) >> 11) * 0x1p-53); }

/* The uniform of our lattice, (k + 1/2) 2^-52, at or next below u. */
static double on_lattice(double u) { return (floor(u * 0x1p52) + 0.5) * 0x1p-52; }

enum { GRID = 4001 };
/* A grid over (0,1): both ends to the last value, the middle evenly. */
static double grid(int k) {
  static const double ends[] = {0x1p-53, 1e-15, 1e-14, 1e-12, 1e-9, 1e-6, 1e-4};
  int n = COUNT(ends);
  if (k < n) return on_lattice(ends[k]);
  if (k >= GRID - n) return k == GRID - n ? 1 - 0x1p-53 : on_lattice(1 - ends[k - (GRID - n)]);
  return on_lattice((k - n + 0.5) / (GRID - 2 * n));
}

static int bits_differ(const double *a, const double *b, size_t n) { return memcmp(a, b, n * sizeof *a) != 0; }

/* ---- random numbers ------------------------------------------------------------------------------------------------- */

static void test_philox(void **state) {
  (void)state; /* Random123, tests/kat_vectors */
  static const uint32_t known[3][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
  for (size_t k = 0; k < COUNT(known); k++) {
    uint32_t out[4];
    philox4x32_10(known[k], known[k] + 4, out);
    assert_memory_equal(out, known[k] + 6, sizeof out);
  }
}

/* The layout of the counter, stated again in terms of the block function. */
static void test_stream_layout(void **state) {
  (void)state;
  Stream stream = stream_make(UINT64_C(0x0123456789abcdef), 0xdeadbeef, PURPOSE_WORK, 0x123456);
  for (uint64_t k = 0; k < 100; k++) {
    uint64_t index = k < 50 ? k : (k - 50) * UINT64_C(0x0123456789abcdef), block = index / 2;
    const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), 0xdeadbeef, (uint32_t)PURPOSE_WORK << 24 | 0x123456}, key[2] = {0x89abcdef, 0x01234567};
    uint32_t out[4];
    philox4x32_10(counter, key, out);
    uint64_t word = index % 2 == 0 ? (uint64_t)out[1] << 32 | out[0] : (uint64_t)out[3] << 32 | out[2];
    assert_true(stream_word(&stream, index) == word);
    assert_true(stream_uniform(&stream, index) == ((double)(word >> 12) + 0.5) * 0x1p-52);
  }
}

static void test_stream_blocks(void **state) {
  (void)state;
  enum { MOST = 700 };
  double block[MOST + 2], scalar[MOST];
  uint64_t x = 1;
  for (int trial = 0; trial < repetitions(2000, 50000); trial++) {
    Stream stream = stream_make(shuffled(&x), (uint32_t)shuffled(&x), PURPOSE_GAP, (uint32_t)(shuffled(&x) & 0xffffff));
    static const uint64_t near[] = {0, 1, UINT64_C(0x1fffffff0), UINT64_C(0x1ffffffff), UINT64_C(0xfffffffffff00000)};
    uint64_t first = trial % 2 ? near[(trial / 2) % COUNT(near)] + shuffled(&x) % 64 : shuffled(&x) >> 1;
    size_t n = trial < MOST ? (size_t)trial : shuffled(&x) % MOST;
    block[n] = block[n + 1] = -7;
    stream_uniforms(&stream, first, n, block);
    for (size_t k = 0; k < n; k++) {
      scalar[k] = stream_uniform(&stream, first + k);
      assert_true(scalar[k] > 0 && scalar[k] < 1);
    }
    assert_false(bits_differ(block, scalar, n));
    assert_true(block[n] == -7 && block[n + 1] == -7); /* nothing behind the end */
  }
}

/* Mean and variance of n uniforms within five standard errors. */
static void test_stream_moments(void **state) {
  (void)state;
  enum { N = 1 << 20 };
  Arena arena = {0};
  double *u = ARENA_ARRAY(&arena, double, N), sum = 0, squares = 0, products = 0;
  Stream stream = stream_make(1, 2, PURPOSE_SIZE, 3);
  stream_uniforms(&stream, 0, N, u);
  for (size_t k = 0; k < N; k++) {
    double v = u[k] - 0.5, next = u[(k + 1) % N] - 0.5;
    sum += v, squares += v * v, products += v * next;
  }
  assert_true(fabs(sum / N) < 5 * sqrt(1.0 / 12 / N));
  assert_true(fabs(squares / N - 1.0 / 12) < 5 * sqrt(1.0 / 180 / N));
  assert_true(fabs(products / N) < 5 / 12.0 / sqrt(N));
  arena_free(&arena);
}

/* ---- elementary functions ------------------------------------------------------------------------------------------- */

#define TOLERANCE (4 * 4e-16) /* what maths.h promises */

static double off(double value, long double truth) { return (double)(fabsl((long double)value - truth) / fabsl(truth)); }

static void report(const char *name, double worst, double at, double limit) {
  print_message("%-34s worst %.2e at %.17g\n", name, worst, at);
  assert_true(worst <= limit);
}
#define WORSE(expression, x)      \
  do {                            \
    double o = (expression);      \
    if (!(o <= worst)) worst = o, at = (x); \
  } while (0)

static void test_log_exp(void **state) {
  (void)state;
  uint64_t r = 7;
  double worst = 0, at = 0;
  int n = repetitions(300000, 10000000);
  for (int k = 0; k < n; k++) {
    double x = k % 3 == 0 ? ldexp(between(&r, 1, 2), (int)(shuffled(&r) % 2046) - 1022) : k % 3 == 1 ? between(&r, 0.5, 2) : 1 + ldexp(between(&r, -1, 1), -(int)(shuffled(&r) % 52));
    if (x != 1) WORSE(off(maths_log(x), logl(x)), x);
  }
  assert_true(maths_log(1) == 0);
  WORSE(off(maths_log(5e-324), logl(5e-324)), 5e-324);
  WORSE(off(maths_log(1e-310), logl(1e-310)), 1e-310);
  report("log", worst, at, TOLERANCE);
  worst = 0;
  for (int k = 0; k < n; k++) {
    double x = k % 2 ? between(&r, -708, 709) : ldexp(between(&r, -1, 1), -(int)(shuffled(&r) % 60));
    WORSE(off(maths_exp(x), expl(x)), x);
  }
  report("exp", worst, at, TOLERANCE);
  assert_true(maths_exp(0) == 1);
  assert_true(maths_exp(-800) == 0);
  assert_true(maths_exp(800) == 0x1.fffffffffffffp1023);
}

static void test_sin_cos_pow(void **state) {
  (void)state;
  uint64_t r = 9;
  double worst = 0, at = 0;
  int n = repetitions(300000, 10000000);
  for (int k = 0; k < n; k++) {
    double x = k % 2 ? between(&r, -10, 10) : between(&r, -1e6, 1e6);
    if (x != 0) WORSE(off(maths_sin(x), sinl(x)), x);
    WORSE(off(maths_cos(x), cosl(x)), x);
  }
  for (int k = 1; k < 600000; k += 37) { /* next to the zeros */
    double x = k * M_PI_2;
    WORSE(k % 2 ? off(maths_cos(x), cosl(x)) : off(maths_sin(x), sinl(x)), x);
  }
  report("sin, cos", worst, at, TOLERANCE);
  worst = 0;
  for (int k = 0; k < n; k++) {
    double x = between(&r, 0, 10), y = between(&r, -5, 5);
    if (x > 0) WORSE(off(maths_pow(x, y), powl(x, y)) / (1 + fabs(y * log(x))), x); /* exp magnifies the error of y log x */
  }
  report("pow / (1 + |y log x|)", worst, at, TOLERANCE);
  assert_true(maths_pow(0, 0) == 1);
  assert_true(maths_pow(0, 2) == 0);
}

static void test_exponential_block(void **state) {
  (void)state;
  enum { N = 1003 };
  double u[N], y[N], worst = 0, at = 0;
  uint64_t r = 11;
  for (int trial = 0; trial < repetitions(300, 10000); trial++) {
    for (int k = 0; k < N; k++) u[k] = trial == 0 ? grid(k * 4 % GRID) : on_lattice(between(&r, 0, 1));
    maths_exponential_quantiles(u, N, y);
    for (int k = 0; k < N; k++) {
      WORSE(off(y[k], -log1pl(-u[k])), u[k]);
      double one = u[k];
      maths_exponential_quantiles(&one, 1, &one);
      assert_true(one == y[k]);
      assert_true(one == -maths_log(1 - u[k]));
    }
    size_t n = (size_t)trial % 9;
    double copy[9];
    memcpy(copy, u, sizeof copy);
    maths_exponential_quantiles(copy, n, copy);
    assert_false(bits_differ(copy, y, n));
    assert_false(bits_differ(copy + n, u + n, 9 - n));
  }
  report("-log(1 - u), u on the lattice", worst, at, TOLERANCE);
}

static void test_normal_quantile(void **state) {
  (void)state;
  double worst = 0, at = 0;
  for (int k = 0; k < GRID; k++) {
    double u = grid(k), z = maths_normal_quantile(u);
    long double zl = z, density = expl(-zl * zl / 2) / sqrtl(2 * M_PIl);
    /* How far z is from the root, by one Newton step with long double erf; the smaller tail keeps its digits. */
    long double excess = fabs(u - 0.5) < 0.25 ? erfl(zl / M_SQRT2l) / 2 - (u - 0.5L)
                         : u < 0.5            ? erfcl(-zl / M_SQRT2l) / 2 - u
                                              : (1.0L - u) - erfcl(zl / M_SQRT2l) / 2;
    if (u != 0.5) WORSE((double)fabsl(excess / density / zl), u);
    if (fabs(z) > 1e-3) assert_true(fabs(z / gsl_cdf_ugaussian_Pinv(u) - 1) < 1e-12 || u > 0.9999); /* GSL takes 1 - u twice up there */
  }
  report("normal quantile", worst, at, 1e-14);
}

static void test_gamma_functions(void **state) {
  (void)state;
  double worst = 0, at = 0;
  for (double x = 0.01; x < 1e5; x *= 1.013) {
    long double truth = lgammal(x);
    WORSE((double)(fabsl(maths_log_gamma(x) - truth) / (1 + fabsl(truth))), x);
  }
  report("log gamma / (1 + |log gamma|)", worst, at, 1e-14);
  worst = 0;
  for (double a = 0.05; a <= 1000; a *= 1.7)
    for (double x = a / 20; x < a * 5 + 20; x *= 1.1) {
      double truth = gsl_sf_gamma_inc_P(a, x), p = maths_gamma_p(a, x);
      WORSE(fabs(p - truth) / (truth < 1e-290 ? 1 : truth), a);
    }
  report("P(a, x)", worst, at, 2e-11); /* GSL's own error is of this size */
}

/* ---- distributions -------------------------------------------------------------------------------------------------- */

static Distribution prepared(Distribution distribution, Arena *arena) {
  Err err = {0};
  if (!distribution_prepare(&distribution, arena, &err)) fail_msg("%s", err.item[0].message);
  return distribution;
}

static void same_as_block(const Distribution *d) {
  double u[GRID], x[GRID], one[GRID];
  for (int k = 0; k < GRID; k++) u[k] = grid(k), one[k] = distribution_quantile(d, u[k]);
  distribution_quantiles(d, u, GRID, x);
  assert_false(bits_differ(x, one, GRID));
  distribution_quantiles(d, u, GRID, u);
  assert_false(bits_differ(u, one, GRID));
}

static double oracle(const Distribution *d, double u) {
  int upper = u > 0.5;
  double v = upper ? 1 - u : u;
  switch (d->kind) {
    case DISTRIBUTION_CONSTANT: return d->a;
    case DISTRIBUTION_EXPONENTIAL: return upper ? gsl_cdf_exponential_Qinv(v, d->a) : gsl_cdf_exponential_Pinv(v, d->a);
    case DISTRIBUTION_UNIFORM: return gsl_cdf_flat_Pinv(u, d->a, d->b);
    case DISTRIBUTION_LOGNORMAL: return upper ? gsl_cdf_lognormal_Qinv(v, d->a, d->b) : gsl_cdf_lognormal_Pinv(v, d->a, d->b);
    case DISTRIBUTION_WEIBULL: return upper ? gsl_cdf_weibull_Qinv(v, d->b, d->a) : gsl_cdf_weibull_Pinv(v, d->b, d->a);
    case DISTRIBUTION_PARETO: { /* the law cut at c: P(X <= x) = (1 - (b/x)^a) / (1 - (b/c)^a), in long double */
      long double share = 1 - powl((long double)d->b / d->c, d->a);
      return (double)(d->b * powl(1 - u * share, -1.0L / d->a));
    }
    default: return NAN;
  }
}

static void test_closed_quantiles(void **state) {
  (void)state;
  Arena arena = {0};
  const Distribution laws[] = {distribution_constant(3),
                               distribution_exponential(42e6),
                               {.kind = DISTRIBUTION_UNIFORM, .a = 2, .b = 5},
                               distribution_lognormal_mean_cv(42e6, 0.6),
                               distribution_lognormal_median_quantile(95e9, 0.95, 180e9),
                               distribution_weibull_mean_cv(10, 0.5),
                               distribution_weibull_mean_cv(10, 3),
                               {.kind = DISTRIBUTION_PARETO, .a = 1.5, .b = 1, .c = 1000},
                               {.kind = DISTRIBUTION_PARETO, .a = 0.5, .b = 1e3, .c = 1e9}};
  for (size_t i = 0; i < COUNT(laws); i++) {
    Distribution d = prepared(laws[i], &arena);
    double worst = 0, at = 0;
    for (int k = 0; k < GRID; k++) {
      double u = grid(k), truth = oracle(&d, u);
      WORSE(fabs(distribution_quantile(&d, u) - truth) / truth, u);
    }
    same_as_block(&d);
    char name[80];
    snprintf(name, sizeof name, "kind %d (%g, %g, %g)", (int)d.kind, d.a, d.b, d.c);
    report(name, worst, at, d.kind == DISTRIBUTION_PARETO ? 1e-11 : 1e-12);
  }
  arena_free(&arena);
}

/* One Newton step with GSL's tails says how far x is from the quantile. */
static double gamma_off(double shape, double u, double x) {
  double density = gsl_ran_gamma_pdf(x, shape, 1);
  double excess = u < 0.5 ? gsl_cdf_gamma_P(x, shape, 1) - u : (1 - u) - gsl_cdf_gamma_Q(x, shape, 1);
  return fabs(excess / density / x);
}

static void test_gamma_quantiles(void **state) {
  (void)state;
  Arena arena = {0};
  static const double shapes[] = {0.05, 0.1, 0.2, 0.35, 0.59, 1, 1.7, 2.78, 6, 25, 100, 400, 1000};
  for (size_t i = 0; i < COUNT(shapes); i++) {
    Distribution d = prepared((Distribution){.kind = DISTRIBUTION_GAMMA, .a = shapes[i], .b = 1}, &arena);
    double worst = 0, at = 0, before = 0;
    for (int k = 7; k < GRID - 7; k++) {
      double x = distribution_quantile(&d, grid(k));
      assert_true(x >= before); /* grid(7..) ascends */
      before = x;
    }
    for (int k = 0; k < GRID; k++) {
      double u = grid(k), x = distribution_quantile(&d, u);
      if ((log(u) + lgamma(shapes[i] + 1)) / shapes[i] > -650) WORSE(gamma_off(shapes[i], u, x), u); /* below, x leaves the doubles */
      else assert_true(x < 1e-280);
    }
    same_as_block(&d);
    char name[40];
    snprintf(name, sizeof name, "gamma of shape %g", shapes[i]);
    report(name, worst, at, 1e-7);
  }
  arena_free(&arena);
}

static void test_hyperexponential_quantiles(void **state) {
  (void)state;
  Arena arena = {0};
  static const double cvs[] = {1, 1.1, 1.5, 2, 4, 10, 30};
  for (size_t i = 0; i < COUNT(cvs); i++) {
    Distribution d = prepared(distribution_hyperexponential_mean_cv(100, cvs[i]), &arena);
    double worst = 0, at = 0;
    for (int k = 0; k < GRID; k++) {
      double u = grid(k);
      long double x = distribution_quantile(&d, u), s1 = d.a * expl(-x / d.b), s2 = (1.0L - d.a) * expl(-x / d.c);
      long double below = -(d.a * expm1l(-x / d.b) + (1.0L - d.a) * expm1l(-x / d.c));
      long double excess = u < 0.5 ? below - u : (1.0L - u) - (s1 + s2);
      WORSE((double)fabsl(excess / (s1 / d.b + s2 / d.c) / x), u);
    }
    same_as_block(&d);
    char name[40];
    snprintf(name, sizeof name, "hyperexponential of cv %g", cvs[i]);
    report(name, worst, at, 1e-7);
    assert_true(fabs(distribution_mean(&d) / 100 - 1) < 1e-12);
    assert_true(fabs(distribution_cv(&d) / cvs[i] - 1) < 1e-9);
  }
  arena_free(&arena);
}

/* Mean and cv as asked for, and as the quantiles themselves give them (midpoint rule over u). */
static void test_moments(void **state) {
  (void)state;
  Arena arena = {0};
  static const DistributionPoint points[] = {{0, 0}, {10, 0.5}, {20, 1}};
  const Distribution laws[] = {distribution_constant(7),
                               distribution_exponential(7),
                               {.kind = DISTRIBUTION_UNIFORM, .a = 2, .b = 12},
                               distribution_lognormal_mean_cv(7, 0.6),
                               distribution_gamma_mean_cv(7, 1.3),
                               distribution_gamma_mean_cv(7, 0.2),
                               distribution_weibull_mean_cv(7, 0.5),
                               distribution_weibull_mean_cv(7, 1.5),
                               distribution_hyperexponential_mean_cv(7, 2),
                               {.kind = DISTRIBUTION_PARETO, .a = 2, .b = 4, .c = 100},
                               {.kind = DISTRIBUTION_EMPIRICAL, .points = points, .n_points = 3}};
  static const double cvs[] = {0, 1, -1, 0.6, 1.3, 0.2, 0.5, 1.5, 2, -1, -1};
  for (size_t i = 0; i < COUNT(laws); i++) {
    Distribution d = prepared(laws[i], &arena), twice = distribution_scaled(&d, 2, &arena);
    enum { N = 200000 };
    double sum = 0, squares = 0, mean = distribution_mean(&d);
    for (int k = 0; k < N; k++) {
      double x = distribution_quantile(&d, on_lattice((k + 0.5) / N));
      sum += x, squares += x * x;
    }
    double deviation = sqrt(fmax(0, squares / N - sum / N * sum / N)), cv = distribution_cv(&d);
    if (cvs[i] >= 0) assert_true(fabs(cv - cvs[i]) < 1e-9 && (fabs(mean - 7) < 1e-9));
    assert_true(fabs(sum / N / mean - 1) < 2e-4);
    assert_true(fabs(deviation / mean - cv) < 1e-2);
    assert_true(fabs(distribution_mean(&twice) / mean - 2) < 1e-12);
    assert_true(fabs(distribution_cv(&twice) - cv) < 1e-9);
    for (int k = 0; k < GRID; k += 13)
      assert_true(fabs(distribution_quantile(&twice, grid(k)) - 2 * distribution_quantile(&d, grid(k))) <= 1e-7 * distribution_quantile(&twice, grid(k)));
  }
  arena_free(&arena);
}

static void test_refused(void **state) {
  (void)state;
  Arena arena = {0};
  static const DistributionPoint falling[] = {{0, 0}, {5, 0.7}, {4, 1}}, open[] = {{0, 0}, {5, 0.9}};
  const Distribution laws[] = {distribution_constant(-1),
                               distribution_constant(NAN),
                               distribution_exponential(INFINITY),
                               {.kind = DISTRIBUTION_UNIFORM, .a = 5, .b = 2},
                               distribution_lognormal_mean_cv(-5, 1),
                               distribution_gamma_mean_cv(0, 1),
                               distribution_gamma_mean_cv(1, NAN),
                               distribution_weibull_mean_cv(-1, 1),
                               distribution_hyperexponential_mean_cv(-1, 2),
                               {.kind = DISTRIBUTION_PARETO, .a = 1, .b = 5, .c = 2},
                               {.kind = DISTRIBUTION_PARETO, .a = -1, .b = 1, .c = 2},
                               {.kind = DISTRIBUTION_EMPIRICAL, .points = falling, .n_points = 3},
                               {.kind = DISTRIBUTION_EMPIRICAL, .points = open, .n_points = 2},
                               {.kind = DISTRIBUTION_EMPIRICAL}};
  int accepted = 0;
  for (size_t i = 0; i < COUNT(laws); i++) {
    Distribution d = laws[i];
    Err err = {0};
    if (!distribution_prepare(&d, &arena, &err) && err.count == 1 && err.item[0].path[0] == '\0') continue;
    print_error("law %zu (kind %d: %g, %g, %g) is not refused with one error\n", i, (int)d.kind, d.a, d.b, d.c);
    accepted++;
  }
  arena_free(&arena);
  assert_int_equal(accepted, 0);
}

/* ---- heap ----------------------------------------------------------------------------------------------------------- */

static int by_order(const void *a, const void *b) {
  const HeapItem *x = a, *y = b;
  return heap_item_less(x, y) ? -1 : heap_item_less(y, x);
}

static void test_heap(void **state) {
  (void)state;
  enum { N = 1000 };
  Arena arena = {0};
  Heap heap = {.arena = &arena};
  HeapItem sorted[N];
  size_t n = 0;
  uint64_t r = 5;
  for (int step = 0; step < repetitions(20000, 200000); step++) {
    /* Few distinct times, so that ranks decide often; payload tells items apart. */
    HeapItem item = {(int64_t)(shuffled(&r) % 50) - 25, shuffled(&r), shuffled(&r)};
    unsigned what = (unsigned)(shuffled(&r) % 5);
    if (n < N && (what < 2 || n == 0)) {
      heap_push(&heap, item);
      sorted[n++] = item;
    } else if (what < 4) {
      HeapItem top = heap_pop(&heap);
      assert_memory_equal(&top, &sorted[0], sizeof top);
      memmove(sorted, sorted + 1, --n * sizeof *sorted);
    } else {
      assert_memory_equal(&heap.item[0], &sorted[0], sizeof item);
      heap_replace_top(&heap, item);
      sorted[0] = item;
    }
    qsort(sorted, n, sizeof *sorted, by_order);
    assert_int_equal(heap.count, n);
  }
  arena_free(&arena);
}

static void test_heap_sorts(void **state) {
  (void)state;
  enum { N = 5000 };
  Arena arena = {0};
  Heap heap = {.arena = &arena};
  uint64_t r = 6;
  for (int k = 0; k < N; k++) heap_push(&heap, (HeapItem){(int64_t)(shuffled(&r) % 1000), (uint64_t)k, (uint64_t)k});
  HeapItem before = heap_pop(&heap);
  for (int k = 1; k < N; k++) {
    HeapItem item = heap_pop(&heap);
    assert_true(heap_item_less(&before, &item));
    before = item;
  }
  assert_int_equal(heap.count, 0);
  arena_free(&arena);
}

/* ---- histogram ------------------------------------------------------------------------------------------------------ */

static void test_histogram_bins(void **state) {
  (void)state;
  assert_int_equal(histogram_edge_ns(0), 0);
  assert_true(histogram_edge_ns(HISTOGRAM_BINS) == INT64_C(1) << 53);
  for (unsigned bin = 0; bin < HISTOGRAM_BINS; bin++) {
    int64_t low = histogram_edge_ns(bin), high = histogram_edge_ns(bin + 1);
    assert_true(low < high);
    assert_int_equal(histogram_bin(low), bin);
    assert_int_equal(histogram_bin(high - 1), bin);
    if (low >= 1024) assert_true((double)(high - low) <= 0.0079 * (double)low);
    else assert_int_equal(high - low, 8);
  }
  assert_int_equal(histogram_bin(INT64_C(1) << 53), HISTOGRAM_BINS - 1);
  assert_int_equal(histogram_bin(INT64_MAX), HISTOGRAM_BINS - 1);
}

static void test_histogram_merge(void **state) {
  (void)state;
  Arena arena = {0};
  Histogram whole = {.arena = &arena}, left = {.arena = &arena}, right = {.arena = &arena};
  uint64_t r = 8;
  enum { N = 20000 };
  for (int k = 0; k < N; k++) {
    int64_t value = (int64_t)(shuffled(&r) >> (11 + shuffled(&r) % 50));
    histogram_add(&whole, value);
    histogram_add(k % 3 ? &left : &right, value);
  }
  histogram_merge(&left, &right);
  uint64_t *a = ARENA_ARRAY(&arena, uint64_t, HISTOGRAM_BINS), *b = ARENA_ARRAY(&arena, uint64_t, HISTOGRAM_BINS);
  histogram_export(&whole, a);
  histogram_export(&left, b);
  assert_memory_equal(a, b, HISTOGRAM_BINS * sizeof *a);
  assert_int_equal(histogram_total(&left), N);
  static const double qs[] = {0, 0.001, 0.5, 0.95, 0.99, 1};
  for (size_t k = 0; k < COUNT(qs); k++) {
    assert_true(histogram_quantile_ns(&whole, qs[k]) == histogram_quantile_ns(&left, qs[k]));
    if (qs[k] >= 0.5) assert_true(histogram_counts_quantile_ns(a, qs[k]) == histogram_quantile_ns(&left, qs[k])); /* counts know no atom */
  }
  histogram_export(&whole, b); /* adds */
  assert_true(b[histogram_bin(0)] == 2 * a[histogram_bin(0)]);
  histogram_add_count(&whole, 5, 3);
  histogram_add_count(&whole, 5, (uint64_t)-3);
  assert_int_equal(histogram_total(&whole), N);
  histogram_clear(&whole);
  assert_int_equal(histogram_total(&whole), 0);
  assert_true(isnan(histogram_quantile_ns(&whole, 0.5)));
  arena_free(&arena);
}

static void test_histogram_quantiles(void **state) {
  (void)state;
  Arena arena = {0};
  /* One bin, [1024, 1032): the quantile runs over it linearly. */
  Histogram one = {.arena = &arena};
  histogram_add_count(&one, histogram_bin(1024), 4);
  assert_true(histogram_quantile_ns(&one, 0) == 1024);
  assert_true(histogram_quantile_ns(&one, 0.25) == 1026);
  assert_true(histogram_quantile_ns(&one, 1) == 1032);
  /* Laws whose quantiles are known: bias at most 0.1 %. */
  static const double qs[] = {0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999};
  for (int law = 0; law < 3; law++) {
    Histogram histogram = {.arena = &arena};
    enum { N = 200000 };
    for (int k = 0; k < N; k++) {
      double u = (k + 0.5) / N;
      histogram_add(&histogram, (int64_t)(law == 0 ? -1e8 * log1p(-u) : law == 1 ? gsl_cdf_lognormal_Pinv(u, 17, 0.6) : 1e6 + 1e9 * u));
    }
    for (size_t k = 0; k < COUNT(qs); k++) {
      double q = qs[k], truth = law == 0 ? -1e8 * log1p(-q) : law == 1 ? gsl_cdf_lognormal_Pinv(q, 17, 0.6) : 1e6 + 1e9 * q;
      assert_true(fabs(histogram_quantile_ns(&histogram, q) / truth - 1) < 1e-3);
    }
  }
  arena_free(&arena);
}

/* ---- statistics ----------------------------------------------------------------------------------------------------- */

/* A constant service: most jobs take exactly that long, the others longer. By hand: 70 of 100 at 10 ms, 30 at 10.02 ms, in one bin. */
static void test_histogram_atom(void **state) {
  (void)state;
  Arena arena = {0};
  Histogram h = {.arena = &arena}, other = {.arena = &arena}, merged = {.arena = &arena};
  for (int k = 0; k < 100; k++) histogram_add(k % 2 ? &h : &other, k < 30 ? 10020000 : 10000000);
  histogram_merge(&merged, &h);
  histogram_merge(&merged, &other);
  assert_int_equal(histogram_bin(10000000), histogram_bin(10020000));
  assert_true(histogram_quantile_ns(&merged, 0) == 10000000 && histogram_quantile_ns(&merged, 0.7) == 10000000);
  double p85 = histogram_quantile_ns(&merged, 0.85);
  assert_true(p85 > 10000000 && p85 < 10030000);
  histogram_remove(&merged, 10000000);
  assert_int_equal(histogram_total(&merged), 99);
  assert_true(histogram_quantile_ns(&merged, 69.0 / 99) == 10000000);
  arena_free(&arena);
}

static void test_tally(void **state) {
  (void)state; /* NIST StRD NumAcc4: mean 10000000.2, standard deviation 0.1 */
  Tally whole = {0}, left = {0}, right = {0};
  for (int k = 0; k < 1001; k++) {
    double value = k == 0 ? 10000000.2 : k % 2 ? 10000000.1 : 10000000.3;
    tally_add(&whole, value);
    tally_add(k < 300 ? &left : &right, value);
  }
  tally_merge(&left, &right);
  tally_merge(&left, &(Tally){0});
  assert_true(fabs(whole.mean - 10000000.2) < 1e-7 && fabs(left.mean - 10000000.2) < 1e-7);
  assert_true(fabs(sqrt(tally_variance(&whole)) - 0.1) < 1e-7 && fabs(sqrt(tally_variance(&left)) - 0.1) < 1e-7);
  assert_int_equal(left.count, 1001);
  Tally empty = {0};
  assert_true(isnan(tally_variance(&empty)));
  tally_merge(&empty, &whole);
  assert_true(empty.mean == whole.mean && empty.m2 == whole.m2);
}

static void test_intervals(void **state) {
  (void)state; /* printed t tables */
  assert_true(fabs(student_quantile(0.975, 1) - 12.7062047) < 1e-6);
  assert_true(fabs(student_quantile(0.975, 9) - 2.26215716) < 1e-7);
  assert_true(fabs(student_quantile(0.95, 30) - 1.69726089) < 1e-7);
  const double values[] = {1, NAN, 2, 3, 4, 5, NAN};
  Interval interval = interval_of_mean(values, 7, 0.95);
  assert_int_equal(interval.count, 5);
  assert_true(fabs(interval.mean - 3) < 1e-15);
  assert_true(fabs(interval.half_width - 2.776445105 * sqrt(2.5 / 5)) < 1e-8);
  interval = interval_of_mean(values, 1, 0.95);
  assert_true(interval.mean == 1 && isnan(interval.half_width));
  interval = interval_of_mean(values, 0, 0.95);
  assert_true(isnan(interval.half_width) && interval.count == 0);
  const double equal[] = {0.1, 0.1, 0.1};
  interval = interval_of_mean(equal, 3, 0.95);
  assert_true(interval.half_width == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_philox),
                                     cmocka_unit_test(test_stream_layout),
                                     cmocka_unit_test(test_stream_blocks),
                                     cmocka_unit_test(test_stream_moments),
                                     cmocka_unit_test(test_log_exp),
                                     cmocka_unit_test(test_sin_cos_pow),
                                     cmocka_unit_test(test_exponential_block),
                                     cmocka_unit_test(test_normal_quantile),
                                     cmocka_unit_test(test_gamma_functions),
                                     cmocka_unit_test(test_closed_quantiles),
                                     cmocka_unit_test(test_gamma_quantiles),
                                     cmocka_unit_test(test_hyperexponential_quantiles),
                                     cmocka_unit_test(test_moments),
                                     cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_heap),
                                     cmocka_unit_test(test_heap_sorts),
                                     cmocka_unit_test(test_histogram_bins),
                                     cmocka_unit_test(test_histogram_merge),
                                     cmocka_unit_test(test_histogram_quantiles),
                                     cmocka_unit_test(test_histogram_atom),
                                     cmocka_unit_test(test_tally),
                                     cmocka_unit_test(test_intervals)};
  return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
