/* The published formats of traces, one table: how to recognise a file, what its columns mean, their units and their clock. A new format
 * whose rows are one record each is one row of this table. */
#ifndef SIM_LAB_TRACE_FORMAT_H
#define SIM_LAB_TRACE_FORMAT_H

#include "sim/contract/trace_data.h"
#include "sim/lab/csv.h"

/* What a record is. */
typedef enum TraceShape {
  SHAPE_REQUESTS,  /* one request: instant, sizes */
  SHAPE_JOBS,      /* one training job: submission, GPUs, duration */
  SHAPE_COUNTS,    /* the requests of one interval */
  SHAPE_SIZES,     /* one request without an instant */
  SHAPE_FUNCTIONS, /* one function: its requests in each minute of a day, 1440 columns */
  SHAPE_CLIENTS,   /* one interval of one client, a file a client: rate, variation of its gaps */
} TraceShape;

/* Names of columns; NULL: there is none. */
typedef struct TraceColumns {
  const char *time, *input, *output;
  const char *count;
  const char *gpus, *gpu_share;       /* of one GPU, in thousandths */
  const char *duration, *begin, *end; /* a duration, or from begin to end */
  bool arrives_before;                /* the instant is that of the end: the arrival is a duration earlier */
} TraceColumns;

enum { FORMAT_NEEDS = 5 };

typedef struct TraceFormat {
  const char *name, *summary;
  const char *source;            /* where the columns are described */
  TraceShape shape;
  const char *needs[FORMAT_NEEDS]; /* columns that tell it; NULL: recognise() does */
  bool (*recognise)(const Csv *csv); /* by the first record, which is data */
  int64_t unit_ns;               /* of an instant that is a plain number */
  int64_t interval_ns;           /* counts: 0 if the file must tell */
  bool unsorted;                 /* as published */
  TraceColumns column;
} TraceFormat;

extern const TraceFormat trace_formats[];
extern const size_t trace_format_count;
extern const TraceFormat trace_format_generic;

/* The format of a file by its header, or by its first record where csv has no header; NULL if it is none of the table. */
const TraceFormat *trace_format_of(const Csv *csv);
const TraceFormat *trace_format_named(const char *name);
const char *trace_shape_words(TraceShape shape);
/* The table as a page of the reference. */
void trace_formats_page(Text *out);

#endif
