/* Highest samples of the last while; see peaks.h. */
#include "models/policy/peaks.h"

#include <string.h>

static void drop_oldest(Peak *peak, int n) {
  peak->count -= n;
  for (int k = 0; k < peak->count; k++) peak->sample[k] = peak->sample[k + n];
}

double peak_add(Peak *peak, int64_t now_ns, int64_t window_ns, int64_t sampled_ns, double value) {
  if (value == value) {
    while (peak->count > 0 && peak->sample[peak->count - 1].value <= value) peak->count--;
    if (peak->count == PEAK_SAMPLES) {
      peak->sample[1].value = peak->sample[0].value;
      drop_oldest(peak, 1);
    }
    peak->sample[peak->count].at_ns = sampled_ns;
    peak->sample[peak->count++].value = value;
  }
  int expired = 0;
  while (expired < peak->count && peak->sample[expired].at_ns <= now_ns - window_ns) expired++;
  drop_oldest(peak, expired);
  return peak->count > 0 ? peak->sample[0].value : __builtin_nan("");
}

PeakReplica *peaks_of(Peaks *peaks, uint32_t deployment, uint32_t ordinal, int64_t now_ns, int64_t window_ns) {
  enum { LOOKS = 16 };
  PeakReplica *place = NULL;
  uint32_t start = deployment * 2654435761u + ordinal;
  for (uint32_t k = 0; k < LOOKS; k++) {
    PeakReplica *replica = &peaks->replica[(start + k) % PEAK_REPLICAS];
    if (replica->used && replica->deployment == deployment && replica->ordinal == ordinal) {
      replica->seen_ns = now_ns;
      return replica;
    }
    if (!place && (!replica->used || replica->seen_ns <= now_ns - window_ns)) place = replica;
  }
  if (!place) return NULL;
  memset(place, 0, sizeof *place);
  place->used = true;
  place->deployment = deployment;
  place->ordinal = ordinal;
  place->seen_ns = now_ns;
  return place;
}
