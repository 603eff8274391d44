/* headroom tune: searches the thresholds of a strategy, judges the winner on runs of its own, prints what was found and with which right,
 * and writes the scenario with the tuned fields changed. Exit codes: 0 found; 99 no design keeps the constraints, or the winner was shown
 * to violate one. */
#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/app/command.h"
#include "sim/app/tune_print.h"
#include "sim/lab/tune_write.h"

enum { OPT_MINIMIZE, OPT_MAXIMIZE, OPT_SUBJECT, OPT_STRATEGY, OPT_OVER, OPT_METHOD, OPT_BUDGET, OPT_GUARANTEE, OPT_INDIFFERENCE, OPT_TOLERANCE,
       OPT_HOLDOUT, OPT_CONFIRM, OPT_OUTPUT, OPT_SET, OPT_SEED, OPT_THREADS, OPT_JOURNAL, OPT_RESUME, OPT_FORCE, OPT_PLAIN, OPT_QUIET, OPT_JSON };

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
  const char **subject = ARENA_ARRAY(arena, const char *, OPTION_SETS), **over = ARENA_ARRAY(arena, const char *, OPTION_SETS);
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

/* The user's text with the winner's values; nothing of --set. */
static int write_scenario(TuneSession *s, const char **diff) {
  const char *output = s->arguments.value[OPT_OUTPUT];
  *diff = NULL;
  if (!output) return ERR_NONE;
  Err err = {0};
  TextSetting setting[TUNE_AXES_MOST];
  const YamlSource *source = &s->sweep.document->source;
  const char *text;
  size_t length;
  size_t n = settings_of(s, setting, &s->arena);
  if (!text_set(source, setting, n, &text, &length, &s->arena, &err) || !text_file_write(output, text, length, &err)) return err_report(&err);
  *diff = text_diff(source->name, source->text, output, text, &s->arena);
  return ERR_NONE;
}

/* ---- all of it ---- */

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
  /* A journal that was named is a store for later tunings of the same scenario: it is taken as it is, and stays. */
  bool resume = a->value[OPT_RESUME] != NULL || (a->value[OPT_JOURNAL] && !a->value[OPT_FORCE]);
  engine->journal = tune_journal_open(s->journal_path, &s->sweep, resume, a->value[OPT_FORCE] != NULL, &s->arena, err);
  return engine->journal != NULL;
}

static int conclude(TuneSession *s) {
  const char *diff = NULL;
  Err err = {0};
  int code = s->outcome.found ? write_scenario(s, &diff) : EXIT_MISSED;
  if (code != ERR_NONE && code != EXIT_MISSED) return code;
  if (s->outcome.found) {
    for (size_t m = 1; m < s->tune.n_metrics; m++)
      if (constraint_side(&s->tune.metric[m], s->outcome.winner[m]) < 0) code = EXIT_MISSED;
  }
  if (s->arguments.value[OPT_JSON]) tune_print_json(&s->tune, &s->outcome);
  else if (!s->arguments.value[OPT_QUIET]) tune_print(&s->tune, &s->outcome);
  if (s->outcome.found && diff && !s->arguments.value[OPT_JSON] && !s->arguments.value[OPT_QUIET]) printf("\n%s", diff[0] ? diff : "The scenario says so already.\n");
  if (s->arguments.n_set && s->arguments.value[OPT_OUTPUT]) fprintf(stderr, "headroom: %s holds the tuned values, not those of --set\n", s->arguments.value[OPT_OUTPUT]);
  tune_journal_close(s->tune.engine.journal);
  s->tune.engine.journal = NULL;
  if (!s->arguments.value[OPT_JOURNAL] && !tune_journal_delete(s->journal_path, &err)) return err_report(&err);
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
  if (!sweep_open(&s->sweep, &s->arena, a->argument[0], set, n_set, NULL, &err)) return err_report(&err);
  if (!tune_open(&s->tune, &s->sweep, &request, &s->arena, &err) || !open_engine(s, (int)threads, &err)) return err_report(&err);
  warnings_report(&err);
  bool good = tune_run(&s->tune, &s->outcome, &err);
  if (s->tune.engine.progress) fprintf(stderr, "\r\033[K");
  Err commit_err = {0};
  if (!tune_journal_commit(s->tune.engine.journal, &commit_err)) return err_report(good ? &commit_err : &err);
  return good ? conclude(s) : err_report(&err);
}

int cmd_tune(const Command *command, int argc, char **argv) {
  TuneSession s = {0};
  if (!arguments_read(command, argc, argv, &s.arguments)) return s.arguments.help ? ERR_NONE : ERR_USAGE;
  int code = session_run(&s);
  if (s.tune.engine.journal) tune_journal_close(s.tune.engine.journal);
  sweep_close(&s.sweep);
  arena_free(&s.arena);
  return code;
}
