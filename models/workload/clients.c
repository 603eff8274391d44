/* `clients`: the requests of many clients, each a renewal process of its own with its share of the rate, merged in order of time (ties by the
 * client's number). Real traffic is of this kind: a few clients make most of it, and each has its own burstiness (ServeGen, Xiang et al.,
 * 2025). Gap i of client k is draw i of PURPOSE_GAP of an entity named by workload and client. */
#include <string.h>

#include "sim/base/check.h"
#include "sim/base/hash.h"
#include "sim/contract/workload.h"
#include "sim/core/maths.h"
#include "sim/core/time.h"

typedef enum GapLaw { GAP_GAMMA, GAP_WEIBULL } GapLaw;
static const char *const law_names[] = {"gamma", "weibull", NULL};

#define CLIENT_FIELDS(F, C, O, L, M, R, P)                                                              \
  F(number, share, NULL, 0, 1e9, REQUIRED, "of the rate; only proportions count", "")                  \
  C(law, law_names, "gamma", "law of its gaps", "")                                                     \
  F(number, cv, "1", 0.05, 20, OPTIONAL, "coefficient of variation of its gaps", "")
typedef struct Client { FIELD_MEMBERS(CLIENT_FIELDS) } Client;
#define ROW_STRUCT Client
static const Field client_fields[] = {FIELD_ROWS(CLIENT_FIELDS)};
#undef ROW_STRUCT
static const Type client_type = FIELD_TYPE("client", "one client", Client, client_fields, NULL);

#define CLIENTS_FIELDS(F, C, O, L, M, R, P)                                                                                \
  F(rate, rate, NULL, 0, 1e9, REQUIRED, "of all clients together", "")                                                    \
  L(of, Client, &client_type, OPTIONAL, "clients one by one")                                                              \
  F(integer, count, "0", 0, 100000, OPTIONAL, "or so many clients", "")                                                   \
  F(number, zipf, "0", 0, 10, OPTIONAL, "whose shares fall with their number k as k^-zipf; 0: equal ones", "Zipf's law")  \
  C(law, law_names, "gamma", "law of their gaps", "")                                                                      \
  F(number, cv, "1", 0.05, 20, OPTIONAL, "coefficient of variation of their gaps", "")
typedef struct Clients { FIELD_MEMBERS(CLIENTS_FIELDS) } Clients;
#define ROW_STRUCT Clients
static const Field clients_fields[] = {FIELD_ROWS(CLIENTS_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Clients *clients = value;
  double sum = 0;
  for (size_t k = 0; k < clients->of.count; k++) sum += LIST_AT(clients->of, Client, k)->share;
  if (clients->of.count && clients->count) return err_at(err, "count", "either `of` names the clients, or `count` says how many alike there are");
  if (!clients->of.count && !clients->count) return err_at(err, "count", "how many clients?");
  return !clients->of.count || sum > 0 || err_at(err, "of", "some client must have a share above 0");
}

static const Type clients_type = FIELD_TYPE("clients", "many sources", Clients, clients_fields, check);

#define LAST_NS (INT64_C(1) << 62)

typedef struct Source {
  Stream gap;
  uint64_t index;
  int64_t next_ns;
  double mean_ns;
  const Distribution *law; /* of mean 1 */
  uint32_t number;
} Source;

typedef struct ClientsState {
  Source *heap; /* by (next_ns, number) */
  size_t count;
  uint64_t index;
} ClientsState;

static bool before(const Source *a, const Source *b) { return a->next_ns != b->next_ns ? a->next_ns < b->next_ns : a->number < b->number; }

static void sift(ClientsState *s, size_t k) {
  Source moved = s->heap[k];
  for (;;) {
    size_t child = 2 * k + 1;
    if (child >= s->count) break;
    if (child + 1 < s->count && before(&s->heap[child + 1], &s->heap[child])) child++;
    if (!before(&s->heap[child], &moved)) break;
    s->heap[k] = s->heap[child];
    k = child;
  }
  s->heap[k] = moved;
}

static void source_step(Source *source) {
  int64_t gap_ns = ns_from_double(distribution_quantile(source->law, stream_uniform(&source->gap, source->index++)) * source->mean_ns);
  source->next_ns = gap_ns < LAST_NS - source->next_ns ? source->next_ns + gap_ns : LAST_NS;
}

static const Distribution *law_make(GapLaw law, double cv, Arena *arena) {
  Distribution *made = ARENA_NEW(arena, Distribution);
  Err err = {.count = 0};
  *made = law == GAP_GAMMA ? distribution_gamma_mean_cv(1, cv) : distribution_weibull_mean_cv(1, cv);
  CHECK(distribution_prepare(made, arena, &err));
  return made;
}

/* Shares, laws; a law of the same kind and cv as the client's before is that one. */
static void sources_begin(const Clients *clients, ClientsState *s, const WorkloadContext *context, Arena *arena) {
  bool named = clients->of.count > 0;
  size_t n = named ? clients->of.count : (size_t)clients->count;
  double sum = 0, *share = ARENA_ARRAY(arena, double, n);
  const Distribution *law = NULL;
  for (size_t k = 0; k < n; k++) sum += share[k] = named ? LIST_AT(clients->of, Client, k)->share : maths_pow((double)(k + 1), -clients->zipf);
  s->heap = ARENA_ARRAY(arena, Source, n);
  for (size_t k = 0; k < n; k++) {
    const Client *client = named ? LIST_AT(clients->of, Client, k) : NULL, *last = named && k ? LIST_AT(clients->of, Client, k - 1) : NULL;
    double rate_rps = clients->rate_rps * share[k] / sum;
    if (!(rate_rps > 0)) continue;
    if (!law || (client && (!last || last->cv < client->cv || last->cv > client->cv || last->law != client->law)))
      law = law_make((GapLaw)(client ? client->law : clients->law), client ? client->cv : clients->cv, arena);
    uint32_t name[2] = {context->entity, (uint32_t)k};
    uint64_t hash = hash_bytes(0, name, sizeof name);
    s->heap[s->count] = (Source){.gap = stream_make(context->seed, (uint32_t)(hash ^ hash >> 32), PURPOSE_GAP, context->replication), .mean_ns = 1e9 / rate_rps,
                                 .law = law, .number = (uint32_t)k};
    source_step(&s->heap[s->count++]);
  }
  for (size_t k = s->count / 2; k-- > 0;) sift(s, k);
}

static void begin(const void *params, void *state, const WorkloadContext *context, Arena *arena) {
  ClientsState *s = state;
  memset(s, 0, sizeof *s);
  sources_begin(params, s, context, arena);
}

static void next(const void *params, void *state, const WorkloadContext *context, JobBlock *block) {
  ClientsState *s = state;
  (void)params, (void)context;
  block->first_index = s->index;
  block->count = 0;
  while (block->count < JOB_BLOCK && s->count > 0 && s->heap[0].next_ns < LAST_NS) {
    block->arrival_ns[block->count++] = s->heap[0].next_ns;
    source_step(&s->heap[0]);
    sift(s, 0);
  }
  s->index += block->count;
}

static double mean_rps(const void *params, int64_t horizon_ns) {
  (void)horizon_ns;
  return ((const Clients *)params)->rate_rps;
}

extern const Workload workload_clients;
const Workload workload_clients = {
    .model = {.kind = MODEL_WORKLOAD,
              .name = "clients",
              .summary = "many clients with shares of the rate and gaps of their own",
              .rule = "every client is a renewal process with gamma or Weibull gaps; its first request comes one gap after the start. Shares are\n"
                      "given one by one, or fall by Zipf's law.",
              .evidence = "rates, shares and variation against theory, tests/fit/test_generators.py",
              .params = &clients_type},
    .state_bytes = sizeof(ClientsState),
    .begin = begin,
    .next = next,
    .mean_rps = mean_rps,
};
