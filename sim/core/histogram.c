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

/* Sums of pages (NULL: empty), so that a quantile looks into one page only. */
typedef struct PageSums {
  const uint64_t *page[HISTOGRAM_PAGES];
  uint64_t sum[HISTOGRAM_PAGES], total;
} PageSums;

static void sum_pages(PageSums *pages) {
  pages->total = 0;
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++) {
    uint64_t sum = 0;
    for (unsigned k = 0; pages->page[p] && k < HISTOGRAM_PAGE_BINS; k++) sum += pages->page[p][k];
    pages->sum[p] = sum;
    pages->total += sum;
  }
}

/* The rank inside one page, `below` counts before it; false when the page's counts end before the rank. */
static bool rank_in_page(const uint64_t *page, unsigned p, double rank, double below, double *quantile) {
  for (unsigned k = 0; k < HISTOGRAM_PAGE_BINS; k++) {
    double count = (double)page[k];
    if (count > 0 && below + count >= rank) {
      unsigned bin = p << HISTOGRAM_PAGE_BITS | k;
      double low = (double)histogram_edge_ns(bin), high = (double)histogram_edge_ns(bin + 1), part = (rank - below) / count;
      *quantile = low + (high - low) * (part < 0 ? 0 : part);
      return true;
    }
    below += count;
  }
  return false;
}

static double quantile_of(const PageSums *pages, double q) {
  if (pages->total == 0) return __builtin_nan("");
  double rank = q * (double)pages->total, below = 0, quantile;
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++) {
    double sum = (double)pages->sum[p];
    if (sum > 0 && below + sum >= rank && rank_in_page(pages->page[p], p, rank, below, &quantile)) return quantile;
    below += sum;
  }
  return (double)histogram_edge_ns(HISTOGRAM_BINS); /* q > 1 */
}

void histogram_quantiles_ns(const Histogram *histogram, const double *q, size_t n, double *quantile_ns) {
  PageSums pages;
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++) pages.page[p] = histogram->page[p];
  sum_pages(&pages);
  for (size_t k = 0; k < n; k++) quantile_ns[k] = quantile_of(&pages, q[k]);
}

double histogram_quantile_ns(const Histogram *histogram, double q) {
  double quantile_ns;
  histogram_quantiles_ns(histogram, &q, 1, &quantile_ns);
  return quantile_ns;
}

double histogram_counts_quantile_ns(const uint64_t *counts, double q) {
  PageSums pages;
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++) pages.page[p] = counts + p * HISTOGRAM_PAGE_BINS;
  sum_pages(&pages);
  return quantile_of(&pages, q);
}

void histogram_export(const Histogram *histogram, uint64_t *counts) {
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++)
    for (unsigned k = 0; histogram->page[p] && k < HISTOGRAM_PAGE_BINS; k++) counts[p * HISTOGRAM_PAGE_BINS + k] += histogram->page[p][k];
}
