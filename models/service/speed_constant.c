/* `constant`: resources do not change the speed of a replica. */
#include "sim/contract/service.h"

static double speed(const void *params, double effective_millicores, double reference_millicores) {
  (void)params, (void)effective_millicores, (void)reference_millicores;
  return 1;
}

extern const SpeedModel speed_constant;
const SpeedModel speed_constant = {
    .model = {.kind = MODEL_SPEED,
              .name = "constant",
              .summary = "more CPU makes nothing faster",
              .rule = "speed = 1.",
              .evidence = "definition",
              .params = &no_params_type},
    .speed = speed,
};
