/* The threshold rule's parameters and facts: what the observation says, and how far each way would go; see threshold.h. */
#include <stdio.h>

#include "models/policy/threshold.h"
#include "models/policy/tracking.h"

static const char *const data_source_names[] = {"offered", "backlog", "series", "job", NULL};
static const char *const limit_source_names[] = {"pool", "quota", "budget", "always", "never", "stock-out", NULL};

#define ROW_STRUCT SizePoint
static const Field size_point_fields[] = {FIELD_ROWS(SIZE_POINT_FIELDS)};
#undef ROW_STRUCT
static const Type size_point_type = FIELD_TYPE("size", "a size from an instant on", SizePoint, size_point_fields, NULL);

#define ROW_STRUCT DataSize
static const Field data_size_fields[] = {FIELD_ROWS(DATA_SIZE_FIELDS)};
#undef ROW_STRUCT

static bool check_data_size(const void *value, Err *err) {
  const DataSize *data = value;
  if (data->source == DATA_SERIES && data->series.count == 0) return err_at(err, "series", "needs at least one {at, size}");
  bool ok = true;
  for (size_t k = 1; k < data->series.count; k++) {
    if (LIST_AT(data->series, SizePoint, k)->at_ns > LIST_AT(data->series, SizePoint, k - 1)->at_ns) continue;
    char path[48];
    snprintf(path, sizeof path, "series[%zu].at", k);
    ok = err_at(err, path, "must be later than the point before it");
  }
  return ok;
}

static const Type data_size_type = FIELD_TYPE("data_size", "the size of the data", DataSize, data_size_fields, check_data_size);

#define ROW_STRUCT ResourceLimit
static const Field resource_limit_fields[] = {FIELD_ROWS(RESOURCE_LIMIT_FIELDS)};
#undef ROW_STRUCT

static bool check_resource_limit(const void *value, Err *err) {
  const ResourceLimit *limit = value;
  if (limit->source == LIMIT_QUOTA && limit->quota_cpu_millicores == 0 && limit->quota_replicas == 0)
    return err_at(err, "source", "quota needs quota_cpu or quota_replicas");
  if (limit->source == LIMIT_BUDGET && limit->budget_nano_usd_per_h == 0) return err_at(err, "source", "budget needs a budget above $0/h");
  return true;
}

static const Type resource_limit_type =
    FIELD_TYPE("resource_limit", "when no more nodes are to be had", ResourceLimit, resource_limit_fields, check_resource_limit);

#define ROW_STRUCT Threshold
static const Field threshold_fields[] = {FIELD_ROWS(THRESHOLD_FIELDS)};
#undef ROW_STRUCT

static bool check_threshold(const void *value, Err *err) {
  const Threshold *threshold = value;
  bool ok = true;
  if (threshold->scale_down_below_ratio >= threshold->scale_up_above_ratio)
    ok = err_at(err, "scale_down_below", "must be below scale_up_above");
  if (threshold->target_ratio > threshold->scale_up_above_ratio) ok = err_at(err, "target", "must not be above scale_up_above");
  return ok;
}

const Type threshold_type = FIELD_TYPE("threshold", "the founding rule", Threshold, threshold_fields, check_threshold);

static double data_size(const DataSize *data, const Observation *observation) {
  if (data->source == DATA_OFFERED) return observation->offered_bytes;
  if (data->source == DATA_BACKLOG) return observation->backlog_bytes;
  if (data->source == DATA_JOB) return observation->job_bytes;
  size_t k = 0;
  while (k + 1 < data->series.count && LIST_AT(data->series, SizePoint, k + 1)->at_ns <= observation->now_ns) k++;
  return (double)LIST_AT(data->series, SizePoint, k)->size_bytes;
}

/* Replicas that the quota or the budget still allows; the spend is taken to grow with the replicas. */
static int64_t allowed_replicas(const ResourceLimit *limit, const Observation *observation) {
  int64_t allowed = observation->max_replicas;
  double replicas = (double)most(observation->replicas, 1);
  if (limit->source == LIMIT_QUOTA) {
    if (limit->quota_replicas > 0) allowed = least(allowed, limit->quota_replicas);
    if (limit->quota_cpu_millicores > 0 && observation->request_millicores > 0)
      allowed = least(allowed, limit->quota_cpu_millicores / observation->request_millicores);
  }
  if (limit->source == LIMIT_BUDGET && observation->cluster_usd_per_h > 0) {
    double affordable = replicas * ((double)limit->budget_nano_usd_per_h / 1e9 / observation->cluster_usd_per_h) * (1 + 1e-9);
    if (affordable < (double)allowed) allowed = (int64_t)affordable;
  }
  return allowed;
}

static bool resource_limit(const ResourceLimit *limit, const Observation *observation) {
  switch ((LimitSource)limit->source) {
  case LIMIT_POOL: return observation->pool_nodes >= observation->pool_max_nodes;
  case LIMIT_QUOTA:
  case LIMIT_BUDGET: {
    int64_t allowed = allowed_replicas(limit, observation);
    return allowed <= observation->replicas && allowed < observation->max_replicas;
  }
  case LIMIT_ALWAYS: return true;
  case LIMIT_NEVER: return false;
  case LIMIT_STOCK_OUT: return observation->stock_out;
  }
  return false;
}

static bool objective_missed(const Observation *observation) {
  return observation->objective_latency_ns > 0 && observation->attainment_ratio < observation->objective_attainment_ratio; /* false for NaN */
}

static unsigned fact(bool holds, unsigned bit) { return holds ? bit : 0; }

/* Crossings of the threshold are kept until they are acted upon, or undone by one the other way. */
static unsigned data_facts(const Threshold *threshold, ThresholdState *state, const Observation *observation, double size) {
  bool was_small = state->data_small;
  double below = (double)threshold->data_size.below_bytes;
  bool looked = observation->has_metrics || threshold->data_size.source == DATA_SERIES, known = size >= 0; /* else no job arrived: it is what it was */
  if (looked && known) {
    double edge = state->begun && !was_small ? below * (1 - threshold->data_size.hysteresis_ratio) : below;
    state->data_small = size < edge;
    state->data_edge_bytes = edge;
    if (state->begun && was_small != state->data_small) state->grew = !(state->shrank = state->data_small);
  }
  if (looked && !state->begun) {
    state->begun = true;
    state->initial_replicas = observation->replicas;
    state->large = observation->variant > 0 ? observation->variant : observation->variants - 1;
  }
  bool small = observation->variant == 0;
  return fact(state->data_small, FACT_SMALL_DATA) | fact(small, FACT_SMALL_RUNNING) |
         fact(state->grew && small && state->large > 0, FACT_GREW) | fact(state->shrank && !small, FACT_SHRANK);
}

static bool settled(const Threshold *threshold, const ThresholdState *state, const Observation *observation) {
  if (!state->acted) return true;
  int64_t since_ns = observation->now_ns - state->acted_ns;
  if (since_ns < threshold->cooldown_ns) return false;
  return observation->replicas_starting + observation->replicas_pending == 0 || since_ns >= threshold->start_patience_ns;
}

static unsigned load_facts(const Threshold *threshold, ThresholdState *state, const Observation *observation) {
  bool missed = objective_missed(observation);
  bool need = observation->has_metrics && (missed || observation->utilisation_ratio > threshold->scale_up_above_ratio);
  bool low = observation->has_metrics && !missed && observation->utilisation_ratio < threshold->scale_down_below_ratio;
  if (low && !state->below) state->below_since_ns = observation->now_ns;
  state->below = low;
  state->quiet = observation->has_metrics && !need ? state->quiet + 1 : 0;
  bool long_low = low && observation->now_ns - state->below_since_ns >= threshold->scale_down_after_ns;
  return fact(observation->has_metrics, FACT_METRICS) | fact(need, FACT_NEED) | fact(settled(threshold, state, observation), FACT_SETTLED) |
         fact(state->quiet >= threshold->optimized_after, FACT_QUIET) | fact(long_low, FACT_GIVE_BACK);
}

static void look_up(const Threshold *threshold, const Observation *observation, ThresholdView *view) {
  const int64_t replicas = observation->replicas, request = observation->request_millicores;
  const ResourceLimit *limit = &threshold->resource_limit;
  double ratio = observation->utilisation_ratio / threshold->target_ratio;
  int64_t wish = most(rounded_up((double)observation->replicas_ready * ratio), replicas + 1);
  view->horizontal_replicas = least(least(wish, replicas + observation->placeable_replicas), allowed_replicas(limit, observation));
  double growth = ratio > 1 + threshold->least_step_ratio ? ratio : 1 + threshold->least_step_ratio;
  int64_t cap = observation->cap_millicores;
  if (threshold->max_cpu_millicores > 0) cap = least(cap, threshold->max_cpu_millicores);
  if (limit->source == LIMIT_QUOTA && limit->quota_cpu_millicores > 0) cap = least(cap, limit->quota_cpu_millicores / most(replicas, 1));
  view->vertical_millicores = least(rounded_up((double)request * growth), cap);
  view->facts |= fact(view->horizontal_replicas > replicas, FACT_CAN_HORIZONTAL) |
                 fact(request > 0 && view->vertical_millicores > request, FACT_CAN_VERTICAL);
}

/* Fewer replicas first, down to the minimum; then smaller ones, down to what the deployment starts with. */
static void look_down(const Threshold *threshold, const Observation *observation, ThresholdView *view) {
  const int64_t replicas = observation->replicas, request = observation->request_millicores;
  double ratio = observation->utilisation_ratio / threshold->target_ratio;
  int64_t fewer = most(rounded_up((double)observation->replicas_ready * ratio), most(observation->min_replicas, 1));
  int64_t smaller = most(rounded_up((double)request * ratio), observation->initial_millicores);
  view->fewer_replicas = least(fewer, replicas);
  view->smaller_millicores = view->fewer_replicas < replicas ? request : least(smaller, request);
  if (view->fewer_replicas == replicas && view->smaller_millicores == request) view->facts &= ~(unsigned)FACT_GIVE_BACK;
}

ThresholdView threshold_look(const Threshold *threshold, ThresholdState *state, const Observation *observation) {
  ThresholdView view = {.data_size_bytes = data_size(&threshold->data_size, observation)};
  view.facts = data_facts(threshold, state, observation, view.data_size_bytes) | load_facts(threshold, state, observation) |
               fact(resource_limit(&threshold->resource_limit, observation), FACT_LIMIT);
  look_up(threshold, observation, &view);
  look_down(threshold, observation, &view);
  return view;
}
