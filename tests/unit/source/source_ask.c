#include "source_ask.h"

#include "test.h"

void source_row_is(struct source *s, size_t table, int64_t n, const char *want,
                   bool want_json)
{
    struct buf b;
    struct err e;
    bool json = !want_json;

    buf_init(&b, 1 << 20);
    CHECK_OK(source_row(s, table, n, &b, &json, &e), &e);
    CHECK_TEXT(buf_slice(&b), want);
    CHECK_INT(json, want_json);
    buf_release(&b);
}

void source_rows_are(struct source *s, size_t table, int64_t want)
{
    struct err e;
    int64_t n = -1;

    CHECK_OK(source_rows(s, table, &n, &e), &e);
    CHECK_INT(n, want);
}
