/* Reading CSV; see csv.h. A record is parsed where it stands in the window; where the window ends first, more is read and the record is
 * parsed again. */
#include "sim/lab/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WINDOW_BYTES = 1 << 16 };

void csv_begin(Csv *csv, ByteSource *bytes, Arena *arena, Err *err) {
  char *window = csv->window;
  size_t room = csv->room;
  memset(csv, 0, sizeof *csv);
  csv->bytes = bytes;
  csv->arena = arena;
  csv->err = err;
  csv->room = window ? room : WINDOW_BYTES;
  csv->window = window ? window : arena_alloc(arena, csv->room + 1, 1);
  csv->window[0] = '\n';
  while (csv->end < 3 && csv_refill(csv)) continue;
  if (csv->end >= 3 && memcmp(csv->window, "\xef\xbb\xbf", 3) == 0) csv->at = 3;
}

bool csv_refill(Csv *csv) {
  if (csv->text_ended) return false;
  size_t kept = csv->end - csv->line_start;
  if (csv->line_start > 0) memmove(csv->window, csv->window + csv->line_start, kept);
  for (size_t k = 0; k < csv->n_fields; k++) csv->field[k].start -= csv->line_start;
  csv->at -= csv->line_start;
  csv->line_start = 0;
  csv->end = kept;
  if (kept == csv->room) {
    if (csv->room >= CSV_RECORD_BYTES) return csv_row_error(csv, "a record of more than %d bytes", CSV_RECORD_BYTES);
    csv->window = arena_grow(csv->arena, csv->window, csv->room, 2 * csv->room + 1, 1);
    csv->room *= 2;
  }
  size_t n = bytes_read(csv->bytes, csv->window + csv->end, csv->room - csv->end);
  csv->end += n;
  csv->window[csv->end] = '\n';
  csv->text_ended = n == 0;
  return n > 0;
}

/* ---- errors ---- */

static const char *place_text(const Csv *csv, size_t column, char *buffer, size_t room) {
  if (csv->has_header && csv->row == 0) snprintf(buffer, room, "header");
  else snprintf(buffer, room, "row %zu", csv->row);
  if (column == CSV_COLUMNS) return buffer;
  size_t length = strlen(buffer);
  const char *name = csv->has_header && column < csv->n_header ? csv->header[column] : "";
  snprintf(buffer + length, room - length, name[0] ? ", column %zu (%.40s)" : ", column %zu", column + 1, name);
  return buffer;
}

static void csv_verror(Csv *csv, size_t column, size_t offset, const char *format, va_list arguments) {
  char place[100], message[300];
  vsnprintf(message, sizeof message, format, arguments);
  while (csv->end - csv->line_start < 200 && csv_refill(csv)) continue; /* the line is shown */
  YamlSource source = {.name = bytes_name(csv->bytes),
                       .text = csv->window + csv->line_start,
                       .length = csv->end - csv->line_start,
                       .is_file = true,
                       .lines_before = csv->lines_before};
  yaml_error(csv->err, ERR_SCENARIO, (YamlMark){&source, offset}, "%s: %s", place_text(csv, column, place, sizeof place), message);
}

bool csv_error(Csv *csv, size_t column, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  csv_verror(csv, column, column < csv->n_fields ? csv->field[column].start - csv->line_start : 0, format, arguments);
  va_end(arguments);
  return false;
}

bool csv_row_error(Csv *csv, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  csv_verror(csv, CSV_COLUMNS, 0, format, arguments);
  va_end(arguments);
  return false;
}

/* ---- records ---- */

/* Does the record end at `at`? */
static bool at_end_of_line(const Csv *csv, size_t at) {
  const char *text = csv->window;
  return text[at] == '\n' || (text[at] == '\r' && text[at + 1] == '\n');
}

typedef enum Parsed { PARSED_RECORD, PARSED_TOO_SHORT, PARSED_BROKEN } Parsed;

/* Only blanks from here to the end of the text? Reads on as far as needed. */
static bool only_blank_left(Csv *csv) {
  for (size_t k = csv->at;; k++) {
    while (k - csv->line_start == csv->end - csv->line_start) {
      size_t back = k - csv->line_start;
      if (!csv_refill(csv)) return true;
      k = csv->line_start + back;
    }
    char c = csv->window[k];
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') return false;
  }
}

static Parsed quoted_field(Csv *csv, size_t *at, CsvField *field) {
  const char *text = csv->window;
  size_t k = *at + 1;
  field->start = k;
  for (;; k += 2) {
    const char *quote = memchr(text + k, '"', csv->end - k);
    if (!quote && !csv->text_ended) return PARSED_TOO_SHORT;
    if (!quote) return csv_row_error(csv, "a quote is not closed"), PARSED_BROKEN;
    for (size_t line = k; line < (size_t)(quote - text); line++) csv->lines += text[line] == '\n';
    k = (size_t)(quote - text);
    if (k + 2 >= csv->end && !csv->text_ended) return PARSED_TOO_SHORT;
    if (k + 1 >= csv->end || text[k + 1] != '"') break;
  }
  field->length = k - field->start;
  *at = k + 1;
  if (text[*at] == ',' || at_end_of_line(csv, *at)) return PARSED_RECORD;
  return csv_row_error(csv, "text stands behind a closing quote"), PARSED_BROKEN;
}

static void plain_field(const Csv *csv, size_t *at, CsvField *field) {
  const char *text = csv->window + *at;
  while (*text != ',' && *text != '\n') text++;
  size_t end = (size_t)(text - csv->window);
  field->start = *at;
  *at = end;
  if (*text == '\n' && end > field->start && csv->window[end - 1] == '\r') end--;
  field->length = end - field->start;
}

static Parsed parse_record(Csv *csv) {
  size_t at = csv->at;
  csv->n_fields = 0;
  csv->lines = csv->lines_before;
  for (;;) {
    CsvField field;
    if (csv->n_fields == CSV_COLUMNS) return csv_row_error(csv, "more than %d columns", CSV_COLUMNS), PARSED_BROKEN;
    if (at < csv->end && csv->window[at] == '"') {
      Parsed parsed = quoted_field(csv, &at, &field);
      if (parsed != PARSED_RECORD) return parsed;
      if (at < csv->end && csv->window[at] == '\r') at++;
    } else {
      plain_field(csv, &at, &field);
    }
    if (at >= csv->end && !csv->text_ended) return PARSED_TOO_SHORT;
    csv->field[csv->n_fields++] = field;
    if (csv->window[at] == '\n') break;
    at++;
  }
  csv->lines++;
  csv->at = at < csv->end ? at + 1 : at;
  return PARSED_RECORD;
}

bool csv_next(Csv *csv) {
  size_t errors = csv->err->count;
  csv->line_start = csv->at;
  csv->lines_before = csv->lines;
  char first = csv->window[csv->at];
  bool blank = first == '\n' || first == ' ' || first == '\t' || first == '\r';
  if (blank && only_blank_left(csv)) return false;
  csv->row++;
  for (;;) {
    Parsed parsed = parse_record(csv);
    if (parsed == PARSED_RECORD) return csv->err->count == errors;
    if (parsed == PARSED_BROKEN) return false;
    csv_refill(csv);
    if (csv->err->count > errors) return false;
  }
}

void csv_skip_line(Csv *csv) {
  const char *newline;
  while (!(newline = memchr(csv->window + csv->line_start, '\n', csv->end - csv->line_start)))
    if (!csv_refill(csv)) break;
  csv->at = newline ? (size_t)(newline - csv->window) + 1 : csv->end;
  csv->lines = csv->lines_before + 1;
}

void csv_take_header(Csv *csv) {
  for (size_t k = 0; k < csv->n_fields; k++) {
    char name[CSV_FIELD_BYTES];
    csv_text(csv, csv->field[k], name);
    csv->header[k] = arena_text(csv->arena, name, strlen(name));
  }
  csv->n_header = csv->n_fields;
  csv->has_header = true;
  csv->row = 0;
}

bool csv_text(const Csv *csv, CsvField field, char text[CSV_FIELD_BYTES]) {
  const char *from = csv->window + field.start;
  size_t n = field.length, to = 0;
  if (n > 0 && n < CSV_FIELD_BYTES && from[0] > ' ' && from[n - 1] > ' ' && !memchr(from, '"', n) && !memchr(from, '\0', n)) {
    memcpy(text, from, n);
    text[n] = '\0';
    return true;
  }
  while (n > 0 && (from[n - 1] == ' ' || from[n - 1] == '\t')) n--;
  size_t k = 0;
  while (k < n && (from[k] == ' ' || from[k] == '\t')) k++;
  for (; k < n && to + 1 < CSV_FIELD_BYTES; k++) {
    if (from[k] == '"' && k + 1 < n && from[k + 1] == '"') k++;
    text[to++] = from[k] == '\0' ? '?' : from[k];
  }
  text[to] = '\0';
  return k >= n;
}

size_t csv_column(const Csv *csv, const char *name) {
  for (size_t k = 0; k < csv->n_header && csv->has_header; k++)
    if (text_equal(csv->header[k], name)) return k;
  return csv->n_header;
}
