/* `keda`: KEDA's ScaledObject, with the fields of its spec: triggers, the loop between zero and one, and the HPA it makes of them.
 * Source: kedacore/keda, apis/keda/v1alpha1/scaledobject_types.go, controllers/keda/hpa.go, pkg/scaling/scale_handler.go and
 * pkg/scaling/modifiers/formula.go, at 8b4f083c. The rule is in keda_rule.c, triggers in keda_triggers.c, the HPA in hpa.h.
 *
 * Two loops share the policy's ticks, which are the greatest common divisor of both periods: KEDA's poll and the HPA's reconciliation.
 * Where both are due the HPA goes first, so that neither sees in a tick what the other has just written. */
#include <stdio.h>
#include <string.h>

#include "models/policy/formula.h"
#include "models/policy/hpa.h"
#include "models/policy/keda_rule.h"
#include "models/policy/keda_triggers.h"
#include "models/policy/tracking.h"

/* ---- parameters ---- */

static const char *const behaviors[] = {"static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower", NULL};
static const char *const composite_types[] = {"AverageValue", "Value", NULL};

#define FALLBACK_FIELDS(F, C, O, L, M, R, P)                                                                               \
  F(integer, failureThreshold, NULL, 0, 1e6, REQUIRED, "more failures in a row than this", KEDA_API)                    \
  F(integer, replicas, NULL, 0, 1e6, REQUIRED, "replicas wished then", KEDA_API)                                        \
  C(behavior, behaviors, "static", "these, the current ones, or the higher or the lower of both", KEDA_API)
typedef struct KedaFallbackSpec { FIELD_MEMBERS(FALLBACK_FIELDS) } KedaFallbackSpec;
#define ROW_STRUCT KedaFallbackSpec
static const Field fallback_fields[] = {FIELD_ROWS(FALLBACK_FIELDS)};
#undef ROW_STRUCT
static const Type fallback_type = FIELD_TYPE("fallback", "what to do when triggers fail", KedaFallbackSpec, fallback_fields, NULL);

#define MODIFIERS_FIELDS(F, C, O, L, M, R, P)                                                                              \
  F(text, formula, NULL, 0, 0, OPTIONAL, "one metric from the triggers, by their names", KEDA_API)                      \
  F(quantity, target, NULL, 0, 9e12, OPTIONAL, "target of that metric", KEDA_API)                                       \
  F(quantity, activationTarget, "0", -9e12, 9e12, OPTIONAL, "active above this", KEDA_API)                              \
  C(metricType, composite_types, "AverageValue", "type of the HPA's target", KEDA_API)
typedef struct KedaModifiers { FIELD_MEMBERS(MODIFIERS_FIELDS) } KedaModifiers;
#define ROW_STRUCT KedaModifiers
static const Field modifiers_fields[] = {FIELD_ROWS(MODIFIERS_FIELDS)};
#undef ROW_STRUCT
static const Type modifiers_type = FIELD_TYPE("scalingModifiers", "a formula over triggers", KedaModifiers, modifiers_fields, NULL);

#define HPA_CONFIG_FIELDS(F, C, O, L, M, R, P)                                     \
  F(text, name, NULL, 0, 0, OPTIONAL, "not used", KEDA_API)                     \
  P(behavior, HpaBehavior, &hpa_behavior_type, "pace and windows of the HPA")
typedef struct KedaHpaConfig { FIELD_MEMBERS(HPA_CONFIG_FIELDS) } KedaHpaConfig;
#define ROW_STRUCT KedaHpaConfig
static const Field hpa_config_fields[] = {FIELD_ROWS(HPA_CONFIG_FIELDS)};
#undef ROW_STRUCT
static const Type hpa_config_type = FIELD_TYPE("horizontalPodAutoscalerConfig", "of the HPA that it makes", KedaHpaConfig, hpa_config_fields, NULL);

#define ADVANCED_FIELDS(F, C, O, L, M, R, P)                                                                               \
  F(flag, restoreToOriginalReplicaCount, "false", 0, 0, OPTIONAL, "not used: the object is never deleted", KEDA_API)    \
  O(horizontalPodAutoscalerConfig, KedaHpaConfig, &hpa_config_type, OPTIONAL, "of the HPA that it makes")               \
  O(scalingModifiers, KedaModifiers, &modifiers_type, OPTIONAL, "a formula over triggers")
typedef struct KedaAdvanced { FIELD_MEMBERS(ADVANCED_FIELDS) } KedaAdvanced;
#define ROW_STRUCT KedaAdvanced
static const Field advanced_fields[] = {FIELD_ROWS(ADVANCED_FIELDS)};
#undef ROW_STRUCT
static const Type advanced_type = FIELD_TYPE("advanced", "further options", KedaAdvanced, advanced_fields, NULL);

#define ANNOTATION_FIELDS(F, C, O, L, M, R, P)                                                                             \
  F(flag, paused, "false", 0, 0, OPTIONAL, "nothing is scaled", "autoscaling.keda.sh/paused")                           \
  F(integer, pausedReplicas, "-1", -1, 1e6, OPTIONAL, "paused at so many; -1: none", "autoscaling.keda.sh/paused-replicas") \
  F(flag, pausedScaleIn, "false", 0, 0, OPTIONAL, "never fewer", "autoscaling.keda.sh/paused-scale-in")                 \
  F(flag, pausedScaleOut, "false", 0, 0, OPTIONAL, "never more", "autoscaling.keda.sh/paused-scale-out")                \
  F(flag, forceActivation, "false", 0, 0, OPTIONAL, "active whatever the triggers say", "autoscaling.keda.sh/force-activation")
typedef struct KedaAnnotations { FIELD_MEMBERS(ANNOTATION_FIELDS) } KedaAnnotations;
#define ROW_STRUCT KedaAnnotations
static const Field annotation_fields[] = {FIELD_ROWS(ANNOTATION_FIELDS)};
#undef ROW_STRUCT
static const Type annotations_type = FIELD_TYPE("annotations", "annotations of the ScaledObject", KedaAnnotations, annotation_fields, NULL);

#define KEDA_FIELDS(F, C, O, L, M, R, P)                                                                                   \
  P(scaleTargetRef, KedaReference, &keda_reference_type, "read and not used: it scales the deployment of its strategy") \
  F(integer, pollingInterval, "30", 1, 86400, OPTIONAL, "seconds between polls", KEDA_API)                              \
  F(integer, cooldownPeriod, "300", 0, 1e7, OPTIONAL, "seconds without activity before it goes to sleep", KEDA_API)     \
  F(integer, initialCooldownPeriod, "0", 0, 1e7, OPTIONAL, "the same from the start, while it was never active", KEDA_API) \
  F(integer, idleReplicaCount, "-1", -1, 1e6, OPTIONAL, "replicas asleep, fewer than minReplicaCount; -1: none given", KEDA_API) \
  F(integer, minReplicaCount, "0", 0, 1e6, OPTIONAL, "replicas at least; the HPA's are at least 1", KEDA_API)           \
  F(integer, maxReplicaCount, "100", 1, 1e6, OPTIONAL, "replicas at most", KEDA_API)                                    \
  P(fallback, KedaFallbackSpec, &fallback_type, "what to do when triggers fail; absent: nothing changes")               \
  O(advanced, KedaAdvanced, &advanced_type, OPTIONAL, "further options")                                                \
  L(triggers, KedaTrigger, &keda_trigger_type, OPTIONAL, "sources of events; none: jobs in flight, 5 a replica")        \
  O(annotations, KedaAnnotations, &annotations_type, OPTIONAL, "annotations of the ScaledObject")                       \
  O(controller, HpaController, &hpa_controller_type, OPTIONAL, "flags of the kube-controller-manager, for the HPA")
typedef struct Keda { FIELD_MEMBERS(KEDA_FIELDS) } Keda;
#define ROW_STRUCT Keda
static const Field keda_fields[] = {FIELD_ROWS(KEDA_FIELDS)};
#undef ROW_STRUCT

/* Names and values of the triggers that a formula may use. */
static size_t formula_names(const List *triggers, const KedaReading *reading, FormulaName name[POLICY_METRICS]) {
  size_t n = 0;
  for (size_t k = 0; k < triggers->count && n < POLICY_METRICS; k++) {
    const KedaTrigger *trigger = LIST_AT(*triggers, const KedaTrigger, k);
    if (!keda_trigger_external(trigger)) continue;
    name[n] = (FormulaName){trigger->name ? trigger->name : "", reading ? reading[n].value : 1};
    n++;
  }
  return n;
}

static bool names_check(const Keda *keda, Err *err) {
  char path[64];
  const List *triggers = &keda->triggers;
  for (size_t k = 0; k < triggers->count; k++) {
    const char *name = LIST_AT(*triggers, const KedaTrigger, k)->name;
    snprintf(path, sizeof path, "triggers[%zu].name", k);
    if (!name && keda_trigger_external(LIST_AT(*triggers, const KedaTrigger, k))) return err_at(err, path, "is needed by the formula");
    for (size_t j = 0; name && j < k; j++) {
      const char *other = LIST_AT(*triggers, const KedaTrigger, j)->name;
      if (other && strcmp(name, other) == 0) return err_at(err, path, "two triggers are named %.60s", name);
    }
  }
  return true;
}

static bool modifiers_check(const Keda *keda, Err *err) {
  const KedaModifiers *modifiers = &keda->advanced.scalingModifiers;
  if (!modifiers->formula) return modifiers->target_milli == 0 || err_at(err, "advanced.scalingModifiers.formula", "is needed beside a target");
  if (modifiers->target_milli <= 0) return err_at(err, "advanced.scalingModifiers.target", "a formula needs a target above 0");
  if (!names_check(keda, err)) return false;
  FormulaName name[POLICY_METRICS];
  FormulaFault fault;
  double value;
  size_t n = formula_names(&keda->triggers, NULL, name);
  if (formula_value(modifiers->formula, name, n, &value, &fault)) return true;
  return err_at(err, "advanced.scalingModifiers.formula", "column %zu of `%.200s`: %s", fault.column, modifiers->formula, fault.why);
}

static bool check(const void *value, Err *err) {
  const Keda *keda = value;
  bool good = keda_triggers_check(&keda->triggers, err) && modifiers_check(keda, err);
  if (keda->minReplicaCount > keda->maxReplicaCount)
    good = err_at(err, "minReplicaCount", "is above maxReplicaCount (%lld > %lld)", (long long)keda->minReplicaCount, (long long)keda->maxReplicaCount);
  if (keda->idleReplicaCount >= 0 && keda->idleReplicaCount >= keda->minReplicaCount)
    good = err_at(err, "idleReplicaCount", "must be below minReplicaCount");
  return good;
}

static const Type keda_type = FIELD_TYPE("keda", "spec of a ScaledObject", Keda, keda_fields, check);

/* ---- the HPA that it makes ---- */

typedef struct MadeHpa {
  Hpa hpa;
  HpaBehavior behavior;
  HpaRules up, down;
  HpaMetric metric[POLICY_METRICS];
  HpaExternal external[POLICY_METRICS];
  HpaResource resource[POLICY_METRICS];
} MadeHpa;

static HpaRules disabled(const HpaRules *given) {
  HpaRules rules = given ? *given : (HpaRules){.stabilizationWindowSeconds = -1, .tolerance_milli = -1};
  rules.selectPolicy = HPA_SELECT_DISABLED;
  return rules;
}

/* A paused direction is one that the HPA's behavior disables. */
static void make_behavior(const Keda *keda, MadeHpa *made) {
  const HpaBehavior *given = keda->advanced.horizontalPodAutoscalerConfig.behavior;
  made->hpa.behavior = given;
  if (!keda->annotations.pausedScaleIn && !keda->annotations.pausedScaleOut) return;
  if (given) made->behavior = *given;
  if (keda->annotations.pausedScaleOut) {
    made->up = disabled(made->behavior.scaleUp);
    made->behavior.scaleUp = &made->up;
  }
  if (keda->annotations.pausedScaleIn) {
    made->down = disabled(made->behavior.scaleDown);
    made->behavior.scaleDown = &made->down;
  }
  made->hpa.behavior = &made->behavior;
}

static HpaTarget target_of(KedaMetricType type, int64_t target_milli) {
  switch (type) {
  case KEDA_UTILIZATION: return (HpaTarget){.type = HPA_UTILIZATION, .averageUtilization = most(target_milli / 1000, 1)};
  case KEDA_VALUE: return (HpaTarget){.type = HPA_VALUE, .value_milli = target_milli};
  case KEDA_METRIC_AUTO:
  case KEDA_AVERAGE_VALUE: break;
  }
  return (HpaTarget){.type = HPA_AVERAGE_VALUE, .averageValue_milli = target_milli};
}

static void add_external(MadeHpa *made, HpaTarget target) {
  size_t n = made->hpa.metrics.count++;
  made->external[n] = (HpaExternal){.target = target};
  made->metric[n] = (HpaMetric){.type = HPA_EXTERNAL, .external = &made->external[n]};
}

static void make_metrics(const Keda *keda, MadeHpa *made) {
  const KedaModifiers *modifiers = &keda->advanced.scalingModifiers;
  List triggers = keda_triggers(&keda->triggers);
  bool composite = false;
  made->hpa.metrics.item = made->metric;
  for (size_t k = 0; k < triggers.count && k < POLICY_METRICS; k++) {
    const KedaTrigger *trigger = LIST_AT(triggers, const KedaTrigger, k);
    HpaTarget target = target_of(keda_trigger_metric_type(trigger), keda_trigger_target_milli(trigger));
    if (!keda_trigger_external(trigger)) {
      size_t n = made->hpa.metrics.count++;
      made->resource[n] = (HpaResource){.name = "cpu", .target = target};
      made->metric[n] = (HpaMetric){.type = HPA_RESOURCE, .resource = &made->resource[n]};
    } else if (!modifiers->formula) {
      add_external(made, target);
    } else if (!composite) {
      add_external(made, target_of(modifiers->metricType == 1 ? KEDA_VALUE : KEDA_AVERAGE_VALUE, modifiers->target_milli));
      composite = true;
    }
  }
}

static void make_hpa(const Keda *keda, MadeHpa *made) {
  memset(made, 0, sizeof *made);
  made->hpa.controller = keda->controller;
  made->hpa.minReplicas = most(keda->minReplicaCount, 1);
  made->hpa.maxReplicas = keda->maxReplicaCount;
  make_behavior(keda, made);
  make_metrics(keda, made);
}

/* ---- state, timing, metrics ---- */

typedef struct KedaState {
  bool begun;
  int64_t next_poll_ns, next_hpa_ns;
  KedaActivity activity;
  bool has_polled;
  KedaReading polled[POLICY_METRICS]; /* of external triggers, at the last poll */
  int64_t failures[POLICY_METRICS];   /* in a row, as the HPA asked */
} KedaState;

enum { KEDA_STATE_BYTES = (sizeof(KedaState) + 15) / 16 * 16 };

static size_t state_bytes_of(const void *params) {
  MadeHpa made;
  make_hpa(params, &made);
  return KEDA_STATE_BYTES + hpa_state_bytes(&made.hpa);
}

static int64_t poll_ns(const Keda *keda) { return keda->pollingInterval * 1000000000; }

static void timing(const void *params, PolicyTiming *timing) {
  const Keda *keda = params;
  int64_t a = poll_ns(keda), b = keda->controller.sync_period_ns;
  while (b > 0) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  timing->period_ns = most(a, 1000000); /* a common divisor below a millisecond is nobody's wish */
  timing->scrape_ns = timing->period_ns;
  timing->window_ns = most(timing->window_ns, timing->scrape_ns);
  timing->lag_ns = 0;
}

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  List triggers = keda_triggers(&((const Keda *)params)->triggers);
  return keda_trigger_queries(&triggers, query);
}

static size_t read_triggers(const List *triggers, const Observation *observation, KedaReading reading[POLICY_METRICS]) {
  size_t n = 0;
  for (size_t k = 0; k < triggers->count && n < POLICY_METRICS; k++) {
    const KedaTrigger *trigger = LIST_AT(*triggers, const KedaTrigger, k);
    if (!keda_trigger_external(trigger)) continue;
    reading[n] = keda_trigger_read(trigger, &observation->metric[n]);
    n++;
  }
  return n;
}

/* The formula's value, cut to thousandths; false where it is no number. */
static bool composite_value(const Keda *keda, const KedaReading *reading, double *value) {
  FormulaName name[POLICY_METRICS];
  FormulaFault fault;
  List triggers = keda_triggers(&keda->triggers);
  size_t n = formula_names(&triggers, reading, name);
  if (!formula_value(keda->advanced.scalingModifiers.formula, name, n, value, &fault) || *value - *value != 0) return false;
  *value = keda_thousandths(*value);
  return true;
}

/* ---- the HPA's loop: metrics as KEDA's metrics server answers them ---- */

static bool falls_back(const Keda *keda, int64_t failures) {
  const KedaModifiers *modifiers = &keda->advanced.scalingModifiers;
  if (!keda->fallback || failures <= keda->fallback->failureThreshold) return false;
  return !modifiers->formula || modifiers->target_milli % 1000 == 0; /* upstream reads the composite target as a whole number here */
}

static MetricValue fallen_back(const Keda *keda, const Observation *observation, bool value_type, int64_t target_milli) {
  int64_t replicas = keda_fallback_replicas((KedaFallback)keda->fallback->behavior, keda->fallback->replicas, observation->replicas);
  double value = keda_fallback_metric((double)target_milli / 1000, replicas, value_type, observation->replicas_ready);
  return (MetricValue){.has = value == value, .value = value == value ? keda_thousandths(value) : 0, .sampled_ns = observation->now_ns};
}

/* The reading that the HPA is given for an external trigger, and the failures it counts. */
static KedaReading served(const KedaTrigger *trigger, KedaState *state, size_t n, KedaReading fresh) {
  KedaReading reading = trigger->useCachedMetrics && state->has_polled ? state->polled[n] : fresh;
  state->failures[n] = reading.error ? least(state->failures[n], 1000000000) + 1 : 0;
  return reading;
}

static void serve_metrics(const Keda *keda, KedaState *state, const Observation *observation, const KedaReading *fresh, MetricValue answer[POLICY_METRICS]) {
  const KedaModifiers *modifiers = &keda->advanced.scalingModifiers;
  List triggers = keda_triggers(&keda->triggers);
  KedaReading reading[POLICY_METRICS] = {{0}};
  bool error = false, fallback = false;
  size_t n = 0;
  for (size_t k = 0; k < triggers.count && n < POLICY_METRICS; k++) {
    const KedaTrigger *trigger = LIST_AT(triggers, const KedaTrigger, k);
    if (!keda_trigger_external(trigger)) continue;
    reading[n] = served(trigger, state, n, fresh[n]);
    bool falls = reading[n].error && falls_back(keda, state->failures[n]);
    answer[n] = (MetricValue){.has = !reading[n].error, .value = reading[n].value, .sampled_ns = observation->now_ns};
    if (falls && !modifiers->formula)
      answer[n] = fallen_back(keda, observation, keda_trigger_metric_type(trigger) == KEDA_VALUE, keda_trigger_target_milli(trigger));
    fallback |= falls;
    error |= reading[n++].error && !falls;
  }
  if (!modifiers->formula || n == 0) return;
  answer[0] = (MetricValue){.has = false, .sampled_ns = observation->now_ns};
  if (fallback) answer[0] = fallen_back(keda, observation, modifiers->metricType == 1, modifiers->target_milli);
  else if (!error) answer[0].has = composite_value(keda, reading, &answer[0].value);
}

static void reconcile(const Keda *keda, KedaState *state, const Observation *observation, const KedaReading *fresh, Decision *decision) {
  MadeHpa made;
  MetricValue answer[POLICY_METRICS] = {{0}};
  Observation seen = *observation;
  make_hpa(keda, &made);
  serve_metrics(keda, state, observation, fresh, answer);
  seen.metric = answer;
  hpa_decide(&made.hpa, (HpaState *)((char *)state + KEDA_STATE_BYTES), &seen, decision);
}

/* ---- KEDA's loop ---- */

static void triggers_activity(const Keda *keda, const KedaReading *reading, size_t n, bool *active, bool *error) {
  const KedaModifiers *modifiers = &keda->advanced.scalingModifiers;
  *active = n == 0; /* cpu alone never sleeps */
  *error = false;
  for (size_t k = 0; k < n; k++) {
    *active |= reading[k].active;
    *error |= reading[k].error;
  }
  if (!modifiers->formula || n == 0) return;
  double value = 0;
  *active = !*error && composite_value(keda, reading, &value) && value > (double)modifiers->activationTarget_milli / 1000;
}

static KedaScale scale_of(const Keda *keda) {
  return (KedaScale){.min = keda->minReplicaCount,
                     .idle = keda->idleReplicaCount < 0 ? KEDA_NO_COUNT : keda->idleReplicaCount,
                     .cooldown_ns = keda->cooldownPeriod * 1000000000,
                     .initial_cooldown_ns = keda->initialCooldownPeriod * 1000000000,
                     .pause_scale_in = keda->annotations.pausedScaleIn,
                     .pause_scale_out = keda->annotations.pausedScaleOut,
                     .force_activation = keda->annotations.forceActivation,
                     .has_fallback = keda->fallback != NULL,
                     .fallback_replicas = keda->fallback ? keda->fallback->replicas : 0};
}

static void poll(const Keda *keda, KedaState *state, const Observation *observation, const KedaReading *reading, size_t n, bool reconciled,
                 Decision *decision) {
  bool active, error;
  const char *reason = "";
  KedaScale scale = scale_of(keda);
  const int64_t before = decision->replicas;
  memcpy(state->polled, reading, n * sizeof *reading);
  state->has_polled = true;
  triggers_activity(keda, reading, n, &active, &error);
  decision->replicas = keda_scale(&scale, &state->activity, observation->now_ns, before, active, error, &reason);
  bool change = decision->replicas != before;
  if (change || !reconciled) decision->reason = reason;
  decision_step(decision, "Poll the triggers", "any trigger is active", active || scale.force_activation,
                !change ? "keep" : decision->replicas > before ? "activate()" : "deactivate()", MODEL_STATE_NONE, (double)decision->replicas, (double)before);
}

/* ---- the policy ---- */

/* Whether a loop's turn has come; the next one is a whole number of periods later. */
static bool is_due(int64_t *next_ns, int64_t now_ns, int64_t period_ns) {
  if (now_ns < *next_ns) return false;
  *next_ns += ((now_ns - *next_ns) / period_ns + 1) * period_ns;
  return true;
}

static void begin(KedaState *state, int64_t now_ns) {
  if (state->begun) return;
  state->begun = true;
  state->next_poll_ns = state->next_hpa_ns = state->activity.created_ns = now_ns;
}

static void decide(const void *params, void *memory, const Observation *observation, Decision *decision) {
  const Keda *keda = params;
  KedaState *state = memory;
  begin(state, observation->now_ns);
  if (keda->annotations.paused || keda->annotations.pausedReplicas >= 0) {
    if (keda->annotations.pausedReplicas >= 0) decision->replicas = keda->annotations.pausedReplicas;
    decision->reason = "paused";
    decision_step(decision, "Poll the triggers", "paused", 1, "keep", MODEL_STATE_NONE, (double)decision->replicas, (double)observation->replicas);
    return;
  }
  bool hpa_due = is_due(&state->next_hpa_ns, observation->now_ns, most(keda->controller.sync_period_ns, 1));
  bool poll_due = is_due(&state->next_poll_ns, observation->now_ns, poll_ns(keda));
  List triggers = keda_triggers(&keda->triggers);
  KedaReading reading[POLICY_METRICS] = {{0}};
  size_t n = read_triggers(&triggers, observation, reading);
  decision->reason = "between two looks";
  if (hpa_due) reconcile(keda, state, observation, reading, decision);
  if (poll_due) poll(keda, state, observation, reading, n, hpa_due, decision);
}

extern const Policy policy_keda;
const Policy policy_keda = {
    .model = {.kind = MODEL_POLICY,
              .name = "keda",
              .alias = "ScaledObject",
              .summary = "KEDA's ScaledObject: triggers, scale to zero, an HPA above one",
              .rule = "Every pollingInterval: a trigger is active above its activation threshold; with a formula, the formula's value is, above\n"
                      "activationTarget; cpu alone always is. Active and asleep (no replica, or fewer than minReplicaCount beside an\n"
                      "idleReplicaCount): max(minReplicaCount, 1). Inactive for longer than cooldownPeriod: idleReplicaCount, or 0 where\n"
                      "minReplicaCount is 0. A failing trigger holds that. Every 15 s the HPA (see `hpa`) scales between max(minReplicaCount, 1)\n"
                      "and maxReplicaCount on the triggers as External metrics, cpu as a resource. A trigger that failed more than\n"
                      "fallback.failureThreshold times in a row stands for fallback.replicas.",
              .evidence = "6 upstream cases (keda 8b4f083c scale_scaledobjects_test.go) in make vectors; 20 hand-computed runs in tests/unit/test_keda.c",
              .params = &keda_type},
    .reads_replicas = true,
    .state_bytes_of = state_bytes_of,
    .timing = timing,
    .metrics = metrics,
    .decide = decide,
};
