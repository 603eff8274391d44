/* llm-continuous-batching: iterations by hand, and skipping equal iterations against an event for each. */
#include <math.h>

#include "sim/contract/service.h"
#include "sim/core/rng.h"
#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/support/server_bench.h"
#include "tests/testing.h"

#define MS INT64_C(1000000)

/* 10 ms an iteration, 1 ms a prompt token, 2 ms a sequence, 1 ms a cached token. */
static Bench bench_new(void) {
  return bench_of("llm", (const char *const[]){"iteration", "10ms", "per_prefill_token", "1ms", "per_sequence", "2ms", "per_thousand_kv", "1s", NULL});
}

static const ServerQueue nobody;

static uint64_t asks(Bench *b, int64_t at_ns, uint32_t input, uint32_t output) {
  ServerQueue queue = {1, at_ns, input, output, at_ns, 0};
  return b->model->take(b->params, b->state, at_ns, &queue);
}

static void admits(Bench *b, int64_t at_ns, uint32_t slot, uint32_t input, uint32_t output) {
  assert_int_equal(asks(b, at_ns, input, output), 1);
  b->model->admit(b->params, b->state, at_ns, (ServerJob){slot, bench_alone_ns(b, input, output), input, output, 0});
}

static void goes_on(Bench *b, int64_t at_ns) { assert_int_equal(b->model->take(b->params, b->state, at_ns, &nobody), 0); }

/* An iteration, or a run of them, ends at that instant and nobody leaves. */
static void boundary(Bench *b, int64_t at_ns) {
  assert_int_equal(bench_next_ns(b), at_ns);
  assert_int_equal(b->model->complete(b->params, b->state, at_ns), SERVER_NONE);
}

static void ends(Bench *b, int64_t at_ns, uint32_t slot, int64_t first_ns) {
  assert_int_equal(bench_next_ns(b), at_ns);
  assert_int_equal(b->model->complete(b->params, b->state, at_ns), slot);
  assert_int_equal(b->model->first_output(b->state), first_ns);
}

static void one_alone(void **unused) {
  (void)unused;
  Bench b = bench_new();
  bench_begin(&b, 8);
  goes_on(&b, 0);
  assert_true(bench_next_ns(&b) == INSTANT_NEVER);
  admits(&b, 0, 0, 4, 3);
  goes_on(&b, 0);
  boundary(&b, 16 * MS); /* 10 + 4 + 2: the first token */
  goes_on(&b, 16 * MS);
  ends(&b, 49 * MS, 0, 16 * MS); /* 10 + 2 + 4, then 10 + 2 + 5 */
  assert_true(fabs(bench_alone_ns(&b, 4, 3) - 49.0 * MS) < 1);
  goes_on(&b, 49 * MS);
  admits(&b, 60 * MS, 0, 1, 1); /* one token: the prompt's iteration, 13 */
  goes_on(&b, 60 * MS);
  ends(&b, 73 * MS, 0, 73 * MS);
  arena_free(&b.arena);
}

static void one_joins(void **unused) {
  (void)unused;
  Bench b = bench_new();
  bench_begin(&b, 8);
  admits(&b, 0, 0, 4, 3);
  goes_on(&b, 0);
  boundary(&b, 16 * MS);
  goes_on(&b, 16 * MS);
  assert_int_equal(asks(&b, 20 * MS, 2, 2), 0); /* the iteration runs to 32 */
  boundary(&b, 32 * MS);
  admits(&b, 32 * MS, 1, 2, 2);
  goes_on(&b, 32 * MS);
  ends(&b, 53 * MS, 0, 16 * MS); /* 10 + 2 tokens + 2 x 2 + 5 cached */
  goes_on(&b, 53 * MS);
  ends(&b, 67 * MS, 1, 53 * MS); /* 10 + 2 + 2 */
  arena_free(&b.arena);
}

static void in_chunks(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "max_batched_tokens", "3");
  bench_begin(&b, 8);
  admits(&b, 0, 0, 5, 1);
  goes_on(&b, 0);
  boundary(&b, 15 * MS); /* 3 of 5 */
  goes_on(&b, 15 * MS);
  ends(&b, 32 * MS, 0, 32 * MS); /* 10 + 2 tokens + 2 + 3 cached */
  arena_free(&b.arena);
}

static void whole_prompts(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "prefill", "whole");
  param_set(b.type, b.params, "max_batched_tokens", "4");
  bench_begin(&b, 8);
  admits(&b, 0, 0, 4, 2);
  goes_on(&b, 0);
  boundary(&b, 16 * MS);
  admits(&b, 16 * MS, 1, 2, 1);
  admits(&b, 16 * MS, 2, 3, 1); /* 2 + 3 are above 4: it waits for its own */
  goes_on(&b, 16 * MS);
  ends(&b, 30 * MS, 1, 30 * MS); /* 10 + 2 + 2; 0 pauses */
  goes_on(&b, 30 * MS);
  ends(&b, 45 * MS, 2, 45 * MS); /* 10 + 3 + 2 */
  goes_on(&b, 45 * MS);
  ends(&b, 61 * MS, 0, 16 * MS); /* 10 + 2 + 4 */
  arena_free(&b.arena);
}

static void preempted(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "kv_tokens", "10");
  bench_begin(&b, 8);
  admits(&b, 0, 0, 4, 5);
  admits(&b, 0, 1, 4, 5);
  assert_int_equal(asks(&b, 0, 4, 5), 0); /* 8 of 10 are held */
  assert_true(b.model->kv_ratio(b.state) == 0.8);
  boundary(&b, 22 * MS); /* 10 + 8 + 4 */
  goes_on(&b, 22 * MS);
  boundary(&b, 44 * MS); /* 10 + 4 + 8; now 5 each: the cache is full */
  goes_on(&b, 44 * MS);  /* the younger is out */
  assert_true(b.model->kv_ratio(b.state) == 0.5);
  assert_int_equal(asks(&b, 50 * MS, 1, 1), 0); /* and before all others */
  ends(&b, 98 * MS, 0, 22 * MS); /* 17 + 18 + 19 */
  goes_on(&b, 98 * MS);
  boundary(&b, 116 * MS); /* its 4 + 2 tokens again: 10 + 6 + 2 */
  goes_on(&b, 116 * MS);
  ends(&b, 153 * MS, 1, 22 * MS); /* 18 + 19 */
  arena_free(&b.arena);
}

static void reserved(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "kv_tokens", "10");
  param_set(b.type, b.params, "kv_full", "queue");
  bench_begin(&b, 8);
  admits(&b, 0, 0, 4, 5); /* 4 + 5 - 1 */
  assert_true(b.model->kv_ratio(b.state) == 0.8);
  assert_int_equal(asks(&b, 0, 3, 1), 0);
  boundary(&b, 16 * MS);
  assert_int_equal(asks(&b, 16 * MS, 3, 1), 0);
  ends(&b, 86 * MS, 0, 16 * MS); /* 16 + 17 + 18 + 19 */
  admits(&b, 86 * MS, 1, 300, 1); /* too large for the cache: alone */
  assert_int_equal(asks(&b, 86 * MS, 1, 1), 0);
  assert_true(b.model->kv_ratio(b.state) == 1);
  ends(&b, 398 * MS, 1, 398 * MS);
  arena_free(&b.arena);
}

static void seats(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "max_sequences", "2");
  assert_int_equal(b.model->least_concurrency(b.params), 2);
  bench_begin(&b, 8);
  admits(&b, 0, 5, 1, 2);
  admits(&b, 0, 3, 1, 2);
  assert_int_equal(asks(&b, 0, 1, 2), 0);
  assert_false(b.model->has_room(b.state));
  assert_true(b.model->busy_ratio(b.state) == 1 && isnan(b.model->kv_ratio(b.state)));
  boundary(&b, 16 * MS);
  goes_on(&b, 16 * MS);
  ends(&b, 32 * MS, 3, 16 * MS); /* both: the lower slot first */
  ends(&b, 32 * MS, 5, 16 * MS);
  arena_free(&b.arena);
}

static void resized(void **unused) {
  (void)unused;
  Bench b = bench_new();
  bench_begin(&b, 8);
  admits(&b, 0, 0, 4, 4);
  goes_on(&b, 0);
  boundary(&b, 16 * MS);
  goes_on(&b, 16 * MS);
  b.model->resize(b.params, b.state, 38 * MS, 2); /* the second token's iteration ended at 32; of 17 ms 11 are left */
  boundary(&b, 43500000);
  goes_on(&b, 43500000);
  ends(&b, 52500000, 0, 16 * MS); /* 18 / 2 */
  arena_free(&b.arena);
}

static void cancelled_and_evicted(void **unused) {
  (void)unused;
  Bench b = bench_new();
  bench_begin(&b, 8);
  admits(&b, 0, 0, 4, 9);
  admits(&b, 0, 1, 2, 9);
  goes_on(&b, 0);
  boundary(&b, 20 * MS);
  goes_on(&b, 20 * MS);
  b.model->cancel(b.params, b.state, 45 * MS, 1); /* after 10 + 4 + 6; the next, of 22, goes on */
  boundary(&b, 62 * MS);
  goes_on(&b, 62 * MS);
  ServerJob job[8];
  assert_int_equal(b.model->evict(b.params, b.state, 85 * MS, job), 1); /* 18 ended at 80: four tokens of nine */
  assert_true(job[0].slot == 0 && job[0].input == 4 && job[0].output == 9);
  assert_true(fabs(job[0].work_ns / (bench_alone_ns(&b, 4, 9) * 5 / 9) - 1) < 1e-12);
  assert_true(bench_next_ns(&b) == INSTANT_NEVER);
  admits(&b, 90 * MS, 3, 4, 9);
  goes_on(&b, 90 * MS);
  b.model->cancel(b.params, b.state, 95 * MS, 3); /* nobody is left */
  assert_true(bench_next_ns(&b) == INSTANT_NEVER);
  admits(&b, 95 * MS, 3, 1, 1);
  goes_on(&b, 95 * MS);
  ends(&b, 108 * MS, 3, 108 * MS);
  arena_free(&b.arena);
}

static void on_their_way(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "overhead", "30ms");
  assert_true(fabs(bench_alone_ns(&b, 4, 3) - 79.0 * MS) < 1);
  bench_begin(&b, 8);
  admits(&b, 0, 0, 4, 9);
  goes_on(&b, 0);
  assert_int_equal(bench_next_ns(&b), 30 * MS);
  admits(&b, 10 * MS, 1, 2, 1); /* comes in while nothing runs, ready at 40 */
  goes_on(&b, 10 * MS);
  boundary(&b, 30 * MS);
  goes_on(&b, 30 * MS);
  boundary(&b, 46 * MS); /* 10 + 4 + 2: the other was not ready */
  goes_on(&b, 46 * MS);
  ends(&b, 66 * MS, 1, 66 * MS); /* 10 + 2 + 2 x 2 + 4 */
  goes_on(&b, 66 * MS);
  assert_int_equal(asks(&b, 70 * MS, 1, 1), 0);
  boundary(&b, 83 * MS); /* 17 */
  b.model->take(b.params, b.state, 83 * MS, &(ServerQueue){1, 70 * MS, 1, 1, 70 * MS, 0});
  b.model->admit(b.params, b.state, 83 * MS, (ServerJob){2, 1, 1, 1, 0}); /* ready at 100: on its way since 70 */
  goes_on(&b, 83 * MS);
  boundary(&b, 101 * MS); /* 18: of the decode iterations the first that ends then */
  goes_on(&b, 101 * MS);
  ends(&b, 123 * MS, 2, 123 * MS); /* 10 + 1 + 2 x 2 + 7 */
  arena_free(&b.arena);
}

static void several_gpus(void **unused) {
  (void)unused;
  Bench b = bench_new();
  param_set(b.type, b.params, "tensor_parallel", "4");
  assert_true(fabs(bench_alone_ns(&b, 4, 3) - 49.0 * MS * 0.325) < 1); /* 0.1 + 0.9 / 4 */
  param_set(b.type, b.params, "measured_tensor_parallel", "2");
  assert_true(fabs(bench_alone_ns(&b, 4, 3) - 49.0 * MS * 0.325 / 0.55) < 1);
  bench_begin(&b, 8);
  admits(&b, 0, 0, 4, 1);
  goes_on(&b, 0);
  assert_true(llabs(bench_next_ns(&b) - (int64_t)(16.0 * MS * 0.325 / 0.55)) <= 1);
  arena_free(&b.arena);
}

/* ---- skipping against stepping ---- */

typedef struct Story {
  int64_t arrival_ns, cancel_ns;
  uint32_t input, output;
} Story;
enum { JOBS = 400, SEATS = 24 };

typedef struct Ending {
  int64_t end_ns, first_ns, started_ns;
} Ending;

static void play_complete(Bench *b, Ending *ending, const uint32_t *job_of, bool *used, int64_t now_ns) {
  for (uint32_t slot; bench_next_ns(b) <= now_ns && (slot = b->model->complete(b->params, b->state, now_ns)) != SERVER_NONE; used[slot] = false)
    ending[job_of[slot]] = (Ending){now_ns, b->model->first_output(b->state), ending[job_of[slot]].started_ns};
}

static void play_serve(Bench *b, const Story *story, Ending *ending, uint32_t *head, uint32_t come, uint32_t *job_of, bool *used, int64_t now_ns) {
  for (;;) {
    ServerQueue queue = {0};
    if (*head < come) queue = (ServerQueue){come - *head, story[*head].arrival_ns, story[*head].input, story[*head].output, story[*head].arrival_ns, 0};
    if (b->model->take(b->params, b->state, now_ns, &queue) == 0) return;
    uint32_t slot = 0;
    while (used[slot]) slot++;
    used[slot] = true;
    job_of[slot] = *head;
    ending[*head].started_ns = now_ns;
    b->model->admit(b->params, b->state, now_ns, (ServerJob){slot, 1, story[*head].input, story[*head].output, 0});
    (*head)++;
  }
}

/* Arrivals in order, cancellations of what is inside, resizes each 0.3 s; how often the server was looked at. */
static uint64_t play(Bench *b, const Story *story, Ending *ending) {
  uint32_t job_of[SEATS], head = 0, come = 0;
  bool used[SEATS] = {false};
  uint64_t looks = 0;
  int64_t resize_ns = 300 * MS;
  bench_begin(b, SEATS);
  for (;; looks++) {
    int64_t now_ns = bench_next_ns(b), cancel_ns = INSTANT_NEVER;
    uint32_t gone = SEATS;
    for (uint32_t k = 0; k < SEATS; k++)
      if (used[k] && story[job_of[k]].cancel_ns < cancel_ns) cancel_ns = story[job_of[k]].cancel_ns, gone = k;
    int64_t arrival_ns = come < JOBS ? story[come].arrival_ns : INSTANT_NEVER;
    if (now_ns == INSTANT_NEVER && arrival_ns == INSTANT_NEVER) return looks;
    if (now_ns <= cancel_ns && now_ns <= resize_ns && now_ns <= arrival_ns) {
      play_complete(b, ending, job_of, used, now_ns);
    } else if (cancel_ns <= resize_ns && cancel_ns <= arrival_ns) {
      now_ns = cancel_ns;
      b->model->cancel(b->params, b->state, now_ns, gone);
      used[gone] = false;
    } else if (resize_ns <= arrival_ns) {
      now_ns = resize_ns;
      resize_ns += 300 * MS;
      b->model->resize(b->params, b->state, now_ns, now_ns / (300 * MS) % 2 ? 1.7 : 0.9);
    } else {
      now_ns = arrival_ns;
      come++;
    }
    play_serve(b, story, ending, &head, come, job_of, used, now_ns);
  }
}

static void stories(Story *story, uint32_t seed, double gap_ns) {
  Stream stream = stream_make(seed, 1, PURPOSE_FAULT, 0);
  int64_t now_ns = 0;
  for (uint64_t k = 0; k < JOBS; k++) {
    double u[5];
    for (uint64_t j = 0; j < 5; j++) u[j] = stream_uniform(&stream, 5 * k + j);
    now_ns += ns_from_double(-log1p(-u[0]) * gap_ns);
    story[k] = (Story){now_ns, INSTANT_NEVER, (uint32_t)(1 + u[1] * 200), (uint32_t)(1 + u[2] * 150)};
    if (u[3] < 0.2) story[k].cancel_ns = now_ns + (int64_t)(u[4] * 900e6);
  }
}

static void skipping_is_stepping(void **unused) {
  (void)unused;
  static const struct { const char *prefill, *full, *kv; } way[] = {
      {"chunked", "preempt", "0"}, {"chunked", "preempt", "700"}, {"chunked", "queue", "900"}, {"whole", "preempt", "600"}};
  for (uint32_t seed = 1; seed <= 12; seed++) {
    Story story[JOBS];
    stories(story, seed, seed % 3 == 0 ? 2e9 : seed % 3 == 1 ? 40e6 : 150e6);
    for (size_t w = 0; w < sizeof way / sizeof *way; w++) {
      Ending ending[2][JOBS] = {0};
      uint64_t looks[2];
      for (int steps = 0; steps < 2; steps++) {
        Bench b = bench_new();
        param_set(b.type, b.params, "iteration", "1234567ns");
        param_set(b.type, b.params, "per_prefill_token", "12345ns");
        param_set(b.type, b.params, "per_sequence", "98765ns");
        param_set(b.type, b.params, "per_thousand_kv", "77777ns");
        param_set(b.type, b.params, "max_batched_tokens", "64");
        param_set(b.type, b.params, "prefill", way[w].prefill);
        param_set(b.type, b.params, "kv_full", way[w].full);
        param_set(b.type, b.params, "kv_tokens", way[w].kv);
        param_set(b.type, b.params, "overhead", seed % 2 ? "7ms" : "0s");
        param_set(b.type, b.params, "step_iterations", steps ? "true" : "false");
        looks[steps] = play(&b, story, ending[steps]);
        arena_free(&b.arena);
      }
      for (int k = 0; k < JOBS; k++) {
        assert_int_equal(ending[0][k].started_ns, ending[1][k].started_ns);
        assert_int_equal(ending[0][k].first_ns, ending[1][k].first_ns);
        assert_int_equal(ending[0][k].end_ns, ending[1][k].end_ns);
      }
      assert_true(looks[0] < looks[1]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_alone), cmocka_unit_test(one_joins), cmocka_unit_test(in_chunks), cmocka_unit_test(whole_prompts),
      cmocka_unit_test(preempted), cmocka_unit_test(reserved), cmocka_unit_test(seats), cmocka_unit_test(resized),
      cmocka_unit_test(cancelled_and_evicted), cmocka_unit_test(several_gpus), cmocka_unit_test(on_their_way), cmocka_unit_test(skipping_is_stepping),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
