/* Stratified draws; see shuffle.h. Whole numbers of 52 bits throughout, as the uniforms are made of them. */
#include "sim/core/shuffle.h"

#include "sim/base/check.h"

enum { TURNS = 8, BITS_LEAST = 6 }; /* fewer leave orders of four parts uneven enough to be seen in 24,000 rounds */
#define GROUP_ORDERS (UINT64_C(1) << 63) /* words from here on are keys of the order of groups, those before of orders within one */

static ShuffleParts parts_make(uint32_t n) {
  unsigned bits = BITS_LEAST;
  while (UINT64_C(1) << bits < n) bits++;
  return (ShuffleParts){n, bits / 2, bits - bits / 2, (UINT64_C(1) << 52) / n, (UINT64_C(1) << 52) % n};
}

Shuffle shuffle_make(uint32_t n, uint32_t groups, uint64_t seed, uint32_t entity, Purpose purpose, uint32_t replication) {
  Shuffle s = {.keys = stream_make(seed, entity, purpose, replication)};
  if (n == 0) return s;
  CHECK(groups > 0 && n % groups == 0);
  s.groups = parts_make(groups);
  s.within = parts_make(n / groups);
  return s;
}

typedef struct Order {
  uint64_t number, key[TURNS];
} Order;

/* Keys are the same for a stream and its mirror: the mirrored order is that of the parts counted from the other end. */
static Order order_make(const Shuffle *s, uint64_t number) {
  Order order = {.number = number};
  for (uint64_t k = 0; k < TURNS; k++) order.key[k] = stream_word(&s->keys, number * TURNS + k) ^ s->keys.flip;
  return order;
}

/* The upper bits of a finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
static inline uint64_t mixed(uint64_t x, unsigned bits) {
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return (x ^ x >> 31) >> (64 - bits);
}

static inline uint64_t permuted(const ShuffleParts *parts, const Order *order, uint64_t place) {
  uint64_t x = place;
  do {
    uint64_t left = x >> parts->right_bits, right = x & ((UINT64_C(1) << parts->right_bits) - 1);
    for (int k = 0; k < TURNS; k += 2) {
      left ^= mixed(order->key[k] + right, parts->left_bits);
      right ^= mixed(order->key[k + 1] + left, parts->right_bits);
    }
    x = left << parts->right_bits | right;
  } while (x >= parts->n);
  return x;
}

/* floor((part * 2^52 + word) / n): 2^52 = n * parts->part + parts->rest keeps it in 64 bits, as part * rest < n^2 <= 10^18. */
static inline uint64_t placed(const ShuffleParts *parts, uint64_t part, uint64_t flip, uint64_t word) {
  if (flip) part = parts->n - 1 - part;
  return part * parts->part + (part * parts->rest + word) / parts->n;
}

void shuffle_uniforms(const Shuffle *s, uint64_t first, size_t count, double *u) {
  if (s->within.n == 0) return;
  uint64_t groups = s->groups.n, flip = s->keys.flip;
  Order of_groups = {.number = UINT64_MAX}, within = {.number = UINT64_MAX};
  for (size_t k = 0; k < count; k++) {
    uint64_t index = first + k, turn = index / groups, group = 0, word = (uint64_t)(u[k] * 0x1p52);
    if (groups > 1) {
      if (of_groups.number != GROUP_ORDERS / TURNS + turn) of_groups = order_make(s, GROUP_ORDERS / TURNS + turn);
      group = permuted(&s->groups, &of_groups, index % groups);
    }
    uint64_t round = turn / s->within.n * groups + group;
    if (within.number != round) within = order_make(s, round);
    word = placed(&s->within, permuted(&s->within, &within, turn % s->within.n), flip, word);
    if (groups > 1) word = placed(&s->groups, group, flip, word);
    u[k] = ((double)word + 0.5) * 0x1p-52;
  }
}
