/* The plain event loop: arrival, start, departure, expiry in the one order of events, for everything a scenario may ask - several
 * deployments, routing, retries, any patience, any dispatch, servers. It is the reference the other loops are compared with. */
#include "sim/base/check.h"
#include "sim/core/event.h"
#include "sim/run/flow.h"
#include "sim/run/queue_order.h"
#include "sim/run/station_hot.h"

enum { ATTEMPT_SHIFT = 48, HOP_SHIFT = 56, HOPS = 255 };
/* Of a client that does not think: time must go on when jobs take none, or are turned away at once. */
enum { CYCLE_LEAST_NS = 1000, LOST_CYCLE_LEAST_NS = 1000000 };

/* ---- the heap ---- */

static void push_event(Station *s, int64_t at_ns, EventClass class, uint32_t sequence, uint32_t what, uint32_t stamp) {
  heap_push(s->events, (HeapItem){at_ns, event_rank(class, s->deployment, sequence), (uint64_t)stamp << 32 | what});
}

static void push_departure(Station *s, uint32_t slot) {
  push_event(s, s->slot[slot].free_ns, CLASS_DEPARTURE, slot, slot, s->slot[slot].stamp);
}

static void push_server(Station *s, uint32_t e) {
  Entry *entry = &s->entry[e];
  int64_t next = s->service->server->next(station_params(s, entry), entry->server);
  entry->server_stamp++;
  if (next != INSTANT_NEVER) push_event(s, next, CLASS_DEPARTURE, e, e, entry->server_stamp);
}

static void push_expiry(Station *s, uint32_t id) {
  const Job *job = &s->job[id];
  if (job->deadline_ns != INSTANT_NEVER && !job->abandoned)
    push_event(s, job->deadline_ns, CLASS_EXPIRY, (uint32_t)job->index, id, job->stamp);
}

/* Re-arrivals (retries, routes) stay; everything else of the station is planned anew from its canonical state. */
static void rebuild_events(Station *s) {
  Heap *heap = s->events;
  size_t n = heap->count;
  heap->count = 0;
  for (size_t k = 0; k < n; k++) {
    HeapItem item = heap->item[k];
    bool mine = ((uint32_t)(item.rank >> 32) & 0xffffffu) == s->deployment;
    if (!mine || event_class(item.rank) == CLASS_ARRIVAL) heap_push(heap, item); /* never writes past k */
  }
  for (uint32_t slot = 0, end = s->n_entries * s->slots_per_entry; slot < end; slot++) {
    if (s->slot[slot].job == JOB_NONE) continue;
    if (!s->service->server && !station_is_held(s, &s->slot[slot])) push_departure(s, slot);
    if (s->total_timeout) push_expiry(s, s->slot[slot].job);
  }
  for (uint32_t id = s->waiting.head; id != JOB_NONE && s->has_patience; id = s->job[id].next) push_expiry(s, id);
  for (uint32_t e = 0; e < s->n_entries; e++) {
    Entry *entry = &s->entry[e];
    if (entry->state == ENTRY_FREE || entry->state == ENTRY_STARTING) continue;
    for (uint32_t id = entry->queue.head; id != JOB_NONE && s->has_patience; id = s->job[id].next) push_expiry(s, id);
    if (s->service->server) push_server(s, e);
  }
}

/* ---- starting ---- */

static void server_start(Station *s, uint32_t e, uint32_t slot, uint32_t id, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  Job *job = &s->job[id];
  entry->idle_hint = slot - e * s->slots_per_entry + 1;
  (void)hot_service_ns(s, job, entry); /* the work under the entry's variant */
  s->slot[slot].job = id;
  s->slot[slot].variant = entry->variant;
  s->slot[slot].start_ns = now_ns;
  s->slot[slot].free_ns = INSTANT_NEVER;
  station_serve(s, entry, now_ns, 1);
  s->service->server->admit(station_params(s, entry), entry->server, now_ns, (ServerJob){slot, job->work_ns, job->input, job->output, s->rank ? order_rank(s, id) : 0});
  station_refresh_use(s, e, now_ns);
  station_log(s, 's', now_ns, job, entry->id);
  if (!s->service->server->take) push_server(s, e);
}

static void start(Station *s, uint32_t slot, uint32_t id, int64_t now_ns) {
  uint32_t e = station_slot_entry(s, slot);
  s->job[id].place = slot;
  s->job[id].in_service = s->job[id].touched = true;
  s->slot[slot].stamp++;
  if (!s->total_timeout) s->job[id].stamp++;
  if (s->service->server) {
    server_start(s, e, slot, id, now_ns);
  } else {
    hot_start(s, slot, id, now_ns);
    push_departure(s, slot);
  }
}

/* The idle slot that has been idle longest, of one entry or of all eligible ones. */
static uint32_t idle_slot_of(const Station *s, uint32_t e, uint32_t pick) {
  uint32_t first = e * s->slots_per_entry;
  if (s->entry[e].busy == s->slots_per_entry) return pick;
  if (s->entry[e].server) { /* its slots only hold jobs: any idle one will do, if the entry has been idle longest */
    uint32_t k = first + s->entry[e].idle_hint;
    while (s->slot[k].job != JOB_NONE) k++;
    return pick == SLOT_NONE || s->slot[k].free_ns < s->slot[pick].free_ns ? k : pick;
  }
  for (uint32_t k = first; k < first + s->slots_per_entry; k++)
    if (s->slot[k].job == JOB_NONE && (pick == SLOT_NONE || s->slot[k].free_ns < s->slot[pick].free_ns)) pick = k;
  return pick;
}

static uint32_t idle_slot(const Station *s) {
  uint32_t pick = SLOT_NONE;
  for (uint32_t k = 0; k < s->n_eligible; k++) pick = idle_slot_of(s, s->eligible[k], pick);
  return pick;
}

/* Out of the queue of an entry (NULL: the common one). */
static void leave_queue(Station *s, Queue *queue, Entry *entry, uint32_t id, int64_t now_ns) {
  order_remove(s, queue, id);
  station_wait(s, now_ns, -1);
  if (entry) entry->queued_ns -= hot_service_ns(s, &s->job[id], entry);
}

static uint32_t leave_head(Station *s, Queue *queue, Entry *entry, int64_t now_ns) {
  uint32_t id = queue->head;
  leave_queue(s, queue, entry, id, now_ns);
  return id;
}

static Queue *queue_of(Station *s, Entry *entry) { return s->central ? &s->waiting : &entry->queue; }

/* A server that says itself when jobs start is asked until it wants no more; a draining one is not offered any. */
static bool ask_taker(Station *s, uint32_t e, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  if (entry->state != ENTRY_READY && entry->state != ENTRY_DRAINING) return false;
  Queue *queue = queue_of(s, entry);
  bool took = false;
  for (;;) {
    ServerQueue waiting = {0};
    const Job *head = queue->count && entry->state == ENTRY_READY && entry->busy < s->slots_per_entry ? &s->job[queue->head] : NULL;
    if (head) waiting = (ServerQueue){queue->count, head->enqueued_ns, head->input, head->output, order_longest_ns(s, queue), s->rank ? order_rank(s, queue->head) : 0};
    uint64_t n = s->service->server->take(station_params(s, entry), entry->server, now_ns, &waiting);
    CHECK(n <= waiting.count);
    if (n == 0) break;
    took = true;
    for (; n > 0; n--) {
      uint32_t slot = idle_slot_of(s, e, SLOT_NONE);
      CHECK(slot != SLOT_NONE);
      start(s, slot, leave_head(s, queue, s->central ? NULL : entry, now_ns), now_ns);
    }
  }
  station_refresh_use(s, e, now_ns);
  push_server(s, e);
  return took;
}

/* All that share the common queue, idle ones first. Whoever takes changes what is first, for those that were asked before, too. */
static void serve_takers(Station *s, int64_t now_ns) {
  for (bool took = true; took;) {
    took = false;
    for (int busy = 0; busy < 2; busy++)
      for (uint32_t k = 0; k < s->n_eligible; k++)
        if ((s->entry[s->eligible[k]].busy > 0) == busy) took |= ask_taker(s, s->eligible[k], now_ns);
    took = took && s->waiting.count;
  }
}

static void serve_taker(Station *s, uint32_t e, int64_t now_ns) {
  if (ask_taker(s, e, now_ns) && s->central && s->waiting.count) serve_takers(s, now_ns);
}

/* An entry with an idle slot takes what waits for it. */
static void serve(Station *s, uint32_t e, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  if (s->takes) {
    serve_taker(s, e, now_ns);
    return;
  }
  if (entry->state != ENTRY_READY) return;
  Queue *queue = s->central ? &s->waiting : &entry->queue;
  while (queue->count) {
    uint32_t slot = s->central ? idle_slot(s) : idle_slot_of(s, e, SLOT_NONE);
    if (slot == SLOT_NONE) return;
    start(s, slot, leave_head(s, queue, s->central ? NULL : entry, now_ns), now_ns);
  }
}

static void enqueue(Station *s, uint32_t e, uint32_t id, Join join, int64_t now_ns) {
  Job *job = &s->job[id];
  job->enqueued_ns = now_ns;
  job->place = e;
  job->touched = true;
  job->in_service = false;
  if (e == ENTRY_NONE) {
    order_join(s, &s->waiting, id, join);
  } else {
    s->entry[e].queued_ns += hot_service_ns(s, job, &s->entry[e]);
    order_join(s, &s->entry[e].queue, id, join);
  }
  station_wait(s, now_ns, 1);
  push_expiry(s, id);
}

/* A job joins the queue of an entry (ENTRY_NONE: the common one) and whoever takes from it is asked. */
static void wait_for_taker(Station *s, uint32_t e, uint32_t id, Join join, int64_t now_ns) {
  enqueue(s, e, id, join, now_ns);
  if (e != ENTRY_NONE) serve_taker(s, e, now_ns);
  else if (s->central) serve_takers(s, now_ns);
}

/* ---- preemption: only where services are laws ---- */

/* The job of a slot waits again, before the others of its rank, and will go on where it was: it is returned. That of a client who has left
 * ends here. */
static uint32_t preempt(Station *s, uint32_t slot_index, int64_t now_ns) {
  const Slot *slot = &s->slot[slot_index];
  uint32_t e = station_slot_entry(s, slot_index);
  int64_t start_ns = slot->start_ns, left_ns = slot->free_ns - now_ns;
  uint32_t id = station_evict(s, slot_index, now_ns);
  Job *job = &s->job[id];
  if (job->abandoned) {
    station_free_job(s, id);
    return JOB_NONE;
  }
  job->waited_ns += start_ns - job->enqueued_ns;
  job->work_ns = (double)left_ns * s->entry[e].speed;
  job->variant = VARIANT_LEFT;
  job->stamp++;
  if (!s->total_timeout) job->deadline_ns = INSTANT_NEVER; /* patience was for the wait before the first start */
  enqueue(s, s->central ? ENTRY_NONE : e, id, JOIN_FIRST, now_ns);
  return id;
}

/* After requeues, a job may wait whose rank is above that of one in service. */
static void preempt_for_head(Station *s, uint32_t e, int64_t now_ns) {
  Queue *queue = e == ENTRY_NONE ? &s->waiting : &s->entry[e].queue;
  while (queue->count) {
    uint32_t slot = order_slot_below(s, e, queue->head);
    if (slot == SLOT_NONE) return;
    uint32_t id = leave_head(s, queue, e == ENTRY_NONE ? NULL : &s->entry[e], now_ns);
    preempt(s, slot, now_ns);
    start(s, slot, id, now_ns);
  }
}

static void preempt_for_heads(Station *s, int64_t now_ns) {
  if (s->central) preempt_for_head(s, ENTRY_NONE, now_ns);
  for (uint32_t k = 0; k < s->n_eligible && !s->central; k++) preempt_for_head(s, s->eligible[k], now_ns);
}

static void after_control(Station *s, int64_t now_ns) {
  s->changed = false;
  rebuild_events(s);
  for (uint32_t k = 0; k < s->n_eligible; k++) serve(s, s->eligible[k], now_ns);
  while (!s->central && s->waiting.count && s->n_eligible) {
    uint32_t id = leave_head(s, &s->waiting, NULL, now_ns);
    Job *job = &s->job[id];
    job->waited_ns += now_ns - job->enqueued_ns;
    job->enqueued_ns = now_ns;
    job->stamp++;
    uint32_t e = station_choose(s, job, now_ns), slot = s->takes ? SLOT_NONE : idle_slot_of(s, e, SLOT_NONE);
    if (s->takes) {
      wait_for_taker(s, e, id, JOIN_LAST, now_ns);
    } else if (slot != SLOT_NONE) {
      if (s->total_timeout) push_expiry(s, id);
      start(s, slot, id, now_ns);
    } else {
      enqueue(s, e, id, JOIN_LAST, now_ns);
    }
  }
  if (s->preempts) preempt_for_heads(s, now_ns);
}

/* ---- what happens ---- */

static void set_deadline(Station *s, Job *job, int64_t now_ns) {
  job->deadline_ns = INSTANT_NEVER;
  if (!s->has_patience) return;
  int64_t patience = s->patience_ns;
  if (!s->fixed_patience) {
    Stream stream = stream_make(s->seed, s->entity, PURPOSE_PATIENCE, s->replication);
    patience = ns_from_double(distribution_quantile(&s->spec->queue.timeout.after_ns, stream_uniform(&stream, job->index)));
  }
  job->deadline_ns = now_ns + patience;
}

/* A job came to a queue that may have been full. Where it waits, it or whom it displaces is dropped. */
static bool drop_surplus(Station *s, uint32_t e, uint32_t came, int64_t now_ns) {
  Entry *entry = e == ENTRY_NONE ? NULL : &s->entry[e];
  Queue *queue = entry ? &entry->queue : &s->waiting;
  if ((int64_t)queue->count <= s->queue_limit || s->job[came].in_service) return false;
  uint32_t id = order_surplus(s, queue, came);
  Job *job = &s->job[id];
  leave_queue(s, queue, entry, id, now_ns);
  job->waited_ns += now_ns - job->enqueued_ns;
  station_lose(s, id, LOSS_DROPPED, now_ns);
  return true;
}

/* Whether it must wait shows when the servers have been asked: what stands behind the limit then is dropped. */
static void arrive_for_taker(Station *s, uint32_t id, int64_t now_ns) {
  uint32_t e = s->central ? ENTRY_NONE : station_choose(s, &s->job[id], now_ns);
  wait_for_taker(s, e, id, JOIN_IN_TURN, now_ns);
  if (!drop_surplus(s, e, id, now_ns)) return;
  if (e != ENTRY_NONE) serve_taker(s, e, now_ns); /* it waits for nobody now */
  else if (s->central) serve_takers(s, now_ns);
}

/* All slots are busy: it takes another job's, or waits, or finds the queue full. */
static void arrive_at_busy(Station *s, uint32_t e, uint32_t id, int64_t now_ns) {
  const Queue *queue = e == ENTRY_NONE ? &s->waiting : &s->entry[e].queue;
  uint32_t waits = id;
  uint32_t slot = s->preempts && (s->central || e != ENTRY_NONE) ? order_slot_below(s, e, id) : SLOT_NONE;
  if (slot != SLOT_NONE) {
    if (s->total_timeout) push_expiry(s, id);
    waits = preempt(s, slot, now_ns);
    start(s, slot, id, now_ns);
  } else if (s->order != ORDER_PRIORITY && (int64_t)queue->count >= s->queue_limit) {
    station_lose(s, id, LOSS_DROPPED, now_ns);
    return;
  } else {
    enqueue(s, e, id, JOIN_IN_TURN, now_ns);
  }
  if (s->order == ORDER_PRIORITY && waits != JOB_NONE) drop_surplus(s, e, waits, now_ns);
}

static void arrive(Station *s, uint32_t id, int64_t now_ns) {
  Job *job = &s->job[id];
  set_deadline(s, job, now_ns);
  station_log(s, 'a', now_ns, job, 0);
  job->enqueued_ns = now_ns;
  job->in_service = false;
  if (s->takes) {
    arrive_for_taker(s, id, now_ns);
    if (s->n_waiting > (uint64_t)s->spec->queue.max_queue) s->overflow = s->n_waiting;
    return;
  }
  uint32_t e = s->central ? ENTRY_NONE : station_choose(s, job, now_ns);
  uint32_t slot = s->central ? (s->waiting.count ? SLOT_NONE : idle_slot(s)) : e == ENTRY_NONE ? SLOT_NONE : idle_slot_of(s, e, SLOT_NONE);
  if (slot != SLOT_NONE) {
    if (s->total_timeout) push_expiry(s, id);
    start(s, slot, id, now_ns);
  } else {
    arrive_at_busy(s, e, id, now_ns);
  }
  if (s->n_waiting > (uint64_t)s->spec->queue.max_queue) s->overflow = s->n_waiting;
}

bool plain_retry(Station *s, uint32_t id, int64_t now_ns) {
  const RetrySpec *retry = &s->spec->retry;
  Job *job = &s->job[id];
  uint64_t attempt = (job->index >> ATTEMPT_SHIFT & 0xff) + 1; /* the next one's number */
  if ((int64_t)attempt >= retry->attempts) return false;
  double wait_ns = (double)retry->backoff_ns;
  for (uint64_t k = 1; k < attempt; k++) wait_ns *= retry->factor;
  if (retry->jitter_ratio > 0) {
    Stream stream = stream_make(s->seed, s->entity, PURPOSE_BACKOFF, s->replication);
    wait_ns *= 1 + retry->jitter_ratio * (2 * stream_uniform(&stream, job->index) - 1);
  }
  job->touched = true;
  job->index += UINT64_C(1) << ATTEMPT_SHIFT;
  job->variant = (int16_t)s->arrivals.variant;
  job->work_ns = station_work(s, job, job->variant);
  job->stamp++;
  s->n_elsewhere++;
  push_event(s, now_ns + ns_from_double(wait_ns), CLASS_ARRIVAL, s->flow->sequence++, id, job->stamp);
  return true;
}

/* A client's next job, when it has thought. Its number, and so all its draws, follow from the number of the one before. */
static void client_goes_on(Station *s, uint64_t before, int64_t now_ns) {
  uint64_t number = before + s->clients.clients;
  Stream gap = stream_make(s->seed, s->entity, PURPOSE_GAP, s->replication);
  int64_t think_ns = ns_from_double(distribution_quantile(s->clients.think_ns, stream_uniform(&gap, number)));
  if (think_ns >= s->meter.horizon_ns - now_ns) return;
  uint32_t id = hot_new_job(s);
  Job *job = &s->job[id];
  job->first_ns = now_ns + think_ns;
  job->index = number;
  job->variant = (int16_t)s->arrivals.variant;
  arrivals_sizes(&s->arrivals, number, &job->input, &job->output);
  job->work_ns = station_work(s, job, job->variant);
  job->touched = true;
  job->stamp++;
  s->n_thinking++;
  push_event(s, job->first_ns, CLASS_ARRIVAL, s->flow->sequence++, id, job->stamp);
}

/* The call that a job was made by; false if there is none, or whoever made it has lost its slot since. */
static bool take_call(const Station *s, uint32_t id, Call *call) {
  if (!s->job[id].called) return false;
  *call = s->call[id];
  return s->flow->all[call->deployment]->slot[call->slot].stamp == call->stamp;
}

static void set_call(Station *s, uint32_t id, Call call) {
  if (id >= s->call_capacity) {
    s->call = arena_grow(s->arena, s->call, s->call_capacity, s->job_capacity, sizeof *s->call);
    s->call_capacity = s->job_capacity;
  }
  s->call[id] = call;
  s->job[id].called = s->job[id].touched = true;
}

/* One job leaves: freed, and its client, if it has one, goes on. */
static void leave(Station *s, uint32_t id, bool lost, int64_t now_ns) {
  const Job *job = &s->job[id];
  Station *source = s->flow->all[job->source];
  uint64_t number = job->index & ((UINT64_C(1) << ATTEMPT_SHIFT) - 1);
  int64_t least_ns = job->first_ns + (lost ? LOST_CYCLE_LEAST_NS : CYCLE_LEAST_NS);
  bool goes_on = source->closed && !job->abandoned && !job->called;
  station_free_job(s, id);
  if (goes_on) client_goes_on(source, number, now_ns < least_ns ? least_ns : now_ns);
}

/* The caller's job ends with its call. False where it is tried again. */
static bool end_call(Station *s, Call call, bool lost, uint32_t *id, int64_t now_ns) {
  Slot *slot = &s->slot[call.slot];
  station_hold(s, &s->entry[station_slot_entry(s, call.slot)], now_ns, -1);
  slot->free_ns = now_ns;
  slot->stamp++;
  if (!lost || s->job[slot->job].abandoned) {
    *id = hot_finish(s, call.slot);
    return true;
  }
  *id = station_evict(s, call.slot, now_ns);
  if (plain_retry(s, *id, now_ns)) return false;
  station_book_loss(s, &s->job[*id], LOSS_FAILED, now_ns);
  return true;
}

void plain_leave(Station *s, uint32_t id, bool lost, int64_t now_ns) {
  Call call;
  while (take_call(s, id, &call)) {
    leave(s, id, lost, now_ns);
    s = s->flow->all[call.deployment];
    uint32_t e = station_slot_entry(s, call.slot);
    bool ended = end_call(s, call, lost, &id, now_ns);
    station_call_changed(s, e, now_ns);
    serve(s, e, now_ns);
    if (!ended) return;
  }
  leave(s, id, lost, now_ns);
}

/* The job's next deployment, drawn; that of nobody when it leaves. */
static Station *next_station(const Station *from, const Job *job) {
  Stream stream = stream_make(from->seed, station_work_entity(from, job), PURPOSE_ROUTE, from->replication);
  double u = stream_uniform(&stream, job->index), sum = 0;
  const Scenario *scenario = from->scenario;
  size_t n = scenario->deployments.count;
  for (size_t to = 0; to < n; to++) {
    double p = scenario->route_probability[from->deployment * n + to];
    sum += p;
    if (p > 0 && u < sum) return from->flow->all[to];
  }
  return NULL;
}

/* The job as it comes to its next deployment, which it does at this instant. */
static uint32_t send(Station *from, uint32_t id, Station *s, int64_t now_ns) {
  uint32_t next_id = hot_new_job(s);
  const Job *job = &from->job[id]; /* hot_new_job may have moved the jobs */
  Job *next = &s->job[next_id];
  uint32_t stamp = next->stamp + 1;
  *next = *job;
  next->touched = true;
  next->called = false;
  next->stamp = stamp;
  next->index = job->index & ~(UINT64_C(0xff) << ATTEMPT_SHIFT);
  if (next->index >> HOP_SHIFT < HOPS) {
    next->index += UINT64_C(1) << HOP_SHIFT;
  } else { /* the hop number is full: further hops draw under another name */
    next->index = (next->index & ((UINT64_C(1) << HOP_SHIFT) - 1)) + (UINT64_C(1) << HOP_SHIFT);
    next->origin = next->origin * 2654435761u + 1;
  }
  next->first_ns = now_ns;
  next->waited_ns = 0;
  next->variant = (int16_t)s->arrivals.variant;
  next->work_ns = station_work(s, next, next->variant);
  if (s->sized) s->backlog_units += next->input;
  s->n_elsewhere++;
  push_event(s, now_ns, CLASS_ARRIVAL, s->flow->sequence++, next_id, stamp);
  return next_id;
}

/* A job whose service has ended calls another: it stays in its slot. */
static void call(Station *from, uint32_t slot, Station *to, int64_t now_ns) {
  uint32_t id = from->slot[slot].job, next_id = send(from, id, to, now_ns);
  from->slot[slot].free_ns = INSTANT_NEVER;
  set_call(to, next_id, (Call){from->deployment, slot, ++from->slot[slot].stamp});
  uint32_t e = station_slot_entry(from, slot);
  station_hold(from, &from->entry[e], now_ns, 1);
  station_call_changed(from, e, now_ns);
}

/* A finished job goes on to another deployment, with the call that waits for it. */
static void move_on(Station *from, uint32_t id, Station *to, int64_t now_ns) {
  uint32_t next_id = send(from, id, to, now_ns);
  if (from->job[id].called) set_call(to, next_id, from->call[id]);
  station_free_job(from, id);
}

static void depart(Station *s, uint32_t slot, int64_t now_ns) {
  const Job *job = &s->job[s->slot[slot].job];
  Station *to = s->spec->route.count && !job->abandoned ? next_station(s, job) : NULL;
  if (to && s->scenario->route_holds[s->deployment * s->scenario->deployments.count + to->deployment]) {
    call(s, slot, to, now_ns);
    return;
  }
  s->slot[slot].stamp++;
  uint32_t id = hot_finish(s, slot);
  if (to) move_on(s, id, to, now_ns);
  else plain_leave(s, id, false, now_ns);
}

/* One job of a server, or SERVER_NONE, when its next instant has come. */
static uint32_t server_complete(Station *s, uint32_t e, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  uint32_t slot = s->service->server->complete(station_params(s, entry), entry->server, now_ns);
  if (slot == SERVER_NONE) return slot;
  s->slot[slot].free_ns = now_ns;
  if (slot - e * s->slots_per_entry < entry->idle_hint) entry->idle_hint = slot - e * s->slots_per_entry;
  station_refresh_use(s, e, now_ns);
  const Job *job = &s->job[s->slot[slot].job];
  if (s->meter.tokens && !job->abandoned) {
    int slice = row_of(s->meter.horizon_ns, job->first_ns) / ROWS_PER_SLICE;
    tokens_book(s->meter.tokens, slice, job->first_ns, s->service->server->first_output(entry->server), now_ns, job->output);
  }
  depart(s, slot, now_ns);
  return slot;
}

static void departure(Station *s, uint32_t what, uint32_t stamp, int64_t now_ns) {
  uint32_t e = what;
  if (s->service->server) {
    Entry *entry = &s->entry[e];
    if (entry->server_stamp != stamp || entry->state == ENTRY_FREE) return;
    uint32_t slot = server_complete(s, e, now_ns);
    while (s->takes && slot != SERVER_NONE && s->service->server->next(station_params(s, entry), entry->server) <= now_ns) slot = server_complete(s, e, now_ns);
    if (!s->takes) push_server(s, e);
  } else {
    if (s->slot[what].stamp != stamp) return;
    e = station_slot_entry(s, what);
    depart(s, what, now_ns);
  }
  serve(s, e, now_ns);
}

static void server_cancel(Station *s, uint32_t e, uint32_t slot, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  s->service->server->cancel(station_params(s, entry), entry->server, now_ns, slot);
  station_refresh_use(s, e, now_ns);
  push_server(s, e);
}

static void expiry_in_service(Station *s, uint32_t id, int64_t now_ns) {
  uint32_t slot = s->job[id].place, e = station_slot_entry(s, slot);
  if (s->spec->queue.timeout.work == TIMEOUT_WASTE) {
    uint32_t copy = hot_new_job(s); /* may move the jobs */
    Job *job = &s->job[id];
    uint32_t stamp = s->job[copy].stamp + 1;
    s->job[copy] = *job;
    s->job[copy].stamp = stamp;
    s->job[copy].touched = true;
    if (s->sized) s->backlog_units += job->input;
    if (job->called) set_call(s, copy, s->call[id]);
    job->called = false;
    job->abandoned = job->touched = true;
    job->stamp++;
    station_lose(s, copy, LOSS_ABANDONED, now_ns);
    return;
  }
  if (s->service->server) server_cancel(s, e, slot, now_ns);
  station_evict(s, slot, now_ns);
  station_lose(s, id, LOSS_ABANDONED, now_ns);
  serve(s, e, now_ns);
}

static void expiry(Station *s, uint32_t id, uint32_t stamp, int64_t now_ns) {
  Job *job = &s->job[id];
  if (job->stamp != stamp) return;
  if (job->in_service) {
    expiry_in_service(s, id, now_ns);
    return;
  }
  Entry *entry = job->place == ENTRY_NONE ? NULL : &s->entry[job->place];
  leave_queue(s, entry ? &entry->queue : &s->waiting, entry, id, now_ns);
  job->waited_ns += now_ns - job->enqueued_ns;
  uint32_t e = job->place;
  station_lose(s, id, LOSS_ABANDONED, now_ns);
  if (s->takes && e != ENTRY_NONE) serve_taker(s, e, now_ns); /* another may be first now */
  else if (s->takes && s->central) serve_takers(s, now_ns);
}

static void rearrival(Station *s, uint32_t id, int64_t now_ns) {
  bool from_client = s->job[id].index >> ATTEMPT_SHIFT == 0; /* neither hops nor attempts before */
  if (from_client && s->sized) s->backlog_units += s->job[id].input;
  if (from_client) s->n_thinking--, s->n_thought++;
  else s->n_elsewhere--;
  s->meter.jobs.attempts++;
  if ((s->job[id].index >> ATTEMPT_SHIFT & 0xff) == 0) {
    s->meter.jobs.offered++;
    s->meter.units += s->job[id].input;
    s->meter.output_units += s->job[id].output;
  }
  arrive(s, id, now_ns);
}

static void do_event(Flow *flow, HeapItem item) {
  Station *s = flow->all[item.rank >> 32 & 0xffffffu];
  uint32_t what = (uint32_t)item.payload, stamp = (uint32_t)(item.payload >> 32);
  switch (event_class(item.rank)) {
    case CLASS_DEPARTURE: departure(s, what, stamp, item.time_ns); return;
    case CLASS_EXPIRY: expiry(s, what, stamp, item.time_ns); return;
    case CLASS_ARRIVAL: rearrival(s, what, item.time_ns); return;
    case CLASS_FAILURE:
    case CLASS_READY:
    case CLASS_SCRAPE:
    case CLASS_CONTROL: break;
  }
  CHECK(false);
}

bool plain_is_arrival(const Station *s, HeapItem item) {
  return event_class(item.rank) == CLASS_ARRIVAL && ((uint32_t)(item.rank >> 32) & 0xffffffu) == s->deployment;
}

/* The station whose next job from outside comes first. */
static Station *next_source(Flow *flow, int64_t *at_ns) {
  Station *first = flow->station[0];
  *at_ns = arrivals_peek(&first->arrivals);
  for (uint32_t k = 1; k < flow->n_stations; k++) {
    int64_t t = arrivals_peek(&flow->station[k]->arrivals);
    if (t < *at_ns) *at_ns = t, first = flow->station[k];
  }
  return first;
}

static bool overflowed(const Flow *flow) {
  for (uint32_t k = 0; k < flow->n_stations; k++)
    if (flow->station[k]->overflow) return true;
  return false;
}

/* Whether what an event was planned for is no longer so. */
static bool is_stale(const Flow *flow, const HeapItem *item) {
  const Station *s = flow->all[item->rank >> 32 & 0xffffffu];
  uint32_t what = (uint32_t)item->payload, stamp = (uint32_t)(item->payload >> 32);
  if (event_class(item->rank) == CLASS_ARRIVAL) return false;
  if (event_class(item->rank) == CLASS_EXPIRY) return s->job[what].stamp != stamp;
  return s->service->server ? s->entry[what].server_stamp != stamp : s->slot[what].stamp != stamp;
}

/* Patience that outlived its job leaves events behind: they go when they are most of the heap. */
static void compact_events(Flow *flow) {
  Heap *heap = &flow->events;
  uint64_t live = 4096;
  for (uint32_t k = 0; k < flow->n_stations; k++) live += 2 * (flow->station[k]->n_waiting + flow->station[k]->n_busy + flow->station[k]->n_elsewhere + flow->station[k]->n_thinking);
  if (heap->count < 2 * live) return;
  size_t n = heap->count;
  heap->count = 0;
  for (size_t k = 0; k < n; k++) {
    HeapItem item = heap->item[k];
    if (!is_stale(flow, &item)) heap_push(heap, item); /* never writes past k */
  }
}

void loop_plain(Flow *flow, int64_t from_ns, int64_t last_ns, int64_t end_ns) {
  for (uint32_t k = 0; k < flow->n_stations; k++)
    if (flow->station[k]->changed) after_control(flow->station[k], from_ns);
  Heap *heap = &flow->events;
  while (!overflowed(flow)) {
    int64_t arrival;
    Station *source = next_source(flow, &arrival);
    if (heap->count && heap->item[0].time_ns <= arrival) {
      bool is_arrival = event_class(heap->item[0].rank) == CLASS_ARRIVAL;
      if (is_arrival ? heap->item[0].time_ns >= end_ns : heap->item[0].time_ns > last_ns) return;
      do_event(flow, heap_pop(heap));
    } else {
      if (arrival >= end_ns) return;
      compact_events(flow);
      arrive(source, hot_take_arrival(source), arrival);
    }
  }
}
