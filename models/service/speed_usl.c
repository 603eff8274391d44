/* `usl`: the universal scalability law. Source: Gunther, "Guerrilla Capacity Planning", Springer 2007, ch. 4-6:
 * C(n) = n / (1 + contention (n - 1) + coherency n (n - 1)). Beyond its peak at n = sqrt((1 - contention) / coherency) a replica is taken to
 * use no more cores than that: resources are limits, nobody has to use them. Below one core, as for `amdahl`, C(n) = n. */
#include "sim/contract/service.h"

#define USL_FIELDS(F, C, O, L, M, R, P)                                                                              \
  F(ratio, contention, "0.05", 0, 1, OPTIONAL, "share of the work that waits for its turn", "sigma, Gunther 2007") \
  F(ratio, coherency, "0.001", 0, 1, OPTIONAL, "cost of keeping each pair of cores in step", "kappa, Gunther 2007")
typedef struct Usl { FIELD_MEMBERS(USL_FIELDS) } Usl;
#define ROW_STRUCT Usl
static const Field usl_fields[] = {FIELD_ROWS(USL_FIELDS)};
#undef ROW_STRUCT
static const Type usl_type = FIELD_TYPE("usl", "contention and coherency", Usl, usl_fields, NULL);

static double capacity(const Usl *usl, double millicores) {
  double n = (millicores > 1 ? millicores : 1) / 1000;
  if (n <= 1) return n;
  if (usl->coherency_ratio > 0) {
    double peak = __builtin_sqrt((1 - usl->contention_ratio) / usl->coherency_ratio);
    n = n < peak ? n : peak > 1 ? peak : 1;
  }
  return n / (1 + usl->contention_ratio * (n - 1) + usl->coherency_ratio * n * (n - 1));
}

static double speed(const void *params, double effective_millicores, double reference_millicores) {
  if (!(reference_millicores > 0)) return 1;
  return capacity(params, effective_millicores) / capacity(params, reference_millicores);
}

extern const SpeedModel speed_usl;
const SpeedModel speed_usl = {
    .model = {.kind = MODEL_SPEED,
              .name = "usl",
              .summary = "speed by the universal scalability law",
              .rule = "speed = C(effective cores) / C(reference cores); C(n) = n / (1 + contention (n - 1) + coherency n (n - 1)) from one core to the peak,\n"
                      "the peak's beyond it, n below one core; 1 without a reference.",
              .evidence = "Gunther 2007; hand-computed cases in tests/unit/test_service.c",
              .params = &usl_type},
    .speed = speed,
};
