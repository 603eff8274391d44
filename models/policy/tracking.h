/* What target-tracking policies share: the metric, the tolerance, rounding up, and the highest wish of the last minutes. */
#ifndef MODELS_POLICY_TRACKING_H
#define MODELS_POLICY_TRACKING_H

#include "sim/contract/policy.h"

typedef enum TrackedMetric {
  METRIC_UTILISATION,          /* usage / request of ready replicas */
  METRIC_QUEUE_PER_REPLICA,    /* jobs waiting / ready replicas */
  METRIC_IN_FLIGHT_PER_REPLICA, /* jobs waiting or in service / ready replicas */
  METRIC_LATENCY               /* mean latency / objective */
} TrackedMetric;
extern const char *const tracked_metric_names[];

/* The metric now; NaN while there is none (no scrape, no ready replica, nothing finished, no objective). */
double tracked_metric(TrackedMetric metric, const Observation *observation);
/* metric / target, exactly 1 within the tolerance (both ends included). NaN stays NaN.
 * Source: kubernetes pkg/controller/podautoscaler, replica_calculator.go, Tolerances.isWithin (1.33). */
double tolerated_ratio(double metric, double target, double tolerance);
/* The least integer >= x, forgiving a relative error of 1e-9 upwards (3.0000000001 is 3); 0 for x <= 0, at most 2^53. */
int64_t rounded_up(double x);

/* The highest of the wishes of (now - window, now], that of now always among them: a queue of falling wishes. Should it fill up, the two oldest join as
 * the higher of both until the later one's end, so a wish may hold longer but never shorter. */
enum { WISHES = 64 };
typedef struct Wish {
  int64_t at_ns, value;
} Wish;
typedef struct Wishes {
  bool begun;
  int count;
  Wish wish[WISHES]; /* oldest first */
} Wishes;
/* Adds the wish of now; returns the highest in the window. The first call also adds `current` (as the HPA does). */
int64_t wishes_add(Wishes *wishes, int64_t now_ns, int64_t window_ns, int64_t value, int64_t current);
/* What downscale stabilisation makes of a wish: wishes above `current` pass; below it, at most down to `highest`, never up. */
int64_t stabilised_down(int64_t wish, int64_t highest, int64_t current);

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
