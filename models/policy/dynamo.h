/* What the planners of NVIDIA Dynamo share: which deployments are the prefill and decode workers, the GPU budget, the profiler's tables,
 * and the predictors of load. Source: ai-dynamo/dynamo, components/planner (planner_core.py 07619258, perf_interpolation.py 52787de1,
 * load_predictor.py 62e1328d, defaults.py 00c13f8d). Pure; only + - x /. */
#ifndef MODELS_POLICY_DYNAMO_H
#define MODELS_POLICY_DYNAMO_H

#include "sim/contract/policy.h"

/* Indices into the observations; -1: there is none. Without prefill workers the decode workers do both (aggregated). */
typedef struct DynamoWorkers {
  int prefill, decode;
} DynamoWorkers;
DynamoWorkers dynamo_workers(const char *prefill, const char *decode, const Observation *observation, size_t n);

/* Both fitted into a budget of GPUs, prefill first, never below the minimum: Python's round, half to even. A negative budget is none. */
void dynamo_budget(int64_t *prefill, int64_t *decode, int64_t prefill_gpus, int64_t decode_gpus, int64_t min_endpoint, int64_t max_gpu_budget);

/* ---- the profiler's tables ---- */

#define DYNAMO_PREFILL_FIELDS(F, C, O, L, M, R, P)                                                                            \
  F(number, prefill_isl, NULL, 0, 1e9, REQUIRED, "input length, tokens", "dynamo profiler: raw_data.npz")                      \
  F(number, prefill_ttft, NULL, 1e-6, 1e9, REQUIRED, "time to the first token with nothing else to do, ms", "dynamo profiler: raw_data.npz") \
  F(number, prefill_thpt_per_gpu, NULL, 1e-6, 1e12, REQUIRED, "input tokens a second and GPU", "dynamo profiler: raw_data.npz")
typedef struct DynamoPrefillPoint { FIELD_MEMBERS(DYNAMO_PREFILL_FIELDS) } DynamoPrefillPoint;
#define DYNAMO_DECODE_FIELDS(F, C, O, L, M, R, P)                                                                             \
  F(number, x_kv_usage, NULL, 0, 1, REQUIRED, "KV cache in use", "dynamo profiler: raw_data.npz")                              \
  F(number, y_context_length, NULL, 0, 1e9, REQUIRED, "context, tokens", "dynamo profiler: raw_data.npz")                      \
  F(number, z_itl, NULL, 1e-6, 1e9, REQUIRED, "time between tokens, ms", "dynamo profiler: raw_data.npz")                      \
  F(number, z_thpt_per_gpu, NULL, 1e-6, 1e12, REQUIRED, "output tokens a second and GPU", "dynamo profiler: raw_data.npz")
typedef struct DynamoDecodePoint { FIELD_MEMBERS(DYNAMO_DECODE_FIELDS) } DynamoDecodePoint;
extern const Type dynamo_prefill_type, dynamo_decode_type;

/* Lists must ascend: by input length; by context, then KV usage. */
bool dynamo_check_prefill(const List *table, const char *path, Err *err);
bool dynamo_check_decode(const List *table, const char *path, Err *err);
/* Straight lines between points (upstream: cubic), the ends beyond them. Tables must not be empty. */
void dynamo_prefill_at(const List *table, double isl, double *ttft_s, double *tokens_per_s);
/* On upstream's grid of 100 x 100 over [0, 1] x [0, longest context], at the nearest node. */
double dynamo_itl_s(const List *table, double kv_usage, double context);
/* Throughput at the highest KV usage of the grid that keeps the time between tokens; of an empty cache if none does. */
double dynamo_best_tokens_per_s(const List *table, double itl_s, double context);

/* ---- predictors ---- */

extern const char *const dynamo_predictor_names[];
typedef enum DynamoPredictor { DYNAMO_CONSTANT, DYNAMO_MOVING_AVERAGE, DYNAMO_AR1 } DynamoPredictor;
/* Appends to the last `window` values; NaN counts as 0. Returns the new count. */
int64_t dynamo_series_add(double *series, int64_t count, int64_t window, double value);
/* The next value, at least 0. ar1: y' = c + phi y fitted by least squares, |phi| <= 1; the last value of fewer than 5. */
double dynamo_predict(DynamoPredictor predictor, const double *series, int64_t count);

#endif
