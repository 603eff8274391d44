/* Money and other integrals: the cluster is constant between changes, so each accrual adds level times duration to every row it
 * crosses. Deployments are charged whole nano-USD/h rates; what a pool costs beyond them is idle cost, so the parts always sum up. */
#include "sim/base/check.h"
#include "sim/world/cluster_internal.h"

static void rates_update(Cluster *c) {
  for (uint32_t d = 0; d < c->n_deployments; d++) c->tenant_level[d].nano_usd_per_h = 0;
  for (uint32_t r = 0; r < c->n_replicas; r++) {
    const Replica *replica = &c->replica[r];
    if (replica->node == NODE_NONE) continue;
    const Node *node = &c->node[replica->node];
    int64_t whole = node->share_sum > SHARE_ONE ? node->share_sum : SHARE_ONE;
    __int128 price = c->pool[node->pool].machine.nano_usd_per_h;
    c->tenant_level[replica->deployment].nano_usd_per_h += price * replica->share / whole;
  }
  c->rates_changed = false;
}

static void accrue_row(Cluster *c, int row, int64_t dt) {
  for (uint32_t p = 0; p < c->n_pools; p++) {
    const PoolLevel *level = &c->pool_level[p];
    const Resources room = c->pool[p].machine.allocatable;
    PoolRow *to = &c->pool_row[(size_t)p * TRACE_ROWS + (size_t)row];
    __int128 cost = (__int128)level->billed * c->pool[p].machine.nano_usd_per_h * dt;
    to->nodes_ready += (__int128)level->ready * dt;
    to->nodes_starting += (__int128)level->starting * dt;
    to->cost += cost;
    c->spent += cost;
    to->used_millicores += (__int128)level->used.millicores * dt;
    to->used_bytes += (__int128)level->used.bytes * dt;
    to->used_milligpus += (__int128)level->used.milligpus * dt;
    to->room_millicores += (__int128)room.millicores * level->ready * dt;
    to->room_bytes += (__int128)room.bytes * level->ready * dt;
    to->room_milligpus += (__int128)room.milligpus * level->ready * dt;
  }
  for (uint32_t d = 0; d < c->n_deployments; d++) {
    const TenantLevel *level = &c->tenant_level[d];
    TenantRow *to = &c->tenant_row[(size_t)d * TRACE_ROWS + (size_t)row];
    to->cost += level->nano_usd_per_h * dt;
    to->pending += (__int128)level->pending * dt;
    to->millicores += (__int128)level->requested.millicores * dt;
    to->bytes += (__int128)level->requested.bytes * dt;
    to->milligpus += (__int128)level->requested.milligpus * dt;
  }
}

void cluster_accrue(Cluster *c, int64_t now_ns) {
  CHECK(now_ns >= c->accrued_ns && now_ns <= c->horizon_ns);
  if (c->rates_changed && now_ns > c->accrued_ns) rates_update(c);
  while (c->accrued_ns < now_ns) {
    int row = row_of(c->horizon_ns, c->accrued_ns);
    int64_t end = row_start_ns(c->horizon_ns, row + 1);
    if (end > now_ns) end = now_ns;
    accrue_row(c, row, end - c->accrued_ns);
    c->accrued_ns = end;
  }
}

/* What rounding up to the granularity and the minimum charge add when billing of a node ends. */
static int64_t extra_billed_ns(const NodePool *pool, int64_t billed_ns) {
  int64_t due = billed_ns > pool->minimum_charge_ns ? billed_ns : pool->minimum_charge_ns;
  int64_t over = due % pool->granularity_ns;
  if (over) due += pool->granularity_ns - over;
  return due - billed_ns;
}

void node_bill_end(Cluster *c, Node *node, int64_t now_ns) {
  const NodePool *pool = &c->pool[node->pool];
  if (node->billed_since_ns == INSTANT_NEVER) return;
  int row = row_of(c->horizon_ns, now_ns);
  __int128 cost = (__int128)extra_billed_ns(pool, now_ns - node->billed_since_ns) * pool->machine.nano_usd_per_h;
  c->pool_row[(size_t)node->pool * TRACE_ROWS + (size_t)row].cost += cost;
  c->spent += cost;
  node->billed_since_ns = INSTANT_NEVER;
}

void cluster_end(Cluster *c) {
  cluster_accrue(c, c->horizon_ns);
  for (uint32_t n = 0; n < c->n_nodes; n++)
    if (c->node[n].state != NODE_GONE) node_bill_end(c, &c->node[n], c->horizon_ns);
}

__int128 cluster_nano_usd_per_h(const Cluster *c) {
  __int128 sum = 0;
  for (uint32_t p = 0; p < c->n_pools; p++) sum += (__int128)c->pool_level[p].billed * c->pool[p].machine.nano_usd_per_h;
  return sum;
}

__int128 cluster_spent_nano_usd(const Cluster *c) { return c->spent / INT64_C(3600000000000); }
