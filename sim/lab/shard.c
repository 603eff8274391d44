/* See shard.h. */
#include "sim/lab/shard.h"

#include <stdlib.h>

static uint64_t runs_of_point(const Sweep *sweep) { return (uint64_t)sweep->n_strategies * sweep->n_replications; }

uint64_t shard_runs(Shard shard, const Sweep *sweep) {
  if (shard.count == 0) return sweep->n_runs;
  if (shard.index > sweep->n_points) return 0;
  return ((sweep->n_points - shard.index) / shard.count + 1) * runs_of_point(sweep);
}

uint64_t shard_next(Shard shard, const Sweep *sweep, uint64_t run) {
  if (shard.count == 0 || run >= sweep->n_runs) return run < sweep->n_runs ? run : sweep->n_runs;
  uint64_t point = sweep_run_point(sweep, run), own = point % shard.count, wanted = shard.index - 1;
  if (own == wanted) return run;
  point += wanted > own ? wanted - own : shard.count - own + wanted;
  return point < sweep->n_points ? point * runs_of_point(sweep) : sweep->n_runs;
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
