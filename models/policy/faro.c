/* What Oneshot and AIAD share; see faro.h. */
#include "models/policy/faro.h"

#include "models/policy/tracking.h"

const char *const faro_drops_names[] = {"counted", "left_out", NULL};
const char *const faro_busy_names[] = {"skip", "pause", "act", NULL};

#define ROW_STRUCT Faro
static const Field faro_fields[] = {FIELD_ROWS(FARO_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Faro *faro = value;
  if (faro->max_replicas >= 0 && faro->min_replicas > faro->max_replicas)
    return err_at(err, "min_replicas", "is above max_replicas (%lld > %lld)", (long long)faro->min_replicas, (long long)faro->max_replicas);
  if (faro->look_back_period_ns < faro->interval_ns) return err_at(err, "look_back_period", "is shorter than interval");
  return true;
}

const Type faro_type = FIELD_TYPE("faro", "a reactive baseline of Faro", Faro, faro_fields, check);

/* ---- the signal ---- */

enum { QUERY_LATENCY_S, QUERY_FINISHED_RPS, QUERY_DROPPED_RPS, FARO_QUERIES };

size_t faro_metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  const Faro *faro = params;
  query[QUERY_LATENCY_S] = metric_query(METER_LATENCY_MEAN_S);
  query[QUERY_FINISHED_RPS] = metric_query(METER_FINISHED_RPS);
  query[QUERY_DROPPED_RPS] = metric_query(METER_DROPPED_RPS);
  for (int k = 0; k < FARO_QUERIES; k++) query[k].window_ns = faro->look_back_period_ns;
  return FARO_QUERIES;
}

void faro_timing(const void *params, PolicyTiming *timing) {
  const Faro *faro = params;
  *timing = (PolicyTiming){.period_ns = faro->interval_ns, .scrape_ns = faro->interval_ns, .window_ns = faro->look_back_period_ns};
}

static double answer_of(const Observation *observation, int k) {
  const MetricValue *metric = observation->metric ? &observation->metric[k] : NULL;
  return metric && metric->has && metric->value > 0 ? metric->value : 0;
}

/* Mean latency of the requests that ended in the window, in ns. Without any it is 0, as Faro has it: a quiet deployment scales down. */
static double signal_ns(const Faro *faro, const Observation *observation) {
  double latency_ns = answer_of(observation, QUERY_LATENCY_S) * 1e9;
  if (faro->drops == FARO_DROPS_LEFT_OUT) return latency_ns;
  double finished = answer_of(observation, QUERY_FINISHED_RPS), dropped = answer_of(observation, QUERY_DROPPED_RPS);
  double ended = finished + dropped;
  if (!(dropped > 0) || !(ended < 1e300)) return latency_ns;
  return (latency_ns * finished + (double)faro->dropped_latency_ns * dropped) / ended;
}

/* ---- counting ---- */

static int64_t looks_of(int64_t delay_ns, int64_t period_ns) { return delay_ns / most(period_ns, 1); }

/* Counts the look; true when the row is long enough, and then begins a new one. */
static bool row_is_full(int32_t *count, bool up, int64_t looks) {
  int32_t one = up ? 1 : -1;
  int32_t next = (*count > 0) == up && *count != 0 ? *count + one : one;
  int64_t length = (int64_t)next * one;
  *count = length >= looks || length >= INT32_MAX - 1 ? 0 : next;
  return length >= looks;
}

static bool is_busy(const Observation *observation) { return observation->replicas_starting + observation->replicas_pending > 0; }

static int64_t bounded_wish(const Faro *faro, const Observation *observation, int64_t wish) {
  int64_t high = faro->max_replicas >= 0 ? faro->max_replicas : observation->max_replicas;
  return most(faro->min_replicas, least(wish, high));
}

/* What one deployment wants by itself, before the quota, into decision->replicas. */
static void plan(const Faro *faro, int32_t *count, const Observation *observation, FaroAction *action, Decision *decision) {
  int64_t target_ns = faro->target_metric_ns > 0 ? faro->target_metric_ns : observation->objective_latency_ns;
  decision->reason = observation->has_metrics ? "no objective" : "no metrics";
  if (!observation->has_metrics || target_ns <= 0) return;
  double signal = signal_ns(faro, observation);
  decision->metric = signal / 1e9;
  decision->target = (double)target_ns / 1e9;
  decision->reason = "replicas are starting";
  if (faro->while_scaling == FARO_BUSY_PAUSE && is_busy(observation)) return;
  bool up = signal > (double)target_ns;
  bool full = row_is_full(count, up, looks_of(up ? faro->upscale_delay_ns : faro->downscale_delay_ns, observation->period_ns));
  int64_t wish = bounded_wish(faro, observation, action(observation->replicas, signal / (double)target_ns, up));
  bool skipped = faro->while_scaling == FARO_BUSY_SKIP && is_busy(observation);
  decision->raw_replicas = (double)wish;
  if (full && !skipped) decision->replicas = wish;
  decision->after_tolerance = (double)decision->replicas;
  decision->reason = !full ? "not yet for long enough" : skipped ? "skipped: replicas are starting"
                     : wish == observation->replicas ? "at a bound" : up ? "latency above target" : "latency not above target";
}

/* ---- the quota ---- */

/* What a deployment's scale-up may take, when `used` is what all had before this look and `change` what was taken so far at it. */
static int64_t free_millicores(const Faro *faro, const Observation *observation, int64_t used_millicores, int64_t change_millicores) {
  const int64_t most_replicas = INT64_C(1) << 20;
  if (faro->quota_millicores > 0) return most(faro->quota_millicores - used_millicores - change_millicores, 0);
  return most(least(observation->placeable_replicas, most_replicas) * faro_unit_millicores(observation) - change_millicores, 0);
}

/* Scale-downs first, then scale-ups in the order of the deployments; one that does not fit is cut to what does, the rest not tried again. */
static void share_quota(const Faro *faro, const Observation *observation, Decision *decision, size_t n, int64_t used_millicores) {
  int64_t change_millicores = 0;
  for (size_t k = 0; k < n; k++)
    if (decision[k].replicas < observation[k].replicas)
      change_millicores += (decision[k].replicas - observation[k].replicas) * faro_unit_millicores(&observation[k]);
  for (size_t k = 0; k < n; k++) {
    int64_t delta = decision[k].replicas - observation[k].replicas, unit = faro_unit_millicores(&observation[k]);
    if (delta <= 0) continue;
    int64_t granted = least(delta, free_millicores(faro, &observation[k], used_millicores, change_millicores) / unit);
    if (granted < delta) decision[k].reason = "cut to the quota";
    decision[k].replicas = observation[k].replicas + granted;
    change_millicores += granted * unit;
  }
}

void faro_decide_all(const Faro *faro, FaroState *state, const Observation *observation, Decision *decision, size_t n, FaroAction *action) {
  int64_t used_millicores = 0;
  for (size_t k = 0; k < n; k++) {
    used_millicores += observation[k].replicas * faro_unit_millicores(&observation[k]);
    if (k < FARO_DEPLOYMENTS) plan(faro, &state->count[k], &observation[k], action, &decision[k]);
    else decision[k].reason = "more deployments than this policy counts";
  }
  share_quota(faro, observation, decision, n, used_millicores);
  for (size_t k = 0; k < n; k++) {
    bool change = decision[k].replicas != observation[k].replicas;
    decision[k].rate_limited = (double)decision[k].replicas;
    decision_step(&decision[k], "Compare latency with target", "replicas as wished", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                  decision[k].metric, decision[k].target);
  }
}
