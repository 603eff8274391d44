/* `sageserve-like`: a plan of replicas each hour from a forecast, and corrections within the hour. Source: SageServe (arXiv 2502.14617) and its
 * simulator at 635bcbd2: global_arbiter.py (an hourly plan for the highest rate foreseen from 20 to 60 minutes ahead), arbiter.py (a ledger
 * of changes drawn above 50 % and below 25 % of memory, one a spin-up; beyond the plan above 90 %, or above a multiple of the forecast) and
 * README.md (the names of the strategies, of which only `immediate` is written there; the others are as their names say).
 * What differs: Holt-Winters instead of ARIMA; one model, one region and one kind of GPU, where the integer programme comes to
 * ceil(rate / rate of an instance); slots in use instead of memory in use; no spot instances lent out; there only one replica an hour goes
 * beyond the plan, as the ledger is negative then, here as many as the load asks for. */
#include "models/policy/forecast.h"

static const char *const strategies[] = {"immediate", "delay_changes", "keep_maximum_instances", "keep_minimum_instances", NULL};
typedef enum SageStrategy { SAGE_IMMEDIATE, SAGE_DELAY_CHANGES, SAGE_KEEP_MAXIMUM, SAGE_KEEP_MINIMUM } SageStrategy;

#define SAGESERVE_FIELDS(F, C, O, L, M, R, P)                                                                              \
  C(post_processing_strategy, strategies, "immediate", "what becomes of a new plan: taken at once; drawn step by step as the load asks; the higher, or the lower, of this and the last plan", "SageServe README") \
  F(duration, long_term_scaling_interval, "1h", 1, 86400, OPTIONAL, "a plan for each of these", "SageServe configs/global_arbiter/milp.yaml 3600") \
  F(duration, look_from, "20m", 0, 86400, OPTIONAL, "the plan is for the highest rate foreseen from here", "SageServe global_arbiter.py") \
  F(duration, look_to, "60m", 0, 86400, OPTIONAL, "to here; at most a season", "SageServe global_arbiter.py")            \
  F(duration, season, "1d", 1, 2678400, OPTIONAL, "after this long the load repeats; a whole number of intervals", "")   \
  F(duration, interval, "5m", 1e-3, 86400, OPTIONAL, "the rate is smoothed as its mean over each of these", "")          \
  F(ratio, headroom, "1.1", 0.01, 100, OPTIONAL, "capacity planned / rate foreseen", "")                                 \
  F(rate, replica_rate, "0/s", 0, 1e9, OPTIONAL, "what one replica serves; 0: concurrency / mean service time, or as measured", "model_tps") \
  F(ratio, draw_up, "50%", 0, 1e6, OPTIONAL, "delay_changes: one more above this share of slots in use", "SageServe arbiter.py: memory 0.5") \
  F(ratio, draw_down, "25%", 0, 1e6, OPTIONAL, "one fewer below it", "SageServe arbiter.py: memory 0.25")                \
  F(ratio, beyond, "90%", 0, 1e6, OPTIONAL, "one more than planned above it", "SageServe arbiter.py: memory 0.9")        \
  F(ratio, scaling_threshold, "5", 0, 1e6, OPTIONAL, "or when so many times the rate foreseen for now comes", "SageServe arbiter.py: scaling_threshhold, a value of the paper, unverified") \
  F(duration, spin_up, "155s", 0, 86400, OPTIONAL, "one such step in this time", "SageServe configs/arbiter_repo 155")
typedef struct Sageserve { FIELD_MEMBERS(SAGESERVE_FIELDS) } Sageserve;
#define ROW_STRUCT Sageserve
static const Field sageserve_fields[] = {FIELD_ROWS(SAGESERVE_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Sageserve *params = value;
  if (!season_check(params->season_ns, params->interval_ns, err)) return false;
  if (params->look_from_ns > params->look_to_ns) return err_at(err, "look_from", "is after look_to");
  if (params->look_to_ns > params->season_ns) return err_at(err, "look_to", "is longer than the season");
  if (params->draw_down_ratio > params->draw_up_ratio) return err_at(err, "draw_down", "is above draw_up");
  return true;
}

static const Type sageserve_type = FIELD_TYPE("sageserve-like", "an hourly plan, corrected", Sageserve, sageserve_fields, check);

typedef struct SageserveState {
  RateIntervals intervals;
  bool planned;
  int64_t plan_number; /* of the interval it is for */
  int64_t plan;        /* replicas of this interval's plan */
  int64_t changes;     /* of the plan, still to be drawn: > 0 more, < 0 fewer */
  bool stepped;
  int64_t stepped_ns;
  HoltWinters model; /* last: it ends in the season */
} SageserveState;

/* The default smoothing of holt-winters; that forecast stands in for ARIMA and is not what this policy is about. */
static Smoothing smoothing_of(const Sageserve *params) {
  return (Smoothing){0.3, 0.05, 0.3, params->season_ns / params->interval_ns};
}

static size_t state_bytes_of(const void *params) { return offsetof(SageserveState, model) + holt_winters_bytes(smoothing_of(params).season); }

/* The highest forecast from..to from now; the rate of now until there is a season. */
static double foreseen_rps(const Sageserve *params, const SageserveState *seen, const Observation *observation, int64_t from_ns, int64_t to_ns) {
  const Smoothing smoothing = smoothing_of(params);
  if (!holt_winters_ready(&seen->model, &smoothing)) return observation->has_metrics ? observation->offered_rps : __builtin_nan("");
  int64_t from = most(seen->model.last + 1, interval_of(observation->now_ns + from_ns + 1, params->interval_ns));
  int64_t to = most(from, interval_of(observation->now_ns + to_ns, params->interval_ns));
  return holt_winters_peak_rps(&seen->model, &smoothing, from, to);
}

/* Replicas as a new plan leaves them at once; the rest is a ledger of changes. */
static int64_t take_plan(const Sageserve *params, SageserveState *seen, int64_t plan, int64_t current) {
  int64_t before = seen->planned ? seen->plan : current;
  seen->plan = plan;
  seen->planned = true;
  seen->changes = 0;
  switch ((SageStrategy)params->post_processing_strategy) {
  case SAGE_IMMEDIATE: return plan;
  case SAGE_DELAY_CHANGES: seen->changes = plan - current; return current;
  case SAGE_KEEP_MAXIMUM: return most(before, plan);
  case SAGE_KEEP_MINIMUM: return least(before, plan);
  }
  return plan;
}

/* One step within the hour, by the share of slots in use and the rate foreseen for now. */
static int64_t corrected(const Sageserve *params, SageserveState *seen, const Observation *observation, Decision *decision) {
  const int64_t current = observation->replicas;
  if (!observation->has_metrics || observation->replicas_ready <= 0) return current;
  if (seen->stepped && observation->now_ns - seen->stepped_ns < params->spin_up_ns) return current;
  double load = observation->in_flight_jobs / ((double)observation->replicas_ready * (double)most(observation->concurrency, 1));
  double foreseen = foreseen_rps(params, seen, observation, 0, 0);
  int64_t step = 0;
  if (seen->changes > 0 && load > params->draw_up_ratio) step = 1, decision->reason = "a planned replica, as the load asks";
  else if (seen->changes < 0 && load < params->draw_down_ratio) step = -1, decision->reason = "a replica less, as planned and as the load allows";
  else if (seen->changes <= 0 && load > params->beyond_ratio) step = 1, decision->reason = "beyond the plan: slots in use";
  else if (seen->changes <= 0 && observation->offered_rps > params->scaling_threshold_ratio * foreseen) step = 1, decision->reason = "beyond the plan: more comes than was foreseen";
  if (step == 0) return current;
  seen->changes -= step;
  seen->stepped = true;
  seen->stepped_ns = observation->now_ns;
  return current + step;
}

static void look(const Sageserve *params, SageserveState *seen, const Observation *observation, Decision *decision) {
  const int64_t current = observation->replicas;
  const double served_rps = replica_serves_rps(params->replica_rate_rps, observation);
  decision->target = served_rps / params->headroom_ratio;
  int64_t number = observation->now_ns / params->long_term_scaling_interval_ns;
  bool due = !seen->planned || number != seen->plan_number;
  double rate_rps = foreseen_rps(params, seen, observation, params->look_from_ns, params->look_to_ns);
  double need = rate_rps / decision->target;
  decision->metric = rate_rps;
  decision->reason = "as planned";
  if (due && need >= 0) {
    const double most_need = 1e15;
    int64_t plan = rounded_up(need < most_need ? need : most_need);
    seen->plan_number = number;
    decision->raw_replicas = (double)plan;
    plan = most(observation->min_replicas, least(plan, observation->max_replicas));
    decision->replicas = take_plan(params, seen, plan, current);
    decision->reason = "a new plan";
  } else if (due) decision->reason = rate_rps >= 0 ? "what a replica serves is not known" : "no metrics";
  else decision->replicas = corrected(params, seen, observation, decision);
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const Sageserve *by = params;
  SageserveState *seen = state;
  const Smoothing smoothing = smoothing_of(by);
  RateOf closed[CLOSED_AT_ONCE];
  int n = intervals_add(&seen->intervals, by->interval_ns, observation, closed);
  for (int k = 0; k < n; k++) holt_winters_add(&seen->model, &smoothing, closed[k]);
  look(by, seen, observation, decision);
  decision->after_tolerance = decision->stabilised = decision->rate_limited = (double)decision->replicas;
  decision->replicas = most(observation->min_replicas, least(decision->replicas, observation->max_replicas));
  bool change = decision->replicas != observation->replicas;
  decision_step(decision, "Follow the plan of the hour", "replicas as planned", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                decision->metric, decision->target);
}

extern const Policy policy_sageserve;
const Policy policy_sageserve = {
    .model = {.kind = MODEL_POLICY,
              .name = "sageserve-like",
              .summary = "a plan of replicas each hour from a forecast, and corrections within the hour",
              .rule = "each `long_term_scaling_interval`: plan = ceil(the highest rate foreseen from look_from to look_to x headroom / what a replica\n"
                      "serves), within the bounds (Holt-Winters; the rate of now until a season has been seen).\n"
                      "immediate: the plan at once. keep_maximum_instances, keep_minimum_instances: the higher, the lower, of this plan and the last.\n"
                      "delay_changes: nothing at once; plan - replicas is a ledger: one more while slots in use > draw_up, one fewer while < draw_down.\n"
                      "beyond it, with nothing more planned: one more while slots in use > `beyond`, or while more than scaling_threshold times the rate\n"
                      "foreseen for now comes; such a replica is a change to take back. One step in `spin_up`.",
              .evidence = "read at SageServe 635bcbd2 (the strategies but `immediate` from the README alone), unverified: 14 hand-computed cases in tests/unit/test_sageserve.c",
              .params = &sageserve_type},
    .state_bytes_of = state_bytes_of,
    .decide = decide,
};
