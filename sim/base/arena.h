/* Arenas are the only malloc: memory is taken in growing blocks and given back all at once. Memory comes zeroed, aligned to 16.
 * An arena has one owner and is not shared between threads. When memory runs out the arena jumps to its `exhausted` target if it
 * has one, and aborts otherwise. */
#ifndef SIM_BASE_ARENA_H
#define SIM_BASE_ARENA_H

#include <setjmp.h>
#include <stddef.h>

typedef struct ArenaBlock ArenaBlock;
typedef struct Arena {
  ArenaBlock *block;  /* newest first */
  jmp_buf *exhausted; /* where to go when memory runs out; NULL: abort */
  size_t used_bytes;  /* handed out since the last reset */
} Arena;

/* `count` objects of `size` bytes each, zeroed; count 0 gives a valid, unusable pointer. Overflow counts as out of memory. */
void *arena_alloc(Arena *arena, size_t count, size_t size);
/* A grown copy of an array of `old` objects with room for `count`; the old one stays valid until the arena is reset. */
void *arena_grow(Arena *arena, const void *old_array, size_t old_count, size_t count, size_t size);
/* A copy of `length` bytes plus a final NUL. */
char *arena_text(Arena *arena, const char *text, size_t length);
/* printf into the arena. */
char *arena_format(Arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Gives all memory back; the arena is empty and usable again. */
void arena_free(Arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc((arena), (count), sizeof(type)))

#endif
