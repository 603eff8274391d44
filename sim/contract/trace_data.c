/* The table of a trace file's fields; see trace_data.h. */
#include "sim/contract/trace_data.h"

const char *const trace_kind_names[] = {"rows", "counts", NULL};
const char *const trace_gaps_names[] = {"error", "zero", NULL};
const char *const trace_unit_names[] = {"s", "ms", "us", "ns", NULL};

#define ROW_STRUCT TraceFile
static const Field trace_file_fields[] = {FIELD_ROWS(TRACE_FILE_FIELDS)};
#undef ROW_STRUCT

const Type trace_file_type = FIELD_TYPE("trace", "a trace file", TraceFile, trace_file_fields, NULL);
