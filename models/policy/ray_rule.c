/* Ray Serve's rule; see ray_rule.h. The order of the floating-point operations is upstream's, since a ceil follows. */
#include "models/policy/ray_rule.h"

/* Clock readings are compared with this much grace (upstream's guard against rounding of seconds). */
enum { ELAPSED_GRACE_NS = 1000 };

/* The least integer >= x within +-2^53; 0 for NaN. */
static int64_t ceiling(double x) {
  const double most_exact = 9007199254740992.0;
  if (x != x) return 0;
  if (x >= most_exact) return (int64_t)most_exact;
  if (x <= -most_exact) return -(int64_t)most_exact;
  int64_t cut = (int64_t)x;
  return (double)cut < x ? cut + 1 : cut;
}

double ray_desired(const RayRule *rule, const RayView *view) {
  if (view->current <= 0) return (double)view->target;
  double current = (double)view->current;
  double ratio = view->requests / (rule->target_requests * current);
  return current * ratio;
}

int64_t ray_scaled(const RayRule *rule, double desired, int64_t current) {
  if (current <= 0) return ceiling(desired);
  double delta = desired - (double)current;
  double factor = delta > 0 ? rule->up_factor : rule->down_factor;
  int64_t scaled = ceiling((double)current + factor * delta);
  return scaled == current && ceiling(desired) < current ? scaled - 1 : scaled;
}

/* Runs the timer of a direction; true when its delay has passed, and then nothing runs any more. */
static bool passed(RayTimer *timer, int way, int64_t now_ns, int64_t delay_ns) {
  if (timer->way != way) *timer = (RayTimer){way, now_ns};
  if (now_ns - timer->since_ns + ELAPSED_GRACE_NS < delay_ns) return false;
  timer->way = 0;
  return true;
}

int64_t ray_delayed(const RayRule *rule, RayTimer *timer, int64_t now_ns, int64_t desired, int64_t target) {
  if (desired > target) return passed(timer, 1, now_ns, rule->upscale_delay_ns) ? desired : target;
  if (desired < target) {
    bool to_zero = target == 1;
    bool own_delay = to_zero && rule->downscale_to_zero_delay_ns != RAY_NO_DELAY;
    int64_t delay_ns = own_delay ? rule->downscale_to_zero_delay_ns : rule->downscale_delay_ns;
    if (!to_zero && desired < 1) desired = 1;
    return passed(timer, -1, now_ns, delay_ns) ? desired : target;
  }
  timer->way = 0;
  return target;
}

int64_t ray_decision(const RayRule *rule, RayTimer *timer, const RayView *view, double desired) {
  if (view->current <= 0 && view->requests > 0) {
    int64_t first = ceiling(rule->up_factor);
    return first > view->target ? first : view->target;
  }
  int64_t scaled = ray_scaled(rule, desired, view->current);
  if (view->current <= 0 && scaled > 0) return scaled;
  return ray_delayed(rule, timer, view->now_ns, scaled > 0 ? scaled : 0, view->target);
}

double ray_time_average(const RayPoint *point, size_t n, int64_t start_ns, int64_t end_ns) {
  if (n == 0 || end_ns <= start_ns) return __builtin_nan("");
  double sum = 0, value = 0;
  int64_t from_ns = start_ns;
  for (size_t k = 0; k < n && point[k].at_ns < end_ns; k++) {
    if (point[k].at_ns > from_ns) {
      sum += value * (double)(point[k].at_ns - from_ns);
      from_ns = point[k].at_ns;
    }
    value = point[k].value;
  }
  sum += value * (double)(end_ns - from_ns);
  return sum / (double)(end_ns - start_ns);
}

double ray_aggregate(RayAggregation aggregation, const RayPoint *point, size_t n, int64_t start_ns, int64_t end_ns) {
  if (aggregation == RAY_MEAN) return ray_time_average(point, n, start_ns, end_ns);
  double extreme = __builtin_nan("");
  for (size_t k = 0; k < n; k++) {
    if (point[k].at_ns < start_ns) continue;
    bool further = aggregation == RAY_MAX ? point[k].value > extreme : point[k].value < extreme;
    if (extreme != extreme || further) extreme = point[k].value;
  }
  return extreme;
}
