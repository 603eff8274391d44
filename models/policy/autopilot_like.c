/* `autopilot-like`: the moving-window recommender of Google's Autopilot for CPU limits, and its horizontal part. Source: Rzadca et al.,
 * "Autopilot: workload autoscaling at Google", EuroSys 2020, sections 3.2 and 3.4; the program itself was never published. Left out: the
 * ensemble of learned models, and memory, which is not simulated. Where the paper gives no number (N of S_peak, the buckets' edges, which
 * margin for which limit, min and max) the number here is ours, and the field's help says so. Bucket k counts as its upper edge b[k]. */
#include "models/policy/tracking.h"
#include "models/policy/vpa_histogram.h"
#include "sim/core/maths.h"
#include "sim/core/time.h"

typedef enum Statistic { STATISTIC_PEAK, STATISTIC_AVERAGE, STATISTIC_PERCENTILE } Statistic;
static const char *const statistic_names[] = {"S_peak", "S_avg", "S_pj", NULL};
typedef enum HistoryStatistic { HISTORY_MAX, HISTORY_P95 } HistoryStatistic;
static const char *const history_statistic_names[] = {"max", "P95", NULL};

enum { HISTORY_MOST = 4032 };

#define AUTOPILOT_HORIZONTAL_FIELDS(F, C, O, L, M, R, P)                                                                              \
  F(ratio, target, NULL, 1e-6, 1e6, REQUIRED, "r*: utilisation of the limit to hold, set by the job's owner", "section 3.4")                 \
  C(statistic, history_statistic_names, "max", "S: of the job's use over the history; the paper offers both", "section 3.4")             \
  F(duration, history, "72h", 60, 1e7, OPTIONAL, "T: so far back; at most 4032 windows", "section 3.4")                                  \
  F(duration, defer_downscaling, "2d", 0, 1e7, OPTIONAL, "T_d: downscales to the highest recommendation of this long; 0: at once", "section 3.4: 40 % of jobs use 2 days, 35 % 3 days") \
  F(duration, slow_decay, "1h", 0, 1e7, OPTIONAL, "tasks go every window, as many as halve their number over this long, at least one; 0: at once", "section 3.4: 98 % of jobs use 1 h") \
  F(ratio, ignore_changes, "0", 0, 1, OPTIONAL, "no change of at most this share of the tasks", "section 3.4, defer small changes; no number given") \
  F(ratio, initialising, "100%", 0, 1, OPTIONAL, "growth: at most this share of the tasks may be starting", "section 3.4, limiting growth; no number given")
typedef struct AutopilotHorizontal { FIELD_MEMBERS(AUTOPILOT_HORIZONTAL_FIELDS) } AutopilotHorizontal;
#define ROW_STRUCT AutopilotHorizontal
static const Field autopilot_horizontal_fields[] = {FIELD_ROWS(AUTOPILOT_HORIZONTAL_FIELDS)};
#undef ROW_STRUCT
static const Type autopilot_horizontal_type =
    FIELD_TYPE("autopilot_horizontal", "the number of tasks", AutopilotHorizontal, autopilot_horizontal_fields, NULL);

#define AUTOPILOT_FIELDS(F, C, O, L, M, R, P)                                                                                          \
  F(flag, vertical, "true", 0, 1, OPTIONAL, "sets the CPU limit of each task", "section 3.2")                                           \
  C(statistic, statistic_names, "S_pj", "batch jobs: S_avg; serving jobs: S_pj", "section 3.2.1")                                      \
  F(ratio, percentile, "95%", 0, 1, OPTIONAL, "j of S_pj: 95 %, or 90 % for less latency-sensitive jobs", "section 3.2.1")              \
  F(duration, half_life, "12h", 1, 1e7, OPTIONAL, "a window this old weighs half as much as a new one", "section 3.2.1: 12 h for CPU")  \
  F(duration, peak_window, "1h", 0, 1e7, OPTIONAL, "N of S_peak: the highest use of this long", "N is not given in the paper")          \
  F(ratio, margin, "15%", 0, 10, OPTIONAL, "added to the statistic", "section 3.2.1: 10 to 15 %, less for large limits; which is not given") \
  F(duration, hold, "1h", 0, 1e7, OPTIONAL, "the limit is the highest recommendation of this long", "section 3.2.1")                    \
  F(duration, window, "5m", 1, 86400, OPTIONAL, "use is gathered in histograms of this long", "section 3.2.1")                         \
  F(cpu, min, "10m", 0.001, 1e6, OPTIONAL, "limit at least", "")                                                                       \
  F(cpu, max, "0", 0, 1e6, OPTIONAL, "limit at most; 0: what the nodes can give", "")                                                   \
  P(horizontal, AutopilotHorizontal, &autopilot_horizontal_type, "the number of tasks as well; absent: it stays")
typedef struct Autopilot { FIELD_MEMBERS(AUTOPILOT_FIELDS) } Autopilot;
#define ROW_STRUCT Autopilot
static const Field autopilot_fields[] = {FIELD_ROWS(AUTOPILOT_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Autopilot *autopilot = value;
  const AutopilotHorizontal *horizontal = autopilot->horizontal;
  if (autopilot->max_millicores > 0 && autopilot->min_millicores > autopilot->max_millicores) return err_at(err, "min", "is above max");
  if (horizontal && horizontal->history_ns / autopilot->window_ns > HISTORY_MOST)
    return err_at(err, "horizontal.history", "is more than %d windows", HISTORY_MOST);
  return true;
}

static const Type autopilot_type = FIELD_TYPE("autopilot-like", "moving-window limits, and the number of tasks", Autopilot, autopilot_fields, check);

typedef struct AutopilotState {
  bool begun, has_scrape;
  int64_t scrape_ns;   /* newest sample taken */
  int64_t window_ns;   /* where the open window begins */
  /* the open window */
  int64_t samples, scrapes;
  double bucket_sum_cores, bucket_most_cores, use_sum_cores;
  /* the closed ones */
  VpaHistogram samples_decayed; /* sum over windows of w s[k] */
  double mean_sum_cores, weight_sum; /* of S_avg, as of the newest closed window */
  int64_t closed_ns;
  Wishes peaks, limits, tasks;
  double history_cores[HISTORY_MOST], ranked_cores[HISTORY_MOST]; /* the job's use by window: a ring, and in order */
  int n_history, oldest;
} AutopilotState;

static double halved(int64_t age_ns, int64_t half_life_ns) {
  const double ln_2 = 0.69314718055994530942;
  return maths_exp(-ln_2 * (double)age_ns / (double)half_life_ns);
}

static double bucket_cores(const VpaBuckets *buckets, int bucket) { return vpa_bucket_start(buckets, bucket + 1); }

/* ---- the signal ---- */

/* All samples of a window have its weight: that of its beginning. */
static void take_samples(AutopilotState *state, const Observation *seen) {
  int64_t newest_ns = state->scrape_ns;
  bool took = false;
  VpaHistogram *histogram = &state->samples_decayed;
  for (int64_t k = 0; k < seen->n_replicas; k++) {
    const ReplicaView *view = &seen->replica[k];
    if (!view->has_sample || !(view->usage_millicores >= 0) || (state->has_scrape && view->sampled_ns <= state->scrape_ns)) continue;
    double cores = view->usage_millicores < 1e12 ? view->usage_millicores / 1000 : 1e9;
    double edge_cores = bucket_cores(&histogram->buckets, vpa_bucket_find(&histogram->buckets, cores));
    vpa_histogram_add(histogram, cores, 1, state->window_ns);
    state->samples++;
    state->bucket_sum_cores += edge_cores;
    if (edge_cores > state->bucket_most_cores) state->bucket_most_cores = edge_cores;
    state->use_sum_cores += cores;
    if (!took || view->sampled_ns > newest_ns) newest_ns = view->sampled_ns;
    took = true;
  }
  if (!took) return;
  state->scrapes++;
  state->has_scrape = true;
  state->scrape_ns = newest_ns;
}

static int rank_of(const AutopilotState *state, int n, double cores) {
  int low = 0, high = n;
  while (low < high) {
    int middle = (low + high) / 2;
    if (state->ranked_cores[middle] < cores) low = middle + 1;
    else high = middle;
  }
  return low;
}

static void remember(AutopilotState *state, int most_windows, double cores) {
  int n = state->n_history;
  if (n == most_windows) {
    for (int k = rank_of(state, n--, state->history_cores[state->oldest]); k < n; k++) state->ranked_cores[k] = state->ranked_cores[k + 1];
    state->history_cores[state->oldest] = cores;
    state->oldest = (state->oldest + 1) % most_windows;
  } else {
    state->history_cores[n] = cores;
  }
  int at = rank_of(state, n, cores);
  for (int k = n; k > at; k--) state->ranked_cores[k] = state->ranked_cores[k - 1];
  state->ranked_cores[at] = cores;
  state->n_history = n + 1;
}

/* Closes the open window, if it is over; true if it held a sample. */
static bool close_window(const Autopilot *autopilot, AutopilotState *state, int64_t now_ns) {
  if (now_ns - state->window_ns < autopilot->window_ns) return false;
  bool has = state->samples > 0;
  if (has) {
    double fade = halved(state->window_ns - state->closed_ns, autopilot->half_life_ns);
    state->mean_sum_cores = state->mean_sum_cores * fade + state->bucket_sum_cores / (double)state->samples;
    state->weight_sum = state->weight_sum * fade + 1;
    state->closed_ns = state->window_ns;
    wishes_add(&state->peaks, now_ns, autopilot->peak_window_ns, rounded_up(state->bucket_most_cores * 1e6), 0);
    if (autopilot->horizontal) {
      int64_t windows = most(autopilot->horizontal->history_ns / autopilot->window_ns, 1);
      remember(state, (int)least(windows, HISTORY_MOST), state->use_sum_cores / (double)state->scrapes);
    }
  }
  state->window_ns = now_ns;
  state->samples = state->scrapes = 0;
  state->bucket_sum_cores = state->bucket_most_cores = state->use_sum_cores = 0;
  return has;
}

/* ---- the limit of one task ---- */

/* The percentile of use by load: in bucket k a sample weighs b[k]. */
static double adjusted_percentile_cores(const VpaHistogram *histogram, double j) {
  double total = 0, sum = 0;
  int k = histogram->lowest;
  for (int b = k; b <= histogram->highest; b++) total += histogram->weight[b] * bucket_cores(&histogram->buckets, b);
  for (; k < histogram->highest; k++) {
    sum += histogram->weight[k] * bucket_cores(&histogram->buckets, k);
    if (sum >= j * total) break;
  }
  return bucket_cores(&histogram->buckets, k);
}

static double statistic_cores(const Autopilot *autopilot, const AutopilotState *state) {
  switch ((Statistic)autopilot->statistic) {
  case STATISTIC_PEAK: return (double)state->peaks.wish[0].value / 1e6;
  case STATISTIC_AVERAGE: return state->mean_sum_cores / state->weight_sum;
  case STATISTIC_PERCENTILE: return adjusted_percentile_cores(&state->samples_decayed, autopilot->percentile_ratio);
  }
  return 0;
}

static const char *set_limit(const Autopilot *autopilot, AutopilotState *state, const Observation *seen, Decision *decision) {
  decision->metric = statistic_cores(autopilot, state);
  int64_t raw = rounded_up(decision->metric * (1 + autopilot->margin_ratio) * 1000);
  int64_t held = wishes_add(&state->limits, seen->now_ns, autopilot->hold_ns, raw, 0);
  int64_t high = autopilot->max_millicores > 0 ? autopilot->max_millicores : most(seen->cap_millicores, seen->request_millicores);
  int64_t limit = least(most(held, autopilot->min_millicores), high);
  decision->target = (double)limit / 1000;
  if (!autopilot->vertical || seen->request_millicores <= 0) return "the limit is not set";
  decision->request_millicores = limit;
  decision_step(decision, "Recommend a limit", "limit as recommended", limit == seen->request_millicores,
                limit == seen->request_millicores ? "keep" : "scale_vertically()", MODEL_STATE_NONE, (double)seen->request_millicores / 1000,
                decision->target);
  if (limit != held) return limit < held ? "limit at its maximum" : "limit at its minimum";
  return held != raw ? "limit held by an earlier recommendation" : "limit as recommended";
}

/* ---- the number of tasks ---- */

static double history_use_cores(const AutopilotState *state, HistoryStatistic statistic) {
  int n = state->n_history;
  if (statistic == HISTORY_MAX) return state->ranked_cores[n - 1];
  return state->ranked_cores[(95 * n + 99) / 100 - 1]; /* the least value that 95 % do not exceed */
}

static int64_t decayed(const AutopilotHorizontal *horizontal, int64_t window_ns, int64_t tasks, int64_t wish) {
  if (wish >= tasks || horizontal->slow_decay_ns <= 0) return wish;
  return most(wish, tasks - most(rounded_up((double)tasks * (1 - halved(window_ns, horizontal->slow_decay_ns))), 1));
}

static int64_t grown(const AutopilotHorizontal *horizontal, int64_t tasks, int64_t ready, int64_t wish) {
  if (wish <= tasks || horizontal->initialising_ratio >= 1) return wish;
  double allowed = (double)ready / (1 - horizontal->initialising_ratio) * (1 + 1e-12); /* 8 / 0.8 is 10 */
  return most(tasks, allowed < (double)wish ? (int64_t)allowed : wish);
}

static const char *set_tasks(const Autopilot *autopilot, AutopilotState *state, const Observation *seen, Decision *decision) {
  const AutopilotHorizontal *horizontal = autopilot->horizontal;
  const int64_t now_tasks = seen->replicas;
  double task_cores = horizontal->target_ratio * (double)decision->request_millicores / 1000;
  if (!(task_cores > 0)) return "no CPU limit to divide by";
  int64_t raw = rounded_up(history_use_cores(state, (HistoryStatistic)horizontal->statistic) / task_cores);
  int64_t stable = horizontal->defer_downscaling_ns > 0 ? wishes_add(&state->tasks, seen->now_ns, horizontal->defer_downscaling_ns, raw, 0) : raw;
  int64_t change = stable > now_tasks ? stable - now_tasks : now_tasks - stable;
  int64_t tolerated = (double)change <= horizontal->ignore_changes_ratio * (double)now_tasks ? now_tasks : stable;
  int64_t paced = grown(horizontal, now_tasks, seen->replicas_ready, decayed(horizontal, autopilot->window_ns, now_tasks, tolerated));
  int64_t low = most(seen->min_replicas, 1);
  decision->replicas = most(low, least(paced, seen->max_replicas));
  decision->raw_replicas = (double)raw;
  decision->stabilised = (double)stable;
  decision->after_tolerance = (double)tolerated;
  decision->rate_limited = (double)paced;
  decision_step(decision, "Recommend the number of tasks", "tasks as recommended", decision->replicas == now_tasks,
                decision->replicas == now_tasks ? "keep" : "scale_horizontally()", MODEL_STATE_NONE, (double)now_tasks, (double)decision->replicas);
  if (decision->replicas != paced) return paced < low ? "at the minimum of replicas" : "at the maximum of replicas";
  if (paced != tolerated) return paced > tolerated ? "slow decay" : "growth limited";
  if (tolerated != stable) return "small change deferred";
  return stable != raw ? "downscaling deferred" : "tasks as recommended";
}

/* ---- deciding ---- */

static void begin(const Autopilot *autopilot, AutopilotState *state, int64_t now_ns) {
  const VpaBuckets buckets = vpa_buckets_cpu();
  if (state->begun) return;
  state->begun = true;
  state->window_ns = state->closed_ns = now_ns;
  state->peaks.begun = state->limits.begun = state->tasks.begun = true; /* only recommendations count, not what was there before */
  vpa_histogram_begin(&state->samples_decayed, &buckets, autopilot->half_life_ns);
}

static void decide(const void *params, void *memory, const Observation *observation, Decision *decision) {
  const Autopilot *autopilot = params;
  AutopilotState *state = memory;
  begin(autopilot, state, observation->now_ns);
  bool closed = close_window(autopilot, state, observation->now_ns);
  decision->reason = state->weight_sum > 0 ? "within a window" : "no window of use yet";
  if (closed) {
    decision->reason = set_limit(autopilot, state, observation, decision);
    if (autopilot->horizontal) decision->reason = set_tasks(autopilot, state, observation, decision);
  } else {
    decision_step(decision, "Gather use", "a window with samples is over", 0, "keep", MODEL_STATE_NONE, __builtin_nan(""), __builtin_nan(""));
  }
  take_samples(state, observation); /* of this instant: they belong to the window that begins here */
}

static void timing(const void *params, PolicyTiming *timing) {
  const Autopilot *autopilot = params;
  timing->period_ns = least(60 * NS_PER_S, autopilot->window_ns);
  timing->scrape_ns = timing->window_ns = least(15 * NS_PER_S, autopilot->window_ns);
  timing->lag_ns = 0;
}

extern const Policy policy_autopilot_like;
const Policy policy_autopilot_like = {
    .model = {.kind = MODEL_POLICY,
              .name = "autopilot-like",
              .summary = "after Google's Autopilot: CPU limits from a decaying moving window, and the number of tasks",
              .rule = "Each look's samples go into histograms of `window`, which weigh 2^(-age / half_life). At every window's end, the statistic over\n"
                      "them: S_peak, the highest of `peak_window`; S_avg, the weighted mean of the windows' means; S_pj, the percentile of use in\n"
                      "which a sample weighs by its own size. limit = the highest of the last `hold` of statistic x (1 + margin), in place, for all.\n"
                      "With `horizontal`: n = ceil(S over `history` of the job's use / (target x limit)); down only to the highest n of\n"
                      "`defer_downscaling`; small changes are ignored; then as many tasks go in each window as halve their number over\n"
                      "`slow_decay`, and as many come as leave the share of starting ones below `initialising`. The paper's learned models, and\n"
                      "memory, are not here.",
              .evidence = "from the paper, unverified: 20 hand-computed runs in tests/unit/test_autopilot.c",
              .params = &autopilot_type},
    .reads_replicas = true,
    .state_bytes = sizeof(AutopilotState),
    .timing = timing,
    .resizes = true,
    .decide = decide,
};
