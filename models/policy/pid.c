/* `pid`: a PID controller on a metric, in positional form: replicas = Kp e + I + D, rounded to nearest. Anti-windup by clamping: I does not
 * grow while the output is at a bound and the error would push it further, and never leaves the bounds. The derivative is that of the
 * measurement (a changed setpoint gives no kick), through a first-order filter. Source: Astrom and Hagglund, Advanced PID Control (2006);
 * the dead band holds the number and lets I follow it, so that leaving the band makes no step. + - x / only. */
#include "models/policy/share_query.h"
#include "models/policy/tracking.h"

typedef enum PidDirection { PID_MORE_ABOVE, PID_MORE_BELOW } PidDirection;
static const char *const direction_names[] = {"more_above", "more_below", NULL};

#define PID_FIELDS(F, C, O, L, M, R, P)                                                                                    \
  F(metric, metric, "cpu_utilisation_ratio", 0, 0, OPTIONAL, "what is controlled", "")                                      \
  F(number, setpoint, "0.7", -1e12, 1e12, OPTIONAL, "value to hold, in the metric's unit", "")                              \
  C(direction, direction_names, "more_above", "more replicas while the metric is above the setpoint, or while it is below", "") \
  F(number, Kp, "4", 0, 1e9, OPTIONAL, "replicas for an error of 1", "")                                                    \
  F(number, Ki, "4", 0, 1e9, OPTIONAL, "replicas for an error of 1 that lasts gain_time", "")                               \
  F(number, Kd, "0", 0, 1e9, OPTIONAL, "replicas for a metric that rises by 1 within gain_time", "")                        \
  F(duration, gain_time, "60s", 0.001, 86400, OPTIONAL, "unit of time of Ki and Kd", "")                                    \
  F(duration, derivative_filter, "30s", 0, 86400, OPTIONAL, "time constant of the filter on the derivative", "")            \
  F(number, dead_band, "0.1", 0, 1e12, OPTIONAL, "no change while the error is no larger", "")                              \
  F(integer, min, "-1", -1, 1e6, OPTIONAL, "replicas at least; -1: the deployment's, and at least 1", "")                   \
  F(integer, max, "-1", -1, 1e6, OPTIONAL, "replicas at most; -1: the deployment's", "")
typedef struct Pid { FIELD_MEMBERS(PID_FIELDS) } Pid;
#define ROW_STRUCT Pid
static const Field pid_fields[] = {FIELD_ROWS(PID_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Pid *pid = value;
  if (pid->min >= 0 && pid->max >= 0 && pid->min > pid->max)
    return err_at(err, "min", "is above max (%lld > %lld)", (long long)pid->min, (long long)pid->max);
  return true;
}

static const Type pid_type = FIELD_TYPE("pid", "a PID controller on the number of replicas", Pid, pid_fields, check);

typedef struct PidState {
  bool begun;
  int64_t sampled_ns;
  double value, integral, derivative; /* measurement, I, filtered derivative of the measurement per gain_time */
} PidState;

static double held_in(double x, double low, double high) { return x > low ? (x < high ? x : high) : low; }

/* Half up; x lies within the bounds of replicas. */
static int64_t nearest(double x) { return (int64_t)(x + 0.5); }

static double metric_of(const Observation *observation) {
  const double none = __builtin_nan(""), beyond = 1e15;
  const MetricValue *metric = observation->metric;
  if (!metric || !metric->has) return none;
  return metric->value > -beyond && metric->value < beyond ? metric->value : none;
}

static void derive(const Pid *pid, PidState *state, double value, double elapsed_ns) {
  double slope = (value - state->value) / (elapsed_ns / (double)pid->gain_time_ns);
  state->derivative += (slope - state->derivative) * (elapsed_ns / ((double)pid->derivative_filter_ns + elapsed_ns));
}

/* The output, with the integral updated unless that would wind it up. */
static double output(const Pid *pid, PidState *state, double error, double elapsed_ns, double low, double high) {
  double sign = pid->direction == PID_MORE_ABOVE ? 1 : -1;
  double direct = pid->Kp * error + pid->Kd * sign * state->derivative;
  double integral = held_in(state->integral + pid->Ki * error * (elapsed_ns / (double)pid->gain_time_ns), low, high);
  double wish = direct + integral;
  if ((wish > high && error > 0) || (wish < low && error < 0)) return direct + state->integral;
  state->integral = integral;
  return wish;
}

static void control(const Pid *pid, PidState *state, const Observation *observation, Decision *decision, int64_t low, int64_t high) {
  double value = decision->metric, current = (double)observation->replicas;
  double error = pid->direction == PID_MORE_ABOVE ? value - pid->setpoint : pid->setpoint - value;
  int64_t sampled_ns = observation->metric->sampled_ns;
  double elapsed_ns = state->begun ? (double)(sampled_ns - state->sampled_ns) : 0;
  decision->reason = "no new sample";
  if (state->begun && !(elapsed_ns > 0)) return;
  if (state->begun) derive(pid, state, value, elapsed_ns);
  else state->integral = held_in(current, (double)low, (double)high);
  state->begun = true;
  state->sampled_ns = sampled_ns;
  state->value = value;
  if (error <= pid->dead_band && -error <= pid->dead_band) {
    state->integral = held_in(current, (double)low, (double)high);
    decision->raw_replicas = current;
    decision->reason = "within the dead band";
    return;
  }
  double raw = output(pid, state, error, elapsed_ns, (double)low, (double)high);
  decision->raw_replicas = raw;
  decision->replicas = nearest(held_in(raw, (double)low, (double)high));
  decision->reason = raw > (double)high ? "at the maximum of replicas" : raw < (double)low ? "at the minimum of replicas" : "proportional, integral and derivative";
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const Pid *pid = params;
  int64_t low = pid->min >= 0 ? pid->min : most(observation->min_replicas, 1);
  int64_t high = most(pid->max >= 0 ? pid->max : observation->max_replicas, low);
  decision->metric = metric_of(observation);
  decision->target = pid->setpoint;
  decision->reason = "no metrics";
  if (decision->metric == decision->metric) control(pid, state, observation, decision, low, high);
  decision->replicas = most(low, least(decision->replicas, high));
  decision->after_tolerance = (double)decision->replicas;
  bool change = decision->replicas != observation->replicas;
  decision_step(decision, "Control", "replicas as wished", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE, decision->metric,
                decision->target);
}

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  const Pid *pid = params;
  query[0] = mean_of_shares(pid->metric);
  return 1;
}

extern const Policy policy_pid;
const Policy policy_pid = {
    .model = {.kind = MODEL_POLICY,
              .name = "pid",
              .summary = "a PID controller on any metric",
              .rule = "e = metric - setpoint (more_below: the other way round). replicas = Kp e + I + D, rounded to nearest, within min and max.\n"
                      "I begins at the present number and grows by Ki e t / gain_time, t since the last sample, but not while the output is at a\n"
                      "bound and e pushes it further. D = Kd x filtered slope of the metric per gain_time. While |e| <= dead_band nothing changes\n"
                      "and I is the present number. Without a new sample nothing changes.",
              .evidence = "textbook form (Astrom and Hagglund 2006): 15 hand-computed cases in tests/unit/test_pid.c",
              .params = &pid_type},
    .state_bytes = sizeof(PidState),
    .metrics = metrics,
    .decide = decide,
};
