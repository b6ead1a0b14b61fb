/* test_sql.c - specs as SQL: what is in it, what is refused by name. */
#include "clean/sql.h"
#include "core/fs.h"
#include "core/mem.h"
#include "test.h"

static struct spec *load(const char *set)
{
    struct slice one = set != NULL ? slice_of(set) : SLICE("");
    struct spec_texts sets = {&one, set != NULL ? 1 : 0};
    struct spec *s = NULL;
    struct faults f;
    struct buf text;
    struct err e;

    faults_init(&f);
    buf_init(&text, 1 << 20);
    CHECK_OK(fs_read("pipelines/pinterest.yaml", &text, &e), &e);
    CHECK_OK(spec_load(&s, buf_slice(&text), "p.yaml", &sets, &f, &e), &e);
    faults_release(&f);
    buf_release(&text);
    return s;
}

static void refuses(const char *set, const char *word)
{
    struct spec *s = load(set);
    struct buf b;
    struct err e;

    buf_init(&b, 16 << 20);
    if (s != NULL) {
        CHECK_INT(sql_query(&s->tables[0], SQL_DUCKDB, &b, &e), -1);
        CHECK_INT(e.code, ERR_UNAVAILABLE);
        CHECK(strstr(e.msg, word) != NULL);
    }
    buf_release(&b);
    spec_free(s);
}

static void c_only_is_named(void)
{
    refuses("pin.provenance=on", "provenance");
    refuses("pin.title.on_error=stop", "on_error: stop");
}

static void both_dialects_print(void)
{
    static const char *const words[] = {"regexp_full_match", "RLIKE"};
    static const char *const heads[] = {"SET TimeZone", "ansi.enabled"};
    struct spec *s = load(NULL);
    struct err e;

    for (int d = SQL_DUCKDB; s != NULL && d <= (int)SQL_SPARK; d++) {
        for (size_t t = 0; t < s->ntables; t++) {
            struct buf b;
            const char *text = "";

            buf_init(&b, 16 << 20);
            CHECK_OK(sql_script(s, &s->tables[t], (enum sql_dialect)d, &b, &e),
                     &e);
            CHECK_OK(buf_text(&b, &text, &e), &e);
            CHECK(strstr(text, words[d]) != NULL);
            CHECK(strstr(text, heads[d]) != NULL);
            CHECK(strstr(text, "{x}") == NULL && strstr(text, "{a}") == NULL);
            CHECK(slice_starts(buf_slice(&b), SLICE("-- ")));
            buf_release(&b);
        }
    }
    spec_free(s);
}

static void out_of_memory(void)
{
    struct spec *s = load(NULL);
    struct err e;
    unsigned n = 0;
    int rc = -1;

    while (s != NULL && rc != 0 && n < 5000) {
        struct buf b;

        buf_init(&b, 16 << 20);
        mem_fail_after(++n);
        rc = sql_query(&s->tables[0], SQL_DUCKDB, &b, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        buf_release(&b);
    }
    CHECK_INT(rc, 0);
    spec_free(s);
}

int main(void)
{
    static const struct test tests[] = {
        {"what only C can do is refused by name", c_only_is_named},
        {"both dialects print every table", both_dialects_print},
        {"want of memory is an error", out_of_memory},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
