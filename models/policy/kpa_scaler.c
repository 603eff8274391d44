/* From a wished number of pods to the one that is set; see kpa_scaler.h. */
#include "models/policy/kpa_scaler.h"

#include "models/policy/tracking.h"

static int64_t least_scale(const KpaScalerSpec *spec) { return spec->unreachable ? 0 : spec->min_scale; }

static KpaScaling set(int64_t scale, const char *reason) { return (KpaScaling){.scale = scale, .apply = true, .reason = reason}; }
static KpaScaling wait(int64_t scale, int requeues, const char *reason) { return (KpaScaling){.scale = scale, .requeues = requeues, .reason = reason}; }

static KpaScaling to_zero_while_inactive(const KpaScalerSpec *spec, const KpaStatus *status) {
  int64_t retention_ns = spec->unreachable ? 0 : spec->retention_ns, inactive_ns = status->activity_for_ns;
  if (!spec->always_proxied && !status->probe_answers)
    return (KpaScaling){.scale = 0, .probes = 1, .reason = "the activator does not answer yet"};
  if (inactive_ns >= most(spec->grace_ns, retention_ns)) return set(0, "idle, scaled to zero");
  if (inactive_ns < retention_ns) return wait(0, 1, "last pod retained");
  if (status->proxied_for_ns >= spec->grace_ns) return set(0, "idle, scaled to zero"); /* the activator was in the path long before */
  return wait(0, 1, "grace period before zero");
}

static KpaScaling to_zero(const KpaScalerSpec *spec, const KpaStatus *status) {
  if (!spec->enable_scale_to_zero) return set(1, "scale to zero is off");
  switch (status->activity) {
  case KPA_ACTIVATING:
    if (status->activity_for_ns > spec->activation_timeout_ns) return set(0, "activation timed out");
    return wait(KPA_UNKNOWN, 1, "activating");
  case KPA_ACTIVE:
    if (status->activity_for_ns >= spec->stable_window_ns) return wait(0, status->proxied ? 1 : 0, "idle, marked inactive");
    return (KpaScaling){.scale = 1, .apply = true, .requeues = 1, .reason = "active for less than the stable window"};
  case KPA_INACTIVE: break;
  }
  return to_zero_while_inactive(spec, status);
}

KpaScaling kpa_scaler(const KpaScalerSpec *spec, const KpaStatus *status, int64_t desired) {
  if (desired < 0 && status->activity != KPA_ACTIVATING) return wait(desired, 0, "no metrics yet");
  int64_t low = least_scale(spec);
  if (spec->initial_scale > 1 && !status->initialised) low = most(low, spec->initial_scale);
  if (desired < low && low > 0) return set(low, "at the minimum scale");
  if (desired <= 0) return to_zero(spec, status);
  if (spec->max_scale > 0 && desired > spec->max_scale) return set(spec->max_scale, "at the maximum scale");
  return (KpaScaling){.scale = desired, .apply = true, .as_wished = true, .reason = "as wished"};
}

bool kpa_proxied(int64_t want, int64_t excess_burst_capacity, KpaActivity activity) {
  return want == 0 || excess_burst_capacity < 0 || (want == KPA_UNKNOWN && activity == KPA_INACTIVE);
}

int64_t kpa_active_threshold(const KpaScalerSpec *spec, bool initialised) {
  return most(least_scale(spec), initialised ? 1 : spec->initial_scale);
}

KpaActivity kpa_activity(KpaActivity activity, int64_t want, int64_t ready, int64_t threshold) {
  if (want == 0 || threshold == 0) return KPA_INACTIVE;
  if (want < 0 && activity == KPA_INACTIVE) return KPA_INACTIVE;
  return ready < threshold ? KPA_ACTIVATING : KPA_ACTIVE;
}
