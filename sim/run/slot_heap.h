/* A 4-ary min-heap of slots by (free_ns, slot): sixteen bytes an item, replace_top inlined. It has room for all slots of a station. */
#ifndef SIM_RUN_SLOT_HEAP_H
#define SIM_RUN_SLOT_HEAP_H

#include "sim/run/station.h"

typedef struct SlotHeapItem {
  int64_t free_ns;
  uint32_t slot;
} SlotHeapItem;

enum { SLOT_HEAP_PAD = 4 }; /* items behind the last that are later than everything: groups of children are always whole */

typedef struct SlotHeap {
  SlotHeapItem *item;
  uint32_t count, capacity;
} SlotHeap;

/* The station's heap, empty, with room for all its slots. */
static inline SlotHeap *slot_heap_reset(Station *s) {
  if (!s->slots) s->slots = ARENA_NEW(s->arena, SlotHeap);
  uint32_t wanted = s->entry_capacity * s->slots_per_entry;
  if (s->slots->capacity < wanted) {
    s->slots->item = ARENA_ARRAY(s->arena, SlotHeapItem, wanted + SLOT_HEAP_PAD);
    s->slots->capacity = wanted;
  }
  s->slots->count = 0;
  for (uint32_t k = 0; k < wanted + SLOT_HEAP_PAD; k++) s->slots->item[k] = (SlotHeapItem){INSTANT_NEVER, SLOT_NONE};
  return s->slots;
}

/* One comparison of 128 bits, so that compilers need no branch: which child is least is a coin toss, and mispredicting it costs more
 * than all the rest of a sink. Instants are never negative. */
static inline bool slot_heap_less(const SlotHeapItem *a, const SlotHeapItem *b) {
  return ((unsigned __int128)(uint64_t)a->free_ns << 64 | a->slot) < ((unsigned __int128)(uint64_t)b->free_ns << 64 | b->slot);
}

static inline void slot_heap_push(SlotHeap *heap, int64_t free_ns, uint32_t slot) {
  SlotHeapItem item = {free_ns, slot};
  uint32_t k = heap->count++;
  while (k > 0) {
    uint32_t parent = (k - 1) / 4;
    if (!slot_heap_less(&item, &heap->item[parent])) break;
    heap->item[k] = heap->item[parent];
    k = parent;
  }
  heap->item[k] = item;
}

/* Sinks `item` from the top. */
static inline void slot_heap_sink(SlotHeap *heap, SlotHeapItem item) {
  SlotHeapItem *array = heap->item;
  size_t k = 0, n = heap->count;
  for (size_t child = 1; child < n; child = 4 * k + 1) {
    const SlotHeapItem *c = array + child;
    size_t low = (size_t)slot_heap_less(c + 1, c), high = 2 + (size_t)slot_heap_less(c + 3, c + 2);
    size_t least = slot_heap_less(c + high, c + low) ? high : low;
    if (!slot_heap_less(c + least, &item)) break;
    array[k] = c[least];
    k = child + least;
  }
  array[k] = item;
}

/* The top slot gets a new instant. */
static inline void slot_heap_replace_top(SlotHeap *heap, int64_t free_ns) {
  slot_heap_sink(heap, (SlotHeapItem){free_ns, heap->item[0].slot});
}

static inline void slot_heap_pop(SlotHeap *heap) {
  SlotHeapItem last = heap->item[--heap->count];
  heap->item[heap->count] = (SlotHeapItem){INSTANT_NEVER, SLOT_NONE};
  if (heap->count) slot_heap_sink(heap, last);
}

#endif
