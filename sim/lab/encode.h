/* A finished run as bytes, and back. The layout describes itself: a header (magic, version, shape, CRC-32 of all that follows), then
 * sections (kind, column, block, length, bytes). Arrays of traces and latency counts are complete HDF5 chunks; what is small per run
 * (summary, message) is raw, and decisions are deflated columns in blocks of DECISION_BLOCK rows. Decoding checks every bound and
 * never trusts a length. All numbers little-endian. */
#ifndef SIM_LAB_ENCODE_H
#define SIM_LAB_ENCODE_H

#include "sim/lab/decision_column.h"
#include "sim/lab/store.h"

/* Deployments (or pools) of one chunk of a trace column and of the latency counts. */
enum { TRACE_BLOCK = 64, LATENCY_BLOCK = 4 };
static inline size_t block_extent(size_t total, size_t limit) { return total < limit ? total : limit; }
static inline size_t block_count(size_t total, size_t limit) { return (total + limit - 1) / limit; }

typedef enum SectionKind { SECTION_SUMMARY = 1, SECTION_CLUSTER, SECTION_MESSAGE, SECTION_LATENCY, SECTION_TRACE, SECTION_POOL, SECTION_DECISIONS,
                          SECTION_BATCHES /* [n_deployments][SUMMARY_COUNT][batches], then [CLUSTER_COUNT][batches], raw */,
                          SECTION_TRAINING /* [n_queues][TRAINING_COUNT], raw */, SECTION_TRAINING_TRACE } SectionKind;

typedef struct RunSection {
  SectionKind kind;
  size_t column, block, length;
  const unsigned char *bytes; /* inside the encoded run, any alignment */
} RunSection;

/* An encoded run being read; refers to its bytes. */
typedef struct RunReader {
  uint64_t run;
  int status;
  bool with_trace;
  size_t n_deployments, n_pools, n_decisions, sections_left;
  const unsigned char *next, *end;
} RunReader;

/* False when the bytes are no encoded run of this version, or damaged. */
bool run_reader_open(RunReader *reader, EncodedRun encoded);
/* The next section; false at the end, or where a length does not fit (then sections_left is not 0). */
bool run_reader_next(RunReader *reader, RunSection *section);
/* The rows of a section of decisions: at most DECISION_BLOCK, texts and all on the arena. */
bool run_section_decisions(const RunSection *section, Arena *arena, DecisionRow **row, size_t *count);

/* Copies doubles; every NaN becomes the same one, whatever compiler made it. */
void doubles_copy(double *into, const double *from, size_t count);

#endif
