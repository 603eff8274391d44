/* headroom run: opens the sweep and its journal, runs what is missing, writes the result, prints the comparison. An existing result is
 * touched only by the final rename, and only when that was asked for. A share of a sweep ends with its journal: `headroom merge` writes the
 * result. */
#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/app/command.h"
#include "sim/app/compare_print.h"
#include "sim/app/progress.h"
#include "sim/app/share.h"
#include "sim/base/text.h"
#include "sim/lab/journal_find.h"
#include "sim/lab/precision.h"
#include "sim/lab/runner.h"

enum { OPT_OUTPUT, OPT_SET, OPT_THREADS, OPT_STRATEGIES, OPT_TRACES, OPT_RESUME, OPT_SHARD, OPT_FORCE, OPT_PLAIN, OPT_QUIET, OPT_JSON, OPT_CSV };

static bool parse_traces(const char *text, TraceKeep *keep) {
  *keep = TRACE_KEEP_FIRST;
  if (!text || !strcmp(text, "first")) return true;
  if (!strcmp(text, "all")) *keep = TRACE_KEEP_ALL;
  else if (!strcmp(text, "none")) *keep = TRACE_KEEP_NONE;
  else {
    fprintf(stderr, "headroom: --traces %s: first, all or none is wanted\n", text);
    return false;
  }
  return true;
}

/* "configs/quickstart.yaml" -> "quickstart.h5". */
static const char *default_output(const char *scenario, Arena *arena) {
  const char *base = strrchr(scenario, '/');
  base = base ? base + 1 : scenario;
  const char *dot = strrchr(base, '.');
  size_t length = dot && dot != base ? (size_t)(dot - base) : strlen(base);
  return arena_format(arena, "%.*s.h5", (int)length, base);
}

typedef struct Session {
  Arena arena;
  jmp_buf exhausted;
  Sweep sweep;
  Journal *journal;
  const char *output, *journal_path;
  TraceKeep keep;
  Share share;
  Arguments arguments;
} Session;

static bool same_inputs(const ResultFile *file, const Sweep *sweep) {
  bool same = file->n_inputs == sweep->n_inputs;
  for (size_t k = 0; same && k < sweep->n_inputs; k++)
    same = !strcmp(file->input_path[k], sweep->input[k].path) && !strcmp(file->input_sha256[k], sweep->input[k].sha256);
  return same;
}

/* ---- before ------------------------------------------------------------------------------------------------------- */

static void add_word(Text *text, const char *word) {
  if (text->length) text_add(text, " ", 1);
  if (*word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./=:,%@+-") == strlen(word)) {
    text_add(text, word, strlen(word));
    return;
  }
  text_add(text, "'", 1);
  for (const char *c = word; *c; c++) {
    if (*c == '\'') text_addf(text, "'\\''");
    else text_add(text, c, 1);
  }
  text_add(text, "'", 1);
}

/* How any share of this sweep is begun, for who has to begin one again. */
static const char *command_text(Session *session) {
  const Arguments *a = &session->arguments;
  Text text = {.arena = &session->arena};
  text_addf(&text, "headroom run");
  add_word(&text, a->argument[0]);
  text_addf(&text, " -o");
  add_word(&text, session->output);
  for (size_t k = 0; k < a->n_set; k++) {
    text_addf(&text, " --set");
    add_word(&text, a->set[k]);
  }
  for (size_t k = 0; k < a->n_manifests; k++) {
    text_addf(&text, " -f");
    add_word(&text, a->manifest[k]);
  }
  if (a->value[OPT_STRATEGIES]) text_addf(&text, " --strategies"), add_word(&text, a->value[OPT_STRATEGIES]);
  if (a->value[OPT_TRACES]) text_addf(&text, " --traces %s", a->value[OPT_TRACES]);
  return text.bytes;
}

/* The result is there, complete, and of this very scenario: with --resume there is nothing to do, or only its journal to be cleared away. */
static bool is_written(const Session *session) {
  ResultFile file;
  Arena arena = {.exhausted = session->arena.exhausted};
  Err err = {0};
  bool same = !access(session->output, F_OK) && result_file_open(&file, session->output, &arena, &err) &&
              (session->sweep.wanted || file.n_runs == session->sweep.n_runs) && !strcmp(file.scenario_text, session->sweep.text) &&
              same_inputs(&file, &session->sweep);
  for (uint64_t k = 0; same && k < file.n_runs; k++) same = file.status[k] <= 1; /* 2: merged without it */
  arena_free(&arena);
  return same;
}

static bool may_write(const char *output, bool force) {
  if (force || access(output, F_OK)) return true;
  fprintf(stderr, "headroom: %s exists; --force replaces it, -o FILE writes elsewhere\n", output);
  return false;
}

/* Shares of one result come from one number of shares: others would simulate the same points again. */
static bool shares_agree(Session *session, Err *err) {
  JournalList list = {.arena = &session->arena};
  Shard own = session->share.shard, other;
  if (own.count == 0) return true;
  if (!journal_find_of(&list, session->output, err)) return false;
  for (size_t k = 0; k < list.count; k++) {
    (void)journal_name_parse(list.path[k], &other);
    if (other.count == own.count) continue;
    return err_add(err, ERR_USAGE, "'%s' exists: this result is being made in %s; go on with those, write another with -o, or --force", list.path[k],
                   other.count ? arena_format(&session->arena, "%u shares, not %u", other.count, own.count) : "one piece");
  }
  return true;
}

static void say_share(const Session *session) {
  Shard shard = session->share.shard;
  if (shard.count == 0 || session->arguments.value[OPT_QUIET]) return;
  fprintf(stderr, "headroom: share %u of %u (%s): %llu of %llu runs\n", shard.index, shard.count, *session->share.why ? session->share.why : "--shard",
          (unsigned long long)shard_runs(shard, &session->sweep), (unsigned long long)sweep_wanted_runs(&session->sweep));
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

/* Round after round while some point is not precise enough; one round where no precision is asked for. */
static bool run_rounds(Session *session, const RunnerOptions *options, RunnerProgress *progress, Err *err) {
  Sweep *sweep = &session->sweep;
  RunnerProgress sum = {0};
  PrecisionRound found = {.more = true};
  bool ok = true;
  while (ok && found.more) {
    ok = runner_run(sweep, session->journal, options, progress, err);
    sum.jobs += progress->jobs;
    sum.failed += progress->failed;
    sum.elapsed_s += progress->elapsed_s;
    sum.simulating_s += progress->simulating_s;
    if (!ok) break;
    RunSource source = journal_source(session->journal);
    ok = precision_round(sweep, &source, &found, err);
    journal_rewind(session->journal);
  }
  progress->jobs = sum.jobs;
  progress->failed = sum.failed;
  progress->elapsed_s = sum.elapsed_s;
  progress->simulating_s = sum.simulating_s;
  ok = ok && journal_expect(session->journal, shard_runs(options->shard, sweep), true, err);
  if (ok && found.short_points)
    fprintf(stderr, "headroom: %llu of %llu points are not as precise as asked for with max_replications (%u)\n", (unsigned long long)found.short_points,
            (unsigned long long)sweep->n_points, sweep->n_replications);
  return ok;
}

static int run_sweep(Session *session, int threads, RunnerProgress *progress) {
  const Arguments *a = &session->arguments;
  Err err = {0};
  Progress bar;
  progress_begin(&bar, a->value[OPT_QUIET] != NULL);
  RunnerOptions options = {.threads = threads, .plain = a->value[OPT_PLAIN] != NULL, .keep = session->keep, .shard = session->share.shard,
                           .interrupted = interrupted_flag(), .progress = progress_show, .context = &bar};
  bool ok = run_rounds(session, &options, progress, &err);
  progress_end(&bar);
  if (!ok) {
    int code = err_report(&err);
    fprintf(stderr, "headroom: finished runs are kept in %s; go on with --resume\n", session->journal_path);
    return code;
  }
  if (session->share.shard.count) return ERR_NONE;
  if (!store_write(session->output, &session->sweep, session->keep, session->journal, &err)) {
    int code = err_report(&err);
    fprintf(stderr, "headroom: all runs are kept in %s; --resume writes the result again\n", session->journal_path);
    return code;
  }
  return ERR_NONE;
}

static void say_what_is_next(const Session *session, const RunnerProgress *progress) {
  const char *o = session->output;
  printf("\n%s: %llu run%s, %llu jobs in %.1f s. Next:\n", o, (unsigned long long)progress->total, progress->total == 1 ? "" : "s", (unsigned long long)progress->jobs, progress->elapsed_s);
  printf("  %s explain %s --strategy NAME    why it scaled when it did\n", program_invocation_name, o);
  printf("  %s compare %s --csv              the table for a spreadsheet\n", program_invocation_name, o);
  printf("  jupyter notebook analysis/notebooks/quick-tour.ipynb   load, replicas, cost and latency over time\n");
}

/* The comparison as the options ask for it; with --quiet only assertions that do not hold are said. */
static int print_result(const Session *session) {
  const Arguments *a = &session->arguments;
  const ComparisonView view = {.json = a->value[OPT_JSON] != NULL, .csv = a->value[OPT_CSV] != NULL, .quiet = a->value[OPT_QUIET] != NULL,
                               .assertion = a->assertion, .n_assertions = a->n_assertions};
  return view.quiet && !view.n_assertions ? ERR_NONE : comparison_print(session->output, &view);
}

/* A mistake in an assertion should show before the sweep runs, not after. */
static bool check_assertions(const Session *session, Arena *arena, Err *err) {
  const Sweep *sweep = &session->sweep;
  const AssertionNames names = {sweep->strategy, sweep->deployment, sweep->queue, sweep->n_strategies, sweep->n_deployments, sweep->n_queues};
  Assertion assertion;
  for (size_t k = 0; k < session->arguments.n_assertions; k++)
    if (!assertion_parse(&assertion, session->arguments.assertion[k], &names, arena, err)) return false;
  return true;
}

static int failed_runs(const RunnerProgress *progress, const char *where) {
  if (progress->failed == 0) return ERR_NONE;
  fprintf(stderr, "headroom: %llu of %llu runs failed; %s\n", (unsigned long long)progress->failed, (unsigned long long)progress->total, where);
  return ERR_RUN;
}

static int finish_share(Session *session, const RunnerProgress *progress) {
  Shard shard = session->share.shard;
  journal_close(session->journal);
  session->journal = NULL;
  if (!session->arguments.value[OPT_QUIET]) {
    printf("%s: share %u of %u is complete: %llu runs, %llu jobs in %.1f s (%.2f s of CPU simulating). When all are: headroom merge %s\n", session->journal_path, shard.index, shard.count,
           (unsigned long long)progress->total, (unsigned long long)progress->jobs, progress->elapsed_s, progress->simulating_s, session->output);
  }
  return failed_runs(progress, "their messages will be in summary/message of the merged result");
}

static int finish(Session *session, const RunnerProgress *progress) {
  const Arguments *a = &session->arguments;
  Err err = {0};
  journal_close(session->journal);
  session->journal = NULL;
  if (!journal_delete(session->journal_path, &err)) return err_report(&err);
  int code = print_result(session);
  if (!a->value[OPT_QUIET] && !a->value[OPT_JSON] && !a->value[OPT_CSV]) say_what_is_next(session, progress);
  int failed = failed_runs(progress, arena_format(&session->arena, "their messages are in summary/message of %s", session->output));
  return code ? code : failed;
}

static int session_run(Session *session) {
  const Arguments *a = &session->arguments;
  Err err = {0};
  long long threads = omp_get_max_threads();
  if (a->value[OPT_THREADS] && !option_integer("--threads", a->value[OPT_THREADS], 1, 1024, &threads)) return ERR_USAGE;
  if (!parse_traces(a->value[OPT_TRACES], &session->keep)) return ERR_USAGE;
  if (!share_find(&session->share, a->value[OPT_SHARD], &err)) return err_report(&err);
  if (session->share.shard.count && a->n_assertions) {
    fprintf(stderr, "headroom: --assert is about the whole result, not about one share: headroom compare RESULT --assert '%s' after merge\n", a->assertion[0]);
    return ERR_USAGE;
  }
  bool force = a->value[OPT_FORCE] != NULL, resume = a->value[OPT_RESUME] != NULL;
  SweepEdits edits = arguments_edits(a, a->value[OPT_STRATEGIES]);
  if (!sweep_open_edited(&session->sweep, &session->arena, a->argument[0], &edits, &err)) return err_report(&err);
  if (!check_assertions(session, &session->arena, &err)) return err_report(&err);
  warnings_report(&err);
  session->output = a->value[OPT_OUTPUT] ? a->value[OPT_OUTPUT] : default_output(a->argument[0], &session->arena);
  session->journal_path = shard_journal(session->output, session->share.shard, &session->arena);
  bool written = resume && !force && is_written(session);
  if (written && access(session->journal_path, F_OK))
    return session->share.shard.count ? ERR_NONE : print_result(session);
  if (session->share.shard.count == 0 && !may_write(session->output, force || written)) return ERR_USAGE;
  if (!force && !shares_agree(session, &err)) return err_report(&err);
  say_share(session);
  JournalRequest request = {.path = session->journal_path, .sweep = &session->sweep, .keep = session->keep, .shard = session->share.shard,
                            .command = command_text(session), .resume = resume, .force = force};
  session->journal = journal_begin(&request, &session->arena, &err);
  if (!session->journal) return err_report(&err);
  RunnerProgress progress;
  int code = run_sweep(session, (int)threads, &progress);
  if (code) return code;
  return session->share.shard.count ? finish_share(session, &progress) : finish(session, &progress);
}

/* Memory that runs out before or after the runs (these look after themselves) ends here. */
static int session_run_guarded(Session *session) {
  if (setjmp(session->exhausted)) {
    fprintf(stderr, "headroom: error: out of memory\n");
    return ERR_IO;
  }
  session->arena.exhausted = &session->exhausted;
  return session_run(session);
}

int cmd_run(const Command *command, int argc, char **argv) {
  Session session = {.keep = TRACE_KEEP_FIRST};
  if (!arguments_read(command, argc, argv, &session.arguments)) return session.arguments.help ? ERR_NONE : ERR_USAGE;
  int code = session_run_guarded(&session);
  if (session.journal) journal_close(session.journal);
  sweep_close(&session.sweep);
  arena_free(&session.arena);
  return code;
}
