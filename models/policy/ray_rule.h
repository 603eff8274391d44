/* Ray Serve's request-based rule, without parameters' names and without the simulator: factors, delays, aggregation over a window.
 * Source: ray-project/ray, python/ray/serve/autoscaling_policy.py and _private/metrics_utils.py, the version with wall-clock delays
 * (tests at 01624ad4). Older versions count control loops instead and fire one loop later. */
#ifndef MODELS_POLICY_RAY_RULE_H
#define MODELS_POLICY_RAY_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RAY_NO_DELAY = -1 }; /* downscale_to_zero_delay_ns: as downscale_delay_ns */

typedef struct RayRule {
  double target_requests; /* a replica should have at once, > 0 */
  double up_factor, down_factor;
  int64_t upscale_delay_ns, downscale_delay_ns, downscale_to_zero_delay_ns;
} RayRule;

/* Which way was wished, and since when without a break. */
typedef struct RayTimer {
  int way; /* 1 up, -1 down, 0 nothing runs */
  int64_t since_ns;
} RayTimer;

/* What the rule looks at: `current` replicas run, `target` are wished since the last decision (starting ones are in it). */
typedef struct RayView {
  int64_t now_ns;
  double requests; /* ongoing and queued, all replicas */
  int64_t current, target;
} RayView;

/* Replicas wished before factors and delays: a real number; the target while no replica runs. */
double ray_desired(const RayRule *rule, const RayView *view);
/* The step from current towards desired, by the factor of its direction, rounded up; a step down that rounding swallows is one replica. */
int64_t ray_scaled(const RayRule *rule, double desired, int64_t current);
/* The target, or `desired` once it has been wished in the same direction for the direction's delay. 0 is reached only from 1. */
int64_t ray_delayed(const RayRule *rule, RayTimer *timer, int64_t now_ns, int64_t desired, int64_t target);
/* Cold start, factors, delays: what upstream wraps around a policy that desires `desired`. Bounds are the caller's. */
int64_t ray_decision(const RayRule *rule, RayTimer *timer, const RayView *view, double desired);

/* A step function: the value holds from its instant to the next point's. Sorted by time. */
typedef struct RayPoint {
  int64_t at_ns;
  double value;
} RayPoint;
typedef enum RayAggregation { RAY_MEAN, RAY_MAX, RAY_MIN } RayAggregation;

/* The mean over [start, end); 0 before the first point; NaN when the interval is empty or there is no point. */
double ray_time_average(const RayPoint *point, size_t n, int64_t start_ns, int64_t end_ns);
/* The mean, or the extreme of the points at or after start; NaN without any. */
double ray_aggregate(RayAggregation aggregation, const RayPoint *point, size_t n, int64_t start_ns, int64_t end_ns);

#endif
