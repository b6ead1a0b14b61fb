/* Rows that were printed as JSON Lines read back as the same rows. */
#include <stdlib.h>

#include "core/clock.h"
#include "core/rand.h"
#include "record/batch_json.h"
#include "test.h"
#include "json/json.h"

enum {
    OUT_MAX = 1 << 24,
    ROWS = 3000,
    ITEMS_MAX = 5
};

static const struct col_def defs[] = {
    {.name = "i", .type = COL_INT32},
    {.name = "l", .type = COL_INT64},
    {.name = "d", .type = COL_DOUBLE},
    {.name = "s", .type = COL_TEXT},
    {.name = "t", .type = COL_TIMESTAMP},
    {.name = "p", .type = COL_POINT},
    {.name = "ds", .type = COL_DOUBLE_LIST},
    {.name = "ss", .type = COL_TEXT_LIST},
    {.name = "b", .type = COL_BOOL},
};

/* Whole numbers, small ones, and any bits that are a finite number. */
static double draw_double(struct rand *r)
{
    uint64_t bits = rand_u64(r);
    double v;

    switch (rand_below(r, 4)) {
    case 0:
        return (double)(int64_t)rand_below(r, 1000000) - 500000;
    case 1:
        return ((double)rand_below(r, 36000000) - 18000000) / 100000;
    case 2:
        return -0.0;
    default:
        memcpy(&v, &bits, sizeof(v));
        return v - v == 0.0 ? v : 1e300;
    }
}

static struct slice draw_text(struct rand *r, char room[40])
{
    static const char *const parts[] = {
        "a", "\"",  "\\", "\n", "\x01", "\xc3\xa9", "\xf0\x9f\x98\x8d",
        " ", "null"};
    size_t len = 0;

    for (uint64_t n = rand_below(r, 9); n > 0; n--) {
        const char *part = parts[rand_below(r, ARRAY_LEN(parts))];

        memcpy(room + len, part, strlen(part));
        len += strlen(part);
    }
    return (struct slice){room, len};
}

static int put_drawn(struct batch *b, size_t col, struct rand *r, struct err *e)
{
    char room[ITEMS_MAX][40];
    struct slice texts[ITEMS_MAX];
    double doubles[ITEMS_MAX];
    size_t n = rand_below(r, ITEMS_MAX + 1);

    for (size_t k = 0; k < ITEMS_MAX; k++) {
        texts[k] = draw_text(r, room[k]);
        doubles[k] = draw_double(r);
    }
    if (rand_below(r, 5) == 0) {
        return batch_put_null(b, col, e);
    }
    switch (defs[col].type) {
    case COL_INT32:
        return batch_put_i32(b, col, (int32_t)(rand_u64(r) >> 32), e);
    case COL_INT64:
        return batch_put_i64(b, col, (int64_t)rand_u64(r), e);
    case COL_TIMESTAMP: /* years 1 to 9999 */
        return batch_put_i64(
            b, col,
            (int64_t)rand_below(r, 315537897599000000u) - 62135596800000000, e);
    case COL_DOUBLE:
        return batch_put_double(b, col, doubles[0], e);
    case COL_TEXT:
        return batch_put_text(b, col, texts[0], e);
    case COL_POINT:
        return batch_put_doubles(b, col, doubles, 2, e);
    case COL_DOUBLE_LIST:
        return batch_put_doubles(b, col, doubles, n, e);
    case COL_TEXT_LIST:
        return batch_put_texts(b, col, texts, n, e);
    case COL_BOOL:
        return batch_put_bool(b, col, n % 2 == 0, e);
    }
    return -1;
}

/* "YYYY-MM-DDTHH:MM:SS[.ffffff]Z", just as it is printed. */
static int64_t read_time(struct slice s)
{
    struct clock_civil c = {0};
    char text[40] = {0};
    int64_t us = -1;

    memcpy(text, s.ptr, s.len < 39 ? s.len : 39);
    CHECK(s.ptr[s.len - 1] == 'Z');
    c.year = (int)strtol(text, NULL, 10);
    c.month = (int)strtol(text + 5, NULL, 10);
    c.day = (int)strtol(text + 8, NULL, 10);
    c.hour = (int)strtol(text + 11, NULL, 10);
    c.minute = (int)strtol(text + 14, NULL, 10);
    c.second = (int)strtol(text + 17, NULL, 10);
    c.us = text[19] == '.' ? (int)strtol(text + 20, NULL, 10) : 0;
    CHECK(clock_from_civil(&c, &us));
    return us;
}

static int put_list(struct batch *b, size_t col, yyjson_val *a, struct err *e)
{
    struct slice texts[ITEMS_MAX];
    double doubles[ITEMS_MAX];
    size_t n = yyjson_arr_size(a);

    CHECK(n <= ITEMS_MAX);
    for (size_t k = 0; k < n; k++) {
        yyjson_val *v = yyjson_arr_get(a, k);

        texts[k] = (struct slice){yyjson_get_str(v), yyjson_get_len(v)};
        doubles[k] = yyjson_get_num(v);
    }
    return defs[col].type == COL_TEXT_LIST
               ? batch_put_texts(b, col, texts, n, e)
               : batch_put_doubles(b, col, doubles, n, e);
}

static int put_read(struct batch *b, size_t col, yyjson_val *v, struct err *e)
{
    if (yyjson_is_null(v)) {
        return batch_put_null(b, col, e);
    }
    switch (defs[col].type) {
    case COL_INT32:
        return batch_put_i32(b, col, (int32_t)yyjson_get_sint(v), e);
    case COL_INT64:
        return batch_put_i64(b, col, yyjson_get_sint(v), e);
    case COL_TIMESTAMP:
        return batch_put_i64(
            b, col,
            read_time((struct slice){yyjson_get_str(v), yyjson_get_len(v)}), e);
    case COL_DOUBLE:
        return batch_put_double(b, col, yyjson_get_num(v), e);
    case COL_TEXT:
        return batch_put_text(
            b, col, (struct slice){yyjson_get_str(v), yyjson_get_len(v)}, e);
    case COL_POINT:
    case COL_DOUBLE_LIST:
    case COL_TEXT_LIST:
        return put_list(b, col, v, e);
    case COL_BOOL:
        return batch_put_bool(b, col, yyjson_get_bool(v), e);
    }
    return -1;
}

static void read_row(struct batch *b, struct slice line)
{
    struct json_doc d = {0};
    struct err e;
    yyjson_val *k;
    yyjson_val *v;
    size_t i;
    size_t n;

    CHECK_OK(json_parse(&d, line, JSON_NUMBERS, NULL, &e), &e);
    CHECK_INT(yyjson_obj_size(d.root), ARRAY_LEN(defs));
    yyjson_obj_foreach(d.root, i, n, k, v)
    {
        CHECK(yyjson_equals_str(k, defs[i].name)); /* in column order */
        CHECK_OK(put_read(b, i, v, &e), &e);
    }
    batch_end_row(b);
    json_release(&d);
}

static void same_bytes(const void *x, const void *y, size_t n)
{
    CHECK(n == 0 || memcmp(x, y, n) == 0);
}

static void same_column(const struct column *x, const struct column *y,
                        enum col_type t)
{
    static const size_t widths[] = {
        [COL_INT32] = 4,     [COL_INT64] = 8, [COL_DOUBLE] = 8,
        [COL_TIMESTAMP] = 8, [COL_BOOL] = 1,
    };

    same_bytes(x->valid, y->valid, ROWS);
    CHECK_INT(x->bytes_len, y->bytes_len);
    CHECK_INT(x->items, y->items);
    same_bytes(x->bytes, y->bytes, x->bytes_len);
    if (t == COL_TEXT || t == COL_DOUBLE_LIST || t == COL_TEXT_LIST) {
        same_bytes(x->end, y->end, ROWS * sizeof(*x->end));
        same_bytes(x->item_end, y->item_end,
                   t == COL_TEXT_LIST ? x->items * sizeof(*x->item_end) : 0);
        same_bytes(x->doubles, y->doubles,
                   t == COL_DOUBLE_LIST ? x->items * sizeof(double) : 0);
    } else if (t == COL_POINT) {
        same_bytes(x->doubles, y->doubles, ROWS * 2 * sizeof(double));
    } else {
        same_bytes(x->fixed.any, y->fixed.any, ROWS * widths[t]);
    }
}

static void what_is_printed_reads_back(void)
{
    struct batch first;
    struct batch again;
    struct rand r;
    struct buf line;
    struct err e;

    rand_seed(&r, 9);
    buf_init(&line, OUT_MAX);
    CHECK_OK(batch_init(&first, defs, ARRAY_LEN(defs), &e), &e);
    CHECK_OK(batch_init(&again, defs, ARRAY_LEN(defs), &e), &e);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t c = 0; c < ARRAY_LEN(defs); c++) {
            CHECK_OK(put_drawn(&first, c, &r, &e), &e);
        }
        batch_end_row(&first);
        buf_clear(&line);
        CHECK_OK(batch_json_row(&first, i, &line, &e), &e);
        read_row(&again, buf_slice(&line));
    }
    for (size_t c = 0; c < ARRAY_LEN(defs); c++) {
        same_column(&first.cols[c], &again.cols[c], defs[c].type);
    }
    batch_release(&first);
    batch_release(&again);
    buf_release(&line);
}

static const struct test tests[] = {
    {"what is printed reads back", what_is_printed_reads_back},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
