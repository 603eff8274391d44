/* What the schemas hpa_* share: pods, samples, rules and logs read from a case. Every function of the rule that is called here is the one
 * that the policy calls. */
#ifndef TESTS_VECTORS_HPA_H
#define TESTS_VECTORS_HPA_H

#include "models/policy/hpa_reconcile.h"
#include "tests/vectors/vectors.h"

/* Runs a case as 1.33 has it, and as 1.20 had it if it is from there. `semantics` of a case chooses one; so does a note which says that
 * newer versions superseded it. */
void hpa_run(Case *c, void (*run)(Case *, HpaSemantics));

bool hpa_read_pod(Case *c, const json_t *json, HpaPod *pod); /* all but its sample */
/* One metric of a case or of metric_specs: what it asks for. */
HpaProposal hpa_read_proposal(Case *c, const json_t *spec, const json_t *pods, const HpaReadiness *readiness, const HpaRule *rule, int64_t replicas,
                              int64_t existing);
HpaReadiness hpa_read_readiness(Case *c);
HpaRule hpa_read_rule(Case *c, HpaSemantics semantics);
/* NULL when the case has none. */
const HpaRules *hpa_read_rules(Case *c, const json_t *json);
/* A log with room for more; value_key: recommendation, change. */
HpaLog hpa_read_log(Case *c, const json_t *json, const char *value_key);

void hpa_replica_calculator(Case *c), hpa_group_pods(Case *c), hpa_utilization_ratio_case(Case *c);

#endif
