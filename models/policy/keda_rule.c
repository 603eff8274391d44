/* KEDA's rule; see keda_rule.h. */
#include "models/policy/keda_rule.h"

static int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }

/* The least whole number >= x within +-2^62; 0 for NaN. */
static int64_t ceiling(double x) {
  const double most_counted = 4611686018427387904.0;
  if (x != x) return 0;
  if (x >= most_counted) return (int64_t)most_counted;
  if (x <= -most_counted) return -(int64_t)most_counted;
  int64_t cut = (int64_t)x;
  return (double)cut < x ? cut + 1 : cut;
}

/* ---- ScaledObject ---- */

static int64_t activated(const KedaScale *scale, KedaActivity *activity, int64_t now_ns, int64_t current, bool error, const char **reason) {
  bool asleep = (scale->idle != KEDA_NO_COUNT && current < scale->min) || current == 0;
  *reason = "active: the HPA scales";
  if (asleep && scale->pause_scale_out) {
    *reason = "active, but scale-out is paused";
    return current;
  }
  if (!asleep && error) {
    *reason = "active, with a failing trigger"; /* the time of activity is not renewed */
    return current;
  }
  activity->was_active = true;
  activity->last_active_ns = now_ns;
  if (!asleep) return current;
  *reason = scale->force_activation ? "activation is forced" : "activated";
  return greater(scale->min, 1);
}

static bool cooled_down(const KedaScale *scale, const KedaActivity *activity, int64_t now_ns) {
  if (!activity->was_active) return activity->created_ns + scale->initial_cooldown_ns < now_ns;
  return activity->last_active_ns + scale->cooldown_ns < now_ns;
}

static int64_t put_to_sleep(const KedaScale *scale, const KedaActivity *activity, int64_t now_ns, int64_t current, const char **reason) {
  if (scale->pause_scale_in) {
    *reason = "inactive, but scale-in is paused";
    return current;
  }
  if (!cooled_down(scale, activity, now_ns)) {
    *reason = "inactive, cooling down";
    return current;
  }
  *reason = "inactive: deactivated";
  return scale->idle != KEDA_NO_COUNT ? scale->idle : scale->min;
}

int64_t keda_scale(const KedaScale *scale, KedaActivity *activity, int64_t now_ns, int64_t current, bool active, bool error, const char **reason) {
  if (scale->paused) {
    *reason = "paused";
    return current;
  }
  if (active || scale->force_activation) return activated(scale, activity, now_ns, current, error, reason);
  *reason = "inactive";
  if (error && (!scale->has_fallback || scale->fallback_replicas != 0)) {
    *reason = scale->has_fallback ? "triggers fail: fallback is the HPA's" : "triggers fail";
    return current;
  }
  bool above_idle = scale->idle != KEDA_NO_COUNT && current > scale->idle;
  if (above_idle || (current > 0 && scale->min == 0)) return put_to_sleep(scale, activity, now_ns, current, reason);
  if (scale->idle == KEDA_NO_COUNT && current < scale->min) {
    *reason = "below minReplicaCount";
    return scale->min;
  }
  return current;
}

int64_t keda_fallback_replicas(KedaFallback behavior, int64_t replicas, int64_t current) {
  switch (behavior) {
  case KEDA_STATIC: return replicas;
  case KEDA_CURRENT: return current;
  case KEDA_CURRENT_IF_HIGHER: return greater(current, replicas);
  case KEDA_CURRENT_IF_LOWER: return lesser(current, replicas);
  }
  return replicas;
}

double keda_fallback_metric(double target, int64_t replicas, bool value_type, int64_t ready) {
  if (!value_type) return target * (double)replicas;
  return ready > 0 ? target * ((double)replicas / (double)ready) : __builtin_nan("");
}

/* ---- ScaledJob ---- */

KedaQueue keda_queue(double length, double target_average, bool active, int64_t max_replicas) {
  KedaQueue queue = {length, 0, active};
  if (target_average != 0) queue.max_value = length / target_average;
  if (queue.max_value > (double)max_replicas) queue.max_value = (double)max_replicas;
  return queue;
}

double keda_target_average(const double *target, size_t n) {
  double sum = 0;
  for (size_t k = 0; k < n; k++) sum += target[k];
  return n > 0 ? sum / (double)n : 0;
}

/* Whether this queue takes the place of the one chosen so far. */
static bool replaces(KedaCalculation calculation, double length, double chosen) {
  return calculation == KEDA_MIN ? chosen == 0 || length < chosen : length > chosen;
}

KedaJobWish keda_combine(KedaCalculation calculation, const KedaQueue *queue, size_t n, int64_t min_replicas, int64_t max_replicas) {
  double length = 0, max_value = 0;
  int64_t count = 0;
  bool adds = calculation == KEDA_AVG || calculation == KEDA_SUM;
  for (size_t k = 0; k < n; k++) {
    if (!queue[k].active || (!adds && !replaces(calculation, queue[k].length, length))) continue;
    length = adds ? length + queue[k].length : queue[k].length;
    max_value = adds ? max_value + queue[k].max_value : queue[k].max_value;
    count++;
  }
  if (calculation == KEDA_AVG && count > 0) {
    length /= (double)count;
    max_value /= (double)count;
  }
  if (max_value > (double)max_replicas) max_value = (double)max_replicas;
  return (KedaJobWish){count > 0 || min_replicas > 0, ceiling(length), ceiling(max_value)};
}

static int64_t custom(const KedaJobRule *rule, int64_t max_scale, int64_t running) {
  double share = (double)running * rule->percentage;
  int64_t busy = share > -1e15 && share < 1e15 ? (int64_t)share : 0;
  return lesser(max_scale - rule->deduction - busy, rule->max);
}

KedaJobs keda_jobs(const KedaJobRule *rule, int64_t max_scale, int64_t scale_to, int64_t running, int64_t pending) {
  if (running < rule->min) return (KedaJobs){rule->min - running, rule->min - running};
  running -= rule->min;
  switch (rule->strategy) {
  case KEDA_CUSTOM:
    if (!rule->has_percentage) break;
    return (KedaJobs){custom(rule, max_scale, running), scale_to};
  case KEDA_ACCURATE:
    if (max_scale + running - pending > rule->max) return (KedaJobs){rule->max - running, scale_to};
    return (KedaJobs){max_scale - pending, scale_to};
  case KEDA_EAGER: return (KedaJobs){lesser(rule->max - running - pending, max_scale), rule->max};
  case KEDA_DEFAULT: break;
  }
  return (KedaJobs){max_scale - running, scale_to};
}

int64_t keda_jobs_created(KedaJobs jobs) { return greater(0, lesser(jobs.scale_to, jobs.effective)); }
