/* The threshold rule's parameters, what it remembers, and the facts its transition table asks for. threshold_facts.c looks at the
 * observation, threshold.c holds the table and walks it. */
#ifndef MODELS_POLICY_THRESHOLD_H
#define MODELS_POLICY_THRESHOLD_H

#include "sim/contract/policy.h"

#define SIZE_POINT_FIELDS(F, C, O, L, M, R, P)                   \
  F(duration, at, NULL, 0, 3.2e9, REQUIRED, "from when on", "") \
  F(bytes, size, NULL, 0, 1e18, REQUIRED, "size of the data", "")
typedef struct SizePoint { FIELD_MEMBERS(SIZE_POINT_FIELDS) } SizePoint;

typedef enum DataSource { DATA_OFFERED, DATA_BACKLOG, DATA_SERIES, DATA_JOB } DataSource;
#define DATA_SIZE_FIELDS(F, C, O, L, M, R, P)                                                                              \
  C(source, data_source_names, "offered", "offered: data that arrived in the window; backlog: data waiting or in service; series: given below; job: mean of a job that arrived in the window", "") \
  F(bytes, below, "10G", 1, 1e18, OPTIONAL, "data below this size are small: data_size < threshold", "founding decision") \
  F(ratio, hysteresis, "10%", 0, 0.99, OPTIONAL, "large data become small again only this share below the threshold", "") \
  L(series, SizePoint, &size_point_type, OPTIONAL, "size of the dataset over time: instants, ascending; the first holds before it, too")
typedef struct DataSize { FIELD_MEMBERS(DATA_SIZE_FIELDS) } DataSize;

typedef enum LimitSource { LIMIT_POOL, LIMIT_QUOTA, LIMIT_BUDGET, LIMIT_ALWAYS, LIMIT_NEVER, LIMIT_STOCK_OUT } LimitSource;
#define RESOURCE_LIMIT_FIELDS(F, C, O, L, M, R, P)                                                                         \
  C(source, limit_source_names, "pool", "pool: it has its maximum of nodes; quota, budget: one more replica would pass it; always; never; stock-out: none of its pools gives a node, each was refused one or has its maximum", "") \
  F(cpu, quota_cpu, "0", 0, 1e9, OPTIONAL, "quota: CPU cores of all replicas; 0: none", "requests.cpu, Kubernetes ResourceQuota") \
  F(integer, quota_replicas, "0", 0, 1e6, OPTIONAL, "quota: replicas; 0: none", "pods, Kubernetes ResourceQuota")       \
  F(usd_per_h, budget, "$0/h", 0, 1e6, OPTIONAL, "budget: spend of the whole cluster", "")
typedef struct ResourceLimit { FIELD_MEMBERS(RESOURCE_LIMIT_FIELDS) } ResourceLimit;

#define THRESHOLD_FIELDS(F, C, O, L, M, R, P)                                                                              \
  O(data_size, DataSize, &data_size_type, OPTIONAL, "what the size of the data is, and the threshold")                  \
  O(resource_limit, ResourceLimit, &resource_limit_type, OPTIONAL, "when no more nodes are to be had")                  \
  F(ratio, scale_up_above, "70%", 1e-6, 1e3, OPTIONAL, "utilisation above this needs to scale (so does a missed objective)", "") \
  F(ratio, target, "60%", 1e-6, 1e3, OPTIONAL, "utilisation that a scaling aims at", "")                                \
  F(ratio, scale_down_below, "30%", 0, 1e3, OPTIONAL, "utilisation below this gives back", "")                          \
  F(duration, scale_down_after, "5m", 0, 86400, OPTIONAL, "once it has been so low for this long", "")                  \
  F(ratio, least_step, "10%", 0, 100, OPTIONAL, "a resize grows a request by this share at least", "")                  \
  F(cpu, max_cpu, "0", 0, 1e6, OPTIONAL, "request at most; 0: what the nodes can give", "")                             \
  F(duration, cooldown, "60s", 0, 86400, OPTIONAL, "an action is left to settle for this long", "")                     \
  F(duration, start_patience, "10m", 0, 86400, OPTIONAL, "and, at most so long, until its replicas are ready", "")      \
  F(integer, optimized_after, "4", 1, 1e6, OPTIONAL, "periods without action, objective met, until it counts as optimized", "")
typedef struct Threshold { FIELD_MEMBERS(THRESHOLD_FIELDS) } Threshold;
extern const Type threshold_type;

/* What the rule remembers; zero at the start. */
typedef struct ThresholdState {
  ModelState model_state;
  bool begun, acted, below, data_small, grew, shrank;
  int64_t acted_ns, below_since_ns;
  int64_t quiet; /* looks without action and with the objective met */
  int64_t initial_replicas;
  double data_edge_bytes; /* what the data size was compared with last: the threshold, or its lower edge */
  int large; /* the variant used for large data */
} ThresholdState;

enum {
  FACT_METRICS = 1,          /* a scrape is visible */
  FACT_SETTLED = 2,          /* the last action has settled */
  FACT_NEED = 4,             /* need to scale */
  FACT_SMALL_DATA = 8,       /* data_size < threshold, with hysteresis */
  FACT_SMALL_RUNNING = 16,   /* the smallest variant is wished */
  FACT_GREW = 32,            /* data grew past the threshold, the small model is still used */
  FACT_SHRANK = 64,          /* data fell below it, the small model is not yet used */
  FACT_LIMIT = 128,          /* resource_limit */
  FACT_CAN_VERTICAL = 256,
  FACT_CAN_HORIZONTAL = 512,
  FACT_GIVE_BACK = 1024,     /* too little to do for long enough, and something to give back */
  FACT_QUIET = 2048          /* optimized_after periods without action, objective met */
};

/* Facts and what each action would wish. */
typedef struct ThresholdView {
  unsigned facts;
  double data_size_bytes;
  int64_t horizontal_replicas, vertical_millicores;
  int64_t fewer_replicas, smaller_millicores;
} ThresholdView;

/* Looks at the observation; updates what is remembered of data and load (not of actions). */
ThresholdView threshold_look(const Threshold *threshold, ThresholdState *state, const Observation *observation);

#endif
