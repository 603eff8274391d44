/* Reading JSON Lines; see json_lines.h. Only as much of JSON (RFC 8259) is checked as finding the values needs. */
#include "sim/lab/json_lines.h"

#include <string.h>

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool json_lines_begin(Csv *csv) {
  size_t at = csv->at;
  while (is_blank(csv->window[at]) || (at < csv->end && csv->window[at] == '\n')) at++;
  return at < csv->end && csv->window[at] == '{';
}

/* The whole line into the window; its end. */
static const char *whole_line(Csv *csv) {
  const char *newline;
  while (!(newline = memchr(csv->window + csv->line_start, '\n', csv->end - csv->line_start)))
    if (!csv_refill(csv)) return csv->window + csv->end;
  return newline;
}

static const char *skip_blanks(const char *at) {
  while (is_blank(*at)) at++;
  return at;
}

/* Behind the closing quote, or NULL. Every line ends with a newline, which no text of JSON may hold. */
static const char *skip_text(const char *at) {
  for (at++; *at != '"'; at++) {
    if (*at == '\n') return NULL;
    if (*at == '\\' && *++at == '\n') return NULL;
  }
  return at + 1;
}

/* Behind a list or an object, or NULL. */
static const char *skip_nested(const char *at) {
  for (size_t depth = 0;;) {
    if (*at == '\n') return NULL;
    if (*at == '"') {
      if (!(at = skip_text(at))) return NULL;
      continue;
    }
    if (*at == '[' || *at == '{') depth++;
    if (*at == ']' || *at == '}') depth--;
    at++;
    if (depth == 0) return at;
  }
}

static const char *skip_value(const char *at, const char **start, size_t *length) {
  *start = at;
  if (*at == '"') {
    const char *end = skip_text(at);
    *start = at + 1;
    *length = end ? (size_t)(end - at) - 2 : 0;
    return end;
  }
  if (*at == '[' || *at == '{') {
    at = skip_nested(at);
  } else {
    while (*at != ',' && *at != '}' && *at != '\n' && !is_blank(*at)) at++;
    if (at == *start) return NULL;
  }
  *length = at ? (size_t)(at - *start) : 0;
  return at;
}

static bool same_key(const char *name, const char *key, size_t length) { return strncmp(name, key, length) == 0 && name[length] == '\0'; }

/* The column of a key; usually it stands where it stood in the first object. */
static size_t column_of(const Csv *csv, const char *key, size_t length, size_t guess) {
  if (guess < csv->n_header && same_key(csv->header[guess], key, length)) return guess;
  for (size_t k = 0; k < csv->n_header; k++)
    if (same_key(csv->header[k], key, length)) return k;
  return csv->n_header;
}

static bool take_pair(Csv *csv, const char *key, size_t length, size_t number, CsvField value) {
  if (!csv->has_header) {
    if (csv->n_header == CSV_COLUMNS) return csv_row_error(csv, "more than %d keys", CSV_COLUMNS);
    csv->header[csv->n_header] = arena_text(csv->arena, key, length);
    csv->field[csv->n_header++] = value;
    return true;
  }
  size_t column = column_of(csv, key, length, number);
  if (column < csv->n_header) csv->field[column] = value;
  return true;
}

static bool take_object(Csv *csv, const char *at) {
  static const char broken[] = "not a JSON object on one line";
  if (*at++ != '{') return csv_row_error(csv, broken);
  at = skip_blanks(at);
  for (size_t number = 0; *at != '}'; number++) {
    const char *key = at, *start;
    size_t length;
    if (*at != '"' || !(at = skip_text(at))) return csv_row_error(csv, broken);
    size_t key_length = (size_t)(at - key) - 2;
    at = skip_blanks(at);
    if (*at++ != ':') return csv_row_error(csv, broken);
    at = skip_value(skip_blanks(at), &start, &length);
    if (!at) return csv_row_error(csv, broken);
    if (length == 4 && memcmp(start, "null", 4) == 0) length = 0;
    if (!take_pair(csv, key + 1, key_length, number, (CsvField){(size_t)(start - csv->window), length})) return false;
    at = skip_blanks(at);
    if (*at == ',') at = skip_blanks(at + 1);
    else if (*at != '}') return csv_row_error(csv, broken);
  }
  at = skip_blanks(at + 1);
  return *at == '\n' || csv_row_error(csv, broken);
}

bool json_lines_next(Csv *csv) {
  csv->n_fields = 0;
  for (;;) { /* empty lines hold no record */
    csv->line_start = csv->at;
    csv->lines_before = csv->lines;
    const char *end = whole_line(csv), *at = skip_blanks(csv->window + csv->line_start);
    bool last = (size_t)(end - csv->window) == csv->end;
    csv->at = (size_t)(end - csv->window) + !last;
    csv->lines++;
    if (at < end) break;
    if (last) return false;
  }
  csv->row++;
  for (size_t k = 0; k < csv->n_header; k++) csv->field[k] = (CsvField){csv->line_start, 0};
  csv->n_fields = csv->n_header;
  bool good = take_object(csv, skip_blanks(csv->window + csv->line_start));
  csv->n_fields = csv->n_header;
  if (good) csv->has_header = true;
  return good;
}
