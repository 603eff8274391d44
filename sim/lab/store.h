/* Where results live. Each finished run is encoded in its own thread (encode.c), committed to the sweep's journal (journal.c, SQLite)
 * and reported done only after its commit; the HDF5 file is written once, in run order, at the end (store.c), through our own file
 * driver (vfd.c) that latches the first error: temporary name, fsync, rename, fsync of the folder. All HDF5 and SQLite calls come from
 * the calling thread. Equal sweeps give byte-equal files. */
#ifndef SIM_LAB_STORE_H
#define SIM_LAB_STORE_H

#include "sim/lab/shard.h"
#include "sim/lab/sweep.h"
#include "sim/run/result.h"

/* What is kept of each run beyond its summary. */
typedef enum TraceKeep { TRACE_KEEP_FIRST, TRACE_KEEP_ALL, TRACE_KEEP_NONE } TraceKeep; /* traces and decisions of the first replication of each point and strategy (default), all, none */

/* A finished run as bytes: chunks already shuffled, deflated and with their checksum, ready for H5Dwrite_chunk. */
typedef struct EncodedRun {
  uint64_t run;
  void *bytes; /* on the arena given to run_encode */
  size_t length;
  bool failed; /* the run ended with status 1 */
} EncodedRun;

/* Thread-safe. */
EncodedRun run_encode(const RunResult *result, uint64_t run, bool with_trace, Arena *arena);
bool sweep_keeps_trace(const Sweep *sweep, uint64_t run, TraceKeep keep);

typedef struct Journal Journal;

/* What is asked of a journal that is to be written. */
typedef struct JournalRequest {
  const char *path;
  const Sweep *sweep;
  TraceKeep keep;
  Shard shard;         /* what of the sweep goes into it */
  const char *command; /* "headroom run s.yaml -o out.h5": how to begin any share of it; kept for messages, may be NULL */
  bool resume, force;
} JournalRequest;

/* Opens or makes the journal of a sweep. `path` is the result's ("results.h5" -> "results.h5.journal"); a path that already ends in
 * ".journal" is taken as it is. resume: an existing one must belong to the same sweep (scenario text, inputs, version, trace keep), else
 * a clear error that says what differs; without resume an existing one is an error unless force, which starts anew (but never
 * overwrites a file that is no journal). A second writer is refused. The Journal must be closed; its memory is on the arena. */
Journal *journal_begin(const JournalRequest *request, Arena *arena, Err *err);
/* The same, for a whole sweep. */
Journal *journal_open(const char *path, const Sweep *sweep, TraceKeep keep, bool resume, bool force, Arena *arena, Err *err);
bool journal_has(const Journal *journal, uint64_t run); /* committed */
uint64_t journal_count(const Journal *journal);
/* Bit r: run r is committed now. On the journal's arena. */
uint64_t *journal_snapshot(const Journal *journal);
/* Adds a run to the open transaction; journal_commit makes all added ones durable. Both false with err on a full disk etc. */
bool journal_put(Journal *journal, EncodedRun encoded, Err *err);
bool journal_commit(Journal *journal, Err *err);
/* Says how many runs it is to hold, for who looks at its state, and whether that is all; where precision adds runs it changes with each
 * round. Commits. */
bool journal_expect(Journal *journal, uint64_t planned, bool final, Err *err);
/* Committed runs in the order of their numbers: rewind, then next until it gives false. The bytes are valid until the next call on the
 * journal. False at the end, and with err when something is wrong. */
void journal_rewind(Journal *journal);
bool journal_next(Journal *journal, EncodedRun *next, Err *err);
void journal_close(Journal *journal);

/* Finished runs in the order of their numbers, wherever they come from. False at the end, and with err when something is wrong. The bytes
 * are valid until the next call. */
typedef struct RunSource {
  bool (*next)(void *context, EncodedRun *next, Err *err);
  void *context;
} RunSource;
/* Those of a journal, from the first one on. */
RunSource journal_source(Journal *journal);

/* After the HDF5 file is complete and the journal closed; the same rule for `path`. */
bool journal_delete(const char *path, Err *err);

/* What is to be written. */
typedef struct StoreRequest {
  const char *path;
  const Sweep *sweep;
  TraceKeep keep;
  RunSource source;
  bool partial; /* runs that do not come are rows with status 2, "missing"; else they are an error */
} StoreRequest;

/* Writes an HDF5 file. An existing one is replaced only by the final rename. */
bool store_write_from(const StoreRequest *request, Err *err);
/* The file of a complete journal. */
bool store_write(const char *path, const Sweep *sweep, TraceKeep keep, Journal *journal, Err *err);

/* Reads back what compare and explain need. Arrays on the arena. */
typedef struct ResultFile {
  const char *path, *name, *scenario_text;
  const char *const *input_path, *const *input_sha256;
  size_t n_inputs;
  uint64_t n_runs;
  size_t n_deployments, n_strategies, n_parameters, n_pools;
  const char *const *deployment, *const *strategy, *const *parameter;
  const uint32_t *run_strategy, *run_replication; /* [n_runs] */
  const uint64_t *run_point;                      /* [n_runs] */
  const char *const *parameter_value;             /* [n_parameters][n_runs] */
  const int *status;                              /* [n_runs]: 0 ok, 1 failed, 2 missing from a partial merge */
  const char *const *message;                     /* [n_runs], NULL where ok */
  const double *summary;                          /* [SUMMARY_COUNT][n_runs][n_deployments] */
  const double *cluster;                          /* [CLUSTER_COUNT][n_runs] */
  size_t n_queues;                                /* of training */
  const char *const *queue;
  const double *training;                         /* [TRAINING_COUNT][n_runs][n_queues] */
  const double *objective_latency_s, *objective_attainment_ratio; /* [n_deployments] */
  double horizon_s;
  const char *conditional_on;                     /* what intervals hold for, in words */
  bool antithetic;                                /* replications 2k and 2k + 1 are a pair */
  size_t n_batches;                               /* 0: none */
  const double *batch;                            /* [SUMMARY_COUNT][n_runs][n_deployments][n_batches] */
  const double *batch_cluster;                    /* [CLUSTER_COUNT][n_runs][n_batches] */
} ResultFile;
bool result_file_open(ResultFile *file, const char *path, Arena *arena, Err *err);
/* Pooled latency counts of the runs for which pick[run] is set, one deployment: counts[HISTOGRAM_BINS] is added to. */
bool result_file_latency(const char *path, const bool *pick, uint64_t n_runs, size_t deployment, uint64_t *counts, Err *err);
/* The same of runs [first, first + count), without a pick. */
bool result_file_latency_of(const char *path, uint64_t first, uint64_t count, size_t deployment, uint64_t *counts, Err *err);
/* A trace column's value in the last row of a run that keeps its trace: value[n_deployments]; NaN where no trace was kept. */
bool result_file_trace_end(const char *path, uint64_t run, const char *column, double *value, size_t n_deployments, Arena *arena, Err *err);
/* The decision rows of one run (texts on the arena). */
bool result_file_decisions(const char *path, uint64_t run, Arena *arena, DecisionRow **row, size_t *count, Err *err);

#endif
