/* The parameters of the policy that knows the future. It decides nothing by itself: sim/lab/clairvoyant.c makes its plan from the whole
 * arrival sequence and makes the decisions of its runs. */
#ifndef SIM_CONTRACT_CLAIRVOYANT_H
#define SIM_CONTRACT_CLAIRVOYANT_H

#include "sim/contract/policy.h"

#define CLAIRVOYANT_FIELDS(F, C, O, L, M, R, P)                                                           \
  F(duration, step, "60s", 1, 86400, OPTIONAL, "the plan's number of nodes may change this often", "")     \
  F(integer, trials, "200", 1, 1e6, OPTIONAL, "plans tried on a model of the queue", "")                   \
  F(integer, runs, "6", 1, 1000, OPTIONAL, "of those, plans tried in the simulation", "")                  \
  F(integer, max_jobs, "5000000", 1, 1e8, OPTIONAL, "no bound and no plan for more jobs than this (some 60 bytes each)", "")
typedef struct Clairvoyant { FIELD_MEMBERS(CLAIRVOYANT_FIELDS) } Clairvoyant;

#endif
