#include "record/batch.h"

#include "core/buf.h"
#include "core/mem.h"
#include "core/rand.h"
#include "record/batch_store.h"
#include "test.h"

static const struct col_def defs[] = {
    {"i", COL_INT32, NULL, {NULL, NULL}, false},
    {"l", COL_INT64, NULL, {NULL, NULL}, false},
    {"d", COL_DOUBLE, NULL, {NULL, NULL}, false},
    {"s", COL_TEXT, NULL, {NULL, NULL}, false},
    {"t", COL_TIMESTAMP, NULL, {NULL, NULL}, false},
    {"ds", COL_DOUBLE_LIST, NULL, {NULL, NULL}, false},
    {"ss", COL_TEXT_LIST, NULL, {NULL, NULL}, false},
    {"p", COL_POINT, NULL, {"lat", "lon"}, false},
    {"b", COL_BOOL, NULL, {NULL, NULL}, false},
};

enum {
    COLUMNS = ARRAY_LEN(defs),
    ITEMS_MAX = 5
};

/* Put the value that `seed` stands for; every third or so is NULL. */
static int put(struct batch *b, size_t col, uint64_t seed, struct err *e)
{
    uint64_t v = rand_mix(seed * 31 + col);
    char text[24];
    size_t n = v % ITEMS_MAX;
    double doubles[ITEMS_MAX];
    struct slice texts[ITEMS_MAX];
    struct slice whole = {text, (size_t)snprintf(text, sizeof(text), "%llu",
                                                 (unsigned long long)v)};

    if (v % 7 < 2) {
        return batch_put_null(b, col, e);
    }
    for (size_t k = 0; k < ITEMS_MAX; k++) {
        doubles[k] = (double)(v >> (k + 30));
        texts[k] = (struct slice){text, (v >> (2 * k)) % whole.len};
    }
    switch (defs[col].type) {
    case COL_INT32:
        return batch_put_i32(b, col, (int32_t)(v & 0x7fffffff), e);
    case COL_INT64:
    case COL_TIMESTAMP:
        return batch_put_i64(b, col, (int64_t)(v >> 1), e);
    case COL_DOUBLE:
        return batch_put_double(b, col, doubles[0], e);
    case COL_TEXT:
        return batch_put_text(b, col, texts[1], e);
    case COL_DOUBLE_LIST:
        return batch_put_doubles(b, col, doubles, n, e);
    case COL_TEXT_LIST:
        return batch_put_texts(b, col, texts, n, e);
    case COL_POINT:
        return batch_put_doubles(b, col, doubles, 2, e);
    case COL_BOOL:
        return batch_put_bool(b, col, v & 1, e);
    }
    return -1;
}

static int put_row(struct batch *b, uint64_t seed, struct err *e)
{
    for (size_t c = 0; c < COLUMNS; c++) {
        if (put(b, c, seed, e) < 0) {
            batch_drop_row(b);
            return -1;
        }
    }
    batch_end_row(b);
    return 0;
}

static void same_fixed(const struct column *x, size_t i, const struct column *y,
                       size_t width)
{
    CHECK(memcmp((const char *)x->fixed.any + i * width, y->fixed.any, width) ==
          0);
}

static void same_ends(const struct column *x, size_t i, const struct column *y,
                      enum col_type t)
{
    uint64_t from = i > 0 ? x->end[i - 1] : 0;
    uint64_t n = x->end[i] - from;

    CHECK_INT(n, y->end[0]);
    if (n != y->end[0]) {
        return;
    }
    if (t == COL_TEXT) {
        CHECK(n == 0 || memcmp(x->bytes + from, y->bytes, n) == 0);
    } else if (t == COL_DOUBLE_LIST) {
        CHECK(n == 0 ||
              memcmp(x->doubles + from, y->doubles, n * sizeof(double)) == 0);
    } else {
        for (uint64_t k = 0; k < n; k++) {
            uint64_t xs = from + k > 0 ? x->item_end[from + k - 1] : 0;
            uint64_t ys = k > 0 ? y->item_end[k - 1] : 0;
            uint64_t len = x->item_end[from + k] - xs;

            CHECK_INT(len, y->item_end[k] - ys);
            CHECK(len == 0 || memcmp(x->bytes + xs, y->bytes + ys, len) == 0);
        }
    }
}

/* Row i of b is the row that `seed` makes. */
static void check_row(const struct batch *b, size_t i, uint64_t seed)
{
    struct batch one;
    struct err e;

    CHECK_OK(batch_init(&one, defs, COLUMNS, &e), &e);
    CHECK_OK(put_row(&one, seed, &e), &e);
    for (size_t c = 0; c < COLUMNS; c++) {
        const struct column *x = &b->cols[c];
        const struct column *y = &one.cols[c];

        CHECK_INT(x->valid[i], y->valid[0]);
        switch (defs[c].type) {
        case COL_INT32:
            same_fixed(x, i, y, 4);
            break;
        case COL_BOOL:
            same_fixed(x, i, y, 1);
            break;
        case COL_INT64:
        case COL_TIMESTAMP:
        case COL_DOUBLE:
            same_fixed(x, i, y, 8);
            break;
        case COL_POINT:
            CHECK(memcmp(x->doubles + 2 * i, y->doubles, 16) == 0);
            break;
        case COL_TEXT:
        case COL_DOUBLE_LIST:
        case COL_TEXT_LIST:
            same_ends(x, i, y, defs[c].type);
            break;
        }
    }
    batch_release(&one);
}

static void rows_come_back(void)
{
    struct batch b;
    struct err e;

    CHECK_OK(batch_init(&b, defs, COLUMNS, &e), &e);
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 300; i++) {
            CHECK_OK(put_row(&b, i, &e), &e);
        }
        for (size_t i = 0; i < 300; i++) {
            check_row(&b, i, i);
        }
        batch_clear(&b);
        CHECK_INT(b.rows, 0);
        CHECK_INT(b.bytes, 0);
    }
    batch_release(&b);
}

static void stored_rows_stay_while_the_batch_goes_on(void)
{
    struct batch_store store;
    struct batch b;
    struct err e;
    uint64_t next = 0;

    batch_store_init(&store);
    CHECK_OK(batch_init(&b, defs, COLUMNS, &e), &e);
    CHECK_OK(batch_store_add_none(&store, defs, COLUMNS, &e), &e);
    for (size_t k = 0; k < 150; k++) {
        batch_clear(&b);
        for (size_t i = 0; i < k % 40; i++) {
            CHECK_OK(put_row(&b, next++, &e), &e);
        }
        CHECK_OK(batch_store_add(&store, &b, &e), &e);
    }
    batch_release(&b);
    CHECK_INT(store.n, 151);
    next = 0;
    for (size_t k = 0; k < store.n; k++) {
        CHECK_INT(store.list[k]->rows, k > 0 ? (k - 1) % 40 : 0);
        for (size_t i = 0; i < store.list[k]->rows; i++) {
            check_row(store.list[k], i, next++);
        }
    }
    batch_store_release(&store);
}

static void a_dropped_row_leaves_nothing(void)
{
    struct batch b;
    struct batch twin;
    struct err e;

    CHECK_OK(batch_init(&b, defs, COLUMNS, &e), &e);
    CHECK_OK(batch_init(&twin, defs, COLUMNS, &e), &e);
    for (uint64_t i = 0; i < 100; i++) {
        for (size_t c = 0; c < i % (COLUMNS + 1); c++) {
            CHECK_OK(put(&b, c, i * 77, &e), &e);
        }
        batch_drop_row(&b);
        CHECK_OK(put_row(&b, i, &e), &e);
        CHECK_OK(put_row(&twin, i, &e), &e);
    }
    CHECK_INT(b.bytes, twin.bytes);
    for (size_t i = 0; i < 100; i++) {
        check_row(&b, i, i);
    }
    batch_release(&b);
    batch_release(&twin);
}

static void filter_keeps_order(void)
{
    struct rand r;

    rand_seed(&r, 5);
    for (unsigned share = 0; share <= 10; share++) {
        struct batch b;
        struct err e;
        uint8_t keep[200];
        uint64_t seeds[200];
        size_t n = 0;

        CHECK_OK(batch_init(&b, defs, COLUMNS, &e), &e);
        for (uint64_t i = 0; i < 200; i++) {
            CHECK_OK(put_row(&b, i, &e), &e);
            keep[i] = rand_below(&r, 10) < share;
            if (keep[i]) {
                seeds[n++] = i;
            }
        }
        batch_filter(&b, keep);
        CHECK_INT(b.rows, n);
        for (size_t i = 0; i < n; i++) {
            check_row(&b, i, seeds[i]);
        }
        CHECK_OK(put_row(&b, 1234, &e), &e);
        check_row(&b, n, 1234);
        batch_release(&b);
    }
}

static void append_copies_rows(void)
{
    struct batch b;
    struct batch src;
    struct err e;
    struct rand r;
    size_t at = 0;

    CHECK_OK(batch_init(&b, defs, COLUMNS, &e), &e);
    CHECK_OK(batch_init(&src, defs, COLUMNS, &e), &e);
    for (uint64_t i = 0; i < 100; i++) {
        CHECK_OK(put_row(&src, i, &e), &e);
    }
    rand_seed(&r, 6);
    for (int round = 0; round < 20; round++) {
        size_t from = rand_below(&r, 101);
        size_t to = from + rand_below(&r, 101 - from);

        CHECK_OK(batch_append(&b, &src, from, to, &e), &e);
        CHECK_INT(b.rows, at + to - from);
        for (size_t i = from; i < to; i++) {
            check_row(&b, at + i - from, i);
        }
        at = b.rows;
    }
    batch_release(&b);
    batch_release(&src);
}

static void limits_are_kept(void)
{
    static const struct col_def one[] = {
        {"s", COL_TEXT, NULL, {NULL, NULL}, false}};
    struct batch b;
    struct err e;

    CHECK_OK(batch_init(&b, one, 1, &e), &e);
    CHECK(batch_reserve(&b, (size_t)BATCH_ROWS_MAX + 1, &e) == -1);
    CHECK_INT(e.code, ERR_LIMIT);
    CHECK(batch_reserve_text(&b, 0, (size_t)BATCH_BYTES_MAX + 1, &e) == -1);
    CHECK_INT(e.code, ERR_LIMIT);
    batch_release(&b);
}

static void no_allocation_is_taken_for_granted(void)
{
    int rc = -1;

    for (unsigned n = 1; rc != 0 && n < 200; n++) {
        struct batch b = {0};
        struct err e = {0};

        mem_fail_after(n);
        rc = batch_init(&b, defs, COLUMNS, &e);
        for (uint64_t i = 0; rc == 0 && i < 70; i++) {
            rc = put_row(&b, i, &e);
            if (rc < 0) {
                CHECK_INT(b.rows, i);
            }
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        batch_release(&b);
    }
    CHECK_INT(rc, 0);
}

static const struct test tests[] = {
    {"stored rows stay while the batch goes on",
     stored_rows_stay_while_the_batch_goes_on},
    {"rows come back", rows_come_back},
    {"a dropped row leaves nothing", a_dropped_row_leaves_nothing},
    {"filter keeps order", filter_keeps_order},
    {"append copies rows", append_copies_rows},
    {"limits are kept", limits_are_kept},
    {"no allocation is taken for granted", no_allocation_is_taken_for_granted},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
