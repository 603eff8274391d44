/* Comparisons for machines: JSON with everything, CSV with one line a point, strategy and deployment (or pair and measure). */
#include <math.h>

#include "sim/app/compare_print.h"
#include "sim/app/machine_text.h"

static void json_interval(const char *name, Interval i, bool first) {
  printf("%s", first ? "" : ", ");
  json_string(name);
  printf(": {\"mean\": ");
  json_number(i.mean);
  printf(", \"half_width\": ");
  json_number(i.half_width);
  printf("}");
}

static const char *place_name(ParetoPlace place) {
  switch (place) {
    case PARETO_NONE: return "none";
    case PARETO_FRONT: return "front";
    case PARETO_PERHAPS: return "perhaps";
    case PARETO_DOMINATED: return "dominated";
  }
  return "";
}

static void json_place(const ResultFile *file, const ComparePoint *point, const CompareRow *row, const ParetoRow *pareto) {
  printf(", \"pareto\": \"%s\"", place_name(pareto->place));
  if (pareto->place == PARETO_PERHAPS || pareto->place == PARETO_DOMINATED) {
    printf(", \"dominated_by\": ");
    json_string(file->strategy[pareto->by]);
  }
  json_interval("difference_from_winner", row->difference, false);
  if (point->decided && (row->winner || row->best.can_be_best || row->best.high > 0)) {
    printf(", \"worse_than_best_of_others\": {\"low\": ");
    json_number(row->best.low);
    printf(", \"high\": ");
    json_number(row->best.high);
    printf("}");
  }
  if (row->control_factor == row->control_factor) { /* not NaN */
    printf(", \"control_factor\": ");
    json_number(row->control_factor);
  }
  printf(", ");
}

static void json_training(const ResultFile *file, const CompareRow *row) {
  printf(", \"training\": {");
  for (size_t q = 0; q < file->n_queues; q++) {
    printf("%s", q ? ", " : "");
    json_string(file->queue[q]);
    printf(": {");
    for (size_t m = 0; m < TRAINING_COUNT; m++) json_interval(training_column[m].name, row->training[q * TRAINING_COUNT + m], m == 0);
    printf("}");
  }
  printf("}");
}

static void json_row(const ResultFile *file, const ComparePoint *point, const CompareRow *row, const ParetoRow *pareto) {
  printf("{\"strategy\": ");
  json_string(row->strategy);
  printf(", \"runs\": %zu, \"failed\": %zu, \"values\": %zu, \"winner\": %s, \"tied\": %s, \"reaches_objective\": %s", row->runs, row->failed, row->values,
         row->winner ? "true" : "false", row->tied ? "true" : "false", row->reaches ? "true" : "false");
  printf(", \"clairvoyant\": %s", row->clairvoyant ? "true" : "false");
  json_place(file, point, row, pareto);
  json_interval("regret_achievable_usd", row->regret_achievable, true);
  json_interval("regret_bound_usd", row->regret_bound, false);
  for (size_t m = 0; m < CLUSTER_COUNT; m++) json_interval(cluster_column[m].name, row->cluster[m], false);
  printf(", \"deployments\": {");
  for (size_t d = 0; d < file->n_deployments; d++) {
    printf("%s", d ? ", " : "");
    json_string(file->deployment[d]);
    printf(": {");
    for (size_t m = 0; m < SUMMARY_COUNT; m++) json_interval(summary_column[m].name, row->metric[d * SUMMARY_COUNT + m], m == 0);
    printf("}");
  }
  printf("}");
  if (file->n_queues) json_training(file, row);
  printf("}");
}

static void json_difference(const ResultFile *file, const Difference *d) {
  printf("{\"a\": ");
  json_string(file->strategy[d->a]);
  printf(", \"b\": ");
  json_string(file->strategy[d->b]);
  printf(", \"metric\": \"%s\"", measure_info(d->measure)->name);
  if (measure_owner(file, d->measure)) {
    printf(d->measure.kind == MEASURE_TRAINING ? ", \"queue\": " : ", \"deployment\": ");
    json_string(measure_owner(file, d->measure));
  }
  json_interval("difference", d->interval, false);
  printf(", \"relative\": ");
  json_number(d->relative_ratio);
  printf(", \"variance_factor\": ");
  json_number(d->factor);
  printf(", \"told_apart\": %s, \"unserved_differs\": %s}", d->told_apart ? "true" : "false", d->unserved_differs ? "true" : "false");
}

static void json_pairs(Comparison *c, const ComparePoint *point, size_t baseline) {
  size_t n = c->file->n_strategies, n_pairs = pair_count(n, baseline), a, b, shown = 0;
  Measure measure;
  printf(", \"pairs\": [");
  for (size_t k = 0; pair_of(n, baseline, k, &a, &b); k++)
    for (size_t m = 0; pair_measure(c->file, m, &measure); m++) {
      Difference d = difference_of(c, point->point, a, b, measure, n_pairs);
      printf("%s\n  ", shown++ ? "," : "");
      json_difference(c->file, &d);
    }
  printf("]");
}

static void json_assertions(Comparison *c, const Assertion *assertion, size_t n) {
  printf(", \"assertions\": [");
  for (size_t k = 0; k < n; k++) {
    printf("%s{\"text\": ", k ? ", " : "");
    json_string(assertion[k].text);
    printf(", \"verdict\": \"%s\"}", verdict_name(assertions_judge(c, &assertion[k], 1, false, NULL)));
  }
  printf("]");
}

static void json_point(Comparison *c, const ComparePoint *point, const ComparisonView *view, size_t baseline) {
  const ResultFile *file = c->file;
  ParetoRow *pareto = ARENA_ARRAY(c->arena, ParetoRow, file->n_strategies);
  pareto_front(c, point, pareto);
  printf("\n {\"point\": %llu, \"parameters\": {", (unsigned long long)point->point);
  for (size_t k = 0; k < file->n_parameters; k++) {
    printf("%s", k ? ", " : "");
    json_string(file->parameter[k]);
    printf(": ");
    json_string(point->value[k]);
  }
  printf("}, \"decided_by\": \"%s\", \"strategies\": [", point->by_cost ? "cost" : "attainment");
  for (size_t s = 0; s < file->n_strategies; s++) {
    printf("%s\n  ", s ? "," : "");
    json_row(file, point, &point->row[s], &pareto[s]);
  }
  printf("]");
  if (pairs_wanted(view)) json_pairs(c, point, baseline);
  printf("}");
}

void comparison_json(Comparison *c, const ComparisonView *view, size_t baseline, const Assertion *assertion) {
  printf("{\"name\": ");
  json_string(c->file->name);
  printf(", \"level\": %.2f, \"intervals_over\": ", COMPARE_LEVEL);
  json_string(values_name(c->file));
  printf(", \"conditional_on\": ");
  json_string(c->file->conditional_on);
  if (view->n_assertions) json_assertions(c, assertion, view->n_assertions);
  printf(", \"points\": [");
  for (size_t p = 0; p < c->n_points; p++) {
    printf("%s", p ? "," : "");
    json_point(c, &c->point[p], view, baseline);
  }
  printf("]}\n");
}

static void csv_parameters(const ResultFile *file, const char *const *value) {
  for (size_t k = 0; k < file->n_parameters; k++) {
    csv_string(value[k]);
    printf(",");
  }
}

static void csv_interval(Interval i) {
  printf(",");
  csv_number(i.mean);
  printf(",");
  csv_number(i.half_width);
}

/* Deployments first, then training queues; each has its own columns, those of the others stay empty. */
static void csv_row(const ResultFile *file, const ComparePoint *point, const CompareRow *row, size_t d) {
  const Interval none = {.mean = (double)NAN, .half_width = (double)NAN};
  bool queue = d >= file->n_deployments;
  size_t q = d - file->n_deployments;
  csv_parameters(file, point->value);
  csv_string(row->strategy);
  printf(",%zu,%d,", row->runs, row->winner ? 1 : row->tied ? -1 : 0);
  csv_string(queue ? file->queue[q] : file->deployment[d]);
  for (size_t m = 0; m < CLUSTER_COUNT; m++) csv_interval(row->cluster[m]);
  for (size_t m = 0; m < SUMMARY_COUNT; m++) csv_interval(queue ? none : row->metric[d * SUMMARY_COUNT + m]);
  for (size_t m = 0; m < TRAINING_COUNT && file->n_queues; m++) csv_interval(queue ? row->training[q * TRAINING_COUNT + m] : none);
  printf("\n");
}

void comparison_csv(Comparison *c) {
  const ResultFile *file = c->file;
  csv_parameters(file, file->parameter);
  printf("strategy,runs,winner,deployment");
  for (size_t m = 0; m < CLUSTER_COUNT; m++) printf(",%s,%s_half_width", cluster_column[m].name, cluster_column[m].name);
  for (size_t m = 0; m < SUMMARY_COUNT; m++) printf(",%s,%s_half_width", summary_column[m].name, summary_column[m].name);
  for (size_t m = 0; m < TRAINING_COUNT && file->n_queues; m++) printf(",%s,%s_half_width", training_column[m].name, training_column[m].name);
  printf("\n");
  for (size_t p = 0; p < c->n_points; p++)
    for (size_t s = 0; s < file->n_strategies; s++)
      for (size_t d = 0; d < file->n_deployments + file->n_queues; d++) csv_row(file, &c->point[p], &c->point[p].row[s], d);
}

static void csv_difference(const ResultFile *file, const ComparePoint *point, const Difference *d) {
  csv_parameters(file, point->value);
  csv_string(file->strategy[d->a]);
  printf(",");
  csv_string(file->strategy[d->b]);
  printf(",");
  if (measure_owner(file, d->measure)) csv_string(measure_owner(file, d->measure));
  printf(",%s", measure_info(d->measure)->name);
  csv_interval(d->interval);
  printf(",");
  csv_number(d->relative_ratio);
  printf(",");
  csv_number(d->factor);
  printf(",%d,%d\n", d->told_apart, d->unserved_differs);
}

void pairs_csv(Comparison *c, size_t baseline) {
  const ResultFile *file = c->file;
  size_t n_pairs = pair_count(file->n_strategies, baseline), a, b;
  Measure measure;
  csv_parameters(file, file->parameter);
  printf("a,b,deployment,metric,difference,difference_half_width,relative,variance_factor,told_apart,unserved_differs\n");
  for (size_t p = 0; p < c->n_points; p++)
    for (size_t k = 0; pair_of(file->n_strategies, baseline, k, &a, &b); k++)
      for (size_t m = 0; pair_measure(file, m, &measure); m++) {
        Difference d = difference_of(c, p, a, b, measure, n_pairs);
        csv_difference(file, &c->point[p], &d);
      }
}
