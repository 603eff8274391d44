/* `fairshare`: every deployment gets the same share of the CPUs, once and for all. Source: the FairShare baseline of Faro (EuroSys 2025): each
 * job gets floor(CPUs / jobs) replicas of one CPU. */
#include "models/policy/faro.h"
#include "models/policy/tracking.h"

#define FAIRSHARE_FIELDS(F, C, O, L, M, R, P)                                                                              \
  F(cpu, quota, "0", 0, 1e9, OPTIONAL, "CPUs of all deployments together; 0: what they use and what can be placed at the first look", "") \
  F(integer, min_replicas, "1", 0, 1e6, OPTIONAL, "replicas at least", "min_replicas 1")
typedef struct Fairshare { FIELD_MEMBERS(FAIRSHARE_FIELDS) } Fairshare;
#define ROW_STRUCT Fairshare
static const Field fairshare_fields[] = {FIELD_ROWS(FAIRSHARE_FIELDS)};
#undef ROW_STRUCT
static const Type fairshare_type = FIELD_TYPE("fairshare", "equal shares of the CPUs", Fairshare, fairshare_fields, NULL);

typedef struct FairshareState {
  bool begun;
  int64_t capacity_millicores;
} FairshareState;

/* What the deployments have placed, and the most that one of them could still place beside it. */
static int64_t capacity_seen(const Observation *observation, size_t n) {
  const int64_t most_replicas = INT64_C(1) << 20;
  int64_t placed = 0, free = 0;
  for (size_t k = 0; k < n; k++) {
    int64_t unit = faro_unit_millicores(&observation[k]);
    placed += most(observation[k].replicas - observation[k].replicas_pending, 0) * unit;
    free = most(free, least(observation[k].placeable_replicas, most_replicas) * unit);
  }
  return placed + free;
}

static void decide_all(const void *params, void *memory, const Observation *observation, Decision *decision, size_t n) {
  const Fairshare *fairshare = params;
  FairshareState *state = memory;
  if (!state->begun) {
    state->begun = true;
    state->capacity_millicores = fairshare->quota_millicores > 0 ? fairshare->quota_millicores : capacity_seen(observation, n);
  }
  for (size_t k = 0; k < n; k++) {
    int64_t share = state->capacity_millicores / (int64_t)n / faro_unit_millicores(&observation[k]);
    int64_t high = most(observation[k].max_replicas, fairshare->min_replicas);
    decision[k].raw_replicas = (double)share;
    decision[k].replicas = most(fairshare->min_replicas, least(share, high));
    decision[k].reason = decision[k].replicas == share ? "an equal share" : share < decision[k].replicas ? "at the minimum of replicas" : "at the maximum of replicas";
    bool change = decision[k].replicas != observation[k].replicas;
    decision_step(&decision[k], "Share the CPUs", "replicas as shared", !change, change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE,
                  (double)share, (double)observation[k].replicas);
  }
}

extern const Policy policy_fairshare;
const Policy policy_fairshare = {
    .model = {.kind = MODEL_POLICY,
              .name = "fairshare",
              .summary = "Faro's FairShare: equal, fixed shares of the CPUs",
              .rule = "replicas = floor(CPUs / deployments / CPUs of a replica), at least min_replicas, at most the deployment's maximum; fixed.",
              .evidence = "from the paper's baseline: 14 hand-computed cases in tests/unit/test_faro.c",
              .params = &fairshare_type},
    .state_bytes = sizeof(FairshareState),
    .decide_all = decide_all,
};
