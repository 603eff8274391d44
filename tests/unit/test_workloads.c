/* Arrivals: mean rates, variation of gaps, MMPP dispersion, modulated counts and traces against what theory or the trace says; and that
 * nothing depends on how the stream is cut. */
#include <math.h>
#include <string.h>

#include "sim/contract/trace_data.h"
#include "sim/contract/workload.h"
#include "sim/core/rng.h"
#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/testing.h"

#define S NS_PER_S

typedef struct Source {
  Arena arena;
  const Workload *workload;
  const Type *type;
  void *params, *state;
  WorkloadContext context;
  JobBlock block;
} Source;

static Source source_of(const char *name) {
  Source source = {.workload = (const Workload *)model_find(MODEL_WORKLOAD, name), .context = {11, 5, 0, INT64_C(1) << 60}};
  assert_non_null(source.workload);
  source.type = source.workload->model.params;
  source.params = param_new(&source.arena, source.type);
  source.state = arena_alloc(&source.arena, 1, source.workload->state_bytes);
  return source;
}

static void set(Source *source, const char *path, const char *text) { param_set(source->type, source->params, path, text); }

static void begin(Source *source) {
  memset(source->state, 0, source->workload->state_bytes);
  source->workload->begin(source->params, source->state, &source->context, &source->arena);
}

/* Up to `n` arrivals before `until_ns` into arrival; returns how many. Checks order, numbering and bounds. */
static size_t take(Source *source, int64_t *arrival, size_t n, int64_t until_ns) {
  JobBlock *block = &source->block;
  size_t taken = 0;
  while (taken < n) {
    source->workload->next(source->params, source->state, &source->context, block);
    if (block->count == 0) break;
    assert_in_range(block->count, 1, JOB_BLOCK);
    assert_int_equal(block->first_index, taken);
    for (size_t k = 0; k < block->count && taken < n; k++) {
      assert_true(block->arrival_ns[k] >= (taken ? arrival[taken - 1] : 0));
      if (block->arrival_ns[k] >= until_ns) return taken;
      arrival[taken++] = block->arrival_ns[k];
    }
  }
  return taken;
}

/* Mean and coefficient of variation of gaps. */
static void gaps_of(const int64_t *arrival, size_t n, double *mean_s, double *cv) {
  double sum = 0, squares = 0;
  for (size_t k = 0; k < n; k++) {
    double gap = s_from_ns(arrival[k] - (k ? arrival[k - 1] : 0));
    sum += gap, squares += gap * gap;
  }
  *mean_s = sum / (double)n;
  *cv = sqrt(squares / (double)n - *mean_s * *mean_s) / *mean_s;
}

static void renewal(const char *name, const char *cv_text, double cv, double tolerance) {
  enum { N = 200000 };
  Source source = source_of(name);
  int64_t *arrival = ARENA_ARRAY(&source.arena, int64_t, N);
  set(&source, "rate", "40/s");
  if (cv_text) set(&source, "cv", cv_text);
  begin(&source);
  assert_int_equal(take(&source, arrival, N, INT64_MAX), N);
  double mean_s, is;
  gaps_of(arrival, N, &mean_s, &is);
  assert_true(fabs(mean_s * 40 - 1) <= 4 * cv / sqrt(N) + 1e-9);
  assert_true(fabs(is - cv) <= tolerance);
  assert_true(source.workload->mean_rps(source.params, 1) == 40);
  arena_free(&source.arena);
}

static void renewal_processes(void **unused) {
  (void)unused;
  renewal("poisson", NULL, 1, 0.015);
  renewal("constant", NULL, 0, 1e-6);
  renewal("gamma", "2", 2, 0.06);
  renewal("gamma", "0.5", 0.5, 0.006);
  renewal("weibull", "1.5", 1.5, 0.05);
  renewal("weibull", "0.3", 0.3, 0.003);
}

static void constant_does_not_drift(void **unused) {
  (void)unused;
  Source source = source_of("constant");
  int64_t arrival[3000];
  set(&source, "rate", "3/s");
  begin(&source);
  assert_int_equal(take(&source, arrival, 3000, INT64_MAX), 3000);
  assert_int_equal(arrival[0], 333333333);
  assert_int_equal(arrival[2999], 1000 * S);
  arena_free(&source.arena);
}

static void a_rate_of_nothing_ends(void **unused) {
  (void)unused;
  int64_t arrival[10];
  for (const char *const *name = (const char *const[]){"poisson", "constant", "gamma", "none", NULL}; *name; name++) {
    Source source = source_of(*name);
    if (strcmp(*name, "none") != 0) set(&source, "rate", "0/s");
    if (strcmp(*name, "gamma") == 0) set(&source, "cv", "2");
    begin(&source);
    assert_int_equal(take(&source, arrival, 10, INT64_MAX), 0);
    arena_free(&source.arena);
  }
}

/* Job i's gap is draw i of PURPOSE_GAP, whatever the block. */
static void draws_are_addressed_by_job(void **unused) {
  (void)unused;
  enum { N = 1000 };
  Source source = source_of("poisson");
  int64_t arrival[N], sum = 0;
  set(&source, "rate", "7/s");
  begin(&source);
  take(&source, arrival, N, INT64_MAX);
  Stream gap = stream_make(11, 5, PURPOSE_GAP, 0);
  for (uint64_t k = 0; k < N; k++) {
    sum += ns_from_double(-log1p(-stream_uniform(&gap, k)) * (1e9 / 7));
    assert_true(llabs(arrival[k] - sum) <= 2);
  }
  arena_free(&source.arena);
}

/* ---- MMPP: rate and index of dispersion of counts ---- */

/* IDC(t) = 1 + 2 p q (a - b)^2 / (m s) (1 - (1 - exp(-s t)) / (s t)), s the sum of the switching rates (Fischer, Meier-Hellstern 1993). */
static double mmpp_idc(double a, double b, double mean_a, double mean_b, double t) {
  double p = mean_a / (mean_a + mean_b), s = 1 / mean_a + 1 / mean_b, m = p * a + (1 - p) * b;
  return 1 + 2 * p * (1 - p) * (a - b) * (a - b) / (m * s) * (1 - (1 - exp(-s * t)) / (s * t));
}

static void mmpp(void **unused) {
  (void)unused;
  enum { WINDOWS = 40000 };
  Source source = source_of("mmpp");
  size_t most = 3000000;
  int64_t *arrival = ARENA_ARRAY(&source.arena, int64_t, most);
  set(&source, "rate_low", "5/s");
  set(&source, "rate_high", "45/s");
  set(&source, "mean_low", "3s");
  set(&source, "mean_high", "1s");
  assert_true(source.workload->mean_rps(source.params, 1) == 15);
  begin(&source);
  size_t n = take(&source, arrival, most, 4 * (int64_t)WINDOWS * S);
  assert_true(n < most);
  double idc = mmpp_idc(5, 45, 3, 1, 4), sum = 0, squares = 0;
  size_t k = 0;
  for (int w = 0; w < WINDOWS; w++) {
    double count = 0;
    for (; k < n && arrival[k] < 4 * (int64_t)(w + 1) * S; k++) count++;
    sum += count, squares += count * count;
  }
  double mean = sum / WINDOWS, variance = squares / WINDOWS - mean * mean;
  assert_true(fabs(mean / 60 - 1) < 4 * sqrt(mmpp_idc(5, 45, 3, 1, 1e9) * 60 / WINDOWS) / 60);
  assert_true(fabs(variance / mean / idc - 1) < 0.04);
  arena_free(&source.arena);
}

static void mmpp_of_equal_rates_is_poisson(void **unused) {
  (void)unused;
  enum { N = 5000 };
  Source poisson = source_of("poisson"), both = source_of("mmpp");
  int64_t a[N], b[N];
  set(&poisson, "rate", "20/s");
  set(&both, "rate_low", "20/s");
  set(&both, "rate_high", "20/s");
  set(&both, "mean_low", "100ms");
  set(&both, "mean_high", "200ms");
  begin(&poisson);
  begin(&both);
  take(&poisson, a, N, INT64_MAX);
  take(&both, b, N, INT64_MAX);
  for (int k = 0; k < N; k++) assert_true(llabs(a[k] - b[k]) <= k + 1); /* one rounds each gap, the other each instant */
  set(&both, "rate_low", "0/s"); /* nothing in quiet spells */
  begin(&both);
  assert_int_equal(take(&both, b, N, INT64_MAX), N);
  arena_free(&poisson.arena);
  arena_free(&both.arena);
}

/* ---- rate models ---- */

typedef struct Warp {
  Arena arena;
  const RateModel *rate;
  const Type *type;
  void *params, *state;
} Warp;

static Warp warp_of(const char *name) {
  Warp warp = {.rate = (const RateModel *)model_find(MODEL_RATE, name)};
  assert_non_null(warp.rate);
  warp.type = warp.rate->model.params;
  warp.params = param_new(&warp.arena, warp.type);
  warp.state = arena_alloc(&warp.arena, 1, warp.rate->state_bytes);
  return warp;
}

static void warp_begin(Warp *warp) {
  const WorkloadContext context = {11, 5, 0, INT64_C(1) << 60};
  memset(warp->state, 0, warp->rate->state_bytes);
  warp->rate->begin(warp->params, warp->state, &context, &warp->arena);
}

static void warp_all(Warp *warp, int64_t *instant, size_t n) {
  const WorkloadContext context = {11, 5, 0, INT64_C(1) << 60};
  warp->rate->warp(warp->params, warp->state, &context, instant, n);
}

static int64_t warped(Warp *warp, int64_t instant) {
  warp_all(warp, &instant, 1);
  return instant;
}

static void diurnal_inverts_the_integral(void **unused) {
  (void)unused;
  const double turn = 2 * M_PI, period = 86400, peak_at = 50400;
  for (const char *const *peak = (const char *const[]){"1", "1.3", "1.8", "2", NULL}; *peak; peak++) {
    Warp warp = warp_of("diurnal");
    double depth = atof(*peak) - 1;
    param_set(warp.type, warp.params, "peak", *peak);
    warp_begin(&warp);
    int64_t before = 0;
    for (int64_t t = 0; t < 3 * 86400 * S; t += 37 * S + 12345) {
      int64_t real = warped(&warp, t);
      assert_true(real >= before);
      before = real;
      double r = s_from_ns(real);
      double integral = r + depth * period / turn * (sin(turn * (r - peak_at) / period) + sin(turn * peak_at / period));
      assert_true(fabs(integral - s_from_ns(t)) < 2e-9 * period / 2); /* relative 1e-9 of a period */
      if (depth == 0) assert_int_equal(real, t);
    }
    assert_int_equal(warped(&warp, 864000 * S), 864000 * S); /* whole periods map onto themselves */
    arena_free(&warp.arena);
  }
}

static void diurnal_counts(void **unused) {
  (void)unused;
  enum { N = 400000 };
  Source source = source_of("constant");
  Warp warp = warp_of("diurnal");
  int64_t *arrival = ARENA_ARRAY(&source.arena, int64_t, N);
  set(&source, "rate", "2/s");
  param_set(warp.type, warp.params, "peak_at", "6h");
  begin(&source);
  warp_begin(&warp);
  take(&source, arrival, N, INT64_MAX);
  warp_all(&warp, arrival, N);
  int64_t morning = 0, evening = 0; /* 0..12 h has 1/2 + 0.8 / pi of the day's 172,800 */
  for (int k = 0; k < N; k++) {
    if (arrival[k] <= 12 * 3600 * S) morning++;
    else if (arrival[k] <= 24 * 3600 * S) evening++;
  }
  assert_in_range(morning, (int64_t)(172800 * (0.5 + 0.8 / M_PI)) - 1, (int64_t)(172800 * (0.5 + 0.8 / M_PI)) + 1);
  assert_int_equal(morning + evening, 172800);
  arena_free(&source.arena);
  arena_free(&warp.arena);
}

static void set_points(Warp *warp, size_t n, const char *const (*text)[2]) {
  const Type *type;
  char *item = param_list(&warp->arena, warp->type, warp->params, "points", n, &type);
  for (size_t k = 0; k < n; k++) {
    param_set(type, item + k * type->size, "at", text[k][0]);
    param_set(type, item + k * type->size, "factor", text[k][1]);
  }
}

static void steps(void **unused) {
  (void)unused;
  Warp warp = warp_of("steps");
  const char *const points[][2] = {{"10s", "1"}, {"20s", "3"}, {"30s", "0"}, {"40s", "0.5"}};
  set_points(&warp, 4, points);
  warp_begin(&warp);
  assert_int_equal(warped(&warp, 0), 0);
  assert_int_equal(warped(&warp, 5 * S + 7), 5 * S + 7); /* before the first point */
  assert_int_equal(warped(&warp, 20 * S), 20 * S);
  assert_int_equal(warped(&warp, 23 * S), 21 * S);
  assert_int_equal(warped(&warp, 23 * S + 1), 21 * S); /* a third of a ns */
  assert_int_equal(warped(&warp, 50 * S - 3), 30 * S - 1);
  assert_int_equal(warped(&warp, 50 * S), 40 * S); /* nothing in [30, 40) */
  assert_int_equal(warped(&warp, 51 * S), 42 * S);
  arena_free(&warp.arena);
}

static void steps_end_and_checks(void **unused) {
  (void)unused;
  Warp warp = warp_of("steps");
  const char *const points[][2] = {{"0s", "2"}, {"10s", "0"}};
  set_points(&warp, 2, points);
  warp_begin(&warp);
  assert_int_equal(warped(&warp, 19 * S), 9 * S + S / 2);
  assert_true(warped(&warp, 20 * S + 1) > 1000000000 * S); /* never */
  Err err = {.count = 0};
  assert_true(warp.type->check(warp.params, &err));
  const char *const wrong[][2] = {{"5s", "2"}, {"5s", "0"}};
  set_points(&warp, 2, wrong);
  assert_false(warp.type->check(warp.params, &err));
  assert_string_equal(err.item[0].path, "points[1].at");
  arena_free(&warp.arena);
}

static void ramp(void **unused) {
  (void)unused;
  Warp warp = warp_of("ramp");
  const char *const points[][2] = {{"0s", "1"}, {"10s", "3"}, {"20s", "0"}};
  set_points(&warp, 3, points);
  param_set(warp.type, warp.params, "interpolate", "linear");
  warp_begin(&warp);
  int64_t before = 0;
  for (int64_t t = 0; t < 35 * S; t += S / 100 + 1) {
    int64_t real = warped(&warp, t);
    assert_true(real >= before);
    before = real;
    double r = s_from_ns(real);
    double integral = r < 10 ? r + 0.1 * r * r : 20 + 3 * (r - 10) - 0.15 * (r - 10) * (r - 10);
    assert_true(fabs(integral - s_from_ns(t)) < 5e-9);
  }
  arena_free(&warp.arena);
}

/* Cutting the stream elsewhere changes nothing. */
static void warps_do_not_depend_on_blocks(void **unused) {
  (void)unused;
  for (const char *const *name = (const char *const[]){"diurnal", "steps", NULL}; *name; name++) {
    Warp warp = warp_of(*name);
    const char *const points[][2] = {{"0s", "1"}, {"1h", "0.3"}, {"2h", "4"}};
    if (strcmp(*name, "steps") == 0) {
      set_points(&warp, 3, points);
      param_set(warp.type, warp.params, "interpolate", "linear");
    }
    int64_t a[1000], b[1000];
    for (int k = 0; k < 1000; k++) a[k] = b[k] = (int64_t)k * 123456789012 + k % 3;
    warp_begin(&warp);
    warp_all(&warp, a, 1000);
    warp_begin(&warp);
    for (size_t at = 0, n = 1; at < 1000; at += n, n = n * 5 % 37 + 1) warp_all(&warp, b + at, at + n < 1000 ? n : 1000 - at);
    assert_memory_equal(a, b, sizeof a);
    arena_free(&warp.arena);
  }
}

/* ---- replay ---- */

static Source replay_of(const TraceData *data) {
  Source source = source_of("replay");
  TraceFile *file = param_at(source.type, source.params, "trace");
  file->data = data;
  return source;
}

enum { ROWS = 700 };
typedef struct Rows {
  int64_t arrival[ROWS];
  uint32_t input[ROWS], output[ROWS];
  TraceData data;
} Rows;

static void rows_make(Rows *rows) {
  int64_t at = 0;
  for (uint32_t k = 0; k < ROWS; k++) {
    rows->arrival[k] = at;
    rows->input[k] = 3 * k, rows->output[k] = 1000 - k;
    at += (k % 4) * 100000001; /* some rows share their instant */
  }
  rows->data = (TraceData){.count = ROWS, .arrival_ns = rows->arrival, .input = rows->input, .output = rows->output, .span_ns = at + 5};
}

static void replay_is_the_rows(void **unused) {
  (void)unused;
  Rows rows;
  rows_make(&rows);
  Source source = replay_of(&rows.data);
  JobBlock block;
  size_t n = 0;
  begin(&source);
  for (;;) {
    source.workload->next(source.params, source.state, &source.context, &block);
    if (!block.count) break;
    for (size_t k = 0; k < block.count; k++, n++) {
      assert_int_equal(block.arrival_ns[k], rows.arrival[n]);
      assert_int_equal(block.input[k], rows.input[n]);
      assert_int_equal(block.output[k], rows.output[n]);
    }
  }
  assert_int_equal(n, ROWS);
  assert_true(source.workload->brings_sizes_of(source.params));
  rows.data.input = rows.data.output = NULL;
  assert_false(source.workload->brings_sizes_of(source.params));
  arena_free(&source.arena);
}

static void replay_scales(void **unused) {
  (void)unused;
  static const int64_t at[] = {0, 100, 400, 401};
  const TraceData data = {.count = 4, .arrival_ns = at, .span_ns = 1000};
  Source source = replay_of(&data);
  int64_t arrival[100];
  set(&source, "time_scale", "2");
  begin(&source);
  assert_int_equal(take(&source, arrival, 100, INT64_MAX), 4);
  assert_int_equal(arrival[1], 50);
  assert_int_equal(arrival[2], 200);
  assert_int_equal(arrival[3], 200); /* 200.5, to even */
  set(&source, "time_scale", "1");
  set(&source, "rate_scale", "2");
  begin(&source);
  assert_int_equal(take(&source, arrival, 100, INT64_MAX), 8);
  static const int64_t twice[] = {0, 50, 100, 250, 400, 400, 401, 701}; /* halves to even: 0.5 to 0, 299.5 to 300 */
  assert_memory_equal(arrival, twice, sizeof twice);
  set(&source, "rate_scale", "1");
  set(&source, "repeat", "true");
  begin(&source);
  assert_int_equal(take(&source, arrival, 11, INT64_MAX), 11);
  assert_int_equal(arrival[10], 2400);
  arena_free(&source.arena);
}

static void replay_thins_and_copies_by_chance(void **unused) {
  (void)unused;
  Rows rows;
  rows_make(&rows);
  Source source = replay_of(&rows.data);
  int64_t *arrival = ARENA_ARRAY(&source.arena, int64_t, 70000);
  set(&source, "repeat", "true");
  for (const char *const *scale = (const char *const[]){"0.3", "2.6", NULL}; *scale; scale++) {
    set(&source, "rate_scale", *scale);
    begin(&source);
    size_t n = take(&source, arrival, 70000, 30 * rows.data.span_ns);
    double f = atof(*scale), expected = 30.0 * ROWS * f, spread = sqrt(30.0 * ROWS * (f - floor(f)) * (1 - f + floor(f)));
    assert_true(fabs((double)n - expected) < 4 * spread);
  }
  set(&source, "rate_scale", "0");
  begin(&source);
  assert_int_equal(take(&source, arrival, 10, INT64_MAX), 0);
  arena_free(&source.arena);
}

static void replay_counts(void **unused) {
  (void)unused;
  static const int64_t count[] = {3, 0, 1000, 1, 0, 5000};
  const TraceData data = {.count = 6, .interval_count = count, .interval_ns = 60 * S, .span_ns = 360 * S};
  Source source = replay_of(&data);
  int64_t arrival[10000];
  for (const char *const *spread = (const char *const[]){"uniform", "even", NULL}; *spread; spread++) {
    set(&source, "spread", *spread);
    begin(&source);
    size_t n = take(&source, arrival, 10000, INT64_MAX), found[6] = {0};
    double phase = 0;
    assert_int_equal(n, 6004);
    for (size_t k = 0; k < n; k++) {
      found[arrival[k] / (60 * S)]++;
      phase += (double)(arrival[k] % (60 * S)) / (60.0 * S);
    }
    for (int k = 0; k < 6; k++) assert_int_equal(found[k], count[k]);
    assert_true(fabs(phase / (double)n - 0.5) < 4 / sqrt(12.0 * 6004));
  }
  assert_int_equal(arrival[0], 10 * S); /* evenly: 10, 30, 50 */
  assert_int_equal(arrival[2], 50 * S);
  assert_false(source.workload->brings_sizes_of(source.params));
  assert_true(fabs(source.workload->mean_rps(source.params, 1) - 6004 / 360.0) < 1e-12);
  arena_free(&source.arena);
}

static void replay_counts_are_uniform_order_statistics(void **unused) {
  (void)unused;
  static const int64_t count[] = {9};
  const TraceData data = {.count = 1, .interval_count = count, .interval_ns = S, .span_ns = S};
  Source source = replay_of(&data);
  enum { ROUNDS = 4000 };
  int64_t *arrival = ARENA_ARRAY(&source.arena, int64_t, 9 * ROUNDS);
  set(&source, "repeat", "true");
  begin(&source);
  assert_int_equal(take(&source, arrival, 9 * ROUNDS, INT64_MAX), 9 * ROUNDS);
  for (int i = 1; i <= 9; i++) {
    double sum = 0;
    for (int r = 0; r < ROUNDS; r++) sum += s_from_ns(arrival[9 * r + i - 1]) - r;
    double mean = i / 10.0, sd = sqrt(i * (10.0 - i) / (100.0 * 11)); /* Beta(i, 10 - i) */
    assert_true(fabs(sum / ROUNDS - mean) < 4 * sd / sqrt(ROUNDS));
  }
  arena_free(&source.arena);
}

static void replay_of_nothing_ends(void **unused) {
  (void)unused;
  static const int64_t count[] = {0, 0};
  const TraceData empty = {.count = 0, .span_ns = 0}, zeros = {.count = 2, .interval_count = count, .interval_ns = S, .span_ns = 2 * S};
  int64_t arrival[4];
  for (const TraceData *const *data = (const TraceData *const[]){&empty, &zeros, NULL}; *data; data++) {
    Source source = replay_of(*data);
    set(&source, "repeat", "true");
    begin(&source);
    assert_int_equal(take(&source, arrival, 4, INT64_MAX), 0);
    arena_free(&source.arena);
  }
}

/* ---- resampling ---- */

/* 240 rows, one a minute for four hours; row k has input k. */
static Source hourly_source(int64_t *arrival, uint32_t *input, TraceData *data) {
  for (int k = 0; k < 240; k++) arrival[k] = k * 60 * S, input[k] = (uint32_t)k;
  *data = (TraceData){.path = "t.csv", .count = 240, .arrival_ns = arrival, .input = input, .span_ns = 4 * 3600 * S};
  return replay_of(data);
}

/* Every job of an hour-long block is the row of some start plus its place in the block, around the end of the trace. */
static void resampling_moves_blocks(void **state) {
  (void)state;
  int64_t arrival[240], out[300];
  uint32_t input[240];
  TraceData data;
  Source source = hourly_source(arrival, input, &data);
  set(&source, "resample.block", "1h");
  int different = 0;
  for (uint32_t replication = 0; replication < 20; replication++) {
    source.context.replication = replication;
    begin(&source);
    size_t n = take(&source, out, 300, INT64_MAX);
    assert_in_range(n, 236, 244); /* a block of an hour has 60 rows, or 59 and 61 by where it starts */
    assert_true(out[n - 1] < 4 * 3600 * S);
    different += out[0] != 0;
  }
  assert_true(different > 15);
  arena_free(&source.arena);
}

/* With a period of an hour and blocks of half an hour, each job keeps its minute. */
static void resampling_keeps_the_hour(void **state) {
  (void)state;
  int64_t arrival[240];
  uint32_t input[240];
  TraceData data;
  Source source = hourly_source(arrival, input, &data);
  set(&source, "resample.block", "30m");
  set(&source, "resample.period", "1h");
  bool moved = false;
  begin(&source);
  JobBlock *block = &source.block;
  source.workload->next(source.params, source.state, &source.context, block);
  assert_int_equal(block->count, 240);
  for (size_t k = 0; k < 240; k++) {
    assert_int_equal(block->arrival_ns[k], (int64_t)k * 60 * S);
    assert_int_equal(block->input[k] % 60, k % 60);
    assert_int_equal(block->input[k] / 30 % 2, k / 30 % 2); /* halves come whole */
    moved = moved || block->input[k] != k;
  }
  assert_true(moved);
  arena_free(&source.arena);
}

/* Counts: whole intervals; every count of a resampled trace is one of the trace, and repeating goes on for ever. */
static void resampled_counts(void **state) {
  (void)state;
  int64_t count[24], out[4000], per_hour[96] = {0};
  TraceData data = {.path = "t.csv", .count = 24, .interval_count = count, .interval_ns = 3600 * S, .span_ns = 24 * 3600 * S};
  for (int k = 0; k < 24; k++) count[k] = k + 1;
  Source source = replay_of(&data);
  set(&source, "resample.block", "90m"); /* rounded up to two intervals */
  set(&source, "repeat", "true");
  begin(&source);
  size_t n = take(&source, out, 4000, 96 * 3600 * S);
  for (size_t k = 0; k < n; k++) per_hour[out[k] / (3600 * S)]++;
  for (int h = 0; h < 96; h += 2) {
    assert_in_range(per_hour[h], 1, 24);
    assert_int_equal(per_hour[h + 1], per_hour[h] % 24 + 1); /* the hour after it, the first after the last */
  }
  arena_free(&source.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(renewal_processes), cmocka_unit_test(constant_does_not_drift), cmocka_unit_test(a_rate_of_nothing_ends),
      cmocka_unit_test(draws_are_addressed_by_job), cmocka_unit_test(mmpp), cmocka_unit_test(mmpp_of_equal_rates_is_poisson),
      cmocka_unit_test(diurnal_inverts_the_integral), cmocka_unit_test(diurnal_counts), cmocka_unit_test(steps),
      cmocka_unit_test(steps_end_and_checks), cmocka_unit_test(ramp), cmocka_unit_test(warps_do_not_depend_on_blocks),
      cmocka_unit_test(resampling_moves_blocks), cmocka_unit_test(resampling_keeps_the_hour), cmocka_unit_test(resampled_counts),
      cmocka_unit_test(replay_is_the_rows), cmocka_unit_test(replay_scales), cmocka_unit_test(replay_thins_and_copies_by_chance),
      cmocka_unit_test(replay_counts), cmocka_unit_test(replay_counts_are_uniform_order_statistics), cmocka_unit_test(replay_of_nothing_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
