/* `ring-allreduce`: synchronous data-parallel training. A step computes its share of the batch, then adds up gradients among all workers:
 * a ring takes 2 (n - 1) latencies and sends 2 (n - 1) / n of the gradient over each link (Patarasu and Yuan, JPDC 69 (2009)); a tree
 * takes 2 log2 n rounds of a latency and the whole gradient (Thakur, Rabenseifner and Gropp, IJHPCA 19 (2005), sec. 4). Links within one
 * node and between nodes differ; a ring is as fast as its slowest link. */
#include "sim/contract/training.h"

typedef enum Collective { COLLECTIVE_RING, COLLECTIVE_TREE } Collective;
typedef enum Scaling { SCALING_STRONG, SCALING_WEAK } Scaling;
static const char *const collective_names[] = {"ring", "tree", NULL};
static const char *const scaling_names[] = {"strong", "weak", NULL};

#define ALL_REDUCE_FIELDS(F, C, O, L, M, R, P)                                                            \
  F(bytes, gradient, "100M", 0, 1e15, OPTIONAL, "gradient that a step adds up", "")                   \
  F(duration, compute, "1ms", 1e-9, 1e6, OPTIONAL, "computing one sample on one GPU", "")             \
  F(duration, serial, "0s", 0, 1e6, OPTIONAL, "part of a step that more GPUs do not shorten", "")     \
  C(scaling, scaling_names, "strong", "strong: `batch` is shared by all workers; weak: each has its own", "") \
  F(integer, batch, "1024", 1, 1e9, OPTIONAL, "samples of a step (strong), or of a worker's step (weak)", "") \
  F(duration, latency, "5us", 0, 100, OPTIONAL, "of a message between nodes", "")                     \
  F(bytes, bandwidth, "12500M", 1, 1e15, OPTIONAL, "of a link between nodes, bytes a second", "")     \
  F(duration, node_latency, "0s", 0, 100, OPTIONAL, "of a message within a node; used with node_bandwidth", "") \
  F(bytes, node_bandwidth, "0", 0, 1e15, OPTIONAL, "of a link within a node; 0: latency and bandwidth as between nodes", "") \
  F(ratio, overlap, "0", 0, 1, OPTIONAL, "share of the communication that is hidden behind computing", "") \
  C(collective, collective_names, "ring", "how gradients are added up", "")
typedef struct AllReduce { FIELD_MEMBERS(ALL_REDUCE_FIELDS) } AllReduce;
#define ROW_STRUCT AllReduce
static const Field all_reduce_fields[] = {FIELD_ROWS(ALL_REDUCE_FIELDS)};
#undef ROW_STRUCT
static const Type all_reduce_type = FIELD_TYPE("ring-allreduce", "synchronous data-parallel steps", AllReduce, all_reduce_fields, NULL);

static double seconds(int64_t ns) { return (double)ns / 1e9; }

static int rounds_of(int64_t n) {
  int rounds = 0;
  while (INT64_C(1) << rounds < n) rounds++;
  return rounds;
}

static double collective_s(const AllReduce *a, int64_t n, int64_t nodes) {
  bool within = nodes == 1 && a->node_bandwidth_bytes > 0;
  double latency = seconds(within ? a->node_latency_ns : a->latency_ns);
  double send = (double)a->gradient_bytes / (double)(within ? a->node_bandwidth_bytes : a->bandwidth_bytes);
  if (n == 1) return 0;
  if (a->collective == COLLECTIVE_TREE) return 2 * rounds_of(n) * (latency + send);
  double others = (double)(n - 1);
  return 2 * others * latency + 2 * (others / (double)n) * send;
}

static double rate(const void *params, int64_t gpus, int64_t nodes) {
  const AllReduce *a = params;
  double n = (double)gpus, batch = (double)a->batch, samples = a->scaling == SCALING_WEAK ? n * batch : batch;
  double compute = seconds(a->compute_ns) * (a->scaling == SCALING_WEAK ? batch : batch / n);
  return samples / (seconds(a->serial_ns) + compute + (1 - a->overlap_ratio) * collective_s(a, gpus, nodes));
}

extern const ThroughputModel throughput_all_reduce;
const ThroughputModel throughput_all_reduce = {
    .model = {.kind = MODEL_THROUGHPUT,
              .name = "ring-allreduce",
              .alias = "all-reduce",
              .summary = "steps of computing and adding up gradients",
              .rule = "step = serial + compute x batch / n (strong) or compute x batch (weak) + (1 - overlap) x collective(n); collective is 0 for one GPU,\n"
                      "ring: 2 (n - 1) latency + 2 (n - 1) / n x gradient / bandwidth, tree: 2 ceil(log2 n) (latency + gradient / bandwidth), with the\n"
                      "links of a node where all workers are on one. Samples a second = batch (weak: n x batch) / step.",
              .evidence = "elastic_training vectors to 1e-12 (tests/training)",
              .params = &all_reduce_type},
    .rate = rate,
};
