/* Which share of a sweep this process is to run: what --shard says, else what the launcher that started it says in the environment. */
#ifndef SIM_APP_SHARE_H
#define SIM_APP_SHARE_H

#include "sim/lab/shard.h"

enum { SHARE_WHY_BYTES = 160 };

typedef struct Share {
  Shard shard;               /* count 0: the whole sweep */
  char why[SHARE_WHY_BYTES]; /* "Slurm array task 2 of 4"; "" for an explicit option */
} Share;

/* option: the value of --shard ("k/N", "auto", "auto/N", "none"), NULL where it is not given. False with the reason (ERR_USAGE) when the
 * two do not say one share clearly: a share taken wrongly would be simulated twice, or never. */
bool share_find(Share *share, const char *option, Err *err);

#endif
