/* Saturation analysis, targets and the cost-aware optimiser; see wva_saturation.h. The comparisons are upstream's own, in its order of
 * operations (0.8 - 0.7 >= 0.1 in doubles); only counts that come from a division forgive a relative error of 1e-9. */
#include "models/policy/wva_saturation.h"

#include <string.h>

#include "models/policy/tracking.h"

void wva_spare_add(const WvaThresholds *thresholds, WvaSpare *spare, double kv_ratio, double queue_jobs) {
  spare->replicas++;
  if (!(kv_ratio < thresholds->kv_cache_ratio && queue_jobs < thresholds->queue_jobs)) return;
  spare->non_saturated++;
  spare->kv_ratio += thresholds->kv_cache_ratio - kv_ratio;
  spare->queue_jobs += thresholds->queue_jobs - queue_jobs;
}

/* Would the spare of the rest still do, if one of n took its load to the others? */
static bool safe_without_one(const WvaThresholds *thresholds, const WvaAnalysis *analysis) {
  if (analysis->non_saturated < 2) return false;
  double factor = (double)analysis->non_saturated / (double)(analysis->non_saturated - 1);
  double kv = (thresholds->kv_cache_ratio - analysis->spare_kv_ratio) * factor;
  double queue = (thresholds->queue_jobs - analysis->spare_queue_jobs) * factor;
  return thresholds->kv_cache_ratio - kv >= thresholds->kv_spare_ratio && thresholds->queue_jobs - queue >= thresholds->spare_queue_jobs;
}

WvaAnalysis wva_analyse(const WvaThresholds *thresholds, const WvaSpare *variant, size_t n) {
  WvaAnalysis analysis = {0};
  double kv = 0, queue = 0;
  for (size_t k = 0; k < n; k++) {
    analysis.replicas += variant[k].replicas;
    analysis.non_saturated += variant[k].non_saturated;
    if (variant[k].non_saturated == 0) continue;
    double count = (double)variant[k].non_saturated;
    kv += variant[k].kv_ratio / count * count; /* upstream weighs the means of variants */
    queue += variant[k].queue_jobs / count * count;
  }
  if (analysis.replicas == 0) return analysis;
  if (analysis.non_saturated > 0) {
    analysis.spare_kv_ratio = kv / (double)analysis.non_saturated;
    analysis.spare_queue_jobs = queue / (double)analysis.non_saturated;
  }
  analysis.scale_up = analysis.spare_kv_ratio < thresholds->kv_spare_ratio || analysis.spare_queue_jobs < thresholds->spare_queue_jobs;
  analysis.scale_down_safe = safe_without_one(thresholds, &analysis);
  return analysis;
}

/* ---- targets ---- */

static bool on_its_way(const WvaVariant *variant) { return variant->desired != 0 && variant->desired != variant->current; }

static bool frozen(const WvaVariant *variant, size_t n) {
  for (size_t k = 0; k < n; k++)
    if (on_its_way(&variant[k]) || variant[k].reporting != variant[k].current) return true;
  return false;
}

/* Ties go to the first name upwards and to the last name downwards, so that the order of the list does not matter. */
static bool cheaper(const WvaVariant *a, const WvaVariant *b) {
  if (a->cost_usd_per_h != b->cost_usd_per_h) return a->cost_usd_per_h < b->cost_usd_per_h;
  return strcmp(a->name, b->name) < 0;
}

static WvaVariant *to_grow(WvaVariant *variant, size_t n) {
  WvaVariant *best = NULL;
  for (size_t k = 0; k < n; k++)
    if (variant[k].pending <= 0 && (!best || cheaper(&variant[k], best))) best = &variant[k];
  return best;
}

static WvaVariant *to_shrink(WvaVariant *variant, size_t n) {
  WvaVariant *best = NULL;
  for (size_t k = 0; k < n; k++)
    if (variant[k].target > 1 && (!best || cheaper(best, &variant[k]))) best = &variant[k];
  return best;
}

WvaMove wva_targets(bool scale_up, bool scale_down_safe, WvaVariant *variant, size_t n) {
  bool hold = frozen(variant, n);
  for (size_t k = 0; k < n; k++) {
    if (!hold) variant[k].target = variant[k].reporting;
    else variant[k].target = on_its_way(&variant[k]) ? variant[k].desired : variant[k].current;
  }
  if (hold) return WVA_FROZEN;
  WvaVariant *chosen = scale_up ? to_grow(variant, n) : scale_down_safe ? to_shrink(variant, n) : NULL;
  if (!chosen) return WVA_KEPT;
  chosen->target += scale_up ? 1 : -1;
  return scale_up ? WVA_UP : WVA_DOWN;
}

/* ---- V2: the cost-aware optimiser ---- */

static int64_t rounded_down(double x) {
  const double most_exact = 9007199254740992.0;
  x += x * 1e-9;
  if (!(x > 0)) return 0;
  return x >= most_exact ? (int64_t)most_exact : (int64_t)x;
}

static double efficiency(const WvaCapacity *variant) { return variant->cost_usd_per_h / variant->per_replica; }

static bool before(const WvaCapacity *a, const WvaCapacity *b, bool growing) {
  if (!growing) return a->cost_usd_per_h > b->cost_usd_per_h;
  if (a->per_replica <= 0 || b->per_replica <= 0) return a->per_replica > 0 && b->per_replica <= 0;
  return efficiency(a) < efficiency(b);
}

/* Stable: equals keep the order of the list. */
static void sort(WvaCapacity *const variant, size_t n, bool growing, WvaCapacity *sorted[WVA_VARIANTS]) {
  for (size_t k = 0; k < n; k++) {
    size_t place = k;
    for (; place > 0 && before(&variant[k], sorted[place - 1], growing); place--) sorted[place] = sorted[place - 1];
    sorted[place] = &variant[k];
  }
}

static const WvaCapacity *cheapest(const WvaCapacity *variant, size_t n) {
  const WvaCapacity *best = NULL;
  for (size_t k = 0; k < n; k++)
    if (!best || variant[k].cost_usd_per_h < best->cost_usd_per_h) best = &variant[k];
  return best;
}

static bool others_have_replicas(const WvaCapacity *variant, size_t n, const WvaCapacity *but) {
  for (size_t k = 0; k < n; k++)
    if (&variant[k] != but && variant[k].replicas > 0) return true;
  return false;
}

static void grow(double required, WvaCapacity *sorted[WVA_VARIANTS], size_t n) {
  for (size_t k = 0; k < n && required > 0; k++) {
    if (!(sorted[k]->per_replica > 0)) continue;
    int64_t more = rounded_up(required / sorted[k]->per_replica);
    sorted[k]->replicas += more;
    required -= (double)more * sorted[k]->per_replica;
  }
}

static void shrink(double spare, WvaCapacity *variant, WvaCapacity *sorted[WVA_VARIANTS], size_t n) {
  const WvaCapacity *last = cheapest(variant, n);
  for (size_t k = 0; k < n && spare > 0; k++) {
    if (!(sorted[k]->per_replica > 0)) continue;
    int64_t kept = sorted[k] == last && !others_have_replicas(variant, n, last) ? 1 : 0;
    int64_t fewer = least(rounded_down(spare / sorted[k]->per_replica), sorted[k]->replicas - kept);
    if (fewer <= 0) continue;
    sorted[k]->replicas -= fewer;
    spare -= (double)fewer * sorted[k]->per_replica;
  }
}

void wva_cost_aware(double required, double spare, WvaCapacity *variant, size_t n) {
  WvaCapacity *sorted[WVA_VARIANTS];
  if (n > WVA_VARIANTS) n = WVA_VARIANTS;
  sort(variant, n, required > 0, sorted);
  if (required > 0) grow(required, sorted, n);
  else if (spare > 0) shrink(spare, variant, sorted, n);
}
