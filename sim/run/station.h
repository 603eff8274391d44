/* A station is the data plane of one deployment: its jobs, replicas, slots and queues. This is the canonical state that control
 * operations change between windows; the loops (loop_*.c) advance it through a window and keep only what speeds them up (a heap of
 * slots, bitmaps), rebuilt when `changed` is set. What is visible at a window's end is exactly what is true then: jobs in service
 * have a known end, jobs that wait have none, and nothing is metered before its instant.
 *
 * Slots: replica entry e has slots e * concurrency ... (e + 1) * concurrency - 1. A slot with a job ends it at free_ns; one without
 * has been idle since free_ns. Replicas with a server (processor sharing ...) use the slots only to hold their jobs. */
#ifndef SIM_RUN_STATION_H
#define SIM_RUN_STATION_H

#include "sim/core/heap.h"
#include "sim/run/arrivals.h"
#include "sim/run/scrape.h"

enum { JOB_NONE = 0xffffffffu, ENTRY_NONE = 0xffffffffu, SLOT_NONE = 0xffffffffu, VARIANT_LEFT = -1 };

typedef struct Job {
  int64_t first_ns;    /* first arrival at this deployment */
  int64_t enqueued_ns; /* joined the queue it waits in */
  int64_t deadline_ns; /* patience ends; INSTANT_NEVER */
  uint64_t index;      /* number in its workload; attempt in bits 48-55, hop in 56-63 */
  double work_ns;      /* at reference speed, for `variant`; what is left if VARIANT_LEFT */
  int64_t waited_ns;   /* in queues before the present one */
  uint32_t input, output;
  uint32_t next, prev; /* in its queue */
  uint32_t stamp;      /* changes whenever an event planned for the job loses its meaning */
  uint32_t origin;     /* entity of the workload it came from */
  uint32_t source;     /* deployment of that workload */
  int16_t variant;
  bool abandoned;      /* gave up in service, the work is wasted */
  bool touched;        /* fields that most jobs never change were changed: freeing sets them back */
  bool called;         /* by a job of another deployment, which waits for its end: station->call says which */
  bool in_service;     /* plain loop only: place is a slot; else it waits in the queue of entry `place` (ENTRY_NONE: the common one) */
  uint32_t place;
} Job;

/* The slot of another deployment that is held until a called job has left; of no meaning once the slot's stamp is another. */
typedef struct Call {
  uint32_t deployment, slot, stamp;
} Call;

typedef struct Queue {
  uint32_t head, tail, count;
  uint32_t *last; /* under priorities: [ranks], the last job of each, JOB_NONE where there is none */
} Queue;

typedef struct Slot {
  int64_t free_ns, start_ns;
  uint32_t job;   /* JOB_NONE: idle */
  uint32_t entry; /* whose slot it is */
  int32_t variant; /* that serves the job */
  uint32_t stamp; /* changes with every new or changed end */
} Slot;

typedef enum EntryState { ENTRY_FREE, ENTRY_STARTING, ENTRY_READY, ENTRY_DRAINING } EntryState;

/* A replica as the data plane sees it. What every job touches comes first and together. */
typedef struct Entry {
  EntryState state;
  uint32_t id; /* in the cluster */
  int32_t variant;
  uint32_t busy, held; /* slots in use; of those, held by a job that has called another */
  double slowness;    /* 1 / speed */
  Queue queue;        /* its own waiting jobs */
  __int128 served_ns; /* in the open window: what its starts and ends change in the integral of jobs in service */
  __int128 held_ns;   /* the same for slots held: they use no CPU */
  double speed;
  int64_t usage_millicores, request_millicores; /* in use when all slots are busy; requested */
  int64_t ready_ns, swap_ns, drained_ns, kill_ns; /* INSTANT_NEVER where not planned */
  __int128 queued_ns;  /* service of its waiting jobs at its speed, for least-work */
  int64_t began_ns;    /* added */
  __int128 busy_sum, usage_sum; /* since then, up to the last closed window: job ns; millicores * slots * ns while ready */
  int64_t usage_level; /* of a server: millicores in use * concurrency; of slots it follows from busy */
  int64_t power;       /* above idle, of a millicore in use: milliwatts * POWER_ONE */
  void *server;
  uint32_t idle_hint;  /* of a server: no slot below this one is idle */
  uint32_t server_stamp;
  uint32_t generation; /* how many replicas the entry has been used for */
  int32_t swap_variant;
} Entry;

/* A timed fact that needs no answer. */
typedef struct Notice {
  int64_t at_ns;
  uint32_t replica; /* drained (or killed at the end of its grace) */
} Notice;

/* A finished job on its way to the meter. */
typedef struct Finish {
  int64_t first_ns, latency_ns, wait_ns;
  int32_t variant;
} Finish;
enum { FINISHES = 64 };

/* Why flow_advance returned. FLOW_ASK: it stands at an instant that only the control plane can resolve; a run stops its flows there
 * beforehand, since the instants of asks are known or bounded in advance (ask.c). */
typedef enum FlowReason { FLOW_REACHED, FLOW_NOTICE, FLOW_ASK, FLOW_OVERFLOW, FLOW_INTERRUPTED } FlowReason;

/* Tests watch jobs through this; NULL otherwise. kinds: 'a'rrival 's'tart 'd'eparture 'x' dropped 'e'xpired 'f'ailed. */
typedef struct EventLog {
  void (*event)(struct EventLog *log, char kind, int64_t at_ns, uint32_t deployment, uint64_t job, uint32_t replica);
} EventLog;

typedef struct Flow Flow;

struct Station {
  const Scenario *scenario;
  const DeploymentSpec *spec;
  uint32_t deployment; /* index */
  Arena *arena;
  Flow *flow;
  Arrivals arrivals;
  Meter meter;
  Scrapes scrapes;
  uint64_t seed;
  uint32_t entity, replication;
  uint32_t concurrency, slots_per_entry; /* equal, but for servers: the jobs they may hold */
  const Service *service; /* form: its server, NULL for laws */
  bool takes;        /* its server says itself when jobs start */
  bool central;      /* one queue for all replicas */
  bool has_patience, fixed_patience, total_timeout;
  int64_t patience_ns; /* fixed */
  int64_t queue_limit;
  QueueOrder order;
  const uint32_t *rank; /* under priorities: of the jobs of each deployment's workload */
  uint32_t n_ranks;
  bool preempts;
  /* jobs */
  Job *job;
  uint32_t n_jobs, job_capacity, free_job;
  Call *call;          /* [call_capacity] of called jobs */
  uint32_t call_capacity;
  uint64_t n_held;     /* slots */
  Queue waiting;     /* central queue; with queues per replica: those that wait for any replica to be ready */
  uint64_t n_waiting, n_busy; /* all queues; jobs in service */
  uint64_t taken;      /* from the arrivals in the open window */
  bool sized;          /* jobs have input sizes */
  uint64_t backlog_units;
  uint64_t n_elsewhere; /* waiting for their next attempt */
  bool closed;          /* its jobs come from clients, who go on after each */
  ClosedLoop clients;
  uint64_t n_thinking, n_thought; /* clients now; jobs that followed on others */
  /* replicas */
  Entry *entry;
  Slot *slot;
  uint32_t n_entries, entry_capacity;
  uint32_t *eligible; /* READY entries in index order */
  uint32_t n_eligible;
  uint64_t round_robin;
  uint32_t n_starting, n_ready, n_draining;
  int64_t request_sum; /* millicores requested by ready replicas */
  __int128 waited_ns;  /* in the open window: what the queues' changes add to the integral of jobs waiting */
  int64_t local_ns;  /* the next local event, where known */
  bool local_known;
  bool changed;      /* loops rebuild what they derived */
  int64_t window_end_ns; /* integrals are complete up to here, as if no level changed any more */
  struct Finish *finish; /* finished jobs not yet in the meter, at most FINISHES */
  uint32_t n_finishes;
  double *scratch_work; /* of one entry's jobs, made when first needed */
  ServerJob *scratch_job;
  void *scratch_server, *scratch_peek;
  /* loop-owned */
  struct SlotHeap *slots; /* slots by free_ns: all (central) or the busy ones (queues per replica) */
  struct Levels *levels;  /* eligible entries by jobs outstanding */
  Heap *events;      /* the plain loop's; NULL in the others */
  uint64_t overflow; /* waiting jobs exceeded max_queue: the run ends with an error */
  Notice *notice;
  uint32_t n_notices, notice_capacity;
  EventLog *log;
};

void station_begin(Station *station, const Scenario *scenario, uint32_t deployment, uint32_t replication, int variant, Arena *arena,
                   bool percentiles);

/* Control operations; all at the station's present instant `now_ns`, between windows. They keep integrals correct themselves. */
bool station_holds(const Station *station, uint32_t replica); /* false once it is gone, also before its notice is read */
uint32_t station_add(Station *station, uint32_t replica, int variant, double speed, int64_t usage_millicores,
                     int64_t request_millicores, int64_t ready_ns, int64_t now_ns);
void station_drain(Station *station, uint32_t replica, int64_t now_ns);   /* a READY one: takes no more jobs, its queue moves on */
void station_remove(Station *station, uint32_t replica, int64_t now_ns); /* a STARTING one */
void station_fail(Station *station, uint32_t replica, int64_t now_ns);   /* any: jobs in service as `failure` says */
void station_resize(Station *station, uint32_t replica, double speed, int64_t usage_millicores, int64_t request_millicores, int64_t now_ns);
void station_set_power(Station *station, uint32_t replica, int64_t power);
void station_set_ready(Station *station, uint32_t replica, int64_t ready_ns); /* a STARTING one */
/* Has it jobs in service? */
bool station_serves(const Station *station, uint32_t replica);
void station_swap(Station *station, uint32_t replica, int variant, int64_t at_ns); /* serves the new variant from at_ns on */
/* Local events. The next one's instant, and doing all that are due at now_ns (in class order: drained, kill, ready, swap). */
int64_t station_next_local(Station *station);
void station_do_local(Station *station, int64_t now_ns);
/* The earliest instant at which a draining replica will be gone if nothing else changes; while calls are out, when is not known: flow.c. */
int64_t station_next_notice(const Station *station);

/* Opens a window that ends at end_ns: all levels are integrated to its end as they stand; every change inside it then adds or takes
 * (end - instant) times the change, in any order. */
void station_open_window(Station *station, int64_t end_ns);
/* Moves the window's sums and finished jobs to the meter. */
void station_close_window(Station *station);
void station_book_finishes(Station *station);

/* Shared by the loops. */
uint32_t station_new_job(Station *station);
void station_free_job(Station *station, uint32_t job);
void queue_push_tail(Station *station, Queue *queue, uint32_t job);
void queue_push_head(Station *station, Queue *queue, uint32_t job);
void queue_remove(Station *station, Queue *queue, uint32_t job);
/* The service of a job on an entry, ns. */
int64_t station_service_ns(Station *station, Job *job, const Entry *entry);
/* The parameters of an entry's service. */
static inline const void *station_params(const Station *s, const Entry *entry) {
  return deployment_variant(s->spec, (size_t)entry->variant)->service.params;
}
/* Bytes of a server's state, whatever the variant. */
size_t station_server_bytes(const Station *station);
/* A server's state on scratch memory, to ask what would happen; scratch_job is ready for an evict. Valid until the next call. */
void *station_copy_server(Station *station, const Entry *entry);
/* The entity that names a job's draws at this station. */
uint32_t station_work_entity(const Station *station, const Job *job);
/* Work of a job under a variant, drawn again from its number. */
double station_work(const Station *station, const Job *job, int variant);
/* Where an arriving (or moved) job goes under queues per replica: an index of entry, ENTRY_NONE when none is ready. */
uint32_t station_choose(Station *station, const Job *job, int64_t now_ns);
/* Moves a busy slot's job out without booking it (failure, cancelled service); the slot is idle from now on. */
uint32_t station_evict(Station *station, uint32_t slot, int64_t now_ns);
/* Books a job lost in this attempt and frees it; retries are the plain loop's. Its level changes are the caller's. */
void station_lose(Station *station, uint32_t job, Loss loss, int64_t now_ns);
/* A server's CPU use after something about it changed. */
void station_refresh_use(Station *station, uint32_t entry, int64_t now_ns);
/* A call of a replica's job has begun or is over: when a draining one will be gone is found anew. */
void station_call_changed(Station *station, uint32_t entry, int64_t now_ns);
/* Books a job lost for good. */
void station_book_loss(Station *station, const Job *job, Loss loss, int64_t now_ns);

static inline uint32_t station_slot_entry(const Station *s, uint32_t slot) { return s->slot[slot].entry; }
static inline int64_t station_queue_wait(const Job *job, int64_t start_ns) { return job->waited_ns + (start_ns - job->enqueued_ns); }

/* Level changes inside the open window; the sums are moved to the meter when it closes. */
static inline void station_wait(Station *s, int64_t at_ns, int64_t change) {
  s->n_waiting += (uint64_t)change;
  s->waited_ns += change > 0 ? s->window_end_ns - at_ns : at_ns - s->window_end_ns;
}
static inline void station_serve(Station *s, Entry *entry, int64_t at_ns, int64_t change) {
  s->n_busy += (uint64_t)change;
  entry->busy += (uint32_t)change;
  entry->served_ns += change > 0 ? s->window_end_ns - at_ns : at_ns - s->window_end_ns;
}
/* A job in a slot has called another, or its call is over. The slot has no end meanwhile. */
static inline void station_hold(Station *s, Entry *entry, int64_t at_ns, int64_t change) {
  s->n_held += (uint64_t)change;
  entry->held += (uint32_t)change;
  entry->held_ns += change > 0 ? s->window_end_ns - at_ns : at_ns - s->window_end_ns;
}
static inline bool station_is_held(const Station *s, const Slot *slot) {
  return s->n_held && slot->job != JOB_NONE && slot->free_ns == INSTANT_NEVER && !s->service->server;
}
/* The CPU a server's jobs use changes. */
static inline void station_use(Station *s, Entry *entry, int64_t at_ns, int64_t change) {
  entry->usage_level += change;
  entry->usage_sum += (__int128)change * (s->window_end_ns - at_ns);
  s->meter.level.usage += (__int128)change * (s->window_end_ns - at_ns);
  s->meter.level.power += (__int128)change * (s->window_end_ns - at_ns) * entry->power;
}

static inline void station_log(Station *s, char kind, int64_t at_ns, const Job *job, uint32_t replica) {
  if (__builtin_expect(s->log != NULL, 0)) s->log->event(s->log, kind, at_ns, s->deployment, job->index, replica);
}

#endif
