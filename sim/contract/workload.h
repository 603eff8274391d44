/* Write a workload: one file in models/workload. A workload is a process of arrivals on its own operational clock at constant mean
 * rate; a rate model (models/workload/rate_*.c, MODEL_RATE) may warp that clock, so that modulation composes with any of them.
 * Sizes are drawn by the engine unless the workload brings its own (a trace). */
#ifndef SIM_CONTRACT_WORKLOAD_H
#define SIM_CONTRACT_WORKLOAD_H

#include <stdbool.h>

#include "sim/base/arena.h"
#include "sim/contract/job.h"
#include "sim/contract/type.h"

/* What a workload may know: its streams (seed, entity of the deployment, replication) and the horizon. */
typedef struct WorkloadContext {
  uint64_t seed;
  uint32_t entity;
  uint32_t replication;
  int64_t horizon_ns;
} WorkloadContext;

/* Clients that send their next job after the end of the one before. */
typedef struct ClosedLoop {
  uint64_t clients;             /* at least 1 */
  const Distribution *think_ns; /* draw i of PURPOSE_GAP: before job i */
} ClosedLoop;

/* next fills up to JOB_BLOCK arrivals (arrival_ns; input and output if brings_sizes) in ascending order, count 0 at the end of the
 * stream; it sets first_index. Arrivals past the horizon may be delivered and are ignored. Its output must not depend on how the
 * stream is cut into blocks. */
typedef struct Workload {
  Model model; /* first */
  bool varies;       /* its rate is a given function of time: a run is a terminating simulation */
  bool brings_sizes;
  bool (*brings_sizes_of)(const void *params); /* where it depends on the parameters (a trace without sizes); NULL: as above */
  bool (*brings_jobs)(const void *params); /* its blocks say GPUs and durations of training jobs; NULL: no */
  size_t state_bytes;
  void (*begin)(const void *params, void *state, const WorkloadContext *context, Arena *arena);
  void (*next)(const void *params, void *state, const WorkloadContext *context, JobBlock *block);
  ClosedLoop (*closed)(const void *params); /* next gives the first job of each client; job i is followed by job i + clients. NULL: open */
  const char *(*given)(const void *params, Arena *arena); /* what intervals are conditional on; NULL: "these laws of arrivals" */
  double (*mean_rps)(const void *params, int64_t horizon_ns); /* for estimates and help only */
} Workload;

/* A rate model: warps operational time (ns at the mean rate 1) to real time. factor(t) has mean 1 in the long run;
 * warp is the inverse of t -> integral of factor over [0, t]. instants ascend within a call and from call to call. */
typedef struct RateModel {
  Model model; /* first */
  size_t state_bytes;
  void (*begin)(const void *params, void *state, const WorkloadContext *context, Arena *arena);
  void (*warp)(const void *params, void *state, const WorkloadContext *context, int64_t *instant_ns, size_t n);
  /* Where it is constant piece by piece: the factor at an instant, and until when it holds. Instants ascend from call to call, and a state is
   * used for this or for warping. NULL elsewhere. */
  double (*level)(const void *params, void *state, const WorkloadContext *context, int64_t at_ns, int64_t *end_ns);
} RateModel;

#endif
