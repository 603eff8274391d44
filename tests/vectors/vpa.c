/* Schemas vpa_*. */
#include "tests/vectors/vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/policy/vpa_container.h"

static const double tolerance = 1e-14; /* relative; upstream asks for 1e-15, and powers may differ in the last bits */

/* The first of several spellings of a member. */
static const json_t *either(const json_t *object, const char *const *names) {
  for (; *names; names++)
    if (member(object, *names)) return member(object, *names);
  return NULL;
}

static int64_t seconds_ns(double seconds) {
  double ns = rint(seconds * 1e9);
  return fabs(ns) < 9e18 ? (int64_t)ns : ns < 0 ? INT64_MIN / 2 : INT64_MAX / 2;
}

/* ---- vpa_histogram ---- */

static VpaBuckets buckets_of(Case *c, const json_t *options) {
  VpaBuckets buckets;
  double max = number_of(c, options, "max_value", 0), epsilon = number_of(c, options, "epsilon", 0);
  bool good = strcmp(text_of(c, options, "type", ""), "linear") == 0
                  ? vpa_buckets_linear(&buckets, max, number_of(c, options, "bucket_size", 0), epsilon)
                  : vpa_buckets_exponential(&buckets, max, number_of(c, options, "first_bucket_size", 0), number_of(c, options, "ratio", 0), epsilon);
  if (!good) case_fails(c, "options of a histogram are out of range");
  return buckets;
}

static void sample(Case *c, VpaHistogram *h, const json_t *op, bool subtract) {
  double value = number_of(c, op, "value", 0), weight = number_of(c, op, "weight", 1);
  if (subtract) vpa_histogram_subtract(h, value, weight, ns_of(c, op, "t_s", 0));
  else vpa_histogram_add(h, value, weight, ns_of(c, op, "t_s", 0));
}

/* The list that an operation carries, whatever it is called, itself or inside an object. */
static const json_t *list_in(const json_t *op) {
  const json_t *value;
  const char *key;
  json_object_foreach((json_t *)(uintptr_t)op, key, value) {
    const json_t *list = json_is_object(value) ? list_in(value) : value;
    if (json_is_array(list)) return list;
  }
  return NULL;
}

/* Another histogram of the same kind, by its samples: operations, or [value, weight, t]. */
static void other_histogram(Case *c, const VpaHistogram *like, const json_t *op, VpaHistogram *other) {
  const json_t *list = list_in(op);
  if (!list) case_fails(c, "no samples of the other histogram");
  vpa_histogram_begin(other, &like->buckets, like->half_life_ns);
  for (size_t k = 0; k < json_array_size(list); k++) {
    const json_t *item = json_array_get(list, k);
    if (json_is_object(item)) {
      sample(c, other, item, strcmp(text_of(c, item, "op", "add"), "subtract") == 0);
      continue;
    }
    size_t first = json_is_string(json_array_get(item, 0)) ? 1 : 0;
    double t_s = json_number_value(json_array_get(item, first + 2));
    vpa_histogram_add(other, json_number_value(json_array_get(item, first)), json_number_value(json_array_get(item, first + 1)), seconds_ns(t_s));
  }
}

static void expect_reference(Case *c, const json_t *expect, bool has, int64_t reference_ns) {
  static const char *const names[] = {"reference_t_s", "reference_s", "reference_timestamp_s", "reference_timestamp", NULL};
  const json_t *reference = either(expect, names);
  if (!json_is_number(reference)) return;
  expect_flag(c, "has a reference", has, true);
  expect_integer(c, "reference", reference_ns, seconds_ns(json_number_value(reference)));
}

static void expect_saved(Case *c, const VpaCheckpoint *saved, const json_t *expect) {
  const json_t *weights = member(expect, "bucket_weights");
  if (member(expect, "total_weight")) expect_close(c, "total weight", saved->total, number_of(c, expect, "total_weight", 0), tolerance);
  expect_reference(c, expect, saved->has_reference, saved->reference_ns);
  if (!weights) return;
  expect_integer(c, "saved buckets", saved->n, (int64_t)json_object_size(weights));
  for (int k = 0; k < saved->n; k++) {
    char key[16];
    snprintf(key, sizeof key, "%d", saved->bucket[k]);
    expect_integer(c, key, saved->weight[k], integer_of(c, weights, key, -1));
  }
}

static void expect_state(Case *c, const VpaHistogram *h, const json_t *expect) {
  const json_t *weights = member(expect, "bucket_weights"), *value;
  const char *key;
  if (!weights) weights = member(expect, "weights");
  if (member(expect, "total_weight")) expect_close(c, "total weight", h->total, number_of(c, expect, "total_weight", 0), tolerance);
  if (member(expect, "is_empty")) expect_flag(c, "is empty", vpa_histogram_is_empty(h), flag_of(c, expect, "is_empty", false));
  expect_reference(c, expect, h->has_reference, h->reference_ns);
  json_object_foreach((json_t *)(uintptr_t)weights, key, value) {
    int bucket = atoi(key);
    expect_close(c, key, bucket >= 0 && bucket < h->buckets.count ? h->weight[bucket] : (double)NAN, json_number_value(value), tolerance);
  }
}

static void load(Case *c, VpaHistogram *h, const json_t *op) {
  static const char *const times[] = {"reference_t_s", "reference_s", "reference_timestamp_s", NULL};
  VpaCheckpoint checkpoint = {.total = number_of(c, op, "total_weight", 0)};
  const json_t *weights = member(op, "bucket_weights"), *value, *reference = either(op, times);
  const char *key;
  if (json_is_number(reference)) {
    checkpoint.has_reference = true;
    checkpoint.reference_ns = seconds_ns(json_number_value(reference));
  }
  json_object_foreach((json_t *)(uintptr_t)weights, key, value) {
    if (checkpoint.n == VPA_BUCKETS_MOST) break;
    checkpoint.bucket[checkpoint.n] = atoi(key);
    checkpoint.weight[checkpoint.n++] = (uint32_t)json_integer_value(value);
  }
  bool error = !vpa_histogram_load(h, &checkpoint);
  expect_flag(c, "error of loading", error, flag_of(c, op, "error", false));
  if (json_is_object(member(op, "expect"))) expect_state(c, h, member(op, "expect"));
}

static void save_and_load(VpaHistogram *h) {
  VpaCheckpoint saved = vpa_histogram_save(h);
  const VpaBuckets buckets = h->buckets;
  vpa_histogram_begin(h, &buckets, h->half_life_ns);
  vpa_histogram_load(h, &saved);
}

static bool histogram_changes(Case *c, VpaHistogram *h, const char *name, const json_t *op) {
  VpaHistogram other;
  if (strcmp(name, "add") == 0) return sample(c, h, op, false), true;
  if (strcmp(name, "subtract") == 0) return sample(c, h, op, true), true;
  if (strcmp(name, "save_load_roundtrip") == 0) return save_and_load(h), true;
  if (strcmp(name, "load_checkpoint") == 0) return load(c, h, op), true;
  if (strcmp(name, "merge") == 0) {
    other_histogram(c, h, op, &other);
    if (!vpa_histogram_merge(h, &other)) case_fails(c, "histograms cannot be merged");
    return true;
  }
  return false;
}

static void histogram_asked(Case *c, const VpaHistogram *h, const char *name, const json_t *op) {
  double number = number_of(c, json_is_number(member(op, "expect")) ? op : NULL, "expect", 0);
  int64_t whole = (int64_t)number;
  VpaHistogram other;
  if (strcmp(name, "percentile") == 0) {
    expect_close(c, name, vpa_histogram_percentile(h, number_of(c, op, "p", 0)), number, tolerance);
  } else if (strcmp(name, "is_empty") == 0) {
    expect_flag(c, name, vpa_histogram_is_empty(h), flag_of(c, op, "expect", false));
  } else if (strcmp(name, "equals") == 0) {
    other_histogram(c, h, op, &other);
    expect_flag(c, name, vpa_histogram_equal(h, &other), flag_of(c, op, "expect", true));
  } else if (strcmp(name, "save_checkpoint") == 0) {
    VpaCheckpoint saved = vpa_histogram_save(h);
    expect_saved(c, &saved, member(op, "expect"));
  } else if (strcmp(name, "num_buckets") == 0) {
    expect_integer(c, name, h->buckets.count, whole);
  } else if (strcmp(name, "bucket_start") == 0) {
    expect_close(c, name, vpa_bucket_start(&h->buckets, (int)integer_of(c, op, "i", 0)), number, tolerance);
  } else if (strcmp(name, "find_bucket") == 0) {
    expect_integer(c, name, vpa_bucket_find(&h->buckets, number_of(c, op, "value", 0)), whole);
  } else if (strcmp(name, "epsilon") == 0) {
    expect_close(c, name, h->buckets.epsilon, number, tolerance);
  } else if (strcmp(name, "total_weight") == 0) {
    expect_close(c, name, h->total, number, tolerance);
  } else if (strcmp(name, "bucket_weight") == 0) {
    int64_t bucket = integer_of(c, op, "i", integer_of(c, op, "bucket", 0));
    expect_close(c, name, bucket >= 0 && bucket < h->buckets.count ? h->weight[bucket] : (double)NAN, number, tolerance);
  } else if (strcmp(name, "state") == 0) {
    expect_state(c, h, member(op, "expect"));
  } else if (strncmp(name, "reference", 9) == 0) {
    expect_integer(c, name, h->reference_ns, seconds_ns(number));
  } else {
    case_fails(c, "unknown operation `%s`", name);
  }
}

static void run_histogram(Case *c) {
  const VpaBuckets buckets = buckets_of(c, member(c->json, "options"));
  const json_t *ops = member(c->json, "ops");
  VpaHistogram histogram;
  if (c->failures) return;
  vpa_histogram_begin(&histogram, &buckets, ns_of(c, c->json, "half_life_s", 0));
  for (size_t k = 0; k < json_array_size(ops); k++) {
    const json_t *op = json_array_get(ops, k);
    const char *name = text_of(c, op, "op", "");
    if (!histogram_changes(c, &histogram, name, op)) histogram_asked(c, &histogram, name, op);
  }
}

/* ---- vpa_estimator ---- */

static int64_t amount_of(Case *c, const char *const *names) {
  const json_t *value = either(c->json, names);
  if (!json_is_number(value)) case_fails(c, "no `%s`", names[0]);
  return (int64_t)llrint(json_number_value(value));
}

static int64_t base_of(Case *c) {
  static const char *const names[] = {"base_millicores", "base_bytes", "base", NULL};
  return amount_of(c, names);
}

static void expect_amount(Case *c, int64_t amount) {
  expect_integer(c, "amount", amount, integer_of(c, member(c->json, "expect"), "amount", -1));
}

static void percentile(Case *c) {
  const VpaBuckets buckets = buckets_of(c, member(c->json, "options"));
  const json_t *samples = member(c->json, "samples"), *expect = member(c->json, "expect");
  VpaHistogram h;
  if (c->failures) return;
  vpa_histogram_begin(&h, &buckets, 0);
  for (size_t k = 0; k < json_array_size(samples); k++) {
    const json_t *item = json_array_get(samples, k);
    vpa_histogram_add(&h, json_number_value(json_array_get(item, 0)), json_number_value(json_array_get(item, 1)), 0);
  }
  double value = vpa_histogram_percentile(&h, number_of(c, c->json, "percentile", 0));
  double about = number_of(c, expect, "value", value);
  if (fabs(value - about) > number_of(c, expect, "relative_tolerance", tolerance) * fabs(about)) case_fails(c, "percentile is %.17g", value);
  if (member(expect, "exact_bucket_end")) expect_close(c, "bucket end", value, number_of(c, expect, "exact_bucket_end", 0), tolerance);
}

static void confidence_multiplier(Case *c) {
  const json_t *expect = member(c->json, "expect");
  double confidence = vpa_confidence(ns_of(c, c->json, "lifespan_s", 0), integer_of(c, c->json, "total_samples", 0),
                                     ns_of(c, c->json, "confidence_interval_s", INT64_C(86400000000000)));
  if (member(expect, "confidence")) expect_close(c, "confidence", confidence, number_of(c, expect, "confidence", 0), 0);
  if (!member(expect, "amount")) return;
  expect_amount(c, vpa_with_confidence(base_of(c), number_of(c, c->json, "multiplier", 1), number_of(c, c->json, "exponent", 1), confidence));
}

static void pod_min_split(Case *c) {
  const json_t *estimate = member(c->json, "estimate"), *expect = member(member(c->json, "expect"), "per_container");
  int containers = (int)integer_of(c, c->json, "containers", 1);
  int64_t millicores = vpa_pod_minimum_millicores(number_of(c, c->json, "pod_min_cpu_millicores", 25), containers);
  int64_t bytes = vpa_pod_minimum_bytes(number_of(c, c->json, "pod_min_memory_mb", 250), containers);
  expect_integer(c, "cpu", vpa_with_minimum(integer_of(c, estimate, "cpu_millicores", 0), millicores), integer_of(c, expect, "cpu_millicores", -1));
  expect_integer(c, "memory", vpa_with_minimum(integer_of(c, estimate, "memory_bytes", 0), bytes), integer_of(c, expect, "memory_bytes", -1));
}

static void run_estimator(Case *c) {
  static const char *const minimums[] = {"min_millicores",  "min_bytes",    "minimum_millicores", "minimum_bytes", "min_cpu_millicores",
                                         "min_memory_bytes", "min_resource", "min",               "minimum",       NULL};
  const char *kind = text_of(c, c->json, "kind", "");
  if (strcmp(kind, "percentile") == 0) percentile(c);
  else if (strncmp(kind, "confidence", 10) == 0) confidence_multiplier(c);
  else if (strcmp(kind, "pod_min_split") == 0) pod_min_split(c);
  else if (strcmp(kind, "margin") == 0) expect_amount(c, vpa_with_margin(base_of(c), number_of(c, c->json, "fraction", 0)));
  else if (strncmp(kind, "min", 3) == 0) expect_amount(c, vpa_with_minimum(base_of(c), amount_of(c, minimums)));
  else case_fails(c, "unknown kind `%s`", kind);
}

/* ---- vpa_container ---- */

static void expect_calls(Case *c, const VpaCalls *calls, const json_t *expect) {
  expect_integer(c, "calls of a histogram", calls->n, (int64_t)json_array_size(expect));
  for (int k = 0; k < calls->n && (size_t)k < json_array_size(expect); k++) {
    const json_t *item = json_array_get(expect, (size_t)k);
    const VpaCall *call = &calls->call[k];
    expect_text(c, "call", call->is_subtract ? "subtract" : "add", json_string_value(json_array_get(item, 0)));
    expect_close(c, "value", call->value, json_number_value(json_array_get(item, 1)), 0);
    expect_close(c, "weight", call->weight, json_number_value(json_array_get(item, 2)), 0);
    expect_integer(c, "instant", call->at_ns, seconds_ns(json_number_value(json_array_get(item, 3))));
  }
}

static void run_container(Case *c) {
  const VpaMemoryRules rules = {.interval_ns = ns_of(c, c->json, "memory_interval_s", INT64_C(86400000000000)),
                                .oom_bump_ratio = number_of(c, c->json, "oom_bump_ratio", 1.2),
                                .oom_bump_bytes = number_of(c, c->json, "oom_min_bump_bytes", 104857600),
                                .max_bytes = integer_of(c, c->json, "max_memory_bytes", 0)};
  const json_t *ops = member(c->json, "ops");
  VpaContainer container = {.has_cpu = false};
  for (size_t k = 0; k < json_array_size(ops); k++) {
    const json_t *op = json_array_get(ops, k);
    const char *name = text_of(c, op, "op", "");
    int64_t at_ns = ns_of(c, op, "t_s", 0);
    VpaCalls calls = {.accepted = false};
    if (strcmp(name, "cpu_sample") == 0) calls = vpa_container_cpu(&container, at_ns, integer_of(c, op, "millicores", 0));
    else if (strcmp(name, "memory_sample") == 0) calls = vpa_container_memory(&container, &rules, at_ns, integer_of(c, op, "bytes", 0));
    else if (strcmp(name, "oom") == 0) calls = vpa_container_oom(&container, &rules, at_ns, integer_of(c, op, "requested_bytes", 0));
    else case_fails(c, "unknown operation `%s`", name);
    expect_flag(c, "accepted", calls.accepted, flag_of(c, op, "accepted", true));
    expect_calls(c, &calls, member(op, "histogram"));
  }
}

const Schema vpa_schemas[] = {{"vpa_histogram", run_histogram}, {"vpa_estimator", run_estimator}, {"vpa_container", run_container}, {NULL, NULL}};
