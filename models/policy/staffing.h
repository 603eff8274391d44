/* How many servers a load needs: Erlang's delay formula (M/M/c) and the square-root rule of Halfin and Whitt. Only + - x / and sim/core's
 * own exp, so that counts are the same everywhere; comparisons forgive a relative error of 1e-9. Sources: Erlang 1917 by the recursion
 * of his loss formula (Cooper, Introduction to Queueing Theory, 2nd ed., ch. 3); Halfin & Whitt, Operations Research 29 (1981), eq. 2.3. */
#ifndef MODELS_POLICY_STAFFING_H
#define MODELS_POLICY_STAFFING_H

#include <stdint.h>

/* P(wait > t), P(response > t) and mean response, with t and times in services (the mean service is 1), first come first served; 1 or
 * infinity where the servers do not suffice. */
double wait_tail(double waits_probability, double load, int64_t servers, double services);
double response_tail(double waits_probability, double load, int64_t servers, double services);
double mean_response(double waits_probability, double load, int64_t servers);

typedef enum StaffingGoal {
  STAFFING_DELAY_PROBABILITY, /* P(wait > 0) <= share */
  STAFFING_WAIT,              /* P(wait > t) <= share */
  STAFFING_MEAN_LATENCY,      /* mean response <= t */
  STAFFING_LATENCY            /* P(response > t) <= share */
} StaffingGoal;
/* The fewest servers that meet the goal, at most `limit`; none without load. Where the goal is beyond any number (t below the service
 * itself), `limit`. Above a million Erlangs: load + 7 sqrt(load), whatever the goal. */
int64_t servers_for(StaffingGoal goal, double load, double services, double share, int64_t limit);

/* Halfin-Whitt: the delay probability in the limit at quality of service beta > 0, and the beta of a probability within (0, 1). */
double halfin_whitt(double beta);
double halfin_whitt_beta(double waits_probability);
/* ceil(load + beta sqrt(load)). */
int64_t square_root_servers(double load, double beta);

#endif
