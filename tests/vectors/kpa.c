/* Schemas kpa_*. */
#include <math.h>
#include <string.h>

#include "models/policy/kpa_autoscaler.h"
#include "models/policy/kpa_buckets.h"
#include "models/policy/kpa_scaler.h"
#include "tests/vectors/vectors.h"

/* ---- kpa_metric_buckets ---- */

static int64_t newest_kept(const KpaBuckets *buckets, int64_t now_ns) {
  int64_t silent = kpa_bucket_index(buckets, now_ns) - buckets->last;
  return buckets->has_last && silent < buckets->n ? buckets->n - (silent > 0 ? silent : 0) : 0;
}

static double sum_of(const KpaBuckets *buckets, int64_t now_ns) {
  double sum = 0;
  for (int64_t k = 0, n = newest_kept(buckets, now_ns); k < n; k++) sum += kpa_bucket(buckets, buckets->last - k);
  return sum;
}

/* The buckets above 0, by the second they begin at. */
static void expect_buckets(Case *c, const KpaBuckets *buckets, int64_t now_ns, const json_t *expect) {
  size_t found = 0;
  for (int64_t k = 0, n = newest_kept(buckets, now_ns); k < n; k++) {
    double value = kpa_bucket(buckets, buckets->last - k);
    if (!(value > 0)) continue;
    char key[32];
    snprintf(key, sizeof key, "%lld", (long long)((buckets->last - k) * buckets->granularity_ns / 1000000000));
    const json_t *wanted = json_object_get(expect, key);
    if (!wanted) case_fails(c, "a bucket at %s s", key);
    else expect_close(c, key, value, json_number_value(wanted), 1e-12);
    found++;
  }
  expect_integer(c, "buckets above 0", (int64_t)found, (int64_t)json_object_size(expect));
}

static void resize(Case *c, KpaBuckets *buckets, const json_t *op) {
  int64_t window_ns = ns_of(c, op, "window_s", 0);
  double *room = arena_alloc(c->arena, (size_t)kpa_bucket_count(window_ns, buckets->granularity_ns), sizeof *room);
  kpa_buckets_resize(buckets, room, window_ns, ns_of(c, op, "now_s", ns_of(c, op, "t_s", 0)));
  if (member(op, "expect_buckets")) expect_integer(c, "buckets", buckets->n, integer_of(c, op, "expect_buckets", 0));
}

static void run_op(Case *c, KpaBuckets *buckets, bool weighted, const json_t *op) {
  const char *name = text_of(c, op, "op", "");
  int64_t now_ns = ns_of(c, op, "t_s", 0);
  double expect = json_number_value(member(op, "expect"));
  if (strcmp(name, "record") == 0) kpa_buckets_record(buckets, now_ns, number_of(c, op, "value", 0));
  else if (strcmp(name, "average") == 0)
    expect_close(c, "average", weighted ? kpa_buckets_weighted(buckets, now_ns) : kpa_buckets_average(buckets, now_ns), expect, 1e-9);
  else if (strcmp(name, "sum") == 0) expect_close(c, "sum", sum_of(buckets, now_ns), expect, 1e-9);
  else if (strcmp(name, "buckets") == 0) expect_buckets(c, buckets, now_ns, member(op, "expect"));
  else if (strcmp(name, "empty") == 0) expect_flag(c, "empty", kpa_buckets_empty(buckets, now_ns), json_is_true(member(op, "expect")));
  else if (strcmp(name, "resize") == 0) resize(c, buckets, op);
  else case_fails(c, "no operation `%s`", name);
}

static void metric_buckets(Case *c) {
  const char *kind = text_of(c, c->json, "kind", "timed");
  double tolerance = number_of(c, c->json, "tolerance", 1e-12);
  if (strcmp(kind, "smoothing_coefficient") == 0) {
    double got = kpa_smoothing_coefficient(integer_of(c, c->json, "buckets", 1));
    if (fabs(got - number_of(c, c->json, "expect", 0)) > tolerance + 1e-15) case_fails(c, "coefficient is %.17g", got);
    return;
  }
  if (strcmp(kind, "round_to_digits") == 0) {
    expect_close(c, "rounded", kpa_rounded((int)integer_of(c, c->json, "digits", 6), number_of(c, c->json, "value", 0)), number_of(c, c->json, "expect", 0), 1e-12);
    return;
  }
  int64_t window_ns = ns_of(c, c->json, "window_s", 0), granularity_ns = ns_of(c, c->json, "granularity_s", 1000000000);
  KpaBuckets buckets;
  kpa_buckets_begin(&buckets, arena_alloc(c->arena, (size_t)kpa_bucket_count(window_ns, granularity_ns), sizeof(double)), window_ns, granularity_ns);
  const json_t *ops = member(c->json, "ops");
  for (size_t k = 0; k < json_array_size(ops); k++) run_op(c, &buckets, strncmp(kind, "weighted", 8) == 0, json_array_get(ops, k));
}

/* ---- kpa_max_window ---- */

static void max_window(Case *c) {
  const json_t *index = member(c->json, "index"), *values = member(c->json, "values"), *expect = member(c->json, "expect");
  const json_t *current = member(expect, "current");
  int64_t size = integer_of(c, c->json, "size", 1);
  KpaMaxWindow window = {.size = size, .maximum = arena_alloc(c->arena, (size_t)size, sizeof(KpaMaximum))};
  for (size_t k = 0; k < json_array_size(values); k++) {
    kpa_max_record(&window, (int64_t)json_number_value(json_array_get(index, k)), (int64_t)json_number_value(json_array_get(values, k)));
    if (current) expect_integer(c, "maximum", kpa_max_current(&window), (int64_t)json_number_value(json_array_get(current, k)));
  }
  if (member(expect, "last")) expect_integer(c, "last maximum", kpa_max_current(&window), integer_of(c, expect, "last", 0));
}

/* ---- kpa_target, kpa_activator_count, kpa_sample_size ---- */

static void target(Case *c) {
  const json_t *config = member(c->json, "config"), *expect = member(c->json, "expect");
  KpaTargetSpec spec = {
      .metric = strcmp(text_of(c, c->json, "metric", "concurrency"), "rps") == 0 ? KPA_RPS : KPA_CONCURRENCY,
      .concurrency_share = number_of(c, config, "cc_target_fraction", 0.7), .concurrency_default = number_of(c, config, "cc_target_default", 100),
      .rps_default = number_of(c, config, "rps_target_default", 200), .utilisation_share = number_of(c, config, "target_utilization", 0.7),
      .container_concurrency = number_of(c, c->json, "container_concurrency", 0), .target = number_of(c, c->json, "target_annotation", 0),
      .target_share = number_of(c, c->json, "target_utilization_annotation_pct", 0) / 100};
  KpaTarget got = kpa_target(&spec);
  if (member(expect, "target")) expect_close(c, "target", got.target, number_of(c, expect, "target", 0), 1e-12);
  if (member(expect, "total")) expect_close(c, "total", got.total, number_of(c, expect, "total", 0), 1e-12);
}

static void activator_count(Case *c) {
  int64_t got = kpa_activators(integer_of(c, c->json, "ready_pods", 0), number_of(c, c->json, "total_value", 0),
                               number_of(c, c->json, "target_burst_capacity", 0), number_of(c, c->json, "activator_capacity", 100),
                               integer_of(c, c->json, "min_activators", 2));
  expect_integer(c, "activators", got, integer_of(c, c->json, "expect", 0));
}

static void sample_size(Case *c) {
  expect_integer(c, "sample size", kpa_sample_size(integer_of(c, c->json, "population", 0)), integer_of(c, c->json, "expect", 0));
}

/* ---- kpa_autoscaler ---- */

static void read_spec(Case *c, const json_t *json, KpaSpec *spec) {
  spec->target.target = number_of(c, json, "target_value", spec->target.target);
  spec->target.total = number_of(c, json, "total_value", spec->target.total);
  spec->target_burst_capacity = number_of(c, json, "target_burst_capacity", spec->target_burst_capacity);
  spec->panic_threshold_ratio = number_of(c, json, "panic_threshold", spec->panic_threshold_ratio);
  spec->max_scale_up_ratio = number_of(c, json, "max_scale_up_rate", spec->max_scale_up_ratio);
  spec->max_scale_down_ratio = number_of(c, json, "max_scale_down_rate", spec->max_scale_down_ratio);
  spec->stable_window_ns = ns_of(c, json, "stable_window_s", spec->stable_window_ns);
  spec->activation_scale = integer_of(c, json, "activation_scale", spec->activation_scale);
  spec->reachable = flag_of(c, json, "reachable", spec->reachable);
}

static void expect_panic(Case *c, const json_t *expect, const KpaAutoscaler *autoscaler) {
  if (member(expect, "in_panic")) expect_flag(c, "in panic", autoscaler->panicking, flag_of(c, expect, "in_panic", false));
  if (member(expect, "panic_time_s")) expect_integer(c, "panic time, ns", autoscaler->panic_ns, ns_of(c, expect, "panic_time_s", 0));
  if (member(expect, "max_panic_pods")) expect_integer(c, "max panic pods", autoscaler->max_panic_pods, integer_of(c, expect, "max_panic_pods", 0));
}

static void scale_step(Case *c, const json_t *step, KpaAutoscaler *autoscaler, KpaSpec *spec) {
  const json_t *expect = member(step, "expect");
  if (member(step, "update_spec")) read_spec(c, member(step, "update_spec"), spec);
  KpaScale got = kpa_autoscaler_scale(autoscaler, spec, integer_of(c, step, "ready", -1), number_of(c, step, "stable", NAN),
                                      number_of(c, step, "panic", NAN), ns_of(c, step, "t_s", 0));
  int64_t tolerance = integer_of(c, c->json, "ebc_tolerance", 0);
  if (member(expect, "valid")) expect_flag(c, "valid", got.valid, flag_of(c, expect, "valid", true));
  if (member(expect, "desired")) expect_integer(c, "desired", got.desired, integer_of(c, expect, "desired", 0));
  int64_t ebc = integer_of(c, expect, "ebc", got.excess_burst_capacity);
  if (got.excess_burst_capacity < ebc - tolerance || got.excess_burst_capacity > ebc + tolerance)
    expect_integer(c, "excess burst capacity", got.excess_burst_capacity, ebc);
  expect_panic(c, expect, autoscaler);
}

static void autoscaler_steps(Case *c) {
  const json_t *steps = member(c->json, "steps"), *state = member(c->json, "initial_state");
  KpaSpec spec = {.max_scale_up_ratio = 1000, .max_scale_down_ratio = 2, .panic_threshold_ratio = 2, .reachable = true};
  read_spec(c, member(c->json, "spec"), &spec);
  int64_t slots = kpa_delay_slots(ns_of(c, member(c->json, "spec"), "scale_down_delay_s", 0));
  KpaAutoscaler autoscaler;
  kpa_autoscaler_begin(&autoscaler, integer_of(c, c->json, "initial_ready", 0), 0, arena_alloc(c->arena, (size_t)slots + 1, sizeof(KpaMaximum)), slots);
  if (state) {
    autoscaler.panicking = member(state, "panic_time_s") != NULL;
    autoscaler.panic_ns = ns_of(c, state, "panic_time_s", 0);
    autoscaler.max_panic_pods = integer_of(c, state, "max_panic_pods", autoscaler.max_panic_pods);
  }
  expect_panic(c, member(c->json, "expect_initial"), &autoscaler);
  for (size_t k = 0; k < json_array_size(steps); k++) scale_step(c, json_array_get(steps, k), &autoscaler, &spec);
}

/* ---- kpa_scaler ---- */

static KpaActivity activity_of(Case *c) {
  const char *state = text_of(c, c->json, "pa_state", "none"); /* no condition yet: unknown, which is activating */
  return strcmp(state, "active") == 0 ? KPA_ACTIVE : strcmp(state, "inactive") == 0 ? KPA_INACTIVE : KPA_ACTIVATING;
}

static void scaler(Case *c) {
  const json_t *expect = member(c->json, "expect");
  KpaScalerSpec spec = {
      .min_scale = integer_of(c, c->json, "min_scale", 0), .max_scale = integer_of(c, c->json, "max_scale", 0),
      .initial_scale = integer_of(c, c->json, "initial_scale", 1), .unreachable = strcmp(text_of(c, c->json, "reachability", ""), "unreachable") == 0,
      .enable_scale_to_zero = flag_of(c, c->json, "enable_scale_to_zero", true), .always_proxied = number_of(c, c->json, "target_burst_capacity", 0) == -1,
      .stable_window_ns = ns_of(c, c->json, "stable_window_s", 0), .grace_ns = ns_of(c, c->json, "scale_to_zero_grace_s", 0),
      .retention_ns = ns_of(c, c->json, "pod_retention_s", 0), .activation_timeout_ns = ns_of(c, c->json, "activation_timeout_s", 0)};
  KpaStatus status = {
      .activity = activity_of(c), .activity_for_ns = ns_of(c, c->json, "in_state_for_s", 0),
      .initialised = flag_of(c, c->json, "initial_scale_reached", false), .proxied_for_ns = ns_of(c, c->json, "sks_proxy_for_s", 0),
      .probe_answers = strcmp(text_of(c, c->json, "activator_probe", "ok"), "ok") == 0};
  status.proxied = strcmp(text_of(c, c->json, "sks_mode", ""), "proxy") == 0 || status.proxied_for_ns > 0;
  KpaScaling got = kpa_scaler(&spec, &status, integer_of(c, c->json, "desired", KPA_UNKNOWN));
  expect_integer(c, "returned scale", got.scale, integer_of(c, expect, "returned", got.scale));
  bool applied = got.apply && got.scale != integer_of(c, c->json, "current_replicas", 1);
  expect_flag(c, "applied", applied, flag_of(c, expect, "applied", applied));
  expect_integer(c, "requeues", got.requeues, integer_of(c, expect, "requeues", got.requeues));
  expect_integer(c, "asynchronous probes", got.probes, integer_of(c, expect, "async_probes", got.probes));
}

const Schema kpa_schemas[] = {
    {"kpa_metric_buckets", metric_buckets}, {"kpa_max_window", max_window}, {"kpa_target", target}, {"kpa_activator_count", activator_count},
    {"kpa_sample_size", sample_size}, {"kpa_autoscaler", autoscaler_steps}, {"kpa_scaler", scaler}, {NULL, NULL},
};
