/* See journal_format.h. */
#include "sim/lab/journal_format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

JournalFile journal_file_kind(int descriptor) {
  unsigned char header[JOURNAL_HEADER_BYTES];
  ssize_t there = pread(descriptor, header, sizeof header, 0);
  if (there == 0) return JOURNAL_FILE_EMPTY;
  if (there < JOURNAL_HEADER_BYTES || memcmp(header, "SQLite format 3", 16) != 0) return JOURNAL_FILE_FOREIGN;
  uint32_t id = (uint32_t)header[68] << 24 | (uint32_t)header[69] << 16 | (uint32_t)header[70] << 8 | header[71];
  return id == JOURNAL_APPLICATION_ID ? JOURNAL_FILE_OURS : id == TUNING_APPLICATION_ID ? JOURNAL_FILE_TUNING : JOURNAL_FILE_FOREIGN;
}

bool journal_full_path(char path[PATH_MAX], const char *given, Err *err) {
  static const char ending[] = ".journal";
  size_t length = strlen(given), tail = sizeof ending - 1;
  bool has_ending = length > tail && strcmp(given + length - tail, ending) == 0;
  int made = snprintf(path, PATH_MAX, "%s%s", given, has_ending ? "" : ending);
  if (made > 0 && made < PATH_MAX) return true;
  return err_add(err, ERR_IO, "cannot open a journal beside '%.80s...': the path is too long", given);
}

bool journal_path_fail(const char *doing, const char *path, int error, Err *err) {
  char reason[128];
  return err_add(err, ERR_IO, "cannot %s the journal '%s': %s", doing, path, strerror_r(error, reason, sizeof reason));
}

/* The errno behind SQLITE_IOERR: what the file itself remembers, else the last one SQLite saw (which later calls may have changed). */
static int database_errno(sqlite3 *database) {
  int error = 0;
  (void)sqlite3_file_control(database, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
  return error != 0 && error != EAGAIN ? error : sqlite3_system_errno(database);
}

bool journal_database_fail(sqlite3 *database, const char *path, const char *doing, Err *err) {
  int code = sqlite3_errcode(database), error = database_errno(database);
  if (code == SQLITE_FULL) return journal_path_fail(doing, path, ENOSPC, err);
  if (code == SQLITE_NOMEM) return journal_path_fail(doing, path, ENOMEM, err);
  if (code == SQLITE_BUSY) return err_add(err, ERR_IO, "cannot %s the journal '%s': another program holds it locked", doing, path);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) return err_add(err, ERR_IO, "the journal '%s' is damaged; --force starts the sweep anew", path);
  if ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && error != 0) return journal_path_fail(doing, path, error, err);
  return err_add(err, ERR_IO, "cannot %s the journal '%s': %s", doing, path, sqlite3_errmsg(database));
}

bool journal_meta(sqlite3 *database, const char *path, const char *name, const char **value, size_t *length, Arena *arena, Err *err) {
  sqlite3_stmt *get = NULL;
  bool ok = sqlite3_prepare_v2(database, "SELECT value FROM meta WHERE name = ?", -1, &get, NULL) == SQLITE_OK &&
            sqlite3_bind_text(get, 1, name, -1, SQLITE_STATIC) == SQLITE_OK;
  int step = ok ? sqlite3_step(get) : SQLITE_ERROR;
  *value = "";
  size_t there = 0;
  if (step == SQLITE_ROW) {
    const char *bytes = (const char *)sqlite3_column_blob(get, 0);
    there = bytes ? (size_t)sqlite3_column_bytes(get, 0) : 0;
    char *copy = (char *)arena_alloc(arena, there + 1, 1);
    if (there > 0) memcpy(copy, bytes, there);
    *value = copy;
  } else if (step != SQLITE_DONE) {
    ok = journal_database_fail(database, path, "read", err);
  }
  if (length) *length = there;
  sqlite3_finalize(get);
  return ok;
}

int64_t journal_number(sqlite3 *database, const char *sql) {
  sqlite3_stmt *statement = NULL;
  int64_t number = 0;
  if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) number = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return number;
}
