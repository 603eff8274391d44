/* Edges, merging and quantiles of the log-linear histogram. */
#include "sim/core/histogram.h"

#include <string.h>

int64_t histogram_edge_ns(unsigned bin) {
  unsigned page = bin >> HISTOGRAM_PAGE_BITS, k = bin & (HISTOGRAM_PAGE_BINS - 1);
  if (page == 0) return (int64_t)k << (HISTOGRAM_FIRST_BIT - HISTOGRAM_PAGE_BITS);
  unsigned top = HISTOGRAM_FIRST_BIT + page - 1;
  return (INT64_C(1) << top) + ((int64_t)k << (top - HISTOGRAM_PAGE_BITS));
}

uint64_t *histogram_new_page(Histogram *histogram, unsigned page) {
  return histogram->page[page] = ARENA_ARRAY(histogram->arena, uint64_t, HISTOGRAM_PAGE_BINS);
}

void histogram_merge(Histogram *into, const Histogram *from) {
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++) {
    if (!from->page[p]) continue;
    if (!into->page[p]) histogram_new_page(into, p);
    for (unsigned k = 0; k < HISTOGRAM_PAGE_BINS; k++) into->page[p][k] += from->page[p][k];
  }
}

void histogram_clear(Histogram *histogram) {
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++)
    if (histogram->page[p]) memset(histogram->page[p], 0, HISTOGRAM_PAGE_BINS * sizeof(uint64_t));
}

uint64_t histogram_total(const Histogram *histogram) {
  uint64_t total = 0;
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++)
    for (unsigned k = 0; histogram->page[p] && k < HISTOGRAM_PAGE_BINS; k++) total += histogram->page[p][k];
  return total;
}

/* Finds the rank q * total among pages (NULL: empty); `page_of` is an array of HISTOGRAM_PAGES pointers. */
static double quantile_of(const uint64_t *const *page_of, uint64_t total, double q) {
  if (total == 0) return __builtin_nan("");
  double rank = q * (double)total, below = 0;
  unsigned last = 0;
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++)
    for (unsigned k = 0; page_of[p] && k < HISTOGRAM_PAGE_BINS; k++) {
      double count = (double)page_of[p][k];
      if (count == 0) continue;
      unsigned bin = last = p << HISTOGRAM_PAGE_BITS | k;
      if (below + count >= rank) {
        double low = (double)histogram_edge_ns(bin), high = (double)histogram_edge_ns(bin + 1);
        double part = (rank - below) / count;
        return low + (high - low) * (part < 0 ? 0 : part);
      }
      below += count;
    }
  return (double)histogram_edge_ns(last + 1);
}

double histogram_quantile_ns(const Histogram *histogram, double q) {
  return quantile_of((const uint64_t *const *)histogram->page, histogram_total(histogram), q);
}

double histogram_counts_quantile_ns(const uint64_t *counts, double q) {
  const uint64_t *page[HISTOGRAM_PAGES];
  uint64_t total = 0;
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++) page[p] = counts + p * HISTOGRAM_PAGE_BINS;
  for (unsigned bin = 0; bin < HISTOGRAM_BINS; bin++) total += counts[bin];
  return quantile_of(page, total, q);
}

void histogram_export(const Histogram *histogram, uint64_t *counts) {
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++)
    for (unsigned k = 0; histogram->page[p] && k < HISTOGRAM_PAGE_BINS; k++) counts[p * HISTOGRAM_PAGE_BINS + k] += histogram->page[p][k];
}
