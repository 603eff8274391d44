/* The HDF5 file of a sweep: one pass over its journal in run order, so memory does not grow with the number of runs. What is written is a
 * function of the sweep and its results only: no time, no host, no number of threads. See store.h. */
#include "sim/lab/store.h"

#include <string.h>

#include "sim/base/version.h"
#include "sim/lab/store_file.h"
#include "sim/lab/store_groups.h"

bool sweep_keeps_trace(const Sweep *sweep, uint64_t run, TraceKeep keep) {
  switch (keep) {
    case TRACE_KEEP_FIRST: return sweep_run_replication(sweep, run) == 0;
    case TRACE_KEEP_ALL: return true;
    case TRACE_KEEP_NONE: return false;
  }
  return false;
}

static uint64_t traced_runs(const Sweep *sweep, TraceKeep keep) {
  switch (keep) {
    case TRACE_KEEP_FIRST: return sweep->n_runs / sweep->n_replications;
    case TRACE_KEEP_ALL: return sweep_wanted_runs(sweep);
    case TRACE_KEEP_NONE: return 0;
  }
  return 0;
}

typedef struct Store {
  const Sweep *sweep;
  TraceKeep keep;
  bool traces, partial;
  H5Writer writer;
  SummaryGroup summary;
  LatencyGroup latency;
  RowsGroup trace, pool, training_trace;
  TrainingGroup training;
  DecisionGroup decisions;
  BatchGroup batches;
  Arena row; /* of one run, reset after each */
} Store;

/* ---- root attributes ---------------------------------------------------------------------------------------------- */

static void attributes_of_sweep(H5Writer *w, const Sweep *sweep, hid_t root) {
  h5_attribute_text(w, root, "title", sweep->name);
  if (sweep->first->about && sweep->first->about[0]) h5_attribute_text(w, root, "comment", sweep->first->about);
  h5_attribute_text(w, root, "headroom_version", HEADROOM_VERSION);
  h5_attribute_whole(w, root, "headroom_format", STORE_FORMAT);
  h5_attribute_text(w, root, "scenario", sweep->text);
  h5_attribute_text(w, root, "scenario_sha256", sweep->sha256);
  h5_attribute_whole(w, root, "seed", sweep->first->seed);
  h5_attribute_number(w, root, "horizon_s", s_from_ns(sweep->first->horizon_ns));
  h5_attribute_number(w, root, "warmup_s", s_from_ns(sweep->first->warmup_ns));
  h5_attribute_whole(w, root, "runs", (int64_t)sweep_wanted_runs(sweep));
  h5_attribute_whole(w, root, "points", (int64_t)sweep->n_points);
  h5_attribute_whole(w, root, "replications", sweep->n_replications);
  h5_attribute_texts(w, root, "strategies", sweep->strategy, sweep->n_strategies);
  h5_attribute_texts(w, root, "deployments", sweep->deployment, sweep->n_deployments);
  h5_attribute_texts(w, root, "pools", sweep->pool, sweep->n_pools);
  h5_attribute_texts(w, root, "queues", sweep->queue, sweep->n_queues);
}

/* How intervals are to be made of these runs, and what they hold for. */
static void attributes_of_statistics(H5Writer *w, const Sweep *sweep, hid_t root) {
  h5_attribute_whole(w, root, "antithetic", sweep->first->antithetic);
  h5_attribute_whole(w, root, "batches", sweep->first->batches);
  h5_attribute_text(w, root, "conditional_on", sweep->conditional_on);
}

static void attributes_of_inputs(H5Writer *w, const Sweep *sweep, hid_t root) {
  const char **path = ARENA_ARRAY(w->arena, const char *, sweep->n_inputs), **sha256 = ARENA_ARRAY(w->arena, const char *, sweep->n_inputs);
  for (size_t k = 0; k < sweep->n_inputs; k++) {
    path[k] = sweep->input[k].path;
    sha256[k] = sweep->input[k].sha256;
  }
  h5_attribute_texts(w, root, "input_paths", path, sweep->n_inputs);
  h5_attribute_texts(w, root, "input_sha256", sha256, sweep->n_inputs);
}

/* The axes in words: one line a parameter, "concurrency = deployments.chat.concurrency (axis 0): 1, 2, 4". */
static void attributes_of_axes(H5Writer *w, const Sweep *sweep, hid_t root) {
  size_t count = sweep->n_parameters;
  const char **name = ARENA_ARRAY(w->arena, const char *, count), **path = ARENA_ARRAY(w->arena, const char *, count);
  for (size_t k = 0; k < count; k++) {
    name[k] = parameter_dataset(&sweep->parameter[k], w->arena);
    path[k] = sweep->parameter[k].path;
  }
  h5_attribute_texts(w, root, "parameters", name, count);
  h5_attribute_texts(w, root, "parameter_paths", path, count);
  for (size_t k = 0; k < count; k++) {
    const SweepParameter *parameter = &sweep->parameter[k];
    h5_attribute_texts(w, root, arena_format(w->arena, "values_of_%s", name[k]), parameter->value, (size_t)sweep->axis_count[parameter->axis]);
    h5_attribute_whole(w, root, arena_format(w->arena, "axis_of_%s", name[k]), parameter->axis);
  }
  for (uint32_t a = 0; a < sweep->n_axes; a++) h5_attribute_whole(w, root, arena_format(w->arena, "axis_%u_count", a), (int64_t)sweep->axis_count[a]);
}

static void store_begin(Store *store) {
  H5Writer *w = &store->writer;
  hid_t root = h5_keep(w, H5Gopen2(w->file, "/", H5P_DEFAULT));
  attributes_of_sweep(w, store->sweep, root);
  attributes_of_statistics(w, store->sweep, root);
  attributes_of_inputs(w, store->sweep, root);
  attributes_of_axes(w, store->sweep, root);
  if (store->partial) h5_attribute_whole(w, root, "partial", 1);
  if (root >= 0) H5Gclose(root);
  summary_group_begin(&store->summary, w, store->sweep, store->partial);
  latency_group_begin(&store->latency, w, store->sweep);
  if (store->sweep->first->batches) batch_group_begin(&store->batches, w, store->sweep);
  if (store->sweep->n_queues) training_group_begin(&store->training, w, store->sweep);
  uint64_t traced = traced_runs(store->sweep, store->keep);
  store->traces = traced > 0;
  if (!store->traces) return;
  trace_group_begin(&store->trace, w, store->sweep, traced);
  if (store->sweep->n_pools > 0) pool_group_begin(&store->pool, w, store->sweep, traced);
  if (store->sweep->n_queues) training_trace_group_begin(&store->training_trace, w, store->sweep, traced);
  decision_group_begin(&store->decisions, w, store->sweep);
}

static void store_end(Store *store) {
  H5Writer *w = &store->writer;
  summary_group_end(&store->summary, w, store->sweep);
  latency_group_end(&store->latency, w, store->sweep);
  if (store->sweep->first->batches) batch_group_end(&store->batches, w, store->sweep);
  if (store->sweep->n_queues) training_group_end(&store->training, w, store->sweep);
  if (!store->traces) return;
  rows_group_end(&store->trace, w, store->sweep);
  if (store->sweep->n_pools > 0) rows_group_end(&store->pool, w, store->sweep);
  if (store->sweep->n_queues) rows_group_end(&store->training_trace, w, store->sweep);
  decision_group_end(&store->decisions, w, store->sweep);
}

/* ---- runs --------------------------------------------------------------------------------------------------------- */

/* The lengths and places a section claims, against the sweep. */
static bool section_fits(const Sweep *sweep, const RunSection *section) {
  switch (section->kind) {
    case SECTION_SUMMARY: return section->length == sweep->n_deployments * SUMMARY_COUNT * sizeof(double);
    case SECTION_CLUSTER: return section->length == CLUSTER_COUNT * sizeof(double);
    case SECTION_MESSAGE: return section->length < RUN_MESSAGE_BYTES;
    case SECTION_LATENCY: return section->block < block_count(sweep->n_deployments, LATENCY_BLOCK);
    case SECTION_TRACE: return section->column < TRACE_COUNT && section->block < block_count(sweep->n_deployments, TRACE_BLOCK);
    case SECTION_POOL: return section->column < POOL_COUNT && section->block < block_count(sweep->n_pools, TRACE_BLOCK);
    case SECTION_DECISIONS: return true;
    case SECTION_BATCHES: return section->length == (sweep->n_deployments * SUMMARY_COUNT + CLUSTER_COUNT) * (size_t)sweep->first->batches * sizeof(double);
    case SECTION_TRAINING: return section->length == sweep->n_queues * TRAINING_COUNT * sizeof(double);
    case SECTION_TRAINING_TRACE: return section->column < TRAINING_TRACE_COUNT && section->block < block_count(sweep->n_queues, TRACE_BLOCK);
  }
  return false;
}

static bool store_section(Store *store, uint64_t run, bool traced, const RunSection *section) {
  H5Writer *w = &store->writer;
  if (!section_fits(store->sweep, section)) return false;
  switch (section->kind) {
    case SECTION_SUMMARY: summary_group_values(&store->summary, w, store->sweep, section); return true;
    case SECTION_CLUSTER: summary_group_totals(&store->summary, w, section); return true;
    case SECTION_MESSAGE: summary_group_message(&store->summary, w, section, &store->row); return true;
    case SECTION_LATENCY: latency_group_chunk(&store->latency, w, section); return true;
    case SECTION_TRACE: if (traced) rows_group_chunk(&store->trace, w, section); return true;
    case SECTION_POOL: if (traced) rows_group_chunk(&store->pool, w, section); return true;
    case SECTION_BATCHES: batch_group_values(&store->batches, w, store->sweep, section); return true;
    case SECTION_TRAINING: training_group_values(&store->training, w, store->sweep, section); return true;
    case SECTION_TRAINING_TRACE: if (traced) rows_group_chunk(&store->training_trace, w, section); return true;
    case SECTION_DECISIONS: {
      DecisionRow *row = NULL;
      size_t rows = 0;
      if (!run_section_decisions(section, &store->row, &row, &rows)) return false;
      if (traced) decision_group_add(&store->decisions, w, store->sweep, run, row, rows);
      return true;
    }
  }
  return false;
}

static bool store_run(Store *store, EncodedRun encoded) {
  RunReader reader;
  const Sweep *sweep = store->sweep;
  if (!run_reader_open(&reader, encoded)) return false;
  bool ok = reader.status == 0, traced = store->traces && sweep_keeps_trace(sweep, encoded.run, store->keep);
  if (ok && (reader.n_deployments != sweep->n_deployments || reader.n_pools != sweep->n_pools || reader.with_trace != traced)) return false;
  summary_group_add(&store->summary, &store->writer, sweep, encoded.run, reader.status);
  if (!ok) summary_group_failed(&store->summary, &store->writer);
  latency_group_add(&store->latency, &store->writer, sweep, encoded.run);
  if (sweep->first->batches) batch_group_add(&store->batches, &store->writer, sweep, encoded.run, reader.status);
  if (sweep->n_queues) training_group_add(&store->training, &store->writer, sweep, encoded.run, reader.status);
  if (traced && sweep->n_queues) rows_group_add(&store->training_trace, &store->writer, sweep, encoded.run);
  if (traced) rows_group_add(&store->trace, &store->writer, sweep, encoded.run);
  if (traced && sweep->n_pools > 0) rows_group_add(&store->pool, &store->writer, sweep, encoded.run);
  RunSection section;
  while (run_reader_next(&reader, &section)) {
    if (ok == (section.kind == SECTION_MESSAGE) || !store_section(store, encoded.run, traced, &section)) return false;
  }
  return reader.sections_left == 0;
}

/* The row of a run that did not come. Arrays keep their fill values. */
static void store_missing(Store *store, uint64_t run) {
  H5Writer *w = &store->writer;
  const Sweep *sweep = store->sweep;
  bool traced = store->traces && sweep_keeps_trace(sweep, run, store->keep);
  summary_group_missing(&store->summary, w, sweep, run);
  latency_group_add(&store->latency, w, sweep, run);
  if (sweep->first->batches) batch_group_add(&store->batches, w, sweep, run, STATUS_MISSING);
  if (sweep->n_queues) training_group_add(&store->training, w, sweep, run, STATUS_MISSING);
  if (traced) rows_group_add(&store->trace, w, sweep, run);
  if (traced && sweep->n_pools > 0) rows_group_add(&store->pool, w, sweep, run);
  if (traced && sweep->n_queues) rows_group_add(&store->training_trace, w, sweep, run);
}

static bool store_runs(Store *store, const RunSource *source, Err *err) {
  EncodedRun encoded;
  uint64_t n_runs = store->sweep->n_runs;
  size_t before = err->count;
  bool there = source->next(source->context, &encoded, err);
  for (uint64_t run = sweep_next_wanted(store->sweep, 0); run < n_runs; run = sweep_next_wanted(store->sweep, run + 1)) {
    if (!vfd_ok(store->writer.vfd) || store->writer.failed) break; /* reported by the caller */
    if (err->count > before) return false;
    while (there && encoded.run < run && !sweep_run_wanted(store->sweep, encoded.run)) there = source->next(source->context, &encoded, err);
    if (there && encoded.run < run) return err_add(err, ERR_IO, "run %llu comes after run %llu", (unsigned long long)encoded.run, (unsigned long long)run);
    if (!there || encoded.run > run) {
      if (!store->partial) return err_add(err, ERR_IO, "the journal lacks run %llu of %llu", (unsigned long long)run, (unsigned long long)sweep_wanted_runs(store->sweep));
      store_missing(store, run);
      continue;
    }
    if (!store_run(store, encoded)) return err_add(err, ERR_IO, "run %llu is damaged in the journal; --force starts the sweep anew", (unsigned long long)run);
    arena_free(&store->row);
    there = source->next(source->context, &encoded, err);
  }
  return err->count == before;
}

/* ---- the file ----------------------------------------------------------------------------------------------------- */

static hid_t store_create(Vfd *vfd) {
  hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  H5Pset_obj_track_times(creation, false);
  H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  hid_t file = vfd_create_file(vfd, creation, access);
  H5Pclose(creation);
  H5Pclose(access);
  return file;
}

static bool store_fill(Store *store, Vfd *vfd, const RunSource *source, Arena *arena, Err *err) {
  if (store_create(vfd) < 0) return !vfd_ok(vfd) || err_add(err, ERR_IO, "cannot write '%s': HDF5 does not begin a file", vfd->target);
  bool ok = h5_writer_begin(&store->writer, vfd, arena);
  if (ok) {
    store_begin(store);
    ok = store_runs(store, source, err);
    if (ok) store_end(store);
  }
  h5_writer_end(&store->writer);
  if (!vfd_ok(vfd)) return true; /* vfd_finish has the words */
  if (store->writer.failed) return err_add(err, ERR_IO, "cannot write '%s': HDF5: %s", vfd->target, store->writer.why);
  return ok;
}

typedef struct Writing {
  Arena arena;
  Vfd vfd;
  bool opened; /* vfd has to be finished or abandoned */
  Store *store;
  jmp_buf exhausted;
} Writing;

/* Memory that runs out while the file is filled ends here: no call of HDF5's is on the stack then, as its driver allocates nothing. */
static bool writing_fill(Writing *writing, const StoreRequest *request, const VfdFault *fault, Err *err) {
  if (setjmp(writing->exhausted)) return err_add(err, ERR_IO, "cannot write '%s': out of memory", request->path);
  writing->arena.exhausted = &writing->exhausted;
  writing->opened = true;
  if (!vfd_open(&writing->vfd, request->path, fault, &writing->arena, err)) {
    writing->opened = false;
    return false;
  }
  Store *store = writing->store = ARENA_NEW(&writing->arena, Store);
  *store = (Store){.sweep = request->sweep, .keep = request->keep, .partial = request->partial, .row = {.exhausted = &writing->exhausted}};
  return store_fill(store, &writing->vfd, &request->source, &writing->arena, err);
}

bool store_write_faulty(const StoreRequest *request, const VfdFault *fault, Err *err) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  Writing writing = {.opened = false};
  bool ok = writing_fill(&writing, request, fault, err);
  if (ok) ok = vfd_finish(&writing.vfd, err);
  else if (writing.opened) vfd_abandon(&writing.vfd);
  if (writing.store) arena_free(&writing.store->row);
  arena_free(&writing.arena);
  return ok;
}

bool store_write_from(const StoreRequest *request, Err *err) { return store_write_faulty(request, NULL, err); }


bool store_write_with(const char *path, const Sweep *sweep, TraceKeep keep, Journal *journal, const VfdFault *fault, Err *err) {
  StoreRequest request = {.path = path, .sweep = sweep, .keep = keep, .source = journal_source(journal)};
  bool ok = store_write_faulty(&request, fault, err);
  journal_rewind(journal);
  return ok;
}

bool store_write(const char *path, const Sweep *sweep, TraceKeep keep, Journal *journal, Err *err) {
  return store_write_with(path, sweep, keep, journal, NULL, err);
}
