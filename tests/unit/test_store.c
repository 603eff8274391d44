/* Encoded runs, the journal and the HDF5 store: what is put in comes out, equal sweeps give equal bytes, and every failure of the disk
 * ends in a clear error that leaves the old result alone. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hdf5.h>
#include <libdeflate.h>

#include "sim/lab/chunk.h"
#include "sim/lab/deflate_runs.h"
#include "sim/lab/encode.h"
#include "sim/lab/run_bytes.h"
#include "sim/lab/store_file.h"
#include "tests/support/fake_sweep.h"
#include "tests/testing.h"

typedef struct Folder {
  Arena arena;
  char path[64];
  char file[224], journal[240], partial[240];
} Folder;

static int folder_setup(void **state) {
  Folder *folder = calloc(1, sizeof *folder);
  const char *base = getenv("TMPDIR");
  snprintf(folder->path, sizeof folder->path, "%s/headroom-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
  if (!mkdtemp(folder->path)) return -1;
  snprintf(folder->file, sizeof folder->file, "%s/result.h5", folder->path);
  snprintf(folder->journal, sizeof folder->journal, "%s.journal", folder->file);
  snprintf(folder->partial, sizeof folder->partial, "%s.partial", folder->file);
  *state = folder;
  return 0;
}

static int folder_teardown(void **state) {
  Folder *folder = *state;
  char extra[300];
  snprintf(extra, sizeof extra, "%s-journal", folder->journal);
  unlink(extra);
  snprintf(extra, sizeof extra, "%s/second.h5", folder->path);
  unlink(extra);
  unlink(folder->file);
  unlink(folder->journal);
  unlink(folder->partial);
  rmdir(folder->path);
  arena_free(&folder->arena);
  free(folder);
  return 0;
}

static bool file_exists(const char *path) { return access(path, F_OK) == 0; }

static uint64_t file_hash(const char *path) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  char bytes[65536];
  uint64_t hash = 0;
  for (size_t length; (length = fread(bytes, 1, sizeof bytes, file)) > 0;) hash = hash_bytes(hash, bytes, length);
  fclose(file);
  return hash;
}

static void file_put(const char *path, const char *text) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

/* Puts runs first, first + step ... of those that the journal lacks. */
static void runs_put(Journal *journal, const Sweep *sweep, TraceKeep keep, uint64_t first, uint64_t step, uint64_t end) {
  Err err = {0};
  for (uint64_t run = first; run < end; run += step) {
    if (journal_has(journal, run)) continue;
    Arena arena = {0};
    RunResult result;
    fake_result(&result, &arena, sweep, run, 1 + run % 7 * 3, true);
    assert_true(journal_put(journal, run_encode(&result, run, sweep_keeps_trace(sweep, run, keep), &arena), &err));
    arena_free(&arena);
  }
}

static Journal *journal_filled(Folder *folder, const Sweep *sweep, TraceKeep keep) {
  Err err = {0};
  Journal *journal = journal_open(folder->file, sweep, keep, false, true, &folder->arena, &err);
  assert_non_null(journal);
  runs_put(journal, sweep, keep, 0, 1, sweep->n_runs);
  assert_true(journal_commit(journal, &err));
  assert_int_equal(journal_count(journal), sweep->n_runs);
  return journal;
}

static void assert_error(const Err *err, const char *words) {
  assert_true(err->count > 0);
  for (size_t k = 0; k < err->count && k < ERR_ITEMS; k++) {
    if (strstr(err->item[k].message, words)) return;
  }
  fail_msg("`%s` is not in: %s", words, err->item[0].message);
}

/* ---- encoding ------------------------------------------------------------------------------------------------------ */

static void test_shuffle(void **state) {
  (void)state;
  for (size_t element = 1; element <= 16; element++) {
    for (size_t count = 0; count < 40; count++) {
      unsigned char values[16 * 40], planes[16 * 40];
      for (size_t k = 0; k < sizeof values; k++) values[k] = (unsigned char)(k * 37 + element);
      chunk_shuffle(values, count, element, planes);
      for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < element; j++) assert_int_equal(planes[j * count + i], values[i * element + j]);
      }
    }
  }
}

static void test_deflate_runs(void **state) {
  Folder *folder = *state;
  ChunkMaker maker;
  assert_true(chunk_maker_begin(&maker, &folder->arena));
  unsigned char bytes[4096], back[4096], out[4096 + 64];
  uint64_t seed = 5;
  for (size_t trial = 0; trial < 3000; trial++) {
    /* Runs of every length around those where the code changes, of every byte; then noise, which suits less and less. */
    size_t length = trial < 600 ? trial : 64 + trial % 4000;
    for (size_t i = 0; i < length;) {
      seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
      size_t run = trial % 3 == 0 ? 1 + (seed >> 40) % 600 : trial % 3 == 1 ? 1 + (seed >> 40) % (1 + trial % 40) : 255 + (seed >> 40) % 8;
      for (unsigned char value = (unsigned char)(seed >> 56); run > 0 && i < length; run--) bytes[i++] = value;
    }
    if (deflate_runs_suit(bytes, length)) assert_true(deflate_runs(bytes, length, out) <= length + 16);
    if (length == 0) continue;
    assert_true(deflate_undo(out, deflate_make(&maker, bytes, length, out), back, length));
    assert_memory_equal(bytes, back, length);
  }
  chunk_maker_end(&maker);
}

static void test_fletcher32(void **state) {
  (void)state;
  /* HDF5's checksum, worked by hand: sums of big-endian words modulo 65535. */
  assert_int_equal(chunk_fletcher32((const unsigned char *)"\x01\x02\x03\x04", 4), (0x0102u + 0x0406u) << 16 | 0x0406u);
  assert_int_equal(chunk_fletcher32((const unsigned char *)"\x01\x02\x03", 3), (0x0102u + 0x0402u) << 16 | 0x0402u);
}

static void test_encode_is_pure(void **state) {
  Folder *folder = *state;
  FakeSweep fake;
  fake_sweep(&fake, &folder->arena, 2, 1, 3, 2);
  RunResult result;
  fake_result(&result, &folder->arena, &fake.sweep, 1, 9000, false);
  EncodedRun a = run_encode(&result, 1, true, &folder->arena), b = run_encode(&result, 1, true, &folder->arena);
  assert_int_equal(a.length, b.length);
  assert_memory_equal(a.bytes, b.bytes, a.length);

  RunReader reader;
  RunSection section;
  assert_true(run_reader_open(&reader, a));
  assert_int_equal(reader.n_decisions, 9000);
  size_t rows = 0, sections = 0;
  while (run_reader_next(&reader, &section)) {
    DecisionRow *row;
    size_t count;
    sections++;
    if (section.kind != SECTION_DECISIONS) continue;
    assert_true(run_section_decisions(&section, &folder->arena, &row, &count));
    for (size_t k = 0; k < count; k++, rows++) {
      const DecisionRow *was = &result.decision[rows];
      assert_int_equal(row[k].at_ns, was->at_ns);
      assert_string_equal(row[k].step, was->step);
      assert_string_equal(row[k].reason, was->reason ? was->reason : "");
      assert_int_equal(row[k].bytes_after, was->bytes_after);
      assert_true(isnan(row[k].threshold) && row[k].value == was->value);
    }
  }
  assert_int_equal(rows, 9000);
  assert_int_equal(sections, 2 + 1 + TRACE_COUNT + POOL_COUNT + 3);
  assert_int_equal(reader.sections_left, 0);
}

/* Reads everything there is to read; only crashes (and what the sanitizers see) count. */
static bool blob_walk(EncodedRun encoded) {
  RunReader reader;
  RunSection section;
  if (!run_reader_open(&reader, encoded)) return false;
  while (run_reader_next(&reader, &section)) {
    Arena arena = {0};
    DecisionRow *row;
    size_t count;
    if (section.kind == SECTION_DECISIONS && run_section_decisions(&section, &arena, &row, &count)) {
      for (size_t k = 0; k < count; k++) assert_true(strlen(row[k].step) < 1000000);
    }
    arena_free(&arena);
  }
  return reader.sections_left == 0;
}

static void test_damaged_blobs(void **state) {
  Folder *folder = *state;
  FakeSweep fake;
  fake_sweep(&fake, &folder->arena, 2, 1, 1, 1);
  RunResult result;
  fake_result(&result, &folder->arena, &fake.sweep, 1, 40, false);
  EncodedRun good = run_encode(&result, 1, true, &folder->arena);
  assert_true(blob_walk(good));
  unsigned char *bytes = (unsigned char *)arena_alloc(&folder->arena, good.length, 1);
  EncodedRun bad = {1, bytes, good.length, false};
  memcpy(bytes, good.bytes, good.length);
  for (size_t length = 0; length < good.length; length += length < 64 ? 1 : 997) {
    bad.length = length;
    assert_false(blob_walk(bad));
  }
  bad.length = good.length;
  uint32_t random = 1;
  size_t after = offsetof(RunHeader, crc32) + 4;
  for (int k = 0; k < repetitions(2000, 100000); k++) { /* damage that the checksum does not show */
    memcpy(bytes, good.bytes, good.length);
    for (int n = 0; n < 4; n++) {
      random = random * 1664525 + 1013904223;
      size_t span = k % 2 ? good.length : 200;
      bytes[k % 3 ? (good.length - span + random % span) : random % span] ^= (unsigned char)(1 << random / 65536 % 8);
    }
    uint32_t crc = libdeflate_crc32(0, bytes + after, good.length - after);
    memcpy(bytes + offsetof(RunHeader, crc32), &crc, 4);
    (void)blob_walk(bad);
  }
}

/* ---- journal ------------------------------------------------------------------------------------------------------- */

static void test_journal_resume(void **state) {
  Folder *folder = *state;
  FakeSweep fake;
  Err err = {0};
  fake_sweep(&fake, &folder->arena, 4, 2, 1, 1);
  const Sweep *sweep = &fake.sweep;
  Journal *journal = journal_open(folder->file, sweep, TRACE_KEEP_FIRST, false, false, &folder->arena, &err);
  assert_non_null(journal);
  runs_put(journal, sweep, TRACE_KEEP_FIRST, 0, 3, 10);
  assert_false(journal_has(journal, 0)); /* not before the commit */
  assert_true(journal_commit(journal, &err));
  assert_true(journal_has(journal, 0) && journal_has(journal, 9) && !journal_has(journal, 1));
  runs_put(journal, sweep, TRACE_KEEP_FIRST, 1, 3, 10);
  journal_close(journal); /* what was not committed is gone */

  assert_null(journal_open(folder->file, sweep, TRACE_KEEP_FIRST, false, false, &folder->arena, &err));
  assert_error(&err, "exists: a sweep was interrupted");
  err_clear(&err);
  journal = journal_open(folder->journal, sweep, TRACE_KEEP_FIRST, true, false, &folder->arena, &err); /* by its own name */
  assert_non_null(journal);
  assert_int_equal(journal_count(journal), 4);
  assert_true(journal_has(journal, 3) && !journal_has(journal, 1) && !journal_has(journal, sweep->n_runs));

  assert_null(journal_open(folder->file, sweep, TRACE_KEEP_FIRST, true, false, &folder->arena, &err));
  assert_error(&err, "being written by another headroom");
  err_clear(&err);
  assert_null(journal_open(folder->file, sweep, TRACE_KEEP_FIRST, false, true, &folder->arena, &err)); /* not even by force */
  assert_error(&err, "being written by another headroom");
  err_clear(&err);
  assert_int_equal(journal_count(journal), 4);
  assert_false(store_write(folder->file, sweep, TRACE_KEEP_FIRST, journal, &err));
  assert_error(&err, "the journal lacks run 1 of 16");
  assert_false(file_exists(folder->file) || file_exists(folder->partial));
  journal_close(journal);

  err_clear(&err);
  journal = journal_open(folder->file, sweep, TRACE_KEEP_FIRST, false, true, &folder->arena, &err);
  assert_non_null(journal);
  assert_int_equal(journal_count(journal), 0);
  journal_close(journal);
  assert_true(journal_delete(folder->file, &err));
  assert_false(file_exists(folder->journal));
}

static void refuse(Folder *folder, const Sweep *sweep, TraceKeep keep, const char *words) {
  Err err = {0};
  assert_null(journal_open(folder->file, sweep, keep, true, false, &folder->arena, &err));
  assert_int_equal(err_code(&err), ERR_IO);
  assert_error(&err, words);
}

static void test_journal_differences(void **state) {
  Folder *folder = *state;
  FakeSweep fake;
  fake_sweep(&fake, &folder->arena, 4, 2, 1, 1);
  Sweep *sweep = &fake.sweep, changed = *sweep;
  journal_close(journal_filled(folder, sweep, TRACE_KEEP_FIRST));
  refuse(folder, sweep, TRACE_KEEP_ALL, "keeps the traces of first runs, now those of all");
  changed.text = "name: fake\nhorizon: 2h\nseed: 7\n";
  sha256_hex(changed.text, strlen(changed.text), changed.sha256);
  refuse(folder, &changed, TRACE_KEEP_FIRST, "line 2 (horizon):\n  then: horizon: 1h\n  now:  horizon: 2h");
  changed = *sweep;
  SweepInput input = {"trace.csv", "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 12};
  changed.input = &input;
  refuse(folder, &changed, TRACE_KEEP_FIRST, "the input 'trace.csv' has changed");
  refuse(folder, &changed, TRACE_KEEP_FIRST, "then 0123456789ab..., now 1123456789ab...");
  input.path = "other.csv";
  refuse(folder, &changed, TRACE_KEEP_FIRST, "the input 'other.csv' was not among those");
  refuse(folder, &changed, TRACE_KEEP_FIRST, "the input 'trace.csv', with which");
}

static void test_journal_in_the_way(void **state) {
  Folder *folder = *state;
  FakeSweep fake;
  Err err = {0};
  fake_sweep(&fake, &folder->arena, 2, 1, 1, 1);
  file_put(folder->journal, "notes of mine, kept under an unlucky name\n");
  assert_null(journal_open(folder->file, &fake.sweep, TRACE_KEEP_FIRST, false, true, &folder->arena, &err));
  assert_error(&err, "is not a journal of headroom");
  err_clear(&err);
  assert_null(journal_open("/nowhere/at/all.h5", &fake.sweep, TRACE_KEEP_FIRST, false, false, &folder->arena, &err));
  assert_error(&err, "No such file or directory");
  file_put(folder->journal, "");
  err_clear(&err);
  Journal *journal = journal_open(folder->file, &fake.sweep, TRACE_KEEP_FIRST, true, false, &folder->arena, &err); /* killed before its first write */
  assert_non_null(journal);
  journal_close(journal);
}

/* A limit on the size of files is a disk that is full at a place of our choice. */
static void with_file_limit(rlim_t bytes, struct rlimit *before) {
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, before), 0);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, before->rlim_max}), 0);
}

static void test_journal_full_disk(void **state) {
  Folder *folder = *state;
  FakeSweep fake;
  Err err = {0};
  fake_sweep(&fake, &folder->arena, 50, 1, 1, 1);
  const Sweep *sweep = &fake.sweep;
  Journal *journal = journal_open(folder->file, sweep, TRACE_KEEP_ALL, false, false, &folder->arena, &err);
  assert_non_null(journal);
  runs_put(journal, sweep, TRACE_KEEP_ALL, 0, 1, 5);
  assert_true(journal_commit(journal, &err));
  struct rlimit before;
  with_file_limit(400000, &before);
  runs_put(journal, sweep, TRACE_KEEP_ALL, 5, 1, 40);
  bool ok = journal_commit(journal, &err);
  setrlimit(RLIMIT_FSIZE, &before);
  assert_false(ok);
  assert_int_equal(err_code(&err), ERR_IO);
  assert_error(&err, folder->journal);
  assert_error(&err, "File too large");
  journal_close(journal);
  err_clear(&err);
  journal = journal_open(folder->file, sweep, TRACE_KEEP_ALL, true, false, &folder->arena, &err);
  assert_non_null(journal);
  assert_int_equal(journal_count(journal), 5);
  journal_close(journal);
}

/* ---- store --------------------------------------------------------------------------------------------------------- */

static void test_equal_bytes(void **state) {
  Folder *folder = *state;
  FakeSweep fake;
  Err err = {0};
  fake_sweep(&fake, &folder->arena, 6, 3, 2, 2);
  const Sweep *sweep = &fake.sweep;
  Journal *journal = journal_filled(folder, sweep, TRACE_KEEP_FIRST);
  assert_true(store_write(folder->file, sweep, TRACE_KEEP_FIRST, journal, &err));
  assert_true(store_write(folder->file, sweep, TRACE_KEEP_FIRST, journal, &err)); /* over itself */
  assert_false(file_exists(folder->partial));
  journal_close(journal);
  uint64_t hash = file_hash(folder->file);

  /* Backwards, in two sittings, under another name. */
  char second[96];
  snprintf(second, sizeof second, "%s/second.h5", folder->path);
  journal = journal_open(folder->file, sweep, TRACE_KEEP_FIRST, false, true, &folder->arena, &err);
  runs_put(journal, sweep, TRACE_KEEP_FIRST, 1, 2, sweep->n_runs);
  assert_true(journal_commit(journal, &err));
  journal_close(journal);
  journal = journal_open(folder->file, sweep, TRACE_KEEP_FIRST, true, false, &folder->arena, &err);
  for (uint64_t run = sweep->n_runs; run-- > 0;) runs_put(journal, sweep, TRACE_KEEP_FIRST, run, 1, run + 1);
  assert_true(journal_commit(journal, &err));
  assert_true(store_write(second, sweep, TRACE_KEEP_FIRST, journal, &err));
  journal_close(journal);
  assert_true(file_hash(second) == hash);
}

static void assert_same(double a, double b) {
  if (isnan(a) || isnan(b)) assert_true(isnan(a) && isnan(b));
  else assert_true(a == b);
}

static void check_rows(hid_t file, const char *group, const char *name, const double *expected, hsize_t run, hsize_t entities) {
  static double there[200 * TRACE_ROWS];
  char path[100];
  snprintf(path, sizeof path, "/%s/%s", group, name);
  hsize_t start[] = {run, 0, 0}, size[] = {1, entities, TRACE_ROWS}, total = entities * TRACE_ROWS;
  hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(dataset), memory = H5Screate_simple(1, &total, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
  assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, there) >= 0);
  for (hsize_t k = 0; k < total; k++) assert_same(there[k], expected ? expected[k] : NAN);
  H5Sclose(memory);
  H5Sclose(space);
  H5Dclose(dataset);
}

static void check_summary(const ResultFile *file, const RunResult *result, uint64_t run) {
  assert_int_equal(file->status[run], result->status);
  if (result->status) assert_string_equal(file->message[run], result->message);
  else assert_null(file->message[run]);
  for (size_t d = 0; d < file->n_deployments; d++) {
    for (size_t k = 0; k < SUMMARY_COUNT; k++) {
      assert_same(file->summary[(k * file->n_runs + run) * file->n_deployments + d], result->status ? NAN : result->summary[d * SUMMARY_COUNT + k]);
    }
  }
  for (size_t k = 0; k < CLUSTER_COUNT; k++) assert_same(file->cluster[k * file->n_runs + run], result->status ? NAN : result->cluster[k]);
}

static void check_decisions(Folder *folder, uint64_t run, const RunResult *result, bool kept) {
  DecisionRow *row;
  size_t count;
  Err err = {0};
  if (!result_file_decisions(folder->file, run, &folder->arena, &row, &count, &err)) fail_msg("%s", err.item[0].message);
  assert_int_equal(count, kept ? result->n_decisions : 0);
  for (size_t k = 0; k < count; k++) {
    const DecisionRow *was = &result->decision[k];
    assert_int_equal(row[k].at_ns, was->at_ns);
    assert_int_equal(row[k].deployment, was->deployment);
    assert_int_equal(row[k].result, was->result);
    assert_int_equal(row[k].model_state, was->model_state);
    assert_int_equal(row[k].quiet_before, was->quiet_before);
    assert_int_equal(row[k].variant_after, was->variant_after);
    assert_int_equal(row[k].bytes_after, was->bytes_after);
    assert_string_equal(row[k].step, was->step);
    assert_string_equal(row[k].reason, was->reason ? was->reason : "");
    assert_same(row[k].value, was->value);
    assert_same(row[k].threshold, was->threshold);
  }
}

/* 70 deployments and 66 pools: more than one block, and the last one padded. */
static void test_everything_comes_back(void **state) {
  Folder *folder = *state;
  FakeSweep fake;
  Err err = {0};
  ResultFile file;
  fake_sweep(&fake, &folder->arena, 2, 2, 70, 66);
  const Sweep *sweep = &fake.sweep;
  Journal *journal = journal_filled(folder, sweep, TRACE_KEEP_FIRST);
  assert_true(store_write(folder->file, sweep, TRACE_KEEP_FIRST, journal, &err));
  journal_close(journal);
  assert_true(result_file_open(&file, folder->file, &folder->arena, &err));
  assert_string_equal(file.scenario_text, sweep->text);
  assert_int_equal(file.n_runs, 8);
  assert_int_equal(file.n_pools, 66);
  assert_true(file.horizon_s == 3600 && file.objective_latency_s[69] == 0.5 && file.objective_attainment_ratio[0] == 0.99);
  assert_string_equal(file.parameter_value[0 * 8 + 5], "0.5");
  assert_string_equal(file.parameter_value[1 * 8 + 3], "10Gi");
  assert_string_equal(file.parameter_value[1 * 8 + 4], "größer");
  for (uint64_t run = 0; run < 8; run++) {
    Arena arena = {0};
    RunResult result;
    fake_result(&result, &arena, sweep, run, 1 + run % 7 * 3, true);
    assert_int_equal(file.run_strategy[run], sweep_run_strategy(sweep, run));
    check_summary(&file, &result, run);
    check_decisions(folder, run, &result, run % 2 == 0);
    hid_t h5 = H5Fopen(folder->file, H5F_ACC_RDONLY, H5P_DEFAULT);
    for (size_t k = 0; k < TRACE_COUNT && run % 2 == 0; k++) check_rows(h5, "trace", trace_column[k].name, result.trace + k * 70 * TRACE_ROWS, run / 2, 70);
    for (size_t k = 0; k < POOL_COUNT && run % 2 == 0; k++) check_rows(h5, "pool", pool_column[k].name, result.pool_trace + k * 66 * TRACE_ROWS, run / 2, 66);
    H5Fclose(h5);
    uint64_t counts[HISTOGRAM_BINS] = {0};
    bool pick[8] = {0};
    pick[run] = true;
    assert_true(result_file_latency(folder->file, pick, 8, 69, counts, &err));
    if (result.status == 0) assert_memory_equal(counts, result.latency_counts + 69 * HISTOGRAM_BINS, sizeof counts);
    arena_free(&arena);
  }
}

static void refuse_file(Folder *folder, const char *words) {
  ResultFile file;
  Err err = {0};
  assert_false(result_file_open(&file, folder->file, &folder->arena, &err));
  assert_int_equal(err_code(&err), ERR_IO);
  assert_error(&err, words);
}

static void test_foreign_files(void **state) {
  Folder *folder = *state;
  refuse_file(folder, "No such file or directory");
  file_put(folder->file, "not HDF5\n");
  refuse_file(folder, "is not an HDF5 file");
  unlink(folder->file);
  H5Fclose(H5Fcreate(folder->file, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  refuse_file(folder, "not a result of headroom");
  unlink(folder->file);
  FakeSweep fake;
  Err err = {0};
  fake_sweep(&fake, &folder->arena, 2, 1, 1, 0);
  Journal *journal = journal_filled(folder, &fake.sweep, TRACE_KEEP_NONE);
  assert_true(store_write(folder->file, &fake.sweep, TRACE_KEEP_NONE, journal, &err));
  journal_close(journal);
  hid_t file = H5Fopen(folder->file, H5F_ACC_RDWR, H5P_DEFAULT), format = H5Aopen(file, "headroom_format", H5P_DEFAULT);
  int other = 99;
  H5Awrite(format, H5T_NATIVE_INT, &other);
  H5Aclose(format);
  H5Fclose(file);
  refuse_file(folder, "in format 99; this one reads format 2");
  assert_int_equal(truncate(folder->file, 5000), 0);
  refuse_file(folder, "is damaged");
}

/* ---- faults -------------------------------------------------------------------------------------------------------- */

typedef struct FaultPlan {
  int at, seen; /* the call with this number fails */
  bool for_good; /* and all after it */
  VfdCall hit;
  bool was_hit;
} FaultPlan;

static int fault_error(void *context, VfdCall call) {
  FaultPlan *plan = context;
  int number = plan->seen++;
  if (number != plan->at && !(plan->for_good && number > plan->at)) return 0;
  if (!plan->was_hit) plan->hit = call;
  plan->was_hit = true;
  return 28; /* ENOSPC */
}

static void test_every_fault(void **state) {
  Folder *folder = *state;
  FakeSweep fake;
  Err err = {0};
  fake_sweep(&fake, &folder->arena, 2, 1, 1, 1);
  const Sweep *sweep = &fake.sweep;
  Journal *journal = journal_filled(folder, sweep, TRACE_KEEP_ALL);
  assert_true(store_write(folder->file, sweep, TRACE_KEEP_ALL, journal, &err));
  uint64_t good = file_hash(folder->file);
  FaultPlan count = {.at = -1};
  assert_true(store_write_with(folder->file, sweep, TRACE_KEEP_ALL, journal, &(VfdFault){fault_error, &count, 512}, &err));
  assert_true(file_hash(folder->file) == good); /* the buffer does not show */
  int calls = count.seen, tries = repetitions(120, calls), faults = 0;
  for (int k = 0; k < calls; k++) {
    bool tried = k < 5 || k >= calls - 12 || (long)k * tries / calls != (long)(k - 1) * tries / calls;
    if (!tried) continue;
    FaultPlan plan = {.at = k, .for_good = k % 2};
    file_put(folder->file, "an earlier result");
    uint64_t before = file_hash(folder->file);
    err_clear(&err);
    bool ok = store_write_with(folder->file, sweep, TRACE_KEEP_ALL, journal, &(VfdFault){fault_error, &plan, 512}, &err);
    assert_true(plan.was_hit && !ok);
    assert_int_equal(err_code(&err), ERR_IO);
    assert_error(&err, "No space left on device");
    assert_error(&err, folder->file);
    assert_false(file_exists(folder->partial));
    bool renamed = plan.hit == VFD_OPEN_FOLDER || plan.hit == VFD_SYNC_FOLDER;
    assert_true(file_hash(folder->file) == (renamed ? good : before));
    faults++;
  }
  assert_true(faults >= 20 && calls > 100);
  err_clear(&err);
  assert_true(store_write(folder->file, sweep, TRACE_KEEP_ALL, journal, &err));
  assert_true(file_hash(folder->file) == good);
  journal_close(journal);
}

static void test_store_full_disk(void **state) {
  Folder *folder = *state;
  FakeSweep fake;
  Err err = {0};
  fake_sweep(&fake, &folder->arena, 20, 1, 1, 1);
  Journal *journal = journal_filled(folder, &fake.sweep, TRACE_KEEP_ALL);
  struct rlimit before;
  with_file_limit(700000, &before);
  bool ok = store_write(folder->file, &fake.sweep, TRACE_KEEP_ALL, journal, &err);
  setrlimit(RLIMIT_FSIZE, &before);
  assert_false(ok);
  assert_error(&err, "File too large (write)");
  assert_false(file_exists(folder->file) || file_exists(folder->partial));
  err_clear(&err);
  assert_false(store_write(folder->path, &fake.sweep, TRACE_KEEP_ALL, journal, &err));
  assert_error(&err, "it is a folder");
  err_clear(&err);
  assert_false(store_write("/nowhere/at/all.h5", &fake.sweep, TRACE_KEEP_ALL, journal, &err));
  assert_error(&err, "cannot write '/nowhere/at/all.h5': No such file or directory (open)");
  assert_true(store_write(folder->file, &fake.sweep, TRACE_KEEP_ALL, journal, &err));
  journal_close(journal);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

/* Writes the file that tests/store looks at: 4 points, 2 strategies, 3 replications (run 3 fails), 3 deployments, 2 pools. */
static int file_make(const char *path) {
  Folder folder = {0};
  FakeSweep fake;
  Err err = {0};
  snprintf(folder.file, sizeof folder.file, "%s", path);
  fake_sweep(&fake, &folder.arena, 4, 3, 3, 2);
  Journal *journal = journal_filled(&folder, &fake.sweep, TRACE_KEEP_FIRST);
  bool ok = store_write(path, &fake.sweep, TRACE_KEEP_FIRST, journal, &err);
  journal_close(journal);
  ok = journal_delete(path, &err) && ok;
  arena_free(&folder.arena);
  return ok ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--write") == 0) return file_make(argv[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shuffle),
      cmocka_unit_test(test_fletcher32),
      cmocka_unit_test_setup_teardown(test_deflate_runs, folder_setup, folder_teardown),
      IN_FOLDER(test_encode_is_pure),
      IN_FOLDER(test_damaged_blobs),
      IN_FOLDER(test_journal_resume),
      IN_FOLDER(test_journal_differences),
      IN_FOLDER(test_journal_in_the_way),
      IN_FOLDER(test_journal_full_disk),
      IN_FOLDER(test_equal_bytes),
      IN_FOLDER(test_everything_comes_back),
      IN_FOLDER(test_foreign_files),
      IN_FOLDER(test_every_fault),
      IN_FOLDER(test_store_full_disk),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
