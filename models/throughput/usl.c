/* `usl`: the universal scalability law; Amdahl's law where coherency is 0. Source: Gunther, "Guerrilla Capacity Planning", Springer 2007:
 * C(n) = n / (1 + contention (n - 1) + coherency n (n - 1)). Beyond its peak more GPUs are slower: a gang takes part as a whole. */
#include "sim/contract/training.h"

#define USL_FIELDS(F, C, O, L, M, R, P)                                                                              \
  F(rate, rate, "1/s", 1e-12, 1e15, OPTIONAL, "samples a second of one GPU", "")                                 \
  F(ratio, contention, "0.05", 0, 1, OPTIONAL, "share of the work that waits for its turn (Amdahl's serial part)", "sigma, Gunther 2007") \
  F(ratio, coherency, "0", 0, 1, OPTIONAL, "cost of keeping each pair of GPUs in step", "kappa, Gunther 2007")
typedef struct UslThroughput { FIELD_MEMBERS(USL_FIELDS) } UslThroughput;
#define ROW_STRUCT UslThroughput
static const Field usl_fields[] = {FIELD_ROWS(USL_FIELDS)};
#undef ROW_STRUCT
static const Type usl_type = FIELD_TYPE("usl throughput", "contention and coherency", UslThroughput, usl_fields, NULL);

static double rate(const void *params, int64_t gpus, int64_t nodes) {
  const UslThroughput *usl = params;
  double n = (double)gpus;
  (void)nodes;
  return usl->rate_rps * n / (1 + usl->contention_ratio * (n - 1) + usl->coherency_ratio * n * (n - 1));
}

extern const ThroughputModel throughput_usl;
const ThroughputModel throughput_usl = {
    .model = {.kind = MODEL_THROUGHPUT,
              .name = "usl",
              .alias = "amdahl",
              .summary = "the universal scalability law, or Amdahl's",
              .rule = "samples a second = rate x n / (1 + contention (n - 1) + coherency n (n - 1)) on n GPUs, on any number of nodes.",
              .evidence = "elastic_training vectors to 1e-12 (tests/training)",
              .params = &usl_type},
    .rate = rate,
};
