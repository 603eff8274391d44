/* Records of a text, one by one as it is read: CSV (RFC 4180: quoted fields, CRLF or LF, a byte order mark, a missing last newline;
 * trailing blank lines end the text), or JSON Lines (json_lines.h fills the same record). Fields are slices of a window on the text, valid
 * until the next record; memory is that of the longest record. Errors name row and column and show the line. */
#ifndef SIM_LAB_CSV_H
#define SIM_LAB_CSV_H

#include "sim/lab/byte_source.h"
#include "sim/lab/yaml.h"

enum { CSV_COLUMNS = 2048, CSV_FIELD_BYTES = 128, CSV_RECORD_BYTES = 1 << 26 };

typedef struct CsvField {
  size_t start, length; /* in the window, without the quotes around it */
} CsvField;

typedef struct Csv {
  ByteSource *bytes;
  Arena *arena;
  Err *err;
  char *window; /* [0, end) is there, then a newline that is not of the text */
  size_t room, end, at;
  bool text_ended;
  size_t row; /* number of the record read last: 0 is the header, where there is one */
  bool has_header;
  size_t line_start, lines_before, lines; /* of that record: where it begins, lines in front of it, lines up to its end */
  CsvField field[CSV_COLUMNS];
  size_t n_fields;
  const char *header[CSV_COLUMNS];
  size_t n_header;
} Csv;

/* The member that `bytes` stands at. Memory of a former use of the same Csv is used again. */
void csv_begin(Csv *csv, ByteSource *bytes, Arena *arena, Err *err);
/* Reads the next record; false at the end, and with an error (csv->err grew) for one that is broken. */
bool csv_next(Csv *csv);
/* Makes the text of the record at csv->at longer; false when there is no more (or with an error). */
bool csv_refill(Csv *csv);
/* Skips a broken record up to the end of its line. */
void csv_skip_line(Csv *csv);
/* Takes the record just read as the header. */
void csv_take_header(Csv *csv);
/* The text of a field in the window; it does not end with a NUL. */
static inline const char *csv_start(const Csv *csv, CsvField field) { return csv->window + field.start; }
/* Copies a field, doubled quotes and outer spaces removed; false if it is too long to be a number or an instant. */
bool csv_text(const Csv *csv, CsvField field, char text[CSV_FIELD_BYTES]);
/* The column of a name in the header; csv->n_header if there is none. */
size_t csv_column(const Csv *csv, const char *name);
/* "row 17, column 2 (ContextTokens): ..." at the field. Returns false. */
bool csv_error(Csv *csv, size_t column, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* "row 17: ..." at the start of the record. Returns false. */
bool csv_row_error(Csv *csv, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
