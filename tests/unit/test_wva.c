/* The workload variant autoscaler by hand, each through decide_all: peaks, spare, ties, freezing, scale to zero and back, the queueing
 * model. Thresholds 0.8 and 5, triggers 0.1 and 3 unless said otherwise. */
#include <math.h>
#include <string.h>

#include "models/policy/wva_queueing.h"
#include "tests/support/fleet.h"
#include "tests/support/params.h"
#include "tests/testing.h"

enum { KV, QUEUE, RETENTION, ARRIVALS };

static void figures(Fleet *fleet, size_t d, double kv, double queue) {
  for (size_t k = 0; k < FLEET_REPLICAS; k++) {
    fleet->value[d][KV][k] = kv;
    fleet->value[d][QUEUE][k] = queue;
  }
}

static void traffic(Fleet *fleet, size_t d, double arrival_rps) {
  fleet->metric[d][RETENTION].value = fleet->metric[d][ARRIVALS].value = arrival_rps;
}

static const char *const two[] = {"cheap", "dear"};

/* `cheap` costs 1, `dear` 5, two replicas each. */
static void two_variants(Fleet *fleet) {
  fleet_begin(fleet, "wva", 2, two);
  for (size_t d = 0; d < 2; d++) {
    fleet->seen[d].replica_usd_per_h = d == 0 ? 1 : 5;
    fleet_ready(fleet, d, 2);
    traffic(fleet, d, 10);
  }
}

#define EXPECT(fleet, a, b)                            \
  do {                                                 \
    assert_int_equal((fleet)->wish[0].replicas, a);    \
    assert_int_equal((fleet)->wish[1].replicas, b);    \
  } while (0)

/* Queries: gauges per replica, arrivals over 10 min and over 1 min. */
static void asks_for_gauges(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  figures(&fleet, 0, 0.5, 0);
  figures(&fleet, 1, 0.5, 0);
  fleet_look(&fleet, 0);
  const MetricQuery *query = fleet.bench.query;
  assert_int_equal(fleet.bench.n_queries, 4);
  assert_int_equal(query[KV].meter, METER_SLOT_UTILISATION_RATIO);
  assert_int_equal(query[KV].per, METRIC_PER_REPLICA);
  assert_int_equal(query[KV].window_ns, 0);
  assert_int_equal(query[QUEUE].meter, METER_QUEUE_JOBS);
  assert_int_equal(query[RETENTION].window_ns, 600000000000);
  fleet_end(&fleet);
}

/* spare KV (0.8 - 0.75 + 0.8 - 0.76) / 2 = 0.045 < 0.1: the cheap one grows, once an interval of 60 s; then two ticks to rest. */
static void grows_the_cheapest_once_an_interval(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  figures(&fleet, 0, 0.75, 2);
  figures(&fleet, 1, 0.76, 2);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 3, 2);
  assert_true(fabs(fleet.wish[0].metric - 0.045) < 1e-12 && fleet.wish[0].target == 0.1 && fleet.wish[0].raw_replicas == 3);
  fleet_grant(&fleet);
  for (int at_s = 15; at_s < 60; at_s += 15) {
    fleet_look(&fleet, at_s);
    EXPECT(&fleet, 3, 2);
    assert_string_equal(fleet.wish[0].reason, "between optimisations");
  }
  fleet_look(&fleet, 60);
  EXPECT(&fleet, 4, 2);
  fleet_end(&fleet);
}

/* Queue 2 of 5: spare 3 is not below 3. Queue 2.5: spare 2.5 is. */
static void queue_trigger_edge(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  figures(&fleet, 0, 0.3, 2);
  figures(&fleet, 1, 0.3, 2);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 2, 2);
  figures(&fleet, 0, 0.3, 2.5);
  figures(&fleet, 1, 0.3, 2.5);
  fleet_look(&fleet, 60);
  EXPECT(&fleet, 3, 2);
  fleet_end(&fleet);
}

/* Load 0.3 and 1 of four: 0.4 and 1.333 of three; spare 0.4 >= 0.1 and 3.667 >= 3: the dear one shrinks to 1, then the cheap one,
 * then (1, 1): of one load 0.6 and 2, spare 0.2 and 3, still safe, but nobody has more than one. */
static void shrinks_the_dearest(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  figures(&fleet, 0, 0.3, 1);
  figures(&fleet, 1, 0.3, 1);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 2, 1);
  fleet_grant(&fleet);
  fleet_look(&fleet, 60);
  EXPECT(&fleet, 1, 1);
  fleet_grant(&fleet);
  fleet_look(&fleet, 120);
  EXPECT(&fleet, 1, 1);
  assert_string_equal(fleet.wish[0].reason, "no variant may change");
  fleet_end(&fleet);
}

/* A burst at 15 s is over by 30 s, but the peak of the last minute counts at 60 s: (15 s, 75 s] still, not at 120 s. */
static void peaks_outlast_a_burst(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  fleet.bench.seen.min_replicas = 1;
  for (int at_s = 0; at_s <= 60; at_s += 15) {
    double kv = at_s == 15 ? 0.95 : 0.62;
    figures(&fleet, 0, kv, 0);
    figures(&fleet, 1, kv, 0);
    fleet_look(&fleet, at_s);
    EXPECT(&fleet, at_s == 60 ? 3 : 2, 2);
  }
  assert_true(fleet.wish[0].metric == 0); /* all four saturated: nothing to spare */
  fleet_grant(&fleet);
  for (int at_s = 75; at_s <= 120; at_s += 15) fleet_look(&fleet, at_s);
  EXPECT(&fleet, 3, 2); /* spare 0.18; of four load 0.62 x 5 / 4 = 0.775: not safe either */
  assert_true(fabs(fleet.wish[0].metric - 0.18) < 1e-12);
  fleet_end(&fleet);
}

/* Three wished, two report: nothing moves, however full. */
static void frozen_while_one_starts(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  figures(&fleet, 0, 0.9, 9);
  figures(&fleet, 1, 0.9, 9);
  fleet.seen[0].replicas = 3;
  fleet.seen[0].replicas_starting = 1;
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 3, 2);
  assert_string_equal(fleet.wish[1].reason, "a variant is on its way: nothing changes");
  fleet_ready(&fleet, 0, 3);
  fleet_look(&fleet, 60);
  EXPECT(&fleet, 4, 2);
  fleet_end(&fleet);
}

/* One that drains still reports: two reporting of one, frozen until it is gone. */
static void frozen_while_one_drains(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  figures(&fleet, 0, 0.1, 0);
  figures(&fleet, 1, 0.1, 0);
  fleet.replica[1][1].phase = REPLICA_PHASE_DRAINING;
  fleet.seen[1].replicas = fleet.seen[1].replicas_ready = 1;
  fleet.seen[1].replicas_draining = 1;
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 2, 1);
  assert_string_equal(fleet.wish[0].reason, "a variant is on its way: nothing changes");
  fleet_ready(&fleet, 1, 1);
  fleet_look(&fleet, 60);
  EXPECT(&fleet, 1, 1); /* safe: of two, load 0.15 */
  fleet_end(&fleet);
}

/* Named costs turn the order round; equal costs go by name. */
static void costs_can_be_told(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  const Type *type;
  void *item = param_list(&fleet.bench.arena, fleet.bench.policy->model.params, fleet.bench.params, "variants", 1, &type);
  param_set(type, item, "name", "dear");
  param_set(type, item, "variantCost", "0.5");
  figures(&fleet, 0, 0.75, 0);
  figures(&fleet, 1, 0.75, 0);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 2, 3);
  param_set(type, item, "variantCost", "1");
  fleet_grant(&fleet);
  fleet_look(&fleet, 60);
  EXPECT(&fleet, 3, 3);
  fleet_end(&fleet);
}

/* At the maximum nothing more is wished; a variant without metrics is kept; without any all are. */
static void bounds_and_no_metrics(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 2, 2);
  assert_string_equal(fleet.wish[0].reason, "no metrics");
  figures(&fleet, 1, 0.75, 0);
  fleet_look(&fleet, 60);
  EXPECT(&fleet, 2, 3); /* the dear one alone is analysed */
  fleet_grant(&fleet);
  figures(&fleet, 0, 0.75, 0);
  fleet.seen[0].max_replicas = 2;
  fleet_look(&fleet, 120);
  EXPECT(&fleet, 2, 3);
  assert_string_equal(fleet.wish[0].reason, "at the maximum of replicas");
  fleet_end(&fleet);
}

/* Arrivals in 10 min: stays. None: all to zero. A request: one at once, between optimisations too. */
static void to_zero_and_back(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  fleet_set(&fleet, "enable_scale_to_zero", "true");
  fleet.seen[0].min_replicas = fleet.seen[1].min_replicas = 0;
  figures(&fleet, 0, 0, 0);
  figures(&fleet, 1, 0, 0);
  traffic(&fleet, 0, 0);
  traffic(&fleet, 1, 0.001);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 2, 1);
  fleet_grant(&fleet);
  traffic(&fleet, 1, 0);
  fleet_look(&fleet, 60);
  EXPECT(&fleet, 0, 0);
  assert_string_equal(fleet.wish[1].reason, "no requests for the retention period");
  fleet_grant(&fleet);
  fleet.seen[1].ask = ASK_AT_ZERO;
  fleet.seen[1].waiting_jobs_now = 1;
  fleet_look(&fleet, 61);
  EXPECT(&fleet, 0, 1);
  fleet.seen[1].ask = ASK_NONE;
  fleet_look(&fleet, 75); /* had the answer been lost, the next tick would see it waiting */
  EXPECT(&fleet, 0, 1);
  fleet_end(&fleet);
}

/* Without scale to zero, nothing at all becomes one of the cheapest. */
static void keeps_one(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  fleet.seen[0].min_replicas = fleet.seen[1].min_replicas = 0;
  fleet_ready(&fleet, 0, 0);
  fleet_ready(&fleet, 1, 0);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 1, 0);
  fleet_end(&fleet);
}

/* Service 100 ms, one token, one at a time (concurrency 1), K = 101; targetTTFT 200 ms: M/M/1 with a mean of 2 services: 5/s a replica
 * (the queue of 100 cuts off 2^-101). 4 replicas supply 20/s: 20.5/s + nothing -> ceil(0.5 / 5) = 1 more of the cheaper. */
static void queueing_sizes(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  static const VariantView view = {"only", 1, 0.1};
  for (size_t d = 0; d < 2; d++) {
    fleet.seen[d].variant_view = &view;
    fleet.seen[d].variant = 0;
    fleet.seen[d].variants = 1;
    figures(&fleet, d, 0.5, 0);
    traffic(&fleet, d, 10.25);
  }
  fleet_set(&fleet, "mode", "queueing");
  fleet_set(&fleet, "targetTTFT", "200");
  fleet_set(&fleet, "targetITL", "1000");
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 3, 2);
  assert_true(fabs(fleet.wish[0].metric - 20.5) < 1e-9 && fabs(fleet.wish[0].target - 20) < 1e-4);
  /* on its way: 3 wished, 2 ready: 25 of supply, nothing required, nothing spare */
  fleet.seen[0].replicas = 3;
  fleet.seen[0].replicas_starting = 1;
  fleet_look(&fleet, 60);
  EXPECT(&fleet, 3, 2);
  assert_string_equal(fleet.wish[0].reason, "supply is on its way");
  /* 4/s and 4/s: spare 25 - 8 = 17, floor(17 / 5) = 3: the dear one loses both (2 x 5), then 7 -> 1 of the cheap; min 1 holds one */
  fleet_ready(&fleet, 0, 3);
  traffic(&fleet, 0, 4);
  traffic(&fleet, 1, 4);
  fleet_look(&fleet, 120);
  EXPECT(&fleet, 2, 1);
  assert_true(fleet.wish[1].raw_replicas == 0);
  assert_string_equal(fleet.wish[1].reason, "at the minimum of replicas");
  fleet_end(&fleet);
}

/* sloMultiplier 3, alpha 100: TTFT and ITL may be 300 ms: 1 / (10 - x) = 0.3 -> 6.6667/s a replica; 30/s need 4.5 -> from 4: 1 more. */
static void queueing_infers_targets(void **unused) {
  (void)unused;
  Fleet fleet;
  two_variants(&fleet);
  fleet_set(&fleet, "mode", "queueing");
  fleet_set(&fleet, "alpha", "100");
  figures(&fleet, 0, 0.5, 0);
  figures(&fleet, 1, 0.5, 0);
  traffic(&fleet, 0, 15);
  traffic(&fleet, 1, 15);
  fleet_look(&fleet, 0);
  EXPECT(&fleet, 3, 2);
  assert_true(fabs(fleet.wish[0].target - 4 * 20 / 3.0) < 1e-3);
  /* without traffic there is no capacity to go by */
  traffic(&fleet, 0, 0);
  traffic(&fleet, 1, 0);
  fleet_look(&fleet, 60);
  EXPECT(&fleet, 2, 2);
  fleet_end(&fleet);
}

/* A batch of 2 in M/M/1/K with rates 1, 2, 2 a ms: weights 1, 1, 1/2, 1/4 at 1/ms: 2.75; in service (1 + 2 x 0.75) / 2.75. */
static void state_dependent_queue(void **unused) {
  (void)unused;
  WvaServer server = {.alpha_ms = 1, .output_tokens = 1, .max_batch = 2, .max_queue = 1};
  WvaSolution solution;
  assert_true(wva_solve(&server, 1000, &solution));
  assert_true(fabs(solution.throughput_rps - 1000 * 2.5 / 2.75) < 1e-9);
  assert_true(fabs(solution.in_service_jobs - 2.5 / 2.75) < 1e-12);
  assert_true(fabs(solution.in_system_jobs - (1 + 2 * 0.5 + 3 * 0.25) / 2.75) < 1e-12);
  assert_true(fabs(solution.service_ms - 1) < 1e-12 && fabs(solution.wait_ms - 0.1) < 1e-12);
  assert_false(wva_solve(&server, 0, &solution));
  assert_false(wva_solve(&server, 1999, &solution)); /* above 0.999 x 2/ms */
  server.max_queue = 10000; /* weights beyond any double are scaled on the way */
  server.max_batch = 4096;
  assert_true(wva_solve(&server, 4e6, &solution));
  assert_true(solution.in_service_jobs > 3999 && solution.in_service_jobs < 4001);
  server.output_tokens = 0;
  assert_false(wva_solve(&server, 1, &solution));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(asks_for_gauges),       cmocka_unit_test(grows_the_cheapest_once_an_interval),
      cmocka_unit_test(queue_trigger_edge),    cmocka_unit_test(shrinks_the_dearest),
      cmocka_unit_test(peaks_outlast_a_burst), cmocka_unit_test(frozen_while_one_starts),
      cmocka_unit_test(frozen_while_one_drains), cmocka_unit_test(costs_can_be_told),
      cmocka_unit_test(bounds_and_no_metrics), cmocka_unit_test(to_zero_and_back),
      cmocka_unit_test(keeps_one),             cmocka_unit_test(queueing_sizes),
      cmocka_unit_test(queueing_infers_targets), cmocka_unit_test(state_dependent_queue),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
