/* Deflate for bytes that are mostly runs of one value, as shuffled counts and constant columns are: one block of the fixed code, runs as
 * matches of distance 1. Some ten times faster there than a search for matches, and as small. RFC 1950 and 1951. */
#ifndef SIM_LAB_DEFLATE_RUNS_H
#define SIM_LAB_DEFLATE_RUNS_H

#include <stdbool.h>
#include <stddef.h>

/* True when seven bytes of eight are what the byte before them is: then deflate_runs gives at most `length` + 16 bytes. */
bool deflate_runs_suit(const unsigned char *bytes, size_t length);
/* Writes a zlib stream of them and returns its length. */
size_t deflate_runs(const unsigned char *bytes, size_t length, unsigned char *out);

#endif
