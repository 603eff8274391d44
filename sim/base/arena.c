/* Arenas over calloc: blocks double in size up to a limit, a request that needs more gets a block of its own. Fresh blocks are
 * zero and bytes are handed out once, so memory is always zeroed. Under AddressSanitizer every request is a block of its own, so that
 * reading past an object is seen. */
#include "sim/base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_SEPARATE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_SEPARATE 1
#endif
#endif
#ifndef ARENA_SEPARATE
#define ARENA_SEPARATE 0
#endif

struct ArenaBlock {
  ArenaBlock *next;
  size_t used, capacity; /* of the bytes after this header */
  alignas(16) unsigned char bytes[];
};

enum { ALIGNMENT = 16, BLOCK_BYTES_FIRST = 4096, BLOCK_BYTES_MOST = 1 << 20 };

static _Noreturn void arena_exhausted(const Arena *arena) {
  if (arena->exhausted) longjmp(*arena->exhausted, 1);
  abort();
}

/* A block with room for `bytes`; it becomes the newest unless it was made for one large request while the newest has room left. */
static ArenaBlock *arena_new_block(Arena *arena, size_t bytes) {
  ArenaBlock *newest = arena->block;
  size_t capacity = bytes;
  bool own = ARENA_SEPARATE || bytes > BLOCK_BYTES_MOST / 4;
  if (!own) {
    capacity = newest ? 2 * (newest->capacity + sizeof *newest) : BLOCK_BYTES_FIRST;
    if (capacity > BLOCK_BYTES_MOST) capacity = BLOCK_BYTES_MOST;
    while (capacity < bytes + sizeof *newest) capacity *= 2;
    capacity -= sizeof *newest;
  }
  ArenaBlock *block = calloc(1, sizeof *block + capacity);
  if (!block) arena_exhausted(arena);
  block->capacity = capacity;
  if (own && newest && newest->used < newest->capacity) {
    block->next = newest->next;
    newest->next = block;
  } else {
    block->next = newest;
    arena->block = block;
  }
  return block;
}

void *arena_alloc(Arena *arena, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > (size_t)PTRDIFF_MAX - 4096) arena_exhausted(arena);
  if (bytes == 0) bytes = 1;
  if (!ARENA_SEPARATE) bytes = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
  ArenaBlock *block = arena->block;
  if (!block || block->capacity - block->used < bytes) block = arena_new_block(arena, bytes);
  void *object = block->bytes + block->used;
  block->used += bytes;
  arena->used_bytes += bytes;
  return object;
}

void *arena_grow(Arena *arena, const void *old_array, size_t old_count, size_t count, size_t size) {
  CHECK(count >= old_count);
  void *grown = arena_alloc(arena, count, size);
  if (old_count > 0) memcpy(grown, old_array, old_count * size);
  return grown;
}

char *arena_text(Arena *arena, const char *text, size_t length) {
  if (length == SIZE_MAX) arena_exhausted(arena);
  char *copy = arena_alloc(arena, length + 1, 1);
  if (length > 0) memcpy(copy, text, length);
  return copy;
}

char *arena_format(Arena *arena, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, arguments);
  va_end(arguments);
  CHECK(length >= 0);
  char *text = arena_alloc(arena, (size_t)length + 1, 1);
  vsnprintf(text, (size_t)length + 1, format, again);
  va_end(again);
  return text;
}

void arena_free(Arena *arena) {
  for (ArenaBlock *block = arena->block, *next; block; block = next) {
    next = block->next;
    free(block);
  }
  arena->block = NULL;
  arena->used_bytes = 0;
}
