/* A histogram whose samples lose half their weight every half-life, as the Kubernetes VPA keeps one for CPU and one for memory peaks:
 * fixed buckets (of equal size, or each larger than the last by a ratio), weights instead of counts, percentiles that answer with the END
 * of a bucket. A weight is kept as weight x 2^((t - reference) / half_life); the reference moves forward, by whole half-lives, before that
 * factor could overflow. Source: vertical-pod-autoscaler/pkg/recommender/util (histogram.go, histogram_options.go, decaying_histogram.go),
 * kubernetes/autoscaler 55c37cd5. Logarithms and powers are sim/core's own, so that every compiler gives the same bits. */
#ifndef MODELS_POLICY_VPA_HISTOGRAM_H
#define MODELS_POLICY_VPA_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

enum { VPA_BUCKETS_MOST = 256, VPA_CHECKPOINT_WEIGHT_MOST = 10000, VPA_DECAY_EXPONENT_MOST = 100 };

typedef struct VpaBuckets {
  int count;
  double first;   /* size of the first bucket */
  double ratio;   /* each bucket's size / the one before; 0: all alike */
  double epsilon; /* a bucket that weighs less is empty */
} VpaBuckets;

/* The last bucket starts at or above `max` and has no end. False (and no bucket) where an argument is out of range, or there would be more
 * than VPA_BUCKETS_MOST. */
bool vpa_buckets_linear(VpaBuckets *buckets, double max, double size, double epsilon);
bool vpa_buckets_exponential(VpaBuckets *buckets, double max, double first, double ratio, double epsilon);
/* What the recommender uses for CPU, in cores: from 0.01 to 1000, each bucket 5 % larger. */
VpaBuckets vpa_buckets_cpu(void);
int vpa_bucket_find(const VpaBuckets *buckets, double value);   /* the nearest one where the value lies outside */
double vpa_bucket_start(const VpaBuckets *buckets, int bucket); /* clamped to the buckets there are */

typedef struct VpaHistogram {
  VpaBuckets buckets;
  int64_t half_life_ns; /* 0: weights do not decay, times mean nothing */
  bool has_reference;   /* false until the first sample: then it is long ago */
  int64_t reference_ns;
  int lowest, highest;  /* the first and last bucket that is not empty; count - 1 and 0 when all are */
  double total;
  double weight[VPA_BUCKETS_MOST];
} VpaHistogram;

void vpa_histogram_begin(VpaHistogram *histogram, const VpaBuckets *buckets, int64_t half_life_ns);
void vpa_histogram_add(VpaHistogram *histogram, double value, double weight, int64_t at_ns);
/* Takes a sample back that was added before; what would leave less than epsilon empties the bucket. */
void vpa_histogram_subtract(VpaHistogram *histogram, double value, double weight, int64_t at_ns);
/* The end of the bucket in which the weights reach p of their total; 0 when empty. */
double vpa_histogram_percentile(const VpaHistogram *histogram, double p);
bool vpa_histogram_is_empty(const VpaHistogram *histogram);
/* Adds all of `other`; false when buckets or half-life differ. */
bool vpa_histogram_merge(VpaHistogram *histogram, const VpaHistogram *other);
bool vpa_histogram_equal(const VpaHistogram *a, const VpaHistogram *b); /* weights within 1e-15 */

/* Weights as whole numbers up to 10000; those that round to nothing are left out. */
typedef struct VpaCheckpoint {
  double total;
  bool has_reference;
  int64_t reference_ns;
  int n;
  int bucket[VPA_BUCKETS_MOST];
  uint32_t weight[VPA_BUCKETS_MOST];
} VpaCheckpoint;
VpaCheckpoint vpa_histogram_save(const VpaHistogram *histogram);
/* Adds what was saved; false where the total is negative or a bucket does not exist. */
bool vpa_histogram_load(VpaHistogram *histogram, const VpaCheckpoint *checkpoint);

/* x^n by repeated multiplication: exact where the result is, 1/x^-n for n < 0. */
double vpa_power(double x, int n);

#endif
