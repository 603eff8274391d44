/* What becomes of a wish: stabilisation against the wishes of the last minutes, limits on the pace, bounds; and the two logs behind it.
 * Logs are plain arrays in order of writing, an entry too old for any window being overwritten by the next one, as upstream does it.
 * Source: pkg/controller/podautoscaler/horizontal.go, Kubernetes 1.33; `HPA_1_20` as 1.20.2 was. */
#ifndef MODELS_POLICY_HPA_BEHAVIOR_H
#define MODELS_POLICY_HPA_BEHAVIOR_H

#include "models/policy/hpa.h"

typedef struct HpaEntry {
  int64_t at_ns;
  int64_t low, high; /* replicas wished (equal but for shared entries), or the size of a change (both) */
  bool outdated;     /* of changes: older than the longest period of the policies */
} HpaEntry;
/* Writes of one slot of time share an entry, with the latest of their instants, so that a log of window / slot + 3 entries never is full.
 * Nothing is lost while writes are a slot apart or more; else a wish holds for less than a slot longer. 0: no slots. */
typedef struct HpaLog {
  HpaEntry *entry;
  int64_t count, capacity;
  int64_t slot_ns;
} HpaLog;
int64_t hpa_log_capacity(int64_t window_ns, int64_t slot_ns);
void hpa_log_wish(HpaLog *wishes, int64_t old, int64_t now_ns, int64_t wish); /* old: index of an entry to overwrite, -1: none */

/* The rules of one direction with all defaults filled in. */
typedef struct HpaPace {
  int64_t window_ns;
  HpaSelect select;
  const HpaScalingPolicy *policy;
  size_t n_policies;
} HpaPace;
HpaPace hpa_pace_up(const HpaRules *rules);                                    /* NULL: all defaults */
HpaPace hpa_pace_down(const HpaRules *rules, int64_t downscale_stabilization_ns);

typedef struct HpaWish {
  int64_t replicas;
  const char *reason; /* of condition ScalingLimited, or of AbleToScale where it was stabilised; constant text */
} HpaWish;

/* The highest wish of [now - window, now], the new one included, which is then written down. */
int64_t hpa_stabilize(HpaLog *wishes, int64_t now_ns, int64_t window_ns, int64_t wish);
/* With behavior: a change stands against the lowest wish of (now - up window, now] and the highest of the down window; the new wish is
 * written down as it came. reason: ScaleUpStabilized, ScaleDownStabilized. */
HpaWish hpa_stabilize_paced(HpaLog *wishes, int64_t now_ns, const HpaPace *up, const HpaPace *down, int64_t replicas, int64_t wish,
                            HpaSemantics semantics);

/* Without behavior: at most max(factor x replicas, least) at once, and the bounds. */
HpaWish hpa_limit(int64_t replicas, int64_t wish, int64_t min_replicas, int64_t max_replicas, double factor, int64_t least_replicas);

typedef struct HpaChanges {
  HpaLog up, down; /* sizes, both positive */
} HpaChanges;
/* How far the policies let it go at this instant. */
int64_t hpa_limit_up(const HpaChanges *changes, int64_t now_ns, const HpaPace *up, int64_t replicas, HpaSemantics semantics);
int64_t hpa_limit_down(const HpaChanges *changes, int64_t now_ns, const HpaPace *down, int64_t replicas, HpaSemantics semantics);
/* With behavior: those limits and the bounds. */
HpaWish hpa_limit_paced(const HpaChanges *changes, int64_t now_ns, const HpaPace *up, const HpaPace *down, int64_t replicas, int64_t wish,
                        int64_t min_replicas, int64_t max_replicas, HpaSemantics semantics);

/* The sum of changes in (now - period, now]. */
int64_t hpa_changed(const HpaLog *changes, int64_t now_ns, int64_t period_ns);
/* Writes a change down in its direction's log; `pace` is that of its direction, NULL without behavior: then nothing is written. */
void hpa_log_change(HpaLog *changes, int64_t now_ns, const HpaPace *pace, int64_t change);

#endif
