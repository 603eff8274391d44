/* The loop of queues per replica, each first come first served: busy slots sit in a heap by the end of their job; arrivals are given to
 * a replica by the dispatch rule as they come. Least-outstanding asks the bitmaps of levels.h. */
#include "sim/run/flow.h"
#include "sim/run/levels.h"
#include "sim/run/slot_heap.h"
#include "sim/run/station_hot.h"

/* The entry's idle slot that has been idle longest (lowest index among equals). */
static uint32_t idle_slot(const Station *s, uint32_t e) {
  if (s->slots_per_entry == 1) return e;
  uint32_t first = e * s->slots_per_entry, pick = SLOT_NONE;
  for (uint32_t slot = first; slot < first + s->slots_per_entry; slot++)
    if (s->slot[slot].job == JOB_NONE && (pick == SLOT_NONE || s->slot[slot].free_ns < s->slot[pick].free_ns)) pick = slot;
  return pick;
}

static void start_idle(Station *s, uint32_t e, uint32_t id, int64_t now_ns) {
  uint32_t slot = idle_slot(s, e);
  hot_start(s, slot, id, now_ns);
  slot_heap_push(s->slots, s->slot[slot].free_ns, slot);
}

static uint32_t choose(Station *s, const Job *job, int64_t now_ns) {
  if (s->spec->dispatch == DISPATCH_LEAST_OUTSTANDING && s->spec->tie == TIE_FIRST) {
    uint32_t e = levels_least(s);
    if (e != ENTRY_NONE) return e;
  }
  return station_choose(s, job, now_ns);
}

/* A job goes to its replica: to an idle slot, or into the queue. It is in no queue and not counted as waiting. */
static void give(Station *s, uint32_t e, uint32_t id, int64_t now_ns) {
  if (s->entry[e].busy < s->slots_per_entry) {
    start_idle(s, e, id, now_ns);
  } else {
    hot_push_tail(s, &s->entry[e].queue, id);
    station_wait(s, now_ns, 1);
  }
  levels_move(s, e);
}

/* After a control operation: derived structures, then whoever can start does. */
static void rebuild(Station *s, int64_t now_ns) {
  SlotHeap *heap = slot_heap_reset(s);
  for (uint32_t slot = 0, n = s->n_entries * s->slots_per_entry; slot < n; slot++)
    if (s->slot[slot].job != JOB_NONE) slot_heap_push(heap, s->slot[slot].free_ns, slot);
  for (uint32_t k = 0; k < s->n_eligible; k++) {
    Entry *entry = &s->entry[s->eligible[k]];
    while (entry->queue.count && entry->busy < s->slots_per_entry) {
      uint32_t id = hot_pop_head(s, &entry->queue);
      station_wait(s, now_ns, -1);
      start_idle(s, s->eligible[k], id, now_ns);
    }
  }
  levels_rebuild(s);
  while (s->waiting.count && s->n_eligible) {
    uint32_t id = hot_pop_head(s, &s->waiting);
    Job *job = &s->job[id];
    station_wait(s, now_ns, -1);
    job->waited_ns += now_ns - job->enqueued_ns;
    job->enqueued_ns = now_ns;
    job->touched = true;
    give(s, choose(s, job, now_ns), id, now_ns);
  }
  s->changed = false;
}

static void depart(Station *s, SlotHeap *heap) {
  uint32_t slot = slot_heap_top_slot(heap), e = station_slot_entry(s, slot);
  int64_t now_ns = slot_heap_top_ns(heap);
  Entry *entry = &s->entry[e];
  if (entry->queue.count && entry->state == ENTRY_READY) {
    uint32_t id = hot_pop_head(s, &entry->queue);
    station_wait(s, now_ns, -1);
    hot_follow(s, slot, id, now_ns);
    slot_heap_replace_top(heap, s->slot[slot].free_ns);
  } else {
    hot_free_job(s, hot_finish(s, slot));
    slot_heap_pop(heap);
  }
  levels_move(s, e);
}

static void arrive(Station *s, int64_t t) {
  uint32_t id = hot_take_arrival(s);
  Job *job = &s->job[id];
  station_log(s, 'a', t, job, 0);
  uint32_t e = choose(s, job, t);
  Queue *queue = e == ENTRY_NONE ? &s->waiting : &s->entry[e].queue;
  bool idle = e != ENTRY_NONE && s->entry[e].busy < s->slots_per_entry;
  if (!idle && (int64_t)queue->count >= s->queue_limit) {
    station_lose(s, id, LOSS_DROPPED, t);
  } else if (e == ENTRY_NONE) {
    hot_push_tail(s, queue, id);
    station_wait(s, t, 1);
  } else {
    give(s, e, id, t);
  }
  if (s->n_waiting > (uint64_t)s->spec->queue.max_queue) s->overflow = s->n_waiting;
}

void loop_replicas(Station *s, int64_t from_ns, int64_t last_ns, int64_t end_ns) {
  if (s->changed) rebuild(s, from_ns);
  SlotHeap *heap = s->slots;
  for (;;) {
    int64_t t = arrivals_peek(&s->arrivals);
    int64_t limit = t < end_ns ? t : last_ns;
    while (heap->count && slot_heap_top_ns(heap) <= limit) depart(s, heap);
    if (t >= end_ns || s->overflow) break;
    arrive(s, t);
  }
}
