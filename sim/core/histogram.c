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

/* The next used bin of a page at or after k, HISTOGRAM_PAGE_BINS if there is none. */
static inline unsigned next_used(const uint64_t used[2], unsigned k) {
  for (unsigned w = k / 64; w < 2; w++) {
    uint64_t rest = w == k / 64 ? used[w] >> (k % 64) << (k % 64) : used[w];
    if (rest) return w * 64 + (unsigned)__builtin_ctzll(rest);
  }
  return HISTOGRAM_PAGE_BINS;
}

#define FOR_USED(histogram, p, k) \
  for (unsigned k = next_used((histogram)->used[p], 0); k < HISTOGRAM_PAGE_BINS; k = next_used((histogram)->used[p], k + 1))

void histogram_merge(Histogram *into, const Histogram *from) {
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++) {
    if (!from->page[p]) continue;
    if (!into->page[p]) histogram_new_page(into, p);
    FOR_USED(from, p, k) into->page[p][k] += from->page[p][k];
    into->used[p][0] |= from->used[p][0];
    into->used[p][1] |= from->used[p][1];
  }
  if (!from->n_least || (into->n_least && into->least_ns < from->least_ns)) return;
  into->n_least = from->n_least + (into->n_least && into->least_ns == from->least_ns ? into->n_least : 0);
  into->least_ns = from->least_ns;
}

void histogram_clear(Histogram *histogram) {
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++) {
    FOR_USED(histogram, p, k) histogram->page[p][k] = 0;
    histogram->used[p][0] = histogram->used[p][1] = 0;
  }
  histogram->n_least = 0;
}

uint64_t histogram_total(const Histogram *histogram) {
  uint64_t total = 0;
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++) FOR_USED(histogram, p, k) total += histogram->page[p][k];
  return total;
}

/* Adds a bin's count to the running count; true when the rank lies in it, with the interpolated value. The first n_atom of them are
 * exactly atom_ns, the others above it. */
static bool rank_in_bin(unsigned bin, uint64_t count, uint64_t n_atom, int64_t atom_ns, double rank, double *below, double *quantile_ns) {
  double here = (double)(count - n_atom), low = (double)histogram_edge_ns(bin);
  if (n_atom) {
    low = (double)atom_ns;
    *quantile_ns = low;
    if (*below + (double)n_atom >= rank) return true;
    *below += (double)n_atom;
  }
  if (*below + here < rank) {
    *below += here;
    return false;
  }
  double high = (double)histogram_edge_ns(bin + 1), part = (rank - *below) / here;
  *quantile_ns = low + (high - low) * (part < 0 ? 0 : part);
  return true;
}

static double quantile_ns_of(const Histogram *histogram, uint64_t total, double q) {
  double below = 0, quantile_ns;
  unsigned atom_bin = histogram_bin(histogram->least_ns);
  if (total == 0) return __builtin_nan("");
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++)
    FOR_USED(histogram, p, k) {
      uint64_t count = histogram->page[p][k], atom = histogram->n_least > 0 ? (uint64_t)histogram->n_least : 0;
      unsigned bin = p << HISTOGRAM_PAGE_BITS | k;
      if (!count) continue;
      if (below > 0 || bin != atom_bin || atom > count) atom = 0;
      if (rank_in_bin(bin, count, atom, histogram->least_ns, q * (double)total, &below, &quantile_ns)) return quantile_ns;
    }
  return (double)histogram_edge_ns(HISTOGRAM_BINS); /* q > 1 */
}

void histogram_quantiles_ns(const Histogram *histogram, const double *q, size_t n, double *quantile_ns) {
  uint64_t total = histogram_total(histogram);
  for (size_t k = 0; k < n; k++) quantile_ns[k] = quantile_ns_of(histogram, total, q[k]);
}

double histogram_quantile_ns(const Histogram *histogram, double q) { return quantile_ns_of(histogram, histogram_total(histogram), q); }

double histogram_counts_quantile_ns(const uint64_t *counts, double q) {
  uint64_t total = 0;
  for (unsigned bin = 0; bin < HISTOGRAM_BINS; bin++) total += counts[bin];
  double below = 0, quantile_ns;
  if (total == 0) return __builtin_nan("");
  for (unsigned bin = 0; bin < HISTOGRAM_BINS; bin++)
    if (counts[bin] && rank_in_bin(bin, counts[bin], 0, 0, q * (double)total, &below, &quantile_ns)) return quantile_ns;
  return (double)histogram_edge_ns(HISTOGRAM_BINS);
}

void histogram_export(const Histogram *histogram, uint64_t *counts) {
  for (unsigned p = 0; p < HISTOGRAM_PAGES; p++) FOR_USED(histogram, p, k) counts[p * HISTOGRAM_PAGE_BINS + k] += histogram->page[p][k];
}
