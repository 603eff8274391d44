/* Sums and histograms of token times; see tokens.h. */
#include "sim/run/tokens.h"

#include <math.h>
#include <string.h>

static const double quantiles[TOKEN_QUANTILES] = {0.50, 0.95, 0.99};

TokenMeter *tokens_new(Arena *arena) {
  TokenMeter *meter = ARENA_ARRAY(arena, TokenMeter, 1);
  meter->ttft.arena = meter->tpot.arena = arena;
  meter->done = ARENA_ARRAY(arena, TokenRow, TRACE_ROWS);
  meter->slice = ARENA_ARRAY(arena, TokenSums, SLICES);
  meter->slice_ttft = ARENA_ARRAY(arena, Histogram, SLICES);
  meter->slice_tpot = ARENA_ARRAY(arena, Histogram, SLICES);
  for (int k = 0; k < SLICES; k++) meter->slice_ttft[k].arena = meter->slice_tpot[k].arena = arena;
  return meter;
}

void token_sums_add(TokenSums *into, const TokenSums *from) {
  into->ttft_count += from->ttft_count;
  into->tpot_count += from->tpot_count;
  into->ttft_ns += from->ttft_ns;
  into->tpot_ns += from->tpot_ns;
  into->output += from->output;
}

void tokens_book(TokenMeter *meter, int slice, int64_t arrived_ns, int64_t first_ns, int64_t end_ns, uint32_t output) {
  TokenSums one = {.ttft_count = 1, .output = output, .ttft_ns = first_ns - arrived_ns};
  histogram_add(&meter->ttft, first_ns - arrived_ns);
  histogram_add(&meter->slice_ttft[slice], first_ns - arrived_ns);
  if (output > 1) {
    int64_t further = output - 1, each_ns = (end_ns - first_ns + further / 2) / further;
    one.tpot_count = 1;
    one.tpot_ns = each_ns;
    histogram_add(&meter->tpot, each_ns);
    histogram_add(&meter->slice_tpot[slice], each_ns);
  }
  token_sums_add(&meter->row, &one);
  token_sums_add(&meter->slice[slice], &one);
}

static void quantiles_of(const Histogram *histogram, uint64_t count, double *quantile_ns) {
  for (int k = 0; k < TOKEN_QUANTILES; k++) quantile_ns[k] = (double)NAN;
  if (count) histogram_quantiles_ns(histogram, quantiles, TOKEN_QUANTILES, quantile_ns);
}

void tokens_end_row(TokenMeter *meter, int row, bool percentiles) {
  TokenRow *done = &meter->done[row];
  done->sums = meter->row;
  quantiles_of(&meter->ttft, percentiles ? meter->row.ttft_count : 0, done->ttft_ns);
  quantiles_of(&meter->tpot, percentiles ? meter->row.tpot_count : 0, done->tpot_ns);
  token_sums_add(&meter->past, &meter->row);
  memset(&meter->row, 0, sizeof meter->row);
  histogram_clear(&meter->ttft);
  histogram_clear(&meter->tpot);
}

void tokens_summary(TokenMeter *meter, int first_slice, Arena *arena, TokenRow *row) {
  Histogram ttft = {.arena = arena}, tpot = {.arena = arena};
  memset(row, 0, sizeof *row);
  for (int k = first_slice; k < SLICES; k++) {
    token_sums_add(&row->sums, &meter->slice[k]);
    histogram_merge(&ttft, &meter->slice_ttft[k]);
    histogram_merge(&tpot, &meter->slice_tpot[k]);
  }
  quantiles_of(&ttft, row->sums.ttft_count, row->ttft_ns);
  quantiles_of(&tpot, row->sums.tpot_count, row->tpot_ns);
}
