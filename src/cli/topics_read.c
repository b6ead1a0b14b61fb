#include <inttypes.h>
#include <string.h>

#include "cli/topics.h"
#include "core/digest.h"
#include "core/mem.h"
#include "core/stop.h"
#include "core/text.h"
#include "json/json.h"

enum {
    FETCH_BYTES = 1 << 20,
    LINE_BYTES = 512 << 20,
    WAIT_US = 100000
};

/* A partition that is read, and from where on. */
struct stream {
    int32_t partition;
    int64_t next;
    int64_t end; /* without --follow: where to stop */
};

struct reader {
    struct cli *c;
    struct broker *broker;
    const char *topic;
    struct stream *streams;
    size_t n;
    bool json, follow;
    int64_t left; /* messages that may still be printed */
    struct buf line;
};

/* Bytes as a JSON text, or {"base64": ...} when they are no UTF-8. */
static int put_bytes(struct buf *b, bool there, struct slice s, struct err *e)
{
    if (!there) {
        return buf_puts(b, "null", e);
    }
    if (text_utf8_valid(s, NULL)) {
        return json_print_text(b, s, e);
    }
    return buf_puts(b, "{\"base64\":\"", e) < 0 || digest_base64(s, b, e) < 0 ||
                   buf_puts(b, "\"}", e) < 0
               ? -1
               : 0;
}

static uint32_t take_u32(struct slice *s)
{
    uint32_t v = 0;

    if (s->len < 4) {
        *s = SLICE("");
        return 0;
    }
    for (unsigned i = 0; i < 4; i++) {
        v |= (uint32_t)(unsigned char)s->ptr[i] << 8 * i;
    }
    *s = slice_from(*s, 4);
    return v;
}

static struct slice take(struct slice *s, uint32_t len)
{
    struct slice part = {s->ptr, len < s->len ? len : s->len};

    *s = slice_from(*s, part.len);
    return part;
}

static int put_headers(struct buf *b, struct slice headers, struct err *e)
{
    if (headers.len == 0) {
        return 0;
    }
    if (buf_puts(b, ",\"headers\":[", e) < 0) {
        return -1;
    }
    for (bool first = true; headers.len > 0; first = false) {
        struct slice name = take(&headers, take_u32(&headers));
        uint32_t len = take_u32(&headers);
        bool there = len != UINT32_MAX;
        struct slice value = take(&headers, there ? len : 0);

        if (buf_puts(b, first ? "{\"name\":" : ",{\"name\":", e) < 0 ||
            put_bytes(b, true, name, e) < 0 ||
            buf_puts(b, ",\"value\":", e) < 0 ||
            put_bytes(b, there, value, e) < 0 || buf_putc(b, '}', e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, ']', e);
}

static int put_json(struct reader *r, int32_t partition,
                    const struct message *m, struct err *e)
{
    struct buf *b = &r->line;

    if (buf_putf(b, e,
                 "{\"topic\":\"%s\",\"partition\":%" PRId32
                 ",\"offset\":%" PRId64 ",\"time_us\":%" PRId64 ",\"key\":",
                 r->topic, partition, m->offset, m->time_us) < 0 ||
        put_bytes(b, m->has_key, m->key, e) < 0 ||
        buf_puts(b, ",\"value\":", e) < 0 ||
        put_bytes(b, m->has_value, m->value, e) < 0 ||
        put_headers(b, m->headers, e) < 0) {
        return -1;
    }
    return buf_puts(b, "}\n", e);
}

static int print(struct reader *r, int32_t partition, const struct message *m,
                 struct err *e)
{
    buf_clear(&r->line);
    if (r->json) {
        if (put_json(r, partition, m, e) < 0) {
            return -1;
        }
    } else if (buf_append(&r->line, m->value, e) < 0 ||
               buf_putc(&r->line, '\n', e) < 0) {
        return -1;
    }
    if (fwrite(r->line.ptr, 1, r->line.len, r->c->out) != r->line.len) {
        return err_set(e, ERR_IO, "could not write to standard output");
    }
    return 0;
}

/* What a stream has now; *any: it had something. */
static int read_stream(struct reader *r, struct stream *s, bool *any,
                       struct err *e)
{
    struct broker_fetch f = {0};
    int rc = 0;

    while (rc == 0 && r->left > 0 && !stop_asked() &&
           (r->follow || s->next < s->end)) {
        rc = broker_fetch(r->broker, r->topic, s->partition, s->next,
                          FETCH_BYTES, &f, e);
        if (rc < 0 || f.n == 0) {
            break;
        }
        for (size_t i = 0; rc == 0 && i < f.n && r->left > 0 &&
                           (r->follow || f.messages[i].offset < s->end);
             i++) {
            rc = print(r, s->partition, &f.messages[i], e);
            s->next = f.messages[i].offset + 1;
            r->left--;
            *any = true;
        }
    }
    broker_fetch_release(r->broker, &f);
    return rc;
}

static int read_all(struct reader *r, struct err *e)
{
    int rc = 0;

    do {
        bool any = false;

        for (size_t i = 0; rc == 0 && i < r->n; i++) {
            rc = read_stream(r, &r->streams[i], &any, e);
        }
        if (rc == 0 && r->follow && !any) {
            (void)fflush(r->c->out);
            if (r->n == 1) {
                (void)broker_wait(r->broker, r->topic, r->streams[0].partition,
                                  r->streams[0].next, WAIT_US);
            } else {
                (void)stop_wait(WAIT_US / 2);
            }
        }
    } while (rc == 0 && r->follow && r->left > 0 && !stop_asked());
    return rc;
}

/* Where to begin, as the options say it. */
static const char *begin_of(const struct args *a)
{
    if (args_has(a, "from-beginning")) {
        return "earliest";
    }
    if (args_has(a, "since")) {
        return args_text(a, "since", NULL);
    }
    if (args_has(a, "offset")) {
        return args_text(a, "offset", NULL);
    }
    return args_has(a, "follow") ? "latest" : "earliest";
}

static int begin(struct reader *r, const struct args *a, struct err *e)
{
    struct broker_topic t;
    int64_t only = args_int(a, "partition", -1);

    if (broker_topic_get(r->broker, r->topic, &t, e) < 0) {
        return -1;
    }
    r->n = only >= 0 ? 1 : (size_t)t.partitions;
    r->streams = mem_zero(r->n, sizeof(*r->streams));
    if (r->streams == NULL) {
        return err_nomem(e, r->n * sizeof(*r->streams));
    }
    for (size_t i = 0; i < r->n; i++) {
        struct stream *s = &r->streams[i];
        int64_t first;

        s->partition = only >= 0 ? (int32_t)only : (int32_t)i;
        if (topics_place(r->broker, r->topic, s->partition, begin_of(a),
                         &s->next, e) < 0 ||
            broker_offsets(r->broker, r->topic, s->partition, &first, &s->end,
                           e) < 0) {
            return -1;
        }
    }
    return 0;
}

int topics_read(struct cli *c, const struct args *a, struct err *e)
{
    struct workspace w;
    struct reader r = {.c = c,
                       .topic = a->words[0],
                       .json = args_int(a, "format", 0) == 1,
                       .follow = args_has(a, "follow"),
                       .left = args_int(a, "max", INT64_MAX)};
    int rc;

    if (args_has(a, "from-beginning") + args_has(a, "since") +
            args_has(a, "offset") >
        1) {
        return err_set(e, ERR_INVALID,
                       "give only one of --from-beginning, --offset, --since");
    }
    if (topics_open(&w, c, a, false, e) < 0) {
        return -1;
    }
    r.broker = w.broker;
    buf_init(&r.line, LINE_BYTES);
    stop_install();
    rc = begin(&r, a, e);
    if (rc == 0) {
        rc = read_all(&r, e);
    }
    buf_release(&r.line);
    mem_free(r.streams);
    workspace_close(&w);
    return rc;
}
