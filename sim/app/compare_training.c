/* A table for each training queue: what its users and its owner ask about. */
#include <math.h>
#include <string.h>

#include "sim/app/compare_print.h"

typedef struct ShownTraining {
  const char *title;
  size_t metric;
  double scale;
  int decimals;
} ShownTraining;

static const ShownTraining shown[] = {
    {"cost $", TRAINING_training_cost_usd, 1, 2},       {"mean h", TRAINING_completion_mean_s, 1 / 3600.0, 2}, {"p50 h", TRAINING_completion_p50_s, 1 / 3600.0, 2},
    {"p95 h", TRAINING_completion_p95_s, 1 / 3600.0, 2}, {"in system h", TRAINING_in_system_mean_s, 1 / 3600.0, 2}, {"queued h", TRAINING_queueing_mean_s, 1 / 3600.0, 2}, {"done", TRAINING_completed, 1, 0},
    {"not", TRAINING_unfinished, 1, 0},                  {"GPUs", TRAINING_gpus, 1, 1},                         {"of all %", TRAINING_cluster_gpu_ratio, 100, 1},
    {"goodput %", TRAINING_goodput_ratio, 100, 1},       {"preempted", TRAINING_preemptions, 1, 0}};

enum { N_COLUMNS = sizeof shown / sizeof *shown, CELL_BYTES = 48 };

static int width_of(const char *text) {
  int n = 0;
  for (; *text; text++) n += (*text & 0xc0) != 0x80;
  return n;
}

static void format_cell(char *cell, const CompareRow *row, size_t q, const ShownTraining *column) {
  Interval i = row->training[q * TRAINING_COUNT + column->metric];
  if (isnan(i.mean)) snprintf(cell, CELL_BYTES, "-");
  else if (isnan(i.half_width)) snprintf(cell, CELL_BYTES, "%.*f", column->decimals, i.mean * column->scale);
  else snprintf(cell, CELL_BYTES, "%.*f ±%.*f", column->decimals, i.mean * column->scale, column->decimals, i.half_width * column->scale);
}

static void print_queue(const Comparison *c, const ComparePoint *point, size_t q) {
  size_t n = c->file->n_strategies;
  int width[N_COLUMNS], name_width = 8;
  char cell[CELL_BYTES];
  for (size_t s = 0; s < n; s++)
    if (width_of(point->row[s].strategy) > name_width) name_width = width_of(point->row[s].strategy);
  printf("[%s]: job completion\n%-*s", c->file->queue[q], name_width + 2, "strategy");
  for (size_t k = 0; k < N_COLUMNS; k++) {
    width[k] = width_of(shown[k].title);
    for (size_t s = 0; s < n; s++) {
      format_cell(cell, &point->row[s], q, &shown[k]);
      if (width_of(cell) > width[k]) width[k] = width_of(cell);
    }
    printf("  %*s%s", width[k] - width_of(shown[k].title), "", shown[k].title);
  }
  for (size_t s = 0; s < n; s++) {
    const CompareRow *row = &point->row[s];
    printf("\n%s %s%*s", row->winner ? "*" : row->tied ? "~" : row->clairvoyant ? "=" : " ", row->strategy, name_width - width_of(row->strategy), "");
    for (size_t k = 0; k < N_COLUMNS; k++) {
      format_cell(cell, row, q, &shown[k]);
      printf("  %*s%s", width[k] - width_of(cell), "", cell);
    }
  }
  printf("\n");
}

void training_print(const Comparison *c, const ComparePoint *point) {
  for (size_t q = 0; q < c->file->n_queues; q++) print_queue(c, point, q);
}
