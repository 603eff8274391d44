/* Reading CSV; see csv.h. */
#include "sim/lab/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void csv_begin(Csv *csv, const YamlSource *source, Arena *arena, Err *err) {
  memset(csv, 0, sizeof *csv);
  csv->source = *source;
  csv->arena = arena;
  csv->err = err;
  if (source->length >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0) csv->at = 3;
}

/* ---- errors ---- */

static const char *place_text(const Csv *csv, size_t column, char *buffer, size_t room) {
  char name[CSV_FIELD_BYTES] = "";
  if (csv->has_header && csv->row == 0) snprintf(buffer, room, "header");
  else snprintf(buffer, room, "row %zu", csv->row);
  if (column == CSV_COLUMNS) return buffer;
  size_t length = strlen(buffer);
  if (column < csv->n_header) csv_text(csv, csv->header[column], name);
  snprintf(buffer + length, room - length, name[0] ? ", column %zu (%.40s)" : ", column %zu", column + 1, name);
  return buffer;
}

static bool csv_verror(Csv *csv, size_t column, size_t offset, const char *format, va_list arguments) {
  char place[100], message[300];
  vsnprintf(message, sizeof message, format, arguments);
  return yaml_error(csv->err, ERR_SCENARIO, (YamlMark){&csv->source, offset}, "%s: %s", place_text(csv, column, place, sizeof place), message);
}

bool csv_error(Csv *csv, size_t column, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  csv_verror(csv, column, column < csv->n_fields ? csv->field[column].start : csv->line_start, format, arguments);
  va_end(arguments);
  return false;
}

bool csv_row_error(Csv *csv, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  csv_verror(csv, CSV_COLUMNS, csv->line_start, format, arguments);
  va_end(arguments);
  return false;
}

/* ---- records ---- */

static bool at_end_of_line(const Csv *csv) {
  const char *text = csv->source.text;
  if (csv->at >= csv->source.length || text[csv->at] == '\n') return true;
  return text[csv->at] == '\r' && (csv->at + 1 == csv->source.length || text[csv->at + 1] == '\n');
}

static void skip_end_of_line(Csv *csv) {
  if (csv->at < csv->source.length && csv->source.text[csv->at] == '\r') csv->at++;
  if (csv->at < csv->source.length && csv->source.text[csv->at] == '\n') csv->at++;
}

static bool only_blank_left(const Csv *csv) {
  for (size_t k = csv->at; k < csv->source.length; k++)
    if (!strchr(" \t\r\n", csv->source.text[k]) || csv->source.text[k] == '\0') return false;
  return true;
}

static bool quoted_field(Csv *csv, CsvField *field) {
  const char *text = csv->source.text;
  field->start = ++csv->at;
  while (csv->at < csv->source.length) {
    if (text[csv->at] != '"') csv->at++;
    else if (csv->at + 1 < csv->source.length && text[csv->at + 1] == '"') csv->at += 2;
    else break;
  }
  field->length = csv->at - field->start;
  if (csv->at >= csv->source.length) return csv_row_error(csv, "a quote is not closed");
  csv->at++;
  if (at_end_of_line(csv) || text[csv->at] == ',') return true;
  return csv_row_error(csv, "text stands behind a closing quote");
}

static void plain_field(Csv *csv, CsvField *field) {
  field->start = csv->at;
  while (!at_end_of_line(csv) && csv->source.text[csv->at] != ',') csv->at++;
  field->length = csv->at - field->start;
}

bool csv_next(Csv *csv) {
  csv->line_start = csv->at;
  if (only_blank_left(csv)) return false;
  csv->row++;
  csv->n_fields = 0;
  for (;;) {
    CsvField field;
    if (csv->n_fields == CSV_COLUMNS) return csv_row_error(csv, "more than %d columns", CSV_COLUMNS);
    if (csv->at < csv->source.length && csv->source.text[csv->at] == '"') {
      if (!quoted_field(csv, &field)) return false;
    } else {
      plain_field(csv, &field);
    }
    csv->field[csv->n_fields++] = field;
    if (at_end_of_line(csv)) break;
    csv->at++;
  }
  skip_end_of_line(csv);
  return true;
}

void csv_take_header(Csv *csv) {
  memcpy(csv->header, csv->field, csv->n_fields * sizeof *csv->field);
  csv->n_header = csv->n_fields;
  csv->has_header = true;
  csv->row = 0;
}

bool csv_text(const Csv *csv, CsvField field, char text[CSV_FIELD_BYTES]) {
  const char *from = csv->source.text + field.start;
  size_t n = field.length, to = 0;
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
  char text[CSV_FIELD_BYTES];
  for (size_t k = 0; k < csv->n_header; k++)
    if (csv_text(csv, csv->header[k], text) && text_equal(text, name)) return k;
  return csv->n_header;
}
