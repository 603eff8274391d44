/* Philox4x32-10: scalar, and sixteen blocks at a time with AVX2 where the machine has it; all forms give the same bits. */
#include "sim/core/rng.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif


enum { ROUNDS = 10, LANES = 16 };
static const uint32_t MULTIPLIER_0 = 0xD2511F53u, MULTIPLIER_1 = 0xCD9E8D57u, WEYL_0 = 0x9E3779B9u, WEYL_1 = 0xBB67AE85u;

Stream stream_make(uint64_t seed, uint32_t entity, Purpose purpose, uint32_t replication) {
  return (Stream){{(uint32_t)seed, (uint32_t)(seed >> 32)}, entity, (uint32_t)purpose << 24 | (replication & 0xffffffu),
                  replication & REPLICATION_MIRRORED ? UINT64_MAX : 0};
}

void philox4x32_10(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
  for (int round = 0; round < ROUNDS; round++) {
    uint64_t p0 = (uint64_t)MULTIPLIER_0 * c0, p1 = (uint64_t)MULTIPLIER_1 * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    c0 = n0;
    c2 = n2;
    k0 += WEYL_0;
    k1 += WEYL_1;
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

uint64_t stream_word(const Stream *stream, uint64_t index) {
  uint64_t block = index >> 1;
  uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), stream->entity, stream->low}, out[4];
  philox4x32_10(counter, stream->key, out);
  unsigned half = 2 * (unsigned)(index & 1);
  return ((uint64_t)out[half + 1] << 32 | out[half]) ^ stream->flip;
}

/* ((word >> 12) + 1/2) * 2^-52 without a conversion: 52 bits behind the exponent of 1, then 1 - 2^-53 away. Both steps are exact. */
static inline double uniform_of(uint64_t word) {
  uint64_t bits = word >> 12 | UINT64_C(0x3ff0000000000000);
  double x;
  memcpy(&x, &bits, sizeof x);
  return (x - 1.0) + 0x1p-53;
}

double stream_uniform(const Stream *stream, uint64_t index) { return uniform_of(stream_word(stream, index)); }

/* LANES consecutive blocks, 2 * LANES draws. 32-bit state in 64-bit lanes: vector units multiply 32 x 32 -> 64 there. */
static void uniforms_plain(const Stream *stream, uint64_t first_block, double *u) {
  uint32_t out[4];
  for (uint64_t l = 0; l < LANES; l++) {
    uint64_t block = first_block + l;
    philox4x32_10((const uint32_t[4]){(uint32_t)block, (uint32_t)(block >> 32), stream->entity, stream->low}, stream->key, out);
    u[2 * l] = uniform_of(((uint64_t)out[1] << 32 | out[0]) ^ stream->flip);
    u[2 * l + 1] = uniform_of(((uint64_t)out[3] << 32 | out[2]) ^ stream->flip);
  }
}

#if defined(__x86_64__)
/* Four vectors of four blocks at once: enough independent multiplications to hide their latency. */
enum { VECTORS = LANES / 4 };

__attribute__((target("avx2"))) static inline __m256d uniform_vector(__m256i low, __m256i high, __m256i flip) {
  __m256i word = _mm256_xor_si256(_mm256_or_si256(_mm256_slli_epi64(high, 32), low), flip);
  __m256i bits = _mm256_or_si256(_mm256_srli_epi64(word, 12), _mm256_set1_epi64x(0x3ff0000000000000));
  return _mm256_add_pd(_mm256_sub_pd(_mm256_castsi256_pd(bits), _mm256_set1_pd(1.0)), _mm256_set1_pd(0x1p-53));
}

__attribute__((target("avx2"))) static void uniforms_avx2(const Stream *stream, uint64_t first_block, double *u) {
  const __m256i m0 = _mm256_set1_epi64x(MULTIPLIER_0), m1 = _mm256_set1_epi64x(MULTIPLIER_1), mask = _mm256_set1_epi64x(0xffffffff);
  const __m256i flip = _mm256_set1_epi64x((int64_t)stream->flip);
  __m256i c0[VECTORS], c1[VECTORS], c2[VECTORS], c3[VECTORS];
  for (int v = 0; v < VECTORS; v++) {
    __m256i block = _mm256_add_epi64(_mm256_set1_epi64x((int64_t)first_block + 4 * v), _mm256_set_epi64x(3, 2, 1, 0));
    c0[v] = _mm256_and_si256(block, mask);
    c1[v] = _mm256_srli_epi64(block, 32);
    c2[v] = _mm256_set1_epi64x(stream->entity);
    c3[v] = _mm256_set1_epi64x(stream->low);
  }
  uint32_t k0 = stream->key[0], k1 = stream->key[1];
#pragma GCC unroll 10
  for (int round = 0; round < ROUNDS; round++) {
    const __m256i key0 = _mm256_set1_epi64x(k0), key1 = _mm256_set1_epi64x(k1);
#pragma GCC unroll 8
    for (int v = 0; v < VECTORS; v++) {
      __m256i p0 = _mm256_mul_epu32(m0, c0[v]), p1 = _mm256_mul_epu32(m1, c2[v]); /* reads the low halves only */
      c0[v] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p1, 32), c1[v]), key0);
      c2[v] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p0, 32), c3[v]), key1);
      c1[v] = p1; /* its high half is never read: masked at the end */
      c3[v] = p0;
    }
    k0 += WEYL_0;
    k1 += WEYL_1;
  }
  for (int v = 0; v < VECTORS; v++) {
    __m256d even = uniform_vector(_mm256_and_si256(c0[v], mask), c1[v], flip), odd = uniform_vector(_mm256_and_si256(c2[v], mask), c3[v], flip);
    __m256d low = _mm256_unpacklo_pd(even, odd), high = _mm256_unpackhi_pd(even, odd);
    _mm256_storeu_pd(u + 8 * v, _mm256_permute2f128_pd(low, high, 0x20));
    _mm256_storeu_pd(u + 8 * v + 4, _mm256_permute2f128_pd(low, high, 0x31));
  }
}
#endif

static void uniforms_of_blocks(const Stream *stream, uint64_t first_block, double *u) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) {
    uniforms_avx2(stream, first_block, u);
    return;
  }
#endif
  uniforms_plain(stream, first_block, u);
}

void stream_uniforms(const Stream *stream, uint64_t first, size_t n, double *u) {
  size_t k = 0;
  if ((first & 1) && n) u[k++] = stream_uniform(stream, first);
  for (; n - k >= 2 * LANES; k += 2 * LANES) uniforms_of_blocks(stream, (first + k) >> 1, u + k);
  if (k == n) return;
  double rest[2 * LANES];
  uniforms_of_blocks(stream, (first + k) >> 1, rest);
  memcpy(u + k, rest, (n - k) * sizeof *u);
}
