/* Eligible entries by the number of jobs outstanding: one bitmap a count, so that the least-loaded entry is two bit scans away for any
 * number of replicas. Counts of LEVELS - 1 and more share the last bitmap; when all entries are there the caller scans. */
#ifndef SIM_RUN_LEVELS_H
#define SIM_RUN_LEVELS_H

#include "sim/run/station.h"

enum { LEVELS = 64, LEVEL_NONE = 0xff };

typedef struct Levels {
  uint32_t words;         /* of one bitmap: 64 positions a word */
  uint32_t summary_words; /* 64 words of a bitmap a word; 0 where one word holds all positions */
  uint64_t *bits;         /* [LEVELS][words] */
  uint64_t *summary;      /* [LEVELS][summary_words]: which words are not zero */
  uint64_t occupied;      /* bit l: somebody is on level l */
  uint32_t *position;     /* of each entry in eligible */
  uint8_t *level;         /* of each entry; LEVEL_NONE: not eligible */
  uint32_t entry_capacity;
} Levels;

void levels_rebuild(Station *station);
/* The entry with the fewest jobs outstanding; the lowest index among equals. ENTRY_NONE: all have LEVELS - 1 or more (or there is none). */
uint32_t levels_least(const Station *station);

/* Whether a level with more than one word is empty. */
bool levels_is_empty(const Levels *levels, uint32_t level);

static inline void levels_put(Levels *v, uint32_t position, uint32_t level) {
  v->occupied |= UINT64_C(1) << level;
  if (v->summary_words == 0) {
    v->bits[level] |= UINT64_C(1) << position;
    return;
  }
  uint32_t word = position / 64;
  v->bits[level * v->words + word] |= UINT64_C(1) << (position % 64);
  v->summary[level * v->summary_words + word / 64] |= UINT64_C(1) << (word % 64);
}

static inline void levels_take(Levels *v, uint32_t position, uint32_t level) {
  if (v->summary_words == 0) {
    uint64_t left = v->bits[level] &= ~(UINT64_C(1) << position);
    v->occupied &= ~((uint64_t)(left == 0) << level);
    return;
  }
  uint32_t word = position / 64;
  if (v->bits[level * v->words + word] &= ~(UINT64_C(1) << (position % 64))) return;
  v->summary[level * v->summary_words + word / 64] &= ~(UINT64_C(1) << (word % 64));
  if (levels_is_empty(v, level)) v->occupied &= ~(UINT64_C(1) << level);
}

/* After an entry's outstanding jobs changed. */
static inline void levels_move(Station *s, uint32_t e) {
  Levels *v = s->levels;
  uint32_t old = v->level[e];
  if (__builtin_expect(old == LEVEL_NONE, 0)) return;
  uint64_t count = s->entry[e].busy + s->entry[e].queue.count;
  uint32_t level = count < LEVELS - 1 ? (uint32_t)count : LEVELS - 1;
  if (level == old) return;
  levels_take(v, v->position[e], old);
  levels_put(v, v->position[e], level);
  v->level[e] = (uint8_t)level;
}

#endif
