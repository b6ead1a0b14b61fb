#include "record/split.h"

#include <string.h>

#include "core/compress.h"
#include "core/mem.h"
#include "record/split_int.h"
#include "json/json_scan.h"

enum {
    MAGIC_LEN = 4,         /* bytes that tell how a file is packed */
    HEADER_MAX = 64 << 10, /* bytes of a CSV header that are looked at */
    POOL_MAX = 1 << 30     /* for the tree of one message */
};

int split_new(struct split **ret, const struct split_input *in,
              const struct split_conf *conf, struct err *e)
{
    struct split *s = mem_zero(1, sizeof(*s));

    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->in = *in;
    s->conf = *conf;
    if (conf->max_message == 0) {
        s->conf.max_message = SPLIT_MESSAGE_MAX;
    }
    if (conf->chunk == 0) {
        s->conf.chunk = SPLIT_CHUNK;
    }
    s->line = 1;
    s->fd = -1;
    buf_init(&s->packed, s->conf.chunk + MAGIC_LEN);
    /* what is left of it, a chunk, a byte to see that it is too much */
    buf_init(&s->window, s->conf.max_message + s->conf.chunk + 1);
    buf_init(&s->header, HEADER_MAX);
    buf_init(&s->scratch, s->conf.max_message + 1);
    buf_init(&s->object, 8 * s->conf.max_message + HEADER_MAX);
    json_pool_init(&s->pool, POOL_MAX);
    *ret = s;
    return 0;
}

void split_free(struct split *s)
{
    if (s == NULL) {
        return;
    }
    split_close_file(s);
    compress_reader_free(s->unpack);
    buf_release(&s->packed);
    buf_release(&s->window);
    buf_release(&s->header);
    buf_release(&s->scratch);
    buf_release(&s->object);
    json_pool_release(&s->pool);
    mem_free(s->fields);
    mem_free(s->header_ends);
    mem_free(s);
}

bool split_packed(const struct split *s)
{
    return s->unpack != NULL;
}

/* Read into packed or straight into the window; *ret 0 at the end. */
static int read_raw(struct split *s, struct buf *b, size_t *ret, struct err *e)
{
    size_t room = b->max - b->len;

    if (room > s->conf.chunk) {
        room = s->conf.chunk;
    }
    if (buf_reserve(b, room, e) < 0 ||
        s->in.read(s->in.ctx, b->ptr + b->len, room, ret, e) < 0) {
        return -1;
    }
    b->len += *ret;
    return 0;
}

static int unpack_more(struct split *s, size_t *ret, struct err *e)
{
    size_t n = 0;

    if (buf_reserve(&s->window, s->conf.chunk, e) < 0) {
        return -1;
    }
    for (*ret = 0; *ret == 0;) {
        if (compress_reader_step(s->unpack, &s->packed_left,
                                 s->window.ptr + s->window.len, s->conf.chunk,
                                 ret, e) < 0) {
            return err_wrap(e, "file \"%s\"", s->conf.name);
        }
        if (*ret > 0 || s->packed_left.len > 0) {
            continue;
        }
        buf_clear(&s->packed);
        if (read_raw(s, &s->packed, &n, e) < 0) {
            return -1;
        }
        if (n == 0) {
            return compress_reader_end(s->unpack, e) < 0
                       ? err_wrap(e, "file \"%s\"", s->conf.name)
                       : 0;
        }
        s->packed_left = buf_slice(&s->packed);
    }
    s->window.len += *ret;
    return 0;
}

static int too_long(const struct split *s, struct err *e)
{
    return err_set(e, ERR_LIMIT,
                   "cannot read file \"%s\": the message at line %lld (byte "
                   "%lld) is longer than %zu bytes",
                   s->conf.name, (long long)s->line, (long long)s->offset,
                   s->conf.max_message);
}

/* Move what is left to the front and read on; sets s->end at the end. */
static int fill(struct split *s, struct err *e)
{
    size_t left = s->window.len - s->at;
    size_t n = 0;

    if (s->at > 0) {
        memmove(s->window.ptr, s->window.ptr + s->at, left);
        s->window.len = left;
        s->at = 0;
    }
    if (left > s->conf.max_message) {
        return too_long(s, e);
    }
    if ((s->unpack != NULL ? unpack_more(s, &n, e)
                           : read_raw(s, &s->window, &n, e)) < 0) {
        return -1;
    }
    s->end = n == 0;
    return 0;
}

static struct slice left(const struct split *s)
{
    return (struct slice){s->window.ptr + s->at, s->window.len - s->at};
}

static void consume(struct split *s, size_t n)
{
    const char *at = s->window.ptr + s->at;
    const char *end = at + n;

    s->at += n;
    s->offset += (int64_t)n;
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        s->line++;
        at++;
    }
}

/* The first n bytes that are left become the message; all of it is passed. */
static void give(struct split *s, struct split_message *ret, size_t n,
                 size_t all, bool json)
{
    *ret = (struct split_message){
        .bytes = {s->window.ptr + s->at, n},
        .json = json,
        .line = s->line,
        .offset = s->offset,
    };
    consume(s, all);
}

static int is_json(struct split *s, struct slice text, bool *ret, struct err *e)
{
    struct json_doc d;
    struct err mine;

    if (s->conf.unparsed) {
        *ret = true;
        return 0;
    }
    json_pool_reset(&s->pool);
    *ret = json_parse(&d, text, 0, &s->pool.alc, &mine) == 0;
    if (!*ret && mine.code == ERR_NOMEM) {
        if (e != NULL) {
            *e = mine;
        }
        return -1;
    }
    return 0;
}

/* The rest of the line as a message: JSON when it is a number or a word. */
static int line_message(struct split *s, bool maybe_json,
                        struct split_message *ret, struct err *e)
{
    const char *lf = NULL;
    struct slice text;
    size_t seen = 0;
    size_t all;
    bool json = false;

    for (;;) {
        text = left(s);
        lf = memchr(text.ptr + seen, '\n', text.len - seen);
        if (lf != NULL || s->end) {
            break;
        }
        seen = text.len;
        if (fill(s, e) < 0) {
            return -1;
        }
    }
    all = lf != NULL ? (size_t)(lf + 1 - text.ptr) : text.len;
    text.len = lf != NULL ? all - 1 : all;
    if (text.len > s->conf.max_message) {
        return too_long(s, e);
    }
    if (text.len > 0 && text.ptr[text.len - 1] == '\r') {
        text.len--;
    }
    if (maybe_json && is_json(s, text, &json, e) < 0) {
        return -1;
    }
    give(s, ret, text.len, all, json);
    return 1;
}

/* A text or a container that begins here. */
static int value_message(struct split *s, struct split_message *ret,
                         struct err *e)
{
    struct json_scan scan;
    bool json = false;

    json_scan_init(&scan);
    for (;;) {
        enum json_scan_state state = json_scan_step(&scan, left(s));

        if (scan.at > s->conf.max_message) {
            return too_long(s, e); /* as with the smallest of chunks */
        }
        if (state == JSON_SCAN_DONE) {
            break;
        }
        if (state == JSON_SCAN_BAD || s->end) {
            return line_message(s, false, ret, e);
        }
        if (fill(s, e) < 0) {
            return -1;
        }
    }
    if (is_json(s, (struct slice){left(s).ptr, scan.at}, &json, e) < 0) {
        return -1;
    }
    give(s, ret, scan.at, scan.at, json);
    s->comma = true;
    return 1;
}

static int next_value(struct split *s, struct split_message *ret, struct err *e)
{
    for (;;) {
        struct slice text = left(s);
        size_t n = 0;

        while (n < text.len && (memchr(" \t\r\n\x1e", text.ptr[n], 5) != NULL ||
                                (s->comma && text.ptr[n] == ','))) {
            s->comma = s->comma && text.ptr[n] != ',';
            n++;
        }
        consume(s, n);
        if (n < text.len) {
            break;
        }
        if (s->end) {
            return 0;
        }
        if (fill(s, e) < 0) {
            return -1;
        }
    }
    s->comma = false;
    switch (*left(s).ptr) {
    case '{':
    case '[':
    case '"':
        return value_message(s, ret, e);
    default:
        return line_message(s, true, ret, e);
    }
}

static int next_record(struct split *s, struct split_message *ret,
                       struct err *e)
{
    size_t n = 0;
    size_t all = 0;
    int rc;

    for (;;) {
        struct slice text = left(s);

        if (csv_record(text, s->end, &n, &all)) {
            if (n > s->conf.max_message) {
                return line_message(s, false, ret, e);
            }
            if (n > 0) {
                break;
            }
            if (all == 0) {
                return 0;
            }
            consume(s, all); /* an empty line */
            continue;
        }
        /* a quote that never closes: this line only */
        if (s->end || text.len > s->conf.max_message) {
            return line_message(s, false, ret, e);
        }
        if (fill(s, e) < 0) {
            return -1;
        }
    }
    rc = split_csv_object(s, (struct slice){left(s).ptr, n}, e);
    if (rc < 0) {
        return -1;
    }
    give(s, ret, n, all, rc == 1);
    if (rc == 1) {
        ret->bytes = buf_slice(&s->object);
    }
    return 1;
}

/* The first bytes say what the file is. */
static int start(struct split *s, struct err *e)
{
    struct slice text;
    size_t n = 0;
    size_t all = 0;

    while (!s->end && s->window.len < MAGIC_LEN) {
        if (fill(s, e) < 0) {
            return -1;
        }
    }
    if (compress_sniff(buf_slice(&s->window)) != COMPRESS_NONE) {
        if (compress_reader_new(&s->unpack,
                                compress_sniff(buf_slice(&s->window)), e) < 0 ||
            split_repack(s, e) < 0) {
            return -1;
        }
        s->end = false;
        while (!s->end && s->window.len < MAGIC_LEN) {
            if (fill(s, e) < 0) {
                return -1;
            }
        }
    }
    if (slice_starts(left(s), SLICE("\xEF\xBB\xBF"))) {
        consume(s, 3);
    }
    for (;;) {
        text = left(s);
        if (csv_record(text, s->end, &n, &all)) {
            break;
        }
        if (s->end || text.len >= HEADER_MAX ||
            text.len > s->conf.max_message) {
            return 0;
        }
        if (fill(s, e) < 0) {
            return -1;
        }
    }
    if (n == 0 || n > HEADER_MAX) {
        return 0;
    }
    if (split_csv_header(s, (struct slice){text.ptr, n}, e) < 0) {
        return -1;
    }
    if (s->csv) {
        consume(s, all);
    }
    return 0;
}

int split_next(struct split *s, struct split_message *ret, struct err *e)
{
    if (!s->started) {
        if (start(s, e) < 0) {
            return -1;
        }
        s->started = true;
    }
    return s->csv ? next_record(s, ret, e) : next_value(s, ret, e);
}

int split_seek(struct split *s, int64_t offset, int64_t line, struct err *e)
{
    assert(s->started);
    if (s->in.seek == NULL || s->unpack != NULL) {
        return err_set(e, ERR_INVALID, "cannot go back in file \"%s\"",
                       s->conf.name);
    }
    if (s->in.seek(s->in.ctx, offset, e) < 0) {
        return -1;
    }
    buf_clear(&s->window);
    s->at = 0;
    s->offset = offset;
    s->line = line;
    s->end = false;
    s->comma = false;
    return 0;
}
