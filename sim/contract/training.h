/* Write a training discipline: one file in models/training, one line in models/registry.c. It says how many GPUs each job of one queue
 * should hold; decide is a pure function of (params, view). Placing gangs whole, taking GPUs from lower queues, keeping quotas and paying for
 * restarts are the simulator's. A throughput model says how fast a job runs on so many GPUs of so many nodes. */
#ifndef SIM_CONTRACT_TRAINING_H
#define SIM_CONTRACT_TRAINING_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/base/arena.h"
#include "sim/contract/type.h"

typedef struct TrainingJobView {
  uint64_t job;          /* number in its queue: 0, 1, 2 ... in order of submission */
  bool running;
  int64_t submitted_ns;
  int64_t gang;          /* GPUs (workers) it asks for */
  int64_t least, most;   /* what it can use; both are `gang` unless it is elastic */
  int64_t milligpus;     /* of one worker: 1000, or a fraction, or 0 */
  int64_t gpus, nodes;   /* workers it holds, and the nodes they are on; 0 while it waits */
  int64_t room;          /* running: further workers that would fit on those nodes */
  int64_t data_bytes;
  double left_ns;        /* work left: ns at speed 1, which is its gang on as few nodes as can hold it */
  double served_gpu_ns;  /* GPU time it has held so far */
  int64_t ends_ns;       /* running: when it ends if nothing happens; INSTANT_NEVER otherwise */
  int variant;           /* the one it was started with; the queue's first choice before */
} TrainingJobView;

typedef struct TrainingVariantView {
  const char *name;
  double accuracy_ratio, work_ratio; /* work relative to a job's own */
} TrainingVariantView;

typedef struct TrainingView {
  int64_t now_ns;
  bool tick;                  /* the discipline's own period has come round */
  const TrainingJobView *job; /* waiting and running ones, in order of submission */
  uint32_t n_jobs;
  int64_t present_milligpus;  /* that the queue could hold now: its own, free ones, and those it may take from others */
  int64_t capacity_milligpus; /* the same with nodes that are starting or may yet be ordered: what is given beyond `present` waits for nodes */
  int64_t free_nodes;         /* nodes that hold nothing, or that may yet be ordered: no more nodes are to be had when this is 0 */
  int64_t gpus_per_node;      /* of the largest machine it may use */
  const double *throughput;   /* of g GPUs on as few nodes as can hold them, g <= gpus_most; [0] is 0 */
  int64_t gpus_most;
  const TrainingVariantView *variant;
  size_t n_variants;
  Arena *scratch;             /* memory for this look */
} TrainingView;

/* What a job should hold. */
typedef struct TrainingAllocation {
  int64_t gpus;       /* 0: wait, or stop running */
  int64_t nodes_most; /* on at most so many nodes; 0: any number */
  int variant;        /* counts when the job first starts */
} TrainingAllocation;

typedef struct TrainingDecision {
  TrainingAllocation *job; /* [n_jobs]: as now at first */
  uint32_t *order;         /* [n_jobs]: who is placed first; order of submission at first */
  int64_t look_again_ns;   /* the next instant to be asked even if nothing happens; INSTANT_NEVER at first */
} TrainingDecision;

typedef struct TrainingPolicy {
  Model model; /* first */
  bool strict; /* the first job in `order` that finds no place keeps those behind it from starting */
  bool only_waiting; /* changes nothing while no job waits: it is not asked then */
  bool follows_service; /* asked again at once when a job has started, to say when it wants to look at it */
  bool reads_room; /* wants job->room */
  int64_t (*period_ns)(const void *params); /* also asked at multiples of this; NULL: only when something happens */
  void (*decide)(const void *params, const TrainingView *view, TrainingDecision *decision);
} TrainingPolicy;

/* Samples a second on so many GPUs of so many nodes (1 <= nodes <= gpus): > 0 and finite. Only ratios count, unless a job's work is given by
 * its data. */
typedef struct ThroughputModel {
  Model model; /* first */
  double (*rate)(const void *params, int64_t gpus, int64_t nodes);
} ThroughputModel;

/* What n workers of a job take from a capacity. */
static inline int64_t training_milligpus(const TrainingJobView *job, int64_t gpus) { return job->milligpus * gpus; }
/* Speed on g GPUs, packed: 1 on its gang. */
static inline double training_speed(const TrainingView *view, const TrainingJobView *job, int64_t gpus) {
  int64_t most = view->gpus_most, gang = job->gang < most ? job->gang : most;
  return view->throughput[gpus < most ? gpus : most] / view->throughput[gang];
}

#endif
