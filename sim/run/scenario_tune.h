/* `tune:` of a scenario file: what `headroom tune` searches and how; options of the command line go first. A run ignores it. */
#ifndef SIM_RUN_SCENARIO_TUNE_H
#define SIM_RUN_SCENARIO_TUNE_H

#include "sim/contract/type.h"

typedef struct TextItem {
  const char *text;
} TextItem;

typedef enum TuneMethod { TUNE_AUTO, TUNE_HALVING, TUNE_MODEL } TuneMethod;

#define TUNE_AXIS_FIELDS(F, C, O, L, M, R, P)                                                                             \
  F(text, set, NULL, 0, 0, REQUIRED, "the path of a threshold: strategies.hpa.scale.horizontal.target", "")            \
  F(text, range, NULL, 0, 0, OPTIONAL, "50%..90%: any value between; 50%..90%..5%: in steps", "")                      \
  L(values, TextItem, &text_item_type, OPTIONAL, "the values to choose from")
typedef struct TuneAxisSpec { FIELD_MEMBERS(TUNE_AXIS_FIELDS) } TuneAxisSpec;

#define TUNE_FIELDS(F, C, O, L, M, R, P)                                                                                  \
  F(text, minimize, NULL, 0, 0, OPTIONAL, "a column of results (headroom describe columns), or DEPLOYMENT.COLUMN; cost_usd alone is the whole cluster's", "") \
  F(text, maximize, NULL, 0, 0, OPTIONAL, "the same, where more is better", "")                                        \
  L(subject_to, TextItem, &text_item_type, OPTIONAL, "constraints on means over replications: latency_p99_s <= 0.5")   \
  F(text, strategy, NULL, 0, 0, OPTIONAL, "the strategy that is tuned; the only one, or the one that the paths name, if left out", "") \
  L(over, TuneAxisSpec, &tune_axis_type, OPTIONAL, "the thresholds; the axes of `sweep` if left out")                  \
  C(method, tune_method_names, "auto", "auto: model for ranges, halving otherwise", "")                                \
  F(integer, budget, "0", 0, 1e9, OPTIONAL, "runs at most; 0: 20 a design, at least 400 (with a guarantee: as many as it takes)", "") \
  F(ratio, guarantee, "0", 0, 0.9999, OPTIONAL, "choose with this probability of being right (Andradottir and Kim 2010, Kim and Nelson 2001); 0: none", "") \
  F(text, indifference, "1%", 0, 0, OPTIONAL, "guarantee: differences of the objective below this do not matter; of its size, or in its unit", "") \
  F(text, tolerance, "1%", 0, 0, OPTIONAL, "guarantee: a constraint may be missed by this; of its bound, or in its unit", "") \
  F(text, holdout, NULL, 0, 0, OPTIONAL, "the last part of the horizon is left for the judgement: 2d, or none; 2/7 of it for traces over 3 days if left out", "") \
  F(integer, confirm, "20", 2, 1e6, OPTIONAL, "new replications for the judgement", "")
typedef struct TuneSpec { FIELD_MEMBERS(TUNE_FIELDS) } TuneSpec;

extern const Type tune_type;

#endif
