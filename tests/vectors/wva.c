/* Schema wva: llm-d's workload variant autoscaler, by `kind`: analyze (replicas -> spare, up, down), targets, cost_aware, prefill_time and
 * decode_time of the queueing model, size (the highest rates that keep targets). */
#include <string.h>

#include "models/policy/wva_queueing.h"
#include "models/policy/wva_saturation.h"
#include "tests/vectors/vectors.h"

/* Index of a name in a growing list; WVA_VARIANTS when that is full. */
static size_t index_of(const char **name, size_t *n, const char *wanted) {
  for (size_t k = 0; k < *n; k++)
    if (strcmp(name[k], wanted) == 0) return k;
  if (*n == WVA_VARIANTS) return WVA_VARIANTS;
  name[*n] = wanted;
  return (*n)++;
}

static void expect_by_name(Case *c, const json_t *expect, const char *name, int64_t got) {
  if (member(expect, name)) expect_integer(c, name, got, integer_of(c, expect, name, 0));
}

/* Every name that is expected must be there. */
static void expect_names(Case *c, const json_t *expect, const char **name, size_t n) {
  const char *key;
  json_t *value;
  json_object_foreach((json_t *)expect, key, value) {
    size_t k = 0;
    while (k < n && strcmp(name[k], key) != 0) k++;
    if (k == n) case_fails(c, "no variant %s", key);
  }
}

static void run_analyze(Case *c) {
  const json_t *config = member(c->json, "config"), *expect = member(c->json, "expect"), *replica;
  WvaThresholds thresholds = {
      .kv_cache_ratio = number_of(c, config, "kv_cache_threshold", 0.8), .queue_jobs = number_of(c, config, "queue_length_threshold", 5),
      .kv_spare_ratio = number_of(c, config, "kv_spare_trigger", 0.1), .spare_queue_jobs = number_of(c, config, "queue_spare_trigger", 3)};
  const char *name[WVA_VARIANTS];
  WvaSpare spare[WVA_VARIANTS] = {0};
  size_t n = 0, at;
  json_array_foreach((json_t *)member(c->json, "replicas"), at, replica) {
    size_t k = index_of(name, &n, text_of(c, replica, "variant", ""));
    if (k == WVA_VARIANTS) case_fails(c, "too many variants");
    else wva_spare_add(&thresholds, &spare[k], number_of(c, replica, "kv", 0), number_of(c, replica, "queue", 0));
  }
  WvaAnalysis analysis = wva_analyse(&thresholds, spare, n);
  expect_by_name(c, expect, "total", analysis.replicas);
  expect_by_name(c, expect, "non_saturated", analysis.non_saturated);
  if (member(expect, "scale_up")) expect_flag(c, "scale_up", analysis.scale_up, flag_of(c, expect, "scale_up", false));
  if (member(expect, "scale_down_safe")) expect_flag(c, "scale_down_safe", analysis.scale_down_safe, flag_of(c, expect, "scale_down_safe", false));
  if (member(expect, "avg_spare_kv")) expect_close(c, "avg_spare_kv", analysis.spare_kv_ratio, number_of(c, expect, "avg_spare_kv", 0), 1e-9);
  if (member(expect, "avg_spare_queue")) expect_close(c, "avg_spare_queue", analysis.spare_queue_jobs, number_of(c, expect, "avg_spare_queue", 0), 1e-9);
  const json_t *per_variant = member(expect, "per_variant");
  expect_names(c, per_variant, name, n);
  for (size_t k = 0; k < n; k++) expect_by_name(c, per_variant, name[k], spare[k].replicas);
}

static void run_targets(Case *c) {
  const json_t *expect = member(c->json, "expect"), *item;
  WvaVariant variant[WVA_VARIANTS];
  const char *name[WVA_VARIANTS];
  size_t n = 0, at;
  json_array_foreach((json_t *)member(c->json, "variants"), at, item) {
    size_t k = index_of(name, &n, text_of(c, item, "name", ""));
    if (k == WVA_VARIANTS) return case_fails(c, "too many variants");
    int64_t current = integer_of(c, item, "current", 0);
    variant[k] = (WvaVariant){.name = name[k], .cost_usd_per_h = number_of(c, item, "cost", 0),
                              .reporting = integer_of(c, item, "metrics_replicas", current), .current = current,
                              .desired = integer_of(c, item, "desired", 0), .pending = integer_of(c, item, "pending", 0)};
  }
  (void)wva_targets(flag_of(c, c->json, "scale_up", false), flag_of(c, c->json, "scale_down_safe", false), variant, n);
  expect_names(c, expect, name, n);
  for (size_t k = 0; k < n; k++) expect_by_name(c, expect, name[k], variant[k].target);
}

static void run_cost_aware(Case *c) {
  const json_t *expect = member(c->json, "expect"), *item;
  WvaCapacity variant[WVA_VARIANTS];
  const char *name[WVA_VARIANTS];
  size_t n = 0, at;
  json_array_foreach((json_t *)member(c->json, "variants"), at, item) {
    size_t k = index_of(name, &n, text_of(c, item, "name", ""));
    if (k == WVA_VARIANTS) return case_fails(c, "too many variants");
    variant[k] = (WvaCapacity){.cost_usd_per_h = number_of(c, item, "cost", 0), .per_replica = number_of(c, item, "per_replica_capacity", 0),
                               .replicas = integer_of(c, item, "current", 0)};
  }
  wva_cost_aware(number_of(c, c->json, "required_capacity", 0), number_of(c, c->json, "spare_capacity", 0), variant, n);
  expect_names(c, expect, name, n);
  for (size_t k = 0; k < n; k++) expect_by_name(c, expect, name[k], variant[k].replicas);
}

static WvaServer server_of(Case *c) {
  return (WvaServer){.alpha_ms = number_of(c, c->json, "alpha", 0), .beta_ms = number_of(c, c->json, "beta", 0), .gamma_ms = number_of(c, c->json, "gamma", 0),
                     .input_tokens = number_of(c, c->json, "input_tokens", 0), .output_tokens = number_of(c, c->json, "output_tokens", 0),
                     .max_batch = integer_of(c, c->json, "max_batch", 1), .max_queue = integer_of(c, c->json, "max_queue", 0)};
}

static void run_time(Case *c, double (*time_ms)(const WvaServer *, double)) {
  WvaServer server = server_of(c);
  expect_close(c, "ms", time_ms(&server, number_of(c, c->json, "batch", 1)), number_of(c, c->json, "expect", 0), number_of(c, c->json, "tolerance", 1e-9));
}

static void run_size(Case *c) {
  const json_t *expect = member(c->json, "expect");
  WvaServer server = server_of(c);
  WvaTarget target = {.ttft_ms = number_of(c, c->json, "target_ttft", 0), .itl_ms = number_of(c, c->json, "target_itl", 0),
                      .tokens_per_s = number_of(c, c->json, "target_tps", 0)};
  WvaSize size;
  bool sized = wva_size(&server, &target, &size);
  expect_flag(c, "sized", sized, flag_of(c, expect, "sized", true));
  if (!sized) return;
  double tolerance = number_of(c, c->json, "tolerance", 1e-6);
  if (member(expect, "rate")) expect_close(c, "rate", size.sized_rps, number_of(c, expect, "rate", 0), tolerance);
  if (member(expect, "rate_ttft")) expect_close(c, "rate_ttft", size.ttft_rps, number_of(c, expect, "rate_ttft", 0), tolerance);
  if (member(expect, "rate_itl")) expect_close(c, "rate_itl", size.itl_rps, number_of(c, expect, "rate_itl", 0), tolerance);
  if (member(expect, "throughput")) expect_close(c, "throughput", size.at_size.throughput_rps, number_of(c, expect, "throughput", 0), tolerance);
}

static void run_wva(Case *c) {
  const char *kind = text_of(c, c->json, "kind", "");
  if (strcmp(kind, "analyze") == 0) run_analyze(c);
  else if (strcmp(kind, "targets") == 0) run_targets(c);
  else if (strcmp(kind, "cost_aware") == 0) run_cost_aware(c);
  else if (strcmp(kind, "prefill_time") == 0) run_time(c, wva_prefill_ms);
  else if (strcmp(kind, "decode_time") == 0) run_time(c, wva_decode_ms);
  else if (strcmp(kind, "size") == 0) run_size(c);
  else case_fails(c, "unknown kind `%s`", kind);
}

const Schema wva_schemas[] = {{"wva", run_wva}, {NULL, NULL}};
