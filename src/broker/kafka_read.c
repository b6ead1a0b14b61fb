#include "broker/kafka_read_int.h"

#include <inttypes.h>
#include <string.h>

#include "broker/kafka_api_int.h"
#include "broker/kafka_keys_int.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    CHUNK = 512,            /* messages taken at a time */
    STEP_MS = 100,          /* of waiting for the first */
    PATIENCE_US = 30000000, /* until a read that must give something fails */
    BRIEF_US = 500000,
    HEADERS_BYTES = 64 << 20, /* of one read */
    NULL_VALUE = -1,
};

void kafka_read_init(struct kafka_reader *r)
{
    *r = (struct kafka_reader){0};
    arena_init(&r->headers, HEADERS_BYTES);
}

/* The caller is done with what it was given. */
static void forget_given(struct kafka *k, struct kafka_reader *r)
{
    for (size_t i = 0; i < r->pos; i++) {
        k->rd->message_destroy(r->held[i]);
    }
    if (r->n > r->pos) {
        memmove(r->held, r->held + r->pos,
                (r->n - r->pos) * sizeof(r->held[0]));
    }
    r->n -= r->pos;
    r->pos = 0;
    arena_reset(&r->headers);
}

void kafka_read_reset(struct kafka *k, struct kafka_reader *r)
{
    r->pos = r->n;
    forget_given(k, r);
    r->at_end = false;
}

void kafka_read_release(struct kafka *k, struct kafka_reader *r)
{
    kafka_read_reset(k, r);
    mem_free(r->held);
    mem_free(r->messages);
    arena_release(&r->headers);
}

bool kafka_read_skip(struct kafka *k, struct kafka_reader *r, int64_t offset)
{
    forget_given(k, r);
    while (r->next < offset && r->pos < r->n &&
           r->held[r->pos]->err == RD_KAFKA_RESP_ERR_NO_ERROR &&
           r->held[r->pos]->offset < offset) {
        r->next = r->held[r->pos]->offset + 1;
        r->pos++;
    }
    if (r->next < offset && r->pos < r->n &&
        r->held[r->pos]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        r->next = offset; /* in a gap before what is held */
    }
    forget_given(k, r);
    return r->next == offset;
}

static int room(struct kafka_reader *r, struct err *e)
{
    void *list;

    if (r->n + CHUNK > r->cap) {
        list = mem_resize(r->held, r->n + CHUNK, sizeof(r->held[0]));
        if (list == NULL) {
            return err_nomem(e, (r->n + CHUNK) * sizeof(r->held[0]));
        }
        r->held = list;
        r->cap = r->n + CHUNK;
    }
    if (r->cap > r->messages_cap) {
        list = mem_resize(r->messages, r->cap, sizeof(r->messages[0]));
        if (list == NULL) {
            return err_nomem(e, r->cap * sizeof(r->messages[0]));
        }
        r->messages = list;
        r->messages_cap = r->cap;
    }
    return 0;
}

/* Take what is there, waiting at most wait_ms for the first. */
static int refill(struct kafka *k, struct kafka_reader *r, int wait_ms,
                  struct err *e)
{
    ssize_t n;

    if (room(r, e) < 0) {
        return -1;
    }
    if (wait_ms > 0) {
        rd_kafka_message_t *m = k->rd->consume_queue(r->queue, wait_ms);

        if (m == NULL) {
            return 0;
        }
        r->held[r->n++] = m;
    }
    n = k->rd->consume_batch_queue(r->queue, 0, r->held + r->n, r->cap - r->n);
    r->n += n > 0 ? (size_t)n : 0;
    return 0;
}

static char *put_u32(char *at, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        *at++ = (char)(v >> 8 * i & 0xff);
    }
    return at;
}

static char *put(char *at, const void *from, size_t n)
{
    if (n > 0) {
        memcpy(at, from, n);
    }
    return at + n;
}

static void tell_key(struct kafka_reader *r, const rd_kafka_message_t *m,
                     const void *value, size_t len)
{
    if (r->keys != NULL) {
        kafka_keys_seen(r->keys, m, r->key_time_us,
                        (struct slice){value, value ? len : 0});
    }
}

/* librdkafka's headers as ours (record/message.h), without pinline's own. */
static int take_headers(struct kafka *k, struct kafka_reader *r,
                        const rd_kafka_message_t *m, struct message *ret,
                        struct err *e)
{
    const char *name;
    const void *value;
    size_t len;
    size_t total = 0;
    rd_kafka_headers_t *h = NULL;
    char *mem;
    char *at;

    if (k->rd->message_headers(m, &h) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0; /* it has none */
    }
    for (size_t i = 0; k->rd->header_get_all(h, i, &name, &value, &len) ==
                       RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        total += 8 + strlen(name) + len;
    }
    mem = arena_alloc(&r->headers, total + 1, e);
    if (mem == NULL) {
        return -1;
    }
    at = mem;
    for (size_t i = 0; k->rd->header_get_all(h, i, &name, &value, &len) ==
                       RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        if (strcmp(name, KAFKA_KEY_HEADER) == 0) {
            tell_key(r, m, value, len);
        } else {
            at = put_u32(at, (uint32_t)strlen(name));
            at = put(at, name, strlen(name));
            at = put_u32(at, value ? (uint32_t)len : UINT32_MAX);
            at = put(at, value, value ? len : 0);
        }
    }
    ret->headers = (struct slice){mem, (size_t)(at - mem)};
    return 0;
}

static int take(struct kafka *k, struct kafka_reader *r,
                const rd_kafka_message_t *m, struct message *ret, struct err *e)
{
    rd_kafka_timestamp_type_t kind;
    int64_t ms = k->rd->message_timestamp(m, &kind);

    *ret = (struct message){.offset = m->offset,
                            .time_us = ms >= 0 ? ms * 1000 : 0,
                            .key = {m->key, m->key ? m->key_len : 0},
                            .value = {m->payload, m->payload ? m->len : 0},
                            .has_key = m->key != NULL,
                            .has_value = m->payload != NULL};
    if (r->keys != NULL) {
        r->key_time_us = ret->time_us;
    }
    return take_headers(k, r, m, ret, e);
}

/* An event instead of a message: the end, or what went wrong. */
static int take_event(struct kafka *k, struct kafka_reader *r,
                      const struct kafka_read *what, rd_kafka_message_t *m,
                      struct err *e)
{
    rd_kafka_resp_err_t err = m->err;
    int rc = 0;

    if (err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        r->at_end = true;
        r->next = m->offset > r->next ? m->offset : r->next;
    } else if (err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
               err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        r->outside = true;
        rc = err_set(e, ERR_INVALID, "offset %" PRId64 " is not held", r->next);
    } else if (!err_retriable(kafka_code(err))) {
        rc = kafka_fail(k, e, err, k->rd->message_errstr(m),
                        "read topic \"%s\" partition %" PRId32, what->topic,
                        what->partition);
    }
    return rc;
}

/* Give the caller what is held, up to max_bytes; events end it. */
static int give(struct kafka *k, struct kafka_reader *r,
                const struct kafka_read *what, size_t *bytes,
                struct broker_fetch *f, struct err *e)
{
    while (r->pos < r->n && (f->n == 0 || *bytes < what->max_bytes)) {
        rd_kafka_message_t *m = r->held[r->pos];

        if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            int rc = take_event(k, r, what, m, e);

            /* nobody is given an event: it leaves at once */
            k->rd->message_destroy(m);
            memmove(r->held + r->pos, r->held + r->pos + 1,
                    (r->n - r->pos - 1) * sizeof(r->held[0]));
            r->n--;
            if (rc < 0) {
                return -1;
            }
            continue;
        }
        r->at_end = false;
        if (m->offset < r->next) { /* before what was asked for */
            k->rd->message_destroy(m);
            memmove(r->held + r->pos, r->held + r->pos + 1,
                    (r->n - r->pos - 1) * sizeof(r->held[0]));
            r->n--;
            continue;
        }
        if (take(k, r, m, &r->messages[f->n], e) < 0) {
            return -1;
        }
        *bytes += m->len + m->key_len + 16;
        f->n++;
        r->pos++;
        r->next = m->offset + 1;
    }
    return 0;
}

/* Is the end still where the queue saw it?  Asked from the cluster. */
static int look_for_end(struct kafka *k, const struct kafka_reader *r,
                        const struct kafka_read *what, struct broker_fetch *f,
                        struct err *e)
{
    int64_t begin;

    if (kafka_ends(k, what->topic, what->partition, &begin, &f->end, e) < 0) {
        return -1;
    }
    return f->end <= r->next;
}

int kafka_read(struct kafka *k, struct kafka_reader *r, rd_kafka_t *rk,
               const struct kafka_read *what, struct broker_fetch *f,
               struct err *e)
{
    int64_t until = clock_mono_us() + (what->brief ? BRIEF_US : PATIENCE_US);
    int64_t low = 0;
    int64_t high = -1;
    size_t bytes = 0;
    int ended = 0;

    f->n = 0;
    r->outside = false;
    while (ended == 0) {
        int wait = f->n == 0 && r->pos == r->n ? STEP_MS : 0;

        if (r->at_end && wait > 0) {
            /* it may have moved since: what is on its way comes soon */
            ended = refill(k, r, 0, e) < 0 ? -1 : 0;
            if (ended == 0 && r->n == r->pos) {
                ended = look_for_end(k, r, what, f, e);
            }
        }
        if (ended == 0 && r->pos == r->n) {
            ended = refill(k, r, r->pos == r->n ? wait : 0, e);
        }
        if (ended == 0 && r->pos == r->n && f->n > 0) {
            break;
        }
        if (ended == 0) {
            ended = give(k, r, what, &bytes, f, e);
        }
        if (ended == 0 && f->n > 0 && bytes >= what->max_bytes) {
            break;
        }
        if (ended == 0 && f->n == 0 &&
            (clock_mono_us() > until || kafka_pointless(k))) {
            ended = what->brief
                        ? 1
                        : kafka_fail(k, e, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL,
                                     "read topic \"%s\" partition %" PRId32,
                                     what->topic, what->partition);
        }
    }
    if (ended < 0) {
        return -1;
    }
    if (f->n > 0) {
        (void)k->rd->get_watermark_offsets(rk, what->topic, what->partition,
                                           &low, &high);
        f->end = high > r->next ? high : r->next;
    }
    f->messages = r->messages;
    f->next = r->next;
    return 0;
}
