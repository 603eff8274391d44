/* The updater's rules; see vpa_updater.h. */
#include "models/policy/vpa_updater.h"

VpaPriority vpa_priority(const VpaRequest *resource, int n) {
  VpaPriority priority = {false, false, 0};
  for (int k = 0; k < n; k++) {
    const VpaBounds *bounds = &resource[k].bounds;
    int64_t request = resource[k].has ? resource[k].request : 0;
    priority.grows |= !resource[k].has || bounds->target > request;
    priority.is_outside |= !resource[k].has || request < bounds->lower || request > bounds->upper;
    double base = request > 1 ? (double)request : 1, change = base - (double)bounds->target;
    priority.difference += (change < 0 ? -change : change) / base;
  }
  return priority;
}

bool vpa_goes_before(const VpaPriority *a, const VpaPriority *b) {
  if (a->grows != b->grows) return a->grows;
  return a->difference > b->difference;
}

bool vpa_wants_update(const VpaPriority *priority, const VpaUpdateRules *rules, bool has_started, int64_t age_ns, bool quick_oom) {
  if (quick_oom && priority->difference == 0) return false;
  if (priority->is_outside || quick_oom) return true;
  return has_started && age_ns >= rules->lifetime_ns && priority->difference >= rules->threshold;
}

VpaGroup vpa_group(int64_t configured, int64_t running, double tolerance_ratio) {
  return (VpaGroup){.configured = configured, .running = running, .tolerance = vpa_scaled(configured, tolerance_ratio)};
}

bool vpa_group_is_disruptable(const VpaGroup *group) {
  if (group->running - group->disrupted > group->configured - group->tolerance) return true;
  return group->running == group->configured && group->tolerance == 0 && group->disrupted == 0;
}
