/* See tune_share.h. Waiting is looking again and again: a folder is all that shares have in common. */
#include "sim/lab/tune_share.h"

#include <string.h>
#include <time.h>

static const double look_s = 0.02, look_most_s = 0.5, say_after_s = 10;

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void nap(double seconds) { nanosleep(&(struct timespec){(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)}, NULL); }

void share_begin(TuneShare *share, Shard shard, const char *journal, const Sweep *sweep, Arena *arena) {
  static const char ending[] = ".journal";
  size_t length = strlen(journal), tail = sizeof ending - 1;
  if (length > tail && !strcmp(journal + length - tail, ending)) length -= tail;
  const char *base = arena_text(arena, journal, length), **path = ARENA_ARRAY(arena, const char *, shard.count);
  for (uint32_t k = 0; k < shard.count; k++) path[k] = shard_journal(base, (Shard){k + 1, shard.count}, arena);
  *share = (TuneShare){.shard = shard, .sweep = sweep, .path = path, .reader = ARENA_ARRAY(arena, TuneJournal *, shard.count), .arena = arena, .patience_s = 600};
}

void share_end(TuneShare *share) {
  for (uint32_t k = 0; k < share->shard.count; k++) {
    if (share->reader[k]) tune_journal_close(share->reader[k]);
    share->reader[k] = NULL;
  }
}

const char *share_journal_path(const TuneShare *share) { return share->path[share->shard.index - 1]; }

/* Is it there by now? */
static bool look(TuneShare *share, ShareRun *run, bool *there, Err *err) {
  TuneJournal **reader = &share->reader[run->index - 1];
  bool good = true;
  *there = false;
  if (!*reader) good = tune_journal_read(share->path[run->index - 1], share->sweep, reader, share->arena, err);
  if (good && *reader) *there = tune_journal_get(*reader, run->key, run->replication, run->figure, run->n, &run->failed);
  return good;
}

bool share_wait(TuneShare *share, ShareRun *run, const volatile bool *interrupted, Err *err) {
  const char *path = share->path[run->index - 1];
  double began_s = now_s(), ran_s = began_s, wait_s = look_s;
  bool there = false, said = false;
  for (;;) {
    if (!look(share, run, &there, err)) return false;
    if (there || (interrupted && *interrupted)) return true;
    double time_s = now_s();
    bool runs = tune_journal_is_written(path);
    if (runs) ran_s = time_s;
    if (time_s - ran_s > share->patience_s) {
      return err_add(err, ERR_IO, "share %u of %u has not run for %.0f s ('%s'); what was run is kept: begin it again and this one, too, with --resume", run->index,
                     share->shard.count, share->patience_s, path);
    }
    if (!said && share->waiting && time_s - began_s > say_after_s) {
      share->waiting(share->context, run->index, runs);
      said = true;
    }
    nap(wait_s);
    wait_s = wait_s * 1.5 < look_most_s ? wait_s * 1.5 : look_most_s;
  }
}
