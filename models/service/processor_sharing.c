/* `processor-sharing`: a server. The n jobs of a replica share its cores evenly, none faster than one core. Virtual time V runs at the
 * rate of one job, so a job admitted at V ends at V + work (its tag), and only the smallest tag is ever looked at.
 * Source: egalitarian processor sharing in virtual time, Parekh and Gallager, IEEE/ACM ToN 1(3), 1993. */
#include "sim/base/check.h"
#include "sim/contract/service.h"
#include "sim/core/time.h"

#define SHARING_FIELDS(F, C, O, L, M, R, P)                                                                       \
  F(duration_dist, time, NULL, 0, 3.2e9, REQUIRED, "service time of a job alone, at the reference resources", "") \
  F(integer, cores, "1", 1, 1e6, OPTIONAL, "jobs that run at full speed side by side", "")
typedef struct Sharing { FIELD_MEMBERS(SHARING_FIELDS) } Sharing;
#define ROW_STRUCT Sharing
static const Field sharing_fields[] = {FIELD_ROWS(SHARING_FIELDS)};
#undef ROW_STRUCT
static const Type sharing_type = FIELD_TYPE("processor-sharing", "jobs share the replica", Sharing, sharing_fields, NULL);

typedef struct Share {
  double tag;         /* the virtual time at which the job ends */
  uint64_t admission; /* ascending */
  uint32_t slot;
} Share;

typedef struct Shares {
  double virtual_ns; /* at last_ns */
  double speed;
  double cores;
  int64_t last_ns;
  uint64_t admitted;
  size_t count, limit;
  Share share[]; /* a binary heap by (tag, slot) */
} Shares;

/* Tags are moved back to where a double resolves well below a nanosecond. */
#define REBASE_NS 1099511627776.0 /* 2^40, some 18 minutes */

static size_t state_bytes(const void *params, int64_t concurrency, int64_t limit) {
  (void)params, (void)concurrency;
  return sizeof(Shares) + (size_t)(limit > 0 ? limit : 0) * sizeof(Share);
}

static void begin(const void *params, void *state, int64_t concurrency, int64_t limit, int64_t now_ns, double speed) {
  Shares *shares = state;
  (void)concurrency;
  shares->virtual_ns = 0;
  shares->speed = speed;
  shares->cores = (double)((const Sharing *)params)->cores;
  shares->last_ns = now_ns;
  shares->admitted = 0;
  shares->count = 0;
  shares->limit = limit > 0 ? (size_t)limit : 0;
}

static bool has_room(const void *state) {
  const Shares *shares = state;
  return shares->count < shares->limit;
}

/* What one job gets of a core, times the speed. */
static double rate(const Shares *shares) {
  double n = (double)shares->count;
  return n > shares->cores ? shares->speed * shares->cores / n : shares->speed;
}

static void advance(Shares *shares, int64_t now_ns) {
  CHECK(now_ns >= shares->last_ns);
  if (shares->count) shares->virtual_ns += (double)(now_ns - shares->last_ns) * rate(shares);
  else shares->virtual_ns = 0;
  shares->last_ns = now_ns;
  if (shares->virtual_ns < REBASE_NS) return;
  for (size_t k = 0; k < shares->count; k++) shares->share[k].tag -= shares->virtual_ns; /* keeps the order */
  shares->virtual_ns = 0;
}

static bool before(const Share *a, const Share *b) { return a->tag != b->tag ? a->tag < b->tag : a->slot < b->slot; }

static void sift_up(Shares *shares, size_t at, Share share) {
  for (; at > 0 && before(&share, &shares->share[(at - 1) / 2]); at = (at - 1) / 2) shares->share[at] = shares->share[(at - 1) / 2];
  shares->share[at] = share;
}

static void sift_down(Shares *shares, size_t at, Share share) {
  for (size_t child; (child = 2 * at + 1) < shares->count; at = child) {
    if (child + 1 < shares->count && before(&shares->share[child + 1], &shares->share[child])) child++;
    if (!before(&shares->share[child], &share)) break;
    shares->share[at] = shares->share[child];
  }
  shares->share[at] = share;
}

static void admit(const void *params, void *state, int64_t now_ns, ServerJob job) {
  Shares *shares = state;
  (void)params;
  CHECK(has_room(shares));
  advance(shares, now_ns);
  Share share = {shares->virtual_ns + job.work_ns, shares->admitted++, job.slot};
  sift_up(shares, shares->count++, share);
}

static int64_t next(const void *params, const void *state) {
  const Shares *shares = state;
  (void)params;
  if (!shares->count) return INSTANT_NEVER;
  return shares->last_ns + ns_from_double((shares->share[0].tag - shares->virtual_ns) / rate(shares));
}

static uint32_t complete(const void *params, void *state, int64_t now_ns) {
  Shares *shares = state;
  (void)params;
  CHECK(shares->count > 0);
  advance(shares, now_ns);
  uint32_t slot = shares->share[0].slot;
  Share last = shares->share[--shares->count];
  if (shares->count) sift_down(shares, 0, last);
  return slot;
}

static void cancel(const void *params, void *state, int64_t now_ns, uint32_t slot) {
  Shares *shares = state;
  (void)params;
  advance(shares, now_ns);
  size_t at = 0;
  while (at < shares->count && shares->share[at].slot != slot) at++;
  CHECK(at < shares->count);
  Share last = shares->share[--shares->count];
  if (at == shares->count) return;
  if (at > 0 && before(&last, &shares->share[(at - 1) / 2])) sift_up(shares, at, last);
  else sift_down(shares, at, last);
}

/* Shell's sort (gaps of Knuth), in place: evictions are rare, and nothing may be allocated. */
static void sort_by_admission(Share *share, size_t n) {
  size_t gap = 1;
  while (gap < n / 3) gap = 3 * gap + 1;
  for (; gap > 0; gap /= 3) {
    for (size_t k = gap; k < n; k++) {
      Share moved = share[k];
      size_t at = k;
      for (; at >= gap && share[at - gap].admission > moved.admission; at -= gap) share[at] = share[at - gap];
      share[at] = moved;
    }
  }
}

static size_t evict(const void *params, void *state, int64_t now_ns, ServerJob *job) {
  Shares *shares = state;
  (void)params;
  advance(shares, now_ns);
  size_t n = shares->count;
  sort_by_admission(shares->share, n);
  for (size_t k = 0; k < n; k++) {
    double left_ns = shares->share[k].tag - shares->virtual_ns;
    job[k] = (ServerJob){.slot = shares->share[k].slot, .work_ns = left_ns > 0 ? left_ns : 0};
  }
  shares->count = 0;
  shares->virtual_ns = 0;
  return n;
}

static void resize(const void *params, void *state, int64_t now_ns, double speed) {
  Shares *shares = state;
  advance(shares, now_ns);
  shares->cores = (double)((const Sharing *)params)->cores;
  shares->speed = speed;
}

static double busy_ratio(const void *state) {
  const Shares *shares = state;
  double n = (double)shares->count;
  return n < shares->cores ? n / shares->cores : 1;
}

static void work(const void *params, const WorkInput *input, double *work_ns) {
  distribution_quantiles(&((const Sharing *)params)->time_ns, input->uniform, input->count, work_ns);
}

static double mean_ns(const void *params) { return distribution_mean(&((const Sharing *)params)->time_ns); }

static const ServerModel server = {
    .state_bytes = state_bytes, .begin = begin, .has_room = has_room, .admit = admit, .next = next,
    .complete = complete, .cancel = cancel, .evict = evict, .resize = resize, .busy_ratio = busy_ratio,
};

extern const Service service_processor_sharing;
const Service service_processor_sharing = {
    .model = {.kind = MODEL_SERVICE,
              .name = "processor-sharing",
              .alias = "ps",
              .summary = "the jobs of a replica run at once and share its cores",
              .rule = "n jobs: each advances at speed x min(1, cores / n). A new job slows the others; nothing waits inside.\n"
                      "A resize changes the speed from its instant on; work done stays done.",
              .evidence = "M/G/1-PS mean and variance; hand-computed completions in tests/unit/test_service.c",
              .params = &sharing_type},
    .work = work,
    .mean_ns = mean_ns,
    .server = &server,
};
