/* See shard.h. */
#include "sim/lab/shard.h"

#include <stdlib.h>

static uint64_t shard_points(Shard shard, const Sweep *sweep) {
  if (shard.count == 0) return sweep->n_points;
  return shard.index > sweep->n_points ? 0 : (sweep->n_points - shard.index) / shard.count + 1;
}

uint64_t shard_runs(Shard shard, const Sweep *sweep) {
  uint64_t replications = 0, step = shard.count ? shard.count : 1;
  if (!sweep->wanted) return shard_points(shard, sweep) * sweep->n_strategies * sweep_least_replications(sweep);
  for (uint64_t point = shard.count ? shard.index - 1 : 0; point < sweep->n_points; point += step) replications += sweep->wanted[point];
  return replications * sweep->n_strategies;
}

/* The least number of a run of the share's points that is not below `run`. */
static uint64_t next_of_points(Shard shard, const Sweep *sweep, uint64_t run) {
  if (shard.count == 0 || run >= sweep->n_runs) return run < sweep->n_runs ? run : sweep->n_runs;
  uint64_t point = sweep_run_point(sweep, run), own = point % shard.count, turn = shard.index - 1;
  if (own == turn) return run;
  point += turn > own ? turn - own : shard.count - own + turn;
  return point < sweep->n_points ? point * sweep->n_strategies * sweep->n_replications : sweep->n_runs;
}

uint64_t shard_next(Shard shard, const Sweep *sweep, uint64_t run) {
  for (;;) {
    run = next_of_points(shard, sweep, run);
    uint64_t next = sweep_next_wanted(sweep, run);
    if (next == run) return run;
    run = next;
  }
}

static bool digits(const char **at, uint32_t *value) {
  if (**at < '0' || **at > '9') return false;
  char *end;
  unsigned long number = strtoul(*at, &end, 10);
  *at = end;
  *value = (uint32_t)number;
  return number >= 1 && number <= SHARDS_MOST;
}

bool shard_parse(const char *text, Shard *shard) {
  return digits(&text, &shard->index) && *text++ == '/' && digits(&text, &shard->count) && !*text && shard->index <= shard->count;
}

const char *shard_text(Shard shard, Arena *arena) { return shard.count ? arena_format(arena, "%u/%u", shard.index, shard.count) : ""; }

const char *shard_journal(const char *output, Shard shard, Arena *arena) {
  if (shard.count == 0) return arena_format(arena, "%s.journal", output);
  return arena_format(arena, "%s.shard-%u-of-%u.journal", output, shard.index, shard.count);
}
