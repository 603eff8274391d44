/* `none` (alias `fixed`): the baseline. Keeps what the scenario starts with, or holds a number of replicas given here. */
#include "sim/contract/policy.h"

#define NONE_FIELDS(F, C, O, L, M, R, P) \
  F(integer, replicas, "-1", -1, 1e6, OPTIONAL, "replicas to hold; -1: what the deployment starts with", "")
typedef struct None { FIELD_MEMBERS(NONE_FIELDS) } None;
#define ROW_STRUCT None
static const Field none_fields[] = {FIELD_ROWS(NONE_FIELDS)};
#undef ROW_STRUCT
static const Type none_type = FIELD_TYPE("none", "no scaling", None, none_fields, NULL);

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const None *none = params;
  (void)state;
  if (none->replicas >= 0) decision->replicas = none->replicas;
  decision->reason = decision->replicas == observation->replicas ? "fixed" : "set to the fixed number";
}

extern const Policy policy_none;
const Policy policy_none = {
    .model = {.kind = MODEL_POLICY,
              .name = "none",
              .alias = "fixed",
              .summary = "no scaling: a fixed number of replicas",
              .rule = "replicas = `replicas`, or what the deployment starts with when that is -1. Requests and variant stay.",
              .evidence = "the baseline of every comparison",
              .params = &none_type},
    .decide = decide,
};
