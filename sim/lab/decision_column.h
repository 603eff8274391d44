/* The columns of the decision log, stated once: how a member of DecisionRow is stored, its name, unit and help. The encoded run, the
 * HDF5 file and its reader all walk this table. */
#ifndef SIM_LAB_DECISION_COLUMN_H
#define SIM_LAB_DECISION_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include "sim/run/result.h"

typedef enum DecisionKind {
  DECISION_INSTANT, /* int64 ns; stored in files as f8 seconds */
  DECISION_TARGET,  /* uint32 index of a deployment; stored in files as its name */
  DECISION_TEXT,    /* a constant text */
  DECISION_CODE,    /* int; stored in files as i1 with flag_values and flag_meanings */
  DECISION_INT,     /* int -> i4 */
  DECISION_COUNT,   /* uint32 -> u4 */
  DECISION_WHOLE,   /* int64 -> i8 */
  DECISION_NUMBER   /* double -> f8 */
} DecisionKind;

/* X(kind, member, name, unit, help) */
#define DECISION_COLUMNS(X)                                                                                                    \
  X(INSTANT, at_ns, "time_s", "s", "instant of the decision")                                                                 \
  X(TARGET, deployment, "deployment", "", "deployment that was decided on")                                                   \
  X(COUNT, decision, "number", "1", "number of the decision in its run; rows with equal numbers are steps of one decision")   \
  X(COUNT, quiet_before, "quiet_before", "1", "looks since the previous row that changed nothing")                            \
  X(TEXT, step, "step", "", "step of the rule")                                                                               \
  X(TEXT, condition, "condition", "", "condition that was checked")                                                           \
  X(CODE, result, "result", "1", "how the condition came out")                                                                \
  X(TEXT, action, "action", "", "what follows")                                                                               \
  X(TEXT, reason, "reason", "", "why the final value is what it is")                                                          \
  X(CODE, model_state, "model_state", "1", "state of the founding decision after the step")                                  \
  X(NUMBER, value, "value", "", "left side of the condition")                                                                 \
  X(NUMBER, threshold, "threshold", "", "right side of the condition")                                                        \
  X(NUMBER, metric, "metric", "", "the metric the rule looked at")                                                            \
  X(NUMBER, target, "target", "", "its target")                                                                               \
  X(NUMBER, raw_replicas, "raw_replicas", "1", "replicas as the formula gives them")                                          \
  X(NUMBER, after_tolerance, "after_tolerance", "1", "replicas after the tolerance")                                          \
  X(NUMBER, stabilised, "stabilised", "1", "replicas after the stabilisation window")                                         \
  X(NUMBER, rate_limited, "rate_limited", "1", "replicas after the limit on change")                                          \
  X(NUMBER, data_size_bytes, "data_size_bytes", "byte", "data size the policy saw")                                           \
  X(CODE, resource_limit, "resource_limit", "1", "no more nodes to be had?")                                                  \
  X(WHOLE, replicas_before, "replicas_before", "1", "replicas before")                                                        \
  X(WHOLE, replicas_wished, "replicas_wished", "1", "replicas wished by the policy")                                          \
  X(WHOLE, replicas_after, "replicas_after", "1", "replicas after clamping")                                                  \
  X(WHOLE, millicores_before, "millicores_before", "1", "CPU requested by a replica before, in millicores")                  \
  X(WHOLE, millicores_after, "millicores_after", "1", "CPU requested by a replica after, in millicores")                     \
  X(WHOLE, bytes_before, "memory_bytes_before", "byte", "memory requested by a replica before")                               \
  X(WHOLE, bytes_after, "memory_bytes_after", "byte", "memory requested by a replica after")                                  \
  X(INT, variant_before, "variant_before", "1", "index of the variant before")                                                \
  X(INT, variant_after, "variant_after", "1", "index of the variant after")

#define DECISION_COLUMN_ENUM(kind, member, name, unit, help) DECISION_COLUMN_##member,
enum { DECISION_COLUMNS(DECISION_COLUMN_ENUM) DECISION_COLUMN_COUNT };

typedef struct DecisionColumn {
  DecisionKind kind;
  size_t offset, size; /* of the member; texts count as their 4-byte code */
  const char *name, *unit, *help;
} DecisionColumn;
extern const DecisionColumn decision_column[DECISION_COLUMN_COUNT];

enum { DECISION_BLOCK = 4096 }; /* rows of one encoded block, and of one HDF5 chunk */

#endif
