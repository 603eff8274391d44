/* One queue's turn: what its discipline is shown, and carrying out what it wishes. */
#include "sim/run/training_turn.h"

#include "sim/base/check.h"
#include "sim/run/run_internal.h"

/* ---- a job's turns ---- */

void job_set_variant(const TrainingQueue *queue, TrainingJob *job, int variant) {
  double work = (double)job->own_ns;
  if (queue->spec->variants.count) {
    work *= queue->variant[variant].work_ratio;
    job->work_ns = queue->variant[variant].work_ratio == 1 ? job->own_ns : smaller_of(ns_from_double(work), INT64_C(1) << 61);
  } else {
    job->work_ns = job->own_ns;
  }
  job->variant = variant;
}

void turn_ends(Run *run, TrainingJob *job, TrainingStop how) {
  TrainingQueue *queue = training_queue_of(&run->training, job);
  training_queue_accrue(run, queue);
  training_job_stop(run, job, how);
  queue->n_running--;
  queue->gpus_held -= job->gpus * job->milligpus;
}

void turn_back(Run *run, TrainingJob *job, TrainingStop how) {
  TrainingQueue *queue = training_queue_of(&run->training, job);
  turn_ends(run, job, how);
  queue->wanted += job->gang * job->milligpus;
  job->waiting_since_ns = run->now_ns;
  job->gpus = job->nodes = 0;
  run->training.lost = true;
  gang_remove(run, job);
  training_job_schedule(run, job);
}

void turn_preempt(Run *run, TrainingJob *job) {
  const TrainingQueue *queue = training_queue_of(&run->training, job);
  training_row(run, queue, run->now_ns)->preemptions++;
  turn_back(run, job, queue->spec->checkpoint.preempted == PREEMPTED_SAVE ? TRAINING_STOP_SAVE : TRAINING_STOP_LOSE);
}

/* The plan in the rooms is its place. */
static void turn_begins(Run *run, TrainingJob *job, int64_t n, const GangPlan *plan) {
  TrainingQueue *queue = training_queue_of(&run->training, job);
  training_queue_accrue(run, queue);
  gang_place(run, job, n);
  queue->n_running++;
  queue->gpus_held += job->gpus * job->milligpus;
  queue->wanted -= job->gang * job->milligpus;
  job->waited_ns += run->now_ns - job->waiting_since_ns;
  training_job_start(run, job, plan->nodes, plan->speed);
}

/* ---- what a discipline is shown ---- */

int64_t workers_on_empty(const Run *run, uint32_t pool, Resources request) {
  const Resources all = run->cluster.pool[pool].machine.allocatable;
  int64_t n = INT64_C(1) << 20;
  if (request.millicores > 0) n = smaller_of(n, all.millicores / request.millicores);
  if (request.bytes > 0) n = smaller_of(n, all.bytes / request.bytes);
  if (request.milligpus >= 1000) n = smaller_of(n, all.milligpus / (whole_gpus(request.milligpus) * 1000));
  else if (request.milligpus > 0) n = smaller_of(n, all.milligpus / 1000 * (1000 / request.milligpus));
  return n;
}

/* Free parts of GPUs that some fraction already sits on. */
static int64_t free_fractions(const Run *run, const TrainingQueue *queue) {
  const PoolList *pools = &run->cluster.deployment_pools[queue->tenant];
  int64_t sum = 0;
  for (uint32_t n = 0; n < run->cluster.n_nodes; n++) {
    const Node *node = &run->cluster.node[n];
    if (run->training.room[n].whole < 0) continue;
    for (uint32_t k = 0; k < pools->count; k++)
      for (int64_t g = 0; node->pool == pools->pool[k] && g < run->cluster.pool[node->pool].machine.allocatable.milligpus / 1000; g++)
        if (node->gpu_free[g] > 0 && node->gpu_free[g] < GPU_FREE) sum += node->gpu_free[g];
  }
  return sum;
}

static bool share_a_pool(const Run *run, const TrainingQueue *a, const TrainingQueue *b) {
  const PoolList *x = &run->cluster.deployment_pools[a->tenant], *y = &run->cluster.deployment_pools[b->tenant];
  for (uint32_t k = 0; k < x->count; k++)
    for (uint32_t j = 0; j < y->count; j++)
      if (x->pool[k] == y->pool[j]) return true;
  return false;
}

/* GPUs that queues keep for themselves although they do not use them. */
static int64_t not_lent(const Run *run, const TrainingQueue *queue) {
  int64_t sum = 0;
  for (uint32_t q = 0; q < run->training.n_queues; q++) {
    const TrainingQueue *other = &run->training.queue[q];
    if (other != queue && !other->quota->lend && other->quota->gpu_milligpus > other->gpus_held && share_a_pool(run, queue, other)) sum += other->quota->gpu_milligpus - other->gpus_held;
  }
  return sum;
}

static int64_t absent_milligpus(const Run *run, const TrainingQueue *queue, Resources request, int64_t *nodes) {
  const PoolList *pools = &run->cluster.deployment_pools[queue->tenant];
  int64_t sum = 0;
  *nodes = 0;
  for (uint32_t k = 0; k < pools->count; k++) {
    uint32_t p = pools->pool[k];
    int64_t absent = run->cluster.pool[p].max_nodes - (int64_t)run->cluster.pool_nodes_ready[p];
    if (absent <= 0) continue;
    *nodes += absent;
    sum += absent * workers_on_empty(run, p, request) * request.milligpus;
  }
  return sum;
}

static int64_t empty_nodes(const Run *run, const TrainingQueue *queue) {
  const PoolList *pools = &run->cluster.deployment_pools[queue->tenant];
  int64_t count = 0;
  for (uint32_t n = 0; n < run->cluster.n_nodes; n++)
    for (uint32_t k = 0; k < pools->count; k++)
      count += run->cluster.node[n].pool == pools->pool[k] && run->training.room[n].whole >= 0 && run->cluster.node[n].n_replicas == 0;
  return count;
}

static void view_capacity(Run *run, const TrainingQueue *queue, TrainingView *view) {
  const Resources worker = {queue->spec->worker.cpu_millicores, queue->spec->worker.memory_bytes, 1000};
  const QuotaSpec *quota = queue->quota;
  int64_t free = rooms_workers(run, queue, worker) * 1000 + free_fractions(run, queue) - not_lent(run, queue), nodes;
  view->present_milligpus = queue->gpus_held + (free > 0 ? free : 0) + training_takeable(run, queue);
  view->capacity_milligpus = view->present_milligpus + absent_milligpus(run, queue, worker, &nodes);
  view->free_nodes = empty_nodes(run, queue) + nodes;
  if (quota->gpu_milligpus == 0 || quota->borrow) return;
  view->present_milligpus = smaller_of(view->present_milligpus, quota->gpu_milligpus);
  view->capacity_milligpus = smaller_of(view->capacity_milligpus, quota->gpu_milligpus);
}

/* Further workers its nodes have room for. */
static int64_t room_beside(const Run *run, const TrainingQueue *queue, const TrainingJob *job) {
  int64_t sum = 0;
  for (uint32_t w = 0; w < job->n_workers; w++) {
    uint32_t node = run->cluster.replica[job->worker[w]].node;
    bool seen = false;
    for (uint32_t k = 0; k < w && !seen; k++) seen = run->cluster.replica[job->worker[k]].node == node;
    if (!seen) sum += rooms_workers_on(run, node, training_request(queue, job));
  }
  return sum;
}

static TrainingJobView view_job(Run *run, const TrainingQueue *queue, const TrainingJob *job) {
  int64_t unsaved_ns, done_ns = training_job_done(run, job, &unsaved_ns);
  __int128 held = job->held + (job->running ? (__int128)(run->now_ns - job->began_ns) * job->gpus * job->milligpus : 0);
  const __int128 served_gpu_ns = held / 1000;
  return (TrainingJobView){.job = job->index, .running = job->running, .submitted_ns = job->submitted_ns, .gang = job->gang, .least = job->least,
                           .most = job->most, .milligpus = job->milligpus, .gpus = job->running ? job->gpus : 0, .nodes = job->running ? job->nodes : 0,
                           .room = job->running && queue->policy->reads_room ? room_beside(run, queue, job) : 0, .data_bytes = job->data_bytes,
                           .left_ns = (double)(job->work_ns - done_ns), .served_gpu_ns = (double)served_gpu_ns,
                           .ends_ns = job->running ? job->end_ns : INSTANT_NEVER, .variant = job->variant};
}

/* Where the first job without a place blocks all behind it, those beyond all capacity need not be looked at: a long queue costs nothing. */
static uint32_t choose_shown(Run *run, const TrainingQueue *queue, int64_t capacity, uint32_t *shown) {
  uint32_t n = 0;
  int64_t running = 0;
  for (uint32_t k = 0; k < queue->n_active; k++) {
    TrainingJob *job = &run->training.job[queue->active[k]];
    running += job->running;
    if (!job->running && queue->policy->strict && capacity < 0) {
      if (running == queue->n_running && !run->cluster.deployment_pending[queue->tenant]) break;
      gang_demand(run, job, 0);
      continue;
    }
    if (!job->running) capacity -= job->least * job->milligpus;
    shown[n++] = queue->active[k];
  }
  return n;
}

static void view_queue(Run *run, TrainingQueue *queue, TrainingView *view, uint32_t *shown) {
  rooms_begin(run);
  *view = (TrainingView){.now_ns = run->now_ns, .tick = queue->due_tick, .gpus_per_node = queue->gpus_per_node, .throughput = queue->speed,
                         .gpus_most = queue->gpus_most, .variant = queue->variant, .n_variants = queue->spec->variants.count, .scratch = &run->training.scratch};
  queue->due_tick = false;
  view_capacity(run, queue, view);
  view->n_jobs = choose_shown(run, queue, view->capacity_milligpus, shown);
  TrainingJobView *job = ARENA_ARRAY(&run->training.scratch, TrainingJobView, view->n_jobs);
  for (uint32_t k = 0; k < view->n_jobs; k++) job[k] = view_job(run, queue, &run->training.job[shown[k]]);
  view->job = job;
}

/* ---- carrying out ---- */

static bool find_place(Run *run, const TrainingQueue *queue, const TrainingJob *job, int64_t n, int64_t nodes_most, GangPlan *plan) {
  rooms_begin(run);
  return gang_plan(run, queue, training_request(queue, job), n, nodes_most, plan) || training_make_room(run, queue, job, n, nodes_most, plan);
}

/* An elastic job takes what there is, down to its least. */
static bool start(Run *run, TrainingQueue *queue, TrainingJob *job, const TrainingAllocation *wish) {
  GangPlan plan;
  int64_t n = job->least < job->most ? wish->gpus : job->gang, least = job->least < n ? job->least : n;
  if (!find_place(run, queue, job, n, wish->nodes_most, &plan)) {
    int64_t free = least < n ? smaller_of(rooms_workers(run, queue, training_request(queue, job)), n - 1) : 0;
    for (n = free; n >= least && !gang_plan(run, queue, training_request(queue, job), n, wish->nodes_most, &plan); n--) continue;
    if (free < least || n < least) return false;
  }
  if (!job->began && queue->spec->variants.count && wish->variant >= 0 && (size_t)wish->variant < queue->spec->variants.count) job_set_variant(queue, job, wish->variant);
  turn_begins(run, job, n, &plan);
  return true;
}

/* Another number of GPUs, where they are to be had: what was done is saved, and the job starts anew. */
static void resize(Run *run, TrainingQueue *queue, TrainingJob *job, const TrainingAllocation *wish) {
  GangPlan plan;
  rooms_begin(run);
  rooms_without(run, job, 1);
  if (!gang_plan(run, queue, training_request(queue, job), wish->gpus, wish->nodes_most, &plan)) return;
  turn_ends(run, job, TRAINING_STOP_SAVE);
  training_row(run, queue, run->now_ns)->rescales++;
  gang_remove(run, job);
  queue->wanted += job->gang * job->milligpus;
  job->waiting_since_ns = run->now_ns;
  turn_begins(run, job, wish->gpus, &plan);
}

static int64_t clamped(const TrainingJob *job, int64_t gpus) {
  if (gpus <= 0) return 0;
  return gpus < job->least ? job->least : gpus > job->most ? job->most : gpus;
}

/* True if a job started. */
static bool carry_out(Run *run, TrainingQueue *queue, const TrainingView *view, const uint32_t *id, TrainingDecision *decision) {
  uint32_t n = view->n_jobs;
  for (uint32_t k = 0; k < n; k++) {
    TrainingJob *job = &run->training.job[id[k]];
    TrainingAllocation *wish = &decision->job[k];
    wish->gpus = clamped(job, wish->gpus);
    if (job->running && wish->gpus == 0) turn_preempt(run, job);
    else if (job->running && wish->gpus < job->gpus) resize(run, queue, job, wish);
  }
  bool blocked = false, any = false, orders = view->capacity_milligpus > view->present_milligpus;
  for (uint32_t k = 0; k < n; k++) {
    TrainingJob *job = &run->training.job[id[decision->order[k]]];
    const TrainingAllocation *wish = &decision->job[decision->order[k]];
    if (job->running) {
      if (wish->gpus > job->gpus) resize(run, queue, job, wish);
      continue;
    }
    bool starts = wish->gpus > 0 && !blocked && start(run, queue, job, wish);
    any |= starts;
    if (starts) continue;
    if (wish->gpus > 0 && queue->policy->strict) blocked = true;
    gang_demand(run, job, orders ? wish->gpus : 0);
  }
  return any;
}

static void look(Run *run, TrainingQueue *queue, bool *started) {
  TrainingView view;
  uint32_t *shown = ARENA_ARRAY(&run->training.scratch, uint32_t, queue->n_active);
  view_queue(run, queue, &view, shown);
  TrainingDecision decision = {.job = ARENA_ARRAY(view.scratch, TrainingAllocation, view.n_jobs), .order = ARENA_ARRAY(view.scratch, uint32_t, view.n_jobs),
                               .look_again_ns = INSTANT_NEVER};
  for (uint32_t k = 0; k < view.n_jobs; k++) {
    decision.job[k] = (TrainingAllocation){view.job[k].gpus, 0, view.job[k].variant};
    decision.order[k] = k;
  }
  queue->policy->decide(queue->params, &view, &decision);
  *started = carry_out(run, queue, &view, shown, &decision);
  arena_free(&run->training.scratch);
  if (decision.look_again_ns <= run->now_ns || decision.look_again_ns >= run->scenario->horizon_ns || decision.look_again_ns == queue->look_ns) return;
  queue->look_ns = decision.look_again_ns;
  run_push(run, queue->look_ns, CLASS_CONTROL, SHARED_TRAINING_LOOK, (uint32_t)(queue - run->training.queue));
}

void training_turn(Run *run, TrainingQueue *queue) {
  bool none_waits = queue->n_active == (uint64_t)queue->n_running, started = false;
  if (!queue->n_active || (none_waits && queue->policy->only_waiting)) {
    queue->due_tick = false;
    return;
  }
  look(run, queue, &started);
  if (started && queue->policy->follows_service) look(run, queue, &started);
}
