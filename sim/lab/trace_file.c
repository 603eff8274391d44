/* A trace as workloads replay it: the rows of the reader in compact columns. Instants are integers relative to the first row;
 * `arrival_ns`, the column of headroom's own traces, keeps its offset, so that replaying a written trace is the same as running its
 * generator. Counts are whole: what rounding leaves over goes to the next interval. */
#include "sim/lab/trace_file.h"

#include <math.h>
#include <string.h>

#include "sim/core/time.h"
#include "sim/lab/trace_rows.h"

#define MOST_NS (INT64_C(1) << 61)

typedef struct Loader {
  const TraceFile *options;
  TraceReader *reader;
  Arena *arena;
  Err *err;
  TraceRows rows; /* in order of time */
  size_t count;
} Loader;

/* The trace ends one mean gap after its last row, so that a repetition keeps the rate; a single row lasts a second. */
static int64_t rows_span_ns(const int64_t *arrival_ns, size_t count) {
  int64_t last = arrival_ns[count - 1], first = arrival_ns[0];
  if (count == 1) return last + NS_PER_S;
  int64_t gap = (last - first) / (int64_t)(count - 1);
  return last + (gap > 0 ? gap : 1);
}

static const uint32_t *sizes(const Loader *loader, bool second, double scale) {
  uint32_t *size = ARENA_ARRAY(loader->arena, uint32_t, loader->count);
  for (size_t k = 0; k < loader->count; k++) {
    double value = (second ? trace_rows_at(&loader->rows, k)->second : trace_rows_at(&loader->rows, k)->first) * scale;
    size[k] = value >= 0 && value <= UINT32_MAX ? (uint32_t)llround(value) : 0;
  }
  return size;
}

static const int64_t *durations(const Loader *loader) {
  int64_t *duration_ns = ARENA_ARRAY(loader->arena, int64_t, loader->count);
  for (size_t k = 0; k < loader->count; k++)
    duration_ns[k] = trace_rows_at(&loader->rows, k)->second >= 0 ? ns_from_double(trace_rows_at(&loader->rows, k)->second * 1e9) : -1;
  return duration_ns;
}

static void rows_to_columns(const Loader *loader, const TraceFacts *facts, TraceData *data) {
  int64_t *arrival_ns = ARENA_ARRAY(loader->arena, int64_t, loader->count);
  int64_t origin_ns = facts->keeps_offset ? 0 : trace_rows_at(&loader->rows, 0)->instant_ns;
  for (size_t k = 0; k < loader->count; k++) arrival_ns[k] = trace_rows_at(&loader->rows, k)->instant_ns - origin_ns;
  data->count = loader->count;
  data->arrival_ns = arrival_ns;
  if (facts->shape == SHAPE_JOBS) {
    if (facts->has_first) data->milligpus = sizes(loader, false, 1000);
    if (facts->has_second) data->duration_ns = durations(loader);
  } else {
    if (facts->has_first) data->input = sizes(loader, false, 1);
    if (facts->has_second) data->output = sizes(loader, true, 1);
  }
  data->span_ns = rows_span_ns(arrival_ns, loader->count);
}

static bool rows_to_intervals(const Loader *loader, const TraceFacts *facts, TraceData *data) {
  int64_t interval_ns = facts->interval_ns, first_ns = trace_rows_at(&loader->rows, 0)->instant_ns;
  size_t count = (size_t)((trace_rows_at(&loader->rows, loader->count - 1)->instant_ns - first_ns) / interval_ns) + 1;
  if (interval_ns > MOST_NS / (int64_t)count) return trace_reader_error(loader->reader, "more than 73 years of intervals");
  double *value = ARENA_ARRAY(loader->arena, double, count), left = 0;
  for (size_t k = 0; k < loader->count; k++) value[(trace_rows_at(&loader->rows, k)->instant_ns - first_ns) / interval_ns] += trace_rows_at(&loader->rows, k)->first;
  int64_t *whole = ARENA_ARRAY(loader->arena, int64_t, count);
  for (size_t k = 0; k < count; k++) {
    whole[k] = llround(fmax(value[k] + left, 0));
    left += value[k] - (double)whole[k];
  }
  data->count = count;
  data->interval_count = whole;
  data->interval_ns = interval_ns;
  data->span_ns = (int64_t)count * interval_ns;
  return true;
}

/* What was done to the rows is said, once a file. */
static void say(const Loader *loader, const TraceFacts *facts) {
  const char *file = loader->options->file;
  if (facts->n_backward > 0)
    err_warn(loader->err, "%.200s: warning: %s%zu row%s earlier than the one before%s; sorted by time, equal instants in the file's order", file,
             facts->format->unsorted ? "" : "repaired: ", facts->n_backward, facts->n_backward == 1 ? " is" : "s are", facts->format->unsorted ? ", as published" : "");
  if (facts->n_left_out > 0)
    err_warn(loader->err, "%.200s: warning: repaired: %zu row%s left out, the first because of: %.250s", file, facts->n_left_out,
             facts->n_left_out == 1 ? " is" : "s are", facts->left_out);
  if (facts->n_missing > 0 && loader->options->repair)
    err_warn(loader->err, "%.200s: warning: repaired: %zu missing interval%s no jobs", file, facts->n_missing, facts->n_missing == 1 ? " has" : "s have");
}

static const TraceData *finish(Loader *loader) {
  const TraceFacts *facts = trace_reader_facts(loader->reader);
  if (facts->shape == SHAPE_SIZES) {
    trace_reader_error(loader->reader, "a trace without instants (%s) cannot be replayed", facts->format->name);
    return NULL;
  }
  if (loader->count == 0) {
    trace_reader_error(loader->reader, facts->json ? "the trace has no rows" : "the trace has a header and no rows");
    return NULL;
  }
  TraceData *data = ARENA_NEW(loader->arena, TraceData);
  data->path = arena_text(loader->arena, loader->options->file, strlen(loader->options->file));
  if (facts->shape != SHAPE_COUNTS) rows_to_columns(loader, facts, data);
  else if (!rows_to_intervals(loader, facts, data)) return NULL;
  say(loader, facts);
  return data;
}

const TraceData *trace_file_load(const TraceFile *options, Arena *arena, Err *err) {
  Arena text_arena = {.exhausted = arena->exhausted};
  Loader loader = {.options = options, .arena = arena, .err = err, .rows = {.arena = &text_arena}};
  const TraceData *data = NULL;
  TraceRow row;
  loader.reader = trace_reader_open(options, false, &text_arena, err);
  if (loader.reader) {
    while (trace_reader_next(loader.reader, &row)) trace_rows_push(&loader.rows, &row);
    if (!trace_reader_failed(loader.reader)) {
      loader.count = loader.rows.count;
      if (trace_reader_facts(loader.reader)->n_backward > 0) trace_rows_sort(&loader.rows);
      data = finish(&loader);
    }
    trace_reader_close(loader.reader);
  }
  arena_free(&text_arena);
  return data;
}
