/* The cluster from outside: bills, placements, GPUs, caps and bursts worked out by hand. */
#include "tests/support/world.h"
#include "tests/testing.h"

static Resources cpu(int64_t millicores) { return (Resources){millicores, 0, 0}; }
static Resources gpu(int64_t milligpus) { return (Resources){0, 0, milligpus}; }

static __int128 pool_cost(const Cluster *cluster, uint32_t p) {
  __int128 sum = 0;
  for (int r = 0; r < TRACE_ROWS; r++) sum += cluster->pool_row[p * TRACE_ROWS + r].cost;
  return sum;
}

static __int128 tenant_cost(const Cluster *cluster, uint32_t d) {
  __int128 sum = 0;
  for (int r = 0; r < TRACE_ROWS; r++) sum += cluster->tenant_row[d * TRACE_ROWS + r].cost;
  return sum;
}

/* A replica that must find a node; returns its id. */
static uint32_t placed(Cluster *cluster, uint32_t d, Resources request, int64_t now_ns) {
  uint32_t id = replica_create(cluster, d, request, NOTHING, 0, now_ns);
  assert_true(replica_place(cluster, id, now_ns));
  assert_int_equal(cluster->replica[id].state, REPLICA_STARTING);
  return id;
}

static void refused(Cluster *cluster, uint32_t d, Resources request, int64_t now_ns) {
  uint32_t id = replica_create(cluster, d, request, NOTHING, 0, now_ns);
  assert_false(replica_place(cluster, id, now_ns));
  assert_int_equal(cluster->replica[id].state, REPLICA_PENDING);
  replica_remove(cluster, id, now_ns);
}

static uint32_t node_of(const Cluster *cluster, uint32_t replica) { return cluster->replica[replica].node; }
static uint32_t gpu_of(const Cluster *cluster, uint32_t replica) { return cluster->replica[replica].gpu; }

/* ---- bills ---- */

/* Seconds billed for one node that is ordered at 10 s, ready at 40 s and given back at `released_ns` (of a horizon of 256 s). */
static int64_t billed_ns(bool startup, int64_t minimum_ns, int64_t granularity_ns, int64_t released_ns) {
  World *world = world_new();
  world->pool[0].bill_startup = startup;
  world->pool[0].minimum_charge_ns = minimum_ns;
  world->pool[0].granularity_ns = granularity_ns;
  Cluster *cluster = world_begin(world, 256 * S);
  assert_int_equal(nodes_order(cluster, 0, 1, 10 * S), 1);
  assert_true(cluster->node[0].ready_ns == 40 * S);
  if (released_ns >= 40 * S) node_ready(cluster, 0, 40 * S);
  if (released_ns < 256 * S) assert_true(node_release(cluster, 0, released_ns));
  cluster_end(cluster);
  __int128 cost = pool_cost(cluster, 0);
  assert_true(cost % PRICE == 0 && cluster_spent_nano_usd(cluster) == cost / INT64_C(3600000000000));
  assert_true(pool_cost(cluster, 1) == 0);
  world_end(world);
  return (int64_t)(cost / PRICE);
}

static void minimum_granularity_and_startup(void **unused) {
  (void)unused;
  int64_t half = S / 2;
  assert_int_equal(billed_ns(true, 0, 1, 50 * S + half), 40 * S + half);
  assert_int_equal(billed_ns(false, 0, 1, 50 * S + half), 10 * S + half);
  assert_int_equal(billed_ns(true, 60 * S, S, 50 * S + half), 60 * S);
  assert_int_equal(billed_ns(false, 60 * S, S, 50 * S + half), 60 * S);
  assert_int_equal(billed_ns(true, 60 * S, S, 110 * S + half), 101 * S);
  assert_int_equal(billed_ns(true, 60 * S, S, 110 * S), 100 * S); /* a whole multiple is not rounded */
  assert_int_equal(billed_ns(true, 0, 3600 * S, 50 * S), 3600 * S);
  assert_int_equal(billed_ns(true, 90 * S, 60 * S, 50 * S), 120 * S); /* the minimum is rounded up too */
  /* there to the end: billed as if given back then */
  assert_int_equal(billed_ns(true, 0, 100 * S, 256 * S), 300 * S);
  assert_int_equal(billed_ns(false, 0, 1, 256 * S), 216 * S);
}

static void starting_at_the_end(void **unused) {
  (void)unused;
  for (int startup = 0; startup < 2; startup++) {
    World *world = world_new();
    world->pool[0].bill_startup = startup;
    world->pool[0].minimum_charge_ns = 60 * S;
    Cluster *cluster = world_begin(world, 256 * S);
    nodes_order(cluster, 0, 1, 250 * S);
    assert_true(cluster_nano_usd_per_h(cluster) == (startup ? PRICE : 0));
    cluster_end(cluster);
    assert_true(pool_cost(cluster, 0) == (startup ? (__int128)60 * S * PRICE : 0));
    const PoolRow *last = &cluster->pool_row[TRACE_ROWS - 1];
    assert_true(last->cost == (startup ? (__int128)55 * S * PRICE : 0)); /* its own second and 54 more of the minimum */
    assert_true(last->nodes_starting == S && last->nodes_ready == 0);
    world_end(world);
  }
}

static void roundings_fall_into_the_row_of_the_release(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 1;
  world->pool[0].minimum_charge_ns = 100 * S;
  Cluster *cluster = world_begin(world, 256 * S); /* rows of one second */
  assert_true(node_release(cluster, 0, 20 * S + S / 4));
  assert_true(cluster->pool_row[19].cost == (__int128)S * PRICE);
  assert_true(cluster->pool_row[20].cost == (__int128)80 * S * PRICE); /* a quarter, and 79.75 s of the minimum */
  assert_true(cluster->pool_row[21].cost == 0 && cluster_nano_usd_per_h(cluster) == 0);
  cluster_end(cluster);
  assert_true(cluster_spent_nano_usd(cluster) == 100 * 1000000);
  world_end(world);
}

static void shares_below_one_leave_idle_cost(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 1;
  Cluster *cluster = world_begin(world, 256 * S);
  uint32_t a = placed(cluster, 0, (Resources){1000, 2 * GIB, 0}, 0); /* a quarter either way */
  uint32_t b = placed(cluster, 1, (Resources){500, 4 * GIB, 0}, 0);  /* half the memory */
  assert_true(cluster->replica[a].share == SHARE_ONE / 4 && cluster->replica[b].share == SHARE_ONE / 2);
  replica_remove(cluster, a, 10 * S);
  replica_remove(cluster, b, 30 * S);
  cluster_end(cluster);
  assert_true(tenant_cost(cluster, 0) == (__int128)10 * S * PRICE / 4);
  assert_true(tenant_cost(cluster, 1) == (__int128)30 * S * PRICE / 2);
  assert_true(pool_cost(cluster, 0) == (__int128)256 * S * PRICE);
  world_end(world);
}

static void shares_above_one_are_scaled_down(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 1;
  Cluster *cluster = world_begin(world, 256 * S);
  placed(cluster, 0, (Resources){3000, GIB, 0}, 0);                  /* three quarters of the cores */
  uint32_t b = placed(cluster, 1, (Resources){1000, 6 * GIB, 0}, 0); /* three quarters of the memory */
  replica_remove(cluster, b, 100 * S);
  cluster_end(cluster);
  assert_true(tenant_cost(cluster, 1) == (__int128)100 * S * PRICE / 2);
  assert_true(tenant_cost(cluster, 0) == (__int128)100 * S * PRICE / 2 + (__int128)156 * S * PRICE * 3 / 4);
  world_end(world);
}

static void shares_round_up_and_never_exceed_the_bill(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 1;
  world->pool[0].machine.allocatable = (Resources){3000, 0, 0};
  Cluster *cluster = world_begin(world, 256 * S);
  uint32_t a = placed(cluster, 0, cpu(1000), 0);
  assert_int_equal(cluster->replica[a].share, 357913942); /* 2^30 / 3, up */
  cluster_accrue(cluster, S);
  assert_true(tenant_cost(cluster, 0) == (__int128)1200000002 * S); /* a third of the price, times 1 + 2^-29 */
  placed(cluster, 0, cpu(1000), S);
  placed(cluster, 1, cpu(1000), S);
  cluster_accrue(cluster, 2 * S);
  __int128 rest = pool_cost(cluster, 0) - tenant_cost(cluster, 0) - tenant_cost(cluster, 1);
  __int128 first = (__int128)S * (PRICE - 1200000002);
  assert_true(rest - first >= 0 && rest - first < (__int128)3 * S); /* less than one nano-USD/h for each of three */
  world_end(world);
}

/* Prices and durations at the edge of what scenarios allow: a million dollars an hour, three years. */
static void large_bills_do_not_overflow(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 4;
  world->pool[0].machine.nano_usd_per_h = INT64_C(1000000000000000);
  const int64_t horizon = INT64_C(100000000000000000);
  Cluster *cluster = world_begin(world, horizon);
  for (int k = 0; k < 4; k++) placed(cluster, 0, cpu(4000), 0);
  cluster_end(cluster);
  __int128 whole = (__int128)4 * horizon * INT64_C(1000000000000000);
  assert_true(pool_cost(cluster, 0) == whole && tenant_cost(cluster, 0) == whole);
  world_end(world);
}

/* ---- integrals ---- */

static void rows_are_split_exactly(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 1;
  Cluster *cluster = world_begin(world, 1000); /* rows of three or four nanoseconds */
  placed(cluster, 0, (Resources){1000, GIB, 0}, 0);
  uint32_t waiting = replica_create(cluster, 1, cpu(3500), NOTHING, 0, 0);
  assert_false(replica_place(cluster, waiting, 5));
  for (int64_t t = 5; t < 900; t += 7) cluster_accrue(cluster, t);
  replica_remove(cluster, waiting, 900);
  cluster_end(cluster);
  for (int r = 0; r < TRACE_ROWS; r++) {
    int64_t from = row_start_ns(1000, r), ns = row_start_ns(1000, r + 1) - from, waited = from >= 900 ? 0 : from + ns > 900 ? 900 - from : ns;
    const PoolRow *row = &cluster->pool_row[r];
    assert_true(row->nodes_ready == ns && row->nodes_starting == 0 && row->cost == (__int128)ns * PRICE);
    assert_true(row->used_millicores == ns * 1000 && row->used_bytes == (__int128)ns * GIB && row->used_milligpus == 0);
    assert_true(row->room_millicores == ns * 4000 && row->room_bytes == (__int128)ns * 8 * GIB && row->room_milligpus == 0);
    const TenantRow *tenant = &cluster->tenant_row[r];
    assert_true(tenant->cost == (__int128)ns * (PRICE / 4) && tenant->millicores == ns * 1000 && tenant->pending == 0);
    assert_true(cluster->tenant_row[TRACE_ROWS + r].pending == waited && cluster->tenant_row[TRACE_ROWS + r].cost == 0);
  }
  world_end(world);
}

static void more_rows_than_nanoseconds(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 2;
  Cluster *cluster = world_begin(world, 10);
  cluster_accrue(cluster, 3);
  cluster_end(cluster);
  assert_true(pool_cost(cluster, 0) == (__int128)20 * PRICE);
  world_end(world);
}

/* ---- placement ---- */

static World *three_nodes(Placement placement) {
  World *world = world_new();
  world->pool[0].initial_nodes = 3;
  world->pool[0].placement = placement;
  world_begin(world, 256 * S);
  return world;
}

static void first_fit(void **unused) {
  (void)unused;
  World *world = three_nodes(PLACEMENT_FIRST_FIT);
  Cluster *cluster = &world->cluster;
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(3000), 0)), 0);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(2000), 0)), 1);
  assert_int_equal(node_of(cluster, placed(cluster, 1, cpu(1000), 0)), 0);
  assert_int_equal(node_of(cluster, placed(cluster, 1, (Resources){1, 8 * GIB, 0}, 0)), 1);
  assert_int_equal(node_of(cluster, placed(cluster, 1, (Resources){1, 8 * GIB, 0}, 0)), 2);
  refused(cluster, 0, (Resources){1, 1, 0}, 0);
  refused(cluster, 2, cpu(1), 0); /* the other pool has no node */
  world_end(world);
}

static void best_fit(void **unused) {
  (void)unused;
  World *world = three_nodes(PLACEMENT_BEST_FIT);
  Cluster *cluster = &world->cluster;
  /* memory fills with the cores, so that the larger share left is that of both */
  assert_int_equal(node_of(cluster, placed(cluster, 0, (Resources){2000, 4 * GIB, 0}, 0)), 0);
  assert_int_equal(node_of(cluster, placed(cluster, 0, (Resources){3000, 6 * GIB, 0}, 0)), 1);
  assert_int_equal(node_of(cluster, placed(cluster, 0, (Resources){500, GIB, 0}, 0)), 1);
  assert_int_equal(node_of(cluster, placed(cluster, 0, (Resources){1000, 2 * GIB, 0}, 0)), 0);
  /* both have cores for it; node 0 would keep 1/4 of a resource, node 1 an eighth */
  assert_int_equal(node_of(cluster, placed(cluster, 0, (Resources){1, GIB / 4, 0}, 0)), 1);
  assert_int_equal(node_of(cluster, placed(cluster, 0, (Resources){4000, 0, 0}, 0)), 2);
  world_end(world);
}

static void best_fit_looks_at_the_largest_share(void **unused) {
  (void)unused;
  World *world = three_nodes(PLACEMENT_BEST_FIT);
  Cluster *cluster = &world->cluster;
  placed(cluster, 0, (Resources){3000, 0, 0}, 0);                                            /* node 0: cores nearly gone, memory free */
  assert_int_equal(node_of(cluster, placed(cluster, 0, (Resources){2000, 4 * GIB, 0}, 0)), 1);
  assert_int_equal(node_of(cluster, placed(cluster, 0, (Resources){1000, GIB, 0}, 0)), 1); /* 3/8 left there, 7/8 on node 0 */
  world_end(world);
}

static void spread(void **unused) {
  (void)unused;
  World *world = three_nodes(PLACEMENT_SPREAD);
  Cluster *cluster = &world->cluster;
  uint32_t id[4];
  for (uint32_t k = 0; k < 4; k++) {
    id[k] = placed(cluster, k & 1, cpu(1000), 0);
    assert_int_equal(node_of(cluster, id[k]), k % 3);
  }
  replica_remove(cluster, id[1], S);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(1000), S)), 1);
  world_end(world);
}

static void only_ready_nodes_take_replicas(void **unused) {
  (void)unused;
  World *world = world_new();
  Cluster *cluster = world_begin(world, 256 * S);
  nodes_order(cluster, 0, 1, 0);
  uint32_t id = replica_create(cluster, 0, cpu(100), NOTHING, 0, 0);
  assert_false(replica_place(cluster, id, 29 * S));
  assert_int_equal(cluster->deployment_pending[0], 1);
  node_ready(cluster, 0, 30 * S);
  assert_true(replica_place(cluster, id, 30 * S));
  assert_int_equal(cluster->deployment_pending[0], 0);
  assert_true(cluster->replica[id].placed_ns == 30 * S && cluster->replica[id].created_ns == 0);
  world_end(world);
}

/* ---- GPUs ---- */

static World *gpu_node(int64_t gpus) {
  World *world = world_new();
  world->pool[0].initial_nodes = world->pool[0].max_nodes = 1;
  world->pool[0].machine.capacity.milligpus = world->pool[0].machine.allocatable.milligpus = gpus * 1000;
  world_begin(world, 256 * S);
  return world;
}

static void fractions_fit_one_gpu(void **unused) {
  (void)unused;
  World *world = gpu_node(2);
  Cluster *cluster = &world->cluster;
  assert_int_equal(gpu_of(cluster, placed(cluster, 0, gpu(700), 0)), 0);
  assert_int_equal(gpu_of(cluster, placed(cluster, 0, gpu(700), 0)), 1);
  refused(cluster, 0, gpu(400), 0); /* 600 are free, 300 on each */
  refused(cluster, 0, gpu(1000), 0);
  assert_int_equal(cluster_placeable(cluster, 0, gpu(300)), 2);
  assert_int_equal(cluster_placeable(cluster, 0, gpu(301)), 0);
  assert_int_equal(cluster_placeable(cluster, 0, gpu(150)), 4);
  world_end(world);
}

static void halves_share_and_the_fullest_gpu_is_taken(void **unused) {
  (void)unused;
  World *world = gpu_node(3);
  Cluster *cluster = &world->cluster;
  assert_int_equal(gpu_of(cluster, placed(cluster, 0, gpu(500), 0)), 0);
  assert_int_equal(gpu_of(cluster, placed(cluster, 0, gpu(500), 0)), 0);
  assert_int_equal(gpu_of(cluster, placed(cluster, 0, gpu(400), 0)), 1);
  assert_int_equal(gpu_of(cluster, placed(cluster, 0, gpu(700), 0)), 2);
  assert_int_equal(gpu_of(cluster, placed(cluster, 0, gpu(300), 0)), 2);
  assert_int_equal(gpu_of(cluster, placed(cluster, 0, gpu(600), 0)), 1);
  refused(cluster, 0, gpu(1), 0);
  world_end(world);
}

static void whole_gpus_need_free_ones(void **unused) {
  (void)unused;
  World *world = gpu_node(3);
  Cluster *cluster = &world->cluster;
  placed(cluster, 0, gpu(100), 0);
  assert_int_equal(cluster_placeable(cluster, 0, gpu(1000)), 2);
  assert_int_equal(cluster_placeable(cluster, 0, gpu(2000)), 1);
  refused(cluster, 0, gpu(3000), 0);
  placed(cluster, 0, gpu(2000), 0);
  refused(cluster, 0, gpu(1000), 0);
  placed(cluster, 0, gpu(900), 0);
  refused(cluster, 0, gpu(1), 0);
  world_end(world);
}

/* Given back is what was taken, although a GPU full of fractions and a whole one look alike. */
static void the_right_gpu_is_given_back(void **unused) {
  (void)unused;
  World *world = gpu_node(2);
  Cluster *cluster = &world->cluster;
  uint32_t half = placed(cluster, 0, gpu(500), 0), other = placed(cluster, 0, gpu(500), 0), whole = placed(cluster, 1, gpu(1000), 0);
  replica_remove(cluster, whole, S);
  cluster_check(cluster);
  replica_remove(cluster, half, S);
  cluster_check(cluster);
  whole = placed(cluster, 1, gpu(1000), S);
  refused(cluster, 1, gpu(501), S);
  assert_int_equal(cluster_placeable(cluster, 0, gpu(500)), 1);
  replica_remove(cluster, other, S);
  assert_int_equal(cluster_placeable(cluster, 0, gpu(1000)), 1);
  replica_remove(cluster, whole, S);
  assert_int_equal(cluster_placeable(cluster, 0, gpu(2000)), 1);
  world_end(world);
}

/* ---- lives ---- */

static void draining_holds_its_capacity(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = world->pool[0].max_nodes = 1;
  Cluster *cluster = world_begin(world, 256 * S);
  uint32_t id = placed(cluster, 0, cpu(3000), 0);
  replica_ready(cluster, id, S);
  replica_drain(cluster, id, 2 * S);
  refused(cluster, 1, cpu(2000), 3 * S);
  assert_false(node_release(cluster, 0, 3 * S));
  assert_true(cluster->node[0].empty_since_ns == INSTANT_NEVER);
  replica_remove(cluster, id, 4 * S);
  assert_true(cluster->node[0].empty_since_ns == 4 * S);
  placed(cluster, 1, cpu(2000), 4 * S);
  cluster_end(cluster);
  assert_true(tenant_cost(cluster, 0) == (__int128)4 * S * PRICE * 3 / 4);
  world_end(world);
}

static void ordinals_count_on_while_ids_are_used_again(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].startup_ns = distribution_exponential(1e9);
  Cluster *cluster = world_begin(world, 256 * S);
  Stream stream = stream_make(1, 7, PURPOSE_STARTUP, 0);
  for (uint32_t k = 0; k < 20; k++) {
    int64_t now = (int64_t)k * 10 * S;
    nodes_order(cluster, 0, 1, now);
    const Node *node = &cluster->node[0];
    assert_int_equal(node->ordinal, k);
    assert_true(node->ready_ns - now == ns_from_double(distribution_quantile(&world->pool[0].startup_ns, stream_uniform(&stream, k))));
    node_ready(cluster, 0, node->ready_ns);
    uint32_t id = placed(cluster, 0, cpu(100), node->ready_ns);
    assert_int_equal(cluster->replica[id].ordinal, k);
    assert_true(cluster->replica[id].replaces == REPLICA_NONE);
    replica_remove(cluster, id, node->ready_ns);
    assert_true(node_release(cluster, 0, node->ready_ns));
  }
  assert_true(cluster->n_nodes == 1 && cluster->n_replicas == 1 && cluster->pool_ordinal[0] == 20);
  world_end(world);
}

static void node_bounds(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].min_nodes = 1;
  world->pool[0].initial_nodes = 2;
  Cluster *cluster = world_begin(world, 256 * S);
  assert_int_equal(nodes_order(cluster, 0, 9, 0), 2); /* four at most */
  assert_int_equal(nodes_order(cluster, 0, 1, 0), 0);
  assert_true(cluster->pool_nodes_ready[0] == 2 && cluster->pool_nodes_starting[0] == 2);
  assert_false(node_release(cluster, 2, S)); /* starting */
  assert_true(node_release(cluster, 0, S));
  assert_int_equal(nodes_order(cluster, 0, 5, S), 1); /* released: one more may come */
  node_ready(cluster, 2, 30 * S);
  node_ready(cluster, 3, 30 * S);
  assert_true(node_release(cluster, 2, 40 * S) && node_release(cluster, 1, 40 * S));
  node_fail(cluster, 3, 41 * S); /* failures do not ask */
  assert_int_equal(cluster->pool_nodes_ready[0], 0);
  assert_int_equal(cluster->pool_nodes_starting[0], 1);
  node_ready(cluster, 0, 42 * S);
  assert_false(node_release(cluster, 0, 43 * S)); /* the minimum */
  world_end(world);
}

/* ---- resize, cap, burst ---- */

static void resize_keeps_to_the_room(void **unused) {
  (void)unused;
  World *world = gpu_node(1);
  Cluster *cluster = &world->cluster;
  uint32_t a = placed(cluster, 0, (Resources){1000, 2 * GIB, 500}, 0);
  uint32_t b = placed(cluster, 1, (Resources){1000, 2 * GIB, 500}, 0);
  Resources before = cluster->replica[a].request, large = {3000, 6 * GIB, 500};
  assert_false(replica_resize(cluster, a, (Resources){3001, GIB, 500}, large, S));
  assert_false(replica_resize(cluster, a, (Resources){1000, 6 * GIB + 1, 500}, large, S));
  assert_true(resources_equal(cluster->replica[a].request, before) && resources_equal(cluster->replica[a].limit, NOTHING));
  assert_true(replica_resize(cluster, a, large, large, S));
  assert_true(resources_equal(cluster->node[0].used, cluster->pool[0].machine.allocatable));
  assert_true(cluster->replica[a].share == SHARE_ONE * 3 / 4 && cluster->replica[b].share == SHARE_ONE / 2);
  assert_false(replica_resize(cluster, b, (Resources){1001, 2 * GIB, 500}, large, S));
  assert_true(replica_resize(cluster, b, (Resources){0, 0, 500}, large, S));
  uint32_t waiting = replica_create(cluster, 0, cpu(9000), NOTHING, 0, S);
  assert_false(replica_place(cluster, waiting, S));
  assert_true(replica_resize(cluster, waiting, cpu(1000), large, S)); /* wherever it goes later */
  assert_true(replica_place(cluster, waiting, S));
  world_end(world);
}

static void cap_by_hand(void **unused) {
  (void)unused;
  World *world = three_nodes(PLACEMENT_FIRST_FIT);
  Cluster *cluster = &world->cluster;
  assert_true(resources_equal(cluster_cap(cluster, 0), cluster->pool[0].machine.allocatable)); /* no replica: a whole node */
  placed(cluster, 1, (Resources){900, GIB, 0}, 0);                                             /* node 0 */
  uint32_t own[3];
  for (int k = 0; k < 2; k++) own[k] = placed(cluster, 0, (Resources){1000, GIB, 0}, 0); /* node 0 */
  own[2] = placed(cluster, 0, (Resources){3500, 6 * GIB, 0}, 0);                         /* node 1 */
  Resources cap = cluster_cap(cluster, 0);
  assert_int_equal(cap.millicores, 1550); /* (4000 - 900) / 2 on node 0 */
  assert_true(cap.bytes == 7 * GIB / 2);
  replica_ready(cluster, own[0], S);
  replica_drain(cluster, own[0], S); /* keeps its own */
  cap = cluster_cap(cluster, 0);
  assert_int_equal(cap.millicores, 2100); /* 4000 - 900 - 1000 for the one that stays */
  assert_true(cap.bytes == 6 * GIB);
  assert_true(replica_resize(cluster, own[1], cap, cap, S) && replica_resize(cluster, own[2], cap, cap, S));
  cap = cluster_cap(cluster, 1);
  assert_int_equal(cap.millicores, 900); /* nothing is left beside them */
  assert_true(cap.bytes == GIB);
  world_end(world);
}

static void burst_shares_idle_cpu_by_request(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 2;
  Cluster *cluster = world_begin(world, 256 * S);
  Resources limit = cpu(4000);
  uint32_t a = replica_create(cluster, 0, cpu(1000), limit, 0, 0), b = replica_create(cluster, 1, cpu(500), limit, 0, 0);
  uint32_t c = replica_create(cluster, 1, cpu(0), limit, 0, 0);
  assert_true(replica_place(cluster, a, 0) && replica_place(cluster, b, 0) && replica_place(cluster, c, 0));
  assert_int_equal(replica_effective_millicores(cluster, a), 2666); /* 1000 + 2500 x 2/3 */
  assert_int_equal(replica_effective_millicores(cluster, b), 1333);
  assert_int_equal(replica_effective_millicores(cluster, c), 0);
  assert_true(replica_resize(cluster, a, cpu(1000), cpu(1200), 0));
  assert_int_equal(replica_effective_millicores(cluster, a), 1200);
  assert_int_equal(replica_effective_millicores(cluster, b), 1333); /* what a leaves is not handed out again */
  assert_true(replica_resize(cluster, a, cpu(1000), NOTHING, 0));
  assert_int_equal(replica_effective_millicores(cluster, a), 1000);
  replica_remove(cluster, a, 0);
  assert_int_equal(replica_effective_millicores(cluster, b), 4000);
  assert_true(replica_resize(cluster, b, cpu(0), cpu(4000), 0));
  assert_int_equal(replica_effective_millicores(cluster, b), 2000); /* nobody asked: equal parts */
  assert_int_equal(replica_effective_millicores(cluster, c), 2000);
  world_end(world);
}

/* ---- questions about room ---- */

static void nodes_needed_by_hand(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].machine.allocatable.milligpus = 2000;
  Cluster *cluster = world_begin(world, 256 * S);
  assert_int_equal(cluster_nodes_needed(cluster, 0), 0);
  for (int k = 0; k < 3; k++) replica_create(cluster, 0, gpu(700), NOTHING, 0, 0); /* one GPU each: two nodes */
  assert_int_equal(cluster_nodes_needed(cluster, 0), 2);
  replica_create(cluster, 1, gpu(1000), NOTHING, 0, 0); /* the fourth GPU */
  assert_int_equal(cluster_nodes_needed(cluster, 0), 2);
  replica_create(cluster, 1, gpu(300), NOTHING, 0, 0); /* beside a 700 */
  assert_int_equal(cluster_nodes_needed(cluster, 0), 2);
  replica_create(cluster, 1, cpu(4001), NOTHING, 0, 0); /* fits no node ever */
  replica_create(cluster, 2, cpu(100), NOTHING, 0, 0);  /* the other pool's */
  assert_int_equal(cluster_nodes_needed(cluster, 0), 2);
  assert_int_equal(cluster_nodes_needed(cluster, 1), 1);
  nodes_order(cluster, 0, 1, 0);
  assert_int_equal(cluster_nodes_needed(cluster, 0), 1); /* one is on its way */
  for (int k = 0; k < 50; k++) replica_create(cluster, 0, gpu(2000), NOTHING, 0, 0);
  assert_int_equal(cluster_nodes_needed(cluster, 0), 3); /* no more may come */
  world_end(world);
}

static void placeable_counts_nodes_to_come(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 1;
  Cluster *cluster = world_begin(world, 256 * S);
  placed(cluster, 0, cpu(1000), 0);
  assert_int_equal(cluster_placeable(cluster, 0, cpu(1500)), 2 + 3 * 2);
  nodes_order(cluster, 0, 2, 0);
  assert_int_equal(cluster_placeable(cluster, 0, cpu(1500)), 2 + 3 * 2);
  assert_int_equal(cluster_placeable(cluster, 0, cpu(4001)), 0);
  assert_int_equal(cluster_placeable(cluster, 0, (Resources){1000, 8 * GIB, 0}), 4);
  replica_create(cluster, 1, cpu(1500), NOTHING, 0, 0); /* those that already wait will take room */
  assert_int_equal(cluster_placeable(cluster, 0, cpu(1500)), 7);
  world_end(world);
}

/* ---- several pools, cordon, drain ---- */

/* Deployment 0 may use a (4 cores) and b, in this order; deployment 1 b before a. */
static World *two_pools(Placement rule) {
  static const uint32_t ab[] = {0, 1}, ba[] = {1, 0};
  World *world = world_new();
  world->pool[1].machine.allocatable = (Resources){8000, 16 * GIB, 0};
  world->pools_of[0] = (PoolList){ab, 2};
  world->pools_of[1] = (PoolList){ba, 2};
  for (int p = 0; p < 2; p++) {
    world->pool[p].placement = rule;
    world->pool[p].initial_nodes = 1;
  }
  return world;
}

/* First fit: the first pool while it has room. Best fit: what leaves the least dominant share free, in whichever pool. Spread: fewest replicas,
 * the preferred pool in a tie. Nodes 0 (a) and 1 (b). */
static void placed_over_pools(void **unused) {
  (void)unused;
  World *world = two_pools(PLACEMENT_FIRST_FIT);
  Cluster *cluster = world_begin(world, 256 * S);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(3000), 0)), 0);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(2000), 0)), 1);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(1000), 0)), 0);
  assert_int_equal(node_of(cluster, placed(cluster, 1, cpu(1000), 0)), 1);
  refused(cluster, 0, cpu(6000), 0);
  assert_int_equal(node_of(cluster, placed(cluster, 1, cpu(5000), 0)), 1);
  world_end(world);
  world = two_pools(PLACEMENT_BEST_FIT);
  cluster = world_begin(world, 256 * S);
  Resources both = {3000, 6 * GIB, 0}; /* leaves a quarter of a, five eighths of b */
  assert_int_equal(node_of(cluster, placed(cluster, 1, both, 0)), 0);
  assert_int_equal(node_of(cluster, placed(cluster, 0, both, 0)), 1);
  world_end(world);
  world = two_pools(PLACEMENT_SPREAD);
  cluster = world_begin(world, 256 * S);
  assert_int_equal(node_of(cluster, placed(cluster, 1, cpu(100), 0)), 1);
  assert_int_equal(node_of(cluster, placed(cluster, 1, cpu(100), 0)), 0);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(100), 0)), 0);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(100), 0)), 1);
  world_end(world);
}

/* A request that the first pool refused is not tried there again, and smaller ones are. */
static void refusals_are_each_pools_own(void **unused) {
  (void)unused;
  World *world = two_pools(PLACEMENT_FIRST_FIT);
  Cluster *cluster = world_begin(world, 256 * S);
  for (int k = 0; k < 2; k++) assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(3000), 0)), k);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(3000), 0)), 1);
  refused(cluster, 0, cpu(3000), 0);
  refused(cluster, 2, cpu(3000), 0);
  assert_int_equal(node_of(cluster, placed(cluster, 1, cpu(1000), 0)), 1);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(1000), 0)), 0);
  world_end(world);
}

/* Four nodes at most in each: a has one (4000 free) and three to come, b the same with 8000. Of 3000: a 1 a node, b 2. */
static void questions_over_pools(void **unused) {
  (void)unused;
  World *world = two_pools(PLACEMENT_FIRST_FIT);
  Cluster *cluster = world_begin(world, 256 * S);
  assert_int_equal(deployment_placeable(cluster, 0, cpu(3000)), 4 + 8);
  assert_int_equal(deployment_placeable(cluster, 2, cpu(3000)), 8);
  assert_int_equal(deployment_placeable(cluster, 0, cpu(6000)), 4); /* only b */
  for (int k = 0; k < 3; k++) placed(cluster, 0, cpu(3000), 0);
  int64_t needed[2];
  for (int k = 0; k < 4; k++) replica_create(cluster, 0, cpu(3000), NOTHING, 0, 0);
  assert_int_equal(deployment_placeable(cluster, 0, cpu(3000)), 4 + 8 - 3 - 4);
  cluster_nodes_needed_all(cluster, needed); /* three in a, its maximum; one in b */
  assert_int_equal(needed[0], 3);
  assert_int_equal(needed[1], 1);
  replica_create(cluster, 1, cpu(5000), NOTHING, 0, 0); /* beside the 3000 on that one */
  cluster_nodes_needed_all(cluster, needed);
  assert_int_equal(needed[1], 1);
  nodes_order(cluster, 1, 2, 0); /* on their way: two of 3000 on each, and a third for the 5000, which a's machines cannot take */
  cluster_nodes_needed_all(cluster, needed);
  assert_int_equal(needed[0], 0);
  assert_int_equal(needed[1], 1);
  assert_int_equal(deployment_roomiest_pool(cluster, 0, cpu(4000)), 0);
  assert_int_equal(deployment_roomiest_pool(cluster, 0, cpu(4001)), 1);
  assert_int_equal(deployment_roomiest_pool(cluster, 0, cpu(9000)), 1);
  world_end(world);
}

/* Each replica could grow into what its own node has left: 1000 + 3000 on a; on b (8000 - 2000 of others) / 2. The least counts. */
static void cap_over_pools(void **unused) {
  (void)unused;
  World *world = two_pools(PLACEMENT_SPREAD);
  Cluster *cluster = world_begin(world, 256 * S);
  assert_int_equal(cluster_cap(cluster, 0).millicores, 8000);
  placed(cluster, 2, cpu(2000), 0);                    /* on b */
  for (int k = 0; k < 3; k++) placed(cluster, 0, cpu(1000), 0); /* a; then a tie, a; then b */
  assert_int_equal(cluster_cap(cluster, 0).millicores, 2000); /* two on a: 4000 / 2; one on b: 6000 */
  assert_int_equal(cluster_cap(cluster, 2).millicores, 7000);
  world_end(world);
}

static void cordoned_nodes_take_nothing(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 2;
  Cluster *cluster = world_begin(world, 256 * S);
  uint32_t a = placed(cluster, 0, cpu(1000), 0);
  node_cordon(cluster, 0, true, S);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(1000), S)), 1);
  refused(cluster, 0, cpu(3500), S);
  assert_int_equal(cluster_placeable(cluster, 0, cpu(1000)), 3 + 2 * 4);
  assert_true(replica_resize(cluster, a, cpu(4000), NOTHING, 2 * S)); /* what is there may still grow */
  replica_remove(cluster, a, 3 * S);
  refused(cluster, 0, cpu(3500), 3 * S);
  node_cordon(cluster, 0, false, 4 * S);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(3500), 4 * S)), 0);
  world_end(world);
}

/* Of three nodes with a minimum of one two may be drained; draining ones do not count for the minimum, and go when they are empty. */
static void draining_keeps_the_minimum(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].initial_nodes = 3;
  world->pool[0].min_nodes = 1;
  Cluster *cluster = world_begin(world, 256 * S);
  uint32_t a = placed(cluster, 0, cpu(1000), 0);
  assert_true(node_drain(cluster, 0, S));
  assert_false(node_drain(cluster, 0, S));
  assert_int_equal(cluster->node[0].changed_ns, 0);
  node_cordon(cluster, 0, false, S); /* for good */
  assert_true(cluster->node[0].cordoned);
  assert_false(node_release(cluster, 0, S)); /* not empty */
  assert_true(node_drain(cluster, 1, S));
  assert_false(node_drain(cluster, 2, S));
  assert_false(node_release(cluster, 2, S));
  replica_remove(cluster, a, 5 * S);
  assert_int_equal(cluster->node[0].changed_ns, 5 * S);
  assert_true(node_release(cluster, 0, 5 * S));
  assert_true(node_release(cluster, 1, 5 * S));
  assert_int_equal(cluster->pool_nodes_draining[0], 0);
  assert_false(node_release(cluster, 2, 5 * S));
  nodes_order(cluster, 0, 1, 6 * S); /* takes a place of those that are gone, uncordoned */
  node_ready(cluster, 0, 36 * S);
  assert_int_equal(node_of(cluster, placed(cluster, 0, cpu(4000), 36 * S)), 0);
  world_end(world);
}

/* Ordered at 10 s, given back at 20 s: ten seconds are billed, at a million nano-USD each. */
static void starting_nodes_can_be_given_back(void **unused) {
  (void)unused;
  World *world = world_new();
  world->pool[0].bill_startup = true;
  world->pool[0].min_nodes = 1;
  world->pool[0].initial_nodes = 1;
  Cluster *cluster = world_begin(world, 256 * S);
  assert_false(node_cancel(cluster, 0, 0)); /* it is ready */
  nodes_order(cluster, 0, 1, 10 * S);
  assert_true(node_cancel(cluster, 1, 20 * S));
  assert_int_equal(cluster->pool_nodes_starting[0], 0);
  cluster_end(cluster);
  assert_true(pool_cost(cluster, 0) == (__int128)(256 + 10) * S * PRICE);
  world_end(world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(minimum_granularity_and_startup),
      cmocka_unit_test(starting_at_the_end),
      cmocka_unit_test(roundings_fall_into_the_row_of_the_release),
      cmocka_unit_test(shares_below_one_leave_idle_cost),
      cmocka_unit_test(shares_above_one_are_scaled_down),
      cmocka_unit_test(shares_round_up_and_never_exceed_the_bill),
      cmocka_unit_test(large_bills_do_not_overflow),
      cmocka_unit_test(rows_are_split_exactly),
      cmocka_unit_test(more_rows_than_nanoseconds),
      cmocka_unit_test(first_fit),
      cmocka_unit_test(best_fit),
      cmocka_unit_test(best_fit_looks_at_the_largest_share),
      cmocka_unit_test(spread),
      cmocka_unit_test(only_ready_nodes_take_replicas),
      cmocka_unit_test(fractions_fit_one_gpu),
      cmocka_unit_test(halves_share_and_the_fullest_gpu_is_taken),
      cmocka_unit_test(whole_gpus_need_free_ones),
      cmocka_unit_test(the_right_gpu_is_given_back),
      cmocka_unit_test(draining_holds_its_capacity),
      cmocka_unit_test(ordinals_count_on_while_ids_are_used_again),
      cmocka_unit_test(node_bounds),
      cmocka_unit_test(resize_keeps_to_the_room),
      cmocka_unit_test(cap_by_hand),
      cmocka_unit_test(burst_shares_idle_cpu_by_request),
      cmocka_unit_test(nodes_needed_by_hand),
      cmocka_unit_test(placed_over_pools),
      cmocka_unit_test(refusals_are_each_pools_own),
      cmocka_unit_test(questions_over_pools),
      cmocka_unit_test(cap_over_pools),
      cmocka_unit_test(cordoned_nodes_take_nothing),
      cmocka_unit_test(draining_keeps_the_minimum),
      cmocka_unit_test(starting_nodes_can_be_given_back),
      cmocka_unit_test(placeable_counts_nodes_to_come),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
