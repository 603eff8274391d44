/* The four things that happen to every job, inlined into the loops: taken from the arrivals, started, finished, freed. */
#ifndef SIM_RUN_STATION_HOT_H
#define SIM_RUN_STATION_HOT_H

#include "sim/run/station.h"

/* What station_new_job gives and a freed job has again: the fields most jobs never touch. */
static inline void hot_clear_job(Station *s, Job *job) {
  job->deadline_ns = INSTANT_NEVER;
  job->waited_ns = 0;
  job->origin = s->entity;
  job->source = s->deployment;
  job->abandoned = job->called = job->in_service = job->touched = false;
}

/* The fast loops' way; whoever plans events for jobs uses station_free_job. */
static inline void hot_free_job(Station *s, uint32_t id) {
  Job *job = &s->job[id];
  if (s->sized) s->backlog_units -= job->input;
  if (__builtin_expect(job->touched, 0)) hot_clear_job(s, job);
  job->next = s->free_job;
  s->free_job = id;
}

static inline uint32_t hot_new_job(Station *s) {
  uint32_t id = s->free_job;
  if (__builtin_expect(id == JOB_NONE, 0)) return station_new_job(s);
  s->free_job = s->job[id].next;
  return id;
}

/* The job at the arrivals' cursor, which moves on. */
static inline uint32_t hot_take_arrival(Station *s) {
  uint32_t id = hot_new_job(s);
  Arrivals *a = &s->arrivals;
  Job *job = &s->job[id];
  size_t k = a->cursor++;
  job->first_ns = job->enqueued_ns = a->block.arrival_ns[k];
  job->index = a->block.first_index + k;
  job->work_ns = a->work_ns[k];
  job->variant = (int16_t)a->variant;
  job->input = a->block.input[k];
  job->output = a->block.output[k];
  if (s->has_patience) {
    job->touched = true;
    if (s->fixed_patience) job->deadline_ns = job->first_ns + s->patience_ns;
  }
  s->taken++;
  if (s->sized) {
    s->meter.units += job->input;
    s->meter.output_units += job->output;
    s->backlog_units += job->input;
  }
  return id;
}

static inline int64_t hot_service_ns(Station *s, Job *job, const Entry *entry) {
  if (__builtin_expect(job->variant != entry->variant && job->variant != VARIANT_LEFT, 0)) {
    job->work_ns = station_work(s, job, entry->variant);
    job->variant = (int16_t)entry->variant;
  }
  return ns_from_double(job->work_ns * entry->slowness);
}

static inline void hot_push_tail(Station *s, Queue *queue, uint32_t id) {
  Job *job = &s->job[id];
  job->next = JOB_NONE;
  job->prev = queue->tail;
  if (queue->tail == JOB_NONE) queue->head = id;
  else s->job[queue->tail].next = id;
  queue->tail = id;
  queue->count++;
}

static inline uint32_t hot_pop_head(Station *s, Queue *queue) {
  uint32_t id = queue->head;
  queue->head = s->job[id].next;
  if (queue->head == JOB_NONE) queue->tail = JOB_NONE;
  else s->job[queue->head].prev = JOB_NONE;
  queue->count--;
  return id;
}

/* An idle slot takes a job (already out of its queue). */
static inline void hot_start(Station *s, uint32_t slot_index, uint32_t id, int64_t now_ns) {
  Slot *slot = &s->slot[slot_index];
  Entry *entry = &s->entry[station_slot_entry(s, slot_index)];
  slot->job = id;
  slot->variant = entry->variant;
  slot->start_ns = now_ns;
  slot->free_ns = now_ns + hot_service_ns(s, &s->job[id], entry);
  station_serve(s, entry, now_ns, 1);
  station_log(s, 's', now_ns, &s->job[id], entry->id);
}

/* A finished job goes to the meter's waiting list. */
static inline void hot_book(Station *s, const Slot *slot, const Entry *entry, const Job *job) {
  if (__builtin_expect(job->abandoned, 0)) return;
  if (__builtin_expect(s->n_finishes == FINISHES, 0)) station_book_finishes(s);
  s->finish[s->n_finishes++] = (Finish){job->first_ns, slot->free_ns - job->first_ns, station_queue_wait(job, slot->start_ns), slot->variant};
  station_log(s, 'd', slot->free_ns, job, entry->id);
}

/* The end of a slot's job at free_ns, booked; the slot is idle since then. The job is not freed. */
static inline uint32_t hot_finish(Station *s, uint32_t slot_index) {
  Slot *slot = &s->slot[slot_index];
  Entry *entry = &s->entry[station_slot_entry(s, slot_index)];
  uint32_t id = slot->job;
  slot->job = JOB_NONE;
  station_serve(s, entry, slot->free_ns, -1);
  hot_book(s, slot, entry, &s->job[id]);
  return id;
}

/* The end of a slot's job, which leaves the pool. */
static inline void hot_finish_slot(Station *s, uint32_t slot_index) { hot_free_job(s, hot_finish(s, slot_index)); }

/* The whole life of the k-th job of the block, which never entered the pool. */
static inline void hot_log_life(Station *s, const Entry *entry, size_t k, int64_t start_ns, int64_t end_ns) {
  uint64_t index = s->arrivals.block.first_index + k;
  if (__builtin_expect(s->log == NULL, 1)) return;
  s->log->event(s->log, 'a', s->arrivals.block.arrival_ns[k], s->deployment, index, 0);
  s->log->event(s->log, 's', start_ns, s->deployment, index, entry->id);
  s->log->event(s->log, 'd', end_ns, s->deployment, index, entry->id);
}

/* The end of a slot's job at free_ns and the start of the next one: hot_finish, hot_free_job and hot_start in one. */
static inline void hot_follow(Station *s, uint32_t slot_index, uint32_t id, int64_t now_ns) {
  Slot *slot = &s->slot[slot_index];
  Entry *entry = &s->entry[station_slot_entry(s, slot_index)];
  uint32_t old = slot->job;
  entry->served_ns += slot->free_ns - now_ns;
  hot_book(s, slot, entry, &s->job[old]);
  hot_free_job(s, old);
  slot->job = id;
  slot->variant = entry->variant;
  slot->start_ns = now_ns;
  slot->free_ns = now_ns + hot_service_ns(s, &s->job[id], entry);
  station_log(s, 's', now_ns, &s->job[id], entry->id);
}

#endif
