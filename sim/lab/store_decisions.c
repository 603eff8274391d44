/* /decisions: one row for every step of a decision that changed something, in run order, as plain columns along `decision`. */
#include <string.h>

#include "sim/base/text.h"
#include "sim/contract/policy.h"
#include "sim/lab/store_groups.h"

static CellKind decision_cell(DecisionKind kind) {
  switch (kind) {
    case DECISION_INSTANT: case DECISION_NUMBER: return CELL_F64;
    case DECISION_TARGET: case DECISION_TEXT: return CELL_TEXT;
    case DECISION_CODE: return CELL_I8;
    case DECISION_INT: return CELL_I32;
    case DECISION_COUNT: return CELL_U32;
    case DECISION_WHOLE: return CELL_I64;
  }
  return CELL_F64;
}

static ColumnSpec decision_spec(const DecisionColumn *column) {
  static const int code[] = {-1, 0, 1}, state[] = {0, 1, 2, 3, 4, 5, 6, 7};
  ColumnSpec spec = {column->name, column->unit, column->help, decision_cell(column->kind), NULL, 0, NULL};
  if (column->kind != DECISION_CODE) return spec;
  bool states = text_equal(column->name, "model_state");
  spec.flag_value = states ? state : code;
  spec.n_flags = states ? MODEL_STATE_COUNT : 3;
  spec.flag_meanings = states ? STATE_WORDS : "not_looked_at false true";
  return spec;
}

void decision_group_begin(DecisionGroup *group, H5Writer *w, const Sweep *sweep) {
  static const ColumnSpec decision = {"decision", "", "number of the row", CELL_U64, NULL, 0, NULL};
  static const ColumnSpec run = {"run", "", "number of the run", CELL_U64, NULL, 0, NULL};
  group->rows = 0;
  group->group = h5_group(w, "decisions");
  Dimension along = dimension_create(w, &group->decision, group->group, &decision, 0, true);
  column_create(w, &group->run, group->group, &run, &along, 1);
  run_columns_begin(&group->columns, w, group->group, sweep, &along);
  for (size_t k = 0; k < DECISION_COLUMN_COUNT; k++) {
    ColumnSpec spec = decision_spec(&decision_column[k]);
    column_create(w, &group->column[k], group->group, &spec, &along, 1);
  }
}

static void decision_cell_add(Column *into, H5Writer *w, const Sweep *sweep, const DecisionColumn *column, const DecisionRow *row) {
  const unsigned char *member = (const unsigned char *)row + column->offset;
  switch (column->kind) {
    case DECISION_INSTANT: {
      int64_t ns;
      memcpy(&ns, member, sizeof ns);
      double seconds = s_from_ns(ns);
      column_add(w, into, &seconds);
      return;
    }
    case DECISION_TARGET: {
      uint32_t deployment;
      memcpy(&deployment, member, sizeof deployment);
      column_add_text(w, into, deployment < sweep->n_deployments ? sweep->deployment[deployment] : "");
      return;
    }
    case DECISION_TEXT: {
      const char *text;
      memcpy(&text, member, sizeof text);
      column_add_text(w, into, text);
      return;
    }
    case DECISION_CODE: {
      int code;
      memcpy(&code, member, sizeof code);
      int8_t cell = (int8_t)code;
      column_add(w, into, &cell);
      return;
    }
    case DECISION_INT: case DECISION_COUNT: case DECISION_WHOLE: case DECISION_NUMBER: column_add(w, into, member); return;
  }
}

void decision_group_add(DecisionGroup *group, H5Writer *w, const Sweep *sweep, uint64_t run, const DecisionRow *row, size_t rows) {
  for (size_t r = 0; r < rows; r++, group->rows++) {
    column_add(w, &group->decision, &group->rows);
    column_add(w, &group->run, &run);
    run_columns_add(&group->columns, w, sweep, run);
    for (size_t k = 0; k < DECISION_COLUMN_COUNT; k++) decision_cell_add(&group->column[k], w, sweep, &decision_column[k], &row[r]);
  }
}

void decision_group_end(DecisionGroup *group, H5Writer *w, const Sweep *sweep) {
  run_columns_end(&group->columns, w, sweep);
  for (size_t k = 0; k < DECISION_COLUMN_COUNT; k++) column_end(w, &group->column[k]);
  column_end(w, &group->run);
  column_end(w, &group->decision);
  h5_keep(w, H5Gclose(group->group));
}
