/* The tables of `tune:`; see scenario_tune.h. */
#include "sim/run/scenario_tune.h"

static const char *const tune_method_names[] = {"auto", "halving", "model", NULL};

static const Field text_item_fields[] = {{.name = "", .kind = FIELD_TEXT, .need = REQUIRED, .offset = offsetof(TextItem, text), .help = "a text", .source = ""}};
static const Type text_item_type = FIELD_TYPE("text", "a text", TextItem, text_item_fields, NULL);

static bool check_axis(const void *value, Err *err) {
  const TuneAxisSpec *axis = value;
  if ((axis->range != NULL) != (axis->values.count > 0)) return true;
  return err_at(err, "", "a threshold has either `range` or `values`");
}

#define ROW_STRUCT TuneAxisSpec
static const Field tune_axis_fields[] = {FIELD_ROWS(TUNE_AXIS_FIELDS)};
#undef ROW_STRUCT
static const Type tune_axis_type = FIELD_TYPE("over", "a threshold to tune", TuneAxisSpec, tune_axis_fields, check_axis);

static bool check_tune(const void *value, Err *err) {
  const TuneSpec *tune = value;
  if (tune->minimize && tune->maximize) return err_at(err, "maximize", "either `minimize` or `maximize`");
  return tune->guarantee_ratio == 0 || tune->guarantee_ratio >= 0.5 || err_at(err, "guarantee", "a probability from 0.5 on, as 0.95");
}

#define ROW_STRUCT TuneSpec
static const Field tune_fields[] = {FIELD_ROWS(TUNE_FIELDS)};
#undef ROW_STRUCT
const Type tune_type = FIELD_TYPE("tune", "what `headroom tune` searches", TuneSpec, tune_fields, check_tune);
