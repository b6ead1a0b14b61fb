/*
 * bench_decode FILE.jsonl [SECONDS] - lines of a file through the decoder
 * again and again; prints records and bytes a second of one core, and what
 * parsing alone (yyjson, the same memory) and cutting a file into messages
 * make of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/fs.h"
#include "core/num.h"
#include "record/decode.h"
#include "record/split.h"

enum {
    LINES_MAX = 1 << 20,
    FILE_MAX = 1 << 30
};

struct work {
    struct slice *lines;
    size_t n;
    size_t bytes;
    const char *path;
    struct decoder *decoder;
    struct json_pool pool;
};

static int decode_all(struct work *w, struct err *e)
{
    static const char *const keys[] = {"index", "ind", "idx"};
    struct decode_result r;

    if (w->decoder == NULL && decoder_new(&w->decoder, keys, 3, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < w->n; i++) {
        if (decoder_decode(w->decoder, w->lines[i], true, &r, e) < 0) {
            return -1;
        }
        if (r.n != 1 || r.records[0].object == NULL) {
            return err_set(e, ERR_MALFORMED, "line %zu is no record", i + 1);
        }
    }
    return 0;
}

static int parse_all(struct work *w, struct err *e)
{
    struct json_doc d;

    if (w->pool.max == 0) {
        json_pool_init(&w->pool, FILE_MAX);
    }
    for (size_t i = 0; i < w->n; i++) {
        json_pool_reset(&w->pool);
        if (json_parse(&d, w->lines[i], JSON_NUMBERS, &w->pool.alc, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int split_all(struct work *w, struct err *e)
{
    struct split_conf conf = {.unparsed = true};
    struct split_message m;
    struct split *s = NULL;
    int rc;

    if (split_open(&s, w->path, &conf, e) < 0) {
        return -1;
    }
    while ((rc = split_next(s, &m, e)) == 1) {
    }
    split_free(s);
    return rc;
}

/* Of this process, so that others on the machine do not count. */
static int64_t cpu_us(void)
{
    struct timespec t = {0, 0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int measure(const char *name, int (*run)(struct work *, struct err *),
                   struct work *w, double seconds, struct err *e)
{
    int64_t start = cpu_us();
    int64_t spent = 0;
    double rounds = 0;

    while ((double)spent < seconds * 1e6) {
        if (run(w, e) < 0) {
            return -1;
        }
        rounds++;
        spent = cpu_us() - start;
    }
    printf("%-8s %8.0f records/s  %.2f GB/s\n", name,
           rounds * (double)w->n / (double)spent * 1e6,
           rounds * (double)w->bytes / (double)spent * 1e-3);
    return 0;
}

static int load(const char *path, struct buf *b, struct work *w, struct err *e)
{
    struct slice rest;
    struct slice line;

    if (fs_read(path, b, e) < 0) {
        return -1;
    }
    w->lines = calloc(LINES_MAX, sizeof(*w->lines));
    if (w->lines == NULL) {
        return err_nomem(e, LINES_MAX);
    }
    rest = buf_slice(b);
    while (rest.len > 0 && w->n < LINES_MAX) {
        (void)slice_cut(&rest, '\n', &line);
        if (line.len > 0) {
            w->lines[w->n++] = line;
            w->bytes += line.len;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct work w = {0};
    double seconds = 2;
    struct buf b;
    struct err e = {0};
    int rc = -1;

    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_decode FILE.jsonl [SECONDS]\n");
        return 2;
    }
    w.path = argv[1];
    buf_init(&b, FILE_MAX);
    if (argc > 2) {
        (void)num_double(slice_of(argv[2]), &seconds);
    }
    if (load(argv[1], &b, &w, &e) == 0 &&
        measure("parse", parse_all, &w, seconds, &e) == 0 &&
        measure("decode", decode_all, &w, seconds, &e) == 0 &&
        measure("split", split_all, &w, seconds, &e) == 0) {
        rc = 0;
    } else {
        (void)fprintf(stderr, "bench_decode: %s\n", e.msg);
    }
    decoder_free(w.decoder);
    json_pool_release(&w.pool);
    free(w.lines);
    buf_release(&b);
    return rc == 0 ? 0 : 1;
}
