/* Pairs of strategies: differences paired on common random numbers with simultaneous intervals (Bonferroni over the pairs asked for), how
 * much the common numbers helped, and the Pareto front over cost, latency and accuracy as far as it can be told. */
#ifndef SIM_LAB_DIFFERENCES_H
#define SIM_LAB_DIFFERENCES_H

#include "sim/lab/compare.h"

/* a - b of one measure. */
typedef struct Difference {
  size_t a, b; /* strategies */
  Measure measure;
  Interval interval;       /* simultaneous over the pairs of its table */
  double relative_ratio, relative_half_ratio; /* of b's mean; NaN where that is 0 */
  double factor;           /* variance of the difference of independent runs / of these; NaN below three values, infinite when they differ by a constant */
  bool told_apart;         /* the interval excludes 0 */
  bool unserved_differs;   /* of a latency: the shares of jobs not served differ, so it says nothing by itself */
} Difference;

/* n_pairs: how many pairs share the 95 %. */
Difference difference_of(Comparison *comparison, uint64_t point, size_t a, size_t b, Measure measure, size_t n_pairs);

typedef enum ParetoPlace {
  PARETO_NONE,      /* nothing finished, or a run failed */
  PARETO_FRONT,     /* nobody's figures are as good in everything and better in something */
  PARETO_PERHAPS,   /* some strategy's are, but that could be chance */
  PARETO_DOMINATED  /* some strategy is better in something for sure, and for sure not worse in anything */
} ParetoPlace;

typedef struct ParetoRow {
  ParetoPlace place;
  size_t by; /* PERHAPS, DOMINATED: a strategy that dominates it */
} ParetoRow;

/* Criteria: cost of the cluster, and of every deployment p99 latency, accuracy and the share of jobs not served, which guards latency.
 * All pairs and criteria share the 95 %. row[n_strategies]. */
void pareto_front(Comparison *comparison, const ComparePoint *point, ParetoRow *row);

#endif
