/* A tuning in shares: every process goes through the same rounds, whose lists depend on earlier rounds alone, makes its own part of each
 * round's runs, and takes the others' from their journals in the same folder. So the outcome is the same for any number of shares; a share
 * that died is begun again with --resume, the others wait for it. */
#ifndef SIM_LAB_TUNE_SHARE_H
#define SIM_LAB_TUNE_SHARE_H

#include "sim/lab/shard.h"
#include "sim/lab/tune_journal.h"

typedef struct TuneShare {
  Shard shard;               /* count 0: all is made here */
  const Sweep *sweep;
  const char *const *path;   /* [shard.count] of the journals */
  TuneJournal **reader;      /* [shard.count], NULL: not there yet */
  Arena *arena;
  double patience_s;         /* how long to wait for a share that does not run */
  void (*waiting)(void *context, uint32_t index, bool runs); /* once a wait, when it gets long; may be NULL */
  void *context;
} TuneShare;

/* A run that another share makes, and where its figures go. */
typedef struct ShareRun {
  uint32_t index; /* of the share: 1 to count */
  const char *key;
  uint32_t replication;
  double *figure;
  size_t n;
  bool failed;
} ShareRun;

/* All of them begin at the same journal names: "x.tune.journal" -> "x.tune.shard-2-of-4.journal". */
void share_begin(TuneShare *share, Shard shard, const char *journal, const Sweep *sweep, Arena *arena);
void share_end(TuneShare *share);
const char *share_journal_path(const TuneShare *share);
/* Which share makes run k of a round's list. */
static inline uint32_t share_of(const TuneShare *share, size_t k) { return (uint32_t)(k % share->shard.count) + 1; }
static inline bool share_has(const TuneShare *share, size_t k) { return share->shard.count == 0 || share_of(share, k) == share->shard.index; }
/* Waits until the run is there. True without it when interrupted. False with an error when its share has not run for longer than the
 * patience, or its journal is of something else. */
bool share_wait(TuneShare *share, ShareRun *run, const volatile bool *interrupted, Err *err);

#endif
