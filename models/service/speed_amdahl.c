/* `amdahl`: only a part of a job runs in parallel. Source: Amdahl, "Validity of the single processor approach to achieving large scale
 * computing capabilities", AFIPS 1967: S(c) = 1 / ((1 - p) + p / c). Below one core, where the law says nothing, speed is in proportion
 * to CPU: S(c) = c, which meets the law at S(1) = 1. */
#include "sim/contract/service.h"

#define AMDAHL_FIELDS(F, C, O, L, M, R, P) \
  F(ratio, parallel, "0.9", 0, 1, OPTIONAL, "share of the work that runs on all cores", "Amdahl 1967")
typedef struct Amdahl { FIELD_MEMBERS(AMDAHL_FIELDS) } Amdahl;
#define ROW_STRUCT Amdahl
static const Field amdahl_fields[] = {FIELD_ROWS(AMDAHL_FIELDS)};
#undef ROW_STRUCT
static const Type amdahl_type = FIELD_TYPE("amdahl", "a part runs in parallel", Amdahl, amdahl_fields, NULL);

static double speedup(double parallel, double millicores) {
  double cores = (millicores > 1 ? millicores : 1) / 1000;
  return cores < 1 ? cores : 1 / ((1 - parallel) + parallel / cores);
}

static double speed(const void *params, double effective_millicores, double reference_millicores) {
  double parallel = ((const Amdahl *)params)->parallel_ratio;
  if (!(reference_millicores > 0)) return 1;
  return speedup(parallel, effective_millicores) / speedup(parallel, reference_millicores);
}

extern const SpeedModel speed_amdahl;
const SpeedModel speed_amdahl = {
    .model = {.kind = MODEL_SPEED,
              .name = "amdahl",
              .summary = "speed by Amdahl's law",
              .rule = "speed = S(effective cores) / S(reference cores); S(c) = 1 / ((1 - p) + p / c) from one core up, S(c) = c below;\n"
                      "1 without a reference.",
              .evidence = "Amdahl 1967; hand-computed cases in tests/unit/test_service.c",
              .params = &amdahl_type},
    .speed = speed,
};
