#include "record/csv.h"

#include "core/rand.h"
#include "test.h"

enum {
    OUT_MAX = 1 << 20,
    FIELDS = 6
};

struct pair {
    const char *record;
    const char *want; /* fields joined by |, quoted ones in []; or refused */
};

static const struct pair pairs[] = {
    {"a,b,c", "a|b|c"},
    {"", ""},
    {",", "|"},
    {"\"\",,x", "[]||x"},
    {"\"a,b\",\"c\"\"d\",\"e\nf\"", "[a,b]|[c\"d]|[e\nf]"},
    {"\"\"\"\"", "[\"]"},
    {"it\"s,5\" disk", "it\"s|5\" disk"},
    {"\"a\"x,b", NULL},
    {"a,\"b", NULL},
    {"1,2,3,4,5,6,7", NULL},
};

static void records_are_cut(void)
{
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct csv_field f[FIELDS];
        struct buf scratch;
        struct buf out;
        struct err e = {0};
        size_t n = 0;
        int rc;

        buf_init(&scratch, OUT_MAX);
        buf_init(&out, OUT_MAX);
        rc = csv_fields(slice_of(pairs[i].record), &scratch, f, FIELDS, &n, &e);
        CHECK_INT(rc, pairs[i].want ? 0 : -1);
        for (size_t k = 0; k < n; k++) {
            CHECK_OK(buf_putf(&out, &e, f[k].quoted ? "%s[%.*s]" : "%s%.*s",
                              k > 0 ? "|" : "", SLICE_FMT(f[k].text)),
                     &e);
        }
        if (pairs[i].want != NULL) {
            CHECK_TEXT(buf_slice(&out), pairs[i].want);
        }
        buf_release(&scratch);
        buf_release(&out);
    }
}

static void ends_are_found(void)
{
    static const struct {
        const char *text;
        bool last;
        int len; /* -1: no record yet */
        int all;
    } rows[] = {
        {"a,b\nc", false, 3, 4},
        {"a,b\r\nc", false, 3, 5},
        {"a,b", false, -1, 0},
        {"a,b", true, 3, 3},
        {"\"a\nb\"\nc", false, 5, 6},
        {"\"a\"", false, -1, 0},
        {"\"a\"", true, 3, 3},
        {"\"a", true, -1, 0},
        {"\"a\"\"\nb\n", true, -1, 0},
        {"\n", false, 0, 1},
        {"", true, 0, 0},
        {"a\"b\nc", false, 3, 4},
        {"x,\"a\n\",y\nz", false, 8, 9},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t len = 0;
        size_t all = 0;
        bool found =
            csv_record(slice_of(rows[i].text), rows[i].last, &len, &all);

        CHECK_INT(found, rows[i].len >= 0);
        if (found) {
            CHECK_INT(len, rows[i].len);
            CHECK_INT(all, rows[i].all);
        }
    }
}

static void what_is_printed_reads_back(void)
{
    static const char alphabet[] = "ab,\"\n\r ;";
    struct rand r;

    rand_seed(&r, 3);
    for (int round = 0; round < 5000; round++) {
        char text[FIELDS][8];
        struct slice want[FIELDS];
        struct csv_field got[FIELDS];
        struct buf line;
        struct buf scratch;
        struct err e;
        size_t n = 1 + rand_below(&r, FIELDS);
        size_t got_n = 0;
        size_t len = 0;
        size_t all = 0;

        buf_init(&line, OUT_MAX);
        buf_init(&scratch, OUT_MAX);
        for (size_t i = 0; i < n; i++) {
            want[i] = (struct slice){text[i], rand_below(&r, 8)};
            for (size_t k = 0; k < want[i].len; k++) {
                text[i][k] = alphabet[rand_below(&r, sizeof(alphabet) - 1)];
            }
            CHECK_OK(i > 0 ? buf_putc(&line, ',', &e) : 0, &e);
            CHECK_OK(csv_print_text(&line, want[i], &e), &e);
        }
        CHECK_OK(buf_puts(&line, round % 2 ? "\r\n\"" : "\n\"", &e), &e);
        CHECK(csv_record(buf_slice(&line), false, &len, &all));
        CHECK_INT(all + 1, line.len);
        CHECK_OK(csv_fields((struct slice){line.ptr, len}, &scratch, got,
                            FIELDS, &got_n, &e),
                 &e);
        CHECK_INT(got_n, n);
        for (size_t i = 0; i < n && got_n == n; i++) {
            CHECK(slice_eq(got[i].text, want[i]));
        }
        buf_release(&line);
        buf_release(&scratch);
    }
}

static const struct test tests[] = {
    {"records are cut", records_are_cut},
    {"ends are found", ends_are_found},
    {"what is printed reads back", what_is_printed_reads_back},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
