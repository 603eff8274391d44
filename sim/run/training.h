/* Training jobs of a run: queues, what each job has done and holds, and when it ends or fails. Workers are Replicas of the run's Cluster
 * whose deployment is n_targets + queue, so that capacity and money are those of everybody. Only shared instants change anything here.
 *
 * What always holds: a running job holds its whole gang, a waiting one holds nothing (its replicas, if any, are pending: demand that node
 * policies see). The time a gang is held is useful, lost or overhead, to the nanosecond; work done is kept or lost, to the unit.
 *
 * A stretch is the time from one start (or restart, or another number of GPUs) to the next stop. It begins with a pause, of which the first
 * part (downtime) cannot fail; then come computing and checkpoints in turn, the last checkpoint at the job's end. */
#ifndef SIM_RUN_TRAINING_H
#define SIM_RUN_TRAINING_H

#include "sim/core/order_statistics.h"
#include "sim/run/result.h"
#include "sim/run/scenario.h"
#include "sim/run/training_draw.h"

typedef struct Run Run;

enum { TRAINING_NONE = 0xffffffffu };

typedef struct TrainingJob {
  bool live, running, began; /* began: it has run before */
  uint32_t queue, index, next; /* index: number in its queue; next: list of free entries */
  int64_t submitted_ns, waiting_since_ns, waited_ns, cancel_ns;
  int64_t gang, least, most, milligpus, data_bytes;
  int variant;
  int64_t own_ns, work_ns, kept_ns; /* work at speed 1: as submitted, of its variant, and done and saved */
  int64_t attained_ns, lost_ns;     /* work ever done; attained = kept + lost when it does not run */
  double mean_lives;                /* that its workers have yet to live, together, before one fails */
  uint32_t n_failures, n_starts;    /* number draws */
  __int128 held;                    /* milli-GPU ns before this stretch */
  /* the stretch */
  int64_t began_ns, down_ns, pause_ns, interval_ns, speed_q32; /* pause includes down; speed: work in 2^-32 a ns */
  int64_t gpus, nodes;
  int64_t end_ns, fail_ns, due_ns;  /* due: the next of end, failure and cancellation */
  uint32_t *worker, n_workers, worker_capacity;
} TrainingJob;

/* What a queue counts: events and times by the row of the instant, jobs by the row of their submission. */
typedef struct TrainingRow {
  __int128 useful, lost, overhead; /* milli-GPU ns */
  __int128 waiting, running, wanted; /* jobs and milli-GPUs wanted by waiting jobs, times ns */
  uint64_t preemptions, restarts, rescales;
  uint64_t submitted, finished, cancelled, rejected; /* jobs submitted in this row */
  uint64_t ended; /* jobs finished in this row */
  __int128 stayed_ns; /* of jobs submitted in this row, from submission to end, cancellation or horizon */
} TrainingRow;

typedef struct FinishedTraining {
  int64_t submitted_ns, finished_ns, waited_ns;
  int variant;
} FinishedTraining;

typedef struct TrainingQueue {
  const TrainingSpec *spec;
  const TrainingPolicy *policy;
  const void *params;
  const ThroughputModel *throughput;
  const QuotaSpec *quota;
  uint32_t tenant; /* its index among the cluster's deployments */
  /* submissions */
  const Workload *workload;
  const RateModel *rate;
  void *workload_state, *rate_state;
  WorkloadContext context;
  JobBlock block;
  size_t cursor;
  bool brings_jobs, ended;
  TrainingDraw draw;
  Stream size, epochs, cancel, failure, load;
  /* jobs waiting and running, in order of submission */
  uint32_t *active, n_active, active_capacity;
  int64_t gpus_held;    /* milli-GPUs of running jobs */
  int64_t n_running, wanted; /* jobs; milli-GPUs of waiting ones */
  int64_t tick, look_ns;
  bool due_tick;        /* its next look is a tick */
  /* speed */
  double *speed;        /* throughput of g GPUs, packed */
  int64_t gpus_most, gpus_per_node;
  const OrderStatistics *stragglers;
  int64_t accrued_ns;
  TrainingRow *row;     /* [TRACE_ROWS] */
  FinishedTraining *finished;
  size_t n_finished, finished_capacity;
  TrainingVariantView *variant;
} TrainingQueue;

/* Room on one node for workers, as it is or as it would be without some jobs. */
typedef struct NodeRoom {
  Resources free;
  int64_t whole;  /* untouched GPUs */
  int64_t taken;  /* workers of the gang being placed */
} NodeRoom;

typedef struct Training {
  uint32_t n_queues;
  TrainingQueue *queue;
  uint32_t *by_priority; /* queues, highest first */
  TrainingJob *job;
  uint32_t n_jobs, job_capacity, first_free;
  NodeRoom *room;
  uint32_t room_capacity;
  bool dirty, lost;      /* something is to be looked at; a job went back to its queue */
  uint32_t seen_changes; /* of the cluster, at the newest look */
  Arena scratch;
} Training;

/* training.c */
void training_begin(Run *run);
/* Whose turn it is, after anything that may have changed that. */
void training_schedule(Run *run);
void training_do_submit(Run *run, uint32_t queue);
void training_do_job(Run *run, uint32_t job);
void training_do_look(Run *run, uint32_t queue);
/* A worker's node is gone, or is being emptied: its job goes back to its queue and loses what came after its last checkpoint. */
void training_worker_lost(Run *run, uint32_t replica, int64_t now_ns);
/* Does any job wait that freed capacity could start? */
bool training_wants_capacity(const Run *run);
void training_end(Run *run);

/* training_job.c: one job's stretches. */
uint32_t training_job_new(Run *run, TrainingQueue *queue);
void training_job_free(Run *run, uint32_t job);
/* Its workers are placed: it starts, or goes on. */
void training_job_start(Run *run, TrainingJob *job, int64_t nodes, double speed);
typedef enum TrainingStop { TRAINING_STOP_LOSE, TRAINING_STOP_SAVE } TrainingStop;
/* Ends the stretch now; workers stay. */
void training_job_stop(Run *run, TrainingJob *job, TrainingStop how);
/* A worker fails: the job stays where it is and starts anew after downtime and restart. */
void training_job_fail(Run *run, TrainingJob *job);
void training_job_schedule(Run *run, TrainingJob *job); /* its next event */
/* Work done by now, saved or not; *unsaved_ns is the computing that a failure would lose. */
int64_t training_job_done(const Run *run, const TrainingJob *job, int64_t *unsaved_ns);
void training_queue_accrue(Run *run, TrainingQueue *queue); /* before the numbers of its jobs change */
TrainingRow *training_row(const Run *run, const TrainingQueue *queue, int64_t at_ns);
/* Throughput with stragglers, on so many GPUs of so many nodes. */
double training_throughput_rps(const TrainingQueue *queue, int64_t gpus, int64_t nodes);
void training_speeds(Run *run, TrainingQueue *queue, int64_t gpus); /* queue->speed reaches to gpus */

/* training_place.c: gangs on nodes. */
typedef struct GangPlan {
  int64_t nodes;
  double speed;   /* of the slowest machine */
} GangPlan;
void rooms_begin(Run *run);
void rooms_without(Run *run, const TrainingJob *job, int sign); /* +1: as if the job were not there; -1: it is */
int64_t rooms_workers_on(const Run *run, uint32_t node, Resources request); /* that would fit on a node */
int64_t rooms_workers(const Run *run, const TrainingQueue *queue, Resources request); /* workers that would fit, in all */
/* Chooses nodes for n workers, rooms[].taken; on at most nodes_most (0: any). False: there are none. */
bool gang_plan(Run *run, const TrainingQueue *queue, Resources request, int64_t n, int64_t nodes_most, GangPlan *plan);
/* Carries the plan out: the job has exactly these workers, all placed. */
void gang_place(Run *run, TrainingJob *job, int64_t n);
void gang_remove(Run *run, TrainingJob *job); /* all its workers go, pending ones too */
void gang_demand(Run *run, TrainingJob *job, int64_t n); /* a waiting job has n pending workers */
Resources training_request(const TrainingQueue *queue, const TrainingJob *job);

/* training_result.c */
void training_results(Run *run, int first_row, RunResult *result);

static inline int64_t smaller_of(int64_t a, int64_t b) { return a < b ? a : b; }
static inline TrainingQueue *training_queue_of(Training *training, const TrainingJob *job) { return &training->queue[job->queue]; }

#endif
