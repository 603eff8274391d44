/* A 4-ary min-heap of slots by (free_ns, slot), each packed into one 128-bit key: a comparison is two instructions and needs no branch.
 * Which child is least is a coin toss, and mispredicting it costs more than all the rest of a sink. */
#ifndef SIM_RUN_SLOT_HEAP_H
#define SIM_RUN_SLOT_HEAP_H

#include "sim/run/station.h"

typedef unsigned __int128 SlotKey; /* instants are never negative */

enum { SLOT_HEAP_PAD = 4 }; /* keys behind the last that are later than everything: groups of children are always whole */
#define SLOT_KEY_LAST (~(SlotKey)0)

typedef struct SlotHeap {
  SlotKey *key;
  uint32_t count, capacity;
} SlotHeap;

static inline SlotKey slot_key(int64_t free_ns, uint32_t slot) { return (SlotKey)(uint64_t)free_ns << 64 | slot; }
static inline size_t slot_key_less(SlotKey a, SlotKey b) { return a < b; }
static inline int64_t slot_heap_top_ns(const SlotHeap *heap) { return (int64_t)(heap->key[0] >> 64); }
static inline uint32_t slot_heap_top_slot(const SlotHeap *heap) { return (uint32_t)heap->key[0]; }

/* The station's heap, empty, with room for all its slots. */
static inline SlotHeap *slot_heap_reset(Station *s) {
  if (!s->slots) s->slots = ARENA_NEW(s->arena, SlotHeap);
  uint32_t wanted = s->entry_capacity * s->slots_per_entry;
  if (s->slots->capacity < wanted || !s->slots->key) {
    s->slots->key = ARENA_ARRAY(s->arena, SlotKey, wanted + SLOT_HEAP_PAD);
    s->slots->capacity = wanted;
  }
  s->slots->count = 0;
  for (uint32_t k = 0; k < wanted + SLOT_HEAP_PAD; k++) s->slots->key[k] = SLOT_KEY_LAST;
  return s->slots;
}

static inline void slot_heap_push(SlotHeap *heap, int64_t free_ns, uint32_t slot) {
  SlotKey key = slot_key(free_ns, slot);
  size_t k = heap->count++;
  while (k > 0) {
    size_t parent = (k - 1) / 4;
    if (key >= heap->key[parent]) break;
    heap->key[k] = heap->key[parent];
    k = parent;
  }
  heap->key[k] = key;
}

/* Puts a key in the place of the top: the least children move up to the bottom without looking at the key, which then climbs from
 * there. New keys belong near the bottom, so the climb is short and its end is easily predicted. */
static inline void slot_heap_sink(SlotHeap *heap, SlotKey key) {
  SlotKey *array = heap->key;
  size_t k = 0, n = heap->count;
  for (size_t child = 1; child < n; child = 4 * k + 1) {
    const SlotKey *c = array + child;
    size_t low = slot_key_less(c[1], c[0]), high = 2 | slot_key_less(c[3], c[2]);
    size_t least = low ^ ((low ^ high) & -slot_key_less(c[high], c[low])); /* by a mask: compilers make a branch of ?: here */
    array[k] = c[least];
    k = child + least;
  }
  while (k > 0) {
    size_t parent = (k - 1) / 4;
    if (key >= array[parent]) break;
    array[k] = array[parent];
    k = parent;
  }
  array[k] = key;
}

/* The top slot gets a new instant. */
static inline void slot_heap_replace_top(SlotHeap *heap, int64_t free_ns) {
  slot_heap_sink(heap, slot_key(free_ns, slot_heap_top_slot(heap)));
}

static inline void slot_heap_pop(SlotHeap *heap) {
  SlotKey last = heap->key[--heap->count];
  heap->key[heap->count] = SLOT_KEY_LAST;
  if (heap->count) slot_heap_sink(heap, last);
}

#endif
