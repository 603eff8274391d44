/* Policy `vpa` by hand: what it recommends, whom it evicts or resizes, over several looks.
 *
 * The buckets end at 0.2 x (1.05^n - 1) cores. So a use of 100, 200, 250, 500, 1000, 1500, 2000, 4000 millicores is read as 110, 215, 258,
 * 511, 1016, 1511, 2093, 4124, and with 15 %, each step cut off, recommended as 126, 247, 296, 587, 1168, 1737, 2406, 4742. */
#include <math.h>

#include "models/policy/vpa_params.h"
#include "models/policy/vpa_updater.h"
#include "sim/core/time.h"
#include "tests/support/params.h"
#include "tests/support/policy_bench.h"
#include "tests/testing.h"

static PolicyBench vpa_bench(const char *mode) {
  PolicyBench bench = policy_bench("vpa");
  bench_set(&bench, "updatePolicy.updateMode", mode);
  return bench;
}

/* A look at which every replica has a new sample; the request for new replicas is granted, those there keep theirs. */
static const Decision *look_fresh(PolicyBench *bench, double at_s) {
  for (int64_t k = 0; k < bench->seen.n_replicas; k++) bench->replica[k].sampled_ns = (int64_t)(at_s * 1e9);
  const Decision *decision = look(bench, at_s);
  bench->seen.request_millicores = decision->request_millicores;
  return decision;
}

/* n replicas that use so much, each requesting so much. */
static void replicas(PolicyBench *bench, int n, int64_t usage_millicores, int64_t request_millicores) {
  bench->seen.replicas = n;
  bench->seen.request_millicores = request_millicores;
  for (int k = 0; k < n; k++) bench_replica(bench, 0, usage_millicores);
}

static void assert_updated(const Decision *decision, int n, const uint32_t *ordinal) {
  assert_int_equal(decision->n_updated, n);
  for (int k = 0; k < n; k++) assert_int_equal(decision->updated[k], ordinal[k]);
}
#define ASSERT_UPDATED(decision, ...) \
  assert_updated(decision, (int)(sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)), (uint32_t[]){__VA_ARGS__})

/* ---- recommending ---- */

static void nothing_without_samples(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  replicas(&bench, 4, 1000, 1000);
  for (int k = 0; k < 4; k++) bench.replica[k].has_sample = false;
  const Decision *wish = look_fresh(&bench, 0);
  assert_int_equal(wish->request_millicores, 1000);
  assert_int_equal(wish->n_updated, 0);
  assert_true(isnan(wish->metric));
  assert_string_equal(wish->reason, "no samples yet");
  bench.replica[2].has_sample = true;
  assert_int_equal(look_fresh(&bench, 60)->request_millicores, 1168);
  bench_end(&bench);
}

/* All four samples have one instant: no history, so lower = 25 (the least a pod gets) and upper = 1e14; nobody is touched. */
static void first_look_is_for_new_replicas(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  replicas(&bench, 4, 1000, 500);
  const Decision *wish = look_fresh(&bench, 0);
  assert_int_equal(wish->request_millicores, 1168);
  assert_int_equal(wish->update, UPDATE_NEW);
  assert_int_equal(wish->n_updated, 0);
  assert_true(fabs(wish->metric - 1.0162813885540918) < 1e-12 && wish->target == 1.168);
  assert_string_equal(wish->reason, "requests within bounds");
  assert_int_equal(wish->request_bytes, 1000000000); /* memory stays */
  bench_end(&bench);
}

/* Nine samples in ten at 500, one at 4000. Weights 0.1 each: 0.9 of the total is reached within 511 -> 587. With a sixth of 4000 (2 of 12)
 * it is not: 10/12 = 0.83 -> 4124 -> 4742. */
static void target_is_the_ninetieth_percentile(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Off");
  bench_set(&bench, "recommender.target-cpu-percentile", "0.899");
  replicas(&bench, 10, 500, 1000);
  bench.replica[7].usage_millicores = 4000;
  assert_true(look_fresh(&bench, 0)->target == 0.587);
  bench.replica[3].usage_millicores = 4000;
  bench.seen.n_replicas = 4;
  for (int k = 0; k < 2; k++) bench.replica[k].has_sample = false;
  assert_true(look_fresh(&bench, 60)->target == 4.742); /* 10 of 12: 0.83 */
  bench_end(&bench);
}

/* Half-life 1 h: two samples of 1000 at 0, one of 200 at 2 h weighs four times one of them: 4 / 6 = 0.67 < 0.9; three of them: 12/14 = 0.857;
 * at 4 h another three, 16 each: (12 + 48) / 62 = 0.968. */
static void old_samples_lose_weight(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Off");
  bench_set(&bench, "recommender.cpu-histogram-decay-half-life", "1h");
  replicas(&bench, 2, 1000, 1000);
  assert_true(look_fresh(&bench, 0)->target == 1.168);
  bench_replica(&bench, 0, 200);
  for (int k = 0; k < 3; k++) bench.replica[k].usage_millicores = 200;
  assert_true(look_fresh(&bench, 7200)->target == 1.168);
  assert_true(look_fresh(&bench, 14400)->target == 0.247);
  bench_end(&bench);
}

static void a_sample_counts_once(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Off");
  replicas(&bench, 9, 500, 1000);
  look_fresh(&bench, 0);
  bench.seen.n_replicas = 1;
  bench.replica[0].usage_millicores = 4000;
  assert_true(look(&bench, 60)->target == 0.587); /* the sample of 0 again */
  bench.replica[0].sampled_ns = 60 * NS_PER_S;
  bench_set(&bench, "recommender.target-cpu-percentile", "95%"); /* 9 of 10 are below */
  assert_true(look(&bench, 120)->target == 4.742);
  bench_end(&bench);
}

static void recommender_keeps_its_interval(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Off");
  bench_set(&bench, "recommender.recommender-interval", "2m");
  replicas(&bench, 1, 500, 1000);
  assert_true(look_fresh(&bench, 0)->target == 0.587);
  bench.replica[0].usage_millicores = 4000;
  assert_true(look_fresh(&bench, 60)->target == 0.587);
  assert_true(look_fresh(&bench, 119.999)->target == 0.587);
  assert_true(look_fresh(&bench, 120)->target == 4.742); /* 1 of 2 is 0.5 < 0.9 */
  bench_end(&bench);
}

/* Floor: 1 millicore is in the first bucket, 10 -> 11 -> at least 25. Rounding: 587 -> 600. Margin 50 %: 511 + 255. */
static void minimum_rounding_margin(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Initial");
  replicas(&bench, 1, 1, 1000);
  assert_int_equal(look_fresh(&bench, 0)->request_millicores, 25);
  bench_set(&bench, "recommender.pod-recommendation-min-cpu-millicores", "40");
  assert_int_equal(look_fresh(&bench, 60)->request_millicores, 40);
  bench_set(&bench, "recommender.round-cpu-millicores", "100");
  assert_int_equal(look_fresh(&bench, 120)->request_millicores, 100);
  bench.replica[0].usage_millicores = 500;
  for (int k = 3; k < 6; k++) look_fresh(&bench, 60 * k); /* 3 of 6 at 500: the upper half */
  assert_int_equal(look_fresh(&bench, 360)->request_millicores, 600);
  bench_set(&bench, "recommender.recommendation-margin-fraction", "50%");
  bench_set(&bench, "recommender.round-cpu-millicores", "1");
  assert_int_equal(look_fresh(&bench, 420)->request_millicores, 766);
  bench_end(&bench);
}

/* The last sample is at 60 s; 8 days later it is forgotten, a nanosecond before it is not. */
static void history_is_forgotten(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Off");
  replicas(&bench, 2, 1000, 1000);
  look_fresh(&bench, 60);
  assert_string_equal(look(&bench, 60 + 691200 - 1e-6)->reason, "recommends only");
  assert_string_equal(look(&bench, 60 + 691200 + 60)->reason, "no samples yet");
  bench_end(&bench);
}

/* ---- modes and policies ---- */

static void off_and_initial(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Off");
  replicas(&bench, 4, 1000, 100);
  for (int k = 0; k < 3; k++) {
    const Decision *wish = look_fresh(&bench, 60 * k);
    assert_int_equal(wish->request_millicores, 100);
    assert_int_equal(wish->n_updated, 0);
    assert_true(wish->target == 1.168);
  }
  assert_string_equal(bench.wished.reason, "recommends only");
  bench_set(&bench, "updatePolicy.updateMode", "Initial");
  const Decision *wish = look_fresh(&bench, 180); /* 100 is far below the lower bound; nobody is touched */
  assert_int_equal(wish->request_millicores, 1168);
  assert_int_equal(wish->update, UPDATE_NEW);
  assert_int_equal(wish->n_updated, 0);
  bench_end(&bench);
}

static VpaContainerPolicy *container_policies(PolicyBench *bench, size_t n) {
  const Type *type;
  return param_list(&bench->arena, bench->policy->model.params, bench->params, "resourcePolicy.containerPolicies", n, &type);
}

static void container_policy_limits(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Initial");
  replicas(&bench, 2, 1000, 1000);
  VpaContainerPolicy *policy = container_policies(&bench, 3);
  policy[0].containerName = "other";
  policy[0].mode = VPA_SCALING_OFF;
  policy[1].maxAllowed.cpu_millicores = 900; /* of * */
  policy[2].containerName = "chat";
  policy[2].minAllowed.cpu_millicores = 2000;
  assert_int_equal(look_fresh(&bench, 0)->request_millicores, 2000);
  policy[2].containerName = "talk";
  assert_int_equal(look_fresh(&bench, 60)->request_millicores, 900);
  policy[1].mode = VPA_SCALING_OFF;
  assert_string_equal(look_fresh(&bench, 120)->reason, "scaling of this container is off");
  assert_int_equal(bench.wished.request_millicores, 900); /* as it was */
  policy[1].containerName = "none";
  assert_int_equal(look_fresh(&bench, 180)->request_millicores, 1168); /* three policies, none of them this one's */
  bench_set(&bench, "recommender.container-recommendation-max-allowed-cpu", "1100m");
  assert_int_equal(look_fresh(&bench, 240)->request_millicores, 1100);
  bench_end(&bench);
}

static void controlled_resources(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  replicas(&bench, 2, 1000, 100);
  static VpaResourceName both[] = {{VPA_MEMORY}, {VPA_CPU}};
  container_policies(&bench, 1)[0].controlledResources = (List){both, 1};
  look_fresh(&bench, 0);
  assert_int_equal(look_fresh(&bench, 60)->request_millicores, 100);
  assert_int_equal(bench.wished.n_updated, 0);
  assert_string_equal(bench.wished.reason, "CPU is not controlled");
  container_policies(&bench, 1)[0].controlledResources = (List){both, 2};
  assert_int_equal(look_fresh(&bench, 120)->request_millicores, 1168);
  bench_end(&bench);
}

/* ---- evicting ---- */

/* At 60 s: c = min(60 s / 24 h, 8 / 1440) = 1/1440; lower = 1168 x (1 + 1.44)^-2 = 196.18 -> 196, upper = 1168 x 1441. Of four, the
 * tolerance is two: more than two must be left, so two go. */
static void evicts_below_the_lower_bound(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  replicas(&bench, 4, 1000, 195);
  assert_int_equal(look_fresh(&bench, 0)->n_updated, 0);
  const Decision *wish = look_fresh(&bench, 60);
  assert_int_equal(wish->update, UPDATE_EVICT);
  ASSERT_UPDATED(wish, 0, 1);
  assert_string_equal(wish->reason, "evicts");
  assert_string_equal(wish->step[1].action, "evict()");
  for (int k = 0; k < 2; k++) bench.replica[k].request_millicores = 1168;
  for (int k = 2; k < 4; k++) bench.replica[k].request_millicores = 300; /* lower at 120 s: 1168 x 1.72^-2 = 394.8 */
  ASSERT_UPDATED(look_fresh(&bench, 120), 2, 3);
  bench_end(&bench);
}

static void at_the_lower_bound_is_inside(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  replicas(&bench, 4, 1000, 196);
  look_fresh(&bench, 0);
  assert_int_equal(look_fresh(&bench, 60)->n_updated, 0);
  assert_string_equal(bench.wished.reason, "requests within bounds");
  bench_end(&bench);
}

/* upper at 60 s: 126 x 1441 = 181566. */
static void evicts_above_the_upper_bound(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Auto");
  replicas(&bench, 4, 100, 181566);
  look_fresh(&bench, 0);
  assert_int_equal(look_fresh(&bench, 60)->n_updated, 0);
  bench_end(&bench);
  bench = vpa_bench("Auto");
  replicas(&bench, 4, 100, 181567);
  look_fresh(&bench, 0);
  ASSERT_UPDATED(look_fresh(&bench, 60), 0, 1);
  bench_end(&bench);
}

/* Growing ones first: 50 (|50 - 1168| / 50 = 22.4), 100 (10.7), then the shrinking one; of eight, four may go. */
static void evicts_by_priority(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  static const int64_t request_millicores[8] = {1168, 5000000, 100, 150, 1168, 50, 3000000, 100};
  replicas(&bench, 8, 1000, 1168);
  for (int k = 0; k < 8; k++) bench.replica[k].request_millicores = request_millicores[k];
  look_fresh(&bench, 0);
  ASSERT_UPDATED(look_fresh(&bench, 60), 5, 2, 7, 3);
  bench_set(&bench, "updater.eviction-tolerance", "1"); /* all but none: more than 0 must be left */
  ASSERT_UPDATED(look_fresh(&bench, 120), 5, 2, 7, 3, 1, 6);
  bench_set(&bench, "updater.eviction-tolerance", "20%"); /* 1.6 -> 1 */
  ASSERT_UPDATED(look_fresh(&bench, 180), 5);
  bench_end(&bench);
}

/* One is missing already: three of four run, one more may go. The pending one has the old request, too, and goes without being counted. */
static void pending_ones_cost_nothing(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  replicas(&bench, 4, 1000, 100);
  bench.replica[2].phase = REPLICA_PHASE_PENDING;
  bench.replica[2].started_ns = INSTANT_NEVER;
  bench.replica[2].has_sample = false;
  look_fresh(&bench, 0);
  ASSERT_UPDATED(look_fresh(&bench, 60), 0, 2);
  bench.replica[0].phase = REPLICA_PHASE_DRAINING; /* gone for the count, its successor starts: running, though not ready */
  bench_replica(&bench, 60, 1000)->phase = REPLICA_PHASE_STARTING;
  bench.replica[4].request_millicores = 1168;
  bench.replica[2].phase = REPLICA_PHASE_PENDING;
  ASSERT_UPDATED(look_fresh(&bench, 120), 1, 2);
  bench_end(&bench);
}

static void too_few_replicas(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  replicas(&bench, 1, 1000, 100);
  look_fresh(&bench, 0);
  assert_int_equal(look_fresh(&bench, 60)->n_updated, 0);
  assert_string_equal(bench.wished.reason, "too few replicas for an update");
  assert_int_equal(bench.wished.request_millicores, 1168); /* for a new one */
  bench_set(&bench, "updatePolicy.minReplicas", "1");
  ASSERT_UPDATED(look_fresh(&bench, 120), 0); /* tolerance 0.5 -> 0: one at a time */
  bench_set(&bench, "updatePolicy.minReplicas", "0");
  bench_set(&bench, "updater.min-replicas", "1");
  ASSERT_UPDATED(look_fresh(&bench, 180), 0);
  bench_end(&bench);
}

/* Three, tolerance 0: with all running one goes; while one is missing none does. */
static void one_at_a_time_without_tolerance(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  bench_set(&bench, "updater.eviction-tolerance", "0.3");
  replicas(&bench, 3, 1000, 100);
  look_fresh(&bench, 0);
  ASSERT_UPDATED(look_fresh(&bench, 60), 0);
  bench.replica[0].phase = REPLICA_PHASE_DRAINING;
  assert_int_equal(look_fresh(&bench, 120)->n_updated, 0);
  bench_end(&bench);
}

/* Target 1168. Within the bounds a replica must be 12 h old and 10 % off: 1000 is 16.8 % off, 1062 is 106 / 1062 = 9.98 %. */
static void old_ones_off_target(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  replicas(&bench, 4, 1000, 1062);
  bench.replica[3].request_millicores = 1000;
  look_fresh(&bench, 0);
  look_fresh(&bench, 43139.999);
  assert_int_equal(look_fresh(&bench, 43199.9999)->n_updated, 0);
  ASSERT_UPDATED(look_fresh(&bench, 43260), 3);
  bench.replica[3].request_millicores = 1168;
  bench_set(&bench, "updater.pod-update-threshold", "9.9%");
  ASSERT_UPDATED(look_fresh(&bench, 43320), 0, 1);
  bench_set(&bench, "updater.in-recommendation-bounds-eviction-lifetime-threshold", "13h");
  assert_int_equal(look_fresh(&bench, 43380)->n_updated, 0);
  bench_end(&bench);
}

static void updater_keeps_its_interval(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  bench_set(&bench, "updater.updater-interval", "2m");
  replicas(&bench, 4, 1000, 100);
  look_fresh(&bench, 0);
  const Decision *wish = look_fresh(&bench, 60);
  assert_int_equal(wish->n_updated, 0);
  assert_int_equal(wish->request_millicores, 1168);
  assert_string_equal(wish->reason, "the updater is not due");
  ASSERT_UPDATED(look_fresh(&bench, 120), 0, 1);
  bench_end(&bench);
}

static void eviction_requirements(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  const Type *type;
  static VpaResourceName cpu[] = {{VPA_CPU}}, memory[] = {{VPA_MEMORY}};
  VpaRequirement *requirement = param_list(&bench.arena, bench.policy->model.params, bench.params, "updatePolicy.evictionRequirements", 1, &type);
  requirement->resources = (List){cpu, 1};
  requirement->changeRequirement = VPA_TARGET_LOWER;
  replicas(&bench, 4, 1000, 100);
  look_fresh(&bench, 0);
  assert_int_equal(look_fresh(&bench, 60)->n_updated, 0); /* it would grow */
  requirement->changeRequirement = VPA_TARGET_HIGHER;
  ASSERT_UPDATED(look_fresh(&bench, 120), 0, 1);
  requirement->resources = (List){memory, 1};
  assert_int_equal(look_fresh(&bench, 180)->n_updated, 0); /* memory stays */
  bench_end(&bench);
}

/* 4 cores are used, so 4742 are wished; the controller cuts that to a node's 3000 and so the replicas have it: nothing more is to be had. */
static void a_nodes_size_is_a_limit(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("Recreate");
  replicas(&bench, 4, 4000, 100);
  look_fresh(&bench, 0);
  assert_int_equal(look_fresh(&bench, 60)->request_millicores, 4742);
  bench.seen.request_millicores = 3000;
  for (int k = 0; k < 4; k++) bench.replica[k].request_millicores = 3000;
  for (int k = 2; k < 2000; k++) assert_int_equal(look_fresh(&bench, 60 * k)->n_updated, 0);
  assert_int_equal(bench.wished.request_millicores, 3000);
  bench_end(&bench);
}

/* ---- in place ---- */

static void resizes_in_place(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("InPlaceOrRecreate");
  replicas(&bench, 4, 1000, 100);
  look_fresh(&bench, 0);
  const Decision *wish = look_fresh(&bench, 60);
  assert_int_equal(wish->update, UPDATE_IN_PLACE);
  ASSERT_UPDATED(wish, 0, 1);
  assert_string_equal(wish->reason, "resizes in place");
  for (int k = 0; k < 2; k++) bench.replica[k].request_millicores = 1168;
  wish = look_fresh(&bench, 120);
  assert_int_equal(wish->update, UPDATE_IN_PLACE);
  ASSERT_UPDATED(wish, 2, 3);
  for (int k = 2; k < 4; k++) bench.replica[k].request_millicores = 1168;
  assert_int_equal(look_fresh(&bench, 180)->n_updated, 0);
  assert_string_equal(bench.wished.reason, "requests within bounds");
  bench_end(&bench);
}

/* Two of two: tolerance 1, so one a look. Asked at 60 s, first seen waiting at 120 s; the five minutes are over when more than 300 s have
 * passed since then: not at 420 s, but at 480 s. Meanwhile the other one is resized. */
static void a_resize_that_waits_ends_in_eviction(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("InPlaceOrRecreate");
  replicas(&bench, 2, 1000, 100);
  look_fresh(&bench, 0);
  ASSERT_UPDATED(look_fresh(&bench, 60), 0);
  ASSERT_UPDATED(look_fresh(&bench, 120), 1);
  bench.replica[1].request_millicores = 1168;
  for (int k = 3; k < 8; k++) {
    assert_int_equal(look_fresh(&bench, 60 * k)->n_updated, 0);
    assert_string_equal(bench.wished.reason, "waits for resizes");
  }
  const Decision *wish = look_fresh(&bench, 480);
  assert_int_equal(wish->update, UPDATE_EVICT);
  ASSERT_UPDATED(wish, 0);
  bench.replica[0].phase = REPLICA_PHASE_DRAINING;
  assert_int_equal(look_fresh(&bench, 540)->n_updated, 0);
  bench_end(&bench);
}

static void in_place_alone_never_evicts(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("InPlace");
  replicas(&bench, 2, 1000, 100);
  bench.replica[1].phase = REPLICA_PHASE_PENDING; /* is left alone, though out of bounds */
  look_fresh(&bench, 0);
  bench.replica[1].phase = REPLICA_PHASE_READY;
  ASSERT_UPDATED(look_fresh(&bench, 60), 0);
  bench.replica[1].phase = REPLICA_PHASE_PENDING;
  for (int k = 2; k < 100; k++) assert_int_equal(look_fresh(&bench, 60 * k)->n_updated, 0);
  bench_end(&bench);
}

static void in_place_without_budget(void **unused) {
  (void)unused;
  PolicyBench bench = vpa_bench("InPlaceOrRecreate");
  bench_set(&bench, "updater.in-place-skip-disruption-budget", "true");
  replicas(&bench, 4, 1000, 100);
  look_fresh(&bench, 0);
  ASSERT_UPDATED(look_fresh(&bench, 60), 0, 1, 2, 3);
  bench_end(&bench);
  bench = vpa_bench("InPlaceOrRecreate");
  bench_set(&bench, "updater.in-place-skip-disruption-budget", "true");
  replicas(&bench, 1, 1000, 100); /* fewer than min-replicas */
  look_fresh(&bench, 0);
  ASSERT_UPDATED(look_fresh(&bench, 60), 0);
  for (int k = 2; k < 20; k++) assert_int_equal(look_fresh(&bench, 60 * k)->n_updated, 0); /* and never evicted */
  bench_end(&bench);
}

/* ---- rules alone ---- */

/* 4 cores of 5 and 10 of 8 GiB: 0.25 + 0.2; nothing is outside; killed for memory it goes at once, but not where nothing would change. */
static void priority_of_two_resources(void **unused) {
  (void)unused;
  const VpaRequest pod[] = {{true, 4000, {5000, 1000, 6000}}, {true, 10000000000, {8000000000, 5000000000, 10000000000}}};
  const VpaUpdateRules rules = {0.1, 12 * 3600 * NS_PER_S};
  VpaPriority priority = vpa_priority(pod, 2);
  assert_true(priority.grows && !priority.is_outside && fabs(priority.difference - 0.45) < 1e-12);
  assert_false(vpa_wants_update(&priority, &rules, true, 11 * 3600 * NS_PER_S, false));
  assert_true(vpa_wants_update(&priority, &rules, true, 11 * 3600 * NS_PER_S, true));
  assert_true(vpa_wants_update(&priority, &rules, true, 12 * 3600 * NS_PER_S, false));
  assert_false(vpa_wants_update(&priority, &rules, false, 0, false));
  const VpaRequest same[] = {{true, 4000, {4000, 2000, 5000}}};
  priority = vpa_priority(same, 1);
  assert_false(vpa_wants_update(&priority, &rules, true, 11 * 3600 * NS_PER_S, true));
  const VpaRequest none[] = {{false, 0, {3, 0, 5}}};
  priority = vpa_priority(none, 1);
  assert_true(priority.grows && priority.is_outside && priority.difference == 2);
}

/* Whatever the table admits is safe: extremes of every number, over a few looks. */
static void extremes(void **unused) {
  (void)unused;
  static const char *const paths[][3] = {
      {"recommender.recommender-interval", "1s", "1d"}, {"recommender.confidence-interval-cpu", "1s", "1157d"},
      {"recommender.cpu-histogram-decay-half-life", "1s", "1157d"}, {"recommender.memory-aggregation-interval", "1s", "1157d"},
      {"recommender.memory-aggregation-interval-count", "1", "1000"}, {"recommender.recommendation-margin-fraction", "0", "100"},
      {"recommender.pod-recommendation-min-cpu-millicores", "0", "1000000000"}, {"recommender.target-cpu-percentile", "0", "1"},
      {"updater.eviction-tolerance", "0", "1"}, {"recommender.round-cpu-millicores", "1", "1000000"}};
  for (int high = 1; high <= 2; high++) {
    PolicyBench bench = vpa_bench("Recreate");
    for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) bench_set(&bench, paths[k][0], paths[k][high]);
    replicas(&bench, 4, 1000, 100);
    bench.replica[0].usage_millicores = (double)NAN;
    bench.replica[1].usage_millicores = 1e300;
    bench.replica[2].request_millicores = 0;
    for (int k = 0; k < 5; k++) assert_true(look_fresh(&bench, k * 1e8)->request_millicores > 0);
    bench_end(&bench);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_without_samples), cmocka_unit_test(first_look_is_for_new_replicas),
      cmocka_unit_test(target_is_the_ninetieth_percentile), cmocka_unit_test(old_samples_lose_weight), cmocka_unit_test(a_sample_counts_once),
      cmocka_unit_test(recommender_keeps_its_interval), cmocka_unit_test(minimum_rounding_margin), cmocka_unit_test(history_is_forgotten),
      cmocka_unit_test(off_and_initial), cmocka_unit_test(container_policy_limits), cmocka_unit_test(controlled_resources),
      cmocka_unit_test(evicts_below_the_lower_bound), cmocka_unit_test(at_the_lower_bound_is_inside),
      cmocka_unit_test(evicts_above_the_upper_bound), cmocka_unit_test(evicts_by_priority), cmocka_unit_test(pending_ones_cost_nothing),
      cmocka_unit_test(too_few_replicas), cmocka_unit_test(one_at_a_time_without_tolerance), cmocka_unit_test(old_ones_off_target),
      cmocka_unit_test(updater_keeps_its_interval), cmocka_unit_test(eviction_requirements), cmocka_unit_test(a_nodes_size_is_a_limit),
      cmocka_unit_test(resizes_in_place), cmocka_unit_test(a_resize_that_waits_ends_in_eviction),
      cmocka_unit_test(in_place_alone_never_evicts), cmocka_unit_test(in_place_without_budget), cmocka_unit_test(priority_of_two_resources),
      cmocka_unit_test(extremes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
