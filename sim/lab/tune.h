/* A tuning from end to end: what is asked (command line and `tune:`), the search, and the judgement on replications of its own, or on a
 * part of the horizon that was not tuned on. */
#ifndef SIM_LAB_TUNE_H
#define SIM_LAB_TUNE_H

#include "sim/lab/tune_engine.h"

/* What the command line says, as text; NULL: not given. */
typedef struct TuneRequest {
  const char *minimize, *maximize, *strategy, *method, *budget, *guarantee, *indifference, *tolerance, *holdout, *confirm;
  const char *const *subject_to, *const *over;
  size_t n_subject_to, n_over;
} TuneRequest;

typedef enum TuneSearch { SEARCH_HALVING, SEARCH_MODEL, SEARCH_GUARANTEE } TuneSearch;

typedef struct Tune {
  Arena *arena;
  const Sweep *sweep;
  TuneSpec spec;
  TuneSpace space;
  TuneEngine engine;
  TuneMetric *metric; /* the objective, then the constraints */
  size_t n_metrics;
  TuneSearch search;
  int64_t holdout_ns; /* 0: none */
  TuneWindow tuning, judging;
  TuneProblem tuning_problem, judging_problem;
  uint64_t budget, for_judgement; /* runs: all (0: as many as it takes), and those kept for the judgement */
  double indifference;
} Tune;

/* Reads and checks everything; nothing is run. `tune->engine` has its threads and the like afterwards from the caller. */
bool tune_open(Tune *tune, const Sweep *sweep, const TuneRequest *request, Arena *arena, Err *err);
/* The strategy of that name; of the only one, or of the one that all paths name, without a name. Adds paths to the space. Shared with
 * `sensitivity`. */
bool tune_space_open(TuneSpace *space, const Sweep *sweep, const TuneRequest *request, const TuneSpec *spec, uint32_t *strategy, Arena *arena, Err *err);

/* The scenario's tree with independent replications: antithetic pairs are none, and everything here counts on them. */
const Yaml *tune_root(const Sweep *sweep, Arena *arena);

/* A design that cannot be told apart from the winner, by the runs of the search. */
typedef struct TuneAlike {
  size_t design;
  Interval difference; /* its objective less the winner's, simultaneous 95 %; half_width NaN: too few runs */
} TuneAlike;

typedef enum FlatEnd {
  FLAT_EDGE,     /* the last value there is */
  FLAT_WORSE,    /* the next value is distinguishably worse */
  FLAT_VIOLATES, /* the next value distinguishably violates a constraint */
  FLAT_UNKNOWN   /* the budget ended */
} FlatEnd;

/* How far one threshold may move from the winner's value, the others staying. */
typedef struct TuneFlat {
  bool ordered; /* else nothing is said */
  uint32_t low, high, low_next, high_next; /* values not worse; the next ones that are */
  FlatEnd low_end, high_end;
  size_t low_constraint, high_constraint;
} TuneFlat;

typedef struct TuneOutcome {
  bool found;      /* some design keeps the constraints, by its means */
  bool guaranteed; /* the guaranteed procedure came to its end */
  size_t best, n_designs;
  uint64_t grid_size; /* of the grid that n_designs are of; 0: no grid */
  uint64_t runs_search, runs_judgement;
  size_t n_worse, n_infeasible, n_failed, n_ranked_out;
  TuneAlike *alike;
  size_t n_alike;
  uint32_t confirmations;
  bool has_written; /* the scenario as written can be run */
  Interval *winner, *written, *difference; /* [n_metrics] of figures as users know them, 95 %; difference: winner less written, paired */
  TuneFlat *flat;   /* [n_axes] */
} TuneOutcome;

/* The engine must be ready. */
bool tune_run(Tune *tune, TuneOutcome *outcome, Err *err);

/* Between tune.c and tune_judge.c. */
bool tune_judge(Tune *tune, const TuneSamples *search, const size_t *design, const TuneFate *fate, size_t n, TuneOutcome *outcome, Err *err);

/* Does an interval of a constraint's figure lie inside (1), outside (-1), or neither (0)? */
int constraint_side(const TuneMetric *constraint, Interval interval);

#endif
