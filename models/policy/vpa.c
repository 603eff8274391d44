/* `vpa`: the Kubernetes Vertical Pod Autoscaler, recommender and updater in one look. The recommender feeds every new sample of every
 * replica to one decaying histogram; the updater evicts or resizes those whose request is off, few at a time. The arithmetic is in
 * vpa_histogram, vpa_estimator, vpa_container and vpa_updater, which the upstream cases test. Source: vertical-pod-autoscaler,
 * kubernetes/autoscaler 55c37cd5; resizing in place: updater/restriction/pods_inplace_restriction.go and KEP-1287. */
#include "models/policy/tracking.h"
#include "models/policy/vpa_container.h"
#include "models/policy/vpa_params.h"
#include "models/policy/vpa_updater.h"
#include "sim/core/time.h"

/* A resize that was asked for and not yet seen done. */
typedef struct Waiting {
  uint32_t ordinal;
  bool seen; /* a later look found it waiting: from then on its time runs, as upstream */
  int64_t since_ns;
  int64_t before_millicores;
} Waiting;

enum { WAITING_MOST = 1024 }; /* more resizes wait for a later look */
static const int64_t deferred_ns = 300 * NS_PER_S; /* DeferredResizeUpdateTimeout, a constant upstream */

typedef struct Due {
  bool ran;
  int64_t at_ns;
} Due;

typedef struct VpaState {
  bool begun;
  Due recommender, updater;
  VpaContainer scrape; /* all replicas are scraped at the same instants, so that one newest instant serves all */
  VpaAggregate aggregate;
  bool has_bounds;
  VpaBounds bounds;
  int64_t asked_millicores;  /* the last wish; 0: none */
  int64_t largest_millicores; /* what a wish was cut to: no node is larger; 0: never was */
  int n_waiting;
  Waiting waiting[WAITING_MOST]; /* by ordinal */
} VpaState;

/* One look of the updater. */
typedef struct Look {
  const Vpa *vpa;
  VpaState *state;
  const Observation *seen;
  VpaBounds bounds;
  Decision *decision;
  VpaGroup group;
  VpaMode mode;
  int64_t off_target; /* replicas that want an update, waiting ones aside */
} Look;

static bool is_due(Due *due, int64_t interval_ns, int64_t now_ns) {
  if (due->ran && now_ns - due->at_ns < interval_ns) return false;
  *due = (Due){true, now_ns};
  return true;
}

/* ---- recommending ---- */

static void take_samples(VpaState *state, const Observation *seen) {
  VpaContainer newest = state->scrape;
  for (int64_t k = 0; k < seen->n_replicas; k++) {
    const ReplicaView *view = &seen->replica[k];
    VpaContainer container = state->scrape;
    if (!view->has_sample || !(view->usage_millicores >= 0)) continue;
    VpaCalls calls = vpa_container_cpu(&container, view->sampled_ns, least(rounded_up(view->usage_millicores), VPA_AMOUNT_MOST));
    vpa_aggregate_apply(&state->aggregate, &calls);
    if (calls.accepted && (!newest.has_cpu || container.cpu_ns > newest.cpu_ns)) newest = container;
  }
  state->scrape = newest;
}

static int64_t rounded_to(int64_t amount, int64_t step) { return step > 1 ? (amount + step - 1) / step * step : amount; }

static void recommend(const VpaRecommenderFlags *flags, VpaState *state, const Observation *seen) {
  const VpaEstimator estimator = {
      .target_percentile = flags->target_percentile_ratio, .lower_percentile = flags->lower_percentile_ratio,
      .upper_percentile = flags->upper_percentile_ratio, .margin = flags->margin_ratio,
      .confidence_interval_ns = flags->confidence_interval_ns, .minimum = vpa_pod_minimum_millicores(flags->pod_min_millicores, 1)};
  take_samples(state, seen);
  VpaAggregate *all = &state->aggregate;
  int64_t kept_ns;
  if (__builtin_mul_overflow(flags->memory_interval_ns, flags->memory_intervals, &kept_ns)) kept_ns = INT64_MAX;
  if (vpa_aggregate_is_expired(all, seen->now_ns, kept_ns)) vpa_aggregate_begin(all, flags->half_life_ns);
  state->has_bounds = all->samples > 0;
  if (!state->has_bounds) return;
  double confidence = vpa_confidence(all->last_ns - all->first_ns, all->samples, estimator.confidence_interval_ns);
  VpaBounds bounds = vpa_recommend_millicores(&estimator, &all->cores, confidence);
  state->bounds = (VpaBounds){rounded_to(bounds.target, flags->round_millicores), rounded_to(bounds.lower, flags->round_millicores),
                              rounded_to(bounds.upper, flags->round_millicores)};
}

/* ---- the container's policy ---- */

static bool same_text(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

/* By its name, else the one for all, else the only one there is; NULL where none applies. */
static const VpaContainerPolicy *container_policy(const Vpa *vpa, const char *name) {
  const List *list = &vpa->resourcePolicy.containerPolicies;
  const VpaContainerPolicy *any = list->count == 1 ? LIST_AT(*list, VpaContainerPolicy, 0) : NULL;
  for (size_t k = 0; k < list->count; k++) {
    const VpaContainerPolicy *policy = LIST_AT(*list, VpaContainerPolicy, k);
    if (!policy->containerName) continue;
    if (name && same_text(policy->containerName, name)) return policy;
    if (same_text(policy->containerName, "*")) any = policy;
  }
  return any;
}

static bool controls_cpu(const VpaContainerPolicy *policy) {
  if (!policy || policy->controlledResources.count == 0) return true;
  for (size_t k = 0; k < policy->controlledResources.count; k++)
    if (LIST_AT(policy->controlledResources, VpaResourceName, k)->resource == VPA_CPU) return true;
  return false;
}

static int64_t between(int64_t amount, int64_t low, int64_t high) {
  amount = most(amount, low);
  return high > 0 ? least(amount, high) : amount;
}

static VpaBounds allowed(const Vpa *vpa, const VpaState *state, const VpaContainerPolicy *policy) {
  int64_t low = policy ? policy->minAllowed.cpu_millicores : 0, high = policy ? policy->maxAllowed.cpu_millicores : 0;
  if (high == 0) high = vpa->recommender.max_allowed_millicores;
  if (state->largest_millicores > 0 && (high == 0 || high > state->largest_millicores)) high = state->largest_millicores;
  const VpaBounds *bounds = &state->bounds;
  return (VpaBounds){between(bounds->target, low, high), between(bounds->lower, low, high), between(bounds->upper, low, high)};
}

/* ---- updating ---- */

static VpaPriority priority_of(const Look *look, const ReplicaView *view) {
  const VpaRequest request = {view->request_millicores > 0, view->request_millicores, look->bounds};
  return vpa_priority(&request, 1);
}

static bool goes_before(const Look *look, uint32_t a, uint32_t b) {
  VpaPriority first = priority_of(look, &look->seen->replica[a]), second = priority_of(look, &look->seen->replica[b]);
  if (vpa_goes_before(&first, &second)) return true;
  return !vpa_goes_before(&second, &first) && a < b;
}

/* Heap sort of replicas' indices: the first to go at the front. */
static void sift(const Look *look, uint32_t *index, int64_t root, int64_t n) {
  for (int64_t child; (child = 2 * root + 1) < n; root = child) {
    if (child + 1 < n && goes_before(look, index[child], index[child + 1])) child++;
    if (!goes_before(look, index[root], index[child])) return;
    uint32_t swapped = index[root];
    index[root] = index[child];
    index[child] = swapped;
  }
}

static void sort_by_priority(const Look *look, uint32_t *index, int64_t n) {
  for (int64_t k = n / 2; k-- > 0;) sift(look, index, k, n);
  for (int64_t k = n; k-- > 1;) {
    uint32_t last = index[0];
    index[0] = index[k];
    index[k] = last;
    sift(look, index, 0, k);
  }
}

static bool requirement_holds(const VpaRequirement *requirement, const VpaBounds *bounds, int64_t request_millicores) {
  for (size_t k = 0; k < requirement->resources.count; k++) {
    if (LIST_AT(requirement->resources, VpaResourceName, k)->resource != VPA_CPU) continue; /* memory stays as it is */
    if (requirement->changeRequirement == VPA_TARGET_HIGHER ? bounds->target > request_millicores : bounds->target < request_millicores) return true;
  }
  return false;
}

static bool is_admitted(const Look *look, const ReplicaView *view) {
  const List *list = &look->vpa->updatePolicy.evictionRequirements;
  if (view->request_millicores <= 0 || view->request_bytes <= 0) return true;
  for (size_t k = 0; k < list->count; k++)
    if (!requirement_holds(LIST_AT(*list, VpaRequirement, k), &look->bounds, view->request_millicores)) return false;
  return true;
}

static bool wants_update(const Look *look, const ReplicaView *view) {
  const VpaUpdaterFlags *flags = &look->vpa->updater;
  const VpaUpdateRules rules = {flags->threshold_ratio, flags->lifetime_ns};
  bool has_started = view->started_ns != INSTANT_NEVER;
  VpaPriority priority = priority_of(look, view);
  return vpa_wants_update(&priority, &rules, has_started, has_started ? look->seen->now_ns - view->started_ns : 0, false) && is_admitted(look, view);
}

static int waiting_at(const VpaState *state, uint32_t ordinal) {
  int low = 0, high = state->n_waiting;
  while (low < high) {
    int middle = (low + high) / 2;
    if (state->waiting[middle].ordinal < ordinal) low = middle + 1;
    else high = middle;
  }
  return low;
}

static Waiting *waiting_for(VpaState *state, uint32_t ordinal) {
  int k = waiting_at(state, ordinal);
  return k < state->n_waiting && state->waiting[k].ordinal == ordinal ? &state->waiting[k] : NULL;
}

static void wait_for(VpaState *state, const ReplicaView *view) {
  int at = waiting_at(state, view->ordinal);
  for (int k = state->n_waiting++; k > at; k--) state->waiting[k] = state->waiting[k - 1];
  state->waiting[at] = (Waiting){.ordinal = view->ordinal, .before_millicores = view->request_millicores};
}

/* Forgets resizes that are done, and those of replicas that have gone; of the others the time begins to run. Both lists are by ordinal. */
static void settle_waiting(VpaState *state, const Observation *seen) {
  int kept = 0;
  int64_t r = 0;
  for (int k = 0; k < state->n_waiting; k++) {
    Waiting waiting = state->waiting[k];
    while (r < seen->n_replicas && seen->replica[r].ordinal < waiting.ordinal) r++;
    if (r == seen->n_replicas || seen->replica[r].ordinal != waiting.ordinal) continue;
    const ReplicaView *view = &seen->replica[r];
    if (view->phase == REPLICA_PHASE_DRAINING || view->request_millicores != waiting.before_millicores) continue;
    if (!waiting.seen) waiting.since_ns = seen->now_ns;
    waiting.seen = true;
    state->waiting[kept++] = waiting;
  }
  state->n_waiting = kept;
}

/* Replicas to evict, by priority, as far as the tolerance goes. Pending ones cost nothing. */
static void evict(Look *look, bool only_waiting) {
  const Observation *seen = look->seen;
  uint32_t *index = look->decision->updated;
  int64_t n = 0, evicted = 0;
  bool disruptable = vpa_group_is_disruptable(&look->group);
  for (int64_t k = 0; k < seen->n_replicas; k++) {
    const ReplicaView *view = &seen->replica[k];
    if (view->phase == REPLICA_PHASE_DRAINING) continue;
    if (only_waiting) {
      const Waiting *waiting = waiting_for(look->state, view->ordinal);
      if (!waiting || seen->now_ns - waiting->since_ns <= deferred_ns) continue;
    }
    if (!wants_update(look, view)) continue;
    look->off_target += !only_waiting;
    if (view->phase == REPLICA_PHASE_PENDING || disruptable) index[n++] = (uint32_t)k;
  }
  sort_by_priority(look, index, n);
  for (int64_t k = 0; k < n; k++) {
    const ReplicaView *view = &seen->replica[index[k]];
    bool is_pending = view->phase == REPLICA_PHASE_PENDING;
    if (!is_pending && !vpa_group_is_disruptable(&look->group)) continue;
    look->group.disrupted += !is_pending;
    index[evicted++] = view->ordinal;
  }
  look->decision->n_updated = evicted;
  if (evicted > 0) look->decision->update = UPDATE_EVICT;
}

static void resize(Look *look) {
  const Observation *seen = look->seen;
  uint32_t *index = look->decision->updated;
  int64_t n = 0, resized = 0;
  bool skips_budget = look->vpa->updater.skip_budget;
  for (int64_t k = 0; k < seen->n_replicas; k++) {
    const ReplicaView *view = &seen->replica[k];
    if (view->phase != REPLICA_PHASE_READY && view->phase != REPLICA_PHASE_STARTING) continue; /* a pending pod is never resized */
    if (waiting_for(look->state, view->ordinal) || !wants_update(look, view)) continue;
    look->off_target++;
    index[n++] = (uint32_t)k;
  }
  sort_by_priority(look, index, n);
  for (int64_t k = 0; k < n && look->state->n_waiting < WAITING_MOST; k++) {
    const ReplicaView *view = &seen->replica[index[k]];
    if (view->request_millicores == look->bounds.target) continue; /* nothing to resize */
    if (!skips_budget && !vpa_group_is_disruptable(&look->group)) break;
    look->group.disrupted++;
    wait_for(look->state, view);
    index[resized++] = view->ordinal;
  }
  look->decision->n_updated = resized;
  if (resized > 0) look->decision->update = UPDATE_IN_PLACE;
}

/* A decision has one list: replicas whose resize waited too long are evicted in this look, the others are resized in the next. */
static const char *update(Look *look) {
  const VpaUpdaterFlags *flags = &look->vpa->updater;
  const Observation *seen = look->seen;
  int64_t live = 0, pending = 0, required = look->vpa->updatePolicy.minReplicas;
  for (int64_t k = 0; k < seen->n_replicas; k++) {
    live += seen->replica[k].phase != REPLICA_PHASE_DRAINING;
    pending += seen->replica[k].phase == REPLICA_PHASE_PENDING;
  }
  settle_waiting(look->state, seen);
  look->group = vpa_group(seen->replicas, live - pending, flags->tolerance_ratio);
  bool too_few = live < (required > 0 ? required : flags->min_replicas);
  bool in_place = look->mode == VPA_IN_PLACE_OR_RECREATE || look->mode == VPA_IN_PLACE;
  if (too_few && !(look->mode == VPA_IN_PLACE_OR_RECREATE && flags->skip_budget)) return "too few replicas for an update";
  if (look->mode == VPA_IN_PLACE_OR_RECREATE && !too_few) evict(look, true);
  if (look->decision->n_updated > 0) return "a resize waited too long: evicts";
  if (in_place) resize(look);
  else evict(look, false);
  if (look->decision->n_updated > 0) return in_place ? "resizes in place" : "evicts";
  if (look->off_target > 0) return "off target, held by the eviction tolerance";
  return look->state->n_waiting > 0 ? "waits for resizes" : "requests within bounds";
}

/* ---- deciding ---- */

static void begin(const Vpa *vpa, VpaState *state, const Observation *seen) {
  if (!state->begun) vpa_aggregate_begin(&state->aggregate, vpa->recommender.half_life_ns);
  state->begun = true;
  if (state->asked_millicores > seen->request_millicores) state->largest_millicores = seen->request_millicores;
}

static void step_update(const Look *look) {
  const Decision *decision = look->decision;
  bool acts = decision->n_updated > 0;
  decision_step(look->decision, "Compare requests with the recommendation", "a request is out of bounds, or old and off target",
                acts || look->off_target > 0, !acts ? "keep" : decision->update == UPDATE_EVICT ? "evict()" : "scale_vertically()", MODEL_STATE_NONE,
                (double)look->seen->request_millicores / 1000, (double)look->bounds.target / 1000);
}

static const char *why_not(const Vpa *vpa, const VpaState *state, const VpaContainerPolicy *policy) {
  if (!state->has_bounds) return "no samples yet";
  if (policy && policy->mode == VPA_SCALING_OFF) return "scaling of this container is off";
  if (!controls_cpu(policy)) return "CPU is not controlled";
  return vpa->updatePolicy.updateMode == VPA_OFF ? "recommends only" : NULL;
}

static void decide(const void *params, void *memory, const Observation *observation, Decision *decision) {
  const Vpa *vpa = params;
  VpaState *state = memory;
  const VpaContainerPolicy *policy = container_policy(vpa, observation->deployment);
  begin(vpa, state, observation);
  if (is_due(&state->recommender, vpa->recommender.interval_ns, observation->now_ns)) recommend(&vpa->recommender, state, observation);
  Look look = {.vpa = vpa, .state = state, .seen = observation, .decision = decision, .mode = (VpaMode)vpa->updatePolicy.updateMode};
  if (state->has_bounds) {
    look.bounds = allowed(vpa, state, policy);
    decision->metric = vpa_histogram_percentile(&state->aggregate.cores, vpa->recommender.target_percentile_ratio);
    decision->target = (double)look.bounds.target / 1000;
  }
  decision_step(decision, "Recommend from use", "there are samples", state->has_bounds, state->has_bounds ? "recommend()" : "keep",
                MODEL_STATE_NONE, decision->metric, decision->target);
  decision->reason = why_not(vpa, state, policy);
  state->asked_millicores = 0;
  if (decision->reason) return;
  decision->request_millicores = state->asked_millicores = look.bounds.target;
  decision->update = UPDATE_NEW;
  decision->reason = look.mode == VPA_INITIAL ? "for new replicas only" : "the updater is not due";
  if (look.mode == VPA_INITIAL || !is_due(&state->updater, vpa->updater.interval_ns, observation->now_ns)) return;
  decision->reason = update(&look);
  step_update(&look);
}

/* Metrics as metrics-server has them: --metric-resolution=15s in its manifest, each the mean since the last. */
static void timing(const void *params, PolicyTiming *timing) {
  const Vpa *vpa = params;
  timing->period_ns = least(vpa->recommender.interval_ns, vpa->updater.interval_ns);
  timing->scrape_ns = timing->window_ns = 15 * NS_PER_S;
  timing->lag_ns = 0;
}

extern const Policy policy_vpa;
const Policy policy_vpa = {
    .model = {.kind = MODEL_POLICY,
              .name = "vpa",
              .summary = "Kubernetes Vertical Pod Autoscaler: CPU requests from a decaying histogram of use",
              .rule = "Every `recommender-interval` each replica's newest CPU sample goes into a histogram whose weights halve every half-life.\n"
                      "target = P90 + 15 %; lower = (P50 + 15 %) x (1 + 0.001 / c)^-2, upper = (P95 + 15 %) x (1 + 1 / c), c being the history in\n"
                      "days; at least 25 millicores, between minAllowed and maxAllowed. New replicas get the target. Every `updater-interval` those\n"
                      "whose request is outside [lower, upper], or that are 12 h old and 10 % off, are updated, growing ones first: Recreate evicts\n"
                      "as many as leave more than replicas - tolerance running (ready or not), with at least minReplicas; InPlace resizes them where\n"
                      "they are; InPlaceOrRecreate evicts those whose resize has waited for more than 5 minutes, in looks of their own. A wish that the\n"
                      "controller cut to a node's size is a limit from then on. Memory use is not simulated: memory requests stay, as with\n"
                      "controlledResources [cpu]. Limits keep their ratio to requests.",
              .evidence = "31 upstream cases (kubernetes/autoscaler 55c37cd5 recommender/util, model, logic tests) and 16 of our own in make "
                          "vectors; 28 hand-computed runs in tests/unit/test_vpa.c",
              .params = &vpa_type},
    .reads_replicas = true,
    .state_bytes = sizeof(VpaState),
    .timing = timing,
    .resizes = true,
    .decide = decide,
};
