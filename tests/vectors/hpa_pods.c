/* Schemas hpa_group_pods, hpa_utilization_ratio, hpa_replica_calculator: pods and samples. */
#include <string.h>

#include "tests/vectors/hpa.h"

static bool names(const json_t *list, const char *name) {
  size_t k;
  json_t *item;
  json_array_foreach(list, k, item) if (strcmp(json_string_value(item), name) == 0) return true;
  return false;
}

static HpaPodPhase phase_of(Case *c, const char *phase) {
  static const char *const phases[] = {"Pending", "Running", "Succeeded", "Failed"};
  for (int k = 0; k < 4; k++)
    if (strcmp(phases[k], phase) == 0) return (HpaPodPhase)k;
  case_fails(c, "no phase %s", phase);
  return HPA_POD_RUNNING;
}

bool hpa_read_pod(Case *c, const json_t *json, HpaPod *pod) {
  *pod = (HpaPod){.phase = phase_of(c, text_of(c, json, "phase", "Running")),
                  .deleted = flag_of(c, json, "deleted", false),
                  .has_condition = flag_of(c, json, "has_ready_condition", true),
                  .ready = flag_of(c, json, "ready", false),
                  .has_start = member(json, "start_t_s") != NULL,
                  .start_ns = ns_of(c, json, "start_t_s", 0),
                  .transition_ns = ns_of(c, json, "ready_transition_t_s", 0),
                  .has_request = member(json, "request_milli") != NULL,
                  .request_milli = integer_of(c, json, "request_milli", 0)};
  return member(json, "name") != NULL;
}

HpaReadiness hpa_read_readiness(Case *c) {
  return (HpaReadiness){.now_ns = 0,
                        .cpu_initialization_ns = ns_of(c, c->json, "cpu_initialization_period_s", 0),
                        .initial_readiness_ns = ns_of(c, c->json, "initial_readiness_delay_s", 0)};
}

HpaRule hpa_read_rule(Case *c, HpaSemantics semantics) {
  return (HpaRule){semantics, number_of(c, c->json, "tolerance_up", 0.1), number_of(c, c->json, "tolerance_down", 0.1)};
}

static void read_sample(Case *c, const json_t *json, HpaPod *pod) {
  if (!json) return;
  pod->has_metric = true;
  pod->metric_milli = integer_of(c, json, "value_milli", 0);
  pod->sampled_ns = ns_of(c, json, "t_s", 0);
  pod->window_ns = ns_of(c, json, "window_s", 0);
}

static HpaGroups read_groups(Case *c, const json_t *pods, const json_t *metrics, const HpaReadiness *readiness, HpaSemantics semantics,
                             int64_t target_percent, double request_scale) {
  HpaGroups groups = {0};
  json_t *seen = json_object(), *json, *sample;
  size_t k;
  const char *name;
  json_array_foreach(pods, k, json) {
    HpaPod pod;
    hpa_read_pod(c, json, &pod);
    name = text_of(c, json, "name", "");
    pod.request_milli = (int64_t)((double)pod.request_milli * request_scale);
    read_sample(c, member(metrics, name), &pod);
    json_object_set_new(seen, name, json_true());
    hpa_groups_add(&groups, &pod, readiness, semantics, target_percent);
  }
  json_object_foreach((json_t *)metrics, name, sample)
    if (!json_object_get(seen, name)) hpa_groups_add_stray(&groups, integer_of(c, sample, "value_milli", 0));
  json_decref(seen);
  return groups;
}

/* A sample without a value: the metrics API has the pod, but not all of its containers. */
static bool lacks_value(const json_t *metrics) {
  const char *name;
  json_t *sample;
  json_object_foreach((json_t *)metrics, name, sample) if (!member(sample, "value_milli")) return true;
  return false;
}

HpaProposal hpa_read_proposal(Case *c, const json_t *spec, const json_t *pods, const HpaReadiness *readiness, const HpaRule *rule, int64_t replicas,
                              int64_t existing) {
  const char *kind = text_of(c, spec, "kind", "");
  const json_t *metrics = member(spec, "metrics"), *values = member(spec, "metric_values_milli"), *value;
  const int64_t percent = integer_of(c, spec, "target_utilization_pct", 0), target_milli = integer_of(c, spec, "target_milli", 0);
  HpaReadiness asked = *readiness;
  asked.cpu = strncmp(kind, "pods", 4) != 0 && strcmp(text_of(c, spec, "resource", ""), "cpu") == 0;
  if (strcmp(kind, "invalid") == 0) return hpa_proposal_failed("InvalidMetricSourceType", "unknown metric source type");
  if (strcmp(kind, "fails") == 0) return hpa_proposal_failed(text_of(c, spec, "reason", "FailedGetExternalMetric"), "something went wrong");
  bool resource = strstr(kind, "resource") != NULL;
  if (resource || strncmp(kind, "pods", 4) == 0) {
    bool utilization = strstr(kind, "utilization") != NULL;
    if (lacks_value(metrics)) return hpa_proposal_failed("FailedGetResourceMetric", "a container is not in the metrics");
    HpaGroups groups = read_groups(c, pods, metrics, &asked, rule->semantics, utilization ? percent : 0, number_of(c, spec, "request_scale", 1));
    HpaProposal proposal = utilization ? hpa_propose_utilization(&groups, percent, replicas, rule) : hpa_propose_average(&groups, target_milli, replicas, rule);
    if (!proposal.valid) proposal.reason = resource ? "FailedGetResourceMetric" : "FailedGetPodsMetric";
    return proposal;
  }
  bool object = strncmp(kind, "object", 6) == 0;
  if (!object && strncmp(kind, "external", 8) != 0) case_fails(c, "no kind %s", kind);
  const char *reason = object ? "FailedGetObjectMetric" : "FailedGetExternalMetric";
  if (json_array_size(values) == 0) return hpa_proposal_failed(reason, "no metrics returned");
  int64_t sum_milli = 0;
  for (size_t k = 0; (value = json_array_get(values, k)) && (k == 0 || !object); k++) sum_milli = hpa_value_add(sum_milli, json_integer_value(value));
  HpaGroups groups = read_groups(c, pods, NULL, &asked, rule->semantics, 0, 1);
  HpaProposal proposal = strstr(kind, "average") ? hpa_propose_value_each(sum_milli, target_milli, existing, rule)
                                                 : hpa_propose_value(sum_milli, target_milli, replicas, &groups, rule);
  if (!proposal.valid) proposal.reason = reason;
  return proposal;
}

static void replica_calculator(Case *c, HpaSemantics semantics) {
  const json_t *expect = member(c->json, "expect");
  int64_t replicas = integer_of(c, c->json, "current_replicas", 0);
  HpaReadiness readiness = hpa_read_readiness(c);
  HpaRule rule = hpa_read_rule(c, semantics);
  HpaProposal proposal = hpa_read_proposal(c, c->json, member(c->json, "pods"), &readiness, &rule, replicas, replicas);
  expect_flag(c, "failed", !proposal.valid, member(expect, "error") != NULL);
  if (!proposal.valid) return;
  if (member(expect, "replicas")) expect_integer(c, "replicas", proposal.replicas, integer_of(c, expect, "replicas", 0));
  if (member(expect, "utilization_pct")) expect_integer(c, "utilization_pct", proposal.utilization_percent, integer_of(c, expect, "utilization_pct", 0));
  if (member(expect, "raw_average_milli")) expect_integer(c, "raw_average_milli", proposal.usage_milli, integer_of(c, expect, "raw_average_milli", 0));
  if (member(expect, "usage_milli")) expect_integer(c, "usage_milli", proposal.usage_milli, integer_of(c, expect, "usage_milli", 0));
}

void hpa_replica_calculator(Case *c) { hpa_run(c, replica_calculator); }

void hpa_group_pods(Case *c) {
  static const char *const lists[] = {"", "unready", "missing", "ignored"};
  const json_t *expect = member(c->json, "expect"), *metrics = member(c->json, "metrics");
  HpaReadiness readiness = hpa_read_readiness(c);
  readiness.cpu = strcmp(text_of(c, c->json, "resource", ""), "cpu") == 0;
  size_t found[4] = {0}, k;
  json_t *json;
  json_array_foreach(member(c->json, "pods"), k, json) {
    HpaPod pod;
    hpa_read_pod(c, json, &pod);
    const char *name = text_of(c, json, "name", "");
    read_sample(c, member(metrics, name), &pod);
    HpaGroup group = hpa_group(&pod, &readiness);
    found[group]++;
    if (group != HPA_POD_COUNTS && !names(member(expect, lists[group]), name)) case_fails(c, "%s is %s", name, lists[group]);
  }
  HpaGroups groups = read_groups(c, member(c->json, "pods"), metrics, &readiness, HPA_CURRENT, 0, 1);
  expect_integer(c, "ready_pod_count", groups.ready, integer_of(c, expect, "ready_pod_count", 0));
  for (int g = 1; g < 4; g++) expect_integer(c, lists[g], (int64_t)found[g], (int64_t)json_array_size(member(expect, lists[g])));
}

void hpa_utilization_ratio_case(Case *c) {
  const json_t *expect = member(c->json, "expect"), *requests = member(c->json, "requests"), *metrics = member(c->json, "metrics");
  bool resource = strcmp(text_of(c, c->json, "kind", ""), "resource") == 0;
  int64_t target = integer_of(c, c->json, "target", 0);
  HpaUsage usage = {0};
  HpaRatio ratio = {0};
  const char *name;
  json_t *metric;
  json_object_foreach((json_t *)metrics, name, metric)
    hpa_usage_add(&usage, json_integer_value(metric), member(requests, name) != NULL, integer_of(c, requests, name, 0));
  bool good = resource ? hpa_utilization_ratio(&usage, target, &ratio) : hpa_average_ratio(&usage, target, &ratio);
  expect_flag(c, "failed", !good, member(expect, "error") != NULL);
  if (!good) return;
  expect_close(c, "ratio", ratio.ratio, number_of(c, expect, "ratio", 0), 1e-12);
  expect_integer(c, "current", ratio.current, integer_of(c, expect, "current", 0));
  if (member(expect, "raw_average")) expect_integer(c, "raw_average", ratio.average_milli, integer_of(c, expect, "raw_average", 0));
}
