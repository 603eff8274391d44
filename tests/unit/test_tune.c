/* Tuning and sensitivity against numbers whose truth is known: KN and the check of constraints keep their stated probability with designs
 * at the edge, halving needs a fraction of what equal allocation needs, the model-based search finds the best of a curve, and Morris and
 * Sobol give the known indices of analytic functions. Values are normal, with common random numbers between designs. */
#include <math.h>
#include <string.h>

#include "sim/core/maths.h"
#include "sim/core/rng.h"
#include "sim/lab/sensitivity.h"
#include "sim/lab/tune_guarantee.h"
#include "sim/lab/tune_model.h"
#include "tests/testing.h"

enum { MOST = 64, M_MOST = 3 };

/* value = mean + common part of the replication (the same for all designs) + own part. */
typedef struct Fake {
  uint64_t seed;
  double mean[MOST][M_MOST];
  double common[M_MOST], own[M_MOST];
  size_t n_metrics;
  bool independent; /* no common random numbers: the common part is each design's own */
  uint64_t rounds;
} Fake;

static double normal(uint64_t seed, uint32_t entity, Purpose purpose, uint64_t index) {
  Stream stream = stream_make(seed, entity, purpose, 0);
  return maths_normal_quantile(stream_uniform(&stream, index));
}

static bool fake_evaluate(void *context, const TuneJob *job, size_t n_jobs, double *value, Err *err) {
  Fake *fake = context;
  (void)err;
  fake->rounds++;
  for (size_t k = 0; k < n_jobs; k++)
    for (uint32_t r = job[k].first; r < job[k].first + job[k].count; r++)
      for (size_t m = 0; m < fake->n_metrics; m++) {
        uint32_t d = (uint32_t)job[k].design;
        double common = normal(fake->seed, fake->independent ? 1000 + d : 0, (Purpose)(1 + m), r);
        *value++ = fake->mean[d][m] + fake->common[m] * common + fake->own[m] * normal(fake->seed, 1 + d, (Purpose)(1 + m), r);
      }
  return true;
}

static void all_designs(size_t *design, size_t n) {
  for (size_t k = 0; k < n; k++) design[k] = k;
}

/* ---- the guarantee ---- */

/* Ten designs with one constraint: half keep it by exactly epsilon, half violate it by exactly epsilon and are cheaper; of those that keep
 * it, one is better than the others by exactly delta: the least favourable configuration. */
static void edge_configuration(Fake *fake, size_t n, double delta, double epsilon) {
  for (size_t k = 0; k < n; k++) {
    bool keeps = k % 2 == 0;
    fake->mean[k][0] = keeps ? (k == 4 ? 10 : 10 + delta) : 9;
    fake->mean[k][1] = keeps ? -epsilon : epsilon;
  }
}

static int correct_selections(int first, int tunings, bool with_constraint, uint64_t *runs) {
  enum { N = 10 };
  double epsilon = 0.05;
  size_t design[N];
  int correct = 0;
  all_designs(design, N);
  for (int t = first; t < first + tunings; t++) {
    Fake fake = {.seed = 1000 + (uint64_t)t, .common = {0.4, 0.2}, .own = {0.3, 0.15}, .n_metrics = with_constraint ? 2 : 1};
    edge_configuration(&fake, N, 0.1, epsilon);
    if (!with_constraint)
      for (size_t k = 0; k < N; k++) fake.mean[k][0] = k == 4 ? 10 : 10.1;
    TuneProblem problem = {.n_constraints = with_constraint, .evaluate = fake_evaluate, .context = &fake};
    GuaranteeOptions options = {.alpha_check = with_constraint ? 0.025 : 0, .alpha_select = with_constraint ? 0.025 : 0.05,
                                .indifference = 0.1, .tolerance = &epsilon, .first_replications = 10};
    Arena arena = {0};
    Err err = {0};
    TuneSamples samples;
    GuaranteeResult result;
    samples_begin(&samples, &arena, &problem, 0);
    assert_true(tune_guarantee(&samples, design, N, &options, &result, &err));
    assert_true(result.guaranteed);
    correct += result.found && result.best == 4;
    *runs += samples.runs;
    arena_free(&arena);
  }
  return correct;
}

/* Blocks of 200 tunings. All together must reach the stated 95 %; a single block may lie two and a half standard deviations of chance
 * (some 8 of 200) below. */
static void check_probability(bool with_constraint) {
  enum { BLOCK = 200 };
  int blocks = repetitions(5, 20), correct = 0, worst = BLOCK;
  uint64_t runs = 0;
  for (int b = 0; b < blocks; b++) {
    int now = correct_selections(b * BLOCK, BLOCK, with_constraint, &runs);
    correct += now;
    if (now < worst) worst = now;
  }
  print_message("%s: %d of %d correct where 95 %% are promised, the worst 200: %d; %.0f runs each\n", with_constraint ? "check and KN" : "KN", correct,
                blocks * BLOCK, worst, (double)runs / (blocks * BLOCK));
  assert_true(worst >= 182);
  assert_true(correct * 100 >= 95 * blocks * BLOCK || blocks == 1);
}

static void test_kn_keeps_its_probability(void **state) {
  (void)state;
  check_probability(false);
}

static void test_check_and_kn_keep_their_probability(void **state) {
  (void)state;
  check_probability(true);
}

static void test_guarantee_by_hand(void **state) {
  (void)state;
  /* No noise: everything is decided after the first stage. Design 2 is cheapest and violates, 1 is next. */
  Fake fake = {.seed = 1, .n_metrics = 2, .mean = {{3, -1}, {2, -1}, {1, 1}, {5, -1}}};
  TuneProblem problem = {.n_constraints = 1, .evaluate = fake_evaluate, .context = &fake};
  double epsilon = 0.1;
  GuaranteeOptions options = {.alpha_check = 0.025, .alpha_select = 0.025, .indifference = 0.5, .tolerance = &epsilon, .first_replications = 5};
  size_t design[4];
  all_designs(design, 4);
  Arena arena = {0};
  Err err = {0};
  TuneSamples samples;
  GuaranteeResult result;
  samples_begin(&samples, &arena, &problem, 0);
  assert_true(tune_guarantee(&samples, design, 4, &options, &result, &err));
  assert_true(result.found && result.guaranteed);
  assert_int_equal(result.best, 1);
  assert_int_equal(samples.runs, 20);
  assert_int_equal(result.fate[0], FATE_WORSE);
  assert_int_equal(result.fate[1], FATE_LEFT);
  assert_int_equal(result.fate[2], FATE_INFEASIBLE);
  arena_free(&arena);
}

static void test_guarantee_nothing_feasible_and_budget(void **state) {
  (void)state;
  Fake fake = {.seed = 1, .n_metrics = 2, .mean = {{3, 1}, {2, 2}}, .own = {1, 0.1}};
  TuneProblem problem = {.n_constraints = 1, .evaluate = fake_evaluate, .context = &fake};
  double epsilon = 0.1;
  GuaranteeOptions options = {.alpha_check = 0.025, .alpha_select = 0.025, .indifference = 0.001, .tolerance = &epsilon, .first_replications = 5};
  size_t design[2] = {0, 1};
  Arena arena = {0};
  Err err = {0};
  TuneSamples samples;
  GuaranteeResult result;
  samples_begin(&samples, &arena, &problem, 0);
  assert_true(tune_guarantee(&samples, design, 2, &options, &result, &err));
  assert_false(result.found);
  assert_int_equal(result.n_feasible, 0);
  fake.mean[0][1] = fake.mean[1][1] = -1;
  fake.mean[0][0] = 2; /* equal means, a tiny indifference: the budget ends it */
  options.budget = 200;
  samples_begin(&samples, &arena, &problem, 0);
  assert_true(tune_guarantee(&samples, design, 2, &options, &result, &err));
  assert_true(result.found);
  assert_false(result.guaranteed);
  assert_true(samples.runs <= 200);
  arena_free(&arena);
}

/* ---- halving ---- */

enum { THRESHOLDS = 50 };

/* Cost per unit of work falls with the threshold, the penalty of waiting rises: 1/t + 0.05/(1 - t), t = 40 .. 89 %. Its least value lies
 * near 82 %; eight thresholds are within 1 % of it. */
static void thresholds(Fake *fake) {
  for (int k = 0; k < THRESHOLDS; k++) {
    double t = 0.40 + 0.01 * k;
    fake->mean[k][0] = 1 / t + 0.05 / (1 - t);
  }
}

static bool within(const Fake *fake, size_t design) {
  double best = INFINITY;
  for (int k = 0; k < THRESHOLDS; k++) best = fmin(best, fake->mean[k][0]);
  return fake->mean[design][0] <= best * 1.01;
}

static size_t equal_choice(Fake *fake, uint32_t replications, double *value) {
  size_t best = 0;
  double least = INFINITY;
  for (size_t k = 0; k < THRESHOLDS; k++) {
    TuneJob job = {k, 0, replications};
    double sum = 0;
    fake_evaluate(fake, &job, 1, value, NULL);
    for (uint32_t r = 0; r < replications; r++) sum += value[r];
    if (sum >= least) continue;
    least = sum;
    best = k;
  }
  return best;
}

static int equal_successes(Fake *fake, uint32_t replications, int tunings, double *value) {
  int good = 0;
  for (int t = 0; t < tunings; t++) {
    fake->seed = 5000 + (uint64_t)t;
    good += within(fake, equal_choice(fake, replications, value));
  }
  return good;
}

/* The least number of runs (on a ladder of 10 % steps) with which equal allocation succeeds in 97 %. */
static uint32_t equal_runs(Fake *fake, int tunings, double *value, uint32_t from) {
  uint32_t n = from;
  while (equal_successes(fake, n, tunings, value) < (int)ceil(0.97 * tunings)) n += n / 10 > 0 ? n / 10 : 1;
  return n * THRESHOLDS;
}

static int halving_successes(Fake *fake, uint64_t budget, int tunings, uint64_t *runs) {
  int good = 0;
  size_t design[THRESHOLDS];
  all_designs(design, THRESHOLDS);
  for (int t = 0; t < tunings; t++) {
    Arena arena = {0};
    Err err = {0};
    TuneSamples samples;
    HalvingResult result;
    TuneProblem problem = {.evaluate = fake_evaluate, .context = fake};
    HalvingOptions options = {.budget = budget};
    fake->seed = 5000 + (uint64_t)t;
    samples_begin(&samples, &arena, &problem, 0);
    assert_true(tune_halving(&samples, design, THRESHOLDS, &options, &result, &err));
    assert_true(samples.runs <= budget);
    good += within(fake, result.best);
    *runs += samples.runs;
    arena_free(&arena);
  }
  return good;
}

/* Equal allocation without common random numbers needs eight times the runs and more; with them, too, it needs several times as many. */
static void test_halving_needs_an_eighth(void **state) {
  (void)state;
  int tunings = repetitions(50, 200);
  Fake fake = {.common = {0.3}, .own = {0.1}, .n_metrics = 1};
  double *value = malloc(sizeof *value * 100000);
  thresholds(&fake);
  uint32_t common = equal_runs(&fake, tunings, value, 20);
  fake.independent = true;
  uint32_t independent = equal_runs(&fake, tunings, value, 160);
  fake.independent = false;
  uint64_t runs = 0, runs_common = 0;
  int good = halving_successes(&fake, independent / 8, tunings, &runs);
  int good_common = halving_successes(&fake, common / 4, tunings, &runs_common);
  print_message("97 %% within 1 %%: equal allocation %u runs (%u with common random numbers); halving: %d of %d with %.0f runs, %d with %.0f\n",
                independent, common, good, tunings, (double)runs / tunings, good_common, (double)runs_common / tunings);
  free(value);
  assert_true(good >= (int)ceil(0.97 * tunings));
  assert_true(runs * 8 <= (uint64_t)independent * (uint64_t)tunings);
}

static void test_halving_keeps_constraints(void **state) {
  (void)state;
  /* Cheaper and cheaper; from design 6 on the constraint is violated. */
  Fake fake = {.seed = 3, .n_metrics = 2, .common = {1, 0.2}, .own = {0.05, 0.02}};
  for (size_t k = 0; k < 10; k++) {
    fake.mean[k][0] = 10 - (double)k;
    fake.mean[k][1] = ((double)k - 5.5) * 0.3;
  }
  TuneProblem problem = {.n_constraints = 1, .evaluate = fake_evaluate, .context = &fake};
  size_t design[10];
  all_designs(design, 10);
  Arena arena = {0};
  Err err = {0};
  TuneSamples samples;
  HalvingResult result;
  HalvingOptions options = {.budget = 400};
  samples_begin(&samples, &arena, &problem, 0);
  assert_true(tune_halving(&samples, design, 10, &options, &result, &err));
  assert_int_equal(result.best, 5);
  assert_true(result.feasible);
  assert_true(samples.runs <= 400);
  arena_free(&arena);
}

static void test_halving_small_budgets(void **state) {
  (void)state;
  Fake fake = {.seed = 3, .n_metrics = 1, .own = {0.01}};
  thresholds(&fake);
  TuneProblem problem = {.evaluate = fake_evaluate, .context = &fake};
  size_t design[THRESHOLDS];
  all_designs(design, THRESHOLDS);
  for (uint64_t budget = 0; budget < 300; budget += 7)
    for (size_t n = 1; n <= THRESHOLDS; n += 7) {
      Arena arena = {0};
      Err err = {0};
      TuneSamples samples;
      HalvingResult result;
      HalvingOptions options = {.budget = budget};
      samples_begin(&samples, &arena, &problem, 0);
      assert_true(tune_halving(&samples, design, n, &options, &result, &err));
      assert_true(result.best < n);
      assert_true(samples.runs <= (budget > n ? budget : n) + 4);
      arena_free(&arena);
    }
}

/* ---- the model ---- */

typedef struct Curve {
  Fake fake;
  double x[4096][2];
  size_t n;
} Curve;

static size_t curve_design(void *context, double *x) {
  Curve *curve = context;
  size_t n = curve->n;
  for (int k = 0; k < 2; k++) x[k] = round(x[k] * 200) / 200;
  for (size_t k = 0; k < n; k++)
    if (curve->x[k][0] == x[0] && curve->x[k][1] == x[1]) return k;
  assert_true(n < 4096);
  curve->x[n][0] = x[0];
  curve->x[n][1] = x[1];
  return curve->n++;
}

/* Least at (0.3, 0.8) without the constraint x0 + x1 <= 0.9, which moves it to (0.2, 0.7). */
static double curve_mean(const double *x) { return 1 + 2 * (x[0] - 0.3) * (x[0] - 0.3) + 2 * (x[1] - 0.8) * (x[1] - 0.8); }

static bool curve_evaluate(void *context, const TuneJob *job, size_t n_jobs, double *value, Err *err) {
  Curve *curve = context;
  (void)err;
  for (size_t k = 0; k < n_jobs; k++)
    for (uint32_t r = job[k].first; r < job[k].first + job[k].count; r++) {
      const double *x = curve->x[job[k].design];
      uint32_t d = (uint32_t)job[k].design;
      *value++ = curve_mean(x) + 0.3 * normal(curve->fake.seed, 0, PURPOSE_WORK, r) + 0.02 * normal(curve->fake.seed, 1 + d, PURPOSE_WORK, r);
      *value++ = x[0] + x[1] - 0.9 + 0.02 * normal(curve->fake.seed, 1 + d, PURPOSE_SIZE, r);
    }
  return true;
}

static void test_model_finds_the_best_of_a_curve(void **state) {
  (void)state;
  static const bool category[2] = {false, false};
  int tunings = repetitions(5, 20), good = 0;
  for (int t = 0; t < tunings; t++) {
    Curve *curve = calloc(1, sizeof *curve);
    curve->fake.seed = 77 + (uint64_t)t;
    TuneProblem problem = {.n_constraints = 1, .evaluate = curve_evaluate, .context = curve};
    TuneCube cube = {2, category, curve_design, curve};
    ModelOptions options = {.budget = 200};
    Arena arena = {0};
    Err err = {0};
    TuneSamples samples;
    ModelResult result;
    samples_begin(&samples, &arena, &problem, 0);
    assert_true(tune_model(&samples, &cube, &options, &result, &err));
    assert_true(samples.runs <= 210);
    const double *x = curve->x[result.best];
    double best = 1 + 4 * 0.1 * 0.1;
    good += curve_mean(x) <= best + 0.02 && x[0] + x[1] <= 0.92;
    if (t == 0) print_message("model: %zu designs, best at %.3f %.3f, %.4f (known %.4f)\n", result.n_designs, x[0], x[1], curve_mean(x), best);
    free(curve);
    arena_free(&arena);
  }
  print_message("model: %d of %d near the best\n", good, tunings);
  assert_true(good * 10 >= tunings * 8);
}

/* ---- sensitivity ---- */

static void near(double value, double wanted, double most) {
  if (fabs(value - wanted) <= most) return;
  print_message("%g is not within %g of %g\n", value, most, wanted);
  fail();
}

static double ishigami(const double *x) {
  double pi = 3.14159265358979323846, a = pi * (2 * x[0] - 1), b = pi * (2 * x[1] - 1), c = pi * (2 * x[2] - 1);
  return sin(a) + 7 * sin(b) * sin(b) + 0.1 * c * c * c * c * sin(a);
}

static double linear(const double *x) { return 5 + 4 * x[0] - 2 * x[1] + 0 * x[2]; }

static void evaluate_all(double (*f)(const double *), const double *x, size_t n, double *y) {
  for (size_t k = 0; k < n; k++) y[k] = f(x + 3 * k);
}

static void test_morris_of_a_linear_function(void **state) {
  (void)state;
  enum { R = 8 };
  double x[R * 4 * 3], y[R * 4];
  MorrisEffect effect[3];
  Arena arena = {0};
  morris_points(x, R, 3, 1, &arena);
  for (size_t k = 0; k < R * 4 * 3; k++) assert_true(x[k] >= 0 && x[k] <= 1);
  evaluate_all(linear, x, R * 4, y);
  morris_effects(x, y, R, 3, 1, effect, &arena);
  near(effect[0].mu, 4, 1e-9);
  near(effect[1].mu, -2, 1e-9);
  near(effect[1].mu_star.value, 2, 1e-9);
  near(effect[2].mu_star.value, 0, 1e-9);
  for (int i = 0; i < 3; i++) near(effect[i].sigma, 0, 1e-9);
  near(effect[0].mu_star.low, 4, 1e-9);
  near(effect[0].mu_star.high, 4, 1e-9);
  arena_free(&arena);
}

/* On the grid 0, 1/3, 2/3, 1 every step of x1 in Ishigami's function is from sin^2 = 0 to 3/4 or back: +-7.875 whatever the rest is. */
static void test_morris_of_ishigami(void **state) {
  (void)state;
  enum { R = 200 };
  double *x = malloc(sizeof *x * R * 4 * 3), *y = malloc(sizeof *y * R * 4);
  MorrisEffect effect[3];
  Arena arena = {0};
  morris_points(x, R, 3, 1, &arena);
  evaluate_all(ishigami, x, R * 4, y);
  morris_effects(x, y, R, 3, 1, effect, &arena);
  near(effect[1].mu_star.value, 7.875, 1e-9);
  assert_true(effect[0].sigma > 0.1 && effect[2].sigma > 0.1);
  assert_true(effect[0].mu_star.low < effect[0].mu_star.value && effect[0].mu_star.value < effect[0].mu_star.high);
  free(x);
  free(y);
  arena_free(&arena);
}

static void check_sobol(double (*f)(const double *), const double *first, const double *total, size_t n, double most) {
  double *x = malloc(sizeof *x * n * 5 * 3), *y = malloc(sizeof *y * n * 5), mean, variance;
  SobolIndex index[3];
  Arena arena = {0};
  sobol_points(x, n, 3, &arena);
  evaluate_all(f, x, n * 5, y);
  sobol_indices(y, n, 3, 1, index, &mean, &variance, &arena);
  for (int i = 0; i < 3; i++) {
    near(index[i].first.value, first[i], most);
    near(index[i].total.value, total[i], most);
    assert_true(index[i].first.low <= first[i] && first[i] <= index[i].first.high);
    assert_true(index[i].total.low <= total[i] && total[i] <= index[i].total.high);
  }
  free(x);
  free(y);
  arena_free(&arena);
}

/* Known: a = 7, b = 0.1 give S = 0.3139, 0.4424, 0 and T = 0.5576, 0.4424, 0.2437 (Saltelli et al., 2010, among others). */
static void test_sobol_of_ishigami(void **state) {
  (void)state;
  static const double first[3] = {0.3139, 0.4424, 0}, total[3] = {0.5576, 0.4424, 0.2437};
  check_sobol(ishigami, first, total, 4096, 0.02);
}

/* Variances 16/12 and 4/12: 0.8 and 0.2. */
static void test_sobol_of_a_linear_function(void **state) {
  (void)state;
  static const double share[3] = {0.8, 0.2, 0};
  check_sobol(linear, share, share, 1024, 0.02);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_guarantee_by_hand),
      cmocka_unit_test(test_guarantee_nothing_feasible_and_budget),
      cmocka_unit_test(test_kn_keeps_its_probability),
      cmocka_unit_test(test_check_and_kn_keep_their_probability),
      cmocka_unit_test(test_halving_needs_an_eighth),
      cmocka_unit_test(test_halving_keeps_constraints),
      cmocka_unit_test(test_halving_small_budgets),
      cmocka_unit_test(test_model_finds_the_best_of_a_curve),
      cmocka_unit_test(test_morris_of_a_linear_function),
      cmocka_unit_test(test_morris_of_ishigami),
      cmocka_unit_test(test_sobol_of_ishigami),
      cmocka_unit_test(test_sobol_of_a_linear_function),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
