/* See deflate_runs.h. */
#include "sim/lab/deflate_runs.h"

#include <stdint.h>
#include <string.h>

#include <libdeflate.h>

typedef struct BitWriter {
  uint64_t hold;
  unsigned held;
  unsigned char *out;
} BitWriter;

enum { RUN_LEAST = 4, MATCH_LEAST = 3, MATCH_MOST = 258, END_OF_BLOCK = 256 };

/* At most 32 bits; the lowest goes first. */
static void put_bits(BitWriter *w, uint32_t value, unsigned count) {
  w->hold |= (uint64_t)value << w->held;
  for (w->held += count; w->held >= 8; w->held -= 8, w->hold >>= 8) *w->out++ = (unsigned char)w->hold;
}

static uint32_t reversed(uint32_t code, unsigned bits) {
  uint32_t back = 0;
  for (unsigned k = 0; k < bits; k++) back |= (code >> k & 1) << (bits - 1 - k);
  return back;
}

/* RFC 1951, 3.2.6: the code of a literal or length; Huffman codes go highest bit first. */
static void put_symbol(BitWriter *w, unsigned symbol) {
  if (symbol < 144) put_bits(w, reversed(0x30 + symbol, 8), 8);
  else if (symbol < 256) put_bits(w, reversed(0x190 + symbol - 144, 9), 9);
  else if (symbol < 280) put_bits(w, reversed(symbol - 256, 7), 7);
  else put_bits(w, reversed(0xC0 + symbol - 280, 8), 8);
}

/* RFC 1951, 3.2.5: `length` more of the byte before. */
static void put_match(BitWriter *w, unsigned length) {
  unsigned beyond = length - MATCH_LEAST;
  if (length == MATCH_MOST) {
    put_symbol(w, 285);
  } else if (beyond < 8) {
    put_symbol(w, 257 + beyond);
  } else {
    unsigned extra = 31 - (unsigned)__builtin_clz(beyond) - 2;
    put_symbol(w, 257 + 4 * extra + (beyond >> extra));
    put_bits(w, beyond & ((1u << extra) - 1), extra);
  }
  put_bits(w, 0, 5); /* distance 1 */
}

/* Bytes at the start that equal the first. */
static size_t run_length(const unsigned char *bytes, size_t length) {
  size_t n = 1;
  uint64_t eight, first = UINT64_C(0x0101010101010101) * bytes[0];
  for (; n + 8 <= length; n += 8) {
    memcpy(&eight, bytes + n, sizeof eight);
    if (eight != first) break;
  }
  while (n < length && bytes[n] == bytes[0]) n++;
  return n;
}

bool deflate_runs_suit(const unsigned char *bytes, size_t length) {
  size_t same = 0;
  for (size_t i = 1; i < length; i++) same += bytes[i] == bytes[i - 1];
  return length >= 64 && same >= length - length / 8;
}

size_t deflate_runs(const unsigned char *bytes, size_t length, unsigned char *out) {
  BitWriter w = {0, 0, out};
  *w.out++ = 0x78;
  *w.out++ = 0x5E; /* as level 4 has it */
  put_bits(&w, 3, 3); /* the last block, fixed code */
  for (size_t i = 0; i < length;) {
    size_t run = run_length(bytes + i, length - i), literals = run < RUN_LEAST ? run : 1, rest = run - literals;
    for (size_t k = 0; k < literals; k++) put_symbol(&w, bytes[i]);
    i += run;
    while (rest > 0) {
      /* Never leaves one or two, which would be no match. */
      size_t part = rest <= MATCH_MOST ? rest : rest - MATCH_MOST < MATCH_LEAST ? MATCH_MOST - MATCH_LEAST : MATCH_MOST;
      put_match(&w, (unsigned)part);
      rest -= part;
    }
  }
  put_symbol(&w, END_OF_BLOCK);
  put_bits(&w, 0, 7); /* up to a whole byte */
  uint32_t adler = libdeflate_adler32(1, bytes, length);
  for (int shift = 24; shift >= 0; shift -= 8) *w.out++ = (unsigned char)(adler >> shift);
  return (size_t)(w.out - out);
}
