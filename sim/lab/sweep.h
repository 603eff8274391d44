/* A sweep: a scenario file, edits (--set) and axes; its runs are (point, strategy, replication) in that order. The run list is never
 * held expanded: run r is (r / (S*R), r / R mod S, r mod R). Points are the cross product of the axes, last axis fastest. Edits and
 * axes change the YAML tree, which is decoded again, so every path, list and manifest sweeps alike. */
#ifndef SIM_LAB_SWEEP_H
#define SIM_LAB_SWEEP_H

#include "sim/base/hash.h"
#include "sim/run/scenario.h"

/* One swept parameter. An axis may set several paths together (`set: [a, b]`, values as lists): one parameter each, same axis. */
typedef struct SweepParameter {
  const char *name; /* unique; the path's last word(s), or as the file names it */
  const char *path; /* "deployments.chat.concurrency" */
  uint32_t axis;
  const char *const *value; /* [axis count] as text, for results */
  const double *number;     /* [axis count] as a number in base units (s, bytes, cores, USD, 1), NULL if any value is no number */
  const char *unit;         /* of number: "s", "byte", "1/s", "USD/h", "USD", "1" */
} SweepParameter;

/* An input file the runs depend on. */
typedef struct SweepInput {
  const char *path; /* as the scenario names it */
  char sha256[SHA256_HEX_BYTES];
  uint64_t bytes;
} SweepInput;

typedef struct Document Document; /* the YAML tree and its text; owned by the Sweep's arena */

typedef struct Sweep {
  Arena *arena;
  Document *document;
  const char *path;       /* of the scenario file, as given */
  const char *text;       /* effective scenario: the file's text, followed by the edits as comment lines; stored with results */
  char sha256[SHA256_HEX_BYTES]; /* of text: the sweep's identity, together with inputs */
  const char *name;
  uint32_t n_axes;
  uint64_t *axis_count;   /* [n_axes] */
  const SweepParameter *parameter;
  size_t n_parameters;
  uint64_t n_points;
  const char *const *strategy; /* names */
  uint32_t n_strategies;
  uint32_t n_replications; /* at most, where precision adds them */
  uint64_t n_runs;         /* numbers of runs lie below this; which of them are runs: sweep_run_wanted */
  uint32_t *wanted;        /* [n_points]: replications so far, raised in rounds by precision.c; NULL: all */
  const char *conditional_on; /* what intervals hold for, in words */
  const char *const *deployment; /* names; the same at every point (checked) */
  size_t n_deployments;
  const char *const *pool;
  size_t n_pools;
  const char *const *queue; /* of training */
  size_t n_queues;
  const SweepInput *input;
  size_t n_inputs;
  bool has_manifests;     /* sweep_point_of may differ from strategy to strategy */
  const Scenario *first;  /* point 0, decoded: horizon, objectives, seed ... for results and help */
} Sweep;

/* How the command line changes a scenario. */
typedef struct SweepEdits {
  const char *const *set; /* [n_set] "path=value" */
  size_t n_set;
  const char *const *manifest; /* [n_manifests] files or folders of manifests: one further strategy each */
  size_t n_manifests;
  const char *strategies_only; /* comma-separated names, or NULL */
} SweepEdits;

/* Opens, edits and checks a scenario; decodes point 0, and checks that the values of every axis decode (each axis's values alone, the
 * others at their first). `set` are texts "path=value". strategies_only: comma-separated names or NULL. Errors are located:
 * "file:line:col: error: ...", the line, a caret, the nearest valid name or the allowed range; up to ERR_ITEMS in one go. */
bool sweep_open(Sweep *sweep, Arena *arena, const char *path, const char *const *set, size_t n_set, const char *strategies_only, Err *err);
bool sweep_open_edited(Sweep *sweep, Arena *arena, const char *path, const SweepEdits *edits, Err *err);
/* Decodes one point on `arena`: thread-safe (the document is only read). The Scenario's parameters refer to the sweep's trace data. */
bool sweep_point(const Sweep *sweep, uint64_t point, Arena *arena, Scenario *scenario, Err *err);
/* The same as the runs of a strategy see it: with what its manifests say of the deployments. */
bool sweep_point_of(const Sweep *sweep, uint64_t point, uint32_t strategy, Arena *arena, Scenario *scenario, Err *err);
void sweep_close(Sweep *sweep);
/* The value index of an axis at a point. */
uint64_t sweep_axis_value(const Sweep *sweep, uint64_t point, uint32_t axis);

static inline uint64_t sweep_run_point(const Sweep *s, uint64_t run) { return run / ((uint64_t)s->n_strategies * s->n_replications); }
static inline uint32_t sweep_run_strategy(const Sweep *s, uint64_t run) { return (uint32_t)(run / s->n_replications % s->n_strategies); }
static inline uint32_t sweep_run_replication(const Sweep *s, uint64_t run) { return (uint32_t)(run % s->n_replications); }

/* Replications that every point has. */
static inline uint32_t sweep_least_replications(const Sweep *s) { return s->first->precision.metric ? (uint32_t)s->first->replications : s->n_replications; }

/* Is this number a run so far? And the next number that may be one. */
static inline bool sweep_run_wanted(const Sweep *s, uint64_t run) {
  return run < s->n_runs && (!s->wanted || sweep_run_replication(s, run) < s->wanted[sweep_run_point(s, run)]);
}
uint64_t sweep_next_wanted(const Sweep *sweep, uint64_t run); /* the least wanted run that is not below `run`; n_runs if there is none */
uint64_t sweep_wanted_runs(const Sweep *sweep);               /* how many there are */
/* Begins `wanted`, for rounds. */
void sweep_want_least(Sweep *sweep);

#endif
