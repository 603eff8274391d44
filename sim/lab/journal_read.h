/* Journals being looked at, perhaps while they are written: their state, which runs they hold, and the runs in order. Nothing is
 * changed, except that a commit which a kill has cut off is rolled back where SQLite needs that to read at all. A reader holds no lock for
 * longer than a few runs take, so that the writer never waits long. */
#ifndef SIM_LAB_JOURNAL_READ_H
#define SIM_LAB_JOURNAL_READ_H

#include "sim/lab/journal_identity.h"
#include "sim/lab/store.h"

typedef struct JournalState {
  const char *path;
  bool begun;   /* false: made, but nothing was committed yet; what follows is then zero */
  bool tuning;  /* that of a tuning: nothing else is known of it here */
  bool running; /* a writer holds it now */
  SweepIdentity identity;
  Sweep sweep; /* for store_write only (journal_plan.h) */
  Shard shard;
  const char *command;          /* how any share of the sweep is begun */
  uint64_t planned, done, failed; /* runs of the share (so far, unless final); committed; of those, with status 1 */
  bool final;                     /* no more runs will be planned */
  int64_t last_commit_ms;       /* since 1970; 0: none yet */
  double runs_per_s;            /* of the latest session up to its last commit; 0: not known */
} JournalState;

typedef struct JournalReader JournalReader;

/* The reader must be closed; its memory is on the arena. */
JournalReader *journal_reader_open(const char *path, Arena *arena, Err *err);
const JournalState *journal_reader_state(const JournalReader *reader);
/* Sets bit r of `has` (room for sweep.n_runs) for every run there, and says in *twice how many were set before. */
bool journal_reader_mark(JournalReader *reader, uint64_t *has, uint64_t *twice, Err *err);
/* The next run, in order; as journal_next. */
bool journal_reader_next(JournalReader *reader, EncodedRun *next, Err *err);
void journal_reader_rewind(JournalReader *reader);
void journal_reader_close(JournalReader *reader);

#endif
