/* Rings of scrapes; see scrape.h. */
#include "sim/run/scrape.h"

#include <math.h>
#include <string.h>

#include "sim/run/station.h"

void scrapes_begin(Scrapes *scrapes, Arena *arena, uint32_t capacity, bool replicas, bool latencies) {
  *scrapes = (Scrapes){.arena = arena, .capacity = capacity, .replicas = replicas, .latencies = latencies};
  scrapes->ring = ARENA_ARRAY(arena, Scrape, capacity);
  scrapes->latency.arena = scrapes->merged.arena = arena;
  for (uint32_t k = 0; k < capacity; k++) scrapes->ring[k].latency.arena = arena;
}

static double kv_of(const Station *s, const Entry *entry) {
  bool has = s->service->server && s->service->server->kv_ratio && entry->state == ENTRY_READY;
  return has ? s->service->server->kv_ratio(entry->server) : (double)NAN;
}

static double kv_mean(const Station *s) {
  double sum = 0;
  for (uint32_t k = 0; k < s->n_eligible; k++) sum += kv_of(s, &s->entry[s->eligible[k]]);
  return s->n_eligible ? sum / (double)s->n_eligible : (double)NAN;
}

static void take_replicas(const Station *s, Scrape *scrape) {
  scrape->n_replicas = 0;
  if (scrape->capacity < s->n_entries) {
    scrape->capacity = s->entry_capacity;
    scrape->replica = ARENA_ARRAY(s->arena, ReplicaSample, scrape->capacity);
  }
  for (uint32_t e = 0; e < s->n_entries; e++) {
    const Entry *entry = &s->entry[e];
    if (entry->state == ENTRY_FREE) continue;
    scrape->replica[scrape->n_replicas++] = (ReplicaSample){e, entry->generation, entry->queue.count, entry->busy, entry->began_ns, entry->busy_sum, entry->usage_sum, kv_of(s, entry)};
  }
}

void scrapes_take(Station *s, int64_t now_ns) {
  Scrapes *scrapes = &s->scrapes;
  Scrape *scrape = &scrapes->ring[scrapes->n++ % scrapes->capacity];
  meter_sums(&s->meter, &scrape->sums);
  scrape->sums.at_ns = now_ns;
  scrape->waiting = s->n_waiting;
  scrape->busy = s->n_busy;
  scrape->ready = s->n_ready;
  scrape->backlog_units = s->backlog_units;
  scrape->kv_ratio = kv_mean(s);
  if (scrapes->replicas) take_replicas(s, scrape);
  if (scrapes->latencies) {
    Histogram old = scrape->latency;
    scrape->latency = scrapes->latency;
    histogram_clear(&old);
    scrapes->latency = old;
  }
}

static const Scrape *scrape_before(const Scrapes *scrapes, uint32_t age) { return &scrapes->ring[(scrapes->n - 1 - age) % scrapes->capacity]; }
static uint32_t kept(const Scrapes *scrapes) { return scrapes->n < scrapes->capacity ? scrapes->n : scrapes->capacity; }

const Scrape *scrapes_at(const Scrapes *scrapes, int64_t at_ns, int64_t every_ns) {
  for (uint32_t age = 0, n = kept(scrapes); age < n; age++) {
    const Scrape *scrape = scrape_before(scrapes, age);
    if (scrape->sums.at_ns <= at_ns && (every_ns == 0 || scrape->sums.at_ns % every_ns == 0)) return scrape;
  }
  return NULL;
}

void scrapes_quantiles_ns(Scrapes *scrapes, int64_t from_ns, int64_t to_ns, const double *q, size_t n, double *quantile_ns) {
  histogram_clear(&scrapes->merged);
  for (uint32_t age = 0, count = kept(scrapes); age < count; age++) {
    const Scrape *scrape = scrape_before(scrapes, age);
    if (scrape->sums.at_ns > from_ns && scrape->sums.at_ns <= to_ns) histogram_merge(&scrapes->merged, &scrape->latency);
  }
  for (size_t k = 0; k < n; k++) quantile_ns[k] = (double)NAN;
  if (histogram_total(&scrapes->merged)) histogram_quantiles_ns(&scrapes->merged, q, n, quantile_ns);
}

const ReplicaSample *scrape_replica(const Scrape *scrape, uint32_t entry, uint32_t generation) {
  for (uint32_t k = 0; k < scrape->n_replicas; k++) /* in order of entries: those before it may be free now */
    if (scrape->replica[k].entry == entry) return scrape->replica[k].generation == generation ? &scrape->replica[k] : NULL;
  return NULL;
}
