/* headroom status: what of a sweep is done, running, failed or missing, by share, from its journals; also while they are written. Only each
 * journal's own account is read, so a sweep of a million runs takes as long as a small one. */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/app/command.h"
#include "sim/app/machine_text.h"
#include "sim/app/rerun.h"
#include "sim/lab/journal_find.h"
#include "sim/lab/journal_read.h"

enum { OPT_JSON, OPT_CSV, TIME_BYTES = 32 };

/* The journals of one sweep, shared out one way. */
typedef struct Group {
  const JournalState **journal;
  size_t count;
  uint64_t planned, done, failed, missing, running;
  bool final; /* no share will plan more runs than are planned now */
  double runs_per_s; /* of the running ones */
} Group;

typedef struct Session {
  Arena arena;
  jmp_buf exhausted;
  Arguments arguments;
  JournalList list;
  const JournalState **state; /* [list.count], NULL where it was grouped or could not be read */
  size_t groups;
  bool failed;
} Session;

typedef enum ShareState { SHARE_COMPLETE, SHARE_RUNNING, SHARE_STOPPED, SHARE_ABSENT } ShareState;
static const char *const state_word[] = {"complete", "running", "stopped", "absent"};

static ShareState state_of(const JournalState *journal) {
  if (!journal) return SHARE_ABSENT;
  if (journal->running) return SHARE_RUNNING;
  return journal->done == journal->planned && journal->final ? SHARE_COMPLETE : SHARE_STOPPED;
}

static const char *time_text(char text[TIME_BYTES], int64_t ms) {
  time_t seconds = (time_t)(ms / 1000);
  struct tm utc;
  text[0] = 0;
  if (ms > 0 && gmtime_r(&seconds, &utc)) strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

/* ---- grouping ----------------------------------------------------------------------------------------------------- */

static bool same_sweep(const JournalState *a, const JournalState *b) {
  bool same = a->shard.count == b->shard.count && strcmp(a->command, b->command) == 0;
  for (size_t k = 0; k < IDENTITY_COUNT && same; k++) same = strcmp(a->identity.value[k], b->identity.value[k]) == 0;
  return same;
}

/* The journal of a share: of copies, the one that holds most. */
static const JournalState *share_journal(const Group *group, uint32_t index) {
  const JournalState *best = NULL;
  for (size_t k = 0; k < group->count; k++)
    if (group->journal[k]->shard.index == index && (!best || group->journal[k]->done > best->done)) best = group->journal[k];
  return best;
}

static uint64_t share_planned(const Group *group, Shard shard, const JournalState *journal) {
  return journal ? journal->planned : shard_runs(shard, &group->journal[0]->sweep);
}

static void group_count(Group *group, Shard shard) {
  const JournalState *journal = share_journal(group, shard.index);
  group->planned += share_planned(group, shard, journal);
  group->done += journal ? journal->done : 0;
  group->failed += journal ? journal->failed : 0;
  group->final = group->final && (journal ? journal->final : !group->journal[0]->sweep.first->precision.metric);
}

static void group_take(Session *session, size_t first, Group *group) {
  uint32_t shares = session->state[first]->shard.count;
  const JournalState *leader = session->state[first];
  *group = (Group){.final = true, .journal = ARENA_ARRAY(&session->arena, const JournalState *, session->list.count + shares)};
  for (size_t k = first; k < session->list.count; k++) {
    const JournalState *journal = session->state[k];
    if (!journal || !same_sweep(leader, journal)) continue;
    group->journal[group->count++] = journal;
    group->running += journal->running;
    if (journal->running) group->runs_per_s += journal->runs_per_s;
    session->state[k] = NULL;
  }
  for (uint32_t k = 1; k <= (shares ? shares : 1); k++) group_count(group, (Shard){shares ? k : 0, shares});
  group->missing = group->planned - group->done;
}

/* ---- words -------------------------------------------------------------------------------------------------------- */

static void print_share(const Group *group, Shard shard, const JournalState *journal) {
  char when[TIME_BYTES], share[32] = "whole";
  const JournalState *leader = group->journal[0];
  uint64_t planned = share_planned(group, shard, journal), done = journal ? journal->done : 0;
  ShareState state = state_of(journal);
  if (shard.count) snprintf(share, sizeof share, "%u/%u", shard.index, shard.count);
  printf("  %-9s %-9s %9" PRIu64 " %9" PRIu64 " %9" PRIu64, share, state_word[state], done, journal ? journal->failed : 0, planned - done);
  if (journal && journal->runs_per_s > 0) printf(" %9.3g", journal->runs_per_s);
  else printf(" %9s", "");
  printf("  %-20s  %s\n", journal ? time_text(when, journal->last_commit_ms) : "", journal ? journal->path : "(no journal)");
  if (state != SHARE_STOPPED && state != SHARE_ABSENT) return;
  printf("            ");
  rerun_print(stdout, leader->command, shard);
  printf("\n");
}

static void print_group(const Group *group) {
  const JournalState *leader = group->journal[0];
  uint32_t shares = leader->shard.count;
  printf("%s: %" PRIu64 " runs", leader->sweep.name, group->planned);
  if (shares) printf(" in %u shares", shares);
  printf("; %" PRIu64 " done (%.4g %%), %" PRIu64 " of them failed, %" PRIu64 " missing", group->done, 100 * (double)group->done / (double)group->planned, group->failed, group->missing);
  if (!group->final) printf(" so far (precision may ask for more)");
  if (group->runs_per_s > 0) printf("; %.3g runs/s, %.3g s left", group->runs_per_s, (double)group->missing / group->runs_per_s);
  printf("\n  %-9s %-9s %9s %9s %9s %9s  %-20s  %s\n", "share", "state", "done", "failed", "missing", "runs/s", "last commit", "journal");
  if (shares == 0) {
    for (size_t k = 0; k < group->count; k++) print_share(group, (Shard){0, 0}, group->journal[k]);
  }
  for (uint32_t k = 1; k <= shares; k++) print_share(group, (Shard){k, shares}, share_journal(group, k));
}

/* ---- JSON --------------------------------------------------------------------------------------------------------- */

static void json_share(const Group *group, Shard shard, const JournalState *journal, bool first) {
  char when[TIME_BYTES] = "";
  uint64_t planned = share_planned(group, shard, journal), done = journal ? journal->done : 0;
  printf("%s{\"shard\":%u,\"of\":%u,\"state\":\"%s\",\"planned\":%" PRIu64 ",\"done\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"missing\":%" PRIu64, first ? "" : ",",
         shard.count ? shard.index : 1, shard.count ? shard.count : 1, state_word[state_of(journal)], planned, done, journal ? journal->failed : 0, planned - done);
  printf(",\"runs_per_s\":");
  if (journal && journal->runs_per_s > 0) json_number(journal->runs_per_s);
  else printf("null");
  printf(",\"last_commit\":");
  if (journal && *time_text(when, journal->last_commit_ms)) json_string(when);
  else printf("null");
  printf(",\"journal\":");
  if (journal) json_string(journal->path);
  else printf("null");
  printf("}");
}

static void json_group(const Group *group, bool first) {
  const JournalState *leader = group->journal[0];
  uint32_t shares = leader->shard.count;
  printf("%s{\"name\":", first ? "" : ",");
  json_string(leader->sweep.name);
  printf(",\"scenario_sha256\":");
  json_string(leader->sweep.sha256);
  printf(",\"command\":");
  json_string(leader->command);
  printf(",\"shards\":%u,\"runs\":%" PRIu64 ",\"done\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"missing\":%" PRIu64 ",\"running\":%" PRIu64 ",\"final\":%s,\"runs_per_s\":", shares ? shares : 1,
         group->planned, group->done, group->failed, group->missing, group->running, group->final ? "true" : "false");
  if (group->runs_per_s > 0) json_number(group->runs_per_s);
  else printf("null");
  printf(",\"shares\":[");
  if (shares == 0) json_share(group, (Shard){0, 0}, leader, true);
  for (uint32_t k = 1; k <= shares; k++) json_share(group, (Shard){k, shares}, share_journal(group, k), k == 1);
  printf("]}");
}

/* ---- CSV ---------------------------------------------------------------------------------------------------------- */

static void csv_share(const Group *group, Shard shard, const JournalState *journal) {
  char when[TIME_BYTES] = "";
  uint64_t planned = share_planned(group, shard, journal), done = journal ? journal->done : 0;
  csv_string(group->journal[0]->sweep.name);
  printf(",%u,%u,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", shard.count ? shard.index : 1, shard.count ? shard.count : 1, state_word[state_of(journal)], planned, done,
         journal ? journal->failed : 0, planned - done);
  csv_number(journal && journal->runs_per_s > 0 ? journal->runs_per_s : (double)NAN);
  printf(",%s,", journal ? time_text(when, journal->last_commit_ms) : "");
  if (journal) csv_string(journal->path);
  printf("\n");
}

static void csv_group(const Group *group) {
  uint32_t shares = group->journal[0]->shard.count;
  if (shares == 0) csv_share(group, (Shard){0, 0}, share_journal(group, 0));
  for (uint32_t k = 1; k <= shares; k++) csv_share(group, (Shard){k, shares}, share_journal(group, k));
}

/* ---- the command -------------------------------------------------------------------------------------------------- */

static bool find_journals(Session *session, Err *err) {
  const Arguments *a = &session->arguments;
  session->list.arena = &session->arena;
  for (int k = 0; k < a->n_arguments; k++) {
    size_t before = session->list.count;
    if (!journal_find(&session->list, a->argument[k], err)) return false;
    if (session->list.count > before) continue;
    Shard shard;
    bool result = journal_name_parse(a->argument[k], &shard) == 0 && access(a->argument[k], F_OK) == 0;
    fprintf(stderr, "headroom: %s%s\n", result ? "no journal is there of " : "no journal is in ", a->argument[k]);
    if (!result) session->failed = true;
  }
  return true;
}

static void read_states(Session *session) {
  session->state = ARENA_ARRAY(&session->arena, const JournalState *, session->list.count);
  for (size_t k = 0; k < session->list.count; k++) {
    Err err = {0};
    JournalReader *reader = journal_reader_open(session->list.path[k], &session->arena, &err);
    if (!reader) {
      err_report(&err);
      session->failed = true;
      continue;
    }
    journal_reader_close(reader);
    const JournalState *state = journal_reader_state(reader);
    if (state->begun) session->state[k] = state;
    else if (state->tuning) fprintf(stderr, "headroom: %s is the journal of a tuning, which %s\n", state->path, state->running ? "runs" : "does not run now");
    else fprintf(stderr, "headroom: %s holds nothing yet%s\n", state->path, state->running ? "; it is being written" : "");
  }
}

static int session_run(Session *session) {
  if (setjmp(session->exhausted)) {
    fprintf(stderr, "headroom: error: out of memory\n");
    return ERR_IO;
  }
  session->arena.exhausted = &session->exhausted;
  Err err = {0};
  bool json = session->arguments.value[OPT_JSON] != NULL, csv = session->arguments.value[OPT_CSV] != NULL;
  if (!find_journals(session, &err)) return err_report(&err);
  read_states(session);
  if (json && !csv) printf("{\"sweeps\":[");
  if (csv) printf("sweep,shard,of,state,planned,done,failed,missing,runs_per_s,last_commit,journal\n");
  for (size_t k = 0; k < session->list.count; k++) {
    Group group;
    if (!session->state[k]) continue;
    group_take(session, k, &group);
    if (csv) csv_group(&group);
    else if (json) json_group(&group, session->groups == 0);
    else print_group(&group);
    session->groups++;
  }
  if (json && !csv) printf("]}\n");
  return session->failed ? ERR_IO : ERR_NONE;
}

int cmd_status(const Command *command, int argc, char **argv) {
  Session session = {.failed = false};
  if (!arguments_read(command, argc, argv, &session.arguments)) return session.arguments.help ? ERR_NONE : ERR_USAGE;
  int code = session_run(&session);
  arena_free(&session.arena);
  return code;
}
