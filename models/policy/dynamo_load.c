/* `dynamo-load`: the load planner of NVIDIA Dynamo. It pulls the length of the prefill queue and the KV use of each decode worker every
 * metric_pulling_interval and moves one worker of a kind at a time at each adjustment_interval. Source: ai-dynamo/dynamo, the load planner
 * of components/planner (up to 0.3; its defaults are still in defaults.py 00c13f8d). */
#include "models/policy/dynamo.h"
#include "models/policy/tracking.h"

#define UPSTREAM "dynamo components/planner defaults.py"
static const char *const kv_names[] = {"kv_cache", "slots", NULL};
enum { KV_CACHE, KV_SLOTS };

#define DYNAMO_LOAD_FIELDS(F, C, O, L, M, R, P)                                                                                       \
  F(text, prefill, "prefill", 0, 0, OPTIONAL, "deployment of the prefill workers; where there is none, the others do both", "WORKER_COMPONENT_NAMES") \
  F(text, decode, "decode", 0, 0, OPTIONAL, "deployment of the decode workers; else the first that is not `prefill`", "WORKER_COMPONENT_NAMES")       \
  F(duration, adjustment_interval, "180s", 0.001, 86400, OPTIONAL, "between adjustments", UPSTREAM ": 180")                                          \
  F(duration, metric_pulling_interval, "10s", 0.001, 86400, OPTIONAL, "between looks at the metrics", UPSTREAM ": 10")                                \
  F(integer, min_endpoint, "1", 0, 1e6, OPTIONAL, "workers of a kind at least", UPSTREAM ": 1")                                                      \
  F(integer, max_gpu_budget, "8", 0, 1e9, OPTIONAL, "GPUs at most", UPSTREAM ": 8")                                                                  \
  F(integer, prefill_engine_num_gpu, "1", 1, 1e6, OPTIONAL, "GPUs of a prefill worker", UPSTREAM ": 1")                                               \
  F(integer, decode_engine_num_gpu, "1", 1, 1e6, OPTIONAL, "GPUs of a decode worker", UPSTREAM ": 1")                                                 \
  F(number, decode_kv_scale_up_threshold, "0.9", 0, 1e9, OPTIONAL, "a decode worker more above this mean KV use", UPSTREAM ": 0.9")                    \
  F(number, decode_kv_scale_down_threshold, "0.5", 0, 1e9, OPTIONAL, "a decode worker fewer below", UPSTREAM ": 0.5")                                  \
  F(number, prefill_queue_scale_up_threshold, "5.0", 0, 1e9, OPTIONAL, "a prefill worker more above this mean length of the queue", UPSTREAM ": 5.0")   \
  F(number, prefill_queue_scale_down_threshold, "0.2", 0, 1e9, OPTIONAL, "a prefill worker fewer below", UPSTREAM ": 0.2")                             \
  C(kv_from, kv_names, "slots", "what stands for the KV cache in use: the service's own, or jobs in service / concurrency where it has none", "")
typedef struct DynamoLoad { FIELD_MEMBERS(DYNAMO_LOAD_FIELDS) } DynamoLoad;
#define ROW_STRUCT DynamoLoad
static const Field dynamo_load_fields[] = {FIELD_ROWS(DYNAMO_LOAD_FIELDS)};
#undef ROW_STRUCT
static const Type dynamo_load_type = FIELD_TYPE("dynamo-load", "prefill queue and KV use", DynamoLoad, dynamo_load_fields, NULL);

enum { GRACE_INTERVALS = 3, LOOK_AHEAD_INTERVALS = 3 };
static const int64_t patience_ns = 600000000000; /* how long an adjustment waits for its workers: 60 looks of 10 s in kube.py */

typedef struct LoadState {
  bool begun, settling; /* settling: the last adjustment waits until its workers are ready */
  int64_t since_ns, pulled_ns;
  int64_t prefill_ready, decode_ready; /* as the interval began */
  int64_t pulls, kv_samples;
  double queue_sum, queue_first, queue_last, kv_sum;
  int64_t grace_intervals; /* in which no decode worker goes, so that a new one can fill its cache */
} LoadState;

enum { QUERY_KV, QUERY_WAITING, QUERY_ACTIVE, QUERY_QUEUE, QUERIES };

static void timing(const void *params, PolicyTiming *timing) {
  const DynamoLoad *load = params;
  timing->period_ns = timing->scrape_ns = least(load->metric_pulling_interval_ns, load->adjustment_interval_ns);
}

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  const DynamoLoad *load = params;
  query[QUERY_KV] = metric_query(load->kv_from == KV_CACHE ? METER_KV_CACHE_RATIO : METER_SLOT_UTILISATION_RATIO);
  query[QUERY_WAITING] = query[QUERY_QUEUE] = metric_query(METER_QUEUE_JOBS);
  query[QUERY_ACTIVE] = metric_query(METER_IN_SERVICE_JOBS);
  for (int k = QUERY_KV; k <= QUERY_ACTIVE; k++) {
    query[k].per = METRIC_PER_REPLICA;
    query[k].aggregate = METRIC_MEAN;
  }
  for (int k = QUERY_KV; k <= QUERY_QUEUE; k++) query[k].window_ns = 0;
  return QUERIES;
}

static double of_replica(const Observation *seen, int query, int64_t k) {
  if (!seen->metric || !seen->metric[query].has || !seen->metric[query].replica) return __builtin_nan("");
  return seen->metric[query].replica[k];
}

static int64_t ready_of(const Observation *seen) { return seen ? seen->replicas_ready : 0; }

static bool settled(const Observation *seen) { return !seen || (seen->replicas_ready == seen->replicas && seen->replicas_draining == 0); }

static void begin_interval(LoadState *state, int64_t now_ns, const Observation *prefill, const Observation *decode) {
  int64_t grace = state->grace_intervals;
  *state = (LoadState){.begun = true, .since_ns = now_ns, .grace_intervals = grace, .prefill_ready = ready_of(prefill),
                       .decode_ready = ready_of(decode)};
}

/* A request that waits at a decode worker is taken for 2 % of its cache. */
static void pull(LoadState *state, const Observation *prefill, const Observation *decode) {
  state->pulled_ns = decode->now_ns;
  if (prefill && prefill->metric && prefill->metric[QUERY_QUEUE].has) {
    state->queue_last = prefill->metric[QUERY_QUEUE].value;
    if (state->pulls++ == 0) state->queue_first = state->queue_last;
    state->queue_sum += state->queue_last;
  }
  for (int64_t k = 0; k < decode->n_replicas; k++) {
    double kv = of_replica(decode, QUERY_KV, k), waiting = of_replica(decode, QUERY_WAITING, k);
    if (decode->replica[k].phase != REPLICA_PHASE_READY || kv != kv) continue;
    if (of_replica(decode, QUERY_ACTIVE, k) > 0 && waiting > 0) kv += 0.02 * waiting;
    state->kv_sum += kv;
    state->kv_samples++;
  }
}

/* A new interval begins with the look that upstream takes right after it has forgotten the last one. */
static void restart(LoadState *state, const Observation *prefill, const Observation *decode) {
  begin_interval(state, decode->now_ns, prefill, decode);
  pull(state, prefill, decode);
}

/* The planned change of each kind, in upstream's order: fewer prefill, fewer decode, more prefill, more decode. */
typedef struct Change {
  int64_t prefill, decode;
  const char *prefill_reason, *decode_reason;
} Change;

static void fewer(const DynamoLoad *load, const LoadState *state, double queue, double kv, Change *change, int64_t *gpus) {
  if (queue < load->prefill_queue_scale_down_threshold && state->prefill_ready > load->min_endpoint) {
    change->prefill = -1;
    change->prefill_reason = "prefill queue below its lower threshold";
    *gpus -= load->prefill_engine_num_gpu;
  }
  if (!(kv < load->decode_kv_scale_down_threshold) || state->decode_ready <= load->min_endpoint) return;
  change->decode_reason = "KV use below its lower threshold, but a new worker is still filling up";
  if (state->grace_intervals > 0) return;
  change->decode = -1;
  change->decode_reason = "KV use below its lower threshold";
  *gpus -= load->decode_engine_num_gpu;
}

static void more(const DynamoLoad *load, LoadState *state, double queue, double kv, Change *change, int64_t *gpus) {
  if (queue > load->prefill_queue_scale_up_threshold) {
    double ahead = state->queue_last + (state->queue_last - state->queue_first) * LOOK_AHEAD_INTERVALS;
    if (*gpus + load->prefill_engine_num_gpu > load->max_gpu_budget) {
      change->prefill_reason = "no GPU left in the budget";
    } else if (ahead > load->prefill_queue_scale_up_threshold) {
      change->prefill += 1;
      change->prefill_reason = "prefill queue above its upper threshold";
      *gpus += load->prefill_engine_num_gpu;
    } else {
      change->prefill_reason = "prefill queue is draining by itself";
    }
  }
  if (!(kv > load->decode_kv_scale_up_threshold)) return;
  change->decode_reason = "no GPU left in the budget";
  if (*gpus + load->decode_engine_num_gpu > load->max_gpu_budget) return;
  change->decode += 1;
  change->decode_reason = "KV use above its upper threshold";
  *gpus += load->decode_engine_num_gpu;
  state->grace_intervals = GRACE_INTERVALS;
}

static void wish(const Observation *seen, Decision *decision, int64_t change, const char *reason, double metric, double target) {
  int64_t raw = seen->replicas + change;
  decision->metric = metric;
  decision->target = target;
  decision->raw_replicas = (double)raw;
  decision->replicas = most(seen->min_replicas, least(raw, seen->max_replicas));
  decision->reason = decision->replicas > raw ? "at the minimum of replicas" : decision->replicas < raw ? "at the maximum of replicas" : reason;
  decision_step(decision, "Compare with the upper threshold", "metric > threshold", metric > target, change ? "scale_horizontally()" : "keep",
                MODEL_STATE_NONE, metric, target);
}

static bool adjust(const DynamoLoad *load, LoadState *state, const Observation *prefill, const Observation *decode, Decision *prefill_decision,
                   Decision *decode_decision) {
  const double nothing = __builtin_nan("");
  double queue = state->pulls > 0 ? state->queue_sum / (double)state->pulls : nothing;
  double kv = state->kv_samples > 0 ? state->kv_sum / (double)state->kv_samples : nothing;
  bool changed = ready_of(prefill) != state->prefill_ready || ready_of(decode) != state->decode_ready;
  Change change = {0, 0, "prefill queue within its thresholds", "KV use within its thresholds"};
  if (changed) {
    change.prefill_reason = change.decode_reason = "workers came or went: no adjustment";
  } else {
    int64_t gpus = state->prefill_ready * load->prefill_engine_num_gpu + state->decode_ready * load->decode_engine_num_gpu;
    fewer(load, state, queue, kv, &change, &gpus);
    more(load, state, queue, kv, &change, &gpus);
    if (state->grace_intervals > 0) state->grace_intervals--;
  }
  if (prefill && prefill_decision) wish(prefill, prefill_decision, change.prefill, change.prefill_reason, queue, load->prefill_queue_scale_up_threshold);
  wish(decode, decode_decision, change.decode, change.decode_reason, kv, load->decode_kv_scale_up_threshold);
  return (prefill && prefill_decision->replicas != prefill->replicas) || decode_decision->replicas != decode->replicas;
}

static void decide_all(const void *params, void *memory, const Observation *observation, Decision *decision, size_t n) {
  const DynamoLoad *load = params;
  LoadState *state = memory;
  DynamoWorkers workers = dynamo_workers(load->prefill, load->decode, observation, n);
  if (workers.decode < 0) return;
  const Observation *prefill = workers.prefill >= 0 ? &observation[workers.prefill] : NULL, *decode = &observation[workers.decode];
  const int64_t now_ns = decode->now_ns;
  const char *reason = "between adjustments";
  if (!state->begun) {
    restart(state, prefill, decode);
  } else if (state->settling) {
    reason = "waits for the workers of the last adjustment";
    bool over = (settled(prefill) && settled(decode)) || now_ns - state->since_ns >= patience_ns;
    if (over) restart(state, prefill, decode);
  } else if (now_ns - state->pulled_ns >= load->metric_pulling_interval_ns || now_ns - state->since_ns >= load->adjustment_interval_ns) {
    pull(state, prefill, decode);
  }
  if (!state->settling && now_ns - state->since_ns >= load->adjustment_interval_ns) {
    bool changes = adjust(load, state, prefill, decode, prefill ? &decision[workers.prefill] : NULL, &decision[workers.decode]);
    restart(state, prefill, decode);
    state->settling = changes;
  }
  for (size_t k = 0; k < n; k++) {
    if (decision[k].n_steps > 0) continue;
    bool worker = (int)k == workers.prefill || (int)k == workers.decode;
    decision[k].reason = worker ? reason : "neither prefill nor decode";
    decision_step(&decision[k], "Adjust", "adjustment_interval is over", 0, "keep", MODEL_STATE_NONE, __builtin_nan(""), __builtin_nan(""));
  }
}

extern const Policy policy_dynamo_load;
const Policy policy_dynamo_load = {
    .model = {.kind = MODEL_POLICY,
              .name = "dynamo-load",
              .summary = "NVIDIA Dynamo's load planner: prefill and decode workers by queue and KV use",
              .rule = "Means over the adjustment interval. A prefill worker goes below, a decode worker goes below their lower thresholds (not below\n"
                      "min_endpoint; no decode worker within 3 intervals after one came). A prefill worker comes above the upper threshold if the queue\n"
                      "would still be above it three intervals on; a decode worker comes above the upper threshold; both within max_gpu_budget. Nothing\n"
                      "changes if workers came or went meanwhile. After a change the next interval begins when its workers are ready (or after 10 min).\n"
                      "One deployment alone is taken as decode workers that do both.",
              .evidence = "read at ai-dynamo/dynamo (load planner up to 0.3), 12 hand-computed runs in tests/unit/test_dynamo.c",
              .params = &dynamo_load_type},
    .reads_replicas = true,
    .state_bytes = sizeof(LoadState),
    .timing = timing,
    .metrics = metrics,
    .decide_all = decide_all,
};
