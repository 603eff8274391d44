/* Rounds of runs over threads; see tune_engine.h. */
#include "sim/lab/tune_engine.h"

#include <math.h>
#include <omp.h>
#include <string.h>
#include <time.h>

#include "sim/lab/decode.h"
#include "sim/lab/manifest.h"
#include "sim/run/run.h"

#define COMMIT_S 1.0

/* As the strategy sees it: its manifests may say what holds for its runs alone. */
static bool decode_tree(const TuneEngine *engine, const Yaml *root, Arena *arena, Scenario *scenario, Err *err) {
  const Sweep *sweep = engine->sweep;
  Decoder decoder = {.arena = arena, .err = err, .inputs = &sweep->document->inputs};
  if (sweep->has_manifests) root = manifest_expand(root, sweep->strategy[engine->strategy], &sweep->document->catalogue, arena, err);
  return root && decode_scenario(&decoder, root, &sweep->document->catalogue, scenario);
}

static bool decode_design(const TuneWindow *window, size_t design, Arena *arena, Scenario *scenario, Err *err) {
  const TuneEngine *engine = window->engine;
  const Yaml *root = space_apply(engine->space, window->root, space_values(engine->space, design), arena, err);
  return root && decode_tree(engine, root, arena, scenario, err);
}

bool engine_check(const TuneWindow *window, size_t design, Err *err) {
  Arena arena = {.exhausted = window->engine->sweep->arena->exhausted};
  Scenario scenario;
  bool good = decode_design(window, design, &arena, &scenario, err);
  arena_free(&arena);
  return good;
}

/* ---- one round ---- */

typedef struct RoundRun {
  size_t design;
  uint32_t replication;
  bool done, failed, other; /* other: another share's */
} RoundRun;

typedef struct Round {
  TuneWindow *window;
  RoundRun *run;
  double *figure; /* [n][n_figures] */
  const char **key; /* [n] of the run's design */
  size_t n, n_figures;
  bool stop;
  Err *err;
} Round;

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_interrupted(const TuneEngine *engine) { return engine->interrupted && *engine->interrupted; }

static void list_runs(Round *round, const TuneJob *job, size_t n_jobs, Arena *arena) {
  TuneEngine *engine = round->window->engine;
  for (size_t k = 0; k < n_jobs; k++) round->n += job[k].count;
  round->n_figures = run_figures(engine->sweep);
  round->run = ARENA_ARRAY(arena, RoundRun, round->n);
  round->figure = ARENA_ARRAY(arena, double, round->n * round->n_figures);
  round->key = ARENA_ARRAY(arena, const char *, round->n);
  size_t at = 0;
  for (size_t k = 0; k < n_jobs; k++) {
    const char *key = arena_format(arena, "%s\n%s\n%s", round->window->name, engine->sweep->strategy[engine->strategy], space_key(engine->space, job[k].design, arena));
    for (uint32_t r = 0; r < job[k].count; r++, at++) {
      RoundRun *run = &round->run[at];
      *run = (RoundRun){.design = job[k].design, .replication = job[k].first + r};
      round->key[at] = key;
      if (engine->journal) run->done = tune_journal_get(engine->journal, key, run->replication, round->figure + at * round->n_figures, round->n_figures, &run->failed);
      engine->reused += run->done;
      run->other = !run->done && !share_has(&engine->share, at);
    }
  }
}

static void take_message(Round *round, const char *message) {
  TuneEngine *engine = round->window->engine;
#pragma omp critical(tune_message)
  if (!engine->message[0]) {
    size_t n = strnlen(message, sizeof engine->message - 1);
    memcpy(engine->message, message, n);
    engine->message[n] = '\0';
  }
}

static void simulate(Round *round, const Scenario *scenario, size_t k, int threads) {
  TuneEngine *engine = round->window->engine;
  RoundRun *run = &round->run[k];
  RunOptions options = {.plain = engine->plain, .threads = threads, .interrupted = engine->interrupted};
  Arena arena = {0};
  RunResult result;
  run_simulate(scenario, engine->strategy, run->replication, &options, &arena, &result);
  if (!is_interrupted(engine)) {
    double *figure = round->figure + k * round->n_figures;
    run->failed = result.status != 0;
    for (size_t f = 0; f < round->n_figures; f++) figure[f] = NAN;
    if (run->failed) take_message(round, result.message);
    else run_figures_copy(&result, figure);
    run->done = true;
  }
  arena_free(&arena);
}

static bool stopped(const Round *round) {
  bool stop;
#pragma omp atomic read
  stop = round->stop;
  return stop;
}

static void keep(Round *round, size_t k) {
  TuneEngine *engine = round->window->engine;
  if (!engine->journal || !round->run[k].done) return;
#pragma omp critical(tune_journal)
  if (!stopped(round)) {
    bool good = tune_journal_put(engine->journal, round->key[k], round->run[k].replication, round->figure + k * round->n_figures, round->n_figures, round->run[k].failed, round->err);
    if (good && now_s() - engine->committed_s > COMMIT_S) {
      good = tune_journal_commit(engine->journal, round->err);
      engine->committed_s = now_s();
    }
    if (!good) {
#pragma omp atomic write
      round->stop = true;
    }
  }
}

/* A thread's decoded design: runs of one design come in a row. */
typedef struct DesignCache {
  Arena arena;
  Scenario scenario;
  size_t design;
  bool valid, decodes;
} DesignCache;

static void do_run(Round *round, DesignCache *cache, size_t k, int threads) {
  RoundRun *run = &round->run[k];
  if (run->done || run->other || stopped(round) || is_interrupted(round->window->engine)) return;
  if (!cache->valid || cache->design != run->design) {
    Err err = {0};
    arena_free(&cache->arena);
    *cache = (DesignCache){.design = run->design, .valid = true};
    cache->decodes = decode_design(round->window, run->design, &cache->arena, &cache->scenario, &err);
    if (!cache->decodes) take_message(round, err.item[0].message);
  }
  if (cache->decodes) {
    simulate(round, &cache->scenario, k, threads);
    keep(round, k);
    return;
  }
  for (size_t f = 0; f < round->n_figures; f++) round->figure[k * round->n_figures + f] = NAN;
  run->done = run->failed = true;
}

static void run_all(Round *round) {
  TuneEngine *engine = round->window->engine;
  size_t todo = 0;
  for (size_t k = 0; k < round->n; k++) todo += !round->run[k].done && !round->run[k].other;
  engine->runs += todo;
  if (todo == 0) return;
  int workers = todo < (size_t)engine->threads ? (int)todo : engine->threads, inner = engine->threads / workers;
  omp_set_dynamic(0);
  omp_set_max_active_levels(2);
#pragma omp parallel num_threads(workers)
  {
    DesignCache cache = {.valid = false};
#pragma omp for schedule(dynamic, 1)
    for (size_t k = 0; k < round->n; k++) do_run(round, &cache, k, inner);
    arena_free(&cache.arena);
  }
}

/* The runs of other shares, as they come into their journals. */
static bool gather(Round *round) {
  TuneEngine *engine = round->window->engine;
  if (engine->share.shard.count == 0) return true;
  if (!tune_journal_commit(engine->journal, round->err)) return false;
  for (size_t k = 0; k < round->n && !is_interrupted(engine); k++) {
    RoundRun *run = &round->run[k];
    ShareRun wanted = {share_of(&engine->share, k), round->key[k], run->replication, round->figure + k * round->n_figures, round->n_figures, false};
    if (!run->other) continue;
    if (!share_wait(&engine->share, &wanted, engine->interrupted, round->err)) return false;
    run->failed = wanted.failed;
    if (run->failed) take_message(round, "in another share");
    run->done = true;
    engine->runs++;
  }
  return true;
}

bool engine_evaluate(void *context, const TuneJob *job, size_t n_jobs, double *value, Err *err) {
  TuneWindow *window = context;
  TuneEngine *engine = window->engine;
  Arena arena = {.exhausted = engine->sweep->arena->exhausted};
  Round round = {.window = window, .err = err};
  list_runs(&round, job, n_jobs, &arena);
  run_all(&round);
  bool good = !round.stop && gather(&round);
  if (good && is_interrupted(engine)) {
    if (engine->journal) good = tune_journal_commit(engine->journal, err);
    if (good) good = err_add(err, ERR_INTERRUPTED, "interrupted%s", engine->journal ? ": what was run is kept; --resume goes on" : "");
  }
  for (size_t k = 0; good && k < round.n; k++) {
    engine->failed += round.run[k].failed;
    for (size_t m = 0; m < window->n_metrics; m++) *value++ = metric_value(&window->metric[m], round.figure + k * round.n_figures);
  }
  if (good && engine->progress) engine->progress(engine->context, engine->runs + engine->reused);
  arena_free(&arena);
  return good;
}
