/* `wva`: llm-d's workload variant autoscaler over the deployments of the strategy, taken as the variants of one model. It ticks with the
 * scrapes to see the peaks of its gauges and optimises at each GLOBAL_OPT_INTERVAL. V1 compares what replicas have to spare; the queueing
 * mode asks how many requests a second a replica can take within its targets. The arithmetic is in wva_saturation.c and wva_queueing.c. */
#include <string.h>

#include "models/policy/peaks.h"
#include "models/policy/tracking.h"
#include "models/policy/wva_queueing.h"
#include "models/policy/wva_saturation.h"

#define UPSTREAM "llm-d workload-variant-autoscaler b08b1c77"
static const char *const mode_names[] = {"saturation", "queueing", NULL};
enum { MODE_SATURATION, MODE_QUEUEING };
static const char *const kv_names[] = {"kv_cache", "slots", NULL};
enum { KV_CACHE, KV_SLOTS };

#define WVA_OF_VARIANT_FIELDS(F, C, O, L, M, R, P)                                                                              \
  F(text, name, NULL, 0, 0, REQUIRED, "the deployment", "")                                                                       \
  F(number, variantCost, "-1", -1, 1e9, OPTIONAL, "of one replica, in any unit; -1: its price an hour", UPSTREAM ": spec.variantCost") \
  F(number, alpha, "-1", -1, 1e9, OPTIONAL, "ms; -1: as for all", UPSTREAM ": pkg/analyzer ServiceParms")                         \
  F(number, beta, "-1", -1, 1e9, OPTIONAL, "ms; -1: as for all", UPSTREAM ": pkg/analyzer ServiceParms")                          \
  F(number, gamma, "-1", -1, 1e9, OPTIONAL, "ms; -1: as for all", UPSTREAM ": pkg/analyzer ServiceParms")                         \
  F(integer, maxBatchSize, "-1", -1, 4096, OPTIONAL, "-1: as for all", UPSTREAM ": DefaultMaxBatchSize 256")
typedef struct WvaOfVariant { FIELD_MEMBERS(WVA_OF_VARIANT_FIELDS) } WvaOfVariant;
#define ROW_STRUCT WvaOfVariant
static const Field of_variant_fields[] = {FIELD_ROWS(WVA_OF_VARIANT_FIELDS)};
#undef ROW_STRUCT
static const Type of_variant_type = FIELD_TYPE("wva variant", "a variant of the model", WvaOfVariant, of_variant_fields, NULL);

#define WVA_FIELDS(F, C, O, L, M, R, P)                                                                                            \
  C(mode, mode_names, "saturation", "V1: what replicas have to spare; queueing: the queueing-model analyser and V2's optimiser", UPSTREAM ": analyzerName") \
  F(ratio, kvCacheThreshold, "0.80", 0, 100, OPTIONAL, "a replica with as much of its KV cache in use is saturated", UPSTREAM ": wva-saturation-scaling-config") \
  F(number, queueLengthThreshold, "5", 0, 1e9, OPTIONAL, "a replica with as many requests waiting is saturated", UPSTREAM ": wva-saturation-scaling-config") \
  F(ratio, kvSpareTrigger, "0.10", 0, 100, OPTIONAL, "more replicas while the mean spare of the KV cache is below this", UPSTREAM ": wva-saturation-scaling-config") \
  F(number, queueSpareTrigger, "3", 0, 1e9, OPTIONAL, "more replicas while the mean spare of the queue is below this", UPSTREAM ": wva-saturation-scaling-config") \
  C(kv_from, kv_names, "slots", "what stands for the KV cache in use: the service's own, or jobs in service / concurrency where it has none", "") \
  F(duration, peak_window, "1m", 0, 86400, OPTIONAL, "gauges count with their highest sample of this long", UPSTREAM ": max_over_time(...[1m])") \
  F(duration, GLOBAL_OPT_INTERVAL, "60s", 0.001, 86400, OPTIONAL, "between optimisations", UPSTREAM ": GLOBAL_OPT_INTERVAL 60s")          \
  F(flag, enable_scale_to_zero, "false", 0, 0, OPTIONAL, "no replica at all when no request came for the retention period", UPSTREAM ": wva-model-scale-to-zero-config") \
  F(duration, retention_period, "10m", 0.001, 864000, OPTIONAL, "without requests before everything goes", UPSTREAM ": DefaultScaleToZeroRetentionPeriod 10m") \
  F(number, targetTTFT, "0", 0, 1e9, OPTIONAL, "queueing: ms to the first token to keep; counts only together with targetITL", UPSTREAM ": wva-queueing-model-config") \
  F(number, targetITL, "0", 0, 1e9, OPTIONAL, "queueing: ms between tokens to keep", UPSTREAM ": wva-queueing-model-config")                                \
  F(number, sloMultiplier, "3.0", 1, 1e6, OPTIONAL, "queueing: without targets, an iteration may take this times alpha", UPSTREAM ": DefaultSLOMultiplier 3.0") \
  F(number, alpha, "0", 0, 1e9, OPTIONAL, "queueing: ms, base of an iteration; 0: the mean service time of the deployment", UPSTREAM ": ServiceParms (learned there, given here)") \
  F(number, beta, "0", 0, 1e9, OPTIONAL, "queueing: ms for each token computed", UPSTREAM ": ServiceParms")                              \
  F(number, gamma, "0", 0, 1e9, OPTIONAL, "queueing: ms for each token of context read", UPSTREAM ": ServiceParms")                      \
  F(integer, maxBatchSize, "-1", -1, 4096, OPTIONAL, "queueing: requests in service at once; -1: the concurrency", UPSTREAM ": DefaultMaxBatchSize 256") \
  F(integer, maxQueueSize, "100", 0, 10000, OPTIONAL, "queueing: requests waiting at most", UPSTREAM ": DefaultMaxQueueSize 100")         \
  F(number, avgInputTokens, "0", 0, 1e9, OPTIONAL, "queueing: of a request, where the workload has no tokens", "")                       \
  F(number, avgOutputTokens, "1", 1, 1e9, OPTIONAL, "queueing: of a request, where the workload has no tokens", "")                      \
  L(variants, WvaOfVariant, &of_variant_type, OPTIONAL, "what is known of single variants")
typedef struct Wva { FIELD_MEMBERS(WVA_FIELDS) } Wva;
#define ROW_STRUCT Wva
static const Field wva_fields[] = {FIELD_ROWS(WVA_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Wva *wva = value;
  if ((wva->targetTTFT > 0) != (wva->targetITL > 0))
    return err_at(err, wva->targetTTFT > 0 ? "targetITL" : "targetTTFT", "targetTTFT and targetITL go together"); /* as upstream's Validate */
  if (!(wva->sloMultiplier > 1)) return err_at(err, "sloMultiplier", "must be above 1");
  return true;
}

static const Type wva_type = FIELD_TYPE("wva", "variants of one model", Wva, wva_fields, check);

typedef struct WvaState {
  bool begun;
  int64_t optimised_ns;
  Peaks peaks;
} WvaState;

/* What one tick has gathered of each variant. */
typedef struct Gathered {
  const Wva *wva;
  const Observation *observation;
  Decision *decision;
  size_t n;
  WvaSpare spare[WVA_VARIANTS];
  int64_t target[WVA_VARIANTS];
} Gathered;

/* ---- metrics ---- */

enum { QUERY_KV, QUERY_QUEUE, QUERY_RETENTION, QUERY_ARRIVALS, QUERIES };

static void timing(const void *params, PolicyTiming *timing) {
  const Wva *wva = params;
  timing->period_ns = least(timing->period_ns, wva->GLOBAL_OPT_INTERVAL_ns);
}

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  const Wva *wva = params;
  query[QUERY_KV] = metric_query(wva->kv_from == KV_CACHE ? METER_KV_CACHE_RATIO : METER_SLOT_UTILISATION_RATIO);
  query[QUERY_QUEUE] = metric_query(METER_QUEUE_JOBS);
  for (int k = QUERY_KV; k <= QUERY_QUEUE; k++) {
    query[k].per = METRIC_PER_REPLICA;
    query[k].aggregate = METRIC_MAX;
    query[k].window_ns = 0;
  }
  query[QUERY_RETENTION] = query[QUERY_ARRIVALS] = metric_query(METER_OFFERED_RPS);
  query[QUERY_RETENTION].window_ns = wva->retention_period_ns;
  query[QUERY_ARRIVALS].window_ns = 60000000000;
  return QUERIES;
}

static double of_replica(const Observation *observation, int query, int64_t k) {
  if (!observation->metric || !observation->metric[query].has || !observation->metric[query].replica) return __builtin_nan("");
  return observation->metric[query].replica[k];
}

/* Peaks of every replica go in; what reports comes out. One that vanished is not asked about: upstream maps pods to variants by what exists. */
static void gather(WvaState *state, const WvaThresholds *thresholds, Gathered *all) {
  for (size_t d = 0; d < all->n; d++) {
    const Observation *seen = &all->observation[d];
    for (int64_t k = 0; k < seen->n_replicas; k++) {
      if (seen->replica[k].phase == REPLICA_PHASE_PENDING || seen->replica[k].phase == REPLICA_PHASE_STARTING) continue; /* serves no metrics yet */
      double kv = of_replica(seen, QUERY_KV, k), queue = of_replica(seen, QUERY_QUEUE, k);
      PeakReplica *peaks = peaks_of(&state->peaks, (uint32_t)d, seen->replica[k].ordinal, seen->now_ns, all->wva->peak_window_ns);
      if (peaks && all->wva->peak_window_ns > 0) {
        int64_t kv_ns = seen->metric ? seen->metric[QUERY_KV].sampled_ns : seen->now_ns;
        int64_t queue_ns = seen->metric ? seen->metric[QUERY_QUEUE].sampled_ns : seen->now_ns;
        kv = peak_add(&peaks->kv, seen->now_ns, all->wva->peak_window_ns, kv_ns, kv);
        queue = peak_add(&peaks->queue, seen->now_ns, all->wva->peak_window_ns, queue_ns, queue);
      }
      if (kv == kv || queue == queue) wva_spare_add(thresholds, &all->spare[d], kv, queue);
    }
  }
}

/* ---- what is known of a variant ---- */

static const WvaOfVariant *told_of(const Wva *wva, const Observation *seen) {
  for (size_t k = 0; k < wva->variants.count; k++) {
    const WvaOfVariant *told = LIST_AT(wva->variants, WvaOfVariant, k);
    if (seen->deployment && strcmp(told->name, seen->deployment) == 0) return told;
  }
  return NULL;
}

static double cost_of(const Wva *wva, const Observation *seen) {
  const WvaOfVariant *told = told_of(wva, seen);
  return told && told->variantCost >= 0 ? told->variantCost : seen->replica_usd_per_h;
}

static int64_t pods_of(const Observation *seen) { return seen->replicas_ready + seen->replicas_starting + seen->replicas_pending; }

/* ---- V1 ---- */

static const char *plan_saturation(Gathered *all, const WvaThresholds *thresholds) {
  WvaVariant variant[WVA_VARIANTS];
  size_t of[WVA_VARIANTS], n = 0;
  WvaAnalysis analysis = wva_analyse(thresholds, all->spare, all->n);
  for (size_t d = 0; d < all->n; d++) {
    const Observation *seen = &all->observation[d];
    Decision *decision = &all->decision[d];
    decision->metric = analysis.replicas > 0 ? analysis.spare_kv_ratio : __builtin_nan("");
    decision->target = thresholds->kv_spare_ratio;
    bool full = decision->metric < decision->target;
    decision_step(decision, "Compare spare KV cache", "spare < kvSpareTrigger", full, full ? "cheapest variant + 1" : "keep", MODEL_STATE_NONE,
                  decision->metric, decision->target);
    double queue = analysis.replicas > 0 ? analysis.spare_queue_jobs : __builtin_nan("");
    bool busy = queue < thresholds->spare_queue_jobs;
    decision_step(decision, "Compare spare queue", "spare < queueSpareTrigger", busy, busy ? "cheapest variant + 1" : "keep", MODEL_STATE_NONE, queue,
                  thresholds->spare_queue_jobs);
    decision_step(decision, "Take one away in thought", "n - 1 replicas keep both triggers", analysis.scale_down_safe,
                  analysis.scale_down_safe && !analysis.scale_up ? "dearest variant - 1" : "keep", MODEL_STATE_NONE, __builtin_nan(""), __builtin_nan(""));
    if (all->spare[d].replicas == 0) continue; /* not part of the analysis: kept as it is */
    variant[n] = (WvaVariant){.name = seen->deployment ? seen->deployment : "", .cost_usd_per_h = cost_of(all->wva, seen), .reporting = all->spare[d].replicas,
                              .current = pods_of(seen), .desired = seen->replicas, .pending = seen->replicas_starting + seen->replicas_pending};
    of[n++] = d;
  }
  if (n == 0) return "no metrics";
  WvaMove move = wva_targets(analysis.scale_up, analysis.scale_down_safe, variant, n);
  for (size_t k = 0; k < n; k++) all->target[of[k]] = variant[k].target;
  switch (move) {
  case WVA_FROZEN: return "a variant is on its way: nothing changes";
  case WVA_UP: return "too little to spare: the cheapest variant grows";
  case WVA_DOWN: return "enough to spare without one: the dearest variant shrinks";
  case WVA_KEPT: break;
  }
  return analysis.scale_up || analysis.scale_down_safe ? "no variant may change" : "neither too much nor too little to spare";
}

/* ---- queueing model ---- */

static double own_or(double own, double common) { return own >= 0 ? own : common; }

static WvaServer server_of(const Wva *wva, const Observation *seen) {
  const WvaOfVariant *told = told_of(wva, seen);
  WvaServer server = {.alpha_ms = own_or(told ? told->alpha : -1, wva->alpha), .beta_ms = own_or(told ? told->beta : -1, wva->beta),
                      .gamma_ms = own_or(told ? told->gamma : -1, wva->gamma), .max_queue = wva->maxQueueSize,
                      .max_batch = told && told->maxBatchSize > 0 ? told->maxBatchSize : wva->maxBatchSize,
                      .input_tokens = wva->avgInputTokens, .output_tokens = wva->avgOutputTokens};
  if (!(server.alpha_ms > 0) && seen->variant_view && seen->variant >= 0 && seen->variant < seen->variants)
    server.alpha_ms = seen->variant_view[seen->variant].mean_service_s * 1000;
  if (server.max_batch < 1) server.max_batch = most(1, least(seen->concurrency, 4096));
  if (seen->input_tokens_mean >= 0) server.input_tokens = seen->input_tokens_mean;
  if (seen->output_tokens_mean >= 1) server.output_tokens = seen->output_tokens_mean;
  return server;
}

/* What is to be kept where nothing was asked for: an iteration may take k alpha, the work itself its own time. */
static void target_for(const Wva *wva, const WvaServer *server, WvaTarget *target) {
  double iteration_ms = wva->sloMultiplier * server->alpha_ms;
  double ttft_ms = iteration_ms + (server->beta_ms + server->gamma_ms) * server->input_tokens;
  double itl_ms = iteration_ms + server->beta_ms + server->gamma_ms * (server->input_tokens + (server->output_tokens + 1) / 2);
  if (ttft_ms > target->ttft_ms) target->ttft_ms = ttft_ms;
  if (itl_ms > target->itl_ms) target->itl_ms = itl_ms;
}

static double arrivals_of(const Observation *seen) {
  if (!seen->metric || !seen->metric[QUERY_ARRIVALS].has) return 0;
  return seen->metric[QUERY_ARRIVALS].value > 0 ? seen->metric[QUERY_ARRIVALS].value : 0;
}

static bool has_traffic(const Gathered *all, size_t d) { return all->spare[d].replicas > 0 && arrivals_of(&all->observation[d]) > 0; }

/* Supply is what there is: replicas on their way count for what is required, not for what is spare. (Upstream's analyser multiplies by
 * the number it would like, ceil(demand / capacity), so that nothing is ever required of it.) */
static const char *plan_queueing(Gathered *all) {
  const Wva *wva = all->wva;
  WvaTarget target = {.ttft_ms = wva->targetTTFT, .itl_ms = wva->targetITL};
  WvaCapacity capacity[WVA_VARIANTS] = {0};
  for (size_t d = 0; d < all->n && !(wva->targetTTFT > 0); d++) {
    WvaServer server = server_of(wva, &all->observation[d]);
    if (has_traffic(all, d)) target_for(wva, &server, &target);
  }
  double demand_rps = 0, ready_rps = 0, coming_rps = 0;
  for (size_t d = 0; d < all->n; d++) {
    const Observation *seen = &all->observation[d];
    capacity[d] = (WvaCapacity){.cost_usd_per_h = cost_of(wva, seen), .replicas = seen->replicas};
    WvaServer server = server_of(wva, seen);
    WvaSize size;
    if (!has_traffic(all, d) || !wva_size(&server, &target, &size)) continue;
    capacity[d].per_replica = size.at_size.throughput_rps;
    demand_rps += arrivals_of(seen);
    ready_rps += (double)seen->replicas_ready * capacity[d].per_replica;
    coming_rps += (double)most(0, seen->replicas - seen->replicas_ready) * capacity[d].per_replica;
  }
  for (size_t d = 0; d < all->n; d++) {
    all->decision[d].metric = demand_rps;
    all->decision[d].target = ready_rps + coming_rps;
    decision_step(&all->decision[d], "Compare demand with supply", "demand > supply", demand_rps > ready_rps + coming_rps, "cost_aware()",
                  MODEL_STATE_NONE, demand_rps, ready_rps + coming_rps);
  }
  if (!(ready_rps + coming_rps > 0)) return "no metrics, or no rate keeps the targets";
  double required = demand_rps - ready_rps - coming_rps, spare = ready_rps - demand_rps;
  wva_cost_aware(required, spare, capacity, all->n);
  for (size_t d = 0; d < all->n; d++) all->target[d] = capacity[d].replicas;
  return required > 0 ? "demand above supply" : spare > 0 ? "supply above demand" : "supply is on its way";
}

/* ---- scale to zero, and the last replica ---- */

static bool idle(const Gathered *all) {
  for (size_t d = 0; d < all->n; d++) {
    const MetricValue *offered = all->observation[d].metric ? &all->observation[d].metric[QUERY_RETENTION] : NULL;
    if (!offered || !offered->has || offered->value > 0) return false;
  }
  return all->n > 0;
}

static const char *enforce(Gathered *all, const char *reason) {
  int64_t sum = 0;
  size_t best = 0;
  for (size_t d = 0; d < all->n; d++) {
    sum += all->target[d];
    double cost = cost_of(all->wva, &all->observation[d]), least_cost = cost_of(all->wva, &all->observation[best]);
    const char *name = all->observation[d].deployment, *least_name = all->observation[best].deployment;
    if (cost < least_cost || (cost == least_cost && name && least_name && strcmp(name, least_name) < 0)) best = d;
  }
  if (all->wva->enable_scale_to_zero) {
    if (!idle(all)) return reason;
    for (size_t d = 0; d < all->n; d++) all->target[d] = 0;
    return "no requests for the retention period";
  }
  if (sum > 0 || all->n == 0) return reason;
  all->target[best] = 1;
  return "the cheapest variant keeps one";
}

static int64_t bounded(const Observation *seen, int64_t wish) { return most(seen->min_replicas, least(wish, seen->max_replicas)); }

/* A request without a replica: the endpoint picker holds it and one replica is started. */
static void wake(Gathered *all) {
  for (size_t d = 0; d < all->n; d++) {
    const Observation *seen = &all->observation[d];
    if (seen->replicas > 0 || (seen->ask == ASK_NONE && seen->waiting_jobs_now <= 0)) continue;
    all->decision[d].replicas = all->target[d] = most(1, bounded(seen, 1));
    all->decision[d].reason = "a request waits and there is no replica";
    decision_step(&all->decision[d], "Scale from zero", "requests wait, no replica", 1, "scale_horizontally()", MODEL_STATE_NONE,
                  (double)seen->waiting_jobs_now, 0);
  }
}

/* The others keep what they have: what was looked at, and that it was not so. */
static void rest(Gathered *all, const char *step, const char *condition) {
  for (size_t d = 0; d < all->n; d++)
    if (all->decision[d].n_steps == 0)
      decision_step(&all->decision[d], step, condition, 0, "keep", MODEL_STATE_NONE, __builtin_nan(""), __builtin_nan(""));
}

static void decide_all(const void *params, void *memory, const Observation *observation, Decision *decision, size_t n) {
  const Wva *wva = params;
  WvaState *state = memory;
  Gathered all = {.wva = wva, .observation = observation, .decision = decision, .n = n < WVA_VARIANTS ? n : WVA_VARIANTS};
  const WvaThresholds thresholds = {wva->kvCacheThreshold_ratio, wva->queueLengthThreshold, wva->kvSpareTrigger_ratio, wva->queueSpareTrigger};
  for (size_t d = 0; d < all.n; d++) {
    all.target[d] = observation[d].replicas;
    decision[d].reason = "between optimisations";
  }
  for (size_t d = all.n; d < n; d++) decision[d].reason = "more variants than this policy knows";
  if (all.n == 0) return;
  for (size_t d = 0; d < all.n; d++) {
    if (observation[d].ask == ASK_NONE) continue;
    wake(&all);
    rest(&all, "Scale from zero", "requests wait, no replica");
    return;
  }
  gather(state, &thresholds, &all);
  int64_t now_ns = observation[0].now_ns;
  bool due = !state->begun || now_ns - state->optimised_ns >= wva->GLOBAL_OPT_INTERVAL_ns;
  if (!due) {
    wake(&all);
    rest(&all, "Optimise", "GLOBAL_OPT_INTERVAL is over");
    return;
  }
  state->begun = true;
  state->optimised_ns = now_ns;
  const char *reason = wva->mode == MODE_SATURATION ? plan_saturation(&all, &thresholds) : plan_queueing(&all);
  int64_t planned[WVA_VARIANTS];
  memcpy(planned, all.target, sizeof planned);
  reason = enforce(&all, reason);
  for (size_t d = 0; d < all.n; d++) {
    decision[d].raw_replicas = (double)planned[d];
    decision[d].replicas = bounded(&observation[d], all.target[d]);
    decision[d].reason = decision[d].replicas < all.target[d] ? "at the maximum of replicas" : decision[d].replicas > all.target[d] ? "at the minimum of replicas" : reason;
    bool change = decision[d].replicas != observation[d].replicas;
    decision_step(&decision[d], "Set the variant's target", "replicas as wished", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                  (double)observation[d].replicas, (double)decision[d].replicas);
  }
  wake(&all);
}

extern const Policy policy_wva;
const Policy policy_wva = {
    .model = {.kind = MODEL_POLICY,
              .name = "wva",
              .summary = "llm-d's workload variant autoscaler: variants of one model, by saturation or by a queueing model",
              .rule = "The deployments of the strategy are the variants of one model. A replica is saturated at kvCacheThreshold or queueLengthThreshold\n"
                      "(peaks of peak_window). saturation: one replica more on the cheapest variant while the mean spare of the others is below a trigger;\n"
                      "one fewer on the dearest with more than one while n - 1 could carry the load and keep the triggers; nothing while any variant's\n"
                      "wish, replicas and reporting replicas differ. queueing: requests a second that a replica takes within targetTTFT and targetITL\n"
                      "(state-dependent M/M/1/K), then ceil(missing / capacity) more by cost for capacity, or floor(spare / capacity) fewer, dearest first.\n"
                      "Without scale to zero the cheapest keeps one. alpha, beta and gamma are given, not learned. The wish acts at once: there is no HPA\n"
                      "between. Idle means no arrivals in retention_period (upstream counts requests that finished).",
              .evidence = "19 upstream cases (llm-d workload-variant-autoscaler b08b1c77) and 18 own in make vectors; 14 hand-computed runs in tests/unit/test_wva.c",
              .params = &wva_type},
    .reads_replicas = true,
    .asks = ASK_AT_ZERO,
    .state_bytes = sizeof(WvaState),
    .timing = timing,
    .metrics = metrics,
    .decide_all = decide_all,
};
