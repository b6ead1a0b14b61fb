/*
 * bench_postgres - the Postgres sink, and rows drawn from a database.
 *
 *   sink ROWS TABLE    cleaned pins, made up, through the sink into a table
 *                      that it makes, a commit every 50,000 rows
 *   draw URL N         N rows drawn at random from the url's table "geo"
 *
 * The sink's database is postgres://, so that PINLINE_DB_* say where it is.
 * Prints one JSON object.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/num.h"
#include "core/rand.h"
#include "sink/sink.h"
#include "source/source.h"
#include "json/json.h"

enum {
    BLOCK = 10000,
    PER_COMMIT = 5, /* blocks */
    OUT_MAX = 1 << 24,
};

static struct err e;

static const struct col_def defs[] = {
    {.name = "ind", .type = COL_INT32},
    {.name = "unique_id", .type = COL_TEXT},
    {.name = "title", .type = COL_TEXT},
    {.name = "description", .type = COL_TEXT},
    {.name = "follower_count", .type = COL_INT32},
    {.name = "poster_name", .type = COL_TEXT},
    {.name = "tag_list", .type = COL_TEXT},
    {.name = "is_image_or_video", .type = COL_TEXT},
    {.name = "image_src", .type = COL_TEXT},
    {.name = "save_location", .type = COL_TEXT},
    {.name = "category", .type = COL_TEXT},
};

static void die(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, e.msg);
    exit(1);
}

static void add_row(struct batch *b, yyjson_val *row, int32_t i)
{
    for (size_t k = 0; k < ARRAY_LEN(defs); k++) {
        struct slice text;
        int rc;

        if (defs[k].type == COL_INT32) {
            rc = batch_put_i32(b, k, i, &e);
        } else if (json_get_text(row, defs[k].name, &text)) {
            rc = batch_put_text(b, k, text, &e);
        } else {
            rc = batch_put_null(b, k, &e);
        }
        if (rc < 0) {
            die("row");
        }
    }
    batch_end_row(b);
}

static void make_block(struct batch *b)
{
    static const char *const tables[] = {"pin"};
    struct source_conf conf = {.url = "generator:",
                               .seed = 7,
                               .rows = BLOCK,
                               .tables = tables,
                               .ntables = 1};
    struct source *s = NULL;
    struct buf row;

    buf_init(&row, OUT_MAX);
    if (source_open(&s, &conf, &e) < 0 ||
        batch_init(b, defs, ARRAY_LEN(defs), &e) < 0) {
        die("source");
    }
    for (int32_t i = 0; i < BLOCK; i++) {
        struct json_doc doc;
        bool json = true;

        buf_clear(&row);
        if (source_row(s, 0, i, &row, &json, &e) < 0 ||
            json_parse(&doc, buf_slice(&row), 0, NULL, &e) < 0) {
            die("source");
        }
        add_row(b, doc.root, i);
        json_release(&doc);
    }
    source_close(s);
    buf_release(&row);
}

static void run_sink(int64_t rows, const char *table)
{
    struct sink_conf conf = {.kind = "postgres",
                             .url = "postgres://",
                             .into = table,
                             .defs = defs,
                             .columns = ARRAY_LEN(defs),
                             .pipeline = "bench",
                             .table = "pin",
                             .spec_hash = "bench"};
    struct sink *s = NULL;
    struct batch b;
    int64_t began;

    make_block(&b);
    if (sink_open(&s, &conf, &e) < 0) {
        die("sink");
    }
    began = clock_mono_us();
    for (int64_t i = 0; i < rows / BLOCK; i++) {
        struct span span = {.topic = "pin",
                            .epoch = 1,
                            .from = i * BLOCK,
                            .to = (i + 1) * BLOCK};

        if (sink_write_rows(s, &span, &b, &e) < 0 ||
            ((i + 1) % PER_COMMIT == 0 && sink_commit(s, true, &e) < 0)) {
            die("sink");
        }
    }
    if (sink_commit(s, true, &e) < 0) {
        die("sink");
    }
    printf("{\"rows\": %" PRId64 ", \"seconds\": %.6f}\n", rows / BLOCK * BLOCK,
           (double)(clock_mono_us() - began) / 1e6);
    sink_close(s);
    batch_release(&b);
}

static void run_draw(const char *url, int64_t n)
{
    static const char *const tables[] = {"geo"};
    struct source_conf conf = {.url = url, .tables = tables, .ntables = 1};
    struct source *s = NULL;
    struct rand r;
    struct buf row;
    int64_t rows = 0;
    int64_t opened = clock_mono_us();
    int64_t began;

    buf_init(&row, OUT_MAX);
    rand_seed(&r, 7);
    if (source_open(&s, &conf, &e) < 0 || source_rows(s, 0, &rows, &e) < 0) {
        die("source");
    }
    began = clock_mono_us();
    for (int64_t i = 0; i < n; i++) {
        bool json;

        buf_clear(&row);
        if (source_row(s, 0, (int64_t)rand_below(&r, (uint64_t)rows), &row,
                       &json, &e) < 0) {
            die("draw");
        }
    }
    printf("{\"table\": %" PRId64 ", \"open\": %.6f, \"each_us\": %.3f}\n",
           rows, (double)(began - opened) / 1e6,
           (double)(clock_mono_us() - began) / (double)n);
    source_close(s);
    buf_release(&row);
}

int main(int argc, char **argv)
{
    int64_t n;

    if (argc == 4 && strcmp(argv[1], "sink") == 0 &&
        num_i64(slice_of(argv[2]), &n)) {
        run_sink(n, argv[3]);
        return 0;
    }
    if (argc == 4 && strcmp(argv[1], "draw") == 0 &&
        num_i64(slice_of(argv[3]), &n)) {
        run_draw(argv[2], n);
        return 0;
    }
    (void)fprintf(stderr,
                  "usage: bench_postgres sink ROWS TABLE | draw URL N\n");
    return 2;
}
