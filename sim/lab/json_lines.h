/* JSON Lines (one object a line) as records of csv.h: the keys of the first object are the header, a key that a later object does not have
 * leaves its field empty, and keys that only later objects have are not looked at. Values are slices: of a text what stands between the
 * quotes (escapes as they are), of anything else the whole of it. */
#ifndef SIM_LAB_JSON_LINES_H
#define SIM_LAB_JSON_LINES_H

#include "sim/lab/csv.h"

/* Does the text begin with an object? To be asked before the first record. */
bool json_lines_begin(Csv *csv);
/* Like csv_next; the first call takes the header, too. */
bool json_lines_next(Csv *csv);

#endif
