/* Money and other integrals: the cluster is constant between changes, so each accrual adds level times duration to every row it
 * crosses. Deployments are charged whole nano-USD/h rates; what a pool costs beyond them is idle cost, so the parts always sum up. */
#include "sim/base/check.h"
#include "sim/world/cluster_internal.h"

/* nano-USD/h of a pool that has `billed` nodes: what these cost, and what is paid for nothing. Reserved nodes are used first, then the
 * committed spend buys nodes at its own price, the rest costs what the machine costs. */
typedef struct Rate {
  __int128 used, unused;
} Rate;

static Rate pool_rate(const NodePool *pool, int64_t billed) {
  const PoolPrices *prices = &pool->prices;
  int64_t reserved = billed < prices->reserved_nodes ? billed : prices->reserved_nodes;
  __int128 price = pool->machine.nano_usd_per_h, rest = billed - reserved;
  Rate rate = {.used = (__int128)reserved * prices->reserved_nano_usd_per_h,
               .unused = (__int128)(prices->reserved_nodes - reserved) * prices->reserved_nano_usd_per_h};
  if (!prices->committed_nano_usd_per_h) {
    rate.used += rest * price;
    return rate;
  }
  __int128 committed = prices->committed_nano_usd_per_h, bought = rest * prices->committed_node_nano_usd_per_h;
  rate.used += bought <= committed ? bought : committed + (bought - committed) * price / prices->committed_node_nano_usd_per_h;
  if (bought < committed) rate.unused += committed - bought;
  return rate;
}

static __int128 warm_rate(const NodePool *pool) { return (__int128)pool->warm.nodes * pool->warm.nano_usd_per_h; }

/* Deployments pay for a node what the pool's nodes cost on average. */
static __int128 node_rate(const Cluster *c, uint32_t p) {
  int64_t billed = c->pool_level[p].billed;
  if (!c->pool[p].prices.reserved_nodes && !c->pool[p].prices.committed_nano_usd_per_h) return c->pool[p].machine.nano_usd_per_h;
  return billed > 0 ? pool_rate(&c->pool[p], billed).used / billed : 0;
}

static void rates_update(Cluster *c) {
  for (uint32_t d = 0; d < c->n_deployments; d++) c->tenant_level[d].nano_usd_per_h = c->tenant_level[d].milliwatts = 0;
  for (uint32_t r = 0; r < c->n_replicas; r++) {
    const Replica *replica = &c->replica[r];
    if (replica->node == NODE_NONE) continue;
    const Node *node = &c->node[replica->node];
    int64_t whole = node->share_sum > SHARE_ONE ? node->share_sum : SHARE_ONE;
    __int128 price = node_rate(c, node->pool);
    TenantLevel *tenant = &c->tenant_level[replica->deployment];
    const MachineType *machine = &c->pool[node->pool].machine;
    tenant->nano_usd_per_h += price * replica->share / whole;
    if (replica->state == REPLICA_READY) tenant->milliwatts += (__int128)(machine->busy_milliwatts - machine->idle_milliwatts) * replica->share / whole;
  }
  c->rates_changed = false;
}

static void accrue_row(Cluster *c, int row, int64_t dt) {
  for (uint32_t p = 0; p < c->n_pools; p++) {
    const PoolLevel *level = &c->pool_level[p];
    const Resources room = c->pool[p].machine.allocatable;
    PoolRow *to = &c->pool_row[(size_t)p * TRACE_ROWS + (size_t)row];
    Rate rate = pool_rate(&c->pool[p], level->billed);
    __int128 cost = (rate.used + rate.unused + warm_rate(&c->pool[p])) * dt;
    to->nodes_ready += (__int128)level->ready * dt;
    to->nodes_starting += (__int128)level->starting * dt;
    to->nodes_down += (__int128)level->down * dt;
    to->unused += rate.unused * dt;
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
    to->milliwatts += level->milliwatts * dt;
    to->pending += (__int128)level->pending * dt;
    to->millicores += (__int128)level->requested.millicores * dt;
    to->bytes += (__int128)level->requested.bytes * dt;
    to->milligpus += (__int128)level->requested.milligpus * dt;
  }
}

void cluster_accrue(Cluster *c, int64_t now_ns) {
  CHECK(now_ns >= c->accrued_ns && now_ns <= c->horizon_ns);
  c->clock_ns = now_ns;
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

/* Time that only rounding adds costs what one node more costs now: nothing where it is paid for anyway. */
void node_bill_end(Cluster *c, Node *node, int64_t now_ns) {
  const NodePool *pool = &c->pool[node->pool];
  if (node->billed_since_ns == INSTANT_NEVER) return;
  int64_t billed = c->pool_level[node->pool].billed--;
  Rate with = pool_rate(pool, billed), without = pool_rate(pool, billed - 1);
  __int128 cost = (__int128)extra_billed_ns(pool, now_ns - node->billed_since_ns) * (with.used + with.unused - without.used - without.unused);
  pool_row_now(c, node->pool, now_ns)->cost += cost;
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
  for (uint32_t p = 0; p < c->n_pools; p++) {
    Rate rate = pool_rate(&c->pool[p], c->pool_level[p].billed);
    sum += rate.used + rate.unused + warm_rate(&c->pool[p]);
  }
  return sum;
}

__int128 cluster_spent_nano_usd(const Cluster *c) { return c->spent / INT64_C(3600000000000); }
