/* The groups of a result file (design 7): /summary and /latency over all runs, /trace, /pool and /decisions over those that keep a trace.
 * Each repeats its coordinates. A group is begun, gets its runs in order, and is ended; failures are latched in the writer. */
#ifndef SIM_LAB_STORE_GROUPS_H
#define SIM_LAB_STORE_GROUPS_H

#include "sim/lab/encode.h"
#include "sim/lab/h5_writer.h"

/* Of the file's layout; a reader of another number refuses. */
enum { STORE_FORMAT = 2 };
/* /summary/status of a run that was not made, in a partial file. */
enum { STATUS_MISSING = 2 };

/* What says which run a row is: used along `run`, and along `decision`. */
typedef struct RunColumns {
  Column strategy, point, replication;
  Column *parameter; /* [sweep->n_parameters] */
} RunColumns;

typedef struct RunGroup {
  hid_t group;
  Column run, entity, other; /* coordinates: run; deployment or pool; time or bin */
  RunColumns columns;
  Dimension dimension[COLUMN_RANK];
  uint64_t rows; /* runs added */
} RunGroup;

typedef struct SummaryGroup {
  RunGroup base;
  Column status, message, metric[SUMMARY_COUNT], total[CLUSTER_COUNT];
  double *row; /* [n_deployments] */
} SummaryGroup;

typedef struct LatencyGroup {
  RunGroup base;
  hid_t counts;
} LatencyGroup;

/* /trace or /pool. */
typedef struct RowsGroup {
  RunGroup base;
  hid_t array[TRACE_COUNT];
  size_t n_arrays;
} RowsGroup;

typedef struct DecisionGroup {
  hid_t group;
  Column decision, run, column[DECISION_COLUMN_COUNT];
  RunColumns columns;
  uint64_t rows;
} DecisionGroup;

/* /batches, where the scenario asks for batch means: the summaries of the batches of each run. */
typedef struct BatchGroup {
  RunGroup base;
  Column metric[SUMMARY_COUNT], total[CLUSTER_COUNT];
  double *row; /* [n_deployments][batches] */
  size_t n_batches;
} BatchGroup;

/* /training, where there are training queues: their summaries. */
typedef struct TrainingGroup {
  RunGroup base;
  Column metric[TRAINING_COUNT];
  double *row; /* [n_queues] */
} TrainingGroup;

/* The words of ModelState, in its order, for flag_meanings. */
#define STATE_WORDS "none idle small_model_running preparing_to_scale scaled_vertically scaled_horizontally optimized exhausted"

void run_columns_begin(RunColumns *columns, H5Writer *writer, hid_t group, const Sweep *sweep, const Dimension *along);
void run_columns_add(RunColumns *columns, H5Writer *writer, const Sweep *sweep, uint64_t run);
void run_columns_end(RunColumns *columns, H5Writer *writer, const Sweep *sweep);

/* A name for the dataset of a swept parameter: its own, made a legal one, and told apart from every other dataset's. */
const char *parameter_dataset(const SweepParameter *parameter, Arena *arena);

/* partial: the file may hold runs that are missing. */
void summary_group_begin(SummaryGroup *group, H5Writer *writer, const Sweep *sweep, bool partial);
void summary_group_add(SummaryGroup *group, H5Writer *writer, const Sweep *sweep, uint64_t run, int status);
/* A whole row, of a run that was not made. */
void summary_group_missing(SummaryGroup *group, H5Writer *writer, const Sweep *sweep, uint64_t run);
void summary_group_values(SummaryGroup *group, H5Writer *writer, const Sweep *sweep, const RunSection *section);
void summary_group_totals(SummaryGroup *group, H5Writer *writer, const RunSection *section);
void summary_group_failed(SummaryGroup *group, H5Writer *writer);
void summary_group_message(SummaryGroup *group, H5Writer *writer, const RunSection *section, Arena *arena);
void summary_group_end(SummaryGroup *group, H5Writer *writer, const Sweep *sweep);

void latency_group_begin(LatencyGroup *group, H5Writer *writer, const Sweep *sweep);
void latency_group_add(LatencyGroup *group, H5Writer *writer, const Sweep *sweep, uint64_t run);
void latency_group_chunk(LatencyGroup *group, H5Writer *writer, const RunSection *section);
void latency_group_end(LatencyGroup *group, H5Writer *writer, const Sweep *sweep);

void batch_group_begin(BatchGroup *group, H5Writer *writer, const Sweep *sweep);
void batch_group_add(BatchGroup *group, H5Writer *writer, const Sweep *sweep, uint64_t run, int status);
void batch_group_values(BatchGroup *group, H5Writer *writer, const Sweep *sweep, const RunSection *section);
void batch_group_end(BatchGroup *group, H5Writer *writer, const Sweep *sweep);

void training_group_begin(TrainingGroup *group, H5Writer *writer, const Sweep *sweep);
void training_group_add(TrainingGroup *group, H5Writer *writer, const Sweep *sweep, uint64_t run, int status);
void training_group_values(TrainingGroup *group, H5Writer *writer, const Sweep *sweep, const RunSection *section);
void training_group_end(TrainingGroup *group, H5Writer *writer, const Sweep *sweep);

/* Shared by the files of groups. `entity` names lie along the second dimension. */
void run_group_begin(RunGroup *base, H5Writer *writer, const char *name, uint64_t runs, const char *entity, const char *const *text, size_t count);
void run_group_add(RunGroup *base, H5Writer *writer, const Sweep *sweep, uint64_t run);
void run_group_end(RunGroup *base, H5Writer *writer, const Sweep *sweep);

void trace_group_begin(RowsGroup *group, H5Writer *writer, const Sweep *sweep, uint64_t runs);
void pool_group_begin(RowsGroup *group, H5Writer *writer, const Sweep *sweep, uint64_t runs);
void training_trace_group_begin(RowsGroup *group, H5Writer *writer, const Sweep *sweep, uint64_t runs);
void rows_group_add(RowsGroup *group, H5Writer *writer, const Sweep *sweep, uint64_t run);
void rows_group_chunk(RowsGroup *group, H5Writer *writer, const RunSection *section);
void rows_group_end(RowsGroup *group, H5Writer *writer, const Sweep *sweep);

void decision_group_begin(DecisionGroup *group, H5Writer *writer, const Sweep *sweep);
void decision_group_add(DecisionGroup *group, H5Writer *writer, const Sweep *sweep, uint64_t run, const DecisionRow *row, size_t rows);
void decision_group_end(DecisionGroup *group, H5Writer *writer, const Sweep *sweep);

#endif
