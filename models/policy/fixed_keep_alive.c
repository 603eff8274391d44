/* `fixed-keep-alive`: what FaaS platforms do: nothing is there until the first job, and everything goes once it has been idle for a fixed
 * time. The baseline of Shahrad et al., ATC 2020: 10 and 20 minutes. */
#include "models/policy/idle.h"

#define FIXED_KEEP_ALIVE_FIELDS(F, C, O, L, M, R, P) \
  F(duration, keep_alive, "10m", 0, 2678400, OPTIONAL, "idle replicas go after this long", "Shahrad et al., ATC 2020: 10 min (OpenWhisk, AWS), 20 min (Azure)")
typedef struct FixedKeepAlive { FIELD_MEMBERS(FIXED_KEEP_ALIVE_FIELDS) } FixedKeepAlive;
#define ROW_STRUCT FixedKeepAlive
static const Field fixed_keep_alive_fields[] = {FIELD_ROWS(FIXED_KEEP_ALIVE_FIELDS)};
#undef ROW_STRUCT
static const Type fixed_keep_alive_type = FIELD_TYPE("fixed-keep-alive", "replicas stay a fixed time", FixedKeepAlive, fixed_keep_alive_fields, NULL);

static void timing(const void *params, PolicyTiming *timing) {
  (void)params;
  timing->window_ns = timing->scrape_ns; /* else a job seems to come for a minute */
}

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const FixedKeepAlive *fixed = params;
  (void)idle_look(state, observation);
  const Warm warm = {0, fixed->keep_alive_ns};
  keep_warm(&warm, state, observation, decision);
}

extern const Policy policy_fixed_keep_alive;
const Policy policy_fixed_keep_alive = {
    .model = {.kind = MODEL_POLICY,
              .name = "fixed-keep-alive",
              .summary = "replicas come with the jobs and stay for a fixed time",
              .rule = "while jobs wait or are in service: max(replicas, ceil(jobs / concurrency)); the first job at no replicas asks at once.\n"
                      "idle: as many as there are until nothing has come for `keep_alive`, then the minimum; a replica that has been idle for\n"
                      "`keep_alive` goes by itself.",
              .evidence = "the baseline of Shahrad et al., ATC 2020; 12 hand-computed cases in tests/unit/test_keep_alive.c",
              .params = &fixed_keep_alive_type},
    .asks = ASK_AT_ZERO,
    .state_bytes = sizeof(Idle),
    .timing = timing,
    .decide = decide,
};
