#include "flow/report.h"

#include "core/mem.h"
#include "report_sample.h"
#include "test.h"
#include "json/json.h"

enum {
    PAGE_MAX = 4 << 20
};

static size_t columns_of(struct slice s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        n += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    }
    return n;
}

static void the_text_fits_a_hundred_columns(void)
{
    struct report_sample s;
    struct slice rest;
    struct slice line;
    struct buf b;
    struct err e;

    buf_init(&b, PAGE_MAX);
    CHECK_OK(report_sample_make(&s, &e), &e);
    CHECK_OK(report_text(&s.report, false, &b, &e), &e);
    rest = buf_slice(&b);
    while (slice_cut(&rest, '\n', &line)) {
        if (columns_of(line) > REPORT_WIDTH) {
            test_fail(__FILE__, __LINE__, "too wide: %.*s", SLICE_FMT(line));
        }
        CHECK(memchr(line.ptr, '\033', line.len) == NULL);
    }
    CHECK_INT(rest.len, 0);
    buf_release(&b);
    report_sample_release(&s);
}

static void colours_change_nothing_else(void)
{
    struct report_sample s;
    struct buf plain;
    struct buf colour;
    struct err e;

    buf_init(&plain, PAGE_MAX);
    buf_init(&colour, PAGE_MAX);
    CHECK_OK(report_sample_make(&s, &e), &e);
    CHECK_OK(report_text(&s.report, false, &plain, &e), &e);
    CHECK_OK(report_text(&s.report, true, &colour, &e), &e);
    CHECK(colour.len > plain.len);
    CHECK(memchr(colour.ptr, '\033', colour.len) != NULL);
    buf_release(&plain);
    buf_release(&colour);
    report_sample_release(&s);
}

static void json_has_every_answer_by_its_id(void)
{
    struct report_sample s;
    struct json_doc d = {0};
    struct buf b;
    struct err e;

    buf_init(&b, PAGE_MAX);
    CHECK_OK(report_sample_make(&s, &e), &e);
    CHECK_OK(report_json(&s.report, &b, &e), &e);
    CHECK_OK(json_parse(&d, buf_slice(&b), JSON_NUMBERS, NULL, &e), &e);
    for (size_t i = 0; i < s.report.nanswers; i++) {
        yyjson_val *rows =
            json_get(json_get(d.root, "answers"), s.report.answers[i].id);

        CHECK(yyjson_is_arr(rows));
        CHECK_INT(yyjson_arr_size(rows), s.rows[i].rows);
    }
    CHECK_INT(yyjson_get_int(json_get(
                  json_get(json_get(d.root, "accounting"), "geo"), "cleaned")),
              1234000);
    CHECK(json_get(json_get(d.root, "seconds"), "post") != NULL);
    json_release(&d);
    buf_release(&b);
    report_sample_release(&s);
}

static void no_text_can_leave_its_place_in_the_page(void)
{
    struct report_sample s;
    struct buf b;
    struct err e;
    const char *page = "";
    const char *data;
    const char *end;

    buf_init(&b, PAGE_MAX);
    CHECK_OK(report_sample_make(&s, &e), &e);
    CHECK_OK(report_html(&s.report, &b, &e), &e);
    CHECK_OK(buf_text(&b, &page, &e), &e);
    data = strstr(page, "id=\"data\">");
    CHECK(data != NULL);
    data = data != NULL ? data + strlen("id=\"data\">") : page;
    end = strstr(data, "</script>");
    CHECK(end != NULL && memchr(data, '<', (size_t)(end - data)) == NULL);
    CHECK(strstr(page, "@DATA@") == NULL);
    CHECK(strstr(page, "src=\"http") == NULL);
    CHECK(strstr(page, "href=\"http") == NULL);
    if (end != NULL) {
        struct json_doc d = {0};

        CHECK_OK(json_parse(&d, (struct slice){data, (size_t)(end - data)},
                            JSON_NUMBERS, NULL, &e),
                 &e);
        CHECK_INT(yyjson_arr_size(json_get(d.root, "answers")), SAMPLE_ANSWERS);
        json_release(&d);
    }
    buf_release(&b);
    report_sample_release(&s);
}

static void running_out_of_memory_is_said(void)
{
    struct err e = {0};
    int rc = -1;

    for (unsigned n = 1; rc != 0 && n < 4000; n += 1 + n / 8) {
        struct report_sample s;
        struct buf b;

        buf_init(&b, PAGE_MAX);
        CHECK_OK(report_sample_make(&s, &e), &e);
        mem_fail_after(n);
        rc = report_text(&s.report, false, &b, &e);
        if (rc == 0) {
            rc = report_html(&s.report, &b, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        buf_release(&b);
        report_sample_release(&s);
    }
    CHECK_INT(rc, 0);
}

static const struct test tests[] = {
    {"the text fits a hundred columns", the_text_fits_a_hundred_columns},
    {"colours change nothing else", colours_change_nothing_else},
    {"JSON has every answer by its id", json_has_every_answer_by_its_id},
    {"no text can leave its place in the page",
     no_text_can_leave_its_place_in_the_page},
    {"running out of memory is said", running_out_of_memory_is_said},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
