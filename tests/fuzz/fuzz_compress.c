/* Unpacking any bytes ends, stays below its ceiling and leaves the buffer as
 * it was when it fails; packing and base64 come back. */
#include "core/compress.h"
#include "core/digest.h"
#include "fuzz.h"

enum {
    MOST = 1 << 16
};

static void unpack_any(enum compress_kind kind, struct slice s)
{
    struct buf b;
    struct err e = {0};

    buf_init(&b, MOST);
    require(buf_puts(&b, "before", &e) == 0);
    if (compress_unpack(kind, s, &b, &e) < 0) {
        require(b.len == 6 && e.msg[0] != '\0');
    }
    require(b.len <= MOST && slice_starts(buf_slice(&b), SLICE("before")));
    buf_release(&b);
}

static void there_and_back(struct slice s)
{
    struct buf packed;
    struct buf back;
    struct err e;

    buf_init(&packed, 4 << 20);
    buf_init(&back, 4 << 20);
    require(compress_gzip(s, &packed, &e) == 0);
    require(compress_unpack(COMPRESS_GZIP, buf_slice(&packed), &back, &e) == 0);
    require(slice_eq(buf_slice(&back), s));
    buf_clear(&packed);
    buf_clear(&back);
    require(digest_base64(s, &packed, &e) == 0);
    require(digest_unbase64(buf_slice(&packed), &back, &e) == 0);
    require(slice_eq(buf_slice(&back), s));
    buf_clear(&back);
    if (digest_unbase64(s, &back, &e) < 0) {
        require(back.len == 0);
    }
    buf_release(&packed);
    buf_release(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = {(const char *)data, size};

    unpack_any(COMPRESS_GZIP, s);
    unpack_any(COMPRESS_ZSTD, s);
    if (size < 1 << 20) {
        there_and_back(s);
    }
    return 0;
}
