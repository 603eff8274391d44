/* Trace files: CSV into TraceData. Reads what such files mean (CRLF, a byte order mark, quoted fields, a missing last newline, trailing
 * blank lines) and names row and column of everything else. */
#ifndef SIM_LAB_TRACE_FILE_H
#define SIM_LAB_TRACE_FILE_H

#include "sim/contract/trace_data.h"

/* Loads trace->file by trace's options onto the arena; NULL with located errors. */
const TraceData *trace_file_load(const TraceFile *trace, Arena *arena, Err *err);

#endif
