/* What fits where: room on a node, GPU by GPU, the placement rules, and the questions policies ask about room. */
#include "sim/base/check.h"
#include "sim/world/cluster_internal.h"

enum { ROOM_ENOUGH = 1000000 }; /* replicas that ask for nothing fit this often */

static int64_t free_whole_gpus(const NodePool *pool, const Node *node) {
  int64_t n = 0;
  for (int64_t g = 0; g < machine_gpus(pool); g++) n += node->gpu_free[g] == GPU_FREE;
  return n;
}

/* The fullest GPU that still has room for a fraction. */
static bool find_shared_gpu(const NodePool *pool, const Node *node, int64_t milligpus, uint32_t *gpu) {
  bool found = false;
  for (uint32_t g = 0; g < machine_gpus(pool); g++) {
    if (node->gpu_free[g] < milligpus || (found && node->gpu_free[g] >= node->gpu_free[*gpu])) continue;
    *gpu = g;
    found = true;
  }
  return found;
}

bool node_has_room(const NodePool *pool, const Node *node, Resources request, uint32_t *gpu) {
  *gpu = 0;
  Resources room = resources_subtract(pool->machine.allocatable, node->used);
  if (request.millicores > room.millicores || request.bytes > room.bytes) return false;
  if (request.milligpus == 0) return true;
  if (request.milligpus < 1000) return find_shared_gpu(pool, node, request.milligpus, gpu);
  return free_whole_gpus(pool, node) >= whole_gpus(request.milligpus);
}

static void gpus_change(const NodePool *pool, Node *node, int64_t milligpus, uint32_t gpu, bool take) {
  if (milligpus > 0 && milligpus < 1000) {
    node->gpu_free[gpu] += take ? -milligpus : milligpus;
    return;
  }
  int64_t wanted = whole_gpus(milligpus), from = take ? GPU_FREE : GPU_WHOLE;
  for (int64_t g = 0; g < machine_gpus(pool) && wanted; g++) {
    if (node->gpu_free[g] != from) continue;
    node->gpu_free[g] = take ? GPU_WHOLE : GPU_FREE;
    wanted--;
  }
  CHECK(wanted == 0);
}

void node_take(const NodePool *pool, Node *node, Resources request, uint32_t gpu) {
  node->used = resources_add(node->used, request);
  gpus_change(pool, node, request.milligpus, gpu, true);
}

void node_give_back(const NodePool *pool, Node *node, Resources request, uint32_t gpu) {
  node->used = resources_subtract(node->used, request);
  gpus_change(pool, node, request.milligpus, gpu, false);
}

static int64_t times(int64_t room, int64_t request) { return request > 0 ? room / request : ROOM_ENOUGH; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t node_count_room(const NodePool *pool, const Node *node, Resources request) {
  Resources room = resources_subtract(pool->machine.allocatable, node->used);
  int64_t n = smaller(times(room.millicores, request.millicores), times(room.bytes, request.bytes));
  if (request.milligpus == 0) return n;
  if (request.milligpus >= 1000) return smaller(n, free_whole_gpus(pool, node) / whole_gpus(request.milligpus));
  int64_t shared = 0;
  for (int64_t g = 0; g < machine_gpus(pool); g++) shared += node->gpu_free[g] > 0 ? node->gpu_free[g] / request.milligpus : 0;
  return smaller(n, shared);
}

/* The largest part of any resource that would stay free, in 1/SHARE_ONE: best fit leaves the least. */
static int64_t share_left(const NodePool *pool, const Node *node, Resources request) {
  Resources all = pool->machine.allocatable, left = resources_subtract(resources_subtract(all, node->used), request);
  int64_t share = 0, part;
  if (all.millicores && (part = (int64_t)((__int128)left.millicores * SHARE_ONE / all.millicores)) > share) share = part;
  if (all.bytes && (part = (int64_t)((__int128)left.bytes * SHARE_ONE / all.bytes)) > share) share = part;
  if (all.milligpus && (part = (int64_t)((__int128)left.milligpus * SHARE_ONE / all.milligpus)) > share) share = part;
  return share;
}

/* The ready node that takes the replica by the pool's rule, lowest id among equals; NODE_NONE. */
static uint32_t choose_node(const Cluster *c, uint32_t p, Resources request, uint32_t *gpu) {
  const NodePool *pool = &c->pool[p];
  uint32_t best = NODE_NONE, shared;
  int64_t least = INT64_MAX;
  for (uint32_t n = 0; n < c->n_nodes; n++) {
    const Node *node = &c->node[n];
    if (node->pool != p || node->state != NODE_READY || !node_has_room(pool, node, request, &shared)) continue;
    int64_t measure = 0;
    switch (pool->placement) {
      case PLACEMENT_FIRST_FIT: break;
      case PLACEMENT_BEST_FIT: measure = share_left(pool, node, request); break;
      case PLACEMENT_SPREAD: measure = node->n_replicas; break;
    }
    if (measure >= least) continue;
    least = measure;
    best = n;
    *gpu = shared;
    if (pool->placement == PLACEMENT_FIRST_FIT) break;
  }
  return best;
}

/* Dominant share of a request on a machine, rounded up. */
static int64_t dominant_share(Resources all, Resources request) {
  int64_t share = 0, part;
  if (all.millicores && (part = (int64_t)(((__int128)request.millicores * SHARE_ONE + all.millicores - 1) / all.millicores)) > share) share = part;
  if (all.bytes && (part = (int64_t)(((__int128)request.bytes * SHARE_ONE + all.bytes - 1) / all.bytes)) > share) share = part;
  if (all.milligpus && (part = (int64_t)(((__int128)request.milligpus * SHARE_ONE + all.milligpus - 1) / all.milligpus)) > share) share = part;
  return share;
}

static void replica_charge(Cluster *c, Replica *replica, int64_t sign) {
  Node *node = &c->node[replica->node];
  if (sign > 0) replica->share = dominant_share(c->pool[node->pool].machine.allocatable, replica->request);
  node->share_sum += sign * replica->share;
  PoolLevel *pool = &c->pool_level[node->pool];
  TenantLevel *tenant = &c->tenant_level[replica->deployment];
  pool->used = sign > 0 ? resources_add(pool->used, replica->request) : resources_subtract(pool->used, replica->request);
  tenant->requested = sign > 0 ? resources_add(tenant->requested, replica->request) : resources_subtract(tenant->requested, replica->request);
}

bool replica_place(Cluster *c, uint32_t id, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Replica *replica = &c->replica[id];
  CHECK(replica->state == REPLICA_PENDING);
  uint32_t p = c->deployment_pool[replica->deployment], gpu;
  PoolLevel *level = &c->pool_level[p];
  /* Pending replicas are tried again at every look, mostly in vain: a request that takes at least as much as a refused one is refused. */
  if (level->full && resources_fit(level->full_for, replica->request)) return false;
  uint32_t n = choose_node(c, p, replica->request, &gpu);
  if (n == NODE_NONE) {
    level->full = true;
    level->full_for = replica->request;
    return false;
  }
  Node *node = &c->node[n];
  node_take(&c->pool[p], node, replica->request, gpu);
  replica->node = n;
  replica->gpu = gpu;
  replica->state = REPLICA_STARTING;
  replica->placed_ns = now_ns;
  replica->next_on_node = node->first_replica;
  node->first_replica = id;
  node->n_replicas++;
  node->empty_since_ns = INSTANT_NEVER;
  replica_charge(c, replica, 1);
  c->deployment_pending[replica->deployment]--;
  c->tenant_level[replica->deployment].pending--;
  cluster_changed(c);
  return true;
}

static void leave_node(Cluster *c, uint32_t id, int64_t now_ns) {
  Replica *replica = &c->replica[id];
  Node *node = &c->node[replica->node];
  node_give_back(&c->pool[node->pool], node, replica->request, replica->gpu);
  replica_charge(c, replica, -1);
  uint32_t *link = &node->first_replica;
  while (*link != id) link = &c->replica[*link].next_on_node;
  *link = replica->next_on_node;
  if (--node->n_replicas == 0) node->empty_since_ns = now_ns;
  pool_has_more_room(c, node->pool);
  replica->node = NODE_NONE;
}

void replica_remove(Cluster *c, uint32_t id, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Replica *replica = &c->replica[id];
  CHECK(replica->state != REPLICA_GONE);
  if (replica->state == REPLICA_PENDING) {
    c->deployment_pending[replica->deployment]--;
    c->tenant_level[replica->deployment].pending--;
  } else {
    leave_node(c, id, now_ns);
  }
  replica->state = REPLICA_GONE;
  if (id < c->first_free_replica) c->first_free_replica = id;
  cluster_changed(c);
}

bool replica_resize(Cluster *c, uint32_t id, Resources request, Resources limit, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  Replica *replica = &c->replica[id];
  CHECK(replica->state != REPLICA_GONE && request.milligpus == replica->request.milligpus);
  if (replica->node != NODE_NONE) {
    Node *node = &c->node[replica->node];
    Resources room = resources_subtract(c->pool[node->pool].machine.allocatable, resources_subtract(node->used, replica->request));
    if (request.millicores > room.millicores || request.bytes > room.bytes) return false;
    replica_charge(c, replica, -1);
    node->used = resources_add(resources_subtract(node->used, replica->request), request);
    replica->request = request;
    replica_charge(c, replica, 1);
    pool_has_more_room(c, node->pool);
  }
  replica->request = request;
  replica->limit = limit;
  cluster_changed(c);
  return true;
}

/* ---- questions ---- */

static int64_t pool_pending(const Cluster *c, uint32_t p) {
  int64_t n = 0;
  for (uint32_t d = 0; d < c->n_deployments; d++)
    if (c->deployment_pool[d] == p) n += c->deployment_pending[d];
  return n;
}

static int64_t empty_room(const NodePool *pool, Resources request) {
  Resources all = pool->machine.allocatable;
  int64_t n = smaller(times(all.millicores, request.millicores), times(all.bytes, request.bytes)), gpus = machine_gpus(pool);
  if (request.milligpus == 0) return n;
  return smaller(n, request.milligpus >= 1000 ? gpus / whole_gpus(request.milligpus) : gpus * (1000 / request.milligpus));
}

int64_t cluster_placeable(const Cluster *c, uint32_t p, Resources request) {
  const NodePool *pool = &c->pool[p];
  int64_t nodes = (int64_t)c->pool_nodes_ready[p] + c->pool_nodes_starting[p], unready = c->pool_nodes_starting[p];
  if (pool->max_nodes > nodes) unready += pool->max_nodes - nodes;
  int64_t n = unready * empty_room(pool, request);
  for (uint32_t k = 0; k < c->n_nodes; k++)
    if (c->node[k].pool == p && c->node[k].state == NODE_READY) n += node_count_room(pool, &c->node[k], request);
  n -= pool_pending(c, p);
  return n > 0 ? n : 0;
}

/* An imagined empty node. */
static Node *scratch_node(Cluster *c, uint32_t k, const NodePool *pool) {
  if (k == c->scratch_capacity) {
    uint32_t grown = k ? 2 * k : 8;
    c->scratch = arena_grow(c->arena, c->scratch, k, grown, sizeof *c->scratch);
    int64_t most = 0;
    for (uint32_t p = 0; p < c->n_pools; p++) most = machine_gpus(&c->pool[p]) > most ? machine_gpus(&c->pool[p]) : most;
    for (uint32_t n = k; n < grown; n++) c->scratch[n].gpu_free = ARENA_ARRAY(c->arena, int64_t, (size_t)most);
    c->scratch_capacity = grown;
  }
  Node *node = &c->scratch[k];
  node->used = (Resources){0, 0, 0};
  for (int64_t g = 0; g < machine_gpus(pool); g++) node->gpu_free[g] = GPU_FREE;
  return node;
}

int64_t cluster_nodes_needed(Cluster *c, uint32_t p) {
  const NodePool *pool = &c->pool[p];
  uint32_t starting = c->pool_nodes_starting[p], imagined = 0, k = 0, gpu;
  int64_t may = pool->max_nodes - (int64_t)c->pool_nodes_ready[p] - starting, pending = pool_pending(c, p);
  if (may <= 0 || !pending) return 0;
  Resources same = {-1, -1, -1};
  for (; imagined < starting; imagined++) scratch_node(c, imagined, pool);
  for (uint32_t r = 0; r < c->n_replicas && pending; r++) {
    const Replica *replica = &c->replica[r];
    if (replica->state != REPLICA_PENDING || c->deployment_pool[replica->deployment] != p) continue;
    pending--;
    if (!resources_equal(same, replica->request)) k = 0; /* else: where its like found no room there is none */
    same = replica->request;
    while (k < imagined && !node_has_room(pool, &c->scratch[k], replica->request, &gpu)) k++;
    if (k == imagined) {
      Node *node = scratch_node(c, imagined, pool);
      if (!node_has_room(pool, node, replica->request, &gpu)) continue; /* fits no machine of the pool */
      if (imagined - starting == may) return may;
      imagined++;
    }
    node_take(pool, &c->scratch[k], replica->request, gpu);
  }
  return (int64_t)imagined - starting;
}

Resources cluster_cap(const Cluster *c, uint32_t d) {
  const NodePool *pool = &c->pool[c->deployment_pool[d]];
  Resources cap = pool->machine.allocatable;
  for (uint32_t n = 0; n < c->n_nodes; n++) {
    const Node *node = &c->node[n];
    if (node->state != NODE_READY || &c->pool[node->pool] != pool) continue;
    Resources room = resources_subtract(pool->machine.allocatable, node->used);
    int64_t own = 0;
    for (uint32_t r = node->first_replica; r != REPLICA_NONE; r = c->replica[r].next_on_node) {
      const Replica *replica = &c->replica[r];
      if (replica->deployment != d || replica->state == REPLICA_DRAINING) continue;
      room = resources_add(room, replica->request);
      cap.milligpus = replica->request.milligpus;
      own++;
    }
    if (!own) continue;
    cap.millicores = smaller(cap.millicores, room.millicores / own);
    cap.bytes = smaller(cap.bytes, room.bytes / own);
  }
  return cap;
}

int64_t replica_effective_millicores(const Cluster *c, uint32_t id) {
  const Replica *replica = &c->replica[id];
  CHECK(replica->node != NODE_NONE);
  const Node *node = &c->node[replica->node];
  int64_t request = replica->request.millicores, idle = c->pool[node->pool].machine.allocatable.millicores - node->used.millicores;
  if (replica->limit.millicores <= request || idle <= 0) return request;
  int64_t part = node->used.millicores > 0 ? (int64_t)((__int128)idle * request / node->used.millicores) : idle / node->n_replicas;
  return smaller(request + part, replica->limit.millicores);
}
