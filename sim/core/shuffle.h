/* Stratified draws: of every n draws in a row (a round) each n-th part of (0, 1) takes exactly one, in random order, so what a run draws follows
 * its law more closely than independent draws do (Cochran, Sampling Techniques, 3rd ed., ch. 5). Two quantities of a job with orders of their
 * own make a Latin hypercube sample (McKay, Beckman, Conover, Technometrics 21 (1979), sec. 2.3). A draw alone is as uniform as before.
 * Draw i becomes (order(i mod n) + u) / n. With groups, so also do every `groups` draws in a row share out as many parts of (0, 1): the parts
 * of a round that lie in one of them come in a random order of their own. Orders are keyed permutations: a Feistel network over the least power
 * of two that holds n, walked until it is below n (Black, Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002). Random access, no
 * state; a mirrored stream gives 1 - u, exactly. */
#ifndef SIM_CORE_SHUFFLE_H
#define SIM_CORE_SHUFFLE_H

#include "sim/core/rng.h"

enum { SHUFFLE_MOST = 1000000000 };

/* Parts of (0, 1), and how they are permuted. */
typedef struct ShuffleParts {
  uint32_t n;
  unsigned left_bits, right_bits;
  uint64_t part, rest; /* 2^52 = n * part + rest */
} ShuffleParts;

typedef struct Shuffle {
  ShuffleParts groups, within; /* within.n 0: draws stay as they are */
  Stream keys;
} Shuffle;

/* Orders are drawn for `purpose`. n, a multiple of groups, is at most SHUFFLE_MOST; 0: draws stay as they are. */
Shuffle shuffle_make(uint32_t n, uint32_t groups, uint64_t seed, uint32_t entity, Purpose purpose, uint32_t replication);
/* u[k], k < count: the stream's draws first + k; each is moved to its place. */
void shuffle_uniforms(const Shuffle *shuffle, uint64_t first, size_t count, double *u);

#endif
