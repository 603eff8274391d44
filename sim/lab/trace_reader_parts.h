/* What the files of the trace reader share: trace_reader.c (files, members, records), trace_fields.c (values of a record, columns),
 * trace_series.c (functions and clients). Nobody else includes this. */
#ifndef SIM_LAB_TRACE_READER_PARTS_H
#define SIM_LAB_TRACE_READER_PARTS_H

#include "sim/lab/trace_reader.h"

enum { TRACE_ERRORS = 5, INTERVALS_MOST = 100000000, FIRST_LINE_BYTES = 160 };

/* Places of the columns; CSV_COLUMNS: none. */
typedef struct TracePlaces {
  size_t instant, input, output, count, gpus, gpu_share, lasting, begin, end;
  bool own;         /* instant is headroom's arrival_ns */
  bool consecutive; /* counts without instants */
} TracePlaces;

typedef struct TraceSeries {
  double *value; /* [count] requests of each interval */
  size_t count, capacity, given;
  bool loaded;
} TraceSeries;

struct TraceReader {
  const TraceFile *options;
  bool tolerant;
  Arena *arena;
  Err *err;
  size_t first_error;
  ByteSource *bytes;
  Csv csv;
  char first_line[FIRST_LINE_BYTES];
  bool pending; /* the record just read is data and not yet given */
  TracePlaces place;
  int64_t unit_ns;
  int64_t first_ns, before_ns; /* of the rows given */
  int64_t index;               /* counts: of the interval given last */
  double carried;              /* counts: what rounding left over */
  TraceSeries series;
  double *client_total, *window_cv;
  size_t clients_room, windows_room, n_datasets;
  const char *first_dataset;
  TraceTokens *tokens; /* of the datasets read */
  TraceFacts facts;
};

/* ---- trace_fields.c ---- */

/* Finds the columns in the header that was just read. */
bool trace_places_find(TraceReader *reader);
bool trace_record_whole(TraceReader *reader);
bool trace_field_instant(TraceReader *reader, size_t column, int64_t *ns);
bool trace_field_integer(TraceReader *reader, size_t column, int64_t most, int64_t *value);
/* A number >= 0; empty gives NaN where `may_miss`. `behind`: what may follow it ("" nothing). */
bool trace_field_number(TraceReader *reader, size_t column, const char *behind, bool may_miss, double *value);

/* ---- trace_reader.c ---- */

/* The next record of any member of the file; false at the end or with errors. */
bool trace_next_record(TraceReader *reader);
/* With `repair`: forgets the errors since `errors`, counts the row as left out and returns true. */
bool trace_left_out(TraceReader *reader, size_t errors);

/* ---- trace_series.c ---- */

bool trace_series_load(TraceReader *reader);

#endif
