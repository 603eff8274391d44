/* The reference page of result columns, from the tables that the file itself is written by. */
#include <string.h>

#include "sim/lab/decision_column.h"
#include "sim/lab/reference.h"

static void columns_page(Text *out, const char *title, const ColumnInfo *column, size_t n) {
  size_t width = 0;
  for (size_t k = 0; k < n; k++)
    if (strlen(column[k].name) > width) width = strlen(column[k].name);
  text_addf(out, "%s\n", title);
  for (size_t k = 0; k < n; k++) text_addf(out, "  %-*s  %-5s  %s\n", (int)width, column[k].name, column[k].unit, column[k].help);
  text_addf(out, "\n");
}

void reference_columns(Text *out) {
  columns_page(out, "summary/NAME(run, deployment)", summary_column, SUMMARY_COUNT);
  columns_page(out, "summary/NAME(run), of the whole cluster", cluster_column, CLUSTER_COUNT);
  columns_page(out, "trace/NAME(run, deployment, time)", trace_column, TRACE_COUNT);
  columns_page(out, "pool/NAME(run, pool, time)", pool_column, POOL_COUNT);
  columns_page(out, "training/NAME(run, queue)", training_column, TRAINING_COUNT);
  columns_page(out, "training_trace/NAME(run, queue, time)", training_trace_column, TRAINING_TRACE_COUNT);
  text_addf(out, "decisions/NAME(decision)\n");
  for (size_t k = 0; k < DECISION_COLUMN_COUNT; k++)
    text_addf(out, "  %-19s  %-5s  %s\n", decision_column[k].name, decision_column[k].unit, decision_column[k].help);
}
