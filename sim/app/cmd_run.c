/* headroom run: opens the sweep and its journal, runs what is missing, writes the result, prints the comparison. An existing result is
 * touched only by the final rename, and only when that was asked for. */
#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/app/command.h"
#include "sim/app/compare_print.h"
#include "sim/app/progress.h"
#include "sim/lab/precision.h"
#include "sim/lab/runner.h"

enum { OPT_OUTPUT, OPT_SET, OPT_THREADS, OPT_STRATEGIES, OPT_TRACES, OPT_RESUME, OPT_FORCE, OPT_PLAIN, OPT_QUIET, OPT_JSON, OPT_CSV };

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
  Sweep sweep;
  Journal *journal;
  const char *output, *journal_path;
  TraceKeep keep;
  Arguments arguments;
} Session;

static bool same_inputs(const ResultFile *file, const Sweep *sweep) {
  bool same = file->n_inputs == sweep->n_inputs;
  for (size_t k = 0; same && k < sweep->n_inputs; k++)
    same = !strcmp(file->input_path[k], sweep->input[k].path) && !strcmp(file->input_sha256[k], sweep->input[k].sha256);
  return same;
}

/* --resume of a sweep that is finished already: its result is there, complete, and of this very scenario and inputs. */
static bool is_finished(const Session *session) {
  ResultFile file;
  Arena arena = {0};
  Err err = {0};
  bool same = access(session->journal_path, F_OK) && result_file_open(&file, session->output, &arena, &err) &&
              (session->sweep.wanted || file.n_runs == session->sweep.n_runs) && !strcmp(file.scenario_text, session->sweep.text) &&
              same_inputs(&file, &session->sweep);
  arena_free(&arena);
  return same;
}

static bool may_write(const char *output, bool force) {
  if (force || access(output, F_OK)) return true;
  fprintf(stderr, "headroom: %s exists; --force replaces it, -o FILE writes elsewhere\n", output);
  return false;
}

/* Round after round while some point is not precise enough; one round where no precision is asked for. */
static bool run_rounds(Session *session, const RunnerOptions *options, RunnerProgress *progress, Err *err) {
  RunnerProgress sum = {0};
  uint64_t short_points = 0;
  bool ok = true;
  for (bool more = true; ok && more;) {
    ok = runner_run(&session->sweep, session->journal, options, progress, err);
    sum.jobs += progress->jobs;
    sum.failed += progress->failed;
    sum.elapsed_s += progress->elapsed_s;
    ok = ok && precision_round(&session->sweep, session->journal, &more, &short_points, err);
  }
  progress->jobs = sum.jobs;
  progress->failed = sum.failed;
  progress->elapsed_s = sum.elapsed_s;
  if (ok && short_points)
    fprintf(stderr, "headroom: %llu of %llu points are not as precise as asked for with max_replications (%u)\n", (unsigned long long)short_points,
            (unsigned long long)session->sweep.n_points, session->sweep.n_replications);
  return ok;
}

static int run_sweep(Session *session, int threads, RunnerProgress *progress) {
  const Arguments *a = &session->arguments;
  Err err = {0};
  Progress bar;
  progress_begin(&bar, a->value[OPT_QUIET] != NULL);
  RunnerOptions options = {.threads = threads, .plain = a->value[OPT_PLAIN] != NULL, .keep = session->keep,
                           .interrupted = interrupted_flag(), .progress = progress_show, .context = &bar};
  bool ok = run_rounds(session, &options, progress, &err);
  progress_end(&bar);
  if (!ok) {
    int code = err_report(&err);
    fprintf(stderr, "headroom: finished runs are kept in %s; go on with --resume\n", session->journal_path);
    return code;
  }
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

static int finish(Session *session, const RunnerProgress *progress) {
  const Arguments *a = &session->arguments;
  Err err = {0};
  journal_close(session->journal);
  session->journal = NULL;
  if (!journal_delete(session->journal_path, &err)) return err_report(&err);
  int code = print_result(session);
  if (!a->value[OPT_QUIET] && !a->value[OPT_JSON] && !a->value[OPT_CSV]) say_what_is_next(session, progress);
  if (progress->failed == 0) return code;
  fprintf(stderr, "headroom: %llu of %llu runs failed; their messages are in summary/message of %s\n", (unsigned long long)progress->failed, (unsigned long long)progress->total, session->output);
  return code ? code : ERR_RUN;
}

static int session_run(Session *session) {
  const Arguments *a = &session->arguments;
  Err err = {0};
  long long threads = omp_get_max_threads();
  if (a->value[OPT_THREADS] && !option_integer("--threads", a->value[OPT_THREADS], 1, 1024, &threads)) return ERR_USAGE;
  if (!parse_traces(a->value[OPT_TRACES], &session->keep)) return ERR_USAGE;
  bool force = a->value[OPT_FORCE] != NULL, resume = a->value[OPT_RESUME] != NULL;
  SweepEdits edits = arguments_edits(a, a->value[OPT_STRATEGIES]);
  if (!sweep_open_edited(&session->sweep, &session->arena, a->argument[0], &edits, &err)) return err_report(&err);
  if (!check_assertions(session, &session->arena, &err)) return err_report(&err);
  warnings_report(&err);
  session->output = a->value[OPT_OUTPUT] ? a->value[OPT_OUTPUT] : default_output(a->argument[0], &session->arena);
  session->journal_path = arena_format(&session->arena, "%s.journal", session->output);
  if (resume && !force && is_finished(session))
    return print_result(session);
  if (!may_write(session->output, force)) return ERR_USAGE;
  session->journal = journal_open(session->journal_path, &session->sweep, session->keep, resume, force, &session->arena, &err);
  if (!session->journal) return err_report(&err);
  RunnerProgress progress;
  int code = run_sweep(session, (int)threads, &progress);
  return code ? code : finish(session, &progress);
}

int cmd_run(const Command *command, int argc, char **argv) {
  Session session = {.keep = TRACE_KEEP_FIRST};
  if (!arguments_read(command, argc, argv, &session.arguments)) return session.arguments.help ? ERR_NONE : ERR_USAGE;
  int code = session_run(&session);
  if (session.journal) journal_close(session.journal);
  sweep_close(&session.sweep);
  arena_free(&session.arena);
  return code;
}
