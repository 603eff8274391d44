/* The four things that happen to every job, inlined into the loops: taken from the arrivals, started, finished, freed. */
#ifndef SIM_RUN_STATION_HOT_H
#define SIM_RUN_STATION_HOT_H

#include "sim/run/station.h"

static inline void hot_free_job(Station *s, uint32_t id) {
  Job *job = &s->job[id];
  s->backlog_units -= job->input;
  job->stamp++;
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
  job->waited_ns = 0;
  job->input = a->block.input[k];
  job->output = a->block.output[k];
  job->origin = s->entity;
  job->abandoned = false;
  job->deadline_ns = s->fixed_patience ? job->first_ns + s->patience_ns : INSTANT_NEVER;
  s->meter.units += job->input;
  s->backlog_units += job->input;
  s->meter.jobs.offered++;
  s->meter.jobs.attempts++;
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
  slot->start_ns = now_ns;
  slot->free_ns = now_ns + hot_service_ns(s, &s->job[id], entry);
  slot->stamp++;
  station_serve(s, entry, now_ns, 1);
  station_log(s, 's', now_ns, &s->job[id], entry->id);
}

/* The end of a slot's job at free_ns, booked; the slot is idle since then. The job is not freed. */
static inline uint32_t hot_finish(Station *s, uint32_t slot_index) {
  Slot *slot = &s->slot[slot_index];
  Entry *entry = &s->entry[station_slot_entry(s, slot_index)];
  uint32_t id = slot->job;
  Job *job = &s->job[id];
  slot->job = JOB_NONE;
  slot->stamp++;
  station_serve(s, entry, slot->free_ns, -1);
  if (__builtin_expect(!job->abandoned, 1))
    meter_finish(&s->meter, job->first_ns, slot->free_ns, station_queue_wait(job, slot->start_ns), entry->variant);
  station_log(s, 'd', slot->free_ns, job, entry->id);
  return id;
}

#endif
