/* What a machine has and a replica takes: CPU in millicores, memory in bytes, GPUs in milli-GPUs (1000 = one whole GPU). */
#ifndef SIM_WORLD_RESOURCES_H
#define SIM_WORLD_RESOURCES_H

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

#endif
