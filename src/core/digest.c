#include "core/digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void digest_sha256(struct slice s, uint8_t ret[DIGEST_SHA256])
{
    int ok = EVP_Digest(s.ptr, s.len, ret, NULL, EVP_sha256(), NULL);

    assert(ok == 1);
    (void)ok;
}

void digest_md5(struct slice s, uint8_t ret[DIGEST_MD5])
{
    int ok = EVP_Digest(s.ptr, s.len, ret, NULL, EVP_md5(), NULL);

    assert(ok == 1);
    (void)ok;
}

void digest_hmac_sha256(struct slice key, struct slice s,
                        uint8_t ret[DIGEST_SHA256])
{
    unsigned len = DIGEST_SHA256;
    unsigned char *done;

    assert(key.len <= INT_MAX);
    done = HMAC(EVP_sha256(), key.len > 0 ? key.ptr : "", (int)key.len,
                (const unsigned char *)s.ptr, s.len, ret, &len);
    assert(done != NULL);
    (void)done;
}

static uint32_t crc_soft(uint32_t crc, struct slice s)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };

    for (size_t i = 0; i < s.len; i++) {
        crc ^= (uint8_t)s.ptr[i];
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_hard(uint32_t crc,
                                                           struct slice s)
{
    uint64_t c = crc;
    size_t i = 0;

    for (; s.len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        uint64_t w;

        memcpy(&w, s.ptr + i, sizeof(w));
        c = __builtin_ia32_crc32di(c, w);
    }
    for (; i < s.len; i++) {
        c = __builtin_ia32_crc32qi((uint32_t)c, (uint8_t)s.ptr[i]);
    }
    return (uint32_t)c;
}

static uint32_t crc_run(uint32_t crc, struct slice s)
{
    return __builtin_cpu_supports("sse4.2") ? crc_hard(crc, s)
                                            : crc_soft(crc, s);
}
#else
static uint32_t crc_run(uint32_t crc, struct slice s)
{
    return crc_soft(crc, s);
}
#endif

uint32_t digest_crc32c(uint32_t crc, struct slice s)
{
    return ~crc_run(~crc, s);
}

uint32_t digest_crc32c_plain(uint32_t crc, struct slice s)
{
    return ~crc_soft(~crc, s);
}

void digest_hex(const uint8_t *bytes, size_t n, char *ret)
{
    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        ret[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    ret[2 * n] = '\0';
}

static void encode_group(const uint8_t *in, char *out)
{
    uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

    out[0] = alphabet[v >> 18];
    out[1] = alphabet[v >> 12 & 63];
    out[2] = alphabet[v >> 6 & 63];
    out[3] = alphabet[v & 63];
}

int digest_base64(struct slice s, struct buf *b, struct err *e)
{
    const uint8_t *in = (const uint8_t *)s.ptr;
    size_t whole = s.len / 3;
    size_t rest = s.len % 3;
    char *out;

    if (s.len == 0) {
        return 0;
    }
    if (s.len > SIZE_MAX / 2) {
        return err_set(e, ERR_LIMIT, "%zu bytes are too many for base64",
                       s.len);
    }
    if (buf_reserve(b, (whole + (rest > 0)) * 4, e) < 0) {
        return -1;
    }
    out = b->ptr + b->len;
    for (size_t i = 0; i < whole; i++) {
        encode_group(in + 3 * i, out + 4 * i);
    }
    if (rest > 0) {
        uint8_t last[3] = {in[3 * whole], 0, 0};

        if (rest == 2) {
            last[1] = in[3 * whole + 1];
        }
        out += 4 * whole;
        encode_group(last, out);
        out[3] = '=';
        if (rest == 1) {
            out[2] = '=';
        }
    }
    b->len += (whole + (rest > 0)) * 4;
    return 0;
}

/* 0..63, or 64 and more for what is not in the alphabet. */
static const uint8_t value_of[256] = {
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 62, 64, 64, 64, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60,
    61, 64, 64, 64, 64, 64, 64, 64, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
    11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64,
    64, 64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42,
    43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64,
};

static bool decode_group(const uint8_t *in, uint8_t *out)
{
    uint32_t a = value_of[in[0]];
    uint32_t b = value_of[in[1]];
    uint32_t c = value_of[in[2]];
    uint32_t d = value_of[in[3]];

    out[0] = (uint8_t)(a << 2 | b >> 4);
    out[1] = (uint8_t)(b << 4 | c >> 2);
    out[2] = (uint8_t)(c << 6 | d);
    return (a | b | c | d) < 64;
}

/* What is wrong with s, near offset `at`. */
static int bad_base64(struct slice s, size_t at, struct err *e)
{
    size_t end = at + 4 < s.len ? at + 4 : s.len;

    while (at < end && value_of[(uint8_t)s.ptr[at]] < 64) {
        at++;
    }
    return err_set(e, ERR_MALFORMED,
                   "cannot decode base64: offset %zu holds no letter of it",
                   at);
}

int digest_unbase64(struct slice s, struct buf *b, struct err *e)
{
    const uint8_t *in = (const uint8_t *)s.ptr;
    size_t pad = 0;
    size_t groups = s.len / 4;
    uint8_t last[4];
    uint8_t tail[3];
    uint8_t *out;

    if (s.len % 4 != 0) {
        return err_set(e, ERR_MALFORMED,
                       "cannot decode base64: %zu letters are no multiple of 4",
                       s.len);
    }
    if (groups == 0) {
        return 0;
    }
    if (buf_reserve(b, groups * 3, e) < 0) {
        return -1;
    }
    out = (uint8_t *)b->ptr + b->len;
    for (size_t i = 0; i + 1 < groups; i++) {
        if (!decode_group(in + 4 * i, out + 3 * i)) {
            return bad_base64(s, 4 * i, e);
        }
    }
    memcpy(last, in + s.len - 4, 4);
    while (pad < 2 && last[3 - pad] == '=') {
        last[3 - pad++] = 'A';
    }
    if (!decode_group(last, tail)) {
        return bad_base64(s, s.len - 4, e);
    }
    memcpy(out + 3 * (groups - 1), tail, 3 - pad);
    b->len += groups * 3 - pad;
    return 0;
}
