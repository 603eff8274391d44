/* A log-linear histogram of durations: 128 bins an octave (bin width <= 0.79 %) from 1.024 us to 2^53 ns (104 days), 8 ns bins below,
 * one clamp at the top. Counts are exact integers, so merging is exact and order does not matter. Pages (one an octave) appear
 * when first used. Quantiles interpolate linearly inside a bin; an atom at the least value is kept apart. */
#ifndef SIM_CORE_HISTOGRAM_H
#define SIM_CORE_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/arena.h"

enum {
  HISTOGRAM_PAGE_BITS = 7,
  HISTOGRAM_PAGE_BINS = 1 << HISTOGRAM_PAGE_BITS,
  HISTOGRAM_FIRST_BIT = 10, /* page 0 covers [0, 2^10) ns */
  HISTOGRAM_PAGES = 44,
  HISTOGRAM_BINS = HISTOGRAM_PAGES * HISTOGRAM_PAGE_BINS
};

typedef struct Histogram {
  Arena *arena;
  uint64_t *page[HISTOGRAM_PAGES];
  int64_t least_ns;  /* the least value and how often it came: an atom there (a constant service without waiting) is not spread over */
  int64_t n_least;   /* its bin. 0: none known; below 0: taken out before it was merged in */
  uint64_t used[HISTOGRAM_PAGES][2]; /* a bit for each bin that was ever added to: what is empty costs nothing to merge, clear or search */
} Histogram;

/* The bin of a value >= 0; values of 2^53 and more share the last bin. */
static inline unsigned histogram_bin(int64_t value_ns) {
  uint64_t v = (uint64_t)value_ns;
  if (v < (UINT64_C(1) << HISTOGRAM_FIRST_BIT)) return (unsigned)(v >> (HISTOGRAM_FIRST_BIT - HISTOGRAM_PAGE_BITS));
  unsigned top = 63u - (unsigned)__builtin_clzll(v);
  if (top >= HISTOGRAM_FIRST_BIT + HISTOGRAM_PAGES - 1) return HISTOGRAM_BINS - 1;
  return ((top - HISTOGRAM_FIRST_BIT + 1) << HISTOGRAM_PAGE_BITS) +
         (unsigned)((v >> (top - HISTOGRAM_PAGE_BITS)) & (HISTOGRAM_PAGE_BINS - 1));
}
/* Lower edge of bin k (0..HISTOGRAM_BINS; the last is the upper edge of the range). */
int64_t histogram_edge_ns(unsigned bin);
uint64_t *histogram_new_page(Histogram *histogram, unsigned page);
static inline void histogram_add_count(Histogram *histogram, unsigned bin, uint64_t count) {
  unsigned p = bin >> HISTOGRAM_PAGE_BITS, k = bin & (HISTOGRAM_PAGE_BINS - 1);
  uint64_t *page = histogram->page[p];
  if (__builtin_expect(!page, 0)) page = histogram_new_page(histogram, p);
  if (page[k] == 0) histogram->used[p][k / 64] |= UINT64_C(1) << (k % 64);
  page[k] += count; /* modular: a negative correction is added as its two's complement */
}
static inline void histogram_add(Histogram *histogram, int64_t value_ns) {
  histogram_add_count(histogram, histogram_bin(value_ns), 1);
  if (__builtin_expect(value_ns <= histogram->least_ns || !histogram->n_least, 0)) {
    histogram->n_least = value_ns == histogram->least_ns ? histogram->n_least + 1 : 1;
    histogram->least_ns = value_ns;
  }
}
/* Takes one value out, which was added or is still to come by a merge. */
static inline void histogram_remove(Histogram *histogram, int64_t value_ns) {
  histogram_add_count(histogram, histogram_bin(value_ns), (uint64_t)-1);
  if (!histogram->n_least || value_ns < histogram->least_ns) {
    histogram->n_least = -1;
    histogram->least_ns = value_ns;
  } else if (value_ns == histogram->least_ns) {
    histogram->n_least--;
  }
}
void histogram_merge(Histogram *into, const Histogram *from);
void histogram_clear(Histogram *histogram); /* counts to zero, pages kept */
uint64_t histogram_total(const Histogram *histogram);
/* The q-quantile in ns (0 <= q <= 1) by interpolation; NaN when empty. */
double histogram_quantile_ns(const Histogram *histogram, double q);
/* n quantiles at once. */
void histogram_quantiles_ns(const Histogram *histogram, const double *q, size_t n, double *quantile_ns);
/* The same from a plain array of HISTOGRAM_BINS counts. */
double histogram_counts_quantile_ns(const uint64_t *counts, double q);
/* Writes all HISTOGRAM_BINS counts, adding to what is there. */
void histogram_export(const Histogram *histogram, uint64_t *counts);

#endif
