/* Printing a comparison: as tables and words, or for machines; and judging the assertions made about it. */
#ifndef SIM_APP_COMPARE_PRINT_H
#define SIM_APP_COMPARE_PRINT_H

#include <stdio.h>

#include "sim/lab/assertion.h"
#include "sim/lab/differences.h"

typedef struct ComparisonView {
  bool json, csv, quiet; /* quiet: nothing but assertions that do not hold */
  bool control, pairs;
  const char *baseline;  /* NULL: none */
  const char *const *assertion;
  size_t n_assertions;
} ComparisonView;

/* Reads the result, prints, judges. The exit code: 0, 98 or 99 by the assertions, others after reporting an error. */
int comparison_print(const char *path, const ComparisonView *view);

/* compare_pairs.c: the differences that the view asks for, and the front. */
bool pairs_wanted(const ComparisonView *view);
void pairs_print(Comparison *comparison, const ComparePoint *point, size_t baseline);
void front_print(Comparison *comparison, const ComparePoint *point);
/* The pair number k of a point, by the baseline (n_strategies: all pairs); false behind the last. */
bool pair_of(size_t n_strategies, size_t baseline, size_t k, size_t *a, size_t *b);
size_t pair_count(size_t n_strategies, size_t baseline);
/* The measures a pair is compared on; false behind the last. */
bool pair_measure(const ResultFile *file, size_t k, Measure *measure);

/* compare_training.c: a table for each training queue. */
void training_print(const Comparison *comparison, const ComparePoint *point);

/* compare_machine.c */
void comparison_json(Comparison *comparison, const ComparisonView *view, size_t baseline, const Assertion *assertion);
void comparison_csv(Comparison *comparison);
void pairs_csv(Comparison *comparison, size_t baseline);

/* compare_assert.c: says each verdict in words on `out` (NULL: not at all), and gives the worst. */
const char *verdict_name(Verdict verdict);
Verdict assertions_judge(Comparison *comparison, const Assertion *assertion, size_t n, bool only_bad, FILE *out);

#endif
