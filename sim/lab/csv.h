/* A CSV text, record by record (RFC 4180): quoted fields, CRLF or LF, a byte order mark, a missing last newline; trailing blank lines end
 * the text. Fields are slices of the text; errors name row and column and show the line. */
#ifndef SIM_LAB_CSV_H
#define SIM_LAB_CSV_H

#include "sim/lab/yaml.h"

enum { CSV_COLUMNS = 256, CSV_FIELD_BYTES = 128 };

typedef struct CsvField {
  size_t start, length; /* without the quotes around it */
} CsvField;

typedef struct Csv {
  YamlSource source;
  Arena *arena;
  Err *err;
  size_t at;
  size_t row; /* number of the record read last: 0 is the header, where there is one */
  bool has_header;
  size_t line_start; /* of that record */
  CsvField field[CSV_COLUMNS];
  size_t n_fields;
  CsvField header[CSV_COLUMNS];
  size_t n_header;
} Csv;

void csv_begin(Csv *csv, const YamlSource *source, Arena *arena, Err *err);
/* Reads the next record; false at the end, and with an error (csv->err grew) for one that is broken. */
bool csv_next(Csv *csv);
/* Takes the record just read as the header. */
void csv_take_header(Csv *csv);
/* Copies a field, doubled quotes and outer spaces removed; false if it is too long to be a number or an instant. */
bool csv_text(const Csv *csv, CsvField field, char text[CSV_FIELD_BYTES]);
/* The column of a name in the header; csv->n_header if there is none. */
size_t csv_column(const Csv *csv, const char *name);
/* "row 17, column 2 (ContextTokens): ..." at the field. Returns false. */
bool csv_error(Csv *csv, size_t column, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "row 17: ..." at the start of the record. Returns false. */
bool csv_row_error(Csv *csv, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
