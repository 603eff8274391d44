/* Taking GPUs from training jobs: for replicas of deployments, for queues of higher priority, and for queues whose own GPUs others hold.
 * Whoever is preempted gives up its whole gang and goes back to its queue. First to go: lower priority, then who started last. */
#include "sim/run/run_internal.h"
#include "sim/run/training_turn.h"

/* ---- who may take from whom ---- */

static bool takes_by_priority(const TrainingQueue *queue, const TrainingQueue *from) {
  return queue != from && queue->spec->preempt && queue->spec->priority > from->spec->priority;
}

static int64_t own_unused(const TrainingQueue *queue) {
  const QuotaSpec *quota = queue->quota;
  return quota->reclaim && quota->gpu_milligpus > queue->gpus_held ? quota->gpu_milligpus - queue->gpus_held : 0;
}

static int64_t borrowed(const TrainingQueue *queue) {
  return queue->gpus_held > queue->quota->gpu_milligpus ? queue->gpus_held - queue->quota->gpu_milligpus : 0;
}

static int64_t held_in_pools(const Run *run, const TrainingQueue *queue, const TrainingJob *job) {
  const PoolList *pools = &run->cluster.deployment_pools[queue->tenant];
  int64_t sum = 0;
  for (uint32_t w = 0; w < job->n_workers; w++) {
    uint32_t node = run->cluster.replica[job->worker[w]].node;
    for (uint32_t k = 0; node != NODE_NONE && k < pools->count; k++)
      if (run->cluster.node[node].pool == pools->pool[k]) sum += job->milligpus;
  }
  return sum;
}

static int64_t held_by(const Run *run, const TrainingQueue *queue, const TrainingQueue *from) {
  int64_t sum = 0;
  for (uint32_t k = 0; k < from->n_active; k++) sum += held_in_pools(run, queue, &run->training.job[from->active[k]]);
  return sum;
}

int64_t training_takeable(const Run *run, const TrainingQueue *queue) {
  int64_t sum = 0, own = own_unused(queue), reclaimed = 0;
  for (uint32_t q = 0; q < run->training.n_queues; q++) {
    const TrainingQueue *from = &run->training.queue[q];
    if (from == queue || !from->n_running) continue;
    if (takes_by_priority(queue, from)) sum += held_by(run, queue, from);
    else if (own > 0 && borrowed(from) > 0) reclaimed += smaller_of(borrowed(from), held_by(run, queue, from));
  }
  return sum + smaller_of(own, reclaimed);
}

/* ---- victims ---- */

/* a goes before b. */
static bool goes_first(const Run *run, const TrainingJob *a, const TrainingJob *b) {
  int64_t x = run->training.queue[a->queue].spec->priority, y = run->training.queue[b->queue].spec->priority;
  if (x != y) return x < y;
  if (a->began_ns != b->began_ns) return a->began_ns > b->began_ns;
  return a->queue != b->queue ? a->queue > b->queue : a->index > b->index;
}

static void insert_victim(const Run *run, uint32_t *victim, uint32_t n, uint32_t id) {
  uint32_t k = n;
  for (; k > 0 && goes_first(run, &run->training.job[id], &run->training.job[victim[k - 1]]); k--) victim[k] = victim[k - 1];
  victim[k] = id;
}

static uint32_t victims_of(Run *run, const TrainingQueue *queue, const TrainingJob *job, int64_t n, uint32_t **list) {
  Training *training = &run->training;
  uint32_t count = 0;
  uint32_t *victim = ARENA_ARRAY(&training->scratch, uint32_t, training->n_jobs);
  bool own = own_unused(queue) >= n * job->milligpus && n * job->milligpus > 0;
  for (uint32_t q = 0; q < training->n_queues; q++) {
    const TrainingQueue *from = &training->queue[q];
    bool by_priority = takes_by_priority(queue, from), by_quota = own && from != queue && borrowed(from) > 0;
    for (uint32_t k = 0; (by_priority || by_quota) && k < from->n_active; k++) {
      const TrainingJob *other = &training->job[from->active[k]];
      if (other->running && held_in_pools(run, queue, other) > 0) insert_victim(run, victim, count++, from->active[k]);
    }
  }
  *list = victim;
  return count;
}

/* Queues that only lend back what they borrowed give no more than that. */
static bool may_give(const Run *run, const TrainingQueue *queue, const TrainingJob *job, const int64_t *given) {
  const TrainingQueue *from = &run->training.queue[job->queue];
  return takes_by_priority(queue, from) || given[job->queue] < borrowed(from);
}

static void keep_those_not_needed(Run *run, const TrainingQueue *queue, const TrainingJob *job, int64_t n, int64_t nodes_most, GangPlan *plan, uint32_t *victim, uint32_t count) {
  Resources request = training_request(queue, job);
  for (uint32_t k = count; k-- > 0;) {
    const TrainingJob *other = &run->training.job[victim[k]];
    rooms_without(run, other, -1);
    if (gang_plan(run, queue, request, n, nodes_most, plan)) victim[k] = TRAINING_NONE;
    else rooms_without(run, other, 1);
  }
  gang_plan(run, queue, request, n, nodes_most, plan);
}

bool training_make_room(Run *run, const TrainingQueue *queue, const TrainingJob *job, int64_t n, int64_t nodes_most, GangPlan *plan) {
  uint32_t *victim, count = victims_of(run, queue, job, n, &victim), chosen = 0;
  int64_t *given = ARENA_ARRAY(&run->training.scratch, int64_t, run->training.n_queues);
  bool found = false;
  for (uint32_t k = 0; k < count && !found; k++) {
    const TrainingJob *other = &run->training.job[victim[k]];
    if (!may_give(run, queue, other, given)) continue;
    given[other->queue] += other->gpus * other->milligpus;
    rooms_without(run, other, 1);
    victim[chosen++] = victim[k];
    found = gang_plan(run, queue, training_request(queue, job), n, nodes_most, plan);
  }
  if (!found) {
    for (uint32_t k = 0; k < chosen; k++) rooms_without(run, &run->training.job[victim[k]], -1);
    return false;
  }
  keep_those_not_needed(run, queue, job, n, nodes_most, plan, victim, chosen);
  for (uint32_t k = 0; k < chosen; k++)
    if (victim[k] != TRAINING_NONE) turn_preempt(run, &run->training.job[victim[k]]);
  return true;
}

/* ---- replicas of deployments ---- */

typedef struct Sacrifice {
  uint32_t node, n;
  uint32_t *victim;
  double lost; /* GPU time of work that would be lost */
} Sacrifice;

static bool node_takes(const Run *run, uint32_t n, Resources request) {
  const NodeRoom *room = &run->training.room[n];
  if (request.millicores > room->free.millicores || request.bytes > room->free.bytes) return false;
  int64_t gpus = request.milligpus >= 1000 ? whole_gpus(request.milligpus) : request.milligpus > 0;
  return room->whole >= gpus;
}

static double unsaved(const Run *run, const TrainingJob *job) {
  int64_t unsaved_ns = 0;
  if (run->training.queue[job->queue].spec->checkpoint.preempted == PREEMPTED_LOSE) training_job_done(run, job, &unsaved_ns);
  return (double)unsaved_ns * (double)job->gpus;
}

static bool listed(const uint32_t *victim, uint32_t n, uint32_t id) {
  for (uint32_t k = 0; k < n; k++)
    if (victim[k] == id) return true;
  return false;
}

/* Jobs of lower priority on the node leave one after the other until the request fits. */
static bool sacrifice_on(Run *run, uint32_t n, Resources request, int64_t priority, Sacrifice *to) {
  const Node *node = &run->cluster.node[n];
  uint32_t *victim = ARENA_ARRAY(&run->training.scratch, uint32_t, node->n_replicas + 1), count = 0, used = 0;
  for (uint32_t r = node->first_replica; r != REPLICA_NONE; r = run->cluster.replica[r].next_on_node) {
    if (run->cluster.replica[r].deployment < run->n_targets) continue;
    uint32_t id = (uint32_t)run->cluster.replica[r].variant;
    const TrainingJob *job = &run->training.job[id];
    if (run->training.queue[job->queue].spec->priority < priority && !listed(victim, count, id)) insert_victim(run, victim, count++, id);
  }
  *to = (Sacrifice){.node = n, .victim = victim};
  while (used < count && !node_takes(run, n, request)) {
    rooms_without(run, &run->training.job[victim[used]], 1);
    to->lost += unsaved(run, &run->training.job[victim[used++]]);
  }
  to->n = used;
  bool takes = node_takes(run, n, request);
  while (used > 0) rooms_without(run, &run->training.job[victim[--used]], -1);
  return takes && to->n > 0;
}

/* The node where least work is lost, then the fewest jobs, then the lowest id. */
static bool make_way(Run *run, uint32_t d, Resources request) {
  const PoolList *pools = &run->cluster.deployment_pools[d];
  Sacrifice best = {.node = NODE_NONE}, other;
  rooms_begin(run);
  for (uint32_t k = 0; k < pools->count; k++)
    for (uint32_t n = 0; n < run->cluster.n_nodes; n++) {
      if (run->cluster.node[n].pool != pools->pool[k] || run->training.room[n].whole < 0) continue;
      if (!sacrifice_on(run, n, request, run->target[d].spec->priority, &other)) continue;
      bool better = best.node == NODE_NONE || other.lost < best.lost || (other.lost <= best.lost && (other.n < best.n || (other.n == best.n && n < best.node)));
      if (better) best = other;
    }
  for (uint32_t k = 0; k < best.n; k++) turn_preempt(run, &run->training.job[best.victim[k]]);
  return best.node != NODE_NONE;
}

void training_yield(Run *run) {
  for (uint32_t d = 0; d < run->n_targets; d++) {
    uint32_t pending = run->cluster.deployment_pending[d];
    for (uint32_t k = 0; pending && k < run->target[d].n_replicas; k++) {
      const Replica *replica = &run->cluster.replica[run->target[d].replica[k]];
      if (replica->state != REPLICA_PENDING) continue;
      if (!make_way(run, d, replica->request)) break;
      run_place_pending(run);
    }
  }
  arena_free(&run->training.scratch);
}
