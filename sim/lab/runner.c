/* Workers take runs in order from one counter; finished runs queue up for the committing thread. Which thread took which run leaves no
 * trace: results are addressed by run number and written in run order. */
#include "sim/lab/runner.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sim/lab/clairvoyant.h"
#include "sim/lab/warmup.h"

enum { QUEUE_LIMIT = 2048 }; /* encoded runs that may wait for the disk */

typedef struct Finished {
  EncodedRun encoded;
  Arena arena; /* holds this node and the bytes */
  struct Finished *next;
} Finished;

typedef struct Pool {
  const Sweep *sweep;
  uint64_t *committed; /* bit r: run r was in the journal before; constant while workers run */
  const RunnerOptions *options;
  uint64_t next_run;
  int in_run_threads;
  omp_lock_t lock; /* guards the queue, the counts and the error */
  Finished *head, **tail;
  uint64_t queued, working, jobs, failed;
  bool stop;
  Err *err;
} Pool;

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void nap(void) { nanosleep(&(struct timespec){0, 5000000}, NULL); }

static bool is_interrupted(const Pool *pool) { return pool->options->interrupted && *pool->options->interrupted; }

/* ---- workers ---- */

/* A worker's decoded point: runs of one point come in a row. */
typedef struct PointCache {
  Arena arena;
  Scenario scenario;
  uint64_t point;
  uint32_t strategy; /* as whose runs it is seen; 0 where all see the same */
  bool valid;
  uint64_t warm_point; /* 1 + the point whose warm-up this is, where strategies see it differently; 0: none yet */
  int64_t warmup_ns;
} PointCache;

/* All strategies of a point leave out the same time: the longest that any of them needs, each as it sees the point. */
static bool point_warmup(Pool *pool, PointCache *cache, uint64_t point, Err *err) {
  if (!pool->sweep->has_manifests) return warmup_find(&cache->scenario, pool->options->interrupted, err);
  if (cache->warm_point != point + 1) {
    cache->warmup_ns = cache->scenario.warmup_ns;
    bool good = true;
    for (uint32_t k = 0; k < pool->sweep->n_strategies && good && cache->scenario.warmup_rule == WARMUP_MSER5; k++) {
      Arena arena = {0};
      Scenario own;
      good = sweep_point_of(pool->sweep, point, k, &arena, &own, err) && warmup_find_one(&own, k, pool->options->interrupted, err);
      if (good && own.warmup_ns > cache->warmup_ns) cache->warmup_ns = own.warmup_ns;
      arena_free(&arena);
    }
    if (!good) return false;
    cache->warm_point = point + 1;
  }
  cache->scenario.warmup_ns = cache->warmup_ns;
  return true;
}

static bool cache_point(Pool *pool, PointCache *cache, uint64_t run) {
  uint64_t point = sweep_run_point(pool->sweep, run);
  uint32_t strategy = pool->sweep->has_manifests ? sweep_run_strategy(pool->sweep, run) : 0;
  if (cache->valid && cache->point == point && cache->strategy == strategy) return true;
  arena_free(&cache->arena);
  cache->valid = false;
  Err err = {0};
  if (!sweep_point_of(pool->sweep, point, strategy, &cache->arena, &cache->scenario, &err) || !point_warmup(pool, cache, point, &err)) {
    omp_set_lock(&pool->lock);
    if (!pool->stop) *pool->err = err;
    pool->stop = true;
    omp_unset_lock(&pool->lock);
    return false;
  }
  cache->point = point;
  cache->strategy = strategy;
  cache->valid = true;
  return true;
}

static void hand_over(Pool *pool, Finished *finished, const RunResult *result) {
  omp_set_lock(&pool->lock);
  *pool->tail = finished;
  pool->tail = &finished->next;
  pool->queued++;
  pool->jobs += result->jobs;
  pool->failed += result->status != 0;
  omp_unset_lock(&pool->lock);
}

static void do_run(Pool *pool, PointCache *cache, uint64_t run) {
  const Sweep *sweep = pool->sweep;
  bool trace = sweep_keeps_trace(sweep, run, pool->options->keep);
  RunOptions options = {.plain = pool->options->plain, .trace = trace, .threads = pool->in_run_threads, .interrupted = pool->options->interrupted};
  Arena arena = {0};
  RunResult result;
  strategy_simulate(&cache->scenario, sweep_run_strategy(sweep, run), sweep_run_replication(sweep, run), &options, &arena, &result);
  if (!is_interrupted(pool)) {
    Arena keep = {0};
    Finished *finished = ARENA_NEW(&keep, Finished);
    finished->encoded = run_encode(&result, run, trace, &keep);
    finished->arena = keep;
    hand_over(pool, finished, &result);
  }
  arena_free(&arena);
}

static bool take_run(Pool *pool, uint64_t *run) {
  bool got = false;
  omp_set_lock(&pool->lock);
  while (!pool->stop && !got && (*run = sweep_next_wanted(pool->sweep, pool->next_run)) < pool->sweep->n_runs) {
    pool->next_run = *run + 1;
    got = !(pool->committed[*run / 64] >> (*run % 64) & 1);
  }
  omp_unset_lock(&pool->lock);
  return got;
}

static bool queue_is_full(Pool *pool) {
  omp_set_lock(&pool->lock);
  bool full = pool->queued >= QUEUE_LIMIT && !pool->stop;
  omp_unset_lock(&pool->lock);
  return full;
}

static void work(Pool *pool) {
  PointCache cache = {.valid = false};
  uint64_t run;
  while (!is_interrupted(pool) && take_run(pool, &run)) {
    if (!cache_point(pool, &cache, run)) break;
    do_run(pool, &cache, run);
    while (queue_is_full(pool)) nap();
  }
  arena_free(&cache.arena);
  omp_set_lock(&pool->lock);
  pool->working--;
  omp_unset_lock(&pool->lock);
}

/* ---- the committing thread ---- */

static Finished *take_finished(Pool *pool, bool *all_idle, RunnerProgress *progress) {
  omp_set_lock(&pool->lock);
  Finished *list = pool->head;
  pool->head = NULL;
  pool->tail = &pool->head;
  pool->queued = 0;
  *all_idle = pool->working == 0;
  progress->jobs = pool->jobs;
  progress->failed = pool->failed;
  omp_unset_lock(&pool->lock);
  return list;
}

static void stop_all(Pool *pool) {
  omp_set_lock(&pool->lock);
  pool->stop = true;
  omp_unset_lock(&pool->lock);
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
  if (!ok) stop_all(pool);
  return ok;
}

static bool commit_loop(Pool *pool, Journal *journal, RunnerProgress *progress, Err *err) {
  double start = now_s(), committed = start, reported = 0;
  uint64_t put = 0;
  bool ok = true, all_idle = false;
  while (!all_idle) {
    Finished *list = take_finished(pool, &all_idle, progress);
    ok = put_all(pool, journal, list, &put, err) && ok;
    double now = now_s();
    if (put && ok && (now - committed >= 0.5 || all_idle)) {
      ok = journal_commit(journal, err);
      if (!ok) stop_all(pool);
      progress->done += ok ? put : 0;
      put = 0;
      committed = now;
    }
    progress->elapsed_s = now - start;
    if (pool->options->progress && now - reported >= 0.1) {
      pool->options->progress(pool->options->context, progress);
      reported = now;
    }
    if (!all_idle) nap();
  }
  return ok;
}

static int spread_threads(const RunnerOptions *options, uint64_t todo, int *workers) {
  *workers = todo < (uint64_t)options->threads ? (int)todo : options->threads;
  if (*workers < 1) *workers = 1;
  return options->threads / *workers;
}

bool runner_run(const Sweep *sweep, Journal *journal, const RunnerOptions *options, RunnerProgress *progress, Err *err) {
  *progress = (RunnerProgress){.done = journal_count(journal), .total = sweep_wanted_runs(sweep)};
  int workers;
  Err point_err = {0};
  Arena arena = {0};
  Pool pool = {.sweep = sweep, .options = options, .err = &point_err};
  pool.committed = ARENA_ARRAY(&arena, uint64_t, sweep->n_runs / 64 + 1);
  for (uint64_t r = 0; r < sweep->n_runs; r++)
    if (journal_has(journal, r)) pool.committed[r / 64] |= UINT64_C(1) << (r % 64);
  pool.in_run_threads = spread_threads(options, progress->total - progress->done, &workers);
  pool.tail = &pool.head;
  pool.working = (uint64_t)workers;
  omp_init_lock(&pool.lock);
  omp_set_dynamic(0);
  omp_set_max_active_levels(2);
  bool ok = true;
#pragma omp parallel num_threads(workers + 1)
  {
    if (omp_get_thread_num() == 0) ok = commit_loop(&pool, journal, progress, err);
    else work(&pool);
  }
  omp_destroy_lock(&pool.lock);
  arena_free(&arena);
  if (options->progress) options->progress(options->context, progress);
  if (ok && point_err.count) {
    *err = point_err;
    return false;
  }
  if (ok && is_interrupted(&pool)) return err_add(err, ERR_INTERRUPTED, "interrupted: %llu of %llu runs are kept", (unsigned long long)progress->done, (unsigned long long)progress->total);
  return ok;
}
