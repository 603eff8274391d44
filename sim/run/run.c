/* The order of shared instants. Flows run side by side to the next one; what they notice on the way becomes events with their own
 * instants. While a replica is pending anywhere, every drained replica may matter, and flows stop at each notice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/check.h"
#include "sim/core/event.h"
#include "sim/run/run_internal.h"

void run_push(Run *run, int64_t at_ns, EventClass class, SharedKind kind, uint32_t what) {
  heap_push(&run->events, (HeapItem){at_ns, event_rank(class, (uint32_t)kind << 20 | (what & 0xfffffu), run->sequence++),
                                     (uint64_t)kind << 32 | what});
}

void run_fail(Run *run, const char *format, ...) {
  if (run->status) return;
  run->status = 1;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(run->message, sizeof run->message, format, arguments);
  va_end(arguments);
}

/* ---- beginning ---- */

static void flows_begin(Run *run) {
  const Scenario *scenario = run->scenario;
  run->scrape_ns = strategy_timing(scenario, run->strategy, scenario_deployment(scenario, 0)->name).scrape_ns;
  run->n_flows = scenario->n_flows;
  run->flow = ARENA_ARRAY(run->arena, Flow, run->n_flows);
  run->flow_arena = ARENA_ARRAY(run->arena, Arena, run->n_flows);
  for (uint32_t f = 0; f < run->n_flows; f++) run->flow_arena[f].exhausted = run->arena->exhausted;
  run->station = ARENA_ARRAY(run->arena, Station, run->n_targets);
  run->all = ARENA_ARRAY(run->arena, Station *, run->n_targets);
  for (uint32_t d = 0; d < run->n_targets; d++) {
    run->all[d] = &run->station[d];
    station_begin(&run->station[d], scenario, d, run->replication, scenario->initial_variant[d],
                  &run->flow_arena[scenario->flow_of[d]], run->options.trace);
    run->station[d].log = run->options.log;
  }
  run->flows_alone = true;
  for (uint32_t f = 0; f < run->n_flows; f++) {
    flow_begin(&run->flow[f], scenario, run->all, f, run->scrape_ns, run->options.plain, &run->flow_arena[f]);
    run->flow[f].interrupted = run->options.interrupted;
    run->flows_alone = run->flows_alone && flow_is_alone(&run->flow[f]);
  }
}

enum { ARRIVALS_A_STEP = 65536 };

/* What arrives from outside at all deployments, jobs a second on average. */
static double arrivals_rps(const Run *run) {
  double rate_rps = 0;
  for (uint32_t d = 0; d < run->n_targets; d++) {
    const WorkloadSpec *workload = &run->target[d].spec->workload;
    if (workload->arrivals.model) rate_rps += ((const Workload *)workload->arrivals.model)->mean_rps(workload->arrivals.params, run->scenario->horizon_ns);
  }
  return rate_rps;
}

/* Jobs that leave one flow wait in the next one's events: upstream flows go in steps of about ARRIVALS_A_STEP jobs, so that these stay few. */
static int64_t longest_step_ns(const Run *run) {
  if (run->flows_alone || run->n_flows == 1) return INSTANT_NEVER;
  int64_t step_ns = ns_from_double(ARRIVALS_A_STEP / (1 + run->arrivals_rps) * 1e9) + 1, least_ns = run->scenario->horizon_ns / ARRIVALS_A_STEP + 1;
  return step_ns > least_ns ? step_ns : least_ns; /* a trace of a single burst has a rate without limit */
}

Run *run_begin(const Scenario *scenario, uint32_t strategy, uint32_t replication, const RunOptions *options, Arena *arena) {
  Run *run = ARENA_NEW(arena, Run);
  run->scenario = scenario;
  run->strategy = scenario_strategy(scenario, strategy);
  run->options = *options;
  run->arena = arena;
  replication = scenario_streams(scenario, replication);
  run->replication = replication;
  run->n_targets = (uint32_t)scenario->deployments.count;
  run->events.arena = arena;
  uint32_t n_tenants = run->n_targets + (uint32_t)scenario->training.count;
  cluster_begin(&run->cluster, arena, scenario->pool, (uint32_t)scenario->cluster.pools.count, strategy_pools(scenario, run->strategy, arena),
                n_tenants, scenario->horizon_ns, (uint64_t)scenario->seed, replication);
  run->cluster.n_single = run->n_targets;
  flows_begin(run);
  control_begin(run);
  run->deciding = ARENA_ARRAY(arena, uint32_t, run->n_targets);
  run->observation = ARENA_ARRAY(arena, Observation, run->n_targets);
  run->arrivals_rps = arrivals_rps(run);
  run->step_ns = longest_step_ns(run);
  pulls_begin(run);
  training_begin(run);
  nodes_begin(run);
  node_faults_begin(run);
  for (uint32_t k = 0; k < scenario->faults.count; k++) {
    int64_t at_ns = LIST_AT(scenario->faults, const FaultSpec, k)->at_ns;
    if (at_ns < scenario->horizon_ns) run_push(run, at_ns, CLASS_FAILURE, SHARED_FAULT, k);
  }
  for (uint32_t d = 0; d < run->n_targets; d++)
    if (run->target[d].leader == d) run_push(run, 0, CLASS_CONTROL, SHARED_TICK, d);
  return run;
}

/* ---- flows ---- */

/* Memory that runs out inside a flow ends that flow's work, in its own thread. */
static bool advance_one(Run *run, uint32_t f, int64_t until_ns, FlowReturn *returned) {
  jmp_buf exhausted;
  jmp_buf *outer = run->flow_arena[f].exhausted;
  if (setjmp(exhausted)) {
    run->flow_arena[f].exhausted = outer;
    return false;
  }
  run->flow_arena[f].exhausted = &exhausted;
  *returned = flow_advance(&run->flow[f], until_ns, false);
  run->flow_arena[f].exhausted = outer;
  return true;
}

static void take_notices(Run *run) {
  for (uint32_t d = 0; d < run->n_targets; d++) {
    Station *s = &run->station[d];
    for (uint32_t k = 0; k < s->n_notices; k++) run_push(run, s->notice[k].at_ns, CLASS_DEPARTURE, SHARED_NOTICE, s->notice[k].replica);
    s->n_notices = 0;
  }
}

static void check_overflow(Run *run) {
  for (uint32_t d = 0; d < run->n_targets; d++) {
    const Station *s = &run->station[d];
    if (s->overflow)
      run_fail(run, "deployment %s: more than max_queue (%lld) jobs waiting at %.3f s of %.3f s; it is overloaded", s->spec->name,
               (long long)s->spec->queue.max_queue, s_from_ns(s->flow->now_ns), s_from_ns(run->scenario->horizon_ns));
  }
}

/* Waking threads costs as much as some hundred jobs: a policy that looks every 0.1 s would spend its time on that. */
enum { ARRIVALS_WORTH_THREADS = 4000 };

static void advance_side_by_side(Run *run, int64_t until_ns) {
  bool worth_it = run->arrivals_rps * s_from_ns(until_ns - run->flows_ns) > ARRIVALS_WORTH_THREADS;
  int threads = run->flows_alone && run->options.threads > 1 && worth_it ? run->options.threads : 1;
  bool memory = true;
  FlowReturn returned;
  if (threads > 1 && run->n_flows > 1) {
    bool failed = false;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (uint32_t f = 0; f < run->n_flows; f++) {
      FlowReturn own;
      if (!advance_one(run, f, until_ns, &own)) {
#pragma omp atomic write
        failed = true;
      }
    }
    memory = !failed;
  } else {
    for (uint32_t f = 0; f < run->n_flows && memory; f++) memory = advance_one(run, f, until_ns, &returned);
  }
  if (!memory) run_fail(run, "out of memory at %.3f s", s_from_ns(run->flows_ns));
  if (run->options.interrupted && *run->options.interrupted) run_fail(run, "interrupted");
  run->flows_ns = until_ns;
  check_overflow(run);
}

static void advance_flows(Run *run, int64_t until_ns) {
  do {
    int64_t end_ns = until_ns - run->flows_ns > run->step_ns ? run->flows_ns + run->step_ns : until_ns;
    advance_side_by_side(run, end_ns);
  } while (run->flows_ns < until_ns && !run->status);
  take_notices(run);
}

static int64_t next_notice(const Run *run) {
  int64_t next = INSTANT_NEVER;
  for (uint32_t f = 0; f < run->n_flows; f++) {
    int64_t at = flow_next_notice(&run->flow[f]);
    if (at < next) next = at;
  }
  return next;
}

/* ---- shared events ---- */

static void do_notice(Run *run, uint32_t replica) {
  uint32_t d = run->cluster.replica[replica].deployment, node = run->cluster.replica[replica].node;
  target_forget_replica(run, &run->target[d], replica);
  replica_remove(&run->cluster, replica, run->now_ns);
  run_node_left(run, node);
  run->speeds_changed = true; /* neighbours may burst further: from the next look of a policy on, or a placement before it */
  control_retry_resizes(run);
  run_place_pending(run);
  run_nodes_wake(run, NODE_WAKE_CHANGE);
}

/* The oldest ready replicas fail; the policy's next look orders others. Failures come before what becomes ready at the same instant. */
static void do_fault(Run *run, const FaultSpec *fault) {
  run_mark_ready(run);
  for (uint32_t d = 0; d < run->n_targets; d++) {
    Target *target = &run->target[d];
    if (strcmp(target->spec->name, fault->deployment) != 0) continue;
    for (int64_t n = 0; n < fault->replicas; n++) {
      uint32_t victim = REPLICA_NONE;
      for (uint32_t k = 0; k < target->n_replicas && victim == REPLICA_NONE; k++)
        if (run->cluster.replica[target->replica[k]].state == REPLICA_READY && run->cluster.replica[target->replica[k]].ready_ns < fault->at_ns) victim = target->replica[k];
      if (victim == REPLICA_NONE) break;
      station_fail(&run->station[d], victim, run->now_ns);
      uint32_t node = run->cluster.replica[victim].node;
      target_forget_replica(run, target, victim);
      replica_remove(&run->cluster, victim, run->now_ns);
      run_node_left(run, node);
    }
    run->speeds_changed = true;
  }
  control_retry_resizes(run);
  run_place_pending(run);
  run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_PENDING);
  run_update_speeds(run);
}

static void do_replica_ready(Run *run, uint32_t replica) {
  const Replica *r = &run->cluster.replica[replica];
  if (r->state == REPLICA_GONE || r->ready_ns != run->now_ns) return;
  uint32_t old = r->replaces, d = r->deployment;
  if (run->target[d].n_later > 0) {
    run_mark_ready(run);
    target_add_later(run, d);
    run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_PENDING);
    run_update_speeds(run);
  }
  if (old == REPLICA_NONE) return;
  run->cluster.replica[replica].replaces = REPLICA_NONE;
  run_mark_ready(run);
  for (uint32_t k = 0; k < run->target[d].n_replicas; k++)
    if (run->target[d].replica[k] == old) {
      target_drop_replica(run, d, old);
      break;
    }
}

/* The deployments that decide together, as they are now. */
static void run_turn(Run *run, uint32_t asked, AskKind ask) {
  uint32_t leader = run->target[asked].leader;
  run_mark_ready(run);
  run->ask = ask;
  run->n_deciding = 0;
  for (uint32_t d = leader; d < run->n_targets; d++) {
    if (run->target[d].leader != leader) continue;
    control_observe(run, d, d == asked ? ask : ASK_NONE, &run->observation[run->n_deciding]);
    run->deciding[run->n_deciding++] = d;
  }
}

/* True if the event is a decision to be made. */
static bool do_event(Run *run, HeapItem item) {
  uint32_t what = (uint32_t)item.payload;
  run->now_ns = run->cluster.clock_ns = item.time_ns;
  switch ((SharedKind)(item.payload >> 32)) {
    case SHARED_NOTICE: do_notice(run, what); return false;
    case SHARED_FAULT: do_fault(run, LIST_AT(run->scenario->faults, const FaultSpec, what)); return false;
    case SHARED_NODE_READY: run_node_ready(run, what); return false;
    case SHARED_REPLICA_READY: do_replica_ready(run, what); return false;
    case SHARED_NODE_LOOK: run_nodes_look(run, item.time_ns); return false;
    case SHARED_NODE_TICK: run_nodes_tick(run); return false;
    case SHARED_EXPIRY: run_expire(run, what); return false;
    case SHARED_TRAINING_JOB: training_do_job(run, what); return false;
    case SHARED_TRAINING_SUBMIT: training_do_submit(run, what); return false;
    case SHARED_TRAINING_LOOK: training_do_look(run, what); return false;
    case SHARED_ASK:
      if (!run_ask(run, what)) return false;
      run_turn(run, what, run->target[what].policy->asks);
      return true;
    case SHARED_NODE_DANGER: run_node_danger(run, what); return false;
    case SHARED_POOL_RECLAIM: run_pool_reclaim(run, what); return false;
    case SHARED_POOL_OPENS: run_pool_opens(run, what); return false;
    case SHARED_REPLACE: run_replace_lost(run, what); return false;
    case SHARED_TICK: run_turn(run, what, ASK_NONE); return true;
  }
  CHECK(false);
}

bool run_next(Run *run, Turn *turn) {
  CHECK(!run->n_deciding);
  int64_t horizon = run->scenario->horizon_ns;
  while (!run->status) {
    if (run->options.interrupted && *run->options.interrupted) run_fail(run, "interrupted");
    pulls_flush(run);
    run_take_asks(run);
    int64_t next = run->events.count ? run->events.item[0].time_ns : INSTANT_NEVER, ask = run_next_ask(run);
    if (next > horizon) next = horizon;
    int64_t notice = next_notice(run);
    bool lockstep = run->options.stop_at_notices || run_wants_capacity(run);
    if (lockstep && notice < next) next = notice;
    if (ask < next) next = ask;
    if (next > run->flows_ns || notice <= run->flows_ns) { /* an idle replica that was just drained is gone at this very instant */
      advance_flows(run, next > run->flows_ns ? next : run->flows_ns);
      continue;
    }
    if (run->flows_ns >= horizon && (!run->events.count || run->events.item[0].time_ns >= horizon)) return false;
    if (!do_event(run, heap_pop(&run->events))) {
      training_schedule(run);
      continue;
    }
    *turn = (Turn){run->n_deciding, run->deciding, run->observation};
    return true;
  }
  return false;
}

Decision run_unchanged(const Run *run, uint32_t k) { return control_unchanged(run, run->deciding[k]); }

void run_policy(Run *run, Decision *decision) {
  const Target *leader = &run->target[run->target[run->deciding[0]].leader];
  for (uint32_t k = 0; k < run->n_deciding; k++) decision[k] = run_unchanged(run, k);
  if (leader->policy->decide_all) leader->policy->decide_all(leader->params, leader->state, run->observation, decision, run->n_deciding);
  else leader->policy->decide(leader->params, leader->state, run->observation, decision);
}

/* Wishes of fewer replicas first: what they free can be used by the others at once. */
void run_decide(Run *run, const Decision *decision) {
  CHECK(run->n_deciding);
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t k = 0; k < run->n_deciding; k++) {
      bool frees = decision[k].replicas < run->observation[k].replicas;
      if (frees == (pass == 0)) control_actuate(run, run->deciding[k], &decision[k]);
    }
  run_update_speeds(run);
  Target *leader = &run->target[run->target[run->deciding[0]].leader];
  for (uint32_t k = 0; k < run->n_deciding && run->ask == ASK_NONE; k++) run->target[run->deciding[k]].tick++;
  run->n_deciding = 0;
  training_schedule(run);
  if (run->ask != ASK_NONE) return;
  int64_t next = leader->tick * leader->timing.period_ns;
  if (!leader->policy->reads_only && next < run->scenario->horizon_ns) run_push(run, next, CLASS_CONTROL, SHARED_TICK, leader->leader);
}

void run_end(Run *run, RunResult *result) {
  memset(result, 0, sizeof *result);
  result->n_deployments = run->n_targets;
  result->n_pools = run->cluster.n_pools;
  result->n_queues = run->training.n_queues;
  for (uint32_t d = 0; d < run->n_targets; d++) {
    const Arrivals *a = &run->station[d].arrivals;
    result->jobs += a->block.first_index + a->cursor + run->station[d].n_thought;
  }
  if (!run->status && run->flows_ns < run->scenario->horizon_ns) run_fail(run, "ended at %.3f s, before the horizon", s_from_ns(run->flows_ns));
  if (!run->status) result_build(run, result); /* which may fail the run, too */
  result->status = run->status;
  if (run->status) snprintf(result->message, sizeof result->message, "%s", run->message);
  for (uint32_t f = 0; f < run->n_flows; f++) arena_free(&run->flow_arena[f]);
  arena_free(&run->nodes.scratch);
  arena_free(&run->training.scratch);
}

void run_simulate(const Scenario *scenario, uint32_t strategy, uint32_t replication, const RunOptions *options, Arena *arena,
                  RunResult *result) {
  jmp_buf exhausted;
  jmp_buf *outer = arena->exhausted;
  Run *volatile begun = NULL;
  if (setjmp(exhausted)) {
    arena->exhausted = outer;
    if (begun) {
      for (uint32_t f = 0; f < begun->n_flows; f++) arena_free(&begun->flow_arena[f]);
      arena_free(&begun->nodes.scratch);
      arena_free(&begun->training.scratch);
    }
    *result = (RunResult){.status = 1, .message = "out of memory", .n_deployments = scenario->deployments.count,
                          .n_pools = scenario->cluster.pools.count, .n_queues = scenario->training.count};
    return;
  }
  arena->exhausted = &exhausted;
  Run *run = run_begin(scenario, strategy, replication, options, arena);
  begun = run;
  Decision *decision = ARENA_ARRAY(arena, Decision, scenario->deployments.count);
  for (Turn turn; run_next(run, &turn);) {
    run_policy(run, decision);
    run_decide(run, decision);
  }
  run_end(run, result);
  arena->exhausted = outer;
}
