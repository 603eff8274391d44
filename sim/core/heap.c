/* A 4-ary heap: half the depth of a binary one, and the four children share a cache line or two. */
#include "sim/core/heap.h"

#include "sim/base/check.h"

static void heap_sink(Heap *heap, HeapItem item) {
  size_t k = 0, n = heap->count;
  for (;;) {
    size_t child = heap_child(k);
    if (child >= n) break;
    size_t last = child + HEAP_ARITY < n ? child + HEAP_ARITY : n, least = child;
    for (size_t c = child + 1; c < last; c++)
      if (heap_item_less(&heap->item[c], &heap->item[least])) least = c;
    if (!heap_item_less(&heap->item[least], &item)) break;
    heap->item[k] = heap->item[least];
    k = least;
  }
  heap->item[k] = item;
}

void heap_push(Heap *heap, HeapItem item) {
  if (heap->count == heap->capacity) {
    size_t grown = heap->capacity ? heap->capacity * 2 : 64;
    heap->item = arena_grow(heap->arena, heap->item, heap->count, grown, sizeof *heap->item);
    heap->capacity = grown;
  }
  size_t k = heap->count++;
  while (k > 0) {
    size_t parent = (k - 1) / HEAP_ARITY;
    if (!heap_item_less(&item, &heap->item[parent])) break;
    heap->item[k] = heap->item[parent];
    k = parent;
  }
  heap->item[k] = item;
}

HeapItem heap_pop(Heap *heap) {
  CHECK(heap->count > 0);
  HeapItem top = heap->item[0], last = heap->item[--heap->count];
  if (heap->count) heap_sink(heap, last);
  return top;
}

void heap_replace_top(Heap *heap, HeapItem item) {
  CHECK(heap->count > 0);
  heap_sink(heap, item);
}
