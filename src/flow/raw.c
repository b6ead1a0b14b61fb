#include "flow/raw.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/compress.h"
#include "core/fs.h"
#include "core/mem.h"
#include "json/json.h"

enum {
    FETCH_BYTES = 8000000,
    ASIDE_BYTES_MAX = 1 << 28, /* dead letters of one object */
};
#define OBJECT_BYTES_MAX ((size_t)2 << 30)

struct raw {
    struct raw_conf conf;
    struct span span;
    int64_t next;
    struct store *store; /* objects */
    struct broker_fetch fetch;
    struct buf packed;
    struct buf plain;
    struct arena aside; /* payloads of dead letters */
    struct message *messages;
    size_t n, cap;
};

int raw_open(struct raw **ret, const struct raw_conf *conf,
             const struct span *span, struct err *e)
{
    struct raw *r = mem_zero(1, sizeof(*r));

    if (r == NULL) {
        return err_nomem(e, sizeof(*r));
    }
    r->conf = *conf;
    r->span = *span;
    r->next = span->from;
    buf_init(&r->packed, OBJECT_BYTES_MAX);
    buf_init(&r->plain, OBJECT_BYTES_MAX);
    arena_init(&r->aside, ASIDE_BYTES_MAX);
    if (conf->from_objects && store_open(&r->store, conf->store, e) < 0) {
        raw_close(r);
        return -1;
    }
    *ret = r;
    return 0;
}

void raw_close(struct raw *r)
{
    if (r == NULL) {
        return;
    }
    broker_fetch_release(r->conf.broker, &r->fetch);
    store_close(r->store);
    arena_release(&r->aside);
    buf_release(&r->packed);
    buf_release(&r->plain);
    mem_free(r->messages);
    mem_free(r);
}

static int from_topic(struct raw *r, int64_t until, const struct message **ret,
                      size_t *n, struct err *e)
{
    const struct span *s = &r->span;
    size_t k = 0;

    *n = 0;
    if (r->next >= until) {
        return 0;
    }
    if (broker_fetch(r->conf.broker, s->topic, s->partition, r->next,
                     FETCH_BYTES, &r->fetch, e) < 0) {
        return -1;
    }
    /* a gap is for good, an end before the one that was told is not */
    if (r->fetch.n == 0 && r->fetch.end < until) {
        return err_set(e, ERR_BUSY,
                       "topic \"%s\" partition %" PRId32
                       " gives nothing at offset %" PRId64
                       " yet, and ends at %" PRId64,
                       s->topic, s->partition, r->next, until);
    }
    while (k < r->fetch.n && r->fetch.messages[k].offset < until) {
        k++;
    }
    r->next = k < r->fetch.n || r->fetch.n == 0 ? until : r->fetch.next;
    *ret = r->fetch.messages;
    *n = k;
    return 0;
}

static int add(struct raw *r, const struct message *m, struct err *e)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 1024;
        struct message *p = mem_resize(r->messages, cap, sizeof(*p));

        if (p == NULL) {
            return err_nomem(e, cap * sizeof(*p));
        }
        r->messages = p;
        r->cap = cap;
    }
    r->messages[r->n++] = *m;
    return 0;
}

struct collect {
    struct raw *raw;
    struct err *e;
    int rc;
};

/* Put a dead letter of the objects sink where its offset is. */
static bool collect_letter(void *arg, const struct deadletter *d)
{
    struct collect *c = arg;
    struct message m = {.offset = d->offset, .has_value = d->has_payload};

    c->rc = arena_copy(&c->raw->aside, d->payload, &m.value, c->e);
    if (c->rc == 0) {
        c->rc = add(c->raw, &m, c->e);
    }
    return c->rc == 0;
}

static int read_aside(struct raw *r, const struct span *object, struct err *e)
{
    struct deadletter_filter f = DEADLETTER_ANY;
    struct collect c = {r, e, 0};

    f.pipeline = r->conf.pipeline;
    f.topic = object->topic;
    f.epoch = object->epoch;
    f.partition = object->partition;
    f.from = object->from;
    f.to = object->to;
    arena_reset(&r->aside);
    if (ledger_letters(r->conf.ledger, &f, collect_letter, &c, e) < 0) {
        return -1;
    }
    return c.rc;
}

/* The object's bytes under either name; ERR_NOTFOUND. */
static int fetch_object(struct raw *r, const struct span *object,
                        char key[STORE_KEY_MAX + 1], bool *ret_gzip,
                        struct err *e)
{
    char encoded[32];

    (void)snprintf(encoded, sizeof(encoded), "partition=%" PRId32,
                   object->partition);
    for (int i = 0; i < 2; i++) {
        struct err why = {0};

        *ret_gzip = (i == 0) == r->conf.gzip;
        if (sink_objects_key(r->conf.objects, object, encoded, *ret_gzip, key,
                             e) < 0) {
            return -1;
        }
        if (store_get(r->store, key, &r->packed, &why) == 0) {
            return 0;
        }
        if (why.code != ERR_NOTFOUND) {
            *e = why;
            return -1;
        }
    }
    return err_set(e, ERR_CORRUPT,
                   "object \"%s\" in \"%s\" is missing; restore it, or run "
                   "the batch with --from topics",
                   key, store_name(r->store));
}

static int object_text(struct raw *r, const struct span *object,
                       char key[STORE_KEY_MAX + 1], struct slice *ret,
                       struct err *e)
{
    bool gzip;

    buf_clear(&r->packed);
    buf_clear(&r->plain);
    if (fetch_object(r, object, key, &gzip, e) < 0) {
        return -1;
    }
    if (!gzip) {
        *ret = buf_slice(&r->packed);
        return 0;
    }
    if (compress_unpack(COMPRESS_GZIP, buf_slice(&r->packed), &r->plain, e) <
        0) {
        return err_wrap(e, "object \"%s\" in \"%s\"", key,
                        store_name(r->store));
    }
    *ret = buf_slice(&r->plain);
    return 0;
}

/* The values of an object laid out as one array, one a line. */
static int array_to_lines(struct raw *r, struct slice *text, struct err *e)
{
    struct json_doc d = {0};
    struct buf lines;
    yyjson_val *v;
    size_t i;
    size_t max;
    int rc = -1;

    buf_init(&lines, OBJECT_BYTES_MAX);
    if (json_parse(&d, *text, 0, NULL, e) < 0) {
        goto out;
    }
    yyjson_arr_foreach(d.root, i, max, v)
    {
        if (json_print(&lines, v, 0, e) < 0 || buf_putc(&lines, '\n', e) < 0) {
            goto out;
        }
    }
    buf_release(&r->plain);
    r->plain = lines;
    buf_init(&lines, OBJECT_BYTES_MAX);
    *text = buf_slice(&r->plain);
    rc = 0;
out:
    json_release(&d);
    buf_release(&lines);
    return rc;
}

/* Lines take, in order, the offsets that no dead letter has. */
static int merge_lines(struct raw *r, const struct span *object,
                       struct slice text, struct err *e)
{
    size_t letters = r->n;
    size_t letter = 0;
    int64_t offset = object->from;

    while (text.len > 0) {
        struct message m = {.has_value = true};

        (void)slice_cut(&text, '\n', &m.value);
        while (letter < letters && r->messages[letter].offset == offset) {
            letter++;
            offset++;
        }
        m.offset = offset++;
        if (add(r, &m, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    int64_t x = ((const struct message *)a)->offset;
    int64_t y = ((const struct message *)b)->offset;

    return (x > y) - (x < y);
}

/* Keep messages at or after r->next and before the span's end. */
static void trim(struct raw *r)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->n; i++) {
        if (r->messages[i].offset >= r->next &&
            r->messages[i].offset < r->span.to) {
            r->messages[kept++] = r->messages[i];
        }
    }
    r->n = kept;
}

static int read_object(struct raw *r, const struct ledger_row *row,
                       struct err *e)
{
    struct span object = row->span;
    char key[STORE_KEY_MAX + 1];
    struct slice text = {0};

    object.topic = r->span.topic;
    object.epoch = r->span.epoch;
    object.partition = r->span.partition;
    r->n = 0;
    if (object.from >= r->span.to) { /* retention took the rest */
        r->next = r->span.to;
        return 0;
    }
    if (row->counts.rejected + row->counts.skipped > 0 &&
        read_aside(r, &object, e) < 0) {
        return -1;
    }
    if (row->counts.cleaned > 0) {
        size_t letters = r->n;

        if (object_text(r, &object, key, &text, e) < 0) {
            return -1;
        }
        if (strcmp(row->made_by, "array") == 0 &&
            array_to_lines(r, &text, e) < 0) {
            return err_wrap(e, "object \"%s\"", key);
        }
        if (merge_lines(r, &object, text, e) < 0) {
            return -1;
        }
        if ((int64_t)(r->n - letters) != row->counts.cleaned) {
            return err_set(e, ERR_CORRUPT,
                           "object \"%s\" has %zu lines, but %" PRId64
                           " were written; restore it, or run the batch with "
                           "--from topics",
                           key, r->n - letters, row->counts.cleaned);
        }
        if (letters > 0) {
            qsort(r->messages, r->n, sizeof(*r->messages), by_offset);
        }
    }
    trim(r);
    r->next = object.to;
    return 0;
}

/* What lies in several objects is read from the topic, up to its end. */
static int from_places(struct raw *r, const struct ledger_row *row,
                       struct err *e)
{
    const struct message *m;
    int64_t to = row->span.to < r->span.to ? row->span.to : r->span.to;
    size_t n;
    int rc = from_topic(r, to, &m, &n, e);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = add(r, &m[i], e);
    }
    return rc;
}

/*
 * Where the messages from r->next on are still in the topic although this
 * ledger does not know them: objects of a process with a ledger of its own
 * (docs/decisions/0103).  *ret: up to there; r->next: nowhere.
 */
static int elsewhere(const struct raw *r, const struct ledger_row *row,
                     bool known, int64_t *ret, struct err *e)
{
    int64_t to = known ? row->span.from : r->span.to;
    int64_t begin = 0;
    int64_t end = 0;

    *ret = r->next;
    if (to <= r->next) {
        return 0;
    }
    if (broker_offsets(r->conf.broker, r->span.topic, r->span.partition, &begin,
                       &end, e) < 0) {
        return -1;
    }
    if (begin < to) {
        *ret = to < r->span.to ? to : r->span.to;
    }
    return 0;
}

static int from_objects(struct raw *r, const struct message **ret, size_t *n,
                        struct err *e)
{
    *n = 0;
    r->n = 0;
    while (r->next < r->span.to && r->n == 0) {
        struct ledger_row row = {0};
        int64_t until = r->next;
        bool known = ledger_find(r->conf.ledger, r->conf.pipeline, &r->span,
                                 r->next, &row, e) == 0;

        if ((!known && e->code != ERR_NOTFOUND) ||
            (r->conf.others && elsewhere(r, &row, known, &until, e) < 0)) {
            return err_wrap(e, "topic \"%s\" offset %" PRId64, r->span.topic,
                            r->next);
        }
        if (until > r->next) {
            int rc = from_topic(r, until, ret, n, e);

            if (rc < 0 || *n > 0) {
                return rc;
            }
            continue;
        }
        if (!known) {
            return err_wrap(e, "topic \"%s\" offset %" PRId64, r->span.topic,
                            r->next);
        }
        if (strcmp(row.made_by, "places") == 0 ? from_places(r, &row, e) < 0
                                               : read_object(r, &row, e) < 0) {
            return -1;
        }
    }
    *ret = r->messages;
    *n = r->n;
    return 0;
}

int raw_next(struct raw *r, const struct message **ret, size_t *n,
             struct err *e)
{
    return r->conf.from_objects ? from_objects(r, ret, n, e)
                                : from_topic(r, r->span.to, ret, n, e);
}
