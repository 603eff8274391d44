/* See journal_read.h. */
#include "sim/lab/journal_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/lab/journal_format.h"
#include "sim/lab/journal_plan.h"

enum { RUNS_AT_ONCE = 32 }; /* after so many the read lock is given back */

struct JournalReader {
  JournalState state;
  int file; /* closed after SQLite's: see journal.c */
  sqlite3 *database;
  sqlite3_stmt *select;
  int64_t last; /* run given last, -1: none */
  int since_reset;
  Arena *arena;
};

static bool reader_fail(JournalReader *reader, Err *err) { return journal_database_fail(reader->database, reader->state.path, "read", err); }

static bool open_file(JournalReader *reader, Err *err) {
  const char *path = reader->state.path;
  struct stat status;
  reader->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (reader->file < 0) return journal_path_fail("open", path, errno, err);
  if (fstat(reader->file, &status) != 0 || !S_ISREG(status.st_mode)) return err_add(err, ERR_IO, "cannot open the journal '%s': not a regular file", path);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = JOURNAL_LOCK_BYTE, .l_len = 1};
  reader->state.running = fcntl(reader->file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  JournalFile kind = journal_file_kind(reader->file);
  if (kind == JOURNAL_FILE_FOREIGN) return err_add(err, ERR_IO, "'%s' is not a journal of headroom", path);
  reader->state.tuning = kind == JOURNAL_FILE_TUNING;
  reader->state.begun = kind == JOURNAL_FILE_OURS;
  return true;
}

static bool connect(JournalReader *reader, int flags, Err *err) {
  (void)sqlite3_close(reader->database);
  reader->database = NULL;
  if (sqlite3_open_v2(reader->state.path, &reader->database, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
    return reader->database ? reader_fail(reader, err) : journal_path_fail("open", reader->state.path, ENOMEM, err);
  }
  sqlite3_busy_timeout(reader->database, JOURNAL_PATIENCE_MS);
  (void)sqlite3_exec(reader->database, "PRAGMA cache_size=-512; PRAGMA mmap_size=0;", NULL, NULL, NULL);
  return true;
}

/* *tables: how many there are; 0 also for what was killed within its first commit. */
static bool open_database(JournalReader *reader, int64_t *tables, Err *err) {
  static const char sql[] = "SELECT count(*) FROM sqlite_master";
  if (!connect(reader, SQLITE_OPEN_READONLY, err)) return false;
  *tables = journal_number(reader->database, sql);
  int code = sqlite3_errcode(reader->database);
  if ((code & 0xff) == SQLITE_READONLY || (code & 0xff) == SQLITE_CANTOPEN) { /* a cut-off commit: must be rolled back first */
    if (!connect(reader, SQLITE_OPEN_READWRITE, err)) return false;
    *tables = journal_number(reader->database, sql);
    code = sqlite3_errcode(reader->database);
  }
  return code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW || reader_fail(reader, err);
}

static bool read_meta(JournalReader *reader, const char *name, const char **value, size_t *length, Err *err) {
  return journal_meta(reader->database, reader->state.path, name, value, length, reader->arena, err);
}

static bool read_plan(JournalReader *reader, Err *err) {
  JournalState *state = &reader->state;
  int schema = (int)journal_number(reader->database, "PRAGMA user_version");
  if (schema != JOURNAL_SCHEMA) return err_add(err, ERR_IO, "the journal '%s' has format %d, this headroom reads format %d", state->path, schema, JOURNAL_SCHEMA);
  for (size_t k = 0; k < IDENTITY_COUNT; k++) {
    if (!read_meta(reader, identity_name[k], &state->identity.value[k], NULL, err)) return false;
  }
  const char *shard, *plan;
  size_t plan_bytes;
  if (!read_meta(reader, "shard", &shard, NULL, err) || !read_meta(reader, "command", &state->command, NULL, err) || !read_meta(reader, "plan", &plan, &plan_bytes, err)) return false;
  const char *text = state->identity.value[IDENTITY_SCENARIO], *sha256 = state->identity.value[IDENTITY_SCENARIO_SHA256];
  bool ok = (!*shard || shard_parse(shard, &state->shard)) && plan_read(&state->sweep, plan, plan_bytes, text, sha256, reader->arena);
  if (!ok) return err_add(err, ERR_IO, "the journal '%s' is damaged: what its sweep is cannot be read", state->path);
  return true;
}

static bool read_progress(JournalReader *reader, Err *err) {
  JournalState *state = &reader->state;
  sqlite3_stmt *row = NULL;
  bool ok = sqlite3_prepare_v2(reader->database, "SELECT done, failed, session_done, session_ms, commit_ms, planned, final FROM progress", -1, &row, NULL) == SQLITE_OK &&
            sqlite3_step(row) == SQLITE_ROW;
  if (ok) {
    state->done = (uint64_t)sqlite3_column_int64(row, 0);
    state->failed = (uint64_t)sqlite3_column_int64(row, 1);
    state->last_commit_ms = sqlite3_column_int64(row, 4);
    state->planned = (uint64_t)sqlite3_column_int64(row, 5);
    state->final = sqlite3_column_int(row, 6) != 0;
    int64_t runs = sqlite3_column_int64(row, 0) - sqlite3_column_int64(row, 2), ms = state->last_commit_ms - sqlite3_column_int64(row, 3);
    state->runs_per_s = runs > 0 && ms > 0 ? 1e3 * (double)runs / (double)ms : 0;
  } else {
    reader_fail(reader, err);
  }
  sqlite3_finalize(row);
  return ok;
}

static bool reader_begin(JournalReader *reader, Err *err) {
  int64_t tables;
  if (!open_file(reader, err)) return false;
  if (!reader->state.begun) return true;
  if (!open_database(reader, &tables, err)) return false;
  reader->state.begun = tables > 0;
  if (!reader->state.begun) return true;
  if (!read_plan(reader, err) || !read_progress(reader, err)) return false;
  static const char sql[] = "SELECT run, failed, data FROM run WHERE run > ? ORDER BY run";
  return sqlite3_prepare_v3(reader->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &reader->select, NULL) == SQLITE_OK || reader_fail(reader, err);
}

JournalReader *journal_reader_open(const char *path, Arena *arena, Err *err) {
  JournalReader *reader = ARENA_NEW(arena, JournalReader);
  *reader = (JournalReader){.state = {.path = arena_text(arena, path, strlen(path))}, .file = -1, .arena = arena, .last = -1};
  if (reader_begin(reader, err)) return reader;
  journal_reader_close(reader);
  return NULL;
}

const JournalState *journal_reader_state(const JournalReader *reader) { return &reader->state; }

bool journal_reader_mark(JournalReader *reader, uint64_t *has, uint64_t *twice, Err *err) {
  sqlite3_stmt *list = NULL;
  uint64_t n_runs = reader->state.sweep.n_runs;
  bool ok = sqlite3_prepare_v2(reader->database, JOURNAL_LIST, -1, &list, NULL) == SQLITE_OK;
  int step = SQLITE_ERROR;
  while (ok && (step = sqlite3_step(list)) == SQLITE_ROW) {
    uint64_t run = (uint64_t)sqlite3_column_int64(list, 0), bit = UINT64_C(1) << run % 64;
    ok = run < n_runs;
    if (!ok) break;
    *twice += (has[run / 64] & bit) != 0;
    has[run / 64] |= bit;
  }
  if (step == SQLITE_ROW) err_add(err, ERR_IO, "the journal '%s' is damaged: it holds a run that its sweep does not have", reader->state.path);
  else if (step != SQLITE_DONE) ok = reader_fail(reader, err);
  sqlite3_finalize(list);
  return ok;
}

bool journal_reader_next(JournalReader *reader, EncodedRun *next, Err *err) {
  sqlite3_stmt *select = reader->select;
  if (!select) return false;
  if (reader->since_reset == 0 || reader->since_reset > RUNS_AT_ONCE) {
    sqlite3_reset(select);
    sqlite3_bind_int64(select, 1, reader->last);
    reader->since_reset = 1;
  }
  int step = sqlite3_step(select);
  if (step != SQLITE_ROW) {
    if (step != SQLITE_DONE) reader_fail(reader, err);
    sqlite3_reset(select);
    reader->since_reset = 0;
    return false;
  }
  const void *bytes = sqlite3_column_blob(select, 2);
  reader->last = sqlite3_column_int64(select, 0);
  reader->since_reset++;
  *next = (EncodedRun){(uint64_t)reader->last, (void *)(uintptr_t)bytes, (size_t)sqlite3_column_bytes(select, 2), sqlite3_column_int(select, 1) != 0};
  return bytes || sqlite3_errcode(reader->database) == SQLITE_ROW || reader_fail(reader, err);
}

void journal_reader_rewind(JournalReader *reader) {
  sqlite3_reset(reader->select);
  reader->last = -1;
  reader->since_reset = 0;
}

void journal_reader_close(JournalReader *reader) {
  sqlite3_finalize(reader->select);
  reader->select = NULL;
  (void)sqlite3_close(reader->database);
  reader->database = NULL;
  if (reader->file >= 0) close(reader->file);
  reader->file = -1;
}
