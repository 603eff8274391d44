/* A generator fitted to a trace: a workload whose replicas have the trace's rate over the day and the week, its slow course, its spells of silence,
 * its dispersion time scale by time scale, its batches, clients and sizes. Arrivals are doubly stochastic: a simple process whose rate is a
 * product of factors (`modulated`). What cannot be solved directly, since the factors act on each other, is adjusted on generated replicas
 * until these have the trace's figures, which are measured as `describe trace` does. Nothing is specific to a file or format. */
#ifndef SIM_LAB_FIT_H
#define SIM_LAB_FIT_H

#include "sim/lab/trace_statistics.h"

enum { FIT_SCALES = 8, FIT_POINTS = 160, FIT_LEVELS = 3000, FIT_CROWDS = 4 };
#define FIT_LEAST_CV 0.03 /* of a burst: less is not worth a line */
extern const int64_t fit_scale_s[FIT_SCALES]; /* 1 s to a week; the first TRACE_WINDOWS are trace_window_s */

/* A law of sizes: at most FIT_POINTS points of its distribution. count 0: there is none. */
typedef struct FitSizes {
  DistributionPoint point[FIT_POINTS];
  size_t count;
} FitSizes;

/* A flash crowd: the rate rises to `peak` times what it would be, and falls again. */
typedef struct FitCrowd {
  double at_s, ramp_s, decay_s, peak;
} FitCrowd;

typedef struct FitModel {
  TraceShape shape;
  double rate_rps;
  int64_t starts_ns; /* of the week */
  bool has_day, has_week, on_off;
  double day[TRACE_HOURS], week[TRACE_WEEKDAYS];
  size_t n_levels;                   /* of days, beyond the week's table */
  double level[FIT_LEVELS];
  double trend;                      /* from start to end, over the mean; 0: none */
  FitCrowd crowd[FIT_CROWDS];
  size_t n_crowds;
  double burst_variance[FIT_SCALES]; /* of the factor of each scale; 0: none */
  double on_mean_s, on_cv, off_mean_s, off_cv;
  FitSizes batch;
  size_t n_clients;
  double zipf, client_cv;
  FitSizes first, second; /* input and output, or GPUs and duration in s */
  double spearman;
  bool gpu_parts;     /* some jobs want less than a whole GPU */
  size_t shuffle, shuffle_groups; /* so many sizes are spread over their law together; 0: each is drawn alone. Groups: 0 or 1: none */
  bool sizes_alone;   /* one job a second: nothing about instants matters */
} FitModel;

/* What is compared. NaN where the trace has none. */
typedef struct FitFigures {
  double n, gap_cv, zero_share, dispersion[FIT_SCALES], peak[FIT_SCALES];
  double day[TRACE_HOURS], week[TRACE_WEEKDAYS], daily_correlation, weekly_correlation;
  double first[TRACE_QUANTILES], second[TRACE_QUANTILES], spearman;
} FitFigures;

typedef struct Fit {
  FitModel model;
  FitFigures trace, replicas;       /* the latter: means over the replicas that the fit was checked on, not those it was adjusted on */
  size_t n_windows[FIT_SCALES];     /* of the trace */
  int64_t span_ns;
  uint32_t n_replicas;
  size_t rounds;                    /* of adjustment */
} Fit;

typedef struct FitOptions {
  TraceFile trace;
  uint32_t replicas; /* for each round, and for the check; at least 2 */
  int threads;
} FitOptions;

/* False with errors: of the trace, or because there is nothing to fit (too few rows; neither times nor sizes). */
bool fit_trace(Fit *fit, const FitOptions *options, Arena *arena, Err *err);
/* The fitted workload as YAML, for a deployment's `workload` (requests, counts) or a training queue's `jobs`, with a comment on where it
 * comes from. */
void fit_text(const Fit *fit, const char *file, Text *out);

#endif
