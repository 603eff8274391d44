/* `mark-like`: proactive provisioning by a short forecast and a margin, on the most cost-effective variant. Source: Zhang et al., MArk, USENIX
 * ATC 2019. What differs: a straight line through the last rates instead of an LSTM; of instance types only the deployment's variants, which
 * cost the same an hour; no batching, no spot or burstable instances, no Lambda functions for what was not foreseen. */
#include "models/policy/forecast.h"

#define MARK_FIELDS(F, C, O, L, M, R, P)                                                                                   \
  F(duration, interval, "1m", 1e-3, 86400, OPTIONAL, "the rate is kept as its mean over each of these", "MArk: requests per minute") \
  F(integer, history, "10", 1, 60, OPTIONAL, "the line is drawn through so many of the newest", "")                       \
  F(duration, horizon, "5m", 0, 86400, OPTIONAL, "plans for the highest rate foreseen up to so far ahead", "MArk: start-up of an instance and its model") \
  F(ratio, over_provision, "10%", 0, 100, OPTIONAL, "margin on the rate foreseen", "")                                    \
  F(flag, choose_variant, "false", 0, 1, OPTIONAL, "also wishes the variant that serves most for the money", "MArk, 4: cost per request") \
  F(ratio, accuracy, "0%", 0, 1, OPTIONAL, "of the variants that are at least so accurate", "")                           \
  F(rate, replica_rate, "0/s", 0, 1e9, OPTIONAL, "what one replica serves; 0: concurrency / mean service time, or as measured", "") \
  F(duration, scale_down_window, "5m", 0, 86400, OPTIONAL, "scales down to the highest wish of this long", "")
typedef struct Mark { FIELD_MEMBERS(MARK_FIELDS) } Mark;
#define ROW_STRUCT Mark
static const Field mark_fields[] = {FIELD_ROWS(MARK_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Mark *mark = value;
  if (mark->choose_variant && mark->replica_rate_rps > 0) return err_at(err, "choose_variant", "cannot go with `replica_rate`: each variant has its own");
  return true;
}

static const Type mark_type = FIELD_TYPE("mark-like", "a short forecast and a margin", Mark, mark_fields, check);

enum { HISTORY_MOST = 60 };
typedef struct MarkState {
  RateIntervals intervals;
  Wishes wishes;
  int count;
  int64_t last; /* interval of the newest */
  double mean_rps[HISTORY_MOST]; /* oldest first */
} MarkState;

/* Intervals without a sample are like the one before them. */
static void push(const Mark *mark, MarkState *seen, RateOf rate) {
  int64_t missing = seen->count > 0 ? least(rate.index - seen->last - 1, mark->history) : 0;
  for (int64_t k = 0; k <= missing; k++) {
    double value = k < missing ? seen->mean_rps[seen->count - 1] : rate.mean_rps;
    if (seen->count == (int)mark->history) {
      for (int j = 1; j < seen->count; j++) seen->mean_rps[j - 1] = seen->mean_rps[j];
      seen->count--;
    }
    seen->mean_rps[seen->count++] = value;
  }
  seen->last = rate.index;
}

/* The higher end of the line from the next interval to that of the horizon; at least the rate of now, which no plan may undercut before it falls. */
static double foreseen_rps(const Mark *mark, const MarkState *seen, const Observation *observation) {
  double now_rps = observation->has_metrics ? observation->offered_rps : __builtin_nan("");
  if (seen->count == 0) return now_rps;
  int64_t from = most(seen->last + 1, interval_of(observation->now_ns + 1, mark->interval_ns));
  int64_t to = most(from, interval_of(observation->now_ns + mark->horizon_ns, mark->interval_ns));
  double first = line_at(seen->mean_rps, seen->count, (double)(seen->count - 1) + (double)(from - seen->last));
  double last = line_at(seen->mean_rps, seen->count, (double)(seen->count - 1) + (double)(to - seen->last));
  double high = first > last ? first : last;
  if (now_rps > high) high = now_rps;
  return high > 0 ? high : 0;
}

/* The variant with the least service time, so the most jobs for the money; the first of equals. The present one if none is accurate enough. */
static int best_variant(const Mark *mark, const Observation *observation) {
  int best = -1;
  for (int k = 0; k < observation->variants; k++) {
    const VariantView *view = &observation->variant_view[k];
    if (!(view->mean_service_s > 0) || view->accuracy_ratio < mark->accuracy_ratio) continue;
    if (best < 0 || view->mean_service_s < observation->variant_view[best].mean_service_s) best = k;
  }
  return best < 0 ? observation->variant : best;
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const Mark *mark = params;
  MarkState *seen = state;
  RateOf closed[CLOSED_AT_ONCE];
  int n = intervals_add(&seen->intervals, mark->interval_ns, observation, closed);
  for (int k = 0; k < n; k++) push(mark, seen, closed[k]);
  if (mark->choose_variant) decision->variant = best_variant(mark, observation);
  Observation wished = *observation; /* what a replica serves is that of the variant wished */
  wished.variant = decision->variant;
  RateWish wish = {foreseen_rps(mark, seen, observation), replica_serves_rps(mark->replica_rate_rps, &wished), 1 + mark->over_provision_ratio,
                   mark->scale_down_window_ns, seen->count > 0 ? "the rate foreseen" : "no whole interval yet: the rate of now"};
  rate_wish(&wish, &seen->wishes, observation, decision);
}

extern const Policy policy_mark;
const Policy policy_mark = {
    .model = {.kind = MODEL_POLICY,
              .name = "mark-like",
              .summary = "a short forecast with a margin, on the most cost-effective variant",
              .rule = "foreseen = the highest of the rate of now and the least-squares line through the mean offered rates of the last `history`\n"
                      "intervals, from the next interval to now + `horizon`.\n"
                      "raw = ceil(foreseen x (1 + over_provision) / what a replica serves). A lower wish waits until it is the highest of\n"
                      "`scale_down_window`. Then the bounds. With `choose_variant`: of the variants at least as accurate as `accuracy` the one with\n"
                      "the least service time, as all cost the same an hour.",
              .evidence = "from the paper (ATC 2019), unverified: 13 hand-computed cases in tests/unit/test_mark.c; no LSTM, batching, spot, burstable or Lambda instances",
              .params = &mark_type},
    .state_bytes = sizeof(MarkState),
    .decide = decide,
};
