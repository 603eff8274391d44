/* What fits where: room on a node, GPU by GPU, the placement rules, and the questions policies ask about room. */
#include "sim/base/check.h"
#include "sim/world/cluster_internal.h"

enum { ROOM_ENOUGH = 1000000 }; /* replicas that ask for nothing fit this often */

bool node_has_room(const NodePool *pool, const Node *node, Resources request, uint32_t *gpu) {
  *gpu = 0;
  Resources room = resources_subtract(pool->machine.allocatable, node->used);
  if (request.millicores > room.millicores || request.bytes > room.bytes) return false;
  return gpus_have_room(node->gpu_free, machine_gpus(pool), request.milligpus, gpu);
}

void node_take(const NodePool *pool, Node *node, Resources request, uint32_t gpu) {
  node->used = resources_add(node->used, request);
  CHECK(gpus_change(node->gpu_free, machine_gpus(pool), request.milligpus, gpu, true));
}

void node_give_back(const NodePool *pool, Node *node, Resources request, uint32_t gpu) {
  node->used = resources_subtract(node->used, request);
  CHECK(gpus_change(node->gpu_free, machine_gpus(pool), request.milligpus, gpu, false));
}

static int64_t times(int64_t room, int64_t request) { return request > 0 ? room / request : ROOM_ENOUGH; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t node_count_room(const NodePool *pool, const Node *node, Resources request) {
  Resources room = resources_subtract(pool->machine.allocatable, node->used);
  int64_t n = smaller(times(room.millicores, request.millicores), times(room.bytes, request.bytes));
  if (request.milligpus == 0) return n;
  if (request.milligpus >= 1000) return smaller(n, gpus_untouched(node->gpu_free, machine_gpus(pool)) / whole_gpus(request.milligpus));
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

/* Where a replica goes: the best node so far by the rule, lowest id among equals. */
typedef struct Choice {
  uint32_t node, gpu;
  int64_t measure;
} Choice;

/* Looks at the ready nodes of pool p; true if any had room. */
static bool choose_in_pool(const Cluster *c, uint32_t p, Placement rule, Resources request, Choice *best) {
  const NodePool *pool = &c->pool[p];
  bool any = false;
  uint32_t shared;
  for (uint32_t n = 0; n < c->n_nodes; n++) {
    const Node *node = &c->node[n];
    if (node->pool != p || node->state != NODE_READY || node->cordoned || !node_has_room(pool, node, request, &shared)) continue;
    int64_t measure = 0;
    switch (rule) {
      case PLACEMENT_FIRST_FIT: break;
      case PLACEMENT_BEST_FIT: measure = share_left(pool, node, request); break;
      case PLACEMENT_SPREAD: measure = node->n_replicas; break;
    }
    any = true;
    if (measure >= best->measure) continue;
    *best = (Choice){n, shared, measure};
    if (rule == PLACEMENT_FIRST_FIT) break;
  }
  return any;
}

/* Over all pools of a deployment by the rule of its first one; earlier pools win ties. Pending replicas are tried again at every look,
 * mostly in vain: a request that takes at least as much as one that a pool refused is refused there. */
static Choice choose_node(Cluster *c, const PoolList *pools, Resources request) {
  Placement rule = c->pool[pools->pool[0]].placement;
  Choice best = {NODE_NONE, 0, INT64_MAX};
  for (uint32_t k = 0; k < pools->count; k++) {
    PoolLevel *level = &c->pool_level[pools->pool[k]];
    if (level->full && resources_fit(level->full_for, request)) continue;
    bool any = choose_in_pool(c, pools->pool[k], rule, request, &best);
    if (any && rule == PLACEMENT_FIRST_FIT) break;
    if (any) continue;
    level->full = true;
    level->full_for = request;
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

static void place(Cluster *c, uint32_t id, uint32_t n, uint32_t gpu, int64_t now_ns) {
  Replica *replica = &c->replica[id];
  Node *node = &c->node[n];
  node_take(&c->pool[node->pool], node, replica->request, gpu);
  replica->node = n;
  replica->gpu = gpu;
  replica->state = REPLICA_STARTING;
  replica->placed_ns = now_ns;
  replica->next_on_node = node->first_replica;
  node->first_replica = id;
  node->n_replicas++;
  node->empty_since_ns = INSTANT_NEVER;
  node->changed_ns = now_ns;
  replica_charge(c, replica, 1);
  c->deployment_pending[replica->deployment]--;
  c->tenant_level[replica->deployment].pending--;
  cluster_changed(c);
}

bool replica_place(Cluster *c, uint32_t id, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  const Replica *replica = &c->replica[id];
  CHECK(replica->state == REPLICA_PENDING);
  Choice choice = choose_node(c, &c->deployment_pools[replica->deployment], replica->request);
  if (choice.node == NODE_NONE) return false;
  place(c, id, choice.node, choice.gpu, now_ns);
  return true;
}

bool replica_place_on(Cluster *c, uint32_t id, uint32_t n, int64_t now_ns) {
  cluster_accrue(c, now_ns);
  const Replica *replica = &c->replica[id];
  const Node *node = &c->node[n];
  uint32_t gpu;
  CHECK(replica->state == REPLICA_PENDING);
  if (node->state != NODE_READY || node->cordoned || !node_has_room(&c->pool[node->pool], node, replica->request, &gpu)) return false;
  place(c, id, n, gpu, now_ns);
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
  node->changed_ns = now_ns;
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
    if (c->deployment_pending[d] && deployment_may_use(c, d, p)) n += c->deployment_pending[d];
  return n;
}

static int64_t empty_room(const NodePool *pool, Resources request) {
  Resources all = pool->machine.allocatable;
  int64_t n = smaller(times(all.millicores, request.millicores), times(all.bytes, request.bytes)), gpus = machine_gpus(pool);
  if (request.milligpus == 0) return n;
  return smaller(n, request.milligpus >= 1000 ? gpus / whole_gpus(request.milligpus) : gpus * (1000 / request.milligpus));
}

static int64_t pool_room(const Cluster *c, uint32_t p, Resources request) {
  const NodePool *pool = &c->pool[p];
  int64_t unready = (int64_t)c->pool_nodes_starting[p] + (pool_closed(c, p) ? 0 : pool_may_order(c, p));
  int64_t n = unready * empty_room(pool, request);
  for (uint32_t k = 0; k < c->n_nodes; k++)
    if (c->node[k].pool == p && c->node[k].state == NODE_READY && !c->node[k].cordoned) n += node_count_room(pool, &c->node[k], request);
  return n;
}

int64_t cluster_placeable(const Cluster *c, uint32_t p, Resources request) {
  int64_t n = pool_room(c, p, request) - pool_pending(c, p);
  return n > 0 ? n : 0;
}

int64_t deployment_placeable(const Cluster *c, uint32_t d, Resources request) {
  const PoolList *pools = &c->deployment_pools[d];
  int64_t n = 0;
  for (uint32_t k = 0; k < pools->count; k++) n += pool_room(c, pools->pool[k], request);
  for (uint32_t other = 0; other < c->n_deployments; other++) {
    bool shares = false;
    for (uint32_t k = 0; c->deployment_pending[other] && k < pools->count; k++) shares = shares || deployment_may_use(c, other, pools->pool[k]);
    if (shares) n -= c->deployment_pending[other];
  }
  return n > 0 ? n : 0;
}

/* ---- nodes that pending replicas need ---- */

/* An imagined empty node. */
static Node *imagined_node(Cluster *c, uint32_t p, uint32_t k) {
  Imagined *to = &c->imagined[p];
  int64_t gpus = machine_gpus(&c->pool[p]);
  if (k == to->capacity) {
    uint32_t grown = k ? 2 * k : 8;
    to->node = arena_grow(c->arena, to->node, k, grown, sizeof *to->node);
    for (uint32_t n = k; n < grown; n++) to->node[n].gpu_free = ARENA_ARRAY(c->arena, int64_t, (size_t)gpus);
    to->capacity = grown;
  }
  Node *node = &to->node[k];
  node->used = (Resources){0, 0, 0};
  for (int64_t g = 0; g < gpus; g++) node->gpu_free[g] = GPU_FREE;
  return node;
}

static void imagine_starting(Cluster *c, uint32_t p) {
  Imagined *to = &c->imagined[p];
  to->starting = c->pool_nodes_starting[p];
  to->may = pool_closed(c, p) ? 0 : pool_may_order(c, p);
  to->first = 0;
  to->same = (Resources){-1, -1, -1};
  for (to->count = 0; to->count < to->starting; to->count++) imagined_node(c, p, to->count);
}

/* Copies of ready nodes: they are there already, as starting ones will be. */
static void imagine_ready(Cluster *c, uint32_t p) {
  Imagined *to = &c->imagined[p];
  int64_t gpus = machine_gpus(&c->pool[p]);
  for (uint32_t n = 0; n < c->n_nodes; n++) {
    const Node *node = &c->node[n];
    if (node->pool != p || node->state != NODE_READY || node->cordoned) continue;
    Node *copy = imagined_node(c, p, to->count++);
    copy->used = node->used;
    for (int64_t g = 0; g < gpus; g++) copy->gpu_free[g] = node->gpu_free[g];
    to->starting++;
  }
}

static bool gang_waits(const Cluster *c) {
  for (uint32_t d = c->n_single; d < c->n_deployments; d++)
    if (c->deployment_pending[d]) return true;
  return false;
}

/* First fit on the imagined nodes of a pool. Where a request found no room its like finds none. */
static bool imagine_placed(Cluster *c, uint32_t p, Resources request) {
  Imagined *to = &c->imagined[p];
  uint32_t gpu = 0;
  if (!resources_equal(to->same, request)) to->first = 0;
  to->same = request;
  while (to->first < to->count && !node_has_room(&c->pool[p], &to->node[to->first], request, &gpu)) to->first++;
  if (to->first == to->count) return false;
  node_take(&c->pool[p], &to->node[to->first], request, gpu);
  return true;
}

static bool imagine_ordered(Cluster *c, uint32_t p, Resources request) {
  Imagined *to = &c->imagined[p];
  uint32_t gpu = 0;
  if ((int64_t)to->count - to->starting >= to->may) return false;
  if (!node_has_room(&c->pool[p], imagined_node(c, p, to->count), request, &gpu)) return false; /* fits no machine of the pool */
  to->count++;
  return imagine_placed(c, p, request);
}

void cluster_nodes_needed_all(Cluster *c, int64_t *needed) {
  int64_t pending = 0;
  for (uint32_t p = 0; p < c->n_pools; p++) needed[p] = 0;
  for (uint32_t d = 0; d < c->n_deployments; d++) pending += c->deployment_pending[d];
  if (!pending) return;
  bool gangs = gang_waits(c);
  for (uint32_t p = 0; p < c->n_pools; p++) {
    imagine_starting(c, p);
    if (gangs) imagine_ready(c, p);
  }
  for (uint32_t r = 0; r < c->n_replicas && pending; r++) {
    const Replica *replica = &c->replica[r];
    if (replica->state != REPLICA_PENDING) continue;
    pending--;
    const PoolList *pools = &c->deployment_pools[replica->deployment];
    bool placed = false;
    for (uint32_t k = 0; k < pools->count && !placed; k++) placed = imagine_placed(c, pools->pool[k], replica->request);
    for (uint32_t k = 0; k < pools->count && !placed; k++) placed = imagine_ordered(c, pools->pool[k], replica->request);
  }
  for (uint32_t p = 0; p < c->n_pools; p++) needed[p] = (int64_t)c->imagined[p].count - c->imagined[p].starting;
}

int64_t cluster_nodes_needed(Cluster *c, uint32_t p) {
  int64_t *needed = c->needed;
  cluster_nodes_needed_all(c, needed);
  return needed[p];
}

/* ---- the largest request ---- */

uint32_t deployment_roomiest_pool(const Cluster *c, uint32_t d, Resources request) {
  const PoolList *pools = &c->deployment_pools[d];
  uint32_t best = pools->pool[0];
  for (uint32_t k = 0; k < pools->count; k++) {
    const Resources all = c->pool[pools->pool[k]].machine.allocatable;
    if (resources_fit(request, all)) return pools->pool[k];
    if (all.millicores > c->pool[best].machine.allocatable.millicores) best = pools->pool[k];
  }
  return best;
}

/* What its own replicas on a node could be given each. */
static void cap_on_node(const Cluster *c, const Node *node, uint32_t d, Resources *cap, bool *placed) {
  const Resources all = c->pool[node->pool].machine.allocatable;
  Resources room = resources_subtract(all, node->used);
  int64_t own = 0, milligpus = cap->milligpus;
  for (uint32_t r = node->first_replica; r != REPLICA_NONE; r = c->replica[r].next_on_node) {
    const Replica *replica = &c->replica[r];
    if (replica->deployment != d || replica->state == REPLICA_DRAINING) continue;
    room = resources_add(room, replica->request);
    milligpus = replica->request.milligpus;
    own++;
  }
  if (!own) return;
  if (!*placed) *cap = all;
  *placed = true;
  cap->millicores = smaller(cap->millicores, room.millicores / own);
  cap->bytes = smaller(cap->bytes, room.bytes / own);
  cap->milligpus = milligpus;
}

Resources cluster_cap(const Cluster *c, uint32_t d) {
  bool placed = false;
  Resources cap = {0, 0, 0};
  for (uint32_t n = 0; n < c->n_nodes; n++)
    if (c->node[n].state == NODE_READY && c->node[n].n_replicas) cap_on_node(c, &c->node[n], d, &cap, &placed);
  if (placed) return cap;
  return c->pool[deployment_roomiest_pool(c, d, (Resources){INT64_MAX, 0, 0})].machine.allocatable;
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
