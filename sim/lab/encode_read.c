/* Reading encoded runs; see encode.h. Nothing is believed before it is checked: a damaged or foreign blob ends in `false`. */
#include <string.h>

#include <libdeflate.h>

#include "sim/lab/chunk.h"
#include "sim/lab/encode.h"
#include "sim/lab/run_bytes.h"

bool run_reader_open(RunReader *reader, EncodedRun encoded) {
  RunHeader header;
  if (encoded.length < sizeof header) return false;
  memcpy(&header, encoded.bytes, sizeof header);
  if (memcmp(header.magic, RUN_BYTES_MAGIC, sizeof header.magic) != 0 || header.version != RUN_BYTES_VERSION) return false;
  const unsigned char *bytes = (const unsigned char *)encoded.bytes;
  size_t after = offsetof(RunHeader, crc32) + sizeof header.crc32;
  if (header.crc32 != libdeflate_crc32(0, bytes + after, encoded.length - after) || header.run != encoded.run) return false;
  *reader = (RunReader){.run = header.run, .status = header.status != 0, .with_trace = header.with_trace != 0,
                        .n_deployments = header.n_deployments, .n_pools = header.n_pools, .n_decisions = (size_t)header.n_decisions,
                        .sections_left = header.sections, .next = bytes + sizeof header, .end = bytes + encoded.length};
  return true;
}

bool run_reader_next(RunReader *reader, RunSection *section) {
  SectionHeader header;
  if (reader->sections_left == 0 || (size_t)(reader->end - reader->next) < sizeof header) return false;
  memcpy(&header, reader->next, sizeof header);
  const unsigned char *bytes = reader->next + sizeof header;
  if (header.kind < SECTION_SUMMARY || header.kind > SECTION_TRAINING_TRACE || (size_t)(reader->end - bytes) < header.length) return false;
  *section = (RunSection){(SectionKind)header.kind, header.column, header.block, header.length, bytes};
  reader->next = bytes + header.length;
  reader->sections_left--;
  return true;
}

/* The texts that begin the plain bytes: exactly `count` of them, each ended by a NUL, filling text_bytes. */
static const char **texts_find(const char *bytes, size_t text_bytes, size_t count, Arena *arena) {
  const char **text = ARENA_ARRAY(arena, const char *, count);
  size_t at = 0;
  for (size_t k = 0; k < count; k++) {
    if (at >= text_bytes) return NULL;
    const char *end = (const char *)memchr(bytes + at, 0, text_bytes - at);
    if (!end) return NULL;
    text[k] = bytes + at;
    at = (size_t)(end - bytes) + 1;
  }
  return at == text_bytes ? text : NULL;
}

bool run_section_decisions(const RunSection *section, Arena *arena, DecisionRow **row, size_t *count) {
  DecisionHeader header;
  if (section->length < sizeof header) return false;
  memcpy(&header, section->bytes, sizeof header);
  size_t zlib_bytes = section->length - sizeof header;
  /* Deflate gives at most 1,032 bytes for one: a larger claim is a lie, and is not allocated for. */
  if (header.rows > DECISION_BLOCK || header.texts > DECISION_BLOCK * DECISION_TEXTS || header.text_bytes / 1100 > zlib_bytes) return false;
  size_t plain_bytes = header.text_bytes + (size_t)header.rows * DECISION_ROW_BYTES;
  unsigned char *plain = (unsigned char *)arena_alloc(arena, plain_bytes, 1);
  if (!deflate_undo(section->bytes + sizeof header, zlib_bytes, plain, plain_bytes)) return false;
  const char **text = texts_find((const char *)plain, header.text_bytes, header.texts, arena);
  if (!text) return false;
  DecisionRow *rows = ARENA_ARRAY(arena, DecisionRow, header.rows);
  const unsigned char *cell = plain + header.text_bytes;
  for (size_t c = 0; c < DECISION_COLUMN_COUNT; c++) {
    const DecisionColumn *column = &decision_column[c];
    for (size_t r = 0; r < header.rows; r++, cell += column->size) {
      unsigned char *member = (unsigned char *)&rows[r] + column->offset;
      if (column->kind == DECISION_TEXT) {
        uint32_t code;
        memcpy(&code, cell, sizeof code);
        if (code >= header.texts) return false;
        memcpy(member, &text[code], sizeof text[code]);
      } else {
        memcpy(member, cell, column->size);
      }
    }
  }
  *row = rows;
  *count = header.rows;
  return true;
}
