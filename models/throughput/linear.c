/* `linear`: twice the GPUs, twice the speed, wherever they are: the ideal that the others fall short of. */
#include "sim/contract/training.h"

#define LINEAR_FIELDS(F, C, O, L, M, R, P) F(rate, rate, "1/s", 1e-12, 1e15, OPTIONAL, "samples a second of one GPU", "")
typedef struct Linear { FIELD_MEMBERS(LINEAR_FIELDS) } Linear;
#define ROW_STRUCT Linear
static const Field linear_fields[] = {FIELD_ROWS(LINEAR_FIELDS)};
#undef ROW_STRUCT
static const Type linear_type = FIELD_TYPE("linear throughput", "in proportion to GPUs", Linear, linear_fields, NULL);

static double rate(const void *params, int64_t gpus, int64_t nodes) {
  (void)nodes;
  return ((const Linear *)params)->rate_rps * (double)gpus;
}

extern const ThroughputModel throughput_linear;
const ThroughputModel throughput_linear = {
    .model = {.kind = MODEL_THROUGHPUT,
              .name = "linear",
              .summary = "in proportion to the number of GPUs",
              .rule = "samples a second = rate x GPUs, on any number of nodes.",
              .evidence = "definition",
              .params = &linear_type},
    .rate = rate,
};
