/* The journal of a sweep: an SQLite file of finished runs and of what identifies their sweep. One writer, held by a lock on one byte
 * beyond SQLite's own; readers may look meanwhile. A rollback journal with synchronous=EXTRA: a commit that returned survives a kill and
 * a power cut, and the usual append writes each byte once. The lock's descriptor is closed after SQLite's, since closing any descriptor
 * of a file drops the process's classic locks on it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "sim/base/check.h"
#include "sim/lab/journal_identity.h"
#include "sim/lab/store.h"

enum { APPLICATION_ID = 0x68726a31 /* "hrj1" */, SCHEMA_VERSION = 1, HEADER_BYTES = 100 };
enum { LOCK_BYTE = 0x40000000 + 4096 }; /* SQLite locks 0x40000000 .. + 511 */

struct Journal {
  const char *path;
  int lock;
  sqlite3 *database;
  sqlite3_stmt *insert, *select;
  bool in_transaction;
  uint64_t n_runs, committed;
  uint64_t *has;           /* bitmap of committed runs */
  uint64_t *pending;       /* runs of the open transaction */
  size_t n_pending, pending_capacity;
  Arena *arena;
};

static bool journal_path(char path[PATH_MAX], const char *given, Err *err) {
  static const char ending[] = ".journal";
  size_t length = strlen(given), tail = sizeof ending - 1;
  bool has_ending = length > tail && strcmp(given + length - tail, ending) == 0;
  int made = snprintf(path, PATH_MAX, "%s%s", given, has_ending ? "" : ending);
  if (made > 0 && made < PATH_MAX) return true;
  return err_add(err, ERR_IO, "cannot open a journal beside '%.80s...': the path is too long", given);
}

static bool path_fail(const char *doing, const char *path, int error, Err *err) {
  char reason[128];
  return err_add(err, ERR_IO, "cannot %s the journal '%s': %s", doing, path, strerror_r(error, reason, sizeof reason));
}

/* The errno behind SQLITE_IOERR: what the file itself remembers, else the last one SQLite saw (which later calls may have changed). */
static int journal_errno(Journal *journal) {
  int error = 0;
  (void)sqlite3_file_control(journal->database, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
  return error != 0 && error != EAGAIN ? error : sqlite3_system_errno(journal->database);
}

/* What SQLite says, in the words of the system where it is the system that failed. */
static bool journal_fail(Journal *journal, const char *doing, Err *err) {
  int code = sqlite3_errcode(journal->database), error = journal_errno(journal);
  if (code == SQLITE_FULL) return path_fail(doing, journal->path, ENOSPC, err);
  if (code == SQLITE_BUSY) return err_add(err, ERR_IO, "cannot %s the journal '%s': another program holds it locked", doing, journal->path);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return err_add(err, ERR_IO, "the journal '%s' is damaged; --force starts the sweep anew", journal->path);
  if ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && error != 0) return path_fail(doing, journal->path, error, err);
  return err_add(err, ERR_IO, "cannot %s the journal '%s': %s", doing, journal->path, sqlite3_errmsg(journal->database));
}

static bool journal_do(Journal *journal, const char *sql, const char *doing, Err *err) {
  return sqlite3_exec(journal->database, sql, NULL, NULL, NULL) == SQLITE_OK || journal_fail(journal, doing, err);
}

/* ---- the file, before SQLite ------------------------------------------------------------------------------------- */

typedef enum FileState { FILE_EMPTY, FILE_JOURNAL, FILE_FOREIGN } FileState;

static FileState file_state(int descriptor) {
  unsigned char header[HEADER_BYTES];
  ssize_t there = pread(descriptor, header, sizeof header, 0);
  if (there == 0) return FILE_EMPTY;
  if (there < HEADER_BYTES || memcmp(header, "SQLite format 3", 16) != 0) return FILE_FOREIGN;
  uint32_t id = (uint32_t)header[68] << 24 | (uint32_t)header[69] << 16 | (uint32_t)header[70] << 8 | header[71];
  return id == APPLICATION_ID ? FILE_JOURNAL : FILE_FOREIGN;
}

/* Opens, creates and locks the file; *fresh tells whether it holds no sweep yet. The descriptor is closed by journal_close. */
static bool journal_lock(Journal *journal, bool resume, bool force, bool *fresh, Err *err) {
  journal->lock = open(journal->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (journal->lock < 0) return path_fail("open", journal->path, errno, err);
  struct stat status;
  if (fstat(journal->lock, &status) != 0 || !S_ISREG(status.st_mode)) return err_add(err, ERR_IO, "cannot open the journal '%s': not a regular file", journal->path);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_BYTE, .l_len = 1};
  if (fcntl(journal->lock, F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return path_fail("lock", journal->path, errno, err);
    return err_add(err, ERR_IO, "the journal '%s' is being written by another headroom; wait for it, or choose another output", journal->path);
  }
  FileState state = file_state(journal->lock);
  if (state == FILE_FOREIGN) return err_add(err, ERR_IO, "'%s' is in the way: it is not a journal of headroom", journal->path);
  *fresh = state == FILE_EMPTY || (force && !resume);
  if (*fresh) {
    char rollback[PATH_MAX + 16];
    snprintf(rollback, sizeof rollback, "%s-journal", journal->path);
    if (unlink(rollback) != 0 && errno != ENOENT) return path_fail("clear", journal->path, errno, err);
    if (ftruncate(journal->lock, 0) != 0) return path_fail("clear", journal->path, errno, err);
    return true;
  }
  if (resume) return true;
  return err_add(err, ERR_IO, "'%s' exists: a sweep was interrupted; --resume continues it, --force starts anew", journal->path);
}

/* ---- what identifies the sweep ----------------------------------------------------------------------------------- */

static bool meta_put(Journal *journal, const char *name, const char *value, Err *err) {
  sqlite3_stmt *put = NULL;
  bool ok = sqlite3_prepare_v2(journal->database, "INSERT INTO meta(name, value) VALUES(?, ?)", -1, &put, NULL) == SQLITE_OK &&
            sqlite3_bind_text(put, 1, name, -1, SQLITE_TRANSIENT) == SQLITE_OK &&
            sqlite3_bind_text(put, 2, value, -1, SQLITE_TRANSIENT) == SQLITE_OK && sqlite3_step(put) == SQLITE_DONE;
  if (!ok) journal_fail(journal, "write", err);
  sqlite3_finalize(put);
  return ok;
}

static bool meta_get(Journal *journal, const char *name, const char **value, Err *err) {
  sqlite3_stmt *get = NULL;
  bool ok = sqlite3_prepare_v2(journal->database, "SELECT value FROM meta WHERE name = ?", -1, &get, NULL) == SQLITE_OK &&
            sqlite3_bind_text(get, 1, name, -1, SQLITE_TRANSIENT) == SQLITE_OK;
  int step = ok ? sqlite3_step(get) : SQLITE_ERROR;
  if (step == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(get, 0);
    *value = arena_text(journal->arena, text ? text : "", text ? strlen(text) : 0);
  } else if (step == SQLITE_DONE) {
    *value = "";
  } else {
    ok = journal_fail(journal, "read", err);
  }
  sqlite3_finalize(get);
  return ok;
}

static bool journal_initialise(Journal *journal, const SweepIdentity *identity, Err *err) {
  char sql[400];
  snprintf(sql, sizeof sql, "PRAGMA page_size=8192; BEGIN IMMEDIATE; PRAGMA application_id=%d; PRAGMA user_version=%d;"
           "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
           "CREATE TABLE run(run INTEGER PRIMARY KEY, data BLOB NOT NULL);", APPLICATION_ID, SCHEMA_VERSION);
  if (!journal_do(journal, sql, "write", err)) return false;
  for (size_t k = 0; k < IDENTITY_COUNT; k++) {
    if (!meta_put(journal, identity_name[k], identity->value[k], err)) return false;
  }
  return journal_do(journal, "COMMIT", "write", err);
}

static bool journal_compare(Journal *journal, const SweepIdentity *now, Err *err) {
  sqlite3_stmt *version = NULL;
  int schema = 0;
  if (sqlite3_prepare_v2(journal->database, "PRAGMA user_version", -1, &version, NULL) == SQLITE_OK && sqlite3_step(version) == SQLITE_ROW) {
    schema = sqlite3_column_int(version, 0);
  }
  sqlite3_finalize(version);
  if (schema != SCHEMA_VERSION) return err_add(err, ERR_IO, "the journal '%s' has format %d, this headroom writes format %d; --force starts anew", journal->path, schema, SCHEMA_VERSION);
  SweepIdentity then = {0};
  for (size_t k = 0; k < IDENTITY_COUNT; k++) {
    if (!meta_get(journal, identity_name[k], &then.value[k], err)) return false;
  }
  return identity_compare(journal->path, &then, now, err);
}

/* ---- opening and closing ----------------------------------------------------------------------------------------- */

static bool bitmap_get(const uint64_t *map, uint64_t bit) { return map[bit / 64] >> bit % 64 & 1; }

static bool journal_load(Journal *journal, Err *err) {
  sqlite3_stmt *list = NULL;
  bool ok = sqlite3_prepare_v2(journal->database, "SELECT run FROM run", -1, &list, NULL) == SQLITE_OK;
  int step = SQLITE_ERROR;
  while (ok && (step = sqlite3_step(list)) == SQLITE_ROW) {
    uint64_t run = (uint64_t)sqlite3_column_int64(list, 0);
    if (run >= journal->n_runs) {
      ok = false;
      err_add(err, ERR_IO, "the journal '%s' holds run %llu of a sweep of %llu runs; --force starts anew", journal->path, (unsigned long long)run, (unsigned long long)journal->n_runs);
      break;
    }
    journal->has[run / 64] |= UINT64_C(1) << run % 64;
    journal->committed++;
  }
  if (ok && step != SQLITE_DONE) ok = journal_fail(journal, "read", err);
  sqlite3_finalize(list);
  return ok;
}

static bool journal_connect(Journal *journal, Err *err) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(journal->path, &journal->database, flags, NULL) != SQLITE_OK) {
    if (journal->database) return journal_fail(journal, "open", err);
    return path_fail("open", journal->path, ENOMEM, err);
  }
  sqlite3_busy_timeout(journal->database, 10000); /* a reader that looks at the sweep's state */
  return journal_do(journal, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA; PRAGMA cache_size=-8192; PRAGMA mmap_size=0;", "open", err);
}

static bool journal_begin(Journal *journal, const Sweep *sweep, TraceKeep keep, bool resume, bool force, Err *err) {
  bool fresh = false;
  if (!journal_lock(journal, resume, force, &fresh, err) || !journal_connect(journal, err)) return false;
  SweepIdentity identity;
  identity_of(&identity, sweep, keep, journal->arena);
  if (!(fresh ? journal_initialise(journal, &identity, err) : journal_compare(journal, &identity, err))) return false;
  if (!journal_load(journal, err)) return false;
  bool ok = sqlite3_prepare_v3(journal->database, "INSERT INTO run(run, data) VALUES(?, ?)", -1, SQLITE_PREPARE_PERSISTENT, &journal->insert, NULL) == SQLITE_OK &&
            sqlite3_prepare_v3(journal->database, "SELECT run, data FROM run ORDER BY run", -1, SQLITE_PREPARE_PERSISTENT, &journal->select, NULL) == SQLITE_OK;
  return ok || journal_fail(journal, "open", err);
}

Journal *journal_open(const char *path, const Sweep *sweep, TraceKeep keep, bool resume, bool force, Arena *arena, Err *err) {
  char full[PATH_MAX];
  if (!journal_path(full, path, err)) return NULL;
  Journal *journal = ARENA_NEW(arena, Journal);
  *journal = (Journal){.path = arena_text(arena, full, strlen(full)), .lock = -1, .arena = arena, .n_runs = sweep->n_runs};
  journal->has = ARENA_ARRAY(arena, uint64_t, sweep->n_runs / 64 + 1);
  if (journal_begin(journal, sweep, keep, resume, force, err)) return journal;
  journal_close(journal);
  return NULL;
}

void journal_close(Journal *journal) {
  sqlite3_finalize(journal->insert);
  sqlite3_finalize(journal->select);
  journal->insert = journal->select = NULL;
  (void)sqlite3_close(journal->database); /* what was not committed is rolled back */
  journal->database = NULL;
  if (journal->lock >= 0) close(journal->lock);
  journal->lock = -1;
}

bool journal_delete(const char *given, Err *err) {
  char path[PATH_MAX], rollback[PATH_MAX + 16];
  if (!journal_path(path, given, err)) return false;
  snprintf(rollback, sizeof rollback, "%s-journal", path);
  if (unlink(path) != 0 && errno != ENOENT) return path_fail("remove", path, errno, err);
  (void)unlink(rollback);
  return true;
}

/* ---- runs --------------------------------------------------------------------------------------------------------- */

bool journal_has(const Journal *journal, uint64_t run) { return run < journal->n_runs && bitmap_get(journal->has, run); }
uint64_t journal_count(const Journal *journal) { return journal->committed; }

bool journal_put(Journal *journal, EncodedRun encoded, Err *err) {
  CHECK(encoded.run < journal->n_runs && !journal_has(journal, encoded.run));
  if (!journal->in_transaction) {
    if (!journal_do(journal, "BEGIN IMMEDIATE", "write", err)) return false;
    journal->in_transaction = true;
  }
  sqlite3_bind_int64(journal->insert, 1, (sqlite3_int64)encoded.run);
  sqlite3_bind_blob64(journal->insert, 2, encoded.bytes, encoded.length, SQLITE_STATIC);
  bool ok = sqlite3_step(journal->insert) == SQLITE_DONE || journal_fail(journal, "write", err);
  sqlite3_reset(journal->insert);
  sqlite3_clear_bindings(journal->insert);
  if (!ok) return false;
  if (journal->n_pending == journal->pending_capacity) {
    size_t capacity = journal->pending_capacity ? journal->pending_capacity * 2 : 256;
    journal->pending = (uint64_t *)arena_grow(journal->arena, journal->pending, journal->n_pending, capacity, sizeof *journal->pending);
    journal->pending_capacity = capacity;
  }
  journal->pending[journal->n_pending++] = encoded.run;
  return true;
}

bool journal_commit(Journal *journal, Err *err) {
  if (!journal->in_transaction) return true;
  if (!journal_do(journal, "COMMIT", "write", err)) return false;
  journal->in_transaction = false;
  for (size_t k = 0; k < journal->n_pending; k++) journal->has[journal->pending[k] / 64] |= UINT64_C(1) << journal->pending[k] % 64;
  journal->committed += journal->n_pending;
  journal->n_pending = 0;
  return true;
}

void journal_rewind(Journal *journal) { sqlite3_reset(journal->select); }

bool journal_next(Journal *journal, EncodedRun *next, Err *err) {
  int step = sqlite3_step(journal->select);
  if (step == SQLITE_ROW) {
    const void *bytes = sqlite3_column_blob(journal->select, 1);
    *next = (EncodedRun){(uint64_t)sqlite3_column_int64(journal->select, 0), (void *)(uintptr_t)bytes, (size_t)sqlite3_column_bytes(journal->select, 1)};
    return bytes || sqlite3_errcode(journal->database) == SQLITE_ROW || journal_fail(journal, "read", err);
  }
  if (step != SQLITE_DONE) journal_fail(journal, "read", err);
  sqlite3_reset(journal->select);
  return false;
}
