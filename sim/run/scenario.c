/* What crosses the structs of a scenario: names that refer to each other, machines of the catalogue, capacities, initial nodes. Fills the
 * resolved part of a decoded Scenario; afterwards it is constant. */
#include "sim/run/scenario.h"

#include <stdlib.h>

#include "sim/base/hash.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/run/scenario_graph.h"

/* route_probability is a square of doubles; this keeps it at 32 MB. */
enum { DEPLOYMENTS_MOST = 2000 };

/* ---- entities ---- */

typedef struct NameHash {
  uint32_t hash;
  const char *name;
} NameHash;

static int compare_hashes(const void *a, const void *b) {
  uint32_t x = ((const NameHash *)a)->hash, y = ((const NameHash *)b)->hash;
  return (x > y) - (x < y);
}

/* Random streams are addressed by the hash of a name: two names with one hash would draw the same numbers. */
static bool entities_check(const char *list, NameHash *names, size_t n, Arena *arena, Err *err) {
  bool good = true;
  qsort(names, n, sizeof *names, compare_hashes);
  for (size_t k = 1; k < n; k++)
    if (names[k].hash == names[k - 1].hash)
      good = err_at(err, named_path(arena, list, names[k].name, ""),
                    "the names `%.60s` and `%.60s` have the same 32-bit hash, which addresses random numbers; rename one", names[k - 1].name,
                    names[k].name);
  return good;
}

static bool entities_resolve(Scenario *scenario, Arena *arena, Err *err) {
  size_t n_pools = scenario->cluster.pools.count, n = scenario->deployments.count;
  NameHash *names = ARENA_ARRAY(arena, NameHash, n > n_pools ? n : n_pools);
  for (size_t p = 0; p < n_pools; p++) names[p] = (NameHash){scenario->pool[p].entity, scenario->pool[p].name};
  bool good = entities_check("cluster.pools", names, n_pools, arena, err);
  for (size_t d = 0; d < n; d++) {
    const char *name = scenario_deployment(scenario, d)->name;
    scenario->deployment_entity[d] = hash_name(name);
    names[d] = (NameHash){scenario->deployment_entity[d], name};
  }
  return entities_check("deployments", names, n, arena, err) && good;
}

/* ---- pools ---- */

static int64_t given_or(int64_t given, int64_t otherwise) { return given != 0 ? given : otherwise; }

/* The catalogue's figures where the scenario gives none. Allocatable follows a figure that the scenario changes. */
static MachineSpec machine_merge(const MachineSpec *own, const MachineSpec *listed) {
  MachineSpec m = *own;
  if (listed) {
    if (own->cpu_millicores == 0) m.allocatable_cpu_millicores = given_or(own->allocatable_cpu_millicores, listed->allocatable_cpu_millicores);
    if (own->memory_bytes == 0) m.allocatable_memory_bytes = given_or(own->allocatable_memory_bytes, listed->allocatable_memory_bytes);
    m.cpu_millicores = given_or(own->cpu_millicores, listed->cpu_millicores);
    m.memory_bytes = given_or(own->memory_bytes, listed->memory_bytes);
    m.gpu_milligpus = given_or(own->gpu_milligpus, listed->gpu_milligpus);
    m.price_nano_usd_per_h = given_or(own->price_nano_usd_per_h, listed->price_nano_usd_per_h);
    if (!(own->idle_watts > 0) && !(own->busy_watts > 0)) m.idle_watts = listed->idle_watts, m.busy_watts = listed->busy_watts;
  }
  m.allocatable_cpu_millicores = given_or(m.allocatable_cpu_millicores, m.cpu_millicores);
  m.allocatable_memory_bytes = given_or(m.allocatable_memory_bytes, m.memory_bytes);
  return m;
}

static const MachineSpec *catalogue_find(const Catalogue *catalogue, const char *name) {
  for (size_t k = 0; name && k < catalogue->count; k++)
    if (text_equal(catalogue->name[k], name)) return &catalogue->machine[k];
  return NULL;
}

static bool machine_resolve(MachineType *type, const PoolSpec *pool, const Catalogue *catalogue, Arena *arena, Err *err) {
  const MachineSpec *own = &pool->machine, *listed = catalogue_find(catalogue, own->name);
  const char *path = named_path(arena, "cluster.pools", pool->name, "machine");
  bool figures = own->cpu_millicores > 0 || own->memory_bytes > 0 || own->gpu_milligpus > 0;
  if (!listed && !figures && own->name) {
    const char *hint = names_hint(own->name, catalogue->name, catalogue->count, arena);
    return err_at(err, path, "no machine `%.60s` in the catalogue%s", own->name, hint[0] ? hint : " (headroom describe catalog lists them)");
  }
  if (!listed && !figures) return err_at(err, path, "the machine needs a name of the catalogue, or its cpu, memory, gpu");
  MachineSpec m = machine_merge(own, listed);
  bool good = true;
  if (m.allocatable_cpu_millicores > m.cpu_millicores)
    good = err_at(err, arena_format(arena, "%s.allocatable_cpu", path), "more than the machine's cpu");
  if (m.allocatable_memory_bytes > m.memory_bytes)
    good = err_at(err, arena_format(arena, "%s.allocatable_memory", path), "more than the machine's memory");
  *type = (MachineType){.name = own->name ? own->name : pool->name,
                        .capacity = {m.cpu_millicores, m.memory_bytes, m.gpu_milligpus},
                        .allocatable = {m.allocatable_cpu_millicores, m.allocatable_memory_bytes, m.gpu_milligpus},
                        .nano_usd_per_h = m.price_nano_usd_per_h,
                        .speed = m.speed,
                        .idle_milliwatts = (int64_t)(m.idle_watts * 1000 + 0.5),
                        .busy_milliwatts = (int64_t)((m.busy_watts > 0 ? m.busy_watts : m.idle_watts) * 1000 + 0.5)};
  return good;
}

/* initial_nodes stays -1 where the initial replicas decide. */
static bool pools_resolve(Scenario *scenario, NodePool *pools, const Catalogue *catalogue, Arena *arena, Err *err) {
  bool good = true;
  for (size_t p = 0; p < scenario->cluster.pools.count; p++) {
    const PoolSpec *spec = LIST_AT(scenario->cluster.pools, const PoolSpec, p);
    NodePool *pool = &pools[p];
    good &= machine_resolve(&pool->machine, spec, catalogue, arena, err);
    pool->name = spec->name;
    pool->entity = hash_name(spec->name);
    pool->min_nodes = spec->nodes.min;
    pool->max_nodes = spec->nodes.max;
    pool->initial_nodes = spec->nodes.initial;
    pool->startup_ns = spec->startup_ns;
    pool->placement = (Placement)spec->placement;
    pool->minimum_charge_ns = spec->minimum_charge_ns;
    pool->granularity_ns = spec->granularity_ns;
    pool->bill_startup = spec->bill_startup;
    const PoolParts parts = {&spec->failures, &spec->spot, &spec->stockouts, &spec->backoff, &spec->slow, &spec->pulls, &spec->warm, &spec->reserved, &spec->committed};
    good &= pool_parts_resolve(pool, &parts, scenario->horizon_ns, named_path(arena, "cluster.pools", spec->name, ""), arena, err);
    const NodePool *other = pool_of_other_stock(pools, p);
    if (other) good = err_at(err, named_path(arena, "cluster.pools", spec->name, "stockouts"), "pool `%.60s` is of the same market and says something else of it", other->name);
  }
  return good;
}

/* ---- deployments ---- */

/* Probes come at delay, delay + period ...; sums stay far from the end of time. */
int64_t readiness_ns(const ReadinessSpec *readiness, int64_t load_ns) {
  const int64_t longest_ns = (int64_t)(YEARS_S * 1e9);
  if (load_ns > longest_ns) return load_ns;
  int64_t late_ns = load_ns - readiness->delay_ns, period_ns = readiness->period_ns;
  if (late_ns < 0) late_ns = 0;
  if (period_ns > 0) late_ns = late_ns / period_ns * period_ns + (late_ns % period_ns ? period_ns : 0);
  int64_t ready_ns = readiness->delay_ns > load_ns ? readiness->delay_ns : readiness->delay_ns + late_ns;
  return (ready_ns > longest_ns ? longest_ns : ready_ns) + readiness->settle_ns;
}

static bool no_such_pool(const Scenario *scenario, const char *path, const char *name, Arena *arena, Err *err) {
  size_t n = scenario->cluster.pools.count;
  const char **names = ARENA_ARRAY(arena, const char *, n);
  for (size_t p = 0; p < n; p++) names[p] = scenario->pool[p].name;
  if (!name) return err_at(err, path, "missing key `pool`%s", names_hint("", names, n, arena));
  return err_at(err, path, "no pool `%.60s`%s", name, names_hint(name, names, n, arena));
}

bool scenario_find_pools(const Scenario *scenario, const List *names, const char *path, PoolList *pools, Arena *arena, Err *err) {
  uint32_t n = (uint32_t)scenario->cluster.pools.count, count = (uint32_t)names->count;
  uint32_t *pool = ARENA_ARRAY(arena, uint32_t, count + 1);
  *pools = (PoolList){pool, count ? count : 1};
  if (!count && n == 1) return true;
  if (!count) return no_such_pool(scenario, path, NULL, arena, err);
  path = arena_format(arena, "%s%spool", path, path[0] ? "." : "");
  for (uint32_t k = 0; k < count; k++) {
    const char *name = LIST_AT(*names, const PoolName, k)->name;
    while (pool[k] < n && !text_equal(scenario->pool[pool[k]].name, name)) pool[k]++;
    if (pool[k] == n) return no_such_pool(scenario, path, name, arena, err);
    for (uint32_t j = 0; j < k; j++)
      if (pool[j] == pool[k]) return err_at(err, path, "the pool `%.60s` is listed twice", name);
  }
  return true;
}

static bool pools_of_deployment(Scenario *scenario, size_t d, Arena *arena, Err *err) {
  const DeploymentSpec *spec = scenario_deployment(scenario, d);
  return scenario_find_pools(scenario, &spec->pool, named_path(arena, "deployments", spec->name, ""), &scenario->deployment_pools[d], arena, err);
}

static bool variants_resolve(Scenario *scenario, size_t d, Arena *arena, Err *err) {
  const DeploymentSpec *spec = scenario_deployment(scenario, d);
  size_t n = spec->variants.count, initial = n - 1;
  const char **names = ARENA_ARRAY(arena, const char *, n);
  bool good = true;
  for (size_t v = 0; v < n; v++) {
    const VariantSpec *variant = deployment_variant(spec, v);
    names[v] = variant->name;
    if (variant->memory_bytes <= spec->requests.memory_bytes) continue;
    char needs[48], has[48];
    format_bytes(needs, variant->memory_bytes);
    format_bytes(has, spec->requests.memory_bytes);
    const char *path = named_path(arena, named_path(arena, "deployments", spec->name, "variants"), variant->name, "memory");
    good = err_at(err, path, "the model takes %s, the memory request is %s", needs, has);
  }
  if (spec->variant) {
    for (initial = 0; initial < n && !text_equal(names[initial], spec->variant); initial++) continue;
    if (initial == n)
      good = err_at(err, named_path(arena, "deployments", spec->name, "variant"), "no variant `%.60s`%s", spec->variant,
                    names_hint(spec->variant, names, n, arena));
  }
  scenario->initial_variant[d] = (int)initial;
  return good;
}

static Resources request_of(const DeploymentSpec *spec) {
  return (Resources){spec->requests.cpu_millicores, spec->requests.memory_bytes, spec->requests.gpu_milligpus};
}

static const char *resources_text(Resources r, Arena *arena) {
  char cpu[48], memory[48], gpu[48];
  format_milli(cpu, r.millicores);
  format_bytes(memory, r.bytes);
  format_milli(gpu, r.milligpus);
  return arena_format(arena, "cpu %s, memory %s, gpu %s", cpu, memory, gpu);
}

/* One of its pools must have machines large enough. */
static bool fit_check(const Scenario *scenario, size_t d, Arena *arena, Err *err) {
  const DeploymentSpec *spec = scenario_deployment(scenario, d);
  const PoolList *pools = &scenario->deployment_pools[d];
  Resources request = request_of(spec);
  for (uint32_t k = 0; k < pools->count; k++)
    if (resources_fit(request, scenario->pool[pools->pool[k]].machine.allocatable)) return true;
  const NodePool *pool = &scenario->pool[pools->pool[0]];
  return err_at(err, named_path(arena, "deployments", spec->name, "requests"),
                "a replica asks for %s, but a node of pool `%.60s` (%.60s) has %s for replicas%s", resources_text(request, arena), pool->name,
                pool->machine.name, resources_text(pool->machine.allocatable, arena), pools->count > 1 ? ", and no other of its pools has room" : "");
}

static void outside(const char *path, const char *model, const char *what, double value, const int64_t range[2], Err *err) {
  if ((range[0] == 0 || value >= (double)range[0]) && (range[1] == 0 || value <= (double)range[1])) return;
  if (range[0]) err_warn(err, "warning: %s: %s %.6g, but the times of `%s` were measured for %lld to %lld", path, what, value, model, (long long)range[0], (long long)range[1]);
  else err_warn(err, "warning: %s: %s %.6g, but the times of `%s` were measured up to %lld", path, what, value, model, (long long)range[1]);
}

/* A law that was measured says for what; beyond that it may be far off. */
static void range_check(const DeploymentSpec *spec, const VariantSpec *variant, Arena *arena, Err *err) {
  const Service *service = (const Service *)variant->service.model;
  if (!service->range) return;
  ServiceRange range;
  service->range(variant->service.params, &range);
  const char *path = named_path(arena, named_path(arena, "deployments", spec->name, "variants"), variant->name, "service");
  const char *name = service->model.name;
  int64_t most[2] = {0, range.concurrency[1]}; /* fewer at once than measured is what a quiet hour is */
  outside(path, name, "concurrency is", (double)spec->concurrency, most, err);
  if (distribution_mean(&spec->workload.input) > 0) outside(path, name, "the mean input is", distribution_mean(&spec->workload.input), range.input, err);
  if (distribution_mean(&spec->workload.output) > 0) outside(path, name, "the mean output is", distribution_mean(&spec->workload.output), range.output, err);
}

/* Clients go at their own pace. */
static bool workload_check(const DeploymentSpec *spec, Arena *arena, Err *err) {
  const Workload *workload = (const Workload *)spec->workload.arrivals.model;
  if (!workload || !workload->closed || !spec->workload.rate.model) return true;
  return err_at(err, named_path(arena, "deployments", spec->name, "workload.rate"), "is for arrivals from outside; how often `%s` clients send follows from their thinking", workload->model.name);
}

/* Slots and servers cannot be mixed in one deployment: a replica may change its variant while it serves. */
static bool services_check(const DeploymentSpec *spec, Arena *arena, Err *err) {
  const ServerModel *server = ((const Service *)deployment_variant(spec, 0)->service.model)->server;
  const char *list = named_path(arena, "deployments", spec->name, "variants");
  bool good = true;
  for (size_t v = 0; v < spec->variants.count; v++) {
    const VariantSpec *variant = deployment_variant(spec, v);
    const ServerModel *other = ((const Service *)variant->service.model)->server;
    if (other != server)
      good = err_at(err, named_path(arena, list, variant->name, "service"), "`%s` shares a replica in another way than `%s` of the first variant",
                    variant->service.model->name, deployment_variant(spec, 0)->service.model->name);
    int64_t least = other && other->least_concurrency ? other->least_concurrency(variant->service.params) : 1;
    if (spec->concurrency < least)
      good = err_at(err, named_path(arena, "deployments", spec->name, "concurrency"),
                    "`%s` of variant `%.60s` holds up to %lld jobs at once; concurrency is %lld", variant->service.model->name, variant->name,
                    (long long)least, (long long)spec->concurrency);
    range_check(spec, variant, arena, err);
  }
  if (server && spec->queue.preempt)
    good = err_at(err, named_path(arena, "deployments", spec->name, "queue.preempt"), "takes the slot of another job, but jobs of `%s` have none of their own: they share a replica",
                  deployment_variant(spec, 0)->service.model->name);
  return good;
}

/* An absent limit is the request. */
static void limits_resolve(DeploymentSpec *spec) {
  spec->limits.cpu_millicores = given_or(spec->limits.cpu_millicores, spec->requests.cpu_millicores);
  spec->limits.memory_bytes = given_or(spec->limits.memory_bytes, spec->requests.memory_bytes);
  spec->limits.gpu_milligpus = given_or(spec->limits.gpu_milligpus, spec->requests.gpu_milligpus);
}

static bool deployments_resolve(Scenario *scenario, Arena *arena, Err *err) {
  bool good = true;
  for (size_t d = 0; d < scenario->deployments.count; d++) {
    bool has_pool = pools_of_deployment(scenario, d, arena, err);
    good &= variants_resolve(scenario, d, arena, err) && has_pool;
    if (has_pool) good &= fit_check(scenario, d, arena, err);
    good &= services_check(scenario_deployment(scenario, d), arena, err);
    good &= workload_check(scenario_deployment(scenario, d), arena, err);
    DeploymentSpec *spec = LIST_AT(scenario->deployments, DeploymentSpec, d);
    limits_resolve(spec);
    if (spec->replicas.initial < 0) spec->replicas.initial = spec->replicas.min > 1 ? spec->replicas.min : 1;
  }
  return good;
}

/* ---- initial nodes ---- */

/* The initial nodes are there whatever goes wrong later. */
static NodePool untroubled(const NodePool *pool) {
  NodePool same = *pool;
  same.failures = (PoolFailures){0};
  same.spot = (PoolSpot){0};
  same.stock = (PoolStock){0};
  same.warm = (PoolWarm){0};
  return same;
}

/* Do the initial replicas of pool p all find a place on n nodes? Asked of the cluster itself, so that the answer is the run's. */
static bool replicas_fit(const Scenario *scenario, uint32_t p, int64_t n, Arena *outer) {
  Arena arena = {.exhausted = outer->exhausted};
  NodePool pool = untroubled(&scenario->pool[p]);
  pool.min_nodes = pool.initial_nodes = pool.max_nodes = n;
  uint32_t n_deployments = (uint32_t)scenario->deployments.count;
  static const uint32_t first = 0;
  PoolList *all_in_one = ARENA_ARRAY(&arena, PoolList, n_deployments);
  for (uint32_t d = 0; d < n_deployments; d++) all_in_one[d] = (PoolList){&first, 1};
  Cluster cluster = {0};
  cluster_begin(&cluster, &arena, &pool, 1, all_in_one, n_deployments, scenario->horizon_ns, (uint64_t)scenario->seed, 0);
  bool fit = true;
  for (uint32_t d = 0; d < n_deployments && fit; d++) {
    if (scenario->deployment_pools[d].pool[0] != p) continue;
    const DeploymentSpec *spec = scenario_deployment(scenario, d);
    for (int64_t k = 0; k < spec->replicas.initial && fit; k++)
      fit = replica_place(&cluster, replica_create(&cluster, d, request_of(spec), request_of(spec), 0, 0), 0);
  }
  arena_free(&arena);
  return fit;
}

static int64_t nodes_for(__int128 sum, int64_t room) { return room > 0 ? (int64_t)((sum + room - 1) / room) : 0; }

/* The least number of nodes that could do: the sum of requests over what a node has. */
static int64_t initial_lower_bound(const Scenario *scenario, uint32_t p) {
  __int128 millicores = 0, bytes = 0, milligpus = 0;
  int64_t replicas = 0;
  for (size_t d = 0; d < scenario->deployments.count; d++) {
    if (scenario->deployment_pools[d].pool[0] != p) continue;
    const DeploymentSpec *spec = scenario_deployment(scenario, d);
    Resources request = request_of(spec);
    replicas += spec->replicas.initial;
    millicores += (__int128)request.millicores * spec->replicas.initial;
    bytes += (__int128)request.bytes * spec->replicas.initial;
    milligpus += (__int128)request.milligpus * spec->replicas.initial;
  }
  Resources room = scenario->pool[p].machine.allocatable;
  int64_t least = replicas > 0 ? 1 : 0;
  int64_t by[3] = {nodes_for(millicores, room.millicores), nodes_for(bytes, room.bytes), nodes_for(milligpus, room.milligpus)};
  for (int k = 0; k < 3; k++) least = by[k] > least ? by[k] : least;
  return least;
}

/* The smallest n in [low, high] that fits, by growing steps and then halving; high + 1 if none does. */
static int64_t least_nodes(const Scenario *scenario, uint32_t p, int64_t low, int64_t high, Arena *arena) {
  if (low > high) return high + 1;
  int64_t step = 1, below = low - 1, n = low;
  while (!replicas_fit(scenario, p, n, arena)) {
    below = n;
    if (n == high) return high + 1;
    n = n + step < high ? n + step : high;
    step *= 2;
  }
  while (n - below > 1) {
    int64_t middle = below + (n - below) / 2;
    if (replicas_fit(scenario, p, middle, arena)) n = middle;
    else below = middle;
  }
  return n;
}

/* ---- initial nodes where deployments may choose among pools ---- */

/* One more node for a replica that finds no room: in the first of its pools that leaves the number open, has not its maximum, and whose
 * machines are large enough. */
static bool open_node(const NodePool *pools, Cluster *cluster, const PoolList *may, Resources request) {
  for (uint32_t k = 0; k < may->count; k++) {
    uint32_t p = may->pool[k];
    if (pools[p].initial_nodes >= 0 || !resources_fit(request, pools[p].machine.allocatable)) continue;
    if (!nodes_order(cluster, p, 1, 0)) continue;
    for (uint32_t n = 0; n < cluster->n_nodes; n++)
      if (cluster->node[n].state == NODE_STARTING) node_ready(cluster, n, 0);
    return true;
  }
  return false;
}

static bool leaves_open(const NodePool *pools, const PoolList *may) {
  for (uint32_t k = 0; k < may->count; k++)
    if (pools[may->pool[k]].initial_nodes < 0) return true;
  return false;
}

/* Places the initial replicas one after the other, opening nodes as they are needed. Those of a deployment whose pools all have a number of
 * their own may have to wait. */
static bool initial_nodes_shared(Scenario *scenario, NodePool *pools, Arena *outer, Err *err) {
  Arena arena = {.exhausted = outer->exhausted};
  uint32_t n_pools = (uint32_t)scenario->cluster.pools.count, n = (uint32_t)scenario->deployments.count;
  NodePool *begun = ARENA_ARRAY(&arena, NodePool, n_pools);
  for (uint32_t p = 0; p < n_pools; p++) {
    begun[p] = untroubled(&pools[p]);
    if (pools[p].initial_nodes < 0) begun[p].initial_nodes = pools[p].min_nodes;
  }
  Cluster cluster = {0};
  cluster_begin(&cluster, &arena, begun, n_pools, scenario->deployment_pools, n, scenario->horizon_ns, (uint64_t)scenario->seed, 0);
  bool good = true;
  for (uint32_t d = 0; d < n; d++) {
    const DeploymentSpec *spec = scenario_deployment(scenario, d);
    bool fits = true;
    for (int64_t k = 0; k < spec->replicas.initial && fits; k++) {
      uint32_t id = replica_create(&cluster, d, request_of(spec), request_of(spec), 0, 0);
      fits = replica_place(&cluster, id, 0) ||
             (open_node(pools, &cluster, &scenario->deployment_pools[d], request_of(spec)) && replica_place(&cluster, id, 0));
    }
    if (!fits && leaves_open(pools, &scenario->deployment_pools[d]))
      good = err_at(err, named_path(outer, "deployments", spec->name, "replicas"), "the initial replicas need more nodes than its pools may have");
  }
  for (uint32_t p = 0; p < n_pools; p++)
    if (pools[p].initial_nodes < 0) pools[p].initial_nodes = cluster.pool_nodes_ready[p];
  arena_free(&arena);
  return good;
}

static bool shares_pools(const Scenario *scenario) {
  for (size_t d = 0; d < scenario->deployments.count; d++)
    if (scenario->deployment_pools[d].count > 1) return true;
  return false;
}

static bool initial_nodes_resolve(Scenario *scenario, NodePool *pools, Arena *arena, Err *err) {
  bool good = true;
  if (shares_pools(scenario)) return initial_nodes_shared(scenario, pools, arena, err);
  for (uint32_t p = 0; p < scenario->cluster.pools.count; p++) {
    NodePool *pool = &pools[p];
    if (pool->initial_nodes >= 0) continue;
    int64_t least = initial_lower_bound(scenario, p);
    int64_t needed = least_nodes(scenario, p, least > pool->min_nodes ? least : pool->min_nodes, pool->max_nodes, arena);
    if (needed > pool->max_nodes)
      good = err_at(err, named_path(arena, "cluster.pools", pool->name, "nodes"),
                    "the initial replicas need %lld nodes or more, the pool may have %lld",
                    (long long)(least > needed ? least : needed), (long long)pool->max_nodes);
    pool->initial_nodes = needed;
  }
  return good;
}

/* ---- energy ---- */

/* Energy is summed in integers: milliwatts x slots x 2^-24 x ns of all replicas there may ever be must fit 127 bits. */
static bool energy_check(const Scenario *scenario, Arena *arena, Err *err) {
  double watts = 0;
  for (size_t p = 0; p < scenario->cluster.pools.count; p++)
    if ((double)scenario->pool[p].machine.busy_milliwatts > watts) watts = (double)scenario->pool[p].machine.busy_milliwatts;
  for (size_t d = 0; d < scenario->deployments.count; d++) {
    const DeploymentSpec *spec = scenario_deployment(scenario, d);
    double sum = watts * 16777216.0 * (double)spec->concurrency * (double)spec->replicas.max * (double)scenario->horizon_ns;
    if (sum > 4e37) return err_at(err, named_path(arena, "deployments", spec->name, "concurrency"), "the horizon is too long to sum the energy of so many replicas and slots; leave out the machines' watts");
  }
  return true;
}

/* ---- strategies and faults ---- */

static bool deployment_exists(const Scenario *scenario, const char *name, const char *path, Arena *arena, Err *err) {
  size_t n = scenario->deployments.count;
  if (scenario_find_deployment(scenario, name) < n) return true;
  const char **names = ARENA_ARRAY(arena, const char *, n);
  for (size_t d = 0; d < n; d++) names[d] = scenario_deployment(scenario, d)->name;
  return err_at(err, path, "no deployment `%.60s`%s", name, names_hint(name, names, n, arena));
}

static bool node_policy_check(const Scenario *scenario, const StrategySpec *strategy, Arena *arena, Err *err) {
  const NodePolicy *policy = (const NodePolicy *)strategy->nodes.model;
  if (!policy || !policy->unknown_pool) return true;
  size_t n = scenario->cluster.pools.count;
  const char **names = ARENA_ARRAY(arena, const char *, n);
  for (size_t p = 0; p < n; p++) names[p] = scenario->pool[p].name;
  const char *unknown = policy->unknown_pool(strategy->nodes.params, names, n);
  return !unknown || no_such_pool(scenario, named_path(arena, "strategies", strategy->name, "nodes"), unknown, arena, err);
}

static bool references_check(const Scenario *scenario, Arena *arena, Err *err) {
  bool good = true;
  for (size_t k = 0; k < scenario->strategies.count; k++) {
    const StrategySpec *strategy = scenario_strategy(scenario, k);
    good &= node_policy_check(scenario, strategy, arena, err);
    for (size_t j = 0; j < strategy->deployments.count; j++) {
      const char *name = LIST_AT(strategy->deployments, const TargetSpec, j)->name;
      const char *list = named_path(arena, "strategies", strategy->name, "deployments");
      good &= deployment_exists(scenario, name, named_path(arena, list, name, ""), arena, err);
    }
  }
  for (size_t k = 0; k < scenario->faults.count; k++) {
    const FaultSpec *fault = LIST_AT(scenario->faults, const FaultSpec, k);
    good &= deployment_exists(scenario, fault->deployment, arena_format(arena, "faults[%zu].deployment", k), arena, err);
    if (fault->at_ns >= scenario->horizon_ns)
      good = err_at(err, arena_format(arena, "faults[%zu].at", k), "after the end of the run (horizon %.9gs)",
                    (double)scenario->horizon_ns / 1e9);
  }
  return good;
}

bool scenario_resolve(Scenario *scenario, const Catalogue *catalogue, Arena *arena, Err *err) {
  size_t n_pools = scenario->cluster.pools.count, n = scenario->deployments.count;
  if (n > DEPLOYMENTS_MOST) return err_at(err, "deployments", "%zu deployments; at most %d are possible", n, DEPLOYMENTS_MOST);
  NodePool *pools = ARENA_ARRAY(arena, NodePool, n_pools);
  scenario->pool = pools;
  scenario->deployment_pools = ARENA_ARRAY(arena, PoolList, n);
  scenario->deployment_entity = ARENA_ARRAY(arena, uint32_t, n);
  scenario->initial_variant = ARENA_ARRAY(arena, int, n);
  bool good = pools_resolve(scenario, pools, catalogue, arena, err);
  good &= entities_resolve(scenario, arena, err);
  if (good) good = deployments_resolve(scenario, arena, err);
  if (good) good = scenario_resolve_training(scenario, arena, err);
  good &= scenario_resolve_graph(scenario, arena, err);
  good &= references_check(scenario, arena, err);
  if (good) good = energy_check(scenario, arena, err);
  if (good) good = scenario_check_timings(scenario, arena, err);
  return good && initial_nodes_resolve(scenario, pools, arena, err);
}
