/*
 * delta_writer DIR PIPELINE TOPIC COMMITS ROWS [PAUSE_US] - a Delta sink alone.
 *
 * Goes on where the table stands: COMMITS times ROWS rows, each row's ind its
 * offset, one commit each; prints "committed TO" a line.  PARTITION_BY in the
 * environment names a partition column.  Exit code 3 when fenced.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/num.h"
#include "sink/sink.h"

static const struct col_def defs[] = {
    {.name = "ind", .type = COL_INT32, .comment = "row number"},
    {.name = "title", .type = COL_TEXT},
    {.name = "coordinates", .type = COL_DOUBLE_LIST},
    {.name = "timestamp", .type = COL_TIMESTAMP},
    {.name = "tags", .type = COL_TEXT_LIST},
    {.name = "place", .type = COL_POINT, .fields = {"latitude", "longitude"}},
};

static int fill(struct batch *b, int64_t from, int64_t to, struct err *e)
{
    batch_clear(b);
    for (int64_t i = from; i < to; i++) {
        double at[] = {(double)i / 8, -0.5};
        char text[64];
        int n =
            snprintf(text, sizeof(text),
                     "row \"%" PRId64 "\" \xE2\x9D\xA4 \xF0\x9F\x98\x8D", i);
        struct slice s = {text, (size_t)n};
        struct slice tags[] = {s, SLICE("")};

        if (batch_put_i32(b, 0, (int32_t)i, e) < 0 ||
            (i % 3 == 0 ? batch_put_null(b, 1, e)
                        : batch_put_text(b, 1, s, e)) < 0 ||
            (i % 5 == 0 ? batch_put_null(b, 2, e)
                        : batch_put_doubles(b, 2, at, 2, e)) < 0 ||
            batch_put_i64(b, 3, INT64_C(1600000000123456) + i * 1000001, e) <
                0 ||
            batch_put_texts(b, 4, tags, (size_t)(i % 3), e) < 0 ||
            (i % 7 == 0 ? batch_put_null(b, 5, e)
                        : batch_put_doubles(b, 5, at, 2, e)) < 0) {
            return -1;
        }
        batch_end_row(b);
    }
    return 0;
}

static int work(struct sink *s, struct batch *b, char **argv, struct err *e)
{
    struct span span = {.topic = argv[3], .epoch = 1};
    int64_t commits = 0;
    int64_t rows = 0;

    (void)num_i64(slice_of(argv[4]), &commits);
    (void)num_i64(slice_of(argv[5]), &rows);
    for (int64_t k = 0; k < commits; k++) {
        if (sink_position(s, &span, &span.from, e) < 0) {
            return -1;
        }
        span.to = span.from + rows;
        if (fill(b, span.from, span.to, e) < 0 ||
            sink_write_rows(s, &span, b, e) < 0 ||
            sink_commit(s, false, e) < 0) {
            return -1;
        }
        (void)printf("committed %" PRId64 "\n", span.to);
        (void)fflush(stdout);
        if (argv[6] != NULL) {
            int64_t us = 0;

            (void)num_i64(slice_of(argv[6]), &us);
            clock_sleep_us(us);
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct sink_conf conf = {.kind = "delta",
                             .defs = defs,
                             .columns = ARRAY_LEN(defs),
                             .table = "pin",
                             .spec_hash = "0123"};
    const char *by[] = {getenv("PARTITION_BY")};
    struct sink *s = NULL;
    struct batch b;
    struct err e = {0};
    int rc;

    conf.parts = by;
    conf.nparts = by[0] != NULL ? 1 : 0;
    if (argc < 6) {
        (void)fputs("usage: delta_writer DIR PIPELINE TOPIC COMMITS ROWS\n",
                    stderr);
        return 2;
    }
    conf.dir = argv[1];
    conf.pipeline = argv[2];
    if (batch_init(&b, defs, ARRAY_LEN(defs), &e) < 0) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    rc = sink_open(&s, &conf, &e);
    if (rc == 0) {
        rc = work(s, &b, argv, &e);
        sink_close(s);
    }
    batch_release(&b);
    if (rc < 0) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return e.code == ERR_FENCED ? 3 : 1;
    }
    return 0;
}
