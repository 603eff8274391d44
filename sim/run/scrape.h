/* What is kept at scrapes, for policies to see later: a ring of samples (cumulative sums, and the gauges of that instant), and, where a
 * policy asks for them, the same of each replica and the latencies of each interval between two scrapes. */
#ifndef SIM_RUN_SCRAPE_H
#define SIM_RUN_SCRAPE_H

#include "sim/run/meter.h"

/* One replica at a scrape. It is the same replica at two scrapes if entry and generation agree. */
typedef struct ReplicaSample {
  uint32_t entry, generation;
  uint32_t waiting, busy;      /* gauges */
  int64_t began_ns;
  __int128 busy_ns, usage;     /* since it began: job ns; millicores * slots * ns */
  double kv_ratio;             /* gauge; NaN */
} ReplicaSample;

typedef struct Scrape {
  Sample sums;
  uint64_t waiting, busy, ready; /* gauges */
  uint64_t backlog_units;
  double kv_ratio;               /* mean over ready replicas; NaN where there is no KV cache */
  ReplicaSample *replica;
  uint32_t n_replicas, capacity;
  Histogram latency; /* of jobs that finished since the scrape before */
} Scrape;

typedef struct Scrapes {
  Arena *arena;
  bool replicas, latencies; /* kept, too */
  Scrape *ring;
  uint32_t n, capacity;     /* taken so far; of the ring */
  Histogram latency;        /* since the last scrape */
  Histogram merged;         /* scratch of scrapes_quantiles_ns */
} Scrapes;

typedef struct Station Station;

void scrapes_begin(Scrapes *scrapes, Arena *arena, uint32_t capacity, bool replicas, bool latencies);
void scrapes_take(Station *station, int64_t now_ns);
/* The newest scrape at or before t whose instant is a multiple of every_ns (0: any), or NULL. */
const Scrape *scrapes_at(const Scrapes *scrapes, int64_t at_ns, int64_t every_ns);
/* Quantiles of the latencies of jobs that finished in (from, to]; NaN where none did. */
void scrapes_quantiles_ns(Scrapes *scrapes, int64_t from_ns, int64_t to_ns, const double *q, size_t n, double *quantile_ns);
/* The replica's sample in a scrape, or NULL if it was not there. */
const ReplicaSample *scrape_replica(const Scrape *scrape, uint32_t entry, uint32_t generation);

#endif
