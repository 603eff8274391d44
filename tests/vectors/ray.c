/* Schemas ray_policy (configurations over several calls) and ray_primitives (factor, delay, fire time, time average). */
#include <math.h>
#include <string.h>

#include "models/policy/ray_rule.h"
#include "tests/vectors/vectors.h"

static int64_t delay_of(Case *c, const json_t *config, const char *key, double fallback_s) {
  return ns_of(c, config, key, fallback_s < 0 ? RAY_NO_DELAY : (int64_t)(fallback_s * 1e9));
}

static double factor_of(Case *c, const json_t *config, const char *factor, const char *smoothing) {
  double given = number_of(c, config, factor, 0);
  if (given == 0) given = number_of(c, config, smoothing, 0);
  return given != 0 ? given : number_of(c, config, "smoothing_factor", 1);
}

static RayRule rule_of(Case *c, const json_t *config) {
  return (RayRule){.target_requests = number_of(c, config, "target_ongoing_requests", 2),
                   .up_factor = factor_of(c, config, "upscaling_factor", "upscale_smoothing_factor"),
                   .down_factor = factor_of(c, config, "downscaling_factor", "downscale_smoothing_factor"),
                   .upscale_delay_ns = delay_of(c, config, "upscale_delay_s", 30),
                   .downscale_delay_ns = delay_of(c, config, "downscale_delay_s", 600),
                   .downscale_to_zero_delay_ns = delay_of(c, config, "downscale_to_zero_delay_s", -1)};
}

/* ---- ray_policy ---- */

typedef struct Run {
  RayRule rule;
  RayTimer timer;
  int64_t now_ns, tick_ns;
  bool discard_state, bounded;
  int64_t min, max, last;
} Run;

static int64_t call(Case *c, Run *run, const json_t *step) {
  bool fed_back = flag_of(c, step, "feed_back", false);
  int64_t current = integer_of(c, step, "current", 0);
  RayView view = {run->now_ns, number_of(c, step, "total_requests", 0), fed_back ? run->last : current,
                  fed_back ? run->last : integer_of(c, step, "target", current)};
  double desired = member(step, "desired_override") ? number_of(c, step, "desired_override", 0) : ray_desired(&run->rule, &view);
  RayTimer fresh = {0, 0};
  run->last = ray_decision(&run->rule, run->discard_state ? &fresh : &run->timer, &view, desired);
  if (run->bounded && run->last > run->max) run->last = run->max;
  if (run->bounded && run->last < run->min) run->last = run->min;
  run->now_ns += run->tick_ns;
  return run->last;
}

static void run_policy(Case *c) {
  const json_t *config = member(c->json, "config"), *steps = member(c->json, "steps"), *cold = member(c->json, "cold_start");
  Run run = {.rule = rule_of(c, config),
             .tick_ns = ns_of(c, c->json, "tick_s", 100000000),
             .discard_state = flag_of(c, c->json, "discard_state", false),
             .bounded = flag_of(c, c->json, "bounds_applied", false),
             .min = integer_of(c, config, "min_replicas", 1),
             .max = integer_of(c, config, "max_replicas", 1)};
  if (cold) {
    Run other = run;
    expect_integer(c, "cold start", call(c, &other, cold), integer_of(c, cold, "expect", -1));
  }
  for (size_t k = 0; k < json_array_size(steps); k++) {
    const json_t *step = json_array_get(steps, k);
    int64_t repeat = integer_of(c, step, "repeat", 1);
    for (int64_t r = 0; r < repeat && c->failures == 0; r++) {
      int64_t got = call(c, &run, step);
      if (member(step, "expect")) expect_integer(c, "replicas", got, integer_of(c, step, "expect", 0));
    }
    if (member(step, "expect_last")) expect_integer(c, "last replicas", run.last, integer_of(c, step, "expect_last", 0));
    if (c->failures) {
      case_fails(c, "in step %zu", k);
      return;
    }
  }
}

/* ---- ray_primitives ---- */

static void run_factor(Case *c) {
  const json_t *config = member(c->json, "config") ? member(c->json, "config") : c->json;
  RayRule rule = rule_of(c, config);
  int64_t got = ray_scaled(&rule, number_of(c, c->json, "desired", 0), integer_of(c, c->json, "current", 0));
  expect_integer(c, "replicas", got, integer_of(c, c->json, "expect", -1));
}

/* A step is an array in the order of step_fields, or an object. */
static const json_t *step_member(Case *c, const json_t *step, const char *field, size_t place) {
  if (json_is_object(step)) return member(step, field);
  const json_t *fields = member(c->json, "step_fields");
  for (size_t k = 0; k < json_array_size(fields); k++)
    if (strcmp(json_string_value(json_array_get(fields, k)), field) == 0) place = k;
  const json_t *value = json_array_get(step, place);
  return json_is_null(value) ? NULL : value;
}

static int64_t step_integer(Case *c, const json_t *step, const char *field, size_t place) {
  return (int64_t)json_number_value(step_member(c, step, field, place));
}

static void run_delay(Case *c) {
  RayRule rule = rule_of(c, member(c->json, "config"));
  RayTimer timer = {0, 0};
  const json_t *steps = member(c->json, "steps");
  if (json_array_size(steps) == 0) case_fails(c, "no steps");
  for (size_t k = 0; k < json_array_size(steps); k++) {
    const json_t *step = json_array_get(steps, k);
    int64_t now_ns = (int64_t)rint(json_number_value(step_member(c, step, "now_s", 0)) * 1e9);
    int64_t got = ray_delayed(&rule, &timer, now_ns, step_integer(c, step, "desired", 1), step_integer(c, step, "current_target", 2));
    if (step_member(c, step, "expect", 3)) expect_integer(c, "replicas", got, step_integer(c, step, "expect", 3));
  }
}

static void run_fire_time(Case *c) {
  RayRule rule = rule_of(c, member(c->json, "config"));
  RayTimer timer = {0, 0};
  int64_t step_ns = ns_of(c, c->json, "iteration_s", 100000000), now_ns = 0;
  int64_t desired = integer_of(c, c->json, "desired", 0), target = integer_of(c, c->json, "current_target", 0);
  const json_t *expect = member(c->json, "expect");
  while (ray_delayed(&rule, &timer, now_ns, desired, target) == target && now_ns < 100000000000000) now_ns += step_ns;
  if (now_ns < ns_of(c, expect, "fire_time_min_s", 0)) case_fails(c, "fires at %.9g s, too early", (double)now_ns / 1e9);
  if (now_ns > ns_of(c, expect, "fire_time_max_s", 0)) case_fails(c, "fires at %.9g s, too late", (double)now_ns / 1e9);
}

enum { POINTS = 256, SERIES = 16 };
typedef struct Series {
  RayPoint point[POINTS];
  size_t n;
} Series;

static void read_series(Case *c, const json_t *points, Series *series) {
  series->n = json_array_size(points) < POINTS ? json_array_size(points) : POINTS;
  for (size_t k = 0; k < series->n; k++) {
    const json_t *point = json_array_get(points, k);
    bool pair = json_is_array(point);
    double at_s = pair ? json_number_value(json_array_get(point, 0)) : number_of(c, point, member(point, "t_s") ? "t_s" : "timestamp", 0);
    double value = pair ? json_number_value(json_array_get(point, 1)) : number_of(c, point, "value", 0);
    series->point[k] = (RayPoint){(int64_t)rint(at_s * 1e9), value};
  }
}

/* The mean of a sum of step functions is the sum of their means over the same window. */
static double mean_of(const Series *series, size_t n, int64_t start_ns, int64_t end_ns) {
  double sum = 0;
  for (size_t k = 0; k < n; k++) sum += series[k].n ? ray_aggregate(RAY_MEAN, series[k].point, series[k].n, start_ns, end_ns) : 0;
  return sum;
}

/* Aligned: from the instant by which every series has reported; otherwise from the first point of any. */
static void run_average(Case *c) {
  Series *series = arena_alloc(c->arena, SERIES, sizeof *series);
  const json_t *list = member(c->json, "series");
  bool alone = json_is_array(json_array_get(list, 0)) && json_is_number(json_array_get(json_array_get(list, 0), 0));
  size_t n = alone ? 1 : json_array_size(list) < SERIES ? json_array_size(list) : SERIES;
  int64_t first_ns = INT64_MAX, aligned_ns = INT64_MIN, last_ns = INT64_MIN;
  for (size_t k = 0; k < n; k++) {
    read_series(c, alone ? list : json_array_get(list, k), &series[k]);
    if (series[k].n == 0) continue;
    int64_t begin_ns = series[k].point[0].at_ns, end_ns = series[k].point[series[k].n - 1].at_ns;
    if (begin_ns < first_ns) first_ns = begin_ns;
    if (begin_ns > aligned_ns) aligned_ns = begin_ns;
    if (end_ns > last_ns) last_ns = end_ns;
  }
  if (last_ns == INT64_MIN) {
    case_fails(c, "no series");
    return;
  }
  int64_t end_ns = ns_of(c, c->json, "window_end_s", last_ns + ns_of(c, c->json, "last_window_s", 1000000000));
  const json_t *expect = member(c->json, "expect"), *value;
  const char *key;
  if (json_is_number(expect)) {
    bool aligned = flag_of(c, c->json, "aligned", true);
    double got = mean_of(series, n, ns_of(c, c->json, "window_start_s", aligned ? aligned_ns : first_ns), end_ns);
    expect_close(c, "mean", got, json_number_value(expect), 1e-9);
    return;
  }
  json_object_foreach((json_t *)expect, key, value) {
    bool unaligned = strstr(key, "unaligned") || strstr(key, "without");
    expect_close(c, key, mean_of(series, n, unaligned ? first_ns : aligned_ns, end_ns), json_number_value(value), 1e-9);
  }
}

static void run_primitive(Case *c) {
  const char *kind = text_of(c, c->json, "kind", "");
  if (strcmp(kind, "scaling_factor") == 0) run_factor(c);
  else if (strcmp(kind, "delay") == 0) run_delay(c);
  else if (strcmp(kind, "delay_fire_time") == 0) run_fire_time(c);
  else if (strcmp(kind, "time_weighted_average") == 0) run_average(c);
  else case_fails(c, "unknown kind %s", kind);
}

const Schema ray_schemas[] = {{"ray_policy", run_policy}, {"ray_primitives", run_primitive}, {NULL, NULL}};
