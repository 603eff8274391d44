/* `linear`: twice the CPU, twice the speed. */
#include "sim/contract/service.h"

/* A replica with nothing still creeps on at a thousandth of a core, so that no service lasts for ever. */
static double speed(const void *params, double effective_millicores, double reference_millicores) {
  (void)params;
  if (!(reference_millicores > 0)) return 1;
  return (effective_millicores > 1 ? effective_millicores : 1) / reference_millicores;
}

extern const SpeedModel speed_linear;
const SpeedModel speed_linear = {
    .model = {.kind = MODEL_SPEED,
              .name = "linear",
              .summary = "speed in proportion to CPU",
              .rule = "speed = effective CPU / reference CPU (at least a thousandth of a core is effective); 1 without a reference.",
              .evidence = "definition",
              .params = &no_params_type},
    .speed = speed,
};
