/* The values of a trace's records: instants, whole numbers, amounts; and where their columns are. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/core/time.h"
#include "sim/lab/inputs.h"
#include "sim/lab/trace_reader_parts.h"
#include "sim/lab/trace_time.h"
#include "sim/run/scenario_graph.h"

/* ---- values ---- */

static bool too_short(TraceReader *reader, size_t column, const char *what) {
  return csv_error(&reader->csv, column, "the %s is missing", what);
}

/* Plain digits, the usual case, without a copy. */
static bool plain_digits(const char *text, size_t length, int64_t *value) {
  int64_t sum = 0;
  if (length == 0 || length > 18) return false;
  for (size_t k = 0; k < length; k++) {
    if (text[k] < '0' || text[k] > '9') return false;
    sum = sum * 10 + (text[k] - '0');
  }
  *value = sum;
  return true;
}

bool trace_field_instant(TraceReader *reader, size_t column, int64_t *ns) {
  Csv *csv = &reader->csv;
  char text[CSV_FIELD_BYTES];
  const char *why = "too long";
  bool good = csv_text(csv, csv->field[column], text);
  if (good && !text[0]) return too_short(reader, column, "instant");
  bool date = good && strlen(text) > 4 && text[4] == '-';
  int64_t unit_ns = reader->place.own && column == reader->place.instant ? 1 : reader->unit_ns;
  if (good) good = date ? parse_date_ns(text, ns, &why) : parse_instant_ns(text, unit_ns, ns, &why);
  if (good && date) reader->facts.dated = true;
  return good || csv_error(csv, column, "`%.40s`: %s", text, why);
}

bool trace_field_integer(TraceReader *reader, size_t column, int64_t most, int64_t *value) {
  Csv *csv = &reader->csv;
  CsvField field = csv->field[column];
  char text[CSV_FIELD_BYTES];
  const char *why = "too long";
  if (plain_digits(csv_start(csv, field), field.length, value) && *value <= most) return true;
  bool good = csv_text(csv, field, text);
  if (good && !text[0]) return too_short(reader, column, "value");
  if (!good || !parse_integer(text, value, &why)) return csv_error(csv, column, "`%.40s`: %s", text, why);
  if (*value >= 0 && *value <= most) return true;
  return csv_error(csv, column, "%s must be from 0 to %lld", text, (long long)most);
}

bool trace_field_number(TraceReader *reader, size_t column, const char *behind, bool may_miss, double *value) {
  Csv *csv = &reader->csv;
  CsvField field = csv->field[column];
  char text[CSV_FIELD_BYTES], *end;
  int64_t whole;
  if (plain_digits(csv_start(csv, field), field.length, &whole) && whole < INT64_C(1) << 53) {
    *value = (double)whole;
    return true;
  }
  if (!csv_text(csv, field, text)) return csv_error(csv, column, "`%.40s`: too long", text);
  *value = NAN;
  if (!text[0]) return may_miss || too_short(reader, column, "value");
  if (text[strspn(text, "0123456789.+-eE;")]) return csv_error(csv, column, "`%.40s`: not a number", text);
  *value = strtod(text, &end);
  if (end == text || !text_equal(end, behind)) return csv_error(csv, column, "`%.40s`: not a number", text);
  if (*value >= 0 && *value <= 1e15) return true;
  return csv_error(csv, column, "%s must be from 0 to 1e15", text);
}

bool trace_record_whole(TraceReader *reader) {
  Csv *csv = &reader->csv;
  if (csv->n_fields == csv->n_header) return true;
  if (csv->n_fields == 1 && csv->field[0].length == 0) return csv_row_error(csv, "an empty line among the rows");
  return csv_row_error(csv, "%zu fields instead of %zu", csv->n_fields, csv->n_header);
}

/* ---- columns ---- */

/* The column of a name. A missing name gives `otherwise`; a name that the header lacks is an error. */
static bool place_of(TraceReader *reader, const char *name, size_t otherwise, size_t *column) {
  Csv *csv = &reader->csv;
  *column = otherwise;
  if (!name) return true;
  *column = csv_column(csv, name);
  if (*column < csv->n_header) return true;
  return csv_row_error(csv, "no column `%.60s`%s", name, csv->has_header ? names_hint(name, csv->header, csv->n_header, csv->arena) : "");
}

/* A column that may be left out where the file uses the name of a published trace, or our own. */
static size_t usual_place(const Csv *csv, const char *published, const char *own) {
  size_t column = csv_column(csv, published);
  if (column == csv->n_header) column = csv_column(csv, own);
  return column < csv->n_header ? column : CSV_COLUMNS;
}

static bool generic_places(TraceReader *reader) {
  Csv *csv = &reader->csv;
  const TraceFile *options = reader->options;
  TracePlaces *place = &reader->place;
  bool counts = reader->facts.shape == SHAPE_COUNTS, good = true;
  place->consecutive = counts && csv->n_header == 1 && !options->time;
  good &= place_of(reader, options->time, 0, &place->instant);
  good &= place_of(reader, options->input, counts ? CSV_COLUMNS : usual_place(csv, "ContextTokens", "input"), &place->input);
  good &= place_of(reader, options->output, counts ? CSV_COLUMNS : usual_place(csv, "GeneratedTokens", "output"), &place->output);
  good &= place_of(reader, options->count, !counts ? CSV_COLUMNS : place->consecutive ? 0 : 1, &place->count);
  good &= place_of(reader, options->duration, CSV_COLUMNS, &place->lasting);
  good &= place_of(reader, options->gpus, CSV_COLUMNS, &place->gpus);
  place->gpu_share = place->begin = place->end = CSV_COLUMNS; /* only published formats have these */
  if (!good) return false;
  if (counts && (options->input || options->output)) return csv_row_error(csv, "counts have no sizes: leave out `input` and `output`");
  if (!counts && options->count) return csv_row_error(csv, "`count` is for `kind: counts`");
  if (counts && !place->consecutive && place->count >= csv->n_header) return csv_row_error(csv, "counts need a second column, or `count: NAME`");
  if ((options->duration || options->gpus) && (counts || options->input || options->output))
    return csv_row_error(csv, "`duration` and `gpus` are for training jobs, which have no counts and no sizes");
  if (options->duration || options->gpus) place->input = place->output = CSV_COLUMNS;
  return true;
}

static bool format_places(TraceReader *reader) {
  const TraceColumns *column = &reader->facts.format->column;
  TracePlaces *place = &reader->place;
  bool counts = reader->facts.shape == SHAPE_COUNTS, bare = counts && !column->time, good = true;
  good &= place_of(reader, column->time, counts ? 0 : CSV_COLUMNS, &place->instant);
  good &= place_of(reader, column->count, bare ? 1 : CSV_COLUMNS, &place->count);
  good &= place_of(reader, column->gpus, CSV_COLUMNS, &place->gpus);
  good &= place_of(reader, column->gpu_share, CSV_COLUMNS, &place->gpu_share);
  good &= place_of(reader, column->duration, CSV_COLUMNS, &place->lasting);
  good &= place_of(reader, column->begin, CSV_COLUMNS, &place->begin);
  good &= place_of(reader, column->end, CSV_COLUMNS, &place->end);
  if (reader->facts.format->shape == SHAPE_REQUESTS && reader->facts.keeps_offset) { /* sizes are optional in our own traces */
    place->input = usual_place(&reader->csv, column->input, column->input);
    place->output = usual_place(&reader->csv, column->output, column->output);
    return good;
  }
  good &= place_of(reader, column->input, CSV_COLUMNS, &place->input);
  good &= place_of(reader, column->output, CSV_COLUMNS, &place->output);
  return good;
}

bool trace_places_find(TraceReader *reader) {
  TraceFacts *facts = &reader->facts;
  TracePlaces *place = &reader->place;
  bool good = facts->format == &trace_format_generic ? generic_places(reader) : format_places(reader);
  if (!good) return false;
  place->own = reader->csv.has_header && place->instant < CSV_COLUMNS && place->instant == csv_column(&reader->csv, "arrival_ns");
  facts->keeps_offset = place->own;
  bool jobs = facts->shape == SHAPE_JOBS, counts = facts->shape == SHAPE_COUNTS;
  facts->has_first = counts || (jobs ? place->gpus : place->input) < CSV_COLUMNS;
  facts->has_second = jobs ? place->lasting < CSV_COLUMNS || place->end < CSV_COLUMNS : place->output < CSV_COLUMNS;
  return true;
}
