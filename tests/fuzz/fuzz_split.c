/* A file gives the same messages in pieces of any size, and what is called
 * JSON is. */
#include <string.h>

#include "fuzz.h"
#include "record/split.h"
#include "json/json.h"

enum {
    OUT_MAX = 1 << 28,
    MESSAGE_MAX = 1000
};

struct memory {
    struct slice all;
    size_t at;
};

static int read_memory(void *ctx, char *out, size_t cap, size_t *ret,
                       struct err *e)
{
    struct memory *m = ctx;
    size_t n = m->all.len - m->at < cap ? m->all.len - m->at : cap;

    (void)e;
    if (n > 0) {
        memcpy(out, m->all.ptr + m->at, n);
    }
    m->at += n;
    *ret = n;
    return 0;
}

static int messages(struct slice file, size_t chunk, struct buf *out,
                    bool *ret_packed)
{
    struct memory m = {file, 0};
    struct split_input in = {.read = read_memory, .ctx = &m};
    struct split_conf conf = {
        .name = "x", .chunk = chunk, .max_message = MESSAGE_MAX};
    struct split *s = NULL;
    struct split_message msg;
    struct json_doc d;
    struct err e;
    int rc;

    require(split_new(&s, &in, &conf, &e) == 0);
    while ((rc = split_next(s, &msg, &e)) == 1) {
        if (msg.json) {
            require(json_parse(&d, msg.bytes, 0, NULL, &e) == 0);
            json_release(&d);
        }
        require(buf_putf(out, &e, "%lld %lld %d ", (long long)msg.line,
                         (long long)msg.offset, msg.json) == 0);
        require(buf_append(out, msg.bytes, &e) == 0);
    }
    *ret_packed = split_packed(s);
    split_free(s);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice file = {(const char *)data, size};
    struct buf whole;
    bool packed = false;
    int rc;

    buf_init(&whole, OUT_MAX);
    rc = messages(file, 0, &whole, &packed);
    for (size_t chunk = 1; chunk < 64; chunk = chunk * 3 + 1) {
        struct buf pieces;
        int again;

        buf_init(&pieces, OUT_MAX);
        again = messages(file, chunk, &pieces, &packed);
        /* damage in a packed file may be seen before or behind a message */
        require(packed || again == rc);
        require(packed || slice_eq(buf_slice(&whole), buf_slice(&pieces)));
        buf_release(&pieces);
    }
    buf_release(&whole);
    return 0;
}
