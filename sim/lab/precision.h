/* `precision:`: how many replications a point needs. A rule of rounds: after each, from the runs of that point alone, either all strategies
 * are precise enough, or the point gets more replications (all its strategies the same number, so that they stay paired). What a point
 * gets is a function of its own runs: neither threads nor shards nor an interruption change it. */
#ifndef SIM_LAB_PRECISION_H
#define SIM_LAB_PRECISION_H

#include "sim/lab/store.h"

/* Replications after a round of n whose worst half width is `excess` times the wanted one (> 1): as many as the square root law asks for,
 * but at most twice as many, since the spread is an estimate, and at least a quarter more, since looking often at the same data stops too
 * early [coverage of 95 % intervals: 94 % from 10 replications on, nearly 95 % from 20]. */
uint32_t precision_next(uint32_t n, double excess, uint32_t most);
/* What a look at the runs found. */
typedef struct PrecisionRound {
  bool more;             /* some point wants runs that are not there */
  uint64_t short_points; /* have all they may have without being precise enough */
} PrecisionRound;

/* Raises sweep->wanted of every point whose wanted runs are all in the source, as often as it holds enough of them. Does nothing where the
 * scenario asks for no precision. Points of which nothing is there (those of other shares) stay as they are. */
bool precision_round(Sweep *sweep, const RunSource *source, PrecisionRound *found, Err *err);

#endif
