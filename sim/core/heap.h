/* A 4-ary min-heap of (time, rank) with a payload, on an arena. replace_top is one sift, cheaper than pop then push. */
#ifndef SIM_CORE_HEAP_H
#define SIM_CORE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/arena.h"

typedef struct HeapItem {
  int64_t time_ns;
  uint64_t rank; /* see event_rank; items equal in both are returned in an unspecified order */
  uint64_t payload;
} HeapItem;

typedef struct Heap {
  Arena *arena;
  HeapItem *item;
  size_t count, capacity;
} Heap;

/* Items [child, child + HEAP_ARITY) of `item`, as far as there are, are the children of item k and not before it. */
enum { HEAP_ARITY = 4 };
static inline size_t heap_child(size_t k) { return HEAP_ARITY * k + 1; }

void heap_push(Heap *heap, HeapItem item);
HeapItem heap_pop(Heap *heap);                   /* count must be > 0 */
void heap_replace_top(Heap *heap, HeapItem item); /* count must be > 0 */
static inline bool heap_item_less(const HeapItem *a, const HeapItem *b) {
  return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->rank < b->rank;
}

#endif
