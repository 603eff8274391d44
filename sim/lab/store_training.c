/* The group /training: (run, queue), as /summary is (run, deployment). Where a scenario has no training there is none. */
#include <string.h>

#include "sim/lab/store_groups.h"

void training_group_begin(TrainingGroup *group, H5Writer *w, const Sweep *sweep) {
  RunGroup *base = &group->base;
  run_group_begin(base, w, "training", sweep_wanted_runs(sweep), "queue", sweep->queue, sweep->n_queues);
  run_columns_begin(&base->columns, w, base->group, sweep, base->dimension);
  for (size_t k = 0; k < TRAINING_COUNT; k++) {
    ColumnSpec spec = {training_column[k].name, training_column[k].unit, training_column[k].help, CELL_F64, NULL, 0, NULL};
    column_create(w, &group->metric[k], base->group, &spec, base->dimension, 2);
  }
  group->row = ARENA_ARRAY(w->arena, double, sweep->n_queues);
}

void training_group_add(TrainingGroup *group, H5Writer *w, const Sweep *sweep, uint64_t run, int status) {
  run_group_add(&group->base, w, sweep, run);
  for (size_t k = 0; k < TRAINING_COUNT && status != 0; k++) column_skip(w, &group->metric[k]);
}

void training_group_values(TrainingGroup *group, H5Writer *w, const Sweep *sweep, const RunSection *section) {
  for (size_t k = 0; k < TRAINING_COUNT; k++) {
    for (size_t q = 0; q < sweep->n_queues; q++) memcpy(&group->row[q], section->bytes + (q * TRAINING_COUNT + k) * sizeof(double), sizeof(double));
    column_add(w, &group->metric[k], group->row);
  }
}

void training_group_end(TrainingGroup *group, H5Writer *w, const Sweep *sweep) {
  for (size_t k = 0; k < TRAINING_COUNT; k++) column_end(w, &group->metric[k]);
  run_group_end(&group->base, w, sweep);
}
