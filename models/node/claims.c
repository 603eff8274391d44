/* See claims.h. */
#include "models/node/claims.h"

static Claim *claim_new(Plan *plan) {
  if (plan->n_claims == plan->claim_capacity) {
    uint32_t grown = plan->claim_capacity ? 2 * plan->claim_capacity : 8;
    plan->claim = arena_grow(plan->bins->seen->scratch, plan->claim, plan->n_claims, grown, sizeof *plan->claim);
    plan->claim_capacity = grown;
  }
  return &plan->claim[plan->n_claims++];
}

/* Takes the pod if at least one type takes it beside the others; types that do not are no longer possible. */
static bool claim_add(Plan *plan, Claim *claim, const Pod *pod) {
  const NodeObservation *seen = plan->bins->seen;
  uint32_t gpu;
  bool any = false;
  for (uint32_t p = 0; p < seen->n_pools && !any; p++)
    any = claim->may[p] && deployment_may_run(seen, pod->deployment, p) && bin_has_room(plan->bins, claim->first_bin + p, pod->request, &gpu);
  if (!any) return false;
  for (uint32_t p = 0; p < seen->n_pools; p++)
    if (claim->may[p]) claim->may[p] = deployment_may_run(seen, pod->deployment, p) && bin_take(plan->bins, claim->first_bin + p, pod->request);
  claim->n_pods++;
  return true;
}

/* The largest type that the claim may become is counted against the limits. */
static void limits_count(Plan *plan, const Claim *claim) {
  const NodeObservation *seen = plan->bins->seen;
  Resources most = {0, 0, 0}, *left = &plan->left[claim->group];
  for (uint32_t p = 0; p < seen->n_pools; p++) {
    const Resources all = seen->pool[p].capacity;
    if (!claim->may[p]) continue;
    if (all.millicores > most.millicores) most.millicores = all.millicores;
    if (all.bytes > most.bytes) most.bytes = all.bytes;
    if (all.milligpus > most.milligpus) most.milligpus = all.milligpus;
  }
  if (left->millicores != INT64_MAX) left->millicores -= most.millicores;
  if (left->bytes != INT64_MAX) left->bytes -= most.bytes;
  if (left->milligpus != INT64_MAX) left->milligpus -= most.milligpus;
  if (plan->nodes_left[claim->group] != INT64_MAX) plan->nodes_left[claim->group]--;
}

static bool claim_open(Plan *plan, const Pod *pod) {
  const NodeObservation *seen = plan->bins->seen;
  for (uint32_t g = 0; g < plan->n_groups; g++) {
    if (plan->nodes_left[g] <= 0) continue;
    bool any = false;
    for (uint32_t p = 0; p < seen->n_pools && !any; p++)
      any = plan->group[g].has[p] && resources_fit(seen->pool[p].capacity, plan->left[g]) && deployment_may_run(seen, pod->deployment, p) &&
            machine_has_room(&seen->pool[p], pod->request);
    if (!any) continue;
    Claim *claim = claim_new(plan);
    *claim = (Claim){.group = g, .first_bin = plan->bins->count, .may = ARENA_ARRAY(seen->scratch, bool, seen->n_pools)};
    for (uint32_t p = 0; p < seen->n_pools; p++) {
      uint32_t bin = bins_add(plan->bins, p);
      plan->bins->bin[bin].closed = true; /* only claims put replicas here */
      claim->may[p] = plan->group[g].has[p] && resources_fit(seen->pool[p].capacity, plan->left[g]);
    }
    if (claim_add(plan, claim, pod)) {
      limits_count(plan, claim);
      return true;
    }
    plan->n_claims--;
  }
  return false;
}

/* Claims with the fewest replicas first, the older among equals. */
static bool claims_take(Plan *plan, const Pod *pod, uint32_t *order) {
  uint32_t n = plan->n_claims;
  double *fewest = ARENA_ARRAY(plan->bins->seen->scratch, double, n);
  for (uint32_t k = 0; k < n; k++) {
    order[k] = k;
    fewest[k] = -(double)plan->claim[k].n_pods;
  }
  sort_falling(order, fewest, n, plan->bins->seen->scratch);
  for (uint32_t k = 0; k < n; k++)
    if (claim_add(plan, &plan->claim[order[k]], pod)) return true;
  return false;
}

static void place(Plan *plan, const Pod *pod, uint32_t *order) {
  if (bins_place(plan->bins, 0, pod->deployment, pod->request, true) != BIN_NONE) return;
  if (bins_place(plan->bins, 0, pod->deployment, pod->request, false) != BIN_NONE) {
    plan->must_failed |= pod->must;
    return;
  }
  if (claims_take(plan, pod, order) || claim_open(plan, pod)) return;
  plan->must_failed |= pod->must;
}

void plan_pods(Plan *plan, const Pod *pod, uint32_t n) {
  Arena *scratch = plan->bins->seen->scratch;
  uint32_t *index = ARENA_ARRAY(scratch, uint32_t, n), *order = ARENA_ARRAY(scratch, uint32_t, n);
  double *key = ARENA_ARRAY(scratch, double, n);
  for (uint32_t k = 0; k < n; k++) {
    index[k] = k;
    key[k] = (double)pod[k].request.bytes;
  }
  sort_falling(index, key, n, scratch);
  for (uint32_t k = 0; k < n; k++) key[k] = (double)pod[k].request.millicores;
  sort_falling(index, key, n, scratch);
  plan->left = ARENA_ARRAY(scratch, Resources, plan->n_groups);
  plan->nodes_left = ARENA_ARRAY(scratch, int64_t, plan->n_groups);
  for (uint32_t g = 0; g < plan->n_groups; g++) {
    plan->left[g] = plan->group[g].left;
    plan->nodes_left[g] = plan->group[g].nodes_left;
  }
  for (uint32_t k = 0; k < n; k++) place(plan, &pod[index[k]], order);
}

uint32_t claim_cheapest(const Plan *plan, const Claim *claim, __int128 below_nano_usd_per_h, const int64_t *available) {
  const NodeObservation *seen = plan->bins->seen;
  uint32_t best = BIN_NONE;
  for (uint32_t p = 0; p < seen->n_pools; p++) {
    if (!claim->may[p] || available[p] <= 0 || seen->pool[p].nano_usd_per_h >= below_nano_usd_per_h) continue;
    if (best == BIN_NONE || seen->pool[p].nano_usd_per_h < seen->pool[best].nano_usd_per_h) best = p;
  }
  return best;
}
