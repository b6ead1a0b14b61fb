#include "core/digest.h"
#include "core/mem.h"
#include "source/source.h"

#include "test.h"

static const char *const tables[] = {"pin", "geo", "user"};

static struct source_conf conf(int64_t rows, double bad, double duplicates)
{
    return (struct source_conf){.url = "generator:",
                                .seed = 100,
                                .rows = rows,
                                .bad = bad,
                                .duplicates = duplicates,
                                .tables = tables,
                                .ntables = ARRAY_LEN(tables)};
}

static void put_table(struct source *s, size_t table, int64_t rows,
                      struct buf *b)
{
    struct err e;
    bool json;

    for (int64_t n = 0; n < rows; n++) {
        CHECK_OK(source_row(s, table, n, b, &json, &e), &e);
        CHECK_OK(buf_putc(b, '\n', &e), &e);
    }
}

/* SHA-256 of all rows, table by table, each with a line feed. */
static void check_bytes(const struct source_conf *c, const char *want)
{
    uint8_t digest[DIGEST_SHA256];
    char hex[2 * DIGEST_SHA256 + 1];
    struct source *s = NULL;
    struct buf b;
    struct err e;

    buf_init(&b, (size_t)1 << 26);
    CHECK_OK(source_open(&s, c, &e), &e);
    for (size_t t = 0; t < c->ntables; t++) {
        put_table(s, t, c->rows, &b);
    }
    digest_sha256(buf_slice(&b), digest);
    digest_hex(digest, sizeof(digest), hex);
    CHECK_TEXT(slice_of(hex), want);
    source_close(s);
    buf_release(&b);
}

static void the_same_seed_gives_the_same_bytes(void)
{
    struct source_conf plain = conf(2000, 0, 0);
    struct source_conf flawed = conf(2000, 0.3, 0.1);

    check_bytes(
        &plain,
        "44cdd60ad61bac9b698ee04954115ee7eae2bec71a916b75ecde077560020878");
    check_bytes(
        &flawed,
        "1aa02c16d50786bc691c0bc927a3f57a7d895c84f3fdab8be9e4d10c5983b9cf");
}

static void row(struct source *s, size_t table, int64_t n, struct buf *b)
{
    struct err e;
    bool json;

    buf_clear(b);
    CHECK_OK(source_row(s, table, n, b, &json, &e), &e);
}

static void rows_can_be_asked_for_in_any_order(void)
{
    struct source_conf c = conf(1000000, 0.01, 0.05);
    struct source *s = NULL;
    struct buf a;
    struct buf b;
    struct err e;

    buf_init(&a, (size_t)1 << 20);
    buf_init(&b, (size_t)1 << 20);
    CHECK_OK(source_open(&s, &c, &e), &e);
    for (int64_t n = 0; n < 50; n++) {
        row(s, (size_t)n % 3, n * 19999, &a);
        row(s, 1, 999999 - n, &b);
        row(s, (size_t)n % 3, n * 19999, &b);
        CHECK(slice_eq(buf_slice(&a), buf_slice(&b)));
    }
    CHECK(source_row(s, 0, 1000000, &a, &(bool){0}, &e) != 0);
    CHECK(e.code == ERR_NOTFOUND);
    source_close(s);
    buf_release(&a);
    buf_release(&b);
}

static void wrong_sources_are_refused_in_words(void)
{
    static const struct {
        const char *url, *words;
    } cases[] = {
        {"generater:", "cannot open source \"generater:\": no source is called "
                       "\"generater:\"; the nearest is generator:"},
        {"generator:rows=5,x=1",
         "cannot use \"x=1\" behind \"generator:\"; there are rows=N, seed=N, "
         "bad=SHARE and duplicates=SHARE, parted by commas"},
        {"postgres://u@h/d?tls=maybe",
         "the url says tls=maybe; it is off, prefer, require or verify (with "
         "ca=FILE)"},
    };
    struct source_conf c = conf(10, 0, 0);
    struct source *s = NULL;
    struct err e;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        c.url = cases[i].url;
        CHECK(source_open(&s, &c, &e) != 0 && s == NULL);
        CHECK_TEXT(slice_of(e.msg), cases[i].words);
    }
    c = conf(10, 1.5, 0);
    CHECK(source_open(&s, &c, &e) != 0 && e.code == ERR_INVALID);
    c = conf(INT64_C(2000000000), 0, 0);
    CHECK(source_open(&s, &c, &e) != 0 && e.code == ERR_LIMIT);
}

static void every_failed_allocation_is_reported(void)
{
    struct source_conf c = conf(300, 1, 0);
    unsigned n = 0;
    int rc = -1;

    while (rc != 0 && n < 5000) {
        struct source *s = NULL;
        struct buf b;
        struct err e = {0};

        buf_init(&b, (size_t)1 << 24);
        mem_fail_after(++n);
        rc = source_open(&s, &c, &e);
        for (int64_t i = 0; rc == 0 && i < c.rows; i++) {
            rc = source_row(s, 0, i, &b, &(bool){0}, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        source_close(s);
        buf_release(&b);
    }
    CHECK(rc == 0 && n > 3);
}

static const struct test tests[] = {
    {"the same seed gives the same bytes", the_same_seed_gives_the_same_bytes},
    {"rows can be asked for in any order", rows_can_be_asked_for_in_any_order},
    {"wrong sources are refused in words", wrong_sources_are_refused_in_words},
    {"every failed allocation is reported",
     every_failed_allocation_is_reported},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
