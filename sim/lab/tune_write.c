/* Byte-exact edits of YAML; see tune_write.h. */
#include "sim/lab/tune_write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Replace `length` bytes at `offset` (0: insert). */
typedef struct TextEdit {
  size_t offset, length;
  const char *text;
} TextEdit;

/* ---- how long a value is in the text ---- */

/* A quoted text from its quote to the closing one; 0 if it does not close. */
static size_t quoted_bytes(const char *text, size_t most) {
  char quote = text[0];
  for (size_t k = 1; k < most; k++) {
    if (quote == '"' && text[k] == '\\') k++;
    else if (text[k] == quote && quote == '\'' && k + 1 < most && text[k + 1] == quote) k++;
    else if (text[k] == quote) return k + 1;
  }
  return 0;
}

/* A flow map or list from its bracket to the closing one. */
static size_t flow_bytes(const char *text, size_t most) {
  int depth = 0;
  for (size_t k = 0; k < most; k++) {
    if (text[k] == '"' || text[k] == '\'') {
      size_t n = quoted_bytes(text + k, most - k);
      if (n == 0) return 0;
      k += n - 1;
    } else if (text[k] == '{' || text[k] == '[') {
      depth++;
    } else if (text[k] == '}' || text[k] == ']') {
      if (--depth == 0) return k + 1;
    } else if (text[k] == '#' && k > 0 && strchr(" \t\n", text[k - 1])) {
      while (k + 1 < most && text[k + 1] != '\n') k++;
    }
  }
  return 0;
}

static size_t value_bytes(const Yaml *node) {
  const char *text = node->mark.source->text + node->mark.offset;
  size_t most = node->mark.source->length - node->mark.offset;
  if (most == 0) return 0;
  if (text[0] == '{' || text[0] == '[') return flow_bytes(text, most);
  if (node->kind != YAML_SCALAR) return 0;
  if (text[0] == '"' || text[0] == '\'') return quoted_bytes(text, most);
  size_t n = strlen(node->text);
  return n <= most && memcmp(text, node->text, n) == 0 ? n : 0;
}

static const char *written(const Yaml *value, Arena *arena) {
  Text text = {.arena = arena};
  yaml_write(value, &text);
  return text.bytes;
}

/* Replaces a value where it stands. False where it does not stand there as it reads. */
static bool edit_scalar(const Yaml *node, const Yaml *value, TextEdit *edit, Arena *arena) {
  size_t length = value_bytes(node);
  if (length == 0) return false;
  char quote = node->mark.source->text[node->mark.offset];
  const char *text = written(value, arena);
  /* What was quoted stays so: Kubernetes reads "5" and 5 as different things. */
  if (node->kind == YAML_SCALAR && value->kind == YAML_SCALAR && (quote == '"' || quote == '\'') && text[0] != '"') text = arena_format(arena, "%c%s%c", quote, text, quote);
  *edit = (TextEdit){node->mark.offset, length, text};
  return true;
}

/* ---- keys that are not there yet ---- */

/* The rest of a path around the value, in flow style: {a: {b: 3}}. */
static const char *nested(const YamlStep *step, size_t n_steps, const Yaml *value, Arena *arena) {
  if (n_steps == 0) return written(value, arena);
  Yaml *key = ARENA_NEW(arena, Yaml);
  *key = (Yaml){.kind = YAML_SCALAR, .plain = true, .text = step->key};
  return arena_format(arena, "{%s: %s}", written(key, arena), nested(step + 1, n_steps - 1, value, arena));
}

static bool all_keys(const YamlStep *step, size_t n_steps) {
  for (size_t k = 0; k < n_steps; k++)
    if (!step[k].key) return false;
  return true;
}

/* Puts the key first into an existing map: flow style behind its brace, block style on a line of its own before the first key. */
static bool insert_into(const Yaml *map, const YamlSource *source, const YamlStep *step, size_t n_steps, const Yaml *value, TextEdit *edit, Arena *arena) {
  const char *inner = nested(step, n_steps, value, arena), *start = source->text + map->mark.offset;
  size_t length = strlen(inner) - 2; /* without the outer braces */
  const char *pair = arena_text(arena, inner + 1, length);
  if (start[0] == '{') {
    *edit = (TextEdit){map->mark.offset + 1, 0, map->count ? arena_format(arena, "%s, ", pair) : pair};
    return true;
  }
  if (map->count == 0) return false;
  size_t at = map->entry[0].mark.offset, line = at;
  while (line > 0 && source->text[line - 1] != '\n') line--;
  *edit = (TextEdit){at, 0, arena_format(arena, "%s\n%*s", pair, (int)(at - line), "")};
  return true;
}

static const Yaml *child(const Yaml *node, const YamlStep *step) {
  if (!step->key) return node->kind == YAML_LIST && step->index < node->count ? node->entry[step->index].value : NULL;
  const YamlEntry *entry = yaml_entry(node, step->key);
  return entry ? entry->value : NULL;
}

static bool edit_for(const Yaml *root, const YamlSource *source, const TextSetting *setting, TextEdit *edit, Arena *arena, Err *err) {
  const YamlStep *step = setting->step;
  size_t n_steps = setting->n_steps;
  const Yaml *value = setting->value;
  const Yaml *node = root;
  size_t k = 0;
  for (const Yaml *next; k < n_steps && (next = child(node, &step[k])) && !(yaml_is_null(next) && next->text[0] == '\0'); k++) node = next;
  bool good = node->mark.source == source;
  if (good && k == n_steps) good = edit_scalar(node, value, edit, arena);
  else if (good && node->kind == YAML_MAP && all_keys(step + k, n_steps - k)) good = insert_into(node, source, step + k, n_steps - k, value, edit, arena);
  else if (good && node->kind == YAML_SCALAR && all_keys(step + k, n_steps - k) && text_equal(node->text, step[k].key)) {
    /* scale: horizontal becomes {horizontal: {target: 60%}} */
    *edit = (TextEdit){node->mark.offset, value_bytes(node), nested(step + k, n_steps - k, value, arena)};
    good = edit->length > 0;
  } else good = false;
  return good || yaml_error(err, ERR_SCENARIO, node->mark.source ? node->mark : (YamlMark){source, 0}, "%.150s cannot be changed here without touching more; set it by hand to %.100s", setting->path,
                            written(value, arena));
}

/* ---- texts ---- */

static YamlSource *edited_source(const YamlSource *source, const TextEdit *edit, Arena *arena) {
  Text text = {.arena = arena};
  size_t end = edit->offset + edit->length;
  text_add(&text, source->text, edit->offset);
  text_add(&text, edit->text, strlen(edit->text));
  text_add(&text, source->text + end, source->length - end);
  YamlSource *edited = ARENA_NEW(arena, YamlSource);
  *edited = (YamlSource){.name = source->name, .text = text.bytes, .length = text.length, .is_file = source->is_file};
  return edited;
}

bool text_set(const YamlSource *source, const TextSetting *setting, size_t n, const char **text, size_t *length, Arena *arena, Err *err) {
  const Yaml *root = yaml_parse(source, arena, err), *wanted = root;
  const YamlSource *now = source;
  for (size_t k = 0; root && k < n; k++) {
    TextEdit edit = {0};
    const char *why = "";
    wanted = yaml_with(wanted, setting[k].step, setting[k].n_steps, setting[k].value, arena, &why);
    if (!wanted) return err_add(err, ERR_SCENARIO, "cannot set %.150s: %s", setting[k].path, why);
    if (!edit_for(root, now, &setting[k], &edit, arena, err)) return false;
    now = edited_source(now, &edit, arena);
    root = yaml_parse(now, arena, err);
  }
  if (!root) return false;
  *text = now->text;
  *length = now->length;
  return yaml_equal(root, wanted) || err_add(err, ERR_SCENARIO, "%.150s: a value that is to be changed is used elsewhere, too (an anchor, or a text over several lines); change it by hand", source->name);
}

bool yaml_equal(const Yaml *a, const Yaml *b) {
  if (a == b) return true;
  if (a->kind != b->kind) return false;
  if (a->kind == YAML_SCALAR) return text_equal(a->text, b->text);
  if (a->count != b->count) return false;
  for (size_t k = 0; k < a->count; k++) {
    /* A key that was put in stands first in the text and last in the tree. */
    const Yaml *other = a->kind == YAML_LIST ? b->entry[k].value : NULL;
    if (a->kind == YAML_MAP) {
      const YamlEntry *entry = yaml_entry(b, a->entry[k].key);
      other = entry ? entry->value : NULL;
    }
    if (!other || !yaml_equal(a->entry[k].value, other)) return false;
  }
  return true;
}

/* ---- documents of other files ---- */

const YamlSource *setting_source(const Yaml *root, const TextSetting *setting) {
  const Yaml *node = root;
  for (size_t k = 0; k < setting->n_steps; k++) {
    const Yaml *next = child(node, &setting->step[k]);
    if (!next) break;
    node = next;
  }
  return node->mark.source;
}

/* Scalars that differ, and keys that only one has. */
static size_t differences(const Yaml *a, const Yaml *b) {
  if (a->kind != b->kind) return 1;
  if (a->kind == YAML_SCALAR) return !text_equal(a->text, b->text);
  size_t n = 0, shared = 0;
  for (size_t k = 0; k < a->count; k++) {
    const Yaml *other = NULL;
    if (a->kind == YAML_LIST) other = k < b->count ? b->entry[k].value : NULL;
    else {
      const YamlEntry *entry = yaml_entry(b, a->entry[k].key);
      other = entry ? entry->value : NULL;
    }
    shared += other != NULL;
    n += other ? differences(a->entry[k].value, other) : 1;
  }
  return n + b->count - shared;
}

/* What is changed is no more than what was to be: an anchor's value would change elsewhere, too. */
static bool changes_are(const YamlSource *before, const YamlSource *after, size_t most, Arena *arena, Err *err) {
  size_t n, m, changed = 0;
  const Yaml *const *old = yaml_parse_all(before, &n, arena, err), *const *now = old ? yaml_parse_all(after, &m, arena, err) : NULL;
  if (!now) return false;
  for (size_t k = 0; k < n && n == m; k++) changed += differences(old[k], now[k]);
  return (n == m && changed <= most) ||
         err_add(err, ERR_SCENARIO, "%.150s: a value that is to be changed is used elsewhere, too; change it by hand", before->name);
}

static int by_offset(const void *a, const void *b) {
  const TextEdit *x = a, *y = b;
  return (x->offset > y->offset) - (x->offset < y->offset);
}

bool documents_set(const Yaml *root, const YamlSource *source, const TextSetting *setting, size_t n, const char **text, size_t *length, size_t *count,
                   Arena *arena, Err *err) {
  TextEdit *edit = ARENA_ARRAY(arena, TextEdit, n);
  *count = 0;
  for (size_t k = 0; k < n; k++) {
    if (setting_source(root, &setting[k]) != source) continue;
    if (!edit_for(root, source, &setting[k], &edit[(*count)++], arena, err)) return false;
  }
  qsort(edit, *count, sizeof *edit, by_offset);
  const YamlSource *now = source;
  for (size_t k = *count; k-- > 0;) { /* from the end, so that the places before stay right */
    if (k + 1 < *count && edit[k].offset + edit[k].length > edit[k + 1].offset) return err_add(err, ERR_SCENARIO, "%.150s: two changes meet; make them by hand", source->name);
    now = edited_source(now, &edit[k], arena);
  }
  *text = now->text;
  *length = now->length;
  return changes_are(source, now, *count, arena, err);
}

/* ---- differences ---- */

typedef struct Lines {
  const char **line;
  int *length;
  size_t n;
} Lines;

static Lines lines_of(const char *text, Arena *arena) {
  Lines lines = {0};
  for (const char *c = text; *c; c++) lines.n += *c == '\n' || c[1] == '\0';
  lines.line = ARENA_ARRAY(arena, const char *, lines.n);
  lines.length = ARENA_ARRAY(arena, int, lines.n);
  for (size_t k = 0; k < lines.n; k++) {
    lines.line[k] = text;
    lines.length[k] = (int)strcspn(text, "\n");
    text += lines.length[k] + 1;
  }
  return lines;
}

static bool same_line(const Lines *a, size_t i, const Lines *b, size_t j) {
  if (i >= a->n || j >= b->n) return i >= a->n && j >= b->n;
  return a->length[i] == b->length[j] && memcmp(a->line[i], b->line[j], (size_t)a->length[i]) == 0;
}

/* From where two texts differ to the next two lines that they share, the nearest first. */
static void next_shared(const Lines *a, size_t i, const Lines *b, size_t j, size_t *di, size_t *dj) {
  for (size_t d = 1; d <= a->n - i + b->n - j; d++)
    for (size_t k = 0; k <= d; k++) {
      *di = k;
      *dj = d - k;
      if (i + *di > a->n || j + *dj > b->n) continue;
      if (same_line(a, i + *di, b, j + *dj) && (i + *di >= a->n || same_line(a, i + *di + 1, b, j + *dj + 1))) return;
    }
}

const char *text_diff(const char *old_name, const char *old_text, const char *new_name, const char *new_text, Arena *arena) {
  Text diff = {.arena = arena};
  Lines a = lines_of(old_text, arena), b = lines_of(new_text, arena);
  for (size_t i = 0, j = 0; i < a.n || j < b.n;) {
    if (same_line(&a, i, &b, j)) {
      i++, j++;
      continue;
    }
    size_t di = a.n - i, dj = b.n - j;
    next_shared(&a, i, &b, j, &di, &dj);
    if (diff.length == 0) text_addf(&diff, "--- %s\n+++ %s\n", old_name, new_name);
    text_addf(&diff, "@@ -%zu,%zu +%zu,%zu @@\n", di ? i + 1 : i, di, dj ? j + 1 : j, dj);
    for (size_t k = 0; k < di; k++) text_addf(&diff, "-%.*s\n", a.length[i + k], a.line[i + k]);
    for (size_t k = 0; k < dj; k++) text_addf(&diff, "+%.*s\n", b.length[j + k], b.line[j + k]);
    i += di, j += dj;
  }
  return diff.bytes ? diff.bytes : "";
}

bool text_file_write(const char *path, const char *text, size_t length, Err *err) {
  char name[PATH_MAX];
  int made = snprintf(name, sizeof name, "%s.part", path);
  int file = made > 0 && (size_t)made < sizeof name ? open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1;
  bool good = file >= 0;
  for (size_t at = 0; good && at < length;) {
    ssize_t n = write(file, text + at, length - at);
    if (n < 0 && errno == EINTR) continue;
    good = n > 0;
    at += good ? (size_t)n : 0;
  }
  good = good && fsync(file) == 0;
  int error = errno;
  if (file >= 0 && close(file) != 0 && good) {
    good = false;
    error = errno;
  }
  if (good && rename(name, path) == 0) return true;
  if (good) error = errno;
  if (file >= 0) (void)unlink(name);
  return err_add(err, ERR_IO, "cannot write %.200s: %s", path, strerror(error));
}
