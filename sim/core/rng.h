/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11).
 * Key = seed; counter = (64-bit block, 32-bit entity, 8-bit purpose | 24-bit replication). Draw i of a stream is 64-bit half i mod 2 of
 * block floor(i/2); u = ((word >> 12) + 1/2) * 2^-52, never 0 or 1. Random access, no state. A mirrored stream gives 1 - u, exactly:
 * the formula of the complemented word. */
#ifndef SIM_CORE_RNG_H
#define SIM_CORE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef enum Purpose {
  PURPOSE_GAP = 1,   /* time to the next arrival */
  PURPOSE_MODULATION, /* sojourn of a modulating state */
  PURPOSE_SIZE,      /* input size (bytes or tokens) */
  PURPOSE_SIZE_OUT,  /* output tokens */
  PURPOSE_WORK,      /* service requirement */
  PURPOSE_PATIENCE,  /* waiting a client will bear */
  PURPOSE_DISPATCH,  /* choice of replica */
  PURPOSE_DISPATCH_SECOND, /* second choice of power-of-two */
  PURPOSE_ROUTE,     /* where a job goes next */
  PURPOSE_BACKOFF,   /* retry jitter */
  PURPOSE_STARTUP,   /* node start-up, draw i for the i-th node of a pool */
  PURPOSE_LOAD,      /* replica load, draw i for the i-th replica of a deployment */
  PURPOSE_JITTER,    /* places of arrivals inside a counted interval */
  PURPOSE_FAULT,     /* tests: random instants of failures, resizes, drains */
  PURPOSE_NODES,     /* a node policy's choice among equals */
  PURPOSE_RESAMPLE,  /* which part of a trace a block of a resampled one is */
  PURPOSE_NODE_FAILURE, /* time to a node's failure; these by node, and its k-th failure */
  PURPOSE_NODE_REPAIR,
  PURPOSE_NODE_START,  /* whether the i-th node of a pool comes up at all */
  PURPOSE_NODE_SPEED,  /* whether it is slow */
  PURPOSE_RECLAIM,     /* when it is taken back, or who is by a listed instant */
  PURPOSE_STOCK,       /* times in and out of stock of a market */
  PURPOSE_BATCH,       /* jobs that arrive together */
  PURPOSE_KEEP_ALIVE,  /* how long an idle replica stays */
  PURPOSE_TRAINING_GPUS = 48, /* GPUs of a training job */
  PURPOSE_TRAINING_FAILURE,   /* lives of a training job's workers */
  PURPOSE_SHUFFLE,            /* order of the parts of a law (shuffle.h): of a job's first size, and of its second */
  PURPOSE_SHUFFLE_SECOND
} Purpose;

typedef struct Stream {
  uint32_t key[2];
  uint32_t entity;
  uint32_t low;  /* purpose << 24 | replication */
  uint64_t flip; /* all ones: mirrored */
} Stream;

/* A replication's number is below 2^24; with REPLICATION_MIRRORED its draws are 1 - u (antithetic to those without). */
#define REPLICATION_MIRRORED (UINT32_C(1) << 31)
Stream stream_make(uint64_t seed, uint32_t entity, Purpose purpose, uint32_t replication);
/* The raw 4x32 block function: counter in c[4], key k[2], result in out[4]. */
void philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);
uint64_t stream_word(const Stream *stream, uint64_t index);
double stream_uniform(const Stream *stream, uint64_t index);
/* u[k] = stream_uniform(stream, first + k), k < n; four at a time with AVX2, equal to the scalar form bit for bit. */
void stream_uniforms(const Stream *stream, uint64_t first, size_t n, double *u);

#endif
