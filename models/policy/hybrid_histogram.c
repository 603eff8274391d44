/* `hybrid-histogram-like`: unloads at once and loads again ahead of the next job, by a histogram of the idle times seen. Source: Shahrad et
 * al., Serverless in the Wild, USENIX ATC 2020, section 4. What differs: arrivals between looks are known to half a metric window; idle
 * times out of the histogram's range are foreseen as the mean of the last few, not by ARIMA. */
#include "models/policy/idle.h"
#include "sim/core/time.h"

#define HYBRID_HISTOGRAM_FIELDS(F, C, O, L, M, R, P)                                                                       \
  F(duration, bin, "1m", 1e-3, 86400, OPTIONAL, "width of a bin of idle times", "Shahrad et al., ATC 2020, 4.2")           \
  F(duration, range, "4h", 1e-3, 2678400, OPTIONAL, "idle times up to this are in the histogram; a whole number of bins", "Shahrad et al., ATC 2020, 4.2") \
  F(ratio, head, "5%", 0, 1, OPTIONAL, "loaded ahead of this quantile of the idle times", "Shahrad et al., ATC 2020, 4.2") \
  F(ratio, tail, "99%", 0, 1, OPTIONAL, "kept until this quantile", "Shahrad et al., ATC 2020, 4.2")                       \
  F(ratio, margin, "10%", 0, 1, OPTIONAL, "sooner and later by this share", "Shahrad et al., ATC 2020, 4.2")               \
  F(number, cv, "2", 0, 1e6, OPTIONAL, "the histogram counts only if its bins' counts vary at least so much (standard deviation / mean)", "Shahrad et al., ATC 2020, 4.2") \
  F(integer, idle_times, "1", 1, 1e6, OPTIONAL, "and only if it holds so many", "")                                        \
  F(ratio, out_of_range, "50%", 0, 1, OPTIONAL, "with more than this share out of range, the mean of the last 8 counts", "Shahrad et al., ATC 2020, 4.2: ARIMA") \
  F(ratio, out_of_range_margin, "15%", 0, 1, OPTIONAL, "margin of that", "Shahrad et al., ATC 2020, 4.2")
typedef struct HybridHistogram { FIELD_MEMBERS(HYBRID_HISTOGRAM_FIELDS) } HybridHistogram;
#define ROW_STRUCT HybridHistogram
static const Field hybrid_histogram_fields[] = {FIELD_ROWS(HYBRID_HISTOGRAM_FIELDS)};
#undef ROW_STRUCT

enum { HISTOGRAM_BINS = 10000, RECENT = 8 };

static bool check(const void *value, Err *err) {
  const HybridHistogram *params = value;
  if (params->range_ns % params->bin_ns != 0) return err_at(err, "range", "is not a whole number of bins");
  if (params->range_ns / params->bin_ns > HISTOGRAM_BINS) return err_at(err, "bin", "is too short: the range has at most %d of them", HISTOGRAM_BINS);
  if (params->head_ratio > params->tail_ratio) return err_at(err, "head", "is above the tail");
  return true;
}

static const Type hybrid_histogram_type = FIELD_TYPE("hybrid-histogram-like", "keep-alive by idle times", HybridHistogram, hybrid_histogram_fields, check);

typedef struct HistogramState {
  Idle idle;
  int64_t in_range, out_of_range; /* idle times */
  double squares;                 /* of the bins' counts, summed */
  int64_t recent[RECENT];         /* the newest idle times, a ring */
  int64_t n_recent;               /* ever */
  int64_t bin[];
} HistogramState;

static int64_t bins(const HybridHistogram *params) { return params->range_ns / params->bin_ns; }
static size_t state_bytes_of(const void *params) { return sizeof(HistogramState) + (size_t)bins(params) * sizeof(int64_t); }

static void count(const HybridHistogram *params, HistogramState *seen, int64_t idle_ns, int64_t times) {
  int64_t k = idle_ns / params->bin_ns;
  if (times <= 0) return;
  if (k < bins(params)) {
    double before = (double)seen->bin[k];
    seen->bin[k] += times;
    seen->squares += (double)seen->bin[k] * (double)seen->bin[k] - before * before;
    seen->in_range += times;
  } else seen->out_of_range += times;
}

static void learn(const HybridHistogram *params, HistogramState *seen, const Came *came) {
  if (came->jobs == 0) return;
  count(params, seen, 0, came->jobs - 1);
  if (!came->after_idle) return;
  count(params, seen, came->idle_ns, 1);
  seen->recent[seen->n_recent++ % RECENT] = came->idle_ns;
}

/* The bin in which the running count reaches this share of all in range. */
static int64_t quantile_bin(const HybridHistogram *params, const HistogramState *seen, double share) {
  const double slack = 1e-9;
  double reached = 0, wanted = share * (double)seen->in_range * (1 - slack);
  for (int64_t k = 0; k < bins(params); k++) {
    reached += (double)seen->bin[k];
    if (reached > 0 && reached >= wanted) return k;
  }
  return bins(params) - 1;
}

static double recent_mean_ns(const HistogramState *seen) {
  int64_t n = least(seen->n_recent, RECENT);
  double sum = 0;
  for (int64_t k = 0; k < n; k++) sum += (double)seen->recent[k];
  return n > 0 ? sum / (double)n : 0;
}

/* (deviation / mean)^2 = n squares / sum^2 - 1 for n bins. */
static bool says_something(const HybridHistogram *params, const HistogramState *seen) {
  double sum = (double)seen->in_range;
  return seen->in_range >= params->idle_times && (double)bins(params) * seen->squares >= (1 + params->cv * params->cv) * sum * sum;
}

static Warm warm_window(const HybridHistogram *params, const HistogramState *seen) {
  int64_t all = seen->in_range + seen->out_of_range;
  if (seen->n_recent > 0 && (double)seen->out_of_range > params->out_of_range_ratio * (double)all) {
    double mean_ns = recent_mean_ns(seen);
    return (Warm){ns_from_double(mean_ns * (1 - params->out_of_range_margin_ratio)), ns_from_double(mean_ns * (1 + params->out_of_range_margin_ratio))};
  }
  if (!says_something(params, seen)) return (Warm){0, params->range_ns};
  double head_ns = (double)(quantile_bin(params, seen, params->head_ratio) * params->bin_ns);
  double tail_ns = (double)((quantile_bin(params, seen, params->tail_ratio) + 1) * params->bin_ns);
  return (Warm){ns_from_double(head_ns * (1 - params->margin_ratio)), ns_from_double(tail_ns * (1 + params->margin_ratio))};
}

static void timing(const void *params, PolicyTiming *timing) {
  (void)params;
  timing->window_ns = timing->scrape_ns; /* else a job seems to come for a minute */
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const HybridHistogram *by = params;
  HistogramState *seen = state;
  const Came came = idle_look(&seen->idle, observation);
  learn(by, seen, &came);
  const Warm warm = warm_window(by, seen);
  keep_warm(&warm, &seen->idle, observation, decision);
}

extern const Policy policy_hybrid_histogram;
const Policy policy_hybrid_histogram = {
    .model = {.kind = MODEL_POLICY,
              .name = "hybrid-histogram-like",
              .summary = "unloads at once and loads ahead of the next job, by a histogram of idle times",
              .rule = "while jobs wait or are in service: max(replicas, ceil(jobs / concurrency)); the first job at no replicas asks at once.\n"
                      "idle: no replica (but the minimum) until `from`, one until `until`, none after, where idle times of the past give\n"
                      "from = lower edge of the bin of the `head` quantile x (1 - margin), until = upper edge of that of `tail` x (1 + margin);\n"
                      "out of range in more than `out_of_range` of the cases: the mean of the last 8 idle times x (1 -+ `out_of_range_margin`);\n"
                      "with bins that vary too little (standard deviation / mean < cv), or too few idle times: 0 and `range`.\n"
                      "from = 0 keeps what is there until `until`. A single replica goes by itself after until - from.",
              .evidence = "from the paper (ATC 2020), unverified: 15 hand-computed cases in tests/unit/test_keep_alive.c; ARIMA is left out",
              .params = &hybrid_histogram_type},
    .asks = ASK_AT_ZERO,
    .state_bytes_of = state_bytes_of,
    .timing = timing,
    .decide = decide,
};
