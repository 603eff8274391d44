/* The HPA's arithmetic; see hpa_calculator.h. Ratios are doubles of + - x / only, so they have the same bits everywhere. */
#include "models/policy/hpa_calculator.h"

HpaGroup hpa_group(const HpaPod *pod, const HpaReadiness *readiness) {
  if (pod->deleted || pod->phase == HPA_POD_FAILED) return HPA_POD_IGNORED;
  if (pod->phase == HPA_POD_PENDING) return HPA_POD_UNREADY;
  if (!pod->has_metric) return HPA_POD_MISSING;
  if (!readiness->cpu) return HPA_POD_COUNTS;
  if (!pod->has_condition || !pod->has_start) return HPA_POD_UNREADY;
  bool unready;
  if ((__int128)pod->start_ns + readiness->cpu_initialization_ns > readiness->now_ns) /* a whole window since it became ready, or no sample */
    unready = !pod->ready || pod->sampled_ns < (__int128)pod->transition_ns + pod->window_ns;
  else /* it never was ready */
    unready = !pod->ready && (__int128)pod->start_ns + readiness->initial_readiness_ns > pod->transition_ns;
  return unready ? HPA_POD_UNREADY : HPA_POD_COUNTS;
}

/* ---- sums and ratios ---- */

void hpa_usage_add(HpaUsage *usage, int64_t metric_milli, bool has_request, int64_t request_milli) {
  usage->all_milli += metric_milli;
  usage->n++;
  if (!has_request) return;
  usage->matched_milli += metric_milli;
  usage->request_milli += request_milli;
  usage->n_matched++;
}

static int64_t narrowed(__int128 x) { return x > INT64_MAX ? INT64_MAX : x < INT64_MIN ? INT64_MIN : (int64_t)x; }

int64_t hpa_value_add(int64_t sum_milli, int64_t value_milli) { return narrowed((__int128)sum_milli + value_milli); }

bool hpa_utilization_ratio(const HpaUsage *usage, int64_t target_percent, HpaRatio *ratio) {
  if (usage->request_milli <= 0 || usage->n_matched == 0) return false;
  ratio->current = narrowed(usage->matched_milli * 100 / usage->request_milli);
  if (ratio->current > INT32_MAX) ratio->current = INT32_MAX;
  ratio->average_milli = narrowed(usage->matched_milli / usage->n_matched);
  ratio->ratio = (double)ratio->current / (double)target_percent;
  return true;
}

bool hpa_average_ratio(const HpaUsage *usage, int64_t target_milli, HpaRatio *ratio) {
  if (usage->n == 0) return false;
  ratio->current = ratio->average_milli = narrowed(usage->all_milli / usage->n);
  ratio->ratio = (double)ratio->current / (double)target_milli;
  return true;
}

/* ---- groups ---- */

void hpa_groups_add(HpaGroups *groups, const HpaPod *pod, const HpaReadiness *readiness, HpaSemantics semantics, int64_t target_percent) {
  int64_t full_percent = semantics == HPA_CURRENT && target_percent > 100 ? target_percent : 100;
  groups->pods++;
  groups->lacks_request |= !pod->has_request;
  groups->running_ready += pod->phase == HPA_POD_RUNNING && pod->has_condition && pod->ready;
  switch (hpa_group(pod, readiness)) {
  case HPA_POD_COUNTS:
    groups->ready++;
    hpa_usage_add(&groups->counted, pod->metric_milli, pod->has_request, pod->request_milli);
    break;
  case HPA_POD_UNREADY:
    groups->unready++;
    groups->unready_request_milli += pod->request_milli;
    break;
  case HPA_POD_MISSING:
    groups->missing++;
    groups->missing_request_milli += pod->request_milli;
    groups->missing_full_milli += (__int128)pod->request_milli * full_percent / 100;
    break;
  case HPA_POD_IGNORED: groups->ignored++; break;
  }
}

void hpa_groups_add_stray(HpaGroups *groups, int64_t metric_milli) { hpa_usage_add(&groups->counted, metric_milli, false, 0); }

/* ---- proposals ---- */

bool hpa_within_tolerance(const HpaRule *rule, double ratio) {
  if (rule->semantics == HPA_CURRENT) return 1.0 - rule->tolerance_down <= ratio && ratio <= 1.0 + rule->tolerance_up;
  return __builtin_fabs(1.0 - ratio) <= (ratio > 1 ? rule->tolerance_up : rule->tolerance_down);
}

/* The least integer >= x in 0..HPA_REPLICAS_MOST; 0 for NaN. Exact: no rounding error is forgiven, as upstream. */
static int64_t ceiling(double x) {
  if (!(x > 0)) return 0;
  if (x >= HPA_REPLICAS_MOST) return HPA_REPLICAS_MOST;
  int64_t down = (int64_t)x;
  return (double)down < x ? down + 1 : down;
}

HpaProposal hpa_proposal_failed(const char *reason, const char *failure) {
  return (HpaProposal){.failure = failure, .reason = reason, .utilization_percent = -1, .ratio = (double)__builtin_nan("")};
}

static HpaProposal proposed(int64_t usage_milli, double ratio, int64_t replicas, int64_t untolerated) {
  return (HpaProposal){.valid = true, .reason = "ValidMetricFound", .replicas = replicas, .untolerated = untolerated,
                       .utilization_percent = -1, .usage_milli = usage_milli, .ratio = ratio};
}

/* What is filled in for pods that have no sample worth counting. */
typedef struct Fill {
  bool missing, unready;
  __int128 missing_milli; /* of all missing pods */
} Fill;

static Fill fill(const HpaGroups *groups, double ratio, HpaSemantics semantics, bool average, __int128 low_milli) {
  Fill fill = {.unready = groups->unready > 0 && ratio > 1};
  bool upwards = ratio > 1 || (average && semantics == HPA_1_20 && !(ratio < 1)); /* 1.20 filled averages with 0 at 1 exactly, too */
  fill.missing = groups->missing > 0 && (ratio < 1 || upwards);
  fill.missing_milli = ratio < 1 ? low_milli : 0;
  return fill;
}

static HpaUsage filled(const HpaGroups *groups, const Fill *fill) {
  HpaUsage usage = groups->counted;
  if (fill->missing) {
    usage.all_milli += fill->missing_milli;
    usage.matched_milli += fill->missing_milli;
    usage.request_milli += groups->missing_request_milli;
    usage.n += groups->missing;
    usage.n_matched += groups->missing;
  }
  if (fill->unready) {
    usage.request_milli += groups->unready_request_milli;
    usage.n += groups->unready;
    usage.n_matched += groups->unready;
  }
  return usage;
}

/* Tolerance, and no turning round: neither by the ratio with the missing and unready pods filled in, `again`, nor by their number (1.20
 * did not ask that of averages). */
static int64_t settled(double ratio, double again, int64_t wish, int64_t replicas, bool average, const HpaRule *rule) {
  if (hpa_within_tolerance(rule, again) || (ratio < 1 && again > 1) || (ratio > 1 && again < 1)) return replicas;
  if (average && rule->semantics == HPA_1_20) return wish;
  if ((again < 1 && wish > replicas) || (again > 1 && wish < replicas)) return replicas;
  return wish;
}

/* `second`: the ratio over `n` samples with those filled in. Without any to fill in the ready pods are multiplied, else the samples. */
static HpaProposal propose(const HpaGroups *groups, const HpaRatio *first, const HpaRatio *second, int64_t n, bool average, int64_t replicas,
                           const HpaRule *rule) {
  bool plain = groups->missing == 0 && !(groups->unready > 0 && first->ratio > 1);
  int64_t wish = ceiling(plain ? first->ratio * (double)groups->ready : second->ratio * (double)n);
  int64_t after = wish;
  if (!plain) after = settled(first->ratio, second->ratio, wish, replicas, average, rule);
  else if (hpa_within_tolerance(rule, first->ratio)) after = replicas;
  return proposed(first->average_milli, first->ratio, after, wish);
}

HpaProposal hpa_propose_utilization(const HpaGroups *groups, int64_t target_percent, int64_t replicas, const HpaRule *rule) {
  const char *reason = "FailedGetResourceMetric";
  HpaRatio first, second = {0};
  if (groups->pods == 0) return hpa_proposal_failed(reason, "no pods returned by selector while calculating replica count");
  if (groups->counted.n == 0) return hpa_proposal_failed(reason, "did not receive metrics for targeted pods (pods might be unready)");
  if (groups->lacks_request) return hpa_proposal_failed(reason, "missing request for cpu");
  if (target_percent <= 0 || !hpa_utilization_ratio(&groups->counted, target_percent, &first))
    return hpa_proposal_failed(reason, "no metrics returned matched known pods");
  Fill in = fill(groups, first.ratio, rule->semantics, false, groups->missing_full_milli);
  HpaUsage usage = filled(groups, &in);
  if (!hpa_utilization_ratio(&usage, target_percent, &second)) return hpa_proposal_failed(reason, "no metrics returned matched known pods");
  HpaProposal proposal = propose(groups, &first, &second, usage.n, false, replicas, rule);
  proposal.utilization_percent = first.current;
  return proposal;
}

HpaProposal hpa_propose_average(const HpaGroups *groups, int64_t target_milli, int64_t replicas, const HpaRule *rule) {
  const char *reason = "FailedGetPodsMetric";
  HpaRatio first, second = {0};
  if (groups->pods == 0) return hpa_proposal_failed(reason, "no pods returned by selector while calculating replica count");
  if (target_milli <= 0 || !hpa_average_ratio(&groups->counted, target_milli, &first))
    return hpa_proposal_failed(reason, "did not receive metrics for targeted pods (pods might be unready)");
  Fill in = fill(groups, first.ratio, rule->semantics, true, (__int128)target_milli * groups->missing);
  HpaUsage usage = filled(groups, &in);
  hpa_average_ratio(&usage, target_milli, &second);
  return propose(groups, &first, &second, usage.n, true, replicas, rule);
}

HpaProposal hpa_propose_value(int64_t value_milli, int64_t target_milli, int64_t replicas, const HpaGroups *groups, const HpaRule *rule) {
  if (target_milli <= 0) return hpa_proposal_failed("FailedGetExternalMetric", "no target");
  double ratio = (double)value_milli / (double)target_milli;
  if (replicas == 0) return proposed(value_milli, ratio, ceiling(ratio), ceiling(ratio)); /* no tolerance: from zero, or staying there */
  int64_t wish = ceiling(ratio * (double)groups->running_ready);
  if (hpa_within_tolerance(rule, ratio)) return proposed(value_milli, ratio, replicas, wish);
  if (groups->pods == 0) return hpa_proposal_failed("FailedGetExternalMetric", "no pods returned by selector while calculating replica count");
  return proposed(value_milli, ratio, wish, wish);
}

HpaProposal hpa_propose_value_each(int64_t value_milli, int64_t target_milli, int64_t existing, const HpaRule *rule) {
  if (target_milli <= 0) return hpa_proposal_failed("FailedGetExternalMetric", "no target");
  double ratio = (double)value_milli / ((double)target_milli * (double)existing); /* infinite at zero replicas, or 0/0: then the wish is 0 */
  double each = (double)value_milli / (double)existing;
  int64_t wish = ceiling((double)value_milli / (double)target_milli);
  bool whole = value_milli < INT64_MAX && each < 9e18 && each > -9e18; /* a sum that stopped at the end of int64 is shown as that */
  int64_t usage_milli = whole ? (int64_t)each + ((double)(int64_t)each < each) : value_milli;
  return proposed(usage_milli, ratio, hpa_within_tolerance(rule, ratio) ? existing : wish, wish);
}

HpaProposal hpa_propose_best(const HpaProposal *proposal, size_t n, int64_t replicas, HpaSemantics semantics) {
  const HpaProposal *best = NULL, *failed = NULL;
  for (size_t k = 0; k < n; k++) {
    if (!proposal[k].valid && !failed) failed = &proposal[k];
    if (proposal[k].valid && (!best || proposal[k].replicas > best->replicas)) best = &proposal[k];
  }
  if (!best && !failed) return hpa_proposal_failed("InvalidMetricSourceType", "no metrics");
  if (!best || (failed && semantics == HPA_CURRENT && best->replicas < replicas)) return *failed;
  return *best;
}
