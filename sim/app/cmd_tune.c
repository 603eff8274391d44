/* headroom tune: searches the thresholds of a strategy, judges the winner on runs of its own, prints what was found and with which right,
 * and writes the scenario with the tuned fields changed. In shares each makes its part of every round; the first one prints and writes. Exit codes: 0 found; 99 no design keeps the constraints, or the winner was shown
 * to violate one. */
#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/app/command.h"
#include "sim/app/share.h"
#include "sim/app/tune_print.h"
#include "sim/lab/tune_write.h"

enum { OPT_MINIMIZE, OPT_MAXIMIZE, OPT_SUBJECT, OPT_STRATEGY, OPT_OVER, OPT_METHOD, OPT_BUDGET, OPT_GUARANTEE, OPT_INDIFFERENCE, OPT_TOLERANCE,
       OPT_HOLDOUT, OPT_CONFIRM, OPT_OUTPUT, OPT_MANIFEST, OPT_SET, OPT_SEED, OPT_THREADS, OPT_JOURNAL, OPT_RESUME, OPT_SHARD, OPT_WAIT, OPT_FORCE, OPT_PLAIN, OPT_QUIET, OPT_JSON, OPT_CSV, OPT_FILENAME };

enum { EXIT_MISSED = 99 };

typedef struct TuneSession {
  Arena arena;
  Arguments arguments;
  Sweep sweep;
  Tune tune;
  TuneOutcome outcome;
  const char *journal_path;
} TuneSession;

static const char *base_name(const char *path, Arena *arena) {
  const char *base = strrchr(path, '/');
  base = base ? base + 1 : path;
  const char *dot = strrchr(base, '.');
  return arena_text(arena, base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

static void request_of(const Arguments *a, TuneRequest *request, Arena *arena) {
  const char **subject = ARENA_ARRAY(arena, const char *, OPTION_VALUES), **over = ARENA_ARRAY(arena, const char *, OPTION_VALUES);
  *request = (TuneRequest){a->value[OPT_MINIMIZE], a->value[OPT_MAXIMIZE], a->value[OPT_STRATEGY], a->value[OPT_METHOD], a->value[OPT_BUDGET], a->value[OPT_GUARANTEE],
                           a->value[OPT_INDIFFERENCE], a->value[OPT_TOLERANCE], a->value[OPT_HOLDOUT], a->value[OPT_CONFIRM], subject, over,
                           arguments_all(a, OPT_SUBJECT, subject), arguments_all(a, OPT_OVER, over)};
}

static void show_progress(void *context, uint64_t runs) {
  const Tune *tune = context;
  fprintf(stderr, "\r\033[K%llu runs", (unsigned long long)runs);
  if (tune->budget) fprintf(stderr, " of %llu", (unsigned long long)tune->budget);
  fflush(stderr);
}

/* ---- what is written ---- */

static size_t settings_of(const TuneSession *s, TextSetting *setting, Arena *arena) {
  const TuneSpace *space = &s->tune.space;
  const uint32_t *value = space_values(space, s->outcome.best);
  for (size_t a = 0; a < space->n_axes; a++)
    setting[a] = (TextSetting){space->axis[a].path, space->axis[a].step, space->axis[a].n_steps, axis_yaml(&space->axis[a], value[a], arena)};
  return space->n_axes;
}

/* The user's text with the winner's values; nothing of --set. Fields of manifests are not in it. */
static bool write_scenario(TuneSession *s, const TextSetting *setting, size_t n, Text *diff, Err *err) {
  const char *output = s->arguments.value[OPT_OUTPUT], *text;
  const YamlSource *source = &s->sweep.document->source;
  TextSetting own[TUNE_AXES_MOST];
  size_t length, n_own = 0;
  if (!output) return true;
  for (size_t k = 0; k < n; k++) {
    const YamlSource *from = setting_source(s->tune.space.root, &setting[k]);
    if (from == source || !from->is_file) own[n_own++] = setting[k];
  }
  if (!text_set(source, own, n_own, &text, &length, &s->arena, err) || !text_file_write(output, text, length, err)) return false;
  text_addf(diff, "%s", text_diff(source->name, source->text, output, text, &s->arena));
  if (n_own < n && !s->arguments.value[OPT_MANIFEST]) fprintf(stderr, "headroom: %zu tuned fields are in manifests: --write-manifest DIR writes them\n", n - n_own);
  return true;
}

/* A manifest that holds tuned fields, into the folder under its own name. */
static bool write_manifest(TuneSession *s, const YamlSource *source, const TextSetting *setting, size_t n, Text *diff, Err *err) {
  const char *folder = s->arguments.value[OPT_MANIFEST], *base = strrchr(source->name, '/'), *text;
  size_t length, count;
  const char *path = arena_format(&s->arena, "%s/%s", folder, base ? base + 1 : source->name);
  if (!documents_set(s->tune.space.root, source, setting, n, &text, &length, &count, &s->arena, err)) return false;
  if (!s->arguments.value[OPT_FORCE] && access(path, F_OK) == 0) return err_add(err, ERR_USAGE, "%.200s exists; --force replaces it", path);
  if (!text_file_write(path, text, length, err)) return false;
  text_addf(diff, "%s", text_diff(source->name, source->text, path, text, &s->arena));
  return true;
}

static bool write_manifests(TuneSession *s, const TextSetting *setting, size_t n, Text *diff, Err *err) {
  const char *folder = s->arguments.value[OPT_MANIFEST];
  const YamlSource *done[TUNE_AXES_MOST];
  size_t n_done = 0;
  if (!folder) return true;
  if (mkdir(folder, 0777) != 0 && errno != EEXIST) return err_add(err, ERR_IO, "cannot make the folder %.200s: %s", folder, strerror(errno));
  for (size_t k = 0; k < n; k++) {
    const YamlSource *source = setting_source(s->tune.space.root, &setting[k]);
    bool seen = source == &s->sweep.document->source || !source->is_file;
    for (size_t j = 0; j < n_done; j++) seen |= done[j] == source;
    if (seen) continue;
    done[n_done++] = source;
    if (!write_manifest(s, source, setting, n, diff, err)) return false;
  }
  return n_done > 0 || err_add(err, ERR_USAGE, "--write-manifest: no tuned field is in a manifest; -o FILE writes the scenario");
}

static bool write_files(TuneSession *s, Text *diff, Err *err) {
  TextSetting setting[TUNE_AXES_MOST];
  size_t n = settings_of(s, setting, &s->arena);
  return write_scenario(s, setting, n, diff, err) && write_manifests(s, setting, n, diff, err);
}

/* ---- all of it ---- */

static void say_waiting(void *context, uint32_t index, bool runs) {
  const TuneShare *share = context;
  fprintf(stderr, "headroom: waiting for share %u of %u, which %s (%s)\n", index, share->shard.count, runs ? "runs" : "does not run", share->path[index - 1]);
}

static bool begin_share(TuneSession *s, Err *err) {
  const Arguments *a = &s->arguments;
  TuneShare *share = &s->tune.engine.share;
  Share found;
  long long wait_s = 600;
  if (!share_find(&found, a->value[OPT_SHARD], err)) return false;
  if (a->value[OPT_WAIT] && !option_integer("--wait", a->value[OPT_WAIT], 0, 1000000, &wait_s)) return err_add(err, ERR_USAGE, "--wait: seconds");
  if (found.shard.count == 0) return true;
  share_begin(share, found.shard, s->journal_path, &s->sweep, &s->arena);
  share->patience_s = (double)wait_s;
  share->waiting = a->value[OPT_QUIET] ? NULL : say_waiting;
  share->context = share;
  s->journal_path = share_journal_path(share);
  if (!a->value[OPT_QUIET]) fprintf(stderr, "headroom: share %u of %u (%s) of every round\n", found.shard.index, found.shard.count, *found.why ? found.why : "--shard");
  return true;
}

static bool open_engine(TuneSession *s, int threads, Err *err) {
  const Arguments *a = &s->arguments;
  TuneEngine *engine = &s->tune.engine;
  engine->threads = threads;
  engine->plain = a->value[OPT_PLAIN] != NULL;
  engine->interrupted = interrupted_flag();
  if (!a->value[OPT_QUIET] && isatty(STDERR_FILENO)) {
    engine->progress = show_progress;
    engine->context = &s->tune;
  }
  s->journal_path = a->value[OPT_JOURNAL] ? a->value[OPT_JOURNAL] : arena_format(&s->arena, "%s.tune.journal", base_name(a->argument[0], &s->arena));
  if (!begin_share(s, err)) return false;
  /* A journal that was named is a store for later tunings of the same scenario: it is taken as it is, and stays. */
  bool resume = a->value[OPT_RESUME] != NULL || (a->value[OPT_JOURNAL] && !a->value[OPT_FORCE]);
  engine->journal = tune_journal_open(s->journal_path, &s->sweep, resume, a->value[OPT_FORCE] != NULL, &s->arena, err);
  return engine->journal != NULL;
}

/* The outcome is the same everywhere; one share says it. Journals stay: others may still read this one. */
static int conclude_share(TuneSession *s) {
  const TuneShare *share = &s->tune.engine.share;
  tune_journal_close(s->tune.engine.journal);
  s->tune.engine.journal = NULL;
  if (!s->arguments.value[OPT_QUIET]) fprintf(stderr, "headroom: share %u of %u is done; the first one prints and writes the outcome\n", share->shard.index, share->shard.count);
  return ERR_NONE;
}

static int conclude(TuneSession *s) {
  Text diff = {.arena = &s->arena};
  Err err = {0};
  bool writes = s->arguments.value[OPT_OUTPUT] || s->arguments.value[OPT_MANIFEST];
  int code = s->outcome.found ? ERR_NONE : EXIT_MISSED;
  if (s->outcome.found) {
    if (!write_files(s, &diff, &err)) return err_report(&err);
    for (size_t m = 1; m < s->tune.n_metrics; m++)
      if (constraint_side(&s->tune.metric[m], s->outcome.winner[m]) < 0) code = EXIT_MISSED;
  }
  bool wordless = s->arguments.value[OPT_JSON] || s->arguments.value[OPT_CSV] || s->arguments.value[OPT_QUIET];
  if (s->arguments.value[OPT_JSON]) tune_print_json(&s->tune, &s->outcome);
  else if (s->arguments.value[OPT_CSV]) tune_print_csv(&s->tune, &s->outcome);
  else if (!s->arguments.value[OPT_QUIET]) tune_print(&s->tune, &s->outcome);
  if (s->outcome.found && writes && !wordless) printf("\n%s", diff.length ? diff.bytes : "It is written so already.\n");
  if (s->arguments.n_set && s->arguments.value[OPT_OUTPUT]) fprintf(stderr, "headroom: %s holds the tuned values, not those of --set\n", s->arguments.value[OPT_OUTPUT]);
  tune_journal_close(s->tune.engine.journal);
  s->tune.engine.journal = NULL;
  bool stays = s->arguments.value[OPT_JOURNAL] || s->tune.engine.share.shard.count;
  if (!stays && !tune_journal_delete(s->journal_path, &err)) return err_report(&err);
  return code;
}

static int session_run(TuneSession *s) {
  const Arguments *a = &s->arguments;
  Err err = {0};
  long long threads = omp_get_max_threads(), seed;
  TuneRequest request;
  const char *set[OPTION_SETS + 1];
  size_t n_set = a->n_set;
  if (a->value[OPT_THREADS] && !option_integer("--threads", a->value[OPT_THREADS], 1, 1024, &threads)) return ERR_USAGE;
  memcpy(set, a->set, n_set * sizeof *set);
  if (a->value[OPT_SEED]) {
    if (!option_integer("--seed", a->value[OPT_SEED], 0, (1LL << 53) - 1, &seed)) return ERR_USAGE;
    set[n_set++] = arena_format(&s->arena, "seed=%lld", seed);
  }
  if (a->value[OPT_OUTPUT] && !a->value[OPT_FORCE] && !a->value[OPT_RESUME] && access(a->value[OPT_OUTPUT], F_OK) == 0) {
    fprintf(stderr, "headroom: %s exists; --force replaces it\n", a->value[OPT_OUTPUT]);
    return ERR_USAGE;
  }
  request_of(a, &request, &s->arena);
  SweepEdits edits = arguments_edits(a, NULL);
  edits.set = set;
  edits.n_set = n_set;
  if (!sweep_open_edited(&s->sweep, &s->arena, a->argument[0], &edits, &err)) return err_report(&err);
  if (!tune_open(&s->tune, &s->sweep, &request, &s->arena, &err) || !open_engine(s, (int)threads, &err)) return err_report(&err);
  warnings_report(&err);
  bool good = tune_run(&s->tune, &s->outcome, &err);
  if (s->tune.engine.progress) fprintf(stderr, "\r\033[K");
  Err commit_err = {0};
  if (!tune_journal_commit(s->tune.engine.journal, &commit_err)) return err_report(good ? &commit_err : &err);
  if (!good) return err_report(&err);
  return s->tune.engine.share.shard.index > 1 ? conclude_share(s) : conclude(s);
}

int cmd_tune(const Command *command, int argc, char **argv) {
  TuneSession s = {0};
  if (!arguments_read(command, argc, argv, &s.arguments)) return s.arguments.help ? ERR_NONE : ERR_USAGE;
  int code = session_run(&s);
  share_end(&s.tune.engine.share);
  if (s.tune.engine.journal) tune_journal_close(s.tune.engine.journal);
  sweep_close(&s.sweep);
  arena_free(&s.arena);
  return code;
}
