/* `autoscale-like`: AutoScale's delayed turn-off: as many replicas as the jobs in the system need at a given packing, and none is taken away
 * before it was idle for t_wait. Source: Gandhi, Harchol-Balter, Raghunathan, Kozuch, AutoScale: Dynamic, Robust Capacity Management for
 * Multi-Tier Data Centers, ACM TOCS 30(4), 2012, of which the abstract was at hand; the rest from memory: hence "-like". The paper routes
 * each request to the busiest server that has room (most-packed dispatch), which is the scenario's to choose. */
#include "models/policy/tracking.h"

typedef enum Inference { INFER_PACKING, INFER_LOAD } Inference;
static const char *const inference_names[] = {"packing", "load", NULL};
typedef enum TurnOff { OFF_IDLE_REPLICA, OFF_TIMERS } TurnOff;
static const char *const turn_off_names[] = {"idle_replica", "timers", NULL};

#define AUTOSCALE_FIELDS(F, C, O, L, M, R, P)                                                                              \
  F(integer, packing, "0", 0, 1e6, OPTIONAL, "jobs in the system that one replica carries within the objective; 0: the deployment's concurrency", "p; the paper's cluster: 10, from memory") \
  C(inference, inference_names, "packing", "packing: jobs / packing. load: the load that would hold so many jobs under processor sharing, over the load of a full replica", "") \
  F(duration, t_wait, "120s", 0, 86400, OPTIONAL, "a replica goes once it was idle this long", "t_wait; the paper: 120 s, from memory")              \
  C(turn_off, turn_off_names, "idle_replica", "idle_replica: each by its own timer, where it is. timers: down to the most that was needed within t_wait, which is the same under most-packed dispatch", "") \
  F(duration, interval, "1s", 0.001, 86400, OPTIONAL, "looks this often, unless the strategy says otherwise", "")           \
  F(integer, min, "-1", -1, 1e6, OPTIONAL, "replicas at least; -1: the deployment's", "")                                   \
  F(integer, max, "-1", -1, 1e6, OPTIONAL, "replicas at most; -1: the deployment's", "")
typedef struct Autoscale { FIELD_MEMBERS(AUTOSCALE_FIELDS) } Autoscale;
#define ROW_STRUCT Autoscale
static const Field autoscale_fields[] = {FIELD_ROWS(AUTOSCALE_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Autoscale *autoscale = value;
  if (autoscale->min >= 0 && autoscale->max >= 0 && autoscale->min > autoscale->max)
    return err_at(err, "min", "is above max (%lld > %lld)", (long long)autoscale->min, (long long)autoscale->max);
  return true;
}

static const Type autoscale_type = FIELD_TYPE("autoscale-like", "delayed turn-off by the jobs in the system", Autoscale, autoscale_fields, check);

static int64_t share_up(__int128 whole, __int128 parts) { return (int64_t)((whole + parts - 1) / parts); }

/* Replicas for n jobs. By load, with k replicas ready and n/k jobs at each: under processor sharing a server with n/k jobs in the mean has
 * load (n/k) / (1 + n/k); k of them over p / (1 + p), the load of a full one, is k n (1 + p) / ((k + n) p). */
static int64_t needed(const Autoscale *autoscale, int64_t jobs, int64_t packing, int64_t ready) {
  if (jobs <= 0) return 0;
  if (autoscale->inference == INFER_PACKING || ready <= 0) return share_up(jobs, packing);
  return share_up((__int128)ready * jobs * (1 + packing), (__int128)(ready + jobs) * packing);
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const Autoscale *autoscale = params;
  const int64_t most_jobs = INT64_C(1) << 40, current = observation->replicas;
  int64_t packing = most(autoscale->packing > 0 ? autoscale->packing : observation->concurrency, 1);
  int64_t low = autoscale->min >= 0 ? autoscale->min : observation->min_replicas;
  int64_t high = most(autoscale->max >= 0 ? autoscale->max : observation->max_replicas, low);
  int64_t jobs = least(observation->waiting_jobs_now, most_jobs) + least(observation->in_service_jobs_now, most_jobs);
  int64_t raw = needed(autoscale, jobs, packing, observation->replicas_ready), wish = most(raw, current);
  if (autoscale->turn_off == OFF_IDLE_REPLICA) decision->keep_alive_ns = most(autoscale->t_wait_ns, 1);
  else wish = most(raw, least(wishes_add(state, observation->now_ns, autoscale->t_wait_ns, raw, current), current));
  decision->replicas = most(low, least(wish, high));
  decision->metric = (double)jobs;
  decision->target = (double)packing;
  decision->raw_replicas = (double)raw;
  decision->stabilised = (double)wish;
  decision->reason = decision->replicas != wish ? (decision->replicas > wish ? "at the minimum of replicas" : "at the maximum of replicas")
                     : wish > current           ? "more jobs than the replicas carry"
                     : wish < current           ? "idle for t_wait"
                     : raw < current            ? "waiting for t_wait"
                                                : "as needed";
  bool change = decision->replicas != current;
  decision_step(decision, "Infer the capacity", "replicas carry the jobs", raw <= current, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                (double)jobs, (double)packing);
}

static void timing(const void *params, PolicyTiming *timing) {
  const Autoscale *autoscale = params;
  timing->period_ns = timing->scrape_ns = autoscale->interval_ns;
  timing->window_ns = most(timing->window_ns, autoscale->interval_ns);
}

extern const Policy policy_autoscale;
const Policy policy_autoscale = {
    .model = {.kind = MODEL_POLICY,
              .name = "autoscale-like",
              .summary = "AutoScale's delayed turn-off: capacity from the jobs in the system",
              .rule = "needed = ceil(jobs in the system / packing), or by load ceil(k n (1 + p) / ((k + n) p)) for n jobs at k ready replicas. More\n"
                      "than there are: out at once. Fewer: a replica goes only once it was idle for t_wait (its keep-alive), or down to the most that\n"
                      "was needed within t_wait. The front end counts the jobs, so waiting ones are known at once.",
              .evidence = "from the paper, unverified: 14 hand-computed cases in tests/unit/test_autoscale.c",
              .params = &autoscale_type},
    .state_bytes = sizeof(Wishes),
    .timing = timing,
    .decide = decide,
};
