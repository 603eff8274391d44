/* The independent values behind every interval: of one strategy at one point, one value a replication, a pair of antithetic replications,
 * or a batch of one long run. Value k of two strategies shares its random numbers, so differences are taken value by value. */
#ifndef SIM_LAB_VALUES_H
#define SIM_LAB_VALUES_H

#include "sim/lab/store.h"

typedef struct Values {
  const ResultFile *file;
  size_t n_points;
  uint64_t *first; /* [n_points][n_strategies]: the first run */
  uint32_t *runs;  /* [n_points][n_strategies]: how many there are */
  size_t most;     /* values of a point and strategy at most */
} Values;

/* What is measured. MEASURE_GAP: the worst of objective - attainment over deployments that have an objective. */
typedef enum MeasureKind { MEASURE_SUMMARY, MEASURE_CLUSTER, MEASURE_GAP, MEASURE_TRAINING } MeasureKind;
typedef struct Measure {
  MeasureKind kind;
  size_t column, deployment; /* the training queue, for MEASURE_TRAINING */
} Measure;

void values_begin(Values *values, const ResultFile *file, Arena *arena);
/* Writes the values (NaN: that run failed, or has none) and gives their number, at most values->most. */
size_t values_of(const Values *values, uint64_t point, size_t strategy, Measure measure, double *value);
/* "replications", "pairs of antithetic replications", "batches". */
const char *values_name(const ResultFile *file);

/* The column of a name; false where there is none. Prefers a deployment's own columns; kind and column are set. */
bool measure_find(const char *name, Measure *measure);
const ColumnInfo *measure_info(Measure measure); /* not of MEASURE_GAP */
const char *measure_owner(const ResultFile *file, Measure measure); /* the deployment or queue it is of; NULL: the cluster */
/* p of a column that holds a p-quantile of latency; 0 for others. */
double measure_quantile(Measure measure);

#endif
