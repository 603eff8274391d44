/* The tables of karpenter.h. */
#include "models/node/karpenter.h"

const char *const consolidation_policy_names[] = {"WhenEmptyOrUnderutilized", "WhenEmpty", NULL};
static const char *const reason_names[] = {"Empty", "Underutilized", NULL};

int64_t budget_allows(const char *text, int64_t nodes) {
  int64_t value = 0;
  const char *at = text;
  for (; *at >= '0' && *at <= '9' && at - text < 9; at++) value = value * 10 + (*at - '0');
  if (at == text) return -1;
  if (!*at) return value;
  if (*at != '%' || at[1] || value > 100) return -1;
  return (nodes * value + 99) / 100;
}

static bool check_budget(const void *value, Err *err) {
  const BudgetSpec *budget = value;
  return budget_allows(budget->nodes, 0) >= 0 || err_at(err, "nodes", "`%.40s` is neither a number of nodes nor a share (0%% to 100%%)", budget->nodes);
}

static const Field reason_fields[] = {{.name = "", .kind = FIELD_CHOICE, .need = REQUIRED, .offset = offsetof(ReasonName, reason),
                                       .choices = reason_names, .help = "a reason", .source = "spec.disruption.budgets[].reasons"}};
const Type reason_type = FIELD_TYPE("reason", "why a node is disrupted", ReasonName, reason_fields, NULL);
static const Field requirement_fields[] = {{.name = "", .kind = FIELD_TEXT, .need = REQUIRED, .offset = offsetof(Requirement, name),
                                            .help = "a pool of the cluster", .source = "spec.template.spec.requirements"}};
const Type requirement_type = FIELD_TYPE("instance type", "an instance type by the name of its pool", Requirement, requirement_fields, NULL);
#define ROW_STRUCT BudgetSpec
static const Field budget_fields[] = {FIELD_ROWS(BUDGET_FIELDS)};
#undef ROW_STRUCT
const Type budget_type = FIELD_TYPE("budget", "how many nodes may be disrupted at once", BudgetSpec, budget_fields, check_budget);
#define ROW_STRUCT DisruptionSpec
static const Field disruption_fields[] = {FIELD_ROWS(DISRUPTION_FIELDS)};
#undef ROW_STRUCT
const Type disruption_type = FIELD_TYPE("disruption", "when nodes may go", DisruptionSpec, disruption_fields, NULL);
#define ROW_STRUCT LimitsSpec
static const Field limits_fields[] = {FIELD_ROWS(LIMITS_FIELDS)};
#undef ROW_STRUCT
const Type limits_type = FIELD_TYPE("limits", "what all nodes may come to", LimitsSpec, limits_fields, NULL);
#define ROW_STRUCT NodePoolSpec
static const Field node_pool_fields[] = {FIELD_ROWS(NODE_POOL_FIELDS)};
#undef ROW_STRUCT
const Type node_pool_spec_type = FIELD_TYPE("NodePool", "a NodePool of Karpenter", NodePoolSpec, node_pool_fields, NULL);
#define ROW_STRUCT KarpenterParams
static const Field karpenter_fields[] = {FIELD_ROWS(KARPENTER_FIELDS)};
#undef ROW_STRUCT
const Type karpenter_type = FIELD_TYPE("karpenter", "Karpenter", KarpenterParams, karpenter_fields, NULL);
