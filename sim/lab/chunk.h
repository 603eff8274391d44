/* HDF5 chunks made without HDF5: shuffle, deflate (zlib form), Fletcher32, in the order and bytes of HDF5's own filter pipeline, so that
 * H5Dwrite_chunk stores them with filter mask 0 and any reader opens them. Pure functions of their input: the same bytes for the same
 * values, in any thread. The owner of a ChunkMaker must end it. */
#ifndef SIM_LAB_CHUNK_H
#define SIM_LAB_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/arena.h"

enum { CHUNK_LEVEL = 4 }; /* of deflate; also what the files say */

struct libdeflate_compressor;
typedef struct ChunkMaker {
  Arena *arena;
  struct libdeflate_compressor *compressor;
  unsigned char *planes; /* the shuffled chunk */
  size_t planes_bytes;
} ChunkMaker;

/* False when there is no memory. */
bool chunk_maker_begin(ChunkMaker *maker, Arena *arena);
void chunk_maker_end(ChunkMaker *maker);
/* Room that chunk_make needs for `bytes` of values. */
size_t chunk_bound(const ChunkMaker *maker, size_t bytes);
/* Filters count * element bytes into out (at least chunk_bound); element 1 is not shuffled. Returns the length. */
size_t chunk_make(ChunkMaker *maker, const void *values, size_t count, size_t element, unsigned char *out);
/* Plain zlib data, for what is not an HDF5 chunk; deflate_undo is false unless exactly `length` bytes come out. */
size_t deflate_make(ChunkMaker *maker, const void *bytes, size_t length, unsigned char *out);
bool deflate_undo(const void *zlib, size_t zlib_bytes, void *out, size_t length);

/* Little-endian planes: byte j of every element, then byte j + 1 ... */
void chunk_shuffle(const unsigned char *values, size_t count, size_t element, unsigned char *planes);
/* HDF5's variant of Fletcher's checksum: big-endian 16-bit words, an odd last byte counts as a high byte. */
uint32_t chunk_fletcher32(const unsigned char *bytes, size_t length);

#endif
