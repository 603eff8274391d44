/* The command that makes a share of a sweep, or what is missing of it. */
#ifndef SIM_APP_RERUN_H
#define SIM_APP_RERUN_H

#include <stdio.h>

#include "sim/lab/shard.h"

static inline void rerun_print(FILE *out, const char *command, Shard shard) {
  fprintf(out, "%s", command && *command ? command : "headroom run SCENARIO -o RESULT");
  if (shard.count) fprintf(out, " --shard %u/%u", shard.index, shard.count);
  fprintf(out, " --resume");
}

#endif
