/* Schemas hpa_*: what behavior does to a wish, and whole reconciliations; see hpa_pods.c for the metrics. */
#include "tests/vectors/hpa.h"

#include <string.h>

#include "sim/core/time.h"

void hpa_run(Case *c, void (*run)(Case *, HpaSemantics)) {
  const char *note = text_of(c, c->json, "note", ""), *semantics = text_of(c, c->json, "semantics", strstr(note, "superseded") ? "1.20" : NULL);
  bool from_1_20 = strstr(text_of(c, c->json, "since", ""), "v1.20") != NULL;
  if (!semantics || strcmp(semantics, "current") == 0) run(c, HPA_CURRENT);
  if (semantics ? strcmp(semantics, "1.20") == 0 : from_1_20) run(c, HPA_1_20);
}

/* ---- rules and logs ---- */

static const HpaScalingPolicy *read_policies(Case *c, const json_t *list) {
  HpaScalingPolicy *policies = ARENA_ARRAY(c->arena, HpaScalingPolicy, json_array_size(list) + 1);
  size_t k;
  json_t *json;
  json_array_foreach(list, k, json) {
    policies[k].type = strcmp(text_of(c, json, "type", ""), "Percent") == 0 ? HPA_POLICY_PERCENT : HPA_POLICY_PODS;
    policies[k].value = integer_of(c, json, "value", 0);
    policies[k].periodSeconds = integer_of(c, json, "period_s", 0);
  }
  return policies;
}

const HpaRules *hpa_read_rules(Case *c, const json_t *json) {
  if (!json) return NULL;
  HpaRules *rules = ARENA_NEW(c->arena, HpaRules);
  const char *select = text_of(c, json, "select_policy", "Max");
  *rules = (HpaRules){.stabilizationWindowSeconds = integer_of(c, json, "stabilization_window_s", -1),
                      .selectPolicy = strcmp(select, "Min") == 0        ? HPA_SELECT_MIN
                                      : strcmp(select, "Disabled") == 0 ? HPA_SELECT_DISABLED
                                                                        : HPA_SELECT_MAX,
                      .policies = {(void *)(uintptr_t)read_policies(c, member(json, "policies")), json_array_size(member(json, "policies"))},
                      .tolerance_milli = -1000};
  return rules;
}

HpaLog hpa_read_log(Case *c, const json_t *json, const char *value_key) {
  const size_t room = 8;
  HpaLog log = {.count = (int64_t)json_array_size(json), .capacity = (int64_t)(json_array_size(json) + room)};
  log.entry = ARENA_ARRAY(c->arena, HpaEntry, json_array_size(json) + room);
  size_t k;
  json_t *entry;
  json_array_foreach(json, k, entry) {
    int64_t value = integer_of(c, entry, value_key, 0);
    log.entry[k] = (HpaEntry){ns_of(c, entry, "t_s", 0), value, value, flag_of(c, entry, "outdated", false)};
  }
  return log;
}

/* ---- without behavior ---- */

static void limits_no_behavior(Case *c) {
  const json_t *expect = member(c->json, "expect");
  HpaWish got = hpa_limit(integer_of(c, c->json, "current", 0), integer_of(c, c->json, "desired", 0), integer_of(c, c->json, "min", 0),
                          integer_of(c, c->json, "max", 0), number_of(c, c->json, "scale_up_limit_factor", HPA_LIMIT_FACTOR),
                          integer_of(c, c->json, "scale_up_limit_minimum", HPA_LIMIT_LEAST));
  expect_integer(c, "replicas", got.replicas, integer_of(c, expect, "replicas", 0));
  expect_text(c, "reason", got.reason, text_of(c, expect, "reason", ""));
}

static void stabilize_no_behavior(Case *c) {
  const json_t *expect = member(c->json, "expect");
  HpaLog log = hpa_read_log(c, member(c->json, "recommendations"), "recommendation");
  int64_t got = hpa_stabilize(&log, 0, ns_of(c, c->json, "window_s", 0), integer_of(c, c->json, "desired", 0));
  expect_integer(c, "replicas", got, integer_of(c, expect, "replicas", 0));
  expect_integer(c, "log_length", log.count, integer_of(c, expect, "log_length", 0));
}

/* ---- with behavior ---- */

static void stabilize_behavior(Case *c, HpaSemantics semantics) {
  const json_t *expect = member(c->json, "expect"), *after = member(expect, "recommendations_after");
  HpaLog log = hpa_read_log(c, member(c->json, "recommendations"), "recommendation");
  HpaPace up = {.window_ns = ns_of(c, c->json, "scale_up_window_s", 0)}, down = {.window_ns = ns_of(c, c->json, "scale_down_window_s", 0)};
  HpaWish got = hpa_stabilize_paced(&log, 0, &up, &down, integer_of(c, c->json, "current", 0), integer_of(c, c->json, "desired", 0), semantics);
  expect_integer(c, "replicas", got.replicas, integer_of(c, expect, "replicas", 0));
  if (!after) return;
  expect_integer(c, "entries", log.count, (int64_t)json_array_size(after));
  for (int64_t k = 0; k < log.count && !c->failures; k++)
    expect_integer(c, "recommendation", log.entry[k].high, json_integer_value(json_array_get(after, (size_t)k)));
}

static HpaChanges read_changes(Case *c) {
  return (HpaChanges){hpa_read_log(c, member(c->json, "scale_up_events"), "change"), hpa_read_log(c, member(c->json, "scale_down_events"), "change")};
}

enum { TEST_DOWN_WINDOW_S = 300 };

static void behavior_rate(Case *c, HpaSemantics semantics) {
  const json_t *expect = member(c->json, "expect");
  HpaChanges changes = read_changes(c);
  HpaPace up = hpa_pace_up(hpa_read_rules(c, member(c->json, "scale_up")));
  HpaPace down = hpa_pace_down(hpa_read_rules(c, member(c->json, "scale_down")), TEST_DOWN_WINDOW_S * NS_PER_S);
  HpaWish got = hpa_limit_paced(&changes, 0, &up, &down, integer_of(c, c->json, "current", 0), integer_of(c, c->json, "desired", 0),
                                integer_of(c, c->json, "min", 0), integer_of(c, c->json, "max", 0), semantics);
  expect_integer(c, "replicas", got.replicas, integer_of(c, expect, "replicas", 0));
  expect_text(c, "reason", got.reason, text_of(c, expect, "reason", ""));
}

static void behavior_limit(Case *c, HpaSemantics semantics) {
  HpaChanges changes = read_changes(c);
  const HpaRules *rules = hpa_read_rules(c, member(c->json, "rules"));
  int64_t current = integer_of(c, c->json, "current", 0), got;
  HpaPace up = hpa_pace_up(rules), down = hpa_pace_down(rules, TEST_DOWN_WINDOW_S * NS_PER_S);
  if (strcmp(text_of(c, c->json, "direction", ""), "up") == 0) got = hpa_limit_up(&changes, 0, &up, current, semantics);
  else got = hpa_limit_down(&changes, 0, &down, current, semantics);
  expect_integer(c, "limit", got, integer_of(c, member(c->json, "expect"), "limit", 0));
}

static void scale_events(Case *c) {
  const json_t *expect = member(c->json, "expect"), *after = member(expect, "events_after");
  bool up = strcmp(text_of(c, c->json, "direction", ""), "up") == 0;
  HpaLog log = hpa_read_log(c, member(c->json, "events"), "change");
  const HpaRules *rules = hpa_read_rules(c, member(c->json, "rules"));
  HpaPace pace = up ? hpa_pace_up(rules) : hpa_pace_down(rules, TEST_DOWN_WINDOW_S * NS_PER_S);
  expect_integer(c, "replicas_change_before", hpa_changed(&log, 0, ns_of(c, c->json, "query_period_s", 0)), integer_of(c, expect, "replicas_change_before", 0));
  int64_t change = integer_of(c, c->json, "new_replicas", 0) - integer_of(c, c->json, "prev_replicas", 0);
  hpa_log_change(&log, 0, rules ? &pace : NULL, up ? change : -change);
  expect_integer(c, "events", log.count, (int64_t)json_array_size(after));
  for (int64_t k = 0; k < log.count && !c->failures; k++) {
    const json_t *event = json_array_get(after, (size_t)k);
    expect_integer(c, "change", log.entry[k].high, integer_of(c, event, "change", 0));
    expect_flag(c, "outdated", log.entry[k].outdated, flag_of(c, event, "outdated", false));
  }
}

/* ---- a whole tick ---- */

static void expect_condition(Case *c, const json_t *conditions, const char *type, const char *reason) {
  const char *expected = text_of(c, conditions, type, NULL);
  if (expected) expect_text(c, type, reason, expected);
  else if (reason) case_fails(c, "%s is set: %s", type, reason);
}

static double tolerance_of(Case *c, const json_t *rules, double fallback) { return number_of(c, rules, "tolerance", fallback); }

static void reconcile(Case *c, HpaSemantics semantics) {
  const json_t *expect = member(c->json, "expect"), *specs = member(c->json, "metric_specs"), *behavior = member(c->json, "behavior");
  const json_t *conditions = member(expect, "conditions"), *log = member(c->json, "recommendations");
  HpaProposal proposal[POLICY_METRICS];
  HpaReadiness readiness = hpa_read_readiness(c);
  HpaRule rule = hpa_read_rule(c, semantics);
  rule.tolerance_up = tolerance_of(c, member(behavior, "scale_up"), rule.tolerance_up);
  rule.tolerance_down = tolerance_of(c, member(behavior, "scale_down"), rule.tolerance_down);
  HpaTick tick = {.semantics = semantics,
                  .replicas = integer_of(c, c->json, "spec_replicas", 0),
                  .min_replicas = integer_of(c, c->json, "min", 1),
                  .max_replicas = integer_of(c, c->json, "max", 0),
                  .proposal = proposal,
                  .has_behavior = behavior != NULL,
                  .downscale_stabilization_ns = ns_of(c, c->json, "downscale_stabilization_s", 0),
                  .limit_factor = number_of(c, c->json, "scale_up_limit_factor", HPA_LIMIT_FACTOR),
                  .limit_least = integer_of(c, c->json, "scale_up_limit_minimum", HPA_LIMIT_LEAST)};
  tick.up = hpa_pace_up(hpa_read_rules(c, member(behavior, "scale_up")));
  tick.down = hpa_pace_down(hpa_read_rules(c, member(behavior, "scale_down")), tick.downscale_stabilization_ns);
  size_t k;
  json_t *spec;
  json_array_foreach(specs, k, spec) if (k < POLICY_METRICS) proposal[tick.n_proposals++] =
      hpa_read_proposal(c, spec, member(c->json, "pods"), &readiness, &rule, tick.replicas, integer_of(c, c->json, "status_replicas", 0));
  HpaMemory memory = {.begun = log != NULL, .wishes = hpa_read_log(c, log, "recommendation"), .changes = read_changes(c)};
  HpaOutcome got = hpa_reconcile(&tick, &memory);
  expect_integer(c, "replicas", got.replicas, integer_of(c, expect, "replicas", 0));
  expect_flag(c, "rescale", got.rescale, flag_of(c, expect, "rescale", got.rescale));
  if (!conditions) return;
  expect_condition(c, conditions, "AbleToScale", got.able_to_scale);
  expect_condition(c, conditions, "ScalingActive", got.scaling_active);
  expect_condition(c, conditions, "ScalingLimited", got.scaling_limited);
}

static void run_stabilize_behavior(Case *c) { hpa_run(c, stabilize_behavior); }
static void run_behavior_rate(Case *c) { hpa_run(c, behavior_rate); }
static void run_behavior_limit(Case *c) { hpa_run(c, behavior_limit); }
static void run_reconcile(Case *c) { hpa_run(c, reconcile); }

const Schema hpa_schemas[] = {{"hpa_replica_calculator", hpa_replica_calculator},
                              {"hpa_group_pods", hpa_group_pods},
                              {"hpa_utilization_ratio", hpa_utilization_ratio_case},
                              {"hpa_limits_no_behavior", limits_no_behavior},
                              {"hpa_stabilize_no_behavior", stabilize_no_behavior},
                              {"hpa_stabilize_behavior", run_stabilize_behavior},
                              {"hpa_behavior_rate", run_behavior_rate},
                              {"hpa_behavior_limit", run_behavior_limit},
                              {"hpa_scale_events", scale_events},
                              {"hpa_reconcile", run_reconcile},
                              {NULL, NULL}};
