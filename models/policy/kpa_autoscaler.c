/* What Knative's autoscaler makes of a stable and a panic value; see kpa_autoscaler.h. */
#include "models/policy/kpa_autoscaler.h"

#include <math.h>

#include "models/policy/tracking.h"

/* ---- maximum over a window ---- */

static KpaMaximum *entry(const KpaMaxWindow *window, int64_t k) { return &window->maximum[(window->first + k) % window->size]; }

void kpa_max_record(KpaMaxWindow *window, int64_t index, int64_t value) {
  while (window->length > 0 && value >= entry(window, window->length - 1)->value) window->length--;
  while (window->length > 0 && index - entry(window, 0)->index >= window->size) {
    window->length--;
    window->first = (window->first + 1) % window->size;
  }
  if (window->length > 0 && entry(window, window->length - 1)->index == index) return; /* the greater of the same index stays */
  if (window->length == window->size) { /* only if indices fall */
    window->length--;
    window->first = (window->first + 1) % window->size;
  }
  *entry(window, window->length++) = (KpaMaximum){index, value};
}

int64_t kpa_max_current(const KpaMaxWindow *window) { return entry(window, 0)->value; }

/* ---- target ---- */

KpaTarget kpa_target(const KpaTargetSpec *spec) {
  const double least_target = 0.01; /* autoscaling.TargetMin */
  bool rps = spec->metric == KPA_RPS;
  double total = rps ? spec->rps_default : spec->container_concurrency > 0 ? spec->container_concurrency : spec->concurrency_default;
  double share = rps ? spec->utilisation_share : spec->concurrency_share;
  if (spec->target > 0) total = !rps && spec->container_concurrency > 0 ? fmin(spec->target, spec->container_concurrency) : spec->target;
  if (spec->target_share > 0) share = spec->target_share;
  return (KpaTarget){.target = fmax(least_target, total * share), .total = total};
}

/* ---- scale ---- */

int64_t kpa_delay_slots(int64_t delay_ns) { return delay_ns / KPA_TICK_NS + (delay_ns % KPA_TICK_NS > 0); }

void kpa_autoscaler_begin(KpaAutoscaler *autoscaler, int64_t ready, int64_t now_ns, KpaMaximum *room, int64_t slots) {
  *autoscaler = (KpaAutoscaler){.panicking = ready > 1, .panic_ns = now_ns, .max_panic_pods = most(ready, 0),
                                .delay = {.size = slots, .maximum = room}};
}

/* A number of pods as upstream's int32 holds it. */
static int64_t pods(double number) {
  if (!(number > 0)) return 0;
  return number < (double)INT32_MAX ? (int64_t)number : INT32_MAX;
}

static int64_t clamped(double number, double down, double up) { return pods(fmin(fmax(number, down), up)); }

static void panic(KpaAutoscaler *autoscaler, const KpaSpec *spec, bool over, int64_t now_ns) {
  if (over) {
    autoscaler->panicking = true; /* or is extended */
    autoscaler->panic_ns = now_ns;
  } else if (autoscaler->panicking && now_ns - autoscaler->panic_ns > spec->stable_window_ns) {
    autoscaler->panicking = false;
    autoscaler->max_panic_pods = 0;
  }
}

static int64_t delayed(KpaAutoscaler *autoscaler, const KpaSpec *spec, int64_t desired, int64_t now_ns) {
  if (autoscaler->delay.size == 0 || !spec->reachable) return desired;
  kpa_max_record(&autoscaler->delay, now_ns / KPA_TICK_NS - (now_ns % KPA_TICK_NS < 0), desired);
  return kpa_max_current(&autoscaler->delay);
}

static int64_t excess_burst_capacity(const KpaSpec *spec, int64_t ready, double panic_value) {
  if (spec->target_burst_capacity == 0) return 0;
  if (spec->target_burst_capacity < 0) return -1;
  double excess = floor((double)ready * spec->target.total - spec->target_burst_capacity - panic_value);
  if (excess >= (double)INT32_MAX) return INT32_MAX;
  return excess > (double)INT32_MIN ? (int64_t)excess : INT32_MIN;
}

KpaScale kpa_autoscaler_scale(KpaAutoscaler *autoscaler, const KpaSpec *spec, int64_t ready, double stable, double panic_value, int64_t now_ns) {
  if (ready < 0 || stable != stable || panic_value != panic_value) return (KpaScale){.valid = false};
  double current = (double)most(ready, 1);
  double up = ceil(spec->max_scale_up_ratio * current);
  double down = spec->reachable ? floor(current / spec->max_scale_down_ratio) : 0;
  KpaScale scale = {.valid = true, .stable_pods = ceil(stable / spec->target.target), .panic_pods = ceil(panic_value / spec->target.target)};
  int64_t stable_pods = clamped(scale.stable_pods, down, up), panic_pods = clamped(scale.panic_pods, down, up);
  if (spec->activation_scale > 1) {
    if (scale.stable_pods > 0) stable_pods = most(stable_pods, spec->activation_scale);
    if (scale.panic_pods > 0) panic_pods = most(panic_pods, spec->activation_scale);
  }
  scale.over_ratio = scale.panic_pods / current; /* before the limits */
  scale.over = scale.over_ratio >= spec->panic_threshold_ratio;
  panic(autoscaler, spec, scale.over, now_ns);
  scale.limited = scale.held = stable_pods;
  if (autoscaler->panicking) {
    scale.limited = most(stable_pods, panic_pods);
    autoscaler->max_panic_pods = scale.held = most(scale.limited, autoscaler->max_panic_pods); /* never down in panic */
  }
  scale.desired = delayed(autoscaler, spec, scale.held, now_ns);
  scale.excess_burst_capacity = excess_burst_capacity(spec, ready, panic_value);
  return scale;
}

/* ---- around it ---- */

int64_t kpa_activators(int64_t ready, double total, double target_burst_capacity, double activator_capacity, int64_t least_activators) {
  if (target_burst_capacity == 0) return least_activators;
  double capacity = (double)ready * total + fmax(target_burst_capacity, 0);
  return most(least_activators, pods(ceil(capacity / activator_capacity)));
}

int64_t kpa_sample_size(int64_t population) {
  if (population <= 3) return most(population, 0);
  const double critical_value = 1.96, variance = 100, margin = 5;
  double x = critical_value * critical_value * variance / (margin * margin), n = (double)population;
  return (int64_t)ceil(n * x / (n + x - 1));
}
