#include "flow/ledger.h"

#include <stdio.h>

#include "core/fs.h"
#include "core/mem.h"
#include "test.h"

static struct ledger *open_fresh(const char *name)
{
    char dir[FS_PATH_MAX];
    struct ledger *l = NULL;
    struct err e;

    (void)snprintf(dir, sizeof(dir), "%s/%s", test_folder(), name);
    CHECK_OK(fs_make_folders(dir, &e), &e);
    CHECK_OK(ledger_open(&l, dir, &e), &e);
    return l;
}

static struct ledger_row row(int64_t from, int64_t to, int64_t cleaned)
{
    struct ledger_row r = {.pipeline = "batch",
                           .span = {"pin", 7, 0, from, to},
                           .counts = {.messages = to - from,
                                      .cleaned = cleaned,
                                      .rejected = to - from - cleaned}};

    (void)snprintf(r.made_by, sizeof(r.made_by), "hash");
    return r;
}

static void put(struct ledger *l, struct ledger_row r)
{
    struct err e;

    CHECK_OK(ledger_put(l, &r, &e), &e);
}

/* A crash after the ledger row and before the commit leaves a row above the
 * position; the next run replaces it. */
static void sums_stop_at_the_position(void)
{
    struct span where = {.topic = "pin", .epoch = 7};
    struct ledger_counts c = {0};
    struct ledger *l = open_fresh("sums");
    struct err e;

    put(l, row(0, 10, 9));
    put(l, row(10, 30, 20));
    CHECK_OK(ledger_sum(l, "batch", &where, 10, &c, &e), &e);
    CHECK_INT(c.cleaned, 9);
    CHECK_INT(c.rejected, 1);
    put(l, row(10, 25, 14));
    CHECK_OK(ledger_sum(l, "batch", &where, 25, &c, &e), &e);
    CHECK_INT(c.messages, 25);
    CHECK_INT(c.cleaned, 23);
    where.epoch = 8;
    CHECK_OK(ledger_sum(l, "batch", &where, 25, &c, &e), &e);
    CHECK_INT(c.messages, 0);
    ledger_close(l);
}

/* 5,000 commits of a stream: as many rows as a few, the same sums. */
static void old_rows_become_one(void)
{
    struct span where = {.topic = "pin", .epoch = 7};
    struct span other = {.topic = "pin", .epoch = 7, .partition = 1};
    struct ledger_row single = row(0, 3, 2);
    struct ledger_counts c = {0};
    struct ledger_row found = {0};
    struct ledger *l = open_fresh("fold");
    int64_t rows = 0;
    struct err e;

    single.span.partition = 1;
    put(l, single);
    CHECK_OK(ledger_begin(l, &e), &e);
    for (int64_t i = 0; i < 5000; i++) {
        put(l, row(i * 2, i * 2 + 2, 1));
        where.from = i * 2;
        CHECK_OK(ledger_fold(l, "batch", &where, &e), &e);
        if (i % 500 == 0) {
            CHECK_OK(ledger_sum(l, "batch", &where, i * 2, &c, &e), &e);
            CHECK_INT(c.cleaned, i); /* what is not committed yet is not in */
        }
    }
    CHECK_OK(ledger_commit(l, &e), &e);
    CHECK_OK(ledger_sum(l, "batch", &where, 10000, &c, &e), &e);
    CHECK_INT(c.messages, 10000);
    CHECK_INT(c.cleaned, 5000);
    CHECK_INT(c.rejected, 5000);
    for (int64_t at = 0; at < 10000; at = found.span.to) {
        CHECK_OK(ledger_find(l, "batch", &where, at, &found, &e), &e);
        CHECK_INT(found.span.from, at);
        rows++;
    }
    CHECK(rows > 64 && rows <= 258);
    CHECK_OK(ledger_sum(l, "batch", &other, 3, &c, &e), &e);
    CHECK_INT(c.cleaned, 2);
    ledger_close(l);
}

static void find_gives_the_row_or_the_next(void)
{
    struct span where = {.topic = "pin", .epoch = 7};
    struct ledger_row found = {0};
    struct ledger *l = open_fresh("find");
    struct err e;

    put(l, row(0, 10, 10));
    put(l, row(20, 30, 10)); /* retention took 10 to 19 */
    CHECK_OK(ledger_find(l, "batch", &where, 9, &found, &e), &e);
    CHECK_INT(found.span.from, 0);
    CHECK_OK(ledger_find(l, "batch", &where, 10, &found, &e), &e);
    CHECK_INT(found.span.from, 20);
    CHECK_TEXT(slice_of(found.made_by), "hash");
    CHECK(ledger_find(l, "batch", &where, 30, &found, &e) < 0);
    CHECK(e.code == ERR_NOTFOUND);
    ledger_close(l);
}

static bool count(void *arg, const struct deadletter *d)
{
    int64_t *n = arg;

    *n += d->offset;
    return true;
}

static void a_letter_is_buried_once(void)
{
    struct deadletter d = {.pipeline = "batch",
                           .topic = "pin",
                           .epoch = 7,
                           .offset = 5,
                           .rule = "decode",
                           .reason = "not JSON",
                           .payload = SLICE("{\0x"),
                           .has_payload = true,
                           .spec_hash = "old",
                           .time_us = 1};
    struct deadletter_filter f = DEADLETTER_ANY;
    struct ledger *l = open_fresh("letters");
    int64_t n = 0;
    struct err e;

    CHECK_OK(ledger_bury(l, &d, &e), &e);
    CHECK_OK(ledger_bury(l, &d, &e), &e);
    d.offset = 6;
    CHECK_OK(ledger_bury(l, &d, &e), &e);
    CHECK_OK(ledger_count_letters(l, &f, &n, &e), &e);
    CHECK_INT(n, 2);
    f.pipeline = "batch";
    f.topic = "pin";
    f.epoch = 7;
    f.partition = 0;
    f.from = 6;
    f.to = 7;
    n = 0;
    CHECK_OK(ledger_letters(l, &f, count, &n, &e), &e);
    CHECK_INT(n, 6);
    CHECK_OK(ledger_forget(l, "batch", "pin", "new", &e), &e);
    CHECK_OK(ledger_count_letters(l, &DEADLETTER_ANY, &n, &e), &e);
    CHECK_INT(n, 0);
    ledger_close(l);
}

static void opening_survives_every_failed_allocation(void)
{
    char dir[FS_PATH_MAX];
    unsigned n = 0;
    int rc = -1;

    (void)snprintf(dir, sizeof(dir), "%s/sweep", test_folder());
    CHECK(fs_make_folders(dir, NULL) == 0);
    while (rc != 0 && n < 1000) {
        struct ledger *l = NULL;
        struct err e = {0};

        mem_fail_after(++n);
        rc = ledger_open(&l, dir, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        ledger_close(l);
    }
    CHECK(n > 1 && n < 1000);
}

static const struct test tests[] = {
    {"sums stop at the position", sums_stop_at_the_position},
    {"old rows become one", old_rows_become_one},
    {"find gives the row or the next", find_gives_the_row_or_the_next},
    {"a letter is buried once", a_letter_is_buried_once},
    {"opening survives every failed allocation",
     opening_survives_every_failed_allocation},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
