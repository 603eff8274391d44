/* The fixed parts of an encoded run's layout (encode.h), shared by its writer and its reader only. No struct here has padding. */
#ifndef SIM_LAB_RUN_BYTES_H
#define SIM_LAB_RUN_BYTES_H

#include <stdint.h>

#include "sim/lab/decision_column.h"

#define RUN_BYTES_MAGIC "hrun"
enum { RUN_BYTES_VERSION = 1 };

typedef struct RunHeader {
  char magic[4];
  uint32_t version;
  uint32_t crc32; /* of everything after this member */
  uint32_t status;
  uint64_t run;
  uint64_t n_decisions;
  uint32_t with_trace;
  uint32_t n_deployments, n_pools;
  uint32_t sections;
} RunHeader;
_Static_assert(sizeof(RunHeader) == 48, "no padding");

typedef struct SectionHeader {
  uint16_t kind, column;
  uint32_t block, length;
} SectionHeader;
enum { SECTION_HEADER_BYTES = 12 };
_Static_assert(sizeof(SectionHeader) == SECTION_HEADER_BYTES, "no padding");

/* Begins a section of decisions; then zlib data: the texts with their NULs, then each column's cells. */
typedef struct DecisionHeader {
  uint32_t rows, texts, text_bytes;
} DecisionHeader;

#define DECISION_BYTES_ADD(kind, member, name, unit, help) +DECISION_BYTES_##kind
#define DECISION_BYTES_INSTANT 8
#define DECISION_BYTES_TARGET 4
#define DECISION_BYTES_TEXT 4
#define DECISION_BYTES_CODE 4
#define DECISION_BYTES_INT 4
#define DECISION_BYTES_COUNT 4
#define DECISION_BYTES_WHOLE 8
#define DECISION_BYTES_NUMBER 8
enum { DECISION_ROW_BYTES = 0 DECISION_COLUMNS(DECISION_BYTES_ADD), DECISION_TEXTS = 4 };

#endif
