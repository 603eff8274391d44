/* What a journal file is, shared by its writer and its readers. Tables: `meta` names texts (identity, shard, command, plan); `run` holds
 * the encoded runs, and an index over `failed` that is small enough to be read whole; `progress` is one row, changed with every commit,
 * so that a reader of a sweep's state need not count. */
#ifndef SIM_LAB_JOURNAL_FORMAT_H
#define SIM_LAB_JOURNAL_FORMAT_H

#include <limits.h>
#include <stdint.h>

#include <sqlite3.h>

#include "sim/base/arena.h"
#include "sim/base/err.h"

enum { JOURNAL_APPLICATION_ID = 0x68726a31 /* "hrj1" */, TUNING_APPLICATION_ID = 0x68727431 /* "hrt1": tune_journal.c */, JOURNAL_SCHEMA = 2, JOURNAL_HEADER_BYTES = 100 };
enum { JOURNAL_LOCK_BYTE = 0x40000000 + 4096 }; /* the writer's; SQLite locks 0x40000000 .. + 511 */
enum { JOURNAL_PATIENCE_MS = 60000 };           /* how long one waits for another's access */

#define JOURNAL_TABLES                                                                                                        \
  "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"                                                   \
  "CREATE TABLE run(run INTEGER PRIMARY KEY, failed INTEGER NOT NULL, data BLOB NOT NULL);"                                   \
  "CREATE INDEX run_failed ON run(failed);"                                                                                   \
  "CREATE TABLE progress(done INTEGER, failed INTEGER, session_done INTEGER, session_ms INTEGER, commit_ms INTEGER,"          \
  "planned INTEGER, final INTEGER);"                                                                                          \
  "INSERT INTO progress VALUES(0, 0, 0, 0, 0, 0, 0);"
/* All runs of a journal, without their data. */
#define JOURNAL_LIST "SELECT run FROM run INDEXED BY run_failed"

typedef enum JournalFile { JOURNAL_FILE_EMPTY, JOURNAL_FILE_OURS, JOURNAL_FILE_TUNING, JOURNAL_FILE_FOREIGN } JournalFile;
JournalFile journal_file_kind(int descriptor);

/* Errors about a journal, in the system's words where it is the system that failed. All give false. */
bool journal_path_fail(const char *doing, const char *path, int error, Err *err);
bool journal_database_fail(sqlite3 *database, const char *path, const char *doing, Err *err);
/* A named text (or blob) of `meta`, with its length; "" when there is none. */
bool journal_meta(sqlite3 *database, const char *path, const char *name, const char **value, size_t *length, Arena *arena, Err *err);
/* The number that a query gives in its only row; 0 when it gives none. */
int64_t journal_number(sqlite3 *database, const char *sql);
/* "results.h5" and "results.h5.journal" both mean the latter. */
bool journal_full_path(char path[PATH_MAX], const char *given, Err *err);

#endif
