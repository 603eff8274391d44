/* The progress line; see progress.h. */
#include "sim/app/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void progress_begin(Progress *progress, bool quiet) {
  *progress = (Progress){.shown = !quiet && isatty(STDERR_FILENO), .color = !getenv("NO_COLOR")};
}

static void print_left(double seconds) {
  if (seconds < 90) fprintf(stderr, "%.0f s left", seconds);
  else if (seconds < 5400) fprintf(stderr, "%.0f min left", seconds / 60);
  else fprintf(stderr, "%.1f h left", seconds / 3600);
}

void progress_show(void *context, const RunnerProgress *runs) {
  Progress *progress = context;
  if (!progress->shown) return;
  if (!progress->begun) progress->resumed = runs->done;
  progress->begun = true;
  uint64_t own = runs->done - progress->resumed;
  double share = runs->total ? (double)runs->done / (double)runs->total : 1;
  fprintf(stderr, "\r\033[K%s%3.0f %%%s  %llu of %llu runs", progress->color ? "\033[1m" : "", 100 * share, progress->color ? "\033[0m" : "",
          (unsigned long long)runs->done, (unsigned long long)runs->total);
  if (runs->elapsed_s > 0 && runs->jobs) fprintf(stderr, "  %.3g million jobs/s", (double)runs->jobs / runs->elapsed_s / 1e6);
  if (own && runs->done < runs->total) {
    fprintf(stderr, "  ");
    print_left(runs->elapsed_s * (double)(runs->total - runs->done) / (double)own);
  }
  if (runs->failed) fprintf(stderr, "  %llu failed", (unsigned long long)runs->failed);
  fflush(stderr);
}

void progress_end(const Progress *progress) {
  if (progress->shown) fprintf(stderr, "\r\033[K");
}
