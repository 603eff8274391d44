/* Folding rows into slices and cumulative sums; see meter.h for what belongs where. */
#include "sim/run/meter.h"

#include <math.h>
#include <string.h>

#include "sim/base/check.h"

void job_counts_add(JobCounts *into, const JobCounts *from) {
  into->offered += from->offered;
  into->attempts += from->attempts;
  into->finished += from->finished;
  into->within += from->within;
  into->dropped += from->dropped;
  into->abandoned += from->abandoned;
  into->failed += from->failed;
  into->waited += from->waited;
  for (int v = 0; v < METER_VARIANTS; v++) into->by_variant[v] += from->by_variant[v];
  into->latency_ns += from->latency_ns;
  into->latency_ns2 += from->latency_ns2;
  into->wait_ns += from->wait_ns;
}

void integrals_add(Integrals *into, const Integrals *from) {
  into->queue += from->queue;
  into->in_service += from->in_service;
  into->usage += from->usage;
  into->request += from->request;
  into->starting += from->starting;
  into->ready += from->ready;
  into->draining += from->draining;
  into->power += from->power;
  into->interrupted += from->interrupted;
}

void meter_begin(Meter *meter, Arena *arena, int64_t horizon_ns, int64_t objective_ns, bool percentiles) {
  memset(meter, 0, sizeof *meter);
  meter->arena = arena;
  meter->horizon_ns = horizon_ns;
  meter->objective_ns = objective_ns;
  meter->percentiles = percentiles;
  meter->latency.arena = arena;
  meter->done = ARENA_ARRAY(arena, MeterRow, TRACE_ROWS);
  meter->slice_jobs = ARENA_ARRAY(arena, JobCounts, SLICES);
  meter->slice_latency = ARENA_ARRAY(arena, Histogram, SLICES);
  for (int k = 0; k < SLICES; k++) meter->slice_latency[k].arena = arena;
}

static uint64_t jobs_ended(const JobCounts *jobs) { return jobs->finished + jobs->dropped + jobs->abandoned + jobs->failed; }

static void sample_add(Sample *sample, const JobCounts *jobs, const Integrals *level, uint64_t units, uint64_t output) {
  sample->offered += jobs->offered;
  sample->finished += jobs->finished;
  sample->within += jobs->within;
  sample->ended += jobs_ended(jobs);
  sample->dropped += jobs->dropped;
  sample->latency_count += jobs->finished;
  sample->latency_ns += jobs->latency_ns;
  sample->queue += level->queue;
  sample->in_service += level->in_service;
  sample->usage += level->usage;
  sample->request += level->request;
  sample->offered_units += units;
  sample->offered_output += output;
}

void meter_end_row(Meter *meter) {
  CHECK(meter->row < TRACE_ROWS);
  MeterRow *row = &meter->done[meter->row];
  row->jobs = meter->jobs;
  row->level = meter->level;
  row->latency_p50_ns = row->latency_p95_ns = row->latency_p99_ns = (double)NAN;
  if (meter->jobs.finished) {
    if (meter->percentiles) {
      double quantile_ns[3];
      histogram_quantiles_ns(&meter->latency, (const double[]){0.50, 0.95, 0.99}, 3, quantile_ns);
      row->latency_p50_ns = quantile_ns[0];
      row->latency_p95_ns = quantile_ns[1];
      row->latency_p99_ns = quantile_ns[2];
    }
    histogram_merge(&meter->slice_latency[meter->slice], &meter->latency);
    histogram_clear(&meter->latency);
  }
  job_counts_add(&meter->slice_jobs[meter->slice], &meter->jobs);
  sample_add(&meter->past, &meter->jobs, &meter->level, meter->units, meter->output_units);
  if (meter->tokens) tokens_end_row(meter->tokens, meter->row, meter->percentiles);
  memset(&meter->jobs, 0, sizeof meter->jobs);
  memset(&meter->level, 0, sizeof meter->level);
  meter->units = meter->output_units = 0;
  meter->row++;
  if (meter->row < TRACE_ROWS && meter->row % ROWS_PER_SLICE == 0) {
    meter->slice++;
    meter->slice_start_ns = row_start_ns(meter->horizon_ns, meter->row);
  }
}

static int slice_of(const Meter *meter, int64_t t_ns) { return row_of(meter->horizon_ns, t_ns) / ROWS_PER_SLICE; }

void meter_move(Meter *meter, int64_t first_ns, int64_t latency_ns, int64_t wait_ns, int variant) {
  int old = slice_of(meter, first_ns);
  JobCounts *to = &meter->slice_jobs[old], *from = &meter->slice_jobs[meter->slice];
  const uint64_t within = meter->objective_ns == 0 || latency_ns <= meter->objective_ns, waited = wait_ns > 0;
  const __int128 square = (__int128)latency_ns * latency_ns;
  to->finished++, from->finished--;
  to->within += within, from->within -= within;
  to->waited += waited, from->waited -= waited;
  to->by_variant[variant]++, from->by_variant[variant]--;
  to->latency_ns += latency_ns, from->latency_ns -= latency_ns;
  to->latency_ns2 += square, from->latency_ns2 -= square;
  to->wait_ns += wait_ns, from->wait_ns -= wait_ns;
  histogram_add(&meter->slice_latency[old], latency_ns);
  histogram_remove(&meter->slice_latency[meter->slice], latency_ns);
}

void meter_lose(Meter *meter, Loss loss, int64_t first_ns) {
  JobCounts *now = &meter->jobs, *to = &meter->slice_jobs[slice_of(meter, first_ns)], *from = &meter->slice_jobs[meter->slice];
  switch (loss) {
    case LOSS_DROPPED: now->dropped++, to->dropped++, from->dropped--; break;
    case LOSS_ABANDONED: now->abandoned++, to->abandoned++, from->abandoned--; break;
    case LOSS_FAILED: now->failed++, to->failed++, from->failed--; break;
  }
}

void meter_sums(const Meter *meter, Sample *sums) {
  *sums = meter->past;
  sample_add(sums, &meter->jobs, &meter->level, meter->units, meter->output_units);
  if (!meter->tokens) return;
  sums->tokens = meter->tokens->past;
  token_sums_add(&sums->tokens, &meter->tokens->row);
}
