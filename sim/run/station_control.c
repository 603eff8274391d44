/* Control operations on a station, between windows: replicas come, drain, fail, are resized or swapped to another variant. They
 * change the canonical state only and set `changed`; whoever can start does so when the next window opens. */
#include <string.h>

#include "sim/base/check.h"
#include "sim/run/queue_order.h"
#include "sim/run/station.h"

/* Every operation finds its entry here, and may change what the next local event is. */
static Entry *entry_of(Station *s, uint32_t replica, uint32_t *index) {
  s->local_known = false;
  for (uint32_t e = 0; e < s->n_entries; e++)
    if (s->entry[e].state != ENTRY_FREE && s->entry[e].id == replica) {
      *index = e;
      return &s->entry[e];
    }
  CHECK(false);
}

bool station_holds(const Station *s, uint32_t replica) {
  for (uint32_t e = 0; e < s->n_entries; e++)
    if (s->entry[e].state != ENTRY_FREE && s->entry[e].id == replica) return true;
  return false;
}

bool station_serves(const Station *s, uint32_t replica) {
  for (uint32_t e = 0; e < s->n_entries; e++)
    if (s->entry[e].state != ENTRY_FREE && s->entry[e].id == replica) return s->entry[e].busy > 0;
  return false;
}

static void eligible_rebuild(Station *s) {
  s->n_eligible = 0;
  for (uint32_t e = 0; e < s->n_entries; e++)
    if (s->entry[e].state == ENTRY_READY) s->eligible[s->n_eligible++] = e;
  s->changed = true;
}

/* ---- entries ---- */

static uint32_t entry_new(Station *s) {
  for (uint32_t e = 0; e < s->n_entries; e++)
    if (s->entry[e].state == ENTRY_FREE) return e;
  if (s->n_entries == s->entry_capacity) {
    uint32_t grown = s->entry_capacity ? s->entry_capacity * 2 : 8;
    s->entry = arena_grow(s->arena, s->entry, s->n_entries, grown, sizeof *s->entry);
    s->slot = arena_grow(s->arena, s->slot, (size_t)s->n_entries * s->slots_per_entry, (size_t)grown * s->slots_per_entry, sizeof *s->slot);
    s->eligible = arena_grow(s->arena, s->eligible, s->n_eligible, grown, sizeof *s->eligible);
    s->entry_capacity = grown;
  }
  return s->n_entries++;
}

static void server_begin(Station *s, Entry *entry, int64_t now_ns) {
  const ServerModel *server = s->service->server;
  if (!server) return;
  if (!entry->server) entry->server = arena_alloc(s->arena, 1, station_server_bytes(s));
  server->begin(station_params(s, entry), entry->server, s->concurrency, s->slots_per_entry, now_ns, entry->speed);
}

uint32_t station_add(Station *s, uint32_t replica, int variant, double speed, int64_t usage_millicores, int64_t request_millicores,
                     int64_t ready_ns, int64_t now_ns) {
  uint32_t e = entry_new(s);
  Entry *entry = &s->entry[e];
  void *server = entry->server;
  uint32_t stamp = entry->server_stamp, generation = entry->generation;
  Queue queue = order_new_queue(s, entry->queue.last);
  *entry = (Entry){.state = ENTRY_STARTING, .id = replica, .variant = variant, .speed = speed, .slowness = 1 / speed,
                   .usage_millicores = usage_millicores, .request_millicores = request_millicores, .ready_ns = ready_ns,
                   .swap_ns = INSTANT_NEVER, .drained_ns = INSTANT_NEVER, .kill_ns = INSTANT_NEVER,
                   .queue = queue, .server = server, .server_stamp = stamp + 1, .generation = generation + 1,
                   .began_ns = now_ns};
  for (uint32_t k = e * s->slots_per_entry, end = k + s->slots_per_entry; k < end; k++) {
    s->slot[k].job = JOB_NONE;
    s->slot[k].entry = e;
    s->slot[k].free_ns = INSTANT_NEVER;
    s->slot[k].stamp++;
  }
  s->n_starting++;
  s->local_known = false;
  return e;
}

static void entry_ready(Station *s, uint32_t e, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  entry->state = ENTRY_READY;
  entry->ready_ns = INSTANT_NEVER;
  s->n_starting--;
  s->n_ready++;
  s->request_sum += entry->request_millicores;
  for (uint32_t k = e * s->slots_per_entry, end = k + s->slots_per_entry; k < end; k++) s->slot[k].free_ns = now_ns;
  server_begin(s, entry, now_ns);
  if (s->n_ready == 1) arrivals_set_variant(&s->arrivals, entry->variant);
  eligible_rebuild(s);
}

/* Leaves READY. */
static void entry_unready(Station *s, Entry *entry) {
  s->n_ready--;
  s->request_sum -= entry->request_millicores;
}

static void notice_add(Station *s, Notice notice) {
  if (s->n_notices == s->notice_capacity) {
    uint32_t grown = s->notice_capacity ? s->notice_capacity * 2 : 8;
    s->notice = arena_grow(s->arena, s->notice, s->n_notices, grown, sizeof *s->notice);
    s->notice_capacity = grown;
  }
  s->notice[s->n_notices++] = notice;
}

static void entry_gone(Station *s, Entry *entry, int64_t now_ns, bool tell) {
  CHECK(entry->busy == 0 && entry->queue.count == 0);
  if (tell) notice_add(s, (Notice){now_ns, entry->id});
  entry->state = ENTRY_FREE;
  entry->ready_ns = entry->swap_ns = entry->drained_ns = entry->kill_ns = INSTANT_NEVER;
  eligible_rebuild(s);
}

/* ---- jobs that lose their replica ---- */

/* A job that must find another replica (its own is draining or failed): to the central queue, or to a chosen replica's. */
static void requeue(Station *s, uint32_t id, Join join, int64_t now_ns) {
  Job *job = &s->job[id];
  job->enqueued_ns = now_ns;
  job->touched = true;
  job->stamp++;
  job->in_service = false;
  job->place = ENTRY_NONE;
  Queue *queue = &s->waiting;
  if (!s->central) {
    uint32_t e = station_choose(s, job, now_ns);
    if (e != ENTRY_NONE) {
      queue = &s->entry[e].queue;
      job->place = e;
      s->entry[e].queued_ns += station_service_ns(s, job, &s->entry[e]);
    }
  }
  order_join(s, queue, id, join);
  station_wait(s, now_ns, 1);
  s->changed = true;
}

/* What a failure (or a kill) does to one job whose service had begun at start_ns and had left_ns to go. */
static void job_interrupted(Station *s, uint32_t id, int64_t start_ns, double left_work_ns, bool fails, int64_t now_ns) {
  Job *job = &s->job[id];
  const FailureSpec *failure = &s->spec->failure;
  s->meter.level.interrupted += !job->abandoned;
  if (job->abandoned) {
    station_free_job(s, id);
    return;
  }
  if (fails || failure->jobs == ON_FAILURE_FAIL) {
    station_lose(s, id, LOSS_FAILED, now_ns);
    return;
  }
  job->waited_ns += start_ns - job->enqueued_ns;
  if (!s->total_timeout) job->deadline_ns = INSTANT_NEVER; /* patience was for the wait before the first start */
  if (failure->work == FAILED_WORK_RESUME) {
    job->work_ns = left_work_ns;
    job->variant = VARIANT_LEFT;
  } else if (job->variant == VARIANT_LEFT) { /* of a preemption: it begins from the beginning all the same */
    job->variant = (int16_t)s->arrivals.variant;
    job->work_ns = station_work(s, job, job->variant);
  }
  requeue(s, id, failure->jobs == ON_FAILURE_REQUEUE_HEAD ? JOIN_FIRST : JOIN_LAST, now_ns);
}

/* The jobs in service of an entry, oldest start first (lowest slot in a tie), leave it. Head requeues run backwards, so that they
 * keep that order in the queue. */
static void entry_interrupt(Station *s, uint32_t e, bool fails, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  bool at_head = !fails && s->spec->failure.jobs == ON_FAILURE_REQUEUE_HEAD;
  if (!s->scratch_work) s->scratch_work = ARENA_ARRAY(s->arena, double, s->slots_per_entry);
  double *work_left = s->scratch_work;
  uint32_t first = e * s->slots_per_entry;
  for (uint32_t k = 0; k < s->slots_per_entry; k++)
    if (s->slot[first + k].job != JOB_NONE) work_left[k] = station_is_held(s, &s->slot[first + k]) ? 0 : (double)(s->slot[first + k].free_ns - now_ns) * entry->speed;
  if (entry->server && entry->state != ENTRY_STARTING) {
    if (!s->scratch_job) s->scratch_job = ARENA_ARRAY(s->arena, ServerJob, s->slots_per_entry);
    ServerJob *job = s->scratch_job;
    size_t n = s->service->server->evict(station_params(s, entry), entry->server, now_ns, job);
    for (size_t k = 0; k < n; k++) work_left[job[k].slot - first] = job[k].work_ns;
    station_use(s, entry, now_ns, -entry->usage_level);
  }
  while (entry->busy) {
    uint32_t pick = SLOT_NONE;
    for (uint32_t k = first; k < first + s->slots_per_entry; k++) {
      if (s->slot[k].job == JOB_NONE) continue;
      if (pick == SLOT_NONE || (at_head ? s->slot[k].start_ns >= s->slot[pick].start_ns : s->slot[k].start_ns < s->slot[pick].start_ns)) pick = k;
    }
    int64_t start_ns = s->slot[pick].start_ns;
    uint32_t id = station_evict(s, pick, now_ns);
    job_interrupted(s, id, start_ns, work_left[pick - first], fails, now_ns);
  }
}

/* The waiting jobs of an entry move to other replicas, in order: where the newest is first, the oldest moves first. */
static void entry_move_queue(Station *s, Entry *entry, int64_t now_ns) {
  while (entry->queue.count) {
    uint32_t id = s->order == ORDER_LIFO ? entry->queue.tail : entry->queue.head;
    Job *job = &s->job[id];
    order_remove(s, &entry->queue, id);
    station_wait(s, now_ns, -1);
    job->waited_ns += now_ns - job->enqueued_ns;
    requeue(s, id, JOIN_IN_TURN, now_ns);
  }
  entry->queued_ns = 0;
}

/* ---- the operations ---- */

/* On a copy of a server that has been played up to from_ns: the jobs whose patience ends first, and before t, leave; returns that instant,
 * or t if there are none. */
static int64_t play_cancels(Station *s, const void *params, int variant, void *copy, int64_t from_ns, int64_t t) {
  const ServerModel *server = s->service->server;
  int64_t expiry = t;
  void *peek = station_copy_server(s, &(Entry){.server = copy, .variant = variant});
  size_t n = server->evict(params, peek, from_ns, s->scratch_job);
  for (size_t k = 0; k < n; k++) {
    const Job *job = &s->job[s->slot[s->scratch_job[k].slot].job];
    if (!job->abandoned && job->deadline_ns < expiry) expiry = job->deadline_ns;
  }
  if (expiry == t) return t;
  for (size_t k = 0; k < n; k++)
    if (s->job[s->slot[s->scratch_job[k].slot].job].deadline_ns <= expiry) server->cancel(params, copy, expiry, s->scratch_job[k].slot);
  return expiry;
}

/* When a draining entry's last job ends, if nothing changes. A server is played to its end on a copy of its state. */
static int64_t drained_at(Station *s, uint32_t e, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  int64_t last = now_ns;
  bool cancels = s->total_timeout && s->spec->queue.timeout.work == TIMEOUT_CANCEL;
  for (uint32_t k = e * s->slots_per_entry, end = k + s->slots_per_entry; k < end && !entry->server; k++) {
    if (s->slot[k].job == JOB_NONE) continue;
    int64_t end_ns = s->slot[k].free_ns;
    if (cancels && s->job[s->slot[k].job].deadline_ns < end_ns) end_ns = s->job[s->slot[k].job].deadline_ns;
    if (end_ns > last) last = end_ns;
  }
  if (entry->server && entry->busy) {
    const ServerModel *server = s->service->server;
    const void *params = station_params(s, entry);
    const ServerQueue nobody = {0};
    size_t bytes = station_server_bytes(s);
    if (!s->scratch_server) s->scratch_server = arena_alloc(s->arena, 1, bytes);
    void *copy = memcpy(s->scratch_server, entry->server, bytes);
    if (s->takes) server->take(params, copy, now_ns, &nobody);
    for (int64_t t; (t = server->next(params, copy)) != INSTANT_NEVER; last = t) {
      int64_t expiry = cancels ? play_cancels(s, params, entry->variant, copy, last, t) : t;
      if (expiry < t) t = expiry;
      else server->complete(params, copy, t);
      if (s->takes && server->next(params, copy) != t) server->take(params, copy, t, &nobody);
    }
  }
  return last;
}

void station_call_changed(Station *s, uint32_t e, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  if (entry->state != ENTRY_DRAINING) return;
  entry->drained_ns = drained_at(s, e, now_ns);
  s->local_known = false;
}

void station_drain(Station *s, uint32_t replica, int64_t now_ns) {
  uint32_t e;
  Entry *entry = entry_of(s, replica, &e);
  CHECK(entry->state == ENTRY_READY);
  entry_unready(s, entry);
  entry->state = ENTRY_DRAINING;
  entry->swap_ns = INSTANT_NEVER;
  s->n_draining++;
  eligible_rebuild(s);
  entry_move_queue(s, entry, now_ns);
  if (entry->server) station_refresh_use(s, e, now_ns);
  entry->drained_ns = drained_at(s, e, now_ns);
  entry->kill_ns = now_ns + s->spec->grace_ns;
}

void station_remove(Station *s, uint32_t replica, int64_t now_ns) {
  uint32_t e;
  Entry *entry = entry_of(s, replica, &e);
  CHECK(entry->state == ENTRY_STARTING);
  s->n_starting--;
  entry_gone(s, entry, now_ns, false);
}

void station_fail(Station *s, uint32_t replica, int64_t now_ns) {
  uint32_t e;
  Entry *entry = entry_of(s, replica, &e);
  if (entry->state == ENTRY_STARTING) {
    station_remove(s, replica, now_ns);
    return;
  }
  if (entry->state == ENTRY_READY) entry_unready(s, entry);
  else s->n_draining--;
  entry->state = ENTRY_DRAINING; /* takes none of its own jobs back */
  eligible_rebuild(s);
  entry_interrupt(s, e, false, now_ns);
  entry_move_queue(s, entry, now_ns);
  entry_gone(s, entry, now_ns, false);
}

void station_resize(Station *s, uint32_t replica, double speed, int64_t usage_millicores, int64_t request_millicores, int64_t now_ns) {
  uint32_t e;
  Entry *entry = entry_of(s, replica, &e);
  if (entry->state == ENTRY_READY) s->request_sum += request_millicores - entry->request_millicores;
  entry->request_millicores = request_millicores;
  entry->usage_millicores = usage_millicores;
  if (entry->server && entry->state == ENTRY_READY) station_refresh_use(s, e, now_ns);
  if (speed == entry->speed) return;
  double factor = entry->speed / speed;
  for (uint32_t k = e * s->slots_per_entry, end = k + s->slots_per_entry; k < end; k++) {
    if (s->slot[k].job == JOB_NONE || entry->server || station_is_held(s, &s->slot[k])) continue;
    s->slot[k].free_ns = now_ns + ns_from_double((double)(s->slot[k].free_ns - now_ns) * factor);
    s->slot[k].stamp++;
  }
  entry->speed = speed;
  entry->slowness = 1 / speed;
  if (entry->server && entry->state != ENTRY_STARTING) s->service->server->resize(station_params(s, entry), entry->server, now_ns, speed);
  entry->queued_ns = 0;
  for (uint32_t id = entry->queue.head; id != JOB_NONE; id = s->job[id].next) entry->queued_ns += station_service_ns(s, &s->job[id], entry);
  if (entry->state == ENTRY_DRAINING) entry->drained_ns = drained_at(s, e, now_ns);
  s->changed = true;
}

void station_set_power(Station *s, uint32_t replica, int64_t power) {
  uint32_t e;
  entry_of(s, replica, &e)->power = power;
}

void station_set_ready(Station *s, uint32_t replica, int64_t ready_ns) {
  uint32_t e;
  Entry *entry = entry_of(s, replica, &e);
  CHECK(entry->state == ENTRY_STARTING);
  entry->ready_ns = ready_ns;
}

void station_swap(Station *s, uint32_t replica, int variant, int64_t at_ns) {
  uint32_t e;
  Entry *entry = entry_of(s, replica, &e);
  entry->swap_variant = variant;
  entry->swap_ns = at_ns;
}

/* ---- local events ---- */

static int64_t earliest(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t entry_next(const Entry *entry) {
  switch (entry->state) {
    case ENTRY_FREE: return INSTANT_NEVER;
    case ENTRY_STARTING: return entry->ready_ns;
    case ENTRY_READY: return entry->swap_ns;
    case ENTRY_DRAINING: return earliest(entry->drained_ns, entry->kill_ns);
  }
  CHECK(false);
}

int64_t station_next_local(Station *s) {
  if (s->local_known) return s->local_ns;
  s->local_ns = INSTANT_NEVER;
  for (uint32_t e = 0; e < s->n_entries; e++) s->local_ns = earliest(s->local_ns, entry_next(&s->entry[e]));
  s->local_known = true;
  return s->local_ns;
}

int64_t station_next_notice(const Station *s) {
  int64_t next = INSTANT_NEVER;
  for (uint32_t e = 0; e < s->n_entries && s->n_draining; e++)
    if (s->entry[e].state == ENTRY_DRAINING) next = earliest(next, entry_next(&s->entry[e]));
  return next;
}

static void entry_swap(Station *s, uint32_t e, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  entry->variant = entry->swap_variant;
  entry->swap_ns = INSTANT_NEVER;
  if (entry->server && entry->state != ENTRY_STARTING) s->service->server->resize(station_params(s, entry), entry->server, now_ns, entry->speed);
  entry->queued_ns = 0;
  for (uint32_t id = entry->queue.head; id != JOB_NONE; id = s->job[id].next) entry->queued_ns += station_service_ns(s, &s->job[id], entry);
  arrivals_set_variant(&s->arrivals, entry->variant);
  s->changed = true;
}

void station_do_local(Station *s, int64_t now_ns) {
  if (station_next_local(s) > now_ns) return;
  s->local_known = false;
  for (uint32_t e = 0; e < s->n_entries; e++) {
    Entry *entry = &s->entry[e];
    if (entry->state == ENTRY_DRAINING && entry->drained_ns <= now_ns) {
      s->n_draining--;
      entry_gone(s, entry, now_ns, true);
    }
  }
  for (uint32_t e = 0; e < s->n_entries; e++) {
    Entry *entry = &s->entry[e];
    if (entry->state != ENTRY_DRAINING || entry->kill_ns > now_ns) continue;
    entry_interrupt(s, e, true, now_ns);
    s->n_draining--;
    entry_gone(s, entry, now_ns, true);
  }
  for (uint32_t e = 0; e < s->n_entries; e++) {
    if (s->entry[e].state == ENTRY_STARTING && s->entry[e].ready_ns <= now_ns) entry_ready(s, e, now_ns);
    if (s->entry[e].state != ENTRY_FREE && s->entry[e].swap_ns <= now_ns) entry_swap(s, e, now_ns);
  }
}
