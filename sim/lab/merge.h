/* Merging: the runs of one or many journals of one sweep, in run order, into its result. Only the journals' bitmap of runs (a bit a run)
 * and one run at a time are held. A run that several journals hold must be the same in all. */
#ifndef SIM_LAB_MERGE_H
#define SIM_LAB_MERGE_H

#include "sim/lab/journal_read.h"

/* What one share lacks. */
typedef struct MergeGap {
  Shard shard;          /* of as many as the journals are; the whole where they are not shared out alike */
  const char *journal;  /* its journal's path, NULL: there is none */
  bool running;
  uint64_t missing, first_missing;
} MergeGap;

typedef struct Merge {
  JournalReader **reader;
  size_t n_readers;
  const JournalState *first; /* of the same sweep as all */
  Sweep sweep;
  uint64_t *has;             /* bit r: some journal holds run r */
  uint64_t missing;          /* at least, where precision adds runs */
  Arena *arena;
} Merge;

/* Opens the journals and compares their sweeps: different ones are an error that shows the difference. Must be closed. */
bool merge_open(Merge *merge, const char *const *path, size_t count, Arena *arena, Err *err);
/* The k-th gap (k from 0), false when there are no more; *cursor begins at 0. */
bool merge_gap(const Merge *merge, uint32_t *cursor, MergeGap *gap);
/* Writes the result; runs that are missing are an error unless partial. */
bool merge_write(Merge *merge, const char *output, bool partial, Err *err);
void merge_close(Merge *merge);

#endif
