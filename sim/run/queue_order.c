/* The disciplines of queues; see queue_order.h. */
#include "sim/run/queue_order.h"

void order_begin(Station *s) {
  s->order = (QueueOrder)s->spec->queue.order;
  if (s->order == ORDER_PRIORITY) {
    s->rank = s->scenario->priority_rank;
    s->n_ranks = s->scenario->n_priority_ranks;
    s->preempts = s->spec->queue.preempt;
  }
  s->waiting = order_new_queue(s, NULL);
}

Queue order_new_queue(Station *s, uint32_t *last) {
  if (s->order == ORDER_PRIORITY && !last) last = ARENA_ARRAY(s->arena, uint32_t, s->n_ranks);
  for (uint32_t r = 0; last && r < s->n_ranks; r++) last[r] = JOB_NONE;
  return (Queue){.head = JOB_NONE, .tail = JOB_NONE, .last = last};
}

/* Behind a job of the queue; JOB_NONE: before all. */
static void insert_behind(Station *s, Queue *queue, uint32_t id, uint32_t before) {
  if (before == JOB_NONE) {
    queue_push_head(s, queue, id);
  } else if (before == queue->tail) {
    queue_push_tail(s, queue, id);
  } else {
    Job *job = &s->job[id];
    job->prev = before;
    job->next = s->job[before].next;
    s->job[job->next].prev = id;
    s->job[before].next = id;
    queue->count++;
  }
}

/* The last job of the ranks above a bound, which is the one before the first of the others. */
static uint32_t last_above(const Queue *queue, uint32_t bound) {
  while (bound-- > 0)
    if (queue->last[bound] != JOB_NONE) return queue->last[bound];
  return JOB_NONE;
}

void order_join(Station *s, Queue *queue, uint32_t id, Join join) {
  if (!queue->last) {
    bool first = join == JOIN_FIRST || (join == JOIN_IN_TURN && s->order == ORDER_LIFO);
    (first ? queue_push_head : queue_push_tail)(s, queue, id);
    return;
  }
  uint32_t rank = order_rank(s, id);
  bool first = join == JOIN_FIRST;
  insert_behind(s, queue, id, last_above(queue, first ? rank : rank + 1));
  if (!first || queue->last[rank] == JOB_NONE) queue->last[rank] = id;
}

void order_remove(Station *s, Queue *queue, uint32_t id) {
  if (queue->last) {
    uint32_t rank = order_rank(s, id), before = s->job[id].prev;
    if (queue->last[rank] == id) queue->last[rank] = before != JOB_NONE && order_rank(s, before) == rank ? before : JOB_NONE;
  }
  queue_remove(s, queue, id);
}

int64_t order_longest_ns(const Station *s, const Queue *queue) {
  int64_t since = s->job[queue->head].enqueued_ns;
  if (s->order == ORDER_LIFO) {
    int64_t bottom = s->job[queue->tail].enqueued_ns;
    return bottom < since ? bottom : since;
  }
  for (uint32_t r = 0; queue->last && r < s->n_ranks; r++) {
    uint32_t next = queue->last[r] == JOB_NONE ? JOB_NONE : s->job[queue->last[r]].next;
    if (next != JOB_NONE && s->job[next].enqueued_ns < since) since = s->job[next].enqueued_ns;
  }
  return since;
}

uint32_t order_surplus(const Station *s, const Queue *queue, uint32_t job) { return s->order == ORDER_PRIORITY ? queue->tail : job; }

static uint32_t slot_below(const Station *s, uint32_t e, uint32_t rank, uint32_t pick) {
  for (uint32_t k = e * s->slots_per_entry, end = k + s->slots_per_entry; k < end; k++) {
    const Slot *slot = &s->slot[k];
    if (slot->job == JOB_NONE || station_is_held(s, slot)) continue;
    uint32_t own = order_rank(s, slot->job), best = pick == SLOT_NONE ? rank : order_rank(s, s->slot[pick].job);
    if (own > best || (pick != SLOT_NONE && own == best && slot->start_ns > s->slot[pick].start_ns)) pick = k;
  }
  return pick;
}

uint32_t order_slot_below(const Station *s, uint32_t e, uint32_t job) {
  uint32_t pick = SLOT_NONE, rank = order_rank(s, job);
  if (e != ENTRY_NONE) return slot_below(s, e, rank, pick);
  for (uint32_t k = 0; k < s->n_eligible; k++) pick = slot_below(s, s->eligible[k], rank, pick);
  return pick;
}
