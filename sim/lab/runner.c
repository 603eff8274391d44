/* Workers take runs in order from one counter; finished runs queue up for the committing thread. Which thread took which run leaves no
 * trace: results are addressed by run number and written in run order. Memory that runs out is no result: the run is not kept, the sweep
 * stops. */
#include "sim/lab/runner.h"

#include <math.h>
#include <omp.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sim/lab/clairvoyant.h"
#include "sim/lab/warmup.h"

enum { QUEUE_BYTES = 64 << 20 }; /* of encoded runs that may wait for the disk */
/* A commit may cost a twentieth of the time between two of them, which lies between these. */
static const double commit_least_s = 0.2, commit_most_s = 1, look_s = 0.1;

typedef struct Finished {
  EncodedRun encoded;
  Arena arena; /* holds this node and the bytes */
  struct Finished *next;
} Finished;

typedef struct Pool {
  const Sweep *sweep;
  const uint64_t *committed; /* bit r: run r was in the journal before; constant while workers run */
  const RunnerOptions *options;
  uint64_t next_run;
  int in_run_threads;
  omp_lock_t lock; /* guards the queue, the counts and the error */
  sem_t news;      /* for the committing thread: much waits, or a worker has ended */
  Finished *head, **tail;
  uint64_t queued_bytes, working, jobs, failed;
  double simulating_s;
  bool stop;
  Err *err;
} Pool;

static double clock_s(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now_s(void) { return clock_s(CLOCK_MONOTONIC); }

/* Until there is news, or `seconds` have passed. */
static void wait_for_news(Pool *pool, double seconds) {
  double until_s = clock_s(CLOCK_REALTIME) + seconds;
  struct timespec until = {.tv_sec = (time_t)until_s, .tv_nsec = (long)((until_s - floor(until_s)) * 1e9)};
  (void)sem_timedwait(&pool->news, &until);
}

static void nap(void) { nanosleep(&(struct timespec){0, 5000000}, NULL); }

static bool is_interrupted(const Pool *pool) { return pool->options->interrupted && *pool->options->interrupted; }

/* ---- workers ---- */

/* What one worker has: its decoded point (runs of one point come in a row), and the memory of the run it is at. */
typedef struct Worker {
  Pool *pool;
  Arena point_arena, run_arena, keep_arena;
  Scenario scenario;
  uint64_t point;
  uint32_t strategy; /* as whose runs it is seen; 0 where all see the same */
  bool valid;
  uint64_t warm_point; /* 1 + the point whose warm-up this is, where strategies see it differently; 0: none yet */
  int64_t warmup_ns;
  jmp_buf exhausted;
  double simulating_s;
} Worker;

static void pool_stop(Pool *pool, const Err *err) {
  omp_set_lock(&pool->lock);
  if (!pool->stop && err) *pool->err = *err;
  pool->stop = true;
  omp_unset_lock(&pool->lock);
}

/* All strategies of a point leave out the same time: the longest that any of them needs, each as it sees the point. */
static bool point_warmup(Worker *worker, uint64_t point, Err *err) {
  const Sweep *sweep = worker->pool->sweep;
  const volatile bool *interrupted = worker->pool->options->interrupted;
  if (!sweep->has_manifests) return warmup_find(&worker->scenario, interrupted, err);
  if (worker->warm_point != point + 1) {
    worker->warmup_ns = worker->scenario.warmup_ns;
    bool good = true;
    for (uint32_t k = 0; k < sweep->n_strategies && good && worker->scenario.warmup_rule == WARMUP_MSER5; k++) {
      Arena arena = {0};
      Scenario own;
      good = sweep_point_of(sweep, point, k, &arena, &own, err) && warmup_find_one(&own, k, interrupted, err);
      if (good && own.warmup_ns > worker->warmup_ns) worker->warmup_ns = own.warmup_ns;
      arena_free(&arena);
    }
    if (!good) return false;
    worker->warm_point = point + 1;
  }
  worker->scenario.warmup_ns = worker->warmup_ns;
  return true;
}

/* The point of a run, as its strategy sees it. */
static bool decode_point(Worker *worker, uint64_t run) {
  const Sweep *sweep = worker->pool->sweep;
  uint64_t point = sweep_run_point(sweep, run);
  uint32_t strategy = sweep->has_manifests ? sweep_run_strategy(sweep, run) : 0;
  if (worker->valid && worker->point == point && worker->strategy == strategy) return true;
  arena_free(&worker->point_arena);
  worker->valid = false;
  Err err = {0};
  if (!sweep_point_of(sweep, point, strategy, &worker->point_arena, &worker->scenario, &err) || !point_warmup(worker, point, &err)) {
    pool_stop(worker->pool, &err);
    return false;
  }
  worker->point = point;
  worker->strategy = strategy;
  worker->valid = true;
  return true;
}

static void hand_over(Pool *pool, Finished *finished, const RunResult *result) {
  omp_set_lock(&pool->lock);
  *pool->tail = finished;
  pool->tail = &finished->next;
  pool->queued_bytes += finished->encoded.length;
  pool->jobs += result->jobs;
  pool->failed += result->status != 0;
  bool much = pool->queued_bytes >= QUEUE_BYTES / 2;
  omp_unset_lock(&pool->lock);
  if (much) sem_post(&pool->news);
}

/* The words of strategy_simulate for memory that ran out: the machine's failure, not the scenario's, so it must not be stored as a result. */
static bool lacked_memory(const RunResult *result) { return result->status != 0 && strncmp(result->message, "out of memory", 13) == 0; }

static bool out_of_memory(const Pool *pool, uint64_t run) {
  const Sweep *sweep = pool->sweep;
  Err err = {0};
  err_add(&err, ERR_IO, "out of memory in run %llu (point %llu, strategy %s, replication %u); fewer threads (-j) need less", (unsigned long long)run,
          (unsigned long long)sweep_run_point(sweep, run), sweep->strategy[sweep_run_strategy(sweep, run)], sweep_run_replication(sweep, run));
  pool_stop((Pool *)(uintptr_t)pool, &err);
  return false;
}

static bool simulate(Worker *worker, uint64_t run) {
  Pool *pool = worker->pool;
  const Sweep *sweep = pool->sweep;
  if (!decode_point(worker, run)) return false;
  bool trace = sweep_keeps_trace(sweep, run, pool->options->keep);
  RunOptions options = {.plain = pool->options->plain, .trace = trace, .threads = pool->in_run_threads, .interrupted = pool->options->interrupted};
  RunResult result;
  double start_s = clock_s(CLOCK_THREAD_CPUTIME_ID);
  strategy_simulate(&worker->scenario, sweep_run_strategy(sweep, run), sweep_run_replication(sweep, run), &options, &worker->run_arena, &result);
  worker->simulating_s += clock_s(CLOCK_THREAD_CPUTIME_ID) - start_s;
  if (is_interrupted(pool)) return true;
  if (lacked_memory(&result)) return out_of_memory(pool, run);
  Finished *finished = ARENA_NEW(&worker->keep_arena, Finished);
  finished->encoded = run_encode(&result, run, trace, &worker->keep_arena);
  finished->arena = worker->keep_arena;
  finished->arena.exhausted = NULL;
  worker->keep_arena.block = NULL; /* is the finished run's now */
  hand_over(pool, finished, &result);
  return true;
}

/* False when the worker must end. */
static bool do_run(Worker *worker, uint64_t run) {
  if (setjmp(worker->exhausted)) return out_of_memory(worker->pool, run);
  worker->point_arena.exhausted = worker->run_arena.exhausted = worker->keep_arena.exhausted = &worker->exhausted;
  bool ok = simulate(worker, run);
  arena_free(&worker->run_arena);
  return ok;
}

static bool take_run(Pool *pool, uint64_t *run) {
  bool got = false;
  omp_set_lock(&pool->lock);
  while (!pool->stop && !got && (*run = shard_next(pool->options->shard, pool->sweep, pool->next_run)) < pool->sweep->n_runs) {
    pool->next_run = *run + 1;
    got = !(pool->committed[*run / 64] >> (*run % 64) & 1);
  }
  omp_unset_lock(&pool->lock);
  return got;
}

static bool queue_is_full(Pool *pool) {
  omp_set_lock(&pool->lock);
  bool full = pool->queued_bytes >= QUEUE_BYTES && !pool->stop;
  omp_unset_lock(&pool->lock);
  return full;
}

static void work(Pool *pool) {
  Worker worker = {.pool = pool};
  uint64_t run;
  while (!is_interrupted(pool) && take_run(pool, &run)) {
    if (!do_run(&worker, run)) break;
    while (queue_is_full(pool)) nap();
  }
  arena_free(&worker.point_arena);
  arena_free(&worker.run_arena);
  arena_free(&worker.keep_arena);
  omp_set_lock(&pool->lock);
  pool->working--;
  pool->simulating_s += worker.simulating_s;
  omp_unset_lock(&pool->lock);
  sem_post(&pool->news);
}

/* ---- the committing thread ---- */

static Finished *take_finished(Pool *pool, bool *all_idle, RunnerProgress *progress) {
  omp_set_lock(&pool->lock);
  Finished *list = pool->head;
  pool->head = NULL;
  pool->tail = &pool->head;
  pool->queued_bytes = 0;
  *all_idle = pool->working == 0;
  progress->jobs = pool->jobs;
  progress->failed = pool->failed;
  omp_unset_lock(&pool->lock);
  return list;
}

/* Puts a list of finished runs into the journal and frees it; false when the disk says no. */
static bool put_all(Pool *pool, Journal *journal, Finished *list, uint64_t *put, Err *err) {
  bool ok = true;
  while (list) {
    Finished *finished = list;
    list = finished->next;
    ok = ok && journal_put(journal, finished->encoded, err);
    *put += ok;
    Arena arena = finished->arena;
    arena_free(&arena);
  }
  if (!ok) pool_stop(pool, NULL);
  return ok;
}

static bool commit_loop(Pool *pool, Journal *journal, RunnerProgress *progress, Err *err) {
  double start = now_s(), committed = start, reported = 0, wait_s = commit_least_s;
  uint64_t put = 0;
  bool ok = true, all_idle = false;
  while (!all_idle) {
    Finished *list = take_finished(pool, &all_idle, progress);
    ok = put_all(pool, journal, list, &put, err) && ok;
    double now = now_s();
    if (put && ok && (now - committed >= wait_s || all_idle)) {
      ok = journal_commit(journal, err);
      committed = now_s();
      wait_s = fmin(fmax(20 * (committed - now), commit_least_s), commit_most_s);
      if (!ok) pool_stop(pool, NULL);
      progress->done += ok ? put : 0;
      put = 0;
    }
    progress->elapsed_s = now - start;
    if (pool->options->progress && now - reported >= 0.1) {
      pool->options->progress(pool->options->context, progress);
      reported = now;
    }
    if (!all_idle) wait_for_news(pool, look_s);
  }
  return ok;
}

static int spread_threads(const RunnerOptions *options, uint64_t todo, int *workers) {
  *workers = todo < (uint64_t)options->threads ? (int)todo : options->threads;
  if (*workers < 1) *workers = 1;
  return options->threads / *workers;
}

bool runner_run(const Sweep *sweep, Journal *journal, const RunnerOptions *options, RunnerProgress *progress, Err *err) {
  *progress = (RunnerProgress){.done = journal_count(journal), .total = shard_runs(options->shard, sweep)};
  bool final = !sweep->first->precision.metric;
  if (!journal_expect(journal, progress->total, final, err)) return false;
  int workers;
  Err point_err = {0};
  Pool pool = {.sweep = sweep, .options = options, .err = &point_err};
  pool.committed = journal_snapshot(journal);
  pool.in_run_threads = spread_threads(options, progress->total - progress->done, &workers);
  pool.tail = &pool.head;
  pool.working = (uint64_t)workers;
  omp_init_lock(&pool.lock);
  sem_init(&pool.news, 0, 0);
  omp_set_dynamic(0);
  omp_set_max_active_levels(2);
  bool ok = true;
#pragma omp parallel num_threads(workers + 1)
  {
    if (omp_get_thread_num() == 0) ok = commit_loop(&pool, journal, progress, err);
    else work(&pool);
  }
  omp_destroy_lock(&pool.lock);
  sem_destroy(&pool.news);
  progress->simulating_s = pool.simulating_s;
  if (options->progress) options->progress(options->context, progress);
  if (ok && point_err.count) {
    *err = point_err;
    return false;
  }
  if (ok && is_interrupted(&pool)) return err_add(err, ERR_INTERRUPTED, "interrupted: %llu of %llu runs are kept", (unsigned long long)progress->done, (unsigned long long)progress->total);
  return ok;
}
