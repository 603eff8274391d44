/* Stabilisation, pace, bounds and the logs; see hpa_behavior.h. */
#include "models/policy/hpa_behavior.h"

#include "models/policy/hpa_calculator.h"
#include "models/policy/tracking.h"
#include "sim/base/check.h"
#include "sim/core/time.h"

/* Defaults of behavior. Source: pkg/apis/autoscaling/v2/defaults.go. */
static const HpaScalingPolicy policies_up[] = {{HPA_POLICY_PODS, 4, 15}, {HPA_POLICY_PERCENT, 100, 15}};
static const HpaScalingPolicy policies_down[] = {{HPA_POLICY_PERCENT, 100, 15}};

static HpaPace pace(const HpaRules *rules, int64_t window_ns, const HpaScalingPolicy *policy, size_t n) {
  HpaPace pace = {window_ns, HPA_SELECT_MAX, policy, n};
  if (!rules) return pace;
  if (rules->stabilizationWindowSeconds >= 0) pace.window_ns = rules->stabilizationWindowSeconds * NS_PER_S;
  pace.select = (HpaSelect)rules->selectPolicy;
  if (rules->policies.count > 0) {
    pace.policy = rules->policies.item;
    pace.n_policies = rules->policies.count;
  }
  return pace;
}

HpaPace hpa_pace_up(const HpaRules *rules) { return pace(rules, 0, policies_up, sizeof policies_up / sizeof *policies_up); }

HpaPace hpa_pace_down(const HpaRules *rules, int64_t downscale_stabilization_ns) {
  int64_t whole_s = downscale_stabilization_ns / NS_PER_S * NS_PER_S; /* the field counts seconds */
  return pace(rules, whole_s, policies_down, sizeof policies_down / sizeof *policies_down);
}

/* ---- logs ---- */

int64_t hpa_log_capacity(int64_t window_ns, int64_t slot_ns) { return window_ns / slot_ns + 3; }

/* The entry of the slot that `now` is in, NULL if it has none. */
static HpaEntry *shared(HpaLog *log, int64_t now_ns) {
  if (log->slot_ns <= 0) return NULL;
  for (int64_t k = log->count - 1; k >= 0; k--)
    if (log->entry[k].at_ns / log->slot_ns == now_ns / log->slot_ns) return &log->entry[k];
  return NULL;
}

static void put(HpaLog *log, int64_t old, HpaEntry entry) {
  CHECK(old >= 0 || log->count < log->capacity);
  log->entry[old >= 0 ? old : log->count++] = entry;
}

void hpa_log_wish(HpaLog *wishes, int64_t old, int64_t now_ns, int64_t wish) {
  HpaEntry *entry = shared(wishes, now_ns);
  if (!entry) put(wishes, old, (HpaEntry){now_ns, wish, wish, false});
  else *entry = (HpaEntry){now_ns, least(entry->low, wish), most(entry->high, wish), false};
}

static int64_t ago_ns(int64_t now_ns, int64_t span_ns) { return now_ns < INT64_MIN + span_ns ? INT64_MIN : now_ns - span_ns; }

/* ---- stabilisation ---- */

int64_t hpa_stabilize(HpaLog *wishes, int64_t now_ns, int64_t window_ns, int64_t wish) {
  int64_t cutoff_ns = ago_ns(now_ns, window_ns), old = -1, highest = wish;
  for (int64_t k = 0; k < wishes->count; k++) {
    if (wishes->entry[k].at_ns < cutoff_ns) old = k;
    else highest = most(highest, wishes->entry[k].high);
  }
  hpa_log_wish(wishes, old, now_ns, wish);
  return highest;
}

HpaWish hpa_stabilize_paced(HpaLog *wishes, int64_t now_ns, const HpaPace *up, const HpaPace *down, int64_t replicas, int64_t wish,
                            HpaSemantics semantics) {
  int64_t up_cutoff_ns = ago_ns(now_ns, up->window_ns), down_cutoff_ns = ago_ns(now_ns, down->window_ns);
  int64_t lowest = wish, highest = wish, old = -1;
  for (int64_t k = 0; k < wishes->count; k++) {
    const HpaEntry *entry = &wishes->entry[k];
    if (entry->at_ns > up_cutoff_ns) lowest = least(lowest, entry->low);
    if (entry->at_ns > down_cutoff_ns) highest = most(highest, entry->high);
    if (entry->at_ns < up_cutoff_ns && entry->at_ns < down_cutoff_ns) old = k;
  }
  hpa_log_wish(wishes, old, now_ns, wish);
  const char *reason = wish >= replicas ? "ScaleUpStabilized" : "ScaleDownStabilized";
  if (semantics == HPA_1_20) return (HpaWish){wish >= replicas ? lowest : highest, reason}; /* looked one way only, even past `replicas` */
  return (HpaWish){least(most(replicas, lowest), highest), reason};
}

/* ---- pace and bounds ---- */

static int64_t whole(double x) { /* towards zero, inside int32 */
  if (!(x > -HPA_REPLICAS_MOST)) return -HPA_REPLICAS_MOST;
  return x < HPA_REPLICAS_MOST ? (int64_t)x : HPA_REPLICAS_MOST;
}

static int64_t ceiling(double x) {
  int64_t down = whole(x);
  return down < HPA_REPLICAS_MOST && (double)down < x ? down + 1 : down;
}

HpaWish hpa_limit(int64_t replicas, int64_t wish, int64_t min_replicas, int64_t max_replicas, double factor, int64_t least_replicas) {
  int64_t limit = most(whole(factor * (double)replicas), least_replicas);
  int64_t high = least(max_replicas, limit);
  if (wish < min_replicas) return (HpaWish){min_replicas, "TooFewReplicas"};
  if (wish > high) return (HpaWish){high, max_replicas > limit ? "ScaleUpLimit" : "TooManyReplicas"};
  return (HpaWish){wish, "DesiredWithinRange"};
}

int64_t hpa_changed(const HpaLog *changes, int64_t now_ns, int64_t period_ns) {
  int64_t cutoff_ns = ago_ns(now_ns, period_ns), sum = 0;
  for (int64_t k = 0; k < changes->count; k++)
    if (changes->entry[k].at_ns > cutoff_ns) sum += changes->entry[k].high;
  return sum;
}

/* Replicas at the start of a policy's period. 1.20 undid the changes of its own direction only. */
static int64_t start_of(const HpaChanges *changes, int64_t now_ns, const HpaScalingPolicy *policy, int64_t replicas, bool up, HpaSemantics semantics) {
  int64_t period_ns = policy->periodSeconds * NS_PER_S;
  if (semantics == HPA_CURRENT || up) replicas -= hpa_changed(&changes->up, now_ns, period_ns);
  if (semantics == HPA_CURRENT || !up) replicas += hpa_changed(&changes->down, now_ns, period_ns);
  return replicas;
}

int64_t hpa_limit_up(const HpaChanges *changes, int64_t now_ns, const HpaPace *up, int64_t replicas, HpaSemantics semantics) {
  if (up->select == HPA_SELECT_DISABLED) return replicas;
  int64_t limit = up->select == HPA_SELECT_MIN ? HPA_REPLICAS_MOST : -HPA_REPLICAS_MOST;
  for (size_t k = 0; k < up->n_policies; k++) {
    const HpaScalingPolicy *policy = &up->policy[k];
    int64_t start = start_of(changes, now_ns, policy, replicas, true, semantics);
    int64_t wish = policy->type == HPA_POLICY_PODS ? start + policy->value : ceiling((double)start * (1 + (double)policy->value / 100));
    limit = up->select == HPA_SELECT_MIN ? least(limit, wish) : most(limit, wish);
  }
  return limit;
}

int64_t hpa_limit_down(const HpaChanges *changes, int64_t now_ns, const HpaPace *down, int64_t replicas, HpaSemantics semantics) {
  if (down->select == HPA_SELECT_DISABLED) return replicas;
  int64_t limit = down->select == HPA_SELECT_MIN ? -HPA_REPLICAS_MOST : HPA_REPLICAS_MOST;
  for (size_t k = 0; k < down->n_policies; k++) {
    const HpaScalingPolicy *policy = &down->policy[k];
    int64_t start = start_of(changes, now_ns, policy, replicas, false, semantics);
    int64_t wish = policy->type == HPA_POLICY_PODS ? start - policy->value : whole((double)start * (1 - (double)policy->value / 100));
    limit = down->select == HPA_SELECT_MIN ? most(limit, wish) : least(limit, wish);
  }
  return limit;
}

HpaWish hpa_limit_paced(const HpaChanges *changes, int64_t now_ns, const HpaPace *up, const HpaPace *down, int64_t replicas, int64_t wish,
                        int64_t min_replicas, int64_t max_replicas, HpaSemantics semantics) {
  if (wish > replicas) {
    int64_t limit = most(hpa_limit_up(changes, now_ns, up, replicas, semantics), replicas);
    int64_t high = least(max_replicas, limit);
    if (wish > high) return (HpaWish){high, max_replicas > limit ? "ScaleUpLimit" : "TooManyReplicas"};
  } else if (wish < replicas) {
    int64_t limit = least(hpa_limit_down(changes, now_ns, down, replicas, semantics), replicas);
    int64_t low = most(min_replicas, limit);
    if (wish < low) return (HpaWish){low, min_replicas < limit ? "ScaleDownLimit" : "TooFewReplicas"};
  }
  return (HpaWish){wish, "DesiredWithinRange"};
}

/* ---- changes ---- */

void hpa_log_change(HpaLog *changes, int64_t now_ns, const HpaPace *pace, int64_t change) {
  if (!pace) return;
  int64_t longest_s = 0, old = -1;
  for (size_t k = 0; k < pace->n_policies; k++) longest_s = most(longest_s, pace->policy[k].periodSeconds);
  int64_t cutoff_ns = ago_ns(now_ns, longest_s * NS_PER_S);
  for (int64_t k = 0; k < changes->count; k++) {
    changes->entry[k].outdated |= changes->entry[k].at_ns < cutoff_ns;
    if (changes->entry[k].outdated) old = k;
  }
  HpaEntry *entry = shared(changes, now_ns);
  if (!entry) put(changes, old, (HpaEntry){now_ns, change, change, false});
  else *entry = (HpaEntry){now_ns, entry->high + change, entry->high + change, false};
}
