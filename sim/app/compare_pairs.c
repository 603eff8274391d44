/* Pairs of strategies in words, and the Pareto front. */
#include <math.h>
#include <string.h>

#include "sim/app/compare_print.h"

bool pairs_wanted(const ComparisonView *view) { return view->pairs || view->baseline; }

size_t pair_count(size_t n, size_t baseline) { return baseline < n ? n - 1 : n * (n - 1) / 2; }

bool pair_of(size_t n, size_t baseline, size_t k, size_t *a, size_t *b) {
  if (k >= pair_count(n, baseline)) return false;
  if (baseline < n) {
    *a = k < baseline ? k : k + 1;
    *b = baseline;
    return true;
  }
  for (*b = 0; k >= n - 1 - *b; ++*b) k -= n - 1 - *b;
  *a = *b + 1 + k;
  return true;
}

static bool pair_measure_of_training(size_t n_queues, size_t k, Measure *measure) {
  static const size_t column[] = {TRAINING_completion_mean_s, TRAINING_completion_p95_s, TRAINING_in_system_mean_s, TRAINING_queueing_mean_s, TRAINING_completed,
                                  TRAINING_goodput_ratio, TRAINING_gpu_share_ratio, TRAINING_cluster_gpu_ratio};
  enum { N = sizeof column / sizeof *column };
  if (k >= N * n_queues) return false;
  *measure = (Measure){MEASURE_TRAINING, column[k % N], k / N};
  return true;
}

bool pair_measure(const ResultFile *file, size_t k, Measure *measure) {
  static const size_t column[] = {SUMMARY_latency_mean_s, SUMMARY_latency_p99_s, SUMMARY_attainment_ratio, SUMMARY_unserved_ratio, SUMMARY_accuracy_ratio};
  enum { N = sizeof column / sizeof *column };
  if (k > N * file->n_deployments) return pair_measure_of_training(file->n_queues, k - N * file->n_deployments - 1, measure);
  *measure = k == 0 ? (Measure){MEASURE_CLUSTER, CLUSTER_cluster_cost_usd, 0} : (Measure){MEASURE_SUMMARY, column[(k - 1) % N], (k - 1) / N};
  return true;
}

static const char *in_words(const Difference *d) {
  if (isnan(d->interval.mean)) return "-";
  if (isnan(d->interval.half_width)) return "no interval";
  if (d->interval.mean == 0 && d->interval.half_width == 0) return "the same";
  if (!d->told_apart) return "cannot be told apart";
  if (d->unserved_differs) return d->interval.mean < 0 ? "less, but of the jobs served: the unserved shares differ" : "more, but of the jobs served: the unserved shares differ";
  return d->interval.mean < 0 ? "less" : "more";
}

static void print_factor(double factor) {
  if (isnan(factor)) printf("%10s", "-");
  else if (isinf(factor)) printf("%10s", "all");
  else printf("%9.1fx", factor);
}

static void print_difference(const ResultFile *file, const Difference *d) {
  char name[96];
  const char *owner = file->n_deployments + file->n_queues > 1 ? measure_owner(file, d->measure) : NULL;
  snprintf(name, sizeof name, "%s%s%s", owner ? owner : "", owner ? "." : "", measure_info(d->measure)->name);
  printf("  %-28s", name);
  if (isnan(d->interval.mean)) printf("%24s%20s", "-", "");
  else printf("%+13.5g ± %-8.3g", d->interval.mean, d->interval.half_width);
  if (!isnan(d->interval.mean) && !isnan(d->relative_ratio)) printf("%+9.2f %% ± %-6.2f", 100 * d->relative_ratio, 100 * d->relative_half_ratio);
  else if (!isnan(d->interval.mean)) printf("%20s", "");
  print_factor(d->factor);
  printf("  %s\n", in_words(d));
}

/* "B costs 7.1 % ± 0.9 less than A", and whether their attainment can be told apart. */
static void print_headline(Comparison *c, const ComparePoint *point, size_t a, size_t b, size_t n_pairs) {
  const ResultFile *file = c->file;
  Difference cost = difference_of(c, point->point, a, b, (Measure){MEASURE_CLUSTER, CLUSTER_cluster_cost_usd, 0}, n_pairs);
  bool same = true;
  for (size_t d = 0; d < file->n_deployments; d++)
    same = same && !difference_of(c, point->point, a, b, (Measure){MEASURE_SUMMARY, SUMMARY_attainment_ratio, d}, n_pairs).told_apart;
  printf("%s against %s: ", file->strategy[a], file->strategy[b]);
  if (isnan(cost.interval.half_width)) printf("no interval (%zu complete pair%s)\n", cost.interval.count, cost.interval.count == 1 ? "" : "s");
  else if (!cost.told_apart) printf("their costs cannot be told apart%s\n", same ? ", nor can their attainment" : "; their attainment can");
  else printf("costs %.3g %% ± %.2g %s, %s\n", 100 * fabs(cost.relative_ratio), 100 * cost.relative_half_ratio, cost.interval.mean < 0 ? "less" : "more",
              same ? "at attainment that cannot be told apart" : "at another attainment");
}

void pairs_print(Comparison *c, const ComparePoint *point, size_t baseline) {
  size_t n = c->file->n_strategies, n_pairs = pair_count(n, baseline), a, b;
  if (!n_pairs) return;
  printf("\nDifferences paired on common random numbers; of each figure all %zu interval%s hold%s with 95 %% (Bonferroni). Last number: how much the\n"
         "common numbers cut the variance of the difference.\n", n_pairs, n_pairs == 1 ? "" : "s together", n_pairs == 1 ? "s" : "");
  for (size_t k = 0; pair_of(n, baseline, k, &a, &b); k++) {
    if (!point->row[a].runs || !point->row[b].runs) continue;
    print_headline(c, point, a, b, n_pairs);
    Measure measure;
    for (size_t m = 0; pair_measure(c->file, m, &measure); m++) {
      Difference d = difference_of(c, point->point, a, b, measure, n_pairs);
      print_difference(c->file, &d);
    }
  }
}

static void print_place(const ResultFile *file, const ParetoRow *row, ParetoPlace place, const char *words) {
  size_t shown = 0;
  for (size_t s = 0; s < file->n_strategies; s++) {
    if (row[s].place != place) continue;
    printf("%s%s", shown++ ? ", " : words, file->strategy[s]);
    if (place != PARETO_FRONT) printf(" (by %s)", file->strategy[row[s].by]);
  }
}

void front_print(Comparison *c, const ComparePoint *point) {
  size_t n = c->file->n_strategies;
  if (n < 2 || !point->decided || point->row[0].values < 2) return;
  ParetoRow *row = ARENA_ARRAY(c->arena, ParetoRow, n);
  pareto_front(c, point, row);
  print_place(c->file, row, PARETO_FRONT, "On the front of cost, p99 latency and accuracy: ");
  print_place(c->file, row, PARETO_PERHAPS, "; perhaps dominated: ");
  print_place(c->file, row, PARETO_DOMINATED, "; dominated: ");
  printf(".\n");
}
