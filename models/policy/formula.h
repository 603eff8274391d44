/* Small arithmetic over named numbers: the part of expr-lang that KEDA's scalingModifiers.formula is written in. Numbers, names,
 * + - * / % ^ **, comparisons, and or not (&& || !), c ? a : b, min max sum mean median abs ceil floor round int float with numbers or
 * [lists], and count any all none sum over a list with a predicate: count([a, b], {# > 1}).
 * Source: expr-lang/expr, docs/language-definition.md and the operator table of parser/operator (v1.17). */
#ifndef MODELS_POLICY_FORMULA_H
#define MODELS_POLICY_FORMULA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct FormulaName {
  const char *name;
  double value;
} FormulaName;

/* Where a formula is wrong: the column of its text, from 1, and what is wrong (constant text). */
typedef struct FormulaFault {
  size_t column;
  const char *why;
} FormulaFault;

/* The formula's number. False, with *fault, where it is not a formula of these names that yields a number; whether it is depends on the
 * text and the names, never on their values. */
bool formula_value(const char *text, const FormulaName *name, size_t n_names, double *value, FormulaFault *fault);

#endif
