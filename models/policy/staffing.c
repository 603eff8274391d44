/* Staffing by queueing theory; see staffing.h. */
#include "models/policy/staffing.h"

#include <math.h>
#include <stdbool.h>

#include "models/policy/tracking.h"
#include "sim/core/maths.h"
#include "sim/core/statistics.h"

static double falling(double x) { return x > 700 ? 0 : maths_exp(-x); }

/* Delay from loss: C = B / (1 - rho (1 - B)). */
static double delay_of_loss(double loss, double load, int64_t servers) { return loss / (1 - load / (double)servers * (1 - loss)); }

double wait_tail(double waits_probability, double load, int64_t servers, double services) {
  if (!(load < (double)servers)) return 1;
  return waits_probability * falling(((double)servers - load) * services);
}

/* Wait and service are independent exponentials: rates c - a, with probability C, and 1. Where the rates are nearly the same their
 * difference quotient is taken from its series. */
double response_tail(double waits_probability, double load, int64_t servers, double services) {
  if (!(load < (double)servers)) return 1;
  double gap = (double)servers - load - 1, x = gap * services, served = falling(services);
  double both = fabs(x) < 1e-6 ? served * services * (1 - x / 2) : (served - falling(((double)servers - load) * services)) / gap;
  double tail = served + waits_probability * both;
  return tail < 1 ? tail : 1;
}

double mean_response(double waits_probability, double load, int64_t servers) {
  if (!(load < (double)servers)) return (double)INFINITY;
  return 1 + waits_probability / ((double)servers - load);
}

static bool met(StaffingGoal goal, double waits_probability, double load, int64_t servers, double services, double share) {
  const double forgiven = 1 + 1e-9;
  switch (goal) {
  case STAFFING_DELAY_PROBABILITY: return waits_probability <= share * forgiven;
  case STAFFING_WAIT: return wait_tail(waits_probability, load, servers, services) <= share * forgiven;
  case STAFFING_MEAN_LATENCY: return mean_response(waits_probability, load, servers) <= services * forgiven;
  case STAFFING_LATENCY: return response_tail(waits_probability, load, servers, services) <= share * forgiven;
  }
  return true;
}

/* With servers without end the wait is nothing: what is left is the service itself. */
static bool beyond(StaffingGoal goal, double services, double share) {
  const double forgiven = 1 + 1e-9;
  if (goal == STAFFING_MEAN_LATENCY) return services <= forgiven;
  if (goal == STAFFING_LATENCY) return falling(services) * forgiven >= share;
  return !(share > 0);
}

int64_t servers_for(StaffingGoal goal, double load, double services, double share, int64_t limit) {
  if (!(load > 0) || limit <= 0) return 0;
  if (!(load < (double)limit) || beyond(goal, services, share)) return limit;
  if (load > 1e6) return least(limit, square_root_servers(load, 7)); /* practically nobody waits; the recursion would take as many steps */
  double loss = 1;
  for (int64_t k = 1; k < limit; k++) {
    loss = load * loss / ((double)k + load * loss);
    if (load < (double)k && met(goal, delay_of_loss(loss, load, k), load, k, services, share)) return k;
  }
  return limit;
}

/* 1 / (1 + beta Phi(beta) / phi(beta)). */
double halfin_whitt(double beta) {
  if (!(beta > 0)) return 1;
  const double root_two_pi = 2.50662827463100050242;
  double half = beta * beta / 2;
  if (half > 700) return 0;
  double below = 0.5 * (1 + maths_gamma_p(0.5, half));
  return 1 / (1 + beta * below * root_two_pi * maths_exp(half));
}

double halfin_whitt_beta(double waits_probability) {
  double low = 0, high = 38; /* falls from 1 to below 1e-300 */
  for (int k = 0; k < 80; k++) {
    double middle = 0.5 * (low + high);
    if (halfin_whitt(middle) > waits_probability) low = middle;
    else high = middle;
  }
  return high;
}

int64_t square_root_servers(double load, double beta) { return load > 0 ? rounded_up(load + beta * sqrt(load)) : 0; }
