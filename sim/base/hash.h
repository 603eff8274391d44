/* Hashes: a 32-bit name hash for entities (random streams are addressed by name) and SHA-256 for file identity (libmd). */
#ifndef SIM_BASE_HASH_H
#define SIM_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 32 bits, with the final avalanche of MurmurHash3 (fmix32). */
uint32_t hash_name(const char *name);
/* FNV-1a 64 of bytes, chained from `seed` (start with 0): fingerprints in tests, never identity. */
uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t length);

enum { SHA256_HEX_BYTES = 65 };
void sha256_hex(const void *bytes, size_t length, char hex[SHA256_HEX_BYTES]);

#endif
