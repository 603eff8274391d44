/* The designs of a tuning: each axis is a path of the scenario and its values, in order: a list, a range in steps, or a range of which any
 * value may be taken (then cut into some hundreds of steps that can be written down, so that every design is one that a user can type). A
 * design is a value's index for each axis; equal ones have one number. Design 0 is the scenario as written. */
#ifndef SIM_LAB_TUNE_SPACE_H
#define SIM_LAB_TUNE_SPACE_H

#include "sim/lab/document.h"
#include "sim/run/scenario_tune.h"

enum { TUNE_AXES_MOST = 16 };
#define VALUE_AS_WRITTEN UINT32_MAX

typedef struct TuneAxis {
  const char *path;
  const char *label; /* as few last words as tell the axes apart */
  const YamlStep *step; /* led into the documents of a manifest */
  size_t n_steps;
  YamlMark mark;     /* of the option or key that made it */
  uint32_t count;    /* of values */
  bool any_value;    /* a range without steps */
  bool ordered;      /* all values are numbers, in ascending or descending order */
  const Yaml **value; /* [count] of a list; NULL: a range */
  const char *prefix, *suffix; /* of a range: what stands around the number: $ .. /h */
  double low, quantum;
  int decimals;
  bool duration;     /* numbers are seconds, written 1m30s */
} TuneAxis;

typedef struct TuneSpace {
  Arena *arena;
  const Yaml *root; /* the scenario, edited by --set, without sweep */
  TuneAxis axis[TUNE_AXES_MOST];
  size_t n_axes;
  uint32_t *design;  /* [n_designs][n_axes] value indices */
  size_t n_designs, capacity;
  size_t *bucket;    /* [n_buckets] design + 1 by hash, open addressing */
  size_t n_buckets;
} TuneSpace;

/* Adds an axis: what a path is set to. `spec`: {a, b, c}, [a, b], a..b, a..b..step. False with errors. */
bool space_add(TuneSpace *space, const char *path, const char *spec, YamlMark mark, Err *err);
bool space_add_values(TuneSpace *space, const char *path, const Yaml *const *value, size_t n, YamlMark mark, Err *err);
/* After the last axis: labels, design 0. */
bool space_ready(TuneSpace *space, Err *err);

size_t space_design(TuneSpace *space, const uint32_t *value);
const uint32_t *space_values(const TuneSpace *space, size_t design);
/* The design at a point of the unit cube; moves the point to the middle of its value. */
size_t space_design_at(TuneSpace *space, double *x);
/* The same where 0 and 1 are the first and the last value themselves (for grids of levels). */
size_t space_design_on_grid(TuneSpace *space, double *x);
/* How many designs a full grid has (ranges count `of_range` values), capped at 2^40. */
uint64_t space_grid_size(const TuneSpace *space, uint32_t of_range);
/* A list of designs: the full grid if it has at most `most`, else a low-discrepancy sample of it. */
size_t space_grid(TuneSpace *space, uint32_t of_range, size_t most, size_t **design, Arena *arena);

/* A value of an axis as YAML and as text; VALUE_AS_WRITTEN gives what the scenario says. */
const Yaml *axis_yaml(const TuneAxis *axis, uint32_t value, Arena *arena);
const char *space_text(const TuneSpace *space, size_t axis, uint32_t value, Arena *arena);
/* The design's tree, made from `root`; NULL with an error. Thread-safe. */
const Yaml *space_apply(const TuneSpace *space, const Yaml *root, const uint32_t *value, Arena *arena, Err *err);
/* "target = 62%, window = 2m". */
const char *space_name(const TuneSpace *space, size_t design, Arena *arena);
/* The edits, one a line, whole paths: what identifies the design in a journal. */
const char *space_key(const TuneSpace *space, size_t design, Arena *arena);

#endif
