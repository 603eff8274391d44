/* `seasonal-naive`: what came at this time of the last season will come again. The forecast every other one has to beat. Until one season
 * has been seen it follows the rate of now. */
#include "models/policy/forecast.h"

static const char *const aggregates[] = {"max", "mean", NULL};
typedef enum Aggregate { AGGREGATE_MAX, AGGREGATE_MEAN } Aggregate;

#define SEASONAL_NAIVE_FIELDS(F, C, O, L, M, R, P)                                                                         \
  F(duration, season, "1d", 1e-3, 2678400, OPTIONAL, "after this long the load repeats; a whole number of intervals", "")  \
  F(duration, interval, "1m", 1e-3, 86400, OPTIONAL, "the rate is kept as its mean over each of these", "")                \
  F(duration, look_ahead, "10m", 0, 86400, OPTIONAL, "from now to so far ahead, one season ago, is what counts; at most a season", "") \
  C(of, aggregates, "max", "the highest or the mean rate of those intervals", "")                                        \
  F(ratio, headroom, "1.2", 0.01, 100, OPTIONAL, "capacity wished / rate foreseen", "")                                    \
  F(rate, replica_rate, "0/s", 0, 1e9, OPTIONAL, "what one replica serves; 0: concurrency / mean service time, or as measured", "") \
  F(duration, scale_down_window, "5m", 0, 86400, OPTIONAL, "scales down to the highest wish of this long", "")
typedef struct SeasonalNaive { FIELD_MEMBERS(SEASONAL_NAIVE_FIELDS) } SeasonalNaive;
#define ROW_STRUCT SeasonalNaive
static const Field seasonal_naive_fields[] = {FIELD_ROWS(SEASONAL_NAIVE_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const SeasonalNaive *params = value;
  if (!season_check(params->season_ns, params->interval_ns, err)) return false;
  if (params->look_ahead_ns > params->season_ns) return err_at(err, "look_ahead", "is longer than the season");
  return true;
}

static const Type seasonal_naive_type = FIELD_TYPE("seasonal-naive", "the same time last season", SeasonalNaive, seasonal_naive_fields, check);

typedef struct Slot {
  bool filled;
  RateOf rate;
} Slot;
typedef struct SeasonalNaiveState {
  RateIntervals intervals;
  Wishes wishes;
  Slot slot[]; /* by interval mod (season + 1): the season before the newest, and the newest */
} SeasonalNaiveState;

static int64_t slots(const SeasonalNaive *params) { return params->season_ns / params->interval_ns + 1; }
static size_t state_bytes_of(const void *params) { return sizeof(SeasonalNaiveState) + (size_t)slots(params) * sizeof(Slot); }

/* Over the intervals from..to that have been seen; NaN if none has. */
static double foreseen_rps(const SeasonalNaive *params, const SeasonalNaiveState *seen, int64_t from, int64_t to) {
  double peak = 0, sum = 0;
  int64_t n = 0;
  for (int64_t k = most(from, 0); k <= to; k++) {
    const Slot *slot = &seen->slot[k % slots(params)];
    if (!slot->filled || slot->rate.index != k) continue;
    if (slot->rate.mean_rps > peak) peak = slot->rate.mean_rps;
    sum += slot->rate.mean_rps;
    n++;
  }
  if (n == 0) return __builtin_nan("");
  return params->of == AGGREGATE_MAX ? peak : sum / (double)n;
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const SeasonalNaive *by = params;
  SeasonalNaiveState *seen = state;
  RateOf closed[CLOSED_AT_ONCE];
  int n = intervals_add(&seen->intervals, by->interval_ns, observation, closed);
  for (int k = 0; k < n; k++) seen->slot[closed[k].index % slots(by)] = (Slot){true, closed[k]};
  RateWish wish = {observation->has_metrics ? observation->offered_rps : __builtin_nan(""), replica_serves_rps(by->replica_rate_rps, observation),
                   by->headroom_ratio, by->scale_down_window_ns, "not seen before: the rate of now"};
  int64_t then_ns = observation->now_ns - by->season_ns;
  if (then_ns >= 0) {
    int64_t from = interval_of(then_ns + 1, by->interval_ns);
    double foreseen = foreseen_rps(by, seen, from, most(interval_of(then_ns + by->look_ahead_ns, by->interval_ns), from));
    if (foreseen >= 0) {
      wish.rate_rps = foreseen;
      wish.reason = "as a season ago";
    }
  }
  rate_wish(&wish, &seen->wishes, observation, decision);
}

extern const Policy policy_seasonal_naive;
const Policy policy_seasonal_naive = {
    .model = {.kind = MODEL_POLICY,
              .name = "seasonal-naive",
              .summary = "what came at this time of the last season comes again",
              .rule = "foreseen = the highest (or mean) of the mean offered rates of the intervals from now - season to now - season + look_ahead,\n"
                      "those not seen left out; the rate of now where none has been seen.\n"
                      "raw = ceil(foreseen x headroom / what a replica serves). A lower wish waits until it is the highest of `scale_down_window`.\n"
                      "Then the bounds. Requests and variant stay.",
              .evidence = "13 hand-computed cases in tests/unit/test_predictive.c",
              .params = &seasonal_naive_type},
    .state_bytes_of = state_bytes_of,
    .decide = decide,
};
