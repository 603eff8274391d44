/* Writing the parts of a result file: groups, dimensions (HDF5 dimension scales, as netCDF-4 wants them), columns that grow row by row,
 * and arrays whose chunks come ready-made. The first failure is latched in the writer, later calls do nothing harmful, and the owner
 * looks once at the end. Everything is written with creation order tracked and object times off: equal input, equal bytes.
 *
 * Texts are variable-length UTF-8 strings, which HDF5 keeps one by one in a heap. A sweep repeats few texts very often, so each distinct
 * text is written once, into /texts, and the cells of all columns refer to that copy by the same 16 bytes (length, heap address, index)
 * [a cell takes 16 bytes instead of some 80]. */
#ifndef SIM_LAB_H5_WRITER_H
#define SIM_LAB_H5_WRITER_H

#include "sim/lab/chunk.h"
#include "sim/lab/vfd.h"

enum { TEXT_REFERENCE_BYTES = 16, COLUMN_RANK = 3, COLUMN_CHUNK_BYTES = 65536, COLUMN_CHUNK_ROWS = 4096, WHY_BYTES = 160 };

typedef struct TextReference {
  unsigned char bytes[TEXT_REFERENCE_BYTES];
} TextReference;

typedef struct TextEntry TextEntry;

typedef struct H5Writer {
  Arena *arena;
  Vfd *vfd;
  hid_t file, string, texts; /* texts: the dataset /texts/text */
  hsize_t n_texts;
  TextEntry **text_slot; /* by hash */
  size_t text_slots, n_entries;
  ChunkMaker maker;
  unsigned char *packed; /* one chunk, filtered */
  size_t packed_bytes;
  bool failed;
  char why[WHY_BYTES];
} H5Writer;

typedef enum CellKind { CELL_F64, CELL_I64, CELL_U64, CELL_U32, CELL_I32, CELL_I8, CELL_U8, CELL_TEXT } CellKind;

/* A dimension: its scale (the dataset of its coordinate) and length. A growing one has length 0 here and no limit in the file. */
typedef struct Dimension {
  hid_t scale;
  hsize_t length;
  bool growing;
} Dimension;

typedef struct ColumnSpec {
  const char *name, *unit, *help; /* unit "" or NULL: none */
  CellKind kind;
  const int *flag_value; /* with flag_meanings: what the codes mean (as many values as words) */
  size_t n_flags;
  const char *flag_meanings;
} ColumnSpec;

/* A dataset filled by appending rows of its first dimension; a row is everything below it. */
typedef struct Column {
  hid_t dataset;
  CellKind kind;
  int rank;
  size_t row_cells, row_bytes, chunk_rows, filled;
  hsize_t chunks; /* written */
  hsize_t extent[COLUMN_RANK];
  bool growing;
  unsigned char *buffer;
} Column;

bool h5_writer_begin(H5Writer *writer, Vfd *vfd, Arena *arena);
void h5_writer_end(H5Writer *writer); /* closes all but the file */
/* Takes the result of an HDF5 call, latches a failure and its reason. */
hid_t h5_keep(H5Writer *writer, hid_t result);

hid_t h5_group(H5Writer *writer, const char *name);
void h5_attribute_text(H5Writer *writer, hid_t object, const char *name, const char *value);
void h5_attribute_texts(H5Writer *writer, hid_t object, const char *name, const char *const *value, size_t count); /* none: no attribute */
void h5_attribute_number(H5Writer *writer, hid_t object, const char *name, double value);
void h5_attribute_whole(H5Writer *writer, hid_t object, const char *name, int64_t value);

/* A text's cell. text_keep remembers it, text_once (for texts that hardly repeat) does not. "" and NULL need nothing. */
TextReference text_keep(H5Writer *writer, const char *text);
TextReference text_once(H5Writer *writer, const char *text);

/* A one-dimensional column that is a dimension's coordinate. */
Dimension dimension_create(H5Writer *writer, Column *column, hid_t group, const ColumnSpec *spec, hsize_t length, bool growing);
void column_create(H5Writer *writer, Column *column, hid_t group, const ColumnSpec *spec, const Dimension *dimension, int rank);
void column_add(H5Writer *writer, Column *column, const void *row);
void column_add_text(H5Writer *writer, Column *column, const char *text); /* text_keep, then column_add */
void column_skip(H5Writer *writer, Column *column);                       /* a row of fill values: NaN, 0, "" */
void column_end(H5Writer *writer, Column *column);                        /* writes what is buffered and closes */

/* A dataset whose chunks (of `chunk` cells an axis) come ready-made. */
hid_t array_create(H5Writer *writer, hid_t group, const ColumnSpec *spec, const Dimension *dimension, int rank, const hsize_t *chunk);
void array_write(H5Writer *writer, hid_t array, const hsize_t *offset, const void *bytes, size_t length);
void array_end(H5Writer *writer, hid_t array);

#endif
