/* The rows of a trace file, one by one as the file is read, whatever its format: what describing, replaying and fitting have in common.
 * Nothing is left out in silence: a row that cannot be read is an error with its place, or (with `repair`) left out and counted; a member
 * of a tar that is of no known format is counted and named. Memory does not grow with the file; formats that spread an interval over many
 * rows (functions, clients) keep one series of intervals. */
#ifndef SIM_LAB_TRACE_READER_H
#define SIM_LAB_TRACE_READER_H

#include "sim/lab/trace_format.h"
#include "sim/lab/trace_tokens.h"

/* What `first` and `second` are depends on the shape: requests have input and output size, jobs GPUs and duration in seconds, intervals
 * their count of requests. NaN: not in the file. */
typedef struct TraceRow {
  int64_t instant_ns; /* on the file's own clock; since 1970 where facts.dated */
  double first, second;
} TraceRow;

enum { TRACE_REPAIR_BYTES = 300 };

/* Of what was read so far; complete when trace_reader_next has returned false. */
typedef struct TraceFacts {
  const TraceFormat *format;
  TraceShape shape;      /* functions and clients become counts */
  bool has_first, has_second;
  bool dated;            /* instants are dates or Unix times */
  bool keeps_offset;     /* headroom's own: instant 0 is the start, not the first row */
  bool json;
  size_t n_rows;         /* rows given */
  size_t n_records;      /* of the files: functions, windows of clients, or the same as n_rows */
  size_t n_members, n_other; /* of a tar: read, and of no known format */
  const char *other;     /* name of the first of those */
  size_t n_left_out;     /* rows that could not be read, with `repair` */
  char left_out[TRACE_REPAIR_BYTES]; /* what is wrong with the first of them */
  size_t n_backward;     /* rows earlier than the one before */
  size_t n_half_day;     /* ... by 11 to 12 hours, as when noon is read as midnight */
  uint32_t hours;        /* dated: bit h: hour h of the day was seen */
  size_t n_missing;      /* counts in order: intervals without a row */
  int64_t missing_ns;    /* the first of them */
  int64_t interval_ns;   /* counts */
  /* clients */
  size_t n_clients;
  const double *client_total; /* [n_clients] requests of each */
  size_t n_windows;           /* windows with requests, of all clients */
  const double *window_cv;    /* [n_windows] variation of the gaps in each */
  TokenSizes tokens;          /* of their requests */
} TraceFacts;

typedef struct TraceReader TraceReader;

/* tolerant: rows out of order and missing intervals are counted, not errors (for describing). NULL with errors. */
TraceReader *trace_reader_open(const TraceFile *options, bool tolerant, Arena *arena, Err *err);
/* False at the end or with errors (err grew: up to 5 are gathered). */
bool trace_reader_next(TraceReader *reader, TraceRow *row);
const TraceFacts *trace_reader_facts(const TraceReader *reader);
/* Errors of this reader so far? */
bool trace_reader_failed(const TraceReader *reader);
/* An error at the start of the file: "the trace has no rows". Returns false. */
bool trace_reader_error(TraceReader *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trace_reader_close(TraceReader *reader);

#endif
