/* See checkpoint.h. */
#include "sim/core/checkpoint.h"

double checkpoint_young(double cost_ns, double mtbf_ns) { return __builtin_sqrt(2 * cost_ns * mtbf_ns); }

double checkpoint_daly(double cost_ns, double mtbf_ns) {
  if (cost_ns >= 2 * mtbf_ns) return mtbf_ns;
  double ratio = cost_ns / (2 * mtbf_ns);
  return checkpoint_young(cost_ns, mtbf_ns) * (1 + __builtin_sqrt(ratio) / 3 + ratio / 9) - cost_ns;
}
