/* See node_bench.h. */
#include "tests/support/node_bench.h"

#include <stdlib.h>
#include <string.h>

#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/testing.h"

static int64_t ns(double s) { return ns_from_double(s * 1e9); }

static PoolView pool_view(NodeBench *bench, const char *name, int64_t cores, int64_t gib, int64_t gpus, int64_t nano_usd_per_h) {
  Resources all = {cores * 1000, gib * BENCH_GIB, gpus * 1000};
  return (PoolView){.name = name, .capacity = all, .allocatable = all, .nano_usd_per_h = nano_usd_per_h, .max_nodes = 10,
                    .state = arena_alloc(&bench->arena, 1, bench->policy->pool_state_bytes)};
}

NodeBench *node_bench(const char *policy) {
  static const uint32_t both[] = {0, 1}, small[] = {0}, large[] = {1}, gpu[] = {2};
  NodeBench *bench = calloc(1, sizeof *bench);
  bench->policy = (const NodePolicy *)model_find(MODEL_NODE_POLICY, policy);
  assert_non_null(bench->policy);
  bench->params = param_new(&bench->arena, bench->policy->model.params);
  bench->state = arena_alloc(&bench->arena, 1, bench->policy->state_bytes);
  bench->pool[0] = pool_view(bench, "small", 4, 8, 0, 200000000);
  bench->pool[1] = pool_view(bench, "large", 8, 16, 0, 380000000);
  bench->pool[2] = pool_view(bench, "gpu", 8, 32, 2, 2000000000);
  bench->deployment[0] = (DeploymentView){"either", both, 2, 0, false};
  bench->deployment[1] = (DeploymentView){"small", small, 1, 0, false};
  bench->deployment[2] = (DeploymentView){"large", large, 1, 0, false};
  bench->deployment[3] = (DeploymentView){"gpu", gpu, 1, 0, false};
  return bench;
}

void node_bench_set(NodeBench *bench, const char *path, const char *text) { param_set(bench->policy->model.params, bench->params, path, text); }

static uint32_t node_add(NodeBench *bench, uint32_t pool, NodeView view) {
  assert_true(bench->n_nodes < BENCH_NODES);
  int64_t gpus = bench->pool[pool].allocatable.milligpus / 1000, *gpu_free = ARENA_ARRAY(&bench->arena, int64_t, (size_t)gpus);
  for (int64_t g = 0; g < gpus; g++) gpu_free[g] = GPU_FREE;
  view.pool = pool;
  view.gpu_free = gpu_free;
  view.node = bench->n_nodes;
  view.state = arena_alloc(&bench->arena, 1, bench->policy->node_state_bytes);
  bench->node[bench->n_nodes] = view;
  return bench->n_nodes++;
}

uint32_t node_bench_ready(NodeBench *bench, uint32_t pool, double since_s) {
  return node_add(bench, pool, (NodeView){.phase = NODE_PHASE_READY, .ordered_ns = ns(since_s), .ready_ns = ns(since_s),
                                          .empty_since_ns = ns(since_s), .changed_ns = ns(since_s)});
}

uint32_t node_bench_starting(NodeBench *bench, uint32_t pool, double ordered_s) {
  return node_add(bench, pool, (NodeView){.phase = NODE_PHASE_STARTING, .ordered_ns = ns(ordered_s), .ready_ns = INSTANT_NEVER,
                                          .empty_since_ns = ns(ordered_s), .changed_ns = INSTANT_NEVER});
}

void node_bench_starting_ready(NodeBench *bench, uint32_t node, double at_s) {
  bench->node[node].phase = NODE_PHASE_READY;
  bench->node[node].ready_ns = bench->node[node].changed_ns = bench->node[node].empty_since_ns = ns(at_s);
}

static void place(NodeBench *bench, uint32_t node, uint32_t d, Resources request, double at_s) {
  assert_true(bench->n_placed < BENCH_PLACED);
  NodeView *view = &bench->node[node];
  uint32_t gpu;
  int64_t gpus = bench->pool[view->pool].allocatable.milligpus / 1000;
  assert_true(gpus_have_room(view->gpu_free, gpus, request.milligpus, &gpu));
  if (request.milligpus) (void)gpus_change((int64_t *)(uintptr_t)view->gpu_free, gpus, request.milligpus, gpu, true);
  bench->placed_on[bench->n_placed] = node;
  bench->placed[bench->n_placed++] = (PlacedView){.deployment = d, .request = request, .gpu = gpu, .ready = true, .placed_ns = ns(at_s)};
  view->requested = resources_add(view->requested, request);
  view->empty_since_ns = INSTANT_NEVER;
  view->changed_ns = ns(at_s);
}

static Resources request_of(double cores) { return (Resources){(int64_t)(cores * 1000), (int64_t)(cores * 2 * (double)BENCH_GIB), 0}; }

void node_bench_place(NodeBench *bench, uint32_t node, uint32_t d, double cores, double at_s) { place(bench, node, d, request_of(cores), at_s); }

void node_bench_place_gpu(NodeBench *bench, uint32_t node, int64_t milligpus, double at_s) {
  place(bench, node, 3, (Resources){1000, BENCH_GIB, milligpus}, at_s);
}

void node_bench_empty(NodeBench *bench, uint32_t node, double at_s) {
  uint32_t kept = 0;
  for (uint32_t k = 0; k < bench->n_placed; k++) {
    if (bench->placed_on[k] == node) continue;
    bench->placed[kept] = bench->placed[k];
    bench->placed_on[kept++] = bench->placed_on[k];
  }
  bench->n_placed = kept;
  bench->node[node].requested = (Resources){0, 0, 0};
  bench->node[node].empty_since_ns = bench->node[node].changed_ns = ns(at_s);
}

void node_bench_gone(NodeBench *bench, uint32_t node) {
  node_bench_empty(bench, node, 0);
  for (uint32_t k = 0; k < bench->n_placed; k++) bench->placed_on[k] -= bench->placed_on[k] > node;
  memmove(bench->node + node, bench->node + node + 1, (bench->n_nodes - node - 1) * sizeof *bench->node);
  bench->n_nodes--;
}

void node_bench_pending(NodeBench *bench, uint32_t d, double cores, uint32_t count, double since_s) {
  for (uint32_t k = 0; k < count; k++) {
    assert_true(bench->n_pending < BENCH_PENDING);
    bench->pending[bench->n_pending] = (PendingView){d, bench->n_pending, request_of(cores), ns(since_s)};
    bench->n_pending++;
  }
}

static void show(NodeBench *bench) {
  uint32_t n = 0;
  for (uint32_t p = 0; p < BENCH_POOLS; p++) bench->pool[p].nodes_ready = bench->pool[p].nodes_starting = bench->pool[p].nodes_draining = 0;
  for (uint32_t k = 0; k < bench->n_nodes; k++) {
    NodeView *view = &bench->node[k];
    PoolView *pool = &bench->pool[view->pool];
    pool->nodes_ready += view->phase == NODE_PHASE_READY;
    pool->nodes_starting += view->phase == NODE_PHASE_STARTING;
    pool->nodes_draining += view->draining;
    view->first_placed = n;
    for (uint32_t r = 0; r < bench->n_placed; r++)
      if (bench->placed_on[r] == k) bench->shown[n++] = bench->placed[r];
    view->n_placed = n - view->first_placed;
  }
}

static void decide(NodeBench *bench, double at_s, bool tick) {
  show(bench);
  NodeObservation seen = {.now_ns = ns(at_s), .look = bench->look++, .tick = tick, .pool = bench->pool, .node = bench->node, .placed = bench->shown,
                          .pending = bench->pending, .deployment = bench->deployment, .n_pools = BENCH_POOLS, .n_nodes = bench->n_nodes,
                          .n_placed = bench->n_placed, .n_pending = bench->n_pending, .n_deployments = 4,
                          .random = stream_make(1, 0, PURPOSE_NODES, 0), .scratch = &bench->scratch};
  memset(bench->order, 0, sizeof bench->order);
  memset(bench->action, 0, sizeof bench->action);
  NodeDecision decision = {.order = bench->order, .action = bench->action, .look_again_ns = INSTANT_NEVER};
  bench->policy->decide(bench->params, bench->state, &seen, &decision);
  bench->look_again_ns = decision.look_again_ns;
  arena_free(&bench->scratch);
}

void node_bench_tick(NodeBench *bench, double at_s) { decide(bench, at_s, true); }
void node_bench_wake(NodeBench *bench, double at_s) { decide(bench, at_s, false); }

void node_bench_end(NodeBench *bench) {
  arena_free(&bench->arena);
  arena_free(&bench->scratch);
  free(bench);
}
