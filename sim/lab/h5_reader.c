/* See h5_reader.h. Nothing a file says is believed: lengths are compared with what the caller expects before memory is filled. */
#include "sim/lab/h5_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/lab/store_groups.h"

bool h5_reader_fail(H5Reader *r, const char *part) {
  if (!r->failed) err_add(r->err, ERR_IO, "'%s' is damaged: %s cannot be read", r->path, part);
  r->failed = true;
  return false;
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

/* Whether there is a file to read at all, in the system's words. */
static bool path_readable(const char *path, Err *err) {
  char reason[128];
  struct stat status;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return err_add(err, ERR_IO, "cannot open '%s': %s", path, strerror_r(errno, reason, sizeof reason));
  bool known = fstat(descriptor, &status) == 0;
  close(descriptor);
  if (known && S_ISREG(status.st_mode)) return true;
  return err_add(err, ERR_IO, "cannot open '%s': it is %s", path, known && S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
}

static hid_t file_open(const char *path) {
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(access, false, true); /* results do not change once written; read-only folders cannot be locked */
#endif
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
  H5Pclose(access);
  return file;
}

static bool format_check(H5Reader *r) {
  if (H5Aexists(r->file, "headroom_format") <= 0 || H5Aexists(r->file, "headroom_version") <= 0) {
    r->failed = true;
    return err_add(r->err, ERR_IO, "'%s' is an HDF5 file, but not a result of headroom", r->path);
  }
  int64_t format = reader_whole(r, "headroom_format");
  const char *version = reader_text(r, "headroom_version");
  if (r->failed || format == STORE_FORMAT) return !r->failed;
  r->failed = true;
  return err_add(r->err, ERR_IO, "'%s' was written by headroom %s in format %lld; this one reads format %d", r->path, version, (long long)format, STORE_FORMAT);
}

bool h5_reader_open(H5Reader *r, const char *path, Arena *arena, Err *err) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  *r = (H5Reader){.path = path, .file = H5I_INVALID_HID, .string = H5I_INVALID_HID, .arena = arena, .err = err};
  if (!path_readable(path, err)) return false;
  if (H5Fis_hdf5(path) <= 0) return err_add(err, ERR_IO, "'%s' is not an HDF5 file", path);
  r->file = file_open(path);
  if (r->file < 0) return err_add(err, ERR_IO, "'%s' is damaged: HDF5 cannot open it", path);
  r->string = H5Tcopy(H5T_C_S1);
  H5Tset_size(r->string, H5T_VARIABLE);
  H5Tset_cset(r->string, H5T_CSET_UTF8);
  if (format_check(r)) return true;
  h5_reader_close(r);
  return false;
}

void h5_reader_close(H5Reader *r) {
  if (r->string >= 0) H5Tclose(r->string);
  if (r->file >= 0) H5Fclose(r->file);
  r->string = r->file = H5I_INVALID_HID;
}

/* ---- attributes --------------------------------------------------------------------------------------------------- */

static const char *text_take(H5Reader *r, char *text) {
  const char *copy = text ? arena_text(r->arena, text, strlen(text)) : "";
  if (text) H5free_memory(text);
  return copy;
}

/* Opens an attribute and counts its values; invalid when it is missing. */
static hid_t attribute_open(H5Reader *r, const char *name, hssize_t *count) {
  hid_t attribute = r->failed || H5Aexists(r->file, name) <= 0 ? H5I_INVALID_HID : H5Aopen(r->file, name, H5P_DEFAULT);
  hid_t space = attribute >= 0 ? H5Aget_space(attribute) : H5I_INVALID_HID;
  *count = space >= 0 ? H5Sget_simple_extent_npoints(space) : 0;
  if (space >= 0) H5Sclose(space);
  return attribute;
}

static void attribute_read(H5Reader *r, const char *name, hid_t type, void *into) {
  hssize_t count;
  hid_t attribute = attribute_open(r, name, &count);
  if (attribute < 0 || count != 1 || H5Aread(attribute, type, into) < 0) h5_reader_fail(r, name);
  if (attribute >= 0) H5Aclose(attribute);
}

const char *reader_text(H5Reader *r, const char *name) {
  char *text = NULL;
  attribute_read(r, name, r->string, &text);
  return text_take(r, text);
}

int64_t reader_whole(H5Reader *r, const char *name) {
  int64_t value = 0;
  attribute_read(r, name, H5T_NATIVE_INT64, &value);
  return value;
}

double reader_number(H5Reader *r, const char *name) {
  double value = 0;
  attribute_read(r, name, H5T_NATIVE_DOUBLE, &value);
  return value;
}

const char *const *reader_texts(H5Reader *r, const char *name, size_t *count) {
  hssize_t there;
  hid_t attribute = attribute_open(r, name, &there);
  *count = 0;
  if (attribute < 0) return NULL;
  char **text = ARENA_ARRAY(r->arena, char *, there > 0 ? (size_t)there : 0);
  const char **copy = ARENA_ARRAY(r->arena, const char *, there > 0 ? (size_t)there : 0);
  if (there <= 0 || H5Aread(attribute, r->string, text) < 0) h5_reader_fail(r, name);
  H5Aclose(attribute);
  if (r->failed) return NULL;
  for (hssize_t k = 0; k < there; k++) copy[k] = text_take(r, text[k]);
  *count = (size_t)there;
  return copy;
}

/* ---- datasets ----------------------------------------------------------------------------------------------------- */

bool reader_has(H5Reader *r, const char *dataset) {
  const char *slash = strrchr(dataset, '/');
  if (slash && slash != dataset) {
    const char *group = arena_text(r->arena, dataset, (size_t)(slash - dataset));
    if (H5Lexists(r->file, group, H5P_DEFAULT) <= 0) return false;
  }
  return H5Lexists(r->file, dataset, H5P_DEFAULT) > 0;
}

bool reader_extent(H5Reader *r, const char *name, int rank, hsize_t *extent) {
  if (r->failed) return false;
  hid_t dataset = H5Dopen2(r->file, name, H5P_DEFAULT), space = dataset >= 0 ? H5Dget_space(dataset) : H5I_INVALID_HID;
  bool ok = space >= 0 && H5Sget_simple_extent_ndims(space) == rank && H5Sget_simple_extent_dims(space, extent, NULL) == rank;
  if (space >= 0) H5Sclose(space);
  if (dataset >= 0) H5Dclose(dataset);
  return ok || h5_reader_fail(r, name);
}

/* Selects rows of a dataset of rank 1 or 2 whose rows have `cells` values. */
static bool rows_select(hid_t space, hsize_t first, hsize_t count, hsize_t cells) {
  hsize_t extent[H5S_MAX_RANK], start[H5S_MAX_RANK] = {first}, part[H5S_MAX_RANK], total = 1;
  int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 1 || H5Sget_simple_extent_dims(space, extent, NULL) < 0) return false;
  for (int k = 0; k < rank; k++) part[k] = k ? extent[k] : count;
  for (int k = 1; k < rank; k++) total *= extent[k];
  return total == cells && first + count <= extent[0] && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, part, NULL) >= 0;
}

bool reader_rows(H5Reader *r, const char *name, hid_t type, hsize_t first, hsize_t count, hsize_t cells, void *into) {
  if (r->failed) return false;
  if (count == 0) return true;
  hsize_t total = count * cells;
  hid_t dataset = H5Dopen2(r->file, name, H5P_DEFAULT), space = dataset >= 0 ? H5Dget_space(dataset) : H5I_INVALID_HID;
  hid_t memory = H5Screate_simple(1, &total, NULL);
  bool ok = space >= 0 && memory >= 0 && rows_select(space, first, count, cells) && H5Dread(dataset, type, memory, space, H5P_DEFAULT, into) >= 0;
  if (memory >= 0) H5Sclose(memory);
  if (space >= 0) H5Sclose(space);
  if (dataset >= 0) H5Dclose(dataset);
  return ok || h5_reader_fail(r, name);
}

enum { TEXTS_AT_ONCE = 1024 };

bool reader_row_texts(H5Reader *r, const char *name, hsize_t first, hsize_t count, const char **into) {
  char *text[TEXTS_AT_ONCE];
  for (hsize_t done = 0; done < count;) {
    hsize_t some = count - done < TEXTS_AT_ONCE ? count - done : TEXTS_AT_ONCE;
    memset(text, 0, sizeof text);
    if (!reader_rows(r, name, r->string, first + done, some, 1, text)) return false;
    for (hsize_t k = 0; k < some; k++) into[done + k] = text_take(r, text[k]);
    done += some;
  }
  return true;
}
