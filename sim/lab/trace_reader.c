/* Reading a trace file row by row; see trace_reader.h. */
#include "sim/lab/trace_reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/core/time.h"
#include "sim/lab/json_lines.h"
#include "sim/lab/trace_reader_parts.h"
#include "sim/lab/trace_time.h"

#define DAY_NS (86400 * NS_PER_S)
#define HOUR_NS (3600 * NS_PER_S)
/* Instants, spans and intervals are bounded so that no sum of them overflows. */
#define INSTANT_MOST_NS (INT64_C(1) << 62)
#define APART_MOST_NS (INT64_C(1) << 61)
#define UNIX_SINCE_S INT64_C(800000000) /* plain seconds above this are taken for Unix times, after May 1995 */

static bool enough(const TraceReader *reader) { return reader->err->count >= reader->first_error + TRACE_ERRORS; }
bool trace_reader_failed(const TraceReader *reader) { return reader->err->count > reader->first_error; }
const TraceFacts *trace_reader_facts(const TraceReader *reader) { return &reader->facts; }
static bool lenient(const TraceReader *reader) { return reader->tolerant || reader->options->repair; }

bool trace_reader_error(TraceReader *reader, const char *format, ...) {
  char message[300];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  YamlSource source = {.name = reader->options->file, .text = reader->first_line, .length = strlen(reader->first_line), .is_file = true};
  return yaml_error(reader->err, ERR_SCENARIO, (YamlMark){&source, 0}, "%s", message);
}

bool trace_left_out(TraceReader *reader, size_t errors) {
  TraceFacts *facts = &reader->facts;
  if (!reader->options->repair || reader->err->count == errors) return false;
  if (facts->n_left_out++ == 0) {
    const char *message = reader->err->item[errors < ERR_ITEMS ? errors : ERR_ITEMS - 1].message;
    snprintf(facts->left_out, sizeof facts->left_out, "%.*s", (int)strcspn(message, "\n"), message);
  }
  reader->err->count = errors;
  return true;
}

/* ---- members and their headers ---- */

static bool record_next(TraceReader *reader) { return reader->facts.json ? json_lines_next(&reader->csv) : csv_next(&reader->csv); }

/* Is the record just read data, not a header? Its first field is an instant then. */
static bool first_is_data(TraceReader *reader) {
  const TraceFile *options = reader->options;
  char text[CSV_FIELD_BYTES];
  int64_t ns;
  const char *why;
  if (options->time || options->input || options->output || options->count || options->duration || options->gpus) return false;
  if (!csv_text(&reader->csv, reader->csv.field[0], text)) return false;
  return parse_instant_ns(text, 1, &ns, &why) || parse_date_ns(text, &ns, &why);
}

static void keep_first_line(TraceReader *reader) {
  const char *text = reader->csv.window + reader->csv.line_start;
  size_t n = 0;
  while (n + 1 < FIRST_LINE_BYTES && reader->csv.line_start + n < reader->csv.end && text[n] != '\n' && text[n] != '\r') n++;
  memcpy(reader->first_line, text, n);
  reader->first_line[n] = '\0';
}

static bool columns_named(const TraceFile *options) {
  return options->time || options->input || options->output || options->count || options->duration || options->gpus || options->kind != TRACE_AUTO;
}

/* Which format the file has: the one asked for, the generic one where columns are named, else what the header or first record tells. */
static bool format_choose(TraceReader *reader) {
  const TraceFile *options = reader->options;
  TraceFacts *facts = &reader->facts;
  if (options->format) facts->format = trace_format_named(options->format);
  else if (!columns_named(options)) facts->format = trace_format_of(&reader->csv);
  if (!facts->format && options->format) {
    const char *names[64];
    for (size_t k = 0; k < trace_format_count; k++) names[k] = trace_formats[k].name;
    const char *near = text_nearest(options->format, names, trace_format_count);
    return trace_reader_error(reader, "no format `%.60s`; %s%s%s`headroom describe trace` lists them", options->format,
                              near ? "did you mean `" : "", near ? near : "", near ? "`? " : "");
  }
  if (!facts->format) facts->format = &trace_format_generic;
  bool jobs = facts->format == &trace_format_generic && (options->duration || options->gpus);
  facts->shape = options->kind == TRACE_COUNTS ? SHAPE_COUNTS : jobs ? SHAPE_JOBS : facts->format->shape;
  facts->keeps_offset = facts->format->unit_ns == 1;
  facts->interval_ns = options->interval_ns ? options->interval_ns : facts->format->interval_ns;
  if (facts->interval_ns >= APART_MOST_NS) return trace_reader_error(reader, "an interval of more than 73 years");
  static const int64_t unit_ns[] = {0, NS_PER_S, 1000000, 1000, 1, 60 * NS_PER_S, HOUR_NS};
  reader->unit_ns = options->unit ? unit_ns[options->unit] : facts->format->unit_ns ? facts->format->unit_ns : NS_PER_S;
  return true;
}

static bool is_other_name(const char *name) {
  static const char *const data[] = {".csv)", ".txt)", ".jsonl)", ".tsv)", NULL};
  size_t n = strlen(name);
  for (size_t k = 0; data[k]; k++) {
    size_t length = strlen(data[k]);
    if (n >= length && strcmp(name + n - length, data[k]) == 0) return false;
  }
  return true;
}

static void count_other(TraceReader *reader) {
  if (reader->facts.n_other++ == 0) reader->facts.other = bytes_name(reader->bytes);
}

/* Reads the first record of a member. False: the member is empty (or an error). */
static bool member_begin(TraceReader *reader) {
  Csv *csv = &reader->csv;
  csv_begin(csv, reader->bytes, reader->arena, reader->err);
  reader->facts.json = json_lines_begin(csv);
  if (csv->window[csv->at] == '[' && csv->at < csv->end && !bytes_is_tar(reader->bytes)) {
    keep_first_line(reader);
    return trace_reader_error(reader, "a JSON array; a trace in JSON has one object a line (JSON Lines)");
  }
  if (!record_next(reader)) return false;
  if (!reader->first_line[0]) keep_first_line(reader);
  reader->pending = reader->facts.json || first_is_data(reader);
  if (reader->facts.json) return true;
  if (reader->pending) csv->n_header = csv->n_fields;
  else csv_take_header(csv);
  return true;
}

/* Goes to the next member that has the format of the file. False at the end or with errors. */
static bool member_next(TraceReader *reader) {
  TraceFacts *facts = &reader->facts;
  bool tar = bytes_is_tar(reader->bytes);
  while (bytes_next_member(reader->bytes)) {
    if (tar && (!facts->format || facts->format->shape == SHAPE_CLIENTS) && trace_tokens_is_dataset(bytes_name(reader->bytes))) {
      if (reader->n_datasets++ == 0) reader->first_dataset = bytes_name(reader->bytes);
      if (!trace_tokens_read(reader->tokens, reader->bytes, reader->err)) return false;
      continue;
    }
    if (tar && is_other_name(bytes_name(reader->bytes))) {
      count_other(reader);
      continue;
    }
    if (!member_begin(reader)) {
      if (trace_reader_failed(reader)) return false;
      if (!tar) return trace_reader_error(reader, "the trace is empty");
      count_other(reader);
      continue;
    }
    if (!facts->format && !format_choose(reader)) return false;
    if (tar && facts->format != &trace_format_generic && trace_format_of(&reader->csv) != facts->format) {
      count_other(reader);
      continue;
    }
    facts->n_members++;
    return trace_places_find(reader);
  }
  return false;
}

bool trace_next_record(TraceReader *reader) {
  for (;;) {
    size_t errors = reader->err->count;
    if (record_next(reader)) return true;
    if (reader->err->count > errors) {
      if (!trace_left_out(reader, errors)) return false;
      csv_skip_line(&reader->csv);
    } else {
      if (!member_next(reader)) return false;
      if (reader->pending) return true;
    }
  }
}

/* ---- rows ---- */

/* Notes what the order of instants tells; false with an error where they must ascend. */
static bool order_check(TraceReader *reader, size_t column, int64_t ns) {
  TraceFacts *facts = &reader->facts;
  bool first = facts->n_rows == 0;
  int64_t apart;
  if (first) {
    reader->first_ns = reader->before_ns = ns;
    if (!facts->dated && reader->unit_ns == NS_PER_S && ns / NS_PER_S >= UNIX_SINCE_S) facts->dated = true;
  }
  if (ns >= INSTANT_MOST_NS || ns <= -INSTANT_MOST_NS) return csv_error(&reader->csv, column, "before 1824 or after 2116");
  if (first && facts->keeps_offset && ns < 0) return csv_error(&reader->csv, column, "an instant must not be negative");
  if (__builtin_sub_overflow(ns, facts->keeps_offset ? 0 : reader->first_ns, &apart) || apart >= APART_MOST_NS || apart <= -APART_MOST_NS)
    return csv_error(&reader->csv, column, "more than 73 years after the first row");
  if (ns < reader->before_ns) {
    if (!lenient(reader) && !facts->format->unsorted)
      return csv_error(&reader->csv, column, "earlier than the row before; sort the rows, or give `repair: true`");
    facts->n_backward++;
    int64_t back_ns = reader->before_ns - ns;
    facts->n_half_day += back_ns > 11 * HOUR_NS && back_ns <= 12 * HOUR_NS;
  }
  if (facts->dated) {
    int64_t of_day = ns % DAY_NS;
    facts->hours |= UINT32_C(1) << ((of_day < 0 ? of_day + DAY_NS : of_day) / HOUR_NS);
  }
  return true;
}

static bool take_sizes(TraceReader *reader, TraceRow *row) {
  const TracePlaces *place = &reader->place;
  int64_t input = 0, output = 0;
  bool good = true;
  if (place->input < CSV_COLUMNS) good &= trace_field_integer(reader, place->input, UINT32_MAX, &input);
  if (place->output < CSV_COLUMNS) good &= trace_field_integer(reader, place->output, UINT32_MAX, &output);
  row->first = place->input < CSV_COLUMNS ? (double)input : NAN;
  row->second = place->output < CSV_COLUMNS ? (double)output : NAN;
  return good;
}

/* In seconds, whatever the unit. */
static bool take_duration(TraceReader *reader, double *duration_s) {
  const TracePlaces *place = &reader->place;
  Csv *csv = &reader->csv;
  *duration_s = NAN;
  if (place->lasting < CSV_COLUMNS) {
    if (!trace_field_number(reader, place->lasting, "", true, duration_s)) return false;
    *duration_s *= (double)reader->unit_ns / 1e9;
    return true;
  }
  if (place->end >= CSV_COLUMNS || csv->field[place->begin].length == 0 || csv->field[place->end].length == 0) return true;
  int64_t begin_ns, end_ns;
  if (!trace_field_instant(reader, place->begin, &begin_ns) || !trace_field_instant(reader, place->end, &end_ns)) return false;
  if (end_ns < begin_ns) return csv_error(csv, place->end, "the end is before the beginning");
  *duration_s = (double)((__int128)end_ns - begin_ns) / 1e9;
  return true;
}

static bool take_job(TraceReader *reader, TraceRow *row) {
  const TracePlaces *place = &reader->place;
  double share = 1000;
  row->first = NAN;
  if (place->gpus < CSV_COLUMNS && !trace_field_number(reader, place->gpus, "", false, &row->first)) return false;
  if (place->gpu_share < CSV_COLUMNS && !trace_field_number(reader, place->gpu_share, "", false, &share)) return false;
  if (row->first > 1e6) return csv_error(&reader->csv, place->gpus, "more than 1e6 GPUs");
  if (row->first == 1 && share < 1000) row->first = share / 1000;
  return take_duration(reader, &row->second);
}

/* Counts lie on a grid of intervals that begins with the first row. */
static bool grid_check(TraceReader *reader, int64_t ns) {
  TraceFacts *facts = &reader->facts;
  Csv *csv = &reader->csv;
  size_t column = reader->place.instant;
  int64_t since_ns = ns - reader->first_ns;
  bool first = facts->n_rows == 0;
  if (facts->interval_ns == 0 && facts->n_rows == 1) facts->interval_ns = since_ns > 0 ? since_ns : 0;
  if (first) {
    reader->index = 0;
    return true;
  }
  if (facts->interval_ns == 0) return csv_error(csv, column, "the same instant as the row before");
  if (since_ns % facts->interval_ns != 0)
    return csv_error(csv, column, "not a whole number of intervals (%.9gs) after the first row", (double)facts->interval_ns / 1e9);
  int64_t index = since_ns / facts->interval_ns, missing = index - reader->index - 1;
  if (index >= INTERVALS_MOST || index <= -INTERVALS_MOST) return csv_error(csv, column, "more than %d intervals", INTERVALS_MOST);
  if (missing == -1) return csv_error(csv, column, "the same interval as a row before");
  if (missing > 0 && reader->options->gaps == TRACE_GAPS_ERROR && !lenient(reader))
    return csv_error(csv, column, "%lld interval%s missing before this row; `gaps: zero` reads them as no jobs", (long long)missing,
                     missing == 1 ? " is" : "s are");
  if (missing > 0 && facts->n_missing == 0) facts->missing_ns = reader->first_ns + (reader->index + 1) * facts->interval_ns;
  if (missing > 0) facts->n_missing += (size_t)missing;
  reader->index = index;
  return true;
}

static bool take_count(TraceReader *reader, TraceRow *row) {
  const TracePlaces *place = &reader->place;
  TraceFacts *facts = &reader->facts;
  const char *behind = facts->format->recognise && facts->format->unit_ns == HOUR_NS ? ";" : "";
  int64_t count;
  row->second = NAN;
  if (place->consecutive) {
    if (facts->n_rows >= INTERVALS_MOST) return csv_row_error(&reader->csv, "more than %d intervals", INTERVALS_MOST);
    if (__builtin_mul_overflow((int64_t)facts->n_rows, facts->interval_ns, &row->instant_ns) || row->instant_ns >= APART_MOST_NS)
      return csv_row_error(&reader->csv, "more than 73 years of intervals");
  } else if (!grid_check(reader, row->instant_ns)) {
    return false;
  }
  if (behind[0] || facts->json) {
    if (!trace_field_number(reader, place->count, behind, false, &row->first)) return false;
  } else {
    if (!trace_field_integer(reader, place->count, INT64_C(1) << 40, &count)) return false;
    row->first = (double)count;
  }
  return true;
}

static bool take_row(TraceReader *reader, TraceRow *row) {
  TraceFacts *facts = &reader->facts;
  const TracePlaces *place = &reader->place;
  *row = (TraceRow){0, NAN, NAN};
  if (!trace_record_whole(reader)) return false;
  bool timed = place->instant < CSV_COLUMNS && !place->consecutive, good = true;
  if (timed) good = trace_field_instant(reader, place->instant, &row->instant_ns);
  if (good && facts->format->column.arrives_before) {
    double duration_s;
    if (!take_duration(reader, &duration_s)) return false;
    if (__builtin_sub_overflow(row->instant_ns, ns_from_double(duration_s * 1e9), &row->instant_ns))
      return csv_error(&reader->csv, place->lasting, "longer than there is time");
  }
  if (good && timed) good = order_check(reader, place->instant, row->instant_ns);
  if (facts->shape == SHAPE_COUNTS) good = good && take_count(reader, row);
  else if (facts->shape == SHAPE_JOBS) good = good && take_job(reader, row);
  else good &= take_sizes(reader, row);
  if (good && timed) reader->before_ns = row->instant_ns;
  return good;
}

static bool series_next(TraceReader *reader, TraceRow *row) {
  TraceSeries *series = &reader->series;
  if (!series->loaded && !trace_series_load(reader)) return false;
  if (series->given == series->count) return false;
  *row = (TraceRow){(int64_t)series->given * reader->facts.interval_ns, series->value[series->given], NAN};
  series->given++;
  reader->facts.n_rows++;
  return true;
}

bool trace_reader_next(TraceReader *reader, TraceRow *row) {
  TraceFacts *facts = &reader->facts;
  if (facts->format->shape == SHAPE_FUNCTIONS || facts->format->shape == SHAPE_CLIENTS) return series_next(reader, row);
  while (!enough(reader) && (reader->pending || trace_next_record(reader))) {
    size_t errors = reader->err->count;
    reader->pending = false;
    if (take_row(reader, row)) {
      facts->n_rows++;
      facts->n_records++;
      return true;
    }
    (void)trace_left_out(reader, errors);
  }
  if (!trace_reader_failed(reader) && facts->shape == SHAPE_COUNTS && facts->n_rows > 0 && facts->interval_ns == 0)
    csv_row_error(&reader->csv, "the length of an interval is not known; give `interval: 60s`");
  return false;
}

/* ---- the whole ---- */

TraceReader *trace_reader_open(const TraceFile *options, bool tolerant, Arena *arena, Err *err) {
  TraceReader *reader = ARENA_NEW(arena, TraceReader);
  reader->options = options;
  reader->tolerant = tolerant;
  reader->arena = arena;
  reader->err = err;
  reader->first_error = err->count;
  reader->tokens = trace_tokens_make(arena);
  reader->bytes = bytes_open(options->file, arena, err);
  if (!reader->bytes) return NULL;
  if (member_next(reader)) {
    if (reader->facts.format->shape != SHAPE_CLIENTS && reader->n_datasets > 0) {
      reader->facts.n_other += reader->n_datasets;
      reader->facts.other = reader->first_dataset;
    }
    if (reader->facts.shape == SHAPE_FUNCTIONS || reader->facts.shape == SHAPE_CLIENTS) {
      reader->facts.shape = SHAPE_COUNTS;
      reader->facts.has_first = true;
    }
    return reader;
  }
  if (!trace_reader_failed(reader)) trace_reader_error(reader, "no member of the archive is a trace");
  trace_reader_close(reader);
  return NULL;
}

void trace_reader_close(TraceReader *reader) {
  if (reader->bytes) bytes_close(reader->bytes);
  reader->bytes = NULL;
}
