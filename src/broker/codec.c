#include "broker/codec.h"

#include <string.h>

#include "core/digest.h"

enum {
    HAS_KEY = 1,
    HAS_VALUE = 2,
    HAS_HEADERS = 4,
    RUN_SIZE = 16,
    CRC_AT = 4, /* where the checksum stands; it covers what follows it */
    CRC_FROM = 8
};

static const char magic[4] = {'P', 'L', 'F', '1'};

/* Little-endian integers of any width. */
static char *put_le(char *at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = (char)(unsigned char)(v >> 8 * i & 0xff);
    }
    return at + bytes;
}

static uint64_t get_le(const char *at, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++) {
        v |= (uint64_t)(unsigned char)at[i] << 8 * i;
    }
    return v;
}

static uint32_t get_u32(const char *at)
{
    return (uint32_t)get_le(at, 4);
}

static int64_t get_i64(const char *at)
{
    return (int64_t)get_le(at, 8);
}

static size_t varint_size(uint64_t v)
{
    size_t n = 1;

    for (; v >= 0x80; v >>= 7) {
        n++;
    }
    return n;
}

static char *put_varint(char *at, uint64_t v)
{
    for (; v >= 0x80; v >>= 7) {
        *at++ = (char)(unsigned char)((v & 0x7f) | 0x80);
    }
    *at++ = (char)(unsigned char)v;
    return at;
}

/* False: cut off, over 64 bits, or longer than it need be. */
static bool take_varint(struct slice *s, uint64_t *ret)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 10 && i < s->len; i++) {
        uint8_t c = (uint8_t)s->ptr[i];

        if ((i == 9 && c > 1) || (i > 0 && c == 0)) {
            return false;
        }
        v |= (uint64_t)(c & 0x7f) << 7 * i;
        if (c < 0x80) {
            *s = slice_from(*s, i + 1);
            *ret = v;
            return true;
        }
    }
    return false;
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

size_t codec_record_size(const struct broker_record *r, int64_t time_us)
{
    size_t n = 1 + varint_size(zigzag(time_us));

    if (r->has_key) {
        n += varint_size(r->key.len) + r->key.len;
    }
    if (r->has_value) {
        n += varint_size(r->value.len) + r->value.len;
    }
    if (r->headers.len > 0) {
        n += varint_size(r->headers.len) + r->headers.len;
    }
    return n;
}

static char *put_bytes(char *at, struct slice s)
{
    at = put_varint(at, s.len);
    if (s.len > 0) {
        memcpy(at, s.ptr, s.len);
    }
    return at + s.len;
}

char *codec_put_record(char *at, const struct broker_record *r, int64_t time_us)
{
    *at++ = (char)((r->has_key ? HAS_KEY : 0) | (r->has_value ? HAS_VALUE : 0) |
                   (r->headers.len > 0 ? HAS_HEADERS : 0));
    at = put_varint(at, zigzag(time_us));
    if (r->has_key) {
        at = put_bytes(at, r->key);
    }
    if (r->has_value) {
        at = put_bytes(at, r->value);
    }
    if (r->headers.len > 0) {
        at = put_bytes(at, r->headers);
    }
    return at;
}

static bool take_bytes(struct slice *s, bool there, struct slice *ret)
{
    uint64_t len = 0;

    *ret = SLICE("");
    if (!there) {
        return true;
    }
    if (!take_varint(s, &len) || len > s->len) {
        return false;
    }
    *ret = (struct slice){s->ptr, (size_t)len};
    *s = slice_from(*s, (size_t)len);
    return true;
}

bool codec_take_record(struct slice *body, struct message *ret)
{
    struct slice s = *body;
    struct message m = {.offset = ret->offset};
    uint64_t time = 0;
    uint8_t flags;

    if (s.len == 0) {
        return false;
    }
    flags = (uint8_t)s.ptr[0];
    s = slice_from(s, 1);
    m.has_key = flags & HAS_KEY;
    m.has_value = flags & HAS_VALUE;
    if (flags > (HAS_KEY | HAS_VALUE | HAS_HEADERS) ||
        !take_varint(&s, &time) || !take_bytes(&s, m.has_key, &m.key) ||
        !take_bytes(&s, m.has_value, &m.value) ||
        !take_bytes(&s, flags & HAS_HEADERS, &m.headers)) {
        return false;
    }
    if ((flags & HAS_HEADERS) && m.headers.len == 0) {
        return false; /* would be written without the flag */
    }
    m.time_us = unzigzag(time);
    *ret = m;
    *body = s;
    return true;
}

void codec_put_header(const struct codec_frame *f, char header[CODEC_HEADER])
{
    char *at = header;

    memcpy(at, magic, sizeof(magic));
    at = put_le(at + sizeof(magic), 0, 4);
    at = put_le(at, f->body_len, 4);
    at = put_le(at, f->keys_len, 4);
    at = put_le(at, (uint64_t)f->epoch, 8);
    at = put_le(at, (uint64_t)f->first, 8);
    at = put_le(at, (uint64_t)f->at_us, 8);
    at = put_le(at, (uint64_t)f->min_us, 8);
    at = put_le(at, (uint64_t)f->max_us, 8);
    at = put_le(at, (uint32_t)f->partition, 4);
    at = put_le(at, f->count, 4);
    at = put_le(at, f->more, 4);
    at = put_le(at, 0, 4);
    assert(at == header + CODEC_HEADER);
}

uint32_t codec_crc(const char header[CODEC_HEADER], struct slice keys,
                   uint32_t body_crc)
{
    struct slice rest = {header + CRC_FROM, CODEC_HEADER - CRC_FROM};
    uint32_t crc = digest_crc32c(body_crc, rest);

    return keys.len > 0 ? digest_crc32c(crc, keys) : crc;
}

void codec_put_crc(char header[CODEC_HEADER], uint32_t crc)
{
    (void)put_le(header + CRC_AT, crc, 4);
}

bool codec_get_header(const char header[CODEC_HEADER], struct codec_frame *ret)
{
    struct codec_frame f = {
        .crc = get_u32(header + CRC_AT),
        .body_len = get_u32(header + 8),
        .keys_len = get_u32(header + 12),
        .epoch = get_i64(header + 16),
        .first = get_i64(header + 24),
        .at_us = get_i64(header + 32),
        .min_us = get_i64(header + 40),
        .max_us = get_i64(header + 48),
        .partition = (int32_t)get_u32(header + 56),
        .count = get_u32(header + 60),
        .more = get_u32(header + 64),
    };

    if (memcmp(header, magic, sizeof(magic)) != 0 ||
        f.body_len > CODEC_BODY_MAX || f.keys_len > CODEC_KEYS_MAX ||
        f.epoch < 0 || f.first < 0 || f.partition < 0 || f.count == 0 ||
        get_u32(header + 68) != 0) {
        return false;
    }
    *ret = f;
    return true;
}

size_t codec_frame_size(const struct codec_frame *f)
{
    return (size_t)CODEC_HEADER + f->keys_len + f->body_len;
}

bool codec_frame_ok(const struct codec_frame *f, const char *frame)
{
    struct slice keys = {frame + CODEC_HEADER, f->keys_len};
    struct slice body = {frame + CODEC_HEADER + f->keys_len, f->body_len};

    return codec_crc(frame, keys, digest_crc32c(0, body)) == f->crc;
}

int codec_put_key(struct buf *b, const struct codec_key *k,
                  const struct codec_run *runs, struct err *e)
{
    size_t need = (size_t)CODEC_KEY_ENTRY + (size_t)k->runs * RUN_SIZE;
    char *at;

    if (buf_reserve(b, need, e) < 0) {
        return -1;
    }
    at = b->ptr + b->len;
    memcpy(at, k->hash, CODEC_KEY_HASH);
    memcpy(at + CODEC_KEY_HASH, k->digest, CODEC_KEY_HASH);
    at = put_le(at + 2 * (size_t)CODEC_KEY_HASH, k->runs, 4);
    for (uint32_t i = 0; i < k->runs; i++) {
        at = put_le(at, (uint32_t)runs[i].partition, 4);
        at = put_le(at, runs[i].count, 4);
        at = put_le(at, (uint64_t)runs[i].first, 8);
    }
    b->len += need;
    return 0;
}

bool codec_take_key(struct slice *keys, struct codec_key *ret)
{
    size_t runs;

    if (keys->len < CODEC_KEY_ENTRY) {
        return false;
    }
    runs = get_u32(keys->ptr + 2 * (size_t)CODEC_KEY_HASH);
    if (runs > (keys->len - CODEC_KEY_ENTRY) / RUN_SIZE) {
        return false;
    }
    memcpy(ret->hash, keys->ptr, CODEC_KEY_HASH);
    memcpy(ret->digest, keys->ptr + CODEC_KEY_HASH, CODEC_KEY_HASH);
    ret->runs = (uint32_t)runs;
    ret->run_bytes = keys->ptr + CODEC_KEY_ENTRY;
    *keys = slice_from(*keys, CODEC_KEY_ENTRY + runs * RUN_SIZE);
    return true;
}

struct codec_run codec_get_run(const struct codec_key *k, uint32_t i)
{
    const char *at = k->run_bytes + (size_t)i * RUN_SIZE;

    return (struct codec_run){(int32_t)get_u32(at), get_u32(at + 4),
                              get_i64(at + 8)};
}
