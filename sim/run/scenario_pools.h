/* What a scenario may say of a pool beyond its machines: what goes wrong with them, and how they are paid. Tables and checks are in
 * scenario_pools.c, which also turns the decoded parts into those of a NodePool. */
#ifndef SIM_RUN_SCENARIO_POOLS_H
#define SIM_RUN_SCENARIO_POOLS_H

#include "sim/contract/trace_data.h"
#include "sim/world/pool.h"

#define LIFETIME_S 3.2e9 /* about a hundred years */

#define NODE_FAILURES_FIELDS(F, C, O, L, M, R, P)                                                         \
  F(duration_dist, mtbf, "0s", 0, LIFETIME_S, OPTIONAL, "a node is up for so long; a plain duration is the mean of an exponential; 0s: it never fails", "") \
  F(duration_dist, repair, "0s", 0, LIFETIME_S, OPTIONAL, "a failed node comes back, empty, after this; 0s: it is gone, and the node policy may order another", "") \
  F(integer, crews, "0", 0, 1000, OPTIONAL, "repairs at once, first come first served; 0: no limit", "") \
  C(strikes, failure_strikes_names, "always", "always, or serving: a failure passes a node on which no job is in service", "") \
  F(duration, detect, "0s", 0, LIFETIME_S, OPTIONAL, "replicas lost with a node are replaced after this", "node-monitor-grace-period 40s, and tolerationSeconds 300 of unreachable nodes, Kubernetes") \
  F(ratio, start, "0", 0, 1, OPTIONAL, "probability that a node that was ordered never becomes ready", "") \
  F(duration, start_detect, "15m", 0, LIFETIME_S, OPTIONAL, "which is seen after this; the pool then backs off", "--max-node-provision-time 15m, cluster-autoscaler")
typedef struct NodeFailuresSpec { FIELD_MEMBERS(NODE_FAILURES_FIELDS) } NodeFailuresSpec;

#define SPOT_FIELDS(F, C, O, L, M, R, P)                                                                  \
  F(rate, reclaims, "0/s", 0, 1, OPTIONAL, "how often a node is taken back (0.05/h)", "")                 \
  P(trace, TraceFile, &trace_file_type, "instants at which a node of the pool is taken back (the first only begins the record), or numbers of nodes per interval (taken at its beginning)") \
  F(duration, notice, "2m", 0, 86400, OPTIONAL, "from the notice, when the node begins to drain, to its end", "AWS EC2: spot instance interruption notice, 2 minutes") \
  F(usd_per_h, price, "$0/h", 0, 1e6, OPTIONAL, "of a node; $0/h: the machine's", "")
typedef struct SpotSpec { FIELD_MEMBERS(SPOT_FIELDS) } SpotSpec;

#define STOCKOUTS_FIELDS(F, C, O, L, M, R, P)                                                             \
  F(duration_dist, every, "0s", 0, LIFETIME_S, OPTIONAL, "from the end of one (or the start) to the beginning of the next; a plain duration is the mean of an exponential; 0s: never", "") \
  F(duration_dist, last, "30m", 0, LIFETIME_S, OPTIONAL, "how long no node is to be had", "")             \
  F(text, market, NULL, 0, 0, OPTIONAL, "machine type and zone: pools that name the same run out at the same times; the pool by itself if left out", "")
typedef struct StockoutsSpec { FIELD_MEMBERS(STOCKOUTS_FIELDS) } StockoutsSpec;

#define BACKOFF_FIELDS(F, C, O, L, M, R, P)                                                               \
  F(duration, first, "5m", 1, 86400, OPTIONAL, "no order for so long after one was refused, or its node never came up", "--initial-node-group-backoff-duration 5m, cluster-autoscaler") \
  F(duration, most, "30m", 1, 86400, OPTIONAL, "each one in a row waits twice as long, at most this", "--max-node-group-backoff-duration 30m, cluster-autoscaler")
typedef struct BackoffSpec { FIELD_MEMBERS(BACKOFF_FIELDS) } BackoffSpec;

#define SLOW_FIELDS(F, C, O, L, M, R, P)                                                                  \
  F(ratio, share, "0", 0, 1, OPTIONAL, "share of the nodes that are slow", "")                            \
  F(ratio, speed, "50%", 1e-3, 1, OPTIONAL, "their speed, as part of the machine's", "")
typedef struct SlowSpec { FIELD_MEMBERS(SLOW_FIELDS) } SlowSpec;

#define PULLS_FIELDS(F, C, O, L, M, R, P)                                                                 \
  F(integer, pool, "0", 0, 1e6, OPTIONAL, "replicas of the pool that load at full speed at once; more share it evenly (bandwidth of the registry / of one load); 0: no limit", "") \
  F(integer, node, "0", 0, 1e6, OPTIONAL, "the same of one node", "")
typedef struct PullsSpec { FIELD_MEMBERS(PULLS_FIELDS) } PullsSpec;

#define WARM_FIELDS(F, C, O, L, M, R, P)                                                                  \
  F(integer, nodes, "0", 0, 10000, OPTIONAL, "nodes kept prepared, beside those of the pool; one that is taken is replaced by another, which takes a start-up", "warm pools, AWS EC2 Auto Scaling") \
  F(duration_dist, startup, "30s", 0, LIFETIME_S, OPTIONAL, "from order to ready, of a prepared node", "") \
  F(ratio, price, "10%", 0, 1, OPTIONAL, "of each of them, as part of the price of a node: 100% for running ones, that of their disks for stopped ones", "") \
  F(ratio, load, "100%", 0, 1, OPTIONAL, "time a replica takes to load on a node that was prepared, as part of the usual one", "")
typedef struct WarmSpec { FIELD_MEMBERS(WARM_FIELDS) } WarmSpec;

#define RESERVED_FIELDS(F, C, O, L, M, R, P)                                                              \
  F(integer, nodes, "0", 0, 10000, OPTIONAL, "nodes that are paid whether used or not; they are used first", "") \
  F(usd_per_h, price, "$0/h", 0, 1e6, OPTIONAL, "of each", "")
typedef struct ReservedSpec { FIELD_MEMBERS(RESERVED_FIELDS) } ReservedSpec;

#define COMMITTED_FIELDS(F, C, O, L, M, R, P)                                                             \
  F(usd_per_h, spend, "$0/h", 0, 1e6, OPTIONAL, "paid whether used or not; what goes beyond it costs the usual price", "Savings Plans, AWS; committed use discounts, Google Cloud") \
  F(integer, nodes, "0", 0, 9000, OPTIONAL, "or the spend for so many nodes", "")                          \
  F(ratio, discount, "0", 0, 0.99, OPTIONAL, "off the price of what the spend buys", "")
typedef struct CommittedSpec { FIELD_MEMBERS(COMMITTED_FIELDS) } CommittedSpec;

typedef struct HourValue { double value; } HourValue;

#define CARBON_FIELDS(F, C, O, L, M, R, P)                                                                \
  F(number, intensity, "0", 0, 1e5, OPTIONAL, "g of CO2 equivalent for each kWh", "")                     \
  L(by_hour, HourValue, &hour_value_type, OPTIONAL, "or a value for each hour, again from the first one after the last") \
  P(trace, TraceFile, &trace_file_type, "or counts per interval, read as g/kWh; the last one holds on")   \
  F(number, pue, "1", 1, 10, OPTIONAL, "energy of the building / of the machines", "power usage effectiveness, ISO/IEC 30134-2")
typedef struct CarbonSpec { FIELD_MEMBERS(CARBON_FIELDS) } CarbonSpec;

/* The parts that POOL_FIELDS embeds. */
typedef struct PoolParts {
  const NodeFailuresSpec *failures;
  const SpotSpec *spot;
  const StockoutsSpec *stockouts;
  const BackoffSpec *backoff;
  const SlowSpec *slow;
  const PullsSpec *pulls;
  const WarmSpec *warm;
  const ReservedSpec *reserved;
  const CommittedSpec *committed;
} PoolParts;

extern const Type node_failures_type, spot_type, stockouts_type, backoff_type, slow_type, pulls_type, warm_type, reserved_type, committed_type, carbon_type,
    hour_value_type;

/* Fills those parts of a pool whose name, machine and start-up are set. Errors carry paths under `path`. */
bool pool_parts_resolve(NodePool *pool, const PoolParts *parts, int64_t horizon_ns, const char *path, Arena *arena, Err *err);
/* An earlier pool of the same market that says something else of its stock-outs, or NULL. */
const NodePool *pool_of_other_stock(const NodePool *pools, size_t p);
/* Mean intensity over [from, to), g/kWh. */
double carbon_g_per_kwh(const CarbonSpec *carbon, int64_t from_ns, int64_t to_ns);

#endif
