/* Knative's metric windows; see kpa_buckets.h. */
#include "models/policy/kpa_buckets.h"

#include <math.h>

#include "models/policy/tracking.h"
#include "sim/core/maths.h"

int64_t kpa_bucket_count(int64_t window_ns, int64_t granularity_ns) {
  return most(window_ns / granularity_ns + (window_ns % granularity_ns > 0), 1);
}

static void clear(KpaBuckets *buckets) {
  for (int64_t k = 0; k < buckets->n; k++) buckets->bucket[k] = 0;
  buckets->total = 0;
}

void kpa_buckets_begin(KpaBuckets *buckets, double *room, int64_t window_ns, int64_t granularity_ns) {
  *buckets = (KpaBuckets){.window_ns = window_ns, .granularity_ns = granularity_ns, .n = kpa_bucket_count(window_ns, granularity_ns), .bucket = room};
  clear(buckets);
}

int64_t kpa_bucket_index(const KpaBuckets *buckets, int64_t now_ns) {
  return now_ns / buckets->granularity_ns - (now_ns % buckets->granularity_ns < 0);
}

static double *slot(const KpaBuckets *buckets, int64_t index) {
  int64_t k = index % buckets->n;
  return &buckets->bucket[k < 0 ? k + buckets->n : k];
}

double kpa_bucket(const KpaBuckets *buckets, int64_t index) { return *slot(buckets, index); }

/* Whether so many buckets span more than a window, or at least one. */
static bool spans_more(const KpaBuckets *buckets, int64_t n) { return (double)n * (double)buckets->granularity_ns > (double)buckets->window_ns; }
static bool spans_window(const KpaBuckets *buckets, int64_t n) { return (double)n * (double)buckets->granularity_ns >= (double)buckets->window_ns; }

void kpa_buckets_record(KpaBuckets *buckets, int64_t now_ns, double value) {
  int64_t index = kpa_bucket_index(buckets, now_ns);
  if (!buckets->has_last || index > buckets->last) {
    if (!buckets->has_last || spans_window(buckets, index - buckets->last)) {
      clear(buckets);
      buckets->first = index;
    } else {
      if (!buckets->has_first) buckets->first = index;
      for (int64_t k = buckets->last + 1; k <= index; k++) {
        buckets->total -= *slot(buckets, k);
        *slot(buckets, k) = 0;
      }
    }
    buckets->has_first = buckets->has_last = true;
    buckets->last = index;
  } else if (index < buckets->last) {
    if (spans_window(buckets, buckets->last - index)) return;
    if (!buckets->has_first || index < buckets->first) buckets->first = index;
    buckets->has_first = true;
  }
  *slot(buckets, index) += value;
  buckets->total += value;
}

bool kpa_buckets_empty(const KpaBuckets *buckets, int64_t now_ns) {
  return !buckets->has_last || spans_more(buckets, kpa_bucket_index(buckets, now_ns) - buckets->last);
}

double kpa_buckets_average(const KpaBuckets *buckets, int64_t now_ns) {
  int64_t now = kpa_bucket_index(buckets, now_ns);
  if (!buckets->has_last) return 0;
  int64_t silent = most(now - buckets->last, 0);
  if (silent > 0 && spans_window(buckets, silent)) return 0;
  double sum = buckets->total;
  for (int64_t k = 1; k <= silent; k++) sum -= *slot(buckets, buckets->last + k);
  int64_t valid = buckets->n - silent;
  if (buckets->has_first) valid = least(buckets->last - buckets->first + 1, valid);
  return kpa_rounded(6, sum / (double)most(valid, 1));
}

double kpa_buckets_weighted(const KpaBuckets *buckets, int64_t now_ns) {
  if (kpa_buckets_empty(buckets, now_ns)) return 0;
  double coefficient = kpa_smoothing_coefficient(buckets->n), weight = coefficient, sum = 0;
  int64_t silent = most(kpa_bucket_index(buckets, now_ns) - buckets->last, 0);
  for (int64_t k = 0; k < silent; k++) weight *= 1 - coefficient;
  for (int64_t k = 0; k < buckets->n - silent; k++) {
    sum += *slot(buckets, buckets->last - k) * weight;
    weight *= 1 - coefficient;
  }
  return sum;
}

void kpa_buckets_resize(KpaBuckets *buckets, double *room, int64_t window_ns, int64_t now_ns) {
  if (window_ns == buckets->window_ns) return;
  KpaBuckets old = *buckets;
  kpa_buckets_begin(buckets, room, window_ns, old.granularity_ns);
  buckets->has_last = old.has_last;
  buckets->last = old.last;
  if (kpa_buckets_empty(&old, now_ns)) return; /* the age begins anew with the next write */
  for (int64_t k = 0; k < least(old.n, buckets->n); k++) {
    double value = kpa_bucket(&old, old.last - k);
    *slot(buckets, old.last - k) = value;
    buckets->total += value;
  }
  buckets->has_first = true;
  buckets->first = old.last - (old.n - 1); /* the oldest that could have been kept, not the true first */
}

double kpa_smoothing_coefficient(int64_t n) { return fmax(1 - maths_pow(1 - 0.9999, 1 / (double)n), 0.2); }

double kpa_rounded(int digits, double value) {
  double power = 1;
  for (int k = 0; k < digits; k++) power *= 10;
  return round(value * power) / power;
}
