/* Assertions in words: what was asserted, what the interval is, and whether that is inside, outside or neither. */
#include <math.h>

#include "sim/app/compare_print.h"

const char *verdict_name(Verdict verdict) {
  switch (verdict) {
    case VERDICT_HOLDS: return "holds";
    case VERDICT_UNDECIDED: return "undecided";
    case VERDICT_MISSED: return "missed";
  }
  return "";
}

static void say_point(const ResultFile *file, const ComparePoint *point, FILE *out) {
  for (size_t p = 0; p < file->n_parameters; p++) fprintf(out, "%s%s = %s", p ? ", " : " at ", file->parameter[p], point->value[p]);
}

static void say(const Comparison *c, const ComparePoint *point, size_t s, size_t d, const Assertion *a, Verdict verdict, Interval i, FILE *out) {
  const ResultFile *file = c->file;
  const CompareRow *row = &point->row[s];
  fprintf(out, "assert '%s': %s", a->text, verdict == VERDICT_HOLDS ? "holds" : verdict == VERDICT_MISSED ? "MISSED" : "cannot be decided");
  fprintf(out, " for %s", row->strategy);
  if (file->n_deployments > 1 && a->measure.kind == MEASURE_SUMMARY) fprintf(out, ", %s", file->deployment[d]);
  if (file->n_queues > 1 && a->measure.kind == MEASURE_TRAINING) fprintf(out, ", %s", file->queue[d]);
  say_point(file, point, out);
  if (isnan(i.mean)) fprintf(out, ": there is no such figure");
  else if (isnan(i.half_width)) fprintf(out, ": %.6g, but %s gives no interval", i.mean, i.count < 2 ? "one value" : "so small a sample");
  else fprintf(out, ": the 95 %% interval is %.6g to %.6g", i.mean - i.half_width, i.mean + i.half_width);
  if (row->failed && verdict != VERDICT_MISSED) fprintf(out, ", and %zu of its %zu runs failed", row->failed, row->failed + row->runs);
  fprintf(out, "\n");
}

Verdict assertions_judge(Comparison *c, const Assertion *assertion, size_t n, bool only_bad, FILE *out) {
  const ResultFile *file = c->file;
  Verdict worst = VERDICT_HOLDS;
  for (size_t k = 0; k < n; k++)
    for (size_t p = 0; p < c->n_points; p++)
      for (size_t s = 0; s < file->n_strategies; s++)
        for (size_t d = 0; d < (assertion[k].measure.kind == MEASURE_TRAINING ? file->n_queues : file->n_deployments); d++) {
          Interval interval;
          const ComparePoint *point = &c->point[p];
          if (!assertion_concerns(&assertion[k], file, &point->row[s], s, d)) continue;
          Verdict verdict = assertion_judge(&assertion[k], &point->row[s], d, &interval);
          if (verdict > worst) worst = verdict;
          if (out && (verdict != VERDICT_HOLDS || !only_bad)) say(c, point, s, d, &assertion[k], verdict, interval, out);
        }
  return worst;
}
