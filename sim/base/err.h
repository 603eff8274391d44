/* Err collects what went wrong: the user's input (with its place) or the world (disk, memory). Several errors may be gathered in
 * one go. Functions that can fail return bool and take an Err *; they add at least one item when they return false.
 * Caller owns the Err (a plain value, no allocation); at most ERR_ITEMS are kept, the rest are counted. */
#ifndef SIM_BASE_ERR_H
#define SIM_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/* The values are the program's exit codes. */
typedef enum ErrCode {
  ERR_NONE = 0,
  ERR_RUN = 1,      /* a run failed */
  ERR_USAGE = 2,    /* the command line */
  ERR_SCENARIO = 3, /* what a scenario or a trace file says */
  ERR_IO = 4,       /* what cannot be opened, read or written; no memory */
  ERR_INTERRUPTED = 130
} ErrCode;

enum { ERR_ITEMS = 20, ERR_PATH_BYTES = 200, ERR_MESSAGE_BYTES = 1200 };

/* One error. `path` is the place inside a scenario ("deployments.chat.pool", "sweep[0].set"); the decoder turns it into
 * file:line:col and a caret. `message` is one or more whole lines without a final newline. */
typedef struct ErrItem {
  ErrCode code;
  bool located; /* message already begins with file:line:col */
  char path[ERR_PATH_BYTES];
  char message[ERR_MESSAGE_BYTES];
} ErrItem;

enum { ERR_WARNINGS_BYTES = 40000, ERR_WARNING_BYTES = 600 };

typedef struct Err {
  ErrItem item[ERR_ITEMS];
  size_t count; /* all errors added, may exceed ERR_ITEMS */
  char warnings[ERR_WARNINGS_BYTES]; /* whole texts one after the other, each with its NUL; what is wrong in them changes no result */
  size_t warnings_bytes;             /* of them */
  size_t n_warnings;                 /* all, those too that found no room */
} Err;

/* Adds an error of the given code; printf-like. Always returns false, so `return err_add(...)` reads well. */
bool err_add(Err *err, ErrCode code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Adds a scenario error at a path relative to the value being checked; the decoder prefixes the path of that value. */
bool err_at(Err *err, const char *path, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Prefixes the paths of items first..count-1 ("a" + "b" = "a.b"; a path that starts with '[' is joined without a dot). */
void err_prefix(Err *err, size_t first, const char *prefix);
/* The code of the first error, ERR_NONE if there is none. */
ErrCode err_code(const Err *err);
/* Adds a warning; equal ones count once. */
void err_warn(Err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Forgets all errors and warnings. */
void err_clear(Err *err);

#endif
