/* Reading a result back: what compare and explain need of it. Each call opens and closes the file; every error says which part of the
 * file it is about. See store.h. */
#include <math.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/lab/h5_reader.h"
#include "sim/lab/store_groups.h"

/* ---- the summary -------------------------------------------------------------------------------------------------- */

typedef struct Axes {
  uint64_t points, replications;
} Axes;

static void names_read(ResultFile *file, H5Reader *r, Axes *axes) {
  file->name = reader_text(r, "title");
  file->scenario_text = reader_text(r, "scenario");
  size_t n_sums;
  file->input_path = reader_texts(r, "input_paths", &file->n_inputs);
  file->input_sha256 = reader_texts(r, "input_sha256", &n_sums);
  if (!r->failed && n_sums != file->n_inputs) h5_reader_fail(r, "input_sha256");
  file->horizon_s = reader_number(r, "horizon_s");
  file->conditional_on = reader_text(r, "conditional_on");
  file->antithetic = reader_whole(r, "antithetic") != 0;
  file->n_batches = (size_t)reader_whole(r, "batches");
  file->n_runs = (uint64_t)reader_whole(r, "runs");
  axes->points = (uint64_t)reader_whole(r, "points");
  axes->replications = (uint64_t)reader_whole(r, "replications");
  file->strategy = reader_texts(r, "strategies", &file->n_strategies);
  file->deployment = reader_texts(r, "deployments", &file->n_deployments);
  file->parameter = reader_texts(r, "parameters", &file->n_parameters);
  (void)reader_texts(r, "pools", &file->n_pools);
  file->queue = reader_texts(r, "queues", &file->n_queues);
  if (r->failed) return;
  unsigned __int128 runs = (unsigned __int128)axes->points * axes->replications * file->n_strategies;
  hsize_t extent[2];
  if (file->n_runs == 0 || file->n_strategies == 0 || runs < file->n_runs) {
    h5_reader_fail(r, "the number of runs");
  } else if (reader_extent(r, "/summary/offered", 2, extent) && (extent[0] != file->n_runs || extent[1] != file->n_deployments)) {
    h5_reader_fail(r, "/summary/offered");
  }
}

static void runs_read(ResultFile *file, H5Reader *r, const Axes *axes) {
  size_t runs = (size_t)file->n_runs;
  uint64_t *point = ARENA_ARRAY(r->arena, uint64_t, runs);
  uint32_t *replication = ARENA_ARRAY(r->arena, uint32_t, runs), *strategy = ARENA_ARRAY(r->arena, uint32_t, runs);
  int *status = ARENA_ARRAY(r->arena, int, runs);
  const char **message = ARENA_ARRAY(r->arena, const char *, runs);
  bool ok = reader_rows(r, "/summary/point", H5T_NATIVE_UINT64, 0, runs, 1, point) &&
            reader_rows(r, "/summary/replication", H5T_NATIVE_UINT32, 0, runs, 1, replication) &&
            reader_rows(r, "/summary/status", H5T_NATIVE_INT, 0, runs, 1, status);
  for (size_t k = 0; k < runs && ok; k++) {
    bool same_point = k > 0 && point[k] == point[k - 1]; /* runs are ordered by point, strategy, replication, but points may differ in their number */
    strategy[k] = same_point ? strategy[k - 1] + (replication[k] == 0) : 0;
    if (point[k] >= axes->points || replication[k] >= axes->replications || strategy[k] >= file->n_strategies) ok = h5_reader_fail(r, "/summary/point");
    if (ok && status[k] != 0) ok = reader_row_texts(r, "/summary/message", k, 1, &message[k]);
  }
  file->run_point = point;
  file->run_replication = replication;
  file->run_strategy = strategy;
  file->status = status;
  file->message = message;
}

/* The values of each swept parameter, spread over the runs. */
static void parameters_read(ResultFile *file, H5Reader *r, const Axes *axes) {
  size_t runs = (size_t)file->n_runs, parameters = file->n_parameters;
  const char **value = ARENA_ARRAY(r->arena, const char *, runs * parameters);
  uint64_t count[64], n_axes = 0, product = 1;
  while (n_axes < 64 && H5Aexists(r->file, arena_format(r->arena, "axis_%llu_count", (unsigned long long)n_axes)) > 0) {
    count[n_axes] = (uint64_t)reader_whole(r, arena_format(r->arena, "axis_%llu_count", (unsigned long long)n_axes));
    if (r->failed || count[n_axes] == 0 || __builtin_mul_overflow(product, count[n_axes], &product)) break;
    n_axes++;
  }
  if (!r->failed && product != axes->points) h5_reader_fail(r, "the number of points");
  for (size_t p = 0; p < parameters && !r->failed; p++) {
    size_t values;
    const char *const *text = reader_texts(r, arena_format(r->arena, "values_of_%s", file->parameter[p]), &values);
    uint64_t axis = (uint64_t)reader_whole(r, arena_format(r->arena, "axis_of_%s", file->parameter[p])), stride = 1;
    if (r->failed || axis >= n_axes || values != count[axis]) {
      h5_reader_fail(r, file->parameter[p]);
      break;
    }
    for (uint64_t a = n_axes; a-- > axis + 1;) stride *= count[a];
    for (size_t k = 0; k < runs; k++) value[p * runs + k] = text[file->run_point[k] / stride % values];
  }
  file->parameter_value = value;
}

static void values_read(ResultFile *file, H5Reader *r) {
  size_t runs = (size_t)file->n_runs, deployments = file->n_deployments, cells = runs * deployments;
  double *summary = ARENA_ARRAY(r->arena, double, SUMMARY_COUNT * cells), *cluster = ARENA_ARRAY(r->arena, double, CLUSTER_COUNT * runs);
  double *latency_s = ARENA_ARRAY(r->arena, double, deployments), *attainment_ratio = ARENA_ARRAY(r->arena, double, deployments);
  for (size_t k = 0; k < SUMMARY_COUNT; k++) {
    reader_rows(r, arena_format(r->arena, "/summary/%s", summary_column[k].name), H5T_NATIVE_DOUBLE, 0, runs, deployments, summary + k * cells);
  }
  for (size_t k = 0; k < CLUSTER_COUNT; k++) {
    reader_rows(r, arena_format(r->arena, "/summary/%s", cluster_column[k].name), H5T_NATIVE_DOUBLE, 0, runs, 1, cluster + k * runs);
  }
  reader_rows(r, "/summary/objective_latency_s", H5T_NATIVE_DOUBLE, 0, deployments, 1, latency_s);
  reader_rows(r, "/summary/objective_attainment_ratio", H5T_NATIVE_DOUBLE, 0, deployments, 1, attainment_ratio);
  file->summary = summary;
  file->cluster = cluster;
  file->objective_latency_s = latency_s;
  file->objective_attainment_ratio = attainment_ratio;
}

static void training_read(ResultFile *file, H5Reader *r) {
  size_t runs = (size_t)file->n_runs, cells = runs * file->n_queues;
  hsize_t extent[2];
  if (!reader_extent(r, "/training/submitted", 2, extent)) return;
  if (extent[0] != runs || extent[1] != file->n_queues) {
    h5_reader_fail(r, "/training/submitted");
    return;
  }
  double *training = ARENA_ARRAY(r->arena, double, TRAINING_COUNT * cells);
  for (size_t k = 0; k < TRAINING_COUNT; k++)
    reader_rows(r, arena_format(r->arena, "/training/%s", training_column[k].name), H5T_NATIVE_DOUBLE, 0, runs, file->n_queues, training + k * cells);
  file->training = training;
}

static void batches_read(ResultFile *file, H5Reader *r) {
  size_t runs = (size_t)file->n_runs, cells = file->n_deployments * file->n_batches;
  hsize_t extent[3];
  if (!reader_extent(r, "/batches/offered", 3, extent)) return;
  if (extent[0] != runs || extent[1] != file->n_deployments || extent[2] != file->n_batches) {
    h5_reader_fail(r, "/batches/offered");
    return;
  }
  double *batch = ARENA_ARRAY(r->arena, double, SUMMARY_COUNT * runs * cells), *total = ARENA_ARRAY(r->arena, double, CLUSTER_COUNT * runs * file->n_batches);
  for (size_t k = 0; k < SUMMARY_COUNT; k++)
    reader_rows(r, arena_format(r->arena, "/batches/%s", summary_column[k].name), H5T_NATIVE_DOUBLE, 0, runs, cells, batch + k * runs * cells);
  for (size_t k = 0; k < CLUSTER_COUNT; k++)
    reader_rows(r, arena_format(r->arena, "/batches/%s", cluster_column[k].name), H5T_NATIVE_DOUBLE, 0, runs, file->n_batches, total + k * runs * file->n_batches);
  file->batch = batch;
  file->batch_cluster = total;
}

bool result_file_open(ResultFile *file, const char *path, Arena *arena, Err *err) {
  H5Reader reader;
  Axes axes;
  memset(file, 0, sizeof *file);
  file->path = path;
  if (!h5_reader_open(&reader, path, arena, err)) return false;
  names_read(file, &reader, &axes);
  if (!reader.failed) runs_read(file, &reader, &axes);
  if (!reader.failed) parameters_read(file, &reader, &axes);
  if (!reader.failed) values_read(file, &reader);
  if (!reader.failed && file->n_queues) training_read(file, &reader);
  if (!reader.failed && file->n_batches) batches_read(file, &reader);
  h5_reader_close(&reader);
  return !reader.failed;
}

/* ---- latency ------------------------------------------------------------------------------------------------------ */

static bool counts_add(H5Reader *r, hid_t dataset, uint64_t run, size_t deployment, uint64_t *row, uint64_t *counts) {
  hsize_t start[3] = {run, deployment, 0}, size[3] = {1, 1, HISTOGRAM_BINS};
  hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(1, &size[2], NULL);
  bool ok = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL) >= 0 &&
            H5Dread(dataset, H5T_NATIVE_UINT64, memory, space, H5P_DEFAULT, row) >= 0;
  H5Sclose(memory);
  H5Sclose(space);
  if (!ok) return h5_reader_fail(r, "/latency/counts");
  for (size_t k = 0; k < HISTOGRAM_BINS; k++) counts[k] += row[k];
  return true;
}

/* Runs [first, after) for which pick is set; all of them where it is NULL. */
static bool latency_read(const char *path, const bool *pick, uint64_t first, uint64_t after, size_t deployment, uint64_t *counts, Err *err) {
  Arena arena = {0};
  H5Reader reader;
  hsize_t extent[3];
  if (!h5_reader_open(&reader, path, &arena, err)) return false;
  if (reader_extent(&reader, "/latency/counts", 3, extent) && (extent[0] < after || extent[1] <= deployment || extent[2] != HISTOGRAM_BINS)) {
    h5_reader_fail(&reader, "/latency/counts");
  }
  hid_t dataset = reader.failed ? H5I_INVALID_HID : H5Dopen2(reader.file, "/latency/counts", H5P_DEFAULT);
  uint64_t *row = ARENA_ARRAY(&arena, uint64_t, HISTOGRAM_BINS);
  for (uint64_t run = first; run < after && !reader.failed; run++) {
    if (!pick || pick[run]) counts_add(&reader, dataset, run, deployment, row, counts);
  }
  if (dataset >= 0) H5Dclose(dataset);
  h5_reader_close(&reader);
  arena_free(&arena);
  return !reader.failed;
}

bool result_file_latency(const char *path, const bool *pick, uint64_t n_runs, size_t deployment, uint64_t *counts, Err *err) {
  return latency_read(path, pick, 0, n_runs, deployment, counts, err);
}

bool result_file_latency_of(const char *path, uint64_t first, uint64_t count, size_t deployment, uint64_t *counts, Err *err) {
  return latency_read(path, NULL, first, first + count, deployment, counts, err);
}

/* ---- decisions ---------------------------------------------------------------------------------------------------- */

/* The first row of `run` or a later one: rows are in run order. */
static hsize_t row_of_run(H5Reader *r, hsize_t rows, uint64_t run) {
  hsize_t low = 0, high = rows;
  while (low < high && !r->failed) {
    hsize_t middle = low + (high - low) / 2;
    uint64_t there = 0;
    reader_rows(r, "/decisions/run", H5T_NATIVE_UINT64, middle, 1, 1, &there);
    if (there < run) low = middle + 1;
    else high = middle;
  }
  return low;
}

static hid_t decision_memory_type(DecisionKind kind) {
  switch (kind) {
    case DECISION_INSTANT: case DECISION_NUMBER: return H5T_NATIVE_DOUBLE;
    case DECISION_CODE: case DECISION_INT: return H5T_NATIVE_INT;
    case DECISION_COUNT: return H5T_NATIVE_UINT32;
    case DECISION_WHOLE: return H5T_NATIVE_INT64;
    case DECISION_TARGET: case DECISION_TEXT: break;
  }
  return H5I_INVALID_HID;
}

static uint32_t deployment_of(const char *const *name, size_t count, const char *wanted) {
  for (size_t d = 0; d < count; d++) {
    if (text_equal(name[d], wanted)) return (uint32_t)d;
  }
  return UINT32_MAX;
}

static void decision_texts_read(H5Reader *r, const DecisionColumn *column, const char *dataset, hsize_t first, DecisionRow *row, size_t rows) {
  size_t deployments;
  const char *const *name = reader_texts(r, "deployments", &deployments);
  const char **text = ARENA_ARRAY(r->arena, const char *, rows);
  if (!reader_row_texts(r, dataset, first, rows, text)) return;
  for (size_t k = 0; k < rows; k++) {
    unsigned char *member = (unsigned char *)&row[k] + column->offset;
    uint32_t deployment = column->kind == DECISION_TARGET ? deployment_of(name, deployments, text[k]) : 0;
    if (deployment == UINT32_MAX) {
      h5_reader_fail(r, dataset);
      return;
    }
    if (column->kind == DECISION_TARGET) memcpy(member, &deployment, sizeof deployment);
    else memcpy(member, &text[k], sizeof text[k]);
  }
}

static void decision_column_read(H5Reader *r, const DecisionColumn *column, hsize_t first, DecisionRow *row, size_t rows) {
  const char *dataset = arena_format(r->arena, "/decisions/%s", column->name);
  hid_t type = decision_memory_type(column->kind);
  if (type < 0) {
    decision_texts_read(r, column, dataset, first, row, rows);
    return;
  }
  unsigned char *cell = ARENA_ARRAY(r->arena, unsigned char, rows * 8);
  if (!reader_rows(r, dataset, type, first, rows, 1, cell)) return;
  for (size_t k = 0; k < rows; k++) {
    unsigned char *member = (unsigned char *)&row[k] + column->offset;
    if (column->kind == DECISION_INSTANT) {
      double seconds;
      memcpy(&seconds, cell + k * 8, sizeof seconds);
      int64_t ns = ns_from_double(seconds * 1e9);
      memcpy(member, &ns, sizeof ns);
    } else {
      memcpy(member, cell + k * column->size, column->size);
    }
  }
}

bool result_file_trace_end(const char *path, uint64_t run, const char *column, double *value, size_t n_deployments, Arena *arena, Err *err) {
  H5Reader reader;
  hsize_t runs = 0;
  for (size_t d = 0; d < n_deployments; d++) value[d] = (double)NAN;
  if (!h5_reader_open(&reader, path, arena, err)) return false;
  if (reader_has(&reader, "/trace/run") && reader_extent(&reader, "/trace/run", 1, &runs)) {
    uint64_t *number = ARENA_ARRAY(arena, uint64_t, runs);
    const char *dataset = arena_format(arena, "/trace/%s", column);
    double *cell = ARENA_ARRAY(arena, double, n_deployments * TRACE_ROWS);
    hsize_t k = 0;
    bool ok = reader_rows(&reader, "/trace/run", H5T_NATIVE_UINT64, 0, runs, 1, number);
    while (ok && k < runs && number[k] != run) k++;
    if (ok && k < runs && reader_rows(&reader, dataset, H5T_NATIVE_DOUBLE, k, 1, n_deployments * TRACE_ROWS, cell))
      for (size_t d = 0; d < n_deployments; d++) value[d] = cell[d * TRACE_ROWS + TRACE_ROWS - 1];
  }
  h5_reader_close(&reader);
  return !reader.failed;
}

bool result_file_decisions(const char *path, uint64_t run, Arena *arena, DecisionRow **row, size_t *count, Err *err) {
  H5Reader reader;
  hsize_t rows = 0;
  *row = NULL;
  *count = 0;
  if (!h5_reader_open(&reader, path, arena, err)) return false;
  if (reader_has(&reader, "/decisions/run") && reader_extent(&reader, "/decisions/run", 1, &rows)) {
    hsize_t first = row_of_run(&reader, rows, run), after = row_of_run(&reader, rows, run + 1);
    if (!reader.failed && after > first) {
      *count = (size_t)(after - first);
      *row = ARENA_ARRAY(arena, DecisionRow, *count);
      for (size_t c = 0; c < DECISION_COLUMN_COUNT; c++) decision_column_read(&reader, &decision_column[c], first, *row, *count);
    }
  }
  h5_reader_close(&reader);
  return !reader.failed;
}
