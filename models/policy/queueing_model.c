/* `queueing-model`: the number of replicas from queueing theory: M/M/c turned round for an objective, or the square-root rule. A server is a
 * slot, a replica is `concurrency` of them; the load is arrivals x mean service. The formulas are in staffing.c. */
#include "models/policy/staffing.h"
#include "models/policy/tracking.h"

static const char *const rule_names[] = {"erlang-c", "square-root", NULL};
enum { RULE_ERLANG_C, RULE_SQUARE_ROOT };
static const char *const goal_names[] = {"delay_probability", "wait", "mean_latency", "latency", NULL}; /* StaffingGoal */

#define QUEUEING_MODEL_FIELDS(F, C, O, L, M, R, P)                                                                                        \
  C(rule, rule_names, "erlang-c", "least servers of M/M/c that meet the goal, or ceil(a + beta sqrt(a))", "Erlang 1917; Halfin and Whitt 1981") \
  C(goal, goal_names, "wait", "erlang-c: a `share` of jobs shall not wait, wait no longer than `within`, or be done within it; or the mean latency", "") \
  F(duration, within, "0s", 0, 864000, OPTIONAL, "the time of the goal; 0: the objective's latency (for a wait: what a mean service leaves of it)", "") \
  F(ratio, share, "-1", -1, 1, OPTIONAL, "of jobs that shall meet it; -1: the objective's attainment, 95% without", "")                          \
  F(ratio, delay_probability, "20%", 1e-9, 0.999999, OPTIONAL, "square-root: share of jobs that may find every server busy; gives beta", "Halfin and Whitt 1981, eq. 2.3") \
  F(duration, service_time, "0s", 0, 864000, OPTIONAL, "mean service of a job; 0: the variant's at reference resources", "")                     \
  F(ratio, headroom, "0%", 0, 100, OPTIONAL, "the arrivals are taken so much higher", "")                                                       \
  F(integer, min, "-1", -1, 1e6, OPTIONAL, "replicas at least; -1: the deployment's", "")                                                       \
  F(integer, max, "-1", -1, 1e6, OPTIONAL, "replicas at most; -1: the deployment's", "")                                                        \
  F(duration, scale_down_window, "5m", 0, 86400, OPTIONAL, "scales down to the highest wish of this long", "autoscaling/v2 stabilizationWindowSeconds 300")
typedef struct QueueingModel { FIELD_MEMBERS(QUEUEING_MODEL_FIELDS) } QueueingModel;
#define ROW_STRUCT QueueingModel
static const Field queueing_model_fields[] = {FIELD_ROWS(QUEUEING_MODEL_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const QueueingModel *model = value;
  if (model->min >= 0 && model->max >= 0 && model->min > model->max)
    return err_at(err, "min", "is above max (%lld > %lld)", (long long)model->min, (long long)model->max);
  if (model->share_ratio < 0 && model->share_ratio > -1) return err_at(err, "share", "is a share of jobs, or -1");
  return true;
}

static const Type queueing_model_type = FIELD_TYPE("queueing-model", "replicas by queueing theory", QueueingModel, queueing_model_fields, check);

static double service_s(const QueueingModel *model, const Observation *seen) {
  if (model->service_time_ns > 0) return (double)model->service_time_ns / 1e9;
  if (!seen->variant_view || seen->variant < 0 || seen->variant >= seen->variants) return __builtin_nan("");
  return seen->variant_view[seen->variant].mean_service_s;
}

static double share_of(const QueueingModel *model, const Observation *seen) {
  double share = model->share_ratio >= 0 ? model->share_ratio : seen->objective_latency_ns > 0 ? seen->objective_attainment_ratio : 0.95;
  return share < 1 ? share : 1;
}

/* The time of the goal, in seconds. For a wait, of an objective on the latency, what a mean service leaves. */
static double within_s(const QueueingModel *model, const Observation *seen, double mean_s) {
  if (model->within_ns > 0) return (double)model->within_ns / 1e9;
  double latency_s = (double)seen->objective_latency_ns / 1e9;
  if (model->goal != STAFFING_WAIT) return latency_s;
  return latency_s > mean_s ? latency_s - mean_s : 0;
}

/* Slots a load needs, at most `limit`; -1 where the goal has no time. */
static int64_t slots_for(const QueueingModel *model, const Observation *seen, double load, double mean_s, int64_t limit, double *target) {
  if (model->rule == RULE_SQUARE_ROOT) {
    *target = halfin_whitt_beta(model->delay_probability_ratio);
    return least(limit, square_root_servers(load, *target));
  }
  const StaffingGoal goal = (StaffingGoal)model->goal;
  const double time_s = within_s(model, seen, mean_s);
  *target = goal == STAFFING_MEAN_LATENCY ? time_s : share_of(model, seen);
  if (!(time_s > 0) && (goal == STAFFING_MEAN_LATENCY || goal == STAFFING_LATENCY)) return -1;
  return servers_for(goal, load, time_s / mean_s, 1 - share_of(model, seen), limit);
}

static void end(Decision *decision, const Observation *seen) {
  bool change = decision->replicas != seen->replicas;
  decision_step(decision, "Staff for the load", "replicas as wished", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                decision->metric, decision->target);
}

static const char *reason(const Observation *seen, int64_t raw, int64_t stable, int64_t final) {
  if (final != stable) return final > stable ? "at the minimum of replicas" : "at the maximum of replicas";
  if (stable != raw) return "held by the scale-down window";
  return final == seen->replicas ? "as the load needs" : final > seen->replicas ? "the load needs more" : "the load needs fewer";
}

static void decide(const void *params, void *state, const Observation *seen, Decision *decision) {
  const QueueingModel *model = params;
  const int64_t low = model->min >= 0 ? model->min : seen->min_replicas, high = most(low, model->max >= 0 ? model->max : seen->max_replicas);
  const int64_t slots = most(1, seen->concurrency), now = seen->replicas;
  const double mean_s = service_s(model, seen);
  double load = seen->offered_rps * (1 + model->headroom_ratio) * mean_s;
  int64_t wanted = -1;
  if (seen->has_metrics && load >= 0) {
    decision->metric = load;
    wanted = mean_s > 0 ? slots_for(model, seen, load, mean_s, high < INT64_MAX / slots ? high * slots + 1 : INT64_MAX, &decision->target) : 0;
  }
  if (wanted < 0) {
    decision->replicas = most(low, least(now, high));
    decision->reason = !seen->has_metrics ? "no metrics" : load >= 0 ? "no latency to hold" : "no service time";
    end(decision, seen);
    return;
  }
  int64_t raw = wanted / slots + (wanted % slots != 0);
  int64_t highest = wishes_add(state, seen->now_ns, model->scale_down_window_ns, raw, now);
  int64_t stable = stabilised_down(raw, highest, now);
  decision->raw_replicas = (double)raw;
  decision->stabilised = (double)stable;
  decision->replicas = most(low, least(stable, high));
  decision->reason = reason(seen, raw, stable, decision->replicas);
  end(decision, seen);
}

extern const Policy policy_queueing_model;
const Policy policy_queueing_model = {
    .model = {.kind = MODEL_POLICY,
              .name = "queueing-model",
              .summary = "replicas from queueing theory: Erlang's delay formula turned round, or square-root staffing",
              .rule = "a = arrivals x (1 + headroom) x mean service; replicas = ceil(servers / concurrency). erlang-c: the fewest servers c > a of M/M/c that\n"
                      "meet the goal: P(wait > 0), P(wait > within) or P(latency > within) at most 1 - share, or mean latency at most within.\n"
                      "Services are exponential in the formulas; `wait` asks least of that: a share of jobs has a mean service's time left of the objective.\n"
                      "square-root: c = ceil(a + beta sqrt(a)), beta from delay_probability by Halfin and Whitt's function. A lower wish waits until it is\n"
                      "the highest of `scale_down_window`. A goal that no number of servers meets wishes the maximum.",
              .evidence = "textbook values of Erlang C and Halfin-Whitt, GSL, and 12 hand-computed runs in tests/unit/test_queueing_model.c",
              .params = &queueing_model_type},
    .state_bytes = sizeof(Wishes),
    .decide = decide,
};
