/* Hashes of names and bytes: FNV-1a (Fowler, Noll, Vo; RFC 9923) with MurmurHash3's finaliser for names, and SHA-256 by libmd. */
#include "sim/base/hash.h"

#include <sha2.h>

uint32_t hash_name(const char *name) {
  uint32_t hash = 2166136261u;
  for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
  /* fmix32 (Appleby, MurmurHash3): names that differ in the last letter get unrelated counters. */
  hash = (hash ^ hash >> 16) * 0x85ebca6bu;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
  return hash ^ hash >> 16;
}

uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t length) {
  const unsigned char *byte = bytes;
  uint64_t hash = seed == 0 ? UINT64_C(14695981039346656037) : seed;
  for (size_t k = 0; k < length; k++) hash = (hash ^ byte[k]) * UINT64_C(1099511628211);
  return hash;
}

void sha256_hex(const void *bytes, size_t length, char hex[SHA256_HEX_BYTES]) {
  SHA2_CTX context;
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256Init(&context);
  SHA256Update(&context, bytes, length);
  SHA256Final(digest, &context);
  for (size_t k = 0; k < SHA256_DIGEST_LENGTH; k++) {
    hex[2 * k] = "0123456789abcdef"[digest[k] >> 4];
    hex[2 * k + 1] = "0123456789abcdef"[digest[k] & 15];
  }
  hex[SHA256_HEX_BYTES - 1] = '\0';
}
