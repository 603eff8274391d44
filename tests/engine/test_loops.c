/* The fast loops against the plain event loop, event for event and meter for meter, with replicas added, drained, failed, resized and
 * swapped at random instants; and against themselves with other stops. */
#include <string.h>

#include "sim/base/hash.h"
#include "sim/core/rng.h"
#include "sim/run/flow.h"
#include "tests/support/small_scenario.h"
#include "tests/testing.h"

typedef struct Seen {
  int64_t at_ns;
  uint64_t job;
  uint32_t replica;
  char kind;
} Seen;

typedef struct Watch {
  EventLog log;
  Seen *seen;
  size_t count, capacity;
} Watch;

static void watch_event(EventLog *log, char kind, int64_t at_ns, uint32_t deployment, uint64_t job, uint32_t replica) {
  (void)deployment;
  Watch *watch = (Watch *)log;
  if (watch->count == watch->capacity) {
    watch->capacity = watch->capacity ? 2 * watch->capacity : 4096;
    watch->seen = realloc(watch->seen, watch->capacity * sizeof *watch->seen);
  }
  watch->seen[watch->count++] = (Seen){at_ns, job, replica, kind};
}

static int seen_order(const void *a, const void *b) {
  const Seen *x = a, *y = b;
  if (x->at_ns != y->at_ns) return x->at_ns < y->at_ns ? -1 : 1;
  if (x->job != y->job) return x->job < y->job ? -1 : 1;
  return x->kind - y->kind;
}

/* What a case varies. */
typedef struct Case {
  const char *name;
  Dispatch dispatch;
  int64_t concurrency, limit, patience_ns;
  OnFailure on_failure;
  FailedWork failed_work;
  double load, grid_ns; /* grid: service times and gaps of whole multiples, so that instants coincide */
  TieRule tie;
} Case;

static double draw(const Stream *stream, uint64_t *k) { return stream_uniform(stream, (*k)++); }

typedef struct Live {
  uint32_t id[64];
  int state[64]; /* 1 ready or starting, 0 draining or gone */
  int64_t ready[64];
  uint32_t n;
} Live;

/* One random control operation at now. */
static void random_operation(Station *s, Live *live, const Stream *stream, uint64_t *k, int64_t now_ns) {
  double what = draw(stream, k), which = draw(stream, k), much = draw(stream, k);
  uint32_t pick = (uint32_t)(which * live->n);
  bool usable = live->n && live->state[pick] && live->ready[pick] <= now_ns;
  if ((what < 0.35 || !usable) && live->n < 64) {
    uint32_t id = 1000 + live->n;
    int64_t ready = now_ns + (int64_t)(much * 3e9);
    if (what < 0.1) ready = now_ns;
    live->id[live->n] = id;
    live->state[live->n] = 1;
    live->ready[live->n++] = ready;
    station_add(s, id, 0, 0.5 + much, 1000, 1000, ready, now_ns);
  } else if (!usable) {
    return;
  } else if (what < 0.5) {
    station_drain(s, live->id[pick], now_ns);
    live->state[pick] = 0;
  } else if (what < 0.65) {
    station_fail(s, live->id[pick], now_ns);
    live->state[pick] = 0;
  } else if (what < 0.9) {
    station_resize(s, live->id[pick], 0.5 + much, 500 + (int64_t)(1000 * much), 1000, now_ns);
  } else {
    station_swap(s, live->id[pick], much < 0.5 ? 0 : 1, now_ns + (int64_t)(much * 1e9));
  }
}

static uint64_t meter_hash(Station *s) {
  uint64_t h = hash_bytes(0, s->meter.slice_jobs, SLICES * sizeof(JobCounts));
  for (int r = 0; r < TRACE_ROWS; r++) {
    h = hash_bytes(h, &s->meter.done[r].jobs, sizeof(JobCounts));
    h = hash_bytes(h, &s->meter.done[r].level, sizeof(Integrals));
  }
  static uint64_t counts[HISTOGRAM_BINS];
  memset(counts, 0, sizeof counts);
  for (int k = 0; k < SLICES; k++) histogram_export(&s->meter.slice_latency[k], counts);
  h = hash_bytes(h, counts, sizeof counts);
  uint64_t unfinished[2] = {s->n_waiting, s->backlog_units};
  return hash_bytes(h, unfinished, sizeof unfinished);
}

typedef struct Outcome {
  Watch watch;
  uint64_t hash, finished, failed, dropped, abandoned;
} Outcome;

/* Runs a case for `seconds` with about one operation a second; `stops` adds further, idle stops. */
static Outcome play_order(const Case *x, QueueOrder order, uint32_t seed, bool plain, bool log, int stops) {
  const int64_t horizon = 200 * NS_PER_S;
  SmallScenario *small = small_scenario(x->load * 4 * 20, 50e6, 4, horizon);
  small->deployment.concurrency = x->concurrency;
  small->deployment.dispatch = (int)x->dispatch;
  small->deployment.tie = (int)x->tie;
  small->deployment.queue.limit = x->limit;
  small->deployment.queue.timeout.after_ns = distribution_constant((double)x->patience_ns);
  small->deployment.failure = (FailureSpec){(int)x->on_failure, (int)x->failed_work};
  small->deployment.grace_ns = NS_PER_S / 2;
  small->deployment.queue.order = order;
  uint32_t only_rank = 0;
  small->scenario.priority_rank = &only_rank;
  small->scenario.n_priority_ranks = 1;
  small->deployment.variants.count = 2;
  if (x->grid_ns > 0) {
    for (int v = 0; v < 2; v++) *(Distribution *)small->variant[v].service.params = distribution_constant(x->grid_ns * (v + 1));
    small->deployment.workload.arrivals.model = model_find(MODEL_WORKLOAD, "constant");
  }
  Station station, *all = &station;
  Arena arena = {0};
  Flow flow;
  Outcome out = {.watch = {.log = {watch_event}}};
  station_begin(&station, &small->scenario, 0, seed, 0, &arena, false);
  scrapes_begin(&station.scrapes, &arena, 8, false, false);
  flow_begin(&flow, &small->scenario, &all, 0, 15 * NS_PER_S, plain, &arena);
  if (log) station.log = &out.watch.log;
  assert_int_equal(flow.plain, plain || order != ORDER_FIFO);
  Live live = {.n = 0};
  for (uint32_t r = 0; r < 4; r++) {
    station_add(&station, 1000 + r, 0, 1, 1000, 1000, 0, 0);
    live.id[r] = 1000 + r, live.state[r] = 1, live.ready[r] = 0, live.n++;
  }
  Stream operations = stream_make(99, seed, PURPOSE_FAULT, 0), idle = stream_make(98, seed, PURPOSE_FAULT, 0);
  uint64_t k = 0, i = 0;
  int64_t t = 0;
  while (t < horizon) {
    int64_t next = t + (int64_t)(draw(&operations, &k) * 2e9);
    if (x->grid_ns > 0) next = next / 50000000 * 50000000; /* operations on the grid, too */
    if (next > horizon) next = horizon;
    for (int stop = 0; stop < stops; stop++) {
      int64_t at = t + (int64_t)(draw(&idle, &i) * (double)(next - t));
      if (at > flow.now_ns) flow_advance(&flow, at, false);
    }
    flow_advance(&flow, next, false);
    t = next;
    for (uint32_t r = 0; r < live.n; r++) /* drained ones are known by their notices */
      for (uint32_t n = 0; n < station.n_notices; n++)
        if (station.notice[n].replica == live.id[r]) live.state[r] = 0;
    station.n_notices = 0;
    if (t < horizon) random_operation(&station, &live, &operations, &k, t);
  }
  flow_end(&flow);
  out.hash = meter_hash(&station);
  for (int s = 0; s < SLICES; s++) {
    out.finished += station.meter.slice_jobs[s].finished;
    out.failed += station.meter.slice_jobs[s].failed;
    out.dropped += station.meter.slice_jobs[s].dropped;
    out.abandoned += station.meter.slice_jobs[s].abandoned;
  }
  arena_free(&arena);
  small_scenario_free(small);
  return out;
}

static Outcome play(const Case *x, uint32_t seed, bool plain, bool log, int stops) { return play_order(x, ORDER_FIFO, seed, plain, log, stops); }

static void compare_case(const Case *x, uint32_t seed) {
  Outcome fast = play(x, seed, false, true, 0), plain = play(x, seed, true, true, 0);
  qsort(fast.watch.seen, fast.watch.count, sizeof(Seen), seen_order);
  qsort(plain.watch.seen, plain.watch.count, sizeof(Seen), seen_order);
  for (size_t k = 0; k < fast.watch.count && k < plain.watch.count; k++) {
    const Seen *a = &fast.watch.seen[k], *b = &plain.watch.seen[k];
    if (a->at_ns != b->at_ns || a->job != b->job || a->kind != b->kind || a->replica != b->replica)
      fail_msg("%s, seed %u, event %zu: fast %c of job %lld at %lld on %u, plain %c of job %lld at %lld on %u", x->name, seed, k, a->kind,
               (long long)a->job, (long long)a->at_ns, a->replica, b->kind, (long long)b->job, (long long)b->at_ns, b->replica);
  }
  assert_int_equal(fast.watch.count, plain.watch.count);
  assert_true(fast.finished > 2000);
  assert_int_equal(fast.hash, plain.hash);
  Outcome stopped = play(x, seed, false, false, 3);
  assert_int_equal(stopped.hash, fast.hash);
  if (seed % 3 == 0) {
    assert_int_equal(play_order(x, ORDER_PRIORITY, seed, false, false, 0).hash, fast.hash); /* of one priority: first come, first served */
    assert_int_equal(play_order(x, ORDER_LIFO, seed, false, false, 3).hash, play_order(x, ORDER_LIFO, seed, false, false, 0).hash);
  }
  free(fast.watch.seen);
  free(plain.watch.seen);
}

static const Case cases[] = {
    {"central", DISPATCH_CENTRAL_QUEUE, 1, -1, 0, ON_FAILURE_REQUEUE_HEAD, FAILED_WORK_RESTART, 0.9, 0, TIE_FIRST},
    {"central, four slots", DISPATCH_CENTRAL_QUEUE, 4, -1, 0, ON_FAILURE_REQUEUE_TAIL, FAILED_WORK_RESUME, 3.5, 0, TIE_FIRST},
    {"central, limit", DISPATCH_CENTRAL_QUEUE, 1, 5, 0, ON_FAILURE_FAIL, FAILED_WORK_RESTART, 1.2, 0, TIE_FIRST},
    {"central, no waiting", DISPATCH_CENTRAL_QUEUE, 2, 0, 0, ON_FAILURE_REQUEUE_HEAD, FAILED_WORK_RESUME, 1.5, 0, TIE_FIRST},
    {"central, patience", DISPATCH_CENTRAL_QUEUE, 1, -1, 150000000, ON_FAILURE_REQUEUE_HEAD, FAILED_WORK_RESUME, 1.3, 0, TIE_FIRST},
    {"central, patience, limit", DISPATCH_CENTRAL_QUEUE, 2, 8, 100000000, ON_FAILURE_REQUEUE_HEAD, FAILED_WORK_RESTART, 2.6, 0, TIE_FIRST},
    {"central, grid", DISPATCH_CENTRAL_QUEUE, 2, 6, 100000000, ON_FAILURE_REQUEUE_HEAD, FAILED_WORK_RESTART, 2.5, 50e6, TIE_FIRST},
    {"random", DISPATCH_RANDOM, 1, -1, 0, ON_FAILURE_REQUEUE_HEAD, FAILED_WORK_RESTART, 0.8, 0, TIE_FIRST},
    {"round robin", DISPATCH_ROUND_ROBIN, 2, 10, 0, ON_FAILURE_REQUEUE_TAIL, FAILED_WORK_RESUME, 1.8, 0, TIE_FIRST},
    {"least outstanding", DISPATCH_LEAST_OUTSTANDING, 1, -1, 0, ON_FAILURE_REQUEUE_HEAD, FAILED_WORK_RESUME, 0.95, 0, TIE_FIRST},
    {"least outstanding, ties at random", DISPATCH_LEAST_OUTSTANDING, 3, 4, 0, ON_FAILURE_FAIL, FAILED_WORK_RESTART, 2.9, 0, TIE_RANDOM},
    {"least outstanding, grid", DISPATCH_LEAST_OUTSTANDING, 1, 20, 0, ON_FAILURE_REQUEUE_HEAD, FAILED_WORK_RESTART, 1.25, 50e6, TIE_FIRST},
    {"least outstanding, long queues", DISPATCH_LEAST_OUTSTANDING, 1, 300, 0, ON_FAILURE_REQUEUE_HEAD, FAILED_WORK_RESTART, 2, 0, TIE_FIRST},
    {"power of two", DISPATCH_POWER_OF_TWO, 1, -1, 0, ON_FAILURE_REQUEUE_TAIL, FAILED_WORK_RESTART, 0.9, 0, TIE_FIRST},
};

static void test_loops_agree(void **state) {
  (void)state;
  int seeds = repetitions(12, 200);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
    for (int seed = 0; seed < seeds; seed++) compare_case(&cases[c], (uint32_t)seed);
}

/* The cases must reach what they are for. */
static void test_cases_bite(void **state) {
  (void)state;
  assert_true(play(&cases[2], 1, false, false, 0).dropped > 100);
  assert_true(play(&cases[2], 1, false, false, 0).failed > 0);
  assert_true(play(&cases[4], 1, false, false, 0).abandoned > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_loops_agree), cmocka_unit_test(test_cases_bite)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
