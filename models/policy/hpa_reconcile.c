/* From proposals to replicas; see hpa_reconcile.h. */
#include "models/policy/hpa_reconcile.h"

/* Stabilisation, pace and bounds, in this order. */
static int64_t normalized(const HpaTick *tick, HpaMemory *memory, int64_t wish, HpaOutcome *outcome) {
  HpaWish stable, limited;
  if (tick->has_behavior) {
    stable = hpa_stabilize_paced(&memory->wishes, tick->now_ns, &tick->up, &tick->down, tick->replicas, wish, tick->semantics);
    limited = hpa_limit_paced(&memory->changes, tick->now_ns, &tick->up, &tick->down, tick->replicas, stable.replicas, tick->min_replicas,
                              tick->max_replicas, tick->semantics);
  } else {
    stable = (HpaWish){hpa_stabilize(&memory->wishes, tick->now_ns, tick->downscale_stabilization_ns, wish), "ScaleDownStabilized"};
    limited = hpa_limit(tick->replicas, stable.replicas, tick->min_replicas, tick->max_replicas, tick->limit_factor, tick->limit_least);
  }
  outcome->able_to_scale = stable.replicas != wish ? stable.reason : "ReadyForNewScale";
  outcome->scaling_limited = limited.reason;
  outcome->held_by = stable.replicas != wish ? stable.reason : NULL;
  outcome->stabilised = stable.replicas;
  outcome->limited = limited.replicas;
  return limited.replicas;
}

static void log_change(const HpaTick *tick, HpaMemory *memory, int64_t replicas) {
  if (!tick->has_behavior) return;
  if (replicas > tick->replicas) hpa_log_change(&memory->changes.up, tick->now_ns, &tick->up, replicas - tick->replicas);
  else hpa_log_change(&memory->changes.down, tick->now_ns, &tick->down, tick->replicas - replicas);
}

static void begin(const HpaTick *tick, HpaMemory *memory) {
  if (memory->begun) return;
  memory->begun = true;
  hpa_log_wish(&memory->wishes, -1, tick->now_ns, tick->replicas);
}

HpaOutcome hpa_reconcile(const HpaTick *tick, HpaMemory *memory) {
  HpaOutcome outcome = {.replicas = tick->replicas, .able_to_scale = "SucceededGetScale"};
  begin(tick, memory);
  int64_t wish;
  if (tick->replicas == 0 && tick->min_replicas != 0) {
    outcome.scaling_active = "ScalingDisabled";
    return outcome;
  }
  if (tick->replicas > tick->max_replicas) wish = tick->max_replicas; /* at once, whatever the windows say */
  else if (tick->replicas < tick->min_replicas) wish = tick->min_replicas;
  else {
    outcome.proposal = hpa_propose_best(tick->proposal, tick->n_proposals, tick->replicas, tick->semantics);
    outcome.scaling_active = outcome.proposal.reason;
    if (!outcome.proposal.valid) return outcome;
    outcome.computed = true;
    wish = normalized(tick, memory, outcome.proposal.replicas, &outcome);
  }
  if (wish == tick->replicas) return outcome;
  outcome.replicas = wish;
  outcome.rescale = true;
  outcome.able_to_scale = "SucceededRescale";
  log_change(tick, memory, wish);
  return outcome;
}
