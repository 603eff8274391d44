/* Comparing sweeps: pure functions of two identities, and words for their differences. */
#include "sim/lab/journal_identity.h"

#include <string.h>

#include "sim/base/text.h"
#include "sim/base/version.h"

const char *const identity_name[IDENTITY_COUNT] = {"headroom", "scenario_sha256", "scenario", "inputs", "traces", "runs"};

static const char *keep_name(TraceKeep keep) {
  switch (keep) {
    case TRACE_KEEP_FIRST: return "first";
    case TRACE_KEEP_ALL: return "all";
    case TRACE_KEEP_NONE: return "none";
  }
  return "";
}

void identity_of(SweepIdentity *identity, const Sweep *sweep, TraceKeep keep, Arena *arena) {
  Text inputs = {.arena = arena};
  for (size_t k = 0; k < sweep->n_inputs; k++) text_addf(&inputs, "%s  %s\n", sweep->input[k].sha256, sweep->input[k].path);
  *identity = (SweepIdentity){{
      [IDENTITY_VERSION] = HEADROOM_VERSION,
      [IDENTITY_SCENARIO_SHA256] = sweep->sha256,
      [IDENTITY_SCENARIO] = sweep->text,
      [IDENTITY_INPUTS] = inputs.bytes ? inputs.bytes : "",
      [IDENTITY_TRACES] = keep_name(keep),
      [IDENTITY_RUNS] = arena_format(arena, "%llu", (unsigned long long)sweep->n_runs),
  }};
}

static int line_length(const char *line) {
  size_t length = strcspn(line, "\n");
  return length > 120 ? 120 : (int)length;
}

/* The first line in which two texts differ. */
static bool scenario_differs(const char *path, const char *then, const char *now, Err *err) {
  size_t line = 1, start = 0;
  for (size_t i = 0; then[i] == now[i] && then[i] != 0; i++) {
    if (then[i] == '\n') {
      line++;
      start = i + 1;
    }
  }
  return err_add(err, ERR_IO, "the scenario has changed since the journal '%s' was begun (--force starts anew); first difference, line %zu:\n  then: %.*s\n  now:  %.*s",
                 path, line, line_length(then + start), then + start, line_length(now + start), now + start);
}

/* A line "sha256  path" of `list` for the path of another such line, or NULL. */
static const char *input_find(const char *list, const char *line) {
  size_t length = strcspn(line, "\n");
  if (length < SHA256_HEX_BYTES) return NULL;
  const char *path = line + SHA256_HEX_BYTES - 1;
  size_t path_length = length - (SHA256_HEX_BYTES - 1);
  for (const char *at = list; *at; at += strcspn(at, "\n"), at += *at == '\n') {
    if (strcspn(at, "\n") == length && memcmp(at + SHA256_HEX_BYTES - 1, path, path_length) == 0) return at;
  }
  return NULL;
}

static void inputs_differ(const char *journal, const char *then, const char *now, Err *err) {
  for (const char *at = now; *at; at += strcspn(at, "\n"), at += *at == '\n') {
    int path_length = (int)strcspn(at, "\n") - (SHA256_HEX_BYTES + 1);
    const char *before = input_find(then, at), *path = at + SHA256_HEX_BYTES + 1;
    if (!before) {
      err_add(err, ERR_IO, "the input '%.*s' was not among those the journal '%s' was begun with", path_length, path, journal);
    } else if (memcmp(before, at, SHA256_HEX_BYTES - 1) != 0) {
      err_add(err, ERR_IO, "the input '%.*s' has changed since the journal '%s' was begun (--force starts anew): SHA-256 then %.12s..., now %.12s...",
              path_length, path, journal, before, at);
    }
  }
  for (const char *at = then; *at; at += strcspn(at, "\n"), at += *at == '\n') {
    if (input_find(now, at)) continue;
    err_add(err, ERR_IO, "the input '%.*s', with which the journal '%s' was begun, is used no more", (int)strcspn(at, "\n") - (SHA256_HEX_BYTES + 1),
            at + SHA256_HEX_BYTES + 1, journal);
  }
}

bool identity_compare(const char *path, const SweepIdentity *then, const SweepIdentity *now, Err *err) {
  bool same = true;
  for (size_t k = 0; k < IDENTITY_COUNT; k++) {
    const char *before = then->value[k], *after = now->value[k];
    if (strcmp(before, after) == 0) continue;
    same = false;
    if (k == IDENTITY_VERSION) {
      err_add(err, ERR_IO, "the journal '%s' was begun by headroom %s; this is %s: finish it with that one, or --force starts anew", path, before, after);
    } else if (k == IDENTITY_SCENARIO) {
      scenario_differs(path, before, after, err);
    } else if (k == IDENTITY_INPUTS) {
      inputs_differ(path, before, after, err);
    } else if (k == IDENTITY_TRACES) {
      err_add(err, ERR_IO, "the journal '%s' keeps the traces of %s runs, now those of %s are asked for", path, before, after);
    } else if (k == IDENTITY_RUNS && strcmp(then->value[IDENTITY_SCENARIO], now->value[IDENTITY_SCENARIO]) == 0) {
      err_add(err, ERR_IO, "the journal '%s' belongs to a sweep of %s runs; this one has %s", path, before, after);
    } else if (k == IDENTITY_SCENARIO_SHA256 && strcmp(then->value[IDENTITY_SCENARIO], now->value[IDENTITY_SCENARIO]) == 0) {
      err_add(err, ERR_IO, "the scenario of the journal '%s' is damaged", path);
    }
  }
  return same;
}
