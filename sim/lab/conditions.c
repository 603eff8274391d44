/* Random numbers vary between replications; what they are drawn from does not, and a replayed trace does not vary at all. See
 * conditions.h. Every workload says by its `given` what of it is fixed. */
#include "sim/lab/conditions.h"

#include <string.h>

#include "sim/base/text.h"
#include "sim/contract/workload.h"

/* Each distinct phrase once, in the order of deployments. */
static void phrase_add(Text *text, const char **seen, size_t *n_seen, const char *phrase) {
  for (size_t k = 0; k < *n_seen; k++)
    if (!strcmp(seen[k], phrase)) return;
  text_addf(text, "%s%s", *n_seen ? ", " : "", phrase);
  seen[(*n_seen)++] = phrase;
}

const char *conditions_text(const Sweep *sweep, Arena *arena) {
  const Scenario *scenario = sweep->first;
  size_t n = scenario->deployments.count, queues = scenario->training.count, n_seen = 0;
  const char **seen = ARENA_ARRAY(arena, const char *, n + queues + 2);
  Text text = {.arena = arena};
  for (size_t d = 0; d < n + queues; d++) {
    const ModelRef *arrivals = d < n ? &scenario_deployment(scenario, d)->workload.arrivals : &scenario_queue(scenario, d - n)->jobs.arrivals;
    const Workload *workload = (const Workload *)arrivals->model;
    if (!workload) continue;
    phrase_add(&text, seen, &n_seen, workload->given ? workload->given(arrivals->params, arena) : "these laws of arrivals");
  }
  for (uint32_t p = 0; p < scenario->cluster.pools.count; p++) {
    const NodePool *pool = &scenario->pool[p];
    if (pool->spot.n_instants) phrase_add(&text, seen, &n_seen, "this trace of reclaims");
    if (pool->failures.breaks || pool->failures.start_ratio > 0 || pool->spot.reclaims_per_ns > 0 || pool->stock.runs_out)
      phrase_add(&text, seen, &n_seen, "these laws of failures and stock");
  }
  text_addf(&text, "%sthese service laws", n_seen ? " and " : "");
  return text.bytes;
}
