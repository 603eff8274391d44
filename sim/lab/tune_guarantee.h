/* Choosing with a guarantee: first which designs keep the constraints, by the sequential check of Andradottir and Kim, "Fully sequential
 * procedures for comparing constrained systems via simulation", Naval Research Logistics 57 (2010), procedure F_B; then the best among
 * them by the fully sequential procedure KN of Kim and Nelson, "A fully sequential procedure for indifference-zone selection in
 * simulation", ACM TOMACS 11 (2001).
 *
 * k designs, m constraints E[G_ij] <= 0, first stage n0 replications, c = 1.
 *   check: S2_ij is the variance of the first n0 values of G_ij, h2 = 2 eta (n0 - 1), eta = ((2 beta)^(-2/(n0-1)) - 1) / 2,
 *     R(r) = max{0, (h2 S2_ij / epsilon_j - epsilon_j r) / 2}.
 *     After r >= n0 values: sum <= -R(r): constraint j is kept; sum >= R(r): it is violated; else one more.
 *     beta = alpha_1 / (k m): Bonferroni over designs and constraints, which holds under common random numbers, too.
 *   KN: S2_il is the variance of the first n0 differences X_i - X_l, h2 as above with beta = alpha_2 / (k - 1),
 *     W(r) = max{0, (h2 S2_il / delta - delta r) / 2}; i is out when the sum of the first r differences X_i - X_l >= W(r) for some
 *     l that is still in. Common random numbers are allowed: the bound is Bonferroni's, and only S2_il feels them.
 * Values of the check are used again: each bound is on the whole path of the sums, so alpha_1 + alpha_2 bounds the chance that any fails.
 * beta of KN counts all k designs, not those found feasible, since their number is random.
 *
 * What is promised (with probability 1 - alpha_1 - alpha_2, for values that are normal): no design that violates a constraint by more
 * than epsilon_j is chosen, and the chosen one is the best of those that keep all constraints by epsilon_j, or better, if it is better
 * than the others by at least delta. Designs within epsilon of a constraint may be taken as either. */
#ifndef SIM_LAB_TUNE_GUARANTEE_H
#define SIM_LAB_TUNE_GUARANTEE_H

#include "sim/lab/tune_samples.h"

typedef struct GuaranteeOptions {
  double alpha_check, alpha_select; /* with no constraints all of it belongs to the selection */
  double indifference;              /* delta > 0 */
  const double *tolerance;          /* [n_constraints] epsilon > 0 */
  uint32_t first_replications;      /* n0 >= 3 */
  uint64_t budget;                  /* runs of this store at most; 0: as many as it takes */
} GuaranteeOptions;

typedef struct GuaranteeResult {
  bool found;      /* some design keeps the constraints */
  bool guaranteed; /* the procedure ended by itself: not by the budget */
  size_t best;
  TuneFate *fate;  /* [n] of the designs as given */
  uint64_t runs_check, runs_select;
  size_t n_feasible;
} GuaranteeResult;

bool tune_guarantee(TuneSamples *samples, const size_t *design, size_t n, const GuaranteeOptions *options, GuaranteeResult *result, Err *err);

#endif
