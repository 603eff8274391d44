/* Gathering errors in a plain value: nothing is allocated, texts are cut at their buffers' ends, errors past the last place are
 * only counted. */
#include "sim/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Copies as much of `from` as fits behind `length` bytes of `to`; returns the new length. */
static size_t copy_cut(char *to, size_t capacity, size_t length, const char *from) {
  size_t more = strlen(from), room = capacity - 1 - length;
  if (more > room) more = room;
  memmove(to + length, from, more);
  to[length + more] = '\0';
  return length + more;
}

static void err_put(Err *err, ErrCode code, const char *path, const char *format, va_list arguments) {
  if (err->count < ERR_ITEMS) {
    ErrItem *item = &err->item[err->count];
    item->code = code;
    item->located = false;
    copy_cut(item->path, sizeof item->path, 0, path);
    if (vsnprintf(item->message, sizeof item->message, format, arguments) < 0) item->message[0] = '\0';
  }
  err->count++;
}

bool err_add(Err *err, ErrCode code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  err_put(err, code, "", format, arguments);
  va_end(arguments);
  return false;
}

bool err_at(Err *err, const char *path, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  err_put(err, ERR_SCENARIO, path, format, arguments);
  va_end(arguments);
  return false;
}

void err_prefix(Err *err, size_t first, const char *prefix) {
  if (prefix[0] == '\0') return;
  size_t kept = err->count < ERR_ITEMS ? err->count : ERR_ITEMS;
  for (size_t k = first; k < kept; k++) {
    ErrItem *item = &err->item[k];
    char joined[ERR_PATH_BYTES];
    size_t length = copy_cut(joined, sizeof joined, 0, prefix);
    if (item->path[0] != '\0' && item->path[0] != '[') length = copy_cut(joined, sizeof joined, length, ".");
    length = copy_cut(joined, sizeof joined, length, item->path);
    memcpy(item->path, joined, length + 1);
  }
}

ErrCode err_code(const Err *err) { return err->count == 0 ? ERR_NONE : err->item[0].code; }

void err_warn(Err *err, const char *format, ...) {
  char text[ERR_WARNING_BYTES];
  va_list arguments;
  va_start(arguments, format);
  if (vsnprintf(text, sizeof text, format, arguments) < 0) text[0] = '\0';
  va_end(arguments);
  size_t length = strlen(text) + 1;
  for (size_t at = 0; at < err->warnings_bytes; at += strlen(err->warnings + at) + 1)
    if (strcmp(err->warnings + at, text) == 0) return;
  err->n_warnings++;
  if (err->warnings_bytes + length > sizeof err->warnings) return;
  memcpy(err->warnings + err->warnings_bytes, text, length);
  err->warnings_bytes += length;
}

void err_clear(Err *err) { err->count = err->n_warnings = err->warnings_bytes = 0; }
