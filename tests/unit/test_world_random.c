/* The cluster under random operations, against a slow model that knows only what replicas and nodes say of themselves. */
#include <string.h>

#include "tests/support/world.h"
#include "tests/testing.h"

typedef struct Totals {
  __int128 nodes_ready[2], nodes_starting[2], nodes_down[2], cost[2], used[2], used_gpus[2], room[2], pending[3], requested[3], tenant[3];
} Totals;

typedef struct Fuzz {
  World *world;
  Cluster *cluster;
  uint64_t random;
  int64_t now_ns;
  int64_t billed_since_ns[64]; /* by node id, as the test saw it */
  Totals totals;
} Fuzz;

static uint64_t draw(Fuzz *fuzz, uint64_t below) {
  fuzz->random ^= fuzz->random << 13;
  fuzz->random ^= fuzz->random >> 7;
  fuzz->random ^= fuzz->random << 17;
  return fuzz->random % below;
}

static bool lives(const Replica *replica) { return replica->state != REPLICA_GONE && replica->state != REPLICA_PENDING; }

/* Adds what nodes and replicas say of themselves, for the time until now. */
static void totals_add(Fuzz *fuzz, int64_t dt) {
  const Cluster *cluster = fuzz->cluster;
  Totals *t = &fuzz->totals;
  for (uint32_t n = 0; n < cluster->n_nodes; n++) {
    const Node *node = &cluster->node[n];
    if (node->state == NODE_GONE) continue;
    if (node->state == NODE_DOWN) {
      assert_true(fuzz->billed_since_ns[n] < 0 && node->n_replicas == 0);
      t->nodes_down[node->pool] += dt;
      continue;
    }
    *(node->state == NODE_READY ? &t->nodes_ready[node->pool] : &t->nodes_starting[node->pool]) += dt;
    if (node->state == NODE_READY) t->room[node->pool] += (__int128)dt * cluster->pool[node->pool].machine.allocatable.millicores;
    if (fuzz->billed_since_ns[n] >= 0) t->cost[node->pool] += (__int128)dt * cluster->pool[node->pool].machine.nano_usd_per_h;
  }
  for (uint32_t r = 0; r < cluster->n_replicas; r++) {
    const Replica *replica = &cluster->replica[r];
    if (replica->state == REPLICA_PENDING) t->pending[replica->deployment] += dt;
    if (!lives(replica)) continue;
    const Node *node = &cluster->node[replica->node];
    int64_t whole = node->share_sum > SHARE_ONE ? node->share_sum : SHARE_ONE;
    t->used[node->pool] += (__int128)dt * replica->request.millicores;
    t->used_gpus[node->pool] += (__int128)dt * replica->request.milligpus;
    t->requested[replica->deployment] += (__int128)dt * replica->request.millicores;
    t->tenant[replica->deployment] += (__int128)cluster->pool[node->pool].machine.nano_usd_per_h * replica->share / whole * dt;
  }
}

static void bill_ends(Fuzz *fuzz, uint32_t n) {
  const NodePool *pool = &fuzz->cluster->pool[fuzz->cluster->node[n].pool];
  if (fuzz->billed_since_ns[n] < 0) return;
  int64_t held = fuzz->now_ns - fuzz->billed_since_ns[n], due = held;
  if (due < pool->minimum_charge_ns) due = pool->minimum_charge_ns;
  while (due % pool->granularity_ns) due++;
  fuzz->totals.cost[fuzz->cluster->node[n].pool] += (__int128)(due - held) * pool->machine.nano_usd_per_h;
  fuzz->billed_since_ns[n] = -1;
}

/* Whether a node has room, from the list of all replicas alone. */
static bool has_room(const Cluster *cluster, uint32_t n, Resources request) {
  Resources all = cluster->pool[cluster->node[n].pool].machine.allocatable, used = NOTHING;
  int64_t shared[8] = {0}, whole = 0, unused = 0;
  bool beside = false;
  for (uint32_t r = 0; r < cluster->n_replicas; r++) {
    const Replica *replica = &cluster->replica[r];
    if (!lives(replica) || replica->node != n) continue;
    used = resources_add(used, replica->request);
    if (replica->request.milligpus % 1000) shared[replica->gpu] += replica->request.milligpus;
    whole += replica->request.milligpus / 1000;
  }
  for (int64_t g = 0; g < all.milligpus / 1000; g++) {
    assert_true(shared[g] <= 1000);
    unused += shared[g] == 0;
    beside = beside || (shared[g] && shared[g] + request.milligpus <= 1000);
  }
  assert_true(whole <= unused && resources_fit(used, all));
  if (!resources_fit(resources_add(used, request), all)) return false;
  if (request.milligpus % 1000) return beside || unused > whole;
  return unused - whole >= request.milligpus / 1000;
}

static bool fits_somewhere(const Cluster *cluster, uint32_t p, Resources request) {
  for (uint32_t n = 0; n < cluster->n_nodes; n++)
    if (cluster->node[n].pool == p && cluster->node[n].state == NODE_READY && !cluster->node[n].cordoned && has_room(cluster, n, request)) return true;
  return false;
}

static bool may_use(const Cluster *cluster, uint32_t d, uint32_t p) {
  const PoolList *pools = &cluster->deployment_pools[d];
  for (uint32_t k = 0; k < pools->count; k++)
    if (pools->pool[k] == p) return true;
  return false;
}

static Resources random_request(Fuzz *fuzz) {
  static const int64_t gpus[] = {0, 0, 0, 100, 250, 500, 500, 700, 1000, 1000, 2000, 3000};
  return (Resources){(int64_t)draw(fuzz, 1500), (int64_t)draw(fuzz, 3) * GIB, gpus[draw(fuzz, sizeof gpus / sizeof *gpus)]};
}

static void try_to_place(Fuzz *fuzz, uint32_t id) {
  const Replica *replica = &fuzz->cluster->replica[id];
  bool expected = false;
  for (uint32_t p = 0; p < 2; p++)
    expected = expected || (may_use(fuzz->cluster, replica->deployment, p) && fits_somewhere(fuzz->cluster, p, replica->request));
  assert_int_equal(replica_place(fuzz->cluster, id, fuzz->now_ns), expected);
}

/* As many as are placeable can be placed, and not one more. */
static void place_all_that_fits(Fuzz *fuzz) {
  Cluster *cluster = fuzz->cluster;
  uint32_t d = (uint32_t)draw(fuzz, 3), p = cluster->deployment_pools[d].pool[0], id[4096], n = 0;
  Resources request = random_request(fuzz), all = cluster->pool[p].machine.allocatable;
  if (!request.millicores || cluster->deployment_pools[d].count > 1) return;
  int64_t empty = all.millicores / request.millicores, gpus = all.milligpus / 1000;
  if (request.bytes && all.bytes / request.bytes < empty) empty = all.bytes / request.bytes;
  if (request.milligpus) {
    int64_t most = request.milligpus % 1000 ? gpus * (1000 / request.milligpus) : gpus / (request.milligpus / 1000);
    if (most < empty) empty = most;
  }
  for (uint32_t k = 0; k < 3; k++)
    if (may_use(cluster, k, p) && cluster->deployment_pending[k]) return;
  int64_t placeable = cluster_placeable(cluster, p, request) - empty * (cluster->pool[p].max_nodes - cluster->pool_nodes_ready[p] - cluster->pool_level[p].down);
  do id[n++] = replica_create(cluster, d, request, request, 0, fuzz->now_ns);
  while (n < 4096 && replica_place(cluster, id[n - 1], fuzz->now_ns));
  assert_int_equal(n - 1, placeable);
  while (n) replica_remove(cluster, id[--n], fuzz->now_ns);
}

static void change_replica(Fuzz *fuzz, uint32_t id) {
  Cluster *cluster = fuzz->cluster;
  Replica *replica = &cluster->replica[id];
  switch (replica->state) {
    case REPLICA_GONE: return;
    case REPLICA_PENDING: break;
    case REPLICA_STARTING:
      if (draw(fuzz, 3)) replica_ready(cluster, id, fuzz->now_ns);
      break;
    case REPLICA_READY:
      if (draw(fuzz, 3) == 0) replica_drain(cluster, id, fuzz->now_ns);
      break;
    case REPLICA_DRAINING: break;
  }
  if (draw(fuzz, 4) == 0) {
    replica_remove(cluster, id, fuzz->now_ns);
    return;
  }
  if (replica->state == REPLICA_PENDING) try_to_place(fuzz, id);
  Resources request = random_request(fuzz), before = replica->request;
  request.milligpus = before.milligpus;
  bool expected = true;
  if (replica->state != REPLICA_PENDING) {
    replica->request = request; /* imagined for a moment, in the model only */
    Resources sum = NOTHING;
    for (uint32_t r = 0; r < cluster->n_replicas; r++)
      if (lives(&cluster->replica[r]) && cluster->replica[r].node == replica->node) sum = resources_add(sum, cluster->replica[r].request);
    expected = resources_fit(sum, cluster->pool[cluster->node[replica->node].pool].machine.allocatable);
    replica->request = before;
  }
  assert_int_equal(replica_resize(cluster, id, request, request, fuzz->now_ns), expected);
  assert_true(resources_equal(replica->request, expected ? request : before));
}

static void order_nodes(Fuzz *fuzz) {
  Cluster *cluster = fuzz->cluster;
  uint32_t p = (uint32_t)draw(fuzz, 2), wanted = (uint32_t)draw(fuzz, 3);
  int64_t room = cluster->pool[p].max_nodes - cluster->pool_nodes_ready[p] - cluster->pool_nodes_starting[p] - cluster->pool_level[p].down;
  int64_t needed = cluster_nodes_needed(cluster, p);
  assert_true(needed >= 0 && needed <= room);
  assert_int_equal(nodes_order(cluster, p, wanted, fuzz->now_ns), (int64_t)wanted < room ? (int64_t)wanted : room);
  for (uint32_t n = 0; n < cluster->n_nodes; n++)
    if (cluster->node[n].state == NODE_STARTING && cluster->node[n].ordered_ns == fuzz->now_ns)
      fuzz->billed_since_ns[n] = cluster->pool[cluster->node[n].pool].bill_startup ? fuzz->now_ns : -1;
}

/* Taken back without notice, with all that is on it. */
static void take_node(Fuzz *fuzz, uint32_t n) {
  Cluster *cluster = fuzz->cluster;
  node_doom(cluster, n, fuzz->now_ns);
  assert_true(cluster->node[n].draining && cluster->node[n].lost_ns == fuzz->now_ns);
  cluster_check(cluster);
  for (uint32_t r = 0; r < cluster->n_replicas; r++)
    if (lives(&cluster->replica[r]) && cluster->replica[r].node == n) replica_remove(cluster, r, fuzz->now_ns);
  node_taken(cluster, n, fuzz->now_ns);
  assert_int_equal(cluster->node[n].state, NODE_GONE);
  bill_ends(fuzz, n);
}

static void end_node(Fuzz *fuzz) {
  Cluster *cluster = fuzz->cluster;
  uint32_t n = (uint32_t)draw(fuzz, cluster->n_nodes);
  const Node *node = &cluster->node[n];
  if (node->state == NODE_GONE || node->state == NODE_DOWN) return;
  if (node->n_replicas == 0 && draw(fuzz, 4) == 0) {
    bool repaired = node->state == NODE_READY && cluster->pool[node->pool].failures.repairs;
    node_fail(cluster, n, fuzz->now_ns);
    assert_int_equal(node->state, repaired ? NODE_DOWN : NODE_GONE);
    bill_ends(fuzz, n);
    return;
  }
  if (cluster->pool[0].failures.repairs && node->state == NODE_READY && draw(fuzz, 4) == 0) {
    take_node(fuzz, n);
    return;
  }
  int64_t staying = -cluster->pool[node->pool].min_nodes, starting = 0;
  for (uint32_t k = 0; k < cluster->n_nodes; k++) {
    if (cluster->node[k].pool != node->pool) continue;
    staying += cluster->node[k].state == NODE_READY && !cluster->node[k].draining;
    starting += cluster->node[k].state == NODE_STARTING;
  }
  if (node->state == NODE_STARTING && draw(fuzz, 2)) {
    bool cancelled = node_cancel(cluster, n, fuzz->now_ns);
    assert_int_equal(cancelled, staying + starting > 0);
    if (cancelled) bill_ends(fuzz, n);
    return;
  }
  if (draw(fuzz, 3) == 0) {
    bool draining = node->draining;
    assert_int_equal(node_drain(cluster, n, fuzz->now_ns), node->state == NODE_READY && !draining && staying > 0);
    return;
  }
  if (draw(fuzz, 3) == 0) {
    bool cordon = draw(fuzz, 2), before = node->cordoned;
    node_cordon(cluster, n, cordon, fuzz->now_ns);
    assert_int_equal(node->cordoned, node->state == NODE_READY && !node->draining ? cordon : before);
    return;
  }
  bool may = node->state == NODE_READY && node->n_replicas == 0 && (node->draining || staying > 0);
  bool released = node_release(cluster, n, fuzz->now_ns);
  assert_int_equal(released, may);
  if (released) bill_ends(fuzz, n);
}

static void make_ready(Fuzz *fuzz) {
  for (uint32_t n = 0; n < fuzz->cluster->n_nodes; n++) {
    const Node *node = &fuzz->cluster->node[n];
    if ((node->state != NODE_STARTING && node->state != NODE_DOWN) || node->ready_ns > fuzz->now_ns) continue;
    if (node->state == NODE_DOWN) node_repaired(fuzz->cluster, n, fuzz->now_ns);
    else node_ready(fuzz->cluster, n, fuzz->now_ns);
    if (fuzz->billed_since_ns[n] < 0) fuzz->billed_since_ns[n] = fuzz->now_ns;
  }
}

static void fuzz_step(Fuzz *fuzz) {
  Cluster *cluster = fuzz->cluster;
  int64_t dt = draw(fuzz, 3) ? (int64_t)draw(fuzz, 2000) : 0;
  totals_add(fuzz, dt);
  fuzz->now_ns += dt;
  make_ready(fuzz);
  uint64_t what = draw(fuzz, 20);
  if (what < 5) {
    uint32_t id = replica_create(cluster, (uint32_t)draw(fuzz, 3), random_request(fuzz), NOTHING, 0, fuzz->now_ns);
    if (draw(fuzz, 4)) try_to_place(fuzz, id);
  } else if (what < 16) {
    if (cluster->n_replicas) change_replica(fuzz, (uint32_t)draw(fuzz, cluster->n_replicas));
  } else if (what == 16) {
    order_nodes(fuzz);
  } else if (what == 17) {
    if (cluster->n_nodes) end_node(fuzz);
  } else if (what == 18) {
    place_all_that_fits(fuzz);
  } else {
    cluster_accrue(cluster, fuzz->now_ns);
  }
  cluster_check(cluster);
}

static void totals_agree(Fuzz *fuzz) {
  const Cluster *cluster = fuzz->cluster;
  Totals *t = &fuzz->totals;
  for (uint32_t r = 0; r < 2 * TRACE_ROWS; r++) {
    const PoolRow *row = &cluster->pool_row[r];
    uint32_t p = r / TRACE_ROWS;
    t->nodes_ready[p] -= row->nodes_ready, t->nodes_starting[p] -= row->nodes_starting, t->nodes_down[p] -= row->nodes_down, t->cost[p] -= row->cost;
    t->used[p] -= row->used_millicores, t->used_gpus[p] -= row->used_milligpus, t->room[p] -= row->room_millicores;
  }
  for (uint32_t r = 0; r < TRACE_ROWS; r++) {
    __int128 idle = cluster->pool_row[r].cost + cluster->pool_row[TRACE_ROWS + r].cost;
    for (uint32_t d = 0; d < 3; d++) idle -= cluster->tenant_row[d * TRACE_ROWS + r].cost;
    assert_true(idle >= 0);
  }
  for (uint32_t r = 0; r < 3 * TRACE_ROWS; r++) {
    const TenantRow *row = &cluster->tenant_row[r];
    uint32_t d = r / TRACE_ROWS;
    t->tenant[d] -= row->cost, t->pending[d] -= row->pending, t->requested[d] -= row->millicores;
  }
  static const Totals nothing;
  assert_memory_equal(t, &nothing, sizeof nothing);
}

static void fuzz_once(uint64_t seed) {
  Fuzz fuzz = {.world = world_new(), .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
  memset(fuzz.billed_since_ns, 0xff, sizeof fuzz.billed_since_ns);
  for (uint32_t p = 0; p < 2; p++) {
    NodePool *pool = &fuzz.world->pool[p];
    pool->machine.allocatable.milligpus = p ? 1000 : 4000;
    pool->placement = (Placement)((seed + p) % 3);
    pool->startup_ns = distribution_exponential(5000);
    pool->initial_nodes = p + 1;
    pool->failures.repairs = seed % 3 == 0;
    pool->failures.repair_ns = distribution_exponential(20000);
    pool->failures.crews = (int64_t)(seed % 2);
    pool->max_nodes = 6;
    pool->min_nodes = (int64_t)draw(&fuzz, 2);
    pool->bill_startup = draw(&fuzz, 2);
    pool->minimum_charge_ns = (int64_t)draw(&fuzz, 3) * 3333;
    pool->granularity_ns = draw(&fuzz, 2) ? 1 : 700;
    for (int64_t n = 0; n < pool->initial_nodes; n++) fuzz.billed_since_ns[p + n] = 0;
  }
  static const uint32_t both[2][2] = {{0, 1}, {1, 0}};
  if (seed % 4 > 1) fuzz.world->pools_of[1] = (PoolList){both[seed % 2], 2};
  fuzz.cluster = world_begin(fuzz.world, 2000000);
  while (fuzz.now_ns < 1990000) fuzz_step(&fuzz);
  totals_add(&fuzz, 2000000 - fuzz.now_ns);
  fuzz.now_ns = 2000000;
  for (uint32_t n = 0; n < fuzz.cluster->n_nodes; n++)
    if (fuzz.cluster->node[n].state != NODE_GONE) bill_ends(&fuzz, n);
  cluster_end(fuzz.cluster);
  totals_agree(&fuzz);
  world_end(fuzz.world);
}

static void random_operations_conserve_everything(void **unused) {
  (void)unused;
  int count = repetitions(60, 2000);
  for (int seed = 1; seed <= count; seed++) fuzz_once((uint64_t)seed);
}

/* A day of changes leaves the memory of its first hour. */
static void memory_does_not_grow_with_time(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 1;
  Cluster *cluster = world_begin(world, 86400 * S);
  size_t used_bytes = 0;
  for (int64_t k = 0; k < 5760; k++) {
    int64_t now = k * 15 * S;
    uint32_t id[8];
    for (int i = 0; i < 8; i++) id[i] = replica_create(cluster, (uint32_t)i & 1, (Resources){1000, 0, 0}, NOTHING, 0, now);
    for (int i = 0; i < 8; i++) replica_place(cluster, id[i], now);
    uint32_t needed = (uint32_t)cluster_nodes_needed(cluster, 0), base = cluster->n_nodes;
    assert_int_equal(needed, 1);
    assert_int_equal(nodes_order(cluster, 0, needed, now), 1);
    uint32_t come = base > 1 ? 1 : base;
    node_fail(cluster, come, now);
    for (int i = 0; i < 8; i++) replica_remove(cluster, id[i], now);
    if (k == 240) used_bytes = world->arena.used_bytes;
  }
  assert_int_equal(world->arena.used_bytes, used_bytes);
  world_end(world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_operations_conserve_everything),
      cmocka_unit_test(memory_does_not_grow_with_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
