/* See assertion.h. */
#include "sim/lab/assertion.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/base/units.h"

static const char *const op_words[] = {"<=", "<", ">=", ">"};

static bool fail(const char *text, const char *why, Err *err) {
  return err_add(err, ERR_USAGE, "--assert '%.120s': %s; such as 'rule: attainment_ratio >= 0.99'", text, why);
}

/* A copy without blanks at both ends. */
static const char *trimmed(const char *from, const char *to, Arena *arena) {
  while (from < to && isspace((unsigned char)*from)) from++;
  while (to > from && isspace((unsigned char)to[-1])) to--;
  return arena_text(arena, from, (size_t)(to - from));
}

static bool find_in(const char *name, const char *const *names, size_t n, size_t *found) {
  for (*found = 0; *found < n; ++*found)
    if (text_equal(names[*found], name)) return true;
  return false;
}

static bool unknown(const char *text, const char *what, const char *name, const char *const *names, size_t n, Err *err) {
  const char *near = text_nearest(name, names, n);
  return err_add(err, ERR_USAGE, "--assert '%.120s': no %s %.60s%s%s", text, what, name, near ? "; did you mean " : "", near ? near : "");
}

static bool read_bound(const char *word, Measure measure, double *bound) {
  char *end;
  *bound = strtod(word, &end);
  if (end == word) return false;
  if (!strcmp(end, "%")) *bound /= 100;
  if (!*end || !strcmp(end, "%")) return isfinite(*bound);
  int64_t ns;
  const char *why;
  bool seconds = text_equal(measure_info(measure)->unit, "s");
  if (!seconds || !parse_duration_ns(word, &ns, &why)) return false;
  *bound = (double)ns / 1e9;
  return true;
}

/* Whose figure it is: of a queue for figures of training, else of a deployment. */
static bool read_owner(Assertion *a, const char *owner, const AssertionNames *names, Err *err) {
  bool training = a->measure.kind == MEASURE_TRAINING;
  size_t n = training ? names->n_queues : names->n_deployments;
  const char *const *name = training ? names->queue : names->deployment;
  a->deployment = n;
  if (!owner || find_in(owner, name, n, &a->deployment)) return true;
  return unknown(a->text, training ? "training queue" : "deployment", owner, name, n, err);
}

static bool read_metric(Assertion *a, const char *word, const AssertionNames *names, Arena *arena, Err *err) {
  const char *column[SUMMARY_COUNT + CLUSTER_COUNT + TRAINING_COUNT], *dot = strrchr(word, '.');
  const char *owner = dot ? trimmed(word, dot, arena) : NULL;
  if (dot) word = trimmed(dot + 1, word + strlen(word), arena);
  if (measure_find(word, &a->measure) && (a->measure.kind != MEASURE_TRAINING || names->n_queues > 0)) return read_owner(a, owner, names, err);
  if (owner && !read_owner(a, owner, names, err)) return false;
  size_t n = SUMMARY_COUNT + CLUSTER_COUNT + (names->n_queues > 0 ? TRAINING_COUNT : 0);
  for (size_t k = 0; k < n; k++)
    column[k] = k < SUMMARY_COUNT ? summary_column[k].name : k < SUMMARY_COUNT + CLUSTER_COUNT ? cluster_column[k - SUMMARY_COUNT].name : training_column[k - SUMMARY_COUNT - CLUSTER_COUNT].name;
  return unknown(a->text, "metric", word, column, n, err);
}

bool assertion_parse(Assertion *a, const char *text, const AssertionNames *names, Arena *arena, Err *err) {
  *a = (Assertion){.text = text, .strategy = names->n_strategies};
  size_t at = strcspn(text, "<>");
  if (!text[at]) return fail(text, "no <= or >= in it", err);
  bool equal = text[at + 1] == '=';
  a->op = text[at] == '<' ? (equal ? ASSERTION_LE : ASSERTION_LT) : equal ? ASSERTION_GE : ASSERTION_GT;
  const char *colon = memrchr(text, ':', at), *left = text;
  if (colon) {
    const char *strategy = trimmed(text, colon, arena);
    if (!find_in(strategy, names->strategy, names->n_strategies, &a->strategy))
      return unknown(text, "strategy", strategy, names->strategy, names->n_strategies, err);
    left = colon + 1;
  }
  if (!read_metric(a, trimmed(left, text + at, arena), names, arena, err)) return false;
  const char *right = text + at + 1 + equal;
  if (!read_bound(trimmed(right, right + strlen(right), arena), a->measure, &a->bound))
    return fail(text, arena_format(arena, "no bound behind %s", op_words[a->op]), err);
  return true;
}

bool assertion_concerns(const Assertion *a, const ResultFile *file, const CompareRow *row, size_t strategy, size_t deployment) {
  if (a->strategy < file->n_strategies && a->strategy != strategy) return false;
  if (a->measure.kind == MEASURE_CLUSTER) return deployment == 0;
  if (a->measure.kind == MEASURE_TRAINING)
    return a->deployment < file->n_queues ? a->deployment == deployment : !(row->training[deployment * TRAINING_COUNT + TRAINING_submitted].mean == 0);
  if (a->deployment < file->n_deployments) return a->deployment == deployment;
  return !(row->metric[deployment * SUMMARY_COUNT + SUMMARY_offered].mean == 0); /* nothing came: nothing to judge */
}

Verdict assertion_judge(const Assertion *a, const CompareRow *row, size_t deployment, Interval *interval) {
  Measure measure = a->measure;
  measure.deployment = deployment;
  *interval = compare_interval(row, measure);
  double low = interval->mean - interval->half_width, high = interval->mean + interval->half_width;
  if (isnan(interval->mean) || isnan(low)) return VERDICT_UNDECIDED;
  bool inside = false, outside = false;
  switch (a->op) {
    case ASSERTION_LE: inside = high <= a->bound, outside = low > a->bound; break;
    case ASSERTION_LT: inside = high < a->bound, outside = low >= a->bound; break;
    case ASSERTION_GE: inside = low >= a->bound, outside = high < a->bound; break;
    case ASSERTION_GT: inside = low > a->bound, outside = high <= a->bound; break;
  }
  if (inside && row->failed) return VERDICT_UNDECIDED;
  return inside ? VERDICT_HOLDS : outside ? VERDICT_MISSED : VERDICT_UNDECIDED;
}
