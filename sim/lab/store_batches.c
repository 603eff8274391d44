/* /batches: what one long run gave in each of its batches, column by column as in /summary, with the batch as third dimension. Written only
 * where the scenario has `batches`. See store_groups.h. */
#include <string.h>

#include "sim/lab/store_groups.h"

void batch_group_begin(BatchGroup *group, H5Writer *w, const Sweep *sweep) {
  static const ColumnSpec batch = {"batch", "", "number of the batch: equal lengths of time, from the end of the warm-up", CELL_U32, NULL, 0, NULL};
  RunGroup *base = &group->base;
  group->n_batches = (size_t)sweep->first->batches;
  run_group_begin(base, w, "batches", sweep_wanted_runs(sweep), "deployment", sweep->deployment, sweep->n_deployments);
  base->dimension[2] = dimension_create(w, &base->other, base->group, &batch, group->n_batches, false);
  for (uint32_t k = 0; k < group->n_batches; k++) column_add(w, &base->other, &k);
  run_columns_begin(&base->columns, w, base->group, sweep, base->dimension);
  for (size_t k = 0; k < SUMMARY_COUNT; k++) {
    ColumnSpec spec = {summary_column[k].name, summary_column[k].unit, summary_column[k].help, CELL_F64, NULL, 0, NULL};
    column_create(w, &group->metric[k], base->group, &spec, base->dimension, 3);
  }
  const Dimension of_cluster[2] = {base->dimension[0], base->dimension[2]};
  for (size_t k = 0; k < CLUSTER_COUNT; k++) {
    ColumnSpec spec = {cluster_column[k].name, cluster_column[k].unit, cluster_column[k].help, CELL_F64, NULL, 0, NULL};
    column_create(w, &group->total[k], base->group, &spec, of_cluster, 2);
  }
  group->row = ARENA_ARRAY(w->arena, double, sweep->n_deployments * group->n_batches);
}

void batch_group_add(BatchGroup *group, H5Writer *w, const Sweep *sweep, uint64_t run, int status) {
  run_group_add(&group->base, w, sweep, run);
  if (!status) return;
  for (size_t k = 0; k < SUMMARY_COUNT; k++) column_skip(w, &group->metric[k]);
  for (size_t k = 0; k < CLUSTER_COUNT; k++) column_skip(w, &group->total[k]);
}

void batch_group_values(BatchGroup *group, H5Writer *w, const Sweep *sweep, const RunSection *section) {
  size_t n = group->n_batches, row_bytes = n * sizeof(double);
  for (size_t k = 0; k < SUMMARY_COUNT; k++) {
    for (size_t d = 0; d < sweep->n_deployments; d++) memcpy(group->row + d * n, section->bytes + (d * SUMMARY_COUNT + k) * row_bytes, row_bytes);
    column_add(w, &group->metric[k], group->row);
  }
  const unsigned char *totals = section->bytes + sweep->n_deployments * SUMMARY_COUNT * row_bytes;
  for (size_t k = 0; k < CLUSTER_COUNT; k++) column_add(w, &group->total[k], totals + k * row_bytes);
}

void batch_group_end(BatchGroup *group, H5Writer *w, const Sweep *sweep) {
  for (size_t k = 0; k < SUMMARY_COUNT; k++) column_end(w, &group->metric[k]);
  for (size_t k = 0; k < CLUSTER_COUNT; k++) column_end(w, &group->total[k]);
  column_end(w, &group->base.other);
  run_group_end(&group->base, w, sweep);
}
