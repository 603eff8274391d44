/* The planned loop of one central queue, first come first served: start and end of a job follow from the slot that has been free
 * longest. Slots sit in a heap by the instant they are (or will be) free; a finished job is booked when its slot is taken again or at
 * the window's end, whichever comes first, so nothing is metered early. Jobs that cannot start inside the window stay queued:
 * there is no plan to revoke. */
#include "sim/run/flow.h"
#include "sim/run/loop_few.h"
#include "sim/run/slot_heap.h"
#include "sim/run/station_hot.h"

static void rebuild(Station *s) {
  SlotHeap *heap = slot_heap_reset(s);
  for (uint32_t k = 0; k < s->n_eligible; k++) {
    uint32_t first = s->eligible[k] * s->slots_per_entry;
    for (uint32_t slot = first; slot < first + s->slots_per_entry; slot++) slot_heap_push(heap, s->slot[slot].free_ns, slot);
  }
  s->changed = false;
}

static inline void take_slot(Station *s, SlotHeap *heap, uint32_t id, int64_t start_ns) {
  uint32_t slot = slot_heap_top_slot(heap);
  if (s->slot[slot].job != JOB_NONE) hot_follow(s, slot, id, start_ns);
  else hot_start(s, slot, id, start_ns);
  slot_heap_replace_top(heap, s->slot[slot].free_ns);
}

/* The waiting job whose patience ends first. Deadlines ascend along the queue, but for jobs at its head that came back from a failed
 * replica and have none. */
static inline uint32_t next_to_expire(const Station *s) {
  uint32_t id = s->waiting.head;
  while (id != JOB_NONE && s->job[id].deadline_ns == INSTANT_NEVER) id = s->job[id].next;
  return id;
}

/* Starts and expiries of waiting jobs up to and including t. */
static inline void serve_queue(Station *s, SlotHeap *heap, int64_t t) {
  while (s->waiting.count) {
    int64_t start = heap->count ? slot_heap_top_ns(heap) : INSTANT_NEVER, enqueued = s->job[s->waiting.head].enqueued_ns;
    if (start < enqueued) start = enqueued;
    uint32_t expiring = s->fixed_patience ? next_to_expire(s) : JOB_NONE;
    int64_t expiry = expiring == JOB_NONE ? INSTANT_NEVER : s->job[expiring].deadline_ns;
    if (start <= expiry) {
      if (start > t) return;
      uint32_t id = hot_pop_head(s, &s->waiting);
      station_wait(s, start, -1);
      take_slot(s, heap, id, start);
    } else {
      if (expiry > t) return;
      queue_remove(s, &s->waiting, expiring);
      station_wait(s, expiry, -1);
      station_lose(s, expiring, LOSS_ABANDONED, expiry);
    }
  }
}

static inline void arrive(Station *s, SlotHeap *heap, int64_t t) {
  uint32_t id = hot_take_arrival(s);
  station_log(s, 'a', t, &s->job[id], 0);
  if (s->waiting.count == 0 && heap->count && slot_heap_top_ns(heap) <= t) {
    take_slot(s, heap, id, t);
  } else if ((int64_t)s->waiting.count >= s->queue_limit) {
    station_lose(s, id, LOSS_DROPPED, t);
  } else {
    hot_push_tail(s, &s->waiting, id);
    station_wait(s, t, 1);
    if (s->n_waiting > (uint64_t)s->spec->queue.max_queue) s->overflow = s->n_waiting;
  }
}

/* ---- without limit and patience: one pass over the arrivals ---- */

/* Jobs of the current block, from the cursor on, as far as they can start by last_ns; false when one cannot (starts follow the order of
 * arrival, so all later ones must wait, too) or comes at end_ns or later. A job whose whole life lies before last_ns never enters
 * the pool; sums stay in registers. */
static bool plan_block(Station *s, SlotHeap *heap, int64_t last_ns, int64_t end_ns) {
  Arrivals *a = &s->arrivals;
  const size_t n = a->block.count;
  __int128 waited_ns = 0;
  uint64_t taken = 0;
  size_t k = a->cursor;
  bool goes_on = true;
  for (; k < n; k++) {
    int64_t t = a->block.arrival_ns[k], wait = slot_heap_top_ns(heap) - t;
    int64_t start = t + (wait & ~(wait >> 63)); /* the later of both, without a branch that nobody can predict */
    goes_on = t < end_ns && start <= last_ns;
    if (!goes_on) break;
    uint32_t slot_index = slot_heap_top_slot(heap);
    Slot *slot = &s->slot[slot_index];
    Entry *entry = &s->entry[slot->entry];
    if (slot->job != JOB_NONE) hot_finish_slot(s, slot_index); /* it came from an earlier window */
    int64_t end = start + ns_from_double(a->work_ns[k] * entry->slowness);
    waited_ns += start - t;
    if (end <= last_ns && entry->variant == a->variant) {
      if (__builtin_expect(s->n_finishes == FINISHES, 0)) station_book_finishes(s);
      s->finish[s->n_finishes++] = (Finish){t, end - t, start - t, entry->variant};
      entry->served_ns += end - start;
      slot->free_ns = end;
      taken++;
      if (s->sized) s->meter.units += a->block.input[k], s->meter.output_units += a->block.output[k];
      hot_log_life(s, entry, k, start, end);
      slot_heap_replace_top(heap, end);
    } else {
      a->cursor = k;
      uint32_t id = hot_take_arrival(s);
      station_log(s, 'a', t, &s->job[id], 0);
      take_slot(s, heap, id, start);
    }
  }
  a->cursor = k;
  s->taken += taken;
  s->waited_ns += waited_ns;
  return goes_on;
}

static void plan_arrivals(Station *s, SlotHeap *heap, int64_t last_ns, int64_t end_ns) {
  while (heap->count && arrivals_peek(&s->arrivals) < end_ns)
    if (!plan_block(s, heap, last_ns, end_ns)) return;
}

static void arrive_all(Station *s, SlotHeap *heap, int64_t end_ns) {
  for (int64_t t; (t = arrivals_peek(&s->arrivals)) < end_ns && !s->overflow;) arrive(s, heap, t);
}

static void event_by_event(Station *s, SlotHeap *heap, int64_t end_ns) {
  for (int64_t t; (t = arrivals_peek(&s->arrivals)) < end_ns && !s->overflow;) {
    serve_queue(s, heap, t);
    arrive(s, heap, t);
  }
}

void loop_central(Station *s, int64_t from_ns, int64_t last_ns, int64_t end_ns) {
  (void)from_ns;
  if (s->changed) rebuild(s);
  SlotHeap *heap = s->slots;
  if (s->queue_limit == INT64_MAX && !s->has_patience) {
    serve_queue(s, heap, last_ns);
    if (!s->waiting.count && few_applies(s)) {
      few_plan(s, last_ns, end_ns);
      rebuild(s);
    }
    if (!s->waiting.count) plan_arrivals(s, heap, last_ns, end_ns);
    arrive_all(s, heap, end_ns);
  } else {
    event_by_event(s, heap, end_ns);
    serve_queue(s, heap, last_ns);
  }
  for (uint32_t slot = 0, n = s->n_entries * s->slots_per_entry; slot < n; slot++)
    if (s->slot[slot].job != JOB_NONE && s->slot[slot].free_ns <= last_ns) hot_finish_slot(s, slot);
}
