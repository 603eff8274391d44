/* Renewal processes: independent gaps with a given mean rate. Gap k is the quantile of draw k of PURPOSE_GAP, rounded to ns; arrivals
 * are the sums of gaps in integers, so nothing depends on the block. The first job comes one gap after the start. */
#include <string.h>

#include "sim/base/check.h"
#include "sim/contract/workload.h"
#include "sim/core/maths.h"
#include "sim/core/time.h"

#define RATE_FIELDS(F, C, O, L, M, R, P) F(rate, rate, NULL, 0, 1e9, REQUIRED, "mean rate of jobs", "")
typedef struct Rate { FIELD_MEMBERS(RATE_FIELDS) } Rate;
#define ROW_STRUCT Rate
static const Field rate_fields[] = {FIELD_ROWS(RATE_FIELDS)};
#undef ROW_STRUCT
static const Type rate_type = FIELD_TYPE("rate", "a mean rate", Rate, rate_fields, NULL);

#define RATE_CV_FIELDS(F, C, O, L, M, R, P) \
  RATE_FIELDS(F, C, O, L, M, R, P)          \
  F(number, cv, NULL, 0.05, 20, REQUIRED, "coefficient of variation of the gaps (standard deviation / mean)", "")
typedef struct RateCv { FIELD_MEMBERS(RATE_CV_FIELDS) } RateCv;
#define ROW_STRUCT RateCv
static const Field rate_cv_fields[] = {FIELD_ROWS(RATE_CV_FIELDS)};
#undef ROW_STRUCT
static const Type rate_cv_type = FIELD_TYPE("rate and cv", "a mean rate and the variation of gaps", RateCv, rate_cv_fields, NULL);

/* Later than every horizon; a stream ends there, so that sums never overflow. */
#define LAST_NS (INT64_C(1) << 62)
#define HUGE_NS 1e300

typedef struct Renewal {
  Stream gap;
  uint64_t index;
  int64_t now_ns;
  double mean_ns;
  Distribution law; /* gamma, Weibull: in ns */
} Renewal;

static void renewal_begin(Renewal *renewal, double rate_rps, const WorkloadContext *context) {
  *renewal = (Renewal){.gap = stream_make(context->seed, context->entity, PURPOSE_GAP, context->replication),
                       .now_ns = rate_rps > 0 ? 0 : LAST_NS,
                       .mean_ns = rate_rps > 0 ? 1e9 / rate_rps : 0};
}

static inline int64_t later(int64_t now_ns, int64_t gap_ns) {
  uint64_t sum = (uint64_t)now_ns + (uint64_t)gap_ns;
  return sum < (uint64_t)LAST_NS ? (int64_t)sum : LAST_NS;
}

/* ns_from_double of values below 2^51, without a branch: what adding 1.5 * 2^52 leaves in the low bits. */
static void small_gaps_to_ns(const double *gap, double scale, int64_t *gap_ns) {
  const double magic = 6755399441055744.0;
  int64_t of_magic, bits;
  memcpy(&of_magic, &magic, sizeof magic);
  for (size_t k = 0; k < JOB_BLOCK; k++) {
    double moved = gap[k] * scale + magic;
    memcpy(&bits, &moved, sizeof bits);
    gap_ns[k] = bits - of_magic;
  }
}

static void block_end(Renewal *renewal, int64_t now_ns, JobBlock *block) {
  renewal->now_ns = now_ns;
  renewal->index += JOB_BLOCK;
  block->count = JOB_BLOCK;
}

/* Sums gaps (ns, times scale) into arrivals; each gap is at most `longest`. */
static void renewal_sum(Renewal *renewal, const double *gap, double scale, double longest_ns, JobBlock *block) {
  int64_t now_ns = renewal->now_ns, gap_ns[JOB_BLOCK];
  if (longest_ns < 2251799813685248.0) { /* 2^51; a block of those cannot overflow */
    small_gaps_to_ns(gap, scale, gap_ns);
    for (size_t k = 0; k < JOB_BLOCK; k++) block->arrival_ns[k] = now_ns += gap_ns[k];
  } else {
    for (size_t k = 0; k < JOB_BLOCK; k++) block->arrival_ns[k] = now_ns = later(now_ns, ns_from_double(gap[k] * scale));
  }
  block_end(renewal, now_ns, block);
}

/* Starts a block; false at the end of the stream. */
static bool block_begin(const Renewal *renewal, JobBlock *block) {
  block->first_index = renewal->index;
  block->count = 0;
  return renewal->now_ns < LAST_NS;
}

static void rate_begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  (void)arena;
  renewal_begin(state, ((const Rate *)params)->rate_rps, context);
}

static void poisson_next(const void *params, void *state, const WorkloadContext *context, JobBlock *block) {
  Renewal *renewal = state;
  double gap[JOB_BLOCK];
  (void)params, (void)context;
  if (!block_begin(renewal, block)) return;
  stream_uniforms(&renewal->gap, renewal->index, JOB_BLOCK, gap);
  maths_exponential_quantiles(gap, JOB_BLOCK, gap);
  renewal_sum(renewal, gap, renewal->mean_ns, 40 * renewal->mean_ns, block); /* -log(2^-53) is below 37 */
}

/* Deterministic gaps: job k at (k + 1) / rate, without drift. */
static void constant_next(const void *params, void *state, const WorkloadContext *context, JobBlock *block) {
  Renewal *renewal = state;
  (void)params, (void)context;
  if (!block_begin(renewal, block)) return;
  for (size_t k = 0; k < JOB_BLOCK; k++)
    block->arrival_ns[k] = ns_from_double((double)(renewal->index + k + 1) * renewal->mean_ns);
  block_end(renewal, block->arrival_ns[JOB_BLOCK - 1], block);
}

static void law_begin(Renewal *renewal, const RateCv *params, Distribution (*make)(double, double), const WorkloadContext *context,
                      Arena *arena) {
  renewal_begin(renewal, params->rate_rps, context);
  if (renewal->now_ns == LAST_NS) return;
  Err err = {.count = 0};
  renewal->law = make(renewal->mean_ns, params->cv);
  CHECK(distribution_prepare(&renewal->law, arena, &err));
}

static void gamma_begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  law_begin(state, params, distribution_gamma_mean_cv, context, arena);
}

static void weibull_begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  law_begin(state, params, distribution_weibull_mean_cv, context, arena);
}

static void law_next(const void *params, void *state, const WorkloadContext *context, JobBlock *block) {
  Renewal *renewal = state;
  double gap[JOB_BLOCK];
  (void)params, (void)context;
  if (!block_begin(renewal, block)) return;
  stream_uniforms(&renewal->gap, renewal->index, JOB_BLOCK, gap);
  distribution_quantiles(&renewal->law, gap, JOB_BLOCK, gap);
  renewal_sum(renewal, gap, 1, HUGE_NS, block);
}

static double mean_rps(const void *params, int64_t horizon_ns) {
  (void)horizon_ns;
  return ((const Rate *)params)->rate_rps;
}


static double mean_cv_rps(const void *params, int64_t horizon_ns) {
  (void)horizon_ns;
  return ((const RateCv *)params)->rate_rps;
}

#define RENEWAL(id, name_, summary_, rule_, type_, begin_, next_, mean_)                                             \
  extern const Workload workload_##id;                                                                               \
  const Workload workload_##id = {                                                                                   \
      .model = {.kind = MODEL_WORKLOAD, .name = name_, .summary = summary_, .rule = rule_,                           \
                .evidence = "mean rate and variation of gaps against theory, tests/unit/test_workloads.c",           \
                .params = type_},                                                                                    \
      .state_bytes = sizeof(Renewal), .begin = begin_, .next = next_, .mean_rps = mean_}

RENEWAL(poisson, "poisson", "independent exponential gaps: many independent users", "gap = -log(1 - u) / rate.", &rate_type, rate_begin,
        poisson_next, mean_rps);
RENEWAL(constant, "constant", "equal gaps: a timer or a load generator", "job k (from 1) arrives at k / rate.", &rate_type, rate_begin,
        constant_next, mean_rps);
RENEWAL(gamma, "gamma", "independent gamma gaps with a given variation: bursty (cv > 1) or regular (cv < 1)",
        "gap = gamma quantile of mean 1 / rate and coefficient of variation cv.", &rate_cv_type, gamma_begin, law_next, mean_cv_rps);
RENEWAL(weibull, "weibull", "independent Weibull gaps with a given variation: heavier tails than gamma",
        "gap = Weibull quantile of mean 1 / rate and coefficient of variation cv.", &rate_cv_type, weibull_begin, law_next, mean_cv_rps);
