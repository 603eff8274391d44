/* Write a scaling policy: one file in models/policy, one line in models/registry.c. A policy sees an Observation and never the
 * simulator; decide is a pure function of (params, state, observation). The controller clamps, actuates and records. */
#ifndef SIM_CONTRACT_POLICY_H
#define SIM_CONTRACT_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/contract/metric.h"
#include "sim/contract/type.h"

/* A model size of the scale target, smallest first as the scenario lists them. */
typedef struct VariantView {
  const char *name;
  double accuracy_ratio;
  double mean_service_s; /* at the reference resources, NaN if it depends on sizes */
} VariantView;

/* One replica as a controller that lists pods sees it. */
typedef enum ReplicaPhase { REPLICA_PHASE_PENDING, REPLICA_PHASE_STARTING, REPLICA_PHASE_READY, REPLICA_PHASE_DRAINING } ReplicaPhase;
typedef struct ReplicaView {
  uint32_t ordinal;        /* 0, 1, 2 ... in order of creation, never used again; its name in decisions */
  ReplicaPhase phase;
  int64_t created_ns;
  int64_t started_ns;      /* placed on a node: the pod's start time; INSTANT_NEVER while pending */
  int64_t ready_ns;        /* when it became ready; INSTANT_NEVER before */
  bool has_sample;         /* it was there, ready or starting, at the newest visible scrape */
  int64_t sampled_ns, window_ns; /* of its sample: the window begins no earlier than the replica's start */
  double usage_millicores; /* mean over that window */
  int64_t request_millicores, request_bytes, request_milligpus; /* its own: they differ while a resize goes on */
  int variant;
} ReplicaView;

/* Why decide is called between ticks: nobody is there to serve. Only policies with `asks` are called so. */
typedef enum AskKind {
  ASK_NONE,         /* a tick */
  ASK_AT_ZERO,      /* a request came and there is no replica, not even one on its way */
  ASK_EACH_REQUEST  /* a request came and all slots are taken, those of replicas on their way included; not at the maximum of replicas */
} AskKind;

/* What one deployment's autoscaler can know at a tick. Metrics are sampled at scrapes, averaged over a window and lag; gauges are
 * the values of the newest visible scrape; counts of replicas and requests come from the control plane and are current. */
typedef struct Observation {
  int64_t now_ns;
  int64_t tick;         /* 0, 1, 2 ... of this policy */
  AskKind ask;          /* ASK_NONE at a tick */
  int64_t arriving_jobs; /* requests that come at this very instant and are not yet counted below; 0 at a tick */
  const char *deployment; /* name of the scale target */
  int64_t period_ns;
  bool has_metrics;     /* false until a whole scrape is visible */
  int64_t sampled_ns;   /* instant of the newest visible scrape */
  int64_t window_ns;    /* the window the rates below really span */

  /* control plane, current */
  int64_t replicas;          /* wished (spec.replicas) */
  int64_t replicas_ready, replicas_starting, replicas_pending, replicas_draining;
  int64_t min_replicas, max_replicas;
  int64_t concurrency;       /* jobs one replica serves at once */
  int64_t request_millicores, request_bytes, request_milligpus;      /* of one replica, wished */
  int64_t initial_millicores, initial_bytes, initial_milligpus;      /* as the scenario starts */
  int64_t cap_millicores, cap_bytes;  /* the largest request every replica could be given in place, its node's neighbours kept */
  int64_t placeable_replicas;         /* how many more replicas of this request could be placed, counting nodes still to be ordered */
  int64_t pool_nodes, pool_max_nodes; /* nodes of the target's pools, those ordered or in repair included */
  bool stock_out;                     /* no pool of the target gives a node now: each was refused one a while ago, or has its maximum */
  double cluster_usd_per_h;           /* current spend of the whole cluster */
  double spent_usd;                   /* so far */
  int variant;                        /* wished, index into variants */
  int variants;
  const VariantView *variant_view;
  double replica_usd_per_h;  /* what one replica is charged when its node is full of its like */
  int64_t waiting_jobs_now, in_service_jobs_now; /* at this instant; a real controller sees them only where requests pass through it
                                                    (Knative's activator, a proxy), so most rules must not use them */
  const ReplicaView *replica; /* [n_replicas] in order of creation; only for policies with reads_replicas */
  int64_t n_replicas;
  const MetricValue *metric;  /* answers to the policy's queries, in their order */

  /* data plane, over the window (0 when nothing happened; see has_metrics) */
  double utilisation_ratio;   /* usage / request over ready replicas; may exceed 1 */
  double offered_rps, finished_rps, dropped_rps;
  double queue_jobs;          /* mean number waiting */
  double in_flight_jobs;      /* mean number waiting or in service */
  double latency_mean_s;      /* of jobs that ended in the window; NaN if none did */
  double ttft_mean_s, tpot_mean_s; /* to the first token, and for each further one; of jobs that finished in the window; NaN where the service has none */
  double kv_cache_ratio;      /* of the ready replicas' KV caches in use, at the newest scrape; NaN where the service has none */
  double attainment_ratio;    /* jobs that ended within the objective / jobs that ended in any way; NaN if none did */
  double offered_bytes;       /* data that arrived in the window */
  double job_bytes;           /* mean data of a job that arrived in the window; NaN if none did */
  double backlog_bytes;       /* data waiting or in service at the newest scrape */
  double input_tokens_mean, output_tokens_mean; /* of jobs that arrived in the window; NaN without sizes */

  /* the target's objective */
  int64_t objective_latency_ns; /* 0: none */
  double objective_attainment_ratio;
} Observation;

/* The states of the founding decision. Policies without it leave MODEL_STATE_NONE. */
#define MODEL_STATES(X)                          \
  X(NONE, "", "")                                \
  X(IDLE, "idle", "Idle")                        \
  X(SMALL_MODEL_RUNNING, "small_model_running", "Small model running")                                  \
  X(PREPARING_TO_SCALE, "preparing_to_scale", "Preparing to scale")                                     \
  X(SCALED_VERTICALLY, "scaled_vertically", "Resources increased on single node")                       \
  X(SCALED_HORIZONTALLY, "scaled_horizontally", "Added more nodes to cluster")                          \
  X(OPTIMIZED, "optimized", "System optimized for load")                                                \
  X(EXHAUSTED, "exhausted", "Both ways blocked: no node to be had, no room on the node")
#define MODEL_STATE_ENUM(id, name, words) MODEL_STATE_##id,
typedef enum ModelState { MODEL_STATES(MODEL_STATE_ENUM) MODEL_STATE_COUNT } ModelState;

/* One line of the founding table: which step, what was checked, how it came out, what follows. Texts are constant. */
typedef struct DecisionStep {
  const char *step;      /* "Check data size" */
  const char *condition; /* "data_size < threshold" */
  int result;            /* 1 true, 0 false, -1 nothing was checked */
  const char *action;    /* "use_small_model()" */
  ModelState state;      /* after the step */
  double value, threshold; /* the two sides of the condition; NaN where there are none */
} DecisionStep;

enum { DECISION_STEPS = 8 };

/* How a wish for other requests reaches the replicas. */
typedef enum UpdateMode {
  UPDATE_ALL,      /* all of them, now: in place, by replacement where GPUs change */
  UPDATE_NEW,      /* replicas created from now on */
  UPDATE_EVICT,    /* those, and the listed ones are evicted: each drains and a new one is created */
  UPDATE_IN_PLACE  /* those, and the listed ones are resized where they are; without room it waits (Deferred) and is tried again
                      whenever capacity is freed; beyond the node's allocatable it is Infeasible and nothing happens */
} UpdateMode;

/* What a policy wishes, and how it came to that. decide starts from a Decision that wishes what is there now. */
typedef struct Decision {
  int64_t replicas;
  int64_t request_millicores, request_bytes, request_milligpus; /* of one replica */
  int variant;
  UpdateMode update;
  uint32_t *updated;   /* ordinals for UPDATE_EVICT and UPDATE_IN_PLACE; room for observation->n_replicas */
  int64_t n_updated;
  uint32_t *removed;   /* ordinals that go first should fewer replicas be wished; room for observation->n_replicas */
  int64_t n_removed;
  int64_t keep_alive_ns; /* a replica that has been idle this long goes by itself, not below the minimum; 0: never */
  const Distribution *keep_alive_law; /* of ns, instead: drawn anew each time a replica becomes idle; NULL: keep_alive_ns */
  bool cancels_starts;   /* the newest replica on its way is cancelled when those before it will do for the jobs that wait */
  /* the values on the way, NaN where the rule has none */
  double metric, target, raw_replicas, after_tolerance, stabilised, rate_limited;
  double data_size_bytes;
  int resource_limit; /* 1, 0, or -1 when the policy does not look */
  ModelState model_state;
  const char *reason; /* constant text: "within tolerance", "at the pool's maximum" ... */
  int n_steps;
  DecisionStep step[DECISION_STEPS];
} Decision;

/* How often a policy looks and how metrics reach it, unless the strategy says otherwise (`period`, `metrics`). */
typedef struct PolicyTiming {
  int64_t period_ns, scrape_ns, window_ns, lag_ns;
} PolicyTiming;

enum { POLICY_METRICS = 16 };

/* Most policies scale one deployment by itself: `decide`. One that weighs deployments against each other has `decide_all` instead: it is
 * called once for all deployments of the strategy's `scale`, with one state; observation[k] and decision[k] belong together.
 * Optional members are NULL or 0. */
typedef struct Policy {
  Model model;         /* first */
  bool reads_only;     /* never wishes a change: its ticks are local */
  bool reads_replicas; /* wants observation->replica */
  AskKind asks;        /* is called between ticks, too */
  bool clairvoyant;    /* its decisions are made by sim/lab, from the whole arrival sequence */
  bool resizes;        /* may wish other CPU or memory requests than the scenario states */
  size_t state_bytes;  /* zeroed before the first decide */
  size_t (*state_bytes_of)(const void *params);  /* instead, where it depends on the parameters */
  void (*timing)(const void *params, PolicyTiming *timing); /* changes the usual 15 s, 15 s, 60 s, 0 s */
  size_t (*metrics)(const void *params, MetricQuery query[POLICY_METRICS]); /* how many it reads, and which */
  void (*decide)(const void *params, void *state, const Observation *observation, Decision *decision);
  void (*decide_all)(const void *params, void *state, const Observation *observation, Decision *decision, size_t n);
} Policy;

/* A decision that wishes what is there now: no steps, values NaN, no state. What decide starts from. */
void decision_begin(Decision *decision, const Observation *observation);
/* Appends a step (ignored beyond DECISION_STEPS). */
void decision_step(Decision *decision, const char *step, const char *condition, int result, const char *action, ModelState state,
                   double value, double threshold);
const char *model_state_name(ModelState state);  /* "small_model_running" */
const char *model_state_words(ModelState state); /* "Small model running" */

#endif
