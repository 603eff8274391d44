/* Submissions: instants from the queue's workload, and what each job is like. All draws are addressed by the job's number. */
#include "sim/run/run_internal.h"
#include "sim/run/training_turn.h"

static void refill(TrainingQueue *queue) {
  const TrainingJobsSpec *jobs = &queue->spec->jobs;
  JobBlock *block = &queue->block;
  queue->cursor = 0;
  block->count = 0;
  queue->workload->next(jobs->arrivals.params, queue->workload_state, &queue->context, block);
  if (queue->rate && block->count) queue->rate->warp(jobs->rate.params, queue->rate_state, &queue->context, block->arrival_ns, block->count);
  if (block->count == 0) queue->ended = true;
}

static void push_next(Run *run, TrainingQueue *queue) {
  if (queue->cursor == queue->block.count && !queue->ended) refill(queue);
  if (queue->cursor == queue->block.count) return;
  int64_t at_ns = queue->block.arrival_ns[queue->cursor];
  if (at_ns < run->scenario->horizon_ns) run_push(run, at_ns, CLASS_ARRIVAL, SHARED_TRAINING_SUBMIT, (uint32_t)(queue - run->training.queue));
}

void submissions_begin(Run *run, TrainingQueue *queue) {
  const TrainingJobsSpec *jobs = &queue->spec->jobs;
  queue->workload = (const Workload *)jobs->arrivals.model;
  queue->workload_state = arena_alloc(run->arena, 1, queue->workload->state_bytes);
  queue->workload->begin(jobs->arrivals.params, queue->workload_state, &queue->context, run->arena);
  queue->brings_jobs = queue->workload->brings_jobs && queue->workload->brings_jobs(jobs->arrivals.params);
  queue->rate = (const RateModel *)jobs->rate.model;
  if (queue->rate) {
    queue->rate_state = arena_alloc(run->arena, 1, queue->rate->state_bytes);
    queue->rate->begin(jobs->rate.params, queue->rate_state, &queue->context, run->arena);
  }
  push_next(run, queue);
}

/* ---- what a job is like ---- */

static void gang_of(Run *run, TrainingQueue *queue, TrainingJob *job) {
  const TrainingJobsSpec *jobs = &queue->spec->jobs;
  int64_t wanted = queue->brings_jobs ? queue->block.milligpus[queue->cursor] : training_draw_milligpus(&queue->draw, job->index);
  job->gang = wanted >= 1000 ? smaller_of((wanted + 999) / 1000, TRAINING_GPUS_MOST) : 1;
  job->milligpus = smaller_of(wanted, 1000); /* less: a part of a GPU, or none */
  job->least = job->most = job->gang;
  if (jobs->elastic && job->milligpus == 1000) {
    job->least = smaller_of(jobs->elastic->min, job->gang);
    job->most = jobs->elastic->max > job->gang ? jobs->elastic->max : job->gang;
  }
  training_speeds(run, queue, job->most);
}

/* A job of a trace that never ended runs on and on where the scenario has no law of durations. */
static int64_t duration_of(const TrainingQueue *queue, const TrainingJob *job) {
  const TrainingJobsSpec *jobs = &queue->spec->jobs;
  const int64_t endless_ns = INT64_C(1) << 61;
  double ns;
  if (jobs->sample_bytes > 0) {
    double epochs = distribution_quantile(&jobs->epochs, stream_uniform(&queue->epochs, job->index));
    ns = (double)job->data_bytes / (double)jobs->sample_bytes * epochs / queue->speed[job->gang] * 1e9;
  } else if (queue->brings_jobs && queue->block.duration_ns[queue->cursor] >= 0) {
    return smaller_of(queue->block.duration_ns[queue->cursor], endless_ns);
  } else if (distribution_mean(&jobs->duration_ns) > 0) {
    ns = training_draw_duration_ns(&queue->draw, job->index);
  } else {
    return endless_ns;
  }
  return smaller_of(ns_from_double(ns), endless_ns);
}

static void describe_job(Run *run, TrainingQueue *queue, TrainingJob *job) {
  const TrainingJobsSpec *jobs = &queue->spec->jobs;
  job->index = (uint32_t)(queue->block.first_index + queue->cursor);
  gang_of(run, queue, job);
  double bytes = distribution_quantile(&jobs->data_size_bytes, stream_uniform(&queue->size, job->index));
  job->data_bytes = bytes < 4e18 ? (int64_t)bytes : INT64_C(4000000000000000000);
  job->own_ns = duration_of(queue, job);
  job->variant = queue->spec->variants.count ? (int)queue->spec->variants.count - 1 : 0;
  job_set_variant(queue, job, job->variant);
  const CancelSpec *cancel = jobs->cancel;
  if (cancel && stream_uniform(&queue->cancel, 2 * (uint64_t)job->index) < cancel->probability_ratio) {
    int64_t after_ns = ns_from_double(distribution_quantile(&cancel->after_ns, stream_uniform(&queue->cancel, 2 * (uint64_t)job->index + 1)));
    job->cancel_ns = run->now_ns + after_ns;
  }
}

/* Nodes that its pools may have at most hold fewer workers than the job needs, or its quota forbids it: it would wait for ever. */
static bool can_never_run(const Run *run, const TrainingQueue *queue, const TrainingJob *job) {
  const PoolList *pools = &run->cluster.deployment_pools[queue->tenant];
  int64_t most = 0;
  for (uint32_t k = 0; k < pools->count; k++) most += workers_on_empty(run, pools->pool[k], training_request(queue, job)) * run->cluster.pool[pools->pool[k]].max_nodes;
  bool forbidden = queue->quota->gpu_milligpus > 0 && !queue->quota->borrow && job->least * job->milligpus > queue->quota->gpu_milligpus;
  return most < job->least || forbidden;
}

void training_do_submit(Run *run, uint32_t q) {
  TrainingQueue *queue = &run->training.queue[q];
  training_queue_accrue(run, queue);
  uint32_t id = training_job_new(run, queue);
  TrainingJob *job = &run->training.job[id];
  describe_job(run, queue, job);
  queue->cursor++;
  push_next(run, queue);
  TrainingRow *row = training_row(run, queue, run->now_ns);
  row->submitted++;
  run->training.dirty = true;
  if (can_never_run(run, queue, job)) {
    row->rejected++;
    training_job_free(run, id);
    return;
  }
  if (queue->n_active == queue->active_capacity) {
    uint32_t grown = queue->active_capacity ? 2 * queue->active_capacity : 64;
    queue->active = arena_grow(run->arena, queue->active, queue->n_active, grown, sizeof *queue->active);
    queue->active_capacity = grown;
  }
  queue->active[queue->n_active++] = id;
  queue->wanted += job->gang * job->milligpus;
  training_job_schedule(run, job);
}
