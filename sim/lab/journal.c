/* The journal of a sweep, or of a share of it: an SQLite file of finished runs and of what identifies their sweep. One writer, held by a
 * lock on one byte beyond SQLite's own; readers may look meanwhile. A rollback journal with synchronous=EXTRA: a commit that returned
 * survives a kill and a power cut, and the usual append writes each byte once. It is truncated, not removed, after a commit, so that its name
 * is made once a session: SQLite does not look whether that name has reached the disk, so we do. The lock's descriptor is closed after SQLite's, since
 * closing any descriptor of a file drops the process's classic locks on it. After journal_begin nothing here takes memory of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/check.h"
#include "sim/lab/journal_format.h"
#include "sim/lab/journal_identity.h"
#include "sim/lab/journal_plan.h"

struct Journal {
  const char *path;
  int lock;
  sqlite3 *database;
  sqlite3_stmt *insert, *select, *progress;
  bool in_transaction;
  uint64_t n_runs, committed, failed;
  uint64_t *has, *pending; /* bitmaps: committed runs, runs of the open transaction */
  uint64_t n_pending, n_pending_failed, pending_first, pending_last; /* words of `pending` that may be set */
  int64_t session_ms;
  uint64_t session_done; /* runs there when it was opened */
  uint64_t planned;      /* runs it is to hold, so far; more may be wanted unless final */
  bool final;
  Arena *arena;
};

static bool journal_fail(Journal *journal, const char *doing, Err *err) { return journal_database_fail(journal->database, journal->path, doing, err); }

static bool journal_do(Journal *journal, const char *sql, const char *doing, Err *err) {
  return sqlite3_exec(journal->database, sql, NULL, NULL, NULL) == SQLITE_OK || journal_fail(journal, doing, err);
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the file, before SQLite ------------------------------------------------------------------------------------- */

/* Opens, creates and locks the file; *fresh tells whether it holds no sweep yet. The descriptor is closed by journal_close. */
static bool journal_lock(Journal *journal, bool resume, bool force, bool *fresh, Err *err) {
  journal->lock = open(journal->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (journal->lock < 0) return journal_path_fail("open", journal->path, errno, err);
  struct stat status;
  if (fstat(journal->lock, &status) != 0 || !S_ISREG(status.st_mode)) return err_add(err, ERR_IO, "cannot open the journal '%s': not a regular file", journal->path);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = JOURNAL_LOCK_BYTE, .l_len = 1};
  if (fcntl(journal->lock, F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return journal_path_fail("lock", journal->path, errno, err);
    return err_add(err, ERR_IO, "the journal '%s' is being written by another headroom; wait for it, or choose another output", journal->path);
  }
  JournalFile kind = journal_file_kind(journal->lock);
  if (kind == JOURNAL_FILE_FOREIGN || kind == JOURNAL_FILE_TUNING) return err_add(err, ERR_IO, "'%s' is in the way: it is not a journal of headroom", journal->path);
  *fresh = kind == JOURNAL_FILE_EMPTY || (force && !resume);
  if (*fresh) {
    char rollback[PATH_MAX + 16];
    snprintf(rollback, sizeof rollback, "%s-journal", journal->path);
    if (unlink(rollback) != 0 && errno != ENOENT) return journal_path_fail("clear", journal->path, errno, err);
    if (ftruncate(journal->lock, 0) != 0) return journal_path_fail("clear", journal->path, errno, err);
    return true;
  }
  if (resume) return true;
  return err_add(err, ERR_IO, "'%s' exists: a sweep was interrupted; --resume continues it, --force starts anew", journal->path);
}

/* ---- what identifies the sweep ----------------------------------------------------------------------------------- */

static bool meta_put(Journal *journal, const char *name, const char *value, size_t length, bool text, Err *err) {
  sqlite3_stmt *put = NULL;
  bool ok = sqlite3_prepare_v2(journal->database, "INSERT INTO meta(name, value) VALUES(?, ?)", -1, &put, NULL) == SQLITE_OK &&
            sqlite3_bind_text(put, 1, name, -1, SQLITE_STATIC) == SQLITE_OK &&
            (text ? sqlite3_bind_text64(put, 2, value, length, SQLITE_STATIC, SQLITE_UTF8) : sqlite3_bind_blob64(put, 2, value, length, SQLITE_STATIC)) == SQLITE_OK &&
            sqlite3_step(put) == SQLITE_DONE;
  if (!ok) journal_fail(journal, "write", err);
  sqlite3_finalize(put);
  return ok;
}

static bool meta_put_text(Journal *journal, const char *name, const char *value, Err *err) { return meta_put(journal, name, value, strlen(value), true, err); }

static bool journal_initialise(Journal *journal, const JournalRequest *request, const SweepIdentity *identity, Err *err) {
  char sql[1024];
  snprintf(sql, sizeof sql, "PRAGMA page_size=8192; BEGIN IMMEDIATE; PRAGMA application_id=%d; PRAGMA user_version=%d;" JOURNAL_TABLES,
           JOURNAL_APPLICATION_ID, JOURNAL_SCHEMA);
  if (!journal_do(journal, sql, "write", err)) return false;
  for (size_t k = 0; k < IDENTITY_COUNT; k++) {
    if (!meta_put_text(journal, identity_name[k], identity->value[k], err)) return false;
  }
  Text plan = plan_write(request->sweep, journal->arena);
  return meta_put_text(journal, "shard", shard_text(request->shard, journal->arena), err) &&
         meta_put_text(journal, "command", request->command ? request->command : "", err) &&
         meta_put(journal, "plan", plan.bytes, plan.length, false, err) && journal_do(journal, "COMMIT", "write", err);
}

static bool journal_compare(Journal *journal, const JournalRequest *request, const SweepIdentity *now, Err *err) {
  int schema = (int)journal_number(journal->database, "PRAGMA user_version");
  if (schema != JOURNAL_SCHEMA) return err_add(err, ERR_IO, "the journal '%s' has format %d, this headroom writes format %d; --force starts anew", journal->path, schema, JOURNAL_SCHEMA);
  SweepIdentity then = {0};
  const char *shard;
  for (size_t k = 0; k < IDENTITY_COUNT; k++) {
    if (!journal_meta(journal->database, journal->path, identity_name[k], &then.value[k], NULL, journal->arena, err)) return false;
  }
  if (!journal_meta(journal->database, journal->path, "shard", &shard, NULL, journal->arena, err)) return false;
  if (!identity_compare(journal->path, &then, NULL, now, err)) return false;
  if (strcmp(shard, shard_text(request->shard, journal->arena)) == 0) return true;
  return err_add(err, ERR_IO, "the journal '%s' is that of %s%s, not of %s%s", journal->path, *shard ? "shard " : "a whole sweep", shard,
                 request->shard.count ? "shard " : "a whole sweep", shard_text(request->shard, journal->arena));
}

/* ---- opening and closing ----------------------------------------------------------------------------------------- */

static bool bitmap_get(const uint64_t *map, uint64_t bit) { return map[bit / 64] >> bit % 64 & 1; }

static bool journal_load(Journal *journal, Err *err) {
  sqlite3_stmt *list = NULL;
  bool ok = sqlite3_prepare_v2(journal->database, JOURNAL_LIST, -1, &list, NULL) == SQLITE_OK;
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
  journal->failed = (uint64_t)journal_number(journal->database, "SELECT count(*) FROM run WHERE failed");
  journal->session_done = journal->committed;
  journal->session_ms = now_ms();
  return ok;
}

static bool journal_connect(Journal *journal, Err *err) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(journal->path, &journal->database, flags, NULL) != SQLITE_OK) {
    if (journal->database) return journal_fail(journal, "open", err);
    return journal_path_fail("open", journal->path, ENOMEM, err);
  }
  sqlite3_busy_timeout(journal->database, JOURNAL_PATIENCE_MS); /* a reader that looks at the sweep's state */
  return journal_do(journal, "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=EXTRA; PRAGMA cache_size=-8192; PRAGMA mmap_size=0;", "open", err);
}

/* The names of journal and rollback journal, on disk. Some file systems cannot sync a folder and say EINVAL. */
static bool journal_sync_folder(const Journal *journal, Err *err) {
  char folder[PATH_MAX];
  const char *slash = strrchr(journal->path, '/');
  size_t length = slash ? (size_t)(slash - journal->path) + 1 : 1;
  memcpy(folder, slash ? journal->path : ".", length);
  folder[length] = 0;
  int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return journal_path_fail("sync the folder of", journal->path, errno, err);
  int error = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  return error == 0 || error == EINVAL || journal_path_fail("sync the folder of", journal->path, error, err);
}

static bool prepare(Journal *journal, sqlite3_stmt **statement, const char *sql) {
  return sqlite3_prepare_v3(journal->database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) == SQLITE_OK;
}

static bool journal_start(Journal *journal, const JournalRequest *request, Err *err) {
  bool fresh = false;
  if (!journal_lock(journal, request->resume, request->force, &fresh, err) || !journal_connect(journal, err)) return false;
  /* Killed within its very first commit: that is rolled back now, to nothing. */
  if (!fresh && journal_number(journal->database, "SELECT count(*) FROM sqlite_master") == 0 && sqlite3_errcode(journal->database) == SQLITE_OK) fresh = true;
  SweepIdentity identity;
  identity_of(&identity, request->sweep, request->keep, journal->arena);
  if (!(fresh ? journal_initialise(journal, request, &identity, err) : journal_compare(journal, request, &identity, err))) return false;
  if (!journal_load(journal, err)) return false;
  bool ok = prepare(journal, &journal->insert, "INSERT INTO run(run, failed, data) VALUES(?, ?, ?)") &&
            prepare(journal, &journal->select, "SELECT run, failed, data FROM run ORDER BY run") &&
            prepare(journal, &journal->progress, "UPDATE progress SET done = ?, failed = ?, session_done = ?, session_ms = ?, commit_ms = ?, planned = ?, final = ?");
  if (!ok) return journal_fail(journal, "open", err);
  journal->in_transaction = true; /* a first commit: it makes the rollback journal's name */
  return journal_do(journal, "BEGIN IMMEDIATE", "write", err) && journal_commit(journal, err) && journal_sync_folder(journal, err);
}

Journal *journal_begin(const JournalRequest *request, Arena *arena, Err *err) {
  char full[PATH_MAX];
  if (!journal_full_path(full, request->path, err)) return NULL;
  uint64_t n_runs = request->sweep->n_runs;
  Journal *journal = ARENA_NEW(arena, Journal);
  *journal = (Journal){.path = arena_text(arena, full, strlen(full)), .lock = -1, .arena = arena, .n_runs = n_runs,
                       .planned = shard_runs(request->shard, request->sweep), .final = !request->sweep->first->precision.metric};
  journal->has = ARENA_ARRAY(arena, uint64_t, n_runs / 64 + 1);
  journal->pending = ARENA_ARRAY(arena, uint64_t, n_runs / 64 + 1);
  journal->pending_first = n_runs / 64;
  if (journal_start(journal, request, err)) return journal;
  journal_close(journal);
  return NULL;
}

Journal *journal_open(const char *path, const Sweep *sweep, TraceKeep keep, bool resume, bool force, Arena *arena, Err *err) {
  JournalRequest request = {.path = path, .sweep = sweep, .keep = keep, .resume = resume, .force = force};
  return journal_begin(&request, arena, err);
}

void journal_close(Journal *journal) {
  sqlite3_finalize(journal->insert);
  sqlite3_finalize(journal->select);
  sqlite3_finalize(journal->progress);
  journal->insert = journal->select = journal->progress = NULL;
  if (journal->database) { /* no empty file is left beside it */
    (void)sqlite3_exec(journal->database, "ROLLBACK", NULL, NULL, NULL);
    (void)sqlite3_exec(journal->database, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
  }
  (void)sqlite3_close(journal->database); /* what was not committed is rolled back */
  journal->database = NULL;
  if (journal->lock >= 0) close(journal->lock);
  journal->lock = -1;
}

bool journal_delete(const char *given, Err *err) {
  char path[PATH_MAX], rollback[PATH_MAX + 16];
  if (!journal_full_path(path, given, err)) return false;
  snprintf(rollback, sizeof rollback, "%s-journal", path);
  if (unlink(path) != 0 && errno != ENOENT) return journal_path_fail("remove", path, errno, err);
  (void)unlink(rollback);
  return true;
}

/* ---- runs --------------------------------------------------------------------------------------------------------- */

bool journal_has(const Journal *journal, uint64_t run) { return run < journal->n_runs && bitmap_get(journal->has, run); }
uint64_t journal_count(const Journal *journal) { return journal->committed; }

uint64_t *journal_snapshot(const Journal *journal) {
  size_t words = (size_t)(journal->n_runs / 64 + 1);
  return (uint64_t *)arena_grow(journal->arena, journal->has, words, words, sizeof *journal->has);
}

bool journal_put(Journal *journal, EncodedRun encoded, Err *err) {
  CHECK(encoded.run < journal->n_runs && !journal_has(journal, encoded.run));
  if (!journal->in_transaction) {
    if (!journal_do(journal, "BEGIN IMMEDIATE", "write", err)) return false;
    journal->in_transaction = true;
  }
  sqlite3_bind_int64(journal->insert, 1, (sqlite3_int64)encoded.run);
  sqlite3_bind_int(journal->insert, 2, encoded.failed);
  sqlite3_bind_blob64(journal->insert, 3, encoded.bytes, encoded.length, SQLITE_STATIC);
  bool ok = sqlite3_step(journal->insert) == SQLITE_DONE || journal_fail(journal, "write", err);
  sqlite3_reset(journal->insert);
  sqlite3_clear_bindings(journal->insert);
  if (!ok) return false;
  uint64_t word = encoded.run / 64;
  journal->pending[word] |= UINT64_C(1) << encoded.run % 64;
  if (word < journal->pending_first) journal->pending_first = word;
  if (word > journal->pending_last) journal->pending_last = word;
  journal->n_pending++;
  journal->n_pending_failed += encoded.failed;
  return true;
}

/* The row that readers of the state look at, in the transaction of the runs it counts. */
static bool journal_note_progress(Journal *journal, Err *err) {
  sqlite3_bind_int64(journal->progress, 1, (sqlite3_int64)journal->committed + (sqlite3_int64)journal->n_pending);
  sqlite3_bind_int64(journal->progress, 2, (sqlite3_int64)journal->failed + (sqlite3_int64)journal->n_pending_failed);
  sqlite3_bind_int64(journal->progress, 3, (sqlite3_int64)journal->session_done);
  sqlite3_bind_int64(journal->progress, 4, journal->session_ms);
  sqlite3_bind_int64(journal->progress, 5, now_ms());
  sqlite3_bind_int64(journal->progress, 6, (sqlite3_int64)journal->planned);
  sqlite3_bind_int(journal->progress, 7, journal->final);
  bool ok = sqlite3_step(journal->progress) == SQLITE_DONE || journal_fail(journal, "write", err);
  sqlite3_reset(journal->progress);
  return ok;
}

bool journal_commit(Journal *journal, Err *err) {
  if (!journal->in_transaction) return true;
  if (!journal_note_progress(journal, err) || !journal_do(journal, "COMMIT", "write", err)) return false;
  journal->in_transaction = false;
  for (uint64_t word = journal->pending_first; word <= journal->pending_last; word++) {
    journal->has[word] |= journal->pending[word];
    journal->pending[word] = 0;
  }
  journal->committed += journal->n_pending;
  journal->failed += journal->n_pending_failed;
  journal->n_pending = journal->n_pending_failed = journal->pending_last = 0;
  journal->pending_first = journal->n_runs / 64;
  return true;
}

bool journal_expect(Journal *journal, uint64_t planned, bool final, Err *err) {
  if (journal->planned == planned && journal->final == final) return true;
  journal->planned = planned;
  journal->final = final;
  if (!journal->in_transaction && !journal_do(journal, "BEGIN IMMEDIATE", "write", err)) return false;
  journal->in_transaction = true;
  return journal_commit(journal, err);
}

void journal_rewind(Journal *journal) { sqlite3_reset(journal->select); }

bool journal_next(Journal *journal, EncodedRun *next, Err *err) {
  int step = sqlite3_step(journal->select);
  if (step == SQLITE_ROW) {
    const void *bytes = sqlite3_column_blob(journal->select, 2);
    *next = (EncodedRun){(uint64_t)sqlite3_column_int64(journal->select, 0), (void *)(uintptr_t)bytes, (size_t)sqlite3_column_bytes(journal->select, 2),
                         sqlite3_column_int(journal->select, 1) != 0};
    return bytes || sqlite3_errcode(journal->database) == SQLITE_ROW || journal_fail(journal, "read", err);
  }
  if (step != SQLITE_DONE) journal_fail(journal, "read", err);
  sqlite3_reset(journal->select);
  return false;
}

static bool source_next(void *context, EncodedRun *next, Err *err) { return journal_next((Journal *)context, next, err); }

RunSource journal_source(Journal *journal) {
  journal_rewind(journal);
  return (RunSource){source_next, journal};
}
