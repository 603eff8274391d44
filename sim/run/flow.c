/* Cutting a flow's time into windows; see flow.h. */
#include "sim/run/flow.h"

#include <string.h>

#include "sim/base/check.h"

static bool station_needs_plain(const Station *s) {
  const DeploymentSpec *spec = s->spec;
  if (s->closed || s->service->server || spec->retry.attempts > 1 || spec->route.count || s->order != ORDER_FIFO) return true;
  if (s->total_timeout || (s->has_patience && (!s->fixed_patience || !s->central))) return true;
  if (s->has_patience && spec->failure.jobs == ON_FAILURE_REQUEUE_TAIL) return true; /* patience ends out of queue order */
  return spec->dispatch == DISPATCH_LEAST_WORK;
}

static bool receives_route(const Scenario *scenario, uint32_t deployment) {
  size_t n = scenario->deployments.count;
  for (size_t from = 0; from < n; from++)
    if (scenario->route_probability[from * n + deployment] > 0) return true;
  return false;
}

void flow_begin(Flow *flow, const Scenario *scenario, Station **all, uint32_t flow_index, int64_t scrape_ns, bool plain, Arena *arena) {
  memset(flow, 0, sizeof *flow);
  flow->all = all;
  flow->horizon_ns = scenario->horizon_ns;
  flow->scrape_ns = scrape_ns;
  flow->next_scrape = scrape_ns;
  flow->plain = plain;
  flow->events.arena = arena;
  flow->station = ARENA_ARRAY(arena, Station *, scenario->deployments.count);
  for (uint32_t d = 0; d < scenario->deployments.count; d++) {
    if (scenario->flow_of[d] != flow_index) continue;
    flow->station[flow->n_stations++] = all[d];
    all[d]->flow = flow;
    if (station_needs_plain(all[d]) || receives_route(scenario, d)) flow->plain = true;
  }
  if (flow->n_stations > 1) flow->plain = true;
  for (uint32_t k = 0; k < flow->n_stations && flow->plain; k++) flow->station[k]->events = &flow->events;
}

bool flow_is_alone(const Flow *flow) {
  for (uint32_t k = 0; k < flow->n_stations; k++) {
    const Station *s = flow->station[k];
    if (receives_route(s->scenario, s->deployment) || s->spec->route.count) return false;
  }
  return true;
}

static int64_t earliest(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t flow_next_event(const Flow *flow, int64_t now_ns) {
  int64_t next = flow->events.count ? flow->events.item[0].time_ns : INSTANT_NEVER;
  for (uint32_t k = 0; k < flow->n_stations; k++) {
    if (flow->station[k]->changed) return now_ns + 1;
    next = earliest(next, arrivals_peek(&flow->station[k]->arrivals));
  }
  return next > now_ns ? next : now_ns + 1;
}

/* A replica drains whose jobs have called others: the end of a call, and so of the replica, may be any event's instant. */
static bool drains_calls(const Flow *flow) {
  for (uint32_t k = 0; k < flow->n_stations; k++)
    if (flow->station[k]->n_held && flow->station[k]->n_draining) return true;
  return false;
}

static int64_t next_local(const Flow *flow) {
  int64_t next = flow->next_scrape;
  for (uint32_t k = 0; k < flow->n_stations; k++) next = earliest(next, station_next_local(flow->station[k]));
  return drains_calls(flow) ? earliest(next, flow_next_event(flow, flow->now_ns)) : next;
}

int64_t flow_next_notice(const Flow *flow) {
  int64_t next = INSTANT_NEVER;
  for (uint32_t k = 0; k < flow->n_stations; k++) next = earliest(next, station_next_notice(flow->station[k]));
  return drains_calls(flow) ? earliest(next, next_local(flow)) : next;
}

/* One window: nothing but jobs happens inside it. closed: departures and expiries at `end` itself belong to it. */
static void run_window(Flow *flow, int64_t end_ns, bool closed) {
  int64_t from = flow->now_ns, last = closed ? end_ns : end_ns - 1;
  for (uint32_t k = 0; k < flow->n_stations; k++) station_open_window(flow->station[k], end_ns);
  if (flow->plain) loop_plain(flow, from, last, end_ns);
  else if (flow->station[0]->central) loop_central(flow->station[0], from, last, end_ns);
  else loop_replicas(flow->station[0], from, last, end_ns);
  for (uint32_t k = 0; k < flow->n_stations; k++) station_close_window(flow->station[k]);
  flow->now_ns = end_ns;
}

static void do_local(Flow *flow) {
  for (uint32_t k = 0; k < flow->n_stations; k++) station_do_local(flow->station[k], flow->now_ns);
  if (flow->next_scrape != flow->now_ns) return;
  for (uint32_t k = 0; k < flow->n_stations; k++) scrapes_take(flow->station[k], flow->now_ns);
  flow->next_scrape += flow->scrape_ns;
}

static bool has_notice(const Flow *flow) {
  for (uint32_t k = 0; k < flow->n_stations; k++)
    if (flow->station[k]->n_notices) return true;
  return false;
}

static bool has_overflow(const Flow *flow) {
  for (uint32_t k = 0; k < flow->n_stations; k++)
    if (flow->station[k]->overflow) return true;
  return false;
}

FlowReturn flow_advance(Flow *flow, int64_t until_ns, bool stop_at_notice) {
  CHECK(until_ns <= flow->horizon_ns && until_ns >= flow->now_ns);
  do_local(flow); /* what control made due at this very instant */
  for (;;) {
    if (stop_at_notice && has_notice(flow)) return (FlowReturn){FLOW_NOTICE, flow->now_ns};
    if (has_overflow(flow)) return (FlowReturn){FLOW_OVERFLOW, flow->now_ns};
    if (flow->interrupted && *flow->interrupted) return (FlowReturn){FLOW_INTERRUPTED, flow->now_ns};
    int64_t end = next_local(flow), row_end = row_start_ns(flow->horizon_ns, flow->station[0]->meter.row + 1);
    if (end > until_ns) end = until_ns;
    if (row_end <= end && row_end < flow->horizon_ns) {
      run_window(flow, row_end, false);
      for (uint32_t k = 0; k < flow->n_stations; k++) meter_end_row(&flow->station[k]->meter);
      continue;
    }
    if (end >= flow->horizon_ns) {
      run_window(flow, flow->horizon_ns, false);
      return (FlowReturn){FLOW_REACHED, flow->now_ns};
    }
    run_window(flow, end, true);
    do_local(flow);
    if (end == until_ns) break;
  }
  if (stop_at_notice && has_notice(flow)) return (FlowReturn){FLOW_NOTICE, flow->now_ns};
  return (FlowReturn){has_overflow(flow) ? FLOW_OVERFLOW : FLOW_REACHED, flow->now_ns};
}

void flow_end(Flow *flow) {
  for (uint32_t k = 0; k < flow->n_stations; k++) meter_end_row(&flow->station[k]->meter);
}
