/* The bytes of a file as they are read, once and from front to back: plain, gzip (.gz), tar, or tar in gzip (.tar.gz), told by what is
 * in the file, not by its name. A tar has members, anything else is one member. Memory does not depend on the file. */
#ifndef SIM_LAB_BYTE_SOURCE_H
#define SIM_LAB_BYTE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/base/arena.h"
#include "sim/base/err.h"

typedef struct ByteSource ByteSource;

/* NULL with an error that is not located. bytes_close gives the file back; memory is the arena's. */
ByteSource *bytes_open(const char *path, Arena *arena, Err *err);
/* Goes to the next member, the first one after bytes_open. False behind the last, or with an error (err grew). */
bool bytes_next_member(ByteSource *source);
/* "trace.csv.gz", or "traces.tar.gz(folder/chunk-0-trace.csv)" for a member of a tar. */
const char *bytes_name(const ByteSource *source);
bool bytes_is_tar(const ByteSource *source);
/* Up to `room` bytes of the member; 0 at its end, or with an error (err grew). */
size_t bytes_read(ByteSource *source, char *buffer, size_t room);
void bytes_close(ByteSource *source);

#endif
