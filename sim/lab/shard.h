/* A share of a sweep. Points are dealt like cards: share k of N has the points k - 1, k - 1 + N, ...; a point stays together with all its
 * strategies and replications. Neighbouring points tend to be equally heavy, so shares are, too. A function of (k, N) alone. */
#ifndef SIM_LAB_SHARD_H
#define SIM_LAB_SHARD_H

#include "sim/lab/sweep.h"

enum { SHARDS_MOST = 1000000 };

/* index from 1 to count; count 0: the whole sweep, not shared out. */
typedef struct Shard {
  uint32_t index, count;
} Shard;

/* How many runs it has: so far, where precision adds them. */
uint64_t shard_runs(Shard shard, const Sweep *sweep);
/* The least wanted run of the share that is not below `run`; n_runs if there is none. */
uint64_t shard_next(Shard shard, const Sweep *sweep, uint64_t run);
/* The share a run belongs to, of `count`. */
static inline uint32_t shard_of(const Sweep *sweep, uint64_t run, uint32_t count) { return (uint32_t)(sweep_run_point(sweep, run) % count) + 1; }
static inline bool shard_equal(Shard a, Shard b) { return a.index == b.index && a.count == b.count; }
/* "k/N" with 1 <= k <= N; false for anything else. */
bool shard_parse(const char *text, Shard *shard);
/* "" for the whole sweep, else "k/N". */
const char *shard_text(Shard shard, Arena *arena);
/* Where a share of the result `output` is kept: "OUT.journal", or "OUT.shard-k-of-N.journal". */
const char *shard_journal(const char *output, Shard shard, Arena *arena);

#endif
