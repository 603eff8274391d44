/* Rows of jobs and counts per interval out of CSV. Instants are integers relative to the first row; `arrival_ns`, the column of headroom's
 * own traces, keeps its offset, so that replaying a written trace is the same as running its generator. */
#include "sim/lab/trace_file.h"

#include <string.h>

#include "sim/base/units.h"
#include "sim/core/time.h"
#include "sim/lab/csv.h"
#include "sim/lab/inputs.h"
#include "sim/lab/trace_time.h"
#include "sim/run/scenario_graph.h"

#define TRACE_BYTES_MOST ((size_t)8 << 30)
enum { TRACE_ERRORS = 5, INTERVALS_MOST = 100000000 };

static const char own_column[] = "arrival_ns";

typedef struct Columns {
  size_t arrival, input, output, count; /* CSV_COLUMNS: none */
  bool own, consecutive;                /* consecutive: counts without instants */
} Columns;

typedef struct Loader {
  const TraceFile *trace;
  Csv csv;
  Columns columns;
  Arena *arena;
  size_t first_error;
  int64_t origin_ns, before_ns;
  size_t capacity, count;
  int64_t *arrival_ns, *interval_count;
  uint32_t *input, *output;
  int64_t interval_ns;
} Loader;

static bool enough(const Loader *loader) { return loader->csv.err->count >= loader->first_error + TRACE_ERRORS; }
static bool failed(const Loader *loader) { return loader->csv.err->count > loader->first_error; }

/* ---- fields ---- */

static bool field_instant(Loader *loader, int64_t *ns) {
  static const int64_t unit_ns[] = {NS_PER_S, 1000000, 1000, 1};
  Csv *csv = &loader->csv;
  size_t column = loader->columns.arrival;
  char text[CSV_FIELD_BYTES];
  const char *why = "too long";
  bool good = csv_text(csv, csv->field[column], text);
  if (good && !text[0]) return csv_error(csv, column, "the instant is missing");
  bool date = good && strlen(text) > 4 && text[4] == '-';
  if (good) good = date ? parse_date_ns(text, ns, &why) : parse_instant_ns(text, loader->columns.own ? 1 : unit_ns[loader->trace->unit], ns, &why);
  return good || csv_error(csv, column, "`%.40s`: %s", text, why);
}

static bool field_integer(Loader *loader, size_t column, int64_t most, int64_t *value) {
  Csv *csv = &loader->csv;
  char text[CSV_FIELD_BYTES];
  const char *why = "too long";
  bool good = csv_text(csv, csv->field[column], text);
  if (good && !text[0]) return csv_error(csv, column, "the value is missing");
  if (!good || !parse_integer(text, value, &why)) return csv_error(csv, column, "`%.40s`: %s", text, why);
  if (*value >= 0 && *value <= most) return true;
  return csv_error(csv, column, "%s must be from 0 to %lld", text, (long long)most);
}

/* ---- columns ---- */

static bool column_named(Loader *loader, const char *name, size_t otherwise, size_t *column) {
  Csv *csv = &loader->csv;
  *column = otherwise;
  if (!name) return true;
  *column = csv_column(csv, name);
  if (*column < csv->n_header) return true;
  const char **names = ARENA_ARRAY(csv->arena, const char *, csv->n_header);
  for (size_t k = 0; k < csv->n_header; k++) {
    char text[CSV_FIELD_BYTES];
    csv_text(csv, csv->header[k], text);
    names[k] = arena_text(csv->arena, text, strlen(text));
  }
  return csv_row_error(csv, "no column `%.60s`%s", name, names_hint(name, names, csv->n_header, csv->arena));
}

/* Sizes may be left out where the file uses the names of the published LLM traces, or our own. */
static size_t usual_column(const Csv *csv, const char *published, const char *own) {
  size_t column = csv_column(csv, published);
  if (column == csv->n_header) column = csv_column(csv, own);
  return column < csv->n_header ? column : CSV_COLUMNS;
}

static bool first_is_data(Loader *loader) {
  char text[CSV_FIELD_BYTES];
  int64_t ns;
  const char *why;
  if (loader->trace->time || loader->trace->input || loader->trace->output || loader->trace->count) return false;
  if (!csv_text(&loader->csv, loader->csv.field[0], text)) return false;
  return parse_instant_ns(text, 1, &ns, &why) || parse_date_ns(text, &ns, &why);
}

static bool columns_find(Loader *loader) {
  Csv *csv = &loader->csv;
  const TraceFile *trace = loader->trace;
  Columns *columns = &loader->columns;
  bool counts = trace->kind == TRACE_COUNTS, good = true;
  columns->consecutive = counts && csv->n_header == 1 && !trace->time;
  good &= column_named(loader, trace->time, 0, &columns->arrival);
  good &= column_named(loader, trace->input, counts ? CSV_COLUMNS : usual_column(csv, "ContextTokens", "input"), &columns->input);
  good &= column_named(loader, trace->output, counts ? CSV_COLUMNS : usual_column(csv, "GeneratedTokens", "output"), &columns->output);
  good &= column_named(loader, trace->count, !counts ? CSV_COLUMNS : columns->consecutive ? 0 : 1, &columns->count);
  if (!good) return false;
  columns->own = columns->arrival == csv_column(csv, own_column) && csv->has_header;
  if (counts && (trace->input || trace->output)) return csv_row_error(csv, "counts have no sizes: leave out `input` and `output`");
  if (!counts && trace->count) return csv_row_error(csv, "`count` is for `kind: counts`");
  return true;
}

/* ---- rows of jobs ---- */

static bool next_record(Loader *loader) {
  size_t errors = loader->csv.err->count;
  return !enough(loader) && csv_next(&loader->csv) && loader->csv.err->count == errors;
}

static bool record_whole(Loader *loader) {
  Csv *csv = &loader->csv;
  if (csv->n_fields == csv->n_header) return true;
  if (csv->n_fields == 1 && csv->field[0].length == 0) return csv_row_error(csv, "an empty line among the rows");
  return csv_row_error(csv, "%zu fields instead of %zu", csv->n_fields, csv->n_header);
}

/* The instant relative to the first one; they must ascend. */
static bool instant_next(Loader *loader, bool first, int64_t *ns) {
  int64_t absolute_ns;
  if (!field_instant(loader, &absolute_ns)) return false;
  if (first) loader->origin_ns = loader->columns.own ? 0 : absolute_ns;
  if (__builtin_sub_overflow(absolute_ns, loader->origin_ns, ns) || *ns >= INT64_C(1) << 61)
    return csv_error(&loader->csv, loader->columns.arrival, "more than 73 years after the first row");
  if (*ns < (first ? 0 : loader->before_ns))
    return csv_error(&loader->csv, loader->columns.arrival, first ? "an instant must not be negative" : "earlier than the row before; sort the rows");
  loader->before_ns = *ns;
  return true;
}

static bool take_row(Loader *loader) {
  int64_t ns = 0, input = 0, output = 0;
  const Columns *columns = &loader->columns;
  if (!record_whole(loader)) return false;
  bool good = instant_next(loader, loader->count == 0, &ns);
  if (columns->input < CSV_COLUMNS) good &= field_integer(loader, columns->input, UINT32_MAX, &input);
  if (columns->output < CSV_COLUMNS) good &= field_integer(loader, columns->output, UINT32_MAX, &output);
  if (!good) return false;
  loader->arrival_ns[loader->count] = ns;
  if (loader->input) loader->input[loader->count] = (uint32_t)input;
  if (loader->output) loader->output[loader->count] = (uint32_t)output;
  loader->count++;
  return true;
}

static void load_rows(Loader *loader, bool pending) {
  loader->arrival_ns = ARENA_ARRAY(loader->arena, int64_t, loader->capacity);
  if (loader->columns.input < CSV_COLUMNS) loader->input = ARENA_ARRAY(loader->arena, uint32_t, loader->capacity);
  if (loader->columns.output < CSV_COLUMNS) loader->output = ARENA_ARRAY(loader->arena, uint32_t, loader->capacity);
  while (pending || next_record(loader)) {
    pending = false;
    take_row(loader);
  }
}

/* The trace ends one mean gap after its last row, so that a repetition keeps the rate; a single row lasts a second. */
static int64_t rows_span_ns(const Loader *loader) {
  int64_t last = loader->arrival_ns[loader->count - 1], first = loader->arrival_ns[0];
  if (loader->count == 1) return last + NS_PER_S;
  int64_t gap = (last - first) / (int64_t)(loader->count - 1);
  return last + (gap > 0 ? gap : 1);
}

/* ---- counts ---- */

static void counts_push(Loader *loader, int64_t count) {
  if (loader->count == loader->capacity) {
    size_t capacity = loader->capacity ? 2 * loader->capacity : 64;
    loader->interval_count = arena_grow(loader->arena, loader->interval_count, loader->count, capacity, sizeof *loader->interval_count);
    loader->capacity = capacity;
  }
  loader->interval_count[loader->count++] = count;
}

/* Fills up to the interval that begins at ns. */
static bool counts_reach(Loader *loader, int64_t ns) {
  Csv *csv = &loader->csv;
  size_t column = loader->columns.arrival;
  if (loader->interval_ns == 0 && loader->count == 1) loader->interval_ns = ns;
  if (loader->interval_ns == 0 && loader->count > 0) return csv_error(csv, column, "the same instant as the row before");
  if (loader->count == 0) return true;
  if (ns % loader->interval_ns != 0)
    return csv_error(csv, column, "not a whole number of intervals (%.9gs) after the first row", (double)loader->interval_ns / 1e9);
  int64_t index = ns / loader->interval_ns, missing = index - (int64_t)loader->count;
  if (missing < 0) return csv_error(csv, column, "the same interval as a row before");
  if (index >= INTERVALS_MOST) return csv_error(csv, column, "more than %d intervals", INTERVALS_MOST);
  if (missing > 0 && loader->trace->gaps == TRACE_GAPS_ERROR)
    return csv_error(csv, column, "%lld interval%s missing before this row; `gaps: zero` reads them as no jobs", (long long)missing,
                     missing == 1 ? " is" : "s are");
  while (missing-- > 0) counts_push(loader, 0);
  return true;
}

static bool take_count(Loader *loader) {
  int64_t ns = 0, count = 0;
  if (!record_whole(loader)) return false;
  bool good = loader->columns.consecutive || instant_next(loader, loader->count == 0, &ns);
  good &= field_integer(loader, loader->columns.count, INT64_C(1) << 40, &count);
  if (!good || (!loader->columns.consecutive && !counts_reach(loader, ns))) return false;
  counts_push(loader, count);
  return true;
}

static bool load_counts(Loader *loader, bool pending) {
  loader->interval_count = ARENA_ARRAY(loader->arena, int64_t, loader->capacity);
  loader->interval_ns = loader->trace->interval_ns;
  if (!loader->columns.consecutive && loader->columns.count >= loader->csv.n_header)
    return csv_row_error(&loader->csv, "counts need a second column, or `count: NAME`");
  while (pending || next_record(loader)) {
    pending = false;
    take_count(loader);
  }
  if (failed(loader)) return false;
  if (loader->count > 0 && loader->interval_ns == 0)
    return csv_row_error(&loader->csv, "the length of an interval is not known; give `interval: 60s`");
  if (loader->count > 0 && loader->interval_ns > (INT64_C(1) << 61) / (int64_t)loader->count)
    return csv_row_error(&loader->csv, "more than 73 years of intervals");
  return true;
}

/* ---- the file ---- */

static size_t count_lines(const char *text, size_t length) {
  size_t lines = 1;
  for (const char *at = text; (at = memchr(at, '\n', length - (size_t)(at - text))); at++) lines++;
  return lines;
}

static const TraceData *finish(const Loader *loader) {
  bool counts = loader->trace->kind == TRACE_COUNTS;
  TraceData *data = ARENA_NEW(loader->arena, TraceData);
  *data = (TraceData){.path = arena_text(loader->arena, loader->trace->file, strlen(loader->trace->file)),
                      .count = loader->count,
                      .arrival_ns = loader->arrival_ns,
                      .input = loader->input,
                      .output = loader->output,
                      .interval_count = loader->interval_count,
                      .interval_ns = counts ? loader->interval_ns : 0};
  data->span_ns = counts ? (int64_t)loader->count * loader->interval_ns : rows_span_ns(loader);
  return data;
}

static const TraceData *load(Loader *loader) {
  Csv *csv = &loader->csv;
  YamlMark start = {&csv->source, 0};
  if (!csv_next(csv)) {
    if (!failed(loader)) yaml_error(csv->err, ERR_SCENARIO, start, "the trace is empty");
    return NULL;
  }
  bool data_first = first_is_data(loader);
  if (data_first) csv->n_header = csv->n_fields;
  else csv_take_header(csv);
  if (!columns_find(loader)) return NULL;
  loader->capacity = count_lines(csv->source.text, csv->source.length);
  if (loader->trace->kind == TRACE_COUNTS) load_counts(loader, data_first);
  else load_rows(loader, data_first);
  if (failed(loader)) return NULL;
  if (loader->count > 0) return finish(loader);
  yaml_error(csv->err, ERR_SCENARIO, start, "the trace has a header and no rows");
  return NULL;
}

const TraceData *trace_file_load(const TraceFile *trace, Arena *arena, Err *err) {
  Arena text_arena = {.exhausted = arena->exhausted};
  YamlSource source = {.name = trace->file, .is_file = true};
  const TraceData *data = NULL;
  source.text = file_read(trace->file, TRACE_BYTES_MOST, &source.length, &text_arena, err);
  if (source.text) {
    Loader *loader = ARENA_NEW(&text_arena, Loader);
    *loader = (Loader){.trace = trace, .arena = arena, .first_error = err->count};
    csv_begin(&loader->csv, &source, &text_arena, err);
    data = load(loader);
  }
  arena_free(&text_arena);
  return data;
}
