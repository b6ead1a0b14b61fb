/*
 * digest.h - SHA-256, MD5, HMAC, CRC-32C and base64; the owner of libcrypto's
 * digests.
 */
#ifndef CORE_DIGEST_H
#define CORE_DIGEST_H

#include "core/buf.h"

enum {
    DIGEST_SHA256 = 32,
    DIGEST_MD5 = 16
};

void digest_sha256(struct slice s, uint8_t ret[DIGEST_SHA256]);
void digest_md5(struct slice s, uint8_t ret[DIGEST_MD5]);
void digest_hmac_sha256(struct slice key, struct slice s,
                        uint8_t ret[DIGEST_SHA256]);
/* Castagnoli, as Kafka's record batches; continue with `crc`, start with 0. */
uint32_t digest_crc32c(uint32_t crc, struct slice s);
/* The same without the processor's instruction, as on machines without it. */
uint32_t digest_crc32c_plain(uint32_t crc, struct slice s);
/* 2 * n lower-case hex digits and a NUL. */
void digest_hex(const uint8_t *bytes, size_t n, char *ret);
/* Standard alphabet with padding.  Decoding takes the whole text or fails. */
int digest_base64(struct slice s, struct buf *b, struct err *e) MUST_USE;
int digest_unbase64(struct slice s, struct buf *b, struct err *e) MUST_USE;

#endif
