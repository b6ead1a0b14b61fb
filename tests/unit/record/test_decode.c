#include "record/decode.h"

#include <stdlib.h>

#include "core/buf.h"
#include "core/digest.h"
#include "core/fs.h"
#include "core/mem.h"
#include "test.h"

enum {
    OUT_MAX = 1 << 22
};

static const char *const keys[] = {"index", "ind", "idx"};

/* What came out, in words: "PLAIN {...}" or "-not JSON", joined by " | ". */
static int summary(struct decoder *d, struct slice message, struct buf *out,
                   struct err *e)
{
    struct decode_result r;

    if (decoder_decode(d, message, true, &r, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r.n; i++) {
        const struct decoded *rec = &r.records[i];
        const char *joint = i > 0 ? " | " : "";

        CHECK_INT(rec->sub, i);
        if (buf_puts(out, joint, e) < 0) {
            return -1;
        }
        if (rec->object == NULL) {
            if (buf_putf(out, e, "-%s", decode_reject_word(rec->reject)) < 0) {
                return -1;
            }
            continue;
        }
        for (int how = 0; how < DECODE_HOWS; how++) {
            if ((rec->how & 1u << how) != 0 &&
                buf_putf(out, e, "%s, ",
                         decode_how_word((enum decode_how)how)) < 0) {
                return -1;
            }
        }
        if (json_print(out, rec->object, 0, e) < 0) {
            return -1;
        }
    }
    return 0;
}

struct pair {
    const char *message;
    const char *want;
};

static const struct pair pairs[] = {
    {"{\"index\":7528,\"a\":1.50}", "plain, {\"index\":7528,\"a\":1.5}"},
    {" {\"a\":null,\"ind\":null} ", "plain, {\"a\":null,\"ind\":null}"},
    {"{\"idx\":1,\"value\":{\"idx\":2}}",
     "plain, {\"idx\":1,\"value\":{\"idx\":2}}"},
    {"{\"ind\":1,\"a\":1,\"a\":2}", "plain, {\"ind\":1,\"a\":1,\"a\":2}"},
    {"{\"records\":[{\"value\":{\"ind\":1}},{\"value\":{\"ind\":2}}]}",
     "wrapper, {\"ind\":1} | wrapper, {\"ind\":2}"},
    {"{\"topic\":\"x.pin\",\"key\":null,\"value\":{\"ind\":1},"
     "\"partition\":0,\"offset\":3}",
     "wrapper, {\"ind\":1}"},
    {"{\"Data\":\"eyJpbmQiOiAxfQ==\"}", "wrapper, base64, {\"ind\":1}"},
    {"{\"data\":{\"payload\":{\"ind\":1}}}", "wrapper, {\"ind\":1}"},
    {"[{\"ind\":1},7,{\"ind\":2},{\"x\":1},null]",
     "array, {\"ind\":1} | -no key | array, {\"ind\":2} | -no key | "
     "-no value"},
    {"[]", "-no value"},
    {"{\"records\":[]}", "-no value"},
    {"\"{\\\"ind\\\":1}\"", "json in a string, {\"ind\":1}"},
    {"\"\\\"{'ind': 1}\\\"\"", "json in a string, python literal, {\"ind\":1}"},
    {"\"{'ind': 1, 't': 'it\\\\'s'}\"",
     "python literal, {\"ind\":1,\"t\":\"it's\"}"},
    {"{'ind': 1, 'b': None}", "python literal, {\"ind\":1,\"b\":null}"},
    {"[{'ind': 1}, ({'ind': 2},)]",
     "array, python literal, {\"ind\":1} | array, python literal, "
     "{\"ind\":2}"},
    {"\"eyJpbmQiOiAxfQ==\"", "base64, {\"ind\":1}"},
    {"eyJpbmQiOiAxfQ==", "-not JSON"},
    {"\"hello\"", "-not JSON"},
    {"\"\"", "-not JSON"},
    {"", "-not JSON"},
    {"Message={'ind': 1}", "-not JSON"},
    {"{\"ind\":1} {\"ind\":2}", "-not JSON"},
    {"{\"ind\":\"\xff\"}", "-invalid UTF-8"},
    {"{\"ind\":\"\\ud83d\"}", "-not JSON"},
    {"null", "-no value"},
    {"{\"value\":null}", "-no value"},
    {"{\"value\":7}", "-no key"},
    {"{\"value\":7,\"payload\":{\"ind\":1}}", "wrapper, {\"ind\":1}"},
    {"42", "-no key"},
    {"{}", "-no key"},
    {"{\"Index\":1}", "-no key"},
    {"[[[[{\"ind\":1}]]]]", "array, {\"ind\":1}"},
    {"[[[[[{\"ind\":1}]]]]]", "-nested too deep"},
    {"[[[[{\"value\":{\"ind\":1}}]]]]", "-nested too deep"},
    {"[[[[\"{}\"]]]]", "-nested too deep"},
    {"{\"value\":{\"value\":{\"value\":{\"value\":{\"ind\":1}}}}}",
     "wrapper, {\"ind\":1}"},
};

static void messages_become_records(void)
{
    struct decoder *d = NULL;
    struct err e;

    CHECK_OK(decoder_new(&d, keys, ARRAY_LEN(keys), &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct buf b;

        buf_init(&b, OUT_MAX);
        CHECK_OK(summary(d, slice_of(pairs[i].message), &b, &e), &e);
        if (!slice_is(buf_slice(&b), pairs[i].want)) {
            test_fail(__FILE__, __LINE__, "%s\n    gave %.*s\n    want %s",
                      pairs[i].message, SLICE_FMT(buf_slice(&b)),
                      pairs[i].want);
        }
        buf_release(&b);
    }
    decoder_free(d);
}

/* The text between the first and the last backtick of a cell. */
static struct slice code(struct slice cell)
{
    cell = slice_trim(cell);
    if (cell.len >= 2 && cell.ptr[0] == '`') {
        return (struct slice){cell.ptr + 1, cell.len - 2};
    }
    return (struct slice){cell.ptr, 0};
}

static void render(const struct decode_result *r, struct buf *ways,
                   struct buf *out)
{
    struct err e;

    for (int how = 0; how < DECODE_HOWS; how++) {
        if ((r->how & 1u << how) != 0) {
            CHECK_OK(buf_putf(ways, &e, "%s%s", ways->len > 0 ? ", " : "",
                              decode_how_word((enum decode_how)how)),
                     &e);
        }
    }
    for (size_t i = 0; i < r->n; i++) {
        CHECK_OK(buf_puts(out, i > 0 ? " " : "", &e), &e);
        if (r->records[i].object == NULL) {
            CHECK_OK(buf_putf(out, &e, "*%s*",
                              decode_reject_word(r->records[i].reject)),
                     &e);
            continue;
        }
        CHECK_OK(buf_putc(out, '`', &e), &e);
        CHECK_OK(json_print(out, r->records[i].object, 0, &e), &e);
        CHECK_OK(buf_putc(out, '`', &e), &e);
    }
}

/* "| `message` | ways | what comes out |" */
static void run_row(struct decoder *d, struct slice row)
{
    struct slice message;
    struct slice ways;
    struct decode_result r;
    struct buf got_ways;
    struct buf got;
    struct err e;

    buf_init(&got_ways, OUT_MAX);
    buf_init(&got, OUT_MAX);
    row = (struct slice){row.ptr + 1, row.len - 2};
    CHECK(slice_cut(&row, '|', &message) && slice_cut(&row, '|', &ways));
    CHECK_OK(decoder_decode(d, code(message), true, &r, &e), &e);
    render(&r, &got_ways, &got);
    if (!slice_eq(slice_trim(ways), buf_slice(&got_ways)) ||
        !slice_eq(slice_trim(row), buf_slice(&got))) {
        test_fail(__FILE__, __LINE__, "%.*s gave | %.*s | %.*s |",
                  SLICE_FMT(message), SLICE_FMT(buf_slice(&got_ways)),
                  SLICE_FMT(buf_slice(&got)));
    }
    buf_release(&got_ways);
    buf_release(&got);
}

static void the_document_is_true(void)
{
    struct decoder *d = NULL;
    struct slice rest;
    struct slice line;
    struct buf b;
    struct err e;
    int rows = 0;

    buf_init(&b, OUT_MAX);
    CHECK_OK(fs_read("docs/format/decoding.md", &b, &e), &e);
    CHECK_OK(decoder_new(&d, keys, ARRAY_LEN(keys), &e), &e);
    rest = buf_slice(&b);
    while (slice_cut(&rest, '\n', &line)) {
        if (slice_starts(line, SLICE("| `")) && slice_ends(line, SLICE("|"))) {
            run_row(d, line);
            rows++;
        }
    }
    CHECK(rows >= 34);
    decoder_free(d);
    buf_release(&b);
}

static void no_value_is_a_rejected_record(void)
{
    struct decoder *d = NULL;
    struct decode_result r;
    struct err e;

    CHECK_OK(decoder_new(&d, keys, ARRAY_LEN(keys), &e), &e);
    CHECK_OK(decoder_decode(d, SLICE(""), false, &r, &e), &e);
    CHECK_INT(r.n, 1);
    CHECK_INT(r.records[0].reject, DECODE_REJECT_NO_VALUE);
    CHECK_INT(r.how, 0);
    decoder_free(d);
}

static void deep_json_is_rejected(void)
{
    struct decoder *d = NULL;
    struct decode_result r;
    struct err e;
    struct buf b;

    CHECK_OK(decoder_new(&d, keys, ARRAY_LEN(keys), &e), &e);
    buf_init(&b, OUT_MAX);
    for (int i = 0; i < 100000; i++) {
        CHECK_OK(buf_putc(&b, '[', &e), &e);
    }
    for (int i = 0; i < 100000; i++) {
        CHECK_OK(buf_putc(&b, ']', &e), &e);
    }
    CHECK_OK(decoder_decode(d, buf_slice(&b), true, &r, &e), &e);
    CHECK_INT(r.n, 1);
    CHECK_INT(r.records[0].reject, DECODE_REJECT_TOO_DEEP);
    decoder_free(d);
    buf_release(&b);
}

static void too_many_records_are_rejected_together(void)
{
    struct decoder *d = NULL;
    struct decode_result r;
    struct err e;
    struct buf b;

    CHECK_OK(decoder_new(&d, keys, ARRAY_LEN(keys), &e), &e);
    buf_init(&b, OUT_MAX);
    CHECK_OK(buf_putc(&b, '[', &e), &e);
    for (int i = 0; i <= DECODE_RECORDS_MAX; i++) {
        CHECK_OK(buf_puts(&b, i > 0 ? ",0" : "0", &e), &e);
    }
    CHECK_OK(buf_putc(&b, ']', &e), &e);
    CHECK_OK(decoder_decode(d, buf_slice(&b), true, &r, &e), &e);
    CHECK_INT(r.n, 1);
    CHECK_INT(r.records[0].reject, DECODE_REJECT_TOO_LARGE);
    decoder_free(d);
    buf_release(&b);
}

static void no_allocation_is_taken_for_granted(void)
{
    int rc = -1;
    struct err e = {0};

    for (unsigned n = 1; rc != 0 && n < 100; n++) {
        struct decoder *d = NULL;
        struct decode_result r;

        mem_fail_after(n);
        rc = decoder_new(&d, keys, ARRAY_LEN(keys), &e);
        for (size_t i = 0; rc == 0 && i < ARRAY_LEN(pairs); i++) {
            rc = decoder_decode(d, slice_of(pairs[i].message), true, &r, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        decoder_free(d);
    }
    CHECK_INT(rc, 0);
}

static const struct test tests[] = {
    {"messages become records", messages_become_records},
    {"docs/format/decoding.md is true", the_document_is_true},
    {"no value is a rejected record", no_value_is_a_rejected_record},
    {"deep JSON is rejected", deep_json_is_rejected},
    {"too many records are rejected together",
     too_many_records_are_rejected_together},
    {"no allocation is taken for granted", no_allocation_is_taken_for_granted},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
