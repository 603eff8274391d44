/* Schemas keda_jobs (strategies), keda_job_metrics (combination, targets) and keda_scaledobject (between zero and the HPA). */
#include <stdlib.h>
#include <string.h>

#include "models/policy/keda_rule.h"
#include "tests/vectors/vectors.h"

/* The place of a word in a list, or 0, the default: upstream falls back to it, too. */
static int choice(const char *word, const char *const *words) {
  for (int k = 0; words[k]; k++)
    if (strcmp(words[k], word) == 0) return k;
  return 0;
}

static void run_jobs(Case *c) {
  static const char *const strategies[] = {"default", "custom", "accurate", "eager", NULL};
  KedaJobRule rule = {.strategy = (KedaStrategy)choice(text_of(c, c->json, "strategy", "default"), strategies),
                      .min = integer_of(c, c->json, "min_replicas", 0),
                      .max = integer_of(c, c->json, "max_replicas", 100),
                      .deduction = integer_of(c, c->json, "queue_length_deduction", 0)};
  const json_t *percentage = member(c->json, "running_job_percentage");
  if (json_is_number(percentage)) {
    rule.has_percentage = true;
    rule.percentage = json_number_value(percentage);
  } else if (percentage) {
    char *end;
    const char *text = json_string_value(percentage);
    rule.percentage = strtod(text ? text : "", &end);
    rule.has_percentage = text && *text && !*end;
  }
  KedaJobs jobs = keda_jobs(&rule, integer_of(c, c->json, "max_scale", 0), integer_of(c, c->json, "scale_to", 0),
                            integer_of(c, c->json, "running", 0), integer_of(c, c->json, "pending", 0));
  const json_t *expect = member(c->json, "expect");
  if (member(expect, "effective_max_scale")) expect_integer(c, "effective_max_scale", jobs.effective, integer_of(c, expect, "effective_max_scale", 0));
  if (member(expect, "scale_to")) expect_integer(c, "scale_to", jobs.scale_to, integer_of(c, expect, "scale_to", 0));
  if (member(expect, "created")) expect_integer(c, "created", keda_jobs_created(jobs), integer_of(c, expect, "created", 0));
}

enum { SCALERS = 16 };

static void run_targets(Case *c, const json_t *targets, const json_t *expect) {
  double target[SCALERS];
  size_t n = json_array_size(targets) < SCALERS ? json_array_size(targets) : SCALERS;
  for (size_t k = 0; k < n; k++) target[k] = json_number_value(json_array_get(targets, k)); /* null is 0 */
  expect_close(c, "target_average", keda_target_average(target, n), number_of(c, expect, "target_average", -1), 1e-15);
}

static void run_job_metrics(Case *c) {
  static const char *const calculations[] = {"max", "min", "avg", "sum", NULL};
  const json_t *expect = member(c->json, "expect"), *targets = member(c->json, "targets"), *scalers = member(c->json, "scalers");
  if (targets) {
    run_targets(c, targets, expect);
    return;
  }
  int64_t min = integer_of(c, c->json, "min_replicas", 0), max = integer_of(c, c->json, "max_replicas", 100);
  KedaQueue queue[SCALERS];
  size_t n = json_array_size(scalers) < SCALERS ? json_array_size(scalers) : SCALERS;
  for (size_t k = 0; k < n; k++) {
    const json_t *scaler = json_array_get(scalers, k);
    double target = number_of(c, scaler, "target_average", 0);
    queue[k] = keda_queue(number_of(c, scaler, "queue_length", 0), keda_target_average(&target, 1), flag_of(c, scaler, "active", true), max);
  }
  KedaCalculation calculation = (KedaCalculation)choice(text_of(c, c->json, "multiple_scalers_calculation", "max"), calculations);
  KedaJobWish wish = keda_combine(calculation, queue, n, min, max);
  if (member(expect, "active")) expect_flag(c, "active", wish.active, flag_of(c, expect, "active", false));
  if (member(expect, "queue_length")) expect_integer(c, "queue_length", wish.queue_length, integer_of(c, expect, "queue_length", 0));
  if (member(expect, "max_value")) expect_integer(c, "max_value", wish.max_value, integer_of(c, expect, "max_value", 0));
}

static void run_scaledobject(Case *c) {
  const json_t *fallback = member(c->json, "fallback_replicas"), *expect = member(c->json, "expect");
  KedaScale scale = {.min = integer_of(c, c->json, "min_replicas", 0),
                     .idle = integer_of(c, c->json, "idle_replicas", KEDA_NO_COUNT),
                     .cooldown_ns = ns_of(c, c->json, "cooldown_s", 300000000000),
                     .initial_cooldown_ns = ns_of(c, c->json, "initial_cooldown_s", 0),
                     .pause_scale_in = flag_of(c, c->json, "pause_scale_in", false),
                     .pause_scale_out = flag_of(c, c->json, "pause_scale_out", false),
                     .paused = flag_of(c, c->json, "paused", member(c->json, "paused_replicas") != NULL),
                     .force_activation = flag_of(c, c->json, "force_activation", false),
                     .has_fallback = fallback != NULL,
                     .fallback_replicas = integer_of(c, c->json, "fallback_replicas", 0)};
  KedaActivity activity = {.was_active = member(c->json, "last_active_age_s") != NULL,
                           .last_active_ns = -ns_of(c, c->json, "last_active_age_s", 0),
                           .created_ns = -ns_of(c, c->json, "creation_age_s", 0)};
  const char *reason = "";
  int64_t got = keda_scale(&scale, &activity, 0, integer_of(c, c->json, "current", 0), flag_of(c, c->json, "triggers_active", false),
                           flag_of(c, c->json, "error", false), &reason);
  expect_integer(c, "replicas", got, integer_of(c, expect, "replicas", -1));
  if (member(expect, "last_active_now")) expect_flag(c, "last_active_now", activity.was_active && activity.last_active_ns == 0, flag_of(c, expect, "last_active_now", false));
}

const Schema keda_schemas[] = {{"keda_jobs", run_jobs}, {"keda_job_metrics", run_job_metrics}, {"keda_scaledobject", run_scaledobject}, {NULL, NULL}};
