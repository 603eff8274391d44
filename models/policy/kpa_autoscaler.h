/* What Knative's autoscaler makes of a stable and a panic value: how many pods are wished, whether it panics, whether there is capacity
 * for a burst; and the parts it is built of. Pure but for the state that is passed in.
 * Source: knative/serving 98e5ef90, pkg/autoscaler/scaling/autoscaler.go, pkg/autoscaler/aggregation/max,
 * pkg/reconciler/autoscaling/resources/target.go, pkg/reconciler/autoscaling/kpa/kpa.go, pkg/autoscaler/metrics/sample_size.go. */
#ifndef MODELS_POLICY_KPA_AUTOSCALER_H
#define MODELS_POLICY_KPA_AUTOSCALER_H

#include <stdbool.h>
#include <stdint.h>

/* The greatest value of the last `size` indices: a ring of falling maxima in the caller's memory. */
typedef struct KpaMaximum {
  int64_t index, value;
} KpaMaximum;
typedef struct KpaMaxWindow {
  int64_t size, first, length;
  KpaMaximum *maximum; /* [size] */
} KpaMaxWindow;
/* Indices never fall; of several values at one index the greatest counts. */
void kpa_max_record(KpaMaxWindow *window, int64_t index, int64_t value);
int64_t kpa_max_current(const KpaMaxWindow *window); /* something was recorded */

typedef enum KpaMetric { KPA_CONCURRENCY, KPA_RPS } KpaMetric;

/* Where the target comes from: shares and defaults of the cluster, overridden by the revision's own. */
typedef struct KpaTargetSpec {
  KpaMetric metric;
  double concurrency_share, concurrency_default; /* container-concurrency-target-percentage / 100, -default */
  double rps_default, utilisation_share;         /* requests-per-second-target-default; fixed at 0.7 upstream */
  double container_concurrency;                  /* 0: unlimited */
  double target, target_share;                   /* annotations target and target-utilization-percentage / 100; 0: absent */
} KpaTargetSpec;
typedef struct KpaTarget {
  double target; /* to be held per pod */
  double total;  /* what a pod can bear */
} KpaTarget;
KpaTarget kpa_target(const KpaTargetSpec *spec);

typedef struct KpaSpec {
  KpaTarget target;
  double target_burst_capacity; /* -1: unlimited, 0: none */
  double panic_threshold_ratio, max_scale_up_ratio, max_scale_down_ratio;
  int64_t stable_window_ns, activation_scale;
  bool reachable; /* a route leads to it */
} KpaSpec;

typedef struct KpaAutoscaler {
  bool panicking;
  int64_t panic_ns;       /* the last instant over the threshold */
  int64_t max_panic_pods;
  KpaMaxWindow delay;     /* over ticks of KPA_TICK_NS; size 0: no scale-down delay */
} KpaAutoscaler;

enum { KPA_TICK_S = 2 };
#define KPA_TICK_NS ((int64_t)KPA_TICK_S * 1000000000)
/* How many slots the window of a scale-down delay takes. */
int64_t kpa_delay_slots(int64_t delay_ns);
/* A new autoscaler. With more than one ready pod it starts in panic, so that a restart does not scale down for want of history.
 * `room` holds kpa_delay_slots() maxima. */
void kpa_autoscaler_begin(KpaAutoscaler *autoscaler, int64_t ready, int64_t now_ns, KpaMaximum *room, int64_t slots);

typedef struct KpaScale {
  bool valid; /* false: pods could not be counted or there are no data; nothing else counts then */
  int64_t desired;
  int64_t excess_burst_capacity; /* below 0: the activator stays in the path */
  double stable_pods, panic_pods; /* before any limit */
  int64_t limited;  /* after the rate limits and the activation scale, panic included */
  int64_t held;     /* after panic's never down, before the delay */
  double over_ratio; /* panic pods / ready pods, what the panic threshold is compared with */
  bool over;
} KpaScale;
/* ready below 0: pods could not be counted. A value that is NaN: no data. */
KpaScale kpa_autoscaler_scale(KpaAutoscaler *autoscaler, const KpaSpec *spec, int64_t ready, double stable, double panic, int64_t now_ns);

/* How many activators back a revision. */
int64_t kpa_activators(int64_t ready, double total, double target_burst_capacity, double activator_capacity, int64_t least_activators);
/* How many of so many pods are scraped: a 95 % interval of +-5 at a standard deviation of 10. */
int64_t kpa_sample_size(int64_t population);

#endif
