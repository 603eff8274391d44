/* `karpenter`: provisioning in batches (the cheapest instance type that takes what waits) and disruption (emptiness, multi-node and single-node
 * consolidation with a second look 15 s later, budgets, expiration). Read at kubernetes-sigs/karpenter: disruption/{controller,consolidation,
 * multinodeconsolidation,singlenodeconsolidation,emptiness,validation,helpers,orchestration/queue}.go, provisioning/batcher.go. Not modelled:
 * spot (a pool is one offering), drift, disruption costs and PodDisruptionBudgets of pods, the Balanced policy, minValues, schedules of budgets.
 * A pool's minimum of nodes, which Karpenter does not know, is kept: its last nodes are no candidates. */
#include "models/node/karpenter.h"

#include "models/node/claims.h"
#include "sim/base/text.h"
#include "sim/core/time.h"

#define POLLING_NS (10 * NS_PER_S)        /* pollingPeriod */
#define VALIDATION_NS (15 * NS_PER_S)     /* consolidationTTL */
#define RETRIGGER_NS (10 * NS_PER_S)      /* pods that still wait ask for another batch */
#define COMMAND_NS (600 * NS_PER_S)       /* maxRetryDuration of the orchestration queue: a replacement not ready by then is given up */
enum { CANDIDATES_MOST = 100, COMMANDS_MOST = 64 };

/* Nodes that are cordoned and wait for their replacement. */
typedef struct Command {
  int64_t id, since_ns; /* id 0: unused */
  uint32_t pool;
  bool found; /* its replacement is known */
} Command;

typedef enum Method { METHOD_NONE, METHOD_EMPTY, METHOD_MULTI, METHOD_SINGLE } Method;

typedef struct KarpenterState {
  bool batching;
  int64_t first_ns, last_ns, newest_ns, solved_ns; /* of the batch; the newest replica that asked; the last batch */
  bool solved, any;
  Method method; /* being validated */
  int64_t validate_ns, next_poll_ns, last_id;
  uint32_t replacement; /* pool; BIN_NONE */
  Command command[COMMANDS_MOST];
} KarpenterState;

typedef struct KarpenterNode {
  bool chosen;        /* to be validated */
  int64_t command;    /* cordoned for this command */
  int64_t stands_for; /* it is the replacement of this command */
} KarpenterNode;

typedef struct Karpenter {
  const KarpenterParams *params;
  KarpenterState *state;
  const NodeObservation *seen;
  NodeDecision *decision;
  Group *group;
  const NodePoolSpec **spec; /* [n_groups]; NULL: all defaults */
  uint32_t n_groups;
  uint32_t *owner;     /* [n_pools]: group; BIN_NONE */
  int64_t *available;  /* [n_pools]: nodes that may still be bought */
  bool *leaving;       /* [n_nodes]: draining, released, or waiting for a replacement */
} Karpenter;

static KarpenterNode *memory_of(const NodeView *node) { return node->state; }

/* ---- NodePools ---- */

static const NodePoolSpec *spec_of(const Karpenter *k, uint32_t g) { return k->spec[g]; }
static bool only_empty(const Karpenter *k, uint32_t g) { return spec_of(k, g) && spec_of(k, g)->disruption.consolidationPolicy == CONSOLIDATE_EMPTY; }
static int64_t consolidate_after_ns(const Karpenter *k, uint32_t g) { return spec_of(k, g) ? spec_of(k, g)->disruption.consolidateAfter_ns : 0; }
static int64_t expire_after_ns(const Karpenter *k, uint32_t g) { return spec_of(k, g) ? spec_of(k, g)->expireAfter_ns : 720 * 3600 * NS_PER_S; }

static bool lists_pool(const NodePoolSpec *spec, const char *name) {
  if (!spec || !spec->pools.count) return true;
  for (size_t j = 0; j < spec->pools.count; j++)
    if (text_equal(LIST_AT(spec->pools, const Requirement, j)->name, name)) return true;
  return false;
}

static int64_t limit_left(int64_t limit, int64_t used) { return limit ? limit - used : INT64_MAX; }

/* What a NodePool may still buy: its limits less all its nodes that are not leaving. */
static void group_limits(Karpenter *k, uint32_t g) {
  const NodeObservation *seen = k->seen;
  Resources used = {0, 0, 0};
  int64_t nodes = 0;
  for (uint32_t n = 0; n < seen->n_nodes; n++) {
    if (k->owner[seen->node[n].pool] != g || k->leaving[n]) continue;
    used = resources_add(used, seen->pool[seen->node[n].pool].capacity);
    nodes++;
  }
  static const LimitsSpec none;
  const LimitsSpec *limits = spec_of(k, g) ? &spec_of(k, g)->limits : &none;
  k->group[g].left = (Resources){limit_left(limits->cpu_millicores, used.millicores), limit_left(limits->memory_bytes, used.bytes),
                                 limit_left(limits->gpu_milligpus, used.milligpus)};
  k->group[g].nodes_left = limit_left(limits->nodes, nodes);
}

/* NodePools by falling weight; a pool of the cluster belongs to the first that lists it. */
static void groups_begin(Karpenter *k) {
  const NodeObservation *seen = k->seen;
  const List *pools = &k->params->nodePools;
  k->n_groups = pools->count ? (uint32_t)pools->count : 1;
  k->group = ARENA_ARRAY(seen->scratch, Group, k->n_groups);
  k->spec = ARENA_ARRAY(seen->scratch, const NodePoolSpec *, k->n_groups);
  uint32_t *order = ARENA_ARRAY(seen->scratch, uint32_t, k->n_groups);
  double *weight = ARENA_ARRAY(seen->scratch, double, k->n_groups);
  for (uint32_t g = 0; pools->count && g < k->n_groups; g++) {
    order[g] = g;
    weight[g] = (double)LIST_AT(*pools, const NodePoolSpec, g)->weight;
  }
  sort_falling(order, weight, k->n_groups, seen->scratch);
  for (uint32_t g = 0; g < k->n_groups; g++) {
    bool *has = ARENA_ARRAY(seen->scratch, bool, seen->n_pools);
    k->spec[g] = pools->count ? LIST_AT(*pools, const NodePoolSpec, order[g]) : NULL;
    for (uint32_t p = 0; p < seen->n_pools; p++) has[p] = lists_pool(k->spec[g], seen->pool[p].name);
    k->group[g].has = has;
  }
  for (uint32_t p = 0; p < seen->n_pools; p++) {
    k->owner[p] = BIN_NONE;
    for (uint32_t g = k->n_groups; g-- > 0;)
      if (k->group[g].has[p]) k->owner[p] = g;
  }
}

/* ---- what is to be placed ---- */

/* What waits, and what runs on nodes that are to leave when their replacement is there: the replacement has room for these. */
static Pod *pods_waiting(const Karpenter *k, uint32_t room, uint32_t *n) {
  const NodeObservation *seen = k->seen;
  Pod *pod = ARENA_ARRAY(seen->scratch, Pod, (size_t)seen->n_pending + seen->n_placed + room);
  *n = 0;
  for (uint32_t j = 0; j < seen->n_pending; j++) pod[(*n)++] = (Pod){seen->pending[j].deployment, seen->pending[j].request, false};
  for (uint32_t j = 0; j < seen->n_nodes; j++)
    for (uint32_t r = 0; memory_of(&seen->node[j])->command && !seen->node[j].draining && r < seen->node[j].n_placed; r++) {
      const PlacedView *placed = &seen->placed[seen->node[j].first_placed + r];
      if (!placed->draining) pod[(*n)++] = (Pod){placed->deployment, placed->request, false};
    }
  return pod;
}

static Plan plan_new(const Karpenter *k, Bins *bins) { return (Plan){.bins = bins, .group = k->group, .n_groups = k->n_groups}; }

/* Buys a node for each claim; the cluster may have none left of any type that would do. */
static void provision(Karpenter *k) {
  Bins bins = bins_of_nodes(k->seen);
  Plan plan = plan_new(k, &bins);
  uint32_t n;
  const Pod *pod = pods_waiting(k, 0, &n);
  plan_pods(&plan, pod, n);
  for (uint32_t c = 0; c < plan.n_claims; c++) {
    uint32_t p = claim_cheapest(&plan, &plan.claim[c], (__int128)1 << 100, k->available);
    if (p == BIN_NONE) continue;
    k->decision->order[p]++;
    k->available[p]--;
  }
}

static void look_again(Karpenter *k, int64_t at_ns) {
  if (at_ns > k->seen->now_ns && at_ns < k->decision->look_again_ns) k->decision->look_again_ns = at_ns;
}

/* A batch begins with a replica that waits; it is over when none came for a while, or it lasts too long. */
static void batch(Karpenter *k) {
  KarpenterState *state = k->state;
  int64_t now_ns = k->seen->now_ns, newest_ns = -1;
  if (!k->seen->n_pending) {
    state->batching = false;
    return;
  }
  for (uint32_t j = 0; j < k->seen->n_pending; j++)
    if (k->seen->pending[j].since_ns > newest_ns) newest_ns = k->seen->pending[j].since_ns;
  bool fresh = !state->any || newest_ns > state->newest_ns;
  if (!state->batching && (fresh || !state->solved || now_ns >= state->solved_ns + RETRIGGER_NS)) {
    state->batching = true;
    state->first_ns = state->last_ns = now_ns;
  } else if (state->batching && fresh) {
    state->last_ns = now_ns;
  }
  state->any = true;
  state->newest_ns = newest_ns;
  int64_t end_ns = state->last_ns + k->params->batch_idle_duration_ns;
  if (end_ns > state->first_ns + k->params->batch_max_duration_ns) end_ns = state->first_ns + k->params->batch_max_duration_ns;
  if (state->batching && now_ns >= end_ns) {
    provision(k);
    state->batching = false;
    state->solved = true;
    state->solved_ns = now_ns;
  }
  look_again(k, state->batching ? end_ns : state->solved_ns + RETRIGGER_NS);
}

/* ---- candidates and budgets ---- */

static bool is_candidate(const Karpenter *k, uint32_t n, bool empty) {
  const NodeView *node = &k->seen->node[n];
  uint32_t g = k->owner[node->pool];
  if (g == BIN_NONE || node->phase != NODE_PHASE_READY || k->leaving[n] || node->cordoned || memory_of(node)->stands_for) return false;
  if ((node->n_placed == 0) != empty || (!empty && (only_empty(k, g) || node_must_stay(k->seen, node)))) return false;
  return k->seen->now_ns - node->changed_ns >= consolidate_after_ns(k, g);
}

/* How many nodes of each NodePool may be disrupted now for a reason, those already being disrupted taken off. */
static int64_t *budgets(const Karpenter *k, DisruptionReason reason) {
  const NodeObservation *seen = k->seen;
  int64_t *allowed = ARENA_ARRAY(seen->scratch, int64_t, k->n_groups);
  for (uint32_t g = 0; g < k->n_groups; g++) {
    int64_t nodes = 0, disrupted = 0;
    for (uint32_t n = 0; n < seen->n_nodes; n++) {
      if (k->owner[seen->node[n].pool] != g || seen->node[n].phase != NODE_PHASE_READY) continue;
      nodes++;
      disrupted += k->leaving[n];
    }
    const List *list = spec_of(k, g) ? &spec_of(k, g)->disruption.budgets : NULL;
    allowed[g] = list && list->count ? INT64_MAX : budget_allows("10%", nodes);
    for (size_t b = 0; list && b < list->count; b++) {
      const BudgetSpec *budget = LIST_AT(*list, const BudgetSpec, b);
      bool counts = budget->reasons.count == 0;
      for (size_t r = 0; r < budget->reasons.count; r++) counts |= LIST_AT(budget->reasons, const ReasonName, r)->reason == (int)reason;
      int64_t may = budget_allows(budget->nodes, nodes);
      if (counts && may < allowed[g]) allowed[g] = may;
    }
    allowed[g] = allowed[g] > disrupted ? allowed[g] - disrupted : 0;
  }
  return allowed;
}

/* Nodes of each pool above its minimum. */
static int64_t *spare_nodes(const Karpenter *k) {
  int64_t *spare = ARENA_ARRAY(k->seen->scratch, int64_t, k->seen->n_pools);
  for (uint32_t p = 0; p < k->seen->n_pools; p++) spare[p] = -k->seen->pool[p].min_nodes;
  for (uint32_t n = 0; n < k->seen->n_nodes; n++) spare[k->seen->node[n].pool] += k->seen->node[n].phase == NODE_PHASE_READY && !k->leaving[n];
  return spare;
}

/* Candidates within the budgets, the dearest for each replica that must move first. */
static uint32_t *candidates(const Karpenter *k, bool empty, uint32_t *count) {
  const NodeObservation *seen = k->seen;
  uint32_t *list = ARENA_ARRAY(seen->scratch, uint32_t, seen->n_nodes);
  double *saving = ARENA_ARRAY(seen->scratch, double, seen->n_nodes);
  uint32_t n_list = 0;
  for (uint32_t n = 0; n < seen->n_nodes; n++) {
    const NodeView *node = &seen->node[n];
    saving[n] = (double)seen->pool[node->pool].nano_usd_per_h / (node->n_placed ? (double)node->n_placed : 1);
    if (is_candidate(k, n, empty)) list[n_list++] = n;
  }
  sort_falling(list, saving, n_list, seen->scratch);
  int64_t *allowed = budgets(k, empty ? REASON_EMPTY : REASON_UNDERUTILIZED), *spare = spare_nodes(k);
  *count = 0;
  for (uint32_t j = 0; j < n_list; j++) {
    uint32_t p = seen->node[list[j]].pool;
    if (allowed[k->owner[p]] <= 0 || spare[p] <= 0) continue;
    allowed[k->owner[p]]--;
    spare[p]--;
    list[(*count)++] = list[j];
  }
  return list;
}

/* ---- consolidation ---- */

/* What removing some nodes would come to. */
typedef enum Outcome { OUTCOME_NOTHING, OUTCOME_DELETE, OUTCOME_REPLACE } Outcome;
typedef struct Consolidation {
  Outcome outcome;
  uint32_t pool;   /* of the replacement: the cheapest */
  __int128 below;  /* only types cheaper than this count */
} Consolidation;

/* A replacement of the type of a removed node, or a dearer one, would be no better than keeping that node. */
static __int128 below_same_type(const Karpenter *k, const Plan *plan, const uint32_t *node, uint32_t n, __int128 below) {
  const NodeObservation *seen = k->seen;
  for (uint32_t j = 0; j < n; j++) {
    uint32_t p = seen->node[node[j]].pool;
    __int128 own = seen->pool[p].nano_usd_per_h;
    if (plan->claim[0].may[p] && own < below) below = own;
  }
  return below;
}

/* Simulates the nodes away. The replacement must be one node, cheaper than all of them together. expected: the pool that it must be able to
 * be; BIN_NONE: any. */
static Consolidation consolidate(const Karpenter *k, const uint32_t *node, uint32_t n, uint32_t expected) {
  const NodeObservation *seen = k->seen;
  Consolidation nothing = {OUTCOME_NOTHING, BIN_NONE, 0};
  Bins bins = bins_of_nodes(seen);
  Plan plan = plan_new(k, &bins);
  uint32_t n_pods, room = 0;
  for (uint32_t j = 0; j < n; j++) room += seen->node[node[j]].n_placed;
  Pod *pod = pods_waiting(k, room, &n_pods);
  __int128 price = 0;
  for (uint32_t j = 0; j < n; j++) {
    const NodeView *view = &seen->node[node[j]];
    bins.bin[node[j]].closed = true;
    price += seen->pool[view->pool].nano_usd_per_h;
    for (uint32_t r = 0; r < view->n_placed; r++) {
      const PlacedView *placed = &seen->placed[view->first_placed + r];
      if (!placed->draining) pod[n_pods++] = (Pod){placed->deployment, placed->request, true};
    }
  }
  plan_pods(&plan, pod, n_pods);
  if (plan.must_failed || plan.n_claims > 1) return nothing;
  if (plan.n_claims == 0) return (Consolidation){OUTCOME_DELETE, BIN_NONE, 0};
  __int128 below = n > 1 ? below_same_type(k, &plan, node, n, price) : price;
  uint32_t cheapest = claim_cheapest(&plan, &plan.claim[0], below, k->available);
  if (cheapest == BIN_NONE) return nothing;
  if (expected != BIN_NONE && (!plan.claim[0].may[expected] || k->available[expected] <= 0)) return nothing;
  return (Consolidation){OUTCOME_REPLACE, expected != BIN_NONE ? expected : cheapest, below};
}

static void choose(Karpenter *k, Method method, const uint32_t *node, uint32_t n, uint32_t replacement) {
  k->state->method = method;
  k->state->validate_ns = k->seen->now_ns + VALIDATION_NS;
  k->state->replacement = replacement;
  for (uint32_t j = 0; j < n; j++) memory_of(&k->seen->node[node[j]])->chosen = true;
}

static bool command_free(const KarpenterState *state) {
  for (int c = 0; c < COMMANDS_MOST; c++)
    if (!state->command[c].id) return true;
  return false;
}

/* The longest run of candidates, two at least, that can go together: by halving, as upstream does, though longer runs may fail where still
 * longer ones would not. */
static bool multi_node(Karpenter *k, const uint32_t *node, uint32_t n) {
  if (n < 2) return false;
  uint32_t low = 1, high = n <= CANDIDATES_MOST ? n - 1 : CANDIDATES_MOST, best = 0;
  Consolidation found = {OUTCOME_NOTHING, BIN_NONE, 0};
  while (low <= high) {
    uint32_t middle = (low + high) / 2;
    Consolidation one = consolidate(k, node, middle + 1, BIN_NONE);
    if (one.outcome == OUTCOME_NOTHING) {
      high = middle - 1;
      continue;
    }
    found = one;
    best = middle + 1;
    low = middle + 1;
  }
  if (best) choose(k, METHOD_MULTI, node, best, found.pool);
  return best > 0;
}

static bool single_node(Karpenter *k, const uint32_t *node, uint32_t n) {
  for (uint32_t j = 0; j < n; j++) {
    Consolidation one = consolidate(k, &node[j], 1, BIN_NONE);
    if (one.outcome == OUTCOME_NOTHING) continue;
    choose(k, METHOD_SINGLE, &node[j], 1, one.pool);
    return true;
  }
  return false;
}

/* The first method that finds something ends the round. */
static void poll(Karpenter *k) {
  uint32_t n;
  const uint32_t *empty = candidates(k, true, &n);
  k->state->next_poll_ns = k->seen->now_ns + POLLING_NS;
  if (n) {
    choose(k, METHOD_EMPTY, empty, n, BIN_NONE);
    return;
  }
  if (!command_free(k->state)) return;
  const uint32_t *full = candidates(k, false, &n);
  if (!multi_node(k, full, n)) (void)single_node(k, full, n);
}

/* ---- carrying out ---- */

static void act(Karpenter *k, uint32_t n, NodeAction action) {
  k->decision->action[n] = action;
  k->leaving[n] = true;
}

static void execute(Karpenter *k, const uint32_t *node, uint32_t n, const Consolidation *plan) {
  KarpenterState *state = k->state;
  if (plan->outcome != OUTCOME_REPLACE) {
    for (uint32_t j = 0; j < n; j++) act(k, node[j], k->seen->node[node[j]].n_placed ? NODE_DRAIN : NODE_RELEASE);
    return;
  }
  Command *command = state->command;
  while (command->id) command++;
  *command = (Command){++state->last_id, k->seen->now_ns, plan->pool, false};
  k->decision->order[plan->pool]++;
  k->available[plan->pool]--;
  for (uint32_t j = 0; j < n; j++) {
    memory_of(&k->seen->node[node[j]])->command = command->id;
    act(k, node[j], NODE_CORDON);
  }
}

/* Chosen nodes that are candidates still; they are chosen no longer. */
static uint32_t *still_candidates(const Karpenter *k, bool empty, uint32_t *n, uint32_t *n_chosen) {
  const NodeObservation *seen = k->seen;
  uint32_t count, *list = candidates(k, empty, &count), kept = 0;
  *n_chosen = 0;
  for (uint32_t j = 0; j < count; j++)
    if (memory_of(&seen->node[list[j]])->chosen) list[kept++] = list[j];
  for (uint32_t j = 0; j < seen->n_nodes; j++) {
    *n_chosen += memory_of(&seen->node[j])->chosen;
    memory_of(&seen->node[j])->chosen = false;
  }
  *n = kept;
  return list;
}

/* The second look: the same must come out again. Of empty nodes those that still are so go. True if something was done. */
static bool validate(Karpenter *k) {
  uint32_t n, n_chosen;
  Method method = k->state->method;
  uint32_t *node = still_candidates(k, method == METHOD_EMPTY, &n, &n_chosen);
  k->state->method = METHOD_NONE;
  Consolidation again = {OUTCOME_DELETE, BIN_NONE, 0};
  if (n == 0 || (method != METHOD_EMPTY && n != n_chosen)) return false;
  if (method != METHOD_EMPTY) again = consolidate(k, node, n, k->state->replacement);
  if (again.outcome == OUTCOME_NOTHING || (again.outcome == OUTCOME_REPLACE) != (k->state->replacement != BIN_NONE)) return false;
  execute(k, node, n, &again);
  return true;
}

/* Which node is a command's replacement: one of its pool, ordered when the command was given, that stands for no other. */
static const NodeView *replacement_of(const Karpenter *k, Command *command) {
  for (uint32_t n = k->seen->n_nodes; n-- > 0;) {
    const NodeView *node = &k->seen->node[n];
    if (memory_of(node)->stands_for == command->id) return node;
    if (command->found || node->pool != command->pool || node->ordered_ns != command->since_ns || memory_of(node)->stands_for) continue;
    command->found = true;
    memory_of(node)->stands_for = command->id;
    return node;
  }
  return NULL;
}

/* Cordoned nodes go when their replacement is ready, and stay after all if it does not come. */
static void commands(Karpenter *k) {
  const NodeObservation *seen = k->seen;
  for (int c = 0; c < COMMANDS_MOST; c++) {
    Command *command = &k->state->command[c];
    if (!command->id || command->since_ns == seen->now_ns) continue;
    const NodeView *node = replacement_of(k, command);
    bool ready = node && node->phase == NODE_PHASE_READY;
    if (!ready && node && seen->now_ns - command->since_ns < COMMAND_NS) continue;
    for (uint32_t n = 0; n < seen->n_nodes; n++) {
      KarpenterNode *memory = memory_of(&seen->node[n]);
      if (memory->command != command->id) continue;
      memory->command = 0;
      if (ready) act(k, n, NODE_DRAIN);
      else k->decision->action[n] = NODE_UNCORDON;
    }
    if (node) memory_of(node)->stands_for = 0;
    command->id = 0;
  }
}

/* Forceful: budgets do not count, and nothing is bought beforehand. */
static void expire(Karpenter *k) {
  const NodeObservation *seen = k->seen;
  int64_t *spare = spare_nodes(k);
  for (uint32_t n = 0; n < seen->n_nodes; n++) {
    const NodeView *node = &seen->node[n];
    uint32_t g = k->owner[node->pool];
    if (g == BIN_NONE || node->phase != NODE_PHASE_READY || k->leaving[n] || spare[node->pool] <= 0) continue;
    if (seen->now_ns - node->ordered_ns < expire_after_ns(k, g)) continue;
    spare[node->pool]--;
    act(k, n, node->n_placed ? NODE_DRAIN : NODE_RELEASE);
  }
}

static void decide(const void *params, void *memory, const NodeObservation *seen, NodeDecision *decision) {
  Karpenter k = {.params = params, .state = memory, .seen = seen, .decision = decision};
  k.owner = ARENA_ARRAY(seen->scratch, uint32_t, seen->n_pools);
  k.available = ARENA_ARRAY(seen->scratch, int64_t, seen->n_pools);
  k.leaving = ARENA_ARRAY(seen->scratch, bool, seen->n_nodes);
  for (uint32_t p = 0; p < seen->n_pools; p++) k.available[p] = seen->pool[p].max_nodes - seen->pool[p].nodes_ready - seen->pool[p].nodes_starting;
  groups_begin(&k);
  for (uint32_t n = 0; n < seen->n_nodes; n++) k.leaving[n] = seen->node[n].draining || memory_of(&seen->node[n])->command != 0;
  for (uint32_t g = 0; g < k.n_groups; g++) group_limits(&k, g);
  commands(&k);
  if (seen->tick) expire(&k);
  batch(&k);
  bool validating = k.state->method != METHOD_NONE;
  if (validating && seen->now_ns >= k.state->validate_ns) {
    if (validate(&k)) k.state->next_poll_ns = seen->now_ns; /* what was done shows in the next look */
    else k.state->next_poll_ns = seen->now_ns + POLLING_NS;
  } else if (!validating && seen->tick && seen->now_ns >= k.state->next_poll_ns) {
    poll(&k);
  }
  if (k.state->method != METHOD_NONE) look_again(&k, k.state->validate_ns);
  else look_again(&k, k.state->next_poll_ns > seen->now_ns ? k.state->next_poll_ns : seen->now_ns + NS_PER_S);
}

static bool among(const char *name, const char *const *pool, size_t n) {
  for (size_t p = 0; p < n; p++)
    if (text_equal(name, pool[p])) return true;
  return false;
}

static const char *unknown_pool(const void *params, const char *const *pool, size_t n) {
  const List *specs = &((const KarpenterParams *)params)->nodePools;
  for (size_t g = 0; g < specs->count; g++) {
    const List *names = &LIST_AT(*specs, const NodePoolSpec, g)->pools;
    for (size_t j = 0; j < names->count; j++)
      if (!among(LIST_AT(*names, const Requirement, j)->name, pool, n)) return LIST_AT(*names, const Requirement, j)->name;
  }
  return NULL;
}

static int64_t period_ns(const void *params) {
  (void)params;
  return POLLING_NS;
}

extern const NodePolicy node_policy_karpenter;
const NodePolicy node_policy_karpenter = {
    .model = {.kind = MODEL_NODE_POLICY,
              .name = "karpenter",
              .summary = "Karpenter: the cheapest nodes for what waits, consolidation",
              .rule = "Replicas that wait are gathered (until none came for 1 s, at most 10 s) and planned, largest first: on nodes there or on their\n"
                      "way, else on claims, which keep every instance type (pool) that takes all their replicas; the cheapest is bought.\n"
                      "Every 10 s the first of these that finds something: empty nodes; several nodes whose replicas fit on the others, with at\n"
                      "most one new node that is cheaper than they are; one such node. Candidates: nothing came or went for consolidateAfter, the\n"
                      "dearest for each replica first, within the budgets (rounded up). 15 s later the same must come out again. With a\n"
                      "replacement the nodes are cordoned until it is ready, then drained. Nodes older than expireAfter are drained.",
              .evidence = "read at kubernetes-sigs/karpenter 2025-2026; 20 hand-computed runs in tests/unit/test_karpenter.c, whole runs in tests/engine/test_nodes.c",
              .params = &karpenter_type},
    .wakes = NODE_WAKE_PENDING | NODE_WAKE_READY,
    .reads_replicas = true,
    .state_bytes = sizeof(KarpenterState),
    .node_state_bytes = sizeof(KarpenterNode),
    .period_ns = period_ns,
    .unknown_pool = unknown_pool,
    .decide = decide,
};
