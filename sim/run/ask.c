/* Asks: instants at which a request finds nobody to serve it and its policy wants to be asked at once; idle replicas that go by themselves;
 * and starts that are cancelled because nobody waits for them any more. All are known in advance or bounded from below (nothing becomes due
 * before run_next_ask), so flows are only ever stopped earlier than they would be, never corrected: stopping at more instants gives the same
 * bits. */
#include "sim/base/check.h"
#include "sim/run/run_internal.h"

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- requests ---- */

static bool has_ask(const Target *target) {
  bool more = target->replicas_wished < target->spec->replicas.max;
  return target->policy->asks == ASK_AT_ZERO || (target->policy->asks == ASK_EACH_REQUEST && more);
}

/* Jobs that all replicas, those on their way included, could hold in service. */
static int64_t slots_coming(const Run *run, uint32_t d) {
  const Station *s = &run->station[d];
  return (int64_t)(s->n_ready + s->n_starting + run->cluster.deployment_pending[d] + (uint64_t)run->target[d].n_later) * s->concurrency;
}

/* Arrivals from outside at an instant that stand at the cursor. */
static int64_t arrivals_at(Arrivals *a, int64_t at_ns) {
  int64_t n = 0;
  if (arrivals_peek(a) != at_ns) return 0;
  for (size_t k = a->cursor; k < a->block.count && a->block.arrival_ns[k] == at_ns; k++) n++;
  return n;
}

/* Retries and jobs from other deployments that arrive at an instant: events from item k of the heap downwards. Nothing is earlier. */
static int64_t transfers_at(const Station *s, int64_t at_ns, size_t k) {
  const Heap *heap = s->events;
  if (!heap || k >= heap->count || heap->item[k].time_ns > at_ns) return 0;
  int64_t n = heap->item[k].time_ns == at_ns && plain_is_arrival(s, heap->item[k]);
  for (size_t c = heap_child(k); c < heap_child(k) + HEAP_ARITY; c++) n += transfers_at(s, at_ns, c);
  return n;
}

int64_t run_arriving(Run *run, uint32_t d) {
  Station *s = &run->station[d];
  return arrivals_at(&s->arrivals, run->flows_ns) + transfers_at(s, run->flows_ns, 0);
}

/* Is somebody about to arrive now whom no replica, present or coming, could take? */
static bool ask_due(Run *run, uint32_t d) {
  const Target *target = &run->target[d];
  Station *s = &run->station[d];
  int64_t now = run->flows_ns, slots = slots_coming(run, d);
  if (target->asked_ns == now && slots <= target->asked_slots) return false; /* refused */
  if (target->policy->asks == ASK_AT_ZERO && slots > 0) return false;
  int64_t coming = run_arriving(run, d);
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

/* Since when all slots of an entry have been idle; INSTANT_NEVER while it has work, or jobs wait that it may yet take (a batch in the making). */
static int64_t idle_since(const Station *s, uint32_t e) {
  const Entry *entry = &s->entry[e];
  if (entry->state != ENTRY_READY || entry->busy || entry->queue.count || (s->takes && s->central && s->waiting.count)) return INSTANT_NEVER;
  int64_t since = 0;
  for (uint32_t k = e * s->slots_per_entry, end = k + s->slots_per_entry; k < end; k++)
    if (s->slot[k].free_ns > since) since = s->slot[k].free_ns;
  return since;
}

static uint32_t ordinal_of(const Run *run, const Station *s, uint32_t e) { return run->cluster.replica[s->entry[e].id].ordinal; }

/* A law's draw is addressed by the replica and the instant: a spell of idleness has one, whoever looks and how often. */
static int64_t keep_alive_ns(const Run *run, const Target *target, uint32_t ordinal, int64_t since_ns) {
  if (!target->keep_alive_law) return target->keep_alive_ns;
  uint64_t spell = (uint64_t)since_ns ^ (uint64_t)ordinal * UINT64_C(0x9e3779b97f4a7c15);
  int64_t ns = ns_from_double(distribution_quantile(target->keep_alive_law, stream_uniform(&target->idle, spell)));
  return ns < 1 ? 1 : ns < run->scenario->horizon_ns ? ns : run->scenario->horizon_ns;
}

static int64_t expiry_of(const Run *run, uint32_t d, uint32_t e) {
  const Station *s = &run->station[d];
  int64_t since_ns = idle_since(s, e);
  return since_ns == INSTANT_NEVER ? INSTANT_NEVER : since_ns + keep_alive_ns(run, &run->target[d], ordinal_of(run, s, e), since_ns);
}

static bool may_go(const Run *run, uint32_t d) { return run->target[d].replicas_wished > run->target[d].spec->replicas.min; }

static bool may_expire(const Run *run, uint32_t d) {
  const Target *target = &run->target[d];
  return (target->keep_alive_ns > 0 || target->keep_alive_law) && may_go(run, d);
}

/* Nothing comes, ends, gives up or becomes ready at a station before this instant; now, where something is still to happen now. */
static int64_t next_change(const Run *run, uint32_t d) {
  Station *s = &run->station[d];
  int64_t next = INSTANT_NEVER;
  if (s->changed) return run->flows_ns; /* jobs that wait start when the window opens */
  for (uint32_t e = 0; e < s->n_entries; e++)
    if (s->entry[e].state == ENTRY_STARTING) next = earlier(next, s->entry[e].ready_ns);
  if (s->events) {
    for (uint32_t f = 0; f < run->n_flows; f++)
      if (!run->flows_alone || &run->flow[f] == s->flow) next = earlier(next, flow_next_event(&run->flow[f], run->flows_ns - 1));
    return next > run->flows_ns ? next : run->flows_ns;
  }
  next = earlier(next, arrivals_peek(&s->arrivals));
  for (uint32_t k = 0, end = s->n_entries * s->slots_per_entry; k < end; k++)
    if (s->slot[k].job != JOB_NONE) next = earlier(next, s->slot[k].free_ns);
  for (uint32_t id = s->waiting.head; id != JOB_NONE && s->has_patience; id = s->job[id].next) {
    if (s->job[id].deadline_ns == INSTANT_NEVER) continue; /* it has been served before */
    next = earlier(next, s->job[id].deadline_ns);
    break; /* patience is the same for all: the first gives up first */
  }
  return next > run->flows_ns ? next : run->flows_ns;
}

static int64_t next_expiry(const Run *run, uint32_t d) {
  const Station *s = &run->station[d];
  const Target *target = &run->target[d];
  if (!may_expire(run, d)) return INSTANT_NEVER;
  int64_t next = next_change(run, d), least_ns = target->keep_alive_law ? 1 : target->keep_alive_ns;
  if (s->takes && s->central && s->waiting.count) least_ns = next > run->flows_ns ? 0 : 1; /* who waits may give up, and leave it idle for long */
  if (next != INSTANT_NEVER) next = least_ns < INSTANT_NEVER - next ? next + least_ns : INSTANT_NEVER;
  for (uint32_t e = 0; e < s->n_entries; e++) {
    int64_t at_ns = expiry_of(run, d, e); /* over already, and kept for a job that comes now: looked at again behind it */
    next = earlier(next, at_ns > run->flows_ns ? at_ns : run->flows_ns + 1);
  }
  return next;
}

/* The entry whose time is over, longest idle first, then oldest; ENTRY_NONE. One that stayed longer, as there were no more than the minimum,
 * does not go in the face of a job that comes now. */
static uint32_t expired(Run *run, uint32_t d) {
  const Station *s = &run->station[d];
  uint32_t found = ENTRY_NONE;
  bool comes = run_arriving(run, d) > 0;
  for (uint32_t e = 0; e < s->n_entries; e++) {
    int64_t at_ns = expiry_of(run, d, e);
    if (at_ns > run->flows_ns || (at_ns < run->flows_ns && comes)) continue;
    int64_t since = idle_since(s, e);
    if (found == ENTRY_NONE || since < idle_since(s, found) || (since == idle_since(s, found) && ordinal_of(run, s, e) < ordinal_of(run, s, found))) found = e;
  }
  return found;
}

/* ---- starts that nobody waits for ---- */

static bool may_cancel(const Run *run, uint32_t d) {
  const Target *target = &run->target[d];
  return target->cancels_starts && may_go(run, d) && target->n_later + target_on_their_way(run, target, run->flows_ns) > 0;
}

/* Would those on their way do with one less for all jobs that wait? Who arrives now may have been the reason for a start. */
static bool has_surplus(Run *run, uint32_t d) {
  const Station *s = &run->station[d];
  if (!may_cancel(run, d)) return false;
  int64_t enough = (run->target[d].n_later + target_on_their_way(run, &run->target[d], run->flows_ns) - 1) * s->concurrency - (int64_t)s->n_waiting;
  return enough >= 0 && enough >= run_arriving(run, d);
}

static int64_t next_surplus(const Run *run, uint32_t d) {
  int64_t next = may_cancel(run, d) ? next_change(run, d) : INSTANT_NEVER;
  return next > run->flows_ns ? next : run->flows_ns + 1;
}

/* The newest of those on their way: those that have no node before those that load. */
static uint32_t newest_coming(const Run *run, const Target *target) {
  uint32_t found = REPLICA_NONE;
  for (uint32_t k = 0; k < target->n_replicas; k++) {
    const Replica *replica = &run->cluster.replica[target->replica[k]];
    bool pending = replica->state == REPLICA_PENDING, starting = replica->state == REPLICA_STARTING && replica->ready_ns > run->flows_ns;
    if ((!pending && !starting) || replica->replaces != REPLICA_NONE) continue;
    if (found == REPLICA_NONE || pending || run->cluster.replica[found].state != REPLICA_PENDING) found = target->replica[k];
  }
  return found;
}

static void go(Run *run, uint32_t d, uint32_t ordinal, const char *reason) {
  Decision decision = control_unchanged(run, d);
  decision.replicas--;
  decision.removed = &ordinal;
  decision.n_removed = 1;
  decision.reason = reason;
  control_actuate(run, d, &decision);
  run_update_speeds(run);
}

static void cancel_start(Run *run, uint32_t d) {
  Target *target = &run->target[d];
  uint32_t id = target->n_later > 0 ? REPLICA_NONE : newest_coming(run, target);
  CHECK(target->n_later > 0 || id != REPLICA_NONE);
  if (target->n_later > 0) target->n_later--; /* before the others are counted: it has no name */
  go(run, d, id == REPLICA_NONE ? UINT32_MAX : run->cluster.replica[id].ordinal, "no job waits for its start");
}

void run_expire(Run *run, uint32_t d) {
  run->target[d].expiry_pending = false;
  run_mark_ready(run);
  for (uint32_t e; may_expire(run, d) && (e = expired(run, d)) != ENTRY_NONE;) go(run, d, ordinal_of(run, &run->station[d], e), "idle for keep_alive");
  while (has_surplus(run, d)) cancel_start(run, d);
}

/* ---- both ---- */

int64_t run_next_ask(const Run *run) {
  int64_t next = INSTANT_NEVER;
  for (uint32_t d = 0; d < run->n_targets; d++) {
    if (has_ask(&run->target[d])) next = earlier(next, next_request(run, d));
    next = earlier(next, earlier(next_expiry(run, d), next_surplus(run, d)));
  }
  CHECK(next > run->flows_ns);
  return next;
}

void run_take_asks(Run *run) {
  if (run->flows_ns >= run->scenario->horizon_ns) return;
  for (uint32_t d = 0; d < run->n_targets; d++) {
    Target *target = &run->target[d];
    if (!target->expiry_pending && ((may_expire(run, d) && expired(run, d) != ENTRY_NONE) || has_surplus(run, d))) {
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
