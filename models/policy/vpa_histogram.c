/* The decaying histogram of the Kubernetes VPA; see vpa_histogram.h. */
#include "models/policy/vpa_histogram.h"

#include <string.h>

#include "sim/core/maths.h"

static const double ln_2 = 0.69314718055994530942;

/* ---- buckets ---- */

double vpa_power(double x, int n) {
  double power = 1;
  for (unsigned k = n < 0 ? 0u - (unsigned)n : (unsigned)n; k > 0; k >>= 1, x *= x)
    if (k & 1u) power *= x;
  return n < 0 ? 1 / power : power;
}

/* The logarithm to the buckets' ratio of what the n-th bucket's start gives ratio^n for. */
static double bucket_number(const VpaBuckets *buckets, double value) {
  return maths_log(value * (buckets->ratio - 1) / buckets->first + 1) / maths_log(buckets->ratio);
}

static bool buckets_counted(VpaBuckets *buckets, double number) {
  if (!(number >= 0 && number < VPA_BUCKETS_MOST)) return false;
  int whole = (int)number;
  int count = whole + ((double)whole < number) + 1;
  if (count > VPA_BUCKETS_MOST) return false;
  buckets->count = count;
  return true;
}

bool vpa_buckets_linear(VpaBuckets *buckets, double max, double size, double epsilon) {
  *buckets = (VpaBuckets){.first = size, .epsilon = epsilon};
  return max > 0 && size > 0 && epsilon > 0 && buckets_counted(buckets, max / size);
}

bool vpa_buckets_exponential(VpaBuckets *buckets, double max, double first, double ratio, double epsilon) {
  *buckets = (VpaBuckets){.first = first, .ratio = ratio, .epsilon = epsilon};
  return max > 0 && first > 0 && ratio > 1 && epsilon > 0 && buckets_counted(buckets, bucket_number(buckets, max));
}

VpaBuckets vpa_buckets_cpu(void) {
  VpaBuckets buckets;
  (void)vpa_buckets_exponential(&buckets, 1000, 0.01, 1.05, 0.001 * 0.1);
  return buckets;
}

double vpa_bucket_start(const VpaBuckets *buckets, int bucket) {
  if (bucket >= buckets->count) bucket = buckets->count - 1;
  if (bucket <= 0) return 0;
  if (buckets->ratio == 0) return (double)bucket * buckets->first;
  return buckets->first * (vpa_power(buckets->ratio, bucket) - 1) / (buckets->ratio - 1);
}

int vpa_bucket_find(const VpaBuckets *buckets, double value) {
  if (!(value >= buckets->first)) return 0;
  double number = buckets->ratio == 0 ? value / buckets->first : bucket_number(buckets, value);
  if (!(number < buckets->count)) return buckets->count - 1;
  int bucket = (int)number;
  if (buckets->ratio == 0) return bucket;
  /* a start of a bucket may come out an ulp short of its number */
  if (bucket + 1 < buckets->count && vpa_bucket_start(buckets, bucket + 1) <= value) return bucket + 1;
  return vpa_bucket_start(buckets, bucket) > value ? bucket - 1 : bucket;
}

/* ---- decay ---- */

static void tighten(VpaHistogram *h) {
  while (h->weight[h->lowest] < h->buckets.epsilon && h->lowest < h->buckets.count - 1) h->lowest++;
  while (h->weight[h->highest] < h->buckets.epsilon && h->highest > 0) h->highest--;
}

static void scale(VpaHistogram *h, double factor) {
  for (int k = h->lowest; k <= h->highest; k++) h->weight[k] *= factor;
  h->total *= factor;
  tighten(h);
}

static double power_of_two(__int128 exponent) {
  if (exponent < -2000) return 0;
  return __builtin_ldexp(1, exponent > 1000 ? 1000 : (int)exponent);
}

static __int128 floor_divided(__int128 a, __int128 b) { return a / b - (a % b < 0); }

/* The multiple of the half-life nearest to an instant, the later one of two as near. */
static int64_t nearest_multiple(int64_t at_ns, int64_t half_life_ns) {
  __int128 lower = floor_divided(at_ns, half_life_ns) * half_life_ns;
  __int128 rest = at_ns - lower, nearest = 2 * rest < half_life_ns ? lower : lower + half_life_ns;
  if (nearest > INT64_MAX) return INT64_MAX;
  return nearest < INT64_MIN ? INT64_MIN : (int64_t)nearest;
}

static void shift_reference(VpaHistogram *h, int64_t to_ns) {
  to_ns = nearest_multiple(to_ns, h->half_life_ns);
  __int128 older = (__int128)h->reference_ns - to_ns;
  scale(h, h->has_reference ? power_of_two(floor_divided(2 * older + h->half_life_ns, 2 * (__int128)h->half_life_ns)) : 0);
  h->has_reference = true;
  h->reference_ns = to_ns;
}

static double decay_factor(VpaHistogram *h, int64_t at_ns) {
  if (h->half_life_ns <= 0) return 1;
  __int128 latest = (__int128)h->reference_ns + (__int128)h->half_life_ns * VPA_DECAY_EXPONENT_MOST;
  if (!h->has_reference || at_ns > latest) shift_reference(h, at_ns);
  __int128 age = (__int128)at_ns - h->reference_ns, whole = floor_divided(age, h->half_life_ns);
  double part = (double)(int64_t)(age - whole * h->half_life_ns) / (double)h->half_life_ns;
  return maths_exp(part * ln_2) * power_of_two(whole);
}

/* ---- samples ---- */

void vpa_histogram_begin(VpaHistogram *histogram, const VpaBuckets *buckets, int64_t half_life_ns) {
  memset(histogram, 0, sizeof *histogram);
  histogram->buckets = *buckets;
  histogram->half_life_ns = half_life_ns;
  histogram->lowest = buckets->count - 1;
}

void vpa_histogram_add(VpaHistogram *h, double value, double weight, int64_t at_ns) {
  if (!(weight >= 0)) return;
  weight *= decay_factor(h, at_ns);
  int bucket = vpa_bucket_find(&h->buckets, value);
  h->weight[bucket] += weight;
  h->total += weight;
  if (h->weight[bucket] < h->buckets.epsilon) return;
  if (bucket < h->lowest) h->lowest = bucket;
  if (bucket > h->highest) h->highest = bucket;
}

void vpa_histogram_subtract(VpaHistogram *h, double value, double weight, int64_t at_ns) {
  if (!(weight >= 0)) return;
  weight *= decay_factor(h, at_ns);
  int bucket = vpa_bucket_find(&h->buckets, value);
  if (weight > h->weight[bucket] - h->buckets.epsilon) weight = h->weight[bucket];
  h->total -= weight;
  h->weight[bucket] -= weight;
  tighten(h);
}

bool vpa_histogram_is_empty(const VpaHistogram *h) { return h->weight[h->lowest] < h->buckets.epsilon; }

double vpa_histogram_percentile(const VpaHistogram *h, double p) {
  if (vpa_histogram_is_empty(h)) return 0;
  double sum = 0, threshold = p * h->total;
  int bucket = h->lowest;
  for (; bucket < h->highest; bucket++) {
    sum += h->weight[bucket];
    if (sum >= threshold) break;
  }
  return vpa_bucket_start(&h->buckets, bucket < h->buckets.count - 1 ? bucket + 1 : bucket);
}

/* ---- several histograms ---- */

static bool same_kind(const VpaHistogram *a, const VpaHistogram *b) {
  return a->buckets.count == b->buckets.count && a->buckets.first == b->buckets.first && a->buckets.ratio == b->buckets.ratio &&
         a->buckets.epsilon == b->buckets.epsilon && a->half_life_ns == b->half_life_ns;
}

bool vpa_histogram_merge(VpaHistogram *h, const VpaHistogram *other) {
  if (!same_kind(h, other)) return false;
  VpaHistogram o = *other;
  if (o.has_reference && (!h->has_reference || h->reference_ns < o.reference_ns)) shift_reference(h, o.reference_ns);
  else if (h->has_reference && (!o.has_reference || o.reference_ns < h->reference_ns)) shift_reference(&o, h->reference_ns);
  for (int k = o.lowest; k <= o.highest; k++) h->weight[k] += o.weight[k];
  h->total += o.total;
  if (o.lowest < h->lowest) h->lowest = o.lowest;
  if (o.highest > h->highest) h->highest = o.highest;
  return true;
}

bool vpa_histogram_equal(const VpaHistogram *a, const VpaHistogram *b) {
  if (!same_kind(a, b) || a->lowest != b->lowest || a->highest != b->highest) return false;
  if (a->has_reference != b->has_reference || a->reference_ns != b->reference_ns) return false;
  for (int k = a->lowest; k <= a->highest; k++) {
    double difference = a->weight[k] - b->weight[k];
    if (difference > 1e-15 || difference < -1e-15) return false;
  }
  return true;
}

/* ---- checkpoints ---- */

VpaCheckpoint vpa_histogram_save(const VpaHistogram *h) {
  VpaCheckpoint checkpoint = {.total = h->total, .has_reference = h->has_reference, .reference_ns = h->reference_ns};
  double largest = 0;
  for (int k = h->lowest; k <= h->highest; k++)
    if (h->weight[k] > largest) largest = h->weight[k];
  for (int k = h->lowest; largest > 0 && k <= h->highest; k++) {
    double share = h->weight[k] * (VPA_CHECKPOINT_WEIGHT_MOST / largest) + 0.5;
    if (!(share >= 1)) continue;
    checkpoint.bucket[checkpoint.n] = k;
    checkpoint.weight[checkpoint.n++] = share < VPA_CHECKPOINT_WEIGHT_MOST ? (uint32_t)share : VPA_CHECKPOINT_WEIGHT_MOST;
  }
  return checkpoint;
}

bool vpa_histogram_load(VpaHistogram *h, const VpaCheckpoint *checkpoint) {
  uint64_t sum = 0;
  if (!(checkpoint->total >= 0)) return false;
  for (int k = 0; k < checkpoint->n; k++) {
    if (checkpoint->bucket[k] < 0 || checkpoint->bucket[k] >= h->buckets.count) return false;
    sum += checkpoint->weight[k];
  }
  h->has_reference = checkpoint->has_reference;
  h->reference_ns = checkpoint->reference_ns;
  if (sum == 0) return true;
  double ratio = checkpoint->total / (double)sum;
  for (int k = 0; k < checkpoint->n; k++) {
    int bucket = checkpoint->bucket[k];
    h->weight[bucket] += checkpoint->weight[k] * ratio;
    if (bucket < h->lowest) h->lowest = bucket;
    if (bucket > h->highest) h->highest = bucket;
  }
  h->total += checkpoint->total;
  tighten(h);
  return true;
}
