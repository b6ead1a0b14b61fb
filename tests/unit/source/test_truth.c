#include "source/truth.h"

#include "core/mem.h"
#include "core/stop.h"
#include "json/json.h"

#include "test.h"

static const char *const tables[] = {"pin", "geo", "user"};

static struct source_conf conf(int64_t rows, double bad, double duplicates)
{
    return (struct source_conf){.url = "generator:",
                                .seed = 11,
                                .rows = rows,
                                .bad = bad,
                                .duplicates = duplicates,
                                .tables = tables,
                                .ntables = ARRAY_LEN(tables)};
}

static int64_t number(yyjson_val *account, const char *name)
{
    int64_t v = -1;

    CHECK(json_get_i64(account, name, &v));
    return v;
}

/* records = cleaned + rejected + duplicate, and copies are duplicates. */
static void check_account(yyjson_val *a, double bad, double duplicates)
{
    CHECK_INT(number(a, "messages"), 3000);
    CHECK_INT(number(a, "records"), 3000 + number(a, "expanded"));
    CHECK_INT(number(a, "records"), number(a, "cleaned") +
                                        number(a, "rejected") +
                                        number(a, "duplicate"));
    CHECK((number(a, "rejected") > 0) == (bad > 0));
    CHECK((number(a, "duplicate") > 0) == (bad > 0 || duplicates > 0));
}

static void check_truth(double bad, double duplicates)
{
    struct source_conf c = conf(3000, bad, duplicates);
    struct json_doc doc = {0};
    yyjson_val *accounts;
    struct buf b;
    struct err e;

    buf_init(&b, (size_t)64 << 20);
    CHECK_OK(truth_write(&c, NULL, &b, &e), &e);
    CHECK_OK(json_parse(&doc, buf_slice(&b), JSON_NUMBERS, NULL, &e), &e);
    accounts = json_get(doc.root, "tables");
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        check_account(json_get(accounts, tables[t]), bad, duplicates);
    }
    CHECK_INT(yyjson_obj_size(json_get(doc.root, "answers")), 15);
    json_release(&doc);
    buf_release(&b);
}

static void the_sum_of_the_truth_closes(void)
{
    check_truth(0, 0);
    check_truth(0.3, 0);
    check_truth(0, 0.5);
    check_truth(1, 0.2);
}

static void asked_to_stop_it_stops(void)
{
    struct source_conf c = conf(1000000, 0, 0);
    struct buf b;
    struct err e;

    buf_init(&b, (size_t)64 << 20);
    stop_ask();
    CHECK(truth_write(&c, NULL, &b, &e) != 0 && e.code == ERR_INTERRUPTED);
    CHECK_TEXT(slice_of(e.msg), "stopped at row 4095");
    buf_release(&b);
}

static void every_failed_allocation_is_reported(void)
{
    struct source_conf c = conf(60, 0.5, 0.2);
    unsigned n = 0;
    int rc = -1;

    while (rc != 0 && n < 5000) {
        struct buf b;
        struct err e = {0};

        buf_init(&b, (size_t)64 << 20);
        mem_fail_after(++n);
        rc = truth_write(&c, NULL, &b, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        buf_release(&b);
    }
    CHECK(rc == 0 && n > 5);
}

static const struct test tests[] = {
    {"the sum of the truth closes", the_sum_of_the_truth_closes},
    {"every failed allocation is reported",
     every_failed_allocation_is_reported},
    {"asked to stop it stops", asked_to_stop_it_stops}, /* last: for good */
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
