/* Rows of a trace collected in memory, and their stable sort: 24 bytes a row, in blocks, so that nothing is copied while they grow. */
#ifndef SIM_LAB_TRACE_ROWS_H
#define SIM_LAB_TRACE_ROWS_H

#include "sim/lab/trace_reader.h"

enum { TRACE_BLOCK_ROWS = 1 << 14 };

typedef struct TraceRows {
  Arena *arena;
  TraceRow **block; /* of TRACE_BLOCK_ROWS rows each */
  size_t n_blocks, blocks_room, count;
} TraceRows;

void trace_rows_push(TraceRows *rows, const TraceRow *row);
static inline TraceRow *trace_rows_at(const TraceRows *rows, size_t k) { return &rows->block[k / TRACE_BLOCK_ROWS][k % TRACE_BLOCK_ROWS]; }
/* Sorts by instant; equal instants keep their order. */
void trace_rows_sort(TraceRows *rows);

/* ---- the sort behind it: least significant digit first, so stable and without comparisons ---- */

typedef struct SortKey {
  uint64_t key;
  uint64_t index;
} SortKey;
/* Keys that sort like the numbers; NaN sorts behind everything. */
uint64_t sort_key_double(double value);
uint64_t sort_key_int64(int64_t value);
/* Sorts `key`, with room for as many in `scratch`. */
void sort_keys(SortKey *key, SortKey *scratch, size_t count);
/* Sorts numbers in place; `exhausted` is that of the caller's arena. */
void sort_doubles(double *value, size_t count, jmp_buf *exhausted);

#endif
