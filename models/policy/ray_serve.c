/* `ray-serve`: the autoscaler of Ray Serve on ongoing requests, with the parameters of autoscaling_config under their own names.
 * Source: ray-project/ray, python/ray/serve/config.py (AutoscalingConfig), autoscaling_policy.py, _private/autoscaling_state.py, the
 * version with wall-clock delays. The rule itself is in ray_rule.c.
 *
 * Metrics: replicas and handles record every 0.5 s and push every metrics_interval_s; the mean over look_back_period_s is what counts.
 * Here each push is the exact mean of its interval, which is the limit of fast recording; max and min see the gauge at each push. */
#include "models/policy/ray_rule.h"
#include "models/policy/tracking.h"

static const char *const aggregations[] = {"mean", "max", "min", NULL};

enum { SAMPLES_MOST = 10000 };

#define RAY_SERVE_FIELDS(F, C, O, L, M, R, P)                                                                               \
  F(integer, min_replicas, "1", 0, 1e6, OPTIONAL, "replicas at least; 0: scales to zero", "AutoscalingConfig.min_replicas 1") \
  F(integer, max_replicas, "1", 1, 1e6, OPTIONAL, "replicas at most (num_replicas: auto sets 100)", "AutoscalingConfig.max_replicas 1") \
  F(integer, initial_replicas, "-1", -1, 1e6, OPTIONAL, "replicas wished at the first look; -1: those the deployment starts with", "AutoscalingConfig.initial_replicas") \
  F(number, target_ongoing_requests, "2", 1e-6, 1e9, OPTIONAL, "requests, ongoing and queued, for each replica", "AutoscalingConfig.target_ongoing_requests 2") \
  F(number, metrics_interval_s, "10", 0.1, 3600, OPTIONAL, "seconds between pushes of metrics to the controller", "AutoscalingConfig.metrics_interval_s 10 (deprecated for RAY_SERVE_*_PUSH_INTERVAL_S)") \
  F(number, look_back_period_s, "30", 0.1, 86400, OPTIONAL, "seconds over which requests are aggregated", "AutoscalingConfig.look_back_period_s 30") \
  F(number, smoothing_factor, "1", 1e-6, 1e6, OPTIONAL, "where neither the scaling nor the smoothing factor of a direction is given", "AutoscalingConfig.smoothing_factor 1 (deprecated)") \
  F(number, upscale_smoothing_factor, "0", 0, 1e6, OPTIONAL, "used without upscaling_factor; 0: none", "AutoscalingConfig.upscale_smoothing_factor (deprecated)") \
  F(number, downscale_smoothing_factor, "0", 0, 1e6, OPTIONAL, "used without downscaling_factor; 0: none", "AutoscalingConfig.downscale_smoothing_factor (deprecated)") \
  F(number, upscaling_factor, "0", 0, 1e6, OPTIONAL, "share of the step up that is taken; 0: none given", "AutoscalingConfig.upscaling_factor") \
  F(number, downscaling_factor, "0", 0, 1e6, OPTIONAL, "share of the step down that is taken; 0: none given", "AutoscalingConfig.downscaling_factor") \
  F(number, upscale_delay_s, "30", 0, 1e7, OPTIONAL, "seconds of wishing more before there are more", "AutoscalingConfig.upscale_delay_s 30") \
  F(number, downscale_delay_s, "600", 0, 1e7, OPTIONAL, "seconds of wishing fewer before there are fewer", "AutoscalingConfig.downscale_delay_s 600") \
  F(number, downscale_to_zero_delay_s, "-1", -1, 1e7, OPTIONAL, "the same from one replica to none; -1: downscale_delay_s", "AutoscalingConfig.downscale_to_zero_delay_s") \
  C(aggregation_function, aggregations, "mean", "over the look-back period", "AutoscalingConfig.aggregation_function mean")
typedef struct RayServe { FIELD_MEMBERS(RAY_SERVE_FIELDS) } RayServe;
#define ROW_STRUCT RayServe
static const Field ray_serve_fields[] = {FIELD_ROWS(RAY_SERVE_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const RayServe *ray = value;
  if (ray->min_replicas > ray->max_replicas)
    return err_at(err, "min_replicas", "is above max_replicas (%lld > %lld)", (long long)ray->min_replicas, (long long)ray->max_replicas);
  if (ray->initial_replicas >= 0 && (ray->initial_replicas < ray->min_replicas || ray->initial_replicas > ray->max_replicas))
    return err_at(err, "initial_replicas", "is not between min_replicas and max_replicas");
  if (ray->look_back_period_s / ray->metrics_interval_s > SAMPLES_MOST)
    return err_at(err, "look_back_period_s", "holds more than %d of metrics_interval_s", (int)SAMPLES_MOST);
  return true;
}

static const Type ray_serve_type = FIELD_TYPE("ray-serve", "AutoscalingConfig of Ray Serve", RayServe, ray_serve_fields, check);

static int64_t ns_of(double s) { return (int64_t)(s * 1e9 + 0.5); }

static RayRule rule_of(const RayServe *ray) {
  double up = ray->upscaling_factor > 0 ? ray->upscaling_factor : ray->upscale_smoothing_factor;
  double down = ray->downscaling_factor > 0 ? ray->downscaling_factor : ray->downscale_smoothing_factor;
  return (RayRule){.target_requests = ray->target_ongoing_requests,
                   .up_factor = up > 0 ? up : ray->smoothing_factor,
                   .down_factor = down > 0 ? down : ray->smoothing_factor,
                   .upscale_delay_ns = ns_of(ray->upscale_delay_s),
                   .downscale_delay_ns = ns_of(ray->downscale_delay_s),
                   .downscale_to_zero_delay_ns = ray->downscale_to_zero_delay_s < 0 ? RAY_NO_DELAY : ns_of(ray->downscale_to_zero_delay_s)};
}

/* ---- metrics: the pushes of the last look-back period ---- */

typedef struct RayState {
  bool begun, sampled;
  RayTimer timer;
  int64_t pushed_ns; /* instant of the newest push */
  double requests;   /* aggregated at that push */
  size_t count;
  RayPoint point[];  /* oldest first */
} RayState;

static size_t points_most(const RayServe *ray) { return (size_t)(ray->look_back_period_s / ray->metrics_interval_s) + 3; }

static size_t state_bytes_of(const void *params) { return sizeof(RayState) + points_most(params) * sizeof(RayPoint); }

static void timing(const void *params, PolicyTiming *timing) {
  const RayServe *ray = params;
  timing->period_ns = 100000000; /* CONTROL_LOOP_INTERVAL_S 0.1 */
  timing->scrape_ns = ns_of(ray->metrics_interval_s);
  timing->window_ns = most(ns_of(ray->look_back_period_s), timing->scrape_ns);
  timing->lag_ns = 0;
}

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  const RayServe *ray = params;
  query[0] = metric_query(METER_IN_FLIGHT_JOBS);
  query[0].scrape_ns = ns_of(ray->metrics_interval_s);
  query[0].window_ns = ray->aggregation_function == RAY_MEAN ? least(query[0].scrape_ns, ns_of(ray->look_back_period_s)) : 0;
  query[0].lag_ns = 0;
  return 1;
}

static void forget(RayState *state, size_t n) {
  state->count -= n;
  for (size_t k = 0; k < state->count; k++) state->point[k] = state->point[k + n];
}

/* Takes in a push: its value holds over its own window. The window of the aggregate starts no earlier than the first push's. */
static void push(const RayServe *ray, RayState *state, const MetricValue *metric) {
  if (!metric->has || metric->value != metric->value) return;
  if (state->sampled && metric->sampled_ns <= state->pushed_ns) return;
  int64_t start_ns = metric->sampled_ns - ns_of(ray->look_back_period_s);
  size_t expired = 0; /* of points before the window the last one still holds in it, if it is a mean */
  size_t held = ray->aggregation_function == RAY_MEAN ? 1 : 0;
  while (expired + held < state->count && state->point[expired + held].at_ns < start_ns + (held ? 1 : 0)) expired++;
  forget(state, expired);
  if (state->count == points_most(ray)) forget(state, 1);
  int64_t at_ns = ray->aggregation_function == RAY_MEAN ? metric->sampled_ns - most(metric->window_ns, 0) : metric->sampled_ns;
  if (state->count > 0) at_ns = most(at_ns, state->point[state->count - 1].at_ns);
  state->point[state->count++] = (RayPoint){at_ns, metric->value};
  state->pushed_ns = metric->sampled_ns;
  state->sampled = true;
  double aggregate = ray_aggregate((RayAggregation)ray->aggregation_function, state->point, state->count,
                                   most(start_ns, state->point[0].at_ns), metric->sampled_ns);
  state->requests = aggregate == aggregate ? aggregate : metric->value; /* a first push without a window is the gauge itself */
}

/* ---- decisions ---- */

static const char *reason_of(const RayView *view, int64_t scaled, int64_t delayed, int64_t bounded) {
  if (bounded != delayed) return bounded > delayed ? "at min_replicas" : "at max_replicas";
  if (view->current <= 0) return view->requests > 0 ? "cold start" : "no replica runs yet";
  if (delayed == view->target) return scaled > view->target ? "waiting for upscale_delay_s" : scaled < view->target ? "waiting for the downscale delay" : "as wished";
  return delayed > view->target ? "more requests than target" : "fewer requests than target";
}

static void keep(const RayServe *ray, const Observation *observation, int64_t wish, const char *reason, Decision *decision) {
  decision->replicas = most(ray->min_replicas, least(wish, ray->max_replicas));
  decision->reason = reason;
  decision_step(decision, "Read the pushed metrics", "metrics", 0, "keep", MODEL_STATE_NONE, (double)decision->replicas, (double)observation->replicas);
}

static void decide(const void *params, void *memory, const Observation *observation, Decision *decision) {
  const RayServe *ray = params;
  RayState *state = memory;
  RayRule rule = rule_of(ray);
  bool first = !state->begun;
  state->begun = true;
  push(ray, state, &observation->metric[0]);
  bool asked = observation->ask != ASK_NONE;
  decision->target = rule.target_requests;
  if (first && !asked && ray->initial_replicas >= 0) {
    keep(ray, observation, ray->initial_replicas, "initial_replicas", decision);
    return;
  }
  if (!asked && !state->sampled) {
    keep(ray, observation, observation->replicas, "no metrics", decision);
    return;
  }
  double here = (double)(observation->waiting_jobs_now + observation->in_service_jobs_now); /* a handle without replicas pushes at once */
  RayView view = {observation->now_ns, asked ? here : state->requests, observation->replicas_ready, observation->replicas};
  double desired = ray_desired(&rule, &view);
  int64_t scaled = ray_scaled(&rule, desired, view.current);
  int64_t delayed = ray_decision(&rule, &state->timer, &view, desired);
  decision->metric = view.requests;
  decision->raw_replicas = desired;
  decision->after_tolerance = (double)scaled;
  decision->stabilised = (double)delayed;
  decision->replicas = most(ray->min_replicas, least(delayed, ray->max_replicas));
  decision->reason = reason_of(&view, scaled, delayed, decision->replicas);
  bool change = decision->replicas != observation->replicas;
  decision_step(decision, "Compare requests with target", "wished long enough", change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                view.requests, rule.target_requests * (double)most(view.current, 1));
}

extern const Policy policy_ray_serve;
const Policy policy_ray_serve = {
    .model = {.kind = MODEL_POLICY,
              .name = "ray-serve",
              .summary = "Ray Serve's autoscaler on ongoing requests",
              .rule = "Every 0.1 s: desired = requests / target_ongoing_requests, requests being ongoing and queued ones, aggregated over\n"
                      "look_back_period_s and renewed every metrics_interval_s. n = ceil(running + factor x (desired - running)), factor by\n"
                      "direction; a step down that rounds to nothing is one replica. n takes effect when it has been above the target for\n"
                      "upscale_delay_s, or below it for downscale_delay_s, without a break (from 1 to 0: downscale_to_zero_delay_s; to 0 only\n"
                      "from 1). With no replica running a request gives max(ceil(upscaling factor), target) at once. Then min and max.\n"
                      "Replicas that start are in the target, not among the running ones. Before the first metrics nothing changes.",
              .evidence = "15 upstream cases (ray 01624ad4 test_autoscaling_policy.py) in make vectors; 15 hand-computed runs in tests/unit/test_ray_serve.c",
              .params = &ray_serve_type},
    .asks = ASK_AT_ZERO,
    .state_bytes_of = state_bytes_of,
    .timing = timing,
    .metrics = metrics,
    .decide = decide,
};
