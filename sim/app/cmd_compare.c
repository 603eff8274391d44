/* headroom compare: one table a deployment and point, in words who wins, and the regions of a sweep; --json and --csv for machines. */
#include <math.h>
#include <string.h>

#include "sim/app/command.h"
#include "sim/app/compare_print.h"
#include "sim/base/text.h"

enum { OPT_JSON, OPT_CSV, OPT_BASELINE, OPT_PAIRS, OPT_CONTROL };
enum { EXIT_UNDECIDED = 98, EXIT_MISSED = 99 }; /* of --assert */

/* The columns people compare. `scale` turns the stored unit into the printed one. */
typedef struct Shown {
  const char *title;
  int metric;  /* SUMMARY_..., or -1 - CLUSTER_... */
  double scale;
  int decimals;
} Shown;

enum { N_SHOWN = 9, CELL = 48, COLUMN_COST = 0, COLUMN_P50, COLUMN_P95, COLUMN_P99 };

static const Shown usual[N_SHOWN] = {
    [COLUMN_COST] = {"cost $", -1 - CLUSTER_cluster_cost_usd, 1, 2},
    [COLUMN_P50] = {"p50 ms", SUMMARY_latency_p50_s, 1e3, 0},
    [COLUMN_P95] = {"p95 ms", SUMMARY_latency_p95_s, 1e3, 0},
    [COLUMN_P99] = {"p99 ms", SUMMARY_latency_p99_s, 1e3, 0},
    {"attained %", SUMMARY_attainment_ratio, 100, 2},
    {"jobs/s", SUMMARY_throughput_rps, 1, 2},
    {"dropped", SUMMARY_dropped, 1, 0},
    {"accuracy", SUMMARY_accuracy_ratio, 1, 3},
    {"actions", SUMMARY_scale_actions, 1, 1},
};

static Interval shown_interval(const CompareRow *row, size_t deployment, const Shown *column) {
  Interval i = column->metric < 0 ? row->cluster[-1 - column->metric] : row->metric[deployment * SUMMARY_COUNT + (size_t)column->metric];
  i.mean *= column->scale;
  i.half_width *= column->scale;
  return i;
}

/* The columns for one table: latencies in seconds where milliseconds would be long, the deployment's own cost where there are several. */
static void choose_columns(const Comparison *c, const ComparePoint *point, size_t d, Shown *shown) {
  memcpy(shown, usual, sizeof usual);
  if (c->file->n_deployments + c->file->n_queues > 1) shown[COLUMN_COST] = (Shown){"charged $", SUMMARY_cost_usd, 1, 2};
  double longest = 0, dearest = 0;
  for (size_t s = 0; s < c->file->n_strategies; s++) {
    double p99_s = point->row[s].metric[d * SUMMARY_COUNT + SUMMARY_latency_p99_s].mean;
    double cost = shown_interval(&point->row[s], d, &shown[COLUMN_COST]).mean;
    if (p99_s > longest) longest = p99_s;
    if (cost > dearest) dearest = cost;
  }
  if (dearest < 1) shown[COLUMN_COST].decimals = 5;
  if (longest < 10) return;
  shown[COLUMN_P50] = (Shown){"p50 s", SUMMARY_latency_p50_s, 1, 2};
  shown[COLUMN_P95] = (Shown){"p95 s", SUMMARY_latency_p95_s, 1, 2};
  shown[COLUMN_P99] = (Shown){"p99 s", SUMMARY_latency_p99_s, 1, 2};
}

static void format_interval(char *cell, Interval i, int decimals) {
  if (isnan(i.mean)) snprintf(cell, CELL, "-");
  else if (isnan(i.half_width)) snprintf(cell, CELL, "%.*f", decimals, i.mean);
  else snprintf(cell, CELL, "%.*f ±%.*f", decimals, i.mean, decimals, i.half_width);
}

/* Columns a terminal shows for UTF-8 text (± is one). */
static int shown_width(const char *text) {
  int n = 0;
  for (; *text; text++) n += (*text & 0xc0) != 0x80;
  return n;
}

static void print_cell(const char *text, int width) { printf("  %*s%s", width - shown_width(text), "", text); }

static void print_table(const Comparison *c, const ComparePoint *point, size_t d) {
  const ResultFile *file = c->file;
  Shown shown[N_SHOWN];
  int width[N_SHOWN], name_width = 8;
  char cell[CELL];
  choose_columns(c, point, d, shown);
  for (size_t k = 0; k < N_SHOWN; k++) {
    width[k] = shown_width(shown[k].title);
    for (size_t s = 0; s < file->n_strategies; s++) {
      format_interval(cell, shown_interval(&point->row[s], d, &shown[k]), shown[k].decimals);
      if (shown_width(cell) > width[k]) width[k] = shown_width(cell);
    }
  }
  for (size_t s = 0; s < file->n_strategies; s++)
    if (shown_width(file->strategy[s]) > name_width) name_width = shown_width(file->strategy[s]);
  printf("%-*s", name_width + 2, "strategy");
  for (size_t k = 0; k < N_SHOWN; k++) print_cell(shown[k].title, width[k]);
  printf("\n");
  for (size_t s = 0; s < file->n_strategies; s++) {
    const CompareRow *row = &point->row[s];
    printf("%s %s%*s", row->winner ? "*" : row->tied ? "~" : row->clairvoyant ? "=" : " ", row->strategy, name_width - shown_width(row->strategy), "");
    for (size_t k = 0; k < N_SHOWN; k++) {
      format_interval(cell, shown_interval(row, d, &shown[k]), shown[k].decimals);
      print_cell(cell, width[k]);
    }
    if (row->failed) printf("  (%zu runs failed)", row->failed);
    printf("\n");
  }
}

static const CompareRow *winner_of(const ComparePoint *point, size_t n) {
  for (size_t s = 0; s < n; s++)
    if (point->row[s].winner) return &point->row[s];
  return NULL;
}

/* A cheaper winner may be a less accurate one: say so, the rule does not weigh it. */
static void print_accuracy_given_up(const Comparison *c, const ComparePoint *point, const CompareRow *best) {
  for (size_t d = 0; d < c->file->n_deployments; d++) {
    const CompareRow *most = best;
    size_t k = d * SUMMARY_COUNT + SUMMARY_accuracy_ratio;
    for (size_t s = 0; s < c->file->n_strategies; s++)
      if (point->row[s].reaches && point->row[s].metric[k].mean > most->metric[k].mean) most = &point->row[s];
    if (most->metric[k].mean - best->metric[k].mean < 0.001) continue;
    printf("Accuracy is not weighed: %s%s %.3f with %s, %.3f with %s, which also reaches the objective.\n", c->file->n_deployments > 1 ? c->file->deployment[d] : "it is",
           c->file->n_deployments > 1 ? " is" : "", best->metric[k].mean, best->strategy, most->metric[k].mean, most->strategy);
  }
}

static void print_verdict(const Comparison *c, const ComparePoint *point) {
  size_t n = c->file->n_strategies;
  const CompareRow *best = winner_of(point, n);
  if (!best) {
    printf("No strategy has a finished run that served anything.\n");
    return;
  }
  printf(point->by_cost ? "%s wins: the least cost of those that reach the objective" : "No strategy reaches the objective; \"%s\" comes nearest", best->strategy);
  size_t ties = 0;
  for (size_t s = 0; s < n; s++) ties += point->row[s].tied;
  if (ties) {
    printf(". It cannot be told apart from ");
    for (size_t s = 0, k = 0; s < n; s++)
      if (point->row[s].tied) printf("%s%s", k++ ? ", " : "", point->row[s].strategy);
  }
  if (best->failed) printf(". %zu of its %zu runs failed: its figures are those of the others", best->failed, best->failed + best->runs);
  if (best->runs < 2) printf(" (one replication: no interval, no test)");
  printf(".\n");
  if (point->by_cost) print_accuracy_given_up(c, point, best);
}

/* What the whole cluster costs, where several deployments share it. */
static void print_cluster(const Comparison *c, const ComparePoint *point) {
  char cost[CELL], idle[CELL];
  printf("[cluster]\n");
  for (size_t s = 0; s < c->file->n_strategies; s++) {
    const CompareRow *row = &point->row[s];
    format_interval(cost, row->cluster[CLUSTER_cluster_cost_usd], 2);
    format_interval(idle, row->cluster[CLUSTER_idle_cost_usd], 2);
    printf("%s %s: $%s, of it $%s for idle capacity\n", row->winner ? "*" : row->tied ? "~" : " ", row->strategy, cost, idle);
  }
}

static void print_point_name(const ResultFile *file, const ComparePoint *point) {
  for (size_t p = 0; p < file->n_parameters; p++) printf("%s%s = %s", p ? ", " : "", file->parameter[p], point->value[p]);
}

static void print_batches(const Comparison *c, const ComparePoint *point) {
  for (size_t s = 0; s < c->file->n_strategies; s++) {
    const CompareRow *row = &point->row[s];
    if (row->batch_correlation > 2 / sqrt((double)c->file->n_batches))
      printf("The batches of %s depend on each other (lag-1 correlation %.2f): its intervals are too narrow; a longer horizon or fewer batches.\n",
             row->strategy, row->batch_correlation);
  }
}

static void print_control(const Comparison *c, const ComparePoint *point) {
  size_t shown = 0;
  for (size_t s = 0; s < c->file->n_strategies; s++)
    if (!isnan(point->row[s].control_factor))
      printf("%s%s %.2gx", shown++ ? ", " : "The control cuts the variance of mean latency: ", point->row[s].strategy, point->row[s].control_factor);
  printf(shown ? ".\n" : "There is no control: no strategy is an Erlang queue, and the load varies over time, comes from a trace or from other deployments.\n");
}

/* The other end of every comparison: what must be paid at least, what the best plan found pays, and how far each strategy is from both. */
static void print_regret(const Comparison *c, const ComparePoint *point) {
  if (point->clairvoyant == c->file->n_strategies) return;
  const CompareRow *seer = &point->row[point->clairvoyant];
  char bound[CELL], cost[CELL];
  format_interval(bound, seer->cluster[CLUSTER_cost_lower_bound_usd], 2);
  format_interval(cost, seer->cluster[CLUSTER_cluster_cost_usd], 2);
  printf("Lower bound on cost: $%s, proven for whoever reaches the objective with replicas of the stated size. ", bound);
  if (seer->reaches) printf("Achievable: $%s, the best plan found that knows the future (%s).\n", cost, seer->strategy);
  else printf("No plan was found that reaches the objective.\n");
  size_t shown = 0;
  for (size_t s = 0; s < c->file->n_strategies; s++) {
    const CompareRow *row = &point->row[s];
    double low = row->regret_achievable.mean - (isnan(row->regret_achievable.half_width) ? 0 : row->regret_achievable.half_width);
    double high = row->regret_bound.mean + (isnan(row->regret_bound.half_width) ? 0 : row->regret_bound.half_width);
    if (isnan(high)) continue;
    printf("%s%s $%.2f to $%.2f", shown++ ? ", " : "Regret, what is paid beyond the cheapest plan: ", row->strategy, low > 0 ? low : 0, high);
  }
  if (shown) printf(".\n");
}

/* Percentiles that were shown without an interval although there are several values. */
static void print_refused(const Comparison *c, const ComparePoint *point, size_t d) {
  for (size_t s = 0; s < c->file->n_strategies; s++) {
    const Interval *p99 = &point->row[s].metric[d * SUMMARY_COUNT + SUMMARY_latency_p99_s];
    if (point->row[s].values < 2 || isnan(p99->mean) || !isnan(p99->half_width)) continue;
    printf("No interval of p99 for %s: too few jobs finished; no interval exists below %llu.\n", point->row[s].strategy,
           (unsigned long long)quantile_sample_least(0.99, COMPARE_LEVEL));
  }
}

static void print_points(Comparison *c, const ComparisonView *view, size_t baseline) {
  const ResultFile *file = c->file;
  for (size_t p = 0; p < c->n_points; p++) {
    const ComparePoint *point = &c->point[p];
    if (file->n_parameters) {
      printf("%s", p ? "\n" : "");
      print_point_name(file, point);
      printf("\n");
    }
    for (size_t d = 0; d < file->n_deployments; d++) {
      if (file->n_deployments + file->n_queues > 1) printf("[%s]\n", file->deployment[d]);
      print_table(c, point, d);
    }
    training_print(c, point);
    if (file->n_deployments + file->n_queues > 1) print_cluster(c, point);
    for (size_t d = 0; d < file->n_deployments; d++) print_refused(c, point, d);
    if (file->n_batches) print_batches(c, point);
    print_verdict(c, point);
    print_regret(c, point);
    front_print(c, point);
    if (c->control) print_control(c, point);
    if (pairs_wanted(view)) pairs_print(c, point, baseline);
  }
}

static bool wins_alone(const ComparePoint *point, size_t n) {
  for (size_t s = 0; s < n; s++)
    if (point->row[s].tied) return false;
  return true;
}

static void print_region(const ResultFile *file, const ComparePoint *point) {
  printf("  ");
  print_point_name(file, point);
  const CompareRow *best = winner_of(point, file->n_strategies);
  printf(": %s%s", best ? best->strategy : "no finished run", best && point->by_cost ? " *" : "");
  for (size_t s = 0; s < file->n_strategies; s++)
    if (point->row[s].tied) printf(" ~ %s", point->row[s].strategy);
  printf("\n");
}

/* Which strategy wins where: one line a point, and the count of points it wins alone or with others it cannot be told apart from. */
static void print_regions(const Comparison *c) {
  const ResultFile *file = c->file;
  printf("Who wins where (* the objective is reached; ~ cannot be told apart)\n");
  for (size_t p = 0; p < c->n_points; p++) print_region(file, &c->point[p]);
  printf("Points won, alone + not alone:");
  for (size_t s = 0; s < file->n_strategies; s++) {
    size_t alone = 0, shared = 0;
    for (size_t p = 0; p < c->n_points; p++) {
      const CompareRow *row = &c->point[p].row[s];
      bool single = wins_alone(&c->point[p], file->n_strategies);
      alone += row->winner && single;
      shared += (row->winner || row->tied) && !single;
    }
    if (alone + shared) printf("  %s %zu + %zu", file->strategy[s], alone, shared);
  }
  printf("\n");
}

enum { TABLES = 12 }; /* points that are printed in full */

/* "10 replications", or "10 to 40" where precision asked for more at some points. */
static void print_replications(const Comparison *c) {
  uint32_t least = UINT32_MAX, most = 0;
  for (size_t k = 0; k < c->n_points * c->file->n_strategies; k++) {
    uint32_t n = c->values.runs[k];
    if (n < least) least = n;
    if (n > most) most = n;
  }
  if (least < most) printf("%u to ", least);
  printf("%u replication%s", most, most == 1 ? "" : "s");
}

static void print_text(Comparison *c, const ComparisonView *view, size_t baseline) {
  const ResultFile *file = c->file;
  printf("%s: %zu %s, %zu point%s, ", file->name, file->n_strategies, file->n_strategies == 1 ? "strategy" : "strategies", c->n_points, c->n_points == 1 ? "" : "s");
  print_replications(c);
  printf("; means with 95 %% intervals over %s, given %s\n\n", values_name(file), file->conditional_on);
  if (c->n_points <= TABLES) print_points(c, view, baseline);
  if (c->n_points > 1 && c->n_points <= TABLES) printf("\n");
  if (c->n_points > 1) print_regions(c);
  if (c->n_points > TABLES) printf("\nAll figures: --csv or --json.\n");
}

/* ---- the command ---- */

static bool pool_quantiles(Comparison *c, const ComparisonView *view, Err *err) {
  bool all = view->json || view->csv || view->n_assertions, ok = true;
  for (size_t p = 0; p < c->n_points && ok && (all || (c->n_points <= TABLES && !view->quiet)); p++) ok = compare_quantiles(c, &c->point[p], err);
  return ok;
}

static bool find_baseline(const ResultFile *file, const char *name, size_t *baseline, Err *err) {
  *baseline = file->n_strategies;
  if (!name) return true;
  for (size_t s = 0; s < file->n_strategies; s++)
    if (!strcmp(file->strategy[s], name)) *baseline = s;
  if (*baseline < file->n_strategies) return true;
  const char *near = text_nearest(name, file->strategy, file->n_strategies);
  return err_add(err, ERR_USAGE, "--baseline: no strategy %.60s%s%s", name, near ? "; did you mean " : "", near ? near : "");
}

static int verdict_code(Verdict verdict) {
  switch (verdict) {
    case VERDICT_HOLDS: return ERR_NONE;
    case VERDICT_UNDECIDED: return EXIT_UNDECIDED;
    case VERDICT_MISSED: return EXIT_MISSED;
  }
  return ERR_NONE;
}

static void print_view(Comparison *c, const ComparisonView *view, size_t baseline, const Assertion *assertion) {
  if (view->quiet) return;
  if (view->json) comparison_json(c, view, baseline, assertion);
  else if (view->csv && pairs_wanted(view)) pairs_csv(c, baseline);
  else if (view->csv) comparison_csv(c);
  else print_text(c, view, baseline);
}

static int print_comparison(const ResultFile *file, const ComparisonView *view, Arena *arena, Err *err) {
  Comparison comparison;
  size_t baseline;
  const AssertionNames names = {file->strategy, file->deployment, file->queue, file->n_strategies, file->n_deployments, file->n_queues};
  Assertion *assertion = ARENA_ARRAY(arena, Assertion, view->n_assertions);
  for (size_t k = 0; k < view->n_assertions; k++)
    if (!assertion_parse(&assertion[k], view->assertion[k], &names, arena, err)) return err_report(err);
  if (!find_baseline(file, view->baseline, &baseline, err)) return err_report(err);
  compare(&comparison, file, view->control, arena);
  if (!pool_quantiles(&comparison, view, err)) return err_report(err);
  print_view(&comparison, view, baseline, assertion);
  if (!view->n_assertions) return ERR_NONE;
  bool machine = view->json || view->csv || view->quiet;
  if (!machine) printf("\n");
  return verdict_code(assertions_judge(&comparison, assertion, view->n_assertions, view->quiet, machine ? stderr : stdout));
}

int comparison_print(const char *path, const ComparisonView *view) {
  Arena arena = {0};
  Err err = {0};
  ResultFile file;
  int code = result_file_open(&file, path, &arena, &err) ? print_comparison(&file, view, &arena, &err) : err_report(&err);
  arena_free(&arena);
  return code;
}

int cmd_compare(const Command *command, int argc, char **argv) {
  Arguments a;
  if (!arguments_read(command, argc, argv, &a)) return a.help ? ERR_NONE : ERR_USAGE;
  const ComparisonView view = {.json = a.value[OPT_JSON] != NULL, .csv = a.value[OPT_CSV] != NULL, .control = a.value[OPT_CONTROL] != NULL,
                               .pairs = a.value[OPT_PAIRS] != NULL, .baseline = a.value[OPT_BASELINE], .assertion = a.assertion, .n_assertions = a.n_assertions};
  return comparison_print(a.argument[0], &view);
}
