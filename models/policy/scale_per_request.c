/* `scale-per-request`: what function platforms do: a request that finds no idle slot, present or coming, starts a replica, and a replica
 * that has been idle for its keep-alive goes. Sources: Mahmoudi and Khazaei, Performance Modeling of Serverless Computing Platforms, IEEE
 * Transactions on Cloud Computing 10(4), 2022 (the name, and the idle time until an instance expires); Gandhi, Doroudi, Harchol-Balter,
 * Scheller-Wolf, Exact analysis of the M/M/k/setup class of Markov chains via recursive renewal reward, Queueing Systems 77, 2014 (set-ups
 * that are cancelled, delayed off, staggered starts: `replicas.starting`). */
#include "models/policy/tracking.h"
#include "sim/core/time.h"

typedef enum Surplus { SURPLUS_KEEP, SURPLUS_CANCEL } Surplus;
static const char *const surplus_names[] = {"keep", "cancel", NULL};

#define SCALE_PER_REQUEST_FIELDS(F, C, O, L, M, R, P)                                                                              \
  F(duration_dist, keep_alive, "10m", 0, 2678400, OPTIONAL, "an idle replica goes after this long: fixed, or a law that is drawn each time it becomes idle; 0s: at once", "Shahrad et al., ATC 2020: 10 min (OpenWhisk, AWS), 20 min (Azure)") \
  C(surplus, surplus_names, "keep", "starts that no waiting job needs any more, because others were free first: keep: they go on; cancel: the newest is cancelled", "cancel: M/M/k/setup")
typedef struct ScalePerRequest { FIELD_MEMBERS(SCALE_PER_REQUEST_FIELDS) } ScalePerRequest;
#define ROW_STRUCT ScalePerRequest
static const Field scale_per_request_fields[] = {FIELD_ROWS(SCALE_PER_REQUEST_FIELDS)};
#undef ROW_STRUCT
static const Type scale_per_request_type = FIELD_TYPE("scale-per-request", "a request that finds no idle slot starts a replica", ScalePerRequest, scale_per_request_fields, NULL);

static void decide(const void *params, void *state, const Observation *observation, Decision *decision) {
  const ScalePerRequest *per_request = params;
  (void)state;
  int64_t jobs = observation->waiting_jobs_now + observation->in_service_jobs_now + observation->arriving_jobs, slots = most(observation->concurrency, 1);
  int64_t raw = jobs / slots + (jobs % slots != 0), wish = most(raw, observation->replicas);
  if (per_request->keep_alive_ns.kind == DISTRIBUTION_CONSTANT) decision->keep_alive_ns = most(ns_from_double(per_request->keep_alive_ns.a), 1);
  else decision->keep_alive_law = &per_request->keep_alive_ns;
  decision->cancels_starts = per_request->surplus == SURPLUS_CANCEL;
  decision->replicas = most(observation->min_replicas, least(wish, observation->max_replicas));
  decision->metric = (double)jobs;
  decision->target = (double)slots;
  decision->raw_replicas = (double)raw;
  decision->reason = wish > observation->max_replicas ? "at the maximum of replicas" : wish > observation->replicas ? "a slot for every job" : "as many as there are";
  decision_step(decision, "Look for an idle slot", "replicas hold the jobs", raw <= observation->replicas, decision->replicas != observation->replicas ? "scale_horizontally()" : "keep",
                MODEL_STATE_NONE, (double)jobs, (double)(observation->replicas * slots));
}

extern const Policy policy_scale_per_request;
const Policy policy_scale_per_request = {
    .model = {.kind = MODEL_POLICY,
              .name = "scale-per-request",
              .summary = "a request that finds no idle slot starts a replica; idle ones go after keep_alive",
              .rule = "a request that finds all slots taken, those of replicas on their way included: replicas = max(replicas, ceil(jobs / concurrency)), the\n"
                      "request itself among the jobs. A replica that has been idle for `keep_alive` goes, not below the minimum. `surplus: cancel`: the newest\n"
                      "replica on its way is cancelled once the others will do for the jobs that wait. Starts one after the other: `replicas.starting: 1`.",
              .evidence = "exact: 88 cases of M/M/k/setup and 43 of M/G/1 with cold starts in tests/oracle/test_breakdowns.py; 13 hand-computed cases in\n"
                          "tests/unit/test_scale_per_request.c, whole runs by hand in tests/engine/test_setups.c",
              .params = &scale_per_request_type},
    .asks = ASK_EACH_REQUEST,
    .state_bytes = 1,
    .decide = decide,
};
