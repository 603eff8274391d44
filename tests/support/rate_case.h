/* A policy that goes by the offered rate, case by case: parameters, then looks with what is seen and what shall be wished. Each wish is
 * granted at once. */
#ifndef TESTS_SUPPORT_RATE_CASE_H
#define TESTS_SUPPORT_RATE_CASE_H

#include "tests/support/policy_bench.h"

enum { RATE_LOOKS = 24, RATE_SETTINGS = 12 };
#define UNSEEN (-1.0) /* no metrics at this look */

/* at s, offered jobs/s, replicas wished (ANY: whatever), jobs in flight */
typedef double RateLook[4];
#define ANY (-1.0)
typedef struct RateCase {
  const char *name;
  const char *setting[2 * RATE_SETTINGS]; /* "path", "text" ... */
  int64_t min, max; /* 0, 0: 0 .. 1000 replicas */
  int n;
  RateLook look[RATE_LOOKS];
} RateCase;
#define LOOKS(...) .n = (int)(sizeof((RateLook[]){__VA_ARGS__}) / sizeof(RateLook)), .look = {__VA_ARGS__}

/* Every case begins with one ready replica that serves a job at a time. `common` are settings of all cases, NULL-terminated pairs. */
void rate_cases(const char *policy, const char *const *common, const RateCase *cases, size_t n);

#endif
