/* The estimators of the Kubernetes VPA; see vpa_estimator.h. Powers are by multiplication where the exponent is whole, as all are by
 * default, and sim/core's own elsewhere. */
#include "models/policy/vpa_estimator.h"

#include "sim/core/maths.h"

int64_t vpa_amount(double amount) {
  if (amount > (double)VPA_AMOUNT_MOST) return VPA_AMOUNT_MOST;
  return amount > 0 ? (int64_t)amount : 0;
}

int64_t vpa_millicores(double cores) { return vpa_amount(cores * 1000); }
int64_t vpa_scaled(int64_t amount, double factor) { return vpa_amount((double)amount * factor); }
int64_t vpa_with_margin(int64_t amount, double fraction) { return amount + vpa_scaled(amount, fraction); }
int64_t vpa_with_minimum(int64_t amount, int64_t minimum) { return amount > minimum ? amount : minimum; }

double vpa_confidence(int64_t lifespan_ns, int64_t samples, int64_t interval_ns) {
  const int64_t minute_ns = INT64_C(60000000000);
  int64_t whole = interval_ns / minute_ns;
  double minutes = (double)whole + (double)(interval_ns % minute_ns) / (double)minute_ns;
  double by_lifespan = (double)lifespan_ns / (double)interval_ns, by_samples = (double)samples / minutes;
  return by_lifespan < by_samples ? by_lifespan : by_samples;
}

static double raised(double x, double exponent) {
  if (exponent >= -64 && exponent <= 64 && exponent == (double)(int)exponent) return vpa_power(x, (int)exponent);
  return maths_pow(x, exponent);
}

int64_t vpa_with_confidence(int64_t amount, double multiplier, double exponent, double confidence) {
  double ratio = multiplier == 0 ? 0 : confidence > 0 ? multiplier / confidence : __builtin_inf();
  return vpa_scaled(amount, raised(1 + ratio, exponent));
}

int64_t vpa_pod_minimum_millicores(double millicores, int containers) {
  return vpa_scaled(vpa_millicores(millicores * 0.001), 1.0 / (double)containers);
}

int64_t vpa_pod_minimum_bytes(double megabytes, int containers) {
  return vpa_scaled(vpa_amount(megabytes * 1024 * 1024), 1.0 / (double)containers);
}

static int64_t with_margin_at(const VpaEstimator *estimator, const VpaHistogram *cores, double percentile) {
  return vpa_with_margin(vpa_millicores(vpa_histogram_percentile(cores, percentile)), estimator->margin);
}

/* Upper bound: twice as high after one interval of history, less with more. Lower bound: 0.6 after five minutes of a day, 0.95 after an
 * hour. So that pods with a short history are left alone. */
VpaBounds vpa_recommend_millicores(const VpaEstimator *estimator, const VpaHistogram *cores, double confidence) {
  int64_t target = with_margin_at(estimator, cores, estimator->target_percentile);
  int64_t lower = vpa_with_confidence(with_margin_at(estimator, cores, estimator->lower_percentile), 0.001, -2, confidence);
  int64_t upper = vpa_with_confidence(with_margin_at(estimator, cores, estimator->upper_percentile), 1, 1, confidence);
  return (VpaBounds){vpa_with_minimum(target, estimator->minimum), vpa_with_minimum(lower, estimator->minimum),
                     vpa_with_minimum(upper, estimator->minimum)};
}
