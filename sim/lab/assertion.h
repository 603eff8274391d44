/* `--assert 'rule: attainment_ratio >= 99%'`: a bound on a figure, judged by its interval. [STRATEGY:] [DEPLOYMENT.]METRIC <= VALUE, or
 * QUEUE.METRIC of training; without a strategy it is about every one of them, without a deployment or queue about every one that had jobs;
 * always about every point. */
#ifndef SIM_LAB_ASSERTION_H
#define SIM_LAB_ASSERTION_H

#include "sim/lab/compare.h"

typedef enum AssertionOp { ASSERTION_LE, ASSERTION_LT, ASSERTION_GE, ASSERTION_GT } AssertionOp;
typedef enum Verdict { VERDICT_HOLDS, VERDICT_UNDECIDED, VERDICT_MISSED } Verdict; /* worse ones are greater */

/* What a text may name. */
typedef struct AssertionNames {
  const char *const *strategy, *const *deployment, *const *queue;
  size_t n_strategies, n_deployments, n_queues;
} AssertionNames;

typedef struct Assertion {
  const char *text;
  size_t strategy;   /* n_strategies: all */
  size_t deployment; /* n_deployments: all; a queue for figures of training, n_queues: all */
  Measure measure;
  AssertionOp op;
  double bound;
} Assertion;

/* The text against what the file has; the error names the nearest. Values: 0.99, 99%, and for columns in seconds 500ms. */
bool assertion_parse(Assertion *assertion, const char *text, const AssertionNames *names, Arena *arena, Err *err);
/* The interval inside the bound, outside, or neither. No interval (one replication, a failed run) cannot decide for the better. */
Verdict assertion_judge(const Assertion *assertion, const CompareRow *row, size_t deployment, Interval *interval);
/* Is it about this row and deployment? */
bool assertion_concerns(const Assertion *assertion, const ResultFile *file, const CompareRow *row, size_t strategy, size_t deployment);

#endif
