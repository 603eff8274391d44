/* Knative's metric windows: a ring of buckets, each the sum of what was recorded in its stretch of time, averaged linearly or with
 * exponential weights. The ring's memory is the caller's. Times may be recorded out of order within a window.
 * Source: knative/serving 98e5ef90, pkg/autoscaler/aggregation/bucketing.go. */
#ifndef MODELS_POLICY_KPA_BUCKETS_H
#define MODELS_POLICY_KPA_BUCKETS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct KpaBuckets {
  int64_t window_ns, granularity_ns;
  int64_t n;           /* buckets in the ring */
  int64_t first, last; /* time / granularity of the first and the latest write: a young series is averaged over its own age */
  bool has_first, has_last;
  double total;        /* of the whole ring */
  double *bucket;      /* [n], that of time index i at i mod n */
} KpaBuckets;

/* How many buckets a window takes: rounded up, at least one. */
int64_t kpa_bucket_count(int64_t window_ns, int64_t granularity_ns);
/* An empty series in `room` for kpa_bucket_count() values. */
void kpa_buckets_begin(KpaBuckets *buckets, double *room, int64_t window_ns, int64_t granularity_ns);
void kpa_buckets_record(KpaBuckets *buckets, int64_t now_ns, double value);
/* True when nothing was written for longer than a window. */
bool kpa_buckets_empty(const KpaBuckets *buckets, int64_t now_ns);
/* Mean over the valid buckets, to six decimals; gaps count as 0, silence at the end shortens the window. 0 after a silent window. */
double kpa_buckets_average(const KpaBuckets *buckets, int64_t now_ns);
/* Exponentially weighted sum, the newest bucket first. */
double kpa_buckets_weighted(const KpaBuckets *buckets, int64_t now_ns);
/* Another window, in `room` for its buckets, which may not be the old one's: what fits is kept. */
void kpa_buckets_resize(KpaBuckets *buckets, double *room, int64_t window_ns, int64_t now_ns);
/* The bucket of a time index (time / granularity, rounded down). */
int64_t kpa_bucket_index(const KpaBuckets *buckets, int64_t now_ns);
double kpa_bucket(const KpaBuckets *buckets, int64_t index);

/* The weight of the newest bucket: all n together weigh at least 0.9999, but it is at least 0.2. */
double kpa_smoothing_coefficient(int64_t n);
/* To so many decimals, halves away from zero. */
double kpa_rounded(int digits, double value);

#endif
