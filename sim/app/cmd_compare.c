/* headroom compare: one table a deployment and point, in words who wins, and the regions of a sweep; --json and --csv for machines. */
#include <math.h>
#include <string.h>

#include "sim/app/command.h"
#include "sim/app/machine_text.h"
#include "sim/lab/compare.h"

enum { OPT_JSON, OPT_CSV };

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
  if (c->file->n_deployments > 1) shown[COLUMN_COST] = (Shown){"charged $", SUMMARY_cost_usd, 1, 2};
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
    printf("%s %s%*s", row->winner ? "*" : row->tied ? "~" : " ", row->strategy, name_width - shown_width(row->strategy), "");
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
  printf(point->by_cost ? "%s wins: the least cost of those that reach the objective" : "No strategy reaches the objective; %s comes nearest", best->strategy);
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

static void print_points(const Comparison *c) {
  const ResultFile *file = c->file;
  for (size_t p = 0; p < c->n_points; p++) {
    const ComparePoint *point = &c->point[p];
    if (file->n_parameters) {
      printf("%s", p ? "\n" : "");
      print_point_name(file, point);
      printf("\n");
    }
    for (size_t d = 0; d < file->n_deployments; d++) {
      if (file->n_deployments > 1) printf("[%s]\n", file->deployment[d]);
      print_table(c, point, d);
    }
    if (file->n_deployments > 1) print_cluster(c, point);
    print_verdict(c, point);
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

static void print_text(const Comparison *c) {
  const ResultFile *file = c->file;
  size_t reps = c->n_points && file->n_strategies ? (size_t)(file->n_runs / (c->n_points * file->n_strategies)) : 0;
  printf("%s: %zu %s, %zu point%s, %zu replication%s; means with 95 %% intervals over replications, given this workload and these service laws\n\n",
         file->name, file->n_strategies, file->n_strategies == 1 ? "strategy" : "strategies", c->n_points, c->n_points == 1 ? "" : "s", reps, reps == 1 ? "" : "s");
  enum { TABLES = 12 };
  if (c->n_points <= TABLES) print_points(c);
  if (c->n_points > 1 && c->n_points <= TABLES) printf("\n");
  if (c->n_points > 1) print_regions(c);
  if (c->n_points > TABLES) printf("\nAll figures: --csv or --json.\n");
}

/* ---- for machines ---- */

static void json_interval(const char *name, Interval i, bool first) {
  printf("%s", first ? "" : ", ");
  json_string(name);
  printf(": {\"mean\": ");
  json_number(i.mean);
  printf(", \"half_width\": ");
  json_number(i.half_width);
  printf("}");
}

static void json_row(const ResultFile *file, const CompareRow *row) {
  printf("{\"strategy\": ");
  json_string(row->strategy);
  printf(", \"runs\": %zu, \"failed\": %zu, \"winner\": %s, \"tied\": %s, \"reaches_objective\": %s, ", row->runs, row->failed,
         row->winner ? "true" : "false", row->tied ? "true" : "false", row->reaches ? "true" : "false");
  for (size_t m = 0; m < CLUSTER_COUNT; m++) json_interval(cluster_column[m].name, row->cluster[m], m == 0);
  printf(", \"deployments\": {");
  for (size_t d = 0; d < file->n_deployments; d++) {
    printf("%s", d ? ", " : "");
    json_string(file->deployment[d]);
    printf(": {");
    for (size_t m = 0; m < SUMMARY_COUNT; m++) json_interval(summary_column[m].name, row->metric[d * SUMMARY_COUNT + m], m == 0);
    printf("}");
  }
  printf("}}");
}

static void print_json(const Comparison *c) {
  const ResultFile *file = c->file;
  printf("{\"name\": ");
  json_string(file->name);
  printf(", \"level\": %.2f, \"points\": [", COMPARE_LEVEL);
  for (size_t p = 0; p < c->n_points; p++) {
    const ComparePoint *point = &c->point[p];
    printf("%s\n {\"point\": %zu, \"parameters\": {", p ? "," : "", p);
    for (size_t k = 0; k < file->n_parameters; k++) {
      printf("%s", k ? ", " : "");
      json_string(file->parameter[k]);
      printf(": ");
      json_string(point->value[k]);
    }
    printf("}, \"decided_by\": \"%s\", \"strategies\": [", point->by_cost ? "cost" : "attainment");
    for (size_t s = 0; s < file->n_strategies; s++) {
      printf("%s\n  ", s ? "," : "");
      json_row(file, &point->row[s]);
    }
    printf("]}");
  }
  printf("]}\n");
}

static void csv_line_begin(const ResultFile *file, const ComparePoint *point, const CompareRow *row) {
  for (size_t k = 0; k < file->n_parameters; k++) {
    csv_string(point->value[k]);
    printf(",");
  }
  csv_string(row->strategy);
  printf(",%zu,%d", row->runs, row->winner ? 1 : row->tied ? -1 : 0);
}

static void print_csv(const Comparison *c) {
  const ResultFile *file = c->file;
  for (size_t k = 0; k < file->n_parameters; k++) {
    csv_string(file->parameter[k]);
    printf(",");
  }
  printf("strategy,runs,winner,deployment");
  for (size_t m = 0; m < CLUSTER_COUNT; m++) printf(",%s,%s_half_width", cluster_column[m].name, cluster_column[m].name);
  for (size_t m = 0; m < SUMMARY_COUNT; m++) printf(",%s,%s_half_width", summary_column[m].name, summary_column[m].name);
  printf("\n");
  for (size_t p = 0; p < c->n_points; p++)
    for (size_t s = 0; s < file->n_strategies; s++)
      for (size_t d = 0; d < file->n_deployments; d++) {
        const CompareRow *row = &c->point[p].row[s];
        csv_line_begin(file, &c->point[p], row);
        printf(",");
        csv_string(file->deployment[d]);
        for (size_t m = 0; m < CLUSTER_COUNT; m++) printf(",%.10g,%.4g", row->cluster[m].mean, row->cluster[m].half_width);
        for (size_t m = 0; m < SUMMARY_COUNT; m++) printf(",%.10g,%.4g", row->metric[d * SUMMARY_COUNT + m].mean, row->metric[d * SUMMARY_COUNT + m].half_width);
        printf("\n");
      }
}

int comparison_print(const char *path, bool json, bool csv) {
  Arena arena = {0};
  Err err = {0};
  ResultFile file;
  Comparison comparison;
  int code = ERR_NONE;
  if (!result_file_open(&file, path, &arena, &err)) {
    code = err_report(&err);
  } else {
    compare(&comparison, &file, &arena);
    if (json) print_json(&comparison);
    else if (csv) print_csv(&comparison);
    else print_text(&comparison);
  }
  arena_free(&arena);
  return code;
}

int cmd_compare(const Command *command, int argc, char **argv) {
  Arguments a;
  if (!arguments_read(command, argc, argv, &a)) return a.help ? ERR_NONE : ERR_USAGE;
  return comparison_print(a.argument[0], a.value[OPT_JSON] != NULL, a.value[OPT_CSV] != NULL);
}
