/* Asks: instants at which a request finds nobody to serve it and its policy wants to be asked at once; and idle replicas that go by
 * themselves. Both are known in advance or bounded from below (nothing becomes due before run_next_ask), so flows are only ever stopped
 * earlier than they would be, never corrected: stopping at more instants gives the same bits. */
#include "sim/base/check.h"
#include "sim/run/run_internal.h"

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- requests ---- */

static bool has_ask(const Target *target) { return target->policy->asks != ASK_NONE; }

/* Jobs that all replicas, those on their way included, could hold in service. */
static int64_t slots_coming(const Run *run, uint32_t d) {
  const Station *s = &run->station[d];
  return (int64_t)(s->n_ready + s->n_starting + run->cluster.deployment_pending[d]) * s->concurrency;
}

/* Arrivals from outside at an instant that stand at the cursor. */
static int64_t arrivals_at(Arrivals *a, int64_t at_ns) {
  int64_t n = 0;
  if (arrivals_peek(a) != at_ns) return 0;
  for (size_t k = a->cursor; k < a->block.count && a->block.arrival_ns[k] == at_ns; k++) n++;
  return n;
}

/* Retries and jobs from other deployments that arrive at an instant. */
static int64_t transfers_at(const Station *s, int64_t at_ns) {
  int64_t n = 0;
  for (size_t k = 0; s->events && k < s->events->count; k++) n += s->events->item[k].time_ns == at_ns && plain_is_arrival(s, s->events->item[k]);
  return n;
}

/* Is somebody about to arrive now whom no replica, present or coming, could take? */
static bool ask_due(Run *run, uint32_t d) {
  const Target *target = &run->target[d];
  Station *s = &run->station[d];
  int64_t now = run->flows_ns, slots = slots_coming(run, d);
  if (target->asked_ns == now && slots <= target->asked_slots) return false; /* refused */
  if (target->policy->asks == ASK_AT_ZERO && slots > 0) return false;
  int64_t coming = arrivals_at(&s->arrivals, now) + transfers_at(s, now);
  if (coming == 0) return false;
  return slots == 0 || (int64_t)(s->n_busy + s->n_waiting) + coming > slots;
}

/* No arrival before this one can find all slots taken: each takes at most one, and ends only free more. */
static int64_t first_to_miss(Arrivals *a, int64_t free_slots, int64_t now_ns) {
  int64_t first = arrivals_peek(a);
  if (first == INSTANT_NEVER) return INSTANT_NEVER;
  size_t left = a->block.count - a->cursor, k = free_slots < 0 ? 0 : (uint64_t)free_slots < left ? (size_t)free_slots : left - 1;
  while (k < left && a->block.arrival_ns[a->cursor + k] <= now_ns) k++;
  return k < left ? a->block.arrival_ns[a->cursor + k] : now_ns + 1; /* beyond the block: look again when it has been used up */
}

static int64_t next_request(const Run *run, uint32_t d) {
  const Target *target = &run->target[d];
  Station *s = &run->station[d];
  int64_t slots = slots_coming(run, d);
  if (target->policy->asks == ASK_AT_ZERO && slots > 0) return INSTANT_NEVER; /* only control makes it zero again */
  if (run->flows_alone && !s->events) return first_to_miss(&s->arrivals, slots - (int64_t)(s->n_busy + s->n_waiting), run->flows_ns);
  int64_t next = flow_next_event(s->flow, run->flows_ns);
  for (uint32_t f = 0; !run->flows_alone && f < run->n_flows; f++) next = earlier(next, flow_next_event(&run->flow[f], run->flows_ns));
  return next;
}

/* ---- idle replicas ---- */

/* Since when all slots of an entry have been idle; INSTANT_NEVER while it has work. */
static int64_t idle_since(const Station *s, uint32_t e) {
  const Entry *entry = &s->entry[e];
  if (entry->state != ENTRY_READY || entry->busy || entry->queue.count) return INSTANT_NEVER;
  int64_t since = 0;
  for (uint32_t k = e * s->slots_per_entry, end = k + s->slots_per_entry; k < end; k++)
    if (s->slot[k].free_ns > since) since = s->slot[k].free_ns;
  return since;
}

static bool may_expire(const Run *run, uint32_t d) {
  const Target *target = &run->target[d];
  return target->keep_alive_ns > 0 && target->replicas_wished > target->spec->replicas.min;
}

static int64_t next_expiry(const Run *run, uint32_t d) {
  const Station *s = &run->station[d];
  if (!may_expire(run, d)) return INSTANT_NEVER;
  int64_t keep_ns = run->target[d].keep_alive_ns, next = run->flows_ns + keep_ns;
  for (uint32_t e = 0; e < s->n_entries; e++) {
    int64_t since = idle_since(s, e);
    if (since != INSTANT_NEVER && since + keep_ns > run->flows_ns) next = earlier(next, since + keep_ns);
  }
  return next;
}

static uint32_t ordinal_of(const Run *run, const Station *s, uint32_t e) { return run->cluster.replica[s->entry[e].id].ordinal; }

/* The entry whose time is over, longest idle first, then oldest; ENTRY_NONE. */
static uint32_t expired(const Run *run, uint32_t d) {
  const Station *s = &run->station[d];
  uint32_t found = ENTRY_NONE;
  for (uint32_t e = 0; e < s->n_entries; e++) {
    int64_t since = idle_since(s, e);
    if (since == INSTANT_NEVER || since + run->target[d].keep_alive_ns > run->flows_ns) continue;
    if (found == ENTRY_NONE || since < idle_since(s, found) || (since == idle_since(s, found) && ordinal_of(run, s, e) < ordinal_of(run, s, found))) found = e;
  }
  return found;
}

void run_expire(Run *run, uint32_t d) {
  run->target[d].expiry_pending = false;
  run_mark_ready(run);
  for (uint32_t e; may_expire(run, d) && (e = expired(run, d)) != ENTRY_NONE;) {
    uint32_t ordinal = ordinal_of(run, &run->station[d], e);
    Decision decision = control_unchanged(run, d);
    decision.replicas--;
    decision.removed = &ordinal;
    decision.n_removed = 1;
    decision.reason = "idle for keep_alive";
    control_actuate(run, d, &decision);
    run_update_speeds(run);
  }
}

/* ---- both ---- */

int64_t run_next_ask(const Run *run) {
  int64_t next = INSTANT_NEVER;
  for (uint32_t d = 0; d < run->n_targets; d++) {
    if (has_ask(&run->target[d])) next = earlier(next, next_request(run, d));
    next = earlier(next, next_expiry(run, d));
  }
  CHECK(next > run->flows_ns);
  return next;
}

void run_take_asks(Run *run) {
  if (run->flows_ns >= run->scenario->horizon_ns) return;
  for (uint32_t d = 0; d < run->n_targets; d++) {
    Target *target = &run->target[d];
    if (!target->expiry_pending && may_expire(run, d) && expired(run, d) != ENTRY_NONE) {
      target->expiry_pending = true;
      run_push(run, run->flows_ns, CLASS_CONTROL, SHARED_EXPIRY, d);
    }
    if (!has_ask(target) || target->ask_pending || !ask_due(run, d)) continue;
    target->ask_pending = true;
    run_push(run, run->flows_ns, CLASS_CONTROL, SHARED_ASK, d);
  }
}

bool run_ask(Run *run, uint32_t d) {
  Target *target = &run->target[d];
  target->ask_pending = false;
  if (!ask_due(run, d)) return false; /* somebody else's decision at this instant has helped */
  target->asked_ns = run->flows_ns;
  target->asked_slots = slots_coming(run, d);
  return true;
}
