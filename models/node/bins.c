/* See bins.h. */
#include "models/node/bins.h"

#include <string.h>

static int64_t gpus_of(const PoolView *pool) { return pool->allocatable.milligpus / 1000; }

static Bin *bin_new(Bins *bins) {
  if (bins->count == bins->capacity) {
    uint32_t grown = bins->capacity ? 2 * bins->capacity : 16;
    bins->bin = arena_grow(bins->seen->scratch, bins->bin, bins->count, grown, sizeof *bins->bin);
    bins->capacity = grown;
  }
  return &bins->bin[bins->count++];
}

Bins bins_empty(const NodeObservation *seen) { return (Bins){.seen = seen}; }

Bins bins_of_nodes(const NodeObservation *seen) {
  Bins bins = bins_empty(seen);
  for (uint32_t n = 0; n < seen->n_nodes; n++) {
    const NodeView *node = &seen->node[n];
    const PoolView *pool = &seen->pool[node->pool];
    Bin *bin = bin_new(&bins);
    *bin = (Bin){.pool = node->pool, .closed = node->cordoned || node->draining, .there = node->phase == NODE_PHASE_READY,
                 .room = resources_subtract(pool->allocatable, node->requested)};
    bin->gpu_free = ARENA_ARRAY(seen->scratch, int64_t, (size_t)gpus_of(pool));
    if (gpus_of(pool) > 0) memcpy(bin->gpu_free, node->gpu_free, (size_t)gpus_of(pool) * sizeof *bin->gpu_free);
  }
  return bins;
}

uint32_t bins_add(Bins *bins, uint32_t p) {
  const PoolView *pool = &bins->seen->pool[p];
  Bin *bin = bin_new(bins);
  *bin = (Bin){.pool = p, .room = pool->allocatable, .gpu_free = ARENA_ARRAY(bins->seen->scratch, int64_t, (size_t)gpus_of(pool))};
  for (int64_t g = 0; g < gpus_of(pool); g++) bin->gpu_free[g] = GPU_FREE;
  return bins->count - 1;
}

bool bin_has_room(const Bins *bins, uint32_t k, Resources request, uint32_t *gpu) {
  const Bin *bin = &bins->bin[k];
  *gpu = 0;
  if (request.millicores > bin->room.millicores || request.bytes > bin->room.bytes) return false;
  return gpus_have_room(bin->gpu_free, gpus_of(&bins->seen->pool[bin->pool]), request.milligpus, gpu);
}

static void bin_change(Bins *bins, const Taken *taken, bool take) {
  Bin *bin = &bins->bin[taken->bin];
  bin->room = take ? resources_subtract(bin->room, taken->request) : resources_add(bin->room, taken->request);
  bin->n_taken += take ? 1 : -1u;
  (void)gpus_change(bin->gpu_free, gpus_of(&bins->seen->pool[bin->pool]), taken->request.milligpus, taken->gpu, take);
}

bool bin_take(Bins *bins, uint32_t k, Resources request) {
  uint32_t gpu;
  if (!bin_has_room(bins, k, request, &gpu)) return false;
  if (bins->n_taken == bins->taken_capacity) {
    uint32_t grown = bins->taken_capacity ? 2 * bins->taken_capacity : 64;
    bins->taken = arena_grow(bins->seen->scratch, bins->taken, bins->n_taken, grown, sizeof *bins->taken);
    bins->taken_capacity = grown;
  }
  Taken *taken = &bins->taken[bins->n_taken++];
  *taken = (Taken){.bin = k, .gpu = gpu, .request = request};
  bin_change(bins, taken, true);
  return true;
}

void bins_rewind(Bins *bins, uint32_t mark) {
  while (bins->n_taken > mark) bin_change(bins, &bins->taken[--bins->n_taken], false);
}

uint32_t bins_place(Bins *bins, uint32_t first, uint32_t d, Resources request, bool there_only) {
  const DeploymentView *deployment = &bins->seen->deployment[d];
  for (uint32_t j = 0; j < deployment->n_pools; j++)
    for (uint32_t k = first; k < bins->count; k++) {
      const Bin *bin = &bins->bin[k];
      if (bin->pool != deployment->pool[j] || bin->closed || (there_only && !bin->there)) continue;
      if (!bin_take(bins, k, request)) continue;
      bins->taken[bins->n_taken - 1].deployment = d;
      return k;
    }
  return BIN_NONE;
}

bool deployment_may_run(const NodeObservation *seen, uint32_t d, uint32_t p) {
  const DeploymentView *deployment = &seen->deployment[d];
  for (uint32_t j = 0; j < deployment->n_pools; j++)
    if (deployment->pool[j] == p) return true;
  return false;
}

bool machine_has_room(const PoolView *pool, Resources request) {
  Resources wanted = request;
  if (wanted.milligpus >= 1000) wanted.milligpus = whole_gpus(wanted.milligpus) * 1000;
  return resources_fit(wanted, pool->allocatable);
}

static double part(int64_t request, int64_t all) { return all > 0 ? (double)request / (double)all : 0; }

double request_score(const PoolView *pool, Resources request) {
  return part(request.millicores, pool->allocatable.millicores) + part(request.bytes, pool->allocatable.bytes);
}

/* Merge sort: stable, and no comparison function with hidden state. */
void sort_falling(uint32_t *index, const double *score, uint32_t n, Arena *scratch) {
  uint32_t *from = index, *to = ARENA_ARRAY(scratch, uint32_t, n);
  for (uint32_t width = 1; width < n; width = width > n / 2 ? n : 2 * width) {
    for (uint32_t low = 0; low < n; low = n - low > 2 * width ? low + 2 * width : n) {
      uint32_t middle = n - low > width ? low + width : n, high = n - low > 2 * width ? low + 2 * width : n;
      for (uint32_t a = low, b = middle, k = low; k < high; k++) {
        bool left = b >= high || (a < middle && !(score[from[b]] > score[from[a]]));
        to[k] = left ? from[a++] : from[b++];
      }
    }
    uint32_t *swap = from;
    from = to;
    to = swap;
  }
  if (from != index && n) memcpy(index, from, n * sizeof *index);
}
