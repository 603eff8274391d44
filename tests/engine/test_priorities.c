/* Jobs of three priorities on one deployment, in whole runs that grow, shrink, drain, fail and run out of room: the same bits every way. */
#include <stdio.h>

#include "tests/support/run_fixture.h"
#include "tests/testing.h"

static const char text[] =
    "name: priorities\n"
    "horizon: 16m\n"
    "seed: 12\n"
    "cluster:\n"
    "  pools:\n"
    "    cpu: {machine: {cpu: 4, memory: 16Gi, price: $0.2/h}, nodes: {min: 1, max: 5}, startup: {lognormal: {median: 20s, p95: 40s}}, minimum_charge: 0s}\n"
    "deployments:\n"
    "  high:\n"
    "    concurrency: 40\n"
    "    variants: {v: {service: {distribution: {time: 0s}}}}\n"
    "    route: [{to: model, call: synchronous}]\n"
    "    workload: {arrivals: {poisson: {rate: 5/s}}, rate: {diurnal: {period: 10m, peak: 1.9}}, input: {exponential: {mean: 90}}, output: 3, priority: 7}\n"
    "  middle:\n"
    "    concurrency: 30\n"
    "    retry: {attempts: 2, backoff: 500ms}\n"
    "    variants: {v: {service: {distribution: {time: {exponential: {mean: 1ms}}}}}}\n"
    "    route: [{to: model, probability: 0.8, call: synchronous}]\n"
    "    workload: {arrivals: {closed: {clients: 25, think: {exponential: {mean: 3s}}}}, input: 40, output: 2}\n"
    "  model:\n"
    "    requests: {cpu: 1}\n"
    "    limits: {cpu: 2}\n"
    "    speed: linear\n"
    "    concurrency: 2\n"
    "    dispatch: %s\n"
    "    replicas: {initial: 2, min: 0, max: 8}\n"
    "    grace: 2s\n"
    "    queue: {limit: 20, %s}\n"
    "    failure: {jobs: %s, work: resume}\n"
    "    variants: {v: {load: 5s, service: %s}}\n"
    "    workload: {arrivals: {gamma: {rate: 8/s, cv: 2}}, input: {exponential: {mean: 90}}, output: 4, priority: -2}\n"
    "strategies:\n"
    "  out: {scale: {horizontal: {target: 60%%, scale_down_window: 20s}}}\n"
    "  both: {scale: {hybrid: {target: 60%%, max: 2, scale_down_window: 20s}}}\n"
    "  zero: {scale: {kpa: {stable-window: 10s, scale-to-zero-grace-period: 5s}}}\n"
    "faults:\n"
    "  - {at: 3m, deployment: model, replicas: 1}\n"
    "  - {at: 7m, deployment: model, replicas: 2}\n"
    "  - {at: 12m, deployment: model, replicas: 1}\n";

static void check(const char *dispatch, const char *queue, const char *failure, const char *service) {
  Fixture x = {0};
  char filled[sizeof text + 256];
  snprintf(filled, sizeof filled, text, dispatch, queue, failure, service);
  open_scenario(&x, filled);
  for (uint32_t s = 0; s < x.sweep.n_strategies; s++) assert_same_every_way(&x, s);
  close_scenario(&x);
}

static const char law[] = "{sized: {base: 10ms, per_input: 1ms}}", sharing[] = "{processor-sharing: {time: {lognormal: {mean: 100ms, cv: 2}}, cores: 1}}";
static const char batches[] = "{dynamic-batching: {max_size: 2, max_wait: 50ms, base: 60ms, peak: 50/s, noise: {exponential: {mean: 1}}}}";
static const char tokens[] = "{llm: {iteration: 20ms, per_prefill_token: 300us, per_sequence: 1ms, kv_tokens: 300, max_batched_tokens: 64}}";

static void test_laws(void **state) {
  (void)state;
  check("central-queue", "order: priority", "requeue-head", law);
  check("least-work", "order: priority, timeout: {after: {exponential: {mean: 2s}}}", "requeue-tail", law);
  check("round-robin", "order: lifo, timeout: {of: total, after: 3s}", "requeue-head", law);
}

static void test_preemption(void **state) {
  (void)state;
  check("central-queue", "order: priority, preempt: true", "requeue-head", law);
  check("central-queue", "order: priority, preempt: true, timeout: {of: total, after: 2s, work: waste}", "fail", law);
  check("least-work", "order: priority, preempt: true, timeout: {of: total, after: 2s}", "requeue-tail", law);
  check("power-of-two", "order: priority, preempt: true, timeout: {after: 1s}", "requeue-head", law);
}

static void test_servers(void **state) {
  (void)state;
  check("least-outstanding", "order: priority", "requeue-tail", sharing);
  check("central-queue", "order: priority, timeout: {after: 1s}", "requeue-head", batches);
  check("round-robin", "order: lifo", "requeue-head", batches);
  check("central-queue", "order: priority", "requeue-head", tokens);
  check("least-work", "order: priority, timeout: {of: total, after: 5s}", "requeue-tail", tokens);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_laws), cmocka_unit_test(test_preemption), cmocka_unit_test(test_servers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
