#include "core/compress.h"

#include <isa-l/igzip_lib.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "core/mem.h"

enum {
    LEVEL = 2,
    CHUNK = 65536,
    GZIP_WINDOW = 15 + 16 /* zlib's way to say "a gzip member" */
};

struct compress_writer {
    struct isal_zstream z;
    uint8_t level[ISAL_DEF_LVL2_DEFAULT];
};

struct compress_reader {
    enum compress_kind kind;
    z_stream gzip;
    ZSTD_DCtx *zstd;
    bool inside; /* a member or frame has begun and not ended */
};

enum compress_kind compress_sniff(struct slice head)
{
    if (slice_starts(head, SLICE("\x1f\x8b"))) {
        return COMPRESS_GZIP;
    }
    if (slice_starts(head, SLICE("\x28\xb5\x2f\xfd"))) {
        return COMPRESS_ZSTD;
    }
    return COMPRESS_NONE;
}

int compress_writer_new(struct compress_writer **ret, struct err *e)
{
    struct compress_writer *w = mem_zero(1, sizeof(*w));

    if (w == NULL) {
        return err_nomem(e, sizeof(*w));
    }
    isal_deflate_init(&w->z);
    w->z.level = LEVEL;
    w->z.level_buf = w->level;
    w->z.level_buf_size = sizeof(w->level);
    w->z.gzip_flag = IGZIP_GZIP;
    w->z.flush = NO_FLUSH;
    *ret = w;
    return 0;
}

/* Run the coder until it wants input, growing the buffer as it goes. */
static int deflate_part(struct compress_writer *w, struct buf *b, struct err *e)
{
    do {
        size_t room = b->max - b->len;

        if (room == 0) {
            return err_set(e, ERR_LIMIT, "compressed data over %zu bytes",
                           b->max);
        }
        room = room < CHUNK ? room : CHUNK;
        if (buf_reserve(b, room, e) < 0) {
            return -1;
        }
        w->z.next_out = (uint8_t *)b->ptr + b->len;
        w->z.avail_out = (uint32_t)room;
        if (isal_deflate(&w->z) != COMP_OK) {
            return err_set(e, ERR_INVALID, "could not compress");
        }
        b->len += room - w->z.avail_out;
    } while (w->z.avail_out == 0);
    return 0;
}

int compress_writer_put(struct compress_writer *w, struct slice s, bool last,
                        struct buf *b, struct err *e)
{
    size_t before = b->len;

    do {
        size_t n = s.len < UINT_MAX ? s.len : UINT_MAX;
        uint8_t *in;

        /* the coder only reads; its field lacks the const */
        memcpy(&in, &s.ptr, sizeof(in));
        w->z.next_in = in;
        w->z.avail_in = (uint32_t)n;
        s = slice_from(s, n);
        w->z.end_of_stream = last && s.len == 0;
        if (deflate_part(w, b, e) < 0) {
            b->len = before;
            return -1;
        }
    } while (s.len > 0);
    return 0;
}

void compress_writer_free(struct compress_writer *w)
{
    mem_free(w);
}

int compress_gzip(struct slice s, struct buf *b, struct err *e)
{
    struct compress_writer *w;
    int rc;

    if (compress_writer_new(&w, e) < 0) {
        return -1;
    }
    rc = compress_writer_put(w, s, true, b, e);
    compress_writer_free(w);
    return rc;
}

static void *zlib_alloc(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    return mem_zero(count, size);
}

static void zlib_free(void *opaque, void *p)
{
    (void)opaque;
    mem_free(p);
}

int compress_reader_new(struct compress_reader **ret, enum compress_kind kind,
                        struct err *e)
{
    struct compress_reader *r = mem_zero(1, sizeof(*r));

    if (r == NULL) {
        return err_nomem(e, sizeof(*r));
    }
    r->kind = kind;
    r->gzip.zalloc = zlib_alloc;
    r->gzip.zfree = zlib_free;
    if ((kind == COMPRESS_GZIP &&
         inflateInit2(&r->gzip, GZIP_WINDOW) != Z_OK) ||
        (kind == COMPRESS_ZSTD && (r->zstd = ZSTD_createDCtx()) == NULL)) {
        mem_free(r);
        return err_set(e, ERR_NOMEM, "out of memory for a decoder");
    }
    *ret = r;
    return 0;
}

void compress_reader_free(struct compress_reader *r)
{
    if (r == NULL) {
        return;
    }
    if (r->kind == COMPRESS_GZIP) {
        (void)inflateEnd(&r->gzip);
    }
    (void)ZSTD_freeDCtx(r->zstd); /* NULL is fine */
    mem_free(r);
}

static int step_gzip(struct compress_reader *r, struct slice *in, char *out,
                     size_t *cap, struct err *e)
{
    size_t give = in->len < UINT_MAX ? in->len : UINT_MAX;
    size_t room = *cap < UINT_MAX ? *cap : UINT_MAX;
    const unsigned char *bytes = (const unsigned char *)in->ptr;
    int rc;

    memcpy(&r->gzip.next_in, &bytes, sizeof(bytes)); /* lacks its const */
    r->gzip.avail_in = (unsigned)give;
    r->gzip.next_out = (unsigned char *)out;
    r->gzip.avail_out = (unsigned)room;
    rc = inflate(&r->gzip, Z_NO_FLUSH);
    *in = slice_from(*in, give - r->gzip.avail_in);
    *cap = room - r->gzip.avail_out;
    r->inside = true;
    if (rc == Z_STREAM_END) {
        r->inside = false;
        (void)inflateReset(&r->gzip);
    } else if (rc == Z_MEM_ERROR) {
        return err_set(e, ERR_NOMEM, "out of memory for gzip");
    } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
        return err_set(e, ERR_MALFORMED, "cannot unpack gzip: %s",
                       r->gzip.msg ? r->gzip.msg : "damaged");
    }
    return 0;
}

static int step_zstd(struct compress_reader *r, struct slice *in, char *out,
                     size_t *cap, struct err *e)
{
    ZSTD_inBuffer src = {in->ptr, in->len, 0};
    ZSTD_outBuffer dst = {out, *cap, 0};
    size_t rc = ZSTD_decompressStream(r->zstd, &dst, &src);

    if (ZSTD_isError(rc)) {
        return err_set(e, ERR_MALFORMED, "cannot unpack zstd: %s",
                       ZSTD_getErrorName(rc));
    }
    *in = slice_from(*in, src.pos);
    *cap = dst.pos;
    r->inside = rc != 0;
    return 0;
}

int compress_reader_step(struct compress_reader *r, struct slice *in, char *out,
                         size_t cap, size_t *ret_written, struct err *e)
{
    struct slice rest = *in;
    size_t done = 0;

    for (;;) {
        size_t n = cap - done;
        size_t before = rest.len;
        int rc = 0;

        if (n == 0 || (rest.len == 0 && !r->inside)) {
            break;
        }
        if (r->kind == COMPRESS_GZIP) {
            rc = step_gzip(r, &rest, out + done, &n, e);
        } else if (r->kind == COMPRESS_ZSTD) {
            rc = step_zstd(r, &rest, out + done, &n, e);
        } else {
            n = n < rest.len ? n : rest.len;
            memcpy(out + done, rest.ptr, n);
            rest = slice_from(rest, n);
        }
        if (rc < 0) {
            return -1;
        }
        done += n;
        if (n == 0 && rest.len == before) {
            break;
        }
    }
    *in = rest;
    *ret_written = done;
    return 0;
}

int compress_reader_end(struct compress_reader *r, struct err *e)
{
    if (r->inside) {
        return err_set(e, ERR_MALFORMED, "compressed data are cut short");
    }
    return 0;
}

static int unpack(struct compress_reader *r, struct slice s, struct buf *b,
                  struct err *e)
{
    for (;;) {
        size_t room = b->max - b->len;
        size_t n = 0;
        char one[1];

        room = room < CHUNK ? room : CHUNK;
        if (room > 0 && buf_reserve(b, room, e) < 0) {
            return -1;
        }
        if (compress_reader_step(r, &s, room > 0 ? b->ptr + b->len : one,
                                 room > 0 ? room : 1, &n, e) < 0) {
            return -1;
        }
        if (n > 0 && room == 0) {
            return err_set(e, ERR_LIMIT, "unpacked data over %zu bytes",
                           b->max);
        }
        b->len += n;
        if (n == 0) {
            break;
        }
    }
    return compress_reader_end(r, e);
}

int compress_unpack(enum compress_kind kind, struct slice s, struct buf *b,
                    struct err *e)
{
    struct compress_reader *r;
    size_t before = b->len;
    int rc;

    if (compress_reader_new(&r, kind, e) < 0) {
        return -1;
    }
    rc = unpack(r, s, b, e);
    if (rc < 0) {
        b->len = before;
    }
    compress_reader_free(r);
    return rc;
}
