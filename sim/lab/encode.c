/* Encoding runs: pure, thread-safe, and the same bytes for the same result. Scratch memory is freed before returning, also when the
 * caller's arena is exhausted: the jump is caught here and passed on. See encode.h. */
#include "sim/lab/encode.h"

#include <setjmp.h>
#include <string.h>

#include <libdeflate.h>

#include "sim/base/check.h"
#include "sim/lab/chunk.h"
#include "sim/lab/run_bytes.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are stored little-endian");

#define DECISION_COLUMN_ROW(kind, member, name, unit, help) {DECISION_##kind, offsetof(DecisionRow, member), DECISION_BYTES_##kind, name, unit, help},
const DecisionColumn decision_column[DECISION_COLUMN_COUNT] = {DECISION_COLUMNS(DECISION_COLUMN_ROW)};

typedef struct Encoder {
  Arena *arena;
  jmp_buf exhausted; /* where either arena goes when memory runs out */
  ChunkMaker maker;
  unsigned char *bytes;
  size_t length, capacity;
  uint32_t sections;
  void *block; /* one padded block of values */
  size_t block_bytes;
} Encoder;

void doubles_copy(double *into, const double *from, size_t count) {
  for (size_t i = 0; i < count; i++) into[i] = from[i] == from[i] ? from[i] : __builtin_nan("");
}

static void encoder_reserve(Encoder *e, size_t more) {
  if (e->capacity - e->length >= more) return;
  size_t capacity = e->capacity + (e->capacity > more ? e->capacity : more);
  e->bytes = (unsigned char *)arena_grow(e->arena, e->bytes, e->length, capacity, 1);
  e->capacity = capacity;
}

/* Opens a section and makes room for `bound` bytes of it; section_end says how many came. */
static unsigned char *section_begin(Encoder *e, size_t bound) {
  encoder_reserve(e, SECTION_HEADER_BYTES + bound);
  return e->bytes + e->length + SECTION_HEADER_BYTES;
}

static void section_end(Encoder *e, SectionKind kind, size_t column, size_t block, size_t length) {
  CHECK(length <= UINT32_MAX && column <= UINT16_MAX && block <= UINT32_MAX);
  SectionHeader header = {(uint16_t)kind, (uint16_t)column, (uint32_t)block, (uint32_t)length};
  memcpy(e->bytes + e->length, &header, SECTION_HEADER_BYTES);
  e->length += SECTION_HEADER_BYTES + length;
  e->sections++;
}

static void *encoder_block(Encoder *e, size_t bytes) {
  if (e->block_bytes < bytes) {
    e->block = arena_alloc(e->arena, bytes, 1);
    e->block_bytes = bytes;
  }
  return e->block;
}

static void encode_doubles(Encoder *e, SectionKind kind, const double *value, size_t count) {
  double *copy = (double *)encoder_block(e, count * sizeof *copy);
  doubles_copy(copy, value, count);
  memcpy(section_begin(e, count * sizeof *copy), copy, count * sizeof *copy);
  section_end(e, kind, 0, 0, count * sizeof *copy);
}

static void encode_batches(Encoder *e, const RunResult *result) {
  size_t own = result->n_deployments * SUMMARY_COUNT * result->n_batches, all = own + CLUSTER_COUNT * result->n_batches;
  double *copy = (double *)encoder_block(e, all * sizeof *copy);
  doubles_copy(copy, result->batch, own);
  doubles_copy(copy + own, result->batch_cluster, all - own);
  memcpy(section_begin(e, all * sizeof *copy), copy, all * sizeof *copy);
  section_end(e, SECTION_BATCHES, 0, 0, all * sizeof *copy);
}

/* values[columns][entities][TRACE_ROWS] as chunks of (1, block, TRACE_ROWS); the last block is padded with NaN. */
static void encode_rows(Encoder *e, SectionKind kind, const double *value, size_t columns, size_t entities) {
  size_t extent = block_extent(entities, TRACE_BLOCK), cells = extent * TRACE_ROWS;
  for (size_t c = 0; c < columns; c++) {
    for (size_t b = 0; b < block_count(entities, TRACE_BLOCK); b++) {
      size_t there = block_extent(entities - b * extent, extent) * TRACE_ROWS;
      double *copy = (double *)encoder_block(e, cells * sizeof *copy);
      doubles_copy(copy, value + (c * entities + b * extent) * TRACE_ROWS, there);
      for (size_t i = there; i < cells; i++) copy[i] = __builtin_nan("");
      unsigned char *out = section_begin(e, chunk_bound(&e->maker, cells * sizeof *copy));
      section_end(e, kind, c, b, chunk_make(&e->maker, copy, cells, sizeof *copy, out));
    }
  }
}

static void encode_latency(Encoder *e, const uint64_t *count, size_t deployments) {
  size_t extent = block_extent(deployments, LATENCY_BLOCK), cells = extent * HISTOGRAM_BINS;
  for (size_t b = 0; b < block_count(deployments, LATENCY_BLOCK); b++) {
    const uint64_t *from = count + b * cells;
    size_t there = block_extent(deployments - b * extent, extent) * HISTOGRAM_BINS;
    if (there < cells) {
      uint64_t *copy = (uint64_t *)encoder_block(e, cells * sizeof *copy);
      memset(copy, 0, cells * sizeof *copy);
      memcpy(copy, from, there * sizeof *copy);
      from = copy;
    }
    unsigned char *out = section_begin(e, chunk_bound(&e->maker, cells * sizeof *from));
    section_end(e, SECTION_LATENCY, 0, b, chunk_make(&e->maker, from, cells, sizeof *from, out));
  }
}

/* The distinct texts of a block of decisions, in order of appearance. Few, so a list will do; equal pointers are found first. */
typedef struct TextList {
  const char *text[DECISION_BLOCK * 4];
  uint32_t count;
  size_t bytes; /* with their NULs */
} TextList;

static uint32_t text_code(TextList *list, const char *text) {
  if (!text) text = "";
  for (uint32_t k = list->count; k-- > 0;) {
    if (list->text[k] == text || strcmp(list->text[k], text) == 0) return k;
  }
  list->text[list->count] = text;
  list->bytes += strlen(text) + 1;
  return list->count++;
}

static void encode_decision_block(Encoder *e, const DecisionRow *row, size_t rows, size_t block) {
  TextList *list = ARENA_NEW(e->arena, TextList);
  unsigned char *cells = (unsigned char *)arena_alloc(e->arena, rows, DECISION_ROW_BYTES), *cell = cells;
  for (size_t c = 0; c < DECISION_COLUMN_COUNT; c++) {
    const DecisionColumn *column = &decision_column[c];
    for (size_t r = 0; r < rows; r++, cell += column->size) {
      const unsigned char *member = (const unsigned char *)&row[r] + column->offset;
      if (column->kind == DECISION_TEXT) {
        const char *text;
        memcpy(&text, member, sizeof text);
        uint32_t code = text_code(list, text);
        memcpy(cell, &code, sizeof code);
      } else if (column->kind == DECISION_NUMBER) {
        double value;
        memcpy(&value, member, sizeof value);
        doubles_copy(&value, &value, 1);
        memcpy(cell, &value, sizeof value);
      } else {
        memcpy(cell, member, column->size);
      }
    }
  }
  size_t plain_bytes = (size_t)(cell - cells) + list->bytes;
  unsigned char *plain = (unsigned char *)arena_alloc(e->arena, plain_bytes, 1), *at = plain;
  for (uint32_t k = 0; k < list->count; k++) at = (unsigned char *)mempcpy(at, list->text[k], strlen(list->text[k]) + 1);
  memcpy(at, cells, (size_t)(cell - cells));
  DecisionHeader header = {(uint32_t)rows, list->count, (uint32_t)list->bytes};
  unsigned char *out = section_begin(e, sizeof header + chunk_bound(&e->maker, plain_bytes));
  memcpy(out, &header, sizeof header);
  section_end(e, SECTION_DECISIONS, 0, block, sizeof header + deflate_make(&e->maker, plain, plain_bytes, out + sizeof header));
}

static void encode_decisions(Encoder *e, const DecisionRow *row, size_t rows) {
  for (size_t first = 0; first < rows; first += DECISION_BLOCK) {
    encode_decision_block(e, row + first, rows - first < DECISION_BLOCK ? rows - first : DECISION_BLOCK, first / DECISION_BLOCK);
  }
}

static void encode_sections(Encoder *e, const RunResult *result, bool with_trace) {
  size_t deployments = result->n_deployments, pools = result->n_pools;
  if (result->status != 0) {
    size_t length = strnlen(result->message, RUN_MESSAGE_BYTES - 1);
    memcpy(section_begin(e, length), result->message, length);
    section_end(e, SECTION_MESSAGE, 0, 0, length);
    return;
  }
  encode_doubles(e, SECTION_SUMMARY, result->summary, deployments * SUMMARY_COUNT);
  encode_doubles(e, SECTION_CLUSTER, result->cluster, CLUSTER_COUNT);
  encode_latency(e, result->latency_counts, deployments);
  if (result->n_batches) encode_batches(e, result);
  if (result->n_queues > 0) encode_doubles(e, SECTION_TRAINING, result->training, result->n_queues * TRAINING_COUNT);
  if (!with_trace) return;
  encode_rows(e, SECTION_TRACE, result->trace, TRACE_COUNT, deployments);
  if (pools > 0) encode_rows(e, SECTION_POOL, result->pool_trace, POOL_COUNT, pools);
  if (result->n_queues > 0) encode_rows(e, SECTION_TRAINING_TRACE, result->training_trace, TRAINING_TRACE_COUNT, result->n_queues);
  encode_decisions(e, result->decision, result->n_decisions);
}

static void encode_header(Encoder *e, const RunResult *result, uint64_t run, bool with_trace) {
  RunHeader header = {.version = RUN_BYTES_VERSION, .run = run, .status = (uint32_t)result->status, .with_trace = with_trace,
                      .n_deployments = (uint32_t)result->n_deployments, .n_pools = (uint32_t)result->n_pools,
                      .n_decisions = with_trace && result->status == 0 ? (uint64_t)result->n_decisions : 0, .sections = e->sections};
  memcpy(header.magic, RUN_BYTES_MAGIC, sizeof header.magic);
  memcpy(e->bytes, &header, sizeof header);
  size_t after = offsetof(RunHeader, crc32) + sizeof header.crc32;
  header.crc32 = libdeflate_crc32(0, e->bytes + after, e->length - after);
  memcpy(e->bytes, &header, sizeof header);
}

/* Everything that may run out of memory. The function that calls setjmp only holds what does not change; the state is the caller's. */
static bool encode_guarded(Encoder *e, const RunResult *result, EncodedRun *encoded, bool with_trace, Arena *arena) {
  if (setjmp(e->exhausted)) return false;
  e->arena->exhausted = &e->exhausted;
  arena->exhausted = &e->exhausted;
  if (!chunk_maker_begin(&e->maker, e->arena)) return false;
  encoder_reserve(e, 32768);
  e->length = sizeof(RunHeader);
  encode_sections(e, result, with_trace);
  encode_header(e, result, encoded->run, with_trace);
  encoded->bytes = arena_alloc(arena, e->length, 1);
  encoded->length = e->length;
  encoded->failed = result->status != 0;
  memcpy(encoded->bytes, e->bytes, e->length);
  return true;
}

EncodedRun run_encode(const RunResult *result, uint64_t run, bool with_trace, Arena *arena) {
  Arena scratch = {0};
  Encoder encoder = {.arena = &scratch};
  EncodedRun encoded = {.run = run};
  jmp_buf *outer = arena->exhausted;
  bool ok = encode_guarded(&encoder, result, &encoded, with_trace, arena);
  arena->exhausted = outer;
  chunk_maker_end(&encoder.maker);
  scratch.exhausted = NULL;
  arena_free(&scratch);
  if (!ok) (void)arena_alloc(arena, SIZE_MAX, SIZE_MAX); /* counts as out of memory: jumps on, or aborts */
  return encoded;
}
