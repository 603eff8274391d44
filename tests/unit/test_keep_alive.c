/* fixed-keep-alive and hybrid-histogram-like by hand: samples every 15 s, each over the 15 s before it; a job at a time unless a case says
 * otherwise. An ask whose job is served at once leaves no job behind it (jobs 0). */
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

/* One look: what is seen, and what shall be wished (ANY: whatever). */
typedef enum Seen { TICK, ASK, UNSEEN } Seen;
typedef struct Look {
  double at_s;
  Seen seen;
  int64_t came, jobs; /* arrivals of the newest 15 s; waiting or in service now */
  int64_t replicas;
  double keep_alive_s; /* < 0: whatever */
} Look;
enum { LOOKS_MOST = 20, ANY = -1 };
typedef struct Case {
  const char *name;
  const char *setting[10];
  int64_t min, max, concurrency;
  int n;
  Look look[LOOKS_MOST];
} Case;
#define LOOKS(...) (int)(sizeof((Look[]){__VA_ARGS__}) / sizeof(Look)), {__VA_ARGS__}

static void run_case(const char *policy, const Case *one) {
  PolicyBench bench = policy_bench(policy);
  for (size_t k = 0; one->setting[k]; k += 2) bench_set(&bench, one->setting[k], one->setting[k + 1]);
  bench.seen.replicas = bench.seen.replicas_ready = one->min;
  bench.seen.min_replicas = one->min;
  bench.seen.max_replicas = one->max;
  bench.seen.concurrency = one->concurrency;
  bench.seen.window_ns = 15000000000;
  for (int k = 0; k < one->n; k++) {
    const Look *at = &one->look[k];
    bench.seen.ask = at->seen == ASK ? ASK_AT_ZERO : ASK_NONE;
    bench.seen.has_metrics = at->seen != UNSEEN;
    bench.seen.offered_rps = (double)at->came / 15;
    bench.seen.in_service_jobs_now = at->seen == ASK ? 0 : at->jobs;
    bench.seen.waiting_jobs_now = at->seen == ASK ? at->jobs : 0;
    const Decision *wish = look_and_grant(&bench, at->at_s);
    if ((at->replicas >= 0 && wish->replicas != at->replicas) || (at->keep_alive_s >= 0 && wish->keep_alive_ns != (int64_t)(at->keep_alive_s * 1e9 + 0.5)))
      fail_msg("%s, %s, look at %g s: %lld kept %g s (%s), expected %lld kept %g s", policy, one->name, at->at_s, (long long)wish->replicas,
               (double)wish->keep_alive_ns / 1e9, wish->reason, (long long)at->replicas, at->keep_alive_s);
    assert_true(wish->n_steps > 0);
  }
  bench_end(&bench);
}

/* Nothing has come before the first job: idle since 0 s. A look at work ends the idle time; so does one that no longer sees a job it saw. */
static const Case fixed_cases[] = {
    {"the first job asks", {0}, 0, 9, 1, LOOKS({0, TICK, 0, 0, 0, 600}, {7, ASK, 0, 0, 1, 600}, {15, TICK, 1, 1, 1, 600})},
    {"ten minutes to the nanosecond", {0}, 0, 9, 1, LOOKS({7, ASK, 0, 0, 1, 600}, {606.9, UNSEEN, 0, 0, 1, 600}, {607, UNSEEN, 0, 0, 0, 600})},
    /* at work at 15 s, not at 30 s: it may have ended just then, so idle from 30 s */
    {"idle from the last look at work", {0}, 0, 9, 1,
     LOOKS({7, ASK, 0, 0, 1, ANY}, {15, TICK, 1, 1, 1, ANY}, {30, TICK, 0, 0, 1, ANY}, {629, TICK, 0, 0, 1, ANY}, {630, TICK, 0, 0, 0, ANY})},
    {"twenty minutes", {"keep_alive", "20m"}, 0, 9, 1, LOOKS({0, ASK, 0, 0, 1, 1200}, {1199, UNSEEN, 0, 0, 1, 1200}, {1200, UNSEEN, 0, 0, 0, 1200})},
    /* a job that came and went between looks is in the sample at 315 s: 600 s from there */
    {"a sample that shows a job prolongs", {0}, 0, 9, 1,
     LOOKS({0, ASK, 0, 0, 1, ANY}, {15, TICK, 1, 0, 1, ANY}, {315, TICK, 1, 0, 1, ANY}, {914, TICK, 0, 0, 1, ANY}, {915, TICK, 0, 0, 0, ANY})},
    {"a slot for every job, rounded up", {0}, 0, 9, 4, LOOKS({0, ASK, 0, 5, 2, 600}, {15, TICK, 9, 8, 2, 600}, {30, TICK, 9, 9, 3, 600}, {45, TICK, 0, 1, 3, 600})},
    {"the maximum", {0}, 0, 3, 1, LOOKS({0, ASK, 0, 0, 1, ANY}, {15, TICK, 9, 9, 3, ANY}, {30, TICK, 9, 2, 3, ANY})},
    {"the minimum stays", {0}, 2, 9, 1, LOOKS({0, TICK, 0, 0, 2, ANY}, {15, TICK, 4, 4, 4, ANY}, {30, TICK, 0, 0, 4, ANY}, {630, TICK, 0, 0, 2, ANY})},
    {"nothing ever comes", {0}, 1, 9, 1, LOOKS({0, TICK, 0, 0, 1, ANY}, {600, TICK, 0, 0, 1, ANY}, {90000, TICK, 0, 0, 1, ANY})},
    {"no time at all", {"keep_alive", "0s"}, 0, 9, 1, LOOKS({0, ASK, 0, 0, 1, ANY}, {15, TICK, 1, 1, 1, ANY}, {30, TICK, 0, 0, 0, ANY}, {33, ASK, 0, 0, 1, ANY})},
    {"down and up again", {"keep_alive", "1m"}, 0, 9, 1,
     LOOKS({0, ASK, 0, 0, 1, 60}, {15, TICK, 1, 0, 1, ANY}, {75, TICK, 0, 0, 0, ANY}, {80, ASK, 0, 0, 1, ANY}, {90, TICK, 1, 1, 1, ANY}, {105, TICK, 0, 0, 1, ANY},
           {164, TICK, 0, 0, 1, ANY}, {165, TICK, 0, 0, 0, ANY})},
    {"one sample is looked at once", {"keep_alive", "1m"}, 0, 9, 1, LOOKS({15, TICK, 3, 0, 0, ANY}, {30, TICK, 2, 1, 1, ANY}, {45, TICK, 0, 0, 1, ANY}, {105, UNSEEN, 0, 0, 0, ANY})},
};

static void fixed_by_hand(void **unused) {
  (void)unused;
  for (size_t k = 0; k < sizeof(fixed_cases) / sizeof(fixed_cases[0]); k++) run_case("fixed-keep-alive", &fixed_cases[k]);
}

/* One idle time of 600 s is in bin 10 (600 .. 660 s): CV^2 = 240 - 1. From 600 x 0.9 = 540 s, until 660 x 1.1 = 726 s. */
#define TEN_MINUTES {0, ASK, 0, 0, 1, 14400}, {600, ASK, 0, 0, 1, 1e-9}
static const Case histogram_cases[] = {
    {"nothing known: four hours", {0}, 0, 9, 1, LOOKS({0, ASK, 0, 0, 1, 14400}, {14399, UNSEEN, 0, 0, 1, 14400}, {14400, UNSEEN, 0, 0, 0, 14400})},
    {"away until 540 s, there until 726 s", {0}, 0, 9, 1,
     LOOKS(TEN_MINUTES, {601, UNSEEN, 0, 0, 0, 1e-9}, {1139, UNSEEN, 0, 0, 0, 1e-9}, {1140, UNSEEN, 0, 0, 1, 186}, {1325, UNSEEN, 0, 0, 1, 186}, {1326, UNSEEN, 0, 0, 0, 186})},
    {"the bin's lower edge", {0}, 0, 9, 1, LOOKS({0, ASK, 0, 0, 1, ANY}, {659, ASK, 0, 0, 1, ANY}, {1198, UNSEEN, 0, 0, 0, ANY}, {1199, UNSEEN, 0, 0, 1, ANY})},
    {"the next bin: 594 s", {0}, 0, 9, 1, LOOKS({0, ASK, 0, 0, 1, ANY}, {660, ASK, 0, 0, 1, ANY}, {1253, UNSEEN, 0, 0, 0, ANY}, {1254, UNSEEN, 0, 0, 1, 198})},
    /* 600 and 60 s: 5 % of 2 is reached in bin 1: 60 x 0.9 = 54 s; 99 % in bin 10: 726 s; CV^2 = 240 x 2 / 4 - 1 */
    {"head of one, tail of another", {0}, 0, 9, 1,
     LOOKS(TEN_MINUTES, {660, ASK, 0, 0, 1, 1e-9}, {713, UNSEEN, 0, 0, 0, ANY}, {714, UNSEEN, 0, 0, 1, 672}, {1385, UNSEEN, 0, 0, 1, ANY}, {1386, UNSEEN, 0, 0, 0, ANY})},
    /* 600 s and then 1 s: head in bin 0, so what is there stays, until 726 s */
    {"a head of nothing is keep-alive alone", {0}, 0, 9, 1, LOOKS(TEN_MINUTES, {601, UNSEEN, 0, 0, 0, ANY}, {601.5, ASK, 0, 0, 1, 726}, {602, UNSEEN, 0, 0, 1, 726}, {1327, UNSEEN, 0, 0, 1, 726}, {1327.5, UNSEEN, 0, 0, 0, 726})},
    /* three jobs in one sample at 615 s: one idle time of 615 - 7.5 - 0 s (bin 10), two of nothing: head in bin 0 */
    {"several in a sample came without an idle time", {0}, 0, 9, 1, LOOKS({0, ASK, 0, 0, 1, ANY}, {15, TICK, 1, 0, 1, 14400}, {615, TICK, 3, 0, 1, 726}, {1340, TICK, 0, 0, 1, ANY}, {1341, TICK, 0, 0, 0, ANY})},
    /* at 627 s: the middle of its window is 619.5, 604.5 s after the sample of 15 s: bin 10 */
    {"the middle of the window", {0}, 0, 9, 1, LOOKS({15, TICK, 1, 0, 0, ANY}, {627, TICK, 1, 0, 0, 1e-9}, {1166, TICK, 0, 0, 0, ANY}, {1167, TICK, 0, 0, 1, 186})},
    /* bins of 10 s over 40 s: 4 bins; idle times 5 15 25 35: all equal, CV 0 < 2: the range, 40 s */
    {"bins that vary too little say nothing", {"bin", "10s", "range", "40s"}, 0, 9, 1,
     LOOKS({0, ASK, 0, 0, 1, 40}, {5, ASK, 0, 0, ANY, ANY}, {20, ASK, 0, 0, ANY, ANY}, {45, ASK, 0, 0, ANY, ANY}, {80, ASK, 0, 0, 1, 40}, {119, UNSEEN, 0, 0, 1, 40}, {120, UNSEEN, 0, 0, 0, 40})},
    /* one of four bins: CV^2 = 4 - 1 = 3: just said at cv 1.7, not at 1.8 */
    {"cv below its bound", {"bin", "10s", "range", "40s", "cv", "1.8"}, 0, 9, 1, LOOKS({0, ASK, 0, 0, 1, 40}, {15, ASK, 0, 0, 1, 40})},
    {"cv at its bound", {"bin", "10s", "range", "40s", "cv", "1.7"}, 0, 9, 1, LOOKS({0, ASK, 0, 0, 1, 40}, {15, ASK, 0, 0, 1, 1e-9}, {23, UNSEEN, 0, 0, 0, ANY}, {24, UNSEEN, 0, 0, 1, 13})},
    /* 20,000 s is out of range: from 17,000 to 23,000 s */
    {"out of range: the mean of the last", {0}, 0, 9, 1,
     LOOKS({0, ASK, 0, 0, 1, ANY}, {20000, ASK, 0, 0, 1, 1e-9}, {36999, UNSEEN, 0, 0, 0, ANY}, {37000, UNSEEN, 0, 0, 1, 6000}, {42999, UNSEEN, 0, 0, 1, ANY}, {43000, UNSEEN, 0, 0, 0, ANY})},
    /* 20,000 and 600 s: half, not more than half, out of range: the histogram */
    {"half out of range is not more than half", {0}, 0, 9, 1, LOOKS({0, ASK, 0, 0, 1, ANY}, {20000, ASK, 0, 0, 1, ANY}, {20600, ASK, 0, 0, 1, ANY}, {21139, UNSEEN, 0, 0, 0, ANY}, {21140, UNSEEN, 0, 0, 1, 186})},
    {"too few idle times", {"idle_times", "2"}, 0, 9, 1, LOOKS({0, ASK, 0, 0, 1, 14400}, {600, ASK, 0, 0, 1, 14400}, {1200, ASK, 0, 0, 1, 1e-9})},
    {"the minimum stays", {0}, 1, 2, 1, LOOKS({0, TICK, 1, 1, 1, ANY}, {600, TICK, 0, 0, 1, ANY}, {1200, TICK, 1, 3, 2, ANY}, {1215, TICK, 0, 0, ANY, ANY}, {90000, TICK, 0, 0, 1, ANY})},
};

static void histogram_by_hand(void **unused) {
  (void)unused;
  for (size_t k = 0; k < sizeof(histogram_cases) / sizeof(histogram_cases[0]); k++) run_case("hybrid-histogram-like", &histogram_cases[k]);
}

static void parameters_are_checked(void **unused) {
  (void)unused;
  PolicyBench bench = policy_bench("hybrid-histogram-like");
  TypeCheck *check = bench.policy->model.params->check;
  Err err = {0};
  assert_true(check(bench.params, &err));
  bench_set(&bench, "bin", "7m");
  assert_false(check(bench.params, &err));
  bench_set(&bench, "bin", "1s"); /* 14,400 bins */
  assert_false(check(bench.params, &err));
  bench_set(&bench, "bin", "1m");
  bench_set(&bench, "head", "99.1%");
  assert_false(check(bench.params, &err));
  bench_end(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(fixed_by_hand), cmocka_unit_test(histogram_by_hand), cmocka_unit_test(parameters_are_checked)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
