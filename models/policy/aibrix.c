/* `aibrix-apa` and `aibrix-kpa`: the two rules of AIBrix's PodAutoscaler for LLM serving. Every 10 s the metric of all pods is averaged
 * into a sample, the samples of a window into a value; APA scales the present replicas by value / target, KPA wishes value / target
 * replicas and takes a short window's value when that is far above the long one's. Then pending replicas, cooldowns, bounds.
 * Source: vllm-project/aibrix e3e10f9e, pkg/controller/podautoscaler (algorithm/apa.go, algorithm/kpa.go, autoscaler.go,
 * podautoscaler_controller.go, metrics/client.go, types/metrics.go).
 *
 * As read, though not as its names suggest: the highest number of pods in panic is not remembered from look to look, so panic may scale
 * down; a scale-down takes the *lowest* wish of its cooldown window, a scale-up the highest of its own; KPA's value is a pod's average,
 * not their sum; panic begins by panic value / stable value, not by pods, and whenever the stable value is 0. */
#include <math.h>

#include "models/policy/tracking.h"

static const int64_t second_ns = 1000000000;
static const char *const source_names[] = {"pod", "external", NULL};
typedef enum AibrixSource { AIBRIX_POD, AIBRIX_EXTERNAL } AibrixSource;

/* A(kind, member, "key", default, min, max, help, source); N(member, "key", names, default, help, source): a choice. */
#define AIBRIX_FIELDS(A, N) \
  A(metric, target_metric, "targetMetric", "slot_utilisation_ratio", 0, 0, "what is held at targetValue", "spec.metricsSources[].targetMetric") \
  A(number, target_value, "targetValue", "0.5", 1e-9, 1e12, "the value to hold, per pod", "spec.metricsSources[].targetValue; 0.5 in the examples for a cache's share") \
  N(metric_source_type, "metricSourceType", source_names, "pod", "pod: the mean of the pods' values; external: the deployment's", "spec.metricsSources[].metricSourceType") \
  A(integer, min_replicas, "minReplicas", "-1", -1, 1000000, "replicas at least; -1: the deployment's", "spec.minReplicas") \
  A(integer, max_replicas, "maxReplicas", "-1", -1, 1000000, "replicas at most; -1: the deployment's", "spec.maxReplicas") \
  A(integer, observe_window_s, "observeWindowSeconds", "180", 1, 3600, "the stable window", "spec.observeWindowSeconds 180") \
  A(number, max_scale_up_rate, "max-scale-up-rate", "2", 1, 1e6, "at most so many times the present replicas in one look", "autoscaling.aibrix.ai/max-scale-up-rate 2") \
  A(number, max_scale_down_rate, "max-scale-down-rate", "2", 1, 1e6, "at least the present replicas divided by this", "autoscaling.aibrix.ai/max-scale-down-rate 2") \
  A(number, scale_up_tolerance, "scale-up-tolerance", "0.1", 0, 1e6, "no change up to so far above target", "autoscaling.aibrix.ai/scale-up-tolerance 0.1") \
  A(number, scale_down_tolerance, "scale-down-tolerance", "0.1", 0, 1, "no change down to so far below target", "autoscaling.aibrix.ai/scale-down-tolerance 0.1") \
  A(duration, scale_up_cooldown, "scale-up-cooldown-window", "0s", 0, 3600, "scales up to the highest wish of this long", "autoscaling.aibrix.ai/scale-up-cooldown-window 0s") \
  A(duration, scale_down_cooldown, "scale-down-cooldown-window", "300s", 0, 3600, "scales down to the lowest wish of this long", "autoscaling.aibrix.ai/scale-down-cooldown-window 300s")
#define AIBRIX_KPA_FIELDS(A) \
  A(integer, panic_window_s, "panicWindowSeconds", "60", 1, 3600, "the panic window", "spec.panicWindowSeconds 60") \
  A(number, panic_threshold, "panic-threshold", "2", 0, 1e6, "panics when panic value / stable value is above", "autoscaling.aibrix.ai/panic-threshold 2.0")

#define AIBRIX_MEMBER(kind, member, ...) FIELD_C_##kind(member);
#define AIBRIX_CHOICE(member, ...) int member;
typedef struct Aibrix { AIBRIX_FIELDS(AIBRIX_MEMBER, AIBRIX_CHOICE) AIBRIX_KPA_FIELDS(AIBRIX_MEMBER) } Aibrix;
#define AIBRIX_ROW(kind_, member_, name_, dflt, lo, hi, help_, source_)                                            \
  {.name = name_, .kind = FIELD_K_##kind_, .need = OPTIONAL, .offset = offsetof(Aibrix, FIELD_M_##kind_(member_)), \
   .default_text = dflt, .min = lo, .max = hi, .help = help_, .source = source_},
#define AIBRIX_CHOICE_ROW(member_, name_, names_, dflt, help_, source_)                                                \
  {.name = name_, .kind = FIELD_CHOICE, .offset = offsetof(Aibrix, member_), .default_text = dflt, .choices = names_, \
   .help = help_, .source = source_},
static const Field apa_fields[] = {AIBRIX_FIELDS(AIBRIX_ROW, AIBRIX_CHOICE_ROW)};
static const Field kpa_fields[] = {AIBRIX_FIELDS(AIBRIX_ROW, AIBRIX_CHOICE_ROW) AIBRIX_KPA_FIELDS(AIBRIX_ROW)};

static bool check(const void *value, Err *err) {
  const Aibrix *aibrix = value;
  if (aibrix->min_replicas >= 0 && aibrix->max_replicas >= 0 && aibrix->min_replicas > aibrix->max_replicas)
    return err_at(err, "minReplicas", "is above maxReplicas (%lld > %lld)", (long long)aibrix->min_replicas, (long long)aibrix->max_replicas);
  return true;
}

static const Type apa_type = FIELD_TYPE("aibrix-apa", "AIBrix pod autoscaler", Aibrix, apa_fields, check);
static const Type kpa_type = FIELD_TYPE("aibrix-kpa", "AIBrix pod autoscaler with panic", Aibrix, kpa_fields, check);

/* ---- state: two rings behind a header; one sample a second and one wish a second at most are kept ---- */

typedef struct Sample {
  int64_t second;
  double value;
} Sample;
typedef struct Ring {
  int64_t size, first, length;
} Ring;
typedef struct AibrixState {
  Ring samples, wishes;
} AibrixState;

static int64_t sample_room(const Aibrix *aibrix) { return most(aibrix->observe_window_s, aibrix->panic_window_s) + 1; }
static int64_t wish_room(const Aibrix *aibrix) { return most(aibrix->scale_up_cooldown_ns, aibrix->scale_down_cooldown_ns) / second_ns + 1; }

static size_t state_bytes_of(const void *params) {
  return sizeof(AibrixState) + (size_t)sample_room(params) * sizeof(Sample) + (size_t)wish_room(params) * sizeof(Wish);
}

static int64_t ring_at(const Ring *ring, int64_t k) { return (ring->first + k) % ring->size; }
static int64_t ring_push(Ring *ring) {
  if (ring->length == ring->size) {
    ring->first = (ring->first + 1) % ring->size;
    ring->length--;
  }
  return ring_at(ring, ring->length++);
}

typedef struct Memory {
  AibrixState *state;
  Sample *sample;
  Wish *wish;
} Memory;

static Memory memory_of(const Aibrix *aibrix, void *state) {
  AibrixState *s = state;
  s->samples.size = sample_room(aibrix);
  s->wishes.size = wish_room(aibrix);
  Sample *sample = (Sample *)(s + 1);
  return (Memory){s, sample, (Wish *)(sample + s->samples.size)};
}

/* A second sample of the same second replaces the first. */
static void record(Memory *memory, int64_t now_ns, double value) {
  Ring *ring = &memory->state->samples;
  int64_t second = now_ns / second_ns;
  bool again = ring->length > 0 && memory->sample[ring_at(ring, ring->length - 1)].second == second;
  memory->sample[again ? ring_at(ring, ring->length - 1) : ring_push(ring)] = (Sample){second, value};
}

/* The mean of the samples of the last so many seconds, both ends included. */
static double average(const Memory *memory, int64_t now_ns, int64_t window_s) {
  const Ring *ring = &memory->state->samples;
  double sum = 0;
  int64_t count = 0, from = now_ns / second_ns - window_s;
  for (int64_t k = 0; k < ring->length; k++) {
    const Sample *sample = &memory->sample[ring_at(ring, k)];
    if (sample->second < from) continue;
    sum += sample->value;
    count++;
  }
  return sum / (double)most(count, 1);
}

/* ---- the two rules ---- */

static int64_t pods(double number) {
  if (!(number > 0)) return 0;
  return number < (double)INT32_MAX ? (int64_t)number : INT32_MAX;
}

static int64_t apa(const Aibrix *aibrix, int64_t current, double value, Decision *decision) {
  double ratio = value / aibrix->target_value, replicas = (double)current;
  int64_t wish = pods(ceil(replicas * ratio));
  decision->raw_replicas = (double)wish;
  bool above = ratio > 1 + aibrix->scale_up_tolerance, below = ratio < 1 - aibrix->scale_down_tolerance;
  decision->after_tolerance = above || below ? (double)wish : replicas;
  if (above) return least(wish, pods(ceil(aibrix->max_scale_up_rate * replicas)));
  if (below) return most(wish, pods(floor(replicas / aibrix->max_scale_down_rate)));
  return current;
}

/* value / target replicas; the present number while the value itself is within the tolerance of the target. */
static double kpa_wish(const Aibrix *aibrix, int64_t current, double value) {
  double target = aibrix->target_value;
  bool within = value <= target * (1 + aibrix->scale_up_tolerance) && value >= target * (1 - aibrix->scale_down_tolerance);
  return within ? (double)current : ceil(value / target);
}

static int64_t kpa(const Aibrix *aibrix, int64_t current, double stable, double panic, bool panicking, Decision *decision) {
  double replicas = (double)current, up = fmax(1, ceil(aibrix->max_scale_up_rate * replicas)), down = floor(replicas / aibrix->max_scale_down_rate);
  double wish = kpa_wish(aibrix, current, stable), value = panicking ? fmax(stable, panic) : stable;
  if (panicking) wish = fmax(wish, kpa_wish(aibrix, current, panic));
  decision->raw_replicas = (double)pods(ceil(value / aibrix->target_value));
  decision->after_tolerance = (double)pods(wish);
  return pods(fmin(fmax(wish, down), up));
}

/* ---- what follows both ---- */

/* Replicas that are not ready have no metric: scaling up they count as idle, scaling down as at the target. */
static int64_t guarded(const Aibrix *aibrix, bool is_kpa, const Observation *observation, int64_t wish, double value) {
  int64_t current = observation->replicas, ready = least(most(observation->replicas_ready, 0), current), pending = current - ready;
  if (aibrix->metric_source_type == AIBRIX_EXTERNAL || pending <= 0 || wish == current || current <= 0) return wish;
  double target = aibrix->target_value, of_ready = value * (double)ready, n = (double)current;
  if (wish > current) {
    double adjusted = of_ready / n;
    int64_t again = pods(ceil(is_kpa ? adjusted / target : n * adjusted / target));
    return least(most(again, current), wish);
  }
  double adjusted = of_ready + target * (double)pending; /* of all */
  int64_t again = pods(ceil(is_kpa ? adjusted / target : n * (adjusted / n) / target));
  return most(least(again, current), wish);
}

/* The highest wish of the window going up, the lowest going down; the present number goes neither way. */
static int64_t cooled(const Aibrix *aibrix, Memory *memory, int64_t now_ns, int64_t wish, int64_t current) {
  Ring *ring = &memory->state->wishes;
  memory->wish[ring_push(ring)] = (Wish){now_ns, wish};
  if (wish == current) return current;
  bool up = wish > current;
  int64_t window_ns = up ? aibrix->scale_up_cooldown_ns : aibrix->scale_down_cooldown_ns, found = wish;
  for (int64_t k = 0; k < ring->length; k++) {
    const Wish *old = &memory->wish[ring_at(ring, k)];
    if (now_ns - old->at_ns >= window_ns) continue;
    found = up ? most(found, old->value) : least(found, old->value);
  }
  return found;
}

/* ---- deciding ---- */

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  const Aibrix *aibrix = params;
  query[0] = aibrix->target_metric;
  bool by_pod = aibrix->metric_source_type == AIBRIX_POD && meter_by_replica(query[0].meter);
  query[0].per = by_pod ? METRIC_PER_REPLICA : METRIC_PER_DEPLOYMENT;
  query[0].aggregate = METRIC_MEAN;
  if (by_pod && query[0].window_ns == METRIC_AS_STRATEGY) query[0].window_ns = 0; /* pods report gauges */
  return 1;
}

static void timing(const void *params, PolicyTiming *timing) {
  (void)params;
  *timing = (PolicyTiming){.period_ns = 10 * second_ns, .scrape_ns = 10 * second_ns, .window_ns = 10 * second_ns, .lag_ns = 0};
}

static void conclude(const Observation *observation, Decision *decision, int64_t replicas, const char *reason) {
  bool change = replicas != observation->replicas;
  decision->replicas = replicas;
  decision->reason = reason;
  decision_step(decision, "Compare metric with target", "replicas as wished", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                decision->metric, decision->target);
}

static void decide_by(bool is_kpa, const Aibrix *aibrix, void *state, const Observation *observation, Decision *decision) {
  Memory memory = memory_of(aibrix, state);
  const int64_t current = observation->replicas, now_ns = observation->now_ns;
  int64_t low = aibrix->min_replicas >= 0 ? aibrix->min_replicas : observation->min_replicas;
  int64_t high = most(aibrix->max_replicas >= 0 ? aibrix->max_replicas : observation->max_replicas, low);
  decision->target = aibrix->target_value;
  if (current == 0 && low != 0) return conclude(observation, decision, 0, "scaled to zero by hand, off");
  if (current > high) return conclude(observation, decision, high, "above the maximum of replicas");
  if (current < low) return conclude(observation, decision, low, "below the minimum of replicas");
  const MetricValue *sample = observation->metric;
  if (!sample || !sample->has || sample->value != sample->value) return conclude(observation, decision, current, "no metrics");
  record(&memory, now_ns, sample->value);
  double stable = average(&memory, now_ns, aibrix->observe_window_s);
  double panic = is_kpa ? average(&memory, now_ns, aibrix->panic_window_s) : stable;
  bool panicking = is_kpa && (stable <= 0 || panic / stable > aibrix->panic_threshold);
  decision->metric = panicking ? panic : stable;
  if (is_kpa)
    decision_step(decision, "Panic", "panic value / stable value > threshold", panicking, panicking ? "panic window" : "stable window", MODEL_STATE_NONE,
                  stable > 0 ? panic / stable : __builtin_nan(""), aibrix->panic_threshold);
  int64_t limited = is_kpa ? kpa(aibrix, current, stable, panic, panicking, decision) : apa(aibrix, current, stable, decision);
  int64_t wish = guarded(aibrix, is_kpa, observation, most(low, least(limited, high)), decision->metric);
  int64_t cool = cooled(aibrix, &memory, now_ns, wish, current), replicas = most(low, least(cool, high));
  decision->rate_limited = (double)limited;
  decision->stabilised = (double)cool;
  const char *reason = replicas == current ? "stable" : replicas > current ? "metric above target" : "metric below target";
  if (wish != most(low, least(limited, high))) reason = "replicas are starting";
  else if (cool != wish) reason = cool > wish ? "the highest wish of the cooldown" : "the lowest wish of the cooldown";
  else if ((double)limited != decision->after_tolerance) reason = "pace limited";
  conclude(observation, decision, replicas, reason);
}

static void decide_apa(const void *params, void *state, const Observation *observation, Decision *decision) {
  decide_by(false, params, state, observation, decision);
}

static void decide_kpa(const void *params, void *state, const Observation *observation, Decision *decision) {
  decide_by(true, params, state, observation, decision);
}

extern const Policy policy_aibrix_apa, policy_aibrix_kpa;
const Policy policy_aibrix_apa = {
    .model = {.kind = MODEL_POLICY,
              .name = "aibrix-apa",
              .summary = "AIBrix pod autoscaler for LLM serving: replicas x metric / target, in steps",
              .rule = "Every 10 s, with r = mean of the window / target: above 1 + scale-up-tolerance ceil(n r), at most ceil(n x max-scale-up-rate);\n"
                      "below 1 - scale-down-tolerance ceil(n r), at least floor(n / max-scale-down-rate); else n. Replicas that are not ready\n"
                      "count as idle going up, as at the target going down. Then the highest wish of the scale-up cooldown, or the lowest of\n"
                      "the scale-down cooldown, and the bounds.",
              .evidence = "read at vllm-project/aibrix e3e10f9e; 10 upstream and 12 hand-computed cases in tests/unit/test_aibrix.c",
              .params = &apa_type},
    .state_bytes_of = state_bytes_of,
    .timing = timing,
    .metrics = metrics,
    .decide = decide_apa,
};
const Policy policy_aibrix_kpa = {
    .model = {.kind = MODEL_POLICY,
              .name = "aibrix-kpa",
              .summary = "AIBrix's form of the Knative pod autoscaler: metric / target replicas, with a panic window",
              .rule = "Every 10 s: ceil(stable value / target) replicas, the present number while the value is within the tolerances of the target;\n"
                      "when panic value / stable value is above panic-threshold, or the stable value is 0, the higher of both windows' wishes. At\n"
                      "most ceil(n x max-scale-up-rate), at least floor(n / max-scale-down-rate). Then as `aibrix-apa`.",
              .evidence = "read at vllm-project/aibrix e3e10f9e; 5 upstream and 12 hand-computed cases in tests/unit/test_aibrix.c",
              .params = &kpa_type},
    .state_bytes_of = state_bytes_of,
    .timing = timing,
    .metrics = metrics,
    .decide = decide_kpa,
};
