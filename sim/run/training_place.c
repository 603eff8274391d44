/* Gangs on nodes: which nodes could take all workers of a job at once, on as few of them as possible, as they are or as they would be if
 * other jobs left. Rooms count whole GPUs only; a fraction of a GPU goes by the node itself. */
#include "sim/base/check.h"
#include "sim/run/run_internal.h"

Resources training_request(const TrainingQueue *queue, const TrainingJob *job) {
  return (Resources){queue->spec->worker.cpu_millicores, queue->spec->worker.memory_bytes, job->milligpus};
}

/* ---- rooms ---- */

void rooms_begin(Run *run) {
  Training *training = &run->training;
  const Cluster *cluster = &run->cluster;
  if (training->room_capacity < cluster->n_nodes) {
    training->room_capacity = cluster->n_nodes * 2;
    training->room = ARENA_ARRAY(run->arena, NodeRoom, training->room_capacity);
  }
  for (uint32_t n = 0; n < cluster->n_nodes; n++) {
    const Node *node = &cluster->node[n];
    NodeRoom *room = &training->room[n];
    *room = (NodeRoom){.whole = -1};
    if (node->state != NODE_READY || node->cordoned) continue;
    const Resources all = cluster->pool[node->pool].machine.allocatable;
    room->free = resources_subtract(all, node->used);
    room->whole = gpus_untouched(node->gpu_free, all.milligpus / 1000);
  }
}

void rooms_without(Run *run, const TrainingJob *job, int sign) {
  for (uint32_t k = 0; k < job->n_workers; k++) {
    const Replica *replica = &run->cluster.replica[job->worker[k]];
    if (replica->node == NODE_NONE || run->training.room[replica->node].whole < 0) continue;
    NodeRoom *room = &run->training.room[replica->node];
    room->free = sign > 0 ? resources_add(room->free, replica->request) : resources_subtract(room->free, replica->request);
    room->whole += sign * whole_gpus(replica->request.milligpus);
  }
}

static int64_t times(int64_t room, int64_t request) { return request > 0 ? room / request : INT64_C(1) << 40; }

/* Workers that fit on a node. A fraction of a GPU: those that fit whole ones, and at least one where the node says so. */
int64_t rooms_workers_on(const Run *run, uint32_t n, Resources request) {
  const NodeRoom *room = &run->training.room[n];
  if (room->whole < 0) return 0;
  int64_t count = smaller_of(times(room->free.millicores, request.millicores), times(room->free.bytes, request.bytes));
  if (request.milligpus == 0) return count;
  if (request.milligpus >= 1000 || room->whole > 0) return smaller_of(count, room->whole);
  uint32_t gpu;
  const Node *node = &run->cluster.node[n];
  return count > 0 && gpus_have_room(node->gpu_free, run->cluster.pool[node->pool].machine.allocatable.milligpus / 1000, request.milligpus, &gpu);
}

static bool in_pools(const Run *run, const TrainingQueue *queue, uint32_t n) {
  const PoolList *pools = &run->cluster.deployment_pools[queue->tenant];
  for (uint32_t k = 0; k < pools->count; k++)
    if (pools->pool[k] == run->cluster.node[n].pool) return true;
  return false;
}

int64_t rooms_workers(const Run *run, const TrainingQueue *queue, Resources request) {
  int64_t sum = 0;
  for (uint32_t n = 0; n < run->cluster.n_nodes; n++)
    if (in_pools(run, queue, n)) sum += rooms_workers_on(run, n, request);
  return sum;
}

/* ---- plans ---- */

/* Nodes of one pool, or of all the queue's (POOL_ANY). */
enum { POOL_ANY = 0xffffffffu };

static bool counts(const Run *run, const TrainingQueue *queue, uint32_t pool, uint32_t n) {
  if (run->cluster.node[n].state != NODE_READY) return false;
  return pool == POOL_ANY ? in_pools(run, queue, n) : run->cluster.node[n].pool == pool;
}

/* The node that takes most of `left`: the smallest that takes it all, else the one with most room; lowest id among equals. */
static uint32_t best_node(const Run *run, const TrainingQueue *queue, uint32_t pool, Resources request, int64_t left, int64_t *workers) {
  uint32_t best = NODE_NONE;
  int64_t most = 0;
  for (uint32_t n = 0; n < run->cluster.n_nodes; n++) {
    if (!counts(run, queue, pool, n) || run->training.room[n].taken) continue;
    int64_t room = rooms_workers_on(run, n, request);
    bool better = most >= left ? room >= left && room < most : room > most;
    if (!better) continue;
    best = n;
    most = room;
  }
  *workers = smaller_of(most, left);
  return best;
}

static bool plan_in(Run *run, const TrainingQueue *queue, uint32_t pool, Resources request, int64_t n, int64_t nodes_most, GangPlan *plan) {
  *plan = (GangPlan){0, (double)__builtin_inf()};
  for (uint32_t k = 0; k < run->cluster.n_nodes; k++) run->training.room[k].taken = 0;
  while (n > 0) {
    int64_t workers;
    uint32_t node = best_node(run, queue, pool, request, n, &workers);
    if (node == NODE_NONE || (nodes_most > 0 && plan->nodes == nodes_most)) return false;
    run->training.room[node].taken = workers;
    n -= workers;
    plan->nodes++;
    double speed = run->cluster.pool[run->cluster.node[node].pool].machine.speed * run->cluster.node[node].speed; /* a step waits for the slowest */
    if (speed < plan->speed) plan->speed = speed;
  }
  return true;
}

bool gang_plan(Run *run, const TrainingQueue *queue, Resources request, int64_t n, int64_t nodes_most, GangPlan *plan) {
  const PoolList *pools = &run->cluster.deployment_pools[queue->tenant];
  for (uint32_t k = 0; k < pools->count; k++)
    if (plan_in(run, queue, pools->pool[k], request, n, nodes_most, plan)) return true;
  return pools->count > 1 && plan_in(run, queue, POOL_ANY, request, n, nodes_most, plan);
}

/* ---- workers ---- */

static void add_worker(Run *run, TrainingJob *job) {
  TrainingQueue *queue = &run->training.queue[job->queue];
  const Resources request = training_request(queue, job);
  if (job->n_workers == job->worker_capacity) {
    uint32_t grown = job->worker_capacity ? 2 * job->worker_capacity : 4;
    job->worker = arena_grow(run->arena, job->worker, job->n_workers, grown, sizeof *job->worker);
    job->worker_capacity = grown;
  }
  job->worker[job->n_workers++] = replica_create(&run->cluster, queue->tenant, request, request, (int)(job - run->training.job), run->now_ns);
}

static void drop_worker(Run *run, TrainingJob *job) {
  uint32_t id = job->worker[--job->n_workers], node = run->cluster.replica[id].node;
  replica_remove(&run->cluster, id, run->now_ns);
  run_node_left(run, node);
  run->speeds_changed |= node != NODE_NONE;
}

void gang_place(Run *run, TrainingJob *job, int64_t n) {
  gang_demand(run, job, n);
  uint32_t k = 0;
  for (uint32_t node = 0; node < run->cluster.n_nodes; node++) {
    for (int64_t w = 0; w < run->training.room[node].taken; w++) {
      bool placed = replica_place_on(&run->cluster, job->worker[k], node, run->now_ns);
      CHECK(placed);
      replica_ready(&run->cluster, job->worker[k++], run->now_ns);
    }
    run->training.room[node].taken = 0;
  }
  CHECK(k == job->n_workers && (int64_t)k == n);
  job->gpus = n;
  run->speeds_changed = true;
}

void gang_remove(Run *run, TrainingJob *job) {
  while (job->n_workers) drop_worker(run, job);
}

void gang_demand(Run *run, TrainingJob *job, int64_t n) {
  while ((int64_t)job->n_workers > n) drop_worker(run, job);
  while ((int64_t)job->n_workers < n) add_worker(run, job);
}
