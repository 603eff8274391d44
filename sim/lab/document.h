/* What a sweep keeps to itself: the scenario file, its edited tree, the axes as edits of it, the input files and the catalogue. Constant
 * once the sweep is open. */
#ifndef SIM_LAB_DOCUMENT_H
#define SIM_LAB_DOCUMENT_H

#include "sim/lab/inputs.h"

/* One path that an axis sets. */
typedef struct AxisPath {
  const char *path;
  const YamlStep *step;
  size_t n_steps;
} AxisPath;

typedef struct Axis {
  YamlMark mark;
  AxisPath *path;
  size_t n_paths;
  const Yaml *values; /* a list; with several paths of lists of that many */
  const Yaml *name;   /* text or a list of texts; NULL */
} Axis;

struct Document {
  YamlSource source;
  const Yaml *root; /* edited, without `sweep` */
  Axis *axis;
  size_t n_axes;
  Inputs inputs;
  Catalogue catalogue;
};

/* Reads a scenario file (at most 64 MiB), adds a strategy for each of `manifest`, applies `set` ("path=value"), keeps only the named
 * strategies (comma-separated; NULL: all), and takes the axes out. False with located errors. */
bool document_open(Document *document, const char *path, const SweepEdits *edits, Arena *arena, Err *err);
/* The value that an axis gives to its k-th path, as text. */
const Yaml *axis_value(const Axis *axis, uint64_t value, size_t k);
/* The tree in which an axis has its value-th value; NULL with a located error. */
const Yaml *axis_apply(Document *document, const Axis *axis, uint64_t value, const Yaml *root, Arena *arena, Err *err);

#endif
