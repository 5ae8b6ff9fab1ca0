/* sha256.h -- SHA-256 (FIPS 180-4) for comparing with recorded hashes. */
#ifndef CLAB_TEST_SHA256_H
#define CLAB_TEST_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t h[8];
    uint64_t n;
    uint8_t block[64];
} sha256;

void sha256_start(sha256 *s);
void sha256_add(sha256 *s, const void *p, size_t n);
void sha256_hex(sha256 *s, char hex[65]); /* ends it */

#endif
