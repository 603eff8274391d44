/* What a machine has and a replica takes: CPU in millicores, memory in bytes, GPUs in milli-GPUs (1000 = one whole GPU). */
#ifndef SIM_CORE_RESOURCES_H
#define SIM_CORE_RESOURCES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Resources {
  int64_t millicores, bytes, milligpus;
} Resources;

static inline Resources resources_add(Resources a, Resources b) {
  return (Resources){a.millicores + b.millicores, a.bytes + b.bytes, a.milligpus + b.milligpus};
}
static inline Resources resources_subtract(Resources a, Resources b) {
  return (Resources){a.millicores - b.millicores, a.bytes - b.bytes, a.milligpus - b.milligpus};
}
static inline bool resources_fit(Resources wanted, Resources room) {
  return wanted.millicores <= room.millicores && wanted.bytes <= room.bytes && wanted.milligpus <= room.milligpus;
}
static inline bool resources_equal(Resources a, Resources b) {
  return a.millicores == b.millicores && a.bytes == b.bytes && a.milligpus == b.milligpus;
}

/* ---- the GPUs of one machine, milli-GPUs free on each ----
 * A GPU given whole is not one whose fractions add up to 1000: who gives back must find the right one. */
enum { GPU_FREE = 1000, GPU_WHOLE = -1 };

/* GPUs a request takes as whole ones; 0 for fractions and none. */
static inline int64_t whole_gpus(int64_t milligpus) { return milligpus >= 1000 ? (milligpus + 999) / 1000 : 0; }

static inline int64_t gpus_untouched(const int64_t *gpu_free, int64_t gpus) {
  int64_t n = 0;
  for (int64_t g = 0; g < gpus; g++) n += gpu_free[g] == GPU_FREE;
  return n;
}

/* Whether a request finds its GPUs; a fraction takes the fullest GPU that still has room, *gpu. */
static inline bool gpus_have_room(const int64_t *gpu_free, int64_t gpus, int64_t milligpus, uint32_t *gpu) {
  *gpu = 0;
  if (milligpus == 0) return true;
  if (milligpus >= 1000) return gpus_untouched(gpu_free, gpus) >= whole_gpus(milligpus);
  bool found = false;
  for (uint32_t g = 0; g < gpus; g++) {
    if (gpu_free[g] < milligpus || (found && gpu_free[g] >= gpu_free[*gpu])) continue;
    *gpu = g;
    found = true;
  }
  return found;
}

/* Takes or gives back; false if there were not as many whole ones (nothing that had room is refused). */
static inline bool gpus_change(int64_t *gpu_free, int64_t gpus, int64_t milligpus, uint32_t gpu, bool take) {
  if (milligpus > 0 && milligpus < 1000) {
    gpu_free[gpu] += take ? -milligpus : milligpus;
    return true;
  }
  int64_t wanted = whole_gpus(milligpus), from = take ? GPU_FREE : GPU_WHOLE;
  for (int64_t g = 0; g < gpus && wanted; g++) {
    if (gpu_free[g] != from) continue;
    gpu_free[g] = take ? GPU_WHOLE : GPU_FREE;
    wanted--;
  }
  return wanted == 0;
}

#endif
