#include "core/compress.h"

#include "core/mem.h"
#include "core/rand.h"
#include "test.h"

enum {
    BIG = 300000
};

static void fill(char *bytes, size_t n)
{
    struct rand r;

    rand_seed(&r, 7);
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (char)('a' + rand_below(&r, 8));
    }
}

static void packed_bytes_come_back(void)
{
    static char bytes[BIG];
    static const size_t sizes[] = {0, 1, 100, 65536, BIG};
    struct buf packed;
    struct buf back;
    struct err e;

    fill(bytes, sizeof(bytes));
    buf_init(&packed, 1 << 20);
    buf_init(&back, BIG);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct slice s = {bytes, sizes[i]};

        buf_clear(&packed);
        buf_clear(&back);
        CHECK_OK(compress_gzip(s, &packed, &e), &e);
        CHECK_INT(compress_sniff(buf_slice(&packed)), COMPRESS_GZIP);
        CHECK_OK(compress_unpack(COMPRESS_GZIP, buf_slice(&packed), &back, &e),
                 &e);
        CHECK(slice_eq(buf_slice(&back), s));
        CHECK(sizes[i] < 1000 || packed.len < sizes[i] / 2);
    }
    buf_release(&packed);
    buf_release(&back);
}

static void members_follow_each_other(void)
{
    struct buf b;
    struct buf out;
    struct err e;

    buf_init(&b, 10000);
    buf_init(&out, 10000);
    CHECK_OK(compress_gzip(SLICE("one "), &b, &e), &e);
    CHECK_OK(compress_gzip(SLICE(""), &b, &e), &e);
    CHECK_OK(compress_gzip(SLICE("two"), &b, &e), &e);
    CHECK_OK(compress_unpack(COMPRESS_GZIP, buf_slice(&b), &out, &e), &e);
    CHECK_TEXT(buf_slice(&out), "one two");
    buf_release(&b);
    buf_release(&out);
}

static void pieces_give_the_same_text(void)
{
    static char bytes[BIG];
    struct compress_writer *w = NULL;
    struct compress_reader *r = NULL;
    struct buf packed;
    struct buf back;
    struct slice in;
    struct err e;

    fill(bytes, sizeof(bytes));
    buf_init(&packed, 1 << 20);
    buf_init(&back, BIG);
    CHECK_OK(compress_writer_new(&w, &e), &e);
    for (size_t at = 0; at < BIG; at += 1000) {
        CHECK_OK(compress_writer_put(w, (struct slice){bytes + at, 1000},
                                     at + 1000 == BIG, &packed, &e),
                 &e);
    }
    compress_writer_free(w);
    CHECK_OK(compress_reader_new(&r, COMPRESS_GZIP, &e), &e);
    in = buf_slice(&packed);
    while (in.len > 0 || back.len < BIG) {
        struct slice piece = {in.ptr, in.len < 77 ? in.len : 77};
        size_t given = piece.len;
        char out[333];
        size_t n = 0;

        CHECK_OK(compress_reader_step(r, &piece, out, sizeof(out), &n, &e), &e);
        CHECK_OK(buf_append(&back, (struct slice){out, n}, &e), &e);
        in = slice_from(in, given - piece.len);
        if (n == 0 && given == piece.len) {
            break;
        }
    }
    CHECK_OK(compress_reader_end(r, &e), &e);
    CHECK(slice_eq(buf_slice(&back), (struct slice){bytes, BIG}));
    compress_reader_free(r);
    buf_release(&packed);
    buf_release(&back);
}

/* `printf 'hello zstd\n' | zstd` */
static const char zstd_frame[] =
    "\x28\xb5\x2f\xfd\x04\x58\x59\x00\x00\x68\x65\x6c\x6c\x6f\x20\x7a\x73\x74"
    "\x64\x0a\x6c\x57\xf9\x51";

static void damage_and_limits_are_found(void)
{
    struct buf b;
    struct buf out;
    struct err e;

    buf_init(&b, 10000);
    buf_init(&out, 10);
    CHECK_OK(compress_gzip(SLICE("0123456789"), &b, &e), &e);
    CHECK_OK(compress_unpack(COMPRESS_GZIP, buf_slice(&b), &out, &e), &e);
    CHECK_INT(out.len, 10);
    buf_clear(&out);
    CHECK(compress_unpack(COMPRESS_GZIP, (struct slice){b.ptr, b.len - 3}, &out,
                          &e) < 0);
    CHECK_INT(e.code, ERR_MALFORMED);
    CHECK_INT(out.len, 0);
    b.ptr[b.len - 6] ^= 1;
    CHECK(compress_unpack(COMPRESS_GZIP, buf_slice(&b), &out, &e) < 0);
    CHECK_INT(e.code, ERR_MALFORMED);
    buf_clear(&b);
    CHECK_OK(compress_gzip(SLICE("0123456789A"), &b, &e), &e);
    CHECK(compress_unpack(COMPRESS_GZIP, buf_slice(&b), &out, &e) < 0);
    CHECK_INT(e.code, ERR_LIMIT);
    CHECK_OK(buf_puts(&b, "garbage", &e), &e);
    buf_release(&out);
    buf_init(&out, 1000);
    CHECK(compress_unpack(COMPRESS_GZIP, buf_slice(&b), &out, &e) < 0);
    CHECK_INT(e.code, ERR_MALFORMED);
    buf_release(&b);
    buf_release(&out);
}

static void zstd_is_read(void)
{
    struct slice s = {zstd_frame, sizeof(zstd_frame) - 1};
    struct buf out;
    struct err e;

    buf_init(&out, 1000);
    CHECK_INT(compress_sniff(s), COMPRESS_ZSTD);
    CHECK_OK(compress_unpack(COMPRESS_ZSTD, s, &out, &e), &e);
    CHECK_TEXT(buf_slice(&out), "hello zstd\n");
    buf_clear(&out);
    s.len -= 2;
    CHECK(compress_unpack(COMPRESS_ZSTD, s, &out, &e) < 0);
    CHECK_INT(e.code, ERR_MALFORMED);
    buf_release(&out);
}

static void running_out_of_memory_is_said(void)
{
    struct buf b;
    struct buf out;
    struct err e = {0};
    int rc = -1;

    for (unsigned n = 1; rc != 0 && n < 100; n++) {
        buf_init(&b, 1000);
        buf_init(&out, 1000);
        mem_fail_after(n);
        rc = compress_gzip(SLICE("some text"), &b, &e);
        if (rc == 0) {
            rc = compress_unpack(COMPRESS_GZIP, buf_slice(&b), &out, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        buf_release(&b);
        buf_release(&out);
    }
    CHECK_INT(rc, 0);
}

static const struct test tests[] = {
    {"packed bytes come back", packed_bytes_come_back},
    {"members follow each other", members_follow_each_other},
    {"pieces give the same text", pieces_give_the_same_text},
    {"damage and limits are found", damage_and_limits_are_found},
    {"zstd is read", zstd_is_read},
    {"running out of memory is said", running_out_of_memory_is_said},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
