/* The planned loop of one central queue with at most FEW_SLOTS slots of equal speed and variant. The instants at which slots are free stay
 * in vector registers, a lane each in slot order: the least of all, the lanes that hold it and their replacement are a handful of
 * instructions without a branch, where a heap needs a chain of loads. Instants are whole nanoseconds below 2^52, so doubles hold them
 * exactly. The slot chosen is the one the heap would give: least instant, then least slot. Compared with the plain loop event for event. */
#include "sim/run/loop_few.h"

#include "sim/core/time.h"
#include "sim/run/station_hot.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define EXACT_NS 4503599627370496.0 /* 2^52 */

typedef struct Few {
  double free_ns[FEW_SLOTS];     /* of lanes; beyond the last slot later than everything */
  int64_t served_ns[FEW_SLOTS];  /* in this call */
  uint32_t slot[FEW_SLOTS];
  unsigned held;                 /* lanes whose slot has a job in the pool */
  double slowness;
  int64_t last_ns, end_ns, waited_ns;
} Few;

bool few_applies(const Station *s) {
  uint64_t slots = (uint64_t)s->n_eligible * s->slots_per_entry;
  if (slots < 2 || slots > FEW_SLOTS || (double)s->scenario->horizon_ns >= EXACT_NS / 2) return false;
  const Entry *first = &s->entry[s->eligible[0]];
  for (uint32_t k = 0; k < s->n_eligible; k++) {
    const Entry *entry = &s->entry[s->eligible[k]];
    if (entry->slowness < first->slowness || entry->slowness > first->slowness || entry->variant != s->arrivals.variant) return false;
  }
  for (uint32_t k = 0; k < s->n_eligible; k++)
    for (uint32_t j = 0; j < s->slots_per_entry; j++)
      if ((double)s->slot[s->eligible[k] * s->slots_per_entry + j].free_ns >= EXACT_NS) return false;
  return __builtin_cpu_supports("avx2") != 0;
}

static void few_load(Few *few, const Station *s) {
  uint32_t n = 0;
  *few = (Few){.slowness = s->entry[s->eligible[0]].slowness};
  for (uint32_t k = 0; k < s->n_eligible; k++)
    for (uint32_t j = 0; j < s->slots_per_entry; j++, n++) {
      few->slot[n] = s->eligible[k] * s->slots_per_entry + j;
      few->free_ns[n] = (double)s->slot[few->slot[n]].free_ns;
      few->held |= (unsigned)(s->slot[few->slot[n]].job != JOB_NONE) << n;
    }
  for (; n < FEW_SLOTS; n++) {
    few->slot[n] = SLOT_NONE;
    few->free_ns[n] = __builtin_inf();
  }
}

static void few_store(const Few *few, Station *s) {
  for (uint32_t k = 0; k < FEW_SLOTS && few->slot[k] != SLOT_NONE; k++) {
    Slot *slot = &s->slot[few->slot[k]];
    slot->free_ns = (int64_t)few->free_ns[k];
    s->entry[slot->entry].served_ns += few->served_ns[k];
  }
  s->waited_ns += few->waited_ns;
}

/* A job that starts on a lane: its whole life lies before last_ns, or it goes into the pool. */
static inline void few_start(Few *few, Station *s, unsigned lane, size_t k, int64_t start_ns, int64_t end_ns) {
  Arrivals *a = &s->arrivals;
  const uint32_t slot = few->slot[lane];
  if (few->held >> lane & 1) { /* it came from an earlier window */
    few->held &= ~(1u << lane);
    hot_finish_slot(s, slot);
  }
  int64_t t = a->block.arrival_ns[k];
  few->waited_ns += start_ns - t;
  if (end_ns <= few->last_ns) {
    if (__builtin_expect(s->n_finishes == FINISHES, 0)) station_book_finishes(s);
    s->finish[s->n_finishes++] = (Finish){t, end_ns - t, start_ns - t, a->variant};
    few->served_ns[lane] += end_ns - start_ns;
    s->taken++;
    if (s->sized) s->meter.units += a->block.input[k], s->meter.output_units += a->block.output[k];
    hot_log_life(s, &s->entry[s->slot[slot].entry], k, start_ns, end_ns);
  } else {
    a->cursor = k;
    uint32_t id = hot_take_arrival(s);
    station_log(s, 'a', t, &s->job[id], 0);
    hot_start(s, slot, id, start_ns);
  }
}

__attribute__((target("avx2"))) static inline __m256d least_lane(__m256d r0, __m256d r1, __m256d r2, __m256d r3) {
  __m256d low = _mm256_min_pd(_mm256_min_pd(r0, r1), _mm256_min_pd(r2, r3));
  low = _mm256_min_pd(low, _mm256_permute2f128_pd(low, low, 1));
  return _mm256_min_pd(low, _mm256_permute_pd(low, 5));
}

/* All bits of one lane of four vectors. */
__attribute__((target("avx2"))) static inline __m256d lane_mask(unsigned lane, unsigned vector) {
  __m256i lanes = _mm256_add_epi64(_mm256_set_epi64x(3, 2, 1, 0), _mm256_set1_epi64x(4 * (int64_t)vector));
  return _mm256_castsi256_pd(_mm256_cmpeq_epi64(lanes, _mm256_set1_epi64x((int64_t)lane)));
}

/* Jobs of the current block from the cursor on; false when one cannot start inside the window, or comes after it. */
__attribute__((target("avx2"))) static bool few_block(Few *few, Station *s) {
  Arrivals *a = &s->arrivals;
  const size_t n = a->block.count;
  __m256d r0 = _mm256_loadu_pd(few->free_ns), r1 = _mm256_loadu_pd(few->free_ns + 4), r2 = _mm256_loadu_pd(few->free_ns + 8),
          r3 = _mm256_loadu_pd(few->free_ns + 12);
  size_t k = a->cursor;
  bool goes_on = true;
  for (; k < n; k++) {
    int64_t t = a->block.arrival_ns[k];
    __m256d least = least_lane(r0, r1, r2, r3);
    __m256d start = _mm256_max_pd(least, _mm256_set1_pd((double)t));
    int64_t start_ns = (int64_t)_mm256_cvtsd_f64(start), service_ns = ns_from_double(a->work_ns[k] * few->slowness);
    goes_on = t < few->end_ns && start_ns <= few->last_ns && (double)service_ns < EXACT_NS / 2;
    if (!goes_on) break;
    __m256d e0 = _mm256_cmp_pd(r0, least, _CMP_EQ_OQ), e1 = _mm256_cmp_pd(r1, least, _CMP_EQ_OQ), e2 = _mm256_cmp_pd(r2, least, _CMP_EQ_OQ),
            e3 = _mm256_cmp_pd(r3, least, _CMP_EQ_OQ);
    unsigned holds = (unsigned)(_mm256_movemask_pd(e0) | _mm256_movemask_pd(e1) << 4 | _mm256_movemask_pd(e2) << 8 | _mm256_movemask_pd(e3) << 12);
    unsigned lane = (unsigned)__builtin_ctz(holds);
    if (__builtin_expect((holds & (holds - 1)) != 0, 0))
      e0 = lane_mask(lane, 0), e1 = lane_mask(lane, 1), e2 = lane_mask(lane, 2), e3 = lane_mask(lane, 3);
    __m256d end = _mm256_add_pd(start, _mm256_set1_pd((double)service_ns));
    r0 = _mm256_blendv_pd(r0, end, e0);
    r1 = _mm256_blendv_pd(r1, end, e1);
    r2 = _mm256_blendv_pd(r2, end, e2);
    r3 = _mm256_blendv_pd(r3, end, e3);
    few_start(few, s, lane, k, start_ns, start_ns + service_ns);
  }
  a->cursor = k;
  _mm256_storeu_pd(few->free_ns, r0);
  _mm256_storeu_pd(few->free_ns + 4, r1);
  _mm256_storeu_pd(few->free_ns + 8, r2);
  _mm256_storeu_pd(few->free_ns + 12, r3);
  return goes_on;
}

void few_plan(Station *s, int64_t last_ns, int64_t end_ns) {
  Few few;
  few_load(&few, s);
  few.last_ns = last_ns;
  few.end_ns = end_ns;
  while (arrivals_peek(&s->arrivals) < end_ns && few_block(&few, s)) {}
  few_store(&few, s);
}

#else

bool few_applies(const Station *s) {
  (void)s;
  return false;
}

void few_plan(Station *s, int64_t last_ns, int64_t end_ns) {
  (void)s;
  (void)last_ns;
  (void)end_ns;
}

#endif
