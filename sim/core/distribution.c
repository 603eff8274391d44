/* Quantile transforms of one uniform. Laws without a closed inverse get a table: nodes solved once with our own functions, cubic
 * Hermite pieces with exact slopes in between (relative error below 1e-7). Gamma has a second one, over u itself, for where most draws fall. */
#include "sim/core/distribution.h"

#include <stdint.h>

#include "sim/base/check.h"
#include "sim/core/maths.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MANY_TARGETS __attribute__((target_clones("avx2", "default")))
#else
#define MANY_TARGETS
#endif

enum { TABLE_NODES = 1024, CENTRE_NODES = 2048 };
#define CENTRE_HIGH (1 - 1.0 / 64)

/* value(t) and its slope at TABLE_NODES + 1 equally spaced t. Gamma: t = normal quantile of u, value = log x at unit scale.
 * Hyperexponential: t = unit exponential quantile of u, value = x. */
typedef struct CentreNode {
  double value, rise; /* rise: slope times the step */
} CentreNode;

struct QuantileTable {
  double low, step;
  double value[TABLE_NODES + 1], slope[TABLE_NODES + 1];
  double centre_low, centre_per_u; /* centre_low 2: there is none */
  CentreNode centre[CENTRE_NODES + 1]; /* x at unit scale over equally spaced u in [centre_low, CENTRE_HIGH] */
};

static double table_at(const QuantileTable *table, double t) {
  double position = (t - table->low) / table->step;
  if (position < 0) position = 0;
  int k = position >= TABLE_NODES ? TABLE_NODES - 1 : (int)position;
  double s = position - k, h = table->step;
  double a = table->value[k], b = table->value[k + 1], da = table->slope[k] * h, db = table->slope[k + 1] * h;
  return a + s * (da + s * (3 * (b - a) - 2 * da - db + s * (2 * (a - b) + da + db)));
}

/* ---- makers ---- */

Distribution distribution_constant(double value) { return (Distribution){.kind = DISTRIBUTION_CONSTANT, .a = value}; }
Distribution distribution_exponential(double mean) { return (Distribution){.kind = DISTRIBUTION_EXPONENTIAL, .a = mean}; }

Distribution distribution_lognormal_mean_cv(double mean, double cv) {
  double variance = maths_log(1 + cv * cv);
  return (Distribution){.kind = DISTRIBUTION_LOGNORMAL, .a = maths_log(mean) - variance / 2, .b = __builtin_sqrt(variance)};
}

Distribution distribution_lognormal_median_quantile(double median, double q, double value_at_q) {
  return (Distribution){.kind = DISTRIBUTION_LOGNORMAL, .a = maths_log(median), .b = maths_log(value_at_q / median) / maths_normal_quantile(q)};
}

Distribution distribution_gamma_mean_cv(double mean, double cv) {
  return (Distribution){.kind = DISTRIBUTION_GAMMA, .a = 1 / (cv * cv), .b = mean * cv * cv};
}

/* 1 + cv^2 of a Weibull law falls with its shape. */
static double weibull_ratio(double shape) { return maths_exp(maths_log_gamma(1 + 2 / shape) - 2 * maths_log_gamma(1 + 1 / shape)); }

Distribution distribution_weibull_mean_cv(double mean, double cv) {
  double low = 0.02, high = 1000;
  for (int k = 0; k < 200; k++) {
    double middle = __builtin_sqrt(low * high);
    if (weibull_ratio(middle) > 1 + cv * cv) low = middle;
    else high = middle;
  }
  double shape = __builtin_sqrt(low * high);
  return (Distribution){.kind = DISTRIBUTION_WEIBULL, .a = shape, .b = mean / maths_exp(maths_log_gamma(1 + 1 / shape))};
}

Distribution distribution_hyperexponential_mean_cv(double mean, double cv) {
  double c2 = cv * cv, p = (1 + __builtin_sqrt(c2 > 1 ? (c2 - 1) / (c2 + 1) : 0)) / 2;
  return (Distribution){.kind = DISTRIBUTION_HYPEREXPONENTIAL, .a = p, .b = mean / (2 * p), .c = mean / (2 * (1 - p))};
}

/* ---- tables ---- */

static double normal_density(double z) { return maths_exp(-z * z / 2) * 0.39894228040143267794; }
/* P(Z <= -|z|), accurate in the tail. */
static double normal_tail(double z) { return z == 0 ? 0.5 : maths_gamma_q(0.5, z * z / 2) / 2; }

/* log x with P(a, x) = Phi(z): Newton on the logarithm of the smaller tail, kept inside a bracket. */
static double gamma_solve(double a, double z, double *slope) {
  double tail = normal_tail(z), low = -700, high = maths_log(a + 50 * __builtin_sqrt(a) + 700);
  double cube = 1 - 1 / (9 * a) + z / (3 * __builtin_sqrt(a)); /* Wilson and Hilferty's start */
  double t = cube > 0.05 ? maths_log(a * cube * cube * cube) : (maths_log(tail) + maths_log_gamma(a + 1)) / a;
  for (int k = 0; k < 80; k++) {
    if (!(t > low && t < high)) t = (low + high) / 2;
    double x = maths_exp(t), mass = z < 0 ? maths_gamma_p(a, x) : maths_gamma_q(a, x);
    bool above = z < 0 ? mass > tail : mass < tail;
    if (above) high = t;
    else low = t;
    double front = maths_exp(a * t - x - maths_log_gamma(a)); /* x times the density */
    *slope = front > 0 ? normal_density(z) / front : 0;
    if (mass <= 0 || front <= 0) {
      t = (low + high) / 2;
      continue;
    }
    double step = maths_log(mass / tail) * mass / front;
    double next = z < 0 ? t - step : t + step;
    if (high - low < 1e-14 || (next - t < 1e-14 && t - next < 1e-14)) break;
    t = next;
  }
  return t;
}

static QuantileTable *table_new(Arena *arena, double low, double high) {
  QuantileTable *table = ARENA_NEW(arena, QuantileTable);
  table->low = low;
  table->step = (high - low) / TABLE_NODES;
  return table;
}

/* The slope of log x over z, as table_at interpolates it. */
static double table_slope_at(const QuantileTable *table, double t) {
  double position = (t - table->low) / table->step;
  int k = position >= TABLE_NODES ? TABLE_NODES - 1 : (int)position;
  double s = position - k, h = table->step;
  double a = table->value[k], b = table->value[k + 1], da = table->slope[k] * h, db = table->slope[k + 1] * h;
  return (da + s * (2 * (3 * (b - a) - 2 * da - db) + s * 3 * (2 * (a - b) + da + db))) / h;
}

/* x itself over u, where cubic pieces of this length are good to 1e-7: not far below, where x falls as u^(1 / shape) does. Rises are kept
 * below three times those of the chords, so that no piece turns (Fritsch and Carlson, SIAM J. Numer. Anal. 17, 1980). */
static void gamma_centre(QuantileTable *table, double shape) {
  table->centre_low = shape >= 0.25 ? 1.0 / 64 : shape >= 0.0625 ? 1.0 / 4 : 2;
  if (table->centre_low > 1) return;
  double step = (CENTRE_HIGH - table->centre_low) / CENTRE_NODES;
  table->centre_per_u = 1 / step;
  for (int k = 0; k <= CENTRE_NODES; k++) {
    double z = maths_normal_quantile(table->centre_low + k * step), x = maths_exp(table_at(table, z));
    table->centre[k] = (CentreNode){x, x * table_slope_at(table, z) / normal_density(z) * step};
  }
  for (int k = 0; k <= CENTRE_NODES; k++) {
    CentreNode *node = &table->centre[k];
    for (int side = 0; side < 2; side++) {
      if (side ? k == CENTRE_NODES : k == 0) continue;
      double chord = side ? node[1].value - node->value : node->value - node[-1].value;
      if (node->rise > 3 * chord) node->rise = 3 * chord;
    }
  }
}

static const QuantileTable *gamma_table(double shape, Arena *arena) {
  QuantileTable *table = table_new(arena, -8.3, 8.3);
  for (int k = 0; k <= TABLE_NODES; k++) table->value[k] = gamma_solve(shape, table->low + k * table->step, &table->slope[k]);
  gamma_centre(table, shape);
  return table;
}

static bool in_centre(const QuantileTable *table, double u) { return u >= table->centre_low && u < CENTRE_HIGH; }

/* For u in the centre; elsewhere something. */
static inline double centre_at(const QuantileTable *table, double u) {
  double position = (u - table->centre_low) * table->centre_per_u;
  position = position > 0 ? position < CENTRE_NODES - 1 ? position : CENTRE_NODES - 1 : 0;
  int k = (int)position;
  double s = (u - table->centre_low) * table->centre_per_u - k;
  double a = table->centre[k].value, b = table->centre[k + 1].value, da = table->centre[k].rise, db = table->centre[k + 1].rise;
  return a + s * (da + s * (3 * (b - a) - 2 * da - db + s * (2 * (a - b) + da + db)));
}

static double gamma_outside(const QuantileTable *table, double u) { return maths_exp(table_at(table, maths_normal_quantile(u))); }

/* At unit scale. */
static double gamma_quantile(const QuantileTable *table, double u) { return in_centre(table, u) ? centre_at(table, u) : gamma_outside(table, u); }

/* The same in a block: all as if in the centre, in vectors where the machine has them, then those that are not. */
MANY_TARGETS static void centre_block(const QuantileTable *table, const double *u, size_t n, double *x) {
  for (size_t k = 0; k < n; k++) x[k] = centre_at(table, u[k]);
}

static void gamma_quantiles(const Distribution *d, const double *u, size_t n, double *x) {
  enum { BLOCK = 256 };
  double y[BLOCK];
  for (size_t from = 0; from < n; from += BLOCK) {
    size_t m = n - from < BLOCK ? n - from : BLOCK;
    centre_block(d->table, u + from, m, y);
    for (size_t k = 0; k < m; k++)
      if (!in_centre(d->table, u[from + k])) y[k] = gamma_outside(d->table, u[from + k]);
    for (size_t k = 0; k < m; k++) x[from + k] = d->b * y[k];
  }
}

/* x with p e^(-x/m1) + (1-p) e^(-x/m2) = e^-y. log S is convex: Newton from the left never overshoots. */
static double hyperexponential_solve(const Distribution *d, double y, double x, double *slope) {
  for (int k = 0; k < 200; k++) {
    double s1 = d->a * maths_exp(-x / d->b), s2 = (1 - d->a) * maths_exp(-x / d->c), s = s1 + s2, hazard = (s1 / d->b + s2 / d->c) / s;
    double step = (y + maths_log(s)) / hazard;
    *slope = 1 / hazard;
    x += step;
    if (step < 1e-15 * x && step > -1e-15 * x) break;
  }
  return x;
}

static const QuantileTable *hyperexponential_table(const Distribution *d, Arena *arena) {
  QuantileTable *table = table_new(arena, 0, 37);
  double x = 0;
  table->slope[0] = 1 / (d->a / d->b + (1 - d->a) / d->c);
  for (int k = 1; k <= TABLE_NODES; k++) table->value[k] = x = hyperexponential_solve(d, k * table->step, x, &table->slope[k]);
  return table;
}

/* ---- checking ---- */

static bool positive(double x) { return x > 0 && x < 1e300; }

static bool points_ok(const Distribution *d) {
  if (d->n_points < 1) return false;
  for (size_t k = 0; k < d->n_points; k++) {
    const DistributionPoint *p = &d->points[k];
    if (!(p->value >= 0 && p->value < 1e300 && p->cumulative >= 0 && p->cumulative <= 1)) return false;
    if (k && (p->value < p[-1].value || p->cumulative < p[-1].cumulative)) return false;
  }
  return d->points[d->n_points - 1].cumulative == 1;
}

bool distribution_prepare(Distribution *d, Arena *arena, Err *err) {
  switch (d->kind) {
    case DISTRIBUTION_CONSTANT:
    case DISTRIBUTION_EXPONENTIAL:
      if (!(d->a >= 0 && d->a < 1e300)) return err_at(err, "", "a value must be finite and not negative");
      return true;
    case DISTRIBUTION_UNIFORM:
      if (!(d->a >= 0 && d->b >= d->a && d->b < 1e300)) return err_at(err, "", "uniform: 0 <= low <= high is wanted");
      return true;
    case DISTRIBUTION_LOGNORMAL:
      if (!(d->a > -700 && d->a < 700 && d->b >= 0 && d->b < 100)) return err_at(err, "", "lognormal: a positive mean or median, and a spread above it, are wanted");
      return true;
    case DISTRIBUTION_GAMMA:
      if (!(positive(d->a) && positive(d->b)) || d->a < 0.01 || d->a > 1e6) return err_at(err, "", "gamma: mean > 0 and a cv between 0.001 and 10 are wanted");
      d->table = gamma_table(d->a, arena);
      return true;
    case DISTRIBUTION_WEIBULL:
      if (!(positive(d->a) && positive(d->b)) || d->a <= 0.021) return err_at(err, "", "weibull: mean > 0 and cv > 0 are wanted");
      return true;
    case DISTRIBUTION_PARETO:
      if (!(positive(d->a) && positive(d->b) && d->c > d->b && d->c < 1e300)) return err_at(err, "", "pareto: alpha > 0 and 0 < low < high are wanted");
      return true;
    case DISTRIBUTION_HYPEREXPONENTIAL:
      if (!(d->a > 0 && d->a < 1 && positive(d->b) && positive(d->c))) return err_at(err, "", "hyperexponential: mean > 0 and cv >= 1 are wanted");
      d->table = hyperexponential_table(d, arena);
      return true;
    case DISTRIBUTION_EMPIRICAL:
      if (!points_ok(d)) return err_at(err, "", "empirical: values and cumulative shares must not fall, and the last share must be 1");
      return true;
  }
  CHECK(false);
}

/* ---- quantiles ---- */

static double empirical_quantile(const Distribution *d, double u) {
  size_t low = 0, high = d->n_points - 1;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (d->points[middle].cumulative < u) low = middle + 1;
    else high = middle;
  }
  const DistributionPoint *p = &d->points[low];
  if (low == 0 || p->cumulative <= p[-1].cumulative) return p->value;
  return p[-1].value + (p->value - p[-1].value) * ((u - p[-1].cumulative) / (p->cumulative - p[-1].cumulative));
}

static double exponential_of(double u) { return -maths_log(1.0 - u); }

/* The table gives the start; Newton makes it good to 1e-7 also where two very different means meet (one step is enough up to a cv of
 * about 5). Below y = 1e-6 the sum y + log s would cancel; there the table's own relative error vanishes with y. */
static double hyperexponential_quantile(const Distribution *d, double u) {
  double y = exponential_of(u), x = table_at(d->table, y);
  for (int k = 0; k < 6 && y >= 1e-6; k++) {
    double s1 = d->a * maths_exp(-x / d->b), s2 = (1 - d->a) * maths_exp(-x / d->c), s = s1 + s2;
    double step = (y + maths_log(s)) * s / (s1 / d->b + s2 / d->c);
    x += step;
    if (step < 1e-6 * x && step > -1e-6 * x) break; /* the next one would be below 1e-10 */
  }
  return x > 0 ? x : 0;
}

double distribution_quantile(const Distribution *d, double u) {
  switch (d->kind) {
    case DISTRIBUTION_CONSTANT: return d->a;
    case DISTRIBUTION_EXPONENTIAL: return d->a * exponential_of(u);
    case DISTRIBUTION_UNIFORM: return d->a + (d->b - d->a) * u;
    case DISTRIBUTION_LOGNORMAL: return maths_exp(d->a + d->b * maths_normal_quantile(u));
    case DISTRIBUTION_GAMMA: return d->b * gamma_quantile(d->table, u);
    case DISTRIBUTION_WEIBULL: return d->b * maths_exp(maths_log(exponential_of(u)) / d->a);
    case DISTRIBUTION_PARETO: return d->b * maths_pow((1 - u) + u * maths_pow(d->b / d->c, d->a), -1 / d->a);
    case DISTRIBUTION_HYPEREXPONENTIAL: return hyperexponential_quantile(d, u);
    case DISTRIBUTION_EMPIRICAL: return empirical_quantile(d, u);
  }
  CHECK(false);
}

void distribution_quantiles(const Distribution *d, const double *u, size_t n, double *x) {
  if (d->kind == DISTRIBUTION_EXPONENTIAL) {
    maths_exponential_quantiles(u, n, x);
    for (size_t k = 0; k < n; k++) x[k] *= d->a;
    return;
  }
  if (d->kind == DISTRIBUTION_GAMMA) {
    gamma_quantiles(d, u, n, x);
    return;
  }
  for (size_t k = 0; k < n; k++) x[k] = distribution_quantile(d, u[k]);
}

/* ---- moments ---- */

/* E[X^r] of a bounded Pareto law. */
static double pareto_moment(const Distribution *d, double r) {
  double a = d->a, share = 1 - maths_pow(d->b / d->c, a), front = a * maths_pow(d->b, a) / share;
  if (a == r) return front * maths_log(d->c / d->b);
  return front * (maths_pow(d->c, r - a) - maths_pow(d->b, r - a)) / (r - a);
}

static double empirical_moment(const Distribution *d, int r) {
  double sum = 0, below = 0, from = d->points[0].value;
  for (size_t k = 0; k < d->n_points; k++) {
    double to = d->points[k].value, mass = d->points[k].cumulative - below;
    sum += mass * (r == 1 ? (from + to) / 2 : (from * from + from * to + to * to) / 3);
    below = d->points[k].cumulative;
    from = to;
  }
  return sum;
}

double distribution_mean(const Distribution *d) {
  switch (d->kind) {
    case DISTRIBUTION_CONSTANT:
    case DISTRIBUTION_EXPONENTIAL: return d->a;
    case DISTRIBUTION_UNIFORM: return (d->a + d->b) / 2;
    case DISTRIBUTION_LOGNORMAL: return maths_exp(d->a + d->b * d->b / 2);
    case DISTRIBUTION_GAMMA: return d->a * d->b;
    case DISTRIBUTION_WEIBULL: return d->b * maths_exp(maths_log_gamma(1 + 1 / d->a));
    case DISTRIBUTION_PARETO: return pareto_moment(d, 1);
    case DISTRIBUTION_HYPEREXPONENTIAL: return d->a * d->b + (1 - d->a) * d->c;
    case DISTRIBUTION_EMPIRICAL: return empirical_moment(d, 1);
  }
  CHECK(false);
}

static double second_moment(const Distribution *d) {
  switch (d->kind) {
    case DISTRIBUTION_CONSTANT: return d->a * d->a;
    case DISTRIBUTION_EXPONENTIAL: return 2 * d->a * d->a;
    case DISTRIBUTION_UNIFORM: return (d->a * d->a + d->a * d->b + d->b * d->b) / 3;
    case DISTRIBUTION_LOGNORMAL: return maths_exp(2 * d->a + 2 * d->b * d->b);
    case DISTRIBUTION_GAMMA: return d->a * (d->a + 1) * d->b * d->b;
    case DISTRIBUTION_WEIBULL: return d->b * d->b * maths_exp(maths_log_gamma(1 + 2 / d->a));
    case DISTRIBUTION_PARETO: return pareto_moment(d, 2);
    case DISTRIBUTION_HYPEREXPONENTIAL: return 2 * (d->a * d->b * d->b + (1 - d->a) * d->c * d->c);
    case DISTRIBUTION_EMPIRICAL: return empirical_moment(d, 2);
  }
  CHECK(false);
}

double distribution_cv(const Distribution *d) {
  double mean = distribution_mean(d), variance = second_moment(d) - mean * mean;
  return mean > 0 && variance > 0 ? __builtin_sqrt(variance) / mean : 0;
}

Distribution distribution_scaled(const Distribution *d, double factor, Arena *arena) {
  Distribution scaled = *d;
  switch (d->kind) {
    case DISTRIBUTION_CONSTANT:
    case DISTRIBUTION_EXPONENTIAL: scaled.a *= factor; break;
    case DISTRIBUTION_UNIFORM: scaled.a *= factor, scaled.b *= factor; break;
    case DISTRIBUTION_LOGNORMAL: scaled.a += maths_log(factor); break;
    case DISTRIBUTION_GAMMA:
    case DISTRIBUTION_WEIBULL: scaled.b *= factor; break;
    case DISTRIBUTION_PARETO: scaled.b *= factor, scaled.c *= factor; break;
    case DISTRIBUTION_HYPEREXPONENTIAL:
      scaled.b *= factor, scaled.c *= factor;
      scaled.table = hyperexponential_table(&scaled, arena);
      break;
    case DISTRIBUTION_EMPIRICAL: {
      DistributionPoint *point = ARENA_ARRAY(arena, DistributionPoint, d->n_points);
      for (size_t k = 0; k < d->n_points; k++) point[k] = (DistributionPoint){d->points[k].value * factor, d->points[k].cumulative};
      scaled.points = point;
      break;
    }
  }
  return scaled;
}
