/* What predictive policies share; see forecast.h. Only + - x / on doubles, so the same bits on every compiler. */
#include "models/policy/forecast.h"

int64_t interval_of(int64_t at_ns, int64_t interval_ns) { return at_ns > 0 ? (at_ns - 1) / interval_ns : 0; }

static RateOf close_interval(RateIntervals *intervals) {
  RateOf closed = {intervals->index, intervals->sum_rps / (double)intervals->count};
  intervals->count = 0;
  intervals->sum_rps = 0;
  return closed;
}

int intervals_add(RateIntervals *intervals, int64_t interval_ns, const Observation *observation, RateOf closed[CLOSED_AT_ONCE]) {
  const int64_t at_ns = observation->sampled_ns;
  if (!observation->has_metrics || !(observation->offered_rps >= 0) || (intervals->begun && at_ns <= intervals->sampled_ns)) return 0;
  int n = 0;
  int64_t index = interval_of(at_ns, interval_ns);
  if (intervals->count > 0 && index != intervals->index) closed[n++] = close_interval(intervals);
  intervals->begun = true;
  intervals->sampled_ns = at_ns;
  intervals->index = index;
  intervals->sum_rps += observation->offered_rps;
  intervals->count++;
  if (at_ns > 0 && at_ns % interval_ns == 0) closed[n++] = close_interval(intervals);
  return n;
}

size_t holt_winters_bytes(int64_t season) { return sizeof(HoltWinters) + (size_t)season * sizeof(double); }

/* The first whole season: its mean, and what each interval differs from it. */
static void first_season(HoltWinters *model, int64_t season) {
  double sum = 0;
  for (int64_t k = 0; k < season; k++) sum += model->season[k];
  model->level = sum / (double)season;
  model->trend = 0;
  for (int64_t k = 0; k < season; k++) model->season[k] -= model->level;
}

static void smooth(HoltWinters *model, const Smoothing *by, RateOf rate) {
  double *season = &model->season[rate.index % by->season];
  double expected = model->level + model->trend, before = model->level;
  model->level = by->alpha * (rate.mean_rps - *season) + (1 - by->alpha) * expected;
  model->trend = by->beta * (model->level - before) + (1 - by->beta) * model->trend;
  *season = by->gamma * (rate.mean_rps - expected) + (1 - by->gamma) * *season;
}

/* Intervals without a sample. Before there is a season they are taken to be like the one that ends the gap. */
static void pass_over(HoltWinters *model, const Smoothing *by, RateOf rate) {
  if (model->count > 0 && rate.index - model->last > by->season) *model = (HoltWinters){0};
  if (model->count == 0) return;
  for (int64_t k = model->last + 1; k < rate.index; k++) {
    if (holt_winters_ready(model, by)) model->level += model->trend;
    else {
      model->season[k % by->season] = rate.mean_rps;
      if (++model->count == by->season) first_season(model, by->season);
    }
  }
}

void holt_winters_add(HoltWinters *model, const Smoothing *smoothing, RateOf rate) {
  pass_over(model, smoothing, rate);
  if (holt_winters_ready(model, smoothing)) smooth(model, smoothing, rate);
  else {
    model->season[rate.index % smoothing->season] = rate.mean_rps;
    if (++model->count == smoothing->season) first_season(model, smoothing->season);
  }
  model->last = rate.index;
}

bool holt_winters_ready(const HoltWinters *model, const Smoothing *smoothing) { return model->count >= smoothing->season; }

double holt_winters_rps(const HoltWinters *model, const Smoothing *smoothing, int64_t index) {
  double rate = model->level + (double)(index - model->last) * model->trend + model->season[index % smoothing->season];
  return rate > 0 ? rate : 0;
}

double holt_winters_peak_rps(const HoltWinters *model, const Smoothing *smoothing, int64_t from, int64_t to) {
  double peak = 0;
  for (int64_t k = from; k <= to; k++) {
    double rate = holt_winters_rps(model, smoothing, k);
    if (rate > peak) peak = rate;
  }
  return peak;
}

double line_at(const double *value, int n, double x) {
  if (n <= 0) return __builtin_nan("");
  double middle = (double)(n - 1) / 2, mean = 0, across = 0, along = 0;
  for (int k = 0; k < n; k++) mean += value[k] / (double)n;
  for (int k = 0; k < n; k++) {
    across += ((double)k - middle) * (value[k] - mean);
    along += ((double)k - middle) * ((double)k - middle);
  }
  return along > 0 ? mean + across / along * (x - middle) : mean;
}

double replica_serves_rps(double given_rps, const Observation *observation) {
  const double least_use = 0.05;
  if (given_rps > 0) return given_rps;
  double mean_s = observation->variant_view && observation->variant >= 0 && observation->variant < observation->variants
                      ? observation->variant_view[observation->variant].mean_service_s : __builtin_nan("");
  if (mean_s > 0) return (double)most(observation->concurrency, 1) / mean_s;
  double in_use = (double)observation->replicas_ready * observation->utilisation_ratio;
  if (observation->has_metrics && observation->utilisation_ratio >= least_use && in_use > 0 && observation->finished_rps > 0)
    return observation->finished_rps / in_use;
  return __builtin_nan("");
}

void rate_wish(const RateWish *wish, Wishes *wishes, const Observation *observation, Decision *decision) {
  const int64_t current = observation->replicas;
  decision->metric = wish->rate_rps;
  decision->target = wish->served_rps / wish->headroom_ratio;
  const double most_need = 1e15;
  double need = wish->rate_rps / decision->target;
  if (need > most_need) need = most_need; /* also a forecast that has run away */
  if (!(need >= 0)) { /* no rate yet, or none that a replica is known to serve; bounds hold all the same */
    decision->replicas = most(observation->min_replicas, least(current, observation->max_replicas));
    decision->reason = wish->rate_rps >= 0 ? "what a replica serves is not known" : "no metrics";
  } else {
    int64_t raw = rounded_up(need);
    int64_t stable = stabilised_down(raw, wishes_add(wishes, observation->now_ns, wish->window_ns, raw, current), current);
    decision->replicas = most(observation->min_replicas, least(stable, observation->max_replicas));
    decision->raw_replicas = decision->after_tolerance = (double)raw;
    decision->stabilised = decision->rate_limited = (double)stable;
    decision->reason = decision->replicas > stable ? "at the minimum of replicas" : decision->replicas < stable ? "at the maximum of replicas"
                       : stable != raw             ? "held by the scale-down window" : wish->reason;
  }
  bool change = decision->replicas != current;
  decision_step(decision, "Compare the rate to come with what replicas serve", "replicas as wished", !change,
                change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE, decision->metric, decision->target);
}

bool season_check(int64_t season_ns, int64_t interval_ns, Err *err) {
  if (season_ns % interval_ns != 0) return err_at(err, "season", "is not a whole number of intervals");
  if (season_ns / interval_ns > SEASON_INTERVALS) return err_at(err, "interval", "is too short: a season has at most %d of them", SEASON_INTERVALS);
  return true;
}
