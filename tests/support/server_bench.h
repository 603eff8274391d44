/* A server model on the bench: its parameters, one replica's state, and what every test of one needs. */
#ifndef TESTS_SUPPORT_SERVER_BENCH_H
#define TESTS_SUPPORT_SERVER_BENCH_H

#include "sim/contract/service.h"

typedef struct Bench {
  Arena arena;
  const Service *service;
  const ServerModel *model;
  const Type *type;
  void *params, *state;
  uint32_t slot; /* of the next job */
} Bench;

/* With these settings, (path, text) pairs; NULL ends them. */
Bench bench_of(const char *service, const char *const *setting);
/* A replica's state for so many jobs, from instant 0 at speed 1. */
void bench_begin(Bench *bench, int64_t limit);
int64_t bench_next_ns(const Bench *bench);
/* The work of a job that is alone. */
double bench_alone_ns(const Bench *bench, uint32_t input, uint32_t output);

#endif
