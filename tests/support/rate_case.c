/* A policy that goes by the offered rate, case by case; see rate_case.h. */
#include "tests/support/rate_case.h"

#include "tests/testing.h"

static void settings(PolicyBench *bench, const char *const *setting, size_t most_pairs) {
  for (size_t k = 0; k < most_pairs && setting[2 * k]; k++) bench_set(bench, setting[2 * k], setting[2 * k + 1]);
}

static void rate_case(const char *policy, const char *const *common, const RateCase *one) {
  PolicyBench bench = policy_bench(policy);
  settings(&bench, common, SIZE_MAX / 2);
  settings(&bench, one->setting, RATE_SETTINGS);
  bench.seen.replicas = bench.seen.replicas_ready = 1;
  bench.seen.min_replicas = one->min;
  bench.seen.max_replicas = one->max > 0 ? one->max : 1000;
  for (int k = 0; k < one->n; k++) {
    const double *look_at = one->look[k], offered_rps = look_at[1];
    bench.seen.has_metrics = offered_rps >= 0;
    bench.seen.offered_rps = offered_rps >= 0 ? offered_rps : 0;
    bench.seen.in_flight_jobs = look_at[3];
    int64_t wish = look_and_grant(&bench, look_at[0])->replicas, expected = (int64_t)look_at[2];
    if (expected >= 0 && wish != expected)
      fail_msg("%s, %s, look at %g s: %lld wished (%s), %lld expected", policy, one->name, look_at[0], (long long)wish, bench.wished.reason,
               (long long)expected);
    assert_true(bench.wished.n_steps > 0);
  }
  bench_end(&bench);
}

void rate_cases(const char *policy, const char *const *common, const RateCase *cases, size_t n) {
  for (size_t k = 0; k < n; k++) rate_case(policy, common, &cases[k]);
}
