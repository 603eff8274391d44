/* One line of progress on a terminal: runs, jobs a second, time left. Nothing elsewhere (a pipe, a file, NO_COLOR's friends), or when quiet. */
#ifndef SIM_APP_PROGRESS_H
#define SIM_APP_PROGRESS_H

#include "sim/lab/runner.h"

typedef struct Progress {
  bool shown; /* standard error is a terminal and not quiet */
  bool color;
  uint64_t resumed; /* runs done before this call */
  bool begun;
} Progress;

void progress_begin(Progress *progress, bool quiet);
/* A RunnerOptions.progress; context is the Progress. */
void progress_show(void *context, const RunnerProgress *runs);
/* Clears the line. */
void progress_end(const Progress *progress);

#endif
