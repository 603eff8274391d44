/* headroom merge: the result of a sweep from its journals. What is missing is said by share, with the command that makes it; nothing is
 * written then unless --partial. Journals stay unless --remove. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sim/app/command.h"
#include "sim/app/rerun.h"
#include "sim/lab/journal_find.h"
#include "sim/lab/merge.h"

enum { OPT_PARTIAL, OPT_FORCE, OPT_REMOVE, OPT_QUIET };

typedef struct Session {
  Arena arena;
  jmp_buf exhausted;
  Merge merge;
  JournalList list;
  Arguments arguments;
} Session;

static bool find_journals(Session *session, Err *err) {
  const Arguments *a = &session->arguments;
  session->list.arena = &session->arena;
  if (a->n_arguments == 1) {
    if (!journal_find_of(&session->list, a->argument[0], err)) return false;
    return session->list.count > 0 || err_add(err, ERR_IO, "no journal of '%s' is beside it (%s.shard-k-of-N.journal)", a->argument[0], a->argument[0]);
  }
  for (int k = 1; k < a->n_arguments; k++) {
    size_t before = session->list.count;
    if (!journal_find(&session->list, a->argument[k], err)) return false;
    if (session->list.count == before) return err_add(err, ERR_IO, "no journal is in '%s'", a->argument[k]);
  }
  return true;
}

/* What is missing, share by share, on standard error. */
static void say_gaps(const Merge *merge) {
  enum { SHOWN = 20 };
  uint32_t cursor = 0, shown = 0;
  MergeGap gap;
  for (; merge_gap(merge, &cursor, &gap); shown++) {
    if (shown >= SHOWN) continue;
    fprintf(stderr, "  ");
    if (gap.shard.count) fprintf(stderr, "share %u of %u: ", gap.shard.index, gap.shard.count);
    fprintf(stderr, "%llu missing, the first is run %llu%s\n    ", (unsigned long long)gap.missing, (unsigned long long)gap.first_missing,
            gap.running ? "; it is running" : gap.journal ? "" : "; it has no journal here");
    rerun_print(stderr, merge->first->command, gap.shard);
    fprintf(stderr, "\n");
  }
  if (shown > SHOWN) fprintf(stderr, "  ... and %u more shares\n", shown - SHOWN);
}

static int remove_journals(const Session *session) {
  Err err = {0};
  for (size_t k = 0; k < session->list.count; k++) {
    if (!journal_delete(session->list.path[k], &err)) return err_report(&err);
  }
  return ERR_NONE;
}

static int write_result(Session *session) {
  const Arguments *a = &session->arguments;
  Merge *merge = &session->merge;
  Err err = {0};
  const char *output = a->argument[0];
  unsigned long long n_runs = sweep_wanted_runs(&merge->sweep);
  bool partial = a->value[OPT_PARTIAL] != NULL;
  if (merge->missing && !(partial && a->value[OPT_QUIET])) {
    fprintf(stderr, "headroom: %s%llu of %llu runs are missing%s:\n", partial ? "" : "error: ", (unsigned long long)merge->missing, n_runs,
            partial ? "" : " (--partial writes what is there)");
    say_gaps(merge);
  }
  if (merge->missing && !partial) return ERR_IO;
  if (!a->value[OPT_FORCE] && !access(output, F_OK)) {
    fprintf(stderr, "headroom: %s exists; --force replaces it\n", output);
    return ERR_USAGE;
  }
  if (!merge_write(merge, output, partial, &err)) return err_report(&err);
  size_t journals = merge->n_readers;
  bool complete = merge->missing == 0;
  unsigned long long made = n_runs - merge->missing;
  merge_close(merge);
  int code = a->value[OPT_REMOVE] && complete ? remove_journals(session) : ERR_NONE;
  if (!code && !a->value[OPT_QUIET]) printf("%s: %llu runs of %llu, from %zu journal%s. Next: %s compare %s\n", output, made, n_runs, journals, journals == 1 ? "" : "s", program_invocation_name, output);
  return code;
}

static int session_run(Session *session) {
  if (setjmp(session->exhausted)) {
    fprintf(stderr, "headroom: error: out of memory\n");
    return ERR_IO;
  }
  session->arena.exhausted = &session->exhausted;
  Err err = {0};
  if (!find_journals(session, &err) || !merge_open(&session->merge, session->list.path, session->list.count, &session->arena, &err)) return err_report(&err);
  return write_result(session);
}

int cmd_merge(const Command *command, int argc, char **argv) {
  Session session = {.arena = {0}};
  if (!arguments_read(command, argc, argv, &session.arguments)) return session.arguments.help ? ERR_NONE : ERR_USAGE;
  int code = session_run(&session);
  merge_close(&session.merge);
  arena_free(&session.arena);
  return code;
}
