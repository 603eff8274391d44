/* Strategies against each other: every figure with a 95 % interval over replications, cost differences paired on common random
 * numbers, the winner by the rule of the design - the least cost among strategies whose attainment interval reaches the objective,
 * else the highest attainment - and the strategies that cannot be told apart from it. */
#ifndef SIM_LAB_COMPARE_H
#define SIM_LAB_COMPARE_H

#include "sim/core/statistics.h"
#include "sim/lab/store.h"

#define COMPARE_LEVEL 0.95

/* One strategy at one point. */
typedef struct CompareRow {
  const char *strategy;
  size_t runs, failed; /* finished replications; failed ones are left out of every figure */
  Interval *metric;    /* [n_deployments][SUMMARY_COUNT], replication by replication */
  Interval cluster[CLUSTER_COUNT];
  bool reaches;        /* every deployment's attainment interval reaches its objective */
  double worst_gap;    /* largest objective - attainment over deployments; orders strategies that miss */
  bool winner, tied;   /* tied: not the winner, and not distinguishable from it on what decided */
  Interval difference; /* from the winner on what decided (cost in USD, or attainment), paired */
} CompareRow;

typedef struct ComparePoint {
  uint64_t point;
  const char *const *value; /* [n_parameters] */
  CompareRow *row;          /* [n_strategies] */
  bool by_cost;             /* the objective was reached by some: cost decided; else attainment */
  bool decided;             /* there is a winner (some strategy has a run) */
} ComparePoint;

typedef struct Comparison {
  const ResultFile *file;
  ComparePoint *point;
  size_t n_points;
} Comparison;

/* Everything on the arena; the file's arrays must outlive it. */
void compare(Comparison *comparison, const ResultFile *file, Arena *arena);

#endif
