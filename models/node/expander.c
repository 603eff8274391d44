/* See expander.h. The hyperbolic tangent of the price expander comes from maths_exp, so that every machine chooses alike. */
#include "models/node/expander.h"

#include <string.h>

#include "sim/base/text.h"
#include "sim/core/maths.h"
#include "sim/core/time.h"

const char *const expander_names[] = {"least-waste", "price", "priority", "most-pods", "least-nodes", "random", NULL};

/* ---- scores: the lowest wins ---- */

static double wasted(int64_t all, int64_t used, double nodes) {
  return all > 0 ? ((double)all * nodes - (double)used) / ((double)all * nodes) : 0;
}

/* The sum of both wasted fractions of capacity (the FAQ tells of CPU first and memory in a tie; the code has the sum). */
static double waste_score(const ExpanderOption *option) {
  double nodes = (double)option->n_nodes;
  return wasted(option->capacity.millicores, option->pods.millicores, nodes) + wasted(option->capacity.bytes, option->pods.bytes, nodes);
}

/* What pods would cost by the list prices of Google's custom machines, USD/h: cloudprovider/gce, gce_price_info.go. */
static double pods_usd_per_h(Resources r) {
  return (double)r.millicores / 1000 * 0.033174 + (double)r.bytes / 1073741824.0 * 0.004446 + (double)r.milligpus / 1000 * 0.700;
}

/* Doubles whenever the cluster has grown threefold. */
static double preferred_cores(int64_t nodes) {
  static const int64_t up_to[] = {2, 6, 20, 60, 200};
  double cores = 1;
  for (size_t k = 0; k < sizeof up_to / sizeof *up_to && nodes > up_to[k]; k++) cores *= 2;
  return cores;
}

static double tanh_of(double x) { return x > 20 ? 1 : 1 - 2 / (maths_exp(2 * x) + 1); }

enum { GPU_UNFITNESS = 1000 };

static double price_score(const ExpanderOption *option, const ExpanderContext *context) {
  static const Resources stabilisation_pod = {500, INT64_C(500) << 20, 0};
  double stabilisation = pods_usd_per_h(stabilisation_pod), nodes = (double)option->n_nodes;
  double spent = ((double)option->nano_usd_per_h / 1e9 * nodes + stabilisation) / (pods_usd_per_h(option->pods) + stabilisation);
  double cores = (double)option->capacity.millicores / 1000, preferred = preferred_cores(context->cluster_nodes);
  double unfitness = cores <= 0 ? 1 : cores > preferred ? cores / preferred : preferred / cores;
  double suppressed = (unfitness - 1) * (1 - tanh_of((nodes - 1) / 15)) + 1;
  if (option->capacity.milligpus > 0) suppressed = GPU_UNFITNESS;
  return suppressed * spent;
}

bool priority_names(const char *pattern, const char *name) {
  size_t n = strlen(pattern);
  if (n && pattern[n - 1] == '*') return strncmp(pattern, name, n - 1) == 0;
  return text_equal(pattern, name);
}

/* The highest priority that names the group; no tier: lower than all. Without a match anywhere nothing is filtered, since all are equal. */
static double priority_score(const ExpanderOption *option, const ExpanderContext *context) {
  double best = 1e18;
  for (size_t t = 0; t < context->n_tiers; t++)
    for (size_t k = 0; k < context->tier[t].pools.count; k++)
      if (priority_names(LIST_AT(context->tier[t].pools, const PriorityPool, k)->name, option->name) && -(double)context->tier[t].priority < best)
        best = -(double)context->tier[t].priority;
  return best;
}

static double score(Expander expander, const ExpanderContext *context, const ExpanderOption *option) {
  switch (expander) {
    case EXPANDER_LEAST_WASTE: return waste_score(option);
    case EXPANDER_PRICE: return price_score(option, context);
    case EXPANDER_PRIORITY: return priority_score(option, context);
    case EXPANDER_MOST_PODS: return -(double)option->n_pods;
    case EXPANDER_LEAST_NODES: return (double)option->n_nodes;
    case EXPANDER_RANDOM: return 0;
  }
  return 0;
}

uint32_t expander_filter(Expander expander, const ExpanderContext *context, ExpanderOption *option, uint32_t n) {
  double best = 0;
  uint32_t kept = 0;
  for (uint32_t k = 0; k < n; k++) {
    double own = score(expander, context, &option[k]);
    if (kept && own > best) continue;
    if (kept && own < best) kept = 0;
    best = own;
    option[kept++] = option[k];
  }
  return kept;
}

/* ---- utilisation ---- */

/* PodLongTerminatingExtraThreshold of utils/drain: so long after its grace a deleted pod is ignored. */
#define LONG_TERMINATING_NS (30 * NS_PER_S)

static int64_t resource(const Resources *r, int which) { return which == 0 ? r->millicores : which == 1 ? r->bytes : r->milligpus; }

static bool resource_utilisation(int which, const UtilisationNode *node, const UtilisationPod *pod, size_t n, bool skip_daemonset, bool skip_mirror,
                                 double *out) {
  int64_t all = resource(&node->allocatable, which), skipped = 0, requested = 0;
  *out = 0;
  if (all <= 0) return false;
  for (size_t k = 0; k < n; k++) {
    int64_t request = resource(&pod[k].request, which);
    if ((skip_daemonset && pod[k].daemonset) || (skip_mirror && pod[k].mirror)) skipped += request;
    else if (pod[k].deleted_for_ns >= 0 && pod[k].deleted_for_ns > pod[k].grace_ns + LONG_TERMINATING_NS) continue;
    else requested += request;
  }
  if (all > skipped) *out = (double)requested / (double)(all - skipped);
  return true;
}

bool node_utilisation(const UtilisationNode *node, const UtilisationPod *pod, size_t n, bool skip_daemonset, bool skip_mirror, Utilisation *out) {
  *out = (Utilisation){0, 0, 0, 0};
  if (node->gpu_node) {
    (void)resource_utilisation(2, node, pod, n, skip_daemonset, skip_mirror, &out->gpu_share);
    out->highest = out->gpu_share;
    return true;
  }
  bool cpu = resource_utilisation(0, node, pod, n, skip_daemonset, skip_mirror, &out->cpu_share);
  bool memory = resource_utilisation(1, node, pod, n, skip_daemonset, skip_mirror, &out->memory_share);
  out->highest = out->cpu_share > out->memory_share ? out->cpu_share : out->memory_share;
  return cpu && memory;
}
