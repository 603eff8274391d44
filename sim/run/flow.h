/* A flow: the deployments that must be advanced together (nearly always one). flow_advance simulates it up to an instant on its own
 * small state; it cuts its windows at trace rows, scrapes and local events, and hands each window to one of three loops: the planned
 * loop of a central queue, the loop of queues per replica, or the plain event loop, which can do everything and is the reference. */
#ifndef SIM_RUN_FLOW_H
#define SIM_RUN_FLOW_H

#include "sim/run/station.h"

typedef struct FlowReturn {
  FlowReason reason;
  int64_t at_ns;
} FlowReturn;

struct Flow {
  Station **station;
  uint32_t n_stations;
  Station **all; /* every station of the run by deployment: routes leave the flow */
  int64_t now_ns, horizon_ns, scrape_ns;
  int64_t next_scrape;
  const volatile bool *interrupted; /* ends an advance early; NULL */
  bool plain;       /* uses the plain loop */
  Heap events;      /* of the plain loop */
  uint32_t sequence;
};

/* plain: use the plain loop even where a faster one serves. */
void flow_begin(Flow *flow, const Scenario *scenario, Station **all, uint32_t flow_index, int64_t scrape_ns, bool plain, Arena *arena);
/* Advances to `until_ns`: everything before it, and departures, expiries, failures, ready replicas and scrapes at it; arrivals at it
 * belong to the next call. FLOW_NOTICE is returned only when stop_at_notice is set. */
FlowReturn flow_advance(Flow *flow, int64_t until_ns, bool stop_at_notice);
/* Closes the last row at the horizon. */
void flow_end(Flow *flow);
int64_t flow_next_notice(const Flow *flow);
/* The earliest instant after now of something in a flow's own events, or an arrival at one of its stations. What is still to be done at
 * this very instant (an arrival, a start when the next window opens) may plan something soon. */
int64_t flow_next_event(const Flow *flow, int64_t now_ns);
/* True if no other flow's jobs come in and none leave. */
bool flow_is_alone(const Flow *flow);

/* The loops: advance from the station's (flow's) present instant `from` through an opened window. Departures and expiries up to and
 * including `last_ns` are done, arrivals before `end_ns`. */
void loop_central(Station *station, int64_t from_ns, int64_t last_ns, int64_t end_ns);
void loop_replicas(Station *station, int64_t from_ns, int64_t last_ns, int64_t end_ns);
void loop_plain(Flow *flow, int64_t from_ns, int64_t last_ns, int64_t end_ns);
/* Schedules a lost attempt's retry if it has one; true if it did. Only in the plain loop. */
bool plain_retry(Station *station, uint32_t job, int64_t now_ns);
/* Frees a job that leaves the system; the client it came from, if any, goes on. */
void plain_leave(Station *station, uint32_t job, bool lost, int64_t now_ns);
/* Is this event of the plain loop a job (a retry, or one from another deployment) that comes to the station? */
bool plain_is_arrival(const Station *station, HeapItem item);

#endif
