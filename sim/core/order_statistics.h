/* Means of order statistics: how long the slowest of n workers takes, or the slowest but b. Prepared once for a distribution, then cheap for
 * any n. */
#ifndef SIM_CORE_ORDER_STATISTICS_H
#define SIM_CORE_ORDER_STATISTICS_H

#include <stdint.h>

#include "sim/core/distribution.h"

enum { ORDER_POINTS = 1760 };

typedef struct OrderStatistics {
  double mean;                   /* of one */
  double value[ORDER_POINTS];    /* the quantile of 1 - exp(-t) at each point t ... */
  double t[ORDER_POINTS], log_u[ORDER_POINTS]; /* ... and log(1 - exp(-t)) */
} OrderStatistics;

void order_statistics_begin(OrderStatistics *order, const Distribution *distribution);
/* Mean of the (n - dropped)-th smallest of n, over the mean of one: 1 for one worker, and where the mean is 0. 0 <= dropped < n. */
double order_statistics_slowdown(const OrderStatistics *order, int64_t n, int64_t dropped);

#endif
