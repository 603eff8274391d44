/* Our own elementary functions, built from + - * / and sqrt only, so that draws have the same bits on every compiler and libm.
 * Relative error <= 4e-16 * 4 over the stated ranges; block forms are what the scalar forms give, element by element. */
#ifndef SIM_CORE_MATHS_H
#define SIM_CORE_MATHS_H

#include <stddef.h>

double maths_log(double x);  /* x > 0, normal or subnormal */
double maths_exp(double x);  /* [-708, 709]; below gives 0, above gives the largest double */
double maths_sin(double x);  /* |x| <= 1e6 */
double maths_cos(double x);
double maths_pow(double x, double y); /* x >= 0; exp(y log x), 0^0 = 1 */
double maths_normal_quantile(double u); /* 0 < u < 1, relative error <= 1e-14 (AS 241) */
double maths_log_gamma(double x);       /* x > 0 */
double maths_gamma_p(double a, double x); /* regularised lower incomplete gamma; a > 0 */
double maths_gamma_q(double a, double x); /* 1 - P, accurate where it is small */

/* -log(1 - u) for n uniforms in (0,1): the unit exponential quantile, four at a time with AVX2. y may be u. */
void maths_exponential_quantiles(const double *u, size_t n, double *y);

#endif
