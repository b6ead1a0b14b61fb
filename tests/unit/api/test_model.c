#include "api/model.h"

#include "core/mem.h"
#include "test.h"

static const struct api_field fields[] = {
    {"i", API_INT, false}, {"f", API_FLOAT, false}, {"t", API_TEXT, true}};
static const struct api_model model = {"x", "x", fields, ARRAY_LEN(fields)};

/* The row, or the faults. */
static void check(const char *body, const char *row, const char *faults,
                  size_t dropped)
{
    struct model_result res = {.faults = 0};
    struct json_doc doc;
    struct buf out;
    struct buf detail;
    struct err e;

    buf_init(&out, SIZE_MAX);
    buf_init(&detail, SIZE_MAX);
    CHECK_OK(json_parse(&doc, slice_of(body), 0, NULL, &e), &e);
    CHECK_OK(model_check(&model, doc.root, &out, &detail, &res, &e), &e);
    if (row != NULL) {
        CHECK_INT(res.faults, 0);
        CHECK_TEXT(buf_slice(&out), row);
    }
    CHECK_TEXT(buf_slice(&detail), faults);
    CHECK_INT(res.dropped, dropped);
    json_release(&doc);
    buf_release(&detail);
    buf_release(&out);
}

static void rows_are_put_in_order(void)
{
    check("{\"f\":1.50,\"i\":2}", "{\"i\":2,\"f\":1.50}", "", 0);
    check("{\"i\":1,\"f\":2,\"t\":null,\"x\":[],\"y\":1}",
          "{\"i\":1,\"f\":2,\"t\":null}", "", 2);
    check("{\"i\":1,\"i\":5,\"f\":2}", "{\"i\":5,\"f\":2}", "", 0);
    check("{\"x\":1,\"i\":1,\"x\":2,\"i\":5,\"f\":2,\"ii\":3}",
          "{\"i\":5,\"f\":2}", "", 3);
}

static void integers(void)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } cases[] = {
        {"0", "0"},
        {"-0", "0"},
        {"-7", "-7"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"\"  12 \"", "12"},
        {"\"-012\"", "-12"},
        {"\"1_000\"", "1000"},
        {"\"1__0\"", NULL},
        {"\"_1\"", NULL},
        {"\"1_\"", NULL},
        {"\"1.0\"", "1"},
        {"\"1.\"", NULL},
        {"\".0\"", NULL},
        {"\"1.5\"", NULL},
        {"\"\"", NULL},
        {"\"-\"", NULL},
        {"\"+-1\"", NULL},
        {"\"0x10\"", NULL},
        {"\"1e3\"", NULL},
        {"1e3", "1000"},
        {"-2.0", "-2"},
        {"2.5", NULL},
        {"1e400", NULL},
        {"false", "0"},
        {"{}", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct model_result res = {.faults = 0};
        struct json_doc doc;
        struct buf in;
        struct buf out;
        struct buf detail;
        char want[128];
        struct err e;

        buf_init(&in, SIZE_MAX);
        buf_init(&out, SIZE_MAX);
        buf_init(&detail, SIZE_MAX);
        CHECK_OK(buf_putf(&in, &e, "{\"f\":1,\"i\":%s}", cases[i].in), &e);
        CHECK_OK(json_parse(&doc, buf_slice(&in), 0, NULL, &e), &e);
        CHECK_OK(model_check(&model, doc.root, &out, &detail, &res, &e), &e);
        if ((res.faults == 0) != (cases[i].out != NULL)) {
            test_fail(__FILE__, __LINE__, "%s: %zu faults", cases[i].in,
                      res.faults);
        } else if (cases[i].out != NULL) {
            (void)snprintf(want, sizeof(want), "{\"i\":%s,\"f\":1}",
                           cases[i].out);
            CHECK_TEXT(buf_slice(&out), want);
        }
        json_release(&doc);
        buf_release(&detail);
        buf_release(&out);
        buf_release(&in);
    }
}

static void faults_name_field_and_input(void)
{
    check("{\"i\":\"x\",\"f\":[],\"t\":1}", NULL,
          "{\"type\":\"int_parsing\",\"loc\":[\"body\",\"i\"],\"msg\":\"Input "
          "should be a valid integer, unable to parse string as an "
          "integer\",\"input\":\"x\"},{\"type\":\"float_type\",\"loc\":["
          "\"body\",\"f\"],\"msg\":\"Input should be a valid "
          "number\",\"input\":[]},{\"type\":\"string_type\",\"loc\":[\"body\","
          "\"t\"],\"msg\":\"Input should be a valid string\",\"input\":1}",
          0);
}

static void tables_of_the_exercise(void)
{
    size_t n;
    const struct api_model *m = api_models(&n);

    CHECK_INT(n, 3);
    CHECK_TEXT(slice_of(m[0].name), "pin");
    CHECK_INT(m[0].n_fields, 12);
    CHECK_INT(m[1].n_fields, 5);
    CHECK_INT(m[2].n_fields, 5);
}

static void any_allocation_may_fail(void)
{
    struct json_doc doc;
    struct err e;
    unsigned n = 0;
    int rc = -1;

    CHECK_OK(json_parse(&doc, SLICE("{\"i\":\"x\",\"f\":\"1.5\",\"t\":\"\"}"),
                        0, NULL, &e),
             &e);
    while (rc != 0) {
        struct model_result res;
        struct buf out;
        struct buf detail;

        buf_init(&out, SIZE_MAX);
        buf_init(&detail, SIZE_MAX);
        mem_fail_after(++n);
        rc = model_check(&model, doc.root, &out, &detail, &res, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        buf_release(&detail);
        buf_release(&out);
    }
    CHECK(n > 2);
    json_release(&doc);
}

int main(void)
{
    static const struct test tests[] = {
        {"rows are put in order", rows_are_put_in_order},
        {"integers as pydantic reads them", integers},
        {"faults name field and input", faults_name_field_and_input},
        {"the tables of the exercise", tables_of_the_exercise},
        {"any allocation may fail", any_allocation_may_fail},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
