/* The call graph of deployments: route probabilities, flows (strongly connected components, numbered upstream first), and the checks
 * that need the whole graph. Part of scenario_resolve. */
#ifndef SIM_RUN_SCENARIO_GRAPH_H
#define SIM_RUN_SCENARIO_GRAPH_H

#include "sim/run/scenario.h"

/* The index of a deployment by name; deployments.count if there is none. */
size_t scenario_find_deployment(const Scenario *scenario, const char *name);
/* "did you mean X?" or the list of valid names when it is short; "" otherwise. On the arena. */
const char *names_hint(const char *name, const char *const *names, size_t n, Arena *arena);
/* "list.name.rest", the name quoted if it holds a dot or a bracket. */
const char *named_path(Arena *arena, const char *list, const char *name, const char *rest);
/* Fills route_probability, flow_of and n_flows. */
bool scenario_resolve_graph(Scenario *scenario, Arena *arena, Err *err);
/* Fills what concerns training queues, and checks them. */
bool scenario_resolve_training(Scenario *scenario, Arena *arena, Err *err);
/* The pools that a list names, into *pools; errors at path. An empty list: the only pool there is. */
bool scenario_find_pools(const Scenario *scenario, const List *names, const char *path, PoolList *pools, Arena *arena, Err *err);
/* Are periods, scrapes and windows of all strategies sensible beside each other? */
bool scenario_check_timings(const Scenario *scenario, Arena *arena, Err *err);

#endif
