/* `hpa`: the Kubernetes HorizontalPodAutoscaler as a policy. Here an observation becomes pods, samples and quantities, the rule itself is
 * in hpa_calculator.c, hpa_behavior.c and hpa_reconcile.c. CPU is rounded up to whole millicores, as metrics-server's quantities are read;
 * other metrics are cut to thousandths, as metric adapters do. A starting replica is a running pod that is not ready, a draining one is a
 * pod being deleted, which keeps its Ready condition. */
#include "models/policy/hpa.h"

#include "models/policy/hpa_reconcile.h"
#include "models/policy/tracking.h"
#include "sim/core/time.h"

enum { DEFAULT_CPU_PERCENT = 80 }; /* of an HPA without metrics; pkg/apis/autoscaling, DefaultCPUUtilization */

HpaController hpa_controller_defaults(void) {
  return (HpaController){.semantics = HPA_CURRENT, .sync_period_ns = 15 * NS_PER_S, .tolerance = 0.1, .downscale_stabilization_ns = 300 * NS_PER_S,
                         .cpu_initialization_period_ns = 300 * NS_PER_S, .initial_readiness_delay_ns = 30 * NS_PER_S};
}

/* ---- memory ---- */

struct HpaState {
  bool begun;
  int64_t n_wishes, n_up, n_down;
  HpaEntry entry[]; /* wishes, changes up, changes down */
};

static const HpaRules *rules_up(const Hpa *params) { return params->behavior ? params->behavior->scaleUp : NULL; }
static const HpaRules *rules_down(const Hpa *params) { return params->behavior ? params->behavior->scaleDown : NULL; }

static int64_t longest_ns(const HpaPace *pace) {
  int64_t longest_s = 0;
  for (size_t k = 0; k < pace->n_policies; k++) longest_s = most(longest_s, pace->policy[k].periodSeconds);
  return longest_s * NS_PER_S;
}

/* Slots of a second at most: exact for every period of a second or more, and for windows beyond any that behavior allows at 15 s, too. */
static HpaLog log_for(int64_t window_ns, int64_t sync_period_ns) {
  const int64_t entries = 20000;
  int64_t slot_ns = sync_period_ns > 0 ? least(sync_period_ns, NS_PER_S) : NS_PER_S;
  slot_ns = most(slot_ns, window_ns / entries);
  return (HpaLog){.capacity = hpa_log_capacity(window_ns, slot_ns), .slot_ns = slot_ns};
}

static HpaMemory memory_for(const Hpa *params) {
  HpaPace up = hpa_pace_up(rules_up(params)), down = hpa_pace_down(rules_down(params), params->controller.downscale_stabilization_ns);
  int64_t sync_ns = params->controller.sync_period_ns;
  if (!params->behavior) return (HpaMemory){.wishes = log_for(params->controller.downscale_stabilization_ns, sync_ns)};
  return (HpaMemory){.wishes = log_for(most(up.window_ns, down.window_ns), sync_ns),
                     .changes = {log_for(longest_ns(&up), sync_ns), log_for(longest_ns(&down), sync_ns)}};
}

size_t hpa_state_bytes(const Hpa *params) {
  HpaMemory memory = memory_for(params);
  int64_t entries = memory.wishes.capacity + memory.changes.up.capacity + memory.changes.down.capacity;
  return sizeof(HpaState) + (size_t)entries * sizeof(HpaEntry);
}

static HpaMemory recall(const Hpa *params, HpaState *state) {
  HpaMemory memory = memory_for(params);
  memory.begun = state->begun;
  memory.wishes.entry = state->entry;
  memory.wishes.count = state->n_wishes;
  memory.changes.up.entry = memory.wishes.entry + memory.wishes.capacity;
  memory.changes.up.count = state->n_up;
  memory.changes.down.entry = memory.changes.up.entry + memory.changes.up.capacity;
  memory.changes.down.count = state->n_down;
  return memory;
}

static void keep(const HpaMemory *memory, HpaState *state) {
  state->begun = memory->begun;
  state->n_wishes = memory->wishes.count;
  state->n_up = memory->changes.up.count;
  state->n_down = memory->changes.down.count;
}

/* ---- pods and quantities ---- */

/* Thousandths, cut towards zero. */
static int64_t cut_milli(double value) {
  const double most_exact = 9e15;
  value *= 1000;
  if (!(value > -most_exact)) return -(int64_t)most_exact;
  return value < most_exact ? (int64_t)value : (int64_t)most_exact;
}

/* Nanocores are what the kubelet reports; whole millicores, rounded up, are what the controller reads. */
static int64_t millicores_up(double millicores) {
  const double most_millicores = 9e12;
  const int64_t nanocores_each = 1000000;
  if (!(millicores > 0)) return 0;
  int64_t nanocores = ns_from_double((millicores < most_millicores ? millicores : most_millicores) * (double)nanocores_each);
  return (nanocores + nanocores_each - 1) / nanocores_each;
}

static HpaPod pod_of(const ReplicaView *view) {
  HpaPod pod = {.phase = view->phase == REPLICA_PHASE_PENDING ? HPA_POD_PENDING : HPA_POD_RUNNING,
                .deleted = view->phase == REPLICA_PHASE_DRAINING,
                .has_condition = true,
                .ready = view->phase != REPLICA_PHASE_PENDING && view->phase != REPLICA_PHASE_STARTING && view->ready_ns != INSTANT_NEVER,
                .has_start = view->started_ns != INSTANT_NEVER,
                .start_ns = view->started_ns,
                .has_request = view->request_millicores > 0,
                .request_milli = view->request_millicores,
                .sampled_ns = view->sampled_ns,
                .window_ns = view->window_ns};
  pod.transition_ns = pod.ready ? view->ready_ns : view->started_ns;
  return pod;
}

static HpaGroups group_cpu(const Hpa *params, const Observation *observation, int64_t target_percent) {
  HpaReadiness readiness = {true, observation->now_ns, params->controller.cpu_initialization_period_ns, params->controller.initial_readiness_delay_ns};
  HpaGroups groups = {0};
  for (int64_t k = 0; k < observation->n_replicas; k++) {
    const ReplicaView *view = &observation->replica[k];
    HpaPod pod = pod_of(view);
    pod.has_metric = view->has_sample;
    pod.metric_milli = millicores_up(view->usage_millicores);
    hpa_groups_add(&groups, &pod, &readiness, (HpaSemantics)params->controller.semantics, target_percent);
  }
  return groups;
}

/* Values of each replica; NULL: none, for counts alone. */
static HpaGroups group_values(const Hpa *params, const Observation *observation, const double *value) {
  HpaReadiness readiness = {.now_ns = observation->now_ns};
  HpaGroups groups = {0};
  for (int64_t k = 0; k < observation->n_replicas; k++) {
    HpaPod pod = pod_of(&observation->replica[k]);
    pod.has_metric = value && value[k] == value[k];
    if (pod.has_metric) pod.metric_milli = cut_milli(value[k]);
    hpa_groups_add(&groups, &pod, &readiness, (HpaSemantics)params->controller.semantics, 0);
  }
  return groups;
}

/* status.replicas: pods that exist and are not being deleted. */
static int64_t existing(const Observation *observation) {
  return observation->replicas_ready + observation->replicas_starting + observation->replicas_pending;
}

/* Pods for a policy that was shown none: their numbers do. */
static HpaGroups group_counts(const Hpa *params, const Observation *observation) {
  if (observation->n_replicas > 0) return group_values(params, observation, NULL);
  return (HpaGroups){.pods = existing(observation), .running_ready = observation->replicas_ready};
}

/* ---- proposals ---- */

static HpaRule rule_of(const Hpa *params) {
  HpaRule rule = {(HpaSemantics)params->controller.semantics, params->controller.tolerance, params->controller.tolerance};
  const HpaRules *up = rules_up(params), *down = rules_down(params);
  if (rule.semantics == HPA_1_20) return rule; /* one tolerance for all then */
  if (up && up->tolerance_milli >= 0) rule.tolerance_up = (double)up->tolerance_milli / 1000;
  if (down && down->tolerance_milli >= 0) rule.tolerance_down = (double)down->tolerance_milli / 1000;
  return rule;
}

static HpaProposal with_reason(HpaProposal proposal, const char *reason, double target) {
  if (!proposal.valid) proposal.reason = reason;
  proposal.target = target;
  return proposal;
}

static HpaProposal resource(const Hpa *params, const Observation *observation, const HpaTarget *target, const char *reason) {
  HpaRule rule = rule_of(params);
  if (target->type == HPA_UTILIZATION) {
    HpaGroups groups = group_cpu(params, observation, target->averageUtilization);
    return with_reason(hpa_propose_utilization(&groups, target->averageUtilization, observation->replicas, &rule), reason, (double)target->averageUtilization);
  }
  HpaGroups groups = group_cpu(params, observation, 0);
  return with_reason(hpa_propose_average(&groups, target->averageValue_milli, observation->replicas, &rule), reason, (double)target->averageValue_milli / 1000);
}

static HpaProposal pods(const Hpa *params, const Observation *observation, const HpaTarget *target, const MetricValue *answer) {
  const char *reason = "FailedGetPodsMetric";
  HpaRule rule = rule_of(params);
  if (!answer->replica) return hpa_proposal_failed(reason, "no metrics returned from custom metrics API");
  HpaGroups groups = group_values(params, observation, answer->replica);
  return with_reason(hpa_propose_average(&groups, target->averageValue_milli, observation->replicas, &rule), reason, (double)target->averageValue_milli / 1000);
}

/* Object and External metrics: one figure, which is the sum of its series. */
static HpaProposal figure(const Hpa *params, const Observation *observation, const HpaTarget *target, const MetricValue *answer, const char *reason) {
  HpaRule rule = rule_of(params);
  if (!answer->has || answer->value != answer->value) return hpa_proposal_failed(reason, "no metrics returned");
  int64_t value_milli = cut_milli(answer->value);
  if (target->type == HPA_AVERAGE_VALUE)
    return with_reason(hpa_propose_value_each(value_milli, target->averageValue_milli, existing(observation), &rule), reason, (double)target->averageValue_milli / 1000);
  HpaGroups groups = group_counts(params, observation);
  return with_reason(hpa_propose_value(value_milli, target->value_milli, observation->replicas, &groups, &rule), reason, (double)target->value_milli / 1000);
}

static size_t propose_all(const Hpa *params, const Observation *observation, HpaProposal proposal[POLICY_METRICS]) {
  const MetricValue *answer = observation->metric;
  size_t n = params->metrics.count < POLICY_METRICS ? params->metrics.count : POLICY_METRICS;
  if (n == 0) {
    HpaTarget target = {.type = HPA_UTILIZATION, .averageUtilization = DEFAULT_CPU_PERCENT};
    proposal[n++] = resource(params, observation, &target, "FailedGetResourceMetric");
    return n;
  }
  for (size_t k = 0; k < n; k++) {
    const HpaMetric *metric = LIST_AT(params->metrics, HpaMetric, k);
    switch ((HpaSource)metric->type) {
    case HPA_RESOURCE: proposal[k] = resource(params, observation, &metric->resource->target, "FailedGetResourceMetric"); break;
    case HPA_CONTAINER_RESOURCE:
      proposal[k] = resource(params, observation, &metric->containerResource->target, "FailedGetContainerResourceMetric");
      break;
    case HPA_PODS: proposal[k] = pods(params, observation, &metric->pods->target, answer++); break;
    case HPA_OBJECT: proposal[k] = figure(params, observation, &metric->object->target, answer++, "FailedGetObjectMetric"); break;
    case HPA_EXTERNAL: proposal[k] = figure(params, observation, &metric->external->target, answer++, "FailedGetExternalMetric"); break;
    }
  }
  return n;
}

/* ---- the policy ---- */

size_t hpa_metrics(const Hpa *params, MetricQuery query[POLICY_METRICS]) {
  size_t n = 0;
  for (size_t k = 0; k < params->metrics.count && k < POLICY_METRICS; k++) {
    const HpaMetric *metric = LIST_AT(params->metrics, HpaMetric, k);
    if (metric->type == HPA_PODS) {
      query[n] = metric->pods->metric.name;
      query[n++].per = METRIC_PER_REPLICA;
    }
    if (metric->type == HPA_OBJECT) query[n++] = metric->object->metric.name;
    if (metric->type == HPA_EXTERNAL) query[n++] = metric->external->metric.name;
  }
  return n;
}

void hpa_timing(const Hpa *params, PolicyTiming *timing) { timing->period_ns = params->controller.sync_period_ns; }

/* The manifest's bounds inside the deployment's, so that what is logged as a change is what happens. */
static void bounds(const Hpa *params, const Observation *observation, HpaTick *tick) {
  int64_t fewest = hpa_reaches_zero(params) ? 0 : 1; /* an absent minReplicas is 1 upstream: nothing else comes back from zero */
  tick->max_replicas = params->maxReplicas >= 0 ? least(params->maxReplicas, observation->max_replicas) : observation->max_replicas;
  tick->min_replicas = most(params->minReplicas >= 0 ? params->minReplicas : fewest, observation->min_replicas);
  tick->min_replicas = least(tick->min_replicas, tick->max_replicas);
}

static void explain(const HpaOutcome *outcome, const Observation *observation, Decision *decision) {
  const HpaProposal *proposal = &outcome->proposal;
  if (outcome->computed) {
    decision->metric = proposal->utilization_percent >= 0 ? (double)proposal->utilization_percent : (double)proposal->usage_milli / 1000;
    decision->target = proposal->target;
    decision->raw_replicas = (double)proposal->untolerated;
    decision->after_tolerance = (double)proposal->replicas;
    decision->stabilised = (double)outcome->stabilised;
    decision->rate_limited = (double)outcome->limited;
  }
  bool limited = outcome->computed && outcome->limited != outcome->stabilised;
  if (limited) decision->reason = outcome->scaling_limited;
  else if (outcome->held_by) decision->reason = outcome->held_by;
  else if (outcome->scaling_active && !outcome->computed) decision->reason = outcome->scaling_active;
  else decision->reason = outcome->able_to_scale;
  bool change = decision->replicas != observation->replicas;
  decision_step(decision, "Reconcile", "desired replicas = current replicas", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                (double)decision->replicas, (double)observation->replicas);
}

void hpa_decide(const Hpa *params, HpaState *state, const Observation *observation, Decision *decision) {
  HpaProposal proposal[POLICY_METRICS];
  HpaTick tick = {.now_ns = observation->now_ns,
                  .semantics = (HpaSemantics)params->controller.semantics,
                  .replicas = observation->replicas,
                  .proposal = proposal,
                  .n_proposals = propose_all(params, observation, proposal),
                  .has_behavior = params->behavior != NULL,
                  .up = hpa_pace_up(rules_up(params)),
                  .down = hpa_pace_down(rules_down(params), params->controller.downscale_stabilization_ns),
                  .downscale_stabilization_ns = params->controller.downscale_stabilization_ns,
                  .limit_factor = HPA_LIMIT_FACTOR,
                  .limit_least = HPA_LIMIT_LEAST};
  bounds(params, observation, &tick);
  HpaMemory memory = recall(params, state);
  HpaOutcome outcome = hpa_reconcile(&tick, &memory);
  keep(&memory, state);
  decision->replicas = outcome.replicas;
  explain(&outcome, observation, decision);
}

static size_t state_bytes_of(const void *params) { return hpa_state_bytes(params); }
static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) { return hpa_metrics(params, query); }
static void timing(const void *params, PolicyTiming *timing) { hpa_timing(params, timing); }
static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  hpa_decide(params, state, observation, decision);
}

extern const Policy policy_hpa;
const Policy policy_hpa = {
    .model = {.kind = MODEL_POLICY,
              .name = "hpa",
              .alias = "HorizontalPodAutoscaler",
              .summary = "Kubernetes HorizontalPodAutoscaler, autoscaling/v2",
              .rule = "CPU of a replica counts once a whole window lies after it became ready (before cpu_initialization_period), later unless it never was\n"
                      "ready. Resource and Pods metrics: ratio = mean / target over those that count, wish = ceil(ratio x their number). Replicas without a\n"
                      "sample count as 0 on the way up and as max(100 %, target) of their request, or the target, on the way down; unready ones as 0 on the\n"
                      "way up and not at all on the way down; if that turns the ratio round, nothing changes. Value of an Object or External metric:\n"
                      "ceil(value / target x ready replicas), from zero ceil(value / target); AverageValue: ceil(value / target). No change while\n"
                      "1 - tolerance <= ratio <= 1 + tolerance. The highest wish of all metrics counts; if one has failed, only upwards.\n"
                      "Without behavior: the highest wish of downscale_stabilization, at most max(2 x replicas, 4), min and max. With behavior: the present\n"
                      "number, moved no further than to the lowest wish of the scale-up window and the highest of the scale-down window; then the policies:\n"
                      "from the number at the start of each period up by Pods or ceil(Percent), down by Pods or trunc(Percent), selectPolicy among them;\n"
                      "then min and max. The first look counts as a wish for the present number. Above max or below min: there at once. At zero with a\n"
                      "minimum above zero: off.\n"
                      "semantics 1.20 differs: tolerance is |1 - ratio| <= tolerance, one for both directions; missing samples count 100 % even if the\n"
                      "target is higher, and 0 of an average at ratio 1 exactly; an average is not asked whether the number of samples turned it round; a\n"
                      "failed metric stops nothing while another works; a pace policy undoes changes of its own direction only; a window holds its own\n"
                      "direction only, and may turn a wish round.",
              .evidence = "140 upstream cases of 10 schemas (Kubernetes 1.33 and 1.20.2: horizontal_test.go, replica_calculator_test.go, utilization_test.go) by "
                          "make vectors VECTORS=DIR; 52 cases of our own in tests/vectors/cases; 25 hand-computed runs in tests/unit/test_hpa.c",
              .params = &hpa_type},
    .reads_replicas = true,
    .state_bytes_of = state_bytes_of,
    .timing = timing,
    .metrics = metrics,
    .decide = decide,
};
