/* `dynamo-sla`: the SLA planner of NVIDIA Dynamo. It predicts the requests and token lengths of the next adjustment interval and reads from
 * the profiler's tables how many prefill and decode engines keep the time between tokens. Source: ai-dynamo/dynamo, components/planner,
 * planner_core.py 07619258 (Planner.make_adjustments). Here there is no first token to be seen: see `rule` for what stands in. */
#include "models/policy/dynamo.h"
#include "models/policy/tracking.h"

#define UPSTREAM "dynamo components/planner defaults.py"
static const char *const request_names[] = {"finished", "offered", NULL};
enum { REQUESTS_FINISHED, REQUESTS_OFFERED };

#define DYNAMO_SLA_FIELDS(F, C, O, L, M, R, P)                                                                                        \
  F(text, prefill, "prefill", 0, 0, OPTIONAL, "deployment of the prefill workers; where there is none, only the others are planned", "WORKER_COMPONENT_NAMES") \
  F(text, decode, "decode", 0, 0, OPTIONAL, "deployment of the decode workers; else the first that is not `prefill`", "WORKER_COMPONENT_NAMES")       \
  F(duration, adjustment_interval, "180s", 0.001, 86400, OPTIONAL, "between adjustments, and the window of all metrics", UPSTREAM ": 180")            \
  F(duration, ttft, "0.5s", 0.000001, 86400, OPTIONAL, "time to the first token; the profiler's, the planner itself does not use it", UPSTREAM ": 0.5") \
  F(duration, itl, "0.05s", 0.000001, 86400, OPTIONAL, "time between tokens to keep", UPSTREAM ": 0.05")                                             \
  F(number, isl, "3000", 0, 1e9, OPTIONAL, "input tokens, where the workload has none", UPSTREAM ": 3000")                                           \
  F(number, osl, "150", 1e-3, 1e9, OPTIONAL, "output tokens, where the workload has none", UPSTREAM ": 150")                                          \
  C(load_predictor, dynamo_predictor_names, "ar1", "of requests, input and output length", UPSTREAM ": arima (auto_arima there; ar1 is one fixed order of it)") \
  F(integer, load_prediction_window_size, "50", 1, 10000, OPTIONAL, "values that the predictor looks back on", UPSTREAM ": 50")                        \
  F(integer, min_endpoint, "1", 0, 1e6, OPTIONAL, "workers of a kind at least", UPSTREAM ": 1")                                                      \
  F(integer, max_gpu_budget, "8", -1, 1e9, OPTIONAL, "GPUs at most; -1: no limit", UPSTREAM ": 8")                                                    \
  F(integer, prefill_engine_num_gpu, "1", 1, 1e6, OPTIONAL, "GPUs of a prefill worker", UPSTREAM ": 1")                                               \
  F(integer, decode_engine_num_gpu, "1", 1, 1e6, OPTIONAL, "GPUs of a decode worker", UPSTREAM ": 1")                                                 \
  F(flag, no_correction, "false", 0, 0, OPTIONAL, "the tables are taken as they are", "planner_core.py: --no-correction")                            \
  C(num_req_from, request_names, "finished", "what counts as a request of the interval", "frontend counter requests_total: when a request ends")    \
  L(prefill_interpolation, DynamoPrefillPoint, &dynamo_prefill_type, OPTIONAL, "the profiler's measurements of prefill, by input length")           \
  L(decode_interpolation, DynamoDecodePoint, &dynamo_decode_type, OPTIONAL, "its measurements of decode, by context, then KV use")                  \
  F(number, max_kv_tokens, "0", 0, 1e15, OPTIONAL, "tokens that the KV cache of a decode engine holds", "dynamo profiler: raw_data.npz")
typedef struct DynamoSla { FIELD_MEMBERS(DYNAMO_SLA_FIELDS) } DynamoSla;
#define ROW_STRUCT DynamoSla
static const Field dynamo_sla_fields[] = {FIELD_ROWS(DYNAMO_SLA_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const DynamoSla *sla = value;
  bool good = dynamo_check_prefill(&sla->prefill_interpolation, "prefill_interpolation", err);
  good &= dynamo_check_decode(&sla->decode_interpolation, "decode_interpolation", err);
  if (sla->decode_interpolation.count > 0 && !(sla->max_kv_tokens > 0)) good = err_at(err, "max_kv_tokens", "is needed with decode_interpolation");
  return good;
}

static const Type dynamo_sla_type = FIELD_TYPE("dynamo-sla", "workers by predicted load and profiled engines", DynamoSla, dynamo_sla_fields, check);

typedef struct SlaState {
  bool begun;
  int64_t adjusted_ns, count;
  double series[]; /* requests, input length, output length: load_prediction_window_size of each */
} SlaState;

static size_t state_bytes_of(const void *params) {
  const DynamoSla *sla = params;
  return sizeof(SlaState) + 3 * (size_t)sla->load_prediction_window_size * sizeof(double);
}

enum { QUERY_REQUESTS, QUERY_LATENCY, QUERIES };

static void timing(const void *params, PolicyTiming *timing) {
  const DynamoSla *sla = params;
  timing->period_ns = timing->window_ns = sla->adjustment_interval_ns;
}

static size_t metrics(const void *params, MetricQuery query[POLICY_METRICS]) {
  const DynamoSla *sla = params;
  query[QUERY_REQUESTS] = metric_query(sla->num_req_from == REQUESTS_FINISHED ? METER_FINISHED_RPS : METER_OFFERED_RPS);
  query[QUERY_LATENCY] = metric_query(METER_LATENCY_MEAN_S);
  for (int k = 0; k < QUERIES; k++) query[k].window_ns = sla->adjustment_interval_ns;
  return QUERIES;
}

static double answer(const Observation *seen, int query) {
  return seen && seen->metric && seen->metric[query].has ? seen->metric[query].value : __builtin_nan("");
}

/* What the interval was like. */
typedef struct Interval {
  double requests, isl, osl, ttft_s, itl_s, request_s;
} Interval;

static double first_known(double a, double b, double otherwise) { return a == a ? a : b == b ? b : otherwise; }

/* The figures of tokens come from the workload; one without sizes counts with the nominal lengths as soon as it has requests. */
static Interval observe(const DynamoSla *sla, const Observation *prefill, const Observation *decode) {
  double request_rps = answer(decode, QUERY_REQUESTS), seconds = (double)sla->adjustment_interval_ns / 1e9, none = __builtin_nan("");
  Interval interval = {.requests = request_rps * seconds};
  bool any = request_rps > 0;
  interval.isl = first_known(prefill ? prefill->input_tokens_mean : none, decode->input_tokens_mean, any ? sla->isl : none);
  interval.osl = first_known(decode->output_tokens_mean, prefill ? prefill->output_tokens_mean : none, any ? sla->osl : none);
  interval.ttft_s = prefill ? answer(prefill, QUERY_LATENCY) : 0;
  interval.itl_s = answer(decode, QUERY_LATENCY) / interval.osl;
  interval.request_s = interval.ttft_s + answer(decode, QUERY_LATENCY);
  return interval;
}

static bool valid(const Interval *interval) {
  return interval->ttft_s == interval->ttft_s && interval->itl_s == interval->itl_s && interval->isl == interval->isl && interval->osl == interval->osl;
}

typedef struct Plan {
  double prefill_correction, decode_correction;
  double prefill_tokens_per_s, decode_tokens_per_s;               /* predicted */
  double prefill_engine_tokens_per_s, decode_engine_tokens_per_s; /* of one engine */
  int64_t prefill, decode, prefill_raw, decode_raw;
} Plan;

static void correct(const DynamoSla *sla, const Interval *interval, bool has_prefill, int64_t decode_ready, Plan *plan) {
  plan->prefill_correction = plan->decode_correction = 1;
  if (sla->no_correction) return;
  if (has_prefill) {
    double ttft_s, tokens_per_s;
    dynamo_prefill_at(&sla->prefill_interpolation, interval->isl, &ttft_s, &tokens_per_s);
    plan->prefill_correction = interval->ttft_s / ttft_s;
  }
  double context = interval->isl + interval->osl / 2, seconds = (double)sla->adjustment_interval_ns / 1e9;
  double concurrency = interval->requests / (double)decode_ready * interval->request_s / seconds;
  plan->decode_correction = interval->itl_s / dynamo_itl_s(&sla->decode_interpolation, concurrency * context / sla->max_kv_tokens, context);
}

static void plan_workers(const DynamoSla *sla, const SlaState *state, bool has_prefill, Plan *plan) {
  const int64_t window = sla->load_prediction_window_size;
  const double seconds = (double)sla->adjustment_interval_ns / 1e9;
  double next[3];
  for (int k = 0; k < 3; k++) next[k] = dynamo_predict((DynamoPredictor)sla->load_predictor, state->series + k * window, state->count);
  if (has_prefill) {
    double ttft_s;
    dynamo_prefill_at(&sla->prefill_interpolation, next[1], &ttft_s, &plan->prefill_engine_tokens_per_s);
    plan->prefill_engine_tokens_per_s *= (double)sla->prefill_engine_num_gpu;
    plan->prefill_tokens_per_s = next[0] * next[1] / seconds * (plan->prefill_correction < 1 ? plan->prefill_correction : 1);
    plan->prefill_raw = rounded_up(plan->prefill_tokens_per_s / plan->prefill_engine_tokens_per_s);
  }
  double itl_s = (double)sla->itl_ns / 1e9 / (plan->decode_correction > 0 ? plan->decode_correction : 1);
  plan->decode_engine_tokens_per_s =
      dynamo_best_tokens_per_s(&sla->decode_interpolation, itl_s, next[1] + next[2] / 2) * (double)sla->decode_engine_num_gpu;
  plan->decode_tokens_per_s = next[0] * next[2] / seconds;
  plan->decode_raw = rounded_up(plan->decode_tokens_per_s / plan->decode_engine_tokens_per_s);
  plan->prefill = has_prefill ? most(plan->prefill_raw, sla->min_endpoint) : 0;
  plan->decode = most(plan->decode_raw, sla->min_endpoint);
  dynamo_budget(&plan->prefill, &plan->decode, has_prefill ? sla->prefill_engine_num_gpu : 0, sla->decode_engine_num_gpu, sla->min_endpoint, sla->max_gpu_budget);
}

static void wish(const Observation *seen, Decision *decision, int64_t raw, int64_t fitted, double tokens_per_s, double engine_tokens_per_s) {
  decision->metric = tokens_per_s;
  decision->target = engine_tokens_per_s;
  decision->raw_replicas = (double)raw;
  decision->rate_limited = (double)fitted;
  decision->replicas = most(seen->min_replicas, least(fitted, seen->max_replicas));
  decision->reason = decision->replicas > fitted   ? "at the minimum of replicas"
                     : decision->replicas < fitted ? "at the maximum of replicas"
                     : fitted < raw                ? "fitted into the budget of GPUs"
                     : fitted > raw                ? "at min_endpoint"
                                                   : "as the predicted load needs";
  bool change = decision->replicas != seen->replicas;
  decision_step(decision, "Divide predicted tokens by those of an engine", "replicas as wished", !change, change ? "scale_horizontally()" : "keep",
                MODEL_STATE_NONE, tokens_per_s, engine_tokens_per_s);
}

/* Why nothing is planned, or NULL. Each interval enters the series, also one without requests. */
static const char *look(const DynamoSla *sla, SlaState *state, const Observation *prefill, const Observation *decode, Plan *plan) {
  if (!decode->has_metrics) return "no metrics";
  if (state->begun && decode->now_ns - state->adjusted_ns < sla->adjustment_interval_ns) return "between adjustments";
  state->begun = true;
  state->adjusted_ns = decode->now_ns;
  Interval interval = observe(sla, prefill, decode);
  const double value[3] = {interval.requests, interval.isl, interval.osl};
  const int64_t window = sla->load_prediction_window_size, count = state->count;
  for (int k = 0; k < 3; k++) state->count = dynamo_series_add(state->series + k * window, count, window, value[k]);
  if (!valid(&interval)) return "no active requests";
  if (sla->decode_interpolation.count == 0 || (prefill && sla->prefill_interpolation.count == 0)) return "no profile to go by";
  if (!sla->no_correction && decode->replicas_ready <= 0) return "no decode worker is ready";
  correct(sla, &interval, prefill != NULL, decode->replicas_ready, plan);
  plan_workers(sla, state, prefill != NULL, plan);
  return NULL;
}

static void decide_all(const void *params, void *memory, const Observation *observation, Decision *decision, size_t n) {
  const DynamoSla *sla = params;
  DynamoWorkers workers = dynamo_workers(sla->prefill, sla->decode, observation, n);
  if (workers.decode < 0) return;
  const Observation *prefill = workers.prefill >= 0 ? &observation[workers.prefill] : NULL, *decode = &observation[workers.decode];
  Plan plan = {0};
  const char *reason = look(sla, memory, prefill, decode, &plan);
  if (!reason) {
    if (prefill) wish(prefill, &decision[workers.prefill], plan.prefill_raw, plan.prefill, plan.prefill_tokens_per_s, plan.prefill_engine_tokens_per_s);
    wish(decode, &decision[workers.decode], plan.decode_raw, plan.decode, plan.decode_tokens_per_s, plan.decode_engine_tokens_per_s);
  }
  for (size_t k = 0; k < n; k++) {
    if (decision[k].n_steps > 0) continue;
    bool worker = (int)k == workers.prefill || (int)k == workers.decode;
    decision[k].reason = worker ? reason : "neither prefill nor decode";
    decision_step(&decision[k], "Plan workers", "metrics are complete", 0, "keep", MODEL_STATE_NONE, __builtin_nan(""), __builtin_nan(""));
  }
}

extern const Policy policy_dynamo_sla;
const Policy policy_dynamo_sla = {
    .model = {.kind = MODEL_POLICY,
              .name = "dynamo-sla",
              .summary = "NVIDIA Dynamo's SLA planner: prefill and decode workers for the predicted load, from profiled engines",
              .rule = "prefill = ceil(requests x input / interval x min(1, c) / tokens a second of an engine at that length), c = TTFT seen / in the table.\n"
                      "decode = ceil(requests x output / interval / best tokens a second that keep itl / d), d = ITL seen / in the table at the present\n"
                      "concurrency. Then min_endpoint and max_gpu_budget (prefill first, halves to even). Nothing changes without requests or tables.\n"
                      "TTFT seen is the mean latency of the prefill deployment; ITL seen is that of the decode deployment / its output tokens. Tables are\n"
                      "read along straight lines (upstream: cubic). One deployment alone is planned as decode workers.",
              .evidence = "read at ai-dynamo/dynamo planner_core.py 07619258, 12 hand-computed runs in tests/unit/test_dynamo.c",
              .params = &dynamo_sla_type},
    .state_bytes_of = state_bytes_of,
    .timing = timing,
    .metrics = metrics,
    .decide_all = decide_all,
};
