/* `dynamic-batching`: a server. Waiting jobs are served in batches: one starts when an instance is idle and either it is full or its first
 * job has waited max_wait. All jobs of a batch end together.
 * Source: the dynamic batcher of NVIDIA Triton (max_batch_size, max_queue_delay_microseconds, instance_group.count; server/docs/user_guide/
 * batcher.md); time by batch size as in Crankshaw et al., "Clipper", NSDI 2017, and the roofline max(floor, size / peak). */
#include "sim/base/check.h"
#include "sim/contract/service.h"
#include "sim/core/time.h"

typedef struct SizeTime {
  int64_t size, time_ns;
} SizeTime;
#define ROW_STRUCT SizeTime
#define SIZE_TIME_FIELDS(F, C, O, L, M, R, P)                            \
  F(integer, size, NULL, 1, 1e6, REQUIRED, "jobs of the batch", "") \
  F(duration, time, NULL, 0, 3.2e9, REQUIRED, "how long it takes", "")
static const Field size_time_fields[] = {FIELD_ROWS(SIZE_TIME_FIELDS)};
#undef ROW_STRUCT
static const Type size_time_type = FIELD_TYPE("batch time", "time of a batch of a size", SizeTime, size_time_fields, NULL);

typedef struct PadSize {
  int64_t size;
} PadSize;
static const Field pad_size_fields[] = {{.name = "", .kind = FIELD_INTEGER, .need = REQUIRED, .offset = offsetof(PadSize, size), .min = 1,
                                         .max = 1e6, .help = "a size that is compiled", .source = ""}};
static const Type pad_size_type = FIELD_TYPE("padded size", "a batch size", PadSize, pad_size_fields, NULL);

#define BATCHING_FIELDS(F, C, O, L, M, R, P)                                                                                          \
  F(integer, max_size, "0", 0, 1e6, OPTIONAL, "jobs of a batch at most; 0: concurrency / instances", "max_batch_size, Triton")         \
  F(duration, max_wait, "0s", 0, 86400, OPTIONAL, "a batch that is not full starts when its first job has waited so long; 0s: at once", \
    "max_queue_delay_microseconds, Triton")                                                                                            \
  F(integer, instances, "1", 1, 1e5, OPTIONAL, "batches a replica serves side by side, each at full speed", "instance_group.count, Triton") \
  F(duration, floor, "0s", 0, 3.2e9, OPTIONAL, "least time of a batch: max(floor, base + size / peak)", "")                            \
  F(duration, base, "0s", 0, 3.2e9, OPTIONAL, "time of a batch beside that of its jobs", "")                                           \
  F(rate, peak, "0/s", 0, 1e12, OPTIONAL, "jobs a second of large batches; 0/s: the size costs nothing", "")                            \
  L(table, SizeTime, &size_time_type, OPTIONAL, "measured times by size instead, ascending; linear between them and beyond the last two") \
  L(pad_to, PadSize, &pad_size_type, OPTIONAL, "a batch takes the time of the next of these sizes, ascending")                         \
  F(duration, per_input, "0s", 0, 3.2e9, OPTIONAL, "further time for each unit of padded input: size x the longest input", "")         \
  F(dist, noise, "1", 0, 1e6, OPTIONAL, "a factor on a batch's time, of mean 1, drawn for its first job", "")
typedef struct Batching { FIELD_MEMBERS(BATCHING_FIELDS) } Batching;
#define ROW_STRUCT Batching
static const Field batching_fields[] = {FIELD_ROWS(BATCHING_FIELDS)};
#undef ROW_STRUCT

static bool check(const void *value, Err *err) {
  const Batching *law = value;
  bool good = true, formula = law->floor_ns > 0 || law->base_ns > 0 || law->peak_rps > 0;
  if (law->table.count && formula) good = err_at(err, "table", "the time follows from the table or from floor, base and peak, not both");
  if (!law->table.count && !formula) good = err_at(err, "floor", "one of floor, base, peak or table must say how long a batch takes");
  for (size_t k = 1; k < law->table.count; k++) {
    const SizeTime *item = LIST_AT(law->table, SizeTime, k);
    if (item->size <= item[-1].size || item->time_ns < item[-1].time_ns) good = err_at(err, "table", "sizes must ascend, and times not fall");
  }
  for (size_t k = 1; k < law->pad_to.count; k++)
    if (LIST_AT(law->pad_to, PadSize, k)->size <= LIST_AT(law->pad_to, PadSize, k - 1)->size) good = err_at(err, "pad_to", "sizes must ascend");
  if (law->table.count && law->max_size > LIST_AT(law->table, SizeTime, law->table.count - 1)->size)
    err_warn(err, "warning: dynamic-batching: max_size %lld is beyond the largest measured batch; its time is extrapolated", (long long)law->max_size);
  return good;
}

static const Type batching_type = FIELD_TYPE("dynamic-batching", "jobs are served in batches", Batching, batching_fields, check);

/* ---- time of a batch ---- */

static double line(const SizeTime *a, const SizeTime *b, double size) {
  double slope = (double)(b->time_ns - a->time_ns) / (double)(b->size - a->size);
  return (double)a->time_ns + slope * (size - (double)a->size);
}

static double table_ns(const List *table, double size) {
  const SizeTime *item = table->item;
  size_t n = table->count;
  if (n == 1 || size <= (double)item[0].size) return (double)item[0].time_ns;
  size_t k = 1;
  while (k + 1 < n && size > (double)item[k].size) k++;
  return line(&item[k - 1], &item[k], size);
}

static double padded(const Batching *law, uint64_t size) {
  for (size_t k = 0; k < law->pad_to.count; k++)
    if (LIST_AT(law->pad_to, PadSize, k)->size >= (int64_t)size) return (double)LIST_AT(law->pad_to, PadSize, k)->size;
  return (double)size;
}

static double batch_ns(const Batching *law, uint64_t jobs, uint32_t longest) {
  double size = padded(law, jobs), further = (double)law->per_input_ns * size * (double)longest;
  if (law->table.count) return table_ns(&law->table, size) + further;
  double ns = (double)law->base_ns + (law->peak_rps > 0 ? size / law->peak_rps * 1e9 : 0);
  return (ns > (double)law->floor_ns ? ns : (double)law->floor_ns) + further;
}

/* ---- state: batches, then members; batch k has members k * most ... ---- */

typedef struct Batch {
  int64_t end_ns;
  double whole_ns;  /* at speed 1 */
  uint64_t started; /* ascending */
  uint32_t first, last; /* members [first, last) are still inside */
} Batch;

typedef struct Batches {
  double speed;
  int64_t look_ns; /* when a batch that is not full would start */
  uint64_t started;
  uint32_t n, most; /* batches at once, jobs of each */
  uint32_t busy, open; /* batches inside; the one being filled */
  uint32_t missing;    /* jobs that are still to be admitted to it */
} Batches;

static Batch *batch_at(Batches *b, uint32_t k) { return (Batch *)(b + 1) + k; }
static const Batch *batch_seen(const Batches *b, uint32_t k) { return (const Batch *)(b + 1) + k; }
static ServerJob *members_of(Batches *b, uint32_t k) { return (ServerJob *)batch_at(b, b->n) + (size_t)k * b->most; }
static bool is_idle(const Batch *batch) { return batch->first == batch->last; }

static uint32_t most_of(const Batching *law, int64_t limit) {
  int64_t room = limit / law->instances, most = law->max_size && law->max_size < room ? law->max_size : room;
  return (uint32_t)(most > 1 ? most : 1);
}

static size_t state_bytes(const void *params, int64_t concurrency, int64_t limit) {
  const Batching *law = params;
  (void)concurrency;
  return sizeof(Batches) + (size_t)law->instances * (sizeof(Batch) + most_of(law, limit) * sizeof(ServerJob));
}

static void begin(const void *params, void *state, int64_t concurrency, int64_t limit, int64_t now_ns, double speed) {
  const Batching *law = params;
  Batches *b = state;
  (void)concurrency, (void)now_ns;
  *b = (Batches){.speed = speed, .look_ns = INSTANT_NEVER, .n = (uint32_t)law->instances, .most = most_of(law, limit)};
  for (uint32_t k = 0; k < b->n; k++) *batch_at(b, k) = (Batch){.end_ns = INSTANT_NEVER};
}

static bool has_room(const void *state) {
  const Batches *b = state;
  return b->busy < b->n || b->missing > 0;
}

static uint64_t take(const void *params, void *state, int64_t now_ns, const ServerQueue *queue) {
  const Batching *law = params;
  Batches *b = state;
  b->look_ns = INSTANT_NEVER;
  if (b->busy == b->n || queue->count == 0) return 0;
  int64_t ripe_ns = queue->longest_ns + law->max_wait_ns;
  if (queue->count < b->most && now_ns < ripe_ns) {
    b->look_ns = ripe_ns;
    return 0;
  }
  b->open = 0;
  while (!is_idle(batch_at(b, b->open))) b->open++;
  *batch_at(b, b->open) = (Batch){.end_ns = INSTANT_NEVER, .started = b->started++};
  b->busy++;
  b->missing = queue->count < b->most ? (uint32_t)queue->count : b->most;
  return b->missing;
}

static void start(const Batching *law, Batches *b, int64_t now_ns) {
  Batch *batch = batch_at(b, b->open);
  const ServerJob *member = members_of(b, b->open);
  uint32_t longest = 0;
  for (uint32_t k = 0; k < batch->last; k++) longest = member[k].input > longest ? member[k].input : longest;
  double alone_ns = batch_ns(law, 1, member[0].input);
  batch->whole_ns = batch_ns(law, batch->last, longest) * (alone_ns > 0 ? member[0].work_ns / alone_ns : 1);
  batch->end_ns = now_ns + ns_from_double(batch->whole_ns / b->speed);
}

static void admit(const void *params, void *state, int64_t now_ns, ServerJob job) {
  Batches *b = state;
  CHECK(b->missing > 0);
  members_of(b, b->open)[batch_at(b, b->open)->last++] = job;
  if (--b->missing == 0) start(params, b, now_ns);
}

static int64_t next(const void *params, const void *state) {
  const Batches *b = state;
  (void)params;
  int64_t next_ns = b->look_ns;
  for (uint32_t k = 0; k < b->n && b->busy; k++)
    if (batch_seen(b, k)->end_ns < next_ns) next_ns = batch_seen(b, k)->end_ns;
  return next_ns;
}

static void leave(Batches *b, Batch *batch) {
  if (!is_idle(batch)) return;
  batch->end_ns = INSTANT_NEVER;
  b->busy--;
}

static uint32_t complete(const void *params, void *state, int64_t now_ns) {
  Batches *b = state;
  (void)params;
  b->look_ns = INSTANT_NEVER;
  for (uint32_t k = 0; k < b->n; k++) {
    Batch *batch = batch_at(b, k);
    if (is_idle(batch) || batch->end_ns > now_ns) continue;
    uint32_t slot = members_of(b, k)[batch->first++].slot;
    leave(b, batch);
    return slot;
  }
  return SERVER_NONE;
}

/* The others of the batch are not sooner done. */
static void cancel(const void *params, void *state, int64_t now_ns, uint32_t slot) {
  Batches *b = state;
  (void)params, (void)now_ns;
  for (uint32_t k = 0; k < b->n; k++) {
    Batch *batch = batch_at(b, k);
    ServerJob *member = members_of(b, k);
    for (uint32_t at = batch->first; at < batch->last; at++) {
      if (member[at].slot != slot) continue;
      for (batch->last--; at < batch->last; at++) member[at] = member[at + 1];
      leave(b, batch);
      return;
    }
  }
  CHECK(false);
}

/* What is left of a job is the share left of its batch. */
static size_t evict(const void *params, void *state, int64_t now_ns, ServerJob *job) {
  Batches *b = state;
  size_t n = 0;
  (void)params;
  while (b->busy) {
    uint32_t oldest = b->n;
    for (uint32_t k = 0; k < b->n; k++)
      if (!is_idle(batch_at(b, k)) && (oldest == b->n || batch_at(b, k)->started < batch_at(b, oldest)->started)) oldest = k;
    Batch *batch = batch_at(b, oldest);
    double left_ns = (double)(batch->end_ns - now_ns) * b->speed, share = batch->whole_ns > 0 && left_ns > 0 ? left_ns / batch->whole_ns : 0;
    if (share > 1) share = 1;
    while (batch->first < batch->last) {
      job[n] = members_of(b, oldest)[batch->first++];
      job[n++].work_ns *= share;
    }
    leave(b, batch);
  }
  b->look_ns = INSTANT_NEVER;
  return n;
}

static void resize(const void *params, void *state, int64_t now_ns, double speed) {
  Batches *b = state;
  (void)params;
  for (uint32_t k = 0; k < b->n; k++)
    if (!is_idle(batch_at(b, k)) && batch_at(b, k)->end_ns > now_ns)
      batch_at(b, k)->end_ns = now_ns + ns_from_double((double)(batch_at(b, k)->end_ns - now_ns) * (b->speed / speed));
  b->speed = speed;
}

static double busy_ratio(const void *state) {
  const Batches *b = state;
  return (double)b->busy / (double)b->n;
}

static int64_t least_concurrency(const void *params) {
  const Batching *law = params;
  return (law->max_size ? law->max_size : 1) * law->instances;
}

/* ---- alone ---- */

static void work(const void *params, const WorkInput *input, double *work_ns) {
  const Batching *law = params;
  distribution_quantiles(&law->noise, input->uniform, input->count, work_ns);
  for (size_t k = 0; k < input->count; k++) work_ns[k] *= batch_ns(law, 1, input->input[k]);
}

static double mean_ns(const void *params) {
  const Batching *law = params;
  return law->per_input_ns ? __builtin_nan("") : batch_ns(law, 1, 0) * distribution_mean(&law->noise);
}

static const ServerModel server = {
    .state_bytes = state_bytes, .begin = begin, .has_room = has_room, .take = take, .admit = admit, .next = next, .complete = complete,
    .cancel = cancel, .evict = evict, .resize = resize, .busy_ratio = busy_ratio, .least_concurrency = least_concurrency,
};

extern const Service service_dynamic_batching;
const Service service_dynamic_batching = {
    .model = {.kind = MODEL_SERVICE,
              .name = "dynamic-batching",
              .summary = "jobs are served in batches that start when full or when the first has waited long enough",
              .rule = "a batch of min(max_size, waiting) starts when an instance is idle and that many wait or the first has waited max_wait.\n"
                      "time = max(floor, base + size / peak), or by the table; size padded to the next of pad_to; + per_input x size x longest input;\n"
                      "times the noise of the first job. All its jobs end together. A cancelled job leaves, the batch takes as long.\n"
                      "Sizes or instances of another variant apply to replicas that start with it.",
              .evidence = "bulk service, dynamic batching and batch timeout against theory (tests/oracle); batches by hand in tests/unit/test_batching.c",
              .params = &batching_type},
    .work = work,
    .mean_ns = mean_ns,
    .server = &server,
};
