/* Sequential halving under a budget, with racing: no guarantee, but the most of a budget. Karnin, Koren and Somekh, "Almost optimal
 * exploration in multi-armed bandits" (ICML 2013): in each of ceil(log2 k) rounds the designs left share an equal part of the budget, and
 * the better half stays. Here their replications are common (so that differences, not levels, decide) and are kept from round to round;
 * and whoever a paired t test shows to be worse than the best, or to violate a constraint, leaves at once (racing: Maron and Moore,
 * "Hoeffding races", NIPS 1993; Birattari et al., F-Race, 2002), so that the rest of the budget goes to those that are close. */
#ifndef SIM_LAB_TUNE_HALVING_H
#define SIM_LAB_TUNE_HALVING_H

#include "sim/lab/tune_samples.h"

typedef struct HalvingOptions {
  uint64_t budget;             /* runs, those that the store holds already counted apart */
  uint32_t first_replications; /* of the first round at least (if the budget allows): 0 stands for 4 */
  double race_error;           /* of each test, before Bonferroni over the designs; 0 stands for 0.05 */
} HalvingOptions;

typedef struct HalvingResult {
  size_t best;
  bool feasible;  /* by its means */
  TuneFate *fate; /* [n] as given */
  uint32_t rounds;
} HalvingResult;

/* `design` has at least one item. The budget is kept, except that every design gets one replication. */
bool tune_halving(TuneSamples *samples, const size_t *design, size_t n, const HalvingOptions *options, HalvingResult *result, Err *err);

#endif
