/* Comparing sweeps: pure functions of two identities, and words for their differences. */
#include "sim/lab/journal_identity.h"

#include <stdio.h>
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

TraceKeep identity_keep(const SweepIdentity *identity) {
  const char *name = identity->value[IDENTITY_TRACES];
  return text_equal(name, "all") ? TRACE_KEEP_ALL : text_equal(name, "none") ? TRACE_KEEP_NONE : TRACE_KEEP_FIRST;
}

static int line_length(const char *line) {
  size_t length = strcspn(line, "\n");
  return length > 120 ? 120 : (int)length;
}

/* ---- which key a line of YAML belongs to, by indentation: for a message, so near enough ---------------------------- */

typedef struct Key {
  const char *name;
  int length;
  size_t indent;
} Key;

enum { KEYS_DEEP = 24, KEY_PATH_BYTES = 200 };

/* The key a line begins with; false for blanks, comments and lines without one. */
static bool key_of_line(const char *line, Key *key) {
  size_t end = strcspn(line, "\n"), indent = strspn(line, " ");
  while (indent + 1 < end && line[indent] == '-' && line[indent + 1] == ' ') indent += 2;
  while (indent < end && strchr(" {\"'", line[indent])) indent++;
  size_t length = strcspn(line + indent, ":\"'#\n");
  char after = line[indent + length];
  if (indent >= end || length == 0 || (after != ':' && after != '"' && after != '\'')) return false;
  *key = (Key){line + indent, (int)length, indent};
  return true;
}

/* "deployments.chat.concurrency" for the line that begins at text + start; "" where it has no key. */
static void key_path(char path[KEY_PATH_BYTES], const char *text, size_t start) {
  Key stack[KEYS_DEEP], key;
  size_t depth = 0, used = 0;
  path[0] = 0;
  for (size_t at = 0; at <= start && text[at]; at += strcspn(text + at, "\n"), at += text[at] == '\n') {
    bool has_key = key_of_line(text + at, &key);
    if (at == start && !has_key) return;
    if (!has_key) continue;
    while (depth > 0 && stack[depth - 1].indent >= key.indent) depth--;
    if (depth < KEYS_DEEP) stack[depth++] = key;
  }
  for (size_t k = 0; k < depth && used + (size_t)stack[k].length + 2 < KEY_PATH_BYTES; k++) {
    used += (size_t)snprintf(path + used, KEY_PATH_BYTES - used, "%s%.*s", k ? "." : "", stack[k].length, stack[k].name);
  }
}

/* The first line in which two texts differ; where one of them ends before, the next line of the other and nothing. */
static bool scenario_differs(const char *path, const char *then, const char *other, const char *now, Err *err) {
  size_t line = 1, start = 0, i = 0;
  for (; then[i] == now[i] && then[i] != 0; i++) {
    if (then[i] == '\n') {
      line++;
      start = i + 1;
    }
  }
  const char *before = then + start, *after = now + start;
  bool now_goes_on = then[i] == 0 && now[i] == '\n', then_went_on = now[i] == 0 && then[i] == '\n';
  if (now_goes_on || then_went_on) {
    line++;
    before = then_went_on ? then + i + 1 : "";
    after = now_goes_on ? now + i + 1 : "";
  }
  char where[KEY_PATH_BYTES], in[KEY_PATH_BYTES + 8] = "";
  key_path(where, *after ? now : then, *after ? (size_t)(after - now) : (size_t)(before - then));
  if (where[0]) snprintf(in, sizeof in, " (%s)", where);
  if (other) {
    return err_add(err, ERR_IO, "the journals '%s' and '%s' belong to different scenarios; first difference, line %zu%s:\n  first:  %.*s\n  second: %.*s",
                   path, other, line, in, line_length(before), before, line_length(after), after);
  }
  return err_add(err, ERR_IO, "the scenario has changed since the journal '%s' was begun (--force starts anew); first difference, line %zu%s:\n  then: %.*s\n  now:  %.*s",
                 path, line, in, line_length(before), before, line_length(after), after);
}

/* ---- inputs: lines "sha256  path" ---------------------------------------------------------------------------------- */

enum { SHA256_DIGITS = SHA256_HEX_BYTES - 1, BEFORE_PATH = SHA256_DIGITS + 2 };

/* A line of `list` for the path of another such line, or NULL. */
static const char *input_find(const char *list, const char *line) {
  size_t length = strcspn(line, "\n");
  if (length < BEFORE_PATH) return NULL;
  for (const char *at = list; *at; at += strcspn(at, "\n"), at += *at == '\n') {
    if (strcspn(at, "\n") == length && memcmp(at + BEFORE_PATH, line + BEFORE_PATH, length - BEFORE_PATH) == 0) return at;
  }
  return NULL;
}

static void inputs_differ(const char *journal, const char *then, const char *other, const char *now, Err *err) {
  for (const char *at = now; *at; at += strcspn(at, "\n"), at += *at == '\n') {
    int length = (int)strcspn(at, "\n") - BEFORE_PATH;
    const char *before = input_find(then, at), *path = at + BEFORE_PATH;
    if (!before) {
      err_add(err, ERR_IO, other ? "the input '%.*s' was not among those of the journal '%s'" : "the input '%.*s' was not among those the journal '%s' was begun with",
              length, path, journal);
    } else if (memcmp(before, at, SHA256_DIGITS) != 0 && other) {
      err_add(err, ERR_IO, "the input '%.*s' of the journals '%s' and '%s' differs: SHA-256 %.12s... and %.12s...", length, path, journal, other, before, at);
    } else if (memcmp(before, at, SHA256_DIGITS) != 0) {
      err_add(err, ERR_IO, "the input '%.*s' has changed since the journal '%s' was begun (--force starts anew): SHA-256 then %.12s..., now %.12s...",
              length, path, journal, before, at);
    }
  }
  for (const char *at = then; *at; at += strcspn(at, "\n"), at += *at == '\n') {
    if (input_find(now, at)) continue;
    err_add(err, ERR_IO, "the input '%.*s', with which the journal '%s' was begun, is %s", (int)strcspn(at, "\n") - BEFORE_PATH, at + BEFORE_PATH, journal,
            other ? "not used by the other" : "used no more");
  }
}

/* ---- all ----------------------------------------------------------------------------------------------------------- */

/* What is no matter of lines: one word then, another now. */
static void word_differs(size_t what, const char *path, const char *then, const char *other, const char *now, Err *err) {
  if (what == IDENTITY_VERSION) {
    if (other) err_add(err, ERR_IO, "the journal '%s' was written by headroom %s, '%s' by %s", path, then, other, now);
    else err_add(err, ERR_IO, "the journal '%s' was begun by headroom %s; this is %s: finish it with that one, or --force starts anew", path, then, now);
  } else if (what == IDENTITY_TRACES) {
    if (other) err_add(err, ERR_IO, "the journal '%s' keeps the traces of %s runs, '%s' those of %s", path, then, other, now);
    else err_add(err, ERR_IO, "the journal '%s' keeps the traces of %s runs, now those of %s are asked for", path, then, now);
  } else if (what == IDENTITY_RUNS) {
    err_add(err, ERR_IO, "the journal '%s' belongs to a sweep of %s runs; %s%s has %s", path, then, other ? "that of " : "this one", other ? other : "", now);
  } else {
    err_add(err, ERR_IO, "the scenario of the journal '%s' is damaged", path);
  }
}

bool identity_compare(const char *path, const SweepIdentity *then, const char *other, const SweepIdentity *now, Err *err) {
  bool same = true, same_scenario = text_equal(then->value[IDENTITY_SCENARIO], now->value[IDENTITY_SCENARIO]);
  for (size_t k = 0; k < IDENTITY_COUNT; k++) {
    const char *before = then->value[k], *after = now->value[k];
    if (text_equal(before, after)) continue;
    same = false;
    if (k == IDENTITY_SCENARIO) scenario_differs(path, before, other, after, err);
    else if (k == IDENTITY_INPUTS) inputs_differ(path, before, other, after, err);
    else if (same_scenario || (k != IDENTITY_RUNS && k != IDENTITY_SCENARIO_SHA256)) word_differs(k, path, before, other, after, err);
  }
  return same;
}
