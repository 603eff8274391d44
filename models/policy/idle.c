/* What keep-alive policies share; see idle.h. */
#include "models/policy/idle.h"

#include "sim/core/time.h"

/* Arrivals of the newest sample beyond those already told; *at_ns is when they came, roughly. */
static int64_t sampled_jobs(Idle *idle, const Observation *observation, int64_t *at_ns) {
  const int64_t most_jobs = 1000000000000;
  if (!observation->has_metrics || observation->sampled_ns <= idle->sampled_ns) return 0;
  idle->sampled_ns = observation->sampled_ns;
  int64_t jobs = least(ns_from_double(observation->offered_rps * s_from_ns(observation->window_ns)), most_jobs) - idle->told;
  idle->told = 0;
  *at_ns = most(observation->sampled_ns - observation->window_ns / 2, idle->since_ns);
  return most(jobs, 0);
}

Came idle_look(Idle *idle, const Observation *observation) {
  const int64_t now_ns = observation->now_ns;
  int64_t at_ns = now_ns;
  Came came = {0};
  if (observation->ask != ASK_NONE) {
    came.jobs = 1;
    idle->told++;
  } else came.jobs = sampled_jobs(idle, observation, &at_ns);
  bool busy = observation->waiting_jobs_now + observation->in_service_jobs_now > 0;
  if (busy && !idle->busy && came.jobs == 0) { /* at work before its sample has come */
    came.jobs = 1;
    idle->told++;
    at_ns = now_ns;
  }
  if (came.jobs > 0) {
    came.after_idle = idle->begun && !idle->busy;
    came.idle_ns = came.after_idle ? most(at_ns - idle->since_ns, 0) : 0;
    idle->since_ns = most(idle->since_ns, observation->ask != ASK_NONE ? now_ns : observation->sampled_ns);
    idle->begun = true;
  }
  if (busy || idle->busy) idle->since_ns = now_ns; /* a job that has gone since the last look may have ended just now */
  idle->busy = busy;
  return came;
}

static void keep_idle(const Warm *warm, int64_t idle_ns, const Observation *observation, Decision *decision) {
  if (idle_ns < warm->from_ns) {
    decision->replicas = 0;
    decision->keep_alive_ns = 1;
    decision->reason = "unloaded until the next job draws near";
  } else if (idle_ns < warm->until_ns) {
    decision->replicas = warm->from_ns > 0 ? most(observation->replicas, 1) : observation->replicas;
    decision->keep_alive_ns = warm->until_ns - warm->from_ns;
    decision->reason = warm->from_ns > 0 ? "loaded ahead of the next job" : "kept alive";
  } else {
    decision->replicas = 0;
    decision->keep_alive_ns = most(warm->until_ns - warm->from_ns, 1);
    decision->reason = "idle for longer than is worth waiting";
  }
}

void keep_warm(const Warm *warm, const Idle *idle, const Observation *observation, Decision *decision) {
  const int64_t idle_ns = observation->now_ns - idle->since_ns;
  const int64_t slots = most(observation->concurrency, 1);
  int64_t jobs = observation->waiting_jobs_now + observation->in_service_jobs_now;
  if (observation->ask != ASK_NONE) jobs = most(jobs, 1);
  if (jobs > 0) {
    decision->replicas = most(observation->replicas, jobs / slots + (jobs % slots != 0));
    decision->keep_alive_ns = warm->from_ns > 0 ? 1 : most(warm->until_ns, 1);
    decision->reason = decision->replicas > observation->replicas ? "a slot for every job" : "at work";
  } else keep_idle(warm, idle_ns, observation, decision);
  decision->metric = jobs > 0 ? 0 : s_from_ns(idle_ns);
  decision->target = s_from_ns(warm->until_ns);
  decision->raw_replicas = decision->after_tolerance = decision->stabilised = decision->rate_limited = (double)decision->replicas;
  decision->replicas = most(observation->min_replicas, least(decision->replicas, observation->max_replicas));
  bool change = decision->replicas != observation->replicas;
  decision_step(decision, "Look whether anything is to do", "at work, or idle for less than the window", jobs > 0 || idle_ns < warm->until_ns,
                change ? "scale_horizontally()" : "keep", MODEL_STATE_NONE, decision->metric, decision->target);
}
