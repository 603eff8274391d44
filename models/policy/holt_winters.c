/* `holt-winters`: scales ahead of the load by additive triple exponential smoothing of the offered rate (forecast.h). Until one season has
 * been seen it follows the rate of now. */
#include "models/policy/forecast.h"

#define HOLT_WINTERS_FIELDS(F, C, O, L, M, R, P)                                                                           \
  F(duration, season, "1d", 1e-3, 2678400, OPTIONAL, "after this long the load repeats; a whole number of intervals", "")  \
  F(duration, interval, "5m", 1e-3, 86400, OPTIONAL, "the rate is smoothed as its mean over each of these", "")            \
  F(ratio, alpha, "0.3", 0, 1, OPTIONAL, "weight of the newest rate in the level", "Winters 1960")                         \
  F(ratio, beta, "0.05", 0, 1, OPTIONAL, "weight of the newest change in the trend", "Winters 1960")                       \
  F(ratio, gamma, "0.3", 0, 1, OPTIONAL, "weight of the newest difference in the season", "Winters 1960")                  \
  F(duration, horizon, "5m", 0, 86400, OPTIONAL, "looks this far ahead: how long a new replica takes, its node included; at most a season", "") \
  F(ratio, headroom, "1.2", 0.01, 100, OPTIONAL, "capacity wished / rate foreseen", "")                                    \
  F(rate, replica_rate, "0/s", 0, 1e9, OPTIONAL, "what one replica serves; 0: concurrency / mean service time, or as measured", "") \
  F(duration, scale_down_window, "5m", 0, 86400, OPTIONAL, "scales down to the highest wish of this long", "")
typedef struct HoltWintersParams { FIELD_MEMBERS(HOLT_WINTERS_FIELDS) } HoltWintersParams;
#define ROW_STRUCT HoltWintersParams
static const Field holt_winters_fields[] = {FIELD_ROWS(HOLT_WINTERS_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const HoltWintersParams *params = value;
  if (!season_check(params->season_ns, params->interval_ns, err)) return false;
  if (params->horizon_ns > params->season_ns) return err_at(err, "horizon", "is longer than the season");
  return true;
}

static const Type holt_winters_type = FIELD_TYPE("holt-winters", "triple exponential smoothing", HoltWintersParams, holt_winters_fields, check);

typedef struct HoltWintersState {
  RateIntervals intervals;
  Wishes wishes;
  HoltWinters model; /* last: it ends in the season */
} HoltWintersState;

static Smoothing smoothing_of(const HoltWintersParams *params) {
  return (Smoothing){params->alpha_ratio, params->beta_ratio, params->gamma_ratio, params->season_ns / params->interval_ns};
}

static size_t state_bytes_of(const void *params) {
  return offsetof(HoltWintersState, model) + holt_winters_bytes(smoothing_of(params).season);
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const HoltWintersParams *by = params;
  HoltWintersState *seen = state;
  const Smoothing smoothing = smoothing_of(by);
  RateOf closed[CLOSED_AT_ONCE];
  int n = intervals_add(&seen->intervals, by->interval_ns, observation, closed);
  for (int k = 0; k < n; k++) holt_winters_add(&seen->model, &smoothing, closed[k]);
  RateWish wish = {observation->has_metrics ? observation->offered_rps : __builtin_nan(""), replica_serves_rps(by->replica_rate_rps, observation),
                   by->headroom_ratio, by->scale_down_window_ns, "no whole season yet: the rate of now"};
  if (holt_winters_ready(&seen->model, &smoothing)) {
    int64_t to = interval_of(observation->now_ns + by->horizon_ns, by->interval_ns);
    int64_t from = most(seen->model.last + 1, interval_of(observation->now_ns + 1, by->interval_ns));
    wish.rate_rps = holt_winters_peak_rps(&seen->model, &smoothing, from, most(to, from));
    wish.reason = "the rate foreseen";
  }
  rate_wish(&wish, &seen->wishes, observation, decision);
}

extern const Policy policy_holt_winters;
const Policy policy_holt_winters = {
    .model = {.kind = MODEL_POLICY,
              .name = "holt-winters",
              .summary = "scales ahead by triple exponential smoothing of the offered rate",
              .rule = "y = mean offered rate of each `interval`; the first season gives level = its mean, trend = 0, season = y - level; then\n"
                      "level' = alpha (y - season) + (1 - alpha) (level + trend), trend' = beta (level' - level) + (1 - beta) trend,\n"
                      "season' = gamma (y - level - trend) + (1 - gamma) season.\n"
                      "foreseen = the highest level + k trend + season of the intervals from now to now + `horizon`, the rate of now until there is a season.\n"
                      "raw = ceil(foreseen x headroom / what a replica serves). A lower wish waits until it is the highest of `scale_down_window`.\n"
                      "Then the bounds. Requests and variant stay.",
              .evidence = "recursions of Hyndman and Athanasopoulos 7.3; 17 hand-computed cases in tests/unit/test_predictive.c",
              .params = &holt_winters_type},
    .state_bytes_of = state_bytes_of,
    .decide = decide,
};
