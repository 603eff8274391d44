/* What always holds of a cluster, recomputed from its replicas and nodes: capacity is conserved, levels say what there is. */
#include "sim/base/check.h"
#include "sim/world/cluster_internal.h"

/* Each GPU is free, shared by fractions that fit, or given whole, and as many are given whole as replicas hold. */
static void check_gpus(const Cluster *c, const Node *node) {
  int64_t given_whole = 0, given_in_parts = 0; /* less those found on GPUs: fractions on a GPU that is whole or free would be left over */
  for (uint32_t r = node->first_replica; r != REPLICA_NONE; r = c->replica[r].next_on_node) {
    int64_t whole = whole_gpus(c->replica[r].request.milligpus);
    given_whole += whole;
    if (!whole) given_in_parts += c->replica[r].request.milligpus;
  }
  for (int64_t g = 0; g < machine_gpus(&c->pool[node->pool]); g++) {
    if (node->gpu_free[g] == GPU_WHOLE) given_whole--;
    if (node->gpu_free[g] == GPU_WHOLE || node->gpu_free[g] == GPU_FREE) continue;
    int64_t shared = 0;
    for (uint32_t r = node->first_replica; r != REPLICA_NONE; r = c->replica[r].next_on_node)
      if (c->replica[r].gpu == g && !whole_gpus(c->replica[r].request.milligpus)) shared += c->replica[r].request.milligpus;
    CHECK(node->gpu_free[g] == GPU_FREE - shared && shared <= GPU_FREE);
    given_in_parts -= shared;
  }
  CHECK(given_whole == 0 && given_in_parts == 0);
}

static void check_node(const Cluster *c, uint32_t n) {
  const Node *node = &c->node[n];
  const PoolLevel *level = &c->pool_level[node->pool];
  Resources sum = {0, 0, 0};
  int64_t shares = 0;
  uint32_t count = 0, gpu;
  for (uint32_t r = node->first_replica; r != REPLICA_NONE; r = c->replica[r].next_on_node, count++) {
    const Replica *replica = &c->replica[r];
    CHECK(replica->node == n && replica->state != REPLICA_PENDING && replica->state != REPLICA_GONE);
    CHECK(deployment_may_use(c, replica->deployment, node->pool));
    sum = resources_add(sum, replica->request);
    shares += replica->share;
  }
  CHECK(count == node->n_replicas && resources_equal(sum, node->used) && shares == node->share_sum);
  CHECK(node->state == NODE_READY || (count == 0 && !node->cordoned));
  CHECK(node->cordoned || !node->draining);
  CHECK(node->lost_ns == INSTANT_NEVER || node->draining);
  if (node->state == NODE_GONE) return;
  CHECK(resources_fit(node->used, c->pool[node->pool].machine.allocatable));
  CHECK((node->empty_since_ns == INSTANT_NEVER) == (count > 0));
  if (level->full && node->state == NODE_READY && !node->cordoned) CHECK(!node_has_room(&c->pool[node->pool], node, level->full_for, &gpu));
  check_gpus(c, node);
}

static void check_pool(const Cluster *c, uint32_t p) {
  const PoolLevel *level = &c->pool_level[p];
  uint32_t ready = 0, starting = 0, draining = 0, down = 0;
  int64_t billed = 0;
  Resources used = {0, 0, 0};
  for (uint32_t n = 0; n < c->n_nodes; n++) {
    if (c->node[n].pool != p || c->node[n].state == NODE_GONE) continue;
    ready += c->node[n].state == NODE_READY;
    starting += c->node[n].state == NODE_STARTING;
    draining += c->node[n].draining;
    billed += c->node[n].billed_since_ns != INSTANT_NEVER;
    down += c->node[n].state == NODE_DOWN;
    used = resources_add(used, c->node[n].used);
  }
  CHECK(ready == c->pool_nodes_ready[p] && starting == c->pool_nodes_starting[p] && draining == c->pool_nodes_draining[p]);
  CHECK(level->ready == ready && level->starting == starting && level->down == down && resources_equal(level->used, used));
  CHECK(level->billed == billed);
  CHECK((int64_t)ready + starting + down <= c->pool[p].max_nodes);
}

/* One look at each replica; deployments are compared in sum, since this runs after every change. */
static void check_replicas(const Cluster *c) {
  int64_t pending = 0;
  Resources requested = {0, 0, 0};
  for (uint32_t r = 0; r < c->n_replicas; r++) {
    const Replica *replica = &c->replica[r];
    bool has_node = replica->state != REPLICA_PENDING && replica->state != REPLICA_GONE;
    CHECK(has_node == (replica->node != NODE_NONE));
    CHECK(replica->state != REPLICA_GONE || r >= c->first_free_replica);
    pending += replica->state == REPLICA_PENDING;
    if (has_node) requested = resources_add(requested, replica->request);
  }
  for (uint32_t d = 0; d < c->n_deployments; d++) {
    CHECK(c->tenant_level[d].pending == c->deployment_pending[d]);
    pending -= c->tenant_level[d].pending;
    requested = resources_subtract(requested, c->tenant_level[d].requested);
  }
  CHECK(pending == 0 && resources_equal(requested, (Resources){0, 0, 0}));
}

void cluster_check(const Cluster *c) {
  for (uint32_t n = 0; n < c->n_nodes; n++) check_node(c, n);
  for (uint32_t p = 0; p < c->n_pools; p++) check_pool(c, p);
  check_replicas(c);
}
