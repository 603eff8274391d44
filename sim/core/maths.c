/* Elementary and special functions from + - * / only: the same bits under every compiler, level and libm. */
#include "sim/core/maths.h"

#include <stdint.h>
#include <string.h>

static const double LN2_HIGH = 0x1.62e42fefa3800p-1, LN2_LOW = 0x1.ef35793c76730p-45; /* the high part has 11 zero bits at its end */
static const double LARGEST = 0x1.fffffffffffffp1023;
static const double PI = 3.14159265358979323846, MAGIC = 6755399441055744.0; /* 1.5 * 2^52: adding and subtracting it rounds */

static inline uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
static inline double from_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716, by its series to
 * s^21 (the next term is below 2^-58). No branches, so that the block form can do four at a time. */
static inline double log_normal(double x) {
  uint64_t bits = bits_of(x), offset = bits - UINT64_C(0x3fe6a09e667f3bcd), wrapped = offset >> 52;
  double e = from_bits(wrapped | UINT64_C(0x4330000000000000)) - 0x1p52; /* e mod 4096 */
  e -= e > 2047.0 ? 4096.0 : 0.0;
  double m = from_bits(bits - (wrapped << 52)), s = (m - 1.0) / (m + 1.0), q = s * s;
  double r = 1.0 / 21;
  r = r * q + 1.0 / 19;
  r = r * q + 1.0 / 17;
  r = r * q + 1.0 / 15;
  r = r * q + 1.0 / 13;
  r = r * q + 1.0 / 11;
  r = r * q + 1.0 / 9;
  r = r * q + 1.0 / 7;
  r = r * q + 1.0 / 5;
  r = r * q + 1.0 / 3;
  double f = m - 1.0, half = 0.5 * f * f; /* log(1 + f) = f - f^2/2 + s (f^2/2 + 2 q r): exact where it counts */
  return e * LN2_HIGH - ((half - (s * (half + 2.0 * q * r) + e * LN2_LOW)) - f);
}

double maths_log(double x) {
  if (x < 0x1p-1022) return log_normal(x * 0x1p54) - 54 * LN2_HIGH - 54 * LN2_LOW;
  return log_normal(x);
}

#if defined(__x86_64__)
/* log_normal on four values: the same operations in the same order, hence the same bits. */
typedef double Vector __attribute__((vector_size(32)));
typedef uint64_t Bits __attribute__((vector_size(32)));

__attribute__((target("avx2"))) static void exponential_avx2(const double *u, size_t n, double *y) {
  for (size_t k = 0; k + 4 <= n; k += 4) {
    Vector x;
    memcpy(&x, u + k, sizeof x);
    x = 1.0 - x;
    Bits bits = (Bits)x, wrapped = (bits - UINT64_C(0x3fe6a09e667f3bcd)) >> 52;
    Vector e = (Vector)(wrapped | UINT64_C(0x4330000000000000)) - 0x1p52;
    e -= (Vector)((Bits)(e > 2047.0) & (Bits)((Vector){0} + 4096.0));
    Vector m = (Vector)(bits - (wrapped << 52)), s = (m - 1.0) / (m + 1.0), q = s * s;
    Vector r = (Vector){0} + 1.0 / 21;
    r = r * q + 1.0 / 19;
    r = r * q + 1.0 / 17;
    r = r * q + 1.0 / 15;
    r = r * q + 1.0 / 13;
    r = r * q + 1.0 / 11;
    r = r * q + 1.0 / 9;
    r = r * q + 1.0 / 7;
    r = r * q + 1.0 / 5;
    r = r * q + 1.0 / 3;
    Vector f = m - 1.0, half = 0.5 * f * f;
    Vector log = e * LN2_HIGH - ((half - (s * (half + 2.0 * q * r) + e * LN2_LOW)) - f);
    log = -log;
    memcpy(y + k, &log, sizeof log);
  }
}
#endif

void maths_exponential_quantiles(const double *u, size_t n, double *y) {
  size_t k = 0;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    exponential_avx2(u, n, y);
    k = n & ~(size_t)3;
  }
#endif
  for (; k < n; k++) y[k] = -log_normal(1.0 - u[k]);
}

double maths_exp(double x) {
  if (x < -708) return 0;
  if (x > 709) return LARGEST;
  double k = (x * 1.44269504088896340736 + MAGIC) - MAGIC;
  double r = (x - k * LN2_HIGH) - k * LN2_LOW, p = 1.0 / 6227020800.0;
  static const double factor[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                                  1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5};
  for (size_t i = 0; i < sizeof factor / sizeof *factor; i++) p = p * r + factor[i];
  double y = 1.0 + (r + r * r * p);
  int64_t e = (int64_t)k;
  if (e < -1021) return y * from_bits((uint64_t)(e + 60 + 1023) << 52) * 0x1p-60;
  if (e > 1023) return y * from_bits((uint64_t)(e - 1 + 1023) << 52) * 2.0;
  return y * from_bits((uint64_t)(e + 1023) << 52);
}

double maths_pow(double x, double y) {
  if (y == 0) return 1;
  if (x <= 0) return y > 0 ? 0 : LARGEST;
  return maths_exp(y * maths_log(x));
}

/* sin and cos on |r| <= pi/4 by their series; the reduction subtracts pi/2 in three parts. */
static double sin_series(double r) {
  double q = r * r, p = -1.0 / 1307674368000.0;
  p = p * q + 1.0 / 6227020800.0;
  p = p * q - 1.0 / 39916800;
  p = p * q + 1.0 / 362880;
  p = p * q - 1.0 / 5040;
  p = p * q + 1.0 / 120;
  p = p * q - 1.0 / 6;
  return r + r * q * p;
}

static double cos_series(double r) {
  double q = r * r, p = 1.0 / 20922789888000.0;
  p = p * q - 1.0 / 87178291200.0;
  p = p * q + 1.0 / 479001600;
  p = p * q - 1.0 / 3628800;
  p = p * q + 1.0 / 40320;
  p = p * q - 1.0 / 720;
  p = p * q + 1.0 / 24;
  p = p * q - 0.5;
  return 1.0 + q * p;
}

static double circular(double x, int quarter) {
  static const double HALF_PI_1 = 0x1.921fb54400000p+0, HALF_PI_2 = 0x1.0b4611a600000p-34, HALF_PI_3 = 0x1.3198a2e037073p-69;
  double k = (x * (2 / PI) + MAGIC) - MAGIC, r = ((x - k * HALF_PI_1) - k * HALF_PI_2) - k * HALF_PI_3;
  switch (((int64_t)k + quarter) & 3) {
    case 0: return sin_series(r);
    case 1: return cos_series(r);
    case 2: return -sin_series(r);
    default: return -cos_series(r);
  }
}

double maths_sin(double x) { return circular(x, 0); }
double maths_cos(double x) { return circular(x, 1); }

static double ratio(const double *a, const double *b, double x) {
  double p = a[7], q = b[7];
  for (int i = 6; i >= 0; i--) p = p * x + a[i], q = q * x + b[i];
  return p / q;
}

/* Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988), PPND16. */
double maths_normal_quantile(double u) {
  static const double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
                             4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3};
  static const double b[] = {1, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
                             2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3};
  static const double c[] = {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
                             1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static const double d[] = {1, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                             1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9};
  static const double e[] = {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
                             2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static const double f[] = {1, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                             7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15};
  double q = u - 0.5;
  if (q <= 0.425 && q >= -0.425) return q * ratio(a, b, 0.180625 - q * q);
  double tail = q < 0 ? u : 1 - u, r = __builtin_sqrt(-maths_log(tail));
  double z = r <= 5 ? ratio(c, d, r - 1.6) : ratio(e, f, r - 5);
  return q < 0 ? -z : z;
}

/* Stirling's series (Abramowitz & Stegun 6.1.41) from 15 on, the recurrence below. */
double maths_log_gamma(double x) {
  double product = 1;
  for (; x < 15; x += 1) product *= x;
  double q = 1 / (x * x), s = -1.0 / 360360 * 691;
  s = s * q + 1.0 / 1188;
  s = s * q - 1.0 / 1680;
  s = s * q + 1.0 / 1260;
  s = s * q - 1.0 / 360;
  s = s * q + 1.0 / 12;
  return (x - 0.5) * maths_log(x) - x + 0.91893853320467274178 + s / x - maths_log(product);
}

/* x^a e^-x / Gamma(a) */
static double gamma_front(double a, double x) { return maths_exp(a * maths_log(x) - x - maths_log_gamma(a)); }

/* Series 6.5.29 of Abramowitz & Stegun: P below the mean. */
static double gamma_p_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (double n = a + 1; term > sum * 1e-17; n += 1) {
    term *= x / n;
    sum += term;
  }
  return sum * gamma_front(a, x);
}

/* Continued fraction 6.5.31, evaluated by the modified Lentz method (Thompson & Barnett 1986): Q above the mean. */
static double gamma_q_fraction(double a, double x) {
  const double tiny = 1e-300;
  double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d;
  for (int i = 1; i < 100000; i++) {
    double an = -i * (i - a);
    b += 2;
    d = an * d + b;
    if (d < tiny && d > -tiny) d = tiny;
    c = b + an / c;
    if (c < tiny && c > -tiny) c = tiny;
    d = 1 / d;
    double factor = d * c;
    h *= factor;
    if (factor - 1 < 1e-16 && factor - 1 > -1e-16) break;
  }
  return h * gamma_front(a, x);
}

double maths_gamma_p(double a, double x) {
  if (x <= 0) return 0;
  return x < a + 1 ? gamma_p_series(a, x) : 1 - gamma_q_fraction(a, x);
}

double maths_gamma_q(double a, double x) {
  if (x <= 0) return 1;
  return x < a + 1 ? 1 - gamma_p_series(a, x) : gamma_q_fraction(a, x);
}
