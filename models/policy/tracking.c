/* What target-tracking policies share; see tracking.h. */
#include "models/policy/tracking.h"

const char *const tracked_metric_names[] = {"utilisation", "queue_per_replica", "in_flight_per_replica", "latency", NULL};

double tracked_metric(TrackedMetric metric, const Observation *observation) {
  const double none = __builtin_nan("");
  if (!observation->has_metrics) return none;
  double ready = (double)most(observation->replicas_ready, 1);
  switch (metric) {
  case METRIC_UTILISATION: return observation->replicas_ready > 0 ? observation->utilisation_ratio : none;
  case METRIC_QUEUE_PER_REPLICA: return observation->queue_jobs / ready;
  case METRIC_IN_FLIGHT_PER_REPLICA: return observation->in_flight_jobs / ready;
  case METRIC_LATENCY:
    return observation->objective_latency_ns > 0 ? observation->latency_mean_s * 1e9 / (double)observation->objective_latency_ns : none;
  }
  return none;
}

double tolerated_ratio(double metric, double target, double tolerance) {
  const double slack = 1e-9;
  double ratio = metric / target;
  if (ratio >= 1 - tolerance - slack && ratio <= 1 + tolerance + slack) return 1;
  return ratio;
}

int64_t rounded_up(double x) {
  const double most_exact = 9007199254740992.0;
  x -= x * 1e-9;
  if (!(x > 0)) return 0;
  if (x >= most_exact) return (int64_t)most_exact;
  int64_t down = (int64_t)x;
  return (double)down < x ? down + 1 : down;
}

static void drop_oldest(Wishes *wishes, int n) {
  wishes->count -= n;
  for (int k = 0; k < wishes->count; k++) wishes->wish[k] = wishes->wish[k + n];
}

static void push(Wishes *wishes, Wish wish) {
  while (wishes->count > 0 && wishes->wish[wishes->count - 1].value <= wish.value) wishes->count--;
  if (wishes->count == WISHES) {
    wishes->wish[1].value = wishes->wish[0].value;
    drop_oldest(wishes, 1);
  }
  wishes->wish[wishes->count++] = wish;
}

int64_t wishes_add(Wishes *wishes, int64_t now_ns, int64_t window_ns, int64_t value, int64_t current) {
  if (!wishes->begun) push(wishes, (Wish){now_ns, current});
  wishes->begun = true;
  push(wishes, (Wish){now_ns, value});
  int expired = 0;
  while (expired + 1 < wishes->count && wishes->wish[expired].at_ns <= now_ns - window_ns) expired++;
  drop_oldest(wishes, expired);
  return wishes->wish[0].value;
}

int64_t stabilised_down(int64_t wish, int64_t highest, int64_t current) {
  if (wish >= current) return wish;
  return least(most(wish, highest), current);
}
