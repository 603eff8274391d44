/* Errors with their place: file:line:col, the line shortened around it, a caret. Everything fits an ErrItem; a long message is cut before
 * the excerpt is. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/lab/yaml.h"

enum { EXCERPT_COLUMNS = 72, NAME_BYTES = 150, EXCERPT_BYTES = 280 };

/* Bytes of the character at text[0..n): 1 for what is not UTF-8. */
static size_t character_bytes(const char *text, size_t n) {
  unsigned char c = (unsigned char)text[0];
  size_t length = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xc2 && c < 0xe0 ? 2 : 1;
  if (length > n) return 1;
  for (size_t k = 1; k < length; k++)
    if (((unsigned char)text[k] & 0xc0) != 0x80) return 1;
  return length;
}

/* Bounds of the line that holds an offset, without its end. */
static void line_bounds(const YamlSource *source, size_t offset, size_t *start, size_t *end) {
  if (offset > source->length) offset = source->length;
  *start = offset;
  while (*start > 0 && source->text[*start - 1] != '\n') (*start)--;
  if (*start == 0 && source->length >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0) *start = 3;
  const char *newline = memchr(source->text + *start, '\n', source->length - *start);
  *end = newline ? (size_t)(newline - source->text) : source->length;
  if (*end > *start && source->text[*end - 1] == '\r') (*end)--;
}

static size_t count_characters(const char *text, size_t length) {
  size_t count = 0;
  for (size_t at = 0; at < length; at += character_bytes(text + at, length - at)) count++;
  return count;
}

void yaml_position(YamlMark mark, size_t *line, size_t *column) {
  size_t start, end;
  line_bounds(mark.source, mark.offset, &start, &end);
  *line = 1 + mark.source->lines_before;
  for (size_t k = 0; k < start; k++) *line += mark.source->text[k] == '\n';
  *column = 1 + (mark.offset > start ? count_characters(mark.source->text + start, mark.offset - start) : 0);
}

/* Appends to a buffer of `room` bytes; what does not fit is cut. */
static size_t put(char *buffer, size_t room, size_t length, const char *bytes, size_t n) {
  if (n > room - 1 - length) n = room - 1 - length;
  memcpy(buffer + length, bytes, n);
  buffer[length + n] = '\0';
  return length + n;
}

/* Characters [first, first + EXCERPT_COLUMNS) of a line, made printable. Wide text stops early rather than in the middle of a character. */
static size_t put_window(char *buffer, size_t room, size_t length, const char *line, size_t bytes, size_t first) {
  size_t column = 0, limit = length + 180;
  for (size_t at = 0; at < bytes;) {
    size_t n = character_bytes(line + at, bytes - at);
    if (column >= first + EXCERPT_COLUMNS || length + n > limit) return put(buffer, room, length, "...", 3);
    unsigned char c = (unsigned char)line[at];
    bool bad = c < 0x20 || c == 0x7f || (n == 1 && c >= 0x80);
    if (column >= first) length = bad ? put(buffer, room, length, c == '\t' ? " " : "?", 1) : put(buffer, room, length, line + at, n);
    column++;
    at += n;
  }
  return length;
}

/* "\n   12 | the line\n      |     ^" */
static size_t excerpt(char *buffer, YamlMark mark) {
  size_t start, end, line, column;
  line_bounds(mark.source, mark.offset, &start, &end);
  yaml_position(mark, &line, &column);
  size_t first = 0;
  if (column > EXCERPT_COLUMNS - 8) first = column - EXCERPT_COLUMNS / 2;
  size_t length = (size_t)snprintf(buffer, EXCERPT_BYTES, "\n%5zu | %s", line, first > 0 ? "..." : "");
  length = put_window(buffer, EXCERPT_BYTES, length, mark.source->text + start, end - start, first);
  size_t shift = column - 1 - first + (first > 0 ? 3 : 0);
  return length + (size_t)snprintf(buffer + length, EXCERPT_BYTES - length, "\n      | %*s^", (int)shift, "");
}

/* "file:line:col: WHAT: message", the line and a caret, into a buffer of `room` bytes; a long message is cut. */
static void locate(char *located, size_t room, YamlMark mark, const char *what, const char *message) {
  char lines[EXCERPT_BYTES] = "";
  const char *name = mark.source->name;
  size_t name_bytes = strlen(name), length, tail = 0;
  if (mark.source->is_file) {
    size_t line, column;
    yaml_position(mark, &line, &column);
    bool cut = name_bytes > NAME_BYTES;
    tail = excerpt(lines, mark);
    length = (size_t)snprintf(located, room, "%s%s:%zu:%zu: %s: ", cut ? "..." : "", cut ? name + name_bytes - NAME_BYTES : name, line, column, what);
  } else {
    length = (size_t)snprintf(located, room, "%.*s%s: %s: ", NAME_BYTES, name, name_bytes > NAME_BYTES ? "..." : "", what);
  }
  if (tail > room / 2) tail = 0;
  size_t bytes = strlen(message), left = room - 1 - length - tail;
  length = put(located, room, length, message, bytes < left ? bytes : left);
  (void)put(located, room, length, lines, tail);
}

void yaml_locate(ErrItem *item, YamlMark mark) {
  if (item->located || !mark.source) return;
  char located[ERR_MESSAGE_BYTES];
  locate(located, sizeof located, mark, "error", item->message);
  memcpy(item->message, located, strlen(located) + 1);
  item->located = true;
}

bool yaml_error(Err *err, ErrCode code, YamlMark mark, const char *format, ...) {
  char message[ERR_MESSAGE_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  err_add(err, code, "%s", message);
  if (err->count <= ERR_ITEMS) yaml_locate(&err->item[err->count - 1], mark);
  return false;
}

void yaml_warn(Err *err, YamlMark mark, const char *format, ...) {
  char message[ERR_WARNING_BYTES], located[ERR_WARNING_BYTES + EXCERPT_BYTES];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  locate(located, sizeof located, mark, "warning", message);
  err_warn(err, "%s", located);
}
