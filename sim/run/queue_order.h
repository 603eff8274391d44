/* Where a job stands among those that wait, and whose slot it may take. Under `fifo` and `lifo` a queue is one list; under `priority` the
 * list is in order of rank (of the priority of the workload a job came from; 0 is the highest), first come first served within each, and
 * `last` knows the last job of every rank, so that no insertion walks the queue. Only the plain loop has queues that are not first come,
 * first served; control operations may meet any. */
#ifndef SIM_RUN_QUEUE_ORDER_H
#define SIM_RUN_QUEUE_ORDER_H

#include "sim/run/station.h"

/* In turn: as if it came now. First: before its like (all others under fifo and lifo, those of its rank under priority). Last: behind
 * all that wait (under priority: of its rank). */
typedef enum Join { JOIN_IN_TURN, JOIN_FIRST, JOIN_LAST } Join;

void order_begin(Station *station);
/* An empty queue; `last` is that of the same entry's former queue, or NULL. */
Queue order_new_queue(Station *station, uint32_t *last);
void order_join(Station *station, Queue *queue, uint32_t job, Join join);
void order_remove(Station *station, Queue *queue, uint32_t job);
/* Since when the job waits that has waited longest (of the first of each rank); the queue is not empty. */
int64_t order_longest_ns(const Station *station, const Queue *queue);
/* Who leaves a queue that has become too long when `job` came: it, or under priority the newest of the lowest rank, which may be it, too. */
uint32_t order_surplus(const Station *station, const Queue *queue, uint32_t job);
/* The busy slot that a job may take: of those whose jobs are of the lowest rank, if that is below its own, the one that started last (the
 * lowest index in a tie). Slots held by calls are left out: their work is done. Of entry e, or of all eligible ones (ENTRY_NONE). */
uint32_t order_slot_below(const Station *station, uint32_t e, uint32_t job);

static inline uint32_t order_rank(const Station *s, uint32_t id) { return s->rank[s->job[id].source]; }

#endif
