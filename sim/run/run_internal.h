/* The inside of a run, shared by run.c (the order of shared instants), control.c (observe, clamp, actuate), nodes.c (placement and the
 * node policy) and run_result.c. Only the control plane's thread touches a Run. */
#ifndef SIM_RUN_RUN_INTERNAL_H
#define SIM_RUN_RUN_INTERNAL_H

#include "sim/core/event.h"
#include "sim/run/flow.h"
#include "sim/run/run.h"
#include "sim/run/training.h"

typedef enum SharedKind {
  SHARED_NOTICE,
  SHARED_FAULT,
  SHARED_NODE_READY,
  SHARED_REPLICA_READY, /* of a deployment that waits for it: one that replaces another, or before others start */
  SHARED_TICK,
  SHARED_ASK,
  SHARED_EXPIRY,
  SHARED_NODE_LOOK,
  SHARED_NODE_TICK,
  SHARED_NODE_DANGER,  /* a node fails, is to be taken back, or is taken */
  SHARED_POOL_RECLAIM, /* an instant of a pool's trace of reclaims */
  SHARED_POOL_OPENS,   /* orders are made again */
  SHARED_REPLACE,      /* a lost replica is seen to be lost */
  SHARED_TRAINING_JOB,
  SHARED_TRAINING_SUBMIT,
  SHARED_TRAINING_LOOK
} SharedKind; /* at most 16: event_rank has room for 4 bits */

/* What the controller shows at the end of each trace row, and counts in each. */
typedef struct TargetRows {
  double replicas_wished[TRACE_ROWS], replica_cores[TRACE_ROWS], variant[TRACE_ROWS], data_size_bytes[TRACE_ROWS],
      resource_limit[TRACE_ROWS], model_state[TRACE_ROWS];
  uint64_t actions[TRACE_ROWS];
  uint64_t lost[TRACE_ROWS]; /* replicas, with their nodes */
  int64_t exhausted_ns[TRACE_ROWS];
  int filled; /* rows before this one are final */
} TargetRows;

/* A resize in place that waits for room on its node (Deferred). */
typedef struct Deferred {
  uint32_t replica;
  Resources request, limit;
} Deferred;

/* A deployment as its autoscaler and the actuator see it. */
typedef struct Target {
  const DeploymentSpec *spec;
  const Policy *policy;
  const void *params;
  void *state;
  PolicyTiming timing;
  uint32_t leader;   /* the target that looks for the whole group (policies with decide_all); itself otherwise */
  int64_t tick;
  int64_t replicas_wished;
  Resources initial, initial_limit, request, limit; /* of one replica */
  int variant;
  VariantView *view;
  uint32_t *replica; /* live ones (not gone), in creation order; draining ones too */
  uint32_t n_replicas, replica_capacity;
  uint32_t n_unseen; /* lost with their nodes, and still thought to be there */
  int64_t n_later;   /* wished, and created only when fewer are starting */
  Decision last;     /* the newest decision: data size, limit and state for the trace */
  uint32_t quiet;
  int64_t decided_ns; /* of `last` */
  TargetRows *rows;
  Stream load, idle;
  int64_t keep_alive_ns; /* 0: idle replicas stay, unless there is a law */
  const Distribution *keep_alive_law;
  bool cancels_starts;
  int64_t asked_ns, asked_slots; /* the newest ask, and the slots there were: asked again at one instant only if that brought some */
  bool ask_pending, expiry_pending;
  Deferred *deferred;
  uint32_t n_deferred, deferred_capacity;
  /* what it sees; lists have room for view_capacity replicas */
  bool sees_replicas, sees_latencies;
  MetricQuery query[POLICY_METRICS];
  size_t n_queries;
  MetricValue *value;    /* [n_queries] */
  ReplicaView *replica_view;
  uint32_t *replica_entry, *updated, *removed;
  double *replica_value; /* [n_queries][view_capacity] */
  uint32_t view_capacity;
} Target;

/* The node policy, its memory, and the views it is shown. */
typedef struct NodeControl {
  const NodePolicy *policy;
  const void *params;
  void *state;
  int64_t period_ns, tick, look, look_ns; /* look_ns: the next look already planned */
  char *node_state;       /* node_capacity states ... */
  uint32_t *node_owner;   /* ... of the node with this ordinal + 1 */
  PoolView *pool;
  DeploymentView *deployment;
  NodeView *node;
  NodeAction *action;
  PlacedView *placed;
  PendingView *pending;
  int64_t *order;
  uint32_t node_capacity, placed_capacity, pending_capacity;
  Arena scratch;
} NodeControl;

struct Run {
  const Scenario *scenario;
  const StrategySpec *strategy;
  RunOptions options;
  Arena *arena;
  uint32_t replication;
  Cluster cluster;
  Station *station;
  Station **all;
  Arena *flow_arena; /* [n_flows] */
  Flow *flow;
  uint32_t n_flows, n_targets;
  bool flows_alone;
  Target *target;
  Heap events;
  uint32_t sequence;
  int64_t scrape_ns;
  int64_t flows_ns, now_ns;
  double arrivals_rps;
  int64_t step_ns; /* flows that feed others go no further at once */
  bool speeds_changed;
  size_t *next_reclaim; /* [n_pools]: of its trace */
  struct Pulls *pulls;  /* [n_pools]; NULL where no loads share a bandwidth */
  NodeControl nodes;
  Training training;
  /* the decision being made */
  uint32_t n_deciding;  /* 0: none */
  uint32_t *deciding;   /* [n_targets] */
  Observation *observation;
  AskKind ask;
  uint32_t *entry_of;   /* scratch of observe.c */
  uint32_t entry_of_capacity;
  DecisionRow *row;
  size_t n_rows, row_capacity;
  uint32_t n_decisions;
  int status;
  char message[RUN_MESSAGE_BYTES];
};

void run_push(Run *run, int64_t at_ns, EventClass class, SharedKind kind, uint32_t what);
void run_fail(Run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* nodes.c */
void nodes_begin(Run *run);
/* Creates one replica and places it if it fits now; later, where so many are starting that it has to wait. */
void target_add_replica(Run *run, uint32_t target, uint32_t replaces, bool ready_now);
/* Replicas that were to be created later are, as far as others have started. */
void target_add_later(Run *run, uint32_t target);
/* Does anything happen to others when it becomes ready? */
bool target_waits_for(const Target *target, const Replica *replica);
/* Replicas pending or starting at an instant that replace no other. A notice is dealt with at its own time, when flows may be further on. */
int64_t target_on_their_way(const Run *run, const Target *target, int64_t at_ns);
/* Pending replicas, oldest first, get a node where one fits. */
void run_place_pending(Run *run);
bool run_has_pending(const Run *run);
/* Would freed capacity be used at once: is a replica pending, or a resize deferred? */
bool run_wants_capacity(const Run *run);
/* Tells the node policy what has happened: NODE_WAKE_CHANGE alone when flows may have gone on since. */
void run_nodes_wake(Run *run, unsigned wakes);
void run_nodes_look(Run *run, int64_t at_ns); /* the look that was planned for this instant */
void run_nodes_tick(Run *run);
void run_node_ready(Run *run, uint32_t node);
/* A replica left: a draining node that is empty now is released. */
void run_node_left(Run *run, uint32_t node);
/* The replica drains by its deployment's rules and a new one is created at once; it gets a node at the next run_place_pending. */
void target_evict_replica(Run *run, uint32_t target, uint32_t replica);
/* Speeds follow effective CPU; called at shared instants that changed capacity. */
void run_update_speeds(Run *run);
/* Replicas whose load has ended by now are READY in the cluster too. */
void run_mark_ready(Run *run);
void target_forget_replica(Run *run, Target *target, uint32_t replica);
void target_drop_replica(Run *run, uint32_t target, uint32_t replica); /* by its state: drain, cancel or forget */

/* Its node is lost: jobs by the deployment's `failure`; another one is created, at once or when the loss is seen. */
void target_lose_replica(Run *run, uint32_t target, uint32_t replica);

/* node_faults.c */
typedef enum NodeLoss { NODE_LOSS_FAILED, NODE_LOSS_TAKEN } NodeLoss;
/* A node is lost at this instant, with all that is on it. The only way a node that holds replicas goes. */
void run_node_lost(Run *run, uint32_t node, NodeLoss loss);
/* A draining node: each of its replicas moves by its owner's rules; the node is released if that leaves it empty. */
void run_node_empties(Run *run, uint32_t node);
/* It is ready: what will happen to it becomes events. */
void run_node_opened(Run *run, uint32_t node);
void run_pool_closed(Run *run, uint32_t pool);
/* The events. */
void run_node_danger(Run *run, uint32_t node);
void run_pool_reclaim(Run *run, uint32_t pool);
void run_pool_opens(Run *run, uint32_t pool);
void run_replace_lost(Run *run, uint32_t target);
void node_faults_begin(Run *run);

/* pulls.c: replicas that load at the same time share their pool's bandwidth. */
void pulls_begin(Run *run);
/* A replica that was just placed loads for so long at full speed; its ready_ns is provisional until pulls_flush. */
void pulls_add(Run *run, uint32_t replica, int64_t load_ns);
void pulls_forget(Run *run, uint32_t replica);
/* Settles when loads end; called before flows go on. */
void pulls_flush(Run *run);

/* observe.c */
void observe_begin(Run *run, uint32_t target);
void control_observe(Run *run, uint32_t target, AskKind ask, Observation *observation);

/* node_control.c */
void node_control_begin(Run *run);

/* control.c */
void control_begin(Run *run);
void control_actuate(Run *run, uint32_t target, const Decision *decision);
/* A decision that wishes what is there now, with room for lists of replicas. */
Decision control_unchanged(const Run *run, uint32_t target);
/* Resizes that wait for room are tried again; called when capacity was freed. */
void control_retry_resizes(Run *run);
/* Its replica goes: a resize that waits for it is over. */
void control_forget_resize(Target *target, uint32_t replica);

/* ask.c */
/* The earliest instant at which a policy may have to be asked, or an idle replica may go: flows go no further at once. */
int64_t run_next_ask(const Run *run);
/* Asks that are due at the flows' instant, and idle replicas whose time is over, become shared events: older notices come before them. */
void run_take_asks(Run *run);
/* An ask that came up: is it still due? */
bool run_ask(Run *run, uint32_t target);
int64_t run_arriving(Run *run, uint32_t target); /* jobs that arrive now, from outside or from elsewhere, and are not yet in the station */
/* Idle replicas whose time is over go. */
void run_expire(Run *run, uint32_t target);
/* Rows of the controller's columns up to now. */
void control_fill_rows(Run *run, uint32_t target, int64_t now_ns);

/* run_known.c: means that theory knows, of rows [first, after); NaN where it does not. */
void known_means(const Run *run, uint32_t target, int first_row, int after_row, double *expected_jobs, double *erlang_s);

/* run_result.c */
void result_build(Run *run, RunResult *result);

#endif
