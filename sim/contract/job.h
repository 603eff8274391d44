/* Jobs in blocks: models deliver up to JOB_BLOCK jobs a call, never one call a job. Arrays of fields, filled by the workload
 * (arrival, sizes) and read by service laws. */
#ifndef SIM_CONTRACT_JOB_H
#define SIM_CONTRACT_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "sim/core/rng.h"

enum { JOB_BLOCK = 256 };

typedef struct JobBlock {
  size_t count;
  uint64_t first_index;          /* job k of the block is number first_index + k of its workload */
  int64_t arrival_ns[JOB_BLOCK]; /* ascending */
  uint32_t input[JOB_BLOCK];     /* size in the workload's unit (tokens, or units of unit_bytes); 0 when sizes are not used */
  uint32_t output[JOB_BLOCK];    /* output tokens; 0 when not used */
  uint32_t milligpus[JOB_BLOCK];  /* training jobs of a trace: GPUs wanted, and ... */
  int64_t duration_ns[JOB_BLOCK]; /* ... how long it ran, -1 where that is not known; set only by workloads that bring jobs */
} JobBlock;

#endif
