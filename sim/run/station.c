/* The canonical state of one deployment's data plane and the jobs' bookkeeping; control operations are in station_control.c. */
#include "sim/run/station.h"

#include <string.h>

#include "sim/base/check.h"
#include "sim/base/hash.h"
#include "sim/run/flow.h"
#include "sim/run/queue_order.h"
#include "sim/run/station_hot.h"

enum { FIRST_JOBS = 256, FIRST_ENTRIES = 8 };

static void patience_begin(Station *s) {
  const Distribution *after = &s->spec->queue.timeout.after_ns;
  s->has_patience = distribution_mean(after) > 0;
  s->fixed_patience = s->has_patience && after->kind == DISTRIBUTION_CONSTANT;
  s->patience_ns = s->fixed_patience ? ns_from_double(after->a) : 0;
  s->total_timeout = s->has_patience && s->spec->queue.timeout.of == TIMEOUT_TOTAL;
}

void station_begin(Station *s, const Scenario *scenario, uint32_t deployment, uint32_t replication, int variant, Arena *arena,
                   bool percentiles) {
  memset(s, 0, sizeof *s);
  const DeploymentSpec *spec = scenario_deployment(scenario, deployment);
  s->scenario = scenario;
  s->spec = spec;
  s->deployment = deployment;
  s->arena = arena;
  s->seed = (uint64_t)scenario->seed;
  s->entity = scenario->deployment_entity[deployment];
  s->replication = replication;
  s->concurrency = (uint32_t)spec->concurrency;
  s->service = (const Service *)deployment_variant(spec, 0)->service.model;
  s->takes = s->service->server && s->service->server->take;
  s->queue_limit = spec->queue.limit < 0 ? INT64_MAX : spec->queue.limit;
  s->slots_per_entry = s->concurrency;
  s->central = spec->dispatch == DISPATCH_CENTRAL_QUEUE;
  patience_begin(s);
  s->free_job = JOB_NONE;
  order_begin(s);
  s->changed = true;
  s->sized = distribution_mean(&spec->workload.input) > 0 || distribution_mean(&spec->workload.output) > 0 ||
             (spec->workload.arrivals.model && ((const Workload *)spec->workload.arrivals.model)->brings_sizes);
  const Workload *workload = (const Workload *)spec->workload.arrivals.model;
  s->closed = workload && workload->closed;
  if (s->closed) s->clients = workload->closed(spec->workload.arrivals.params);
  s->finish = ARENA_ARRAY(arena, Finish, FINISHES);
  arrivals_begin(&s->arrivals, scenario, deployment, replication, variant, arena);
  meter_begin(&s->meter, arena, scenario->horizon_ns, spec->objective.latency_ns, percentiles);
  if (s->service->server && s->service->server->first_output) s->meter.tokens = tokens_new(arena);
}

uint32_t station_new_job(Station *s) {
  if (s->free_job == JOB_NONE) {
    uint32_t old = s->job_capacity, grown = old ? old * 2 : FIRST_JOBS;
    CHECK(grown > old && grown < JOB_NONE);
    s->job = arena_grow(s->arena, s->job, old, grown, sizeof *s->job);
    s->job_capacity = grown;
    for (uint32_t id = grown; id-- > old;) {
      hot_clear_job(s, &s->job[id]);
      s->job[id].next = s->free_job;
      s->free_job = id;
    }
  }
  uint32_t id = s->free_job;
  s->free_job = s->job[id].next;
  return id;
}

void station_free_job(Station *s, uint32_t id) {
  s->job[id].stamp++;
  hot_free_job(s, id);
}
void queue_push_tail(Station *s, Queue *queue, uint32_t job) { hot_push_tail(s, queue, job); }
int64_t station_service_ns(Station *s, Job *job, const Entry *entry) { return hot_service_ns(s, job, entry); }

void queue_push_head(Station *s, Queue *queue, uint32_t id) {
  Job *job = &s->job[id];
  job->prev = JOB_NONE;
  job->next = queue->head;
  if (queue->head == JOB_NONE) queue->tail = id;
  else s->job[queue->head].prev = id;
  queue->head = id;
  queue->count++;
}

void queue_remove(Station *s, Queue *queue, uint32_t id) {
  Job *job = &s->job[id];
  if (job->prev == JOB_NONE) queue->head = job->next;
  else s->job[job->prev].next = job->next;
  if (job->next == JOB_NONE) queue->tail = job->prev;
  else s->job[job->next].prev = job->prev;
  queue->count--;
}

/* Jobs that came from elsewhere draw on a stream named by both ends, so that no two jobs share a draw. */
uint32_t station_work_entity(const Station *s, const Job *job) {
  if (job->origin == s->entity) return s->entity;
  uint32_t pair[2] = {job->origin, s->entity};
  uint64_t hash = hash_bytes(0, pair, sizeof pair);
  return (uint32_t)(hash ^ hash >> 32);
}

double station_work(const Station *s, const Job *job, int variant) {
  const VariantSpec *spec = deployment_variant(s->spec, (size_t)variant);
  const Service *service = (const Service *)spec->service.model;
  Stream stream = stream_make(s->seed, station_work_entity(s, job), PURPOSE_WORK, s->replication);
  double u = stream_uniform(&stream, job->index), work_ns;
  WorkInput input = {1, &u, &job->input, &job->output};
  service->work(spec->service.params, &input, &work_ns);
  return work_ns;
}

void station_book_loss(Station *s, const Job *job, Loss loss, int64_t now_ns) {
  static const char kind[] = {[LOSS_DROPPED] = 'x', [LOSS_ABANDONED] = 'e', [LOSS_FAILED] = 'f'};
  station_log(s, kind[loss], now_ns, job, 0);
  meter_lose(&s->meter, loss, job->first_ns);
}

void station_lose(Station *s, uint32_t id, Loss loss, int64_t now_ns) {
  if (s->events && plain_retry(s, id, now_ns)) return;
  station_book_loss(s, &s->job[id], loss, now_ns);
  if (s->events) plain_leave(s, id, true, now_ns);
  else station_free_job(s, id);
}

uint32_t station_evict(Station *s, uint32_t slot_index, int64_t now_ns) {
  Slot *slot = &s->slot[slot_index];
  uint32_t id = slot->job;
  Entry *entry = &s->entry[station_slot_entry(s, slot_index)];
  if (station_is_held(s, slot)) station_hold(s, entry, now_ns, -1);
  slot->job = JOB_NONE;
  slot->stamp++;
  slot->free_ns = now_ns;
  uint32_t k = slot_index % s->slots_per_entry;
  if (k < entry->idle_hint) entry->idle_hint = k;
  station_serve(s, entry, now_ns, -1);
  return id;
}

void station_open_window(Station *s, int64_t end_ns) {
  int64_t dt = end_ns - s->window_end_ns;
  Integrals *level = &s->meter.level;
  s->window_end_ns = end_ns;
  level->queue += (__int128)s->n_waiting * dt;
  level->in_service += (__int128)s->n_busy * dt;
  level->request += (__int128)s->request_sum * dt;
  level->starting += (__int128)s->n_starting * dt;
  level->ready += (__int128)s->n_ready * dt;
  level->draining += (__int128)s->n_draining * dt;
  if (dt == 0) return;
  for (uint32_t e = 0; e < s->n_entries; e++) {
    Entry *entry = &s->entry[e];
    entry->busy_sum += (__int128)entry->busy * dt;
    if (entry->state == ENTRY_DRAINING) continue; /* utilisation is of ready replicas, use and request alike */
    __int128 usage = (__int128)(entry->server ? entry->usage_level : (entry->busy - entry->held) * entry->usage_millicores) * dt;
    level->usage += usage;
    level->power += usage * entry->power;
    entry->usage_sum += usage;
  }
}

/* The finished jobs as sums, in registers, then into the meter. */
void station_book_finishes(Station *s) {
  Meter *m = &s->meter;
  const int64_t objective_ns = m->objective_ns ? m->objective_ns : INT64_MAX;
  int64_t latency_ns = 0, wait_ns = 0;
  __int128 latency_ns2 = 0;
  uint64_t within = 0, waited = 0;
  for (uint32_t k = 0; k < s->n_finishes; k++) {
    const Finish *f = &s->finish[k];
    latency_ns += f->latency_ns;
    latency_ns2 += (__int128)f->latency_ns * f->latency_ns;
    wait_ns += f->wait_ns;
    within += f->latency_ns <= objective_ns;
    waited += f->wait_ns > 0;
    m->jobs.by_variant[f->variant]++;
    histogram_add(&m->latency, f->latency_ns);
    if (__builtin_expect(f->first_ns < m->slice_start_ns, 0)) meter_move(m, f->first_ns, f->latency_ns, f->wait_ns, f->variant);
  }
  for (uint32_t k = 0; k < s->n_finishes && s->scrapes.latencies; k++) histogram_add(&s->scrapes.latency, s->finish[k].latency_ns);
  m->jobs.finished += s->n_finishes;
  m->jobs.latency_ns += latency_ns;
  m->jobs.latency_ns2 += latency_ns2;
  m->jobs.wait_ns += wait_ns;
  m->jobs.within += within;
  m->jobs.waited += waited;
  s->n_finishes = 0;
}

void station_close_window(Station *s) {
  station_book_finishes(s);
  s->meter.jobs.offered += s->taken;
  s->meter.jobs.attempts += s->taken;
  s->taken = 0;
  s->meter.level.queue += s->waited_ns;
  s->waited_ns = 0;
  for (uint32_t e = 0; e < s->n_entries; e++) {
    Entry *entry = &s->entry[e];
    if (!entry->served_ns && !entry->held_ns) continue;
    s->meter.level.in_service += entry->served_ns;
    entry->busy_sum += entry->served_ns;
    if (!entry->server && entry->state != ENTRY_DRAINING) {
      s->meter.level.usage += (entry->served_ns - entry->held_ns) * entry->usage_millicores;
      s->meter.level.power += (entry->served_ns - entry->held_ns) * entry->usage_millicores * entry->power;
      entry->usage_sum += (entry->served_ns - entry->held_ns) * entry->usage_millicores;
    }
    entry->served_ns = entry->held_ns = 0;
  }
}

void station_refresh_use(Station *s, uint32_t e, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  double share = entry->state == ENTRY_READY ? s->service->server->busy_ratio(entry->server) : 0;
  int64_t level = (int64_t)(share * (double)entry->usage_millicores * (double)s->concurrency + 0.5);
  if (level != entry->usage_level) station_use(s, entry, now_ns, level - entry->usage_level);
}

size_t station_server_bytes(const Station *s) {
  size_t most = 0;
  for (size_t v = 0; v < s->spec->variants.count; v++) {
    size_t bytes = s->service->server->state_bytes(deployment_variant(s->spec, v)->service.params, s->concurrency, s->slots_per_entry);
    if (bytes > most) most = bytes;
  }
  return most;
}

void *station_copy_server(Station *s, const Entry *entry) {
  size_t bytes = station_server_bytes(s);
  if (!s->scratch_job) s->scratch_job = ARENA_ARRAY(s->arena, ServerJob, s->slots_per_entry);
  if (!s->scratch_peek) s->scratch_peek = arena_alloc(s->arena, 1, bytes);
  return memcpy(s->scratch_peek, entry->server, bytes);
}

/* ---- dispatch under queues per replica ---- */

static uint64_t outstanding(const Station *s, uint32_t e) { return s->entry[e].busy + s->entry[e].queue.count; }

/* Work left inside a server, asked of a copy of it: all jobs leave the copy with what they have left. */
static int64_t server_left_ns(Station *s, uint32_t e, int64_t now_ns) {
  Entry *entry = &s->entry[e];
  void *copy = station_copy_server(s, entry);
  size_t n = s->service->server->evict(station_params(s, entry), copy, now_ns, s->scratch_job);
  double left = 0;
  for (size_t k = 0; k < n; k++) left += s->scratch_job[k].work_ns;
  return ns_from_double(left * entry->slowness);
}

static __int128 work_left_ns(Station *s, uint32_t e, int64_t now_ns) {
  __int128 sum = s->entry[e].queued_ns;
  if (s->entry[e].server) return sum + server_left_ns(s, e, now_ns);
  for (uint32_t k = e * s->slots_per_entry, end = k + s->slots_per_entry; k < end; k++)
    if (s->slot[k].job != JOB_NONE && !station_is_held(s, &s->slot[k])) sum += s->slot[k].free_ns - now_ns; /* the rest of a call is not known */
  return sum;
}

static uint32_t draw_position(const Station *s, const Job *job, Purpose purpose, uint32_t n) {
  Stream stream = stream_make(s->seed, s->entity, purpose, s->replication);
  uint32_t k = (uint32_t)(stream_uniform(&stream, job->index) * n);
  return k < n ? k : n - 1;
}

/* The eligible entry with the least measure; ties by the deployment's rule. */
static uint32_t choose_least(Station *s, const Job *job, int64_t now_ns, bool by_work) {
  __int128 least = (__int128)INT64_MAX << 32;
  uint32_t ties = 0, found = ENTRY_NONE;
  for (uint32_t k = 0; k < s->n_eligible; k++) {
    uint32_t e = s->eligible[k];
    __int128 measure = by_work ? work_left_ns(s, e, now_ns) : (__int128)outstanding(s, e);
    if (measure < least) least = measure, ties = 0, found = e;
    ties += measure == least;
  }
  if (s->spec->tie == TIE_FIRST || ties == 1) return found;
  uint32_t pick = draw_position(s, job, PURPOSE_DISPATCH, ties);
  for (uint32_t k = 0; k < s->n_eligible; k++) {
    uint32_t e = s->eligible[k];
    __int128 measure = by_work ? work_left_ns(s, e, now_ns) : (__int128)outstanding(s, e);
    if (measure == least && pick-- == 0) return e;
  }
  CHECK(false);
}

static uint32_t choose_of_two(Station *s, const Job *job) {
  uint32_t n = s->n_eligible, first = draw_position(s, job, PURPOSE_DISPATCH, n), second;
  if (s->spec->sampling == SAMPLING_WITH_REPLACEMENT || n == 1) {
    second = draw_position(s, job, PURPOSE_DISPATCH_SECOND, n);
  } else {
    second = draw_position(s, job, PURPOSE_DISPATCH_SECOND, n - 1);
    second += second >= first;
  }
  uint32_t a = s->eligible[first], b = s->eligible[second];
  if (outstanding(s, a) != outstanding(s, b)) return outstanding(s, a) < outstanding(s, b) ? a : b;
  return s->spec->tie == TIE_RANDOM || a < b ? a : b; /* the first drawn is as random as any */
}

uint32_t station_choose(Station *s, const Job *job, int64_t now_ns) {
  if (s->n_eligible == 0) return ENTRY_NONE;
  switch ((Dispatch)s->spec->dispatch) {
    case DISPATCH_RANDOM: return s->eligible[draw_position(s, job, PURPOSE_DISPATCH, s->n_eligible)];
    case DISPATCH_ROUND_ROBIN: return s->eligible[s->round_robin++ % s->n_eligible];
    case DISPATCH_LEAST_OUTSTANDING: return choose_least(s, job, now_ns, false);
    case DISPATCH_POWER_OF_TWO: return choose_of_two(s, job);
    case DISPATCH_LEAST_WORK: return choose_least(s, job, now_ns, true);
    case DISPATCH_CENTRAL_QUEUE: break;
  }
  CHECK(false);
}
