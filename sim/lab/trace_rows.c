/* Rows in memory; see trace_rows.h. */
#include "sim/lab/trace_rows.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 6, DIGIT_VALUES = 1 << DIGIT_BITS };

void trace_rows_push(TraceRows *rows, const TraceRow *row) {
  if (rows->count == rows->n_blocks * TRACE_BLOCK_ROWS) {
    if (rows->n_blocks == rows->blocks_room) {
      size_t room = rows->blocks_room ? 2 * rows->blocks_room : 16;
      rows->block = arena_grow(rows->arena, rows->block, rows->n_blocks, room, sizeof(TraceRow *));
      rows->blocks_room = room;
    }
    rows->block[rows->n_blocks++] = ARENA_ARRAY(rows->arena, TraceRow, TRACE_BLOCK_ROWS);
  }
  *trace_rows_at(rows, rows->count++) = *row;
}

uint64_t sort_key_int64(int64_t value) { return (uint64_t)value ^ (UINT64_C(1) << 63); }

uint64_t sort_key_double(double value) {
  uint64_t bits;
  if (value != value) return UINT64_MAX;
  memcpy(&bits, &value, sizeof bits);
  return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double double_of_key(uint64_t key) {
  uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* One digit; false if all keys have the same, so nothing was moved. */
static bool sort_digit(const SortKey *from, SortKey *to, size_t count, int shift) {
  size_t place[DIGIT_VALUES] = {0}, sum = 0;
  for (size_t k = 0; k < count; k++) place[from[k].key >> shift & (DIGIT_VALUES - 1)]++;
  if (place[from[0].key >> shift & (DIGIT_VALUES - 1)] == count) return false;
  for (size_t d = 0; d < DIGIT_VALUES; d++) {
    size_t n = place[d];
    place[d] = sum;
    sum += n;
  }
  for (size_t k = 0; k < count; k++) to[place[from[k].key >> shift & (DIGIT_VALUES - 1)]++] = from[k];
  return true;
}

void sort_keys(SortKey *key, SortKey *scratch, size_t count) {
  SortKey *from = key, *to = scratch;
  for (int digit = 0; digit < DIGITS && count > 0; digit++) {
    if (!sort_digit(from, to, count, digit * DIGIT_BITS)) continue;
    SortKey *swapped = from;
    from = to;
    to = swapped;
  }
  if (from != key) memcpy(key, from, count * sizeof *key);
}

void trace_rows_sort(TraceRows *rows) {
  size_t count = rows->count;
  SortKey *key = ARENA_ARRAY(rows->arena, SortKey, count), *scratch = ARENA_ARRAY(rows->arena, SortKey, count);
  TraceRow *sorted = ARENA_ARRAY(rows->arena, TraceRow, count);
  for (size_t k = 0; k < count; k++) key[k] = (SortKey){sort_key_int64(trace_rows_at(rows, k)->instant_ns), k};
  sort_keys(key, scratch, count);
  for (size_t k = 0; k < count; k++) sorted[k] = *trace_rows_at(rows, key[k].index);
  for (size_t k = 0; k < count; k++) *trace_rows_at(rows, k) = sorted[k];
}

void sort_doubles(double *value, size_t count, jmp_buf *exhausted) {
  Arena arena = {.exhausted = exhausted};
  SortKey *key = ARENA_ARRAY(&arena, SortKey, count), *scratch = ARENA_ARRAY(&arena, SortKey, count);
  for (size_t k = 0; k < count; k++) key[k] = (SortKey){sort_key_double(value[k]), 0};
  sort_keys(key, scratch, count);
  for (size_t k = 0; k < count; k++) value[k] = double_of_key(key[k].key);
  arena_free(&arena);
}
