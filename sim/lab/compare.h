/* Strategies against each other: every figure with a 95 % interval over independent values, the winner by the rule of the design - the
 * least cost among strategies whose attainment interval reaches the objective, else the highest attainment - and the strategies that
 * cannot be told apart from it (multiple comparisons with the best, paired on common random numbers). Latency alone never decides: a
 * strategy that serves fewer jobs may serve those faster. */
#ifndef SIM_LAB_COMPARE_H
#define SIM_LAB_COMPARE_H

#include "sim/core/statistics.h"
#include "sim/lab/values.h"

#define COMPARE_LEVEL 0.95

/* One strategy at one point. */
typedef struct CompareRow {
  const char *strategy;
  size_t runs, failed; /* finished replications; failed ones are left out of every figure */
  size_t values;       /* independent ones behind the intervals */
  Interval *metric;    /* [n_deployments][SUMMARY_COUNT]; quantiles over the values until compare_quantiles has pooled them */
  Interval cluster[CLUSTER_COUNT];
  Interval *training;  /* [n_queues][TRAINING_COUNT] */
  bool reaches;        /* every deployment's attainment interval reaches its objective */
  double worst_gap;    /* largest objective - attainment over deployments; orders strategies that miss */
  bool clairvoyant;    /* knows the future: it is compared with, and never wins */
  Interval regret_achievable, regret_bound; /* its cost minus the clairvoyant's, and minus the lower bound, paired; NaN where there is none */
  bool winner, tied;   /* tied: not the winner, but may be the best for all that can be told */
  Interval difference; /* from the winner on what decided (cost in USD, or attainment), paired; simultaneous */
  BestComparison best; /* on what decided, among those that count: how far from the best of the others */
  double control_factor; /* with controls: variance of the plain mean latency / variance of the printed one, the least over deployments; below 1 it did not help; NaN: no control */
  double batch_correlation; /* with batches: the largest lag-1 autocorrelation of mean latency; NaN otherwise */
} CompareRow;

typedef struct ComparePoint {
  uint64_t point;
  const char *const *value; /* [n_parameters] */
  CompareRow *row;          /* [n_strategies] */
  bool by_cost;             /* the objective was reached by some: cost decided; else attainment */
  bool decided;             /* there is a winner (some strategy has a run) */
  bool pooled;              /* compare_quantiles was here */
  size_t clairvoyant;       /* the strategy with a proven bound; n_strategies where there is none */
} ComparePoint;

typedef struct Comparison {
  const ResultFile *file;
  Arena *arena;
  Values values;
  double *value, *other; /* [values.most] scratch */
  ComparePoint *point;
  size_t n_points;
  bool control;
} Comparison;

/* Everything on the arena; the file's arrays must outlive it. control: means by regression on a control of known mean: the mean latency
 * of a strategy that is an Erlang queue, else the offered load (columns latency_erlang_s, offered_expected). */
void compare(Comparison *comparison, const ResultFile *file, bool control, Arena *arena);
/* Replaces the intervals of latency quantiles: estimates from the pooled counts of all runs, intervals by sectioning over the values;
 * half_width NaN where fewer jobs finished than any interval of that quantile needs. Reads the file: only for points that are shown. */
bool compare_quantiles(Comparison *comparison, ComparePoint *point, Err *err);
/* The interval of one measure of a row (after compare_quantiles for quantiles). */
Interval compare_interval(const CompareRow *row, Measure measure);

#endif
