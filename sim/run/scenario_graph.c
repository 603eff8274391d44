/* Flows of a scenario. Tarjan's algorithm ("Depth-first search and linear graph algorithms", SIAM J. Comput. 1972) gives the strongly
 * connected components downstream first; its stack is an array here, so that a long chain of calls cannot exhaust the machine's. */
#include "sim/run/scenario_graph.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"

size_t scenario_find_deployment(const Scenario *scenario, const char *name) {
  size_t d = 0;
  while (d < scenario->deployments.count && !text_equal(scenario_deployment(scenario, d)->name, name)) d++;
  return d;
}

enum { NAMES_LISTED = 24 };

const char *names_hint(const char *name, const char *const *names, size_t n, Arena *arena) {
  const char *nearest = text_nearest(name, names, n);
  if (nearest) return arena_format(arena, "; did you mean `%s`?", nearest);
  if (n == 0 || n > NAMES_LISTED) return "";
  Text text = {.arena = arena};
  text_addf(&text, n == 1 ? "; there is only " : "; there are ");
  for (size_t k = 0; k < n; k++) text_addf(&text, "%s`%.40s`", k == 0 ? "" : k + 1 == n ? " and " : ", ", names[k]);
  return text.bytes;
}

const char *named_path(Arena *arena, const char *list, const char *name, const char *rest) {
  const char *quote = strpbrk(name, ".[") ? "\"" : "";
  return arena_format(arena, "%s.%s%s%s%s%s", list, quote, name, quote, rest[0] && rest[0] != '[' ? "." : "", rest);
}

static const RouteSpec *route_at(const DeploymentSpec *d, size_t k) { return LIST_AT(d->route, const RouteSpec, k); }

static const char *deployment_hint(const Scenario *scenario, const char *name, Arena *arena) {
  const char **names = ARENA_ARRAY(arena, const char *, scenario->deployments.count);
  for (size_t d = 0; d < scenario->deployments.count; d++) names[d] = scenario_deployment(scenario, d)->name;
  return names_hint(name, names, scenario->deployments.count, arena);
}

/* Servers share a replica among its jobs; only a slot can be held. */
static bool route_resolve(Scenario *scenario, size_t d, size_t k, Arena *arena, Err *err) {
  size_t n = scenario->deployments.count;
  const DeploymentSpec *spec = scenario_deployment(scenario, d);
  const RouteSpec *route = route_at(spec, k);
  size_t to = scenario_find_deployment(scenario, route->to);
  const char *path = named_path(arena, "deployments", spec->name, arena_format(arena, "route[%zu].%s", k, to < n ? "call" : "to"));
  if (to == n) return err_at(err, path, "no deployment `%.60s`%s", route->to, deployment_hint(scenario, route->to, arena));
  bool holds = route->call == ROUTE_SYNCHRONOUS, again = scenario->route_probability[d * n + to] > 0;
  const Service *service = (const Service *)deployment_variant(spec, 0)->service.model;
  if (again && holds != scenario->route_holds[d * n + to]) return err_at(err, path, "another route to `%.60s` is of the other kind", route->to);
  if (holds && service->server) return err_at(err, path, "a synchronous call holds a slot, but replicas of `%.60s` share theirs (%s)", spec->name, service->model.name);
  scenario->route_probability[d * n + to] += route->probability_ratio;
  scenario->route_holds[d * n + to] = holds;
  return true;
}

/* Rows of route_probability. Two routes to one target add up. */
static bool routes_resolve(Scenario *scenario, Arena *arena, Err *err) {
  size_t n = scenario->deployments.count;
  bool good = true;
  for (size_t d = 0; d < n; d++) {
    const DeploymentSpec *spec = scenario_deployment(scenario, d);
    double sum = 0;
    for (size_t k = 0; k < spec->route.count; k++) {
      sum += route_at(spec, k)->probability_ratio;
      good &= route_resolve(scenario, d, k, arena, err);
    }
    if (sum > 1 + 1e-9) /* three times 0.3333333333 and a rest are one */
      good = err_at(err, named_path(arena, "deployments", spec->name, "route"), "the probabilities sum to %.9g, more than 1", sum);
  }
  return good;
}

/* Jobs must be able to leave: from every deployment one must be reachable whose probabilities sum to less than 1. */
static bool exits_check(const Scenario *scenario, Arena *arena, Err *err) {
  size_t n = scenario->deployments.count;
  bool *leaves = ARENA_ARRAY(arena, bool, n);
  bool changed = true, good = true;
  while (changed) {
    changed = false;
    for (size_t d = 0; d < n; d++) {
      double sum = 0;
      bool out = false;
      for (size_t k = 0; k < n; k++) {
        double p = scenario->route_probability[d * n + k];
        sum += p;
        out |= p > 0 && leaves[k];
      }
      if (leaves[d] || (!out && sum > 1 - 1e-12)) continue;
      leaves[d] = changed = true;
    }
  }
  for (size_t d = 0; d < n; d++)
    if (!leaves[d])
      good = err_at(err, named_path(arena, "deployments", scenario_deployment(scenario, d)->name, "route"),
                    "jobs that come here never leave: the probabilities on every way sum to 1");
  return good;
}

/* A deployment that nothing reaches would idle through every run: a slip, not a scenario. */
static bool sources_check(const Scenario *scenario, Arena *arena, Err *err) {
  size_t n = scenario->deployments.count;
  bool good = true;
  for (size_t d = 0; d < n; d++) {
    bool reached = scenario_deployment(scenario, d)->workload.arrivals.model != NULL;
    for (size_t from = 0; from < n && !reached; from++) reached = from != d && scenario->route_probability[from * n + d] > 0;
    if (reached) continue;
    good = err_at(err, named_path(arena, "deployments", scenario_deployment(scenario, d)->name, ""),
                  "nothing arrives here: it has no `workload`, and no other deployment routes to it");
  }
  return good;
}

/* ---- Tarjan ---- */

typedef struct Visit {
  uint32_t deployment, next; /* the next edge to look at */
} Visit;

typedef struct Search {
  const Scenario *scenario;
  const bool *leads;     /* [n * n]: jobs, or what a client waits for, go from one to the other */
  uint32_t *order, *low; /* order 0: not visited */
  bool *open;            /* on the component stack */
  uint32_t *stack;
  Visit *visit;
  size_t n_stack, n_visits;
  uint32_t visited, components;
} Search;

static void visit_begin(Search *search, uint32_t d) {
  search->order[d] = search->low[d] = ++search->visited;
  search->open[d] = true;
  search->stack[search->n_stack++] = d;
  search->visit[search->n_visits++] = (Visit){d, 0};
}

static void visit_end(Search *search) {
  uint32_t d = search->visit[--search->n_visits].deployment;
  if (search->n_visits > 0) {
    uint32_t parent = search->visit[search->n_visits - 1].deployment;
    if (search->low[d] < search->low[parent]) search->low[parent] = search->low[d];
  }
  if (search->low[d] != search->order[d]) return;
  uint32_t member;
  do {
    member = search->stack[--search->n_stack];
    search->open[member] = false;
    search->scenario->flow_of[member] = search->components;
  } while (member != d);
  search->components++;
}

static void search_from(Search *search, uint32_t root) {
  size_t n = search->scenario->deployments.count;
  visit_begin(search, root);
  while (search->n_visits > 0) {
    Visit *visit = &search->visit[search->n_visits - 1];
    uint32_t d = visit->deployment, to = visit->next;
    const bool *row = search->leads + (size_t)d * n;
    while (to < n && !row[to]) to++;
    visit->next = to + 1;
    if (to >= n) visit_end(search);
    else if (search->order[to] == 0) visit_begin(search, to);
    else if (search->open[to] && search->order[to] < search->low[d]) search->low[d] = search->order[to];
  }
}

/* Marks what jobs of a deployment come to. */
static void reach(const Scenario *scenario, size_t from, bool *reached) {
  size_t n = scenario->deployments.count;
  memset(reached, 0, n * sizeof *reached);
  reached[from] = true;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t d = 0; d < n; d++)
      for (size_t to = 0; to < n && reached[d]; to++) {
        if (reached[to] || !(scenario->route_probability[d * n + to] > 0)) continue;
        reached[to] = changed = true;
      }
  }
}

/* Slots that wait for each other may do so for ever, in reality as here. */
static void circles_warn(const Scenario *scenario, Arena *arena, Err *err) {
  size_t n = scenario->deployments.count;
  bool *reached = ARENA_ARRAY(arena, bool, n);
  for (size_t k = 0; k < n * n; k++) {
    if (!scenario->route_holds[k] || !(scenario->route_probability[k] > 0)) continue;
    reach(scenario, k % n, reached);
    if (!reached[k / n]) continue;
    err_warn(err, "warning: %s: a synchronous call from `%.60s` to `%.60s` may come back to it: slots that wait for each other stand still until a timeout",
             named_path(arena, "deployments", scenario_deployment(scenario, k / n)->name, "route"), scenario_deployment(scenario, k / n)->name, scenario_deployment(scenario, k % n)->name);
  }
}

/* Routes; and back: where jobs of a closed workload end, the client's next job begins; where a called job ends, the caller goes on. */
static const bool *edges_of(const Scenario *scenario, Arena *arena) {
  size_t n = scenario->deployments.count;
  bool *leads = ARENA_ARRAY(arena, bool, n * n), *reached = ARENA_ARRAY(arena, bool, n);
  for (size_t k = 0; k < n * n; k++) leads[k] = scenario->route_probability[k] > 0;
  for (size_t d = 0; d < n; d++) {
    const Workload *workload = (const Workload *)scenario_deployment(scenario, d)->workload.arrivals.model;
    if (!workload || !workload->closed) continue;
    reach(scenario, d, reached);
    for (size_t from = 0; from < n; from++) leads[from * n + d] |= reached[from];
  }
  for (size_t k = 0; k < n * n; k++) {
    if (!scenario->route_holds[k] || !(scenario->route_probability[k] > 0)) continue;
    reach(scenario, k % n, reached);
    for (size_t from = 0; from < n; from++) leads[from * n + k / n] |= reached[from];
  }
  return leads;
}

/* ---- priorities ---- */

static int compare_priorities(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x < y) - (x > y);
}

static void ranks_resolve(Scenario *scenario, Arena *arena) {
  size_t n = scenario->deployments.count, distinct = 0;
  int64_t *priority = ARENA_ARRAY(arena, int64_t, n);
  scenario->priority_rank = ARENA_ARRAY(arena, uint32_t, n);
  for (size_t d = 0; d < n; d++) priority[d] = scenario_deployment(scenario, d)->workload.priority;
  qsort(priority, n, sizeof *priority, compare_priorities);
  for (size_t k = 0; k < n; k++)
    if (k == 0 || priority[k] != priority[k - 1]) priority[distinct++] = priority[k];
  for (size_t d = 0; d < n; d++)
    while (priority[scenario->priority_rank[d]] != scenario_deployment(scenario, d)->workload.priority) scenario->priority_rank[d]++;
  scenario->n_priority_ranks = (uint32_t)distinct;
}

/* Marks what leads to a deployment. */
static void reach_back(const Scenario *scenario, size_t to, bool *leads) {
  size_t n = scenario->deployments.count;
  memset(leads, 0, n * sizeof *leads);
  leads[to] = true;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t d = 0; d < n; d++)
      for (size_t next = 0; next < n && !leads[d]; next++)
        if (leads[next] && scenario->route_probability[d * n + next] > 0) leads[d] = changed = true;
  }
}

/* Where all that come are of one priority, that order is first come, first served: hardly what was meant. */
static void priorities_warn(const Scenario *scenario, Arena *arena, Err *err) {
  size_t n = scenario->deployments.count;
  bool *leads = ARENA_ARRAY(arena, bool, n);
  for (size_t d = 0; d < n; d++) {
    if (scenario_deployment(scenario, d)->queue.order != ORDER_PRIORITY) continue;
    reach_back(scenario, d, leads);
    bool differ = false;
    int64_t one = INT64_MIN;
    for (size_t from = 0; from < n && !differ; from++) {
      const WorkloadSpec *workload = &scenario_deployment(scenario, from)->workload;
      if (!leads[from] || !workload->arrivals.model) continue;
      differ = one != INT64_MIN && workload->priority != one;
      one = workload->priority;
    }
    if (!differ) err_warn(err, "warning: %s: all jobs that come here are of priority %lld", named_path(arena, "deployments", scenario_deployment(scenario, d)->name, "queue.order"), (long long)one);
  }
}

/* Components come downstream first; started from the last deployment and numbered backwards, unrelated ones keep the file's order. */
static void flows_resolve(Scenario *scenario, Arena *arena) {
  uint32_t n = (uint32_t)scenario->deployments.count;
  Search search = {.scenario = scenario,
                   .leads = edges_of(scenario, arena),
                   .order = ARENA_ARRAY(arena, uint32_t, n),
                   .low = ARENA_ARRAY(arena, uint32_t, n),
                   .open = ARENA_ARRAY(arena, bool, n),
                   .stack = ARENA_ARRAY(arena, uint32_t, n),
                   .visit = ARENA_ARRAY(arena, Visit, n)};
  for (uint32_t d = n; d-- > 0;)
    if (search.order[d] == 0) search_from(&search, d);
  scenario->n_flows = search.components;
  for (uint32_t d = 0; d < n; d++) scenario->flow_of[d] = search.components - 1 - scenario->flow_of[d];
}

bool scenario_resolve_graph(Scenario *scenario, Arena *arena, Err *err) {
  size_t n = scenario->deployments.count;
  scenario->route_probability = ARENA_ARRAY(arena, double, n * n);
  scenario->route_holds = ARENA_ARRAY(arena, bool, n * n);
  scenario->flow_of = ARENA_ARRAY(arena, uint32_t, n);
  if (!routes_resolve(scenario, arena, err)) return false;
  bool good = exits_check(scenario, arena, err);
  good &= sources_check(scenario, arena, err);
  flows_resolve(scenario, arena);
  circles_warn(scenario, arena, err);
  ranks_resolve(scenario, arena);
  priorities_warn(scenario, arena, err);
  return good;
}
