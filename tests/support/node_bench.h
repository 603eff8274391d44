/* A node policy alone on the bench: a cluster that the test writes down, one look after the other. */
#ifndef TESTS_SUPPORT_NODE_BENCH_H
#define TESTS_SUPPORT_NODE_BENCH_H

#include "sim/contract/node_policy.h"

enum { BENCH_POOLS = 3, BENCH_NODES = 48, BENCH_PLACED = 192, BENCH_PENDING = 64 };
#define BENCH_GIB (INT64_C(1) << 30)

typedef struct NodeBench {
  Arena arena, scratch;
  const NodePolicy *policy;
  void *params, *state;
  PoolView pool[BENCH_POOLS];
  DeploymentView deployment[4];
  NodeView node[BENCH_NODES];
  PlacedView placed[BENCH_PLACED], shown[BENCH_PLACED];
  uint32_t placed_on[BENCH_PLACED]; /* index of node */
  PendingView pending[BENCH_PENDING];
  uint32_t n_nodes, n_placed, n_pending;
  int64_t look;
  int64_t order[BENCH_POOLS]; /* wished in the last look */
  NodeAction action[BENCH_NODES];
  int64_t look_again_ns;
} NodeBench;

/* Pools of 0 to 10 nodes, none there: small (4 cores, 8 GiB, $0.20/h), large (8 cores, 16 GiB, $0.38/h), gpu (8 cores, 32 GiB, 2 GPUs, $2/h).
 * Deployments: 0 on small or large, 1 on small, 2 on large, 3 on gpu. */
NodeBench *node_bench(const char *policy);
void node_bench_set(NodeBench *bench, const char *path, const char *text);
/* A node that has been ready since, and empty; its index. */
uint32_t node_bench_ready(NodeBench *bench, uint32_t pool, double since_s);
uint32_t node_bench_starting(NodeBench *bench, uint32_t pool, double ordered_s);
void node_bench_starting_ready(NodeBench *bench, uint32_t node, double at_s);
/* A ready replica of so many cores and as many times 2 GiB (in GPUs: milli-GPUs and 1 core) on a node. */
void node_bench_place(NodeBench *bench, uint32_t node, uint32_t deployment, double cores, double at_s);
void node_bench_place_gpu(NodeBench *bench, uint32_t node, int64_t milligpus, double at_s);
/* All replicas leave a node. */
void node_bench_empty(NodeBench *bench, uint32_t node, double at_s);
void node_bench_gone(NodeBench *bench, uint32_t node); /* indices above it move down */
void node_bench_pending(NodeBench *bench, uint32_t deployment, double cores, uint32_t count, double since_s);
void node_bench_tick(NodeBench *bench, double at_s);
void node_bench_wake(NodeBench *bench, double at_s);
void node_bench_end(NodeBench *bench);

#endif
