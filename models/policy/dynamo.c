/* Workers, GPU budget, tables and predictors of the Dynamo planners; see dynamo.h. */
#include "models/policy/dynamo.h"

#include <string.h>

#include "models/policy/tracking.h"

static int find(const char *name, const Observation *observation, size_t n) {
  for (size_t k = 0; k < n; k++)
    if (name && observation[k].deployment && strcmp(name, observation[k].deployment) == 0) return (int)k;
  return -1;
}

DynamoWorkers dynamo_workers(const char *prefill, const char *decode, const Observation *observation, size_t n) {
  if (n == 0) return (DynamoWorkers){-1, -1};
  if (n == 1) return (DynamoWorkers){-1, 0};
  DynamoWorkers workers = {find(prefill, observation, n), find(decode, observation, n)};
  if (workers.prefill == workers.decode) workers.prefill = -1;
  for (int k = 0; workers.decode < 0; k++)
    if (k != workers.prefill) workers.decode = k;
  return workers;
}

/* a / b to the nearest integer, halves to the even one; b > 0. */
static int64_t rounded_even(__int128 a, __int128 b) {
  __int128 down = a / b - (a % b < 0);
  __int128 twice = 2 * (a - down * b);
  if (twice > b || (twice == b && down % 2 != 0)) down++;
  return (int64_t)down;
}

void dynamo_budget(int64_t *prefill, int64_t *decode, int64_t prefill_gpus, int64_t decode_gpus, int64_t min_endpoint, int64_t max_gpu_budget) {
  __int128 total = (__int128)*prefill * prefill_gpus + (__int128)*decode * decode_gpus;
  if (max_gpu_budget < 0 || total <= max_gpu_budget) return;
  if (prefill_gpus > 0) *prefill = most(min_endpoint, rounded_even((__int128)*prefill * max_gpu_budget, total));
  *decode = most(min_endpoint, rounded_even((__int128)max_gpu_budget - (__int128)*prefill * prefill_gpus, decode_gpus));
}

/* ---- tables ---- */

#define ROW_STRUCT DynamoPrefillPoint
static const Field prefill_fields[] = {FIELD_ROWS(DYNAMO_PREFILL_FIELDS)};
#undef ROW_STRUCT
#define ROW_STRUCT DynamoDecodePoint
static const Field decode_fields[] = {FIELD_ROWS(DYNAMO_DECODE_FIELDS)};
#undef ROW_STRUCT
const Type dynamo_prefill_type = FIELD_TYPE("dynamo prefill point", "one measurement of a prefill engine", DynamoPrefillPoint, prefill_fields, NULL);
const Type dynamo_decode_type = FIELD_TYPE("dynamo decode point", "one measurement of a decode engine", DynamoDecodePoint, decode_fields, NULL);

bool dynamo_check_prefill(const List *table, const char *path, Err *err) {
  for (size_t k = 1; k < table->count; k++)
    if (!(LIST_AT(*table, DynamoPrefillPoint, k - 1)->prefill_isl < LIST_AT(*table, DynamoPrefillPoint, k)->prefill_isl))
      return err_at(err, path, "prefill_isl must ascend");
  return true;
}

bool dynamo_check_decode(const List *table, const char *path, Err *err) {
  for (size_t k = 1; k < table->count; k++) {
    const DynamoDecodePoint *a = LIST_AT(*table, DynamoDecodePoint, k - 1), *b = LIST_AT(*table, DynamoDecodePoint, k);
    if (a->y_context_length > b->y_context_length || (a->y_context_length == b->y_context_length && !(a->x_kv_usage < b->x_kv_usage)))
      return err_at(err, path, "points must ascend by y_context_length, then x_kv_usage");
  }
  if (table->count > 0 && !(LIST_AT(*table, DynamoDecodePoint, table->count - 1)->y_context_length > 0))
    return err_at(err, path, "no context is longer than 0");
  return true;
}

/* Where x lies between a and b: 0 at or below a, 1 at or above b. */
static double share(double a, double b, double x) { return !(x > a) ? 0 : x >= b ? 1 : (x - a) / (b - a); }
static double between(double a, double b, double t) { return t == 0 ? a : t == 1 ? b : a + (b - a) * t; }

void dynamo_prefill_at(const List *table, double isl, double *ttft_s, double *tokens_per_s) {
  const DynamoPrefillPoint *a = LIST_AT(*table, DynamoPrefillPoint, 0), *b = a;
  for (size_t k = 1; k < table->count && b->prefill_isl < isl; k++) {
    a = b;
    b = LIST_AT(*table, DynamoPrefillPoint, k);
  }
  double t = share(a->prefill_isl, b->prefill_isl, isl);
  *ttft_s = between(a->prefill_ttft, b->prefill_ttft, t) / 1000;
  *tokens_per_s = between(a->prefill_thpt_per_gpu, b->prefill_thpt_per_gpu, t);
}

typedef struct DecodeValue {
  double itl_s, tokens_per_s;
} DecodeValue;

static DecodeValue mixed(DecodeValue a, DecodeValue b, double t) {
  return (DecodeValue){between(a.itl_s, b.itl_s, t), between(a.tokens_per_s, b.tokens_per_s, t)};
}

/* Along the points of one context, which are item[first .. end). */
static DecodeValue along(const DynamoDecodePoint *item, size_t first, size_t end, double kv_usage) {
  const DynamoDecodePoint *a = &item[first], *b = a;
  for (size_t k = first + 1; k < end && b->x_kv_usage < kv_usage; k++) {
    a = b;
    b = &item[k];
  }
  return mixed((DecodeValue){a->z_itl / 1000, a->z_thpt_per_gpu}, (DecodeValue){b->z_itl / 1000, b->z_thpt_per_gpu},
               share(a->x_kv_usage, b->x_kv_usage, kv_usage));
}

static size_t end_of_context(const List *table, size_t first) {
  const DynamoDecodePoint *item = table->item;
  size_t end = first + 1;
  while (end < table->count && item[end].y_context_length == item[first].y_context_length) end++;
  return end;
}

static DecodeValue decode_at(const List *table, double kv_usage, double context) {
  const DynamoDecodePoint *item = table->item;
  size_t low = 0, high = 0, end = end_of_context(table, 0);
  while (item[high].y_context_length < context && end < table->count) {
    low = high;
    high = end;
    end = end_of_context(table, high);
  }
  return mixed(along(item, low, end_of_context(table, low), kv_usage), along(item, high, end, kv_usage),
               share(item[low].y_context_length, item[high].y_context_length, context));
}

enum { NODES = 100 };

/* The nearest of 100 nodes over [0, top], halves to the even one as numpy rounds; what is outside goes to the end. */
static int node(double x, double top) {
  double at = x / (top / (NODES - 1));
  if (!(at > 0)) return 0;
  if (at >= NODES - 1) return NODES - 1;
  int down = (int)at;
  double rest = at - down;
  return rest > 0.5 || (rest == 0.5 && down % 2 != 0) ? down + 1 : down;
}

static double node_at(int k, double top) { return k == NODES - 1 ? top : k * (top / (NODES - 1)); }

static double longest(const List *table) { return LIST_AT(*table, DynamoDecodePoint, table->count - 1)->y_context_length; }

double dynamo_itl_s(const List *table, double kv_usage, double context) {
  double top = longest(table);
  return decode_at(table, node_at(node(kv_usage, 1), 1), node_at(node(context, top), top)).itl_s;
}

double dynamo_best_tokens_per_s(const List *table, double itl_s, double context) {
  double top = longest(table), y = node_at(node(context, top), top);
  for (int k = NODES - 1; k >= 0; k--) {
    DecodeValue value = decode_at(table, node_at(k, 1), y);
    if (value.itl_s <= itl_s * (1 + 1e-9) || k == 0) return value.tokens_per_s;
  }
  return 0;
}

/* ---- predictors ---- */

const char *const dynamo_predictor_names[] = {"constant", "moving_average", "ar1", NULL};

int64_t dynamo_series_add(double *series, int64_t count, int64_t window, double value) {
  if (count >= window) {
    memmove(series, series + (count - window + 1), (size_t)(window - 1) * sizeof *series);
    count = window - 1;
  }
  series[count] = value == value ? value : 0;
  return count + 1;
}

static double mean_of(const double *series, int64_t count) {
  double sum = 0;
  for (int64_t k = 0; k < count; k++) sum += series[k];
  return sum / (double)count;
}

static double ar1(const double *series, int64_t count) {
  const double last = series[count - 1];
  if (count < 5) return last;
  const double before = mean_of(series, count - 1), after = mean_of(series + 1, count - 1);
  double square = 0, product = 0;
  for (int64_t k = 1; k < count; k++) {
    square += (series[k - 1] - before) * (series[k - 1] - before);
    product += (series[k - 1] - before) * (series[k] - after);
  }
  if (!(square > 1e-18 * before * before * (double)count)) return last; /* it did not move */
  double phi = product / square;
  phi = phi > 1 ? 1 : phi < -1 ? -1 : phi;
  return after + phi * (last - before);
}

double dynamo_predict(DynamoPredictor predictor, const double *series, int64_t count) {
  if (count < 1) return 0;
  double next = series[count - 1];
  switch (predictor) {
  case DYNAMO_CONSTANT: break;
  case DYNAMO_MOVING_AVERAGE: next = mean_of(series, count); break;
  case DYNAMO_AR1: next = ar1(series, count); break;
  }
  return next > 0 ? next : 0;
}
