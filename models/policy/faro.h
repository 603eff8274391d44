/* What Oneshot and AIAD share, the reactive baselines of Faro (EuroSys 2025): counting looks above and below a latency, an action when there
 * were enough of them, a quota for all deployments. Source: beomyeol/faro @ b595c4a, src/policy.py (BasePolicy), src/autoscaler.py
 * (calculate_num_replicas, check_action, sort_actions_by_delta), src/simulation/controller.py. */
#ifndef MODELS_POLICY_FARO_H
#define MODELS_POLICY_FARO_H

#include "sim/contract/policy.h"

typedef enum FaroDrops { FARO_DROPS_COUNTED, FARO_DROPS_LEFT_OUT } FaroDrops;
typedef enum FaroBusy { FARO_BUSY_SKIP, FARO_BUSY_PAUSE, FARO_BUSY_ACT } FaroBusy;
extern const char *const faro_drops_names[];
extern const char *const faro_busy_names[];

#define FARO_FIELDS(F, C, O, L, M, R, P)                                                                                   \
  F(duration, target_metric, "0", 0, 86400, OPTIONAL, "mean latency to hold; 0: the deployment's objective", "target_metric 720 (ms) in the published runs") \
  F(duration, interval, "10s", 0.001, 86400, OPTIONAL, "looks this often, unless the strategy says otherwise", "interval_s 10") \
  F(duration, look_back_period, "30s", 0.001, 86400, OPTIONAL, "the mean is over requests that ended this long before the look", "look_back_period_s 30") \
  F(duration, upscale_delay, "30s", 0, 1e6, OPTIONAL, "looks of this long, in a row above, until it scales up", "upscale_delay_s 30: 3 looks") \
  F(duration, downscale_delay, "600s", 0, 1e6, OPTIONAL, "looks of this long, in a row not above, until it scales down", "downscale_delay_s 600: 60 looks") \
  F(integer, min_replicas, "1", 0, 1e6, OPTIONAL, "replicas at least", "min_replicas 1")                                  \
  F(integer, max_replicas, "-1", -1, 1e6, OPTIONAL, "replicas at most; -1: the deployment's", "max_replicas")              \
  F(cpu, quota, "0", 0, 1e9, OPTIONAL, "CPUs of all deployments together; 0: what can be placed", "available_quota")        \
  C(drops, faro_drops_names, "counted", "dropped requests in the mean: counted with dropped_latency, as in Faro's simulator, or left out, as by its proxy on the cluster", "simulation/metric.py; http_proxy.py") \
  F(duration, dropped_latency, "0", 0, 86400, OPTIONAL, "what a dropped request counts with", "arrival to refusal: two passes through the router, about 9 ms") \
  C(while_scaling, faro_busy_names, "skip", "an action while replicas are starting: skip it (simulator), pause counting until they are ready (cluster), or act", "simulation/controller.py; autoscaler.py")
typedef struct Faro { FIELD_MEMBERS(FARO_FIELDS) } Faro;
extern const Type faro_type;

/* Deployments weighed together; those beyond are left alone. */
enum { FARO_DEPLOYMENTS = 1024 };
typedef struct FaroState {
  int32_t count[FARO_DEPLOYMENTS]; /* looks in a row: above positive, not above negative */
} FaroState;

/* What an action makes of `current` replicas at signal / target = factor. */
typedef int64_t FaroAction(int64_t current, double factor, bool up);
void faro_decide_all(const Faro *faro, FaroState *state, const Observation *observation, Decision *decision, size_t n, FaroAction *action);
size_t faro_metrics(const void *params, MetricQuery query[POLICY_METRICS]);
void faro_timing(const void *params, PolicyTiming *timing);

/* One replica's share of a quota: its CPU request, one CPU where it has none. */
static inline int64_t faro_unit_millicores(const Observation *observation) {
  return observation->request_millicores > 0 ? observation->request_millicores : 1000;
}

#endif
