/* Samples of one container; see vpa_container.h. */
#include "models/policy/vpa_container.h"

static const VpaCalls dropped;

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/* a + b, kept within the range of instants. */
static int64_t plus_ns(int64_t a_ns, int64_t b_ns) {
  int64_t sum_ns;
  if (!__builtin_add_overflow(a_ns, b_ns, &sum_ns)) return sum_ns;
  return b_ns > 0 ? INT64_MAX : INT64_MIN;
}

VpaCalls vpa_container_cpu(VpaContainer *container, int64_t at_ns, int64_t millicores) {
  if (millicores < 0 || (container->has_cpu && at_ns <= container->cpu_ns)) return dropped;
  container->has_cpu = true;
  container->cpu_ns = at_ns;
  return (VpaCalls){true, 1, {{.value = (double)millicores / 1000, .weight = VPA_SAMPLE_WEIGHT, .at_ns = at_ns}}};
}

static VpaCall memory_call(bool is_subtract, int64_t bytes, int64_t at_ns) {
  return (VpaCall){.is_memory = true, .is_subtract = is_subtract, .value = (double)bytes, .weight = 1, .at_ns = at_ns};
}

/* The interval that holds `at_ns`, intervals being counted from the first sample. */
static void next_window(VpaContainer *container, int64_t interval_ns, int64_t at_ns) {
  __int128 past = (__int128)at_ns - container->window_end_ns, end = container->window_end_ns + (past / interval_ns + 1) * interval_ns;
  container->window_end_ns = end < INT64_MAX ? (int64_t)end : INT64_MAX;
  container->memory_peak_bytes = container->oom_peak_bytes = 0;
}

static VpaCalls memory_sample(VpaContainer *container, const VpaMemoryRules *rules, int64_t at_ns, int64_t bytes, bool is_oom) {
  if (bytes < 0 || rules->interval_ns <= 0) return dropped;
  if (!is_oom && container->has_memory && at_ns < container->memory_ns) return dropped;
  if (!container->has_memory) container->window_end_ns = at_ns;
  container->has_memory = true;
  container->memory_ns = at_ns;
  VpaCalls calls = {.accepted = true};
  if (at_ns < container->window_end_ns) {
    int64_t peak = larger(container->memory_peak_bytes, container->oom_peak_bytes);
    if (peak == 0 || bytes <= peak) return calls;
    calls.call[calls.n++] = memory_call(true, peak, container->window_end_ns);
  } else {
    next_window(container, rules->interval_ns, at_ns);
  }
  calls.call[calls.n++] = memory_call(false, bytes, container->window_end_ns);
  *(is_oom ? &container->oom_peak_bytes : &container->memory_peak_bytes) = bytes;
  return calls;
}

VpaCalls vpa_container_memory(VpaContainer *container, const VpaMemoryRules *rules, int64_t at_ns, int64_t bytes) {
  return memory_sample(container, rules, at_ns, bytes, false);
}

static int64_t capped(int64_t bytes, int64_t max_bytes) { return max_bytes > 0 && bytes > max_bytes ? max_bytes : bytes; }

/* The peak of the OOM kills before does not count here, or kill upon kill would run away. */
VpaCalls vpa_container_oom(VpaContainer *container, const VpaMemoryRules *rules, int64_t at_ns, int64_t requested_bytes) {
  if (container->has_memory && at_ns < plus_ns(container->window_end_ns, -rules->interval_ns)) return dropped;
  int64_t used = capped(larger(requested_bytes, container->memory_peak_bytes), rules->max_bytes);
  if (used > VPA_AMOUNT_MOST) used = VPA_AMOUNT_MOST;
  int64_t needed = larger(used + vpa_amount(rules->oom_bump_bytes), vpa_scaled(used, rules->oom_bump_ratio));
  return memory_sample(container, rules, at_ns, capped(needed, rules->max_bytes), true);
}

void vpa_aggregate_begin(VpaAggregate *aggregate, int64_t half_life_ns) {
  const VpaBuckets buckets = vpa_buckets_cpu();
  *aggregate = (VpaAggregate){.samples = 0};
  vpa_histogram_begin(&aggregate->cores, &buckets, half_life_ns);
}

void vpa_aggregate_apply(VpaAggregate *aggregate, const VpaCalls *calls) {
  for (int k = 0; k < calls->n; k++) {
    const VpaCall *call = &calls->call[k];
    if (call->is_memory) continue;
    vpa_histogram_add(&aggregate->cores, call->value, call->weight, call->at_ns);
    if (aggregate->samples == 0 || call->at_ns < aggregate->first_ns) aggregate->first_ns = call->at_ns;
    if (aggregate->samples == 0 || call->at_ns > aggregate->last_ns) aggregate->last_ns = call->at_ns;
    aggregate->samples++;
  }
}

bool vpa_aggregate_is_expired(const VpaAggregate *aggregate, int64_t now_ns, int64_t window_ns) {
  return aggregate->samples > 0 && (__int128)now_ns - aggregate->last_ns >= window_ns;
}
