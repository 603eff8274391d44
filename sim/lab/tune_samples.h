/* What tuning works on: designs that can be evaluated at numbered replications, and the values so far. Replication r has the same random
 * numbers for every design (common random numbers), and a design's replications are always 0, 1, ... count - 1 of its store: two designs
 * are compared on those that both have. Runs are asked for in rounds; a round depends on earlier rounds alone, so nothing depends on the
 * number of threads. The algorithms know no simulator: tests feed them numbers whose truth is known. */
#ifndef SIM_LAB_TUNE_SAMPLES_H
#define SIM_LAB_TUNE_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/arena.h"
#include "sim/base/err.h"
#include "sim/core/statistics.h"

/* Replications [first, first + count) of a design. */
typedef struct TuneJob {
  size_t design;
  uint32_t first, count;
} TuneJob;

/* A design's values: the objective, whose mean is to be least, then for each constraint a figure whose mean must be <= 0. NaN: the run
 * failed, or the figure is undefined; such a design counts as one that violates. */
typedef struct TuneProblem {
  size_t n_constraints;
  const double *scale; /* [n_constraints] what violations are measured in; NULL: 1 */
  /* One round: value[job][replication][1 + n_constraints], in that order. */
  bool (*evaluate)(void *context, const TuneJob *job, size_t n_jobs, double *value, Err *err);
  void *context;
} TuneProblem;

typedef struct TuneDesign {
  uint32_t count, capacity; /* replications */
  bool failed;              /* some value is NaN */
  double *value;            /* [count][1 + n_constraints] */
} TuneDesign;

typedef struct TuneSamples {
  Arena *arena;
  const TuneProblem *problem;
  uint32_t first_replication; /* of this store: a confirmation has replications of its own */
  size_t n_metrics;
  TuneDesign *design;
  size_t n_designs, capacity;
  uint64_t runs;
} TuneSamples;

void samples_begin(TuneSamples *samples, Arena *arena, const TuneProblem *problem, uint32_t first_replication);
/* One round: every design gets at least target[k] replications. */
bool samples_extend(TuneSamples *samples, const size_t *design, const uint32_t *target, size_t n, Err *err);
/* The same target for all. */
bool samples_extend_all(TuneSamples *samples, const size_t *design, size_t n, uint32_t target, Err *err);
double samples_value(const TuneSamples *samples, size_t design, uint32_t replication, size_t metric);
uint32_t samples_count(const TuneSamples *samples, size_t design);
/* t interval of a metric's mean, and of the paired difference a - b on the replications that both have. */
Interval samples_mean(const TuneSamples *samples, size_t design, size_t metric, double level);
Interval samples_difference(const TuneSamples *samples, size_t a, size_t b, size_t metric, double level);

/* How a design stands by its means: those that keep the constraints before those that do not, these by how far they miss. */
typedef struct TuneStanding {
  bool failed, feasible;
  double objective, violation; /* violation: summed over constraints, each in its scale */
} TuneStanding;
TuneStanding samples_standing(const TuneSamples *samples, size_t design);
/* < 0: a is better. */
int standing_compare(const TuneStanding *a, const TuneStanding *b);
/* The best of a list by its means; ties go to the first. */
size_t samples_best(const TuneSamples *samples, const size_t *design, size_t n);

/* What became of a design. */
typedef enum TuneFate {
  FATE_LEFT,       /* the winner, or never told apart from it */
  FATE_WORSE,      /* a paired difference showed it to be worse */
  FATE_INFEASIBLE, /* a constraint was shown to be violated */
  FATE_RANKED_OUT, /* among the worse half when the budget ran on (no statement) */
  FATE_FAILED      /* a run failed */
} TuneFate;
const char *fate_words(TuneFate fate);

#endif
