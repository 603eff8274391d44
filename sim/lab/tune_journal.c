/* The journal of a tuning; see tune_journal.h. A rollback journal with synchronous=FULL: a commit that returned survives a kill. A writer
 * holds a lock on one byte beyond SQLite's own, so that a second one is told to wait, while other shares of the tuning may read. */
#include "sim/lab/tune_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/text.h"
#include "sim/base/version.h"
#include "sim/lab/journal_format.h"

enum { META_COUNT = 3 };

struct TuneJournal {
  const char *path;
  int lock; /* closed after SQLite's descriptors: see journal.c */
  sqlite3 *database;
  sqlite3_stmt *insert, *select;
  bool in_transaction;
};

static bool journal_fail(const TuneJournal *journal, const char *doing, Err *err) {
  int code = sqlite3_errcode(journal->database);
  if (code == SQLITE_BUSY) return err_add(err, ERR_IO, "cannot %s the journal '%s': another program holds it locked", doing, journal->path);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return err_add(err, ERR_IO, "the journal '%s' is damaged; --force starts anew", journal->path);
  int error = sqlite3_system_errno(journal->database);
  bool system = (code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && error != 0;
  return err_add(err, ERR_IO, "cannot %s the journal '%s': %s", doing, journal->path, code == SQLITE_FULL ? strerror(ENOSPC) : system ? strerror(error) : sqlite3_errmsg(journal->database));
}

static bool journal_do(TuneJournal *journal, const char *sql, const char *doing, Err *err) {
  return sqlite3_exec(journal->database, sql, NULL, NULL, NULL) == SQLITE_OK || journal_fail(journal, doing, err);
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
           " PRIMARY KEY(key, replication)) WITHOUT ROWID;", TUNING_APPLICATION_ID);
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

static struct flock writer_lock(void) { return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = JOURNAL_LOCK_BYTE, .l_len = 1}; }

/* Opens, creates and locks the file; *fresh tells whether it holds no tuning yet. */
static bool journal_lock(TuneJournal *journal, bool resume, bool force, bool *fresh, Err *err) {
  const char *path = journal->path;
  journal->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (journal->lock < 0) return journal_path_fail("open", path, errno, err);
  struct flock lock = writer_lock();
  if (fcntl(journal->lock, F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return journal_path_fail("lock", path, errno, err);
    return err_add(err, ERR_IO, "'%s' is being written by another headroom; wait for it, or choose another --journal", path);
  }
  JournalFile kind = journal_file_kind(journal->lock);
  if (kind == JOURNAL_FILE_FOREIGN || kind == JOURNAL_FILE_OURS) return err_add(err, ERR_IO, "'%s' is in the way: it is not the journal of a tuning", path);
  if (kind == JOURNAL_FILE_TUNING && !resume && !force) return err_add(err, ERR_IO, "'%s' exists: a tuning was interrupted; --resume continues it, --force starts anew", path);
  *fresh = kind == JOURNAL_FILE_EMPTY || !resume;
  if (*fresh) {
    char rollback[PATH_MAX + 16];
    snprintf(rollback, sizeof rollback, "%s-journal", path);
    if (unlink(rollback) != 0 && errno != ENOENT) return journal_path_fail("clear", path, errno, err);
    if (ftruncate(journal->lock, 0) != 0) return journal_path_fail("clear", path, errno, err);
  }
  return true;
}

static bool journal_prepare(TuneJournal *journal, Err *err) {
  static const char sql[] = "SELECT failed, figures FROM run WHERE key = ? AND replication = ?";
  return sqlite3_prepare_v2(journal->database, sql, -1, &journal->select, NULL) == SQLITE_OK || journal_fail(journal, "open", err);
}

static bool journal_begin(TuneJournal *journal, const Sweep *sweep, bool resume, bool force, Arena *arena, Err *err) {
  const char *value[META_COUNT];
  bool fresh = false;
  meta_of(sweep, value, arena);
  if (!journal_lock(journal, resume, force, &fresh, err)) return false;
  if (sqlite3_open_v2(journal->path, &journal->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
    return journal_fail(journal, "open", err);
  sqlite3_busy_timeout(journal->database, JOURNAL_PATIENCE_MS);
  if (!journal_do(journal, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL;", "open", err)) return false;
  /* Killed within its very first commit: that is rolled back now, to nothing. */
  if (!fresh && journal_number(journal->database, "SELECT count(*) FROM sqlite_master") == 0 && sqlite3_errcode(journal->database) == SQLITE_OK) fresh = true;
  if (!(fresh ? journal_initialise(journal, value, err) : journal_compare(journal, value, err))) return false;
  bool good = sqlite3_prepare_v2(journal->database, "INSERT OR REPLACE INTO run VALUES(?, ?, ?, ?)", -1, &journal->insert, NULL) == SQLITE_OK;
  return good ? journal_prepare(journal, err) : journal_fail(journal, "open", err);
}

TuneJournal *tune_journal_open(const char *path, const Sweep *sweep, bool resume, bool force, Arena *arena, Err *err) {
  TuneJournal *journal = ARENA_NEW(arena, TuneJournal);
  *journal = (TuneJournal){.path = path, .lock = -1};
  if (journal_begin(journal, sweep, resume, force, arena, err)) return journal;
  tune_journal_close(journal);
  return NULL;
}

bool tune_journal_is_written(const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  struct flock lock = writer_lock();
  bool written = fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  close(file);
  return written;
}

/* Is there a tuning in the file, with all its tables? */
static bool can_read(TuneJournal *journal, int file) {
  if (journal_file_kind(file) != JOURNAL_FILE_TUNING) return false;
  if (sqlite3_open_v2(journal->path, &journal->database, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) return false;
  sqlite3_busy_timeout(journal->database, JOURNAL_PATIENCE_MS);
  return journal_number(journal->database, "SELECT count(*) FROM sqlite_master WHERE type = 'table'") == 2;
}

bool tune_journal_read(const char *path, const Sweep *sweep, TuneJournal **journal, Arena *arena, Err *err) {
  *journal = NULL;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return true;
  const char *value[META_COUNT];
  TuneJournal *reader = ARENA_NEW(arena, TuneJournal);
  *reader = (TuneJournal){.path = path, .lock = file};
  meta_of(sweep, value, arena);
  bool there = can_read(reader, file), good = !there || (journal_compare(reader, value, err) && journal_prepare(reader, err));
  if (there && good) *journal = reader;
  else tune_journal_close(reader);
  return good;
}

void tune_journal_close(TuneJournal *journal) {
  sqlite3_finalize(journal->insert);
  sqlite3_finalize(journal->select);
  (void)sqlite3_close(journal->database);
  if (journal->lock >= 0) close(journal->lock);
  *journal = (TuneJournal){.path = journal->path, .lock = -1};
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
