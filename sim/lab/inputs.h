/* The files a scenario names: found relative to its folder, identified by SHA-256, and traces among them loaded once and shared. Filled
 * while a sweep is opened; then closed and only read, by any number of threads. */
#ifndef SIM_LAB_INPUTS_H
#define SIM_LAB_INPUTS_H

#include "sim/contract/trace_data.h"
#include "sim/lab/sweep.h"
#include "sim/lab/yaml.h"

typedef struct LoadedTrace {
  TraceFile options;
  struct LoadedTrace *next;
} LoadedTrace;

/* The documents of a manifest or of a folder of them. */
typedef struct LoadedManifest {
  const char *name;
  bool given; /* on the command line: from the current folder, not the scenario's */
  const Yaml *list;
  struct LoadedManifest *next;
} LoadedManifest;

typedef struct Inputs {
  Arena *arena;
  const char *folder; /* of the scenario; "" is the current one */
  bool closed;
  SweepInput *input;
  const char **resolved; /* [n_inputs] where each was found */
  size_t n_inputs, capacity;
  LoadedTrace *trace;
  LoadedManifest *manifest;
} Inputs;

/* Where a named file is, or NULL with a located error. `${HEADROOM_DATA}` at the start of a name is the environment's. While the inputs
 * are open the file is added to them. */
const char *inputs_file(Inputs *inputs, const char *name, YamlMark mark, Arena *arena, Err *err);
/* The same of a file that the command line names, from the current folder; errors are not located. */
const char *inputs_given(Inputs *inputs, const char *name, Err *err);
/* Where a name leads, whatever is there, or NULL with a located error; nothing is added. */
const char *inputs_resolve(const Inputs *inputs, const char *name, YamlMark mark, Arena *arena, Err *err);
/* Sets trace->data: a loaded one with the same options, or a new one (kept by open inputs, on `arena` otherwise). */
bool inputs_trace(Inputs *inputs, TraceFile *trace, YamlMark mark, Arena *arena, Err *err);
/* The folder of a path with its final slash, "" if it has none. */
const char *path_folder(const char *path, Arena *arena);
/* A whole file of at most `most` bytes on the arena, or NULL with an error that is not located. */
const char *file_read(const char *path, size_t most, size_t *length, Arena *arena, Err *err);

#endif
