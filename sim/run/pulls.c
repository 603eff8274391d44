/* Image-pull storms: replicas of a pool that load at the same time share the bandwidth of its registry, those of one node that of the node.
 * With n loads in a pool that takes P at full speed, and m of them on one node that takes N, each goes at the least of 1, P/n and N/m of
 * its own speed. When each one ends follows from who loads now; it is worked out again whenever that changes, which is only at
 * shared instants, so the data plane always knows the next end. */
#include "sim/base/check.h"
#include "sim/run/run_internal.h"

typedef struct Pull {
  uint32_t replica, node;
  double left_ns; /* at full speed */
} Pull;

struct Pulls {
  Pull *pull, *copy;
  uint32_t n, capacity;
  int64_t at_ns; /* what is left is as of then */
  bool changed;
};

void pulls_begin(Run *run) {
  bool any = false;
  for (uint32_t p = 0; p < run->cluster.n_pools; p++) any = any || run->cluster.pool[p].pulls_pool || run->cluster.pool[p].pulls_node;
  if (any) run->pulls = ARENA_ARRAY(run->arena, struct Pulls, run->cluster.n_pools);
}

static double rate_of(const NodePool *pool, const Pull *pull, uint32_t n, uint32_t k) {
  double rate = 1;
  if (pool->pulls_pool && n > pool->pulls_pool) rate = (double)pool->pulls_pool / n;
  if (!pool->pulls_node) return rate;
  int64_t beside = 0;
  for (uint32_t j = 0; j < n; j++) beside += pull[j].node == pull[k].node;
  double own = beside > pool->pulls_node ? (double)pool->pulls_node / (double)beside : 1;
  return own < rate ? own : rate;
}

static int64_t end_of(const NodePool *pool, const Pull *pull, uint32_t n, uint32_t k, int64_t at_ns) {
  return at_ns + ns_from_double(pull[k].left_ns / rate_of(pool, pull, n, k));
}

/* The one that ends first, the earliest in the list among equals. */
static uint32_t first_to_end(const NodePool *pool, const Pull *pull, uint32_t n, int64_t at_ns, int64_t *end_ns) {
  uint32_t first = 0;
  *end_ns = end_of(pool, pull, n, 0, at_ns);
  for (uint32_t k = 1; k < n; k++) {
    int64_t own_ns = end_of(pool, pull, n, k, at_ns);
    if (own_ns >= *end_ns) continue;
    *end_ns = own_ns;
    first = k;
  }
  return first;
}

static void go_on(const NodePool *pool, Pull *pull, uint32_t n, int64_t ns) {
  for (uint32_t k = 0; ns > 0 && k < n; k++) {
    double done_ns = rate_of(pool, pull, n, k) * (double)ns;
    pull[k].left_ns = pull[k].left_ns > done_ns ? pull[k].left_ns - done_ns : 0;
  }
}

static void take_out(Pull *pull, uint32_t *n, uint32_t k) {
  for (--*n; k < *n; k++) pull[k] = pull[k + 1];
}

/* Up to now; loads that ended at their known instants leave. */
static void advance(const NodePool *pool, struct Pulls *pulls, int64_t now_ns) {
  while (pulls->n) {
    int64_t end_ns;
    uint32_t k = first_to_end(pool, pulls->pull, pulls->n, pulls->at_ns, &end_ns);
    if (end_ns > now_ns) break;
    go_on(pool, pulls->pull, pulls->n, end_ns - pulls->at_ns);
    take_out(pulls->pull, &pulls->n, k);
    pulls->at_ns = end_ns;
  }
  if (now_ns > pulls->at_ns) go_on(pool, pulls->pull, pulls->n, now_ns - pulls->at_ns);
  if (now_ns > pulls->at_ns) pulls->at_ns = now_ns;
}

void pulls_add(Run *run, uint32_t replica, int64_t load_ns) {
  uint32_t node = run->cluster.replica[replica].node, p = run->cluster.node[node].pool;
  const NodePool *pool = &run->cluster.pool[p];
  if (!pool->pulls_pool && !pool->pulls_node) return;
  struct Pulls *pulls = &run->pulls[p];
  advance(pool, pulls, run->now_ns);
  if (pulls->n == pulls->capacity) {
    uint32_t grown = pulls->capacity ? 2 * pulls->capacity : 16;
    pulls->pull = arena_grow(run->arena, pulls->pull, pulls->n, grown, sizeof *pulls->pull);
    pulls->copy = ARENA_ARRAY(run->arena, Pull, grown);
    pulls->capacity = grown;
  }
  pulls->pull[pulls->n++] = (Pull){replica, node, (double)load_ns};
  pulls->changed = true;
}

void pulls_forget(Run *run, uint32_t replica) {
  uint32_t node = run->cluster.replica[replica].node;
  if (!run->pulls || node == NODE_NONE || run->cluster.replica[replica].state != REPLICA_STARTING) return;
  uint32_t p = run->cluster.node[node].pool;
  struct Pulls *pulls = &run->pulls[p];
  for (uint32_t k = 0; k < pulls->n; k++) {
    if (pulls->pull[k].replica != replica) continue;
    advance(&run->cluster.pool[p], pulls, run->now_ns);
    for (k = 0; k < pulls->n && pulls->pull[k].replica != replica;) k++;
    if (k < pulls->n) take_out(pulls->pull, &pulls->n, k);
    pulls->changed = true;
    return;
  }
}

static void settle(Run *run, uint32_t id, int64_t end_ns) {
  Replica *replica = &run->cluster.replica[id];
  const Target *target = &run->target[replica->deployment];
  int64_t ready_ns = replica->placed_ns + readiness_ns(&target->spec->readiness, end_ns - replica->placed_ns);
  if (ready_ns == replica->ready_ns) return;
  replica->ready_ns = ready_ns;
  station_set_ready(&run->station[replica->deployment], id, ready_ns);
  if (target_waits_for(target, replica)) run_push(run, ready_ns, CLASS_READY, SHARED_REPLICA_READY, id);
}

void pulls_flush(Run *run) {
  for (uint32_t p = 0; run->pulls && p < run->cluster.n_pools; p++) {
    struct Pulls *pulls = &run->pulls[p];
    if (!pulls->changed) continue;
    pulls->changed = false;
    const NodePool *pool = &run->cluster.pool[p];
    uint32_t n = pulls->n;
    for (uint32_t k = 0; k < n; k++) pulls->copy[k] = pulls->pull[k];
    for (int64_t at_ns = pulls->at_ns, end_ns; n; at_ns = end_ns) {
      uint32_t k = first_to_end(pool, pulls->copy, n, at_ns, &end_ns), id = pulls->copy[k].replica;
      go_on(pool, pulls->copy, n, end_ns - at_ns);
      take_out(pulls->copy, &n, k);
      settle(run, id, end_ns);
    }
  }
}
