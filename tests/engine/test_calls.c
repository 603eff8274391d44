/* Synchronous calls and closed loops in whole runs that grow, shrink, drain, fail and run out of room: the same bits every way, also where
 * a draining replica ends with a call whose end nobody knows in advance. */
#include <stdio.h>

#include "tests/support/run_fixture.h"
#include "tests/testing.h"

static const char text[] =
    "name: calls\n"
    "horizon: 40m\n"
    "seed: 11\n"
    "cluster:\n"
    "  pools:\n"
    "    cpu: {machine: {cpu: 4, memory: 16Gi, price: $0.2/h}, nodes: {min: 1, max: 5}, startup: {lognormal: {median: 20s, p95: 40s}}, minimum_charge: 0s}\n"
    "deployments:\n"
    "  front:\n"
    "    requests: {cpu: 1}\n"
    "    limits: {cpu: 2}\n"
    "    speed: linear\n"
    "    concurrency: 3\n"
    "    replicas: {initial: 2, min: 1, max: 8}\n"
    "    grace: %s\n"
    "    queue: {limit: 30, timeout: {of: total, after: 4s, work: %s}}\n"
    "    retry: {attempts: 2, backoff: 500ms}\n"
    "    failure: {jobs: requeue-head, work: %s}\n"
    "    variants: {v: {load: 5s, service: {distribution: {time: {lognormal: {mean: 60ms, cv: 1}}}}}}\n"
    "    route: [{to: middle, probability: 0.7, call: synchronous}, {to: back, probability: 0.2}]\n"
    "    workload: {arrivals: {closed: {clients: 45, think: {exponential: {mean: 2s}}}}}\n"
    "  middle:\n"
    "    requests: {cpu: 1}\n"
    "    concurrency: 2\n"
    "    dispatch: least-work\n"
    "    replicas: {initial: 2, min: 1, max: 8}\n"
    "    grace: 2s\n"
    "    queue: {limit: 6}\n"
    "    failure: {jobs: fail}\n"
    "    variants: {v: {load: 5s, service: {distribution: {time: {exponential: {mean: 80ms}}}}}}\n"
    "    route: [{to: back, probability: 0.5, call: synchronous}, {to: middle, probability: 0.1}]\n"
    "    workload: {arrivals: {poisson: {rate: 3/s}}, rate: {diurnal: {period: 10m, peak: 1.9}}}\n"
    "  back:\n"
    "    requests: {cpu: 1}\n"
    "    concurrency: 4\n"
    "    replicas: {initial: 1, min: 0, max: 4}\n"
    "    variants: {v: {load: 2s, service: {processor-sharing: {time: {exponential: {mean: 60ms}}, cores: 1}}}}\n"
    "    queue: {limit: 40, timeout: {after: 3s}}\n"
    "strategies:\n"
    "  out: {scale: {horizontal: {target: 45%%, scale_down_window: 20s}}}\n"
    "  both: {scale: {hybrid: {target: 45%%, max: 2, scale_down_window: 20s}}}\n"
    "  zero: {scale: {kpa: {stable-window: 10s, scale-to-zero-grace-period: 5s}}}\n"
    "faults:\n"
    "  - {at: 5m, deployment: front, replicas: 1}\n"
    "  - {at: 12m, deployment: middle, replicas: 2}\n"
    "  - {at: 21m, deployment: back, replicas: 1}\n"
    "  - {at: 30m, deployment: front, replicas: 3}\n";

static void check(const char *grace, const char *work, const char *failed) {
  Fixture x = {0};
  char filled[sizeof text + 64];
  snprintf(filled, sizeof filled, text, grace, work, failed);
  open_scenario(&x, filled);
  for (uint32_t k = 0; k < x.scenario.strategies.count; k++) assert_same_every_way(&x, k);
  close_scenario(&x);
}

static void test_the_same_every_way(void **state) {
  (void)state;
  check("30s", "cancel", "restart");
  check("30s", "waste", "resume");
  check("300ms", "cancel", "resume");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_same_every_way)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
