/* See h5_writer.h. HDF5 calls come from one thread. Datasets are created with shuffle (not for single bytes), deflate and
 * Fletcher32 (texts without any: HDF5 allows none there), filled with NaN, 0 or "", and given their dimension scales at once. */
#include "sim/lab/h5_writer.h"

#include <stdio.h>
#include <string.h>

#include <hdf5_hl.h>

#include "sim/base/check.h"
#include "sim/base/hash.h"

static herr_t why_find(unsigned n, const H5E_error2_t *error, void *why) {
  if (n == 0) snprintf((char *)why, WHY_BYTES, "%s: %s", error->func_name, error->desc ? error->desc : "");
  return 0;
}

hid_t h5_keep(H5Writer *writer, hid_t result) {
  if (result < 0 && !writer->failed) {
    writer->failed = true;
    snprintf(writer->why, sizeof writer->why, "unknown");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, why_find, writer->why);
  }
  return result;
}

static size_t cell_bytes(CellKind kind) {
  switch (kind) {
    case CELL_F64: case CELL_I64: case CELL_U64: return 8;
    case CELL_U32: case CELL_I32: return 4;
    case CELL_I8: case CELL_U8: return 1;
    case CELL_TEXT: return TEXT_REFERENCE_BYTES;
  }
  return 1;
}

static hid_t cell_type(const H5Writer *writer, CellKind kind) {
  switch (kind) {
    case CELL_F64: return H5T_IEEE_F64LE;
    case CELL_I64: return H5T_STD_I64LE;
    case CELL_U64: return H5T_STD_U64LE;
    case CELL_U32: return H5T_STD_U32LE;
    case CELL_I32: return H5T_STD_I32LE;
    case CELL_I8: return H5T_STD_I8LE;
    case CELL_U8: return H5T_STD_U8LE;
    case CELL_TEXT: return writer->string;
  }
  return H5I_INVALID_HID;
}

/* ---- attributes --------------------------------------------------------------------------------------------------- */

static void attribute_write(H5Writer *w, hid_t object, const char *name, hid_t type, hid_t memory, size_t count, const void *value) {
  hsize_t length = count;
  hid_t space = h5_keep(w, count == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &length, NULL));
  hid_t attribute = h5_keep(w, H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  if (attribute >= 0) {
    h5_keep(w, H5Awrite(attribute, memory, value));
    H5Aclose(attribute);
  }
  if (space >= 0) H5Sclose(space);
}

void h5_attribute_text(H5Writer *w, hid_t object, const char *name, const char *value) {
  attribute_write(w, object, name, w->string, w->string, 0, &value);
}

void h5_attribute_texts(H5Writer *w, hid_t object, const char *name, const char *const *value, size_t count) {
  if (count > 0) attribute_write(w, object, name, w->string, w->string, count, value);
}

void h5_attribute_number(H5Writer *w, hid_t object, const char *name, double value) {
  attribute_write(w, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 0, &value);
}

void h5_attribute_whole(H5Writer *w, hid_t object, const char *name, int64_t value) {
  attribute_write(w, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, 0, &value);
}

static void describe(H5Writer *w, hid_t dataset, const ColumnSpec *spec) {
  static const double nan_value = __builtin_nan("");
  if (spec->kind == CELL_F64) attribute_write(w, dataset, "_FillValue", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &nan_value);
  if (spec->unit && spec->unit[0]) h5_attribute_text(w, dataset, "units", spec->unit);
  if (spec->help && spec->help[0]) h5_attribute_text(w, dataset, "long_name", spec->help);
  if (spec->n_flags > 0) {
    attribute_write(w, dataset, "flag_values", cell_type(w, spec->kind), H5T_NATIVE_INT, spec->n_flags, spec->flag_value);
    h5_attribute_text(w, dataset, "flag_meanings", spec->flag_meanings);
  }
}

/* ---- groups and datasets ------------------------------------------------------------------------------------------ */

hid_t h5_group(H5Writer *w, const char *name) {
  hid_t creation = h5_keep(w, H5Pcreate(H5P_GROUP_CREATE));
  h5_keep(w, H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
  h5_keep(w, H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
  h5_keep(w, H5Pset_obj_track_times(creation, false));
  hid_t group = h5_keep(w, H5Gcreate2(w->file, name, H5P_DEFAULT, creation, H5P_DEFAULT));
  H5Pclose(creation);
  return group;
}

static hid_t creation_list(H5Writer *w, const ColumnSpec *spec, int rank, const hsize_t *chunk) {
  static const double nan_value = __builtin_nan("");
  hid_t list = h5_keep(w, H5Pcreate(H5P_DATASET_CREATE));
  h5_keep(w, H5Pset_obj_track_times(list, false));
  h5_keep(w, H5Pset_attr_creation_order(list, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
  h5_keep(w, H5Pset_chunk(list, rank, chunk));
  h5_keep(w, H5Pset_alloc_time(list, H5D_ALLOC_TIME_INCR));
  if (spec->kind == CELL_F64) h5_keep(w, H5Pset_fill_value(list, H5T_NATIVE_DOUBLE, &nan_value));
  if (spec->kind == CELL_TEXT) return list; /* HDF5 refuses filters on texts */
  if (cell_bytes(spec->kind) > 1) h5_keep(w, H5Pset_shuffle(list));
  h5_keep(w, H5Pset_deflate(list, CHUNK_LEVEL));
  h5_keep(w, H5Pset_fletcher32(list));
  return list;
}

/* `length` of a growing first axis is what there is now. */
static hid_t dataset_create(H5Writer *w, hid_t group, const ColumnSpec *spec, int rank, const hsize_t *length, bool growing, const hsize_t *chunk) {
  hsize_t limit[COLUMN_RANK];
  for (int k = 0; k < rank; k++) limit[k] = k == 0 && growing ? H5S_UNLIMITED : length[k];
  hid_t space = h5_keep(w, H5Screate_simple(rank, length, limit)), creation = creation_list(w, spec, rank, chunk);
  hid_t access = h5_keep(w, H5Pcreate(H5P_DATASET_ACCESS));
  h5_keep(w, H5Pset_chunk_cache(access, 1, 0, 0)); /* chunks are written whole */
  hid_t dataset = h5_keep(w, H5Dcreate2(group, spec->name, cell_type(w, spec->kind), space, H5P_DEFAULT, creation, access));
  H5Pclose(access);
  H5Pclose(creation);
  H5Sclose(space);
  if (dataset >= 0) describe(w, dataset, spec);
  return dataset;
}

static void scales_attach(H5Writer *w, hid_t dataset, const Dimension *dimension, int rank) {
  for (int k = 0; k < rank && !w->failed; k++) h5_keep(w, H5DSattach_scale(dataset, dimension[k].scale, (unsigned)k));
}

/* Sets the column up and creates its dataset, scales not attached. */
static void column_begin(H5Writer *w, Column *column, hid_t group, const ColumnSpec *spec, const hsize_t *length, int rank, bool growing) {
  CHECK(rank >= 1 && rank <= COLUMN_RANK);
  *column = (Column){.kind = spec->kind, .rank = rank, .row_cells = 1, .growing = growing};
  hsize_t chunk[COLUMN_RANK];
  for (int k = 0; k < rank; k++) chunk[k] = column->extent[k] = length[k];
  for (int k = 1; k < rank; k++) column->row_cells *= (size_t)length[k];
  column->row_bytes = column->row_cells * cell_bytes(spec->kind);
  size_t rows = COLUMN_CHUNK_BYTES / column->row_bytes;
  rows = rows < 1 ? 1 : rows > COLUMN_CHUNK_ROWS ? COLUMN_CHUNK_ROWS : rows;
  if (!growing && rows > length[0]) rows = (size_t)length[0];
  chunk[0] = column->chunk_rows = rows;
  column->buffer = (unsigned char *)arena_alloc(w->arena, rows, column->row_bytes);
  column->dataset = dataset_create(w, group, spec, rank, length, growing, chunk);
}

Dimension dimension_create(H5Writer *w, Column *column, hid_t group, const ColumnSpec *spec, hsize_t length, bool growing) {
  column_begin(w, column, group, spec, &length, 1, growing);
  if (!w->failed) h5_keep(w, H5DSset_scale(column->dataset, spec->name));
  return (Dimension){column->dataset, length, growing};
}

void column_create(H5Writer *w, Column *column, hid_t group, const ColumnSpec *spec, const Dimension *dimension, int rank) {
  hsize_t length[COLUMN_RANK] = {0};
  for (int k = 0; k < rank; k++) length[k] = dimension[k].length;
  column_begin(w, column, group, spec, length, rank, dimension[0].growing);
  scales_attach(w, column->dataset, dimension, rank);
}

static void column_flush(H5Writer *w, Column *column) {
  if (column->filled == 0 || w->failed) return;
  size_t bytes = column->chunk_rows * column->row_bytes, used = column->filled * column->row_bytes;
  memset(column->buffer + used, 0, bytes - used);
  hsize_t offset[COLUMN_RANK] = {column->chunks * column->chunk_rows};
  if (column->growing) {
    column->extent[0] = offset[0] + column->filled;
    h5_keep(w, H5Dset_extent(column->dataset, column->extent));
  }
  if (column->kind == CELL_TEXT) {
    array_write(w, column->dataset, offset, column->buffer, bytes);
  } else {
    size_t element = cell_bytes(column->kind), bound = chunk_bound(&w->maker, bytes);
    if (w->packed_bytes < bound) {
      w->packed = ARENA_ARRAY(w->arena, unsigned char, bound);
      w->packed_bytes = bound;
    }
    array_write(w, column->dataset, offset, w->packed, chunk_make(&w->maker, column->buffer, bytes / element, element, w->packed));
  }
  column->chunks++;
  column->filled = 0;
}

void column_add(H5Writer *w, Column *column, const void *row) {
  memcpy(column->buffer + column->filled * column->row_bytes, row, column->row_bytes);
  if (++column->filled == column->chunk_rows) column_flush(w, column);
}

void column_add_text(H5Writer *w, Column *column, const char *text) {
  TextReference reference = text_keep(w, text);
  column_add(w, column, &reference);
}

void column_skip(H5Writer *w, Column *column) {
  unsigned char *row = column->buffer + column->filled * column->row_bytes;
  memset(row, 0, column->row_bytes);
  if (column->kind == CELL_F64) {
    for (size_t k = 0; k < column->row_cells; k++) ((double *)(void *)row)[k] = __builtin_nan("");
  }
  if (++column->filled == column->chunk_rows) column_flush(w, column);
}

void column_end(H5Writer *w, Column *column) {
  column_flush(w, column);
  array_end(w, column->dataset);
  column->dataset = H5I_INVALID_HID;
}

hid_t array_create(H5Writer *w, hid_t group, const ColumnSpec *spec, const Dimension *dimension, int rank, const hsize_t *chunk) {
  hsize_t length[COLUMN_RANK] = {0};
  for (int k = 0; k < rank; k++) length[k] = dimension[k].length;
  hid_t dataset = dataset_create(w, group, spec, rank, length, false, chunk);
  scales_attach(w, dataset, dimension, rank);
  return dataset;
}

void array_write(H5Writer *w, hid_t array, const hsize_t *offset, const void *bytes, size_t length) {
  if (!w->failed) h5_keep(w, H5Dwrite_chunk(array, H5P_DEFAULT, 0, offset, length, bytes));
}

void array_end(H5Writer *w, hid_t array) {
  if (array >= 0) h5_keep(w, H5Dclose(array));
}

/* ---- texts -------------------------------------------------------------------------------------------------------- */

struct TextEntry {
  const char *text;
  uint64_t hash;
  TextReference reference;
};

static TextReference text_write(H5Writer *w, const char *text) {
  TextReference reference = {{0}};
  if (w->failed) return reference;
  hsize_t offset = w->n_texts, one = 1, extent = offset + 1;
  h5_keep(w, H5Dset_extent(w->texts, &extent));
  hid_t file = h5_keep(w, H5Dget_space(w->texts)), memory = h5_keep(w, H5Screate_simple(1, &one, NULL));
  h5_keep(w, H5Sselect_hyperslab(file, H5S_SELECT_SET, &offset, NULL, &one, NULL));
  h5_keep(w, H5Dwrite(w->texts, w->string, memory, file, H5P_DEFAULT, &text));
  H5Sclose(memory);
  H5Sclose(file);
  uint32_t mask = 0;
  if (!w->failed) h5_keep(w, H5Dread_chunk(w->texts, H5P_DEFAULT, &offset, &mask, reference.bytes));
  w->n_texts++;
  return reference;
}

static void entries_grow(H5Writer *w) {
  size_t slots = w->text_slots ? w->text_slots * 2 : 1024;
  TextEntry **table = ARENA_ARRAY(w->arena, TextEntry *, slots);
  for (size_t k = 0; k < w->text_slots; k++) {
    TextEntry *entry = w->text_slot[k];
    if (!entry) continue;
    size_t at = (size_t)entry->hash & (slots - 1);
    while (table[at]) at = (at + 1) & (slots - 1);
    table[at] = entry;
  }
  w->text_slot = table;
  w->text_slots = slots;
}

TextReference text_keep(H5Writer *w, const char *text) {
  if (!text || !text[0]) return (TextReference){{0}};
  if (w->n_entries * 2 >= w->text_slots) entries_grow(w);
  uint64_t hash = hash_bytes(0, text, strlen(text));
  size_t at = (size_t)hash & (w->text_slots - 1);
  for (; w->text_slot[at]; at = (at + 1) & (w->text_slots - 1)) {
    TextEntry *entry = w->text_slot[at];
    if (entry->hash == hash && strcmp(entry->text, text) == 0) return entry->reference;
  }
  TextEntry *entry = ARENA_NEW(w->arena, TextEntry);
  *entry = (TextEntry){arena_text(w->arena, text, strlen(text)), hash, text_write(w, text)};
  w->text_slot[at] = entry;
  w->n_entries++;
  return entry->reference;
}

TextReference text_once(H5Writer *w, const char *text) {
  return text && text[0] ? text_write(w, text) : (TextReference){{0}};
}

static void texts_create(H5Writer *w) {
  static const ColumnSpec spec = {"text", "", "every distinct text of this file, once; the other groups refer to it", CELL_TEXT, NULL, 0, NULL};
  hsize_t none = 0, one = 1;
  hid_t group = h5_group(w, "texts");
  w->texts = dataset_create(w, group, &spec, 1, &none, true, &one);
  if (group >= 0) H5Gclose(group);
}

/* ---- the writer --------------------------------------------------------------------------------------------------- */

bool h5_writer_begin(H5Writer *w, Vfd *vfd, Arena *arena) {
  *w = (H5Writer){.arena = arena, .vfd = vfd, .file = vfd->file, .texts = H5I_INVALID_HID};
  w->string = h5_keep(w, H5Tcopy(H5T_C_S1));
  h5_keep(w, H5Tset_size(w->string, H5T_VARIABLE));
  h5_keep(w, H5Tset_cset(w->string, H5T_CSET_UTF8));
  if (!chunk_maker_begin(&w->maker, arena)) w->failed = true;
  if (!w->failed) texts_create(w);
  return !w->failed;
}

void h5_writer_end(H5Writer *w) {
  array_end(w, w->texts);
  if (w->string >= 0) H5Tclose(w->string);
  chunk_maker_end(&w->maker);
}
