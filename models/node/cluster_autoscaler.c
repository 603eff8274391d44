/* `cluster-autoscaler`: the Kubernetes Cluster Autoscaler. Every scan-interval it packs what is pending onto template nodes of each group
 * and grows the group that the expander chooses; when nothing had to grow it looks for nodes that could be done without. Read at
 * kubernetes/autoscaler: FAQ and flags at 55c37cd5, estimator/binpacking_estimator.go, core/scaledown/{planner,unneeded,eligibility,budgets},
 * utils/backoff. Not modelled, because nothing here can be so: unready nodes (ok-total-unready-count, scale-down-unready-time), pod
 * priorities, disruption budgets, groups that do not exist yet. */
#include "models/node/bins.h"
#include "models/node/expander.h"
#include "sim/core/time.h"

typedef struct ExpanderName { int expander; } ExpanderName;
static const Field expander_name_fields[] = {{.name = "", .kind = FIELD_CHOICE, .need = REQUIRED, .offset = offsetof(ExpanderName, expander),
                                              .choices = expander_names, .help = "an expander", .source = "--expander"}};
static const Type expander_name_type = FIELD_TYPE("expander", "how to choose among groups", ExpanderName, expander_name_fields, NULL);

static const Field priority_pool_fields[] = {{.name = "", .kind = FIELD_TEXT, .need = REQUIRED, .offset = offsetof(PriorityPool, name),
                                              .help = "a pool's name; * at its end stands for anything", .source = "cluster-autoscaler-priority-expander"}};
static const Type priority_pool_type = FIELD_TYPE("pool name", "pools by name", PriorityPool, priority_pool_fields, NULL);
static const Field priority_fields[] = {
    {.name = "priority", .kind = FIELD_INTEGER, .need = REQUIRED, .offset = offsetof(PriorityTier, priority), .min = -1e9, .max = 1e9,
     .help = "the highest goes first", .source = "cluster-autoscaler-priority-expander"},
    {.name = "pools", .kind = FIELD_LIST, .need = REQUIRED, .offset = offsetof(PriorityTier, pools), .sub = &priority_pool_type,
     .help = "pools of this priority (regular expressions upstream; here names, with * at the end)", .source = ""}};
static const Type priority_type = FIELD_TYPE("priority", "a tier of pools", PriorityTier, priority_fields, NULL);

#define DAY 86400
#define CA_FIELDS(F, C, O, L, M, R, P)                                                                                            \
  F(duration, scan_interval, "10s", 1e-3, DAY, OPTIONAL, "it looks this often", "--scan-interval 10s")                           \
  L(expander, ExpanderName, &expander_name_type, OPTIONAL, "least-waste if left out; several: each filters what the one before left; the rest is drawn") \
  L(priorities, PriorityTier, &priority_type, OPTIONAL, "for the expander priority")                                             \
  F(duration, new_pod_scale_up_delay, "0s", 0, DAY, OPTIONAL, "younger replicas are ignored", "--new-pod-scale-up-delay 0s")       \
  F(integer, max_nodes_per_scaleup, "1000", 1, 1e6, OPTIONAL, "nodes that one look may add", "--max-nodes-per-scaleup 1000")       \
  F(integer, max_nodes_total, "0", 0, 1e9, OPTIONAL, "nodes of all pools at most; 0: no limit", "--max-nodes-total 0")             \
  F(duration, max_node_provision_time, "15m", 1e-3, 3.2e9, OPTIONAL, "a node not ready by then is given back and its pool backs off", "--max-node-provision-time 15m") \
  F(duration, initial_node_group_backoff_duration, "5m", 1e-3, 3.2e9, OPTIONAL, "first back-off of a pool", "--initial-node-group-backoff-duration 5m") \
  F(duration, max_node_group_backoff_duration, "30m", 1e-3, 3.2e9, OPTIONAL, "it doubles up to this", "--max-node-group-backoff-duration 30m") \
  F(duration, node_group_backoff_reset_timeout, "3h", 1e-3, 3.2e9, OPTIONAL, "and is forgotten so long after the last failure", "--node-group-backoff-reset-timeout 3h") \
  F(flag, scale_down_enabled, "true", 0, 1, OPTIONAL, "nodes may be removed", "--scale-down-enabled true")                         \
  F(ratio, scale_down_utilization_threshold, "0.5", 0, 10, OPTIONAL, "a node is unneeded below this (strictly)", "--scale-down-utilization-threshold 0.5") \
  F(ratio, scale_down_gpu_utilization_threshold, "0.5", 0, 10, OPTIONAL, "the same of nodes with GPUs, by their GPUs alone", "--scale-down-gpu-utilization-threshold 0.5") \
  F(duration, scale_down_unneeded_time, "10m", 0, 3.2e9, OPTIONAL, "removed when unneeded for longer than this", "--scale-down-unneeded-time 10m") \
  F(duration, scale_down_delay_after_add, "10m", 0, 3.2e9, OPTIONAL, "no removal so soon after nodes were added", "--scale-down-delay-after-add 10m") \
  F(duration, scale_down_delay_after_delete, "0s", 0, 3.2e9, OPTIONAL, "nor after nodes were removed", "--scale-down-delay-after-delete 0s") \
  F(duration, scale_down_delay_after_failure, "3m", 0, 3.2e9, OPTIONAL, "nor after a removal failed", "--scale-down-delay-after-failure 3m") \
  F(duration, unremovable_node_recheck_timeout, "5m", 0, 3.2e9, OPTIONAL, "a node whose replicas fit nowhere else is left alone so long", "--unremovable-node-recheck-timeout 5m") \
  F(integer, max_scale_down_parallelism, "10", 1, 1e6, OPTIONAL, "nodes being removed at once", "--max-scale-down-parallelism 10")  \
  F(integer, max_drain_parallelism, "1", 1, 1e6, OPTIONAL, "of them nodes being drained", "--max-drain-parallelism 1")
typedef struct CaParams { FIELD_MEMBERS(CA_FIELDS) } CaParams;
#define ROW_STRUCT CaParams
static const Field ca_fields[] = {FIELD_ROWS(CA_FIELDS)};
#undef ROW_STRUCT
static const Type ca_type = FIELD_TYPE("cluster-autoscaler", "the Kubernetes Cluster Autoscaler", CaParams, ca_fields, NULL);

typedef struct CaState {
  bool begun;
  int64_t last_added_ns, last_deleted_ns, last_failed_ns;
  uint64_t draws;
} CaState;
typedef struct CaNode {
  bool unneeded, drain_wished;
  int64_t unneeded_since_ns, unremovable_until_ns;
} CaNode;
typedef struct CaPool {
  int64_t backoff_ns, backoff_until_ns, last_failed_ns; /* backoff_ns 0: none */
} CaPool;

/* One look. */
typedef struct Scan {
  const CaParams *params;
  CaState *state;
  const NodeObservation *seen;
  NodeDecision *decision;
  Bins bins; /* nodes there and on their way, with what is pending placed on the latter */
  int64_t *size, *deleting; /* [n_pools]: size of a group, of which so many are on their way out */
} Scan;

static CaNode *memory_of(const NodeView *node) { return node->state; }
static CaPool *backoff_of(const PoolView *pool) { return pool->state; }

/* ---- nodes that never come ---- */

static void back_off(const Scan *scan, uint32_t p) {
  CaPool *pool = backoff_of(&scan->seen->pool[p]);
  int64_t now_ns = scan->seen->now_ns, wait_ns = scan->params->initial_node_group_backoff_duration_ns;
  if (pool->backoff_ns && pool->backoff_until_ns < now_ns) {
    wait_ns = 2 * pool->backoff_ns;
    if (wait_ns > scan->params->max_node_group_backoff_duration_ns) wait_ns = scan->params->max_node_group_backoff_duration_ns;
  }
  *pool = (CaPool){wait_ns, now_ns + wait_ns, now_ns};
}

static bool backs_off(const Scan *scan, uint32_t p) {
  const CaPool *pool = backoff_of(&scan->seen->pool[p]);
  return pool->backoff_ns && pool->backoff_until_ns > scan->seen->now_ns;
}

static void give_back_late_nodes(Scan *scan) {
  const NodeObservation *seen = scan->seen;
  for (uint32_t p = 0; p < seen->n_pools; p++) {
    CaPool *pool = backoff_of(&seen->pool[p]);
    if (pool->backoff_ns && pool->last_failed_ns + scan->params->node_group_backoff_reset_timeout_ns < seen->now_ns) pool->backoff_ns = 0;
  }
  for (uint32_t n = 0; n < seen->n_nodes; n++) {
    const NodeView *node = &seen->node[n];
    bool late = node->phase == NODE_PHASE_STARTING && node->ordered_ns + scan->params->max_node_provision_time_ns < seen->now_ns;
    if (!late || scan->size[node->pool] <= seen->pool[node->pool].min_nodes) continue;
    scan->decision->action[n] = NODE_RELEASE;
    scan->bins.bin[n].closed = true;
    scan->size[node->pool]--;
    back_off(scan, node->pool);
  }
}

/* ---- growing ---- */

/* unschedulablePodTimeBuffer and its GPU counterpart of core/static_autoscaler.go: replicas this young may be the first of many. */
#define BUFFER_NS (2 * NS_PER_S)
#define GPU_BUFFER_NS (30 * NS_PER_S)

/* Replicas that wait and would fit on no node that is there or on its way. */
static uint32_t need_help(Scan *scan, uint32_t *waiting) {
  const NodeObservation *seen = scan->seen;
  uint32_t n = 0;
  for (uint32_t k = 0; k < seen->n_pending; k++) {
    const PendingView *pending = &seen->pending[k];
    if (bins_place(&scan->bins, 0, pending->deployment, pending->request, false) != BIN_NONE) continue;
    if (seen->now_ns - pending->since_ns > scan->params->new_pod_scale_up_delay_ns) waiting[n++] = k;
  }
  return n;
}

static bool all_are_new(const Scan *scan, const uint32_t *waiting, uint32_t n) {
  bool all = true, all_with_gpu = false;
  for (uint32_t k = 0; k < n; k++) {
    const PendingView *pending = &scan->seen->pending[waiting[k]];
    int64_t age_ns = scan->seen->now_ns - pending->since_ns;
    if (age_ns >= BUFFER_NS) all = false;
    if (pending->request.milligpus > 0) all_with_gpu = true;
  }
  for (uint32_t k = 0; k < n && all_with_gpu; k++) {
    const PendingView *pending = &scan->seen->pending[waiting[k]];
    if (pending->request.milligpus > 0 && scan->seen->now_ns - pending->since_ns >= GPU_BUFFER_NS) all_with_gpu = false;
  }
  return all || all_with_gpu;
}

/* First fit of the replicas in falling order of size onto new nodes of one pool, at most so many. */
static ExpanderOption estimate(const Scan *scan, uint32_t p, const uint32_t *waiting, uint32_t n, int64_t may) {
  const NodeObservation *seen = scan->seen;
  const PoolView *pool = &seen->pool[p];
  ExpanderOption option = {.pool = p, .name = pool->name, .capacity = pool->capacity, .nano_usd_per_h = pool->nano_usd_per_h};
  uint32_t *order = ARENA_ARRAY(seen->scratch, uint32_t, n);
  double *size = ARENA_ARRAY(seen->scratch, double, n);
  uint32_t count = 0, first = 0;
  for (uint32_t k = 0; k < n; k++) {
    const PendingView *pending = &seen->pending[waiting[k]];
    size[k] = request_score(pool, pending->request);
    if (deployment_may_run(seen, pending->deployment, p) && machine_has_room(pool, pending->request)) order[count++] = k;
  }
  sort_falling(order, size, count, seen->scratch);
  Bins fresh = bins_empty(seen);
  Resources same = {-1, -1, -1};
  for (uint32_t k = 0; k < count; k++) {
    Resources request = seen->pending[waiting[order[k]]].request;
    if (!resources_equal(same, request)) first = 0; /* else: where its like found no room there is none */
    same = request;
    while (first < fresh.count && !bin_take(&fresh, first, request)) first++;
    if (first == fresh.count) {
      if (fresh.count >= may) continue;
      (void)bin_take(&fresh, bins_add(&fresh, p), request);
    }
    option.n_pods++;
    option.pods = resources_add(option.pods, request);
  }
  option.n_nodes = fresh.count;
  return option;
}

static int64_t nodes_to_be_had(const Scan *scan, uint32_t p) {
  int64_t may = scan->seen->pool[p].max_nodes - scan->size[p], all = 0;
  if (may > scan->params->max_nodes_per_scaleup) may = scan->params->max_nodes_per_scaleup;
  for (uint32_t k = 0; k < scan->seen->n_pools; k++) all += scan->size[k];
  if (scan->params->max_nodes_total && may > scan->params->max_nodes_total - all) may = scan->params->max_nodes_total - all;
  return may;
}

static const ExpanderOption *choose(const Scan *scan, ExpanderOption *option, uint32_t n) {
  static const ExpanderName least_waste = {EXPANDER_LEAST_WASTE};
  const List *chain = &scan->params->expander;
  ExpanderContext context = {.tier = scan->params->priorities.item, .n_tiers = scan->params->priorities.count};
  for (uint32_t p = 0; p < scan->seen->n_pools; p++) context.cluster_nodes += scan->seen->pool[p].nodes_ready;
  for (size_t k = 0; k < (chain->count ? chain->count : 1) && n > 1; k++) {
    const ExpanderName *name = chain->count ? LIST_AT(*chain, const ExpanderName, k) : &least_waste;
    n = expander_filter((Expander)name->expander, &context, option, n);
  }
  if (n <= 1) return option;
  uint32_t pick = (uint32_t)(stream_uniform(&scan->seen->random, scan->state->draws++) * n);
  return &option[pick < n ? pick : n - 1];
}

/* True if nodes were ordered, or if replicas wait that are too young: no removal in this look. */
static bool scale_up(Scan *scan) {
  const NodeObservation *seen = scan->seen;
  uint32_t *waiting = ARENA_ARRAY(seen->scratch, uint32_t, seen->n_pending);
  uint32_t n = need_help(scan, waiting), n_options = 0;
  if (!n) return false;
  if (all_are_new(scan, waiting, n)) return true;
  ExpanderOption *option = ARENA_ARRAY(seen->scratch, ExpanderOption, seen->n_pools);
  for (uint32_t p = 0; p < seen->n_pools; p++) {
    int64_t may = nodes_to_be_had(scan, p);
    if (may <= 0 || backs_off(scan, p)) continue;
    ExpanderOption one = estimate(scan, p, waiting, n, may);
    if (one.n_nodes > 0) option[n_options++] = one;
  }
  if (!n_options) return false;
  const ExpanderOption *best = choose(scan, option, n_options);
  scan->decision->order[best->pool] += best->n_nodes;
  scan->state->last_added_ns = seen->now_ns;
  return true;
}

/* ---- shrinking ---- */

static bool is_candidate(const Scan *scan, uint32_t n) {
  const NodeView *node = &scan->seen->node[n];
  bool open = node->phase == NODE_PHASE_READY && !node->cordoned && !node->draining;
  return open && !node_must_stay(scan->seen, node) && scan->size[node->pool] - scan->deleting[node->pool] > scan->seen->pool[node->pool].min_nodes;
}

static bool is_underutilised(const Scan *scan, const NodeView *node) {
  const NodeObservation *seen = scan->seen;
  UtilisationNode machine = {seen->pool[node->pool].allocatable, seen->pool[node->pool].allocatable.milligpus > 0};
  UtilisationPod *pod = ARENA_ARRAY(seen->scratch, UtilisationPod, node->n_placed);
  for (uint32_t k = 0; k < node->n_placed; k++)
    pod[k] = (UtilisationPod){.request = seen->placed[node->first_placed + k].request, .deleted_for_ns = -1};
  Utilisation utilisation;
  (void)node_utilisation(&machine, pod, node->n_placed, false, false, &utilisation); /* what a machine lacks counts nothing */
  return utilisation.highest < (machine.gpu_node ? scan->params->scale_down_gpu_utilization_threshold_ratio : scan->params->scale_down_utilization_threshold_ratio);
}

static bool moves(Scan *scan, uint32_t deployment, Resources request) {
  return bins_place(&scan->bins, 0, deployment, request, true) != BIN_NONE;
}

/* Could its replicas, and those thought to have moved here, run elsewhere, on nodes that are there? If so they are thought to, and the node
 * to be gone. */
static bool could_go(Scan *scan, uint32_t n) {
  const NodeView *node = &scan->seen->node[n];
  uint32_t mark = scan->bins.n_taken;
  bool fits = true;
  scan->bins.bin[n].closed = true;
  for (uint32_t k = 0; k < node->n_placed && fits; k++) {
    const PlacedView *placed = &scan->seen->placed[node->first_placed + k];
    fits = placed->draining || moves(scan, placed->deployment, placed->request);
  }
  for (uint32_t k = 0; k < mark && fits; k++) {
    Taken taken = scan->bins.taken[k];
    fits = taken.bin != n || moves(scan, taken.deployment, taken.request);
  }
  if (fits) return true;
  bins_rewind(&scan->bins, mark);
  scan->bins.bin[n].closed = false;
  return false;
}

typedef enum Turn { TURN_EMPTY, TURN_UNNEEDED_BEFORE, TURN_OTHERS, TURNS } Turn;

static Turn turn_of(const NodeView *node) {
  if (node->n_placed == 0) return TURN_EMPTY;
  return memory_of(node)->unneeded ? TURN_UNNEEDED_BEFORE : TURN_OTHERS;
}

/* Which nodes are unneeded now; since when is kept of those that were so in the last look. */
static void update_unneeded(Scan *scan) {
  const NodeObservation *seen = scan->seen;
  bool *unneeded = ARENA_ARRAY(seen->scratch, bool, seen->n_nodes);
  Turn *turn = ARENA_ARRAY(seen->scratch, Turn, seen->n_nodes);
  int64_t before = 0, found = 0;
  for (uint32_t n = 0; n < seen->n_nodes; n++) {
    turn[n] = turn_of(&seen->node[n]);
    before += memory_of(&seen->node[n])->unneeded;
  }
  int64_t most = before + 2 * scan->params->max_scale_down_parallelism; /* looking for more would be in vain: planner.go, unneededNodesLimit */
  for (Turn now = TURN_EMPTY; now < TURNS; now++)
    for (uint32_t n = 0; n < seen->n_nodes && found < most; n++) {
      CaNode *memory = memory_of(&seen->node[n]);
      if (turn[n] != now || !is_candidate(scan, n) || memory->unremovable_until_ns > seen->now_ns || !is_underutilised(scan, &seen->node[n])) continue;
      unneeded[n] = could_go(scan, n);
      found += unneeded[n];
      if (!unneeded[n]) memory->unremovable_until_ns = seen->now_ns + scan->params->unremovable_node_recheck_timeout_ns;
    }
  for (uint32_t n = 0; n < seen->n_nodes; n++) {
    CaNode *memory = memory_of(&seen->node[n]);
    if (unneeded[n] && !memory->unneeded) memory->unneeded_since_ns = seen->now_ns;
    memory->unneeded = unneeded[n];
  }
}

static bool cools_down(const Scan *scan) {
  const CaState *state = scan->state;
  int64_t now_ns = scan->seen->now_ns;
  return state->last_added_ns + scan->params->scale_down_delay_after_add_ns > now_ns ||
         state->last_deleted_ns + scan->params->scale_down_delay_after_delete_ns > now_ns ||
         state->last_failed_ns + scan->params->scale_down_delay_after_failure_ns > now_ns;
}

/* Empty nodes first, so that drains under way hold up no more of them than they must. */
static void remove_unneeded(Scan *scan) {
  const NodeObservation *seen = scan->seen;
  int64_t in_progress = 0;
  for (uint32_t n = 0; n < seen->n_nodes; n++) in_progress += seen->node[n].draining;
  int64_t may = scan->params->max_scale_down_parallelism - in_progress, may_drain = scan->params->max_drain_parallelism - in_progress;
  for (int drains = 0; drains < 2; drains++)
    for (uint32_t n = 0; n < seen->n_nodes && may > 0; n++) {
      const NodeView *node = &seen->node[n];
      CaNode *memory = memory_of(node);
      bool long_enough = memory->unneeded && memory->unneeded_since_ns + scan->params->scale_down_unneeded_time_ns < seen->now_ns;
      if (!long_enough || (node->n_placed > 0) != (drains == 1) || (drains && may_drain <= 0) || !is_candidate(scan, n)) continue;
      scan->decision->action[n] = drains ? NODE_DRAIN : NODE_RELEASE;
      memory->drain_wished = drains;
      memory->unneeded = false;
      scan->deleting[node->pool]++;
      scan->state->last_deleted_ns = seen->now_ns;
      may--;
      may_drain -= drains;
    }
}

/* A drain that was wished and did not begin has failed. */
static void notice_failures(Scan *scan) {
  for (uint32_t n = 0; n < scan->seen->n_nodes; n++) {
    CaNode *memory = memory_of(&scan->seen->node[n]);
    if (memory->drain_wished && !scan->seen->node[n].draining) scan->state->last_failed_ns = scan->seen->now_ns;
    memory->drain_wished = false;
  }
}

static void decide(const void *params, void *memory, const NodeObservation *seen, NodeDecision *decision) {
  Scan scan = {.params = params, .state = memory, .seen = seen, .decision = decision, .bins = bins_of_nodes(seen)};
  if (!scan.state->begun) { /* as if the last of everything had been an hour ago: core/static_autoscaler.go */
    scan.state->begun = true;
    scan.state->last_added_ns = scan.state->last_deleted_ns = scan.state->last_failed_ns = seen->now_ns - 3600 * NS_PER_S;
  }
  scan.size = ARENA_ARRAY(seen->scratch, int64_t, seen->n_pools);
  scan.deleting = ARENA_ARRAY(seen->scratch, int64_t, seen->n_pools);
  for (uint32_t p = 0; p < seen->n_pools; p++) {
    const PoolView *pool = &seen->pool[p];
    scan.size[p] = pool->nodes_ready + pool->nodes_starting;
    scan.deleting[p] = pool->nodes_draining;
  }
  notice_failures(&scan);
  give_back_late_nodes(&scan);
  if (scale_up(&scan) || !scan.params->scale_down_enabled) return;
  update_unneeded(&scan);
  if (!cools_down(&scan)) remove_unneeded(&scan);
}

/* A tier that names no pool at all. */
static const char *unknown_pool(const void *params, const char *const *pool, size_t n) {
  const List *tiers = &((const CaParams *)params)->priorities;
  for (size_t t = 0; t < tiers->count; t++) {
    const List *names = &LIST_AT(*tiers, const PriorityTier, t)->pools;
    for (size_t j = 0; j < names->count; j++) {
      bool known = false;
      for (size_t p = 0; p < n && !known; p++) known = priority_names(LIST_AT(*names, const PriorityPool, j)->name, pool[p]);
      if (!known) return LIST_AT(*names, const PriorityPool, j)->name;
    }
  }
  return NULL;
}

static int64_t period_ns(const void *params) { return ((const CaParams *)params)->scan_interval_ns; }

extern const NodePolicy node_policy_cluster_autoscaler;
const NodePolicy node_policy_cluster_autoscaler = {
    .model = {.kind = MODEL_NODE_POLICY,
              .name = "cluster-autoscaler",
              .alias = "cluster_autoscaler",
              .summary = "the Kubernetes Cluster Autoscaler: expanders, unneeded nodes, drains",
              .rule = "Every scan-interval: replicas that fit on no node, there or on its way, are packed (first fit, largest first) onto new nodes of\n"
                      "each pool below its maximum and not backing off; the expander chain chooses one pool, chance decides among equals.\n"
                      "In looks that add nothing: a node is unneeded while its utilisation is below the threshold and its replicas fit on other\n"
                      "nodes; unneeded for longer than scale-down-unneeded-time, with the pool above its minimum and outside the delays after\n"
                      "add, delete and failure, empty ones are released in bulk and one with replicas is drained.\n"
                      "A node not ready after max-node-provision-time is given back and its pool backs off (5 min, doubling to 30 min).",
              .evidence = "9 upstream cases (expander/waste, simulator/utilization) and 16 by hand in make vectors; 21 hand-computed runs in tests/unit/test_cluster_autoscaler.c",
              .params = &ca_type},
    .reads_replicas = true,
    .state_bytes = sizeof(CaState),
    .node_state_bytes = sizeof(CaNode),
    .pool_state_bytes = sizeof(CaPool),
    .period_ns = period_ns,
    .unknown_pool = unknown_pool,
    .decide = decide,
};
