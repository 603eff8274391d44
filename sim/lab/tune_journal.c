/* The journal of a tuning; see tune_journal.h. A rollback journal with synchronous=FULL, and SQLite's exclusive lock held throughout: a
 * commit that returned survives a kill, and a second writer is told to wait. */
#include "sim/lab/tune_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/text.h"
#include "sim/base/version.h"

enum { APPLICATION_ID = 0x68727431 /* "hrt1" */, HEADER_BYTES = 100, META_COUNT = 3 };

struct TuneJournal {
  const char *path;
  sqlite3 *database;
  sqlite3_stmt *insert, *select;
  bool in_transaction;
};

static bool journal_fail(const TuneJournal *journal, const char *doing, Err *err) {
  int code = sqlite3_errcode(journal->database);
  if (code == SQLITE_BUSY) return err_add(err, ERR_IO, "'%s' is being written by another headroom; wait for it, or choose another --journal", journal->path);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return err_add(err, ERR_IO, "the journal '%s' is damaged; --force starts anew", journal->path);
  int error = sqlite3_system_errno(journal->database);
  bool system = (code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && error != 0;
  return err_add(err, ERR_IO, "cannot %s the journal '%s': %s", doing, journal->path, code == SQLITE_FULL ? strerror(ENOSPC) : system ? strerror(error) : sqlite3_errmsg(journal->database));
}

static bool journal_do(TuneJournal *journal, const char *sql, const char *doing, Err *err) {
  return sqlite3_exec(journal->database, sql, NULL, NULL, NULL) == SQLITE_OK || journal_fail(journal, doing, err);
}

/* 0: not there or empty, 1: a journal of a tuning, -1: something else. */
static int file_kind(const char *path) {
  unsigned char header[HEADER_BYTES];
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t there = read(file, header, sizeof header);
  close(file);
  if (there == 0) return 0;
  if (there < HEADER_BYTES || memcmp(header, "SQLite format 3", 16) != 0) return -1;
  uint32_t id = (uint32_t)header[68] << 24 | (uint32_t)header[69] << 16 | (uint32_t)header[70] << 8 | header[71];
  return id == APPLICATION_ID ? 1 : -1;
}

/* ---- what identifies it ---- */

static const char *const meta_name[META_COUNT] = {"headroom", "scenario_sha256", "inputs"};
static const char *const meta_words[META_COUNT] = {"the version of headroom", "the scenario", "an input file"};

static void meta_of(const Sweep *sweep, const char *value[META_COUNT], Arena *arena) {
  Text inputs = {.arena = arena};
  text_addf(&inputs, "%s", "");
  for (size_t k = 0; k < sweep->n_inputs; k++) text_addf(&inputs, "%s  %s\n", sweep->input[k].sha256, sweep->input[k].path);
  value[0] = HEADROOM_VERSION;
  value[1] = sweep->sha256;
  value[2] = inputs.bytes;
}

static bool journal_initialise(TuneJournal *journal, const char *const value[META_COUNT], Err *err) {
  char sql[300];
  snprintf(sql, sizeof sql, "BEGIN; PRAGMA application_id=%d; CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
           "CREATE TABLE run(key TEXT NOT NULL, replication INTEGER NOT NULL, failed INTEGER NOT NULL, figures BLOB NOT NULL,"
           " PRIMARY KEY(key, replication)) WITHOUT ROWID;", APPLICATION_ID);
  if (!journal_do(journal, sql, "write", err)) return false;
  sqlite3_stmt *put = NULL;
  bool good = sqlite3_prepare_v2(journal->database, "INSERT INTO meta VALUES(?, ?)", -1, &put, NULL) == SQLITE_OK;
  for (int k = 0; good && k < META_COUNT; k++) {
    sqlite3_bind_text(put, 1, meta_name[k], -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 2, value[k], -1, SQLITE_STATIC);
    good = sqlite3_step(put) == SQLITE_DONE;
    sqlite3_reset(put);
  }
  if (!good) journal_fail(journal, "write", err);
  sqlite3_finalize(put);
  return good && journal_do(journal, "COMMIT", "write", err);
}

static bool journal_compare(TuneJournal *journal, const char *const value[META_COUNT], Err *err) {
  sqlite3_stmt *get = NULL;
  bool good = sqlite3_prepare_v2(journal->database, "SELECT value FROM meta WHERE name = ?", -1, &get, NULL) == SQLITE_OK;
  if (!good) journal_fail(journal, "read", err);
  for (int k = 0; good && k < META_COUNT; k++) {
    sqlite3_bind_text(get, 1, meta_name[k], -1, SQLITE_STATIC);
    good = sqlite3_step(get) == SQLITE_ROW && text_equal((const char *)sqlite3_column_text(get, 0), value[k]);
    if (!good) err_add(err, ERR_IO, "%s has changed since the journal '%s' was begun; --force starts anew", meta_words[k], journal->path);
    sqlite3_reset(get);
  }
  sqlite3_finalize(get);
  return good;
}

/* ---- opening and closing ---- */

static bool journal_begin(TuneJournal *journal, const Sweep *sweep, bool fresh, Arena *arena, Err *err) {
  const char *value[META_COUNT];
  meta_of(sweep, value, arena);
  if (sqlite3_open_v2(journal->path, &journal->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    return journal_fail(journal, "open", err);
  if (!journal_do(journal, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; BEGIN EXCLUSIVE; COMMIT;", "open", err)) return false;
  if (!(fresh ? journal_initialise(journal, value, err) : journal_compare(journal, value, err))) return false;
  bool good = sqlite3_prepare_v2(journal->database, "INSERT OR REPLACE INTO run VALUES(?, ?, ?, ?)", -1, &journal->insert, NULL) == SQLITE_OK &&
              sqlite3_prepare_v2(journal->database, "SELECT failed, figures FROM run WHERE key = ? AND replication = ?", -1, &journal->select, NULL) == SQLITE_OK;
  return good || journal_fail(journal, "open", err);
}

TuneJournal *tune_journal_open(const char *path, const Sweep *sweep, bool resume, bool force, Arena *arena, Err *err) {
  int kind = file_kind(path);
  if (kind < 0) {
    err_add(err, ERR_IO, "'%s' is in the way: it is not the journal of a tuning", path);
    return NULL;
  }
  if (kind == 1 && !resume && !force) {
    err_add(err, ERR_IO, "'%s' exists: a tuning was interrupted; --resume continues it, --force starts anew", path);
    return NULL;
  }
  if (kind == 1 && force && !resume && !tune_journal_delete(path, err)) return NULL;
  TuneJournal *journal = ARENA_NEW(arena, TuneJournal);
  journal->path = path;
  if (journal_begin(journal, sweep, kind == 0 || (force && !resume), arena, err)) return journal;
  tune_journal_close(journal);
  return NULL;
}

void tune_journal_close(TuneJournal *journal) {
  sqlite3_finalize(journal->insert);
  sqlite3_finalize(journal->select);
  (void)sqlite3_close(journal->database);
  *journal = (TuneJournal){.path = journal->path};
}

bool tune_journal_delete(const char *path, Err *err) {
  return unlink(path) == 0 || errno == ENOENT || err_add(err, ERR_IO, "cannot remove the journal '%s': %s", path, strerror(errno));
}

/* ---- runs ---- */

bool tune_journal_get(TuneJournal *journal, const char *key, uint32_t replication, double *figure, size_t n, bool *failed) {
  sqlite3_bind_text(journal->select, 1, key, -1, SQLITE_STATIC);
  sqlite3_bind_int64(journal->select, 2, (sqlite3_int64)replication);
  bool found = sqlite3_step(journal->select) == SQLITE_ROW;
  if (found) {
    *failed = sqlite3_column_int(journal->select, 0) != 0;
    const void *bytes = sqlite3_column_blob(journal->select, 1);
    found = bytes && (size_t)sqlite3_column_bytes(journal->select, 1) == n * sizeof *figure;
    if (found) memcpy(figure, bytes, n * sizeof *figure);
  }
  sqlite3_reset(journal->select);
  return found;
}

bool tune_journal_put(TuneJournal *journal, const char *key, uint32_t replication, const double *figure, size_t n, bool failed, Err *err) {
  if (!journal->in_transaction && !journal_do(journal, "BEGIN", "write", err)) return false;
  journal->in_transaction = true;
  sqlite3_bind_text(journal->insert, 1, key, -1, SQLITE_STATIC);
  sqlite3_bind_int64(journal->insert, 2, (sqlite3_int64)replication);
  sqlite3_bind_int(journal->insert, 3, failed);
  sqlite3_bind_blob64(journal->insert, 4, figure, n * sizeof *figure, SQLITE_STATIC);
  bool good = sqlite3_step(journal->insert) == SQLITE_DONE || journal_fail(journal, "write", err);
  sqlite3_reset(journal->insert);
  return good;
}

bool tune_journal_commit(TuneJournal *journal, Err *err) {
  if (!journal->in_transaction) return true;
  journal->in_transaction = false;
  return journal_do(journal, "COMMIT", "write", err);
}
