/* Reading parts of a result file: attributes and columns, into arena memory. The first failure adds one error that names the part, later
 * calls do nothing; the owner closes. HDF5 calls come from one thread. */
#ifndef SIM_LAB_H5_READER_H
#define SIM_LAB_H5_READER_H

#include <hdf5.h>

#include "sim/base/arena.h"
#include "sim/base/err.h"

typedef struct H5Reader {
  const char *path;
  hid_t file, string;
  Arena *arena;
  Err *err;
  bool failed;
} H5Reader;

/* Opens a result of headroom in this program's format, or says what the file is instead. */
bool h5_reader_open(H5Reader *reader, const char *path, Arena *arena, Err *err);
void h5_reader_close(H5Reader *reader);
/* "'x.h5' is damaged: /summary/status". Always false. */
bool h5_reader_fail(H5Reader *reader, const char *part);

/* Attributes of the root. A missing text is an error; a missing list is empty, as the writer leaves empty ones out. */
const char *reader_text(H5Reader *reader, const char *name);
int64_t reader_whole(H5Reader *reader, const char *name);
double reader_number(H5Reader *reader, const char *name);
const char *const *reader_texts(H5Reader *reader, const char *name, size_t *count);

bool reader_has(H5Reader *reader, const char *dataset);
/* The lengths of a dataset's axes; false unless it has `rank` of them. */
bool reader_extent(H5Reader *reader, const char *dataset, int rank, hsize_t *extent);
/* Rows [first, first + count) of the first axis, `cells` values a row, as `type` of memory. */
bool reader_rows(H5Reader *reader, const char *dataset, hid_t type, hsize_t first, hsize_t count, hsize_t cells, void *into);
/* The same of a column of texts; empty ones are "". */
bool reader_row_texts(H5Reader *reader, const char *dataset, hsize_t first, hsize_t count, const char **into);

#endif
