#include "record/split.h"

#include <stdlib.h>

#include "core/compress.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/rand.h"
#include "test.h"

enum {
    OUT_MAX = 1 << 20
};

struct memory {
    struct slice all;
    size_t at;
};

static int read_memory(void *ctx, char *out, size_t cap, size_t *ret,
                       struct err *e)
{
    struct memory *m = ctx;
    size_t n = m->all.len - m->at < cap ? m->all.len - m->at : cap;

    (void)e;
    if (n > 0) {
        memcpy(out, m->all.ptr + m->at, n);
    }
    m->at += n;
    *ret = n;
    return 0;
}

/* Every message as "LINE:OFFSET+ bytes" (JSON) or "LINE:OFFSET- bytes". */
static int summary(struct slice bytes, size_t chunk, size_t max,
                   struct buf *out, struct err *e)
{
    struct memory m = {bytes, 0};
    struct split_input in = {.read = read_memory, .ctx = &m};
    struct split_conf conf = {.name = "x", .chunk = chunk, .max_message = max};
    struct split *s = NULL;
    struct split_message msg;
    int rc = split_new(&s, &in, &conf, e);

    while (rc == 0 && (rc = split_next(s, &msg, e)) == 1) {
        rc = buf_putf(out, e, "%lld:%lld%c %.*s\n", (long long)msg.line,
                      (long long)msg.offset, msg.json ? '+' : '-',
                      SLICE_FMT(msg.bytes));
    }
    split_free(s);
    return rc;
}

struct pair {
    const char *file;
    const char *want;
};

static const struct pair pairs[] = {
    {"", ""},
    {"\n \r\n\t\n", ""},
    {"{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}",
     "1:0+ {\"a\":1}\n2:8+ {\"b\":2}\n4:18+ {\"c\":3}\n"},
    {"{\"a\":1}{\"b\":2} [3],\"x\"\"y\"",
     "1:0+ {\"a\":1}\n1:7+ {\"b\":2}\n1:15+ [3]\n1:19+ \"x\"\n1:22+ \"y\"\n"},
    {"{\n \"a\": [\n  1,\n  {}\n ]\n}\n{\"b\":2}\n",
     "1:0+ {\n \"a\": [\n  1,\n  {}\n ]\n}\n7:25+ {\"b\":2}\n"},
    {"[{\"a\":1},{\"a\":2}]\n", "1:0+ [{\"a\":1},{\"a\":2}]\n"},
    {"\xEF\xBB\xBF{\"a\":1}\n", "1:3+ {\"a\":1}\n"},
    {"42\nnull\n12 monkeys\n1e5\r\n", "1:0+ 42\n2:3+ null\n3:8- 12 monkeys\n"
                                      "4:19+ 1e5\n"},
    {"{'a': 1}\nhello world\n{\"a\":1}\n",
     "1:0- {'a': 1}\n2:9- hello world\n3:21+ {\"a\":1}\n"},
    {"{\"a\":1,\n{\"b\":2}\n", "1:0- {\"a\":1,\n2:8+ {\"b\":2}\n"},
    {"{\"a\":\"cut\n{\"b\":2}\n", "1:0- {\"a\":\"cut\n2:10+ {\"b\":2}\n"},
    {"{\"a\": nan}\n{\"b\":2}\n", "1:0- {\"a\": nan}\n2:11+ {\"b\":2}\n"},
    {"{\"a\":\"\xff\"}\n", "1:0- {\"a\":\"\xff\"}\n"},
    {"[1,2\n", "1:0- [1,2\n"},
    {"]\n}\n", "1:0- ]\n2:2- }\n"},
    {"{\"a\":1} tail\n", "1:0+ {\"a\":1}\n1:8- tail\n"},
    {"{\"a\":1},,{\"b\":2}\n", "1:0+ {\"a\":1}\n1:8- ,{\"b\":2}\n"},
    {"index,title\n1,a\n2,\"b \"\"q\"\"\nc\"\r\n\n3,\n4,\"\"\n",
     "2:12+ {\"index\":\"1\",\"title\":\"a\"}\n"
     "3:16+ {\"index\":\"2\",\"title\":\"b \\\"q\\\"\\nc\"}\n"
     "6:32+ {\"index\":\"3\",\"title\":null}\n"
     "7:35+ {\"index\":\"4\",\"title\":\"\"}\n"},
    {"\xEF\xBB\xBF\"ind\",\"full name\"\r\n7,x",
     "2:22+ {\"ind\":\"7\",\"full name\":\"x\"}\n"},
    {",ind,age\n0,1,20\n", "2:9+ {\"\":\"0\",\"ind\":\"1\",\"age\":\"20\"}\n"},
    {"ind,age\n1\n2,3,4\n5,6\n\"7\"x,8\n\"9,10\n11,12\n",
     "2:8- 1\n3:10- 2,3,4\n4:16+ {\"ind\":\"5\",\"age\":\"6\"}\n"
     "5:20- \"7\"x,8\n6:27- \"9,10\n"
     "7:33+ {\"ind\":\"11\",\"age\":\"12\"}\n"},
    {"ind,age\n\xff,1\n", "2:8- \xff,1\n"},
    {"ind,ind\n1,2\n", "1:0- ind,ind\n2:8- 1,2\n"},
    {"hello, world\n", "1:0- hello, world\n"},
};

static void files_become_messages_in_any_chunks(void)
{
    static const size_t chunks[] = {1, 2, 3, 7, 64, 0};

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        for (size_t c = 0; c < ARRAY_LEN(chunks); c++) {
            struct buf out;
            struct err e;

            buf_init(&out, OUT_MAX);
            CHECK_OK(summary(slice_of(pairs[i].file), chunks[c], 0, &out, &e),
                     &e);
            CHECK_TEXT(buf_slice(&out), pairs[i].want);
            buf_release(&out);
        }
    }
}

static void random_bytes_come_out_the_same_in_any_chunks(void)
{
    static const char *const parts[] = {"{",  "}",    "\"a\":", "1",  ",",
                                        "\n", "\"",   "[",      "]",  "x",
                                        " ",  "\\\"", "null",   "\r", "a,b\n"};
    struct rand r;

    rand_seed(&r, 11);
    for (int round = 0; round < 3000; round++) {
        struct buf in;
        struct buf whole;
        struct buf pieces;
        struct err e;

        buf_init(&in, OUT_MAX);
        buf_init(&whole, OUT_MAX);
        buf_init(&pieces, OUT_MAX);
        for (uint64_t n = rand_below(&r, 30); n > 0; n--) {
            CHECK_OK(buf_puts(&in, parts[rand_below(&r, ARRAY_LEN(parts))], &e),
                     &e);
        }
        CHECK_OK(summary(buf_slice(&in), 0, 0, &whole, &e), &e);
        CHECK_OK(summary(buf_slice(&in), 1 + rand_below(&r, 9), 0, &pieces, &e),
                 &e);
        if (!slice_eq(buf_slice(&whole), buf_slice(&pieces))) {
            test_fail(__FILE__, __LINE__, "%.*s\ngave\n%.*sor\n%.*s",
                      SLICE_FMT(buf_slice(&in)), SLICE_FMT(buf_slice(&whole)),
                      SLICE_FMT(buf_slice(&pieces)));
        }
        buf_release(&in);
        buf_release(&whole);
        buf_release(&pieces);
    }
}

static void packed_files_are_unpacked(void)
{
    static const size_t chunks[] = {1, 5, 0};
    struct slice file = SLICE("\xEF\xBB\xBF{\"a\":1}\n{\"b\":2}\n");

    for (size_t c = 0; c < ARRAY_LEN(chunks); c++) {
        struct buf packed;
        struct buf out;
        struct err e;

        buf_init(&packed, OUT_MAX);
        buf_init(&out, OUT_MAX);
        CHECK_OK(compress_gzip(file, &packed, &e), &e);
        CHECK_OK(compress_gzip(SLICE("{\"c\":3}\n"), &packed, &e), &e);
        CHECK_OK(summary(buf_slice(&packed), chunks[c], 0, &out, &e), &e);
        CHECK_TEXT(buf_slice(&out),
                   "1:3+ {\"a\":1}\n2:11+ {\"b\":2}\n3:19+ {\"c\":3}\n");
        packed.len -= 3;
        CHECK(summary(buf_slice(&packed), chunks[c], 0, &out, &e) == -1);
        CHECK_INT(e.code, ERR_MALFORMED);
        CHECK(strstr(e.msg, "file \"x\"") != NULL);
        buf_release(&packed);
        buf_release(&out);
    }
}

static void a_message_that_is_too_long_is_refused(void)
{
    static const size_t chunks[] = {1, 10, 0};
    static const char *const long_ones[] = {
        "{}\n[\"4567890\"]\n",  "{}\n[\"45678901\n", "{}\n01234567890\n",
        "{}\n[[[[[[[[[[[[[\n",  "{}\n01234567890",   "{}\n[1,\n2,\n3,\n4]",
        "{}\n[\n1,\n2,\n3,\nx",
    };

    for (size_t c = 0; c < ARRAY_LEN(chunks); c++) {
        struct buf out;
        struct err e;

        buf_init(&out, OUT_MAX);
        CHECK_OK(summary(SLICE("{}\n[\"456789\"]\n"), chunks[c], 10, &out, &e),
                 &e);
        for (size_t i = 0; i < ARRAY_LEN(long_ones); i++) {
            CHECK(summary(slice_of(long_ones[i]), chunks[c], 10, &out, &e) ==
                  -1);
            CHECK_INT(e.code, ERR_LIMIT);
            CHECK(strstr(e.msg, "line 2 (byte 3) is longer than 10 bytes") !=
                  NULL);
        }
        buf_release(&out);
    }
}

static void a_header_must_name_a_known_column(void)
{
    static const char *const columns[] = {"index", "title"};
    struct memory m = {SLICE("hello,world\n1,2\n"), 0};
    struct split_input in = {.read = read_memory, .ctx = &m};
    struct split_conf conf = {
        .name = "x", .columns = columns, .ncolumns = ARRAY_LEN(columns)};
    struct split *s = NULL;
    struct split_message msg;
    struct err e;

    CHECK_OK(split_new(&s, &in, &conf, &e), &e);
    CHECK_INT(split_next(s, &msg, &e), 1);
    CHECK(!msg.json);
    CHECK_TEXT(msg.bytes, "hello,world");
    split_free(s);
}

static void a_file_can_go_back(void)
{
    char path[FS_PATH_MAX];
    struct split_message first;
    struct split_message msg;
    struct split *s = NULL;
    struct err e;

    CHECK_OK(fs_join(path, test_folder(), "rows.csv", &e), &e);
    CHECK_OK(fs_publish(path, SLICE("ind,age\n1,20\n2,30\n3,40\n"), &e), &e);
    CHECK_OK(split_open(&s, path, &(struct split_conf){.chunk = 9}, &e), &e);
    CHECK_INT(split_next(s, &msg, &e), 1);
    CHECK_INT(split_next(s, &first, &e), 1);
    CHECK_INT(split_next(s, &msg, &e), 1);
    CHECK_INT(split_next(s, &msg, &e), 0);
    CHECK_OK(split_seek(s, first.offset, first.line, &e), &e);
    CHECK_INT(split_next(s, &msg, &e), 1);
    CHECK_TEXT(msg.bytes, "{\"ind\":\"2\",\"age\":\"30\"}");
    CHECK_INT(msg.line, 3);
    split_free(s);
    CHECK(split_open(&s, "/nonexistent/x", &(struct split_conf){0}, &e) == -1);
    CHECK_INT(e.code, ERR_NOTFOUND);
}

static void no_allocation_is_taken_for_granted(void)
{
    int rc = -1;
    struct err e = {0};

    for (unsigned n = 1; rc != 0 && n < 100; n++) {
        struct buf out;

        buf_init(&out, OUT_MAX);
        mem_fail_after(n);
        rc = summary(SLICE("ind,age\n1,\"\"\n2,30\n"), 5, 0, &out, &e);
        if (rc == 0) {
            rc = summary(SLICE("{\"a\":1}\n2\n"), 5, 0, &out, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        buf_release(&out);
    }
    CHECK_INT(rc, 0);
}

static const struct test tests[] = {
    {"files become messages in any chunks",
     files_become_messages_in_any_chunks},
    {"random bytes come out the same in any chunks",
     random_bytes_come_out_the_same_in_any_chunks},
    {"packed files are unpacked", packed_files_are_unpacked},
    {"a message that is too long is refused",
     a_message_that_is_too_long_is_refused},
    {"a header must name a known column", a_header_must_name_a_known_column},
    {"a file can go back", a_file_can_go_back},
    {"no allocation is taken for granted", no_allocation_is_taken_for_granted},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
