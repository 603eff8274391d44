/* Write a service model: one file in models/service. Two forms. A *law* turns a block of jobs into work (ns at reference speed) for
 * the fast loops: each slot of a replica then serves one job at the replica's speed. A *server* has state per replica and decides
 * itself how its jobs share the replica (processor sharing, batching). A speed model says how fast a replica is with given resources. */
#ifndef SIM_CONTRACT_SERVICE_H
#define SIM_CONTRACT_SERVICE_H

#include <stdbool.h>

#include "sim/contract/job.h"
#include "sim/contract/type.h"

/* What a law reads of n jobs: the uniform of PURPOSE_WORK and the sizes. */
typedef struct WorkInput {
  size_t count;
  const double *uniform;
  const uint32_t *input, *output;
} WorkInput;

/* One job inside a server, as the server sees it. */
typedef struct ServerJob {
  uint32_t slot;   /* the engine's handle */
  double work_ns;  /* at speed 1 */
  uint32_t input, output;
  uint32_t rank; /* of its priority: 0 is the highest, and all there is unless the queue is in order of priority */
} ServerJob;

enum { SERVER_NONE = 0xffffffffu };

/* What waits for a server; nothing where it may take none. */
typedef struct ServerQueue {
  uint64_t count;
  int64_t oldest_ns;      /* since when the first of them waits here */
  uint32_t input, output; /* the first's */
  int64_t longest_ns;     /* since when the one waits that has waited longest: the first, unless the queue has another order */
  uint32_t rank;          /* the first's */
} ServerQueue;

/* A server's functions work on `state` of state_bytes(params, concurrency, limit) bytes; nothing is allocated.
 * Instants never go back. At most `limit` jobs are admitted.
 *
 * A server without `take` starts a job whenever it has room. One with `take` says itself when jobs start, and how many together (batches,
 * iterations): it is asked when a job begins to wait, when its own instant (next) has come, and after a change, until it answers 0; each
 * other answer n is followed by n calls of admit at that instant. An answer of 0 ends the instant: the server goes on with what it has. */
typedef struct ServerModel {
  size_t (*state_bytes)(const void *params, int64_t concurrency, int64_t limit);
  void (*begin)(const void *params, void *state, int64_t concurrency, int64_t limit, int64_t now_ns, double speed);
  bool (*has_room)(const void *state);
  void (*admit)(const void *params, void *state, int64_t now_ns, ServerJob job);
  uint64_t (*take)(const void *params, void *state, int64_t now_ns, const ServerQueue *queue);
  int64_t (*next)(const void *params, const void *state);      /* instant of the next completion (with take: or of another event), INSTANT_NEVER when idle */
  uint32_t (*complete)(const void *params, void *state, int64_t now_ns); /* the job that completes at next(), lowest slot first in a tie; with take: or SERVER_NONE */
  void (*cancel)(const void *params, void *state, int64_t now_ns, uint32_t slot); /* one job leaves */
  size_t (*evict)(const void *params, void *state, int64_t now_ns, ServerJob *job); /* all jobs with their work left, in admission order */
  void (*resize)(const void *params, void *state, int64_t now_ns, double speed); /* another speed, or other parameters */
  double (*busy_ratio)(const void *state);                      /* share of the replica in use now, 0..1 */
  int64_t (*least_concurrency)(const void *params);             /* the concurrency it needs; NULL: 1 */
  int64_t (*first_output)(const void *state); /* when the job that completed last gave its first output; NULL: there is no such thing */
  double (*kv_ratio)(const void *state);      /* share of the KV cache in use, NaN where it has no limit; NULL: there is none */
} ServerModel;

/* What the parameters were measured for, 0 where nothing is known. */
typedef struct ServiceRange {
  int64_t concurrency[2], input[2], output[2]; /* least, most */
} ServiceRange;

typedef struct Service {
  Model model; /* first */
  /* A block of work in ns at reference speed: work_ns[k] from input.uniform[k] and the sizes. */
  void (*work)(const void *params, const WorkInput *input, double *work_ns);
  double (*mean_ns)(const void *params); /* NaN when it depends on sizes */
  void (*range)(const void *params, ServiceRange *range); /* NULL: nothing is known */
  const ServerModel *server; /* NULL: a law, slots serve one job each */
} Service;

/* Speed of a replica relative to its reference resources (1 = reference). Monotone in the resources. */
typedef struct SpeedModel {
  Model model; /* first */
  double (*speed)(const void *params, double effective_millicores, double reference_millicores);
} SpeedModel;

#endif
