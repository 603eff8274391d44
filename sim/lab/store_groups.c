/* See store_groups.h. Order of creation: a group's dimensions first, then its coordinates, then its variables; netCDF-4 numbers the
 * dimensions in that order. */
#include "sim/lab/store_groups.h"

#include <string.h>

#include "sim/base/check.h"
#include "sim/base/text.h"
#include "sim/contract/policy.h"

/* ---- which run ---------------------------------------------------------------------------------------------------- */

static bool name_taken(const char *name) {
  static const char *const fixed[] = {"run", "strategy", "point", "replication", "deployment", "pool", "time", "bin", "bin_low_s", "bin_high_s", "counts",
                                      "decision", "status", "message", "objective_latency_s", "objective_attainment_ratio"};
  for (size_t k = 0; k < sizeof fixed / sizeof fixed[0]; k++) {
    if (text_equal(name, fixed[k])) return true;
  }
  for (size_t k = 0; k < SUMMARY_COUNT; k++) {
    if (text_equal(name, summary_column[k].name)) return true;
  }
  for (size_t k = 0; k < CLUSTER_COUNT; k++) {
    if (text_equal(name, cluster_column[k].name)) return true;
  }
  for (size_t k = 0; k < TRACE_COUNT; k++) {
    if (text_equal(name, trace_column[k].name)) return true;
  }
  for (size_t k = 0; k < POOL_COUNT; k++) {
    if (text_equal(name, pool_column[k].name)) return true;
  }
  for (size_t k = 0; k < DECISION_COLUMN_COUNT; k++) {
    if (text_equal(name, decision_column[k].name)) return true;
  }
  for (size_t k = 0; k < TRAINING_COUNT; k++) {
    if (text_equal(name, training_column[k].name)) return true;
  }
  for (size_t k = 0; k < TRAINING_TRACE_COUNT; k++) {
    if (text_equal(name, training_trace_column[k].name)) return true;
  }
  return false;
}

const char *parameter_dataset(const SweepParameter *parameter, Arena *arena) {
  char *name = arena_format(arena, "%s%s", name_taken(parameter->name) ? "swept_" : "", parameter->name);
  for (char *c = name; *c; c++) {
    if (*c == '/' || (unsigned char)*c <= ' ' || (*c == '.' && c == name)) *c = '_';
  }
  return name;
}

void run_columns_begin(RunColumns *columns, H5Writer *w, hid_t group, const Sweep *sweep, const Dimension *along) {
  static const ColumnSpec strategy = {"strategy", "", "strategy", CELL_TEXT, NULL, 0, NULL};
  static const ColumnSpec point = {"point", "", "number of the point: the cross product of the axes, last axis fastest", CELL_U64, NULL, 0, NULL};
  static const ColumnSpec replication = {"replication", "", "number of the replication; equal numbers share their random numbers", CELL_U32, NULL, 0, NULL};
  column_create(w, &columns->strategy, group, &strategy, along, 1);
  column_create(w, &columns->point, group, &point, along, 1);
  column_create(w, &columns->replication, group, &replication, along, 1);
  columns->parameter = ARENA_ARRAY(w->arena, Column, sweep->n_parameters);
  Text names = {.arena = w->arena};
  text_addf(&names, "strategy point replication");
  for (size_t k = 0; k < sweep->n_parameters; k++) {
    const SweepParameter *parameter = &sweep->parameter[k];
    ColumnSpec spec = {parameter_dataset(parameter, w->arena), parameter->unit ? parameter->unit : "1", parameter->path, parameter->number ? CELL_F64 : CELL_TEXT, NULL, 0, NULL};
    column_create(w, &columns->parameter[k], group, &spec, along, 1);
    text_addf(&names, " %s", spec.name);
  }
  h5_attribute_text(w, group, "coordinates", names.bytes);
}

void run_columns_add(RunColumns *columns, H5Writer *w, const Sweep *sweep, uint64_t run) {
  uint64_t point = sweep_run_point(sweep, run);
  uint32_t replication = sweep_run_replication(sweep, run);
  column_add_text(w, &columns->strategy, sweep->strategy[sweep_run_strategy(sweep, run)]);
  column_add(w, &columns->point, &point);
  column_add(w, &columns->replication, &replication);
  for (size_t k = 0; k < sweep->n_parameters; k++) {
    const SweepParameter *parameter = &sweep->parameter[k];
    uint64_t value = sweep_axis_value(sweep, point, parameter->axis);
    if (parameter->number) {
      column_add(w, &columns->parameter[k], &parameter->number[value]);
    } else {
      column_add_text(w, &columns->parameter[k], parameter->value[value]);
    }
  }
}

void run_columns_end(RunColumns *columns, H5Writer *w, const Sweep *sweep) {
  column_end(w, &columns->strategy);
  column_end(w, &columns->point);
  column_end(w, &columns->replication);
  for (size_t k = 0; k < sweep->n_parameters; k++) column_end(w, &columns->parameter[k]);
}

static void names_begin(RunGroup *base, H5Writer *w, const char *name, const char *const *text, size_t count) {
  ColumnSpec spec = {name, "", name, CELL_TEXT, NULL, 0, NULL};
  base->dimension[1] = dimension_create(w, &base->entity, base->group, &spec, count, false);
  for (size_t k = 0; k < count; k++) column_add_text(w, &base->entity, text[k]);
}

/* The group, its dimension `run`, and room for `entity` names along the second. */
void run_group_begin(RunGroup *base, H5Writer *w, const char *name, uint64_t runs, const char *entity, const char *const *text, size_t count) {
  static const ColumnSpec run = {"run", "", "number of the run: (point, strategy, replication), replication fastest", CELL_U64, NULL, 0, NULL};
  base->group = h5_group(w, name);
  base->dimension[0] = dimension_create(w, &base->run, base->group, &run, runs, false);
  names_begin(base, w, entity, text, count);
  base->rows = 0;
}

void run_group_add(RunGroup *base, H5Writer *w, const Sweep *sweep, uint64_t run) {
  column_add(w, &base->run, &run);
  run_columns_add(&base->columns, w, sweep, run);
  base->rows++;
}

void run_group_end(RunGroup *base, H5Writer *w, const Sweep *sweep) {
  run_columns_end(&base->columns, w, sweep);
  column_end(w, &base->run);
  column_end(w, &base->entity);
  h5_keep(w, H5Gclose(base->group));
}


/* ---- /summary ----------------------------------------------------------------------------------------------------- */

static void objectives_write(SummaryGroup *group, H5Writer *w, const Sweep *sweep) {
  static const ColumnSpec latency = {"objective_latency_s", "s", "a job within this latency attains the objective; 0: none (point 0)", CELL_F64, NULL, 0, NULL};
  static const ColumnSpec attainment = {"objective_attainment_ratio", "1", "share of jobs that must attain it (point 0)", CELL_F64, NULL, 0, NULL};
  Column latency_s, attainment_ratio;
  column_create(w, &latency_s, group->base.group, &latency, &group->base.dimension[1], 1);
  column_create(w, &attainment_ratio, group->base.group, &attainment, &group->base.dimension[1], 1);
  for (size_t d = 0; d < sweep->n_deployments; d++) {
    const ObjectiveSpec *objective = &scenario_deployment(sweep->first, d)->objective;
    double seconds = s_from_ns(objective->latency_ns);
    column_add(w, &latency_s, &seconds);
    column_add(w, &attainment_ratio, &objective->attainment_ratio);
  }
  column_end(w, &latency_s);
  column_end(w, &attainment_ratio);
}

void summary_group_begin(SummaryGroup *group, H5Writer *w, const Sweep *sweep, bool partial) {
  static const int flags[] = {0, 1, STATUS_MISSING};
  ColumnSpec status = {"status", "", "how the run ended", CELL_U8, flags, partial ? 3 : 2, partial ? "ok failed missing" : "ok failed"};
  static const ColumnSpec message = {"message", "", "why the run failed", CELL_TEXT, NULL, 0, NULL};
  RunGroup *base = &group->base;
  run_group_begin(base, w, "summary", sweep_wanted_runs(sweep), "deployment", sweep->deployment, sweep->n_deployments);
  run_columns_begin(&base->columns, w, base->group, sweep, base->dimension);
  column_create(w, &group->status, base->group, &status, base->dimension, 1);
  column_create(w, &group->message, base->group, &message, base->dimension, 1);
  objectives_write(group, w, sweep);
  for (size_t k = 0; k < SUMMARY_COUNT; k++) {
    ColumnSpec spec = {summary_column[k].name, summary_column[k].unit, summary_column[k].help, CELL_F64, NULL, 0, NULL};
    column_create(w, &group->metric[k], base->group, &spec, base->dimension, 2);
  }
  for (size_t k = 0; k < CLUSTER_COUNT; k++) {
    ColumnSpec spec = {cluster_column[k].name, cluster_column[k].unit, cluster_column[k].help, CELL_F64, NULL, 0, NULL};
    column_create(w, &group->total[k], base->group, &spec, base->dimension, 1);
  }
  group->row = ARENA_ARRAY(w->arena, double, sweep->n_deployments);
}

void summary_group_add(SummaryGroup *group, H5Writer *w, const Sweep *sweep, uint64_t run, int status) {
  uint8_t code = status != 0;
  run_group_add(&group->base, w, sweep, run);
  column_add(w, &group->status, &code);
  if (!code) column_skip(w, &group->message);
}

void summary_group_missing(SummaryGroup *group, H5Writer *w, const Sweep *sweep, uint64_t run) {
  uint8_t code = STATUS_MISSING;
  run_group_add(&group->base, w, sweep, run);
  column_add(w, &group->status, &code);
  column_add_text(w, &group->message, "missing when this file was merged");
  summary_group_failed(group, w);
}

void summary_group_values(SummaryGroup *group, H5Writer *w, const Sweep *sweep, const RunSection *section) {
  size_t deployments = sweep->n_deployments;
  for (size_t k = 0; k < SUMMARY_COUNT; k++) {
    for (size_t d = 0; d < deployments; d++) memcpy(&group->row[d], section->bytes + (d * SUMMARY_COUNT + k) * sizeof(double), sizeof(double));
    column_add(w, &group->metric[k], group->row);
  }
}

void summary_group_totals(SummaryGroup *group, H5Writer *w, const RunSection *section) {
  for (size_t k = 0; k < CLUSTER_COUNT; k++) column_add(w, &group->total[k], section->bytes + k * sizeof(double));
}

void summary_group_failed(SummaryGroup *group, H5Writer *w) {
  for (size_t k = 0; k < SUMMARY_COUNT; k++) column_skip(w, &group->metric[k]);
  for (size_t k = 0; k < CLUSTER_COUNT; k++) column_skip(w, &group->total[k]);
}

void summary_group_message(SummaryGroup *group, H5Writer *w, const RunSection *section, Arena *arena) {
  TextReference reference = text_once(w, arena_text(arena, (const char *)section->bytes, section->length));
  column_add(w, &group->message, &reference);
}

void summary_group_end(SummaryGroup *group, H5Writer *w, const Sweep *sweep) {
  column_end(w, &group->status);
  column_end(w, &group->message);
  for (size_t k = 0; k < SUMMARY_COUNT; k++) column_end(w, &group->metric[k]);
  for (size_t k = 0; k < CLUSTER_COUNT; k++) column_end(w, &group->total[k]);
  run_group_end(&group->base, w, sweep);
}

/* ---- /latency ----------------------------------------------------------------------------------------------------- */

static void bin_edges_write(LatencyGroup *group, H5Writer *w) {
  static const ColumnSpec low = {"bin_low_s", "s", "lower edge of the bin", CELL_F64, NULL, 0, NULL};
  static const ColumnSpec high = {"bin_high_s", "s", "upper edge of the bin", CELL_F64, NULL, 0, NULL};
  Column column;
  for (unsigned edge = 0; edge < 2; edge++) {
    column_create(w, &column, group->base.group, edge ? &high : &low, &group->base.dimension[2], 1);
    for (unsigned k = 0; k < HISTOGRAM_BINS; k++) {
      double seconds = s_from_ns(histogram_edge_ns(k + edge));
      column_add(w, &column, &seconds);
    }
    column_end(w, &column);
  }
}

void latency_group_begin(LatencyGroup *group, H5Writer *w, const Sweep *sweep) {
  static const ColumnSpec bin = {"bin", "", "number of the bin of latency", CELL_U32, NULL, 0, NULL};
  static const ColumnSpec counts = {"counts", "1", "finished jobs by latency, over the summary's window", CELL_U64, NULL, 0, NULL};
  RunGroup *base = &group->base;
  run_group_begin(base, w, "latency", sweep_wanted_runs(sweep), "deployment", sweep->deployment, sweep->n_deployments);
  base->dimension[2] = dimension_create(w, &base->other, base->group, &bin, HISTOGRAM_BINS, false);
  for (uint32_t k = 0; k < HISTOGRAM_BINS; k++) column_add(w, &base->other, &k);
  run_columns_begin(&base->columns, w, base->group, sweep, base->dimension);
  bin_edges_write(group, w);
  hsize_t chunk[] = {1, block_extent(sweep->n_deployments, LATENCY_BLOCK), HISTOGRAM_BINS};
  group->counts = array_create(w, base->group, &counts, base->dimension, 3, chunk);
}

void latency_group_add(LatencyGroup *group, H5Writer *w, const Sweep *sweep, uint64_t run) { run_group_add(&group->base, w, sweep, run); }

void latency_group_chunk(LatencyGroup *group, H5Writer *w, const RunSection *section) {
  hsize_t offset[] = {group->base.rows - 1, section->block * LATENCY_BLOCK, 0};
  array_write(w, group->counts, offset, section->bytes, section->length);
}

void latency_group_end(LatencyGroup *group, H5Writer *w, const Sweep *sweep) {
  array_end(w, group->counts);
  column_end(w, &group->base.other);
  run_group_end(&group->base, w, sweep);
}

/* ---- /trace and /pool --------------------------------------------------------------------------------------------- */

static ColumnSpec trace_spec(const ColumnInfo *info) {
  static const int states[] = {0, 1, 2, 3, 4, 5, 6, 7}, limits[] = {0, 1};
  _Static_assert(sizeof states / sizeof states[0] == MODEL_STATE_COUNT, "a word for every state");
  ColumnSpec spec = {info->name, info->unit, info->help, CELL_F64, NULL, 0, NULL};
  if (text_equal(info->name, "model_state")) {
    spec.flag_value = states;
    spec.n_flags = MODEL_STATE_COUNT;
    spec.flag_meanings = STATE_WORDS;
  } else if (text_equal(info->name, "resource_limit")) {
    spec.flag_value = limits;
    spec.n_flags = 2;
    spec.flag_meanings = "no yes";
  }
  return spec;
}

static void time_begin(RunGroup *base, H5Writer *w, int64_t horizon_ns) {
  static const ColumnSpec time = {"time", "s", "start of the row; a row lasts to the next, the last one to the horizon", CELL_F64, NULL, 0, NULL};
  base->dimension[2] = dimension_create(w, &base->other, base->group, &time, TRACE_ROWS, false);
  for (int k = 0; k < TRACE_ROWS; k++) {
    double seconds = s_from_ns(row_start_ns(horizon_ns, k));
    column_add(w, &base->other, &seconds);
  }
}

static void rows_group_begin(RowsGroup *group, H5Writer *w, const Sweep *sweep, const ColumnInfo *info, size_t arrays) {
  RunGroup *base = &group->base;
  time_begin(base, w, sweep->first->horizon_ns);
  run_columns_begin(&base->columns, w, base->group, sweep, base->dimension);
  hsize_t chunk[] = {1, block_extent((size_t)base->dimension[1].length, TRACE_BLOCK), TRACE_ROWS};
  group->n_arrays = arrays;
  for (size_t k = 0; k < arrays; k++) {
    ColumnSpec spec = trace_spec(&info[k]);
    group->array[k] = array_create(w, base->group, &spec, base->dimension, 3, chunk);
  }
}

void trace_group_begin(RowsGroup *group, H5Writer *w, const Sweep *sweep, uint64_t runs) {
  run_group_begin(&group->base, w, "trace", runs, "deployment", sweep->deployment, sweep->n_deployments);
  rows_group_begin(group, w, sweep, trace_column, TRACE_COUNT);
}

void pool_group_begin(RowsGroup *group, H5Writer *w, const Sweep *sweep, uint64_t runs) {
  run_group_begin(&group->base, w, "pool", runs, "pool", sweep->pool, sweep->n_pools);
  rows_group_begin(group, w, sweep, pool_column, POOL_COUNT);
}

void training_trace_group_begin(RowsGroup *group, H5Writer *w, const Sweep *sweep, uint64_t runs) {
  run_group_begin(&group->base, w, "training_trace", runs, "queue", sweep->queue, sweep->n_queues);
  rows_group_begin(group, w, sweep, training_trace_column, TRAINING_TRACE_COUNT);
}

void rows_group_add(RowsGroup *group, H5Writer *w, const Sweep *sweep, uint64_t run) { run_group_add(&group->base, w, sweep, run); }

void rows_group_chunk(RowsGroup *group, H5Writer *w, const RunSection *section) {
  CHECK(section->column < group->n_arrays);
  hsize_t offset[] = {group->base.rows - 1, section->block * TRACE_BLOCK, 0};
  array_write(w, group->array[section->column], offset, section->bytes, section->length);
}

void rows_group_end(RowsGroup *group, H5Writer *w, const Sweep *sweep) {
  for (size_t k = 0; k < group->n_arrays; k++) array_end(w, group->array[k]);
  column_end(w, &group->base.other);
  run_group_end(&group->base, w, sweep);
}
