/* `diurnal`: the rate follows a cosine of mean 1 over each period. The integral of the factor is inverted, so that it composes with any
 * process of arrivals; a whole period maps onto itself, exactly. Inside a period the integral is a cubic Hermite spline over 1,024 steps
 * (its values and slopes are exact at the steps, relative error below 4e-12), inverted by a safeguarded Newton iteration. */
#include "sim/contract/workload.h"
#include "sim/core/maths.h"
#include "sim/core/time.h"

#define DIURNAL_FIELDS(F, C, O, L, M, R, P)                                                                    \
  F(duration, period, "24h", 1e-3, 3.2e9, OPTIONAL, "length of a cycle", "")                                \
  F(number, peak, "1.8", 1, 2, OPTIONAL, "highest rate / mean rate; the lowest is 2 - peak", "")            \
  F(duration, peak_at, "14h", 0, 3.2e9, OPTIONAL, "when the rate is highest; later ones follow each period", "")
typedef struct Diurnal { FIELD_MEMBERS(DIURNAL_FIELDS) } Diurnal;
#define ROW_STRUCT Diurnal
static const Field diurnal_fields[] = {FIELD_ROWS(DIURNAL_FIELDS)};
#undef ROW_STRUCT
static const Type diurnal_type = FIELD_TYPE("diurnal", "a daily wave", Diurnal, diurnal_fields, NULL);

enum { STEPS = 1024 };

typedef struct DiurnalState {
  double step_ns;          /* period / STEPS */
  double done[STEPS + 1];  /* the integral at the steps, in units of step_ns */
  double factor[STEPS + 1];
  size_t at;               /* the step of the last instant */
  int64_t cycle_ns;        /* start of the present cycle, the same in both times */
  int64_t last_ns;         /* results never go back */
} DiurnalState;

static void begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  const Diurnal *diurnal = params;
  DiurnalState *wave = state;
  const double turn = 6.283185307179586476925286766559, depth = diurnal->peak - 1;
  const double peak = (double)(diurnal->peak_at_ns % diurnal->period_ns) / (double)diurnal->period_ns;
  (void)context, (void)arena;
  wave->step_ns = (double)diurnal->period_ns / STEPS;
  wave->at = 0;
  wave->cycle_ns = 0;
  wave->last_ns = 0;
  double start = maths_sin(-turn * peak);
  for (int k = 0; k <= STEPS; k++) {
    double angle = turn * ((double)k / STEPS - peak);
    wave->factor[k] = 1 + depth * maths_cos(angle);
    wave->done[k] = (double)k + depth * (maths_sin(angle) - start) * (STEPS / turn);
  }
  wave->done[STEPS] = STEPS;
  wave->factor[STEPS] = wave->factor[0];
}

/* x in [0, 1] with spline(x) = y on step k; bisection takes over wherever Newton would leave the bracket. */
static double spline_inverse(const DiurnalState *wave, size_t k, double y) {
  const double d0 = wave->factor[k], d1 = wave->factor[k + 1], rise = wave->done[k + 1] - wave->done[k];
  const double c2 = 3 * rise - 2 * d0 - d1, c3 = d0 + d1 - 2 * rise;
  double low = 0, high = 1, x = rise > 0 ? y / rise : 0;
  for (int i = 0; i < 60; i++) {
    double off = ((c3 * x + c2) * x + d0) * x - y;
    if (off > 0) high = x;
    else low = x;
    double slope = (3 * c3 * x + 2 * c2) * x + d0;
    double to = slope > 0 ? x - off / slope : -1;
    if (!(to >= low && to <= high)) to = low + (high - low) / 2;
    double moved = to > x ? to - x : x - to;
    x = to;
    if (moved < (slope > 0.1 ? 1e-6 : 1e-12)) break; /* where slope is not small, what is left is below 1e-13 */
  }
  return x;
}

static int64_t instant(DiurnalState *wave, int64_t period_ns, int64_t work_ns) {
  if (work_ns - wave->cycle_ns >= period_ns) wave->cycle_ns = work_ns - work_ns % period_ns;
  double y = (double)(work_ns - wave->cycle_ns) / wave->step_ns;
  if (wave->done[wave->at] > y) wave->at = 0; /* a new cycle */
  while (wave->at + 1 < STEPS && wave->done[wave->at + 1] <= y) wave->at++;
  double x = (double)wave->at + spline_inverse(wave, wave->at, y - wave->done[wave->at]);
  return wave->cycle_ns + ns_from_double(x * wave->step_ns);
}

static void warp(const void *params, void *state, const WorkloadContext *context, int64_t *instant_ns, size_t n) {
  const Diurnal *diurnal = params;
  DiurnalState *wave = state;
  (void)context;
  for (size_t k = 0; k < n; k++) {
    int64_t real_ns = instant(wave, diurnal->period_ns, instant_ns[k]);
    if (real_ns < wave->last_ns) real_ns = wave->last_ns;
    instant_ns[k] = wave->last_ns = real_ns;
  }
}

extern const RateModel rate_diurnal;
const RateModel rate_diurnal = {
    .model = {.kind = MODEL_RATE,
              .name = "diurnal",
              .summary = "a daily wave around the mean rate",
              .rule = "factor(t) = 1 + (peak - 1) cos(2 pi (t - peak_at) / period): mean 1 over each period, highest at peak_at.",
              .evidence = "counts per interval against the integral of the factor, tests/unit/test_workloads.c",
              .params = &diurnal_type},
    .state_bytes = sizeof(DiurnalState),
    .begin = begin,
    .warp = warp,
};
