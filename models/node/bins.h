/* Packing by thought: the room on nodes, there or imagined, as a scheduler would fill it. Takes can be rewound, so that a simulation
 * (would these replicas fit elsewhere?) costs no copy. Memory is the look's scratch arena. */
#ifndef MODELS_NODE_BINS_H
#define MODELS_NODE_BINS_H

#include "sim/contract/node_policy.h"

enum { BIN_NONE = 0xffffffffu };

typedef struct Bin {
  uint32_t pool;
  bool closed;       /* takes nothing: cordoned, draining, or thought away */
  bool there;        /* a ready node, not one that starts or is imagined */
  uint32_t n_taken;
  Resources room;
  int64_t *gpu_free;
} Bin;

typedef struct Taken {
  uint32_t bin, gpu;
  uint32_t deployment; /* of bins_place */
  Resources request;
} Taken;

typedef struct Bins {
  const NodeObservation *seen;
  Bin *bin; /* the first n_nodes are seen->node, in order */
  uint32_t count, capacity;
  Taken *taken;
  uint32_t n_taken, taken_capacity;
} Bins;

/* All nodes as they are; starting ones are empty and open. */
Bins bins_of_nodes(const NodeObservation *seen);
/* No nodes at all. */
Bins bins_empty(const NodeObservation *seen);
/* An empty machine more; its index. Machines added are forgotten by setting `count` back (after rewinding what they took). */
uint32_t bins_add(Bins *bins, uint32_t pool);
bool bin_has_room(const Bins *bins, uint32_t bin, Resources request, uint32_t *gpu);
bool bin_take(Bins *bins, uint32_t bin, Resources request);
/* First fit over bins [first, count) of the deployment's pools in its order of preference; BIN_NONE if none has room. */
uint32_t bins_place(Bins *bins, uint32_t first, uint32_t deployment, Resources request, bool there_only);
/* Gives back all that was taken since n_taken was `mark`. */
void bins_rewind(Bins *bins, uint32_t mark);

bool deployment_may_run(const NodeObservation *seen, uint32_t deployment, uint32_t pool);
/* Would an empty machine of the pool take it? */
bool machine_has_room(const PoolView *pool, Resources request);
/* Parts of a machine: cpu + memory, each as a share of the allocatable; what the machine lacks counts nothing. */
double request_score(const PoolView *pool, Resources request);

/* A stable order of items by falling score. */
void sort_falling(uint32_t *index, const double *score, uint32_t n, Arena *scratch);

#endif
