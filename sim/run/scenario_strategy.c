/* What a strategy gives to each deployment: the policy, how often it looks, and how metrics reach it. */
#include "sim/base/text.h"
#include "sim/run/scenario_graph.h"

const ModelRef *strategy_policy(const StrategySpec *strategy, const char *deployment) {
  for (size_t k = 0; k < strategy->deployments.count; k++) {
    const TargetSpec *target = LIST_AT(strategy->deployments, const TargetSpec, k);
    if (text_equal(target->name, deployment)) return &target->scale;
  }
  return &strategy->scale;
}

const TrainingRuleSpec *strategy_training(const StrategySpec *strategy, const char *queue) {
  for (size_t k = 0; k < strategy->training.count; k++) {
    const TrainingRuleSpec *rule = LIST_AT(strategy->training, const TrainingRuleSpec, k);
    if (text_equal(rule->name, queue)) return rule;
  }
  return NULL;
}

static PolicyTiming own_timing(const ModelRef *ref) {
  PolicyTiming timing = {15000000000, 15000000000, 60000000000, 0};
  const Policy *policy = (const Policy *)ref->model;
  if (policy->timing) policy->timing(ref->params, &timing);
  return timing;
}

PolicyTiming strategy_timing(const Scenario *scenario, const StrategySpec *strategy, const char *deployment) {
  PolicyTiming timing = own_timing(strategy_policy(strategy, deployment));
  for (size_t d = 0; d < scenario->deployments.count; d++) {
    PolicyTiming other = own_timing(strategy_policy(strategy, scenario_deployment(scenario, d)->name));
    if (other.scrape_ns < timing.scrape_ns) timing.scrape_ns = other.scrape_ns;
  }
  const MetricsSpec *metrics = &strategy->metrics;
  if (strategy->period_ns) timing.period_ns = strategy->period_ns;
  if (metrics->scrape_ns) timing.scrape_ns = metrics->scrape_ns;
  if (metrics->window_ns) timing.window_ns = metrics->window_ns;
  if (metrics->lag_ns) timing.lag_ns = metrics->lag_ns;
  return timing;
}

/* Samples that a policy sees: a window shorter than the scrape period would often hold none, and a policy that looks more often than
 * samples come would act twice on the same one. What a policy does by itself (Ray Serve looks every 0.1 s) is its own affair. */
static bool timing_check(const Scenario *scenario, const StrategySpec *strategy, const char *deployment, const char *path, Arena *arena, Err *err) {
  const PolicyTiming timing = strategy_timing(scenario, strategy, deployment);
  const MetricsSpec *metrics = &strategy->metrics;
  const int64_t least_ns = 1000000;
  bool good = true;
  if (metrics->scrape_ns && metrics->scrape_ns < least_ns) good = err_at(err, arena_format(arena, "%s.metrics.scrape", path), "the shortest scrape period is 1ms");
  if (strategy->period_ns && strategy->period_ns < least_ns) good = err_at(err, arena_format(arena, "%s.period", path), "the shortest period is 1ms");
  if ((metrics->window_ns || metrics->scrape_ns) && timing.window_ns < timing.scrape_ns)
    good = err_at(err, arena_format(arena, "%s.metrics.%s", path, metrics->window_ns ? "window" : "scrape"),
                  "window (%.9gs) is shorter than scrape (%.9gs): it would often hold no sample", (double)timing.window_ns / 1e9, (double)timing.scrape_ns / 1e9);
  if ((strategy->period_ns || metrics->scrape_ns) && timing.period_ns < timing.scrape_ns)
    good = err_at(err, arena_format(arena, "%s.%s", path, strategy->period_ns ? "period" : "metrics.scrape"),
                  "period (%.9gs) is shorter than metrics.scrape (%.9gs): the policy would look twice at one sample",
                  (double)timing.period_ns / 1e9, (double)timing.scrape_ns / 1e9);
  return good;
}

bool scenario_check_timings(const Scenario *scenario, Arena *arena, Err *err) {
  bool good = true;
  for (size_t k = 0; k < scenario->strategies.count; k++) {
    const StrategySpec *strategy = scenario_strategy(scenario, k);
    const char *path = named_path(arena, "strategies", strategy->name, "");
    bool fine = true;
    for (size_t d = 0; d < scenario->deployments.count && fine; d++) /* one deployment's complaint is enough */
      fine = timing_check(scenario, strategy, scenario_deployment(scenario, d)->name, path, arena, err);
    good &= fine;
  }
  return good;
}
