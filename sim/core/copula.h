/* Two uniforms with a rank correlation: the Gaussian copula (Nelsen, An Introduction to Copulas, 2nd ed., 2.3.8). Own functions only. */
#ifndef SIM_CORE_COPULA_H
#define SIM_CORE_COPULA_H

#include <stddef.h>

/* The correlation of the normal scores of two uniforms whose rank correlation (Spearman's) is given. */
double copula_of_ranks(double spearman);
/* second[k] is turned towards first[k]: both stay uniform, their normal scores have correlation r. Nothing at r = 0. */
void copula_turn(double r, const double *first, double *second, size_t n);

#endif
