/* See differences.h. */
#include "sim/lab/differences.h"

#include <math.h>

/* Moments of both sides of complete pairs; the differences are left in c->value. */
static size_t pair_up(Comparison *c, uint64_t point, size_t a, size_t b, Measure measure, Tally *of_a, Tally *of_b) {
  size_t n = values_of(&c->values, point, a, measure, c->value), other = values_of(&c->values, point, b, measure, c->other);
  if (other < n) n = other;
  for (size_t k = 0; k < n; k++) {
    if (!isnan(c->value[k]) && !isnan(c->other[k])) {
      tally_add(of_a, c->value[k]);
      tally_add(of_b, c->other[k]);
    }
    double difference = c->value[k] - c->other[k];
    c->value[k] = fabs(difference) <= 1e-13 * fabs(c->other[k]) ? 0 : difference; /* the same figure, summed in another order */
  }
  return n;
}

static bool excludes_zero(Interval i) { return isnan(i.half_width) ? false : fabs(i.mean) > i.half_width; }

static double simultaneous(size_t comparisons) { return 1 - (1 - COMPARE_LEVEL) / (double)(comparisons > 1 ? comparisons : 1); }

static Interval paired_interval(Comparison *c, uint64_t point, size_t a, size_t b, Measure measure, double level) {
  Tally of_a = {0}, of_b = {0};
  size_t n = pair_up(c, point, a, b, measure, &of_a, &of_b);
  return interval_of_mean(c->value, n, level);
}

static bool is_latency(Measure measure) {
  return measure.kind == MEASURE_SUMMARY && (measure_quantile(measure) > 0 || measure.column == SUMMARY_latency_mean_s);
}

Difference difference_of(Comparison *c, uint64_t point, size_t a, size_t b, Measure measure, size_t n_pairs) {
  Tally of_a = {0}, of_b = {0}, of_difference = {0};
  double level = simultaneous(n_pairs);
  size_t n = pair_up(c, point, a, b, measure, &of_a, &of_b);
  Difference d = {.a = a, .b = b, .measure = measure, .interval = interval_of_mean(c->value, n, level)};
  for (size_t k = 0; k < n; k++)
    if (!isnan(c->value[k])) tally_add(&of_difference, c->value[k]);
  double apart = tally_variance(&of_a) + tally_variance(&of_b), together = tally_variance(&of_difference);
  d.factor = of_difference.count < 3 || !(apart > 0) ? (double)NAN : together > 0 ? apart / together : (double)INFINITY;
  d.relative_ratio = of_b.count && of_b.mean != 0 ? d.interval.mean / fabs(of_b.mean) : (double)NAN;
  d.relative_half_ratio = of_b.count && of_b.mean != 0 ? d.interval.half_width / fabs(of_b.mean) : (double)NAN;
  if (fabs(d.relative_ratio) > 10) d.relative_ratio = d.relative_half_ratio = (double)NAN; /* of next to nothing */
  d.told_apart = excludes_zero(d.interval);
  if (is_latency(measure)) {
    Interval lost = paired_interval(c, point, a, b, (Measure){MEASURE_SUMMARY, SUMMARY_unserved_ratio, measure.deployment}, level);
    d.unserved_differs = isnan(lost.half_width) ? lost.mean != 0 : fabs(lost.mean) > lost.half_width;
  }
  return d;
}

/* ---- the front ---- */

static Measure criterion(size_t k) {
  static const size_t column[] = {SUMMARY_latency_p99_s, SUMMARY_accuracy_ratio, SUMMARY_unserved_ratio};
  return k == 0 ? (Measure){MEASURE_CLUSTER, CLUSTER_cluster_cost_usd, 0} : (Measure){MEASURE_SUMMARY, column[(k - 1) % 3], (k - 1) / 3};
}

static double sign_of(Measure measure) { return measure.kind == MEASURE_SUMMARY && measure.column == SUMMARY_accuracy_ratio ? -1 : 1; }

/* Does b dominate a, by the figures and for sure? Every criterion is turned so that less is better. */
static void dominates(Comparison *c, uint64_t point, size_t b, size_t a, size_t n_criteria, double level, bool *by_figures, bool *for_sure) {
  bool better = false, surely_better = false;
  *by_figures = *for_sure = true;
  for (size_t k = 0; k < n_criteria; k++) {
    Measure measure = criterion(k);
    Interval i = paired_interval(c, point, a, b, measure, level);
    if (isnan(i.mean)) continue; /* neither has such a figure, as where nothing arrives */
    double lead = i.mean * sign_of(measure), half = isnan(i.half_width) ? 0 : i.half_width; /* by which b is better */
    bool guard = measure.kind == MEASURE_SUMMARY && measure.column == SUMMARY_unserved_ratio;
    if (lead < 0) *by_figures = false;
    if (lead < half && !(lead == 0 && half == 0)) *for_sure = false;
    if (guard && lead == 0) continue;
    better = better || lead > 0;
    surely_better = surely_better || lead > half;
  }
  *by_figures = *by_figures && better;
  *for_sure = *for_sure && surely_better;
}

void pareto_front(Comparison *c, const ComparePoint *point, ParetoRow *row) {
  size_t n = c->file->n_strategies, n_criteria = 1 + 3 * c->file->n_deployments;
  double level = simultaneous(n_criteria * n * (n - 1) / 2);
  for (size_t a = 0; a < n; a++) {
    const CompareRow *own = &point->row[a];
    row[a] = (ParetoRow){own->runs && !own->failed && own->worst_gap != (double)INFINITY ? PARETO_FRONT : PARETO_NONE, a};
    for (size_t b = 0; b < n && row[a].place != PARETO_NONE && row[a].place != PARETO_DOMINATED; b++) {
      const CompareRow *other = &point->row[b];
      if (b == a || !other->runs || other->failed || other->worst_gap == (double)INFINITY) continue;
      bool by_figures, for_sure;
      dominates(c, point->point, b, a, n_criteria, level, &by_figures, &for_sure);
      if (for_sure) row[a] = (ParetoRow){PARETO_DOMINATED, b};
      else if (by_figures) row[a] = (ParetoRow){PARETO_PERHAPS, b};
    }
  }
}
