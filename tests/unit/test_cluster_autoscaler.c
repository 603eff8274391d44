/* `cluster-autoscaler` by hand. Machines: small 4 cores, 8 GiB; large 8 cores, 16 GiB; gpu 8 cores, 2 GPUs. A replica of n cores asks for 2 n
 * GiB, so that CPU and memory fill alike. Looks every 10 s unless said otherwise. */
#include <math.h>
#include <string.h>

#include "models/node/expander.h"
#include "tests/support/node_bench.h"
#include "tests/support/params.h"
#include "tests/testing.h"

enum { SMALL, LARGE, GPU };
enum { EITHER, ON_SMALL, ON_LARGE, ON_GPU };

static NodeBench *ca(void) { return node_bench("cluster-autoscaler"); }

static void expander(NodeBench *bench, Expander one) {
  const Type *type;
  int *item = param_list(&bench->arena, bench->policy->model.params, bench->params, "expander", 1, &type);
  *item = (int)one;
}

static void orders(NodeBench *bench, double at_s, int64_t small, int64_t large, int64_t gpu) {
  node_bench_tick(bench, at_s);
  assert_int_equal(bench->order[SMALL], small);
  assert_int_equal(bench->order[LARGE], large);
  assert_int_equal(bench->order[GPU], gpu);
}

/* The action on one node; all others are kept. */
static void acts(NodeBench *bench, double at_s, uint32_t node, NodeAction action) {
  node_bench_tick(bench, at_s);
  for (uint32_t n = 0; n < bench->n_nodes; n++) assert_int_equal(bench->action[n], n == node ? action : NODE_KEEP);
}

static void keeps_until(NodeBench *bench, double from_s, double last_s) {
  for (double at_s = from_s; at_s <= last_s; at_s += 10) acts(bench, at_s, 0, NODE_KEEP);
}

/* Replicas of age 0 are not older than the delay of 0 s; of age 1 s they are within the buffer of 2 s; of 2 s no longer. Two of 2 cores fill a
 * node of 4: three need two. */
static void young_replicas_wait(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_pending(bench, ON_SMALL, 2, 3, 0);
  orders(bench, 0, 0, 0, 0);
  orders(bench, 1, 0, 0, 0);
  orders(bench, 2, 2, 0, 0);
  node_bench_end(bench);
}

/* With GPUs the buffer is 30 s. */
static void gpu_replicas_wait_longer(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_pending(bench, ON_GPU, 1, 3, 0);
  for (int k = 0; k < 3; k++) bench->pending[k].request.milligpus = 1000;
  orders(bench, 29, 0, 0, 0);
  orders(bench, 30, 0, 0, 2); /* 3 GPUs, 2 a node */
  node_bench_end(bench);
}

static void scale_up_delay(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_set(bench, "new_pod_scale_up_delay", "60s");
  node_bench_pending(bench, ON_SMALL, 1, 1, 0);
  orders(bench, 60, 0, 0, 0); /* must be older */
  orders(bench, 70, 1, 0, 0);
  node_bench_end(bench);
}

/* 3 replicas of a core: small wastes 1/4 + 1/4, large 5/8 + 5/8. 5 of 2 cores: small (3 nodes) 2/12 twice, large (2) 6/16 twice. */
static void least_waste(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_pending(bench, EITHER, 1, 3, 0);
  orders(bench, 10, 1, 0, 0);
  bench->n_pending = 0;
  node_bench_pending(bench, EITHER, 2, 5, 10);
  orders(bench, 20, 3, 0, 0);
  node_bench_end(bench);
}

static void other_expanders(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_pending(bench, EITHER, 2, 5, 0);
  expander(bench, EXPANDER_LEAST_NODES);
  orders(bench, 10, 0, 2, 0);
  expander(bench, EXPANDER_MOST_PODS); /* 5 on either: chance */
  node_bench_tick(bench, 20);
  assert_true((bench->order[SMALL] == 3 && bench->order[LARGE] == 0) || (bench->order[SMALL] == 0 && bench->order[LARGE] == 2));
  bench->pool[SMALL].max_nodes = 2; /* takes 4 of the 5 */
  orders(bench, 30, 0, 2, 0);
  expander(bench, EXPANDER_LEAST_WASTE); /* small: nothing wasted */
  orders(bench, 40, 2, 0, 0);
  node_bench_end(bench);
}

/* Chance is even: of 200 looks with two equal groups between 70 and 130 go to the first (4 standard deviations are 28). */
static void chance_among_equals(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  expander(bench, EXPANDER_RANDOM);
  node_bench_pending(bench, EITHER, 4, 1, 0);
  int first = 0;
  for (int k = 1; k <= 200; k++) {
    node_bench_tick(bench, 10 * k);
    first += bench->order[SMALL] == 1;
    assert_int_equal(bench->order[SMALL] + bench->order[LARGE], 1);
  }
  assert_in_range(first, 70, 130);
  node_bench_end(bench);
}

/* A node on its way takes two of three; a cordoned one takes none. */
static void nodes_on_their_way_count(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_starting(bench, SMALL, 0);
  bench->node[node_bench_ready(bench, SMALL, 0)].cordoned = true;
  node_bench_pending(bench, ON_SMALL, 2, 3, 0);
  orders(bench, 10, 1, 0, 0);
  bench->n_pending = 2;
  orders(bench, 20, 0, 0, 0);
  node_bench_end(bench);
}

static void limits_of_nodes(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_pending(bench, ON_SMALL, 4, 9, 0);
  node_bench_set(bench, "max_nodes_total", "7");
  node_bench_starting(bench, LARGE, 0);
  orders(bench, 10, 6, 0, 0);
  node_bench_set(bench, "max_nodes_per_scaleup", "4");
  orders(bench, 20, 4, 0, 0);
  bench->pool[SMALL].max_nodes = 3;
  orders(bench, 30, 3, 0, 0);
  bench->pool[SMALL].max_nodes = 0;
  orders(bench, 40, 0, 0, 0);
  node_bench_end(bench);
}

/* Ordered at 0, given back when 900 s have passed (strictly). Back-off 300 s, to the instant; the next failure backs off 600 s. */
static void late_nodes_and_backoff(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  uint32_t late = node_bench_starting(bench, SMALL, 0);
  node_bench_pending(bench, ON_SMALL, 4, 1, 0);
  acts(bench, 900, late, NODE_KEEP);
  acts(bench, 910, late, NODE_RELEASE);
  assert_int_equal(bench->order[SMALL], 0);
  node_bench_gone(bench, late);
  orders(bench, 1200, 0, 0, 0);
  orders(bench, 1210, 1, 0, 0);
  late = node_bench_starting(bench, SMALL, 1210);
  acts(bench, 2120, late, NODE_RELEASE);
  node_bench_gone(bench, late);
  orders(bench, 2710, 0, 0, 0);
  orders(bench, 2720, 1, 0, 0);
  node_bench_end(bench);
}

/* Three hours after the last failure it is forgotten: 300 s again. 910 + 10800 = 11710 is not before 11710. */
static void backoff_is_forgotten(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_pending(bench, ON_SMALL, 4, 1, 0);
  acts(bench, 910, node_bench_starting(bench, SMALL, 0), NODE_RELEASE);
  node_bench_gone(bench, 0);
  orders(bench, 11720, 1, 0, 0);
  acts(bench, 11730, node_bench_starting(bench, SMALL, 10000), NODE_RELEASE);
  node_bench_gone(bench, 0);
  orders(bench, 12020, 0, 0, 0);
  orders(bench, 12030, 1, 0, 0); /* 11730 + 300 */
  node_bench_end(bench);
}

/* Unneeded since the look at 0: 0 + 600 < now holds from 610 on. */
static void empty_node_goes(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  uint32_t node = node_bench_ready(bench, SMALL, 0);
  keeps_until(bench, 0, 600);
  acts(bench, 610, node, NODE_RELEASE);
  node_bench_end(bench);
}

static void unneeded_time_begins_anew(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  uint32_t node = node_bench_ready(bench, SMALL, 0);
  keeps_until(bench, 0, 290);
  node_bench_place(bench, node, ON_SMALL, 3, 300); /* 3/4 is above 0.5 */
  keeps_until(bench, 300, 310);
  node_bench_empty(bench, node, 315);
  keeps_until(bench, 320, 920);
  acts(bench, 930, node, NODE_RELEASE);
  node_bench_end(bench);
}

/* 12 empty nodes, 10 removals at once; of two nodes in a pool with a minimum of one, one goes. */
static void in_bulk_but_not_below_the_minimum(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  for (int k = 0; k < 12; k++) node_bench_ready(bench, SMALL, 0);
  keeps_until(bench, 0, 600);
  node_bench_tick(bench, 610);
  for (uint32_t n = 0; n < 12; n++) assert_int_equal(bench->action[n], n < 10 ? NODE_RELEASE : NODE_KEEP);
  node_bench_end(bench);
  bench = ca();
  bench->pool[SMALL].min_nodes = 1;
  node_bench_ready(bench, SMALL, 0);
  node_bench_ready(bench, SMALL, 0);
  keeps_until(bench, 0, 600);
  acts(bench, 610, 0, NODE_RELEASE);
  node_bench_gone(bench, 0);
  keeps_until(bench, 620, 1300);
  node_bench_end(bench);
}

/* Three nodes with one core each: the first's replica fits on the second; both of these on the third; the third's three nowhere. One is
 * drained at a time. */
static void one_drain_at_a_time(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  for (uint32_t n = 0; n < 3; n++) node_bench_place(bench, node_bench_ready(bench, SMALL, 0), ON_SMALL, 1, 0);
  keeps_until(bench, 0, 600);
  acts(bench, 610, 0, NODE_DRAIN);
  bench->node[0].draining = bench->node[0].cordoned = true;
  acts(bench, 620, 0, NODE_KEEP);
  node_bench_gone(bench, 0);
  acts(bench, 630, 0, NODE_DRAIN); /* unneeded all the while */
  node_bench_end(bench);
}

/* A drain that was wished and did not begin is a failure: nothing for three minutes. */
static void failed_drain(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  for (uint32_t n = 0; n < 2; n++) node_bench_place(bench, node_bench_ready(bench, SMALL, 0), ON_SMALL, 1, 0);
  node_bench_set(bench, "scale_down_unneeded_time", "0s");
  acts(bench, 0, 0, NODE_KEEP);
  acts(bench, 10, 0, NODE_DRAIN);
  keeps_until(bench, 20, 190); /* failed at 20; 20 + 180 > now up to 190 */
  acts(bench, 200, 0, NODE_DRAIN);
  node_bench_end(bench);
}

/* Two of four cores are 0.5, which is not below 0.5. On a GPU node only GPUs count: 1 of 2 is 0.5, half of one 0.25. */
static void utilisation_threshold_is_strict(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_place(bench, node_bench_ready(bench, SMALL, 0), ON_SMALL, 2, 0);
  node_bench_place(bench, node_bench_ready(bench, SMALL, 0), ON_SMALL, 2, 0);
  keeps_until(bench, 0, 700);
  node_bench_end(bench);
  bench = ca();
  node_bench_place_gpu(bench, node_bench_ready(bench, GPU, 0), 1000, 0);
  node_bench_place_gpu(bench, node_bench_ready(bench, GPU, 0), 500, 0);
  keeps_until(bench, 0, 600);
  acts(bench, 610, 1, NODE_DRAIN); /* it shares the second GPU of the first */
  node_bench_end(bench);
}

/* Nowhere to go at 0: not looked at again before 300, though there is room from 10 on. Unneeded since 300, drained at 910. */
static void unremovable_is_left_alone(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_place(bench, node_bench_ready(bench, SMALL, 0), ON_SMALL, 1, 0);
  acts(bench, 0, 0, NODE_KEEP);
  node_bench_place(bench, node_bench_ready(bench, SMALL, 5), ON_SMALL, 2, 5);
  keeps_until(bench, 10, 900);
  acts(bench, 910, 0, NODE_DRAIN);
  node_bench_end(bench);
}

/* Nodes added at 10: the empty large one is unneeded since 20, and with no waiting time could go at 30, but the delay holds to 610. */
static void delay_after_add(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_set(bench, "scale_down_unneeded_time", "0s");
  node_bench_ready(bench, LARGE, 0);
  node_bench_pending(bench, ON_SMALL, 1, 1, 0);
  orders(bench, 10, 1, 0, 0);
  bench->n_pending = 0;
  keeps_until(bench, 20, 600);
  acts(bench, 610, 0, NODE_RELEASE);
  node_bench_end(bench);
}

static void delay_after_delete(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_set(bench, "scale_down_unneeded_time", "0s");
  node_bench_set(bench, "max_scale_down_parallelism", "1");
  node_bench_set(bench, "scale_down_delay_after_delete", "60s");
  node_bench_ready(bench, LARGE, 0);
  node_bench_ready(bench, LARGE, 0);
  acts(bench, 0, 0, NODE_KEEP);
  acts(bench, 10, 0, NODE_RELEASE);
  node_bench_gone(bench, 0);
  keeps_until(bench, 20, 60);
  acts(bench, 70, 0, NODE_RELEASE); /* 10 + 60 is not after 70 */
  node_bench_end(bench);
}

static void scale_down_disabled(void **unused) {
  (void)unused;
  NodeBench *bench = ca();
  node_bench_set(bench, "scale_down_enabled", "false");
  node_bench_ready(bench, LARGE, 0);
  keeps_until(bench, 0, 700);
  node_bench_end(bench);
}

/* Unfitness 4/1 in a cluster of up to two nodes; the formula of the price expander against libm. */
static void price_score_by_hand(void **unused) {
  (void)unused;
  ExpanderOption option[2] = {{.pool = 0, .name = "a", .capacity = {4000, 16 * BENCH_GIB, 0}, .nano_usd_per_h = 200000000, .n_nodes = 3, .n_pods = 1,
                               .pods = {8000, 16 * BENCH_GIB, 0}},
                              {.pool = 1, .name = "b", .capacity = {1000, 4 * BENCH_GIB, 0}, .n_nodes = 9, .n_pods = 1, .pods = {8000, 16 * BENCH_GIB, 0}}};
  double stab = 0.5 * 0.033174 + 500.0 / 1024 * 0.004446, pods = 8 * 0.033174 + 16 * 0.004446;
  double a = (3 * (1 - tanh(2.0 / 15)) + 1) * (0.6 + stab) / (pods + stab);
  double equal_usd_per_h = (a * (pods + stab) - stab) / 9; /* at which b, whose unfitness is 1, scores the same */
  ExpanderContext context = {.cluster_nodes = 2};
  for (int dearer = 0; dearer < 2; dearer++) {
    ExpanderOption both[2] = {option[0], option[1]};
    both[1].nano_usd_per_h = (int64_t)(equal_usd_per_h * 1e9 * (dearer ? 1.000001 : 0.999999));
    assert_int_equal(expander_filter(EXPANDER_PRICE, &context, both, 2), 1);
    assert_string_equal(both[0].name, dearer ? "a" : "b");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(young_replicas_wait),
      cmocka_unit_test(gpu_replicas_wait_longer),
      cmocka_unit_test(scale_up_delay),
      cmocka_unit_test(least_waste),
      cmocka_unit_test(other_expanders),
      cmocka_unit_test(chance_among_equals),
      cmocka_unit_test(nodes_on_their_way_count),
      cmocka_unit_test(limits_of_nodes),
      cmocka_unit_test(late_nodes_and_backoff),
      cmocka_unit_test(backoff_is_forgotten),
      cmocka_unit_test(empty_node_goes),
      cmocka_unit_test(unneeded_time_begins_anew),
      cmocka_unit_test(in_bulk_but_not_below_the_minimum),
      cmocka_unit_test(one_drain_at_a_time),
      cmocka_unit_test(failed_drain),
      cmocka_unit_test(utilisation_threshold_is_strict),
      cmocka_unit_test(unremovable_is_left_alone),
      cmocka_unit_test(delay_after_add),
      cmocka_unit_test(delay_after_delete),
      cmocka_unit_test(scale_down_disabled),
      cmocka_unit_test(price_score_by_hand),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
