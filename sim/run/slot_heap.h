/* A 4-ary min-heap of slots by (free_ns, slot): sixteen bytes an item, replace_top inlined. It has room for all slots of a station. */
#ifndef SIM_RUN_SLOT_HEAP_H
#define SIM_RUN_SLOT_HEAP_H

#include "sim/run/station.h"

typedef struct SlotHeapItem {
  int64_t free_ns;
  uint32_t slot;
} SlotHeapItem;

typedef struct SlotHeap {
  SlotHeapItem *item;
  uint32_t count, capacity;
} SlotHeap;

/* The station's heap, empty, with room for all its slots. */
static inline SlotHeap *slot_heap_reset(Station *s) {
  if (!s->slots) s->slots = ARENA_NEW(s->arena, SlotHeap);
  uint32_t wanted = s->entry_capacity * s->slots_per_entry;
  if (s->slots->capacity < wanted) {
    s->slots->item = ARENA_ARRAY(s->arena, SlotHeapItem, wanted);
    s->slots->capacity = wanted;
  }
  s->slots->count = 0;
  return s->slots;
}

static inline bool slot_heap_less(SlotHeapItem a, SlotHeapItem b) {
  return a.free_ns != b.free_ns ? a.free_ns < b.free_ns : a.slot < b.slot;
}

static inline void slot_heap_push(SlotHeap *heap, int64_t free_ns, uint32_t slot) {
  SlotHeapItem item = {free_ns, slot};
  uint32_t k = heap->count++;
  while (k > 0) {
    uint32_t parent = (k - 1) / 4;
    if (!slot_heap_less(item, heap->item[parent])) break;
    heap->item[k] = heap->item[parent];
    k = parent;
  }
  heap->item[k] = item;
}

/* Sinks `item` from the top. */
static inline void slot_heap_sink(SlotHeap *heap, SlotHeapItem item) {
  uint32_t k = 0, n = heap->count;
  for (;;) {
    uint32_t child = 4 * k + 1;
    if (child >= n) break;
    uint32_t last = child + 4 < n ? child + 4 : n, least = child;
    for (uint32_t c = child + 1; c < last; c++)
      if (slot_heap_less(heap->item[c], heap->item[least])) least = c;
    if (!slot_heap_less(heap->item[least], item)) break;
    heap->item[k] = heap->item[least];
    k = least;
  }
  heap->item[k] = item;
}

/* The top slot gets a new instant. */
static inline void slot_heap_replace_top(SlotHeap *heap, int64_t free_ns) {
  slot_heap_sink(heap, (SlotHeapItem){free_ns, heap->item[0].slot});
}

static inline void slot_heap_pop(SlotHeap *heap) {
  SlotHeapItem last = heap->item[--heap->count];
  if (heap->count) slot_heap_sink(heap, last);
}

#endif
