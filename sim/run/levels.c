/* Building and searching the bitmaps of levels.h. */
#include "sim/run/levels.h"

#include <string.h>

static void levels_reserve(Station *s) {
  if (!s->levels) s->levels = ARENA_NEW(s->arena, Levels);
  Levels *v = s->levels;
  if (v->entry_capacity < s->entry_capacity) {
    v->entry_capacity = s->entry_capacity;
    v->position = ARENA_ARRAY(s->arena, uint32_t, v->entry_capacity);
    v->level = ARENA_ARRAY(s->arena, uint8_t, v->entry_capacity);
    size_t words = (v->entry_capacity + 63) / 64;
    v->bits = ARENA_ARRAY(s->arena, uint64_t, LEVELS * words);
    v->summary = ARENA_ARRAY(s->arena, uint64_t, LEVELS * ((words + 63) / 64));
  }
  v->words = (s->n_eligible + 63) / 64;
  v->summary_words = v->words > 1 ? (v->words + 63) / 64 : 0;
}

void levels_rebuild(Station *s) {
  levels_reserve(s);
  Levels *v = s->levels;
  if (v->words) memset(v->bits, 0, sizeof(uint64_t) * LEVELS * v->words);
  if (v->summary_words) memset(v->summary, 0, sizeof(uint64_t) * LEVELS * v->summary_words);
  if (v->entry_capacity) memset(v->level, LEVEL_NONE, v->entry_capacity);
  v->occupied = 0;
  for (uint32_t k = 0; k < s->n_eligible; k++) {
    uint32_t e = s->eligible[k];
    uint64_t count = s->entry[e].busy + s->entry[e].queue.count;
    v->position[e] = k;
    v->level[e] = (uint8_t)(count < LEVELS - 1 ? count : LEVELS - 1);
    levels_put(v, k, v->level[e]);
  }
}

bool levels_is_empty(const Levels *v, uint32_t level) {
  for (uint32_t w = 0; w < v->summary_words; w++)
    if (v->summary[level * v->summary_words + w]) return false;
  return true;
}

uint32_t levels_least(const Station *s) {
  const Levels *v = s->levels;
  if (!v->occupied) return ENTRY_NONE;
  uint32_t level = (uint32_t)__builtin_ctzll(v->occupied), word = 0;
  if (level == LEVELS - 1) return ENTRY_NONE;
  if (v->summary_words) {
    const uint64_t *summary = v->summary + level * v->summary_words;
    uint32_t w = 0;
    while (!summary[w]) w++;
    word = w * 64 + (uint32_t)__builtin_ctzll(summary[w]);
  }
  return s->eligible[word * 64 + (uint32_t)__builtin_ctzll(v->bits[level * v->words + word])];
}
