/* The runs of a tuning, kept in an SQLite file while it goes on: what a run is (window, strategy, edits, replication) and its figures. A
 * later tuning of the same scenario finds them there, whatever it minimises. One writer; calls are the caller's to put in a row. */
#ifndef SIM_LAB_TUNE_JOURNAL_H
#define SIM_LAB_TUNE_JOURNAL_H

#include "sim/lab/sweep.h"

typedef struct TuneJournal TuneJournal;

/* resume: an existing one must belong to the same scenario, inputs and version. Without it an existing one is an error, unless force
 * (which never overwrites a file that is no journal of a tuning). NULL with an error. */
TuneJournal *tune_journal_open(const char *path, const Sweep *sweep, bool resume, bool force, Arena *arena, Err *err);
/* The journal of another share of the same tuning, to be read while it is written: *journal is NULL while there is none yet. False with an
 * error where it belongs to another scenario. */
bool tune_journal_read(const char *path, const Sweep *sweep, TuneJournal **journal, Arena *arena, Err *err);
/* Does a headroom write it now? */
bool tune_journal_is_written(const char *path);
/* The figures of a run, if they are there. figure[n]; *failed: the run failed. */
bool tune_journal_get(TuneJournal *journal, const char *key, uint32_t replication, double *figure, size_t n, bool *failed);
bool tune_journal_put(TuneJournal *journal, const char *key, uint32_t replication, const double *figure, size_t n, bool failed, Err *err);
bool tune_journal_commit(TuneJournal *journal, Err *err);
/* Rolls back what was not committed. */
void tune_journal_close(TuneJournal *journal);
bool tune_journal_delete(const char *path, Err *err);

#endif
