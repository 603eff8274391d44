/* The cluster: pools of nodes, the replicas placed on them, and what it all costs. One Cluster belongs to one run; only the control
 * plane changes it, at instants that never go back. Capacity is conserved: on every node the sum of its replicas' requests is what
 * `used` says and fits allocatable (checked after every change in debug builds). Money is integer: the parts sum exactly to the whole.
 *
 * Replica: pending (no node) -> starting (placed, loading) -> ready -> draining -> gone. Node: starting -> ready -> gone; one that fails is
 * gone, or down until it is repaired and ready again. A cordoned node takes no further replicas; a draining one is cordoned for good, and is
 * released when its last replica has left; a doomed one is draining, too, and will be lost at lost_ns whatever is on it.
 * Fractions of a GPU: a request of less than 1000 milli-GPUs must fit one GPU of the node (fractions share a GPU, whole ones do not
 * split): a node keeps the free milli-GPUs of each of its GPUs; more than 1000 must be whole. */
#ifndef SIM_WORLD_CLUSTER_H
#define SIM_WORLD_CLUSTER_H

#include <stddef.h>

#include "sim/base/arena.h"
#include "sim/core/rng.h"
#include "sim/world/pool.h"

typedef enum NodeState { NODE_STARTING, NODE_READY, NODE_DOWN, NODE_GONE } NodeState;

typedef struct Node {
  uint32_t pool;
  uint32_t ordinal; /* n-th node of its pool: draw index of its start-up */
  NodeState state;
  int64_t ordered_ns, ready_ns, gone_ns; /* ready_ns is known from the order on */
  Resources used;
  int64_t *gpu_free; /* milli-GPUs free on each GPU of the machine; GPU_WHOLE: given whole */
  uint32_t n_replicas;
  uint32_t first_replica; /* list of its replicas through Replica.next_on_node; REPLICA_NONE ends it */
  int64_t share_sum; /* of its replicas' dominant shares, SHARE_ONE = the whole node */
  int64_t empty_since_ns; /* INSTANT_NEVER while it holds replicas */
  int64_t changed_ns;     /* a replica came, began to drain, or left; ready_ns before the first */
  int64_t billed_since_ns;
  bool cordoned, draining;
  bool warm;              /* was prepared beforehand */
  bool fails_to_start;    /* ready_ns is when that is seen */
  double speed;           /* part of the machine's speed */
  uint32_t n_failures;    /* instants of failure so far: draw index of the next */
  int64_t fails_ns;       /* the next one; INSTANT_NEVER */
  int64_t reclaimed_ns;   /* the notice that it will be taken back; INSTANT_NEVER */
  int64_t lost_ns;        /* doomed: when it is taken; INSTANT_NEVER */
} Node;

#define SHARE_ONE (INT64_C(1) << 30)
enum { REPLICA_NONE = 0xffffffffu, NODE_NONE = 0xffffffffu };

typedef enum ReplicaState { REPLICA_PENDING, REPLICA_STARTING, REPLICA_READY, REPLICA_DRAINING, REPLICA_GONE } ReplicaState;

typedef struct Replica {
  uint32_t deployment;
  uint32_t ordinal; /* n-th replica of its deployment: draw index of its load time */
  uint32_t node;    /* NODE_NONE while pending and when gone */
  uint32_t next_on_node;
  uint32_t gpu;     /* the GPU a fraction sits on */
  uint32_t replaces; /* the replica it stands in for, drained when this one is ready; REPLICA_NONE */
  ReplicaState state;
  int variant;
  Resources request, limit;
  int64_t share; /* dominant share of its node's allocatable, rounded up, in units of 1/SHARE_ONE */
  int64_t created_ns, placed_ns, ready_ns;
} Replica;

/* Integrals of one row of the trace. Money in nano-USD/h times ns (divide by 3.6e12 for nano-USD). */
typedef struct PoolRow {
  __int128 nodes_ready, nodes_starting, cost; /* cost includes what roundings and the minimum charge added in this row */
  __int128 used_millicores, used_bytes, used_milligpus;         /* requested by replicas */
  __int128 room_millicores, room_bytes, room_milligpus; /* allocatable of ready nodes */
  __int128 nodes_down, unused; /* unused: reserved or committed and paid, but not used */
  int64_t failed, reclaimed, starts_failed, refused, warm; /* nodes; orders of a node that were refused; warm nodes taken */
} PoolRow;
typedef struct TenantRow {
  __int128 cost; /* this deployment's replicas: price * share / max(SHARE_ONE, share_sum), floored; the rest of a node is idle cost */
  __int128 pending, millicores, bytes, milligpus; /* replicas not yet placed; requested by placed ones */
  __int128 milliwatts; /* above idle, if its ready replicas use all that is theirs: their shares of the machines, as of the price */
} TenantRow;

/* What is constant between two changes. */
typedef struct PoolLevel {
  int64_t ready, starting, down, billed; /* nodes */
  Resources used;
  bool full;            /* no ready node has room for a request of `full_for` or more; until room grows somewhere */
  Resources full_for;
} PoolLevel;

/* What a pool remembers of orders and repairs. */
typedef struct PoolState {
  bool out;                 /* of stock */
  int64_t stock_changes_ns; /* next */
  uint64_t stock_draws;
  int64_t closed_until_ns;  /* no orders before: the last one was refused, or the node never came up */
  int64_t backoff_ns;       /* of that; 0: the last one went well */
  int64_t *warm_ns;         /* [warm.nodes]: when each place holds a node (again) */
  int64_t *crew_ns;         /* [failures.crews]: when each crew is free */
} PoolState;

typedef struct TenantLevel {
  int64_t pending;
  Resources requested;
  __int128 nano_usd_per_h; /* charged to the deployment's replicas */
  __int128 milliwatts;
} TenantLevel;

/* The pools a deployment may run on, the preferred one first; at least one. */
typedef struct PoolList {
  const uint32_t *pool;
  uint32_t count;
} PoolList;

/* Nodes of a pool that are not there (yet), empty but for what is imagined on them: for cluster_nodes_needed. */
typedef struct Imagined {
  Node *node;
  uint32_t capacity, count, starting, first;
  int64_t may; /* be ordered */
  Resources same;
} Imagined;

typedef struct Cluster {
  Arena *arena;
  const NodePool *pool;
  uint32_t n_pools, n_deployments;
  uint32_t n_single; /* deployments from here on place their replicas in gangs: a pending one may wait though a node has room for it */
  uint64_t seed;
  uint32_t replication;
  int64_t horizon_ns;
  int64_t accrued_ns; /* integrals are complete up to here */
  int64_t clock_ns;   /* the present instant, for questions that depend on it */
  Node *node;         /* ids of gone nodes and replicas are used again */
  uint32_t n_nodes, node_capacity;
  Replica *replica;
  uint32_t n_replicas, replica_capacity;
  uint32_t first_free_replica; /* no id below it is free: the lowest free one is used again */
  uint32_t *pool_nodes_ready, *pool_nodes_starting, *pool_nodes_draining, *pool_ordinal; /* draining ones are ready ones, too */
  PoolList *deployment_pools;
  uint32_t *deployment_ordinal, *deployment_pending;
  PoolLevel *pool_level;
  PoolState *pool_state;
  TenantLevel *tenant_level;
  uint32_t changes;      /* counts them */
  bool rates_changed;    /* tenant rates are computed again before the next accrual */
  __int128 spent;        /* nano-USD/h times ns, all pools, up to accrued_ns */
  PoolRow *pool_row;     /* [n_pools][TRACE_ROWS] */
  TenantRow *tenant_row; /* [n_deployments][TRACE_ROWS] */
  Imagined *imagined;    /* per pool */
  int64_t *needed;
} Cluster;

/* Makes the initial nodes (ready at 0). deployment_pools[d] are the pools of deployment d (copied; what they point to must stay). */
void cluster_begin(Cluster *cluster, Arena *arena, const NodePool *pool, uint32_t n_pools, const PoolList *deployment_pools,
                   uint32_t n_deployments, int64_t horizon_ns, uint64_t seed, uint32_t replication);
/* Completes integrals up to now (<= horizon). Every function below does this itself with its own `now_ns`. */
void cluster_accrue(Cluster *cluster, int64_t now_ns);
/* Bills every node still there as if released at the horizon (granularity and minimum charge go to idle cost). Call once. */
void cluster_end(Cluster *cluster);

/* A new pending replica; returns its id. */
uint32_t replica_create(Cluster *cluster, uint32_t deployment, Resources request, Resources limit, int variant, int64_t now_ns);
/* Tries to place a pending replica on a ready, not cordoned node of its pools by the pool's rule; it becomes STARTING. */
bool replica_place(Cluster *cluster, uint32_t replica, int64_t now_ns);
/* The same on this node; false if it has no room, or takes none. */
bool replica_place_on(Cluster *cluster, uint32_t replica, uint32_t node, int64_t now_ns);
void replica_ready(Cluster *cluster, uint32_t replica, int64_t now_ns);    /* STARTING -> READY */
void replica_drain(Cluster *cluster, uint32_t replica, int64_t now_ns);    /* READY -> DRAINING; holds its capacity */
void replica_remove(Cluster *cluster, uint32_t replica, int64_t now_ns);   /* any state -> GONE; capacity is free from now */
/* In place: CPU and memory only (milli-GPUs must not change). False and unchanged if the node has no room. Pending ones always succeed. */
bool replica_resize(Cluster *cluster, uint32_t replica, Resources request, Resources limit, int64_t now_ns);

/* Orders up to `count` nodes within max_nodes, warm ones first; returns how many. Their ready_ns are drawn now. An order while the pool is
 * out of stock is refused, and closes the pool for a while: further ones are not even made. */
uint32_t nodes_order(Cluster *cluster, uint32_t pool, uint32_t count, int64_t now_ns);
void node_ready(Cluster *cluster, uint32_t node, int64_t now_ns);
/* Releases an empty ready node if the pool keeps at least min_nodes that are not draining; a draining one in any case. False otherwise. */
bool node_release(Cluster *cluster, uint32_t node, int64_t now_ns);
/* Gives a starting node back before it is ready, under the same condition. */
bool node_cancel(Cluster *cluster, uint32_t node, int64_t now_ns);
/* A ready node takes no further replicas, or takes them again. A draining node stays cordoned. */
void node_cordon(Cluster *cluster, uint32_t node, bool cordoned, int64_t now_ns);
/* Marks a ready node as draining if the pool keeps at least min_nodes that are not; false otherwise. Moving its replicas and releasing it
 * when it is empty are the caller's. */
bool node_drain(Cluster *cluster, uint32_t node, int64_t now_ns);
/* A node that fails: its replicas must have been removed before. Not subject to min_nodes. Gone, or down: then ready_ns says until when. */
void node_fail(Cluster *cluster, uint32_t node, int64_t now_ns);
/* An instant of failure that does nothing (failures.only_serving): the next one is drawn. */
void node_spare(Cluster *cluster, uint32_t node, int64_t now_ns);
void node_repaired(Cluster *cluster, uint32_t node, int64_t now_ns); /* DOWN -> READY */
/* A starting node that turns out never to become ready: gone, and the pool is closed for a while. */
void node_give_up(Cluster *cluster, uint32_t node, int64_t now_ns);
/* Notice that a ready node is lost after the pool's notice: draining from now on, whatever the pool's minimum. */
void node_doom(Cluster *cluster, uint32_t node, int64_t now_ns);
/* The doomed node is taken: gone, however it was repaired. Its replicas must have been removed before. */
void node_taken(Cluster *cluster, uint32_t node, int64_t now_ns);

/* No order is made to the pool now: the last one was refused, or its node never came up. */
static inline bool pool_closed(const Cluster *cluster, uint32_t pool) { return cluster->pool_state[pool].closed_until_ns > cluster->clock_ns; }
/* Nodes that may still be ordered, as far as its maximum goes. */
int64_t pool_may_order(const Cluster *cluster, uint32_t pool);
/* How long of [from, to) the pool's market is out of stock; the same for every strategy. */
int64_t pool_out_ns(const Cluster *cluster, uint32_t pool, int64_t from_ns, int64_t to_ns);

/* How many more replicas of `request` could be placed in the pool, counting room on ready nodes (cordoned ones have none), on starting
 * ones (empty) and on nodes that may still be ordered, less one for each that is pending there already. */
int64_t cluster_placeable(const Cluster *cluster, uint32_t pool, Resources request);
/* The same over all pools of a deployment. */
int64_t deployment_placeable(const Cluster *cluster, uint32_t deployment, Resources request);
/* Nodes to order so that all pending replicas would fit, first-fit on starting nodes first, then on nodes of the first of a deployment's
 * pools that may have one more; capped by max. needed[n_pools]. */
/* Replicas of gangs take the room that ready nodes have before nodes are needed for them. */
void cluster_nodes_needed_all(Cluster *cluster, int64_t *needed);
int64_t cluster_nodes_needed(Cluster *cluster, uint32_t pool);
/* The first pool of the deployment whose machines could take the request; if none could, the one with most CPU. */
uint32_t deployment_roomiest_pool(const Cluster *cluster, uint32_t deployment, Resources request);
/* The largest request (CPU, memory) that every placed, not draining replica of the deployment could be given in place at once,
 * its neighbours of other deployments keeping theirs; draining ones keep theirs. GPUs as now. If it has no placed replica: a whole
 * node's allocatable, of the pool with most CPU. */
Resources cluster_cap(const Cluster *cluster, uint32_t deployment);
/* The CPU a placed replica may use now: request + its part of the node's idle CPU (allocatable - sum of requests), shared in
 * proportion to requests (to equal parts if all are 0), at most its limit (limit 0 = no limit above the request). */
int64_t replica_effective_millicores(const Cluster *cluster, uint32_t replica);
/* Current spend of all nodes (nano-USD/h), and money so far in nano-USD (rounded down) up to accrued_ns. */
__int128 cluster_nano_usd_per_h(const Cluster *cluster);
__int128 cluster_spent_nano_usd(const Cluster *cluster);
/* Aborts if any invariant is broken (debug builds call it after every change; tests call it always). */
void cluster_check(const Cluster *cluster);

#endif
