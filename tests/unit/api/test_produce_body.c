#include "api/produce_body.h"

#include "core/mem.h"
#include "test.h"

static void bytes_are_compact_and_digits_kept(void)
{
    struct slice body = SLICE("{\"records\" : [ {\"key\": \"k\", \"value\" : "
                              "{ \"a\" : 1.500 }, \"partition\":3},"
                              "{\"value\":null}, {\"value\":\"\"} ]}");
    struct broker_record recs[3];
    struct produce_fault f;
    struct produce_body b;
    struct buf text;

    buf_init(&text, SIZE_MAX);
    CHECK(produce_body_parse(&b, body, MEDIA_JSON_VALUES, 3, &f));
    CHECK_INT(b.n, 3);
    CHECK(produce_body_records(&b, MEDIA_JSON_VALUES, -1, recs, &text, &f));
    produce_body_release(&b);
    CHECK_TEXT(recs[0].key, "\"k\"");
    CHECK_TEXT(recs[0].value, "{\"a\":1.500}");
    CHECK_INT(recs[0].partition, 3);
    CHECK(recs[0].has_key && recs[0].has_value);
    CHECK(!recs[1].has_key && !recs[1].has_value);
    CHECK_INT(recs[1].partition, -1);
    CHECK(recs[2].has_value);
    CHECK_TEXT(recs[2].value, "\"\"");
    buf_release(&text);
}

static void binary_is_decoded(void)
{
    struct broker_record rec;
    struct produce_fault f;
    struct produce_body b;
    struct buf text;

    buf_init(&text, SIZE_MAX);
    CHECK(produce_body_parse(
        &b, SLICE("{\"records\":{\"key\":\"\",\"value\":\"AP8=\"}}"),
        MEDIA_BINARY, 1, &f));
    CHECK(produce_body_records(&b, MEDIA_BINARY, 2, &rec, &text, &f));
    produce_body_release(&b);
    CHECK(rec.has_key);
    CHECK_INT(rec.key.len, 0);
    CHECK_INT(rec.value.len, 2);
    CHECK(memcmp(rec.value.ptr, "\0\xff", 2) == 0);
    CHECK_INT(rec.partition, 2);
    buf_release(&text);
}

static void the_limit_is_exact(void)
{
    struct produce_fault f;
    struct produce_body b;
    struct slice two = SLICE("{\"records\":[{},{}]}");

    CHECK(produce_body_parse(&b, two, MEDIA_BINARY, 2, &f));
    produce_body_release(&b);
    CHECK(!produce_body_parse(&b, two, MEDIA_BINARY, 1, &f));
    CHECK_INT(f.status, 413);
}

static void any_allocation_may_fail(void)
{
    struct slice body =
        SLICE("{\"records\":[{\"key\":\"a\",\"value\":{\"b\":[1,2]}}]}");
    unsigned n = 0;
    bool ok = false;

    while (!ok) {
        struct broker_record rec;
        struct produce_fault f = {.status = 0};
        struct produce_body b;
        struct buf text;

        buf_init(&text, SIZE_MAX);
        mem_fail_after(++n);
        if (produce_body_parse(&b, body, MEDIA_JSON_VALUES, 1, &f)) {
            ok = produce_body_records(&b, MEDIA_JSON_VALUES, -1, &rec, &text,
                                      &f);
            produce_body_release(&b);
        }
        mem_fail_after(0);
        CHECK(ok || f.status == 500);
        buf_release(&text);
    }
    CHECK(n > 1);
}

int main(void)
{
    static const struct test tests[] = {
        {"bytes are compact and digits kept",
         bytes_are_compact_and_digits_kept},
        {"binary is decoded", binary_is_decoded},
        {"the limit of records is exact", the_limit_is_exact},
        {"any allocation may fail", any_allocation_may_fail},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
