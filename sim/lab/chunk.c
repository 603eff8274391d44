/* HDF5's filter pipeline, done with libdeflate; see chunk.h. Sources: H5Zshuffle.c, H5Zdeflate.c, H5Zfletcher32.c and H5checksum.c of
 * HDF5 1.10.8. The bytes are those of little-endian machines; nothing here keeps state but the compressor. */
#include "sim/lab/chunk.h"

#include <string.h>

#include <libdeflate.h>

#include "sim/base/check.h"
#include "sim/lab/deflate_runs.h"

bool chunk_maker_begin(ChunkMaker *maker, Arena *arena) {
  *maker = (ChunkMaker){.arena = arena, .compressor = libdeflate_alloc_compressor(CHUNK_LEVEL)};
  return maker->compressor != NULL;
}

void chunk_maker_end(ChunkMaker *maker) {
  libdeflate_free_compressor(maker->compressor);
  maker->compressor = NULL;
}

enum { FLETCHER_BYTES = 4 };

size_t chunk_bound(const ChunkMaker *maker, size_t bytes) {
  return libdeflate_zlib_compress_bound(maker->compressor, bytes) + 16 + FLETCHER_BYTES;
}

/* Swaps the bits of *a above `shift` (under the mask) with those of *b below: one step of an 8 x 8 transposition of bytes. */
static inline void swap_bits(uint64_t *a, uint64_t *b, int shift, uint64_t mask) {
  uint64_t t = (*b ^ (*a >> shift)) & mask;
  *b ^= t;
  *a ^= t << shift;
}

static void shuffle_eight(const unsigned char *values, size_t count, unsigned char *planes) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t x[8];
    memcpy(x, values + i * 8, sizeof x);
    for (int k = 0; k < 4; k++) swap_bits(&x[k], &x[k + 4], 32, UINT64_C(0x00000000FFFFFFFF));
    for (int k = 0; k < 8; k += 4) {
      swap_bits(&x[k], &x[k + 2], 16, UINT64_C(0x0000FFFF0000FFFF));
      swap_bits(&x[k + 1], &x[k + 3], 16, UINT64_C(0x0000FFFF0000FFFF));
    }
    for (int k = 0; k < 8; k += 2) swap_bits(&x[k], &x[k + 1], 8, UINT64_C(0x00FF00FF00FF00FF));
    for (size_t j = 0; j < 8; j++) memcpy(planes + j * count + i, &x[j], 8);
  }
  for (; i < count; i++) {
    for (size_t j = 0; j < 8; j++) planes[j * count + i] = values[i * 8 + j];
  }
}

void chunk_shuffle(const unsigned char *values, size_t count, size_t element, unsigned char *planes) {
  if (element == 8) {
    shuffle_eight(values, count, planes);
    return;
  }
  for (size_t j = 0; j < element; j++) {
    for (size_t i = 0; i < count; i++) planes[j * count + i] = values[i * element + j];
  }
}

uint32_t chunk_fletcher32(const unsigned char *bytes, size_t length) {
  uint32_t sum1 = 0, sum2 = 0;
  size_t words = length / 2;
  while (words > 0) {
    size_t block = words > 360 ? 360 : words; /* the longest without overflow */
    words -= block;
    for (; block > 0; block--, bytes += 2) {
      sum1 += (uint32_t)(bytes[0] << 8 | bytes[1]);
      sum2 += sum1;
    }
    sum1 = (sum1 & 0xffff) + (sum1 >> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  }
  if (length % 2) {
    sum1 += (uint32_t)(*bytes << 8);
    sum2 += sum1;
    sum1 = (sum1 & 0xffff) + (sum1 >> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  }
  sum1 = (sum1 & 0xffff) + (sum1 >> 16);
  sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  return sum2 << 16 | sum1;
}

size_t deflate_make(ChunkMaker *maker, const void *bytes, size_t length, unsigned char *out) {
  if (deflate_runs_suit((const unsigned char *)bytes, length)) return deflate_runs((const unsigned char *)bytes, length, out);
  size_t made = libdeflate_zlib_compress(maker->compressor, bytes, length, out, libdeflate_zlib_compress_bound(maker->compressor, length));
  CHECK(made > 0);
  return made;
}

size_t chunk_make(ChunkMaker *maker, const void *values, size_t count, size_t element, unsigned char *out) {
  size_t bytes = count * element;
  const void *plain = values;
  if (element > 1) {
    if (maker->planes_bytes < bytes) {
      maker->planes = ARENA_ARRAY(maker->arena, unsigned char, bytes);
      maker->planes_bytes = bytes;
    }
    chunk_shuffle(values, count, element, maker->planes);
    plain = maker->planes;
  }
  size_t length = deflate_make(maker, plain, bytes, out);
  uint32_t sum = chunk_fletcher32(out, length);
  for (int k = 0; k < FLETCHER_BYTES; k++) out[length + k] = (unsigned char)(sum >> 8 * k);
  return length + FLETCHER_BYTES;
}

bool deflate_undo(const void *zlib, size_t zlib_bytes, void *out, size_t length) {
  struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
  if (!decompressor) return false;
  size_t made = 0;
  enum libdeflate_result result = libdeflate_zlib_decompress(decompressor, zlib, zlib_bytes, out, length, &made);
  libdeflate_free_decompressor(decompressor);
  return result == LIBDEFLATE_SUCCESS && made == length;
}
