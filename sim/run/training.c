/* Training queues: submissions, ends, failures, and the look after anything that may have changed whose turn it is. Deployments come first:
 * a replica that finds no room takes that of training jobs of lower priority. Then each queue in order of priority: its discipline says how
 * many GPUs each job should hold, and gangs are placed whole, on what is free or on what may be taken from others. */
#include "sim/run/training.h"

#include <string.h>

#include "sim/base/check.h"
#include "sim/run/run_internal.h"
#include "sim/run/training_turn.h"

/* ---- beginning ---- */

/* GPUs of the largest machine of its pools, as far as workers fit. */
static int64_t gpus_per_node(const Run *run, const TrainingQueue *queue) {
  const PoolList *pools = &run->cluster.deployment_pools[queue->tenant];
  const TrainingWorkerSpec *worker = &queue->spec->worker;
  int64_t most = 1;
  for (uint32_t k = 0; k < pools->count; k++) {
    const Resources all = run->cluster.pool[pools->pool[k]].machine.allocatable;
    int64_t n = all.milligpus / 1000;
    if (worker->cpu_millicores > 0) n = smaller_of(n, all.millicores / worker->cpu_millicores);
    if (worker->memory_bytes > 0) n = smaller_of(n, all.bytes / worker->memory_bytes);
    if (n > most) most = n;
  }
  return most;
}

static void streams_begin(Run *run, TrainingQueue *queue, uint32_t q) {
  uint64_t seed = (uint64_t)run->scenario->seed;
  uint32_t entity = run->scenario->queue_entity[q], replication = run->replication;
  queue->context = (WorkloadContext){seed, entity, replication, run->scenario->horizon_ns};
  training_draw_begin(&queue->draw, run->scenario, q, replication);
  queue->size = stream_make(seed, entity, PURPOSE_SIZE, replication);
  queue->epochs = stream_make(seed, entity, PURPOSE_SIZE_OUT, replication);
  queue->cancel = stream_make(seed, entity, PURPOSE_PATIENCE, replication);
  queue->load = stream_make(seed, entity, PURPOSE_LOAD, replication);
  queue->failure = stream_make(seed, entity, PURPOSE_TRAINING_FAILURE, replication);
}

static void queue_begin(Run *run, uint32_t q) {
  TrainingQueue *queue = &run->training.queue[q];
  const TrainingSpec *spec = scenario_queue(run->scenario, q);
  const TrainingRuleSpec *rule = strategy_training(run->strategy, spec->name);
  const ModelRef *discipline = rule && rule->discipline.model ? &rule->discipline : &spec->discipline;
  queue->spec = spec;
  queue->policy = (const TrainingPolicy *)discipline->model;
  queue->params = discipline->params;
  queue->quota = rule && rule->quota ? rule->quota : &spec->quota;
  queue->throughput = (const ThroughputModel *)spec->throughput.model;
  queue->tenant = run->n_targets + q;
  queue->look_ns = INSTANT_NEVER;
  queue->row = ARENA_ARRAY(run->arena, TrainingRow, TRACE_ROWS);
  queue->variant = ARENA_ARRAY(run->arena, TrainingVariantView, spec->variants.count);
  for (size_t v = 0; v < spec->variants.count; v++) {
    const TrainingVariantSpec *variant = LIST_AT(spec->variants, const TrainingVariantSpec, v);
    queue->variant[v] = (TrainingVariantView){variant->name, variant->accuracy_ratio, variant->work};
  }
  if (spec->stragglers) {
    OrderStatistics *stragglers = ARENA_NEW(run->arena, OrderStatistics);
    order_statistics_begin(stragglers, &spec->stragglers->step);
    queue->stragglers = stragglers;
  }
  queue->gpus_per_node = gpus_per_node(run, queue);
  training_speeds(run, queue, queue->gpus_per_node);
  streams_begin(run, queue, q);
  submissions_begin(run, queue);
  if (queue->policy->period_ns) run_push(run, 0, CLASS_CONTROL, SHARED_TRAINING_LOOK, q);
}

void training_begin(Run *run) {
  Training *training = &run->training;
  training->n_queues = (uint32_t)run->scenario->training.count;
  training->first_free = TRAINING_NONE;
  training->scratch.exhausted = run->arena->exhausted;
  training->queue = ARENA_ARRAY(run->arena, TrainingQueue, training->n_queues);
  training->by_priority = ARENA_ARRAY(run->arena, uint32_t, training->n_queues);
  for (uint32_t q = 0; q < training->n_queues; q++) {
    queue_begin(run, q);
    uint32_t k = q;
    for (; k > 0 && training->queue[training->by_priority[k - 1]].spec->priority < training->queue[q].spec->priority; k--)
      training->by_priority[k] = training->by_priority[k - 1];
    training->by_priority[k] = q;
  }
}

/* ---- jobs come and go ---- */

static void forget_active(TrainingQueue *queue, uint32_t id) {
  uint32_t k = 0;
  while (queue->active[k] != id) k++;
  memmove(queue->active + k, queue->active + k + 1, (queue->n_active - k - 1) * sizeof *queue->active);
  queue->n_active--;
}

static void record_finished(Run *run, TrainingQueue *queue, const TrainingJob *job) {
  if (queue->n_finished == queue->finished_capacity) {
    size_t grown = queue->finished_capacity ? queue->finished_capacity * 2 : 256;
    queue->finished = arena_grow(run->arena, queue->finished, queue->n_finished, grown, sizeof *queue->finished);
    queue->finished_capacity = grown;
  }
  queue->finished[queue->n_finished++] = (FinishedTraining){job->submitted_ns, run->now_ns, job->waited_ns, job->variant};
  training_row(run, queue, job->submitted_ns)->finished++;
  training_row(run, queue, run->now_ns)->ended++;
}

static void job_leaves(Run *run, uint32_t id, bool finished) {
  TrainingJob *job = &run->training.job[id];
  TrainingQueue *queue = training_queue_of(&run->training, job);
  training_queue_accrue(run, queue);
  if (job->running) turn_ends(run, job, TRAINING_STOP_SAVE);
  else queue->wanted -= job->gang * job->milligpus;
  if (finished) record_finished(run, queue, job);
  else training_row(run, queue, job->submitted_ns)->cancelled++;
  training_row(run, queue, job->submitted_ns)->stayed_ns += run->now_ns - job->submitted_ns;
  gang_remove(run, job);
  forget_active(queue, id);
  training_job_free(run, id);
}

void training_do_job(Run *run, uint32_t id) {
  TrainingJob *job = &run->training.job[id];
  if (!job->live || job->due_ns != run->now_ns) return;
  job->due_ns = -1;
  bool ends = job->running && job->end_ns == run->now_ns;
  if (!ends && job->running && job->fail_ns == run->now_ns) {
    training_job_fail(run, job); /* it keeps its GPUs: nobody else is concerned */
    return;
  }
  run->training.dirty = true;
  job_leaves(run, id, ends);
}

/* The look itself follows every shared instant. */
void training_do_look(Run *run, uint32_t q) {
  TrainingQueue *queue = &run->training.queue[q];
  int64_t period_ns = queue->policy->period_ns ? queue->policy->period_ns(queue->params) : 0;
  if (queue->look_ns == run->now_ns) {
    queue->look_ns = INSTANT_NEVER;
    run->training.dirty = true;
  }
  if (period_ns <= 0 || queue->tick * period_ns != run->now_ns) return;
  queue->due_tick = true;
  run->training.dirty = true;
  int64_t next_ns = ++queue->tick * period_ns;
  if (next_ns < run->scenario->horizon_ns) run_push(run, next_ns, CLASS_CONTROL, SHARED_TRAINING_LOOK, q);
}

void training_worker_lost(Run *run, uint32_t replica, int64_t now_ns) {
  CHECK(now_ns == run->now_ns);
  uint32_t id = (uint32_t)run->cluster.replica[replica].variant;
  TrainingJob *job = &run->training.job[id];
  CHECK(run->cluster.replica[replica].deployment == run->n_targets + job->queue);
  if (job->running) {
    training_row(run, training_queue_of(&run->training, job), now_ns)->restarts++;
    turn_back(run, job, TRAINING_STOP_LOSE);
  } else {
    gang_remove(run, job);
  }
}

/* ---- looking ---- */

bool training_wants_capacity(const Run *run) {
  for (uint32_t q = 0; q < run->training.n_queues; q++)
    if (run->training.queue[q].n_active > (uint64_t)run->training.queue[q].n_running) return true;
  return false;
}

/* A node policy may drain what was just placed: then once more. */
void training_schedule(Run *run) {
  Training *training = &run->training;
  for (int look = 0; training->n_queues && look < 3; look++) {
    if (!training->dirty && run->cluster.changes == training->seen_changes) return;
    training->dirty = false;
    control_retry_resizes(run);
    run_place_pending(run);
    training_yield(run);
    for (uint32_t k = 0; k < training->n_queues; k++) training_turn(run, &training->queue[training->by_priority[k]]);
    run_update_speeds(run);
    training->lost = false;
    if (run->cluster.changes != training->seen_changes) run_nodes_wake(run, NODE_WAKE_CHANGE | NODE_WAKE_PENDING);
    training->seen_changes = run->cluster.changes;
    training->dirty = training->lost;
  }
}

void training_end(Run *run) {
  Training *training = &run->training;
  run->now_ns = run->scenario->horizon_ns;
  for (uint32_t q = 0; q < training->n_queues; q++) training_queue_accrue(run, &training->queue[q]);
  for (uint32_t k = 0; k < training->n_jobs; k++) {
    TrainingJob *job = &training->job[k];
    if (!job->live) continue;
    training_row(run, training_queue_of(training, job), job->submitted_ns)->stayed_ns += run->now_ns - job->submitted_ns;
    if (job->running) training_job_stop(run, job, TRAINING_STOP_SAVE);
  }
}
