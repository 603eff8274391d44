/* Eligible entries by the number of jobs outstanding: one bitmap a count, so that the least-loaded entry is two bit scans away for any
 * number of replicas. Counts of LEVELS - 1 and more share the last bitmap; when all entries are there the caller scans. */
#ifndef SIM_RUN_LEVELS_H
#define SIM_RUN_LEVELS_H

#include "sim/run/station.h"

enum { LEVELS = 64, LEVEL_NONE = 0xff };

typedef struct Levels {
  uint32_t words, capacity_words; /* of one bitmap: 64 positions a word */
  uint64_t *bits;      /* [LEVELS][words] */
  uint64_t *summary;   /* [LEVELS][summary words]: which words are not zero */
  uint32_t summary_words;
  uint32_t population[LEVELS];
  uint64_t occupied;   /* bit l: population[l] > 0 */
  uint32_t *position;  /* of each entry in eligible */
  uint8_t *level;      /* of each entry; LEVEL_NONE: not eligible */
  uint32_t entry_capacity;
} Levels;

void levels_rebuild(Station *station);
/* The entry with the fewest jobs outstanding; the lowest index among equals. ENTRY_NONE: all have LEVELS - 1 or more (or there is none). */
uint32_t levels_least(const Station *station);
/* The k-th (0-based, by index) entry of the least level, and how many there are. */
uint32_t levels_least_count(const Station *station);
uint32_t levels_least_nth(const Station *station, uint32_t k);

static inline void levels_put(Levels *v, uint32_t position, uint32_t level) {
  uint32_t word = position / 64;
  uint64_t *bits = v->bits + (size_t)level * v->words;
  bits[word] |= UINT64_C(1) << (position % 64);
  v->summary[level * v->summary_words + word / 64] |= UINT64_C(1) << (word % 64);
  if (v->population[level]++ == 0) v->occupied |= UINT64_C(1) << level;
}
static inline void levels_take(Levels *v, uint32_t position, uint32_t level) {
  uint32_t word = position / 64;
  uint64_t *bits = v->bits + (size_t)level * v->words;
  bits[word] &= ~(UINT64_C(1) << (position % 64));
  if (bits[word] == 0) v->summary[level * v->summary_words + word / 64] &= ~(UINT64_C(1) << (word % 64));
  if (--v->population[level] == 0) v->occupied &= ~(UINT64_C(1) << level);
}
/* After an entry's outstanding jobs changed. */
static inline void levels_move(Station *s, uint32_t e) {
  Levels *v = s->levels;
  if (v->level[e] == LEVEL_NONE) return;
  uint64_t count = s->entry[e].busy + s->entry[e].queue.count;
  uint32_t level = count < LEVELS - 1 ? (uint32_t)count : LEVELS - 1;
  if (level == v->level[e]) return;
  levels_take(v, v->position[e], v->level[e]);
  levels_put(v, v->position[e], level);
  v->level[e] = (uint8_t)level;
}

#endif
