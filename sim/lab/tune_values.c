/* Reading the values of a threshold; see tune_values.h. */
#include "sim/lab/tune_values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/contract/type.h"

enum { STEPS_MOST = 100000, CUTS = 200 };

/* A number and what stands around it. */
typedef struct Measure {
  const char *prefix, *suffix;
  double number;
  int decimals;
  bool whole; /* written without a point */
} Measure;

static bool measure(const char *text, Measure *m, Arena *arena) {
  size_t skip = strcspn(text, "-+.0123456789");
  char *end;
  m->prefix = arena_text(arena, text, skip);
  m->number = strtod(text + skip, &end);
  if (end == text + skip || !isfinite(m->number)) return false;
  m->suffix = end;
  const char *point = memchr(text + skip, '.', (size_t)(end - text) - skip);
  m->decimals = point ? (int)(end - point - 1) : 0;
  m->whole = !point && !memchr(text + skip, 'e', (size_t)(end - text) - skip);
  return strcspn(m->suffix, "0123456789") == strlen(m->suffix);
}

static bool fail(const TuneAxis *axis, const char *spec, const char *why, Err *err) {
  return yaml_error(err, axis->mark.source && axis->mark.source->is_file ? ERR_SCENARIO : ERR_USAGE, axis->mark, "%.150s: `%.60s`: %s", axis->path, spec, why);
}

/* ---- ranges ---- */

static bool read_durations(TuneAxis *axis, const char *low, const char *high, const char *step, double *top, double *by) {
  int64_t a, b, s = 0;
  const char *why;
  if (!parse_duration_ns(low, &a, &why) || !parse_duration_ns(high, &b, &why)) return false;
  if (step && !parse_duration_ns(step, &s, &why)) return false;
  axis->duration = true;
  axis->prefix = axis->suffix = "";
  axis->low = (double)a / 1e9;
  *top = (double)b / 1e9;
  *by = (double)s / 1e9;
  return true;
}

static int max_int(int a, int b) { return a > b ? a : b; }

static bool read_numbers(TuneAxis *axis, const char *low, const char *high, const char *step, double *top, double *by, bool *whole, Arena *arena) {
  Measure a, b, s = {.number = 0, .whole = true};
  if (!measure(low, &a, arena) || !measure(high, &b, arena) || (step && !measure(step, &s, arena))) return false;
  /* 50..90% is 50%..90%. */
  bool same = (text_equal(a.suffix, b.suffix) || a.suffix[0] == '\0') && (text_equal(a.prefix, b.prefix) || b.prefix[0] == '\0');
  if (!same || (step && s.suffix[0] && !text_equal(s.suffix, b.suffix))) return false;
  axis->prefix = a.prefix;
  axis->suffix = b.suffix;
  axis->low = a.number;
  axis->decimals = max_int(max_int(a.decimals, b.decimals), s.decimals);
  *top = b.number;
  *by = s.number;
  *whole = a.whole && b.whole && s.whole;
  return true;
}

/* Steps of a range of which any value may be taken: a power of ten, at least CUTS in the range; whole numbers stay whole. */
static void cut(TuneAxis *axis, double top, bool must_be_whole) {
  int power = (int)floor(log10((top - axis->low) / CUTS));
  if (must_be_whole && power < 0) power = 0;
  if (axis->duration && power < -3) power = -3;
  axis->quantum = pow(10, power);
  axis->decimals = max_int(axis->decimals, -power);
  axis->count = (uint32_t)floor((top - axis->low) / axis->quantum + 1e-9) + 1;
  axis->any_value = axis->ordered = true;
}

static bool read_range(TuneAxis *axis, const char *spec, const char *dots, int kind, Arena *arena, Err *err) {
  const char *high = dots + 2, *second = strstr(high, ".."), *low = arena_text(arena, spec, (size_t)(dots - spec));
  const char *step = second ? second + 2 : NULL;
  double top, by;
  bool whole = false;
  if (second) high = arena_text(arena, high, (size_t)(second - high));
  if (!read_numbers(axis, low, high, step, &top, &by, &whole, arena) && !read_durations(axis, low, high, step, &top, &by))
    return fail(axis, spec, "a range is 50%..90% or 30s..10m, both ends in the same unit; in steps: 50%..90%..5%", err);
  if (!(axis->low < top)) return fail(axis, spec, "the first end of a range is below the second", err);
  if (!step) {
    /* Where the table does not tell what a number is (a manifest), numbers written whole stay whole: fields of Kubernetes are. */
    cut(axis, top, kind == (int)FIELD_INTEGER || (kind < 0 && whole));
    return true;
  }
  if (!(by > 0) || (top - axis->low) / by > STEPS_MOST) return fail(axis, spec, "the step is above 0 and makes at most 100000 values", err);
  axis->quantum = by;
  axis->count = (uint32_t)floor((top - axis->low) / by + 1e-9) + 1;
  axis->ordered = true;
  return true;
}

const char *values_text(const TuneAxis *axis, uint32_t value, Arena *arena) {
  double number = axis->low + (double)value * axis->quantum;
  char digits[64];
  if (axis->duration) {
    format_duration(digits, (int64_t)llround(number * 1e9));
    return arena_text(arena, digits, strlen(digits));
  }
  snprintf(digits, sizeof digits, "%.*f", axis->decimals, number);
  if (strchr(digits, '.')) {
    size_t n = strlen(digits);
    while (digits[n - 1] == '0') digits[--n] = '\0';
    if (digits[n - 1] == '.') digits[--n] = '\0';
  }
  return arena_format(arena, "%s%s%s", axis->prefix, digits, axis->suffix);
}

/* ---- lists ---- */

void values_order(TuneAxis *axis) {
  int direction = 0;
  Arena arena = {0};
  double before = 0;
  axis->ordered = true;
  for (uint32_t k = 0; k < axis->count && axis->ordered; k++) {
    const Yaml *node = axis->value[k];
    const char *why;
    Measure m = {0};
    int64_t ns;
    axis->ordered = node->kind == YAML_SCALAR && (measure(node->text, &m, &arena) || parse_duration_ns(node->text, &ns, &why));
    if (axis->ordered && parse_duration_ns(node->text, &ns, &why)) m.number = (double)ns / 1e9;
    int now = k == 0 ? 0 : m.number > before ? 1 : -1;
    if (k > 1 && now != direction) axis->ordered = false;
    direction = now;
    before = m.number;
  }
  arena_free(&arena);
}

/* {a, b, c}: the same list with other brackets, as a shell's user would write it. */
static const char *as_list(const char *spec, Arena *arena) {
  size_t n = strlen(spec);
  if (spec[0] == '[') return spec;
  char *list = arena_text(arena, spec, n);
  list[0] = '[';
  list[n - 1] = ']';
  return list;
}

static bool read_list(TuneAxis *axis, const char *spec, Arena *arena, Err *err) {
  YamlSource *source = ARENA_NEW(arena, YamlSource);
  const char *text = as_list(spec, arena);
  *source = (YamlSource){.name = arena_format(arena, "--over %s=%s", axis->path, spec), .text = text, .length = strlen(text)};
  const Yaml *list = yaml_parse(source, arena, err);
  if (!list) return false;
  if (list->kind != YAML_LIST || list->count == 0) return fail(axis, spec, "a list of values is written {50%,60%,70%}", err);
  axis->value = ARENA_ARRAY(arena, const Yaml *, list->count);
  for (size_t k = 0; k < list->count; k++) axis->value[k] = list->entry[k].value;
  axis->count = (uint32_t)list->count;
  values_order(axis);
  return true;
}

bool values_read(TuneAxis *axis, const char *spec, int kind, Arena *arena, Err *err) {
  size_t n = strlen(spec);
  bool braces = n >= 2 && ((spec[0] == '{' && spec[n - 1] == '}') || (spec[0] == '[' && spec[n - 1] == ']'));
  if (braces) return read_list(axis, spec, arena, err);
  const char *dots = strstr(spec, "..");
  if (dots && dots != spec) return read_range(axis, spec, dots, kind, arena, err);
  return fail(axis, spec, "values are {50%,60%,70%}, 50%..90%, or 50%..90%..5%", err);
}
