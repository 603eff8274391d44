/* Whether a node is to be had, how fast it comes, and what will happen to it. All draws are addressed by the pool's (or the market's) name
 * and the node's number in its pool, so two strategies that order their k-th node meet the same machine; stock is a function of time
 * alone. */
#include "sim/base/check.h"
#include "sim/world/cluster_internal.h"

bool pool_is_plain(const NodePool *pool) {
  return !pool->failures.breaks && !(pool->failures.start_ratio > 0) && !(pool->spot.reclaims_per_ns > 0) && !pool->spot.n_instants && !pool->stock.runs_out &&
         !pool->warm.nodes && !pool->prices.reserved_nodes && !pool->prices.committed_nano_usd_per_h && !(pool->slow_ratio > 0) && !pool->pulls_pool &&
         !pool->pulls_node;
}

int64_t pool_may_order(const Cluster *c, uint32_t p) {
  int64_t there = (int64_t)c->pool_nodes_ready[p] + c->pool_nodes_starting[p] + c->pool_level[p].down;
  return c->pool[p].max_nodes > there ? c->pool[p].max_nodes - there : 0;
}

static double draw(const Cluster *c, uint32_t entity, Purpose purpose, uint64_t index) {
  Stream stream = stream_make(c->seed, entity, purpose, c->replication);
  return stream_uniform(&stream, index);
}

static int64_t drawn_ns(const Distribution *law, double u) { return ns_from_double(distribution_quantile(law, u)); }

static int64_t later(int64_t now_ns, int64_t after_ns) { return after_ns < INSTANT_NEVER - now_ns ? now_ns + after_ns : INSTANT_NEVER; }

/* ---- stock ---- */

/* How long the k-th stay in (even) or out of stock (odd) lasts; at least a nanosecond, so that time goes on. */
static int64_t stay_ns(const Cluster *c, uint32_t p, uint64_t k) {
  const PoolStock *stock = &c->pool[p].stock;
  int64_t ns = drawn_ns(k % 2 ? &stock->last_ns : &stock->every_ns, draw(c, stock->market, PURPOSE_STOCK, k));
  return ns > 0 ? ns : 1;
}

static void stock_advance(Cluster *c, uint32_t p, int64_t now_ns) {
  PoolState *state = &c->pool_state[p];
  while (state->stock_changes_ns <= now_ns) {
    state->out = !state->out;
    state->stock_changes_ns = later(state->stock_changes_ns, stay_ns(c, p, state->stock_draws++));
  }
}

int64_t pool_out_ns(const Cluster *c, uint32_t p, int64_t from_ns, int64_t to_ns) {
  if (!c->pool[p].stock.runs_out) return 0;
  int64_t at_ns = 0, sum_ns = 0;
  for (uint64_t k = 0; at_ns < to_ns; k++) {
    int64_t end_ns = later(at_ns, stay_ns(c, p, k));
    int64_t begin = at_ns > from_ns ? at_ns : from_ns, end = end_ns < to_ns ? end_ns : to_ns;
    if (k % 2 && end > begin) sum_ns += end - begin;
    at_ns = end_ns;
  }
  return sum_ns;
}

void pool_close(Cluster *c, uint32_t p, int64_t now_ns) {
  const PoolStock *stock = &c->pool[p].stock;
  PoolState *state = &c->pool_state[p];
  int64_t wait_ns = state->backoff_ns ? 2 * state->backoff_ns : stock->backoff_first_ns;
  state->backoff_ns = wait_ns < stock->backoff_most_ns ? wait_ns : stock->backoff_most_ns;
  state->closed_until_ns = later(now_ns, state->backoff_ns);
}

/* ---- orders ---- */

/* The place of a warm node that is there, the one there longest; -1. */
static int64_t warm_place(const Cluster *c, uint32_t p, int64_t now_ns) {
  const int64_t *warm_ns = c->pool_state[p].warm_ns;
  int64_t place = -1;
  for (int64_t k = 0; k < c->pool[p].warm.nodes; k++)
    if (warm_ns[k] <= now_ns && (place < 0 || warm_ns[k] < warm_ns[place])) place = k;
  return place;
}

/* The next node of the pool takes a warm node's place; another one is prepared, which takes as long as a cold start, once there is stock. */
static void take_warm(Cluster *c, uint32_t p, int64_t place, int64_t cold_ns, int64_t now_ns) {
  PoolState *state = &c->pool_state[p];
  int64_t begin_ns = state->out ? state->stock_changes_ns : now_ns;
  state->warm_ns[place] = later(begin_ns, cold_ns);
  pool_row_now(c, p, now_ns)->warm++;
}

bool pool_supplies(Cluster *c, uint32_t p, int64_t now_ns, Supply *supply) {
  const NodePool *pool = &c->pool[p];
  PoolState *state = &c->pool_state[p];
  if (state->closed_until_ns > now_ns) return false;
  stock_advance(c, p, now_ns);
  int64_t place = warm_place(c, p, now_ns);
  if (place < 0 && state->out) {
    pool_row_now(c, p, now_ns)->refused++;
    pool_close(c, p, now_ns);
    return false;
  }
  uint64_t ordinal = c->pool_ordinal[p];
  double u = draw(c, pool->entity, PURPOSE_STARTUP, ordinal);
  *supply = (Supply){.startup_ns = drawn_ns(&pool->startup_ns, u)};
  if (place >= 0) {
    take_warm(c, p, place, supply->startup_ns, now_ns);
    *supply = (Supply){.startup_ns = drawn_ns(&pool->warm.startup_ns, u), .warm = true};
  } else if (pool->failures.start_ratio > 0 && draw(c, pool->entity, PURPOSE_NODE_START, ordinal) < pool->failures.start_ratio) {
    *supply = (Supply){.startup_ns = pool->failures.start_detect_ns, .fails = true};
  }
  return true;
}

/* ---- what a node draws ---- */

double node_speed(const Cluster *c, const Node *node) {
  const NodePool *pool = &c->pool[node->pool];
  return pool->slow_ratio > 0 && draw(c, pool->entity, PURPOSE_NODE_SPEED, node->ordinal) < pool->slow_ratio ? pool->slow_speed : 1;
}

/* Failures of one node are numbered: bits below 24 of the index. */
static uint64_t failure_index(const Node *node, uint32_t k) { return (uint64_t)node->ordinal << 24 | (k & 0xffffffu); }

static void next_failure(const Cluster *c, Node *node, int64_t now_ns) {
  const NodePool *pool = &c->pool[node->pool];
  if (!pool->failures.breaks) return;
  node->fails_ns = later(now_ns, drawn_ns(&pool->failures.mtbf_ns, draw(c, pool->entity, PURPOSE_NODE_FAILURE, failure_index(node, node->n_failures++))));
}

void node_draws_dangers(Cluster *c, Node *node, int64_t now_ns) {
  const NodePool *pool = &c->pool[node->pool];
  next_failure(c, node, now_ns);
  if (!(pool->spot.reclaims_per_ns > 0)) return;
  Distribution wait_ns = distribution_exponential(1 / pool->spot.reclaims_per_ns);
  node->reclaimed_ns = later(now_ns, drawn_ns(&wait_ns, draw(c, pool->entity, PURPOSE_RECLAIM, failure_index(node, node->n_failures))));
}

void node_spare(Cluster *c, uint32_t n, int64_t now_ns) {
  Node *node = &c->node[n];
  CHECK(node->state == NODE_READY);
  next_failure(c, node, now_ns);
}

/* Crews take repairs in the order of the failures. */
int64_t node_repair_ends(Cluster *c, const Node *node, int64_t now_ns) {
  const NodePool *pool = &c->pool[node->pool];
  int64_t *crew_ns = c->pool_state[node->pool].crew_ns, begin_ns = now_ns, first = 0;
  for (int64_t k = 1; k < pool->failures.crews; k++)
    if (crew_ns[k] < crew_ns[first]) first = k;
  if (pool->failures.crews && crew_ns[first] > now_ns) begin_ns = crew_ns[first];
  double u = draw(c, pool->entity, PURPOSE_NODE_REPAIR, failure_index(node, node->n_failures));
  int64_t end_ns = later(begin_ns, drawn_ns(&pool->failures.repair_ns, u));
  if (pool->failures.crews) crew_ns[first] = end_ns;
  return end_ns;
}

/* ---- beginning ---- */

void supply_begin(Cluster *c) {
  c->pool_state = ARENA_ARRAY(c->arena, PoolState, c->n_pools);
  for (uint32_t p = 0; p < c->n_pools; p++) {
    PoolState *state = &c->pool_state[p];
    state->warm_ns = ARENA_ARRAY(c->arena, int64_t, (size_t)c->pool[p].warm.nodes);
    state->crew_ns = ARENA_ARRAY(c->arena, int64_t, (size_t)c->pool[p].failures.crews);
    state->stock_changes_ns = c->pool[p].stock.runs_out ? stay_ns(c, p, state->stock_draws++) : INSTANT_NEVER;
  }
}
