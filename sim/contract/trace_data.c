/* The table of a trace file's fields; see trace_data.h. */
#include "sim/contract/trace_data.h"

const char *const trace_kind_names[] = {"auto", "rows", "counts", NULL};
const char *const trace_gaps_names[] = {"error", "zero", NULL};
const char *const trace_unit_names[] = {"auto", "s", "ms", "us", "ns", "min", "h", NULL};

#define ROW_STRUCT TraceFile
static const Field trace_file_fields[] = {FIELD_ROWS(TRACE_FILE_FIELDS)};
#undef ROW_STRUCT

const Type trace_file_type = FIELD_TYPE("trace", "a trace file", TraceFile, trace_file_fields, NULL);
const Type trace_options_type = {.name = "trace options",
                                 .help = "how to read a trace file",
                                 .size = sizeof(TraceFile),
                                 .field = trace_file_fields + 1,
                                 .n_fields = sizeof trace_file_fields / sizeof trace_file_fields[0] - 1};
