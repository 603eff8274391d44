/* `clairvoyant`: the other end of every comparison. What it stands for is computed in sim/lab: a proven lower bound on the cost of any
 * policy that attains (bound.h), and the best plan found that sees all arrivals in advance (plan.h), whose run is this strategy's result. */
#include "sim/contract/clairvoyant.h"

#define ROW_STRUCT Clairvoyant
static const Field clairvoyant_fields[] = {FIELD_ROWS(CLAIRVOYANT_FIELDS)};
#undef ROW_STRUCT
static const Type clairvoyant_type = FIELD_TYPE("clairvoyant", "a plan that sees all arrivals in advance", Clairvoyant, clairvoyant_fields, NULL);

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  (void)params;
  (void)state;
  (void)observation;
  decision->reason = "no plan: fixed";
}

static void timing(const void *params, PolicyTiming *timing) { timing->period_ns = ((const Clairvoyant *)params)->step_ns; }

extern const Policy policy_clairvoyant;
const Policy policy_clairvoyant = {
    .model = {.kind = MODEL_POLICY,
              .name = "clairvoyant",
              .summary = "knows the future: a proven lower bound on cost, and the best plan found",
              .rule = "The problem: serve so many jobs within the latency objective that the attainment is reached, at the least bill for nodes, with\n"
                      "all arrivals and service times known in advance. Printed as `lower bound on cost`: no policy that attains and keeps the\n"
                      "size of replicas is billed less (proof: sim/lab/bound.h). Up to 8 jobs on whole steps are searched in full: then it is\n"
                      "the least bill there is. Printed as `achievable`: the bill of the best plan found, in the simulation. A policy's regret lies\n"
                      "between its cost minus the one and its cost minus the other. Where no bound is proven (several deployments or pools,\n"
                      "routes, resumed work, no objective ...) none is printed.",
              .evidence = "bound: equals an enumeration of all plans on 200,000 small instances of ten classes, which are searched in full\n"
                          "(tests/unit/test_bound_exact.c); for more jobs it is proven, not tight; the plan is what its own run says",
              .params = &clairvoyant_type},
    .clairvoyant = true,
    .state_bytes = 1,
    .timing = timing,
    .decide = decide,
};
