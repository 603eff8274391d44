/* One training job: its stretches of computing and checkpoints, what is kept when one ends, and when the next thing happens to it. All of
 * a stretch follows from its start, so checkpoints are no events. */
#include "sim/base/check.h"
#include "sim/core/checkpoint.h"
#include "sim/core/maths.h"
#include "sim/run/run_internal.h"

/* ---- entries ---- */

uint32_t training_job_new(Run *run, TrainingQueue *queue) {
  Training *training = &run->training;
  uint32_t id = training->first_free;
  if (id != TRAINING_NONE) {
    training->first_free = training->job[id].next;
  } else {
    if (training->n_jobs == training->job_capacity) {
      uint32_t grown = training->job_capacity ? 2 * training->job_capacity : 64;
      training->job = arena_grow(run->arena, training->job, training->n_jobs, grown, sizeof *training->job);
      training->job_capacity = grown;
    }
    id = training->n_jobs++;
  }
  TrainingJob *job = &training->job[id];
  *job = (TrainingJob){.live = true, .queue = (uint32_t)(queue - training->queue), .worker = job->worker, .worker_capacity = job->worker_capacity,
                       .cancel_ns = INSTANT_NEVER, .due_ns = INSTANT_NEVER, .submitted_ns = run->now_ns, .waiting_since_ns = run->now_ns};
  return id;
}

void training_job_free(Run *run, uint32_t id) {
  Training *training = &run->training;
  CHECK(training->job[id].n_workers == 0);
  training->job[id].live = false;
  training->job[id].due_ns = INSTANT_NEVER;
  training->job[id].next = training->first_free;
  training->first_free = id;
}

/* ---- rows ---- */

TrainingRow *training_row(const Run *run, const TrainingQueue *queue, int64_t at_ns) { return &queue->row[row_of(run->scenario->horizon_ns, at_ns)]; }

void training_queue_accrue(Run *run, TrainingQueue *queue) {
  int64_t horizon_ns = run->scenario->horizon_ns;
  while (queue->accrued_ns < run->now_ns) {
    int r = row_of(horizon_ns, queue->accrued_ns);
    int64_t to_ns = r + 1 < TRACE_ROWS ? row_start_ns(horizon_ns, r + 1) : run->now_ns;
    if (to_ns > run->now_ns) to_ns = run->now_ns;
    __int128 dt = to_ns - queue->accrued_ns;
    queue->row[r].running += dt * queue->n_running;
    queue->row[r].waiting += dt * (queue->n_active - queue->n_running);
    queue->row[r].wanted += dt * queue->wanted;
    queue->accrued_ns = to_ns;
  }
}

/* ---- speed ---- */

double training_throughput_rps(const TrainingQueue *queue, int64_t gpus, int64_t nodes) {
  double rate = queue->throughput->rate(queue->spec->throughput.params, gpus, nodes < gpus ? nodes : gpus);
  const StragglerSpec *stragglers = queue->spec->stragglers;
  if (!stragglers) return rate;
  int64_t dropped = stragglers->backup < gpus ? stragglers->backup : gpus - 1;
  double counted = (double)(gpus - dropped) / (double)gpus;
  return rate * counted / order_statistics_slowdown(queue->stragglers, gpus, dropped);
}

void training_speeds(Run *run, TrainingQueue *queue, int64_t gpus) {
  if (queue->speed && gpus <= queue->gpus_most) return;
  int64_t grown = gpus > 2 * queue->gpus_most ? gpus : 2 * queue->gpus_most;
  queue->speed = arena_grow(run->arena, queue->speed, queue->speed ? (size_t)queue->gpus_most + 1 : 0, (size_t)grown + 1, sizeof *queue->speed);
  for (int64_t g = queue->gpus_most + 1; g <= grown; g++) queue->speed[g] = training_throughput_rps(queue, g, (g + queue->gpus_per_node - 1) / queue->gpus_per_node);
  queue->gpus_most = grown;
}

/* ---- a stretch ---- */

/* Work done by so much computing; all that is left where it is enough. */
static int64_t work_of(const TrainingJob *job, int64_t compute_ns) {
  __int128 work = (__int128)job->speed_q32 * compute_ns >> 32, left = job->work_ns - job->kept_ns;
  return (int64_t)(work < left ? work : left);
}

static int64_t compute_needed(const TrainingJob *job) {
  __int128 needed = (((__int128)(job->work_ns - job->kept_ns) << 32) + job->speed_q32 - 1) / job->speed_q32;
  return needed < INT64_C(1) << 61 ? (int64_t)needed : INT64_C(1) << 61;
}

/* Computing so far in the stretch, and of it what checkpoints have saved. */
static int64_t computed(const Run *run, const TrainingJob *job, int64_t now_ns, int64_t *saved_ns) {
  int64_t elapsed_ns = now_ns - job->began_ns - job->pause_ns, needed_ns = compute_needed(job), done_ns = elapsed_ns;
  *saved_ns = 0;
  if (elapsed_ns <= 0) return 0;
  if (job->interval_ns > 0) {
    int64_t cycle_ns = job->interval_ns + run->training.queue[job->queue].spec->checkpoint.cost_ns, full = elapsed_ns / cycle_ns;
    *saved_ns = smaller_of(full * job->interval_ns, needed_ns);
    done_ns = full * job->interval_ns + smaller_of(elapsed_ns % cycle_ns, job->interval_ns);
  }
  return smaller_of(done_ns, needed_ns);
}

static int64_t interval_of(const TrainingQueue *queue, int64_t gpus) {
  const CheckpointSpec *checkpoint = &queue->spec->checkpoint;
  double cost = (double)checkpoint->cost_ns, mtbf = (double)queue->spec->failure.mtbf_ns / (double)gpus;
  switch ((CheckpointRule)checkpoint->rule) {
    case CHECKPOINT_GIVEN: return checkpoint->interval_ns;
    case CHECKPOINT_YOUNG: return ns_from_double(checkpoint_young(cost, mtbf)) + 1;
    case CHECKPOINT_DALY: return ns_from_double(checkpoint_daly(cost, mtbf)) + 1;
  }
  CHECK(false);
}

/* Later than any horizon where it is too far. */
static int64_t later(int64_t from_ns, int64_t by_ns) { return by_ns < INT64_C(1) << 61 ? from_ns + by_ns : INSTANT_NEVER; }

static void stretch_begin(Run *run, TrainingJob *job, int64_t down_ns, int64_t pause_ns) {
  const TrainingQueue *queue = &run->training.queue[job->queue];
  job->began_ns = run->now_ns;
  job->down_ns = down_ns;
  job->pause_ns = pause_ns;
  job->interval_ns = interval_of(queue, job->gpus);
  int64_t needed_ns = compute_needed(job);
  __int128 all_ns = (__int128)pause_ns + needed_ns;
  if (job->interval_ns > 0) all_ns += (__int128)((needed_ns + job->interval_ns - 1) / job->interval_ns) * queue->spec->checkpoint.cost_ns;
  job->end_ns = all_ns < INT64_C(1) << 61 ? later(run->now_ns, (int64_t)all_ns) : INSTANT_NEVER;
  job->fail_ns = INSTANT_NEVER;
  if (queue->spec->failure.mtbf_ns > 0)
    job->fail_ns = later(run->now_ns, down_ns + ns_from_double(job->mean_lives * (double)queue->spec->failure.mtbf_ns / (double)job->gpus));
  training_job_schedule(run, job);
}

/* Each life of the workers together has mean one, whatever their number: it is used up as fast as there are workers. */
static void draw_life(const TrainingQueue *queue, TrainingJob *job) {
  double u = stream_uniform(&queue->failure, (uint64_t)job->index << 24 | (job->n_failures++ & 0xffffffu));
  job->mean_lives = -maths_log(1 - u);
}

void training_job_start(Run *run, TrainingJob *job, int64_t nodes, double speed) {
  TrainingQueue *queue = &run->training.queue[job->queue];
  double relative = training_throughput_rps(queue, job->gpus, nodes) / queue->speed[job->gang] * speed * 4294967296.0;
  int64_t rate = ns_from_double(relative < 1e15 ? relative : 1e15);
  int64_t startup_ns = ns_from_double(distribution_quantile(&queue->spec->startup_ns, stream_uniform(&queue->load, (uint64_t)job->index << 24 | (job->n_starts & 0xffffffu))));
  if (!job->began && queue->spec->failure.mtbf_ns > 0) draw_life(queue, job);
  job->nodes = nodes;
  job->speed_q32 = rate > 0 ? rate : 1;
  int64_t pause_ns = startup_ns + (job->n_starts++ > 0 ? queue->spec->checkpoint.restart_ns : 0);
  job->began = true;
  job->running = true;
  stretch_begin(run, job, 0, pause_ns);
}

void training_job_stop(Run *run, TrainingJob *job, TrainingStop how) {
  TrainingQueue *queue = &run->training.queue[job->queue];
  TrainingRow *row = training_row(run, queue, run->now_ns);
  int64_t saved_ns, elapsed_ns = run->now_ns - job->began_ns, computed_ns = computed(run, job, run->now_ns, &saved_ns);
  int64_t kept_ns = how == TRAINING_STOP_SAVE ? computed_ns : saved_ns;
  int64_t attained = work_of(job, computed_ns), kept = work_of(job, kept_ns);
  __int128 milligpus = (__int128)job->gpus * job->milligpus;
  row->useful += milligpus * kept_ns;
  row->lost += milligpus * (computed_ns - kept_ns);
  row->overhead += milligpus * (elapsed_ns - computed_ns);
  job->held += milligpus * elapsed_ns;
  job->attained_ns += attained;
  job->lost_ns += attained - kept;
  job->kept_ns += kept;
  CHECK(job->attained_ns == job->kept_ns + job->lost_ns && job->kept_ns <= job->work_ns);
  if (queue->spec->failure.mtbf_ns > 0 && elapsed_ns > job->down_ns)
    job->mean_lives -= (double)(elapsed_ns - job->down_ns) * (double)job->gpus / (double)queue->spec->failure.mtbf_ns;
  if (!(job->mean_lives > 0)) job->mean_lives = 0;
  job->running = false;
}

void training_job_fail(Run *run, TrainingJob *job) {
  const TrainingQueue *queue = &run->training.queue[job->queue];
  training_job_stop(run, job, TRAINING_STOP_LOSE);
  training_row(run, queue, run->now_ns)->restarts++;
  draw_life(queue, job);
  job->running = true;
  stretch_begin(run, job, queue->spec->failure.downtime_ns, queue->spec->failure.downtime_ns + queue->spec->checkpoint.restart_ns);
}

void training_job_schedule(Run *run, TrainingJob *job) {
  int64_t due_ns = job->cancel_ns;
  if (job->running && job->end_ns <= due_ns) due_ns = job->end_ns;
  if (job->running && job->fail_ns < due_ns) due_ns = job->fail_ns;
  if (due_ns == job->due_ns) return;
  job->due_ns = due_ns;
  if (due_ns >= run->scenario->horizon_ns) return;
  EventClass class = job->running && due_ns == job->end_ns ? CLASS_DEPARTURE : job->running && due_ns == job->fail_ns ? CLASS_FAILURE : CLASS_EXPIRY;
  run_push(run, due_ns, class, SHARED_TRAINING_JOB, (uint32_t)(job - run->training.job));
}

int64_t training_job_done(const Run *run, const TrainingJob *job, int64_t *unsaved_ns) {
  int64_t saved_ns = 0, computed_ns = job->running ? computed(run, job, run->now_ns, &saved_ns) : 0;
  *unsaved_ns = computed_ns - saved_ns;
  return job->kept_ns + (job->running ? work_of(job, computed_ns) : 0);
}
