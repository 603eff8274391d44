/* Stratified draws; see shuffle.h. Whole numbers of 52 bits throughout, as the uniforms are made of them. */
#include "sim/core/shuffle.h"

enum { TURNS = 6, BITS_LEAST = 4 };

Shuffle shuffle_make(uint32_t n, uint64_t seed, uint32_t entity, Purpose purpose, uint32_t replication) {
  Shuffle s = {.n = n, .keys = stream_make(seed, entity, purpose, replication)};
  if (n == 0) return s;
  unsigned bits = BITS_LEAST;
  while (UINT64_C(1) << bits < n) bits++;
  s.left_bits = bits / 2;
  s.right_bits = bits - s.left_bits;
  s.part = (UINT64_C(1) << 52) / n;
  s.rest = (UINT64_C(1) << 52) % n;
  return s;
}

/* A round's keys are the same for a stream and its mirror: the mirrored order is the order of the parts counted from the other end. */
static void round_keys(const Shuffle *s, uint64_t round, uint64_t key[TURNS]) {
  for (uint64_t k = 0; k < TURNS; k++) key[k] = stream_word(&s->keys, round * TURNS + k) ^ s->keys.flip;
}

/* The upper bits of a finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
static inline uint64_t mixed(uint64_t x, unsigned bits) {
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return (x ^ x >> 31) >> (64 - bits);
}

static inline uint32_t permuted(const Shuffle *s, const uint64_t key[TURNS], uint32_t place) {
  uint64_t x = place;
  do {
    uint64_t left = x >> s->right_bits, right = x & ((UINT64_C(1) << s->right_bits) - 1);
    for (int k = 0; k < TURNS; k += 2) {
      left ^= mixed(key[k] + right, s->left_bits);
      right ^= mixed(key[k + 1] + left, s->right_bits);
    }
    x = left << s->right_bits | right;
  } while (x >= s->n);
  return (uint32_t)x;
}

uint32_t shuffle_order(const Shuffle *s, uint64_t index) {
  uint64_t key[TURNS];
  round_keys(s, index / s->n, key);
  return permuted(s, key, (uint32_t)(index % s->n));
}

/* floor((part * 2^52 + word) / n): 2^52 = n * s->part + s->rest keeps it in 64 bits, as part * rest < n^2 <= 10^18. */
static inline double placed(const Shuffle *s, uint64_t part, double u) {
  uint64_t word = (uint64_t)(u * 0x1p52);
  return ((double)(part * s->part + (part * s->rest + word) / s->n) + 0.5) * 0x1p-52;
}

void shuffle_uniforms(const Shuffle *s, uint64_t first, size_t count, double *u) {
  if (s->n == 0 || count == 0) return;
  uint64_t key[TURNS], round = first / s->n;
  uint32_t place = (uint32_t)(first % s->n);
  round_keys(s, round, key);
  for (size_t k = 0; k < count; k++, place++) {
    if (place == s->n) {
      place = 0;
      round_keys(s, ++round, key);
    }
    uint32_t part = permuted(s, key, place);
    u[k] = placed(s, s->keys.flip ? s->n - 1 - part : part, u[k]);
  }
}
