/* `karpenter` by hand. Machines: small 4 cores, 8 GiB, $0.20/h; large 8 cores, 16 GiB, $0.38/h. A replica of n cores asks for 2 n GiB. */
#include "models/node/karpenter.h"
#include "sim/core/time.h"
#include "tests/support/node_bench.h"
#include "tests/support/params.h"
#include "tests/testing.h"

enum { SMALL, LARGE, GPU };
enum { EITHER, ON_SMALL, ON_LARGE, ON_GPU };

static NodeBench *karpenter(void) { return node_bench("karpenter"); }

/* NodePools with all defaults, of all pools. */
static NodePoolSpec *node_pools(NodeBench *bench, size_t n) {
  static const char *const names[] = {"first", "second"};
  const Type *type;
  NodePoolSpec *spec = param_list(&bench->arena, bench->policy->model.params, bench->params, "nodePools", n, &type);
  for (size_t k = 0; k < n; k++) spec[k].name = names[k];
  return spec;
}

static void set(NodePoolSpec *spec, const char *path, const char *text) { param_set(&node_pool_spec_type, spec, path, text); }

static void budget(NodeBench *bench, NodePoolSpec *spec, const char *nodes) {
  const Type *type;
  BudgetSpec *one = param_list(&bench->arena, &disruption_type, &spec->disruption, "budgets", 1, &type);
  one->nodes = nodes;
}

static void wishes(const NodeBench *bench, int64_t small, int64_t large) {
  assert_int_equal(bench->order[SMALL], small);
  assert_int_equal(bench->order[LARGE], large);
  assert_int_equal(bench->order[GPU], 0);
}

static void acts(const NodeBench *bench, uint32_t node, NodeAction action) {
  for (uint32_t n = 0; n < bench->n_nodes; n++) assert_int_equal(bench->action[n], n == node ? action : NODE_KEEP);
}

static void quiet(NodeBench *bench, double at_s) {
  node_bench_tick(bench, at_s);
  acts(bench, 0, NODE_KEEP);
  wishes(bench, 0, 0);
}

/* Idle for 1 s after the second, at 0.5 s. */
static void batch_ends_when_idle(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  node_bench_pending(bench, ON_SMALL, 2, 1, 0);
  node_bench_wake(bench, 0);
  wishes(bench, 0, 0);
  assert_int_equal(bench->look_again_ns, NS_PER_S);
  node_bench_pending(bench, ON_SMALL, 2, 2, 0.5);
  node_bench_wake(bench, 0.5);
  assert_int_equal(bench->look_again_ns, 1500000000);
  node_bench_tick(bench, 1);
  wishes(bench, 0, 0);
  node_bench_tick(bench, 1.5);
  wishes(bench, 2, 0); /* three of 2 cores, two a node */
  node_bench_end(bench);
}

/* One every 0.8 s: the idle time never passes, ten seconds do. */
static void batch_lasts_ten_seconds(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  for (int k = 0; k <= 12; k++) {
    node_bench_pending(bench, ON_SMALL, 4, 1, 0.8 * k);
    node_bench_wake(bench, 0.8 * k);
    wishes(bench, 0, 0);
  }
  assert_int_equal(bench->look_again_ns, 10 * NS_PER_S);
  node_bench_tick(bench, 10);
  wishes(bench, 10, 0); /* 13 wanted, the pool has 10 */
  node_bench_tick(bench, 12);
  wishes(bench, 0, 0);
  node_bench_tick(bench, 20); /* those that still wait ask again after 10 s, and wait for 1 s */
  wishes(bench, 0, 0);
  assert_int_equal(bench->look_again_ns, 21 * NS_PER_S);
  node_bench_end(bench);
}

static void provisions(NodeBench *bench, double at_s, int64_t small, int64_t large) {
  node_bench_wake(bench, at_s);
  wishes(bench, 0, 0);
  node_bench_tick(bench, at_s + 1);
  wishes(bench, small, large);
}

/* 3 cores: either would do, small is cheaper. 5 of 2 cores: the first claim takes four, which only large can be; the fifth is small. */
static void cheapest_type(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  node_bench_pending(bench, EITHER, 1, 3, 0);
  provisions(bench, 0, 1, 0);
  bench->n_pending = 0;
  node_bench_pending(bench, EITHER, 2, 5, 20);
  provisions(bench, 20, 1, 1);
  bench->n_pending = 0;
  bench->pool[SMALL].max_nodes = 0; /* none to be had */
  node_bench_pending(bench, EITHER, 1, 1, 40);
  provisions(bench, 40, 0, 1);
  node_bench_end(bench);
}

/* Largest first: 3, 2, 2, 1 cores on small: {3, 1}, {2, 2}. In order of arrival (1, 2, 2, 3) it would be three nodes. */
static void largest_first(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  node_bench_pending(bench, ON_SMALL, 1, 1, 0);
  node_bench_pending(bench, ON_SMALL, 2, 2, 0);
  node_bench_pending(bench, ON_SMALL, 3, 1, 0);
  provisions(bench, 0, 2, 0);
  node_bench_end(bench);
}

static void nodes_on_their_way_count(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  node_bench_starting(bench, SMALL, 0);
  node_bench_pending(bench, ON_SMALL, 2, 3, 0);
  provisions(bench, 0, 1, 0);
  node_bench_end(bench);
}

/* 8 cores: two nodes of small. Where a claim may be either, large is counted, and that is all: large for two of 4 cores. */
static void limits(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  set(node_pools(bench, 1), "limits.cpu", "8");
  node_bench_pending(bench, ON_SMALL, 4, 3, 0);
  provisions(bench, 0, 2, 0);
  bench->n_pending = 0;
  node_bench_pending(bench, EITHER, 4, 3, 20);
  provisions(bench, 20, 0, 1);
  node_bench_starting(bench, SMALL, 25);
  bench->n_pending = 0;
  node_bench_pending(bench, ON_LARGE, 1, 1, 40);
  provisions(bench, 40, 0, 0); /* 4 of 8 left: large has 8 */
  node_bench_end(bench);
}

static void weight(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  NodePoolSpec *spec = node_pools(bench, 2);
  const Type *type;
  Requirement *only = param_list(&bench->arena, &node_pool_spec_type, &spec[1], "pools", 1, &type);
  only->name = "large";
  set(&spec[1], "weight", "10");
  node_bench_pending(bench, EITHER, 1, 1, 0);
  provisions(bench, 0, 0, 1);
  bench->n_pending = 0;
  node_bench_pending(bench, ON_SMALL, 1, 1, 20); /* not of the first: the second */
  provisions(bench, 20, 1, 0);
  node_bench_end(bench);
}

/* Found at 0, looked at again at 15. */
static void empty_node_goes(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  node_bench_ready(bench, SMALL, 0);
  quiet(bench, 0);
  assert_int_equal(bench->look_again_ns, 15 * NS_PER_S);
  quiet(bench, 10);
  node_bench_tick(bench, 15);
  acts(bench, 0, NODE_RELEASE);
  node_bench_end(bench);
}

static void consolidate_after(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  set(node_pools(bench, 1), "disruption.consolidateAfter", "30s");
  node_bench_ready(bench, SMALL, 2);
  for (int k = 0; k <= 3; k++) quiet(bench, 10 * k); /* 28 s at 30 */
  quiet(bench, 40);
  node_bench_tick(bench, 55);
  acts(bench, 0, NODE_RELEASE);
  node_bench_end(bench);
}

/* 11 nodes: 10 % is 1.1, rounded up 2; one that is being drained counts. */
static void budgets_round_up(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  for (int k = 0; k < 11; k++) node_bench_ready(bench, SMALL, 0);
  quiet(bench, 0);
  node_bench_tick(bench, 15);
  for (uint32_t n = 0; n < 11; n++) assert_int_equal(bench->action[n], n < 2 ? NODE_RELEASE : NODE_KEEP);
  node_bench_end(bench);
  bench = karpenter();
  for (int k = 0; k < 11; k++) node_bench_ready(bench, SMALL, 0);
  bench->node[4].draining = bench->node[4].cordoned = true;
  quiet(bench, 0);
  node_bench_tick(bench, 15);
  acts(bench, 0, NODE_RELEASE);
  node_bench_end(bench);
  bench = karpenter();
  budget(bench, node_pools(bench, 1), "0");
  node_bench_ready(bench, SMALL, 0);
  for (int k = 0; k < 5; k++) quiet(bench, 10 * k);
  node_bench_end(bench);
  assert_int_equal(budget_allows("10%", 0), 0);
  assert_int_equal(budget_allows("10%", 1), 1);
  assert_int_equal(budget_allows("33%", 100), 33);
  assert_int_equal(budget_allows("7", 3), 7);
  assert_int_equal(budget_allows("101%", 3), -1);
  assert_int_equal(budget_allows("", 3), -1);
  assert_int_equal(budget_allows("5 ", 3), -1);
}

/* Two nodes of small, a core each; a budget of one: the first's replica fits beside the second's. */
static void single_node_deletion(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  for (int k = 0; k < 2; k++) node_bench_place(bench, node_bench_ready(bench, SMALL, 0), ON_SMALL, 1, 0);
  quiet(bench, 0);
  quiet(bench, 10);
  node_bench_tick(bench, 15);
  acts(bench, 0, NODE_DRAIN);
  node_bench_end(bench);
}

/* Three of large with 2 cores each: two can go (6 of 8 cores on the third); all three would need a large one again, which is no cheaper than
 * keeping one. */
static void multi_node_deletion(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  budget(bench, node_pools(bench, 1), "100%");
  for (int k = 0; k < 3; k++) node_bench_place(bench, node_bench_ready(bench, LARGE, 0), ON_LARGE, 2, 0);
  quiet(bench, 0);
  node_bench_tick(bench, 15);
  for (uint32_t n = 0; n < 3; n++) assert_int_equal(bench->action[n], n < 2 ? NODE_DRAIN : NODE_KEEP);
  node_bench_end(bench);
}

/* One core on large: small would do, at $0.20 against $0.38. Cordoned at 15 when small is ordered, drained when that is ready. */
static NodeBench *replacing(void) {
  NodeBench *bench = karpenter();
  node_bench_place(bench, node_bench_ready(bench, LARGE, 0), EITHER, 1, 0);
  quiet(bench, 0);
  node_bench_tick(bench, 15);
  acts(bench, 0, NODE_CORDON);
  wishes(bench, 1, 0);
  bench->node[0].cordoned = true;
  return bench;
}

static void replacement(void **unused) {
  (void)unused;
  NodeBench *bench = replacing();
  uint32_t fresh = node_bench_starting(bench, SMALL, 15);
  for (double at_s = 20; at_s <= 70; at_s += 10) quiet(bench, at_s);
  node_bench_starting_ready(bench, fresh, 75);
  node_bench_wake(bench, 75);
  acts(bench, 0, NODE_DRAIN);
  node_bench_end(bench);
}

/* The replacement's room is for the replicas of the node that it replaces: another that waits gets its own node. */
static void replacement_is_reserved(void **unused) {
  (void)unused;
  NodeBench *bench = replacing();
  node_bench_starting(bench, SMALL, 15);
  node_bench_pending(bench, ON_SMALL, 4, 1, 20);
  provisions(bench, 20, 1, 0);
  node_bench_end(bench);
}

static void replacement_that_does_not_come(void **unused) {
  (void)unused;
  NodeBench *bench = replacing(); /* refused: no such node at the next look */
  node_bench_tick(bench, 20);
  acts(bench, 0, NODE_UNCORDON);
  node_bench_end(bench);
  bench = replacing(); /* not ready after ten minutes */
  node_bench_starting(bench, SMALL, 15);
  node_bench_tick(bench, 614);
  acts(bench, 0, NODE_KEEP);
  node_bench_tick(bench, 615);
  acts(bench, 0, NODE_UNCORDON);
  node_bench_end(bench);
}

/* small alone cannot be replaced by small. large with 2 cores and small with 2: together they would need a small one, no cheaper than keeping
 * small; so the dearer goes, its replica fits beside. */
static void no_worse_than_keeping(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  node_bench_place(bench, node_bench_ready(bench, SMALL, 0), EITHER, 1, 0);
  for (int k = 0; k < 5; k++) quiet(bench, 10 * k);
  node_bench_end(bench);
  bench = karpenter();
  budget(bench, node_pools(bench, 1), "100%");
  node_bench_place(bench, node_bench_ready(bench, SMALL, 0), EITHER, 2, 0);
  node_bench_place(bench, node_bench_ready(bench, LARGE, 0), EITHER, 2, 0);
  quiet(bench, 0);
  node_bench_tick(bench, 15);
  acts(bench, 1, NODE_DRAIN);
  node_bench_end(bench);
}

/* The other node fills up within the 15 s: what was found does not come out again. The next round is 10 s later. */
static void second_look(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  for (int k = 0; k < 2; k++) node_bench_place(bench, node_bench_ready(bench, SMALL, 0), ON_SMALL, 2, 0);
  quiet(bench, 0);
  node_bench_place(bench, 1, ON_SMALL, 2, 12);
  quiet(bench, 15);
  assert_int_equal(bench->look_again_ns, 25 * NS_PER_S);
  quiet(bench, 25);
  quiet(bench, 40);
  node_bench_end(bench);
}

/* What would fit only on a node that is not ready must wait. */
static void not_onto_starting_nodes(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  node_bench_place(bench, node_bench_ready(bench, SMALL, 0), ON_SMALL, 2, 0);
  uint32_t other = node_bench_starting(bench, SMALL, 0);
  quiet(bench, 0);
  quiet(bench, 15);
  node_bench_starting_ready(bench, other, 20);
  node_bench_place(bench, other, ON_SMALL, 1, 20);
  quiet(bench, 25); /* dearest for each replica: both have one; the first in order */
  node_bench_tick(bench, 40);
  acts(bench, 0, NODE_DRAIN);
  node_bench_end(bench);
}

static void only_when_empty(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  set(node_pools(bench, 1), "disruption.consolidationPolicy", "WhenEmpty");
  for (int k = 0; k < 2; k++) node_bench_place(bench, node_bench_ready(bench, SMALL, 0), ON_SMALL, 1, 0);
  for (int k = 0; k < 5; k++) quiet(bench, 10 * k);
  node_bench_empty(bench, 1, 45);
  quiet(bench, 50);
  node_bench_tick(bench, 65);
  acts(bench, 1, NODE_RELEASE);
  node_bench_end(bench);
}

/* Budgets do not hold expiration up; a pool's minimum does. */
static void expiration(void **unused) {
  (void)unused;
  NodeBench *bench = karpenter();
  NodePoolSpec *spec = node_pools(bench, 1);
  set(spec, "expireAfter", "1h");
  budget(bench, spec, "0");
  node_bench_place(bench, node_bench_ready(bench, SMALL, 0), ON_SMALL, 4, 0);
  node_bench_place(bench, node_bench_ready(bench, SMALL, 30), ON_SMALL, 4, 30);
  quiet(bench, 3590);
  node_bench_tick(bench, 3600);
  acts(bench, 0, NODE_DRAIN);
  bench->pool[SMALL].min_nodes = 2;
  quiet(bench, 3610);
  node_bench_end(bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(batch_ends_when_idle),
      cmocka_unit_test(batch_lasts_ten_seconds),
      cmocka_unit_test(cheapest_type),
      cmocka_unit_test(largest_first),
      cmocka_unit_test(nodes_on_their_way_count),
      cmocka_unit_test(limits),
      cmocka_unit_test(weight),
      cmocka_unit_test(empty_node_goes),
      cmocka_unit_test(consolidate_after),
      cmocka_unit_test(budgets_round_up),
      cmocka_unit_test(single_node_deletion),
      cmocka_unit_test(multi_node_deletion),
      cmocka_unit_test(replacement),
      cmocka_unit_test(replacement_is_reserved),
      cmocka_unit_test(replacement_that_does_not_come),
      cmocka_unit_test(no_worse_than_keeping),
      cmocka_unit_test(second_look),
      cmocka_unit_test(not_onto_starting_nodes),
      cmocka_unit_test(only_when_empty),
      cmocka_unit_test(expiration),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
