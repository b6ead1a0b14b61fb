#include "flow/emulator.h"

#include <string.h>

#include "core/mem.h"

#include "test.h"

static const char *const names[] = {"pin", "geo", "user"};
static const struct emulator_table tables[] = {{"pin", "x.pin", false},
                                               {"geo", "x.geo", false},
                                               {"user", "x.user", false}};

/* Port 1 of this machine: nobody listens there. */
#define NOBODY "http://127.0.0.1:1"

static const struct retry_policy once = {.attempts = 1};

static struct source *rows(const char *url)
{
    struct source_conf conf = {
        .url = url, .seed = 100, .tables = names, .ntables = ARRAY_LEN(names)};
    struct source *s = NULL;
    struct err e;

    CHECK_OK(source_open(&s, &conf, &e), &e);
    return s;
}

static struct emulator_conf conf_of(struct source *s)
{
    return (struct emulator_conf){.source = s,
                                  .tables = tables,
                                  .ntables = ARRAY_LEN(tables),
                                  .to = NOBODY,
                                  .rows = 5,
                                  .seed = 100,
                                  .retry = &once};
}

static void wrong_settings_are_refused_in_words(void)
{
    struct source *s = rows("generator:");
    struct emulator_conf base = conf_of(s);
    struct emulator_conf c[6];
    static const char *const words[] = {
        "no contract is called \"kafka-v1\"; the nearest is kafka-v2",
        "Kinesis takes at most 500 records a request",
        "contract \"pin\" takes one record a request, not 2",
        "cannot use pace \"fast\": give \"max\", \"N/s\" rows, or \"A-Bs\" "
        "seconds between rows, B not included",
        "cannot use pace \"2-2s\": give \"max\", \"N/s\" rows, or \"A-Bs\" "
        "seconds between rows, B not included",
        "cannot read address \"127.0.0.1:8082\": it does not begin with "
        "http:// or https://",
    };

    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        c[i] = base;
    }
    c[0].contract = "kafka-v1";
    c[1].contract = "kinesis";
    c[1].per_request = 501;
    c[2].contract = "pin";
    c[2].per_request = 2;
    c[3].pace = "fast";
    c[4].pace = "2-2s";
    c[5].to = "127.0.0.1:8082";
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        struct emulator_counts counts;
        struct err e;

        CHECK(emulator_run(&c[i], &counts, &e) != 0);
        CHECK_TEXT(slice_of(e.msg), words[i]);
        CHECK_INT(counts.requests, 0);
    }
    source_close(s);
}

static void contracts_are_listed_in_order(void)
{
    const char *before = "";
    const char *absent;
    size_t i = 0;

    for (const char *name; (name = emulator_contract_at(i, &absent)) != NULL;
         i++) {
        CHECK(strcmp(before, name) < 0);
        before = name;
    }
    CHECK_INT(i, 6);
}

static void shown_rows_are_the_first_of_the_order(void)
{
    static const struct {
        enum emulator_order order;
        const char *begins;
    } cases[] = {
        {EMULATOR_CPYTHON, "pin_result {\"index\":7528,"},
        {EMULATOR_SEQUENTIAL, "pin_result {\"index\":0,"},
    };
    struct source *s = rows("generator:");

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct emulator_conf c = conf_of(s);
        struct buf b;
        struct err e;

        buf_init(&b, 100000);
        c.order = cases[i].order;
        CHECK_OK(emulator_show(&c, &b, &e), &e);
        CHECK(slice_starts(buf_slice(&b), slice_of(cases[i].begins)));
        CHECK(strstr(b.ptr, "\ngeo_result {\"ind\":") != NULL);
        CHECK(strstr(b.ptr, "\nuser_result {\"ind\":") != NULL);
        buf_release(&b);
    }
    source_close(s);
}

static void a_server_that_is_not_there_ends_it(void)
{
    static const char *const to[] = {NOBODY, "http://user@127.0.0.1:1"};
    struct source *s = rows("generator:rows=10");

    for (size_t i = 0; i < ARRAY_LEN(to); i++) { /* our sockets, libcurl */
        struct emulator_conf c = conf_of(s);
        struct emulator_counts counts;
        struct err e = {0};
        int64_t unsent = 0;

        c.to = to[i];
        CHECK(emulator_run(&c, &counts, &e) != 0);
        CHECK_INT(e.code, ERR_CONNECT);
        for (size_t t = 0; t < counts.ntables; t++) {
            CHECK_INT(counts.table[t].posted, 0);
            CHECK_INT(counts.table[t].uncertain, 0);
            unsent += counts.table[t].unsent;
        }
        CHECK_INT(unsent, 3 * counts.drawn);
    }
    source_close(s);
}

static void every_failed_allocation_is_reported(void)
{
    struct source *s = rows("generator:rows=10");
    struct emulator_conf c = conf_of(s);
    enum err_code code = ERR_NOMEM;
    unsigned n = 0;

    c.in_flight = 2;
    while (code == ERR_NOMEM && n < 2000) {
        struct emulator_counts counts;
        struct err e = {0};

        mem_fail_after(++n);
        CHECK(emulator_run(&c, &counts, &e) != 0);
        mem_fail_after(0);
        code = e.code;
    }
    CHECK_INT(code, ERR_CONNECT);
    CHECK(n > 20);
    source_close(s);
}

static const struct test tests[] = {
    {"wrong settings are refused in words",
     wrong_settings_are_refused_in_words},
    {"contracts are listed in order", contracts_are_listed_in_order},
    {"shown rows are the first of the order",
     shown_rows_are_the_first_of_the_order},
    {"a server that is not there ends it", a_server_that_is_not_there_ends_it},
    {"every failed allocation is reported",
     every_failed_allocation_is_reported},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
