/* See merge.h. */
#include "sim/lab/merge.h"

#include <string.h>
#include <sys/resource.h>

#include "sim/base/version.h"
#include "sim/lab/precision.h"

/* Readers with the run each stands at, in no order; the least is looked for. A few
 * dozen journals are usual, and a look at a head costs next to nothing beside storing a run. */
typedef struct MergeSource {
  const Merge *merge;
  EncodedRun *head; /* [n_readers] */
  bool *there;
  size_t last;      /* the reader whose run was given, n_readers at first */
} MergeSource;

static bool has_run(const Merge *merge, uint64_t run) { return merge->has[run / 64] >> run % 64 & 1; }

/* ---- opening ------------------------------------------------------------------------------------------------------ */

/* One descriptor or two a journal. */
static void allow_files(size_t journals) {
  struct rlimit limit;
  rlim_t wanted = 2 * (rlim_t)journals + 64;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool check_sweep(const Merge *merge, const JournalState *state, Err *err) {
  if (!state->begun) return true;
  if (strcmp(state->identity.value[IDENTITY_VERSION], HEADROOM_VERSION) != 0) {
    return err_add(err, ERR_IO, "the journal '%s' was written by headroom %s; this is %s: merge it with that one", state->path, state->identity.value[IDENTITY_VERSION], HEADROOM_VERSION);
  }
  return identity_compare(merge->first->path, &merge->first->identity, state->path, &state->identity, err);
}

static bool open_all(Merge *merge, const char *const *path, size_t count, Err *err) {
  for (size_t k = 0; k < count; k++) {
    JournalReader *reader = journal_reader_open(path[k], merge->arena, err);
    if (!reader) return false;
    merge->reader[merge->n_readers++] = reader;
    const JournalState *state = journal_reader_state(reader);
    if (state->tuning) return err_add(err, ERR_IO, "'%s' is the journal of a tuning, which has no runs to merge", state->path);
    if (state->begun && !merge->first) {
      merge->first = state;
      merge->sweep = state->sweep;
    }
    if (!check_sweep(merge, state, err)) return false;
  }
  return merge->first || err_add(err, ERR_IO, "the journal '%s' holds nothing yet", path[0]);
}

static bool count_all(Merge *merge, Err *err) {
  uint64_t words = merge->sweep.n_runs / 64 + 1, twice = 0, there = 0;
  merge->has = ARENA_ARRAY(merge->arena, uint64_t, words);
  for (size_t k = 0; k < merge->n_readers; k++) {
    if (!journal_reader_state(merge->reader[k])->begun) continue;
    if (!journal_reader_mark(merge->reader[k], merge->has, &twice, err)) return false;
  }
  for (uint64_t w = 0; w < words; w++) there += (uint64_t)__builtin_popcountll(merge->has[w]);
  merge->missing = merge->sweep.n_runs - there;
  return true;
}

void merge_close(Merge *merge) {
  for (size_t k = 0; k < merge->n_readers; k++) journal_reader_close(merge->reader[k]);
  merge->n_readers = 0;
}

/* ---- what is missing ---------------------------------------------------------------------------------------------- */

/* The number of shares, if all journals agree on it; else 0. */
static uint32_t shares(const Merge *merge) {
  uint32_t count = merge->first->shard.count;
  for (size_t k = 0; k < merge->n_readers; k++) {
    const JournalState *state = journal_reader_state(merge->reader[k]);
    if (state->begun && state->shard.count != count) return 0;
  }
  return count;
}

static void count_missing(const Merge *merge, MergeGap *gap) {
  const Sweep *sweep = &merge->sweep;
  for (uint64_t run = shard_next(gap->shard, sweep, 0); run < sweep->n_runs; run = shard_next(gap->shard, sweep, run + 1)) {
    if (has_run(merge, run)) continue;
    if (gap->missing++ == 0) gap->first_missing = run;
  }
}

bool merge_gap(const Merge *merge, uint32_t *cursor, MergeGap *gap) {
  uint32_t count = shares(merge);
  while (*cursor < (count ? count : 1)) {
    ++*cursor;
    *gap = (MergeGap){.shard = {count ? *cursor : 0, count}};
    count_missing(merge, gap);
    if (gap->missing == 0) continue;
    for (size_t k = 0; k < merge->n_readers; k++) {
      const JournalState *state = journal_reader_state(merge->reader[k]);
      if (!state->begun || !shard_equal(state->shard, gap->shard)) continue;
      gap->journal = state->path;
      gap->running = state->running;
    }
    return true;
  }
  return false;
}

/* ---- runs in order ------------------------------------------------------------------------------------------------ */

/* Moves a reader on to its next run that was there when merging began: later ones are left for another merge. */
static bool advance(MergeSource *source, size_t k, Err *err) {
  size_t before = err->count;
  do source->there[k] = journal_reader_next(source->merge->reader[k], &source->head[k], err);
  while (source->there[k] && !has_run(source->merge, source->head[k].run));
  return err->count == before;
}

static bool same_run(const EncodedRun *a, const EncodedRun *b) { return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0; }

/* Passes over the copies of a run that other journals hold. */
static bool pass_copies(MergeSource *source, size_t least, Err *err) {
  const Merge *merge = source->merge;
  for (size_t k = 0; k < merge->n_readers; k++) {
    if (k == least || !source->there[k] || source->head[k].run != source->head[least].run) continue;
    if (!same_run(&source->head[k], &source->head[least])) {
      return err_add(err, ERR_IO, "run %llu differs between the journals '%s' and '%s'; remove one of them", (unsigned long long)source->head[k].run,
                     journal_reader_state(merge->reader[least])->path, journal_reader_state(merge->reader[k])->path);
    }
    if (!advance(source, k, err)) return false;
  }
  return true;
}

static size_t find_least(const MergeSource *source) {
  size_t n = source->merge->n_readers, least = n;
  for (size_t k = 0; k < n; k++) {
    if (source->there[k] && (least == n || source->head[k].run < source->head[least].run)) least = k;
  }
  return least;
}

static bool next_of_merge(void *context, EncodedRun *next, Err *err) {
  MergeSource *source = (MergeSource *)context;
  size_t n = source->merge->n_readers;
  if (source->last < n && !advance(source, source->last, err)) return false;
  size_t least = find_least(source);
  source->last = least;
  if (least == n || !pass_copies(source, least, err)) return false;
  *next = source->head[least];
  return true;
}

static bool source_begin(MergeSource *source, const Merge *merge, Err *err) {
  size_t n = merge->n_readers;
  *source = (MergeSource){.merge = merge, .head = ARENA_ARRAY(merge->arena, EncodedRun, n), .there = ARENA_ARRAY(merge->arena, bool, n), .last = n};
  for (size_t k = 0; k < n; k++) {
    journal_reader_rewind(merge->reader[k]);
    if (!advance(source, k, err)) return false;
  }
  return true;
}

/* ---- rounds ------------------------------------------------------------------------------------------------------- */

/* Where precision adds replications, how many there are follows from the runs themselves: the shares found it, each for its points. */
static bool count_rounds(Merge *merge, Err *err) {
  const Shard whole = {0, 0};
  if (!merge->sweep.first->precision.metric) return true;
  sweep_want_least(&merge->sweep);
  MergeSource source;
  PrecisionRound found;
  if (!source_begin(&source, merge, err) || !precision_round(&merge->sweep, &(RunSource){next_of_merge, &source}, &found, err)) return false;
  merge->missing = 0;
  for (uint64_t run = shard_next(whole, &merge->sweep, 0); run < merge->sweep.n_runs; run = shard_next(whole, &merge->sweep, run + 1)) merge->missing += !has_run(merge, run);
  return true;
}

bool merge_open(Merge *merge, const char *const *path, size_t count, Arena *arena, Err *err) {
  *merge = (Merge){.arena = arena, .reader = ARENA_ARRAY(arena, JournalReader *, count)};
  allow_files(count);
  return open_all(merge, path, count, err) && count_all(merge, err) && count_rounds(merge, err);
}

bool merge_write(Merge *merge, const char *output, bool partial, Err *err) {
  MergeSource source;
  if (!source_begin(&source, merge, err)) return false;
  StoreRequest request = {.path = output, .sweep = &merge->sweep, .keep = identity_keep(&merge->first->identity),
                          .source = {next_of_merge, &source}, .partial = partial && merge->missing > 0};
  return store_write_from(&request, err);
}
