/* `aws-predictive-scaling-like`: predictive scaling as AWS Auto Scaling schedules it, on a forecast of our own: AWS publishes when it
 * forecasts, from what and what it does with the result, but not the model. Here: the mean of the same hour in the history. Source:
 * docs.aws.amazon.com, "How predictive scaling works" (EC2 Auto Scaling; Application Auto Scaling) and PredictiveScalingConfiguration:
 * up to 14 days of history, at least 24 hours; hourly, 48 hours ahead, every 6 hours; never scales in. */
#include "models/policy/aws_target_tracking.h"
#include "models/policy/tracking.h"

typedef enum PredictiveMode { MODE_FORECAST_ONLY, MODE_FORECAST_AND_SCALE } PredictiveMode;
static const char *const mode_names[] = {"ForecastOnly", "ForecastAndScale", NULL};
typedef enum BreachBehavior { BREACH_HONOR, BREACH_INCREASE } BreachBehavior;
static const char *const breach_names[] = {"HonorMaxCapacity", "IncreaseMaxCapacity", NULL};
typedef enum MetricPair { PAIR_ECS_CPU, PAIR_ASG_CPU, PAIR_ALB_REQUESTS } MetricPair;
static const char *const pair_names[] = {"ECSServiceCPUUtilization", "ASGCPUUtilization", "ALBRequestCount", NULL};
typedef enum Season { SEASON_WEEK, SEASON_DAY } Season;
static const char *const season_names[] = {"hour_of_week", "hour_of_day", NULL};

#define PREDICTIVE_FIELDS(F, C, O, L, M, R, P)                                                                             \
  C(Mode, mode_names, "ForecastOnly", "whether the forecast is acted on", "PredictiveScalingConfiguration")                 \
  F(number, TargetValue, "70", 1e-9, 1e12, OPTIONAL, "load that one replica is to carry: percent, requests a minute", "PredictiveScalingMetricSpecification") \
  C(PredefinedMetricPairSpecification, pair_names, "ECSServiceCPUUtilization", "the load that is forecast, unless CustomizedLoadMetric is set", "PredictiveScalingPredefinedMetricPair") \
  F(metric, CustomizedLoadMetric, NULL, 0, 0, OPTIONAL, "a meter of the whole load to forecast instead", "CustomizedLoadMetricSpecification") \
  F(duration, SchedulingBufferTime, "300s", 0, 3599, OPTIONAL, "an hour's capacity is there so long before the hour", "PredictiveScalingConfiguration 300, below 3600") \
  C(MaxCapacityBreachBehavior, breach_names, "HonorMaxCapacity", "a forecast at or above the maximum: kept to it, or the maximum is raised, for good", "PredictiveScalingConfiguration") \
  F(number, MaxCapacityBuffer, "0", 0, 100, OPTIONAL, "IncreaseMaxCapacity: percent of the forecast above it", "PredictiveScalingConfiguration") \
  F(integer, MinCapacity, "-1", -1, 1e6, OPTIONAL, "capacity at least; -1: the deployment's, and at least 1", "RegisterScalableTarget") \
  F(integer, MaxCapacity, "-1", -1, 1e6, OPTIONAL, "capacity at most; -1: the deployment's", "RegisterScalableTarget")      \
  C(season, season_names, "hour_of_week", "mean of the same hours of the week, or of the day while there are none; or always of the day", "ours") \
  F(duration, sample_period, "60s", 1, 3600, OPTIONAL, "the load is sampled this often and averaged over the hour", "CloudWatch, 1 min") \
  F(duration, forecast_interval, "1h", 60, 86400, OPTIONAL, "what an hour is; a day is 24 of them", "hourly forecast")      \
  F(duration, forecast_update, "6h", 60, 864000, OPTIONAL, "a new forecast this often", "every 6 hours")                    \
  P(target_tracking, TargetTracking, &target_tracking_type, "dynamic scaling beside it, without which nothing scales in")
typedef struct Predictive { FIELD_MEMBERS(PREDICTIVE_FIELDS) } Predictive;
#define ROW_STRUCT Predictive
static const Field predictive_fields[] = {FIELD_ROWS(PREDICTIVE_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Predictive *predictive = value;
  if (predictive->MinCapacity >= 0 && predictive->MaxCapacity >= 0 && predictive->MinCapacity > predictive->MaxCapacity)
    return err_at(err, "MinCapacity", "is above MaxCapacity (%lld > %lld)", (long long)predictive->MinCapacity, (long long)predictive->MaxCapacity);
  if (predictive->SchedulingBufferTime_ns >= predictive->forecast_interval_ns)
    return err_at(err, "SchedulingBufferTime", "must be shorter than forecast_interval");
  if (predictive->target_tracking && (predictive->target_tracking->MinCapacity >= 0 || predictive->target_tracking->MaxCapacity >= 0))
    return err_at(err, "target_tracking", "takes its capacity bounds from this policy's MinCapacity and MaxCapacity");
  return true;
}

static const Type predictive_type = FIELD_TYPE("aws-predictive-scaling-like", "scheduled capacity from an hourly forecast", Predictive, predictive_fields, check);

enum { DAY_HOURS = 24, WEEK_HOURS = 7 * DAY_HOURS, HISTORY_HOURS = 14 * DAY_HOURS, AHEAD_HOURS = 48 };

/* Hours are counted from the start of the run. History holds the newest HISTORY_HOURS before `hours`, each at its number modulo their count. */
typedef struct PredictiveState {
  Datapoint datapoint;
  int64_t hours;            /* hours that are over; samples of hour `hours` are being added up */
  double sum;
  int64_t samples;
  double history[HISTORY_HOURS]; /* mean load; NaN without samples */
  bool forecast_made;
  int64_t forecast_ns, forecast_from; /* when it was made; its first hour */
  double forecast[AHEAD_HOURS];       /* load; NaN where the history has nothing to say */
  int64_t raised;                     /* maximum capacity as raised so far */
  TargetTrackingState tracking;
} PredictiveState;

/* ---- history ---- */

static void close_hour(PredictiveState *state) {
  state->history[state->hours % HISTORY_HOURS] = state->samples > 0 ? state->sum / (double)state->samples : (double)__builtin_nan("");
  state->hours++;
  state->sum = 0;
  state->samples = 0;
}

/* A sample stands for the time before it, so that one at a full hour belongs to the hour that ends there. */
static void add_sample(const Predictive *predictive, PredictiveState *state, double load) {
  int64_t hour = most(state->datapoint.sampled_ns - 1, 0) / predictive->forecast_interval_ns;
  if (hour - state->hours > HISTORY_HOURS) { /* more than all of the history is missing */
    state->sum = 0;
    state->samples = 0;
    state->hours = hour - HISTORY_HOURS;
  }
  while (state->hours < hour) close_hour(state);
  state->sum += load;
  state->samples++;
}

static double past(const PredictiveState *state, int64_t hour) {
  if (hour < 0 || hour >= state->hours || hour < state->hours - HISTORY_HOURS) return (double)__builtin_nan("");
  return state->history[hour % HISTORY_HOURS];
}

/* ---- forecast ---- */

/* Mean of the hours one season, two seasons ... before; NaN if none is known. */
static double seasonal_mean(const PredictiveState *state, int64_t hour, int64_t season_hours) {
  double sum = 0;
  int64_t n = 0;
  for (int64_t before = hour - season_hours; before >= state->hours - HISTORY_HOURS && before >= 0; before -= season_hours) {
    double load = past(state, before);
    if (load != load) continue;
    sum += load;
    n++;
  }
  return n > 0 ? sum / (double)n : (double)__builtin_nan("");
}

static double forecast_of(const Predictive *predictive, const PredictiveState *state, int64_t hour) {
  double weekly = predictive->season == SEASON_WEEK ? seasonal_mean(state, hour, WEEK_HOURS) : (double)__builtin_nan("");
  return weekly == weekly ? weekly : seasonal_mean(state, hour, DAY_HOURS);
}

static void make_forecast(const Predictive *predictive, PredictiveState *state, int64_t now_ns) {
  if (state->hours < DAY_HOURS) return;
  if (state->forecast_made && now_ns - state->forecast_ns < predictive->forecast_update_ns) return;
  state->forecast_made = true;
  state->forecast_ns = now_ns;
  state->forecast_from = now_ns / predictive->forecast_interval_ns;
  for (int k = 0; k < AHEAD_HOURS; k++) state->forecast[k] = forecast_of(predictive, state, state->forecast_from + k);
}

/* Load forecast for the hour of an instant; NaN without. */
static double load_at(const Predictive *predictive, const PredictiveState *state, int64_t at_ns) {
  int64_t ahead = at_ns / predictive->forecast_interval_ns - state->forecast_from;
  return state->forecast_made && ahead >= 0 && ahead < AHEAD_HOURS ? state->forecast[ahead] : (double)__builtin_nan("");
}

/* The larger of this hour's load and that of the hour that the buffer already reaches into. */
static double load_due(const Predictive *predictive, const PredictiveState *state, int64_t now_ns) {
  double now = load_at(predictive, state, now_ns), soon = load_at(predictive, state, now_ns + predictive->SchedulingBufferTime_ns);
  return !(now == now) || soon > now ? soon : now;
}

/* ---- deciding ---- */

static double load_seen(const Predictive *predictive, const Observation *observation, double answer) {
  if (predictive->CustomizedLoadMetric.name || predictive->PredefinedMetricPairSpecification == PAIR_ALB_REQUESTS) return answer;
  return observation->request_millicores > 0 ? answer * 1000 / (double)observation->request_millicores : (double)__builtin_nan("");
}

static void learn(const Predictive *predictive, PredictiveState *state, const Observation *observation) {
  DatapointNews news = datapoint_take(&state->datapoint, observation->metric, false, observation);
  if (news != DATAPOINT_NEW) return;
  double load = load_seen(predictive, observation, state->datapoint.value);
  if (load == load) add_sample(predictive, state, load);
}

/* The maximum once the forecast has raised it; it stays raised. */
static int64_t highest(const Predictive *predictive, PredictiveState *state, int64_t high, double capacity) {
  if (predictive->MaxCapacityBreachBehavior == BREACH_HONOR) return high;
  state->raised = most(state->raised, rounded_up(capacity * (1 + predictive->MaxCapacityBuffer / 100)));
  return most(high, state->raised);
}

static void explain(const Predictive *predictive, const PredictiveState *state, Decision *decision, double load, int64_t capacity, int64_t dynamic) {
  bool by_forecast = decision->replicas > dynamic;
  if (by_forecast || !predictive->target_tracking) {
    decision->metric = load;
    decision->target = predictive->TargetValue;
    if (load == load) decision->raw_replicas = (double)capacity;
  }
  if (by_forecast) decision->reason = "forecast for the hour";
  else if (!predictive->target_tracking)
    decision->reason = !state->forecast_made ? "no forecast: less than a day of data"
                       : predictive->Mode == MODE_FORECAST_ONLY ? "forecast only" : "the forecast is met, and never scales in";
}

static void decide(const void *params, void *memory, const Observation *observation, Decision *decision) {
  const Predictive *predictive = params;
  PredictiveState *state = memory;
  learn(predictive, state, observation);
  make_forecast(predictive, state, observation->now_ns);
  double load = load_due(predictive, state, observation->now_ns);
  int64_t capacity = load == load ? rounded_up(load / predictive->TargetValue) : 0, current = observation->replicas;
  bool acts = predictive->Mode == MODE_FORECAST_AND_SCALE;
  CapacityBounds bounds = capacity_bounds(predictive->MinCapacity, predictive->MaxCapacity, observation);
  if (acts) bounds.high = highest(predictive, state, bounds.high, (double)capacity);
  int64_t scheduled = acts ? least(capacity, bounds.high) : 0;
  if (predictive->target_tracking) { /* dynamic scaling does not go below what is scheduled */
    CapacityBounds dynamic = {most(bounds.low, least(scheduled, current)), bounds.high};
    target_tracking_decide(predictive->target_tracking, &state->tracking, observation, observation->metric ? observation->metric + 1 : NULL, dynamic, decision);
  } else decision->replicas = most(bounds.low, least(current, bounds.high));
  int64_t dynamic = decision->replicas;
  decision->replicas = most(dynamic, scheduled);
  explain(predictive, state, decision, load, capacity, dynamic);
  bool change = decision->replicas != current;
  decision_step(decision, "Compare with the forecast", "replicas as scheduled", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                load, predictive->TargetValue);
}

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  const Predictive *predictive = params;
  bool requests = predictive->PredefinedMetricPairSpecification == PAIR_ALB_REQUESTS;
  MetricQuery plain = metric_query(requests ? METER_OFFERED_RPS : METER_CPU_CORES);
  plain.per = METRIC_PER_DEPLOYMENT;
  plain.multiply = requests ? 60 : 100;
  query[0] = datapoint_query(predictive->CustomizedLoadMetric.name ? predictive->CustomizedLoadMetric : plain, predictive->sample_period_ns);
  return 1 + (predictive->target_tracking ? target_tracking_metrics(predictive->target_tracking, query + 1) : 0);
}

static void timing(const void *params, PolicyTiming *timing) {
  const Predictive *predictive = params;
  int64_t period_ns = predictive->sample_period_ns;
  if (predictive->target_tracking) period_ns = least(period_ns, predictive->target_tracking->alarm_period_ns);
  *timing = (PolicyTiming){.period_ns = period_ns, .scrape_ns = period_ns, .window_ns = period_ns};
}

extern const Policy policy_aws_predictive_scaling;
const Policy policy_aws_predictive_scaling = {
    .model = {.kind = MODEL_POLICY,
              .name = "aws-predictive-scaling-like",
              .summary = "AWS predictive scaling's schedule on a seasonal forecast of our own",
              .rule = "The load is averaged by the hour and kept for 14 days. After 24 hours, and every forecast_update, the next 48 hours are\n"
                      "forecast: the mean of the same hour of the week in the history, of the same hour of the day where there is none.\n"
                      "Capacity of an hour = ceil(load / TargetValue); from SchedulingBufferTime before the hour to its end there are at least so many\n"
                      "replicas (ForecastAndScale), within the maximum or raising it (MaxCapacityBreachBehavior). It never scales in;\n"
                      "target_tracking, if given, does, not below the forecast, and scales out beyond it.",
              .evidence = "schedule from the AWS documentation, forecast ours (theirs is not published): 17 hand-computed cases in tests/unit/test_aws_predictive_scaling.c",
              .params = &predictive_type},
    .state_bytes = sizeof(PredictiveState),
    .timing = timing,
    .metrics = metrics,
    .decide = decide,
};
