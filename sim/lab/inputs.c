/* Finding and identifying input files; see inputs.h. */
#include "sim/lab/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/text.h"
#include "sim/lab/trace_file.h"

enum { READ_BYTES = 1 << 16 };

const char *path_folder(const char *path, Arena *arena) {
  const char *slash = strrchr(path, '/');
  return slash ? arena_text(arena, path, (size_t)(slash + 1 - path)) : "";
}

/* Opens a file for reading; -1 with errno (EISDIR for a folder). */
static int open_file(const char *path) {
  struct stat status;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  if (fstat(file, &status) == 0 && !S_ISDIR(status.st_mode)) return file;
  int error = S_ISDIR(status.st_mode) ? EISDIR : errno;
  close(file);
  errno = error;
  return -1;
}

static ssize_t read_some(int file, void *bytes, size_t room) {
  ssize_t n;
  do n = read(file, bytes, room);
  while (n < 0 && errno == EINTR);
  return n;
}

const char *file_read(const char *path, size_t most, size_t *length, Arena *arena, Err *err) {
  int file = open_file(path);
  if (file < 0) {
    err_add(err, ERR_IO, "cannot open %.200s: %s", path, strerror(errno));
    return NULL;
  }
  size_t capacity = READ_BYTES;
  char *text = arena_alloc(arena, capacity, 1);
  ssize_t n;
  *length = 0;
  while ((n = read_some(file, text + *length, capacity - *length - 1)) > 0) {
    *length += (size_t)n;
    if (*length > most) break;
    if (*length + 1 < capacity) continue;
    text = arena_grow(arena, text, *length, capacity * 2, 1);
    capacity *= 2;
  }
  if (n < 0) err_add(err, ERR_IO, "cannot read %.200s: %s", path, strerror(errno));
  if (n > 0) err_add(err, ERR_IO, "%.200s is larger than %zu bytes", path, most);
  close(file);
  text[*length] = '\0';
  return n ? NULL : text;
}

/* ---- finding ---- */

const char *inputs_resolve(const Inputs *inputs, const char *name, YamlMark mark, Arena *arena, Err *err) {
  static const char variable[] = "${HEADROOM_DATA}";
  size_t n = sizeof variable - 1;
  if (strncmp(name, variable, n) == 0) {
    const char *data = getenv("HEADROOM_DATA");
    if (data && *data) return arena_format(arena, "%s%s", data, name + n);
    yaml_error(err, ERR_IO, mark, "HEADROOM_DATA is not set; export HEADROOM_DATA=FOLDER, the folder that holds the real data");
    return NULL;
  }
  return name[0] == '/' ? name : arena_format(arena, "%s%s", inputs->folder, name);
}

/* SHA-256 of a stream, so that large traces need no memory. False with errno. */
static bool identify(const char *path, SweepInput *input) {
  struct stat status;
  if (stat(path, &status) != 0) return false;
  if (!S_ISREG(status.st_mode)) { /* a pipe could not be read twice, and /dev/zero never ends */
    errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    return false;
  }
  int file = open_file(path);
  if (file < 0) return false;
  unsigned char bytes[READ_BYTES];
  SHA2_CTX context;
  SHA256Init(&context);
  ssize_t n;
  while ((n = read_some(file, bytes, sizeof bytes)) > 0) {
    SHA256Update(&context, bytes, (size_t)n);
    input->bytes += (uint64_t)n;
  }
  int error = errno;
  close(file);
  errno = error;
  SHA256End(&context, input->sha256);
  return n == 0;
}

static const char *inputs_add(Inputs *inputs, const char *name, const char *resolved, const SweepInput *found) {
  size_t n = inputs->n_inputs;
  if (n == inputs->capacity) {
    inputs->capacity = n ? 2 * n : 4;
    inputs->input = arena_grow(inputs->arena, inputs->input, n, inputs->capacity, sizeof *inputs->input);
    inputs->resolved = arena_grow(inputs->arena, inputs->resolved, n, inputs->capacity, sizeof *inputs->resolved);
  }
  inputs->input[n] = *found;
  inputs->input[n].path = arena_text(inputs->arena, name, strlen(name));
  inputs->resolved[n] = arena_text(inputs->arena, resolved, strlen(resolved));
  inputs->n_inputs++;
  return inputs->resolved[n];
}

static const char *inputs_known(const Inputs *inputs, const char *name, const char *resolved) {
  for (size_t k = 0; k < inputs->n_inputs; k++)
    if (text_equal(inputs->input[k].path, name) && text_equal(inputs->resolved[k], resolved)) return inputs->resolved[k];
  return NULL;
}

const char *inputs_file(Inputs *inputs, const char *name, YamlMark mark, Arena *arena, Err *err) {
  const char *resolved = inputs_resolve(inputs, name, mark, arena, err), *known = resolved ? inputs_known(inputs, name, resolved) : NULL;
  if (!resolved || known) return known;
  SweepInput found = {0};
  if (!identify(resolved, &found)) {
    int error = errno;
    yaml_error(err, ERR_IO, mark, "cannot read `%.150s`: %s", resolved, strerror(error));
    return NULL;
  }
  return inputs->closed ? resolved : inputs_add(inputs, name, resolved, &found);
}

const char *inputs_given(Inputs *inputs, const char *name, Err *err) {
  const char *known = inputs_known(inputs, name, name);
  SweepInput found = {0};
  if (known) return known;
  if (!identify(name, &found)) {
    err_add(err, ERR_IO, "cannot read %.200s: %s", name, strerror(errno));
    return NULL;
  }
  return inputs->closed ? name : inputs_add(inputs, name, name, &found);
}

/* ---- traces ---- */

/* Do two traces say the same in every field of the table? */
static bool same_options(const TraceFile *a, const TraceFile *b) {
  for (size_t k = 0; k < trace_file_type.n_fields; k++) {
    const Field *field = &trace_file_type.field[k];
    const char *left = (const char *)a + field->offset, *right = (const char *)b + field->offset;
    bool same;
    if (field->kind == FIELD_TEXT || field->kind == FIELD_FILE) same = text_equal(*(const char *const *)left, *(const char *const *)right);
    else if (field->kind == FIELD_CHOICE) same = *(const int *)left == *(const int *)right;
    else if (field->kind == FIELD_FLAG) same = *(const bool *)left == *(const bool *)right;
    else same = *(const int64_t *)left == *(const int64_t *)right;
    if (!same) return false;
  }
  return true;
}

static void keep_texts(Arena *arena, TraceFile *trace) {
  for (size_t k = 0; k < trace_file_type.n_fields; k++) {
    const Field *field = &trace_file_type.field[k];
    if (field->kind != FIELD_TEXT && field->kind != FIELD_FILE) continue;
    const char **text = (const char **)((char *)trace + field->offset);
    if (*text) *text = arena_text(arena, *text, strlen(*text));
  }
}

bool inputs_trace(Inputs *inputs, TraceFile *trace, YamlMark mark, Arena *arena, Err *err) {
  for (const LoadedTrace *loaded = inputs->trace; loaded; loaded = loaded->next) {
    if (!same_options(&loaded->options, trace)) continue;
    trace->data = loaded->options.data;
    return true;
  }
  size_t first = err->count;
  trace->data = trace_file_load(trace, inputs->closed ? arena : inputs->arena, err);
  for (size_t k = first; k < err->count && k < ERR_ITEMS; k++) yaml_locate(&err->item[k], mark);
  if (!trace->data) return false;
  if (inputs->closed) return true;
  LoadedTrace *loaded = ARENA_NEW(inputs->arena, LoadedTrace);
  loaded->options = *trace;
  keep_texts(inputs->arena, &loaded->options);
  loaded->next = inputs->trace;
  inputs->trace = loaded;
  return true;
}
