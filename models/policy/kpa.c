/* `kpa`: the Knative pod autoscaler as the simulator runs it: feeds the metric windows, scales, and sets what the scaler makes of it.
 *
 * The windows are of one-second buckets and a tick comes every 2 s, so two queries of a window of 1 s, one lagging by a second, bring
 * each second exactly once (a sample that was seen is never fed again, nor are asks between ticks in the way). Where a strategy looks
 * less often, the seconds between take the next sample's value. As upstream, pods report every second, the activator only while it has
 * requests: without ready pods, or with target-burst-capacity -1, idle seconds are no data.
 *
 * Concurrency is what waits or is served; the whole population is measured, the sampling of pods adds no noise. The activator answers
 * its probe at once, and a later look that upstream asks for happens at the next tick. Source: knative/serving 98e5ef90. */
#include "models/policy/kpa_autoscaler.h"
#include "models/policy/kpa_buckets.h"
#include "models/policy/kpa_scaler.h"
#include "models/policy/tracking.h"

static const int64_t second_ns = 1000000000;
enum { LEAST_ACTIVATORS = 2, ACTIVATION_BUFFER_S = 30 };

static const char *const metric_names[] = {"concurrency", "rps", NULL};
typedef enum KpaAggregation { KPA_LINEAR, KPA_WEIGHTED } KpaAggregation;
static const char *const aggregation_names[] = {"linear", "weighted-exponential", NULL};

/* K(kind, member, "key", default, min, max, help, source); N(member, "key", names, default, help, source): a choice. */
#define KPA_FIELDS(K, N) \
  N(metric, "metric", metric_names, "concurrency", "what is held at the target", "autoscaling.knative.dev/metric") \
  N(aggregation, "metric-aggregation-algorithm", aggregation_names, "linear", "how a window is averaged", "autoscaling.knative.dev/metric-aggregation-algorithm") \
  K(number, target, "target", "0", 0, 1e9, "per pod, before the utilization; 0: the default of the metric", "autoscaling.knative.dev/target") \
  K(number, target_utilization_percentage, "target-utilization-percentage", "0", 0, 100, "share of the target to hold; 0: the default of the metric", "autoscaling.knative.dev/target-utilization-percentage") \
  K(integer, container_concurrency, "container-concurrency", "-1", -1, 1000000000, "requests a pod takes at once; 0: no limit; -1: the deployment's concurrency", "spec.containerConcurrency") \
  K(number, container_concurrency_target_default, "container-concurrency-target-default", "100", 0.01, 1e9, "concurrency of a pod without a limit or target", "config-autoscaler 100") \
  K(number, container_concurrency_target_percentage, "container-concurrency-target-percentage", "70", 1e-3, 100, "share of it to hold; up to 1 it is a fraction", "config-autoscaler 70") \
  K(number, rps_target_default, "requests-per-second-target-default", "200", 0.01, 1e9, "requests a second of a pod without a target; 70 % of it is held", "config-autoscaler 200") \
  K(number, target_burst_capacity, "target-burst-capacity", "211", -1, 1e9, "requests a burst may bring; -1: the activator is always in the path; 0: only at zero", "config-autoscaler 211") \
  K(number, activator_capacity, "activator-capacity", "100", 1, 1e9, "concurrency of one activator", "config-autoscaler 100") \
  K(duration, stable_window, "stable-window", "60s", 6, 3600, "whole seconds", "config-autoscaler 60s") \
  K(number, panic_window_percentage, "panic-window-percentage", "10", 1, 100, "of the stable window; at least 1 s", "config-autoscaler 10.0") \
  K(number, panic_threshold_percentage, "panic-threshold-percentage", "200", 110, 1000, "panics at so much of what ready pods can hold", "config-autoscaler 200.0") \
  K(number, max_scale_up_rate, "max-scale-up-rate", "1000", 1, 1e6, "at most so many times the ready pods in one look", "config-autoscaler 1000.0") \
  K(number, max_scale_down_rate, "max-scale-down-rate", "2", 1, 1e6, "at least the ready pods divided by this", "config-autoscaler 2.0") \
  K(duration, scale_down_delay, "scale-down-delay", "0s", 0, 3600, "scales down to the highest wish of this long; whole seconds", "config-autoscaler 0s") \
  K(flag, enable_scale_to_zero, "enable-scale-to-zero", "true", 0, 0, "false: one pod always stays", "config-autoscaler true") \
  K(duration, grace_period, "scale-to-zero-grace-period", "30s", 1e-3, 86400, "the activator is in the path for so long before the last pod goes", "config-autoscaler 30s") \
  K(duration, retention_period, "scale-to-zero-pod-retention-period", "0s", 0, 86400, "the last pod stays for so long after it became inactive", "config-autoscaler 0s") \
  K(integer, min_scale, "min-scale", "-1", -1, 1000000, "pods at least; -1: the deployment's", "config-autoscaler 0") \
  K(integer, max_scale, "max-scale", "-1", -1, 1000000, "pods at most; 0: no bound; -1: the deployment's", "config-autoscaler 0") \
  K(integer, initial_scale, "initial-scale", "1", 0, 1000000, "pods before it first counts as active; 0: inactive until asked", "config-autoscaler 1") \
  K(integer, activation_scale, "activation-scale", "0", 0, 1000000, "pods at least whenever there is load", "autoscaling.knative.dev/activation-scale") \
  K(duration, progress_deadline, "progress-deadline", "600s", 0, 86400, "an activation that takes 30 s longer is given up", "config-deployment 600s")

#define KPA_MEMBER(kind, member, ...) FIELD_C_##kind(member);
#define KPA_CHOICE(member, ...) int member;
typedef struct Kpa { KPA_FIELDS(KPA_MEMBER, KPA_CHOICE) } Kpa;
#define KPA_ROW(kind_, member_, name_, dflt, lo, hi, help_, source_)                                                   \
  {.name = name_, .kind = FIELD_K_##kind_, .need = OPTIONAL, .offset = offsetof(Kpa, FIELD_M_##kind_(member_)),        \
   .default_text = dflt, .min = lo, .max = hi, .help = help_, .source = source_},
#define KPA_CHOICE_ROW(member_, name_, names_, dflt, help_, source_)                                                \
  {.name = name_, .kind = FIELD_CHOICE, .offset = offsetof(Kpa, member_), .default_text = dflt, .choices = names_, \
   .help = help_, .source = source_},
static const Field kpa_fields[] = {KPA_FIELDS(KPA_ROW, KPA_CHOICE_ROW)};

static bool check(const void *value, Err *err) {
  const Kpa *kpa = value;
  if (kpa->stable_window_ns % second_ns) return err_at(err, "stable-window", "has parts of a second");
  if (kpa->scale_down_delay_ns % second_ns) return err_at(err, "scale-down-delay", "has parts of a second");
  if (!(kpa->max_scale_up_rate > 1)) return err_at(err, "max-scale-up-rate", "must be above 1");
  if (!(kpa->max_scale_down_rate > 1)) return err_at(err, "max-scale-down-rate", "must be above 1");
  if (kpa->target_burst_capacity < 0 && kpa->target_burst_capacity != -1) return err_at(err, "target-burst-capacity", "is neither -1 nor at least 0");
  if (kpa->min_scale > 0 && kpa->max_scale > 0 && kpa->min_scale > kpa->max_scale)
    return err_at(err, "min-scale", "is above max-scale (%lld > %lld)", (long long)kpa->min_scale, (long long)kpa->max_scale);
  return true;
}

static const Type kpa_type = FIELD_TYPE("kpa", "Knative pod autoscaler", Kpa, kpa_fields, check);

/* ---- state: this, then the buckets of both windows, then the maxima of the delay ---- */

typedef struct KpaState {
  bool begun;
  KpaBuckets stable, panic;
  KpaAutoscaler autoscaler;
  int64_t desired;               /* of the last valid look */
  int64_t excess_burst_capacity; /* of that */
  int64_t sampled_ns;            /* of the newest sample that was fed */
  bool has_sample, reporting;    /* reporting: the activator had requests in its last second */
  bool asked;                    /* a first request was reported at once: the second it belongs to counts one less */
  KpaActivity activity;
  int64_t activity_since_ns;
  bool initialised, proxied;
  int64_t proxied_since_ns;
} KpaState;

/* The share of the stable window, to a whole second, at least one. */
static int64_t panic_window_ns(const Kpa *kpa) {
  double s = (double)kpa->stable_window_ns / 1e9 * kpa->panic_window_percentage / 100;
  return most((int64_t)(s + 0.5), 1) * second_ns;
}

static int64_t stable_buckets(const Kpa *kpa) { return kpa_bucket_count(kpa->stable_window_ns, second_ns); }
static int64_t panic_buckets(const Kpa *kpa) { return kpa_bucket_count(panic_window_ns(kpa), second_ns); }

static size_t state_bytes_of(const void *params) {
  const Kpa *kpa = params;
  return sizeof(KpaState) + (size_t)(stable_buckets(kpa) + panic_buckets(kpa)) * sizeof(double) +
         (size_t)kpa_delay_slots(kpa->scale_down_delay_ns) * sizeof(KpaMaximum);
}

/* What a decider that was just created says of the burst, before any look. */
static int64_t first_burst_capacity(double target_burst_capacity, double total) {
  if (target_burst_capacity <= 0) return target_burst_capacity < 0 ? -1 : 0;
  return total < target_burst_capacity ? -1 : 0; /* only the sign matters */
}

/* The state with its pointers set; they are set at each look, so that a state may be moved. */
static KpaState *opened(const Kpa *kpa, void *state, const KpaTarget *target, const Observation *observation) {
  KpaState *s = state;
  double *room = (double *)(s + 1);
  KpaMaximum *maxima = (KpaMaximum *)(room + stable_buckets(kpa) + panic_buckets(kpa));
  if (!s->begun) {
    s->begun = true;
    kpa_buckets_begin(&s->stable, room, kpa->stable_window_ns, second_ns);
    kpa_buckets_begin(&s->panic, room + stable_buckets(kpa), panic_window_ns(kpa), second_ns);
    kpa_autoscaler_begin(&s->autoscaler, observation->replicas_ready, observation->now_ns, maxima, kpa_delay_slots(kpa->scale_down_delay_ns));
    s->desired = KPA_UNKNOWN;
    s->excess_burst_capacity = first_burst_capacity(kpa->target_burst_capacity, target->total);
    s->activity = KPA_ACTIVATING;
    s->activity_since_ns = observation->now_ns;
  }
  s->stable.bucket = room;
  s->panic.bucket = room + stable_buckets(kpa);
  s->autoscaler.delay.maximum = maxima;
  return s;
}

/* ---- parameters as the parts want them ---- */

static KpaTarget target_of(const Kpa *kpa, const Observation *observation) {
  double percentage = kpa->container_concurrency_target_percentage;
  int64_t concurrency = kpa->container_concurrency >= 0 ? kpa->container_concurrency : most(observation->concurrency, 0);
  KpaTargetSpec spec = {.metric = (KpaMetric)kpa->metric,
                        .concurrency_share = percentage > 1 ? percentage / 100 : percentage,
                        .concurrency_default = kpa->container_concurrency_target_default,
                        .rps_default = kpa->rps_target_default, .utilisation_share = 0.7,
                        .container_concurrency = (double)concurrency,
                        .target = kpa->target, .target_share = kpa->target_utilization_percentage / 100};
  return kpa_target(&spec);
}

static KpaSpec spec_of(const Kpa *kpa, const KpaTarget *target) {
  return (KpaSpec){.target = *target, .target_burst_capacity = kpa->target_burst_capacity,
                   .panic_threshold_ratio = kpa->panic_threshold_percentage / 100,
                   .max_scale_up_ratio = kpa->max_scale_up_rate, .max_scale_down_ratio = kpa->max_scale_down_rate,
                   .stable_window_ns = kpa->stable_window_ns, .activation_scale = kpa->activation_scale, .reachable = true};
}

static KpaScalerSpec scaler_spec_of(const Kpa *kpa, const Observation *observation) {
  return (KpaScalerSpec){.min_scale = kpa->min_scale >= 0 ? kpa->min_scale : observation->min_replicas,
                         .max_scale = kpa->max_scale >= 0 ? kpa->max_scale : observation->max_replicas,
                         .initial_scale = kpa->initial_scale, .enable_scale_to_zero = kpa->enable_scale_to_zero,
                         .always_proxied = kpa->target_burst_capacity == -1, .stable_window_ns = kpa->stable_window_ns,
                         .grace_ns = kpa->grace_period_ns, .retention_ns = kpa->retention_period_ns,
                         .activation_timeout_ns = kpa->progress_deadline_ns + ACTIVATION_BUFFER_S * second_ns};
}

/* ---- metrics ---- */

enum { SAMPLES = KPA_TICK_S };

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  const Kpa *kpa = params;
  for (int k = 0; k < SAMPLES; k++)
    query[k] = (MetricQuery){.name = metric_names[kpa->metric], .meter = kpa->metric == KPA_RPS ? METER_OFFERED_RPS : METER_IN_FLIGHT_JOBS,
                             .per = METRIC_PER_DEPLOYMENT, .aggregate = METRIC_SUM, .scrape_ns = second_ns, .window_ns = second_ns,
                             .lag_ns = k * second_ns, .multiply = 1};
  return SAMPLES;
}

static void timing(const void *params, PolicyTiming *timing) {
  (void)params;
  *timing = (PolicyTiming){.period_ns = KPA_TICK_NS, .scrape_ns = second_ns, .window_ns = second_ns, .lag_ns = 0};
}

static void record(KpaState *s, int64_t at_ns, double value) {
  kpa_buckets_record(&s->stable, at_ns, value);
  kpa_buckets_record(&s->panic, at_ns, value);
}

/* One second's value; what pods do not report, and the activator has no requests to report, is no data. */
static void feed(KpaState *s, bool pods_report, int64_t at_ns, double value) {
  bool requests = value > 0;
  if (s->asked) {
    s->asked = false;
    value = value > 1 ? value - 1 : 0;
  }
  if (pods_report || requests || s->reporting) record(s, at_ns, value);
  s->reporting = requests;
}

/* The samples that are new, oldest first. */
static void feed_samples(const Kpa *kpa, KpaState *s, const Observation *observation) {
  bool pods_report = observation->replicas_ready > 0 && kpa->target_burst_capacity != -1;
  for (int k = observation->metric ? SAMPLES : 0; k-- > 0;) {
    const MetricValue *sample = &observation->metric[k];
    if (!sample->has || sample->value - sample->value != 0 || sample->window_ns <= 0) continue; /* nor what is not finite */
    if (s->has_sample && sample->sampled_ns <= s->sampled_ns) continue;
    int64_t from_ns = s->has_sample ? most(s->sampled_ns + second_ns, sample->sampled_ns - kpa->stable_window_ns) : sample->sampled_ns;
    for (int64_t at_ns = from_ns; at_ns < sample->sampled_ns; at_ns += second_ns) feed(s, pods_report, at_ns, sample->value);
    feed(s, pods_report, sample->sampled_ns, sample->value);
    s->has_sample = true;
    s->sampled_ns = sample->sampled_ns;
  }
}

static double average(const Kpa *kpa, const KpaBuckets *buckets, int64_t now_ns) {
  if (kpa->aggregation == KPA_WEIGHTED) return kpa_buckets_weighted(buckets, now_ns);
  return kpa_buckets_average(buckets, now_ns);
}

/* ---- deciding ---- */

static KpaScale scale(const Kpa *kpa, KpaState *s, const KpaTarget *target, const Observation *observation, Decision *decision) {
  KpaSpec spec = spec_of(kpa, target);
  double stable = average(kpa, &s->stable, observation->now_ns), panic = average(kpa, &s->panic, observation->now_ns);
  bool scraped = kpa->target_burst_capacity != -1; /* a series that nobody scrapes is 0 when silent, not missing */
  if (scraped && kpa_buckets_empty(&s->stable, observation->now_ns)) stable = panic = __builtin_nan("");
  KpaScale got = kpa_autoscaler_scale(&s->autoscaler, &spec, observation->replicas_ready, stable, panic, observation->now_ns);
  decision->metric = s->autoscaler.panicking && panic > stable ? panic : stable;
  decision->target = target->target;
  if (!got.valid) return got;
  s->desired = got.desired;
  s->excess_burst_capacity = got.excess_burst_capacity;
  decision->raw_replicas = s->autoscaler.panicking && got.panic_pods > got.stable_pods ? got.panic_pods : got.stable_pods;
  decision->rate_limited = (double)got.limited;
  decision->stabilised = (double)got.desired;
  decision_step(decision, "Panic", "panic pods / ready pods >= threshold", got.over, s->autoscaler.panicking ? "panic, never down" : "stable",
                MODEL_STATE_NONE, got.over_ratio, spec.panic_threshold_ratio);
  decision_step(decision, "Scrape", "all pods in the sample", observation->replicas_ready <= 3, "scrape", MODEL_STATE_NONE,
                (double)kpa_sample_size(observation->replicas_ready), (double)observation->replicas_ready);
  return got;
}

static KpaStatus status_of(const KpaState *s, int64_t now_ns) {
  return (KpaStatus){.activity = s->activity, .activity_for_ns = now_ns - s->activity_since_ns, .initialised = s->initialised,
                     .proxied = s->proxied, .proxied_for_ns = s->proxied ? now_ns - s->proxied_since_ns : 0, .probe_answers = true};
}

/* What the reconciler notes after a look that wanted so many. */
static void reconcile(const KpaScalerSpec *spec, KpaState *s, int64_t want, const Observation *observation) {
  bool proxied = kpa_proxied(want, s->excess_burst_capacity, s->activity);
  if (proxied && !s->proxied) s->proxied_since_ns = observation->now_ns;
  s->proxied = proxied;
  int64_t threshold = kpa_active_threshold(spec, s->initialised);
  if (observation->replicas_ready >= threshold) s->initialised = true;
  KpaActivity activity = kpa_activity(s->activity, want, observation->replicas_ready, threshold);
  if (activity != s->activity) s->activity_since_ns = observation->now_ns;
  s->activity = activity;
}

static const char *reason(const KpaState *s, const KpaScale *got, const KpaScaling *scaling, const Observation *observation) {
  if (!scaling->as_wished) return s->desired == KPA_UNKNOWN && !scaling->apply ? "no metrics yet" : scaling->reason;
  if (!got->valid) return "no data, the last wish stands";
  if (observation->ask != ASK_NONE) return "a first request at zero";
  if (got->desired != got->held) return "held by the scale-down delay";
  if (s->autoscaler.panicking) return got->held != got->limited ? "panic, not scaled down" : "panic";
  if ((double)got->limited != got->stable_pods) return "rate limited";
  return "as wished";
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const Kpa *kpa = params;
  KpaTarget target = target_of(kpa, observation);
  KpaState *s = opened(kpa, state, &target, observation);
  feed_samples(kpa, s, observation);
  if (observation->ask == ASK_AT_ZERO) { /* the activator reports the first request at once, and the autoscaler is poked */
    record(s, observation->now_ns, 1);
    s->asked = s->reporting = true;
  }
  KpaScale got = scale(kpa, s, &target, observation, decision);
  KpaScalerSpec spec = scaler_spec_of(kpa, observation);
  KpaStatus status = status_of(s, observation->now_ns);
  KpaScaling scaling = kpa_scaler(&spec, &status, s->desired);
  if (scaling.apply) decision->replicas = scaling.scale;
  bool change = decision->replicas != observation->replicas;
  decision->reason = reason(s, &got, &scaling, observation);
  decision_step(decision, "Set the scale", "replicas as wished", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                (double)scaling.scale, (double)observation->replicas);
  reconcile(&spec, s, scaling.scale, observation);
  decision_step(decision, "Burst capacity", "excess burst capacity < 0", s->excess_burst_capacity < 0, s->proxied ? "through the activator" : "directly",
                MODEL_STATE_NONE, (double)s->excess_burst_capacity, 0);
  int64_t activators = kpa_activators(observation->replicas_ready, target.total, kpa->target_burst_capacity, kpa->activator_capacity, LEAST_ACTIVATORS);
  decision_step(decision, "Activators", "more than the least", activators > LEAST_ACTIVATORS, "subset", MODEL_STATE_NONE, (double)activators, LEAST_ACTIVATORS);
}

extern const Policy policy_kpa;
const Policy policy_kpa = {
    .model = {.kind = MODEL_POLICY,
              .name = "kpa",
              .alias = "knative",
              .summary = "Knative pod autoscaler: concurrency or requests a second, with panic and scale to zero",
              .rule = "Every 2 s, with S and P the means over the stable and the panic window: pods = ceil(S / target), within ready x\n"
                      "max-scale-up-rate and ready / max-scale-down-rate. When ceil(P / target) reaches panic-threshold x ready pods it panics: the\n"
                      "higher of both, never down, until a stable window has passed since. Then the highest wish of the scale-down delay, then\n"
                      "min-scale and max-scale. Zero: idle for a stable window, active for one, then the grace period behind the activator and\n"
                      "the pod retention. A first request at zero scales at once.",
              .evidence = "90 upstream cases (knative/serving 98e5ef90) and 47 of our own in make vectors, 21 hand-computed runs in tests/unit/test_kpa.c",
              .params = &kpa_type},
    .asks = ASK_AT_ZERO,
    .state_bytes_of = state_bytes_of,
    .timing = timing,
    .metrics = metrics,
    .decide = decide,
};
