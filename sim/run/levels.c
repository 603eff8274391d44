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
    v->capacity_words = (v->entry_capacity + 63) / 64;
    v->bits = ARENA_ARRAY(s->arena, uint64_t, (size_t)LEVELS * v->capacity_words);
    v->summary = ARENA_ARRAY(s->arena, uint64_t, (size_t)LEVELS * ((v->capacity_words + 63) / 64));
  }
  v->words = (s->n_eligible + 63) / 64;
  v->summary_words = (v->words + 63) / 64;
}

void levels_rebuild(Station *s) {
  levels_reserve(s);
  Levels *v = s->levels;
  memset(v->bits, 0, sizeof(uint64_t) * LEVELS * v->words);
  memset(v->summary, 0, sizeof(uint64_t) * LEVELS * v->summary_words);
  memset(v->population, 0, sizeof v->population);
  memset(v->level, LEVEL_NONE, v->entry_capacity);
  v->occupied = 0;
  for (uint32_t k = 0; k < s->n_eligible; k++) {
    uint32_t e = s->eligible[k];
    uint64_t count = s->entry[e].busy + s->entry[e].queue.count;
    v->position[e] = k;
    v->level[e] = (uint8_t)(count < LEVELS - 1 ? count : LEVELS - 1);
    levels_put(v, k, v->level[e]);
  }
}

static uint32_t least_level(const Levels *v) {
  if (!v->occupied) return LEVELS - 1;
  return (uint32_t)__builtin_ctzll(v->occupied);
}

uint32_t levels_least(const Station *s) {
  const Levels *v = s->levels;
  uint32_t level = least_level(v);
  if (level == LEVELS - 1) return ENTRY_NONE;
  const uint64_t *summary = v->summary + level * v->summary_words;
  for (uint32_t w = 0; w < v->summary_words; w++) {
    if (!summary[w]) continue;
    uint32_t word = w * 64 + (uint32_t)__builtin_ctzll(summary[w]);
    return s->eligible[word * 64 + (uint32_t)__builtin_ctzll(v->bits[(size_t)level * v->words + word])];
  }
  return ENTRY_NONE;
}

uint32_t levels_least_count(const Station *s) {
  uint32_t level = least_level(s->levels);
  return level == LEVELS - 1 ? 0 : s->levels->population[level];
}

uint32_t levels_least_nth(const Station *s, uint32_t k) {
  const Levels *v = s->levels;
  const uint64_t *bits = v->bits + (size_t)least_level(v) * v->words;
  for (uint32_t w = 0; w < v->words; w++) {
    uint32_t n = (uint32_t)__builtin_popcountll(bits[w]);
    if (k >= n) {
      k -= n;
      continue;
    }
    uint64_t word = bits[w];
    while (k--) word &= word - 1;
    return s->eligible[w * 64 + (uint32_t)__builtin_ctzll(word)];
  }
  return ENTRY_NONE;
}
