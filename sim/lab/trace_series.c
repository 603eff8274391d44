/* Formats in which an interval is spread over many rows, summed into one series: Azure's functions (a row a function, a column a minute)
 * and ServeGen's clients (a file a client). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/core/time.h"
#include "sim/lab/trace_reader_parts.h"

enum { MINUTES_A_DAY = 1440, DAYS_MOST = 10000 };

static bool add_to(TraceReader *reader, int64_t index, double requests) {
  TraceSeries *series = &reader->series;
  if (index < 0 || index >= INTERVALS_MOST) return csv_row_error(&reader->csv, "more than %d intervals", INTERVALS_MOST);
  size_t at = (size_t)index;
  if (at >= series->capacity) {
    size_t capacity = series->capacity ? series->capacity : 4096;
    while (capacity <= at) capacity *= 2;
    series->value = arena_grow(reader->arena, series->value, series->count, capacity, sizeof *series->value);
    series->capacity = capacity;
  }
  if (at >= series->count) series->count = at + 1;
  series->value[at] += requests;
  return true;
}

/* ---- functions ---- */

/* "invocations_per_function_md.anon.d07.csv" is day 7, which begins six days after day 1. */
static int64_t day_of(const char *name) {
  int64_t day = 1;
  for (const char *at = name; (at = strstr(at, ".d")); at += 2) {
    char *end;
    long number = strtol(at + 2, &end, 10);
    if (end > at + 2 && number >= 1 && number <= DAYS_MOST && (*end == '.' || *end == ')' || *end == '\0')) day = number;
  }
  return day;
}

static bool take_function(TraceReader *reader) {
  Csv *csv = &reader->csv;
  if (!trace_record_whole(reader)) return false;
  size_t first = csv_column(csv, "1");
  int64_t from = (day_of(bytes_name(reader->bytes)) - 1) * MINUTES_A_DAY;
  int64_t counts[MINUTES_A_DAY];
  if (csv->n_header < first + MINUTES_A_DAY) return csv_row_error(csv, "%d columns of minutes are wanted", MINUTES_A_DAY);
  for (size_t k = 0; k < MINUTES_A_DAY; k++)
    if (!trace_field_integer(reader, first + k, INT64_C(1) << 40, &counts[k])) return false;
  for (size_t k = 0; k < MINUTES_A_DAY; k++)
    if (!add_to(reader, from + (int64_t)k, (double)counts[k])) return false;
  return true;
}

/* ---- clients ---- */

static void client_begin(TraceReader *reader) {
  TraceFacts *facts = &reader->facts;
  if (facts->n_clients == reader->clients_room) {
    size_t room = reader->clients_room ? 2 * reader->clients_room : 64;
    reader->client_total = arena_grow(reader->arena, reader->client_total, facts->n_clients, room, sizeof(double));
    reader->clients_room = room;
  }
  facts->client_total = reader->client_total;
  reader->client_total[facts->n_clients++] = 0;
}

static void window_push(TraceReader *reader, double cv) {
  TraceFacts *facts = &reader->facts;
  if (facts->n_windows == reader->windows_room) {
    size_t room = reader->windows_room ? 2 * reader->windows_room : 4096;
    reader->window_cv = arena_grow(reader->arena, reader->window_cv, facts->n_windows, room, sizeof(double));
    reader->windows_room = room;
  }
  facts->window_cv = reader->window_cv;
  reader->window_cv[facts->n_windows++] = cv;
}

static bool take_window(TraceReader *reader) {
  int64_t start_ns, interval_ns = reader->facts.interval_ns;
  double rate_rps, cv;
  if (!trace_record_whole(reader)) return false;
  if (!trace_field_instant(reader, 0, &start_ns)) return false;
  if (!trace_field_number(reader, 1, "", false, &rate_rps) || !trace_field_number(reader, 2, "", true, &cv)) return false;
  if (start_ns < 0 || start_ns % interval_ns != 0) return csv_error(&reader->csv, 0, "not a multiple of %.9gs", (double)interval_ns / 1e9);
  double requests = rate_rps * (double)interval_ns / 1e9;
  if (!add_to(reader, start_ns / interval_ns, requests)) return false;
  reader->client_total[reader->facts.n_clients - 1] += requests;
  trace_tokens_requests(reader->tokens, bytes_name(reader->bytes), start_ns, requests);
  if (rate_rps > 0 && cv >= 0) window_push(reader, cv);
  return true;
}

bool trace_series_load(TraceReader *reader) {
  bool clients = reader->facts.format->shape == SHAPE_CLIENTS;
  size_t members = 0;
  reader->series.loaded = true;
  while (reader->err->count < reader->first_error + TRACE_ERRORS && (reader->pending || trace_next_record(reader))) {
    size_t errors = reader->err->count;
    reader->pending = false;
    if (clients && reader->facts.n_members != members) client_begin(reader);
    members = reader->facts.n_members;
    if (clients ? take_window(reader) : take_function(reader)) reader->facts.n_records++;
    else if (!trace_left_out(reader, errors)) continue;
  }
  reader->facts.tokens = trace_tokens_sizes(reader->tokens, reader->arena);
  reader->facts.n_members += clients ? reader->n_datasets : 0;
  return !trace_reader_failed(reader);
}
