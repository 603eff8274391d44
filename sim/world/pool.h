/* A pool of equal machines as the scenario states it: what a machine has, what it costs, and what goes wrong with it. Constant. Every part
 * that is all zero is switched off: nodes then never fail, are always to be had, and cost what the machine costs. */
#ifndef SIM_WORLD_POOL_H
#define SIM_WORLD_POOL_H

#include "sim/core/distribution.h"
#include "sim/core/resources.h"
#include "sim/core/time.h"

typedef enum Placement { PLACEMENT_FIRST_FIT, PLACEMENT_BEST_FIT, PLACEMENT_SPREAD } Placement;

typedef struct MachineType {
  const char *name;
  Resources capacity, allocatable;
  int64_t nano_usd_per_h;
  double speed; /* relative; 1 = reference */
  int64_t idle_milliwatts, busy_milliwatts; /* nothing to do; all of it in use */
} MachineType;

/* Nodes that break, or never come up. */
typedef struct PoolFailures {
  bool breaks;              /* up for mtbf_ns after it became ready (again) */
  Distribution mtbf_ns;
  bool repairs;             /* comes back, empty, after repair_ns; else it is gone */
  Distribution repair_ns;
  int64_t crews;            /* repairs at once, first come first served; 0: no limit */
  bool only_serving;        /* a failure passes a node on which no job is in service */
  int64_t detect_ns;        /* from the loss to the creation of other replicas */
  double start_ratio;       /* nodes that never become ready */
  int64_t start_detect_ns;  /* from their order to their being given up */
} PoolFailures;

/* Nodes that are taken back. Instants by rate, or listed for the whole pool. */
typedef struct PoolSpot {
  double reclaims_per_ns; /* of each node, from ready on */
  const int64_t *instant_ns; /* ascending; each takes `count` of the pool's nodes, or one where that is NULL */
  const int64_t *count;
  size_t n_instants;
  int64_t notice_ns;
} PoolSpot;

/* Times in which no node is to be had. */
typedef struct PoolStock {
  bool runs_out;
  Distribution every_ns, last_ns; /* in stock for, out of stock for */
  uint32_t market;                /* entity of its draws: pools of one market run out together */
  int64_t backoff_first_ns, backoff_most_ns; /* after a refused order or a failed start; doubled while they follow each other */
} PoolStock;

/* Nodes prepared beforehand, paid at warm_nano_usd_per_h all the time. */
typedef struct PoolWarm {
  int64_t nodes;
  Distribution startup_ns; /* instead of the pool's */
  int64_t nano_usd_per_h;
  double load_ratio;       /* of the time replicas load on such a node: images are there */
} PoolWarm;

/* What is paid beyond, or instead of, the machine's price. */
typedef struct PoolPrices {
  int64_t reserved_nodes, reserved_nano_usd_per_h;  /* paid whether used or not; used first */
  int64_t committed_nano_usd_per_h;                 /* spend paid whether used or not ... */
  int64_t committed_node_nano_usd_per_h;            /* ... that buys nodes at this price; then they cost what the machine costs */
} PoolPrices;

typedef struct NodePool {
  const char *name;
  uint32_t entity; /* hash of the name: draws of its nodes */
  MachineType machine;
  int64_t min_nodes, max_nodes, initial_nodes; /* min <= initial <= max; the initial ones are ready at 0 */
  Distribution startup_ns; /* order to ready */
  Placement placement;     /* first-fit: lowest node id; best-fit: least dominant share left; spread: fewest replicas, then lowest id;
                              a deployment that may use several pools goes by the rule of its first one, and earlier pools win ties */
  int64_t minimum_charge_ns; /* every node is billed at least this long */
  int64_t granularity_ns;    /* billed time is rounded up to a multiple at release (1 s, 1 h); >= 1 */
  bool bill_startup;         /* billed from the order (true) or from ready (false) */
  PoolFailures failures;
  PoolSpot spot;
  PoolStock stock;
  PoolWarm warm;
  PoolPrices prices;
  double slow_ratio, slow_speed;      /* share of nodes that run at this part of the machine's speed */
  int64_t pulls_pool, pulls_node;     /* replicas that load at full speed at once; more share it; 0: no limit */
} NodePool;

/* Nothing of it goes wrong, and nothing but the machine's price is paid. */
bool pool_is_plain(const NodePool *pool);

#endif
