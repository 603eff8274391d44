/* `closed`: a fixed population of clients, each of which thinks, sends a request, waits for its end, and thinks again; the load then follows
 * from how fast requests are served, as in load tests and in every interactive system. Job k * clients + c is the k-th of client c; draw i
 * of PURPOSE_GAP is the thinking before job i, so that clients meet the same fate under every strategy. The first requests are numbered in
 * their order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/contract/workload.h"
#include "sim/core/time.h"

#define CLOSED_FIELDS(F, C, O, L, M, R, P)                                                                       \
  F(integer, clients, NULL, 1, 1e6, REQUIRED, "clients", "the population of a finite-source queue")             \
  F(duration_dist, think, NULL, 0, 3.2e9, REQUIRED, "from the end of a request (finished or lost) to the client's next one, and before its first", "")
typedef struct Closed { FIELD_MEMBERS(CLOSED_FIELDS) } Closed;
#define ROW_STRUCT Closed
static const Field closed_fields[] = {FIELD_ROWS(CLOSED_FIELDS)};
#undef ROW_STRUCT
static const Type closed_type = FIELD_TYPE("closed", "clients and their thinking", Closed, closed_fields, NULL);

typedef struct ClosedState {
  int64_t *first_ns; /* [clients], ascending */
  uint64_t given;
} ClosedState;

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  const Closed *closed = params;
  ClosedState *s = state;
  size_t n = (size_t)closed->clients;
  Stream gap = stream_make(context->seed, context->entity, PURPOSE_GAP, context->replication);
  *s = (ClosedState){.first_ns = ARENA_ARRAY(arena, int64_t, n)};
  for (size_t k = 0; k < n; k++) s->first_ns[k] = ns_from_double(distribution_quantile(&closed->think_ns, stream_uniform(&gap, k)));
  qsort(s->first_ns, n, sizeof *s->first_ns, ascending);
}

static void next(const void *params, void *state, const WorkloadContext *context, JobBlock *block) {
  const Closed *closed = params;
  ClosedState *s = state;
  (void)context;
  uint64_t left = (uint64_t)closed->clients - s->given;
  block->first_index = s->given;
  block->count = left < JOB_BLOCK ? (size_t)left : JOB_BLOCK;
  memcpy(block->arrival_ns, s->first_ns + s->given, block->count * sizeof *block->arrival_ns);
  s->given += block->count;
}

static ClosedLoop loop(const void *params) {
  const Closed *closed = params;
  return (ClosedLoop){(uint64_t)closed->clients, &closed->think_ns};
}

static const char *given(const void *params, Arena *arena) {
  return arena_format(arena, "%lld clients", (long long)((const Closed *)params)->clients);
}

/* If requests took no time, or a second where nobody thinks. */
static double mean_rps(const void *params, int64_t horizon_ns) {
  const Closed *closed = params;
  double think_ns = distribution_mean(&closed->think_ns);
  (void)horizon_ns;
  return (double)closed->clients / (think_ns > 0 ? think_ns / 1e9 : 1);
}

extern const Workload workload_closed;
const Workload workload_closed = {
    .model = {.kind = MODEL_WORKLOAD,
              .name = "closed",
              .summary = "a fixed number of clients that think between their requests",
              .rule = "each client thinks, sends a job, waits until it has left all deployments or is lost for good (after its last attempt), and\n"
                      "thinks again. A cycle takes at least a microsecond, and a millisecond where the job was lost.",
              .evidence = "finite-source queue M/M/c//N and its insensitivity to the law of thinking, machine-repair formula",
              .params = &closed_type},
    .state_bytes = sizeof(ClosedState),
    .begin = begin,
    .next = next,
    .closed = loop,
    .given = given,
    .mean_rps = mean_rps,
};
